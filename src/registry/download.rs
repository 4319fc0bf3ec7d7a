//! Reading blobs. A stream that breaks is continued where it broke.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};

use super::{
    Error, Result, TransportError,
    body::Incoming,
    http::{Protocol, StatusCode, header},
    manifests::check_digest,
    range::{ContentRange, content_range},
    repository::Inner,
    response::Response,
    retry::{self, Attempt, Decision, Failure, Repeat},
    transport::Request,
};
use crate::{content, oci::Descriptor};

/// How often the reading of one blob is taken up again.
const MOST_RESUMES: u32 = 50;
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
        let mut download = Download {
            repository: self.clone(),
            node: node.clone(),
            position: offset,
            open: None,
            resumes: 0,
            failures: 0,
        };
        if offset < node.size || node.size == 0 {
            download.open = Some(download.request().await?);
        }
        Ok(stream::try_unfold(download, |mut download| async move {
            Ok(download.next().await?.map(|piece| (piece, download)))
        }))
    }
}

/// A blob on its way.
struct Download {
    repository: Arc<Inner>,
    node: Descriptor,
    /// Bytes of the blob that were passed on, or skipped at the beginning.
    position: u64,
    open: Option<Open>,
    resumes: u32,
    /// Failures since something last came.
    failures: u32,
}

/// An answer that is being read.
struct Open {
    body: Incoming,
    /// Bytes at its beginning that are known already.
    skip: u64,
}

impl Download {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(open) = &mut self.open else { return Ok(None) };
            let error = match open.body.next().await {
                Some(Ok(mut piece)) => {
                    let skipped = usize::try_from(open.skip).unwrap_or(usize::MAX).min(piece.len());
                    open.skip -= skipped as u64;
                    let piece = piece.split_off(skipped);
                    if piece.is_empty() {
                        continue;
                    }
                    self.position += piece.len() as u64;
                    self.failures = 0;
                    return Ok(Some(piece));
                }
                None if self.position >= self.node.size => return Ok(None),
                None => self.truncated(),
                Some(Err(error)) => error,
            };
            self.open = Some(self.resume(error).await?);
        }
    }

    /// Asks for the rest after a failure, as long as there is hope.
    async fn resume(&mut self, mut error: Error) -> Result<Open> {
        let retries = self.repository.client.options().retries;
        let mut waited = Duration::ZERO;
        loop {
            self.resumes += 1;
            let attempt = Attempt { repeated: self.failures, waited, retry_after: None, jitter: 0.5 };
            let decision = match self.resumes > MOST_RESUMES {
                true => Decision::GiveUp,
                false => retry::decide(&retries, Repeat::Always, Failure::Broken, attempt),
            };
            let Decision::Again(wait) = decision else { return Err(error) };
            self.failures += 1;
            waited += wait;
            tokio::time::sleep(wait).await;
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
        let repository = &self.repository;
        let url = repository.client.endpoint().blob(&repository.name, &self.node.digest);
        let protocol = if self.node.size > SMALL { Protocol::Http1 } else { Protocol::Negotiated };
        let mut request = Request::get(url).over(protocol);
        if self.position > 0 {
            let range = format!("bytes={}-{}", self.position, self.node.size.saturating_sub(1));
            request = request.header(header::RANGE, &range);
        }
        let response = repository.client.send(request, &repository.scopes).await?;
        match response.status {
            StatusCode::OK => self.whole(response),
            StatusCode::PARTIAL_CONTENT if self.position > 0 => self.part(response),
            StatusCode::NOT_FOUND => Err(repository.not_found(&self.node.digest.to_string())),
            StatusCode::RANGE_NOT_SATISFIABLE if self.position > 0 => {
                Err(response.protocol("the registry has fewer bytes of the blob than it should"))
            }
            _ => Err(response.into_error().await),
        }
    }

    /// The whole blob: what is known of it already is read again and dropped.
    fn whole(&self, response: Response) -> Result<Open> {
        check_digest(Some(&self.node.digest), response.digest().as_ref())?;
        let encoded = response.headers.contains_key(header::CONTENT_ENCODING);
        match response.length().filter(|length| *length != self.node.size && !encoded) {
            None => Ok(Open { body: response.body, skip: self.position }),
            Some(actual) => {
                let (digest, expected) = (self.node.digest.clone(), self.node.size);
                Err(content::Error::SizeMismatch { digest, expected, actual: Some(actual) }.into())
            }
        }
    }

    /// A part of the blob, which has to begin where it should.
    fn part(&self, response: Response) -> Result<Open> {
        let range = response.header("content-range").and_then(content_range);
        match range {
            Some(ContentRange { start, total, .. })
                if start == self.position && total.is_none_or(|total| total == self.node.size) =>
            {
                Ok(Open { body: response.body, skip: 0 })
            }
            _ => Err(response.protocol("the registry sent another part of the blob than it was asked for")),
        }
    }

    fn truncated(&self) -> Error {
        let repository = &self.repository;
        let url = repository.client.endpoint().blob(&repository.name, &self.node.digest);
        let source = TransportError::Truncated { expected: self.node.size, got: self.position };
        Error::Exchange { method: "GET".to_owned(), url: url.into(), source }
    }
}
