//! docs/reliability.md names a test for each fault, attack and advisory: the tests exist, and no line is
//! without one.

use crate::support::named_tests;

const DOCUMENT: &str = "docs/reliability.md";

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
    let lines = document.lines().filter(|line| line.starts_with("| "));
    let unproven: Vec<_> = lines
        .filter(|line| !line.starts_with("| What ") && !line.starts_with("| --- "))
        .filter(|line| named_tests::named_in(line).is_empty())
        .collect();
    assert!(unproven.is_empty(), "lines without a test: {unproven:#?}");
}
