//! What a person sees while content moves: in terminals of 80 and of 40 columns, in one that is dumb, in a pipe.

use regex::Regex;

use crate::support::{
    Fault, Test, TestRegistry, cli,
    registry::{Answer, Gate},
    terminal::Shown,
};

const MIB: usize = 1 << 20;
const LONG: &str = "a-file-with-a-rather-long-name.tar.gz";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn bytes(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at + seed) % 251).unwrap()).collect()
}

/// A registry in which `app:v1` has three files.
fn registry() -> (Test, TestRegistry) {
    let (test, registry) = Test::with_registry();
    let content = registry.content("app");
    let (long, half) = (bytes(8 * MIB, 0), bytes(4 * MIB, 7));
    let node = content.insert_artifact("a/b", &[(LONG, &long), ("half.bin", &half), ("done.txt", b"done")]);
    content.tag("v1", &node);
    (test, registry)
}

/// Are the lines these? What varies is written as an expression.
#[track_caller]
fn assert_lines(lines: &[String], expected: &[&str]) {
    let is_same = lines.len() == expected.len()
        && lines.iter().zip(expected).all(|(line, expected)| is_like(line, expected));
    assert!(is_same, "expected\n{}\nbut there is\n{}", expected.join("\n"), lines.join("\n"));
}

/// Does the line have this form? `~` is any time, `¤` any character.
fn is_like(line: &str, expected: &str) -> bool {
    let source = regex::escape(expected).replace("\\~", "~").replace('~', "[0-9.]+s").replace('¤', ".");
    Regex::new(&format!("^{source}$")).unwrap().is_match(line)
}

/// Lines that have a row of progress in them.
fn rows(lines: &[String]) -> Vec<String> {
    let is_row = |line: &&String| line.chars().next().is_some_and(|c| "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏".contains(c));
    lines.iter().filter(is_row).cloned().collect()
}

#[test]
fn a_pull_shows_what_moves_how_far_it_is_and_how_long_it_takes() {
    for columns in [80, 40] {
        let (test, registry) = registry();
        let gate = Gate::new();
        registry.on("GET", "/v2/app/blobs/*").always().then(Fault::stall_after(2 * MIB, &gate));
        let terminal = test.start_in_terminal(columns, ["pull", "[REGISTRY]/app:v1"]);
        let is_half_way = |lines: &[String]| {
            rows(lines).len() == 3
                && lines.iter().any(|line| line.starts_with("Total 1/4 ") && line.contains(" 33%"))
                && lines.iter().any(|line| line.contains(" 25%"))
                && lines.iter().any(|line| line.contains(" 50%"))
        };
        let mut lines = terminal.until(is_half_way);
        // Rows come in the order in which the requests began.
        lines[2..5].sort_by_key(|line| line.chars().skip(2).collect::<String>());
        if columns == 80 {
            assert_lines(
                &lines,
                &[
                    "✓ Downloaded  done.txt                                                 4 B ~",
                    "  └─ sha256:a4c3ed04a95a3da14a9d235c83d868bed7c0f45cf7f3faa751ee8f50598d2211",
                    "¤ Downloading a-file-wi…me.tar.gz ━━╸         25%   2.0/8.0 MiB ¤¤¤¤¤¤¤¤¤¤¤ ¤¤¤¤",
                    "¤ Downloading applicati…t.v1+json ━━━━━━━━━━ 100%     935/935 B ¤¤¤¤¤¤¤¤¤¤¤ ¤¤¤¤",
                    "¤ Downloading half.bin            ━━━━━╸      50%   2.0/4.0 MiB ¤¤¤¤¤¤¤¤¤¤¤ ¤¤¤¤",
                    "Total 1/4                                     33%  4.0/12.0 MiB ¤¤¤¤¤¤¤¤¤¤¤ ¤¤¤¤",
                ],
            );
        } else {
            assert_lines(
                &lines,
                &[
                    "✓ Downloaded  done.txt         4 B ~",
                    "  └─ sha256:a4c3ed04a…751ee8f50598d2211",
                    "¤ Downloading a-file-…e.tar.gz  25% ¤¤¤¤",
                    "¤ Downloading applica….v1+json 100% ¤¤¤¤",
                    "¤ Downloading half.bin          50% ¤¤¤¤",
                    "Total 1/4         4.0/12.0 MiB  33% ¤¤¤¤",
                ],
            );
        }
        gate.open();
        let shown = terminal.wait();
        assert_eq!(shown.code, Some(0));
        assert!(shown.cursor && rows(&shown.lines).is_empty(), "{shown:#?}");
        let last: Vec<String> =
            shown.lines.iter().skip_while(|line| !line.starts_with("Pulled")).cloned().collect();
        let text = last.concat();
        assert!(
            text.starts_with("Pulled [registry] localhost:") && text.contains("Digest: sha256:"),
            "{last:#?}"
        );
        let done: Vec<&String> = shown.lines.iter().filter(|line| line.starts_with('✓')).collect();
        assert_eq!(done.len(), 4, "{shown:#?}");
        assert!(done[3].starts_with(if columns == 80 {
            "✓ Downloaded  application/vnd.oci.image.manifest.v1+json "
        } else {
            "✓ Downloaded  applic…v1+json 9"
        }));
        assert_eq!(test.read("half.bin").len(), 4 * MIB);
    }
}

#[test]
fn a_push_shows_what_moves_and_leaves_what_is_done() {
    let part = Regex::new(r" [1-9][0-9]% ").unwrap();
    for columns in [80, 40] {
        let (test, registry) = Test::with_registry();
        let gate = Gate::new();
        // More than the connection takes while nobody reads: what is left waits.
        registry.on("PUT", "/v2/app/blobs/*").always().then(Fault::stall(&gate));
        test.write("large.bin", bytes(24 * MIB, 0));
        test.write("small.txt", "small");
        let terminal =
            test.start_in_terminal(columns, ["push", "[REGISTRY]/app:v1", "large.bin", "small.txt"]);
        let is_half_way = |lines: &[String]| {
            rows(lines).len() == 3
                && rows(lines).iter().any(|line| line.contains("large.bin") && part.is_match(line))
                && rows(lines).iter().any(|line| line.contains("small.txt") && line.contains(" 100% "))
        };
        let mut lines = terminal.until(is_half_way);
        let total = lines.pop().unwrap();
        assert!(total.starts_with("Total 0/4") && total.contains("/24.0 MiB "), "{total}");
        let large = lines.iter().find(|line| line.contains("large.bin")).unwrap();
        let bar =
            if columns == 80 { "¤ Uploading large.bin             ━" } else { "¤ Uploading large.bin" };
        assert!(is_like(&large.chars().take(bar.chars().count()).collect::<String>(), bar), "{large}");
        assert!(columns < 80 || large.contains("/24.0 MiB ") && large.contains("iB/s "), "{large}");
        gate.open();
        let shown = terminal.wait();
        assert_eq!(shown.code, Some(0));
        assert!(shown.cursor && rows(&shown.lines).is_empty(), "{shown:#?}");
        let done: Vec<&str> =
            shown.lines.iter().filter(|line| line.starts_with('✓')).map(String::as_str).collect();
        assert!(
            done.iter()
                .any(|line| line.starts_with("✓ Uploaded  large.bin ") && line.contains(" 24.00 MiB ")),
            "{done:#?}"
        );
        let ends = if columns == 80 { MANIFEST } else { "v1+json" };
        assert!(done[3].contains(ends), "{done:#?}");
        let end =
            shown.lines.iter().position(|line| line.starts_with("Pushed [registry] localhost:")).unwrap();
        assert!(
            end > 2 * 4 - 1
                && shown.lines[end..].concat().contains("ArtifactType: application/vnd.unknown.ar"),
            "{shown:#?}"
        );
        // A second push finds it all.
        let shown = test.start_in_terminal(columns, ["push", "[REGISTRY]/app:v2", "large.bin"]).wait();
        assert!(shown.lines.iter().any(|line| line.starts_with("✓ Exists    large.bin ")), "{shown:#?}");
    }
}

#[test]
fn what_fails_or_is_stopped_leaves_no_rows_behind() {
    for stops in [false, true] {
        let (test, registry) = registry();
        let gate = Gate::new();
        registry.on("GET", "/v2/app/blobs/*").always().then(Fault::stall_after(2 * MIB, &gate));
        let terminal = test.start_in_terminal(80, ["pull", "[REGISTRY]/app:v1"]);
        terminal.until(|lines| rows(lines).len() == 3);
        if stops {
            terminal.signal("INT");
        } else {
            // A file cannot take the name of a folder.
            std::fs::create_dir(test.path("half.bin")).unwrap();
            gate.open();
        }
        let shown = terminal.wait();
        assert_eq!(shown.code, Some(if stops { 130 } else { 1 }), "{shown:#?}");
        assert!(shown.cursor && rows(&shown.lines).is_empty(), "{shown:#?}");
        assert!(shown.lines.iter().all(|line| !line.starts_with("Total")), "{shown:#?}");
        assert!(shown.lines.iter().any(|line| line.starts_with("Error: ")), "{shown:#?}");
    }
}

/// Everything that was written, as text.
fn written(shown: &Shown) -> String {
    String::from_utf8_lossy(&shown.written).into_owned()
}

#[test]
fn colours_are_shown_unless_the_environment_says_otherwise() {
    let colour = Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    for (value, has_colours) in [(None, true), (Some(""), true), (Some("1"), false)] {
        let (test, _registry) = registry();
        if let Some(value) = value {
            test.set("NO_COLOR", value);
        }
        let shown = test.start_in_terminal(80, ["pull", "[REGISTRY]/app:v1"]).wait();
        assert_eq!(colour.is_match(&written(&shown)), has_colours, "NO_COLOR={value:?}: {shown:#?}");
        assert!(shown.lines.iter().any(|line| line.starts_with("✓ Downloaded  half.bin")), "{shown:#?}");
    }
}

#[test]
fn lines_take_the_place_of_bars_where_nothing_can_move() {
    let (test, _registry) = registry();
    let digest = "Digest: [DIGEST]\n";
    let lines = format!(
        "Downloading [SHORT] {MANIFEST}\nProcessing  [SHORT] {MANIFEST}\nDownloading [SHORT] {LONG}\nDownloading [SHORT] half.bin\n\
         Downloading [SHORT] done.txt\nDownloaded  [SHORT] {LONG}\nDownloaded  [SHORT] half.bin\nDownloaded  [SHORT] done.txt\n\
         Downloaded  [SHORT] {MANIFEST}\nPulled [registry] [REGISTRY]/app:v1\n{digest}"
    );
    let piped = test.oras(["pull", "[REGISTRY]/app:v1"]).succeeds().prints(&lines).says_nothing_aside();
    assert!(!piped.stdout.contains(['\u{1b}', '\r']), "{piped:#?}");

    test.set("ORAS_BIN", cli::binary().to_str().unwrap());
    let dumb = test.program("dumb-oras", "#!/bin/sh\nTERM=dumb exec \"$ORAS_BIN\" \"$@\"\n");
    for (program, flag) in [(dumb, "--no-tty=false"), (cli::binary(), "--no-tty"), (cli::binary(), "--debug")]
    {
        let arguments = ["pull", "[REGISTRY]/app:v1", flag];
        let shown = test.start_program_in_terminal(&program, 80, arguments).wait();
        assert_eq!(shown.code, Some(0));
        assert!(!shown.written.contains(&0x1b), "{flag}: {shown:#?}");
        assert!(written(&shown).contains("half.bin\r\n"), "{flag}: {shown:#?}");
    }
}

#[test]
fn a_result_for_programs_is_alone_on_standard_output() {
    let (test, _registry) = registry();
    let arguments = ["pull", "[REGISTRY]/app:v1", "--format", "go-template={{len .files}} files\n"];
    let shown = test.start_in_terminal(80, arguments).wait();
    assert!(shown.lines.iter().any(|line| line.starts_with("✓ Downloaded  half.bin")), "{shown:#?}");
    assert_eq!(shown.lines.last().map(String::as_str), Some("3 files"), "{shown:#?}");
}

#[test]
fn text_of_a_registry_does_not_control_the_terminal() {
    const EVIL: &str = "evil\u{1b}[2J\u{7}\u{202e}.txt";
    const HARMLESS: &str = "evil\\u{1b}[2J\\u{7}\\u{202e}.txt";
    let (test, registry) = Test::with_registry();
    let content = registry.content("app");
    let node = content.insert_artifact("a/b", &[(EVIL, b"evil")]);
    content.tag("v1", &node);
    content.tag("latest\u{1b}]0;owned\u{7}", &node);
    content.insert_referrer(&node, "sig/\u{1b}[31m", &[(EVIL, b"sig")]);
    registry.on("GET", "/v2/refused/*").always().then(Fault::answer(Answer::error(
        403,
        "DENIED",
        "go \u{1b}[2Jaway\u{9b}",
    )));
    registry.on("GET", "/v2/warns/*").always().then(Fault::header("warning", "299 - \"careful \u{1b}[2J\""));
    for (line, expected) in [
        ("pull [REGISTRY]/app:v1 -o out", HARMLESS),
        ("cp [REGISTRY]/app:v1 --to-oci-layout L:v1", HARMLESS),
        ("discover [REGISTRY]/app:v1", "sig/\\u{1b}[31m"),
        ("repo tags [REGISTRY]/app", "latest\\u{1b}]0;owned\\u{7}"),
        ("repo tags [REGISTRY]/refused", "go [2Jaway"),
    ] {
        // A wide terminal, so that nothing is cut.
        let shown = test.start_in_terminal(200, line.split(' ')).wait();
        let all = written(&shown);
        assert!(shown.lines.iter().any(|line| line.contains(expected)), "{line}: {shown:#?}");
        for code in ["\u{1b}[2J", "\u{1b}[31m", "\u{1b}]0", "\u{7}", "\u{202e}", "\u{9b}"] {
            assert!(!all.contains(code), "{line}: {code:?} is written: {shown:#?}");
        }
        let piped = test.oras(line.split(' '));
        assert!(
            !(piped.stdout + &piped.stderr).contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
            "{line}"
        );
    }
}

#[test]
fn exporting_a_backup_shows_how_far_it_is() {
    let (test, _registry) = registry();
    let shown = test.start_in_terminal(80, ["backup", "[REGISTRY]/app", "-o", "backup.tar"]).wait();
    assert_eq!(shown.code, Some(0));
    let all = written(&shown);
    assert!(all.contains("Exporting backup.tar"), "{shown:#?}");
    assert!(shown.cursor && rows(&shown.lines).is_empty(), "{shown:#?}");
    let begin = shown.lines.iter().position(|line| line == "Exporting to backup.tar").unwrap();
    assert_lines(
        &shown.lines[begin..begin + 2],
        &["Exporting to backup.tar", "Exported to backup.tar (12 MB)"],
    );
}
