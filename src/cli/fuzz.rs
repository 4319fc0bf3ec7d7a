//! What must hold for any text that is given as a template.

use serde_json::json;

use super::output::template::Template;

/// A template ends, with a text or an error.
pub(crate) fn template(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let Ok(template) = Template::parse(source) else { return };
    let _ = template.render(&json!({
        "reference": "localhost:5000/a@sha256:0",
        "size": 12,
        "list": [1, 2.5, "x", null, true],
        "annotations": { "a": "b", "c.d/e": "f" },
    }));
}
