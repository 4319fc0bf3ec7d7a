//! What a config file says (pure): entries, and which helper program answers for a registry.

use std::sync::Arc;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Credential, Error, Result, Secret, entry, error::Malformed, json_edit, keys};

/// Which program's rules a file follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Docker's `config.json`.
    Docker,
    /// `auth.json` of the containers tools: keys may be namespaces.
    Containers,
    /// Docker's `.dockercfg` of old: the entries are the whole file.
    Legacy,
}

/// A parsed config file that keeps its text, so that a change touches nothing else.
pub(super) struct Document {
    text: Zeroizing<String>,
    root: Map<String, Value>,
    dialect: Dialect,
}

/// A helper program that a file names for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// What follows `docker-credential-` in the program's name.
    pub(super) suffix: String,
    /// What the program is asked for.
    pub(super) key: String,
    /// Is it named for all registries (`credsStore`) rather than for this one (`credHelpers`)?
    pub(super) global: bool,
}

impl Document {
    /// Parses the bytes of a file. An empty file is an empty object; a byte order mark is dropped.
    ///
    /// # Errors
    /// It is no JSON object, or a member that matters has the wrong type.
    pub(super) fn parse(bytes: &[u8], dialect: Dialect) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::Encoding)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = if text.trim().is_empty() { "{}" } else { text };
        let value: Value = serde_json::from_str(text)
            .map_err(|error| Malformed::Syntax { line: error.line(), column: error.column() })?;
        let Value::Object(root) = value else {
            return Err(Malformed::Type { member: "the document", expected: "an object" });
        };
        let document = Self { text: Zeroizing::new(text.to_owned()), root, dialect };
        if dialect != Dialect::Legacy {
            document.check()?;
        }
        Ok(document)
    }

    /// The entry for a repository: its key, and what is kept there. `None` when there is none, or when it
    /// holds no secret.
    ///
    /// # Errors
    /// The entry cannot be understood.
    pub(super) fn entry(
        &self,
        registry: &str,
        repository: &str,
        place: &str,
    ) -> Result<Option<(String, Arc<Credential>)>> {
        let entries = self.entries();
        let keys = entries.into_iter().flat_map(Map::keys).map(String::as_str);
        let lenient = self.dialect == Dialect::Docker;
        let Some(key) = keys::best(keys, registry, repository, lenient) else { return Ok(None) };
        let value = entries.map_or(&Value::Null, |entries| &entries[key]);
        let found = entry::decode(value).map_err(|reason| Error::Entry {
            place: place.to_owned(),
            key: key.to_owned(),
            reason,
        })?;
        Ok(found.map(|credential| (key.to_owned(), Arc::new(credential))))
    }

    /// The helper program that answers for a registry.
    pub(super) fn helper(&self, registry: &str) -> Option<Named> {
        let helpers = self.root.get("credHelpers").and_then(Value::as_object);
        let keys = helpers.into_iter().flat_map(Map::keys).map(String::as_str);
        // A namespace is no key of a helper: helpers are looked up by host.
        let key = keys::best(keys.filter(|key| keys::names_host(key, registry)), registry, "", false);
        let own = key.and_then(|key| Some((key, helpers?.get(key)?.as_str()?)));
        if let Some((key, suffix)) = own.filter(|(_, suffix)| !suffix.is_empty()) {
            return Some(Named { suffix: suffix.to_owned(), key: key.to_owned(), global: false });
        }
        let suffix = self.root.get("credsStore")?.as_str().filter(|suffix| !suffix.is_empty())?;
        let key = keys::storage_key(registry).to_owned();
        Some(Named { suffix: suffix.to_owned(), key, global: true })
    }

    /// The text as it was read.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text with an entry in place of what was there for the key.
    pub(super) fn with_entry(&self, key: &str, members: &[(&str, Secret)]) -> String {
        json_edit::set(&self.text, "auths", key, members)
    }

    /// The text without the entries of a registry, in all spellings of its host; `None` when there are none.
    pub(super) fn without(&self, registry: &str) -> Option<String> {
        let key = keys::storage_key(registry);
        let is_host = !registry.is_empty() && !registry.contains('/');
        json_edit::remove(&self.text, "auths", |found| {
            found == key || (is_host && keys::names_host(found, registry))
        })
    }

    /// Has an entry, under its exact key, this identity token?
    pub(super) fn holds_identity(&self, key: &str, token: &Secret) -> bool {
        let stored = self.entries().and_then(|entries| entries.get(key));
        stored.and_then(|entry| entry.get("identitytoken")).and_then(Value::as_str) == Some(token.expose())
    }

    fn entries(&self) -> Option<&Map<String, Value>> {
        match self.dialect {
            Dialect::Legacy => Some(&self.root),
            _ => self.root.get("auths")?.as_object(),
        }
    }

    fn check(&self) -> Result<(), Malformed> {
        for member in ["auths", "credHelpers"] {
            if self.root.get(member).is_some_and(|value| !value.is_object() && !value.is_null()) {
                return Err(Malformed::Type { member, expected: "an object" });
            }
        }
        let helpers = self.root.get("credHelpers").and_then(Value::as_object);
        if helpers.is_some_and(|helpers| helpers.values().any(|suffix| !suffix.is_string())) {
            return Err(Malformed::Type { member: "a member of credHelpers", expected: "a string" });
        }
        if self.root.get("credsStore").is_some_and(|value| !value.is_string() && !value.is_null()) {
            return Err(Malformed::Type { member: "credsStore", expected: "a string" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Document {
        Document::parse(text.as_bytes(), Dialect::Docker).unwrap()
    }

    fn named(suffix: &str, key: &str, global: bool) -> Option<Named> {
        Some(Named { suffix: suffix.into(), key: key.into(), global })
    }

    #[test]
    fn empty_files_and_byte_order_marks_are_accepted() {
        for text in ["", " \n\t", "\u{feff}", "\u{feff}{}", "{}"] {
            assert!(Document::parse(text.as_bytes(), Dialect::Docker).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_malformed_file_is_refused_without_being_shown() {
        let cases: [(&[u8], &str); 8] = [
            (b"{", "line 1 column 1"),
            (b"{\"auths\": canary}", "line 1 column 11"),
            (b"[\"canary\"]", "the document is not an object"),
            (b"{\"auths\": \"canary\"}", "auths is not an object"),
            (b"{\"credHelpers\": 1}", "credHelpers is not an object"),
            (b"{\"credHelpers\": {\"a\": 1}}", "credHelpers is not a string"),
            (b"{\"credsStore\": []}", "credsStore is not a string"),
            (b"\xff", "UTF-8"),
        ];
        for (bytes, expected) in cases {
            let error = Document::parse(bytes, Dialect::Docker).err().unwrap().to_string();
            assert!(error.contains(expected) && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_helper_of_the_registry_wins_over_the_store_of_all() {
        let document = parse(
            r#"{"credsStore":"all","credHelpers":{"a.io":"one","https://B.io/v1/":"two","docker.io":"hub","c.io":"",
                "d.io/team":"no"}}"#,
        );
        assert_eq!(document.helper("a.io"), named("one", "a.io", false));
        assert_eq!(document.helper("b.io"), named("two", "https://B.io/v1/", false));
        assert_eq!(document.helper("registry-1.docker.io"), named("hub", "docker.io", false));
        assert_eq!(document.helper("c.io"), named("all", "c.io", true));
        assert_eq!(document.helper("d.io"), named("all", "d.io", true));
        assert_eq!(
            parse(r#"{"credsStore":"all"}"#).helper("docker.io"),
            named("all", keys::DOCKER_HUB, true)
        );
        assert_eq!(parse(r#"{"credsStore":""}"#).helper("a.io"), None);
        assert_eq!(parse("{}").helper("a.io"), None);
    }

    #[test]
    fn removing_a_registry_removes_all_spellings_of_its_host_and_no_namespace() {
        let text = r#"{"auths":{"https://a.io/v1/":{},"a.io/team":{},"A.IO":{},"a.io":{},"b.io":{}}}"#;
        assert_eq!(parse(text).without("a.io").unwrap(), r#"{"auths":{"a.io/team":{},"b.io":{}}}"#);
        let namespace = parse(text).without("a.io/team").unwrap();
        assert_eq!(namespace, r#"{"auths":{"https://a.io/v1/":{},"A.IO":{},"a.io":{},"b.io":{}}}"#);
        assert!(parse(text).without("").is_none());
        assert!(parse(text).without("c.io").is_none());
    }

    #[test]
    fn the_legacy_file_is_its_own_list_of_entries() {
        let document = Document::parse(br#"{"a.io":{"auth":"YTpi"}}"#, Dialect::Legacy).unwrap();
        assert!(document.entry("a.io", "x", "file").unwrap().is_some());
        assert!(document.entry("b.io", "x", "file").unwrap().is_none());
    }

    #[test]
    fn an_unreadable_entry_concerns_its_own_registry_only() {
        let document = parse(r#"{"auths":{"a.io":{"auth":"!"},"b.io":{"auth":"YTpi"}}}"#);
        let error = document.entry("a.io", "x", "the file").unwrap_err().to_string();
        assert_eq!(error, r#"invalid entry "a.io" in the file: auth is not base64"#);
        assert!(document.entry("b.io", "x", "the file").unwrap().is_some());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_config_file_is_read_or_refused(text in "[\\[\\]{}\",:a-z\\\\ ]{0,40}", value in ".{0,12}", key in ".{0,12}") {
            crate::credentials::fuzz::config_file(text.as_bytes());
            let file = serde_json::json!({"auths": {key.clone(): {"auth": value.clone()}, "localhost:5000": value}, "x": key});
            crate::credentials::fuzz::config_file(file.to_string().as_bytes());
            crate::credentials::fuzz::config_file(format!("{file:#}").as_bytes());
        }
    }
}
