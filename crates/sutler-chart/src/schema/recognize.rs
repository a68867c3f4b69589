//! Schemas that are right at first sight.
//!
//! Nearly every schema is, and is recognised in one walk over it, without its draft's own schema. What this module does not
//! recognise is not wrong for that: the draft's schema decides then, and has the words for it.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};
use sutler_functions::re2::Pattern;

use super::document::Draft;
use super::equality::duplicates;
use super::format;
use super::metaschema::{self, Shape};

/// Whether a schema of this draft, all parts of which follow it too, is right by the draft's own schema. `false` says nothing.
/// The recursion is bounded by the reader of JSON.
pub(super) fn is_right(schema: &Value, draft: Draft) -> bool {
    match schema {
        Value::Bool(_) => draft > Draft::Four,
        Value::Object(keywords) => keywords.iter().all(|(keyword, value)| match shape_of(keyword, draft) {
            Some(shape) => fits(value, shape, keywords, draft),
            // This draft looks at these of the one before by other rules than its own keywords.
            None => draft < Draft::Year2020 || !keyword.starts_with("$recursive"),
        }),
        _ => false,
    }
}

type Shapes = HashMap<&'static str, Shape, foldhash::fast::FixedState>;

fn shape_of(keyword: &str, draft: Draft) -> Option<Shape> {
    static SHAPES: [LazyLock<Shapes>; 5] = [
        LazyLock::new(|| metaschema::shapes(Draft::Four).collect()),
        LazyLock::new(|| metaschema::shapes(Draft::Six).collect()),
        LazyLock::new(|| metaschema::shapes(Draft::Seven).collect()),
        LazyLock::new(|| metaschema::shapes(Draft::Year2019).collect()),
        LazyLock::new(|| metaschema::shapes(Draft::Year2020).collect()),
    ];
    SHAPES[draft as usize].get(keyword).copied()
}

fn fits(value: &Value, shape: Shape, beside: &Map<String, Value>, draft: Draft) -> bool {
    let schema = |value: &Value| is_right(value, draft);
    let list_of = |fits: fn(&Value, Draft) -> bool| match value {
        Value::Array(items) => !items.is_empty() && items.iter().all(|item| fits(item, draft)),
        _ => false,
    };
    let map_of = |fits: &dyn Fn(&Value) -> bool| matches!(value, Value::Object(members) if members.values().all(fits));
    match shape {
        Shape::Anything => true,
        Shape::Text => value.is_string(),
        Shape::Formatted("regex") => value.as_str().is_some_and(is_pattern),
        Shape::Formatted(format) => value.as_str().is_some_and(|text| format::check(format, text).is_ok()),
        // Seldom seen, or with a pattern of their own.
        Shape::Like(_) | Shape::Address | Shape::Named("anchorString") | Shape::Vocabularies => false,
        Shape::Named(name) => {
            let format = if name == "uriString" { "uri" } else { "uri-reference" };
            value.as_str().is_some_and(|text| format::check(format, text).is_ok())
        }
        Shape::Boolean if draft == Draft::Four => {
            // Each of these two asks for the limit that it is about.
            let limit = |keyword: &str, limit: &str| !beside.contains_key(keyword) || beside.contains_key(limit);
            value.is_boolean() && limit("exclusiveMaximum", "maximum") && limit("exclusiveMinimum", "minimum")
        }
        Shape::Boolean => value.is_boolean(),
        Shape::Number => value.is_number(),
        Shape::Positive => value.as_u64().is_some_and(|number| number > 0),
        Shape::Count | Shape::CountOrZero => value.as_u64().is_some(),
        Shape::Texts => is_texts(value, draft),
        Shape::Choices => match value {
            Value::Array(items) => draft >= Draft::Year2019 || (!items.is_empty() && duplicates(items).is_none()),
            _ => false,
        },
        Shape::Examples => value.is_array(),
        Shape::Types => match value {
            Value::Array(types) => !types.is_empty() && types.iter().all(is_type) && duplicates(types).is_none(),
            one => is_type(one),
        },
        Shape::Schema => schema(value),
        Shape::SchemaOrBoolean => value.is_boolean() || schema(value),
        Shape::Schemas => list_of(is_right),
        Shape::SchemaOrSchemas => schema(value) || list_of(is_right),
        Shape::Members => map_of(&schema),
        Shape::Patterns => {
            map_of(&schema) && value.as_object().is_some_and(|members| members.keys().all(|key| is_pattern(key)))
        }
        Shape::Dependencies => map_of(&|value| schema(value) || is_texts(value, draft)),
        Shape::Required => map_of(&|value| is_texts(value, draft)),
    }
}

fn is_pattern(text: &str) -> bool {
    Pattern::shared(text.as_bytes()).is_ok()
}

fn is_texts(value: &Value, draft: Draft) -> bool {
    match value {
        Value::Array(texts) => {
            (draft > Draft::Four || !texts.is_empty())
                && texts.iter().all(Value::is_string)
                && duplicates(texts).is_none()
        }
        _ => false,
    }
}

fn is_type(value: &Value) -> bool {
    const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
    value.as_str().is_some_and(|name| TYPES.contains(&name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::super::resources::{Resources, of_draft};
    use super::super::validator::Validator;
    use super::*;

    /// Every keyword of every draft with values of every shape, right and wrong.
    #[test]
    fn what_is_recognised_is_right_by_the_schema_of_its_draft() {
        let values = json!([
            null, true, false, 0, 1, -1, 1.5, 2.0, "", "a", "^(", "[a-z]+", "string", "http://example.com/a", "#a", "a b",
            [], ["a"], ["a", "a"], ["string", "null"], ["string", "text"], [1, 1.0], [{}], [true], [1],
            {}, {"a": true}, {"a": {}}, {"a": 1}, {"a": {"type": "text"}}, {"a": ["b"]}, {"a": []}, {"a": ["b", "b"]}, {"^(": {}},
            {"type": "string"}, {"minLength": -1}, {"exclusiveMaximum": true}, {"exclusiveMaximum": true, "maximum": 1},
            {"$recursiveAnchor": 1}, {"properties": {"a": {"items": {"required": [1]}}}},
        ]);
        let drafts = [Draft::Four, Draft::Six, Draft::Seven, Draft::Year2019, Draft::Year2020];
        let mut keywords: Vec<&str> =
            drafts.iter().flat_map(|draft| metaschema::shapes(*draft)).map(|(keyword, _)| keyword).collect();
        keywords.push("unknown");
        keywords.sort_unstable();
        keywords.dedup();
        let (mut recognised, mut right) = (0, 0);
        for draft in drafts {
            let metaschemas = Resources::metaschemas(&[draft]);
            for keyword in &keywords {
                for value in values.as_array().into_iter().flatten() {
                    let schema = json!({*keyword: value});
                    let by_draft = Validator::of_schemas(&metaschemas, draft, BTreeMap::new());
                    let by_draft = by_draft.run(of_draft(draft), &schema).is_ok();
                    right += usize::from(by_draft);
                    if is_right(&schema, draft) {
                        recognised += 1;
                        assert!(by_draft, "{schema} is wrong by {draft:?}");
                    }
                }
            }
        }
        assert!(recognised * 100 > right * 95, "{recognised} of {right} right schemas are recognised");
    }
}
