//! How much is moved at once.

/// Bytes up to which content counts as small: the round trips take longer than the bytes.
const SMALL: u64 = 64 << 10;

/// Small nodes that are moved at once where nobody has set a limit.
const MANY: usize = 16;

/// How many nodes are moved at once.
///
/// Moving small content is waiting for answers, and much of it can be waited for at once; large content shares
/// the line, and memory and locks with it, so that more of it at once only makes each slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    nodes: usize,
    all: usize,
}

impl Concurrency {
    /// What is moved at once unless told otherwise.
    pub const DEFAULT: usize = 3;

    /// Exactly so many of whatever size; 0 means [`DEFAULT`](Self::DEFAULT).
    #[must_use]
    pub const fn exactly(nodes: usize) -> Self {
        let nodes = if nodes == 0 { Self::DEFAULT } else { nodes };
        Self { nodes, all: nodes }
    }

    /// So many large ones, and with them more of those that are small; 0 means [`DEFAULT`](Self::DEFAULT).
    #[must_use]
    pub fn and_more(nodes: usize) -> Self {
        let exact = Self::exactly(nodes);
        Self { all: exact.nodes.max(MANY), ..exact }
    }

    /// Nodes of any size that are moved at once.
    #[must_use]
    pub fn nodes(self) -> usize {
        self.nodes
    }

    /// Requests without content worth mentioning that are made at once.
    #[must_use]
    pub fn lookups(self) -> usize {
        self.all
    }

    /// May one more be moved while so many are, and so many of these are large?
    pub(super) fn allows(self, is_small: bool, running: usize, large: usize) -> bool {
        running < self.all && (is_small || large < self.nodes)
    }
}

impl Default for Concurrency {
    fn default() -> Self {
        Self::exactly(0)
    }
}

/// Does moving so many bytes take mostly round trips?
pub(super) fn is_small(size: u64) -> bool {
    size <= SMALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_number_is_meant_for_all_sizes() {
        let two = Concurrency::exactly(2);
        assert!(two.allows(true, 1, 1) && two.allows(false, 1, 1));
        assert!(!two.allows(true, 2, 0) && !two.allows(false, 2, 2));
        assert_eq!(Concurrency::exactly(0).nodes(), 3);
    }

    #[test]
    fn more_small_ones_go_along_with_some_large_ones() {
        let more = Concurrency::and_more(2);
        assert!(more.allows(true, 15, 2) && !more.allows(true, 16, 0));
        assert!(more.allows(false, 10, 1) && !more.allows(false, 10, 2));
        assert_eq!(Concurrency::and_more(40).lookups(), 40);
    }
}
