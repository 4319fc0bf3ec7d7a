//! `oras manifest index create` and `update`.

use serde_json::Value;

use super::fixture::{AMD_DIGEST, ARM_DIGEST, ART_DIGEST, Demo, MULTI_DIGEST, NO_DIGEST, SINGLE_DIGEST};

const AMD_ENTRY: &str = r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:fb315c96e628bdca52684e9919acd882afd6bc31a1c0223edc97a0d4bffa7870","size":394,"platform":{"architecture":"amd64","os":"linux"}}"#;
const ARM_ENTRY: &str = r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:a94884b89f882055a07d2ddeac1dd08b52197a3b23ab6e739a905aff0050e87c","size":395,"platform":{"architecture":"arm64","os":"linux","os.version":"1.2","variant":"v8"}}"#;
const ART_ENTRY: &str = r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:9982323c3fbc3e2dc398ad9692287eaf2966e5f84a9772e72913518e6728aad5","size":513,"artifactType":"application/vnd.test.art"}"#;

/// An index of these entries, with what stands before and behind them.
fn index(before: &str, entries: &[&str], behind: &str) -> String {
    let entries = entries.join(",");
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"{before},"manifests":[{entries}]{behind}}}"#
    )
}

fn fetched(digest: &str, name: &str) -> String {
    format!("Fetching  {name}\nFetched   {digest} {name}\n")
}

fn demo() -> Demo {
    let demo = Demo::new();
    demo.repository("idx");
    demo
}

/// With `v1`, an index of both images, and `v2`, one of the first.
fn with_indexes() -> Demo {
    let demo = demo();
    demo.oras("manifest index create [REGISTRY]/idx:v1 amd64 arm64").succeeds();
    demo.oras("manifest index create [REGISTRY]/idx:v2 amd64").succeeds();
    demo.registry.forget_requests();
    demo
}

#[test]
fn create_lists_manifests_with_their_platforms() {
    let demo = demo();
    demo.oras("manifest index create [REGISTRY]/idx:v1 amd64 arm64").succeeds().says_nothing_aside().prints(
        &format!(
            "{}{}Packed    465925767fd2 application/vnd.oci.image.index.v1+json\n\
         Pushed    [registry] [REGISTRY]/idx:v1\nDigest: {MULTI_DIGEST}\n",
            fetched(AMD_DIGEST, "amd64"),
            fetched(ARM_DIGEST, "arm64")
        ),
    );
    demo.oras("manifest fetch [REGISTRY]/idx:v1").succeeds().prints(&index("", &[AMD_ENTRY, ARM_ENTRY], ""));
}

#[test]
fn create_takes_names_of_every_form() {
    let demo = demo();
    demo.oras(&format!("manifest index create [REGISTRY]/idx {AMD_DIGEST}")).succeeds().says_nothing_aside().prints(&format!(
        "Fetching  {AMD_DIGEST}\nFetched   {AMD_DIGEST}\nPacked    19778c64a530 application/vnd.oci.image.index.v1+json\n\
         Pushed    [registry] [REGISTRY]/idx\nDigest: {SINGLE_DIGEST}\n"
    ));
    demo.oras(&format!(
        "manifest index create [REGISTRY]/idx:full [REGISTRY]/idx:amd64 any@{AMD_DIGEST} -o -"
    ))
    .succeeds()
    .prints(&index("", &[AMD_ENTRY, AMD_ENTRY], ""));
    demo.oras("manifest index create [REGISTRY]/idx:x [REGISTRY]/demo:amd64")
        .fails()
        .prints("Fetching  [REGISTRY]/demo:amd64\n")
        .says(1, "Error: invalid reference: mismatch");
}

#[test]
fn create_sets_more_tags() {
    let demo = demo();
    demo.oras("manifest index create [REGISTRY]/idx:v2,v3 amd64").succeeds().says_nothing_aside().prints(
        &format!(
            "{}Packed    19778c64a530 application/vnd.oci.image.index.v1+json\n\
         Pushed    [registry] [REGISTRY]/idx:v2\nTagged v3\nDigest: {SINGLE_DIGEST}\n",
            fetched(AMD_DIGEST, "amd64")
        ),
    );
    assert_eq!(demo.registry.count("HEAD *"), 0);
    demo.oras("manifest index create [REGISTRY]/idx,only amd64").succeeds().stdout_contains("Tagged only\n");
    demo.oras("manifest index create [REGISTRY]/idx:i,bad^ amd64")
        .fails()
        .stdout_contains("Pushed    [registry] [REGISTRY]/idx:i\n");
    for tag in ["v2", "v3", "only", "i"] {
        assert_eq!(demo.registry.content("idx").tagged(tag).as_deref(), Some(SINGLE_DIGEST), "{tag}");
    }
}

#[test]
fn create_makes_empty_nested_and_annotated_indexes() {
    let demo = with_indexes();
    demo.oras("manifest index create [REGISTRY]/idx:empty").succeeds().says_nothing_aside().prints(
        "Packed    dff9de109191 application/vnd.oci.image.index.v1+json\n\
         Pushed    [registry] [REGISTRY]/idx:empty\n\
         Digest: sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2\n",
    );
    demo.oras("manifest index create [REGISTRY]/idx:art -a k=v -a x=a=b --artifact-type application/vnd.x art --output -")
        .succeeds()
        .says_nothing_aside()
        .prints(&index(r#","artifactType":"application/vnd.x""#, &[ART_ENTRY], r#","annotations":{"k":"v","x":"a=b"}"#));
    let nested = format!(
        r#"{{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"{MULTI_DIGEST}","size":525}}"#
    );
    demo.oras("manifest index create [REGISTRY]/idx:nested v1 amd64 --output -")
        .succeeds()
        .says_nothing_aside()
        .prints(&index("", &[&nested, AMD_ENTRY], ""));
    demo.oras("manifest index create [REGISTRY]/idx --annotation =v -a k= --artifact-type= -o -")
        .succeeds()
        .prints(&index("", &[], r#","annotations":{"":"v","k":""}"#));
}

#[test]
fn create_writes_the_index_instead_of_pushing_it() {
    let demo = demo();
    demo.oras("manifest index pack [REGISTRY]/idx amd64 --output - --pretty")
        .succeeds()
        .says_nothing_aside()
        .prints(
            r#"{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.index.v1+json",
  "manifests": [
    {
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "sha256:fb315c96e628bdca52684e9919acd882afd6bc31a1c0223edc97a0d4bffa7870",
      "size": 394,
      "platform": {
        "architecture": "amd64",
        "os": "linux"
      }
    }
  ]
}
"#,
        );
    let steps = format!(
        "{}Packed    19778c64a530 application/vnd.oci.image.index.v1+json\n",
        fetched(AMD_DIGEST, "amd64")
    );
    demo.oras("manifest index create [REGISTRY]/idx:no,more amd64 --output idx.json --pretty")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{steps}Digest: {SINGLE_DIGEST}\n"));
    assert_eq!(demo.test.read_text("idx.json"), index("", &[AMD_ENTRY], ""));
    demo.oras("manifest index create [REGISTRY]/idx amd64 -o no/such/folder")
        .fails()
        .prints(&steps)
        .says(1, "Error:");
    assert_eq!(demo.registry.count("PUT *"), 0);
}

#[test]
fn create_refuses_what_cannot_be_part_of_an_index() {
    let demo = demo();
    demo.oras("manifest index create [REGISTRY]/idx:x none")
        .fails()
        .prints("Fetching  none\n")
        .says(1, "Error response from registry:");
    demo.layout("lay");
    demo.oras("manifest push --oci-layout lay:odd hi.txt --media-type x/y").succeeds();
    demo.oras("manifest index create --oci-layout lay:i odd")
        .fails()
        .prints("Fetching  odd\n")
        .says(1, "Error: odd is not a manifest");
    let content = demo.registry.content("idx");
    content.remove_blob("sha256:dc570f145a7f2862c9ef3c30b8d6ae2feaceb0d364e4b2e08e67ae18815427d9");
    demo.oras("manifest index create [REGISTRY]/idx:x amd64").fails().prints(&fetched(AMD_DIGEST, "amd64"));
    assert_eq!(demo.registry.count("PUT *"), 0);
}

#[test]
fn create_refuses_bad_flags_before_it_asks() {
    let demo = demo();
    demo.refuses(
        "manifest index create [REGISTRY]/idx:x amd64 --artifact-type bad",
        1,
        "Error: bad: invalid media type",
    );
    demo.refuses("manifest index create [REGISTRY]/idx:x amd64 -a bad", 2, "Error:");
    demo.refuses("manifest index create [REGISTRY]/idx:x amd64 -a a=1 -a a=2", 1, "Error:");
    demo.refuses("manifest index create", 3, "Usage:");
    demo.refuses("manifest index create [REGISTRY]/idx:bad^ amd64", 2, "Error:");
    demo.refuses("manifest index create -v [REGISTRY]/idx:x amd64", 1, "Error: unknown shorthand flag");
    demo.refuses(
        "manifest index create --concurrency 1 [REGISTRY]/idx:x amd64",
        1,
        "Error: unknown flag: --concurrency",
    );
    assert_eq!(demo.registry.lines(), [""; 0]);
    demo.oras(&format!("manifest index create [REGISTRY]/idx@{NO_DIGEST} amd64")).fails().says(1, "Error:");
    assert_eq!(demo.registry.count("PUT *"), 0);
    demo.oras(&format!("manifest index create [REGISTRY]/idx@{SINGLE_DIGEST} amd64")).succeeds();
}

#[test]
fn create_works_in_layouts() {
    let demo = Demo::new();
    demo.layout("lay");
    let steps = format!(
        "{}Packed    19778c64a530 application/vnd.oci.image.index.v1+json\n",
        fetched(AMD_DIGEST, "v1")
    );
    demo.oras("manifest index create --oci-layout lay:i1,i2 v1")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{steps}Pushed    [oci-layout] lay:i1\nTagged i2\nDigest: {SINGLE_DIGEST}\n"));
    demo.oras("manifest index create --oci-layout lay v1").fails().prints(&steps).says(1, "Error:");
    demo.oras("manifest index create --oci-layout-path lay [REGISTRY]/x:i v1")
        .succeeds()
        .stdout_contains("Pushed    [oci-layout] [REGISTRY]/x:i\n");
    demo.oras("manifest index create --oci-layout fresh:none").succeeds();
    demo.oras("repo tags --oci-layout lay").succeeds().prints("i1\ni2\n[REGISTRY]/x:i\nv1\n");
}

#[test]
fn update_does_nothing_when_nothing_is_to_be_done() {
    let demo = demo();
    demo.test.write("kept", "kept");
    for flags in ["", "--tag zz", "--output kept"] {
        demo.oras(&format!("manifest index update [REGISTRY]/idx:v1 {flags}"))
            .succeeds()
            .says_nothing_aside()
            .prints("Nothing to update as no change is requested\n");
    }
    assert_eq!(demo.registry.lines(), [""; 0]);
    assert_eq!(demo.test.read_text("kept"), "kept");
    demo.refuses("manifest index update nonsense", 2, "Error:");
}

#[test]
fn update_removes_then_adds_then_merges() {
    let demo = with_indexes();
    demo.oras("manifest index update [REGISTRY]/idx:v1 --add art").succeeds().says_nothing_aside().prints(
        &format!(
            "{}{}Added     {ART_DIGEST} art\n\
         Updated   sha256:d3d839b0d23426de4b7e239f8b9247944437d8ee5afedc6c6ceacd36f1834d03\n\
         Pushed    [registry] [REGISTRY]/idx:v1\n\
         Digest: sha256:d3d839b0d23426de4b7e239f8b9247944437d8ee5afedc6c6ceacd36f1834d03\n",
            fetched(MULTI_DIGEST, "v1"),
            fetched(ART_DIGEST, "art")
        ),
    );
    demo.oras(&format!("manifest index update [REGISTRY]/idx:v1 --add art --remove {AMD_DIGEST} --tag v9"))
        .succeeds()
        .says_nothing_aside()
        .prints(&format!(
            "{}Removed   {AMD_DIGEST}\n{}Added     {ART_DIGEST} art\n\
             Updated   sha256:f776bf4805fef3c8a1e40ad94681f58a69fa25d2cc4d946474178e4949391510\n\
             Pushed    [registry] [REGISTRY]/idx:v1\nTagged v9\n\
             Digest: sha256:f776bf4805fef3c8a1e40ad94681f58a69fa25d2cc4d946474178e4949391510\n",
            fetched("sha256:d3d839b0d23426de4b7e239f8b9247944437d8ee5afedc6c6ceacd36f1834d03", "v1"),
            fetched(ART_DIGEST, "art")
        ));
    demo.oras("manifest index update [REGISTRY]/idx:v1 --merge v2 --output -")
        .succeeds()
        .says_nothing_aside()
        .prints(&index("", &[ARM_ENTRY, ART_ENTRY, ART_ENTRY, AMD_ENTRY], ""));
    demo.oras("manifest index update [REGISTRY]/idx:v9 --merge v2 -o m.json")
        .succeeds()
        .stdout_contains(&format!("Merged    {SINGLE_DIGEST} v2\n"));
}

#[test]
fn update_sets_and_removes_the_artifact_type() {
    let demo = with_indexes();
    demo.oras("manifest index update [REGISTRY]/idx:v2 --artifact-type a/b --output u.json")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{}Updated   [DIGEST]\nDigest: [DIGEST]\n", fetched(SINGLE_DIGEST, "v2")));
    assert_eq!(demo.test.read_text("u.json"), index(r#","artifactType":"a/b""#, &[AMD_ENTRY], ""));
    demo.oras("manifest index update [REGISTRY]/idx:v2 --artifact-type a/b").succeeds();
    let bare: Value = serde_json::from_str(&index("", &[AMD_ENTRY], "")).unwrap();
    let removed = demo.test.oras([
        "manifest",
        "index",
        "update",
        "[REGISTRY]/idx:v2",
        "--artifact-type",
        "",
        "--output",
        "-",
        "--pretty",
    ]);
    assert_eq!(removed.json(), bare);
    removed.succeeds().says_nothing_aside().stdout_contains("\n  \"manifests\": [\n");
    demo.refuses("manifest index update [REGISTRY]/idx:v1 --artifact-type bad", 1, "Error:");
}

#[test]
fn update_by_digest_leaves_the_old_index_where_it_is() {
    let demo = with_indexes();
    demo.oras(&format!("manifest index update [REGISTRY]/idx@{SINGLE_DIGEST} --add {ARM_DIGEST} --tag w1"))
        .succeeds()
        .says_nothing_aside()
        .prints(&format!(
            "Fetching  {SINGLE_DIGEST}\nFetched   {SINGLE_DIGEST}\nFetching  {ARM_DIGEST}\nFetched   {ARM_DIGEST}\n\
             Added     {ARM_DIGEST}\nUpdated   {MULTI_DIGEST}\nPushed    [registry] [REGISTRY]/idx\nTagged w1\nDigest: {MULTI_DIGEST}\n"
        ));
    let content = demo.registry.content("idx");
    assert_eq!(content.tagged("v2").as_deref(), Some(SINGLE_DIGEST));
    assert_eq!(content.tagged("w1").as_deref(), Some(MULTI_DIGEST));
}

#[test]
fn update_keeps_what_it_does_not_know() {
    let demo = demo();
    let content = demo.registry.content("idx");
    let own = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{}],"x-own":[1.50]}}"#,
        ARM_ENTRY.replace(",\"variant\"", ",\"x\":1,\"variant\"")
    );
    content.tag("own", &content.insert_manifest(oras::oci::media_type::IMAGE_INDEX, own));
    demo.oras("manifest index update [REGISTRY]/idx:own --add amd64 -o -").succeeds().prints(&index(
        "",
        &[&ARM_ENTRY.replace("\"v8\"}", "\"v8\",\"x\":1}"), AMD_ENTRY],
        r#","x-own":[1.50]"#,
    ));
}

#[test]
fn update_refuses_what_does_not_fit() {
    let demo = with_indexes();
    let v1 = fetched(MULTI_DIGEST, "v1");
    for (arguments, stdout, start) in [
        (format!("v1 --remove {ART_DIGEST}"), v1.clone(), "Error:"),
        ("amd64 --add arm64".to_owned(), "Fetching  amd64\n".to_owned(), "Error: amd64 is not an index"),
        ("v1 --merge amd64".to_owned(), format!("{v1}Fetching  amd64\n"), "Error: amd64 is not an index"),
        ("v1 --add none".to_owned(), format!("{v1}Fetching  none\n"), "Error response from registry:"),
        ("none --add amd64".to_owned(), "Fetching  none\n".to_owned(), "Error response from registry:"),
        (
            "v1 --add [REGISTRY]/other:a".to_owned(),
            format!("{v1}Fetching  [REGISTRY]/other:a\n"),
            "Error: invalid reference:",
        ),
    ] {
        demo.oras(&format!("manifest index update [REGISTRY]/idx:{arguments}"))
            .fails()
            .prints(&stdout)
            .says(1, start);
    }
    demo.refuses("manifest index update [REGISTRY]/idx:v1 --remove amd64", 1, "Error:");
    demo.refuses("manifest index update [REGISTRY]/idx --add amd64", 3, "Usage:");
    demo.refuses(
        "manifest index update nonsense --add amd64 --tag a --output f",
        1,
        "Error: --tag, --output",
    );
    demo.refuses("manifest index update", 3, "Usage:");
    demo.refuses("manifest index update a b", 3, "Usage:");
    demo.refuses(
        "manifest index update -v [REGISTRY]/idx:v1 --add amd64",
        1,
        "Error: unknown shorthand flag",
    );
    assert_eq!(demo.registry.count("PUT *"), 0);
    demo.oras("manifest index update [REGISTRY]/idx:v1 --add amd64 --tag bad^")
        .fails()
        .stdout_contains("Pushed    [registry]");
}

#[test]
fn update_works_in_layouts_and_makes_none() {
    let demo = Demo::new();
    demo.layout("lay");
    demo.oras("manifest index create --oci-layout lay:i1 v1").succeeds();
    demo.oras("manifest index update --oci-layout lay:i1 --add v1").succeeds().says_nothing_aside().prints(
        &format!(
            "{}{}Added     {AMD_DIGEST} v1\n\
         Updated   sha256:bb68b3e2d77449e46c625a9f4704ecd0643453faa1a1f12a79092565e5d532c3\n\
         Pushed    [oci-layout] lay:i1\n\
         Digest: sha256:bb68b3e2d77449e46c625a9f4704ecd0643453faa1a1f12a79092565e5d532c3\n",
            fetched(SINGLE_DIGEST, "i1"),
            fetched(AMD_DIGEST, "v1")
        ),
    );
    demo.oras("manifest index update --oci-layout lay:i1 --add v1 --tag a,b")
        .succeeds()
        .stdout_contains("Tagged a,b\n");
    demo.refuses("manifest index update --oci-layout fresh:i1 --add v1", 1, "Error:");
    assert!(!demo.test.exists("fresh"));
}
