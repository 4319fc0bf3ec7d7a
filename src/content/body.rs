//! What is sent to a target, and whether it can be sent twice.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{ByteStream, Error, Result, Source, once};
use crate::oci::Descriptor;

/// Is told the position in the content, in bytes, as it moves on.
pub type Observer = Arc<dyn Fn(u64) + Send + Sync>;

/// The content of a push.
///
/// Whether it can be read again is part of the value, so that no retry can send half of a stream.
pub struct Body {
    content: Content,
    observer: Option<Observer>,
}

enum Content {
    Bytes(Bytes),
    Stored { source: Arc<dyn Source>, node: Box<Descriptor> },
    Once(Option<ByteStream>),
}

impl Body {
    /// Content of a store; it can be opened again, and at any offset.
    pub fn stored(source: Arc<dyn Source>, node: Descriptor) -> Self {
        Self { content: Content::Stored { source, node: Box::new(node) }, observer: None }
    }

    /// A stream that can be read once only. The caller checks it with [`verify`](super::verify) if it
    /// comes from elsewhere.
    #[must_use]
    pub fn stream(stream: ByteStream) -> Self {
        Self { content: Content::Once(Some(stream)), observer: None }
    }

    /// Tells an observer how far the content has been read.
    #[must_use]
    pub fn observed(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Can it be opened more than once?
    #[must_use]
    pub fn is_replayable(&self) -> bool {
        !matches!(self.content, Content::Once(_))
    }

    /// The content, if it is in memory.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Opens the content at an offset in bytes. From the beginning, the stream of a store is checked
    /// against its descriptor.
    ///
    /// # Errors
    /// The store failed, or a stream was already taken.
    pub async fn open(&mut self, node: &Descriptor, offset: u64) -> Result<ByteStream> {
        let stream = match &mut self.content {
            Content::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                once(bytes.slice(start..))
            }
            Content::Stored { source, node } if offset == 0 => source.fetch(node).await?,
            Content::Stored { source, node } => source.fetch_unverified(node, offset).await?,
            Content::Once(stream) if offset == 0 => {
                stream.take().ok_or_else(|| Error::NotReplayable { digest: node.digest.clone() })?
            }
            Content::Once(_) => return Err(Error::NotReplayable { digest: node.digest.clone() }),
        };
        let Some(observer) = self.observer.clone() else { return Ok(stream) };
        let mut position = offset;
        Ok(Box::pin(stream.inspect(move |piece| {
            if let Ok(piece) = piece {
                position += piece.len() as u64;
                observer(position);
            }
        })))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self { content: Content::Bytes(bytes), observer: None }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}
