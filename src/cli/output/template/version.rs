//! Versions as `semver` reads them: a leading `v` is ignored, minor and patch may be left out (pure).

use std::cmp::Ordering;

use semver::{BuildMetadata, Prerelease};

/// A semantic version, and how it was written.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) number: semver::Version,
    pub(super) original: String,
}

impl Version {
    /// Reads a version such as `v1.2` or `1.2.3-rc.1+build`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("invalid semantic version {text:?}");
        let (core, prerelease, metadata) = split(text.strip_prefix('v').unwrap_or(text));
        let mut numbers = [0; 3];
        let parts: Vec<&str> = core.split('.').collect();
        if parts.len() > numbers.len() {
            return Err(invalid());
        }
        for (number, part) in numbers.iter_mut().zip(parts) {
            *number = segment(part).ok_or_else(invalid)?;
        }
        let [major, minor, patch] = numbers;
        let pre = optional(prerelease, Prerelease::new).ok_or_else(invalid)?;
        let build = optional(metadata, BuildMetadata::new).ok_or_else(invalid)?;
        Ok(Self { number: semver::Version { major, minor, patch, pre, build }, original: text.to_owned() })
    }

    /// Compares by precedence, which ignores build metadata.
    pub(super) fn precedence(&self, other: &Self) -> Ordering {
        self.number.cmp_precedence(&other.number)
    }
}

impl From<semver::Version> for Version {
    fn from(number: semver::Version) -> Self {
        Self { original: number.to_string(), number }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.number.fmt(f)
    }
}

/// Cuts a version into numbers, pre-release and build metadata. The latter two are `None` if not there.
pub(super) fn split(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let (text, metadata) = match text.split_once('+') {
        Some((text, metadata)) => (text, Some(metadata)),
        None => (text, None),
    };
    match text.split_once('-') {
        Some((core, prerelease)) => (core, Some(prerelease), metadata),
        None => (text, None, metadata),
    }
}

/// Reads one of the numbers of a version, in which zeros may lead.
pub(super) fn segment(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Reads a part that may be left out, but not be empty. `None` if it is malformed.
fn optional<T: Default, E>(part: Option<&str>, read: impl Fn(&str) -> Result<T, E>) -> Option<T> {
    match part {
        None => Some(T::default()),
        Some("") => None,
        Some(text) => read(text).ok(),
    }
}
