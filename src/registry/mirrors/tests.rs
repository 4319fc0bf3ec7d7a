//! Mirrors that have, lack, lie, refuse and hang; and to whom secrets go.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::StreamExt as _;

use super::*;
use crate::{
    content::{self, Source as _},
    credentials::{Credential, CredentialStore, Memory},
    oci::{Descriptor, Digest},
    registry::testing::{Party, Recorder, Reply, Seen, options},
};

const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
const TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry that has one blob and one manifest under the tag v1.
fn serve(seen: &Seen, blob: &str) -> Reply {
    let digest = Digest::of(MANIFEST.as_bytes()).to_string();
    let last = seen.path.rsplit('/').next().unwrap_or_default();
    let body = match seen.path.contains("/blobs/") {
        true if last == Digest::of(blob.as_bytes()).to_string() => blob,
        false if last == "v1" || last == digest => MANIFEST,
        _ => return Reply::status(404),
    };
    let kind = if seen.path.contains("/blobs/") { "application/octet-stream" } else { TYPE };
    let reply = Reply { body: body.to_owned(), ..Reply::status(200) }.header("content-type", kind);
    if kind == TYPE { reply.header("docker-content-digest", digest) } else { reply }
}

async fn registry() -> Party {
    Party::start(|seen| match &*seen.path {
        path if path.ends_with("/tags/list") => Reply::json(r#"{"tags":["v1"]}"#),
        path if path.contains("/referrers/") => Reply::json(r#"{"schemaVersion":2,"manifests":[]}"#)
            .header("content-type", "application/vnd.oci.image.index.v1+json"),
        _ => serve(seen, "blob"),
    })
    .await
}

fn blob() -> Descriptor {
    Descriptor::of("application/octet-stream", b"blob")
}

fn manifest() -> Descriptor {
    Descriptor::of(TYPE, MANIFEST.as_bytes())
}

struct World {
    folder: tempfile::TempDir,
    origin: Party,
    trace: Arc<Recorder>,
    options: Options,
}

impl World {
    async fn new() -> Self {
        let trace = Arc::new(Recorder::default());
        let (folder, origin) = (tempfile::tempdir().unwrap(), registry().await);
        Self { folder, origin, options: options(trace.clone()), trace }
    }

    /// Writes a `hosts.toml` that lists these mirrors.
    fn hosts(&self, mirrors: &[(&Party, &str)]) {
        let tables = mirrors.iter().map(|(party, more)| format!("[host.\"{}\"]\n{more}\n", party.url("")));
        let folder = self.folder.path().join(self.origin.host());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("hosts.toml"), tables.collect::<String>()).unwrap();
    }

    fn app(&self) -> Mirrored {
        self.try_app().unwrap()
    }

    fn try_app(&self) -> Result<Mirrored, MirrorError> {
        let choice = Choice::Path(self.folder.path().to_owned());
        self.app_by(&choice)
    }

    fn app_by(&self, choice: &Choice) -> Result<Mirrored, MirrorError> {
        let repository =
            Registry::new(&self.origin.host(), self.options.clone()).unwrap().repository("team/app");
        before(&repository, choice, &Environment::default(), &self.options)
    }
}

async fn read(app: &Mirrored, node: &Descriptor) -> content::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut stream = app.fetch(node).await?;
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

#[tokio::test]
async fn content_by_digest_is_read_from_the_mirror_and_all_else_from_the_registry() {
    let (world, mirror) = (World::new().await, registry().await);
    world.hosts(&[(&mirror, "capabilities = [\"pull\"]")]);
    let app = world.app();
    assert!(app.has_mirrors());
    assert_eq!(read(&app, &blob()).await.unwrap(), b"blob");
    let digest = manifest().digest.to_string();
    assert_eq!(app.fetch_manifest(&digest).await.unwrap().0, manifest());
    app.resolve(&digest).await.unwrap();
    app.resolve_blob(&blob().digest).await.unwrap();
    assert!(world.origin.requests().is_empty(), "{:?}", world.origin.lines());

    let before = mirror.requests().len();
    app.resolve("v1").await.unwrap();
    assert_eq!(app.fetch_manifest("v1").await.unwrap().0.digest, manifest().digest);
    assert!(app.exists(&blob()).await.unwrap());
    assert!(app.referrers(&manifest(), None).await.unwrap().is_empty());
    let tags: Vec<_> = app.tags(None).collect().await;
    assert_eq!(tags.len(), 1);
    assert_eq!(mirror.requests().len(), before);
    // What is read keeps the name of the registry.
    assert!(app.origin().unwrap().registry.contains(&world.origin.host()));
}

#[tokio::test]
async fn tags_are_looked_up_at_a_mirror_that_may_resolve() {
    let (world, mirror) = (World::new().await, registry().await);
    world.hosts(&[(&mirror, "capabilities = [\"pull\", \"resolve\"]")]);
    let app = world.app();
    assert_eq!(app.resolve("v1").await.unwrap().digest, manifest().digest);
    app.fetch_manifest("v1").await.unwrap();
    assert!(world.origin.requests().is_empty());
}

#[tokio::test]
async fn a_mirror_is_told_of_the_registry_and_the_registry_is_not() {
    let (world, mirror) = (
        World::new().await,
        Party::start(|seen| match &*seen.path {
            path if path.ends_with("/moved") => {
                serve(&Seen { path: "/v2/app/manifests/v1".into(), ..seen.clone() }, "blob")
            }
            path if path.contains("/manifests/") => {
                Reply::status(307).header("location", "/v2/app/manifests/moved")
            }
            _ => Reply::status(404),
        })
        .await,
    );
    world.hosts(&[(&mirror, "")]);
    let app = world.app();
    app.fetch_manifest("v1").await.unwrap();
    assert_eq!(read(&app, &blob()).await.unwrap(), b"blob");
    let host = world.origin.host();
    let named = |seen: &&Seen| seen.query("ns") == host;
    // The name of the registry stays where the mirror leads to another place of its own.
    assert_eq!(
        mirror.requests().iter().filter(|seen| seen.path.contains("/manifests/")).filter(named).count(),
        2
    );
    // A mirror that has nothing is asked once more without the name; then the registry.
    let asked: Vec<_> = mirror
        .requests()
        .iter()
        .filter(|seen| seen.path.contains("/blobs/"))
        .map(|seen| seen.query("ns"))
        .collect();
    assert_eq!(asked, [host.clone(), String::new()]);
    assert!(world.origin.requests().iter().all(|seen| seen.query.is_empty()));
}

#[tokio::test]
async fn a_mirror_that_dislikes_the_name_is_not_told_it_again() {
    let mirror =
        Party::start(|seen| if seen.query.is_empty() { serve(seen, "blob") } else { Reply::status(400) })
            .await;
    let world = World::new().await;
    world.hosts(&[(&mirror, "")]);
    let app = world.app();
    for _ in 0..3 {
        assert_eq!(read(&app, &blob()).await.unwrap(), b"blob");
    }
    assert_eq!(mirror.requests().iter().filter(|seen| !seen.query.is_empty()).count(), 1);
    assert!(world.origin.requests().is_empty());
}

#[tokio::test]
async fn whatever_a_mirror_refuses_the_next_one_is_asked_for() {
    for status in [401, 403, 404, 429, 500, 503] {
        let refusing = Party::start(move |_| Reply::status(status)).await;
        let (world, second) = (World::new().await, registry().await);
        world.hosts(&[(&refusing, ""), (&second, "")]);
        assert_eq!(read(&world.app(), &blob()).await.unwrap(), b"blob", "{status}");
        assert!(!refusing.requests().is_empty() && !second.requests().is_empty());
        assert!(world.origin.requests().is_empty());
    }
}

#[tokio::test]
async fn what_no_mirror_has_is_not_found_only_when_the_registry_says_so() {
    let (world, mirror) = (World::new().await, Party::start(|_| Reply::status(404)).await);
    world.hosts(&[(&mirror, "")]);
    let app = world.app();
    let error = app.fetch_manifest("v2").await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains(&world.origin.host()), "{error}");
    assert_eq!(world.origin.requests().len(), 1);
    assert_eq!(read(&app, &blob()).await.unwrap(), b"blob");
}

#[tokio::test]
async fn a_mirror_that_cannot_be_reached_is_left_alone_for_a_while() {
    let world = World::new().await;
    let attempts = Arc::new(AtomicUsize::new(0));
    // It accepts connections and ends them.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = attempts.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let folder = world.folder.path().join(world.origin.host());
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("hosts.toml"), format!("[host.\"http://{address}\"]\n")).unwrap();
    let app = world.app();
    for _ in 0..5 {
        assert_eq!(read(&app, &blob()).await.unwrap(), b"blob");
    }
    assert_eq!(attempts.load(Ordering::SeqCst), 2);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    read(&app, &blob()).await.unwrap();
    assert_eq!(attempts.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_mirror_that_sends_other_content_is_named_and_never_asked_again() {
    let lying = Party::start(|seen| Reply { body: "blub".into(), ..serve(seen, "blob") }).await;
    let world = World::new().await;
    world.hosts(&[(&lying, "")]);
    let app = world.app();
    for _ in 0..3 {
        assert_eq!(read(&app, &blob()).await.unwrap(), b"blob");
    }
    assert_eq!(lying.requests().len(), 1);
    assert_eq!(world.trace.notices(), ["the mirror 127.0.0.1 sent content that is not what was asked for"]);
}

fn large() -> &'static str {
    static LARGE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    LARGE.get_or_init(|| "0123456789abcdef".repeat(256 << 10))
}

/// Sends a range of a large blob, as a registry does.
fn send_range(seen: &Seen) -> Reply {
    let text = large();
    match seen
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.split('-').next()?.parse::<usize>().ok())
    {
        Some(start) => Reply { status: 206, body: text[start..].to_owned(), headers: Vec::new() }
            .header("content-range", format!("bytes {start}-{}/{}", text.len() - 1, text.len())),
        None => Reply { body: text.to_owned(), ..Reply::status(200) },
    }
}

#[tokio::test]
async fn a_large_blob_that_breaks_off_at_a_mirror_is_finished_at_the_registry() {
    let origin = Party::start(send_range).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let _ = stream.read(&mut request).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", large().len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&large().as_bytes()[..1_000_000]).await;
        }
    });
    let mut world = World::new().await;
    world.origin = origin;
    let folder = world.folder.path().join(world.origin.host());
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("hosts.toml"), format!("[host.\"http://{address}\"]\n")).unwrap();
    let node = Descriptor::of("application/octet-stream", large().as_bytes());
    let bytes = read(&world.app(), &node).await.unwrap();
    assert_eq!(Digest::of(&bytes), node.digest);
    let asked = world.origin.requests();
    assert_eq!(asked.len(), 1, "{:?}", world.origin.lines());
    assert!(
        asked[0].header("range").is_some_and(|range| range != "bytes=0-"),
        "{:?}",
        asked[0].header("range")
    );
}

#[tokio::test]
async fn a_large_blob_that_is_wrong_fails_and_the_next_try_is_right() {
    let lying = Party::start(|_| Reply { body: large().replace("0123", "3210"), ..Reply::status(200) }).await;
    let mut world = World::new().await;
    world.origin = Party::start(send_range).await;
    world.hosts(&[(&lying, "")]);
    let node = Descriptor::of("application/octet-stream", large().as_bytes());
    let app = world.app();
    assert!(matches!(read(&app, &node).await, Err(content::Error::DigestMismatch { .. })));
    assert_eq!(Digest::of(&read(&app, &node).await.unwrap()), node.digest);
    assert_eq!(world.trace.notices().len(), 1);
}

// ---- secrets ------------------------------------------------------------------------------------------

/// A mirror that asks for a password.
async fn asking() -> Party {
    Party::start(|seen| match seen.authorization() {
        Some(_) => serve(seen, "blob"),
        None => Reply::status(401).header("www-authenticate", "Basic realm=x"),
    })
    .await
}

#[tokio::test]
async fn a_mirror_gets_its_own_credential_and_never_that_of_the_registry() {
    let (mut world, mirror) = (World::new().await, asking().await);
    world.hosts(&[(&mirror, "")]);
    let store = Memory::new().with(&world.origin.host(), Credential::password("canary", "canary-origin"));
    world.options.auth.store = Some(Arc::new(store) as Arc<dyn CredentialStore>);
    world.options.headers = vec![("X-Own".into(), "canary-header".into())];
    assert_eq!(read(&world.app(), &blob()).await.unwrap(), b"blob");
    assert!(!mirror.has_seen("canary") && !mirror.has_seen("Y2FuYXJ5"));

    let store = Memory::new().with(&mirror.host(), Credential::password("me", "mine"));
    world.options.auth.store = Some(Arc::new(store) as Arc<dyn CredentialStore>);
    let before = world.origin.requests().len();
    assert_eq!(read(&world.app(), &blob()).await.unwrap(), b"blob");
    assert_eq!(mirror.requests().last().unwrap().authorization(), Some("Basic bWU6bWluZQ=="));
    assert_eq!(world.origin.requests().len(), before);
}

#[tokio::test]
async fn over_plain_http_a_secret_leaves_this_machine_only_where_the_administrator_accepted_that() {
    for (accepted, sent) in [("", false), ("skip_verify = true", true)] {
        let (mut world, mirror) = (World::new().await, asking().await);
        let host = format!("mirror.test:{}", mirror.address.port());
        let folder = world.folder.path().join(world.origin.host());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("hosts.toml"), format!("[host.\"http://{host}\"]\n{accepted}\n")).unwrap();
        world.options.resolve = vec![mirror.named("mirror.test")];
        let store = Memory::new().with(&host, Credential::password("canary", "x"));
        world.options.auth.store = Some(Arc::new(store) as Arc<dyn CredentialStore>);
        assert_eq!(read(&world.app(), &blob()).await.unwrap(), b"blob");
        assert_eq!(mirror.requests().iter().any(|seen| seen.authorization().is_some()), sent, "{accepted}");
    }
}

#[tokio::test]
async fn headers_of_the_configuration_go_to_their_mirror() {
    let (world, mirror) = (World::new().await, registry().await);
    let table = format!("[host.\"{}\".header]\nX-Team = [\"a\"]", mirror.url(""));
    world.hosts(&[(&mirror, &table)]);
    read(&world.app(), &blob()).await.unwrap();
    assert_eq!(mirror.requests()[0].header("x-team"), Some("a"));
}

// ---- where configurations are -------------------------------------------------------------------------

#[tokio::test]
async fn a_folder_names_hosts_by_port_and_has_a_default() {
    let (world, mirror) = (World::new().await, registry().await);
    let table = format!("[host.\"{}\"]\n", mirror.url(""));
    let host = world.origin.host();
    let (name, port) = host.split_once(':').unwrap();
    for folder in ["_default".to_owned(), host.clone(), format!("{name}_{port}_")] {
        let path = world.folder.path().join(&folder);
        fs::create_dir_all(&path).unwrap();
        assert!(!world.app().has_mirrors(), "{folder}");
        fs::write(path.join("hosts.toml"), &table).unwrap();
        assert!(world.app().has_mirrors(), "{folder}");
        fs::remove_dir_all(&path).unwrap();
    }
}

#[tokio::test]
async fn a_registries_conf_rewrites_names_and_tells_no_namespace() {
    let (world, mirror) = (World::new().await, registry().await);
    let file = world.folder.path().join("registries.conf");
    let text = format!(
        "[[registry]]\nlocation = \"{}/team\"\n[[registry.mirror]]\nlocation = \"{}/cache\"\ninsecure = true\n",
        world.origin.host(),
        mirror.host()
    );
    fs::write(&file, text).unwrap();
    let app = world.app_by(&Choice::parse(&file.to_string_lossy())).unwrap();
    assert_eq!(read(&app, &blob()).await.unwrap(), b"blob");
    let asked = &mirror.requests()[0];
    assert_eq!(asked.path, format!("/v2/cache/app/blobs/{}", blob().digest));
    assert!(asked.query.is_empty());
    assert!(world.origin.requests().is_empty());
}

#[tokio::test]
async fn a_blocked_repository_is_refused_before_anything_is_sent() {
    let world = World::new().await;
    let file = world.folder.path().join("registries.conf");
    fs::write(&file, format!("[[registry]]\nlocation = \"{}\"\nblocked = true\n", world.origin.host()))
        .unwrap();
    let error = world.app_by(&Choice::Path(file)).err().unwrap();
    assert!(matches!(error, MirrorError::Blocked { .. }), "{error}");
    assert!(error.to_string().contains("team/app is blocked by "), "{error}");
    assert!(world.origin.requests().is_empty());
}

#[tokio::test]
async fn malformed_and_unreadable_configurations_are_named() {
    let world = World::new().await;
    world.hosts(&[]);
    let path = world.folder.path().join(world.origin.host()).join("hosts.toml");
    fs::write(&path, "server = ").unwrap();
    let error = world.try_app().err().unwrap().to_string();
    assert!(error.contains("hosts.toml"), "{error}");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(world.try_app(), Err(MirrorError::Read { .. })));
}

#[test]
fn the_usual_places_are_searched_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let environment = Environment {
        home: Some(at("home")),
        xdg_config_home: Some(at("xdg")),
        containers_registries_conf: Some(at("own.conf")),
        system: at("etc"),
    };
    let hosts = |host: &str| format!("[host.\"https://{host}\"]\n");
    let conf = |host: &str| {
        format!("[[registry]]\nlocation = \"a.io\"\n[[registry.mirror]]\nlocation = \"{host}\"\n")
    };
    let places = [
        ("xdg/containerd/certs.d/a.io/hosts.toml", hosts("one.io")),
        ("home/.config/containerd/certs.d/a.io/hosts.toml", hosts("two.io")),
        ("etc/containerd/certs.d/_default/hosts.toml", hosts("three.io")),
        ("own.conf", conf("four.io")),
        ("home/.config/containers/registries.conf", conf("five.io")),
        ("etc/containers/registries.conf", conf("six.io")),
    ];
    for (name, text) in &places {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        fs::write(at(name), text).unwrap();
    }
    let found = || find("a.io", "app", &Choice::Auto, &environment).unwrap();
    for (number, (name, _)) in ["one", "two", "three", "four", "five", "six"].iter().zip(&places) {
        assert_eq!(found()[0].base.as_str(), format!("https://{number}.io/v2/"));
        fs::remove_file(at(name)).unwrap();
    }
    assert!(found().is_empty());
    // A file beside the main one replaces what it says of a registry.
    fs::create_dir_all(at("etc/containers/registries.conf.d")).unwrap();
    fs::write(at("etc/containers/registries.conf.d/10-own.conf"), conf("seven.io")).unwrap();
    fs::write(at("etc/containers/registries.conf.d/readme"), "nonsense = ").unwrap();
    assert_eq!(found()[0].base.as_str(), "https://seven.io/v2/");
}

#[test]
fn docker_hub_is_configured_by_its_short_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("docker.io")).unwrap();
    fs::write(folder.path().join("docker.io/hosts.toml"), "[host.\"https://m.io\"]\n").unwrap();
    let choice = Choice::Path(folder.path().to_owned());
    let found = find("registry-1.docker.io", "library/x", &choice, &Environment::default()).unwrap();
    assert_eq!(found[0].namespace.as_deref(), Some("docker.io"));
}
