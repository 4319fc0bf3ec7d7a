//! Registries and token servers of every kind, each on a port of its own.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;

use super::*;
use crate::{
    credentials::{self, Credential, Found, Memory},
    registry::{
        client::Client,
        http::Method,
        jwt,
        testing::{Party, Recorder, Reply, Seen, options},
        transport::Request,
    },
};

/// A client of a registry, and who listens to it.
struct User {
    client: Client,
    trace: Arc<Recorder>,
}

/// `user:canary-password` in Basic.
const BASIC: &str = "Basic dXNlcjpjYW5hcnktcGFzc3dvcmQ=";

fn password() -> Credential {
    Credential::password("user", "canary-password")
}

fn user(registry: &Party, credential: Option<Credential>) -> User {
    let host = registry.host();
    let store = credential.map(|credential| Memory::new().with(&host, credential));
    user_with(&host, |options| {
        options.auth.store = store.map(|store| Arc::new(store) as Arc<dyn CredentialStore>)
    })
}

fn user_with(host: &str, change: impl FnOnce(&mut crate::registry::Options)) -> User {
    let trace = Arc::new(Recorder::default());
    let mut options = options(trace.clone());
    change(&mut options);
    User { client: Client::new(host, options).unwrap(), trace }
}

impl User {
    async fn get(&self, repository: &str) -> Result<u16> {
        self.request(Method::GET, repository, &Scopes::repository(repository, &["pull"])).await
    }

    async fn push(&self, repository: &str) -> Result<u16> {
        self.request(Method::PUT, repository, &Scopes::repository(repository, &["pull", "push"])).await
    }

    async fn request(&self, method: Method, repository: &str, scopes: &Scopes) -> Result<u16> {
        let url = self.client.endpoint().manifest(repository, "v1");
        let response = self.client.send(Request::new(method, url), scopes).await?;
        Ok(response.status.as_u16())
    }

    async fn error(&self, repository: &str) -> String {
        describe(&self.get(repository).await.unwrap_err())
    }
}

/// An error with its causes, in one line.
fn describe(error: &Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn host_of(seen: &Seen) -> String {
    seen.header("host").unwrap_or_default().to_owned()
}

fn repository(seen: &Seen) -> String {
    seen.path.trim_start_matches("/v2/").split("/manifests/").next().unwrap_or_default().to_owned()
}

fn actions(seen: &Seen) -> &'static str {
    if seen.method == "GET" { "pull" } else { "pull,push" }
}

fn challenge_of(seen: &Seen, realm: &str) -> Reply {
    let challenge = format!(
        r#"Bearer realm="{realm}",service="reg",scope="repository:{}:{}""#,
        repository(seen),
        actions(seen)
    );
    Reply::status(401).header("www-authenticate", challenge)
}

fn token(token: &str) -> Reply {
    Reply::json(json!({"token": token, "expires_in": 300}).to_string())
}

/// A registry with a token server at the same origin: tokens that begin with `good` are accepted.
async fn registry(tokens: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Party {
    Party::start(move |seen| {
        if seen.path == "/token" {
            return tokens(seen);
        }
        match seen.authorization() {
            Some(header) if header.starts_with("Bearer good") => Reply::status(200),
            _ => challenge_of(seen, &format!("http://{}/token", host_of(seen))),
        }
    })
    .await
}

fn tokens(party: &Party) -> Vec<Seen> {
    party.requests().into_iter().filter(|seen| seen.path == "/token").collect()
}

#[tokio::test]
async fn a_first_request_shows_nothing_and_the_next_ones_what_was_accepted() {
    let registry = registry(|_| token("good")).await;
    let user = user(&registry, Some(password()));
    assert_eq!(user.get("app").await.unwrap(), 200);
    assert_eq!(user.get("app").await.unwrap(), 200);
    let seen: Vec<_> =
        registry.requests().iter().map(|seen| seen.authorization().map(str::to_owned)).collect();
    let bearer = Some("Bearer good".to_owned());
    assert_eq!(seen, [None, Some(BASIC.to_owned()), bearer.clone(), bearer]);
    let asked = &tokens(&registry)[0];
    assert_eq!((asked.query("service"), asked.query("scope")), ("reg".into(), "repository:app:pull".into()));
    assert_eq!((asked.query("account"), asked.query("client_id")), ("user".into(), "oras-rs".into()));
}

#[tokio::test]
async fn parallel_requests_share_one_token_request() {
    let registry = registry(|_| token("good")).await;
    let user = user(&registry, Some(password()));
    let all = futures_util::future::join_all((0..50).map(|_| user.get("app"))).await;
    assert!(all.into_iter().all(|status| status.unwrap() == 200));
    assert_eq!(registry.count("/token"), 1);
}

#[tokio::test]
async fn parallel_requests_share_one_refusal() {
    let registry = registry(|_| Reply::status(401)).await;
    let user = user(&registry, Some(password()));
    let all = futures_util::future::join_all((0..20).map(|_| user.get("app"))).await;
    assert!(all.into_iter().all(|result| result.is_err()));
    assert_eq!(registry.count("/token"), 1);
}

#[tokio::test]
async fn a_token_that_is_no_longer_accepted_is_replaced_once() {
    let uses = AtomicUsize::new(0);
    let issued = AtomicUsize::new(0);
    let registry = Party::start(move |seen| {
        if seen.path == "/token" {
            uses.store(0, Ordering::SeqCst);
            return token(&format!("good{}", issued.fetch_add(1, Ordering::SeqCst)));
        }
        match seen.authorization() {
            Some(_) if uses.fetch_add(1, Ordering::SeqCst) < 3 => Reply::status(200),
            _ => challenge_of(seen, &format!("http://{}/token", host_of(seen))),
        }
    })
    .await;
    let user = user(&registry, None);
    for _ in 0..7 {
        assert_eq!(user.get("app").await.unwrap(), 200);
    }
    assert_eq!(registry.count("/token"), 3);
}

#[tokio::test]
async fn a_registry_that_accepts_no_token_is_not_asked_for_ever() {
    let registry = registry(|_| token("bad")).await;
    let user = user(&registry, Some(password()));
    assert_eq!(user.get("app").await.unwrap(), 401);
    assert_eq!(registry.lines(), ["GET /v2/app/manifests/v1", "GET /token", "GET /v2/app/manifests/v1"]);
}

// ---- stale logins -------------------------------------------------------------------------------------

/// A store that is no command line: what it holds may be stale.
#[derive(Default)]
struct Stored {
    answers: Mutex<Vec<Credential>>,
    rotated: Mutex<Vec<String>>,
    asked: AtomicUsize,
    is_helper: bool,
}

impl Stored {
    fn with(credentials: impl IntoIterator<Item = Credential>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(credentials.into_iter().collect()), ..Self::default() })
    }

    fn helper(credentials: impl IntoIterator<Item = Credential>) -> Arc<Self> {
        let answers = Mutex::new(credentials.into_iter().collect());
        Arc::new(Self { answers, is_helper: true, ..Self::default() })
    }

    fn next(&self) -> Option<Arc<Login>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let credential = match answers.len() {
            0 => return None,
            1 => answers[0].duplicate(),
            _ => answers.remove(0),
        };
        let place = credentials::Place::File("/config.json".into());
        let origin = Found::Entry { place, key: "the registry".into() };
        Some(Arc::new(Login { credential, origin }))
    }
}

#[async_trait]
impl CredentialStore for Stored {
    async fn get(&self, _: &str, _: &str) -> credentials::Result<Option<Arc<Login>>> {
        Ok(self.next())
    }

    async fn store(&self, _: &str, _: &Credential) -> credentials::Result<()> {
        Err(credentials::Error::Unwritable)
    }

    async fn erase(&self, _: &str) -> credentials::Result<()> {
        Err(credentials::Error::Unwritable)
    }

    async fn renew(&self, _: &str, _: &str, refused: &Login) -> credentials::Result<Option<Arc<Login>>> {
        let next = if self.is_helper { self.next() } else { None };
        Ok(next.filter(|next| next.credential != refused.credential))
    }

    async fn rotate(&self, login: &Login, token: &Secret) -> credentials::Result<()> {
        let used = login.credential.identity().map_or("", Secret::expose);
        self.rotated.lock().unwrap().push(format!("{used} to {}", token.expose()));
        Ok(())
    }

    fn fingerprint(&self) -> u64 {
        0
    }
}

fn stored(registry: &Party, store: &Arc<Stored>) -> User {
    let store: Arc<dyn CredentialStore> = store.clone();
    user_with(&registry.host(), |options| options.auth.store = Some(store))
}

fn public_but_refuses_logins(seen: &Seen) -> Reply {
    match (seen.authorization(), seen.query("scope").contains("push")) {
        (None, false) => token("good"),
        _ => Reply {
            body: r#"{"errors":[{"code":"UNAUTHORIZED","message":"bad login"}]}"#.into(),
            ..Reply::status(401)
        },
    }
}

#[tokio::test]
async fn a_stale_login_does_not_hinder_reading_what_is_public() {
    let registry = registry(public_but_refuses_logins).await;
    let user = stored(&registry, &Stored::with([password()]));
    for repository in ["app", "app", "other"] {
        assert_eq!(user.get(repository).await.unwrap(), 200);
    }
    // The login was tried once, and one line says so.
    assert_eq!(tokens(&registry).iter().filter(|seen| seen.authorization().is_some()).count(), 1);
    let notices = user.trace.notices();
    let host = registry.host();
    assert_eq!(notices.len(), 1);
    assert!(
        notices[0].contains("/config.json") && notices[0].contains(&format!("oras login {host}")),
        "{notices:?}"
    );
}

#[tokio::test]
async fn a_stale_login_fails_a_write() {
    let registry = registry(public_but_refuses_logins).await;
    let user = stored(&registry, &Stored::with([password()]));
    let error = user.push("app").await.unwrap_err();
    assert!(describe(&error).contains("unauthorized: bad login"), "{error}");
    assert!(tokens(&registry).iter().all(|seen| seen.authorization().is_some()));
    assert!(user.trace.notices().is_empty());
}

#[tokio::test]
async fn a_login_of_the_command_line_is_never_left_aside() {
    let registry = registry(public_but_refuses_logins).await;
    let user = user(&registry, Some(password()));
    assert!(user.error("app").await.contains("unauthorized: bad login"));
    assert_eq!(registry.count("/token"), 1);
}

#[tokio::test]
async fn a_stale_login_to_something_private_is_told_as_the_server_told_it() {
    let registry = registry(|seen| match seen.authorization() {
        Some(_) => Reply {
            body: r#"{"errors":[{"code":"UNAUTHORIZED","message":"bad login"}]}"#.into(),
            ..Reply::status(401)
        },
        None => Reply::status(403),
    })
    .await;
    let user = stored(&registry, &Stored::with([password()]));
    assert!(user.error("app").await.contains("bad login"));
    assert!(user.trace.notices().is_empty());
}

#[tokio::test]
async fn a_helper_is_asked_once_more_when_its_answer_is_refused() {
    let registry =
        registry(|seen| if seen.authorization() == Some(BASIC) { token("good") } else { Reply::status(401) })
            .await;
    let store = Stored::helper([Credential::password("user", "old"), password()]);
    let user = stored(&registry, &store);
    assert_eq!(user.push("app").await.unwrap(), 200);
    assert_eq!(user.push("other").await.unwrap(), 200);
    assert_eq!(store.asked.load(Ordering::SeqCst), 3);

    let store = Stored::helper(["a", "b", "c"].map(|secret| Credential::password("user", secret)));
    let user = stored(&registry, &store);
    assert!(user.push("app").await.is_err());
    assert_eq!(store.asked.load(Ordering::SeqCst), 2);
}

// ---- Basic --------------------------------------------------------------------------------------------

/// A registry that takes a password itself.
async fn basic(challenges: &'static [&'static str]) -> Party {
    Party::start(move |seen| match seen.authorization() {
        Some(BASIC) => Reply::status(200),
        _ => {
            challenges.iter().fold(Reply::status(401), |reply, line| reply.header("www-authenticate", *line))
        }
    })
    .await
}

#[tokio::test]
async fn a_password_is_shown_after_the_question_and_from_then_on() {
    let registry = basic(&["Basic realm=\"x\""]).await;
    let user = user(&registry, Some(password()));
    assert_eq!(user.get("app").await.unwrap(), 200);
    assert_eq!(user.push("other").await.unwrap(), 200);
    let seen: Vec<_> = registry.requests().iter().map(|seen| seen.authorization().is_some()).collect();
    assert_eq!(seen, [false, true, true]);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let registry = basic(&["BASIC realm=x"]).await;
    let user = user(&registry, Some(Credential::password("user", "wrong")));
    assert_eq!(user.get("app").await.unwrap(), 401);
    assert_eq!(registry.requests().len(), 2);
}

#[tokio::test]
async fn a_missing_or_incomplete_password_is_an_error_that_says_what_to_do() {
    let registry = basic(&["Basic realm=\"x\""]).await;
    let error = |user: User| async move {
        let Err(Error::Auth(error)) = user.get("app").await else { panic!("no error") };
        (error.to_string(), error.advice().unwrap_or_default())
    };
    let (text, advice) = error(user(&registry, None)).await;
    assert_eq!(text, "basic credential not found");
    assert!(advice.contains(&format!("oras login {}", registry.host())));
    let (text, advice) = error(user(&registry, Some(Credential::identity_token("canary")))).await;
    assert!(text.starts_with("missing username or password for basic auth"), "{text}");
    assert!(advice.contains("given on the command line") && !advice.contains("canary"), "{advice}");
    let (text, _) = error(user(&registry, Some(Credential::password("a:b", "canary")))).await;
    assert!(text.starts_with("a user name with a colon cannot be sent"), "{text}");
}

#[tokio::test]
async fn a_token_is_preferred_to_a_password_however_they_are_offered() {
    for joined in [true, false] {
        for bearer_first in [true, false] {
            let registry = Party::start(move |seen| {
                if seen.path == "/token" {
                    return token("good");
                }
                if seen.authorization() == Some("Bearer good") {
                    return Reply::status(200);
                }
                let bearer = format!("Bearer realm=\"http://{}/token\",service=\"s\"", host_of(seen));
                let mut offers = [bearer, "Basic realm=\"b\"".to_owned()];
                if !bearer_first {
                    offers.reverse();
                }
                match joined {
                    true => Reply::status(401).header("www-authenticate", offers.join(", ")),
                    false => offers
                        .into_iter()
                        .fold(Reply::status(401), |reply, offer| reply.header("www-authenticate", offer)),
                }
            })
            .await;
            assert_eq!(user(&registry, Some(password())).get("app").await.unwrap(), 200);
        }
    }
}

#[tokio::test]
async fn an_unknown_scheme_leaves_the_refusal_and_is_named() {
    let registry = basic(&["Negotiate", "NTLM"]).await;
    let user = user(&registry, Some(password()));
    assert_eq!(user.get("app").await.unwrap(), 401);
    assert_eq!(registry.requests().len(), 1);
    let notice = format!("{} asks for an unsupported scheme: negotiate, ntlm", registry.host());
    assert_eq!(user.trace.notices(), [notice]);
}

#[tokio::test]
async fn a_challenge_beside_a_success_is_not_read() {
    let registry = Party::start(|_| Reply::status(200).header("www-authenticate", "basic realm=")).await;
    assert_eq!(user(&registry, None).get("app").await.unwrap(), 200);
    assert_eq!(registry.requests().len(), 1);
}

#[tokio::test]
async fn a_ready_token_is_sent_as_it_is() {
    let registry = registry(|_| token("unwanted")).await;
    let own = user(&registry, Some(Credential::registry_token("good-ready")));
    assert_eq!(own.get("app").await.unwrap(), 200);
    let stale = user(&registry, Some(Credential::registry_token("stale")));
    assert_eq!(stale.get("app").await.unwrap(), 401);
    assert_eq!(registry.count("/token"), 0);
}

// ---- realms -------------------------------------------------------------------------------------------

/// A registry by a name of the outside, whose token server has another name.
async fn two_parties(
    credential: Option<Credential>,
    change: impl FnOnce(&mut crate::registry::Options, &Party),
) -> (Party, Party, User) {
    let server =
        Party::start(|seen| if seen.authorization().is_some() { token("good") } else { token("anonymous") })
            .await;
    let realm = format!("http://auth.evil.test:{}/token", server.address.port());
    let registry = Party::start(move |seen| match seen.authorization() {
        Some("Bearer good") => Reply::status(200),
        Some("Bearer anonymous") if repository(seen) == "public" => Reply::status(200),
        _ => challenge_of(seen, &realm),
    })
    .await;
    let host = format!("registry.test:{}", registry.address.port());
    let store = credential.map(|credential| Memory::new().with(&host, credential));
    let user = user_with(&host, |options| {
        options.auth.store = store.map(|store| Arc::new(store) as Arc<dyn CredentialStore>);
        options.resolve = vec![registry.named("registry.test"), server.named("auth.evil.test")];
        change(options, &server);
    });
    (registry, server, user)
}

#[tokio::test]
async fn a_strange_token_server_gets_no_credential() {
    let (registry, server, user) = two_parties(Some(password()), |_, _| {}).await;
    assert_eq!(user.get("public").await.unwrap(), 200);
    for result in [user.get("private").await, user.push("public").await] {
        let Err(Error::Auth(error)) = result else { panic!("no error") };
        let text = error.to_string();
        assert!(text.contains("registry.test") && text.contains("auth.evil.test"), "{text}");
        assert!(error.advice().unwrap().contains("--auth-realm http://auth.evil.test:"));
    }
    for secret in ["canary", "dXNlcjpj"] {
        assert!(!server.has_seen(secret) && !registry.has_seen(secret));
    }
}

#[tokio::test]
async fn a_token_server_that_the_user_named_gets_the_credential() {
    let (_, server, user) = two_parties(Some(password()), |options, server| {
        let url = format!("http://auth.evil.test:{}", server.address.port());
        options.auth.realms.accepted = vec![Origin::of(&Url::parse(&url).unwrap()).unwrap()];
    })
    .await;
    assert_eq!(user.push("private").await.unwrap(), 200);
    assert_eq!(server.requests()[0].authorization(), Some(BASIC));
}

#[tokio::test]
async fn all_token_servers_can_be_trusted_as_other_clients_do() {
    let (_, server, user) = two_parties(Some(password()), |options, _| options.auth.realms.any = true).await;
    assert_eq!(user.push("private").await.unwrap(), 200);
    assert!(server.requests()[0].authorization().is_some());
}

#[tokio::test]
async fn an_inside_place_is_not_even_asked() {
    let inside = Party::start(|_| token("good")).await;
    let realm = inside.url("/token");
    let registry = Party::start(move |seen| challenge_of(seen, &realm)).await;
    let host = format!("registry.test:{}", registry.address.port());
    let user = user_with(&host, |options| options.resolve = vec![registry.named("registry.test")]);
    let error = user.error("app").await;
    assert!(error.contains("it is in an internal network"), "{error}");
    assert!(inside.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_of_a_token_server_is_followed_without_a_password_only() {
    let other = Party::start(|_| token("good-elsewhere")).await;
    let elsewhere = other.url("/token");
    let registry = registry(move |seen| match &*seen.path {
        "/token" if seen.query("moved").is_empty() && seen.authorization().is_none() => {
            Reply::status(307).header("location", elsewhere.clone())
        }
        _ => Reply::status(307).header("location", elsewhere.clone()),
    })
    .await;
    assert_eq!(user(&registry, None).get("app").await.unwrap(), 200);
    assert_eq!(other.requests().len(), 1);
    for credential in [password(), Credential::identity_token("canary-identity")] {
        let error = user(&registry, Some(credential)).error("app").await;
        assert!(error.contains("what is sent is not for another host"), "{error}");
    }
    assert_eq!(other.requests().len(), 1);
    assert!(!other.has_seen("canary"));
}

#[tokio::test]
async fn a_form_is_not_redirected_where_it_would_become_a_question() {
    let registry = registry(|_| Reply::status(302).header("location", "/token2")).await;
    let error = user(&registry, Some(Credential::identity_token("canary"))).error("app").await;
    assert!(error.contains("a write is not redirected this way"), "{error}");
    assert_eq!(registry.count("/token2"), 0);
}

#[tokio::test]
async fn a_token_stays_with_the_registry_that_asked_for_it() {
    let storage = Party::start(|_| Reply::status(200)).await;
    let elsewhere = storage.url("/blob");
    let registry = Party::start(move |seen| match (&*seen.path, seen.authorization()) {
        ("/token", _) => token("good-canary"),
        (_, Some(_)) => Reply::status(307).header("location", elsewhere.clone()),
        _ => challenge_of(seen, &format!("http://{}/token", host_of(seen))),
    })
    .await;
    assert_eq!(user(&registry, Some(password())).get("app").await.unwrap(), 200);
    assert!(!storage.has_seen("canary") && storage.requests()[0].authorization().is_none());
}

// ---- identity tokens ----------------------------------------------------------------------------------

#[tokio::test]
async fn an_identity_token_is_exchanged_by_a_form() {
    let registry = registry(|_| token("good")).await;
    let user = user(&registry, Some(Credential::identity_token("canary-identity")));
    assert_eq!(user.push("app").await.unwrap(), 200);
    let asked = &tokens(&registry)[0];
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.form("grant_type"), "refresh_token");
    assert_eq!(asked.form("refresh_token"), "canary-identity");
    assert_eq!(asked.form("scope"), "repository:app:pull,push");
    assert_eq!((asked.form("service"), asked.form("client_id")), ("reg".into(), "oras-rs".into()));
    assert!(asked.authorization().is_none() && asked.query.is_empty());
}

#[tokio::test]
async fn a_server_that_knows_no_identity_tokens_is_told_apart() {
    for status in [404, 405] {
        let registry =
            registry(move |seen| if seen.method == "POST" { Reply::status(status) } else { token("good") })
                .await;
        let only = Credential::identity_token("canary-identity");
        let error = user(&registry, Some(only)).error("app").await;
        assert!(error.ends_with("does not accept identity tokens"), "{error}");
        assert_eq!(registry.count("/token"), 1);
    }
}

#[tokio::test]
async fn a_refused_identity_token_goes_nowhere_else() {
    for (status, body) in [(400, r#"{"error":"invalid_grant"}"#), (401, "")] {
        let registry = registry(move |_| Reply { body: body.into(), ..Reply::status(status) }).await;
        let user = user(&registry, Some(Credential::identity_token("canary-identity")));
        let error = user.get("app").await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(registry.count("/token"), 1);
    }
}

#[tokio::test]
async fn a_new_identity_token_replaces_the_old_one_in_memory_and_in_the_store() {
    let registry = registry(|seen| {
        let used = seen.form("refresh_token");
        let next = if used == "first" { "second" } else { "third" };
        Reply::json(json!({"access_token": "good", "expires_in": 300, "refresh_token": next}).to_string())
    })
    .await;
    let store = Stored::with([Credential::identity_token("first")]);
    let user = stored(&registry, &store);
    assert_eq!(user.get("app").await.unwrap(), 200);
    assert_eq!(user.push("app").await.unwrap(), 200);
    let used: Vec<_> = tokens(&registry).iter().map(|seen| seen.form("refresh_token")).collect();
    assert_eq!(used, ["first", "second"]);
    assert_eq!(*store.rotated.lock().unwrap(), ["first to second", "second to third"]);
}

#[tokio::test]
async fn what_is_no_token_is_told_with_the_place_that_sent_it() {
    let cases = [
        (Reply::json("<html>").header("x", "y"), "the answer is not a JSON object"),
        (Reply::json("{}"), "the answer holds no token"),
        (Reply::json(r#"{"token":"a\nb"}"#), "the token cannot be sent in a header"),
        (Reply::json(format!(r#"{{"token":"{}"}}"#, "x".repeat(200 << 10))), "size exceeds limit"),
    ];
    for (reply, expected) in cases {
        let body = reply.body;
        let registry = registry(move |_| Reply::json(body.clone())).await;
        let error = user(&registry, None).error("app").await;
        assert!(error.contains(expected) && error.contains("/token"), "{error}");
    }
}

// ---- scopes -------------------------------------------------------------------------------------------

#[tokio::test]
async fn one_token_serves_reading_and_writing_when_both_are_planned() {
    let registry = registry(|_| token("good")).await;
    let user = user(&registry, Some(password()));
    let planned = Scopes::repository("app", &["pull", "push"]);
    for method in [Method::GET, Method::PUT, Method::GET, Method::PUT] {
        assert_eq!(user.request(method, "app", &planned).await.unwrap(), 200);
    }
    assert_eq!(registry.count("/token"), 1);
    assert_eq!(tokens(&registry)[0].query("scope"), "repository:app:pull,push");
}

#[tokio::test]
async fn scopes_of_a_mount_are_sorted_and_asked_for_together() {
    let registry = registry(|_| token("good")).await;
    let planned = Scopes::repository("b", &["push", "pull"]).union(&Scopes::repository("a", &["pull"]));
    assert_eq!(user(&registry, None).request(Method::PUT, "b", &planned).await.unwrap(), 200);
    assert_eq!(tokens(&registry)[0].query("scope"), "repository:a:pull repository:b:pull,push");
}

#[tokio::test]
async fn a_server_that_heeds_one_scope_only_is_asked_for_that_one() {
    let registry = Party::start(|seen| {
        if seen.path == "/token" {
            let first = seen.query("scope").split(' ').next().unwrap_or_default().to_owned();
            return token(&first);
        }
        match seen.authorization() {
            Some(header) if header.contains(&repository(seen)) => Reply::status(200),
            _ => challenge_of(seen, &format!("http://{}/token", host_of(seen))),
        }
    })
    .await;
    let user = user(&registry, Some(password()));
    let planned = Scopes::repository("zoo", &["pull"]).union(&Scopes::repository("app", &["pull"]));
    for _ in 0..3 {
        assert_eq!(user.request(Method::GET, "zoo", &planned).await.unwrap(), 200);
    }
    let asked: Vec<_> = tokens(&registry).iter().map(|seen| seen.query("scope")).collect();
    assert_eq!(asked, ["repository:app:pull repository:zoo:pull", "repository:zoo:pull"]);
}

#[tokio::test]
async fn when_all_is_denied_what_the_challenge_names_is_asked_for() {
    let registry =
        registry(
            |seen| if seen.query("scope").contains("push") { Reply::status(403) } else { token("good") },
        )
        .await;
    let user = user(&registry, Some(password()));
    let planned = Scopes::repository("app", &["pull", "push"]);
    assert_eq!(user.request(Method::GET, "app", &planned).await.unwrap(), 200);
    let asked: Vec<_> = tokens(&registry).iter().map(|seen| seen.query("scope")).collect();
    assert_eq!(asked, ["repository:app:pull,push", "repository:app:pull"]);
}

#[tokio::test]
async fn a_challenge_without_a_scope_is_answered_with_what_is_planned() {
    for challenge in ["", ",scope=\"\"", ",service=\"s\",scope=\"*\""] {
        let registry = Party::start(move |seen| match (&*seen.path, seen.authorization()) {
            ("/token", _) if seen.query("scope").contains("repository:app:pull") => token("good"),
            (_, Some("Bearer good")) => Reply::status(200),
            _ => Reply::status(401).header(
                "www-authenticate",
                format!("Bearer realm=\"http://{}/token\"{challenge}", host_of(seen)),
            ),
        })
        .await;
        let status = user(&registry, None).get("app").await;
        assert!(matches!(status, Ok(200)), "{challenge}: {status:?}");
    }
}

#[tokio::test]
async fn a_403_that_names_a_wider_scope_is_answered_once() {
    let registry = Party::start(|seen| {
        if seen.path == "/token" {
            return token(&seen.query("scope"));
        }
        let needed = if seen.method == "GET" { "pull" } else { "push" };
        match seen.authorization() {
            Some(header) if header.contains(needed) && repository(seen) != "never" => Reply::status(200),
            Some(_) => {
                Reply { status: 403, ..challenge_of(seen, &format!("http://{}/token", host_of(seen))) }
            }
            None => challenge_of(seen, &format!("http://{}/token", host_of(seen))),
        }
    })
    .await;
    let user = user(&registry, Some(password()));
    let planned = Scopes::repository("app", &["pull"]);
    assert_eq!(user.request(Method::GET, "app", &planned).await.unwrap(), 200);
    assert_eq!(user.request(Method::PUT, "app", &planned).await.unwrap(), 200);
    assert_eq!(tokens(&registry).last().unwrap().query("scope"), "repository:app:pull,push");
    let before = registry.count("/token");
    assert_eq!(
        user.request(Method::PUT, "never", &Scopes::repository("never", &["pull", "push"])).await.unwrap(),
        403
    );
    assert_eq!(registry.count("/token"), before + 1);
}

#[tokio::test]
async fn the_list_of_repositories_is_asked_for_alone() {
    let registry = Party::start(|seen| match (&*seen.path, seen.authorization()) {
        ("/token", _) if seen.query("scope").contains(' ') => Reply::status(403),
        ("/token", _) => token("good"),
        (_, Some(_)) => Reply::status(200),
        _ => Reply::status(401).header(
            "www-authenticate",
            format!("Bearer realm=\"http://{}/token\",scope=\"registry:catalog:*\"", host_of(seen)),
        ),
    })
    .await;
    let user = user(&registry, Some(password()));
    assert_eq!(user.request(Method::GET, "app", &Scopes::repository("app", &["pull"])).await.unwrap(), 200);
    assert_eq!(tokens(&registry)[0].query("scope"), "registry:catalog:*");
}

#[tokio::test]
async fn a_token_that_allows_less_than_was_asked_for_is_told() {
    let registry = registry(|_| Reply::json(r#"{"token":"bad","scope":"repository:app:pull"}"#)).await;
    let user = user(&registry, Some(password()));
    assert_eq!(user.push("app").await.unwrap(), 401);
    let notice =
        format!("{}: token granted: repository:app:pull; needed: repository:app:pull,push", registry.host());
    assert_eq!(user.trace.notices(), [notice]);
}

// ---- time ---------------------------------------------------------------------------------------------

async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_no_request_is_refused() {
    let issued = AtomicUsize::new(0);
    let registry = registry(move |_| {
        let number = issued.fetch_add(1, Ordering::SeqCst);
        Reply::json(json!({"token": format!("good{number}"), "expires_in": 60}).to_string())
    })
    .await;
    let user = user(&registry, Some(password()));
    for expected in [1, 1, 1, 2, 2, 2, 3] {
        assert_eq!(user.get("app").await.unwrap(), 200);
        assert_eq!(registry.count("/token"), expected);
        pass(16).await;
    }
    // One anonymous request in the beginning, and never again.
    let anonymous = registry
        .requests()
        .iter()
        .filter(|seen| seen.path != "/token" && seen.authorization().is_none())
        .count();
    assert_eq!(anonymous, 1);
}

#[tokio::test]
async fn a_renewal_that_fails_does_not_hurt_while_the_old_token_has_time() {
    let issued = AtomicUsize::new(0);
    let registry = registry(move |_| match issued.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::json(r#"{"token":"good","expires_in":60}"#),
        _ => Reply::status(404),
    })
    .await;
    let user = user(&registry, None);
    assert_eq!(user.get("app").await.unwrap(), 200);
    pass(50).await;
    assert_eq!(user.get("app").await.unwrap(), 200);
    pass(20).await;
    assert_eq!(user.get("app").await.unwrap_err().status().map(|status| status.as_u16()), Some(404));
}

#[tokio::test]
async fn a_password_that_is_an_expired_token_is_not_sent() {
    let expired = jwt::forge(&json!({"exp": 1_000, "iss": "Azure Container Registry"}));
    let registry = registry(|_| token("good")).await;
    let user = user(&registry, Some(Credential::password("00000000-0000-0000-0000-000000000000", expired)));
    let Err(Error::Auth(error)) = user.get("app").await else { panic!("no error") };
    assert!(error.to_string().ends_with("expired at 1970-01-01T00:16:40Z"), "{error}");
    assert!(error.advice().unwrap().contains("az acr login"));
    assert_eq!(registry.count("/token"), 0);
}

// ---- secrets ------------------------------------------------------------------------------------------

#[tokio::test]
async fn no_secret_is_shown_to_listeners_or_in_errors() {
    let echo = |seen: &Seen| {
        let said = format!("you sent {} {}", seen.authorization().unwrap_or_default(), seen.body);
        let body =
            json!({"errors": [{"code": "DENIED", "message": said, "detail": {"m": said}}]}).to_string();
        Reply { body, ..Reply::status(403) }.header("content-type", "application/json")
    };
    let echoing = registry(echo).await;
    let giving = registry(|_| Reply::json(r#"{"token":"good-canary-token","x":"y"}"#)).await;
    let html = registry(|_| Reply::json("canary-token in a page").header("content-type", "text/html")).await;
    let mut shown = String::new();
    for registry in [&echoing, &giving, &html] {
        for credential in [password(), Credential::identity_token("canary-identity")] {
            let user = user(registry, Some(credential));
            if let Err(error) = user.get("app").await {
                shown += &format!("{error:?} {}", describe(&error));
            }
            shown += &user.trace.all();
            shown += &format!("{:?}", user.client.options());
        }
    }
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn urls_of_the_api_tell_their_repository() {
    let cases = [
        ("/v2/", ""),
        ("/v2/_catalog", ""),
        ("/v2/app/manifests/v1", "app"),
        ("/v2/a/b/blobs/sha256:00", "a/b"),
        ("/v2/a/blobs/uploads/1", "a"),
        ("/v2/a/tags/list", "a"),
        ("/v2/a/referrers/sha256:00", "a"),
        ("/v2/a/blobs/b/manifests/v1", "a/blobs/b"),
        ("/prefix/v2/a/manifests/v1", "a"),
        ("/token", ""),
    ];
    for (path, expected) in cases {
        assert_eq!(repository_of(&Url::parse(&format!("https://h{path}")).unwrap()), expected, "{path}");
    }
}

#[tokio::test]
async fn credentials_are_looked_up_for_the_repository_at_hand() {
    struct ByRepository(HashMap<&'static str, &'static str>);
    #[async_trait]
    impl CredentialStore for ByRepository {
        async fn get(&self, _: &str, repository: &str) -> credentials::Result<Option<Arc<Login>>> {
            let password = self.0.get(repository);
            Ok(password.map(|password| Arc::new(Login::given(Credential::password("u", *password)))))
        }
        async fn store(&self, _: &str, _: &Credential) -> credentials::Result<()> {
            Ok(())
        }
        async fn erase(&self, _: &str) -> credentials::Result<()> {
            Ok(())
        }
        async fn rotate(&self, _: &Login, _: &Secret) -> credentials::Result<()> {
            Ok(())
        }
        fn fingerprint(&self) -> u64 {
            0
        }
    }
    let registry = registry(|_| token("good")).await;
    let store: Arc<dyn CredentialStore> = Arc::new(ByRepository(HashMap::from([("a", "1"), ("b", "2")])));
    let user = user_with(&registry.host(), |options| options.auth.store = Some(store));
    for repository in ["a", "b", "c"] {
        assert_eq!(user.get(repository).await.unwrap(), 200);
    }
    let shown: Vec<_> =
        tokens(&registry).iter().map(|seen| seen.authorization().map(str::to_owned)).collect();
    assert_eq!(shown, [Some("Basic dTox".to_owned()), Some("Basic dToy".to_owned()), None]);
}

/// Everything that a person sees of a failure: the error, what to do, and the notices before it.
async fn told(user: &User) -> String {
    let said = match user.get("app").await {
        Ok(status) => {
            let url = user.client.endpoint().manifest("app", "v1");
            let again =
                user.client.send(Request::get(url), &Scopes::repository("app", &["pull"])).await.unwrap();
            let error = again.into_error().await;
            format!("{status}: {}", error.advice().unwrap_or_default())
        }
        Err(error) => format!("{}: {}", describe(&error), error.advice().unwrap_or_default()),
    };
    format!("{said} {:?}", user.trace.notices())
}

#[tokio::test]
async fn a_refusal_is_told_with_who_we_were_and_what_can_be_done() {
    let refusing = || {
        registry(|_| Reply {
            body: r#"{"errors":[{"code":"DENIED","message":"no"}]}"#.into(),
            ..Reply::status(403)
        })
    };
    let with_basic = || basic(&["Basic realm=x"]);
    let by = |credential: Credential| Stored::with([credential]);
    let wrong = || Credential::password("user", "canary-wrong");
    let jwt = |claims: serde_json::Value| Credential::password("0", jwt::forge(&claims));
    let old = Party::start(|seen| {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        challenge_of(seen, &format!("http://{}/token", host_of(seen))).header("date", date)
    });
    let realm = |realm: &'static str| Party::start(move |seen| challenge_of(seen, realm));
    let page = || registry(|_| Reply::json("<html>").header("x", "y"));
    let old = old.await;
    let cases: Vec<(&str, User, &[&str])> = vec![
        (
            "no login, password wanted",
            user(&with_basic().await, None),
            &["basic credential not found", "oras login"],
        ),
        (
            "no login, token refused",
            user(&refusing().await, None),
            &["denied: no", "there is no login for", "asked for repository:app:pull"],
        ),
        (
            "wrong password",
            stored(&with_basic().await, &by(wrong())),
            &["401", "the password is from entry", "/config.json"],
        ),
        (
            "wrong password for a token",
            stored(&refusing().await, &by(wrong())),
            &["denied: no", "the password is from entry"],
        ),
        (
            "wrong password of a flag",
            user(&with_basic().await, Some(wrong())),
            &["given on the command line"],
        ),
        (
            "token where a password is wanted",
            user(&with_basic().await, Some(Credential::identity_token("canary"))),
            &["missing username or password"],
        ),
        (
            "identity token that is refused",
            stored(&refusing().await, &by(Credential::identity_token("canary"))),
            &["the identity token is from entry"],
        ),
        (
            "identity tokens unknown",
            user(&registry(|_| Reply::status(404)).await, Some(Credential::identity_token("canary"))),
            &["does not accept identity tokens", "user name and password"],
        ),
        (
            "expired token",
            stored(&refusing().await, &by(jwt(json!({"exp": 1_000})))),
            &["expired at 1970-01-01T00:16:40Z", "oras login"],
        ),
        (
            "expired token of az",
            stored(&refusing().await, &by(jwt(json!({"exp": 1_000, "iss": "Azure Container Registry"})))),
            &["az acr login"],
        ),
        (
            "token accepted nowhere",
            user(&registry(|_| token("bad")).await, None),
            &["401", "there is no login for"],
        ),
        (
            "token too narrow",
            user(&registry(|_| Reply::json(r#"{"token":"bad","scope":"repository:b:pull"}"#)).await, None),
            &["token granted: repository:b:pull", "needed: repository:app:pull"],
        ),
        ("unknown scheme", user(&basic(&["Negotiate"]).await, None), &["unsupported scheme: negotiate"]),
        ("no place for tokens", user(&realm("").await, None), &["the registry names no place for tokens"]),
        ("place of another kind", user(&realm("ftp://h/t").await, None), &["neither http nor https"]),
        ("page instead of a token", user(&page().await, None), &["/token", "not a JSON object"]),
        (
            "wrong clock",
            user(&old, Some(Credential::registry_token("x"))),
            &["the clock of this machine is", "ahead of the registry's"],
        ),
    ];
    assert!(cases.len() >= 15);
    for (name, user, expected) in cases {
        let text = told(&user).await;
        for part in expected {
            assert!(text.contains(part), "{name}: {part}: {text}");
        }
        assert!(!text.contains("canary"), "{name}: {text}");
    }
}
