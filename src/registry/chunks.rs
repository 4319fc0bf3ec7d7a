//! Writing a blob in chunks.

use std::ops::Range;

use super::{
    Error, Result,
    http::{Method as Verb, StatusCode, header},
    location,
    range::{Uploaded, uploaded},
    response::Response,
    session::Session,
    transport::Request,
    upload::Upload,
};

/// How often the registry may have another opinion of where a blob goes on.
const MOST_CORRECTIONS: u32 = 10;
/// How often the sending of one blob is taken up again.
const MOST_RESUMES: u32 = 50;

impl Upload<'_> {
    /// Sends the blob in chunks, then closes the upload.
    ///
    /// Implements distribution-spec v1.1, "Pushing a blob in chunks".
    pub(super) async fn send_chunks(&mut self, session: &mut Session, chunk: u64) -> Result<()> {
        let size = self.reader.node().size;
        let mut chunks = Chunks { offset: 0, size, chunk, corrections: 0, resumes: 0 };
        while chunks.offset < chunks.size {
            let range = chunks.next();
            match self.send_chunk(session, range.clone()).await {
                Ok(response) => {
                    session.follow(&response)?;
                    chunks.offset = self.acknowledged(session, &response, &range).await?;
                    response.discard().await;
                    self.backoff.reset();
                }
                Err(error) => self.take_up(session, &mut chunks, error).await?,
            }
        }
        let url = location::with_digest(&session.location, &self.reader.node().digest.to_string());
        let request = Request::new(Verb::PUT, url)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .closing(size)
            .once();
        let response = self.repository.client.send(request, &self.repository.scopes).await?;
        self.confirm(response).await
    }

    /// Sends one chunk. Returns the answer of a registry that took it.
    async fn send_chunk(&mut self, session: &mut Session, range: Range<u64>) -> Result<Response> {
        let part = format!("{}-{}", range.start, range.end - 1);
        let is_first = range.start == 0;
        let request = Request::new(Verb::PATCH, session.location.clone())
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_RANGE, &part)
            .content(&mut self.reader, range);
        let response = self.repository.client.send(request, &self.repository.scopes).await?;
        match response.status {
            StatusCode::ACCEPTED | StatusCode::CREATED | StatusCode::OK | StatusCode::NO_CONTENT => {
                Ok(response)
            }
            _ => {
                session.follow(&response)?;
                self.is_corrected = is_correction(&response);
                let error = response.into_error().await;
                self.is_corrected &=
                    !error.response().is_some_and(|said| said.problems.mentions("too large"));
                Err(if is_first && takes_no_chunks(&error) {
                    Error::ChunksRefused(Box::new(error))
                } else {
                    error
                })
            }
        }
    }

    /// Where the blob goes on after a chunk that was taken. What the registry says of it is a hint: when it
    /// does not fit what was sent, it is asked again.
    async fn acknowledged(
        &mut self,
        session: &mut Session,
        response: &Response,
        sent: &Range<u64>,
    ) -> Result<u64> {
        let knowledge = &self.repository.client.knowledge;
        let said = response.header("range").filter(|_| knowledge.trusts_range()).and_then(uploaded);
        if said.is_none_or(|said| said.fits(sent.end)) {
            return Ok(sent.end);
        }
        match self.status(session).await? {
            Some(status) if status.fits(sent.end) => {
                knowledge.range_lied();
                Ok(sent.end)
            }
            Some(Uploaded::Bytes(held)) if Some(Uploaded::Bytes(held)) == said && held <= sent.end => {
                Ok(held)
            }
            // Two different answers, neither of which is ours.
            _ => Err(response.protocol("the registry does not know how much of the upload it has")),
        }
    }

    /// Asks how much of an upload the registry has. `None` when it does not say.
    async fn status(&mut self, session: &mut Session) -> Result<Option<Uploaded>> {
        let request = Request::get(session.location.clone());
        let response = self.repository.client.send(request, &self.repository.scopes).await?;
        match response.status {
            StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
                session.follow(&response)?;
                let said = response.header("range").and_then(uploaded);
                response.discard().await;
                Ok(said)
            }
            _ => Err(response.into_error().await),
        }
    }

    /// Finds out after a failure where the blob goes on, as far as the upload has survived.
    async fn take_up(&mut self, session: &mut Session, chunks: &mut Chunks, error: Error) -> Result<()> {
        match error.status().map(|status| status.as_u16()) {
            Some(413) => {
                if chunks.chunk / 2 < session.minimum_chunk.max(1) {
                    return Err(error);
                }
                // The next blob need not find it out again.
                let _ = self.repository.client.knowledge.too_large(chunks.chunk);
                chunks.chunk /= 2;
            }
            None | Some(408 | 425 | 429 | 499 | 500 | 502 | 503 | 504 | 522 | 524) => {
                chunks.resumes += 1;
                if chunks.resumes > MOST_RESUMES {
                    return Err(error);
                }
                self.backoff.wait(error).await?;
            }
            Some(_) if std::mem::take(&mut self.is_corrected) => {
                chunks.corrections += 1;
                if chunks.corrections > MOST_CORRECTIONS {
                    return Err(error);
                }
            }
            _ => return Err(error),
        }
        let asked = self.status(session).await;
        let held = match asked {
            Ok(Some(Uploaded::Bytes(held))) => held,
            // One byte or none; whether it is one only matters where we have sent one.
            Ok(Some(Uploaded::OneOrNone)) if chunks.offset <= 1 => chunks.offset,
            Ok(_) => return Err(lost(session)),
            Err(error) if error.status() == Some(StatusCode::METHOD_NOT_ALLOWED) => {
                return Err(lost(session));
            }
            Err(error) => return Err(error),
        };
        if held > chunks.size {
            return Err(lost(session));
        }
        self.is_resumed |= held != chunks.offset;
        chunks.offset = held;
        if !self.reader.can_read_from(held) {
            return Err(
                crate::content::Error::NotReplayable { digest: self.reader.node().digest.clone() }.into()
            );
        }
        Ok(())
    }
}

/// How far the sending of a blob is.
struct Chunks {
    offset: u64,
    size: u64,
    chunk: u64,
    corrections: u32,
    resumes: u32,
}

impl Chunks {
    fn next(&self) -> Range<u64> {
        self.offset..self.size.min(self.offset.saturating_add(self.chunk))
    }
}

/// Does the registry refuse a chunk because the upload goes on elsewhere?
fn is_correction(response: &Response) -> bool {
    let says_where = response.location().is_some() && response.header("range").is_some();
    match response.status.as_u16() {
        416 => true,
        401 | 403 | 404 | 413 | 429 => false,
        status => says_where && (400..500).contains(&status),
    }
}

fn takes_no_chunks(error: &Error) -> bool {
    let Some(response) = error.response() else { return false };
    let unsupported = ["UNSUPPORTED", "BLOB_UPLOAD_INVALID"].iter().any(|code| response.problems.has(code));
    match response.status.as_u16() {
        405 | 501 => true,
        400 => unsupported,
        _ => false,
    }
}

/// The upload cannot be gone on with.
fn lost(session: &Session) -> Error {
    Error::UploadLost { host: session.location.host_str().unwrap_or_default().to_owned() }
}
