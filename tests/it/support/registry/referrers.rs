//! The referrers API of the specification, and of the servers that came just before it.

use hyper::Method;
use oras::oci::{Annotations, Descriptor, Document, media_type};
use serde_json::json;

use super::{
    message::{Answer, Request},
    options::Referrers,
    routes::{not_allowed, not_found},
    service::Service,
};

pub(super) fn answer(service: &Service, request: &Request, name: &str, digest: &str) -> Answer {
    if service.options.referrers == Referrers::Off {
        return not_found();
    }
    if request.method != Method::GET {
        return not_allowed();
    }
    if digest.parse::<oras::oci::Digest>().is_err() {
        return Answer::error(400, "DIGEST_INVALID", "invalid digest");
    }
    let candidate = service.options.referrers == Referrers::ReleaseCandidate;
    let state = service.state();
    let found = state.repositories.get(name).map(|found| found.referrers(digest)).unwrap_or_default();
    let mut listed: Vec<Descriptor> =
        found.into_iter().map(|(node, document)| describe(node, document, candidate)).collect();
    let filter = request.parameter("artifactType").filter(|filter| !filter.is_empty());
    if let Some(filter) = &filter {
        listed.retain(|node| node.artifact_type.as_ref() == Some(filter));
    }
    let page: usize = request.parameter("p").and_then(|page| page.parse().ok()).unwrap_or(0);
    let size = service.options.referrers_page_size.unwrap_or(usize::MAX);
    let start = page.saturating_mul(size).min(listed.len());
    let end = start.saturating_add(size).min(listed.len());
    let mut index =
        json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": listed[start..end]});
    if candidate && filter.is_some() {
        let mark = Annotations::from([(
            "org.opencontainers.referrers.filtersApplied".to_owned(),
            "artifactType".to_owned(),
        )]);
        index["annotations"] = json!(mark);
    }
    let mut answer = Answer::json(200, &index).header("content-type", media_type::IMAGE_INDEX);
    if !candidate && filter.is_some() {
        answer.set_header("oci-filters-applied", "artifactType");
    }
    if end < listed.len() {
        answer.set_header("link", next(request, page + 1));
    }
    answer
}

/// The page that follows: the same query, another page number.
fn next(request: &Request, page: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(filter) = request.parameter("artifactType") {
        query.append_pair("artifactType", &filter);
    }
    query.append_pair("p", &page.to_string());
    format!("<{}?{}>; rel=\"next\"", request.path, query.finish())
}

fn describe(node: Descriptor, document: Document, candidate: bool) -> Descriptor {
    let config = document.config.as_ref().map(|config| config.media_type.clone());
    let artifact_type = match config {
        Some(config) if candidate => Some(config),
        _ => document.artifact_type().map(str::to_owned),
    };
    Descriptor { artifact_type, annotations: document.annotations, ..node }
}
