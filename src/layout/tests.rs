use std::path::Path;

use futures_util::{StreamExt as _, TryStreamExt as _};

use super::*;
use crate::{
    content::Memory,
    oci::{Annotations, ImageManifest, keys},
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A manifest over these layers, attached to a subject if there is one.
fn manifest(kind: &str, layers: &[Descriptor], subject: Option<&Descriptor>) -> (Descriptor, Bytes) {
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: media_type::IMAGE_MANIFEST.to_owned(),
        artifact_type: Some(kind.to_owned()),
        config: Descriptor::empty(),
        layers: layers.to_vec(),
        subject: subject.map(Descriptor::plain),
        annotations: Annotations::from([("k".to_owned(), "v".to_owned())]),
    };
    let bytes = Bytes::from(manifest.to_bytes());
    (Descriptor::of(media_type::IMAGE_MANIFEST, &bytes), bytes)
}

async fn push(layout: &Layout, kind: &str, layers: &[&[u8]], subject: Option<&Descriptor>) -> Descriptor {
    let mut nodes = Vec::new();
    for layer in layers {
        let node = Descriptor::of("a/b", layer);
        layout.push(&node, Body::from(layer.to_vec())).await.unwrap();
        nodes.push(node);
    }
    layout.push(&Descriptor::empty(), Body::from(b"{}".to_vec())).await.unwrap();
    let (node, bytes) = manifest(kind, &nodes, subject);
    layout.push(&node, Body::from(bytes)).await.unwrap();
    node
}

fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn blobs(layout: &Path) -> usize {
    names(&layout.join("blobs/sha256")).len()
}

async fn tags(layout: &Layout, last: Option<&str>) -> Vec<String> {
    layout.tags(last).try_concat().await.unwrap()
}

#[tokio::test]
async fn a_new_layout_has_exactly_the_files_that_make_it_one() {
    let folder = folder();
    let path = folder.path().join("deep/lay");
    Layout::create(&path).await.unwrap();
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"]);
    assert_eq!(std::fs::read(path.join("oci-layout")).unwrap(), br#"{"imageLayoutVersion":"1.0.0"}"#);
    assert_eq!(
        std::fs::read(path.join("index.json")).unwrap(),
        br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#
    );
}

#[tokio::test]
async fn content_is_stored_for_reading_only_and_found_again() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let node = push(&layout, "t/1", &[b"hello"], None).await;
    layout.tag(&node, "any text/x:y").await.unwrap();
    let again = Layout::open(folder.path()).await.unwrap();
    assert_eq!(again.resolve("any text/x:y").await.unwrap().digest, node.digest);
    assert_eq!(again.resolve(&node.digest.to_string()).await.unwrap(), node);
    let layer = Descriptor::of("a/b", b"hello");
    let found = again.resolve(&layer.digest.to_string()).await.unwrap();
    assert_eq!((&*found.media_type, found.size), (media_type::OCTET_STREAM, 5));
    assert_eq!(again.fetch_bytes(&layer).await.unwrap(), "hello");
    let rest: Vec<_> = again.fetch_unverified(&layer, 3).await.unwrap().collect().await;
    assert_eq!(rest[0].as_ref().unwrap(), "lo");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let blob = folder.path().join("blobs/sha256").join(layer.digest.encoded());
        assert_eq!(std::fs::metadata(blob).unwrap().permissions().mode() & 0o7777, 0o444);
    }
    assert_eq!(names(&folder.path().join("ingest")), [""; 0]);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_without_a_name() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let absent = Descriptor::of("a/b", b"x");
    for reference in ["none", "", &absent.digest.to_string()] {
        assert_eq!(layout.resolve(reference).await.unwrap_err().to_string(), "not found", "{reference}");
    }
    assert_eq!(layout.tag(&absent, "v1").await.unwrap_err().to_string(), "not found");
    assert_eq!(layout.delete(&absent).await.unwrap_err().to_string(), "not found");
}

#[tokio::test]
async fn content_that_is_not_as_described_leaves_nothing() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let node = Descriptor::of("a/b", b"hello");
    for wrong in [&b"jello"[..], b"hell", b"hello!"] {
        assert!(layout.push(&node, Body::from(wrong.to_vec())).await.is_err());
        let stream = content::once(Bytes::copy_from_slice(wrong));
        assert!(layout.push(&node, Body::stream(stream)).await.is_err());
    }
    assert!(!layout.exists(&node).await.unwrap());
    assert_eq!(names(&folder.path().join("ingest")), [""; 0]);
}

#[tokio::test]
async fn a_blob_of_the_wrong_size_is_none_and_is_replaced() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let node = Descriptor::of("a/b", b"hello");
    layout.push(&node, Body::from(b"hello".to_vec())).await.unwrap();
    let blob = folder.path().join("blobs/sha256").join(node.digest.encoded());
    std::fs::remove_file(&blob).unwrap();
    std::fs::write(&blob, b"").unwrap();
    assert!(!layout.exists(&node).await.unwrap());
    layout.push(&node, Body::from(b"hello".to_vec())).await.unwrap();
    assert_eq!(std::fs::read(blob).unwrap(), b"hello");
}

#[tokio::test]
async fn a_manifest_is_there_once_it_is_listed() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let (node, bytes) = manifest("t/1", &[], None);
    let blob = Descriptor::new("a/b", node.digest.clone(), node.size);
    layout.push(&blob, Body::from(bytes.clone())).await.unwrap();
    assert!(layout.exists(&blob).await.unwrap());
    assert!(!layout.exists(&node).await.unwrap());
    layout.push(&node, Body::from(bytes)).await.unwrap();
    assert!(layout.exists(&node).await.unwrap());
}

#[tokio::test]
async fn pushed_entries_keep_what_the_descriptor_says() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let (mut node, bytes) = manifest("t/1", &[], None);
    node.artifact_type = Some("t/1".into());
    node.annotations.insert("k".into(), "v".into());
    node.annotations.insert(keys::REF_NAME.into(), "of another layout".into());
    layout.push(&node, Body::from(bytes.clone())).await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("index.json")).unwrap();
    assert!(text.ends_with(r#""annotations":{"k":"v"},"artifactType":"t/1"}]}"#), "{text}");
    layout.push_tagged(&node, bytes, "v1").await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("index.json")).unwrap();
    let annotations =
        r#""annotations":{"k":"v","org.opencontainers.image.ref.name":"v1"},"artifactType":"t/1"}]}"#;
    assert!(text.ends_with(annotations), "{text}");
}

#[tokio::test]
async fn a_digest_is_no_tag_of_other_content() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let node = push(&layout, "t/1", &[], None).await;
    layout.tag(&node, &node.digest.to_string()).await.unwrap();
    layout.tag(&node, "").await.unwrap();
    assert_eq!(tags(&layout, None).await, [""; 0]);
    let other = Descriptor::of("a/b", b"x").digest.to_string();
    let error = layout.tag(&node, &other).await.unwrap_err();
    assert!(matches!(error.store_error(), Some(Error::ForeignDigest { .. })));
}

#[tokio::test]
async fn tags_come_in_the_order_of_their_bytes() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let node = push(&layout, "t/1", &[], None).await;
    for tag in ["v10", "v2", "V3", "é"] {
        layout.tag(&node, tag).await.unwrap();
    }
    assert_eq!(tags(&layout, None).await, ["V3", "v10", "v2", "é"]);
    assert_eq!(tags(&layout, Some("v10")).await, ["v2", "é"]);
}

#[tokio::test]
async fn referrers_are_found_by_reading_manifests_also_new_ones() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let subject = push(&layout, "t/1", &[b"x"], None).await;
    assert!(layout.referrers(&subject, None).await.unwrap().is_empty());
    let first = push(&layout, "t/2", &[b"y"], Some(&subject)).await;
    let second = push(&layout, "t/3", &[b"z"], Some(&subject)).await;
    let found = layout.referrers(&subject, None).await.unwrap();
    assert_eq!(found.iter().map(|node| &node.digest).collect::<Vec<_>>(), [&first.digest, &second.digest]);
    assert_eq!(found[0].artifact_type.as_deref(), Some("t/2"));
    assert_eq!(found[0].annotations["k"], "v");
    assert_eq!(layout.referrers(&subject, Some("t/3")).await.unwrap()[0].digest, second.digest);
    layout.delete(&first).await.unwrap();
    assert_eq!(layout.referrers(&subject, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn deleting_takes_what_has_no_meaning_without_it() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let doomed = push(&layout, "t/1", &[b"own", b"shared"], None).await;
    let kept = push(&layout, "t/2", &[b"shared"], None).await;
    let referrer = push(&layout, "t/3", &[b"note"], Some(&doomed)).await;
    push(&layout, "t/4", &[], Some(&referrer)).await;
    layout.tag(&doomed, "v1").await.unwrap();
    layout.tag(&doomed, "v2").await.unwrap();
    layout.tag(&kept, "kept").await.unwrap();
    layout.delete(&layout.resolve("v1").await.unwrap()).await.unwrap();
    assert_eq!(tags(&layout, None).await, ["kept"]);
    // What is left: the kept manifest, its layer and the empty config.
    assert_eq!(blobs(folder.path()), 3);
    let again = Layout::open(folder.path()).await.unwrap();
    assert!(again.resolve(&doomed.digest.to_string()).await.is_err());
    assert!(again.exists(&kept).await.unwrap());
}

#[tokio::test]
async fn deleting_a_referrer_leaves_its_subject() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let subject = push(&layout, "t/1", &[b"x"], None).await;
    let referrer = push(&layout, "t/2", &[b"y"], Some(&subject)).await;
    layout.delete(&referrer).await.unwrap();
    assert!(layout.exists(&subject).await.unwrap());
    assert_eq!(blobs(folder.path()), 3);
}

#[tokio::test]
async fn deleting_does_not_mind_content_that_is_not_there() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let absent = Descriptor::of("a/b", b"absent");
    let (node, bytes) = manifest("t/1", &[absent], None);
    layout.push_tagged(&node, bytes, "v1").await.unwrap();
    layout.delete(&node).await.unwrap();
    assert_eq!(tags(&layout, None).await, [""; 0]);
}

#[tokio::test]
async fn programs_that_write_at_once_lose_nothing() {
    let folder = folder();
    Layout::create(folder.path()).await.unwrap();
    let writers = (0..16).map(|number| {
        let path = folder.path().to_owned();
        tokio::spawn(async move {
            let layout = Layout::create(&path).await.unwrap();
            for round in 0..4 {
                let tag = format!("{number}-{round}");
                let node = push(&layout, "t/1", &[tag.as_bytes(), b"shared"], None).await;
                layout.tag(&node, &tag).await.unwrap();
            }
        })
    });
    futures_util::future::try_join_all(writers).await.unwrap();
    let layout = Layout::open(folder.path()).await.unwrap();
    let tags = tags(&layout, None).await;
    assert_eq!(tags.len(), 64);
    for tag in tags {
        assert!(layout.fetch_manifest(&tag).await.is_ok());
    }
}

#[tokio::test]
async fn many_manifests_are_listed_with_few_writes_and_all_of_them_at_the_end() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    for number in 0..200 {
        push(&layout, &format!("t/{number}"), &[], None).await;
    }
    let on_disk =
        || IndexFile::parse(&std::fs::read(folder.path().join("index.json")).unwrap()).unwrap().len();
    assert!((170..200).contains(&on_disk()));
    layout.flush().await.unwrap();
    assert_eq!(on_disk(), 200);
    push(&layout, "t/more", &[], None).await;
    drop(layout);
    assert_eq!(on_disk(), 201);
}

#[tokio::test]
async fn what_is_no_layout_is_refused_with_the_reason() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let failure = async |path: PathBuf| Layout::open(path).await.err().unwrap();
    let layout = |version: &str| format!(r#"{{"imageLayoutVersion":"{version}"}}"#);
    let missing = failure(path("none")).await.to_string();
    assert_eq!(missing, format!("failed to find path {:?}", path("none")));
    std::fs::create_dir(path("empty")).unwrap();
    let expected = "invalid OCI Image Layout: failed to open OCI layout file";
    assert_eq!(failure(path("empty")).await.to_string(), expected);
    std::fs::create_dir(path("new")).unwrap();
    std::fs::write(path("new/oci-layout"), layout("2.0.0")).unwrap();
    let expected = "invalid OCI Image Layout: unsupported version";
    assert_eq!(failure(path("new")).await.to_string(), expected);
    assert_eq!(Layout::create(path("new")).await.err().unwrap().to_string(), expected);
    assert_eq!(names(&path("new")), ["oci-layout"]);
    std::fs::create_dir(path("half")).unwrap();
    std::fs::write(path("half/oci-layout"), layout("1.0.0")).unwrap();
    let expected = "invalid OCI Image Index: failed to open index file";
    assert_eq!(failure(path("half")).await.to_string(), expected);
    std::fs::write(path("half/index.json"), "[]").unwrap();
    let expected = "invalid OCI Image Index: failed to decode index file";
    assert_eq!(failure(path("half")).await.to_string(), expected);
    std::fs::write(path("file"), "hello").unwrap();
    let expected = format!("{:?} does not look like a tar archive", path("file"));
    let error = failure(path("file")).await;
    assert_eq!(error.to_string(), expected);
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "unexpected EOF");
    let error = Layout::create(path("file")).await.err().unwrap();
    assert_eq!(error.to_string(), format!("mkdir {}", path("file").display()));
    assert!(
        matches!(error, content::Error::Io { source, .. } if source.kind() == io::ErrorKind::NotADirectory)
    );
}

#[tokio::test]
async fn opening_what_must_be_there_creates_nothing() {
    let folder = folder();
    assert!(Layout::open_writable(folder.path().join("none")).await.is_err());
    assert!(Layout::open_writable(folder.path()).await.is_err());
    assert_eq!(names(folder.path()), [""; 0]);
    let layout = Layout::create(folder.path()).await.unwrap();
    let node = push(&layout, "t/1", &[], None).await;
    Layout::open_writable(folder.path()).await.unwrap().tag(&node, "v1").await.unwrap();
    let reader = Layout::open(folder.path()).await.unwrap();
    assert!(matches!(reader.tag(&node, "v2").await.unwrap_err().store_error(), Some(Error::ReadOnly)));
}

#[tokio::test]
async fn a_tar_is_read_without_unpacking_it() {
    let folder = folder();
    let layout = Layout::create(folder.path().join("lay")).await.unwrap();
    let node = push(&layout, "t/1", &[b"hello"], None).await;
    layout.tag(&node, "v1").await.unwrap();
    let path = folder.path().join("lay.tar");
    // Another writer, with `./` before each name.
    let mut builder = tar::Builder::new(std::fs::File::create(&path).unwrap());
    builder.append_dir_all("./", folder.path().join("lay")).unwrap();
    builder.finish().unwrap();
    let archive = Layout::open(&path).await.unwrap();
    let layer = Descriptor::of("a/b", b"hello");
    assert_eq!(archive.resolve("v1").await.unwrap().digest, node.digest);
    assert_eq!(archive.fetch_bytes(&layer).await.unwrap(), "hello");
    assert!(archive.exists(&node).await.unwrap());
    assert!(!archive.exists(&Descriptor::of("a/b", b"x")).await.unwrap());
    assert!(matches!(archive.delete(&node).await.unwrap_err().store_error(), Some(Error::ReadOnly)));
}

#[tokio::test]
async fn a_tar_that_is_cut_short_is_refused() {
    let folder = folder();
    let layout = Layout::create(folder.path().join("lay")).await.unwrap();
    push(&layout, "t/1", &[&[7; 4000]], None).await;
    let mut whole = tar::Builder::new(Vec::new());
    whole.append_dir_all("", folder.path().join("lay")).unwrap();
    let whole = whole.into_inner().unwrap();
    let path = folder.path().join("lay.tar");
    for length in [100, 700, whole.len() / 2] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(Layout::open(&path).await.is_err(), "{length}");
    }
}

#[tokio::test]
async fn what_a_killed_run_left_is_taken_up() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let content: Vec<u8> = (0..=250).cycle().take(3 << 20).collect();
    let memory = Memory::new();
    let node = memory.insert("a/b", content.clone());
    std::fs::create_dir(folder.path().join("ingest")).unwrap();
    let left = folder.path().join("ingest").join(format!("{}_0", node.digest.encoded()));
    std::fs::write(&left, &content[..2 << 20]).unwrap();
    let positions = Arc::new(Mutex::new(Vec::new()));
    let seen = positions.clone();
    let body = Body::stored(Arc::new(memory), node.clone())
        .observed(Arc::new(move |position| seen.lock().unwrap().push(position)));
    layout.push(&node, body).await.unwrap();
    assert_eq!(*positions.lock().unwrap(), [3 << 20]);
    assert_eq!(
        std::fs::read(folder.path().join("blobs/sha256").join(node.digest.encoded())).unwrap(),
        content
    );
    assert_eq!(names(&folder.path().join("ingest")), [""; 0]);
}

#[tokio::test]
async fn what_was_left_is_not_trusted() {
    let content = vec![7; 3 << 20];
    for left_behind in [vec![8; 2 << 20], vec![8; 3 << 20], vec![7; 4 << 20]] {
        let folder = folder();
        let layout = Layout::create(folder.path()).await.unwrap();
        let memory = Memory::new();
        let node = memory.insert("a/b", content.clone());
        std::fs::create_dir(folder.path().join("ingest")).unwrap();
        let left = folder.path().join("ingest").join(format!("{}_0", node.digest.encoded()));
        std::fs::write(&left, left_behind).unwrap();
        layout.push(&node, Body::stored(Arc::new(memory), node.clone())).await.unwrap();
        assert!(layout.exists(&node).await.unwrap());
        assert_eq!(
            layout.fetch(&node).await.unwrap().try_collect::<Vec<_>>().await.unwrap().concat(),
            content
        );
        assert_eq!(names(&folder.path().join("ingest")), [""; 0]);
    }
}

#[tokio::test]
async fn what_another_run_is_writing_is_left_alone() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let memory = Memory::new();
    let node = memory.insert("a/b", vec![7; 3 << 20]);
    std::fs::create_dir(folder.path().join("ingest")).unwrap();
    let path = folder.path().join("ingest").join(format!("{}_0", node.digest.encoded()));
    std::fs::write(&path, vec![7; 2 << 20]).unwrap();
    let owned = std::fs::File::open(&path).unwrap();
    owned.lock().unwrap();
    layout.push(&node, Body::stored(Arc::new(memory), node.clone())).await.unwrap();
    assert_eq!(std::fs::metadata(path).unwrap().len(), 2 << 20);
}

#[tokio::test]
async fn a_transfer_that_breaks_off_keeps_what_is_worth_keeping() {
    let folder = folder();
    let layout = Layout::create(folder.path()).await.unwrap();
    let content = Bytes::from(vec![7; 3 << 20]);
    let node = Descriptor::of("a/b", &content);
    let pieces = [Ok(content.slice(..2 << 20)), Err(content::Error::Unsupported("going on"))];
    let body = Body::stream(Box::pin(futures_util::stream::iter(pieces)));
    assert!(layout.push(&node, body).await.is_err());
    assert_eq!(names(&folder.path().join("ingest")).len(), 1);
    drop(layout);
    let layout = Layout::create(folder.path()).await.unwrap();
    layout.push(&node, Body::from(content)).await.unwrap();
    assert!(layout.exists(&node).await.unwrap());
    assert_eq!(names(&folder.path().join("ingest")), [""; 0]);
}

/// Its `index.json` is said to be a terabyte long; the file has that length, but nothing is in it.
#[tokio::test]
async fn a_layout_in_a_tar_that_claims_to_be_gigantic_is_refused() {
    let folder = folder();
    let path = folder.path().join("lay.tar");
    let header = |path: &str, size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_path(path).unwrap();
        header.set_size(size);
        header.set_cksum();
        header
    };
    let version = br#"{"imageLayoutVersion":"1.0.0"}"#;
    let mut bytes = header("oci-layout", version.len() as u64).as_bytes().to_vec();
    bytes.extend_from_slice(version);
    bytes.resize(1024, 0);
    bytes.extend_from_slice(header("index.json", 1 << 40).as_bytes());
    std::fs::write(&path, bytes).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_len((1 << 40) + 4096).unwrap();
    let error = Layout::open(&path).await.err().unwrap();
    assert!(matches!(error.store_error(), Some(super::Error::NoIndex(_))), "{error:?}");
}
