//! An index that is being made or changed. *(pure)*
//!
//! What other writers put into an index beyond the specification stays where it was: in the document, in an
//! entry, and in the platform of an entry. What the specification knows is written in its order.

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::oci::{Annotations, Descriptor, Digest, Error, Result, json as oci_json, media_type};

/// Members of an index that the specification knows.
const INDEX: &[&str] = &["schemaVersion", "mediaType", "artifactType", "manifests", "subject", "annotations"];

/// Members of a descriptor that the specification knows.
const DESCRIPTOR: &[&str] =
    &["mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"];

/// Members of a platform that the specification knows.
const PLATFORM: &[&str] = &["architecture", "os", "os.version", "os.features", "variant"];

/// An index that is being made or changed.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    media_type: String,
    /// Everything but the manifests.
    members: Map<String, Value>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    digest: Digest,
    value: Value,
}

impl Draft {
    /// An index without manifests.
    pub(super) fn empty(artifact_type: Option<&str>, annotations: &Annotations) -> Self {
        let mut members = Map::new();
        if !annotations.is_empty() {
            members.insert("annotations".to_owned(), json!(annotations));
        }
        let mut draft = Self { media_type: media_type::IMAGE_INDEX.to_owned(), members, entries: Vec::new() };
        draft.set_artifact_type(artifact_type.unwrap_or_default());
        draft
    }

    /// Reads an index that is stored as the given media type; its own member of that name wins.
    ///
    /// # Errors
    /// The bytes are no index.
    pub(super) fn parse(media_type: &str, bytes: &[u8]) -> Result<Self> {
        let refuse = |reason: String| Error::InvalidDocument { media_type: media_type.to_owned(), reason };
        let mut members: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        let own = match members.get("mediaType") {
            None | Some(Value::Null) => "",
            Some(Value::String(own)) => own,
            Some(_) => return Err(refuse("its media type is no text".to_owned())),
        };
        let media_type = if own.is_empty() { media_type } else { own }.to_owned();
        if !media_type::is_index(&media_type) {
            return Err(refuse(format!("it calls itself {media_type}")));
        }
        let manifests = match members.remove("manifests") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(manifests)) => manifests,
            Some(_) => return Err(refuse("its manifests are no list".to_owned())),
        };
        let entries = manifests.iter().map(Entry::read).collect::<serde_json::Result<_>>();
        let entries =
            entries.map_err(|error| refuse(format!("one of its manifests is malformed: {error}")))?;
        Ok(Self { media_type, members, entries })
    }

    /// What it is stored as.
    pub(super) fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Is the digest among its manifests?
    pub(super) fn lists(&self, digest: &Digest) -> bool {
        self.entries.iter().any(|entry| entry.digest == *digest)
    }

    /// Takes out all entries of a digest.
    pub(super) fn remove(&mut self, digest: &Digest) {
        self.entries.retain(|entry| entry.digest != *digest);
    }

    /// Adds an entry behind the others, even if there is one like it.
    pub(super) fn add(&mut self, entry: &Descriptor) {
        self.entries.push(Entry { digest: entry.digest.clone(), value: json!(entry) });
    }

    /// Adds the entries of another index behind the others, as they are.
    pub(super) fn merge(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// Says what kind of artifact it is; the empty text means none.
    pub(super) fn set_artifact_type(&mut self, artifact_type: &str) {
        self.members.shift_remove("artifactType");
        if !artifact_type.is_empty() {
            self.members.insert("artifactType".to_owned(), artifact_type.into());
        }
    }

    /// The bytes that its digest is taken of.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut document = Map::new();
        let mut write = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                document.insert(name.to_owned(), value);
            }
        };
        let member = |name: &str| self.members.get(name).filter(|value| !is_empty(value)).cloned();
        write("schemaVersion", Some(member("schemaVersion").unwrap_or_else(|| json!(2))));
        write("mediaType", Some(self.media_type.as_str().into()));
        write("artifactType", member("artifactType"));
        write("manifests", Some(self.entries.iter().map(|entry| entry.value.clone()).collect()));
        write("subject", member("subject"));
        write("annotations", member("annotations").map(sorted));
        let unknown = self.members.iter().filter(|(name, _)| !INDEX.contains(&name.as_str()));
        document.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
        oci_json::to_vec(&document)
    }
}

impl Entry {
    fn read(value: &Value) -> serde_json::Result<Self> {
        let descriptor = Descriptor::deserialize(value)?;
        let mut arranged = arrange(json!(descriptor), value, DESCRIPTOR);
        if let (Some(known), Some(original)) = (arranged.get("platform"), value.get("platform")) {
            let platform = arrange(known.clone(), original, PLATFORM);
            arranged.insert("platform".to_owned(), platform.into());
        }
        Ok(Self { digest: descriptor.digest, value: arranged.into() })
    }
}

/// What is known of an object in the order of the specification, and behind it what else the original has.
fn arrange(known: Value, original: &Value, names: &[&str]) -> Map<String, Value> {
    let mut arranged = match known {
        Value::Object(known) => known,
        _ => Map::new(),
    };
    let unknown =
        original.as_object().into_iter().flatten().filter(|(name, _)| !names.contains(&name.as_str()));
    arranged.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
    arranged
}

/// Would the specification leave the member out?
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(mut members) => {
            members.sort_keys();
            Value::Object(members)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = r#"{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;

    fn text(draft: &Draft) -> String {
        String::from_utf8(draft.to_bytes()).unwrap()
    }

    fn parse(text: &str) -> Result<Draft> {
        Draft::parse(media_type::IMAGE_INDEX, text.as_bytes())
    }

    #[test]
    fn a_new_index_has_only_what_it_needs() {
        let draft = Draft::empty(None, &Annotations::new());
        let plain =
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
        assert_eq!(text(&draft), plain);
        let annotations = [("z", "1"), ("a", "<")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut draft = Draft::empty(Some("x/y"), &Annotations::from(annotations));
        draft.add(&serde_json::from_str(A).unwrap());
        let expected = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","artifactType":"x/y","manifests":[{A}],"annotations":{{"a":"\u003c","z":"1"}}}}"#
        );
        assert_eq!(text(&draft), expected);
    }

    #[test]
    fn known_members_come_in_their_order_and_unknown_ones_stay() {
        let draft = parse(
            r#"{"x":1.50,"n":null,"artifactType":"","annotations":{"b":"1","a":"2"},"manifests":[{"size":2,"y":true,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","annotations":{},"platform":{"features":["sse4"],"os":"linux","architecture":"amd64"},"mediaType":"a/b"}],"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","schemaVersion":2,"subject":null}"#,
        );
        let expected = r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"platform":{"architecture":"amd64","os":"linux","features":["sse4"]},"y":true}],"annotations":{"a":"2","b":"1"},"x":1.50,"n":null}"#;
        let draft = draft.unwrap();
        assert_eq!(text(&draft), expected);
        assert_eq!(draft.media_type(), media_type::DOCKER_MANIFEST_LIST);
    }

    #[test]
    fn an_index_that_does_not_say_what_it_is_is_what_it_is_stored_as() {
        let draft = parse(r#"{"manifests":null}"#).unwrap();
        assert_eq!(
            text(&draft),
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#
        );
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for bad in [
            "[]",
            "nonsense",
            r#"{"manifests":{}}"#,
            r#"{"manifests":[{}]}"#,
            r#"{"mediaType":1}"#,
            r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn entries_are_removed_by_digest_and_added_again_and_again() {
        let mut draft = parse(&format!(r#"{{"manifests":[{A},{A}]}}"#)).unwrap();
        let a: Descriptor = serde_json::from_str(A).unwrap();
        assert!(draft.lists(&a.digest) && !draft.lists(&Digest::of(b"x")));
        draft.merge(draft.clone());
        draft.remove(&Digest::of(b"x"));
        assert_eq!(draft.entries.len(), 4);
        draft.remove(&a.digest);
        assert!(!draft.lists(&a.digest));
    }

    #[test]
    fn an_empty_artifact_type_takes_the_member_away() {
        let mut draft = parse(r#"{"artifactType":"a/b"}"#).unwrap();
        assert!(text(&draft).contains(r#","artifactType":"a/b","manifests":"#));
        draft.set_artifact_type("c/d");
        assert!(text(&draft).contains(r#","artifactType":"c/d","manifests":"#));
        draft.set_artifact_type("");
        assert!(!text(&draft).contains("artifactType"));
    }
}
