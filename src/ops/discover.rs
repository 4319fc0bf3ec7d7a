//! The tree of referrers of a node.

use std::{collections::HashMap, sync::Arc};

use tokio::task::JoinSet;

use super::{Error, Result};
use crate::{
    content::{self, Source},
    oci::{Descriptor, Digest},
};

/// Levels of referrers that are followed at most.
pub const MAXIMUM_DEPTH: usize = 2_000;

/// Referrers that are followed at most. A registry could make up new ones for ever.
pub const MAXIMUM_REFERRERS: usize = 250_000;

/// Nodes whose referrers are listed at once.
const CONCURRENCY: usize = 8;

/// How to discover.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only referrers of this type, at every level.
    pub artifact_type: Option<String>,
    /// Levels below the root; `None` is as deep as there are any.
    pub depth: Option<usize>,
}

/// A node and what is attached to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The node.
    pub descriptor: Descriptor,
    /// Places of its referrers in the tree, in the order in which the store lists them.
    pub referrers: Vec<usize>,
}

/// A tree of referrers; the root is at place 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// All nodes; a node that is reached twice stands here twice, the second time without referrers.
    pub nodes: Vec<Node>,
}

/// Follows referrers from a root.
///
/// # Errors
/// Referrers could not be listed, nest deeper than [`MAXIMUM_DEPTH`], or are more than [`MAXIMUM_REFERRERS`].
pub async fn discover(source: Arc<dyn Source>, root: Descriptor, options: &Options) -> Result<Tree> {
    let depth = options.depth.unwrap_or(MAXIMUM_DEPTH);
    let lists = list(source, &root, options.artifact_type.clone(), depth, options.depth.is_none()).await?;
    Ok(assemble(root, lists, depth))
}

/// Lists the referrers of every node that is reached, each once, several at a time.
async fn list(
    source: Arc<dyn Source>,
    root: &Descriptor,
    artifact_type: Option<String>,
    depth: usize,
    is_unlimited: bool,
) -> Result<HashMap<Digest, Vec<Descriptor>>> {
    let mut lists: HashMap<Digest, Vec<Descriptor>> = HashMap::new();
    let mut level = vec![root.clone()];
    let mut total = 0;
    for step in 0..=depth {
        level.retain(|node| !lists.contains_key(&node.digest));
        if level.is_empty() || step == depth {
            break;
        }
        let mut next = Vec::new();
        let mut waiting = std::mem::take(&mut level);
        let mut running = JoinSet::new();
        loop {
            while running.len() < CONCURRENCY {
                let Some(node) = waiting.pop() else { break };
                if lists.insert(node.digest.clone(), Vec::new()).is_some() {
                    continue;
                }
                let (source, artifact_type) = (source.clone(), artifact_type.clone());
                running.spawn(async move {
                    let listed = source.referrers(&node, artifact_type.as_deref()).await;
                    listed.map(|referrers| (node.digest, referrers))
                });
            }
            let Some(joined) = running.join_next().await else { break };
            let (digest, referrers): (Digest, Vec<Descriptor>) = match joined {
                Ok(listed) => listed.map_err(|error: content::Error| error)?,
                Err(failure) => std::panic::resume_unwind(failure.into_panic()),
            };
            total += referrers.len();
            if total > MAXIMUM_REFERRERS {
                return Err(too_many(root).into());
            }
            next.extend(referrers.iter().cloned());
            lists.insert(digest, referrers);
        }
        level = next;
    }
    if is_unlimited && !level.is_empty() {
        return Err(Error::TooDeep(MAXIMUM_DEPTH));
    }
    Ok(lists)
}

/// More is attached to a root than is followed.
pub(super) fn too_many(root: &Descriptor) -> content::Error {
    let reason = format!("more than {MAXIMUM_REFERRERS} referrers are attached to it");
    content::Error::InvalidGraph { digest: root.digest.clone(), reason }
}

/// Builds the tree depth first, so that a node is expanded where a reader meets it first.
fn assemble(root: Descriptor, mut lists: HashMap<Digest, Vec<Descriptor>>, depth: usize) -> Tree {
    let mut nodes = vec![Node { descriptor: root, referrers: Vec::new() }];
    let mut stack = vec![(0, 0)];
    while let Some((place, level)) = stack.pop() {
        if level >= depth {
            continue;
        }
        let Some(referrers) = lists.remove(&nodes[place].descriptor.digest) else { continue };
        let first = nodes.len();
        nodes.extend(referrers.into_iter().map(|descriptor| Node { descriptor, referrers: Vec::new() }));
        let places: Vec<usize> = (first..nodes.len()).collect();
        stack.extend(places.iter().rev().map(|&place| (place, level + 1)));
        nodes[place].referrers = places;
    }
    Tree { nodes }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::{
        content::{ByteStream, Memory, TagPages},
        oci::media_type,
        ops::copy,
        progress::Silent,
    };

    /// A store that makes up 500 new referrers of whatever it is asked for.
    struct Endless(Memory);

    #[async_trait]
    impl Source for Endless {
        async fn resolve(&self, reference: &str) -> content::Result<Descriptor> {
            self.0.resolve(reference).await
        }
        async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> content::Result<ByteStream> {
            self.0.fetch_unverified(node, offset).await
        }
        async fn exists(&self, node: &Descriptor) -> content::Result<bool> {
            self.0.exists(node).await
        }
        async fn referrers(&self, subject: &Descriptor, _: Option<&str>) -> content::Result<Vec<Descriptor>> {
            let made_up = |number| {
                Descriptor::of(media_type::IMAGE_MANIFEST, format!("{number} {}", subject.digest).as_bytes())
            };
            Ok((0..500).map(made_up).collect())
        }
        fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
            self.0.tags(last)
        }
    }

    #[tokio::test]
    async fn referrers_that_never_end_are_not_followed_for_ever() {
        let source = Arc::new(Endless(Memory::new()));
        let root = Descriptor::of(media_type::IMAGE_MANIFEST, b"{}");
        let expected = "more than 250000 referrers are attached to it";
        let error = discover(source.clone(), root.clone(), &Options::default()).await.unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        let error =
            copy::around(source, root, crate::ops::Concurrency::default(), &Silent).await.err().unwrap();
        let error = format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
        assert!(error.contains(expected), "{error}");
    }
}
