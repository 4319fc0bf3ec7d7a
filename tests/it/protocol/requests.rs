//! What every request has in common (wire.md §1, §2).

use futures_util::StreamExt as _;
use oras::{
    content::{Body, Source as _, Target as _},
    oci::{Descriptor, media_type},
    registry::Error,
};

use super::setup::{Listener, app, app_with, bytes, chain, client_with, read};
use crate::support::{
    Fault, TestRegistry,
    registry::{Answer, Origin},
};

/// Does one of everything.
async fn visit(registry: &TestRegistry) {
    let repository = app(registry);
    let blob = Descriptor::of("a/b", b"{}");
    repository.push(&blob, Body::from(b"{}".to_vec())).await.unwrap();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"a/b","digest":"{}","size":2}},"layers":[]}}"#,
        media_type::IMAGE_MANIFEST,
        blob.digest
    );
    let node = Descriptor::of(media_type::IMAGE_MANIFEST, manifest.as_bytes());
    repository.push_tagged(&node, manifest.into(), "v1").await.unwrap();
    repository.tag(&node, "v2").await.unwrap();
    repository.resolve("v1").await.unwrap();
    repository.fetch_manifest("v2").await.unwrap();
    read(&repository, &blob).await.unwrap();
    repository.referrers(&node, Some("a/b+c")).await.unwrap();
    assert_eq!(repository.tags(None).next().await.unwrap().unwrap(), ["v1", "v2"]);
    repository.delete(&node).await.unwrap();
}

#[tokio::test]
async fn every_request_says_who_asks_wants_no_coding_and_has_a_length() {
    let registry = TestRegistry::start().await;
    visit(&registry).await;
    for request in registry.requests() {
        assert!(request.header("user-agent").unwrap().starts_with("oras-rs/"), "{request:?}");
        assert_eq!(request.header("accept-encoding"), Some("identity"), "{request:?}");
        assert_eq!(request.header("transfer-encoding"), None, "{request:?}");
        let is_write = !matches!(request.method.as_str(), "GET" | "HEAD");
        assert_eq!(request.header("content-length").is_some(), is_write, "{request:?}");
        assert_eq!(request.header("expect"), None, "{request:?}");
    }
}

#[tokio::test]
async fn paths_are_sent_as_they_are_and_query_values_escaped() {
    let registry = TestRegistry::start().await;
    let repository = client_with(&registry, |_| {}).repository("a/b__c");
    let subject = registry.content("a/b__c").insert_artifact("a/b", &[]);
    let referrer = registry.content("a/b__c").insert_referrer(&subject, "application/x.a+json", &[]);
    let listed = repository.referrers(&subject, Some("application/x.a+json")).await.unwrap();
    assert_eq!(listed[0].digest, referrer.digest);
    let target = format!("/v2/a/b__c/referrers/{}?artifactType=application%2Fx.a%2Bjson", subject.digest);
    assert_eq!(registry.requests()[0].target, target);
}

#[tokio::test]
async fn headers_of_the_user_go_to_the_registry_only() {
    let registry = TestRegistry::builder().redirects_blobs().start().await;
    let blob = registry.content("app").insert_blob("a/b", "hello");
    let repository = app_with(&registry, |options| {
        options.headers = vec![("X-Own".into(), " canary".into()), ("X-Own".into(), "second".into())];
    });
    assert_eq!(read(&repository, &blob).await.unwrap(), b"hello");
    let requests = registry.requests();
    let lines = |request: &crate::support::registry::Recorded| {
        request
            .headers
            .get_all("x-own")
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&requests[0]), ["canary", "second"]);
    let storage = requests.iter().find(|request| request.origin == Origin::Storage).unwrap();
    assert!(lines(storage).is_empty());
    assert!(storage.header("user-agent").is_some());
}

#[tokio::test]
async fn a_listener_never_hears_a_secret() {
    let registry = TestRegistry::builder().redirects_blobs().start().await;
    let blob = registry.content("app").insert_blob("a/b", "hello");
    registry.on("GET", "/v2/app/tags/list*").then(Fault::answer(Answer::json(
        200,
        &serde_json::json!({"tags": [], "x": {"access_token": "canary"}}),
    )));
    let listener = Listener::new();
    let repository = app_with(&registry, |options| {
        options.headers = vec![("X-Own".into(), "canary".into())];
        options.trace = listener.clone();
    });
    read(&repository, &blob).await.unwrap();
    repository.push(&Descriptor::of("a/b", b"x"), Body::from(b"x".to_vec())).await.unwrap();
    repository.tags(None).next().await.unwrap().unwrap();
    let heard = listener.heard().join("\n");
    assert!(!heard.contains("canary"), "{heard}");
    for secret in ["signature-", "state-"] {
        assert!(!heard.contains(secret), "{heard}");
    }
    assert!(heard.contains("?sig=REDACTED") && heard.contains("_state=REDACTED"), "{heard}");
    assert!(heard.contains("body: Secret"), "{heard}");
}

#[tokio::test]
async fn a_challenge_on_a_good_answer_means_nothing() {
    let registry = TestRegistry::start().await;
    registry.on("GET", "/v2/").then(Fault::header("www-authenticate", "basic realm="));
    client_with(&registry, |_| {}).ping().await.unwrap();
    assert_eq!(registry.lines(), ["GET /v2/ 200"]);
}

#[tokio::test]
async fn what_answers_like_no_registry_is_called_so() {
    let registry = TestRegistry::start().await;
    let client = client_with(&registry, |_| {});
    let page = Answer::new(200).header("content-type", "text/html").body("<html>log in</html>");
    registry.on("GET", "/v2/").then(Fault::answer(page));
    let error = client.ping().await.unwrap_err();
    assert!(matches!(&error, Error::NotARegistry { reason, .. } if reason.contains("web page")), "{error}");
    registry.on("GET", "/v2/").then(Fault::status(401));
    let error = client.ping().await.unwrap_err();
    assert!(matches!(&error, Error::NotARegistry { reason, .. } if reason.contains("log in")), "{error}");
    registry.on("GET", "/v2/").then(Fault::status(404));
    assert_eq!(client.ping().await.unwrap_err().status().unwrap().as_u16(), 404);
}

#[tokio::test]
async fn an_error_whose_length_lies_is_reported_by_its_status() {
    let registry = TestRegistry::start().await;
    let blob = registry.content("app").insert_blob("a/b", bytes(100_000));
    let refusal = Answer::error(416, "RANGE_INVALID", "no such range").header("content-length", "100000");
    registry.on("GET", "/v2/app/blobs/*").then(Fault::answer(refusal));
    let error = read(&app(&registry), &blob).await.unwrap_err();
    let response = error.store_error::<Error>().unwrap().response().unwrap();
    assert_eq!(response.status.as_u16(), 416);
    assert_eq!(response.list().as_deref(), Some("range invalid: no such range"));
}

#[tokio::test]
async fn an_error_says_who_refused_what_and_how_it_is_found_again() {
    let registry = TestRegistry::start().await;
    let refusal = Answer::error_with(403, "DENIED", "no", &serde_json::json!({"b": 1, "a": [true]}))
        .header("x-ms-request-id", "1234");
    registry.on("HEAD,GET", "/v2/app/manifests/v1").always().then(Fault::answer(refusal));
    let error = app(&registry).fetch_manifest("v1").await.unwrap_err();
    let response = error.store_error::<Error>().unwrap().response().unwrap();
    assert_eq!(response.list().as_deref(), Some("denied: no: map[a:[true] b:1]"));
    assert_eq!(response.host, registry.host());
    assert!(response.is_registry);
    assert_eq!(response.correlation, [("x-ms-request-id".to_owned(), "1234".to_owned())]);
    let error = app(&registry).resolve("v1").await.unwrap_err();
    let expected =
        format!("HEAD \"{}\": response status code 403: Forbidden", registry.url("/v2/app/manifests/v1"));
    assert_eq!(chain(&error), expected);
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_named_with_the_reason() {
    let registry = TestRegistry::start().await;
    let host = registry.host();
    let repository = app_with(&registry, |options| options.retries.most = 1);
    drop(registry);
    // The port may take a moment to close.
    let error = loop {
        match repository.resolve("v1").await {
            Err(error) if chain(&error).contains("refused") => break error,
            _ => tokio::task::yield_now().await,
        }
    };
    let expected =
        format!("Get \"http://{host}/v2/app/manifests/v1\": dial tcp {host}: connect: connection refused");
    assert_eq!(chain(&error).replacen("Head", "Get", 1), expected);
}

#[tokio::test]
async fn small_requests_share_a_connection_and_so_do_small_errors() {
    let registry = TestRegistry::start().await;
    let repository = app(&registry);
    for _ in 0..5 {
        repository.resolve("v1").await.unwrap_err();
        repository.fetch_manifest("v1").await.unwrap_err();
    }
    assert_eq!(registry.connections(), 1);
}

#[tokio::test]
async fn each_warning_is_passed_on_once() {
    let registry = TestRegistry::start().await;
    registry.on("GET", "/v2/").always().then(Fault::header(
        "warning",
        "299 - \"going \\\"away\\\"\", 110 - \"stale\", 299 - \"\u{202e}der\"",
    ));
    let listener = Listener::new();
    let client = client_with(&registry, |options| options.trace = listener.clone());
    client.ping().await.unwrap();
    client.ping().await.unwrap();
    let warnings: Vec<_> =
        listener.heard().into_iter().filter(|event| event.starts_with("Warning")).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].contains(r#"going \"away\""#) && warnings[0].contains(&registry.host()),
        "{warnings:?}"
    );
    assert!(!warnings[1].contains("202e"), "{warnings:?}");
}

#[tokio::test]
async fn names_can_be_given_other_addresses() {
    let registry = TestRegistry::start().await;
    registry.content("app").insert_blob("a/b", "hello");
    let mut options = super::setup::options();
    let resolve =
        |port| oras::registry::Resolve { host: "registry.example".into(), port, address: registry.address() };
    options.resolve = vec![resolve(80), resolve(5000)];
    for host in ["registry.example", "registry.example:5000"] {
        let client = oras::registry::Registry::new(host, options.clone()).unwrap();
        client.ping().await.unwrap();
        assert_eq!(registry.requests().last().unwrap().header("host"), Some(host));
    }
}
