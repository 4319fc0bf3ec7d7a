//! Lists. No function changes a list: each gives a new one.

use super::super::context::MAX_ITEMS;
use super::super::error::Failure;
use super::super::value::{Element, List, Value};
use super::cast::to_int;
use super::texts::bounded;
use super::types::deep_equal;
use super::{Call, Function, Type};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("list", &[], Type::Any, |call| Ok(Value::list(call.arguments.to_vec()))),
    Function::variadic("tuple", &[], Type::Any, |call| Ok(Value::list(call.arguments.to_vec()))),
    Function::new("first", &[Type::Any], first),
    Function::new("mustFirst", &[Type::Any], first),
    Function::new("last", &[Type::Any], last),
    Function::new("mustLast", &[Type::Any], last),
    Function::new("rest", &[Type::Any], rest),
    Function::new("mustRest", &[Type::Any], rest),
    Function::new("initial", &[Type::Any], initial),
    Function::new("mustInitial", &[Type::Any], initial),
    Function::new("append", &[Type::Any, Type::Any], append),
    Function::new("mustAppend", &[Type::Any, Type::Any], append),
    Function::new("push", &[Type::Any, Type::Any], append),
    Function::new("mustPush", &[Type::Any, Type::Any], append),
    Function::new("prepend", &[Type::Any, Type::Any], prepend),
    Function::new("mustPrepend", &[Type::Any, Type::Any], prepend),
    Function::variadic("concat", &[], Type::Any, concat),
    Function::new("reverse", &[Type::Any], reverse),
    Function::new("mustReverse", &[Type::Any], reverse),
    Function::new("uniq", &[Type::Any], unique),
    Function::new("mustUniq", &[Type::Any], unique),
    Function::variadic("without", &[Type::Any], Type::Any, without),
    Function::variadic("mustWithout", &[Type::Any], Type::Any, without),
    Function::new("has", &[Type::Any, Type::Any], has),
    Function::new("mustHas", &[Type::Any, Type::Any], has),
    Function::new("compact", &[Type::Any], compact),
    Function::new("mustCompact", &[Type::Any], compact),
    Function::variadic("slice", &[Type::Any], Type::Any, slice),
    Function::variadic("mustSlice", &[Type::Any], Type::Any, slice),
    Function::new("chunk", &[Type::Int, Type::Any], chunk),
    Function::new("mustChunk", &[Type::Int, Type::Any], chunk),
];

fn first(call: &Call<'_>) -> Result<Value, Failure> {
    Ok(call.list(0, "find first on")?.first().unwrap_or(&Value::Nil).clone())
}

fn last(call: &Call<'_>) -> Result<Value, Failure> {
    Ok(call.list(0, "find last on")?.last().unwrap_or(&Value::Nil).clone())
}

fn rest(call: &Call<'_>) -> Result<Value, Failure> {
    Ok(match call.list(0, "find rest on")?.split_first() {
        Some((_, rest)) => Value::list(rest.to_vec()),
        None => Value::List(List::nil(Element::Any)),
    })
}

fn initial(call: &Call<'_>) -> Result<Value, Failure> {
    Ok(match call.list(0, "find initial on")?.split_last() {
        Some((_, initial)) => Value::list(initial.to_vec()),
        None => Value::List(List::nil(Element::Any)),
    })
}

fn append(call: &Call<'_>) -> Result<Value, Failure> {
    let items = call.list(0, "push on")?.iter().chain([call.any(1)]).cloned();
    bounded(items).map(Value::list)
}

fn prepend(call: &Call<'_>) -> Result<Value, Failure> {
    let items = [call.any(1)].into_iter().chain(call.list(0, "prepend on")?.iter()).cloned();
    bounded(items).map(Value::list)
}

fn concat(call: &Call<'_>) -> Result<Value, Failure> {
    let mut items: Vec<Value> = Vec::new();
    for index in 0..call.arguments.len() {
        let list = call.list(index, "concat as a list a value of")?;
        if items.len() + list.len() > usize::try_from(MAX_ITEMS).unwrap_or(usize::MAX) {
            return Err(Failure(format!("the list would have more than {MAX_ITEMS} items")));
        }
        items.extend(list.iter().cloned());
    }
    if items.is_empty() {
        return Ok(Value::List(List::nil(Element::Any)));
    }
    Ok(Value::list(items))
}

fn reverse(call: &Call<'_>) -> Result<Value, Failure> {
    Ok(Value::list(call.list(0, "find reverse on")?.iter().rev().cloned().collect()))
}

fn unique(call: &Call<'_>) -> Result<Value, Failure> {
    let mut kept: Vec<Value> = Vec::new();
    for item in call.list(0, "find uniq on")?.iter() {
        if !contains(call, &kept, item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without(call: &Call<'_>) -> Result<Value, Failure> {
    let mut kept = Vec::new();
    for item in call.list(0, "find without on")?.iter() {
        if !contains(call, call.rest(1), item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn has(call: &Call<'_>) -> Result<Value, Failure> {
    if call.any(1).is_nil() {
        return Ok(Value::Bool(false));
    }
    Ok(Value::Bool(contains(call, call.list(1, "find has on")?, call.any(0))?))
}

fn contains(call: &Call<'_>, items: &[Value], wanted: &Value) -> Result<bool, Failure> {
    for item in items {
        if deep_equal(call.context, item, wanted, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compact(call: &Call<'_>) -> Result<Value, Failure> {
    let list = call.list(0, "compact on")?;
    Ok(Value::list(list.iter().filter(|item| item.truth()).cloned().collect()))
}

/// Cuts a part out of a list: from the second argument to the third, which default to its start and end.
fn slice(call: &Call<'_>) -> Result<Value, Failure> {
    let Value::List(list) = call.any(0) else {
        return Err(Failure(format!(
            "list should be type of slice or array but {}",
            call.any(0).kind_name()
        )));
    };
    call.context.spend(list.len())?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |index: usize, default: usize| match call.rest(1).get(index) {
        Some(value) => usize::try_from(to_int(value)).ok(),
        None => Some(default),
    };
    let part = match (bound(0, 0), bound(1, list.len())) {
        (Some(from), Some(to)) => list.get(from..to),
        _ => None,
    };
    let part = part.ok_or("slice index out of bounds")?;
    Ok(Value::List(List::of(list.element, part.to_vec())))
}

fn chunk(call: &Call<'_>) -> Result<Value, Failure> {
    let list = call.list(1, "chunk")?;
    let size = usize::try_from(call.int(0)).ok().filter(|size| *size > 0);
    let size = size.ok_or("the size of a chunk must be positive")?;
    Ok(Value::List(List::of(
        Element::List,
        list.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect(),
    )))
}
