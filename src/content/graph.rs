//! The graph of content: what a node points to, and which of an index's manifests is for a platform.

use bytes::Bytes;
use serde::Deserialize as _;

use super::{Error, Result, Source};
use crate::oci::{Descriptor, Document, Platform, media_type};

/// The nodes that a manifest points to: subject, config, then layers, blobs or manifests, in order.
/// Layers that must not be distributed are left out; other content than manifests points nowhere.
///
/// # Errors
/// The bytes are not what the media type says.
pub fn successors(node: &Descriptor, bytes: &[u8]) -> Result<Vec<Descriptor>> {
    if !node.is_manifest() {
        return Ok(Vec::new());
    }
    let mut successors = Document::parse(&node.media_type, bytes)?.successors();
    successors.retain(|successor| !media_type::is_non_distributable(&successor.media_type));
    Ok(successors)
}

/// Finds the manifest for a platform: the first entry of an index that matches, or an image manifest
/// whose config matches.
///
/// The bytes are those of `node`. Of an index's entry the whole descriptor is returned.
///
/// # Errors
/// [`Error::NoPlatform`] when nothing matches, [`Error::UnknownPlatform`] when the content says nothing
/// about a platform.
pub async fn select_platform(
    source: &dyn Source,
    node: &Descriptor,
    bytes: &Bytes,
    wanted: &Platform,
) -> Result<Descriptor> {
    if media_type::is_index(&node.media_type) {
        let index = Document::parse(&node.media_type, bytes)?;
        let matching =
            |entry: &Descriptor| entry.platform.as_ref().is_some_and(|platform| wanted.matches(platform));
        return index.manifests.into_iter().find(matching).ok_or_else(|| Error::NoPlatform {
            digest: node.digest.clone(),
            reason: "no matching manifest was found in the manifest list",
        });
    }
    let expected = match &*node.media_type {
        media_type::IMAGE_MANIFEST => media_type::IMAGE_CONFIG,
        media_type::DOCKER_MANIFEST => media_type::DOCKER_CONFIG,
        other => {
            return Err(Error::UnknownPlatform {
                media_type: other.to_owned(),
                expected: media_type::IMAGE_INDEX,
            });
        }
    };
    let Some(config) = Document::parse(&node.media_type, bytes)?.config else {
        return Err(Error::UnknownPlatform { media_type: String::new(), expected });
    };
    if config.media_type != expected {
        return Err(Error::UnknownPlatform { media_type: config.media_type, expected });
    }
    match platform_of_config(&source.fetch_bytes(&config).await?) {
        Some(platform) if wanted.matches(&platform) => Ok(node.clone()),
        _ => Err(Error::NoPlatform {
            digest: node.digest.clone(),
            reason: "platform in manifest does not match target platform",
        }),
    }
}

/// The platform that an image config says; `None` when it names neither architecture nor operating system.
#[must_use]
pub fn platform_of_config(config: &[u8]) -> Option<Platform> {
    let mut deserializer = serde_json::Deserializer::from_slice(config);
    let platform = Platform::deserialize(&mut deserializer).ok()?;
    (!platform.os.is_empty() || !platform.architecture.is_empty()).then_some(platform)
}
