//! The chain of places where credentials are looked for, as one store.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{
    Credential, CredentialStore, Environment, Error, Found, Helpers, Login, Notice, Notify, Place, Result,
    Secret, config_file,
    document::{Dialect, Document, Named},
    entry, keys,
    secret::fingerprint,
    sources,
};

/// How a [`Chain`] is opened.
pub struct Options {
    /// Files that were named, in the order in which they are asked; they replace all other places.
    pub files: Vec<PathBuf>,
    /// What the environment says.
    pub environment: Environment,
    /// Starts helper programs. Chains that share it ask each helper once.
    pub helpers: Helpers,
    /// Is told what a person should know.
    pub notify: Notify,
}

/// Config files and helper programs, asked in a fixed order; the first that has a secret wins.
///
/// Files are read at each lookup, so that a login made meanwhile is seen. What is stored or erased goes to
/// the first file, or to the helper that it names.
pub struct Chain {
    pub(super) options: Options,
    pub(super) places: Vec<Place>,
    told: Mutex<HashSet<String>>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Chain {
    /// Opens the chain, and checks the files that were named or are used by default.
    ///
    /// # Errors
    /// One of these files cannot be read or parsed.
    pub fn open(options: Options) -> Result<Self> {
        let places = sources::order(&options.files, &options.environment);
        for place in places.iter().filter(|place| matches!(place, Place::File(_))) {
            place.load(&options.environment)?;
        }
        Ok(Self { options, places, told: Mutex::default() })
    }

    /// The file that is written to; `None` without a home folder when no file was named.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        self.options.files.first().cloned().or_else(|| self.options.environment.default_file())
    }

    /// Reads a place. One that belongs to other programs is passed over when it cannot be read.
    pub(super) fn load(&self, place: &Place) -> Result<Option<Document>> {
        match place.load(&self.options.environment) {
            Err(error) if !place.is_binding() => {
                self.tell_once(&Notice::Skipped { error: &error });
                Ok(None)
            }
            result => result,
        }
    }

    /// Asks one place.
    async fn ask(
        &self,
        place: &Place,
        document: &Document,
        registry: &str,
        repository: &str,
    ) -> Result<Option<Login>> {
        let entry = document.entry(registry, repository, &place.to_string());
        // A helper answers for a whole registry, so an entry for this very part of it is closer.
        if let Ok(Some((key, credential))) = &entry
            && keys::is_namespaced_match(key, repository)
        {
            return Ok(Some(from_entry(place, key, credential)));
        }
        if let Some(named) = document.helper(registry)
            && let Some(login) = self.ask_helper(place, &named).await
        {
            return Ok(Some(login));
        }
        Ok(entry?.map(|(key, credential)| from_entry(place, &key, &credential)))
    }

    /// Asks a helper; one that is broken is named and passed over.
    async fn ask_helper(&self, place: &Place, named: &Named) -> Option<Login> {
        for key in helper_keys(named) {
            match self.options.helpers.get(&named.suffix, &key).await {
                Ok(Some(credential)) => {
                    let origin = Found::Helper { place: place.clone(), suffix: named.suffix.clone(), key };
                    return Some(Login { credential: credential.duplicate(), origin });
                }
                Ok(None) => {}
                Err(error) => {
                    self.tell_once(&Notice::HelperFailed { place, error: &error });
                    return None;
                }
            }
        }
        None
    }

    /// The file that is written to, what stands there, and the helper that it names for a registry.
    fn writable(&self, registry: &str) -> Result<(PathBuf, Option<Named>)> {
        let file = self.file().ok_or(Error::NoFile)?;
        let document = config_file::load(&file, Dialect::Docker)?;
        Ok((file, document.and_then(|document| document.helper(registry))))
    }

    fn tell_once(&self, notice: &Notice<'_>) {
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(notice.to_string()) {
            (self.options.notify)(notice);
        }
    }
}

#[async_trait]
impl CredentialStore for Chain {
    async fn get(&self, registry: &str, repository: &str) -> Result<Option<Arc<Login>>> {
        for place in &self.places {
            let Some(document) = self.load(place)? else { continue };
            if let Some(login) = self.ask(place, &document, registry, repository).await? {
                self.tell_once(&Notice::Chosen { registry, origin: &login.origin });
                return Ok(Some(Arc::new(login)));
            }
        }
        Ok(None)
    }

    async fn store(&self, registry: &str, credential: &Credential) -> Result<()> {
        let (file, helper) = self.writable(registry)?;
        if let Some(named) = helper {
            let stored = self.options.helpers.store(&named.suffix, &named.key, credential).await;
            return stored.map_err(|error| Error::Helper(Arc::new(error)));
        }
        let members = entry::encode(credential).ok_or_else(|| Error::Colon { path: file.clone() })?;
        let key = keys::storage_key(registry).to_owned();
        write(file, move |document| Some(document.with_entry(&key, &members))).await
    }

    async fn erase(&self, registry: &str) -> Result<()> {
        if registry.is_empty() {
            return Ok(());
        }
        let Some(file) = self.file() else { return Ok(()) };
        let helper = self.writable(registry)?.1;
        let name = registry.to_owned();
        write(file, move |document| document.without(&name)).await?;
        match helper {
            Some(named) => {
                let erased = self.options.helpers.erase(&named.suffix, &named.key).await;
                erased.map_err(|error| Error::Helper(Arc::new(error)))
            }
            None => Ok(()),
        }
    }

    async fn renew(&self, registry: &str, repository: &str, refused: &Login) -> Result<Option<Arc<Login>>> {
        // A file says the same again, unless somebody logged in meanwhile; a helper may make a new token.
        if let Found::Helper { suffix, key, .. } = &refused.origin {
            self.options.helpers.forget(suffix, key);
        }
        let again = self.get(registry, repository).await?;
        Ok(again.filter(|login| login.credential != refused.credential))
    }

    async fn rotate(&self, login: &Login, token: &Secret) -> Result<()> {
        let Some(used) = login.credential.identity() else { return Ok(()) };
        match &login.origin {
            Found::Given => Ok(()),
            Found::Helper { suffix, key, .. } => {
                let renewed = Credential::identity_token(token.expose());
                let stored = self.options.helpers.store(suffix, key, &renewed).await;
                stored.map_err(|error| Error::Helper(Arc::new(error)))
            }
            Found::Entry { place: Place::File(path), key } => {
                let renewed = login.credential.duplicate().with_identity_token(token.expose());
                let members = entry::encode(&renewed).ok_or_else(|| Error::Colon { path: path.clone() })?;
                let (key, used) = (key.clone(), used.duplicate());
                // Somebody else's newer login stays.
                write(path.clone(), move |document| {
                    document.holds_identity(&key, &used).then(|| document.with_entry(&key, &members))
                })
                .await
            }
            Found::Entry { .. } | Found::Ambient { .. } => Err(Error::Unwritable),
        }
    }

    fn fingerprint(&self) -> u64 {
        let places: Vec<_> = self.places.iter().map(ToString::to_string).collect();
        fingerprint(places)
    }
}

/// What a helper is asked for: the key of its entry; for a helper of all registries also the key as a URL,
/// under which some programs store.
pub(super) fn helper_keys(named: &Named) -> Vec<String> {
    let mut keys = vec![named.key.clone()];
    if named.global && !named.key.contains("://") {
        keys.push(format!("https://{}", named.key));
    }
    keys
}

fn from_entry(place: &Place, key: &str, credential: &Credential) -> Login {
    let origin = Found::Entry { place: place.clone(), key: key.to_owned() };
    Login { credential: credential.duplicate(), origin }
}

/// Writes a file on a thread where waiting for a lock or a disk holds nobody up.
async fn write(path: PathBuf, change: impl Fn(&Document) -> Option<String> + Send + 'static) -> Result<()> {
    let shown = path.clone();
    let saved = tokio::task::spawn_blocking(move || config_file::update(&path, change)).await;
    saved.unwrap_or_else(|error| Err(Error::Save { path: shown, source: std::io::Error::other(error) }))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
