//! Annotations: well-known keys, and the file format that gives them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::Error;

/// Key-value pairs, sorted by the bytes of their keys as they are written.
pub type Annotations = BTreeMap<String, String>;

/// Annotation keys with a meaning for this client.
pub mod keys {
    /// Name of the file that a layer is.
    pub const TITLE: &str = "org.opencontainers.image.title";
    /// When the artifact was made, as RFC 3339.
    pub const CREATED: &str = "org.opencontainers.image.created";
    /// The same in the artifact manifest that release candidates of the image specification 1.1 had.
    pub const ARTIFACT_CREATED: &str = "org.opencontainers.artifact.created";
    /// The same in the artifact manifest of the CNCF ORAS project.
    pub const ORAS_ARTIFACT_CREATED: &str = "io.cncf.oras.artifact.created";
    /// The tag of an entry in a layout's `index.json`.
    pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
    /// Digest of a folder's tar before compression.
    pub const CONTENT_DIGEST: &str = "io.deis.oras.content.digest";
    /// `true` on a layer that is a packed folder and is unpacked when pulled.
    pub const CONTENT_UNPACK: &str = "io.deis.oras.content.unpack";
}

/// Annotations for the manifest, the config and each file, as `--annotation-file` gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnnotationFile {
    sections: BTreeMap<String, Annotations>,
}

impl AnnotationFile {
    /// Section of the manifest.
    pub const MANIFEST: &'static str = "$manifest";
    /// Section of the config.
    pub const CONFIG: &'static str = "$config";

    /// Annotations of the manifest only.
    #[must_use]
    pub fn of_manifest(annotations: Annotations) -> Self {
        Self { sections: BTreeMap::from([(Self::MANIFEST.to_owned(), annotations)]) }
    }

    /// Parses an object of objects of strings. Text behind the first JSON value is ignored.
    ///
    /// # Errors
    /// The text is not JSON of that shape; the error names the section or key.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let refuse = |reason: String| Error::InvalidAnnotations(reason);
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        let first = serde_json::Deserializer::from_slice(text).into_iter::<Value>().next();
        let document = first
            .ok_or_else(|| refuse("the file is empty".into()))?
            .map_err(|error| refuse(error.to_string()))?;
        let members = match document {
            Value::Null => return Ok(Self::default()),
            Value::Object(members) => members,
            _ => return Err(refuse("not a JSON object".into())),
        };
        let mut sections = BTreeMap::new();
        for (name, section) in members {
            let annotations = match section {
                Value::Null => Annotations::new(),
                Value::Object(pairs) => pairs
                    .into_iter()
                    .map(|(key, value)| match value {
                        Value::String(text) => Ok((key, text)),
                        Value::Null => Ok((key, String::new())),
                        _ => Err(refuse(format!("the value of {key:?} in {name:?} is not a string"))),
                    })
                    .collect::<Result<_, _>>()?,
                _ => return Err(refuse(format!("the section {name:?} is not a JSON object"))),
            };
            sections.insert(name, annotations);
        }
        Ok(Self { sections })
    }

    /// Annotations for the manifest.
    #[must_use]
    pub fn manifest(&self) -> Annotations {
        self.section(Self::MANIFEST)
    }

    /// Annotations for the config.
    #[must_use]
    pub fn config(&self) -> Annotations {
        self.section(Self::CONFIG)
    }

    /// Annotations for the file whose path was typed so.
    #[must_use]
    pub fn file(&self, path: &str) -> Annotations {
        self.section(path)
    }

    fn section(&self, name: &str) -> Annotations {
        self.sections.get(name).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_by_name() {
        let file = AnnotationFile::parse(
            br#"{"$manifest":{"m":"1"},"$config":{"c":"2"},"hi.txt":{"f":"3"},"e":null} trailing"#,
        )
        .unwrap();
        assert_eq!(file.manifest(), Annotations::from([("m".into(), "1".into())]));
        assert_eq!(file.config(), Annotations::from([("c".into(), "2".into())]));
        assert_eq!(file.file("hi.txt"), Annotations::from([("f".into(), "3".into())]));
        assert!(file.file("./hi.txt").is_empty());
        assert_eq!(AnnotationFile::parse(b"null").unwrap(), AnnotationFile::default());
    }

    #[test]
    fn another_shape_is_refused_by_name() {
        for (text, named) in [
            ("", "empty"),
            ("{", "EOF"),
            ("[]", "object"),
            (r#"{"a":[]}"#, "\"a\""),
            (r#"{"a":{"k":1}}"#, "\"k\""),
        ] {
            let error = AnnotationFile::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_written_in_a_file_of_annotations_is_read(
            pairs in proptest::collection::btree_map(".{0,8}", ".{0,8}", 0..4),
            name in "[a-z$./]{0,8}",
        ) {
            let text = serde_json::json!({ name.clone(): pairs.clone() }).to_string();
            proptest::prop_assert_eq!(AnnotationFile::parse(text.as_bytes()).unwrap().file(&name), pairs);
        }

        #[test]
        fn any_file_of_annotations_is_read_or_refused(text in "[\\[\\]{}\",:a-z$ ]{0,40}") {
            let _ = AnnotationFile::parse(text.as_bytes());
        }
    }
}
