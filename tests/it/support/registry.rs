//! A registry in this process: the distribution specification 1.1 in memory, on loopback, whose answers a
//! test can bend.
//!
//! ```text
//! let registry = TestRegistry::start().await;
//! let node = registry.content("app").insert_artifact("a/b", &[("hi.txt", b"hi")]);
//! registry.on("GET", "/v2/app/blobs/*").times(2).then(Fault::close_after(1));
//! …
//! assert_eq!(registry.lines(), ["GET /v2/app/blobs/sha256:… 200", …]);
//! ```

mod access;
mod authorize;
mod blobs;
mod connection;
mod content;
mod delivery;
mod fault;
mod forward;
mod legacy;
mod lists;
mod log;
mod manifests;
mod message;
mod options;
mod referrers;
mod routes;
mod rules;
mod service;
mod state;
mod storage;
mod tests;
mod tokens;
mod uploads;

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

pub(crate) use access::Access;
pub(crate) use content::Content;
pub(crate) use fault::{Fault, Gate};
pub(crate) use log::{Origin, Recorded};
pub(crate) use rules::Condition;
#[allow(unused_imports, reason = "the vocabulary of tests, each of which uses some of it")]
pub(crate) use {
    message::{Answer, Request},
    options::{AfterCut, Builder, Chunks, Locations, Referrers},
    rules::Hits,
};

use self::{
    log::Log,
    options::Options,
    rules::Rules,
    service::{Hosts, Service},
    state::State,
};
use super::runtime::SERVERS;

/// A registry that runs until it is dropped.
pub(crate) struct TestRegistry {
    service: Arc<Service>,
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    _stop: watch::Sender<bool>,
}

impl TestRegistry {
    /// Starts one that follows the specification.
    pub(crate) async fn start() -> Self {
        Self::builder().start().await
    }

    /// Starts one that follows the specification, for tests that are not async.
    pub(crate) fn start_blocking() -> Self {
        Self::builder().start_blocking()
    }

    /// Starts one that is to behave otherwise.
    pub(crate) fn builder() -> Builder {
        Builder::default()
    }

    fn launch(options: Options) -> Self {
        let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (registry, tokens, storage) = (listen(), listen(), listen());
        let address = registry.local_addr().unwrap();
        let acceptor = options.tls.as_ref().map(|tls| TlsAcceptor::from(tls.config()));
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let origin = |listener: &TcpListener| {
            format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port())
        };
        let service = Arc::new(Service {
            state: Mutex::new(State::default()),
            log: Log::new(),
            rules: Rules::default(),
            hosts: Hosts { registry: origin(&registry), tokens: origin(&tokens), storage: origin(&storage) },
            options,
        });
        let stop = watch::Sender::new(false);
        let accepted = Arc::new(AtomicUsize::new(0));
        for (listener, origin) in
            [(registry, Origin::Registry), (tokens, Origin::Tokens), (storage, Origin::Storage)]
        {
            listener.set_nonblocking(true).unwrap();
            let (service, acceptor, stop) = (service.clone(), acceptor.clone(), stop.subscribe());
            let accepted = if origin == Origin::Registry { accepted.clone() } else { Arc::default() };
            SERVERS.spawn(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                connection::accept(listener, origin, service, acceptor, accepted, stop).await;
            });
        }
        Self { service, address, accepted, _stop: stop }
    }

    /// `localhost:PORT`, as it stands in a reference.
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://localhost:PORT` (`https` with TLS) and the path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.service.hosts.registry)
    }

    /// Scheme, host and port of the host that blobs are redirected to.
    pub(crate) fn storage_url(&self) -> &str {
        &self.service.hosts.storage
    }

    /// `localhost:PORT/NAME`, as it stands in a reference.
    pub(crate) fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }

    /// The content of a repository, to fill it and to look at it.
    pub(crate) fn content(&self, name: &str) -> Content<'_> {
        Content { service: &self.service, name: name.to_owned() }
    }

    /// Names of all repositories, sorted.
    pub(crate) fn repositories(&self) -> Vec<String> {
        self.service.state().repositories.keys().cloned().collect()
    }

    /// Says which requests the next fault is for: methods separated by commas, or `*`; a path in which `*`
    /// stands for any text. A path with `?` is compared with path and query.
    pub(crate) fn on(&self, methods: &str, path: &str) -> Condition<'_> {
        self.service.rules.on(methods, path)
    }

    /// Lets nothing go wrong any more.
    pub(crate) fn heal(&self) {
        self.service.rules.clear();
    }

    /// All requests so far, in the order in which they arrived.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.service.log.all()
    }

    /// One line for each request so far: `GET /v2/ 200`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(Recorded::line).collect()
    }

    /// The requests whose line matches a pattern in which `*` stands for any text.
    pub(crate) fn requests_like(&self, pattern: &str) -> Vec<Recorded> {
        self.requests().into_iter().filter(|request| rules::matches(pattern, &request.line())).collect()
    }

    /// How many requests there were whose line matches the pattern.
    pub(crate) fn count(&self, pattern: &str) -> usize {
        self.requests_like(pattern).len()
    }

    /// Fails if any request had this text in it, as it is, percent-encoded or within Basic.
    #[track_caller]
    pub(crate) fn never_saw(&self, secret: &str) {
        let seen: Vec<_> = self.requests().into_iter().filter(|request| request.contains(secret)).collect();
        assert!(seen.is_empty(), "{secret:?} was sent: {seen:#?}");
    }

    /// Forgets the requests so far.
    pub(crate) fn forget_requests(&self) {
        self.service.log.clear();
    }

    /// Waits until a request has been made whose line matches the pattern.
    pub(crate) async fn until(&self, pattern: &str) {
        let like = |request: &Recorded| rules::matches(pattern, &request.line());
        self.service.log.wait_until(|requests| requests.iter().any(like)).await;
    }

    /// Accepts none of the tokens any more that were given out.
    pub(crate) fn expire_tokens(&self) {
        self.service.state().tokens.clear();
    }

    /// Gives a user a refresh token, as a login elsewhere would have.
    pub(crate) fn new_refresh_token(&self, user: &str) -> String {
        let acr = self.service.options.access.tokens.acr;
        self.service.state().new_refresh_token(user, acr)
    }

    /// Scheme, host, port and path of the token server.
    pub(crate) fn realm(&self) -> String {
        self.service.realm()
    }

    /// Connections that were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}
