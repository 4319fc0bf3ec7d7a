//! Connections over TLS, and the protocol that is spoken on them (wire.md §12).

use futures_util::future::join_all;
use hyper::Version;
use oras::{
    content::{Body, Source as _, Target as _},
    oci::Descriptor,
    registry::Repository,
};

use super::setup::{app_with, bytes, read};
use crate::support::{
    Fault, TestRegistry,
    tls::{Authority, ServerTls},
};

async fn secure(
    change: impl FnOnce(ServerTls) -> ServerTls,
) -> (TestRegistry, Repository, tempfile::TempDir) {
    let authority = Authority::new();
    let registry = TestRegistry::builder().tls(change(ServerTls::new(authority.server()))).start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let repository = app_with(&registry, |options| {
        options.plain_http = false;
        options.tls.ca_file = Some(file);
    });
    (registry, repository, folder)
}

#[tokio::test]
async fn small_requests_share_a_connection_and_large_blobs_have_their_own() {
    let (registry, repository, _folder) = secure(|tls| tls).await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    let large = registry.content("app").insert_blob("a/b", bytes(2 << 20));
    repository.resolve(&node.digest.to_string()).await.unwrap();
    join_all((0..8).map(|_| repository.resolve("v1"))).await;
    assert_eq!(registry.connections(), 1);
    assert_eq!(read(&repository, &large).await.unwrap().len(), 2 << 20);
    let content = bytes(3 << 20);
    repository.push(&Descriptor::of("a/b", &content), Body::from(content)).await.unwrap();
    for request in registry.requests() {
        let is_blob =
            request.target.contains("/blobs/sha256") && request.method == "GET" || request.method == "PUT";
        let expected = if is_blob { Version::HTTP_11 } else { Version::HTTP_2 };
        assert_eq!(request.version, expected, "{request:?}");
        assert_eq!(request.header("transfer-encoding"), None);
    }
    assert_eq!(registry.connections(), 2);
}

#[tokio::test]
async fn a_server_that_speaks_http_1_only_is_spoken_to_so() {
    let (registry, repository, _folder) = secure(ServerTls::http1_only).await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    assert_eq!(repository.resolve(&node.digest.to_string()).await.unwrap(), node);
    assert_eq!(registry.requests()[0].version, Version::HTTP_11);
}

#[tokio::test]
async fn a_stream_that_is_refused_and_a_connection_that_goes_away_are_made_up_for() {
    for fault in [Fault::refuse_stream(), Fault::go_away()] {
        let (registry, repository, _folder) = secure(|tls| tls).await;
        let node = registry.content("app").insert_artifact("a/b", &[]);
        registry.on("*", "*").then(fault);
        assert_eq!(repository.resolve(&node.digest.to_string()).await.unwrap(), node);
    }
}

#[tokio::test]
async fn a_server_whose_shared_connections_fail_gets_one_for_each_request() {
    let (registry, repository, _folder) = secure(|tls| tls).await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.on("*", "*").when(|request| request.version == Version::HTTP_2).always().then(Fault::go_away());
    assert_eq!(repository.resolve(&node.digest.to_string()).await.unwrap(), node);
    assert_eq!(registry.requests().last().unwrap().version, Version::HTTP_11);
}
