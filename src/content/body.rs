//! What is sent to a target, and whether it can be sent twice.

use std::{fs::File, path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{
    ByteStream, Error, Result, Source,
    disk::{Section, off},
    once, verify,
};
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
    File(PathBuf),
    Once(Option<ByteStream>),
}

impl Body {
    /// Content of a store; it can be opened again, and at any offset.
    pub fn stored(source: Arc<dyn Source>, node: Descriptor) -> Self {
        Self { content: Content::Stored { source, node: Box::new(node) }, observer: None }
    }

    /// A file of this machine; it can be opened again, and at any offset.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { content: Content::File(path.into()), observer: None }
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

    /// Opens the content at an offset in bytes. From the beginning, the stream of a store or a file is
    /// checked against its descriptor.
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
            Content::File(path) if offset == 0 => verify::stream(node, open_file(path.clone(), 0).await?),
            Content::File(path) => open_file(path.clone(), offset).await?,
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

async fn open_file(path: PathBuf, offset: u64) -> Result<ByteStream> {
    off(move || {
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        Section::whole(file, &path)?.stream(offset)
    })
    .await
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: &mut Body, node: &Descriptor, offset: u64) -> Result<Vec<u8>> {
        let mut stream = body.open(node, offset).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes)
    }

    #[tokio::test]
    async fn a_file_is_read_again_from_any_offset_and_checked_as_a_whole() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "hello").unwrap();
        let node = Descriptor::of("a/b", b"hello");
        let mut body = Body::file(file.path());
        assert!(body.is_replayable());
        for (offset, expected) in [(0, "hello"), (2, "llo"), (0, "hello"), (5, "")] {
            assert_eq!(read(&mut body, &node, offset).await.unwrap(), expected.as_bytes(), "{offset}");
        }
        std::fs::write(&file, "jello").unwrap();
        assert!(matches!(read(&mut body, &node, 0).await, Err(Error::DigestMismatch { .. })));
        std::fs::write(&file, "hello!").unwrap();
        assert!(matches!(read(&mut body, &node, 0).await, Err(Error::SizeMismatch { .. })));
        drop(file);
        assert!(matches!(read(&mut body, &node, 0).await, Err(Error::Io { action: "open", .. })));
    }
}
