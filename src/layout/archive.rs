//! A layout that is a tar: where its files are, without unpacking any.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read as _, Seek as _},
    path::Path,
    sync::Arc,
};

use super::{
    Error,
    folder::{BLOBS, INDEX_FILE, INDEX_LIMIT, LAYOUT_FILE, check_version},
    index_file::IndexFile,
};
use crate::{
    content::{self, disk::Section},
    oci::Digest,
    tar::{self, Entry, Kind, Reader, Seekable, clean},
};

/// A layout in a tar. Reading it may block.
#[derive(Debug)]
pub(super) struct Archive {
    file: Arc<File>,
    path: Arc<Path>,
    blobs: HashMap<Digest, Place>,
    index: Option<Place>,
    version: Option<Place>,
}

/// Where a file is in the tar.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u64,
    len: u64,
}

impl Archive {
    /// Finds the files of a layout in a tar.
    pub(super) fn open(path: &Path) -> content::Result<(Self, IndexFile)> {
        let file = File::open(path).map_err(content::Error::io("open", path))?;
        let end = file.metadata().map_err(content::Error::io("stat", path))?.len();
        let mut archive = Self {
            file: Arc::new(file),
            path: path.into(),
            blobs: HashMap::new(),
            index: None,
            version: None,
        };
        archive.find(end).map_err(Error::no_archive(path))?;
        let version = archive.read(archive.version).map_err(Error::NoLayoutFile)?;
        check_version(&version)?;
        let index = archive.read(archive.index).map_err(Error::NoIndex)?;
        let index = IndexFile::parse(&index).map_err(Error::MalformedIndex)?;
        Ok((archive, index))
    }

    /// A run of bytes with some content; `None` if it is not there.
    pub(super) fn section(&self, digest: &Digest) -> Option<Section> {
        let Place { start, len } = *self.blobs.get(digest)?;
        Some(Section { file: self.file.clone(), path: self.path.clone(), start, len, is_whole: false })
    }

    /// Size of content in bytes; `None` if it is not there.
    pub(super) fn size(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).map(|place| place.len)
    }

    fn find(&mut self, end: u64) -> Result<(), tar::Error> {
        let file = self.file.clone();
        let mut reader = Reader::new(Seekable::new(&*file));
        while let Some(entry) = reader.next()? {
            if entry.position + entry.size > end {
                return Err(tar::Error::Truncated);
            }
            match named(&entry) {
                Some((Name::Version, place)) => self.version = Some(place),
                Some((Name::Index, place)) => self.index = Some(place),
                Some((Name::Blob(digest), place)) => drop(self.blobs.insert(digest, place)),
                None => {}
            }
        }
        Ok(())
    }

    fn read(&self, place: Option<Place>) -> io::Result<Vec<u8>> {
        let Place { start, len } = place.ok_or(io::ErrorKind::NotFound)?;
        if len > INDEX_LIMIT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut text = Vec::new();
        let mut file = &*self.file;
        file.seek(io::SeekFrom::Start(start))?;
        file.take(len).read_to_end(&mut text)?;
        Ok(text)
    }
}

/// The files of a layout that are of interest.
enum Name {
    Version,
    Index,
    Blob(Digest),
}

fn named(entry: &Entry) -> Option<(Name, Place)> {
    if entry.kind != Kind::Regular {
        return None;
    }
    let place = Place { start: entry.position, len: entry.size };
    let path = String::from_utf8(clean(&entry.path)).ok()?;
    let name = match &*path {
        LAYOUT_FILE => Name::Version,
        INDEX_FILE => Name::Index,
        other => {
            let (algorithm, encoded) = other.strip_prefix(BLOBS)?.strip_prefix('/')?.split_once('/')?;
            Name::Blob(format!("{algorithm}:{encoded}").parse().ok()?)
        }
    };
    Some((name, place))
}
