//! The schemas of schemas, which each draft of JSON Schema publishes: what a schema itself is checked against.
//!
//! They are kept as a table of keywords: which draft has a keyword, in which vocabulary, and of what shape its value is. From it the
//! documents are made as they stand at their addresses, since a failure's text shows how they are nested.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::document::Draft;

/// What the value of a keyword has to be.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Anything,
    Text,
    /// A text of this format.
    Formatted(&'static str),
    /// A text that matches this pattern.
    Like(&'static str),
    /// An address without fragment.
    Address,
    /// A text of the definition with this name.
    Named(&'static str),
    Boolean,
    Number,
    /// A number above zero.
    Positive,
    /// A whole number that is not negative.
    Count,
    /// The same, with a default of zero: drafts before 2019 nest it one deeper.
    CountOrZero,
    Texts,
    /// A list, of at least so many different items before 2019.
    Choices,
    Examples,
    Types,
    Schema,
    /// A boolean, or a schema where schemas are no booleans yet.
    SchemaOrBoolean,
    Schemas,
    SchemaOrSchemas,
    /// Schemas by name.
    Members,
    /// Schemas by pattern.
    Patterns,
    /// Schemas or lists of texts by name.
    Dependencies,
    /// Lists of texts by name.
    Required,
    /// Booleans by address.
    Vocabularies,
}

use Draft::{Four, Seven, Six, Year2019, Year2020};
use Shape::{
    Address, Anything, Boolean, Choices, Count, CountOrZero, Dependencies, Examples, Formatted, Like, Members, Named,
    Number, Patterns, Positive, Required, Schema, SchemaOrBoolean, SchemaOrSchemas, Schemas, Text, Texts, Types,
    Vocabularies,
};

/// The vocabularies of each draft that has them, in the order in which its schema names them.
fn vocabularies(draft: Draft) -> &'static [&'static str] {
    match draft {
        Four | Six | Seven => &[],
        Year2019 => &["core", "applicator", "validation", "meta-data", "format", "content"],
        Year2020 => &["core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation", "content"],
    }
}

/// Vocabulary, keyword, first and last draft, shape. Drafts without vocabularies take all of theirs.
const KEYWORDS: &[(&str, &str, Draft, Draft, Shape)] = &[
    ("core", "id", Four, Four, Text),
    ("core", "$id", Six, Seven, Formatted("uri-reference")),
    ("core", "$schema", Four, Year2019, Formatted("uri")),
    ("core", "$schema", Year2020, Year2020, Named("uriString")),
    ("core", "$ref", Four, Four, Text),
    ("core", "$ref", Six, Year2019, Formatted("uri-reference")),
    ("core", "$ref", Year2020, Year2020, Named("uriReferenceString")),
    ("core", "$id", Year2019, Year2020, Address),
    ("core", "$anchor", Year2019, Year2019, Like("^[A-Za-z][-A-Za-z0-9.:_]*$")),
    ("core", "$anchor", Year2020, Year2020, Named("anchorString")),
    ("core", "$recursiveRef", Year2019, Year2019, Formatted("uri-reference")),
    ("core", "$recursiveAnchor", Year2019, Year2019, Boolean),
    ("core", "$dynamicRef", Year2020, Year2020, Named("uriReferenceString")),
    ("core", "$dynamicAnchor", Year2020, Year2020, Named("anchorString")),
    ("core", "$vocabulary", Year2019, Year2020, Vocabularies),
    ("core", "$comment", Seven, Year2020, Text),
    ("core", "$defs", Year2019, Year2020, Members),
    ("whole", "definitions", Four, Year2020, Members),
    ("whole", "dependencies", Four, Year2020, Dependencies),
    ("applicator", "prefixItems", Year2020, Year2020, Schemas),
    ("applicator", "items", Four, Year2019, SchemaOrSchemas),
    ("applicator", "items", Year2020, Year2020, Schema),
    ("applicator", "additionalItems", Four, Four, SchemaOrBoolean),
    ("applicator", "additionalItems", Six, Year2019, Schema),
    ("applicator", "unevaluatedItems", Year2019, Year2019, Schema),
    ("applicator", "unevaluatedProperties", Year2019, Year2019, Schema),
    ("unevaluated", "unevaluatedItems", Year2020, Year2020, Schema),
    ("unevaluated", "unevaluatedProperties", Year2020, Year2020, Schema),
    ("applicator", "contains", Six, Year2020, Schema),
    ("applicator", "additionalProperties", Four, Four, SchemaOrBoolean),
    ("applicator", "additionalProperties", Six, Year2020, Schema),
    ("applicator", "properties", Four, Year2020, Members),
    ("applicator", "patternProperties", Four, Six, Members),
    ("applicator", "patternProperties", Seven, Year2020, Patterns),
    ("applicator", "dependentSchemas", Year2019, Year2020, Members),
    ("applicator", "propertyNames", Six, Year2020, Schema),
    ("applicator", "if", Seven, Year2020, Schema),
    ("applicator", "then", Seven, Year2020, Schema),
    ("applicator", "else", Seven, Year2020, Schema),
    ("applicator", "allOf", Four, Year2020, Schemas),
    ("applicator", "anyOf", Four, Year2020, Schemas),
    ("applicator", "oneOf", Four, Year2020, Schemas),
    ("applicator", "not", Four, Year2020, Schema),
    ("validation", "multipleOf", Four, Year2020, Positive),
    ("validation", "maximum", Four, Year2020, Number),
    ("validation", "exclusiveMaximum", Four, Four, Boolean),
    ("validation", "exclusiveMaximum", Six, Year2020, Number),
    ("validation", "minimum", Four, Year2020, Number),
    ("validation", "exclusiveMinimum", Four, Four, Boolean),
    ("validation", "exclusiveMinimum", Six, Year2020, Number),
    ("validation", "maxLength", Four, Year2020, Count),
    ("validation", "minLength", Four, Year2020, CountOrZero),
    ("validation", "pattern", Four, Year2020, Formatted("regex")),
    ("validation", "maxItems", Four, Year2020, Count),
    ("validation", "minItems", Four, Year2020, CountOrZero),
    ("validation", "uniqueItems", Four, Year2020, Boolean),
    ("validation", "maxContains", Year2019, Year2020, Count),
    ("validation", "minContains", Year2019, Year2020, Count),
    ("validation", "maxProperties", Four, Year2020, Count),
    ("validation", "minProperties", Four, Year2020, CountOrZero),
    ("validation", "required", Four, Year2020, Texts),
    ("validation", "dependentRequired", Year2019, Year2020, Required),
    ("validation", "const", Six, Year2020, Anything),
    ("validation", "enum", Four, Year2020, Choices),
    ("validation", "type", Four, Year2020, Types),
    ("meta-data", "title", Four, Year2020, Text),
    ("meta-data", "description", Four, Year2020, Text),
    ("meta-data", "deprecated", Year2019, Year2020, Boolean),
    ("meta-data", "readOnly", Seven, Year2020, Boolean),
    ("meta-data", "writeOnly", Seven, Year2020, Boolean),
    ("meta-data", "examples", Seven, Year2020, Examples),
    ("format", "format", Four, Year2019, Text),
    ("format-annotation", "format", Year2020, Year2020, Text),
    ("format-assertion", "format", Year2020, Year2020, Text),
    ("content", "contentMediaType", Seven, Year2020, Text),
    ("content", "contentEncoding", Seven, Year2020, Text),
    ("content", "contentSchema", Year2019, Year2020, Schema),
];

/// The keywords of a draft that its schema asks for, and their shapes.
pub(super) fn shapes(draft: Draft) -> impl Iterator<Item = (&'static str, Shape)> {
    KEYWORDS
        .iter()
        .filter(move |(vocabulary, _, first, last, _)| {
            *vocabulary != "format-assertion" && *first <= draft && draft <= *last
        })
        .map(|(_, keyword, .., shape)| (*keyword, *shape))
}

/// The drafts' own addresses, without fragment.
pub(super) fn address(draft: Draft) -> &'static str {
    match draft {
        Four => "http://json-schema.org/draft-04/schema",
        Six => "http://json-schema.org/draft-06/schema",
        Seven => "http://json-schema.org/draft-07/schema",
        Year2019 => "https://json-schema.org/draft/2019-09/schema",
        Year2020 => "https://json-schema.org/draft/2020-12/schema",
    }
}

/// The document at an address, if it is one of the drafts' own; Helm's validator carries them as well.
pub(super) fn document(address: &str) -> Option<&'static Value> {
    type Documents = Vec<(String, Value)>;
    static DOCUMENTS: [LazyLock<Documents>; 5] = [
        LazyLock::new(|| documents(Four)),
        LazyLock::new(|| documents(Six)),
        LazyLock::new(|| documents(Seven)),
        LazyLock::new(|| documents(Year2019)),
        LazyLock::new(|| documents(Year2020)),
    ];
    let path = without_scheme(address)?;
    let path = if path == "json-schema.org/schema" { "json-schema.org/draft/2020-12/schema" } else { path };
    let of = [Four, Six, Seven, Year2019, Year2020].into_iter().position(|draft| path.starts_with(folder(draft)))?;
    DOCUMENTS[of].iter().find(|(known, _)| known == path).map(|(_, document)| document)
}

fn without_scheme(address: &str) -> Option<&str> {
    address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))
}

/// The address of a draft's folder, without scheme.
fn folder(draft: Draft) -> &'static str {
    without_scheme(address(draft)).unwrap_or_default().trim_end_matches("schema")
}

/// All documents of a draft, by their addresses without scheme.
fn documents(draft: Draft) -> Vec<(String, Value)> {
    let more: &[&str] = if draft == Year2020 { &["format-assertion"] } else { &[] };
    let vocabularies = vocabularies(draft).iter().chain(more);
    let parts = vocabularies
        .map(|vocabulary| (format!("{}meta/{vocabulary}", folder(draft)), vocabulary_schema(draft, vocabulary)));
    std::iter::once((format!("{}schema", folder(draft)), whole_schema(draft))).chain(parts).collect()
}

fn properties(draft: Draft, takes: impl Fn(&str) -> bool) -> Value {
    let own = KEYWORDS
        .iter()
        .filter(|(vocabulary, _, first, last, _)| takes(vocabulary) && *first <= draft && draft <= *last);
    own.map(|(_, keyword, .., shape)| ((*keyword).to_owned(), value_schema(draft, *shape))).collect()
}

fn whole_schema(draft: Draft) -> Value {
    let parts = vocabularies(draft);
    let mut schema = if parts.is_empty() {
        let mut schema = json!({
            "$schema": format!("{}#", address(draft)),
            "definitions": definitions(draft),
            "type": if draft == Four { json!("object") } else { json!(["object", "boolean"]) },
            "properties": properties(draft, |_| true),
        });
        if draft == Four {
            schema["dependencies"] = json!({"exclusiveMaximum": ["maximum"], "exclusiveMinimum": ["minimum"]});
        } else {
            schema["$id"] = json!(format!("{}#", address(draft)));
        }
        return schema;
    } else {
        json!({
            "$schema": address(draft),
            "$id": address(draft),
            "allOf": parts.iter().map(|part| json!({"$ref": format!("meta/{part}")})).collect::<Vec<_>>(),
            "type": ["object", "boolean"],
            "properties": properties(draft, |vocabulary| vocabulary == "whole"),
        })
    };
    if draft == Year2020 {
        schema["properties"]["$recursiveAnchor"] = json!({"$ref": "meta/core#/$defs/anchorString"});
        schema["properties"]["$recursiveRef"] = json!({"$ref": "meta/core#/$defs/uriReferenceString"});
    }
    with_anchor(draft, schema)
}

fn vocabulary_schema(draft: Draft, vocabulary: &str) -> Value {
    let folder = address(draft).trim_end_matches("schema");
    let mut schema = json!({
        "$schema": address(draft),
        "$id": format!("{folder}meta/{vocabulary}"),
        "type": ["object", "boolean"],
        "properties": properties(draft, |own| own == vocabulary),
    });
    let mut own = definitions(draft);
    own.retain(|name, _| match vocabulary {
        "core" => name.starts_with("uri") || name == "anchorString",
        "applicator" => name == "schemaArray",
        "validation" => !matches!(name.as_str(), "schemaArray" | "anchorString") && !name.starts_with("uri"),
        _ => false,
    });
    if !own.is_empty() {
        schema["$defs"] = Value::Object(own);
    }
    with_anchor(draft, schema)
}

/// What lets a reference to one vocabulary mean the whole that it is a part of.
fn with_anchor(draft: Draft, mut schema: Value) -> Value {
    match draft {
        Year2019 => schema["$recursiveAnchor"] = json!(true),
        Year2020 => schema["$dynamicAnchor"] = json!("meta"),
        Four | Six | Seven => {}
    }
    schema
}

/// A reference to the whole schema.
fn itself(draft: Draft) -> Value {
    match draft {
        Four | Six | Seven => json!({"$ref": "#"}),
        Year2019 => json!({"$recursiveRef": "#"}),
        Year2020 => json!({"$dynamicRef": "#meta"}),
    }
}

/// A reference to one of [`definitions`].
fn named(draft: Draft, name: &str) -> Value {
    let place = if draft < Year2019 { "definitions" } else { "$defs" };
    json!({"$ref": format!("#/{place}/{name}")})
}

fn counts(draft: Draft) -> (&'static str, &'static str) {
    match draft {
        Four => ("positiveInteger", "positiveIntegerDefault0"),
        _ => ("nonNegativeInteger", "nonNegativeIntegerDefault0"),
    }
}

fn definitions(draft: Draft) -> Map<String, Value> {
    let (count, or_zero) = counts(draft);
    let mut texts = json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true});
    if draft == Four {
        texts["minItems"] = json!(1);
    }
    let defaulted = match draft {
        Four | Six | Seven => json!({"allOf": [named(draft, count), {"default": 0}]}),
        Year2019 | Year2020 => named(draft, count),
    };
    let mut definitions = Map::new();
    let mut add = |name: &str, schema: Value| definitions.insert(name.to_owned(), schema);
    add("schemaArray", json!({"type": "array", "minItems": 1, "items": itself(draft)}));
    add(count, json!({"type": "integer", "minimum": 0}));
    add(or_zero, defaulted);
    add("simpleTypes", json!({"enum": ["array", "boolean", "integer", "null", "number", "object", "string"]}));
    add("stringArray", texts);
    if draft == Year2020 {
        add("anchorString", json!({"type": "string", "pattern": "^[A-Za-z_][-A-Za-z0-9._]*$"}));
        add("uriString", json!({"type": "string", "format": "uri"}));
        add("uriReferenceString", json!({"type": "string", "format": "uri-reference"}));
    }
    definitions
}

fn value_schema(draft: Draft, shape: Shape) -> Value {
    let by_name = |inner: Value| json!({"type": "object", "additionalProperties": inner});
    let (count, or_zero) = counts(draft);
    match shape {
        Anything => json!({}),
        Text => json!({"type": "string"}),
        Formatted(format) => json!({"type": "string", "format": format}),
        Like(pattern) => json!({"type": "string", "pattern": pattern}),
        Address => {
            let mut schema = match draft {
                Year2020 => named(draft, "uriReferenceString"),
                _ => json!({"type": "string", "format": "uri-reference"}),
            };
            schema["pattern"] = json!("^[^#]*#?$");
            schema
        }
        Named(name) => named(draft, name),
        Boolean => json!({"type": "boolean"}),
        Number => json!({"type": "number"}),
        Positive if draft == Four => json!({"type": "number", "minimum": 0, "exclusiveMinimum": true}),
        Positive => json!({"type": "number", "exclusiveMinimum": 0}),
        Count => named(draft, count),
        CountOrZero => named(draft, or_zero),
        Texts => named(draft, "stringArray"),
        Choices if draft < Year2019 => json!({"type": "array", "minItems": 1, "uniqueItems": true}),
        Choices | Examples => json!({"type": "array"}),
        Types => json!({"anyOf": [
            named(draft, "simpleTypes"),
            {"type": "array", "items": named(draft, "simpleTypes"), "minItems": 1, "uniqueItems": true},
        ]}),
        Schema => itself(draft),
        SchemaOrBoolean => json!({"anyOf": [{"type": "boolean"}, itself(draft)]}),
        Schemas => named(draft, "schemaArray"),
        SchemaOrSchemas => json!({"anyOf": [itself(draft), named(draft, "schemaArray")]}),
        Members => by_name(itself(draft)),
        Patterns => {
            let mut schema = by_name(itself(draft));
            schema["propertyNames"] = json!({"format": "regex"});
            schema
        }
        Dependencies => {
            let texts = match draft {
                Four | Six | Seven => named(draft, "stringArray"),
                Year2019 | Year2020 => json!({"$ref": "meta/validation#/$defs/stringArray"}),
            };
            by_name(json!({"anyOf": [itself(draft), texts]}))
        }
        Required => by_name(named(draft, "stringArray")),
        Vocabularies => {
            let mut schema = by_name(json!({"type": "boolean"}));
            schema["propertyNames"] = match draft {
                Year2020 => named(draft, "uriString"),
                _ => json!({"type": "string", "format": "uri"}),
            };
            schema
        }
    }
}
