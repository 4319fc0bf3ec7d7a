//! A plain HTTP client for tests of the tests' own servers: no redirects, no retries, no
//! proxy but the one it is given.

use std::sync::Arc;

use reqwest::{Client, Proxy, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};

use super::tls::Identity;

/// A client that trusts these certificates and no others, and goes through a proxy if there is one.
pub(crate) fn client_through(proxy: Option<&str>, roots: &[CertificateDer<'_>]) -> Client {
    build(proxy, roots, None)
}

/// A client with a certificate of its own.
pub(crate) fn client_as(identity: &Identity, roots: &[CertificateDer<'_>]) -> Client {
    build(None, roots, Some(identity))
}

fn build(proxy: Option<&str>, roots: &[CertificateDer<'_>], identity: Option<&Identity>) -> Client {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone().into_owned()).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store);
    let mut config = match identity {
        Some(identity) => {
            let (chain, key) = identity.der();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let builder = Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy();
    let builder = match proxy {
        Some(url) => builder.proxy(Proxy::all(url).unwrap()),
        None => builder,
    };
    builder.build().unwrap()
}

/// A client that trusts these certificates and no others.
pub(crate) fn client_trusting(roots: &[CertificateDer<'_>]) -> Client {
    client_through(None, roots)
}

/// A client for plain HTTP.
pub(crate) fn client() -> Client {
    client_trusting(&[])
}
