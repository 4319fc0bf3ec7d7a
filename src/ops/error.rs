//! Why a verb failed, where it is not the content that failed.

use crate::{content, oci};

/// The result of a verb.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Content could not be looked up, read or written.
    #[error(transparent)]
    Content(#[from] content::Error),
    /// A value breaks its specification.
    #[error(transparent)]
    Invalid(#[from] oci::Error),
    /// The reference that a verb starts from could not be resolved.
    #[error("failed to resolve {reference}")]
    Resolve {
        /// Tag or digest as it was given.
        reference: String,
        /// What failed.
        source: content::Error,
    },
    /// One of the additional tags could not be set; those before it are.
    #[error("failed to tag {tag}")]
    Tag {
        /// The tag.
        tag: String,
        /// What failed.
        source: content::Error,
    },
    /// An attached artifact has no type.
    #[error("missing artifact type")]
    MissingArtifactType,
    /// The artifact type is no media type.
    #[error("invalid artifactType format: {0}")]
    ArtifactType(oci::MediaTypeError),
    /// The media type of the config is none.
    #[error("invalid config mediaType format: {0}")]
    ConfigType(oci::MediaTypeError),
    /// The annotation that says when an artifact was made is no time.
    #[error("invalid date and time format: {text:?}: {reason}")]
    Created {
        /// The value of the annotation.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Referrers hang from each other deeper than is followed.
    #[error("referrers nest deeper than {0} levels")]
    TooDeep(usize),
}
