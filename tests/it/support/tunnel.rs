//! A line between a client and a real server that breaks where a test wants it to.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::runtime::SERVERS;

/// Passes bytes on to a server until it is dropped.
pub(crate) struct Tunnel {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: watch::Sender<()>,
}

#[derive(Default)]
struct Shared {
    /// Bytes that may still go to the server, and to the client; `None` is any number.
    limits: [Mutex<Option<usize>>; 2],
    cuts: AtomicUsize,
}

impl Tunnel {
    /// A line to a server, given as `localhost:PORT`.
    pub(crate) fn to(host: &str) -> Self {
        Self::from(std::net::TcpListener::bind("127.0.0.1:0").unwrap(), host)
    }

    /// A line whose near end has an address of IPv6; `None` on a machine without.
    pub(crate) fn over_ipv6(host: &str) -> Option<Self> {
        Some(Self::from(std::net::TcpListener::bind("[::1]:0").ok()?, host))
    }

    fn from(listener: std::net::TcpListener, host: &str) -> Self {
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (shared, stop) = (Arc::new(Shared::default()), watch::Sender::new(()));
        let server = host.replace("localhost", "127.0.0.1");
        SERVERS.spawn(accept(listener, server, shared.clone(), stop.subscribe()));
        Self { address, shared, _stop: stop }
    }

    /// `localhost:PORT` of this end.
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// The address of this end.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts the connection on which the so manieth byte from now goes to the server; that byte arrives.
    pub(crate) fn cut_upload_after(&self, bytes: usize) {
        *self.shared.limits[0].lock().unwrap() = Some(bytes);
    }

    /// Cuts the connection on which the so manieth byte from now goes to the client; that byte arrives.
    pub(crate) fn cut_download_after(&self, bytes: usize) {
        *self.shared.limits[1].lock().unwrap() = Some(bytes);
    }

    /// How often a connection was cut.
    pub(crate) fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: std::net::TcpListener,
    server: String,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<()>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let client = tokio::select! {
            _ = stop.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((client, _)) = client else { continue };
        let (server, shared, mut stop) = (server.clone(), shared.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                _ = stop.changed() => {}
                () = join(client, &server, &shared) => {}
            }
        });
    }
}

/// Passes bytes both ways. Both connections end with a reset when one direction is cut.
async fn join(mut client: TcpStream, server: &str, shared: &Shared) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let cut = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let up = pass(from_client, to_server, &shared.limits[0]);
        let down = pass(from_server, to_client, &shared.limits[1]);
        tokio::pin!(up, down);
        tokio::select! {
            ended = &mut up => ended.is_err() || down.await.is_err(),
            ended = &mut down => ended.is_err() || up.await.is_err(),
        }
    };
    if cut {
        shared.cuts.fetch_add(1, Ordering::SeqCst);
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Passes bytes on to the end of a stream. The error is that the line is to be cut.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    limit: &Mutex<Option<usize>>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            let _ = to.shutdown().await;
            return Ok(());
        };
        let passed = take(limit, count);
        if to.write_all(&buffer[..passed.unwrap_or(count)]).await.is_err() {
            return Ok(());
        }
        if passed.is_some() {
            let _ = to.flush().await;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    }
}

/// How many of these bytes are the last to pass; `None` when all of them do and more may follow.
fn take(limit: &Mutex<Option<usize>>, count: usize) -> Option<usize> {
    let mut limit = limit.lock().unwrap();
    let left = (*limit)?;
    *limit = left.checked_sub(count).filter(|left| *left > 0);
    limit.is_none().then_some(left)
}
