//! The token server: by GET, by POST, and as Azure's registry has it.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use hyper::Method;
use serde_json::{Value, json};

use super::{
    access::Scope,
    authorize::decode,
    message::{Answer, Request},
    service::Service,
    state::State,
};
use crate::support::signer::Signer;

/// User name that goes with a refresh token of Azure's registry as a password.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Answers a request to the token server; `None` when the path is none of its own.
pub(super) fn answer(service: &Service, request: &Request) -> Option<Answer> {
    let tokens = &service.options.access.tokens;
    let path = if tokens.acr { "/oauth2/token" } else { "/token" };
    if tokens.acr && request.path == "/oauth2/exchange" && request.method == Method::POST {
        return Some(exchange(service, request));
    }
    if request.path != path {
        return None;
    }
    Some(match request.method {
        Method::GET if !tokens.refuses_get => by_get(service, request),
        Method::POST if !tokens.refuses_post => by_post(service, request),
        _ => Answer::new(405).header("content-type", "text/plain").body("method not allowed\n"),
    })
}

fn by_get(service: &Service, request: &Request) -> Answer {
    let mut state = service.state();
    let user = match request.header("authorization") {
        None => None,
        Some(header) => match header.strip_prefix("Basic ").and_then(decode) {
            Some((user, secret)) => match identify(service, &state, &user, &secret) {
                Some(user) => Some(user),
                None => return refused("incorrect username or password"),
            },
            None => return refused("no Basic authentication"),
        },
    };
    let scopes = request.parameters("scope");
    let offline = request.parameter("offline_token").as_deref() == Some("true");
    grant(service, &mut state, user.as_deref(), &scopes, offline)
}

/// The user whom a name and a secret stand for.
fn identify(service: &Service, state: &State, user: &str, secret: &str) -> Option<String> {
    if service.options.access.tokens.acr && user == NOBODY {
        return state.refresh_tokens.get(secret).cloned();
    }
    service.options.access.account(user, secret).map(|account| account.user.clone())
}

fn by_post(service: &Service, request: &Request) -> Answer {
    let form = request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !form {
        return Answer::json(400, &json!({"error": "invalid_request"}));
    }
    let mut state = service.state();
    let field = |name: &str| request.fields(name).into_iter().next().unwrap_or_default();
    let user = match &*field("grant_type") {
        "password" => identify(service, &state, &field("username"), &field("password")),
        "refresh_token" if service.options.access.tokens.rotates => {
            state.refresh_tokens.remove(&field("refresh_token"))
        }
        "refresh_token" => state.refresh_tokens.get(&field("refresh_token")).cloned(),
        _ => return Answer::json(400, &json!({"error": "unsupported_grant_type"})),
    };
    let Some(user) = user else { return refused("the grant is not good") };
    let offline = field("access_type") == "offline" || service.options.access.tokens.rotates;
    grant(service, &mut state, Some(&user), &request.fields("scope"), offline)
}

/// A token of the cloud becomes a refresh token of the registry.
fn exchange(service: &Service, request: &Request) -> Answer {
    let field = |name: &str| request.fields(name).into_iter().next().unwrap_or_default();
    let known = service.options.access.tokens.entra_tokens.contains(&field("access_token"));
    if field("grant_type") != "access_token" || field("service") != service.token_service() || !known {
        return refused("the token is not good");
    }
    let user = service.options.access.first_user();
    let token = service.state().new_refresh_token(&user, true);
    Answer::json(200, &json!({"refresh_token": token}))
}

fn grant(
    service: &Service,
    state: &mut State,
    user: Option<&str>,
    scopes: &[String],
    offline: bool,
) -> Answer {
    let options = &service.options.access.tokens;
    let mut asked: Vec<Scope> = scopes.iter().flat_map(|text| Scope::parse_all(text)).collect();
    if options.first_scope_only {
        asked.truncate(1);
    }
    let mut granted = asked.clone();
    for scope in &mut granted {
        let name = scope.name.clone();
        scope.actions.retain(|action| service.options.access.allows(user, &name, action));
    }
    if options.denies_unions && granted != asked {
        return Answer::error(403, "DENIED", "requested access to the resource is denied");
    }
    granted.retain(|scope| !scope.actions.is_empty());
    let token = state.new_token(granted, options.uses, |unique, granted| match &options.signer {
        Some(signer) => signed(signer, service, user, granted, options.expires_in, &unique),
        None if options.acr => acr_token("access_token", &unique),
        None => unique,
    });
    let mut document = json!({"access_token": token});
    if !options.acr {
        document["token"] = json!(token);
        document["issued_at"] = json!(jiff::Timestamp::now().to_string());
    }
    if let Some(seconds) = options.expires_in {
        document["expires_in"] = json!(seconds);
    }
    if let Some(user) = user.filter(|_| offline) {
        document["refresh_token"] = json!(state.new_refresh_token(user, options.acr));
    }
    Answer::json(200, &document)
}

fn refused(why: &str) -> Answer {
    Answer::error(401, "UNAUTHORIZED", why)
}

/// A token as distribution reads it.
fn signed(
    signer: &Signer,
    service: &Service,
    user: Option<&str>,
    granted: &[Scope],
    life: Option<u64>,
    unique: &str,
) -> String {
    let now = jiff::Timestamp::now().as_second();
    let access: Vec<Value> = granted
        .iter()
        .map(|scope| json!({"type": scope.kind, "name": scope.name, "actions": scope.actions}))
        .collect();
    let end = now + i64::try_from(life.unwrap_or(300)).unwrap();
    signer.sign(json!({
        "aud": service.token_service(), "sub": user.unwrap_or_default(), "jti": unique,
        "iat": now, "nbf": now - 10, "exp": end, "access": access,
    }))
}

/// A token that looks like those of Azure's registry: signed, and good for an hour and a quarter.
pub(super) fn acr_token(kind: &str, unique: &str) -> String {
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({
        "jti": unique, "iss": "Azure Container Registry", "grant_type": kind, "iat": now, "exp": now + 75 * 60,
    });
    let encode = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
    let header = encode(json!({"typ": "JWT", "alg": "RS256", "kid": "TEST"}).to_string());
    format!("{header}.{}.{}", encode(claims.to_string()), encode(format!("signature-{unique}")))
}
