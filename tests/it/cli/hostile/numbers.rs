//! Sizes that lie, and documents that are too large.

use oras::oci::{Descriptor, media_type};

use super::{Fault, artifact_of, nothing_happened, pull, scene, titled};

#[test]
fn a_size_that_lies_stores_nothing() {
    let (test, registry) = scene();
    artifact_of(&registry, vec![titled("hi.txt", b"hello")]);
    let (_, good) = registry.content("app").manifest(&"v1").unwrap();
    let good = String::from_utf8(good.to_vec()).unwrap();
    for size in
        ["-1", "9223372036854775807", "9223372036854775808", "1e400", "5.5", "4", "6", "null", "\"5\""]
    {
        let bad = good.replace("\"size\":5", &format!("\"size\":{size}"));
        assert_ne!(bad, good);
        let content = registry.content("app");
        content.tag("v1", &content.insert_manifest(media_type::IMAGE_MANIFEST, bad));
        pull(&test).fails();
        nothing_happened(&test);
        test.oras(["cp", "--from-plain-http", "[REGISTRY]/app:v1", "--to-oci-layout", "copy:v1"]).fails();
        assert!(
            !test.exists(&format!("copy/blobs/{}", Descriptor::of("", b"hello").digest).replace(':', "/"))
        );
        let index = test.exists("copy/index.json").then(|| test.read_text("copy/index.json"));
        assert!(index.is_none_or(|index| !index.contains("\"v1\"")));
        std::fs::remove_dir_all(test.path("copy")).ok();
    }
}

/// Nobody sets memory aside for what a descriptor claims.
#[test]
fn a_manifest_that_claims_to_be_gigantic_is_refused_unread() {
    let (test, registry) = scene();
    let content = registry.content("app");
    for media_type in [media_type::IMAGE_MANIFEST, media_type::IMAGE_INDEX] {
        let mut node = Descriptor::of(media_type, b"{}");
        node.size = 1 << 62;
        content.tag("v1", &content.insert_index(&[node]));
        pull(&test).fails();
        for recursive in [&[][..], &["-r"]] {
            let line = ["cp", "--from-plain-http", "[REGISTRY]/app:v1", "--to-oci-layout", "copy:v1"];
            test.oras(line.iter().chain(recursive)).fails();
        }
    }
    assert!(!test.exists("out"));
}

/// More bytes than said, fewer, others, and without an end.
#[test]
fn a_blob_that_is_not_as_described_stores_nothing() {
    let (test, registry) = scene();
    artifact_of(&registry, vec![titled("hi.txt", b"hello")]);
    let path = format!("/v2/app/blobs/{}", Descriptor::of("", b"hello").digest);
    for fault in [
        Fault::body("hello and more"),
        Fault::body("hell"),
        Fault::body(""),
        Fault::wrong_bytes(),
        Fault::endless(),
        Fault::endless().and_header("content-length", "9223372036854775807"),
    ] {
        registry.heal();
        registry.on("GET", &path).always().then(fault);
        pull(&test).fails();
        nothing_happened(&test);
    }
}

#[test]
fn a_manifest_of_a_hundred_thousand_layers_is_refused_unread() {
    let (test, registry) = scene();
    let content = registry.content("app");
    content.insert_blob(media_type::EMPTY, "{}");
    let layer = |number: u32| {
        let node = Descriptor::of(media_type::LAYER_TAR, &number.to_be_bytes());
        format!(r#"{{"mediaType":"{}","digest":"{}","size":4}}"#, node.media_type, node.digest)
    };
    let layers: Vec<String> = (0..100_000).map(layer).collect();
    let config = serde_json::json!(Descriptor::empty());
    let manifest = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(","));
    assert!(manifest.len() > 10 << 20);
    let node = content.insert_manifest(media_type::IMAGE_MANIFEST, manifest);
    content.tag("v1", &node);
    pull(&test).fails();
    for arguments in [
        &["cp", "--from-plain-http", "[REGISTRY]/app:v1", "--to-oci-layout", "copy:v1"][..],
        &["backup", "[REGISTRY]/app:v1", "--plain-http", "--output", "saved"],
        &["manifest", "fetch", "[REGISTRY]/app:v1", "--plain-http"],
    ] {
        test.oras(arguments).fails();
    }
    assert_eq!(registry.count("GET /v2/app/blobs/*"), 0);
    assert!(!test.exists("out"));
}

/// As many layers as fit, all of one blob: it is moved once.
#[test]
fn many_layers_of_one_content_are_moved_once() {
    let (test, registry) = scene();
    let layer = Descriptor::of(media_type::LAYER_TAR, b"hello");
    artifact_of(&registry, vec![(layer, b"hello".to_vec()); 20_000]);
    test.oras(["cp", "--from-plain-http", "[REGISTRY]/app:v1", "--to-oci-layout", "copy:v1"]).succeeds();
    assert_eq!(registry.count("GET /v2/app/blobs/*"), 1);
}

#[test]
fn a_giant_annotation_is_passed_on() {
    let (test, registry) = scene();
    let (mut node, bytes) = titled("hi.txt", b"hello");
    node.annotations.insert("note".to_owned(), "x".repeat(3 << 20));
    artifact_of(&registry, vec![(node, bytes)]);
    pull(&test).succeeds();
    test.oras(["cp", "--from-plain-http", "[REGISTRY]/app:v1", "--to-oci-layout", "copy:v1"]).succeeds();
    assert_eq!(test.read_text("out/hi.txt"), "hello");
}

#[test]
fn a_document_that_nests_without_end_is_not_shown() {
    let (test, registry) = scene();
    let content = registry.content("app");
    let config = serde_json::json!(Descriptor::empty());
    let nested = ["[".repeat(1_000_000), "]".repeat(1_000_000)].concat();
    let manifest = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[],"x":{nested}}}"#);
    content.insert_blob(media_type::EMPTY, "{}");
    content.tag("v1", &content.insert_manifest(media_type::IMAGE_MANIFEST, manifest));
    let fetch = ["manifest", "fetch", "[REGISTRY]/app:v1", "--plain-http"];
    test.oras(fetch.iter().chain(&["--pretty"])).fails().stderr_contains("too large to be indented");
    let shown = test.oras(fetch.iter().chain(&["--format", "json"])).succeeds().json();
    assert_eq!(shown["content"], serde_json::Value::Null);
    test.oras(["discover", "[REGISTRY]/app:v1", "--plain-http"]).succeeds();
    // Members that nobody knows are nobody's business.
    pull(&test).succeeds();
}
