//! URLs, taken apart and put together as Go's `net/url` does. Nothing is fetched.

use std::net::Ipv6Addr;

use super::super::error::Failure;
use super::super::value::{Map, Text, Value};
use super::{Call, Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("urlParse", &[Type::Text], |call| {
        let source = call.text(0);
        let url =
            parse(&source).map_err(|problem| Failure(format!("cannot parse URL {source:?}: {problem}")))?;
        Ok(url.into_dict())
    }),
    Function::new("urlJoin", &[Type::Map], join),
];

/// A URL in parts, of which only the query keeps its escapes.
#[derive(Default)]
struct Url {
    scheme: String,
    opaque: String,
    user: Option<User>,
    host: Vec<u8>,
    path: Vec<u8>,
    query: String,
    fragment: Vec<u8>,
}

struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

/// A part of a URL, each of which allows other characters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    User,
    Host,
    Path,
    Fragment,
}

impl Part {
    /// Tells whether a byte may stand for itself.
    fn allows(self, byte: u8) -> bool {
        let others: &[u8] = match self {
            Self::User => b"$&+,;=",
            Self::Host => b"!$&'()*+,;=:[]<>\"",
            Self::Path => b"$&+,/:;=@",
            Self::Fragment => b"$&+,/:;=?@!()*",
        };
        byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || others.contains(&byte)
    }
}

fn parse(source: &str) -> Result<Url, String> {
    if source.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("invalid control character in URL".into());
    }
    let (source, fragment) = source.split_once('#').unwrap_or((source, ""));
    let (scheme, rest) = split_scheme(source)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut url = Url {
        scheme: scheme.to_ascii_lowercase(),
        query: query.to_owned(),
        fragment: unescape(fragment, Part::Fragment)?,
        ..Url::default()
    };
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            rest.clone_into(&mut url.opaque);
            return Ok(url);
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".into());
        }
    }
    let has_authority = rest.starts_with("//") && (!scheme.is_empty() || !rest.starts_with("///"));
    let path = match rest.strip_prefix("//").filter(|_| has_authority) {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let (user, host) = match authority.rsplit_once('@') {
                Some((user, host)) => (Some(user), host),
                None => (None, authority),
            };
            url.host = parse_host(host)?;
            url.user = user.map(parse_user).transpose()?;
            path
        }
        None => rest,
    };
    url.path = unescape(path, Part::Path)?;
    Ok(url)
}

/// Cuts off the scheme, if the text begins with one.
fn split_scheme(source: &str) -> Result<(&str, &str), String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let end = source.find(|c| !is_part(c)).unwrap_or(source.len());
    let Some(rest) = source[end..].strip_prefix(':') else {
        return Ok(("", source));
    };
    match source.chars().next() {
        Some(':') => Err("missing protocol scheme".into()),
        Some(first) if first.is_ascii_alphabetic() => Ok((&source[..end], rest)),
        _ => Ok(("", source)),
    }
}

fn parse_host(source: &str) -> Result<Vec<u8>, String> {
    let port = match source.strip_prefix('[') {
        Some(inner) => {
            let (address, port) = inner.rsplit_once(']').ok_or("missing ']' in host")?;
            let address = address.split("%25").next().unwrap_or(address);
            address.parse::<Ipv6Addr>().map_err(|_| "invalid address in brackets")?;
            port
        }
        None if source.contains('[') => return Err("bracket in host name".into()),
        None => source.rfind(':').map_or("", |colon| &source[colon..]),
    };
    let is_port = port.strip_prefix(':').unwrap_or(port).bytes().all(|byte| byte.is_ascii_digit());
    if !is_port || (!port.is_empty() && !port.starts_with(':')) {
        return Err(format!("invalid port {port:?} after host"));
    }
    unescape(source, Part::Host)
}

fn parse_user(source: &str) -> Result<User, String> {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !source.bytes().all(is_valid) {
        return Err("invalid userinfo".into());
    }
    let (name, password) = match source.split_once(':') {
        Some((name, password)) => (name, Some(password)),
        None => (source, None),
    };
    let password = password.map(|password| unescape(password, Part::User)).transpose()?;
    Ok(User { name: unescape(name, Part::User)?, password })
}

fn unescape(source: &str, part: Part) -> Result<Vec<u8>, String> {
    let bytes = source.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            if part == Part::Host && byte.is_ascii() && !part.allows(byte) {
                return Err(format!("invalid character {:?} in host name", char::from(byte).to_string()));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
        let shown = || String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 3)]).into_owned();
        let mut decoded = [0];
        hex::decode_to_slice(digits, &mut decoded)
            .map_err(|_| format!("invalid URL escape {:?}", shown()))?;
        // In a host only what is not ASCII may be escaped, and the percent sign of a zone.
        if part == Part::Host && decoded[0].is_ascii() && decoded[0] != b'%' {
            return Err(format!("invalid URL escape {:?}", shown()));
        }
        out.push(decoded[0]);
        at += 3;
    }
    Ok(out)
}

fn escape(bytes: &[u8], part: Part) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if part.allows(*byte) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl User {
    fn escaped(&self) -> String {
        let name = escape(&self.name, Part::User);
        match &self.password {
            Some(password) => format!("{name}:{}", escape(password, Part::User)),
            None => name,
        }
    }
}

impl Url {
    fn into_dict(self) -> Value {
        let host = self.host.as_slice();
        let without_port = match host.iter().rposition(|byte| *byte == b':') {
            Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) => &host[..colon],
            _ => host,
        };
        let hostname = match without_port.strip_prefix(b"[") {
            Some(inner) => inner.strip_suffix(b"]").unwrap_or(without_port),
            None => without_port,
        };
        let user = self.user.as_ref().map(User::escaped).unwrap_or_default();
        let entries = [
            ("scheme", Value::text(self.scheme)),
            ("host", Value::text(host)),
            ("hostname", Value::text(hostname)),
            ("path", Value::text(self.path)),
            ("query", Value::text(self.query)),
            ("opaque", Value::text(self.opaque)),
            ("fragment", Value::text(self.fragment)),
            ("userinfo", Value::text(user)),
        ];
        Value::Map(entries.into_iter().map(|(key, value)| (Text::from(key), value)).collect::<Map>())
    }

    fn write(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&self.scheme);
            out.push(':');
        }
        if self.opaque.is_empty() {
            self.write_hierarchy(&mut out);
        } else {
            out.push_str(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push('?');
            out.push_str(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push('#');
            out.push_str(&escape(&self.fragment, Part::Fragment));
        }
        out
    }

    fn write_hierarchy(&self, out: &mut String) {
        let has_host = !self.host.is_empty() || self.user.is_some();
        if has_host || (!self.scheme.is_empty() && !self.path.is_empty()) {
            out.push_str("//");
        }
        if let Some(user) = &self.user {
            out.push_str(&user.escaped());
            out.push('@');
        }
        out.push_str(&escape(&self.host, Part::Host));
        if !self.path.is_empty() && !self.path.starts_with(b"/") && !self.host.is_empty() {
            out.push('/');
        }
        let first_segment = self.path.split(|byte| *byte == b'/').next().unwrap_or_default();
        if out.is_empty() && first_segment.contains(&b':') {
            // Else the segment would read as a scheme.
            out.push_str("./");
        }
        out.push_str(&escape(&self.path, Part::Path));
    }
}

/// Puts a URL together from the parts that `urlParse` gives.
fn join(call: &Call<'_>) -> Result<Value, Failure> {
    let parts = call.map(0);
    let bytes = |key: &str| match parts.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Text(text)) => Ok(text.to_vec()),
        Some(other) => {
            Err(Failure(format!("the {key} of a URL must be a string, not {}", other.type_name())))
        }
    };
    let part = |key: &str| bytes(key).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let user = part("userinfo")?;
    let user = match user.as_str() {
        "" => None,
        user => {
            Some(parse_user(user).map_err(|problem| Failure(format!("cannot parse {user:?}: {problem}")))?)
        }
    };
    let url = Url {
        scheme: part("scheme")?,
        opaque: part("opaque")?,
        user,
        host: bytes("host")?,
        path: bytes("path")?,
        query: part("query")?,
        fragment: bytes("fragment")?,
    };
    text(url.write())
}
