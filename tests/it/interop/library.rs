//! The library against real registries: what goes in comes out, also over lines that break.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::join_all};
use oras::{
    content::{Body, Memory, Source, Target, verify},
    credentials::{Credential, CredentialStore, Memory as Credentials},
    oci::{Algorithm, Descriptor, Digest, media_type},
    ops::copy::{self, copy},
    progress::Silent,
    registry::{Access as Intent, Options, Registry, Repository},
};

use crate::support::{
    Access, TestRegistry, nginx,
    pack::pack,
    server::{self, DISTRIBUTION, DOCKER_REGISTRY, Distribution, Server, USER},
    signer::Signer,
    tunnel::Tunnel,
};

/// All registries that are there.
#[track_caller]
fn registries() -> Vec<Server> {
    [server::docker_registry(), server::distribution(), server::referrers_registry()]
        .into_iter()
        .flatten()
        .collect()
}

fn options() -> Options {
    let mut options = Options::new(SystemTime::now);
    options.plain_http = true;
    options.access = Intent::Push;
    options.retries.first = Duration::from_millis(5);
    options.settle = Duration::from_millis(100);
    options
}

fn repository(host: &str, name: &str) -> Repository {
    Registry::new(host, options()).unwrap().repository(name)
}

/// Content that is the same in every run and not the same in any two places.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(byte).take(length).collect()
}

async fn read(source: &dyn Source, node: &Descriptor) -> Vec<u8> {
    let mut stream = source.fetch(node).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    bytes
}

async fn push(target: &dyn Target, bytes: &[u8]) -> Descriptor {
    let memory = Memory::new();
    let node = memory.insert("application/octet-stream", bytes.to_vec());
    target.push(&node, Body::stored(Arc::new(memory), node.clone())).await.unwrap();
    node
}

/// Stores an artifact of one file.
async fn artifact(target: &dyn Target, kind: &str, bytes: &[u8], subject: Option<&Descriptor>) -> Descriptor {
    let packed = pack(kind, &[("file", bytes)], subject);
    for (node, bytes) in packed.blobs {
        target.push(&node.plain(), Body::from(bytes)).await.unwrap();
    }
    let node = Descriptor::of(media_type::IMAGE_MANIFEST, &packed.manifest);
    target.push(&node, Body::from(packed.manifest)).await.unwrap();
    // What is attached is listed now.
    target.flush().await.unwrap();
    node
}

fn digests(listed: &[Descriptor]) -> Vec<String> {
    let mut digests: Vec<_> = listed.iter().map(|node| node.digest.to_string()).collect();
    digests.sort();
    digests
}

#[tokio::test]
async fn blobs_manifests_and_tags_go_in_and_come_out() {
    for server in registries() {
        let app = repository(server.host(), "app");
        let content = noise(300_000);
        let node = push(&app, &content).await;
        assert!(app.exists(&node).await.unwrap());
        assert_eq!(read(&app, &node).await, content);
        let mut rest = app.fetch_unverified(&node, 299_990).await.unwrap();
        assert_eq!(rest.next().await.unwrap().unwrap(), content[299_990..]);
        let manifest = artifact(&app, "a/b", b"hi", None).await;
        for tag in ["v1", "v2", "v10"] {
            app.tag(&manifest, tag).await.unwrap();
        }
        assert_eq!(app.resolve("v1").await.unwrap().digest, manifest.digest);
        let tags: Vec<_> = app.tags(None).map(Result::unwrap).concat().await;
        assert_eq!(tags, ["v1", "v10", "v2"]);
        app.delete(&manifest).await.unwrap();
        // (The tags remain in the registry with the referrers API.)
        let digest = manifest.digest.to_string();
        assert!(app.resolve(&digest).await.unwrap_err().is_not_found(), "{}", server.log());
    }
}

#[tokio::test]
async fn a_graph_goes_from_each_registry_to_each_with_all_that_is_attached() {
    let servers = registries();
    // Each is filled once: one that stores files does not bear the same manifest twice at once.
    let filled = join_all(servers.iter().map(fill)).await;
    let pairs = filled.iter().enumerate().flat_map(|(number, from)| {
        servers.iter().map(move |into| copy_all(from, into, format!("from-{number}")))
    });
    join_all(pairs).await;
}

/// A repository with an artifact, what is attached to it, and what is attached to that.
type Filled = (Arc<Repository>, [Descriptor; 3]);

async fn fill(server: &Server) -> Filled {
    let source = Arc::new(repository(server.host(), "from"));
    let root = artifact(&*source, "a/b", b"root", None).await;
    let sbom = artifact(&*source, "sbom/example", b"sbom", Some(&root)).await;
    let signature = artifact(&*source, "signature/example", b"signature", Some(&sbom)).await;
    (source, [root, sbom, signature])
}

async fn copy_all((source, [root, sbom, signature]): &Filled, into: &Server, name: String) {
    let target = Arc::new(repository(into.host(), &name));
    let options = copy::Options { recursive: true, tag: Some("v1".into()), ..copy::Options::default() };
    let digest = root.digest.to_string();
    copy(source.clone(), target.clone(), &digest, options, Arc::new(Silent)).await.unwrap();
    assert_eq!(target.resolve("v1").await.unwrap().digest, root.digest);
    let attached = target.referrers(root, None).await.unwrap();
    assert_eq!(digests(&attached), [sbom.digest.to_string()]);
    assert_eq!(digests(&target.referrers(sbom, None).await.unwrap()), [signature.digest.to_string()]);
    // (The registry with the referrers API lists every artifact under its config's type.)
    if attached[0].artifact_type.as_deref() != Some(media_type::EMPTY) {
        assert_eq!(attached[0].artifact_type.as_deref(), Some("sbom/example"));
        assert!(target.referrers(root, Some("signature/example")).await.unwrap().is_empty());
    }
    assert_eq!(read(&*target, &Descriptor::of("a/b", b"signature")).await, b"signature");
}

#[tokio::test]
async fn an_upload_survives_a_line_that_breaks_anywhere() {
    let servers: Vec<_> = [server::docker_registry(), server::distribution()].into_iter().flatten().collect();
    // Mostly they wait, so they may do that together.
    let whole = [Some(CHUNK as u64), None];
    join_all(servers.iter().flat_map(|server| whole.map(|whole| cut_uploads(server, whole)))).await;
}

const CHUNK: usize = 256 << 10;

async fn cut_uploads(server: &Server, whole: Option<u64>) {
    let tunnel = Tunnel::to(server.host());
    let mut options = options();
    (options.chunk, options.whole) = (CHUNK as u64, whole);
    let registry = Registry::new(&tunnel.host(), options).unwrap();
    // Within the first chunk, at its edge, within the second, within the last.
    for (number, cut) in [1000, CHUNK, CHUNK + 70_000, 3 * CHUNK + 5000].into_iter().enumerate() {
        let app = registry.repository(&format!("app-{number}"));
        let mut content = noise(3 * CHUNK + 100_000);
        content[0] = u8::try_from(number).unwrap() + u8::from(whole.is_none()) * 100;
        let before = tunnel.cuts();
        tunnel.cut_upload_after(cut);
        let node = push(&app, &content).await;
        assert_eq!(tunnel.cuts(), before + 1);
        assert_eq!(read(&app, &node).await, content, "{}", server.log());
    }
}

#[tokio::test]
async fn a_download_survives_a_line_that_breaks_anywhere() {
    for server in registries() {
        let tunnel = Tunnel::to(server.host());
        let app = repository(&tunnel.host(), "app");
        let content = noise(1_000_000);
        let node = push(&app, &content).await;
        for cut in [100, 5000, 333_333, 999_000] {
            let before = tunnel.cuts();
            tunnel.cut_download_after(cut);
            assert_eq!(read(&app, &node).await, content);
            assert_eq!(tunnel.cuts(), before + 1);
        }
    }
}

#[tokio::test]
async fn content_that_was_not_described_truly_does_not_get_in() {
    for server in registries() {
        let app = repository(server.host(), "app");
        let node = Descriptor::of("a/b", &noise(100_000));
        let wrong = vec![7; 100_000];
        let stream = futures_util::stream::iter([Ok(Bytes::from(wrong))]);
        let body = Body::stream(verify::stream(&node, Box::pin(stream)));
        assert!(app.push(&node, body).await.is_err());
        assert!(!app.exists(&node).await.unwrap());
        // The same client can still push what is true.
        let node = push(&app, &noise(100_000)).await;
        assert!(app.exists(&node).await.unwrap());
    }
}

#[tokio::test]
async fn a_blob_of_another_algorithm_comes_back_as_it_went() {
    for server in [server::docker_registry(), server::distribution()].into_iter().flatten() {
        let app = repository(server.host(), "app");
        let content = noise(1000);
        let digest = Digest::of_with(Algorithm::Sha512, &content);
        let node = Descriptor::new("application/octet-stream", digest, 1000);
        app.push(&node, Body::from(content.clone())).await.unwrap();
        assert_eq!(read(&app, &node).await, content);
    }
}

#[tokio::test]
async fn attachers_at_once_lose_nothing_where_there_is_no_api() {
    let servers: Vec<_> = [server::docker_registry(), server::distribution()].into_iter().flatten().collect();
    join_all(servers.iter().map(|server| async move {
        let subject = artifact(&repository(server.host(), "app"), "a/b", b"subject", None).await;
        let attachers = (0..16).map(|number| {
            // Each has a client of its own, as if it were another program.
            // On a busy machine, writes take as long as they may.
            let mut patient = options();
            patient.settle = Duration::from_millis(400);
            let app = Registry::new(server.host(), patient).unwrap().repository("app");
            let subject = &subject;
            let text = format!("signature {number}");
            async move { artifact(&app, "signature/example", text.as_bytes(), Some(subject)).await }
        });
        let attached = join_all(attachers).await;
        let listed = repository(server.host(), "app").referrers(&subject, None).await.unwrap();
        assert_eq!(digests(&listed), digests(&attached));
    }))
    .await;
}

fn known(host: &str) -> Registry {
    let mut options = options();
    let store = Credentials::new().with(host, Credential::password(USER.0, USER.1));
    options.auth.store = Some(Arc::new(store) as Arc<dyn CredentialStore>);
    Registry::new(host, options).unwrap()
}

#[tokio::test]
async fn a_registry_that_verifies_tokens_gets_one_for_all_that_is_needed() {
    let signer = Signer::new("test-issuer");
    let access = Access::bearer(USER.0, USER.1).tokens_elsewhere().tokens_signed_by(&signer);
    let tokens = TestRegistry::builder().access(access).start().await;
    for program in [DOCKER_REGISTRY, DISTRIBUTION] {
        let server = Distribution::new().with_tokens(&tokens.realm(), "test-registry", &signer);
        let Some(server) = server.start(program) else { continue };
        let registry = known(server.host());
        let (from, into) = (registry.repository("from"), registry.repository("into"));
        tokens.forget_requests();
        let node = push(&from, &noise(100_000)).await;
        push(&from, b"another").await;
        assert_eq!(tokens.requests().len(), 1, "{:?}", tokens.lines());
        assert!(into.mount(&node, &from.origin().unwrap()).await.unwrap(), "{}", server.log());
        assert!(into.exists(&node).await.unwrap());
        assert_eq!(tokens.requests().len(), 2, "{:?}", tokens.lines());
        let stranger = repository(server.host(), "from");
        assert!(stranger.exists(&node).await.is_err());
    }
}

#[tokio::test]
async fn a_host_that_blobs_are_redirected_to_never_sees_the_password() {
    let Some(registry) = Distribution::new().with_password().start(DISTRIBUTION) else { return };
    let Some(front) = nginx::redirecting_blobs(&registry) else { return };
    let app = known(front.host()).repository("app");
    let content = noise(100_000);
    let node = push(&app, &content).await;
    assert_eq!(read(&app, &node).await, content);
    nginx::has_logged(&front, &[" 307 ", "?sig=secret HTTP/1.1\" 200 "]);
}
