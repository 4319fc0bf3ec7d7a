//! Keeps programs of one user from changing the same referrers tag at once.

use std::{
    fs::{File, TryLockError},
    time::Duration,
};

use super::repository::Inner;
use crate::oci::Digest;

/// How long another program is waited for. The lock only saves time, so nothing is lost without it.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

/// A lock that ends when it is dropped, or with the program.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of a tag; `None` where there can be none.
    pub(crate) async fn take(repository: &Inner, tag: &str) -> Option<Self> {
        let folder = repository.client.options().lock_folder.as_ref()?;
        let origin = repository.client.endpoint().origin();
        let name = Digest::of(format!("{origin}\n{}\n{tag}", repository.name).as_bytes());
        std::fs::create_dir_all(folder).ok()?;
        let path = folder.join(format!("{}.lock", name.encoded()));
        let file = File::options().create(true).truncate(false).write(true).open(path).ok()?;
        let wait = async {
            while let Err(TryLockError::WouldBlock) = file.try_lock() {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.ok()?;
        Some(Self { _file: file })
    }
}
