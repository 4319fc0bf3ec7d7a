//! Several programs at once, on one layout, one folder, or one subject: nothing of anybody gets lost.

use std::{collections::BTreeSet, fs};

use oras::oci::{Descriptor, Digest};

use super::killed::assert_layout_is_whole;
use crate::support::{Fault, Gate, Test, TestRegistry, cli::Running, registry::Referrers};

const MANY: usize = 16;

fn all_succeed(running: Vec<Running>) {
    for running in running {
        running.wait().succeeds();
    }
}

#[test]
fn many_programs_push_to_one_layout() {
    let test = Test::new();
    let number = |at: usize| (format!("file-{at}"), format!("content {at}"), format!("v{at}"));
    let push = |at: usize| {
        let (name, content, tag) = number(at);
        test.write(&name, content);
        test.start(["push", "--oci-layout", &format!("layout:{tag},latest"), &name])
    };
    // The first of them makes the layout, whichever that is.
    all_succeed((0..MANY).map(push).collect());
    assert_layout_is_whole(&test.path("layout"));
    let tags: BTreeSet<_> = test.layout("layout").tags().into_iter().collect();
    let expected = (0..MANY).map(|at| number(at).2).chain(["latest".to_owned()]).collect();
    assert_eq!(tags, expected);
    for at in 0..MANY {
        let (name, content, tag) = number(at);
        test.oras(["pull", "--oci-layout", &format!("layout:{tag}"), "-o", "out"]).succeeds();
        assert_eq!(test.read_text(&format!("out/{name}")), content);
    }
    // 16 manifests, 16 files and the empty config, and nothing that was being written.
    assert_eq!(test.files("layout").len(), 2 + 2 * MANY + 1);
}

/// The programs of four users, who share no folder with locks. Whoever finds another's entry gone puts it back.
#[test]
fn many_programs_attach_to_one_subject_of_a_registry_without_the_referrers_api() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start_blocking();
    let app = registry.content("app");
    let root = app.insert_artifact("a/b", &[("hi.txt", b"hi")]);
    app.tag("v1", &root);
    let users: Vec<_> = (0..4).map(|_| Test::new()).collect();
    let attach = |at: usize| {
        let (user, name) = (&users[at % users.len()], format!("file-{at}"));
        user.write(&name, format!("content {at}"));
        user.start(["attach", &format!("{}:v1", registry.reference("app")), "--artifact-type", "a/b", &name])
    };
    all_succeed((0..MANY).map(attach).collect());
    let listed = app.referrers_by_tag(&root);
    assert_eq!(listed.len(), MANY);
    let (_, index) = app.manifest(&root.digest.referrers_tag()).unwrap();
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), MANY, "{}", String::from_utf8_lossy(&index));
    for at in 0..MANY {
        let layer = Digest::of(format!("content {at}").as_bytes());
        let is_its_manifest = |digest: &&String| {
            String::from_utf8_lossy(&app.manifest(*digest).unwrap().1).contains(layer.encoded())
        };
        assert!(listed.iter().any(|digest| is_its_manifest(&digest)), "attachment {at} is lost");
    }
}

static LARGE: [u8; 3 << 20] = [7; 3 << 20];

fn fill(registry: &TestRegistry) -> Descriptor {
    let app = registry.content("app");
    let root = app.insert_artifact("a/b", &[("small.txt", b"small"), ("large.bin", &LARGE)]);
    app.tag("v1", &root);
    app.insert_referrer(&root, "sbom/example", &[("sbom.json", b"{}")]);
    root
}

/// Runs a command twice, so that both are in the midst of the large file at the same time.
async fn twice(test: &Test, registry: &TestRegistry, arguments: &[&str]) {
    let gate = Gate::new();
    let large = format!("/v2/app/blobs/{}", Digest::of(&LARGE));
    registry.on("GET", &large).always().then(Fault::stall_after(1 << 20, &gate));
    let both = vec![test.start(arguments), test.start(arguments)];
    gate.reached_by(2).await;
    gate.open();
    all_succeed(both);
    registry.heal();
}

#[tokio::test]
async fn two_pulls_into_one_folder_agree() {
    let (test, registry) = Test::with_registry();
    fill(&registry);
    let arguments = ["pull", "[REGISTRY]/app:v1", "-o", "out"];
    twice(&test, &registry, &arguments).await;
    assert_eq!(test.files("out"), ["large.bin", "small.txt"]);
    assert!(test.read("out/large.bin") == LARGE && test.read("out/small.txt") == b"small");

    // What a killed run has left is taken up by one of them; the other one begins anew.
    fs::remove_file(test.path("out/large.bin")).unwrap();
    let left = format!("out/.oras-{}_0", Digest::of(&LARGE).encoded());
    test.write(&left, &LARGE[..1 << 20]);
    registry.forget_requests();
    twice(&test, &registry, &arguments).await;
    assert_eq!(test.files("out"), ["large.bin", "small.txt"]);
    assert!(test.read("out/large.bin") == LARGE);
    let large = registry.requests_like(&format!("GET /v2/app/blobs/{}*", Digest::of(&LARGE)));
    let resumed = large.iter().filter(|request| request.header("range").is_some()).count();
    assert_eq!((large.len(), resumed), (2, 1), "{large:#?}");
}

#[tokio::test]
async fn two_folders_are_unpacked_to_one_place_by_two_programs() {
    let test = Test::new();
    test.write("docs/a.txt", "a");
    test.write("docs/deep/b.txt", vec![7; 1 << 20]);
    test.oras(["push", "--oci-layout", "layout:v1", "docs"]).succeeds();
    let pull = || test.start(["pull", "--oci-layout", "layout:v1", "-o", "out"]);
    all_succeed(vec![pull(), pull(), pull()]);
    assert_eq!(test.files("out"), ["docs/a.txt", "docs/deep/b.txt"]);
    assert!(test.read("out/docs/deep/b.txt") == LARGE[..1 << 20]);
}

#[tokio::test]
async fn two_copies_or_backups_to_one_layout_agree() {
    for arguments in [
        &["cp", "-r", "[REGISTRY]/app:v1", "--to-oci-layout", "layout:v1"][..],
        &["backup", "--include-referrers", "[REGISTRY]/app:v1", "-o", "layout"],
    ] {
        let (test, registry) = Test::with_registry();
        let root = fill(&registry);
        twice(&test, &registry, arguments).await;
        assert_layout_is_whole(&test.path("layout"));
        assert_eq!(test.layout("layout").tags(), ["v1"]);
        assert_eq!(test.files("layout/blobs/sha256").len(), 5);
        assert_eq!(test.files("layout").len(), 2 + 5, "nothing is left of what was being written");
        test.oras(["discover", "--oci-layout", "layout:v1"]).succeeds().stdout_contains("sbom/example");
        assert!(test.exists(&format!("layout/blobs/sha256/{}", root.digest.encoded())));
    }
}

/// Two backups to one tar: the last one to finish has the name, and it is whole.
#[tokio::test]
async fn two_backups_to_one_tar_leave_one_of_them() {
    let (test, registry) = Test::with_registry();
    fill(&registry);
    let arguments = ["backup", "--include-referrers", "[REGISTRY]/app:v1", "-o", "backup.tar"];
    twice(&test, &registry, &arguments).await;
    assert_eq!(test.files("."), ["backup.tar"]);
    test.oras(["cp", "-r", "--from-oci-layout", "backup.tar:v1", "--to-oci-layout", "layout:v1"]).succeeds();
    assert_eq!(test.files("layout/blobs/sha256").len(), 5);
}
