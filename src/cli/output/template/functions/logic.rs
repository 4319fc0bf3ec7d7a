//! Defaults and choices.

use super::super::error::Failure;
use super::super::value::Value;
use super::{Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("default", &[Type::Any], Type::Any, |call| {
        let given = call.rest(1).first().filter(|given| given.truth());
        Ok(given.unwrap_or(call.any(0)).clone())
    }),
    Function::new("empty", &[Type::Any], |call| Ok(Value::Bool(!call.any(0).truth()))),
    Function::variadic("coalesce", &[], Type::Any, |call| {
        Ok(call.arguments.iter().find(|value| value.truth()).unwrap_or(&Value::Nil).clone())
    }),
    Function::variadic("all", &[], Type::Any, |call| {
        Ok(Value::Bool(call.arguments.iter().all(Value::truth)))
    }),
    Function::variadic("any", &[], Type::Any, |call| {
        Ok(Value::Bool(call.arguments.iter().any(Value::truth)))
    }),
    Function::new("ternary", &[Type::Any, Type::Any, Type::Bool], |call| {
        Ok(call.any(if call.bool(2) { 0 } else { 1 }).clone())
    }),
    Function::new("fail", &[Type::Text], |call| Err(Failure(call.text(0).into_owned()))),
    Function::new("hello", &[], |_| text("Hello!")),
];
