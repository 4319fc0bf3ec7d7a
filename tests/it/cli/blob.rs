//! `oras blob push`, `fetch` and `delete`.

use super::fixture::{AMD_DIGEST, Demo, HI, HI_DIGEST, NO_DIGEST};
use crate::support::{TestRegistry, registry::Fault};

const DESCRIBED: &str = r#"{"mediaType":"application/octet-stream","digest":"sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447","size":12}"#;
const INDENTED: &str = r#"{
  "mediaType": "application/octet-stream",
  "digest": "sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447",
  "size": 12
}
"#;
const UPLOADED: &str = "Uploading a948904f2f0f application/vnd.oci.image.layer.v1.tar\nUploaded  a948904f2f0f application/vnd.oci.image.layer.v1.tar\n";
const PRESENT: &str = "Exists    a948904f2f0f application/vnd.oci.image.layer.v1.tar\n";
/// Digest of `abc`.
const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn pushed(target: &str, digest: &str) -> String {
    format!("Pushed: {target}\nDigest: {digest}\n")
}

fn demo() -> Demo {
    let demo = Demo::new();
    demo.repository("demo");
    demo
}

#[test]
fn push_uploads_a_file_once() {
    let demo = Demo::new();
    let expected = pushed("[registry] [REGISTRY]/demo", HI_DIGEST);
    demo.oras("blob push [REGISTRY]/demo hi.txt")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{UPLOADED}{expected}"));
    demo.oras("blob push [REGISTRY]/demo hi.txt")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{PRESENT}{expected}"));
    let lines = demo.registry.lines();
    let short: Vec<_> = lines.iter().map(|line| line.split_once(' ').unwrap().0).collect();
    assert_eq!(short, ["HEAD", "POST", "PUT", "HEAD"]);
    assert_eq!(demo.registry.content("demo").blob(HI_DIGEST).unwrap(), HI);
    demo.oras(&format!("blob push [REGISTRY]/demo@{HI_DIGEST} hi.txt --size 12 --no-tty"))
        .succeeds()
        .says_nothing_aside()
        .prints(&format!(
            "{PRESENT}{}",
            pushed(&format!("[registry] [REGISTRY]/demo@{HI_DIGEST}"), HI_DIGEST)
        ));
    demo.oras("blob push -v=false [REGISTRY]/demo hi.txt")
        .succeeds()
        .says(1, "Flag --verbose")
        .prints(&expected);
}

#[test]
fn push_shows_only_the_descriptor_when_asked() {
    let demo = Demo::new();
    let tar = DESCRIBED.replace("application/octet-stream", "application/vnd.oci.image.layer.v1.tar");
    demo.oras("blob push [REGISTRY]/demo hi.txt --descriptor").succeeds().says_nothing_aside().prints(&tar);
    demo.oras("blob push [REGISTRY]/demo hi.txt --descriptor --pretty --media-type text/plain")
        .succeeds()
        .says_nothing_aside()
        .prints(&INDENTED.replace("application/octet-stream", "text/plain"));
    demo.oras("blob push [REGISTRY]/demo hi.txt --media-type a/b")
        .succeeds()
        .stdout_contains("Exists    a948904f2f0f a/b\n");
    assert_eq!(
        demo.registry.requests_like("PUT *")[0].header("content-type"),
        Some("application/octet-stream")
    );
}

#[test]
fn push_streams_standard_input() {
    let demo = Demo::new();
    let push = format!("blob push [REGISTRY]/demo@{ABC} - --size");
    demo.oras_with_input(&format!("{push} 3"), "abc").succeeds().says_nothing_aside().prints(&format!(
        "Uploading ba7816bf8f01 application/vnd.oci.image.layer.v1.tar\nUploaded  ba7816bf8f01 application/vnd.oci.image.layer.v1.tar\n{}",
        pushed(&format!("[registry] [REGISTRY]/demo@{ABC}"), ABC)
    ));
    let large = "0123456789abcdef".repeat(100_000);
    let digest = oras::oci::Digest::of(large.as_bytes());
    demo.oras_with_input(&format!("blob push [REGISTRY]/demo@{digest} - --size {}", large.len()), &large)
        .succeeds();
    assert!(demo.registry.content("demo").blob(&digest).unwrap() == large);
    let nothing = oras::oci::Digest::of(b"");
    demo.oras(&format!("blob push [REGISTRY]/demo@{nothing} - --size 0")).succeeds();
}

#[test]
fn push_refuses_input_of_which_too_little_is_known() {
    let demo = Demo::new();
    demo.refuses(&format!("blob push [REGISTRY]/demo@{ABC} -"), 1, "Error: `--size`");
    demo.refuses(&format!("blob push [REGISTRY]/demo@{ABC} - --size -1"), 1, "Error: `--size`");
    demo.refuses("blob push [REGISTRY]/demo - --size 3", 1, "Error:");
    demo.refuses(&format!("blob push [REGISTRY]/demo@{ABC} - --size 3 --password-stdin"), 1, "Error:");
    demo.refuses(&format!("blob push [REGISTRY]/demo@{ABC} - --size 3 --identity-token-stdin"), 1, "Error:");
    assert_eq!(demo.registry.lines(), [""; 0]);
}

#[test]
fn push_stores_nothing_that_is_not_what_it_should_be() {
    let demo = Demo::new();
    let uploading = "Uploading ba7816bf8f01 application/vnd.oci.image.layer.v1.tar\n";
    for (size, input) in [(3, "abd"), (4, "abc"), (2, "abc")] {
        for target in ["[REGISTRY]/demo", "--oci-layout lay"] {
            demo.oras_with_input(&format!("blob push {target}@{ABC} - --size {size}"), input)
                .fails()
                .prints(uploading)
                .says(1, "Error");
        }
    }
    demo.oras_with_input(&format!("blob push [REGISTRY]/demo@{NO_DIGEST} - --size 3"), "abd")
        .fails()
        .prints("Uploading 000000000000 application/vnd.oci.image.layer.v1.tar\n")
        .says(1, "Error response from registry: digest invalid:");
    demo.oras(&format!("blob push [REGISTRY]/demo@{ABC} hi.txt"))
        .fails()
        .prints(uploading)
        .says(1, "Error: mismatched digest");
    assert_eq!(demo.registry.content("demo").blobs(), [""; 0]);
    assert_eq!(demo.test.files("lay/blobs"), [""; 0]);
}

#[test]
fn push_refuses_bad_arguments_before_it_asks() {
    let demo = Demo::new();
    demo.refuses("blob push [REGISTRY]/demo hi.txt --size 13", 1, "Error:");
    demo.refuses("blob push [REGISTRY]/demo:tag hi.txt", 1, "Error: invalid digest \"tag\"");
    demo.refuses("blob push [REGISTRY]/demo@sha256:abc hi.txt", 2, "Error:");
    demo.refuses("blob push [REGISTRY]/demo missing.txt", 1, "Error:");
    demo.refuses("blob push [REGISTRY]/demo .", 1, "Error:");
    demo.refuses("blob push [REGISTRY]/demo", 3, "Usage:");
    demo.refuses("blob push --oci-layout lay --oci-layout-path lay hi.txt", 1, "Error:");
    demo.refuses("blob push --oci-layout lay:tag hi.txt", 1, "Error: invalid digest");
    assert_eq!(demo.registry.lines(), [""; 0]);
    assert!(!demo.test.exists("lay"));
}

#[test]
fn push_takes_up_a_file_again_when_the_upload_broke() {
    let demo = Demo::new();
    demo.test.write("large.bin", vec![7; 3 << 20]);
    demo.registry.on("PUT", "/v2/demo/blobs/uploads/*").then(Fault::close_while_reading(1 << 20));
    demo.oras("blob push [REGISTRY]/demo large.bin").succeeds().says_nothing_aside();
    assert_eq!(demo.registry.content("demo").blobs().len(), 1);
}

#[test]
fn push_makes_a_layout() {
    let demo = Demo::new();
    let expected = pushed("[oci-layout] lay", HI_DIGEST);
    demo.oras("blob push --oci-layout lay hi.txt")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{UPLOADED}{expected}"));
    demo.oras("blob push --oci-layout lay hi.txt")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{PRESENT}{expected}"));
    assert_eq!(
        demo.test.read_text("lay/index.json"),
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#
    );
    assert_eq!(demo.test.read_text("lay/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
    demo.oras(&format!("blob push --oci-layout-path lay {HI_DIGEST} hi.txt"))
        .succeeds()
        .stdout_contains(&format!("[oci-layout] {HI_DIGEST}\n"));
}

#[test]
fn a_blob_whose_type_is_that_of_a_manifest_is_pushed_as_one() {
    let demo = Demo::new();
    demo.blobs("demo");
    demo.oras("blob push [REGISTRY]/demo m-amd.json --media-type application/vnd.oci.image.manifest.v1+json")
        .succeeds();
    assert_eq!(demo.registry.lines()[1], format!("PUT /v2/demo/manifests/{AMD_DIGEST} 201"));
}

#[test]
fn fetch_writes_the_blob_or_shows_its_descriptor() {
    let demo = demo();
    demo.oras(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} --output -"))
        .succeeds()
        .says_nothing_aside()
        .prints(HI);
    demo.oras(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} --descriptor"))
        .succeeds()
        .says_nothing_aside()
        .prints(DESCRIBED);
    assert_eq!(
        demo.registry.lines(),
        [format!("GET /v2/demo/blobs/{HI_DIGEST} 200"), format!("HEAD /v2/demo/blobs/{HI_DIGEST} 200")]
    );
    demo.oras(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} --descriptor --pretty"))
        .succeeds()
        .says_nothing_aside()
        .prints(INDENTED);
    demo.oras(&format!("blob fetch [REGISTRY]/demo:any@{HI_DIGEST} --descriptor"))
        .succeeds()
        .says_nothing_aside()
        .prints(DESCRIBED);
    demo.oras(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} --output - --pretty"))
        .succeeds()
        .says_nothing_aside()
        .prints(HI);
    demo.test.write("f1.bin", "something longer than the blob");
    demo.oras(&format!("blob get [REGISTRY]/demo@{HI_DIGEST} --output f1.bin --no-tty"))
        .succeeds()
        .says_nothing_aside()
        .prints_nothing();
    demo.oras(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} -o f2.bin --descriptor"))
        .succeeds()
        .says_nothing_aside()
        .prints(DESCRIBED);
    assert_eq!(demo.test.read_text("f1.bin"), HI);
    assert_eq!(demo.test.read_text("f2.bin"), HI);
    demo.oras(&format!("blob fetch -v [REGISTRY]/demo@{HI_DIGEST} -o -"))
        .succeeds()
        .says(1, "Flag --verbose")
        .prints(HI);
}

#[test]
fn fetch_refuses_bad_arguments_before_it_asks() {
    let demo = demo();
    demo.refuses(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST}"), 1, "Error:");
    demo.refuses(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} --output - --descriptor"), 1, "Error:");
    demo.refuses("blob fetch [REGISTRY]/demo:tag --descriptor", 1, "Error: invalid digest \"tag\"");
    demo.refuses("blob fetch [REGISTRY]/demo --descriptor", 3, "Usage:");
    demo.refuses("blob fetch", 3, "Usage:");
    demo.refuses("blob fetch nonsense", 1, "Error: either");
    demo.refuses(&format!("blob fetch -H a:b --oci-layout lay@{HI_DIGEST} --output -"), 1, "Error:");
    assert_eq!(demo.registry.lines(), [""; 0]);
}

#[test]
fn fetch_leaves_files_alone_when_there_is_no_blob() {
    let demo = demo();
    demo.test.write("keep", "kept");
    let absent = format!("blob fetch [REGISTRY]/demo@{NO_DIGEST}");
    demo.refuses(&format!("{absent} --descriptor"), 1, "Error response from registry:");
    demo.refuses(&format!("{absent} --output nf.bin"), 1, "Error response from registry:");
    demo.refuses(&format!("{absent} --output keep"), 1, "Error response from registry:");
    assert!(!demo.test.exists("nf.bin"));
    assert_eq!(demo.test.read_text("keep"), "kept");
    demo.refuses(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} --output no/such/dir/x"), 1, "Error: open");
}

#[test]
fn fetch_checks_what_comes() {
    let demo = demo();
    let fetch = format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} -o");
    demo.registry.on("GET", "/v2/demo/blobs/*").times(2).then(Fault::wrong_bytes());
    demo.refuses(&format!("{fetch} f.bin"), 1, "Error: mismatched digest");
    assert!(!demo.test.exists("f.bin"));
    demo.oras(&format!("{fetch} -")).fails().says(1, "Error: mismatched digest");
    demo.registry.on("GET", "/v2/demo/blobs/*").then(Fault::header("docker-content-digest", NO_DIGEST));
    demo.refuses(&format!("{fetch} f.bin"), 1, "Error: mismatched digest");
}

#[test]
fn fetch_goes_on_where_a_connection_broke_and_follows_redirects() {
    let demo = Demo::with(TestRegistry::builder().redirects_blobs());
    let content = "0123456789abcdef".repeat(100_000);
    let node = demo.registry.content("demo").insert_blob("a/b", content.clone());
    demo.registry.on("GET", "*sig=*").then(Fault::close_after(500_000));
    demo.oras(&format!("blob fetch [REGISTRY]/demo@{} -o f.bin", node.digest))
        .succeeds()
        .says_nothing_aside();
    assert!(demo.test.read_text("f.bin") == content);
}

#[test]
fn fetch_asks_again_when_an_answer_does_not_say_its_length() {
    let demo = demo();
    demo.registry.on("GET", "/v2/demo/blobs/*").then(Fault::without_header("content-length"));
    demo.oras(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} -o -"))
        .succeeds()
        .says_nothing_aside()
        .prints(HI);
    assert_eq!(demo.registry.count("HEAD *"), 1);
}

#[test]
fn fetch_reads_layouts() {
    let demo = Demo::new();
    demo.layout("lay");
    demo.oras(&format!("blob fetch --oci-layout lay@{HI_DIGEST} --output -"))
        .succeeds()
        .says_nothing_aside()
        .prints(HI);
    demo.oras(&format!("blob fetch --oci-layout-path lay {HI_DIGEST} --descriptor"))
        .succeeds()
        .says_nothing_aside()
        .prints(DESCRIBED);
    demo.oras("blob fetch --oci-layout lay:v1 --descriptor").succeeds().stdout_contains(AMD_DIGEST);
    demo.refuses(&format!("blob fetch --oci-layout lay@{NO_DIGEST} --descriptor"), 1, "Error: ");
    demo.refuses("blob fetch --oci-layout lay:none --descriptor", 1, "Error: ");
    demo.refuses(&format!("blob fetch --oci-layout nolay@{HI_DIGEST} --descriptor"), 1, "Error: ");
    assert!(!demo.test.exists("nolay"));
}

#[test]
fn fetch_keeps_blobs_in_the_cache() {
    let demo = demo();
    demo.test.set("ORAS_CACHE", demo.test.path("cache").to_str().unwrap());
    demo.oras(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} -o -")).succeeds().prints(HI);
    demo.registry.on("GET", "/v2/demo/blobs/*").then(Fault::wrong_bytes());
    demo.oras(&format!("blob fetch [REGISTRY]/demo@{HI_DIGEST} -o -")).succeeds().prints(HI);
    demo.refuses(&format!("blob fetch [REGISTRY]/demo@{NO_DIGEST} -o -"), 1, "Error response from registry:");
}

#[test]
fn delete_asks_first() {
    let demo = demo();
    let line = format!("blob delete [REGISTRY]/demo@{HI_DIGEST}");
    let question = format!("Are you sure you want to delete the blob \"{HI_DIGEST}\"? [y/N] ");
    for answer in ["", "n\n", "no\n"] {
        demo.oras_with_input(&line, answer)
            .succeeds()
            .says_nothing_aside()
            .prints(&format!("{question}Operation cancelled.\n"));
    }
    demo.oras_with_input(&line, "YES\n")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{question}Deleted [registry] [REGISTRY]/demo@{HI_DIGEST}\n"));
    demo.oras_with_input(&line, "y\n").fails().prints_nothing().says(1, "Error: [REGISTRY]/demo");
}

#[test]
fn delete_takes_what_is_missing_as_deleted_only_when_forced() {
    let demo = demo();
    let line = format!("[REGISTRY]/demo@{HI_DIGEST}");
    demo.oras(&format!("blob delete -f {line}"))
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("Deleted [registry] {line}\n"));
    demo.oras(&format!("blob delete --force {line}"))
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("Missing {line}\n"));
    demo.refuses(&format!("blob delete --force --descriptor {line}"), 1, "Error:");
    demo.refuses("blob delete --descriptor nonsense", 1, "Error: must apply --force");
    demo.refuses("blob delete -f [REGISTRY]/demo:tag", 1, "Error: invalid digest \"tag\"");
    demo.refuses("blob delete -f [REGISTRY]/demo", 3, "Usage:");
    demo.refuses("blob delete", 3, "Usage:");
}

#[test]
fn delete_shows_the_descriptor_of_what_was_deleted() {
    let demo = demo();
    demo.oras(&format!("blob rm -f --descriptor [REGISTRY]/demo@{HI_DIGEST}"))
        .succeeds()
        .says_nothing_aside()
        .prints(DESCRIBED);
    demo.blobs("demo");
    demo.oras(&format!("blob remove -f --descriptor --pretty [REGISTRY]/demo@{HI_DIGEST}"))
        .succeeds()
        .says_nothing_aside()
        .prints(INDENTED);
}

#[test]
fn a_blob_that_is_called_a_manifest_is_deleted_as_a_blob() {
    let demo = demo();
    demo.registry
        .on("HEAD", "/v2/demo/blobs/*")
        .then(Fault::header("content-type", "application/vnd.oci.image.manifest.v1+json"));
    demo.oras(&format!("blob delete -f [REGISTRY]/demo@{HI_DIGEST}")).succeeds();
    assert_eq!(demo.registry.count("DELETE /v2/demo/blobs/*"), 1);
}

#[test]
fn delete_works_in_layouts_and_makes_none() {
    let demo = Demo::new();
    demo.oras("blob push --oci-layout lay0 hi.txt").succeeds();
    let line = format!("lay0@{HI_DIGEST}");
    demo.oras(&format!("blob delete -f --oci-layout {line}"))
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("Deleted [oci-layout] {line}\n"));
    demo.oras(&format!("blob delete -f --oci-layout {line}"))
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("Missing {line}\n"));
    demo.refuses(&format!("blob delete --oci-layout {line}"), 1, "Error:");
    demo.refuses(&format!("blob delete -f --oci-layout fresh@{HI_DIGEST}"), 1, "Error:");
    assert!(!demo.test.exists("fresh"));
}

#[test]
fn the_group_shows_its_help() {
    let demo = Demo::new();
    for line in ["blob", "blob nonsense", "blob --help", "help blob"] {
        demo.oras(line).succeeds().says_nothing_aside().stdout_contains("Usage: oras blob");
    }
    demo.oras("blob push --help")
        .succeeds()
        .says_nothing_aside()
        .stdout_contains("Usage: oras blob push [flags] <name>[@<digest>] <file>");
}
