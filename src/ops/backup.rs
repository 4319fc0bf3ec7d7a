//! Tags of a repository become tags of another store, with all that they name.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Concurrency, Error, GraphCopy, Result, copy, referrers};
use crate::{
    content::{self, Side, Source, Target},
    oci::{Descriptor, media_type},
    progress::Progress,
};

/// A tag with what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The tag.
    pub tag: String,
    /// The manifest.
    pub node: Descriptor,
}

/// Lists all tags of a store, in its order.
///
/// # Errors
/// The store failed.
pub async fn all_tags(source: &dyn Source) -> Result<Vec<String>> {
    Ok(source.tags(None).try_concat().await?)
}

/// Looks tags up, so many at once. The answer is in the order of the tags.
///
/// # Errors
/// The first tag that is not there, or that cannot be looked up.
pub async fn resolve(source: &dyn Source, tags: &[String], concurrency: Concurrency) -> Result<Vec<Tagged>> {
    let resolved = stream::iter(tags).map(|tag| async move {
        match source.resolve(tag).await {
            Ok(node) => Ok(Tagged { tag: tag.clone(), node }),
            Err(source) => Err(Error::ResolveTag { tag: tag.clone(), source }),
        }
    });
    resolved.buffered(concurrency.lookups()).try_collect().await
}

/// How to back up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Save referrers, referrers of referrers and those of an index's manifests as well.
    pub referrers: bool,
    /// Leave out a tag that lists referrers if something that it lists is gone, rather than fail.
    pub skips_stale_lists: bool,
    /// Nodes that are moved at once.
    pub concurrency: Concurrency,
}

/// What became of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The tag is saved.
    Saved {
        /// Referrers that it has in the target.
        referrers: usize,
        /// What says of referrers that are listed, but not there, that they are not.
        gone: Vec<String>,
    },
    /// The tag lists referrers of which some are gone. It is left out; what else it lists is saved.
    Stale {
        /// What says that something is gone.
        gone: String,
    },
}

/// A backup of one store to another.
#[derive(Clone)]
pub struct Backup {
    source: Arc<dyn Source>,
    target: Arc<dyn Target>,
    options: Options,
}

impl Backup {
    /// Sets a backup up.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, target: Arc<dyn Target>, options: Options) -> Self {
        Self { source, target, options }
    }

    /// Saves a tag with everything below it. What the target has is not moved again.
    ///
    /// A referrer that is listed by the source, but is not there, is no failure: nobody can save it.
    ///
    /// # Errors
    /// Content could not be read or written.
    pub async fn save(&self, tagged: &Tagged, progress: Arc<dyn Progress>) -> Result<Outcome> {
        let engine = GraphCopy::new(self.source.clone(), self.target.clone(), progress.clone())
            .concurrency(self.options.concurrency);
        let saved = match self.options.referrers {
            true => self.with_referrers(tagged, &engine, &*progress).await,
            false => self.alone(tagged, &engine).await,
        };
        match saved {
            Err(error) if self.options.skips_stale_lists && is_gone(&error) && is_list(tagged) => {
                self.save_members(tagged, &engine).await?;
                Ok(Outcome::Stale { gone: error.innermost().to_string() })
            }
            saved => Ok(saved?),
        }
    }

    async fn alone(&self, tagged: &Tagged, engine: &GraphCopy) -> content::Result<Outcome> {
        engine.clone().tag(Some(tagged.tag.clone())).run(tagged.node.clone()).await?;
        Ok(Outcome::Saved { referrers: 0, gone: Vec::new() })
    }

    async fn with_referrers(
        &self,
        tagged: &Tagged,
        engine: &GraphCopy,
        progress: &dyn Progress,
    ) -> content::Result<Outcome> {
        let on_target = |error: content::Error| error.on(Side::Target);
        let (source, concurrency) = (self.source.clone(), self.options.concurrency);
        let around = copy::around(source, tagged.node.clone(), concurrency, progress).await?;
        match engine.clone().run_all(around.ends()).await {
            Err(error) if !is_gone(&error) => return Err(error),
            _ => {}
        }
        // What a list of referrers names may be gone, and then it does not bring its subject along.
        let mut gone = Vec::new();
        for node in &around.nodes {
            match self.save_missing(node, engine).await {
                Err(error) if is_gone(&error) && *node != tagged.node => {
                    gone.push(error.innermost().to_string());
                }
                saved => saved?,
            }
        }
        self.target.tag(&tagged.node, &tagged.tag).await.map_err(on_target)?;
        let saved = self.target.clone().as_source();
        let referrers = referrers::count(&*saved, &tagged.node).await.map_err(on_target)?;
        gone.sort_unstable();
        gone.dedup();
        Ok(Outcome::Saved { referrers, gone })
    }

    /// Saves what a list of referrers lists, as far as it is there.
    async fn save_members(&self, tagged: &Tagged, engine: &GraphCopy) -> content::Result<()> {
        for node in referrers::members(&*self.source, &tagged.node).await? {
            match self.save_missing(&node, engine).await {
                Err(error) if is_gone(&error) => {}
                saved => saved?,
            }
        }
        Ok(())
    }

    async fn save_missing(&self, node: &Descriptor, engine: &GraphCopy) -> content::Result<()> {
        if self.target.exists(node).await.map_err(|error| error.on(Side::Target))? {
            return Ok(());
        }
        engine.clone().run(node.clone()).await
    }
}

/// Did the source not have something?
fn is_gone(error: &content::Error) -> bool {
    matches!(error, content::Error::Copy { side: Side::Source, .. }) && error.is_not_found()
}

/// Is it the list of a subject's referrers, as it is kept where there is no referrers API?
///
/// Implements distribution-spec v1.1, "Referrers Tag Schema".
pub(super) fn is_list(tagged: &Tagged) -> bool {
    let encoded =
        tagged.tag.split_once('-').filter(|(name, _)| matches!(*name, "sha256" | "sha384" | "sha512"));
    let is_encoded = |text: &str| {
        matches!(text.len(), 64 | 96 | 128)
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    encoded.is_some_and(|(_, encoded)| is_encoded(encoded)) && media_type::is_index(&tagged.node.media_type)
}

#[cfg(test)]
mod tests;
