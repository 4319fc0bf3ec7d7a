//! Every example of the help and of the documents is run, as somebody would who pastes it.
//!
//! The registries that they speak of are one of the test; the files, tags and layouts are there that they need.

use std::{fmt::Write as _, fs, path::Path, sync::Mutex};

use clap::Command;
use oras::oci::Descriptor;
use regex::Regex;

use super::{
    fixture::{AMD, AMD_DIGEST, Demo, HI},
    reference::{definition, examples, path_of, shown},
};
use crate::support::{TestRegistry, cli, expect};

/// Pages whose examples need more than a registry, and the test that runs them.
const ELSEWHERE: &[(&str, &str)] =
    &[("docs/azure.md", "tests/it/cli/azure.rs"), ("docs/generations.md", "tests/it/cli/legacy/page.rs")];

/// A script, and what it prints if that is known.
struct Example {
    place: String,
    script: String,
    printed: Option<String>,
}

#[test]
fn every_example_of_the_help_works() {
    fn collect(command: &Command, found: &mut Vec<Example>) {
        for (what, script) in examples(command) {
            found.push(Example { place: format!("{}: {what}", path_of(command)), script, printed: None });
        }
        shown(command).for_each(|below| collect(below, found));
    }
    let mut found = Vec::new();
    collect(&definition(), &mut found);
    assert!(found.len() > 50, "only {} examples", found.len());
    run_all(&found);
}

#[test]
fn every_example_of_the_documents_works() {
    let mut found = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        let blocks = blocks(&page, &text);
        match ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == page) {
            Some((_, test)) => {
                let test = fs::read_to_string(root().join(test)).unwrap();
                assert!(!blocks.is_empty() && test.contains(&page), "{page}");
            }
            None => found.extend(blocks),
        }
    }
    assert!(!found.is_empty());
    run_all(&found);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages that people write; those that are made of the definition have the examples of the help.
fn pages() -> Vec<String> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let docs = docs.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".md"));
    let mut pages: Vec<String> = docs.map(|name| format!("docs/{name}")).collect();
    pages.push("README.md".to_owned());
    pages.sort();
    pages
}

/// The blocks of shell in a page that run this program. In a block of a terminal what is typed follows `$`.
fn blocks(page: &str, text: &str) -> Vec<Example> {
    let fence = Regex::new(r"(?ms)^```(sh|bash|console)\n(.*?)^```").unwrap();
    let runs = Regex::new(r"(?m)(?:^|[ (|])oras [a-z]").unwrap();
    let found = fence.captures_iter(text).filter(|block| runs.is_match(&block[2]));
    found
        .map(|block| {
            let line = text[..block.get(0).unwrap().start()].lines().count() + 1;
            let (mut script, mut printed) = (String::new(), None);
            if &block[1] == "console" {
                let mut output = String::new();
                for line in block[2].lines().filter(|line| !line.is_empty()) {
                    match line.strip_prefix("$ ") {
                        Some(typed) => writeln!(script, "{typed}").unwrap(),
                        None => writeln!(output, "{line}").unwrap(),
                    }
                }
                printed = Some(output);
            } else {
                block[2].clone_into(&mut script);
            }
            Example { place: format!("{page}:{line}"), script, printed }
        })
        .collect()
}

fn run_all(examples: &[Example]) {
    let (queue, failures) = (Mutex::new(examples.iter()), Mutex::new(String::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(example) = queue.lock().unwrap().next() else { break };
                    if let Err(failure) = run(example) {
                        writeln!(failures.lock().unwrap(), "{}\n{failure}\n", example.place).unwrap();
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{failures}");
}

fn run(example: &Example) -> Result<(), String> {
    let builder = TestRegistry::builder();
    let is_login = example.script.contains("oras login");
    let demo = Demo::with(if is_login { builder.basic("alice", "wonderland") } else { builder });
    let host = demo.registry.host();
    let test = &demo.test;
    for (name, text) in [
        ("config.json", "{}"),
        ("docs/guide.md", "# Guide\n"),
        ("hello.txt", "hello\n"),
        ("manifest.json", AMD),
        ("sbom.json", "{}"),
        ("sbom.sig", "signed"),
        ("sbom.spdx.json", "{\"spdxVersion\":\"SPDX-2.3\"}"),
    ] {
        test.write(name, text);
    }
    // What is shown with its output begins with nothing.
    if example.printed.is_none() {
        fill(&demo);
    }
    test.set("ORAS_BIN", cli::binary().to_str().unwrap());
    for (mentioned, line) in [
        (" layout:v1 ", "cp [REGISTRY]/hello:v1 --to-oci-layout layout:v1"),
        (" --input backup", "backup -o backup [REGISTRY]/hello:v1,v2"),
        (" --input hello.tar", "backup -o hello.tar [REGISTRY]/hello:v1,v2"),
        ("--from-oci-layout ", "cp [REGISTRY]/hello:v1 --to-oci-layout backup:v1"),
    ] {
        // A push makes its layout itself.
        if example.script.contains(mentioned) && !example.script.contains("oras push") {
            demo.oras(line).succeeds();
        }
    }
    let script = example.script.replace("localhost:5000", &host);
    // (Functions are found in the folders of `fpath`, in the shell that has it.)
    let head = "set -eo pipefail; fpath=(. .); oras() { \"$ORAS_BIN\" \"$@\"; }";
    let outcome = test.shell(&format!("{head}\n{script}"));
    if outcome.code != Some(0) || outcome.stderr.contains("Error") {
        return Err(format!("{script}\n{}{}", outcome.stdout, outcome.stderr));
    }
    let Some(printed) = &example.printed else { return Ok(()) };
    let digests = Regex::new("sha256:[0-9a-f]+…").unwrap();
    let shorts = Regex::new("(?m)^([A-Z][a-z]+ +)[0-9a-f]{12} ").unwrap();
    let times = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").unwrap();
    let expected = printed.replace("localhost:5000", "[REGISTRY]");
    let expected = digests.replace_all(&expected, "[DIGEST]");
    let expected = shorts.replace_all(&expected, "$1[SHORT] ");
    let expected = times.replace_all(&expected, "[TIME]");
    expect::compare(&expected, &outcome.stdout)
}

/// What the examples speak of: an artifact with what is attached to it, an image for two platforms, and more tags.
fn fill(demo: &Demo) {
    let hello = demo.blobs("hello");
    let artifact = hello.insert_artifact("application/vnd.example", &[("hi.txt", HI.as_bytes())]);
    ["v1", "v2", "v3"].iter().for_each(|tag| hello.tag(tag, &artifact));
    let sbom = hello.insert_referrer(&artifact, "application/spdx+json", &[("sbom.json", b"{}")]);
    hello.insert_referrer(&sbom, "application/vnd.example.signature", &[("sbom.sig", b"signed")]);
    let image = demo.repository("image");
    let amd = Descriptor::of("application/vnd.oci.image.manifest.v1+json", AMD.as_bytes());
    assert_eq!(amd.digest.to_string(), AMD_DIGEST);
    for (tag, other) in [("v1", "multi"), ("linux-amd64", "amd64"), ("linux-arm64", "arm64")] {
        let (kind, bytes) = image.manifest(&image.tagged(other).unwrap()).unwrap();
        image.tag(tag, &Descriptor::of(&kind, &bytes));
    }
    image.tag("v2", &image.insert_index(&[amd]));
    demo.blobs("team/app").insert_artifact("a/b", &[("hi.txt", b"hi")]);
}
