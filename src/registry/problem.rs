//! What the body of an error answer says (pure).

use std::fmt;

use serde_json::Value;

use super::trace::printable;

/// Most bytes of an error body that are read.
pub(crate) const READ_LIMIT: usize = 64 << 10;
/// Most characters of a server's text that are shown.
const SHOWN: usize = 2 << 10;
/// Most characters of a text that is no error document.
const SHOWN_TEXT: usize = 200;

/// One item of a registry's list of errors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// Code such as `MANIFEST_UNKNOWN`; empty when there was none.
    pub code: String,
    /// Explanation; may be empty.
    pub message: String,
    /// Anything else that the registry said.
    pub detail: Option<Value>,
}

impl fmt::Display for Problem {
    /// The code in lower case with blanks, then message and detail.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.to_lowercase().replace('_', " ");
        let mut text = printable(&code);
        if !self.message.is_empty() {
            text = format!("{text}: {}", printable(&self.message));
            if let Some(detail) = &self.detail {
                text = format!("{text}: {}", printable(&go_text(detail)));
            }
        }
        f.write_str(cut(&text, SHOWN))
    }
}

/// What an error body says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    /// The items of the specification's error document.
    pub list: Vec<Problem>,
    /// What another kind of body says, in one line.
    pub text: Option<String>,
}

impl Problems {
    /// Is one of the errors of this code? Letter case makes no difference.
    #[must_use]
    pub fn has(&self, code: &str) -> bool {
        self.list.iter().any(|problem| problem.code.eq_ignore_ascii_case(code))
    }

    /// Does some message contain this text? Letter case makes no difference.
    #[must_use]
    pub fn mentions(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        let texts = self.list.iter().map(|problem| problem.message.as_str()).chain(self.text.as_deref());
        texts.into_iter().any(|text| text.to_lowercase().contains(&words))
    }

    /// Reads an error body: the specification's document, or one of the forms seen elsewhere.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let body = body.trim_ascii();
        if let Ok(value) = serde_json::from_slice::<Value>(body) {
            return Self::from_json(&value);
        }
        let text = String::from_utf8_lossy(body);
        if text.starts_with('<') {
            return Self { text: from_markup(&text), ..Self::default() };
        }
        Self { text: one_line(&text, SHOWN_TEXT), ..Self::default() }
    }

    fn from_json(value: &Value) -> Self {
        let list: Vec<Problem> = match value.get("errors") {
            Some(Value::Array(items)) => items.iter().filter_map(problem).collect(),
            _ => Vec::new(),
        };
        if !list.is_empty() {
            return Self { list, text: None };
        }
        if value.get("code").is_some()
            && let Some(problem) = problem(value)
        {
            return Self { list: vec![problem], text: None };
        }
        let member = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let explanation = member("error_description").or(member("message")).or(member("details"));
        let text = match (member("error"), explanation) {
            (Some(error), Some(explanation)) => Some(format!("{error}: {explanation}")),
            (Some(text), None) | (None, Some(text)) => Some(text.to_owned()),
            (None, None) => value.as_str().map(str::to_owned),
        };
        Self { list, text: text.and_then(|text| one_line(&text, SHOWN)) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<String> = self.list.iter().map(ToString::to_string).collect();
        f.write_str(cut(&list.join("; "), SHOWN))
    }
}

fn problem(value: &Value) -> Option<Problem> {
    let word = |name: &str| match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    // Artifactory gives a numeric `status` and no code.
    let code = Some(word("code")).filter(|code| !code.is_empty()).unwrap_or_else(|| word("status"));
    let message = word("message");
    let detail = value.get("detail").filter(|detail| !detail.is_null()).cloned();
    value.is_object().then_some(Problem { code, message, detail })
}

/// A value as Go prints it by default: `map[a:[1 x] b:true]`.
fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => go_number(number.as_f64().unwrap_or_default()),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            let members = members.iter().map(|(key, value)| format!("{key}:{}", go_text(value)));
            format!("map[{}]", members.collect::<Vec<_>>().join(" "))
        }
    }
}

/// A number as Go prints a float: with an exponent of two digits below 1e-4 and from 1e21 on.
fn go_number(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-4..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// Storage services answer in XML, proxies in HTML.
fn from_markup(text: &str) -> Option<String> {
    let element = |name: &str| {
        let start = text.find(&format!("<{name}>"))? + name.len() + 2;
        let length = text[start..].find(&format!("</{name}>"))?;
        one_line(&text[start..start + length], SHOWN_TEXT)
    };
    match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (Some(text), None) | (None, Some(text)) => Some(text),
        (None, None) => element("title").or_else(|| element("TITLE")),
    }
}

fn one_line(text: &str, most: usize) -> Option<String> {
    let clean = printable(text);
    let words: Vec<&str> = clean.split_whitespace().collect();
    let line = words.join(" ");
    (!line.is_empty()).then(|| cut(&line, most).to_owned())
}

/// The beginning of a text, of at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_documents_are_shown_as_the_reference_shows_them() {
        let cases = [
            (r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no"}]}"#, "name unknown: no"),
            (
                r#"{"errors":[{"code":"X_Y","message":"m","detail":{"b":1,"a":[1,"x"]}},{"code":"TOOMANYREQUESTS"}]}"#,
                "x y: m: map[a:[1 x] b:1]; toomanyrequests",
            ),
            (r#"{"errors":[{"code":"A","detail":"hidden"}]}"#, "a"),
            (r#"{"errors":[{"code":"A","message":"m","detail":null}]}"#, "a: m"),
            (
                r#"{"errors":[{"code":"A","message":"m","detail":[null,true,1.5,1e21,0.00001]}]}"#,
                "a: m: [<nil> true 1.5 1e+21 1e-05]",
            ),
            (
                r#"{"code":"UNAUTHORIZED","message":"authentication required"}"#,
                "unauthorized: authentication required",
            ),
            (r#"{"errors":[{"status":400,"message":"bad"}]}"#, "400: bad"),
            ("{\"errors\":[{\"code\":\"A\",\"message\":\"\\u001b[31mred\"}]}", "a: [31mred"),
        ];
        for (body, expected) in cases {
            assert_eq!(Problems::parse(body.as_bytes()).to_string(), expected, "{body}");
        }
    }

    #[test]
    fn other_bodies_give_one_line() {
        let cases = [
            (r#"{"error":"invalid_grant","error_description":"expired"}"#, Some("invalid_grant: expired")),
            (r#"{"details":"incorrect username or password"}"#, Some("incorrect username or password")),
            (
                "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server\nfailed</Message></Error>",
                Some("AuthenticationFailed: Server failed"),
            ),
            (
                "<html><head><title>413 Request Entity Too Large</title></head></html>",
                Some("413 Request Entity Too Large"),
            ),
            ("404 page not found\n", Some("404 page not found")),
            ("", None),
            ("{}", None),
            (r#"{"errors":[]}"#, None),
            ("[1]", None),
        ];
        for (body, expected) in cases {
            let problems = Problems::parse(body.as_bytes());
            assert_eq!(problems.text.as_deref(), expected, "{body}");
            assert!(problems.list.is_empty(), "{body}");
        }
        let long = Problems::parse("ü".repeat(5000).as_bytes());
        assert_eq!(long.text.unwrap().len(), 200);
    }

    #[test]
    fn codes_and_words_are_found_in_any_case() {
        let problems =
            Problems::parse(br#"{"errors":[{"code":"blob_upload_unknown","message":"Body Too Large"}]}"#);
        assert!(problems.has("BLOB_UPLOAD_UNKNOWN") && problems.mentions("too large"));
        assert!(!problems.has("DENIED"));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_body_gives_a_line_without_control_characters(text in ".{0,80}", code in ".{0,8}", message in ".{0,20}") {
            crate::registry::fuzz::answers(text.as_bytes());
            let errors = serde_json::json!({"errors": [{"code": code, "message": message, "detail": {"x": text}}]});
            crate::registry::fuzz::answers(errors.to_string().as_bytes());
        }
    }
}
