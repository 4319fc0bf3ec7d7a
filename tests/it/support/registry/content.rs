//! Putting content into a registry and looking at what it holds, without a request.

use bytes::Bytes;
use oras::oci::{Descriptor, Index, media_type};

use super::{
    service::Service,
    state::{Manifest, Repository},
};
use crate::support::pack::pack;

/// One repository, seen from inside the server.
pub(crate) struct Content<'a> {
    pub(super) service: &'a Service,
    pub(super) name: String,
}

impl Content<'_> {
    fn with<T>(&self, work: impl FnOnce(&mut Repository) -> T) -> T {
        work(self.service.state().repository(&self.name))
    }

    /// Looks, and does not make the repository by looking.
    fn look<T>(&self, at: impl FnOnce(&Repository) -> T) -> T {
        let (state, nothing) = (self.service.state(), Repository::default());
        at(state.repositories.get(&self.name).unwrap_or(&nothing))
    }

    /// Makes the repository, if it is not there.
    pub(crate) fn create(&self) {
        self.with(|_| {});
    }

    /// Stores a blob.
    pub(crate) fn insert_blob(&self, media_type: &str, bytes: impl Into<Bytes>) -> Descriptor {
        let bytes = bytes.into();
        let node = Descriptor::of(media_type, &bytes);
        self.with(|repository| repository.blobs.insert(node.digest.to_string(), bytes));
        node
    }

    /// Stores bytes under a digest that need not be theirs.
    pub(crate) fn insert_blob_as(&self, digest: &str, bytes: impl Into<Bytes>) {
        self.with(|repository| repository.blobs.insert(digest.to_owned(), bytes.into()));
    }

    /// Stores a manifest, whatever its bytes are.
    pub(crate) fn insert_manifest(&self, media_type: &str, bytes: impl Into<Bytes>) -> Descriptor {
        let bytes = bytes.into();
        let node = Descriptor::of(media_type, &bytes);
        let manifest = Manifest { media_type: media_type.to_owned(), bytes };
        self.with(|repository| repository.insert(&node.digest.to_string(), manifest));
        node
    }

    /// Points a tag to a digest.
    pub(crate) fn tag(&self, tag: &str, node: &Descriptor) {
        self.with(|repository| repository.tags.insert(tag.to_owned(), node.digest.to_string()));
    }

    /// Stores an artifact of files, each a title and its bytes, and returns its manifest.
    pub(crate) fn insert_artifact(&self, artifact_type: &str, files: &[(&str, &[u8])]) -> Descriptor {
        self.insert(artifact_type, files, None)
    }

    /// As [`insert_artifact`](Self::insert_artifact), attached to a subject.
    pub(crate) fn insert_referrer(
        &self,
        subject: &Descriptor,
        artifact_type: &str,
        files: &[(&str, &[u8])],
    ) -> Descriptor {
        self.insert(artifact_type, files, Some(subject))
    }

    /// Stores an index of manifests.
    pub(crate) fn insert_index(&self, manifests: &[Descriptor]) -> Descriptor {
        let index = Index::of(manifests.to_vec());
        self.insert_manifest(media_type::IMAGE_INDEX, index.to_bytes())
    }

    fn insert(&self, kind: &str, files: &[(&str, &[u8])], subject: Option<&Descriptor>) -> Descriptor {
        let packed = pack(kind, files, subject);
        for (node, bytes) in packed.blobs {
            self.insert_blob(&node.media_type, bytes);
        }
        self.insert_manifest(media_type::IMAGE_MANIFEST, packed.manifest)
    }

    /// All tags, sorted.
    pub(crate) fn tags(&self) -> Vec<String> {
        self.look(|repository| repository.tags.keys().cloned().collect())
    }

    /// The digest of a tag.
    pub(crate) fn tagged(&self, tag: &str) -> Option<String> {
        self.look(|repository| repository.tags.get(tag).cloned())
    }

    /// Digests of all blobs, sorted.
    pub(crate) fn blobs(&self) -> Vec<String> {
        self.look(|repository| repository.blobs.keys().cloned().collect())
    }

    /// Digests of all manifests, in the order in which they arrived.
    pub(crate) fn manifests(&self) -> Vec<String> {
        self.look(|repository| repository.arrivals.clone())
    }

    /// The bytes of a blob.
    pub(crate) fn blob(&self, digest: &(impl ToString + ?Sized)) -> Option<Bytes> {
        self.look(|repository| repository.blobs.get(&digest.to_string()).cloned())
    }

    /// Media type and bytes of a manifest, by tag or digest.
    pub(crate) fn manifest(&self, reference: &(impl ToString + ?Sized)) -> Option<(String, Bytes)> {
        self.look(|repository| {
            let digest = repository.resolve(&reference.to_string())?;
            let manifest = &repository.manifests[&digest];
            Some((manifest.media_type.clone(), manifest.bytes.clone()))
        })
    }

    /// Digests of what the index under the referrers tag of a subject lists; empty without that tag.
    pub(crate) fn referrers_by_tag(&self, subject: &Descriptor) -> Vec<String> {
        let Some((_, bytes)) = self.manifest(&subject.digest.referrers_tag()) else { return Vec::new() };
        let index: Index = serde_json::from_slice(&bytes).unwrap();
        index.manifests.iter().map(|node| node.digest.to_string()).collect()
    }

    /// Forgets a blob.
    pub(crate) fn remove_blob(&self, digest: &(impl ToString + ?Sized)) {
        self.with(|repository| repository.blobs.remove(&digest.to_string()));
    }

    /// Forgets a manifest and its tags.
    pub(crate) fn remove_manifest(&self, digest: &(impl ToString + ?Sized)) {
        self.with(|repository| repository.remove(&digest.to_string()));
    }

    /// How many uploads are open.
    pub(crate) fn open_uploads(&self) -> usize {
        let state = self.service.state();
        state.uploads.values().filter(|upload| upload.repository == self.name).count()
    }
}
