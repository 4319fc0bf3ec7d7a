//! Who answers at an address: scheme, host and port (pure).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use url::{Host, Url};

/// Scheme, lower-case host and effective port. Every "same host" question is asked of this type, since
/// secrets may go back to where they came from and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of a URL; `None` unless it is http or https with a host.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        Some(Self { secure, host: url.host_str()?.to_ascii_lowercase(), port: url.port_or_known_default()? })
    }

    /// Is it reached by https?
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host, in lower case; an IPv6 address has its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also when it is the default one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host`, with `:port` unless it is the default of the scheme.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == if self.secure { 443 } else { 80 } {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The address that the host is, when it is no name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match Host::parse(&self.host).ok()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// Is it this machine, as far as its name says?
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self.address().is_some_and(|address| unmapped(address).is_loopback())
    }

    /// Does its name say that it is only reached from nearby: loopback, private, link-local or unspecified?
    /// A registry of the outside must not send us to such a place.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.is_loopback() || self.address().is_some_and(is_internal)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.authority())
    }
}

/// Is the address loopback, private, link-local, shared or unspecified?
#[must_use]
pub(crate) fn is_internal(address: IpAddr) -> bool {
    match unmapped(address) {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            let shared = a == 100 && (64..128).contains(&b);
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address == Ipv4Addr::BROADCAST
                || a == 0
                || shared
        }
        IpAddr::V6(address) => {
            let first = address.segments()[0];
            let unique_local = first & 0xfe00 == 0xfc00;
            let link_local = first & 0xffc0 == 0xfe80;
            address.is_loopback() || address == Ipv6Addr::UNSPECIFIED || unique_local || link_local
        }
    }
}

/// An IPv4 address that is written as IPv6 is the IPv4 address.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::from),
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of(&Url::parse(url).unwrap()).unwrap()
    }

    #[test]
    fn default_ports_and_letter_case_make_no_difference() {
        let same = ["https://h/a", "https://h:443/", "https://H:443/b?c", "https://u:p@h"];
        for url in same {
            assert_eq!(origin(url), origin("https://h"), "{url}");
        }
        for url in ["https://h:8443", "http://h", "http://h:443", "https://h.", "https://g"] {
            assert_ne!(origin(url), origin("https://h"), "{url}");
        }
        assert_eq!(origin("https://h:443").authority(), "h");
        assert_eq!(origin("http://h:443").authority(), "h:443");
        assert_eq!(origin("http://[::1]:5000/").to_string(), "http://[::1]:5000");
        assert_eq!(Origin::of(&Url::parse("ftp://h").unwrap()), None);
        assert_eq!(Origin::of(&Url::parse("data:x").unwrap()), None);
    }

    #[test]
    fn internal_addresses_are_recognised() {
        for url in [
            "http://localhost:5000",
            "http://a.localhost",
            "http://127.0.0.1",
            "http://127.9.9.9",
            "http://[::1]",
            "http://[::ffff:127.0.0.1]",
            "http://10.1.2.3",
            "http://172.16.0.1",
            "http://192.168.1.1",
            "http://169.254.169.254",
            "http://0.0.0.0",
            "http://100.64.0.1",
            "http://[fe80::1]",
            "http://[fd00::1]",
            "http://[::]",
            "http://2130706433",
        ] {
            assert!(origin(url).is_internal(), "{url}");
        }
        for url in ["http://h", "http://8.8.8.8", "http://172.32.0.1", "http://[2001:db8::1]"] {
            assert!(!origin(url).is_internal(), "{url}");
        }
    }
}
