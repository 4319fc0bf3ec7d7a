use std::time::Duration;

use futures_util::TryStreamExt as _;

use super::*;
use crate::{
    content::{Body, Source as _, Target as _},
    oci::{Descriptor, Index, media_type},
};

/// Everything in a folder but the lock of a killed run, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Fills a layout with indexes, of which the first has a tag.
async fn fill(layout: &Layout, names: &[&str]) {
    for name in names {
        let blob = Descriptor::of("a/b", name.as_bytes());
        layout.push(&blob, Body::from(name.as_bytes().to_vec())).await.unwrap();
        let mut index = Index::of(Vec::new());
        index.annotations.insert("name".into(), (*name).into());
        let bytes = index.to_bytes();
        let node = Descriptor::of(media_type::IMAGE_INDEX, &bytes);
        layout.push(&node, Body::from(bytes)).await.unwrap();
        if *name == "a" {
            layout.tag(&node, "v1").await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_layout_becomes_a_tar_that_is_a_layout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    let draft = Draft::begin(&path).await.unwrap();
    fill(&draft.layout(), &["a"]).await;
    assert!(!path.exists());
    let size = draft.finish().await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), size);
    assert_eq!(names(folder.path()), ["x.tar"]);
    let mut archive = tar::Archive::new(File::open(&path).unwrap());
    let entries: Vec<_> = archive.entries().unwrap().map(Result::unwrap).collect();
    let names: Vec<_> =
        entries.iter().map(|entry| entry.path().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names[..2], ["blobs/", "blobs/sha256/"]);
    assert_eq!(names[names.len() - 2..], ["index.json", "oci-layout"]);
    assert!(names.is_sorted());
    let again = Layout::open(&path).await.unwrap();
    assert!(again.resolve("v1").await.is_ok());
    assert_eq!(again.fetch_bytes(&Descriptor::of("a/b", b"a")).await.unwrap(), "a");
}

#[tokio::test]
async fn the_same_content_makes_the_same_tar() {
    let folder = tempfile::tempdir().unwrap();
    let mut archives = Vec::new();
    for (name, order) in [("1.tar", ["a", "b", "c", "d"]), ("2.tar", ["d", "b", "c", "a"])] {
        let path = folder.path().join(name);
        let draft = Draft::begin(&path).await.unwrap();
        fill(&draft.layout(), &order).await;
        // Whatever the clock says when a file is written.
        let blobs = draft.folder().join("layout/blobs/sha256");
        for entry in fs::read_dir(blobs).unwrap() {
            let file = File::open(entry.unwrap().path()).unwrap();
            let time = std::time::UNIX_EPOCH + Duration::from_secs(name.as_bytes()[0].into());
            file.set_modified(time).unwrap();
        }
        draft.finish().await.unwrap();
        archives.push(fs::read(path).unwrap());
    }
    assert!(archives[0] == archives[1]);
}

#[tokio::test]
async fn what_was_there_stays_until_the_tar_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    fs::write(&path, "before").unwrap();
    let draft = Draft::begin(&path).await.unwrap();
    fill(&draft.layout(), &["a"]).await;
    drop(draft);
    assert_eq!(fs::read(&path).unwrap(), b"before");
    assert_eq!(names(folder.path()), ["x.tar"]);
    Draft::begin(&path).await.unwrap().finish().await.unwrap();
    assert!(Layout::open(&path).await.is_ok());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_stays_and_what_it_points_to_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("there")).unwrap();
    fs::write(path("there/y.tar"), "before").unwrap();
    std::os::unix::fs::symlink("there/y.tar", path("x.tar")).unwrap();
    Draft::begin(path("x.tar")).await.unwrap().finish().await.unwrap();
    assert!(path("x.tar").is_symlink());
    assert!(Layout::open(path("there/y.tar")).await.is_ok());
}

#[tokio::test]
async fn what_a_killed_run_left_is_removed_but_not_what_another_run_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    let other = Draft::begin(&path).await.unwrap();
    let left = folder.path().join(".x.tar.killed.part");
    fs::create_dir(&left).unwrap();
    fs::write(left.join(LOCK), "").unwrap();
    let unrelated = folder.path().join(".y.tar.killed.part");
    fs::create_dir(&unrelated).unwrap();
    fs::write(unrelated.join(LOCK), "").unwrap();
    let draft = Draft::begin(&path).await.unwrap();
    assert!(!left.exists() && unrelated.exists());
    draft.finish().await.unwrap();
    fill(&other.layout(), &["a"]).await;
    other.finish().await.unwrap();
    assert!(Layout::open(&path).await.unwrap().resolve("v1").await.is_ok());
}

/// Large enough to be worth keeping.
fn large(byte: u8) -> (Descriptor, Vec<u8>) {
    let content = vec![byte; 2 << 20];
    (Descriptor::of("a/b", &content), content)
}

async fn push(layout: &Layout, (node, content): &(Descriptor, Vec<u8>)) {
    layout.push(node, Body::from(content.clone())).await.unwrap();
}

#[tokio::test]
async fn what_unfinished_runs_held_is_taken_over_if_it_is_genuine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    let (first, second, forged) = (large(1), large(2), large(3));
    let draft = Draft::begin(&path).await.unwrap();
    push(&draft.layout(), &first).await;
    push(&draft.layout(), &forged).await;
    fs::remove_file(draft.folder().join("layout/blobs/sha256").join(forged.0.digest.encoded())).unwrap();
    fs::write(draft.folder().join("layout/blobs/sha256").join(forged.0.digest.encoded()), vec![0; 2 << 20])
        .unwrap();
    drop(draft);
    assert_eq!(names(folder.path()).len(), 1, "what is worth keeping is kept");
    // A second run is stopped as well, before it has asked for what the first one had.
    let draft = Draft::begin(&path).await.unwrap();
    push(&draft.layout(), &second).await;
    drop(draft);
    assert_eq!(names(folder.path()).len(), 1);
    let draft = Draft::begin(&path).await.unwrap();
    let layout = draft.layout();
    assert_eq!(layout.tags(None).try_concat().await.unwrap(), [""; 0]);
    for (node, content) in [&first, &second] {
        assert!(layout.exists(node).await.unwrap());
        assert!(layout.fetch_bytes(node).await.unwrap() == content);
    }
    assert!(!layout.exists(&forged.0).await.unwrap());
    draft.finish().await.unwrap();
    assert_eq!(names(folder.path()), ["x.tar"]);
    // Only what this run has asked for is in it.
    let archive = Layout::open(&path).await.unwrap();
    assert!(archive.exists(&first.0).await.unwrap() && !archive.exists(&forged.0).await.unwrap());
}

#[tokio::test]
async fn a_file_that_was_being_written_is_taken_up_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    let (node, content) = large(1);
    let draft = Draft::begin(&path).await.unwrap();
    let ingest = draft.folder().join("layout/ingest");
    fs::create_dir(&ingest).unwrap();
    fs::write(ingest.join(format!("{}_0", node.digest.encoded())), &content[..3 << 19]).unwrap();
    drop(draft);
    let draft = Draft::begin(&path).await.unwrap();
    let memory = Arc::new(crate::content::Memory::new());
    memory.insert("a/b", content);
    let positions = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = positions.clone();
    let body = Body::stored(memory, node.clone())
        .observed(Arc::new(move |position| seen.lock().unwrap().push(position)));
    draft.layout().push(&node, body).await.unwrap();
    assert_eq!(*positions.lock().unwrap(), [2 << 20], "the first bytes were not read again");
    assert!(draft.layout().exists(&node).await.unwrap());
}

#[tokio::test]
async fn a_draft_that_has_lost_files_to_its_tar_is_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    let first = large(1);
    let draft = Draft::begin(&path).await.unwrap();
    push(&draft.layout(), &first).await;
    fs::write(draft.folder().join(ARCHIVE), "").unwrap();
    drop(draft);
    assert_eq!(names(folder.path()), [""; 0]);
    let left = folder.path().join(".x.tar.killed.part");
    fs::create_dir_all(left.join("layout/blobs/sha256")).unwrap();
    fs::write(left.join("layout/blobs/sha256").join(first.0.digest.encoded()), &first.1).unwrap();
    fs::write(left.join(ARCHIVE), "").unwrap();
    fs::write(left.join(LOCK), "").unwrap();
    // Killed right after it was made.
    fs::create_dir(folder.path().join(".x.tar.young.part")).unwrap();
    let draft = Draft::begin(&path).await.unwrap();
    assert_eq!(names(folder.path()).len(), 1);
    assert!(!draft.layout().exists(&first.0).await.unwrap());
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    fs::create_dir(&path).unwrap();
    let error = Draft::begin(&path).await.err().unwrap();
    assert!(matches!(error.store_error(), Some(Error::NoFile { is_folder: true, .. })), "{error:?}");
    let error = Draft::begin(folder.path().join("none/x.tar")).await.err().unwrap();
    assert!(matches!(error, content::Error::Io { .. }), "{error:?}");
}
