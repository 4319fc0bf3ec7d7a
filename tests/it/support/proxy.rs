//! An HTTP proxy and a SOCKS proxy. Both can lead names that do not exist to servers of the test, since
//! loopback addresses are never asked for through a proxy.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::runtime::SERVERS;

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `CONNECT` and requests with a whole URL.
    Http,
    /// SOCKS version 5.
    Socks,
}

/// A proxy that runs until it is dropped.
pub(crate) struct Proxy {
    protocol: Protocol,
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: watch::Sender<()>,
}

#[derive(Default)]
struct Shared {
    names: Mutex<HashMap<String, SocketAddr>>,
    password: Option<(String, String)>,
    seen: Mutex<Vec<String>>,
}

impl Proxy {
    /// A proxy for everybody.
    pub(crate) fn start(protocol: Protocol) -> Self {
        Self::launch(protocol, None)
    }

    /// A proxy for those who know the password.
    pub(crate) fn with_password(protocol: Protocol, user: &str, password: &str) -> Self {
        Self::launch(protocol, Some((user.to_owned(), password.to_owned())))
    }

    fn launch(protocol: Protocol, password: Option<(String, String)>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { password, ..Shared::default() });
        let stop = watch::Sender::new(());
        SERVERS.spawn(accept(listener, protocol, shared.clone(), stop.subscribe()));
        Self { protocol, address, shared, _stop: stop }
    }

    /// Leads `host:port` to a server of the test.
    pub(crate) fn leads(&self, name: &str, address: SocketAddr) {
        self.shared.names.lock().unwrap().insert(name.to_owned(), address);
    }

    /// `http://127.0.0.1:PORT`, or `socks5h` for that protocol.
    pub(crate) fn url(&self) -> String {
        self.url_with("")
    }

    /// The URL with a user and a password in it.
    pub(crate) fn url_as(&self, user: &str, password: &str) -> String {
        self.url_with(&format!("{user}:{password}@"))
    }

    fn url_with(&self, user: &str) -> String {
        let scheme = if self.protocol == Protocol::Http { "http" } else { "socks5h" };
        format!("{scheme}://{user}{}", self.address)
    }

    /// What was asked for: `CONNECT host:port`, or a method and a URL; refusals end with ` refused`.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }
}

async fn accept(
    listener: std::net::TcpListener,
    protocol: Protocol,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<()>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    let mut ended = stop.clone();
    loop {
        let client = tokio::select! {
            _ = ended.changed() => return,
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => client,
                Err(_) => continue,
            },
        };
        stop.mark_unchanged();
        let (shared, mut stop) = (shared.clone(), stop.clone());
        tokio::spawn(async move {
            // Connections end as clients end them; a failure of one is that client's to notice.
            let _ = tokio::select! {
                _ = stop.changed() => Ok(()),
                ended = serve(client, protocol, &shared) => ended,
            };
        });
    }
}

async fn serve(client: TcpStream, protocol: Protocol, shared: &Shared) -> io::Result<()> {
    match protocol {
        Protocol::Http => http(client, shared).await,
        Protocol::Socks => socks(client, shared).await,
    }
}

async fn http(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let (head, rest) = read_head(&mut client).await?;
    let (line, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !shared.lets_in(headers) {
        shared.note(&format!("{method} {target} refused"));
        let refusal =
            b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\n\
                        Content-Length: 0\r\nConnection: close\r\n\r\n";
        return client.write_all(refusal).await;
    }
    shared.note(&format!("{method} {target}"));
    if method == "CONNECT" {
        let Ok(mut server) = shared.connect(target).await else {
            return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
        };
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        return copy_bidirectional(&mut client, &mut server).await.map(drop);
    }
    let (authority, path) = split_url(target);
    let mut server = shared.connect(&authority).await?;
    // One request for each connection, so that none goes by unseen.
    let hop = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !name.is_empty() && !name.starts_with("proxy-") && name != "connection"
    };
    let kept: Vec<&str> = headers.split("\r\n").filter(hop).collect();
    let head = format!("{method} {path} HTTP/1.1\r\n{}\r\nconnection: close\r\n\r\n", kept.join("\r\n"));
    server.write_all(head.as_bytes()).await?;
    server.write_all(&rest).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// `host:port` and path of an `http` URL.
fn split_url(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let port = if authority.contains(':') { "" } else { ":80" };
    (format!("{authority}{port}"), if path.is_empty() { "/".to_owned() } else { path.to_owned() })
}

/// Reads to the end of a request's head; what follows was read too early.
async fn read_head(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            bytes.truncate(end);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// RFC 1928, with RFC 1929 where there is a password.
async fn socks(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    const NO_PASSWORD: u8 = 0;
    const PASSWORD: u8 = 2;
    const NONE: u8 = 0xff;
    client.read_u8().await?;
    let offered = read_counted(&mut client).await?;
    let wanted = if shared.password.is_some() { PASSWORD } else { NO_PASSWORD };
    if !offered.contains(&wanted) {
        shared.note("refused");
        return client.write_all(&[5, NONE]).await;
    }
    client.write_all(&[5, wanted]).await?;
    if let Some((user, password)) = &shared.password {
        client.read_u8().await?;
        let (given_user, given) = (read_counted(&mut client).await?, read_counted(&mut client).await?);
        let good = given_user == user.as_bytes() && given == password.as_bytes();
        if !good {
            shared.note("refused");
        }
        client.write_all(&[1, u8::from(!good)]).await?;
        if !good {
            return Ok(());
        }
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    let host = match request[3] {
        1 => Ipv4Addr::from(client.read_u32().await?).to_string(),
        4 => format!("[{}]", Ipv6Addr::from(client.read_u128().await?)),
        _ => String::from_utf8_lossy(&read_counted(&mut client).await?).into_owned(),
    };
    let target = format!("{host}:{}", client.read_u16().await?);
    shared.note(&format!("CONNECT {target}"));
    let server = shared.connect(&target).await;
    let reply = u8::from(server.is_err());
    client.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut server?).await.map(drop)
}

/// A byte that counts, and the bytes that it counts.
async fn read_counted(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(client.read_u8().await?)];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

impl Shared {
    fn note(&self, text: &str) {
        self.seen.lock().unwrap().push(text.to_owned());
    }

    fn lets_in(&self, headers: &str) -> bool {
        let Some((user, password)) = &self.password else { return true };
        let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
        headers
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .any(|(name, value)| name.eq_ignore_ascii_case("proxy-authorization") && value.trim() == expected)
    }

    async fn connect(&self, target: &str) -> io::Result<TcpStream> {
        let led = self.names.lock().unwrap().get(target).copied();
        match led {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect(target).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::{Authority, ServerTls, TestRegistry, http};

    async fn get(proxy: Option<String>, url: &str, authority: Option<&Authority>) -> Option<u16> {
        let roots: Vec<_> = authority.map(|authority| authority.der().clone()).into_iter().collect();
        let client = http::client_through(proxy.as_deref(), &roots);
        client.get(url).send().await.ok().map(|response| response.status().as_u16())
    }

    #[tokio::test]
    async fn names_that_do_not_exist_lead_to_servers_of_the_test() {
        let authority = Authority::new();
        let plain = TestRegistry::start().await;
        let tls = ServerTls::new(authority.server_called(&["registry.test"]));
        let secure = TestRegistry::builder().tls(tls).start().await;
        for protocol in [Protocol::Http, Protocol::Socks] {
            let proxy = Proxy::start(protocol);
            proxy.leads("registry.test:80", plain.address());
            proxy.leads("registry.test:443", secure.address());
            assert_eq!(get(Some(proxy.url()), "http://registry.test/v2/", None).await, Some(200));
            let url = "https://registry.test/v2/";
            assert_eq!(get(Some(proxy.url()), url, Some(&authority)).await, Some(200));
            let first = match protocol {
                Protocol::Http => "GET http://registry.test/v2/",
                Protocol::Socks => "CONNECT registry.test:80",
            };
            assert_eq!(proxy.seen(), [first, "CONNECT registry.test:443"]);
        }
        assert_eq!(plain.lines(), ["GET /v2/ 200", "GET /v2/ 200"]);
    }

    #[tokio::test]
    async fn a_proxy_with_a_password_lets_in_those_who_know_it() {
        let registry = TestRegistry::start().await;
        for protocol in [Protocol::Http, Protocol::Socks] {
            let proxy = Proxy::with_password(protocol, "alice", "wonderland");
            proxy.leads("registry.test:80", registry.address());
            let url = "http://registry.test/v2/";
            assert_eq!(get(Some(proxy.url_as("alice", "wonderland")), url, None).await, Some(200));
            let refused = get(Some(proxy.url_as("alice", "wrong")), url, None).await;
            assert!(refused.is_none_or(|status| status == 407), "{refused:?}");
            assert!(proxy.seen()[1].ends_with("refused"), "{:?}", proxy.seen());
        }
        assert_eq!(registry.requests().len(), 2);
        assert!(!registry.requests().iter().any(|request| request.contains("wonderland")));
    }
}
