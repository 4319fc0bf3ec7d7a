//! docs/generations.md: each command of the page is run.

use std::sync::LazyLock;

use oras::{
    oci::{Descriptor, media_type},
    ops::pack::{self, Form},
};
use serde_json::Value;

use super::{manifest, prepared, put, read, without_api};
use crate::support::{Test, TestRegistry, server::Program};

const JQ: Program = Program::of_the_system("jq", "apt-get install jq");

/// The command lines of the page, a block of code each.
static BLOCKS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let page = read("docs/generations.md");
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.map(|block| block.split_once('\n').unwrap().1.to_owned()).collect()
});

/// Types, digests and media types of all that is attached, level by level.
fn attached(test: &Test, name: &str) -> Vec<(String, String)> {
    let tree = test.oras(["discover", "--format", "json", name]).succeeds().json();
    let (mut waiting, mut found) = (vec![(String::new(), &tree)], Vec::new());
    while let Some((path, node)) = waiting.pop() {
        for below in node["referrers"].as_array().unwrap() {
            let path = format!("{path}/{}", below["artifactType"].as_str().unwrap());
            found.push((path.clone(), below["mediaType"].as_str().unwrap().to_owned()));
            waiting.push((path, below));
        }
    }
    found.sort();
    found
}

/// A file and a folder, in a manifest of the CNCF ORAS project.
fn put_documentation(test: &Test, registry: &TestRegistry, subject: &Descriptor) {
    let line = ["push", "[REGISTRY]/net-monitor:files", "readme.md:application/markdown", "details"];
    test.oras(line).succeeds();
    let pushed = manifest(registry, "net-monitor", "files");
    let packed = pack::pack(pack::Options {
        form: Form::OrasArtifact,
        artifact_type: Some("readme/example".to_owned()),
        subject: Some(subject.plain()),
        layers: serde_json::from_value(pushed["layers"].clone()).unwrap(),
        created: "2026-11-21T07:18:42Z".to_owned(),
        ..Default::default()
    });
    let packed = packed.unwrap();
    registry.content("net-monitor").insert_manifest(&packed.manifest.media_type, packed.bytes);
}

#[test]
fn each_command_of_the_page_on_generations_works() {
    if JQ.find().is_none() {
        return;
    }
    let (test, old, image) = prepared(without_api().oras_extension_api());
    let content = old.content("net-monitor");
    let sbom = put(&content, Form::OrasArtifact, &image, "sbom/example");
    put(&content, Form::OrasArtifact, &sbom, "signature/example");
    put(&content, Form::OrasArtifact, &image, "signature/example");
    put_documentation(&test, &old, &image);
    let new = TestRegistry::start_blocking();
    let strict = without_api()
        .refuses_type(media_type::ORAS_ARTIFACT_MANIFEST)
        .refuses_type(media_type::ARTIFACT_MANIFEST)
        .start_blocking();
    let program = format!("#!/bin/sh\nexec '{}' \"$@\"\n", crate::support::cli::binary().display());
    test.program("oras", &program);
    let mut said = String::new();
    for block in BLOCKS.iter() {
        let block = block
            .replace("old.example.com", &old.host())
            .replace("new.example.com", &new.host())
            .replace("strict.example.com", &strict.host());
        assert!(block.contains("oras ") && !block.contains("example.com"), "{block}");
        said += &test.shell(&format!("set -euo pipefail\n{block}")).succeeds().stdout;
    }
    // What the blocks that only show something have shown.
    for line in [
        "application/vnd.oci.image.manifest.v1+json\n",
        &format!("sbom/example {} {}\n", sbom.digest, media_type::ORAS_ARTIFACT_MANIFEST),
        "this registry has no referrers API\n",
        "/_oras/artifacts/referrers?",
        "v1\n",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }

    test.names(&new.host(), "[NEW]").names(&strict.host(), "[STRICT]");
    let of_type = |kind: &str| {
        ["/readme/example", "/sbom/example", "/sbom/example/signature/example", "/signature/example"]
            .map(|path| (path.to_owned(), kind.to_owned()))
    };
    assert_eq!(attached(&test, "[NEW]/net-monitor:v1"), of_type(media_type::ORAS_ARTIFACT_MANIFEST));
    assert_eq!(new.content("net-monitor").manifest(&sbom.digest), content.manifest(&sbom.digest));
    let found = test.oras(["discover", "--format", "json", "--oci-layout", "kept:v1"]).succeeds().json();
    assert_eq!(found["referrers"].as_array().unwrap().len(), 3);

    assert_eq!(attached(&test, "[STRICT]/net-monitor:v1"), of_type(media_type::IMAGE_MANIFEST));
    let found = |kind: &str| -> Value {
        let line = ["discover", "--format", "json", "--artifact-type", kind, "[STRICT]/net-monitor:v1"];
        test.oras(line).succeeds().json()
    };
    let readme = found("readme/example")["referrers"][0]["reference"].as_str().unwrap().to_owned();
    test.oras(["pull", &readme, "-o", "again"]).succeeds();
    assert_eq!(
        test.files("again"),
        ["details/readme-details.md", "details/readme-more-details.md", "readme.md"]
    );
    let found = found("sbom/example");
    let again = found["referrers"][0]["reference"].as_str().unwrap().to_owned();
    assert_eq!(
        found["referrers"][0]["annotations"]["org.opencontainers.image.created"],
        "2026-11-21T07:18:42Z"
    );
    test.oras(["pull", &again, "-o", "again"]).succeeds();
    assert_eq!(test.read_text("again/sbom.json"), "{\"contents\": \"good\"}\n");
    let manifest = test.oras(["manifest", "fetch", &again]).succeeds().json();
    assert_eq!(manifest["layers"][0]["mediaType"], "application/json");
}
