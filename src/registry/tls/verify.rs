//! Whether a certificate is believed.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::{TlsError, provider, roots};

/// Believes what `own` certificates vouch for, or without them what the system does; and what `extra` ones do.
pub(super) fn checked(
    own: Option<&[CertificateDer<'static>]>,
    extra: &[CertificateDer<'static>],
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let named: Vec<_> = own.into_iter().flatten().chain(extra).cloned().collect();
    let mut trusted = match own {
        Some(_) => Arc::new(RootCertStore::empty()),
        None => roots::system(),
    };
    if !named.is_empty() {
        Arc::make_mut(&mut trusted).add_parsable_certificates(named.iter().cloned());
    }
    if trusted.is_empty() {
        // Nobody is trusted, and the library makes no verifier for that.
        return Ok(Arc::new(Nobody));
    }
    let inner = WebPkiServerVerifier::builder_with_provider(trusted, provider())
        .build()
        .expect("there are roots, and no revocation lists that could be malformed");
    Ok(Arc::new(Checked { inner, named }))
}

/// Checks certificates as usual. A certificate that the user named is believed also when it is the server's
/// own: small registries sign for themselves, with a certificate that says it is an authority.
#[derive(Debug)]
struct Checked {
    inner: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Checked {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(certificate, chain, name, ocsp, now) {
            // By then its dates have been checked, but not its names.
            Err(error) if is_authority(&error) && self.named.iter().any(|named| named == certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Was the only fault that an authority's certificate is used as a server's?
fn is_authority(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.to_string() == "CaUsedAsEndEntity"
        }
        _ => false,
    }
}

/// Believes no certificate.
#[derive(Debug)]
struct Nobody;

/// Believes every certificate, as `--insecure` asks for.
#[derive(Debug)]
pub(super) struct Unchecked;

/// Both check signatures: only certificates are what they differ in.
macro_rules! check_signatures {
    ($name:ty, $verdict:expr) => {
        impl ServerCertVerifier for $name {
            fn verify_server_cert(
                &self,
                _: &CertificateDer<'_>,
                _: &[CertificateDer<'_>],
                _: &ServerName<'_>,
                _: &[u8],
                _: UnixTime,
            ) -> Result<ServerCertVerified, Error> {
                $verdict
            }

            fn verify_tls12_signature(
                &self,
                message: &[u8],
                certificate: &CertificateDer<'_>,
                signature: &DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, Error> {
                let algorithms = provider().signature_verification_algorithms;
                verify_tls12_signature(message, certificate, signature, &algorithms)
            }

            fn verify_tls13_signature(
                &self,
                message: &[u8],
                certificate: &CertificateDer<'_>,
                signature: &DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, Error> {
                let algorithms = provider().signature_verification_algorithms;
                verify_tls13_signature(message, certificate, signature, &algorithms)
            }

            fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
                provider().signature_verification_algorithms.supported_schemes()
            }
        }
    };
}

check_signatures!(Nobody, Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)));
check_signatures!(Unchecked, Ok(ServerCertVerified::assertion()));
