//! The image index.

use serde::{Deserialize, Serialize};

use super::{Annotations, Descriptor, descriptor::null_as_default, json, media_type};

/// A list of manifests.
///
/// Implements image-spec v1.1, "OCI Image Index Specification".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    #[serde(default = "two")]
    pub schema_version: u32,
    /// The media type of an index.
    #[serde(default = "index_type")]
    pub media_type: String,
    /// What kind of artifact the index is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The manifests, in order.
    #[serde(default, deserialize_with = "null_as_default")]
    pub manifests: Vec<Descriptor>,
    /// What the index is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations of the index.
    #[serde(default, skip_serializing_if = "Annotations::is_empty", deserialize_with = "null_as_default")]
    pub annotations: Annotations,
}

impl Index {
    /// An index of these manifests, with nothing else.
    #[must_use]
    pub fn of(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: two(),
            media_type: index_type(),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: Annotations::new(),
        }
    }

    /// The bytes that its digest is taken of.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        json::to_vec(self)
    }
}

fn two() -> u32 {
    2
}

fn index_type() -> String {
    media_type::IMAGE_INDEX.to_owned()
}
