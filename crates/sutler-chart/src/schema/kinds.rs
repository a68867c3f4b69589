//! What a schema says of objects, lists, texts and numbers.

use std::rc::Rc;

use serde_json::{Map, Number, Value};
use sutler_functions::re2::Pattern;

use super::document::Draft;
use super::equality::duplicates;
use super::failure::{Failure, Kind, all_quoted, quoted};
use super::number;
use super::validator::{Unevaluated, Validator};

impl<'s> Validator<'_, 's> {
    pub(super) fn object(
        &mut self,
        draft: Draft,
        object: &'s Map<String, Value>,
        value: &Value,
        members: &Map<String, Value>,
        rest: &mut Unevaluated,
        failures: &mut Vec<Failure>,
    ) {
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
                if pattern.is_match(name.as_bytes()) {
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
                if let Err(failure) = self.another().run(schema, &Value::from(name.as_str())) {
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

    pub(super) fn array(
        &mut self,
        draft: Draft,
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
        let tuple_keyword = if draft < Draft::Year2020 { "items" } else { "prefixItems" };
        let tuple: &'s [Value] = object.get(tuple_keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice);
        let count = tuple.len().min(items.len());
        for (at, (item, schema)) in items.iter().zip(tuple).enumerate() {
            failures.extend(self.inner(schema, item, &at.to_string()).err());
        }
        let has_tuple = object.get("items").is_some_and(Value::is_array);
        if draft >= Draft::Year2020 || !has_tuple {
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
        if draft > Draft::Four
            && let Some(schema) = object.get("contains")
        {
            self.contains(draft, object, schema, items, rest, failures);
        }
    }

    fn contains(
        &mut self,
        draft: Draft,
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
                    if draft >= Draft::Year2020 {
                        rest.items.remove(&at);
                    }
                }
                Err(failure) => mismatches.push(failure),
            }
        }
        let limit = |keyword: &str| {
            let years = draft >= Draft::Year2019;
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

    pub(super) fn string(&self, object: &Map<String, Value>, text: &str, failures: &mut Vec<Failure>) {
        let length = text.chars().count();
        self.bound(object, "minLength", length, |got, want| got < want, failures);
        self.bound(object, "maxLength", length, |got, want| got > want, failures);
        if let Some(pattern) = object.get("pattern").and_then(Value::as_str) {
            match Pattern::shared(pattern.as_bytes()) {
                Ok(regex) if regex.is_match(text.as_bytes()) => {}
                Ok(_) => {
                    failures.push(self.failure(format!("{} does not match pattern {}", quoted(text), quoted(pattern))));
                }
                Err(_) => failures.push(self.failure(format!("{} is not a valid pattern", quoted(pattern)))),
            }
        }
    }

    pub(super) fn number(&self, object: &Map<String, Value>, got: &Number, failures: &mut Vec<Failure>) {
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

    fn patterns(&self, object: &'s Map<String, Value>, failures: &mut Vec<Failure>) -> Vec<(Rc<Pattern>, &'s Value)> {
        let mut patterns = Vec::new();
        for (pattern, schema) in map_of(object, "patternProperties") {
            match Pattern::shared(pattern.as_bytes()) {
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
