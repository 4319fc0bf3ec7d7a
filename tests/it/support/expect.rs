//! Comparing text with what was expected: placeholders for what varies, status lines in any order.

use std::sync::LazyLock;

use regex::Regex;

/// First words of lines whose order depends on timing. (`Pushed [registry] …`, with one space, is not one.)
const STATUS: &[&str] = &[
    "Backed",
    "Copied",
    "Copying",
    "Downloaded",
    "Downloading",
    "Exists",
    "Exported",
    "Fetched",
    "Fetching",
    "Mounted",
    "Mounting",
    "Packed",
    "Packing",
    "Preparing",
    "Processing",
    "Pulled",
    "Pulling",
    "Pushed ",
    "Pushing ",
    "Restored",
    "Restoring",
    "Skipped",
    "Tagged",
    "Tagging",
    "Uploaded",
    "Uploading",
];

/// Placeholders and what they stand for.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("[DIGEST]", "sha(?:256|384|512):[0-9a-f]+"),
    ("[DIGEST-TAG]", "sha(?:256|384|512)-[0-9a-f]+"),
    ("[SHORT]", "[0-9a-f]{12}"),
    ("[TIME]", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"),
    ("[DURATION]", r"\d+(?:\.\d+)?(?:ns|µs|ms|s|m)"),
    ("[SIZE]", r"\d+(?:\.\d+)? ?[kKMG]?i?B?"),
    ("[NUMBER]", r"\d+"),
    ("[..]", "[^\n]*"),
];

/// Is the text what was expected? The error shows both.
pub(crate) fn compare(expected: &str, actual: &str) -> Result<(), String> {
    let (expected_status, expected_rest) = split(expected);
    let (mut actual_status, actual_rest) = split(actual);
    let same_rest = pattern(&expected_rest.join("\n")).is_match(&actual_rest.join("\n"));
    // Lines with placeholders could take what a line without one needs.
    let (open, exact): (Vec<_>, Vec<_>) = expected_status.into_iter().partition(|line| line.contains('['));
    let same_status = exact.iter().chain(&open).all(|line| {
        let pattern = pattern(line);
        let found = actual_status.iter().position(|actual| pattern.is_match(actual));
        found.map(|place| actual_status.remove(place)).is_some()
    });
    if same_rest && same_status && actual_status.is_empty() {
        return Ok(());
    }
    Err(format!("--- expected\n{expected}\n--- actual\n{actual}\n---"))
}

/// Is the expected text a part of the actual one?
pub(crate) fn contains(expected: &str, actual: &str) -> Result<(), String> {
    if expression(expected).is_match(actual) {
        return Ok(());
    }
    Err(format!("--- expected somewhere\n{expected}\n--- actual\n{actual}\n---"))
}

fn split(text: &str) -> (Vec<&str>, Vec<&str>) {
    text.split('\n').partition(|line| {
        STATUS.iter().any(|word| line.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')))
    })
}

fn pattern(expected: &str) -> Regex {
    Regex::new(&format!("^(?:{})$", source(expected))).unwrap()
}

fn expression(expected: &str) -> Regex {
    Regex::new(&source(expected)).unwrap()
}

fn source(expected: &str) -> String {
    static NAMES: LazyLock<Vec<(String, &str)>> =
        LazyLock::new(|| PLACEHOLDERS.iter().map(|(name, source)| (regex::escape(name), *source)).collect());
    let mut source = regex::escape(expected);
    for (name, meaning) in NAMES.iter() {
        source = source.replace(name, meaning);
    }
    source
}

#[test]
fn placeholders_stand_for_what_varies_and_nothing_else() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let cases = [
        ("Digest: [DIGEST]\n", format!("Digest: {digest}\n"), true),
        ("Digest: [DIGEST]\n", "Digest: x\n".to_owned(), false),
        ("Digest: [DIGEST]\n", format!("Digest: {digest}"), false),
        ("at [TIME]", "at 2026-01-02T03:04:05Z".to_owned(), true),
        ("a [..] c", "a b c".to_owned(), true),
        ("a [..] c", "a\nb c".to_owned(), false),
        ("a.b", "axb".to_owned(), false),
        ("", "x".to_owned(), false),
    ];
    for (expected, actual, same) in cases {
        assert_eq!(compare(expected, &actual).is_ok(), same, "{expected:?} {actual:?}");
    }
}

#[test]
fn status_lines_come_in_any_order_but_all_of_them_and_no_others() {
    let expected = "Uploading 2cf24dba5fb0 a\nUploading [SHORT] b\nPushed [registry] x\nDone\n";
    let shuffled = "Uploading aaaaaaaaaaaa b\nPushed [registry] x\nUploading 2cf24dba5fb0 a\nDone\n";
    assert_eq!(compare(expected, shuffled), Ok(()));
    assert!(compare(expected, &shuffled.replace("Uploading aaaaaaaaaaaa b\n", "")).is_err());
    assert!(compare(expected, &format!("Uploading aaaaaaaaaaaa c\n{shuffled}")).is_err());
    assert!(compare("a\nb\n", "b\na\n").is_err());
}
