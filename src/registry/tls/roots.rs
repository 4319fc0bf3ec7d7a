//! The roots of trust of the system.

use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;

/// The system's roots of trust, read when first needed; `SSL_CERT_FILE` and `SSL_CERT_DIR` replace them.
/// Mozilla's, which are built in, where the system has none: containers often lack them.
pub(super) fn system() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    ROOTS.get_or_init(|| Arc::new(choose(rustls_native_certs::load_native_certs()))).clone()
}

/// A file that was named and cannot be read is no reason to trust others.
fn choose(found: rustls_native_certs::CertificateResult) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() && found.errors.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_roots_serve_only_a_system_without_any() {
        let built_in = choose(rustls_native_certs::CertificateResult::default());
        assert_eq!(built_in.len(), webpki_roots::TLS_SERVER_ROOTS.len());

        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        let mut found = rustls_native_certs::CertificateResult::default();
        found.certs.push(certificate.der().clone());
        assert_eq!(choose(found).len(), 1);
    }
}
