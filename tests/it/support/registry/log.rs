//! What was asked, in the order in which it arrived.

use std::{fmt, sync::Mutex};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode, Version};
use percent_encoding::percent_decode;
use tokio::sync::watch;

use super::message::Request;

/// Which of a registry's servers was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The registry itself.
    Registry,
    /// The token server, where it has an origin of its own.
    Tokens,
    /// The host that blobs are redirected to.
    Storage,
}

/// One request and what became of it.
#[derive(Clone)]
pub(crate) struct Recorded {
    /// Who was asked.
    pub(crate) origin: Origin,
    /// The method.
    pub(crate) method: Method,
    /// Path and query as sent.
    pub(crate) target: String,
    /// HTTP version.
    pub(crate) version: Version,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// Bytes of the body that arrived.
    pub(crate) body_length: u64,
    /// The body's first 64 KiB.
    pub(crate) body: Bytes,
    /// Status of the answer; `None` while there is none, or when the connection was cut instead.
    pub(crate) status: Option<StatusCode>,
}

impl Recorded {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `GET /v2/ 200`; another server than the registry stands before it, as `storage: GET /… 200`; `-`
    /// is no answer.
    pub(crate) fn line(&self) -> String {
        let server = match self.origin {
            Origin::Registry => "",
            Origin::Tokens => "tokens: ",
            Origin::Storage => "storage: ",
        };
        let status = self.status.map_or("-".to_owned(), |status| status.as_u16().to_string());
        format!("{server}{} {} {status}", self.method, self.target)
    }

    /// Does any part of the request contain the text, as it is, percent-encoded or within Basic?
    pub(crate) fn contains(&self, text: &str) -> bool {
        let within = |bytes: &[u8]| bytes.windows(text.len().max(1)).any(|part| part == text.as_bytes());
        let decoded = |bytes: &[u8]| percent_decode(bytes).collect::<Vec<u8>>();
        let basic = self.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        let basic = basic.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok()).unwrap_or_default();
        [self.target.as_bytes(), &self.body].into_iter().any(|bytes| within(bytes) || within(&decoded(bytes)))
            || self.headers.values().any(|value| within(value.as_bytes()))
            || within(&basic)
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())?;
        for (name, value) in &self.headers {
            write!(f, "\n    {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        if self.body_length > 0 {
            write!(f, "\n    ({} bytes)", self.body_length)?;
        }
        Ok(())
    }
}

/// The list of requests.
pub(crate) struct Log {
    entries: Mutex<Vec<Recorded>>,
    changes: watch::Sender<()>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::default(), changes: watch::Sender::new(()) }
    }

    /// Notes a request whose body was not read yet, and returns its place.
    pub(crate) fn arrived(&self, request: &Request) -> usize {
        let recorded = Recorded {
            origin: request.origin,
            method: request.method.clone(),
            target: request.target(),
            version: request.version,
            headers: request.headers.clone(),
            body_length: 0,
            body: Bytes::new(),
            status: None,
        };
        let mut entries = self.entries.lock().unwrap();
        entries.push(recorded);
        self.changes.send_replace(());
        entries.len() - 1
    }

    pub(crate) fn body(&self, place: usize, body: &Bytes) {
        self.edit(place, |entry| {
            entry.body_length = body.len() as u64;
            entry.body = body.slice(..body.len().min(64 << 10));
        });
    }

    pub(crate) fn answered(&self, place: usize, status: StatusCode) {
        self.edit(place, |entry| entry.status = Some(status));
    }

    fn edit(&self, place: usize, change: impl FnOnce(&mut Recorded)) {
        // The list may have been cleared since.
        if let Some(entry) = self.entries.lock().unwrap().get_mut(place) {
            change(entry);
        }
        self.changes.send_replace(());
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.entries.lock().unwrap().clone()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().unwrap().clear();
    }

    /// Waits until the list is as asked for.
    pub(crate) async fn wait_until(&self, condition: impl Fn(&[Recorded]) -> bool) {
        let mut changes = self.changes.subscribe();
        while !condition(&self.entries.lock().unwrap()) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}
