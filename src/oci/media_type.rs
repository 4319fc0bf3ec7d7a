//! Media types, and questions about them.

/// An image manifest of the OCI image specification.
pub const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An index of the OCI image specification.
pub const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The config of a runnable image.
pub const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The empty descriptor's content, `{}`.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The artifact manifest that release candidates of the OCI image specification 1.1 had.
pub const ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// The artifact manifest of the CNCF ORAS project, the oldest of the three.
pub const ORAS_ARTIFACT_MANIFEST: &str = "application/vnd.cncf.oras.artifact.manifest.v1+json";
/// Docker's image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's list of image manifests.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// The config of Docker's image manifest.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// A layer that is a file; also the default of a pushed file.
pub const LAYER_TAR: &str = "application/vnd.oci.image.layer.v1.tar";
/// A layer that is a compressed tar; the default of a pushed folder.
pub const LAYER_TAR_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The artifact type of a pushed artifact that was not given one.
pub const UNKNOWN_ARTIFACT: &str = "application/vnd.unknown.artifact.v1";
/// The config type of a pushed artifact that was not given one.
pub const UNKNOWN_CONFIG: &str = "application/vnd.unknown.config.v1+json";
/// What is known of content that was found by its digest only.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// The types of manifests that a registry is asked for, in the order in which they are sent.
pub const MANIFESTS: [&str; 6] = [
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    IMAGE_MANIFEST,
    IMAGE_INDEX,
    ARTIFACT_MANIFEST,
    ORAS_ARTIFACT_MANIFEST,
];

/// Is this a manifest or an index, rather than a blob?
#[must_use]
pub fn is_manifest(media_type: &str) -> bool {
    MANIFESTS.contains(&media_type)
}

/// Is this an image manifest, of OCI or Docker?
#[must_use]
pub fn is_image_manifest(media_type: &str) -> bool {
    matches!(media_type, IMAGE_MANIFEST | DOCKER_MANIFEST)
}

/// Is this an index, of OCI or Docker?
#[must_use]
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, IMAGE_INDEX | DOCKER_MANIFEST_LIST)
}

/// Is this one of the artifact manifests that came before the image manifest's `artifactType`?
#[must_use]
pub fn is_artifact_manifest(media_type: &str) -> bool {
    matches!(media_type, ARTIFACT_MANIFEST | ORAS_ARTIFACT_MANIFEST)
}

/// May a manifest of this type have a `subject`?
#[must_use]
pub fn may_have_subject(media_type: &str) -> bool {
    matches!(media_type, IMAGE_MANIFEST | IMAGE_INDEX) || is_artifact_manifest(media_type)
}

/// Is this a layer that must not be uploaded to, or is not kept by, a registry?
///
/// Implements image-spec v1.1, "Non-Distributable Layers", and Docker's foreign layers.
#[must_use]
pub fn is_non_distributable(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar")
        || matches!(
            media_type,
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
                | "application/vnd.docker.image.rootfs.foreign.diff.tar"
        )
}

/// The text is not `type/subtype`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: invalid media type")]
pub struct MediaTypeError(pub String);

/// Checks the syntax of a media type: two names of 1 to 127 characters with a `/` between them.
///
/// Implements RFC 6838, section 4.2.
///
/// # Errors
/// The text breaks the grammar.
pub fn validate(media_type: &str) -> Result<(), MediaTypeError> {
    let name = |part: &str| {
        (1..=127).contains(&part.len())
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    match media_type.split_once('/') {
        Some((kind, subtype)) if name(kind) && name(subtype) => Ok(()),
        _ => Err(MediaTypeError(media_type.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_has_two_restricted_names() {
        for good in ["a/b", "application/vnd.oci.empty.v1+json", "x/1!#$&^_.+-"] {
            assert_eq!(validate(good), Ok(()), "{good}");
        }
        let long = format!("a/{}", "b".repeat(128));
        for bad in
            ["", "a", "a/", "/b", "a/b/c", "a b/c", "a/.b", "application/x; charset=utf-8", long.as_str()]
        {
            assert!(validate(bad).is_err(), "{bad}");
        }
    }
}
