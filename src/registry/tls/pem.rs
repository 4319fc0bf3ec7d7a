//! Certificates and keys in files of PEM form.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use super::TlsError;

/// Reads all certificates of a file; there is at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|_| invalid(path, "it is not PEM"))?;
    if certificates.is_empty() {
        return Err(invalid(path, "it holds no certificate in PEM form"));
    }
    Ok(certificates)
}

/// Reads a certificate with its chain, and its key: PKCS#8, PKCS#1 or SEC1.
pub(super) fn identity(
    certificate: &Path,
    key: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(certificate)?;
    let pem = read(key)?;
    let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        let text = String::from_utf8_lossy(&pem);
        if text.contains("ENCRYPTED") {
            invalid(key, "the key is encrypted; decrypt it first, such as with \"openssl pkey\"")
        } else {
            invalid(key, "it holds no key in PEM form")
        }
    })?;
    Ok((chain, private))
}

/// A certificate with its key, ready to be shown.
pub(super) fn certified(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let (chain, private) = identity(certificate, key)?;
    let own = CertifiedKey::from_der(chain, private, provider);
    own.map(Arc::new).map_err(|error| invalid(key, &error.to_string()))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let bytes = std::fs::read(path).map_err(|source| TlsError::Io { path: path.to_owned(), source })?;
    Ok(Zeroizing::new(bytes))
}

fn invalid(path: &Path, reason: &str) -> TlsError {
    TlsError::Invalid { path: PathBuf::from(path), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn key_pair() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["h".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    #[test]
    fn files_that_hold_no_certificate_are_named() {
        let cases = [
            ("", "no certificate"),
            ("no pem\n", "no certificate"),
            ("-----BEGIN CERTIFICATE-----\n!", "PEM"),
        ];
        for (text, expected) in cases {
            let file = file(text);
            let error = certificates(file.path()).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(&*file.path().to_string_lossy()), "{error}");
        }
        assert!(matches!(certificates(Path::new("/nowhere.pem")), Err(TlsError::Io { .. })));
    }

    #[test]
    fn keys_of_all_three_forms_are_read() {
        let certificate = file(&key_pair().0);
        let forms = [("PRIVATE KEY", "Pkcs8"), ("RSA PRIVATE KEY", "Pkcs1"), ("EC PRIVATE KEY", "Sec1")];
        for (label, expected) in forms {
            let key = file(&format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n"));
            let (_, private) = identity(certificate.path(), key.path()).unwrap();
            let form = match private {
                PrivateKeyDer::Pkcs1(_) => "Pkcs1",
                PrivateKeyDer::Sec1(_) => "Sec1",
                _ => "Pkcs8",
            };
            assert_eq!(form, expected);
        }
    }

    #[test]
    fn an_encrypted_key_is_refused_with_advice() {
        let certificate = file(&key_pair().0);
        let encrypted = [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,AA\n\nMAA=\n-----END RSA PRIVATE KEY-----\n",
        ];
        for text in encrypted {
            let key = file(text);
            let error = identity(certificate.path(), key.path()).unwrap_err().to_string();
            assert!(error.contains("encrypted"), "{error}");
        }
        let none = file("no key");
        assert!(identity(certificate.path(), none.path()).unwrap_err().to_string().contains("no key"));
    }
}
