//! Comparison: `eq`, `ne`, `lt`, `le`, `gt`, `ge`. As in Go, a `float64` is not compared with an `int`.

use std::cmp::Ordering;
use std::rc::Rc;

use super::super::error::Failure;
use super::super::value::Value;
use super::{Call, Function, Type};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("eq", &[Type::Raw], Type::Raw, equals_any),
    Function::new("ne", &[Type::Raw, Type::Raw], |call| Ok(Value::Bool(!equal(call.any(0), call.any(1))?))),
    Function::new("lt", &[Type::Raw, Type::Raw], |call| Ok(Value::Bool(is_less(call)?))),
    Function::new("le", &[Type::Raw, Type::Raw], |call| Ok(Value::Bool(is_at_most(call)?))),
    Function::new("gt", &[Type::Raw, Type::Raw], |call| Ok(Value::Bool(!is_at_most(call)?))),
    Function::new("ge", &[Type::Raw, Type::Raw], |call| Ok(Value::Bool(!is_less(call)?))),
];

/// A value of one of the types that have an order, or `true` and `false`.
#[derive(Clone, Copy)]
enum Basic<'v> {
    Bool(bool),
    /// Integers of every size compare with each other.
    Integer(i128),
    Float(f64),
    Text(&'v [u8]),
}

fn basic(value: &Value) -> Option<Basic<'_>> {
    Some(match value {
        Value::Bool(flag) => Basic::Bool(*flag),
        Value::Int(number) | Value::Int64(number) => Basic::Integer(i128::from(*number)),
        Value::Byte(number) => Basic::Integer(i128::from(*number)),
        Value::Uint64(number) => Basic::Integer(i128::from(*number)),
        Value::Float(number) => Basic::Float(*number),
        Value::Text(text) => Basic::Text(text),
        _ => return None,
    })
}

fn equals_any(call: &Call<'_>) -> Result<Value, Failure> {
    let others = call.rest(1);
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        if equal(call.any(0), other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn equal(left: &Value, right: &Value) -> Result<bool, Failure> {
    match (basic(left), basic(right)) {
        (Some(Basic::Bool(left)), Some(Basic::Bool(right))) => return Ok(left == right),
        (Some(Basic::Integer(left)), Some(Basic::Integer(right))) => return Ok(left == right),
        #[expect(clippy::float_cmp, reason = "templates ask for exact equality")]
        (Some(Basic::Float(left)), Some(Basic::Float(right))) => return Ok(left == right),
        (Some(Basic::Text(left)), Some(Basic::Text(right))) => return Ok(left == right),
        _ => {}
    }
    match (left, right) {
        // Nothing but nil equals nil.
        _ if is_nothing(left) || is_nothing(right) => Ok(is_nothing(left) && is_nothing(right)),
        (Value::Time(left), Value::Time(right)) => {
            Ok(left.timestamp == right.timestamp && left.zone == right.zone)
        }
        (Value::Version(left), Value::Version(right)) => Ok(Rc::ptr_eq(left, right)),
        _ if left.type_name() == right.type_name() => {
            Err(Failure(format!("non-comparable type {}", left.type_name())))
        }
        _ => Err(incompatible(left, right)),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::List(list) => list.is_nil,
        other => other.is_nil(),
    }
}

fn is_less(call: &Call<'_>) -> Result<bool, Failure> {
    order(call.any(0), call.any(1)).map(|order| order == Some(Ordering::Less))
}

fn is_at_most(call: &Call<'_>) -> Result<bool, Failure> {
    order(call.any(0), call.any(1)).map(|order| order.is_some_and(Ordering::is_le))
}

/// The order of two values; `None` if one is not a number.
fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, Failure> {
    let (Some(first), Some(second)) = (basic(left), basic(right)) else {
        return Err("invalid type for comparison".into());
    };
    match (first, second) {
        (Basic::Integer(first), Basic::Integer(second)) => Ok(Some(first.cmp(&second))),
        (Basic::Float(first), Basic::Float(second)) => Ok(first.partial_cmp(&second)),
        (Basic::Text(first), Basic::Text(second)) => Ok(Some(first.cmp(second))),
        (Basic::Bool(_), Basic::Bool(_)) => Err("invalid type for comparison".into()),
        _ => Err(incompatible(left, right)),
    }
}

fn incompatible(left: &Value, right: &Value) -> Failure {
    let hint = match (left, right) {
        (Value::Float(_), Value::Int(_)) | (Value::Int(_), Value::Float(_)) => {
            " (numbers of the data are float64: write 1.0 for 1, or pipe them through int)"
        }
        _ => "",
    };
    Failure(format!(
        "incompatible types for comparison: {} and {}{hint}",
        left.type_name(),
        right.type_name()
    ))
}
