//! Whether the other side asked for a certificate of ours.
//!
//! A server that wants one and gets none, or another one, often just ends the connection: TLS 1.3 lets it say
//! why only later, when nobody listens any more.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use rustls::{SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};

use crate::registry::TransportError;

const ASKED: u8 = 1;
const SHOWN: u8 = 2;
const ANSWERED: u8 = 4;

/// What is known of one origin. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked(Arc<AtomicU8>);

impl Asked {
    /// Shows this certificate, or none, and takes note of being asked.
    pub(super) fn resolver(&self, own: Option<Arc<CertifiedKey>>) -> Arc<dyn ResolvesClientCert> {
        Arc::new(Resolver { own, asked: self.clone() })
    }

    /// Takes note of an answer: certificates were no obstacle.
    pub(crate) fn answered(&self) {
        self.0.fetch_or(ANSWERED, Ordering::Relaxed);
    }

    /// Why a connection ended, if it was because of our certificate.
    pub(crate) fn explain(&self) -> Option<TransportError> {
        let seen = self.0.load(Ordering::Relaxed);
        let reason = match (seen & ANSWERED, seen & ASKED, seen & SHOWN) {
            (0, ASKED, 0) => "the registry asks for a client certificate",
            (0, ASKED, SHOWN) => "the registry does not accept our client certificate",
            _ => return None,
        };
        let advice = Some("show a certificate with --cert-file and --key-file");
        Some(TransportError::Tls { reason: reason.to_owned(), advice, is_final: true })
    }
}

#[derive(Debug)]
struct Resolver {
    own: Option<Arc<CertifiedKey>>,
    asked: Asked,
}

impl ResolvesClientCert for Resolver {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let own = self.own.clone().filter(|own| own.key.choose_scheme(schemes).is_some());
        self.asked.0.fetch_or(if own.is_some() { ASKED | SHOWN } else { ASKED }, Ordering::Relaxed);
        own
    }

    fn has_certs(&self) -> bool {
        // Said also without any, so that being asked is noticed.
        true
    }
}
