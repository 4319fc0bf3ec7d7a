//! Where credentials are looked for, in which order (pure but for reading a file).
//!
//! The order gives the identity that Docker's tools would use, then that of the containers tools.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Error, Result, Secret, config_file,
    document::{Dialect, Document},
};

/// What the environment says about credentials. Only the program itself reads it; a test makes one up.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `DOCKER_CONFIG`: the folder of `config.json`.
    pub docker_config: Option<PathBuf>,
    /// `DOCKER_AUTH_CONFIG`: the text of a config file.
    pub docker_auth_config: Option<Arc<Secret>>,
    /// `REGISTRY_AUTH_FILE`: a file of the containers tools.
    pub registry_auth_file: Option<PathBuf>,
    /// `HOME`, or `USERPROFILE` on Windows.
    pub home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub xdg_runtime_dir: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// `PATH`: where helper programs are looked up.
    pub path: Option<OsString>,
}

impl Environment {
    /// Takes the variables from a function that looks one up. An empty variable counts as none.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let path = |name: &str| set(name).map(PathBuf::from);
        Self {
            docker_config: path("DOCKER_CONFIG"),
            docker_auth_config: set("DOCKER_AUTH_CONFIG")
                .map(|text| Arc::new(Secret::new(text.to_string_lossy()))),
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            home: path(if cfg!(windows) { "USERPROFILE" } else { "HOME" }),
            xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
            xdg_config_home: path("XDG_CONFIG_HOME"),
            path: set("PATH"),
        }
    }

    /// The config file that is used when none is named; `None` without a home folder.
    #[must_use]
    pub fn default_file(&self) -> Option<PathBuf> {
        let folder = self.docker_config.clone().or_else(|| Some(self.home.as_ref()?.join(".docker")))?;
        Some(folder.join("config.json"))
    }
}

/// A place where credentials may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A config file of Docker's form.
    File(PathBuf),
    /// The file that `REGISTRY_AUTH_FILE` names.
    RegistryAuthFile(PathBuf),
    /// The text in `DOCKER_AUTH_CONFIG`.
    DockerAuthConfig,
    /// A file of the containers tools.
    Containers(PathBuf),
    /// `.dockercfg`, as old versions of Docker wrote it.
    Legacy(PathBuf),
}

impl Place {
    /// The file, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::RegistryAuthFile(path) | Self::Containers(path) | Self::Legacy(path) => {
                Some(path)
            }
            Self::DockerAuthConfig => None,
        }
    }

    /// Does somebody rely on it, so that one that cannot be read is an error? Others were put there for
    /// other programs.
    pub(super) fn is_binding(&self) -> bool {
        !matches!(self, Self::Containers(_) | Self::Legacy(_))
    }

    fn dialect(&self) -> Dialect {
        match self {
            Self::File(_) | Self::DockerAuthConfig => Dialect::Docker,
            Self::RegistryAuthFile(_) | Self::Containers(_) => Dialect::Containers,
            Self::Legacy(_) => Dialect::Legacy,
        }
    }

    /// Reads it; `None` when it is not there.
    pub(super) fn load(&self, environment: &Environment) -> Result<Option<Document>> {
        match self {
            Self::DockerAuthConfig => {
                let Some(text) = &environment.docker_auth_config else { return Ok(None) };
                Document::parse(text.expose().as_bytes(), self.dialect())
                    .map(Some)
                    .map_err(|reason| Error::Malformed { place: self.to_string(), reason })
            }
            Self::RegistryAuthFile(path) => match config_file::load(path, self.dialect())? {
                None => Err(Error::Missing { variable: "REGISTRY_AUTH_FILE", path: path.clone() }),
                found => Ok(found),
            },
            Self::File(path) | Self::Containers(path) | Self::Legacy(path) => {
                config_file::load(path, self.dialect())
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            Some(path) => path.display().fmt(f),
            None => f.write_str("DOCKER_AUTH_CONFIG"),
        }
    }
}

/// The places, in the order in which they are asked. Named files replace all others.
pub(super) fn order(named: &[PathBuf], environment: &Environment) -> Vec<Place> {
    if !named.is_empty() {
        return named.iter().cloned().map(Place::File).collect();
    }
    let home = environment.home.as_deref();
    let config = environment.xdg_config_home.clone().or_else(|| Some(home?.join(".config")));
    let runtime = environment.xdg_runtime_dir.clone();
    let containers = |folder: PathBuf| Place::Containers(folder.join("containers/auth.json"));
    let places = [
        environment.default_file().map(Place::File),
        environment.registry_auth_file.clone().map(Place::RegistryAuthFile),
        environment.docker_auth_config.as_ref().map(|_| Place::DockerAuthConfig),
        runtime.map(containers),
        config.map(containers),
        home.map(|home| Place::Legacy(home.join(".dockercfg"))),
    ];
    places.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(named: &[&str], environment: &Environment) -> Vec<String> {
        let named: Vec<_> = named.iter().map(PathBuf::from).collect();
        order(&named, environment).iter().map(ToString::to_string).collect()
    }

    fn environment(variables: &'static [(&str, &str)]) -> Environment {
        Environment::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    const ALL: &[(&str, &str)] = &[
        ("HOME", "/h"),
        ("DOCKER_CONFIG", "/d"),
        ("REGISTRY_AUTH_FILE", "/r.json"),
        ("DOCKER_AUTH_CONFIG", "{}"),
        ("XDG_RUNTIME_DIR", "/run"),
        ("XDG_CONFIG_HOME", "/c"),
    ];

    #[test]
    fn places_are_asked_in_the_documented_order() {
        let expected = [
            "/d/config.json",
            "/r.json",
            "DOCKER_AUTH_CONFIG",
            "/run/containers/auth.json",
            "/c/containers/auth.json",
            "/h/.dockercfg",
        ];
        assert_eq!(shown(&[], &environment(ALL)), expected);
    }

    #[test]
    fn named_files_replace_all_others() {
        assert_eq!(shown(&["two.json", "one.json"], &environment(ALL)), ["two.json", "one.json"]);
    }

    #[test]
    fn without_variables_the_home_folder_is_used() {
        let expected = ["/h/.docker/config.json", "/h/.config/containers/auth.json", "/h/.dockercfg"];
        assert_eq!(shown(&[], &environment(&[("HOME", "/h"), ("DOCKER_CONFIG", "")])), expected);
        assert!(shown(&[], &Environment::default()).is_empty());
    }

    #[test]
    fn the_text_of_a_variable_is_not_shown() {
        let environment = environment(&[("DOCKER_AUTH_CONFIG", "canary"), ("HOME", "/h")]);
        assert!(!format!("{environment:?}").contains("canary"));
    }
}
