//! Answers that were compressed although nobody asked for it.
//!
//! The name of content is the digest of the bytes before that. But some stores call a blob that is itself
//! compressed "encoded", so the bytes are taken as they come when they fit, and unpacked only when not.

use std::{
    io::{self, Read, Seek as _, Write as _},
    pin::Pin,
};

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Error, Result, body::Incoming};
use crate::{
    content,
    oci::{Descriptor, Digest},
};

/// Content on its way, in pieces.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// A way to compress answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    /// Reads `Content-Encoding`; `None` for what is no coding, or one that we cannot undo.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        match &*value.trim().to_ascii_lowercase() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    fn reader<'a>(self, inner: impl Read + 'a) -> Box<dyn Read + 'a> {
        match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(inner)),
            Self::Deflate => Box::new(ZlibDecoder::new(inner)),
        }
    }

    /// Unpacks bytes in memory; `None` when they are not of this coding or more than `limit` bytes.
    pub(crate) fn decode(self, bytes: &[u8], limit: u64) -> Option<Bytes> {
        let mut plain = Vec::new();
        self.reader(bytes).take(limit + 1).read_to_end(&mut plain).ok()?;
        (plain.len() as u64 <= limit).then(|| plain.into())
    }

    /// The content of a blob behind an encoded answer. It passes through a file without a name, since only
    /// at its end it is known which of the two it is.
    ///
    /// # Errors
    /// The answer breaks off, is far too long, or there is no place for the file.
    pub(crate) async fn settle(self, mut body: Incoming, node: &Descriptor) -> Result<Pieces> {
        let mut raw = new_file().await?;
        let mut hasher = node.digest.algorithm().hasher();
        let mut size = 0;
        while let Some(piece) = body.next().await {
            let piece = piece?;
            size += piece.len() as u64;
            if size > longest(node.size) {
                return Err(too_long(node));
            }
            hasher.update(&piece);
            raw.write_all(&piece).await.map_err(failed)?;
        }
        raw.flush().await.map_err(failed)?;
        let mut raw = raw.into_std().await;
        raw.rewind().map_err(failed)?;
        if hasher.finish() == node.digest {
            return Ok(pieces(raw));
        }
        let (limit, expected) = (node.size, node.digest.clone());
        let work = move || self.unpack(raw, limit, &expected);
        match tokio::task::spawn_blocking(work).await {
            Ok(file) => file.map(pieces).map_err(failed),
            // It was not begun, since the program ends.
            Err(failure) if failure.is_cancelled() => std::future::pending().await,
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        }
    }

    /// Unpacks a file. What turns out not to be packed, or not the content, is returned as it was: whoever
    /// reads it will say what is wrong with it.
    fn unpack(self, mut raw: std::fs::File, limit: u64, expected: &Digest) -> io::Result<std::fs::File> {
        let mut plain = tempfile::tempfile()?;
        let mut hasher = expected.algorithm().hasher();
        let mut reader = self.reader(&mut raw).take(limit + 1);
        let mut buffer = vec![0; 64 << 10];
        let is_whole = loop {
            match reader.read(&mut buffer) {
                Ok(0) => break true,
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    plain.write_all(&buffer[..count])?;
                }
                Err(_) => break false,
            }
        };
        drop(reader);
        let mut file = if is_whole && hasher.finish() == *expected { plain } else { raw };
        file.rewind()?;
        Ok(file)
    }
}

/// Nothing that is compressed is much longer than before.
fn longest(size: u64) -> u64 {
    size.saturating_add(size / 8).saturating_add(64 << 10)
}

fn too_long(node: &Descriptor) -> Error {
    content::Error::SizeMismatch { digest: node.digest.clone(), expected: node.size, actual: None }.into()
}

async fn new_file() -> Result<tokio::fs::File> {
    tempfile::tempfile().map(tokio::fs::File::from_std).map_err(failed)
}

fn failed(error: io::Error) -> Error {
    content::Error::io("use a file in", "the temporary folder")(error).into()
}

fn pieces(file: std::fs::File) -> Pieces {
    let file = tokio::fs::File::from_std(file);
    Box::pin(stream::try_unfold(file, |mut file| async move {
        let mut buffer = vec![0; 64 << 10];
        let count = file.read(&mut buffer).await.map_err(failed)?;
        buffer.truncate(count);
        Ok((count > 0).then(|| (buffer.into(), file)))
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::registry::Limits;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn settle(sent: Vec<u8>, node: &Descriptor) -> Result<Vec<u8>> {
        let raw = futures_util::stream::iter([Ok(Bytes::from(sent))]);
        let body = Incoming::new(Box::pin(raw), &Limits::default(), "GET", "http://h/".into());
        let mut pieces = Coding::Gzip.settle(body, node).await?;
        let mut all = Vec::new();
        while let Some(piece) = pieces.next().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn a_compressed_layer_that_is_called_encoded_stays_as_it_is() {
        let layer = gzip(b"hello");
        assert_eq!(settle(layer.clone(), &Descriptor::of("a/b", &layer)).await.unwrap(), layer);
    }

    #[tokio::test]
    async fn an_answer_that_was_compressed_on_the_way_is_unpacked() {
        let content = vec![7; 300_000];
        assert_eq!(settle(gzip(&content), &Descriptor::of("a/b", &content)).await.unwrap(), content);
    }

    #[tokio::test]
    async fn what_is_neither_is_passed_on_to_be_refused_and_a_bomb_is_not_unpacked() {
        let node = Descriptor::of("a/b", b"hello");
        assert_eq!(settle(b"other".to_vec(), &node).await.unwrap(), b"other");
        let bomb = gzip(&vec![0; 4 << 20]);
        assert_eq!(settle(bomb.clone(), &node).await.unwrap(), bomb);
        assert!(settle(vec![0; 1 << 20], &node).await.is_err());
        assert_eq!(Coding::Gzip.decode(&bomb, 1 << 20), None);
    }
}
