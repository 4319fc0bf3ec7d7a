//! The one place where a request is sent: connections, one exchange over them, and bodies on their way.
//!
//! Redirects, retries and who we are is decided above, in `transport` and `client`.

use std::{
    collections::HashMap,
    error::Error as StdError,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::TryStreamExt as _;
pub(crate) use reqwest::{
    Method, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use tokio::time::Instant;
use url::Url;

use super::{
    Error, Limits, Options, Origin, TransportError,
    body::{Incoming, Outgoing, Sent},
    origin::is_internal,
    response::Response,
    retry::Failure,
    tls,
    trace::bare_url,
};

/// Connections that are kept for a host after their last use.
const IDLE: Duration = Duration::from_secs(90);
const KEEPALIVE: Duration = Duration::from_secs(30);
/// An object store hashes what it got before it answers; so many bytes take it a second.
const BYTES_PER_SECOND: u64 = 16 << 20;

/// Which protocol a request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    /// What both sides agree on: many small answers share a connection.
    Negotiated,
    /// HTTP/1.1, for the bytes of blobs: a connection each, so that none waits for another.
    Http1,
}

/// Connections, a pool for each origin, made when first needed.
pub(crate) struct Connections {
    options: Arc<Options>,
    home: Origin,
    pools: Mutex<HashMap<(Origin, Protocol), Pool>>,
    /// Addresses of names, so that one command stays with the same machines.
    names: Arc<Names>,
    /// Failures of connections that many requests share, by origin.
    shared_failures: Mutex<HashMap<Origin, u32>>,
}

#[derive(Clone)]
struct Pool {
    client: reqwest::Client,
    asked: tls::Asked,
    /// Where to connect to instead, when the user said so.
    detour: Option<Detour>,
}

#[derive(Clone)]
struct Detour {
    host: Option<String>,
    port: u16,
    authority: HeaderValue,
}

/// One request to one origin.
pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Outgoing,
    /// Bytes that the server has to look at before it answers, apart from the body.
    pub(crate) settles: u64,
    pub(crate) protocol: Protocol,
}

impl Connections {
    pub(crate) fn new(options: Arc<Options>, home: Origin) -> Self {
        let names = Arc::new(Names::default());
        Self { options, home, pools: Mutex::default(), names, shared_failures: Mutex::default() }
    }

    /// Is the registry inside our network, by its name or by its address?
    pub(crate) fn is_home_internal(&self) -> bool {
        self.home.is_internal()
            || self.names.known(self.home.host()).iter().any(|address| is_internal(address.ip()))
    }

    /// Sends one request and waits for the beginning of its answer.
    ///
    /// # Errors
    /// No answer came, or the content to be sent could not be read.
    pub(crate) async fn exchange(&self, hop: Hop) -> Result<Response, (Error, Failure)> {
        let Hop { method, url, headers, body, settles, protocol } = hop;
        let fail = |error, failure| {
            let url = bare_url(&url);
            (Error::Exchange { method: method.to_string(), url, source: error }, failure)
        };
        let Some(origin) = Origin::of(&url) else {
            return Err(fail(TransportError::Broken { reason: "unsupported scheme".into() }, Failure::Final));
        };
        let pool = self.pool(&origin, protocol).map_err(|error| (error, Failure::Final))?;
        let mut request = reqwest::Request::new(method.clone(), url.clone());
        *request.headers_mut() = headers;
        if let Some(detour) = &pool.detour {
            detour.apply(&mut request);
        }
        let limits = self.options.limits;
        let length = body.length();
        let extra = Duration::from_secs(settles.max(length.unwrap_or_default()) / BYTES_PER_SECOND);
        if length.is_some() || matches!(method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE) {
            // Without it the body would be sent in chunks of unknown number, which registries refuse.
            request.headers_mut().insert(header::CONTENT_LENGTH, length.unwrap_or_default().into());
        }
        *request.body_mut() = match body.start(&limits) {
            Sent::Nothing => None,
            Sent::Bytes(bytes) => Some(bytes.into()),
            Sent::Stream(stream) => Some(reqwest::Body::wrap_stream(stream)),
        };
        let sent = watch(pool.client.execute(request), &body, extra, &limits).await;
        if let Some(error) = body.failure() {
            return Err((Error::Content(error), Failure::Final));
        }
        let response = match sent {
            Err(error) => return Err(fail(error, Failure::Broken)),
            Ok(Err(error)) => {
                let (error, failure) = match (explain(&error, &origin, &limits), pool.asked.explain()) {
                    ((TransportError::Broken { .. }, _), Some(refused)) => (refused, Failure::Final),
                    (explained, _) => explained,
                };
                match failure {
                    // The machine may be gone; its name may have others.
                    Failure::Connect => self.names.forget(origin.host()),
                    Failure::Broken if protocol == Protocol::Negotiated => self.shared_failure(&origin),
                    _ => {}
                }
                return Err(fail(error, failure));
            }
            Ok(Ok(response)) => response,
        };
        pool.asked.answered();
        let (status, headers) = (response.status(), response.headers().clone());
        let is_registry = origin == self.home;
        let stream =
            response.bytes_stream().map_err(|error| TransportError::Broken { reason: reason(&error) });
        let body = Incoming::new(Box::pin(stream), &limits, method.as_str(), bare_url(&url));
        let (retry_after, repeated, hints) = (None, 0, Vec::new());
        let hidden = Arc::default();
        Ok(Response {
            method,
            url,
            origin,
            is_registry,
            status,
            headers,
            retry_after,
            repeated,
            hints,
            hidden,
            body,
        })
    }

    fn pool(&self, origin: &Origin, protocol: Protocol) -> Result<Pool, Error> {
        // Without TLS there is nothing to agree on, so both share one pool.
        let protocol = if origin.is_secure() && self.may_share(origin) { protocol } else { Protocol::Http1 };
        let key = (origin.clone(), protocol);
        if let Some(pool) = self.locked().get(&key) {
            return Ok(pool.clone());
        }
        // Two tasks may come here at once; the first one's pool is kept.
        let pool = self.make_pool(origin, protocol)?;
        Ok(self.locked().entry(key).or_insert(pool).clone())
    }

    fn shared_failure(&self, origin: &Origin) {
        let mut failures = self.shared_failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures.entry(origin.clone()).or_default() += 1;
    }

    /// May requests share a connection? Not where that has failed twice.
    fn may_share(&self, origin: &Origin) -> bool {
        let failures = self.shared_failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(origin).is_none_or(|failures| *failures < 2)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<(Origin, Protocol), Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_pool(&self, origin: &Origin, protocol: Protocol) -> Result<Pool, Error> {
        let options = &self.options;
        let refuse = |source: reqwest::Error| Error::Client {
            host: origin.authority(),
            source: source.without_url().into(),
        };
        let detour = self.detour(origin);
        let tls::Tls { config: mut tls, asked } = if origin.is_secure() {
            tls::client_config(&options.tls, origin, &self.home)?
        } else {
            // Reading the roots of trust takes time that plain http need not spend.
            tls::unused()
        };
        let negotiated = protocol == Protocol::Negotiated && detour.is_none();
        tls.alpn_protocols = if negotiated { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { Vec::new() };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(options.limits.connect)
            .pool_idle_timeout(IDLE)
            .tcp_keepalive(KEEPALIVE)
            .tcp_nodelay(true)
            .http2_adaptive_window(true);
        if !negotiated {
            builder = builder.http1_only();
        }
        let proxy = options.proxies.select(origin);
        let is_foreign = *origin != self.home && proxy.is_none();
        let guard = is_foreign && !options.internal_targets && self.is_home_external();
        builder = builder.dns_resolver(Resolver { names: self.names.clone(), guard });
        if let Some(proxy) = proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(refuse)?);
        }
        if let Some((resolve, host)) = self.resolve(origin) {
            builder = builder.resolve(host, resolve);
        }
        Ok(Pool { client: builder.build().map_err(refuse)?, asked, detour })
    }

    /// Is the registry known to be outside our network?
    fn is_home_external(&self) -> bool {
        let known = self.names.known(self.home.host());
        match self.home.address() {
            Some(address) => !is_internal(address),
            None => !known.is_empty() && !known.iter().any(|address| is_internal(address.ip())),
        }
    }

    fn resolve<'a>(&self, origin: &'a Origin) -> Option<(SocketAddr, &'a str)> {
        let mut rules = self.options.resolve.iter().rev();
        let host = origin.host().trim_matches(['[', ']']);
        let rule =
            rules.find(|rule| rule.host.trim_matches(['[', ']']) == host && rule.port == origin.port())?;
        Some((rule.address, host))
    }

    /// The library connects to the port of the URL, and to the host if that is an address: so the URL
    /// is changed where `--resolve` says otherwise, and the `Host` header is kept.
    fn detour(&self, origin: &Origin) -> Option<Detour> {
        let (address, _) = self.resolve(origin)?;
        let literal = origin.address().filter(|host| *host != address.ip() && !origin.is_secure());
        if literal.is_none() && address.port() == origin.port() {
            return None;
        }
        let host = literal.map(|_| match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        });
        let authority = HeaderValue::from_str(&origin.authority()).ok()?;
        Some(Detour { host, port: address.port(), authority })
    }
}

/// Addresses of names that were looked up.
#[derive(Default)]
struct Names(Mutex<HashMap<String, Vec<SocketAddr>>>);

impl Names {
    fn known(&self, name: &str) -> Vec<SocketAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default()
    }

    fn learn(&self, name: &str, addresses: &[SocketAddr]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), addresses.to_vec());
    }

    fn forget(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// Looks names up, each once. With a `guard`, a name that leads inside our network is refused.
struct Resolver {
    names: Arc<Names>,
    guard: bool,
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let (names, guard) = (self.names.clone(), self.guard);
        Box::pin(async move {
            let name = name.as_str();
            let mut addresses = names.known(name);
            if addresses.is_empty() {
                addresses = tokio::net::lookup_host((name, 0)).await?.collect();
                names.learn(name, &addresses);
            }
            if guard && addresses.iter().any(|address| is_internal(address.ip())) {
                return Err("the name leads into an internal network".into());
            }
            Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

impl Detour {
    fn apply(&self, request: &mut reqwest::Request) {
        request.headers_mut().insert(header::HOST, self.authority.clone());
        let url = request.url_mut();
        if let Some(host) = &self.host {
            // Cannot fail: it is the text of an address.
            let _ = url.set_host(Some(host));
        }
        let _ = url.set_port(Some(self.port));
    }
}

/// Waits for an answer as long as something moves.
async fn watch<T>(
    sending: impl Future<Output = T>,
    body: &Outgoing,
    extra: Duration,
    limits: &Limits,
) -> Result<T, TransportError> {
    let patience = limits.headers + extra;
    // What is in memory is handed over at once; how far it has got cannot be seen.
    let slow = Duration::from_secs(body.length().unwrap_or_default() / limits.slowest.max(1));
    let started = Instant::now();
    tokio::pin!(sending);
    loop {
        let (deadline, phase, limit) = match body.sending() {
            // The library itself limits the time for a connection.
            None if body.length().is_none() => {
                (started + limits.connect + patience, "awaiting response headers", patience)
            }
            None => (started + limits.connect + slow + patience, "sending the request", slow + patience),
            Some(sending) => match (sending.finished, sending.deadline) {
                (Some(finished), _) => (finished + patience, "awaiting response headers", patience),
                (None, Some(deadline)) => (deadline, "sending the request body", limits.stall),
                // Our own content is waited for, and has time limits of its own.
                (None, None) => (Instant::now() + limits.stall, "", limits.stall),
            },
        };
        tokio::select! {
            biased;
            sent = &mut sending => return Ok(sent),
            () = tokio::time::sleep_until(deadline) => {}
        }
        let moved = body.sending().is_some_and(|now| {
            now.finished.is_none_or(|finished| finished + patience > Instant::now())
                && now.deadline.is_none_or(|deadline| deadline > Instant::now())
        });
        if !moved {
            return Err(TransportError::Timeout { phase, limit });
        }
    }
}

/// Says in our words why no answer came, and whether trying again makes sense.
fn explain(error: &reqwest::Error, origin: &Origin, limits: &Limits) -> (TransportError, Failure) {
    let when = if error.is_connect() { Failure::Connect } else { Failure::Broken };
    if let Some(cause) = causes(error).find_map(tls_error) {
        let error = tls::explain(cause);
        let is_final = matches!(error, TransportError::Tls { is_final: true, .. });
        return (error, if is_final { Failure::Final } else { when });
    }
    let reason = reason(error);
    let host = origin.host().to_owned();
    let error = match () {
        () if error.is_dns() => TransportError::Lookup { host, reason },
        () if error.is_timeout() => TransportError::Timeout { phase: "connect", limit: limits.connect },
        () if !error.is_connect() => TransportError::Broken { reason },
        () if ["tunnel", "proxy", "socks"].iter().any(|word| reason.to_lowercase().contains(word)) => {
            TransportError::Proxy { reason }
        }
        () => TransportError::Connect { address: format!("{host}:{}", origin.port()), reason },
    };
    (error, when)
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// An error of the operating system's kind hides the one that it was made of, perhaps more than once.
fn tls_error<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = cause;
    while let Some(inner) = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        cause = inner;
    }
    cause.downcast_ref()
}

/// What the innermost cause says, as a lower-case clause. No cause below the library's own error holds a URL.
fn reason(error: &reqwest::Error) -> String {
    let Some(cause) = causes(error).last() else { return "the connection broke".to_owned() };
    let text = cause.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let (first, rest) = text.split_at(text.char_indices().nth(1).map_or(text.len(), |(at, _)| at));
    first.to_lowercase() + rest
}

#[cfg(test)]
mod tests {
    use reqwest::dns::Resolve as _;

    use super::*;

    async fn resolve(names: &Arc<Names>, name: &str, guard: bool) -> Result<Vec<SocketAddr>, String> {
        let resolver = Resolver { names: names.clone(), guard };
        let resolved = resolver.resolve(name.parse().unwrap()).await;
        resolved.map(Iterator::collect).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_and_again_when_its_machines_are_gone() {
        let names = Arc::new(Names::default());
        let address: SocketAddr = "192.0.2.1:0".parse().unwrap();
        names.learn("registry.invalid", &[address]);
        assert_eq!(resolve(&names, "registry.invalid", false).await, Ok(vec![address]));
        names.forget("registry.invalid");
        assert!(resolve(&names, "registry.invalid", false).await.is_err());
        let local = resolve(&names, "localhost", false).await.unwrap();
        assert_eq!(names.known("localhost"), local);
    }

    #[tokio::test]
    async fn a_name_that_leads_into_the_network_is_refused_to_registries_outside() {
        let names = Arc::new(Names::default());
        assert!(resolve(&names, "localhost", true).await.unwrap_err().contains("internal network"));
        names.learn("storage.invalid", &["192.0.2.1:0".parse().unwrap(), "10.0.0.1:0".parse().unwrap()]);
        assert!(resolve(&names, "storage.invalid", true).await.is_err());
        names.learn("storage.invalid", &["192.0.2.1:0".parse().unwrap()]);
        assert!(resolve(&names, "storage.invalid", true).await.is_ok());
    }
}
