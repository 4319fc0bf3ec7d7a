//! Registries that send us elsewhere, to see what we show there.

use oras::oci::Descriptor;

use super::{artifact_of, titled};
use crate::support::{
    Access, Fault, Test, TestRegistry,
    registry::{Answer, Origin, Recorded, Request},
};

const PASSWORD: &str = "canary-of-alice";

fn scene(access: Access) -> (Test, TestRegistry) {
    let (test, registry) = (Test::new(), TestRegistry::builder().access(access).start_blocking());
    test.names(&registry.host(), "[REGISTRY]");
    (test, registry)
}

fn pull(test: &Test, identity: &[&str]) -> bool {
    let line = ["pull", "[REGISTRY]/app:v1", "--plain-http", "-o", "out"];
    let outcome = test.oras(line.iter().chain(identity)).never_says(PASSWORD);
    outcome.code == Some(0)
}

/// Everything that the other host was asked.
fn seen_elsewhere(registry: &TestRegistry) -> Vec<Recorded> {
    registry.requests().into_iter().filter(|request| request.origin == Origin::Storage).collect()
}

#[track_caller]
fn showed_nothing(registry: &TestRegistry, secret: &str) {
    for request in seen_elsewhere(registry) {
        assert!(request.header("authorization").is_none() && !request.contains(secret), "{request:?}");
    }
}

/// Another port of the same machine is another place. It may send us on within itself, and ask who we are.
#[test]
fn a_password_follows_no_redirect_however_long_it_is() {
    let knows_us = |request: &Request| request.header("authorization").is_some();
    for is_before in [false, true] {
        let (test, registry) = scene(Access::basic("alice", PASSWORD));
        artifact_of(&registry, vec![titled("hi.txt", b"hi")]);
        let (first, second) = (format!("{}/first", registry.storage_url()), "/second");
        let path = if is_before { "/v2/app/manifests/*" } else { "/v2/app/blobs/*" };
        registry
            .on("GET", path)
            .always()
            .when(move |request| is_before || knows_us(request))
            .then(Fault::redirect(307, &first));
        registry.on("GET", "/first").always().then(Fault::redirect(307, second));
        let challenge = Answer::new(401).header("www-authenticate", "Basic realm=\"elsewhere\"");
        registry.on("GET", second).always().then(Fault::answer(challenge));
        assert!(!pull(&test, &["-u", "alice", "-p", PASSWORD]));
        assert!(registry.count("storage: GET /second 401") > 0, "{:?}", registry.lines());
        showed_nothing(&registry, PASSWORD);
        assert!(!test.exists("out/hi.txt"));
    }
}

/// A token server that sends the question on, with the password or the identity token in it.
#[test]
fn no_redirect_of_a_token_server_passes_a_secret_on() {
    for status in [301, 302, 303, 307, 308] {
        let (test, registry) = scene(Access::bearer("alice", PASSWORD));
        artifact_of(&registry, vec![titled("hi.txt", b"hi")]);
        let token = registry.new_refresh_token("alice");
        let path = registry.realm().rsplit_once(':').unwrap().1.split_once('/').unwrap().1.to_owned();
        let elsewhere = format!("{}/token", registry.storage_url());
        registry
            .on("GET,POST", &format!("/{path}"))
            .always()
            .when(|request| request.header("authorization").is_some() || request.method == "POST")
            .then(Fault::redirect(status, &elsewhere));
        registry.on("*", "/token").always().when(|request| request.path == "/token").then(Fault::status(403));
        for identity in [&["-u", "alice", "-p", PASSWORD][..], &["--identity-token", &token]] {
            assert!(!pull(&test, identity));
        }
        showed_nothing(&registry, PASSWORD);
        showed_nothing(&registry, &token);
    }
}

/// The addresses that a manifest offers for its layers would show a stranger that we are here.
#[test]
fn urls_of_layers_are_never_asked() {
    let (test, registry) = scene(Access::default());
    let url = format!("{}/layer", registry.storage_url());
    let (mut plain, bytes) = titled("hi.txt", b"hi");
    plain.urls = vec![url.clone()];
    let mut foreign = Descriptor::of("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"x");
    foreign.urls = vec![url.clone()];
    let mut missing = Descriptor::of("application/vnd.oci.image.layer.nondistributable.v1.tar", b"y");
    missing.urls = vec![url];
    artifact_of(&registry, vec![(plain, bytes), (foreign, b"x".to_vec()), (missing, b"y".to_vec())]);
    assert!(pull(&test, &[]));
    test.oras(["cp", "--from-plain-http", "[REGISTRY]/app:v1", "--to-oci-layout", "copy:v1"]).succeeds();
    assert!(seen_elsewhere(&registry).is_empty());
}
