//! Uploads: opened, fed whole or in chunks, asked about, closed, cancelled; and mounts.

use hyper::Method;
use serde_json::json;

use super::{
    message::{Answer, Request},
    options::{AfterCut, Chunks, Locations},
    routes::{not_allowed, not_found, unknown_name},
    service::Service,
    state::{State, Upload, is_digest_of},
};

pub(super) fn answer(service: &Service, request: &Request, name: &str, id: &str) -> Answer {
    if id.is_empty() {
        return if request.method == Method::POST { open(service, request, name) } else { not_allowed() };
    }
    let mut state = service.state();
    let current = request.parameters("_state");
    let known = |upload: &Upload| upload.repository == name && current == [upload.state.as_str()];
    if !state.uploads.get(id).is_some_and(known) {
        return Answer::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    }
    match request.method {
        Method::GET => status(service, &state, id, 204),
        Method::DELETE => {
            state.uploads.remove(id);
            Answer::new(204)
        }
        Method::PATCH if service.options.chunks == Chunks::Refused => not_allowed(),
        Method::PATCH => {
            feed(service, &mut state, request, id).unwrap_or_else(|| status(service, &state, id, 202))
        }
        Method::PUT => close(service, &mut state, request, name, id),
        _ => not_found(),
    }
}

fn open(service: &Service, request: &Request, name: &str) -> Answer {
    let mut state = service.state();
    if service.options.fixed_repositories && !state.repositories.contains_key(name) {
        return unknown_name(name);
    }
    if let Some(digest) = request.parameter("mount") {
        let source = request.parameter("from");
        if let Some(bytes) = mountable(service, &state, source.as_deref(), &digest) {
            state.repository(name).blobs.insert(digest.clone(), bytes);
            return stored(name, &digest);
        }
    } else if let Some(digest) = request.parameter("digest").filter(|_| service.options.single_post) {
        return store(&mut state, name, &digest, request.body.to_vec());
    }
    let id = state.fresh("upload");
    let signed = state.fresh("state");
    let upload = Upload { repository: name.to_owned(), bytes: Vec::new(), state: signed, ended: false };
    state.uploads.insert(id.clone(), upload);
    let answer = status(service, &state, &id, 202).header("docker-upload-uuid", &id);
    match service.options.smallest_chunk {
        Some(bytes) => answer.header("oci-chunk-min-length", bytes.to_string()),
        None => answer,
    }
}

fn mountable(service: &Service, state: &State, source: Option<&str>, digest: &str) -> Option<bytes::Bytes> {
    if !service.options.mounts {
        return None;
    }
    if service.options.mounts_from_anywhere {
        return state.blob_anywhere(digest);
    }
    state.repositories.get(source?)?.blobs.get(digest).cloned()
}

/// Where an upload stands.
fn status(service: &Service, state: &State, id: &str, status: u16) -> Answer {
    let upload = &state.uploads[id];
    let path = format!("/v2/{}/blobs/uploads/{id}?_state={}", upload.repository, upload.state);
    let location = match service.options.locations {
        Locations::Relative => path,
        Locations::Absolute => format!("{}{path}", service.hosts.registry),
    };
    let range = format!("0-{}", upload.bytes.len().saturating_sub(1));
    Answer::new(status).header("location", location).header("range", range)
}

/// Adds a chunk; the answer is the refusal.
fn feed(service: &Service, state: &mut State, request: &Request, id: &str) -> Option<Answer> {
    let held = state.uploads[id].bytes.len();
    if let Some(range) = request.header("content-range") {
        let ends = range
            .split_once('-')
            .and_then(|(a, b)| Some((a.parse::<usize>().ok()?, b.parse::<usize>().ok()?)));
        let Some((start, end)) = ends.filter(|(start, end)| start + request.body.len() == end + 1) else {
            return Some(Answer::error(400, "BLOB_UPLOAD_INVALID", "the range does not fit the body"));
        };
        if start != held && service.options.chunks == Chunks::InOrder {
            let _ = end;
            return Some(status(service, state, id, 416));
        }
    }
    let signed = state.fresh("state");
    let smallest = service.options.smallest_chunk.unwrap_or(0);
    let upload = state.uploads.get_mut(id)?;
    if upload.ended && !request.body.is_empty() {
        return Some(Answer::error(400, "SIZE_INVALID", "a chunk before the last was too small"));
    }
    upload.ended = request.method == Method::PATCH && request.body.len() < smallest;
    upload.bytes.extend_from_slice(&request.body);
    upload.state = signed;
    None
}

fn close(service: &Service, state: &mut State, request: &Request, name: &str, id: &str) -> Answer {
    let Some(digest) = request.parameter("digest") else {
        return Answer::error(400, "DIGEST_INVALID", "the digest is missing");
    };
    if let Some(refusal) = feed(service, state, request, id) {
        return refusal;
    }
    let Some(upload) = state.uploads.remove(id) else { return not_found() };
    store(state, name, &digest, upload.bytes)
}

fn store(state: &mut State, name: &str, digest: &str, bytes: Vec<u8>) -> Answer {
    if !is_digest_of(digest, &bytes) {
        let detail = json!({"digest": digest});
        return Answer::error_with(
            400,
            "DIGEST_INVALID",
            "provided digest did not match uploaded content",
            &detail,
        );
    }
    state.repository(name).blobs.insert(digest.to_owned(), bytes.into());
    stored(name, digest)
}

fn stored(name: &str, digest: &str) -> Answer {
    Answer::new(201)
        .header("location", format!("/v2/{name}/blobs/{digest}"))
        .header("docker-content-digest", digest)
}

fn id_of(request: &Request) -> Option<&str> {
    request.path.split_once("/blobs/uploads/").map(|(_, id)| id).filter(|id| !id.is_empty())
}

/// The connection ended behind so many bytes of a body.
pub(super) fn cut(service: &Service, request: &Request, part: &[u8]) {
    let Some(id) = id_of(request) else { return };
    let mut state = service.state();
    match service.options.after_cut {
        AfterCut::LosesUpload => drop(state.uploads.remove(id)),
        AfterCut::KeepsBytes => {
            if let Some(upload) = state.uploads.get_mut(id) {
                upload.bytes.extend_from_slice(part);
            }
        }
    }
}

/// The registry forgets the upload that a request is about.
pub(super) fn forget(service: &Service, request: &Request) {
    if let Some(id) = id_of(request) {
        service.state().uploads.remove(id);
    }
}
