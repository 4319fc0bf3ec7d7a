//! Blobs: look up, take over, delete. Reading is in `download`, writing in `upload`.

use std::sync::PoisonError;

use super::{
    Result,
    http::{Method, StatusCode, header},
    manifests::check_digest,
    repository::Inner,
    response::Response,
    scope::Scopes,
    session::Session,
    transport::Request,
};
use crate::oci::{Descriptor, Digest, media_type};

impl Inner {
    /// Looks a blob up.
    pub(crate) async fn resolve_blob(&self, digest: &Digest) -> Result<Descriptor> {
        let Some(found) = self.probe(digest).await? else { return Err(self.not_found(&digest.to_string())) };
        let size = found
            .size
            .ok_or_else(|| found.response.protocol("the registry does not say how large the blob is"))?;
        Ok(Descriptor::new(blob_type(&found.response), digest.clone(), size))
    }

    /// Is the blob there, and as large as it should be?
    pub(crate) async fn blob_exists(&self, node: &Descriptor) -> Result<bool> {
        let Some(found) = self.probe(&node.digest).await? else { return Ok(false) };
        let fits = found.size.is_none_or(|size| size == node.size);
        if !fits {
            let name = self.full_name();
            self.client.notice(&format!("{name} has {} in another size; it is sent again", node.digest));
        }
        Ok(fits)
    }

    /// Asks for a blob without its content: by HEAD, or for its first byte where HEAD is not served.
    async fn probe(&self, digest: &Digest) -> Result<Option<Found>> {
        let url = self.client.endpoint().blob(&self.name, digest);
        let response = self.client.send(Request::head(url.clone()), &self.scopes).await?;
        match response.status {
            StatusCode::OK => {
                check_digest(Some(digest), response.digest().as_ref())?;
                if let Some(size) = response.length() {
                    return Ok(Some(Found { response, size: Some(size) }));
                }
            }
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {}
            _ => return Err(response.into_error().await),
        }
        let request = Request::get(url).header(header::RANGE, "bytes=0-0");
        let response = self.client.send(request, &self.scopes).await?;
        let size = match response.status {
            StatusCode::OK => response.length(),
            StatusCode::PARTIAL_CONTENT => total(&response),
            // A range of an empty blob cannot be satisfied.
            StatusCode::RANGE_NOT_SATISFIABLE => Some(0),
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(response.into_error().await),
        };
        check_digest(Some(digest), response.digest().as_ref())?;
        Ok(Some(Found { response, size }))
    }

    /// Takes a blob over from another repository of this registry. `false` means: send it.
    ///
    /// Implements distribution-spec v1.1, "Mounting a blob from another repository".
    pub(crate) async fn mount(&self, node: &Descriptor, from: &str) -> Result<bool> {
        let url = self.client.endpoint().mount(&self.name, &node.digest, Some(from));
        let scopes = self.scopes.clone().union(&Scopes::repository(from, &["pull"]));
        let response = self.client.send(Request::new(Method::POST, url), &scopes).await?;
        match response.status {
            StatusCode::CREATED => {
                response.discard().await;
                return self.mount_is_true(node).await;
            }
            StatusCode::ACCEPTED => {
                // Instead of mounting, the registry has begun an upload, which is made use of.
                if let Ok(session) = Session::begun(&self.client, &self.scopes, &response) {
                    let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
                    begun.insert(node.digest.clone(), session);
                }
            }
            // Whatever the reason: sending it will tell.
            _ => {}
        }
        response.discard().await;
        Ok(false)
    }

    /// Is a blob there that the registry says it has mounted? Once it was, the registry is believed.
    pub(crate) async fn mount_is_true(&self, node: &Descriptor) -> Result<bool> {
        let knowledge = &self.client.knowledge;
        if knowledge.mounts_are_true() {
            return Ok(true);
        }
        let is_true = self.blob_exists(node).await?;
        if is_true {
            knowledge.mount_was_true();
        }
        Ok(is_true)
    }

    pub(crate) async fn delete_blob(&self, digest: &Digest) -> Result<()> {
        self.delete(self.client.endpoint().blob(&self.name, digest), digest).await
    }
}

/// What the answer says that a blob is.
pub(crate) fn blob_type(response: &Response) -> String {
    let declared = response.content_type();
    if declared.is_empty() { media_type::OCTET_STREAM.to_owned() } else { declared }
}

/// A blob that is there.
struct Found {
    response: Response,
    /// Its size in bytes, if the registry says.
    size: Option<u64>,
}

/// The size of the whole, from `Content-Range`.
fn total(response: &Response) -> Option<u64> {
    response.header("content-range")?.rsplit_once('/')?.1.trim().parse().ok()
}
