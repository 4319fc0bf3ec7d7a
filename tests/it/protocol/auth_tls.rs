//! Certificates: whom we trust, what we say when we do not, and how we show who we are.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use oras::{
    credentials::{Credential, CredentialStore, Memory},
    registry::{
        CertsD, Error, Options, Realms, Registry, TlsOptions, Trace, TraceEvent, TransportError, acr,
    },
};

use crate::support::{
    Fault, TestRegistry,
    registry::Access as May,
    tls::{Authority, Identity, ServerTls},
};

/// Keeps the notices.
#[derive(Default)]
struct Notices(Mutex<Vec<String>>);

impl Trace for Notices {
    fn event(&self, event: &TraceEvent<'_>) {
        if let TraceEvent::Notice(text) = event {
            self.0.lock().unwrap().push((*text).to_owned());
        }
    }
}

async fn registry(identity: Identity) -> TestRegistry {
    TestRegistry::builder().tls(ServerTls::new(identity)).start().await
}

fn options(change: impl FnOnce(&mut TlsOptions)) -> Options {
    let mut options = Options::new(SystemTime::now);
    options.retries.most = 0;
    change(&mut options.tls);
    options
}

async fn ping(registry: &TestRegistry, options: Options) -> Result<(), Error> {
    Registry::new(&registry.host(), options).unwrap().ping().await
}

/// What went wrong and what to do about it.
fn told(result: Result<(), Error>) -> (String, String) {
    let error = result.unwrap_err();
    let Some(TransportError::Tls { reason, advice, .. }) = error.transport() else { panic!("{error:?}") };
    (reason.clone(), advice.unwrap_or_default().to_owned())
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn an_unknown_authority_is_refused_before_anything_is_said_and_trusted_when_named() {
    let authority = Authority::new();
    let registry = registry(authority.server()).await;
    let (reason, advice) = told(ping(&registry, options(|_| {})).await);
    assert_eq!(reason, "certificate signed by unknown authority");
    assert!(advice.contains("--ca-file"));
    assert!(registry.requests().is_empty());

    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "ca.pem", authority.pem());
    ping(&registry, options(|tls| tls.ca_file = Some(file))).await.unwrap();
    // Other authorities are no longer trusted for this host.
    let other = write(folder.path(), "other.pem", Authority::new().pem());
    told(ping(&registry, options(|tls| tls.ca_file = Some(other))).await);
}

#[tokio::test]
async fn a_tls_failure_is_not_followed_by_plain_http() {
    use tokio::io::AsyncReadExt as _;
    // It ends every handshake, and keeps the first byte of each connection.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("localhost:{}", listener.local_addr().unwrap().port());
    let first: Arc<Mutex<Vec<u8>>> = Arc::default();
    let seen = first.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut byte = [0];
            if stream.read_exact(&mut byte).await.is_ok() {
                seen.lock().unwrap().push(byte[0]);
            }
        }
    });
    let repository = Registry::new(&host, options(|_| {})).unwrap().repository("app");
    Registry::new(&host, options(|_| {})).unwrap().ping().await.unwrap_err();
    oras::content::Source::resolve(&repository, "v1").await.unwrap_err();
    let first = first.lock().unwrap().clone();
    // A handshake begins with this byte, a request with a letter.
    assert!(!first.is_empty() && first.iter().all(|byte| *byte == 0x16), "{first:?}");
}

#[tokio::test]
async fn without_checking_everything_is_accepted_and_a_credential_is_warned_about() {
    let access = May::basic("alice", "canary");
    let tls = ServerTls::new(Identity::self_signed());
    let registry = TestRegistry::builder().access(access).tls(tls).start().await;
    for (first_use, warned) in [(false, true), (true, false)] {
        let notices = Arc::new(Notices::default());
        let store = Memory::new().with(&registry.host(), Credential::password("alice", "canary"));
        let mut options = options(|tls| tls.insecure = true);
        options.auth.store = Some(Arc::new(store) as Arc<dyn CredentialStore>);
        options.auth.realms = {
            let mut realms = Realms::default();
            realms.first_use = first_use;
            realms
        };
        options.trace = notices.clone();
        ping(&registry, options).await.unwrap();
        let told = notices.0.lock().unwrap().clone();
        assert_eq!(told.iter().any(|text| text.contains(&registry.host())), warned, "{told:?}");
    }
}

#[tokio::test]
async fn faults_of_a_certificate_are_told_apart() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "ca.pem", authority.pem());
    let cases = [
        (authority.expired_server(), "expired", "clock"),
        (authority.server_called(&["elsewhere.test"]), "elsewhere.test", "alternative names"),
        (authority.server_with_common_name_only(), "alternative names", "common name"),
        (authority.client("localhost"), "not meant for servers", "server authentication"),
    ];
    for (identity, reason, advice) in cases {
        let registry = registry(identity).await;
        let (said, advised) = told(ping(&registry, options(|tls| tls.ca_file = Some(file.clone()))).await);
        assert!(said.contains(reason) && advised.contains(advice), "{said}: {advised}");
        assert!(registry.requests().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_signs_for_itself_is_trusted_when_its_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for identity in [Identity::self_signed(), Identity::self_signed_authority()] {
        let registry = registry(identity.clone()).await;
        told(ping(&registry, options(|_| {})).await);
        let file = write(folder.path(), "own.pem", &identity.certificate);
        ping(&registry, options(|tls| tls.ca_file = Some(file))).await.unwrap();
    }
    // Another certificate of the same kind is not.
    let registry = registry(Identity::self_signed_authority()).await;
    let file = write(folder.path(), "another.pem", &Identity::self_signed_authority().certificate);
    told(ping(&registry, options(|tls| tls.ca_file = Some(file))).await);
}

#[tokio::test]
async fn a_server_that_signs_for_itself_is_still_asked_for_its_name() {
    let identity = Identity::self_signed_authority();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "own.pem", &identity.certificate);
    let registry = registry(identity).await;
    let mut options = options(|tls| tls.ca_file = Some(file));
    let (port, address) = (registry.address().port(), registry.address());
    options.resolve = vec![oras::registry::Resolve { host: "registry.test".into(), port, address }];
    let result = Registry::new(&format!("registry.test:{port}"), options).unwrap().ping().await;
    assert!(told(result).0.contains("not for this host"));
}

#[tokio::test]
async fn a_client_certificate_is_asked_for_and_shown() {
    let authority = Authority::new();
    let tls = ServerTls::new(authority.server()).for_clients_of(&authority);
    let registry = TestRegistry::builder().tls(tls).start().await;
    let folder = tempfile::tempdir().unwrap();
    let ca = write(folder.path(), "ca.pem", authority.pem());
    let (reason, advice) = told(ping(&registry, options(|tls| tls.ca_file = Some(ca.clone()))).await);
    assert!(reason.contains("client certificate") && advice.contains("--cert-file"), "{reason}: {advice}");

    let client = authority.client("me");
    let certificate = write(folder.path(), "me.pem", &client.certificate);
    let key = write(folder.path(), "key.pem", &client.key);
    let with = |identity| options(|tls| (tls.ca_file, tls.identity) = (Some(ca.clone()), identity));
    ping(&registry, with(Some((certificate.clone(), key)))).await.unwrap();

    let stranger = Authority::new().client("me");
    let certificate = write(folder.path(), "stranger.pem", &stranger.certificate);
    let key = write(folder.path(), "stranger.key", &stranger.key);
    assert!(ping(&registry, with(Some((certificate.clone(), key)))).await.is_err());
    let other_key = write(folder.path(), "other.key", &authority.client("me").key);
    let error = ping(&registry, with(Some((certificate, other_key.clone())))).await.unwrap_err().to_string();
    assert!(error.contains("other.key"), "{error}");
}

#[tokio::test]
async fn certificates_in_the_folder_of_a_host_are_used_for_that_host() {
    let authority = Authority::new();
    let tls = ServerTls::new(authority.server()).for_clients_of(&authority);
    let registry = TestRegistry::builder().tls(tls).start().await;
    let folder = tempfile::tempdir().unwrap();
    let client = authority.client("me");
    let host = registry.host();
    write(folder.path(), &format!("{host}/ca.crt"), authority.pem());
    write(folder.path(), &format!("{host}/me.cert"), &client.certificate);
    let with = || options(|tls| tls.folders = vec![CertsD::Docker(folder.path().into())]);
    let error = ping(&registry, with()).await.unwrap_err().to_string();
    assert!(error.contains("me.cert") && error.contains("me.key"), "{error}");
    write(folder.path(), &format!("{host}/me.key"), &client.key);
    ping(&registry, with()).await.unwrap();

    let mut elsewhere = with();
    let (port, address) = (registry.address().port(), registry.address());
    elsewhere.resolve = vec![oras::registry::Resolve { host: "registry.test".into(), port, address }];
    told(Registry::new(&format!("registry.test:{port}"), elsewhere).unwrap().ping().await);
}

#[tokio::test]
async fn files_that_were_named_are_checked_also_where_no_tls_is_spoken() {
    let folder = tempfile::tempdir().unwrap();
    let bad = write(folder.path(), "bad.pem", "no pem");
    let check = |change: &dyn Fn(&mut TlsOptions)| {
        let mut tls = TlsOptions::default();
        change(&mut tls);
        tls.check().map_err(|error| error.to_string())
    };
    assert!(check(&|tls| tls.ca_file = Some(bad.clone())).unwrap_err().contains("bad.pem"));
    assert!(
        check(&|tls| tls.ca_file = Some("/nowhere.pem".into())).unwrap_err().contains("open /nowhere.pem")
    );
    assert!(check(&|tls| tls.identity = Some((bad.clone(), bad.clone()))).is_err());
    assert_eq!(check(&|_| {}), Ok(()));
}

#[tokio::test]
async fn where_a_firewall_hides_the_token_service_of_azure_a_password_is_shown_to_the_registry() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "ca.pem", authority.pem());
    // Nobody listens on the port of this realm.
    let access = May::bearer("alice", "canary").or_basic().realm("https://localhost:1/oauth2/token");
    let tls = ServerTls::new(authority.server());
    let registry = TestRegistry::builder().access(access).tls(tls).start().await;
    let with = |hosts: Vec<String>| {
        let store = Memory::new().with(&registry.host(), Credential::password("alice", "canary"));
        let mut options = options(|tls| tls.ca_file = Some(file.clone()));
        options.auth.store = Some(Arc::new(store) as Arc<dyn CredentialStore>);
        let mut azure = acr::Azure::from_variables(|_| None);
        azure.hosts = hosts;
        options.auth.azure = Some(azure);
        options
    };
    ping(&registry, with(vec![registry.host()])).await.unwrap();
    assert!(ping(&registry, with(Vec::new())).await.is_err());
}

#[tokio::test]
async fn a_password_is_shown_to_the_registry_where_its_token_server_is_no_place_to_ask() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "ca.pem", authority.pem());
    for realm in ["http://localhost/token", "", "ftp://localhost/token"] {
        let access = May::bearer("alice", "canary").or_basic().realm(realm);
        let tls = ServerTls::new(authority.server());
        let registry = TestRegistry::builder().access(access).tls(tls).start().await;
        let store = Memory::new().with(&registry.host(), Credential::password("alice", "canary"));
        let mut options = options(|tls| tls.ca_file = Some(file.clone()));
        options.auth.store = Some(Arc::new(store) as Arc<dyn CredentialStore>);
        ping(&registry, options).await.unwrap();
    }
}

#[tokio::test]
async fn without_checking_the_registry_all_others_are_still_checked() {
    let tls = ServerTls::new(Identity::self_signed());
    let registry = TestRegistry::builder().bearer("alice", "canary").tls(tls).start().await;
    let (port, address) = (registry.address().port(), registry.address());
    let challenge = format!("Bearer realm=\"https://auth.test:{port}/token\",service=\"s\"");
    registry.on("GET", "/v2/").then(Fault::header("www-authenticate", &challenge));
    let mut options = options(|tls| tls.insecure = true);
    options.resolve = vec![
        oras::registry::Resolve { host: "registry.test".into(), port, address },
        oras::registry::Resolve { host: "auth.test".into(), port, address },
    ];
    let result = Registry::new(&format!("registry.test:{port}"), options).unwrap().ping().await;
    let error = result.unwrap_err();
    assert!(matches!(error.transport(), Some(TransportError::Tls { .. })), "{error:?}");
    assert_eq!(registry.count("*token*"), 0);
}
