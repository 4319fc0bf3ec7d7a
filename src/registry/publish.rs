//! The list of referrers under a tag, which we keep where a registry has no API for it.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Result, manifests::is_not_found, repository::Inner};
use crate::oci::{Descriptor, Digest, json as oci_json, media_type};

impl Inner {
    /// Adds an entry to the list of a subject's referrers.
    pub(crate) async fn publish(&self, subject: &Digest, entry: Descriptor) -> Result<()> {
        let tag = subject.referrers_tag();
        let mut list = self.read_list(&tag).await?;
        if list.add(&entry) {
            self.write_list(&tag, &list).await?;
        }
        Ok(())
    }

    /// Takes an entry off the list of a subject's referrers.
    pub(crate) async fn unlist_referrer(&self, subject: &Digest, referrer: &Digest) -> Result<()> {
        let tag = subject.referrers_tag();
        let mut list = self.read_list(&tag).await?;
        if list.remove(referrer) {
            self.write_list(&tag, &list).await?;
        }
        Ok(())
    }

    async fn read_list(&self, tag: &str) -> Result<List> {
        match self.fetch_manifest(tag, &[media_type::IMAGE_INDEX.to_owned()]).await {
            Ok((node, bytes)) => List::parse(&node, &bytes).map_err(|reason| super::Error::Protocol {
                method: "GET".to_owned(),
                url: self.client.endpoint().manifest(&self.name, tag).into(),
                reason,
            }),
            Err(error) if is_not_found(&error) => Ok(List::default()),
            Err(error) => Err(error),
        }
    }

    async fn write_list(&self, tag: &str, list: &List) -> Result<()> {
        let bytes = list.to_bytes();
        let node = Descriptor::of(media_type::IMAGE_INDEX, &bytes);
        self.put_manifest(tag, &node, bytes).await.map(drop)
    }
}

/// An index whose unknown members and malformed entries are kept as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct List {
    members: Map<String, Value>,
    entries: Vec<Value>,
}

impl List {
    fn parse(node: &Descriptor, bytes: &[u8]) -> Result<Self, String> {
        if node.media_type != media_type::IMAGE_INDEX {
            return Err(format!("the tag of the referrers names a {}", node.media_type));
        }
        let mut members: Map<String, Value> = serde_json::from_slice(bytes)
            .map_err(|error| format!("the list of the referrers is malformed: {error}"))?;
        let entries = match members.remove("manifests") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(entries)) => entries,
            Some(_) => return Err("the list of the referrers is malformed".to_owned()),
        };
        Ok(Self { members, entries })
    }

    /// Adds an entry behind the others. Returns whether it was not there.
    fn add(&mut self, entry: &Descriptor) -> bool {
        if self.has(&entry.digest) {
            return false;
        }
        self.entries.push(json!(entry));
        true
    }

    /// Removes all entries of a digest. Returns whether there were any.
    fn remove(&mut self, digest: &Digest) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| !is_about(entry, digest));
        self.entries.len() < before
    }

    fn has(&self, digest: &Digest) -> bool {
        self.entries.iter().any(|entry| is_about(entry, digest))
    }

    fn to_bytes(&self) -> Bytes {
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

fn is_about(entry: &Value, digest: &Digest) -> bool {
    entry.get("digest").and_then(Value::as_str) == Some(&*digest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> List {
        List::parse(&Descriptor::of(media_type::IMAGE_INDEX, text.as_bytes()), text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_not_understood_is_kept() {
        let mut list = list(
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
        assert!(list.remove(&entry.digest));
        assert!(!list.remove(&entry.digest));
    }

    #[test]
    fn a_new_list_has_exactly_the_members_of_the_reference() {
        let mut list = List::default();
        list.add(&Descriptor::of("a/b", b"x"));
        assert!(list.to_bytes().starts_with(
            br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"#
        ));
        list.remove(&Digest::of(b"x"));
        assert!(list.to_bytes().ends_with(br#""manifests":[]}"#));
    }

    #[test]
    fn what_is_no_list_is_not_touched() {
        for text in ["[]", "nonsense", r#"{"manifests":{}}"#] {
            let node = Descriptor::of(media_type::IMAGE_INDEX, text.as_bytes());
            assert!(List::parse(&node, text.as_bytes()).is_err(), "{text}");
        }
        assert!(List::parse(&Descriptor::of(media_type::IMAGE_MANIFEST, b"{}"), b"{}").is_err());
    }
}
