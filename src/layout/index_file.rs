//! `index.json`: which manifests a layout has, and their tags *(pure)*.
//!
//! Implements image-spec v1.1, "index.json file".

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Serialize, Serializer,
    de::{Deserializer, MapAccess, Visitor},
    ser::SerializeMap as _,
};
use serde_json::{Map, Value};

use crate::oci::{Descriptor, Digest, json, keys, media_type};

/// The list of manifests, found by tag and by digest.
#[derive(Debug, Clone)]
pub(super) struct IndexFile {
    /// Everything but the manifests, in the order of the file; members that nobody knows are kept.
    members: Map<String, Value>,
    entries: Entries,
}

/// One change to the list.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// A manifest is there; changes nothing if it is listed.
    List(Descriptor),
    /// A manifest has a tag, which it may take from another.
    Tag(Descriptor, String),
    /// Content is gone, and all its tags with it.
    Drop(Digest),
}

/// A list without members of its own.
impl Default for IndexFile {
    fn default() -> Self {
        let mut members = Map::new();
        members.insert("schemaVersion".into(), 2.into());
        members.insert("mediaType".into(), media_type::IMAGE_INDEX.into());
        Self { members, entries: Entries::default() }
    }
}

impl IndexFile {
    /// Reads the file.
    pub(super) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// The bytes of the file: tagged manifests first, then the others, each in the order in which they came.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        json::to_vec(self)
    }

    /// The same list with the manifests in an order that does not depend on how they came: by tag, then by
    /// digest.
    pub(super) fn sorted(self) -> Self {
        let mut entries: Vec<_> = self.entries.all().cloned().collect();
        entries.sort_by(|a, b| (tag_of(a), &a.digest).cmp(&(tag_of(b), &b.digest)));
        let mut sorted = Self { members: self.members, entries: Entries::default() };
        entries.into_iter().for_each(|entry| sorted.entries.add(entry));
        sorted
    }

    /// Changes the list.
    pub(super) fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::List(node) => self.entries.list(node),
            Edit::Tag(node, tag) => self.entries.tag(node, tag),
            Edit::Drop(digest) => self.entries.remove(digest),
        }
    }

    /// The entry of a tag.
    pub(super) fn tagged(&self, tag: &str) -> Option<&Descriptor> {
        self.entries.tagged(tag)
    }

    /// The first entry of a digest.
    pub(super) fn listed(&self, digest: &Digest) -> Option<&Descriptor> {
        self.entries.of(digest).next()
    }

    /// Does any entry of this digest have a tag?
    pub(super) fn is_tagged(&self, digest: &Digest) -> bool {
        self.entries.of(digest).any(|entry| tag_of(entry).is_some())
    }

    /// All tags, in no order.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.entries.by_tag.keys().map(String::as_str)
    }

    /// All entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Descriptor> {
        self.entries.all()
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.all().count()
    }
}

/// The entries with ways to find them. An entry that is gone leaves a hole, so that places stay what they are.
#[derive(Debug, Clone, Default)]
struct Entries {
    places: Vec<Option<Descriptor>>,
    by_tag: HashMap<String, usize>,
    by_digest: HashMap<Digest, Vec<usize>>,
}

impl Entries {
    fn all(&self) -> impl Iterator<Item = &Descriptor> {
        self.places.iter().flatten()
    }

    fn of(&self, digest: &Digest) -> impl Iterator<Item = &Descriptor> {
        let places = self.by_digest.get(digest).into_iter().flatten();
        places.filter_map(|place| self.places[*place].as_ref())
    }

    fn tagged(&self, tag: &str) -> Option<&Descriptor> {
        self.places[*self.by_tag.get(tag)?].as_ref()
    }

    fn add(&mut self, entry: Descriptor) {
        let place = self.places.len();
        if let Some(tag) = tag_of(&entry) {
            self.by_tag.insert(tag.to_owned(), place);
        }
        self.by_digest.entry(entry.digest.clone()).or_default().push(place);
        self.places.push(Some(entry));
    }

    fn take(&mut self, place: usize) -> Option<Descriptor> {
        let entry = self.places[place].take()?;
        if let Some(tag) = tag_of(&entry)
            && self.by_tag.get(tag) == Some(&place)
        {
            self.by_tag.remove(tag);
        }
        if let Some(places) = self.by_digest.get_mut(&entry.digest) {
            places.retain(|other| *other != place);
            if places.is_empty() {
                self.by_digest.remove(&entry.digest);
            }
        }
        Some(entry)
    }

    fn list(&mut self, node: &Descriptor) {
        if !self.by_digest.contains_key(&node.digest) {
            self.add(untagged(node.clone()));
        }
    }

    fn tag(&mut self, node: &Descriptor, tag: &str) {
        let before = self.by_tag.get(tag).copied().and_then(|place| self.take(place));
        let untagged_places: Vec<_> =
            self.by_digest.get(&node.digest).into_iter().flatten().copied().collect();
        for place in untagged_places {
            if self.places[place].as_ref().is_some_and(|entry| tag_of(entry).is_none()) {
                self.take(place);
            }
        }
        let mut entry = node.clone();
        entry.annotations.insert(keys::REF_NAME.to_owned(), tag.to_owned());
        self.add(entry);
        // What had the tag before can still be found by its digest.
        if let Some(before) = before {
            self.list(&before);
        }
    }

    fn remove(&mut self, digest: &Digest) {
        for place in self.by_digest.get(digest).cloned().unwrap_or_default() {
            self.take(place);
        }
    }
}

/// The tag of an entry.
fn tag_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(keys::REF_NAME).map(String::as_str).filter(|tag| !tag.is_empty())
}

fn untagged(mut node: Descriptor) -> Descriptor {
    node.annotations.remove(keys::REF_NAME);
    node
}

impl Serialize for IndexFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The order of the specification; what it does not know follows.
        let before = ["schemaVersion", "mediaType", "artifactType"];
        let mut map = serializer.serialize_map(None)?;
        for name in before {
            if let Some(value) = self.members.get(name) {
                map.serialize_entry(name, value)?;
            }
        }
        let is_tagged = |entry: &&Descriptor| tag_of(entry).is_some();
        let (tagged, others): (Vec<_>, Vec<_>) = self.entries.all().partition(is_tagged);
        map.serialize_entry("manifests", &[tagged, others].concat())?;
        for (name, value) in self.members.iter().filter(|(name, _)| !before.contains(&name.as_str())) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for IndexFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

/// Reads entries straight into place, since there may be very many.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = IndexFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an image index")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<IndexFile, A::Error> {
        let mut index = IndexFile { members: Map::new(), entries: Entries::default() };
        while let Some(name) = map.next_key::<String>()? {
            if name == "manifests" {
                let manifests: Option<Vec<Descriptor>> = map.next_value()?;
                manifests.into_iter().flatten().for_each(|entry| index.entries.add(entry));
            } else {
                index.members.insert(name, map.next_value()?);
            }
        }
        Ok(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> Descriptor {
        Descriptor::of(media_type::IMAGE_MANIFEST, name.as_bytes())
    }

    fn apply(index: &mut IndexFile, edits: impl IntoIterator<Item = Edit>) {
        edits.into_iter().for_each(|edit| index.apply(&edit));
    }

    /// `tag=content` or `content` for each entry, in the order of the file.
    fn shown(index: &IndexFile) -> Vec<String> {
        let names = ["a", "b", "c"];
        let written = IndexFile::parse(&index.to_bytes()).unwrap();
        let name =
            |entry: &Descriptor| names.into_iter().find(|name| node(name).digest == entry.digest).unwrap();
        let show = |entry: &Descriptor| match tag_of(entry) {
            Some(tag) => format!("{tag}={}", name(entry)),
            None => name(entry).to_owned(),
        };
        written.entries().map(show).collect()
    }

    #[test]
    fn a_new_list_has_the_known_bytes() {
        assert_eq!(
            IndexFile::default().to_bytes(),
            br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#
        );
    }

    #[test]
    fn an_entry_has_the_fields_of_the_descriptor_and_its_tag() {
        let mut index = IndexFile::default();
        let mut tagged = node("a");
        tagged.annotations.insert("k".into(), "v".into());
        tagged.artifact_type = Some("t/1".into());
        apply(&mut index, [Edit::Tag(tagged.clone(), "v1".into())]);
        let text = String::from_utf8(index.to_bytes()).unwrap();
        let annotations =
            r#""annotations":{"k":"v","org.opencontainers.image.ref.name":"v1"},"artifactType":"t/1"}]}"#;
        assert!(text.ends_with(annotations), "{text}");
    }

    #[test]
    fn a_tag_moves_and_leaves_the_manifest_behind() {
        let mut index = IndexFile::default();
        apply(&mut index, [Edit::List(node("a")), Edit::Tag(node("a"), "v1".into())]);
        assert_eq!(shown(&index), ["v1=a"]);
        apply(&mut index, [Edit::Tag(node("b"), "v1".into())]);
        assert_eq!(shown(&index), ["v1=b", "a"]);
        apply(&mut index, [Edit::Tag(node("b"), "v2".into()), Edit::Tag(node("a"), "v1".into())]);
        assert_eq!(shown(&index), ["v2=b", "v1=a"]);
        assert!(index.is_tagged(&node("b").digest));
    }

    #[test]
    fn the_same_tag_again_replaces_its_entry() {
        let mut index = IndexFile::default();
        let mut richer = node("a");
        richer.artifact_type = Some("t/1".into());
        apply(&mut index, [Edit::Tag(node("a"), "v1".into()), Edit::Tag(richer, "v1".into())]);
        assert_eq!(shown(&index), ["v1=a"]);
        assert_eq!(index.tagged("v1").unwrap().artifact_type.as_deref(), Some("t/1"));
    }

    #[test]
    fn a_manifest_that_is_listed_is_not_listed_twice() {
        let mut index = IndexFile::default();
        apply(&mut index, [Edit::Tag(node("a"), "v1".into()), Edit::List(node("a")), Edit::List(node("b"))]);
        apply(&mut index, [Edit::List(node("b"))]);
        assert_eq!(shown(&index), ["v1=a", "b"]);
    }

    #[test]
    fn what_is_gone_loses_all_its_tags() {
        let mut index = IndexFile::default();
        apply(&mut index, ["v1", "v2"].map(|tag| Edit::Tag(node("a"), tag.into())));
        apply(
            &mut index,
            [Edit::List(node("b")), Edit::Drop(node("a").digest), Edit::Drop(node("c").digest)],
        );
        assert_eq!(shown(&index), ["b"]);
        assert!(index.tagged("v1").is_none() && index.listed(&node("a").digest).is_none());
    }

    #[test]
    fn members_that_nobody_knows_are_kept() {
        let text = r#"{"x":1.50,"schemaVersion":2,"manifests":null,"annotations":{"k":"v"},"artifactType":"t/1","y":[{}]}"#;
        assert_eq!(
            String::from_utf8(IndexFile::parse(text.as_bytes()).unwrap().to_bytes()).unwrap(),
            r#"{"schemaVersion":2,"artifactType":"t/1","manifests":[],"x":1.50,"annotations":{"k":"v"},"y":[{}]}"#
        );
    }

    #[test]
    fn another_shape_is_refused() {
        for text in
            ["", "[]", "1", r#"{"manifests":{}}"#, r#"{"manifests":[{"digest":"sha256:abc","size":1}]}"#]
        {
            assert!(IndexFile::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = IndexFile::parse(text.as_bytes());
        }

        /// However edits come, each tag and each manifest is there once, and reading back changes nothing.
        #[test]
        fn edits_keep_the_list_whole(
            edits in proptest::collection::vec((0..3_usize, 0..3_usize, 0..3_usize), 0..40),
        ) {
            let (names, tags) = (["a", "b", "c"], ["v1", "v2", "v3"]);
            let mut index = IndexFile::default();
            for (kind, name, tag) in edits {
                index.apply(&match kind {
                    0 => Edit::List(node(names[name])),
                    1 => Edit::Tag(node(names[name]), tags[tag].into()),
                    _ => Edit::Drop(node(names[name]).digest),
                });
            }
            let entries = shown(&index);
            let mut unique = entries.clone();
            unique.sort();
            unique.dedup();
            proptest::prop_assert_eq!(unique.len(), entries.len());
            let tagged: Vec<_> = entries.iter().filter_map(|entry| entry.split_once('=')).collect();
            for (tag, name) in &tagged {
                proptest::prop_assert_eq!(&index.tagged(tag).unwrap().digest, &node(name).digest);
            }
            for name in entries.iter().filter(|entry| !entry.contains('=')) {
                proptest::prop_assert!(tagged.iter().all(|(_, other)| other != name));
            }
            let again = IndexFile::parse(&index.to_bytes()).unwrap().to_bytes();
            proptest::prop_assert_eq!(again, index.to_bytes());
        }
    }
}
