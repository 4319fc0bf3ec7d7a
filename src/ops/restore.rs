//! Tags of a backup become tags of a repository again.

use std::sync::Arc;

use super::{
    Concurrency, GraphCopy, Result,
    backup::{self, Tagged},
    copy, referrers,
};
use crate::{
    content::{self, Side, Source, Target},
    oci::Document,
    progress::{Event, Progress},
};

/// How to restore.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Restore referrers, referrers of referrers and those of an index's manifests as well.
    pub referrers: bool,
    /// Nodes that are moved at once.
    pub concurrency: Concurrency,
}

/// Counts the referrers that are restored with a tag. Only the backup is looked at.
///
/// # Errors
/// The backup could not be read.
pub async fn count(source: &dyn Source, tagged: &Tagged, options: &Options) -> Result<usize> {
    if !options.referrers {
        return Ok(0);
    }
    Ok(referrers::count(source, &tagged.node).await.map_err(|error| error.on(Side::Source))?)
}

/// Restores a tag with everything below it. What the target has is not moved again.
///
/// # Errors
/// Content could not be read or written; what was moved before stays.
pub async fn restore(
    source: Arc<dyn Source>,
    target: Arc<dyn Target>,
    tagged: &Tagged,
    options: &Options,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    if backup::is_list(tagged) && target.lists_referrers() {
        return restore_list(source, target, tagged, options, progress).await;
    }
    let (tag, node) = (&tagged.tag, tagged.node.clone());
    let engine =
        GraphCopy::new(source.clone(), target.clone(), progress.clone()).concurrency(options.concurrency);
    if options.referrers {
        let found = copy::around(source, node.clone(), options.concurrency, &*progress).await?;
        engine.attached(&found.nodes).run_all(found.ends()).await?;
        target.tag(&node, tag).await.map_err(|error| error.on(Side::Target))?;
    } else {
        // With the bytes at hand a root that is there gets its tag in one request.
        let bytes = source.fetch_bytes(&node).await.map_err(|error| error.on(Side::Source))?;
        engine.tag(Some(tag.clone())).run_with(node, Some(bytes)).await?;
    }
    Ok(())
}

/// Restores a list of referrers to a store that may have a newer one, to which something was attached since
/// the backup.
async fn restore_list(
    source: Arc<dyn Source>,
    target: Arc<dyn Target>,
    tagged: &Tagged,
    options: &Options,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    let node = tagged.node.clone();
    let bytes = source.fetch_bytes(&node).await.map_err(|error| error.on(Side::Source))?;
    let found = match options.referrers {
        true => copy::around(source.clone(), node.clone(), options.concurrency, &*progress).await?.nodes,
        false => Vec::new(),
    };
    let members = Document::parse(&node.media_type, &bytes).map_err(content::Error::from)?.manifests;
    let roots = found.iter().filter(|found| found.digest != node.digest).chain(&members);
    let engine = GraphCopy::new(source, target.clone(), progress.clone()).concurrency(options.concurrency);
    engine.attached(&found).run_all(roots.cloned().collect()).await?;
    progress.event(Event::Planned(&node));
    progress.event(Event::Started(&node));
    let stored = target.push_list(&node, bytes, &tagged.tag).await;
    stored.map_err(|error| error.on(Side::Target))?;
    progress.event(Event::Done(&node));
    Ok(())
}

#[cfg(test)]
mod tests;
