//! Maps with text keys. `set`, `unset` and the merges change the map they are given.

use super::super::context::Context;
use super::super::error::Failure;
use super::super::print;
use super::super::value::{Element, Map, Text, Value};
use super::{Call, Function, Type};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("dict", &[], Type::Any, dict),
    Function::new("get", &[Type::Map, Type::Text], |call| {
        Ok(call.map(0).get(call.bytes(1)).unwrap_or_else(|| Value::text("")))
    }),
    Function::new("set", &[Type::Map, Type::Text, Type::Any], |call| {
        if call.any(0).is_nil() {
            return Err("assignment to entry in nil map".into());
        }
        call.map(0).insert(call.bytes(1).into(), call.any(2).clone());
        Ok(call.any(0).clone())
    }),
    Function::new("unset", &[Type::Map, Type::Text], |call| {
        call.map(0).remove(call.bytes(1));
        Ok(call.any(0).clone())
    }),
    Function::new("hasKey", &[Type::Map, Type::Text], |call| {
        Ok(Value::Bool(call.map(0).get(call.bytes(1)).is_some()))
    }),
    Function::variadic("pluck", &[Type::Text], Type::Map, |call| {
        let maps = (1..call.arguments.len()).map(|index| call.map(index));
        Ok(Value::list(maps.filter_map(|map| map.get(call.bytes(0))).collect()))
    }),
    Function::variadic("keys", &[], Type::Map, |call| {
        let maps = (0..call.arguments.len()).map(|index| call.map(index));
        Ok(Value::texts(maps.flat_map(|map| map.entries()).map(|(key, _)| key)))
    }),
    Function::new("values", &[Type::Map], |call| {
        Ok(Value::list(call.map(0).entries().into_iter().map(|(_, value)| value).collect()))
    }),
    Function::variadic("pick", &[Type::Map], Type::Text, |call| Ok(filtered(call, true))),
    Function::variadic("omit", &[Type::Map], Type::Text, |call| Ok(filtered(call, false))),
    Function::variadic("merge", &[Type::Map], Type::Map, |call| merge_all(call, Policy::KeepFirst)),
    Function::variadic("mustMerge", &[Type::Map], Type::Map, |call| merge_all(call, Policy::KeepFirst)),
    Function::variadic("mergeOverwrite", &[Type::Map], Type::Map, |call| merge_all(call, Policy::Overwrite)),
    Function::variadic("mustMergeOverwrite", &[Type::Map], Type::Map, |call| {
        merge_all(call, Policy::Overwrite)
    }),
    Function::variadic("dig", &[], Type::Any, dig),
];

/// A map of keys and values in turn. A last key without value gets an empty text.
fn dict(call: &Call<'_>) -> Result<Value, Failure> {
    let pairs = call.arguments.chunks(2).map(|pair| {
        let key = print::sprint(call.context, &pair[0])?;
        Ok((key, pair.get(1).cloned().unwrap_or_else(|| Value::text(""))))
    });
    Ok(Value::Map(pairs.collect::<Result<Map, Failure>>()?))
}

/// The entries whose keys are among the arguments, or are not.
fn filtered(call: &Call<'_>, keeps_named: bool) -> Value {
    let is_named =
        |key: &Text| call.rest(1).iter().any(|name| matches!(name, Value::Text(name) if name == key));
    let entries = call.map(0).entries().into_iter();
    Value::Map(entries.filter(|(key, _)| is_named(key) == keeps_named).collect())
}

/// Which of two values of one key stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// The one that is there, unless it is empty.
    KeepFirst,
    Overwrite,
}

fn merge_all(call: &Call<'_>, policy: Policy) -> Result<Value, Failure> {
    let target = call.map(0);
    for index in 1..call.arguments.len() {
        merge(call.context, &target, &call.map(index), policy, 0)?;
    }
    Ok(Value::Map(target))
}

/// Merges maps key by key, and maps inside them too.
fn merge(
    context: &Context<'_>,
    target: &Map,
    source: &Map,
    policy: Policy,
    depth: usize,
) -> Result<(), Failure> {
    if target.is(source) {
        return Ok(());
    }
    for (key, value) in source.entries() {
        context.descend(depth)?;
        match (target.get(&key), &value) {
            (Some(Value::Map(inner)), Value::Map(other)) if inner.element == Element::Any => {
                merge(context, &inner, other, policy, depth + 1)?;
            }
            (Some(present), _) if policy == Policy::KeepFirst && present.truth() => {}
            // A nil adds nothing that is not there already.
            (_, nil) if policy == Policy::KeepFirst && nil.is_nil() => {}
            _ => target.insert(key, value),
        }
    }
    Ok(())
}

/// Follows keys into maps: `dig "a" "b" "default" $map`.
fn dig(call: &Call<'_>) -> Result<Value, Failure> {
    let [keys @ .., default, start] = call.arguments else {
        return Err("dig needs at least three arguments".into());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let names = keys.iter().map(|key| match key {
        Value::Text(name) => Ok(name),
        other => Err(Failure(format!("a key must be a string, not {}", other.type_name()))),
    });
    let mut value = start.clone();
    for name in names.collect::<Result<Vec<_>, _>>()? {
        let Value::Map(map) = &value else {
            let (name, found) = (name.to_str(), value.type_name());
            return Err(Failure(format!("{name:?} is looked up in {found}, not in a map")));
        };
        match map.get(name) {
            Some(inner) => value = inner,
            None => return Ok(default.clone()),
        }
    }
    Ok(value)
}
