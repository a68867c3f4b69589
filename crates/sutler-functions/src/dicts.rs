//! Dictionaries. `set`, `unset` and the merges change the map they are given, which everybody who holds it sees.

use sutler_template::types::{ANY, BOOL, LIST, MAP, STRING, STRINGS};
use sutler_template::{Arguments, CallError, Context, Function, List, Map, Value};

use crate::merge::{Conflict, copy, merge};
use crate::reflect::{conversion, plain_map, strval};

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("deepCopy", &[&ANY], &ANY, deep_copy).walking(),
    Function::variadic("dict", &[], &ANY, &MAP, dict),
    Function::variadic("dig", &[], &ANY, &ANY, dig),
    Function::new("get", &[&MAP, &STRING], &ANY, get),
    Function::new("hasKey", &[&MAP, &STRING], &BOOL, has_key),
    Function::variadic("keys", &[], &MAP, &STRINGS, keys),
    Function::variadic("merge", &[&MAP], &MAP, &ANY, merge_keeping).walking(),
    Function::variadic("mergeOverwrite", &[&MAP], &MAP, &ANY, merge_overwriting).walking(),
    Function::new("mustDeepCopy", &[&ANY], &ANY, must_deep_copy).walking(),
    Function::variadic("mustMerge", &[&MAP], &MAP, &ANY, merge_keeping).walking(),
    Function::variadic("mustMergeOverwrite", &[&MAP], &MAP, &ANY, merge_overwriting).walking(),
    Function::variadic("omit", &[&MAP], &STRING, &MAP, omit),
    Function::variadic("pick", &[&MAP], &STRING, &MAP, pick),
    Function::variadic("pluck", &[&STRING], &MAP, &LIST, pluck),
    Function::new("set", &[&MAP, &STRING, &ANY], &MAP, set),
    Function::new("unset", &[&MAP, &STRING], &MAP, unset),
    Function::new("values", &[&MAP], &LIST, values),
];

fn dict(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let pairs = args.0.chunks(2).map(|pair| {
        let value = pair.get(1).cloned().unwrap_or(Value::EMPTY);
        (strval(&pair[0]), value)
    });
    Ok(Value::Map(pairs.collect()))
}

fn get(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(args.map(0)?.get(args.str(1)?).unwrap_or(Value::EMPTY))
}

fn set(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let map = args.map(0)?;
    map.insert(args.str(1)?.clone(), args.any(2)?.clone())?;
    Ok(Value::Map(map.clone()))
}

fn unset(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let map = args.map(0)?;
    map.remove(args.str(1)?);
    Ok(Value::Map(map.clone()))
}

fn has_key(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(args.map(0)?.contains_key(args.str(1)?)))
}

fn pluck(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let key = args.str(0)?;
    let found = args.rest(1).iter().filter_map(|map| map.get(key)).collect();
    Ok(Value::List(List::new(found)))
}

/// Go's order is random; here keys are sorted.
fn keys(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(List::strings(args.0.iter().filter_map(Value::as_map).flat_map(Map::keys)).into())
}

/// Go's order is random; here values are in the order of their keys.
fn values(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::List(List::new(args.map(0)?.values())))
}

fn pick(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let map = args.map(0)?;
    let picked = args.rest(1).iter().filter_map(Value::as_string);
    Ok(Value::Map(picked.filter_map(|key| map.get(key).map(|value| (key.clone(), value))).collect()))
}

fn omit(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let map = args.map(0)?;
    let omitted: Vec<_> = args.rest(1).iter().filter_map(Value::as_string).collect();
    Ok(Value::Map(map.entries().into_iter().filter(|(key, _)| !omitted.contains(&key)).collect()))
}

fn dig(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let [path @ .., default, map] = args.0 else {
        return Err(CallError::new("dig needs at least three arguments"));
    };
    if path.is_empty() {
        return Err(CallError::new("dig needs at least three arguments"));
    }
    let mut step = Value::Map(plain_map(map)?.clone());
    let keys = path
        .iter()
        .map(|key| key.as_string().ok_or_else(|| conversion(key, "string")))
        .collect::<Result<Vec<_>, _>>()?;
    for key in keys {
        match plain_map(&step)?.get(key) {
            Some(value) => step = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(step)
}

fn merge_all(args: Arguments<'_>, conflict: Conflict) -> Answer {
    let mut target = args.map(0)?.clone();
    for source in args.rest(1).iter().filter_map(Value::as_map) {
        // A nil map cannot be written to; mergo puts a new one in its place.
        if target.is_nil() && !source.is_nil() {
            target = Map::new();
        }
        merge(&target, source, conflict).map_err(|error| CallError::new(error.to_string()))?;
    }
    Ok(Value::Map(target))
}

fn merge_keeping(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    merge_all(args, Conflict::KeepTarget)
}

fn merge_overwriting(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    merge_all(args, Conflict::TakeSource)
}

/// The library copies anything but nil itself, of which it asks the type.
fn copied(args: Arguments<'_>) -> Answer {
    match args.any(0)? {
        Value::Nil => Err(CallError::new("reflect: call of reflect.Value.Type on zero Value")),
        value => copy(value).map_err(|error| CallError::new(error.to_string())),
    }
}

fn must_deep_copy(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    copied(args)
}

fn deep_copy(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    match copied(args) {
        // A panic within the library is not wrapped; an error of it would be.
        Err(error) if !args.any(0)?.is_nil() => Err(error.context("deepCopy error")),
        answer => answer,
    }
}
