//! File arguments, and the titles that paths become *(pure)*.

use super::Error;
use crate::tar::clean;

/// A file as it is named on a command line: a path with an optional media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileArgument {
    /// The path as it was typed.
    pub path: String,
    /// The media type; `None` when there is none, or an empty one.
    pub media_type: Option<String>,
}

impl FileArgument {
    /// Parses `path[:type]`. The last colon counts, so a path with a colon is written with one more at its
    /// end.
    ///
    /// # Errors
    /// The path is empty, or cannot be one on this system.
    pub fn parse(argument: &str) -> Result<Self, Error> {
        Self::parse_on(argument, cfg!(windows))
    }

    fn parse_on(argument: &str, is_windows: bool) -> Result<Self, Error> {
        let (path, media_type) = match argument.rsplit_once(':') {
            Some(_) if is_windows && is_drive_path(argument) => (argument, ""),
            Some(parts) => parts,
            None => (argument, ""),
        };
        if path.is_empty() {
            return Err(Error::EmptyPath { argument: argument.to_owned() });
        }
        if is_windows && let Some(character) = path.chars().find(|character| r#"<>"|?*"#.contains(*character))
        {
            return Err(Error::InvalidPath { path: path.to_owned(), character });
        }
        let media_type = (!media_type.is_empty()).then(|| media_type.to_owned());
        Ok(Self { path: path.to_owned(), media_type })
    }
}

/// Is this `C:\...` without another colon?
fn is_drive_path(argument: &str) -> bool {
    let bytes = argument.as_bytes();
    bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[2] == b'\\' && argument.rfind(':') == Some(1)
}

/// The title of a file: its path as typed, made as short as the text alone allows, with `/` between its
/// parts.
#[must_use]
pub fn title_of(path: &str) -> String {
    title_on(path, cfg!(windows))
}

fn title_on(path: &str, is_windows: bool) -> String {
    let slashed = if is_windows { path.replace('\\', "/") } else { path.to_owned() };
    String::from_utf8(clean(slashed.as_bytes())).expect("names are cut at slashes only")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(argument: &str, is_windows: bool) -> Option<(String, Option<String>)> {
        let parsed = FileArgument::parse_on(argument, is_windows).ok()?;
        Some((parsed.path, parsed.media_type))
    }

    #[test]
    fn the_last_colon_ends_the_path() {
        let cases = [
            ("hi.txt", "hi.txt", None),
            ("hi.txt:", "hi.txt", None),
            ("hi.txt:a/b", "hi.txt", Some("a/b")),
            ("a:b:c/d", "a:b", Some("c/d")),
            ("hi:txt:", "hi:txt", None),
            ("-", "-", None),
            ("x:not a type", "x", Some("not a type")),
        ];
        for (argument, path, media_type) in cases {
            let expected = Some((path.to_owned(), media_type.map(str::to_owned)));
            assert_eq!(parsed(argument, false), expected, "{argument}");
        }
        for empty in ["", ":", ":a/b"] {
            assert!(matches!(FileArgument::parse(empty), Err(Error::EmptyPath { .. })), "{empty}");
        }
    }

    #[test]
    fn a_drive_is_part_of_the_path_on_windows_only() {
        let whole = |text: &str| Some((text.to_owned(), None));
        assert_eq!(parsed(r"C:\x", true), whole(r"C:\x"));
        assert_eq!(parsed(r"C:\x", false), Some(("C".into(), Some(r"\x".into()))));
        assert_eq!(parsed(r"C:\x:a/b", true), Some((r"C:\x".into(), Some("a/b".into()))));
        assert_eq!(parsed("a:b", true), Some(("a".into(), Some("b".into()))));
        assert_eq!(parsed("a?b", true), None);
        assert_eq!(parsed("a?b", false), whole("a?b"));
    }

    #[test]
    fn a_title_is_the_path_made_short() {
        for (path, title) in
            [("./a", "a"), ("a/", "a"), ("a/../b", "b"), ("../x", "../x"), (".", "."), ("/a//b", "/a/b")]
        {
            assert_eq!(title_of(path), title, "{path}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_argument_is_a_path_with_a_type_or_refused(text in "[a-zC:/\\\\.*?\"<>|]{0,20}") {
            crate::files::fuzz::names(text.as_bytes());
            for is_windows in [false, true] {
                if let Some((path, media_type)) = parsed(&text, is_windows) {
                    let media_type = media_type.map(|kind| format!(":{kind}")).unwrap_or_default();
                    let again = format!("{path}{media_type}");
                    proptest::prop_assert_eq!(again, text.strip_suffix(':').unwrap_or(&text));
                }
            }
        }
    }

    /// The files of the lines that documents of ORAS have for Windows: S1-4, S1-7, S2-3, S2-5, S2-12, S4-3.
    #[test]
    fn files_are_named_on_windows_as_they_are_elsewhere() {
        for (argument, title, media_type) in [
            (r".\readme.md:application/markdown", "readme.md", Some("application/markdown")),
            (r".\details", "details", None),
            (r".\details\", "details", None),
            ("./sbom.json:application/json", "sbom.json", Some("application/json")),
            (
                r".\artifact.txt:application/vnd.unknown.layer.v1+txt",
                "artifact.txt",
                Some("application/vnd.unknown.layer.v1+txt"),
            ),
            (r"docs\..\docs\guide.md", "docs/guide.md", None),
            (r"C:\work\readme.md:a/b", "C:/work/readme.md", Some("a/b")),
        ] {
            let (path, found) = parsed(argument, true).unwrap();
            assert_eq!((&*title_on(&path, true), found.as_deref()), (title, media_type), "{argument}");
        }
        assert_eq!(title_on(r"a\b", false), r"a\b", "elsewhere it is a character like any other");
    }
}
