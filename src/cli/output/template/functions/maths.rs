//! Arithmetic. Arguments may be of any type; texts that are numbers count as such, everything else as zero.

use super::super::error::Failure;
use super::super::value::Value;
use super::cast::{to_float, to_int};
use super::decimal::{self, Operation};
use super::{Call, Function, Type};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("add", &[], Type::Any, |call| fold(call, 0, i64::wrapping_add)),
    Function::new("add1", &[Type::Any], |call| fold(call, 1, i64::wrapping_add)),
    Function::new("sub", &[Type::Any, Type::Any], |call| reduce(call, i64::wrapping_sub)),
    Function::variadic("mul", &[Type::Any], Type::Any, |call| reduce(call, i64::wrapping_mul)),
    Function::new("div", &[Type::Any, Type::Any], |call| divide(call, i64::wrapping_div)),
    Function::new("mod", &[Type::Any, Type::Any], |call| divide(call, i64::wrapping_rem)),
    Function::variadic("max", &[Type::Any], Type::Any, |call| reduce(call, i64::max)),
    Function::variadic("biggest", &[Type::Any], Type::Any, |call| reduce(call, i64::max)),
    Function::variadic("min", &[Type::Any], Type::Any, |call| reduce(call, i64::min)),
    Function::variadic("maxf", &[Type::Any], Type::Any, |call| reduce_floats(call, |a, b| a > b)),
    Function::variadic("minf", &[Type::Any], Type::Any, |call| reduce_floats(call, |a, b| a < b)),
    Function::variadic("addf", &[], Type::Any, |call| exact(0.0, call.arguments, Operation::Add)),
    Function::new("add1f", &[Type::Any], |call| exact(1.0, call.arguments, Operation::Add)),
    Function::variadic("subf", &[Type::Any], Type::Any, |call| exact_rest(call, Operation::Subtract)),
    Function::variadic("mulf", &[Type::Any], Type::Any, |call| exact_rest(call, Operation::Multiply)),
    Function::variadic("divf", &[Type::Any], Type::Any, |call| exact_rest(call, Operation::Divide)),
    Function::new("floor", &[Type::Any], |call| Ok(Value::Float(to_float(call.any(0)).floor()))),
    Function::new("ceil", &[Type::Any], |call| Ok(Value::Float(to_float(call.any(0)).ceil()))),
    Function::variadic("round", &[Type::Any, Type::Int], Type::Float, round),
];

fn fold(call: &Call<'_>, start: i64, operation: fn(i64, i64) -> i64) -> Result<Value, Failure> {
    Ok(Value::Int64(call.arguments.iter().map(to_int).fold(start, operation)))
}

fn reduce(call: &Call<'_>, operation: fn(i64, i64) -> i64) -> Result<Value, Failure> {
    Ok(Value::Int64(call.arguments.iter().map(to_int).reduce(operation).unwrap_or(0)))
}

fn divide(call: &Call<'_>, operation: fn(i64, i64) -> i64) -> Result<Value, Failure> {
    let (dividend, divisor) = (to_int(call.any(0)), to_int(call.any(1)));
    if divisor == 0 {
        return Err("integer divide by zero".into());
    }
    Ok(Value::Int64(operation(dividend, divisor)))
}

/// The number that is better than all others. What is no number spoils the result, as in Go.
fn reduce_floats(call: &Call<'_>, is_better: fn(f64, f64) -> bool) -> Result<Value, Failure> {
    let numbers = call.arguments.iter().map(to_float);
    let best = numbers.reduce(|best, next| if best.is_nan() || is_better(best, next) { best } else { next });
    Ok(Value::Float(best.unwrap_or(0.0)))
}

fn exact(first: f64, others: &[Value], operation: Operation) -> Result<Value, Failure> {
    let others: Vec<f64> = others.iter().map(to_float).collect();
    decimal::fold(first, &others, operation).map(Value::Float)
}

fn exact_rest(call: &Call<'_>, operation: Operation) -> Result<Value, Failure> {
    exact(to_float(call.any(0)), call.rest(1), operation)
}

/// Rounds to digits behind the point. The third argument is the fraction from which on it is rounded up.
fn round(call: &Call<'_>) -> Result<Value, Failure> {
    let value = to_float(call.any(0));
    let digits = i32::try_from(call.int(1)).unwrap_or(i32::MAX);
    let round_on = call.rest(2).first().map_or(0.5, to_float);
    let power = 10.0_f64.powi(digits);
    let shifted = power * value;
    let rounded = if shifted.fract() >= round_on { shifted.ceil() } else { shifted.floor() };
    Ok(Value::Float(rounded / power))
}
