//! What went wrong with TLS, in words that say what to do (pure).

use rustls::{AlertDescription, CertificateError, Error};

use crate::registry::TransportError;

/// Says in our words what went wrong with TLS, and what could be done about it.
pub(crate) fn explain(error: &Error) -> TransportError {
    let (reason, advice) = match error {
        Error::InvalidCertificate(certificate) => explain_certificate(certificate),
        Error::AlertReceived(alert) => explain_alert(*alert),
        Error::InvalidMessage(_) => (
            "the other side does not speak TLS".to_owned(),
            Some("if it speaks plain http, use --plain-http"),
        ),
        Error::PeerIncompatible(_) => (
            error.to_string(),
            Some("the registry must support TLS 1.2 or 1.3 with a cipher that is still considered safe"),
        ),
        _ => (error.to_string(), None),
    };
    let is_final = matches!(
        error,
        Error::InvalidCertificate(_)
            | Error::AlertReceived(_)
            | Error::InvalidMessage(_)
            | Error::PeerIncompatible(_)
    );
    TransportError::Tls { reason, advice, is_final }
}

fn explain_certificate(error: &CertificateError) -> (String, Option<&'static str>) {
    use CertificateError as E;
    let shown = Error::InvalidCertificate(error.clone()).to_string();
    match error {
        // An authority of the same name with another key is not the one that signed.
        E::UnknownIssuer | E::BadSignature | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            "certificate signed by unknown authority".to_owned(),
            Some("name the certificate authority of the registry with --ca-file"),
        ),
        E::Expired | E::ExpiredContext { .. } => (
            "the certificate has expired".to_owned(),
            Some("have it renewed, or set the clock of this machine"),
        ),
        E::NotValidYet | E::NotValidYetContext { .. } => {
            ("the certificate is not valid yet".to_owned(), Some("set the clock of this machine"))
        }
        E::NotValidForName => (wrong_name(&[]), NAME_ADVICE),
        E::NotValidForNameContext { presented, .. } => (wrong_name(presented), NAME_ADVICE),
        E::UnsupportedSignatureAlgorithmContext { .. } => (
            "the certificate is signed in a way that is not considered safe, such as SHA-1".to_owned(),
            Some("have it signed with SHA-256"),
        ),
        E::Revoked => ("the certificate was revoked".to_owned(), None),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => (
            "the certificate is not meant for servers".to_owned(),
            Some("have one made for server authentication"),
        ),
        E::Other(other) => match &*other.0.to_string() {
            "CaUsedAsEndEntity" => (
                "the server shows the certificate of an authority as its own".to_owned(),
                Some("name this very certificate with --ca-file, if you trust it"),
            ),
            "UnsupportedCertVersion" => {
                ("the certificate is of version 1".to_owned(), Some("have one of version 3 made"))
            }
            // Signatures and keys that are too weak are told under several names.
            name if name.contains("Signature") || name.contains("Key") => {
                (shown, Some("have it signed with SHA-256"))
            }
            _ => (shown, None),
        },
        _ => (shown, None),
    }
}

const NAME_ADVICE: Option<&str> =
    Some("the name must stand among its subject alternative names; the common name alone does not count");

fn wrong_name(presented: &[String]) -> String {
    match presented {
        [] => "the certificate has no subject alternative names".to_owned(),
        names => format!("the certificate is for {} and not for this host", names.join(", ")),
    }
}

fn explain_alert(alert: AlertDescription) -> (String, Option<&'static str>) {
    let advice = Some("show a certificate with --cert-file and --key-file");
    match alert {
        AlertDescription::CertificateRequired => {
            ("the registry asks for a client certificate".to_owned(), advice)
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => {
            ("the registry does not accept our client certificate".to_owned(), advice)
        }
        AlertDescription::HandshakeFailure => (
            "the registry ended the handshake".to_owned(),
            Some("it may ask for a client certificate: --cert-file and --key-file"),
        ),
        AlertDescription::ProtocolVersion => {
            ("the registry speaks no version of TLS that is considered safe".to_owned(), None)
        }
        alert => (Error::AlertReceived(alert).to_string(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_certificate_has_a_reason_and_common_ones_have_advice() {
        let cases = [
            (CertificateError::UnknownIssuer, "unknown authority", "--ca-file"),
            (CertificateError::Expired, "expired", "renewed"),
            (CertificateError::NotValidYet, "not valid yet", "clock"),
            (CertificateError::NotValidForName, "no subject alternative names", "common name"),
            (CertificateError::BadSignature, "unknown authority", "--ca-file"),
            (
                CertificateError::UnsupportedSignatureAlgorithmContext {
                    signature_algorithm_id: Vec::new(),
                    supported_algorithms: Vec::new(),
                },
                "SHA-1",
                "SHA-256",
            ),
            (CertificateError::InvalidPurpose, "servers", "server"),
        ];
        for (error, reason, advice) in cases {
            let TransportError::Tls { reason: shown, advice: Some(told), is_final: true } =
                explain(&Error::InvalidCertificate(error))
            else {
                panic!("{reason}")
            };
            assert!(shown.contains(reason) && told.contains(advice), "{shown}: {told}");
        }
    }

    #[test]
    fn alerts_about_our_certificate_are_told_as_such() {
        for (alert, expected) in [
            (AlertDescription::CertificateRequired, "asks for a client certificate"),
            (AlertDescription::UnknownCA, "does not accept our client certificate"),
            (AlertDescription::HandshakeFailure, "ended the handshake"),
        ] {
            let TransportError::Tls { reason, advice: Some(_), .. } = explain(&Error::AlertReceived(alert))
            else {
                panic!("{expected}")
            };
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
