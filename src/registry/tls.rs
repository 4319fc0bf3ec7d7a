//! TLS: whom we trust, and how we show who we are.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};

use super::{Origin, TransportError};

/// Whom we trust, and how we show who we are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsOptions {
    /// Do not check the registry's certificate.
    pub insecure: bool,
    /// PEM file of the certificates that are trusted instead of the system's, for the registry.
    pub ca_file: Option<PathBuf>,
    /// PEM files of our certificate and of its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Why the TLS settings are of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file could not be read.
    #[error("open {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The configuration for connections to an origin; `home` is the registry.
///
/// # Errors
/// A file cannot be read or does not hold what it should.
pub(crate) fn client_config(
    options: &TlsOptions,
    origin: &Origin,
    home: &Origin,
) -> Result<ClientConfig, TlsError> {
    let is_home = origin == home;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3");
    let builder = if options.insecure && is_home {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Unchecked))
    } else {
        let own = options.ca_file.as_ref().filter(|_| is_home);
        let roots = own.map_or_else(|| Ok(system_roots()), |path| read_roots(path).map(Arc::new))?;
        builder.with_root_certificates(roots)
    };
    let Some((certificate, key)) = options.identity.as_ref().filter(|_| is_home) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = read_certificates(certificate)?;
    let pem = std::fs::read(key).map_err(|source| TlsError::Io { path: key.clone(), source })?;
    let parsed = PrivateKeyDer::from_pem_slice(&pem);
    let parsed =
        parsed.map_err(|error| TlsError::Invalid { path: key.clone(), reason: error.to_string() })?;
    builder
        .with_client_auth_cert(chain, parsed)
        .map_err(|error| TlsError::Invalid { path: key.clone(), reason: error.to_string() })
}

/// A configuration for clients that only speak http: making it reads nothing.
pub(crate) fn unused() -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

/// Says in our words what went wrong with TLS.
pub(crate) fn explain(error: &rustls::Error) -> TransportError {
    use rustls::{CertificateError, Error};
    let advice = match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Some("name the certificate authority of the registry with --ca-file")
        }
        Error::InvalidMessage(_) => Some("if the registry speaks plain http, use --plain-http"),
        _ => None,
    };
    let is_final = matches!(error, Error::InvalidCertificate(_) | Error::InvalidMessage(_));
    TransportError::Tls { reason: error.to_string(), advice, is_final }
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}

/// The system's roots of trust, or Mozilla's where the system has none.
fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let load = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Arc::new(roots)
    };
    ROOTS.get_or_init(load).clone()
}

fn read_roots(path: &PathBuf) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(read_certificates(path)?);
    Ok(roots)
}

fn read_certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = std::fs::read(path).map_err(|source| TlsError::Io { path: path.clone(), source })?;
    let invalid = |reason: String| TlsError::Invalid { path: path.clone(), reason };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| invalid(error.to_string()))?;
    if certificates.is_empty() {
        return Err(invalid("it holds no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}

/// Accepts every certificate, as `--insecure` asks for.
#[derive(Debug)]
struct Unchecked;

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
