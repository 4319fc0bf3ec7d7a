//! How a registry is talked to: everything that a user can decide.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use super::{
    auth::AuthOptions,
    parts::Parts,
    proxy::Proxies,
    tls::TlsOptions,
    trace::{Trace, Untraced},
};

/// How a registry is talked to.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// Speak http instead of https.
    pub plain_http: bool,
    /// Trust and client certificates.
    pub tls: TlsOptions,
    /// Who we are.
    pub auth: AuthOptions,
    /// Tells users apart without saying anything of them: content is only mounted from a repository that
    /// is used with the same number.
    pub identity: u64,
    /// What the command will do, so that one token serves all of it.
    pub access: Access,
    /// Addresses that are used instead of looking a name up. The last match wins.
    pub resolve: Vec<Resolve>,
    /// Names and values of headers that are added to requests to the registry itself.
    pub headers: Vec<(String, String)>,
    /// The name we go by.
    pub user_agent: String,
    /// Proxies, by what the user's environment says.
    pub proxies: Proxies,
    /// How referrers are stored and found.
    pub referrers: ReferrersMode,
    /// How long to wait for what.
    pub limits: Limits,
    /// How often and how long to try again.
    pub retries: Retries,
    /// When a blob is read over several connections.
    pub parts: Parts,
    /// Largest manifest, index or page of referrers that is read, in bytes: 4 MiB, at most 64 MiB.
    pub manifest_limit: u64,
    /// Bytes of a chunk, where a blob is sent in chunks: 16 MiB.
    pub chunk: u64,
    /// Largest blob that is sent in one piece, in bytes; `None` as the registry is known to take.
    pub whole: Option<u64>,
    /// Least time between two looks at a referrers tag that find it unchanged: 500 ms. Only then is an
    /// entry known to have survived other writers.
    pub settle: Duration,
    /// Follow a registry of the outside also to places inside our network.
    pub internal_targets: bool,
    /// Folder for locks that keep programs of one user from disturbing each other; `None`: do without.
    pub lock_folder: Option<PathBuf>,
    /// Who listens to requests and answers.
    pub trace: Arc<dyn Trace>,
    /// Where the API is when its host does not tell, and the name by which a mirror is told of the registry.
    pub(crate) api: Option<(url::Url, Option<String>)>,
    /// Tells the time of day, to read dates that a server sends.
    pub clock: fn() -> std::time::SystemTime,
}

impl Options {
    /// https, anonymous, no proxies, the default limits.
    #[must_use]
    pub fn new(clock: fn() -> std::time::SystemTime) -> Self {
        Self {
            plain_http: false,
            tls: TlsOptions::default(),
            auth: AuthOptions::default(),
            identity: 0,
            access: Access::Pull,
            resolve: Vec::new(),
            headers: Vec::new(),
            user_agent: concat!("oras-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxies: Proxies::default(),
            referrers: ReferrersMode::Auto,
            limits: Limits::default(),
            retries: Retries::default(),
            parts: Parts::default(),
            manifest_limit: crate::content::MANIFEST_LIMIT,
            chunk: 16 << 20,
            whole: None,
            settle: Duration::from_millis(500),
            internal_targets: false,
            lock_folder: None,
            trace: Arc::new(Untraced),
            api: None,
            clock,
        }
    }
}

impl fmt::Debug for Options {
    /// Headers of the user may be secrets, so nothing but the way of speaking is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("plain_http", &self.plain_http).finish_non_exhaustive()
    }
}

/// What a command will do with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Read.
    #[default]
    Pull,
    /// Read and write.
    Push,
    /// Read and delete.
    Delete,
}

/// How referrers are stored and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferrersMode {
    /// By the API where the registry has it, else by the tag schema.
    #[default]
    Auto,
    /// By the API only.
    Api,
    /// By the tag schema only.
    Tag,
}

/// An address that is used instead of looking a name up.
///
/// Only the connection goes there: the `Host` header, the name that TLS checks and the credentials stay
/// with the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// The host as it stands in URLs.
    pub host: String,
    /// The port as it stands in URLs.
    pub port: u16,
    /// Where to connect to.
    pub address: SocketAddr,
}

/// How long to wait for what. There is no limit on a whole request: a slow but steady transfer is never cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// For a connection, with the TLS handshake: 20 s.
    pub connect: Duration,
    /// For the beginning of an answer: 60 s, and one second for every 16 MiB of a blob that was just sent,
    /// since storage services hash it again.
    pub headers: Duration,
    /// Without any byte moving: 60 s.
    pub stall: Duration,
    /// Over which [`slowest`](Self::slowest) is taken: 5 min.
    pub window: Duration,
    /// Bytes per second below which a transfer counts as stalled: 1024.
    pub slowest: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            headers: Duration::from_secs(60),
            stall: Duration::from_secs(60),
            window: Duration::from_secs(300),
            slowest: 1024,
        }
    }
}

/// How often and how long to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retries {
    /// Repetitions of one request: 5.
    pub most: u32,
    /// First wait: 250 ms. Each next one is twice as long.
    pub first: Duration,
    /// Longest wait of our own choosing: 30 s.
    pub longest: Duration,
    /// Most time that one request spends waiting, also when the server asks for more: 120 s.
    pub budget: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            most: 5,
            first: Duration::from_millis(250),
            longest: Duration::from_secs(30),
            budget: Duration::from_secs(120),
        }
    }
}
