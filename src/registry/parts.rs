//! Reading one large blob over several connections, where each of them is slower than the line.
//!
//! A blob begins as one stream. When it is clear that we wait for the network, and that there is much left, the
//! rest is asked for in parts, some at a time, which are passed on in order. So what is read by others in one
//! go, in memory that is bounded, costs no more requests where one connection is fast.

use std::{iter, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{Result, download::Download};

/// Bytes that are passed on at once.
const PIECE: usize = 128 << 10;

/// When a blob is read in parts, and in which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parts {
    /// Bytes that have to be left: 32 MiB.
    pub least: u64,
    /// Bytes of a part: 2 MiB. So much times [`at_once`](Self::at_once) is held in memory.
    pub size: u64,
    /// Parts of a blob that are read at once: 4. With 1 there are no parts.
    pub at_once: usize,
    /// For how long one stream is measured first: 500 ms.
    pub after: Duration,
    /// Bytes per second from which on one stream is fast enough: 100 MB.
    pub fast: u64,
    /// Bytes per second below which the line is taken for the limit: 1 MB.
    pub slow: u64,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            least: 32 << 20,
            size: 2 << 20,
            at_once: 4,
            after: Duration::from_millis(500),
            fast: 100_000_000,
            slow: 1_000_000,
        }
    }
}

/// What one stream was seen to do.
pub(super) struct Meter {
    begun: Option<Instant>,
    waited: Duration,
    bytes: u64,
    is_done: bool,
}

impl Meter {
    /// Of a stream that may be divided or not.
    pub(super) fn new(may_divide: bool) -> Self {
        Self { begun: None, waited: Duration::ZERO, bytes: 0, is_done: !may_divide }
    }

    /// Takes note of a piece that was waited for since then.
    pub(super) fn piece(&mut self, since: Instant, bytes: usize) {
        // The time of the first answer says nothing of the rate.
        if self.begun.is_none() {
            self.begun = Some(Instant::now());
        } else {
            self.waited += since.elapsed();
            self.bytes += bytes as u64;
        }
    }

    /// Is it time to read in parts? That is answered with yes at most once.
    pub(super) fn calls_for_parts(&mut self, parts: &Parts, left: u64) -> bool {
        let Some(begun) = self.begun.filter(|_| !self.is_done) else { return false };
        if left < parts.least {
            self.is_done = true;
            return false;
        }
        let time = begun.elapsed();
        if time < parts.after || self.bytes == 0 {
            return false;
        }
        let rate = self.bytes as f64 / time.as_secs_f64();
        let is_waiting = self.waited > time.mul_f64(0.7);
        let is_between = (parts.slow as f64..parts.fast as f64).contains(&rate);
        if is_waiting && is_between {
            self.is_done = true;
            return true;
        }
        // It may be otherwise later.
        *self = Self::new(true);
        false
    }
}

/// The rest of a blob, in parts that come in order.
pub(super) struct Divided {
    /// What is left of a part that has come.
    ready: Bytes,
    parts: Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>,
    _permit: OwnedSemaphorePermit,
}

impl Divided {
    /// The next piece. A whole part would lie in the queues behind us many times.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes>> {
        if self.ready.is_empty() {
            match self.parts.next().await? {
                Ok(part) => self.ready = part,
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(self.ready.split_to(PIECE.min(self.ready.len()))))
    }
}

impl Download {
    /// Divides what is left into parts; this stream keeps the first of them. `None` where the registry does not
    /// answer with the part that is asked for, or all connections that may be used so are in use.
    pub(super) async fn divide(&mut self) -> Option<Divided> {
        let client = self.repository.client.clone();
        let permit = client.spare.clone().try_acquire_owned().ok()?;
        let parts = client.options().parts;
        let end = self.end;
        let stop_of = move |start: u64| start.saturating_add(parts.size).min(end);
        let split = stop_of(self.position);
        let later = stop_of(split);
        let mut second = self.part(split, later);
        // Nothing of the stream is given up before a part has come.
        if !second.open_part().await {
            return None;
        }
        let mut first = self.part(self.position, split);
        first.open = self.open.take();
        let template = self.part(end, end);
        let starts = iter::successors(Some(later), move |start| Some(stop_of(*start)));
        let others = starts
            .take_while(move |start| *start < end)
            .map(move |start| template.part(start, stop_of(start)));
        let all = stream::iter([first, second].into_iter().chain(others));
        let read = all.map(Self::read_whole).buffered(parts.at_once);
        Some(Divided { ready: Bytes::new(), parts: Box::pin(read), _permit: permit })
    }

    async fn read_whole(mut self) -> Result<Bytes> {
        let length = usize::try_from(self.end - self.position).unwrap_or_default();
        let mut bytes = Vec::with_capacity(length);
        while let Some(piece) = self.next_in_stream().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rate(bytes_each: usize, waiting: u64, working: u64) -> bool {
        let parts = Parts::default();
        let mut meter = Meter::new(true);
        for _ in 0..100 {
            let since = Instant::now();
            tokio::time::advance(Duration::from_millis(waiting)).await;
            meter.piece(since, bytes_each);
            if meter.calls_for_parts(&parts, 1 << 30) {
                assert!(!meter.calls_for_parts(&parts, 1 << 30), "once is enough");
                return true;
            }
            tokio::time::advance(Duration::from_millis(working)).await;
        }
        false
    }

    #[tokio::test(start_paused = true)]
    async fn parts_are_called_for_when_the_network_is_waited_for_and_worth_it() {
        assert!(rate(400_000, 10, 0).await, "40 MB/s, nothing but waiting");
        assert!(!rate(400_000, 5, 5).await, "we are as slow ourselves");
        assert!(!rate(2_000_000, 10, 0).await, "one stream is fast enough");
        assert!(!rate(5_000, 10, 0).await, "the line is slow");
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_blob_is_not_divided() {
        let mut meter = Meter::new(true);
        for _ in 0..100 {
            let since = Instant::now();
            tokio::time::advance(Duration::from_millis(10)).await;
            meter.piece(since, 400_000);
            assert!(!meter.calls_for_parts(&Parts::default(), 10 << 20));
        }
    }
}
