//! Manifests: fetched, pushed and deleted, by tag and by digest.

use hyper::Method;
use oras::oci::{Digest, Document, is_tag, media_type};
use serde_json::json;

use super::{
    message::{Answer, Request},
    options::Referrers,
    routes::{not_allowed, unknown_name},
    service::Service,
    state::{Manifest, Repository, is_digest_of},
};

pub(super) fn answer(service: &Service, request: &Request, name: &str, reference: &str) -> Answer {
    if reference.contains(':') && reference.parse::<Digest>().is_err() {
        return Answer::error(400, "DIGEST_INVALID", "invalid digest");
    }
    if !reference.contains(':') && !is_tag(reference) {
        return Answer::error(400, "TAG_INVALID", "invalid tag");
    }
    match request.method {
        Method::GET | Method::HEAD => fetch(service, request, name, reference),
        Method::PUT => push(service, request, name, reference),
        Method::DELETE => delete(service, name, reference),
        _ => not_allowed(),
    }
}

fn fetch(service: &Service, request: &Request, name: &str, reference: &str) -> Answer {
    let state = service.state();
    let Some(repository) = state.repositories.get(name) else { return unknown_name(name) };
    let Some(digest) = repository.resolve(reference) else { return unknown(reference) };
    let manifest = &repository.manifests[&digest];
    if !accepts(request, &manifest.media_type) {
        return Answer::error(
            404,
            "MANIFEST_UNKNOWN",
            "the stored manifest is of a type that was not accepted",
        );
    }
    let etag = format!("\"{digest}\"");
    if request.header("if-none-match") == Some(&etag) {
        return Answer::new(304).header("etag", etag);
    }
    Answer::new(200)
        .header("content-type", &manifest.media_type)
        .header("docker-content-digest", &digest)
        .header("etag", etag)
        .body(manifest.bytes.clone())
}

/// Is the media type in `Accept`? As distribution sees it, nothing is accepted without that header.
fn accepts(request: &Request, media_type: &str) -> bool {
    let lines = request.headers.get_all("accept").into_iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(|item| item.split(';').next().unwrap_or_default().trim())
        .any(|item| item == "*/*" || item.eq_ignore_ascii_case(media_type))
}

fn push(service: &Service, request: &Request, name: &str, reference: &str) -> Answer {
    if request.body.len() > service.options.manifest_limit {
        return Answer::error(413, "SIZE_INVALID", "the manifest is too large");
    }
    let mut state = service.state();
    if service.options.fixed_repositories && !state.repositories.contains_key(name) {
        return unknown_name(name);
    }
    let nothing = Repository::default();
    let held = state.repositories.get(name).unwrap_or(&nothing);
    if let Some(refusal) = unmet_condition(service, request, held, reference) {
        return refusal;
    }
    let kind = request.header("content-type").unwrap_or_default().to_owned();
    let document = match check(service, held, &kind, &request.body) {
        Ok(document) => document,
        Err(refusal) => return *refusal,
    };
    let digest =
        if reference.contains(':') { reference.to_owned() } else { Digest::of(&request.body).to_string() };
    if !is_digest_of(&digest, &request.body) {
        return Answer::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    let repository = state.repository(name);
    repository.insert(&digest, Manifest { media_type: kind, bytes: request.body.clone() });
    if !reference.contains(':') {
        repository.tags.insert(reference.to_owned(), digest.clone());
    }
    let answer = Answer::new(201)
        .header("location", format!("/v2/{name}/manifests/{digest}"))
        .header("docker-content-digest", &digest);
    match document.subject {
        Some(subject) if service.options.referrers == Referrers::Api => {
            answer.header("oci-subject", subject.digest.to_string())
        }
        _ => answer,
    }
}

/// Is the manifest one that this registry takes?
fn check(
    service: &Service,
    repository: &Repository,
    kind: &str,
    bytes: &[u8],
) -> Result<Document, Box<Answer>> {
    let invalid = |reason: &str| Box::new(Answer::error(400, "MANIFEST_INVALID", reason));
    if !media_type::is_manifest(kind) {
        return Err(Box::new(Answer::error(415, "MANIFEST_INVALID", "unknown media type of a manifest")));
    }
    let document = Document::parse(kind, bytes).map_err(|error| invalid(&error.to_string()))?;
    let stated: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| invalid(&error.to_string()))?;
    if stated.get("mediaType").is_some_and(|stated| stated != kind) {
        return Err(invalid("mediaType is not the Content-Type"));
    }
    let refused = |kind: &str| service.options.refused_types.iter().any(|refused| refused == kind);
    let config = document.config.as_ref().map_or("", |config| &*config.media_type);
    if refused(kind) || refused(config) || document.artifact_type().is_some_and(refused) {
        return Err(invalid("the type is not allowed here"));
    }
    if service.options.checks_content {
        missing(repository, &document)?;
    }
    if let Some(subject) = document.subject.as_ref().filter(|_| document.config.is_some())
        && service.options.takes_subjects_for_blobs
    {
        let detail = json!({"digest": subject.digest});
        let refusal = Answer::error_with(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", &detail);
        return Err(Box::new(refusal));
    }
    Ok(document)
}

/// Everything that a manifest is made of must be there; its subject need not be.
fn missing(repository: &Repository, document: &Document) -> Result<(), Box<Answer>> {
    let subject = document.subject.as_ref().map(|subject| &subject.digest);
    for node in document.successors() {
        let digest = node.digest.to_string();
        let there = repository.blobs.contains_key(&digest) || repository.manifests.contains_key(&digest);
        let excused = Some(&node.digest) == subject || media_type::is_non_distributable(&node.media_type);
        if !there && !excused {
            let detail = json!({"digest": digest});
            let refusal =
                Answer::error_with(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", &detail);
            return Err(Box::new(refusal));
        }
    }
    Ok(())
}

fn unmet_condition(
    service: &Service,
    request: &Request,
    repository: &Repository,
    reference: &str,
) -> Option<Answer> {
    if !service.options.enforces_conditions {
        return None;
    }
    let current = repository.resolve(reference).map(|digest| format!("\"{digest}\""));
    let matches = request.header("if-match").is_none_or(|wanted| current.as_deref() == Some(wanted));
    let absent = request.header("if-none-match").is_none_or(|unwanted| {
        if unwanted == "*" { current.is_none() } else { current.as_deref() != Some(unwanted) }
    });
    (!matches || !absent).then(|| Answer::error(412, "MANIFEST_INVALID", "the tag has changed"))
}

fn delete(service: &Service, name: &str, reference: &str) -> Answer {
    if !service.options.deletes {
        return not_allowed();
    }
    let mut state = service.state();
    let Some(repository) = state.repositories.get_mut(name) else { return unknown_name(name) };
    let removed = if reference.contains(':') {
        repository.remove(reference)
    } else if service.options.deletes_tags {
        repository.tags.remove(reference).is_some()
    } else {
        return Answer::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    };
    if removed { Answer::new(202) } else { unknown(reference) }
}

fn unknown(reference: &str) -> Answer {
    let detail = json!({"reference": reference});
    Answer::error_with(404, "MANIFEST_UNKNOWN", "manifest unknown", &detail)
}
