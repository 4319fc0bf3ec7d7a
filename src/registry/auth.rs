//! A 401 becomes a token.

use std::sync::Arc;

use url::Url;

use super::{Origin, Result, http::HeaderValue, scope::Scopes, transport::Transport};

/// Who we are.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct AuthOptions {}

/// Why it could not be shown who we are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The registry wants a user name and a password, and there are none for it.
    #[error("basic credential not found")]
    NoCredential {
        /// Host and port.
        host: String,
    },
}

/// Answers challenges of one registry for one user.
pub(crate) struct Authenticator {
    _transport: Arc<Transport>,
}

impl Authenticator {
    /// `host` is the registry as the user named it: the key of its credentials.
    pub(crate) fn new(transport: Arc<Transport>, _host: &str) -> Self {
        Self { _transport: transport }
    }

    /// The header for the first try; `None` is anonymous.
    pub(crate) async fn preset(&self, _origin: &Origin, _scopes: &Scopes) -> Result<Option<HeaderValue>> {
        Ok(None)
    }

    /// The header that answers a challenge; `None` when there is none, so that the answer stands.
    pub(crate) async fn answer(
        &self,
        _origin: &Origin,
        _url: &Url,
        _challenges: &[HeaderValue],
        _scopes: &Scopes,
        _rejected: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>> {
        Ok(None)
    }
}
