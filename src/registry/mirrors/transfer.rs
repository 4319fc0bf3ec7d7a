//! Content that comes from several places, each going on where the one before it stopped.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::source::Inner;
use crate::{
    content::{self, ByteStream},
    oci::{Descriptor, Hasher},
};

/// Content on its way, from one place after the other.
pub(super) struct Transfer {
    inner: Arc<Inner>,
    node: Descriptor,
    at: u64,
    /// The place that is read from: a mirror, or the registry behind the last one.
    index: usize,
    stream: Option<ByteStream>,
    /// Only what is read from its beginning can be checked.
    hasher: Option<Hasher>,
    /// Mirrors that sent a part of it.
    senders: Vec<usize>,
}

impl Transfer {
    /// Opens content at an offset, at the first place that has it.
    pub(super) async fn stream(
        inner: Arc<Inner>,
        node: &Descriptor,
        offset: u64,
    ) -> content::Result<ByteStream> {
        let hasher = (offset == 0).then(|| node.digest.algorithm().hasher());
        let (index, stream, senders) = (0, None, Vec::new());
        let mut transfer = Self { inner, node: node.clone(), at: offset, index, stream, hasher, senders };
        transfer.open().await?;
        let pieces = stream::try_unfold(transfer, |mut transfer| async {
            Ok(transfer.next().await?.map(|piece| (piece, transfer)))
        });
        Ok(pieces.boxed())
    }

    /// Opens the next place that has the content.
    async fn open(&mut self) -> content::Result<()> {
        while self.stream.is_none() {
            self.stream = self.inner.open(self.index, &self.node, self.at).await?;
            if self.stream.is_none() {
                self.index += 1;
            }
        }
        Ok(())
    }

    fn is_mirror(&self) -> bool {
        self.index < self.inner.mirrors.len()
    }

    async fn next(&mut self) -> content::Result<Option<Bytes>> {
        loop {
            self.open().await?;
            let piece = match &mut self.stream {
                Some(stream) => stream.next().await,
                None => None,
            };
            match piece {
                Some(Ok(piece)) => {
                    self.at += piece.len() as u64;
                    if let Some(hasher) = &mut self.hasher {
                        hasher.update(&piece);
                    }
                    if self.is_mirror() && self.senders.last() != Some(&self.index) {
                        self.senders.push(self.index);
                    }
                    return Ok(Some(piece));
                }
                Some(Err(error)) if self.is_mirror() => {
                    self.inner.failed(self.index, &error);
                    self.leave();
                }
                Some(Err(error)) => return Err(error),
                None if self.at < self.node.size && self.is_mirror() => self.leave(),
                None => {
                    self.judge();
                    return Ok(None);
                }
            }
        }
    }

    /// Goes on at the next place, from where this one stopped.
    fn leave(&mut self) {
        self.stream = None;
        self.index += 1;
    }

    /// Finds out in the end whether a mirror lied; the error itself comes from whoever checks what is read.
    fn judge(&mut self) {
        let wrong = self.hasher.take().is_some_and(|hasher| hasher.finish() != self.node.digest);
        if wrong {
            for index in self.senders.drain(..) {
                self.inner.lied(index);
            }
        }
    }
}
