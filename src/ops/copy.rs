//! A graph goes from one store to another.

use std::{collections::HashSet, sync::Arc};

use tokio::task::JoinSet;

use super::{Concurrency, Error, GraphCopy, Result};
use crate::{
    content::{self, Source, Target, graph},
    oci::{Descriptor, Digest, Document, Platform, media_type},
    progress::{Event, Progress},
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
    /// Nodes that are moved at once.
    pub concurrency: Concurrency,
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
    let engine = GraphCopy::new(source.clone(), target.clone(), progress.clone())
        .concurrency(options.concurrency)
        .force(options.force);
    let tag = options.tag.filter(|tag| !tag.is_empty());
    if options.recursive {
        let root = resolve(&source, reference, options.platform.as_ref()).await?;
        let found = around(source, root.clone(), options.concurrency, &*progress).await?;
        engine.attached(&found.nodes).run_all(found.ends()).await?;
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

/// Finds everything around a root: its referrers and theirs, and those of every manifest of an index, at any
/// depth. All of it can be reached from the [`ends`](Found::ends), since a referrer brings its subject along.
///
/// What a store lists is believed only if the manifest itself names the subject; so there are no cycles.
///
/// # Errors
/// Referrers could not be listed, or an index could not be read.
pub(super) async fn around(
    source: Arc<dyn Source>,
    root: Descriptor,
    concurrency: Concurrency,
    progress: &dyn Progress,
) -> content::Result<Found> {
    let mut found = Found::default();
    found.accept(root.clone());
    let mut queue = vec![Visit { node: root, subject: None }];
    let mut running = JoinSet::new();
    loop {
        while running.len() < concurrency.lookups() {
            let Some(visit) = queue.pop() else { break };
            let source = source.clone();
            running.spawn(async move {
                neighbours(&*source, &visit.node, visit.subject.as_ref()).await.map(|found| (visit, found))
            });
        }
        let Some(joined) = running.join_next().await else { break };
        let (Visit { node, subject }, neighbours) = match joined {
            Ok(visited) => visited.map_err(|error| error.on(content::Side::Source))?,
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        };
        let Some(neighbours) = neighbours else {
            if let Some(subject) = &subject {
                progress.event(Event::Ignored { listed: &node, subject });
            }
            continue;
        };
        if let Some(subject) = subject {
            found.subjects.insert(subject);
            found.accept(node.clone());
        }
        if !found.expanded.insert(node.digest.clone()) {
            continue;
        }
        let referrers = neighbours
            .referrers
            .into_iter()
            .map(|referrer| Visit { node: referrer, subject: Some(node.digest.clone()) });
        let manifests =
            neighbours.manifests.into_iter().map(|manifest| Visit { node: manifest, subject: None });
        queue.extend(referrers.chain(manifests).filter(|visit| found.is_new(visit)));
        if found.visited.len() > super::discover::MAXIMUM_REFERRERS {
            return Err(super::discover::too_many(&found.nodes[0]).on(content::Side::Source));
        }
    }
    Ok(found)
}

/// A node to look at, with the subject that it is said to be attached to.
struct Visit {
    node: Descriptor,
    subject: Option<Digest>,
}

/// What has been found around a root.
#[derive(Default)]
pub(super) struct Found {
    /// The root, then the referrers.
    pub(super) nodes: Vec<Descriptor>,
    accepted: HashSet<Digest>,
    /// Nodes that have a referrer.
    subjects: HashSet<Digest>,
    /// Nodes whose referrers have been listed.
    expanded: HashSet<Digest>,
    visited: HashSet<(Digest, Option<Digest>)>,
}

impl Found {
    fn accept(&mut self, node: Descriptor) {
        if self.accepted.insert(node.digest.clone()) {
            self.nodes.push(node);
        }
    }

    /// Takes note of a visit, unless it was made.
    fn is_new(&mut self, visit: &Visit) -> bool {
        self.visited.insert((visit.node.digest.clone(), visit.subject.clone()))
    }

    /// The nodes that nothing is attached to.
    pub(super) fn ends(&self) -> Vec<Descriptor> {
        self.nodes.iter().filter(|node| !self.subjects.contains(&node.digest)).cloned().collect()
    }
}

/// What hangs on a node.
struct Neighbours {
    referrers: Vec<Descriptor>,
    /// The manifests of an index, whose referrers are wanted too.
    manifests: Vec<Descriptor>,
}

/// Lists what hangs on a node; `None` when the node is not attached to what it is said to be attached to.
async fn neighbours(
    source: &dyn Source,
    node: &Descriptor,
    subject: Option<&Digest>,
) -> content::Result<Option<Neighbours>> {
    let is_index = media_type::is_index(&node.media_type);
    let mut manifests = Vec::new();
    if is_index || subject.is_some() && media_type::may_have_subject(&node.media_type) {
        let read = async {
            let bytes = source.fetch_bytes(node).await?;
            Ok::<_, content::Error>(Document::parse(&node.media_type, &bytes)?)
        };
        match read.await {
            Ok(document) => {
                let own = document.subject.as_ref().map(|own| &own.digest);
                if subject.is_some() && own != subject {
                    return Ok(None);
                }
                manifests = document.manifests;
                manifests.retain(Descriptor::is_manifest);
            }
            Err(error) if is_index && !error.is_not_found() => return Err(error),
            // Whether it can be copied is found out when it is copied; the target may have it.
            Err(_) => {}
        }
    }
    let referrers = source.referrers(node, None).await?;
    Ok(Some(Neighbours { referrers, manifests }))
}

#[cfg(test)]
mod tests;
