//! Disks, folders and limits that let a command down: it says why, fails, and leaves no stump.

use std::{fs, os::unix::fs::PermissionsExt as _};

use oras::oci::Digest;

use crate::support::{Fault, Gate, Outcome, Test, TestRegistry, cli::binary};

static LARGE: [u8; 3 << 20] = [7; 3 << 20];

fn fill(registry: &TestRegistry) {
    let app = registry.content("app");
    let root = app.insert_artifact("a/b", &[("large.bin", &LARGE), ("small.txt", b"small")]);
    app.tag("v1", &root);
}

/// Runs the binary behind some lines of shell, which may end in `exec`.
fn behind(test: &Test, registry: &TestRegistry, before: &str, arguments: &str) -> Outcome {
    let arguments = arguments.replace("[REGISTRY]", &registry.host());
    test.shell(&format!("{before} {} {arguments}", binary().display()))
}

/// What hides the rights of root, whom no permission keeps from writing.
fn as_nobody_special() -> &'static str {
    if rustix::process::geteuid().is_root() {
        "exec setpriv --inh-caps=-all --bounding-set=-dac_override,-dac_read_search,-fowner"
    } else {
        "exec"
    }
}

/// Puts a small file system of its own under a folder, for one command. Where that is not allowed the test is
/// skipped, since nothing else fills up like a disk.
fn full_disk(test: &Test, folder: &str) -> Option<String> {
    fs::create_dir_all(test.path(folder)).unwrap();
    let alone = "unshare --user --map-root-user --mount";
    if test.shell(&format!("{alone} mount -t tmpfs -o size=64k tmpfs {folder}")).code != Some(0) {
        eprintln!("skipped: this machine lets no test mount a file system of its own");
        return None;
    }
    // What is left is listed behind the command, whose status is kept.
    let inner = format!(
        "mount -t tmpfs -o size=1m tmpfs {folder}; \"$@\"; status=$?; find {folder} -type f >&2; exit $status"
    );
    Some(format!("{alone} sh -c '{inner}' sh"))
}

#[test]
fn a_full_disk_ends_a_command_with_the_reason_and_leaves_no_stump() {
    for (arguments, folder, left) in [
        ("pull [REGISTRY]/app:v1 -o out", "out", &["out/small.txt"][..]),
        ("cp [REGISTRY]/app:v1 --to-oci-layout layout:v1", "layout", &["layout/"]),
        ("backup [REGISTRY]/app:v1 -o layout", "layout", &["layout/"]),
        ("backup [REGISTRY]/app:v1 -o folder/backup.tar", "folder", &[]),
        ("blob fetch [REGISTRY]/app@[LARGE] -o folder/blob", "folder", &[]),
    ] {
        let (test, registry) = Test::with_registry();
        fill(&registry);
        let Some(before) = full_disk(&test, folder) else { return };
        let arguments = arguments.replace("[LARGE]", &Digest::of(&LARGE).to_string());
        let outcome = behind(&test, &registry, &before, &arguments)
            .fails()
            .stderr_contains("Error")
            .stderr_contains("No space left on device (os error 28)");
        for line in outcome.stderr.lines().filter(|line| line.starts_with(&format!("{folder}/"))) {
            assert!(left.iter().any(|left| line.starts_with(left)), "{line} is left: {}", outcome.stderr);
            assert!(!line.contains("/ingest/"), "{line} is left: {}", outcome.stderr);
        }
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_like_a_full_disk() {
    for (arguments, left) in [
        ("pull [REGISTRY]/app:v1 -o out", &["small.txt"][..]),
        ("backup [REGISTRY]/app:v1 -o out/backup.tar", &[]),
    ] {
        let (test, registry) = Test::with_registry();
        fill(&registry);
        fs::create_dir(test.path("out")).unwrap();
        let before = "trap '' XFSZ; ulimit -f 1500; exec";
        behind(&test, &registry, before, arguments).fails().stderr_contains("File too large (os error 27)");
        let found = test.files("out");
        assert!(found.is_empty() || found == left, "{found:?}");
    }
}

#[test]
fn results_that_cannot_be_written_are_a_failure() {
    let (test, registry) = Test::with_registry();
    fill(&registry);
    for arguments in [
        "manifest fetch [REGISTRY]/app:v1 > /dev/full",
        "resolve [REGISTRY]/app:v1 > /dev/full",
        "manifest fetch [REGISTRY]/app:v1 -o /dev/full",
    ] {
        behind(&test, &registry, "", arguments)
            .fails()
            .stderr_contains("No space left on device (os error 28)");
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let (test, registry) = Test::with_registry();
    fill(&registry);
    test.layout("layout");
    for folder in ["out", "layout", "layout/blobs"] {
        fs::create_dir_all(test.path(folder)).unwrap();
        fs::set_permissions(test.path(folder), fs::Permissions::from_mode(0o555)).unwrap();
    }
    let before = test.files(".");
    for (arguments, folder) in [
        ("pull [REGISTRY]/app:v1 -o out", "[TEST]/out"),
        ("pull [REGISTRY]/app:v1 -o out/deeper", "[TEST]/out/deeper"),
        ("cp [REGISTRY]/app:v1 --to-oci-layout layout:v1", "layout"),
        ("backup [REGISTRY]/app:v1 -o layout", "layout"),
        ("backup [REGISTRY]/app:v1 -o out/backup.tar", "out/backup.tar"),
        ("manifest fetch [REGISTRY]/app:v1 -o out/manifest.json", "out/manifest.json"),
        ("blob fetch [REGISTRY]/app@[LARGE] -o out/blob", "out/blob"),
    ] {
        let arguments = arguments.replace("[LARGE]", &Digest::of(&LARGE).to_string());
        behind(&test, &registry, as_nobody_special(), &arguments)
            .fails()
            .stderr_contains("Error")
            .stderr_contains("Permission denied (os error 13)")
            .stderr_contains(folder);
        assert_eq!(test.files("."), before);
    }
    for folder in ["out", "layout", "layout/blobs"] {
        fs::set_permissions(test.path(folder), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn a_folder_that_goes_away_is_named() {
    for (arguments, folder) in [
        (&["pull", "[REGISTRY]/app:v1", "-o", "out"][..], "out"),
        (&["cp", "[REGISTRY]/app:v1", "--to-oci-layout", "layout:v1"], "layout"),
        (&["backup", "[REGISTRY]/app:v1", "-o", "parent/backup.tar"], "parent"),
    ] {
        let (test, registry) = Test::with_registry();
        fill(&registry);
        fs::create_dir_all(test.path("parent")).unwrap();
        let gate = Gate::new();
        let large = format!("/v2/app/blobs/{}", Digest::of(&LARGE));
        registry.on("GET", &large).then(Fault::stall_after(2 << 20, &gate));
        let running = test.start(arguments);
        gate.reached().await;
        // As if the disk had been unplugged; the command may be about to write there.
        while fs::remove_dir_all(test.path(folder)).is_err() {}
        gate.open();
        running
            .wait()
            .fails()
            .stderr_contains("Error")
            .stderr_contains("No such file or directory (os error 2)")
            .stderr_contains(folder);
        assert!(!test.exists("out/large.bin") && !test.exists("parent/backup.tar"));
    }
}

#[test]
fn too_few_descriptors_are_no_reason_for_stumps() {
    let (test, registry) = Test::with_registry();
    let files: Vec<_> = (0..40).map(|at| (format!("file-{at}"), vec![at; 300_000])).collect();
    let titled: Vec<_> = files.iter().map(|(name, content)| (&**name, &**content)).collect();
    let app = registry.content("app");
    app.tag("v1", &app.insert_artifact("a/b", &titled));
    for limit in [14, 17, 20, 24, 40] {
        let outcome = behind(
            &test,
            &registry,
            &format!("ulimit -n {limit}; exec"),
            "pull --concurrency 8 [REGISTRY]/app:v1 -o out",
        );
        let names = if test.exists("out") { test.files("out") } else { Vec::new() };
        for name in &names {
            let (_, content) = files
                .iter()
                .find(|(known, _)| known == name)
                .unwrap_or_else(|| panic!("{name} is left: {outcome:?}"));
            assert!(test.read(&format!("out/{name}")) == *content);
        }
        match outcome.code {
            Some(0) => assert_eq!(names.len(), files.len()),
            _ => {
                outcome.fails().stderr_contains("Error").stderr_contains("Too many open files (os error 24)");
            }
        }
        let _ = fs::remove_dir_all(test.path("out"));
    }
}

/// The file changes when its upload has begun: the registry waits with the body until that has happened, and
/// gets more of it than fits into any buffer on the way.
#[tokio::test]
async fn a_file_that_changes_while_it_is_pushed_is_found_out() {
    const SIZE: usize = 24 << 20;
    let change = |test: &Test, kind: &str| {
        let file = fs::OpenOptions::new().write(true).open(test.path("large.bin")).unwrap();
        match kind {
            "grows" => file.set_len(SIZE as u64 + 1),
            "shrinks" => file.set_len(SIZE as u64 - 1),
            "shrinks a lot" => file.set_len(1000),
            _ => std::os::unix::fs::FileExt::write_all_at(&file, b"changed", SIZE as u64 - 7),
        }
        .unwrap();
    };
    for kind in ["grows", "shrinks", "shrinks a lot", "changes"] {
        let (test, registry) = Test::with_registry();
        test.write("large.bin", vec![7; SIZE]);
        let gate = Gate::new();
        registry
            .on("PUT", "*/blobs/uploads/*")
            .when(|request| request.headers.get("content-length").is_some_and(|length| length.len() > 5))
            .then(Fault::stall(&gate));
        let running = test.start(["push", "[REGISTRY]/app:v1", "large.bin"]);
        gate.reached().await;
        change(&test, kind);
        gate.open();
        running
            .wait()
            .fails()
            .stderr_contains("Error")
            .stderr_contains("changed")
            .stderr_contains("large.bin");
        let app = registry.content("app");
        assert!(app.tagged("v1").is_none() && app.manifests().is_empty(), "{kind}");
        assert!(app.blob(&Digest::of(&vec![7; SIZE])).is_none(), "{kind}");
        assert_eq!(app.open_uploads(), 0, "{kind}: {:#?}", registry.lines());
        // The next push takes it as it is now.
        test.oras(["push", "[REGISTRY]/app:v1", "large.bin"]).succeeds();
        assert!(app.blob(&Digest::of(&test.read("large.bin"))).is_some());
    }
}
