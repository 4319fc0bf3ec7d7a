//! Writing blobs (wire.md §4, §5, §9).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use oras::{
    content::{Body, Error as ContentError, Memory, Source as _, Target as _},
    oci::{Algorithm, Descriptor, Digest},
    registry::{Error, Repository},
};

use super::setup::{app, app_with, bytes, chain, client_with};
use crate::support::{
    Fault, Gate, TestRegistry,
    registry::{AfterCut, Answer, Chunks, Locations, Origin},
};

/// Content in a store, which can be read again.
fn stored(content: &[u8]) -> (Descriptor, Body) {
    let memory = Memory::new();
    let node = memory.insert("a/b", content.to_vec());
    (node.clone(), Body::stored(Arc::new(memory), node))
}

/// Content that can be read once only.
fn once(content: &[u8]) -> (Descriptor, Body) {
    let pieces: Vec<_> = content.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    (Descriptor::of("a/b", content), Body::stream(Box::pin(futures_util::stream::iter(pieces))))
}

async fn push(repository: &Repository, content: &[u8]) -> Result<(), ContentError> {
    let (node, body) = stored(content);
    repository.push(&node, body).await
}

/// Chunks of 1000 bytes, for everything that is longer.
fn in_chunks(registry: &TestRegistry) -> Repository {
    app_with(registry, |options| {
        options.chunk = 1000;
        options.whole = Some(1000);
    })
}

fn holds(registry: &TestRegistry, content: &[u8]) -> bool {
    registry.content("app").blob(&Digest::of(content)).is_some_and(|held| held == content)
}

#[tokio::test]
async fn a_blob_takes_one_post_and_one_put_wherever_the_location_is_relative_to() {
    for locations in [Locations::Relative, Locations::Absolute] {
        let registry = TestRegistry::builder().locations(locations).start().await;
        push(&app(&registry), b"hello").await.unwrap();
        assert!(holds(&registry, b"hello"));
        let requests = registry.requests();
        assert_eq!(requests.len(), 2, "{requests:?}");
        assert_eq!(requests[1].header("content-type"), Some("application/octet-stream"));
        assert_eq!(requests[1].header("content-length"), Some("5"));
        assert_eq!(requests[1].header("content-range"), None);
        // What the registry put into the query stays as it was.
        assert!(requests[1].target.contains("?_state="), "{}", requests[1].target);
        assert!(
            requests[1].target.ends_with(&format!("&digest=sha256%3A{}", Digest::of(b"hello").encoded()))
        );
    }
}

#[tokio::test]
async fn the_query_of_a_location_is_sent_back_byte_for_byte() {
    let registry = TestRegistry::start().await;
    let query = "b=%2f%2F+x&a==&&_state=a%20b~!*()";
    let location = format!("/v2/app/blobs/uploads/1?{query}");
    registry
        .on("POST", "/v2/app/blobs/uploads/*")
        .then(Fault::answer(Answer::new(202).header("location", &location)));
    registry.on("PUT", "/v2/app/blobs/uploads/*").then(Fault::status(201));
    push(&app(&registry), b"hello").await.unwrap();
    let put = registry.requests().into_iter().find(|request| request.method == "PUT").unwrap();
    let digest = Digest::of(b"hello").to_string().replace(':', "%3A");
    assert_eq!(put.target, format!("{location}&digest={digest}"));
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let registry = TestRegistry::start().await;
    push(&app(&registry), b"").await.unwrap();
    push(&in_chunks(&registry), b"").await.unwrap();
    assert!(holds(&registry, b""));
}

#[tokio::test]
async fn a_blob_of_another_algorithm_names_it_when_it_begins() {
    let registry = TestRegistry::start().await;
    let node = Descriptor::new("a/b", Digest::of_with(Algorithm::Sha512, b"hello"), 5);
    app(&registry).push(&node, Body::from(b"hello".to_vec())).await.unwrap();
    assert_eq!(registry.requests()[0].target, "/v2/app/blobs/uploads/?digest-algorithm=sha512");
    assert!(registry.content("app").blob(&node.digest).is_some());
}

#[tokio::test]
async fn an_upload_without_a_location_or_to_a_forbidden_place_is_refused() {
    let registry = TestRegistry::start().await;
    let location = |location: &str| Answer::new(202).header("location", location);
    let cases = [
        (Answer::new(202), "no upload location"),
        (location("ftp://localhost/u"), "neither http nor https"),
        (location("http://u:p@localhost/u"), "names a user"),
        (location("http://["), "not a URL"),
    ];
    for (answer, expected) in cases {
        registry.on("POST", "/v2/app/blobs/uploads/*").then(Fault::answer(answer));
        let error = chain(&push(&app(&registry), b"hello").await.unwrap_err());
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("u:p"), "{error}");
    }
    assert_eq!(registry.count("PUT *"), 0);
}

#[tokio::test]
async fn another_host_gets_the_bytes_of_a_blob_and_nothing_else() {
    let registry = TestRegistry::start().await;
    let elsewhere = format!("{}/u?sig=1", registry.storage_url());
    registry
        .on("POST", "/v2/app/blobs/uploads/*")
        .then(Fault::answer(Answer::new(202).header("location", &elsewhere)));
    registry.on("PUT", "/u").then(Fault::status(201));
    let repository = app_with(&registry, |options| options.headers = vec![("X-Own".into(), "canary".into())]);
    push(&repository, b"hello").await.unwrap();
    let put = registry.requests().into_iter().find(|request| request.origin == Origin::Storage).unwrap();
    let names: Vec<_> = put.headers.keys().map(|name| name.as_str()).collect();
    for name in names {
        let expected = ["content-type", "content-length", "host", "user-agent", "accept", "accept-encoding"];
        assert!(expected.contains(&name), "{name}");
    }
    assert_eq!(put.body, "hello");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_followed_by_chunks_and_the_next_blob_knows() {
    let registry = TestRegistry::builder().body_limit(600).start().await;
    let repository = app_with(&registry, |options| options.chunk = 2000);
    let (first, second) = (bytes(5000), bytes(4999));
    push(&repository, &first).await.unwrap();
    assert!(holds(&registry, &first));
    assert!(registry.count("* 413") > 0, "{:?}", registry.lines());
    registry.forget_requests();
    push(&repository, &second).await.unwrap();
    assert!(holds(&registry, &second));
    assert_eq!(registry.count("* 413"), 0, "{:?}", registry.lines());
    let chunks = registry.requests_like("PATCH *");
    assert!(chunks.iter().all(|chunk| chunk.body_length <= 500), "{chunks:?}");
    assert_eq!(registry.content("app").open_uploads(), 0);
}

#[tokio::test]
async fn a_registry_that_takes_no_chunks_gets_whole_blobs_and_the_next_blob_knows() {
    let registry = TestRegistry::builder().chunks(Chunks::Refused).start().await;
    let repository = in_chunks(&registry);
    push(&repository, &bytes(3000)).await.unwrap();
    assert!(holds(&registry, &bytes(3000)));
    assert_eq!(registry.count("PATCH *"), 1);
    push(&repository, &bytes(2999)).await.unwrap();
    assert!(holds(&registry, &bytes(2999)));
    assert_eq!(registry.count("PATCH *"), 1);
}

#[tokio::test]
async fn chunks_say_where_they_belong_and_are_at_least_as_large_as_the_registry_wants() {
    let registry = TestRegistry::builder().smallest_chunk(1500).start().await;
    push(&in_chunks(&registry), &bytes(4000)).await.unwrap();
    assert!(holds(&registry, &bytes(4000)));
    let ranges: Vec<_> = registry
        .requests_like("PATCH *")
        .iter()
        .map(|chunk| chunk.header("content-range").unwrap().to_owned())
        .collect();
    assert_eq!(ranges, ["0-1499", "1500-2999", "3000-3999"]);
    let close = registry.requests().into_iter().find(|request| request.method == "PUT").unwrap();
    assert_eq!((close.header("content-length"), close.body_length), (Some("0"), 0));
}

#[tokio::test]
async fn a_chunk_that_is_cut_goes_on_where_the_registry_says() {
    for (content, body) in [(bytes(3500), true), (bytes(3500), false)] {
        let registry = TestRegistry::start().await;
        registry.on("PATCH", "*").after(1).then(Fault::close_while_reading(300));
        let (node, body) =
            if body { stored(&content) } else { (Descriptor::of("a/b", &content), content.clone().into()) };
        in_chunks(&registry).push(&node, body).await.unwrap();
        assert!(holds(&registry, &content));
        let ranges: Vec<_> = registry
            .requests_like("PATCH *")
            .iter()
            .map(|chunk| chunk.header("content-range").unwrap().to_owned())
            .collect();
        assert_eq!(ranges, ["0-999", "1000-1999", "1300-2299", "2300-3299", "3300-3499"]);
    }
}

#[tokio::test]
async fn a_registry_that_appends_whatever_comes_gets_no_byte_twice() {
    let registry = TestRegistry::builder().chunks(Chunks::Appended).start().await;
    registry.on("PATCH", "*").after(1).then(Fault::lose_answer());
    push(&in_chunks(&registry), &bytes(3500)).await.unwrap();
    assert!(holds(&registry, &bytes(3500)));
    // The state that the lost answer had brought is unknown, so the upload begins anew.
    assert_eq!(registry.count("POST *"), 2, "{:?}", registry.lines());
}

#[tokio::test]
async fn an_upload_that_a_cut_has_ended_begins_anew() {
    let registry = TestRegistry::builder().after_cut(AfterCut::LosesUpload).start().await;
    registry.on("PATCH", "*").after(1).then(Fault::close_while_reading(300));
    push(&in_chunks(&registry), &bytes(3500)).await.unwrap();
    assert!(holds(&registry, &bytes(3500)));
    assert_eq!(registry.count("POST *"), 2);
}

#[tokio::test]
async fn a_stream_that_can_be_read_once_goes_through_in_chunks_as_long_as_nothing_is_lost() {
    let registry = TestRegistry::start().await;
    let (node, body) = once(&bytes(4500));
    in_chunks(&registry).push(&node, body).await.unwrap();
    assert!(holds(&registry, &bytes(4500)));
    registry.on("PATCH", "*").after(1).then(Fault::close_while_reading(300));
    let (node, body) = once(&bytes(4499));
    assert!(in_chunks(&registry).push(&node, body).await.is_err());
    assert!(!holds(&registry, &bytes(4499)));
}

#[tokio::test]
async fn a_range_that_lies_is_seen_through() {
    // One service says 201 and never counts further than the first chunk; another counts the last one only.
    for range in ["0-999", "0-99"] {
        let registry = TestRegistry::start().await;
        let fault = Fault::edit(move |_, answer| {
            answer.status = hyper::StatusCode::CREATED;
            answer.set_header("range", range);
        });
        registry.on("PATCH", "*").always().then(fault);
        push(&in_chunks(&registry), &bytes(3500)).await.unwrap();
        assert!(holds(&registry, &bytes(3500)));
        assert_eq!(registry.count("PATCH *"), 4);
        // Once it was found out, nobody asks any more.
        assert_eq!(registry.count("GET *"), 1, "{:?}", registry.lines());
    }
}

#[tokio::test]
async fn a_chunk_in_the_wrong_place_is_corrected() {
    let registry = TestRegistry::start().await;
    // The registry has taken less than it was sent.
    let shorten = Fault::answer(Answer::new(416));
    registry.on("PATCH", "*").after(2).then(shorten);
    push(&in_chunks(&registry), &bytes(3500)).await.unwrap();
    assert!(holds(&registry, &bytes(3500)));
    assert_eq!(registry.count("GET *"), 1);
}

#[tokio::test]
async fn an_answer_that_got_lost_is_looked_for_before_anything_is_sent_again() {
    let registry = TestRegistry::start().await;
    registry.on("PUT", "/v2/app/blobs/*").then(Fault::lose_answer());
    push(&app(&registry), &bytes(3000)).await.unwrap();
    assert_eq!(registry.count("PUT *"), 1);
    assert_eq!(registry.count("HEAD *"), 1);
    registry.forget_requests();
    registry.on("PUT", "/v2/app/blobs/*").then(Fault::lose_answer());
    push(&in_chunks(&registry), &bytes(2999)).await.unwrap();
    assert_eq!(registry.count("PUT *"), 1);
}

#[tokio::test]
async fn an_upload_that_the_registry_has_lost_begins_anew_but_not_for_ever() {
    let registry = TestRegistry::start().await;
    registry.on("PUT", "/v2/app/blobs/*").then(Fault::lose_upload());
    push(&app(&registry), b"hello").await.unwrap();
    assert_eq!(registry.count("POST *"), 2);
    registry.forget_requests();
    registry.on("PUT", "/v2/app/blobs/*").always().then(Fault::lose_upload());
    let error = push(&app(&registry), b"other").await.unwrap_err();
    assert_eq!(error.store_error::<Error>().unwrap().status().unwrap().as_u16(), 404);
    assert_eq!(registry.count("PUT *"), 3);
}

#[tokio::test]
async fn a_blob_that_is_cut_on_its_way_is_sent_again_if_it_can_be_read_again() {
    for fault in [
        Fault::close_while_reading(500),
        Fault::reset_while_reading(500),
        Fault::status(503),
        Fault::status(504),
    ] {
        let registry = TestRegistry::start().await;
        registry.on("PUT", "/v2/app/blobs/*").then(fault.clone());
        push(&app(&registry), &bytes(100_000)).await.unwrap();
        assert!(holds(&registry, &bytes(100_000)));
        registry.forget_requests();
        registry.on("PUT", "/v2/app/blobs/*").then(fault);
        let (node, body) = once(&bytes(99_999));
        assert!(app(&registry).push(&node, body).await.is_err());
        assert_eq!(registry.count("PUT *"), 1, "{:?}", registry.lines());
    }
}

#[tokio::test]
async fn a_proxy_that_cuts_large_bodies_is_passed_in_chunks() {
    let registry = TestRegistry::start().await;
    registry
        .on("PUT", "/v2/app/blobs/*")
        .when(|request| request.header("content-length").unwrap().parse::<usize>().unwrap() > 200_000)
        .always()
        .then(Fault::close_while_reading(200_000));
    let repository = app_with(&registry, |options| options.chunk = 100_000);
    push(&repository, &bytes(1_000_000)).await.unwrap();
    assert!(holds(&registry, &bytes(1_000_000)));
    assert!(registry.count("PATCH *") > 0);
}

#[tokio::test]
async fn content_that_is_not_what_it_should_be_never_arrives_whole() {
    let registry = TestRegistry::start().await;
    let memory = Memory::new();
    let wrong = memory.insert("a/b", bytes(3000));
    let node = Descriptor::new("a/b", Digest::of(b"something else"), wrong.size);
    let lying = Arc::new(Lying { memory, held: wrong });
    for repository in [app(&registry), in_chunks(&registry)] {
        let error = repository.push(&node, Body::stored(lying.clone(), node.clone())).await.unwrap_err();
        assert!(matches!(error, ContentError::DigestMismatch { .. }), "{error}");
    }
    let client = client_with(&registry, |_| {});
    client.finish().await;
    assert!(registry.content("app").blobs().is_empty());
    assert_eq!(registry.count("PUT * 201"), 0);
}

/// A store whose content has changed since it was described.
struct Lying {
    memory: Memory,
    held: Descriptor,
}

#[async_trait::async_trait]
impl oras::content::Source for Lying {
    async fn resolve(&self, reference: &str) -> oras::content::Result<Descriptor> {
        self.memory.resolve(reference).await
    }

    async fn fetch_unverified(
        &self,
        _: &Descriptor,
        offset: u64,
    ) -> oras::content::Result<oras::content::ByteStream> {
        self.memory.fetch_unverified(&self.held, offset).await
    }

    async fn exists(&self, node: &Descriptor) -> oras::content::Result<bool> {
        self.memory.exists(node).await
    }

    async fn referrers(
        &self,
        subject: &Descriptor,
        kind: Option<&str>,
    ) -> oras::content::Result<Vec<Descriptor>> {
        self.memory.referrers(subject, kind).await
    }

    fn tags<'a>(&'a self, last: Option<&'a str>) -> oras::content::TagPages<'a> {
        self.memory.tags(last)
    }
}

#[tokio::test]
async fn an_upload_that_is_given_up_is_cancelled() {
    let registry = TestRegistry::start().await;
    let gate = Gate::new();
    registry.on("PUT", "/v2/app/blobs/*").then(Fault::stall(&gate));
    let client = client_with(&registry, |_| {});
    let repository = client.repository("app");
    let (node, body) = stored(b"hello");
    tokio::select! {
        _ = repository.push(&node, body) => panic!("the gate is closed"),
        () = gate.reached() => {}
    }
    client.finish().await;
    assert_eq!(registry.count("DELETE /v2/app/blobs/uploads/* 204"), 1, "{:?}", registry.lines());
    assert_eq!(registry.content("app").open_uploads(), 0);
}

#[tokio::test]
async fn a_cancelled_upload_holds_nobody_up() {
    let registry = TestRegistry::start().await;
    let gate = Gate::new();
    registry.on("PUT,DELETE", "/v2/app/blobs/*").always().then(Fault::stall(&gate));
    let client = client_with(&registry, |_| {});
    let repository = client.repository("app");
    let (node, body) = stored(b"hello");
    tokio::select! {
        _ = repository.push(&node, body) => panic!("the gate is closed"),
        () = gate.reached() => {}
    }
    let begun = std::time::Instant::now();
    client.finish().await;
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn the_sending_of_a_body_is_given_up_when_nobody_reads() {
    let registry = TestRegistry::start().await;
    let gate = Gate::new();
    registry.on("PUT", "/v2/app/blobs/*").then(Fault::stall(&gate));
    let repository = app_with(&registry, |options| {
        options.limits.stall = Duration::from_millis(400);
        options.limits.headers = Duration::from_millis(400);
    });
    push(&repository, b"hello").await.unwrap();
    assert!(holds(&registry, b"hello"));
    assert!(registry.count("POST *") >= 2);
}

#[tokio::test]
async fn an_early_refusal_is_read_although_nobody_has_read_the_body() {
    let registry = TestRegistry::start().await;
    let refusal = Answer::error(403, "DENIED", "the repository is locked");
    registry.on("PUT", "/v2/app/blobs/*").always().then(Fault::early(refusal));
    let error = push(&app(&registry), &bytes(100_000)).await.unwrap_err();
    let list = error.store_error::<Error>().unwrap().response().and_then(|response| response.list());
    assert_eq!(list.as_deref(), Some("denied: the repository is locked"), "{}", chain(&error));
    assert_eq!(registry.count("PUT *"), 1);
}

#[tokio::test]
async fn a_write_is_not_redirected_like_a_read() {
    let registry = TestRegistry::start().await;
    registry.on("PUT", "/v2/app/blobs/*").then(Fault::redirect(302, "/elsewhere"));
    let error = chain(&push(&app(&registry), b"hello").await.unwrap_err());
    assert!(error.contains("refused to follow") && error.contains("/elsewhere"), "{error}");
    let target = registry.url("/v2/app/blobs/uploads/");
    registry.on("POST", "/v2/app/blobs/uploads/*").then(Fault::redirect(307, &target));
    push(&app(&registry), b"hello").await.unwrap();
    assert!(holds(&registry, b"hello"));
}

#[tokio::test]
async fn a_blob_is_mounted_where_it_can_be() {
    let registry = TestRegistry::start().await;
    let blob = registry.content("other").insert_blob("a/b", "hello");
    let client = client_with(&registry, |_| {});
    let (repository, other) = (client.repository("app"), client.repository("other"));
    assert!(repository.mount(&blob, &other.origin().unwrap()).await.unwrap());
    assert!(holds(&registry, b"hello"));
    // The first mount is looked at; after that the registry is believed.
    assert_eq!(registry.lines().len(), 2, "{:?}", registry.lines());
    let second = registry.content("other").insert_blob("a/b", "second");
    assert!(repository.mount(&second, &other.origin().unwrap()).await.unwrap());
    assert_eq!(registry.lines().len(), 3);
}

#[tokio::test]
async fn a_mount_that_becomes_an_upload_is_used_as_one() {
    let registry = TestRegistry::builder().without_mounts().start().await;
    let blob = registry.content("other").insert_blob("a/b", "hello");
    let client = client_with(&registry, |_| {});
    let (repository, other) = (client.repository("app"), client.repository("other"));
    assert!(!repository.mount(&blob, &other.origin().unwrap()).await.unwrap());
    push(&repository, b"hello").await.unwrap();
    assert_eq!(registry.count("POST *"), 1);
    assert!(holds(&registry, b"hello"));
    // One that is not needed after all is cancelled.
    let second = registry.content("other").insert_blob("a/b", "second");
    assert!(!repository.mount(&second, &other.origin().unwrap()).await.unwrap());
    drop(repository);
    client.finish().await;
    assert_eq!(registry.content("app").open_uploads(), 0);
}

#[tokio::test]
async fn a_mount_that_is_refused_or_untrue_is_followed_by_an_upload() {
    for status in [400, 401, 403, 404, 405, 415, 500, 201] {
        let registry = TestRegistry::start().await;
        let blob = registry.content("other").insert_blob("a/b", "hello");
        registry.on("POST", "/v2/app/blobs/uploads/?mount=*").always().then(Fault::status(status));
        let client = client_with(&registry, |options| options.retries.most = 0);
        let (repository, other) = (client.repository("app"), client.repository("other"));
        assert!(!repository.mount(&blob, &other.origin().unwrap()).await.unwrap(), "{status}");
        push(&repository, b"hello").await.unwrap();
        assert!(holds(&registry, b"hello"), "{status}");
    }
}

#[tokio::test]
async fn what_a_registry_has_anywhere_need_not_be_sent() {
    let registry = TestRegistry::builder().mounts_from_anywhere().start().await;
    registry.content("other").insert_blob("a/b", "hello");
    push(&app(&registry), b"hello").await.unwrap();
    assert_eq!(registry.count("PUT *"), 0);
    assert!(holds(&registry, b"hello"));
}

#[tokio::test]
async fn a_registry_that_wants_a_source_for_a_mount_is_asked_once_without() {
    let registry = TestRegistry::start().await;
    registry.on("POST", "/v2/app/blobs/uploads/?mount=*").always().then(Fault::status(400));
    let repository = app(&registry);
    push(&repository, b"first").await.unwrap();
    push(&repository, b"second").await.unwrap();
    assert_eq!(registry.count("POST * 400"), 1);
    assert_eq!(registry.count("POST * 202"), 2);
}

#[tokio::test]
async fn nothing_is_mounted_for_somebody_else_or_from_elsewhere() {
    let registry = TestRegistry::start().await;
    let blob = registry.content("other").insert_blob("a/b", "hello");
    let repository = app(&registry);
    let other = client_with(&registry, |options| options.identity = 1).repository("other");
    assert!(!repository.mount(&blob, &other.origin().unwrap()).await.unwrap());
    assert!(!repository.mount(&blob, &repository.origin().unwrap()).await.unwrap());
    let elsewhere = oras::content::Origin { registry: "https://h".into(), ..repository.origin().unwrap() };
    assert!(!repository.mount(&blob, &elsewhere).await.unwrap());
    assert!(registry.requests().is_empty());
}
