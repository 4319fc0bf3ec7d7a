//! Which request is for what.

use hyper::Method;
use oras::oci::Reference;

use super::{
    authorize, blobs, legacy, lists, manifests,
    message::{Answer, Request},
    referrers,
    service::Service,
    tokens, uploads,
};

/// Answers a request to the registry itself.
pub(super) fn registry(service: &Service, request: &Request) -> Answer {
    if let Some(refusal) = refuse_framing(service, request) {
        return refusal;
    }
    if let Some(path) = request.path.strip_prefix("/oras/artifacts/v1/") {
        let name = path.split_once("/manifests/").map(|(name, _)| name);
        let refusal = authorize::refuse(service, request, name);
        return refusal.unwrap_or_else(|| legacy::alpha(service, request, path));
    }
    if let Some(answer) =
        tokens::answer(service, request).filter(|_| !service.options.access.tokens.elsewhere)
    {
        return answer;
    }
    let Some(path) = request.path.strip_prefix("/v2/") else {
        let to_v2 = request.path == "/v2";
        return if to_v2 { Answer::new(301).header("location", "/v2/") } else { not_found() };
    };
    let named = split(path);
    let repository = named.as_ref().map(|(name, _)| name.as_str());
    if let Some(refusal) = authorize::refuse(service, request, repository) {
        return refusal;
    }
    let get = matches!(request.method, Method::GET | Method::HEAD);
    match path {
        "" if get => Answer::json(200, &serde_json::json!({}))
            .header("docker-distribution-api-version", "registry/2.0"),
        "_catalog" if get => lists::catalog(service, request),
        _ => match named {
            Some((name, tail)) => within(service, request, &name, tail),
            None => not_found(),
        },
    }
}

/// The repository that a path names, and what of it is asked for.
fn split(path: &str) -> Option<(String, Tail<'_>)> {
    let parts: Vec<&str> = path.split('/').collect();
    let (name, tail) = match &parts[..] {
        [name @ .., "blobs", "uploads", id] => (name, Tail::Upload(id)),
        [name @ .., "blobs", digest] => (name, Tail::Blob(digest)),
        [name @ .., "manifests", reference] => (name, Tail::Manifest(reference)),
        [name @ .., "tags", "list"] => (name, Tail::Tags),
        [name @ .., "_oras", "artifacts", "referrers"] => (name, Tail::ExtensionReferrers),
        [name @ .., "_oci", "ext", "discover"] => (name, Tail::Extensions),
        [name @ .., "referrers", digest] => (name, Tail::Referrers(digest)),
        _ => return None,
    };
    Some((name.join("/"), tail))
}

fn within(service: &Service, request: &Request, name: &str, tail: Tail<'_>) -> Answer {
    if Reference::parse(&format!("localhost/{name}")).is_err() {
        return Answer::error(400, "NAME_INVALID", "invalid repository name");
    }
    match tail {
        Tail::Upload(id) => uploads::answer(service, request, name, id),
        Tail::Blob(digest) => blobs::answer(service, request, name, digest),
        Tail::Manifest(reference) => manifests::answer(service, request, name, reference),
        Tail::Tags => lists::tags(service, request, name),
        Tail::Referrers(digest) => referrers::answer(service, request, name, digest),
        Tail::ExtensionReferrers => legacy::extension(service, request, name),
        Tail::Extensions => legacy::extensions(service, name),
    }
}

#[derive(Clone, Copy)]
enum Tail<'a> {
    Upload(&'a str),
    Blob(&'a str),
    Manifest(&'a str),
    Tags,
    Referrers(&'a str),
    ExtensionReferrers,
    Extensions,
}

/// Bodies must say how long they are, and must not be too long.
fn refuse_framing(service: &Service, request: &Request) -> Option<Answer> {
    let writes = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    let length = request.header("content-length");
    let old_http = request.version < hyper::Version::HTTP_2;
    if writes && old_http && length.is_none() {
        return Some(Answer::error(411, "CONTENT_LENGTH_INVALID", "the request has no Content-Length"));
    }
    let limit = service.options.body_limit?;
    (request.body.len() > limit).then(|| Answer::error(413, "SIZE_INVALID", "the body is too large"))
}

/// What a server says that knows nothing of the path.
pub(super) fn not_found() -> Answer {
    Answer::new(404).header("content-type", "text/plain; charset=utf-8").body("404 page not found\n")
}

/// The method is not for this path.
pub(super) fn not_allowed() -> Answer {
    Answer::error(405, "UNSUPPORTED", "the operation is unsupported")
}

/// There is no such repository.
pub(super) fn unknown_name(name: &str) -> Answer {
    let detail = serde_json::json!({"name": name});
    Answer::error_with(404, "NAME_UNKNOWN", "repository name not known to registry", &detail)
}
