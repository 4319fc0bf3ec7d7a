//! The functions that are part of the language: logic, lengths, indexes and printing.

use super::super::buffer::Buffer;
use super::super::error::Failure;
use super::super::print::{Flags, Printer};
use super::super::printf;
use super::super::value::{Element, Text, Value};
use super::{Call, Function, Type, int};

pub(super) const FUNCTIONS: &[Function] = &[
    // The evaluator decides these two itself, since it must not evaluate more arguments than it needs.
    Function::variadic("and", &[Type::Raw], Type::Raw, |call| Ok(call.any(0).clone())),
    Function::variadic("or", &[Type::Raw], Type::Raw, |call| Ok(call.any(0).clone())),
    Function::new("not", &[Type::Raw], |call| Ok(Value::Bool(!call.any(0).truth()))),
    Function::new("len", &[Type::Raw], length),
    Function::variadic("index", &[Type::Raw], Type::Raw, index),
    Function::variadic("print", &[], Type::Any, print),
    Function::variadic("println", &[], Type::Any, println),
    Function::variadic("printf", &[Type::Text], Type::Any, |call| {
        let format = Text::from(call.bytes(0));
        printf::format(call.context, &format, call.rest(1)).map(Value::Text)
    }),
    Function::variadic("call", &[Type::Raw], Type::Raw, |call| match call.any(0) {
        nil if nil.is_nil() => Err("call of nil".into()),
        other => Err(Failure(format!("non-function of type {}", other.type_name()))),
    }),
];

fn length(call: &Call<'_>) -> Result<Value, Failure> {
    let length = match call.any(0) {
        Value::Text(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        nil if nil.is_nil() => return Err("len of nil".into()),
        other => return Err(Failure(format!("len of type {}", other.type_name()))),
    };
    Ok(Value::Int(int(length)))
}

/// Looks up one index after the other: `index .m "key" 0`.
fn index(call: &Call<'_>) -> Result<Value, Failure> {
    let mut item = call.any(0).clone();
    if item.is_nil() {
        return Err("index of untyped nil".into());
    }
    for index in call.rest(1) {
        item = match &item {
            Value::Missing | Value::Nil => return Err("index of nil pointer".into()),
            Value::List(list) => list[position(index, list.len())?].clone(),
            Value::Text(text) => Value::Byte(text[position(index, text.len())?]),
            Value::Map(map) => match index {
                Value::Text(key) => map.get(key).unwrap_or_else(|| zero(map.element)),
                nil if nil.is_nil() => return Err("value is nil; should be of type string".into()),
                other => {
                    return Err(Failure(format!("value has type {}; should be string", other.type_name())));
                }
            },
            other => return Err(Failure(format!("can't index item of type {}", other.type_name()))),
        };
    }
    Ok(item)
}

/// What a map gives for a key that it does not have.
fn zero(element: Element) -> Value {
    if element == Element::Text { Value::text("") } else { Value::Nil }
}

fn position(index: &Value, length: usize) -> Result<usize, Failure> {
    let number = match index {
        Value::Int(number) | Value::Int64(number) => i128::from(*number),
        Value::Byte(number) => i128::from(*number),
        Value::Uint64(number) => i128::from(*number),
        nil if nil.is_nil() => return Err("cannot index slice/array with nil".into()),
        other => {
            return Err(Failure(format!("cannot index slice/array with type {}", other.type_name())));
        }
    };
    let position = usize::try_from(number).ok().filter(|position| *position < length);
    position.ok_or_else(|| Failure(format!("index out of range: {number}")))
}

/// Prints arguments, with a space between two of which neither is a text.
fn print(call: &Call<'_>) -> Result<Value, Failure> {
    join_printed(call, |before, value| {
        !matches!(before, Some(Value::Text(_)) | None) && !matches!(value, Value::Text(_))
    })
    .map(|out| Value::Text(out.into_text()))
}

/// Prints arguments with spaces between all of them, and ends the line.
fn println(call: &Call<'_>) -> Result<Value, Failure> {
    let mut out = join_printed(call, |before, _| before.is_some())?;
    out.push("\n")?;
    Ok(Value::Text(out.into_text()))
}

fn join_printed(
    call: &Call<'_>,
    is_separated: impl Fn(Option<&Value>, &Value) -> bool,
) -> Result<Buffer, Failure> {
    let mut out = Buffer::default();
    let mut before = None;
    for value in call.arguments {
        if is_separated(before, value) {
            out.push(" ")?;
        }
        Printer { context: call.context, out: &mut out, flags: Flags::default() }.value(value, 'v', 0)?;
        before = Some(value);
    }
    Ok(out)
}
