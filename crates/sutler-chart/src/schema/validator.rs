//! A value against a schema, keyword by keyword, in the order in which Helm's validator looks at them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::document::{Draft, place};
use super::equality::equal;
use super::failure::{Failure, Kind, quoted};
use super::resources::{self, Resources};
use super::{format, number, pointer};

/// One validation. Failures are trees.
pub(super) struct Validator<'d, 's> {
    pub(super) resources: &'d Resources<'s>,
    /// The path to the value being looked at.
    pub(super) at: Vec<String>,
    /// The schemas on the way from the first to the one that looks.
    scope: Vec<Entry<'s>>,
    /// Where the value is a schema itself: the draft whose schema looks at it now, and the drafts of its parts by pointer,
    /// where they differ.
    metaschema: Option<(Draft, BTreeMap<String, Draft>)>,
}

/// A schema that looks at a value.
struct Entry<'s> {
    schema: &'s Value,
    /// How deep the value is: a schema that comes twice at one depth refers to itself.
    depth: usize,
    /// The reference that led here; empty where the schema is a part of the one before.
    keyword: &'static str,
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
    /// A validation of values.
    pub(super) fn new(resources: &'d Resources<'s>) -> Validator<'d, 's> {
        Validator { resources, at: Vec::new(), scope: Vec::new(), metaschema: None }
    }

    /// A validation of a schema against that of its draft; `drafts` are those of its parts, where they differ.
    pub(super) fn of_schemas(
        metaschemas: &'d Resources<'s>,
        draft: Draft,
        drafts: BTreeMap<String, Draft>,
    ) -> Validator<'d, 's> {
        Validator { metaschema: Some((draft, drafts)), ..Validator::new(metaschemas) }
    }

    /// Another validation, for what is no part of the value: its failures stand at no path.
    pub(super) fn another(&self) -> Validator<'d, 's> {
        let metaschema = self.metaschema.as_ref().map(|(draft, _)| (*draft, BTreeMap::new()));
        Validator { metaschema, ..Validator::new(self.resources) }
    }

    /// Checks a value against a schema.
    pub(super) fn run(mut self, schema: &'s Value, value: &Value) -> Result<(), Failure> {
        self.schema(schema, value, false, "").map(|_| ())
    }

    /// The value against one schema. `asked` is whether the caller wants to know what was not looked at, `keyword` the
    /// reference that leads here.
    fn schema(&mut self, schema: &'s Value, value: &Value, asked: bool, keyword: &'static str) -> Outcome {
        let draft = self.metaschema.as_ref().map(|(draft, _)| *draft);
        let schema = self.own_dialect(schema);
        // Values nest far deeper than anybody writes them; each level takes several frames here.
        let outcome =
            stacker::maybe_grow(128 * 1024, 1024 * 1024, || self.schema_on_stack(schema, value, asked, keyword));
        if let (Some(before), Some((draft, _))) = (draft, &mut self.metaschema) {
            *draft = before;
        }
        outcome
    }

    /// A part of a schema that follows another draft than the whole is looked at by the schema of that draft.
    fn own_dialect(&mut self, schema: &'s Value) -> &'s Value {
        let Some((draft, drafts)) = &mut self.metaschema else { return schema };
        if drafts.is_empty() || place(schema) != place(resources::of_draft(*draft)) {
            return schema;
        }
        let here: String = self.at.iter().map(|part| format!("/{}", pointer::escaped(part))).collect();
        let Some(own) = drafts.get(&here) else { return schema };
        *draft = *own;
        resources::of_draft(*own)
    }

    fn schema_on_stack(&mut self, schema: &'s Value, value: &Value, asked: bool, keyword: &'static str) -> Outcome {
        let object = match schema {
            Value::Bool(false) => return Err(self.failure("false schema")),
            Value::Object(object) => object,
            _ => return Ok(Unevaluated::default()),
        };
        let depth = self.at.len();
        let same = |entry: &Entry<'_>| place(entry.schema) == place(schema);
        // Those that look at the same value are the last ones.
        let others = self.scope.iter().rev().take_while(|entry| entry.depth == depth);
        let before = others.into_iter().position(same).map(|back| self.scope.len() - 1 - back);
        self.scope.push(Entry { schema, depth, keyword });
        let outcome = match before {
            Some(before) => Err(self.cycle(before)),
            None => self.keywords(schema, object, value, asked),
        };
        self.scope.pop();
        outcome
    }

    /// The last schema in scope leads back to the one at this index.
    fn cycle(&self, before: usize) -> Failure {
        let here = self.scope.len() - 1;
        let location = crate::text::go_quoted(&self.resources.location(place(self.scope[here].schema)));
        let (here, before) = (self.keyword_path(here), self.keyword_path(before));
        self.failure(format!("both {here} and {before} resolve to {location} causing reference cycle"))
    }

    /// The keywords that led from the first schema in scope to this one.
    fn keyword_path(&self, to: usize) -> String {
        let mut path = String::new();
        for pair in self.scope[..=to].windows(2) {
            if pair[1].keyword.is_empty() {
                let [above, below] = [&pair[0], &pair[1]].map(|entry| self.resources.location(place(entry.schema)));
                path.push_str(below.strip_prefix(above.as_str()).unwrap_or_default());
            } else {
                path.push('/');
                path.push_str(pair[1].keyword);
            }
        }
        path
    }

    fn keywords(&mut self, schema: &'s Value, object: &'s Map<String, Value>, value: &Value, asked: bool) -> Outcome {
        let draft = self.resources.owner(place(schema)).draft;
        let mut rest = unevaluated(draft, object, value, asked);
        let mut failures = Vec::new();
        let target = self.resources.target(schema, "$ref");
        if draft < Draft::Year2019
            && let Some(target) = target
        {
            // Everything beside a reference is ignored in these drafts, but for `const` in Helm's validator.
            self.constant(draft, object, value)?;
            self.reference(target, "$ref", value, &mut rest)?;
            return Ok(rest);
        }
        self.whole_value(draft, object, value)?;
        if let Some(target) = target {
            failures.extend(self.reference(target, "$ref", value, &mut rest).err());
        }
        match value {
            Value::Object(members) => self.object(draft, object, value, members, &mut rest, &mut failures),
            Value::Array(items) => self.array(draft, object, items, &mut rest, &mut failures),
            Value::String(text) => self.string(object, text, &mut failures),
            Value::Number(number) => self.number(object, number, &mut failures),
            Value::Null | Value::Bool(_) => {}
        }
        if draft >= Draft::Year2019 {
            self.dynamic_references(schema, object, value, &mut rest, &mut failures);
        }
        self.combinations(draft, object, value, &mut rest, &mut failures);
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
    fn whole_value(&self, draft: Draft, object: &Map<String, Value>, value: &Value) -> Result<(), Failure> {
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
        self.constant(draft, object, value)?;
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
        // The drafts' own schemas assert formats in every draft.
        if (draft < Draft::Year2019 || self.metaschema.is_some())
            && let (Some(Value::String(name)), Value::String(text)) = (object.get("format"), value)
            && let Err(reason) = format::check(name, text)
        {
            return Err(self.failure(format!("{} is not valid {name}: {reason}", quoted(text))));
        }
        Ok(())
    }

    fn constant(&self, draft: Draft, object: &Map<String, Value>, value: &Value) -> Result<(), Failure> {
        match object.get("const") {
            Some(wanted) if draft > Draft::Four && !equal(value, wanted) => Err(self.failure(match wanted {
                Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
                simple => format!("value must be {}", shown(simple)),
            })),
            _ => Ok(()),
        }
    }

    /// `not`, `allOf`, `anyOf`, `oneOf`, `if`.
    fn combinations(
        &mut self,
        draft: Draft,
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
        if draft >= Draft::Seven
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

    /// The same value against another schema.
    pub(super) fn same_value(
        &mut self,
        schema: &'s Value,
        value: &Value,
        rest: &mut Unevaluated,
    ) -> Result<(), Failure> {
        self.same_value_by(schema, "", value, rest)
    }

    fn same_value_by(
        &mut self,
        schema: &'s Value,
        keyword: &'static str,
        value: &Value,
        rest: &mut Unevaluated,
    ) -> Result<(), Failure> {
        let looked = self.schema(schema, value, !rest.is_empty(), keyword)?;
        // A schema that is `true` has looked at nothing; one that was not asked says nothing of importance.
        if !matches!(schema, Value::Bool(_)) {
            rest.merge(&looked);
        }
        Ok(())
    }

    /// A member of the value against a schema.
    pub(super) fn inner(&mut self, schema: &'s Value, value: &Value, name: &str) -> Result<(), Failure> {
        self.at.push(name.to_owned());
        let outcome = self.schema(schema, value, false, "");
        self.at.pop();
        outcome.map(|_| ())
    }

    fn reference(
        &mut self,
        target: &'s Value,
        keyword: &'static str,
        value: &Value,
        rest: &mut Unevaluated,
    ) -> Result<(), Failure> {
        self.same_value_by(target, keyword, value, rest).map_err(|failure| Failure {
            at: self.at.clone(),
            kind: Kind::Reference,
            causes: if failure.kind == Kind::Group { failure.causes } else { vec![failure] },
        })
    }

    /// `$recursiveRef` and `$dynamicRef`: the outermost schema in scope that offers itself by that name.
    fn dynamic_references(
        &mut self,
        schema: &'s Value,
        object: &Map<String, Value>,
        value: &Value,
        rest: &mut Unevaluated,
        failures: &mut Vec<Failure>,
    ) {
        if let Some(mut target) = self.resources.target(schema, "$recursiveRef") {
            let offers = |schema: &Value| schema.get("$recursiveAnchor") == Some(&Value::Bool(true));
            if offers(target) {
                let outermost = self.scope.iter().find(|entry| offers(self.resources.owner(place(entry.schema)).value));
                target = outermost.map_or(target, |entry| entry.schema);
            }
            failures.extend(self.reference(target, "$recursiveRef", value, rest).err());
        }
        if let Some(mut target) = self.resources.target(schema, "$dynamicRef") {
            let reference = object.get("$dynamicRef").and_then(Value::as_str).unwrap_or_default();
            let fragment = reference.split_once('#').map_or("", |(_, fragment)| fragment);
            let name = pointer::decoded(fragment).unwrap_or_default();
            if target.get("$dynamicAnchor").and_then(Value::as_str) == Some(name.as_str()) && !name.is_empty() {
                let named = |entry: &Entry<'s>| self.resources.dynamic_anchor(place(entry.schema), &name);
                target = self.scope.iter().find_map(named).unwrap_or(target);
            }
            failures.extend(self.reference(target, "$dynamicRef", value, rest).err());
        }
    }

    pub(super) fn failure(&self, text: impl Into<String>) -> Failure {
        Failure::new(&self.at, text)
    }
}

/// What has to be looked at, if this schema or the one that asks wants to know.
fn unevaluated(draft: Draft, object: &Map<String, Value>, value: &Value, asked: bool) -> Unevaluated {
    let mut rest = Unevaluated::default();
    if draft < Draft::Year2019 {
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
            let before_2020 = draft < Draft::Year2020;
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
