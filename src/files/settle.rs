//! An unpacked folder moves to where it belongs.

use std::{
    collections::{HashSet, hash_map::RandomState},
    fs::File,
    hash::{BuildHasher as _, Hasher as _},
    io::{self, Read},
    path::{Path, PathBuf},
};

use cap_std::fs::Dir;

use super::{
    Error, UnpackError,
    spot::{PREFIX, Spot, inherit, leads_out},
    tree::{Obstacle, Tree},
    unpack::{Archive, misled, obstructed},
};
use crate::content::{
    self, Result,
    disk::{is_abandoned, own, sync_file_system},
};

/// What the names of folders end with in which something is being unpacked.
const SUFFIX: &str = ".unpack";

/// Unpacks an archive beside its place and moves it there: whole where nothing has the name, else file by
/// file, after a look at whether all of them can be moved.
pub(super) fn unpack(spot: &Spot, archive: &Archive<'_>, packed: impl Read) -> Result<()> {
    match target(spot)? {
        Some(target) => {
            let failed =
                |source| -> content::Error { Error::Unpack { path: spot.path.clone(), source }.into() };
            let workshop = Workshop::new(&target).map_err(|error| spot.failed(error))?;
            let tree = archive.unpack(packed, workshop.open().map_err(|error| spot.failed(error))?);
            let tree = tree.map_err(failed)?;
            merge(&tree, &workshop, &target).map_err(failed)
        }
        None => fresh(spot, archive, packed),
    }
}

/// The folder that has the name already; `None` if nothing has.
fn target(spot: &Spot) -> Result<Option<Dir>> {
    let Some(name) = &spot.name else {
        return spot.dir.try_clone().map(Some).map_err(|error| spot.failed(error));
    };
    let is_there = spot.existing()?.is_some();
    let opened = match spot.may_leave {
        true if is_there => Dir::open_ambient_dir(&spot.path, cap_std::ambient_authority()),
        _ => spot.dir.open_dir(name),
    };
    match opened {
        Ok(dir) => Ok(Some(dir)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_there => Ok(None),
        Err(error) if leads_out(&error) => {
            Err(Error::PathTraversal { title: name.to_string_lossy().into_owned() }.into())
        }
        Err(error) => Err(spot.failed(error)),
    }
}

fn fresh(spot: &Spot, archive: &Archive<'_>, packed: impl Read) -> Result<()> {
    let refused = |error| spot.failed(error);
    let failed = |source| -> content::Error { Error::Unpack { path: spot.path.clone(), source }.into() };
    let mut workshop = Workshop::new(&spot.dir).map_err(refused)?;
    let root = workshop.open().map_err(refused)?;
    let tree = archive.unpack(packed, root.try_clone().map_err(refused)?).map_err(failed)?;
    tree.finish(&root, &HashSet::new()).map_err(refused)?;
    sync_file_system(&root).map_err(refused)?;
    let name = spot.name.as_ref().map(Path::new).unwrap_or_else(|| Path::new("."));
    match workshop.place(name) {
        // Somebody else was faster, perhaps with the same folder.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) =>
        {
            match target(spot)? {
                Some(target) => merge(&tree, &workshop, &target).map_err(failed),
                None => Err(refused(error)),
            }
        }
        placed => placed.map_err(refused),
    }
}

/// A folder for unpacking, which goes away with this value unless it is placed.
struct Workshop<'a> {
    parent: &'a Dir,
    name: String,
    is_placed: bool,
    /// Says that a run is at work here, and ends with it.
    _lock: Option<File>,
}

impl<'a> Workshop<'a> {
    fn new(parent: &'a Dir) -> io::Result<Self> {
        remove_abandoned(parent);
        loop {
            let random = RandomState::new().build_hasher().finish();
            let name = format!("{PREFIX}{random:016x}{SUFFIX}");
            parent.create_dir(&name)?;
            let lock = lock_of(parent, &name);
            if lock.as_ref().is_none_or(own) && parent.symlink_metadata(&name).is_ok() {
                return Ok(Self { parent, name, is_placed: false, _lock: lock });
            }
        }
    }

    fn open(&self) -> io::Result<Dir> {
        self.parent.open_dir(&self.name)
    }

    fn place(&mut self, name: &Path) -> io::Result<()> {
        self.parent.rename(&self.name, self.parent, name)?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Workshop<'_> {
    fn drop(&mut self) {
        if !self.is_placed {
            // Its name says what it is, and a later run removes it.
            let _ = remove_all(self.parent, Path::new(&self.name));
        }
    }
}

/// Removes what killed runs left. That it stays is no reason to fail.
fn remove_abandoned(parent: &Dir) {
    for entry in parent.entries().into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_ours = name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        if is_ours && is_abandoned(parent, &name, lock_of(parent, &name).as_ref()) {
            let _ = remove_all(parent, Path::new(&name));
        }
    }
}

/// Removes a folder and what is in it. A stranger chose how deep it is, so neither the stack nor the number of
/// open handles may depend on that.
fn remove_all(parent: &Dir, name: &Path) -> io::Result<()> {
    let mut folders = vec![name.to_owned()];
    while let Some(folder) = folders.last().cloned() {
        let before = folders.len();
        for entry in parent.read_dir(&folder)?.collect::<io::Result<Vec<_>>>()? {
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() { folders.push(path) } else { parent.remove_file(&path)? }
        }
        if folders.len() == before {
            parent.remove_dir(&folder)?;
            folders.pop();
        }
    }
    Ok(())
}

/// A folder as a file that can be locked, where the system has that.
fn lock_of(parent: &Dir, name: &str) -> Option<File> {
    parent.open(name).ok().map(cap_std::fs::File::into_std)
}

/// Moves what was unpacked into a folder that is there.
fn merge(tree: &Tree, workshop: &Workshop<'_>, target: &Dir) -> Result<(), UnpackError> {
    let from = workshop.open()?;
    misled(tree, Some(target))?;
    each(&from, target, |_, _| Ok(()))?;
    sync_file_system(&from)?;
    let kept = each(&from, target, |path, replaced| {
        if let Some(replaced) = replaced
            && replaced.is_file()
            && from.symlink_metadata(path)?.is_file()
        {
            inherit(&from.open(path)?.into_std(), replaced);
        }
        from.rename(path, target, path)
    })?;
    Ok(tree.finish(target, &kept)?)
}

/// Visits what is to be moved: each file, and each folder that is not there yet, with what it replaces.
/// Returns the folders that are there. Nothing is moved over a folder, and no folder over anything else.
fn each(
    from: &Dir,
    to: &Dir,
    mut visit: impl FnMut(&Path, Option<&cap_std::fs::Metadata>) -> io::Result<()>,
) -> Result<HashSet<PathBuf>, UnpackError> {
    let mut there = HashSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let listed = if folder.as_os_str().is_empty() { from.entries() } else { from.read_dir(&folder) };
        // All names first, since what is listed is moved away.
        let entries: Vec<_> = listed?.collect::<io::Result<_>>()?;
        for entry in entries {
            let path = folder.join(entry.file_name());
            let refuse = |obstacle| obstructed(&path.to_string_lossy(), obstacle);
            let is_folder = entry.file_type()?.is_dir();
            match to.symlink_metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    visit(&path, None).map_err(|error| refuse(error.into()))?;
                }
                Err(error) => return Err(refuse(error.into())),
                Ok(there) if is_folder && there.is_symlink() => return Err(refuse(Obstacle::Link)),
                Ok(there) if is_folder != there.is_dir() => return Err(refuse(Obstacle::InTheWay)),
                Ok(_) if is_folder => {
                    there.insert(path.clone());
                    folders.push(path);
                }
                Ok(there) => visit(&path, Some(&there)).map_err(|error| refuse(error.into()))?,
            }
        }
    }
    Ok(there)
}
