use std::sync::Mutex;

use super::*;
use crate::{
    content::{ByteStream, Memory, TagPages},
    oci::{Index, media_type},
};

#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Progress for Recorder {
    fn event(&self, event: Event<'_>) {
        let line = match event {
            Event::Started(node) => format!("started {}", node.display_name()),
            Event::Done(node) => format!("done {}", node.display_name()),
            Event::Present(node) => format!("present {}", node.display_name()),
            Event::Skipped(node) => format!("skipped {}", node.display_name()),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

/// A source with an image of the given layers under `v1`, and the image.
async fn image(layers: &[(&str, &str)]) -> (Arc<Memory>, Descriptor) {
    let source = Arc::new(Memory::new());
    let layers: Vec<_> = layers
        .iter()
        .map(|(title, content)| {
            let mut node = source.insert("a/layer", content.to_string());
            node.annotations.insert(crate::oci::keys::TITLE.into(), (*title).into());
            node
        })
        .collect();
    let packed = super::super::pack::pack(super::super::pack::Options {
        layers,
        created: "2025-01-01T00:00:00Z".into(),
        ..Default::default()
    })
    .unwrap();
    let root = source.insert(media_type::IMAGE_MANIFEST, packed.bytes);
    source.tag(&root, "v1").await.unwrap();
    (source, root)
}

#[tokio::test]
async fn a_graph_arrives_whole_and_tagged_with_children_before_parents() {
    let (source, root) = image(&[("a.txt", "a"), ("b.txt", "b")]).await;
    let (target, seen) = (Arc::new(Memory::new()), Arc::new(Recorder::default()));
    GraphCopy::new(source, target.clone(), seen.clone())
        .tag(Some("v2".into()))
        .run(root.clone())
        .await
        .unwrap();
    assert_eq!(target.resolve("v2").await.unwrap().digest, root.digest);
    let lines = seen.lines();
    assert_eq!(lines.last().unwrap(), &format!("done {}", media_type::IMAGE_MANIFEST));
    assert_eq!(lines[lines.len() - 2], format!("started {}", media_type::IMAGE_MANIFEST));
    for node in graph::successors(&root, &target.fetch_bytes(&root).await.unwrap()).unwrap() {
        assert!(target.exists(&node).await.unwrap());
    }
}

#[tokio::test]
async fn content_under_two_titles_is_moved_once() {
    let (source, root) = image(&[("a.txt", "same"), ("b.txt", "same")]).await;
    let seen = Arc::new(Recorder::default());
    GraphCopy::new(source, Arc::new(Memory::new()), seen.clone()).run(root).await.unwrap();
    let about = |word: &str| {
        seen.lines().iter().filter(|line| line.starts_with(word) && line.ends_with(".txt")).count()
    };
    assert_eq!((about("done"), about("skipped")), (1, 1));
}

#[tokio::test]
async fn what_the_target_has_is_not_read_again() {
    let (source, root) = image(&[("a.txt", "a")]).await;
    let target = Arc::new(Memory::new());
    GraphCopy::new(source, target.clone(), Arc::new(Recorder::default())).run(root.clone()).await.unwrap();
    let seen = Arc::new(Recorder::default());
    GraphCopy::new(Arc::new(Memory::new()), target, seen.clone()).run(root).await.unwrap();
    assert_eq!(seen.lines(), [format!("present {}", media_type::IMAGE_MANIFEST)]);
}

#[tokio::test]
async fn force_writes_manifests_that_are_there_and_looks_at_every_blob() {
    let (source, root) = image(&[("a.txt", "a")]).await;
    let (target, seen) = (Arc::new(Memory::new()), Arc::new(Recorder::default()));
    let copy = GraphCopy::new(source, target, seen.clone()).force(true);
    copy.clone().run(root.clone()).await.unwrap();
    seen.0.lock().unwrap().clear();
    copy.run(root).await.unwrap();
    assert!(seen.lines().contains(&"present a.txt".to_owned()));
    assert!(seen.lines().contains(&format!("done {}", media_type::IMAGE_MANIFEST)));
}

#[tokio::test]
async fn an_error_says_on_which_side_it_happened() {
    let (_, root) = image(&[("a.txt", "a")]).await;
    let copy =
        GraphCopy::new(Arc::new(Memory::new()), Arc::new(Memory::new()), Arc::new(Recorder::default()));
    let error = copy.run(root).await.unwrap_err();
    assert!(matches!(&error, Error::Copy { side: Side::Source, .. }) && error.is_not_found(), "{error:?}");
}

#[tokio::test]
async fn a_graph_may_be_thousands_of_levels_deep() {
    let source = Arc::new(Memory::new());
    let mut node = source.insert(media_type::IMAGE_INDEX, Index::of(Vec::new()).to_bytes());
    for _ in 0..3_000 {
        node = source.insert(media_type::IMAGE_INDEX, Index::of(vec![node]).to_bytes());
    }
    let target = Arc::new(Memory::new());
    GraphCopy::new(source, target.clone(), Arc::new(Recorder::default())).run(node.clone()).await.unwrap();
    assert!(target.exists(&node).await.unwrap());
}

#[tokio::test]
async fn a_blob_that_many_manifests_share_is_moved_once() {
    let source = Arc::new(Memory::new());
    let shared = source.insert("a/layer", "shared");
    let images = (0..40).map(|number| {
        let text = format!(
            r#"{{"config":{{"mediaType":"c/d","digest":"{0}","size":6}},"layers":[],"annotations":{{"n":"{number}"}}}}"#,
            shared.digest
        );
        source.insert(media_type::IMAGE_MANIFEST, text)
    });
    let index = Index::of(images.collect());
    let root = source.insert(media_type::IMAGE_INDEX, index.to_bytes());
    let seen = Arc::new(Recorder::default());
    GraphCopy::new(source, Arc::new(Memory::new()), seen.clone())
        .concurrency(Concurrency::exactly(16))
        .run(root)
        .await
        .unwrap();
    assert_eq!(seen.lines().iter().filter(|line| line.as_str() == "done c/d").count(), 1);
}

/// A target whose blobs arrive only when as many of them as are allowed are on their way.
struct Crowd {
    store: Memory,
    gate: tokio::sync::Barrier,
}

#[async_trait::async_trait]
impl Source for Crowd {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.store.resolve(reference).await
    }
    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> Result<ByteStream> {
        self.store.fetch_unverified(node, offset).await
    }
    async fn exists(&self, node: &Descriptor) -> Result<bool> {
        self.store.exists(node).await
    }
    async fn referrers(&self, subject: &Descriptor, kind: Option<&str>) -> Result<Vec<Descriptor>> {
        self.store.referrers(subject, kind).await
    }
    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        self.store.tags(last)
    }
}

#[async_trait::async_trait]
impl Target for Crowd {
    async fn push(&self, node: &Descriptor, body: Body) -> Result<()> {
        if !node.is_manifest() {
            self.gate.wait().await;
        }
        self.store.push(node, body).await
    }
    async fn tag(&self, node: &Descriptor, tag: &str) -> Result<()> {
        self.store.tag(node, tag).await
    }
    async fn delete(&self, node: &Descriptor) -> Result<()> {
        self.store.delete(node).await
    }
    fn as_source(self: Arc<Self>) -> Arc<dyn Source> {
        self
    }
}

#[tokio::test]
async fn small_content_goes_along_with_large_content() {
    let large: Vec<String> = (0..3).map(|number| number.to_string().repeat(100_000)).collect();
    let mut files: Vec<(String, &str)> = large.iter().map(|text| (text[..1].to_owned(), &**text)).collect();
    let small: Vec<String> = (10..39).map(|number| number.to_string()).collect();
    files.extend(small.iter().map(|text| (text.clone(), &**text)));
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let (source, root) = image(&files).await;
    // With the config these are 33 blobs. They go in crowds: 11 at once are needed, and no more than three are large.
    let target = Arc::new(Crowd { store: Memory::new(), gate: tokio::sync::Barrier::new(11) });
    GraphCopy::new(source, target.clone(), Arc::new(Recorder::default()))
        .concurrency(Concurrency::and_more(3))
        .run(root.clone())
        .await
        .unwrap();
    assert!(target.store.exists(&root).await.unwrap());
}
