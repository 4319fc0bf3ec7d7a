//! Who we are, shown to whole commands' worth of requests: tokens, logins in real files, Azure, secrets.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use oras::{
    content::{Body, Source as _, Target as _},
    credentials::{
        self, Chain, Credential, CredentialStore, Environment, Helpers, Memory, Notify, Options as Places,
    },
    oci::{Descriptor, Digest},
    registry::{Access, AuthError, Error, Options, Registry, Trace, TraceEvent, acr},
};

use crate::support::{
    TestRegistry,
    registry::{Access as May, Fault, Origin},
};

/// Listens to everything, and searches it for secrets in the end.
#[derive(Default)]
struct Listener {
    events: Mutex<Vec<String>>,
    notices: Mutex<Vec<String>>,
}

impl Trace for Listener {
    fn begin(&self) -> Option<u64> {
        Some(1)
    }

    fn event(&self, event: &TraceEvent<'_>) {
        self.events.lock().unwrap().push(format!("{event:?}"));
        if let TraceEvent::Notice(text) = event {
            self.notices.lock().unwrap().push((*text).to_owned());
        }
    }
}

/// A registry as a user sees it.
struct User {
    registry: Registry,
    listener: Arc<Listener>,
}

const PASSWORD: &str = "canary-password";

fn user(registry: &TestRegistry, change: impl FnOnce(&mut Options)) -> User {
    let listener = Arc::new(Listener::default());
    let mut options = Options::new(SystemTime::now);
    options.plain_http = true;
    options.access = Access::Push;
    options.trace = listener.clone();
    options.retries.most = 0;
    change(&mut options);
    User { registry: Registry::new(&registry.host(), options).unwrap(), listener }
}

fn known(registry: &TestRegistry, credential: Credential) -> User {
    let store: Arc<dyn CredentialStore> = Arc::new(Memory::new().with(&registry.host(), credential));
    user(registry, |options| options.auth.store = Some(store))
}

fn alice() -> Credential {
    Credential::password("alice", PASSWORD)
}

impl User {
    async fn push(&self, repository: &str, text: &str) -> Result<(), String> {
        let node = blob(text);
        let target = self.registry.repository(repository);
        target.push(&node, Body::from(text.to_owned().into_bytes())).await.map_err(|error| error.to_string())
    }

    fn notices(&self) -> Vec<String> {
        self.listener.notices.lock().unwrap().clone()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let events = self.listener.events.lock().unwrap().join("\n");
        for secret in ["canary", "YWxpY2U6Y2FuYXJ5LXBhc3N3b3Jk"] {
            assert!(!events.contains(secret) || std::thread::panicking(), "{events}");
        }
    }
}

fn blob(text: &str) -> Descriptor {
    Descriptor::new("application/octet-stream", Digest::of(text.as_bytes()), text.len() as u64)
}

fn token_requests(registry: &TestRegistry) -> Vec<String> {
    registry.requests_like("*/token*").iter().map(|request| request.target.clone()).collect()
}

#[tokio::test]
async fn pushing_many_blobs_takes_one_token() {
    let registry = TestRegistry::builder().bearer("alice", PASSWORD).start().await;
    let user = known(&registry, alice());
    for number in 0..10 {
        user.push("app", &format!("blob {number}")).await.unwrap();
    }
    assert_eq!(token_requests(&registry).len(), 1);
    assert_eq!(registry.content("app").blobs().len(), 10);
}

#[tokio::test]
async fn a_mount_asks_for_both_repositories_at_once() {
    let registry = TestRegistry::builder().bearer("alice", PASSWORD).start().await;
    let user = known(&registry, alice());
    user.push("from", "shared").await.unwrap();
    registry.forget_requests();
    let origin = user.registry.repository("from").origin().unwrap();
    let mounted = user.registry.repository("into").mount(&blob("shared"), &origin).await.unwrap();
    assert!(mounted);
    let asked = token_requests(&registry);
    assert_eq!(asked.len(), 1, "{asked:?}");
    let scopes = "scope=repository%3Afrom%3Apull&scope=repository%3Ainto%3Apull%2Cpush";
    assert!(asked[0].contains(scopes), "{asked:?}");
}

#[tokio::test]
async fn a_token_server_that_denies_unions_or_reads_one_scope_is_served() {
    let access = |access: May| access.user("alice", PASSWORD).who_may("pull,push", "*");
    for access in
        [access(May::bearer("x", "y").first_scope_only()), access(May::bearer("x", "y").denies_unions())]
    {
        let registry = TestRegistry::builder().access(access).start().await;
        let user = known(&registry, alice());
        user.push("from", "shared").await.unwrap();
        let origin = user.registry.repository("from").origin().unwrap();
        // Whether the mount works is the server's decision; that nothing fails is ours.
        user.registry.repository("into").mount(&blob("shared"), &origin).await.unwrap();
        user.push("into", "more").await.unwrap();
    }
}

#[tokio::test]
async fn tokens_that_end_early_do_not_fail_an_upload() {
    let access = May::bearer("alice", PASSWORD).tokens_last_for(2);
    let registry = TestRegistry::builder().access(access).start().await;
    let user = known(&registry, alice());
    for number in 0..5 {
        user.push("app", &format!("blob {number}")).await.unwrap();
    }
    assert_eq!(registry.content("app").blobs().len(), 5);
}

#[tokio::test]
async fn a_login_is_checked_without_naming_a_repository() {
    let registry = TestRegistry::builder().bearer("alice", PASSWORD).start().await;
    known(&registry, alice()).registry.ping().await.unwrap();
    let asked = token_requests(&registry);
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].contains("scope="), "{asked:?}");
    let wrong = known(&registry, Credential::password("alice", "canary-wrong"));
    assert!(wrong.registry.ping().await.is_err());
}

#[tokio::test]
async fn a_registry_without_a_question_accepts_everybody() {
    let registry = TestRegistry::start().await;
    known(&registry, alice()).registry.ping().await.unwrap();
    assert!(registry.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test]
async fn a_token_server_of_its_own_and_a_registry_share_one_machine() {
    let access = May::bearer("alice", PASSWORD).tokens_elsewhere();
    let registry = TestRegistry::builder().access(access).start().await;
    known(&registry, alice()).push("app", "blob").await.unwrap();
    let elsewhere: Vec<_> =
        registry.requests().into_iter().filter(|request| request.origin == Origin::Tokens).collect();
    assert_eq!(elsewhere.len(), 1);
}

#[tokio::test]
async fn identity_tokens_are_exchanged_and_new_ones_kept() {
    let access = May::bearer("alice", PASSWORD).refresh_tokens_rotate();
    let registry = TestRegistry::builder().access(access).start().await;
    let asked = format!("{}?service=x&offline_token=true&account=alice", registry.url("/token"));
    let client = crate::support::http::client();
    let answer =
        client.get(asked).basic_auth("alice", Some(PASSWORD)).send().await.unwrap().text().await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let first = answer["refresh_token"].as_str().unwrap().to_owned();

    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.json");
    let chain = open(&file, home.path());
    chain.store(&registry.host(), &Credential::identity_token(&*first)).await.unwrap();
    for repository in ["one", "two"] {
        // Each process starts with what the one before it kept.
        let store: Arc<dyn CredentialStore> = Arc::new(open(&file, home.path()));
        user(&registry, |options| options.auth.store = Some(store)).push(repository, "blob").await.unwrap();
    }
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("identitytoken") && !text.contains(&first), "{text}");
}

#[tokio::test]
async fn where_identity_tokens_are_not_known_the_password_beside_one_is_used() {
    let access = May::bearer("alice", PASSWORD).tokens_by_get_only();
    let registry = TestRegistry::builder().access(access).start().await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.json");
    let both = r#"{"auth":"YWxpY2U6Y2FuYXJ5LXBhc3N3b3Jk","identitytoken":"canary-identity"}"#;
    fs::write(&file, format!(r#"{{"auths":{{"{}":{both}}}}}"#, registry.host())).unwrap();
    let store: Arc<dyn CredentialStore> = Arc::new(open(&file, home.path()));
    user(&registry, |options| options.auth.store = Some(store)).push("app", "blob").await.unwrap();
    let methods: Vec<_> =
        registry.requests_like("*/token*").iter().map(|seen| seen.method.to_string()).collect();
    assert_eq!(methods, ["POST", "GET"]);
}

fn open(file: &Path, home: &Path) -> Chain {
    let notify: Notify = Arc::new(|_| {});
    let environment = Environment { home: Some(home.to_owned()), ..Environment::default() };
    let helpers = Helpers::new(None, notify.clone());
    Chain::open(Places { files: vec![PathBuf::from(file)], environment, helpers, notify }).unwrap()
}

#[tokio::test]
async fn a_stale_login_in_a_file_reads_what_is_public_and_fails_to_write() {
    let access = May::bearer("alice", PASSWORD).anybody_may("pull", "public/*");
    let registry = TestRegistry::builder().access(access).start().await;
    let node = registry.content("public/app").insert_blob("a/b", "content");
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.json");
    open(&file, home.path())
        .store(&registry.host(), &Credential::password("alice", "canary-old"))
        .await
        .unwrap();
    let with = |access: Access| {
        let store: Arc<dyn CredentialStore> = Arc::new(open(&file, home.path()));
        user(&registry, |options| {
            options.auth.store = Some(store);
            options.access = access;
        })
    };
    let reader = with(Access::Pull);
    assert_eq!(&*reader.registry.repository("public/app").fetch_bytes(&node).await.unwrap(), b"content");
    let notices = reader.notices();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("config.json") && notices[0].contains("oras login"), "{notices:?}");
    assert!(with(Access::Push).push("public/app", "more").await.is_err());
}

#[tokio::test]
async fn two_identities_for_one_registry_stay_apart() {
    let access = May::bearer("alice", PASSWORD)
        .who_may("pull", "from")
        .user("bob", "canary-bob")
        .who_may("pull,push", "into");
    let registry = TestRegistry::builder().access(access).start().await;
    let node = registry.content("from").insert_blob("a/b", "content");
    let source = known(&registry, alice());
    let target = known(&registry, Credential::password("bob", "canary-bob"));
    let bytes = source.registry.repository("from").fetch_bytes(&node).await.unwrap();
    target.registry.repository("into").push(&node, Body::from(bytes)).await.unwrap();
    assert_eq!(registry.content("into").blobs().len(), 1);
    assert!(source.push("into", "more").await.is_err());
}

#[tokio::test]
async fn a_place_inside_the_network_is_refused_as_realm_of_a_registry_outside() {
    let inside = TestRegistry::start().await;
    let access = May::bearer("alice", PASSWORD).realm(&format!("http://{}/token", inside.address()));
    let registry = TestRegistry::builder().access(access).start().await;
    let outside = format!("registry.test:{}", registry.address().port());
    let store: Arc<dyn CredentialStore> = Arc::new(Memory::new().with(&outside, alice()));
    let mut options = Options::new(SystemTime::now);
    options.plain_http = true;
    options.auth.store = Some(store);
    options.resolve = vec![oras::registry::Resolve {
        host: "registry.test".into(),
        port: registry.address().port(),
        address: registry.address(),
    }];
    let error = Registry::new(&outside, options).unwrap().ping().await.unwrap_err();
    assert!(matches!(&error, Error::Auth(AuthError::Realm { .. })), "{error}");
    assert!(inside.requests().is_empty());
}

#[tokio::test]
async fn without_tls_no_password_takes_the_place_of_a_token() {
    for realm in ["", "ftp://localhost/token", "http://169.254.169.254/token"] {
        let access = May::bearer("alice", PASSWORD).or_basic().realm(realm);
        let registry = TestRegistry::builder().access(access).start().await;
        let error = known(&registry, alice()).registry.ping().await.unwrap_err();
        assert!(matches!(&error, Error::Auth(AuthError::Realm { .. })), "{realm}: {error}");
        registry.never_saw(PASSWORD);
    }
}

#[tokio::test]
async fn a_token_server_that_answers_with_a_page_is_named() {
    let registry = TestRegistry::builder().bearer("alice", PASSWORD).start().await;
    let page = crate::support::registry::Answer::new(200).header("content-type", "text/html").body("<html>");
    registry.on("GET", "/token").then(Fault::answer(page));
    let error = known(&registry, alice()).registry.ping().await.unwrap_err().to_string();
    assert!(error.contains("not a token server") && error.contains("/token"), "{error}");
}

// ---- Azure --------------------------------------------------------------------------------------------

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// A refresh token as `az acr login --expose-token` prints it.
async fn exposed_token(registry: &TestRegistry) -> String {
    let client = crate::support::http::client();
    let form = format!("grant_type=access_token&service={}&access_token=canary-entra", registry.host());
    let request = client.post(registry.url("/oauth2/exchange"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer = request.send().await.unwrap().text().await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    answer["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_exposed_token_of_az_works_as_password_and_as_identity_token() {
    let access = May::acr("alice", PASSWORD, "canary-entra");
    let registry = TestRegistry::builder().access(access).start().await;
    let token = exposed_token(&registry).await;
    let given = Credential::password(NOBODY, &*token);
    for credential in [acr::recognise(given), Credential::identity_token(&*token), alice()] {
        known(&registry, credential).push("app", "blob").await.unwrap();
    }
    // The lists of repositories and a repository are never asked for together.
    let user = known(&registry, alice());
    user.push("app", "more").await.unwrap();
    let pages: Vec<_> = futures_util::StreamExt::collect(user.registry.catalog(None)).await;
    assert!(pages.iter().all(Result::is_ok), "{pages:?}");
    let mixed = token_requests(&registry)
        .iter()
        .any(|asked| asked.contains("catalog") && asked.contains("repository"));
    assert!(!mixed);
}

#[tokio::test]
async fn anonymous_users_of_azure_pull_and_do_not_push() {
    let access = May::acr("alice", PASSWORD, "canary-entra").anybody_may("pull", "*");
    let registry = TestRegistry::builder().access(access).start().await;
    let node = registry.content("app").insert_blob("a/b", "content");
    let anonymous = user(&registry, |options| options.access = Access::Pull);
    anonymous.registry.repository("app").fetch_bytes(&node).await.unwrap();
    assert!(user(&registry, |_| {}).push("app", "more").await.is_err());
}

// ---- what no output may hold --------------------------------------------------------------------------

#[test]
fn no_public_type_shows_a_secret() {
    let credential =
        || Credential::password("canary-user", "canary-password").with_identity_token("canary-token");
    let mut options = Options::new(SystemTime::now);
    options.auth.store = Some(Arc::new(Memory::new().with("h", credential())));
    options.headers = vec![("X-Token".into(), "canary-header".into())];
    options.proxies.https = Some("http://user:canary-proxy@proxy".into());
    let azure = acr::Azure::from_variables(|_| Some("canary".into()));
    options.auth.azure = Some(azure.clone());
    let environment =
        Environment::from_variables(|name| (name == "DOCKER_AUTH_CONFIG").then(|| "canary".into()));
    let shown = [
        format!("{:?}", credential()),
        format!("{:?}", credentials::Login::given(credential())),
        format!("{:?}", Memory::new().with("h", credential())),
        format!("{options:?} {:?} {:?} {:?}", options.auth, options.tls, options.proxies),
        format!("{azure:?} {environment:?}"),
    ];
    assert!(!shown.concat().contains("canary"), "{shown:?}");
}
