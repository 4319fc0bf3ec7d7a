//! An answer, and what is read from it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt as _;
use url::Url;

use super::{
    Error, Origin, ResponseError, Result,
    body::Incoming,
    hidden::Hidden,
    http::{HeaderMap, Method, StatusCode, header},
    problem::{self, Problems},
    trace::{bare_url, text_of},
};
use crate::oci::Digest;

/// Largest rest of a body that is read so that its connection can be used again, in bytes.
const DRAIN: usize = 64 << 10;
/// How long the body of an error may take; some registries promise more bytes than they send.
const PATIENCE: Duration = Duration::from_secs(5);

/// Headers by which operators find a request.
const CORRELATION: [&str; 5] = [
    "x-ms-correlation-request-id",
    "x-ms-request-id",
    "x-amz-request-id",
    "docker-request-id",
    "x-request-id",
];

/// An answer whose body has not been read.
pub(crate) struct Response {
    pub(crate) method: Method,
    /// The URL that answered: the last one, when there were redirects.
    pub(crate) url: Url,
    pub(crate) origin: Origin,
    /// Did the registry itself answer?
    pub(crate) is_registry: bool,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// How long it asks us to wait.
    pub(crate) retry_after: Option<Duration>,
    /// How often the request was sent before.
    pub(crate) repeated: u32,
    /// What we know of a refusal besides.
    pub(crate) hints: Vec<String>,
    /// What must not be shown, should the server repeat it.
    pub(crate) hidden: Arc<Hidden>,
    pub(crate) body: Incoming,
}

impl Response {
    /// A header as text; the first line, if there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All lines of a header, as text.
    pub(crate) fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// `Content-Length`, also of an answer to HEAD.
    pub(crate) fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok().filter(|length| i64::try_from(*length).is_ok())
    }

    /// `Content-Type` without parameters, in lower case; empty when there is none.
    pub(crate) fn content_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// `Docker-Content-Digest`, when it is a digest.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.header("docker-content-digest")?.trim().parse().ok()
    }

    /// Reads the body into memory.
    ///
    /// # Errors
    /// It is longer than `limit` bytes, or breaks off.
    pub(crate) async fn read(self, limit: u64) -> Result<Bytes> {
        let too_large = || Error::TooLarge { url: bare_url(&self.url), limit };
        if self.length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        let mut body = self.body;
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece?);
            if bytes.len() as u64 > limit {
                return Err(Error::TooLarge { url: bare_url(&self.url), limit });
            }
        }
        Ok(bytes.into())
    }

    /// Reads what is left, if it is little, so that the connection can be used again.
    pub(crate) async fn discard(mut self) {
        let rest = async {
            let mut read = 0;
            while let Some(Ok(piece)) = self.body.next().await {
                read += piece.len();
                if read > DRAIN {
                    break;
                }
            }
        };
        // A body that takes longer costs its connection, and nothing else.
        let _ = tokio::time::timeout(PATIENCE, rest).await;
    }

    /// The error that this answer is. Its body is read as far as it comes: what the header says of its
    /// length is not to be trusted.
    pub(crate) async fn into_error(mut self) -> Error {
        let mut text = Vec::new();
        let reading = async {
            while let Some(Ok(piece)) = self.body.next().await {
                text.extend_from_slice(&piece);
                if text.len() >= problem::READ_LIMIT {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(PATIENCE, reading).await;
        text.truncate(problem::READ_LIMIT);
        let text = self.hidden.clean(&String::from_utf8_lossy(&text)).into_owned();
        let correlation = CORRELATION
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), text_of(self.headers.get(*name)?))));
        Error::Response(Box::new(ResponseError {
            correlation: correlation.collect(),
            method: self.method,
            url: bare_url(&self.url),
            host: self.origin.authority(),
            is_registry: self.is_registry,
            status: self.status,
            retry_after: self.retry_after,
            problems: Problems::parse(text.as_bytes()),
            hints: self.hints,
        }))
    }

    /// An error that says what is wrong with this answer.
    pub(crate) fn protocol(&self, reason: impl Into<String>) -> Error {
        Error::Protocol { method: self.method.to_string(), url: bare_url(&self.url), reason: reason.into() }
    }

    /// The answer, if its status is one of these.
    ///
    /// # Errors
    /// It is another one.
    pub(crate) async fn expect(self, statuses: &[StatusCode]) -> Result<Self> {
        if statuses.contains(&self.status) { Ok(self) } else { Err(self.into_error().await) }
    }

    /// `Location`.
    pub(crate) fn location(&self) -> Option<&str> {
        self.headers.get(header::LOCATION)?.to_str().ok()
    }
}
