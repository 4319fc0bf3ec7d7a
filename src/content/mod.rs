//! Content named by digest, and the graph that it forms.
//!
//! A verb is written against [`Source`] and [`Target`]; a registry, a layout, local files and memory
//! implement them. Whatever is read through [`Source::fetch`] is checked against its descriptor.

mod body;
mod cached;
pub(crate) mod disk;
mod error;
pub mod graph;
mod memory;
mod overlay;
pub mod verify;

use std::{pin::Pin, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

pub use body::{Body, Observer};
pub use cached::Cached;
pub use error::{Error, Result, Side};
pub use memory::Memory;
pub use overlay::Overlay;

use crate::oci::Descriptor;

/// Content on its way, in pieces.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// Pages of tags on their way, each as the store lists it.
pub type TagPages<'a> = Pin<Box<dyn Stream<Item = Result<Vec<String>>> + Send + 'a>>;

/// Largest manifest that is read into memory, in bytes.
pub const MANIFEST_LIMIT: u64 = 4 << 20;

/// Where content of a registry can be mounted from.
///
/// Implements distribution-spec v1.1, "Mounting a blob from another repository".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Host and port of the registry.
    pub registry: String,
    /// Repository that has the content.
    pub repository: String,
    /// Tells identities apart, without saying anything of them: content is only mounted for the same one.
    pub identity: u64,
}

/// Content that can be looked up by name and read by digest.
#[async_trait]
pub trait Source: Send + Sync {
    /// Looks up a tag or a digest.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the store has no such name; otherwise the store failed.
    async fn resolve(&self, reference: &str) -> Result<Descriptor>;

    /// Opens content at an offset in bytes, as the store sends it. Callers want [`fetch`](Self::fetch).
    ///
    /// # Errors
    /// [`Error::NotFound`], or the store failed.
    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> Result<ByteStream>;

    /// Is the content there?
    ///
    /// # Errors
    /// The store failed.
    async fn exists(&self, node: &Descriptor) -> Result<bool>;

    /// Lists the manifests whose subject is this node, only those of one artifact type if it is given.
    ///
    /// # Errors
    /// The store failed, or sent something that is no list.
    async fn referrers(&self, subject: &Descriptor, artifact_type: Option<&str>) -> Result<Vec<Descriptor>>;

    /// Lists tags page by page, those after `last` only if it is given.
    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a>;

    /// Looks up a manifest and reads it, checked; a registry does both in one request.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve) and [`fetch_bytes`](Self::fetch_bytes).
    async fn fetch_manifest(&self, reference: &str) -> Result<(Descriptor, Bytes)> {
        let node = self.resolve(reference).await?;
        let bytes = self.fetch_bytes(&node).await?;
        Ok((node, bytes))
    }

    /// Looks a blob up by its digest. Stores that keep blobs and manifests in one place know any content by
    /// any of its names.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve); a registry takes digests only.
    async fn resolve_blob(&self, reference: &str) -> Result<Descriptor> {
        self.resolve(reference).await
    }

    /// Looks a blob up and opens it, checked; a registry does both in one request.
    ///
    /// # Errors
    /// As [`resolve_blob`](Self::resolve_blob) and [`fetch`](Self::fetch).
    async fn fetch_blob(&self, reference: &str) -> Result<(Descriptor, ByteStream)> {
        let node = self.resolve_blob(reference).await?;
        let stream = self.fetch(&node).await?;
        Ok((node, stream))
    }

    /// Opens content; reading it to the end fails unless size and digest are as described.
    ///
    /// # Errors
    /// As [`fetch_unverified`](Self::fetch_unverified).
    async fn fetch(&self, node: &Descriptor) -> Result<ByteStream> {
        Ok(verify::stream(node, self.fetch_unverified(node, 0).await?))
    }

    /// Reads a manifest or other small content into memory, checked.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`MANIFEST_LIMIT`]; size or digest are not as described; the store failed.
    async fn fetch_bytes(&self, node: &Descriptor) -> Result<Bytes> {
        if let Some(bytes) = node.inline_content() {
            return Ok(bytes.into());
        }
        read_all(node, self.fetch(node).await?, MANIFEST_LIMIT).await
    }

    /// Where another repository of the same registry can take content over from; `None` for other stores.
    fn origin(&self) -> Option<Origin> {
        None
    }
}

/// A store that content can be written to.
#[async_trait]
pub trait Target: Source {
    /// Stores content. Content that is there already is success.
    ///
    /// A manifest with a subject becomes one of the subject's referrers, with [`flush`](Self::flush) at the latest.
    ///
    /// # Errors
    /// The body is not what the descriptor says, or the store failed; then nothing was stored.
    async fn push(&self, node: &Descriptor, body: Body) -> Result<()>;

    /// Gives stored content one more name.
    ///
    /// # Errors
    /// The store has no such content or refuses the name.
    async fn tag(&self, node: &Descriptor, tag: &str) -> Result<()>;

    /// Stores a manifest under a name; a registry does so in one request.
    ///
    /// # Errors
    /// As [`push`](Self::push) and [`tag`](Self::tag).
    async fn push_tagged(&self, node: &Descriptor, bytes: Bytes, tag: &str) -> Result<()> {
        self.push(node, Body::from(bytes)).await?;
        self.tag(node, tag).await
    }

    /// Offers content that was stored before under one more title. `false` means that titles are nothing
    /// to this store.
    ///
    /// # Errors
    /// The store failed.
    async fn restore(&self, _node: &Descriptor) -> Result<bool> {
        Ok(false)
    }

    /// Does [`push_tagged`](Self::push_tagged) name the manifest in the same step that stores it?
    fn names_while_storing(&self) -> bool {
        false
    }

    /// Does this store list referrers in a step of its own, so that a manifest that is there may be missing
    /// from the list? A killed run leaves one behind.
    fn lists_referrers(&self) -> bool {
        false
    }

    /// Sees to it that a manifest which is there is listed as a referrer of its subject, if it has one, with
    /// [`flush`](Self::flush) at the latest.
    ///
    /// # Errors
    /// The store failed.
    async fn relist(&self, _node: &Descriptor, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    /// Stores a list of referrers under the tag that it is found by. What that tag lists already stays listed.
    ///
    /// # Errors
    /// As [`push_tagged`](Self::push_tagged).
    async fn push_list(&self, node: &Descriptor, bytes: Bytes, tag: &str) -> Result<()> {
        self.push_tagged(node, bytes, tag).await
    }

    /// Takes content over from another repository of the same registry. `false` means: copy it instead.
    ///
    /// # Errors
    /// The store failed in a way in which copying would fail too.
    async fn mount(&self, _node: &Descriptor, _origin: &Origin) -> Result<bool> {
        Ok(false)
    }

    /// Removes a manifest with all its names, or a blob.
    ///
    /// # Errors
    /// [`Error::NotFound`], or the store refuses.
    async fn delete(&self, node: &Descriptor) -> Result<()>;

    /// Makes sure that everything stored so far is found by others; a store may put that off until then.
    ///
    /// # Errors
    /// The store failed.
    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// The same store, for reading.
    fn as_source(self: Arc<Self>) -> Arc<dyn Source>;
}

/// Reads a checked stream into memory.
///
/// # Errors
/// [`Error::TooLarge`] above `limit` bytes; whatever the stream fails with.
pub async fn read_all(node: &Descriptor, mut stream: ByteStream, limit: u64) -> Result<Bytes> {
    if node.size > limit {
        return Err(Error::TooLarge { digest: node.digest.clone(), size: node.size, limit });
    }
    // What a descriptor says of its size is nothing to reserve gigabytes for.
    let likely = node.size.min(MANIFEST_LIMIT);
    let mut bytes = Vec::with_capacity(usize::try_from(likely).unwrap_or_default());
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes.into())
}

/// A stream of bytes that are in memory.
#[must_use]
pub fn once(bytes: Bytes) -> ByteStream {
    Box::pin(futures_util::stream::iter((!bytes.is_empty()).then_some(Ok(bytes))))
}
