//! Values against a schema as Helm 3 checks them: the verdicts and words of gojsonschema, which knows drafts 4, 6 and 7.
//!
//! Of schemas that name none of these it takes every keyword it knows (its `Hybrid`), and passes over the others. Where a schema
//! offers alternatives, the failures shown are those of the one that came nearest, which it judges by a score: plus one for each
//! group of keywords looked at, minus two for each failure. Its lines come in the order of Go maps; here they come as the schema
//! and the values are ordered.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};
use sutler_functions::re2::Pattern;

use super::document::{Document, Draft, Lost, place};
use super::remote::Source;
use super::{equality, format, metaschema, number};

/// How deep schemas may lead into one another without a value between them: those that do so for ever crash Helm 3.
const DEEPEST: usize = 1_000;

/// Checks one value against one schema.
///
/// # Errors
/// What Helm prints of the failures, or why the schema is none.
pub(super) fn validate(schema: &Value, value: &Value, source: Source<'_>) -> Result<(), String> {
    if !schema.is_object() && !schema.is_boolean() {
        return Err("schema is invalid".to_owned());
    }
    let draft = schema.get("$schema").and_then(Value::as_str).and_then(draft_of);
    let document = whole(schema, draft, source)?;
    let validator = Validator { document: &document, draft };
    let empty = Value::Object(Map::new());
    let value = if value.is_null() { &empty } else { value };
    let mut result = Outcome::default();
    validator.any(schema, value, &Place::Root, &mut result, 0)?;
    if result.failures.is_empty() {
        return Ok(());
    }
    Err(result.failures.iter().map(|line| format!("- {line}\n")).collect())
}

/// A schema that was checked, with all that it refers to.
fn whole<'s>(schema: &'s Value, draft: Option<Draft>, source: Source<'s>) -> Result<Document<'s>, String> {
    let mut others: Vec<(String, &Value)> = Vec::new();
    loop {
        let document = Document::of_draft(schema, draft.unwrap_or(Draft::Seven), &others);
        let address = match (Validator { document: &document, draft }).check(schema, &mut HashSet::new()) {
            Ok(()) => return Ok(document),
            Err(Lost::Place(text)) => return Err(text),
            Err(Lost::Document(address)) => address,
        };
        let other = match metaschema::document(&address) {
            Some(known) => known,
            None => source.load(&address)?,
        };
        others.push((address, other));
    }
}

/// The drafts by their addresses; none is the mixture of all.
fn draft_of(address: &str) -> Option<Draft> {
    match address.trim_end_matches('#') {
        "http://json-schema.org/draft-04/schema" => Some(Draft::Four),
        "http://json-schema.org/draft-06/schema" => Some(Draft::Six),
        "http://json-schema.org/draft-07/schema" => Some(Draft::Seven),
        _ => None,
    }
}

/// Where in the values a check is.
enum Place<'p> {
    Root,
    In(&'p Place<'p>, String),
}

impl Place<'_> {
    /// The path with dots; `(root)` for the whole.
    fn name(&self) -> String {
        match self {
            Place::Root => "(root)".to_owned(),
            Place::In(Place::Root, name) => name.clone(),
            Place::In(above, name) => format!("{}.{name}", above.name()),
        }
    }
}

/// What came of a check.
#[derive(Default)]
struct Outcome {
    failures: Vec<String>,
    score: i64,
}

impl Outcome {
    fn fail(&mut self, place: &Place<'_>, message: impl std::fmt::Display) {
        self.failures.push(format!("{}: {message}", place.name()));
        self.score -= 2;
    }

    fn is_valid(&self) -> bool {
        self.failures.is_empty()
    }

    fn take(&mut self, other: Outcome) {
        self.failures.extend(other.failures);
        self.score += other.score;
    }
}

/// The better of two failed alternatives: the first of the highest score.
fn nearer(best: Option<Outcome>, next: Outcome) -> Option<Outcome> {
    match best {
        Some(best) if best.score >= next.score => Some(best),
        _ => Some(next),
    }
}

/// Go's JSON type of a value, as messages name it.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number::is_integer(number) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

const TYPES: [&str; 7] = ["array", "boolean", "integer", "number", "null", "object", "string"];

struct Validator<'d> {
    document: &'d Document<'d>,
    /// None is the mixture of all drafts.
    draft: Option<Draft>,
}

type Checked = Result<(), String>;

impl Validator<'_> {
    fn since(&self, draft: Draft) -> bool {
        self.draft.is_none_or(|own| own >= draft)
    }

    /// What keeps a schema from being read: references that lead nowhere, wrong types and patterns. The recursion is bounded by
    /// the reader of JSON, and by `seen` where references are followed.
    fn check(&self, schema: &Value, seen: &mut HashSet<usize>) -> Result<(), Lost> {
        let refused = |text: &str| Err(Lost::Place(text.to_owned()));
        if schema.is_boolean() && self.since(Draft::Six) {
            return Ok(());
        }
        let Some(keywords) = schema.as_object() else { return refused("Expected: valid schema, given: Invalid JSON") };
        for inner in keywords.get("definitions").and_then(Value::as_object).into_iter().flat_map(Map::values) {
            self.check(inner, seen)?;
        }
        if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
            let target = self.document.resolve(schema, reference)?;
            if !target.is_object() && !target.is_boolean() {
                return refused("schema must be of type object");
            }
            // References may be as long a chain as their documents allow.
            return match seen.insert(place(target)) {
                true => stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.check(target, seen)),
                false => Ok(()),
            };
        }
        let types = match keywords.get("type") {
            Some(Value::Array(types)) => types.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        for name in types {
            match name.as_str() {
                Some(name) if TYPES.contains(&name) => {}
                Some(name) => {
                    return Err(Lost::Place(format!(
                        "has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{}]",
                        TYPES.join(" ")
                    )));
                }
                None => return refused("Invalid type. Expected: string/array of strings, given: type"),
            }
        }
        if let Some(pattern) = keywords.get("pattern").and_then(Value::as_str)
            && Pattern::shared(pattern.as_bytes()).is_err()
        {
            return refused("pattern must be a valid regex");
        }
        for key in ["properties", "patternProperties"] {
            for inner in keywords.get(key).and_then(Value::as_object).into_iter().flat_map(Map::values) {
                self.check(inner, seen)?;
            }
        }
        let dependencies = keywords.get("dependencies").and_then(Value::as_object).into_iter().flat_map(Map::values);
        for inner in dependencies.filter(|inner| !inner.is_array()) {
            self.check(inner, seen)?;
        }
        for inner in ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| keywords.get(key)?.as_array()).flatten() {
            self.check(inner, seen)?;
        }
        for inner in keywords.get("items").and_then(Value::as_array).into_iter().flatten() {
            self.check(inner, seen)?;
        }
        const DIRECT: [&str; 9] = [
            "items",
            "additionalItems",
            "additionalProperties",
            "propertyNames",
            "not",
            "contains",
            "if",
            "then",
            "else",
        ];
        for inner in DIRECT.into_iter().filter_map(|key| keywords.get(key)).filter(|inner| inner.is_object()) {
            self.check(inner, seen)?;
        }
        Ok(())
    }

    fn alone(&self, schema: &Value, value: &Value, place: &Place<'_>, depth: usize) -> Result<Outcome, String> {
        let mut outcome = Outcome::default();
        self.any(schema, value, place, &mut outcome, depth + 1)?;
        Ok(outcome)
    }

    fn any(&self, schema: &Value, value: &Value, place: &Place<'_>, outcome: &mut Outcome, depth: usize) -> Checked {
        if depth > DEEPEST {
            return Err("unable to validate schema: its references lead in a circle".to_owned());
        }
        let keywords = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Bool(false) => {
                outcome.fail(place, "False always fails validation");
                return Ok(());
            }
            Value::Object(keywords) => keywords,
            _ => return Err("Expected: valid schema, given: Invalid JSON".to_owned()),
        };
        if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
            let referenced = self.document.resolve(schema, reference).map_err(Lost::text)?;
            return self.any(referenced, value, place, outcome, depth + 1);
        }
        if let Some(expected) = types_wanted(keywords, value) {
            outcome.fail(place, format_args!("Invalid type. Expected: {expected}, given: {}", type_of(value)));
            return Ok(());
        }
        self.combined(keywords, value, place, outcome, depth)?;
        match value {
            Value::Number(value) => numeric(keywords, value, place, outcome),
            Value::Array(items) => self.array(keywords, items, place, outcome, depth)?,
            Value::Object(members) => self.object(keywords, members, place, outcome, depth)?,
            _ => {}
        }
        self.common(keywords, value, place, outcome);
        match value {
            Value::String(value) => textual(keywords, value, place, outcome),
            Value::Object(members) => {
                let properties = keywords.get("properties").and_then(Value::as_object).into_iter().flatten();
                for (name, schema) in properties {
                    if let Some(value) = members.get(name) {
                        self.any(schema, value, &Place::In(place, name.clone()), outcome, depth + 1)?;
                    }
                }
            }
            _ => {}
        }
        outcome.score += 1;
        Ok(())
    }

    fn combined(
        &self,
        keywords: &Map<String, Value>,
        value: &Value,
        place: &Place<'_>,
        outcome: &mut Outcome,
        depth: usize,
    ) -> Checked {
        let schemas = |key: &str| keywords.get(key).and_then(Value::as_array).filter(|schemas| !schemas.is_empty());
        if let Some(schemas) = schemas("anyOf") {
            let mut best = None;
            let mut matched = false;
            for schema in schemas {
                let tried = self.alone(schema, value, place, depth)?;
                matched = tried.is_valid();
                if matched {
                    break;
                }
                best = nearer(best, tried);
            }
            if !matched {
                outcome.fail(place, "Must validate at least one schema (anyOf)");
                outcome.take(best.unwrap_or_default());
            }
        }
        if let Some(schemas) = schemas("oneOf") {
            let mut best = None;
            let mut matched = 0;
            for schema in schemas {
                let tried = self.alone(schema, value, place, depth)?;
                if tried.is_valid() {
                    matched += 1;
                } else if matched == 0 {
                    best = nearer(best, tried);
                }
            }
            if matched != 1 {
                outcome.fail(place, "Must validate one and only one schema (oneOf)");
                if matched == 0 {
                    outcome.take(best.unwrap_or_default());
                }
            }
        }
        if let Some(schemas) = schemas("allOf") {
            let mut matched = true;
            for schema in schemas {
                let tried = self.alone(schema, value, place, depth)?;
                matched &= tried.is_valid();
                outcome.take(tried);
            }
            if !matched {
                outcome.fail(place, "Must validate all the schemas (allOf)");
            }
        }
        if let Some(schema) = keywords.get("not")
            && self.alone(schema, value, place, depth)?.is_valid()
        {
            outcome.fail(place, "Must not validate the schema (not)");
        }
        self.dependencies(keywords, value, place, outcome, depth)?;
        self.conditional(keywords, value, place, outcome, depth)?;
        outcome.score += 1;
        Ok(())
    }

    fn dependencies(
        &self,
        keywords: &Map<String, Value>,
        value: &Value,
        place: &Place<'_>,
        outcome: &mut Outcome,
        depth: usize,
    ) -> Checked {
        let Some(dependencies) = keywords.get("dependencies").and_then(Value::as_object) else { return Ok(()) };
        let Some(members) = value.as_object() else { return Ok(()) };
        for name in members.keys() {
            match dependencies.get(name) {
                Some(Value::Array(wanted)) => {
                    for wanted in wanted.iter().filter_map(Value::as_str).filter(|name| !members.contains_key(*name)) {
                        outcome.fail(place, format_args!("Has a dependency on {wanted}"));
                    }
                }
                Some(schema) => self.any(schema, value, place, outcome, depth + 1)?,
                None => {}
            }
        }
        Ok(())
    }

    fn conditional(
        &self,
        keywords: &Map<String, Value>,
        value: &Value,
        place: &Place<'_>,
        outcome: &mut Outcome,
        depth: usize,
    ) -> Checked {
        let Some(condition) = keywords.get("if").filter(|_| self.since(Draft::Seven)) else { return Ok(()) };
        let holds = self.alone(condition, value, place, depth)?.is_valid();
        let (key, message) = match holds {
            true => ("then", "Must validate \"then\" as \"if\" was valid"),
            false => ("else", "Must validate \"else\" as \"if\" was not valid"),
        };
        if let Some(schema) = keywords.get(key) {
            let tried = self.alone(schema, value, place, depth)?;
            if !tried.is_valid() {
                outcome.fail(place, message);
                outcome.take(tried);
            }
        }
        Ok(())
    }

    /// `const` and `enum`.
    fn common(&self, keywords: &Map<String, Value>, value: &Value, place: &Place<'_>, outcome: &mut Outcome) {
        if let Some(wanted) = keywords.get("const").filter(|_| self.since(Draft::Six))
            && !equality::equal(value, wanted)
        {
            outcome.fail(place, format_args!("{} does not match: {}", place.name(), go_json(wanted)));
        }
        if let Some(Value::Array(allowed)) = keywords.get("enum")
            && !allowed.iter().any(|allowed| equality::equal(value, allowed))
        {
            let allowed: Vec<String> = allowed.iter().map(go_json).collect();
            let allowed = allowed.join(", ");
            outcome.fail(place, format_args!("{} must be one of the following: {allowed}", place.name()));
        }
        outcome.score += 1;
    }

    fn array(
        &self,
        keywords: &Map<String, Value>,
        items: &[Value],
        place: &Place<'_>,
        outcome: &mut Outcome,
        depth: usize,
    ) -> Checked {
        let at = |index: usize| Place::In(place, index.to_string());
        match keywords.get("items") {
            Some(Value::Array(schemas)) if !schemas.is_empty() => {
                for (index, (schema, item)) in schemas.iter().zip(items).enumerate() {
                    outcome.take(self.alone(schema, item, &at(index), depth)?);
                }
                if schemas.len() < items.len() {
                    match keywords.get("additionalItems") {
                        Some(Value::Bool(false)) => outcome.fail(place, "No additional items allowed on array"),
                        Some(schema @ Value::Object(_)) => {
                            for (index, item) in items.iter().enumerate().skip(schemas.len()) {
                                outcome.take(self.alone(schema, item, &at(index), depth)?);
                            }
                        }
                        _ => {}
                    }
                }
            }
            Some(schema @ (Value::Object(_) | Value::Bool(_))) => {
                for (index, item) in items.iter().enumerate() {
                    outcome.take(self.alone(schema, item, &at(index), depth)?);
                }
            }
            _ => {}
        }
        if let Some(least) = count(keywords, "minItems")
            && items.len() < least
        {
            outcome.fail(place, format_args!("Array must have at least {least} items"));
        }
        if let Some(most) = count(keywords, "maxItems")
            && items.len() > most
        {
            outcome.fail(place, format_args!("Array must have at most {most} items"));
        }
        if keywords.get("uniqueItems") == Some(&Value::Bool(true)) {
            for (second, item) in items.iter().enumerate() {
                if let Some(first) = items[..second].iter().rposition(|earlier| equality::equal(earlier, item)) {
                    outcome.fail(place, format_args!("array items[{first},{second}] must be unique"));
                }
            }
        }
        if let Some(schema) = keywords.get("contains").filter(|_| self.since(Draft::Six)) {
            let mut best = None;
            let mut matched = false;
            for (index, item) in items.iter().enumerate() {
                let tried = self.alone(schema, item, &at(index), depth)?;
                matched = tried.is_valid();
                if matched {
                    break;
                }
                best = nearer(best, tried);
            }
            if !matched {
                outcome.fail(place, "At least one of the items must match");
                outcome.take(best.unwrap_or_default());
            }
        }
        outcome.score += 1;
        Ok(())
    }

    fn object(
        &self,
        keywords: &Map<String, Value>,
        members: &Map<String, Value>,
        place: &Place<'_>,
        outcome: &mut Outcome,
        depth: usize,
    ) -> Checked {
        if let Some(least) = count(keywords, "minProperties")
            && members.len() < least
        {
            outcome.fail(place, format_args!("Must have at least {least} properties"));
        }
        if let Some(most) = count(keywords, "maxProperties")
            && members.len() > most
        {
            outcome.fail(place, format_args!("Must have at most {most} properties"));
        }
        for name in keywords.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            match members.contains_key(name) {
                true => outcome.score += 1,
                false => outcome.fail(place, format_args!("{name} is required")),
            }
        }
        let properties = keywords.get("properties").and_then(Value::as_object);
        let patterns = keywords.get("patternProperties").and_then(Value::as_object);
        for (name, value) in members {
            let mut described = properties.is_some_and(|properties| properties.contains_key(name));
            let mut by_pattern = false;
            for (pattern, schema) in patterns.into_iter().flatten() {
                if matches(pattern, name) {
                    by_pattern = true;
                    outcome.take(self.alone(schema, value, &Place::In(place, name.clone()), depth)?);
                }
            }
            outcome.score += i64::from(by_pattern);
            described |= by_pattern;
            match keywords.get("additionalProperties").filter(|_| !described) {
                Some(Value::Bool(false)) => {
                    outcome.fail(place, format_args!("Additional property {name} is not allowed"));
                }
                Some(schema @ Value::Object(_)) => {
                    outcome.take(self.alone(schema, value, &Place::In(place, name.clone()), depth)?);
                }
                _ => {}
            }
        }
        if let Some(schema) = keywords.get("propertyNames").filter(|_| self.since(Draft::Six)) {
            for name in members.keys() {
                let tried = self.alone(schema, &Value::from(name.as_str()), place, depth)?;
                if !tried.is_valid() {
                    outcome.fail(place, format_args!("Property name of \"{name}\" does not match"));
                    outcome.take(tried);
                }
            }
        }
        outcome.score += 1;
        Ok(())
    }
}

/// The types wanted, as messages show them, when the value is of none of them.
fn types_wanted(keywords: &Map<String, Value>, value: &Value) -> Option<String> {
    let types: Vec<&str> = match keywords.get("type")? {
        Value::String(one) => vec![one],
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let found = type_of(value);
    let fits = |wanted: &&str| *wanted == found || (*wanted == "number" && found == "integer");
    match types.as_slice() {
        [] => None,
        types if types.iter().any(fits) => None,
        [one] => Some((*one).to_owned()),
        several => Some(format!("[{}]", several.join(","))),
    }
}

fn numeric(keywords: &Map<String, Value>, value: &Number, place: &Place<'_>, outcome: &mut Outcome) {
    let limit = |key: &str| match keywords.get(key) {
        Some(Value::Number(number)) => Some(number),
        _ => None,
    };
    // Draft 4 says by a boolean beside it whether a limit is exclusive.
    let is_exclusive = |key: &str| keywords.get(key) == Some(&Value::Bool(true));
    if let Some(step) = limit("multipleOf")
        && !number::is_multiple(value, step)
    {
        outcome.fail(place, format_args!("Must be a multiple of {}", shown(step)));
    }
    let (most, below) = match is_exclusive("exclusiveMaximum") {
        true => (None, limit("maximum")),
        false => (limit("maximum"), limit("exclusiveMaximum")),
    };
    if let Some(most) = most.filter(|most| number::compare(value, most).is_gt()) {
        outcome.fail(place, format_args!("Must be less than or equal to {}", shown(most)));
    }
    if let Some(below) = below.filter(|below| number::compare(value, below).is_ge()) {
        outcome.fail(place, format_args!("Must be less than {}", shown(below)));
    }
    let (least, above) = match is_exclusive("exclusiveMinimum") {
        true => (None, limit("minimum")),
        false => (limit("minimum"), limit("exclusiveMinimum")),
    };
    if let Some(least) = least.filter(|least| number::compare(value, least).is_lt()) {
        outcome.fail(place, format_args!("Must be greater than or equal to {}", shown(least)));
    }
    if let Some(above) = above.filter(|above| number::compare(value, above).is_le()) {
        outcome.fail(place, format_args!("Must be greater than {}", shown(above)));
    }
    // A number is of none of the formats that are known, all of which are of texts.
    if let Some(format) = keywords.get("format").and_then(Value::as_str)
        && FORMATS.contains(&format)
    {
        outcome.fail(place, format_args!("Does not match format '{format}'"));
    }
    outcome.score += 1;
}

fn textual(keywords: &Map<String, Value>, value: &str, place: &Place<'_>, outcome: &mut Outcome) {
    let length = value.chars().count();
    if let Some(least) = count(keywords, "minLength")
        && length < least
    {
        outcome.fail(place, format_args!("String length must be greater than or equal to {least}"));
    }
    if let Some(most) = count(keywords, "maxLength")
        && length > most
    {
        outcome.fail(place, format_args!("String length must be less than or equal to {most}"));
    }
    if let Some(pattern) = keywords.get("pattern").and_then(Value::as_str)
        && !matches(pattern, value)
    {
        outcome.fail(place, format_args!("Does not match pattern '{pattern}'"));
    }
    if let Some(format) = keywords.get("format").and_then(Value::as_str)
        && !is_of_format(format, value)
    {
        outcome.fail(place, format_args!("Does not match format '{format}'"));
    }
    outcome.score += 1;
}

/// The formats that gojsonschema asserts.
const FORMATS: [&str; 17] = [
    "date",
    "time",
    "date-time",
    "hostname",
    "email",
    "idn-email",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uri-template",
    "uuid",
    "regex",
    "json-pointer",
    "relative-json-pointer",
];

fn is_of_format(format: &str, text: &str) -> bool {
    let is = |format: &str| format::check(format, text).is_ok();
    match format {
        "date-time" => is("date-time") || is_of_format("time", text) || is("date"),
        "time" => is("time") || (text.len() >= 8 && format::check("time", &format!("{text}Z")).is_ok()),
        "idn-email" => is("email"),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "hostname" => !text.ends_with('.') && is("hostname"),
        "uuid" => is("uuid") && !text.contains(|c: char| c.is_ascii_uppercase()),
        "uri" | "iri" => is("uri") && !text.contains('\\'),
        "uri-reference" | "iri-reference" => !text.contains('\\'),
        "uri-template" => !text.contains('\\') && matches("^([^{]*({[^}]*})?)*$", text),
        "json-pointer" => matches("^(?:/(?:[^~/]|~0|~1)*)*$", text),
        "relative-json-pointer" => matches("^(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)$", text),
        other => is(other),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    Pattern::shared(pattern.as_bytes()).is_ok_and(|pattern| pattern.is_match(text.as_bytes()))
}

fn count(keywords: &Map<String, Value>, key: &str) -> Option<usize> {
    usize::try_from(keywords.get(key)?.as_u64()?).ok()
}

/// A limit as Go's `%v` prints a large float: `65535`, `1e+06`.
fn shown(number: &Number) -> String {
    let mut text = Vec::new();
    sutler_template::print(&mut text, &[sutler_template::Value::Float64(number.as_f64().unwrap_or(f64::NAN))]);
    String::from_utf8_lossy(&text).into_owned()
}

/// A value as Go's JSON writes it.
fn go_json(value: &Value) -> String {
    let value = crate::values::from_json(value);
    sutler_functions::json::write(&value, sutler_functions::json::Style::Html).unwrap_or_default()
}
