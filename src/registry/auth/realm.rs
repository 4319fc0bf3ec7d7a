//! May a token, or even a password, be asked for there? (pure)
//!
//! The place comes from the network and decides where passwords go.

use url::Url;

use crate::registry::Origin;

/// Registries and the hosts of their token servers, where names alone do not tell.
const KNOWN: [(&str, &str); 4] = [
    ("registry-1.docker.io", "auth.docker.io"),
    ("registry.gitlab.com", "gitlab.com"),
    ("registry.redhat.io", "sso.redhat.com"),
    ("icr.io", "iam.cloud.ibm.com"),
];

/// Domains below which names belong to different owners.
const SHARED: [&str; 20] = [
    "amazonaws.com",
    "appspot.com",
    "azurecr.io",
    "azurewebsites.net",
    "cloudapp.net",
    "cloudfront.net",
    "core.windows.net",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "googleapis.com",
    "herokuapp.com",
    "jfrog.io",
    "netlify.app",
    "ngrok.app",
    "onrender.com",
    "pages.dev",
    "run.app",
    "vercel.app",
    "workers.dev",
];

/// Which places are trusted with credentials, beyond those that belong to the registry.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Realms {
    /// Places that the user named.
    pub accepted: Vec<Origin>,
    /// All of them, as other clients do.
    pub any: bool,
    /// Whichever the registry names now, because the user is just typing a credential for it.
    pub first_use: bool,
}

/// What may be sent to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Who we are.
    Credentials,
    /// Who we are, because this is the first time; the place should be remembered.
    FirstUse,
    /// A question, but not who we are.
    Anonymous,
}

/// Makes the URL that a challenge names for tokens. It may be relative to the URL that answered.
///
/// # Errors
/// Nothing may be sent there.
pub(super) fn resolve(base: &Url, realm: &str) -> Result<Url, &'static str> {
    if realm.is_empty() {
        return Err("the registry names no place for tokens");
    }
    let url = base.join(realm).map_err(|_| "it is not a URL")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("it is neither http nor https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it names a user");
    }
    if url.fragment().is_some() {
        return Err("it has a fragment");
    }
    if base.scheme() == "https" && url.scheme() == "http" {
        return Err("it leaves https");
    }
    Ok(url)
}

/// Says what may be sent to a place.
///
/// # Errors
/// Not even a question may be sent there.
pub(super) fn judge(home: &Origin, realm: &Origin, policy: &Realms) -> Result<Trust, &'static str> {
    let is_accepted = policy.accepted.contains(realm);
    if realm == home || is_accepted {
        return Ok(Trust::Credentials);
    }
    let same_party = home.host() == realm.host() || (home.is_loopback() && realm.is_loopback());
    if realm.is_internal() && !same_party {
        return Err("it is in an internal network");
    }
    if same_party && (realm.is_secure() || !home.is_secure()) {
        return Ok(Trust::Credentials);
    }
    if policy.any {
        return Ok(Trust::Credentials);
    }
    if !realm.is_secure() || realm.address().is_some() {
        return Ok(Trust::Anonymous);
    }
    if is_known(home.host(), realm.host()) || same_owner(home.host(), realm.host()) {
        return Ok(Trust::Credentials);
    }
    Ok(if policy.first_use { Trust::FirstUse } else { Trust::Anonymous })
}

fn is_known(home: &str, realm: &str) -> bool {
    let below = |host: &str, domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
    KNOWN.iter().any(|(registry, server)| below(home, registry) && *server == realm)
}

/// Do two names belong to one registrable domain? In doubt they do not.
pub(in crate::registry) fn same_owner(a: &str, b: &str) -> bool {
    match (registrable(a), registrable(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// The part of a name that somebody registered: two labels; three where the second is short below a
/// country's domain (`co.uk`), or where the two are shared by many.
fn registrable(host: &str) -> Option<&str> {
    if host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() {
        return None;
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let labels: Vec<_> = host.split('.').collect();
    let [.., second, top] = *labels else { return None };
    let is_shared = |domain: &str| SHARED.contains(&domain);
    let last = |count: usize| {
        let length: usize = labels.iter().rev().take(count).map(|label| label.len() + 1).sum();
        (labels.len() >= count).then(|| &host[host.len() + 1 - length..])
    };
    let deep = (3..=labels.len()).find(|count| last(count - 1).is_some_and(is_shared));
    if SHARED.contains(&host) {
        return None;
    }
    match deep {
        Some(count) => last(count),
        None if top.len() == 2 && second.len() <= 3 => last(3),
        None => last(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of(&Url::parse(url).unwrap()).unwrap()
    }

    fn verdict(home: &str, realm: &str, policy: &Realms) -> Result<Trust, &'static str> {
        let url = resolve(&Url::parse(home).unwrap().join("/v2/").unwrap(), realm)?;
        judge(&origin(home), &Origin::of(&url).unwrap(), policy)
    }

    #[test]
    fn a_place_is_judged_by_what_it_has_to_do_with_the_registry() {
        let internal = Err("it is in an internal network");
        let cases = [
            // the registry itself
            ("https://r.io", "https://r.io/token", Ok(Trust::Credentials)),
            ("https://r.io", "https://R.io:443/token?x=1", Ok(Trust::Credentials)),
            ("https://r.io", "/token", Ok(Trust::Credentials)),
            ("https://r.io", "//r.io/token", Ok(Trust::Credentials)),
            ("http://r.io:5000", "http://r.io:5000/token", Ok(Trust::Credentials)),
            ("https://r.io", "https://r.io:8443/token", Ok(Trust::Credentials)),
            ("http://r.io:5000", "https://r.io/token", Ok(Trust::Credentials)),
            ("http://10.0.0.5:5000", "http://10.0.0.5:5001/token", Ok(Trust::Credentials)),
            // others that belong to it
            ("https://registry-1.docker.io", "https://auth.docker.io/token", Ok(Trust::Credentials)),
            ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", Ok(Trust::Credentials)),
            ("https://registry.example.com", "https://gitlab.example.com/jwt/auth", Ok(Trust::Credentials)),
            ("https://us.icr.io", "https://iam.cloud.ibm.com/t", Ok(Trust::Credentials)),
            ("https://registry.redhat.io", "https://sso.redhat.com/t", Ok(Trust::Credentials)),
            // strangers
            ("https://r.io", "https://evil.example/token", Ok(Trust::Anonymous)),
            ("https://a.co.uk", "https://b.co.uk/token", Ok(Trust::Anonymous)),
            ("https://a.azurecr.io", "https://b.azurecr.io/token", Ok(Trust::Anonymous)),
            ("https://r.io", "https://8.8.8.8/token", Ok(Trust::Anonymous)),
            ("http://r.example.com", "http://auth.example.com/token", Ok(Trust::Anonymous)),
            // inside
            ("https://r.io", "https://127.0.0.1/token", internal),
            ("https://r.io", "https://169.254.169.254/latest", internal),
            ("https://r.io", "https://10.0.0.1/token", internal),
            ("https://r.io", "https://localhost/token", internal),
            ("https://r.io", "https://[::1]/token", internal),
            ("http://10.0.0.5", "http://10.0.0.6/token", internal),
            ("http://localhost:5000", "http://10.0.0.6/token", internal),
            ("http://localhost:5000", "http://127.0.0.1:6000/token", Ok(Trust::Credentials)),
            ("http://localhost:5000", "http://[::1]:6000/token", Ok(Trust::Credentials)),
            ("http://localhost:5000", "https://auth.example.com/token", Ok(Trust::Anonymous)),
            // nonsense
            ("https://r.io", "", Err("the registry names no place for tokens")),
            ("https://r.io", "http://r.io/token", Err("it leaves https")),
            ("https://r.io", "ftp://r.io/token", Err("it is neither http nor https")),
            ("https://r.io", "file:///etc/passwd", Err("it is neither http nor https")),
            ("https://r.io", "data:text/plain,x", Err("it is neither http nor https")),
            ("https://r.io", "https://u:p@r.io/token", Err("it names a user")),
            ("https://r.io", "https://r.io/token#f", Err("it has a fragment")),
            ("https://r.io", "https://", Err("it is not a URL")),
        ];
        for (home, realm, expected) in cases {
            assert_eq!(verdict(home, realm, &Realms::default()), expected, "{home} {realm}");
        }
    }

    #[test]
    fn users_can_trust_more_but_never_plain_http_behind_https() {
        let named = Realms { accepted: vec![origin("https://auth.example")], ..Realms::default() };
        assert_eq!(verdict("https://r.io", "https://auth.example/t", &named), Ok(Trust::Credentials));
        assert_eq!(verdict("https://r.io", "https://auth.example:8443/t", &named), Ok(Trust::Anonymous));
        let any = Realms { any: true, ..Realms::default() };
        assert_eq!(verdict("https://r.io", "https://evil.example/t", &any), Ok(Trust::Credentials));
        assert_eq!(verdict("https://r.io", "http://evil.example/t", &any), Err("it leaves https"));
        assert_eq!(verdict("https://r.io", "https://10.0.0.1/t", &any), Err("it is in an internal network"));
        let first = Realms { first_use: true, ..Realms::default() };
        assert_eq!(verdict("https://r.io", "https://auth.example/t", &first), Ok(Trust::FirstUse));
        assert_eq!(verdict("https://r.io", "https://r.io/t", &first), Ok(Trust::Credentials));
        assert_eq!(verdict("http://r.io", "http://auth.example/t", &first), Ok(Trust::Anonymous));
    }

    #[test]
    fn registrable_domains_are_found_or_denied() {
        let cases = [
            ("a.example.com", Some("example.com")),
            ("example.com", Some("example.com")),
            ("x.y.co.uk", Some("y.co.uk")),
            ("co.uk", None),
            ("a.b.azurecr.io", Some("b.azurecr.io")),
            ("azurecr.io", None),
            ("r.example.io.", Some("example.io")),
            ("localhost", None),
            ("10.0.0.1", None),
            ("[::1]", None),
        ];
        for (host, expected) in cases {
            assert_eq!(registrable(host), expected, "{host}");
        }
        assert!(same_owner("a.example.com", "b.example.com"));
        assert!(!same_owner("localhost", "localhost"));
    }
}
