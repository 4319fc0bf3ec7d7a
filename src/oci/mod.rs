//! The nouns of the OCI specifications: values, their grammar and their JSON.
//!
//! Nothing here reads a file or sends a request.

mod annotations;
mod descriptor;
mod digest;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod index;
pub mod json;
mod manifest;
pub mod media_type;
mod platform;
mod reference;

pub use annotations::{AnnotationFile, Annotations, keys};
pub use descriptor::{Descriptor, EMPTY_JSON};
pub use digest::{Algorithm, Digest, Hasher};
pub use error::{Error, Result};
pub use index::Index;
pub use manifest::{ArtifactManifest, Document, ImageManifest};
pub use media_type::MediaTypeError;
pub use platform::{Platform, own_architecture};
pub use reference::{Reference, is_tag, validate_registry};
