//! Accepting connections, and breaking them in every way that a network has.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};
use tokio_rustls::TlsAcceptor;

use super::{log::Origin, service::Service};

/// A way to end one connection at once, from within the answer to one of its requests.
pub(crate) struct Switch {
    cut: Notify,
    reset: AtomicBool,
    last_words: Mutex<Bytes>,
    flushes: watch::Sender<u64>,
}

impl Switch {
    /// Ends the connection. What was flushed reaches the client; nothing else does.
    pub(crate) fn close(&self) {
        self.cut.notify_one();
    }

    /// Ends the connection with a reset instead of an orderly end.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
        self.cut.notify_one();
    }

    /// Ends the connection with these bytes, which need not be HTTP.
    pub(crate) fn close_saying(&self, bytes: &Bytes) {
        self.last_words.lock().unwrap().clone_from(bytes);
        self.cut.notify_one();
    }

    /// Waits until everything that was handed to the HTTP server since `mark` was written to the socket.
    pub(crate) async fn flushed_since(&self, mark: u64) {
        let _ = self.flushes.subscribe().wait_for(|count| *count > mark).await;
    }

    /// A mark for [`flushed_since`](Self::flushed_since).
    pub(crate) fn flush_mark(&self) -> u64 {
        *self.flushes.borrow()
    }
}

/// Accepts connections until `stop` is told or dropped.
pub(crate) async fn accept(
    listener: TcpListener,
    origin: Origin,
    service: Arc<Service>,
    acceptor: Option<TlsAcceptor>,
    accepted: Arc<AtomicUsize>,
    mut stop: watch::Receiver<bool>,
) {
    let mut ended = stop.clone();
    loop {
        let stream = tokio::select! {
            _ = ended.changed() => return,
            connection = listener.accept() => match connection {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        accepted.fetch_add(1, Ordering::SeqCst);
        stop.mark_unchanged();
        let (service, acceptor, mut stop) = (service.clone(), acceptor.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                _ = stop.changed() => {}
                () = serve(stream, origin, service, acceptor) => {}
            }
        });
    }
}

async fn serve(stream: TcpStream, origin: Origin, service: Arc<Service>, acceptor: Option<TlsAcceptor>) {
    let _ = stream.set_nodelay(true);
    let switch = Arc::new(Switch {
        cut: Notify::new(),
        reset: AtomicBool::new(false),
        last_words: Mutex::default(),
        flushes: watch::Sender::new(0),
    });
    let watched = Watched { stream, switch: switch.clone() };
    match acceptor {
        None => run(watched, origin, service, &switch).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(watched).await {
                run(stream, origin, service, &switch).await;
            }
        }
    }
}

async fn run<S>(stream: S, origin: Origin, service: Arc<Service>, switch: &Arc<Switch>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handler = service_fn(|request| {
        let (service, switch) = (service.clone(), switch.clone());
        async move { service.answer(origin, request, switch).await }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    // What a client sends is not the test of this server.
    server.http1().max_buf_size(1 << 20).half_close(false);
    let stream = Shared(Arc::new(Mutex::new(stream)));
    let connection = server.serve_connection(TokioIo::new(stream.clone()), handler);
    tokio::select! {
        _ = connection => {}
        () = switch.cut.notified() => end(stream, switch).await,
    }
}

async fn end<S: AsyncRead + AsyncWrite + Unpin>(mut stream: Shared<S>, switch: &Switch) {
    let words = switch.last_words.lock().unwrap().clone();
    if !words.is_empty() {
        // Whoever went away already hears nothing.
        let _ = stream.write_all(&words).await;
        let _ = stream.flush().await;
    }
}

/// A stream that can be written to when the HTTP server has let go of it.
struct Shared<S>(Arc<Mutex<S>>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Shared<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock().unwrap()).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Shared<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.lock().unwrap()).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock().unwrap()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock().unwrap()).poll_shutdown(cx)
    }
}

/// A stream that notes when everything was written, and that is reset on demand when it is dropped.
struct Watched {
    stream: TcpStream,
    switch: Arc<Switch>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.switch.reset.load(Ordering::SeqCst) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A TCP stream has no buffer of its own, so being asked to flush means that all was written.
        self.switch.flushes.send_modify(|count| *count += 1);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
