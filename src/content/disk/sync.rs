//! Bringing what was written to the disk: all of it at once, since one small file after the other would take
//! longer than everything else together.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    sync::{Arc, Mutex},
};

use cap_std::fs::Dir;

/// File systems on which files were written that may not be on the disk yet.
#[derive(Debug, Default)]
pub(crate) struct Unsynced {
    folders: Mutex<BTreeMap<u64, Arc<Dir>>>,
}

impl Unsynced {
    /// Takes note of a file in a folder; where file systems cannot be synced as a whole it is synced now.
    pub(crate) fn add(&self, file: &File, dir: &Arc<Dir>) -> io::Result<()> {
        let Some(file_system) = file_system(file)? else { return file.sync_data() };
        let mut folders = self.folders.lock().expect("no holder of this lock panics");
        folders.entry(file_system).or_insert_with(|| dir.clone());
        Ok(())
    }

    /// Brings everything that was taken note of to the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let folders = std::mem::take(&mut *self.folders.lock().expect("no holder of this lock panics"));
        folders.values().try_for_each(|dir| sync_file_system(dir))
    }
}

/// Names the file system that a file is on; `None` where it cannot be synced as a whole.
#[cfg(target_os = "linux")]
fn file_system(file: &File) -> io::Result<Option<u64>> {
    Ok(Some(std::os::unix::fs::MetadataExt::dev(&file.metadata()?)))
}

#[cfg(not(target_os = "linux"))]
fn file_system(_: &File) -> io::Result<Option<u64>> {
    Ok(None)
}

/// Brings everything on a folder's file system to the disk, where that can be asked for.
#[cfg(target_os = "linux")]
pub(crate) fn sync_file_system(dir: &Dir) -> io::Result<()> {
    // The handle of a folder is not open for reading, which this takes.
    let folder = dir.open(".")?;
    Ok(rustix::fs::syncfs(&folder)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn sync_file_system(_: &Dir) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_is_synced_once() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        let (dir, unsynced) = (Arc::new(dir), Unsynced::default());
        for name in ["a", "b"] {
            unsynced.add(&File::create(folder.path().join(name)).unwrap(), &dir).unwrap();
        }
        let noted = unsynced.folders.lock().unwrap().len();
        assert_eq!(noted, usize::from(cfg!(target_os = "linux")));
        unsynced.sync().unwrap();
        assert!(unsynced.folders.lock().unwrap().is_empty());
    }
}
