//! OCI image layouts on disk, written and read without the code under test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oras::oci::{Descriptor, keys, media_type};
use serde_json::{Value, json};

use super::pack::pack;

/// A layout in a folder.
pub(crate) struct LayoutFolder {
    path: PathBuf,
}

impl LayoutFolder {
    /// Writes an empty layout.
    pub(crate) fn create(path: impl Into<PathBuf>) -> Self {
        let layout = Self::open(path);
        fs::create_dir_all(layout.path.join("blobs/sha256")).unwrap();
        fs::write(layout.path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        layout.write_index(&json!({"schemaVersion": 2, "manifests": []}));
        layout
    }

    /// A layout that is there already.
    pub(crate) fn open(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// `index.json` as it stands.
    pub(crate) fn index(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path.join("index.json")).unwrap()).unwrap()
    }

    fn write_index(&self, index: &Value) {
        fs::write(self.path.join("index.json"), index.to_string()).unwrap();
    }

    /// Stores content without a name.
    pub(crate) fn insert(&self, media_type: &str, bytes: &[u8]) -> Descriptor {
        let node = Descriptor::of(media_type, bytes);
        fs::write(self.blob_path(&node), bytes).unwrap();
        node
    }

    /// Stores an artifact of files, each a title and its bytes.
    pub(crate) fn insert_artifact(&self, artifact_type: &str, files: &[(&str, &[u8])]) -> Descriptor {
        self.insert_packed(artifact_type, files, None)
    }

    /// As [`insert_artifact`](Self::insert_artifact), attached to a subject.
    pub(crate) fn insert_referrer(
        &self,
        subject: &Descriptor,
        artifact_type: &str,
        files: &[(&str, &[u8])],
    ) -> Descriptor {
        self.insert_packed(artifact_type, files, Some(subject))
    }

    fn insert_packed(&self, kind: &str, files: &[(&str, &[u8])], subject: Option<&Descriptor>) -> Descriptor {
        let packed = pack(kind, files, subject);
        for (node, bytes) in packed.blobs {
            self.insert(&node.media_type, &bytes);
        }
        let mut node = self.insert(media_type::IMAGE_MANIFEST, &packed.manifest);
        node.artifact_type = Some(kind.to_owned());
        self.list(&node);
        node
    }

    /// Adds an entry to `index.json`.
    pub(crate) fn list(&self, node: &Descriptor) {
        let mut index = self.index();
        index["manifests"].as_array_mut().unwrap().push(json!(node));
        self.write_index(&index);
    }

    /// Names content, instead of its entry without a name if there is one.
    pub(crate) fn tag(&self, tag: &str, node: &Descriptor) {
        let mut index = self.index();
        let entries = index["manifests"].as_array_mut().unwrap();
        entries.retain(|entry| entry["digest"] != json!(node.digest) || entry["annotations"].is_object());
        self.write_index(&index);
        let mut named = node.clone();
        named.annotations.insert(keys::REF_NAME.to_owned(), tag.to_owned());
        self.list(&named);
    }

    /// Names in `index.json`, sorted.
    pub(crate) fn tags(&self) -> Vec<String> {
        let index = self.index();
        let entries = index["manifests"].as_array().unwrap();
        let names = entries.iter().filter_map(|entry| entry["annotations"][keys::REF_NAME].as_str());
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Where a blob or manifest lies.
    pub(crate) fn blob_path(&self, node: &Descriptor) -> PathBuf {
        let digest = &node.digest;
        self.path.join("blobs").join(digest.algorithm().as_str()).join(digest.encoded())
    }
}
