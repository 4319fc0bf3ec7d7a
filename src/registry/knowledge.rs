//! What a registry has taught us. It lives as long as the process.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use super::hosts::{self, Habits};

/// Smallest chunk that a registry may ask for and be heard, in bytes.
pub(crate) const LARGEST_MINIMUM: u64 = 1 << 30;

/// What is known of one registry.
pub(crate) struct Knowledge {
    habits: Mutex<Habits>,
    /// Bytes of a chunk, unless the registry wants others.
    chunk: u64,
    /// Ranges of blobs are answered wrongly, or not at all.
    no_ranges: AtomicBool,
    /// The `Range` that answers a chunk is not to be trusted.
    range_lies: AtomicBool,
    /// A mount that was said to have worked has worked.
    mounts_are_true: AtomicBool,
}

/// How a blob is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// In one request.
    Whole,
    /// In chunks of so many bytes.
    Chunks(u64),
}

impl Knowledge {
    /// What is known beforehand. `whole` is the user's own limit.
    pub(crate) fn of(host: &str, chunk: u64, whole: Option<u64>) -> Self {
        let mut habits = hosts::habits(host);
        habits.whole = whole.unwrap_or(habits.whole);
        Self {
            habits: Mutex::new(habits),
            chunk: chunk.max(1),
            no_ranges: AtomicBool::new(false),
            range_lies: AtomicBool::new(false),
            mounts_are_true: AtomicBool::new(false),
        }
    }

    fn habits(&self) -> MutexGuard<'_, Habits> {
        self.habits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a blob of so many bytes is sent. `minimum` is the smallest chunk that the registry has named.
    pub(crate) fn method(&self, size: u64, minimum: u64) -> Method {
        let habits = *self.habits();
        if size <= habits.whole || !habits.takes_chunks {
            return Method::Whole;
        }
        let wanted = self.chunk.min(habits.largest_chunk).min(habits.whole.max(1));
        Method::Chunks(wanted.max(minimum).max(habits.smallest_chunk))
    }

    /// A body of so many bytes was too large. Returns whether there is another way.
    pub(crate) fn too_large(&self, size: u64) -> bool {
        let mut habits = self.habits();
        let next = [self.chunk, self.chunk / 2, self.chunk / 4].into_iter().find(|next| *next < size);
        match next.filter(|next| *next > 0 && habits.takes_chunks) {
            Some(next) => {
                habits.whole = habits.whole.min(next);
                habits.largest_chunk = habits.largest_chunk.min(next);
                true
            }
            None => false,
        }
    }

    /// The registry takes no chunks.
    pub(crate) fn refuses_chunks(&self) {
        let mut habits = self.habits();
        habits.takes_chunks = false;
    }

    /// May a blob be asked for that another repository may have?
    pub(crate) fn mounts_unasked(&self) -> bool {
        self.habits().mounts_unasked
    }

    /// The registry wants to know where a blob is to be mounted from.
    pub(crate) fn wants_mount_source(&self) {
        self.habits().mounts_unasked = false;
    }

    /// Has a mount been seen to be true?
    pub(crate) fn mounts_are_true(&self) -> bool {
        self.mounts_are_true.load(Ordering::Relaxed)
    }

    /// A mount was looked at, and is true.
    pub(crate) fn mount_was_true(&self) {
        self.mounts_are_true.store(true, Ordering::Relaxed);
    }

    /// Are ranges answered as they should?
    pub(crate) fn has_ranges(&self) -> bool {
        !self.no_ranges.load(Ordering::Relaxed)
    }

    /// They are not.
    pub(crate) fn lacks_ranges(&self) {
        self.no_ranges.store(true, Ordering::Relaxed);
    }

    /// Is the `Range` that answers a chunk to be trusted?
    pub(crate) fn trusts_range(&self) -> bool {
        !self.range_lies.load(Ordering::Relaxed)
    }

    /// It is not.
    pub(crate) fn range_lied(&self) {
        self.range_lies.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_too_large_is_followed_by_ever_smaller_chunks() {
        let known = Knowledge::of("h", 16, None);
        assert_eq!(known.method(1000, 0), Method::Whole);
        assert!(known.too_large(1000));
        assert_eq!(known.method(1000, 0), Method::Chunks(16));
        assert_eq!(known.method(16, 0), Method::Whole);
        assert!(known.too_large(16));
        assert_eq!(known.method(16, 0), Method::Chunks(8));
        assert!(known.too_large(8));
        assert_eq!(known.method(1000, 0), Method::Chunks(4));
        assert!(!known.too_large(4));
    }

    #[test]
    fn the_registry_s_smallest_chunk_is_kept() {
        let known = Knowledge::of("h", 16, Some(0));
        assert_eq!(known.method(1000, 100), Method::Chunks(100));
        let ecr = Knowledge::of("1.dkr.ecr.eu.amazonaws.com", 1 << 20, Some(0));
        assert_eq!(ecr.method(1 << 30, 0), Method::Chunks(5 << 20));
    }

    #[test]
    fn a_registry_without_chunks_gets_whole_blobs() {
        let known = Knowledge::of("h", 16, Some(10));
        known.refuses_chunks();
        assert_eq!(known.method(1000, 0), Method::Whole);
        assert!(!known.too_large(1000));
        assert_eq!(Knowledge::of("gcr.io", 16, Some(10)).method(1000, 0), Method::Whole);
    }
}
