//! A folder that is being filled from an archive, through handles that cannot leave it.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::{File, FileTimes},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cap_std::fs::{Dir, DirBuilder, OpenOptions};

/// Bytes that may be remembered of an archive's folders and links until its end: some 500,000 folders.
const MEMORY: usize = 64 << 20;

/// A folder and the folders in it. Paths are relative and go down only. No link is ever followed.
pub(super) struct Tree {
    root: Dir,
    /// The folder that was used last: entries come folder by folder.
    last: Option<(PathBuf, Dir)>,
    /// What is left to be done with folders once nothing is put into them any more.
    folders: Vec<Folder>,
    /// Where links lead whose text goes back up behind a name: whether that is inside depends on other links.
    odd_links: Vec<PathBuf>,
    /// Bytes that may still be remembered.
    memory: usize,
}

struct Folder {
    path: PathBuf,
    time: SystemTime,
    /// The mode it is to have in the end, where that keeps even its owner out.
    closed: Option<u32>,
}

/// Why an entry cannot be put where it should.
pub(super) enum Obstacle {
    /// A part of its path is a link.
    Link,
    /// What is there is of another kind.
    InTheWay,
    /// There is more to be remembered than is safe.
    TooMany,
    /// The operating system refuses.
    Io(io::Error),
}

impl From<io::Error> for Obstacle {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Tree {
    pub(super) fn new(root: Dir) -> Self {
        Self { root, last: None, folders: Vec::new(), odd_links: Vec::new(), memory: MEMORY }
    }

    /// Takes what remembering a path needs from what there is.
    fn remember(&mut self, path: &Path) -> Result<PathBuf, Obstacle> {
        let needed = size_of::<Folder>() + path.as_os_str().len();
        self.memory = self.memory.checked_sub(needed).ok_or(Obstacle::TooMany)?;
        Ok(path.to_owned())
    }

    /// Makes a folder; one that is there stays as it is.
    pub(super) fn folder(&mut self, path: &Path, mode: u32, time: SystemTime) -> Result<(), Obstacle> {
        let mut closed = None;
        if path != Path::new(".") {
            let (parent, name) = self.parent(path)?;
            // While it is filled its owner must get in.
            match parent.create_dir_with(name, &builder(mode | 0o700)) {
                Ok(()) => closed = Some(mode).filter(|mode| mode & 0o700 != 0o700),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let metadata = parent.symlink_metadata(name)?;
                    if metadata.is_symlink() {
                        return Err(Obstacle::Link);
                    }
                    if !metadata.is_dir() {
                        return Err(Obstacle::InTheWay);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        let path = self.remember(path)?;
        self.folders.push(Folder { path, time, closed });
        Ok(())
    }

    /// Makes an empty file, in place of whatever else of this name there is but a folder.
    pub(super) fn file(&mut self, path: &Path, mode: u32) -> Result<File, Obstacle> {
        let (parent, name) = self.parent(path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, mode);
        let opened = match parent.open_with(name, &options) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                clear(parent, name)?;
                parent.open_with(name, &options)
            }
            opened => opened,
        };
        Ok(opened?.into_std())
    }

    /// Makes a symbolic link, in place of whatever else of this name there is but a folder.
    pub(super) fn symlink(&mut self, path: &Path, text: &Path, time: SystemTime) -> Result<(), Obstacle> {
        let (parent, name) = self.parent(path)?;
        clear(parent, name)?;
        symlink(parent, text, name)?;
        set_link_time(parent, name, time);
        Ok(())
    }

    /// Gives a file one more name. A link has none but its own: under another it might lead elsewhere.
    pub(super) fn hard_link(&mut self, original: &Path, path: &Path) -> Result<(), Obstacle> {
        let (from, original) = self.parent(original)?;
        if !from.symlink_metadata(original)?.is_file() {
            return Err(Obstacle::Link);
        }
        let (from, original) = (from.try_clone()?, original.to_owned());
        let (parent, name) = self.parent(path)?;
        Ok(from.hard_link(original, parent, name)?)
    }

    /// Takes note of a link whose text goes back up behind a name.
    pub(super) fn suspect(&mut self, target: &Path) -> Result<(), Obstacle> {
        let target = self.remember(target)?;
        self.odd_links.push(target);
        Ok(())
    }

    /// Where a link leads that goes back up from behind another link, if there is one. Links of this tree
    /// are looked at, or of the folder that it is about to be moved into.
    pub(super) fn misled(&self, within: Option<&Dir>) -> Option<&Path> {
        let root = within.unwrap_or(&self.root);
        let is_link = |path: &Path| root.symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        let goes_through_link = |target: &&PathBuf| {
            let folders = target.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            folders.into_iter().any(is_link)
        };
        self.odd_links.iter().find(goes_through_link).map(PathBuf::as_path)
    }

    /// Sets times and modes of the folders, the innermost first: nothing is put into them any more. Folders
    /// that were there before keep their modes.
    pub(super) fn finish(&self, root: &Dir, kept: &HashSet<PathBuf>) -> io::Result<()> {
        for folder in self.folders.iter().rev() {
            if let Some(mode) = folder.closed.filter(|_| !kept.contains(&folder.path)) {
                close(root, &folder.path, mode)?;
            }
            // A file system without times is no reason to fail.
            let _ = set_folder_time(root, &folder.path, folder.time);
        }
        Ok(())
    }

    /// The folder that a path is in, made if it is not there, and the path's last part.
    fn parent<'a, 'b>(&'a mut self, path: &'b Path) -> Result<(&'a Dir, &'b OsStr), Obstacle> {
        let (Some(name), Some(folder)) = (path.file_name(), path.parent()) else {
            return Err(Obstacle::InTheWay);
        };
        if folder.as_os_str().is_empty() {
            return Ok((&self.root, name));
        }
        if self.last.as_ref().is_none_or(|(last, _)| last != folder) {
            let (mut at, rest) = match &self.last {
                Some((last, dir)) if folder.starts_with(last) => {
                    (dir.try_clone()?, folder.strip_prefix(last).unwrap_or(folder))
                }
                _ => (self.root.try_clone()?, folder),
            };
            for part in rest {
                at = enter(&at, part)?;
            }
            self.last = Some((folder.to_owned(), at));
        }
        let (_, dir) = self.last.as_ref().expect("it was set just now");
        Ok((dir, name))
    }
}

/// Opens a folder in a folder; one that is not there is made, as an archive need not name it.
fn enter(parent: &Dir, name: &OsStr) -> Result<Dir, Obstacle> {
    match parent.symlink_metadata(name) {
        Ok(metadata) if metadata.is_symlink() => return Err(Obstacle::Link),
        Ok(metadata) if !metadata.is_dir() => return Err(Obstacle::InTheWay),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => parent.create_dir(name)?,
        Err(error) => return Err(error.into()),
    }
    Ok(parent.open_dir(name)?)
}

/// Removes what has a name, unless it is a folder.
pub(super) fn clear(parent: &Dir, name: &OsStr) -> Result<(), Obstacle> {
    match parent.symlink_metadata(name) {
        Ok(metadata) if metadata.is_dir() => Err(Obstacle::InTheWay),
        Ok(_) => Ok(parent.remove_file(name)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A point in time from what an archive says; one that the system cannot tell is its nearest.
pub(super) fn time((seconds, nanoseconds): (i64, u32)) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let at = if seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
    at.and_then(|at| at.checked_add(Duration::from_nanos(nanoseconds.into()))).unwrap_or(UNIX_EPOCH)
}

/// Sets when a file was read and changed; a file system without times is no reason to fail.
pub(super) fn set_time(file: &File, time: SystemTime) {
    let _ = file.set_times(FileTimes::new().set_accessed(time).set_modified(time));
}

fn set_folder_time(root: &Dir, path: &Path, time: SystemTime) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true);
    let folder = root.open_with(path, &options)?.into_std();
    folder.set_times(FileTimes::new().set_accessed(time).set_modified(time))
}

#[cfg(unix)]
fn builder(mode: u32) -> DirBuilder {
    let mut builder = DirBuilder::new();
    cap_std::fs::DirBuilderExt::mode(&mut builder, mode);
    builder
}

#[cfg(not(unix))]
fn builder(_: u32) -> DirBuilder {
    DirBuilder::new()
}

/// Takes from a folder's owner what the archive does not give, and leaves what the umask took.
#[cfg(unix)]
fn close(root: &Dir, path: &Path, mode: u32) -> io::Result<()> {
    use cap_std::fs::{MetadataExt as _, PermissionsExt as _};
    let now = root.symlink_metadata(path)?.mode() & 0o7777;
    root.set_permissions(path, cap_std::fs::Permissions::from_mode(now & (mode | !0o700)))
}

#[cfg(not(unix))]
fn close(_: &Dir, _: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// Sets when a link itself was changed, so that packing it again gives what it was unpacked from.
#[cfg(unix)]
fn set_link_time(parent: &Dir, name: &OsStr, time: SystemTime) {
    use rustix::fs::{AtFlags, Timespec, Timestamps, utimensat};
    let Ok(since) = time.duration_since(UNIX_EPOCH) else { return };
    let Ok(tv_sec) = i64::try_from(since.as_secs()) else { return };
    let time = Timespec { tv_sec, tv_nsec: since.subsec_nanos().into() };
    let times = Timestamps { last_access: time, last_modification: time };
    // A file system without times is no reason to fail.
    let _ = utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW);
}

#[cfg(not(unix))]
fn set_link_time(_: &Dir, _: &OsStr, _: SystemTime) {}

#[cfg(not(windows))]
fn symlink(parent: &Dir, text: &Path, name: &OsStr) -> io::Result<()> {
    parent.symlink_contents(text, name)
}

#[cfg(windows)]
fn symlink(parent: &Dir, text: &Path, name: &OsStr) -> io::Result<()> {
    if parent.metadata(text).is_ok_and(|metadata| metadata.is_dir()) {
        parent.symlink_dir(text, name)
    } else {
        parent.symlink_file(text, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive can name one folder any number of times, at next to no cost once it is compressed.
    #[test]
    fn an_archive_cannot_make_us_remember_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let root = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        let mut tree = Tree { memory: 10_000, ..Tree::new(root) };
        let many = (0..1_000).find(|_| tree.folder(Path::new("a"), 0o755, UNIX_EPOCH).is_err());
        assert!(many.is_some_and(|many| many > 50), "{many:?}");
        assert!(matches!(tree.suspect(Path::new("b/../c")), Err(Obstacle::TooMany)));
    }
}
