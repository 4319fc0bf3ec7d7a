//! Outcomes as JSON, in the keys that scripts rely on.

use serde_json::{Map, Value, json};

use crate::oci::{Annotations, Descriptor};

/// A descriptor with the reference under which it can be fetched.
pub(crate) fn descriptor(name: &str, node: &Descriptor) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("reference".into(), format!("{name}@{}", node.digest).into());
    object.insert("mediaType".into(), node.media_type.clone().into());
    object.insert("digest".into(), node.digest.to_string().into());
    object.insert("size".into(), node.size.into());
    if !node.annotations.is_empty() {
        object.insert("annotations".into(), annotations(&node.annotations));
    }
    if let Some(artifact_type) = node.artifact_type.as_ref().filter(|kind| !kind.is_empty()) {
        object.insert("artifactType".into(), artifact_type.clone().into());
    }
    object
}

/// Annotations, sorted by key.
pub(crate) fn annotations(annotations: &Annotations) -> Value {
    json!(annotations)
}

/// A manifest as generic JSON: keys sorted, numbers as 64-bit floats print them; `null` unless it is an
/// object.
pub(crate) fn content(bytes: &[u8]) -> Value {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(object)) => generic(Value::Object(object)),
        _ => Value::Null,
    }
}

fn generic(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.into_iter().map(|(key, value)| (key, generic(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(generic).collect(),
        Value::Number(number) => number.as_f64().map_or(Value::Number(number), float),
        other => other,
    }
}

/// A number as a 64-bit float prints it: plainly up to 10^21.
fn float(number: f64) -> Value {
    let text = match number.abs() {
        size if size >= 1e21 || (size > 0.0 && size < 1e-6) => {
            let text = format!("{number:e}");
            if text.contains("e-") { text } else { text.replace('e', "e+") }
        }
        _ => format!("{number}"),
    };
    serde_json::from_str(&text).unwrap_or_else(|_| json!(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_shown_with_sorted_keys_and_rounded_numbers() {
        let shown = content(br#"{"b":{"z":1,"a":[9007199254740993,1.5,1e21]},"a":2e0}"#);
        assert_eq!(shown.to_string(), r#"{"a":2,"b":{"a":[9007199254740992,1.5,1e+21],"z":1}}"#);
        assert_eq!(content(b"[1]"), Value::Null);
    }
}
