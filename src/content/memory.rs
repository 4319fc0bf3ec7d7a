//! A store in memory: for packed manifests, and for tests.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Body, ByteStream, Error, Result, Source, TagPages, Target, once, read_all, verify};
use crate::oci::{Descriptor, Digest, Document, media_type};

/// Holds content and tags in memory. Meant for what is small.
#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    content: HashMap<Digest, (String, Bytes)>,
    /// In the order of arrival, for lists that do not change from run to run.
    order: Vec<Digest>,
    tags: BTreeMap<String, Descriptor>,
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores bytes and describes them.
    pub fn insert(&self, media_type: impl Into<String>, bytes: impl Into<Bytes>) -> Descriptor {
        let bytes = bytes.into();
        let node = Descriptor::of(media_type, &bytes);
        self.state().insert(&node, bytes);
        node
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

impl State {
    fn insert(&mut self, node: &Descriptor, bytes: Bytes) {
        if self.content.insert(node.digest.clone(), (node.media_type.clone(), bytes)).is_none() {
            self.order.push(node.digest.clone());
        }
    }
}

#[async_trait]
impl Source for Memory {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let state = self.state();
        if let Some(node) = state.tags.get(reference) {
            return Ok(node.clone());
        }
        let found = reference.parse::<Digest>().ok().and_then(|digest| {
            let (media_type, bytes) = state.content.get(&digest)?;
            Some(Descriptor::new(media_type.clone(), digest, bytes.len() as u64))
        });
        found.ok_or_else(|| Error::NotFound { reference: reference.to_owned() })
    }

    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> Result<ByteStream> {
        let state = self.state();
        let (_, bytes) = state
            .content
            .get(&node.digest)
            .ok_or_else(|| Error::NotFound { reference: node.digest.to_string() })?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(once(bytes.slice(start..)))
    }

    async fn exists(&self, node: &Descriptor) -> Result<bool> {
        Ok(self.state().content.contains_key(&node.digest))
    }

    async fn referrers(&self, subject: &Descriptor, artifact_type: Option<&str>) -> Result<Vec<Descriptor>> {
        let state = self.state();
        let described = state.order.iter().filter_map(|digest| {
            let (media_type, bytes) = state.content.get(digest)?;
            let document = Document::parse(media_type, bytes)
                .ok()
                .filter(|_| media_type::may_have_subject(media_type))?;
            let kind = document.artifact_type().map(str::to_owned);
            let wanted = artifact_type.is_none_or(|wanted| kind.as_deref() == Some(wanted));
            (document.subject.as_ref()?.digest == subject.digest && wanted).then(|| Descriptor {
                annotations: document.annotations,
                artifact_type: kind,
                ..Descriptor::new(media_type.clone(), digest.clone(), bytes.len() as u64)
            })
        });
        Ok(described.collect())
    }

    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        let after = |tag: &&String| last.is_none_or(|last| tag.as_str() > last);
        let tags = self.state().tags.keys().filter(after).cloned().collect();
        Box::pin(futures_util::stream::once(async { Ok(tags) }))
    }
}

#[async_trait]
impl Target for Memory {
    async fn push(&self, node: &Descriptor, mut body: Body) -> Result<()> {
        let stream = verify::stream(node, body.open(node, 0).await?);
        let bytes = read_all(node, stream, u64::MAX).await?;
        self.state().insert(node, bytes);
        Ok(())
    }

    async fn tag(&self, node: &Descriptor, tag: &str) -> Result<()> {
        self.state().tags.insert(tag.to_owned(), node.clone());
        Ok(())
    }

    async fn delete(&self, node: &Descriptor) -> Result<()> {
        let mut state = self.state();
        state.tags.retain(|_, tagged| tagged.digest != node.digest);
        state.order.retain(|digest| *digest != node.digest);
        let removed = state.content.remove(&node.digest);
        removed.map(drop).ok_or_else(|| Error::NotFound { reference: node.digest.to_string() })
    }

    fn as_source(self: Arc<Self>) -> Arc<dyn Source> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn content_is_found_by_tag_and_digest_and_lists_its_referrers() {
        let store = Memory::new();
        let subject = store.insert("a/b", "subject");
        let manifest = format!(
            r#"{{"config":{{"mediaType":"c/d","digest":"{0}","size":2}},"subject":{{"mediaType":"a/b","digest":"{1}","size":7}}}}"#,
            Digest::of(b"{}"),
            subject.digest
        );
        let referrer = store.insert(media_type::IMAGE_MANIFEST, manifest);
        store.tag(&subject, "v1").await.unwrap();
        assert_eq!(store.resolve("v1").await.unwrap(), subject);
        assert_eq!(store.resolve(&subject.digest.to_string()).await.unwrap(), subject);
        assert!(store.resolve("v2").await.unwrap_err().is_not_found());
        let listed = store.referrers(&subject, None).await.unwrap();
        assert_eq!(listed[0].digest, referrer.digest);
        assert_eq!(listed[0].artifact_type.as_deref(), Some("c/d"));
        assert!(store.referrers(&subject, Some("x/y")).await.unwrap().is_empty());
        store.delete(&subject).await.unwrap();
        assert!(store.resolve("v1").await.unwrap_err().is_not_found());
    }

    #[tokio::test]
    async fn content_that_is_not_as_described_is_not_stored() {
        let store = Memory::new();
        let node = Descriptor::of("a/b", b"hello");
        assert!(store.push(&node, Body::from(b"jello".to_vec())).await.is_err());
        assert!(!store.exists(&node).await.unwrap());
    }
}
