//! Where a file is about to appear: an open folder and a name in it.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata},
};

use super::{Error, safe_path::Place};
use crate::content::{
    self, Result,
    disk::{Bench, Partial},
};

/// What the names of partial files and folders begin with.
pub(super) const PREFIX: &str = ".oras-";

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
}

impl Spot {
    /// Opens the folder that a place is in, and makes it if it is not there.
    pub(super) fn open(root: &Path, place: &Place, title: &str) -> Result<Self> {
        match place {
            Place::Inside(path) => Self::inside(root, path, title),
            Place::Anywhere(path) => {
                let parent = path.parent().unwrap_or(path);
                let dir = folder(parent)?;
                let name = path.file_name().map(OsStr::to_owned);
                let (parent, path) = (parent.to_owned(), path.clone());
                Ok(Self { dir: Arc::new(dir), parent, name, path, may_leave: true })
            }
        }
    }

    fn inside(root: &Path, path: &Path, title: &str) -> Result<Self> {
        let top = folder(root)?;
        let full = root.join(path);
        let Some(name) = path.file_name() else {
            let (dir, parent) = (Arc::new(top), root.to_owned());
            return Ok(Self { dir, parent, name: None, path: root.to_owned(), may_leave: false });
        };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let dir = match parent {
            None => top,
            Some(parent) => below(&top, parent).map_err(|source| -> content::Error {
                let path = root.join(parent);
                match leads_out(&source) {
                    true => Error::PathTraversal { title: title.to_owned() }.into(),
                    false => Error::Folders { path, source }.into(),
                }
            })?,
        };
        Ok(Self {
            dir: Arc::new(dir),
            parent: parent.map_or_else(|| root.to_owned(), |parent| root.join(parent)),
            name: Some(name.to_owned()),
            path: full,
            may_leave: false,
        })
    }

    /// Where partial files lie.
    pub(super) fn bench(&self) -> Bench {
        Bench { dir: self.dir.clone(), path: self.parent.as_path().into(), prefix: PREFIX }
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
