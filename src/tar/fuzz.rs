//! What must hold for any bytes that are read as an archive.

use std::io::{Cursor, Read as _};

use super::{Reader, Seekable, Streamed};

/// Reading and jumping over content find the same entries, and none is larger than what there is.
pub(crate) fn tar(data: &[u8]) {
    let mut reading = Reader::new(Streamed(data));
    let mut jumping = Reader::new(Seekable::new(Cursor::new(data)));
    while let Ok(Some(entry)) = reading.next() {
        assert_eq!(jumping.next().ok().flatten().as_ref(), Some(&entry));
        let mut content = Vec::new();
        if reading.read_to_end(&mut content).is_err() {
            break;
        }
        assert_eq!(content.len() as u64, entry.size);
        let start = usize::try_from(entry.position).expect("what was read fits into memory");
        assert_eq!(data[start..start + content.len()], content);
    }
}
