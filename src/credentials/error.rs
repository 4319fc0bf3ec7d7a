//! Why a credential could not be found or kept.

use std::{io, path::PathBuf, sync::Arc};

use super::helper::HelperError;

/// The result of working with credentials.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a credential could not be found or kept.
///
/// No variant holds a secret, nor text of a file that may be one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A config file could not be read.
    #[error("read credentials of {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file that a variable of the environment names is not there.
    #[error("{variable} names {}, which does not exist", path.display())]
    Missing {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
    },
    /// A config file is not what it should be; it is never overwritten.
    #[error("invalid config {place}: {reason}")]
    Malformed {
        /// The file, or the variable that holds the text.
        place: String,
        /// Which rule it breaks, with line and column where there is one.
        reason: Malformed,
    },
    /// The entry of one registry cannot be read; entries of others can.
    #[error("invalid entry {key:?} in {place}: {reason}")]
    Entry {
        /// The file, or the variable that holds the text.
        place: String,
        /// Key of the entry.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A config file could not be saved; the old one is untouched.
    #[error("save credentials to {}", path.display())]
    Save {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process holds the lock of a config file.
    #[error("{} is locked by another process for more than {seconds} seconds", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long we waited.
        seconds: u64,
    },
    /// A chain of symbolic links is too long.
    #[error("{}: too many symbolic links", path.display())]
    Links {
        /// Where it begins.
        path: PathBuf,
    },
    /// There is no file that could be written: neither a home folder nor a file was named.
    #[error("there is no config file to write to: HOME and DOCKER_CONFIG are not set")]
    NoFile,
    /// A config file cannot hold this user name, since a colon ends it.
    #[error("a user name with a colon cannot be stored in {}", path.display())]
    Colon {
        /// The file.
        path: PathBuf,
    },
    /// This store cannot be written to.
    #[error("these credentials cannot be changed")]
    Unwritable,
    /// A helper program failed.
    #[error(transparent)]
    Helper(Arc<HelperError>),
}

/// Which rule a config file breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It is no JSON; so it says nothing of what stands there.
    #[error("not JSON at line {line} column {column}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// It is not written in UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// The whole, or one of its members, has another type than it should have.
    #[error("{member} is not {expected}")]
    Type {
        /// The member.
        member: &'static str,
        /// The type it should have.
        expected: &'static str,
    },
}

impl Error {
    /// Is the file system read-only, so that another file has to be chosen?
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let kind = match self {
            Self::Save { source, .. } => source.kind(),
            _ => return false,
        };
        matches!(kind, io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
    }
}
