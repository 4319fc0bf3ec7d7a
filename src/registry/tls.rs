//! TLS: whom we trust, and how we show who we are.

mod advice;
mod asked;
mod certs_d;
mod pem;
mod roots;
mod verify;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
};

pub(crate) use advice::explain;
pub(crate) use asked::Asked;
pub use certs_d::CertsD;

use super::{Origin, auth::same_owner};

/// Whom we trust, and how we show who we are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsOptions {
    /// Do not check the registry's certificate. Others are checked all the same.
    pub insecure: bool,
    /// PEM file of the certificates that are trusted instead of the system's: for the registry, and for what
    /// belongs to the same domain.
    pub ca_file: Option<PathBuf>,
    /// PEM files of certificates that are trusted besides the system's, for the registry.
    pub authorities: Vec<PathBuf>,
    /// PEM files of our certificate and of its key, which are shown to the registry only.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Folders in which an administrator put certificates by host; these are trusted besides the system's.
    pub folders: Vec<CertsD>,
}

impl TlsOptions {
    /// Reads the files that the user named, so that a mistake is found also where no TLS is spoken.
    ///
    /// # Errors
    /// A file cannot be read or does not hold what it should.
    pub fn check(&self) -> Result<(), TlsError> {
        if let Some(path) = &self.ca_file {
            pem::certificates(path)?;
        }
        if let Some((certificate, key)) = &self.identity {
            pem::certified(certificate, key, &provider())?;
        }
        Ok(())
    }
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
    /// A certificate has no key beside it, or a key no certificate.
    #[error("{} is of no use without {}", path.display(), missing.display())]
    Alone {
        /// The file that is there.
        path: PathBuf,
        /// The file that is not.
        missing: PathBuf,
    },
}

/// How connections to an origin are made.
pub(crate) struct Tls {
    pub(crate) config: ClientConfig,
    /// Was a certificate of ours asked for?
    pub(crate) asked: Asked,
}

/// The configuration for connections to an origin; `home` is the registry.
///
/// # Errors
/// A file cannot be read or does not hold what it should.
pub(crate) fn client_config(options: &TlsOptions, origin: &Origin, home: &Origin) -> Result<Tls, TlsError> {
    let is_home = origin == home;
    let found = if is_home { certs_d::find(&options.folders, origin)? } else { certs_d::Found::default() };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3");
    let builder = if options.insecure && origin.host() == home.host() {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verify::Unchecked))
    } else {
        let is_family = origin.host() == home.host() || same_owner(origin.host(), home.host());
        let own = match options.ca_file.as_ref().filter(|_| is_family) {
            Some(path) => Some(pem::certificates(path)?),
            None => None,
        };
        let mut extra = Vec::new();
        for path in options.authorities.iter().filter(|_| is_home).chain(&found.authorities) {
            extra.extend(pem::certificates(path)?);
        }
        builder.dangerous().with_custom_certificate_verifier(verify::checked(own.as_deref(), &extra)?)
    };
    let identity = options.identity.as_ref().filter(|_| is_home).or(found.identity.as_ref());
    let own = match identity {
        Some((certificate, key)) => Some(pem::certified(certificate, key, &provider())?),
        None => None,
    };
    let asked = Asked::default();
    let config = builder.with_client_cert_resolver(asked.resolver(own));
    Ok(Tls { config, asked })
}

/// A configuration for clients that only speak http: making it reads nothing.
pub(crate) fn unused() -> Tls {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Tls { config, asked: Asked::default() }
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}
