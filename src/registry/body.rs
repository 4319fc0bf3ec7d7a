//! Bodies on their way, in both directions.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::time::{Instant, Sleep};

use super::{Error, Limits, TransportError, pace::Pace};
use crate::content::{self, ByteStream};

/// What is sent with one request. Clones are the same body.
#[derive(Clone)]
pub(crate) enum Outgoing {
    /// There is no body.
    Nothing,
    /// It is in memory.
    Bytes(Bytes),
    /// It is read while it is sent.
    Stream(Arc<Shared>),
}

/// A stream of known length that is sent once.
pub(crate) struct Shared {
    length: u64,
    /// Does the stream end where the content ends, so that its last word is about the whole of it?
    is_whole: bool,
    state: Mutex<State>,
}

struct State {
    unread: Option<ByteStream>,
    /// What follows a part that was sent.
    rest: Option<ByteStream>,
    /// Bytes that were handed to the network.
    handed: u64,
    pace: Option<Pace>,
    finished: Option<Instant>,
    failure: Option<content::Error>,
}

/// How far the sending of a stream is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending {
    /// When the last byte was handed to the network.
    pub(crate) finished: Option<Instant>,
    /// When the network will have taken too long.
    pub(crate) deadline: Option<Instant>,
}

/// A body in the form in which the library takes it.
pub(crate) enum Sent {
    Nothing,
    Bytes(Bytes),
    Stream(OutgoingStream),
}

impl Outgoing {
    /// A stream of so many bytes. When it `is_whole`, the last piece is only sent once the stream has
    /// ended well: content that turns out to be wrong never reaches the other side whole.
    pub(crate) fn stream(stream: ByteStream, length: u64, is_whole: bool) -> Self {
        let state =
            State { unread: Some(stream), rest: None, handed: 0, pace: None, finished: None, failure: None };
        Self::Stream(Arc::new(Shared { length, is_whole, state: Mutex::new(state) }))
    }

    /// Number of bytes; `None` without a body.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Stream(shared) => Some(shared.length),
        }
    }

    /// Starts to send it.
    pub(crate) fn start(&self, limits: &Limits) -> Sent {
        match self {
            Self::Nothing => Sent::Nothing,
            Self::Bytes(bytes) => Sent::Bytes(bytes.clone()),
            Self::Stream(shared) => {
                shared.state().pace = Some(Pace::new(limits));
                let shared = shared.clone();
                Sent::Stream(OutgoingStream {
                    shared,
                    inner: None,
                    held: None,
                    read: 0,
                    handed: 0,
                    ended: false,
                })
            }
        }
    }

    /// How far a stream is; `None` for what is in memory.
    pub(crate) fn sending(&self) -> Option<Sending> {
        let Self::Stream(shared) = self else { return None };
        let state = shared.state();
        Some(Sending { finished: state.finished, deadline: state.pace.as_ref().and_then(Pace::deadline) })
    }

    /// Why the content could not be read.
    pub(crate) fn failure(&self) -> Option<content::Error> {
        let Self::Stream(shared) = self else { return None };
        shared.state().failure.take()
    }

    /// Bytes of a stream that were handed to the network.
    pub(crate) fn handed(&self) -> u64 {
        let Self::Stream(shared) = self else { return 0 };
        shared.state().handed
    }

    /// What follows the part that was sent, once all of it was.
    pub(crate) fn rest(&self) -> Option<ByteStream> {
        let Self::Stream(shared) = self else { return None };
        shared.state().rest.take()
    }

    /// The stream, if nobody has begun to read it.
    pub(crate) fn unread(&self) -> Option<ByteStream> {
        let Self::Stream(shared) = self else { return None };
        shared.state().unread.take()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stream that the library reads.
pub(crate) struct OutgoingStream {
    shared: Arc<Shared>,
    inner: Option<ByteStream>,
    held: Option<Bytes>,
    /// Bytes that came from the content.
    read: u64,
    /// Size of the piece that was last handed to the network.
    handed: u64,
    ended: bool,
}

impl OutgoingStream {
    fn fail(&mut self, error: content::Error) -> io::Error {
        self.ended = true;
        self.shared.state().failure = Some(error);
        io::Error::other("the content could not be read")
    }

    fn hand_over(&mut self, piece: Bytes, is_last: bool) -> Bytes {
        self.handed = piece.len() as u64;
        self.ended = is_last;
        let mut state = self.shared.state();
        let now = Instant::now();
        state.handed += self.handed;
        if is_last {
            state.finished = Some(now);
        } else if let Some(pace) = &mut state.pace {
            pace.wait(now);
        }
        drop(state);
        piece
    }

    /// Keeps what follows this part, so that the next one need not be looked for again.
    fn leave_rest(&mut self) {
        let Some(inner) = self.inner.take() else { return };
        let rest: ByteStream = match self.held.take() {
            Some(piece) => Box::pin(content::once(piece).chain(inner)),
            None => inner,
        };
        self.shared.state().rest = Some(rest);
    }

    /// Makes up for the time between two pieces. Says no when the network is too slow.
    fn has_moved(&mut self) -> bool {
        let handed = std::mem::take(&mut self.handed);
        let mut state = self.shared.state();
        state.pace.as_mut().is_none_or(|pace| pace.advance(handed, Instant::now()))
    }

    fn wrong_size(&mut self, actual: u64) -> io::Error {
        self.fail(content::Error::io("read", "the content to be sent")(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("{actual} bytes instead of {}", self.shared.length),
        )))
    }
}

impl Stream for OutgoingStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        if !this.has_moved() {
            this.ended = true;
            return Poll::Ready(Some(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the transfer is too slow",
            ))));
        }
        let length = this.shared.length;
        loop {
            if this.inner.is_none() {
                let Some(unread) = this.shared.state().unread.take() else { return Poll::Ready(None) };
                this.inner = Some(unread);
            }
            let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
            let mut piece = match ready!(inner.poll_next_unpin(cx)) {
                Some(Ok(piece)) if piece.is_empty() => continue,
                Some(Ok(piece)) => piece,
                Some(Err(error)) => return Poll::Ready(Some(Err(this.fail(error)))),
                None if this.read < length => {
                    let read = this.read;
                    return Poll::Ready(Some(Err(this.wrong_size(read))));
                }
                None => {
                    let last = this.held.take();
                    return Poll::Ready(last.map(|last| Ok(this.hand_over(last, true))));
                }
            };
            let left = length - this.read;
            if piece.len() as u64 > left {
                if this.shared.is_whole {
                    return Poll::Ready(Some(Err(this.wrong_size(length + 1))));
                }
                this.held = Some(piece.split_off(usize::try_from(left).unwrap_or(usize::MAX)));
            }
            this.read += piece.len() as u64;
            if !this.shared.is_whole {
                let is_last = this.read == length;
                if is_last {
                    this.leave_rest();
                }
                return Poll::Ready(Some(Ok(this.hand_over(piece, is_last))));
            }
            if let Some(ready) = this.held.replace(piece) {
                return Poll::Ready(Some(Ok(this.hand_over(ready, false))));
            }
        }
    }
}

/// The body of an answer, as it comes from the network.
pub(crate) type Raw = Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>;

/// The body of an answer. Fails when nothing comes for too long.
pub(crate) struct Incoming {
    /// Behind a lock that is never taken: what is only reached through `&mut` may be shared.
    raw: Mutex<Raw>,
    /// What was read before the body was asked for.
    early: VecDeque<Result<Bytes, TransportError>>,
    pace: Pace,
    timer: Option<Pin<Box<Sleep>>>,
    method: String,
    url: String,
}

impl Incoming {
    pub(crate) fn new(raw: Raw, limits: &Limits, method: &str, url: String) -> Self {
        Self {
            raw: Mutex::new(raw),
            early: VecDeque::new(),
            pace: Pace::new(limits),
            timer: None,
            method: method.to_owned(),
            url,
        }
    }

    fn raw(&mut self) -> &mut Raw {
        self.raw.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads ahead until more than `limit` bytes are there or the body has ended; `None` when there is more.
    /// The body can then still be read from its beginning.
    pub(crate) async fn peek(&mut self, limit: usize) -> Option<Vec<u8>> {
        let mut seen = Vec::new();
        while let Some(piece) = self.raw().next().await {
            if let Ok(piece) = &piece {
                seen.extend_from_slice(piece);
            }
            let failed = piece.is_err();
            self.early.push_back(piece);
            if failed || seen.len() > limit {
                break;
            }
        }
        (seen.len() <= limit).then_some(seen)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, TransportError>>> {
        if let Some(piece) = self.early.pop_front() {
            return Poll::Ready(Some(piece));
        }
        let piece = match self.raw().poll_next_unpin(cx) {
            Poll::Ready(piece) => piece,
            Poll::Pending => return self.poll_stalled(cx),
        };
        self.timer = None;
        let moved =
            piece.as_ref().and_then(|piece| piece.as_ref().ok()).map_or(0, |piece| piece.len() as u64);
        if self.pace.advance(moved, Instant::now()) {
            return Poll::Ready(piece);
        }
        Poll::Ready(Some(Err(TransportError::Broken { reason: "the transfer is too slow".into() })))
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, TransportError>>> {
        self.pace.wait(Instant::now());
        let Some(deadline) = self.pace.deadline() else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(timer.as_mut().poll(cx));
        let limit = self.pace.stall();
        Poll::Ready(Some(Err(TransportError::Timeout { phase: "reading the response body", limit })))
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = ready!(self.poll_piece(cx));
        Poll::Ready(piece.map(|piece| {
            let (method, url) = (&self.method, &self.url);
            piece.map_err(|source| Error::Exchange { method: method.clone(), url: url.clone(), source })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(pieces: &'static [&'static [u8]], end: Option<content::Error>) -> ByteStream {
        let pieces = pieces.iter().map(|piece| Ok(Bytes::from_static(piece)));
        Box::pin(futures_util::stream::iter(pieces.chain(end.map(Err))))
    }

    async fn send(outgoing: &Outgoing) -> (Vec<u8>, bool) {
        let Sent::Stream(mut stream) = outgoing.start(&Limits::default()) else { panic!("not a stream") };
        let (mut sent, mut fine) = (Vec::new(), true);
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => sent.extend_from_slice(&piece),
                Err(_) => fine = false,
            }
        }
        (sent, fine)
    }

    #[tokio::test]
    async fn the_last_piece_is_only_sent_when_the_content_is_right() {
        let whole = Outgoing::stream(pieces(&[b"he", b"", b"llo"], None), 5, true);
        assert_eq!(send(&whole).await, (b"hello".to_vec(), true));
        let failing =
            Outgoing::stream(pieces(&[b"he", b"llo"], Some(content::Error::Unsupported("x"))), 5, true);
        assert_eq!(send(&failing).await, (b"he".to_vec(), false));
        assert!(matches!(failing.failure(), Some(content::Error::Unsupported("x"))));
    }

    #[tokio::test]
    async fn content_of_another_length_is_refused() {
        let short = Outgoing::stream(pieces(&[b"he"], None), 5, true);
        assert_eq!(send(&short).await, (Vec::new(), false));
        let long = Outgoing::stream(pieces(&[b"hello", b"!"], None), 5, true);
        assert_eq!(send(&long).await, (Vec::new(), false));
        assert!(long.failure().is_some());
    }

    #[tokio::test]
    async fn a_part_ends_where_it_should() {
        let part = Outgoing::stream(pieces(&[b"he", b"llo", b"more"], None), 4, false);
        assert_eq!(send(&part).await, (b"hell".to_vec(), true));
        assert_eq!(part.handed(), 4);
        let rest: Vec<_> = part.rest().unwrap().map(Result::unwrap).collect().await;
        assert_eq!(rest.concat(), b"omore");
    }

    #[tokio::test]
    async fn a_stream_that_nobody_read_can_be_taken_back() {
        let outgoing = Outgoing::stream(pieces(&[b"hello"], None), 5, true);
        let Sent::Stream(stream) = outgoing.start(&Limits::default()) else { panic!("not a stream") };
        drop(stream);
        assert!(outgoing.unread().is_some());
        let outgoing = Outgoing::stream(pieces(&[b"hello"], None), 5, true);
        send(&outgoing).await;
        assert!(outgoing.unread().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_fails_and_one_that_drips_does_not() {
        let limits = Limits::default();
        let dripping = futures_util::stream::iter(0..20).then(|_| async {
            tokio::time::sleep(std::time::Duration::from_secs(59)).await;
            Ok(Bytes::from(vec![0; 100_000]))
        });
        let stopped = dripping.take(3).chain(futures_util::stream::pending());
        let mut body = Incoming::new(Box::pin(stopped), &limits, "GET", "http://h/".into());
        for _ in 0..3 {
            body.next().await.unwrap().unwrap();
        }
        let error = body.next().await.unwrap().unwrap_err();
        assert!(matches!(error.transport(), Some(TransportError::Timeout { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn what_was_peeked_at_is_read_again() {
        let raw = futures_util::stream::iter([Ok(Bytes::from_static(b"he")), Ok(Bytes::from_static(b"llo"))]);
        let mut body = Incoming::new(Box::pin(raw), &Limits::default(), "GET", "http://h/".into());
        assert_eq!(body.peek(10).await.as_deref(), Some(b"hello".as_slice()));
        let all: Vec<_> = body.map(Result::unwrap).collect().await;
        assert_eq!(all.concat(), b"hello");
    }
}
