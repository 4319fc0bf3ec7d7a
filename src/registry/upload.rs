//! Writing blobs.

use std::sync::PoisonError;

use url::Url;

use super::{
    Error, Result,
    http::{Method, StatusCode, header},
    location::{self, Purpose},
    manifests::check_digest,
    repository::Inner,
    transport::Request,
};
use crate::{content::Body, oci::Descriptor};

/// Uploads that are begun for one blob.
const MOST_UPLOADS: u32 = 3;

impl Inner {
    /// Writes a blob: an upload is begun, and the content sent in one piece.
    ///
    /// Implements distribution-spec v1.1, "POST then PUT".
    pub(crate) async fn upload(&self, node: &Descriptor, body: &mut Body) -> Result<()> {
        let mut begun = 0;
        loop {
            begun += 1;
            let location = self.begin_upload(node).await?;
            let error = match self.put_blob(node, body, &location).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            match fate(&error) {
                Fate::Unknown if self.blob_exists(node).await.unwrap_or(false) => return Ok(()),
                Fate::Unknown | Fate::Lost if begun < MOST_UPLOADS && body.is_replayable() => {}
                _ => return Err(error),
            }
        }
    }

    /// Begins an upload, or takes up the one that came of a mount.
    async fn begin_upload(&self, node: &Descriptor) -> Result<Url> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&node.digest);
        if let Some(location) = begun {
            return Ok(location);
        }
        let url = self.client.endpoint().uploads(&self.name, &node.digest);
        let request = Request::new(Method::POST, url);
        let response = self.client.expect(request, &self.scopes, &[StatusCode::ACCEPTED]).await?;
        let Some(location) = response.location() else {
            return Err(response.protocol("the registry returned no upload location"));
        };
        let home = self.client.endpoint().origin();
        let location = location::resolve(&response.url, location, home, Purpose::Upload)
            .map_err(|reason| response.protocol(format!("the blob upload Location is refused: {reason}")))?;
        response.discard().await;
        Ok(location)
    }

    async fn put_blob(&self, node: &Descriptor, body: &mut Body, location: &Url) -> Result<()> {
        let url = location::with_digest(location, &node.digest.to_string());
        let request = Request::new(Method::PUT, url)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .content(body, node, 0..node.size);
        let response = self.client.send(request, &self.scopes).await?;
        match response.status {
            StatusCode::CREATED => {}
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::ACCEPTED => {
                let unconfirmed = response.protocol("the registry did not store the blob");
                if !self.blob_exists(node).await? {
                    return Err(unconfirmed);
                }
            }
            _ => return Err(response.into_error().await),
        }
        check_digest(Some(&node.digest), response.digest().as_ref())?;
        response.discard().await;
        Ok(())
    }
}

/// What may have become of an upload that failed.
enum Fate {
    /// It is over; another one would fare no better.
    Failed,
    /// The registry has forgotten it; another one may do.
    Lost,
    /// The answer got lost, or the registry broke down on the way.
    Unknown,
}

fn fate(error: &Error) -> Fate {
    match error {
        Error::Exchange { .. } => Fate::Unknown,
        Error::Response(response) => match response.status.as_u16() {
            404 => Fate::Lost,
            408 | 425 | 429 | 499 | 500 | 502 | 503 | 504 | 522 | 524 => Fate::Unknown,
            _ => Fate::Failed,
        },
        _ => Fate::Failed,
    }
}
