//! `oras repo ls` and `tags`.

use oras::oci::media_type;

use super::fixture::{AMD, AMD_DIGEST, Demo, NO_DIGEST};
use crate::support::{TestRegistry, registry::Fault};

const DIGEST_TAG: &str = "sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// `ns/a` has the same manifest under `v1`, `v2`, `v3` and a tag that looks like a digest, and an index;
/// `ns/b/c` is another repository.
fn fill(demo: &Demo) {
    let content = demo.repository("ns/a");
    let [amd, multi] = ["amd64", "multi"].map(|tag| content.tagged(tag).unwrap());
    for digest in
        [content.manifests()[1].clone(), content.manifests()[2].clone(), content.manifests()[3].clone()]
    {
        content.remove_manifest(&digest);
    }
    content.remove_manifest(&amd);
    let image = content.insert_manifest(media_type::IMAGE_MANIFEST, AMD);
    ["v1", "v2", "v3", DIGEST_TAG].into_iter().for_each(|tag| content.tag(tag, &image));
    let (kind, bytes) = content.manifest(&multi).unwrap();
    content.remove_manifest(&multi);
    content.tag("idx", &content.insert_manifest(&kind, bytes));
    demo.registry.content("ns/b/c").create();
}

fn demo() -> Demo {
    let demo = Demo::new();
    fill(&demo);
    demo
}

/// A layout with tags of every kind.
fn layout(demo: &Demo) {
    demo.layout("lay");
    demo.oras("tag --oci-layout lay:v1 v2 v9").succeeds();
    demo.test
        .oras([
            "tag",
            "--oci-layout-path",
            "lay",
            "v1",
            "any text/x:y",
            "localhost:5000/foo:zz",
            "localhost:5000/x:1",
        ])
        .succeeds();
}

#[test]
fn ls_lists_the_repositories_of_a_namespace() {
    let demo = demo();
    demo.oras("repo ls [REGISTRY]/ns").succeeds().says_nothing_aside().prints("a\nb/c\n");
    demo.oras("repo ls [REGISTRY]/ns/").succeeds().says_nothing_aside().prints("a\nb/c\n");
    demo.oras("repo ls [REGISTRY]").succeeds().says_nothing_aside().prints("ns/a\nns/b/c\n");
    demo.oras("repo list [REGISTRY]/ns --format json").succeeds().says_nothing_aside().prints(
        "{\n  \"registry\": \"[REGISTRY]\",\n  \"repositories\": [\n    \"ns/a\",\n    \"ns/b/c\"\n  ]\n}\n",
    );
    demo.test
        .oras([
            "repository",
            "ls",
            "[REGISTRY]/ns",
            "--format",
            "go-template={{range .repositories}}{{println .}}{{end}}",
        ])
        .succeeds()
        .says_nothing_aside()
        .prints("ns/a\nns/b/c\n");
    demo.oras("repo ls [REGISTRY]/ns --last ns/a").succeeds().says_nothing_aside().prints("b/c\n");
    demo.oras("repo ls [REGISTRY]/nosuch").succeeds().says_nothing_aside().prints_nothing();
    demo.oras("repo ls [REGISTRY]/nosuch --format json")
        .succeeds()
        .says_nothing_aside()
        .prints("{\n  \"registry\": \"[REGISTRY]\",\n  \"repositories\": []\n}\n");
    demo.oras("repo ls [REGISTRY]/ns/a").succeeds().says_nothing_aside().prints_nothing();
    demo.oras("repo ls -v [REGISTRY]/ns").succeeds().says(1, "Flag --verbose").prints("a\nb/c\n");
}

#[test]
fn ls_refuses_bad_arguments_before_it_asks() {
    let demo = demo();
    demo.refuses("repo ls [REGISTRY]/ns:v1", 1, "Error: could not parse repository path:");
    demo.refuses(&format!("repo ls [REGISTRY]/ns@{NO_DIGEST}"), 1, "Error: could not parse repository path:");
    demo.refuses("repo ls [REGISTRY]/BAD", 1, "Error:");
    demo.refuses("repo ls http://[REGISTRY]", 1, "Error:");
    demo.refuses("repo ls", 3, "Usage:");
    demo.refuses("repo ls a b", 3, "Usage:");
    demo.refuses("repo ls [REGISTRY]/ns --format table", 3, "Error:");
    demo.refuses("repo ls [REGISTRY]/ns --format go-template", 2, "Error:");
    demo.refuses("repo ls [REGISTRY]/ns:v1 --format yaml", 2, "Error: invalid format type:");
    demo.refuses("repo ls [REGISTRY]/ns --oci-layout", 1, "Error: unknown flag: --oci-layout");
    demo.refuses("repo ls [REGISTRY]/ns --distribution-spec v1.1-referrers-tag", 1, "Error: unknown flag:");
    assert_eq!(demo.registry.lines(), [""; 0]);
}

#[test]
fn ls_says_which_list_failed_unless_the_registry_itself_does() {
    let demo = demo();
    demo.refuses("repo ls localhost:1", 2, "Error: could not list repositories for \"localhost:1\"");
    demo.refuses(
        "repo ls localhost:1/ns",
        2,
        "Error: could not list repositories for \"localhost:1\" with prefix \"ns/\"",
    );
    demo.registry.on("GET", "/v2/_catalog*").then(Fault::error(403, "DENIED", "not for you"));
    demo.refuses("repo ls [REGISTRY]/ns", 1, "Error response from registry: denied: not for you");
}

#[test]
fn ls_shows_pages_as_they_come() {
    let demo = Demo::with(TestRegistry::builder().page_size(2));
    for name in ["ns/a", "ns/b", "ns/c", "ns/d", "other"] {
        demo.registry.content(name).create();
    }
    demo.oras("repo ls [REGISTRY]/ns").succeeds().prints("a\nb\nc\nd\n");
    demo.registry.on("GET", "/v2/_catalog?*last=ns*").then(Fault::error(500, "UNKNOWN", "gone"));
    demo.registry.on("GET", "/v2/_catalog?*last=ns*").always().then(Fault::error(403, "DENIED", "gone"));
    demo.oras("repo ls [REGISTRY]/ns")
        .fails()
        .prints("a\nb\n")
        .says(1, "Error response from registry: denied: gone");
    demo.refuses("repo ls [REGISTRY]/ns --format json", 1, "Error response from registry:");
}

#[test]
fn ls_with_a_wrong_password_is_refused_by_the_registry() {
    let demo = Demo::with(TestRegistry::builder().basic("hello", "oras-test"));
    demo.refuses("repo ls [REGISTRY]/ns -u hello -p bad", 3, "WARNING!")
        .stderr_contains("Error response from registry:")
        .never_says("bad\"");
    demo.oras("repo ls [REGISTRY]/ns -u hello -p oras-test").succeeds().says(1, "WARNING!");
}

#[test]
fn tags_are_listed_in_the_order_of_their_bytes() {
    let demo = demo();
    demo.oras("repo tags [REGISTRY]/ns/a")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("idx\n{DIGEST_TAG}\nv1\nv2\nv3\n"));
    demo.oras("repo tags [REGISTRY]/ns/a --exclude-digest-tags")
        .succeeds()
        .says_nothing_aside()
        .prints("idx\nv1\nv2\nv3\n");
    demo.oras("repo show-tags [REGISTRY]/ns/a --last v1").succeeds().says_nothing_aside().prints("v2\nv3\n");
    demo.oras("repo tags [REGISTRY]/ns/a --format json --exclude-digest-tags")
        .succeeds()
        .says_nothing_aside()
        .prints("{\n  \"tags\": [\n    \"idx\",\n    \"v1\",\n    \"v2\",\n    \"v3\"\n  ]\n}\n");
    demo.oras("repo tags [REGISTRY]/ns/a --format go-template --template {{.tags}}")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("[idx {DIGEST_TAG} v1 v2 v3]"));
    demo.oras("repo tags [REGISTRY]/ns/a --exclude-digest-tags=false --last idx -v")
        .succeeds()
        .says(1, "Flag --verbose")
        .prints(&format!("{DIGEST_TAG}\nv1\nv2\nv3\n"));
}

#[test]
fn tags_are_sorted_over_all_pages_of_a_registry_that_does_not() {
    let demo = Demo::new();
    demo.registry.on("GET", "/v2/app/tags/list?n=*").then(
        Fault::body(r#"{"name":"app","tags":["v2","b"]}"#)
            .and_header("link", "</v2/app/tags/list?page=2>; rel=\"next\""),
    );
    demo.registry.content("app").create();
    demo.registry
        .on("GET", "/v2/app/tags/list?page=2")
        .then(Fault::body(r#"{"name":"app","tags":["a","v1","b"]}"#));
    demo.oras("repo tags [REGISTRY]/app").succeeds().says_nothing_aside().prints("a\nb\nv1\nv2\n");
}

#[test]
fn tags_of_one_manifest_are_found_by_asking_for_each() {
    let demo = demo();
    let expected = format!("{DIGEST_TAG}\nv1\nv2\nv3\n");
    demo.oras("repo tags [REGISTRY]/ns/a:v1")
        .succeeds()
        .says(1, "[")
        .stderr_contains("][WARNING]: ")
        .prints(&expected);
    assert_eq!(demo.registry.count("HEAD /v2/ns/a/manifests/v1 200"), 1);
    assert_eq!(demo.registry.count("HEAD /v2/ns/a/manifests/*"), 5);
    demo.oras(&format!("repo tags [REGISTRY]/ns/a@{AMD_DIGEST} --format json"))
        .succeeds()
        .says(1, "[")
        .prints(&format!(
            "{{\n  \"tags\": [\n    \"{DIGEST_TAG}\",\n    \"v1\",\n    \"v2\",\n    \"v3\"\n  ]\n}}\n"
        ));
    demo.oras(&format!("repo tags [REGISTRY]/ns/a@{NO_DIGEST}")).succeeds().says(1, "[").prints_nothing();
    demo.oras("repo tags [REGISTRY]/ns/a:v1 --last v1 --exclude-digest-tags").succeeds().prints("v2\nv3\n");
    demo.refuses(
        "repo tags [REGISTRY]/ns/a:none",
        1,
        "Error response from registry: [REGISTRY]/ns/a:none: not found",
    );
}

#[test]
fn tags_that_cannot_be_listed_are_an_error() {
    let demo = demo();
    demo.refuses("repo tags [REGISTRY]/nosuch", 1, "Error response from registry: name unknown:");
    demo.refuses("repo tags [REGISTRY]", 2, "Error:");
    demo.refuses("repo tags", 3, "Usage:");
    demo.refuses("repo tags [REGISTRY]/ns/a --format xml", 2, "Error:");
    demo.refuses("repo tags --oci-layout nolay", 1, "Error:");
    demo.refuses("repo tags --oci-layout lay --oci-layout-path lay", 1, "Error:");
}

#[test]
fn a_page_that_fails_takes_nothing_from_those_before_it() {
    let demo = Demo::with(TestRegistry::builder().page_size(2));
    let content = demo.blobs("app");
    let image = content.insert_manifest(media_type::IMAGE_MANIFEST, AMD);
    ["a", "b", "c"].into_iter().for_each(|tag| content.tag(tag, &image));
    demo.registry
        .on("GET", "/v2/app/tags/list?*last=b*")
        .always()
        .then(Fault::error(403, "DENIED", "no more"));
    demo.oras("repo tags [REGISTRY]/app")
        .fails()
        .prints("a\nb\n")
        .says(1, "Error response from registry: denied: no more");
    demo.refuses("repo tags [REGISTRY]/app --format json", 1, "Error response from registry:");
}

#[test]
fn tags_of_a_layout_may_be_any_text() {
    let demo = Demo::new();
    layout(&demo);
    let all = ["any text/x:y", "localhost:5000/foo:zz", "localhost:5000/x:1", "v1", "v2", "v9"];
    demo.oras("repo tags --oci-layout lay")
        .succeeds()
        .says_nothing_aside()
        .prints(&format!("{}\n", all.join("\n")));
    demo.oras("repo tags --oci-layout lay --last v1").succeeds().says_nothing_aside().prints("v2\nv9\n");
    let json = demo.oras("repo tags --oci-layout lay:v1 --format json").succeeds().says(1, "[");
    assert_eq!(json.json(), serde_json::json!({"tags": all}));
    demo.refuses("repo tags --oci-layout lay:none", 1, "Error:");
}

#[test]
fn tags_of_one_repository_in_a_layout_are_shown_without_it() {
    let demo = Demo::new();
    layout(&demo);
    demo.oras("tag --oci-layout-path lay v1 localhost:5000/foo:aa").succeeds();
    demo.oras("repo tags --oci-layout-path lay localhost:5000/foo")
        .succeeds()
        .says_nothing_aside()
        .prints("aa\nzz\n");
    demo.oras("repo tags --oci-layout-path lay localhost:5000/foo --last aa")
        .succeeds()
        .says_nothing_aside()
        .prints("zz\n");
}

#[test]
fn a_list_that_nobody_reads_to_its_end_is_no_failure() {
    let demo = Demo::new();
    let content = demo.blobs("app");
    let image = content.insert_manifest(media_type::IMAGE_MANIFEST, AMD);
    (0..200).for_each(|number| content.tag(&format!("v{number:03}"), &image));
    let line = demo.test.shell(&format!(
        "set -o pipefail; {} repo tags {}/app:v000 2> /dev/null | head -1",
        crate::support::cli::binary().display(),
        demo.registry.host()
    ));
    line.succeeds().prints("v000\n");
    assert!(demo.registry.count("HEAD *") < 150, "tags were looked up for nobody");
}

#[test]
fn the_group_shows_its_help() {
    let demo = Demo::new();
    for line in ["repo", "repository", "repo nonsense", "repo --help", "help repo"] {
        demo.oras(line).succeeds().says_nothing_aside().stdout_contains("Usage: oras repo");
    }
}
