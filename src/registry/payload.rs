//! What is sent with a request, and whether it can be sent once more.

use std::ops::Range;

use bytes::Bytes;

use super::{Result, body::Outgoing};
use crate::{
    content::{Body, ByteStream},
    oci::Descriptor,
};

/// What is sent with a request.
pub(crate) enum Payload<'a> {
    /// There is no body.
    Nothing,
    /// It is in memory.
    Bytes(Bytes),
    /// It is content, or a part of it.
    Content {
        /// Where it is read.
        reader: &'a mut Reader,
        /// Which part, in bytes.
        range: Range<u64>,
    },
}

impl Payload<'_> {
    /// Opens it, to be sent once.
    ///
    /// # Errors
    /// The content cannot be read, or not again.
    pub(crate) async fn open(&mut self) -> Result<Outgoing> {
        Ok(match self {
            Self::Nothing => Outgoing::Nothing,
            Self::Bytes(bytes) => Outgoing::Bytes(bytes.clone()),
            Self::Content { reader, range } => reader.outgoing(range).await?,
        })
    }

    /// Takes note of what became of it.
    pub(crate) fn take_back(&mut self, outgoing: &Outgoing) {
        if let Self::Content { reader, range } = self {
            reader.take_back(outgoing, range);
        }
    }

    /// Can it be sent once more?
    pub(crate) fn is_replayable(&self) -> bool {
        match self {
            Self::Nothing | Self::Bytes(_) => true,
            Self::Content { reader, range } => reader.can_read_from(range.start),
        }
    }
}

/// Content that is sent in one piece or in several.
///
/// The stream is kept between two parts: it is opened again only when a part has to be repeated.
pub(crate) struct Reader {
    body: Body,
    node: Descriptor,
    /// A stream, and its position in bytes.
    open: Option<(u64, ByteStream)>,
    handed: u64,
}

impl Reader {
    pub(crate) fn new(body: Body, node: &Descriptor) -> Self {
        Self { body, node: node.clone(), open: None, handed: 0 }
    }

    /// What it is.
    pub(crate) fn node(&self) -> &Descriptor {
        &self.node
    }

    /// Can it be read from there, after it was opened before?
    pub(crate) fn can_read_from(&self, offset: u64) -> bool {
        self.body.is_replayable() || self.open.as_ref().is_some_and(|(position, _)| *position == offset)
    }

    /// Is it checked while it is read, each time anew? Then what arrives otherwise was changed on the way.
    pub(crate) fn is_checked(&self) -> bool {
        self.body.is_replayable() && self.body.bytes().is_none()
    }

    /// Bytes of the latest part that were handed to the network.
    pub(crate) fn handed(&self) -> u64 {
        self.handed
    }

    async fn outgoing(&mut self, range: &Range<u64>) -> Result<Outgoing> {
        let stream = match self.open.take().filter(|(position, _)| *position == range.start) {
            Some((_, stream)) => stream,
            None => self.body.open(&self.node, range.start).await?,
        };
        Ok(Outgoing::stream(stream, range.end - range.start, range.end == self.node.size))
    }

    fn take_back(&mut self, outgoing: &Outgoing, range: &Range<u64>) {
        self.handed = outgoing.handed();
        let unread = outgoing.unread().map(|stream| (range.start, stream));
        self.open = unread.or_else(|| outgoing.rest().map(|stream| (range.end, stream)));
    }
}
