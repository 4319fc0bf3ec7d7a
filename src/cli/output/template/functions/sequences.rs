//! Sequences of numbers.

use super::super::context::MAX_ITEMS;
use super::super::error::Failure;
use super::super::value::{Element, List, Value};
use super::{Call, Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("until", &[Type::Int], |call| {
        let end = call.int(0);
        list(steps(0, end, if end < 0 { -1 } else { 1 })?)
    }),
    Function::new("untilStep", &[Type::Int, Type::Int, Type::Int], |call| {
        list(steps(call.int(0), call.int(1), call.int(2))?)
    }),
    Function::variadic("seq", &[], Type::Int, sequence),
];

fn list(numbers: Vec<i64>) -> Result<Value, Failure> {
    Ok(Value::List(List::of(Element::Int, numbers.into_iter().map(Value::Int).collect())))
}

/// The numbers from `start` up or down to `end`, which is not one of them.
fn steps(start: i64, end: i64, step: i64) -> Result<Vec<i64>, Failure> {
    if step == 0 || (end > start) != (step > 0) {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(end).div_ceil(step.unsigned_abs());
    if count > MAX_ITEMS {
        return Err(Failure(format!("a sequence of {count} numbers is too long (the limit is {MAX_ITEMS})")));
    }
    let numbers = std::iter::successors(Some(start), |number| number.checked_add(step));
    Ok(numbers.take(usize::try_from(count).unwrap_or(usize::MAX)).collect())
}

/// Numbers as the `seq` command prints them: the last one is included.
fn sequence(call: &Call<'_>) -> Result<Value, Failure> {
    let direction = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, step, end) = match *call.arguments {
        [Value::Int(end)] => (1, direction(1, end), end),
        [Value::Int(start), Value::Int(end)] => (start, direction(start, end), end),
        [Value::Int(start), Value::Int(step), Value::Int(end)] => (start, step, end),
        _ => return text(""),
    };
    let numbers = steps(start, end.saturating_add(direction(start, end)), step)?;
    text(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" "))
}
