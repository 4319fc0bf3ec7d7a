//! Registries that send more than anybody asked for.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use oras::{
    content::{Memory, Source},
    oci::{Descriptor, media_type},
    ops,
    progress::Silent,
};
use serde_json::json;

use super::setup::{app, chain};
use crate::support::{
    Fault, TestRegistry,
    registry::{Answer, Request},
};

/// What a request for a page says of its number.
fn number(request: &Request) -> u32 {
    request.parameter("p").map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn ever_new_tags_are_not_read_for_ever() {
    let registry = TestRegistry::start().await;
    let long = "t".repeat(8_000_000);
    registry.on("GET", "/v2/app/tags/list*").always().then(Fault::edit(move |request, answer| {
        let number = number(request);
        *answer = Answer::json(200, &json!({"name": "app", "tags": [format!("{number}{long}")]}))
            .header("link", format!("</v2/app/tags/list?p={}>; rel=next", number + 1));
    }));
    let failed = app(&registry).tags(None).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(chain(&failed).contains("the list is too long"), "{failed:?}");
    assert!(registry.lines().len() < 20);
}

#[tokio::test]
async fn ever_new_pages_of_referrers_are_not_read_for_ever() {
    let registry = TestRegistry::start().await;
    let content = registry.content("app");
    let root = content.insert_artifact("a/b", &[]);
    let entry = |number: u32| {
        let node = Descriptor::of(media_type::IMAGE_MANIFEST, &number.to_be_bytes());
        json!({"mediaType": node.media_type, "digest": node.digest, "size": 4, "annotations": {"x": "y".repeat(4_000_000)}})
    };
    registry.on("GET", "/v2/app/referrers/*").always().then(Fault::edit(move |request, answer| {
        let number = number(request);
        let index =
            json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": [entry(number)]});
        let link = format!("<{}?p={}>; rel=next", request.path, number + 1);
        *answer =
            Answer::json(200, &index).header("content-type", media_type::IMAGE_INDEX).header("link", link);
    }));
    let failed = app(&registry).referrers(&root, None).await.unwrap_err();
    assert!(chain(&failed).contains("the list of referrers is too long"), "{failed:?}");
    assert!(registry.lines().len() < 20);
}

/// No answer is read to an end that it does not have.
#[tokio::test]
async fn answers_without_an_end_are_given_up() {
    let registry = TestRegistry::start().await;
    let content = registry.content("app");
    let node = content.insert_artifact("a/b", &[("hi.txt", b"hi")]);
    content.tag("v1", &node);
    let repository = Arc::new(app(&registry));
    let layer = Descriptor::of(media_type::LAYER_TAR, b"hi");
    for path in ["/v2/app/manifests/*", "/v2/app/blobs/*", "/v2/app/tags/list*", "/v2/app/referrers/*"] {
        registry.on("GET", path).always().then(Fault::endless());
    }
    assert!(repository.fetch_manifest("v1").await.is_err());
    assert!(repository.fetch_bytes(&node).await.is_err());
    let blob: Result<Vec<_>, _> = match repository.fetch(&layer).await {
        Ok(stream) => stream.try_collect().await,
        Err(error) => Err(error),
    };
    assert!(blob.is_err());
    assert!(repository.tags(None).try_collect::<Vec<_>>().await.is_err());
    assert!(repository.referrers(&node, None).await.is_err());
    registry.heal();
    // Nor is the body of an error.
    let refusal = Fault::endless().and_edit(|_, answer| answer.status = 403.try_into().unwrap());
    registry.on("*", "*").always().then(refusal);
    let failed = repository.fetch_manifest("v1").await.unwrap_err();
    assert!(chain(&failed).contains("403"), "{failed:?}");
}

/// Four megabytes of brackets are neither read nor followed.
#[tokio::test]
async fn documents_that_nest_without_end_are_no_trouble() {
    let registry = TestRegistry::start().await;
    let content = registry.content("app");
    let nested = ["[".repeat(2_000_000), "]".repeat(2_000_000)].concat();
    let config = json!(Descriptor::empty());
    let unknown = format!(r#"{{"config":{config},"layers":[],"x":{nested}}}"#);
    let known = format!(r#"{{"config":{config},"layers":{nested}}}"#);
    content.insert_blob(media_type::EMPTY, "{}");
    for (tag, manifest, is_good) in [("unknown", unknown, true), ("known", known, false)] {
        content.tag(tag, &content.insert_manifest(media_type::IMAGE_MANIFEST, manifest));
        let options = ops::copy::Options { tag: Some("v1".to_owned()), ..Default::default() };
        let (source, target) = (Arc::new(app(&registry)), Arc::new(Memory::new()));
        let copied = ops::copy::copy(source, target, tag, options, Arc::new(Silent)).await;
        // What nobody looks at is passed on as it is.
        assert_eq!(copied.is_ok(), is_good, "{copied:?}");
    }
    for path in ["/v2/app/tags/list*", "/v2/app/referrers/*", "/v2/app/blobs/*"] {
        registry.on("GET", path).always().then(Fault::body(nested.clone()));
    }
    let node = Descriptor::of(media_type::IMAGE_MANIFEST, b"x");
    assert!(app(&registry).tags(None).try_collect::<Vec<_>>().await.is_err());
    assert!(app(&registry).referrers(&node, None).await.is_err());
    registry
        .on("GET", "/v2/app/manifests/*")
        .always()
        .then(Fault::answer(Answer::new(403).header("content-type", "application/json").body(nested)));
    assert!(app(&registry).fetch_manifest("v1").await.is_err());
}
