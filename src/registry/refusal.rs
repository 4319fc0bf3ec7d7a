//! What a registry's refusal says about the generation that the registry is of (pure).

use super::{Error, ResponseError, http::StatusCode};
use crate::oci::{Digest, media_type};

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

    /// Was the manifest refused because of its type, which is one of an earlier generation? Registries of today
    /// often say no more than that it is invalid.
    fn may_not_know(&self, media_type: &str) -> bool {
        let is_refused = match self.status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => true,
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                self.problems.has("MANIFEST_INVALID") || self.problems.has("UNSUPPORTED")
            }
            _ => false,
        };
        is_refused && media_type::is_artifact_manifest(media_type)
    }
}

impl Error {
    /// Adds to the refusal of a manifest what can be done where its type is the likely reason.
    pub(super) fn about_manifest(mut self, media_type: &str) -> Self {
        if let Self::Response(response) = &mut self
            && response.may_not_know(media_type)
        {
            response.hints.push(format!(
                "many registries refuse manifests of the type {media_type}: an OCI image layout keeps them as they \
                 are, and attaching the files again makes manifests of today"
            ));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Problems, http::Method};

    fn refusal(status: u16, body: &str) -> ResponseError {
        ResponseError {
            method: Method::PUT,
            url: String::new(),
            host: String::new(),
            is_registry: true,
            status: StatusCode::from_u16(status).unwrap(),
            problems: Problems::parse(body.as_bytes()),
            correlation: Vec::new(),
            retry_after: None,
            hints: Vec::new(),
        }
    }

    #[test]
    fn a_manifest_of_an_earlier_generation_is_told_of_when_its_type_is_the_likely_reason() {
        let error =
            |code: &str| format!(r#"{{"errors":[{{"code":"{code}","message":"manifest invalid"}}]}}"#);
        let invalid = error("MANIFEST_INVALID");
        for (status, body, media_type, expected) in [
            (400, &*invalid, media_type::ORAS_ARTIFACT_MANIFEST, true),
            (400, &error("UNSUPPORTED"), media_type::ARTIFACT_MANIFEST, true),
            (415, "", media_type::ARTIFACT_MANIFEST, true),
            (422, &invalid, media_type::ARTIFACT_MANIFEST, true),
            (400, &invalid, media_type::IMAGE_MANIFEST, false),
            (400, &error("MANIFEST_BLOB_UNKNOWN"), media_type::ARTIFACT_MANIFEST, false),
            (403, &error("DENIED"), media_type::ARTIFACT_MANIFEST, false),
            (500, &invalid, media_type::ARTIFACT_MANIFEST, false),
        ] {
            let told = Error::Response(Box::new(refusal(status, body))).about_manifest(media_type);
            assert_eq!(
                told.advice().is_some_and(|advice| advice.contains(media_type)),
                expected,
                "{status} {body}"
            );
        }
    }

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
            let response = refusal(status, &body);
            assert_eq!(response.misses_blob(&digest), expected, "{status} {body}");
        }
    }
}
