//! Cases for the judge: objects made from the schema table with few names and values, so that they meet, and patches of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use sutler_objects::schema::{self, Field, ListKind, Scalar, Type};

/// A small random number generator (splitmix64), so that a seed means the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

const KINDS: [(&str, &str); 12] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("v1", "Pod"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "ServiceAccount"),
    ("batch/v1", "CronJob"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("networking.k8s.io/v1", "Ingress"),
];

/// Fields that the server owns.
const LEFT_OUT: [&str; 9] = [
    "managedFields",
    "creationTimestamp",
    "deletionTimestamp",
    "resourceVersion",
    "uid",
    "generation",
    "selfLink",
    "status",
    "deletionGracePeriodSeconds",
];

/// As many cases as asked for, of all sorts.
pub(crate) fn cases(seed: u64, count: usize) -> Vec<Value> {
    let mut random = Random(seed);
    (0..count).map(|_| case(&mut random)).collect()
}

fn case(random: &mut Random) -> Value {
    let (api_version, kind) = *random.pick(&KINDS);
    let ty = schema::of(api_version, kind).unwrap();
    let object = |random: &mut Random| whole(random, api_version, kind);
    match random.below(20) {
        0..4 => {
            let original = object(random);
            let mut patch = if random.one_in(3) { object(random) } else { changed(&original, ty, random) };
            add_directives(&mut patch, ty, random);
            json!({"op": "strategic", "apiVersion": api_version, "kind": kind, "original": original, "patch": patch})
        }
        4..6 => {
            let original = object(random);
            let modified = changed(&original, ty, random);
            json!({"op": "two-way", "apiVersion": api_version, "kind": kind, "original": original, "modified": modified})
        }
        6..10 => {
            let original = object(random);
            let (modified, current) = (changed(&original, ty, random), changed(&original, ty, random));
            let op = if random.one_in(4) { "three-way-merge" } else { "three-way" };
            json!({"op": op, "apiVersion": api_version, "kind": kind, "original": original, "modified": modified, "current": current})
        }
        10..18 => {
            let mut base = object(random);
            let mut steps = Vec::new();
            for _ in 0..2 + random.below(4) {
                let verb = if random.one_in(4) { "update" } else { "apply" };
                if random.one_in(5) {
                    base = object(random);
                }
                let manager = *random.pick(&["a", "b", "c"]);
                steps.push(json!({"verb": verb, "manager": manager, "force": !random.one_in(3), "object": base}));
                base = changed(&base, ty, random);
            }
            json!({"op": "apply", "apiVersion": api_version, "kind": kind, "steps": steps})
        }
        18 => json!({"op": "quantity", "text": quantity(random)}),
        _ => {
            let labels: Map<String, Value> =
                ["a", "b/c"].iter().filter(|_| random.one_in(2)).map(|key| ((*key).to_owned(), "x".into())).collect();
            json!({"op": "selector", "text": selector(random), "labels": labels})
        }
    }
}

fn quantity(random: &mut Random) -> String {
    // Go's own arithmetic overflows on huge ones and rounds negative fractions its own way: neither is asked for.
    let whole = random.below(3000);
    let fraction = *random.pick(&["", "", ".5", ".25", ".001", ".0000000001"]);
    let suffix = *random.pick(&["", "m", "u", "n", "k", "M", "G", "Ki", "Mi", "Gi", "Ti", "e3", "e2", "x", "mi", " "]);
    format!("{}{fraction}{suffix}", whole)
}

fn selector(random: &mut Random) -> String {
    let term = |random: &mut Random| {
        let key = *random.pick(&["a", "b/c", "d"]);
        let form = *random.pick(&[
            "K",
            "!K",
            "K=x",
            "K==y",
            "K!=x",
            "K in (x,y)",
            "K notin (x, y)",
            "K in ()",
            "K >1",
            "K<2",
            "K x",
            "=K",
            "K in x",
            "! K",
        ]);
        form.replace('K', key)
    };
    let terms: Vec<String> = (0..1 + random.below(3)).map(|_| term(random)).collect();
    terms.join(*random.pick(&[",", ", ", " , "]))
}

fn whole(random: &mut Random, api_version: &str, kind: &str) -> Value {
    let ty = schema::of(api_version, kind).unwrap();
    let mut object = value(ty, random, 0);
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    object["metadata"]["name"] = "n".into();
    object
}

fn is_free(ty: &Type) -> bool {
    match ty {
        Type::Deduced | Type::Atomic => true,
        Type::List { of, .. } | Type::Map { of, .. } => is_free(of),
        _ => false,
    }
}

/// The fields that objects get: none that the server owns, none that holds any JSON.
fn fields(ty: &Type) -> impl Iterator<Item = &Field> {
    let is_owned = |field: &Field, owner: &str| {
        let whole = ty.structure().is_some_and(|of| of.field("metadata").is_some());
        (owner == "meta.v1.ObjectMeta" && LEFT_OUT.contains(&field.name.as_str()))
            || (whole && ["apiVersion", "kind", "status"].contains(&field.name.as_str()))
    };
    ty.structure()
        .into_iter()
        .flat_map(move |of| of.fields.iter().filter(move |field| !is_owned(field, &of.name) && !is_free(&field.ty)))
}

/// Fields without which a default or Go's zero would stand in the judge's answer.
fn is_needed(field: &Field) -> bool {
    field.required || field.name == "targetPort" || field.name == "divisor"
}

/// Values that Go's structures keep: no zeros, no empty texts, lists and maps.
fn value(ty: &Type, random: &mut Random, depth: u64) -> Value {
    match ty {
        Type::Scalar(scalar) => match scalar {
            Scalar::Int32 | Scalar::Int64 => (1 + random.below(3)).into(),
            Scalar::Number => json!(1.5),
            Scalar::Boolean => true.into(),
            Scalar::Quantity => (*random.pick(&["1", "2", "3"])).into(),
            Scalar::IntOrString => {
                if random.one_in(2) {
                    json!(1 + random.below(2))
                } else {
                    json!("25%")
                }
            }
            Scalar::Bytes => "YQ==".into(),
            Scalar::Time => "2026-01-01T00:00:00Z".into(),
            Scalar::MicroTime => "2026-01-01T00:00:00.000001Z".into(),
            Scalar::String | Scalar::Any => (*random.pick(&["a", "b", "c", "d"])).into(),
        },
        Type::Map { of, .. } => {
            let mut map = Map::new();
            for _ in 0..1 + random.below(2) {
                map.insert((*random.pick(&["k1", "k2", "k3"])).to_owned(), value(of, random, depth + 1));
            }
            Value::Object(map)
        }
        Type::List { of, kind } => {
            let mut items: Vec<Value> = (0..1 + random.below(3)).map(|_| value(of, random, depth + 1)).collect();
            items.iter_mut().for_each(|item| add_keys(item, kind, of, random));
            Value::Array(distinct(items, kind, of))
        }
        _ => {
            let mut map = Map::new();
            // Deep down only what must be there.
            let rarity = 2 + depth;
            for field in fields(ty) {
                let wanted = ["spec", "template", "containers", "ports", "metadata", "labels", "name"]
                    .contains(&field.name.as_str())
                    && depth < 6;
                if (is_needed(field) && depth < 20)
                    || (wanted && !random.one_in(4))
                    || (depth < 8 && random.one_in(rarity * 2))
                {
                    map.insert(field.name.clone(), value(&field.ty, random, depth + 1));
                }
            }
            Value::Object(map)
        }
    }
}

/// An element without any of its keys is no element.
fn add_keys(item: &mut Value, kind: &ListKind, of: &Type, random: &mut Random) {
    if let (ListKind::Map(keys), Value::Object(map)) = (kind, item) {
        for field in keys.iter().filter_map(|key| of.structure()?.field(key)) {
            if field.default.is_none() && !map.contains_key(&field.name) {
                map.insert(field.name.clone(), value(&field.ty, random, 20));
            }
        }
    }
}

/// Elements of one key occur once, as in any object that the API server takes.
fn distinct(items: Vec<Value>, kind: &ListKind, of: &Type) -> Vec<Value> {
    let default = |key: &str| {
        of.structure().and_then(|of| of.field(key)).and_then(|field| field.default.clone()).unwrap_or(Value::Null)
    };
    let mut seen = BTreeSet::new();
    let name = |item: &Value| match kind {
        ListKind::Atomic => None,
        ListKind::Set => Some(item.to_string()),
        ListKind::Map(keys) => Some(
            keys.iter()
                .map(|key| item.get(key).cloned().unwrap_or_else(|| default(key)).to_string())
                .collect::<Vec<_>>()
                .join("|"),
        ),
    };
    items.into_iter().filter(|item| name(item).is_none_or(|name| seen.insert(name))).collect()
}

/// The same object with some fields changed, added and removed.
fn changed(object: &Value, ty: &Type, random: &mut Random) -> Value {
    let mut object = object.clone();
    change(&mut object, ty, random, 0);
    object
}

fn is_key(ty: &Type, name: &str) -> bool {
    ty.structure().is_some_and(|of| of.field(name).is_some_and(is_needed))
}

fn change(target: &mut Value, ty: &Type, random: &mut Random, depth: u64) {
    match (target, ty) {
        (Value::Object(map), Type::Struct(_)) => {
            let present: Vec<String> = map.keys().cloned().collect();
            for name in present {
                let Some(of) = fields(ty).find(|field| field.name == name).map(|field| &field.ty) else { continue };
                match random.below(12) {
                    0 if !is_key(ty, &name) && name != "metadata" && name != "name" => drop(map.remove(&name)),
                    1 | 2 if name != "name" || depth > 1 => drop(map.insert(name, value(of, random, depth + 1))),
                    _ => change(map.get_mut(&name).unwrap(), of, random, depth + 1),
                }
            }
            let all: Vec<&Field> = fields(ty).collect();
            if !all.is_empty() && random.one_in(3) {
                let field = *random.pick(&all);
                if !map.contains_key(&field.name) {
                    map.insert(field.name.clone(), value(&field.ty, random, depth + 1));
                }
            }
        }
        (Value::Object(map), Type::Map { of, .. }) => {
            if random.one_in(3) && map.len() > 1 {
                let first = map.keys().next().cloned().unwrap();
                map.remove(&first);
            }
            if random.one_in(3) {
                map.insert((*random.pick(&["k1", "k2", "k3", "k4"])).to_owned(), value(of, random, depth + 1));
            }
        }
        (Value::Array(items), Type::List { of, kind }) => {
            items.iter_mut().for_each(|item| change(item, of, random, depth + 1));
            if random.one_in(4) && items.len() > 1 {
                items.remove(random.below(items.len() as u64) as usize);
            }
            if random.one_in(4) {
                let at = random.below(items.len() as u64 + 1) as usize;
                items.insert(at, value(of, random, depth + 1));
            }
            if random.one_in(4) {
                items.reverse();
            }
            items.iter_mut().for_each(|item| add_keys(item, kind, of, random));
            *items = distinct(std::mem::take(items), kind, of);
        }
        _ => {}
    }
}

/// Nulls and directives of strategic merge patch, here and there; not all of them make sense, which is a case as well.
fn add_directives(patch: &mut Value, ty: &Type, random: &mut Random) {
    match (patch, ty) {
        (Value::Object(map), _) => {
            let names: Vec<String> = map.keys().cloned().collect();
            for name in names {
                let Some(of) = ty.field(&name) else { continue };
                let field = ty.structure().and_then(|of| of.field(&name));
                let merged = field.is_some_and(|field| field.patch.merge);
                let key = field.and_then(|field| field.patch.key.clone());
                if random.one_in(25) && !is_key(ty, &name) && name != "metadata" {
                    map.insert(name, Value::Null);
                    continue;
                }
                if let (true, Some(Value::Array(items)), true) =
                    (merged, map.get(&name).cloned().as_ref(), random.one_in(6))
                {
                    let order: Vec<Value> = match &key {
                        Some(key) => {
                            items.iter().filter_map(|item| Some(json!({ key.as_str(): item.get(key)? }))).collect()
                        }
                        None => items.clone(),
                    };
                    map.insert(format!("$setElementOrder/{name}"), Value::Array(order));
                }
                if merged && key.is_none() && random.one_in(4) {
                    map.insert(format!("$deleteFromPrimitiveList/{name}"), json!([*random.pick(&["a", "b"])]));
                    // With both and no order, the answer depends on the order in which Go walks a map.
                    if !map.contains_key(&format!("$setElementOrder/{name}")) {
                        map.remove(&name);
                    }
                }
                if let Some(value) = map.get_mut(&name) {
                    add_directives(value, of, random);
                }
            }
            if random.one_in(40) {
                map.insert("$patch".to_owned(), (*random.pick(&["replace", "delete", "merge", "jump"])).into());
            }
            if random.one_in(40) {
                let kept: Vec<Value> =
                    map.keys().filter(|key| !key.starts_with('$')).cloned().map(Value::from).collect();
                map.insert("$retainKeys".to_owned(), Value::Array(kept));
            }
        }
        (Value::Array(items), Type::List { of, .. }) => {
            for item in items.iter_mut() {
                add_directives(item, of, random);
                if let (Value::Object(map), true) = (item, random.one_in(8)) {
                    map.insert("$patch".to_owned(), "delete".into());
                }
            }
            if items.iter().all(Value::is_object) && random.one_in(25) {
                items.push(json!({"$patch": "replace"}));
            }
        }
        _ => {}
    }
}
