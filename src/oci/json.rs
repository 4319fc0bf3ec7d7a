//! JSON as the artifacts of this field are written: compact, with `<`, `>`, `&` and the two Unicode line
//! separators escaped, since digests are taken over exactly these bytes.

use std::io;

use serde::{Serialize, de::Error as _};
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// Deepest nesting of a document that is indented; the deepest that is read in any other way.
const DEEPEST: usize = 128;
/// Longest document that indenting may give, in bytes. Small documents become large: each line begins with
/// blanks for all its levels.
const LONGEST: usize = 256 << 20;

/// Serialises a value compactly, without a final newline.
#[must_use]
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serialize(value, CompactFormatter)
}

/// Serialises a value with an indentation of two spaces, without a final newline.
#[must_use]
pub fn to_vec_pretty<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serialize(value, PrettyFormatter::with_indent(b"  "))
}

/// Like [`to_vec_pretty`], as text.
#[must_use]
pub fn to_string_pretty<T: Serialize + ?Sized>(value: &T) -> String {
    String::from_utf8(to_vec_pretty(value)).expect("JSON is UTF-8")
}

fn serialize<T: Serialize + ?Sized, F: Formatter>(value: &T, formatter: F) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Escaping(formatter));
    value.serialize(&mut serializer).expect("values of the specifications have string keys and go to memory");
    bytes
}

/// Indents a JSON document again without changing its tokens: the order of keys, the text of numbers and
/// the escapes stay as they were. Empty objects and arrays stay compact. Ends with a newline.
///
/// # Errors
/// The text is not JSON, nests more than 128 levels deep, or would become longer than 256 MiB.
pub fn reindent(text: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let _: serde::de::IgnoredAny = serde_json::from_slice(text)?;
    let mut out = Vec::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let end = text.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |last| last + 1);
    let (body, trailing) = text.split_at(end);
    let mut bytes = body.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if depth > DEEPEST || out.len() > LONGEST {
            return Err(serde_json::Error::custom("the document is too large to be indented"));
        }
        if in_string {
            out.push(byte);
            (in_string, escaped) = (escaped || byte != b'"', !escaped && byte == b'\\');
            continue;
        }
        match byte {
            b'"' => {
                in_string = true;
                out.push(byte);
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'{' | b'[' => {
                out.push(byte);
                while bytes.next_if(u8::is_ascii_whitespace).is_some() {}
                if let Some(close) = bytes.next_if(|next| matches!(next, b'}' | b']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                new_line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.push(byte),
        }
    }
    out.extend_from_slice(trailing);
    out.push(b'\n');
    Ok(out)
}

fn new_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', depth * 2));
}

/// Adds the escapes to a formatter of serde_json.
struct Escaping<F>(F);

impl<F: Formatter> Formatter for Escaping<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let special = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
        let mut rest = fragment;
        while let Some(at) = rest.find(special) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(found) = chars.next() {
                write!(writer, "\\u{:04x}", u32::from(found))?;
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_array(w)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array(w)
    }
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(w, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array_value(w)
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object(w)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object(w)
    }
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(w, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object_value(w)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object_value(w)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_characters_and_line_separators_are_escaped() {
        assert_eq!(
            to_vec("a<b>&\u{2028}ü\"\n"),
            br#""a\u003cb\u003e\u0026\u2028"#.iter().copied().chain("ü\\\"\\n\"".bytes()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn reindenting_keeps_every_token() {
        let cases = [
            ("{}", "{}\n"),
            (" [ ] ", "[] \n"),
            (r#"{"b":1.50,"a":"\u003c{,"}"#, "{\n  \"b\": 1.50,\n  \"a\": \"\\u003c{,\"\n}\n"),
            (r#"{"a":["x\"]",{}]}"#, "{\n  \"a\": [\n    \"x\\\"]\",\n    {}\n  ]\n}\n"),
            ("1\n", "1\n\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8(reindent(text.as_bytes()).unwrap()).unwrap(), expected, "{text}");
        }
        assert!(reindent(b"not json").is_err());
    }

    /// Each level indents all lines below it: four megabytes of brackets would become terabytes of blanks.
    #[test]
    fn what_nests_too_deep_is_not_indented() {
        let nested = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat();
        assert!(reindent(nested(128).as_bytes()).is_ok());
        assert!(reindent(nested(200).as_bytes()).is_err());
        assert!(reindent(nested(1 << 20).as_bytes()).is_err());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn a_document_says_the_same_when_it_is_indented(text in "[\\[\\]{}\",:0-9.eE ab-]{0,40}") {
            crate::oci::fuzz::json(text.as_bytes());
        }

        #[test]
        fn nothing_is_lost_by_indenting(
            pairs in proptest::collection::btree_map(".{0,8}", proptest::collection::vec(".{0,4}", 0..3), 0..4),
        ) {
            let indented = reindent(&to_vec(&pairs)).unwrap();
            proptest::prop_assert_eq!(serde_json::from_slice::<std::collections::BTreeMap<String, Vec<String>>>(&indented).unwrap(), pairs);
        }
    }
}
