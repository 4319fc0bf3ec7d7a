//! Requests to one registry, by someone: what `transport` sends, with an answer to the question who we are.

use std::sync::Arc;

use tokio::sync::Semaphore;
use url::Url;

use super::{
    Error, Options, Origin, Result,
    auth::{Authenticator, Challenged, MOST_ANSWERS},
    endpoint::Endpoint,
    http::{StatusCode, header},
    knowledge::Knowledge,
    location::{self, Purpose},
    response::Response,
    scope::Scopes,
    session::Errands,
    trace::bare_url,
    transport::{Request, Transport},
};

/// One registry, as one user sees it. Shared by all its repositories.
pub(crate) struct Client {
    transport: Arc<Transport>,
    authenticator: Authenticator,
    endpoint: Endpoint,
    /// What the registry has taught us.
    pub(crate) knowledge: Knowledge,
    /// Requests that nobody waits for.
    pub(crate) errands: Errands,
    /// Whoever has this reads a blob over several connections.
    pub(crate) spare: Arc<Semaphore>,
}

impl Client {
    /// Reads no file and sends nothing yet.
    ///
    /// # Errors
    /// The text is no host.
    pub(crate) fn new(host: &str, options: Options) -> Result<Self> {
        let endpoint = match &options.api {
            Some((base, namespace)) => Endpoint::at(base, namespace.as_deref())?,
            None => Endpoint::new(host, options.plain_http)?,
        };
        let knowledge = Knowledge::of(endpoint.origin().host(), options.chunk, options.whole);
        let transport = Arc::new(Transport::new(Arc::new(options), endpoint.origin().clone()));
        let authenticator = Authenticator::new(transport.clone(), host);
        let (errands, spare) = (Errands::default(), Arc::new(Semaphore::new(1)));
        Ok(Self { transport, authenticator, endpoint, knowledge, errands, spare })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn options(&self) -> &Options {
        self.transport.options()
    }

    /// Sends a request. Answers of any status are returned.
    ///
    /// # Errors
    /// No answer came, it leads where we do not go, or no token could be had.
    pub(crate) async fn send(&self, mut request: Request<'_>, scopes: &Scopes) -> Result<Response> {
        // Other places than the registry have been given what they need in their URL.
        let home = Some(self.transport.home());
        let Some(origin) = Origin::of(&request.url).filter(|origin| Some(origin) == home) else {
            return self.transport.send(&mut request).await;
        };
        request.authorization = self.authenticator.preset(scopes).await;
        let mut attempt = 0;
        loop {
            let mut response = self.transport.send(&mut request).await?;
            let is_refusal = matches!(response.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            if response.origin != origin || !is_refusal {
                return Ok(response);
            }
            let challenges: Vec<_> =
                response.headers.get_all(header::WWW_AUTHENTICATE).iter().cloned().collect();
            let is_challenge = response.status == StatusCode::UNAUTHORIZED || !challenges.is_empty();
            let may_repeat = attempt < MOST_ANSWERS && request.is_replayable();
            if !is_challenge || !may_repeat {
                response.hints = self.authenticator.hints(&response, scopes).await;
                return Ok(response);
            }
            let rejected = request.authorization.take();
            let (url, status, rejected) = (&response.url, response.status, rejected.as_ref());
            let challenged = Challenged { url, status, challenges: &challenges, rejected, attempt };
            let Some(answer) = self.authenticator.answer(&challenged, scopes).await? else {
                response.hints = self.authenticator.hints(&response, scopes).await;
                return Ok(response);
            };
            request.authorization = Some(answer);
            response.discard().await;
            attempt += 1;
        }
    }

    /// The token server that was trusted because the credential was shown for the first time.
    pub(crate) fn first_use(&self) -> Option<Origin> {
        self.authenticator.first_use()
    }

    /// Sends a request and expects one of these statuses.
    ///
    /// # Errors
    /// As [`send`](Self::send), or the status is another one.
    pub(crate) async fn expect(
        &self,
        request: Request<'_>,
        scopes: &Scopes,
        statuses: &[StatusCode],
    ) -> Result<Response> {
        self.send(request, scopes).await?.expect(statuses).await
    }

    /// Where an answer says that it goes on; `None` when it does not say.
    ///
    /// # Errors
    /// It leads where we do not go.
    pub(crate) fn resolve_location(&self, response: &Response, purpose: Purpose) -> Result<Option<Url>> {
        let Some(location) = response.location() else { return Ok(None) };
        match location::resolve(&response.url, location, self.transport.allows_internal(), purpose) {
            Ok(url) => Ok(Some(url)),
            Err(reason) => {
                let target = response.url.join(location).map_or_else(|_| String::new(), |url| bare_url(&url));
                let (method, url) = (response.method.to_string(), bare_url(&response.url));
                Err(Error::Refused { method, url, target, reason })
            }
        }
    }

    /// Says something that only helps to find out why something else happened.
    pub(crate) fn detail(&self, text: &str) {
        self.options().trace.event(&super::TraceEvent::Detail(text));
    }

    /// Says something that a person should know.
    pub(crate) fn notice(&self, text: &str) {
        self.options().trace.event(&super::TraceEvent::Notice(text));
    }
}
