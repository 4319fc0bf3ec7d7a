//! Other hosts from which content can be read: mirrors and pull-through caches.
//!
//! Nodes of a fleet are configured for them already, in one of two forms; both are only read. Mirrors serve
//! content by digest, and tags where their configuration says so. Everything else goes to the registry
//! itself, and whatever is read keeps the registry's name and is checked as always.

#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;
mod hosts_toml;
mod registries_conf;
mod source;
mod transfer;

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

pub use source::Mirrored;
use url::Url;

use super::{Options, Origin, Registry, Repository};
use crate::credentials::host_of;

/// How long a mirror may take to accept a connection, when its configuration says nothing.
const CONNECT: Duration = Duration::from_secs(2);

/// Where the configuration of mirrors is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Where containerd and the containers tools have it.
    Auto,
    /// A folder in the form of containerd, or a file in the form of `registries.conf`.
    Path(PathBuf),
}

impl Choice {
    /// `auto`, or a path.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text == "auto" { Self::Auto } else { Self::Path(PathBuf::from(text)) }
    }
}

/// What the environment says about mirrors. Only the program itself reads it.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// `CONTAINERS_REGISTRIES_CONF`.
    pub containers_registries_conf: Option<PathBuf>,
    /// The folder of the system's configuration: `/etc`.
    pub system: PathBuf,
}

impl Environment {
    /// Takes the variables from a function that looks one up. An empty variable counts as none.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            home: path("HOME"),
            xdg_config_home: path("XDG_CONFIG_HOME"),
            containers_registries_conf: path("CONTAINERS_REGISTRIES_CONF"),
            system: PathBuf::from("/etc"),
        }
    }
}

/// Why mirrors cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// A file could not be read.
    #[error("read mirrors of {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("invalid mirrors in {}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An administrator forbade this repository.
    #[error("{repository} is blocked by {}", path.display())]
    Blocked {
        /// The repository, with its registry.
        repository: String,
        /// The file that says so.
        path: PathBuf,
    },
    /// A mirror cannot be a registry.
    #[error(transparent)]
    Registry(#[from] super::Error),
}

/// One host to try, as its configuration describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    /// The API, with the slash at its end.
    base: Url,
    repository: String,
    /// The registry as the mirror is told of it, when it wants to know.
    namespace: Option<String>,
    /// Are tags looked up there?
    serves_tags: bool,
    /// Is content by digest read there?
    serves_digests: bool,
    insecure: bool,
    authorities: Vec<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    headers: Vec<(String, String)>,
    connect: Option<Duration>,
    proxy: Option<String>,
}

impl Candidate {
    fn new(base: Url, repository: &str) -> Self {
        Self {
            base,
            repository: repository.to_owned(),
            namespace: None,
            serves_tags: true,
            serves_digests: true,
            insecure: false,
            authorities: Vec::new(),
            identity: None,
            headers: Vec::new(),
            connect: None,
            proxy: None,
        }
    }

    /// The options of this host: nothing that is meant for the registry goes there.
    fn options(&self, options: &Options) -> Options {
        let origin = Origin::of(&self.base);
        let mut own = options.clone();
        own.plain_http = self.base.scheme() == "http";
        own.tls.insecure = self.insecure;
        own.tls.ca_file = None;
        own.tls.identity.clone_from(&self.identity);
        own.tls.authorities.clone_from(&self.authorities);
        own.headers.clone_from(&self.headers);
        own.access = super::Access::Pull;
        own.retries.most = 0;
        own.limits.connect = self.connect.unwrap_or(CONNECT);
        own.identity = 0;
        if let Some(proxy) = &self.proxy {
            own.proxies.http = Some(proxy.clone());
            own.proxies.https = Some(proxy.clone());
        }
        // Over plain http a secret goes only where the administrator accepted that.
        let is_trusted =
            self.insecure || origin.as_ref().is_some_and(|origin| origin.is_secure() || origin.is_loopback());
        if !is_trusted {
            own.auth.store = None;
        }
        own
    }

    fn repository(&self, options: &Options, namespace: Option<String>) -> super::Result<Repository> {
        let mut own = self.options(options);
        own.api = Some((self.base.clone(), namespace));
        let host = Origin::of(&self.base).map(|origin| origin.authority()).unwrap_or_default();
        Ok(Registry::new(&host, own)?.repository(&self.repository))
    }
}

/// Finds the mirrors of a repository and puts them before it. Without any, the repository itself is
/// returned in the same clothes.
///
/// # Errors
/// A configuration cannot be read, or forbids the repository.
pub fn before(
    repository: &Repository,
    choice: &Choice,
    environment: &Environment,
    options: &Options,
) -> Result<Mirrored, MirrorError> {
    let name = repository.name();
    let (registry, path) = name.split_once('/').unwrap_or((&name, ""));
    let candidates = find(registry, path, choice, environment)?;
    Mirrored::new(repository.clone(), &candidates, options)
}

/// All hosts to try for a repository, in order.
fn find(
    registry: &str,
    repository: &str,
    choice: &Choice,
    environment: &Environment,
) -> Result<Vec<Candidate>, MirrorError> {
    match choice {
        Choice::Path(path) if path.is_dir() => {
            Ok(from_folder(path, registry, repository)?.unwrap_or_default())
        }
        Choice::Path(path) => {
            let mut drop_ins = path.clone().into_os_string();
            drop_ins.push(".d");
            from_file(path, &[PathBuf::from(drop_ins)], registry, repository)
        }
        Choice::Auto => find_usual(registry, repository, environment),
    }
}

/// The usual places: the first folder that knows the registry, else the first file that is there.
fn find_usual(
    registry: &str,
    repository: &str,
    environment: &Environment,
) -> Result<Vec<Candidate>, MirrorError> {
    let Environment { home, xdg_config_home, containers_registries_conf, system } = environment;
    let config = home.as_ref().map(|home| home.join(".config"));
    let folders = [xdg_config_home.clone(), config.clone(), Some(system.clone())];
    for folder in folders.into_iter().flatten() {
        let found = from_folder(&folder.join("containerd/certs.d"), registry, repository)?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    let user = config.map(|config| config.join("containers"));
    let files = [
        containers_registries_conf.clone(),
        user.as_ref().map(|user| user.join("registries.conf")),
        Some(system.join("containers/registries.conf")),
    ];
    let drop_ins: Vec<_> =
        [Some(system.join("containers/registries.conf.d")), user.map(|user| user.join("registries.conf.d"))]
            .into_iter()
            .flatten()
            .collect();
    let file = files.into_iter().flatten().find(|file| file.is_file());
    from_file(&file.unwrap_or_default(), &drop_ins, registry, repository)
}

/// `None` when the folder has nothing for the registry, nor for all.
fn from_folder(
    folder: &Path,
    registry: &str,
    repository: &str,
) -> Result<Option<Vec<Candidate>>, MirrorError> {
    let host = host_of(registry);
    let with_port = host.rsplit_once(':').map(|(name, port)| format!("{name}_{port}_"));
    let names = with_port.into_iter().chain([host.clone(), "_default".to_owned()]);
    for path in names.map(|name| folder.join(name).join("hosts.toml")) {
        let Some(text) = read(&path)? else { continue };
        let found = hosts_toml::parse(&text, &path, &host, repository);
        return found.map(Some).map_err(|reason| MirrorError::Invalid { path, reason });
    }
    Ok(None)
}

fn from_file(
    file: &Path,
    drop_ins: &[PathBuf],
    registry: &str,
    repository: &str,
) -> Result<Vec<Candidate>, MirrorError> {
    let mut paths = vec![file.to_owned()];
    for folder in drop_ins {
        let mut found = list(folder)?;
        found.sort();
        paths.extend(found);
    }
    let mut config = registries_conf::Config::default();
    for path in paths.into_iter().filter(|path| !path.as_os_str().is_empty()) {
        let Some(text) = read(&path)? else { continue };
        config.add(&text, &path).map_err(|reason| MirrorError::Invalid { path: path.clone(), reason })?;
    }
    let name = format!("{}/{repository}", host_of(registry));
    match config.find(&name) {
        registries_conf::Found::Blocked(path) => Err(MirrorError::Blocked { repository: name, path }),
        registries_conf::Found::Candidates(candidates) => Ok(candidates),
        registries_conf::Found::Invalid(path, reason) => Err(MirrorError::Invalid { path, reason }),
    }
}

/// A host as a configuration writes it, without the user that may stand before it.
fn shown(host: &str) -> String {
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{:?}", format!("…@{host}")),
        None => format!("{host:?}"),
    }
}

fn read(path: &Path) -> Result<Option<String>, MirrorError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(MirrorError::Read { path: path.to_owned(), source }),
    }
}

/// The `.conf` files of a folder.
fn list(folder: &Path) -> Result<Vec<PathBuf>, MirrorError> {
    let fail = |source| MirrorError::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(fail(error)),
    };
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let is_config = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "conf");
    Ok(paths.map_err(fail)?.into_iter().filter(is_config).collect())
}

#[cfg(test)]
mod tests;
