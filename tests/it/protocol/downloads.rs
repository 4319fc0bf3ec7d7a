//! Reading blobs (wire.md §3, §10).

use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use oras::{
    content::{Error as ContentError, Source as _},
    oci::{Algorithm, Descriptor, Digest},
    registry::{Error, TransportError},
};

use super::setup::{Listener, app, app_with, bytes, chain, collect, read};
use crate::support::{
    Fault, Gate, TestRegistry,
    registry::{Answer, Origin},
};

#[tokio::test]
async fn only_the_bytes_decide_whether_a_blob_is_good() {
    let digest_of_other = Digest::of(b"other").to_string();
    let good = [
        Fault::without_header("content-type"),
        Fault::header("content-type", "binary/octet-stream"),
        Fault::without_header("docker-content-digest"),
        Fault::header("docker-content-digest", "nonsense"),
        Fault::without_header("content-length"),
        Fault::header("docker-content-digest", &Digest::of_with(Algorithm::Sha512, b"x").to_string()),
    ];
    let bad = [
        Fault::wrong_bytes(),
        Fault::body("hell"),
        Fault::body("hello!"),
        Fault::body("hello!").and_without_header("content-length"),
        Fault::header("docker-content-digest", &digest_of_other),
        Fault::endless(),
    ];
    let registry = TestRegistry::start().await;
    let blob = registry.content("app").insert_blob("a/b", "hello");
    for (fault, is_good) in good.into_iter().map(|f| (f, true)).chain(bad.into_iter().map(|f| (f, false))) {
        registry.heal();
        registry.on("GET", "/v2/app/blobs/*").always().then(fault);
        let result = read(&app(&registry), &blob).await;
        assert_eq!(result.is_ok(), is_good, "{result:?}");
        assert!(result.is_err() || result.unwrap() == b"hello");
    }
}

#[tokio::test]
async fn what_is_read_comes_in_one_stream_for_each_blob() {
    let registry = TestRegistry::start().await;
    let content = bytes(3 << 20);
    let blob = registry.content("app").insert_blob("a/b", content.clone());
    assert_eq!(read(&app(&registry), &blob).await.unwrap(), content);
    let requests = registry.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].header("range"), None);
}

#[tokio::test]
async fn the_urls_of_a_descriptor_are_never_followed() {
    let (registry, elsewhere) = (TestRegistry::start().await, TestRegistry::start().await);
    registry.content("app").insert_artifact("a/b", &[]);
    let mut blob = elsewhere.content("app").insert_blob("a/b", "hello");
    blob.urls = vec![elsewhere.url(&format!("/v2/app/blobs/{}", blob.digest))];
    let error = app(&registry).fetch_unverified(&blob, 0).await.err().unwrap();
    assert!(error.is_not_found(), "{error}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_length_that_is_wrong_is_refused_before_the_first_byte() {
    let registry = TestRegistry::start().await;
    let blob = registry.content("app").insert_blob("a/b", "hello");
    registry.on("GET", "/v2/app/blobs/*").then(Fault::body("hello, but longer"));
    let error = app(&registry).fetch_unverified(&blob, 0).await.err().unwrap();
    assert!(matches!(error, ContentError::SizeMismatch { actual: Some(17), .. }), "{error}");
}

#[tokio::test]
async fn a_blob_of_another_algorithm_is_read_although_the_registry_calls_it_otherwise() {
    let registry = TestRegistry::start().await;
    let content = bytes(1000);
    let node = Descriptor::new("a/b", Digest::of_with(Algorithm::Sha512, &content), 1000);
    registry.content("app").insert_blob_as(&node.digest.to_string(), content.clone());
    let alias = Digest::of(&content).to_string();
    registry.on("HEAD,GET", "/v2/app/blobs/*").always().then(Fault::header("docker-content-digest", &alias));
    assert!(app(&registry).exists(&node).await.unwrap());
    assert_eq!(read(&app(&registry), &node).await.unwrap(), content);
}

#[tokio::test]
async fn a_blob_that_is_cut_goes_on_where_it_stopped() {
    let content = bytes(1 << 16);
    for reset in [false, true] {
        for power in 0..16 {
            let registry = TestRegistry::start().await;
            let blob = registry.content("app").insert_blob("a/b", content.clone());
            let at = 1 << power;
            let fault = if reset { Fault::reset_after(at) } else { Fault::close_after(at) };
            registry.on("GET", "/v2/app/blobs/*").then(fault);
            assert_eq!(read(&app(&registry), &blob).await.unwrap(), content);
            let requests = registry.requests();
            assert_eq!(requests.len(), 2, "{requests:?}");
            let range = requests[1].header("range").unwrap_or("bytes=0-65535");
            let start: usize = range.trim_start_matches("bytes=").split('-').next().unwrap().parse().unwrap();
            // A reset may overtake what was on its way.
            assert!(start == at || reset && start <= at, "{range} after {at}");
            assert!(requests[1].header("range").is_none() || range.ends_with("-65535"), "{range}");
        }
    }
}

#[tokio::test]
async fn a_blob_that_is_cut_again_and_again_arrives_as_long_as_it_moves() {
    let registry = TestRegistry::start().await;
    let content = bytes(40_000);
    let blob = registry.content("app").insert_blob("a/b", content.clone());
    registry.on("GET", "/v2/app/blobs/*").times(30).then(Fault::close_after(1000));
    assert_eq!(read(&app(&registry), &blob).await.unwrap(), content);
    assert_eq!(registry.requests().len(), 31);
}

#[tokio::test]
async fn a_blob_that_does_not_move_any_more_fails() {
    let registry = TestRegistry::start().await;
    let blob = registry.content("app").insert_blob("a/b", bytes(1000));
    registry.on("GET", "/v2/app/blobs/*").then(Fault::close_after(10));
    registry.on("GET", "/v2/app/blobs/*").always().then(Fault::close_after(0));
    let error = read(&app(&registry), &blob).await.unwrap_err();
    assert!(error.store_error::<Error>().unwrap().transport().is_some(), "{error}");
    assert_eq!(registry.requests().len(), 1 + 5);
}

#[tokio::test]
async fn a_registry_that_ignores_ranges_costs_bytes_and_nothing_else() {
    let registry = TestRegistry::builder().without_ranges().start().await;
    let content = bytes(5000);
    let blob = registry.content("app").insert_blob("a/b", content.clone());
    registry.on("GET", "/v2/app/blobs/*").then(Fault::close_after(3000));
    assert_eq!(read(&app(&registry), &blob).await.unwrap(), content);
    let rest = collect(app(&registry).fetch_unverified(&blob, 4000).await.unwrap()).await.unwrap();
    assert_eq!(rest, content[4000..]);
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_is_not_used_and_ranges_are_given_up() {
    let content = bytes(5000);
    for range in ["bytes 0-1999/5000", "bytes 3000-4999/6000", "nonsense", "bytes 3000-4999"] {
        let registry = TestRegistry::start().await;
        let blob = registry.content("app").insert_blob("a/b", content.clone());
        registry.on("GET", "/v2/app/blobs/*").then(Fault::close_after(3000));
        registry
            .on("GET", "/v2/app/blobs/*")
            .when(|request| request.header("range").is_some())
            .always()
            .then(Fault::header("content-range", range));
        let repository = app(&registry);
        assert_eq!(read(&repository, &blob).await.unwrap(), content, "{range}");
        let ranged = |registry: &TestRegistry| {
            registry.requests().iter().filter(|request| request.header("range").is_some()).count()
        };
        assert_eq!(ranged(&registry), 1, "{range}");
        // The next blob does not ask for a range at all.
        registry.on("GET", "/v2/app/blobs/*").then(Fault::close_after(3000));
        assert_eq!(read(&repository, &blob).await.unwrap(), content, "{range}");
        assert_eq!(ranged(&registry), 1, "{range}");
    }
}

#[tokio::test]
async fn a_range_that_cannot_be_satisfied_is_answered_by_the_whole_blob() {
    let registry = TestRegistry::start().await;
    let content = bytes(5000);
    let blob = registry.content("app").insert_blob("a/b", content.clone());
    registry.on("GET", "/v2/app/blobs/*").then(Fault::close_after(3000));
    let refusal = Answer::new(416).header("content-length", "5000").body("invalid");
    registry.on("GET", "/v2/app/blobs/*").then(Fault::answer(refusal));
    assert_eq!(read(&app(&registry), &blob).await.unwrap(), content);
    assert_eq!(registry.lines().len(), 3);
}

#[tokio::test]
async fn another_machine_that_does_not_know_the_blob_yet_is_asked_once_more() {
    let registry = TestRegistry::start().await;
    let content = bytes(5000);
    let blob = registry.content("app").insert_blob("a/b", content.clone());
    registry.on("GET", "/v2/app/blobs/*").then(Fault::close_after(3000));
    registry.on("GET", "/v2/app/blobs/*").then(Fault::status(404));
    assert_eq!(read(&app(&registry), &blob).await.unwrap(), content);
    assert_eq!(registry.lines().len(), 3);
}

#[tokio::test]
async fn a_blob_behind_a_redirect_gets_no_credentials_there_and_a_new_url_when_the_old_one_has_expired() {
    let registry = TestRegistry::builder().redirects_blobs_for(1).start().await;
    let content = bytes(5000);
    let blob = registry.content("app").insert_blob("a/b", content.clone());
    registry.on("GET", "/app/*").times(2).then(Fault::close_after(2000));
    assert_eq!(read(&app(&registry), &blob).await.unwrap(), content);
    for request in registry.requests().iter().filter(|request| request.origin == Origin::Storage) {
        assert_eq!(request.header("authorization"), None);
    }
    assert!(registry.count("GET /v2/app/blobs/* 307") >= 3, "{:?}", registry.lines());
}

#[tokio::test]
async fn a_place_that_refuses_is_asked_again_by_way_of_the_registry_once() {
    let registry = TestRegistry::builder().redirects_blobs().start().await;
    let blob = registry.content("app").insert_blob("a/b", "hello");
    for status in [400, 401, 403, 410] {
        registry.forget_requests();
        registry.on("GET", "/app/*").then(Fault::status(status));
        assert_eq!(read(&app(&registry), &blob).await.unwrap(), b"hello");
        assert_eq!(registry.count("GET /v2/app/blobs/* 307"), 2, "{status}");
    }
    let xml = Answer::new(403).header("content-type", "application/xml").body(
        "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>expired</Message></Error>",
    );
    registry.on("GET", "/app/*").always().then(Fault::answer(xml));
    let error = read(&app(&registry), &blob).await.unwrap_err();
    let text = chain(&error);
    assert!(text.contains("403: Forbidden: AuthenticationFailed: expired"), "{text}");
    assert!(!text.contains("sig="), "{text}");
    assert!(!error.store_error::<Error>().unwrap().response().unwrap().is_registry);
}

#[tokio::test]
async fn redirects_end_somewhere_and_never_in_a_place_without_http() {
    let registry = TestRegistry::start().await;
    let blob = registry.content("app").insert_blob("a/b", "hello");
    let round = registry.url(&format!("/v2/app/blobs/{}", blob.digest));
    registry.on("GET", "/v2/app/blobs/*").always().then(Fault::redirect(302, &round));
    let error = chain(&read(&app(&registry), &blob).await.unwrap_err());
    assert!(error.contains("more than 10 redirects"), "{error}");
    assert_eq!(registry.requests().len(), 11);
    for target in ["file:///etc/passwd", "http://u:p@localhost/", "http://["] {
        registry.heal();
        registry.on("GET", "/v2/app/blobs/*").always().then(Fault::redirect(302, target));
        let error = chain(&read(&app(&registry), &blob).await.unwrap_err());
        assert!(error.contains("refused to follow"), "{error}");
        assert!(!error.contains("u:p@"), "{error}");
    }
}

#[tokio::test]
async fn every_kind_of_redirect_is_followed_for_reading() {
    for status in [301, 302, 303, 307, 308] {
        let registry = TestRegistry::start().await;
        let blob = registry.content("app").insert_blob("a/b", "hello");
        registry.content("other").insert_blob("a/b", "hello");
        let target = format!("/v2/other/blobs/{}", blob.digest);
        registry.on("GET,HEAD", "/v2/app/*").always().then(Fault::redirect(status, &target));
        assert_eq!(read(&app(&registry), &blob).await.unwrap(), b"hello", "{status}");
        assert!(app(&registry).exists(&blob).await.unwrap(), "{status}");
    }
}

#[tokio::test]
async fn a_web_page_instead_of_a_blob_is_refused() {
    let registry = TestRegistry::start().await;
    let blob = registry.content("app").insert_blob("a/b", "hello");
    let page = Answer::new(200).header("content-type", "text/html").body("<html>sign in</html>");
    registry.on("GET", "/v2/app/blobs/*").always().then(Fault::answer(page));
    assert!(matches!(read(&app(&registry), &blob).await, Err(ContentError::SizeMismatch { .. })));
}

#[tokio::test]
async fn a_blob_is_unpacked_only_when_it_was_packed_on_the_way() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let (layer, text) = (gzip(b"hello"), bytes(50_000));
    for length in [true, false] {
        let registry = TestRegistry::start().await;
        let layer_node = registry.content("app").insert_blob("a/b", layer.clone());
        let fault = Fault::header("content-encoding", "gzip");
        let fault = if length { fault } else { fault.and_without_header("content-length") };
        registry.on("GET", "/v2/app/blobs/*").then(fault);
        assert_eq!(read(&app(&registry), &layer_node).await.unwrap(), layer);

        let text_node = registry.content("app").insert_blob("a/b", text.clone());
        let fault = Fault::body(gzip(&text)).and_header("content-encoding", "gzip");
        let fault = if length { fault } else { fault.and_without_header("content-length") };
        registry.on("GET", "/v2/app/blobs/*").then(fault);
        assert_eq!(read(&app(&registry), &text_node).await.unwrap(), text);
    }
}

#[tokio::test]
async fn whether_a_blob_is_there_is_found_out_where_head_says_little() {
    let registry = TestRegistry::start().await;
    let blob = registry.content("app").insert_blob("a/b", "hello");
    let empty = registry.content("app").insert_blob("a/b", "");
    for fault in
        [Fault::without_header("content-length"), Fault::status(405), Fault::status(501), Fault::status(403)]
    {
        registry.heal();
        registry.on("HEAD", "/v2/app/blobs/*").always().then(fault);
        registry.forget_requests();
        let repository = app(&registry);
        assert_eq!(repository.resolve_blob(&blob.digest).await.unwrap().size, 5);
        assert_eq!(registry.requests()[1].header("range"), Some("bytes=0-0"));
        assert_eq!(repository.resolve_blob(&empty.digest).await.unwrap().size, 0);
        assert!(!repository.exists(&Descriptor::of("a/b", b"absent")).await.unwrap());
    }
}

#[tokio::test]
async fn a_refusal_without_words_is_asked_for_them() {
    let registry = TestRegistry::start().await;
    let blob = registry.content("app").insert_blob("a/b", "hello");
    registry.on("HEAD", "/v2/app/blobs/*").then(Fault::status(403));
    registry.on("GET", "/v2/app/blobs/*").then(Fault::error(403, "DENIED", "not from this address"));
    let error = app(&registry).exists(&blob).await.unwrap_err();
    let list = error.store_error::<Error>().unwrap().response().unwrap().list();
    assert_eq!(list.as_deref(), Some("denied: not from this address"));
}

#[tokio::test]
async fn a_blob_of_another_size_does_not_count_as_present() {
    let registry = TestRegistry::start().await;
    let node = Descriptor::of("a/b", b"hello");
    registry.content("app").insert_blob_as(&node.digest.to_string(), "hell");
    let listener = Listener::new();
    let repository = app_with(&registry, |options| options.trace = listener.clone());
    assert!(!repository.exists(&node).await.unwrap());
    assert!(
        listener.heard().iter().any(|event| event.starts_with("Notice") && event.contains("another size"))
    );
}

#[tokio::test]
async fn a_body_that_stalls_is_dropped_and_taken_up_again() {
    let registry = TestRegistry::start().await;
    let content = bytes(5000);
    let blob = registry.content("app").insert_blob("a/b", content.clone());
    let gate = Gate::new();
    registry.on("GET", "/v2/app/blobs/*").then(Fault::stall_after(3000, &gate));
    let repository = app_with(&registry, |options| options.limits.stall = Duration::from_millis(400));
    assert_eq!(read(&repository, &blob).await.unwrap(), content);
    assert_eq!(registry.requests()[1].header("range"), Some("bytes=3000-4999"));
}

#[tokio::test]
async fn an_answer_that_does_not_begin_is_given_up() {
    let registry = TestRegistry::start().await;
    let gate = Gate::new();
    registry.on("*", "/v2/app/*").always().then(Fault::stall(&gate));
    let repository = app_with(&registry, |options| {
        options.limits.headers = Duration::from_millis(30);
        options.limits.connect = Duration::from_millis(30);
        options.retries.most = 1;
    });
    let error = repository.resolve("v1").await.unwrap_err();
    let transport = error.store_error::<Error>().unwrap().transport().unwrap();
    assert!(
        matches!(transport, TransportError::Timeout { phase: "awaiting response headers", .. }),
        "{transport:?}"
    );
    assert_eq!(registry.requests().len(), 2);
}
