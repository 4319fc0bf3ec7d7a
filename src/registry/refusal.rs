//! What a registry's refusal says about the generation that the registry is of (pure).

use super::{ResponseError, http::StatusCode};
use crate::oci::Digest;

impl ResponseError {
    /// Does the registry miss a blob of this digest? For a manifest that it has, it looks in the wrong place:
    /// registries of the time of the OCI artifact manifest do so with the subject of an image manifest.
    #[must_use]
    pub fn misses_blob(&self, digest: &Digest) -> bool {
        let digest = digest.to_string();
        let names = |text: &str| text.contains(&digest);
        self.status == StatusCode::BAD_REQUEST
            && self.problems.list.iter().any(|problem| {
                let detail = problem.detail.as_ref().map(ToString::to_string);
                problem.code.eq_ignore_ascii_case("MANIFEST_BLOB_UNKNOWN")
                    && (names(&problem.message) || detail.as_deref().is_some_and(names))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Problems, http::Method};

    #[test]
    fn only_a_missing_blob_of_the_very_digest_counts() {
        let digest = Digest::of(b"subject");
        let error = |code: &str, message: &str, detail: &str| {
            format!(r#"{{"errors":[{{"code":"{code}","message":"{message}","detail":{detail}}}]}}"#)
        };
        let inner = format!(r#"{{"digest":"{digest}"}}"#);
        let quoted = format!("\"{digest}\"");
        for (status, body, expected) in [
            (400, error("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", &inner), true),
            (400, error("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", &quoted), true),
            (400, error("MANIFEST_BLOB_UNKNOWN", &format!("blob unknown: {digest}"), "null"), true),
            (400, error("MANIFEST_BLOB_UNKNOWN", "blob unknown", "null"), false),
            (400, error("MANIFEST_INVALID", "manifest invalid", &inner), false),
            (404, error("MANIFEST_BLOB_UNKNOWN", "blob unknown", &inner), false),
            (400, "no".to_owned(), false),
        ] {
            let response = ResponseError {
                method: Method::PUT,
                url: String::new(),
                host: String::new(),
                is_registry: true,
                status: StatusCode::from_u16(status).unwrap(),
                problems: Problems::parse(body.as_bytes()),
                correlation: Vec::new(),
                retry_after: None,
                hints: Vec::new(),
            };
            assert_eq!(response.misses_blob(&digest), expected, "{status} {body}");
        }
    }
}
