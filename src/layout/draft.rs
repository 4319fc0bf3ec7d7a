//! A layout that becomes a tar once it is whole.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use super::{
    Error, Layout, export,
    folder::{BLOBS, Folder, INGEST},
};
use crate::content::{
    self, Result,
    disk::{is_worth_resuming, off, own},
};

/// The layout before it is written as a tar.
const LAYOUT: &str = "layout";
/// What killed runs had in their layouts.
const SPARE: &str = "spare";
/// The tar before it has its name.
const ARCHIVE: &str = "archive.tar";
/// Locked as long as somebody works in the folder.
const LOCK: &str = "lock";

/// A tar of a layout in the making. Until it is finished nothing appears at its path, and what was there
/// before stays.
///
/// Its content lies in a hidden folder beside the path, so that the tar needs no other file system than its
/// own. Dropped unfinished, or killed, it leaves that folder behind if there is something in it that is worth
/// keeping. The next one for the same path takes what it needs from there, and removes the rest.
pub struct Draft {
    layout: Arc<Layout>,
    path: PathBuf,
    /// `None` only while this is dropped.
    folder: Option<TempDir>,
    _lock: File,
}

impl Draft {
    /// Begins a tar with an empty layout.
    ///
    /// # Errors
    /// [`Error::NoFile`] if there is something at the path that is no file; the operating system refuses.
    pub async fn begin(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        off(move || {
            let (path, folder, lock) = prepare(&path)?;
            let inner = Folder::create(&folder.path().join(LAYOUT))?.with_spare(folder.path().join(SPARE));
            let layout = Arc::new(Layout::writable(inner)?);
            Ok(Self { layout, path, folder: Some(folder), _lock: lock })
        })
        .await
    }

    /// The layout, to be filled.
    #[must_use]
    pub fn layout(&self) -> Arc<Layout> {
        self.layout.clone()
    }

    fn folder(&self) -> &Path {
        self.folder.as_ref().expect("the folder is there until the draft is dropped").path()
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
        let (spare, layout) = (self.folder().join(SPARE), self.folder().join(LAYOUT));
        let (part, path) = (self.folder().join(ARCHIVE), self.path.clone());
        // The folder stays with this task: if it is stopped, the folder goes, whatever the other thread does.
        off(move || {
            // What is left there is in nobody's way but the tar's.
            let _ = fs::remove_dir_all(spare);
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

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.take().filter(|folder| is_worth_keeping(folder.path())) {
            let _ = folder.keep();
        }
    }
}

/// Is there as much in an unfinished draft as would be worth resuming in a single file? One whose tar was begun
/// has lost some of its files to the tar.
fn is_worth_keeping(folder: &Path) -> bool {
    let mut size = 0;
    let mut folders = vec![folder.join(LAYOUT), folder.join(SPARE)];
    while !folder.join(ARCHIVE).exists()
        && let Some(next) = folders.pop()
    {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => size += metadata.len(),
                Err(_) => {}
            }
            if is_worth_resuming(size) {
                return true;
            }
        }
    }
    false
}

/// Makes the hidden folder, and puts into it what those of killed runs held.
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
    let failed = |error| content::Error::io("open", &path)(error);
    let (folder, lock) = locked_folder(parent, &prefix).map_err(failed)?;
    take_over(parent, &prefix, folder.path());
    Ok((path, folder, lock))
}

/// Makes a folder of our own. Another run may take it for abandoned before it is locked; then it is made again.
fn locked_folder(parent: &Path, prefix: &str) -> io::Result<(TempDir, File)> {
    loop {
        let folder = tempfile::Builder::new().prefix(prefix).suffix(".part").tempdir_in(parent)?;
        match File::create_new(folder.path().join(LOCK)) {
            Ok(lock) if own(&lock) => return Ok((folder, lock)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
}

/// Takes what runs that are no more have left, and removes their folders. What cannot be had is fetched again,
/// and what cannot be removed is no obstacle.
fn take_over(parent: &Path, prefix: &str, folder: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let (name, left) = (entry.file_name(), entry.path());
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(".part"));
        if !is_ours || folder.file_name() == Some(&name) {
            continue;
        }
        match File::open(left.join(LOCK)) {
            Ok(lock) if lock.try_lock().is_ok() => {
                if !left.join(ARCHIVE).exists() {
                    let _ = take_content(&left, folder);
                }
                let _ = fs::remove_dir_all(left);
            }
            // One that has just been made is empty, and so is one whose owner was killed right then.
            Err(error) if error.kind() == io::ErrorKind::NotFound => drop(fs::remove_dir(left)),
            _ => {}
        }
    }
}

/// Moves the content of an abandoned folder to where it is looked for, and what was being written to where it
/// is taken up.
fn take_content(left: &Path, folder: &Path) -> io::Result<()> {
    let (ingest, spare) = (folder.join(LAYOUT).join(INGEST), folder.join(SPARE));
    for (from, to) in [
        (left.join(LAYOUT).join(INGEST), ingest),
        (left.join(SPARE).join(BLOBS), spare.join(BLOBS)),
        (left.join(LAYOUT).join(BLOBS), spare.join(BLOBS)),
    ] {
        move_files(&from, &to)?;
    }
    Ok(())
}

/// Moves files from one folder to another, with their folders.
fn move_files(from: &Path, to: &Path) -> io::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            // Folders of algorithms have no folders in them.
            fs::create_dir_all(&target)?;
            for file in fs::read_dir(entry.path())? {
                let file = file?;
                fs::rename(file.path(), target.join(file.file_name()))?;
            }
        } else {
            fs::rename(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
