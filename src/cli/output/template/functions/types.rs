//! Types, conversion between them, and deep comparison.

use super::super::context::Context;
use super::super::error::Failure;
use super::super::literal;
use super::super::print;
use super::super::value::{List, Map, Value};
use super::cast::{to_float, to_int};
use super::{Call, Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("atoi", &[Type::Text], |call| Ok(Value::Int(decimal_integer(&call.text(0))))),
    Function::new("int", &[Type::Any], |call| Ok(Value::Int(to_int(call.any(0))))),
    Function::new("int64", &[Type::Any], |call| Ok(Value::Int64(to_int(call.any(0))))),
    Function::new("float64", &[Type::Any], |call| Ok(Value::Float(to_float(call.any(0))))),
    Function::new("toDecimal", &[Type::Any], |call| {
        let octal = print::sprint(call.context, call.any(0))?;
        Ok(Value::Int64(literal::integer(&octal.to_str(), 8).unwrap_or(0)))
    }),
    Function::new("toString", &[Type::Any], |call| print::sprint(call.context, call.any(0)).map(Value::Text)),
    Function::new("typeOf", &[Type::Any], |call| text(call.any(0).type_name())),
    Function::new("typeIs", &[Type::Text, Type::Any], |call| {
        Ok(Value::Bool(call.text(0) == call.any(1).type_name()))
    }),
    Function::new("typeIsLike", &[Type::Text, Type::Any], |call| {
        let name = call.any(1).type_name();
        Ok(Value::Bool(call.text(0) == name || format!("*{}", call.text(0)) == name))
    }),
    Function::new("kindOf", &[Type::Any], |call| text(call.any(0).kind_name())),
    Function::new("kindIs", &[Type::Text, Type::Any], |call| {
        Ok(Value::Bool(call.text(0) == call.any(1).kind_name()))
    }),
    Function::new("deepEqual", &[Type::Any, Type::Any], |call| {
        Ok(Value::Bool(deep_equal(call.context, call.any(0), call.any(1), 0)?))
    }),
    Function::new("deepCopy", &[Type::Any], deep_copy),
    Function::new("mustDeepCopy", &[Type::Any], deep_copy),
];

/// A decimal integer; what is too large counts as the largest, as in Go, and everything else as zero.
fn decimal_integer(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    let largest = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    literal::integer(text, 10).unwrap_or(largest)
}

/// Tells whether two values have the same type and content.
pub(super) fn deep_equal(
    context: &Context<'_>,
    left: &Value,
    right: &Value,
    depth: usize,
) -> Result<bool, Failure> {
    context.descend(depth)?;
    Ok(match (left, right) {
        (left, right) if left.is_nil() || right.is_nil() => left.is_nil() && right.is_nil(),
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) | (Value::Int64(left), Value::Int64(right)) => left == right,
        (Value::Byte(left), Value::Byte(right)) => left == right,
        (Value::Uint64(left), Value::Uint64(right)) => left == right,
        #[expect(clippy::float_cmp, reason = "templates ask for exact equality")]
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Time(left), Value::Time(right)) => {
            left.timestamp == right.timestamp && left.zone == right.zone
        }
        (Value::Version(left), Value::Version(right)) => left == right,
        (Value::List(left), Value::List(right)) => equal_lists(context, left, right, depth)?,
        (Value::Map(left), Value::Map(right)) => equal_maps(context, left, right, depth)?,
        _ => false,
    })
}

fn equal_lists(context: &Context<'_>, left: &List, right: &List, depth: usize) -> Result<bool, Failure> {
    let is_alike = left.element == right.element && left.is_nil == right.is_nil && left.len() == right.len();
    if !is_alike {
        return Ok(false);
    }
    for (left, right) in left.iter().zip(right.iter()) {
        if !deep_equal(context, left, right, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_maps(context: &Context<'_>, left: &Map, right: &Map, depth: usize) -> Result<bool, Failure> {
    if left.is(right) {
        return Ok(true);
    }
    if left.element != right.element || left.len() != right.len() {
        return Ok(false);
    }
    for ((left_key, left), (right_key, right)) in left.entries().iter().zip(right.entries()) {
        if *left_key != right_key || !deep_equal(context, left, &right, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn deep_copy(call: &Call<'_>) -> Result<Value, Failure> {
    if call.any(0).is_nil() {
        return Err("cannot copy nil".into());
    }
    copy(call.context, call.any(0), 0)
}

/// What copying a value takes, in steps: more than looking at it, since it takes memory.
const COPY_STEPS: usize = 20;

fn copy(context: &Context<'_>, value: &Value, depth: usize) -> Result<Value, Failure> {
    context.descend(depth)?;
    context.spend(COPY_STEPS)?;
    Ok(match value {
        Value::List(list) if !list.is_nil => {
            let items = list.iter().map(|item| copy(context, item, depth + 1)).collect::<Result<_, _>>()?;
            Value::List(List::of(list.element, items))
        }
        Value::Map(map) => {
            let entries = map.entries().into_iter();
            let entries = entries.map(|(key, value)| Ok((key, copy(context, &value, depth + 1)?)));
            Value::Map(Map::of(map.element, entries.collect::<Result<_, Failure>>()?))
        }
        other => other.clone(),
    })
}
