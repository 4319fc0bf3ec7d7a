//! `oras restore`

use std::fs;

use oras::oci::{Descriptor, Index};

use crate::support::{
    Access, Authority, Fault, ServerTls, Test, TestRegistry, layout::LayoutFolder, registry::Referrers,
};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const KIND: &str = "application/vnd.example";

/// A backup with `v1`, an artifact of `hi.txt`, and an empty registry.
fn hello() -> (Test, TestRegistry, Descriptor) {
    let (test, registry) = Test::with_registry();
    let layout = test.layout("bk");
    let node = layout.insert_artifact(KIND, &[("hi.txt", b"hello\n")]);
    layout.tag("v1", &node);
    (test, registry, node)
}

fn attach(layout: &LayoutFolder, subject: &Descriptor, name: &str) -> Descriptor {
    layout.insert_referrer(subject, "t/1", &[(name, name.as_bytes())])
}

/// As [`hello`], with v2 and v3 for the same, other for something else, and four referrers of v1, one of them
/// attached to another.
fn with_referrers() -> (Test, TestRegistry, [Descriptor; 6]) {
    let (test, registry, root) = hello();
    let layout = test.layout("bk");
    let (a, b, c) = (attach(&layout, &root, "a"), attach(&layout, &root, "b"), attach(&layout, &root, "c"));
    let deep = attach(&layout, &a, "deep");
    let other = layout.insert_artifact(KIND, &[("bye.txt", b"bye\n")]);
    layout.tag("v2", &root);
    layout.tag("v3", &root);
    layout.tag("other", &other);
    (test, registry, [root, other, a, b, c, deep])
}

/// Packs the backup as a tar that another program writes.
fn pack(test: &Test, name: &str) -> u64 {
    test.shell(&format!("tar cf {name} -C bk .")).succeeds();
    fs::metadata(test.path(name)).unwrap().len()
}

fn moved(manifest: &Descriptor) -> String {
    let manifest = manifest.digest.short();
    format!(
        "Pushing   44136fa355b3 {EMPTY}\nPushing   5891b5b522d5 hi.txt\nPushed    5891b5b522d5 hi.txt\nPushed    44136fa355b3 {EMPTY}\n\
         Pushing   {manifest} {IMAGE}\nPushed    {manifest} {IMAGE}\n"
    )
}

#[test]
fn one_tag_comes_back() {
    let (test, registry, node) = hello();
    let moved = moved(&node);
    test.oras(["restore", "--input", "bk", "[REGISTRY]/back:v1"])
        .succeeds()
        .prints(&format!(
            "Found 1 tag(s) in the backup: v1\n{moved}Pushed tag v1 with 0 referrer(s)\n\
             Successfully restored 1 tag(s) to \"[REGISTRY]/back\" in [DURATION]\n"
        ))
        .says_nothing_aside();
    assert_eq!(registry.content("back").tagged("v1"), Some(node.digest.to_string()));
    assert_eq!(registry.content("back").blobs().len(), 2);
}

#[test]
fn a_tag_comes_back_from_a_tar_with_everything_that_is_attached() {
    let (test, registry, nodes) = with_referrers();
    let kilobytes = pack(&test, "bk.tar") as f64 / 1024.0;
    let head = format!("Loaded backup archive: bk.tar ({kilobytes} KB)\nFound 1 tag(s) in the backup: v1\n");
    let end = "Pushed tag v1 with 4 referrer(s)\nSuccessfully restored 1 tag(s) to \"[REGISTRY]/back\" in ";
    let line = ["restore", "--input", "bk.tar", "[REGISTRY]/back:v1"];
    let outcome = test.oras(line).succeeds();
    assert!(outcome.stdout.starts_with(&head) && outcome.stdout.contains(end), "{}", outcome.stdout);
    assert_eq!(outcome.stdout.lines().filter(|line| line.starts_with("Pushed    ")).count(), 5 + 1 + 5);
    let content = registry.content("back");
    for node in [&nodes[0], &nodes[2], &nodes[3], &nodes[4], &nodes[5]] {
        assert!(content.manifest(&node.digest).is_some());
    }
    assert!(content.manifest(&nodes[1].digest).is_none());

    registry.forget_requests();
    let ends =
        [&nodes[3], &nodes[4], &nodes[5]].map(|node| format!("Exists    {} {IMAGE}\n", node.digest.short()));
    test.oras(line).succeeds().prints(&format!("{head}{}{end}[DURATION]\n", ends.concat()));
    assert_eq!(registry.count("POST *"), 0);
    assert_eq!(registry.count("PUT *"), 1);
    assert_eq!(registry.count("PUT /v2/back/manifests/v1 201"), 1);
}

#[test]
fn a_dry_run_counts_and_asks_nobody() {
    let (test, registry, _) = with_referrers();
    let kilobytes = pack(&test, "bk.tar") as f64 / 1024.0;
    let all = "Dry run: would push tag other with 0 referrer(s)\nDry run: would push tag v1 with 4 referrer(s)\n\
               Dry run: would push tag v2 with 4 referrer(s)\nDry run: would push tag v3 with 4 referrer(s)\n";
    test.oras(["restore", "--input", "bk.tar", "[REGISTRY]/back", "--dry-run"])
        .succeeds()
        .prints(&format!(
            "Loaded backup archive: bk.tar ({kilobytes} KB)\nFound 4 tag(s) in the backup: other, v1, v2, v3\n{all}\
             Dry run complete: 4 tag(s) would be restored to \"[REGISTRY]/back\" (no data pushed)\n"
        ))
        .says_nothing_aside();
    test.oras(["restore", "--input", "bk", "[REGISTRY]/back:v2,other", "--dry-run", "--exclude-referrers"])
        .succeeds()
        .prints(
            "Found 2 tag(s) in the backup: v2, other\nDry run: would push tag v2 with 0 referrer(s)\n\
         Dry run: would push tag other with 0 referrer(s)\n\
         Dry run complete: 2 tag(s) would be restored to \"[REGISTRY]/back\" (no data pushed)\n",
        );
    test.oras(["restore", "--input", "bk", "localhost:1/nobody", "--dry-run"]).succeeds();
    assert_eq!(registry.lines(), [""; 0]);
}

#[test]
fn referrers_can_be_left_out() {
    let (test, registry, nodes) = with_referrers();
    let (moved, other) = (moved(&nodes[0]), nodes[1].digest.short());
    let line = ["restore", "--input", "bk", "[REGISTRY]/back", "--exclude-referrers"];
    test.oras(line).succeeds().prints(&format!(
        "Found 4 tag(s) in the backup: other, v1, v2, v3\n\
         Pushing   44136fa355b3 {EMPTY}\nPushing   abc6fd595fc0 bye.txt\nPushed    abc6fd595fc0 bye.txt\n\
         Pushed    44136fa355b3 {EMPTY}\nPushing   {other} {IMAGE}\nPushed    {other} {IMAGE}\n\
         Pushed tag other with 0 referrer(s)\n{}Pushed tag v1 with 0 referrer(s)\n\
         Pushed tag v2 with 0 referrer(s)\nPushed tag v3 with 0 referrer(s)\n\
         Successfully restored 4 tag(s) to \"[REGISTRY]/back\" in [DURATION]\n",
        moved
            .replace(
                &format!("Pushing   44136fa355b3 {EMPTY}\n"),
                &format!("Exists    44136fa355b3 {EMPTY}\n")
            )
            .replace(&format!("Pushed    44136fa355b3 {EMPTY}\n"), ""),
    ));
    assert_eq!(registry.content("back").tags(), ["other", "v1", "v2", "v3"]);
    assert_eq!(registry.content("back").manifests().len(), 2);
}

#[test]
fn a_tag_is_restored_with_as_few_requests_as_it_takes() {
    let (test, registry, node) = hello();
    let line =
        ["restore", "--input", "bk", "[REGISTRY]/back:v1", "--exclude-referrers", "--concurrency", "1"];
    test.oras(line).succeeds();
    let mut lines = registry.lines();
    let first = format!("HEAD /v2/back/manifests/{} 404", node.digest);
    assert_eq!((lines.remove(0), lines.pop().as_deref()), (first, Some("PUT /v2/back/manifests/v1 201")));
    let methods: Vec<_> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(methods, ["HEAD", "POST", "PUT", "HEAD", "POST", "PUT"]);
    registry.forget_requests();
    test.oras(line).succeeds();
    let expected =
        [format!("HEAD /v2/back/manifests/{} 200", node.digest), "PUT /v2/back/manifests/v1 201".to_owned()];
    assert_eq!(registry.lines(), expected);
}

#[test]
fn a_tag_that_the_backup_lacks_is_found_before_anything_is_sent() {
    let (test, registry, _) = hello();
    let size = pack(&test, "bk.tar");
    for (input, printed) in [
        ("bk", String::new()),
        ("bk.tar", format!("Loaded backup archive: bk.tar ({} KB)\n", size as f64 / 1024.0)),
    ] {
        for more in [&[][..], &["--dry-run"]] {
            test.oras([&["restore", "--input", input, "[REGISTRY]/back:v1,nope"], more].concat())
                .fails()
                .prints(&printed)
                .stderr_is("Error: failed to resolve tag \"nope\": not found\n");
        }
    }
    assert_eq!(registry.lines(), [""; 0]);
}

#[test]
fn what_is_no_backup_is_refused_and_left_as_it_is() {
    let (test, registry, _) = hello();
    test.write("hi.txt", "hello\n");
    test.write("short.tar", "x");
    test.write("whole/index.json", r#"{"schemaVersion":2,"manifests":[]}"#);
    test.write("whole/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    fs::create_dir(test.path("emptyd")).unwrap();
    for (input, expected) in [
        ("hi.txt", "Error: input path \"hi.txt\" is not a tar archive\n"),
        ("/dev/null", "Error: input path \"/dev/null\" must be a directory or a tar archive\n"),
        ("nodir", "Error: failed to access input path \"nodir\": [..]\n"),
        (
            "emptyd",
            "Error: no tags found in OCI layout \"emptyd\"\nRun `oras repo tags --oci-layout emptyd` [..]\n",
        ),
        (
            "whole",
            "Error: no tags found in OCI layout \"whole\"\nRun `oras repo tags --oci-layout whole` [..]\n",
        ),
        ("short.tar", "Error: [..]\"short.tar\" does not look like a tar archive[..]\n"),
    ] {
        test.oras(["restore", "--input", input, "[REGISTRY]/back"])
            .fails()
            .prints_nothing()
            .stderr_is(expected);
    }
    assert_eq!(fs::read_dir(test.path("emptyd")).unwrap().count(), 0);
    assert_eq!(registry.lines(), [""; 0]);
}

#[test]
fn a_tar_is_known_by_its_content_whatever_it_is_called() {
    let (test, _registry, _) = hello();
    for name in ["backup.img", "BK.TAR"] {
        let kilobytes = pack(&test, name) as f64 / 1024.0;
        test.oras(["restore", "--input", name, "[REGISTRY]/back"]).succeeds().stdout_contains(&format!(
            "Loaded backup archive: {name} ({kilobytes} KB)\nFound 1 tag(s) in the backup: v1\n"
        ));
    }
}

#[test]
fn a_name_that_is_no_tag_is_found_before_anything_is_sent() {
    let (test, registry, node) = hello();
    test.layout("bk").tag("not a tag", &node);
    test.oras(["restore", "--input", "bk", "[REGISTRY]/back"]).fails().prints_nothing().stderr_is(
        "Error: invalid tag \"not a tag\" in OCI layout \"bk\": no registry takes it\n\
         Name the tags to restore, as in [REGISTRY]/back:<tag>[,<tag>...]\n",
    );
    assert_eq!(registry.lines(), [""; 0]);
    test.oras(["restore", "--input", "bk", "[REGISTRY]/back:v1"]).succeeds();
}

#[test]
fn more_than_five_tags_stand_on_a_line_each() {
    let (test, _registry, node) = hello();
    for tag in ["t6", "t2", "t5", "t3", "t4"] {
        test.layout("bk").tag(tag, &node);
    }
    test.oras(["restore", "--input", "bk", "[REGISTRY]/back"])
        .succeeds()
        .stdout_contains("Found 6 tag(s) in the backup:\nt2\nt3\nt4\nt5\nt6\nv1\n");
}

#[test]
fn an_index_comes_back_with_the_referrers_of_its_manifests() {
    let (test, registry, node) = hello();
    let layout = test.layout("bk");
    let index = layout.insert(INDEX, &Index::of(vec![node.plain()]).to_bytes());
    layout.tag("multi", &index);
    let (on_child, on_index) = (attach(&layout, &node, "child"), attach(&layout, &index, "index"));
    test.oras(["restore", "--input", "bk", "[REGISTRY]/back:multi"])
        .succeeds()
        .stdout_contains("Pushed tag multi with 2 referrer(s)\n");
    for node in [&index, &node, &on_child, &on_index] {
        assert!(registry.content("back").manifest(&node.digest).is_some());
    }
}

#[test]
fn referrers_are_recorded_in_the_way_that_the_registry_needs_or_that_is_asked_for() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start_blocking();
    let test = Test::new();
    test.names(&registry.host(), "[REGISTRY]");
    let layout = test.layout("bk");
    let root = layout.insert_artifact(KIND, &[("hi.txt", b"hello\n")]);
    layout.tag("v1", &root);
    let referrer = attach(&layout, &root, "a");
    let tag = root.digest.referrers_tag();
    for (repository, more, expected) in [
        ("auto", &[][..], true),
        ("tag", &["--distribution-spec", "v1.1-referrers-tag"], true),
        ("api", &["--distribution-spec", "v1.1-referrers-api"], false),
    ] {
        let to = format!("[REGISTRY]/{repository}:v1");
        test.oras([&["restore", "--input", "bk", &to], more].concat())
            .succeeds()
            .stdout_contains("Pushed tag v1 with 1 referrer(s)\n");
        let content = registry.content(repository);
        assert_eq!(content.tags().contains(&tag), expected, "{repository}");
        let listed = content.referrers_by_tag(&root);
        assert_eq!(listed.contains(&referrer.digest.to_string()), expected, "{repository}");
    }
}

#[test]
fn what_the_backup_lacks_is_no_answer_of_the_registry() {
    let (test, registry, _) = hello();
    fs::remove_file(
        test.path("bk/blobs/sha256/5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"),
    )
    .unwrap();
    for more in [&[][..], &["--exclude-referrers"]] {
        test.oras([&["restore", "--input", "bk", "[REGISTRY]/back:v1"], more].concat()).fails().stderr_is(
            "Error: failed to restore tag \"v1\" from \"bk\" to \"[REGISTRY]/back\": [..]not found\n",
        );
    }
    assert_eq!(registry.content("back").tags(), [""; 0]);
}

#[test]
fn what_the_registry_refuses_is_told_in_its_words() {
    let (test, registry, _) = hello();
    registry.on("PUT", "/v2/back/manifests/*").always().then(Fault::error(403, "DENIED", "not yours"));
    test.oras(["restore", "--input", "bk", "[REGISTRY]/back:v1"])
        .fails()
        .stderr_is("Error response from registry: denied: not yours\n");
    test.oras(["restore", "--input", "bk", "localhost:1/back:v1"])
        .fails()
        .prints("Found 1 tag(s) in the backup: v1\n")
        .stderr_contains(
            "Error: failed to restore tag \"v1\" from \"bk\" to \"localhost:1/back\": [..]dial tcp [..]",
        );
}

#[test]
fn mistakes_in_the_arguments_are_found_before_anything_is_sent() {
    let (test, registry, _) = hello();
    let digest = "[REGISTRY]/back@sha256:d8636a8d6653201edfa0b98b3a0854a9ecdb21a570e94c3a480fb6e0d383d89c";
    for (arguments, expected) in [
        (&["[REGISTRY]/back:v1"][..], "Error: required flag(s) \"input\" not set\n"),
        (&["--input", "", "[REGISTRY]/back:v1"], "Error: the input path cannot be empty\n"),
        (&["--input", "bk", digest], &format!("Error: digest references are not supported: \"{digest}\"\n")),
        (&["--input", "bk", ""], "Error: artifact reference cannot be empty\n"),
        (&["--input", "bk", "[REGISTRY]/back,v1"], "Error: empty tag in reference \"[REGISTRY]/back,v1\"\n"),
        (
            &["--input", "bk", "[REGISTRY]/back:v1,"],
            "Error: empty tag in reference \"[REGISTRY]/back:v1,\"\n",
        ),
        (
            &["--input", "bk", "[REGISTRY]/back:-v"],
            "Error: invalid tag \"-v\" in reference \"[REGISTRY]/back:-v\": [..]\n",
        ),
        (
            &["--input", "bk", "[REGISTRY]/UPPER:v1"],
            "Error: invalid reference \"[REGISTRY]/UPPER:v1\": [..]\n",
        ),
        (&["--input", "bk", "[REGISTRY]/back", "-o", "x"], "Error: unknown shorthand flag: 'o' in -o\n"),
        (&["--input", "bk", "[REGISTRY]/back", "--format", "json"], "Error: unknown flag: --format\n"),
        (&["[REGISTRY]/back", "--input"], "Error: flag needs an argument: [..]\n"),
        (
            &["--input", "bk", "--dry-run=maybe", "[REGISTRY]/back"],
            "Error: invalid argument \"maybe\" for \"--dry-run\" flag: [..]\n",
        ),
        (
            &["--input", "bk", "--exclude-referrers=2", "[REGISTRY]/back"],
            "Error: invalid argument \"2\" for \"--exclude-referrers\" flag: [..]\n",
        ),
        (
            &["--input", "bk", "--concurrency", "x", "[REGISTRY]/back"],
            "Error: invalid argument \"x\" for \"--concurrency\" flag: [..]\n",
        ),
        (
            &["--input", "bk", "-p", "a", "--identity-token", "b", "[REGISTRY]/back"],
            "Error: --password, --identity-token cannot be used at the same time\n",
        ),
        (
            &["--input", "bk", "--key-file", "a.pem", "[REGISTRY]/back"],
            "Error: --key-file must be used in conjunction with --cert-file\n",
        ),
        (
            &["--input", "bk", "--cert-file", "a.pem", "[REGISTRY]/back"],
            "Error: --cert-file must be used in conjunction with --key-file\n",
        ),
        (&["--input", "bk", "--ca-file", "a.pem", "[REGISTRY]/back"], "Error: open a.pem: [..]\n"),
        (
            &["--input", "bk", "--header", "nocolon", "[REGISTRY]/back"],
            "Error: invalid header: \"nocolon\"\n",
        ),
        (
            &["--input", "bk", "--resolve", "a", "[REGISTRY]/back"],
            "Error: failed to parse resolve flag [..]\n",
        ),
        (
            &["--input", "bk", "--distribution-spec", "v9", "[REGISTRY]/back"],
            "Error: invalid argument \"v9\" for \"--distribution-spec\" flag: [..]\nAvailable options: v1.1-referrers-tag, v1.1-referrers-api\n",
        ),
    ] {
        test.oras([&["restore"], arguments].concat()).fails().prints_nothing().stderr_is(expected);
    }
    assert_eq!(registry.lines(), [""; 0]);
}

#[test]
fn one_argument_is_wanted() {
    let test = Test::new();
    for (arguments, given) in
        [(&["--input", "x"][..], 0), (&["--input", "x", "a.example/b", "a.example/c"], 2)]
    {
        test.oras([&["restore"], arguments].concat()).fails().prints_nothing().stderr_is(&format!(
            "Error: \"oras restore\" requires exactly 1 argument but got {given}\n\
             Usage: oras restore [flags] --input <path> <registry>/<repository>[:<ref1>[,<ref2>...]]\n\
             Please specify the repository to restore to. See `oras restore -h` for more options and examples\n"
        ));
    }
}

#[test]
fn help_is_printed_to_standard_output() {
    for flag in ["--help", "-h"] {
        let outcome = Test::new().oras(["restore", flag]).succeeds().says_nothing_aside();
        for text in ["--input", "--exclude-referrers", "--dry-run", "--concurrency", "--no-tty", "Examples:"]
        {
            assert!(outcome.stdout.contains(text), "{text}: {}", outcome.stdout);
        }
    }
}

#[test]
fn a_password_comes_from_a_flag_from_standard_input_or_from_a_file() {
    let registry = TestRegistry::builder().basic("alice", "wonderland").start_blocking();
    let test = Test::with_layout("bk", "v1");
    test.names(&registry.host(), "[REGISTRY]");
    let line = |more: &[&'static str]| [&["restore", "--input", "bk", "[REGISTRY]/back:v1"], more].concat();
    test.oras(line(&["-u", "alice", "-p", "wonderland"]))
        .succeeds()
        .stderr_is("WARNING! [..]\n")
        .never_says("wonderland");
    test.oras_with_input(line(&["--username", "alice", "--password-stdin"]), "wonderland\r\n")
        .succeeds()
        .says_nothing_aside();
    test.oras(line(&["-u", "alice", "--password", "looking-glass"]))
        .fails()
        .prints("Found 1 tag(s) in the backup: v1\n")
        .stderr_contains("Error response from registry: [..]401: Unauthorized\n")
        .never_says("looking-glass");
    test.oras(line(&[]))
        .fails()
        .prints("Found 1 tag(s) in the backup: v1\n")
        .stderr_contains("Error: [..]basic credential not found[..]\n[..]config.json");
    test.oras_with_input(
        ["login", "[REGISTRY]", "-u", "alice", "--password-stdin", "--registry-config", "c.json"],
        "wonderland",
    )
    .succeeds();
    test.oras(line(&["--registry-config", "none.json", "--registry-config", "c.json"]))
        .succeeds()
        .says_nothing_aside();
    test.oras_with_input(line(&["--identity-token-stdin"]), "x").fails().stderr_contains("Error: ");
}

#[test]
fn an_identity_token_becomes_a_token() {
    let registry = TestRegistry::builder().access(Access::bearer("alice", "wonderland")).start_blocking();
    let test = Test::with_layout("bk", "v1");
    test.names(&registry.host(), "[REGISTRY]");
    let token = registry.new_refresh_token("alice");
    test.oras(["restore", "--input", "bk", "[REGISTRY]/back:v1", "--identity-token", &token])
        .succeeds()
        .stderr_is("WARNING! [..]\n")
        .never_says(&token);
    test.oras_with_input(["restore", "--input", "bk", "[REGISTRY]/again", "--identity-token-stdin"], &token)
        .succeeds()
        .says_nothing_aside();
}

#[test]
fn the_flags_of_the_connection_are_obeyed() {
    let authority = Authority::new();
    let tls = ServerTls::new(authority.server()).for_clients_of(&authority);
    let registry = TestRegistry::builder().tls(tls).start_blocking();
    let test = Test::with_layout("bk", "v1");
    let client = authority.client("someone");
    test.write("ca.pem", authority.pem());
    test.write("cert.pem", client.certificate);
    test.write("key.pem", client.key);
    let to = format!("127.0.0.1:{}/back:v1", registry.address().port());
    let line = |more: &[&'static str]| -> Vec<String> {
        let identity = ["--cert-file", "cert.pem", "--key-file", "key.pem"];
        [&["restore", "--input", "bk", &*to], more, &identity]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    test.oras(line(&["--ca-file", "ca.pem"])).succeeds();
    test.oras(line(&["--insecure"])).succeeds();
    test.oras(line(&[]))
        .fails()
        .prints("Found 1 tag(s) in the backup: v1\n")
        .stderr_contains("Error: [..]certificate[..]");
}

#[test]
fn names_are_resolved_and_headers_are_sent_as_asked() {
    let (test, registry, _) = hello();
    let resolve = format!("reg.example:80:127.0.0.1:{}", registry.address().port());
    test.oras([
        "restore",
        "--input",
        "bk",
        "reg.example/back:v1",
        "--plain-http",
        "--resolve",
        &resolve,
        "-H",
        "X-Test: 1",
    ])
    .succeeds()
    .stdout_contains("Successfully restored 1 tag(s) to \"reg.example/back\" in ");
    assert!(registry.requests().iter().all(|request| request.header("x-test") == Some("1")));
    test.oras(["restore", "--input", "bk", "[REGISTRY]/back:v1", "--plain-http=false"]).fails();
}

#[test]
fn concurrency_terminal_and_debug_change_nothing_of_the_result() {
    let (test, _registry, node) = hello();
    for (repository, more) in [
        ("a", &["--concurrency", "0"][..]),
        ("b", &["--concurrency", "-1", "--no-tty"]),
        ("c", &["--debug"]),
        ("d", &["-d", "--concurrency=1"]),
    ] {
        let (moved, to) = (moved(&node), format!("[REGISTRY]/{repository}:v1"));
        let outcome =
            test.oras([&["restore", "--input", "bk", &to], more].concat()).succeeds().prints(&format!(
                "Found 1 tag(s) in the backup: v1\n{moved}Pushed tag v1 with 0 referrer(s)\n\
             Successfully restored 1 tag(s) to \"[REGISTRY]/{repository}\" in [DURATION]\n"
            ));
        assert_eq!(outcome.stderr.contains("Request URL"), more[0].contains("-d"), "{}", outcome.stderr);
    }
}

#[test]
fn a_backup_comes_back_as_it_was() {
    let (test, registry, nodes) = with_referrers();
    test.oras(["restore", "--input", "bk", "[REGISTRY]/hello"]).succeeds();
    for output in ["again", "again.tar"] {
        test.oras(["backup", "-o", output, "[REGISTRY]/hello", "--include-referrers"]).succeeds();
        let to = format!("[REGISTRY]/{}", output.replace('.', "-"));
        test.oras(["restore", "--input", output, &to]).succeeds();
    }
    let digests = |repository: &str| {
        let mut manifests = registry.content(repository).manifests();
        manifests.sort();
        (manifests, registry.content(repository).blobs(), registry.content(repository).tags())
    };
    assert_eq!(digests("hello").0.len(), nodes.len());
    assert_eq!(digests("hello"), digests("again"));
    assert_eq!(digests("hello"), digests("again-tar"));
}

/// Where referrers are listed under a tag, the backup has that list as well; it must not undo what was attached
/// since.
#[test]
fn a_list_of_referrers_is_restored_into_a_newer_one() {
    let test = Test::new();
    let registry = TestRegistry::builder().referrers(Referrers::Off).start_blocking();
    test.names(&registry.host(), "[REGISTRY]");
    let app = registry.content("app");
    let root = app.insert_artifact(KIND, &[("hi.txt", b"hello\n")]);
    app.tag("v1", &root);
    let attach = |name: &str| {
        test.write(name, name);
        test.oras(["attach", "[REGISTRY]/app:v1", "--artifact-type", "t/1", name]).succeeds();
    };
    attach("first");
    let (before, list) = (app.referrers_by_tag(&root), app.tagged(&root.digest.referrers_tag()).unwrap());
    for more in [&[][..], &["--include-referrers"]] {
        test.oras([&["backup", "-o", "bk", "[REGISTRY]/app"], more].concat()).succeeds();
    }
    for more in [&[][..], &["--exclude-referrers"]] {
        // To an empty repository it comes back byte by byte.
        let to = format!("[REGISTRY]/back{}", more.len());
        test.oras([&["restore", "--input", "bk", &to], more].concat()).succeeds();
        let back = registry.content(&format!("back{}", more.len()));
        assert_eq!(back.tagged(&root.digest.referrers_tag()), Some(list.clone()));
    }
    attach("second");
    let newer = app.referrers_by_tag(&root);
    assert_eq!(newer.len(), 2);
    for more in [&[][..], &["--exclude-referrers"]] {
        test.oras([&["restore", "--input", "bk", "[REGISTRY]/app"], more].concat()).succeeds();
        assert_eq!(app.referrers_by_tag(&root), newer);
    }
    // What was taken off since is there again, beside what came later.
    app.remove_manifest(&before[0]);
    let reduced = Index::of(vec![Descriptor::of(IMAGE, &app.manifest(&newer[1]).unwrap().1)]);
    let reduced = app.insert_manifest(INDEX, reduced.to_bytes());
    app.tag(&root.digest.referrers_tag(), &reduced);
    test.oras(["restore", "--input", "bk", "[REGISTRY]/app"]).succeeds();
    let mut listed = app.referrers_by_tag(&root);
    listed.sort();
    let mut expected = newer;
    expected.sort();
    assert_eq!(listed, expected);
}
