//! Lists of tags and repositories (wire.md §7).

use futures_util::{StreamExt as _, TryStreamExt as _};
use oras::{
    content::{self, Source as _},
    registry::Error,
};

use super::setup::{Listener, app, app_with, chain, client_with};
use crate::support::{Fault, TestRegistry, registry::Answer};

async fn tags(registry: &TestRegistry, last: Option<&str>) -> content::Result<Vec<String>> {
    let pages: Vec<Vec<String>> = app(registry).tags(last).try_collect().await?;
    Ok(pages.concat())
}

async fn repositories(registry: &TestRegistry, last: Option<&str>) -> Result<Vec<String>, Error> {
    let client = client_with(registry, |_| {});
    let pages: Vec<Vec<String>> = client.catalog(last).try_collect().await?;
    Ok(pages.concat())
}

fn with_tags(registry: &TestRegistry, tags: &[&str]) {
    let node = registry.content("app").insert_artifact("a/b", &[]);
    for tag in tags {
        registry.content("app").tag(tag, &node);
    }
}

fn page(tags: &serde_json::Value) -> Answer {
    Answer::json(200, &serde_json::json!({"name": "app", "tags": tags}))
}

#[tokio::test]
async fn all_pages_are_read_and_each_is_passed_on_as_it_comes() {
    let registry = TestRegistry::builder().page_size(2).start().await;
    with_tags(&registry, &["a", "b", "c", "d", "e"]);
    let pages: Vec<_> = app(&registry).tags(None).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(pages, [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
    assert_eq!(registry.requests()[0].target, "/v2/app/tags/list?n=1000");
    // Only what is looked at is asked for.
    registry.forget_requests();
    assert_eq!(app(&registry).tags(None).next().await.unwrap().unwrap(), ["a", "b"]);
    assert_eq!(registry.lines().len(), 1);
}

#[tokio::test]
async fn a_list_begins_behind_a_name() {
    let registry = TestRegistry::builder().page_size(2).start().await;
    with_tags(&registry, &["a", "b", "c", "d", "e"]);
    assert_eq!(tags(&registry, Some("b")).await.unwrap(), ["c", "d", "e"]);
    assert_eq!(registry.requests()[0].target, "/v2/app/tags/list?n=1000&last=b");
    assert!(tags(&registry, Some("e")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_registry_that_knows_neither_order_nor_beginning_is_helped() {
    let registry = TestRegistry::start().await;
    registry
        .on("GET", "/v2/app/tags/list*")
        .always()
        .then(Fault::answer(page(&serde_json::json!(["b", "c", "a"]))));
    assert_eq!(tags(&registry, None).await.unwrap(), ["a", "b", "c"]);
    assert_eq!(tags(&registry, Some("a")).await.unwrap(), ["b", "c"]);
}

#[tokio::test]
async fn a_registry_that_refuses_large_pages_is_asked_without_a_size() {
    let registry = TestRegistry::builder().most_per_page(100).start().await;
    with_tags(&registry, &["a"]);
    assert_eq!(tags(&registry, None).await.unwrap(), ["a"]);
    assert_eq!(registry.lines(), ["GET /v2/app/tags/list?n=1000 400", "GET /v2/app/tags/list 200"]);
}

#[tokio::test]
async fn a_registry_that_knows_no_place_behind_an_unknown_tag_is_asked_for_all() {
    let registry = TestRegistry::start().await;
    with_tags(&registry, &["a", "c"]);
    registry.on("GET", "/v2/app/tags/list?*last=*").then(Fault::status(404));
    assert_eq!(tags(&registry, Some("b")).await.unwrap(), ["c"]);
}

#[tokio::test]
async fn no_tags_may_be_null_and_no_repository_is_an_error() {
    let registry = TestRegistry::start().await;
    registry.on("GET", "/v2/app/tags/list*").then(Fault::answer(page(&serde_json::json!(null))));
    assert!(tags(&registry, None).await.unwrap().is_empty());
    let error = tags(&registry, None).await.unwrap_err();
    let list = error.store_error::<Error>().unwrap().response().unwrap().list().unwrap();
    assert!(list.starts_with("name unknown: "), "{list}");
    registry.on("GET", "/v2/app/tags/list*").then(Fault::answer(Answer::json(200, &serde_json::json!([]))));
    assert!(chain(&tags(&registry, None).await.unwrap_err()).contains("not a list"));
}

#[tokio::test]
async fn a_link_may_be_relative_or_absolute_and_keeps_its_query() {
    let registry = TestRegistry::start().await;
    let links = [
        "</v2/app/tags/list?last=a/b&orderby=>; rel=\"next\"".to_owned(),
        "<list?last=a/b&orderby=>; rel=next".to_owned(),
        format!("<{}>; rel=\"next\"", registry.url("/v2/app/tags/list?last=a/b&orderby=")),
    ];
    for link in links {
        registry.forget_requests();
        registry
            .on("GET", "/v2/app/tags/list?n=1000")
            .then(Fault::answer(page(&serde_json::json!(["a"])).header("link", &link)));
        registry.on("GET", "/v2/app/tags/list?last=*").then(Fault::answer(page(&serde_json::json!(["b"]))));
        assert_eq!(tags(&registry, None).await.unwrap(), ["a", "b"], "{link}");
        assert_eq!(registry.requests()[1].target, "/v2/app/tags/list?last=a/b&orderby=");
    }
}

#[tokio::test]
async fn a_link_to_another_host_is_an_error_and_not_followed() {
    let registry = TestRegistry::start().await;
    for link in
        [format!("<{}/x>; rel=next", registry.storage_url()), "<file:///etc/passwd>; rel=next".to_owned()]
    {
        registry.forget_requests();
        registry
            .on("GET", "/v2/app/tags/list*")
            .then(Fault::answer(page(&serde_json::json!(["a"])).header("link", &link)));
        let repository = app(&registry);
        let mut pages = repository.tags(None);
        assert!(pages.next().await.unwrap().is_err());
        assert_eq!(registry.lines().len(), 1);
    }
}

#[tokio::test]
async fn pages_that_lead_nowhere_come_to_an_end() {
    let registry = TestRegistry::start().await;
    let link = "</v2/app/tags/list?n=1000>; rel=next";
    registry
        .on("GET", "/v2/app/tags/list*")
        .always()
        .then(Fault::answer(page(&serde_json::json!(["a"])).header("link", link)));
    let listener = Listener::new();
    let repository = app_with(&registry, |options| options.trace = listener.clone());
    let pages: Vec<_> = repository.tags(None).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(pages.concat(), ["a"]);
    assert!(listener.heard().iter().any(|event| event.contains("circle")));
    // The same page under ever new addresses.
    registry.heal();
    registry.forget_requests();
    registry.on("GET", "/v2/app/tags/list*").always().then(Fault::edit(|request, answer| {
        let count = request.parameter("p").map_or(0, |count| count.parse::<u32>().unwrap());
        let link = format!("</v2/app/tags/list?p={}>; rel=next", count + 1);
        *answer = page(&serde_json::json!(["a"])).header("link", link);
    }));
    assert_eq!(tags(&registry, None).await.unwrap(), ["a"]);
    assert_eq!(registry.lines().len(), 2);
    // Empty pages, each with a link to one more.
    registry.heal();
    registry.forget_requests();
    registry.on("GET", "/v2/app/tags/list*").always().then(Fault::edit(|request, answer| {
        let count = request.parameter("p").map_or(0, |count| count.parse::<u32>().unwrap());
        *answer = page(&serde_json::json!([]))
            .header("link", format!("</v2/app/tags/list?p={}>; rel=next", count + 1));
    }));
    assert!(tags(&registry, None).await.unwrap().is_empty());
    assert_eq!(registry.lines().len(), 2);
}

#[tokio::test]
async fn an_empty_last_page_is_no_error() {
    let registry = TestRegistry::start().await;
    let link = "</v2/app/tags/list?last=b>; rel=next";
    registry
        .on("GET", "/v2/app/tags/list?n=1000")
        .then(Fault::answer(page(&serde_json::json!(["a", "b"])).header("link", link)));
    registry.on("GET", "/v2/app/tags/list?last=b").then(Fault::answer(page(&serde_json::json!([]))));
    assert_eq!(tags(&registry, None).await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn repositories_are_listed_in_the_order_of_the_registry() {
    let registry = TestRegistry::builder().page_size(2).start().await;
    for name in ["c", "a", "b"] {
        registry.content(name).create();
    }
    assert_eq!(repositories(&registry, None).await.unwrap(), ["a", "b", "c"]);
    assert_eq!(repositories(&registry, Some("a")).await.unwrap(), ["b", "c"]);
    let odd = Answer::json(200, &serde_json::json!({"repositories": ["z", "a", "a"]}));
    registry.on("GET", "/v2/_catalog*").then(Fault::answer(odd));
    assert_eq!(repositories(&registry, None).await.unwrap(), ["z", "a", "a"]);
}

#[tokio::test]
async fn a_registry_that_lists_nothing_to_anybody_is_told_apart_from_a_refused_login() {
    let registry = TestRegistry::start().await;
    for status in [404, 405] {
        registry.on("GET", "/v2/_catalog*").then(Fault::status(status));
        let error = repositories(&registry, None).await.unwrap_err();
        assert!(matches!(error, Error::NoCatalog { .. }), "{error}");
    }
    registry.on("GET", "/v2/_catalog*").then(Fault::error(401, "UNAUTHORIZED", "log in"));
    assert!(matches!(repositories(&registry, None).await.unwrap_err(), Error::Response(_)));
}
