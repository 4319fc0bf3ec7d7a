//! Accepting connections, and breaking them in every way that a network has.

use std::{
    io,
    net::{Shutdown, TcpStream as StdStream},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use hyper::{Response, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};
use tokio_rustls::TlsAcceptor;

use super::{delivery::Delivery, log::Origin, service::Service};

/// A way to end one connection at once, from within the answer to one of its requests.
pub(crate) struct Switch {
    cut: Notify,
    reset: AtomicBool,
    flushes: watch::Sender<u64>,
    socket: StdStream,
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

    /// Writes bytes past the HTTP server, then ends the connection.
    pub(crate) fn write_raw_and_close(&self, mut bytes: &[u8]) {
        use std::io::Write as _;
        while !bytes.is_empty() {
            match (&self.socket).write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(_) => break,
            }
        }
        self.close();
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
    let Ok((stream, socket)) = duplicate(stream) else { return };
    let (flushes, _) = watch::channel(0);
    let switch = Arc::new(Switch { cut: Notify::new(), reset: AtomicBool::new(false), flushes, socket });
    let watched = Watched { stream, switch: switch.clone() };
    match acceptor {
        None => run(watched, origin, service, &switch).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(watched).await {
                run(stream, origin, service, &switch).await;
            }
        }
    }
    if !switch.reset.load(Ordering::SeqCst) {
        let _ = switch.socket.shutdown(Shutdown::Both);
    }
}

async fn run<S>(stream: S, origin: Origin, service: Arc<Service>, switch: &Arc<Switch>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handler = service_fn(|request| {
        let (service, switch) = (service.clone(), switch.clone());
        async move { Ok::<Response<Delivery>, io::Error>(service.answer(origin, request, switch).await) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    // What a client sends is not the test of this server.
    server.http1().max_buf_size(1 << 20).half_close(false);
    let connection = server.serve_connection(TokioIo::new(stream), handler);
    tokio::select! {
        _ = connection => {}
        () = switch.cut.notified() => {}
    }
}

fn duplicate(stream: TcpStream) -> io::Result<(TcpStream, StdStream)> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let copy = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, copy))
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
