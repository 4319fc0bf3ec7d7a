//! Manifests: the three kinds that are written, and one view of all kinds that are read.

use serde::{Deserialize, Serialize};

use super::{Annotations, Descriptor, descriptor::null_as_default, error::Error, json, media_type};

/// An image manifest as it is written; artifacts of today are image manifests.
///
/// Implements image-spec v1.1, "OCI Image Manifest Specification".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageManifest {
    /// Always 2.
    pub schema_version: u32,
    /// The media type of an image manifest.
    pub media_type: String,
    /// What kind of artifact it is; `None` in the form of the specification 1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The config blob.
    pub config: Descriptor,
    /// The layers, in order.
    pub layers: Vec<Descriptor>,
    /// What the artifact is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations of the manifest.
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl ImageManifest {
    /// The bytes that its digest is taken of.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        json::to_vec(self)
    }
}

/// An artifact manifest of one of the two generations before the image manifest had an `artifactType`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactManifest {
    /// [`media_type::ARTIFACT_MANIFEST`] or [`media_type::ORAS_ARTIFACT_MANIFEST`].
    pub media_type: String,
    /// What kind of artifact it is.
    pub artifact_type: String,
    /// The content, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<Descriptor>,
    /// What the artifact is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations of the manifest.
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl ArtifactManifest {
    /// The bytes that its digest is taken of.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        json::to_vec(self)
    }
}

/// What a manifest of any kind says: images and indexes of OCI and Docker, and both artifact manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Document {
    /// The media type that the document gives itself; empty when it gives none.
    #[serde(deserialize_with = "null_as_default")]
    pub media_type: String,
    /// What kind of artifact it is.
    #[serde(deserialize_with = "null_as_default")]
    artifact_type: String,
    /// The config of an image manifest.
    pub config: Option<Descriptor>,
    /// The layers of an image manifest.
    #[serde(deserialize_with = "null_as_default")]
    pub layers: Vec<Descriptor>,
    /// The content of an artifact manifest.
    #[serde(deserialize_with = "null_as_default")]
    pub blobs: Vec<Descriptor>,
    /// The manifests of an index.
    #[serde(deserialize_with = "null_as_default")]
    pub manifests: Vec<Descriptor>,
    /// What the manifest is attached to.
    pub subject: Option<Descriptor>,
    /// Annotations of the manifest.
    #[serde(deserialize_with = "null_as_default")]
    pub annotations: Annotations,
}

impl Document {
    /// Reads a manifest of the given media type. Members that do not belong to the type are dropped.
    ///
    /// # Errors
    /// The bytes are not JSON of the shape that the media type promises, or have both `layers` and
    /// `manifests`.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |reason: String| Error::InvalidDocument { media_type: media_type.to_owned(), reason };
        // A derived reader would take an array for the members in order.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(refuse("not a JSON object".into()));
        }
        let mut document: Self = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        if !document.manifests.is_empty() && (!document.layers.is_empty() || document.config.is_some()) {
            return Err(refuse("it is a manifest and an index at once".into()));
        }
        if media_type::is_image_manifest(media_type) && document.config.is_none() {
            return Err(refuse("it has no config".into()));
        }
        if !media_type::is_image_manifest(media_type) {
            document.config = None;
            document.layers.clear();
        }
        if !media_type::is_index(media_type) {
            document.manifests.clear();
        }
        if !media_type::is_artifact_manifest(media_type) {
            document.blobs.clear();
        }
        if !media_type::may_have_subject(media_type) {
            document.subject = None;
        }
        media_type.clone_into(&mut document.media_type);
        Ok(document)
    }

    /// What kind of artifact it is: `artifactType`, or the config's media type where an image manifest
    /// has none.
    ///
    /// Implements distribution-spec v1.1, "Listing Referrers".
    #[must_use]
    pub fn artifact_type(&self) -> Option<&str> {
        let config = || self.config.as_ref().map(|config| config.media_type.as_str());
        Some(self.artifact_type.as_str())
            .filter(|kind| !kind.is_empty())
            .or_else(config)
            .filter(|kind| !kind.is_empty())
    }

    /// The `artifactType` member alone.
    #[must_use]
    pub fn own_artifact_type(&self) -> Option<&str> {
        Some(self.artifact_type.as_str()).filter(|kind| !kind.is_empty())
    }

    /// The nodes that this manifest points to: subject, config, then layers, blobs or manifests.
    #[must_use]
    pub fn successors(&self) -> Vec<Descriptor> {
        let lists = [&self.layers, &self.blobs, &self.manifests];
        self.subject.iter().chain(&self.config).chain(lists.into_iter().flatten()).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOB: &str = r#"{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;

    #[test]
    fn the_artifact_type_falls_back_to_the_config() {
        let with = format!(r#"{{"artifactType":"t/1","config":{BLOB},"layers":null}}"#);
        let without = format!(r#"{{"config":{BLOB},"layers":[]}}"#);
        assert_eq!(
            Document::parse(media_type::IMAGE_MANIFEST, with.as_bytes()).unwrap().artifact_type(),
            Some("t/1")
        );
        assert_eq!(
            Document::parse(media_type::IMAGE_MANIFEST, without.as_bytes()).unwrap().artifact_type(),
            Some("a/b")
        );
    }

    #[test]
    fn members_that_do_not_belong_to_the_type_are_no_successors() {
        let text = format!(r#"{{"config":{BLOB},"layers":[{BLOB}],"blobs":[{BLOB}],"subject":{BLOB}}}"#);
        let of = |media_type| Document::parse(media_type, text.as_bytes()).unwrap().successors().len();
        assert_eq!(of(media_type::IMAGE_MANIFEST), 3);
        assert_eq!(of(media_type::DOCKER_MANIFEST), 2);
        assert_eq!(of(media_type::ARTIFACT_MANIFEST), 2);
        assert_eq!(of(media_type::ORAS_ARTIFACT_MANIFEST), 2);
    }

    #[test]
    fn a_document_of_two_minds_is_refused() {
        let text = format!(r#"{{"config":{BLOB},"layers":[{BLOB}],"manifests":[{BLOB}]}}"#);
        assert!(Document::parse(media_type::IMAGE_INDEX, text.as_bytes()).is_err());
        assert!(Document::parse(media_type::IMAGE_MANIFEST, b"{}").is_err());
        assert!(Document::parse(media_type::IMAGE_INDEX, b"[]").is_err());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        /// A good manifest with some of its bytes changed.
        #[test]
        fn any_manifest_is_read_or_refused(
            changes in proptest::collection::vec((0..400_usize, "[\\[\\]{}\",:0-9a-z -]"), 0..4),
        ) {
            let mut text = format!(
                r#"{{"mediaType":"","config":{BLOB},"layers":[{BLOB}],"subject":{BLOB},"annotations":{{"a":"b"}}}}"#
            );
            crate::oci::fuzz::manifest(text.as_bytes());
            for (at, with) in changes {
                let at = at % text.len();
                text.replace_range(at..=at, &with);
            }
            crate::oci::fuzz::manifest(text.as_bytes());
        }
    }
}
