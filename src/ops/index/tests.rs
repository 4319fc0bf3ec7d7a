use std::sync::Mutex;

use serde_json::{Value, json};

use super::*;
use crate::{
    content::{Memory, Target as _},
    progress::Silent,
};

const AMD64: &str = r#"{"architecture":"amd64","os":"linux","config":{}}"#;

/// A store with two images, an artifact, and an index of the first image.
struct Fixture {
    store: Memory,
    amd64: Descriptor,
    arm64: Descriptor,
    artifact: Descriptor,
    index: Descriptor,
}

async fn fixture() -> Fixture {
    let store = Memory::new();
    let arm64 = r#"{"architecture":"arm64","os":"linux","os.version":"1.2","variant":"v8"}"#;
    let amd64 = image(&store, media_type::IMAGE_CONFIG, AMD64, &json!({}));
    let arm64 = image(&store, media_type::IMAGE_CONFIG, arm64, &json!({}));
    let artifact =
        image(&store, media_type::EMPTY, "{}", &json!({"artifactType": "a/b", "annotations": {"k": "v"}}));
    for (tag, node) in [("amd64", &amd64), ("arm64", &arm64), ("artifact", &artifact)] {
        store.tag(node, tag).await.unwrap();
    }
    let packed = create(names(&store), &["amd64".to_owned()], &Options::default()).await.unwrap();
    let index = store.insert(media_type::IMAGE_INDEX, packed.bytes);
    store.tag(&index, "index").await.unwrap();
    Fixture { store, amd64, arm64, artifact, index }
}

fn image(store: &Memory, config_type: &str, config: &str, more: &Value) -> Descriptor {
    let config = store.insert(config_type, config.to_owned());
    let mut manifest = json!({"schemaVersion": 2, "config": config, "layers": []});
    manifest.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    store.insert(media_type::IMAGE_MANIFEST, manifest.to_string())
}

fn names(store: &Memory) -> Store<'_> {
    Store { source: store, read_name: &|name| Ok(name.to_owned()), progress: &Silent }
}

fn entries(packed: &Packed) -> Vec<Value> {
    let document: Value = serde_json::from_slice(&packed.bytes).unwrap();
    document["manifests"].as_array().unwrap().clone()
}

fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

#[tokio::test]
async fn an_entry_says_what_an_image_is_for_and_what_kind_of_artifact_it_is() {
    let Fixture { store, amd64, arm64, artifact, index } = fixture().await;
    let sources = strings(["amd64", "arm64", "artifact", "index", "amd64"]);
    let packed = create(names(&store), &sources, &Options::default()).await.unwrap();
    let plain = |node: &Descriptor| json!(node);
    let with = |node: &Descriptor, name: &str, value: Value| {
        let mut entry = json!(node);
        entry[name] = value;
        entry
    };
    assert_eq!(
        entries(&packed),
        [
            with(&amd64, "platform", json!({"architecture": "amd64", "os": "linux"})),
            with(
                &arm64,
                "platform",
                json!({"architecture": "arm64", "os": "linux", "os.version": "1.2", "variant": "v8"})
            ),
            with(&artifact, "artifactType", json!("a/b")),
            plain(&index),
            with(&amd64, "platform", json!({"architecture": "amd64", "os": "linux"})),
        ]
    );
    assert_eq!(packed.node, Descriptor::of(media_type::IMAGE_INDEX, &packed.bytes));
}

#[tokio::test]
async fn an_index_without_sources_is_empty() {
    let store = Memory::new();
    let packed = create(names(&store), &[], &Options::default()).await.unwrap();
    assert_eq!(
        packed.node.digest.to_string(),
        "sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2"
    );
}

#[tokio::test]
async fn a_config_that_cannot_be_read_fails_and_one_that_says_nothing_does_not() {
    let store = Memory::new();
    for (config, expected) in [("not json", None), ("{}", None), (r#"{"os":"x"}"#, Some(json!("x")))] {
        let node = image(&store, "x/y", config, &json!({}));
        let packed = create(names(&store), &[node.digest.to_string()], &Options::default()).await.unwrap();
        assert_eq!(entries(&packed)[0].pointer("/platform/os"), expected.as_ref(), "{config}");
    }
    let node = image(&store, "x/y", "gone", &json!({}));
    store.delete(&Descriptor::of("x/y", b"gone")).await.unwrap();
    assert!(create(names(&store), &[node.digest.to_string()], &Options::default()).await.is_err());
}

#[tokio::test]
async fn what_is_no_manifest_does_not_go_into_an_index() {
    let store = Memory::new();
    let blob = store.insert(media_type::OCTET_STREAM, "blob").digest.to_string();
    let failed = create(names(&store), std::slice::from_ref(&blob), &Options::default()).await.unwrap_err();
    assert_eq!(failed.to_string(), format!("{blob} is not a manifest"));
    let failed = create(names(&store), &strings(["none"]), &Options::default()).await.unwrap_err();
    assert_eq!(failed.to_string(), "could not find the manifest none");
    let elsewhere = |name: &str| Err(oci::Error::Mismatch(name.to_owned()));
    let store = Store { read_name: &elsewhere, ..names(&store) };
    let failed = create(store, &strings(["x"]), &Options::default()).await.unwrap_err();
    assert!(failed.to_string().starts_with("invalid reference: mismatch"), "{failed}");
}

#[tokio::test]
async fn removing_comes_before_adding_and_adding_before_merging() {
    let Fixture { store, amd64, arm64, artifact, .. } = fixture().await;
    let other = create(names(&store), &strings(["artifact"]), &Options::default()).await.unwrap();
    let other = store.insert(media_type::IMAGE_INDEX, other.bytes);
    let changes = Changes {
        remove: vec![amd64.digest.clone()],
        add: strings(["arm64", "amd64"]),
        merge: vec![other.digest.to_string(), "index".to_owned()],
        artifact_type: Some("c/d".to_owned()),
    };
    let steps = Steps::default();
    let packed = update(Store { progress: &steps, ..names(&store) }, "index", &changes).await.unwrap();
    let digests: Vec<_> = entries(&packed).iter().map(|entry| entry["digest"].clone()).collect();
    assert_eq!(digests, [&arm64, &amd64, &artifact, &amd64].map(|node| json!(node.digest)));
    let document: Value = serde_json::from_slice(&packed.bytes).unwrap();
    assert_eq!(document["artifactType"], "c/d");
    let steps = steps.0.lock().unwrap().join(" ");
    assert_eq!(
        steps,
        "LookingUp LookedUp Removed LookingUp LookedUp Added LookingUp LookedUp Added \
         LookingUp LookedUp Merged LookingUp LookedUp Merged"
    );
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let Fixture { store, arm64, .. } = fixture().await;
    let steps = Steps::default();
    let changes = Changes { remove: vec![arm64.digest.clone()], ..Changes::default() };
    let failed = update(Store { progress: &steps, ..names(&store) }, "index", &changes).await.unwrap_err();
    assert_eq!(failed.to_string(), format!("{} does not exist in the index index", arm64.digest));
    assert_eq!(steps.0.lock().unwrap().join(" "), "LookingUp LookedUp");
    let merge = Changes { merge: strings(["amd64"]), ..Changes::default() };
    let failed = update(names(&store), "index", &merge).await.unwrap_err();
    assert_eq!(failed.to_string(), "amd64 is not an index");
    let failed = update(names(&store), "none", &merge).await.unwrap_err();
    assert_eq!(failed.to_string(), "could not find the index none");
}

#[tokio::test]
async fn a_docker_list_stays_one_and_keeps_its_unknown_members() {
    let Fixture { store, .. } = fixture().await;
    let list = json!({"schemaVersion": 2, "mediaType": media_type::DOCKER_MANIFEST_LIST, "manifests": [], "x-own": {"a": 1}});
    let list = store.insert(media_type::DOCKER_MANIFEST_LIST, list.to_string());
    let changes = Changes { add: strings(["amd64"]), ..Changes::default() };
    let packed = update(names(&store), &list.digest.to_string(), &changes).await.unwrap();
    assert_eq!(packed.node.media_type, media_type::DOCKER_MANIFEST_LIST);
    assert_eq!(entries(&packed).len(), 1);
    assert!(packed.bytes.ends_with(br#","x-own":{"a":1}}"#));
}

#[test]
fn an_artifact_type_alone_is_a_change() {
    assert!(Changes::default().is_empty());
    assert!(!Changes { artifact_type: Some(String::new()), ..Changes::default() }.is_empty());
}

#[derive(Default)]
struct Steps(Mutex<Vec<String>>);

impl Progress for Steps {
    fn event(&self, event: Event<'_>) {
        let name = format!("{event:?}").split('(').next().unwrap().to_owned();
        self.0.lock().unwrap().push(name);
    }
}
