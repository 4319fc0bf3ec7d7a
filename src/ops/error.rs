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
    /// A tag could not be looked up.
    #[error("failed to resolve tag {tag:?}")]
    ResolveTag {
        /// The tag.
        tag: String,
        /// What failed.
        source: content::Error,
    },
    /// A manifest or index that a verb needs could not be read.
    #[error("could not find the {what} {name}")]
    Find {
        /// What was looked for: `manifest` or `index`.
        what: &'static str,
        /// What it is called, as it was given.
        name: String,
        /// What failed.
        source: content::Error,
    },
    /// The name is there, but for something else.
    #[error("{name} is not {what}")]
    WrongKind {
        /// What it is called, as it was given.
        name: String,
        /// What it should be: `a manifest` or `an index`.
        what: &'static str,
    },
    /// A name that belongs to a store is none there.
    #[error("invalid reference: {0}")]
    Reference(oci::Error),
    /// An index does not list what is to be taken out of it.
    #[error("{digest} does not exist in the index {index}")]
    NotListed {
        /// What is to be taken out.
        digest: oci::Digest,
        /// The index, as it was given.
        index: String,
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
