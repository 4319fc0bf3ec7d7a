//! Escaping for HTML, JavaScript and URLs. Nothing is escaped unless a template asks for it.

use super::super::buffer::Buffer;
use super::super::error::Failure;
use super::super::print::{self, Flags, Printer};
use super::super::quote::is_printable;
use super::super::value::{Text, Value};
use super::{Call, Function, Type};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("html", &[], Type::Any, |call| escaped(call, html)),
    Function::variadic("js", &[], Type::Any, |call| escaped(call, js)),
    Function::variadic("urlquery", &[], Type::Any, urlquery),
];

/// Prints the arguments and escapes every character of the result.
fn escaped(call: &Call<'_>, escape: fn(char) -> Option<String>) -> Result<Value, Failure> {
    let printed = printed(call)?;
    let mut out = Buffer::default();
    for character in printed.to_str().chars() {
        match escape(character) {
            Some(escaped) => out.push(escaped)?,
            None => out.push_char(character)?,
        }
    }
    Ok(Value::Text(out.into_text()))
}

/// Prints like `print`, but nil as an action would.
fn printed(call: &Call<'_>) -> Result<Text, Failure> {
    if let [only] = call.arguments
        && !only.is_nil()
    {
        return print::sprint(call.context, only);
    }
    let mut out = Buffer::default();
    let mut before_is_text = true;
    for value in call.arguments {
        let is_text = matches!(value, Value::Text(_)) || value.is_nil();
        if !is_text && !before_is_text {
            out.push(" ")?;
        }
        if value.is_nil() {
            out.push("<no value>")?;
        } else {
            Printer { context: call.context, out: &mut out, flags: Flags::default() }.value(value, 'v', 0)?;
        }
        before_is_text = is_text;
    }
    Ok(out.into_text())
}

fn html(character: char) -> Option<String> {
    let escaped = match character {
        '\0' => "\u{fffd}",
        '"' => "&#34;",
        '\'' => "&#39;",
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        _ => return None,
    };
    Some(escaped.to_owned())
}

fn js(character: char) -> Option<String> {
    match character {
        '\\' | '\'' | '"' => Some(format!("\\{character}")),
        '<' | '>' | '&' | '=' => Some(format!("\\u{:04X}", u32::from(character))),
        _ if is_printable(character) => None,
        _ => Some(format!("\\u{:04X}", u32::from(character))),
    }
}

fn urlquery(call: &Call<'_>) -> Result<Value, Failure> {
    let mut out = Buffer::default();
    for byte in printed(call)?.iter() {
        match byte {
            b' ' => out.push("+")?,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push([*byte])?,
            _ => out.push(format!("%{byte:02X}"))?,
        }
    }
    Ok(Value::Text(out.into_text()))
}
