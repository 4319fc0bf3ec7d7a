//! Writing blobs: an upload is begun, fed in one piece or in chunks, and closed.
//!
//! What a failed request has left behind is looked at before anything is sent again: some registries
//! would append the same bytes twice.

use std::sync::PoisonError;

use super::{
    Error, Result,
    backoff::Backoff,
    http::{Method as Verb, StatusCode, header},
    knowledge::Method,
    location,
    manifests::check_digest,
    payload::Reader,
    repository::Inner,
    response::Response,
    session::Session,
    transport::Request,
};
use crate::{
    content::Body,
    oci::{Algorithm, Descriptor},
};

/// Uploads that are begun for one blob by one method.
const MOST_UPLOADS: u32 = 3;

impl Inner {
    /// Writes a blob.
    ///
    /// Implements distribution-spec v1.1, "Pushing Blobs".
    pub(crate) async fn upload(&self, node: &Descriptor, body: Body) -> Result<()> {
        let backoff = Backoff::new(&self.client);
        let mut upload = Upload {
            repository: self,
            reader: Reader::new(body, node),
            backoff,
            begun: 0,
            cut: None,
            is_resumed: false,
            is_corrected: false,
            is_doubted: false,
            only_whole: false,
        };
        upload.run().await?;
        self.pushed(&node.digest);
        Ok(())
    }
}

/// A blob on its way to a repository.
pub(super) struct Upload<'a> {
    pub(super) repository: &'a Inner,
    pub(super) reader: Reader,
    pub(super) backoff: Backoff,
    /// Uploads that were begun since the method was last changed.
    begun: u32,
    /// Where the last whole upload was cut, in bytes.
    cut: Option<u64>,
    /// Was a chunk sent again, so that the registry may have it twice?
    pub(super) is_resumed: bool,
    /// Has the registry just said that the blob goes on elsewhere?
    pub(super) is_corrected: bool,
    /// Has the registry once received something else than was sent?
    is_doubted: bool,
    /// Chunks have gone wrong for this blob.
    only_whole: bool,
}

/// What came of asking for an upload.
enum Begun {
    Session(Session),
    /// The registry had the blob in another repository.
    Mounted,
}

impl Upload<'_> {
    async fn run(&mut self) -> Result<()> {
        loop {
            let mut session = match self.begin().await? {
                Begun::Session(session) => session,
                Begun::Mounted => return Ok(()),
            };
            self.begun += 1;
            let size = self.reader.node().size;
            let method = match self.only_whole {
                true => Method::Whole,
                false => self.repository.client.knowledge.method(size, session.minimum_chunk),
            };
            let result = match method {
                Method::Whole => self.send_whole(&mut session).await,
                Method::Chunks(chunk) => self.send_chunks(&mut session, chunk).await,
            };
            match result {
                Ok(()) => {
                    session.close();
                    return Ok(());
                }
                Err(error) => {
                    if is_gone(&error) {
                        session.close();
                    }
                    // One that failed is not used again, and not left behind either.
                    drop(session);
                    if let Recovery::Stored = self.recover(error, method).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Begins an upload, or takes up the one that came of a mount. Where the registry may know the blob
    /// from elsewhere, it is asked in the same request.
    async fn begin(&mut self) -> Result<Begun> {
        let node = self.reader.node();
        let repository = self.repository;
        let begun = repository.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&node.digest);
        if let Some(session) = begun {
            return Ok(Begun::Session(session));
        }
        let client = &repository.client;
        let endpoint = client.endpoint();
        let unasked = node.digest.algorithm() == Algorithm::Sha256
            && self.begun == 0
            && client.knowledge.mounts_unasked();
        if unasked {
            let url = endpoint.mount(&repository.name, &node.digest, None);
            let response = client.send(Request::new(Verb::POST, url), &repository.scopes).await?;
            match response.status {
                StatusCode::ACCEPTED => {
                    return Ok(Begun::Session(Session::begun(client, &repository.scopes, &response)?));
                }
                StatusCode::CREATED => {
                    response.discard().await;
                    if repository.mount_is_true(node).await? {
                        return Ok(Begun::Mounted);
                    }
                }
                // Whatever the reason, the plain request will show it.
                _ => response.discard().await,
            }
            client.knowledge.wants_mount_source();
        }
        let request = Request::new(Verb::POST, endpoint.uploads(&repository.name, &node.digest));
        let response = client.expect(request, &repository.scopes, &[StatusCode::ACCEPTED]).await?;
        let session = Session::begun(client, &repository.scopes, &response)?;
        response.discard().await;
        Ok(Begun::Session(session))
    }

    /// Sends the whole blob in one request.
    async fn send_whole(&mut self, session: &mut Session) -> Result<()> {
        let node = self.reader.node();
        let url = location::with_digest(&session.location, &node.digest.to_string());
        let size = node.size;
        let request = Request::new(Verb::PUT, url)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .content(&mut self.reader, 0..size);
        let response = self.repository.client.send(request, &self.repository.scopes).await?;
        self.confirm(response).await
    }

    /// Reads the answer that closes an upload.
    pub(super) async fn confirm(&mut self, response: Response) -> Result<()> {
        let node = self.reader.node();
        match response.status {
            StatusCode::CREATED => {
                check_digest(Some(&node.digest), response.digest().as_ref())?;
                response.discard().await;
                Ok(())
            }
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::ACCEPTED => {
                let unconfirmed = response.protocol("the registry did not store the blob");
                response.discard().await;
                if self.repository.blob_exists(node).await? { Ok(()) } else { Err(unconfirmed) }
            }
            _ => Err(response.into_error().await),
        }
    }

    /// Decides after a failure whether another upload is begun, and waits for its time.
    async fn recover(&mut self, error: Error, method: Method) -> Result<Recovery> {
        let fate = fate(&error);
        let knowledge = &self.repository.client.knowledge;
        let is_changed = match (method, fate) {
            (_, Fate::Failed) | (Method::Whole, Fate::NoChunks) => return Err(error),
            (_, Fate::Unknown) if self.is_stored().await => return Ok(Recovery::Stored),
            (Method::Whole, Fate::TooLarge) => knowledge.too_large(self.reader.node().size),
            (Method::Chunks(chunk), Fate::TooLarge) => knowledge.too_large(chunk),
            (Method::Chunks(_), Fate::NoChunks) => {
                knowledge.refuses_chunks();
                true
            }
            (Method::Chunks(_), Fate::Corrupt) if self.is_resumed => {
                self.only_whole = true;
                true
            }
            (_, Fate::Corrupt) if self.is_doubted || !self.reader.is_checked() => return Err(error),
            (_, Fate::Corrupt) => {
                self.is_doubted = true;
                false
            }
            (Method::Whole, Fate::Unknown) => self.is_cut_again(&error),
            (Method::Chunks(_), Fate::Unknown) | (_, Fate::Lost) => false,
        };
        if !self.reader.can_read_from(0) || (fate == Fate::TooLarge && !is_changed) {
            return Err(error);
        }
        if is_changed {
            self.begun = 0;
        } else if self.begun >= MOST_UPLOADS {
            return Err(error);
        } else if fate == Fate::Unknown {
            self.backoff.wait(error).await?;
        }
        Ok(Recovery::Again)
    }

    async fn is_stored(&mut self) -> bool {
        self.repository.blob_exists(self.reader.node()).await.unwrap_or(false)
    }

    /// Has something on the way cut two uploads at about the same byte? Then smaller ones may pass.
    fn is_cut_again(&mut self, error: &Error) -> bool {
        let now = self.reader.handed();
        if error.transport().is_none() || now == 0 {
            return false;
        }
        let before = self.cut.replace(now);
        let alike = before.is_some_and(|before| before.abs_diff(now) <= before / 10);
        alike && self.repository.client.knowledge.too_large(now)
    }
}

/// What is done about an upload that failed.
enum Recovery {
    /// Nothing: only the answer got lost.
    Stored,
    /// Another one is begun.
    Again,
}

/// What may have become of an upload that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is over; another one would fare no better.
    Failed,
    /// The registry has forgotten it; another one may do.
    Lost,
    /// The answer got lost, or the registry broke down on the way.
    Unknown,
    /// The body was too large for the registry, or for something on the way.
    TooLarge,
    /// The registry takes no chunks.
    NoChunks,
    /// The registry has received something else than was sent.
    Corrupt,
}

fn fate(error: &Error) -> Fate {
    let response = match error {
        Error::Exchange { .. } => return Fate::Unknown,
        Error::ChunksRefused(_) => return Fate::NoChunks,
        Error::UploadLost { .. } => return Fate::Lost,
        Error::Response(response) => response,
        _ => return Fate::Failed,
    };
    let problems = &response.problems;
    match response.status.as_u16() {
        404 => Fate::Lost,
        413 => Fate::TooLarge,
        400 | 416 if problems.mentions("too large") => Fate::TooLarge,
        400 if problems.has("DIGEST_INVALID") || problems.has("SIZE_INVALID") => Fate::Corrupt,
        // An upload that failed before was kept by the registry, and is not empty.
        416 => Fate::Lost,
        408 | 425 | 429 | 499 | 500 | 502 | 503 | 504 | 522 | 524 => Fate::Unknown,
        _ => Fate::Failed,
    }
}

/// Does the registry not know the upload any more?
fn is_gone(error: &Error) -> bool {
    error.status() == Some(StatusCode::NOT_FOUND)
}
