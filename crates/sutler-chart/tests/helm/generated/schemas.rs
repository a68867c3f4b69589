//! Made-up schemas, most of them wrong in a place or two, and values for them: what is refused, where, and in which words.

use serde_json::{Map, Value, json};

use super::charts::Case;
use crate::random::Random;

const DRAFTS: [&str; 7] = [
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2020-12/schema#",
    "",
];

/// Keywords and what they hold.
const KEYWORDS: [(&str, Holds); 52] = [
    ("type", Holds::Kind),
    ("type", Holds::Kind),
    ("enum", Holds::Values),
    ("const", Holds::Value),
    ("minimum", Holds::Number),
    ("maximum", Holds::Number),
    ("exclusiveMinimum", Holds::Number),
    ("exclusiveMaximum", Holds::Number),
    ("multipleOf", Holds::Number),
    ("minLength", Holds::Number),
    ("maxLength", Holds::Number),
    ("minItems", Holds::Number),
    ("maxItems", Holds::Number),
    ("minProperties", Holds::Number),
    ("maxProperties", Holds::Number),
    ("minContains", Holds::Number),
    ("maxContains", Holds::Number),
    ("uniqueItems", Holds::Boolean),
    ("pattern", Holds::Pattern),
    ("format", Holds::Format),
    ("required", Holds::Names),
    ("dependentRequired", Holds::NamesByName),
    ("dependencies", Holds::Dependencies),
    ("properties", Holds::Schemas),
    ("properties", Holds::Schemas),
    ("properties", Holds::Schemas),
    ("patternProperties", Holds::SchemasByPattern),
    ("dependentSchemas", Holds::Schemas),
    ("definitions", Holds::Schemas),
    ("$defs", Holds::Schemas),
    ("additionalProperties", Holds::Schema),
    ("unevaluatedProperties", Holds::Schema),
    ("unevaluatedItems", Holds::Schema),
    ("propertyNames", Holds::Schema),
    ("contains", Holds::Schema),
    ("items", Holds::Schema),
    ("items", Holds::SchemaList),
    ("additionalItems", Holds::Schema),
    ("prefixItems", Holds::SchemaList),
    ("not", Holds::Schema),
    ("if", Holds::Schema),
    ("then", Holds::Schema),
    ("else", Holds::Schema),
    ("allOf", Holds::SchemaList),
    ("anyOf", Holds::SchemaList),
    ("oneOf", Holds::SchemaList),
    ("$ref", Holds::Reference),
    ("$anchor", Holds::Text),
    ("title", Holds::Text),
    ("$comment", Holds::Text),
    ("readOnly", Holds::Boolean),
    ("examples", Holds::Values),
];

#[derive(Clone, Copy)]
enum Holds {
    Kind,
    Value,
    Values,
    Number,
    Boolean,
    Pattern,
    Format,
    Text,
    Names,
    NamesByName,
    Dependencies,
    Schema,
    Schemas,
    SchemasByPattern,
    SchemaList,
    Reference,
}

const NAMES: [&str; 6] = ["a", "b", "c", "port", "x/y", "é"];

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth > 2 { 8 } else { 12 }) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2 => json!(random.below(12)),
        3 => json!(1.5),
        4 => json!(-3),
        5 => json!(20000),
        6 | 7 => json!(random.pick(&["", "x", "string", "abcdef", "10.0.0.1", "it's", "a\nb"])),
        8 | 9 => (0..random.below(4)).map(|_| value(random, depth + 1)).collect(),
        _ => Value::Object(members(random, depth, value)),
    }
}

fn members(random: &mut Random, depth: usize, of: impl Fn(&mut Random, usize) -> Value) -> Map<String, Value> {
    (0..1 + random.below(3)).map(|_| (random.pick(&NAMES).to_owned(), of(random, depth + 1))).collect()
}

fn names(random: &mut Random) -> Value {
    (0..random.below(3)).map(|_| json!(random.pick(&NAMES))).collect()
}

fn held(random: &mut Random, holds: Holds, depth: usize) -> Value {
    const KINDS: [&str; 7] = ["string", "integer", "number", "object", "array", "boolean", "null"];
    // One in fifteen is whatever comes.
    if random.below(15) == 0 {
        return value(random, 1);
    }
    match holds {
        Holds::Kind if random.below(4) == 0 => (0..random.below(3)).map(|_| json!(random.pick(&KINDS))).collect(),
        Holds::Kind => json!(random.pick(&KINDS)),
        Holds::Value => value(random, 1),
        Holds::Values => (0..random.below(4)).map(|_| value(random, 2)).collect(),
        Holds::Number => match random.below(8) {
            0 => json!(-1),
            1 => json!(2.5),
            2 => json!(0),
            _ => json!(random.below(6)),
        },
        Holds::Boolean => json!(random.below(2) == 0),
        Holds::Pattern => json!(random.pick(&["^[a-z]+$", "x", "(", "a{2,1}", "\\d+", "[a"])),
        Holds::Format => json!(random.pick(&["date", "ipv4", "uri", "email", "hostname", "nope", "regex"])),
        Holds::Text => json!(random.pick(&["t", "", "a b", "A_1", "1x"])),
        Holds::Names => names(random),
        Holds::NamesByName => Value::Object(members(random, depth, |random, _| names(random))),
        Holds::Dependencies => Value::Object(members(random, depth, |random, depth| match random.below(2) {
            0 => names(random),
            _ => schema(random, depth),
        })),
        Holds::Schema => schema(random, depth + 1),
        Holds::Schemas => Value::Object(members(random, depth, schema)),
        Holds::SchemasByPattern => {
            let pattern = random.pick(&["^a", "b|c", "(", "."]).to_owned();
            json!({ pattern: schema(random, depth + 1) })
        }
        Holds::SchemaList => (0..random.below(3)).map(|_| schema(random, depth + 1)).collect(),
        Holds::Reference => json!(random.pick(&[
            "#",
            "#/definitions/a",
            "#/$defs/b",
            "#/nope",
            "#/properties/a",
            "#/properties/x~1y",
            "#t",
            "#/enum/0",
            "#/examples/0",
            "other.json",
        ])),
    }
}

fn schema(random: &mut Random, depth: usize) -> Value {
    if random.below(12) == 0 {
        return json!(random.below(3) > 0);
    }
    let count = if depth > 3 { random.below(2) } else { random.below(4) };
    let mut object = Map::new();
    for _ in 0..count {
        let (keyword, holds) = KEYWORDS[random.below(KEYWORDS.len())];
        object.insert(keyword.to_owned(), held(random, holds, depth));
    }
    Value::Object(object)
}

/// A chart whose values have a schema.
pub(crate) fn case(random: &mut Random) -> Case {
    let mut root = schema(random, 0);
    let draft = random.pick(&DRAFTS);
    if let Some(object) = root.as_object_mut() {
        let (keyword, holds) = KEYWORDS[23 + random.below(9)];
        object.insert(keyword.to_owned(), held(random, holds, 0));
        if !draft.is_empty() {
            object.insert("$schema".to_owned(), json!(draft));
        }
    }
    let values = Value::Object(members(random, 0, value));
    Case {
        files: vec![
            ("main/Chart.yaml".to_owned(), b"apiVersion: v2\nname: main\nversion: 1.0.0\n".to_vec()),
            ("main/values.yaml".to_owned(), values.to_string().into_bytes()),
            ("main/values.schema.json".to_owned(), root.to_string().into_bytes()),
            ("main/templates/a.yaml".to_owned(), b"a: 1\n".to_vec()),
        ],
        arguments: ["template", "name", "<here>/main"].map(str::to_owned).to_vec(),
    }
}
