//! A repository, as content.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{
    Access,
    client::Client,
    held::Held,
    legacy_referrers::Older,
    pages::{Kind, List},
    publish::{Queues, Unlisted},
    referrers::Support,
    relabel::Labels,
    scope::Scopes,
    session::Session,
};
use crate::{
    content::{self, Body, ByteStream, Error, Origin, Source, TagPages, Target},
    oci::{Descriptor, Digest},
};

/// Digests that are remembered as written.
const MOST_REMEMBERED: usize = 10_000;

/// A repository of a registry, as one user sees it. Clones are the same repository.
#[derive(Clone)]
pub struct Repository {
    pub(super) inner: Arc<Inner>,
}

/// What all clones of a repository share.
pub(crate) struct Inner {
    pub(crate) client: Arc<Client>,
    /// The registry as it was named.
    pub(crate) registry: Arc<str>,
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    /// Manifests that were just read or written.
    pub(crate) held: Held,
    /// Does the registry have the referrers API?
    pub(crate) support: Support,
    /// Does it have one of the APIs from before that?
    pub(crate) older: Older,
    /// Are the artifact types in its lists to be trusted?
    pub(crate) labels: Labels,
    /// Uploads that a registry began where a mount was asked for.
    pub(crate) begun: Mutex<HashMap<Digest, Session>>,
    /// Changes of referrers tags that wait for each other.
    pub(crate) queues: Queues,
    /// Referrers that are stored and not listed yet, with their subjects.
    pub(crate) unlisted: Unlisted,
    /// What this process has written.
    pushed: Mutex<HashSet<Digest>>,
}

impl Repository {
    pub(super) fn new(client: Arc<Client>, registry: Arc<str>, name: &str) -> Self {
        let actions: &[&str] = match client.options().access {
            Access::Pull => &["pull"],
            Access::Push => &["pull", "push"],
            Access::Delete => &["pull", "delete"],
        };
        let scopes = Scopes::repository(name, actions);
        let (held, support) = (Held::default(), Support::default());
        let (begun, pushed, queues) = (Mutex::default(), Mutex::default(), Queues::default());
        Self {
            inner: Arc::new(Inner {
                client,
                registry,
                name: name.to_owned(),
                scopes,
                held,
                support,
                older: Older::default(),
                labels: Labels::default(),
                begun,
                queues,
                unlisted: Unlisted::default(),
                pushed,
            }),
        }
    }

    /// The repository with its registry: `registry/repository`.
    #[must_use]
    pub fn name(&self) -> String {
        self.inner.full_name()
    }

    /// Reads a manifest by tag or digest, checked, asking for the given media types only.
    ///
    /// # Errors
    /// [`content::Error::NotFound`]; the bytes are not what the registry says; the registry failed.
    pub async fn fetch_manifest_accepting(
        &self,
        reference: &str,
        accept: &[String],
    ) -> content::Result<(Descriptor, Bytes)> {
        Ok(self.inner.fetch_manifest(reference, accept).await?)
    }

    /// Looks a manifest up by tag or digest, asking for the given media types only.
    ///
    /// # Errors
    /// [`content::Error::NotFound`], or the registry failed.
    pub async fn resolve_accepting(&self, reference: &str, accept: &[String]) -> content::Result<Descriptor> {
        Ok(self.inner.resolve_manifest(reference, accept).await?)
    }

    /// Stores a manifest under a tag or digest, which is left to the registry to check. A manifest with a
    /// subject becomes one of the subject's referrers.
    ///
    /// # Errors
    /// It is too large, or the registry refuses.
    pub async fn push_manifest(
        &self,
        reference: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> content::Result<Descriptor> {
        let node = Descriptor::of(media_type, &bytes);
        self.inner.push_manifest(reference, &node, bytes).await?;
        Ok(node)
    }

    /// Looks a blob up.
    ///
    /// # Errors
    /// [`content::Error::NotFound`], or the registry failed.
    pub async fn resolve_blob(&self, digest: &Digest) -> content::Result<Descriptor> {
        Ok(self.inner.resolve_blob(digest).await?)
    }
}

impl Inner {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.registry, self.name)
    }

    /// Remembers that this process has written something: a registry of several machines may not know it
    /// everywhere at once.
    pub(crate) fn pushed(&self, digest: &Digest) {
        let mut pushed = self.pushed.lock().unwrap_or_else(PoisonError::into_inner);
        if pushed.len() < MOST_REMEMBERED {
            pushed.insert(digest.clone());
        }
    }

    /// Has this process written it, or anything if nothing is named?
    pub(crate) fn has_pushed(&self, digest: Option<&Digest>) -> bool {
        let pushed = self.pushed.lock().unwrap_or_else(PoisonError::into_inner);
        digest.map_or(!pushed.is_empty(), |digest| pushed.contains(digest))
    }

    /// The error for something that is not there.
    pub(crate) fn not_found(&self, reference: &str) -> super::Error {
        let separator = if reference.contains(':') { '@' } else { ':' };
        Error::NotFound { reference: format!("{}{separator}{reference}", self.full_name()) }.into()
    }
}

#[async_trait]
impl Source for Repository {
    async fn resolve(&self, reference: &str) -> content::Result<Descriptor> {
        Ok(self.inner.resolve_manifest(reference, &[]).await?)
    }

    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> content::Result<ByteStream> {
        if node.is_manifest() {
            let bytes = self.inner.fetch_bytes(node).await?;
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            return Ok(content::once(bytes.slice(start..)));
        }
        Ok(Box::pin(self.inner.download(node, offset).await?.map_err(Into::into)))
    }

    async fn exists(&self, node: &Descriptor) -> content::Result<bool> {
        Ok(match node.is_manifest() {
            true => self.inner.manifest_exists(node).await?,
            false => self.inner.blob_exists(node).await?,
        })
    }

    async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> content::Result<Vec<Descriptor>> {
        Ok(self.inner.referrers(subject, artifact_type).await?)
    }

    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        let name = self.inner.name.clone();
        let list = List {
            client: self.inner.client.clone(),
            scopes: self.inner.scopes.clone(),
            url: Box::new(move |client, page| client.endpoint().tags(&name, page)),
            last: last.filter(|last| !last.is_empty()).map(str::to_owned),
            kind: Kind::Tags,
        };
        list.pages().map_err(Into::into).boxed()
    }

    async fn fetch_manifest(&self, reference: &str) -> content::Result<(Descriptor, Bytes)> {
        Ok(self.inner.fetch_manifest(reference, &[]).await?)
    }

    async fn resolve_blob(&self, reference: &str) -> content::Result<Descriptor> {
        self.resolve_blob(&reference.parse()?).await
    }

    async fn fetch_blob(&self, reference: &str) -> content::Result<(Descriptor, ByteStream)> {
        let (node, stream) = self.inner.open_blob(&reference.parse()?).await?;
        let stream = content::verify::stream(&node, stream.map_err(Into::into).boxed());
        Ok((node, stream))
    }

    fn origin(&self) -> Option<Origin> {
        Some(Origin {
            registry: self.inner.client.endpoint().origin().to_string(),
            repository: self.inner.name.clone(),
            identity: self.inner.client.options().identity,
        })
    }
}

#[async_trait]
impl Target for Repository {
    fn names_while_storing(&self) -> bool {
        true
    }

    async fn push(&self, node: &Descriptor, mut body: Body) -> content::Result<()> {
        if !node.is_manifest() {
            return Ok(self.inner.upload(node, body).await?);
        }
        let stream = content::verify::stream(node, body.open(node, 0).await?);
        let bytes = content::read_all(node, stream, self.inner.client.options().manifest_limit).await?;
        let indexed = self.inner.put_manifest(&node.digest.to_string(), node, bytes.clone()).await?;
        if let Some((subject, entry)) = self.inner.listing_of(node, &bytes, indexed.as_ref()) {
            self.inner.unlisted.add(subject, entry);
        }
        Ok(())
    }

    async fn flush(&self) -> content::Result<()> {
        Ok(self.inner.publish_unlisted().await?)
    }

    async fn tag(&self, node: &Descriptor, tag: &str) -> content::Result<()> {
        let bytes = self.inner.fetch_bytes(node).await?;
        Ok(self.inner.put_manifest(tag, node, bytes).await.map(drop)?)
    }

    async fn push_tagged(&self, node: &Descriptor, bytes: Bytes, tag: &str) -> content::Result<()> {
        content::verify::bytes(node, &bytes)?;
        Ok(self.inner.push_manifest(tag, node, bytes).await?)
    }

    fn lists_referrers(&self) -> bool {
        self.inner.may_keep_lists()
    }

    async fn relist(&self, node: &Descriptor, bytes: &[u8]) -> content::Result<()> {
        let listing = self.inner.listing_of(node, bytes, None);
        if let Some((subject, entry)) = listing
            && self.inner.keeps_lists().await?
        {
            self.inner.unlisted.add(subject, entry);
        }
        Ok(())
    }

    async fn push_list(&self, node: &Descriptor, bytes: Bytes, tag: &str) -> content::Result<()> {
        content::verify::bytes(node, &bytes)?;
        Ok(self.inner.push_list(node, bytes, tag).await?)
    }

    async fn mount(&self, node: &Descriptor, origin: &Origin) -> content::Result<bool> {
        if node.is_manifest() || self.origin().is_none_or(|own| !is_mountable(&own, origin)) {
            return Ok(false);
        }
        Ok(self.inner.mount(node, &origin.repository).await?)
    }

    async fn delete(&self, node: &Descriptor) -> content::Result<()> {
        match node.is_manifest() {
            true => self.inner.delete_manifest(node).await?,
            false => self.inner.delete_blob(&node.digest).await?,
        }
        Ok(())
    }

    fn as_source(self: Arc<Self>) -> Arc<dyn Source> {
        self
    }
}

/// Mounts stay with one registry and one user, and need another repository.
fn is_mountable(own: &Origin, other: &Origin) -> bool {
    own.registry == other.registry && own.identity == other.identity && own.repository != other.repository
}
