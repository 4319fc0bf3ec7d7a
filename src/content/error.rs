//! Why content could not be looked up, read or written.

use std::{error::Error as StdError, fmt, io, path::PathBuf};

use crate::oci::{self, Digest};

/// The result of working with content.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why content could not be looked up, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store has no tag or digest of this name. The name is empty where it says nothing to a person.
    #[error("{}not found", prefix(reference))]
    NotFound {
        /// Full name of what was looked up.
        reference: String,
    },
    /// A manifest is there, but not for the wanted platform.
    #[error("{digest}: not found: {reason}")]
    NoPlatform {
        /// The manifest that was looked at.
        digest: Digest,
        /// What it lacks.
        reason: &'static str,
    },
    /// A manifest says nothing about a platform.
    #[error("fail to recognize platform from unknown config {media_type}: expect {expected}: unsupported")]
    UnknownPlatform {
        /// Media type of its config, or of the manifest itself.
        media_type: String,
        /// What would say something.
        expected: &'static str,
    },
    /// The content has another digest than it should have.
    #[error("mismatched digest: expected {expected}, got {actual}")]
    DigestMismatch {
        /// Digest of the descriptor.
        expected: Digest,
        /// Digest of the bytes.
        actual: Digest,
    },
    /// The content is longer or shorter than it should be.
    #[error("mismatched size of {digest}: expected {expected} bytes, got {}", actual_size(*actual))]
    SizeMismatch {
        /// Digest of the descriptor.
        digest: Digest,
        /// Size of the descriptor, in bytes.
        expected: u64,
        /// Bytes that came; `None` when more came than expected.
        actual: Option<u64>,
    },
    /// The content is too large to be held in memory.
    #[error("{digest}: size exceeds limit: {size} bytes, at most {limit} are read into memory")]
    TooLarge {
        /// Digest of the descriptor.
        digest: Digest,
        /// Size of the descriptor, in bytes.
        size: u64,
        /// Largest size that is accepted, in bytes.
        limit: u64,
    },
    /// A value or document breaks its specification.
    #[error(transparent)]
    Invalid(#[from] oci::Error),
    /// A manifest names a successor that cannot be a successor.
    #[error("{digest}: {reason}")]
    InvalidGraph {
        /// The manifest.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// A body that can be read only once was wanted a second time.
    #[error("the content of {digest} cannot be sent again")]
    NotReplayable {
        /// Digest of the descriptor.
        digest: Digest,
    },
    /// The operating system refused.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, such as `open`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// This store cannot do it.
    #[error("{0}: unsupported")]
    Unsupported(&'static str),
    /// The store failed in its own way.
    #[error(transparent)]
    Store(Box<dyn StdError + Send + Sync>),
    /// A copy failed on one of its two sides.
    #[error("{side}")]
    Copy {
        /// Which of the two.
        side: Side,
        /// What failed there.
        source: Box<Self>,
    },
}

/// One of the two stores of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where content is read.
    Source,
    /// Where content is written.
    Target,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "destination",
        })
    }
}

impl Error {
    /// Wraps the error of a store.
    pub fn store(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Store(Box::new(error))
    }

    /// For `map_err` on results of the operating system.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// Says on which side of a copy it happened; an error that has a side keeps it.
    #[must_use]
    pub fn on(self, side: Side) -> Self {
        match self {
            Self::Copy { .. } => self,
            source => Self::Copy { side, source: Box::new(source) },
        }
    }

    /// The error beneath what [`on`](Self::on) added.
    #[must_use]
    pub fn innermost(&self) -> &Self {
        match self {
            Self::Copy { source, .. } => source.innermost(),
            other => other,
        }
    }

    /// Does it say that something is not there?
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.innermost(), Self::NotFound { .. })
    }

    /// The store's own error, if it is of this type.
    #[must_use]
    pub fn store_error<T: StdError + 'static>(&self) -> Option<&T> {
        match self.innermost() {
            Self::Store(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

fn prefix(reference: &str) -> String {
    if reference.is_empty() { String::new() } else { format!("{reference}: ") }
}

fn actual_size(actual: Option<u64>) -> String {
    actual.map_or_else(|| "more".to_owned(), |size| size.to_string())
}
