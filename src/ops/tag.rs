//! More names for one manifest.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Error, Result};
use crate::{
    content::Target,
    oci::Descriptor,
    progress::{Event, Progress},
};

/// Tags that are set at once unless told otherwise.
pub const DEFAULT_CONCURRENCY: usize = 5;

/// Gives a manifest that the target has more tags, so many at once; 0 means the default.
///
/// # Errors
/// The first tag that fails; those that were set stay.
pub async fn tag_all(
    target: &Arc<dyn Target>,
    node: &Descriptor,
    tags: &[String],
    concurrency: usize,
    progress: &dyn Progress,
) -> Result<()> {
    let concurrency = if concurrency == 0 { DEFAULT_CONCURRENCY } else { concurrency };
    stream::iter(tags)
        .map(|tag| async move {
            target.tag(node, tag).await.map_err(|source| Error::Tag { tag: tag.clone(), source })?;
            progress.event(Event::Tagged(tag));
            Ok(())
        })
        .buffer_unordered(concurrency)
        .try_collect()
        .await
}
