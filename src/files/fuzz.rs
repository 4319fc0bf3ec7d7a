//! What must hold for any names and archives that become files.

use std::{
    fs,
    io::Write as _,
    path::{Component, Path, PathBuf},
};

use cap_std::{ambient_authority, fs::Dir};
use flate2::{Compression, write::GzEncoder};

use super::{
    argument::{FileArgument, title_of},
    safe_path::{self, Place},
    unpack::Archive,
};
use crate::content::disk::Wanted;

/// A title and the name of an entry, with a zero byte between them: what is let through goes down only.
pub(crate) fn names(data: &[u8]) {
    let (title, entry) = match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, data),
    };
    let goes_down = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    if let Some(path) = safe_path::inside(title, Path::new("/w/d"), entry) {
        let path = String::from_utf8_lossy(&path).into_owned();
        assert!(path == "." || goes_down(Path::new(&path)), "{path}");
    }
    if safe_path::stays_inside(b"a", entry, Path::new("/w/d")) && !entry.starts_with(b"/") {
        let mut depth = 1_i64;
        for part in entry.split(|byte| *byte == b'/') {
            depth += match part {
                b"" | b"." => 0,
                b".." => -1,
                _ => 1,
            };
        }
        assert!(depth >= 0);
    }
    let Ok(title) = std::str::from_utf8(title) else { return };
    if let Ok(Place::Inside(path)) = safe_path::place(Path::new("/w/d"), title, false) {
        assert!(path == Path::new(".") || goes_down(&path), "{path:?}");
    }
    for part in title.split('/') {
        let _ = (safe_path::check_name(part, true), safe_path::check_name(part, false));
    }
    assert_eq!(title_of(&title_of(title)), title_of(title));
    if let Ok(argument) = FileArgument::parse(title) {
        assert!(!argument.path.is_empty() && title.starts_with(&argument.path));
    }
}

/// A tar that is unpacked: nothing is written outside, and no link leads there.
pub(crate) fn unpack(data: &[u8]) {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(data).expect("writing to memory does not fail");
    let packed = gzip.finish().expect("writing to memory does not fail");
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let root = folder.path().canonicalize().expect("it was made just now").join("d");
    fs::create_dir(&root).expect("it is not there yet");
    fs::write(folder.path().join("victim"), "precious").expect("the folder is there");
    let archive =
        Archive { title: "d", target: &root, content: None, limit: Some(1 << 20), wanted: &Wanted::always() };
    let dir = Dir::open_ambient_dir(&root, ambient_authority()).expect("it was made just now");
    let is_good = archive.unpack(&packed[..], dir).is_ok();
    assert_eq!(fs::read(folder.path().join("victim")).ok().as_deref(), Some(&b"precious"[..]));
    assert_eq!(fs::read_dir(folder.path()).map(Iterator::count).ok(), Some(2));
    if is_good {
        check_links(&root);
    }
}

/// Wherever a link leads, it is below the root.
fn check_links(root: &Path) {
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        // What may not be listed by its owner cannot be looked into.
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_symlink()
                && let Ok(target) = entry.path().canonicalize()
            {
                assert!(target.starts_with(root), "{:?} leads to {target:?}", entry.path());
            }
        }
    }
}
