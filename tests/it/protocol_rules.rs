//! docs/protocol.md names a test for each rule: the tests exist, and no rule is left out.

use crate::support::named_tests;

/// The rules of each kind are numbered without gaps.
const KINDS: &[(&str, u32)] = &[("W", 83), ("A", 84)];

/// A reason that is shorter says nothing, in bytes.
const SHORTEST_REASON: usize = 40;

/// A line of the document: the rule, what is done, and what shows it.
fn parse(line: &str) -> Option<(&str, u32, &str, &str)> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let [rule, done, shown] = *cells else { return None };
    let (kind, number) = rule.split_once('-')?;
    Some((kind, number.parse().ok()?, done, shown))
}

/// What is wrong with a line; it needs a test, or a reason why there is none.
fn fault(done: &str, shown: &str) -> Option<&'static str> {
    let reason = shown.strip_prefix("Not shown: ").is_some_and(|reason| reason.len() >= SHORTEST_REASON);
    match (done.len() < 20, named_tests::named_in(shown).is_empty() && !reason) {
        (true, _) => Some("does not say what we do"),
        (_, true) => Some("names neither a test nor, behind \"Not shown: \", a reason"),
        _ => None,
    }
}

#[test]
fn every_test_that_the_document_names_exists() {
    named_tests::all_exist_in("docs/protocol.md");
}

#[test]
fn every_rule_has_a_line_with_a_test_or_a_reason() {
    let document = named_tests::document("docs/protocol.md");
    let lines: Vec<_> = document.lines().filter_map(parse).collect();
    for (kind, count) in KINDS {
        let listed: Vec<u32> = lines.iter().filter(|line| line.0 == *kind).map(|line| line.1).collect();
        assert_eq!(listed, (1..=*count).collect::<Vec<_>>(), "rules {kind} of docs/protocol.md");
    }
    let faults: Vec<_> = lines
        .iter()
        .filter_map(|(kind, number, done, shown)| Some(format!("{kind}-{number} {}", fault(done, shown)?)))
        .collect();
    assert!(faults.is_empty(), "docs/protocol.md: {faults:#?}");
}

#[test]
fn a_line_without_a_test_or_a_reason_is_found() {
    let done = "We ask for answers as they are stored.";
    let cases = [
        ("`answers_come_as_they_are`", true),
        ("Not shown: these tests run on Linux, where files have no such list.", true),
        ("`answers_come_as_they_are`; parts are not shown, since there are none", true),
        ("Nothing to show.", false),
        ("Not shown: no.", false),
        ("see `src/registry`", false),
        ("", false),
    ];
    for (shown, good) in cases {
        assert_eq!(fault(done, shown).is_none(), good, "{shown}");
    }
    assert!(fault("", "`answers_come_as_they_are`").is_some());
    assert_eq!(parse("| W-1 | what we do | `a_test` |"), Some(("W", 1, "what we do", "`a_test`")));
    assert_eq!(parse("| rule | what we do | shown by |"), None);
}

#[test]
fn every_cell_about_a_registry_says_how_it_is_known() {
    let document = named_tests::document("docs/registries.md");
    named_tests::all_exist_in("docs/registries.md");
    let (table, _) = document.split_once("\n## ").unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect()))
        .collect();
    let (head, rows) = rows.split_first().unwrap();
    assert!(rows.len() > 10);
    for row in rows {
        assert_eq!(row.len(), head.len(), "{row:?}");
        for cell in &row[1..] {
            let known = cell.split(':').next().unwrap_or_default();
            assert!(["T", "S", "D", "–", "?"].contains(&known), "{}: {cell:?}", row[0]);
        }
    }
}
