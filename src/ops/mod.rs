//! The verbs of more than one step, written against [`Source`] and
//! [`Target`](crate::content::Target): typed options in, typed outcome out.

pub mod backup;
pub mod blob;
mod concurrency;
pub mod copy;
pub mod discover;
mod error;
mod graph_copy;
pub mod index;
pub mod manifest;
pub mod pack;
pub mod pull;
pub mod push;
pub mod referrers;
pub mod restore;
pub mod tag;

pub use concurrency::Concurrency;
pub use error::{Error, Result};
pub use graph_copy::{GraphCopy, Successors};

use crate::{
    content::{Source, graph},
    oci::{Descriptor, Platform},
};

/// Looks up a manifest, and inside an index the one for a platform if one is asked for.
///
/// # Errors
/// Nothing has that name, or nothing is for that platform.
pub async fn resolve(
    source: &dyn Source,
    reference: &str,
    platform: Option<&Platform>,
) -> crate::content::Result<Descriptor> {
    match platform {
        None => source.resolve(reference).await,
        Some(wanted) => {
            let (node, bytes) = source.fetch_manifest(reference).await?;
            graph::select_platform(source, &node, &bytes, wanted).await
        }
    }
}
