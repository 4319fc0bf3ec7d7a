//! Commands that are killed at any moment, many times over, and run again: every byte is compared.
//!
//! `killed` does so at each request; here the moment is a time. `ORAS_CRASH_ROUNDS` says how often each
//! command is killed.

use std::{
    fs,
    time::{Duration, Instant},
};

use oras::oci::Digest;

use super::killed::assert_layout_is_whole;
use crate::support::{Fault, Test, TestRegistry};

const LARGE: usize = 5 << 20;

/// How often each command is killed, of which so many are done in a short run.
fn rounds(short: u32) -> u32 {
    std::env::var("ORAS_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}

/// Moments that are spread evenly over the time that a command takes, in an order that looks random.
struct Moments {
    longest: Duration,
    state: u32,
}

impl Moments {
    /// Measures how long the command takes when it is left alone.
    fn of(command: impl FnOnce()) -> Self {
        let begun = Instant::now();
        command();
        Self { longest: begun.elapsed(), state: 0 }
    }

    fn next(&mut self) -> Duration {
        // Multiples of the golden ratio leave no gaps.
        self.state = self.state.wrapping_add(0x9e37_79b9);
        self.longest.mul_f64(f64::from(self.state) / f64::from(u32::MAX))
    }
}

/// Starts a command and kills it after so long.
fn kill_after(test: &Test, arguments: &[&str], moment: Duration) {
    let mut running = test.start(arguments);
    // The moment is what is tried, so it is a time, and not something that happened.
    std::thread::sleep(moment);
    running.kill();
    running.wait();
}

fn content() -> Vec<u8> {
    (0..LARGE).map(|at| u8::try_from(at * 7 / 1000 % 251).unwrap()).collect()
}

/// A registry with an artifact and what is attached to it, whose bodies take some time.
fn registry(test: &Test) -> TestRegistry {
    let registry = TestRegistry::start_blocking();
    test.names(&registry.host(), "[REGISTRY]");
    let app = registry.content("app");
    let root = app.insert_artifact("a/b", &[("large.bin", &content()), ("small.txt", b"small")]);
    app.tag("v1", &root);
    let sbom = app.insert_referrer(&root, "sbom/example", &[("sbom.bin", &content()[1 << 20..])]);
    app.insert_referrer(&sbom, "signature/example", &[("sig", b"sig")]);
    registry.on("GET", "*/blobs/*").always().then(Fault::drip(256 << 10, Duration::from_millis(2)));
    registry
}

#[test]
fn a_pull_that_is_killed_at_any_moment_is_done_by_the_next() {
    let test = Test::new();
    let registry = registry(&test);
    let pull = ["pull", "[REGISTRY]/app:v1", "-o", "out"];
    let mut moments = Moments::of(|| drop(test.oras(pull).succeeds()));
    let content = content();
    registry.forget_requests();
    for _ in 0..rounds(30) {
        fs::remove_dir_all(test.path("out")).unwrap();
        kill_after(&test, &pull, moments.next());
        if test.exists("out/large.bin") {
            assert!(test.read("out/large.bin") == content, "it had its name before it was whole");
        }
        test.oras(pull).succeeds();
        assert!(test.read("out/large.bin") == content);
        assert_eq!(test.read("out/small.txt"), b"small");
        assert_eq!(test.files("out"), ["large.bin", "small.txt"], "nothing is left behind");
    }
    let resumed = registry.requests().iter().filter(|request| request.header("range").is_some()).count();
    assert!(resumed > 0, "at least one of the runs went on where another was killed");
}

#[test]
fn a_copy_to_a_layout_that_is_killed_at_any_moment_is_done_by_the_next() {
    let test = Test::new();
    let registry = registry(&test);
    let copy = ["cp", "-r", "[REGISTRY]/app:v1", "--to-oci-layout", "layout:v1"];
    let mut moments = Moments::of(|| drop(test.oras(copy).succeeds()));
    let expected = test.files("layout/blobs/sha256");
    assert_eq!(expected.len(), registry.content("app").manifests().len() + 5);
    for _ in 0..rounds(30) {
        fs::remove_dir_all(test.path("layout")).unwrap();
        kill_after(&test, &copy, moments.next());
        assert_layout_is_whole(&test.path("layout"));
        test.oras(copy).succeeds();
        assert_layout_is_whole(&test.path("layout"));
        assert_eq!(test.files("layout/blobs/sha256"), expected);
        let others: Vec<_> =
            test.files("layout").into_iter().filter(|name| !name.starts_with("blobs/sha256/")).collect();
        assert_eq!(others, ["index.json", "oci-layout"], "nothing is left behind");
        assert_eq!(test.layout("layout").tags(), ["v1"]);
    }
    let tree = test.oras(["discover", "--oci-layout", "layout:v1"]).succeeds().stdout;
    assert!(tree.contains("sbom/example") && tree.contains("signature/example"), "{tree}");
}

#[test]
fn an_attach_to_a_layout_that_is_killed_at_any_moment_loses_nothing() {
    let test = Test::new();
    test.write("hello.txt", "hello");
    test.write("attached.bin", content());
    test.oras(["push", "--oci-layout", "layout:v1", "hello.txt"]).succeeds();
    let attach = |at: u32| format!("a/b={at}");
    let arguments = |note: &str| -> Vec<String> {
        let created = "org.opencontainers.image.created=2026-01-02T03:04:05Z";
        [
            "attach",
            "--oci-layout",
            "layout:v1",
            "--artifact-type",
            "a/b",
            "-a",
            created,
            "-a",
            note,
            "attached.bin",
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let mut moments = Moments::of(|| drop(test.oras(arguments("first=0")).succeeds()));
    let count = rounds(40);
    for at in 0..count {
        let note = attach(at);
        let arguments = arguments(&note);
        kill_after(&test, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), moments.next());
        assert_layout_is_whole(&test.path("layout"));
        test.oras(arguments).succeeds();
    }
    assert_layout_is_whole(&test.path("layout"));
    let tree = test.oras(["discover", "--oci-layout", "layout:v1", "--format", "json"]).succeeds().json();
    // Each is there once, however often it was tried, since the same files and times make the same manifest.
    assert_eq!(tree["referrers"].as_array().unwrap().len(), usize::try_from(count).unwrap() + 1);
    // The manifest of the push, its file and the empty config, the attached file, and a manifest for each.
    assert_eq!(test.files("layout/blobs/sha256").len(), 4 + usize::try_from(count).unwrap() + 1);
}

#[test]
fn a_backup_to_a_tar_that_is_killed_at_any_moment_is_done_by_the_next() {
    let test = Test::new();
    let registry = registry(&test);
    let backup = ["backup", "--include-referrers", "[REGISTRY]/app:v1", "-o", "backup.tar"];
    let mut moments = Moments::of(|| drop(test.oras(backup).succeeds()));
    let expected = Digest::of(&test.read("backup.tar"));
    registry.forget_requests();
    let (mut fetched, count) = (0, rounds(30));
    let blobs = "GET /v2/app/blobs/*";
    for at in 0..count {
        if at % 2 == 0 {
            fs::remove_file(test.path("backup.tar")).unwrap();
        }
        kill_after(&test, &backup, moments.next());
        if test.exists("backup.tar") {
            assert_eq!(Digest::of(&test.read("backup.tar")), expected, "it had its name before it was whole");
        }
        fetched += registry.count(blobs);
        registry.forget_requests();
        test.oras(backup).succeeds();
        assert_eq!(Digest::of(&test.read("backup.tar")), expected);
        assert_eq!(test.files("."), ["backup.tar"], "nothing is left behind");
        fetched += registry.count(blobs);
        registry.forget_requests();
    }
    // Five blobs each; those of a killed run would be fetched again if nothing of it were taken over.
    let least = usize::try_from(count).unwrap() * 5;
    assert!(fetched < least * 2, "{fetched} requests");
}

#[test]
fn a_push_that_is_killed_at_any_moment_is_done_by_the_next() {
    let test = Test::new();
    let registry = TestRegistry::start_blocking();
    test.names(&registry.host(), "[REGISTRY]");
    test.write("large.bin", content());
    test.write("small.txt", "small");
    let push = ["push", "[REGISTRY]/app:v1", "large.bin", "small.txt"];
    let mut moments = Moments::of(|| drop(test.oras(push).succeeds()));
    let app = registry.content("app");
    for _ in 0..rounds(30) {
        for digest in app.manifests() {
            app.remove_manifest(&digest);
        }
        for digest in app.blobs() {
            app.remove_blob(&digest);
        }
        kill_after(&test, &push, moments.next());
        // A manifest is there only when all that it names is.
        assert!(app.manifests().is_empty() || app.blobs().len() == 3);
        test.oras(push).succeeds();
        assert!(app.blob(&Digest::of(&content())).unwrap() == content());
        assert!(app.tagged("v1").is_some());
    }
}
