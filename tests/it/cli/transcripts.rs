//! Command lines with what they print, as a user would see them: the files in `transcripts/`.
//!
//! A file holds cases. A line at the margin names a case; its steps follow, indented by two blanks:
//!
//! ```text
//! push one file to a layout
//!   ! printf 'hello\n' > hi.txt
//!   $ oras push --oci-layout L:v1 hi.txt
//!   | Pushed [oci-layout] L:v1
//!   = 1 error
//!   ? ls L
//!   | blobs
//! ```
//!
//! `!` prepares and must succeed, `$` is compared, `?` looks at what is on disk or in a registry. Lines with `|`
//! are expected on standard output (`\` at the end: without a line feed), `=` gives the exit status and what
//! standard error says: nothing, a notice, an error, or an error of the registry; without it that is `0 nothing`.
//! `$REG` is a registry without the referrers API that deletes no tags, `$REF` one that has it as it was before 1.1,
//! with blobs that all repositories share, and `$AUTH` one that wants alice with wonderland. `$CREATED` fixes the
//! time of manifests, and so their digests.

use std::{fmt::Write as _, path::Path, sync::Mutex};

use crate::support::{Test, TestRegistry, cli, expect, registry::Referrers};

const CREATED: &str = "-a org.opencontainers.image.created=2020-01-01T00:00:00Z";

macro_rules! transcripts {
    ($($name:ident),* $(,)?) => {$(
        #[test]
        fn $name() {
            replay(stringify!($name));
        }
    )*};
}

transcripts!(attach, backup, blob, cp, discover, login, manifest, other, pull, push, repo, restore, tag);

#[derive(Debug, Default)]
struct Case {
    name: String,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    kind: char,
    command: String,
    stdout: String,
    status: (i32, String),
}

fn replay(file: &str) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cli/transcripts").join(format!("{file}.txt"));
    let cases = parse(&std::fs::read_to_string(&path).unwrap());
    assert!(!cases.is_empty(), "{}: no cases", path.display());
    let (queue, failures) = (Mutex::new(cases.iter()), Mutex::new(String::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().unwrap().next() else { break };
                    if let Err(failure) = run(case) {
                        writeln!(failures.lock().unwrap(), "{}\n{failure}\n", case.name).unwrap();
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{failures}");
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some(step) = line.strip_prefix("  ") else {
            cases.push(Case { name: line.to_owned(), steps: Vec::new() });
            continue;
        };
        let steps = &mut cases.last_mut().expect("a case has a name").steps;
        let (kind, rest) = (step.chars().next().unwrap(), step.get(2..).unwrap_or_default());
        match kind {
            '!' | '$' | '?' => {
                steps.push(Step {
                    kind,
                    command: rest.to_owned(),
                    stdout: String::new(),
                    status: (0, "nothing".to_owned()),
                });
            }
            '|' => {
                let stdout = &mut steps.last_mut().unwrap().stdout;
                match rest.strip_suffix('\\') {
                    Some(open) => stdout.push_str(open),
                    None => stdout.push_str(&format!("{rest}\n")),
                }
            }
            '=' => {
                let (code, said) = rest.split_once(' ').unwrap();
                steps.last_mut().unwrap().status = (code.parse().unwrap(), said.to_owned());
            }
            _ => panic!("{line:?}: a step begins with one of ! $ ? | ="),
        }
    }
    cases
}

fn run(case: &Case) -> Result<(), String> {
    let test = Test::new();
    let mentions = |variable: &str| {
        let braced = variable.replace('$', "${");
        case.steps.iter().any(|step| step.command.contains(variable) || step.command.contains(&braced))
    };
    let mut registries = Vec::new();
    for (variable, placeholder, builder) in [
        ("$REG", "[REGISTRY]", TestRegistry::builder().referrers(Referrers::Off).without_tag_deletes()),
        (
            "$REF",
            "[REFERRERS]",
            TestRegistry::builder()
                .referrers(Referrers::ReleaseCandidate)
                .shares_blobs()
                .without_content_checks(),
        ),
        ("$AUTH", "[LOCKED]", TestRegistry::builder().referrers(Referrers::Off).basic("alice", "wonderland")),
    ] {
        if mentions(variable) {
            let registry = builder.start_blocking();
            let host = format!("localhost:{}", registry.address().port());
            test.names(&host, placeholder).set(&variable[1..], host);
            registries.push(registry);
        }
    }
    let repository: String =
        case.name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let repository: Vec<&str> = repository.split('-').filter(|part| !part.is_empty()).collect();
    test.set("REPO", repository.join("-")).set("CREATED", CREATED);
    test.set("ORAS_BIN", cli::binary().to_str().unwrap());
    for step in &case.steps {
        let outcome = test.shell(&format!("oras() {{ \"$ORAS_BIN\" \"$@\"; }}; {}", step.command));
        let said = match &*outcome.stderr {
            "" => "nothing",
            text if text.lines().any(|line| line.starts_with("Error response from registry:")) => {
                "registry error"
            }
            text if text.lines().any(|line| line.starts_with("Error")) => "error",
            _ => "notice",
        };
        let fail = |reason: String| {
            format!("  {} {}\n{reason}\n--- stderr\n{}", step.kind, step.command, outcome.stderr)
        };
        let status = (outcome.code.unwrap_or(-1), said.to_owned());
        match step.kind {
            '!' if status.0 != 0 => return Err(fail(format!("preparation failed with {}", status.0))),
            '$' if status != step.status => {
                return Err(fail(format!(
                    "expected {:?}, got {status:?}\n--- stdout\n{}",
                    step.status, outcome.stdout
                )));
            }
            '$' | '?' => expect::compare(&step.stdout, &outcome.stdout).map_err(fail)?,
            _ => {}
        }
    }
    Ok(())
}
