//! Small servers for the tests of this folder: each answers by a function and remembers what it was asked.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{Options, Resolve, Trace, TraceEvent};

/// A request as a server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Decoded names and values.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }

    /// All values of a name in the query, joined by blanks.
    pub(crate) fn query(&self, name: &str) -> String {
        join(&self.query, name)
    }

    /// All values of a name in a form, joined by blanks.
    pub(crate) fn form(&self, name: &str) -> String {
        let form: Vec<_> = url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect();
        join(&form, name)
    }
}

fn join(pairs: &[(String, String)], name: &str) -> String {
    let values: Vec<_> =
        pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
    values.join(" ")
}

/// What a server answers.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub(crate) fn json(body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::status(200) }.header("content-type", "application/json")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A server on loopback, which runs as long as the test's runtime.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<Seen>>>,
}

impl Party {
    pub(crate) async fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let party = Self { address: listener.local_addr().unwrap(), log: Arc::default() };
        let (log, handler): (_, Arc<Handler>) = (party.log.clone(), Arc::new(handler));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, handler) = (log.clone(), handler.clone());
                tokio::spawn(serve(stream, log, handler));
            }
        });
        party
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The rule by which a name leads here.
    pub(crate) fn named(&self, host: &str) -> Resolve {
        Resolve { host: host.to_owned(), port: self.address.port(), address: self.address }
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.log.lock().unwrap().clone()
    }

    /// `METHOD path` of each request.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.requests().iter().filter(|seen| seen.path == path).count()
    }

    /// Was a text part of any request, in whatever way?
    pub(crate) fn has_seen(&self, text: &str) -> bool {
        format!("{:?}", self.requests()).contains(text)
    }
}

pub(crate) async fn serve<S>(stream: S, log: Arc<Mutex<Vec<Seen>>>, handler: Arc<Handler>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (log, handler) = (log.clone(), handler.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let text =
                |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let query = parts.uri.query().unwrap_or_default();
            let seen = Seen {
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
                headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
                body: String::from_utf8_lossy(&body).into_owned(),
            };
            log.lock().unwrap().push(seen.clone());
            let reply = handler(&seen);
            let mut response = hyper::Response::builder().status(reply.status);
            for (name, value) in reply.headers {
                response = response.header(name, value);
            }
            Ok::<_, Infallible>(response.body(Full::new(Bytes::from(reply.body))).unwrap())
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Keeps everything that listeners are told, in the form in which it can be shown.
#[derive(Default)]
pub(crate) struct Recorder {
    all: Mutex<Vec<String>>,
    notices: Mutex<Vec<String>>,
}

impl Recorder {
    pub(crate) fn notices(&self) -> Vec<String> {
        self.notices.lock().unwrap().clone()
    }

    pub(crate) fn all(&self) -> String {
        self.all.lock().unwrap().join("\n")
    }
}

impl Trace for Recorder {
    fn begin(&self) -> Option<u64> {
        Some(0)
    }

    fn event(&self, event: &TraceEvent<'_>) {
        self.all.lock().unwrap().push(format!("{event:?}"));
        if let TraceEvent::Notice(text) = event {
            self.notices.lock().unwrap().push((*text).to_owned());
        }
    }
}

/// Options for plain http that try nothing twice.
pub(crate) fn options(trace: Arc<dyn Trace>) -> Options {
    let mut options = Options::new(std::time::SystemTime::now);
    options.plain_http = true;
    options.retries.most = 0;
    options.trace = trace;
    options
}
