//! The host that blobs are redirected to: signed URLs, and no patience for credentials.

use super::{
    blobs::part,
    message::{Answer, Request},
    service::Service,
};

pub(super) fn answer(service: &Service, request: &Request) -> Answer {
    if request.headers.contains_key("authorization") {
        return refusal(
            400,
            "InvalidAuthenticationInfo",
            "Authentication information is not given in the correct format",
        );
    }
    let mut state = service.state();
    let signature = request.parameter("sig").unwrap_or_default();
    match state.signatures.get_mut(&signature) {
        Some(uses) if *uses > 0 => *uses -= 1,
        _ => return refusal(403, "AuthenticationFailed", "Signature not valid in the specified time frame"),
    }
    let found = request
        .path
        .trim_start_matches('/')
        .rsplit_once('/')
        .and_then(|(name, digest)| state.repositories.get(name)?.blobs.get(digest));
    let range = request.header("range").filter(|_| service.options.ranges);
    match found {
        Some(bytes) => part(bytes, range).header("content-type", "binary/octet-stream"),
        None => refusal(404, "BlobNotFound", "The specified blob does not exist."),
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Answer::new(status).header("content-type", "application/xml").body(body)
}
