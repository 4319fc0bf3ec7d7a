//! Line breaks, indentation and abbreviation.

use super::super::buffer::Buffer;
use super::super::error::Failure;
use super::super::value::Value;
use super::{Call, Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("wrap", &[Type::Int, Type::Text], |call| wrap(&call.text(1), call.int(0), "\n", false)),
    Function::new("wrapWith", &[Type::Int, Type::Text, Type::Text], |call| {
        let separator = call.text(1);
        wrap(&call.text(2), call.int(0), if separator.is_empty() { "\n" } else { &separator }, true)
    }),
    Function::new("indent", &[Type::Int, Type::Text], |call| indent(call, "")),
    Function::new("nindent", &[Type::Int, Type::Text], |call| indent(call, "\n")),
    Function::new("abbrev", &[Type::Int, Type::Text], |call| {
        let (width, source) = (call.int(0), call.bytes(1));
        text(abbreviate(source, 0, width).unwrap_or_else(|| source.to_vec()))
    }),
    Function::new("abbrevboth", &[Type::Int, Type::Int, Type::Text], |call| {
        let (offset, width, source) = (call.int(0), call.int(1), call.bytes(2));
        text(abbreviate(source, offset, width).unwrap_or_else(|| source.to_vec()))
    }),
];

/// Breaks lines at spaces so that none is longer than `width` characters. Words that are longer are cut if
/// `cuts_words`, and stand out otherwise.
fn wrap(source: &str, width: i64, separator: &str, cuts_words: bool) -> Result<Value, Failure> {
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let characters: Vec<char> = source.chars().collect();
    let mut out = Buffer::default();
    let mut push = |line: &[char], separator: &str| {
        line.iter().try_for_each(|character| out.push_char(*character))?;
        out.push(separator)
    };
    let mut rest = characters.as_slice();
    while rest.len() > width {
        if rest[0] == ' ' {
            rest = &rest[1..];
            continue;
        }
        let last_space = rest[..=width].iter().rposition(|character| *character == ' ');
        let next_space = || rest[width..].iter().position(|character| *character == ' ');
        match last_space {
            Some(space) => {
                push(&rest[..space], separator)?;
                rest = &rest[space + 1..];
            }
            None if cuts_words => {
                push(&rest[..width], separator)?;
                rest = &rest[width..];
            }
            None => match next_space() {
                Some(space) => {
                    push(&rest[..width + space], separator)?;
                    rest = &rest[width + space + 1..];
                }
                None => break,
            },
        }
    }
    push(rest, "")?;
    Ok(Value::Text(out.into_text()))
}

/// Puts spaces in front of every line.
fn indent(call: &Call<'_>, before: &str) -> Result<Value, Failure> {
    let count = usize::try_from(call.int(0)).map_err(|_| Failure::from("negative indentation"))?;
    let mut out = Buffer::default();
    out.push(before)?;
    for (index, line) in call.bytes(1).split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push("\n")?;
        }
        out.fill(b' ', count)?;
        out.push(line)?;
    }
    Ok(Value::Text(out.into_text()))
}

const DOTS: &[u8] = b"...";

/// Shortens a text to `width` bytes, showing the part at `offset`, with dots for what is left out.
///
/// `None` if the text is short enough, or the width too small to show anything.
fn abbreviate(source: &[u8], offset: i64, width: i64) -> Option<Vec<u8>> {
    let width = usize::try_from(width).ok()?;
    if width < 4 || (offset > 0 && width < 7) || source.len() <= width {
        return None;
    }
    let shown = width - DOTS.len();
    // Where the rest of the text would fit, it is shown up to the end.
    let offset = usize::try_from(offset).unwrap_or(0).min(source.len() - shown);
    if offset <= 4 {
        return Some([&source[..shown], DOTS].concat());
    }
    if offset + shown < source.len() {
        return Some([DOTS, &source[offset..offset + shown - DOTS.len()], DOTS].concat());
    }
    Some([DOTS, &source[source.len() - shown..]].concat())
}
