use super::*;
use crate::{content::Memory, oci::Annotations, ops::pack, progress::Silent};

/// Two files of different types in one artifact of a form, under `v1`.
async fn artifact(form: pack::Form) -> (Arc<Memory>, [Descriptor; 2]) {
    let source = Arc::new(Memory::new());
    let file = |name: &str, kind: &str| {
        let annotations = Annotations::from([(keys::TITLE.to_owned(), name.to_owned())]);
        Descriptor { annotations, ..source.insert(kind, name.to_owned()) }
    };
    let layers = [file("a.txt", "a/1"), file("b.txt", "b/1")];
    let packed = pack::pack(pack::Options {
        form,
        layers: layers.to_vec(),
        created: "2025-01-01T00:00:00Z".into(),
        ..Default::default()
    })
    .unwrap();
    for (node, bytes) in packed.blobs {
        source.insert(node.media_type, bytes);
    }
    let root = source.insert(packed.manifest.media_type, packed.bytes);
    source.tag(&root, "v1").await.unwrap();
    (source, layers)
}

#[tokio::test]
async fn files_of_every_generation_are_pulled() {
    for form in [pack::Form::OrasArtifact, pack::Form::Artifact, pack::Form::ImageV1_0, pack::Form::Image] {
        let (source, layers) = artifact(form).await;
        let target = Arc::new(Memory::new());
        let outcome = pull(source, target.clone(), "v1", Options::default(), Arc::new(Silent)).await.unwrap();
        assert_eq!(outcome.files, layers, "{form:?}");
        assert!(!outcome.has_unnamed, "{form:?}");
        assert!(target.exists(&layers[0]).await.unwrap(), "{form:?}");
    }
}

#[tokio::test]
async fn only_files_of_the_media_types_that_are_asked_for_are_pulled() {
    for form in [pack::Form::OrasArtifact, pack::Form::Image] {
        let (source, [a, b]) = artifact(form).await;
        for (types, expected) in [
            (vec!["b/1"], vec![b.clone()]),
            (vec!["x/1"], vec![]),
            (vec!["b/1", "a/1"], vec![a.clone(), b.clone()]),
        ] {
            let media_types = types.into_iter().map(str::to_owned).collect();
            let options = Options { media_types, ..Default::default() };
            let target = Arc::new(Memory::new());
            let outcome =
                pull(source.clone(), target.clone(), "v1", options, Arc::new(Silent)).await.unwrap();
            assert_eq!(outcome.files, expected, "{form:?}");
            assert_eq!(target.exists(&a).await.unwrap(), expected.contains(&a), "{form:?}");
        }
    }
}
