//! Label selectors and field selectors: the API's text form (`a=b,c!=d,e in (f,g),!h`) and the object form
//! (`matchLabels`, `matchExpressions`).

use std::fmt;

use serde_json::{Map, Value};

use crate::{name, object};

/// A label selector: all its requirements must hold. Without any it selects everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSelector {
    /// In the order given.
    pub requirements: Vec<Requirement>,
}

/// One requirement on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label's name.
    pub key: String,
    /// What must hold of its value.
    pub operator: Operator,
}

/// What must hold of a label's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// The label is there, with one of these values.
    In(Vec<String>),
    /// The label is absent, or has none of these values.
    NotIn(Vec<String>),
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// Its value is a whole number greater than this (text form only).
    GreaterThan(i64),
    /// Its value is a whole number less than this (text form only).
    LessThan(i64),
}

/// Why a selector cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// The text is not of the selector language.
    #[error("unable to parse requirement: {0}")]
    Syntax(String),
    /// A key or value that no label can have.
    #[error("{0}")]
    Invalid(String),
    /// An operator of `matchExpressions` that does not exist.
    #[error("{0:?} is not a valid label selector operator")]
    UnknownOperator(String),
}

impl LabelSelector {
    /// Reads the API's text form.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut requirements = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (requirement, after) = parse_requirement(rest)?;
            requirements.push(requirement);
            rest = after.trim_start();
            if let Some(next) = rest.strip_prefix(',') {
                rest = next.trim_start();
                if rest.is_empty() {
                    return Err(SelectorError::Syntax("found '', expected: identifier after ','".to_owned()));
                }
            } else if !rest.is_empty() {
                return Err(SelectorError::Syntax(format!(
                    "found '{}', expected: ',' or 'end of string'",
                    first_token(rest)
                )));
            }
        }
        Ok(Self { requirements })
    }

    /// Reads the object form. `null` selects nothing in the API; that is `Ok(None)`. `{}` selects everything.
    pub fn from_object(selector: &Value) -> Result<Option<Self>, SelectorError> {
        if selector.is_null() {
            return Ok(None);
        }
        let labels = object::at(selector, &["matchLabels"]).and_then(Value::as_object);
        let mut requirements = Self::from_labels(labels.unwrap_or(&Map::new())).requirements;
        for expression in object::list(selector, &["matchExpressions"]) {
            let key = object::text(expression, &["key"]).to_owned();
            let values =
                || object::list(expression, &["values"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let operator = match object::text(expression, &["operator"]) {
                "In" => Operator::In(values()),
                "NotIn" => Operator::NotIn(values()),
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                unknown => return Err(SelectorError::UnknownOperator(unknown.to_owned())),
            };
            requirements.push(Requirement { key, operator });
        }
        Ok(Some(Self { requirements }))
    }

    /// Selects what has all these labels (a Service's or ReplicationController's `selector`, `nodeSelector`).
    pub fn from_labels(labels: &Map<String, Value>) -> Self {
        let requirement = |(key, value): (&String, &Value)| Requirement {
            key: key.clone(),
            operator: Operator::In(vec![value.as_str().unwrap_or("").to_owned()]),
        };
        Self { requirements: labels.iter().map(requirement).collect() }
    }

    /// Whether an object with these labels (`metadata.labels`; `None` for none) is selected.
    pub fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.requirements
            .iter()
            .all(|r| r.matches(labels.and_then(|labels| labels.get(&r.key)).and_then(Value::as_str)))
    }

    /// Whether `object` is selected, by its `metadata.labels`.
    pub fn selects(&self, object: &Value) -> bool {
        self.matches(object::labels(object))
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }
}

impl Requirement {
    /// Whether a label of this value (`None`: absent) meets it.
    pub fn matches(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
            Operator::NotIn(values) => value.is_none_or(|value| values.iter().all(|v| v != value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan(limit) => number().is_some_and(|number| number > *limit),
            Operator::LessThan(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

/// The API's text form.
impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { key, operator }) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match operator {
                Operator::In(values) if values.len() == 1 => write!(f, "{key}={}", values[0])?,
                Operator::In(values) => write!(f, "{key} in ({})", sorted(values))?,
                Operator::NotIn(values) if values.len() == 1 => write!(f, "{key}!={}", values[0])?,
                Operator::NotIn(values) => write!(f, "{key} notin ({})", sorted(values))?,
                Operator::Exists => write!(f, "{key}")?,
                Operator::DoesNotExist => write!(f, "!{key}")?,
                Operator::GreaterThan(limit) => write!(f, "{key}>{limit}")?,
                Operator::LessThan(limit) => write!(f, "{key}<{limit}")?,
            }
        }
        Ok(())
    }
}

fn sorted(values: &[String]) -> String {
    let mut values = values.to_vec();
    values.sort();
    values.join(",")
}

const SPECIAL: [char; 7] = ['=', '!', '(', ')', ',', '<', '>'];

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(|c: char| c.is_whitespace() || SPECIAL.contains(&c)).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

fn first_token(text: &str) -> &str {
    let (token, _) = word(text);
    if token.is_empty() { &text[..text.chars().next().map_or(0, char::len_utf8)] } else { token }
}

fn parse_requirement(text: &str) -> Result<(Requirement, &str), SelectorError> {
    let checked_key = |key: &str| match name::label_key_problems(key).first() {
        None => Ok(key.to_owned()),
        Some(problem) => Err(SelectorError::Syntax(format!("<nil>: Invalid value: {key:?}: {problem}"))),
    };
    let identifier = |key: &str, found: &str| {
        if key.is_empty() {
            Err(SelectorError::Syntax(format!(
                "found '{}', expected: !, identifier, or 'end of string'",
                first_token(found)
            )))
        } else {
            checked_key(key)
        }
    };
    if let Some(negated) = text.strip_prefix('!') {
        let (key, rest) = word(negated);
        return Ok((Requirement { key: identifier(key, rest)?, operator: Operator::DoesNotExist }, rest));
    }
    let (key, rest) = word(text);
    let key = identifier(key, rest)?;
    let with = |operator, rest| Ok((Requirement { key: key.clone(), operator }, rest));
    if rest.is_empty() || rest.starts_with(',') {
        return with(Operator::Exists, rest);
    }
    for (sign, equal) in [("==", true), ("=", true), ("!=", false)] {
        if let Some(after) = rest.strip_prefix(sign) {
            let (value, rest) = word(after);
            let values = vec![checked_value(&key, value)?];
            return with(if equal { Operator::In(values) } else { Operator::NotIn(values) }, rest);
        }
    }
    for (sign, greater) in [('>', true), ('<', false)] {
        if let Some(after) = rest.strip_prefix(sign) {
            let (value, rest) = word(after);
            let Ok(limit) = value.parse() else {
                return Err(SelectorError::Syntax(format!(
                    "values[0][{key}]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"
                )));
            };
            return with(if greater { Operator::GreaterThan(limit) } else { Operator::LessThan(limit) }, rest);
        }
    }
    let (operator, after) = word(rest);
    if operator != "in" && operator != "notin" {
        return Err(SelectorError::Syntax(format!(
            "found '{}', expected: in, notin, =, ==, !=, gt, lt",
            first_token(rest)
        )));
    }
    let Some((inside, rest)) = after.strip_prefix('(').and_then(|inside| inside.split_once(')')) else {
        return Err(SelectorError::Syntax(format!("found '{}', expected: '('", first_token(after))));
    };
    let values = inside.split(',').map(|value| checked_value(&key, value.trim())).collect::<Result<Vec<_>, _>>()?;
    with(if operator == "in" { Operator::In(values) } else { Operator::NotIn(values) }, rest)
}

fn checked_value(key: &str, value: &str) -> Result<String, SelectorError> {
    match name::label_value_problems(value).first() {
        None => Ok(value.to_owned()),
        Some(problem) => Err(SelectorError::Syntax(format!("values[0][{key}]: Invalid value: {value:?}: {problem}"))),
    }
}

/// A field selector: `metadata.name=x,status.phase!=Running`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSelector {
    /// In the order given.
    pub terms: Vec<FieldTerm>,
}

/// One comparison of a field selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTerm {
    /// `metadata.name`.
    pub field: String,
    /// What it is compared with.
    pub value: String,
    /// `true` for `=` and `==`, `false` for `!=`.
    pub equal: bool,
}

impl FieldSelector {
    /// Reads the API's text form; `\,`, `\=` and `\\` in values are taken literally.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut terms = Vec::new();
        for term in split_unescaped(text) {
            if term.is_empty() {
                continue;
            }
            let (at, sign) = ["!=", "==", "="]
                .iter()
                .filter_map(|sign| term.find(sign).map(|at| (at, *sign)))
                .min_by_key(|(at, sign)| (*at, std::cmp::Reverse(sign.len())))
                .ok_or_else(|| {
                    SelectorError::Invalid(format!("invalid selector: '{text}'; can't understand '{term}'"))
                })?;
            terms.push(FieldTerm {
                field: term[..at].to_owned(),
                value: unescape(&term[at + sign.len()..]),
                equal: sign != "!=",
            });
        }
        Ok(Self { terms })
    }

    /// Whether `object` is selected. A field that is absent counts as the empty text, as in the API.
    pub fn selects(&self, object: &Value) -> bool {
        self.terms.iter().all(|term| (field_text(object, &term.field) == term.value) == term.equal)
    }

    /// The first field that the API server does not offer for `kind`, worded as it refuses it. Every kind has
    /// `metadata.name` and `metadata.namespace`; `selectable` is what a custom resource's definition adds.
    pub fn unsupported(&self, api_version: &str, kind: &str, selectable: &[&str]) -> Option<String> {
        let known = |field: &str| {
            matches!(field, "metadata.name" | "metadata.namespace")
                || selectable.contains(&field)
                || builtin_fields(api_version, kind).contains(&field)
        };
        let term = self.terms.iter().find(|term| !known(&term.field))?;
        Some(format!("field label not supported: {}", term.field))
    }
}

/// The fields that selectors of built-in kinds may name besides name and namespace.
fn builtin_fields(api_version: &str, kind: &str) -> &'static [&'static str] {
    match (api_version, kind) {
        ("v1", "Pod") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("v1", "Node") => &["spec.unschedulable"],
        ("v1", "Secret") => &["type"],
        ("v1", "Namespace") => &["status.phase", "name"],
        ("v1", "Service") => &["spec.clusterIP", "spec.type"],
        ("v1", "ReplicationController") => &["status.replicas"],
        ("apps/v1", "ReplicaSet") => &["status.replicas"],
        ("v1" | "events.k8s.io/v1", "Event") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingComponent",
            "reportingController",
            "source",
            "type",
        ],
        ("batch/v1", "Job") => &["status.successful"],
        ("certificates.k8s.io/v1", "CertificateSigningRequest") => &["spec.signerName"],
        _ => &[],
    }
}

fn field_text(object: &Value, field: &str) -> String {
    let path = match field {
        "name" => "metadata.name",
        "status.successful" => "status.succeeded",
        "source" => "source.component",
        other => other,
    };
    match object::at(object, &path.split('.').collect::<Vec<_>>()) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        // An unset flag of a Node or Pod compares as "false".
        None if matches!(path, "spec.unschedulable" | "spec.hostNetwork") => "false".to_owned(),
        None if path == "status.replicas" || path == "status.succeeded" => "0".to_owned(),
        _ => String::new(),
    }
}

fn split_unescaped(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut escaped) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        if c == ',' && !escaped {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(part);
    parts
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn labels(text: &str) -> Map<String, Value> {
        let pair = |pair: &str| pair.split_once('=').map(|(key, value)| (key.to_owned(), value.into()));
        text.split(',').filter_map(pair).collect()
    }

    #[test]
    fn the_text_form_selects_as_the_api_does() {
        let check = |selector: &str, on: &str, expect: bool| {
            assert_eq!(
                LabelSelector::parse(selector).unwrap().matches(Some(&labels(on))),
                expect,
                "{selector} on {on}"
            );
        };
        check("", "a=1", true);
        check("a=1", "a=1", true);
        check("a == 1 , b != 2", "a=1", true);
        check("a==1,b!=2", "a=1,b=2", false);
        check("e in (f, g),!h", "e=g", true);
        check("e in (f,g),!h", "e=g,h=", false);
        check("e notin (f,g)", "", true);
        check("x/y", "x/y=", true);
        check("a in (,b)", "a=", true);
        check("a>5", "a=6", true);
        check("a<5", "a=x", false);
        check("a=", "a=", true);
    }

    #[test]
    fn the_text_form_round_trips_through_its_display() {
        let check = |text: &str, expect: &str| assert_eq!(LabelSelector::parse(text).unwrap().to_string(), expect);
        check("a==b, c != d,e in (g,f),!h,i", "a=b,c!=d,e in (f,g),!h,i");
        check("e notin (f, g)", "e notin (f,g)");
    }

    #[test]
    fn bad_text_is_refused() {
        for text in ["a=b c", "a in b", "a in (b", "=b", "a,,b", "a=b,", "-a=b", "a=b!", "!", "a gt 5"] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_object_form_selects_the_same() {
        let selector = json!({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["2"]}]});
        let selector = LabelSelector::from_object(&selector).unwrap().unwrap();
        assert_eq!(selector.to_string(), "a=1,b!=2");
        assert_eq!(LabelSelector::from_object(&Value::Null).unwrap(), None);
        assert!(LabelSelector::from_object(&json!({})).unwrap().unwrap().matches(None));
        assert!(LabelSelector::from_object(&json!({"matchExpressions": [{"key": "b", "operator": "Is"}]})).is_err());
    }

    #[test]
    fn field_selectors_compare_text() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "status": {"phase": "Running"}});
        let check =
            |text: &str, expect: bool| assert_eq!(FieldSelector::parse(text).unwrap().selects(&pod), expect, "{text}");
        check("metadata.name=a,status.phase!=Pending", true);
        check("spec.nodeName=", true);
        check("spec.nodeName!=", false);
        check("metadata.name==b", false);
        assert!(FieldSelector::parse("metadata.name").is_err());
        let selector = FieldSelector::parse("spec.foo=a").unwrap();
        assert_eq!(selector.unsupported("v1", "Pod", &[]).as_deref(), Some("field label not supported: spec.foo"));
        assert_eq!(FieldSelector::parse(r"a=b\,c\=d").unwrap().terms[0].value, "b,c=d");
    }
}
