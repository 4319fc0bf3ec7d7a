//! docs/protocol.md names a test for each rule: the tests exist, and no rule is left out.

use std::{collections::BTreeSet, fs, path::Path};

use regex::Regex;

/// The rules of each kind are numbered without gaps.
const KINDS: &[(&str, u32)] = &[("W", 83), ("A", 84)];

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol.md")).unwrap()
}

/// The names of all tests.
fn tests() -> BTreeSet<String> {
    let test = Regex::new(r"#\[(?:tokio::)?test[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)\(").unwrap();
    // Tests of properties stand in a macro.
    let property = Regex::new(r"#\[test\]\s*fn (\w+)\(").unwrap();
    let mut names = BTreeSet::new();
    let mut folders = ["src", "tests"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let code = fs::read_to_string(&path).unwrap();
                let found = test.captures_iter(&code).chain(property.captures_iter(&code));
                names.extend(found.map(|found| found[1].to_owned()));
            }
        }
    }
    names
}

#[test]
fn every_test_that_the_document_names_exists() {
    let tests = tests();
    let name = Regex::new(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`").unwrap();
    let document = document();
    let missing: Vec<_> = name
        .captures_iter(&document)
        .map(|found| found[1].to_owned())
        .filter(|name| !tests.contains(name))
        .collect();
    assert!(missing.is_empty(), "docs/protocol.md names tests that are not there: {missing:#?}");
}

#[test]
fn every_rule_has_a_line() {
    let rule = Regex::new(r"(?m)^\| ([AW])-(\d+) \|").unwrap();
    let document = document();
    for (kind, count) in KINDS {
        let listed: Vec<u32> = rule
            .captures_iter(&document)
            .filter(|found| &found[1] == *kind)
            .map(|found| found[2].parse().unwrap())
            .collect();
        assert!(listed.is_empty() || listed == (1..=*count).collect::<Vec<_>>(), "{kind}: {listed:?}");
    }
    assert!(document.contains("| W-1 |"));
}
