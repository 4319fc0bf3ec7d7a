//! A request until it is answered: redirects, retries, and what listeners are told.
//!
//! Who we are is decided above, in `client`.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher as _, RandomState},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use super::{
    Error, Options, Origin, Result,
    endpoint::Endpoint,
    hidden::Hidden,
    http::{Connections, HeaderMap, HeaderName, HeaderValue, Hop, Method, Protocol, header},
    location::{self, Purpose},
    payload::{Payload, Reader},
    quota::{self, Quota},
    response::Response,
    retry::{self, Attempt, Decision, Failure, Repeat},
    trace::{self, BodyText, SHOWN_BODY, TraceEvent, bare_url},
    warning,
};

/// Redirects of one request.
const MOST_REDIRECTS: usize = 10;
/// A window for which nobody waits.
const USED_UP: Duration = Duration::from_secs(3600);
/// Different warnings of one registry that are passed on.
const MOST_WARNINGS: usize = 20;

/// A request that may be sent several times.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload<'a>,
    pub(crate) repeat: Repeat,
    pub(crate) protocol: Protocol,
    /// Bytes that the server has to look at before it answers, apart from the body.
    pub(crate) settles: u64,
    /// Goes to the origin of the URL only.
    pub(crate) authorization: Option<HeaderValue>,
    /// Which redirects are followed.
    pub(crate) redirects: Redirects,
    /// Is the body of the answer secret?
    confidential: bool,
}

/// Which redirects a request follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Redirects {
    /// How many.
    pub(crate) most: usize,
    /// Only those that stay at the origin.
    pub(crate) same_origin: bool,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            payload: Payload::Nothing,
            repeat: Repeat::Always,
            protocol: Protocol::Negotiated,
            settles: 0,
            authorization: None,
            redirects: Redirects { most: MOST_REDIRECTS, same_origin: false },
            confidential: false,
        }
    }

    /// Keeps the body of the answer from listeners.
    pub(crate) fn confidential(mut self) -> Self {
        self.confidential = true;
        self
    }

    pub(crate) fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    pub(crate) fn head(url: Url) -> Self {
        Self::new(Method::HEAD, url)
    }

    /// Adds a header; a value that no header can have is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn bytes(mut self, bytes: Bytes) -> Self {
        self.payload = Payload::Bytes(bytes);
        self
    }

    /// Sends a part of some content, and only as long as nobody can have seen it twice.
    pub(crate) fn content(mut self, reader: &'a mut Reader, range: Range<u64>) -> Self {
        self.payload = Payload::Content { reader, range };
        self.repeat = Repeat::UntilSent;
        self.protocol = Protocol::Http1;
        self
    }

    /// Reads or writes the bytes of a blob.
    pub(crate) fn over(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Closes an upload of so many bytes, which the server may hash before it answers.
    pub(crate) fn closing(mut self, bytes: u64) -> Self {
        self.settles = bytes;
        self
    }

    /// Sends it again only when nobody can have seen it.
    pub(crate) fn once(mut self) -> Self {
        self.repeat = Repeat::UntilSent;
        self
    }

    /// Can it be sent once more?
    pub(crate) fn is_replayable(&self) -> bool {
        self.payload.is_replayable()
    }
}

/// Sends requests to a registry, and to wherever it sends us.
pub(crate) struct Transport {
    options: Arc<Options>,
    home: Origin,
    connections: Connections,
    /// Until when an origin wants to be left alone.
    pauses: Mutex<HashMap<Origin, Instant>>,
    warned: Mutex<HashSet<String>>,
    hidden: Arc<Hidden>,
}

impl Transport {
    pub(crate) fn new(options: Arc<Options>, home: Origin) -> Self {
        Self {
            connections: Connections::new(options.clone(), home.clone()),
            options,
            home,
            pauses: Mutex::default(),
            warned: Mutex::default(),
            hidden: Arc::default(),
        }
    }

    /// The registry.
    pub(crate) fn home(&self) -> &Origin {
        &self.home
    }

    /// May we be sent to places inside our network?
    pub(crate) fn allows_internal(&self) -> bool {
        self.options.internal_targets || self.connections.is_home_internal()
    }

    /// Keeps a secret that is about to be sent in a body out of what is said about the answer.
    pub(crate) fn hide(&self, secret: &str) {
        self.hidden.add(secret);
    }

    /// How it is talked to.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Sends a request, follows redirects, and repeats what makes sense to repeat. Answers of any status
    /// are returned.
    ///
    /// # Errors
    /// No answer came, or it leads where we do not go.
    pub(crate) async fn send(&self, request: &mut Request<'_>) -> Result<Response> {
        let mut attempt = Attempt { repeated: 0, waited: Duration::ZERO, retry_after: None, jitter: 0.0 };
        let mut restarted = false;
        loop {
            self.pause(&request.url).await;
            let result = self.follow(request).await;
            if !restarted && result.as_ref().is_ok_and(|response| has_expired(request, response)) {
                // A signed URL is good for a while only; the registry makes a new one.
                restarted = true;
                continue;
            }
            let failure = match &result {
                Ok(response) => Failure::Status(response.status.as_u16()),
                Err((_, failure)) => *failure,
            };
            let result = result.map(|mut response| {
                response.retry_after = self.asked_wait(&response);
                response.repeated = attempt.repeated;
                response
            });
            let result = match result {
                Ok(response) => match used_up(&response) {
                    Some(quota) => return Err(out_of(quota, response).await),
                    None => Ok(response),
                },
                Err(failed) => Err(failed),
            };
            attempt.retry_after = result.as_ref().ok().and_then(|response| response.retry_after);
            attempt.jitter = random();
            let decision = match request.is_replayable() {
                true => retry::decide(&self.options.retries, request.repeat, failure, attempt),
                false => Decision::GiveUp,
            };
            match (decision, result) {
                (Decision::GiveUp, result) => return result.map_err(|(error, _)| error),
                (Decision::TooLong(wait), Ok(response)) => {
                    let host = response.origin.authority();
                    return Err(Error::Throttled {
                        host,
                        wait,
                        source: Box::new(response.into_error().await),
                    });
                }
                (Decision::TooLong(_), Err((error, _))) => return Err(error),
                (Decision::Again(wait), result) => {
                    let url = request.url.clone();
                    self.wait(&url, result, wait, attempt.retry_after.is_some()).await;
                    attempt.repeated += 1;
                    attempt.waited += wait;
                }
            }
        }
    }

    /// Waits before a request is repeated; when the server asked for it, nobody else bothers it meanwhile.
    async fn wait(&self, url: &Url, result: Result<Response, (Error, Failure)>, wait: Duration, asked: bool) {
        let (host, reason) = match &result {
            Ok(response) => (Some(response.origin.clone()), response.status.to_string()),
            Err((error, _)) => (Origin::of(url), chain(error)),
        };
        if let Ok(response) = result {
            response.discard().await;
        }
        if let Some(host) = host {
            let event = TraceEvent::Waiting { host: &host.authority(), wait, reason: &reason };
            self.options.trace.event(&event);
            if asked {
                let until = Instant::now() + wait;
                let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
                let pause = pauses.entry(host).or_insert(until);
                *pause = until.max(*pause);
            }
        }
        tokio::time::sleep(wait).await;
    }

    /// Waits as long as a host wants to be left alone.
    async fn pause(&self, url: &Url) {
        let until = Origin::of(url).and_then(|origin| {
            self.pauses.lock().unwrap_or_else(PoisonError::into_inner).get(&origin).copied()
        });
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    fn asked_wait(&self, response: &Response) -> Option<Duration> {
        if !retry::heeds_retry_after(response.status) {
            return None;
        }
        let now = (self.options.clock)();
        let asked = response.header("retry-after");
        asked.and_then(|value| retry::retry_after(value, response.header("date"), now)).or_else(|| {
            let reset = response.header("x-ratelimit-reset").filter(|_| response.status.as_u16() == 429)?;
            quota::reset(reset, now)
        })
    }

    /// Sends a request once, and again wherever it is redirected to.
    async fn follow(&self, request: &mut Request<'_>) -> Result<Response, (Error, Failure)> {
        let first = Origin::of(&request.url);
        let mut url = request.url.clone();
        for _ in 0..=request.redirects.most {
            let is_first = Origin::of(&url) == first;
            let response = self.hop(request, url.clone(), is_first).await?;
            let Some(location) = response.location().filter(|_| is_redirect(&response)) else {
                return Ok(response);
            };
            let target = location::resolve(&url, location, self.allows_internal(), Purpose::Redirect)
                .and_then(|target| may_redirect(request, &response, &target).map(|()| target))
                .map(|target| self.named(target));
            url = match target {
                Ok(target) => target,
                Err(reason) => {
                    let target =
                        url.join(location).map_or_else(|_| String::new(), |target| bare_url(&target));
                    let (method, url) = (request.method.to_string(), bare_url(&url));
                    return Err((Error::Refused { method, url, target, reason }, Failure::Final));
                }
            };
            response.discard().await;
        }
        let reason = format!("more than {} redirects", request.redirects.most);
        let (method, url) = (request.method.to_string(), bare_url(&request.url));
        Err((Error::Protocol { method, url, reason }, Failure::Final))
    }

    async fn hop(
        &self,
        request: &mut Request<'_>,
        url: Url,
        is_first: bool,
    ) -> Result<Response, (Error, Failure)> {
        let headers = self.headers(request, &url, is_first);
        self.hidden.note(&headers, &self.custom_names());
        let body = request.payload.open().await.map_err(|error| (error, Failure::Final))?;
        let number = self.options.trace.begin();
        if let Some(number) = number {
            self.options.trace.event(&TraceEvent::Request {
                number,
                method: request.method.as_str(),
                url: &trace::redact_url(&url),
                headers: &trace::shown_headers(&headers, &self.custom_names()),
            });
        }
        let hop = Hop {
            method: request.method.clone(),
            url,
            headers,
            body: body.clone(),
            settles: request.settles,
            protocol: request.protocol,
        };
        let result = self.connections.exchange(hop).await;
        request.payload.take_back(&body);
        let mut response = match result {
            Ok(response) => response,
            Err((error, failure)) => {
                if let Some(number) = number {
                    self.options.trace.event(&TraceEvent::Failed { number, message: &chain(&error) });
                }
                return Err((error, failure));
            }
        };
        response.hidden = self.hidden.clone();
        if let Some(number) = number {
            self.show(number, &mut response, request.confidential).await;
        }
        self.warn(&response);
        Ok(response)
    }

    /// A mirror that leads to another place of its own is told there too of which registry it is asked.
    fn named(&self, target: Url) -> Url {
        let namespace = self.options.api.as_ref().and_then(|(_, namespace)| namespace.as_deref());
        if Origin::of(&target).as_ref() == Some(&self.home) {
            Endpoint::named(target, namespace)
        } else {
            target
        }
    }

    /// All headers of one hop. The user's own go to the registry, the authorization to where it was meant for.
    fn headers(&self, request: &Request<'_>, url: &Url, is_first: bool) -> HeaderMap {
        let mut headers = request.headers.clone();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let origin = Origin::of(url);
        if origin.as_ref() == Some(&self.home) {
            for (name, value) in &self.options.headers {
                let (name, value) = (HeaderName::try_from(name.trim()), HeaderValue::from_str(value.trim()));
                if let (Ok(name), Ok(value)) = (name, value) {
                    headers.append(name, value);
                }
            }
        }
        if let Some(authorization) = request.authorization.as_ref().filter(|_| is_first) {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        if let Ok(agent) = HeaderValue::from_str(&self.options.user_agent) {
            headers.insert(header::USER_AGENT, agent);
        }
        headers
    }

    fn custom_names(&self) -> Vec<String> {
        self.options.headers.iter().map(|(name, _)| name.trim().to_owned()).collect()
    }

    async fn show(&self, number: u64, response: &mut Response, confidential: bool) {
        let status = response.status;
        let text = trace::is_text(&response.content_type()) && !status.is_redirection();
        let length = response.length();
        let is_empty = response.method == Method::HEAD || length == Some(0) || status.as_u16() == 204;
        let body = match () {
            () if is_empty => Some(Vec::new()),
            () if confidential => None,
            () if !text || length.is_some_and(|length| length > SHOWN_BODY as u64) => None,
            () => response.body.peek(SHOWN_BODY).await,
        };
        let cleaned;
        let body = match &body {
            Some(body) => match trace::body_text(body) {
                BodyText::Text(text) => {
                    cleaned = self.hidden.clean(text);
                    BodyText::Text(&cleaned)
                }
                other => other,
            },
            None if confidential => BodyText::Secret,
            None if text => BodyText::TooLarge,
            None => BodyText::NotText,
        };
        let mut headers = trace::shown_headers(&response.headers, &self.custom_names());
        for (_, value) in &mut headers {
            *value = self.hidden.clean(value).into_owned();
        }
        self.options.trace.event(&TraceEvent::Response {
            number,
            status: &status.to_string(),
            headers: &headers,
            body,
        });
    }

    /// Passes the registry's warnings on, each once.
    fn warn(&self, response: &Response) {
        let lines = response.headers.get_all(header::WARNING).iter();
        for text in lines.flat_map(|line| warning::texts(&String::from_utf8_lossy(line.as_bytes()))) {
            let text = self.hidden.clean(&text).into_owned();
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            if warned.len() < MOST_WARNINGS && warned.insert(text.clone()) {
                drop(warned);
                let registry = &response.origin.authority();
                self.options.trace.event(&TraceEvent::Warning { registry, text: &text });
            }
        }
    }
}

async fn out_of(quota: Quota, response: Response) -> Error {
    let source_address = response.header("docker-ratelimit-source").map(trace::printable);
    let host = response.origin.authority();
    let source = Box::new(response.into_error().await);
    Error::UsedUp { host, requests: quota.requests, window: quota.window, source_address, source }
}

/// What the registry allows, when nothing of it is left for hours: to ask again would be of no use.
fn used_up(response: &Response) -> Option<Quota> {
    if response.status.as_u16() != 429 || response.retry_after.is_some() {
        return None;
    }
    let left = quota::quota(response.header("ratelimit-remaining")?)?;
    let allowed = response.header("ratelimit-limit").and_then(quota::quota).unwrap_or(left);
    (left.requests == 0 && left.window >= USED_UP).then_some(allowed)
}

/// Did a place refuse that the registry had sent us to?
fn has_expired(request: &Request<'_>, response: &Response) -> bool {
    matches!(request.method, Method::GET | Method::HEAD)
        && matches!(response.status.as_u16(), 400 | 401 | 403 | 410)
        && Origin::of(&request.url).is_some_and(|origin| origin != response.origin)
}

fn is_redirect(response: &Response) -> bool {
    matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// May this method be repeated at another place?
fn may_redirect(request: &Request<'_>, response: &Response, target: &Url) -> Result<(), location::Refusal> {
    let keeps_method = matches!(response.status.as_u16(), 307 | 308);
    let same_origin = Origin::of(target).as_ref() == Some(&response.origin);
    if request.redirects.same_origin && !same_origin {
        return Err("what is sent is not for another host");
    }
    match request.method {
        Method::GET | Method::HEAD => Ok(()),
        _ if !keeps_method => Err("a write is not redirected this way"),
        Method::DELETE if !same_origin => Err("a deletion is not redirected to another host"),
        _ if !request.is_replayable() => Err("the content cannot be sent again"),
        _ => Ok(()),
    }
}

/// An error with its causes, in one line.
fn chain(error: &Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A number between 0 and 1 that is another one each time.
pub(crate) fn random() -> f64 {
    let number = RandomState::new().hash_one(Instant::now());
    f64::from(u32::try_from(number >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}
