//! A layout in a folder, written as a tar that depends on its content only: no times, no owners.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read as _, Write},
    path::Path,
};

use super::{
    Error as LayoutError,
    folder::{INDEX_FILE, INGEST},
    index_file::IndexFile,
};
use crate::{
    content::{Error, Result},
    tar::{END, Header, Kind, padding},
};

/// Writes the files of a folder in the order of their names, and returns the size of the tar in bytes. Each
/// file is removed once it is written. What is being written to the layout is left out. The listener is told
/// time and again how many bytes are written.
pub(super) fn drain(root: &Path, output: &File, report: &dyn Fn(u64)) -> Result<u64> {
    let mut export = Export { output: BufWriter::with_capacity(256 << 10, output), written: 0, report };
    export.folder(root, "")?;
    export.write(&END).and_then(|()| export.output.flush()).map_err(Error::io("write", root))?;
    Ok(export.written)
}

struct Export<'a> {
    output: BufWriter<&'a File>,
    written: u64,
    report: &'a dyn Fn(u64),
}

/// How many bytes the tar of a folder will have, as far as can be told before.
pub(super) fn estimate(root: &Path) -> u64 {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| {
        let below = match entry.metadata() {
            Ok(metadata) if metadata.is_file() => metadata.len() + padding(metadata.len()).len() as u64,
            Ok(metadata) if metadata.is_dir() => estimate(&entry.path()),
            _ => 0,
        };
        HEADER + below
    });
    sizes.sum()
}

/// Bytes of a header.
const HEADER: u64 = 512;
/// How much of a file is copied before the listener is told.
const PIECE: u64 = 16 << 20;

impl Export<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.output.write_all(bytes)
    }

    /// Writes what is in a folder. A layout is as deep as its specification says, so recursion is bounded by
    /// what people put beside it.
    fn folder(&mut self, path: &Path, prefix: &str) -> Result<()> {
        let failed = |error| Error::io("read", path)(error);
        let entries = fs::read_dir(path).map_err(failed)?;
        let mut names: Vec<_> = entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        names.sort_unstable();
        for name in names {
            let path = path.join(&name);
            let name = format!("{prefix}{}", name.to_string_lossy());
            let metadata = fs::metadata(&path).map_err(Error::io("stat", &path))?;
            if name == INDEX_FILE {
                self.index(&path)?;
            } else if metadata.is_file() {
                self.file(&path, &name).map_err(Error::io("archive", &path))?;
                // A file that stays is no harm: it only takes room.
                let _ = fs::remove_file(&path);
            } else if metadata.is_dir() && name != INGEST {
                let name = format!("{name}/");
                self.header(&name, Kind::Directory, 0o755, 0).map_err(Error::io("archive", &path))?;
                self.folder(&path, &name)?;
            }
        }
        Ok(())
    }

    /// Writes the list of manifests, whose order must not depend on which of them came first.
    fn index(&mut self, path: &Path) -> Result<()> {
        let text = fs::read(path).map_err(Error::io("read", path))?;
        let bytes = IndexFile::parse(&text).map_err(LayoutError::MalformedIndex)?.sorted().to_bytes();
        let size = bytes.len() as u64;
        let written = self.header(INDEX_FILE, Kind::Regular, 0o644, size);
        let written = written.and_then(|()| self.write(&bytes)).and_then(|()| self.write(padding(size)));
        written.map_err(Error::io("archive", path))
    }

    fn file(&mut self, path: &Path, name: &str) -> io::Result<()> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let size = metadata.len();
        let mode = if metadata.permissions().readonly() { 0o444 } else { 0o644 };
        self.header(name, Kind::Regular, mode, size)?;
        let mut left = size;
        while left > 0 {
            // (The standard library lets the operating system copy from file to file.)
            let copied = io::copy(&mut (&file).take(left.min(PIECE)), &mut self.output)?;
            if copied == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= copied;
            self.written += copied;
            (self.report)(self.written);
        }
        self.write(padding(size))
    }

    fn header(&mut self, name: &str, kind: Kind, mode: u32, size: u64) -> io::Result<()> {
        let header = Header {
            path: name.as_bytes(),
            link: b"",
            kind,
            mode,
            size,
            mtime: 0,
            owner: (0, 0),
            device: (0, 0),
        };
        self.write(&header.encode())
    }
}
