//! Texts into texts: case, trimming, cutting, searching.

use super::super::buffer::Buffer;
use super::super::error::Failure;
use super::super::value::Value;
use super::{Call, Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("upper", &[Type::Text], |call| text(map_chars(&call.text(0), upper))),
    Function::new("lower", &[Type::Text], |call| text(map_chars(&call.text(0), lower))),
    Function::new("title", &[Type::Text], |call| text(at_word_starts(&call.text(0), is_separator, upper))),
    Function::new("untitle", &[Type::Text], |call| {
        text(at_word_starts(&call.text(0), char::is_whitespace, lower))
    }),
    Function::new("swapcase", &[Type::Text], |call| {
        text(map_chars(&call.text(0), |c| if c.is_lowercase() { upper(c) } else { lower(c) }))
    }),
    Function::new("initials", &[Type::Text], |call| {
        text(call.text(0).split_whitespace().filter_map(|word| word.chars().next()).collect::<String>())
    }),
    Function::new("nospace", &[Type::Text], |call| text(call.text(0).replace(char::is_whitespace, ""))),
    Function::new("trim", &[Type::Text], |call| text(call.text(0).trim())),
    Function::new("trimAll", &[Type::Text, Type::Text], trim_all),
    Function::new("trimall", &[Type::Text, Type::Text], trim_all),
    Function::new("trimPrefix", &[Type::Text, Type::Text], |call| {
        text(call.bytes(1).strip_prefix(call.bytes(0)).unwrap_or(call.bytes(1)))
    }),
    Function::new("trimSuffix", &[Type::Text, Type::Text], |call| {
        text(call.bytes(1).strip_suffix(call.bytes(0)).unwrap_or(call.bytes(1)))
    }),
    Function::new("hasPrefix", &[Type::Text, Type::Text], |call| {
        Ok(Value::Bool(call.bytes(1).starts_with(call.bytes(0))))
    }),
    Function::new("hasSuffix", &[Type::Text, Type::Text], |call| {
        Ok(Value::Bool(call.bytes(1).ends_with(call.bytes(0))))
    }),
    Function::new("contains", &[Type::Text, Type::Text], |call| {
        Ok(Value::Bool(call.text(1).contains(call.text(0).as_ref())))
    }),
    Function::new("replace", &[Type::Text, Type::Text, Type::Text], |call| {
        replace(&call.text(2), &call.text(0), &call.text(1))
    }),
    Function::new("repeat", &[Type::Int, Type::Text], repeat),
    Function::new("substr", &[Type::Int, Type::Int, Type::Text], substring),
    Function::new("trunc", &[Type::Int, Type::Text], truncate),
    Function::new("plural", &[Type::Text, Type::Text, Type::Int], |call| {
        text(call.bytes(if call.int(2) == 1 { 0 } else { 1 }))
    }),
];

fn map_chars(text: &str, map: impl Fn(char) -> char) -> String {
    text.chars().map(map).collect()
}

/// The upper-case letter, for letters that have a single one.
pub(super) fn upper(letter: char) -> char {
    single(letter.to_uppercase(), letter)
}

/// The lower-case letter, for letters that have a single one.
pub(super) fn lower(letter: char) -> char {
    single(letter.to_lowercase(), letter)
}

fn single(mut mapped: impl Iterator<Item = char>, otherwise: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => otherwise,
    }
}

/// Changes the characters that follow a separator, or nothing.
fn at_word_starts(text: &str, is_separator: fn(char) -> bool, change: fn(char) -> char) -> String {
    let mut starts = true;
    map_each(text, |character| {
        let changed = if starts { change(character) } else { character };
        starts = is_separator(character);
        changed
    })
}

fn map_each(text: &str, map: impl FnMut(char) -> char) -> String {
    text.chars().map(map).collect()
}

/// Everything but letters, digits and underscores in ASCII, and white space elsewhere.
fn is_separator(character: char) -> bool {
    if character.is_ascii() {
        !character.is_ascii_alphanumeric() && character != '_'
    } else {
        character.is_whitespace()
    }
}

fn trim_all(call: &Call<'_>) -> Result<Value, Failure> {
    let cutset = call.text(0);
    text(call.text(1).trim_matches(|c| cutset.contains(c)))
}

fn replace(source: &str, old: &str, new: &str) -> Result<Value, Failure> {
    let mut out = Buffer::default();
    let mut end = 0;
    for (start, found) in source.match_indices(old) {
        out.push(&source[end..start])?;
        out.push(new)?;
        end = start + found.len();
    }
    out.push(&source[end..])?;
    Ok(Value::Text(out.into_text()))
}

fn repeat(call: &Call<'_>) -> Result<Value, Failure> {
    let count = usize::try_from(call.int(0)).map_err(|_| Failure::from("negative repeat count"))?;
    let mut out = Buffer::default();
    out.push_repeated(call.bytes(1), count)?;
    Ok(Value::Text(out.into_text()))
}

/// Cuts bytes out. A negative start means the start of the text, a negative end its end.
fn substring(call: &Call<'_>) -> Result<Value, Failure> {
    let source = call.bytes(2);
    let (start, end) = (call.int(0), call.int(1));
    let cut = match (usize::try_from(start), usize::try_from(end)) {
        (Ok(from), Ok(to)) => source.get(from..to.min(source.len())),
        (Ok(from), Err(_)) => source.get(from..),
        (Err(_), Ok(to)) => Some(&source[..to.min(source.len())]),
        (Err(_), Err(_)) => None,
    };
    text(cut.ok_or_else(|| Failure(format!("slice bounds out of range [{start}:{end}]")))?)
}

/// Keeps so many bytes of the start, or of the end if the number is negative.
fn truncate(call: &Call<'_>) -> Result<Value, Failure> {
    let source = call.bytes(1);
    let kept = usize::try_from(call.int(0).unsigned_abs()).unwrap_or(usize::MAX).min(source.len());
    text(if call.int(0) < 0 { &source[source.len() - kept..] } else { &source[..kept] })
}
