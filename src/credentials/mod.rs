//! Who we are to a registry: credentials, and the places where they are kept.
//!
//! Config files and helper programs are those of Docker and of the containers tools, so that a login made
//! with one program serves all. Nothing here reads the environment or prints: the first is handed in as
//! [`Environment`], and what a person should know goes out as a [`Notice`].

mod chain;
mod config_file;
mod document;
mod entry;
mod error;
mod explain;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod helper;
mod json_edit;
mod keys;
mod memory;
mod secret;
mod sources;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

pub use chain::{Chain, Options};
pub use error::{Error, Malformed, Result};
pub use explain::{Answer, Finding};
pub(crate) use helper::Program;
pub use helper::{HelperError, Helpers};
pub use keys::{DOCKER_HUB, host_of, storage_key};
pub use memory::Memory;
pub use secret::{Credential, Secret};
pub use sources::{Environment, Place};

/// A place where credentials are kept.
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// Looks a credential up. The repository matters where entries are kept for a part of a registry.
    ///
    /// # Errors
    /// What is kept for this registry cannot be read.
    async fn get(&self, registry: &str, repository: &str) -> Result<Option<Arc<Login>>>;

    /// Keeps a credential for a registry, in place of what was kept for it.
    ///
    /// # Errors
    /// It could not be kept; then what was kept before still is.
    async fn store(&self, registry: &str, credential: &Credential) -> Result<()>;

    /// Forgets the credential of a registry. One that was never kept is success.
    ///
    /// # Errors
    /// It could not be removed.
    async fn erase(&self, registry: &str) -> Result<()>;

    /// Asks again after the registry refused an answer; `None` when nothing else would come of it.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    async fn renew(
        &self,
        _registry: &str,
        _repository: &str,
        _refused: &Login,
    ) -> Result<Option<Arc<Login>>> {
        Ok(None)
    }

    /// Keeps the token that a registry gave in place of an identity token, where that token was found.
    ///
    /// # Errors
    /// It could not be kept.
    async fn rotate(&self, login: &Login, token: &Secret) -> Result<()>;

    /// A number that differs between stores that may know different users, and says nothing of them.
    fn fingerprint(&self) -> u64;
}

/// A credential, and where it was found.
#[derive(Debug)]
pub struct Login {
    /// The credential.
    pub credential: Credential,
    /// Where it was found.
    pub origin: Found,
}

impl Login {
    /// A credential that was given rather than found.
    #[must_use]
    pub fn given(credential: Credential) -> Self {
        Self { credential, origin: Found::Given }
    }
}

/// Where a credential was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// It was given, on the command line or by the program.
    Given,
    /// In an entry of a config file.
    Entry {
        /// The file or variable.
        place: Place,
        /// Key of the entry.
        key: String,
    },
    /// A helper program answered.
    Helper {
        /// The file or variable that names the program.
        place: Place,
        /// What follows `docker-credential-` in the program's name.
        suffix: String,
        /// What the program was asked for.
        key: String,
    },
    /// The environment has an identity of its own.
    Ambient {
        /// What kind of identity.
        kind: &'static str,
    },
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("given on the command line"),
            Self::Ambient { kind } => f.write_str(kind),
            Self::Entry { place, key } => write!(f, "entry {key:?} in {place}"),
            Self::Helper { place, suffix, key } => {
                write!(f, "docker-credential-{suffix} asked for {key:?}, as {place} says")
            }
        }
    }
}

/// Something a person should know that is no failure. Its text holds no secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// A helper program said something on its stderr.
    HelperSays {
        /// The program.
        program: &'a str,
        /// A line, without control characters.
        text: &'a str,
    },
    /// A helper program is broken and was passed over.
    HelperFailed {
        /// The file that names it.
        place: &'a Place,
        /// What is wrong with it.
        error: &'a HelperError,
    },
    /// A file for other programs cannot be read and was passed over.
    Skipped {
        /// What is wrong with it.
        error: &'a Error,
    },
    /// A stored credential was refused, and the request was made without it.
    Refused {
        /// The registry.
        registry: &'a str,
        /// Where the credential was found.
        origin: &'a Found,
    },
    /// A credential was chosen; worth a line only where everything is told.
    Chosen {
        /// The registry.
        registry: &'a str,
        /// Where the credential was found.
        origin: &'a Found,
    },
    /// A new identity token could not be kept; the old one may be used up.
    NotKept {
        /// The registry.
        registry: &'a str,
        /// Why.
        error: &'a Error,
    },
}

impl Notice<'_> {
    /// Is it of interest only to those who look for the cause of something?
    #[must_use]
    pub fn is_detail(&self) -> bool {
        matches!(self, Self::Chosen { .. })
    }
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HelperSays { program, text } => write!(f, "{program}: {text}"),
            Self::HelperFailed { place, error } => {
                write!(f, "{error}; it is named in {place} and was passed over")
            }
            Self::Skipped { error } => write!(f, "{error}; it was passed over"),
            Self::Refused { registry, origin } => write!(
                f,
                "{registry} refused the stored credential ({origin}); continuing without it; \
                 renew it with \"oras login {registry}\" or remove it with \"oras logout {registry}\""
            ),
            Self::Chosen { registry, origin } => write!(f, "credential for {registry} from {origin}"),
            Self::NotKept { registry, error } => {
                write!(f, "the new token of {registry} was not kept: {error}")
            }
        }
    }
}

/// Is told every [`Notice`]. Called from several tasks at once.
pub type Notify = Arc<dyn Fn(&Notice<'_>) + Send + Sync>;
