//! `oras backup`

use std::{fs, os::unix::fs::PermissionsExt as _};

use oras::oci::Descriptor;

use crate::support::{
    Access, Authority, Fault, Gate, ServerTls, Test, TestRegistry,
    registry::{Content, Referrers},
};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const KIND: &str = "application/vnd.example";

fn artifact(content: &Content<'_>, tag: &str, files: &[(&str, &[u8])]) -> Descriptor {
    let node = content.insert_artifact(KIND, files);
    content.tag(tag, &node);
    node
}

/// A repository with `v1`, an artifact of `hi.txt`.
fn hello() -> (Test, TestRegistry, Descriptor) {
    let (test, registry) = Test::with_registry();
    let node = artifact(&registry.content("hello"), "v1", &[("hi.txt", b"hello\n")]);
    (test, registry, node)
}

/// What is printed while an artifact of `hi.txt` and its empty config arrive.
fn moved(word: [&str; 2], manifest: &Descriptor) -> String {
    let [doing, done] = word;
    let manifest = manifest.digest.short();
    format!(
        "{doing} 44136fa355b3 {EMPTY}\n{doing} 5891b5b522d5 hi.txt\n{done} 5891b5b522d5 hi.txt\n{done} 44136fa355b3 {EMPTY}\n\
         {doing} {manifest} {IMAGE}\n{done} {manifest} {IMAGE}\n"
    )
}

const PULL: [&str; 2] = ["Pulling  ", "Pulled   "];

/// The names in a tar, in its order.
fn names_in_tar(test: &Test, name: &str) -> Vec<String> {
    let mut archive = tar::Archive::new(fs::File::open(test.path(name)).unwrap());
    let entries = archive.entries().unwrap();
    entries.map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn one_tag_goes_to_a_new_folder() {
    let (test, _registry, node) = hello();
    let moved = moved(PULL, &node);
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello:v1"])
        .succeeds()
        .prints(&format!(
            "Found 1 tag(s) in [REGISTRY]/hello: v1\n{moved}Pulled tag v1 with 0 referrer(s)\n\
             Successfully backed up 1 tag(s) from \"[REGISTRY]/hello\" to \"bk\" in [DURATION].\n"
        ))
        .says_nothing_aside();
    let mut expected: Vec<_> = [
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
        node.digest.encoded(),
    ]
    .map(|encoded| format!("blobs/sha256/{encoded}"))
    .into();
    expected.sort();
    expected.extend(["index.json".to_owned(), "oci-layout".to_owned()]);
    assert_eq!(test.files("bk"), expected);
    assert!(!test.exists("bk/ingest"));
    assert_eq!(test.read_text("bk/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
    assert_eq!(
        test.read_text("bk/index.json"),
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{IMAGE}","digest":"{}","size":{},"annotations":{{"org.opencontainers.image.ref.name":"v1"}}}}]}}"#,
            node.digest, node.size
        )
    );
}

#[test]
fn a_folder_that_has_a_backup_is_extended() {
    let (test, registry, node) = hello();
    let other = artifact(&registry.content("hello"), "other", &[("bye.txt", b"bye\n")]);
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello:v1"]).succeeds();
    registry.forget_requests();
    let (first, second) = (node.digest.short(), other.digest.short());
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello:v1,other"]).succeeds().prints(&format!(
        "Found 2 tag(s) in [REGISTRY]/hello: v1, other\nExists    {first} {IMAGE}\nPulled tag v1 with 0 referrer(s)\n\
         Exists    44136fa355b3 {EMPTY}\nPulling   abc6fd595fc0 bye.txt\nPulled    abc6fd595fc0 bye.txt\n\
         Pulling   {second} {IMAGE}\nPulled    {second} {IMAGE}\nPulled tag other with 0 referrer(s)\n\
         Successfully backed up 2 tag(s) from \"[REGISTRY]/hello\" to \"bk\" in [DURATION].\n"
    ));
    assert_eq!(registry.count("GET /v2/hello/blobs/*"), 1);
    assert_eq!(test.layout("bk").tags(), ["other", "v1"]);
}

#[test]
fn a_tag_that_moved_moves_in_the_backup_and_what_it_named_stays() {
    let (test, registry, before) = hello();
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello"]).succeeds();
    let after = artifact(&registry.content("hello"), "v1", &[("bye.txt", b"bye\n")]);
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello"]).succeeds();
    let layout = test.layout("bk");
    assert_eq!(layout.tags(), ["v1"]);
    assert!(layout.blob_path(&before).exists() && layout.blob_path(&after).exists());
}

/// v1 with four referrers in total, of which one is attached to another; v2 and v3 are the same; other has none.
fn with_referrers(registry: &TestRegistry) -> [Descriptor; 6] {
    let content = registry.content("hello");
    let root = artifact(&content, "v1", &[("hi.txt", b"hello\n")]);
    content.tag("v2", &root);
    content.tag("v3", &root);
    let other = artifact(&content, "other", &[("bye.txt", b"bye\n")]);
    let attach = |subject: &Descriptor, name: &str| {
        content.insert_referrer(subject, "t/1", &[(name, name.as_bytes())])
    };
    let (a, b, c) = (attach(&root, "a"), attach(&root, "b"), attach(&root, "c"));
    let deep = attach(&a, "deep");
    [root, other, a, b, c, deep]
}

#[test]
fn all_tags_with_referrers_go_to_a_tar() {
    let (test, registry) = Test::with_registry();
    let nodes = with_referrers(&registry);
    let outcome = test.oras(["backup", "-o", "bk.tar", "[REGISTRY]/hello", "--include-referrers"]).succeeds();
    let outcome = outcome.says_nothing_aside();
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], "Found 4 tag(s) in [REGISTRY]/hello: other, v1, v2, v3");
    let place = |text: &str| {
        lines.iter().position(|line| *line == text).unwrap_or_else(|| panic!("{text}: {lines:#?}"))
    };
    let ends = ["other with 0", "v1 with 4", "v2 with 4", "v3 with 4"]
        .map(|tag| place(&format!("Pulled tag {tag} referrer(s)")));
    // The lines of a tag come before the line that ends it.
    let root = place(&format!("Pulled    {} {IMAGE}", nodes[0].digest.short()));
    assert!(ends[0] < root && root < ends[1]);
    let mut existing: Vec<_> = lines[ends[1] + 1..ends[2]].to_vec();
    existing.sort_unstable();
    let mut expected =
        [&nodes[3], &nodes[4], &nodes[5]].map(|node| format!("Exists    {} {IMAGE}", node.digest.short()));
    expected.sort();
    assert_eq!(existing, expected);
    assert_eq!(lines[ends[3] + 1], "Exporting to bk.tar");
    let size = fs::metadata(test.path("bk.tar")).unwrap().len();
    let kilobytes = size as f64 / 1024.0;
    assert_eq!(lines[ends[3] + 2], format!("Exported to bk.tar ({kilobytes} KB)"));
    assert!(
        lines[ends[3] + 3]
            .starts_with("Successfully backed up 4 tag(s) from \"[REGISTRY]/hello\" to \"bk.tar\" in ")
    );
    assert!(lines[ends[3] + 3].ends_with('.'));
    let names = names_in_tar(&test, "bk.tar");
    assert_eq!(names[..2], ["blobs/", "blobs/sha256/"]);
    assert_eq!(names[names.len() - 2..], ["index.json", "oci-layout"]);
    assert!(names.is_sorted());
    assert_eq!(test.files("."), ["bk.tar"]);
}

#[test]
fn a_tar_is_the_same_whenever_and_however_it_is_written() {
    let (test, registry) = Test::with_registry();
    with_referrers(&registry);
    for (name, concurrency) in [("1.tar", "1"), ("2.TAR", "9")] {
        let line =
            ["backup", "-o", name, "[REGISTRY]/hello", "--include-referrers", "--concurrency", concurrency];
        test.oras(line).succeeds();
    }
    assert!(test.read("1.tar") == test.read("2.TAR"));
    assert_ne!(fs::metadata(test.path("1.tar")).unwrap().permissions().mode() & 0o444, 0);
}

#[test]
fn more_than_five_tags_stand_on_a_line_each() {
    let (test, registry, node) = hello();
    for tag in ["t2", "t3", "t4", "t5"] {
        registry.content("hello").tag(tag, &node);
    }
    let line = ["backup", "-o", "bk", "[REGISTRY]/hello"];
    test.oras(line).succeeds().stdout_contains("Found 5 tag(s) in [REGISTRY]/hello: t2, t3, t4, t5, v1\n");
    for tag in ["t6", "t7"] {
        registry.content("hello").tag(tag, &node);
    }
    let listed = "Found 7 tag(s) in [REGISTRY]/hello:\nt2\nt3\nt4\nt5\nt6\nt7\nv1\n";
    test.oras(line).succeeds().stdout_contains(listed);
}

#[test]
fn tags_are_listed_page_by_page() {
    let (test, registry) = (Test::new(), TestRegistry::builder().page_size(2).start_blocking());
    let node = artifact(&registry.content("hello"), "t1", &[]);
    for tag in ["t2", "t3", "t4", "t5"] {
        registry.content("hello").tag(tag, &node);
    }
    let from = registry.reference("hello");
    test.oras(["backup", "-o", "bk", &from]).succeeds().stdout_contains(": t1, t2, t3, t4, t5\n");
    assert_eq!(registry.count("GET /v2/hello/tags/list*"), 3);
}

#[test]
fn referrers_of_an_index_and_of_its_manifests_come_along() {
    let (test, registry) = Test::with_registry();
    let content = registry.content("hello");
    let (a, b) =
        (content.insert_artifact(KIND, &[("a", b"a")]), content.insert_artifact(KIND, &[("b", b"b")]));
    let index = content.insert_index(&[a, b.clone()]);
    content.tag("multi", &index);
    let on_child = content.insert_referrer(&b, "t/child", &[]);
    let on_index = content.insert_referrer(&index, "t/index", &[]);
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello:multi", "--include-referrers"])
        .succeeds()
        .stdout_contains("Pulled tag multi with 2 referrer(s)\n");
    let layout = test.layout("bk");
    assert!(layout.blob_path(&on_child).exists() && layout.blob_path(&on_index).exists());
    let alone = ["backup", "-o", "alone", "[REGISTRY]/hello:multi"];
    test.oras(alone).succeeds().stdout_contains("Pulled tag multi with 0 referrer(s)\n");
    assert!(!test.layout("alone").blob_path(&on_child).exists());
    let off = ["backup", "-o", "off", "[REGISTRY]/hello:multi", "--include-referrers=false"];
    test.oras(off).succeeds().stdout_contains("Pulled tag multi with 0 referrer(s)\n");
}

#[test]
fn a_tag_that_is_given_twice_is_saved_twice() {
    let (test, _registry, node) = hello();
    let (moved, short) = (moved(PULL, &node), node.digest.short());
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello:v1,v1"]).succeeds().prints(&format!(
        "Found 2 tag(s) in [REGISTRY]/hello: v1, v1\n{moved}Pulled tag v1 with 0 referrer(s)\n\
         Exists    {short} {IMAGE}\nPulled tag v1 with 0 referrer(s)\n\
         Successfully backed up 2 tag(s) from \"[REGISTRY]/hello\" to \"bk\" in [DURATION].\n"
    ));
}

#[test]
fn mistakes_in_the_arguments_are_found_before_anything_is_asked() {
    let (test, registry, _) = hello();
    let digest = "[REGISTRY]/hello@sha256:d8636a8d6653201edfa0b98b3a0854a9ecdb21a570e94c3a480fb6e0d383d89c";
    for (arguments, expected) in [
        (&["[REGISTRY]/hello:v1"][..], "Error: required flag(s) \"output\" not set\n"),
        (&["-o", "", "[REGISTRY]/hello:v1"], "Error: the output path cannot be empty\n"),
        (&["-o", "x", digest], &format!("Error: digest references are not supported: \"{digest}\"\n")),
        (&["-o", "x", ""], "Error: artifact reference cannot be empty\n"),
        (&["-o", "x", "[REGISTRY]/hello,v1"], "Error: empty tag in reference \"[REGISTRY]/hello,v1\"\n"),
        (&["-o", "x", "[REGISTRY]/hello:v1,"], "Error: empty tag in reference \"[REGISTRY]/hello:v1,\"\n"),
        (
            &["-o", "x", "[REGISTRY]/hello:v1,bad!"],
            "Error: invalid tag \"bad!\" in reference \"[REGISTRY]/hello:v1,bad!\": [..]\n",
        ),
        (&["-o", "x", "[REGISTRY]/UPPER:v1"], "Error: invalid reference \"[REGISTRY]/UPPER:v1\": [..]\n"),
        (&["-o", "x", "[REGISTRY]"], "Error: invalid reference \"[REGISTRY]\": [..]\n"),
        (&["-o", "x", "--nonsense", "[REGISTRY]/hello"], "Error: unknown flag: --nonsense\n"),
        (&["-o", "x", "--format", "json", "[REGISTRY]/hello"], "Error: unknown flag: --format\n"),
        (&["-o", "x", "--oci-layout", "L:v1"], "Error: unknown flag: --oci-layout\n"),
        (&["-o", "x", "-Z", "[REGISTRY]/hello"], "Error: unknown shorthand flag: 'Z' in -Z\n"),
        (&["[REGISTRY]/hello", "-o"], "Error: flag needs an argument: [..]\n"),
        (
            &["-o", "x", "--concurrency", "many", "[REGISTRY]/hello"],
            "Error: invalid argument \"many\" for \"--concurrency\" flag: [..]\n",
        ),
        (
            &["-o", "x", "--include-referrers=maybe", "[REGISTRY]/hello"],
            "Error: invalid argument \"maybe\" for \"--include-referrers\" flag: [..]\n",
        ),
        (
            &["-o", "x", "-u", "a", "--identity-token", "b", "[REGISTRY]/hello"],
            "Error: --username, --identity-token cannot be used at the same time\n",
        ),
        (
            &["-o", "x", "-p", "a", "--password-stdin", "[REGISTRY]/hello"],
            "Error: --password, --password-stdin cannot be used at the same time\n",
        ),
        (
            &["-o", "x", "--cert-file", "a.pem", "[REGISTRY]/hello"],
            "Error: --cert-file must be used in conjunction with --key-file\n",
        ),
        (
            &["-o", "x", "--key-file", "a.pem", "[REGISTRY]/hello"],
            "Error: --key-file must be used in conjunction with --cert-file\n",
        ),
        (&["-o", "x", "--ca-file", "a.pem", "[REGISTRY]/hello"], "Error: open a.pem: [..]\n"),
        (&["-o", "x", "-H", "nocolon", "[REGISTRY]/hello"], "Error: invalid header: \"nocolon\"\n"),
        (&["-o", "x", "--resolve", "a:b", "[REGISTRY]/hello"], "Error: failed to parse resolve flag [..]\n"),
        (
            &["-o", "x", "--distribution-spec", "v9", "[REGISTRY]/hello"],
            "Error: invalid argument \"v9\" for \"--distribution-spec\" flag: [..]\nAvailable options: v1.1-referrers-tag, v1.1-referrers-api\n",
        ),
    ] {
        let line = [&["backup"], arguments].concat();
        test.oras(line).fails().prints_nothing().stderr_is(expected);
    }
    assert_eq!(registry.lines(), [""; 0]);
    assert!(!test.exists("x"));
}

#[test]
fn one_argument_is_wanted() {
    let test = Test::new();
    for (arguments, given) in [(&["-o", "x"][..], 0), (&["-o", "x", "a.example/b", "a.example/c"], 2)] {
        test.oras([&["backup"], arguments].concat()).fails().prints_nothing().stderr_is(&format!(
            "Error: \"oras backup\" requires exactly 1 argument but got {given}\n\
             Usage: oras backup [flags] --output <path> <registry>/<repository>[:<ref1>[,<ref2>...]]\n\
             Please specify the repository to back up. See `oras backup -h` for more options and examples\n"
        ));
    }
}

#[test]
fn help_is_printed_to_standard_output() {
    for flag in ["--help", "-h"] {
        let outcome = Test::new().oras(["backup", flag]).succeeds().says_nothing_aside();
        for text in ["--output", "--include-referrers", "--concurrency", "--no-tty", "Examples:"] {
            assert!(outcome.stdout.contains(text), "{text}: {}", outcome.stdout);
        }
    }
}

#[test]
fn a_tag_that_is_not_there_is_an_error_of_ours() {
    let (test, _registry, _) = hello();
    for tags in ["nope", "v1,nope"] {
        test.oras(["backup", "-o", "x", &format!("[REGISTRY]/hello:{tags}")])
            .fails()
            .prints_nothing()
            .stderr_is("Error: failed to resolve tag \"nope\": [REGISTRY]/hello:nope: not found\n");
    }
}

#[test]
fn a_repository_that_is_not_there_is_an_error_of_the_registry() {
    let (test, _registry, _) = hello();
    test.oras(["backup", "-o", "x", "[REGISTRY]/none"])
        .fails()
        .prints_nothing()
        .stderr_contains("Error response from registry: name unknown[..]\n");
}

#[test]
fn a_repository_without_tags_is_an_error_with_a_hint() {
    let (test, registry) = Test::with_registry();
    registry.content("bare").create();
    test.oras(["backup", "-o", "x", "[REGISTRY]/bare"]).fails().prints_nothing().stderr_is(
        "Error: no tags found in repository \"[REGISTRY]/bare\"\nRun `oras repo tags [REGISTRY]/bare` to see which tags there are\n",
    );
}

#[test]
fn a_place_that_cannot_be_written_is_found_before_anything_is_asked() {
    let (test, registry, _) = hello();
    test.write("hi.txt", "hello\n");
    test.write("dir.tar/file", "");
    for (place, expected) in [
        ("hi.txt", "Error: failed to prepare OCI store for backup: mkdir [TEST]/hi.txt: [..]\n"),
        ("dir.tar", "Error: the output path \"dir.tar\" already exists and is a directory\n[..]\n"),
        ("no/where.tar", "Error: unable to create output file no/where.tar: [..]\n"),
        ("hi.txt/x.tar", "Error: unable to create output file hi.txt/x.tar: [..]\n"),
    ] {
        test.oras(["backup", "-o", place, "[REGISTRY]/hello:v1"])
            .fails()
            .prints_nothing()
            .stderr_is(expected);
    }
    assert_eq!(registry.lines(), [""; 0]);
    assert_eq!(test.read_text("hi.txt"), "hello\n");
    assert_eq!(test.files("."), ["dir.tar/file", "hi.txt"]);
}

#[test]
fn an_archive_is_there_whole_or_not_at_all() {
    let (test, registry, _) = hello();
    registry.on("GET", "/v2/hello/blobs/*").always().then(Fault::error(403, "DENIED", "not yours"));
    test.oras(["backup", "-o", "x.tar", "[REGISTRY]/hello:v1"])
        .fails()
        .stderr_is("Error response from registry: denied: not yours\n");
    assert_eq!(test.files("."), [""; 0]);
    registry.heal();
    test.oras(["backup", "-o", "x.tar", "[REGISTRY]/hello:v1"]).succeeds();
    let before = test.read("x.tar");
    registry.on("GET", "/v2/hello/blobs/*").always().then(Fault::wrong_bytes());
    test.oras(["backup", "-o", "x.tar", "[REGISTRY]/hello:v1"])
        .fails()
        .stderr_contains("Error: failed to back up tag \"v1\" from \"[REGISTRY]/hello\" to \"x.tar\": ");
    test.oras(["backup", "-o", "x.tar", "[REGISTRY]/hello:none"]).fails();
    assert!(test.read("x.tar") == before);
    assert_eq!(test.files("."), ["x.tar"]);
}

#[test]
fn a_connection_that_is_refused_is_an_error_of_ours() {
    let test = Test::new();
    test.oras(["backup", "-o", "x", "localhost:1/hello:v1"])
        .fails()
        .prints_nothing()
        .stderr_contains("Error: failed to resolve tag \"v1\": [..]dial tcp [..]");
}

#[tokio::test]
async fn a_killed_run_leaves_nothing_half_and_the_next_one_does_only_what_is_missing() {
    let (test, registry) = Test::with_registry();
    let content = registry.content("hello");
    let first = artifact(&content, "a", &[("one", b"1"), ("two", b"2")]);
    let second = artifact(&content, "b", &[("big", &[7; 300_000])]);
    let big = Descriptor::of("", &[7; 300_000]).digest;
    let gate = Gate::new();
    registry.on("GET", &format!("/v2/hello/blobs/{big}")).then(Fault::stall_after(1000, &gate));
    let mut running = test.start(["backup", "-o", "bk", "[REGISTRY]/hello"]);
    gate.reached().await;
    running.kill();
    assert_eq!(running.wait().signal, Some(9));
    let layout = test.layout("bk");
    assert_eq!(layout.tags(), ["a"]);
    assert!(
        !test.path("bk/blobs/sha256").join(big.encoded()).exists() && !layout.blob_path(&second).exists()
    );
    registry.forget_requests();
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello"])
        .succeeds()
        .stdout_contains(&format!("Exists    {} {IMAGE}\n", first.digest.short()));
    assert_eq!(registry.count("GET /v2/hello/blobs/*"), 1);
    assert_eq!(test.layout("bk").tags(), ["a", "b"]);
    assert_eq!(test.read(&format!("bk/blobs/sha256/{}", big.encoded())), [7; 300_000]);
}

#[tokio::test]
async fn an_interrupted_archive_leaves_nothing_behind() {
    let (test, registry, _) = hello();
    let gate = Gate::new();
    registry.on("GET", "/v2/hello/blobs/*").always().then(Fault::stall_after(1, &gate));
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let running = test.start(["backup", "-o", "x.tar", "[REGISTRY]/hello:v1"]);
        registry.until("GET /v2/hello/blobs/*").await;
        running.signal(signal);
        running.wait().exits_with(status);
        assert_eq!(test.files("."), [""; 0]);
        registry.forget_requests();
    }
}

/// A registry without the referrers API, with an artifact and the list of its two referrers under a tag.
fn with_list() -> (Test, TestRegistry, [Descriptor; 4]) {
    let test = Test::new();
    let registry = TestRegistry::builder().referrers(Referrers::Off).start_blocking();
    test.names(&registry.host(), "[REGISTRY]");
    let content = registry.content("hello");
    let root = artifact(&content, "v1", &[("hi.txt", b"hello\n")]);
    let kept = content.insert_referrer(&root, "t/1", &[("kept", b"kept")]);
    let lost = content.insert_referrer(&root, "t/1", &[("lost", b"lost")]);
    let list = content.insert_index(&[lost.clone(), kept.clone()]);
    content.tag(&root.digest.referrers_tag(), &list);
    (test, registry, [root, kept, lost, list])
}

#[test]
fn lists_of_referrers_are_tags_like_others() {
    let (test, _registry, [root, ..]) = with_list();
    let tag = root.digest.referrers_tag();
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello"])
        .succeeds()
        .stdout_contains(&format!("Found 2 tag(s) in [REGISTRY]/hello: {tag}, v1\n"))
        .stdout_contains(&format!("Pulled tag {tag} with 0 referrer(s)\n"));
    test.oras(["backup", "-o", "with", "[REGISTRY]/hello:v1", "--include-referrers"])
        .succeeds()
        .stdout_contains("Pulled tag v1 with 2 referrer(s)\n");
}

#[test]
fn a_list_that_names_what_is_gone_is_one_line_and_no_failure() {
    for more in [&[][..], &["--include-referrers"]] {
        let (test, registry, [root, kept, lost, _]) = with_list();
        registry.content("hello").remove_manifest(&lost.digest);
        let (tag, gone) = (root.digest.referrers_tag(), &lost.digest);
        let referrers = more.len();
        test.oras([&["backup", "-o", "bk", "[REGISTRY]/hello"], more].concat())
            .succeeds()
            .stderr_is(&format!(
                "Skipped tag {tag}: it lists what is not there: [REGISTRY]/hello@{gone}: not found\n"
            ))
            .stdout_contains(&format!("Pulled tag v1 with {referrers} referrer(s)\n"))
            .stdout_contains(
                "Successfully backed up 1 tag(s) from \"[REGISTRY]/hello\" to \"bk\" in [DURATION].\n",
            );
        let layout = test.layout("bk");
        assert_eq!(layout.tags(), ["v1"]);
        assert!(layout.blob_path(&kept).exists() && !layout.blob_path(&lost).exists());
    }
}

#[test]
fn a_list_whose_subject_is_gone_is_one_line_and_no_failure() {
    let (test, registry, [root, ..]) = with_list();
    let other = artifact(&registry.content("hello"), "other", &[("bye.txt", b"bye\n")]);
    registry.content("hello").remove_manifest(&root.digest);
    let (tag, gone) = (root.digest.referrers_tag(), &root.digest);
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello"]).succeeds().stderr_is(&format!(
        "Skipped tag {tag}: it lists what is not there: [REGISTRY]/hello@{gone}: not found\n"
    ));
    assert_eq!(test.layout("bk").tags(), ["other"]);
    assert!(test.layout("bk").blob_path(&other).exists());
}

#[test]
fn a_list_that_was_asked_for_must_be_whole() {
    let (test, registry, [root, _, lost, _]) = with_list();
    registry.content("hello").remove_manifest(&lost.digest);
    let tag = root.digest.referrers_tag();
    test.oras(["backup", "-o", "bk", &format!("[REGISTRY]/hello:{tag}")])
        .fails()
        .stderr_contains(&format!("failed to back up tag \"{tag}\" from \"[REGISTRY]/hello\" to \"bk\": "));
}

#[test]
fn referrers_are_read_in_the_way_that_is_asked_for() {
    let (test, _registry, _) = with_list();
    let line = |output: &'static str, spec: &'static str| {
        ["backup", "-o", output, "[REGISTRY]/hello:v1", "--include-referrers", "--distribution-spec", spec]
    };
    test.oras(line("tag", "v1.1-referrers-tag"))
        .succeeds()
        .stdout_contains("Pulled tag v1 with 2 referrer(s)\n");
    test.oras(line("api", "v1.1-referrers-api"))
        .fails()
        .prints("Found 1 tag(s) in [REGISTRY]/hello: v1\n")
        .stderr_contains("Error: failed to back up tag \"v1\" from \"[REGISTRY]/hello\" to \"api\": ");
}

#[test]
fn a_password_comes_from_a_flag_from_standard_input_or_from_a_file() {
    let (test, registry) =
        (Test::new(), TestRegistry::builder().basic("alice", "wonderland").start_blocking());
    test.names(&registry.host(), "[REGISTRY]");
    artifact(&registry.content("hello"), "v1", &[("hi.txt", b"hello\n")]);
    let line = |more: &[&'static str]| [&["backup", "-o", "bk", "[REGISTRY]/hello:v1"], more].concat();
    test.oras(line(&["-u", "alice", "-p", "wonderland"]))
        .succeeds()
        .stderr_is("WARNING! [..]\n")
        .never_says("wonderland");
    for flag in ["--password-stdin", "--password-stdin=true"] {
        test.oras_with_input(line(&["--username", "alice", flag]), "wonderland\n")
            .succeeds()
            .says_nothing_aside();
    }
    test.oras(line(&["-u", "alice", "-p", "looking-glass"]))
        .fails()
        .prints_nothing()
        .stderr_contains("Error response from registry: [..]401: Unauthorized\n")
        .never_says("looking-glass");
    let config = test.path("c.json").to_str().unwrap().to_owned();
    test.oras(line(&[]))
        .fails()
        .prints_nothing()
        .stderr_contains("Error: [..]basic credential not found[..]\n[..]config.json");
    test.oras_with_input(
        ["login", "[REGISTRY]", "-u", "alice", "--password-stdin", "--registry-config", &config],
        "wonderland",
    )
    .succeeds();
    test.oras([
        "backup",
        "-o",
        "bk",
        "[REGISTRY]/hello:v1",
        "--registry-config",
        "none.json",
        "--registry-config",
        &config,
    ])
    .succeeds()
    .says_nothing_aside();
    test.oras_with_input(line(&["--identity-token-stdin"]), "x")
        .fails()
        .prints_nothing()
        .stderr_contains("Error: ");
}

#[test]
fn an_identity_token_becomes_a_token() {
    let registry = TestRegistry::builder().access(Access::bearer("alice", "wonderland")).start_blocking();
    let test = Test::new();
    test.names(&registry.host(), "[REGISTRY]");
    artifact(&registry.content("hello"), "v1", &[("hi.txt", b"hello\n")]);
    let token = registry.new_refresh_token("alice");
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello:v1", "--identity-token", &token])
        .succeeds()
        .stderr_is("WARNING! [..]\n")
        .never_says(&token);
    test.oras_with_input(["backup", "-o", "bk2", "[REGISTRY]/hello", "--identity-token-stdin"], &token)
        .succeeds()
        .says_nothing_aside();
}

#[test]
fn the_flags_of_the_connection_are_obeyed() {
    let authority = Authority::new();
    let tls = ServerTls::new(authority.server()).for_clients_of(&authority);
    let registry = TestRegistry::builder().tls(tls).start_blocking();
    artifact(&registry.content("hello"), "v1", &[("hi.txt", b"hello\n")]);
    let test = Test::new();
    let client = authority.client("someone");
    test.write("ca.pem", authority.pem());
    test.write("cert.pem", client.certificate);
    test.write("key.pem", client.key);
    let from = format!("127.0.0.1:{}/hello:v1", registry.address().port());
    let identity = ["--cert-file", "cert.pem", "--key-file", "key.pem"];
    let line = |more: &[&'static str]| -> Vec<String> {
        let all = [&["backup", "-o", "bk", &*from], more, &identity].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    test.oras(line(&["--ca-file", "ca.pem"])).succeeds();
    test.oras(line(&["--insecure"])).succeeds();
    test.oras(line(&[])).fails().prints_nothing().stderr_contains("Error: [..]certificate[..]");
}

#[test]
fn names_are_resolved_and_headers_are_sent_as_asked() {
    let (test, registry, _) = hello();
    let port = registry.address().port();
    let resolve = format!("reg.example:80:127.0.0.1:{port}");
    test.oras([
        "backup",
        "-o",
        "bk",
        "reg.example/hello:v1",
        "--plain-http",
        "--resolve",
        &resolve,
        "-H",
        "X-Test: 1",
        "--header",
        "X-More: 2",
    ])
    .succeeds()
    .stdout_contains("Found 1 tag(s) in reg.example/hello: v1\n");
    for request in registry.requests() {
        assert_eq!((request.header("x-test"), request.header("x-more")), (Some("1"), Some("2")));
    }
    test.oras(["backup", "-o", "bk", "[REGISTRY]/hello:v1", "--plain-http=false"]).fails().prints_nothing();
}

#[test]
fn concurrency_terminal_and_debug_change_nothing_of_the_result() {
    let (test, _registry, node) = hello();
    for (output, more) in [
        ("a", &["--concurrency", "0"][..]),
        ("b", &["--concurrency", "-1", "--no-tty"]),
        ("c", &["--concurrency=1", "--no-tty=false"]),
        ("d", &["--debug"]),
        ("e", &["-d"]),
    ] {
        let moved = moved(PULL, &node);
        let outcome = test
            .oras([&["backup", "--output", output, "[REGISTRY]/hello:v1"], more].concat())
            .succeeds()
            .prints(&format!(
                "Found 1 tag(s) in [REGISTRY]/hello: v1\n{moved}Pulled tag v1 with 0 referrer(s)\n\
             Successfully backed up 1 tag(s) from \"[REGISTRY]/hello\" to \"{output}\" in [DURATION].\n"
            ));
        assert_eq!(outcome.stderr.contains("Request URL"), more[0].contains("-d"), "{}", outcome.stderr);
    }
}

#[tokio::test]
async fn no_more_nodes_are_moved_at_once_than_asked_for() {
    for (flags, expected) in [
        (&["--concurrency", "1"][..], 1),
        (&["--concurrency", "2"], 2),
        (&["--concurrency", "0"], 3),
        (&[], 8),
    ] {
        let (test, registry) = Test::with_registry();
        let names: Vec<String> = (0..8).map(|number| number.to_string()).collect();
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
        artifact(&registry.content("hello"), "v1", &files);
        let gate = Gate::new();
        registry.on("GET", "/v2/hello/blobs/*").always().then(Fault::stall(&gate));
        let running = test.start([&["backup", "-o", "bk", "[REGISTRY]/hello:v1"], flags].concat());
        gate.reached_by(expected).await;
        assert_eq!(registry.count("GET /v2/hello/blobs/*"), expected);
        gate.open();
        running.wait().succeeds();
    }
}
