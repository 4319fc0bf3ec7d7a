//! Parsers of outside text, as a fuzzer drives them: any bytes go in, and what must hold is asserted.
//!
//! Compiled for tests and for the fuzzer only. The programs in `fuzz/fuzz_targets` call [`run`]; the tests replay
//! the seeds in `fuzz/corpus` through the same functions.

use crate::{cli, credentials, files, layout, oci, registry, tar};

/// What is done with some bytes.
type Target = fn(&[u8]);

/// Each target: its name, which is that of its program and of its folder of seeds, and what it does.
const TARGETS: &[(&str, Target)] = &[
    ("annotations", oci::fuzz::annotations),
    ("answers", registry::fuzz::answers),
    ("challenge", registry::fuzz::challenge),
    ("config_file", credentials::fuzz::config_file),
    ("headers", registry::fuzz::headers),
    ("index_file", layout::fuzz::index_file),
    ("json", oci::fuzz::json),
    ("link", registry::fuzz::link),
    ("manifest", oci::fuzz::manifest),
    ("mirrors", registry::fuzz::mirrors),
    ("names", files::fuzz::names),
    ("reference", oci::fuzz::reference),
    ("tar", tar::fuzz::tar),
    ("template", cli::fuzz::template),
    ("unpack", files::fuzz::unpack),
];

/// Gives some bytes to a target.
///
/// # Panics
/// There is no such target, or something did not hold.
pub fn run(target: &str, data: &[u8]) {
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).expect("the target is in the table");
    run(data);
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn names(folder: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_parser_takes_the_seeds_of_its_fuzzer() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        for (name, run) in TARGETS {
            let seeds: Vec<_> =
                fs::read_dir(corpus.join(name)).unwrap().map(|seed| seed.unwrap().path()).collect();
            assert!(seeds.len() > 2, "{name} has few seeds");
            for seed in seeds {
                run(&fs::read(&seed).unwrap());
            }
            run(b"");
        }
    }

    #[test]
    fn every_target_has_a_program_and_seeds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names(&folder.join("corpus")), targets);
        assert_eq!(names(&folder.join("fuzz_targets")), targets);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for name in &targets {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
            let program = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
            assert!(program.contains(&format!("oras::fuzz::run(\"{name}\", data)")), "{name}");
        }
    }
}
