//! Which key of a config file belongs to a registry (pure).
//!
//! Files written by different programs over many years name the same registry in many ways.

/// The key under which Docker Hub is stored and asked for.
pub const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Keys of Docker Hub, the preferred one first.
const HUB_KEYS: [&str; 6] = [
    DOCKER_HUB,
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "https://index.docker.io/v2/",
    "https://registry-1.docker.io/v2/",
];

/// The key under which a registry is stored: as it was typed, Docker Hub apart.
#[must_use]
pub fn storage_key(registry: &str) -> &str {
    if is_hub(&bare_host(registry)) { DOCKER_HUB } else { registry }
}

/// The registry that a key means: host and port in lower case, without scheme, path and default port.
#[must_use]
pub fn host_of(key: &str) -> String {
    let host = bare_host(key);
    if is_hub(&host) { "docker.io".to_owned() } else { host }
}

/// Do a key and a registry mean the same host?
pub(super) fn names_host(key: &str, registry: &str) -> bool {
    namespace_of(key).is_none() && host_of(key) == host_of(registry)
}

/// Finds the key that fits best: the longest namespace that holds the repository, then the very key that
/// `login` writes, then other spellings of the host in file order.
///
/// With `lenient`, a key with a namespace that fits nothing counts as its host if there is nothing better;
/// that is how files of Docker are read by others.
pub(super) fn best<'a>(
    keys: impl Iterator<Item = &'a str>,
    registry: &str,
    repository: &str,
    lenient: bool,
) -> Option<&'a str> {
    let host = host_of(registry);
    let mut found: Option<(Rank, &str)> = None;
    for key in keys.filter(|key| host_of(key) == host) {
        let Some(rank) = rank(key, registry, repository, lenient) else { continue };
        if found.is_none_or(|(best, _)| rank > best) {
            found = Some((rank, key));
        }
    }
    found.map(|(_, key)| key)
}

/// Has a key a namespace that holds the repository?
pub(super) fn is_namespaced_match(key: &str, repository: &str) -> bool {
    namespace_of(key).is_some_and(|namespace| holds(namespace, repository))
}

/// How well a key fits; a larger one fits better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    ElsewhereOnHost,
    Host { exactness: usize },
    Namespace { length: usize, exact: bool },
}

fn rank(key: &str, registry: &str, repository: &str, lenient: bool) -> Option<Rank> {
    match namespace_of(key) {
        Some(namespace) if holds(namespace, repository) => Some(Rank::Namespace {
            length: namespace.len(),
            exact: key.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/')),
        }),
        Some(_) => lenient.then_some(Rank::ElsewhereOnHost),
        None => Some(Rank::Host { exactness: exactness(key, registry) }),
    }
}

fn exactness(key: &str, registry: &str) -> usize {
    if storage_key(registry) == DOCKER_HUB {
        let place = HUB_KEYS.iter().position(|hub| *hub == key);
        return place.map_or(0, |place| HUB_KEYS.len() - place);
    }
    usize::from(key == registry)
}

fn holds(namespace: &str, repository: &str) -> bool {
    repository.strip_prefix(namespace).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path of a key such as `quay.io/team`. Keys that are URLs, and the paths of API versions, mean a host.
fn namespace_of(key: &str) -> Option<&str> {
    if key.contains("://") {
        return None;
    }
    let (_, path) = key.split_once('/')?;
    let path = path.trim_end_matches('/');
    (!matches!(path, "" | "v1" | "v2")).then_some(path)
}

fn bare_host(key: &str) -> String {
    let lower = key.to_ascii_lowercase();
    let (rest, port) = match (lower.strip_prefix("http://"), lower.strip_prefix("https://")) {
        (Some(rest), _) => (rest, ":80"),
        (_, Some(rest)) => (rest, ":443"),
        _ => (&*lower, ":443"),
    };
    let host = rest.split('/').next().unwrap_or_default();
    host.strip_suffix(port).unwrap_or(host).to_owned()
}

fn is_hub(host: &str) -> bool {
    matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_registry_are_one_host() {
        let cases = [
            ("localhost:5000", "localhost:5000"),
            ("LOCALHOST:5000", "localhost:5000"),
            ("https://localhost:5000/v1/", "localhost:5000"),
            ("http://localhost:5000", "localhost:5000"),
            ("quay.io:443", "quay.io"),
            ("https://quay.io:443/v2/", "quay.io"),
            ("http://quay.io:80/", "quay.io"),
            ("quay.io:80", "quay.io:80"),
            ("quay.io/team/app", "quay.io"),
            ("docker.io", "docker.io"),
            ("index.docker.io", "docker.io"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("https://registry-1.docker.io/v2/", "docker.io"),
            ("docker.io/library", "docker.io"),
            ("[::1]:5000", "[::1]:5000"),
        ];
        for (key, host) in cases {
            assert_eq!(host_of(key), host, "{key}");
        }
    }

    #[test]
    fn the_best_key_is_chosen() {
        let cases: &[(&[&str], &str, &str, Option<&str>)] = &[
            (&["a.io", "b.io"], "b.io", "app", Some("b.io")),
            (&["b.io"], "a.io", "app", None),
            (&["https://a.io/v1/", "a.io"], "a.io", "app", Some("a.io")),
            (&["https://a.io/v1/", "http://a.io"], "a.io", "app", Some("https://a.io/v1/")),
            (&["A.io", "a.io:443"], "a.io", "app", Some("A.io")),
            (&["a.io", "a.io/team"], "a.io", "team/app", Some("a.io/team")),
            (&["a.io/team/app", "a.io/team"], "a.io", "team/app", Some("a.io/team/app")),
            (&["a.io/team", "a.io"], "a.io", "teams/app", Some("a.io")),
            (&["A.io/team", "a.io/team"], "a.io", "team/app", Some("a.io/team")),
            (&["docker.io", "https://index.docker.io/v1/"], "docker.io", "x", Some(DOCKER_HUB)),
            (&["registry-1.docker.io", "docker.io"], "docker.io", "x", Some("docker.io")),
            (&["docker.io/library", DOCKER_HUB], "docker.io", "library/x", Some("docker.io/library")),
            (&["index.docker.io/v1/"], "registry-1.docker.io", "x", Some("index.docker.io/v1/")),
            (&[], "a.io", "app", None),
        ];
        for (keys, registry, repository, expected) in cases {
            let found = best(keys.iter().copied(), registry, repository, false);
            assert_eq!(found, *expected, "{keys:?} {registry}/{repository}");
        }
    }

    #[test]
    fn a_foreign_namespace_counts_as_its_host_only_when_asked_and_only_last() {
        let keys = ["a.io/other", "a.io"];
        assert_eq!(best(keys.into_iter(), "a.io", "team/app", true), Some("a.io"));
        assert_eq!(best(["a.io/other"].into_iter(), "a.io", "team/app", true), Some("a.io/other"));
        assert_eq!(best(["a.io/other"].into_iter(), "a.io", "team/app", false), None);
    }

    proptest! {
        #[test]
        fn normalising_a_key_twice_changes_nothing(key in "(https?://)?[a-zA-Z0-9.:/-]{0,40}") {
            // A host that still ends in a default port had two of them, and is no host.
            let host = host_of(&key);
            prop_assume!(!host.ends_with(":443"));
            prop_assert_eq!(host_of(&host), host);
        }
    }
}
