//! Lists of referrers that come from elsewhere, such as a backup, to a registry where lists are ours to keep.

use std::collections::HashSet;

use bytes::Bytes;

use super::{ReferrersMode, Result, manifests::is_not_found, repository::Inner};
use crate::oci::{Descriptor, Index};

impl Inner {
    /// Writes a list of referrers under its tag. Where lists are ours to keep, what the tag lists by then is
    /// kept in it.
    pub(crate) async fn push_list(&self, node: &Descriptor, bytes: Bytes, tag: &str) -> Result<()> {
        let mode = self.client.options().referrers;
        let is_kept = mode == ReferrersMode::Tag || (mode == ReferrersMode::Auto && !self.has_api().await?);
        let entries = serde_json::from_slice::<Index>(&bytes).ok().map(|index| index.manifests);
        let (true, Some(entries)) = (is_kept, entries) else {
            return self.put_manifest(tag, node, bytes).await.map(drop);
        };
        let known: HashSet<_> = entries.iter().map(|entry| entry.digest.clone()).collect();
        let there = match self.fetch_manifest(tag, &[]).await {
            Ok((there, _)) if there.digest == node.digest => return Ok(()),
            Ok((_, there)) => serde_json::from_slice::<Index>(&there).map(|index| index.manifests).ok(),
            Err(error) if is_not_found(&error) => Some(Vec::new()),
            Err(error) => return Err(error),
        };
        // A list that brings all that is there replaces it, byte by byte as it was.
        if there.is_some_and(|there| there.iter().all(|entry| known.contains(&entry.digest))) {
            return self.put_manifest(tag, node, bytes).await.map(drop);
        }
        self.publish_under(tag, entries).await
    }
}
