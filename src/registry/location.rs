//! Where a `Location` may lead (pure).

use url::Url;

use super::Origin;

/// Why a place is not gone to.
pub(crate) type Refusal = &'static str;

/// What is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The place where a blob goes, or where its upload goes on.
    Upload,
    /// A redirect.
    Redirect,
}

/// Resolves a `Location` against the URL that answered, and checks that it may be followed.
///
/// What an outside registry names inside our network is refused, unless `internal` places are fine; https
/// is never left. The query is kept as it is.
///
/// Implements RFC 3986, section 5.
pub(crate) fn resolve(base: &Url, location: &str, internal: bool, purpose: Purpose) -> Result<Url, Refusal> {
    let mut url = base.join(location.trim()).map_err(|_| "it is not a URL")?;
    url.set_fragment(None);
    let (Some(from), Some(to)) = (Origin::of(base), Origin::of(&url)) else {
        return Err("it is neither http nor https");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it names a user");
    }
    if to.is_internal() && !internal {
        return Err("it is in an internal network");
    }
    if from.is_secure() && !to.is_secure() {
        let same_host = from.host() == to.host();
        if purpose == Purpose::Redirect || !same_host {
            return Err("it leaves https");
        }
        // A proxy that ends TLS without telling the registry: what it calls http is reached by https.
        upgrade(&mut url, &from, to.port());
    }
    Ok(url)
}

/// Turns an http URL of the same host into https; port 80 becomes the port that we came by.
fn upgrade(url: &mut Url, from: &Origin, port: u16) {
    let port = if port == 80 { from.port() } else { port };
    // Both can only fail for URLs without a host.
    let _ = url.set_scheme("https");
    let _ = url.set_port(Some(port));
}

/// Adds `digest=…` to an upload's URL and leaves the rest of its query alone, since it may be signed.
pub(crate) fn with_digest(location: &Url, digest: &str) -> Url {
    let mut url = location.clone();
    let digest = digest.replace(':', "%3A");
    let query = match location.query() {
        None | Some("") => format!("digest={digest}"),
        Some(query) if query.ends_with('&') => format!("{query}digest={digest}"),
        Some(query) => format!("{query}&digest={digest}"),
    };
    url.set_query(Some(&query));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(base: &str, location: &str, purpose: Purpose) -> Result<String, Refusal> {
        let base = Url::parse(base).unwrap();
        let internal = Origin::of(&base).unwrap().is_internal();
        resolve(&base, location, internal, purpose).map(Into::into)
    }

    #[test]
    fn a_location_is_relative_or_absolute_and_keeps_its_query() {
        let base = "https://h/v2/a/blobs/uploads/";
        let cases = [
            ("/v2/a/blobs/uploads/1", Ok("https://h/v2/a/blobs/uploads/1")),
            ("1?_state=a%2Bb+c==&x", Ok("https://h/v2/a/blobs/uploads/1?_state=a%2Bb+c==&x")),
            ("https://h/u", Ok("https://h/u")),
            ("https://h:443/u", Ok("https://h/u")),
            ("https://h:8443/u", Ok("https://h:8443/u")),
            ("//g/u", Ok("https://g/u")),
            ("https://g/u?sig=a%20b", Ok("https://g/u?sig=a%20b")),
            ("?x=1", Ok("https://h/v2/a/blobs/uploads/?x=1")),
            (" /u ", Ok("https://h/u")),
            ("/u#f", Ok("https://h/u")),
            ("http://h/u", Ok("https://h/u")),
            ("http://h:80/u", Ok("https://h/u")),
            ("http://h:5000/u", Ok("https://h:5000/u")),
            ("http://g/u", Err("it leaves https")),
            ("ftp://h/u", Err("it is neither http nor https")),
            ("file:///etc/passwd", Err("it is neither http nor https")),
            ("https://u:p@h/u", Err("it names a user")),
            ("https://u@g/u", Err("it names a user")),
            ("https://127.0.0.1/u", Err("it is in an internal network")),
            ("https://10.0.0.1/u", Err("it is in an internal network")),
            ("https://169.254.169.254/latest", Err("it is in an internal network")),
            ("https://[::1]/u", Err("it is in an internal network")),
            ("https://[::ffff:10.0.0.1]/u", Err("it is in an internal network")),
            ("https://localhost/u", Err("it is in an internal network")),
            ("https://0x7f.1/u", Err("it is in an internal network")),
            ("https://", Err("it is not a URL")),
            ("https://h:99999/u", Err("it is not a URL")),
        ];
        for (location, expected) in cases {
            assert_eq!(resolved(base, location, Purpose::Upload), expected.map(str::to_owned), "{location}");
        }
    }

    #[test]
    fn the_port_that_we_came_by_is_kept_when_http_is_upgraded() {
        assert_eq!(
            resolved("https://h:8443/v2/", "http://h/u", Purpose::Upload),
            Ok("https://h:8443/u".to_owned())
        );
    }

    #[test]
    fn a_redirect_never_leaves_https() {
        assert_eq!(resolved("https://h/v2/", "http://h/u", Purpose::Redirect), Err("it leaves https"));
        assert_eq!(resolved("https://h/v2/", "http://g/u", Purpose::Redirect), Err("it leaves https"));
        assert_eq!(resolved("http://h/v2/", "https://g/u", Purpose::Redirect), Ok("https://g/u".to_owned()));
    }

    #[test]
    fn an_internal_registry_may_lead_to_internal_places() {
        assert_eq!(
            resolved("http://localhost:5000/v2/", "http://127.0.0.1:9000/u", Purpose::Redirect),
            Ok("http://127.0.0.1:9000/u".to_owned())
        );
        assert_eq!(
            resolved("http://10.0.0.1/v2/", "http://10.0.0.2/u", Purpose::Upload),
            Ok("http://10.0.0.2/u".to_owned())
        );
    }

    #[test]
    fn the_digest_goes_behind_a_query_that_stays_as_it_is() {
        let cases = [
            ("https://h/u", "https://h/u?digest=sha256%3Aab"),
            ("https://h/u?", "https://h/u?digest=sha256%3Aab"),
            ("https://h/u?b=%2f+&a=x==", "https://h/u?b=%2f+&a=x==&digest=sha256%3Aab"),
            ("https://h/u?a&", "https://h/u?a&digest=sha256%3Aab"),
        ];
        for (location, expected) in cases {
            assert_eq!(with_digest(&Url::parse(location).unwrap(), "sha256:ab").as_str(), expected);
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn no_location_leads_from_https_to_http_or_names_a_user(
            text in "(https?:)?/{0,3}[a-z0-9@:.%\\[\\]/?#&=\\\\-]{0,40}",
        ) {
            crate::registry::fuzz::headers(text.as_bytes());
        }
    }
}
