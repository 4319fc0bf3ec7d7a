use super::*;
use crate::{
    content::Memory,
    oci::{Annotations, Descriptor, ImageManifest, media_type},
    progress::Silent,
};

const ALONE: Options = Options { referrers: false, concurrency: Concurrency::exactly(1) };
const WITH_REFERRERS: Options = Options { referrers: true, concurrency: Concurrency::exactly(0) };

/// A backup with an image under `v1`, something attached to it, and something attached to that.
async fn backup() -> (Arc<Memory>, [Descriptor; 3]) {
    let store = Arc::new(Memory::new());
    let manifest = |layer: &str, subject: Option<&Descriptor>| {
        let manifest = ImageManifest {
            schema_version: 2,
            media_type: media_type::IMAGE_MANIFEST.to_owned(),
            artifact_type: Some("t/1".to_owned()),
            config: store.insert(media_type::EMPTY, "{}"),
            layers: vec![store.insert("a/layer", layer.to_owned())],
            subject: subject.cloned(),
            annotations: Annotations::new(),
        };
        store.insert(media_type::IMAGE_MANIFEST, manifest.to_bytes())
    };
    let root = manifest("x", None);
    let sbom = manifest("sbom", Some(&root));
    let signature = manifest("sig", Some(&sbom));
    store.tag(&root, "v1").await.unwrap();
    (store, [root, sbom, signature])
}

async fn run(source: &Arc<Memory>, target: &Arc<Memory>, root: &Descriptor, options: &Options) -> Result<()> {
    let tagged = Tagged { tag: "v1".to_owned(), node: root.clone() };
    restore(source.clone(), target.clone(), &tagged, options, Arc::new(Silent)).await
}

#[tokio::test]
async fn a_tag_comes_back_with_its_referrers_or_without() {
    for (options, expected) in [(ALONE, [true, false, false]), (WITH_REFERRERS, [true; 3])] {
        let (source, nodes) = backup().await;
        let target = Arc::new(Memory::new());
        let tagged = Tagged { tag: "v1".to_owned(), node: nodes[0].clone() };
        let restored = expected.iter().skip(1).filter(|&&expected| expected).count();
        assert_eq!(count(&*source, &tagged, &options).await.unwrap(), restored);
        run(&source, &target, &nodes[0], &options).await.unwrap();
        assert_eq!(target.resolve("v1").await.unwrap().digest, nodes[0].digest);
        for (node, expected) in nodes.iter().zip(expected) {
            assert_eq!(target.exists(node).await.unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn a_root_that_is_there_gets_the_tag_only() {
    for options in [ALONE, WITH_REFERRERS] {
        let (source, nodes) = backup().await;
        let target = Arc::new(Memory::new());
        run(&source, &target, &nodes[0], &WITH_REFERRERS).await.unwrap();
        target.tag(&nodes[1], "v1").await.unwrap();
        run(&source, &target, &nodes[0], &options).await.unwrap();
        assert_eq!(target.resolve("v1").await.unwrap().digest, nodes[0].digest);
    }
}

#[tokio::test]
async fn what_the_backup_lacks_is_a_failure_on_its_side() {
    for options in [ALONE, WITH_REFERRERS] {
        let (source, nodes) = backup().await;
        source.delete(&Descriptor::of("a/layer", b"x")).await.unwrap();
        let target = Arc::new(Memory::new());
        let error = run(&source, &target, &nodes[0], &options).await.unwrap_err();
        let super::super::Error::Content(error) = error else { panic!("{error:?}") };
        assert!(matches!(error, crate::content::Error::Copy { side: Side::Source, .. }), "{error:?}");
        assert!(error.is_not_found());
        assert!(target.resolve("v1").await.is_err());
    }
}
