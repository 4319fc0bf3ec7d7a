use std::{collections::HashMap, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;

use super::*;
use crate::{
    content::{ByteStream, Memory, TagPages},
    oci::Annotations,
    ops::pack,
    progress::Silent,
};

const FORMS: [pack::Form; 4] =
    [pack::Form::OrasArtifact, pack::Form::Artifact, pack::Form::ImageV1_0, pack::Form::Image];

/// Attaches an empty artifact of a form to a subject.
fn attach(store: &Memory, form: pack::Form, subject: &Descriptor, number: usize) -> Descriptor {
    let packed = pack::pack(pack::Options {
        form,
        artifact_type: Some("t/1".into()),
        subject: Some(subject.plain()),
        annotations: Annotations::from([("number".into(), number.to_string())]),
        created: "2025-01-01T00:00:00Z".into(),
        ..Default::default()
    })
    .unwrap();
    for (node, bytes) in packed.blobs {
        store.insert(node.media_type, bytes);
    }
    store.insert(packed.manifest.media_type, packed.bytes)
}

async fn image(store: &Memory) -> Descriptor {
    let packed =
        pack::pack(pack::Options { created: "2025-01-01T00:00:00Z".into(), ..Default::default() }).unwrap();
    for (node, bytes) in packed.blobs {
        store.insert(node.media_type, bytes);
    }
    let root = store.insert(packed.manifest.media_type, packed.bytes);
    store.tag(&root, "v1").await.unwrap();
    root
}

async fn copy_all(source: Arc<dyn Source>, target: &Arc<Memory>) -> Descriptor {
    let options = Options { recursive: true, tag: Some("v2".into()), ..Default::default() };
    copy(source, target.clone(), "v1", options, Arc::new(Silent)).await.unwrap()
}

#[tokio::test]
async fn a_recursive_copy_takes_referrers_of_every_generation_along() {
    let (source, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
    let root = image(&source).await;
    let mut attached = Vec::new();
    for (number, form) in FORMS.into_iter().enumerate() {
        let first = attach(&source, form, &root, number);
        for (below, other) in FORMS.into_iter().enumerate() {
            attached.push(attach(&source, other, &first, below));
        }
        attached.push(first);
    }
    assert_eq!(copy_all(source, &target).await.digest, root.digest);
    assert_eq!(target.resolve("v2").await.unwrap().digest, root.digest);
    for node in attached {
        assert!(target.exists(&node).await.unwrap(), "{}", node.media_type);
    }
    assert_eq!(target.referrers(&root, None).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_chain_of_a_thousand_referrers_is_copied() {
    let (store, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
    let mut last = image(&store).await;
    let mut lists = HashMap::new();
    for number in 0..1000 {
        let next = attach(&store, FORMS[number % FORMS.len()], &last, number);
        lists.insert(last.digest.clone(), vec![next.clone()]);
        last = next;
    }
    copy_all(Arc::new(Lists { store, lists, other: Vec::new() }), &target).await;
    assert!(target.exists(&last).await.unwrap());
}

/// A store whose lists of referrers say what a test wants.
struct Lists {
    store: Arc<Memory>,
    lists: HashMap<Digest, Vec<Descriptor>>,
    /// The list of every other subject.
    other: Vec<Descriptor>,
}

#[async_trait]
impl Source for Lists {
    async fn resolve(&self, reference: &str) -> content::Result<Descriptor> {
        self.store.resolve(reference).await
    }
    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> content::Result<ByteStream> {
        self.store.fetch_unverified(node, offset).await
    }
    async fn exists(&self, node: &Descriptor) -> content::Result<bool> {
        self.store.exists(node).await
    }
    async fn referrers(&self, subject: &Descriptor, _: Option<&str>) -> content::Result<Vec<Descriptor>> {
        Ok(self.lists.get(&subject.digest).unwrap_or(&self.other).clone())
    }
    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        self.store.tags(last)
    }
}

#[derive(Default)]
struct Ignored(Mutex<Vec<(Digest, Digest)>>);

impl Progress for Ignored {
    fn event(&self, event: Event<'_>) {
        if let Event::Ignored { listed, subject } = event {
            self.0.lock().unwrap().push((listed.digest.clone(), subject.clone()));
        }
    }
}

#[tokio::test]
async fn what_is_listed_under_another_subject_is_ignored_and_cycles_end() {
    let store = Arc::new(Memory::new());
    let root = image(&store).await;
    let real = attach(&store, pack::Form::Artifact, &root, 1);
    let other = store.insert(media_type::IMAGE_INDEX, Bytes::from_static(br#"{"manifests":[]}"#));
    let foreign = attach(&store, pack::Form::OrasArtifact, &other, 2);
    let other_list = vec![root.clone(), foreign.clone(), real.clone()];
    let source = Arc::new(Lists { store, lists: HashMap::new(), other: other_list });
    let target = Arc::new(Memory::new());
    let seen = Arc::new(Ignored::default());
    let options = Options { recursive: true, tag: Some("v2".into()), ..Default::default() };
    copy(source, target.clone(), "v1", options, seen.clone()).await.unwrap();
    assert!(target.exists(&root).await.unwrap() && target.exists(&real).await.unwrap());
    assert!(!target.exists(&foreign).await.unwrap() && !target.exists(&other).await.unwrap());
    let seen = seen.0.lock().unwrap();
    assert!(seen.contains(&(foreign.digest.clone(), root.digest.clone())));
    assert!(seen.contains(&(root.digest.clone(), real.digest.clone())));
}
