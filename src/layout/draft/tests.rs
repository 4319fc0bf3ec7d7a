use std::time::Duration;

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
        let blobs = draft.folder.path().join("layout/blobs/sha256");
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
