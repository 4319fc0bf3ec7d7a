//! The two referrers APIs from before the specification had one. They know artifact manifests of the
//! CNCF ORAS project only.

use hyper::Method;
use oras::oci::media_type;
use serde_json::{Value, json};

use super::{
    message::{Answer, Request},
    routes::{not_allowed, not_found, unknown_name},
    service::Service,
};

/// `GET /oras/artifacts/v1/<name>/manifests/<digest>/referrers`; the path is what follows `v1/`.
pub(super) fn alpha(service: &Service, request: &Request, path: &str) -> Answer {
    let named = path.strip_suffix("/referrers").and_then(|path| path.rsplit_once("/manifests/"));
    let Some((name, digest)) = named.filter(|_| service.options.oras_alpha_api) else { return not_found() };
    if request.method != Method::GET {
        return not_allowed();
    }
    let found = listed(service, request, name, digest);
    let references = if found.is_empty() { Value::Null } else { json!(found) };
    Answer::json(200, &json!({"references": references}))
}

/// `GET /v2/<name>/_oras/artifacts/referrers?digest=…`
pub(super) fn extension(service: &Service, request: &Request, name: &str) -> Answer {
    if !service.options.oras_extension_api {
        return not_found();
    }
    if request.method != Method::GET {
        return not_allowed();
    }
    let Some(digest) = request.parameter("digest") else {
        return Answer::error(400, "DIGEST_INVALID", "the digest is missing");
    };
    let found = listed(service, request, name, &digest);
    let asked: Option<usize> = request.parameter("n").and_then(|n| n.parse().ok());
    let size = service.options.referrers_page_size.or(asked).unwrap_or(100).max(1);
    let start: usize = request.parameter("nextToken").and_then(|at| at.parse().ok()).unwrap_or(0);
    let start = start.min(found.len());
    let end = (start + size).min(found.len());
    let answer =
        Answer::json(200, &json!({"referrers": found[start..end]})).header("oras-api-version", "oras/1.0");
    if end == found.len() {
        return answer;
    }
    let next = format!("<{}?digest={digest}&nextToken={end}&n={size}>; rel=\"next\"", request.path);
    answer.header("link", next)
}

/// `GET /v2/<name>/_oci/ext/discover`
pub(super) fn extensions(service: &Service, name: &str) -> Answer {
    if !service.state().repositories.contains_key(name) {
        return unknown_name(name);
    }
    let offered = json!([{
        "name": "_oras",
        "description": "ORAS referrers listing API",
        "endpoints": ["_oras/artifacts/referrers"],
    }]);
    let extensions = if service.options.oras_extension_api { offered } else { json!([]) };
    Answer::json(200, &json!({"extensions": extensions}))
}

fn listed(service: &Service, request: &Request, name: &str, digest: &str) -> Vec<Value> {
    let wanted = request.parameter("artifactType").filter(|wanted| !wanted.is_empty());
    let state = service.state();
    let found = state.repositories.get(name).map(|found| found.referrers(digest)).unwrap_or_default();
    let of_this_kind = found.into_iter().filter(|(node, document)| {
        node.media_type == media_type::ORAS_ARTIFACT_MANIFEST
            && wanted.as_deref().is_none_or(|wanted| document.artifact_type() == Some(wanted))
    });
    of_this_kind
        .map(|(node, document)| {
            json!({
                "mediaType": node.media_type,
                "artifactType": document.artifact_type(),
                "digest": node.digest,
                "size": node.size,
            })
        })
        .collect()
}
