//! One store over another.

use std::sync::Arc;

use async_trait::async_trait;

use super::{ByteStream, Memory, Result, Source, TagPages};
use crate::oci::Descriptor;

/// Content in memory over that of another store: what was packed here over files elsewhere.
pub struct Overlay {
    upper: Memory,
    lower: Arc<dyn Source>,
}

impl Overlay {
    /// Lays what is in memory over another store.
    #[must_use]
    pub fn new(upper: Memory, lower: Arc<dyn Source>) -> Self {
        Self { upper, lower }
    }
}

#[async_trait]
impl Source for Overlay {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        match self.upper.resolve(reference).await {
            Err(error) if error.is_not_found() => self.lower.resolve(reference).await,
            resolved => resolved,
        }
    }

    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> Result<ByteStream> {
        match self.upper.fetch_unverified(node, offset).await {
            Err(error) if error.is_not_found() => self.lower.fetch_unverified(node, offset).await,
            opened => opened,
        }
    }

    /// The lower store knows best what it means when its content is not as described.
    async fn fetch(&self, node: &Descriptor) -> Result<ByteStream> {
        match self.upper.fetch(node).await {
            Err(error) if error.is_not_found() => self.lower.fetch(node).await,
            opened => opened,
        }
    }

    async fn exists(&self, node: &Descriptor) -> Result<bool> {
        Ok(self.upper.exists(node).await? || self.lower.exists(node).await?)
    }

    async fn referrers(&self, subject: &Descriptor, artifact_type: Option<&str>) -> Result<Vec<Descriptor>> {
        self.lower.referrers(subject, artifact_type).await
    }

    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        self.lower.tags(last)
    }
}
