//! What is left to be done for a graph, step by step.

use bytes::Bytes;

use crate::{
    oci::{Descriptor, Digest},
    ops::concurrency::is_small,
};

/// What is moved once: the same bytes as a manifest and as a blob are two things for a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) digest: Digest,
    pub(super) is_manifest: bool,
}

impl Key {
    pub(super) fn of(node: &Descriptor) -> Self {
        Self { digest: node.digest.clone(), is_manifest: node.is_manifest() }
    }
}

/// One step of one node.
pub(super) enum Job {
    /// Find out whether the target has a manifest; read it if not.
    Inspect(Key, Descriptor, Option<Bytes>, MayRefer),
    /// Move a blob.
    Move(Key, Descriptor),
    /// Store a manifest whose successors are there.
    Store(Key, Manifest),
}

/// May a manifest be a referrer, so that it is worth reading it to find its subject?
pub(super) type MayRefer = bool;

impl Job {
    pub(super) fn is_small(&self) -> bool {
        match self {
            Self::Inspect(..) | Self::Store(..) => true,
            Self::Move(_, node) => is_small(node.size),
        }
    }
}

/// Steps that are to be made. Last in, first out: a graph is finished before the next is begun, which bounds
/// what is in memory.
#[derive(Default)]
pub(super) struct Jobs {
    /// With the number of the step, since the two are one list.
    small: Vec<(u64, Job)>,
    large: Vec<(u64, Job)>,
    count: u64,
}

impl Jobs {
    pub(super) fn push(&mut self, job: Job) {
        self.count += 1;
        let list = if job.is_small() { &mut self.small } else { &mut self.large };
        list.push((self.count, job));
    }

    /// Takes the last step of those whose size is allowed.
    pub(super) fn next(&mut self, allows: impl Fn(bool) -> bool) -> Option<Job> {
        let number = |list: &Vec<(u64, Job)>, is_small| {
            list.last().map(|(number, _)| *number).filter(|_| allows(is_small))
        };
        let (small, large) = (number(&self.small, true), number(&self.large, false));
        let list = if small > large { &mut self.small } else { &mut self.large };
        small.or(large).and_then(|_| list.pop()).map(|(_, job)| job)
    }
}

/// A manifest in hand.
pub(super) struct Manifest {
    pub(super) node: Descriptor,
    pub(super) bytes: Bytes,
    /// Successors that were moved under another name.
    pub(super) renamed: Vec<Renamed>,
}

/// A successor that was moved under another name.
pub(super) struct Renamed {
    pub(super) node: Descriptor,
    /// People see it as content of its own then, although its bytes went once.
    pub(super) has_other_type: bool,
}
