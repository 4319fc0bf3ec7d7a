//! What people and programs see: text, JSON, templates, status lines.

mod bars;
mod lines;
pub(crate) mod model;
mod row;
pub(crate) mod table;
pub(crate) mod template;
mod trace;
pub(crate) mod tree;
pub(crate) mod units;

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::Mutex,
};

use serde_json::Value;

pub(crate) use bars::{Bars, Meter};
pub(crate) use lines::{Lines, Renamed, Verbs};
use template::Template;
pub(crate) use trace::Log;

use anyhow::Context as _;

use crate::oci::{Descriptor, json};

/// The form of a result.
pub(crate) enum Format {
    /// Text for people.
    Text,
    /// A tree of text.
    Tree,
    /// A table; deprecated.
    Table,
    /// JSON.
    Json,
    /// Whatever a template makes of the JSON.
    Template(Box<Template>),
}

impl Format {
    /// Are status lines shown beside the result?
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Tree | Self::Table)
    }
}

/// An outcome that can be shown in any format.
pub(crate) trait Render {
    /// The lines for people.
    fn text(&self) -> String;
    /// The same for programs.
    fn json(&self) -> Value;
}

/// Writes to standard output and standard error, one whole line at a time.
pub(crate) struct Printer {
    out: Mutex<Box<dyn Write + Send>>,
    notes: Mutex<Box<dyn Write + Send>>,
    failure: Mutex<Option<io::Error>>,
    environment: fn() -> template::Environment,
}

impl Printer {
    /// A printer on the standard streams of the process.
    pub(crate) fn standard(environment: fn() -> template::Environment) -> Self {
        Self {
            out: Mutex::new(Box::new(io::stdout())),
            notes: Mutex::new(Box::new(io::stderr())),
            failure: Mutex::new(None),
            environment,
        }
    }

    /// Compiles a template, which may look at what the printer was given of the environment.
    pub(crate) fn template(&self, source: &str) -> Result<Format, template::Error> {
        Ok(Format::Template(Box::new(Template::parse(source)?.with_environment((self.environment)()))))
    }

    /// Prints a line of the result.
    pub(crate) fn line(&self, text: &str) {
        self.bytes(format!("{}\n", visible(text)).as_bytes());
    }

    /// Prints bytes of the result as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        let mut out = self.out.lock().expect("no holder of this lock panics");
        if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
            self.failure.lock().expect("no holder of this lock panics").get_or_insert(error);
        }
    }

    /// Could something not be printed?
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.lock().expect("no holder of this lock panics").is_some()
    }

    /// Prints a line to standard error. That it could not be printed changes nothing.
    pub(crate) fn notice(&self, text: &str) {
        let mut notes = self.notes.lock().expect("no holder of this lock panics");
        let _ = notes.write_all(format!("{}\n", visible_lines(text)).as_bytes()).and_then(|()| notes.flush());
    }

    /// Shows an outcome in the format that was asked for.
    pub(crate) fn show(&self, outcome: &impl Render, format: &Format) -> anyhow::Result<()> {
        match format {
            Format::Text | Format::Tree | Format::Table => self.bytes(outcome.text().as_bytes()),
            Format::Json => self.bytes(&pretty(&outcome.json())),
            Format::Template(template) => self.bytes(template.render(&outcome.json())?.as_bytes()),
        }
        self.check()
    }

    /// Fails if something could not be printed. That nobody reads on is no failure.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        match self.failure.lock().expect("no holder of this lock panics").take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(anyhow::Error::new(error).context("display output error"))
            }
            _ => Ok(()),
        }
    }
}

/// Prints a descriptor: compact without a final newline, or indented with one.
pub(crate) fn print_descriptor(printer: &Printer, node: &Descriptor, is_pretty: bool) -> anyhow::Result<()> {
    print_json(printer, &json::to_vec(node), is_pretty)
}

/// Prints a JSON document as it is, or indented.
pub(crate) fn print_json(printer: &Printer, bytes: &[u8], is_pretty: bool) -> anyhow::Result<()> {
    if is_pretty {
        printer.bytes(&json::reindent(bytes).context("failed to prettify")?);
    } else {
        printer.bytes(bytes);
    }
    printer.check()
}

/// JSON with an indentation of two spaces and a final newline.
///
/// Characters that control a terminal are written as escapes, which programs read as the same text.
pub(crate) fn pretty(value: &Value) -> Vec<u8> {
    let text = json::to_string_pretty(value) + "\n";
    let is_harmful = |c: char| (c.is_control() && c != '\n') || turns_text(c);
    if !text.contains(is_harmful) {
        return text.into_bytes();
    }
    let escaped = text.chars().map(|c| match is_harmful(c) {
        true => format!("\\u{:04x}", u32::from(c)),
        false => c.to_string(),
    });
    escaped.collect::<String>().into_bytes()
}

/// Text that cannot control a terminal: control characters are written as escapes.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    escape(text, |c| c.is_control() && c != '\t')
}

/// Like [`visible`], but lines stay lines.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c.is_control() && c != '\n' && c != '\t')
}

/// Does the character change the direction of what follows, so that it looks like other text?
fn turns_text(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, is_harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_harmful = |c: char| is_harmful(c) || turns_text(c);
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .map(|c| if is_harmful(c) { c.escape_default().to_string() } else { c.to_string() })
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_control_a_terminal() {
        assert_eq!(visible("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\nc");
        assert_eq!(visible_lines("a\nb\u{9b}"), "a\nb\\u{9b}");
        assert_eq!(visible("a tab\there"), "a tab\there");
        assert_eq!(visible("héllo wörld"), "héllo wörld");
        let evil = Value::from("ü\u{1b}[2J\u{9b}\u{7f}\u{202e}\n");
        let shown = String::from_utf8(pretty(&evil)).unwrap();
        assert_eq!(shown, "\"ü\\u001b[2J\\u009b\\u007f\\u202e\\n\"\n");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), evil);
    }
}
