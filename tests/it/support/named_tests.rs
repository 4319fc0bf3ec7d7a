//! The tests that there are, by name: documents say which test shows what they claim.

use std::{collections::BTreeSet, fs, path::Path};

use regex::Regex;

/// The text of a file of the project.
pub(crate) fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// What looks like the name of a test, in backticks.
pub(crate) fn named_in(text: &str) -> Vec<String> {
    let name = Regex::new(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`").unwrap();
    name.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// Fails if a document names a test that there is not.
#[track_caller]
pub(crate) fn all_exist_in(name: &str) {
    let tests = tests();
    let missing: Vec<_> =
        named_in(&document(name)).into_iter().filter(|test| !tests.contains(test)).collect();
    assert!(missing.is_empty(), "{name} names tests that are not there: {missing:#?}");
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
