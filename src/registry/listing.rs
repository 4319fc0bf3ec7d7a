//! A list of referrers as it stands in an index (pure).

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::oci::{Descriptor, json as oci_json, media_type};

/// An index whose unknown members and malformed entries are kept as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Listing {
    members: Map<String, Value>,
    entries: Vec<Value>,
}

impl Listing {
    /// Reads an index; `None` when it is none.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut members: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
        let entries = match members.remove("manifests") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(entries)) => entries,
            Some(_) => return None,
        };
        Some(Self { members, entries })
    }

    /// Is there nothing in it that anybody could miss?
    pub(crate) fn is_empty(&self) -> bool {
        let usual = |name: &String| matches!(&**name, "schemaVersion" | "mediaType");
        self.entries.is_empty() && self.members.keys().all(usual)
    }

    /// The digests of all entries that have one.
    pub(crate) fn digests(&self) -> Vec<String> {
        self.entries.iter().filter_map(digest_of).map(str::to_owned).collect()
    }

    /// Is there an entry of this digest?
    pub(crate) fn has(&self, digest: &str) -> bool {
        self.entries.iter().any(|entry| digest_of(entry) == Some(digest))
    }

    /// Adds an entry behind the others. Returns whether it was not there.
    pub(crate) fn add(&mut self, entry: &Descriptor) -> bool {
        let is_new = !self.has(&entry.digest.to_string());
        if is_new {
            self.entries.push(json!(entry));
        }
        is_new
    }

    /// Adds the entry of another list. Returns whether it was not there.
    pub(crate) fn add_from(&mut self, other: &Self, digest: &str) -> bool {
        let entry = other.entries.iter().find(|entry| digest_of(entry) == Some(digest));
        match entry.filter(|_| !self.has(digest)) {
            Some(entry) => {
                self.entries.push(entry.clone());
                true
            }
            None => false,
        }
    }

    /// Removes all entries of a digest. Returns whether there were any.
    pub(crate) fn remove(&mut self, digest: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| digest_of(entry) != Some(digest));
        self.entries.len() < before
    }

    /// Adds the entries of another list that this one does not have.
    pub(crate) fn merge(&mut self, other: &Self) {
        for entry in &other.entries {
            if digest_of(entry).is_some_and(|digest| !self.has(digest)) {
                self.entries.push(entry.clone());
            }
        }
    }

    /// Digests that another list has and this one has not.
    pub(crate) fn missing(&self, other: &Self) -> Vec<String> {
        let digests = other.entries.iter().filter_map(digest_of);
        digests.filter(|digest| !self.has(digest)).map(str::to_owned).collect()
    }

    /// The index, as it is written.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut document = Map::new();
        document.insert("schemaVersion".to_owned(), json!(2));
        document.insert("mediaType".to_owned(), json!(media_type::IMAGE_INDEX));
        document.insert("manifests".to_owned(), Value::Array(self.entries.clone()));
        for (name, value) in &self.members {
            document.entry(name.clone()).or_insert_with(|| value.clone());
        }
        oci_json::to_vec(&document).into()
    }
}

fn digest_of(entry: &Value) -> Option<&str> {
    entry.get("digest")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Digest;

    fn listing(text: &str) -> Listing {
        Listing::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_not_understood_is_kept() {
        let mut list = listing(
            r#"{"schemaVersion":2,"x":1.50,"manifests":[{"odd":true},{"digest":"no"}],"annotations":{"a":"b"}}"#,
        );
        let entry = Descriptor::of("a/b", b"x");
        assert!(list.add(&entry));
        assert!(!list.add(&entry));
        let expected = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{{"odd":true}},{{"digest":"no"}},{{"mediaType":"a/b","digest":"{}","size":1}}],"x":1.50,"annotations":{{"a":"b"}}}}"#,
            media_type::IMAGE_INDEX,
            entry.digest
        );
        assert_eq!(list.to_bytes(), expected);
        assert!(list.remove(&entry.digest.to_string()));
        assert!(!list.remove(&entry.digest.to_string()));
        assert!(!list.is_empty());
    }

    #[test]
    fn a_new_list_has_exactly_the_members_of_the_reference() {
        let mut list = Listing::default();
        list.add(&Descriptor::of("a/b", b"x"));
        let begin =
            br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"#;
        assert!(list.to_bytes().starts_with(begin));
        list.remove(&Digest::of(b"x").to_string());
        assert!(list.to_bytes().ends_with(br#""manifests":[]}"#));
        assert!(list.is_empty());
    }

    #[test]
    fn what_another_writer_has_dropped_is_found_and_put_back() {
        let mut seen = listing(r#"{"manifests":[{"digest":"a","x":1},{"digest":"b"}]}"#);
        let mut now = listing(r#"{"manifests":[{"digest":"b"},{"digest":"c"}]}"#);
        seen.merge(&now);
        assert_eq!(now.missing(&seen), ["a"]);
        assert!(now.add_from(&seen, "a"));
        assert!(now.missing(&seen).is_empty());
        assert!(String::from_utf8(now.to_bytes().to_vec()).unwrap().contains(r#"{"digest":"a","x":1}"#));
    }

    #[test]
    fn what_is_no_list_is_not_read() {
        for text in ["[]", "nonsense", r#"{"manifests":{}}"#] {
            assert_eq!(Listing::parse(text.as_bytes()), None, "{text}");
        }
        assert!(Listing::parse(br#"{"manifests":null}"#).is_some());
    }
}
