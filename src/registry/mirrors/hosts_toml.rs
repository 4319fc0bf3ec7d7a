//! The form of containerd: a `hosts.toml` for each registry (pure).

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use toml::{Table, Value};
use url::Url;

use super::{Candidate, shown};

/// Reads the hosts that serve a registry, in file order; `server` comes last.
///
/// Relative paths are relative to the file.
///
/// # Errors
/// The text is not TOML, or something has another form than it should have.
pub(super) fn parse(
    text: &str,
    path: &Path,
    origin: &str,
    repository: &str,
) -> Result<Vec<Candidate>, String> {
    let root: Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let reader = Reader { folder: path.parent().unwrap_or(Path::new("")), origin, repository };
    let mut candidates = Vec::new();
    for (url, table) in table_of(&root, "host")?.into_iter().flatten() {
        let table = table.as_table().ok_or_else(|| format!("host {} is not a table", shown(url)))?;
        candidates.push(reader.candidate(url, table)?);
    }
    if let Some(server) = text_of(&root, "server")?.filter(|server| !server.is_empty()) {
        let candidate = reader.candidate(server, &root)?;
        // The registry itself is asked in the end anyway, as who we are to it.
        if candidate.namespace.is_some() {
            candidates.push(candidate);
        }
    }
    candidates.retain(|candidate| candidate.serves_digests || candidate.serves_tags);
    Ok(candidates)
}

struct Reader<'a> {
    folder: &'a Path,
    origin: &'a str,
    repository: &'a str,
}

impl Reader<'_> {
    fn candidate(&self, url: &str, table: &Table) -> Result<Candidate, String> {
        let full = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
        let mut base = Url::parse(&full).map_err(|_| format!("{} is not a URL", shown(url)))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(format!("{} is neither http nor https", shown(url)));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(format!("{} names a user, which belongs into a file of logins", shown(url)));
        }
        let path = base.path().trim_end_matches('/').to_owned();
        let overrides = bool_of(table, "override_path")?;
        let path = if overrides || path.ends_with("/v2") { path } else { format!("{path}/v2") };
        base.set_path(&format!("{path}/"));
        base.set_query(None);
        base.set_fragment(None);

        let host = base.host_str().unwrap_or_default();
        let authority = base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let is_origin = crate::credentials::host_of(&authority) == self.origin;
        let capabilities = list_of(table, "capabilities")?;
        let may = |name: &str| capabilities.as_ref().is_none_or(|all| all.iter().any(|one| one == name));
        Ok(Candidate {
            namespace: (!is_origin).then(|| self.origin.to_owned()),
            serves_tags: may("resolve"),
            serves_digests: may("pull"),
            insecure: bool_of(table, "skip_verify")?,
            authorities: self.paths(list_of(table, "ca")?.unwrap_or_default()),
            identity: self.identity(table)?,
            headers: headers_of(table)?,
            connect: text_of(table, "dial_timeout")?.map(duration).transpose()?,
            proxy: text_of(table, "proxy")?.map(str::to_owned),
            ..Candidate::new(base, self.repository)
        })
    }

    fn paths(&self, names: Vec<String>) -> Vec<PathBuf> {
        names.into_iter().map(|name| self.folder.join(name)).collect()
    }

    /// A file that holds both, or the first pair of a certificate and its key.
    fn identity(&self, table: &Table) -> Result<Option<(PathBuf, PathBuf)>, String> {
        let wrong = || "client is neither a path nor a list of paths or pairs".to_owned();
        let first = match table.get("client") {
            None => return Ok(None),
            Some(Value::String(one)) => return Ok(Some((self.folder.join(one), self.folder.join(one)))),
            Some(Value::Array(all)) => all.first(),
            Some(_) => return Err(wrong()),
        };
        let pair = match first {
            None => return Ok(None),
            Some(Value::String(one)) => (one, one),
            Some(Value::Array(pair)) => match &**pair {
                [Value::String(certificate), Value::String(key)] if !key.is_empty() => (certificate, key),
                [Value::String(one)] | [Value::String(one), Value::String(_)] => (one, one),
                _ => return Err(wrong()),
            },
            Some(_) => return Err(wrong()),
        };
        Ok(Some((self.folder.join(pair.0), self.folder.join(pair.1))))
    }
}

fn headers_of(table: &Table) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    for (name, value) in table_of(table, "header")?.into_iter().flatten() {
        let wrong = || format!("header {name:?} is neither a text nor a list of texts");
        let values = match value {
            Value::String(one) => vec![one.clone()],
            Value::Array(all) => {
                let all: Option<Vec<_>> = all.iter().map(|value| value.as_str().map(str::to_owned)).collect();
                all.ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        };
        headers.extend(values.into_iter().map(|value| (name.clone(), value)));
    }
    Ok(headers)
}

fn table_of<'a>(table: &'a Table, name: &str) -> Result<Option<&'a Table>, String> {
    let value = table.get(name);
    value.map(|value| value.as_table().ok_or_else(|| format!("{name} is not a table"))).transpose()
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

/// A list of texts, or a single text.
fn list_of(table: &Table, name: &str) -> Result<Option<Vec<String>>, String> {
    let wrong = || format!("{name} is neither a text nor a list of texts");
    match table.get(name) {
        None => Ok(None),
        Some(Value::String(one)) => Ok(Some(vec![one.clone()])),
        Some(Value::Array(all)) => {
            let all: Option<Vec<_>> = all.iter().map(|value| value.as_str().map(str::to_owned)).collect();
            all.map(Some).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

/// A duration as Go writes it: `1m30s`, `200ms`, `1.5s`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("dial_timeout {text:?} is not a duration");
    let (mut rest, mut seconds) = (text.trim(), 0.0);
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let number: f64 = rest[..end].parse().map_err(|_| wrong())?;
        let (unit, factor) =
            [("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("s", 1.0), ("m", 60.0), ("h", 3600.0)]
                .into_iter()
                .find(|(unit, _)| rest[end..].starts_with(unit))
                .ok_or_else(wrong)?;
        seconds += number * factor;
        rest = &rest[end + unit.len()..];
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Candidate>, String> {
        parse(text, Path::new("/etc/certs.d/a.io/hosts.toml"), "a.io", "team/app")
    }

    #[test]
    fn hosts_are_tried_in_file_order_with_what_is_said_of_them() {
        let text = r#"
            server = "https://other.io"
            [host."https://z.io:8443"]
              capabilities = ["pull"]
              ca = "ca.crt"
              client = [["me.cert", "/abs/me.key"], ["x", "y"]]
              dial_timeout = "1m1.5s"
              [host."https://z.io:8443".header]
                X-One = ["a", "b"]
                X-Two = "c"
            [host."http://b.io/cache"]
              capabilities = ["pull", "resolve"]
              skip_verify = true
              ca = ["one.crt", "/two.crt"]
              client = "both.pem"
            [host."https://c.io/v2/proxy"]
              override_path = true
            [host."d.io"]
            [host."https://nothing.io"]
              capabilities = ["push"]
        "#;
        let found = parsed(text).unwrap();
        let urls: Vec<_> = found.iter().map(|one| one.base.as_str()).collect();
        assert_eq!(
            urls,
            [
                "https://z.io:8443/v2/",
                "http://b.io/cache/v2/",
                "https://c.io/v2/proxy/",
                "https://d.io/v2/",
                "https://other.io/v2/"
            ]
        );
        let [first, second, third, ..] = &*found else { panic!("too few") };
        assert_eq!((first.serves_digests, first.serves_tags, first.insecure), (true, false, false));
        assert_eq!(first.authorities, [PathBuf::from("/etc/certs.d/a.io/ca.crt")]);
        assert_eq!(first.identity, Some(("/etc/certs.d/a.io/me.cert".into(), "/abs/me.key".into())));
        assert_eq!(first.connect, Some(Duration::from_millis(61_500)));
        let headers: Vec<_> = first.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(headers, ["X-One: a", "X-One: b", "X-Two: c"]);
        assert_eq!((second.serves_tags, second.insecure), (true, true));
        assert_eq!(second.authorities[1], PathBuf::from("/two.crt"));
        assert_eq!(
            second.identity,
            Some(("/etc/certs.d/a.io/both.pem".into(), "/etc/certs.d/a.io/both.pem".into()))
        );
        assert!(third.serves_tags && third.serves_digests);
        for one in &found {
            assert_eq!((one.namespace.as_deref(), &*one.repository), (Some("a.io"), "team/app"));
        }
    }

    #[test]
    fn the_registry_itself_is_told_no_namespace_and_not_asked_twice() {
        let found = parsed("server = \"https://a.io\"\n[host.\"https://A.io:443\"]\n").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].namespace, None);
        assert!(parsed("").unwrap().is_empty());
    }

    #[test]
    fn malformed_files_are_refused_with_the_part_that_is_wrong() {
        let cases = [
            ("server = ", ""),
            ("server = 1", "server is not a text"),
            ("host = 1", "host is not a table"),
            ("[host]\n\"https://b.io\" = 1", "is not a table"),
            ("[host.\"ftp://b.io\"]", "neither http nor https"),
            ("[host.\"https://\"]", "is not a URL"),
            ("[host.\"https://me:canary@b.io\"]", "\"…@b.io\" names a user"),
            ("[host.\"ftp://me:canary@b.io\"]", "\"…@b.io\" is neither http nor https"),
            ("[host]\n\"https://me:canary@b.io\" = 1", "\"…@b.io\" is not a table"),
            ("[host.\"https://b.io\"]\ncapabilities = 1", "capabilities is neither"),
            ("[host.\"https://b.io\"]\ncapabilities = [1]", "capabilities is neither"),
            ("[host.\"https://b.io\"]\nskip_verify = \"yes\"", "skip_verify is neither"),
            ("[host.\"https://b.io\"]\nca = 1", "ca is neither"),
            ("[host.\"https://b.io\"]\nclient = 1", "client is neither"),
            ("[host.\"https://b.io\"]\nclient = [[1]]", "client is neither"),
            ("[host.\"https://b.io\"]\ndial_timeout = \"soon\"", "is not a duration"),
            ("[host.\"https://b.io\"]\ndial_timeout = \"5\"", "is not a duration"),
            ("[host.\"https://b.io\"]\nheader = 1", "header is not a table"),
            ("[host.\"https://b.io\".header]\nx = 1", "header \"x\""),
        ];
        for (text, expected) in cases {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(expected) && !error.contains("canary"), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_file_of_hosts_is_read_or_refused(text in "[a-z0-9\\[\\]{}=\"./:,_ \n-]{0,80}", value in ".{0,20}") {
            crate::registry::fuzz::mirrors(text.as_bytes());
            for name in ["ca", "client", "capabilities", "dial_timeout", "skip_verify", "override_path", "header"] {
                for value in [format!("{value:?}"), format!("[{value:?}]"), "true".to_owned(), "1".to_owned()] {
                    let file = format!("server = {value}\n[host.\"http://m:5000\"]\n{name} = {value}\n");
                    crate::registry::fuzz::mirrors(file.as_bytes());
                }
            }
        }

        #[test]
        fn a_duration_is_what_its_parts_say(minutes in 0..1_000_u64, seconds in 0..60_u64, millis in 0..1_000_u64) {
            let read = duration(&format!("{minutes}m{seconds}s{millis}ms")).unwrap();
            let expected = Duration::from_millis((minutes * 60 + seconds) * 1_000 + millis);
            proptest::prop_assert!(read.abs_diff(expected) < Duration::from_micros(1));
        }
    }
}
