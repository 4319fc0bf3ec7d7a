//! A store that is read through another one.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Body, ByteStream, Origin, Result, Source, TagPages, Target};
use crate::oci::{Descriptor, media_type};

/// Keeps what is read from one store in another, and reads it there the next time.
///
/// Names are always looked up in the first store, since a tag may move.
pub struct Cached {
    source: Arc<dyn Source>,
    cache: Arc<dyn Target>,
}

impl Cached {
    /// Reads `source` through `cache`.
    pub fn new(source: Arc<dyn Source>, cache: Arc<dyn Target>) -> Self {
        Self { source, cache }
    }

    async fn keep(&self, node: &Descriptor) -> Result<()> {
        if !self.cache.exists(node).await? {
            self.cache.push(node, Body::stored(self.source.clone(), node.clone())).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Source for Cached {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.source.resolve(reference).await
    }

    async fn fetch_manifest(&self, reference: &str) -> Result<(Descriptor, Bytes)> {
        let (node, bytes) = self.source.fetch_manifest(reference).await?;
        if !self.cache.exists(&node).await? {
            self.cache.push(&node, Body::from(bytes.clone())).await?;
        }
        Ok((node, bytes))
    }

    async fn resolve_blob(&self, reference: &str) -> Result<Descriptor> {
        self.source.resolve_blob(reference).await
    }

    async fn fetch_blob(&self, reference: &str) -> Result<(Descriptor, ByteStream)> {
        let (node, stream) = self.source.fetch_blob(reference).await?;
        // Whatever a store says that the content is, it is kept as the blob that was asked for.
        let blob = Descriptor::new(media_type::OCTET_STREAM, node.digest.clone(), node.size);
        if !self.cache.exists(&blob).await? {
            self.cache.push(&blob, Body::stream(stream)).await?;
        }
        Ok((node, self.cache.fetch(&blob).await?))
    }

    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> Result<ByteStream> {
        self.keep(node).await?;
        self.cache.fetch_unverified(node, offset).await
    }

    async fn exists(&self, node: &Descriptor) -> Result<bool> {
        Ok(self.cache.exists(node).await? || self.source.exists(node).await?)
    }

    async fn referrers(&self, subject: &Descriptor, artifact_type: Option<&str>) -> Result<Vec<Descriptor>> {
        self.source.referrers(subject, artifact_type).await
    }

    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        self.source.tags(last)
    }

    fn origin(&self) -> Option<Origin> {
        self.source.origin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Error, Memory, read_all};

    #[tokio::test]
    async fn content_is_read_from_the_cache_the_second_time() {
        let (source, cache) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
        let node = source.insert("a/b", "hello");
        assert_eq!(Cached::new(source, cache.clone()).fetch_bytes(&node).await.unwrap(), "hello");
        let empty = Cached::new(Arc::new(Memory::new()), cache);
        assert_eq!(empty.fetch_bytes(&node).await.unwrap(), "hello");
        assert!(matches!(empty.resolve("v1").await, Err(Error::NotFound { .. })));
    }

    #[tokio::test]
    async fn a_blob_is_looked_up_in_the_source_and_kept() {
        let (source, cache) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
        let node = source.insert("a/b", "hello");
        let reference = node.digest.to_string();
        let cached = Cached::new(source.clone(), cache.clone());
        for _ in 0..2 {
            let (described, stream) = cached.fetch_blob(&reference).await.unwrap();
            assert_eq!(described, node);
            assert_eq!(read_all(&node, stream, 5).await.unwrap(), "hello");
        }
        assert!(cache.exists(&node).await.unwrap());
        source.delete(&node).await.unwrap();
        assert!(cached.fetch_blob(&reference).await.is_err_and(|error| error.is_not_found()));
    }
}
