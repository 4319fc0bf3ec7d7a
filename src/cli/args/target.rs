//! A reference in a registry or an OCI image layout.

use std::marker::PhantomData;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::{
    Flag, Remote, Side, is_set,
    remote::{flag, long, text},
};
use crate::{
    cli::error::Usage,
    oci::{self, Reference},
};

/// The flags that say where a reference points, and how to get there.
#[derive(Debug, Clone)]
pub(crate) struct TargetFlags<S> {
    oci_layout: Option<Flag>,
    oci_layout_path: Option<String>,
    /// How to reach a registry.
    pub(crate) remote: Remote<S>,
}

impl<S: Side> Args for TargetFlags<S> {
    fn augment_args(command: Command) -> Command {
        let what = S::WHAT;
        let heading = S::HEADING;
        let command = command.args([
            flag::<S>("oci-layout")
                .help(format!("{what} is an OCI image layout: PATH[:TAG|@DIGEST]"))
                .help_heading(heading),
            Arg::new(long::<S>("oci-layout-path"))
                .long(long::<S>("oci-layout-path"))
                .value_name("PATH")
                .help(format!("[Experimental] {what} is a reference in the OCI image layout at PATH"))
                .help_heading(heading),
        ]);
        Remote::<S>::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Side> FromArgMatches for TargetFlags<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            oci_layout: matches.get_one(long::<S>("oci-layout")).copied(),
            oci_layout_path: text::<S>(matches, "oci-layout-path"),
            remote: Remote::from_arg_matches(matches)?,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Which kind of store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A registry.
    Registry,
    /// An OCI image layout.
    Layout,
}

impl Kind {
    /// What people are shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Layout => "oci-layout",
        }
    }
}

/// Where a reference points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A repository of a registry.
    Registry(Reference),
    /// A layout, by `--oci-layout-path` when `is_path` is set.
    Layout {
        /// The folder or archive, as it was typed.
        path: String,
        /// Tag or digest; empty when there is none.
        reference: String,
    },
}

/// An argument with where it points.
#[derive(Debug, Clone)]
pub(crate) struct Located<S> {
    /// The argument as it was typed.
    pub(crate) raw: String,
    /// Where it points.
    pub(crate) location: Location,
    side: PhantomData<S>,
}

impl<S: Side> TargetFlags<S> {
    /// Reads an argument.
    pub(crate) fn locate(&self, raw: &str) -> anyhow::Result<Located<S>> {
        let path = self.oci_layout_path.as_deref().filter(|path| !path.is_empty());
        let is_layout = is_set(self.oci_layout);
        if path.is_some() && is_layout {
            return Err(super::exclusive(&[
                &format!("--{}", long::<S>("oci-layout-path")),
                &format!("--{}", long::<S>("oci-layout")),
            ])
            .into());
        }
        if is_layout && self.remote.has_headers() {
            anyhow::bail!("custom header flags cannot be used on an OCI image layout target");
        }
        let location = match path {
            Some(path) => Location::Layout { path: path.to_owned(), reference: raw.to_owned() },
            None if is_layout => split_layout(raw)?,
            None => Location::Registry(parse_reference(raw)?),
        };
        self.remote.check()?;
        Ok(Located { raw: raw.to_owned(), location, side: PhantomData })
    }

    /// Is the target a layout rather than a registry?
    pub(crate) fn is_layout(&self) -> bool {
        is_set(self.oci_layout) || self.oci_layout_path.as_ref().is_some_and(|path| !path.is_empty())
    }
}

/// Parses a reference to a registry; the error says what the form is.
pub(crate) fn parse_reference(raw: &str) -> Result<Reference, Usage> {
    Reference::parse(raw).map_err(|error| {
        Usage::new(format!("{raw:?}: invalid reference: {error}")).advice(
            "Please make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]"
                .to_owned(),
        )
    })
}

/// Splits `path[:tag]` or `path@digest` at the last separator.
fn split_layout(raw: &str) -> Result<Location, Usage> {
    let separator = if raw.contains('@') { '@' } else { ':' };
    let (path, reference) = match raw.rsplit_once(separator) {
        // A drive letter of Windows is no path of its own.
        Some((drive, rest)) if cfg!(windows) && drive.len() == 1 && rest.starts_with(['\\', '/']) => {
            (raw, "")
        }
        Some(parts) => parts,
        None => (raw, ""),
    };
    if path.is_empty() {
        return Err(Usage::new(format!("found empty file path in {raw:?}"))
            .advice("invalid reference: name the layout's folder".to_owned()));
    }
    Ok(Location::Layout { path: path.to_owned(), reference: reference.to_owned() })
}

impl<S: Side> Located<S> {
    /// Registry or layout?
    pub(crate) fn kind(&self) -> Kind {
        match self.location {
            Location::Registry(_) => Kind::Registry,
            Location::Layout { .. } => Kind::Layout,
        }
    }

    /// `[registry]` or `[oci-layout]` with the argument as typed.
    pub(crate) fn labelled(&self) -> String {
        format!("[{}] {}", self.kind().as_str(), self.raw)
    }

    /// The tag or digest; empty when there is none.
    pub(crate) fn reference(&self) -> &str {
        match &self.location {
            Location::Registry(reference) => &reference.reference,
            Location::Layout { reference, .. } => reference,
        }
    }

    /// The repository, or the path of the layout as typed.
    pub(crate) fn name(&self) -> String {
        match &self.location {
            Location::Registry(reference) => reference.name(),
            Location::Layout { path, .. } => path.clone(),
        }
    }

    /// Is it the same repository or layout? One folder has many paths.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        match (&self.location, &other.location) {
            (Location::Layout { path: one, .. }, Location::Layout { path: two, .. }) => {
                let folder = |path: &str| std::fs::canonicalize(path).ok();
                one == two || folder(one).is_some_and(|one| folder(two) == Some(one))
            }
            _ => self.name() == other.name(),
        }
    }

    /// The tag or digest, for commands that need one.
    pub(crate) fn require_reference(&self, command: &super::Synopsis) -> Result<&str, Usage> {
        let reference = self.reference();
        if reference.is_empty() { Err(command.no_reference(&self.raw)) } else { Ok(reference) }
    }

    /// Checks one more tag of the same repository. A layout takes any text.
    pub(crate) fn parse_tag(&self, text: &str) -> Result<String, oci::Error> {
        match &self.location {
            Location::Registry(reference) => reference.parse_within(text),
            Location::Layout { .. } if text.is_empty() => Err(oci::Error::InvalidTag(String::new())),
            Location::Layout { .. } => Ok(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_split_at_the_last_separator() {
        for (raw, path, reference) in [
            ("lay", "lay", ""),
            ("lay:v1", "lay", "v1"),
            ("a:b:v1", "a:b", "v1"),
            ("dir:", "dir", ""),
            ("lay@sha256:00", "lay", "sha256:00"),
            ("a@b@c", "a@b", "c"),
        ] {
            let expected = Location::Layout { path: path.into(), reference: reference.into() };
            assert_eq!(split_layout(raw).unwrap(), expected, "{raw}");
        }
        assert!(split_layout(":v1").is_err());
    }
}
