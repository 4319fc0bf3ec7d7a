//! Which proxy stands between us and an origin (pure).

use std::net::IpAddr;

use super::Origin;

/// The proxies of the user's environment, as text. The URLs may hold a password, which goes to the proxy only.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxies {
    /// For http origins.
    pub http: Option<String>,
    /// For https origins.
    pub https: Option<String>,
    /// For both, where nothing more special is given.
    pub all: Option<String>,
    /// Hosts, suffixes, addresses and networks that are reached directly, separated by commas; `*` is all.
    pub none: String,
}

impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxies").field("none", &self.none).finish_non_exhaustive()
    }
}

impl Proxies {
    /// Takes the variables from a function that looks one up: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
    /// `NO_PROXY`, of which the spelling in small letters wins. An empty variable counts as none.
    ///
    /// A web server tells its programs the header `Proxy` of a request as `HTTP_PROXY`; where
    /// `REQUEST_METHOD` says that we are such a program, that variable is not read.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        let one = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let both = |name: &str| one(&name.to_ascii_lowercase()).or_else(|| one(name));
        let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
        let http = match one("REQUEST_METHOD") {
            Some(_) => one("http_proxy"),
            None => both("HTTP_PROXY"),
        };
        Self {
            http: http.map(text),
            https: both("HTTPS_PROXY").map(text),
            all: both("ALL_PROXY").map(text),
            none: both("NO_PROXY").map(text).unwrap_or_default(),
        }
    }

    /// The proxy for an origin. This machine is always reached directly.
    #[must_use]
    pub fn select(&self, origin: &Origin) -> Option<&str> {
        let special = if origin.is_secure() { &self.https } else { &self.http };
        let proxy = special.as_deref().or(self.all.as_deref()).filter(|proxy| !proxy.is_empty())?;
        (!origin.is_loopback() && !self.is_direct(origin)).then_some(proxy)
    }

    fn is_direct(&self, origin: &Origin) -> bool {
        self.none.split([',', ' ']).map(str::trim).any(|rule| !rule.is_empty() && matches(rule, origin))
    }
}

fn matches(rule: &str, origin: &Origin) -> bool {
    if rule == "*" {
        return true;
    }
    if let Some((network, bits)) = rule.split_once('/') {
        let (Ok(network), Ok(bits)) = (network.parse(), bits.parse()) else { return false };
        return origin.address().is_some_and(|address| in_network(address, network, bits));
    }
    let rule = rule.to_ascii_lowercase();
    let (name, port) = split_port(&rule);
    if port.is_some_and(|port| port != origin.port()) {
        return false;
    }
    if let Ok(address) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
        return origin.address() == Some(address);
    }
    let name = name.trim_start_matches('*');
    let host = origin.host();
    match name.strip_prefix('.') {
        Some(suffix) => host.len() > suffix.len() && is_within(host, suffix),
        None => host == name || is_within(host, name),
    }
}

/// Is the host a name below the domain?
fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn split_port(rule: &str) -> (&str, Option<u16>) {
    if rule.parse::<IpAddr>().is_ok() {
        return (rule, None);
    }
    match rule.rsplit_once(':') {
        Some((name, port)) => port.parse().map_or((rule, None), |port| (name, Some(port))),
        None => (rule, None),
    }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or_default();
            u32::from(address) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or_default();
            u128::from(address) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of(&Url::parse(url).unwrap()).unwrap()
    }

    #[test]
    fn variables_are_read_in_both_spellings_and_not_from_a_web_server() {
        let of = |variables: &[(&str, &str)]| {
            Proxies::from_variables(|name| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
            })
        };
        let all = of(&[("HTTP_PROXY", "a"), ("https_proxy", "b"), ("ALL_PROXY", "c"), ("no_proxy", "d")]);
        assert_eq!(
            (all.http.as_deref(), all.https.as_deref(), all.all.as_deref(), &*all.none),
            (Some("a"), Some("b"), Some("c"), "d")
        );
        assert_eq!(of(&[("HTTP_PROXY", "a"), ("http_proxy", "b")]).http.as_deref(), Some("b"));
        assert_eq!(of(&[("HTTP_PROXY", "a"), ("http_proxy", "")]).http.as_deref(), Some("a"));
        let asked = of(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil"), ("HTTPS_PROXY", "b")]);
        assert_eq!((asked.http, asked.https.as_deref()), (None, Some("b")));
    }

    #[test]
    fn the_scheme_chooses_the_proxy_and_loopback_has_none() {
        let proxies = Proxies {
            http: Some("http://plain".into()),
            https: None,
            all: Some("socks5://all".into()),
            none: String::new(),
        };
        assert_eq!(proxies.select(&origin("http://h")), Some("http://plain"));
        assert_eq!(proxies.select(&origin("https://h")), Some("socks5://all"));
        for local in ["http://localhost:5000", "http://127.0.0.1", "https://[::1]:5000"] {
            assert_eq!(proxies.select(&origin(local)), None, "{local}");
        }
    }

    #[test]
    fn exceptions_are_hosts_suffixes_ports_addresses_and_networks() {
        let cases = [
            ("*", "http://h", true),
            ("h", "http://h", true),
            ("h", "http://a.h", true),
            ("h", "http://ah", false),
            (".h", "http://h", false),
            (".h", "http://a.h", true),
            ("*.h", "http://a.h", true),
            ("H", "http://h", true),
            ("h:80", "http://h", true),
            ("h:81", "http://h", false),
            ("a, h", "http://h", true),
            ("", "http://h", false),
            ("8.8.8.8", "http://8.8.8.8:5000", true),
            ("8.8.8.8:5000", "http://8.8.8.8:5000", true),
            ("8.8.8.0/24", "http://8.8.8.8", true),
            ("8.8.9.0/24", "http://8.8.8.8", false),
            ("0.0.0.0/0", "http://8.8.8.8", true),
            ("0.0.0.0/0", "http://h", false),
            ("2001:db8::/32", "http://[2001:db8::1]", true),
            ("2001:db8::1", "http://[2001:db8::1]:5000", true),
            ("8.8.8.8/99", "http://8.8.8.8", false),
        ];
        for (none, url, direct) in cases {
            let proxies = Proxies { http: Some("http://p".into()), none: none.into(), ..Proxies::default() };
            assert_eq!(proxies.select(&origin(url)).is_none(), direct, "{none} {url}");
        }
    }
}
