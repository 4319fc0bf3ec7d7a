//! Changes members of a JSON text and leaves every other byte alone (pure).
//!
//! The text must have been parsed before: what is scanned here is taken to be well-formed.

use std::{borrow::Cow, ops::Range};

use super::Secret;

/// Sets `section.key` to an object of strings; what is not there is created.
pub(super) fn set(text: &str, section: &str, key: &str, members: &[(&str, Secret)]) -> String {
    let layout = Layout::of(text);
    let root = Object::scan(text, start(text));
    let Some(place) = root.last(section) else {
        let entry = layout.object(&[(key, layout.object(&quoted(members), 2))], 1);
        return layout.insert(text, &root, section, &entry, 0);
    };
    if text.as_bytes()[place.value.start] != b'{' {
        let entry = layout.object(&[(key, layout.object(&quoted(members), 2))], 1);
        return splice(text, place.value.clone(), &entry);
    }
    let entries = Object::scan(text, place.value.start);
    let entry = layout.object(&quoted(members), 2);
    match entries.last(key) {
        Some(old) => splice(text, old.value.clone(), &entry),
        None => layout.insert(text, &entries, key, &entry, 1),
    }
}

/// Removes the members of `section` whose key is chosen; `None` when there are none.
pub(super) fn remove(text: &str, section: &str, chosen: impl Fn(&str) -> bool) -> Option<String> {
    let mut text = Cow::Borrowed(text);
    loop {
        let root = Object::scan(&text, start(&text));
        let range =
            root.last(section).filter(|place| text.as_bytes()[place.value.start] == b'{').and_then(|place| {
                let entries = Object::scan(&text, place.value.start);
                entries.members.iter().position(|member| chosen(&member.key)).map(|index| entries.cut(index))
            });
        match (range, text) {
            (Some(range), shorter) => text = Cow::Owned(splice(&shorter, range, "")),
            (None, Cow::Owned(text)) => return Some(text),
            (None, Cow::Borrowed(_)) => return None,
        }
    }
}

/// An object in the text: where it is, and where its members are.
struct Object {
    span: Range<usize>,
    members: Vec<Member>,
}

struct Member {
    key: String,
    span: Range<usize>,
    value: Range<usize>,
}

impl Object {
    /// Scans the object whose brace is at `open`.
    fn scan(text: &str, open: usize) -> Self {
        let bytes = text.as_bytes();
        let mut at = skip_space(bytes, open + 1);
        let mut members = Vec::new();
        while bytes.get(at).is_some_and(|&b| b == b'"') {
            let key = at..skip_value(bytes, at);
            let value_start = skip_space(bytes, skip_space(bytes, key.end) + 1);
            let value = value_start..skip_value(bytes, value_start);
            at = skip_space(bytes, value.end);
            members.push(Member {
                key: serde_json::from_str(&text[key.clone()]).unwrap_or_default(),
                span: key.start..value.end,
                value,
            });
            if bytes.get(at) == Some(&b',') {
                at = skip_space(bytes, at + 1);
            }
        }
        Self { span: open..at + 1, members }
    }

    /// Of several members of one name the last one counts.
    fn last(&self, key: &str) -> Option<&Member> {
        self.members.iter().rev().find(|member| member.key == key)
    }

    /// What has to go so that a member is gone: also a comma, and all blanks when it is the only one.
    fn cut(&self, index: usize) -> Range<usize> {
        let member = &self.members[index].span;
        match (index.checked_sub(1).map(|i| &self.members[i]), self.members.get(index + 1)) {
            (None, None) => self.span.start + 1..self.span.end - 1,
            (None, Some(next)) => member.start..next.span.start,
            (Some(previous), _) => previous.span.end..member.end,
        }
    }
}

/// How a text is laid out: its unit of indentation and its line ends.
struct Layout<'a> {
    /// Nothing when all stands on one line.
    unit: Option<&'a str>,
    line_end: &'static str,
}

impl<'a> Layout<'a> {
    fn of(text: &'a str) -> Self {
        let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let object = text.trim();
        if matches!(object, "" | "{}") {
            return Self { unit: Some("\t"), line_end };
        }
        let open = start(text);
        let first = skip_space(text.as_bytes(), open + 1);
        let unit = text[open + 1..first].rsplit_once('\n').map(|(_, unit)| unit);
        Self { unit: unit.map(|unit| if unit.is_empty() { "\t" } else { unit }), line_end }
    }

    /// Writes an object whose own brace stands at a depth.
    fn object(&self, members: &[(&str, String)], depth: usize) -> String {
        let members: Vec<_> = members.iter().map(|(key, value)| self.member(key, value)).collect();
        let (inner, outer) = (self.line(depth + 1), self.line(depth));
        format!("{{{inner}{}{outer}}}", members.join(&format!(",{inner}")))
    }

    fn member(&self, key: &str, value: &str) -> String {
        let blank = if self.unit.is_some() { " " } else { "" };
        format!("{}:{blank}{value}", quote(key))
    }

    /// A new line at a depth.
    fn line(&self, depth: usize) -> String {
        self.unit.map(|unit| format!("{}{}", self.line_end, unit.repeat(depth))).unwrap_or_default()
    }

    /// Adds a member at the end of an object.
    fn insert(&self, text: &str, object: &Object, key: &str, value: &str, depth: usize) -> String {
        let member = self.member(key, value);
        match object.members.last() {
            Some(last) => {
                let end = last.span.end;
                splice(text, end..end, &format!(",{}{member}", self.line(depth + 1)))
            }
            None => {
                let inside = object.span.start + 1..object.span.end - 1;
                splice(text, inside, &format!("{}{member}{}", self.line(depth + 1), self.line(depth)))
            }
        }
    }
}

fn quoted<'a>(members: &[(&'a str, Secret)]) -> Vec<(&'a str, String)> {
    members.iter().map(|(name, text)| (*name, quote(text.expose()))).collect()
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn splice(text: &str, range: Range<usize>, with: &str) -> String {
    [&text[..range.start], with, &text[range.end..]].concat()
}

fn start(text: &str) -> usize {
    text.find('{').unwrap_or_default()
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The end of the value that begins at `at`.
fn skip_value(bytes: &[u8], mut at: usize) -> usize {
    let (mut depth, mut in_string) = (0_usize, false);
    while let Some(&byte) = bytes.get(at) {
        match (in_string, byte) {
            (true, b'\\') => at += 1,
            (true, b'"') => in_string = false,
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') if depth > 0 => depth -= 1,
            // A number or a word ends before the comma, the brace or the blank that follows it.
            (false, b'}' | b']' | b',') if depth == 0 => return at,
            (false, b) if depth == 0 && b.is_ascii_whitespace() => return at,
            (false, _) => {
                at += 1;
                continue;
            }
        }
        at += 1;
        if depth == 0 && !in_string {
            return at;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn set_auth(text: &str, key: &str, auth: &str) -> String {
        set(text, "auths", key, &[("auth", Secret::new(auth))])
    }

    #[test]
    fn a_new_file_is_indented_by_tabs_without_a_final_newline() {
        let expected = "{\n\t\"auths\": {\n\t\t\"localhost:5000\": {\n\t\t\t\"auth\": \"aGVsbG86b3Jhcy10ZXN0\"\n\t\t}\n\t}\n}";
        let text = set_auth("{}", "localhost:5000", "aGVsbG86b3Jhcy10ZXN0");
        assert_eq!(text, expected);
        assert_eq!(remove(&text, "auths", |key| key == "localhost:5000").unwrap(), "{\n\t\"auths\": {}\n}");
    }

    #[test]
    fn only_the_entry_changes() {
        let cases = [
            // indentation of its own, and a final newline
            (
                "{\n  \"a\": 1.0E5,\n  \"auths\": {\n    \"x\": {\n      \"auth\": \"old\",\n      \"more\": 1\n    }\n  },\n  \"z\": [1,2]\n}\n",
                "{\n  \"a\": 1.0E5,\n  \"auths\": {\n    \"x\": {\n      \"auth\": \"new\"\n    }\n  },\n  \"z\": [1,2]\n}\n",
            ),
            // all on one line
            (
                r#"{"b":1,"auths":{"y":{"auth":"o"}}}"#,
                r#"{"b":1,"auths":{"y":{"auth":"o"},"x":{"auth":"new"}}}"#,
            ),
            (r#"{"b":1}"#, r#"{"b":1,"auths":{"x":{"auth":"new"}}}"#),
            (r#"{"auths":{}}"#, r#"{"auths":{"x":{"auth":"new"}}}"#),
            // null where an object should be
            (r#"{"auths":null}"#, r#"{"auths":{"x":{"auth":"new"}}}"#),
            // an escaped key is the same key, and braces in strings are no braces
            (r#"{"p":"}{\"","auths":{"\u0078":{}}}"#, r#"{"p":"}{\"","auths":{"\u0078":{"auth":"new"}}}"#),
            // line ends of Windows
            (
                "{\r\n\t\"a\": 1\r\n}",
                "{\r\n\t\"a\": 1,\r\n\t\"auths\": {\r\n\t\t\"x\": {\r\n\t\t\t\"auth\": \"new\"\r\n\t\t}\r\n\t}\r\n}",
            ),
            // the last of two members of one name counts
            (r#"{"auths":{"x":1,"x":{}}}"#, r#"{"auths":{"x":1,"x":{"auth":"new"}}}"#),
        ];
        for (before, after) in cases {
            assert_eq!(set_auth(before, "x", "new"), after);
        }
    }

    #[test]
    fn removing_takes_the_comma_along() {
        let cases = [
            (r#"{"auths": {"x": {}, "y": {}}}"#, Some(r#"{"auths": {"y": {}}}"#)),
            (r#"{"auths": {"y": {}, "x": {}}}"#, Some(r#"{"auths": {"y": {}}}"#)),
            (r#"{"auths": {"y": {}, "x": {}, "z": 1}}"#, Some(r#"{"auths": {"y": {}, "z": 1}}"#)),
            (r#"{"auths": {"x": {}, "x": {}}}"#, Some(r#"{"auths": {}}"#)),
            (r#"{"auths": {"y": {}}}"#, None),
            (r#"{"auths": null}"#, None),
            (r#"{"x": {}}"#, None),
        ];
        for (before, after) in cases {
            assert_eq!(remove(before, "auths", |key| key == "x").as_deref(), after, "{before}");
        }
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<i32>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from)
        ];
        let tree = leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..4).prop_map(|m| m.into_iter().collect()),
            ]
        });
        let members = prop::collection::vec(("[a-d]{1,2}", tree.clone()), 0..4);
        let auths = prop::option::of(prop::collection::vec(("[x-z]{1,2}", tree), 0..4));
        (members, auths).prop_map(|(members, auths)| {
            let mut root: serde_json::Map<_, _> = members.into_iter().collect();
            if let Some(auths) = auths {
                root.insert("auths".into(), auths.into_iter().collect());
            }
            root.into()
        })
    }

    proptest! {
        #[test]
        fn a_parsed_edit_differs_only_at_the_entry(root in document(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&root).unwrap() } else { root.to_string() };
            let edited: Value = serde_json::from_str(&set_auth(&text, "x", "new")).unwrap();
            let mut expected = root.clone();
            let auths = expected.as_object_mut().unwrap().entry("auths").or_insert(json!({}));
            auths.as_object_mut().unwrap().insert("x".into(), json!({"auth": "new"}));
            prop_assert_eq!(&edited, &expected);

            let removed = remove(&edited.to_string(), "auths", |key| key == "x").unwrap();
            expected["auths"].as_object_mut().unwrap().shift_remove("x");
            prop_assert_eq!(serde_json::from_str::<Value>(&removed).unwrap(), expected);
        }
    }
}
