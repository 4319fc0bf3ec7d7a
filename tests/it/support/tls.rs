//! Certificate authorities of tests, and the certificates that they sign.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};

/// What a server on this machine is called.
const LOCAL: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// Signs certificates; nobody trusts it unless told to.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    /// A new one.
    pub(crate) fn new() -> Self {
        let mut parameters = named(&[], "Test Authority");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let (der, pem) = (certificate.der().clone(), certificate.pem());
        Self { issuer: Issuer::new(parameters, key), der, pem }
    }

    /// Its certificate as PEM, for `--ca-file` and the like.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Its certificate.
    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// A certificate for a server on this machine.
    pub(crate) fn server(&self) -> Identity {
        self.server_called(LOCAL)
    }

    /// A certificate for a server of these names and addresses.
    pub(crate) fn server_called(&self, names: &[&str]) -> Identity {
        self.sign(&server_parameters(names))
    }

    /// A certificate for a server on this machine that ended long ago.
    pub(crate) fn expired_server(&self) -> Identity {
        let mut parameters = server_parameters(LOCAL);
        (parameters.not_before, parameters.not_after) =
            (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
        self.sign(&parameters)
    }

    /// A certificate for a server on this machine that says its name in the old place only.
    pub(crate) fn server_with_common_name_only(&self) -> Identity {
        let mut parameters = named(&[], "localhost");
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&parameters)
    }

    /// A certificate for a client.
    pub(crate) fn client(&self, name: &str) -> Identity {
        let mut parameters = named(&[], name);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&parameters)
    }

    fn sign(&self, parameters: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        Identity::new(certificate.der().clone(), certificate.pem(), &key)
    }
}

/// A certificate with its key.
#[derive(Clone)]
pub(crate) struct Identity {
    /// The certificate as PEM.
    pub(crate) certificate: String,
    /// The key as PEM (PKCS#8).
    pub(crate) key: String,
    der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

impl Identity {
    fn new(der: CertificateDer<'static>, certificate: String, key: &KeyPair) -> Self {
        Self { certificate, key: key.serialize_pem(), der, key_der: key.serialize_der() }
    }

    /// Certificate chain and key.
    pub(crate) fn der(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (vec![self.der.clone()], PrivateKeyDer::Pkcs8(self.key_der.clone().into()))
    }

    /// A server on this machine that nobody vouches for.
    pub(crate) fn self_signed() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = server_parameters(LOCAL).self_signed(&key).unwrap();
        Self::new(certificate.der().clone(), certificate.pem(), &key)
    }
}

impl Identity {
    /// A server on this machine that signs for itself, as an authority: what `openssl req -x509` makes.
    pub(crate) fn self_signed_authority() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = named(LOCAL, LOCAL[0]);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap();
        Self::new(certificate.der().clone(), certificate.pem(), &key)
    }
}

fn named(names: &[&str], common_name: &str) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters
}

fn server_parameters(names: &[&str]) -> CertificateParams {
    let mut parameters = named(names, names[0]);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters
}

/// How a server of a test speaks TLS.
#[derive(Clone)]
pub(crate) struct ServerTls {
    identity: Identity,
    clients_of: Option<CertificateDer<'static>>,
    http2: bool,
}

impl ServerTls {
    /// With this certificate; HTTP/2 is offered.
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity, clients_of: None, http2: true }
    }

    /// Clients must have a certificate of this authority.
    pub(crate) fn for_clients_of(mut self, authority: &Authority) -> Self {
        self.clients_of = Some(authority.der.clone());
        self
    }

    /// HTTP/2 is not offered.
    pub(crate) fn http1_only(mut self) -> Self {
        self.http2 = false;
        self
    }

    /// The configuration for a server.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = match &self.clients_of {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let (chain, key) = self.identity.der();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if self.http2 {
            config.alpn_protocols.insert(0, b"h2".to_vec());
        }
        Arc::new(config)
    }
}
