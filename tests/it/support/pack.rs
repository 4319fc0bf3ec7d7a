//! Small artifacts for tests to start from.

use bytes::Bytes;
use oras::oci::{Annotations, Descriptor, EMPTY_JSON, ImageManifest, keys, media_type};

/// A manifest with everything it is made of.
pub(crate) struct Packed {
    /// The manifest.
    pub(crate) manifest: Bytes,
    /// Its config and layers.
    pub(crate) blobs: Vec<(Descriptor, Bytes)>,
}

/// Packs files, each a title and its bytes, as an image manifest with an artifact type. It has no time of
/// creation, so its digest is always the same.
pub(crate) fn pack(artifact_type: &str, files: &[(&str, &[u8])], subject: Option<&Descriptor>) -> Packed {
    let mut blobs = vec![(Descriptor::empty(), Bytes::from_static(EMPTY_JSON))];
    for (title, bytes) in files {
        let mut layer = Descriptor::of(media_type::LAYER_TAR, bytes);
        layer.annotations.insert(keys::TITLE.to_owned(), (*title).to_owned());
        blobs.push((layer, Bytes::copy_from_slice(bytes)));
    }
    let mut layers: Vec<_> = blobs[1..].iter().map(|(layer, _)| layer.clone()).collect();
    if layers.is_empty() {
        layers.push(Descriptor::empty());
    }
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: media_type::IMAGE_MANIFEST.to_owned(),
        artifact_type: Some(artifact_type.to_owned()),
        config: Descriptor::empty(),
        layers,
        subject: subject.map(Descriptor::plain),
        annotations: Annotations::new(),
    };
    Packed { manifest: manifest.to_bytes().into(), blobs }
}
