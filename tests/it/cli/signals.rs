//! Commands that are asked to stop: they do so at once, take nothing back that is done, and leave nothing half.

use std::{
    fs::File,
    time::{Duration, Instant},
};

use crate::support::{Fault, Gate, Test, TestRegistry, cli::Running};

/// A command that is asked to stop is given a second; a machine that runs many tests at once, some more.
const AT_ONCE: Duration = Duration::from_secs(3);

static LARGE: [u8; 3 << 20] = [7; 3 << 20];

const SIGNALS: [(&str, i32, &str); 2] = [("INT", 130, "interrupted"), ("TERM", 143, "terminated")];

/// Sends a signal, and waits for the end that it asks for.
#[track_caller]
fn stop(running: Running, (signal, status, word): (&str, i32, &str)) {
    let begun = Instant::now();
    running.signal(signal);
    running.wait().exits_with(status).stderr_is(&format!("Error: {word}: the command was stopped\n"));
    assert!(begun.elapsed() < AT_ONCE, "{signal}: {:?}", begun.elapsed());
}

/// An artifact of a small and a large file.
fn fill(registry: &TestRegistry) {
    let app = registry.content("app");
    let root = app.insert_artifact("a/b", &[("small.txt", b"small"), ("large.bin", &LARGE)]);
    app.tag("v1", &root);
    app.insert_referrer(&root, "sbom/example", &[("sbom.json", b"{}")]);
}

#[tokio::test]
async fn a_push_that_is_stopped_cancels_its_uploads() {
    for signal in SIGNALS {
        let (test, registry) = Test::with_registry();
        let gate = Gate::new();
        for name in ["one", "two"] {
            test.write(name, vec![name.as_bytes()[0]; 5 << 20]);
        }
        registry.on("PUT", "*").always().then(Fault::stall(&gate));
        let running = test.start(["push", "[REGISTRY]/app:v1", "one", "two"]);
        // Both files and the config.
        gate.reached_by(3).await;
        assert_eq!(registry.content("app").open_uploads(), 3);
        stop(running, signal);
        assert_eq!(registry.content("app").open_uploads(), 0, "{:#?}", registry.lines());
        assert_eq!(registry.count("DELETE /v2/app/blobs/uploads/* 204"), 3);
    }
}

#[tokio::test]
async fn a_registry_that_never_answers_holds_up_nobody_who_wants_to_stop() {
    let (test, registry) = Test::with_registry();
    let gate = Gate::new();
    test.write("one", "one");
    registry.on("PUT,DELETE", "*").always().then(Fault::stall(&gate));
    let running = test.start(["push", "[REGISTRY]/app:v1", "one"]);
    gate.reached().await;
    stop(running, SIGNALS[0]);
    for command in [
        &["pull", "[REGISTRY]/app:v1"][..],
        &["cp", "-r", "[REGISTRY]/app:v1", "[REGISTRY]/copy:v1"],
        &["backup", "[REGISTRY]/app:v1", "-o", "b.tar"],
        &["discover", "[REGISTRY]/app:v1"],
    ] {
        let (all, from) = (Gate::new(), registry.requests().len());
        registry.heal();
        registry.on("*", "*").always().then(Fault::stall(&all));
        let running = test.start(command);
        all.reached().await;
        assert_eq!(registry.requests().len(), from + 1);
        stop(running, SIGNALS[1]);
    }
}

#[tokio::test]
async fn a_second_signal_ends_everything_at_once() {
    let (test, registry) = Test::with_registry();
    let gate = Gate::new();
    test.write("one", "one");
    registry.on("PUT,DELETE", "*").always().then(Fault::stall(&gate));
    let running = test.start(["push", "[REGISTRY]/app:v1", "one"]);
    gate.reached().await;
    running.signal("INT");
    // The upload is being cancelled, which the registry does not answer.
    gate.reached_by(2).await;
    running.signal("INT");
    // Nothing is said any more: the first signal was still being followed.
    running.wait().exits_with(130).stderr_is("");
}

/// What a command that was stopped may leave: nothing under a final name, nothing small, and of what is large
/// only what the next run takes up.
fn stumps(test: &Test, folder: &str) -> Vec<String> {
    if !test.exists(folder) {
        return Vec::new();
    }
    let names = test.files(folder);
    names
        .into_iter()
        .filter(|name| test.path(folder).join(name).metadata().unwrap().len() < 1 << 20)
        .collect()
}

#[tokio::test]
async fn a_pull_that_is_stopped_goes_on_where_it_was_when_it_is_run_again() {
    for signal in SIGNALS {
        let (test, registry) = Test::with_registry();
        fill(&registry);
        let gate = Gate::new();
        registry.on("GET", "*/blobs/*").when(is_large).always().then(Fault::stall_after(2 << 20, &gate));
        let running = test.start(["pull", "[REGISTRY]/app:v1", "-o", "out"]);
        gate.reached().await;
        until(|| {
            let files = if test.exists("out") { test.files("out") } else { Vec::new() };
            let size = |name: &String| test.path("out").join(name).metadata().map_or(0, |data| data.len());
            files.iter().any(|name| name.starts_with(".oras-") && size(name) >= 1 << 20)
        });
        stop(running, signal);
        assert!(!test.exists("out/large.bin"));
        let stumps = stumps(&test, "out");
        assert!(stumps.is_empty() || stumps == ["small.txt"], "{stumps:?}");
        registry.heal();
        registry.forget_requests();
        test.oras(["pull", "[REGISTRY]/app:v1", "-o", "out"]).succeeds();
        assert_eq!(test.files("out"), ["large.bin", "small.txt"]);
        assert!(test.read("out/large.bin") == LARGE);
        let resumed = registry.requests().iter().filter(|request| request.header("range").is_some()).count();
        assert_eq!(resumed, 1, "{:#?}", registry.lines());
    }
}

/// Is the request for the large file?
fn is_large(request: &crate::support::registry::Request) -> bool {
    request.path.contains(oras::oci::Digest::of(&LARGE).encoded())
}

/// Waits for something that only the disk tells.
fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "it never happened");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[tokio::test]
async fn a_copy_or_backup_to_a_layout_that_is_stopped_leaves_a_layout() {
    for (arguments, signal) in [
        (&["cp", "-r", "[REGISTRY]/app:v1", "--to-oci-layout", "layout:v1"][..], SIGNALS[0]),
        (&["backup", "--include-referrers", "[REGISTRY]/app:v1", "-o", "layout"], SIGNALS[1]),
    ] {
        let (test, registry) = Test::with_registry();
        fill(&registry);
        let gate = Gate::new();
        registry.on("GET", "*/blobs/*").when(is_large).always().then(Fault::stall_after(1000, &gate));
        let running = test.start(arguments);
        gate.reached().await;
        stop(running, signal);
        assert!(test.layout("layout").tags().is_empty());
        assert!(!test.files("layout").iter().any(|name| name.starts_with("ingest/")));
        registry.heal();
        test.oras(arguments).succeeds();
        assert_eq!(test.layout("layout").tags(), ["v1"]);
        assert_eq!(test.files("layout/blobs/sha256").len(), 5);
    }
}

/// Another program holds the lock of the layout: whoever is to stop does not wait for it.
#[tokio::test]
async fn a_layout_that_somebody_else_has_locked_holds_up_nobody_who_wants_to_stop() {
    let (test, registry) = Test::with_registry();
    fill(&registry);
    let layout = test.layout("layout");
    let lock = File::open(test.path("layout/oci-layout")).unwrap();
    lock.lock().unwrap();
    let running = test.start(["cp", "[REGISTRY]/app:v1", "--to-oci-layout", "layout:v1"]);
    let is_stored = || {
        let blobs = test.path("layout/blobs/sha256");
        blobs.exists() && test.files("layout/blobs/sha256").len() == 4
    };
    until(is_stored);
    stop(running, SIGNALS[0]);
    assert!(layout.tags().is_empty());
    drop(lock);
    test.oras(["cp", "[REGISTRY]/app:v1", "--to-oci-layout", "layout:v1"]).succeeds();
    assert_eq!(test.layout("layout").tags(), ["v1"]);
}

/// It takes a while to write a tar of large files, and the command is stopped in the midst of it.
#[test]
fn a_backup_that_is_stopped_while_it_writes_its_tar_leaves_what_was_there() {
    let (test, registry) = Test::with_registry();
    let app = registry.content("app");
    app.tag("v1", &app.insert_artifact("a/b", &[("large.bin", &vec![7; 48 << 20])]));
    test.write("backup.tar", "before");
    for signal in SIGNALS {
        let running = test.start(["backup", "[REGISTRY]/app:v1", "-o", "backup.tar"]);
        until(|| {
            let begun = |name: &String| name.starts_with(".backup.tar.") && name.ends_with("archive.tar");
            test.files(".").iter().any(begun) || test.read("backup.tar") != b"before"
        });
        if test.read("backup.tar") != b"before" {
            // It was faster than we were.
            running.wait().succeeds();
            test.write("backup.tar", "before");
            continue;
        }
        stop(running, signal);
        assert_eq!(test.read("backup.tar"), b"before");
        assert_eq!(test.files("."), ["backup.tar"]);
    }
    test.oras(["backup", "[REGISTRY]/app:v1", "-o", "backup.tar"]).succeeds();
    assert_eq!(test.files("."), ["backup.tar"]);
    test.oras(["pull", "--oci-layout", "backup.tar:v1"]).succeeds();
    assert!(test.read("large.bin") == vec![7; 48 << 20]);
}

#[tokio::test]
async fn a_backup_to_a_tar_that_is_stopped_is_done_by_the_next_with_what_is_missing() {
    let (test, registry) = Test::with_registry();
    fill(&registry);
    let gate = Gate::new();
    registry.on("GET", "*/blobs/*").when(is_large).then(Fault::stall_after(2 << 20, &gate));
    let arguments = ["backup", "--include-referrers", "[REGISTRY]/app:v1", "-o", "b.tar"];
    let running = test.start(arguments);
    gate.reached().await;
    until(|| {
        let size = |name: &String| test.path(name).metadata().map_or(0, |data| data.len());
        test.files(".").iter().any(|name| name.contains("/ingest/") && size(name) >= 1 << 20)
    });
    stop(running, SIGNALS[0]);
    assert!(!test.exists("b.tar"));
    registry.forget_requests();
    test.oras(arguments).succeeds();
    assert_eq!(test.files("."), ["b.tar"], "nothing is left beside it");
    let large = oras::oci::Digest::of(&LARGE).to_string();
    for request in registry.requests_like(&format!("GET */blobs/{large}*")) {
        assert!(request.header("range").is_some(), "the large file went on where it was");
    }
    test.oras(["cp", "-r", "--from-oci-layout", "b.tar:v1", "--to-oci-layout", "check:v1"]).succeeds();
    assert_eq!(test.files("check/blobs/sha256").len(), 5);
}

#[tokio::test]
async fn a_terminal_is_left_as_it_was() {
    let (test, registry) = Test::with_registry();
    let gate = Gate::new();
    test.write("large.bin", vec![7; 5 << 20]);
    registry.on("PUT", "*").always().then(Fault::stall(&gate));
    for signals in [1, 2] {
        let terminal = test.start_in_terminal(100, ["push", "[REGISTRY]/app:v1", "large.bin"]);
        gate.reached().await;
        terminal.until(|lines| lines.iter().any(|line| line.contains("large.bin")));
        for _ in 0..signals {
            terminal.signal("INT");
        }
        let shown = terminal.wait();
        assert_eq!((shown.code, shown.cursor, shown.echo), (Some(130), true, true));
        if signals == 1 {
            let last = shown.lines.last().unwrap();
            assert_eq!(last, "Error: interrupted: the command was stopped", "{:?}", shown.lines);
        }
    }
}

#[test]
fn a_question_for_a_secret_that_is_stopped_shows_again_what_is_typed() {
    let (test, _registry) = Test::with_registry();
    for (signal, status, _) in SIGNALS {
        let terminal = test.start_in_terminal(100, ["login", "[REGISTRY]", "-u", "alice"]);
        terminal.until(|lines| lines.iter().any(|line| line.starts_with("Password:")));
        assert!(!terminal.echoes());
        terminal.signal(signal);
        let shown = terminal.wait();
        assert_eq!((shown.code, shown.cursor, shown.echo), (Some(status), true, true));
    }
}
