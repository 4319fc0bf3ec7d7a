//! What points to what in a layout: found by reading its manifests, since nothing else says it.

use std::collections::{HashMap, HashSet};

use crate::{
    content::{Result, Source},
    oci::{Descriptor, Digest, Document},
};

/// The referrers of each subject. Manifests do not change, so each is read once.
#[derive(Debug, Default)]
pub(super) struct Referrers {
    /// How often the list of manifests had changed when it was read last.
    pub(super) changes: Option<u64>,
    read: HashSet<Digest>,
    of: HashMap<Digest, Vec<Descriptor>>,
}

impl Referrers {
    /// Reads what can be reached from these manifests and was not read before.
    pub(super) async fn read(&mut self, source: &dyn Source, roots: Vec<Descriptor>) -> Result<()> {
        let Self { read, of, .. } = self;
        walk(source, roots, read, |node, document| {
            let Some(subject) = &document.subject else { return };
            let mut referrer = node.plain();
            referrer.artifact_type = document.artifact_type().map(str::to_owned);
            referrer.annotations.clone_from(&document.annotations);
            of.entry(subject.digest.clone()).or_default().push(referrer);
        })
        .await
    }

    /// The referrers of a subject, only those of one artifact type if it is given.
    pub(super) fn of(&self, subject: &Digest, artifact_type: Option<&str>) -> Vec<Descriptor> {
        let is_wanted = |node: &&Descriptor| {
            artifact_type.is_none_or(|wanted| node.artifact_type.as_deref() == Some(wanted))
        };
        self.of.get(subject).into_iter().flatten().filter(is_wanted).cloned().collect()
    }
}

/// Everything that goes when one manifest goes.
///
/// Its referrers go with it, and theirs, whatever tags they have. Of what it points to goes what nothing
/// else points to and has no tag. The subject of a referrer stays: it was there before its referrer.
pub(super) async fn doomed(
    source: &dyn Source,
    roots: Vec<Descriptor>,
    target: &Digest,
    is_tagged: impl Fn(&Digest) -> bool,
) -> Result<HashSet<Digest>> {
    let mut links: HashMap<Digest, Links> = HashMap::new();
    let mut predecessors: HashMap<Digest, usize> = HashMap::new();
    let mut referrers: HashMap<Digest, Vec<Digest>> = HashMap::new();
    walk(source, roots, &mut HashSet::new(), |node, document| {
        let successors: HashSet<_> = document.successors().into_iter().map(|node| node.digest).collect();
        for successor in &successors {
            *predecessors.entry(successor.clone()).or_default() += 1;
        }
        let subject = document.subject.as_ref().map(|subject| subject.digest.clone());
        if let Some(subject) = &subject {
            referrers.entry(subject.clone()).or_default().push(node.digest.clone());
        }
        links.insert(node.digest.clone(), Links { subject, successors });
    })
    .await?;
    let (mut gone, mut queue) = (HashSet::new(), vec![target.clone()]);
    while let Some(digest) = queue.pop() {
        queue.extend(referrers.remove(&digest).unwrap_or_default());
        if let Some(Links { subject, successors }) = links.remove(&digest) {
            for successor in successors {
                let left = predecessors.entry(successor.clone()).or_insert(1);
                *left -= 1;
                if *left == 0 && subject.as_ref() != Some(&successor) && !is_tagged(&successor) {
                    queue.push(successor);
                }
            }
        }
        gone.insert(digest);
    }
    Ok(gone)
}

struct Links {
    subject: Option<Digest>,
    successors: HashSet<Digest>,
}

/// Shows each manifest that can be reached from the roots, once. One that is not there is passed over:
/// a layout may hold a part of a graph.
async fn walk(
    source: &dyn Source,
    roots: Vec<Descriptor>,
    read: &mut HashSet<Digest>,
    mut visit: impl FnMut(&Descriptor, &Document),
) -> Result<()> {
    let mut queue = roots;
    // The first root is looked at first, so that lists come in the order of the layout.
    queue.reverse();
    while let Some(node) = queue.pop() {
        if !node.is_manifest() || read.contains(&node.digest) {
            continue;
        }
        let bytes = match source.fetch_bytes(&node).await {
            Err(error) if error.is_not_found() => continue,
            bytes => bytes?,
        };
        let document = Document::parse(&node.media_type, &bytes)?;
        visit(&node, &document);
        read.insert(node.digest);
        queue.extend(document.successors().into_iter().rev().filter(Descriptor::is_manifest));
    }
    Ok(())
}
