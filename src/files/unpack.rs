//! A packed folder becomes files again: first beside its place, then in it, so that what is wrong with an
//! archive is known before anything of it can be seen.

use std::{
    ffi::OsStr,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use cap_std::fs::Dir;
use flate2::bufread::MultiGzDecoder;

use super::{
    UnpackError,
    describe::copy,
    safe_path::{check_name, doubles_back, inside, stays_inside},
    tree::{Obstacle, Tree, set_time, time},
};
use crate::{
    content::disk::Wanted,
    oci::{Digest, Hasher},
    tar::{Entry, Kind, Reader, Streamed},
};

/// Longest path of an entry, in bytes. Systems open no path of 4,096, and the folder that is unpacked in needs
/// some of them for its own name.
const LONGEST_PATH: usize = 4_000;

/// What is unpacked, and how.
pub(super) struct Archive<'a> {
    /// Title of the folder: what the names in the archive begin with.
    pub(super) title: &'a str,
    /// Where the folder will be.
    pub(super) target: &'a Path,
    /// Digest of the tar, if it is known.
    pub(super) content: Option<Digest>,
    /// Most bytes that may come out of the compressed archive.
    pub(super) limit: Option<u64>,
    /// Ends the work when nobody waits for it.
    pub(super) wanted: &'a Wanted,
}

impl Archive<'_> {
    /// Unpacks into an empty folder. What is left to be done with its folders comes back.
    pub(super) fn unpack(&self, packed: impl Read, root: Dir) -> Result<Tree, UnpackError> {
        let decoder = MultiGzDecoder::new(BufReader::with_capacity(64 << 10, packed));
        let mut checked = Checked::new(decoder, self);
        let mut reader = Reader::new(Streamed(&mut checked));
        let mut unpacking = Unpacking { archive: self, tree: Tree::new(root) };
        match unpacking.entries(&mut reader) {
            Err(_) if checked.is_over_limit() => Err(UnpackError::TooLarge { limit: checked.limit }),
            Err(error) => Err(error),
            Ok(()) => {
                checked.finish()?;
                Ok(unpacking.tree)
            }
        }
    }
}

struct Unpacking<'a> {
    archive: &'a Archive<'a>,
    tree: Tree,
}

impl Unpacking<'_> {
    fn entries<R: Read>(&mut self, reader: &mut Reader<Streamed<R>>) -> Result<(), UnpackError> {
        while let Some(entry) = reader.next().map_err(io::Error::from)? {
            self.archive.wanted.check()?;
            let path = self.path(&entry.path)?;
            self.entry(&entry, &shown(&entry.path), &path, &mut *reader)?;
        }
        misled(&self.tree, None)
    }

    fn entry(
        &mut self,
        entry: &Entry,
        name: &str,
        path: &Path,
        content: impl Read,
    ) -> Result<(), UnpackError> {
        let failed = |obstacle| obstructed(name, obstacle);
        match entry.kind {
            Kind::Directory => self.tree.folder(path, entry.mode & 0o1777, time(entry.mtime)).map_err(failed),
            // Bits that lend the owner's rights are not taken over from strangers.
            Kind::Regular => {
                let mut file = self.tree.file(path, entry.mode & 0o777).map_err(failed)?;
                let entry_failed = |source| UnpackError::Entry { entry: name.to_owned(), source };
                copy(content, &mut file, entry.size, self.archive.wanted).map_err(entry_failed)?;
                set_time(&file, time(entry.mtime));
                Ok(())
            }
            Kind::Symlink => self.symlink(entry, name, path),
            Kind::HardLink => {
                let original = self.path(&entry.link)?;
                self.tree.hard_link(&original, path).map_err(failed)
            }
            Kind::Sparse => {
                Err(UnpackError::Unsupported { entry: name.to_owned(), kind: "files with holes" })
            }
            Kind::Character | Kind::Block | Kind::Fifo | Kind::Other => Ok(()),
        }
    }

    fn symlink(&mut self, entry: &Entry, name: &str, path: &Path) -> Result<(), UnpackError> {
        let refuse = |reason| UnpackError::Link { entry: name.to_owned(), reason };
        let (Some(folder), Some(text)) = (path.parent(), os_path(&entry.link)) else {
            return Err(refuse("it is no symbolic link that this system can have"));
        };
        let from = folder.as_os_str().as_encoded_bytes();
        if entry.link.is_empty() || !stays_inside(from, &entry.link, self.archive.target) {
            return Err(refuse("symbolic link leads out of the folder"));
        }
        if doubles_back(&entry.link) {
            let target = folder.join(&text);
            self.tree.suspect(&target).map_err(|obstacle| obstructed(name, obstacle))?;
        }
        self.tree.symlink(path, &text, time(entry.mtime)).map_err(|obstacle| obstructed(name, obstacle))
    }

    /// The path in the folder of what has this name in the archive.
    fn path(&self, name: &[u8]) -> Result<PathBuf, UnpackError> {
        let (entry, title) = (shown(name), self.archive.title);
        let Some(path) = inside(title.as_bytes(), self.archive.target, name) else {
            return Err(UnpackError::Outside { entry, title: title.to_owned() });
        };
        if path.len() > LONGEST_PATH {
            return Err(UnpackError::Name { entry, reason: "it is too long" });
        }
        let checked =
            path.split(|byte| *byte == b'/').try_for_each(|part| check_name(&shown(part), cfg!(windows)));
        checked.map_err(|reason| UnpackError::Name { entry: entry.clone(), reason })?;
        os_path(&path).ok_or(UnpackError::Name { entry, reason: "it is not UTF-8" })
    }
}

/// Fails if a link leads through another and back up.
pub(super) fn misled(tree: &Tree, within: Option<&Dir>) -> Result<(), UnpackError> {
    let refuse = |path: &Path| UnpackError::Link {
        entry: path.display().to_string(),
        reason: "symbolic link leads through another and back up",
    };
    tree.misled(within).map_or(Ok(()), |path| Err(refuse(path)))
}

pub(super) fn obstructed(name: &str, obstacle: Obstacle) -> UnpackError {
    let entry = name.to_owned();
    match obstacle {
        Obstacle::Link => UnpackError::Link { entry, reason: "no symbolic link allowed between" },
        Obstacle::InTheWay => UnpackError::InTheWay { entry },
        Obstacle::TooMany => UnpackError::TooMany { entry },
        Obstacle::Io(source) => UnpackError::Entry { entry, source },
    }
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(unix)]
fn os_path(path: &[u8]) -> Option<PathBuf> {
    Some(PathBuf::from(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(path)))
}

#[cfg(not(unix))]
fn os_path(path: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(path).ok().map(PathBuf::from)
}

/// What comes out of a compressed archive: counted, and hashed if its digest is known.
struct Checked<R> {
    inner: R,
    read: u64,
    limit: u64,
    expected: Option<(Digest, Hasher)>,
}

impl<R: Read> Checked<R> {
    fn new(inner: R, archive: &Archive<'_>) -> Self {
        let expected = archive.content.clone().map(|digest| {
            let hasher = digest.algorithm().hasher();
            (digest, hasher)
        });
        Self { inner, read: 0, limit: archive.limit.unwrap_or(u64::MAX), expected }
    }

    fn is_over_limit(&self) -> bool {
        self.read > self.limit
    }

    /// Reads what follows the archive, and compares.
    fn finish(mut self) -> Result<(), UnpackError> {
        let rest = io::copy(&mut self, &mut io::sink());
        if self.is_over_limit() {
            return Err(UnpackError::TooLarge { limit: self.limit });
        }
        rest?;
        let Some((expected, hasher)) = self.expected else { return Ok(()) };
        let actual = hasher.finish();
        if expected == actual { Ok(()) } else { Err(UnpackError::ContentDigest { expected, actual }) }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.read += count as u64;
        if self.is_over_limit() {
            return Err(io::Error::other("too much content"));
        }
        if let Some((_, hasher)) = &mut self.expected {
            hasher.update(&bytes[..count]);
        }
        Ok(count)
    }
}
