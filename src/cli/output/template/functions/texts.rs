//! Values into texts, texts into lists, and back.

use super::super::buffer::Buffer;
use super::super::context::MAX_ITEMS;
use super::super::error::Failure;
use super::super::print;
use super::super::quote;
use super::super::value::{Element, List, Map, Text, Value};
use super::{Call, Function, Type};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("quote", &[], Type::Any, |call| {
        join_each(call, |text, out| out.push(quote::quote(text, false)))
    }),
    Function::variadic("squote", &[], Type::Any, |call| {
        join_each(call, |text, out| {
            out.push("'")?;
            out.push(&**text)?;
            out.push("'")
        })
    }),
    Function::variadic("cat", &[], Type::Any, |call| join_each(call, |text, out| out.push(&**text))),
    Function::new("join", &[Type::Text, Type::Any], join),
    Function::new("toStrings", &[Type::Any], |call| texts_of(call, call.any(0)).map(Value::texts)),
    Function::new("sortAlpha", &[Type::Any], sort),
    Function::new("splitList", &[Type::Text, Type::Text], |call| {
        split(call, -1, &call.text(0), &call.text(1)).map(Value::texts)
    }),
    Function::new("split", &[Type::Text, Type::Text], |call| {
        split(call, -1, &call.text(0), &call.text(1)).map(numbered)
    }),
    Function::new("splitn", &[Type::Text, Type::Int, Type::Text], |call| {
        split(call, call.int(1), &call.text(0), &call.text(2)).map(numbered)
    }),
];

/// Writes each argument that is not nil, with spaces in between.
fn join_each(
    call: &Call<'_>,
    write: impl Fn(&Text, &mut Buffer) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    let mut out = Buffer::default();
    for (index, value) in call.arguments.iter().filter(|value| !value.is_nil()).enumerate() {
        if index > 0 {
            out.push(" ")?;
        }
        write(&print::sprint(call.context, value)?, &mut out)?;
    }
    Ok(Value::Text(out.into_text()))
}

/// The texts of a list, without its nils; of any other value, its own text.
fn texts_of(call: &Call<'_>, value: &Value) -> Result<Vec<Text>, Failure> {
    match value {
        nil if nil.is_nil() => Ok(Vec::new()),
        Value::List(list) => {
            let some = list.iter().filter(|item| !item.is_nil());
            some.map(|item| print::sprint(call.context, item)).collect()
        }
        other => Ok(vec![print::sprint(call.context, other)?]),
    }
}

fn join(call: &Call<'_>) -> Result<Value, Failure> {
    let mut out = Buffer::default();
    for (index, item) in texts_of(call, call.any(1))?.iter().enumerate() {
        if index > 0 {
            out.push(call.bytes(0))?;
        }
        out.push(&**item)?;
    }
    Ok(Value::Text(out.into_text()))
}

fn sort(call: &Call<'_>) -> Result<Value, Failure> {
    let mut texts = match call.any(0) {
        nil if nil.is_nil() => vec![Text::from("<nil>")],
        value => texts_of(call, value)?,
    };
    texts.sort();
    Ok(Value::texts(texts))
}

/// Cuts a text at a separator, into `limit` parts at most unless that is negative.
fn split(call: &Call<'_>, limit: i64, separator: &str, source: &str) -> Result<Vec<String>, Failure> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let parts: Vec<String> = match most {
        0 => Vec::new(),
        _ if separator.is_empty() => {
            let (singles, rest) = match source.char_indices().nth(most - 1) {
                Some((at, _)) => source.split_at(at),
                None => (source, ""),
            };
            let rest = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
            bounded(singles.chars().map(String::from).chain(rest))?
        }
        _ => bounded(source.splitn(most, separator).map(str::to_owned))?,
    };
    call.context.spend(parts.len())?;
    Ok(parts)
}

/// Collects parts, unless there are too many.
pub(super) fn bounded<T>(parts: impl Iterator<Item = T>) -> Result<Vec<T>, Failure> {
    let limit = usize::try_from(MAX_ITEMS).unwrap_or(usize::MAX);
    let parts: Vec<T> = parts.take(limit + 1).collect();
    if parts.len() > limit {
        return Err(Failure(format!("the list would have more than {MAX_ITEMS} items")));
    }
    Ok(parts)
}

/// A map of the keys `_0`, `_1` and so on.
fn numbered(parts: Vec<String>) -> Value {
    let entries = parts.into_iter().enumerate();
    let entries = entries.map(|(index, part)| (Text::from(format!("_{index}")), Value::text(part)));
    Value::Map(Map::of(Element::Text, entries.collect()))
}

/// A list of texts; nil, as Go has it, if there are none.
pub(super) fn texts_or_nil(texts: Vec<Text>) -> Value {
    if texts.is_empty() { Value::List(List::nil(Element::Text)) } else { Value::texts(texts) }
}
