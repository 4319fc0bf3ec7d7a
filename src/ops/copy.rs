//! A graph goes from one store to another.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::task::JoinSet;

use super::{Error, GraphCopy, Result};
use crate::{
    content::{self, Source, Target, graph},
    oci::{Descriptor, Digest, Document, Platform, media_type},
    progress::Progress,
};

/// How to copy.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Copy this platform's manifest of an index.
    pub platform: Option<Platform>,
    /// Copy referrers, referrers of referrers and those of an index's manifests as well.
    pub recursive: bool,
    /// Write manifests even if the target has them.
    pub force: bool,
    /// Nodes that are moved at once; 0 means the default.
    pub concurrency: usize,
    /// The tag at the target; without it the root is found by its digest only.
    pub tag: Option<String>,
}

/// Copies an artifact, and returns the root that was copied.
///
/// # Errors
/// The root cannot be resolved, or content could not be read or written.
pub async fn copy(
    source: Arc<dyn Source>,
    target: Arc<dyn Target>,
    reference: &str,
    options: Options,
    progress: Arc<dyn Progress>,
) -> Result<Descriptor> {
    let engine = GraphCopy::new(source.clone(), target.clone(), progress)
        .concurrency(options.concurrency)
        .force(options.force);
    let tag = options.tag.filter(|tag| !tag.is_empty());
    if options.recursive {
        let root = resolve(&source, reference, options.platform.as_ref()).await?;
        let ends = with_referrers(source, root.clone(), options.concurrency).await?;
        engine.run_all(ends).await?;
        if let Some(tag) = tag.filter(|tag| *tag != root.digest.to_string()) {
            target.tag(&root, &tag).await.map_err(|error| error.on(content::Side::Target))?;
        }
        return Ok(root);
    }
    let Some(tag) = tag else {
        let root = resolve(&source, reference, options.platform.as_ref()).await?;
        engine.run(root.clone()).await?;
        return Ok(root);
    };
    let on_source = |error: content::Error| error.on(content::Side::Source);
    let (root, bytes) = source.fetch_manifest(reference).await.map_err(on_source)?;
    let (root, bytes) = match &options.platform {
        None => (root, Some(bytes)),
        Some(wanted) => {
            let selected =
                graph::select_platform(&*source, &root, &bytes, wanted).await.map_err(on_source)?;
            let bytes = (selected.digest == root.digest).then_some(bytes);
            (selected, bytes)
        }
    };
    engine.tag(Some(tag)).run_with(root.clone(), bytes).await?;
    Ok(root)
}

async fn resolve(
    source: &Arc<dyn Source>,
    reference: &str,
    platform: Option<&Platform>,
) -> Result<Descriptor> {
    let resolved = super::resolve(&**source, reference, platform).await;
    resolved.map_err(|source| Error::Resolve { reference: reference.to_owned(), source })
}

/// Finds the nodes from which everything around a root can be reached: the root's referrers and theirs,
/// and those of every manifest of an index, at any depth. Only ends are returned, since a referrer brings
/// its subject along.
///
/// # Errors
/// Referrers could not be listed, or an index could not be read.
pub async fn with_referrers(
    source: Arc<dyn Source>,
    root: Descriptor,
    concurrency: usize,
) -> Result<Vec<Descriptor>> {
    let concurrency = if concurrency == 0 { super::DEFAULT_CONCURRENCY } else { concurrency };
    let mut order = vec![root.clone()];
    let mut is_subject: HashMap<Digest, bool> = HashMap::new();
    let mut seen = HashSet::from([root.digest.clone()]);
    let mut copied = HashSet::from([root.digest.clone()]);
    let mut queue = vec![root];
    let mut running = JoinSet::new();
    loop {
        while running.len() < concurrency {
            let Some(node) = queue.pop() else { break };
            let source = source.clone();
            running.spawn(async move { neighbours(&*source, &node).await.map(|found| (node, found)) });
        }
        let Some(joined) = running.join_next().await else { break };
        let (node, found) = match joined {
            Ok(found) => found.map_err(|error| error.on(content::Side::Source))?,
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        };
        is_subject.insert(node.digest, !found.referrers.is_empty());
        for referrer in found.referrers {
            if copied.insert(referrer.digest.clone()) {
                order.push(referrer.clone());
            }
            if seen.insert(referrer.digest.clone()) {
                queue.push(referrer);
            }
        }
        queue.extend(found.manifests.into_iter().filter(|manifest| seen.insert(manifest.digest.clone())));
    }
    order.retain(|node| !is_subject.get(&node.digest).copied().unwrap_or_default());
    Ok(order)
}

/// What hangs on a node.
struct Neighbours {
    referrers: Vec<Descriptor>,
    /// The manifests of an index, whose referrers are wanted too.
    manifests: Vec<Descriptor>,
}

async fn neighbours(source: &dyn Source, node: &Descriptor) -> content::Result<Neighbours> {
    let referrers = source.referrers(node, None).await?;
    let manifests = if media_type::is_index(&node.media_type) {
        let bytes = source.fetch_bytes(node).await?;
        let mut manifests = Document::parse(&node.media_type, &bytes)?.manifests;
        manifests.retain(Descriptor::is_manifest);
        manifests
    } else {
        Vec::new()
    };
    Ok(Neighbours { referrers, manifests })
}
