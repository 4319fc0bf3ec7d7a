//! docs/compatibility.md speaks of every command and of every flag that there is, and of no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use clap::Command;

use super::reference::path_of;

#[test]
fn the_page_on_compatibility_names_every_command_and_every_flag() {
    let mut root = oras::cli::definition();
    root.build();
    let mut there = BTreeMap::new();
    collect(&root, &mut there);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
    let page = std::fs::read_to_string(page).unwrap();
    let table = page.split_once("## Commands and flags").expect("the page has the table").1;
    let (mut named, mut problems) = (BTreeMap::<String, BTreeSet<String>>::new(), Vec::new());
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [command, flags, verdict] = cells[..] else {
            problems.push(format!("three cells are expected: {row}"));
            continue;
        };
        let command = command.trim_matches('`').to_owned();
        if !says_how(verdict) {
            problems.push(format!("`same`, `better: HOW` or `not: WHY` is expected: {row}"));
        }
        let of_command = named.entry(command).or_default();
        for flag in flags.split(", ").filter(|flag| !flag.is_empty()) {
            if !of_command.insert(flag.trim_matches('`').to_owned()) {
                problems.push(format!("{flag} stands there twice: {row}"));
            }
        }
    }
    for (command, flags) in &there {
        match named.get(command) {
            None => problems.push(format!("`{command}` is missing")),
            Some(of_page) => {
                problems
                    .extend(flags.difference(of_page).map(|flag| format!("`{command}` `{flag}` is missing")));
                problems.extend(of_page.difference(flags).map(|flag| format!("`{command}` has no `{flag}`")));
            }
        }
    }
    problems.extend(
        named.keys().filter(|name| !there.contains_key(*name)).map(|name| format!("there is no `{name}`")),
    );
    assert!(problems.is_empty(), "docs/compatibility.md\n{}", problems.join("\n"));
}

fn says_how(verdict: &str) -> bool {
    let reason = |word: &str| verdict.strip_prefix(word).is_some_and(|reason| reason.trim().len() > 3);
    verdict == "same" || ["same: ", "better: ", "not: "].into_iter().any(reason)
}

/// The flags of each command that does something, hidden ones included.
fn collect(command: &Command, there: &mut BTreeMap<String, BTreeSet<String>>) {
    let below: Vec<_> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
    if below.is_empty() {
        let flags = command.get_arguments().filter_map(clap::Arg::get_long).filter(|name| *name != "help");
        let path = path_of(command).trim_start_matches("oras ").to_owned();
        there.insert(path, flags.map(|name| format!("--{name}")).collect());
    }
    below.into_iter().for_each(|below| collect(below, there));
}
