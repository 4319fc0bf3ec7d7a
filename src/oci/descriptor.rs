//! Descriptors: what names content.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{Annotations, Digest, Platform, keys, media_type};

/// The content of the empty descriptor.
pub const EMPTY_JSON: &[u8] = b"{}";

/// Media type, digest and size of some content, with what else is known of it.
///
/// Implements image-spec v1.1, "OCI Content Descriptors".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What kind of content it is.
    #[serde(default)]
    pub media_type: String,
    /// Name of the content.
    pub digest: Digest,
    /// Number of bytes; below 2^63.
    #[serde(deserialize_with = "size")]
    pub size: u64,
    /// Other places that offer the content.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub urls: Vec<String>,
    /// Annotations of the descriptor, not of the content.
    #[serde(default, skip_serializing_if = "Annotations::is_empty", deserialize_with = "null_as_default")]
    pub annotations: Annotations,
    /// The content itself, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The platform that the content is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The artifact type of the manifest that is described.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// Describes content of which media type, digest and size are known.
    #[must_use]
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            urls: Vec::new(),
            annotations: Annotations::new(),
            data: None,
            platform: None,
            artifact_type: None,
        }
    }

    /// Describes bytes, with SHA-256.
    #[must_use]
    pub fn of(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// The empty descriptor, with its content in `data`.
    ///
    /// Implements image-spec v1.1, "Guidance for an Empty Descriptor".
    #[must_use]
    pub fn empty() -> Self {
        Self { data: Some(BASE64_STANDARD.encode(EMPTY_JSON)), ..Self::of(media_type::EMPTY, EMPTY_JSON) }
    }

    /// The same content without annotations, platform and the like.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self::new(self.media_type.clone(), self.digest.clone(), self.size)
    }

    /// Do both describe the same content as the same media type?
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.digest == other.digest && self.size == other.size && self.media_type == other.media_type
    }

    /// The name of the file that the content is; `None` without the annotation.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.annotations.get(keys::TITLE).map(String::as_str)
    }

    /// What people are shown: the title if there is one, else the media type.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.title().unwrap_or(&self.media_type)
    }

    /// Is the content a manifest or an index?
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        media_type::is_manifest(&self.media_type)
    }

    /// Is the content `{}`, whatever its media type?
    #[must_use]
    pub fn is_empty_json(&self) -> bool {
        self.size == EMPTY_JSON.len() as u64 && self.digest == Digest::of(EMPTY_JSON)
    }

    /// The content, if it is carried in `data` and is what digest and size say.
    #[must_use]
    pub fn inline_content(&self) -> Option<Vec<u8>> {
        let bytes = BASE64_STANDARD.decode(self.data.as_deref()?).ok()?;
        let genuine = bytes.len() as u64 == self.size
            && Digest::of_with(self.digest.algorithm(), &bytes) == self.digest;
        genuine.then_some(bytes)
    }
}

/// Reads a size, and refuses those that a signed 64-bit number cannot hold.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size = u64::deserialize(deserializer)?;
    i64::try_from(size).map(|_| size).map_err(|_| de::Error::custom("a size of 2^63 or more"))
}

/// Reads a member that some writers give as `null` where they mean "none".
pub(super) fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::json;

    #[test]
    fn the_empty_descriptor_carries_its_content() {
        assert_eq!(
            String::from_utf8(json::to_vec(&Descriptor::empty())).unwrap(),
            r#"{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="}"#
        );
        assert_eq!(Descriptor::empty().inline_content().as_deref(), Some(EMPTY_JSON));
    }

    #[test]
    fn a_size_that_lies_is_refused() {
        let digest = Digest::of(b"");
        for (size, good) in [
            ("0", true),
            ("9223372036854775807", true),
            ("9223372036854775808", false),
            ("-1", false),
            ("1.5", false),
            ("\"1\"", false),
        ] {
            let text = format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":{size}}}"#);
            assert_eq!(serde_json::from_str::<Descriptor>(&text).is_ok(), good, "{size}");
        }
    }

    #[test]
    fn data_that_is_not_the_content_is_ignored() {
        let wrong = Descriptor { data: Some("e30h".into()), ..Descriptor::empty() };
        assert_eq!(wrong.inline_content(), None);
    }
}
