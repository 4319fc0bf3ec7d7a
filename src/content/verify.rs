//! A stream that checks size and digest while it is read.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;

use super::{ByteStream, Error, Result};
use crate::oci::{Descriptor, Digest, Hasher};

/// Wraps content so that its last piece is followed by an error unless size and digest are as described.
///
/// No byte beyond the described size is passed on.
#[must_use]
pub fn stream(node: &Descriptor, inner: ByteStream) -> ByteStream {
    Box::pin(Verified {
        inner,
        hasher: Some(node.digest.algorithm().hasher()),
        expected: node.digest.clone(),
        size: node.size,
        read: 0,
    })
}

/// Checks bytes that are in memory.
///
/// # Errors
/// [`Error::SizeMismatch`] or [`Error::DigestMismatch`].
pub fn bytes(node: &Descriptor, bytes: &[u8]) -> Result<()> {
    let actual = bytes.len() as u64;
    if actual != node.size {
        return Err(Error::SizeMismatch {
            digest: node.digest.clone(),
            expected: node.size,
            actual: Some(actual),
        });
    }
    compare(&node.digest, Digest::of_with(node.digest.algorithm(), bytes))
}

fn compare(expected: &Digest, actual: Digest) -> Result<()> {
    if *expected == actual {
        Ok(())
    } else {
        Err(Error::DigestMismatch { expected: expected.clone(), actual })
    }
}

struct Verified {
    inner: ByteStream,
    /// `None` once the end was reported.
    hasher: Option<Hasher>,
    expected: Digest,
    size: u64,
    read: u64,
}

impl Verified {
    fn finish(&mut self, actual: Option<u64>) -> Option<Result<Bytes>> {
        let hasher = self.hasher.take()?;
        let checked = if actual == Some(self.size) {
            compare(&self.expected, hasher.finish())
        } else {
            Err(Error::SizeMismatch { digest: self.expected.clone(), expected: self.size, actual })
        };
        checked.err().map(Err)
    }
}

impl Stream for Verified {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.hasher.is_none() {
            return Poll::Ready(None);
        }
        match ready!(self.inner.as_mut().poll_next(cx)) {
            None => {
                let read = self.read;
                Poll::Ready(self.finish(Some(read)))
            }
            Some(Err(error)) => {
                self.hasher = None;
                Poll::Ready(Some(Err(error)))
            }
            Some(Ok(piece)) => {
                let read = self.read + piece.len() as u64;
                if read > self.size {
                    return Poll::Ready(self.finish(None));
                }
                self.read = read;
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(&piece);
                }
                Poll::Ready(Some(Ok(piece)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    async fn read(node: &Descriptor, pieces: &'static [&'static [u8]]) -> (Vec<u8>, Option<Error>) {
        let inner = futures_util::stream::iter(pieces.iter().map(|piece| Ok(Bytes::from_static(piece))));
        let mut stream = stream(node, Box::pin(inner));
        let (mut bytes, mut failure) = (Vec::new(), None);
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(error) => failure = Some(error),
            }
        }
        (bytes, failure)
    }

    #[tokio::test]
    async fn genuine_content_passes() {
        let node = Descriptor::of("a/b", b"hello");
        assert!(matches!(read(&node, &[b"he", b"", b"llo"]).await, (bytes, None) if bytes == b"hello"));
    }

    #[tokio::test]
    async fn short_long_and_wrong_content_fails_and_no_byte_too_many_is_passed_on() {
        let node = Descriptor::of("a/b", b"hello");
        assert!(matches!(read(&node, &[b"hell"]).await.1, Some(Error::SizeMismatch { actual: Some(4), .. })));
        let (bytes, failure) = read(&node, &[b"hello", b"!"]).await;
        assert_eq!(bytes, b"hello");
        assert!(matches!(failure, Some(Error::SizeMismatch { actual: None, .. })));
        assert!(matches!(read(&node, &[b"jello"]).await.1, Some(Error::DigestMismatch { .. })));
    }
}
