//! A layout that becomes a tar once it is whole.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use super::{Error, Layout, export};
use crate::content::{self, Result, disk::off};

/// The layout before it is written as a tar.
const LAYOUT: &str = "layout";
/// The tar before it has its name.
const ARCHIVE: &str = "archive.tar";
/// Locked as long as somebody works in the folder.
const LOCK: &str = "lock";

/// A tar of a layout in the making. Until it is finished nothing appears at its path, and what was there
/// before stays; dropped unfinished it leaves nothing behind.
///
/// Its content lies in a hidden folder beside the path, so that the tar needs no other file system than its
/// own. A run that was killed cannot remove that folder; the next one for the same path does.
pub struct Draft {
    layout: Arc<Layout>,
    path: PathBuf,
    folder: TempDir,
    _lock: File,
}

impl Draft {
    /// Begins a tar with an empty layout.
    ///
    /// # Errors
    /// [`Error::NoFile`] if there is something at the path that is no file; the operating system refuses.
    pub async fn begin(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let (path, folder, lock) = off(move || prepare(&path)).await?;
        let layout = Arc::new(Layout::create(folder.path().join(LAYOUT)).await?);
        Ok(Self { layout, path, folder, _lock: lock })
    }

    /// The layout, to be filled.
    #[must_use]
    pub fn layout(&self) -> Arc<Layout> {
        self.layout.clone()
    }

    /// Writes the tar and gives it its name, and returns its size in bytes. The same content makes the same
    /// tar, byte by byte. The layout is gone afterwards: each of its files is removed once it is in the tar,
    /// so that hardly more space is needed than the tar takes.
    ///
    /// # Errors
    /// The operating system refuses; then what was at the path before is still there.
    pub async fn finish(self) -> Result<u64> {
        self.finish_reporting(|_, _| {}).await
    }

    /// As [`finish`](Self::finish); the listener is told time and again how many bytes are written, and about
    /// how many there will be.
    ///
    /// # Errors
    /// As for [`finish`](Self::finish).
    pub async fn finish_reporting(self, report: impl Fn(u64, u64) + Send + 'static) -> Result<u64> {
        self.layout.save().await?;
        let (layout, part) = (self.folder.path().join(LAYOUT), self.folder.path().join(ARCHIVE));
        let path = self.path.clone();
        // The folder stays with this task: if it is stopped, the folder goes, whatever the other thread does.
        off(move || {
            let file = File::create_new(&part).map_err(content::Error::io("create", &part))?;
            let total = export::estimate(&layout);
            report(0, total);
            let size = export::drain(&layout, &file, &|written| report(written, total))?;
            file.sync_all().map_err(content::Error::io("write", &part))?;
            fs::rename(&part, &path).map_err(content::Error::io("rename", &path))?;
            Ok(size)
        })
        .await
    }
}

/// Makes the hidden folder, and removes those of runs that were killed.
fn prepare(path: &Path) -> Result<(PathBuf, TempDir, File)> {
    let path = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            return Err(Error::NoFile { path: path.to_owned(), is_folder: metadata.is_dir() }.into());
        }
        // A link stays, and what it points to is replaced.
        Ok(_) => fs::canonicalize(path).map_err(content::Error::io("open", path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(content::Error::io("stat", path)(error)),
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let prefix = format!(".{name}.");
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    remove_leftovers(parent, &prefix);
    let failed = |error| content::Error::io("open", &path)(error);
    let folder =
        tempfile::Builder::new().prefix(&prefix).suffix(".part").tempdir_in(parent).map_err(failed)?;
    let lock = File::create_new(folder.path().join(LOCK)).map_err(failed)?;
    lock.lock().map_err(failed)?;
    Ok((path, folder, lock))
}

/// Removes the folders of runs that are no more. What cannot be removed is no obstacle.
fn remove_leftovers(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(".part"));
        if is_ours
            && let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests;
