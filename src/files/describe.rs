//! A file as content: its digest and size.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    path::Path,
    time::SystemTime,
};

use crate::{
    content::{
        Error, Result,
        disk::{PIECE, Wanted},
    },
    oci::{Algorithm, Digest, Hasher},
};

/// What a file was when it was read.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) modified: Option<SystemTime>,
}

/// Looks at what is at a path; links are followed.
pub(super) fn stat(path: &Path) -> Result<Metadata> {
    fs::metadata(path).map_err(Error::io("stat", path))
}

/// Reads a file and describes it.
pub(super) fn describe(path: &Path, wanted: &Wanted) -> Result<Described> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let mut sink = Hashing::new(io::sink());
    copy(&file, &mut sink, u64::MAX, wanted).map_err(Error::io("read", path))?;
    let (digest, size, _) = sink.finish();
    Ok(Described { digest, size, modified })
}

/// Copies what can be read only once, such as a pipe, and describes it.
pub(super) fn describe_copy(path: &Path, copy_of: &File, wanted: &Wanted) -> Result<Described> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let mut sink = Hashing::new(copy_of);
    copy(&file, &mut sink, u64::MAX, wanted).map_err(Error::io("read", path))?;
    let (digest, size, _) = sink.finish();
    Ok(Described { digest, size, modified: None })
}

/// Copies at most `most` bytes, and returns how many there were.
pub(super) fn copy(mut from: impl Read, to: &mut impl Write, most: u64, wanted: &Wanted) -> io::Result<u64> {
    let mut piece = vec![0; usize::try_from(most).unwrap_or(PIECE).clamp(1, PIECE)];
    let mut copied = 0;
    while copied < most {
        wanted.check()?;
        let room = usize::try_from(most - copied).unwrap_or(PIECE).min(piece.len());
        match from.read(&mut piece[..room]) {
            Ok(0) => break,
            Ok(count) => {
                to.write_all(&piece[..count])?;
                copied += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(copied)
}

/// Passes bytes on, and hashes and counts them.
pub(super) struct Hashing<W> {
    inner: W,
    hasher: Hasher,
    written: u64,
}

impl<W> Hashing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hasher: Algorithm::Sha256.hasher(), written: 0 }
    }

    /// Digest and number of the bytes, and what they were passed to.
    pub(super) fn finish(self) -> (Digest, u64, W) {
        (self.hasher.finish(), self.written, self.inner)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
