//! Why a layout could not be opened or changed.

use std::{io, path::PathBuf};

use crate::{content, tar};

/// Why a layout could not be opened or changed. Travels inside
/// [`content::Error::Store`](crate::content::Error::Store).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing at the path.
    #[error("failed to find path {path:?}")]
    NoPath {
        /// The path as it was given.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The path is a file, but no tar.
    #[error("{path:?} does not look like a tar archive")]
    NoArchive {
        /// The path as it was given.
        path: PathBuf,
        /// Where reading it as a tar failed.
        source: io::Error,
    },
    /// There is something at the path where a tar is to be, and it is no file.
    #[error("{path:?} already exists and is {}", if *is_folder { "a directory" } else { "not a regular file" })]
    NoFile {
        /// The path as it was given.
        path: PathBuf,
        /// Is it a folder?
        is_folder: bool,
    },
    /// The file that marks a layout cannot be read.
    #[error("invalid OCI Image Layout: failed to open OCI layout file")]
    NoLayoutFile(#[source] io::Error),
    /// The file that marks a layout has another shape than it should.
    #[error("invalid OCI Image Layout: failed to decode OCI layout file")]
    MalformedLayoutFile(#[source] serde_json::Error),
    /// The layout has another version than the one that is known.
    #[error("invalid OCI Image Layout: unsupported version")]
    UnsupportedVersion {
        /// The version that it has.
        found: String,
    },
    /// The list of manifests cannot be read.
    #[error("invalid OCI Image Index: failed to open index file")]
    NoIndex(#[source] io::Error),
    /// The list of manifests has another shape than it should.
    #[error("invalid OCI Image Index: failed to decode index file")]
    MalformedIndex(#[source] serde_json::Error),
    /// The layout was opened for reading only, or is an archive.
    #[error("the layout is open for reading only")]
    ReadOnly,
    /// Another program keeps the list of manifests locked.
    #[error("{path:?} has been locked by another program for {seconds} seconds")]
    Locked {
        /// The file that carries the lock.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A digest was to be a tag of something else than the content it names.
    #[error("invalid tag {tag:?}: it is the digest of other content")]
    ForeignDigest {
        /// The tag that was asked for.
        tag: String,
    },
}

impl From<Error> for content::Error {
    fn from(error: Error) -> Self {
        Self::store(error)
    }
}

impl Error {
    /// For `map_err` on reading an archive.
    pub(super) fn no_archive(path: impl Into<PathBuf>) -> impl FnOnce(tar::Error) -> Self {
        let path = path.into();
        move |error| Self::NoArchive { path, source: error.into() }
    }
}
