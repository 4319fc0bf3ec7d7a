//! May a title or an entry of an archive name this path? *(pure)*
//!
//! What is decided here is decided by the text alone. Links that are on the disk are looked at when the path
//! is opened, by handles that cannot leave their folder.

use std::path::{Path, PathBuf};

use super::Error;
use crate::tar::clean;

/// Where content with a title goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Below the root, at this path without `..`; `.` is the root itself.
    Inside(PathBuf),
    /// Wherever the path leads.
    Anywhere(PathBuf),
}

/// Finds the place of a title. The root is absolute and as short as it can be.
///
/// # Errors
/// The title leads out of the root although it must not, or is no name for a file.
pub(super) fn place(root: &Path, title: &str, may_leave: bool) -> Result<Place, Error> {
    let invalid = |reason| Error::InvalidTitle { title: title.to_owned(), reason };
    let absolute = absolute(root, title);
    if may_leave {
        return Ok(Place::Anywhere(absolute));
    }
    let Ok(relative) = absolute.strip_prefix(root) else {
        return Err(Error::PathTraversal { title: title.to_owned() });
    };
    for part in relative.iter() {
        check_name(&part.to_string_lossy(), cfg!(windows)).map_err(invalid)?;
    }
    let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
    Ok(Place::Inside(relative.to_owned()))
}

/// The path of a title, absolute and as short as the text alone allows.
pub(super) fn absolute(root: &Path, title: &str) -> PathBuf {
    shortened(&root.join(if cfg!(windows) { title.replace('/', "\\") } else { title.to_owned() }))
}

/// A path without `.` and without `..` behind another part, told from the text alone.
pub(super) fn shortened(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => drop(short.pop()),
            other => short.push(other),
        }
    }
    short
}

/// Finds the path of an archive's entry below the folder that has this title and will be at `target`. `.` is
/// the folder itself; `None` means that it lies outside.
pub(super) fn inside(title: &[u8], target: &Path, entry: &[u8]) -> Option<Vec<u8>> {
    let (title, entry) = (clean(title), clean(entry));
    let below = |parent: &[u8]| match entry.strip_prefix(parent)? {
        b"" => Some(b".".to_vec()),
        rest => Some(rest.strip_prefix(b"/")?.to_vec()),
    };
    let found = match &title[..] {
        b"." if !entry.starts_with(b"/") => Some(entry.clone()),
        title => {
            let absolute = target.to_str().filter(|_| entry.starts_with(b"/"));
            below(title).or_else(|| below(absolute?.as_bytes()))
        }
    };
    found.filter(|path| !leads_up(path))
}

/// Does a link's text, read from the folder that the link is in, stay below the root? The folder is relative
/// to the root, which will be at `target`.
pub(super) fn stays_inside(folder: &[u8], text: &[u8], target: &Path) -> bool {
    if text.starts_with(b"/") {
        let is_below =
            |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| Path::new(text).starts_with(target));
        return is_below(&clean(text)) && !text.split(is_slash).any(|part| part == b"..");
    }
    let folder = if folder.is_empty() { b"." } else { folder };
    !leads_up(&clean(&[folder, b"/", text].concat()))
}

fn leads_up(path: &[u8]) -> bool {
    path == b".." || path.starts_with(b"../")
}

fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}

/// Does a link's text go back up after it went down? Then where it leads depends on links on its way.
pub(super) fn doubles_back(text: &[u8]) -> bool {
    let parts = text.split(is_slash).filter(|part| !matches!(*part, b"" | b"."));
    parts.skip_while(|part| *part == b"..").any(|part| part == b"..")
}

/// Checks one part of a path.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn check_name(name: &str, is_windows: bool) -> Result<(), &'static str> {
    if name.contains('\0') {
        return Err("a name has no zero bytes");
    }
    if !is_windows {
        return Ok(());
    }
    if name.chars().any(|character| character < ' ' || r#"<>:"|?*\/"#.contains(character)) {
        return Err("it has a character that Windows does not allow");
    }
    if name.ends_with(['.', ' ']) {
        return Err("Windows drops dots and blanks at the end of a name");
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let port = |kind: &str| {
        let number = stem.strip_prefix(kind).unwrap_or_default();
        number.chars().count() == 1 && number.contains(|c: char| matches!(c, '0'..='9' | '¹' | '²' | '³'))
    };
    let is_device = matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$");
    if is_device || port("COM") || port("LPT") { Err("it is the name of a device") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_title_stays_below_the_root_unless_it_may_leave() {
        let root = Path::new("/w/out");
        for (title, expected) in [
            ("a", "a"),
            ("a/b", "a/b"),
            (".", "."),
            ("a/..", "."),
            ("../out/a", "a"),
            ("/w/out/a", "a"),
            ("...", "..."),
        ] {
            assert_eq!(place(root, title, false).unwrap(), Place::Inside(expected.into()), "{title}");
        }
        for title in ["..", "../a", "a/../../b", "/a", "/w/outside", "../out2/a"] {
            assert!(matches!(place(root, title, false), Err(Error::PathTraversal { .. })), "{title}");
        }
        assert_eq!(place(root, "../a", true).unwrap(), Place::Anywhere("/w/a".into()));
        assert_eq!(place(root, "/x/../y", true).unwrap(), Place::Anywhere("/y".into()));
        assert!(matches!(place(root, "a\0b", false), Err(Error::InvalidTitle { .. })));
        assert_eq!(place(Path::new("/"), "a", false).unwrap(), Place::Inside("a".into()));
    }

    #[test]
    fn an_entry_lies_below_the_title() {
        let folder = Path::new("/w/out/d");
        let cases = [
            ("d", "d", Some(".")),
            ("d", "d/", Some(".")),
            ("d", "./d/a", Some("a")),
            ("d", "d/a/b", Some("a/b")),
            ("d", "d/../d/a", Some("a")),
            ("d", "dd/a", None),
            ("d", "a", None),
            ("d", "..", None),
            ("d", "d/../../d", None),
            ("d", "/d/a", None),
            ("d", "/w/out/d/a", Some("a")),
            (".", ".", Some(".")),
            (".", "a", Some("a")),
            (".", "../a", None),
            (".", "/a", None),
            ("..", "../..", None),
            ("..", "../a", Some("a")),
            ("../d", "../d/a", Some("a")),
            ("../d", "../../d/a", None),
            ("/x/d", "/x/d/a", Some("a")),
        ];
        for (title, entry, expected) in cases {
            let found = inside(title.as_bytes(), folder, entry.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{title} {entry}");
        }
    }

    #[test]
    fn a_link_stays_below_the_root() {
        for (folder, text, stays) in [
            ("", "a", true),
            ("a", "../b", true),
            ("a", "..", true),
            ("a", "../..", false),
            ("", "..", false),
            ("", "a/../../b", false),
            ("", "/etc/passwd", false),
            ("a", "/w/d", true),
            ("a", "/w/d/x", true),
            ("a", "/w/dd", false),
            ("a", "/w/d/../d/x", false),
        ] {
            let (from, to) = (folder.as_bytes(), text.as_bytes());
            assert_eq!(stays_inside(from, to, Path::new("/w/d")), stays, "{folder} {text}");
        }
        for (text, doubles) in
            [("a/b", false), ("../../a", false), ("./.././a", false), ("a/..", true), ("../a/../b", true)]
        {
            assert_eq!(doubles_back(text.as_bytes()), doubles, "{text}");
        }
    }

    #[test]
    fn windows_has_names_that_are_no_files() {
        for name in [
            "con", "NUL", "nul.txt", "COM1", "lpt9.log", "com¹", "aux .txt", "a:b", "a.", "a ", "a\\b", "a?",
            "\u{1}",
        ] {
            assert!(check_name(name, true).is_err(), "{name}");
            assert!(check_name(name, false).is_ok(), "{name}");
        }
        for name in ["console", "com", "com10", "a.con", "ü"] {
            assert!(check_name(name, true).is_ok(), "{name}");
        }
    }

    proptest::proptest! {
        /// Whatever an archive says, what is let through is a path that goes down only.
        #[test]
        fn an_entry_never_leaves(title in "[ad./]{1,6}", entry in "[ad./]{0,12}") {
            if let Some(path) = inside(title.as_bytes(), Path::new("/a/d"), entry.as_bytes()) {
                let path = String::from_utf8(path).unwrap();
                let is_down = path == "." || path.split('/').all(|part| !matches!(part, "" | "." | ".."));
                proptest::prop_assert!(is_down, "{path}");
            }
        }

        #[test]
        fn a_title_never_leaves(title in "[ad./]{0,12}") {
            if let Ok(Place::Inside(path)) = place(Path::new("/a/d"), &title, false) {
                let is_normal = |part| matches!(part, std::path::Component::Normal(_));
                proptest::prop_assert!(path == Path::new(".") || path.components().all(is_normal));
            }
        }
    }
}
