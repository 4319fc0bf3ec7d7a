//! Manifests: look up, read, write, delete.

use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};

use super::{
    Error, Result,
    download::LAG,
    encoding::Coding,
    http::{HeaderName, Method, StatusCode, header},
    repository::Inner,
    response::Response,
    transport::Request,
};
use crate::{
    content::{self, verify},
    oci::{Algorithm, Descriptor, Digest, media_type},
};

const OCI_SUBJECT: &str = "oci-subject";

impl Inner {
    /// Looks a manifest up, by HEAD where that tells enough.
    pub(crate) async fn resolve_manifest(&self, reference: &str, accept: &[String]) -> Result<Descriptor> {
        let url = self.client.endpoint().manifest(&self.name, reference);
        let request = Request::head(url).header(header::ACCEPT, &accept_line(accept, None));
        let response = self.client.send(request, &self.scopes).await?;
        match response.status {
            StatusCode::OK => refuse_page(&response)?,
            StatusCode::NOT_FOUND => return Err(self.not_found(reference)),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                return Ok(self.fetch_manifest(reference, accept).await?.0);
            }
            _ => return Err(response.into_error().await),
        }
        let wanted: Option<Digest> = reference.parse().ok();
        check_digest(wanted.as_ref(), response.digest().as_ref())?;
        let media_type = declared_type(&response);
        match (media_type, wanted.or(response.digest()), response.length()) {
            (Some(media_type), Some(digest), Some(size)) => Ok(Descriptor::new(media_type, digest, size)),
            // The headers say too little; the manifest itself says it all.
            _ => Ok(self.fetch_manifest(reference, accept).await?.0),
        }
    }

    /// Reads a manifest by tag or digest, in one request.
    pub(crate) async fn fetch_manifest(
        &self,
        reference: &str,
        accept: &[String],
    ) -> Result<(Descriptor, Bytes)> {
        let response = self.get_manifest(reference, &accept_line(accept, None)).await?;
        let said = response.digest().filter(|digest| digest.algorithm() != Algorithm::Sha384);
        let declared = declared_type(&response);
        let wrong = response.protocol("it is not clear what kind of manifest the answer is");
        let coding = response.header("content-encoding").and_then(Coding::parse);
        let limit = self.client.options().manifest_limit;
        let mut bytes = response.read(limit).await?;
        let wanted: Option<Digest> = reference.parse().ok();
        if let Some(coding) = coding
            && let Some(plain) = coding.decode(&bytes, limit)
            && wanted.as_ref().or(said.as_ref()).is_none_or(|digest| is_digest_of(digest, &plain))
        {
            bytes = plain;
        }
        // Asked by tag, the registry's own word is what has to be true.
        let digest = match wanted.or(said) {
            Some(expected) => {
                let actual = Digest::of_with(expected.algorithm(), &bytes);
                check_digest(Some(&expected), Some(&actual))?;
                actual
            }
            None => Digest::of(&bytes),
        };
        let media_type = kind_of(declared, &bytes).ok_or(wrong)?;
        self.held.keep(&digest, &bytes);
        Ok((Descriptor::new(media_type, digest, bytes.len() as u64), bytes))
    }

    /// Asks for a manifest. One that this process has written may have to reach all machines first.
    async fn get_manifest(&self, reference: &str, accept: &str) -> Result<Response> {
        let url = self.client.endpoint().manifest(&self.name, reference);
        let mut may_lag = reference.parse().is_ok_and(|digest| self.has_pushed(Some(&digest)));
        loop {
            let request = Request::get(url.clone()).header(header::ACCEPT, accept);
            let response = self.client.send(request, &self.scopes).await?;
            match response.status {
                StatusCode::OK => {
                    refuse_page(&response)?;
                    return Ok(response);
                }
                StatusCode::NOT_FOUND if may_lag => {
                    may_lag = false;
                    response.discard().await;
                    tokio::time::sleep(LAG).await;
                }
                StatusCode::NOT_FOUND => return Err(self.not_found(reference)),
                _ => return Err(response.into_error().await),
            }
        }
    }

    /// The bytes of a manifest that is described.
    pub(crate) async fn fetch_bytes(&self, node: &Descriptor) -> Result<Bytes> {
        if let Some(bytes) = self.held.get(&node.digest) {
            return Ok(bytes);
        }
        let limit = self.client.options().manifest_limit;
        if node.size > limit {
            let (digest, size) = (node.digest.clone(), node.size);
            return Err(content::Error::TooLarge { digest, size, limit }.into());
        }
        let response = self.get_manifest(&node.digest.to_string(), &node.media_type).await?;
        let coding = response.header("content-encoding").and_then(Coding::parse);
        let mut bytes = response.read(limit).await?;
        if let Some(plain) = coding.and_then(|coding| coding.decode(&bytes, node.size)) {
            bytes = plain;
        }
        verify::bytes(node, &bytes)?;
        self.held.keep(&node.digest, &bytes);
        Ok(bytes)
    }

    pub(crate) async fn manifest_exists(&self, node: &Descriptor) -> Result<bool> {
        let url = self.client.endpoint().manifest(&self.name, &node.digest.to_string());
        let accept = accept_line(&[], Some(&node.media_type));
        for method in [Method::HEAD, Method::GET] {
            let request = Request::new(method, url.clone()).header(header::ACCEPT, &accept);
            let response = self.client.send(request, &self.scopes).await?;
            match response.status {
                StatusCode::OK => {
                    check_digest(Some(&node.digest), response.digest().as_ref())?;
                    return Ok(true);
                }
                StatusCode::NOT_FOUND => return Ok(false),
                StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
                    if response.method == Method::HEAD => {}
                _ => return Err(response.into_error().await),
            }
        }
        Ok(false)
    }

    /// Writes a manifest and, if it has a subject, sees to it that it is listed as a referrer.
    pub(crate) async fn push_manifest(&self, reference: &str, node: &Descriptor, bytes: Bytes) -> Result<()> {
        let indexed = self.put_manifest(reference, node, bytes.clone()).await?;
        self.list_referrer(node, &bytes, indexed.as_ref()).await
    }

    /// Writes a manifest. Returns the subject that the registry says it took note of.
    pub(crate) async fn put_manifest(
        &self,
        reference: &str,
        node: &Descriptor,
        bytes: Bytes,
    ) -> Result<Option<Digest>> {
        let limit = self.client.options().manifest_limit;
        if bytes.len() as u64 > limit {
            let (digest, size) = (node.digest.clone(), bytes.len() as u64);
            return Err(content::Error::TooLarge { digest, size, limit }.into());
        }
        let response = match self.send_manifest(reference, node, &bytes, None).await? {
            response if is_stored(response.status) => response,
            response => match self.reconsider(reference, node, response).await {
                Refusal::Final(error) => return Err(error.about_manifest(&node.media_type)),
                Refusal::Needless => return Ok(None),
                Refusal::Early => self.send_manifest(reference, node, &bytes, None).await?,
            },
        };
        self.confirm_manifest(node, &bytes, response).await
    }

    /// Sends a manifest once, perhaps only if what it replaces is as expected.
    pub(crate) async fn send_manifest(
        &self,
        reference: &str,
        node: &Descriptor,
        bytes: &Bytes,
        condition: Option<(HeaderName, &str)>,
    ) -> Result<Response> {
        let url = self.client.endpoint().manifest(&self.name, reference);
        let mut request = Request::new(Method::PUT, url)
            .header(header::CONTENT_TYPE, &node.media_type)
            .bytes(bytes.clone());
        if let Some((name, value)) = condition {
            request = request.header(name, value);
        }
        self.client.send(request, &self.scopes).await
    }

    /// Reads the answer to a manifest. Returns the subject that the registry says it took note of.
    pub(crate) async fn confirm_manifest(
        &self,
        node: &Descriptor,
        bytes: &Bytes,
        response: Response,
    ) -> Result<Option<Digest>> {
        match response.status {
            StatusCode::CREATED => {}
            StatusCode::OK | StatusCode::ACCEPTED => {
                let unconfirmed = response.protocol("the registry did not store the manifest");
                if !self.manifest_exists(node).await? {
                    return Err(unconfirmed);
                }
            }
            _ => return Err(response.into_error().await),
        }
        check_digest(Some(&node.digest), response.digest().as_ref())?;
        let subject = response.header(OCI_SUBJECT).and_then(|subject| subject.trim().parse().ok());
        response.discard().await;
        self.held.keep(&node.digest, bytes);
        self.pushed(&node.digest);
        Ok(subject)
    }

    /// Looks at a refusal, and waits where it may have come too early.
    async fn reconsider(&self, reference: &str, node: &Descriptor, response: Response) -> Refusal {
        let error = response.into_error().await;
        let Some(said) = error.response() else { return Refusal::Final(error) };
        let misses_blob = said.problems.has("MANIFEST_BLOB_UNKNOWN") || said.problems.has("BLOB_UNKNOWN");
        let status = said.status.as_u16();
        if matches!(status, 400 | 404) && misses_blob && self.has_pushed(None) {
            tokio::time::sleep(LAG).await;
            return Refusal::Early;
        }
        if matches!(status, 400 | 409 | 412)
            && !is_digest(reference)
            && self.names_already(reference, node).await
        {
            return Refusal::Needless;
        }
        let algorithm = node.digest.algorithm();
        if status == 400 && algorithm != Algorithm::Sha256 && said.problems.has("DIGEST_INVALID") {
            let (host, algorithm) = (said.host.clone(), algorithm.as_str());
            return Refusal::Final(Error::NoAlgorithm { host, algorithm, source: Box::new(error) });
        }
        Refusal::Final(error)
    }

    /// Is the tag that of this manifest?
    async fn names_already(&self, tag: &str, node: &Descriptor) -> bool {
        self.resolve_manifest(tag, &[]).await.is_ok_and(|tagged| tagged.digest == node.digest)
    }

    /// Deletes a manifest with all its tags, and takes it off the list of its subject's referrers.
    ///
    /// The manifest goes first: a writer who misses its entry in the list looks whether it is there.
    pub(crate) async fn delete_manifest(&self, node: &Descriptor) -> Result<()> {
        let listed = self.unlisted_subject(node).await?;
        let url = self.client.endpoint().manifest(&self.name, &node.digest.to_string());
        let deleted = self.delete(url.clone(), &node.digest).await;
        self.held.forget(&node.digest);
        let Some((subject, entry)) = listed else { return deleted };
        match deleted {
            Ok(()) => self.unlist_referrer(&subject, &node.digest).await,
            // Some registries keep what an index lists.
            Err(error) if error.status().is_some_and(|status| matches!(status.as_u16(), 403 | 405 | 409)) => {
                self.unlist_referrer(&subject, &node.digest).await?;
                match self.delete(url, &node.digest).await {
                    Ok(()) => self.unlist_referrer(&subject, &node.digest).await,
                    // It stays after all, and so does its entry.
                    Err(_) => self.publish(&subject, vec![entry]).await.and(Err(error)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes what is at a URL.
    pub(crate) async fn delete(&self, url: url::Url, digest: &Digest) -> Result<()> {
        let response = self.client.send(Request::new(Method::DELETE, url), &self.scopes).await?;
        match response.status {
            StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
                response.discard().await;
                Ok(())
            }
            // Only the answer to an earlier try got lost.
            StatusCode::NOT_FOUND if response.repeated > 0 => Ok(()),
            StatusCode::NOT_FOUND => Err(self.not_found(&digest.to_string())),
            _ => Err(response.into_error().await),
        }
    }
}

/// What a refused manifest is to us.
enum Refusal {
    /// An error.
    Final(Error),
    /// Nothing: a tag that cannot be moved is where it should be.
    Needless,
    /// Worth another try: a machine of the registry did not know yet what another one has stored.
    Early,
}

fn is_digest_of(digest: &Digest, bytes: &[u8]) -> bool {
    Digest::of_with(digest.algorithm(), bytes) == *digest
}

fn is_stored(status: StatusCode) -> bool {
    matches!(status, StatusCode::CREATED | StatusCode::OK | StatusCode::ACCEPTED)
}

fn is_digest(reference: &str) -> bool {
    reference.contains(':')
}

/// The media types that are asked for: those of the caller, else all that we know.
fn accept_line(accept: &[String], own: Option<&str>) -> String {
    if !accept.is_empty() {
        return accept.join(", ");
    }
    let own = own.filter(|own| !media_type::MANIFESTS.contains(own));
    media_type::MANIFESTS.into_iter().chain(own).collect::<Vec<_>>().join(", ")
}

/// Fails when two digests of the same kind differ. Digests of different kinds say nothing about each other.
pub(crate) fn check_digest(expected: Option<&Digest>, actual: Option<&Digest>) -> Result<()> {
    let (Some(expected), Some(actual)) = (expected, actual) else { return Ok(()) };
    if expected == actual || expected.algorithm() != actual.algorithm() {
        return Ok(());
    }
    let (expected, actual) = (expected.clone(), actual.clone());
    Err(content::Error::DigestMismatch { expected, actual }.into())
}

/// Refuses a page for people, such as that of a network which wants somebody to sign in first.
fn refuse_page(response: &Response) -> Result<()> {
    if response.content_type() != "text/html" {
        return Ok(());
    }
    let reason = "it answered with a web page".to_owned();
    Err(Error::NotARegistry { host: response.origin.authority(), reason })
}

/// The media type that the header gives; `None` when it says nothing about manifests.
fn declared_type(response: &Response) -> Option<String> {
    let declared = response.content_type();
    (!matches!(&*declared, "" | "text/plain" | "application/json" | "application/octet-stream"))
        .then_some(declared)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    media_type: Option<String>,
    manifests: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
}

/// What a manifest is, from its header and its content. `None` when both contradict each other, or neither
/// says anything.
fn kind_of(declared: Option<String>, bytes: &[u8]) -> Option<String> {
    let Ok(outline) = serde_json::from_slice::<Outline>(bytes) else { return declared };
    let own = outline.media_type.filter(|own| !own.is_empty());
    match (declared, own) {
        (Some(declared), Some(own)) => declared.eq_ignore_ascii_case(&own).then_some(own),
        (Some(only), None) | (None, Some(only)) => Some(only),
        (None, None) if outline.manifests.is_some() && outline.layers.is_none() => {
            Some(media_type::IMAGE_INDEX.into())
        }
        (None, None) if outline.config.is_some() && outline.manifests.is_none() => {
            Some(media_type::IMAGE_MANIFEST.into())
        }
        (None, None) => None,
    }
}

/// Was the answer "not there"?
pub(crate) fn is_not_found(error: &Error) -> bool {
    matches!(error, Error::Content(error) if error.is_not_found())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_and_document_say_together_what_a_manifest_is() {
        let (index, image) = (media_type::IMAGE_INDEX, media_type::IMAGE_MANIFEST);
        let cases = [
            (Some(index), "{}", Some(index)),
            (Some(index), r#"{"mediaType":"application/vnd.oci.image.index.v1+json"}"#, Some(index)),
            (Some(image), r#"{"mediaType":"application/vnd.oci.image.index.v1+json"}"#, None),
            (None, r#"{"mediaType":"application/vnd.oci.image.index.v1+json"}"#, Some(index)),
            (None, r#"{"manifests":[]}"#, Some(index)),
            (None, r#"{"config":{},"layers":[]}"#, Some(image)),
            (None, r#"{"config":{},"manifests":[]}"#, Some(index)),
            (None, r#"{"layers":[],"manifests":[]}"#, None),
            (None, "{}", None),
            (None, "not json", None),
            (Some("x/y"), "not json", Some("x/y")),
            (Some("x/y"), r#"{"mediaType":1}"#, Some("x/y")),
        ];
        for (declared, document, expected) in cases {
            let kind = kind_of(declared.map(str::to_owned), document.as_bytes());
            assert_eq!(kind.as_deref(), expected, "{declared:?} {document}");
        }
    }

    #[test]
    fn digests_are_compared_when_they_are_of_one_kind() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let other = Digest::of_with(Algorithm::Sha512, b"a");
        assert!(check_digest(Some(&a), Some(&a)).is_ok());
        assert!(check_digest(Some(&a), Some(&b)).is_err());
        assert!(check_digest(Some(&a), Some(&other)).is_ok());
        assert!(check_digest(Some(&a), None).is_ok());
    }
}
