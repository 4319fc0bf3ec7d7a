//! Every URL of the API (pure).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{Error, Origin};
use crate::oci::Digest;

/// What stays as it is in the value of a query: everything else is escaped, above all `+`, which many
/// servers read as a blank.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A registry's API.
///
/// Implements distribution-spec v1.1, "Endpoints".
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    base: Url,
    origin: Origin,
    /// Stands in every query: of which registry a mirror is asked.
    namespace: Option<String>,
}

impl Endpoint {
    /// The API of a host with an optional port.
    ///
    /// # Errors
    /// The text is no host.
    pub(crate) fn new(host: &str, plain_http: bool) -> Result<Self, Error> {
        let invalid = || Error::InvalidName(host.to_owned());
        let scheme = if plain_http { "http" } else { "https" };
        let host = api_host(host);
        let host =
            if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() };
        let base = Url::parse(&format!("{scheme}://{host}/v2/")).map_err(|_| invalid())?;
        let plain = base.username().is_empty() && base.password().is_none() && base.path() == "/v2/";
        let origin = Origin::of(&base).filter(|_| plain && base.query().is_none()).ok_or_else(invalid)?;
        Ok(Self { base, origin, namespace: None })
    }

    /// The API of a mirror at a URL that ends with a slash; each URL names the registry if one is given.
    ///
    /// # Errors
    /// It is neither http nor https.
    pub(crate) fn at(base: &Url, namespace: Option<&str>) -> Result<Self, Error> {
        let origin = Origin::of(base).ok_or_else(|| Error::InvalidName(base.to_string()))?;
        Ok(Self { base: base.clone(), origin, namespace: namespace.map(str::to_owned) })
    }

    /// Adds the name of the registry to a URL of this API to which the mirror itself led.
    pub(crate) fn named(mut url: Url, namespace: Option<&str>) -> Url {
        if let Some(namespace) = namespace
            && url.query_pairs().all(|(name, _)| name != "ns")
        {
            let own = format!("ns={}", encode(namespace));
            let query = url.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&{own}"));
            url.set_query(Some(&query.unwrap_or(own)));
        }
        url
    }

    /// Who answers there.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// `/v2/`: is there a registry?
    pub(crate) fn ping(&self) -> Url {
        self.base.clone()
    }

    /// The list of repositories.
    pub(crate) fn catalog(&self, page: Page<'_>) -> Url {
        self.path("_catalog", &page.query())
    }

    /// A manifest, by tag or digest.
    pub(crate) fn manifest(&self, repository: &str, reference: &str) -> Url {
        self.path(&format!("{repository}/manifests/{reference}"), "")
    }

    /// A blob.
    pub(crate) fn blob(&self, repository: &str, digest: &Digest) -> Url {
        self.path(&format!("{repository}/blobs/{digest}"), "")
    }

    /// Where uploads begin; the algorithm is named when it is not the usual one.
    pub(crate) fn uploads(&self, repository: &str, digest: &Digest) -> Url {
        let query = match digest.algorithm() {
            crate::oci::Algorithm::Sha256 => String::new(),
            other => format!("digest-algorithm={}", other.as_str()),
        };
        self.path(&format!("{repository}/blobs/uploads/"), &query)
    }

    /// Where a blob is taken over from another repository, or from any if none is named.
    pub(crate) fn mount(&self, repository: &str, digest: &Digest, from: Option<&str>) -> Url {
        let from = from.map_or_else(String::new, |from| format!("&from={}", encode(from)));
        let query = format!("mount={}{from}", encode(&digest.to_string()));
        self.path(&format!("{repository}/blobs/uploads/"), &query)
    }

    /// The tags of a repository.
    pub(crate) fn tags(&self, repository: &str, page: Page<'_>) -> Url {
        self.path(&format!("{repository}/tags/list"), &page.query())
    }

    /// The referrers of a manifest, of one artifact type if it is given.
    pub(crate) fn referrers(&self, repository: &str, subject: &str, artifact_type: Option<&str>) -> Url {
        let query = artifact_type.map_or_else(String::new, |kind| format!("artifactType={}", encode(kind)));
        self.path(&format!("{repository}/referrers/{subject}"), &query)
    }

    /// The referrers of a manifest, by the extension that came before the specification's own API.
    pub(crate) fn oras_extension(&self, repository: &str, subject: &str, artifact_type: Option<&str>) -> Url {
        let kind = artifact_type.map_or_else(String::new, |kind| format!("&artifactType={}", encode(kind)));
        let query = format!("digest={}{kind}", encode(subject));
        self.path(&format!("{repository}/_oras/artifacts/referrers"), &query)
    }

    /// The referrers of a manifest, by the first API of all, which is not below `/v2/`.
    pub(crate) fn oras_alpha(&self, repository: &str, subject: &str, artifact_type: Option<&str>) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/oras/artifacts/v1/{repository}/manifests/{subject}/referrers"));
        url.set_query(artifact_type.map(|kind| format!("artifactType={}", encode(kind))).as_deref());
        url
    }

    fn path(&self, path: &str, query: &str) -> Url {
        let mut url = self.base.clone();
        // The grammar of names, tags and digests has nothing that a path would have to escape.
        url.set_path(&format!("{}{path}", self.base.path()));
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        Self::named(url, self.namespace.as_deref())
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Page<'a> {
    /// Most items of a page.
    pub(crate) size: Option<u32>,
    /// The item before the first.
    pub(crate) last: Option<&'a str>,
}

impl Page<'_> {
    fn query(self) -> String {
        let size = self.size.map(|size| format!("n={size}"));
        let last = self.last.filter(|last| !last.is_empty()).map(|last| format!("last={}", encode(last)));
        [size, last].into_iter().flatten().collect::<Vec<_>>().join("&")
    }
}

/// The host that serves the API of a registry: Docker Hub's is another than its name.
pub(crate) fn api_host(host: &str) -> &str {
    match host {
        "docker.io" | "index.docker.io" => "registry-1.docker.io",
        other => other,
    }
}

fn encode(value: &str) -> String {
    utf8_percent_encode(value, QUERY_VALUE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Algorithm;

    #[test]
    fn every_url_is_as_the_specification_says() {
        let api = Endpoint::new("localhost:5000", true).unwrap();
        let digest = Digest::of(b"");
        let cases = [
            (api.ping(), "/v2/".to_owned()),
            (api.catalog(Page::default()), "/v2/_catalog".to_owned()),
            (
                api.catalog(Page { size: Some(1000), last: Some("a/b") }),
                "/v2/_catalog?n=1000&last=a%2Fb".to_owned(),
            ),
            (api.manifest("a/b", "v1"), "/v2/a/b/manifests/v1".to_owned()),
            (api.manifest("a", &digest.to_string()), format!("/v2/a/manifests/{digest}")),
            (api.blob("a", &digest), format!("/v2/a/blobs/{digest}")),
            (api.uploads("a", &digest), "/v2/a/blobs/uploads/".to_owned()),
            (
                api.uploads("a", &Digest::of_with(Algorithm::Sha512, b"")),
                "/v2/a/blobs/uploads/?digest-algorithm=sha512".to_owned(),
            ),
            (
                api.mount("a", &digest, Some("b/c")),
                format!("/v2/a/blobs/uploads/?mount=sha256%3A{}&from=b%2Fc", digest.encoded()),
            ),
            (
                api.mount("a", &digest, None),
                format!("/v2/a/blobs/uploads/?mount=sha256%3A{}", digest.encoded()),
            ),
            (
                api.tags("a", Page { size: None, last: Some("v1+x") }),
                "/v2/a/tags/list?last=v1%2Bx".to_owned(),
            ),
            (
                api.referrers("a", "sha256:00", Some("application/x.a+json")),
                "/v2/a/referrers/sha256:00?artifactType=application%2Fx.a%2Bjson".to_owned(),
            ),
            (
                api.oras_extension("a/b", "sha256:00", None),
                "/v2/a/b/_oras/artifacts/referrers?digest=sha256%3A00".to_owned(),
            ),
            (
                api.oras_extension("a", "sha256:00", Some("x/y+z")),
                "/v2/a/_oras/artifacts/referrers?digest=sha256%3A00&artifactType=x%2Fy%2Bz".to_owned(),
            ),
            (
                api.oras_alpha("a/b", "sha256:00", None),
                "/oras/artifacts/v1/a/b/manifests/sha256:00/referrers".to_owned(),
            ),
            (
                api.oras_alpha("a", "sha256:00", Some("x/y")),
                "/oras/artifacts/v1/a/manifests/sha256:00/referrers?artifactType=x%2Fy".to_owned(),
            ),
        ];
        for (url, expected) in cases {
            assert_eq!(url.as_str(), format!("http://localhost:5000{expected}"));
        }
    }

    #[test]
    fn a_mirror_has_a_path_of_its_own_and_is_told_of_the_registry() {
        let base = Url::parse("https://m.io/cache/v2/").unwrap();
        let api = Endpoint::at(&base, Some("a.io:5000")).unwrap();
        assert_eq!(
            api.manifest("app", "v1").as_str(),
            "https://m.io/cache/v2/app/manifests/v1?ns=a.io%3A5000"
        );
        let tags = api.tags("app", Page { size: Some(5), last: None });
        assert_eq!(tags.as_str(), "https://m.io/cache/v2/app/tags/list?n=5&ns=a.io%3A5000");
        assert_eq!(Endpoint::named(tags.clone(), Some("other")), tags);
        let plain = Endpoint::at(&base, None).unwrap();
        assert_eq!(plain.manifest("app", "v1").as_str(), "https://m.io/cache/v2/app/manifests/v1");
    }

    #[test]
    fn hosts_are_mapped_and_checked() {
        let ping = |host| Endpoint::new(host, false).map(|endpoint| String::from(endpoint.ping()));
        assert_eq!(ping("docker.io").unwrap(), "https://registry-1.docker.io/v2/");
        assert_eq!(ping("::1").unwrap(), "https://[::1]/v2/");
        assert_eq!(ping("[::1]:5000").unwrap(), "https://[::1]:5000/v2/");
        assert_eq!(ping("reg_x.example:443").unwrap(), "https://reg_x.example/v2/");
        for bad in ["", "a/b", "u@h", "h?x", "h#x", "h:99999", "a b"] {
            assert!(ping(bad).is_err(), "{bad}");
        }
    }
}
