//! Text under construction, with an upper bound: a short template can describe a text of any length.

use super::error::Failure;
use super::value::Text;

/// The longest text that a template makes, in bytes: its output or any value on the way there.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// Bytes that are added to until [`MAX_BYTES`] is reached.
#[derive(Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
}

impl Buffer {
    /// Adds bytes at the end.
    pub(super) fn push(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
        let bytes = bytes.as_ref();
        self.reserve(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Adds one character at the end.
    pub(super) fn push_char(&mut self, character: char) -> Result<(), Failure> {
        self.push(character.encode_utf8(&mut [0; 4]))
    }

    /// Adds the same bytes `count` times.
    pub(super) fn push_repeated(&mut self, bytes: &[u8], count: usize) -> Result<(), Failure> {
        self.reserve(bytes.len().saturating_mul(count))?;
        self.bytes.extend_from_slice(&bytes.repeat(count));
        Ok(())
    }

    /// Adds the same byte `count` times.
    pub(super) fn fill(&mut self, byte: u8, count: usize) -> Result<(), Failure> {
        self.reserve(count)?;
        self.bytes.resize(self.bytes.len() + count, byte);
        Ok(())
    }

    /// The bytes so far.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The finished bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The finished text, as a value of the template.
    pub(super) fn into_text(self) -> Text {
        Text::from(self.bytes)
    }

    fn reserve(&self, more: usize) -> Result<(), Failure> {
        if more > MAX_BYTES - self.bytes.len() {
            return Err(Failure(format!("the text would be longer than {} MiB", MAX_BYTES >> 20)));
        }
        Ok(())
    }
}
