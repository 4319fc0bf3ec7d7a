//! Artifact types that a registry reports wrongly.
//!
//! Servers of the time just before the specification 1.1 take the config's media type for the artifact type
//! of every image manifest. All artifacts of today have the same config, so that their types are lost. Others
//! store manifests of earlier generations without knowing them, and list them without a type.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, stream};

use super::repository::Inner;
use crate::oci::{Descriptor, Digest, Document, media_type};

/// Manifests that are read at once.
const CONCURRENCY: usize = 8;

/// Whether the artifact types in a repository's lists are to be trusted.
#[derive(Default)]
pub(crate) struct Labels(AtomicBool);

impl Labels {
    /// Has the registry been found to report wrong types?
    pub(crate) fn are_wrong(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// It has.
    pub(crate) fn have_been_wrong(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Inner {
    /// Corrects the artifact types of a list by reading the manifests whose type may be wrong. Costs nothing
    /// where the registry reports the right ones.
    pub(crate) async fn relabel(
        &self,
        subject: &Digest,
        entries: Vec<Descriptor>,
        wanted: Option<&str>,
    ) -> Vec<Descriptor> {
        let are_wrong = self.labels.are_wrong();
        let suspect = |entry: &Descriptor| {
            let label = entry.artifact_type.as_deref();
            let is_other = wanted.is_some_and(|wanted| !wanted.is_empty() && label != Some(wanted));
            let is_image = entry.media_type == media_type::IMAGE_MANIFEST;
            // Each of these has a type; an index may have none.
            let is_nameless = label.is_none_or(str::is_empty)
                && (is_image || media_type::is_artifact_manifest(&entry.media_type));
            is_nameless || is_image && (label == Some(media_type::EMPTY) || are_wrong && is_other)
        };
        let corrected = stream::iter(entries).map(|entry| async move {
            if suspect(&entry) { self.read_label(subject, entry).await } else { Some(entry) }
        });
        corrected.buffered(CONCURRENCY).filter_map(|entry| async { entry }).collect().await
    }

    /// The entry with the type that the manifest says. What cannot be read stays as it is listed; what turns
    /// out to be attached to something else is left out.
    async fn read_label(&self, subject: &Digest, mut entry: Descriptor) -> Option<Descriptor> {
        let bytes = match self.fetch_bytes(&entry).await {
            Ok(bytes) => bytes,
            Err(error) => {
                self.client.detail(&format!("the artifact type of {} cannot be read: {error}", entry.digest));
                return Some(entry);
            }
        };
        let Ok(document) = Document::parse(&entry.media_type, &bytes) else { return Some(entry) };
        if document.subject.as_ref().is_none_or(|own| own.digest != *subject) {
            self.client.detail(&format!(
                "{} is listed as a referrer of {subject}, but is not attached to it: it is ignored",
                entry.digest
            ));
            return None;
        }
        entry.artifact_type = document.artifact_type().map(str::to_owned);
        Some(entry)
    }
}
