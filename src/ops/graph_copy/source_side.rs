//! A source whose errors say that they are the source's.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;

use crate::{
    content::{ByteStream, Origin, Result, Side, Source, TagPages},
    oci::Descriptor,
};

/// Says of every error of a source that it is the source's.
pub(super) struct SourceSide(pub(super) Arc<dyn Source>);

#[async_trait]
impl Source for SourceSide {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.0.resolve(reference).await.map_err(|error| error.on(Side::Source))
    }
    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> Result<ByteStream> {
        let stream = self.0.fetch_unverified(node, offset).await.map_err(|error| error.on(Side::Source))?;
        Ok(Box::pin(stream.map(|piece| piece.map_err(|error| error.on(Side::Source)))))
    }
    async fn exists(&self, node: &Descriptor) -> Result<bool> {
        self.0.exists(node).await.map_err(|error| error.on(Side::Source))
    }
    async fn referrers(&self, subject: &Descriptor, artifact_type: Option<&str>) -> Result<Vec<Descriptor>> {
        self.0.referrers(subject, artifact_type).await.map_err(|error| error.on(Side::Source))
    }
    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        self.0.tags(last)
    }
    async fn fetch(&self, node: &Descriptor) -> Result<ByteStream> {
        let stream = self.0.fetch(node).await.map_err(|error| error.on(Side::Source))?;
        Ok(Box::pin(stream.map(|piece| piece.map_err(|error| error.on(Side::Source)))))
    }
    async fn fetch_bytes(&self, node: &Descriptor) -> Result<Bytes> {
        self.0.fetch_bytes(node).await.map_err(|error| error.on(Side::Source))
    }
    fn origin(&self) -> Option<Origin> {
        self.0.origin()
    }
}
