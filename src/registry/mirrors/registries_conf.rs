//! The form of the containers tools: `registries.conf`, version 2 (pure).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::{Table, Value};
use url::Url;

use super::{Candidate, shown};

/// The rules of all files, by prefix. A later file replaces the rule of an earlier one.
#[derive(Debug, Default)]
pub(super) struct Config {
    rules: BTreeMap<String, Rule>,
}

/// What is said of the repositories of one prefix.
#[derive(Debug)]
struct Rule {
    path: PathBuf,
    location: String,
    insecure: bool,
    blocked: bool,
    mirrors: Vec<Mirror>,
}

#[derive(Debug)]
struct Mirror {
    location: String,
    insecure: bool,
    serves_tags: bool,
    serves_digests: bool,
}

/// What the rules say of a repository.
#[derive(Debug)]
pub(super) enum Found {
    /// These hosts are tried, in order; perhaps none.
    Candidates(Vec<Candidate>),
    /// It is forbidden, by this file.
    Blocked(PathBuf),
    /// This file names a host that cannot be one.
    Invalid(PathBuf, String),
}

impl Config {
    /// Adds the rules of a file.
    ///
    /// # Errors
    /// The text is not TOML, or something has another form than it should have.
    pub(super) fn add(&mut self, text: &str, path: &Path) -> Result<(), String> {
        let root: Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
        if root.get("registries").is_some_and(Value::is_table) {
            return Err("it is of version 1; only version 2, with [[registry]], is read".to_owned());
        }
        for table in tables_of(&root, "registry")? {
            let (prefix, rule) = Rule::parse(table, path)?;
            self.rules.insert(prefix, rule);
        }
        Ok(())
    }

    /// Finds the rule with the longest prefix for `registry/repository`.
    pub(super) fn find(&self, name: &str) -> Found {
        let matching =
            self.rules.iter().filter_map(|(prefix, rule)| Some((rest_of(name, prefix)?, prefix, rule)));
        let Some((rest, prefix, rule)) = matching.max_by_key(|(_, prefix, _)| prefix.len()) else {
            return Found::Candidates(Vec::new());
        };
        if rule.blocked {
            return Found::Blocked(rule.path.clone());
        }
        let mut candidates = Vec::new();
        for mirror in &rule.mirrors {
            match mirror.candidates(rest) {
                Ok(found) => candidates.extend(found),
                Err(reason) => return Found::Invalid(rule.path.clone(), reason),
            }
        }
        // A registry that is moved as a whole is asked at its new place last, as its own name would be.
        if !prefix.starts_with('*') && rule.location != *prefix {
            let (location, insecure) = (rule.location.clone(), rule.insecure);
            match (Mirror { location, insecure, serves_tags: true, serves_digests: true }).candidates(rest) {
                Ok(found) => candidates.extend(found),
                Err(reason) => return Found::Invalid(rule.path.clone(), reason),
            }
        }
        Found::Candidates(candidates)
    }
}

impl Rule {
    fn parse(table: &Table, path: &Path) -> Result<(String, Self), String> {
        let (prefix, location) = (text_of(table, "prefix")?, text_of(table, "location")?);
        let prefix = prefix.or(location).ok_or("a [[registry]] has neither prefix nor location")?;
        let digests_only = bool_of(table, "mirror-by-digest-only")?;
        let mirrors = tables_of(table, "mirror")?;
        let mirrors: Result<_, _> =
            mirrors.into_iter().map(|table| Mirror::parse(table, digests_only)).collect();
        let rule = Self {
            path: path.to_owned(),
            location: trim(location.unwrap_or(prefix)),
            insecure: bool_of(table, "insecure")?,
            blocked: bool_of(table, "blocked")?,
            mirrors: mirrors?,
        };
        Ok((trim(prefix), rule))
    }
}

impl Mirror {
    fn parse(table: &Table, digests_only: bool) -> Result<Self, String> {
        let location = text_of(table, "location")?.ok_or("a [[registry.mirror]] has no location")?;
        let (tags, digests) = match text_of(table, "pull-from-mirror")? {
            None | Some("" | "all") => (true, true),
            Some("digest-only") => (false, true),
            Some("tag-only") => (true, false),
            Some(other) => {
                return Err(format!("pull-from-mirror is {other:?}, not all, digest-only or tag-only"));
            }
        };
        Ok(Self {
            location: trim(location),
            insecure: bool_of(table, "insecure")?,
            serves_tags: tags && !digests_only,
            serves_digests: digests,
        })
    }

    /// The host with the rest of the name behind its own path. One that is insecure may speak plain http too.
    fn candidates(&self, rest: &str) -> Result<Vec<Candidate>, String> {
        let (host, path) = self.location.split_once('/').unwrap_or((&self.location, ""));
        let repository = [path, rest.trim_start_matches('/')].join("/");
        let repository = repository.trim_matches('/');
        let schemes: &[&str] = if self.insecure { &["https", "http"] } else { &["https"] };
        let candidate = |scheme: &&str| {
            let base = Url::parse(&format!("{scheme}://{host}/v2/"));
            let base = base.map_err(|_| format!("location {} is no host", shown(&self.location)))?;
            let plain = base.username().is_empty() && base.password().is_none() && base.path() == "/v2/";
            if host.is_empty() || !plain || base.query().is_some() {
                return Err(format!("location {} is no host", shown(&self.location)));
            }
            Ok(Candidate {
                insecure: self.insecure,
                serves_tags: self.serves_tags,
                serves_digests: self.serves_digests,
                ..Candidate::new(base, repository)
            })
        };
        schemes.iter().map(candidate).collect()
    }
}

/// What follows a prefix in a name; `None` when the prefix does not fit. `*.example.com` fits all hosts below.
fn rest_of<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = match prefix.strip_prefix('*') {
        None => name.strip_prefix(prefix)?,
        Some(domain) => {
            let host = name.split('/').next().unwrap_or_default();
            let below = host.strip_suffix(domain).filter(|below| !below.is_empty());
            below.map(|_| &name[host.len()..])?
        }
    };
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn trim(location: &str) -> String {
    location.trim_end_matches('/').to_owned()
}

fn tables_of<'a>(table: &'a Table, name: &str) -> Result<Vec<&'a Table>, String> {
    let wrong = || format!("{name} is not a list of tables");
    let Some(value) = table.get(name) else { return Ok(Vec::new()) };
    value.as_array().ok_or_else(wrong)?.iter().map(|one| one.as_table().ok_or_else(wrong)).collect()
}

fn text_of<'a>(table: &'a Table, name: &str) -> Result<Option<&'a str>, String> {
    let value = table.get(name);
    value.map(|value| value.as_str().ok_or_else(|| format!("{name} is not a text"))).transpose()
}

fn bool_of(table: &Table, name: &str) -> Result<bool, String> {
    let value = table.get(name);
    value
        .map_or(Ok(false), |value| value.as_bool().ok_or_else(|| format!("{name} is neither true nor false")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(texts: &[&str]) -> Config {
        let mut config = Config::default();
        for text in texts {
            config.add(text, Path::new("/registries.conf")).unwrap();
        }
        config
    }

    /// `url repository`, with `tags` or `digests` when it serves only these.
    fn found(config: &Config, name: &str) -> Vec<String> {
        let Found::Candidates(candidates) = config.find(name) else { panic!("{name}") };
        let show = |one: &Candidate| {
            let only = match (one.serves_tags, one.serves_digests) {
                (true, true) => "",
                (true, false) => " tags",
                (false, _) => " digests",
            };
            format!("{} {}{only}", one.base, one.repository)
        };
        candidates.iter().map(show).collect()
    }

    const TEXT: &str = r#"
        unqualified-search-registries = ["docker.io"]
        [[registry]]
        location = "a.io"
        [[registry.mirror]]
        location = "m.io:8443/cache/"
        [[registry.mirror]]
        location = "n.io"
        insecure = true
        pull-from-mirror = "digest-only"
        [[registry]]
        prefix = "a.io/team"
        location = "moved.io/old"
        mirror-by-digest-only = true
        [[registry.mirror]]
        location = "m.io"
        [[registry]]
        prefix = "*.wild.io"
        [[registry.mirror]]
        location = "m.io/wild"
        pull-from-mirror = "tag-only"
        [[registry]]
        prefix = "a.io/bad"
        blocked = true
    "#;

    #[test]
    fn the_longest_prefix_wins_and_locations_replace_it() {
        let config = config(&[TEXT]);
        assert_eq!(
            found(&config, "a.io/app"),
            [
                "https://m.io:8443/v2/ cache/app",
                "https://n.io/v2/ app digests",
                "http://n.io/v2/ app digests"
            ]
        );
        assert_eq!(
            found(&config, "a.io/team/app"),
            ["https://m.io/v2/ app digests", "https://moved.io/v2/ old/app"]
        );
        assert_eq!(found(&config, "a.io/teams/app")[0], "https://m.io:8443/v2/ cache/teams/app");
        assert_eq!(found(&config, "x.wild.io/app"), ["https://m.io/v2/ wild/app tags"]);
        assert!(found(&config, "wild.io/app").is_empty());
        assert!(found(&config, "a.io.evil/app").is_empty());
        assert!(matches!(config.find("a.io/bad/app"), Found::Blocked(_)));
    }

    #[test]
    fn a_later_file_replaces_the_rule_of_a_prefix() {
        let later = "[[registry]]\nlocation = \"a.io\"\n[[registry.mirror]]\nlocation = \"other.io\"\n";
        assert_eq!(found(&config(&[TEXT, later]), "a.io/app"), ["https://other.io/v2/ app"]);
    }

    #[test]
    fn malformed_files_are_refused_with_the_part_that_is_wrong() {
        let cases = [
            ("[[registry]", ""),
            ("[registries.search]\nregistries = []", "version 1"),
            ("registry = 1", "registry is not a list"),
            ("[[registry]]\nblocked = true", "neither prefix nor location"),
            ("[[registry]]\nlocation = 1", "location is not a text"),
            ("[[registry]]\nlocation = \"a\"\ninsecure = 1", "insecure is neither"),
            ("[[registry]]\nlocation = \"a\"\n[[registry.mirror]]\ninsecure = true", "no location"),
            (
                "[[registry]]\nlocation = \"a\"\n[[registry.mirror]]\nlocation = \"b\"\npull-from-mirror = \"x\"",
                "pull-from-mirror",
            ),
        ];
        for (text, expected) in cases {
            let error = Config::default().add(text, Path::new("/f")).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        for location in ["u:canary@m.io", "u:canary@", "", "m.io?x", "m io"] {
            let text = format!(
                "[[registry]]\nlocation = \"a.io\"\n[[registry.mirror]]\nlocation = \"{location}\"\n"
            );
            let Found::Invalid(_, reason) = config(&[&text]).find("a.io/app") else { panic!("{location}") };
            assert!(!reason.contains("canary"), "{reason}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_file_of_registries_is_read_or_refused(
            prefix in "(\\*\\.)?[a-z./:]{0,20}",
            location in ".{0,20}",
            mode in "(all|tag-only|digest-only|[a-z]{0,4})",
        ) {
            let file = format!(
                "[[registry]]\nprefix = {prefix:?}\nlocation = {location:?}\n[[registry.mirror]]\nlocation = {location:?}\npull-from-mirror = {mode:?}\n"
            );
            crate::registry::fuzz::mirrors(file.as_bytes());
        }

        #[test]
        fn a_prefix_matches_at_the_ends_of_its_parts_only(name in "[a-z]{1,4}(/[a-z]{1,4}){1,3}", cut in 0..20_usize) {
            let mut config = Config::default();
            let prefix = &name[..cut.min(name.len())];
            let file = format!("[[registry]]\nprefix = {prefix:?}\nblocked = true\n");
            config.add(&file, Path::new("/f")).unwrap();
            let ends = !prefix.is_empty() && matches!(name.as_bytes().get(prefix.len()), None | Some(b'/'));
            let ends = ends && !prefix.ends_with('/') || prefix.ends_with('/') && prefix.len() > 1;
            proptest::prop_assert_eq!(matches!(config.find(&name), Found::Blocked(_)), ends, "{} {}", prefix, name);
        }
    }
}
