//! Manifests that were just read or written, so that naming them costs no second read.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

use crate::oci::Digest;

/// Most bytes that are kept; a manifest that is larger is kept alone.
const LIMIT: usize = 2 << 20;

/// The latest manifests, by digest.
#[derive(Default)]
pub(crate) struct Held {
    manifests: Mutex<VecDeque<(Digest, Bytes)>>,
}

impl Held {
    /// Keeps a manifest, and forgets the oldest ones.
    pub(crate) fn keep(&self, digest: &Digest, bytes: &Bytes) {
        let mut manifests = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        manifests.retain(|(held, _)| held != digest);
        manifests.push_back((digest.clone(), bytes.clone()));
        let mut size: usize = manifests.iter().map(|(_, bytes)| bytes.len()).sum();
        while size > LIMIT && manifests.len() > 1 {
            size -= manifests.pop_front().map_or(size, |(_, bytes)| bytes.len());
        }
    }

    /// The bytes of a manifest, if they are at hand.
    pub(crate) fn get(&self, digest: &Digest) -> Option<Bytes> {
        let manifests = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        manifests.iter().find(|(held, _)| held == digest).map(|(_, bytes)| bytes.clone())
    }

    /// Forgets a manifest.
    pub(crate) fn forget(&self, digest: &Digest) {
        self.manifests.lock().unwrap_or_else(PoisonError::into_inner).retain(|(held, _)| held != digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let held = Held::default();
        let digests: Vec<Digest> = (0..3u8).map(|n| Digest::of(&[n])).collect();
        for digest in &digests {
            held.keep(digest, &Bytes::from(vec![0; 1 << 20]));
        }
        assert!(held.get(&digests[0]).is_none());
        assert!(held.get(&digests[2]).is_some());
        held.keep(&digests[0], &Bytes::from(vec![0; 3 << 20]));
        assert!(held.get(&digests[2]).is_none());
        held.forget(&digests[0]);
        assert!(held.get(&digests[0]).is_none());
    }
}
