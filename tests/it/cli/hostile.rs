//! Content that strangers made to do harm, through the binary: nothing is written outside, nothing half stays,
//! and the program ends by itself with an error.

mod credentials;
mod folders;
mod numbers;
mod terminals;

use std::{fs, os::unix::fs::symlink};

use oras::oci::{Annotations, Descriptor, EMPTY_JSON, ImageManifest, keys, media_type};

use super::super::support::{Fault, Outcome, Test, TestRegistry};

/// A folder with `victim` in it, and a registry.
pub(super) fn scene() -> (Test, TestRegistry) {
    let (test, registry) = Test::with_registry();
    test.write("victim", "precious");
    (test, registry)
}

/// Nothing was written anywhere but into `out`, and nothing with a final name there.
#[track_caller]
pub(super) fn nothing_happened(test: &Test) {
    assert_eq!(test.read_text("victim"), "precious");
    let written: Vec<_> = test.files(".").into_iter().filter(|name| name != "victim").collect();
    assert!(written.is_empty(), "{written:?}");
}

/// An artifact whose layers are as given, under the tag `v1`.
pub(super) fn artifact_of(registry: &TestRegistry, layers: Vec<(Descriptor, Vec<u8>)>) -> Descriptor {
    let content = registry.content("app");
    content.insert_blob(media_type::EMPTY, EMPTY_JSON);
    let mut nodes = Vec::new();
    for (node, bytes) in layers {
        content.insert_blob_as(&node.digest.to_string(), bytes);
        nodes.push(node);
    }
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: media_type::IMAGE_MANIFEST.to_owned(),
        artifact_type: Some("a/b".to_owned()),
        config: Descriptor::empty(),
        layers: nodes,
        subject: None,
        annotations: Annotations::new(),
    };
    let node = content.insert_manifest(media_type::IMAGE_MANIFEST, manifest.to_bytes());
    content.tag("v1", &node);
    node
}

/// A layer with a title.
pub(super) fn titled(title: &str, bytes: &[u8]) -> (Descriptor, Vec<u8>) {
    let mut node = Descriptor::of(media_type::LAYER_TAR, bytes);
    node.annotations.insert(keys::TITLE.to_owned(), title.to_owned());
    (node, bytes.to_vec())
}

/// Pulls `v1` into `out`.
pub(super) fn pull(test: &Test) -> Outcome {
    test.oras(["pull", "[REGISTRY]/app:v1", "--plain-http", "-o", "out"])
}

#[test]
fn a_title_that_leads_out_writes_nothing_anywhere() {
    let (test, registry) = scene();
    let absolute = test.path("x").to_str().unwrap().to_owned();
    for title in ["../x", "../victim", "a/../../x", "a/b/../../../x", "..", "./../x", &absolute, "/"] {
        artifact_of(&registry, vec![titled(title, b"x")]);
        let outcome = pull(&test).fails();
        assert!(outcome.stderr.contains("path traversal disallowed"), "{title}: {outcome:#?}");
        assert!(outcome.stderr.contains("--allow-path-traversal"), "{title}: {outcome:#?}");
        nothing_happened(&test);
    }
    // What leads nowhere else is a name like others here, and not on Windows.
    for title in ["..\\x", "C:x", "CON", "a:b"] {
        artifact_of(&registry, vec![titled(title, b"x")]);
        pull(&test).succeeds();
        assert_eq!(test.files("out"), [title]);
        fs::remove_dir_all(test.path("out")).unwrap();
    }
}

#[test]
fn a_link_where_a_file_goes_is_not_written_through() {
    let (test, registry) = scene();
    fs::create_dir_all(test.path("out")).unwrap();
    symlink("../victim", test.path("out/hi.txt")).unwrap();
    artifact_of(&registry, vec![titled("hi.txt", b"hi")]);
    pull(&test).succeeds();
    assert_eq!((test.read_text("victim"), test.read_text("out/hi.txt")), ("precious".into(), "hi".into()));
    // Nor is one above it.
    fs::create_dir(test.path("elsewhere")).unwrap();
    for target in ["../elsewhere", test.path("elsewhere").to_str().unwrap()] {
        symlink(target, test.path("out/d")).unwrap();
        artifact_of(&registry, vec![titled("d/x", b"hi")]);
        pull(&test).fails().stderr_contains("path traversal disallowed");
        assert_eq!(test.files("elsewhere"), [""; 0]);
        fs::remove_file(test.path("out/d")).unwrap();
    }
}

#[test]
fn names_that_collide_are_told_apart_or_refused() {
    let (test, registry) = scene();
    artifact_of(&registry, vec![titled("x", b"one"), titled("./x", b"two")]);
    pull(&test).fails().stderr_contains("duplicate name");
    fs::remove_dir_all(test.path("out")).ok();
    artifact_of(&registry, vec![titled("x", b"one"), titled("x/y", b"two")]);
    pull(&test).fails();
    fs::remove_dir_all(test.path("out")).ok();
    artifact_of(&registry, vec![titled("A.txt", b"one"), titled("a.txt", b"two")]);
    pull(&test).succeeds();
    assert_eq!((test.read_text("out/A.txt"), test.read_text("out/a.txt")), ("one".into(), "two".into()));
}

/// Whatever a registry calls it: content is what its digest says.
#[test]
fn a_manifest_that_was_swapped_is_refused_by_every_command() {
    let (test, registry) = scene();
    let node = artifact_of(&registry, vec![titled("hi.txt", b"hi")]);
    let (_, other) = registry.content("app").manifest(&"v1").unwrap();
    let other = String::from_utf8(other.to_vec()).unwrap().replace("hi.txt", "ho.txt");
    let by_digest = format!("[REGISTRY]/app@{}", node.digest);
    // Its own digest, that of what was asked for, and none.
    let swaps = [
        Fault::body(other.clone()),
        Fault::body(other.clone())
            .and_header("docker-content-digest", &Descriptor::of("", other.as_bytes()).digest.to_string()),
        Fault::body(other.clone()).and_without_header("docker-content-digest"),
    ];
    for swap in swaps {
        registry.heal();
        registry.on("GET", "/v2/app/manifests/*").always().then(swap);
        for arguments in [
            &["pull", &by_digest, "-o", "out"][..],
            &["cp", "--from-plain-http", &by_digest, "--to-oci-layout", "copy:v1"],
            &["manifest", "fetch", &by_digest],
            &["manifest", "fetch", "--output", "fetched", &by_digest],
        ] {
            let mut line = arguments.to_vec();
            if !line.contains(&"--from-plain-http") {
                line.push("--plain-http");
            }
            test.oras(line).fails().prints_nothing();
        }
        test.oras(["backup", "[REGISTRY]/app:v1", "--plain-http", "--output", "saved"]);
        assert!(!test.exists("out") && !test.exists("fetched"));
        let digest = node.digest.to_string();
        let blob = digest.replace(':', "/");
        assert!(!test.exists(&format!("copy/blobs/{blob}")) && !test.exists(&format!("saved/blobs/{blob}")));
    }
    // With a tag the header is all that there is to compare with.
    registry.heal();
    registry
        .on("GET", "/v2/app/manifests/v1")
        .always()
        .then(Fault::body(other).and_header("docker-content-digest", &node.digest.to_string()));
    pull(&test).fails();
    assert!(!test.exists("out"));
}

/// A layout is what a stranger made as well.
#[test]
fn a_layout_that_lies_is_refused() {
    let (test, _registry) = scene();
    let layout = test.layout("evil");
    let node = layout.insert_artifact("a/b", &[("hi.txt", b"hi")]);
    layout.tag("v1", &node);
    let good = test.read_text("evil/index.json");
    let digest = node.digest.to_string();
    let nested = ["[".repeat(500_000), "]".repeat(500_000)].concat();
    for bad in [
        good.replace(&digest, "sha256:../../../victim"),
        good.replace(&digest, "../../victim:aa"),
        good.replace(&format!("\"size\":{}", node.size), "\"size\":-1"),
        good.replace(&format!("\"size\":{}", node.size), "\"size\":9223372036854775808"),
        good.replace(&format!("\"size\":{}", node.size), "\"size\":1"),
        nested,
        "[]".to_owned(),
        String::new(),
    ] {
        assert_ne!(bad, good);
        test.write("evil/index.json", &bad);
        test.oras(["pull", "--oci-layout", "evil:v1", "-o", "out"]).fails();
        test.oras(["cp", "--from-oci-layout", "evil:v1", "--to-oci-layout", "copy:v1"]).fails();
        assert!(!test.exists("out"), "{bad:.100}");
    }
    // A blob that is another file, or none.
    test.write("evil/index.json", &good);
    let blob = test.path("evil/blobs").join(digest.replace(':', "/"));
    fs::remove_file(&blob).unwrap();
    symlink("/dev/zero", &blob).unwrap();
    test.oras(["pull", "--oci-layout", "evil:v1", "-o", "out"]).fails();
    fs::remove_file(&blob).unwrap();
    symlink(test.path("victim"), &blob).unwrap();
    test.oras(["pull", "--oci-layout", "evil:v1", "-o", "out"]).fails().never_says("precious");
    assert!(!test.exists("out"));
}
