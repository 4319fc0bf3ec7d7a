//! Folders in which an administrator put certificates, one folder for each host.
//!
//! `*.crt` are authorities; `x.cert` with `x.key` is who we are. Docker, the containers tools and containerd
//! read the same folders.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::TlsError;
use crate::registry::Origin;

/// A folder with a folder for each host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertsD {
    /// As Docker and the containers tools name them: `host:port`.
    Docker(PathBuf),
    /// As containerd names them: `host_port_`, or `host:port`.
    Containerd(PathBuf),
}

impl CertsD {
    /// The folders of a Unix system and of a user.
    #[must_use]
    pub fn usual(home: Option<&Path>) -> Vec<Self> {
        let own = |name: &str| home.map(|home| Self::Docker(home.join(name)));
        let system = |name: &str| Some(Self::Docker(PathBuf::from(name)));
        let all = [
            system("/etc/docker/certs.d"),
            own(".docker/certs.d"),
            system("/etc/containers/certs.d"),
            own(".config/containers/certs.d"),
            Some(Self::Containerd(PathBuf::from("/etc/containerd/certs.d"))),
        ];
        all.into_iter().flatten().collect()
    }

    /// The folders of a host, whether they are there or not.
    fn of(&self, origin: &Origin) -> Vec<PathBuf> {
        let authority = origin.authority();
        match self {
            Self::Docker(base) if cfg!(windows) => vec![base.join(authority.replace(':', ""))],
            Self::Docker(base) => vec![base.join(authority)],
            Self::Containerd(base) => {
                let with_port = format!("{}_{}_", origin.host(), origin.port());
                vec![base.join(with_port), base.join(authority)]
            }
        }
    }
}

/// What there is for a host.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Files of authorities.
    pub(super) authorities: Vec<PathBuf>,
    /// Files of a certificate and its key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

/// Looks for a host. Of files of one name in several folders the first one counts.
///
/// # Errors
/// A folder cannot be read, or a certificate and its key are not together.
pub(super) fn find(folders: &[CertsD], origin: &Origin) -> Result<Found, TlsError> {
    let mut files = BTreeMap::new();
    for folder in folders.iter().flat_map(|folder| folder.of(origin)) {
        for (name, path) in list(&folder)? {
            files.entry(name).or_insert(path);
        }
    }
    let mut found = Found::default();
    for (name, path) in &files {
        match name.rsplit_once('.') {
            Some((_, "crt")) => found.authorities.push(path.clone()),
            Some((stem, "cert")) => {
                let key = files.get(&format!("{stem}.key"));
                let key = key.ok_or_else(|| alone(path, "key"))?;
                found.identity.get_or_insert_with(|| (path.clone(), key.clone()));
            }
            Some((stem, "key")) if !files.contains_key(&format!("{stem}.cert")) => {
                return Err(alone(path, "cert"));
            }
            _ => {}
        }
    }
    Ok(found)
}

fn alone(path: &Path, extension: &str) -> TlsError {
    TlsError::Alone { path: path.to_owned(), missing: path.with_extension(extension) }
}

/// Names and paths of the files of a folder; none when it is not there or not for us.
fn list(folder: &Path) -> Result<Vec<(String, PathBuf)>, TlsError> {
    let fail = |source| TlsError::Io { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(fail(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fail)?;
        files.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    Ok(files)
}

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of(&url::Url::parse(url).unwrap()).unwrap()
    }

    fn write(folder: &Path, names: &[&str]) {
        for name in names {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
    }

    fn names(folder: &Path, found: &Found) -> (Vec<String>, Option<(String, String)>) {
        let show = |path: &PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
        let identity = found.identity.as_ref().map(|(certificate, key)| (show(certificate), show(key)));
        (found.authorities.iter().map(show).collect(), identity)
    }

    #[test]
    fn certificates_of_a_host_are_found_and_the_first_folder_wins() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &[
                "one/h:5000/ca.crt",
                "one/h:5000/me.cert",
                "one/h:5000/me.key",
                "one/h:5000/readme.txt",
                "one/h/other.crt",
                "two/h:5000/ca.crt",
                "two/h:5000/b.crt",
                "c/h_5000_/d.crt",
                "c/h:5000/e.crt",
            ],
        );
        let at = |name: &str| folder.path().join(name);
        let folders = [CertsD::Docker(at("one")), CertsD::Docker(at("two")), CertsD::Containerd(at("c"))];
        let found = find(&folders, &origin("https://h:5000")).unwrap();
        let (authorities, identity) = names(folder.path(), &found);
        assert_eq!(
            authorities,
            ["two/h:5000/b.crt", "one/h:5000/ca.crt", "c/h_5000_/d.crt", "c/h:5000/e.crt"]
        );
        assert_eq!(identity, Some(("one/h:5000/me.cert".into(), "one/h:5000/me.key".into())));
        let default_port = find(&folders, &origin("https://h")).unwrap();
        assert_eq!(names(folder.path(), &default_port).0, ["one/h/other.crt"]);
        assert_eq!(find(&folders, &origin("https://g")).unwrap(), Found::default());
    }

    #[test]
    fn a_certificate_without_its_key_is_an_error_that_names_it() {
        for (name, missing) in [("me.cert", "me.key"), ("me.key", "me.cert")] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &[&format!("h/{name}")]);
            let error =
                find(&[CertsD::Docker(folder.path().into())], &origin("https://h")).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(missing), "{error}");
        }
    }

    #[test]
    fn the_usual_folders_are_those_of_the_system_and_of_the_user() {
        assert_eq!(CertsD::usual(Some(Path::new("/h"))).len(), 5);
        assert_eq!(CertsD::usual(None).len(), 3);
    }
}
