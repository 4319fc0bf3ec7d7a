//! What must hold for any text that is read as a configuration of mirrors.

use std::path::Path;

use super::{
    Candidate, hosts_toml,
    registries_conf::{Config, Found},
};

/// Both forms: hosts have URLs of HTTP, or the file is refused.
pub(in crate::registry) fn mirrors(text: &str) {
    let check = |candidates: &[Candidate]| {
        for candidate in candidates {
            assert!(matches!(candidate.base.scheme(), "http" | "https"));
            assert!(candidate.base.host_str().is_some_and(|host| !host.is_empty()));
        }
    };
    let path = Path::new("/etc/here/file.toml");
    if let Ok(candidates) = hosts_toml::parse(text, path, "registry.example", "a/b") {
        check(&candidates);
    }
    let mut config = Config::default();
    if config.add(text, path).is_ok() {
        for name in ["registry.example/a/b", "docker.io/library/x", "sub.example.com:5000/a"] {
            if let Found::Candidates(candidates) = config.find(name) {
                check(&candidates);
            }
        }
    }
}
