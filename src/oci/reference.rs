//! References: `registry/repository:tag@digest`.

use std::fmt;

use super::{Digest, error::Error};

/// The name of a repository, with the tag or digest of one of its manifests.
///
/// Implements distribution-spec v1.1, "Pulling Manifests", with the host in front.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Host with an optional port, as it was typed.
    pub registry: String,
    /// Path of the repository.
    pub repository: String,
    /// Tag or digest; empty when neither was given. A digest wins over a tag.
    pub reference: String,
}

impl Reference {
    /// Parses `registry/repository[:tag][@digest]`.
    ///
    /// The first `/` ends the registry. A tag before a digest is dropped without being looked at.
    ///
    /// # Errors
    /// Registry, repository, tag or digest break their grammar, checked in this order.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (registry, path) = text.split_once('/').ok_or(Error::MissingRepository)?;
        let (repository, reference, is_digest) = match (path.split_once('@'), path.split_once(':')) {
            (Some((name, digest)), _) => (name.split_once(':').map_or(name, |(name, _)| name), digest, true),
            (None, Some((name, tag))) => (name, tag, false),
            (None, None) => (path, "", false),
        };
        validate_registry(registry)?;
        validate_repository(repository)?;
        if !reference.is_empty() {
            if is_digest {
                reference.parse::<Digest>()?;
            } else if !is_tag(reference) {
                return Err(Error::InvalidTag(reference.to_owned()));
            }
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            reference: reference.to_owned(),
        })
    }

    /// The repository without tag or digest: `registry/repository`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The digest, when the reference is one.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.reference.parse().ok()
    }

    /// Reads a second reference to the same repository: a tag, a digest, anything before `@digest`, or a
    /// full reference. Returns the tag or digest.
    ///
    /// # Errors
    /// It is malformed, empty, or a full reference elsewhere.
    pub fn parse_within(&self, text: &str) -> Result<String, Error> {
        if let Ok(full) = Self::parse(text) {
            if full.registry != self.registry || full.repository != self.repository {
                return Err(Error::Mismatch(text.to_owned()));
            }
            if full.reference.is_empty() {
                return Err(Error::InvalidTag(String::new()));
            }
            return Ok(full.reference);
        }
        if let Some((_, digest)) = text.split_once('@') {
            return digest.parse::<Digest>().map(|digest| digest.to_string());
        }
        if text.parse::<Digest>().is_ok() || is_tag(text) {
            Ok(text.to_owned())
        } else {
            Err(Error::InvalidTag(text.to_owned()))
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match (self.reference.is_empty(), self.reference.contains(':')) {
            (true, _) => "",
            (false, true) => "@",
            (false, false) => ":",
        };
        write!(f, "{}/{}{separator}{}", self.registry, self.repository, self.reference)
    }
}

/// Is this a tag by the grammar of the distribution specification?
#[must_use]
pub fn is_tag(text: &str) -> bool {
    let first = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let rest = |b: u8| first(b) || b == b'.' || b == b'-';
    let bytes = text.as_bytes();
    (1..=128).contains(&bytes.len()) && first(bytes[0]) && bytes.iter().all(|&b| rest(b))
}

/// Checks that a text is a host with an optional port: a name, an IPv4 address or an IPv6 address, in
/// brackets when a port follows.
///
/// # Errors
/// It is anything else; a scheme, a user, a path or a query are refused.
pub fn validate_registry(registry: &str) -> Result<(), Error> {
    let refuse = || Error::InvalidRegistry(registry.to_owned());
    let port = |text: &str| text.is_empty() || text.bytes().all(|b| b.is_ascii_digit());
    if let Some(rest) = registry.strip_prefix('[') {
        let (host, tail) = rest.split_once(']').ok_or_else(refuse)?;
        let tail_is_port = tail.is_empty() || tail.strip_prefix(':').is_some_and(port);
        let address: Result<std::net::Ipv6Addr, _> = host.parse();
        return if address.is_ok() && tail_is_port { Ok(()) } else { Err(refuse()) };
    }
    if registry.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(());
    }
    let (host, port_text) = registry.split_once(':').unwrap_or((registry, ""));
    let name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if !host.is_empty() && host.bytes().all(name) && port(port_text) { Ok(()) } else { Err(refuse()) }
}

/// Checks the path of a repository: components of lower-case letters and digits with single separators.
///
/// # Errors
/// It breaks the grammar.
fn validate_repository(repository: &str) -> Result<(), Error> {
    if repository.split('/').all(is_component) {
        Ok(())
    } else {
        Err(Error::InvalidRepository(repository.to_owned()))
    }
}

/// Is this `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`?
fn is_component(component: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let separator = |text: &str| matches!(text, "." | "_" | "__") || text.bytes().all(|b| b == b'-');
    let bounded = |edge: Option<u8>| edge.is_some_and(alphanumeric);
    bounded(component.bytes().next())
        && bounded(component.bytes().last())
        && component
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .filter(|run| !run.is_empty())
            .all(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn well_formed_references_are_split() {
        let cases = [
            ("localhost:5000/demo".to_owned(), "localhost:5000", "demo", ""),
            ("localhost:5000/demo:v1".to_owned(), "localhost:5000", "demo", "v1"),
            (format!("localhost:5000/demo@{DIGEST}"), "localhost:5000", "demo", DIGEST),
            (format!("localhost:5000/demo:v1@{DIGEST}"), "localhost:5000", "demo", DIGEST),
            (format!("localhost:5000/demo:bad^@{DIGEST}"), "localhost:5000", "demo", DIGEST),
            ("localhost:5000/a__b-c--d.e/f:ok".to_owned(), "localhost:5000", "a__b-c--d.e/f", "ok"),
            ("localhost:5000/demo:".to_owned(), "localhost:5000", "demo", ""),
            ("localhost:5000/demo@".to_owned(), "localhost:5000", "demo", ""),
            ("localhost:5000/demo:_x".to_owned(), "localhost:5000", "demo", "_x"),
            ("[::1]:5000/demo:x".to_owned(), "[::1]:5000", "demo", "x"),
            ("::1/demo:x".to_owned(), "::1", "demo", "x"),
            ("reg_x.example/demo:x".to_owned(), "reg_x.example", "demo", "x"),
            ("LOCALHOST:5000/demo:x".to_owned(), "LOCALHOST:5000", "demo", "x"),
        ];
        for (text, registry, repository, reference) in cases {
            let parsed = Reference::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(
                (&*parsed.registry, &*parsed.repository, &*parsed.reference),
                (registry, repository, reference),
                "{text}"
            );
        }
    }

    #[test]
    fn malformed_references_are_refused_with_the_part_that_is_wrong() {
        let long = format!("localhost:5000/demo:{}", "a".repeat(129));
        let cases = [
            ("demo", "missing registry or repository"),
            ("demo:v1", "missing registry or repository"),
            ("", "missing registry or repository"),
            ("http://localhost:5000/demo", "invalid repository"),
            ("user@localhost:5000/demo", "invalid registry"),
            ("localhost:5000?x/demo", "invalid registry"),
            ("reg:abc/demo", "invalid registry"),
            ("/demo:x", "invalid registry"),
            ("localhost:5000/Demo", "invalid repository"),
            ("localhost:5000/a___b", "invalid repository"),
            ("localhost:5000/-a", "invalid repository"),
            ("localhost:5000/demo/", "invalid repository"),
            ("localhost:5000/demo//x", "invalid repository"),
            ("localhost:5000/demo:-x", "invalid tag"),
            ("localhost:5000/demo:a:b", "invalid tag"),
            (long.as_str(), "invalid tag"),
            ("localhost:5000/demo@md5:00", "unsupported digest algorithm"),
            ("localhost:5000/demo@sha256:abc", "invalid checksum digest length"),
            ("localhost:5000/demo@x", "invalid checksum digest format"),
        ];
        for (text, expected) in cases {
            let error = Reference::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_second_reference_stays_in_the_repository() {
        let first = Reference::parse("localhost:5000/demo:v1").unwrap();
        assert_eq!(first.parse_within("v2").unwrap(), "v2");
        assert_eq!(first.parse_within(DIGEST).unwrap(), DIGEST);
        assert_eq!(first.parse_within(&format!("anything@{DIGEST}")).unwrap(), DIGEST);
        assert_eq!(first.parse_within("localhost:5000/demo:v3").unwrap(), "v3");
        assert_eq!(
            first.parse_within("localhost:5000/other:v3"),
            Err(Error::Mismatch("localhost:5000/other:v3".into()))
        );
        for bad in ["", "a,b", "bad^"] {
            assert!(first.parse_within(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_accepted_comes_back_as_it_was_written(
            host in "[a-z0-9.-]{1,12}(:[0-9]{1,5})?",
            repository in "[a-z0-9]{1,5}((/|-|__|\\.)[a-z0-9]{1,5}){0,3}",
            reference in "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}|@sha256:[0-9a-f]{64})?",
        ) {
            let text = format!("{host}/{repository}{reference}");
            proptest::prop_assert_eq!(Reference::parse(&text).unwrap().to_string(), text);
        }

        #[test]
        fn no_text_becomes_a_reference_that_leads_elsewhere(text in "[a-zA-Z0-9:/@._%? \\[\\]-]{0,40}") {
            crate::oci::fuzz::reference(text.as_bytes());
        }
    }
}
