//! Reading blobs. A stream that breaks is continued where it broke.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::Instant;

use super::{
    Error, Result, TransportError,
    backoff::Backoff,
    blobs::blob_type,
    encoding::{Coding, Pieces},
    http::{Protocol, StatusCode, header},
    manifests::check_digest,
    parts::{Divided, Meter},
    range::content_range,
    repository::Inner,
    response::Response,
    transport::Request,
};
use crate::{
    content,
    oci::{Descriptor, Digest},
};

/// How often the reading of one blob is taken up again.
const MOST_RESUMES: u32 = 50;
/// How long the machines of a registry are given to tell each other of a blob.
pub(crate) const LAG: Duration = Duration::from_secs(1);
/// How long the first part of a blob that is to be divided is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Blobs up to this size, in bytes, share a connection with other requests.
const SMALL: u64 = 1 << 20;

impl Inner {
    /// Opens a blob at an offset. What comes is not checked here.
    ///
    /// The stream survives broken connections: nothing comes twice, and nothing is left out.
    pub(crate) async fn download(
        self: &Arc<Self>,
        node: &Descriptor,
        offset: u64,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let mut download = Download::new(self.clone(), node.clone(), offset);
        if offset < node.size || node.size == 0 {
            download.open = Some(download.request().await?);
        }
        Ok(download.stream())
    }

    /// Looks a blob up and opens it, in one request where the answer says how large the blob is. What comes
    /// is not checked here.
    pub(crate) async fn open_blob(self: &Arc<Self>, digest: &Digest) -> Result<(Descriptor, Pieces)> {
        let url = self.client.endpoint().blob(&self.name, digest);
        let response = self.client.send(Request::get(url).over(Protocol::Http1), &self.scopes).await?;
        if response.status == StatusCode::NOT_FOUND {
            return Err(self.not_found(&digest.to_string()));
        }
        let response = response.expect(&[StatusCode::OK]).await?;
        check_digest(Some(digest), response.digest().as_ref())?;
        let is_encoded = response.headers.contains_key(header::CONTENT_ENCODING);
        let Some(size) = response.length().filter(|_| !is_encoded) else {
            let node = self.resolve_blob(digest).await?;
            drop(response);
            let stream = self.download(&node, 0).await?;
            return Ok((node, Box::pin(stream)));
        };
        let node = Descriptor::new(blob_type(&response), digest.clone(), size);
        let mut download = Download::new(self.clone(), node.clone(), 0);
        download.open = Some(Open { body: Box::pin(response.body), skip: 0 });
        Ok((node, Box::pin(download.stream())))
    }
}

/// A blob on its way, or a part of one.
pub(super) struct Download {
    pub(super) repository: Arc<Inner>,
    node: Descriptor,
    /// Bytes of the blob that were passed on, or skipped at the beginning.
    pub(super) position: u64,
    /// Where it ends.
    pub(super) end: u64,
    pub(super) open: Option<Open>,
    resumes: u32,
    /// Failures since something last came.
    backoff: Backoff,
    meter: Meter,
    /// The rest, once it is read over several connections.
    divided: Option<Divided>,
}

/// An answer that is being read.
pub(super) struct Open {
    body: Pieces,
    /// Bytes at its beginning that are known already.
    skip: u64,
}

impl Download {
    fn new(repository: Arc<Inner>, node: Descriptor, position: u64) -> Self {
        let backoff = Backoff::new(&repository.client);
        let may_divide = repository.client.options().parts.at_once > 1;
        let (end, meter) = (node.size, Meter::new(may_divide));
        Self { repository, node, position, end, open: None, resumes: 0, backoff, meter, divided: None }
    }

    /// A part of the same blob, from here to there.
    pub(super) fn part(&self, start: u64, end: u64) -> Self {
        let part = Self::new(self.repository.clone(), self.node.clone(), start);
        Self { end, meter: Meter::new(false), ..part }
    }

    /// Opens a part. Says no unless what comes is that part; then nothing more is known of it.
    pub(super) async fn open_part(&mut self) -> bool {
        let opened = tokio::time::timeout(PATIENCE, self.request()).await;
        self.open = opened.ok().and_then(Result::ok).filter(|open| open.skip == 0);
        self.open.is_some()
    }

    fn stream(self) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
        stream::try_unfold(self, |mut download| async move {
            Ok(download.next().await?.map(|piece| (piece, download)))
        })
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        let parts = self.repository.client.options().parts;
        if self.meter.calls_for_parts(&parts, self.end - self.position) {
            self.divided = self.divide().await;
        }
        let Some(divided) = &mut self.divided else { return self.next_in_stream().await };
        match divided.next().await {
            Some(Ok(part)) => {
                self.position += part.len() as u64;
                Ok(Some(part))
            }
            None => Ok(None),
            // One stream may do what several cannot.
            Some(Err(_)) => {
                self.divided = None;
                self.next_in_stream().await
            }
        }
    }

    /// The next piece of the one stream.
    pub(super) async fn next_in_stream(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.open.is_none() && self.position < self.end {
                let open = self.request().await?;
                if self.end < self.node.size && open.skip > 0 {
                    // The whole blob instead of a part of it is too much.
                    return Err(self.truncated());
                }
                self.open = Some(open);
            }
            let Some(open) = &mut self.open else { return Ok(None) };
            if self.end < self.node.size && self.position >= self.end {
                return Ok(None);
            }
            let since = Instant::now();
            let error = match open.body.next().await {
                Some(Ok(mut piece)) => {
                    let skipped = usize::try_from(open.skip).unwrap_or(usize::MAX).min(piece.len());
                    open.skip -= skipped as u64;
                    let mut piece = piece.split_off(skipped);
                    if piece.is_empty() {
                        continue;
                    }
                    if self.end < self.node.size {
                        // The answer may hold more than this part.
                        piece.truncate(usize::try_from(self.end - self.position).unwrap_or(usize::MAX));
                    }
                    self.meter.piece(since, piece.len());
                    self.position += piece.len() as u64;
                    self.backoff.reset();
                    return Ok(Some(piece));
                }
                None if self.position >= self.end => return Ok(None),
                None => self.truncated(),
                Some(Err(error)) => error,
            };
            self.open = Some(self.resume(error).await?);
        }
    }

    /// Asks for the rest after a failure, as long as there is hope.
    async fn resume(&mut self, mut error: Error) -> Result<Open> {
        loop {
            self.resumes += 1;
            if self.resumes > MOST_RESUMES {
                return Err(error);
            }
            self.backoff.wait(error).await?;
            match self.request().await {
                Ok(open) => return Ok(open),
                // The request itself has been repeated already, as often as makes sense.
                Err(again) if again.transport().is_none() => return Err(again),
                Err(again) => error = again,
            }
        }
    }

    /// Asks for the blob from the position on.
    async fn request(&mut self) -> Result<Open> {
        let repository = self.repository.clone();
        let knowledge = &repository.client.knowledge;
        let url = repository.client.endpoint().blob(&repository.name, &self.node.digest);
        let protocol = if self.node.size > SMALL { Protocol::Http1 } else { Protocol::Negotiated };
        let mut may_lag = self.position > 0 || repository.has_pushed(Some(&self.node.digest));
        let mut is_ranged = self.position > 0;
        loop {
            is_ranged &= knowledge.has_ranges();
            let mut request = Request::get(url.clone()).over(protocol);
            if is_ranged {
                let range = format!("bytes={}-{}", self.position, self.end.saturating_sub(1));
                request = request.header(header::RANGE, &range);
            }
            let response = repository.client.send(request, &repository.scopes).await?;
            match response.status {
                StatusCode::OK => return self.whole(response).await,
                StatusCode::PARTIAL_CONTENT if is_ranged && self.is_next(&response) => {
                    return Ok(Open { body: Box::pin(response.body), skip: 0 });
                }
                // What it sent is of no use; the whole blob will be.
                StatusCode::PARTIAL_CONTENT if is_ranged => knowledge.lacks_ranges(),
                StatusCode::RANGE_NOT_SATISFIABLE if is_ranged => is_ranged = false,
                // Another machine of the registry may not have it yet.
                StatusCode::NOT_FOUND if may_lag => {
                    may_lag = false;
                    tokio::time::sleep(LAG).await;
                }
                StatusCode::NOT_FOUND => return Err(repository.not_found(&self.node.digest.to_string())),
                _ => return Err(response.into_error().await),
            }
        }
    }

    /// The whole blob: what is known of it already is read again and dropped.
    async fn whole(&mut self, response: Response) -> Result<Open> {
        check_digest(Some(&self.node.digest), response.digest().as_ref())?;
        let skip = self.position;
        let length = response.length();
        let coding = response.header("content-encoding").and_then(Coding::parse);
        match (length, coding) {
            (Some(length), _) if length == self.node.size => {}
            (_, Some(coding)) => {
                // Its ranges would be those of something else.
                self.repository.client.knowledge.lacks_ranges();
                let body = coding.settle(response.body, &self.node).await?;
                return Ok(Open { body, skip });
            }
            (Some(actual), None) => {
                let (digest, expected) = (self.node.digest.clone(), self.node.size);
                return Err(content::Error::SizeMismatch { digest, expected, actual: Some(actual) }.into());
            }
            (None, None) => {}
        }
        Ok(Open { body: Box::pin(response.body), skip })
    }

    /// Does a part begin where it should?
    fn is_next(&self, response: &Response) -> bool {
        let range = response.header("content-range").and_then(content_range);
        range.is_some_and(|range| {
            range.start == self.position && range.total.is_none_or(|total| total == self.node.size)
        })
    }

    fn truncated(&self) -> Error {
        let repository = &self.repository;
        let url = repository.client.endpoint().blob(&repository.name, &self.node.digest);
        let source = TransportError::Truncated { expected: self.end, got: self.position };
        Error::Exchange { method: "GET".to_owned(), url: url.into(), source }
    }
}
