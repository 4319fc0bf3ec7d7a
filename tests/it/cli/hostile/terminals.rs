//! Text from elsewhere that would control a terminal, or forge lines.

use oras::oci::{Annotations, Descriptor, ImageManifest, media_type};
use serde_json::json;

use super::{Fault, Outcome, artifact_of, pull, scene, titled};
use crate::support::registry::{Answer, Referrers, TestRegistry};

/// Sets the title of a terminal's window, clears it, turns text, and begins a line.
const EVIL: &str = "x\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\r";

#[track_caller]
fn is_harmless(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let harmful = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || c == '\u{202e}';
        assert!(!text.contains(harmful), "{outcome:#?}");
    }
}

#[test]
fn a_title_cannot_control_a_terminal() {
    let (test, registry) = scene();
    let title = format!("{EVIL}\nPulled something");
    artifact_of(&registry, vec![titled(&title, b"hi"), titled("other", b"there")]);
    let outcome = pull(&test).succeeds().stdout_contains("x\\u{1b}]0;owned");
    is_harmless(&outcome);
    assert_eq!(outcome.stdout.lines().filter(|line| line.starts_with("Pulled ")).count(), 1, "{outcome:#?}");
    let copy = ["cp", "--from-plain-http", "[REGISTRY]/app:v1", "--to-oci-layout", "copy:v1"];
    is_harmless(&test.oras(copy).succeeds());
    is_harmless(&test.oras(["backup", "[REGISTRY]/app:v1", "--plain-http", "--output", "saved"]).succeeds());
    // Nor in an error.
    artifact_of(&registry, vec![titled(&title, b"one"), titled(&title, b"two")]);
    is_harmless(&pull(&test).fails());
    artifact_of(&registry, vec![titled(&format!("../{title}"), b"one")]);
    is_harmless(&pull(&test).fails());
}

#[test]
fn a_progress_bar_shows_no_title_that_controls_it() {
    let (test, registry) = scene();
    artifact_of(&registry, vec![titled(EVIL, b"hi")]);
    let terminal = test.start_in_terminal(80, ["pull", "[REGISTRY]/app:v1", "--plain-http", "-o", "out"]);
    let shown = terminal.wait();
    assert_eq!(shown.code, Some(0));
    let has = |bytes: &[u8]| shown.written.windows(bytes.len()).any(|window| window == bytes);
    assert!(!has(b"\x1b]0;") && !has(b"\x1b[2J") && !has("\u{9b}".as_bytes()) && !has("\u{202e}".as_bytes()));
    assert!(has(b"owned"));
}

#[test]
fn lists_and_errors_of_a_registry_cannot_control_a_terminal() {
    let (test, registry) = scene();
    artifact_of(&registry, vec![titled("hi.txt", b"hi")]);
    registry
        .on("GET", "/v2/app/tags/list*")
        .always()
        .then(Fault::answer(Answer::json(200, &json!({"name": "app", "tags": [EVIL, "v1"]}))));
    let names = json!({"repositories": [EVIL]});
    registry.on("GET", "/v2/_catalog*").always().then(Fault::answer(Answer::json(200, &names)));
    is_harmless(&test.oras(["repo", "tags", "[REGISTRY]/app", "--plain-http"]).succeeds());
    is_harmless(&test.oras(["repo", "ls", "[REGISTRY]", "--plain-http"]).succeeds());
    for answer in [
        Answer::error(403, EVIL, EVIL),
        Answer::error_with(403, "DENIED", "no", &json!({"reason": EVIL})),
        Answer::new(403).header("content-type", "text/html").body(format!("<title>{EVIL}</title>")),
        Answer::new(403).header("content-type", "text/plain").body(EVIL),
        Answer::new(302).header("location", "http://x\u{9b}/"),
        Answer::new(200).header("warning", b"299 - \"x\x9b31m\""),
        Answer::new(401).header("www-authenticate", b"Bearer realm=\"http://x\x9b/\",error=\"\x9b\""),
    ] {
        registry.heal();
        registry.on("*", "*").always().then(Fault::answer(answer));
        is_harmless(&pull(&test).fails());
        is_harmless(&test.oras(["pull", "[REGISTRY]/app:v1", "--plain-http", "--debug"]).fails());
    }
}

#[test]
fn annotations_of_referrers_cannot_control_a_terminal() {
    let (test, _) = scene();
    let registry = TestRegistry::builder().referrers(Referrers::Api).start_blocking();
    test.names(&registry.host(), "[OTHER]");
    let subject = artifact_of(&registry, vec![titled("hi.txt", b"hi")]);
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: media_type::IMAGE_MANIFEST.to_owned(),
        artifact_type: Some(format!("a/{EVIL}")),
        config: Descriptor::empty(),
        layers: vec![Descriptor::empty()],
        subject: Some(subject.plain()),
        annotations: Annotations::from([
            (EVIL.to_owned(), EVIL.to_owned()),
            ("turned".to_owned(), "a\u{202e}b".to_owned()),
            ("lines".to_owned(), "one\ntwo".to_owned()),
        ]),
    };
    registry.content("app").insert_manifest(media_type::IMAGE_MANIFEST, manifest.to_bytes());
    for format in [&[][..], &["--format", "tree"], &["--format", "table"], &["-o", "table", "-v"]] {
        let line = ["discover", "[OTHER]/app:v1", "--plain-http"].iter().chain(format);
        let outcome = test.oras(line).succeeds().stdout_contains("owned");
        is_harmless(&outcome);
    }
}
