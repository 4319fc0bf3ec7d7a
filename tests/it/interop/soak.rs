//! Many users at once on a bad network: whatever a command has reported as done is there in the end.
//!
//! A short run by default; `ORAS_SOAK_OPERATIONS` and `ORAS_SOAK_SECONDS` (whichever ends first) make it longer.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    Fault, Gate, Outcome, Test, TestRegistry,
    registry::Answer,
    server::{self, Server},
};

/// Users, each a row of commands in a folder of its own.
const USERS: usize = 8;
const REPOSITORIES: u64 = 3;
/// Operations of a short run.
const SHORT: usize = 64;
/// How much of the traffic goes wrong in each of six ways: 5 % in all.
const SHARE: f64 = 0.05 / 6.0;

/// An artifact that a command has reported as pushed, attached or copied.
#[derive(Debug, Clone)]
struct Artifact {
    /// Its repository, as it stands in a reference.
    repository: String,
    digest: String,
    /// Title and content of its file.
    file: (String, Arc<Vec<u8>>),
    /// What it is attached to.
    subject: Option<String>,
}

impl Artifact {
    fn reference(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}

/// What all users know.
#[derive(Default)]
struct Ledger {
    artifacts: Mutex<Vec<Artifact>>,
    /// Repository, tag, and the digest it was last reported to have.
    tags: Mutex<Vec<(String, String, String)>>,
    done: AtomicUsize,
    refused: AtomicUsize,
    complaints: Mutex<Vec<String>>,
}

impl Ledger {
    fn pick(&self, random: &mut Random) -> Option<Artifact> {
        let artifacts = self.artifacts.lock().unwrap();
        (!artifacts.is_empty()).then(|| artifacts[random.below(artifacts.len())].clone())
    }

    /// Takes out an artifact of one user that nothing is attached to, so that it can be deleted.
    fn take_leaf(&self, owner: usize, random: &mut Random) -> Option<Artifact> {
        let mut artifacts = self.artifacts.lock().unwrap();
        let subjects: BTreeSet<_> =
            artifacts.iter().filter_map(|artifact| artifact.subject.clone()).collect();
        let tagged: BTreeSet<_> =
            self.tags.lock().unwrap().iter().map(|(_, _, digest)| digest.clone()).collect();
        // Only what its owner has made as a leaf is deleted: nobody else attaches to it or copies it.
        let prefix = format!("leaf-{owner}-");
        let leaves: Vec<_> = (0..artifacts.len())
            .filter(|&at| {
                let artifact = &artifacts[at];
                artifact.file.0.starts_with(&prefix)
                    && !subjects.contains(&artifact.digest)
                    && !tagged.contains(&artifact.digest)
            })
            .collect();
        (!leaves.is_empty()).then(|| artifacts.remove(leaves[random.below(leaves.len())]))
    }
}

/// Numbers that look random and are the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most);
        std::iter::repeat_with(|| self.next().to_be_bytes()[0]).take(length).collect()
    }
}

/// One user.
struct User<'a> {
    number: usize,
    test: Test,
    ledger: &'a Ledger,
    host: String,
    random: Random,
    count: usize,
}

impl User<'_> {
    /// Runs a command. A refusal is allowed if it is a proper one.
    fn run(&self, arguments: &[&str]) -> Option<Outcome> {
        let outcome = self.test.oras(arguments);
        if outcome.code == Some(0) {
            self.ledger.done.fetch_add(1, Ordering::SeqCst);
            return Some(outcome);
        }
        self.ledger.refused.fetch_add(1, Ordering::SeqCst);
        if outcome.code != Some(1)
            || !outcome.stderr.starts_with("Error")
            || outcome.stderr.contains("panicked")
        {
            self.ledger.complaints.lock().unwrap().push(format!("{outcome:#?}"));
        }
        None
    }

    fn repository(&mut self) -> String {
        format!("{}/soak-{}", self.host, self.random.next() % REPOSITORIES)
    }

    fn new_file(&mut self, kind: &str) -> (String, Arc<Vec<u8>>) {
        self.count += 1;
        let name = format!("{kind}-{}-{}", self.number, self.count);
        let content = self.random.bytes(150_000);
        self.test.write(&name, &content);
        (name, Arc::new(content))
    }

    fn act(&mut self) {
        match self.random.below(10) {
            0..=2 => self.push("file"),
            3 => self.push("leaf"),
            4..=5 => self.attach(),
            6 => self.copy(),
            7 => self.tag(),
            8 => self.delete(),
            _ => self.pull(),
        }
    }

    fn push(&mut self, kind: &str) {
        let (repository, file) = (self.repository(), self.new_file(kind));
        let outcome = self.run(&["push", &repository, &file.0, "--format", "json"]);
        self.note(outcome.as_ref(), repository, file, None);
    }

    fn attach(&mut self) {
        let Some(subject) = self.ledger.pick(&mut self.random).filter(is_kept) else { return };
        let file = self.new_file("file");
        let arguments =
            ["attach", &subject.reference(), "--artifact-type", "soak/attached", &file.0, "--format", "json"];
        let outcome = self.run(&arguments);
        self.note(outcome.as_ref(), subject.repository, file, Some(subject.digest));
    }

    fn note(
        &self,
        outcome: Option<&Outcome>,
        repository: String,
        file: (String, Arc<Vec<u8>>),
        subject: Option<String>,
    ) {
        let Some(outcome) = outcome else { return };
        let digest = outcome.json()["digest"].as_str().unwrap().to_owned();
        self.ledger.artifacts.lock().unwrap().push(Artifact { repository, digest, file, subject });
    }

    fn copy(&mut self) {
        let Some(root) = self.ledger.pick(&mut self.random).filter(is_kept) else { return };
        let known: Vec<_> = self.ledger.artifacts.lock().unwrap().clone();
        let repository = self.repository();
        if repository == root.repository {
            return;
        }
        let target = format!("{repository}@{}", root.digest);
        if self.run(&["cp", "-r", &root.reference(), &target]).is_none() {
            return;
        }
        // Whatever was attached before the copy began is at the target now, to any depth.
        let mut copied = vec![root.clone()];
        let mut reached = BTreeSet::from([root.digest.clone()]);
        for artifact in &known {
            let attached = artifact.subject.as_ref().is_some_and(|subject| reached.contains(subject));
            if attached && artifact.repository == root.repository && is_kept(artifact) {
                reached.insert(artifact.digest.clone());
                copied.push(artifact.clone());
            }
        }
        let mut artifacts = self.ledger.artifacts.lock().unwrap();
        for artifact in copied {
            // A subject that came along from above the root is not followed.
            let subject = artifact.subject.clone().filter(|subject| reached.contains(subject));
            let moved = Artifact { repository: repository.clone(), subject, ..artifact };
            let known = artifacts.iter().any(|other| other.reference() == moved.reference());
            if !known {
                artifacts.push(moved);
            }
        }
    }

    fn tag(&mut self) {
        let Some(artifact) = self.ledger.pick(&mut self.random).filter(is_kept) else { return };
        self.count += 1;
        let tag = format!("tag-{}-{}", self.number, self.count);
        if self.run(&["tag", &artifact.reference(), &tag]).is_some() {
            self.ledger.tags.lock().unwrap().push((artifact.repository, tag, artifact.digest));
        }
    }

    fn delete(&mut self) {
        let Some(artifact) = self.ledger.take_leaf(self.number, &mut self.random) else { return };
        self.run(&["manifest", "delete", "--force", &artifact.reference()]);
    }

    fn pull(&mut self) {
        let Some(artifact) = self.ledger.pick(&mut self.random).filter(is_kept) else { return };
        self.count += 1;
        let folder = format!("pulled-{}", self.count);
        if self.run(&["pull", &artifact.reference(), "-o", &folder]).is_some() {
            check_pulled(&self.test, &folder, &artifact);
        }
    }
}

/// Is it none of those that their owner may delete at any time?
fn is_kept(artifact: &Artifact) -> bool {
    !artifact.file.0.starts_with("leaf-")
}

fn check_pulled(test: &Test, folder: &str, artifact: &Artifact) {
    let (name, content) = &artifact.file;
    assert!(
        test.read(&format!("{folder}/{name}")) == **content,
        "{} came back otherwise",
        artifact.reference()
    );
}

/// Lets the network fail in six ways; in a long run now and then also in a seventh: a body that stops for good,
/// which costs the client its patience of a minute.
fn spoil(registry: &TestRegistry, is_long: bool) {
    if is_long {
        let never = Gate::new();
        registry.on("GET", "*").sometimes(SHARE / 20.0, 17).then(Fault::stall_after(500, &never));
        registry.on("PUT,HEAD,POST", "*").sometimes(SHARE / 20.0, 18).then(Fault::stall(&never));
    }
    registry.on("*", "*").sometimes(SHARE, 11).then(Fault::status(503));
    registry
        .on("*", "*")
        .sometimes(SHARE, 12)
        .then(Fault::answer(Answer::new(502).body("<html>bad gateway</html>")));
    registry.on("*", "*").sometimes(SHARE, 13).then(Fault::reset());
    registry.on("*", "*").sometimes(SHARE, 14).then(Fault::lose_answer());
    registry.on("GET", "*").sometimes(SHARE * 2.0, 15).then(Fault::reset_after(1000));
    registry.on("*", "*").sometimes(SHARE, 16).then(Fault::delay(Duration::from_secs(2)));
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn soak(server: &Server) {
    let (most, seconds) = (number("ORAS_SOAK_OPERATIONS", SHORT), number("ORAS_SOAK_SECONDS", 1800));
    let deadline = Instant::now() + Duration::from_secs(seconds as u64);
    let front = TestRegistry::builder().in_front_of(&format!("http://{}", server.host())).start_blocking();
    spoil(&front, most > SHORT);
    let (ledger, begun) = (Arc::new(Ledger::default()), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..USERS {
            let (ledger, front, begun) = (&ledger, &front, &begun);
            scope.spawn(move || {
                let random = Random(0x9e37_79b9 + number as u64);
                let mut user =
                    User { number, test: Test::new(), ledger, host: front.host(), random, count: 0 };
                while begun.fetch_add(1, Ordering::SeqCst) < most && Instant::now() < deadline {
                    user.act();
                    front.forget_requests();
                }
            });
        }
    });
    front.heal();
    let complaints = ledger.complaints.lock().unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    check(&ledger);
}

/// Every artifact is whole and found, by its digest, by its tags and among its subject's referrers.
fn check(ledger: &Ledger) {
    let test = Test::new();
    let (done, refused) = (ledger.done.load(Ordering::SeqCst), ledger.refused.load(Ordering::SeqCst));
    assert!(done > refused * 4, "{done} commands succeeded and {refused} did not");
    eprintln!("soak: {done} commands succeeded, {refused} were refused with a reason");
    let artifacts = ledger.artifacts.lock().unwrap();
    for (at, artifact) in artifacts.iter().enumerate() {
        let folder = format!("pulled-{at}");
        test.oras(["pull", &artifact.reference(), "-o", &folder]).succeeds();
        check_pulled(&test, &folder, artifact);
    }
    let subjects: BTreeSet<_> = artifacts
        .iter()
        .filter_map(|artifact| Some((artifact.repository.clone(), artifact.subject.clone()?)))
        .collect();
    for (repository, subject) in subjects {
        let attached = artifacts.iter().filter(|artifact| {
            artifact.repository == repository && artifact.subject.as_ref() == Some(&subject)
        });
        let tree = test.oras(["discover", &format!("{repository}@{subject}"), "--format", "json"]).succeeds();
        for artifact in attached {
            assert!(tree.stdout.contains(&artifact.digest), "{} is not among {tree:?}", artifact.reference());
        }
    }
    for (repository, tag, digest) in ledger.tags.lock().unwrap().iter() {
        let outcome = test.oras(["resolve", &format!("{repository}:{tag}")]).succeeds();
        assert_eq!(outcome.stdout.trim(), digest);
    }
}

#[test]
fn what_was_reported_as_done_is_there_after_a_bad_day() {
    if let Some(server) = server::distribution() {
        soak(&server);
    }
}
