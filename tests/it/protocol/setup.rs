//! What the tests of this folder share.

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::StreamExt as _;
use oras::{
    content::{self, ByteStream, Source as _},
    oci::Descriptor,
    registry::{Options, Registry, Repository, Trace, TraceEvent},
};

use crate::support::TestRegistry;

/// Plain HTTP, and next to no waiting.
pub(super) fn options() -> Options {
    let mut options = Options::new(SystemTime::now);
    options.plain_http = true;
    options.retries.first = Duration::from_millis(1);
    options.settle = Duration::from_millis(20);
    options
}

/// A client of a registry, with some options changed.
pub(super) fn client_with(registry: &TestRegistry, change: impl FnOnce(&mut Options)) -> Registry {
    let mut options = options();
    change(&mut options);
    Registry::new(&registry.host(), options).unwrap()
}

/// A client of the repository `app`, with some options changed.
pub(super) fn app_with(registry: &TestRegistry, change: impl FnOnce(&mut Options)) -> Repository {
    client_with(registry, change).repository("app")
}

/// A client of the repository `app`.
pub(super) fn app(registry: &TestRegistry) -> Repository {
    app_with(registry, |_| {})
}

/// Reads a stream to its end.
pub(super) async fn collect(mut stream: ByteStream) -> content::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

/// Reads content, checked.
pub(super) async fn read(repository: &Repository, node: &Descriptor) -> content::Result<Vec<u8>> {
    collect(repository.fetch(node).await?).await
}

/// Bytes that differ from place to place.
pub(super) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
}

/// The errors of a chain, from the outermost on.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").unwrap();
        cause = error.source();
    }
    text
}

/// Writes down all it is told.
#[derive(Default)]
pub(super) struct Listener {
    number: AtomicU64,
    heard: Mutex<Vec<String>>,
}

impl Listener {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Every event, as text.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Trace for Listener {
    fn begin(&self) -> Option<u64> {
        Some(self.number.fetch_add(1, Ordering::SeqCst))
    }

    fn event(&self, event: &TraceEvent<'_>) {
        self.heard.lock().unwrap().push(format!("{event:?}"));
    }
}
