//! Does a transfer still move? (pure)

use std::time::Duration;

use tokio::time::Instant;

use super::Limits;

/// Watches one direction of one transfer.
///
/// Only the time that is spent waiting for the network counts: while the other end of our own pipe is
/// slow, the clock stands still.
#[derive(Debug)]
pub(crate) struct Pace {
    stall: Duration,
    window: Duration,
    slowest: u64,
    /// When the present wait began.
    waiting: Option<Instant>,
    waited: Duration,
    moved: u64,
}

impl Pace {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            stall: limits.stall,
            window: limits.window,
            slowest: limits.slowest,
            waiting: None,
            waited: Duration::ZERO,
            moved: 0,
        }
    }

    /// The network is waited for.
    pub(crate) fn wait(&mut self, now: Instant) {
        self.waiting.get_or_insert(now);
    }

    /// When it has taken too long; `None` while the network is not waited for.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.map(|since| since + self.stall)
    }

    /// How long nothing may happen.
    pub(crate) fn stall(&self) -> Duration {
        self.stall
    }

    /// Bytes have moved. Returns whether it is fast enough, which is looked at once per window.
    pub(crate) fn advance(&mut self, bytes: u64, now: Instant) -> bool {
        if let Some(since) = self.waiting.take() {
            self.waited += now.saturating_duration_since(since);
        }
        self.moved += bytes;
        if self.waited < self.window {
            return true;
        }
        let enough = self.moved >= self.slowest.saturating_mul(self.window.as_secs());
        (self.waited, self.moved) = (Duration::ZERO, 0);
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> (Pace, Instant) {
        let limits = Limits {
            stall: Duration::from_secs(60),
            window: Duration::from_secs(300),
            slowest: 1024,
            ..Limits::default()
        };
        (Pace::new(&limits), Instant::now())
    }

    #[test]
    fn a_transfer_stalls_when_the_network_is_waited_for_too_long() {
        let (mut pace, start) = pace();
        assert_eq!(pace.deadline(), None);
        pace.wait(start);
        pace.wait(start + Duration::from_secs(9));
        assert_eq!(pace.deadline(), Some(start + Duration::from_secs(60)));
        assert!(pace.advance(1, start + Duration::from_secs(10)));
        assert_eq!(pace.deadline(), None);
    }

    #[test]
    fn a_transfer_that_drips_is_too_slow_and_a_steady_one_is_not() {
        for (bytes, fast) in [(1, false), (1024 * 30, true)] {
            let (mut pace, start) = pace();
            let verdicts: Vec<bool> = (0..10)
                .map(|step| {
                    pace.wait(start + Duration::from_secs(30 * step));
                    pace.advance(bytes, start + Duration::from_secs(30 * (step + 1)))
                })
                .collect();
            assert_eq!(verdicts.iter().all(|fine| *fine), fast, "{bytes}");
        }
    }

    #[test]
    fn time_that_our_own_side_takes_does_not_count() {
        let (mut pace, start) = pace();
        pace.wait(start);
        assert!(pace.advance(1, start));
        pace.wait(start + Duration::from_secs(10_000));
        assert!(pace.advance(1, start + Duration::from_secs(10_001)));
    }
}
