//! A folder becomes a tar with gzip, the same one wherever the same files are.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
    vec,
};

use super::{
    Error,
    describe::{Hashing, copy, stat},
    gzip::Gzip,
};
use crate::{
    content::{self, Result, disk::Wanted},
    oci::Digest,
    tar::{END, Header, Kind, clean, padding},
};

/// What a folder was packed into.
pub(super) struct Packed {
    /// Digest of the compressed tar.
    pub(super) digest: Digest,
    /// Size of the compressed tar in bytes.
    pub(super) size: u64,
    /// Digest of the tar before compression.
    pub(super) content: Digest,
}

/// Packs a folder. The names of the entries begin with the title; links in the folder stay links, the folder
/// itself may be reached through one.
pub(super) fn pack(folder: &Path, title: &str, output: &File, wanted: &Wanted) -> Result<Packed> {
    let failed = |error| content::Error::io("pack", folder)(error);
    let gzip = Gzip::new(Hashing::new(output.try_clone().map_err(failed)?));
    let mut archive = Archive { output: BufWriter::with_capacity(64 << 10, Hashing::new(gzip)), wanted };
    archive.tree(folder, clean(title.as_bytes()))?;
    archive.output.write_all(&END).map_err(failed)?;
    let tar = archive.output.into_inner().map_err(|error| failed(error.into_error()))?;
    let (content, _, gzip) = tar.finish();
    let (digest, size, _) = gzip.finish().map_err(failed)?.finish();
    Ok(Packed { digest, size, content })
}

struct Archive<'a> {
    output: BufWriter<Hashing<Gzip<Hashing<File>>>>,
    wanted: &'a Wanted,
}

/// A folder on the way through the tree, with what is left of it.
struct Level {
    path: PathBuf,
    name: Vec<u8>,
    left: vec::IntoIter<OsString>,
}

impl Archive<'_> {
    fn tree(&mut self, root: &Path, name: Vec<u8>) -> Result<()> {
        self.header(root, &name, &stat(root)?)?;
        let mut levels = vec![Level::of(root.to_owned(), name)?];
        while let Some(level) = levels.last_mut() {
            let Some(next) = level.left.next() else {
                levels.pop();
                continue;
            };
            let (path, name) = (level.path.join(&next), level.name_of(&next));
            let metadata = fs::symlink_metadata(&path).map_err(content::Error::io("stat", &path))?;
            self.header(&path, &name, &metadata)?;
            if metadata.is_dir() {
                levels.push(Level::of(path, name)?);
            } else if metadata.is_file() {
                self.content(&path, metadata.len())?;
            }
        }
        Ok(())
    }

    fn header(&mut self, path: &Path, name: &[u8], metadata: &Metadata) -> Result<()> {
        let kind = kind(metadata).ok_or_else(|| Error::Socket { path: path.to_owned() })?;
        let link = match kind {
            Kind::Symlink => bytes(fs::read_link(path).map_err(content::Error::io("readlink", path))?.into()),
            _ => Vec::new(),
        };
        let header = Header {
            path: name,
            link: &link,
            kind,
            mode: mode(metadata),
            size: if kind == Kind::Regular { metadata.len() } else { 0 },
            mtime: mtime(metadata).map_err(content::Error::io("stat", path))?,
            owner: (0, 0),
            device: device(kind, metadata),
        };
        self.output.write_all(&header.encode()).map_err(content::Error::io("pack", path))
    }

    fn content(&mut self, path: &Path, size: u64) -> Result<()> {
        let mut file = File::open(path).map_err(content::Error::io("open", path))?;
        let failed = |error| content::Error::io("pack", path)(error);
        let copied = copy(&mut file, &mut self.output, size, self.wanted).map_err(failed)?;
        let is_longer = io::Read::read(&mut file, &mut [0]).map_err(failed)? > 0;
        if copied != size || is_longer {
            return Err(Error::Changed { path: path.to_owned() }.into());
        }
        self.output.write_all(padding(size)).map_err(failed)
    }
}

impl Level {
    fn of(path: PathBuf, name: Vec<u8>) -> Result<Self> {
        let failed = |error| content::Error::io("read", &path)(error);
        let entries = fs::read_dir(&path).map_err(failed)?;
        let names: io::Result<Vec<_>> = entries.map(|entry| entry.map(|entry| entry.file_name())).collect();
        let mut names = names.map_err(failed)?;
        names.sort_unstable();
        Ok(Self { path, name, left: names.into_iter() })
    }

    fn name_of(&self, entry: &OsString) -> Vec<u8> {
        let entry = bytes(entry.clone());
        if self.name == b"." { entry } else { [&self.name[..], b"/", &entry].concat() }
    }
}

/// Seconds since 1970, rounded to the nearest.
fn mtime(metadata: &Metadata) -> io::Result<i64> {
    let nanoseconds = match metadata.modified()?.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()),
        Err(before) => i128::try_from(before.duration().as_nanos()).map(|before| -before),
    };
    let seconds = (nanoseconds.unwrap_or(i128::MAX) + 500_000_000).div_euclid(1_000_000_000);
    i64::try_from(seconds).map_err(io::Error::other)
}

#[cfg(unix)]
fn bytes(name: OsString) -> Vec<u8> {
    std::os::unix::ffi::OsStringExt::into_vec(name)
}

#[cfg(not(unix))]
fn bytes(name: OsString) -> Vec<u8> {
    name.to_string_lossy().replace('\\', "/").into_bytes()
}

/// What an entry is; `None` for what an archive cannot hold.
#[cfg(unix)]
fn kind(metadata: &Metadata) -> Option<Kind> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    [
        (kind.is_file(), Kind::Regular),
        (kind.is_dir(), Kind::Directory),
        (kind.is_symlink(), Kind::Symlink),
        (kind.is_fifo(), Kind::Fifo),
        (kind.is_char_device(), Kind::Character),
        (kind.is_block_device(), Kind::Block),
    ]
    .into_iter()
    .find_map(|(is, kind)| is.then_some(kind))
}

#[cfg(not(unix))]
fn kind(metadata: &Metadata) -> Option<Kind> {
    let kind = metadata.file_type();
    [(kind.is_file(), Kind::Regular), (kind.is_dir(), Kind::Directory), (kind.is_symlink(), Kind::Symlink)]
        .into_iter()
        .find_map(|(is, kind)| is.then_some(kind))
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o7777
}

#[cfg(not(unix))]
fn mode(metadata: &Metadata) -> u32 {
    match (metadata.is_dir(), metadata.permissions().readonly()) {
        (true, _) => 0o777,
        (false, true) => 0o444,
        (false, false) => 0o666,
    }
}

/// Major and minor number of a device, as Linux packs them.
#[cfg(unix)]
fn device(kind: Kind, metadata: &Metadata) -> (u32, u32) {
    if !matches!(kind, Kind::Character | Kind::Block) {
        return (0, 0);
    }
    let device = std::os::unix::fs::MetadataExt::rdev(metadata);
    let part = |number: u64| u32::try_from(number & 0xffff_ffff).unwrap_or_default();
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & 0xffff_f000);
    let minor = (device & 0xff) | ((device >> 12) & 0xffff_ff00);
    (part(major), part(minor))
}

#[cfg(not(unix))]
fn device(_: Kind, _: &Metadata) -> (u32, u32) {
    (0, 0)
}
