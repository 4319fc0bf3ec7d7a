//! A repository with its mirrors before it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::time::Instant;

use super::{Candidate, MirrorError, transfer::Transfer};
use crate::{
    content::{self, ByteStream, Origin, Source, TagPages, verify},
    oci::{Descriptor, Digest},
    registry::{Error, Options, Repository, Trace, TraceEvent},
};

/// How long a mirror is left alone that could not be reached.
const BENCH: Duration = Duration::from_secs(60);
/// How often a mirror may fail to be reached before that.
const MOST_FAILURES: u32 = 2;
/// Content up to this size is looked at before any of it is passed on, in bytes.
const HELD: u64 = 1 << 20;

/// A repository whose content is read from mirrors where they have it. Clones are the same.
#[derive(Clone)]
pub struct Mirrored {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    origin: Repository,
    pub(super) mirrors: Vec<Mirror>,
    states: Mutex<HashMap<usize, State>>,
    trace: Arc<dyn Trace>,
}

/// One host to try.
pub(super) struct Mirror {
    host: String,
    /// With the name of the registry in every URL, where the mirror wants to be told.
    named: Option<Repository>,
    plain: Repository,
    serves_tags: bool,
    serves_digests: bool,
}

/// What was learned of a mirror.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
    /// It sent bytes that were not what was asked for.
    lies: bool,
    /// It answers better when it is not told the name of the registry.
    unnamed: bool,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tag,
    Digest,
}

/// Something that is read from a repository, whichever it is.
trait Read<'a, T>: Fn(Repository) -> BoxFuture<'a, content::Result<T>> + Sync {}
impl<'a, T, F: Fn(Repository) -> BoxFuture<'a, content::Result<T>> + Sync> Read<'a, T> for F {}

impl Mirrored {
    pub(super) fn new(
        origin: Repository,
        candidates: &[Candidate],
        options: &Options,
    ) -> Result<Self, MirrorError> {
        let mirror = |candidate: &Candidate| -> Result<Mirror, MirrorError> {
            let named = match &candidate.namespace {
                Some(namespace) => Some(candidate.repository(options, Some(namespace.clone()))?),
                None => None,
            };
            Ok(Mirror {
                host: candidate.base.host_str().unwrap_or_default().to_owned(),
                named,
                plain: candidate.repository(options, None)?,
                serves_tags: candidate.serves_tags,
                serves_digests: candidate.serves_digests,
            })
        };
        let mirrors: Result<_, _> = candidates.iter().map(mirror).collect();
        let (states, trace) = (Mutex::default(), options.trace.clone());
        Ok(Self { inner: Arc::new(Inner { origin, mirrors: mirrors?, states, trace }) })
    }

    /// Are there any mirrors?
    #[must_use]
    pub fn has_mirrors(&self) -> bool {
        !self.inner.mirrors.is_empty()
    }

    /// Reads a manifest by tag or digest, checked, asking for the given media types only.
    ///
    /// # Errors
    /// As [`Repository::fetch_manifest_accepting`].
    pub async fn fetch_manifest_accepting(
        &self,
        reference: &str,
        accept: &[String],
    ) -> content::Result<(Descriptor, Bytes)> {
        let read = |repository: Repository| {
            async move { repository.fetch_manifest_accepting(reference, accept).await }.boxed()
        };
        match self.inner.first(kind_of(reference), read).await {
            Some(found) => Ok(found),
            None => self.inner.origin.fetch_manifest_accepting(reference, accept).await,
        }
    }

    /// Looks a manifest up by tag or digest, asking for the given media types only.
    ///
    /// # Errors
    /// As [`Repository::resolve_accepting`].
    pub async fn resolve_accepting(&self, reference: &str, accept: &[String]) -> content::Result<Descriptor> {
        let read = |repository: Repository| {
            async move { repository.resolve_accepting(reference, accept).await }.boxed()
        };
        match self.inner.first(kind_of(reference), read).await {
            Some(found) => Ok(found),
            None => self.inner.origin.resolve_accepting(reference, accept).await,
        }
    }

    /// Looks a blob up.
    ///
    /// # Errors
    /// As [`Repository::resolve_blob`].
    pub async fn resolve_blob(&self, digest: &Digest) -> content::Result<Descriptor> {
        let read = |repository: Repository| async move { repository.resolve_blob(digest).await }.boxed();
        match self.inner.first(Kind::Digest, read).await {
            Some(found) => Ok(found),
            None => self.inner.origin.resolve_blob(digest).await,
        }
    }
}

impl Inner {
    /// The answer of the first mirror that has one.
    async fn first<'a, T>(&self, kind: Kind, read: impl Read<'a, T>) -> Option<T> {
        for index in 0..self.mirrors.len() {
            if let Some(found) = self.ask(index, kind, &read).await {
                return Some(found);
            }
        }
        None
    }

    /// Asks one mirror; when it stumbles over the name of the registry, once more without.
    async fn ask<'a, T>(&self, index: usize, kind: Kind, read: &impl Read<'a, T>) -> Option<T> {
        let mirror = &self.mirrors[index];
        if !self.is_available(index, kind) {
            return None;
        }
        if let Some(named) = mirror.named.as_ref().filter(|_| !self.state(index).unnamed) {
            match read(named.clone()).await {
                Ok(found) => return Some(self.answered(index, found)),
                Err(error) if !stumbles(&error) => {
                    self.failed(index, &error);
                    return None;
                }
                Err(_) => {}
            }
        }
        match read(mirror.plain.clone()).await {
            Ok(found) => {
                self.change(index, |state| state.unnamed = true);
                Some(self.answered(index, found))
            }
            Err(error) => {
                self.failed(index, &error);
                None
            }
        }
    }

    fn is_available(&self, index: usize, kind: Kind) -> bool {
        let (mirror, state) = (&self.mirrors[index], self.state(index));
        let serves = match kind {
            Kind::Tag => mirror.serves_tags,
            Kind::Digest => mirror.serves_digests,
        };
        serves && !state.lies && state.until.is_none_or(|until| until <= Instant::now())
    }

    fn answered<T>(&self, index: usize, found: T) -> T {
        self.change(index, |state| (state.failures, state.until) = (0, None));
        found
    }

    pub(super) fn failed(&self, index: usize, error: &content::Error) {
        if is_wrong(error) {
            return self.lied(index);
        }
        let is_transport = error.store_error::<Error>().is_some_and(|error| error.transport().is_some());
        if is_transport {
            self.change(index, |state| {
                state.failures += 1;
                if state.failures >= MOST_FAILURES {
                    state.until = Some(Instant::now() + BENCH);
                }
            });
        }
    }

    pub(super) fn lied(&self, index: usize) {
        if !self.state(index).lies {
            let text = format!(
                "the mirror {} sent content that is not what was asked for",
                self.mirrors[index].host
            );
            self.trace.event(&TraceEvent::Notice(&text));
        }
        self.change(index, |state| state.lies = true);
    }

    fn state(&self, index: usize) -> State {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(&index).copied().unwrap_or_default()
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut State)) {
        change(self.states.lock().unwrap_or_else(PoisonError::into_inner).entry(index).or_default());
    }

    /// Reads something small from one mirror, checked before any of it is used.
    async fn read_small(&self, index: usize, node: &Descriptor) -> Option<Bytes> {
        let read = |repository: Repository| {
            let checked = async move {
                let stream = repository.fetch_unverified(node, 0).await?;
                content::read_all(node, verify::stream(node, stream), HELD).await
            };
            checked.boxed()
        };
        self.ask(index, Kind::Digest, &read).await
    }

    /// Opens content at a mirror, or behind the last one at the registry; `None` when it is not to be had there.
    pub(super) async fn open(
        &self,
        index: usize,
        node: &Descriptor,
        offset: u64,
    ) -> content::Result<Option<ByteStream>> {
        if index == self.mirrors.len() {
            return self.origin.fetch_unverified(node, offset).await.map(Some);
        }
        let read =
            |repository: Repository| async move { repository.fetch_unverified(node, offset).await }.boxed();
        Ok(self.ask(index, Kind::Digest, &read).await)
    }
}

#[async_trait]
impl Source for Mirrored {
    async fn resolve(&self, reference: &str) -> content::Result<Descriptor> {
        self.resolve_accepting(reference, &[]).await
    }

    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> content::Result<ByteStream> {
        let inner = &self.inner;
        if node.size <= HELD {
            for index in 0..inner.mirrors.len() {
                if let Some(bytes) = inner.read_small(index, node).await {
                    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                    return Ok(content::once(bytes.slice(start..)));
                }
            }
            return inner.origin.fetch_unverified(node, offset).await;
        }
        Transfer::stream(inner.clone(), node, offset).await
    }

    async fn exists(&self, node: &Descriptor) -> content::Result<bool> {
        // Whether something has to be written is a question to the registry.
        self.inner.origin.exists(node).await
    }

    async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> content::Result<Vec<Descriptor>> {
        // Caches rarely have them all, and a list that lacks some is worse than none.
        self.inner.origin.referrers(subject, artifact_type).await
    }

    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        self.inner.origin.tags(last)
    }

    async fn resolve_blob(&self, reference: &str) -> content::Result<Descriptor> {
        Source::resolve_blob(&self.inner.origin, reference).await
    }

    async fn fetch_manifest(&self, reference: &str) -> content::Result<(Descriptor, Bytes)> {
        self.fetch_manifest_accepting(reference, &[]).await
    }

    fn origin(&self) -> Option<Origin> {
        self.inner.origin.origin()
    }
}

fn kind_of(reference: &str) -> Kind {
    if reference.parse::<Digest>().is_ok() { Kind::Digest } else { Kind::Tag }
}

/// Is it what a mirror says that does not understand the name of the registry in its URL?
fn stumbles(error: &content::Error) -> bool {
    let registry = error.store_error::<Error>();
    let status = registry.and_then(Error::status).map(|status| status.as_u16());
    error.is_not_found()
        || matches!(status, Some(400 | 404))
        || matches!(registry, Some(Error::Protocol { reason, .. }) if reason.contains("redirects"))
}

/// Did something come that is not what was asked for?
fn is_wrong(error: &content::Error) -> bool {
    matches!(error.innermost(), content::Error::DigestMismatch { .. } | content::Error::SizeMismatch { .. })
}
