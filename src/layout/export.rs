//! A layout in a folder, written as a tar.

use std::{
    fs::{self, File, Metadata},
    io::{self, BufWriter, Read as _, Write},
    path::Path,
    time::UNIX_EPOCH,
};

use super::folder::INGEST;
use crate::{
    content::{Error, Result},
    tar::{END, Header, Kind, padding},
};

/// Writes the files of a folder in the order of their names, and returns the size of the tar in bytes.
/// What is being written to the layout is left out.
pub(super) fn write(root: &Path, output: File) -> Result<u64> {
    let mut export = Export { output: BufWriter::with_capacity(256 << 10, output), written: 0 };
    export.folder(root, "")?;
    export.write(&END).and_then(|()| export.output.flush()).map_err(Error::io("write", root))?;
    Ok(export.written)
}

struct Export {
    output: BufWriter<File>,
    written: u64,
}

impl Export {
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
            if metadata.is_file() {
                self.file(&path, &name).map_err(Error::io("archive", &path))?;
            } else if metadata.is_dir() && name != INGEST {
                let name = format!("{name}/");
                self.header(&name, Kind::Directory, &metadata).map_err(Error::io("archive", &path))?;
                self.folder(&path, &name)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: &str) -> io::Result<()> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let size = metadata.len();
        self.header(name, Kind::Regular, &metadata)?;
        let copied = io::copy(&mut file.take(size), &mut self.output)?;
        if copied != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.written += size;
        self.write(padding(size))
    }

    fn header(&mut self, name: &str, kind: Kind, metadata: &Metadata) -> io::Result<()> {
        let (mode, owner) = ownership(metadata);
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let header = Header {
            path: name.as_bytes(),
            link: b"",
            kind,
            mode,
            size: if kind == Kind::Regular { metadata.len() } else { 0 },
            mtime: since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default(),
            owner,
            device: (0, 0),
        };
        self.write(&header.encode())
    }
}

#[cfg(unix)]
fn ownership(metadata: &Metadata) -> (u32, (u64, u64)) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.mode() & 0o7777, (metadata.uid().into(), metadata.gid().into()))
}

#[cfg(not(unix))]
fn ownership(metadata: &Metadata) -> (u32, (u64, u64)) {
    let mode = if metadata.is_dir() {
        0o755
    } else if metadata.permissions().readonly() {
        0o444
    } else {
        0o644
    };
    (mode, (0, 0))
}
