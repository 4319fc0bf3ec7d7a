//! Where a file is about to appear: an open folder and a name in it.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
};

use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata},
};

use super::{Error, safe_path::Place};
use crate::content::{
    self, Result,
    disk::{Bench, Partial, Unsynced},
};

/// What the names of partial files and folders begin with.
pub(super) const PREFIX: &str = ".oras-";

/// The folder that titles are below, opened when something is written there first.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    dir: OnceLock<Arc<Dir>>,
    /// What has its final name but may not be on the disk yet.
    pub(super) unsynced: Arc<Unsynced>,
    /// Partial files of earlier runs, by folder; each is looked through once.
    leftovers: Mutex<HashMap<PathBuf, Arc<[String]>>>,
}

impl Root {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, dir: OnceLock::new(), unsynced: Arc::default(), leftovers: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Partial files of earlier runs that lie where something is about to appear.
    pub(super) fn leftovers(&self, spot: &Spot) -> Result<Arc<[String]>> {
        let known = || self.leftovers.lock().expect("no holder of this lock panics");
        if let Some(found) = known().get(&spot.parent) {
            return Ok(found.clone());
        }
        let found: Arc<[String]> = spot.bench().leftovers()?.into();
        known().insert(spot.parent.clone(), found.clone());
        Ok(found)
    }

    fn open(&self) -> Result<Arc<Dir>> {
        if let Some(dir) = self.dir.get() {
            return Ok(dir.clone());
        }
        let dir = Arc::new(folder(&self.path)?);
        Ok(self.dir.get_or_init(|| dir).clone())
    }
}

/// An open folder and the name that something is about to get in it.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    /// The folder.
    pub(super) dir: Arc<Dir>,
    /// The folder in messages.
    pub(super) parent: PathBuf,
    /// The name; `None` for the root folder itself.
    pub(super) name: Option<OsString>,
    /// The whole path, for messages.
    pub(super) path: PathBuf,
    /// Links at the name itself may be followed: the person said that content may go anywhere.
    pub(super) may_leave: bool,
    unsynced: Arc<Unsynced>,
}

impl Spot {
    /// Opens the folder that a place is in, and makes it if it is not there.
    pub(super) fn open(root: &Root, place: &Place, title: &str) -> Result<Self> {
        let unsynced = root.unsynced.clone();
        match place {
            Place::Inside(path) => {
                let (dir, parent) = inside(root, path, title)?;
                let name = path.file_name().map(OsStr::to_owned);
                let path = if name.is_some() { root.path.join(path) } else { root.path.clone() };
                Ok(Self { dir, parent, name, path, may_leave: false, unsynced })
            }
            Place::Anywhere(path) => {
                let parent = path.parent().unwrap_or(path);
                let dir = Arc::new(folder(parent)?);
                let name = path.file_name().map(OsStr::to_owned);
                let (parent, path) = (parent.to_owned(), path.clone());
                Ok(Self { dir, parent, name, path, may_leave: true, unsynced })
            }
        }
    }

    /// Where partial files lie.
    pub(super) fn bench(&self) -> Bench {
        let (dir, path) = (self.dir.clone(), self.parent.as_path().into());
        Bench { dir, path, prefix: PREFIX, unsynced: self.unsynced.clone(), growth: None }
    }

    /// What has the name now; a link is looked at itself.
    pub(super) fn existing(&self) -> Result<Option<Metadata>> {
        let metadata = match &self.name {
            Some(name) => self.dir.symlink_metadata(name),
            None => self.dir.dir_metadata(),
        };
        match metadata {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(content::Error::io("stat", &self.path)(error)),
        }
    }

    /// Opens a device or pipe that has the name: content is written into it, since replacing it is never
    /// what was meant. `None` for everything else.
    pub(super) fn device(&self) -> Result<Option<File>> {
        let Some(name) = &self.name else { return Ok(None) };
        let is_device = match self.existing()? {
            Some(metadata) if metadata.is_symlink() => {
                self.may_leave
                    && fs::metadata(&self.path).is_ok_and(|metadata| is_device(metadata.file_type()))
            }
            Some(metadata) => is_cap_device(&metadata),
            None => false,
        };
        if !is_device {
            return Ok(None);
        }
        let opened = if self.may_leave {
            fs::OpenOptions::new().write(true).open(&self.path)
        } else {
            let mut options = cap_std::fs::OpenOptions::new();
            options.write(true);
            self.dir.open_with(name, &options).map(cap_std::fs::File::into_std)
        };
        opened.map(Some).map_err(|source| self.failed(source))
    }

    /// Gives a whole file the name. A file that is replaced leaves its mode and owner to the new one.
    pub(super) fn place(&self, partial: Partial, keep: bool) -> Result<()> {
        let Some(name) = &self.name else { return Err(self.failed(io::ErrorKind::IsADirectory.into())) };
        let name = Path::new(name);
        if keep {
            return match partial.place_new(&self.dir, name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    Err(Error::Overwrite { path: self.path.clone() }.into())
                }
                placed => placed.map_err(|source| self.failed(source)),
            };
        }
        match self.existing()? {
            Some(existing) if existing.is_dir() => {
                return Err(self.failed(io::ErrorKind::IsADirectory.into()));
            }
            Some(existing) if existing.is_file() => inherit(partial.file(), &existing),
            _ => {}
        }
        partial.place(&self.dir, name).map_err(|source| self.failed(source))
    }

    pub(super) fn failed(&self, source: io::Error) -> content::Error {
        Error::Create { path: self.path.clone(), source }.into()
    }
}

/// Opens the folder that a path below the root is in.
fn inside(root: &Root, path: &Path, title: &str) -> Result<(Arc<Dir>, PathBuf)> {
    let top = root.open()?;
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok((top, root.path.clone()));
    };
    let full = root.path.join(parent);
    match below(&top, parent) {
        Ok(dir) => Ok((Arc::new(dir), full)),
        Err(error) if leads_out(&error) => Err(Error::PathTraversal { title: title.to_owned() }.into()),
        Err(source) => Err(Error::Folders { path: full, source }.into()),
    }
}

/// Opens a folder wherever it is, and makes it if it is not there.
fn folder(path: &Path) -> Result<Dir> {
    let open = || Dir::open_ambient_dir(path, ambient_authority());
    let opened = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(path).and_then(|()| open())
        }
        opened => opened,
    };
    Ok(opened.map_err(|source| Error::Folders { path: path.to_owned(), source })?)
}

/// Opens a folder in a folder, and makes it if it is not there. Links on the way may not lead out.
fn below(top: &Dir, path: &Path) -> io::Result<Dir> {
    match top.open_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            top.create_dir_all(path)?;
            top.open_dir(path)
        }
        opened => opened,
    }
}

/// Was the path refused because it leads out of its folder? The operating system's own refusals have numbers.
pub(super) fn leads_out(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

#[cfg(unix)]
fn is_device(kind: fs::FileType) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    kind.is_char_device() || kind.is_fifo() || kind.is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: fs::FileType) -> bool {
    false
}

#[cfg(unix)]
fn is_cap_device(metadata: &Metadata) -> bool {
    use cap_std::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    kind.is_char_device() || kind.is_fifo() || kind.is_block_device()
}

#[cfg(not(unix))]
fn is_cap_device(_: &Metadata) -> bool {
    false
}

/// Gives a new file what the one that it replaces had: its mode, and its owner where that is allowed.
#[cfg(unix)]
pub(super) fn inherit(file: &File, replaced: &Metadata) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

    use cap_std::fs::MetadataExt as _;
    let Ok(now) = file.metadata() else { return };
    let owner = (replaced.uid(), replaced.gid());
    // Only a few may give files away; that others cannot is no reason to fail.
    if (now.uid(), now.gid()) != owner {
        let _ = fchown(file, Some(owner.0), Some(owner.1));
    }
    let mode = replaced.mode() & 0o777;
    if now.mode() & 0o777 != mode {
        let _ = file.set_permissions(fs::Permissions::from_mode(mode));
    }
}

#[cfg(not(unix))]
pub(super) fn inherit(_: &File, _: &Metadata) {}
