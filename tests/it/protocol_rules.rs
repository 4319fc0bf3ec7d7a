//! docs/protocol.md names a test for each rule: the tests exist, and no rule is left out.

use regex::Regex;

use crate::support::named_tests;

/// The rules of each kind are numbered without gaps.
const KINDS: &[(&str, u32)] = &[("W", 83), ("A", 84)];

#[test]
fn every_test_that_the_document_names_exists() {
    named_tests::all_exist_in("docs/protocol.md");
}

#[test]
fn every_rule_has_a_line() {
    let rule = Regex::new(r"(?m)^\| ([AW])-(\d+) \|").unwrap();
    let document = named_tests::document("docs/protocol.md");
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
