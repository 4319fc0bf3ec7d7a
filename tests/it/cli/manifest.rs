//! `oras manifest fetch`, `fetch-config`, `push` and `delete`.

use oras::oci::{Algorithm, Descriptor, Digest, media_type};

use super::fixture::{
    AMD, AMD_CONFIG, AMD_DIGEST, ARM_CONFIG, ARM_DIGEST, ART, ART_DIGEST, Demo, MULTI_DIGEST, NO_DIGEST,
};
use crate::support::{
    TestRegistry,
    registry::{Fault, Referrers},
};

const INDENTED: &str = r#"{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "config": {
    "mediaType": "application/vnd.oci.image.config.v1+json",
    "digest": "sha256:dc570f145a7f2862c9ef3c30b8d6ae2feaceb0d364e4b2e08e67ae18815427d9",
    "size": 90
  },
  "layers": [
    {
      "mediaType": "application/vnd.oci.image.layer.v1.tar",
      "digest": "sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447",
      "size": 12
    }
  ]
}
"#;

const DESCRIBED: &str = r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:fb315c96e628bdca52684e9919acd882afd6bc31a1c0223edc97a0d4bffa7870","size":394}"#;

fn demo() -> Demo {
    let demo = Demo::new();
    demo.repository("demo");
    demo
}

/// A registry without referrers API and without a way to delete tags, as many are.
fn old_registry() -> Demo {
    Demo::with(TestRegistry::builder().referrers(Referrers::Off).without_tag_deletes())
}

#[test]
fn fetch_prints_the_bytes_as_they_are_or_indented() {
    let demo = demo();
    for line in [
        "manifest fetch",
        "manifest get",
        "manifest show",
        "manifest fetch -o -",
        "manifest fetch --format text",
    ] {
        demo.oras(&format!("{line} [REGISTRY]/demo:amd64")).succeeds().says_nothing_aside().prints(AMD);
    }
    demo.oras("manifest fetch [REGISTRY]/demo:amd64 --pretty")
        .succeeds()
        .says_nothing_aside()
        .prints(INDENTED);
    demo.oras("manifest fetch [REGISTRY]/demo:amd64 -o - --pretty")
        .succeeds()
        .says_nothing_aside()
        .prints(INDENTED);
    demo.oras(&format!("manifest fetch [REGISTRY]/demo:ignored@{AMD_DIGEST}")).succeeds().prints(AMD);
}

#[test]
fn fetch_asks_once_and_for_a_descriptor_without_content() {
    let demo = demo();
    demo.oras("manifest get [REGISTRY]/demo:amd64 --descriptor")
        .succeeds()
        .says_nothing_aside()
        .prints(DESCRIBED);
    demo.oras("manifest fetch [REGISTRY]/demo:amd64").succeeds();
    assert_eq!(
        demo.registry.lines(),
        ["HEAD /v2/demo/manifests/amd64 200", "GET /v2/demo/manifests/amd64 200"]
    );
    demo.oras("manifest fetch [REGISTRY]/demo:amd64 --descriptor --pretty").succeeds().prints(&format!(
        "{{\n  \"mediaType\": \"application/vnd.oci.image.manifest.v1+json\",\n  \"digest\": \"{AMD_DIGEST}\",\n  \"size\": 394\n}}\n"
    ));
}

#[test]
fn fetch_finds_the_manifest_for_a_platform() {
    let demo = demo();
    demo.oras("manifest show [REGISTRY]/demo:multi --descriptor --platform linux/arm64").succeeds().says_nothing_aside().prints(
        &format!(
            r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{ARM_DIGEST}","size":395,"platform":{{"architecture":"arm64","os":"linux","os.version":"1.2","variant":"v8"}}}}"#
        ),
    );
    assert_eq!(demo.registry.lines(), ["GET /v2/demo/manifests/multi 200"]);
    demo.oras("manifest fetch [REGISTRY]/demo:multi --platform linux/amd64")
        .succeeds()
        .says_nothing_aside()
        .prints(AMD);
    demo.refuses(
        "manifest fetch [REGISTRY]/demo:multi --platform linux/s390x",
        1,
        "Error response from registry:",
    );
    demo.refuses("manifest fetch [REGISTRY]/demo:multi --platform a/b/c/d", 1, "Error:");
    demo.refuses("manifest fetch [REGISTRY]/demo:art --platform linux/amd64", 1, "Error:");
}

#[test]
fn fetch_shows_metadata_as_json_and_through_templates() {
    let demo = demo();
    let json = format!(
        r#"{{
  "reference": "[REGISTRY]/demo@{ART_DIGEST}",
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "digest": "{ART_DIGEST}",
  "size": 513,
  "content": {{
    "annotations": {{
      "k": "v\u003c\u0026\u003e",
      "org.opencontainers.image.created": "2020-01-01T00:00:00Z"
    }},
    "artifactType": "application/vnd.test.art",
    "config": {{
      "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
      "mediaType": "application/vnd.oci.empty.v1+json",
      "size": 2
    }},
    "layers": [
      {{
        "digest": "sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447",
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "size": 12
      }}
    ],
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "schemaVersion": 2
  }}
}}
"#
    );
    demo.oras("manifest fetch [REGISTRY]/demo:art --format json")
        .succeeds()
        .says_nothing_aside()
        .prints(&json);
    let fetch = ["manifest", "fetch", "[REGISTRY]/demo:amd64"];
    let template = ["--format", "go-template", "--template", "{{.digest}} {{.size}}"];
    demo.test
        .oras([&fetch[..], &template].concat())
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{AMD_DIGEST} 394"));
    demo.oras("manifest fetch [REGISTRY]/demo:amd64 --format go-template={{.reference}}")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("[REGISTRY]/demo@{AMD_DIGEST}"));
}

#[test]
fn fetch_writes_a_file_and_shows_what_else_was_asked_for() {
    let demo = demo();
    demo.test.write("out.json", "something much longer than a manifest".repeat(20));
    demo.oras("manifest fetch [REGISTRY]/demo:amd64 -o out.json --pretty")
        .succeeds()
        .says_nothing_aside()
        .prints_nothing();
    assert_eq!(demo.test.read_text("out.json"), AMD);
    demo.oras("manifest fetch [REGISTRY]/demo:amd64 --output d.json --descriptor")
        .succeeds()
        .prints(DESCRIBED);
    demo.oras("manifest fetch [REGISTRY]/demo:amd64 -oj.json --format json")
        .succeeds()
        .stdout_contains("\"content\": {");
    assert_eq!(demo.test.read_text("d.json"), AMD);
    assert_eq!(demo.test.read_text("j.json"), AMD);
    demo.refuses("manifest fetch [REGISTRY]/demo:none -o n.json", 1, "Error response from registry:");
    assert!(!demo.test.exists("n.json"));
    demo.refuses("manifest fetch [REGISTRY]/demo:amd64 -o no/such/folder", 1, "Error:");
}

#[test]
fn fetch_refuses_flags_that_contradict_each_other_before_it_asks() {
    let demo = demo();
    for (flags, lines) in [
        ("-o - --descriptor", 1),
        ("-o - --format json", 1),
        ("-o - --format go-template={{.digest}}", 1),
        ("--format json --pretty", 1),
        ("--format text --pretty", 1),
        ("--format json --descriptor", 1),
        ("--format yaml", 2),
        ("--template x", 1),
    ] {
        demo.refuses(&format!("manifest fetch [REGISTRY]/demo:amd64 {flags}"), lines, "Error:");
    }
    demo.refuses("manifest fetch [REGISTRY]/demo", 3, "Usage:");
    demo.refuses("manifest fetch", 3, "Usage:");
    demo.refuses("manifest fetch nonsense -o - --descriptor", 1, "Error: --output -, --descriptor");
    assert_eq!(demo.registry.lines(), [""; 0]);
}

#[test]
fn fetch_asks_for_the_media_types_that_are_given() {
    let demo = demo();
    demo.oras("manifest fetch [REGISTRY]/demo:amd64 --descriptor --media-type a/b,c/d --media-type application/vnd.oci.image.manifest.v1+json")
        .succeeds()
        .prints(DESCRIBED);
    let asked = demo.registry.requests();
    assert_eq!(asked[0].header("accept"), Some("a/b, c/d, application/vnd.oci.image.manifest.v1+json"));
    demo.refuses(
        "manifest fetch [REGISTRY]/demo:amd64 --media-type application/vnd.oci.image.index.v1+json",
        1,
        "Error response from registry:",
    );
    demo.layout("lay");
    demo.refuses("manifest fetch --oci-layout lay:v1 --media-type a/b", 1, "Error:");
}

#[test]
fn fetch_reads_layouts() {
    let demo = Demo::new();
    demo.layout("lay");
    let described = DESCRIBED.replace('}', r#","annotations":{"org.opencontainers.image.ref.name":"v1"}}"#);
    demo.oras("manifest fetch --oci-layout lay:v1 --descriptor")
        .succeeds()
        .says_nothing_aside()
        .prints(&described);
    demo.oras("manifest fetch --oci-layout-path lay v1").succeeds().says_nothing_aside().prints(AMD);
    demo.oras(&format!("manifest fetch --oci-layout lay@{AMD_DIGEST} --descriptor"))
        .succeeds()
        .prints(DESCRIBED);
    demo.refuses("manifest fetch --oci-layout lay:none", 1, "Error: ");
    demo.refuses("manifest fetch --oci-layout-path lay none", 1, "Error: ");
}

#[test]
fn fetch_refuses_what_is_not_what_it_was_asked_for() {
    let demo = demo();
    demo.registry.on("GET", "/v2/demo/manifests/*").then(Fault::wrong_bytes());
    demo.refuses(&format!("manifest fetch [REGISTRY]/demo@{AMD_DIGEST}"), 1, "Error:")
        .stderr_contains("mismatched digest");
    demo.refuses("manifest fetch [REGISTRY]/demo:none", 1, "Error response from registry:")
        .stderr_contains("[REGISTRY]/demo:none: not found");
    demo.registry.content("demo").insert_manifest(media_type::IMAGE_INDEX, vec![b' '; (4 << 20) + 1]);
    let large = Descriptor::of("", &vec![b' '; (4 << 20) + 1]).digest;
    demo.refuses(&format!("manifest fetch [REGISTRY]/demo@{large}"), 1, "Error:")
        .stderr_contains("size exceeds limit");
}

#[test]
fn what_is_in_the_cache_is_not_asked_for_again() {
    let demo = demo();
    demo.test.set("ORAS_CACHE", demo.test.path("cache").to_str().unwrap());
    for _ in 0..2 {
        demo.oras("manifest fetch [REGISTRY]/demo:multi --platform linux/amd64").succeeds().prints(AMD);
        demo.oras("manifest fetch-config [REGISTRY]/demo:amd64").succeeds().prints(AMD_CONFIG);
    }
    assert_eq!(
        demo.registry.lines(),
        [
            "GET /v2/demo/manifests/multi 200".to_owned(),
            format!("GET /v2/demo/manifests/{AMD_DIGEST} 200"),
            "GET /v2/demo/manifests/amd64 200".to_owned(),
            "GET /v2/demo/blobs/sha256:dc570f145a7f2862c9ef3c30b8d6ae2feaceb0d364e4b2e08e67ae18815427d9 200"
                .to_owned(),
            "GET /v2/demo/manifests/multi 200".to_owned(),
            "GET /v2/demo/manifests/amd64 200".to_owned(),
        ]
    );
    assert_eq!(demo.test.layout("cache").tags(), [""; 0]);
}

#[test]
fn fetch_config_prints_the_config_or_its_descriptor() {
    let demo = demo();
    demo.layout("lay");
    demo.oras("manifest fetch-config [REGISTRY]/demo:amd64")
        .succeeds()
        .says_nothing_aside()
        .prints(AMD_CONFIG);
    demo.oras("manifest fetch-config [REGISTRY]/demo:amd64 -o -")
        .succeeds()
        .says_nothing_aside()
        .prints(AMD_CONFIG);
    demo.oras("manifest fetch-config [REGISTRY]/demo:amd64 --pretty").succeeds().says_nothing_aside().prints(
        r#"{
  "architecture": "amd64",
  "os": "linux",
  "config": {},
  "rootfs": {
    "type": "layers",
    "diff_ids": []
  }
}
"#,
    );
    demo.oras("manifest fetch-config --oci-layout lay:v1").succeeds().says_nothing_aside().prints(AMD_CONFIG);
    demo.oras("manifest fetch-config [REGISTRY]/demo:art --pretty")
        .succeeds()
        .says_nothing_aside()
        .prints("{}\n");
    demo.oras("manifest fetch-config [REGISTRY]/demo:nj").succeeds().says_nothing_aside().prints("not json");
    demo.refuses("manifest fetch-config [REGISTRY]/demo:nj --pretty", 1, "Error:")
        .stderr_contains("failed to prettify");
    demo.registry.forget_requests();
    demo.oras("manifest get-config [REGISTRY]/demo:amd64 --descriptor").succeeds().says_nothing_aside().prints(
        r#"{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:dc570f145a7f2862c9ef3c30b8d6ae2feaceb0d364e4b2e08e67ae18815427d9","size":90}"#,
    );
    assert_eq!(demo.registry.lines(), ["GET /v2/demo/manifests/amd64 200"]);
    demo.oras("manifest fetch-config [REGISTRY]/demo:nj --descriptor").succeeds().says_nothing_aside().prints(
        r#"{"mediaType":"x/y","digest":"sha256:7ccfa1fbf3940e6f0c0375d87c0f9235a50514e14cb427bdfaf5077987b26ccf","size":8,"annotations":{"a":"b"}}"#,
    );
}

#[test]
fn fetch_config_wants_an_image() {
    let demo = demo();
    demo.oras("manifest fetch-config [REGISTRY]/demo:multi --platform linux/arm64")
        .succeeds()
        .says_nothing_aside()
        .prints(ARM_CONFIG);
    demo.refuses("manifest fetch-config [REGISTRY]/demo:multi", 1, "Error:").stderr_contains(MULTI_DIGEST);
    demo.refuses(
        "manifest fetch-config [REGISTRY]/demo:none",
        1,
        "Error response from registry: [REGISTRY]/demo:none: not found",
    );
    demo.refuses("manifest fetch-config [REGISTRY]/demo", 3, "Usage:");
    demo.refuses("manifest fetch-config a b", 3, "Usage:");
    demo.refuses("manifest fetch-config [REGISTRY]/demo:amd64 -o - --descriptor", 1, "Error:");
    demo.refuses(
        "manifest fetch-config --format json [REGISTRY]/demo:amd64",
        1,
        "Error: unknown flag: --format",
    );
}

#[test]
fn fetch_config_writes_a_file() {
    let demo = demo();
    demo.oras("manifest fetch-config [REGISTRY]/demo:amd64 -o c.json --pretty")
        .succeeds()
        .says_nothing_aside()
        .prints_nothing();
    assert_eq!(demo.test.read_text("c.json"), AMD_CONFIG);
    demo.oras("manifest fetch-config [REGISTRY]/demo:amd64 -o d.json --descriptor --pretty")
        .succeeds()
        .stdout_contains("  \"size\": 90\n}\n");
    assert_eq!(demo.test.read_text("d.json"), AMD_CONFIG);
}

#[test]
fn a_config_may_be_larger_than_a_manifest() {
    let demo = Demo::new();
    let content = demo.blobs("demo");
    let text = format!("{{\"a\":\"{}\"}}", "x".repeat(5 << 20));
    let config = content.insert_blob("x/y", text.clone());
    let manifest = serde_json::json!({"config": config, "layers": []});
    content.tag("large", &content.insert_manifest(media_type::IMAGE_MANIFEST, manifest.to_string()));
    demo.oras("manifest fetch-config [REGISTRY]/demo:large -o c.json").succeeds();
    assert!(demo.test.read_text("c.json") == text);
    content.insert_blob_as(&config.digest.to_string(), text.replace('x', "y"));
    demo.refuses("manifest fetch-config [REGISTRY]/demo:large", 1, "Error:")
        .stderr_contains("mismatched digest");
}

#[test]
fn push_uploads_what_is_not_there_yet() {
    let demo = Demo::new();
    demo.blobs("demo");
    let pushed = format!("Pushed: [registry] [REGISTRY]/demo:amd64\nDigest: {AMD_DIGEST}\n");
    let uploaded = "Uploading fb315c96e628 application/vnd.oci.image.manifest.v1+json\nUploaded  fb315c96e628 application/vnd.oci.image.manifest.v1+json\n";
    let present = "Exists    fb315c96e628 application/vnd.oci.image.manifest.v1+json\n";
    let push = "manifest push [REGISTRY]/demo:amd64 m-amd.json";
    demo.oras(push).succeeds().says_nothing_aside().prints(&format!("{uploaded}{pushed}"));
    assert_eq!(
        demo.registry.lines(),
        ["HEAD /v2/demo/manifests/amd64 404", "PUT /v2/demo/manifests/amd64 201"]
    );
    demo.oras(push).succeeds().says_nothing_aside().prints(&format!("{present}{pushed}"));
    assert_eq!(demo.registry.count("PUT *"), 1);
    demo.oras_with_input("manifest push [REGISTRY]/demo:stdin -", AMD)
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{uploaded}{}", pushed.replace(":amd64", ":stdin")));
    demo.oras(&format!("{push} -v=false")).succeeds().says(1, "Flag --verbose").prints(&pushed);
    assert_eq!(demo.registry.content("demo").manifest("amd64").unwrap().1, AMD);
}

#[test]
fn push_sets_more_tags_in_order() {
    let demo = Demo::new();
    demo.blobs("demo");
    demo.oras("manifest push [REGISTRY]/demo:arm64,t1,t2 m-arm.json --concurrency 1")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!(
            "Uploading a94884b89f88 application/vnd.oci.image.manifest.v1+json\n\
         Uploaded  a94884b89f88 application/vnd.oci.image.manifest.v1+json\n\
         Pushed: [registry] [REGISTRY]/demo:arm64\nTagged t1\nTagged t2\nDigest: {ARM_DIGEST}\n"
        ));
    assert_eq!(
        demo.registry.lines()[1..],
        ["arm64", "t1", "t2"].map(|tag| format!("PUT /v2/demo/manifests/{tag} 201"))
    );
    demo.oras("manifest push [REGISTRY]/demo m-amd.json").succeeds();
    demo.oras("manifest push [REGISTRY]/demo,v1 m-amd.json --concurrency -1")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!(
            "Exists    fb315c96e628 application/vnd.oci.image.manifest.v1+json\n\
         Pushed: [registry] [REGISTRY]/demo\nTagged v1\nDigest: {AMD_DIGEST}\n"
        ));
    demo.oras("manifest push [REGISTRY]/demo:ok,bad^tag m-amd.json").fails().says(1, "Error:").prints(
        "Uploading fb315c96e628 application/vnd.oci.image.manifest.v1+json\n\
         Uploaded  fb315c96e628 application/vnd.oci.image.manifest.v1+json\n\
         Pushed: [registry] [REGISTRY]/demo:ok\n",
    );
    demo.oras("manifest push [REGISTRY]/demo:ok, m-amd.json").fails().says(1, "Error: failed to tag");
    assert_eq!(demo.registry.content("demo").tags(), ["arm64", "ok", "t1", "t2", "v1"]);
}

#[test]
fn push_without_a_tag_goes_by_digest() {
    let demo = Demo::new();
    demo.blobs("demo");
    let uploading = "Uploading 9982323c3fbc application/vnd.oci.image.manifest.v1+json\n";
    demo.oras("manifest push [REGISTRY]/demo m-art.json").succeeds().says_nothing_aside().prints(&format!(
        "{uploading}Uploaded  9982323c3fbc application/vnd.oci.image.manifest.v1+json\nPushed: [registry] [REGISTRY]/demo\nDigest: {ART_DIGEST}\n"
    ));
    demo.oras(&format!("manifest push [REGISTRY]/demo@{ART_DIGEST} m-art.json")).succeeds().says_nothing_aside().prints(&format!(
        "Exists    9982323c3fbc application/vnd.oci.image.manifest.v1+json\nPushed: [registry] [REGISTRY]/demo@{ART_DIGEST}\nDigest: {ART_DIGEST}\n"
    ));
    demo.oras(&format!("manifest push [REGISTRY]/demo@{ARM_DIGEST} m-art.json"))
        .fails()
        .prints(uploading)
        .says(1, "Error response from registry:");
    demo.oras(&format!("manifest push --oci-layout lay@{ARM_DIGEST} m-art.json"))
        .fails()
        .prints_nothing()
        .says(1, "Error: invalid digest");
    let wide = Digest::of_with(Algorithm::Sha512, ART.as_bytes());
    let push = format!("manifest push [REGISTRY]/demo@{wide} m-art.json");
    demo.oras(&push).succeeds().stdout_contains(&format!("Uploaded  {wide} "));
    demo.oras(&push).succeeds().stdout_contains(&format!("Digest: {wide}\n"));
    assert!(demo.registry.content("demo").manifest(&wide).is_some());
}

#[test]
fn push_shows_only_the_descriptor_when_asked() {
    let demo = Demo::new();
    demo.blobs("demo");
    let described = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{ART_DIGEST}","size":513}}"#
    );
    demo.oras("manifest push [REGISTRY]/demo:art m-art.json --descriptor")
        .succeeds()
        .says_nothing_aside()
        .prints(&described);
    demo.oras("manifest push [REGISTRY]/demo:art,art2 m-art.json --descriptor --pretty").succeeds().says_nothing_aside().prints(&format!(
        "{{\n  \"mediaType\": \"application/vnd.oci.image.manifest.v1+json\",\n  \"digest\": \"{ART_DIGEST}\",\n  \"size\": 513\n}}\n"
    ));
    assert_eq!(demo.registry.content("demo").tags(), ["art", "art2"]);
    demo.oras("manifest push [REGISTRY]/demo:art m-art.json --pretty")
        .succeeds()
        .stdout_contains("Exists    ");
}

#[test]
fn push_refuses_what_is_no_manifest_before_it_asks() {
    let demo = Demo::new();
    demo.refuses("manifest push [REGISTRY]/demo:x cfg-amd.json", 3, "Usage:");
    demo.refuses("manifest push [REGISTRY]/demo:x hi.txt", 1, "Error:")
        .stderr_contains("not a valid json file");
    demo.refuses("manifest push [REGISTRY]/demo:x missing.json", 1, "Error:");
    demo.refuses("manifest push [REGISTRY]/demo:bad^tag m-amd.json", 2, "Error:");
    demo.refuses("manifest push [REGISTRY]/demo:x m-amd.json --distribution-spec foo", 2, "Error:");
    demo.refuses("manifest push [REGISTRY]/demo", 3, "Usage:");
    demo.refuses("manifest push [REGISTRY]/demo:x - --password-stdin", 1, "Error:");
    demo.refuses("manifest push [REGISTRY]/demo:x - --identity-token-stdin", 1, "Error:");
    demo.refuses("manifest push --oci-layout lay:x hi.txt", 1, "Error:");
    assert_eq!(demo.registry.lines(), [""; 0]);
    assert!(!demo.test.exists("lay"));
    demo.oras("manifest push [REGISTRY]/demo:x cfg-amd.json --media-type a/b")
        .fails()
        .prints("Uploading dc570f145a7f a/b\n")
        .says(1, "Error response from registry:");
}

#[test]
fn push_stores_in_layouts_under_any_name() {
    let demo = Demo::new();
    let uploaded = "Uploading fb315c96e628 application/vnd.oci.image.manifest.v1+json\nUploaded  fb315c96e628 application/vnd.oci.image.manifest.v1+json\n";
    demo.oras("manifest push --oci-layout lay:v1,v2 m-amd.json")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{uploaded}Pushed: [oci-layout] lay:v1\nTagged v2\nDigest: {AMD_DIGEST}\n"));
    demo.oras("manifest push --oci-layout-path lay [REGISTRY]/x:1 m-amd.json")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{uploaded}Pushed: [oci-layout] [REGISTRY]/x:1\nDigest: {AMD_DIGEST}\n"));
    demo.oras("manifest push --oci-layout lay:odd hi.txt --media-type x/y").succeeds();
    demo.oras("repo tags --oci-layout lay").succeeds().prints("[REGISTRY]/x:1\nodd\nv1\nv2\n");
}

#[test]
fn a_blob_of_a_layout_becomes_a_manifest_when_it_is_pushed_as_one() {
    let demo = Demo::new();
    demo.oras("blob push --oci-layout lay m-amd.json").succeeds();
    demo.oras("manifest push --oci-layout lay m-amd.json")
        .succeeds()
        .stdout_contains("Uploaded  fb315c96e628");
    demo.oras("manifest push --oci-layout lay m-amd.json")
        .succeeds()
        .stdout_contains("Exists    fb315c96e628");
    demo.oras(&format!("manifest fetch --oci-layout lay@{AMD_DIGEST} --descriptor"))
        .succeeds()
        .prints(DESCRIBED);
}

#[test]
fn a_pushed_referrer_is_listed_where_the_registry_does_not_do_so() {
    let demo = old_registry();
    demo.repository("demo");
    let push = "manifest push [REGISTRY]/demo:ref m-ref0.json";
    demo.oras(push).succeeds().says_nothing_aside().prints(
        "Uploading d57c6b6846b7 application/vnd.oci.image.manifest.v1+json\n\
         Uploaded  d57c6b6846b7 application/vnd.oci.image.manifest.v1+json\n\
         Pushed: [registry] [REGISTRY]/demo:ref\n\
         Digest: sha256:d57c6b6846b7f39a4924207f132fce4392ccbbe95637d07947c72cfe449a8a9b\n",
    );
    let list = format!("manifest fetch [REGISTRY]/demo:{}", AMD_DIGEST.replace(':', "-"));
    demo.oras(&list).succeeds().says_nothing_aside().prints(
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:d57c6b6846b7f39a4924207f132fce4392ccbbe95637d07947c72cfe449a8a9b","size":592,"annotations":{"n":"0"},"artifactType":"sig/one"}]}"#,
    );
    demo.oras("manifest delete -f [REGISTRY]/demo:ref")
        .succeeds()
        .says_nothing_aside()
        .prints("Deleted [registry] [REGISTRY]/demo:ref\n");
    demo.oras(&list).succeeds().says_nothing_aside().prints(
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
    );
    demo.oras(&format!("{push} --distribution-spec v1.1-referrers-api")).succeeds();
    demo.oras(&list).succeeds().stdout_contains("\"manifests\":[]");
    demo.oras("manifest delete -f [REGISTRY]/demo:ref --distribution-spec v1.1-referrers-api").succeeds();
    demo.oras(&format!("{push} --distribution-spec v1.1-referrers-tag")).succeeds();
    demo.oras(&list).succeeds().stdout_contains("d57c6b6846b7");
}

#[test]
fn delete_asks_first() {
    let demo = demo();
    let question = format!(
        "Are you sure you want to delete the manifest \"{AMD_DIGEST}\" and all tags associated with it? [y/N] "
    );
    for answer in ["", "n\n", " y\n", "yep\n", "\n"] {
        demo.oras_with_input("manifest delete [REGISTRY]/demo:amd64", answer)
            .succeeds()
            .says_nothing_aside()
            .prints(&format!("{question}Operation cancelled.\n"));
    }
    assert_eq!(demo.registry.count("DELETE *"), 0);
    demo.oras_with_input("manifest delete [REGISTRY]/demo:amd64", "Y\n")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{question}Deleted [registry] [REGISTRY]/demo:amd64\n"));
    assert!(demo.registry.content("demo").tagged("amd64").is_none());
    demo.oras_with_input("manifest delete [REGISTRY]/demo:arm64", "yes\n")
        .succeeds()
        .stdout_contains("Deleted ");
}

#[test]
fn delete_takes_what_is_missing_as_deleted_only_when_forced() {
    let demo = demo();
    demo.oras("manifest delete -f [REGISTRY]/demo:none")
        .succeeds()
        .says_nothing_aside()
        .prints("Missing [REGISTRY]/demo:none\n");
    demo.refuses("manifest delete [REGISTRY]/demo:none", 1, "Error: [REGISTRY]/demo:none");
    demo.refuses("manifest delete -f --descriptor [REGISTRY]/demo:none", 1, "Error: [REGISTRY]/demo:none");
    demo.oras(&format!("manifest delete -f [REGISTRY]/demo@{NO_DIGEST}"))
        .succeeds()
        .prints(&format!("Missing [REGISTRY]/demo@{NO_DIGEST}\n"));
    demo.refuses("manifest delete --descriptor nonsense", 1, "Error: must apply --force");
    demo.refuses("manifest delete -f [REGISTRY]/demo", 3, "Usage:");
    demo.refuses("manifest delete", 3, "Usage:");
    demo.refuses("manifest delete -f --distribution-spec x [REGISTRY]/demo:amd64", 2, "Error:");
}

#[test]
fn delete_shows_the_descriptor_of_what_was_deleted() {
    let demo = demo();
    demo.oras("manifest rm -f --descriptor [REGISTRY]/demo:amd64")
        .succeeds()
        .says_nothing_aside()
        .prints(DESCRIBED);
    demo.repository("demo");
    demo.oras(&format!("manifest remove -f --descriptor --pretty [REGISTRY]/demo@{AMD_DIGEST}")).succeeds().says_nothing_aside().prints(&format!(
        "{{\n  \"mediaType\": \"application/vnd.oci.image.manifest.v1+json\",\n  \"digest\": \"{AMD_DIGEST}\",\n  \"size\": 394\n}}\n"
    ));
    demo.repository("demo");
    demo.oras(&format!("manifest delete --force [REGISTRY]/demo@{AMD_DIGEST}"))
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("Deleted [registry] [REGISTRY]/demo@{AMD_DIGEST}\n"));
}

#[test]
fn a_registry_that_deletes_nothing_says_so() {
    let demo = Demo::with(TestRegistry::builder().without_deletes());
    demo.repository("demo");
    demo.refuses("manifest delete -f [REGISTRY]/demo:amd64", 1, "Error response from registry: unsupported:");
}

#[test]
fn delete_cleans_up_a_layout_and_makes_none() {
    let demo = Demo::new();
    demo.layout("layd");
    demo.oras("tag --oci-layout layd:v1 v2").succeeds();
    let described = DESCRIBED.replace('}', r#","annotations":{"org.opencontainers.image.ref.name":"v2"}}"#);
    demo.oras("manifest delete -f --descriptor --oci-layout layd:v2")
        .succeeds()
        .says_nothing_aside()
        .prints(&described);
    demo.oras("repo tags --oci-layout layd").succeeds().says_nothing_aside().prints_nothing();
    assert_eq!(demo.test.files("layd/blobs"), [""; 0]);
    demo.refuses("manifest delete --oci-layout layd:v2", 1, "Error:");
    demo.refuses("manifest delete -f --oci-layout fresh:v2", 1, "Error:");
    assert!(!demo.test.exists("fresh"));
}

#[test]
fn groups_show_their_help() {
    let demo = Demo::new();
    for (group, lines) in [
        ("", &["", "--help", "help"][..]),
        (" manifest", &["manifest", "manifest nonsense", "manifest --help", "help manifest"]),
        (" manifest index", &["manifest index", "manifest index nonsense", "help manifest index"]),
    ] {
        for line in lines {
            let expected = format!("Usage: oras{group} <COMMAND>\n");
            demo.oras(line).succeeds().says_nothing_aside().stdout_contains(&expected);
        }
    }
    demo.oras("manifest push --help a b c d")
        .succeeds()
        .stdout_contains("Usage: oras manifest push [flags] ");
    demo.oras("help nonsense").succeeds().prints_nothing().stderr_contains("Usage: oras <COMMAND>\n");
    demo.refuses("nonsense", 2, "Error: unknown command \"nonsense\" for \"oras\"");
    demo.refuses("manfest", 4, "Error: unknown command \"manfest\"").stderr_contains("\n\tmanifest\n");
}

#[test]
fn flags_are_written_in_every_usual_way() {
    let demo = demo();
    for flags in
        ["-o f1", "-of2", "-o=f3", "--output f4", "--output=f5", "-o nowhere/x -o f6", "--pretty=false -o f7"]
    {
        demo.oras(&format!("manifest fetch {flags} [REGISTRY]/demo:amd64")).succeeds().says_nothing_aside();
        demo.oras(&format!("manifest fetch [REGISTRY]/demo:amd64 {flags}")).succeeds();
    }
    assert!((1..=7).all(|number| demo.test.read_text(&format!("f{number}")) == AMD));
    demo.oras("manifest delete -dfd=false [REGISTRY]/demo:amd64").succeeds().says_nothing_aside();
    for (line, start) in [
        ("manifest fetch --nonsense", "Error: unknown flag: --nonsense"),
        ("manifest fetch -x", "Error: unknown shorthand flag: 'x' in -x"),
        ("manifest delete -fx a", "Error: unknown shorthand flag: 'x' in -fx"),
        ("manifest fetch a --output", "Error: flag needs an argument: --output"),
        ("manifest fetch a -o", "Error: flag needs an argument: 'o' in -o"),
        ("manifest fetch a --pretty=maybe", "Error: invalid argument \"maybe\" for \"--pretty\" flag: "),
        ("manifest push a b --concurrency x", "Error: invalid argument \"x\" for \"--concurrency\" flag: "),
        ("manifest fetch --help --nonsense", "Error: unknown flag: --nonsense"),
    ] {
        demo.refuses(line, 1, start);
    }
}
