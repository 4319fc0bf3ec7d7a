//! How much is attached to a node, directly and by way of other referrers.

use std::collections::HashSet;

use crate::{
    content::{Result, Source},
    oci::{Descriptor, Digest, Document, media_type},
};

/// Counts the referrers that are reached from a root, plus those that are reached from the manifests of an
/// index; one that is reached both ways counts twice.
///
/// # Errors
/// Referrers could not be listed, or an index could not be read.
pub async fn count(source: &dyn Source, root: &Descriptor) -> Result<usize> {
    let members = members_at_any_depth(source, root).await?;
    Ok(count_reached(source, vec![root.clone()]).await? + count_reached(source, members).await?)
}

async fn count_reached(source: &dyn Source, mut queue: Vec<Descriptor>) -> Result<usize> {
    let mut seen: HashSet<Digest> = queue.iter().map(|node| node.digest.clone()).collect();
    let mut counted = HashSet::new();
    while let Some(node) = queue.pop() {
        for referrer in source.referrers(&node, None).await? {
            counted.insert(referrer.digest.clone());
            if seen.insert(referrer.digest.clone()) {
                let members = members_at_any_depth(source, &referrer).await?;
                queue.extend(members.into_iter().filter(|member| seen.insert(member.digest.clone())));
                queue.push(referrer);
            }
        }
    }
    Ok(counted.len())
}

/// The manifests of an index, and of the indexes in it.
async fn members_at_any_depth(source: &dyn Source, root: &Descriptor) -> Result<Vec<Descriptor>> {
    let (mut seen, mut found) = (HashSet::from([root.digest.clone()]), Vec::new());
    let mut queue = vec![root.clone()];
    while let Some(node) = queue.pop() {
        let members = members(source, &node).await?.into_iter();
        let new: Vec<_> = members.filter(|member| seen.insert(member.digest.clone())).collect();
        queue.extend(new.iter().cloned());
        found.extend(new);
    }
    Ok(found)
}

/// The manifests of an index; none if it is not there, or is no index.
pub(super) async fn members(source: &dyn Source, node: &Descriptor) -> Result<Vec<Descriptor>> {
    if !media_type::is_index(&node.media_type) {
        return Ok(Vec::new());
    }
    let bytes = match source.fetch_bytes(node).await {
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        bytes => bytes?,
    };
    let mut manifests = Document::parse(&node.media_type, &bytes)?.manifests;
    manifests.retain(Descriptor::is_manifest);
    Ok(manifests)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{content::Memory, oci::Index};

    fn index(store: &Memory, manifests: &[&Descriptor], subject: Option<&Descriptor>) -> Descriptor {
        let mut index = Index::of(manifests.iter().map(|&node| node.clone()).collect());
        index.subject = subject.cloned();
        index.annotations.insert("with".into(), manifests.len().to_string());
        store.insert(media_type::IMAGE_INDEX, index.to_bytes())
    }

    /// A manifest that is attached to a subject and differs by its name from others.
    fn attached(store: &Memory, name: &str, subject: &Descriptor) -> Descriptor {
        let mut index = Index::of(Vec::new());
        index.subject = Some(subject.clone());
        index.annotations.insert("name".into(), name.into());
        store.insert(media_type::IMAGE_INDEX, index.to_bytes())
    }

    #[tokio::test]
    async fn referrers_of_referrers_count() {
        let store = Memory::new();
        let root = store.insert("a/b", "root");
        let first = attached(&store, "1", &root);
        attached(&store, "2", &root);
        let deep = attached(&store, "3", &first);
        assert_eq!(count(&store, &root).await.unwrap(), 3);
        assert_eq!(count(&store, &deep).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn referrers_of_the_manifests_of_an_index_count_at_any_depth() {
        let store = Memory::new();
        let leaf = index(&store, &[], None);
        let inner = index(&store, &[&leaf], None);
        let root = index(&store, &[&inner, &leaf], None);
        attached(&store, "1", &leaf);
        attached(&store, "2", &inner);
        assert_eq!(count(&store, &root).await.unwrap(), 2);
        attached(&store, "3", &root);
        assert_eq!(count(&store, &root).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn what_is_reached_from_the_root_and_from_its_manifests_counts_twice() {
        let store = Memory::new();
        let child = index(&store, &[], None);
        let root = index(&store, &[&child], None);
        let on_child = attached(&store, "1", &child);
        // A referrer of the root that lists the same manifest.
        index(&store, &[&child], Some(&root));
        assert_eq!(count(&store, &on_child).await.unwrap(), 0);
        assert_eq!(count(&store, &root).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn an_index_that_is_not_there_has_no_manifests() {
        let store = Memory::new();
        let absent = Descriptor::of(media_type::IMAGE_INDEX, b"absent");
        let root = index(&store, &[&absent], None);
        assert_eq!(count(&store, &root).await.unwrap(), 0);
    }
}
