//! Referrers that are there and not listed: a run that was killed between the two left them so.

use std::collections::{HashMap, HashSet};

use tokio::sync::Mutex;

use super::{
    ReferrersMode, Result,
    referrers::{entry_for, subject_of},
    repository::Inner,
};
use crate::oci::{Descriptor, Digest};

/// What the lists of some subjects held when they were looked at.
#[derive(Default)]
pub(crate) struct Lists(Mutex<HashMap<Digest, HashSet<Digest>>>);

impl Inner {
    /// Are lists of referrers ours to keep, as far as is known?
    pub(crate) fn may_keep_lists(&self) -> bool {
        match self.client.options().referrers {
            ReferrersMode::Api => false,
            ReferrersMode::Tag => true,
            ReferrersMode::Auto => self.support.known() != Some(true),
        }
    }

    /// Lists a manifest that is there, if it has a subject whose list is ours to keep and lacks it.
    pub(crate) async fn relist(&self, node: &Descriptor, bytes: &[u8]) -> Result<()> {
        let mode = self.client.options().referrers;
        let Some(subject) = subject_of(node, bytes).filter(|_| mode != ReferrersMode::Api) else {
            return Ok(());
        };
        if mode == ReferrersMode::Auto && self.has_api().await? {
            return Ok(());
        }
        if self.is_listed(&subject.digest, &node.digest).await? {
            return Ok(());
        }
        self.publish(&subject.digest, entry_for(node, bytes)).await
    }

    /// Is it in the list? Each list is read once: all of a subject's referrers are asked about in a row.
    async fn is_listed(&self, subject: &Digest, referrer: &Digest) -> Result<bool> {
        let mut lists = self.lists.0.lock().await;
        if let Some(list) = lists.get(subject) {
            return Ok(list.contains(referrer));
        }
        let read = self.referrers_by_tag(subject, None).await?;
        let list: HashSet<_> = read.into_iter().map(|entry| entry.digest).collect();
        let is_listed = list.contains(referrer);
        lists.insert(subject.clone(), list);
        Ok(is_listed)
    }
}
