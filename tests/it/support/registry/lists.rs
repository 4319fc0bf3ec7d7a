//! Lists of tags and repositories, in pages.

use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::{
    message::{Answer, Request},
    routes::unknown_name,
    service::Service,
};

pub(super) fn tags(service: &Service, request: &Request, name: &str) -> Answer {
    let state = service.state();
    let Some(repository) = state.repositories.get(name) else { return unknown_name(name) };
    let tags = repository.tags.keys().cloned().collect();
    list(service, request, tags, &|page| json!({"name": name, "tags": page}))
}

pub(super) fn catalog(service: &Service, request: &Request) -> Answer {
    let names = service.state().repositories.keys().cloned().collect();
    list(service, request, names, &|page| json!({"repositories": page}))
}

fn list(
    service: &Service,
    request: &Request,
    mut names: Vec<String>,
    wrap: &dyn Fn(&[String]) -> serde_json::Value,
) -> Answer {
    let refused = || Answer::error(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested");
    let asked = match request.parameter("n").map(|n| n.parse::<usize>()) {
        None => None,
        Some(Ok(n)) if service.options.most_per_page.is_none_or(|most| n <= most) => Some(n),
        Some(_) => return refused(),
    };
    if let Some(last) = request.parameter("last") {
        names.retain(|name| *name > last);
    }
    let size = service.options.page_size.into_iter().chain(asked).min().unwrap_or(usize::MAX);
    let page = &names[..size.min(names.len())];
    let answer = Answer::json(200, &wrap(page));
    match page.last() {
        Some(last) if page.len() < names.len() => {
            let last: String = byte_serialize(last.as_bytes()).collect();
            let next = format!("<{}?last={last}&n={size}>; rel=\"next\"", request.path);
            answer.header("link", next)
        }
        _ => answer,
    }
}
