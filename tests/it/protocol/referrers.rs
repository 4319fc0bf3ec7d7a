//! Referrers, by the API and by the tag schema (wire.md §8).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use oras::{
    content::{Body, Source as _, Target as _},
    oci::{Annotations, Descriptor, Digest, ImageManifest, media_type},
    registry::{Error, ReferrersMode, Repository},
};

use super::setup::{Listener, app, app_with, chain};
use crate::support::{
    Fault, TestRegistry,
    registry::{Answer, Referrers},
};

/// A manifest that is attached to a subject.
fn referrer(subject: &Descriptor, kind: &str, note: &str) -> (Descriptor, Bytes) {
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: media_type::IMAGE_MANIFEST.to_owned(),
        artifact_type: Some(kind.to_owned()),
        config: Descriptor::empty(),
        layers: vec![Descriptor::empty()],
        subject: Some(subject.plain()),
        annotations: Annotations::from([("note".to_owned(), note.to_owned())]),
    };
    let bytes = manifest.to_bytes();
    (Descriptor::of(media_type::IMAGE_MANIFEST, &bytes), bytes.into())
}

async fn attach(repository: &Repository, subject: &Descriptor, kind: &str, note: &str) -> Descriptor {
    let (node, bytes) = referrer(subject, kind, note);
    repository.push(&node, Body::from(bytes)).await.unwrap();
    repository.flush().await.unwrap();
    node
}

fn subject(registry: &TestRegistry) -> Descriptor {
    registry.content("app").insert_artifact("a/b", &[])
}

fn digests(listed: &[Descriptor]) -> Vec<&Digest> {
    listed.iter().map(|node| &node.digest).collect()
}

#[tokio::test]
async fn a_registry_that_takes_note_of_a_subject_needs_no_tag() {
    let registry = TestRegistry::start().await;
    let subject = subject(&registry);
    let repository = app(&registry);
    let node = attach(&repository, &subject, "sig/a", "1").await;
    assert_eq!(registry.lines(), [format!("PUT /v2/app/manifests/{} 201", node.digest)]);
    let listed = repository.referrers(&subject, None).await.unwrap();
    assert_eq!(listed[0].artifact_type.as_deref(), Some("sig/a"));
    assert_eq!(listed[0].annotations["note"], "1");
}

#[tokio::test]
async fn a_registry_that_does_not_say_so_gets_the_tag_even_if_it_has_the_api() {
    for kind in [Referrers::ApiWithoutSubjectHeader, Referrers::ReleaseCandidate, Referrers::Off] {
        let registry = TestRegistry::builder().referrers(kind).start().await;
        let subject = subject(&registry);
        let node = attach(&app(&registry), &subject, "sig/a", "1").await;
        assert_eq!(registry.content("app").referrers_by_tag(&subject), [node.digest.to_string()], "{kind:?}");
    }
    let registry = TestRegistry::start().await;
    let subject = subject(&registry);
    registry.on("PUT", "*").then(Fault::header("oci-subject", &Digest::of(b"x").to_string()));
    attach(&app(&registry), &subject, "sig/a", "1").await;
    assert_eq!(registry.content("app").referrers_by_tag(&subject).len(), 1);
}

#[tokio::test]
async fn a_manifest_without_a_subject_says_nothing_about_the_api() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let subject = subject(&registry);
    let (_, bytes) = registry.content("app").manifest(&subject.digest).unwrap();
    app(&registry).push(&subject, Body::from(bytes)).await.unwrap();
    assert_eq!(registry.lines().len(), 1);
}

#[tokio::test]
async fn the_user_may_insist_on_api_or_tag() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let node = subject(&registry);
    let api = app_with(&registry, |options| options.referrers = ReferrersMode::Api);
    attach(&api, &node, "sig/a", "1").await;
    assert!(registry.content("app").referrers_by_tag(&node).is_empty());
    let error = api.referrers(&node, None).await.unwrap_err();
    assert!(matches!(error.store_error::<Error>(), Some(Error::NoReferrersApi)), "{error}");

    let registry = TestRegistry::start().await;
    let node = subject(&registry);
    let tag = app_with(&registry, |options| options.referrers = ReferrersMode::Tag);
    let attached = attach(&tag, &node, "sig/a", "1").await;
    assert_eq!(digests(&tag.referrers(&node, None).await.unwrap()), [&attached.digest]);
    assert_eq!(registry.count("GET /v2/app/referrers/*"), 0);
}

#[tokio::test]
async fn entries_under_the_tag_say_what_the_manifest_says() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let subject = subject(&registry);
    let repository = app(&registry);
    let first = attach(&repository, &subject, "sig/a", "1").await;
    let second = attach(&repository, &subject, "sig/b", "2").await;
    let again = attach(&app(&registry), &subject, "sig/a", "1").await;
    assert_eq!(again, first);
    let (kind, bytes) = registry.content("app").manifest(&subject.digest.referrers_tag()).unwrap();
    let entry = |node: &Descriptor, kind: &str, note: &str| {
        format!(
            r#"{{"mediaType":"{}","digest":"{}","size":{},"annotations":{{"note":"{note}"}},"artifactType":"{kind}"}}"#,
            node.media_type, node.digest, node.size
        )
    };
    assert_eq!(kind, media_type::IMAGE_INDEX);
    assert_eq!(
        bytes,
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{},{}]}}"#,
            media_type::IMAGE_INDEX,
            entry(&first, "sig/a", "1"),
            entry(&second, "sig/b", "2")
        )
    );
    // The index that was replaced stays: somebody may be reading it.
    assert_eq!(registry.content("app").manifests().len(), 5);
}

#[tokio::test]
async fn attachers_at_once_lose_nothing() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let subject = subject(&registry);
    // Each has a client of its own, as if it were another program.
    let attachers = (0..16).map(|number| {
        let repository = app(&registry);
        let subject = &subject;
        async move { attach(&repository, subject, "sig/a", &number.to_string()).await }
    });
    let mut attached: Vec<_> = join_all(attachers).await.iter().map(|node| node.digest.to_string()).collect();
    let mut listed = registry.content("app").referrers_by_tag(&subject);
    attached.sort();
    listed.sort();
    assert_eq!(listed, attached);
}

#[tokio::test]
async fn attachers_of_one_program_share_their_writes() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let subject = subject(&registry);
    let repository = app(&registry);
    let attachers = (0..16).map(|number| {
        let (repository, subject) = (&repository, &subject);
        async move { attach(repository, subject, "sig/a", &number.to_string()).await }
    });
    join_all(attachers).await;
    assert_eq!(registry.content("app").referrers_by_tag(&subject).len(), 16);
    let writes = registry.count(&format!("PUT /v2/app/manifests/{} 201", subject.digest.referrers_tag()));
    assert!(writes <= 4, "{writes}");
}

#[tokio::test]
async fn a_registry_that_compares_before_it_writes_is_written_once_each() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).enforces_conditions().start().await;
    let subject = subject(&registry);
    let attachers = (0..8).map(|number| {
        let repository = app(&registry);
        let subject = &subject;
        async move { attach(&repository, subject, "sig/a", &number.to_string()).await }
    });
    join_all(attachers).await;
    assert_eq!(registry.content("app").referrers_by_tag(&subject).len(), 8);
    assert_eq!(registry.count(&format!("PUT /v2/app/manifests/{} 201", subject.digest.referrers_tag())), 8);
}

#[tokio::test]
async fn an_entry_that_another_writer_drops_is_put_back_and_one_whose_manifest_is_gone_is_not() {
    for deleted in [false, true] {
        let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
        let subject = subject(&registry);
        let first = attach(&app(&registry), &subject, "sig/a", "1").await;
        // A writer without manners: it knows nothing of the first entry when it writes.
        let tag = format!("/v2/app/manifests/{}", subject.digest.referrers_tag());
        let index =
            serde_json::json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": []});
        let empty = Answer::json(200, &index).header("content-type", media_type::IMAGE_INDEX);
        registry.on("GET", &tag).after(1).then(Fault::answer(empty));
        if deleted {
            registry.content("app").remove_manifest(&first.digest);
        }
        let second = attach(&app(&registry), &subject, "sig/a", "2").await;
        let mut listed = registry.content("app").referrers_by_tag(&subject);
        listed.sort();
        let mut expected = vec![second.digest.to_string()];
        expected.extend((!deleted).then(|| first.digest.to_string()));
        expected.sort();
        assert_eq!(listed, expected, "{deleted}");
    }
}

#[tokio::test]
async fn a_lock_on_this_machine_keeps_writers_apart() {
    let folder = tempfile::tempdir().unwrap();
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let subject = subject(&registry);
    let attachers = (0..8).map(|number| {
        let lock_folder = folder.path().join("locks");
        let repository = app_with(&registry, |options| options.lock_folder = Some(lock_folder));
        let subject = &subject;
        async move { attach(&repository, subject, "sig/a", &number.to_string()).await }
    });
    join_all(attachers).await;
    assert_eq!(registry.content("app").referrers_by_tag(&subject).len(), 8);
    // Nobody had to repair anything.
    assert_eq!(registry.count(&format!("PUT /v2/app/manifests/{} 201", subject.digest.referrers_tag())), 8);
}

#[tokio::test]
async fn what_is_no_list_under_the_tag_is_left_alone() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let subject = subject(&registry);
    registry.content("app").tag(&subject.digest.referrers_tag(), &subject);
    let (node, bytes) = referrer(&subject, "sig/a", "1");
    let repository = app(&registry);
    repository.push(&node, Body::from(bytes)).await.unwrap();
    let error = chain(&repository.flush().await.unwrap_err());
    assert!(error.contains("left alone"), "{error}");
    assert_eq!(
        registry.content("app").tagged(&subject.digest.referrers_tag()),
        Some(subject.digest.to_string())
    );
    // The referrer itself is there; attaching it again repairs the list.
    assert!(registry.content("app").manifest(&node.digest).is_some());
}

#[tokio::test]
async fn a_tag_that_cannot_be_moved_is_an_error() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let subject = subject(&registry);
    let repository = app(&registry);
    attach(&repository, &subject, "sig/a", "1").await;
    let tag = format!("/v2/app/manifests/{}", subject.digest.referrers_tag());
    registry.on("PUT", &tag).always().then(Fault::error(
        400,
        "TAG_IMMUTABLE",
        "the tag cannot be overwritten",
    ));
    let (node, bytes) = referrer(&subject, "sig/a", "2");
    repository.push(&node, Body::from(bytes)).await.unwrap();
    let error = chain(&repository.flush().await.unwrap_err());
    assert!(error.contains("cannot be overwritten"), "{error}");
}

#[tokio::test]
async fn a_deleted_referrer_leaves_the_list_and_the_last_one_takes_the_tag_along() {
    for deletes_tags in [true, false] {
        let builder = TestRegistry::builder().referrers(Referrers::Off);
        let registry =
            if deletes_tags { builder.start().await } else { builder.without_tag_deletes().start().await };
        let subject = subject(&registry);
        let repository = app(&registry);
        let first = attach(&repository, &subject, "sig/a", "1").await;
        let second = attach(&repository, &subject, "sig/a", "2").await;
        repository.delete(&first).await.unwrap();
        assert_eq!(registry.content("app").referrers_by_tag(&subject), [second.digest.to_string()]);
        repository.delete(&second).await.unwrap();
        assert!(registry.content("app").referrers_by_tag(&subject).is_empty());
        let tag = registry.content("app").tagged(&subject.digest.referrers_tag());
        assert_eq!(tag.is_none(), deletes_tags);
    }
}

#[tokio::test]
async fn a_registry_that_keeps_what_a_list_names_is_served_in_the_other_order() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let subject = subject(&registry);
    let repository = app(&registry);
    let first = attach(&repository, &subject, "sig/a", "1").await;
    let path = format!("/v2/app/manifests/{}", first.digest);
    registry.on("DELETE", &path).then(Fault::error(405, "DENIED", "it is listed"));
    repository.delete(&first).await.unwrap();
    assert!(registry.content("app").referrers_by_tag(&subject).is_empty());
    // Where it cannot be deleted at all, it stays in the list.
    let second = attach(&repository, &subject, "sig/a", "2").await;
    let path = format!("/v2/app/manifests/{}", second.digest);
    registry.on("DELETE", &path).always().then(Fault::error(403, "DENIED", "not yours"));
    let error = chain(&repository.delete(&second).await.unwrap_err());
    assert!(error.contains("not yours"), "{error}");
    assert_eq!(registry.content("app").referrers_by_tag(&subject), [second.digest.to_string()]);
}

#[tokio::test]
async fn a_registry_with_the_api_needs_no_upkeep_on_a_deletion() {
    let registry = TestRegistry::start().await;
    let subject = subject(&registry);
    let node = attach(&app(&registry), &subject, "sig/a", "1").await;
    app(&registry).delete(&node).await.unwrap();
    assert_eq!(registry.count("GET /v2/app/referrers/sha256:0000* 200"), 1, "{:?}", registry.lines());
    assert_eq!(registry.count(&format!("* /v2/app/manifests/{}*", subject.digest.referrers_tag())), 0);
}

#[tokio::test]
async fn a_registry_without_the_api_is_asked_once_and_then_for_the_tag() {
    let odd = [
        Fault::status(404),
        Fault::status(400),
        Fault::status(405),
        Fault::status(406),
        Fault::status(501),
        Fault::answer(Answer::new(200).header("content-type", "text/html").body("<html>")),
        Fault::answer(Answer::json(200, &serde_json::json!({}))),
    ];
    for fault in odd {
        let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
        let subject = subject(&registry);
        let node = attach(&app(&registry), &subject, "sig/a", "1").await;
        registry.on("GET", "/v2/app/referrers/*").always().then(fault);
        let repository = app(&registry);
        assert_eq!(digests(&repository.referrers(&subject, None).await.unwrap()), [&node.digest]);
        assert_eq!(digests(&repository.referrers(&subject, Some("sig/a")).await.unwrap()), [&node.digest]);
        assert!(repository.referrers(&subject, Some("sig/b")).await.unwrap().is_empty());
        assert_eq!(registry.count("GET /v2/app/referrers/*"), 1);
    }
}

#[tokio::test]
async fn a_registry_in_trouble_is_not_taken_for_one_without_referrers() {
    let registry = TestRegistry::start().await;
    let subject = subject(&registry);
    for (status, code) in
        [(401, "UNAUTHORIZED"), (403, "DENIED"), (404, "NAME_UNKNOWN"), (503, "UNAVAILABLE")]
    {
        registry.heal();
        registry.on("GET", "/v2/app/referrers/*").always().then(Fault::error(status, code, "no"));
        let repository = app_with(&registry, |options| options.retries.most = 1);
        let error = repository.referrers(&subject, None).await.unwrap_err();
        assert_eq!(error.store_error::<Error>().unwrap().status().unwrap().as_u16(), status);
    }
    assert_eq!(registry.count("GET /v2/app/manifests/*"), 0);
}

#[tokio::test]
async fn what_the_api_lists_is_all_there_is() {
    let registry = TestRegistry::start().await;
    let subject = subject(&registry);
    let repository = app(&registry);
    let node = attach(&repository, &subject, "sig/a", "1").await;
    let tag = app_with(&registry, |options| options.referrers = ReferrersMode::Tag);
    let (other, bytes) = referrer(&subject, "sig/a", "2");
    tag.push(&other, Body::from(bytes)).await.unwrap();
    tag.flush().await.unwrap();
    registry.content("app").remove_manifest(&other.digest);
    assert_eq!(digests(&repository.referrers(&subject, None).await.unwrap()), [&node.digest]);
}

#[tokio::test]
async fn pages_of_referrers_are_put_together_and_filtered_here_too() {
    let registry = TestRegistry::builder().referrers_page_size(2).start().await;
    let subject = subject(&registry);
    let repository = app(&registry);
    let mut attached = Vec::new();
    for number in 0..5 {
        let kind = if number % 2 == 0 { "sig/a+x" } else { "sig/b" };
        attached.push(attach(&repository, &subject, kind, &number.to_string()).await);
    }
    let all: Vec<_> = attached.iter().map(|node| &node.digest).collect();
    let even: Vec<_> = all.iter().step_by(2).copied().collect();
    assert_eq!(digests(&repository.referrers(&subject, None).await.unwrap()), all);
    assert_eq!(digests(&repository.referrers(&subject, Some("sig/a+x")).await.unwrap()), even);
    // A registry that does not know filters sends everything.
    let all = registry.content("app");
    let unfiltered = repository.referrers(&subject, None).await.unwrap();
    let index = serde_json::json!({"manifests": unfiltered});
    let answer = Answer::json(200, &index).header("content-type", media_type::IMAGE_INDEX);
    registry.on("GET", "/v2/app/referrers/*").then(Fault::answer(answer));
    assert_eq!(digests(&repository.referrers(&subject, Some("sig/a+x")).await.unwrap()), even);
    drop(all);
}

#[tokio::test]
async fn a_list_without_entries_may_be_null_and_odd_entries_hide_no_others() {
    let registry = TestRegistry::start().await;
    let subject = subject(&registry);
    let node = attach(&app(&registry), &subject, "sig/a", "1").await;
    let answer = |index: serde_json::Value| {
        Fault::answer(Answer::json(200, &index).header("content-type", media_type::IMAGE_INDEX))
    };
    registry.on("GET", "/v2/app/referrers/*").then(answer(serde_json::json!({"manifests": null})));
    assert!(app(&registry).referrers(&subject, None).await.unwrap().is_empty());
    let entries = serde_json::json!({"manifests": [{"digest": "nonsense"}, node, node, {"size": -1}]});
    registry.on("GET", "/v2/app/referrers/*").then(answer(entries));
    let listener = Listener::new();
    let repository = app_with(&registry, |options| options.trace = listener.clone());
    assert_eq!(digests(&repository.referrers(&subject, None).await.unwrap()), [&node.digest]);
    assert_eq!(listener.heard().iter().filter(|event| event.contains("malformed")).count(), 2);
}

#[tokio::test]
async fn a_server_of_the_time_before_the_specification_is_filtered_by_us() {
    let registry = TestRegistry::builder().referrers(Referrers::ReleaseCandidate).start().await;
    let subject = subject(&registry);
    let node = registry.content("app").insert_referrer(&subject, "sig/a", &[]);
    registry.content("app").insert_referrer(&subject, "sig/b", &[]);
    let listed = app(&registry).referrers(&subject, Some("sig/a")).await.unwrap();
    assert_eq!(digests(&listed), [&node.digest]);
    assert_eq!(listed[0].artifact_type.as_deref(), Some("sig/a"));
}

#[tokio::test]
async fn pages_of_referrers_stay_with_the_registry_and_end() {
    let registry = TestRegistry::start().await;
    let subject = subject(&registry);
    registry
        .on("GET", "/v2/app/referrers/*")
        .then(Fault::header("link", "<http://elsewhere.example/x>; rel=\"next\""));
    let error = chain(&app(&registry).referrers(&subject, None).await.unwrap_err());
    assert!(error.contains("leads to another host"), "{error}");
    registry.forget_requests();
    let own = format!("</v2/app/referrers/{}>; rel=\"next\"", subject.digest);
    registry.on("GET", "/v2/app/referrers/*").always().then(Fault::header("link", &own));
    assert!(app(&registry).referrers(&subject, None).await.unwrap().is_empty());
    assert_eq!(registry.lines().len(), 1);
}

#[tokio::test]
async fn the_same_repository_serves_all_verbs_at_once() {
    let registry = TestRegistry::start().await;
    let subject = subject(&registry);
    let repository: Arc<Repository> = Arc::new(app(&registry));
    let tasks = (0..20).map(|number| {
        let (repository, subject) = (repository.clone(), subject.clone());
        tokio::spawn(async move { attach(&repository, &subject, "sig/a", &number.to_string()).await })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!(repository.referrers(&subject, None).await.unwrap().len(), 20);
}

#[tokio::test]
async fn referrers_that_were_stored_together_are_listed_together() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let (first, repository) = (subject(&registry), app(&registry));
    for number in 0..20 {
        let (node, bytes) = referrer(&first, "sig/a", &number.to_string());
        repository.push(&node, Body::from(bytes)).await.unwrap();
    }
    let (second, bytes) = referrer(&first, "sig/a", "0");
    let (nested, nested_bytes) = referrer(&second, "sig/b", "nested");
    repository.push(&nested, Body::from(nested_bytes)).await.unwrap();
    let tag = format!("/v2/app/manifests/{}", first.digest.referrers_tag());
    assert_eq!(registry.count(&format!("PUT {tag} 201")), 0);
    repository.flush().await.unwrap();
    assert_eq!(registry.content("app").referrers_by_tag(&first).len(), 20);
    assert_eq!(registry.content("app").referrers_by_tag(&second).len(), 1);
    assert_eq!(registry.count(&format!("PUT {tag} 201")), 1);

    // What is listed already costs one look, and nothing is waited for.
    registry.forget_requests();
    assert!(repository.lists_referrers());
    repository.relist(&second, &bytes).await.unwrap();
    repository.flush().await.unwrap();
    assert_eq!(registry.count(&format!("GET {tag} 200")), 1);
    assert_eq!(registry.count("PUT *"), 0);
}

#[tokio::test]
async fn a_registry_that_stumbles_over_a_list_gets_it_again() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let subject = subject(&registry);
    let tag = format!("/v2/app/manifests/{}", subject.digest.referrers_tag());
    registry.on("PUT", &tag).times(4).then(Fault::error(500, "UNKNOWN", "invalid checksum digest format"));
    attach(&app(&registry), &subject, "sig/a", "1").await;
    assert_eq!(registry.content("app").referrers_by_tag(&subject).len(), 1);
    // It ends, too.
    registry.on("PUT", &tag).always().then(Fault::error(500, "UNKNOWN", "invalid checksum digest format"));
    let (node, bytes) = referrer(&subject, "sig/a", "2");
    let repository = app(&registry);
    repository.push(&node, Body::from(bytes)).await.unwrap();
    let error = chain(&repository.flush().await.unwrap_err());
    assert!(error.contains("invalid checksum"), "{error}");
}

#[tokio::test]
async fn a_list_that_took_effect_although_the_server_failed_has_to_settle_too() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let subject = subject(&registry);
    let tag = format!("/v2/app/manifests/{}", subject.digest.referrers_tag());
    let failure = Fault::edit(|_, answer| answer.status = hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let first_and_its_repetitions = 3;
    registry.on("PUT", &tag).times(first_and_its_repetitions).then(failure);
    attach(&app(&registry), &subject, "sig/a", "1").await;
    assert_eq!(registry.content("app").referrers_by_tag(&subject).len(), 1);
    // Once before anything was written, and twice to see that it stays.
    assert_eq!(registry.count(&format!("GET {tag} *")), 3);
}
