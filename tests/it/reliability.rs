//! docs/reliability.md names a test for each fault, attack and advisory: the tests exist, and no line is
//! without one.

use crate::support::named_tests;

const DOCUMENT: &str = "docs/reliability.md";

/// Advisories that the page must speak of.
const ADVISORIES: &[&str] = &[
    "GHSA-vh4v-2xq2-g5cg",
    "GHSA-jxpm-75mh-9fp7",
    "GHSA-xf85-363p-868w",
    "GHSA-28r5-37g7-p6mp",
    "GHSA-m37j-52j7-pjw7",
    "GHSA-fxhp-mv3v-67qp",
    "GHSA-8xwf-rjm4-xvhv",
    "CVE-2024-3727",
    "CVE-2025-24882",
    "CVE-2025-32386",
    "CVE-2025-62518",
    "RUSTSEC-2025-0055",
];

#[test]
fn every_test_that_is_named_for_reliability_exists() {
    named_tests::all_exist_in(DOCUMENT);
}

#[test]
fn every_fault_attack_and_advisory_has_a_test() {
    let document = named_tests::document(DOCUMENT);
    for section in ["## Faults", "## Attacks", "## Advisories"] {
        assert!(document.contains(&format!("\n{section}\n")), "{section}");
    }
    for advisory in ADVISORIES {
        assert!(document.contains(&format!("\n| {advisory}")), "{advisory}");
    }
    let lines = document.lines().filter(|line| line.starts_with("| "));
    let unproven: Vec<_> = lines
        .filter(|line| !line.starts_with("| What ") && !line.starts_with("| --- "))
        .filter(|line| named_tests::named_in(line).is_empty())
        .collect();
    assert!(unproven.is_empty(), "lines without a test: {unproven:#?}");
}
