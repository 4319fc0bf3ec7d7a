//! What commands read of spellings that have no flag of today.

use std::{ffi::OsString, path::Path};

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::FORMS;
use crate::{cli::args::Flag, ops::pack};

/// What `oras pull` had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PullFlags {
    /// The media types that are wanted; none stands for all.
    pub(crate) media_types: Vec<String>,
}

/// What `oras push` had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PushFlags {
    /// What the artifact is attached to.
    pub(crate) subject: Option<String>,
}

/// What `oras attach` had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AttachFlags {
    /// The form of the manifest.
    pub(crate) form: Option<pack::Form>,
}

impl PullFlags {
    fn read(matches: &ArgMatches) -> Self {
        let is_all = matches.try_get_one::<Flag>("legacy-allow-all").ok().flatten();
        if is_all.is_some_and(|flag| flag.0) {
            return Self::default();
        }
        Self { media_types: texts(matches, "legacy-media-type") }
    }
}

impl PushFlags {
    fn read(matches: &ArgMatches) -> Self {
        Self { subject: texts(matches, "legacy-subject").pop() }
    }
}

impl AttachFlags {
    fn read(matches: &ArgMatches) -> Self {
        Self { form: matches.try_get_one("legacy-image-spec").ok().flatten().copied() }
    }
}

fn texts(matches: &ArgMatches, id: &str) -> Vec<String> {
    // Without the old spellings the parser does not know the name.
    let values = matches.try_get_many::<OsString>(id).ok().flatten();
    values.into_iter().flatten().map(|value| value.to_string_lossy().into_owned()).collect()
}

/// The arguments themselves are added by the table of spellings.
macro_rules! read_only {
    ($($flags:ident),*) => {$(
        impl Args for $flags {
            fn augment_args(command: Command) -> Command {
                command
            }

            fn augment_args_for_update(command: Command) -> Command {
                command
            }
        }

        impl FromArgMatches for $flags {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self::read(matches))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::read(matches);
                Ok(())
            }
        }
    )*};
}

read_only!(PullFlags, PushFlags, AttachFlags);

/// Reads the form of a manifest by the version of the image specification.
///
/// # Errors
/// There is no such version; only those of today are offered.
pub(crate) fn parse_form(text: &str) -> Result<pack::Form, String> {
    let found = FORMS.iter().find(|(name, _)| *name == text).map(|(_, form)| *form);
    found.ok_or_else(|| "unknown image specification version\nAvailable options: v1.1, v1.0".to_owned())
}

/// An empty file that every system has, where a path means that of this one or another; with what is to be
/// said when it is another's.
pub(crate) fn null_device(path: &str) -> Option<(&'static str, Option<&'static str>)> {
    null_device_on(path, cfg!(windows), || Path::new(path).exists())
}

fn null_device_on(
    path: &str,
    is_windows: bool,
    is_file: impl FnOnce() -> bool,
) -> Option<(&'static str, Option<&'static str>)> {
    let is_nul = |name: &str| name.eq_ignore_ascii_case("NUL");
    if is_windows {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        return (is_nul(name) || path == "/dev/null").then_some(("NUL", None));
    }
    let is_other = is_nul(path) && !is_file();
    is_other.then_some(("/dev/null", Some("NUL is the Windows null device; using an empty config")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4-3 and §2.4 of the early versions' flags: any case, with or without a folder; `/dev/null` as well.
    #[test]
    fn the_null_device_of_another_system_is_an_empty_file() {
        for path in ["NUL", "nul", r"C:\x\NUL", "x/Nul", "/dev/null"] {
            assert_eq!(null_device_on(path, true, || true), Some(("NUL", None)), "{path}");
        }
        for path in ["NULL", r"NUL\config.json", "NUL.json", r"\dev\null"] {
            assert_eq!(null_device_on(path, true, || false), None, "{path}");
        }
        for path in ["NUL", "nul"] {
            let found = null_device_on(path, false, || false);
            assert!(
                found.is_some_and(|(device, notice)| device == "/dev/null" && notice.is_some()),
                "{path}"
            );
            assert_eq!(null_device_on(path, false, || true), None, "{path}");
        }
        for path in ["/dev/null", "NULL", "a/NUL", "config.json"] {
            assert_eq!(null_device_on(path, false, || false), None, "{path}");
        }
    }
}
