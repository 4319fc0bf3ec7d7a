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
/// Referrers could not be listed, or nest deeper than [`MAXIMUM_DEPTH`].
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
