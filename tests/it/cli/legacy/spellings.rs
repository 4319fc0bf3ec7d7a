//! Flags that have another name today, and commands that have one.

use super::{CREATED, prepared, prepared_today, without_api};
use crate::support::{Outcome, Test, TestRegistry};

/// The blob in the image.
const APP: &str = "sha256:a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333";

/// A command line of an older version, the same in today's words, and what is said of the old one.
struct Pair {
    old: &'static str,
    new: &'static str,
    notice: &'static str,
}

const fn pair(old: &'static str, new: &'static str, notice: &'static str) -> Pair {
    Pair { old, new, notice }
}

const PAIRS: &[Pair] = &[
    // S4-2, E01, E54, E56; the same on Windows with NUL is S4-3.
    pair(
        "push [REGISTRY]/art:1.0 --manifest-config /dev/null:application/vnd.unknown.config.v1+json ./artifact.txt:application/vnd.unknown.layer.v1+txt",
        "push [REGISTRY]/art:1.0 --config /dev/null:application/vnd.unknown.config.v1+json ./artifact.txt:application/vnd.unknown.layer.v1+txt",
        "Flag --manifest-config has been deprecated, use --config instead",
    ),
    pair(
        "push [REGISTRY]/art:1.0 ./artifact.txt --manifest-config config.json --artifact-type a/b",
        "push [REGISTRY]/art:1.0 ./artifact.txt --config config.json --artifact-type a/b",
        "Flag --manifest-config has been deprecated, use --config instead",
    ),
    pair(
        "push [REGISTRY]/art:1.0 --manifest-annotations notes.json ./artifact.txt",
        "push [REGISTRY]/art:1.0 --annotation-file notes.json ./artifact.txt",
        "Flag --manifest-annotations has been deprecated, use --annotation-file instead",
    ),
    pair(
        "pull [REGISTRY]/net-monitor:v1 --manifest-config c.json -o out",
        "pull [REGISTRY]/net-monitor:v1 --config c.json -o out",
        "Flag --manifest-config has been deprecated, use --config instead",
    ),
    pair(
        "push -c auth.json [REGISTRY]/art:1.0 ./artifact.txt",
        "push --registry-config auth.json [REGISTRY]/art:1.0 ./artifact.txt",
        "Flag -c has been deprecated, use --registry-config instead",
    ),
    pair(
        "pull -c auth.json [REGISTRY]/net-monitor:v1",
        "pull --registry-config auth.json [REGISTRY]/net-monitor:v1",
        "Flag -c has been deprecated, use --registry-config instead",
    ),
    pair(
        "discover -c auth.json [REGISTRY]/net-monitor:v1",
        "discover --registry-config auth.json [REGISTRY]/net-monitor:v1",
        "Flag --config has been deprecated, use --registry-config instead",
    ),
    pair(
        "discover --config auth.json [REGISTRY]/net-monitor:v1",
        "discover --registry-config auth.json [REGISTRY]/net-monitor:v1",
        "Flag --config has been deprecated, use --registry-config instead",
    ),
    pair(
        "logout --config auth.json [REGISTRY]",
        "logout --registry-config auth.json [REGISTRY]",
        "Flag --config has been deprecated, use --registry-config instead",
    ),
    pair(
        "logout -c auth.json [REGISTRY]",
        "logout --registry-config auth.json [REGISTRY]",
        "Flag --config has been deprecated, use --registry-config instead",
    ),
    pair(
        "login -k -u alice --password-stdin [REGISTRY]",
        "login --insecure -u alice --password-stdin [REGISTRY]",
        "Flag -k has been deprecated, use --insecure instead",
    ),
    pair(
        "login --config auth.json -u alice --password-stdin [REGISTRY]",
        "login --registry-config auth.json -u alice --password-stdin [REGISTRY]",
        "Flag --config has been deprecated, use --registry-config instead",
    ),
    pair(
        "manifest delete -y [REGISTRY]/net-monitor:v1",
        "manifest delete -f [REGISTRY]/net-monitor:v1",
        "Flag --yes has been deprecated, use --force instead",
    ),
    pair(
        "manifest delete --yes [REGISTRY]/net-monitor:v1",
        "manifest delete --force [REGISTRY]/net-monitor:v1",
        "Flag --yes has been deprecated, use --force instead",
    ),
    pair(
        "pull -a [REGISTRY]/net-monitor:v1 -o out",
        "pull [REGISTRY]/net-monitor:v1 -o out",
        "Flag --allow-all has been deprecated, all media types are pulled by default",
    ),
    pair(
        "pull --allow-all [REGISTRY]/net-monitor:v1 -o out",
        "pull [REGISTRY]/net-monitor:v1 -o out",
        "Flag --allow-all has been deprecated, all media types are pulled by default",
    ),
    pair(
        "pull --allow-empty-name [REGISTRY]/net-monitor:v1 -o out",
        "pull [REGISTRY]/net-monitor:v1 -o out",
        "Flag --allow-empty-name has been deprecated, content without a name is never pulled",
    ),
    pair(
        "push [REGISTRY]/art:1.0 --image-spec v1.1-image --artifact-type a/b ./artifact.txt",
        "push [REGISTRY]/art:1.0 --image-spec v1.0 --artifact-type a/b ./artifact.txt",
        "Flag --image-spec v1.1-image has been deprecated, use --image-spec v1.0 instead",
    ),
    pair(
        "push -v [REGISTRY]/art:1.0 ./artifact.txt",
        "push [REGISTRY]/art:1.0 ./artifact.txt",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "attach -v [REGISTRY]/net-monitor:v1 ./sbom.json --artifact-type a/b",
        "attach [REGISTRY]/net-monitor:v1 ./sbom.json --artifact-type a/b",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "pull -v [REGISTRY]/net-monitor:v1",
        "pull [REGISTRY]/net-monitor:v1",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "cp -v [REGISTRY]/net-monitor:v1 [REGISTRY]/copy:v1",
        "cp [REGISTRY]/net-monitor:v1 [REGISTRY]/copy:v1",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "discover --verbose [REGISTRY]/net-monitor:v1",
        "discover [REGISTRY]/net-monitor:v1",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "login -v -u alice --password-stdin [REGISTRY]",
        "login -u alice --password-stdin [REGISTRY]",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "repo tags -v [REGISTRY]/net-monitor",
        "repo tags [REGISTRY]/net-monitor",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "tag -v [REGISTRY]/net-monitor:v1 v2",
        "tag [REGISTRY]/net-monitor:v1 v2",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "blob delete -y [REGISTRY]/net-monitor@[APP]",
        "blob delete --force [REGISTRY]/net-monitor@[APP]",
        "Flag --yes has been deprecated, use --force instead",
    ),
    pair(
        "repo ls -v [REGISTRY]",
        "repo ls [REGISTRY]",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "resolve -v [REGISTRY]/net-monitor:v1",
        "resolve [REGISTRY]/net-monitor:v1",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "manifest fetch -v [REGISTRY]/net-monitor:v1",
        "manifest fetch [REGISTRY]/net-monitor:v1",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "manifest fetch-config -v [REGISTRY]/net-monitor:v1",
        "manifest fetch-config [REGISTRY]/net-monitor:v1",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "manifest push -v [REGISTRY]/art:1 config.json --media-type application/vnd.oci.image.index.v1+json",
        "manifest push [REGISTRY]/art:1 config.json --media-type application/vnd.oci.image.index.v1+json",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "manifest delete -f -v [REGISTRY]/net-monitor:v1",
        "manifest delete -f [REGISTRY]/net-monitor:v1",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "blob fetch --output - -v [REGISTRY]/net-monitor@[APP]",
        "blob fetch --output - [REGISTRY]/net-monitor@[APP]",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "blob push -v [REGISTRY]/art config.json",
        "blob push [REGISTRY]/art config.json",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    pair(
        "blob delete -f -v [REGISTRY]/net-monitor@[APP]",
        "blob delete -f [REGISTRY]/net-monitor@[APP]",
        "Flag --verbose has been deprecated, and will be removed in a future release.",
    ),
    // Names of commands, which are told of by nobody. E25, E29.
    pair(
        "copy [REGISTRY]/net-monitor:v1 [REGISTRY]/copy:v1",
        "cp [REGISTRY]/net-monitor:v1 [REGISTRY]/copy:v1",
        "",
    ),
    pair("repository show-tags [REGISTRY]/net-monitor", "repo tags [REGISTRY]/net-monitor", ""),
    pair("repository list [REGISTRY]", "repo ls [REGISTRY]", ""),
    pair("repo list [REGISTRY]", "repo ls [REGISTRY]", ""),
    pair("manifest get [REGISTRY]/net-monitor:v1", "manifest fetch [REGISTRY]/net-monitor:v1", ""),
    pair("manifest show [REGISTRY]/net-monitor:v1", "manifest fetch [REGISTRY]/net-monitor:v1", ""),
    pair("manifest remove -f [REGISTRY]/net-monitor:v1", "manifest delete -f [REGISTRY]/net-monitor:v1", ""),
    pair("manifest rm -f [REGISTRY]/net-monitor:v1", "manifest delete -f [REGISTRY]/net-monitor:v1", ""),
    pair(
        "manifest get-config [REGISTRY]/net-monitor:v1",
        "manifest fetch-config [REGISTRY]/net-monitor:v1",
        "",
    ),
    pair(
        "blob get --output - [REGISTRY]/net-monitor@[APP]",
        "blob fetch --output - [REGISTRY]/net-monitor@[APP]",
        "",
    ),
    pair("blob remove -f [REGISTRY]/net-monitor@[APP]", "blob delete -f [REGISTRY]/net-monitor@[APP]", ""),
    pair("blob rm -f [REGISTRY]/net-monitor@[APP]", "blob delete -f [REGISTRY]/net-monitor@[APP]", ""),
];

/// What a command line does: what it prints, and which files and manifests there are then.
fn outcome_of(line: &str) -> (Outcome, Vec<String>, Vec<String>) {
    let (test, registry, _) = prepared_today();
    test.names(APP, "[APP]");
    test.write("config.json", r#"{"manifests":[]}"#);
    test.write("auth.json", r#"{"auths":{}}"#);
    test.write(
        "notes.json",
        r#"{"$manifest":{"org.opencontainers.image.created":"2026-11-21T07:19:42Z"},"$config":{"c":"1"},"artifact.txt":{"no":"1"},"./artifact.txt":{"yes":"1"}}"#,
    );
    let mut words: Vec<&str> = line.split(' ').collect();
    if ["push", "attach"].contains(&words[0]) && !line.contains("annotation") {
        words.extend(["-a", CREATED]);
    }
    let outcome = test.oras_with_input(words, "wonderland");
    let (files, manifests) = (test.files("."), registry.content("art").manifests());
    (outcome, files, manifests)
}

/// Rules 2 and 4 of §2, and check 3 of §9: an old spelling adds one line on standard error, and nothing else.
#[test]
fn old_spellings_do_what_todays_do_and_say_so_in_one_line() {
    for Pair { old, new, notice } in PAIRS {
        let ((old_outcome, old_files, old_manifests), (new_outcome, new_files, new_manifests)) =
            (outcome_of(old), outcome_of(new));
        assert_eq!(new_outcome.code, Some(0), "{new_outcome:#?}");
        assert_eq!(old_outcome.code, Some(0), "{old_outcome:#?}");
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&old_outcome.stdout), sorted(&new_outcome.stdout), "{old}");
        let expected = if notice.is_empty() { String::new() } else { format!("{notice}\n") };
        assert_eq!(old_outcome.stderr, expected + &new_outcome.stderr, "{old}");
        assert_eq!(old_files, new_files, "{old}");
        assert_eq!(old_manifests, new_manifests, "{old}");
    }
}

/// Rule 3 of §2.
#[test]
fn an_old_and_a_new_spelling_may_not_contradict_each_other() {
    let (test, registry, _) = prepared_today();
    test.oras([
        "push",
        "[REGISTRY]/art:1.0",
        "--manifest-config",
        "sbom.json:a/b",
        "--config",
        "signature.json:a/b",
    ])
    .fails()
    .prints_nothing()
    .stderr_is("Error: --manifest-config, --config cannot be used at the same time\n");
    assert!(registry.requests().is_empty());
    test.oras([
        "push",
        "[REGISTRY]/art:1.0",
        "--manifest-config",
        "sbom.json:a/b",
        "--config",
        "sbom.json:a/b",
    ])
    .succeeds()
    .stderr_is("Flag --manifest-config has been deprecated, use --config instead\n");
}

/// Rule 1 of §2.
#[test]
fn old_spellings_are_in_no_help_text() {
    let test = Test::new();
    for (command, flags) in [
        (
            "push",
            &["--manifest-config", "--manifest-annotations", "--subject", "v1.1-image", "--verbose"][..],
        ),
        ("pull", &["--allow-all", "--media-type", "--allow-empty-name", "--manifest-config", "--verbose"]),
        ("attach", &["--image-spec", "--verbose"]),
        ("discover", &["--output", "--verbose", "--config FILE"]),
        ("login", &["--config", "-k"]),
    ] {
        let help = test.oras([command, "--help"]).succeeds().stdout;
        for flag in flags {
            let words = help.split([' ', ',', '\n']);
            assert!(!words.into_iter().any(|word| word == *flag), "{command} {flag}\n{help}");
        }
    }
}

/// The flags of one command are not those of another: `-a` annotates a push, and selects nothing.
#[test]
fn letters_keep_their_meaning_where_they_have_one() {
    let (test, registry, _) = prepared_today();
    test.oras(["push", "[REGISTRY]/art:1.0", "-a", "k=v", "artifact.txt"]).succeeds().says_nothing_aside();
    assert_eq!(super::manifest(&registry, "art", "1.0")["annotations"]["k"], "v");
    test.oras(["push", "[REGISTRY]/art:1.0", "-t", "a/b"])
        .fails()
        .stderr_is("Error: unknown shorthand flag: 't' in -t\n");
    // S1-18: a link to a command that never was.
    test.oras(["delete", "[REGISTRY]/net-monitor:v1"])
        .fails()
        .stderr_contains("Error: unknown command \"delete\" for \"oras\"\n")
        .stderr_contains("Run 'oras --help' for usage.\n");
}

/// §2.3: S1-16, S1-17, S2-8, S2-21, S2-22; E39, E40, E49, E63, E64, E65.
#[test]
fn manifests_are_deleted_with_and_without_a_question() {
    let (test, registry, image) = prepared(without_api());
    let question = format!(
        "Are you sure you want to delete the manifest \"{}\" and all tags associated with it? [y/N] ",
        image.digest
    );
    for answer in ["", "n\n", "yes please\n"] {
        test.oras_with_input(["manifest", "delete", "[REGISTRY]/net-monitor:v1"], answer)
            .succeeds()
            .prints(&format!("{question}Operation cancelled.\n"));
    }
    assert_eq!(registry.content("net-monitor").tags(), ["v1"]);
    test.oras_with_input(["manifest", "delete", "[REGISTRY]/net-monitor:v1"], "y\n")
        .succeeds()
        .prints(&format!("{question}Deleted [registry] [REGISTRY]/net-monitor:v1\n"));
    test.oras(["manifest", "delete", "[REGISTRY]/net-monitor:v1"])
        .fails()
        .stderr_is("Error: [REGISTRY]/net-monitor:v1: the specified manifest does not exist\n");
    test.oras(["manifest", "delete", "-f", "[REGISTRY]/net-monitor:v1"])
        .succeeds()
        .prints("Missing [REGISTRY]/net-monitor:v1\n");
}

/// §2.9: S0-1, S0-2, S1-1, S2-1, S4-1, S4-6; E51.
#[test]
fn a_password_may_be_given_on_the_command_line_or_on_standard_input() {
    let (test, _registry, _) = prepared(TestRegistry::builder().basic("hello", "oras-test"));
    test.oras(["login", "[REGISTRY]", "--username", "hello", "--password", "oras-test"])
        .succeeds()
        .prints("Login Succeeded\n")
        .stderr_is("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    test.oras(["repo", "tags", "[REGISTRY]/net-monitor"]).succeeds().prints("v1\n");
    test.oras(["logout", "[REGISTRY]"]).succeeds().prints_nothing().says_nothing_aside();
    assert_eq!(test.oras(["repo", "tags", "[REGISTRY]/net-monitor"]).code, Some(1));
    test.oras_with_input(["login", "[REGISTRY]", "-u", "hello", "--password-stdin"], "oras-test\n")
        .succeeds()
        .prints("Login Succeeded\n")
        .says_nothing_aside();
    test.oras_with_input(["login", "[REGISTRY]", "-u", "hello", "--password-stdin"], "wrong")
        .fails()
        .stderr_contains("Error response from registry: unauthorized");
}
