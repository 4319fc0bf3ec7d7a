//! A client of registries, as content.

mod auth;
mod body;
mod client;
mod endpoint;
mod error;
mod http;
mod location;
mod options;
mod origin;
mod pace;
mod problem;
mod proxy;
mod response;
mod retry;
mod scope;
mod tls;
mod trace;
mod transport;
mod warning;

pub use auth::{AuthError, AuthOptions};
pub use error::{Error, ResponseError, Result, TransportError};
pub use options::{Access, Limits, Options, ReferrersMode, Resolve, Retries};
pub use origin::Origin;
pub use problem::{Problem, Problems};
pub use proxy::Proxies;
pub use tls::{TlsError, TlsOptions};
pub use trace::{BodyText, Trace, TraceEvent, Untraced, redact_url};

use std::sync::Arc;

use client::Client;
use http::StatusCode;
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
