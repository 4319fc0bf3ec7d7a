//! The docker-style config file on disk: reading it, and changing it so that nothing is ever half-written.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use super::{
    Error, Result,
    document::{Dialect, Document},
    error::Malformed,
};

/// How long another process may hold the lock.
const LOCK_LIMIT: Duration = Duration::from_secs(5);

/// How many symbolic links are followed.
const LINK_LIMIT: usize = 8;

/// Reads a file; `None` when there is none.
///
/// # Errors
/// It cannot be read or parsed.
pub(super) fn load(path: &Path, dialect: Dialect) -> Result<Option<Document>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
    };
    Document::parse(&bytes, dialect).map(Some).map_err(|reason| malformed(path, reason))
}

/// Changes a file under its lock. `change` is given what stands there now and returns the new text, or
/// `None` when nothing has to change; then nothing is written, and no folder or lock is made.
///
/// # Errors
/// It cannot be read, parsed, locked or saved; then it is as it was.
pub(super) fn update(path: &Path, change: impl Fn(&Document) -> Option<String>) -> Result<()> {
    let target = follow(path)?;
    if change(&load_or_empty(&target)?).is_none() {
        return Ok(());
    }
    let folder = folder_of(&target);
    create_private(&folder).map_err(saving(path))?;
    // Some network file systems have no locks. There a change that got lost is seen by reading it back.
    for attempt in 0..3 {
        let lock = Lock::take(&lock_path(&target), LOCK_LIMIT)?;
        let document = load_or_empty(&target)?;
        let Some(text) = change(&document) else { break };
        if attempt > 0 && document.text() == text {
            break;
        }
        replace(&target, &folder, text.as_bytes()).map_err(saving(path))?;
        if lock.is_held() {
            break;
        }
    }
    Ok(())
}

fn load_or_empty(path: &Path) -> Result<Document> {
    match load(path, Dialect::Docker)? {
        Some(document) => Ok(document),
        None => Document::parse(b"", Dialect::Docker).map_err(|reason| malformed(path, reason)),
    }
}

/// Resolves symbolic links of the file itself, so that the link stays and its target is replaced.
fn follow(path: &Path) -> Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..=LINK_LIMIT {
        match fs::read_link(&target) {
            Ok(next) => target = folder_of(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(Error::Links { path: path.to_owned() })
}

/// Writes a new file beside the old one and puts it in its place.
fn replace(target: &Path, folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".oras-config-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    protect(file.as_file(), target)?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    // The name itself is safe only once the folder is on disk; not every file system can do that.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Gives the new file the owner of the old one, and a mode that lets nobody else read it.
#[cfg(unix)]
fn protect(file: &File, target: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let old = fs::metadata(target).ok();
    let mode = old.as_ref().map_or(0o600, |old| old.mode() & 0o600);
    if let Some(old) = old {
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // Only the administrator may give files away; for anybody else the file becomes theirs.
            let _ = fchown(file, Some(old.uid()), Some(old.gid()));
        }
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn protect(_: &File, _: &Path) -> io::Result<()> {
    // A new file inherits the access list of the user's profile folder.
    Ok(())
}

fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A lock file that is held. The operating system frees it when the process ends, however it ends.
struct Lock {
    path: PathBuf,
    file: Option<File>,
}

impl Lock {
    fn take(path: &Path, limit: Duration) -> Result<Self> {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            let opened = OpenOptions::new().create(true).truncate(false).write(true).open(path);
            let file = opened.map_err(saving(path))?;
            match file.try_lock() {
                // Who had it before may have removed the file while we opened it; then it locks nothing.
                Ok(()) if same_file(&file, path) => {
                    return Ok(Self { path: path.to_owned(), file: Some(file) });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
                Err(TryLockError::Error(_)) => return Ok(Self { path: path.to_owned(), file: None }),
            }
        }
        Err(Error::Locked { path: path.to_owned(), seconds: limit.as_secs() })
    }

    fn is_held(&self) -> bool {
        self.file.is_some()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is still held: nobody can have locked this very file in between.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn same_file(_: &File, _: &Path) -> bool {
    // An open file cannot be removed there.
    true
}

fn lock_path(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    target.with_file_name(name)
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn malformed(path: &Path, reason: Malformed) -> Error {
    Error::Malformed { place: path.display().to_string(), reason }
}

fn saving(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Save { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Secret;

    fn login(path: &Path, key: &str) -> Result<()> {
        update(path, |document| Some(document.with_entry(key, &[("auth", Secret::new("YTpi"))])))
    }

    fn logout(path: &Path, key: &str) -> Result<()> {
        update(path, |document| document.without(key))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn a_first_login_creates_folder_and_file_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new/.docker/config.json");
        login(&path, "a.io").unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "{\n\t\"auths\": {\n\t\t\"a.io\": {\n\t\t\t\"auth\": \"YTpi\"\n\t\t}\n\t}\n}"
        );
        assert_eq!(names(path.parent().unwrap()), ["config.json"]);
        logout(&path, "a.io").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n\t\"auths\": {}\n}");
    }

    #[test]
    fn a_logout_that_finds_nothing_writes_nothing() {
        let home = tempfile::tempdir().unwrap();
        logout(&home.path().join(".docker/config.json"), "a.io").unwrap();
        assert!(names(home.path()).is_empty());
    }

    #[test]
    fn a_malformed_file_is_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config.json");
        fs::write(&path, "{").unwrap();
        assert!(matches!(login(&path, "a.io"), Err(Error::Malformed { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "{");
        assert_eq!(names(home.path()), ["config.json"]);
    }

    #[test]
    fn a_save_that_fails_leaves_the_old_file_and_no_rest() {
        let home = tempfile::tempdir().unwrap();
        let (target, folder) = (home.path().join("config.json"), home.path());
        fs::create_dir(&target).unwrap();
        fs::write(target.join("inside"), "").unwrap();
        assert!(replace(&target, folder, b"{}").is_err());
        assert_eq!(names(folder), ["config.json"]);
        assert_eq!(names(&target), ["inside"]);
    }

    #[test]
    fn what_a_crash_left_behind_does_not_hinder_the_next_login() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config.json");
        fs::write(home.path().join(".oras-config-abc"), "{\"aut").unwrap();
        fs::write(home.path().join("config.json.lock"), "").unwrap();
        login(&path, "a.io").unwrap();
        assert!(load(&path, Dialect::Docker).unwrap().unwrap().entry("a.io", "", "").unwrap().is_some());
    }

    #[test]
    fn parallel_logins_lose_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config.json");
        std::thread::scope(|scope| {
            for number in 0..20 {
                let path = &path;
                scope.spawn(move || login(path, &format!("host-{number}.io")).unwrap());
            }
        });
        let document = load(&path, Dialect::Docker).unwrap().unwrap();
        for number in 0..20 {
            assert!(document.entry(&format!("host-{number}.io"), "", "").unwrap().is_some(), "{number}");
        }
        assert_eq!(names(home.path()), ["config.json"]);
    }

    #[test]
    fn a_lock_that_is_held_too_long_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config.json.lock");
        let held = Lock::take(&path, LOCK_LIMIT).unwrap();
        let error = Lock::take(&path, Duration::from_millis(30)).err().unwrap();
        assert!(matches!(error, Error::Locked { .. }), "{error}");
        drop(held);
        assert!(Lock::take(&path, LOCK_LIMIT).unwrap().is_held());
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

        use super::*;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().mode() & 0o777
        }

        #[test]
        fn files_are_for_their_owner_only_and_stricter_modes_stay() {
            let home = tempfile::tempdir().unwrap();
            let path = home.path().join("new/config.json");
            login(&path, "a.io").unwrap();
            assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
            for (before, after) in [(0o644, 0o600), (0o600, 0o600), (0o400, 0o400)] {
                fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
                login(&path, &format!("{before:o}.io")).unwrap();
                assert_eq!(mode(&path), after, "{before:o}");
            }
        }

        #[test]
        fn a_link_stays_and_its_target_is_replaced() {
            let home = tempfile::tempdir().unwrap();
            let (link, target) = (home.path().join("config.json"), home.path().join("real/target.json"));
            fs::create_dir(home.path().join("real")).unwrap();
            symlink("middle", &link).unwrap();
            symlink("real/target.json", home.path().join("middle")).unwrap();
            login(&link, "a.io").unwrap();
            login(&link, "b.io").unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            let document = load(&target, Dialect::Docker).unwrap().unwrap();
            assert!(document.entry("a.io", "", "").unwrap().is_some());
            assert_eq!(names(home.path()), ["config.json", "middle", "real"]);
        }

        #[test]
        fn a_ring_of_links_is_an_error() {
            let home = tempfile::tempdir().unwrap();
            let link = home.path().join("config.json");
            symlink("config.json", &link).unwrap();
            assert!(matches!(login(&link, "a.io"), Err(Error::Links { .. })));
        }
    }
}
