//! Whether a request to the registry may be carried out, and the challenge if not.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyper::Method;

use super::{
    access::{Scheme, Scope},
    message::{Answer, Request},
    service::Service,
};

/// The refusal of a request that may not be carried out.
pub(super) fn refuse(service: &Service, request: &Request, repository: Option<&str>) -> Option<Answer> {
    let scheme = service.options.access.scheme;
    if scheme == Scheme::Open {
        return None;
    }
    let needed = needed(request, repository);
    let (kind, secret) = request.header("authorization").and_then(|value| value.split_once(' ')).unzip();
    match (kind.map(str::to_ascii_lowercase).as_deref(), secret) {
        (Some("bearer"), Some(token)) if scheme != Scheme::Basic => match service.state().use_token(token) {
            None => Some(challenge(service, &needed, Some("invalid_token"))),
            Some(held) if covered(&held, &needed) => None,
            Some(_) => Some(challenge(service, &needed, Some("insufficient_scope"))),
        },
        (Some("basic"), Some(encoded)) if scheme != Scheme::Bearer => {
            let known = decode(encoded)
                .filter(|(user, password)| service.options.access.account(user, password).is_some());
            let Some((user, _)) = known else { return Some(challenge(service, &needed, None)) };
            (!allowed(service, Some(&user), &needed)).then(denied)
        }
        // Where there are no tokens, what anybody may do needs no identity.
        (None, _) if scheme == Scheme::Basic && !needed.is_empty() && allowed(service, None, &needed) => None,
        _ => Some(challenge(service, &needed, None)),
    }
}

/// User and password of a Basic header.
pub(super) fn decode(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// What a request needs, as distribution asks for it.
fn needed(request: &Request, repository: Option<&str>) -> Vec<Scope> {
    let Some(name) = repository else {
        let catalog = request.path == "/v2/_catalog";
        return if catalog { vec![Scope::new("registry", "catalog", &["*"])] } else { Vec::new() };
    };
    let actions: &[&str] = match request.method {
        Method::GET | Method::HEAD => &["pull"],
        Method::DELETE if !request.path.contains("/blobs/uploads/") => &["delete"],
        _ => &["pull", "push"],
    };
    let mut scopes = vec![Scope::new("repository", name, actions)];
    if let Some(source) = request.parameter("from").filter(|_| request.method == Method::POST) {
        scopes.push(Scope::new("repository", &source, &["pull"]));
    }
    scopes
}

fn covered(held: &[Scope], needed: &[Scope]) -> bool {
    needed.iter().all(|needed| held.iter().any(|held| held.covers(needed)))
}

fn allowed(service: &Service, user: Option<&str>, needed: &[Scope]) -> bool {
    needed.iter().all(|scope| {
        let may = |action: &String| service.options.access.allows(user, &scope.name, action);
        scope.actions.iter().all(may)
    })
}

fn denied() -> Answer {
    Answer::error(403, "DENIED", "requested access to the resource is denied")
}

fn challenge(service: &Service, needed: &[Scope], error: Option<&str>) -> Answer {
    let access = &service.options.access;
    let mut answer = Answer::error(401, "UNAUTHORIZED", "authentication required");
    if matches!(access.scheme, Scheme::Bearer | Scheme::Both) {
        let mut text =
            format!("Bearer realm=\"{}\",service=\"{}\"", service.realm(), service.token_service());
        if !needed.is_empty() && !access.tokens.challenge_without_scope {
            let scopes: Vec<_> = needed.iter().map(Scope::text).collect();
            text.push_str(&format!(",scope=\"{}\"", scopes.join(" ")));
        }
        if let Some(error) = error {
            text.push_str(&format!(",error=\"{error}\""));
        }
        answer.add_header("www-authenticate", text);
    }
    if matches!(access.scheme, Scheme::Basic | Scheme::Both) {
        answer.add_header("www-authenticate", "Basic realm=\"test registry\"");
    }
    answer
}
