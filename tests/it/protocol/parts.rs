//! One large blob over several connections (wire.md §3.4).

use std::{sync::Arc, time::Duration};

use oras::{
    content::Source as _,
    oci::Descriptor,
    registry::{Options, Repository},
};

use super::setup::{app_with, bytes, read};
use crate::support::{Fault, Gate, TestRegistry};

const BLOB: &str = "/v2/app/blobs/*";
const SIZE: usize = 1_000_000;
const PART: u64 = 100_000;

/// Parts are called for as soon as a stream is seen to be waited for.
fn divided(options: &mut Options) {
    options.parts.least = 300_000;
    options.parts.size = PART;
    options.parts.after = Duration::from_millis(5);
    options.parts.slow = 1;
    options.parts.fast = u64::MAX;
}

/// A registry with a blob whose first answer comes slowly.
async fn slow() -> (TestRegistry, Repository, Descriptor, Vec<u8>) {
    let registry = TestRegistry::start().await;
    let content = bytes(SIZE);
    let blob = registry.content("app").insert_blob("a/b", content.clone());
    registry.on("GET", BLOB).then(Fault::drip(1000, Duration::from_millis(1)));
    let repository = app_with(&registry, divided);
    (registry, repository, blob, content)
}

fn ranges(registry: &TestRegistry) -> Vec<(u64, u64)> {
    let range = |text: &str| {
        let (start, end) = text.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        (start.parse().unwrap(), end.parse().unwrap())
    };
    registry.requests().iter().filter_map(|request| request.header("range").map(range)).collect()
}

#[tokio::test]
async fn a_blob_that_is_waited_for_is_read_over_several_connections() {
    let (registry, repository, blob, content) = slow().await;
    let gate = Gate::new();
    registry.on("GET", BLOB).always().then(Fault::stall_after(10, &gate));
    let repository = Arc::new(repository);
    let reading = tokio::spawn({
        let (repository, blob) = (repository.clone(), blob.clone());
        async move { read(&repository, &blob).await }
    });
    // With the stream that it began with these are four.
    gate.reached_by(3).await;
    assert_eq!(registry.requests().len(), 4);
    gate.open();
    assert_eq!(reading.await.unwrap().unwrap(), content);
    let mut ranges = ranges(&registry);
    ranges.sort_unstable();
    let first = ranges[0].0;
    assert!(first > 0 && first < SIZE as u64 - PART, "{first}");
    for (number, (start, end)) in ranges.iter().enumerate() {
        let expected = first + number as u64 * PART;
        assert_eq!((*start, *end), (expected, (expected + PART).min(SIZE as u64) - 1));
    }
    assert_eq!(ranges.last().unwrap().1, SIZE as u64 - 1);
}

#[tokio::test]
async fn only_one_blob_at_a_time_is_divided_and_none_if_nobody_wants_that() {
    let (registry, repository, blob, content) = slow().await;
    let gate = Gate::new();
    registry.on("GET", BLOB).after(1).always().then(Fault::stall_after(10, &gate));
    let other = registry.content("app").insert_blob("a/b", bytes(SIZE + 1));
    let reading = {
        let (repository, blob) = (repository.clone(), blob.clone());
        tokio::spawn(async move { read(&repository, &blob).await })
    };
    gate.reached_by(3).await;
    registry.heal();
    registry.on("GET", BLOB).always().then(Fault::drip(100_000, Duration::from_millis(2)));
    assert_eq!(read(&repository, &other).await.unwrap(), bytes(SIZE + 1));
    assert_eq!(registry.count(&format!("GET /v2/app/blobs/{}*", other.digest)), 1);
    gate.open();
    assert_eq!(reading.await.unwrap().unwrap(), content);

    let alone = app_with(&registry, |options| {
        divided(options);
        options.parts.at_once = 1;
    });
    registry.forget_requests();
    assert_eq!(read(&alone, &other).await.unwrap(), bytes(SIZE + 1));
    assert_eq!(registry.requests().len(), 1);
}

#[tokio::test]
async fn a_part_that_breaks_is_continued_and_what_cannot_be_had_in_parts_is_read_in_one_stream() {
    let gone = || Fault::error(404, "BLOB_UNKNOWN", "gone");
    let busy = || Fault::status(400);
    let other = || Fault::header("content-range", "bytes 0-99999/1000000");
    for (number, (after, fault)) in
        [(2, Fault::close_after(5000)), (1, gone()), (3, gone()), (2, busy()), (1, other()), (3, other())]
            .into_iter()
            .enumerate()
    {
        let (registry, repository, blob, content) = slow().await;
        registry.on("GET", BLOB).after(after - 1).then(fault);
        assert_eq!(read(&repository, &blob).await.unwrap(), content, "{number}");
        assert!(registry.requests().len() > after, "{number}");
    }
}

#[tokio::test]
async fn a_registry_without_ranges_is_asked_for_one_part_and_not_for_more() {
    let registry = TestRegistry::builder().without_ranges().start().await;
    let content = bytes(SIZE);
    let blob = registry.content("app").insert_blob("a/b", content.clone());
    registry.on("GET", BLOB).then(Fault::drip(20_000, Duration::from_millis(1)));
    let repository = app_with(&registry, divided);
    assert_eq!(read(&repository, &blob).await.unwrap(), content);
    assert_eq!(registry.requests().len(), 2);
}

#[tokio::test]
async fn bytes_of_a_part_that_are_wrong_are_found() {
    let (registry, repository, blob, _) = slow().await;
    registry.on("GET", BLOB).after(1).then(Fault::wrong_bytes());
    let error = read(&repository, &blob).await.unwrap_err();
    assert!(matches!(error, oras::content::Error::DigestMismatch { .. }), "{error:?}");
    assert!(repository.exists(&blob).await.unwrap());
}
