//! Commands that are killed at every point, and run again: nothing is half there, and nothing is lost.
//!
//! A request of the command stalls, the command is killed, everything is looked at, and the same command
//! line is run again without a fault. That is done for each of its requests in turn.

use std::{fs, path::Path, thread, time::Duration};

use oras::oci::{Descriptor, Digest};
use serde_json::Value;

use crate::support::{
    Fault, Gate, Test, TestRegistry,
    registry::{Builder, Referrers},
};

const FILES: [(&str, &[u8]); 3] = [("one.txt", b"one"), ("two.txt", b"two"), ("large.bin", &[7; 300_000])];

/// A command line that is killed, and what must hold.
struct Case {
    registry: fn() -> Builder,
    /// What is there before.
    prepare: fn(&Test, &TestRegistry),
    arguments: &'static [&'static str],
    /// What must hold at any time.
    never_half: fn(&Test, &TestRegistry),
    /// What must hold when it has succeeded.
    whole: fn(&Test, &TestRegistry),
}

impl Case {
    fn set_up(&self) -> (Test, TestRegistry) {
        let (test, registry) = (Test::new(), (self.registry)().start_blocking());
        test.names(&registry.host(), "[REGISTRY]");
        (self.prepare)(&test, &registry);
        registry.forget_requests();
        (test, registry)
    }

    /// Kills the command at each of its requests, and within the bodies of its answers.
    async fn run(&self) {
        let (test, registry) = self.set_up();
        test.oras(self.arguments).succeeds();
        (self.whole)(&test, &registry);
        let requests = registry.requests();
        assert!(requests.len() > 2, "{requests:#?}");
        for (at, request) in requests.iter().enumerate() {
            self.kill(Fault::stall, at).await;
            if request.line().starts_with("GET ") {
                for bytes in [0, 1, 100_000] {
                    self.kill(|gate| Fault::stall_after(bytes, gate), at).await;
                }
            }
        }
    }

    async fn kill(&self, fault: impl Fn(&Gate) -> Fault, at: usize) {
        let (test, registry) = self.set_up();
        let gate = Gate::new();
        registry.on("*", "*").after(at).always().then(fault(&gate));
        let mut running = test.start(self.arguments);
        tokio::select! {
            () = gate.reached() => {}
            // Requests that run side by side may come in another order, and an answer may be shorter.
            () = running.ends() => {}
        }
        running.kill();
        running.wait();
        (self.never_half)(&test, &registry);
        registry.heal();
        gate.open();
        test.oras(self.arguments).succeeds();
        (self.never_half)(&test, &registry);
        (self.whole)(&test, &registry);
    }
}

fn plain() -> Builder {
    TestRegistry::builder()
}

fn without_api() -> Builder {
    TestRegistry::builder().referrers(Referrers::Off)
}

fn write_files(test: &Test, _: &TestRegistry) {
    for (name, content) in FILES {
        test.write(name, content);
    }
}

fn fill(_: &Test, registry: &TestRegistry) {
    let app = registry.content("app");
    let root = app.insert_artifact("a/b", &FILES);
    app.tag("v1", &root);
    let sbom = app.insert_referrer(&root, "sbom/example", &[("sbom.json", b"{}")]);
    app.insert_referrer(&sbom, "signature/example", &[("sig", b"sig")]);
}

fn fill_and_write(test: &Test, registry: &TestRegistry) {
    fill(test, registry);
    test.write("added.txt", "added");
}

/// Files in a folder are whole or not there.
fn pulled_files_are_whole(test: &Test, _: &TestRegistry) {
    for (name, content) in FILES {
        let name = format!("out/{name}");
        assert!(!test.exists(&name) || test.read(&name) == content, "{name}");
    }
}

fn all_files_are_pulled(test: &Test, _: &TestRegistry) {
    // Nothing else is left behind.
    assert_eq!(test.files("out"), ["large.bin", "one.txt", "two.txt"]);
}

fn pushed_manifest_is_whole(_: &Test, registry: &TestRegistry) {
    let app = registry.content("app");
    for digest in app.manifests() {
        assert_manifest_is_whole(registry, "app", &digest);
    }
}

fn assert_manifest_is_whole(registry: &TestRegistry, name: &str, digest: &str) {
    let content = registry.content(name);
    let (_, bytes) = content.manifest(digest).unwrap();
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    let layers = manifest["layers"].as_array().into_iter().flatten().chain([&manifest["config"]]);
    for layer in layers.filter_map(|layer| layer["digest"].as_str()) {
        assert!(content.blob(layer).is_some(), "{name}: {digest} has no {layer}");
    }
}

fn files_are_pushed(_: &Test, registry: &TestRegistry) {
    let app = registry.content("app");
    assert!(app.tagged("v1").is_some());
    for (_, content) in FILES {
        assert_eq!(app.blob(&Digest::of(content)).unwrap(), content);
    }
}

#[tokio::test]
async fn a_push_that_is_killed_is_done_by_the_next() {
    let case = Case {
        registry: plain,
        prepare: write_files,
        arguments: &["push", "[REGISTRY]/app:v1", "one.txt", "two.txt", "large.bin"],
        never_half: pushed_manifest_is_whole,
        whole: files_are_pushed,
    };
    case.run().await;
}

#[tokio::test]
async fn a_pull_that_is_killed_leaves_no_stumps() {
    let case = Case {
        registry: plain,
        prepare: fill,
        arguments: &["pull", "[REGISTRY]/app:v1", "-o", "out"],
        never_half: pulled_files_are_whole,
        whole: all_files_are_pulled,
    };
    case.run().await;
}

#[tokio::test]
async fn an_attach_that_is_killed_loses_no_referrer() {
    fn attached(_: &Test, registry: &TestRegistry) {
        let app = registry.content("app");
        let root = app.tagged("v1").unwrap();
        let (kind, bytes) = app.manifest(&root).unwrap();
        let listed = app.referrers_by_tag(&Descriptor::of(kind, &bytes));
        let added = app.blob(&Digest::of(b"added"));
        assert!(added.is_some_and(|added| added == "added"));
        let holds_added = |digest: &String| {
            let (_, manifest) = app.manifest(digest).unwrap();
            String::from_utf8_lossy(&manifest).contains(Digest::of(b"added").encoded())
        };
        // Each run makes an artifact with its own time of creation; the last one at least is listed.
        assert!(listed.iter().any(holds_added), "{listed:?}");
    }
    let case = Case {
        registry: without_api,
        prepare: fill_and_write,
        arguments: &["attach", "[REGISTRY]/app:v1", "--artifact-type", "a/b", "added.txt"],
        never_half: pushed_manifest_is_whole,
        whole: attached,
    };
    case.run().await;
}

/// A run that was killed after a referrer and before its entry had been stored is to be mended, however the
/// next run comes by the same manifest: by the same files and times, or by a copy.
#[test]
fn a_referrer_that_is_there_but_not_listed_is_listed_by_the_next_run() {
    let (test, registry) = (Test::new(), without_api().start_blocking());
    test.names(&registry.host(), "[REGISTRY]");
    fill_and_write(&test, &registry);
    let app = registry.content("app");
    let (kind, bytes) = app.manifest("v1").unwrap();
    let root = Descriptor::of(kind, &bytes);
    let created = "org.opencontainers.image.created=2026-01-02T03:04:05Z";
    let attach =
        ["attach", "[REGISTRY]/app:v1", "--artifact-type", "a/b", "-a", created, "added.txt", "--format"];
    let attach: Vec<_> = attach.into_iter().chain(["go-template={{.digest}}"]).collect();
    let copy = ["cp", "-r", "[REGISTRY]/app:v1", "[REGISTRY]/copy:v1"];
    let copied = registry.content("copy");
    for arguments in [&attach[..], &copy[..]] {
        test.oras(arguments).succeeds();
        let listed = app.referrers_by_tag(&root);
        assert_eq!(listed.len(), 1);
        let content = if arguments == copy { &copied } else { &app };
        assert_eq!(content.referrers_by_tag(&root), listed);
        content.remove_manifest(&content.tagged(&root.digest.referrers_tag()).unwrap());
        assert!(content.referrers_by_tag(&root).is_empty());
        test.oras(arguments).succeeds();
        assert_eq!(content.referrers_by_tag(&root), listed);
        // Nothing is written once everything is in place.
        registry.forget_requests();
        test.oras(arguments).succeeds();
        let written = registry.requests_like("PUT *sha256-*");
        assert!(written.is_empty(), "{written:#?}");
    }
}

#[tokio::test]
async fn a_recursive_copy_that_is_killed_is_done_by_the_next() {
    fn never_half(_: &Test, registry: &TestRegistry) {
        for digest in registry.content("copy").manifests() {
            assert_manifest_is_whole(registry, "copy", &digest);
        }
    }
    fn whole(_: &Test, registry: &TestRegistry) {
        let (app, copy) = (registry.content("app"), registry.content("copy"));
        assert_eq!(copy.tagged("v1"), app.tagged("v1"));
        let sorted = |mut digests: Vec<String>| {
            digests.sort();
            digests
        };
        assert_eq!(sorted(copy.manifests()), sorted(app.manifests()));
        assert_eq!(copy.blobs(), app.blobs());
    }
    let case = Case {
        registry: || TestRegistry::builder().without_mounts(),
        prepare: fill,
        arguments: &["cp", "-r", "[REGISTRY]/app:v1", "[REGISTRY]/copy:v1"],
        never_half,
        whole,
    };
    case.run().await;
}

/// Blobs of a layout are whole or not there, and so is its index.
fn layout_is_whole(test: &Test, _: &TestRegistry) {
    assert_layout_is_whole(&test.path("layout"));
}

pub(super) fn assert_layout_is_whole(path: &Path) {
    let blobs = path.join("blobs/sha256");
    for entry in fs::read_dir(&blobs).into_iter().flatten() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // What is being written has another name.
        if name.len() == 64 && !name.contains(|c: char| !c.is_ascii_hexdigit()) {
            let content = fs::read(blobs.join(&name)).unwrap();
            assert_eq!(Digest::of(&content).encoded(), name);
        }
    }
    if let Ok(index) = fs::read(path.join("index.json")) {
        let index: Value = serde_json::from_slice(&index).unwrap();
        for entry in index["manifests"].as_array().unwrap() {
            let digest: Digest = entry["digest"].as_str().unwrap().parse().unwrap();
            assert!(blobs.join(digest.encoded()).exists(), "{digest} is listed and not there");
        }
    }
}

fn layout_has_everything(test: &Test, registry: &TestRegistry) {
    let (layout, app) = (test.layout("layout"), registry.content("app"));
    assert_eq!(layout.tags(), ["v1"]);
    let mut expected: Vec<_> = app.manifests().into_iter().chain(app.blobs()).collect();
    expected.sort();
    // Nothing else is left behind.
    let held = test.files("layout/blobs/sha256");
    assert_eq!(held.iter().map(|name| format!("sha256:{name}")).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_copy_to_a_layout_that_is_killed_leaves_no_stumps() {
    let case = Case {
        registry: plain,
        prepare: fill,
        arguments: &["cp", "-r", "[REGISTRY]/app:v1", "--to-oci-layout", "layout:v1"],
        never_half: layout_is_whole,
        whole: layout_has_everything,
    };
    case.run().await;
}

#[tokio::test]
async fn a_backup_that_is_killed_leaves_no_stumps() {
    let case = Case {
        registry: plain,
        prepare: fill,
        arguments: &["backup", "--include-referrers", "[REGISTRY]/app:v1", "--output", "layout"],
        never_half: layout_is_whole,
        whole: layout_has_everything,
    };
    case.run().await;
}

#[tokio::test]
async fn a_backup_to_an_archive_that_is_killed_leaves_none_or_all() {
    fn never_half(test: &Test, _: &TestRegistry) {
        if test.exists("backup.tar") {
            test.oras(["cp", "--from-oci-layout", "backup.tar:v1", "--to-oci-layout", "check:v1"]).succeeds();
        }
    }
    fn whole(test: &Test, registry: &TestRegistry) {
        test.oras(["cp", "-r", "--from-oci-layout", "backup.tar:v1", "--to-oci-layout", "layout:v1"])
            .succeeds();
        layout_has_everything(test, registry);
    }
    let case = Case {
        registry: plain,
        prepare: fill,
        arguments: &["backup", "--include-referrers", "[REGISTRY]/app:v1", "--output", "backup.tar"],
        never_half,
        whole,
    };
    case.run().await;
}

#[test]
fn pushes_to_a_layout_that_are_killed_at_any_moment_leave_no_stumps() {
    let test = Test::new();
    for number in 0..40_u8 {
        test.write("changing.bin", vec![number; 200_000]);
        let tag = format!("layout:v{number}");
        let mut running = test.start(["push", "--oci-layout", &tag, "changing.bin"]);
        // The moment is what is tried, so it is a time, and not something that happened.
        thread::sleep(Duration::from_millis(u64::from(number)));
        running.kill();
        running.wait();
        assert_layout_is_whole(&test.path("layout"));
        test.oras(["push", "--oci-layout", &tag, "changing.bin"]).succeeds();
        test.oras(["pull", "--oci-layout", &tag, "-o", "out"]).succeeds();
        assert_eq!(test.read("out/changing.bin"), vec![number; 200_000]);
    }
    assert_eq!(test.layout("layout").tags().len(), 40);
}
