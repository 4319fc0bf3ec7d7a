//! Why a registry could not be used.

use std::time::Duration;

use super::{
    acr,
    auth::AuthError,
    http::{Method, StatusCode},
    problem::Problems,
    tls::TlsError,
};
use crate::content;

/// The result of talking to a registry.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a registry could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry, or a party that it sent us to, answered with an error.
    #[error(transparent)]
    Response(Box<ResponseError>),
    /// No answer came, or it broke off.
    #[error("{} {url:?}", title_case(method))]
    Exchange {
        /// The method.
        method: String,
        /// The URL without its query.
        url: String,
        /// What went wrong.
        source: TransportError,
    },
    /// The answer breaks the specification.
    #[error("{method} {url:?}: {reason}")]
    Protocol {
        /// The method.
        method: String,
        /// The URL without its query.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry sent us to a place where we do not go.
    #[error("{method} {url:?}: refused to follow the Location {target:?}: {reason}")]
    Refused {
        /// The method.
        method: String,
        /// The URL without its query.
        url: String,
        /// The place, without its query.
        target: String,
        /// Why not.
        reason: &'static str,
    },
    /// An answer is larger than what is read into memory.
    #[error("{url:?}: size exceeds limit: more than {limit} bytes")]
    TooLarge {
        /// The URL without its query.
        url: String,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The host does not speak the protocol.
    #[error("{host}: not a registry: {reason}")]
    NotARegistry {
        /// Host and port.
        host: String,
        /// What it did instead.
        reason: String,
    },
    /// The registry wants us to wait longer than we may.
    #[error("{host} asks to wait {} seconds before the next request", wait.as_secs())]
    Throttled {
        /// Host and port.
        host: String,
        /// How long it asked for.
        wait: Duration,
        /// Its answer.
        source: Box<Self>,
    },
    /// What the registry allows in some hours is used up.
    #[error("{host} allows {requests} requests in {} hours{}, and they are used up; log in for more", window.as_secs() / 3600, counted(source_address.as_deref()))]
    UsedUp {
        /// Host and port.
        host: String,
        /// Requests that it allows.
        requests: u64,
        /// In which time.
        window: Duration,
        /// The address or account for which it counts, when it says so.
        source_address: Option<String>,
        /// Its answer.
        source: Box<Self>,
    },
    /// The registry has no referrers API, and nothing else was allowed.
    #[error("failed to query referrers API: unsupported")]
    NoReferrersApi,
    /// The registry takes no chunks of blobs.
    #[error("the registry does not take blobs in chunks")]
    ChunksRefused(#[source] Box<Self>),
    /// The registry has lost an upload that was under way.
    #[error("{host} has lost the upload")]
    UploadLost {
        /// The host.
        host: String,
    },
    /// The registry lists its repositories to nobody, or not to us.
    #[error("{host} does not allow to list its repositories")]
    NoCatalog {
        /// Host and port.
        host: String,
        /// Its answer.
        source: Box<Self>,
    },
    /// The registry cannot store manifests named by this kind of digest.
    #[error("{host} does not support {algorithm} manifests")]
    NoAlgorithm {
        /// Host and port.
        host: String,
        /// The algorithm.
        algorithm: &'static str,
        /// Its answer.
        source: Box<Self>,
    },
    /// Other writers kept changing the list of referrers.
    #[error(
        "the referrers tag {tag} of {repository} did not settle; attach the same artifact again to repair it"
    )]
    Unsettled {
        /// The repository, with its registry.
        repository: String,
        /// The tag.
        tag: String,
    },
    /// The name of a registry or repository breaks its grammar.
    #[error("invalid registry or repository {0:?}")]
    InvalidName(String),
    /// Who we are could not be shown.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The TLS settings are of no use.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A client could not be set up.
    #[error("set up a connection to {host}")]
    Client {
        /// Host and port.
        host: String,
        /// What the library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Content is missing, or is not what it should be.
    #[error(transparent)]
    Content(#[from] content::Error),
}

/// An answer whose status is an error.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{method} {url:?}: response status code {}: {}", status.as_u16(), self.explanation())]
pub struct ResponseError {
    /// The method.
    pub method: Method,
    /// The URL that answered, without its query.
    pub url: String,
    /// Host and port that answered.
    pub host: String,
    /// Was it the registry itself, rather than a token server or a storage service?
    pub is_registry: bool,
    /// The status.
    pub status: StatusCode,
    /// What the body says.
    pub problems: Problems,
    /// How long the server asked us to wait.
    pub retry_after: Option<Duration>,
    /// What we know of a refusal that the server does not say: who we were to it, and what was asked for.
    pub hints: Vec<String>,
    /// Names and values of headers by which the server's operators find the request.
    pub correlation: Vec<(String, String)>,
}

impl ResponseError {
    /// The registry's own words: its errors joined by `; `. `None` when it sent no list.
    #[must_use]
    pub fn list(&self) -> Option<String> {
        (!self.problems.list.is_empty()).then(|| self.problems.to_string())
    }

    fn explanation(&self) -> String {
        let reason = || self.status.canonical_reason().unwrap_or_default().to_owned();
        match (self.list(), &self.problems.text) {
            (Some(list), _) => list,
            (None, Some(text)) if !self.is_registry => format!("{}: {text}", reason()),
            (None, _) => reason(),
        }
    }
}

/// Why no answer came, or why it broke off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The name has no address.
    #[error("lookup {host}: {reason}")]
    Lookup {
        /// The name.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// No connection came about.
    #[error("dial tcp {address}: connect: {reason}")]
    Connect {
        /// Host and port.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// The connection cannot be trusted, or the other side does not trust us.
    #[error("tls: {reason}")]
    Tls {
        /// What is wrong.
        reason: String,
        /// What could be done about it.
        advice: Option<&'static str>,
        /// Would trying again end the same way?
        is_final: bool,
    },
    /// A proxy refused.
    #[error("proxy: {reason}")]
    Proxy {
        /// What it said.
        reason: String,
    },
    /// Nothing happened for too long.
    #[error("{phase}: timeout after {} seconds", limit.as_secs())]
    Timeout {
        /// What was waited for.
        phase: &'static str,
        /// How long.
        limit: Duration,
    },
    /// The connection broke.
    #[error("{reason}")]
    Broken {
        /// What the system or the protocol said.
        reason: String,
    },
    /// The answer ended early.
    #[error("unexpected EOF: {got} of {expected} bytes")]
    Truncated {
        /// Bytes that were promised.
        expected: u64,
        /// Bytes that came.
        got: u64,
    },
}

impl Error {
    /// The status of the answer, when that is what went wrong.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(|response| response.status)
    }

    /// The answer, when that is what went wrong.
    #[must_use]
    pub fn response(&self) -> Option<&ResponseError> {
        match self {
            Self::Response(response) => Some(response),
            Self::Throttled { source, .. }
            | Self::UsedUp { source, .. }
            | Self::ChunksRefused(source)
            | Self::NoCatalog { source, .. }
            | Self::NoAlgorithm { source, .. } => source.response(),
            _ => None,
        }
    }

    /// Why no answer came, when that is what went wrong.
    #[must_use]
    pub fn transport(&self) -> Option<&TransportError> {
        match self {
            Self::Exchange { source, .. } => Some(source),
            _ => None,
        }
    }

    /// What could be done about it, in one sentence; `None` when nothing helpful is known.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Auth(error) => error.advice(),
            Self::Exchange { source: TransportError::Tls { advice, .. }, .. } => advice.map(str::to_owned),
            _ => {
                let response = self.response()?;
                let said = response.problems.text.as_ref().filter(|_| response.is_registry);
                let said = said.map(|text| format!("it said {text:?}"));
                let azure = acr::advice(response).map(str::to_owned);
                let hints: Vec<_> =
                    said.into_iter().chain(response.hints.iter().cloned()).chain(azure).collect();
                (!hints.is_empty()).then(|| hints.join("; "))
            }
        }
    }
}

impl From<Error> for content::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Content(error) => error,
            other => Self::store(other),
        }
    }
}

fn counted(address: Option<&str>) -> String {
    address.map_or_else(String::new, |address| format!(", counted for {address}"))
}

/// `Get` for GET, as the reference words a request that got no answer.
fn title_case(method: &str) -> String {
    let (first, rest) = method.split_at(method.len().min(1));
    first.to_owned() + &rest.to_ascii_lowercase()
}
