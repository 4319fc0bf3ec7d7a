//! A client of registries, as content.
//!
//! From the outside in: [`Registry`] and [`Repository`] are what callers hold; `manifests`, `blobs`,
//! `upload`, `download`, `referrers` and `pages` know the API; `client` knows who we are; `transport` follows
//! redirects and tries again; `http` alone sends. What needs no network is in files of its own, marked
//! *(pure)*.

pub mod acr;
mod auth;
mod backoff;
mod blobs;
mod body;
mod challenge;
mod chunks;
mod client;
mod download;
mod encoding;
mod endpoint;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod held;
mod hidden;
mod hosts;
mod http;
mod jwt;
mod knowledge;
mod legacy_referrers;
mod link;
mod listing;
mod location;
mod lock;
mod manifests;
mod merge;
pub mod mirrors;
mod options;
mod origin;
mod pace;
mod pages;
mod parts;
mod payload;
mod problem;
mod proxy;
mod publish;
mod quota;
mod range;
mod referrer_pages;
mod referrers;
mod refusal;
mod relabel;
mod repository;
mod response;
mod retry;
mod scope;
mod session;
#[cfg(test)]
mod testing;
mod tls;
mod trace;
mod transport;
mod upload;
mod warning;

pub use auth::{AuthError, AuthOptions, Realms};
pub use error::{Error, ResponseError, Result, TransportError};
pub use options::{Access, Limits, Options, ReferrersMode, Resolve, Retries};
pub use origin::Origin;
pub use parts::Parts;
pub use problem::{Problem, Problems};
pub use proxy::Proxies;
pub use repository::Repository;
pub use tls::{CertsD, TlsError, TlsOptions};
pub use trace::{BodyText, Trace, TraceEvent, Untraced, redact_url};

use std::sync::Arc;

use client::Client;
use futures_util::Stream;
use http::StatusCode;
use pages::{Kind, List};
use scope::Scopes;
use transport::Request;

/// A registry, as one user sees it.
#[derive(Clone)]
pub struct Registry {
    client: Arc<Client>,
    host: Arc<str>,
}

impl Registry {
    /// A registry by its host with an optional port. Reads no file and sends nothing yet.
    ///
    /// # Errors
    /// The text is no host.
    pub fn new(host: &str, options: Options) -> Result<Self> {
        Ok(Self { client: Arc::new(Client::new(host, options)?), host: host.into() })
    }

    /// The host as it was given.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// One of its repositories. The name is not looked at: `oci::Reference` has done so.
    #[must_use]
    pub fn repository(&self, name: &str) -> Repository {
        Repository::new(self.client.clone(), self.host.clone(), name)
    }

    /// Lists the repositories page by page, in the registry's order, those after `last` only if it is given.
    ///
    /// # Errors
    /// The stream fails when the registry does, or does not allow it.
    pub fn catalog(&self, last: Option<&str>) -> impl Stream<Item = Result<Vec<String>>> + Send + use<> {
        let list = List {
            client: self.client.clone(),
            scopes: Scopes::catalog(),
            url: Box::new(|client, page| client.endpoint().catalog(page)),
            last: last.filter(|last| !last.is_empty()).map(str::to_owned),
            kind: Kind::Repositories,
        };
        list.pages()
    }

    /// The token server that was trusted because a credential was shown for the first time. Whoever stores
    /// the credential stores this with it.
    #[must_use]
    pub fn first_use(&self) -> Option<Origin> {
        self.client.first_use()
    }

    /// Waits for requests that nobody has waited for, such as the cancelling of uploads: at most 2 s. To be
    /// called before the program ends, also when it is interrupted.
    pub async fn finish(&self) {
        self.client.errands.end().await;
    }

    /// Asks whether there is a registry, and whether it accepts who we are.
    ///
    /// Implements distribution-spec v1.1, "Determining Support".
    ///
    /// # Errors
    /// There is none, it does not know us, or it cannot be reached.
    pub async fn ping(&self) -> Result<()> {
        let request = Request::get(self.client.endpoint().ping());
        let response = self.client.send(request, &Scopes::default()).await?;
        let not_a_registry =
            |reason: &str| Error::NotARegistry { host: self.host.to_string(), reason: reason.to_owned() };
        match response.status {
            StatusCode::OK if response.content_type() == "text/html" => {
                Err(not_a_registry("it answers with a web page"))
            }
            StatusCode::OK => {
                response.discard().await;
                Ok(())
            }
            StatusCode::UNAUTHORIZED if response.header("www-authenticate").is_none() => {
                Err(not_a_registry("it refuses without saying how to log in; a proxy may have removed that"))
            }
            _ => Err(response.into_error().await),
        }
    }
}
