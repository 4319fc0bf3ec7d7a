//! Blobs: looked up, fetched whole or in part, deleted.

use bytes::Bytes;
use hyper::Method;
use serde_json::json;

use super::{
    message::{Answer, Request},
    routes::{not_allowed, unknown_name},
    service::Service,
};

pub(super) fn answer(service: &Service, request: &Request, name: &str, digest: &str) -> Answer {
    if digest.parse::<oras::oci::Digest>().is_err() {
        return Answer::error(400, "DIGEST_INVALID", "invalid digest");
    }
    match request.method {
        Method::GET | Method::HEAD => fetch(service, request, name, digest),
        Method::DELETE if !service.options.deletes => not_allowed(),
        Method::DELETE => {
            let mut state = service.state();
            let removed = state.repositories.get_mut(name).and_then(|held| held.blobs.remove(digest));
            removed.map_or_else(|| unknown(digest), |_| Answer::new(202))
        }
        _ => not_allowed(),
    }
}

fn fetch(service: &Service, request: &Request, name: &str, digest: &str) -> Answer {
    let mut state = service.state();
    let shared = service.options.shares_blobs.then(|| state.blob_anywhere(digest)).flatten();
    let own = state.repositories.get(name).map(|repository| repository.blobs.get(digest).cloned());
    let bytes = match (own, shared) {
        (Some(Some(bytes)), _) | (_, Some(bytes)) => bytes,
        (Some(None), None) => return unknown(digest),
        (None, None) => return unknown_name(name),
    };
    if service.options.redirects_blobs && request.method == Method::GET {
        let signature = state.fresh("signature");
        let uses = service.options.signed_url_uses.unwrap_or(usize::MAX);
        state.signatures.insert(signature.clone(), uses);
        let url = format!("{}/{name}/{digest}?sig={signature}", service.hosts.storage);
        return Answer::new(307).header("location", url);
    }
    let range = request.header("range").filter(|_| service.options.ranges);
    part(&bytes, range)
        .header("docker-content-digest", digest)
        .header("etag", format!("\"{digest}\""))
        .header("content-type", "application/octet-stream")
}

/// The bytes, or the part of them that a `Range` names.
pub(super) fn part(bytes: &Bytes, range: Option<&str>) -> Answer {
    let Some(range) = range else {
        return Answer::new(200).header("accept-ranges", "bytes").body(bytes.clone());
    };
    let Some((start, end)) = parse_range(range, bytes.len()) else {
        let size = format!("bytes */{}", bytes.len());
        return Answer::error(416, "RANGE_INVALID", "invalid content range").header("content-range", size);
    };
    Answer::new(206)
        .header("content-range", format!("bytes {start}-{}/{}", end - 1, bytes.len()))
        .body(bytes.slice(start..end))
}

/// First byte and the one behind the last of a single range; `None` when it lies outside.
fn parse_range(range: &str, size: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(start), Ok(last)) => (start, size.min(last.checked_add(1)?)),
        (Ok(start), Err(_)) if last.is_empty() => (start, size),
        (Err(_), Ok(length)) if first.is_empty() => (size.saturating_sub(length), size),
        _ => return None,
    };
    (start < end).then_some((start, end))
}

pub(super) fn unknown(digest: &str) -> Answer {
    let detail = json!({"digest": digest});
    Answer::error_with(404, "BLOB_UNKNOWN", "blob unknown to registry", &detail)
}
