//! Why files could not become content, or content files.

use std::{io, path::PathBuf};

use crate::{content, oci::Digest};

/// Why files could not become content, or content files. Travels inside
/// [`content::Error::Store`](crate::content::Error::Store).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file argument has no path before its media type.
    #[error("found empty file path in {argument:?}")]
    EmptyPath {
        /// The argument.
        argument: String,
    },
    /// A path has a character that no file's name may have on this system.
    #[error("invalid file path {path:?}: {character:?} is not allowed")]
    InvalidPath {
        /// The path.
        path: String,
        /// The first such character.
        character: char,
    },
    /// A file has an empty title.
    #[error("missing name")]
    MissingName,
    /// Two files have the same title.
    #[error("{title}: duplicate name")]
    DuplicateName {
        /// The title.
        title: String,
    },
    /// A folder has a socket in it, which an archive cannot hold.
    #[error("{}: sockets not supported", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
    },
    /// A file is not what it was when it was described.
    #[error("{} has changed since it was read first", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A title leads out of the folder that content is written to.
    #[error("failed to resolve path for writing: path traversal disallowed")]
    PathTraversal {
        /// The title.
        title: String,
    },
    /// There is something at the path, and it must stay.
    #[error("failed to resolve path for writing: overwrite disallowed")]
    Overwrite {
        /// The path.
        path: PathBuf,
    },
    /// A title is no name that a file can have on this system.
    #[error("{title:?} cannot be the name of a file: {reason}")]
    InvalidTitle {
        /// The title.
        title: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The folders above a file could not be made.
    #[error("failed to ensure directories of the target path: mkdir {}", path.display())]
    Folders {
        /// The innermost folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file could not be put in its place.
    #[error("failed to create file {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A packed folder could not be unpacked.
    #[error("failed to extract tar to {}", path.display())]
    Unpack {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: UnpackError,
    },
}

/// Why a packed folder could not be unpacked. Nothing of it was put in its place unless the error says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// An entry lies outside the folder.
    #[error("{entry:?} is outside of {title:?}")]
    Outside {
        /// Name of the entry.
        entry: String,
        /// Title of the folder.
        title: String,
    },
    /// A link leads out of the folder, or an entry goes through a link.
    #[error("{entry:?}: {reason}")]
    Link {
        /// Name of the entry.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An entry is of a kind that cannot be unpacked.
    #[error("{entry:?}: {kind} are not supported")]
    Unsupported {
        /// Name of the entry.
        entry: String,
        /// What it is.
        kind: &'static str,
    },
    /// An entry has a name that no file can have on this system.
    #[error("{entry:?}: {reason}")]
    Name {
        /// Name of the entry.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The content is larger than it may become.
    #[error("content exceeds the limit of {limit} bytes")]
    TooLarge {
        /// Largest size that is accepted, in bytes.
        limit: u64,
    },
    /// There are more folders than can be kept in mind until the end.
    #[error("{entry:?}: the archive has too many folders or links")]
    TooMany {
        /// Name of the entry at which it was too much.
        entry: String,
    },
    /// What was unpacked is not what was packed.
    #[error("content digest mismatch")]
    ContentDigest {
        /// Digest of the tar that was packed.
        expected: Digest,
        /// Digest of the tar that came out.
        actual: Digest,
    },
    /// Something is in the way of an entry.
    #[error("{entry:?} is in the way")]
    InTheWay {
        /// Name of the entry.
        entry: String,
    },
    /// Reading the archive or writing an entry failed.
    #[error("{entry:?}")]
    Entry {
        /// Name of the entry.
        entry: String,
        /// What failed.
        source: io::Error,
    },
    /// The archive is broken.
    #[error(transparent)]
    Archive(#[from] io::Error),
}

impl From<Error> for content::Error {
    fn from(error: Error) -> Self {
        Self::store(error)
    }
}
