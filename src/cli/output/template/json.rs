//! Values from and to JSON, as Go's `encoding/json` reads and writes them.

use serde_json::Value as Json;

use super::buffer::Buffer;
use super::context::{Context, MAX_VALUE_DEPTH};
use super::error::Failure;
use super::moment::RFC_3339;
use super::number;
use super::value::{Map, Text, Value};

/// Converts JSON into a value. Every number becomes a float.
pub(super) fn to_value(json: &Json) -> Result<Value, Failure> {
    convert(json, 0)
}

fn convert(json: &Json, depth: usize) -> Result<Value, Failure> {
    if depth > MAX_VALUE_DEPTH {
        return Err(Failure(format!("the data is nested more than {MAX_VALUE_DEPTH} levels deep")));
    }
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => {
            let float = number.to_string().parse::<f64>().ok().filter(|float| float.is_finite());
            Value::Float(float.ok_or_else(|| Failure(format!("the number {number} is out of range")))?)
        }
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => {
            Value::list(items.iter().map(|item| convert(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Json::Object(members) => {
            let entries = members
                .iter()
                .map(|(key, member)| Ok((Text::from(key.as_str()), convert(member, depth + 1)?)));
            Value::Map(entries.collect::<Result<Map, Failure>>()?)
        }
    })
}

/// How JSON is written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// On several lines, indented by two spaces.
    pub(super) pretty: bool,
    /// Write `<`, `>` and `&` as escapes.
    pub(super) escape_html: bool,
}

/// Writes a value as JSON.
pub(super) fn encode(context: &Context<'_>, value: &Value, style: Style) -> Result<Text, Failure> {
    let mut encoder = Encoder { context, style, out: Buffer::default() };
    encoder.value(value, 0)?;
    Ok(encoder.out.into_text())
}

struct Encoder<'e> {
    context: &'e Context<'e>,
    style: Style,
    out: Buffer,
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Failure> {
        self.context.descend(depth)?;
        match value {
            Value::Missing | Value::Nil => self.out.push("null"),
            Value::Bool(flag) => self.out.push(if *flag { "true" } else { "false" }),
            Value::Int(number) | Value::Int64(number) => self.out.push(number.to_string()),
            Value::Byte(number) => self.out.push(number.to_string()),
            Value::Uint64(number) => self.out.push(number.to_string()),
            Value::Float(number) => self.float(*number),
            Value::Text(text) => self.text(text),
            Value::Time(moment) => self.text(moment.format(RFC_3339).as_bytes()),
            Value::Version(version) => self.text(version.to_string().as_bytes()),
            Value::List(list) if list.is_nil => self.out.push("null"),
            Value::List(list) => {
                self.members("[", "]", depth, list.iter(), |encoder, item| encoder.value(item, depth + 1))
            }
            Value::Map(map) => {
                self.members("{", "}", depth, map.entries().iter(), |encoder, (key, member)| {
                    encoder.text(key)?;
                    encoder.out.push(if encoder.style.pretty { ": " } else { ":" })?;
                    encoder.value(member, depth + 1)
                })
            }
        }
    }

    /// Writes the members of a list or map between brackets.
    fn members<M>(
        &mut self,
        open: &str,
        close: &str,
        depth: usize,
        members: impl ExactSizeIterator<Item = M>,
        write: impl Fn(&mut Self, M) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.out.push(open)?;
        let is_empty = members.len() == 0;
        for (index, member) in members.enumerate() {
            if index > 0 {
                self.out.push(",")?;
            }
            self.new_line(depth + 1)?;
            write(self, member)?;
        }
        if !is_empty {
            self.new_line(depth)?;
        }
        self.out.push(close)
    }

    fn new_line(&mut self, depth: usize) -> Result<(), Failure> {
        if self.style.pretty {
            self.out.push("\n")?;
            self.out.fill(b' ', 2 * depth)?;
        }
        Ok(())
    }

    /// Writes a float without an exponent unless it is very large or very small.
    fn float(&mut self, number: f64) -> Result<(), Failure> {
        if !number.is_finite() {
            return Err(Failure(format!("json: unsupported value: {number}")));
        }
        let magnitude = number.abs();
        let has_exponent = magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude);
        let text = number::signed(number, if has_exponent { 'e' } else { 'f' }, None);
        let text = text.strip_prefix('+').unwrap_or(&text);
        // Go drops the zero of a negative exponent of one digit.
        self.out.push(text.replace("e-0", "e-"))
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Failure> {
        self.out.push("\"")?;
        for chunk in text.utf8_chunks() {
            for character in chunk.valid().chars() {
                self.character(character)?;
            }
            for _ in chunk.invalid() {
                self.out.push("\\ufffd")?;
            }
        }
        self.out.push("\"")
    }

    fn character(&mut self, character: char) -> Result<(), Failure> {
        match character {
            '"' => self.out.push("\\\""),
            '\\' => self.out.push("\\\\"),
            '\u{8}' => self.out.push("\\b"),
            '\u{c}' => self.out.push("\\f"),
            '\n' => self.out.push("\\n"),
            '\r' => self.out.push("\\r"),
            '\t' => self.out.push("\\t"),
            '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                self.out.push(format!("\\u{:04x}", u32::from(character)))
            }
            '<' | '>' | '&' if self.style.escape_html => {
                self.out.push(format!("\\u{:04x}", u32::from(character)))
            }
            _ => self.out.push_char(character),
        }
    }
}
