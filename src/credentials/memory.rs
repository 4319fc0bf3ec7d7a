//! Credentials that were given, not found: from the command line, or in a test.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{Credential, CredentialStore, Login, Result, Secret, keys, secret::fingerprint};

/// Holds credentials in memory, by registry.
#[derive(Debug, Default)]
pub struct Memory {
    entries: Mutex<HashMap<String, Arc<Login>>>,
}

impl Memory {
    /// A store with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a credential for one registry. It is offered to no other.
    #[must_use]
    pub fn with(self, registry: &str, credential: Credential) -> Self {
        self.put(registry, credential);
        self
    }

    fn put(&self, registry: &str, credential: Credential) {
        let login = Login::given(credential);
        self.lock().insert(keys::host_of(registry), Arc::new(login));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Login>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CredentialStore for Memory {
    async fn get(&self, registry: &str, _: &str) -> Result<Option<Arc<Login>>> {
        Ok(self.lock().get(&keys::host_of(registry)).cloned())
    }

    async fn store(&self, registry: &str, credential: &Credential) -> Result<()> {
        self.put(registry, credential.duplicate());
        Ok(())
    }

    async fn erase(&self, registry: &str) -> Result<()> {
        self.lock().remove(&keys::host_of(registry));
        Ok(())
    }

    async fn rotate(&self, _: &Login, _: &Secret) -> Result<()> {
        // What was given on the command line has no place where a new token could be kept.
        Ok(())
    }

    fn fingerprint(&self) -> u64 {
        let entries = self.lock();
        let one = |(host, login): (&String, &Arc<Login>)| fingerprint((host, login.credential.fingerprint()));
        entries.iter().map(one).fold(0, u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_credential_is_offered_to_its_own_registry_only() {
        let store = Memory::new().with("docker.io", Credential::password("u", "p"));
        assert!(store.get("registry-1.docker.io", "library/x").await.unwrap().is_some());
        assert!(store.get("a.io", "x").await.unwrap().is_none());
        store.store("a.io", &Credential::identity_token("t")).await.unwrap();
        assert_eq!(store.get("A.io", "x").await.unwrap().unwrap().credential.kind(), "identity token");
        store.erase("a.io").await.unwrap();
        assert!(store.get("a.io", "x").await.unwrap().is_none());
    }
}
