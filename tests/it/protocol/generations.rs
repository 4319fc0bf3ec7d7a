//! Registries and manifests of all generations: the four ways to list referrers, copies between them,
//! and what is deleted with a referrer.

use std::{
    sync::{Arc, Mutex},
    time::SystemTime,
};

use oras::{
    content::{Memory, Source, Target},
    oci::{Annotations, Descriptor, Digest, media_type},
    ops::{self, pack::Form},
    progress::Silent,
    registry::{Access, Options, ReferrersMode, Registry, Repository, Trace, TraceEvent},
};
use serde_json::{Value, json};

use crate::support::{
    Fault, TestRegistry,
    registry::{Content, Referrers},
};

const FORMS: [Form; 4] = [Form::OrasArtifact, Form::Artifact, Form::ImageV1_0, Form::Image];

fn options(access: Access) -> Options {
    let mut options = Options::new(SystemTime::now);
    options.plain_http = true;
    options.access = access;
    options
}

fn open(registry: &TestRegistry, name: &str, options: Options) -> Repository {
    Registry::new(&registry.host(), options).unwrap().repository(name)
}

fn reading(registry: &TestRegistry) -> Repository {
    open(registry, "app", options(Access::Pull))
}

fn writing(registry: &TestRegistry) -> Repository {
    open(registry, "app", options(Access::Push))
}

/// What was said in debug, and what was said to everybody.
#[derive(Default)]
struct Heard {
    details: Mutex<Vec<String>>,
    notices: Mutex<Vec<String>>,
}

impl Trace for Heard {
    fn event(&self, event: &TraceEvent<'_>) {
        match event {
            TraceEvent::Detail(text) => self.details.lock().unwrap().push((*text).to_owned()),
            TraceEvent::Notice(text) => self.notices.lock().unwrap().push((*text).to_owned()),
            _ => {}
        }
    }
}

fn heard_by(registry: &TestRegistry) -> (Repository, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let mut options = options(Access::Pull);
    options.trace = heard.clone();
    (open(registry, "app", options), heard)
}

/// The manifest of an artifact of one file, in the form of a generation.
fn packed(form: Form, subject: Option<&Descriptor>, kind: &str, file: &[u8]) -> ops::pack::Packed {
    let mut layer = Descriptor::of("text/plain", file);
    layer.annotations =
        Annotations::from([("org.opencontainers.image.title".to_owned(), "file.txt".to_owned())]);
    ops::pack::pack(ops::pack::Options {
        form,
        artifact_type: Some(kind.to_owned()),
        subject: subject.map(Descriptor::plain),
        layers: vec![layer],
        created: "2026-11-21T07:18:42Z".to_owned(),
        ..Default::default()
    })
    .unwrap()
}

/// Puts an artifact into a registry, whatever the registry itself would take.
fn put(content: &Content<'_>, form: Form, subject: Option<&Descriptor>, kind: &str) -> Descriptor {
    let packed = packed(form, subject, kind, kind.as_bytes());
    content.insert_blob("text/plain", kind.as_bytes().to_vec());
    for (node, bytes) in packed.blobs {
        content.insert_blob(&node.media_type, bytes);
    }
    content.insert_manifest(&packed.manifest.media_type, packed.bytes)
}

/// An image with two levels of referrers of every generation; returns it and all that is attached.
fn mixed(content: &Content<'_>) -> (Descriptor, Vec<Descriptor>) {
    let root = put(content, Form::Image, None, "root/1");
    let mut attached = Vec::new();
    for (number, form) in FORMS.into_iter().enumerate() {
        let first = put(content, form, Some(&root), &format!("first/{number}"));
        attached.push(put(content, FORMS[(number + 1) % 4], Some(&first), &format!("second/{number}")));
        attached.push(first);
    }
    (root, attached)
}

/// Lists the manifests under the tag of a subject, as a client did that had no API.
fn list_by_tag(content: &Content<'_>, subject: &Descriptor, entries: &[(&Descriptor, &str)]) {
    let entries: Vec<Value> = entries
        .iter()
        .map(|(node, kind)| {
            json!({"mediaType": node.media_type, "digest": node.digest, "size": node.size, "artifactType": kind})
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": entries});
    let index = content.insert_manifest(media_type::IMAGE_INDEX, index.to_string());
    content.tag(&subject.digest.referrers_tag(), &index);
}

fn named(listed: &[Descriptor]) -> Vec<(String, String)> {
    let name = |node: &Descriptor| (node.digest.to_string(), node.artifact_type.clone().unwrap_or_default());
    listed.iter().map(name).collect()
}

fn expected(nodes: &[(&Descriptor, &str)]) -> Vec<(String, String)> {
    nodes.iter().map(|(node, kind)| (node.digest.to_string(), (*kind).to_owned())).collect()
}

/// The manifest of §5.1 that the alpha wrote: only its `Content-Type` says what it is.
const ALPHA_MANIFEST: &str = r#"{"artifactType":"readme/example","blobs":[{"mediaType":"application/markdown","digest":"sha256:2fdeac43552b71eb9db534137714c7bad86b53a93c56ca96d4850c9b41b777fc","size":15,"annotations":{"org.opencontainers.image.title":"readme.md"}}],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"SUBJECT","size":SIZE}}"#;

fn put_alpha(content: &Content<'_>, subject: &Descriptor) -> Descriptor {
    content.insert_blob("application/markdown", "Readme Content\n");
    let text = ALPHA_MANIFEST
        .replace("SUBJECT", &subject.digest.to_string())
        .replace("SIZE", &subject.size.to_string());
    content.insert_manifest(media_type::ORAS_ARTIFACT_MANIFEST, text)
}

#[tokio::test]
async fn section_6_1_the_alpha_api_lists_what_is_attached() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).oras_alpha_api().start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let repository = reading(&registry);
    assert!(repository.referrers(&root, None).await.unwrap().is_empty(), "references: null");
    let readme = put_alpha(&content, &root);
    let sbom = put(&content, Form::OrasArtifact, Some(&root), "sbom/example");
    let all = repository.referrers(&root, None).await.unwrap();
    assert_eq!(named(&all), expected(&[(&readme, "readme/example"), (&sbom, "sbom/example")]));
    let sboms = repository.referrers(&root, Some("sbom/example")).await.unwrap();
    assert_eq!(named(&sboms), expected(&[(&sbom, "sbom/example")]));
    assert_eq!(
        registry.count("GET /oras/artifacts/v1/app/manifests/*/referrers?artifactType=sbom%2Fexample 200"),
        1
    );
}

#[tokio::test]
async fn section_6_2_the_extension_api_lists_page_by_page() {
    let builder = TestRegistry::builder().referrers(Referrers::Off).oras_extension_api();
    let registry = builder.referrers_page_size(3).start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let repository = reading(&registry);
    assert!(repository.referrers(&root, None).await.unwrap().is_empty());
    let kinds: Vec<String> = (0..8).map(|number| format!("kind/{number}")).collect();
    let nodes: Vec<_> =
        kinds.iter().map(|kind| put(&content, Form::OrasArtifact, Some(&root), kind)).collect();
    registry.forget_requests();
    let all = repository.referrers(&root, None).await.unwrap();
    let pairs: Vec<_> = nodes.iter().zip(kinds.iter().map(String::as_str)).collect();
    assert_eq!(named(&all), expected(&pairs));
    assert_eq!(registry.count("GET /v2/app/_oras/artifacts/referrers?* 200"), 3);
    let one = repository.referrers(&root, Some("kind/7")).await.unwrap();
    assert_eq!(named(&one), expected(&[(&nodes[7], "kind/7")]));
    assert_eq!(registry.count("GET /oras/*"), 0, "the older of the two APIs is not asked");
}

#[tokio::test]
async fn section_6_2_another_version_of_the_extension_is_no_extension() {
    let builder = TestRegistry::builder().referrers(Referrers::Off).oras_extension_api().oras_alpha_api();
    let registry = builder.start().await;
    registry.on("GET", "/v2/app/_oras/*").always().then(Fault::header("oras-api-version", "oras/2.0"));
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let sbom = put(&content, Form::OrasArtifact, Some(&root), "sbom/example");
    let listed = reading(&registry).referrers(&root, None).await.unwrap();
    assert_eq!(named(&listed), expected(&[(&sbom, "sbom/example")]));
    assert_eq!(registry.count("GET /oras/artifacts/v1/* 200"), 1);
}

#[tokio::test]
async fn section_6_5_an_older_api_that_misbehaves_fails_nothing_and_is_not_asked_again() {
    let faults = [
        Fault::status(500),
        Fault::status(401),
        Fault::status(301),
        Fault::close(),
        Fault::body("<html>welcome</html>"),
        Fault::body("{}"),
        Fault::body(r#"{"referrers":{}}"#),
        Fault::redirect(302, "http://localhost:1/elsewhere"),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let builder = TestRegistry::builder().referrers(Referrers::Off).oras_extension_api().oras_alpha_api();
        let registry = builder.start().await;
        registry.on("GET", "/v2/app/_oras/*").always().then(fault.clone());
        registry.on("GET", "/oras/*").always().then(fault);
        let content = registry.content("app");
        let root = put(&content, Form::Image, None, "root/1");
        let sbom = put(&content, Form::Image, Some(&root), "sbom/example");
        list_by_tag(&content, &root, &[(&sbom, "sbom/example")]);
        let (repository, heard) = heard_by(&registry);
        for _ in 0..3 {
            let listed = repository.referrers(&root, None).await.unwrap();
            assert_eq!(named(&listed), expected(&[(&sbom, "sbom/example")]), "fault {number}");
        }
        assert!(registry.count("GET /v2/app/_oras/*") <= 2, "fault {number}: {:?}", registry.lines());
        assert!(registry.count("GET /oras/*") <= 2, "fault {number}: {:?}", registry.lines());
        assert_eq!(heard.details.lock().unwrap().len(), 2, "fault {number}");
        assert!(heard.notices.lock().unwrap().is_empty(), "fault {number}");
    }
}

#[tokio::test]
async fn section_6_5_an_older_api_that_fails_after_it_has_worked_is_reported() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).oras_extension_api().start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let (repository, heard) = heard_by(&registry);
    repository.referrers(&root, None).await.unwrap();
    registry.on("GET", "/v2/app/_oras/*").always().then(Fault::status(500));
    assert!(repository.referrers(&root, None).await.unwrap().is_empty());
    assert!(heard.notices.lock().unwrap()[0].contains("could not list all referrers"));
}

/// Cross-cutting check 4 of §9: how much a registry without any API costs.
#[tokio::test]
async fn section_9_4_a_registry_without_an_api_is_asked_for_each_of_them_once() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let content = registry.content("app");
    let (root, attached) = mixed(&content);
    let firsts: Vec<_> = attached.iter().skip(1).step_by(2).collect();
    list_by_tag(&content, &root, &firsts.iter().map(|node| (*node, "first/1")).collect::<Vec<_>>());
    let repository: Arc<dyn Source> = Arc::new(reading(&registry));
    let tree =
        ops::discover::discover(repository, root.clone(), &ops::discover::Options::default()).await.unwrap();
    assert_eq!(tree.nodes.len(), 5);
    let mut lines = registry.lines();
    let tag = root.digest.referrers_tag();
    let digest = &root.digest;
    assert_eq!(
        lines.drain(..4).collect::<Vec<_>>(),
        [
            format!("GET /v2/app/referrers/{digest} 404"),
            format!("GET /v2/app/manifests/{tag} 200"),
            format!("GET /v2/app/_oras/artifacts/referrers?digest=sha256%3A{} 404", digest.encoded()),
            format!("GET /oras/artifacts/v1/app/manifests/{digest}/referrers 404"),
        ]
    );
    lines.sort();
    let mut others: Vec<_> = firsts
        .iter()
        .map(|node| format!("GET /v2/app/manifests/{} 404", node.digest.referrers_tag()))
        .collect();
    others.sort();
    assert_eq!(lines, others);
}

#[tokio::test]
async fn section_6_5_step_4_lists_of_several_sources_in_one_repository_are_merged() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).oras_extension_api().start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let old = put(&content, Form::OrasArtifact, Some(&root), "sbom/example");
    let both = put(&content, Form::OrasArtifact, Some(&root), "both/example");
    let new = put(&content, Form::Image, Some(&root), "sbom/example");
    list_by_tag(&content, &root, &[(&new, "sbom/example"), (&both, "both/example")]);
    let repository = reading(&registry);
    let all = repository.referrers(&root, None).await.unwrap();
    assert_eq!(
        named(&all),
        expected(&[(&old, "sbom/example"), (&both, "both/example"), (&new, "sbom/example")])
    );
    let sboms = repository.referrers(&root, Some("sbom/example")).await.unwrap();
    assert_eq!(named(&sboms), expected(&[(&old, "sbom/example"), (&new, "sbom/example")]));
}

#[tokio::test]
async fn section_6_5_step_1_the_distribution_spec_flag_chooses_one_way() {
    let builder = TestRegistry::builder().referrers(Referrers::Off).oras_extension_api().oras_alpha_api();
    let registry = builder.start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    put(&content, Form::OrasArtifact, Some(&root), "sbom/example");
    let mut tag = options(Access::Pull);
    tag.referrers = ReferrersMode::Tag;
    assert!(open(&registry, "app", tag).referrers(&root, None).await.unwrap().is_empty());
    let mut api = options(Access::Pull);
    api.referrers = ReferrersMode::Api;
    assert!(open(&registry, "app", api).referrers(&root, None).await.is_err());
    assert_eq!(registry.count("GET *_oras*") + registry.count("GET /oras/*"), 0);
}

/// Filter traps: cross-cutting check 5 of §9.
#[tokio::test]
async fn section_6_5_step_5_types_that_a_release_candidate_lost_are_found_again() {
    let registry = TestRegistry::builder().referrers(Referrers::ReleaseCandidate).start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let artifact = put(&content, Form::Artifact, Some(&root), "sbom/example");
    let typed_by_config = put(&content, Form::ImageV1_0, Some(&root), "sbom/example");
    let image = put(&content, Form::Image, Some(&root), "sbom/example");
    let other = put(&content, Form::Image, Some(&root), "readme/example");
    let sboms = [(&artifact, "sbom/example"), (&typed_by_config, "sbom/example"), (&image, "sbom/example")];

    let all = reading(&registry).referrers(&root, None).await.unwrap();
    assert_eq!(named(&all), expected(&[sboms[0], sboms[1], sboms[2], (&other, "readme/example")]));
    let filtered = reading(&registry).referrers(&root, Some("sbom/example")).await.unwrap();
    assert_eq!(named(&filtered), expected(&sboms));
    let empty = reading(&registry).referrers(&root, Some(media_type::EMPTY)).await.unwrap();
    assert!(empty.is_empty(), "{empty:?}");
}

#[tokio::test]
async fn section_6_5_step_5_a_release_candidate_is_asked_to_filter_only_once() {
    let registry = TestRegistry::builder().referrers(Referrers::ReleaseCandidate).start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    put(&content, Form::Image, Some(&root), "sbom/example");
    let repository = reading(&registry);
    for _ in 0..3 {
        assert_eq!(repository.referrers(&root, Some("sbom/example")).await.unwrap().len(), 1);
    }
    assert_eq!(registry.count("GET /v2/app/referrers/*?artifactType=*"), 1);
    assert_eq!(registry.count("GET /v2/app/manifests/*"), 1, "a manifest is read once");
}

#[tokio::test]
async fn section_6_5_step_5_costs_nothing_where_types_are_right() {
    let registry = TestRegistry::start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    for form in FORMS {
        put(&content, form, Some(&root), "sbom/example");
    }
    let repository = reading(&registry);
    assert_eq!(repository.referrers(&root, None).await.unwrap().len(), 4);
    assert_eq!(repository.referrers(&root, Some("sbom/example")).await.unwrap().len(), 4);
    assert_eq!(registry.requests().len(), 2, "{:?}", registry.lines());
}

/// Some registries store manifests of earlier generations without knowing them: their lists have no types.
#[tokio::test]
async fn section_6_5_step_5_types_that_a_registry_does_not_list_are_read_from_the_manifests() {
    let registry = TestRegistry::start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let nodes = FORMS.map(|form| put(&content, form, Some(&root), "sbom/example"));
    let other = put(&content, Form::OrasArtifact, Some(&root), "readme/example");
    let entry =
        |node: &Descriptor| json!({"mediaType": node.media_type, "digest": node.digest, "size": node.size});
    let entries: Vec<_> = nodes.iter().chain([&other]).map(entry).collect();
    let index = json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": entries});
    registry.on("GET", "/v2/app/referrers/*").always().then(Fault::body(index.to_string()));
    let sboms: Vec<_> = nodes.iter().map(|node| (node, "sbom/example")).collect();
    let filtered = reading(&registry).referrers(&root, Some("sbom/example")).await.unwrap();
    assert_eq!(named(&filtered), expected(&sboms));
    let all = reading(&registry).referrers(&root, None).await.unwrap();
    assert_eq!(named(&all), expected(&[&sboms[..], &[(&other, "readme/example")]].concat()));
}

#[tokio::test]
async fn section_6_3_a_release_candidate_lists_page_by_page_and_may_list_null() {
    let builder = TestRegistry::builder().referrers(Referrers::ReleaseCandidate);
    let registry = builder.referrers_page_size(2).start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let index = json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": null});
    registry.on("GET", "/v2/app/referrers/*").then(Fault::body(index.to_string()));
    let repository = reading(&registry);
    assert!(repository.referrers(&root, None).await.unwrap().is_empty());
    let nodes: Vec<_> =
        (0..5).map(|number| put(&content, Form::Artifact, Some(&root), &format!("a/{number}"))).collect();
    let listed = repository.referrers(&root, None).await.unwrap();
    let digests =
        |nodes: &[Descriptor]| nodes.iter().map(|node| node.digest.clone()).collect::<Vec<Digest>>();
    assert_eq!(digests(&listed), digests(&nodes));
    assert_eq!(registry.count("GET /v2/app/referrers/*"), 4);
}

#[tokio::test]
async fn section_6_3_a_repository_that_is_unknown_is_an_error_rather_than_a_missing_api() {
    let registry = TestRegistry::start().await;
    registry.on("GET", "/v2/app/referrers/*").then(Fault::error(
        404,
        "NAME_UNKNOWN",
        "repository name not known",
    ));
    let root = Descriptor::of(media_type::IMAGE_MANIFEST, b"{}");
    assert!(reading(&registry).referrers(&root, None).await.is_err());
    assert_eq!(registry.requests().len(), 1);
}

/// Bad input: a list names something that is attached to something else.
#[tokio::test]
async fn a_listed_manifest_with_another_subject_is_ignored_and_said_in_debug() {
    let registry = TestRegistry::builder().referrers(Referrers::ReleaseCandidate).start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let other = put(&content, Form::Image, None, "other/1");
    let right = put(&content, Form::Image, Some(&root), "sbom/example");
    let foreign = put(&content, Form::Image, Some(&other), "sbom/example");
    let entries = [&right, &foreign, &other].map(|node| {
        json!({"mediaType": node.media_type, "digest": node.digest, "size": node.size, "artifactType": media_type::EMPTY})
    });
    let index = json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": entries});
    registry.on("GET", "/v2/app/referrers/*").then(Fault::body(index.to_string()));
    let (repository, heard) = heard_by(&registry);
    let listed = repository.referrers(&root, None).await.unwrap();
    assert_eq!(named(&listed), expected(&[(&right, "sbom/example")]));
    let details = heard.details.lock().unwrap();
    let said = |node: &Descriptor| details.iter().any(|line| line.contains(&node.digest.to_string()));
    assert!(details.len() == 2 && said(&foreign) && said(&other), "{details:?}");
}

/// §7: from each generation of registry to one with the API and one without, everything that is attached
/// comes along.
#[tokio::test]
async fn section_7_a_recursive_copy_takes_everything_from_a_registry_of_any_generation() {
    let sources = [
        TestRegistry::builder().referrers(Referrers::Off).oras_alpha_api(),
        TestRegistry::builder().referrers(Referrers::Off).oras_extension_api(),
        TestRegistry::builder().referrers(Referrers::ReleaseCandidate),
        TestRegistry::builder(),
        TestRegistry::builder().referrers(Referrers::Off),
    ];
    let mut running = tokio::task::JoinSet::new();
    for source in sources {
        for target in [Referrers::Api, Referrers::Off] {
            let source = source.clone();
            running.spawn(async move { copy_mixed(source.start().await, target).await });
        }
    }
    running.join_all().await;
}

async fn copy_mixed(source: TestRegistry, referrers: Referrers) {
    let content = source.content("app");
    let (root, attached) = mixed(&content);
    content.tag("v1", &root);
    list_all_by_tag(&content, &root, &attached);
    let target = TestRegistry::builder().referrers(referrers).start().await;
    let options = ops::copy::Options { recursive: true, tag: Some("v1".to_owned()), ..Default::default() };
    let (reader, writer) = (Arc::new(reading(&source)), Arc::new(writing(&target)));
    let copied = ops::copy::copy(reader, writer, "v1", options, Arc::new(Silent)).await.unwrap();
    assert_eq!(copied.digest, root.digest);
    assert_eq!(target.content("app").tagged("v1"), Some(root.digest.to_string()));
    let repository: Arc<dyn Source> = Arc::new(reading(&target));
    let tree = ops::discover::discover(repository, copied, &Default::default()).await.unwrap();
    let mut found: Vec<_> = tree.nodes[1..].iter().map(|node| node.descriptor.digest.to_string()).collect();
    let mut wanted: Vec<_> = attached.iter().map(|node| node.digest.to_string()).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

/// What has no API lists by tag all that it cannot list otherwise.
fn list_all_by_tag(content: &Content<'_>, root: &Descriptor, attached: &[Descriptor]) {
    let firsts: Vec<_> = attached.iter().skip(1).step_by(2).map(|node| (node, "first/1")).collect();
    list_by_tag(content, root, &firsts);
    for pair in attached.chunks(2) {
        list_by_tag(content, &pair[1], &[(&pair[0], "second/1")]);
    }
}

#[tokio::test]
async fn section_7_a_registry_that_refuses_a_manifest_type_fails_the_copy_in_its_own_words() {
    let source = TestRegistry::builder().referrers(Referrers::Off).oras_extension_api().start().await;
    let content = source.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    content.tag("v1", &root);
    put(&content, Form::OrasArtifact, Some(&root), "sbom/example");
    let target = TestRegistry::builder().refuses_type(media_type::ORAS_ARTIFACT_MANIFEST).start().await;
    let options = ops::copy::Options { recursive: true, tag: Some("v1".to_owned()), ..Default::default() };
    let (reader, writer) = (Arc::new(reading(&source)), Arc::new(writing(&target)));
    let error = ops::copy::copy(reader, writer, "v1", options, Arc::new(Silent)).await.unwrap_err();
    let mut causes = std::iter::successors(Some(&error as &dyn std::error::Error), |cause| cause.source());
    assert!(causes.any(|cause| cause.to_string().contains("the type is not allowed here")), "{error:?}");
    assert_eq!(target.content("app").tagged("v1"), None);
}

/// S0-11 and S3-8: artifact manifests are read as manifests, and with the type that only the header says.
#[tokio::test]
async fn section_7_files_of_every_generation_are_pulled_from_a_registry() {
    let registry = TestRegistry::start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let mut nodes: Vec<_> =
        FORMS.into_iter().map(|form| put(&content, form, Some(&root), "sbom/example")).collect();
    nodes.push(put_alpha(&content, &root));
    for node in nodes {
        let target = Arc::new(Memory::new());
        let source = Arc::new(reading(&registry));
        let reference = node.digest.to_string();
        let outcome =
            ops::pull::pull(source, target, &reference, Default::default(), Arc::new(Silent)).await.unwrap();
        assert_eq!(outcome.files.len(), 1, "{}", node.media_type);
        assert!(!outcome.has_unnamed, "{}", node.media_type);
    }
    assert_eq!(registry.count("GET /v2/app/blobs/* 404"), 0);
}

#[tokio::test]
async fn section_7_a_single_referrer_brings_its_subject_along() {
    let source = TestRegistry::start().await;
    let content = source.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    for form in FORMS {
        let node = put(&content, form, Some(&root), "sbom/example");
        let target = TestRegistry::builder().referrers(Referrers::Off).start().await;
        let (reader, writer) = (Arc::new(reading(&source)), Arc::new(writing(&target)));
        let reference = node.digest.to_string();
        ops::copy::copy(reader, writer, &reference, Default::default(), Arc::new(Silent)).await.unwrap();
        let content = target.content("app");
        assert!(content.manifest(&root.digest).is_some(), "{form:?}");
        assert_eq!(content.referrers_by_tag(&root), [node.digest.to_string()], "{form:?}");
    }
}

#[tokio::test]
async fn section_7_deleting_a_referrer_takes_it_off_the_list_of_its_subject_and_nothing_else() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).oras_extension_api().start().await;
    let content = registry.content("app");
    let (root, attached) = mixed(&content);
    let firsts: Vec<_> = attached.iter().skip(1).step_by(2).collect();
    list_by_tag(&content, &root, &firsts.iter().map(|node| (*node, "first/1")).collect::<Vec<_>>());
    let repository = open(&registry, "app", options(Access::Delete));
    for (number, node) in firsts.iter().enumerate() {
        repository.delete(node).await.unwrap();
        let left: Vec<_> = firsts[number + 1..].iter().map(|node| node.digest.to_string()).collect();
        assert_eq!(content.referrers_by_tag(&root), left);
        assert!(content.manifest(&node.digest).is_none());
    }
    assert!(content.manifest(&root.digest).is_some(), "the subject stays");
    for second in attached.iter().step_by(2) {
        assert!(content.manifest(&second.digest).is_some(), "what was attached stays");
    }
}

#[tokio::test]
async fn section_7_deleting_a_subject_leaves_its_referrers_and_their_list() {
    let registry = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    let sbom = put(&content, Form::Image, Some(&root), "sbom/example");
    list_by_tag(&content, &root, &[(&sbom, "sbom/example")]);
    open(&registry, "app", options(Access::Delete)).delete(&root).await.unwrap();
    assert!(content.manifest(&root.digest).is_none());
    assert_eq!(content.referrers_by_tag(&root), [sbom.digest.to_string()]);
    put(&content, Form::Image, None, "root/1");
    let listed = reading(&registry).referrers(&root, None).await.unwrap();
    assert_eq!(
        named(&listed),
        expected(&[(&sbom, "sbom/example")]),
        "pushed again, it has its referrers again"
    );
}

/// A chain of referrers as deep as §7 asks for, listed and copied by real requests.
#[tokio::test]
async fn a_chain_of_a_thousand_referrers_is_discovered_and_copied() {
    let source = TestRegistry::builder().referrers(Referrers::Off).start().await;
    let content = source.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    content.tag("v1", &root);
    let mut last = root.clone();
    for number in 0..1000 {
        let next = put(&content, FORMS[number % 4], Some(&last), "link/1");
        list_by_tag(&content, &last, &[(&next, "link/1")]);
        last = next;
    }
    let repository: Arc<dyn Source> = Arc::new(reading(&source));
    let tree = ops::discover::discover(repository.clone(), root, &Default::default()).await.unwrap();
    assert_eq!(tree.nodes.len(), 1001);
    let target = Arc::new(Memory::new());
    let options = ops::copy::Options { recursive: true, ..Default::default() };
    ops::copy::copy(repository, target.clone(), "v1", options, Arc::new(Silent)).await.unwrap();
    assert!(target.exists(&last).await.unwrap());
}

/// Lists that lead in a circle end, and show each node with its referrers once.
#[tokio::test]
async fn a_circle_of_referrers_ends() {
    let registry = TestRegistry::start().await;
    let content = registry.content("app");
    let root = put(&content, Form::Image, None, "root/1");
    content.tag("v1", &root);
    let sbom = put(&content, Form::Artifact, Some(&root), "sbom/example");
    let entry = |node: &Descriptor| json!({"mediaType": node.media_type, "digest": node.digest, "size": node.size, "artifactType": "x/y"});
    let index = json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": [entry(&root), entry(&sbom)]});
    registry.on("GET", "/v2/app/referrers/*").always().then(Fault::body(index.to_string()));
    let repository: Arc<dyn Source> = Arc::new(reading(&registry));
    let tree = ops::discover::discover(repository.clone(), root.clone(), &Default::default()).await.unwrap();
    assert!(tree.nodes.len() < 10, "{tree:?}");
    let target = Arc::new(Memory::new());
    let options = ops::copy::Options { recursive: true, tag: Some("v1".to_owned()), ..Default::default() };
    ops::copy::copy(repository, target.clone(), "v1", options, Arc::new(Silent)).await.unwrap();
    assert!(target.exists(&root).await.unwrap() && target.exists(&sbom).await.unwrap());
}
