//! Flags that every version had, some with other words in their errors: §2.2 and §2.9 to §2.13.

use oras::ops::pack::Form;

use super::{CREATED, digest_of, list_by_tag, manifest, prepared, prepared_today, put};
use crate::support::TestRegistry;

/// §2.2: what is attached has a type, and the type is a media type.
#[test]
fn what_is_attached_has_a_type() {
    let (test, registry, _) = prepared_today();
    let line = ["attach", "[REGISTRY]/net-monitor:v1", "./sbom.json"];
    test.oras(line).fails().stderr_is("Error: required flag(s) \"artifact-type\" not set\n");
    for kind in ["a b/c", "sbom", "a/b/c"] {
        test.oras(line.into_iter().chain(["--artifact-type", kind]))
            .fails()
            .stderr_is(&format!("Error: invalid artifactType format: {kind}: invalid media type\n"));
    }
    assert!(registry.requests().is_empty() || registry.count("PUT *") == 0, "{:?}", registry.lines());
}

/// §2.10: annotations alone are enough, and what is attached twice is one.
#[test]
fn annotations_alone_can_be_attached() {
    let (test, registry, image) = prepared_today();
    let line = [
        "attach",
        "[REGISTRY]/net-monitor:v1",
        "--artifact-type",
        "note/example",
        "-a",
        "k=v",
        "-a",
        CREATED,
    ];
    let first = digest_of(&test.oras(line).succeeds().stdout);
    let written = manifest(&registry, "net-monitor", &first);
    assert_eq!(written["annotations"]["k"], "v");
    assert_eq!(written["subject"]["digest"], image.digest.to_string());
    assert_eq!(digest_of(&test.oras(line).succeeds().stdout), first);
    let found = test.oras(["discover", "--format", "json", "[REGISTRY]/net-monitor:v1"]).succeeds().json();
    assert_eq!(found["referrers"].as_array().unwrap().len(), 1);
}

/// §2.11: the manifest as it was pushed, byte by byte; `-` is the name of a file.
#[test]
fn the_manifest_of_what_is_attached_can_be_kept() {
    let (test, registry, _) = prepared_today();
    let line = ["attach", "[REGISTRY]/net-monitor:v1", "--artifact-type", "a/b", "./sbom.json"];
    let attached = test.oras(line.into_iter().chain(["--export-manifest", "-"])).succeeds();
    let (_, bytes) = registry.content("net-monitor").manifest(&digest_of(&attached.stdout)).unwrap();
    assert_eq!(test.read("-"), bytes);
    assert!(!attached.stdout.contains("schemaVersion"));
}

/// §2.12: a path from the root is said to be meant on the way in, and again on the way out.
#[test]
fn a_path_from_the_root_is_meant_or_refused() {
    let (test, registry, _) = prepared_today();
    let path = test.path("out/readme.md").to_str().unwrap().to_owned();
    test.write("out/readme.md", "Readme Content\n");
    let push = ["push", "[REGISTRY]/abs:1", &path];
    test.oras(push).fails().stderr_contains(
        "Error: absolute file path detected. If it's intentional, use --disable-path-validation flag to skip this check: [TEST]/out/readme.md\n",
    );
    assert!(!registry.repositories().contains(&"abs".to_owned()));
    test.oras(push.into_iter().chain(["--disable-path-validation"])).succeeds();
    let attach = ["attach", "[REGISTRY]/net-monitor:v1", "--artifact-type", "a/b", &path];
    test.oras(attach).fails().stderr_contains("absolute file path detected");
    test.oras(attach.into_iter().chain(["--disable-path-validation"])).succeeds();

    std::fs::remove_file(&path).unwrap();
    let pull = ["pull", "[REGISTRY]/abs:1", "--output", "elsewhere"];
    test.oras(pull)
        .fails()
        .stderr_contains("Error: failed to resolve path for writing: path traversal disallowed\n");
    assert!(!test.exists("out/readme.md"));
    for flag in ["-T", "--allow-path-traversal"] {
        test.oras(pull.into_iter().chain([flag])).succeeds();
        assert_eq!(test.read_text("out/readme.md"), "Readme Content\n");
        std::fs::remove_file(&path).unwrap();
    }
    test.write("out/readme.md", "older");
    test.oras(pull.into_iter().chain(["-T", "--keep-old-files"]))
        .fails()
        .stderr_contains("Error: failed to resolve path for writing: overwrite disallowed\n");
    assert_eq!(test.read_text("out/readme.md"), "older");
}

/// §2.13, E61: what a script makes of a filter that found nothing is refused in the words of 1.3.
#[test]
fn a_digest_that_is_none_is_refused() {
    let (test, registry, _) = prepared_today();
    let name = "[REGISTRY]/net-monitor:v1@null";
    for line in [
        &["attach", name, "--artifact-type", "signature/example", "./signature.json"][..],
        &["pull", name],
        &["discover", "-o", "json", name],
        &["cp", "-r", name, "[REGISTRY]/copy:v1"],
        &["manifest", "delete", "-f", name],
    ] {
        test.oras(line.iter().copied()).fails().stderr_contains(&format!(
            "Error: \"{name}\": invalid reference: invalid digest \"null\": invalid checksum digest format\n\
             Please make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]\n"
        ));
    }
    assert!(registry.requests().is_empty(), "{:?}", registry.lines());
}

/// `-u` and `-p` at any command, `-c` and `--config` for the file with the logins; §2.1, §2.9.
#[test]
fn letters_for_a_login_mean_the_same_in_all_versions() {
    let (test, _registry, _) = prepared(TestRegistry::builder().basic("hello", "oras-test"));
    let warning = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n";
    for line in [
        &["repo", "tags", "[REGISTRY]/net-monitor"][..],
        &["pull", "[REGISTRY]/net-monitor:v1"],
        &["discover", "[REGISTRY]/net-monitor:v1"],
    ] {
        let line = line.iter().copied();
        test.oras(line.chain(["-u", "hello", "-p", "oras-test"])).succeeds().stderr_is(warning);
    }
    test.oras(["login", "[REGISTRY]", "-u", "hello", "-p", "oras-test", "-c", "auth.json"]).succeeds();
    test.oras(["pull", "[REGISTRY]/net-monitor:v1", "-c", "auth.json"]).succeeds();
    test.oras(["discover", "[REGISTRY]/net-monitor:v1", "--config", "auth.json"]).succeeds();
    test.oras(["discover", "[REGISTRY]/net-monitor:v1"]).fails();
    test.oras(["logout", "[REGISTRY]", "--config", "auth.json"]).succeeds();
    test.oras(["pull", "[REGISTRY]/net-monitor:v1", "-c", "auth.json"]).fails();
}

/// `--distribution-spec` of 1.0 and later chooses the list that is read; §6.5 step 1.
#[test]
fn one_list_of_several_can_be_chosen() {
    let (test, registry, image) = prepared_today();
    let content = registry.content("net-monitor");
    let by_api = put(&content, Form::Image, &image, "api/example");
    let by_tag = put(&content, Form::OrasArtifact, &image, "tag/example");
    list_by_tag(&content, &image, &[(&by_tag, "tag/example")]);
    let line = ["discover", "-d", "--format", "json", "[REGISTRY]/net-monitor:v1", "--distribution-spec"];
    for (choice, expected) in
        [("v1.1-referrers-api", &[&by_api, &by_tag][..]), ("v1.1-referrers-tag", &[&by_tag])]
    {
        let found = test.oras(line.into_iter().chain([choice])).succeeds().json();
        let found: Vec<_> =
            found["referrers"].as_array().unwrap().iter().map(|entry| entry["digest"].clone()).collect();
        let expected: Vec<_> = expected.iter().map(|node| serde_json::json!(node.digest)).collect();
        assert_eq!(found, expected, "{choice}");
    }
    // What is attached then is listed in the same way.
    let line = ["attach", "[REGISTRY]/net-monitor:v1", "--artifact-type", "a/b", "./sbom.json"];
    test.oras(line.into_iter().chain(["--distribution-spec", "v1.1-referrers-tag"])).succeeds();
    assert_eq!(content.referrers_by_tag(&image).len(), 2);
}
