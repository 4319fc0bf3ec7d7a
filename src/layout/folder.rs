//! A layout that is a folder: its files, and how they change without anybody seeing half of it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use cap_std::{ambient_authority, fs::Dir};
use serde::Deserialize;

use super::{Error, index_file::IndexFile};
use crate::{
    content::{
        self,
        disk::{Bench, Partial, Section, Unsynced, own},
    },
    oci::{Algorithm, Descriptor, Digest, Hasher},
};

/// The file that makes a folder a layout.
pub(super) const LAYOUT_FILE: &str = "oci-layout";
/// The list of manifests.
pub(super) const INDEX_FILE: &str = "index.json";
/// Where content lies.
pub(super) const BLOBS: &str = "blobs";
/// Where content lies while it is written.
pub(super) const INGEST: &str = "ingest";
/// Largest list of manifests that is read, in bytes.
pub(super) const INDEX_LIMIT: u64 = 256 << 20;

/// The file that carries the lock: one that is never replaced. Where a lock keeps others from reading it is
/// one that nobody reads.
const LOCK: &str = if cfg!(windows) { "ingest/index.lock" } else { LAYOUT_FILE };
/// How long another program may hold the lock.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayoutFile {
    image_layout_version: String,
}

/// Reads the file that makes a folder a layout.
///
/// Implements image-spec v1.1, "oci-layout file".
pub(super) fn check_version(text: &[u8]) -> Result<(), Error> {
    let file: LayoutFile = serde_json::from_slice(text).map_err(Error::MalformedLayoutFile)?;
    match &*file.image_layout_version {
        "1.0.0" => Ok(()),
        other => Err(Error::UnsupportedVersion { found: other.to_owned() }),
    }
}

/// A layout in a folder. All of it may block.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Open folders of content, so that each file takes one step only.
    folders: Mutex<Folders>,
    unsynced: Arc<Unsynced>,
    /// A folder that may have content which this one lacks.
    spare: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct Folders {
    ingest: Option<(Bench, Arc<[String]>)>,
    blobs: Vec<(Algorithm, Arc<Dir>)>,
}

impl Folder {
    /// A folder that is a layout.
    pub(super) fn open(root: &Path) -> content::Result<Self> {
        let version = fs::read(root.join(LAYOUT_FILE)).map_err(Error::NoLayoutFile)?;
        check_version(&version)?;
        let (root, folders, unsynced) = (root.to_owned(), Mutex::default(), Arc::default());
        Ok(Self { root, folders, unsynced, spare: None })
    }

    /// A folder that is a layout, or becomes one. A layout of an unknown version is left as it is.
    pub(super) fn create(path: &Path) -> content::Result<Self> {
        let root = std::path::absolute(path).map_err(content::Error::io("open", path))?;
        if let Ok(version) = fs::read(root.join(LAYOUT_FILE)) {
            check_version(&version)?;
        }
        make_folder(&root)?;
        make_folder(&root.join(BLOBS))?;
        place_new(&root, LAYOUT_FILE, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let folder = Self::open(&root)?;
        place_new(&root, INDEX_FILE, &IndexFile::default().to_bytes())?;
        Ok(folder)
    }

    /// The same folder, which takes what it lacks from another.
    pub(super) fn with_spare(mut self, spare: PathBuf) -> Self {
        self.spare = spare.exists().then_some(spare);
        self
    }

    /// May content that is not here be had from elsewhere?
    pub(super) fn has_spare(&self) -> bool {
        self.spare.is_some()
    }

    /// Takes content from the spare folder, if it has it. A run that was killed has left it there, so it may be
    /// less than it seems.
    pub(super) fn take_spare(&self, node: &Descriptor) -> content::Result<bool> {
        let Some(spare) = &self.spare else { return Ok(false) };
        let digest = &node.digest;
        let path = spare.join(BLOBS).join(digest.algorithm().as_str()).join(digest.encoded());
        let Ok(file) = File::open(&path) else { return Ok(false) };
        if file.metadata().map_or(0, |metadata| metadata.len()) != node.size {
            return Ok(false);
        }
        let mut hasher = digest.algorithm().hasher();
        let is_read = io::copy(&mut &file, &mut Hashing(&mut hasher)).is_ok();
        if !is_read || hasher.finish() != *digest {
            return Ok(false);
        }
        let dir = self.blobs(digest.algorithm())?;
        let failed = |error| content::Error::io("create", self.blob(digest))(error);
        self.unsynced.add(&file, &dir).map_err(failed)?;
        fs::rename(&path, self.blob(digest)).map_err(failed)?;
        Ok(true)
    }

    /// Path of some content.
    pub(super) fn blob(&self, digest: &Digest) -> PathBuf {
        let folder = self.root.join(BLOBS).join(digest.algorithm().as_str());
        folder.join(digest.encoded())
    }

    /// Opens content; `None` if it is not there.
    pub(super) fn section(&self, digest: &Digest) -> content::Result<Option<Section>> {
        let path = self.blob(digest);
        match File::open(&path) {
            Ok(file) => Section::whole(file, &path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(content::Error::io("open", path)(error)),
        }
    }

    /// Size of content in bytes; `None` if it is not there.
    pub(super) fn size(&self, digest: &Digest) -> content::Result<Option<u64>> {
        let path = self.blob(digest);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(content::Error::io("stat", path)(error)),
        }
    }

    /// What [`ingest`](Self::ingest) returned before, without blocking.
    pub(super) fn open_ingest(&self) -> Option<(Bench, Arc<[String]>)> {
        self.folders.lock().expect("no holder of this lock panics").ingest.clone()
    }

    /// Where content lies while it is written, and what killed runs left there.
    pub(super) fn ingest(&self) -> content::Result<(Bench, Arc<[String]>)> {
        let mut folders = self.folders.lock().expect("no holder of this lock panics");
        if let Some(ingest) = &folders.ingest {
            return Ok(ingest.clone());
        }
        let path = self.root.join(INGEST);
        let dir = Arc::new(open_folder(&path)?);
        let (path, unsynced) = (path.into(), self.unsynced.clone());
        let bench = Bench { dir, path, prefix: "", unsynced, growth: None };
        let leftovers = bench.leftovers()?.into();
        Ok(folders.ingest.insert((bench, leftovers)).clone())
    }

    /// Brings content that was written to the disk.
    pub(super) fn sync(&self) -> content::Result<()> {
        self.unsynced.sync().map_err(content::Error::io("sync", &self.root))
    }

    /// Moves whole content to its place, for reading only.
    pub(super) fn place(&self, partial: Partial, digest: &Digest) -> content::Result<()> {
        let dir = self.blobs(digest.algorithm())?;
        let failed = |error| content::Error::io("create", self.blob(digest))(error);
        #[cfg(unix)]
        partial.file().set_permissions(mode(0o444)).map_err(failed)?;
        partial.place(&dir, Path::new(digest.encoded())).map_err(failed)
    }

    fn blobs(&self, algorithm: Algorithm) -> content::Result<Arc<Dir>> {
        let mut folders = self.folders.lock().expect("no holder of this lock panics");
        if let Some((_, dir)) = folders.blobs.iter().find(|(of, _)| *of == algorithm) {
            return Ok(dir.clone());
        }
        let dir = Arc::new(open_folder(&self.root.join(BLOBS).join(algorithm.as_str()))?);
        folders.blobs.push((algorithm, dir.clone()));
        Ok(dir)
    }

    /// Removes content; content that is not there is as good as removed.
    pub(super) fn remove(&self, digest: &Digest) -> content::Result<()> {
        let path = self.blob(digest);
        if cfg!(windows) {
            make_removable(&path);
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(content::Error::io("remove", path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes the folder for content that is being written, unless something is in it.
    pub(super) fn remove_ingest(&self) -> content::Result<()> {
        self.folders.lock().expect("no holder of this lock panics").ingest = None;
        let path = self.root.join(INGEST);
        match fs::remove_dir(&path) {
            Ok(()) => Ok(()),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) =>
            {
                Ok(())
            }
            Err(error) => Err(content::Error::io("remove", path)(error)),
        }
    }

    /// Reads the list of manifests.
    pub(super) fn read_index(&self) -> content::Result<IndexFile> {
        let path = self.root.join(INDEX_FILE);
        let size = fs::metadata(&path).map_err(Error::NoIndex)?.len();
        if size > INDEX_LIMIT {
            return Err(Error::NoIndex(io::ErrorKind::FileTooLarge.into()).into());
        }
        let text = fs::read(&path).map_err(Error::NoIndex)?;
        Ok(IndexFile::parse(&text).map_err(Error::MalformedIndex)?)
    }

    /// Changes the list of manifests as it is on the disk now, whoever else changes it too, and returns
    /// what became of it.
    pub(super) fn update_index(&self, change: impl FnOnce(&mut IndexFile)) -> content::Result<IndexFile> {
        self.update_index_within(PATIENCE, change)
    }

    /// Like [`update_index`](Self::update_index), waiting for others no longer than this.
    pub(super) fn update_index_within(
        &self,
        patience: Duration,
        change: impl FnOnce(&mut IndexFile),
    ) -> content::Result<IndexFile> {
        // What is listed is whole, whenever the power fails.
        self.sync()?;
        let _lock = self.lock(patience)?;
        let mut index = self.read_index()?;
        change(&mut index);
        place(&self.root, INDEX_FILE, &index.to_bytes())?;
        Ok(index)
    }

    /// Waits for the lock that all programs take which change the list; it ends with the file.
    fn lock(&self, patience: Duration) -> content::Result<File> {
        let path = self.root.join(LOCK);
        if cfg!(windows) {
            make_folder(&self.root.join(INGEST))?;
        }
        let open = fs::OpenOptions::new().read(true).write(true).create(cfg!(windows)).open(&path);
        let file = open.or_else(|_| File::open(&path)).map_err(content::Error::io("open", &path))?;
        let (start, mut pause) = (Instant::now(), Duration::from_millis(1));
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::WouldBlock) if start.elapsed() < patience => {}
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(Error::Locked { path, seconds: patience.as_secs() }.into());
                }
                // A file system without locks is used by one program at a time or not at all.
                Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(fs::TryLockError::Error(error)) => return Err(content::Error::io("lock", path)(error)),
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

/// Hashes what is written to it.
struct Hashing<'a>(&'a mut Hasher);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn make_folder(path: &Path) -> content::Result<()> {
    fs::create_dir_all(path).map_err(|error| {
        // What is in the way is a file, whatever the operating system calls it.
        let error = match error.kind() {
            io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
            _ => error,
        };
        content::Error::io("mkdir", path)(error)
    })
}

fn open_folder(path: &Path) -> content::Result<Dir> {
    make_folder(path)?;
    Dir::open_ambient_dir(path, ambient_authority()).map_err(content::Error::io("open", path))
}

/// Replaces a small file. Whoever calls this has the lock, so that what a killed run left under the name that
/// it has first is in nobody's way.
fn place(root: &Path, name: &str, bytes: &[u8]) -> content::Result<()> {
    let (path, part) = (root.join(name), root.join(format!(".{name}.part")));
    let write = || {
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = File::create_new(&part)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data()))
            .and_then(|()| fs::rename(&part, &path));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    };
    write().map_err(content::Error::io("write", path.clone()))
}

/// Writes a small file unless it is there; of several programs one wins.
fn place_new(root: &Path, name: &str, bytes: &[u8]) -> content::Result<()> {
    let path = root.join(name);
    if path.exists() {
        return Ok(());
    }
    let prefix = format!(".{name}-");
    remove_stumps(root, &prefix);
    let write = || {
        loop {
            let mut builder = tempfile::Builder::new();
            builder.prefix(&prefix);
            #[cfg(unix)]
            builder.permissions(mode(0o666));
            let mut file = builder.tempfile_in(root)?;
            // Another run that is about to begin may take it for abandoned before it is locked.
            if own(file.as_file()) {
                file.write_all(bytes).and_then(|()| file.as_file().sync_data())?;
                return Ok(file);
            }
        }
    };
    let file: tempfile::NamedTempFile = write().map_err(content::Error::io("write", path.clone()))?;
    match file.persist_noclobber(&path) {
        Err(failure) if failure.error.kind() != io::ErrorKind::AlreadyExists => {
            Err(content::Error::io("write", path)(failure.error))
        }
        _ => Ok(()),
    }
}

/// Removes what runs left that were killed while they made a layout.
fn remove_stumps(root: &Path, prefix: &str) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let is_stump = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if is_stump && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(unix)]
fn mode(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}

/// Lets a read-only file be removed, where that takes more than the folder's consent.
fn make_removable(path: &Path) {
    if let Ok(metadata) = fs::metadata(path) {
        let mut permissions = metadata.permissions();
        #[expect(
            clippy::permissions_set_readonly_false,
            reason = "only where there are no other permissions"
        )]
        permissions.set_readonly(false);
        // If it could not be set, removing the file says why.
        let _ = fs::set_permissions(path, permissions);
    }
}
