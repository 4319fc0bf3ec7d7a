//! What is tried again, and how long is waited for it (wire.md §11).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use oras::{
    content::{Body, Source as _, Target as _},
    oci::Descriptor,
    registry::Error,
};

use super::setup::{Listener, app, app_with, bytes, chain};
use crate::support::{Access, Fault, Gate, TestRegistry, registry::Answer};

#[tokio::test]
async fn each_kind_of_request_is_repeated_as_often_as_makes_sense() {
    // Status, tries of HEAD, GET, POST, PUT of a manifest, DELETE.
    let table = [
        (408, 6),
        (425, 6),
        (429, 6),
        (499, 6),
        (500, 3),
        (502, 6),
        (503, 6),
        (504, 6),
        (522, 6),
        (524, 6),
        (400, 1),
        (403, 1),
        (409, 1),
        (423, 1),
        (501, 1),
        (505, 1),
        (507, 1),
        (511, 1),
    ];
    for (status, tries) in table {
        let registry = TestRegistry::start().await;
        let node = registry.content("app").insert_artifact("a/b", &[]);
        let blob = registry.content("app").insert_blob("a/b", "hello");
        registry.on("*", "*").always().then(Fault::status(status));
        let repository = app(&registry);
        repository.fetch_manifest("v1").await.unwrap_err();
        assert_eq!(registry.count("GET *"), tries, "GET {status}");
        repository.delete(&blob).await.unwrap_err();
        assert_eq!(registry.count("DELETE *"), tries, "DELETE {status}");
        let text = Body::from(b"{}".to_vec());
        repository.push(&Descriptor::of(&node.media_type, b"{}"), text).await.unwrap_err();
        assert_eq!(registry.count("PUT *"), tries, "PUT {status}");
        registry.forget_requests();
        repository.resolve("v1").await.unwrap_err();
        // Where HEAD is not served, GET is tried.
        assert_eq!(registry.count("HEAD *"), tries, "HEAD {status}");
        let new = Descriptor::of("a/b", b"new");
        repository.push(&new, Body::from(b"new".to_vec())).await.unwrap_err();
        // A mount that fails is followed by a plain request.
        assert_eq!(registry.count("POST *"), 2 * tries, "POST {status}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_made_again() {
    for fault in [Fault::close(), Fault::reset(), Fault::lose_answer(), Fault::raw("nonsense")] {
        let registry = TestRegistry::start().await;
        let node = registry.content("app").insert_artifact("a/b", &[]);
        registry.content("app").tag("v1", &node);
        registry.on("*", "*").times(2).then(fault);
        assert_eq!(app(&registry).fetch_manifest("v1").await.unwrap().0, node);
    }
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_kept_in_full_and_everybody_keeps_it() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.content("app").tag("v1", &node);
    let patience = Answer::new(429).header("retry-after", "1");
    registry.on("GET", "/v2/app/manifests/v1").then(Fault::answer(patience));
    let listener = Listener::new();
    let repository = app_with(&registry, |options| options.trace = listener.clone());
    let begun = Instant::now();
    let first = async {
        repository.fetch_manifest("v1").await.unwrap();
        begun.elapsed()
    };
    let second = async {
        registry.until("GET /v2/app/manifests/v1 429").await;
        // The one who was told has taken note of it before it says so.
        while !listener.heard().iter().any(|event| event.starts_with("Waiting")) {
            tokio::task::yield_now().await;
        }
        repository.resolve(&node.digest.to_string()).await.unwrap();
        begun.elapsed()
    };
    let (first, second) = tokio::join!(first, second);
    let second_long = Duration::from_millis(990);
    assert!(first >= second_long && second >= second_long, "{first:?} {second:?}");
}

#[tokio::test]
async fn a_server_that_asks_for_too_much_is_not_waited_for() {
    let registry = TestRegistry::start().await;
    let later = Answer::error(429, "TOOMANYREQUESTS", "come back tomorrow").header("retry-after", "86400");
    registry.on("*", "*").always().then(Fault::answer(later));
    let begun = Instant::now();
    let error = app(&registry).fetch_manifest("v1").await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(20));
    let throttled = error.store_error::<Error>().unwrap();
    assert!(matches!(throttled, Error::Throttled { wait, .. } if wait.as_secs() == 86400), "{throttled:?}");
    assert!(chain(&error).contains("86400 seconds"), "{error}");
    assert_eq!(throttled.response().unwrap().list().as_deref(), Some("toomanyrequests: come back tomorrow"));
    assert_eq!(registry.lines().len(), 1);
}

#[tokio::test]
async fn a_date_to_come_back_is_compared_with_the_servers_own_clock() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.content("app").tag("v1", &node);
    // A server whose clock is years behind.
    let patience = Answer::new(503)
        .header("date", "Wed, 21 Oct 2015 07:28:00 GMT")
        .header("retry-after", "Wed, 21 Oct 2015 07:28:01 GMT");
    registry.on("GET", "*").then(Fault::answer(patience));
    let begun = Instant::now();
    app(&registry).fetch_manifest("v1").await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(990));
}

#[tokio::test]
async fn a_repetition_can_be_heard() {
    let registry = TestRegistry::start().await;
    registry.on("GET", "/v2/app/*").then(Fault::status(503));
    let listener = Listener::new();
    let repository = app_with(&registry, |options| options.trace = listener.clone());
    repository.fetch_manifest("v1").await.unwrap_err();
    let waiting: Vec<_> = listener.heard().into_iter().filter(|event| event.starts_with("Waiting")).collect();
    assert_eq!(waiting.len(), 1);
    assert!(
        waiting[0].contains("503 Service Unavailable") && waiting[0].contains(&registry.host()),
        "{waiting:?}"
    );
}

#[tokio::test]
async fn whoever_gives_up_waits_no_longer() {
    let registry = TestRegistry::start().await;
    registry.on("*", "*").always().then(Fault::answer(Answer::new(503).header("retry-after", "100")));
    let repository = app(&registry);
    let begun = Instant::now();
    tokio::select! {
        _ = repository.resolve("v1") => panic!("nothing was waited for"),
        () = registry.until("HEAD * 503") => {}
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn many_requests_at_once_all_end() {
    let registry = TestRegistry::start().await;
    let content = bytes(50_000);
    let blobs: Vec<_> = (0..20u8)
        .map(|number| {
            let mut own = content.clone();
            own[0] = number;
            registry.content("app").insert_blob("a/b", own)
        })
        .collect();
    registry.on("GET", "*").times(20).then(Fault::close_after(20_000));
    let repository = app(&registry);
    for read in join_all(blobs.iter().map(|blob| super::setup::read(&repository, blob))).await {
        read.unwrap();
    }
}

#[tokio::test]
async fn a_stalled_request_is_no_reason_to_stall_others() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_artifact("a/b", &[]);
    let gate = Gate::new();
    registry.on("HEAD", "/v2/app/manifests/v1").then(Fault::stall(&gate));
    let repository = app(&registry);
    let stalled = repository.resolve("v1");
    let other = async {
        gate.reached().await;
        let resolved = repository.resolve(&node.digest.to_string()).await;
        gate.open();
        resolved
    };
    let (stalled, other) = tokio::join!(stalled, other);
    assert!(stalled.unwrap_err().is_not_found());
    assert_eq!(other.unwrap(), node);
}

#[tokio::test]
async fn what_is_used_up_for_hours_is_not_asked_for_again() {
    let registry = TestRegistry::start().await;
    let empty = Answer::error(429, "TOOMANYREQUESTS", "you have reached your pull rate limit")
        .header("ratelimit-limit", "100;w=21600")
        .header("ratelimit-remaining", "0;w=21600")
        .header("docker-ratelimit-source", "192.0.2.1");
    registry.on("*", "*").always().then(Fault::answer(empty));
    let error = app(&registry).fetch_manifest("v1").await.unwrap_err();
    let text = chain(&error);
    assert!(text.contains("100 requests in 6 hours, counted for 192.0.2.1, and they are used up"), "{text}");
    assert_eq!(registry.lines().len(), 1);
    // As long as something is left, it is worth another try.
    registry.heal();
    registry.forget_requests();
    let busy = Answer::new(429).header("ratelimit-remaining", "3;w=21600");
    registry.on("*", "*").then(Fault::answer(busy));
    assert!(app(&registry).fetch_manifest("v1").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_time_at_which_there_will_be_more_is_waited_for() {
    let registry = TestRegistry::start().await;
    let at = std::time::SystemTime::now() + Duration::from_secs(3600);
    let reset = at.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string();
    let later = Answer::new(429).header("x-ratelimit-reset", &reset);
    registry.on("*", "*").always().then(Fault::answer(later));
    let error = app(&registry).fetch_manifest("v1").await.unwrap_err();
    assert!(matches!(error.store_error::<Error>(), Some(Error::Throttled { .. })), "{error}");
    assert_eq!(registry.lines().len(), 1);
}

#[tokio::test]
async fn a_connection_that_is_refused_is_made_again_and_then_named() {
    // Nobody listens there any more.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listener = Listener::new();
    let mut options = super::setup::options();
    options.trace = listener.clone();
    let registry = oras::registry::Registry::new(&address.to_string(), options).unwrap();
    let error = registry.repository("app").resolve("v1").await.unwrap_err();
    assert!(chain(&error).contains("refused"), "{}", chain(&error));
    let waits = listener.heard().into_iter().filter(|event| event.starts_with("Waiting")).count();
    assert_eq!(waits, 5);
}

/// A server that takes connections and never says a word.
#[tokio::test]
async fn a_connection_that_does_not_come_about_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = super::setup::options();
    options.plain_http = false;
    options.limits.connect = Duration::from_millis(50);
    options.retries.most = 1;
    let host = silent.local_addr().unwrap().to_string();
    let begun = Instant::now();
    let registry = oras::registry::Registry::new(&host, options).unwrap();
    let error = registry.repository("app").resolve("v1").await.unwrap_err();
    let transport = error.store_error::<Error>().unwrap().transport();
    assert!(transport.is_some(), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_token_server_in_trouble_is_asked_again() {
    let busy = Answer::new(429).header("retry-after", "0");
    for fault in
        [Fault::status(503), Fault::answer(busy), Fault::close(), Fault::reset(), Fault::lose_answer()]
    {
        let access = Access::bearer("alice", "wonderland").anybody_may("pull", "*");
        let registry = TestRegistry::builder().access(access).start().await;
        let node = registry.content("app").insert_artifact("a/b", &[]);
        registry.content("app").tag("v1", &node);
        registry.on("GET,POST", "/token").times(2).then(fault);
        assert_eq!(app(&registry).resolve("v1").await.unwrap(), node);
        assert_eq!(registry.count("GET /token*"), 3, "{:#?}", registry.lines());
    }
}
