//! Manifests (wire.md §6).

use bytes::Bytes;
use oras::{
    content::{Body, Error as ContentError, Source as _, Target as _},
    oci::{Algorithm, Descriptor, Digest, media_type},
    registry::Error,
};

use super::setup::{app, app_with, bytes, chain};
use crate::support::{Fault, TestRegistry, registry::Answer};

const IMAGE: &str = media_type::IMAGE_MANIFEST;
const INDEX: &str = media_type::IMAGE_INDEX;

/// A manifest without layers, whose config is there.
fn manifest(registry: &TestRegistry, note: &str) -> (Descriptor, Bytes) {
    let config = registry.content("app").insert_blob("a/b", "{}");
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{{"mediaType":"a/b","digest":"{}","size":2}},"layers":[],"annotations":{{"note":"{note}"}}}}"#,
        config.digest
    );
    (Descriptor::of(IMAGE, text.as_bytes()), text.into())
}

#[tokio::test]
async fn the_types_that_are_asked_for_are_in_one_line_and_never_all() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.content("app").tag("v1", &node);
    let repository = app(&registry);
    repository.resolve("v1").await.unwrap();
    repository.fetch_manifest("v1").await.unwrap();
    for request in registry.requests() {
        let accept = request.header("accept").unwrap();
        assert!(accept.starts_with(
            "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.oci.artifact.manifest.v1+json"
        ));
        assert!(!accept.contains('*'));
    }
    repository.resolve_accepting("v1", &["x/y".to_owned(), IMAGE.to_owned()]).await.unwrap();
    assert_eq!(registry.requests()[2].header("accept"), Some(&*format!("x/y, {IMAGE}")));
    assert!(repository.fetch_manifest_accepting("v1", &["x/y".to_owned()]).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_manifest_is_asked_for_by_exactly_its_own_type() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_manifest(media_type::DOCKER_MANIFEST, r#"{"config":{}}"#);
    let repository = app(&registry);
    assert_eq!(repository.fetch_bytes(&node).await.unwrap(), r#"{"config":{}}"#);
    assert_eq!(registry.requests()[0].header("accept"), Some(media_type::DOCKER_MANIFEST));
    assert!(repository.exists(&node).await.unwrap());
}

#[tokio::test]
async fn headers_and_bytes_decide_together_what_a_manifest_is() {
    let (index, image) = (r#"{"manifests":[]}"#, r#"{"config":{},"layers":[]}"#);
    let named = format!(r#"{{"mediaType":"{INDEX}","manifests":[]}}"#);
    let both = r#"{"manifests":[],"layers":[]}"#;
    let sha512 = Digest::of_with(Algorithm::Sha512, index.as_bytes()).to_string();
    let digest = Digest::of(index.as_bytes()).to_string();
    let other = Digest::of(b"other").to_string();
    let typed = |kind: &str| Fault::header("content-type", kind);
    let cases = [
        (index, typed(INDEX), Some(INDEX)),
        (index, typed("application/vnd.OCI.image.index.v1+json; charset=utf-8"), Some(INDEX)),
        (&*named, typed("text/plain"), Some(INDEX)),
        (&named, typed("application/json"), Some(INDEX)),
        (&named, Fault::without_header("content-type"), Some(INDEX)),
        (index, Fault::without_header("content-type"), Some(INDEX)),
        (image, Fault::without_header("content-type"), Some(IMAGE)),
        (&named, typed(IMAGE), None),
        (both, Fault::without_header("content-type"), None),
        ("nonsense", Fault::without_header("content-type"), None),
        (index, Fault::header("docker-content-digest", &digest), Some(INDEX)),
        (index, Fault::header("docker-content-digest", &sha512), Some(INDEX)),
        (index, Fault::header("docker-content-digest", &other), None),
        (index, Fault::header("docker-content-digest", "nonsense"), Some(INDEX)),
        (index, Fault::without_header("docker-content-digest"), Some(INDEX)),
        (index, Fault::without_header("content-length"), Some(INDEX)),
        (index, Fault::wrong_bytes(), None),
        (index, Fault::wrong_bytes().and_without_header("docker-content-digest"), Some(INDEX)),
    ];
    for (at, (text, fault, expected)) in cases.into_iter().enumerate() {
        let registry = TestRegistry::start().await;
        let node = registry.content("app").insert_manifest(INDEX, text.to_owned());
        registry.content("app").tag("v1", &node);
        registry.on("GET", "/v2/app/manifests/v1").then(fault);
        let fetched = app(&registry).fetch_manifest("v1").await;
        match (fetched, expected) {
            (Ok((node, bytes)), Some(expected)) => {
                assert_eq!((&*node.media_type, node.size), (expected, bytes.len() as u64), "{at}");
            }
            (Err(_), None) => {}
            (got, _) => panic!("{at}: {got:?}"),
        }
    }
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_digest_are_refused_whatever_the_headers_say() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.on("GET", "*").always().then(Fault::wrong_bytes());
    let error = app(&registry).fetch_manifest(&node.digest.to_string()).await.unwrap_err();
    assert!(matches!(error, ContentError::DigestMismatch { .. }), "{error}");
    let error = app(&registry).fetch_bytes(&node).await.unwrap_err();
    assert!(matches!(error, ContentError::DigestMismatch { .. }), "{error}");
}

#[tokio::test]
async fn a_tag_that_head_says_too_little_about_is_read() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.content("app").tag("v1", &node);
    for fault in [
        Fault::without_header("docker-content-digest"),
        Fault::without_header("content-length"),
        Fault::header("content-type", "text/plain"),
        Fault::status(405),
    ] {
        registry.heal();
        registry.on("HEAD", "*").always().then(fault);
        assert_eq!(app(&registry).resolve("v1").await.unwrap(), node);
    }
    registry.heal();
    registry.on("HEAD", "*").then(Fault::header("docker-content-digest", &Digest::of(b"x").to_string()));
    assert!(app(&registry).resolve(&node.digest.to_string()).await.is_err());
}

#[tokio::test]
async fn what_is_not_there_is_called_by_its_full_name() {
    let registry = TestRegistry::start().await;
    let (host, digest) = (registry.host(), Digest::of(b"x"));
    let repository = app(&registry);
    let tag = repository.resolve("v1").await.unwrap_err();
    assert!(tag.is_not_found());
    assert_eq!(tag.to_string(), format!("{host}/app:v1: not found"));
    let by_digest = repository.fetch_manifest(&digest.to_string()).await.unwrap_err();
    assert_eq!(by_digest.to_string(), format!("{host}/app@{digest}: not found"));
    let blob = repository.resolve_blob(&digest).await.unwrap_err();
    assert_eq!(blob.to_string(), format!("{host}/app@{digest}: not found"));
}

#[tokio::test]
async fn a_manifest_that_is_too_large_is_neither_read_nor_written() {
    let registry = TestRegistry::builder().manifest_limit(usize::MAX).start().await;
    let large = bytes((4 << 20) + 1);
    let node = registry.content("app").insert_manifest(IMAGE, large.clone());
    let repository = app(&registry);
    for length in [true, false] {
        if !length {
            registry.on("GET", "*").always().then(Fault::without_header("content-length"));
        }
        let error = repository.fetch_manifest(&node.digest.to_string()).await.unwrap_err();
        assert!(error.to_string().contains("size exceeds limit"), "{error}");
    }
    registry.forget_requests();
    assert!(matches!(repository.fetch_bytes(&node).await.unwrap_err(), ContentError::TooLarge { .. }));
    let error = repository.push(&node, Body::from(large.clone())).await.unwrap_err();
    assert!(matches!(error, ContentError::TooLarge { .. }), "{error}");
    assert!(registry.requests().is_empty());
    let patient = app_with(&registry, |options| options.manifest_limit = 64 << 20);
    assert_eq!(patient.fetch_manifest(&node.digest.to_string()).await.unwrap().1, large);
}

#[tokio::test]
async fn a_manifest_is_written_as_it_is_under_its_own_type() {
    let registry = TestRegistry::start().await;
    let (node, text) = manifest(&registry, "x");
    let repository = app(&registry);
    repository.push(&node, Body::from(text.clone())).await.unwrap();
    repository.push_tagged(&node, text.clone(), "v1").await.unwrap();
    let requests = registry.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(requests[0].target, format!("/v2/app/manifests/{}", node.digest));
    assert_eq!(requests[1].target, "/v2/app/manifests/v1");
    for request in requests {
        assert_eq!(request.header("content-type"), Some(IMAGE));
        assert_eq!(request.body, text);
    }
    assert!(repository.push_tagged(&node, "{}".into(), "v2").await.is_err());
}

#[tokio::test]
async fn a_tag_costs_one_request_when_the_manifest_is_at_hand() {
    let registry = TestRegistry::start().await;
    let (node, text) = manifest(&registry, "x");
    let repository = app(&registry);
    repository.push(&node, Body::from(text)).await.unwrap();
    repository.tag(&node, "v1").await.unwrap();
    repository.tag(&node, "v2").await.unwrap();
    assert_eq!(registry.count("GET *"), 0);
    assert_eq!(registry.content("app").tags(), ["v1", "v2"]);
    app(&registry).tag(&node, "v3").await.unwrap();
    assert_eq!(registry.count("GET *"), 1);
    let absent = Descriptor::of(IMAGE, b"{}");
    assert!(app(&registry).tag(&absent, "v4").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_odd_success_counts_when_the_manifest_is_there() {
    let registry = TestRegistry::start().await;
    let (node, text) = manifest(&registry, "x");
    for status in [200, 202] {
        let status = hyper::StatusCode::from_u16(status).unwrap();
        registry.on("PUT", "*").then(Fault::edit(move |_, answer| answer.status = status));
        app(&registry).push(&node, Body::from(text.clone())).await.unwrap();
    }
    registry.content("app").remove_manifest(&node.digest);
    registry.on("PUT", "*").then(Fault::status(202));
    let error = chain(&app(&registry).push(&node, Body::from(text)).await.unwrap_err());
    assert!(error.contains("did not store"), "{error}");
}

#[tokio::test]
async fn a_registry_that_stored_something_else_is_not_believed() {
    let registry = TestRegistry::start().await;
    let (node, text) = manifest(&registry, "x");
    registry.on("PUT", "*").then(Fault::header("docker-content-digest", &Digest::of(b"x").to_string()));
    let error = app(&registry).push(&node, Body::from(text.clone())).await.unwrap_err();
    assert!(matches!(error, ContentError::DigestMismatch { .. }), "{error}");
    let sha512 = Digest::of_with(Algorithm::Sha512, &text).to_string();
    for fault in [Fault::without_header("location"), Fault::header("docker-content-digest", &sha512)] {
        registry.on("PUT", "*").then(fault);
        app(&registry).push(&node, Body::from(text.clone())).await.unwrap();
    }
}

#[tokio::test]
async fn a_manifest_whose_answer_got_lost_is_written_again() {
    for fault in [Fault::lose_answer(), Fault::close(), Fault::reset(), Fault::status(502)] {
        let registry = TestRegistry::start().await;
        let (node, text) = manifest(&registry, "x");
        registry.on("PUT", "*").then(fault);
        app(&registry).push_tagged(&node, text, "v1").await.unwrap();
        assert_eq!(registry.count("PUT *"), 2);
        assert_eq!(registry.content("app").tagged("v1"), Some(node.digest.to_string()));
    }
}

#[tokio::test]
async fn a_machine_that_does_not_know_a_blob_yet_is_given_time() {
    let registry = TestRegistry::start().await;
    let (node, text) = manifest(&registry, "x");
    let unknown = Answer::error(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry");
    registry.on("PUT", "/v2/app/manifests/*").always().then(Fault::answer(unknown.clone()));
    let repository = app(&registry);
    // Nothing was sent, so nothing can be on its way between machines.
    let error = chain(&repository.push(&node, Body::from(text.clone())).await.unwrap_err());
    assert!(error.contains("blob unknown"), "{error}");
    assert_eq!(registry.count("PUT *"), 1);
    registry.heal();
    repository.push(&Descriptor::of("a/b", b"new"), Body::from(b"new".to_vec())).await.unwrap();
    registry.on("PUT", "/v2/app/manifests/*").then(Fault::answer(unknown));
    repository.push(&node, Body::from(text)).await.unwrap();
    assert_eq!(registry.count("PUT /v2/app/manifests/* 201"), 1);
}

#[tokio::test]
async fn a_tag_that_cannot_be_moved_need_not_be_when_it_is_in_place() {
    for status in [400, 409, 412] {
        let registry = TestRegistry::start().await;
        let (node, text) = manifest(&registry, "x");
        let repository = app(&registry);
        repository.push_tagged(&node, text.clone(), "v1").await.unwrap();
        registry.on("PUT", "*").always().then(Fault::error(status, "TAG_IMMUTABLE", "the tag exists"));
        repository.push_tagged(&node, text, "v1").await.unwrap();
        let (other, text) = manifest(&registry, "y");
        let error = repository.push_tagged(&other, text, "v1").await.unwrap_err();
        assert_eq!(error.store_error::<Error>().unwrap().status().unwrap().as_u16(), status);
    }
}

#[tokio::test]
async fn a_registry_without_sha512_is_told_apart_from_a_wrong_digest() {
    let registry = TestRegistry::start().await;
    let (_, text) = manifest(&registry, "x");
    let node = Descriptor::new(IMAGE, Digest::of_with(Algorithm::Sha512, &text), text.len() as u64);
    app(&registry).push(&node, Body::from(text.clone())).await.unwrap();
    assert_eq!(app(&registry).fetch_bytes(&node).await.unwrap(), text);
    registry.on("PUT", "*").then(Fault::error(400, "DIGEST_INVALID", "invalid digest"));
    let error = chain(&app(&registry).push(&node, Body::from(text)).await.unwrap_err());
    assert!(error.contains("does not support sha512 manifests"), "{error}");
}

#[tokio::test]
async fn a_deletion_takes_the_manifest_with_all_its_tags() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    for tag in ["v1", "v2"] {
        registry.content("app").tag(tag, &node);
    }
    app(&registry).delete(&node).await.unwrap();
    assert!(registry.content("app").tags().is_empty());
    assert!(app(&registry).delete(&node).await.unwrap_err().is_not_found());
    let blob = registry.content("app").insert_blob("a/b", "hello");
    app(&registry).delete(&blob).await.unwrap();
    assert!(app(&registry).delete(&blob).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_deletion_whose_answer_got_lost_is_a_success() {
    let registry = TestRegistry::start().await;
    let blob = registry.content("app").insert_blob("a/b", "hello");
    registry.on("DELETE", "*").then(Fault::lose_answer());
    app(&registry).delete(&blob).await.unwrap();
    assert_eq!(registry.count("DELETE *"), 2);
}

#[tokio::test]
async fn a_registry_that_deletes_nothing_says_so() {
    let registry = TestRegistry::builder().without_deletes().start().await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    let error = app(&registry).delete(&node).await.unwrap_err();
    assert_eq!(error.store_error::<Error>().unwrap().status().unwrap().as_u16(), 405);
}

#[tokio::test]
async fn a_manifest_that_was_compressed_on_the_way_is_unpacked() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.content("app").tag("v1", &node);
    let (_, text) = registry.content("app").manifest("v1").unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &text).unwrap();
    let fault = Fault::body(encoder.finish().unwrap()).and_header("content-encoding", "gzip");
    registry.on("GET", "*").always().then(fault);
    assert_eq!(app(&registry).fetch_manifest("v1").await.unwrap().1, text);
    assert_eq!(app(&registry).fetch_bytes(&node).await.unwrap(), text);
}

#[tokio::test]
async fn a_web_page_instead_of_a_manifest_is_refused() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.content("app").tag("v1", &node);
    let page =
        Fault::answer(Answer::new(200).header("content-type", "text/html; charset=utf-8").body("<html>"));
    registry.on("*", "*").always().then(page);
    let repository = app(&registry);
    for error in [
        repository.resolve("v1").await.unwrap_err(),
        repository.fetch_manifest("v1").await.unwrap_err(),
        repository.fetch_manifest(&node.digest.to_string()).await.unwrap_err(),
    ] {
        let text = chain(&error);
        assert!(text.contains("not a registry: it answered with a web page"), "{text}");
    }
}
