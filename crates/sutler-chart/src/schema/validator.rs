//! A value against a schema, keyword by keyword, in the order in which Helm's validator looks at them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::document::{Document, Draft, place};
use super::equality::equal;
use super::failure::{Failure, Kind, quoted};
use super::{format, number};

/// One validation. Failures are trees; what goes wrong with the schema itself is a failure too.
pub(super) struct Validator<'d, 's> {
    pub(super) document: &'d Document<'s>,
    /// The path to the value being looked at.
    pub(super) at: Vec<String>,
    /// The schemas that look at the same value, with the depth of that value: a schema that comes twice refers to itself.
    scope: Vec<(usize, usize)>,
}

/// Members of a value that no keyword has looked at yet, as far as somebody asks.
#[derive(Default, Clone)]
pub(super) struct Unevaluated {
    pub(super) names: BTreeSet<String>,
    pub(super) items: BTreeSet<usize>,
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
    pub(super) fn schema(&mut self, schema: &'s Value, value: &Value, asked: bool) -> Outcome {
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
    pub(super) fn same_value(
        &mut self,
        schema: &'s Value,
        value: &Value,
        rest: &mut Unevaluated,
    ) -> Result<(), Failure> {
        let looked = self.schema(schema, value, !rest.is_empty())?;
        // A schema that is `true` has looked at nothing; one that was not asked says nothing of importance.
        if !matches!(schema, Value::Bool(_)) {
            rest.merge(&looked);
        }
        Ok(())
    }

    /// A member of the value against a schema.
    pub(super) fn inner(&mut self, schema: &'s Value, value: &Value, name: &str) -> Result<(), Failure> {
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

    pub(super) fn failure(&self, text: impl Into<String>) -> Failure {
        Failure::new(&self.at, text)
    }
}

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
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
