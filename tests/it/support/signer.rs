//! Signing tokens that a real registry verifies.

use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use rcgen::{CertificateParams, KeyPair, SigningKey as _};
use serde_json::{Value, json};

/// A key for tokens (ECDSA P-256), with a certificate that a registry is told to trust.
#[derive(Clone)]
pub(crate) struct Signer {
    key: Arc<KeyPair>,
    certificate: String,
    chain: Vec<String>,
    issuer: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.issuer)
    }
}

impl Signer {
    /// A new key of an issuer with this name.
    pub(crate) fn new(issuer: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([]).unwrap().self_signed(&key).unwrap();
        let chain = vec![BASE64_STANDARD.encode(certificate.der())];
        Self { key: Arc::new(key), certificate: certificate.pem(), chain, issuer: issuer.to_owned() }
    }

    /// The certificate as PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The issuer's name.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A token that says these things, among them who signed it.
    pub(super) fn sign(&self, mut claims: Value) -> String {
        claims["iss"] = json!(self.issuer);
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"typ": "JWT", "alg": "ES256", "x5c": self.chain});
        let text = format!("{}.{}", encode(&header), encode(&claims));
        let signature = fixed_width(&self.key.sign(text.as_bytes()).unwrap());
        format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Certificates have a signature as a DER sequence of two integers, tokens as two numbers of 32 bytes.
fn fixed_width(der: &[u8]) -> Vec<u8> {
    let mut numbers = &der[2..];
    let mut fixed = Vec::with_capacity(64);
    for _ in 0..2 {
        let (number, rest) = numbers[2..].split_at(usize::from(numbers[1]));
        let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
        let number = &number[start..];
        fixed.extend(std::iter::repeat_n(0, 32 - number.len()));
        fixed.extend_from_slice(number);
        numbers = rest;
    }
    fixed
}

#[test]
fn the_two_numbers_of_a_signature_are_padded_and_stripped() {
    let mut der = vec![0x30, 0x45, 2, 0x21, 0];
    der.extend([0x80; 32]);
    der.extend([2, 0x1f]);
    der.extend([1; 31]);
    let mut expected = vec![0x80; 32];
    expected.push(0);
    expected.extend([1; 31]);
    assert_eq!(fixed_width(&der), expected);
}
