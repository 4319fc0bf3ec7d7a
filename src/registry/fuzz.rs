//! What must hold for any text that a registry or a token server sends.

use std::time::{Duration, SystemTime};

use url::Url;

use super::{
    auth::token,
    challenge,
    encoding::Coding,
    jwt::Claims,
    link,
    listing::Listing,
    location::{self, Purpose},
    mirrors,
    problem::Problems,
    quota, range, retry,
    scope::Scopes,
    warning,
};

fn base(scheme: &str) -> Url {
    Url::parse(&format!("{scheme}://registry.example/v2/app/tags/list?n=1")).expect("it is a URL")
}

/// `WWW-Authenticate`, one challenge or several, a line each.
pub(crate) fn challenge(data: &[u8]) {
    for challenge in challenge::parse(data.split(|byte| *byte == b'\n')) {
        assert!(!challenge.scheme.is_empty() && challenge.scheme == challenge.scheme.to_ascii_lowercase());
        let scopes = Scopes::of_challenge(challenge.get("scope")).to_string();
        assert_eq!(Scopes::parse(&scopes).to_string(), scopes);
    }
}

/// `Link`: the next page is asked for where the first was.
pub(crate) fn link(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(target) = link::next(text.lines()) else { return };
    for scheme in ["http", "https"] {
        if let Ok(url) = link::resolve(&base(scheme), &target) {
            assert_eq!((url.scheme(), url.host_str()), (scheme, Some("registry.example")));
            assert!(url.port().is_none() && url.username().is_empty() && url.password().is_none());
        }
    }
}

/// All other headers that are read.
pub(crate) fn headers(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let _ = retry::retry_after(text, None, now);
    let _ = retry::retry_after(text, Some(text), now);
    let _ = (quota::quota(text), quota::reset(text, now), Coding::parse(text), range::uploaded(text));
    if let Some(range) = range::content_range(text) {
        assert!(range.start <= range.end && range.total.is_none_or(|total| range.end < total));
    }
    assert!(warning::texts(text).len() <= text.len());
    for purpose in [Purpose::Upload, Purpose::Redirect] {
        if let Ok(url) = location::resolve(&base("https"), text, false, purpose) {
            assert_eq!(url.scheme(), "https");
            assert!(url.username().is_empty() && url.password().is_none());
            let _ = location::with_digest(&url, "sha256:0");
        }
        let _ = location::resolve(&base("http"), text, true, purpose);
    }
}

/// Bodies: errors, tokens, lists of referrers.
pub(crate) fn answers(data: &[u8]) {
    let problems = Problems::parse(data).to_string();
    assert!(!problems.contains(|c: char| c.is_control()), "{problems:?}");
    for content_type in ["application/json", "text/html"] {
        let _ = token::parse(content_type, data);
    }
    if let Some(claims) = std::str::from_utf8(data).ok().and_then(Claims::of) {
        let _ = (claims.expires(), claims.life(SystemTime::UNIX_EPOCH));
    }
    if let Some(list) = Listing::parse(data) {
        let again = Listing::parse(&list.to_bytes()).expect("it was written by us");
        assert_eq!(again.digests(), list.digests());
    }
}

/// Configurations of mirrors.
pub(crate) fn mirrors(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        mirrors::fuzz::mirrors(text);
    }
}
