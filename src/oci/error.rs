//! Why a value of the specifications could not be read.

/// The result of parsing one of the nouns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a text is not the value it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A reference has no `/`, so either its registry or its repository is missing.
    #[error("missing registry or repository")]
    MissingRepository,
    /// The part before the first `/` is no host with an optional port.
    #[error("invalid registry {0:?}")]
    InvalidRegistry(String),
    /// The repository breaks the grammar of the distribution specification.
    #[error("invalid repository {0:?}")]
    InvalidRepository(String),
    /// The tag breaks the grammar of the distribution specification.
    #[error("invalid tag {0:?}")]
    InvalidTag(String),
    /// The text after `@` is no digest.
    #[error("invalid digest {text:?}: {reason}")]
    InvalidDigest {
        /// The text as it was given.
        text: String,
        /// Which rule it breaks.
        reason: DigestError,
    },
    /// A reference names another registry or repository than the one it is used with.
    #[error("mismatch of the registry or repository: {0:?}")]
    Mismatch(String),
    /// A platform has no operating system.
    #[error("invalid platform: OS cannot be empty")]
    PlatformWithoutOs,
    /// A platform has no architecture.
    #[error("invalid platform: Architecture cannot be empty")]
    PlatformWithoutArchitecture,
    /// A platform has more than three parts.
    #[error("failed to parse platform {0:?}: expected format os[/arch[/variant]]")]
    InvalidPlatform(String),
    /// An annotation file has another shape than an object of objects of strings.
    #[error("{0}")]
    InvalidAnnotations(String),
    /// A document is not the JSON that its media type promises.
    #[error("invalid {media_type}: {reason}")]
    InvalidDocument {
        /// The media type it should have.
        media_type: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Which rule of the digest grammar a text breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// It is not `algorithm:hex`.
    #[error("invalid checksum digest format")]
    Format,
    /// The encoded part is too short or too long for its algorithm.
    #[error("invalid checksum digest length")]
    Length,
    /// The algorithm is not one of sha256, sha384 and sha512.
    #[error("unsupported digest algorithm")]
    Algorithm,
}
