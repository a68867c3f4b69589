//! A value against a schema, keyword by keyword, in the order in which Helm's validator looks at them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use regex::Regex;
use serde_json::{Map, Number, Value};

use super::document::{Document, Draft, place};
use super::failure::{Failure, Kind, all_quoted, quoted};
use super::{format, number};

/// One validation. Failures are trees; what goes wrong with the schema itself is a failure too.
pub(super) struct Validator<'d, 's> {
    document: &'d Document<'s>,
    /// The path to the value being looked at.
    at: Vec<String>,
    /// The schemas that look at the same value, with the depth of that value: a schema that comes twice refers to itself.
    scope: Vec<(usize, usize)>,
}

/// Members of a value that no keyword has looked at yet, as far as somebody asks.
#[derive(Default, Clone)]
struct Unevaluated {
    names: BTreeSet<String>,
    items: BTreeSet<usize>,
}

impl Unevaluated {
    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.items.is_empty()
    }

    /// Keeps what another schema has not looked at either.
    fn merge(&mut self, other: &Unevaluated) {
        self.names.retain(|name| other.names.contains(name));
        self.items.retain(|item| other.items.contains(item));
    }
}

type Outcome = Result<Unevaluated, Failure>;

impl<'d, 's> Validator<'d, 's> {
    pub(super) fn new(document: &'d Document<'s>) -> Validator<'d, 's> {
        Validator { document, at: Vec::new(), scope: Vec::new() }
    }

    pub(super) fn validate(mut self, value: &Value) -> Result<(), Failure> {
        self.schema(self.document.root(), value, false).map(|_| ())
    }

    /// The value against one schema. `asked` is whether the caller wants to know what was not looked at.
    fn schema(&mut self, schema: &'s Value, value: &Value, asked: bool) -> Outcome {
        // Values nest far deeper than anybody writes them; each level takes several frames here.
        stacker::maybe_grow(128 * 1024, 1024 * 1024, || self.schema_on_stack(schema, value, asked))
    }

    fn schema_on_stack(&mut self, schema: &'s Value, value: &Value, asked: bool) -> Outcome {
        let object = match schema {
            Value::Bool(false) => return Err(self.failure("false schema")),
            Value::Object(object) => object,
            _ => return Ok(Unevaluated::default()),
        };
        let entry = (place(schema), self.at.len());
        if self.scope.contains(&entry) {
            return Err(self.failure("a schema refers to itself, causing a reference cycle"));
        }
        self.scope.push(entry);
        let outcome = self.keywords(schema, object, value, asked);
        self.scope.pop();
        outcome
    }

    fn keywords(&mut self, schema: &'s Value, object: &'s Map<String, Value>, value: &Value, asked: bool) -> Outcome {
        let draft = self.document.draft;
        let mut rest = self.unevaluated(object, value, asked);
        let mut failures = Vec::new();
        let reference = object.get("$ref").and_then(Value::as_str);
        if draft < Draft::Year2019
            && let Some(reference) = reference
        {
            // Everything beside a reference is ignored in these drafts.
            self.reference(schema, reference, value, &mut rest)?;
            return Ok(rest);
        }
        self.whole_value(object, value)?;
        let mut note = |outcome: Result<(), Failure>| failures.extend(outcome.err());
        if let Some(reference) = reference {
            note(self.reference(schema, reference, value, &mut rest));
        }
        match value {
            Value::Object(members) => self.object(object, value, members, &mut rest, &mut failures),
            Value::Array(items) => self.array(object, items, &mut rest, &mut failures),
            Value::String(text) => self.string(object, text, &mut failures),
            Value::Number(number) => self.number(object, number, &mut failures),
            Value::Null | Value::Bool(_) => {}
        }
        if draft >= Draft::Year2019 {
            for keyword in ["$recursiveRef", "$dynamicRef"] {
                if let Some(reference) = object.get(keyword).and_then(Value::as_str) {
                    failures.extend(self.reference(schema, reference, value, &mut rest).err());
                }
            }
        }
        self.combinations(object, value, &mut rest, &mut failures);
        if draft >= Draft::Year2019 {
            self.leftovers(object, value, &mut rest, &mut failures);
        }
        match failures.len() {
            0 => Ok(rest),
            1 => Err(failures.remove(0)),
            _ => Err(Failure { at: self.at.clone(), kind: Kind::Group, causes: failures }),
        }
    }

    /// `type`, `const`, `enum`, `format`: the first that fails ends the look at this value.
    fn whole_value(&self, object: &Map<String, Value>, value: &Value) -> Result<(), Failure> {
        const TYPES: [&str; 7] = ["null", "boolean", "number", "integer", "string", "array", "object"];
        let kind = kind_of(value);
        let named: Vec<&str> = match object.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let wanted: Vec<&str> = TYPES.into_iter().filter(|name| named.contains(name)).collect();
        let whole = matches!(value, Value::Number(number) if number::is_integer(number));
        let fits = wanted.contains(&kind) || (whole && wanted.contains(&"integer"));
        if !wanted.is_empty() && !fits {
            return Err(self.failure(format!("got {kind}, want {}", wanted.join(" or "))));
        }
        if self.document.draft > Draft::Four
            && let Some(wanted) = object.get("const")
            && !equal(value, wanted)
        {
            return Err(self.failure(match wanted {
                Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
                simple => format!("value must be {}", shown(simple)),
            }));
        }
        if let Some(Value::Array(choices)) = object.get("enum")
            && !choices.iter().any(|choice| equal(value, choice))
        {
            let simple = choices.iter().all(|choice| !choice.is_array() && !choice.is_object());
            return Err(self.failure(match choices.as_slice() {
                [choice] if simple => format!("value must be {}", shown(choice)),
                _ if simple => {
                    format!("value must be one of {}", choices.iter().map(shown).collect::<Vec<_>>().join(", "))
                }
                _ => "'enum' failed".to_owned(),
            }));
        }
        if self.document.draft < Draft::Year2019
            && let (Some(Value::String(name)), Value::String(text)) = (object.get("format"), value)
            && let Err(reason) = format::check(name, text)
        {
            return Err(self.failure(format!("{} is not valid {name}: {reason}", quoted(text))));
        }
        Ok(())
    }

    fn object(
        &mut self,
        object: &'s Map<String, Value>,
        value: &Value,
        members: &Map<String, Value>,
        rest: &mut Unevaluated,
        failures: &mut Vec<Failure>,
    ) {
        let draft = self.document.draft;
        self.bound(object, "minProperties", members.len(), |got, want| got < want, failures);
        self.bound(object, "maxProperties", members.len(), |got, want| got > want, failures);
        if let Some(missing) = missing(object.get("required"), members) {
            failures.push(self.failure(match missing.as_slice() {
                [name] => format!("missing property {}", quoted(name)),
                names => format!("missing properties {}", all_quoted(names.iter().copied())),
            }));
        }
        for (name, dependency) in map_of(object, "dependencies") {
            if members.contains_key(name) {
                match dependency {
                    Value::Array(_) => self.required_with(name, dependency, members, failures),
                    schema => failures.extend(self.same_value(schema, value, rest).err()),
                }
            }
        }

        let patterns = self.patterns(object, failures);
        let mut unwanted = Vec::new();
        for (name, member) in members {
            let mut evaluated = false;
            if let Some(schema) = object.get("properties").and_then(|properties| properties.get(name)) {
                evaluated = true;
                failures.extend(self.inner(schema, member, name).err());
            }
            for (pattern, schema) in &patterns {
                if pattern.is_match(name) {
                    evaluated = true;
                    failures.extend(self.inner(schema, member, name).err());
                }
            }
            if !evaluated && let Some(additional) = object.get("additionalProperties") {
                evaluated = true;
                match additional {
                    Value::Bool(false) => unwanted.push(name.as_str()),
                    schema => failures.extend(self.inner(schema, member, name).err()),
                }
            }
            if evaluated {
                rest.names.remove(name);
            }
        }
        if !unwanted.is_empty() {
            failures.push(self.failure(format!("additional properties {} not allowed", all_quoted(unwanted))));
        }

        if draft > Draft::Four
            && let Some(schema) = object.get("propertyNames")
        {
            for name in members.keys() {
                // A name is a value of its own, whose failures stand at no path.
                let mut names = Validator::new(self.document);
                if let Err(failure) = names.schema(schema, &Value::from(name.as_str()), false) {
                    let causes = if failure.kind == Kind::Group { failure.causes } else { vec![failure] };
                    let kind = Kind::Text(format!("invalid propertyName {}", quoted(name)));
                    failures.push(Failure { at: Vec::new(), kind, causes });
                }
            }
        }
        if draft >= Draft::Year2019 {
            for (_, schema) in map_of(object, "dependentSchemas").filter(|(name, _)| members.contains_key(*name)) {
                failures.extend(self.same_value(schema, value, rest).err());
            }
            for (name, names) in map_of(object, "dependentRequired").filter(|(name, _)| members.contains_key(*name)) {
                self.required_with(name, names, members, failures);
            }
        }
    }

    fn required_with(&self, name: &str, names: &Value, members: &Map<String, Value>, failures: &mut Vec<Failure>) {
        if let Some(missing) = missing(Some(names), members) {
            let text = format!("properties {} required, if {} exists", all_quoted(missing), quoted(name));
            failures.push(self.failure(text));
        }
    }

    fn array(
        &mut self,
        object: &'s Map<String, Value>,
        items: &[Value],
        rest: &mut Unevaluated,
        failures: &mut Vec<Failure>,
    ) {
        self.bound(object, "minItems", items.len(), |got, want| got < want, failures);
        self.bound(object, "maxItems", items.len(), |got, want| got > want, failures);
        if object.get("uniqueItems") == Some(&Value::Bool(true))
            && let Some((first, second)) = duplicates(items)
        {
            failures.push(self.failure(format!("items at {first} and {second} are equal")));
        }
        let tuple_keyword = if self.document.draft < Draft::Year2020 { "items" } else { "prefixItems" };
        let tuple: &'s [Value] = object.get(tuple_keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice);
        let count = tuple.len().min(items.len());
        for (at, (item, schema)) in items.iter().zip(tuple).enumerate() {
            failures.extend(self.inner(schema, item, &at.to_string()).err());
        }
        let has_tuple = object.get("items").is_some_and(Value::is_array);
        if self.document.draft >= Draft::Year2020 || !has_tuple {
            if let Some(schema) = object.get("items").filter(|schema| !schema.is_array()) {
                // Helm's validator counts these from the end of the tuple.
                for (at, item) in items[count..].iter().enumerate() {
                    failures.extend(self.inner(schema, item, &at.to_string()).err());
                }
            }
        } else {
            match object.get("additionalItems") {
                Some(Value::Bool(false)) if count < items.len() => {
                    let more = number::grouped(&(items.len() - count).to_string());
                    failures.push(self.failure(format!("last {more} additionalItem(s) not allowed")));
                }
                Some(schema @ Value::Object(_)) => {
                    for (at, item) in items[count..].iter().enumerate() {
                        failures.extend(self.inner(schema, item, &at.to_string()).err());
                    }
                }
                _ => {}
            }
        }
        if self.document.draft > Draft::Four
            && let Some(schema) = object.get("contains")
        {
            self.contains(object, schema, items, rest, failures);
        }
    }

    fn contains(
        &mut self,
        object: &'s Map<String, Value>,
        schema: &'s Value,
        items: &[Value],
        rest: &mut Unevaluated,
        failures: &mut Vec<Failure>,
    ) {
        let mut mismatches = Vec::new();
        let mut matched = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match self.inner(schema, item, &at.to_string()) {
                Ok(()) => {
                    matched.push(at.to_string());
                    if self.document.draft >= Draft::Year2020 {
                        rest.items.remove(&at);
                    }
                }
                Err(failure) => mismatches.push(failure),
            }
        }
        let limit = |keyword: &str| {
            let years = self.document.draft >= Draft::Year2019;
            object.get(keyword).filter(|_| years).and_then(count_of)
        };
        let mut failed = |text: String, causes| {
            failures.push(Failure { at: self.at.clone(), kind: Kind::Text(text), causes });
        };
        match limit("minContains") {
            Some(want) if matched.len() < want => {
                let got = if matched.is_empty() {
                    "but none matched".to_owned()
                } else {
                    format!("but matched {} items at {}", matched.len(), matched.join(" "))
                };
                failed(format!("min {want} items required to match contains schema, {got}"), mismatches);
            }
            None if matched.is_empty() => failed("no items match contains schema".to_owned(), mismatches),
            _ => {}
        }
        if let Some(want) = limit("maxContains").filter(|want| matched.len() > *want) {
            let got = format!("but matched {} items at {}", matched.len(), matched.join(" "));
            failed(format!("max {want} items required to match contains schema, {got}"), Vec::new());
        }
    }

    fn string(&self, object: &Map<String, Value>, text: &str, failures: &mut Vec<Failure>) {
        let length = text.chars().count();
        self.bound(object, "minLength", length, |got, want| got < want, failures);
        self.bound(object, "maxLength", length, |got, want| got > want, failures);
        if let Some(pattern) = object.get("pattern").and_then(Value::as_str) {
            match Regex::new(pattern) {
                Ok(regex) if regex.is_match(text) => {}
                Ok(_) => {
                    failures.push(self.failure(format!("{} does not match pattern {}", quoted(text), quoted(pattern))));
                }
                Err(_) => failures.push(self.failure(format!("{} is not a valid pattern", quoted(pattern)))),
            }
        }
    }

    fn number(&self, object: &Map<String, Value>, got: &Number, failures: &mut Vec<Failure>) {
        let limit = |keyword: &str| match object.get(keyword) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        };
        let is_exclusive = |keyword: &str| object.get(keyword) == Some(&Value::Bool(true));
        let (low, above) = match is_exclusive("exclusiveMinimum") {
            true => (None, limit("minimum")),
            false => (limit("minimum"), limit("exclusiveMinimum")),
        };
        let (high, below) = match is_exclusive("exclusiveMaximum") {
            true => (None, limit("maximum")),
            false => (limit("maximum"), limit("exclusiveMaximum")),
        };
        let mut check = |keyword: &str, want: Option<&Number>, fits: &dyn Fn(&Number) -> bool| {
            if let Some(want) = want.filter(|want| !fits(want)) {
                let text = format!("{keyword}: got {}, want {}", number::display(got), number::display(want));
                failures.push(self.failure(text));
            }
        };
        check("minimum", low, &|want| number::compare(got, want).is_ge());
        check("maximum", high, &|want| number::compare(got, want).is_le());
        check("exclusiveMinimum", above, &|want| number::compare(got, want).is_gt());
        check("exclusiveMaximum", below, &|want| number::compare(got, want).is_lt());
        check("multipleOf", limit("multipleOf"), &|want| number::is_multiple(got, want));
    }

    /// `not`, `allOf`, `anyOf`, `oneOf`, `if`.
    fn combinations(
        &mut self,
        object: &'s Map<String, Value>,
        value: &Value,
        rest: &mut Unevaluated,
        failures: &mut Vec<Failure>,
    ) {
        if let Some(schema) = object.get("not")
            && self.same_value(schema, value, rest).is_ok()
        {
            failures.push(self.failure("'not' failed"));
        }
        let branches = |keyword: &str| object.get(keyword).and_then(Value::as_array).filter(|list| !list.is_empty());
        let at = self.at.clone();
        let mut failed =
            |text: String, causes| failures.push(Failure { at: at.clone(), kind: Kind::Text(text), causes });
        if let Some(schemas) = branches("allOf") {
            let causes: Vec<Failure> =
                schemas.iter().filter_map(|schema| self.same_value(schema, value, rest).err()).collect();
            if !causes.is_empty() {
                failed("'allOf' failed".to_owned(), causes);
            }
        }
        if let Some(schemas) = branches("anyOf") {
            let mut causes = Vec::new();
            let mut matched = false;
            for schema in schemas {
                match self.same_value(schema, value, rest) {
                    Err(failure) => causes.push(failure),
                    Ok(()) => {
                        matched = true;
                        // Every branch counts for what is still to be looked at.
                        if rest.is_empty() {
                            break;
                        }
                    }
                }
            }
            if !matched {
                failed("'anyOf' failed".to_owned(), causes);
            }
        }
        if let Some(schemas) = branches("oneOf") {
            let mut causes = Vec::new();
            let mut matched = None;
            for (at, schema) in schemas.iter().enumerate() {
                match (self.same_value(schema, value, rest), matched) {
                    (Err(failure), None) => causes.push(failure),
                    (Err(_), Some(_)) => {}
                    (Ok(()), None) => matched = Some(at),
                    (Ok(()), Some(first)) => {
                        failed(format!("'oneOf' failed, subschemas {first}, {at} matched"), Vec::new());
                        break;
                    }
                }
            }
            if matched.is_none() {
                failed("'oneOf' failed, none matched".to_owned(), causes);
            }
        }
        if self.document.draft >= Draft::Seven
            && let Some(condition) = object.get("if")
        {
            let keyword = if self.same_value(condition, value, rest).is_ok() { "then" } else { "else" };
            if let Some(schema) = object.get(keyword) {
                failures.extend(self.same_value(schema, value, rest).err());
            }
        }
    }

    /// `unevaluatedProperties` and `unevaluatedItems`.
    fn leftovers(
        &mut self,
        object: &'s Map<String, Value>,
        value: &Value,
        rest: &mut Unevaluated,
        failures: &mut Vec<Failure>,
    ) {
        if let (Some(schema), Value::Object(members)) = (object.get("unevaluatedProperties"), value) {
            for name in std::mem::take(&mut rest.names) {
                if let Some(member) = members.get(&name) {
                    failures.extend(self.inner(schema, member, &name).err());
                }
            }
        }
        if let (Some(schema), Value::Array(items)) = (object.get("unevaluatedItems"), value) {
            for at in std::mem::take(&mut rest.items) {
                failures.extend(self.inner(schema, &items[at], &at.to_string()).err());
            }
        }
    }

    /// What has to be looked at, if this schema or the one that asks wants to know.
    fn unevaluated(&self, object: &Map<String, Value>, value: &Value, asked: bool) -> Unevaluated {
        let mut rest = Unevaluated::default();
        if self.document.draft < Draft::Year2019 {
            return rest;
        }
        match value {
            Value::Object(members)
                if !object.contains_key("additionalProperties")
                    && (asked || object.contains_key("unevaluatedProperties")) =>
            {
                rest.names = members.keys().cloned().collect();
            }
            Value::Array(items) if asked || object.contains_key("unevaluatedItems") => {
                let before_2020 = self.document.draft < Draft::Year2020;
                let (all, tuple) = match (before_2020, object.get("items")) {
                    (true, Some(Value::Array(tuple))) => (object.contains_key("additionalItems"), tuple.len()),
                    (_, Some(_)) => (true, 0),
                    (true, None) => (false, 0),
                    (false, None) => (false, object.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len)),
                };
                if !all {
                    rest.items = (tuple..items.len()).collect();
                }
            }
            _ => {}
        }
        rest
    }

    /// The same value against another schema.
    fn same_value(&mut self, schema: &'s Value, value: &Value, rest: &mut Unevaluated) -> Result<(), Failure> {
        let looked = self.schema(schema, value, !rest.is_empty())?;
        // A schema that is `true` has looked at nothing; one that was not asked says nothing of importance.
        if !matches!(schema, Value::Bool(_)) {
            rest.merge(&looked);
        }
        Ok(())
    }

    /// A member of the value against a schema.
    fn inner(&mut self, schema: &'s Value, value: &Value, name: &str) -> Result<(), Failure> {
        self.at.push(name.to_owned());
        let outcome = self.schema(schema, value, false);
        self.at.pop();
        outcome.map(|_| ())
    }

    fn reference(
        &mut self,
        schema: &'s Value,
        reference: &str,
        value: &Value,
        rest: &mut Unevaluated,
    ) -> Result<(), Failure> {
        let target = self.document.resolve(schema, reference).map_err(|text| self.failure(text))?;
        self.same_value(target, value, rest).map_err(|failure| Failure {
            at: self.at.clone(),
            kind: Kind::Reference,
            causes: if failure.kind == Kind::Group { failure.causes } else { vec![failure] },
        })
    }

    fn patterns(&self, object: &'s Map<String, Value>, failures: &mut Vec<Failure>) -> Vec<(Regex, &'s Value)> {
        let mut patterns = Vec::new();
        for (pattern, schema) in map_of(object, "patternProperties") {
            match Regex::new(pattern) {
                Ok(regex) => patterns.push((regex, schema)),
                Err(_) => failures.push(self.failure(format!("{} is not a valid pattern", quoted(pattern)))),
            }
        }
        patterns
    }

    fn bound(
        &self,
        object: &Map<String, Value>,
        keyword: &str,
        got: usize,
        fails: impl Fn(usize, usize) -> bool,
        failures: &mut Vec<Failure>,
    ) {
        if let Some(want) = object.get(keyword).and_then(count_of).filter(|want| fails(got, *want)) {
            let text = |count: usize| number::grouped(&count.to_string());
            failures.push(self.failure(format!("{keyword}: got {}, want {}", text(got), text(want))));
        }
    }

    fn failure(&self, text: impl Into<String>) -> Failure {
        Failure::new(&self.at, text)
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A limit: a whole number, also written as `2.0`.
fn count_of(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|count| usize::try_from(count).ok()).or_else(|| {
        let float = value.as_f64().filter(|float| float.fract() == 0.0 && *float >= 0.0)?;
        Some(float as usize)
    })
}

fn map_of<'s>(
    object: &'s Map<String, Value>,
    keyword: &str,
) -> impl Iterator<Item = (&'s String, &'s Value)> + use<'s> {
    object.get(keyword).and_then(Value::as_object).into_iter().flatten()
}

/// Names of the list that the object lacks; none when it lacks none.
fn missing<'n>(names: Option<&'n Value>, members: &Map<String, Value>) -> Option<Vec<&'n str>> {
    let names = names.and_then(Value::as_array)?;
    let missing: Vec<&str> =
        names.iter().filter_map(Value::as_str).filter(|name| !members.contains_key(*name)).collect();
    (!missing.is_empty()).then_some(missing)
}

/// Equality by value: `1` and `1.0` are the same number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => number::compare(a, b).is_eq(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// The first item that is equal to an earlier one, and that one.
fn duplicates(items: &[Value]) -> Option<(usize, usize)> {
    let mut seen = HashMap::new();
    for (second, item) in items.iter().enumerate() {
        match seen.entry(canonical(item)) {
            Entry::Occupied(first) => return Some((*first.get(), second)),
            Entry::Vacant(place) => {
                place.insert(second);
            }
        }
    }
    None
}

/// A text that is the same for equal values only.
fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |float| format!("{float:e}")),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| format!("{key:?}:{}", canonical(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        simple => simple.to_string(),
    }
}

/// A simple value in a message.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Null => "<nil>".to_owned(),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        simple => simple.to_string(),
    }
}
