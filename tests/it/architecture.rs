//! The shape of the code: which layer uses which, and where some crates and the world outside may appear.
//!
//! docs/architecture.md explains the layers; this is the table that is checked.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

/// A layer is a folder or a file of `src`; it uses itself and what its row lists.
const LAYERS: &[(&str, &[&str])] = &[
    ("oci", &[]),
    ("progress", &["oci"]),
    ("content", &["oci"]),
    ("credentials", &[]),
    ("tar", &["oci"]),
    ("files", &["content", "tar", "oci"]),
    ("layout", &["content", "tar", "oci"]),
    ("registry", &["content", "credentials", "oci"]),
    ("ops", &["content", "files", "layout", "progress", "oci"]),
    ("cli", &["content", "credentials", "files", "layout", "oci", "ops", "progress", "registry"]),
    ("fuzz", &["cli", "credentials", "files", "layout", "oci", "registry", "tar"]),
];

/// What may be written in some files only; a folder ends with `/`.
const CONFINED: &[(&str, &[&str])] = &[
    (r"\b(?:clap|clap_complete|clap_mangen|indicatif|anyhow)::", &["cli/"]),
    (r"\breqwest\b", &["registry/http.rs", "registry/tls.rs"]),
    // (Where temporary files go is no choice of ours: `tempfile` asks for it itself.)
    (r"\benv::(?:vars?|vars?_os|args|args_os|current_dir|home_dir)\b", &["cli/context.rs"]),
    // How long ago a file was changed is the clock's business too.
    (
        r"\b(?:SystemTime|Timestamp|Zoned|Utc|Local)::now\b",
        &["cli/context.rs", "content/disk/partial.rs", "files/settle.rs"],
    ),
];

#[test]
fn each_layer_uses_only_those_below_it() {
    let mut problems = Vec::new();
    for (path, code) in sources() {
        let layer = layer_of(&path);
        if matches!(&*layer, "lib" | "main") {
            continue;
        }
        let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            problems.push(format!("src/{}: {layer} is no layer", path.display()));
            continue;
        };
        for used in used_layers(&code) {
            if used != layer && !below.contains(&&*used) {
                problems.push(format!("src/{}: {layer} uses {used}", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn some_crates_and_the_world_outside_appear_in_few_places() {
    let mut problems = Vec::new();
    for (path, code) in sources() {
        let name = path.to_str().unwrap();
        if name.ends_with("tests.rs") || name.ends_with("testing.rs") {
            continue;
        }
        for (pattern, places) in CONFINED {
            let allowed =
                places.iter().any(|place| name == *place || place.ends_with('/') && name.starts_with(place));
            let found = Regex::new(pattern).unwrap().find(&code).map(|found| found.as_str().to_owned());
            if let Some(found) = found.filter(|_| !allowed && name != "main.rs") {
                problems.push(format!("src/{name}: {found} belongs to {places:?}"));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_layer_has_files() {
    let found: BTreeSet<String> = sources().iter().map(|(path, _)| layer_of(path)).collect();
    for (layer, _) in LAYERS {
        assert!(found.contains(*layer), "src has no {layer}");
    }
}

/// Every source file, with its path below `src`, without comments and literal text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let code = bare(&fs::read_to_string(&path).unwrap());
                found.push((path.strip_prefix(&root).unwrap().to_owned(), code));
            }
        }
    }
    found.sort();
    found
}

/// `ops` for `ops/copy.rs`, `progress` for `progress.rs`.
fn layer_of(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The names that stand behind `crate::`, alone or in braces.
fn used_layers(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => used.extend(first_name(rest)),
            Some(group) => used.extend(members(group).into_iter().filter_map(first_name)),
        }
    }
    used
}

/// The members of a group in braces, without what their own braces hold.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

fn first_name(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    // What is written large is re-exported by the crate itself.
    text[..end].starts_with(|c: char| c.is_ascii_lowercase()).then(|| text[..end].to_owned())
}

/// Code without comments and without the text of string literals.
fn bare(code: &str) -> String {
    let literals =
        r##"(?s)//[^\n]*|/\*.*?\*/|br?#"(?:.*?)"#|r#"(?:.*?)"#|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'"##;
    Regex::new(literals).unwrap().replace_all(code, "").into_owned()
}

#[test]
fn paths_are_found_alone_in_groups_and_not_in_text() {
    let code = r##"
        //! [`crate::ops`]
        use crate::oci::Digest;
        use crate::{content::{self, Source}, registry, Error, files::archive::{a, b}};
        const TEXT: &str = "crate::cli \" // crate::layout";
        fn f() -> crate::progress::Silent { '"'; r#" crate::x "#; todo() } /* crate::y */
    "##;
    let used: Vec<_> = used_layers(&bare(code)).into_iter().collect();
    assert_eq!(used, ["content", "files", "oci", "progress", "registry"]);
}
