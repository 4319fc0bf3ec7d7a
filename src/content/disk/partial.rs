//! Files that are not whole yet: they lie under a name of their own until they are, and what a killed run
//! left of a large one is taken up where it stopped.

use std::{
    collections::hash_map::RandomState,
    fs::{File, TryLockError},
    hash::{BuildHasher as _, Hasher as _},
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cap_std::fs::{Dir, OpenOptions};
use futures_util::StreamExt as _;

use tokio::task::{JoinHandle, spawn_blocking};

use super::{Growth, PIECE, Unsynced, off, receive};
use crate::{
    content::{Body, ByteStream, Error, Result, verify},
    oci::{Descriptor, Digest, Hasher},
};

/// Smallest content that is worth taking up again, in bytes.
const WORTH_RESUMING: u64 = 1 << 20;

/// Bytes after which what was written begins to be brought to the disk.
const SYNC_AHEAD: u64 = 64 << 20;

/// Age at which what a killed run left is not worth keeping any more.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Is content of this size taken up where a killed run stopped?
pub(crate) fn is_worth_resuming(size: u64) -> bool {
    size >= WORTH_RESUMING
}

/// A folder in which partial files lie, each called `<prefix><digest>_<random>`.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    /// The folder.
    pub(crate) dir: Arc<Dir>,
    /// The folder in messages.
    pub(crate) path: Arc<Path>,
    /// What the names begin with.
    pub(crate) prefix: &'static str,
    /// What has its final name but may not be on the disk yet.
    pub(crate) unsynced: Arc<Unsynced>,
    /// Is told how far a file has been written.
    pub(crate) growth: Option<Arc<Growth>>,
}

impl Bench {
    /// Names of the partial files that are worth taking up, or that somebody writes. What else killed runs
    /// left is removed, as is all that lies here for a week.
    pub(crate) fn leftovers(&self) -> Result<Vec<String>> {
        let failed = |error| Error::io("read", &*self.path)(error);
        let mut names = Vec::new();
        for entry in self.dir.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !self.is_partial(&name) {
                continue;
            }
            if !self.remove_useless(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Removes a file that nobody writes, unless it is worth taking up. Returns whether it is of no use.
    fn remove_useless(&self, name: &str) -> bool {
        let size = self.dir.symlink_metadata(name).map_or(0, |metadata| metadata.len());
        if is_worth_resuming(size) && age(&self.dir, name) <= FORGOTTEN {
            return false;
        }
        // It is removed while it is locked: whoever has just made it, and not locked it yet, makes another.
        let Ok(file) = self.dir.open(name).map(cap_std::fs::File::into_std) else { return false };
        let is_useless = !is_owned(&file);
        if is_useless {
            // A name that stays is no harm.
            let _ = self.dir.remove_file(name);
        }
        is_useless
    }

    fn is_partial(&self, name: &str) -> bool {
        let encoded = name.strip_prefix(self.prefix).and_then(|rest| rest.split_once('_'));
        encoded.is_some_and(|(encoded, _)| {
            matches!(encoded.len(), 64 | 96 | 128) && encoded.bytes().all(|b| b.is_ascii_hexdigit())
        })
    }

    fn unused_name(&self, digest: &Digest) -> String {
        let random = RandomState::new().build_hasher().finish();
        format!("{}{}_{random:016x}", self.prefix, digest.encoded())
    }
}

/// Is something in a folder of no use to anybody: a folder, say, that a killed run has filled? `lock` is what
/// a run that fills it has locked; where nothing can be locked, age has to tell.
pub(crate) fn is_abandoned(dir: &Dir, name: &str, lock: Option<&File>) -> bool {
    lock.map_or_else(|| age(dir, name) > FORGOTTEN, |lock| !is_owned(lock))
}

/// Locks a file that was just made, or a folder. `false` when somebody who took it for abandoned has it, and is
/// about to remove it: then another is to be made.
pub(crate) fn own(file: &File) -> bool {
    match file.try_lock() {
        Ok(()) => !is_removed(file),
        Err(TryLockError::WouldBlock) => false,
        // Where a file system has no locks nothing is taken for abandoned before its time, and nothing is
        // taken up again.
        Err(TryLockError::Error(_)) => true,
    }
}

#[cfg(unix)]
fn is_removed(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| std::os::unix::fs::MetadataExt::nlink(&metadata) == 0)
}

/// What is open has a name there.
#[cfg(not(unix))]
fn is_removed(_: &File) -> bool {
    false
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Does a run that still goes on have this file?
fn is_owned(file: &File) -> bool {
    file.try_lock().is_err()
}

/// How long after something in a folder the folder itself was changed last. The disk's clock tells both.
fn age(dir: &Dir, name: &str) -> Duration {
    let age = || {
        let last = dir.symlink_metadata(name)?.modified()?.into_std();
        let changed = dir.dir_metadata()?.modified()?.into_std();
        Ok::<_, io::Error>(changed.duration_since(last).unwrap_or_default())
    };
    age().unwrap_or_default()
}

/// A file under a name of its own, which goes away with this value unless it is placed or worth keeping.
pub(crate) struct Partial {
    bench: Bench,
    name: String,
    /// `None` once placed.
    file: Option<File>,
    digest: Digest,
    size: u64,
    written: u64,
    /// Bytes since the last time that what was written began to be brought to the disk.
    unsynced: u64,
    syncing: Option<JoinHandle<()>>,
    /// Hashes what is written, where nobody else does.
    hasher: Option<Hasher>,
    is_worth_keeping: bool,
}

impl Partial {
    /// Starts a file for content.
    pub(crate) fn create(bench: &Bench, node: &Descriptor) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        loop {
            let name = bench.unused_name(&node.digest);
            let file = bench.dir.open_with(&name, &options);
            let file = file.map_err(|error| Error::io("create", bench.path.join(&name))(error))?.into_std();
            // The lock tells others that the file has an owner, and ends with the owner.
            if own(&file) {
                return Self::new(bench, node, name, file).announced();
            }
        }
    }

    fn new(bench: &Bench, node: &Descriptor, name: String, file: File) -> Self {
        Self {
            bench: bench.clone(),
            name,
            file: Some(file),
            digest: node.digest.clone(),
            size: node.size,
            written: 0,
            unsynced: 0,
            syncing: None,
            hasher: None,
            is_worth_keeping: is_worth_resuming(node.size),
        }
    }

    /// Tells whoever follows that this is the file.
    fn announced(self) -> Result<Self> {
        if let Some(growth) = &self.bench.growth {
            growth.begin(self.file(), self.written).map_err(|error| Error::io("open", self.path())(error))?;
        }
        Ok(self)
    }

    /// Takes up what a run that is gone left of the content, if there is any, and hashes it.
    fn take_up(bench: &Bench, node: &Descriptor, leftovers: &[String]) -> Result<Option<Self>> {
        let prefix = format!("{}{}_", bench.prefix, node.digest.encoded());
        for found in leftovers.iter().filter(|name| name.starts_with(&prefix)) {
            let mut options = OpenOptions::new();
            options.read(true).write(true);
            let Ok(file) = bench.dir.open_with(found, &options) else { continue };
            let file = file.into_std();
            if file.try_lock().is_err() {
                continue;
            }
            // Only one run can take the name away, and none can any more once the owner has placed the file.
            let name = bench.unused_name(&node.digest);
            if bench.dir.rename(found, &bench.dir, &name).is_err() {
                continue;
            }
            let mut partial = Self::new(bench, node, name, file);
            partial.hash().map_err(|error| Error::io("read", partial.path())(error))?;
            if partial.written <= node.size {
                return partial.announced().map(Some);
            }
            partial.is_worth_keeping = false;
        }
        Ok(None)
    }

    /// Hashes what is there, and puts the position behind it.
    fn hash(&mut self) -> io::Result<()> {
        let mut hasher = self.digest.algorithm().hasher();
        let mut piece = vec![0; PIECE];
        let mut file = self.file();
        file.rewind()?;
        let mut written = 0;
        loop {
            match file.read(&mut piece)? {
                0 => break,
                count => {
                    hasher.update(&piece[..count]);
                    written += count as u64;
                }
            }
        }
        (self.written, self.hasher) = (written, Some(hasher));
        Ok(())
    }

    /// The open file.
    pub(crate) fn file(&self) -> &File {
        self.file.as_ref().expect("a partial file is open until it is placed")
    }

    /// Where it lies, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.bench.path.join(&self.name)
    }

    /// Fails unless what was written is what the descriptor says; then it is not worth keeping either.
    pub(crate) fn check(&mut self) -> Result<()> {
        if self.written != self.size {
            let (digest, expected) = (self.digest.clone(), self.size);
            return Err(Error::SizeMismatch { digest, expected, actual: Some(self.written) });
        }
        let actual = self.hasher.take().map(Hasher::finish);
        match actual.filter(|actual| *actual != self.digest) {
            None => Ok(()),
            Some(actual) => {
                self.is_worth_keeping = false;
                Err(Error::DigestMismatch { expected: self.digest.clone(), actual })
            }
        }
    }

    /// Gives the file its final name. A large one is on the disk before; small ones are taken note of, to be
    /// brought there all at once.
    ///
    /// An existing file or link of that name is replaced, not written through.
    pub(crate) fn place(mut self, dir: &Arc<Dir>, name: &Path) -> io::Result<()> {
        self.settle(dir)?;
        self.bench.dir.rename(&self.name, dir, name)?;
        self.file = None;
        Ok(())
    }

    /// Like [`place`](Self::place), but fails if the name is taken.
    pub(crate) fn place_new(self, dir: &Arc<Dir>, name: &Path) -> io::Result<()> {
        self.settle(dir)?;
        // The first name goes away with this value.
        match self.bench.dir.hard_link(&self.name, dir, name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {}
            linked => return linked,
        }
        // Some file systems have no second names; there a moment is left in which another may come first.
        if dir.symlink_metadata(name).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.place(dir, name)
    }
}

impl Partial {
    fn settle(&self, dir: &Arc<Dir>) -> io::Result<()> {
        if is_worth_resuming(self.size) {
            self.file().sync_data()
        } else {
            self.bench.unsynced.add(self.file(), dir)
        }
    }

    /// Has what was written brought to the disk while more is being written, or else the end would be a long
    /// wait.
    fn sync_ahead(&mut self, count: usize) {
        self.unsynced += count as u64;
        if self.unsynced < SYNC_AHEAD || self.syncing.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        if let Ok(file) = self.file().try_clone() {
            self.unsynced = 0;
            // A failure is reported again when the whole file is synced.
            self.syncing = Some(spawn_blocking(move || drop(file.sync_data())));
        }
    }
}

impl io::Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file().write(bytes);
        // What fills a disk is of less use than the room that it takes.
        if written.as_ref().is_err_and(is_full) {
            self.is_worth_keeping = false;
        }
        let count = written?;
        self.written += count as u64;
        if let Some(growth) = &self.bench.growth {
            growth.advance(self.written);
        }
        self.sync_ahead(count);
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes[..count]);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(growth) = &self.bench.growth {
            growth.end(false);
        }
        let is_placed = self.file.is_none();
        let is_complete = self.written == self.size;
        if !is_placed && (is_complete || !self.is_worth_keeping || self.written < WORTH_RESUMING) {
            // The name may be gone with its folder, which is as good.
            let _ = self.bench.dir.remove_file(&self.name);
        }
    }
}

/// Writes content to a partial file, checked, and hands the whole file over.
///
/// `leftovers` are names that were found on the bench before.
pub(crate) async fn store<T: Send + 'static>(
    bench: Bench,
    leftovers: Arc<[String]>,
    node: &Descriptor,
    mut body: Body,
    finish: impl FnOnce(Partial) -> Result<T> + Send + 'static,
) -> Result<T> {
    let path = bench.path.clone();
    let finish = |mut partial: Partial| {
        partial.check()?;
        if let Some(growth) = &partial.bench.growth {
            growth.end(true);
        }
        finish(partial)
    };
    let is_resumable = is_worth_resuming(node.size) && body.is_replayable() && !leftovers.is_empty();
    let taken_up = if is_resumable { take_up(&bench, leftovers, node).await? } else { None };
    if let Some(partial) = taken_up {
        let resumed = if partial.written == node.size {
            off(move || whole(partial)).await
        } else {
            let stream = limited(node, partial.written, body.open(node, partial.written).await?);
            receive(stream, path.clone(), || Ok(partial), |partial| Ok(whole(partial))).await?
        };
        // Where it was not what it was taken for, everything is fetched anew.
        if let Some(partial) = resumed {
            return off(move || finish(partial)).await;
        }
    }
    let stream = verified(node, &mut body).await?;
    let node = node.clone();
    receive(stream, path, move || Partial::create(&bench, &node), finish).await
}

/// The partial file, if it is whole and genuine.
fn whole(mut partial: Partial) -> Option<Partial> {
    partial.check().is_ok().then_some(partial)
}

async fn take_up(bench: &Bench, leftovers: Arc<[String]>, node: &Descriptor) -> Result<Option<Partial>> {
    let (bench, node) = (bench.clone(), node.clone());
    off(move || Partial::take_up(&bench, &node, &leftovers)).await
}

/// Opens a body so that reading it to the end checks it. A store checks what it streams; bytes and streams
/// of elsewhere are checked here.
pub(crate) async fn verified(node: &Descriptor, body: &mut Body) -> Result<ByteStream> {
    if let Some(bytes) = body.bytes() {
        verify::bytes(node, bytes)?;
    }
    let is_checked = body.is_replayable();
    let stream = body.open(node, 0).await?;
    Ok(if is_checked { stream } else { verify::stream(node, stream) })
}

/// Ends with an error where content goes on beyond its size.
fn limited(node: &Descriptor, offset: u64, stream: ByteStream) -> ByteStream {
    let (digest, expected, mut position) = (node.digest.clone(), node.size, offset);
    Box::pin(stream.map(move |piece| {
        let piece = piece?;
        position += piece.len() as u64;
        if position > expected {
            return Err(Error::SizeMismatch { digest: digest.clone(), expected, actual: None });
        }
        Ok(piece)
    }))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use super::*;

    fn bench(folder: &Path) -> Bench {
        let dir = Arc::new(Dir::open_ambient_dir(folder, cap_std::ambient_authority()).unwrap());
        Bench { dir, path: folder.into(), prefix: ".", unsynced: Arc::default(), growth: None }
    }

    #[test]
    fn what_a_killed_run_left_is_removed_at_once_unless_it_is_worth_taking_up() {
        let folder = tempfile::tempdir().unwrap();
        let bench = bench(folder.path());
        let node = Descriptor::of("a/b", b"hello");
        let (small, large) = (bench.unused_name(&node.digest), bench.unused_name(&node.digest));
        fs::write(folder.path().join(&small), "he").unwrap();
        fs::write(folder.path().join(&large), vec![0; 1 << 20]).unwrap();
        let unrelated = [".hidden", ".abc_1"];
        unrelated.iter().for_each(|name| fs::write(folder.path().join(name), "mine").unwrap());
        assert_eq!(bench.leftovers().unwrap(), [&*large]);
        assert!(!folder.path().join(small).exists());
        assert!(unrelated.iter().all(|name| folder.path().join(name).exists()));
    }

    #[test]
    fn what_another_run_writes_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let bench = bench(folder.path());
        let mut partial = Partial::create(&bench, &Descriptor::of("a/b", b"hello")).unwrap();
        assert_eq!(bench.leftovers().unwrap(), [&*partial.name]);
        partial.write_all(b"hello").unwrap();
        partial.place(&bench.dir, Path::new("there")).unwrap();
        assert_eq!(fs::read(folder.path().join("there")).unwrap(), b"hello");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_taken_for_abandoned_before_it_was_locked_is_not_owned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let (made, other) = (File::create_new(&path).unwrap(), File::open(&path).unwrap());
        assert!(own(&other));
        assert!(!own(&made));
        fs::remove_file(&path).unwrap();
        drop(other);
        assert!(!own(&made));
    }
}
