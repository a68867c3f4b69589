//! Two documents compared by what they mean: the order of lists and statements, names of statements, one value written as a list, an account
//! written as its root, the case of actions and keys are no difference.
//!
//! ```
//! use sutler_access::{compare::differences, Document};
//!
//! let read = |text| serde_json::from_str::<Document>(text);
//! let before = read(r#"{"Version": "2012-10-17", "Statement": [{"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}"#)?;
//! let after = read(r#"{"Version": "2012-10-17", "Statement": {"Sid": "Read", "Effect": "Allow", "Action": ["s3:PutObject", "s3:getobject"], "Resource": ["*"]}}"#)?;
//! let lines: Vec<String> = differences(&before, &after).iter().map(ToString::to_string).collect();
//! assert_eq!(lines, ["statement Read: Action + s3:PutObject"]);
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::condition::Operator;
use crate::evaluate::account_of;
use crate::policy::{Document, Effect, Principal, Statement, Values};

/// One difference in meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The version changed in a document with variables, which only the newer one knows.
    Version {
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// A statement came.
    Added(Box<Statement>),
    /// A statement went.
    Removed(Box<Statement>),
    /// An element of a statement changed.
    Changed {
        /// The statement's name, or its number after the change, from 1.
        statement: String,
        /// The element: `Action`, `Resource`, `Condition StringLike s3:prefix` …
        element: String,
        /// Values that came.
        added: Vec<String>,
        /// Values that went.
        removed: Vec<String>,
    },
}

/// The differences in meaning from one document to another; none when they mean the same.
#[must_use]
pub fn differences(from: &Document, to: &Document) -> Vec<Difference> {
    let mut found = Vec::new();
    let has_variable = |document: &Document| document.to_json().contains("${");
    if from.version != to.version && (has_variable(from) || has_variable(to)) {
        found.push(Difference::Version { from: from.version.clone(), to: to.version.clone() });
    }
    let mut before: Vec<(Meaning, &Statement)> = from.statement.iter().map(|one| (meaning(one), one)).collect();
    let mut after: Vec<(usize, Meaning, &Statement)> = Vec::new();
    for (index, statement) in to.statement.iter().enumerate() {
        let meaning = meaning(statement);
        let is_old = from.statement.iter().any(|old| self::meaning(old) == meaning);
        before.retain(|(old, _)| *old != meaning);
        if !is_old {
            after.push((index, meaning, statement));
        }
    }
    for (index, new, statement) in after {
        // The same name is the same statement; without names, the one that shares the most elements.
        let by_name = before.iter().position(|(_, old)| statement.sid.is_some() && old.sid == statement.sid);
        let by_likeness = || {
            let unnamed =
                before.iter().enumerate().filter(|(_, (_, old))| old.sid.is_none() && statement.sid.is_none());
            unnamed
                .map(|(at, (old, _))| (old.iter().filter(|(key, values)| new.get(*key) == Some(*values)).count(), at))
                .filter(|(shared, _)| *shared > 1)
                .max_by_key(|(shared, at)| (*shared, usize::MAX - at))
                .map(|(_, at)| at)
        };
        match by_name.or_else(by_likeness) {
            None => found.push(Difference::Added(Box::new(statement.clone()))),
            Some(at) => {
                let (old, old_statement) = before.remove(at);
                let name = statement.sid.clone().unwrap_or_else(|| (index + 1).to_string());
                found.extend(changes(&name, (&old, old_statement), (&new, statement)));
            }
        }
    }
    found.extend(before.into_iter().map(|(_, statement)| Difference::Removed(Box::new(statement.clone()))));
    found
}

/// Elements of a statement and their values as sets.
type Meaning = BTreeMap<String, BTreeSet<String>>;

fn meaning(statement: &Statement) -> Meaning {
    let mut meaning = Meaning::new();
    let lower = |values: &Values| values.iter().map(str::to_ascii_lowercase).collect::<BTreeSet<_>>();
    let exact = |values: &Values| values.iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let effect = if statement.effect == Effect::Allow { "Allow" } else { "Deny" };
    meaning.insert("Effect".to_owned(), [effect.to_owned()].into());
    for (element, principal) in [("Principal", &statement.principal), ("NotPrincipal", &statement.not_principal)] {
        if let Some(principal) = principal {
            meaning.insert(element.to_owned(), principals(principal));
        }
    }
    for (element, values) in [("Action", &statement.action), ("NotAction", &statement.not_action)] {
        if !values.is_empty() {
            meaning.insert(element.to_owned(), lower(values));
        }
    }
    for (element, values) in [("Resource", &statement.resource), ("NotResource", &statement.not_resource)] {
        if let Some(values) = values {
            meaning.insert(element.to_owned(), exact(values));
        }
    }
    for (operator, keys) in &statement.condition {
        let operator = operator.parse::<Operator>().map_or_else(|_| operator.clone(), |operator| operator.to_string());
        for (key, values) in keys {
            meaning.insert(format!("Condition {operator} {}", key.to_ascii_lowercase()), exact(values));
        }
    }
    meaning
}

fn principals(principal: &Principal) -> BTreeSet<String> {
    match principal {
        Principal::Anybody(text) => [text.clone()].into(),
        Principal::Of(kinds) => kinds
            .iter()
            .flat_map(|(kind, values)| {
                values.iter().map(move |value| match account_of(value).filter(|_| kind == "AWS") {
                    Some(account) => account.to_owned(),
                    None => value.to_owned(),
                })
            })
            .collect(),
    }
}

/// The elements that differ.
fn changes(name: &str, old: (&Meaning, &Statement), new: (&Meaning, &Statement)) -> Vec<Difference> {
    let elements: BTreeSet<&String> = old.0.keys().chain(new.0.keys()).collect();
    let none = BTreeSet::new();
    let change = |element: &String| {
        let (before, after) = (old.0.get(element).unwrap_or(&none), new.0.get(element).unwrap_or(&none));
        let values = |one: &BTreeSet<String>, other: &BTreeSet<String>, statement: &Statement| {
            one.difference(other).map(|value| as_written(statement, element, value)).collect::<Vec<_>>()
        };
        let (added, removed) = (values(after, before, new.1), values(before, after, old.1));
        let is_changed =
            !added.is_empty() || !removed.is_empty() || old.0.contains_key(element) != new.0.contains_key(element);
        is_changed.then(|| Difference::Changed { statement: name.to_owned(), element: element.clone(), added, removed })
    };
    elements.into_iter().filter_map(change).collect()
}

/// Actions are compared in lower case and shown as they stand.
fn as_written(statement: &Statement, element: &str, value: &str) -> String {
    let values = match element {
        "Action" => &statement.action,
        "NotAction" => &statement.not_action,
        _ => return value.to_owned(),
    };
    values.iter().find(|written| written.eq_ignore_ascii_case(value)).unwrap_or(value).to_owned()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |statement: &Statement| match &statement.sid {
            Some(sid) => format!(" {sid}"),
            None => String::new(),
        };
        let about = |statement: &Statement| {
            let effect = if statement.effect == Effect::Allow { "allow" } else { "deny" };
            let (not, actions) = match statement.not_action.is_empty() {
                true => ("", &statement.action),
                false => ("all but ", &statement.not_action),
            };
            let resources =
                statement.resource.as_ref().map_or(String::new(), |values| format!(" on {}", values.0.join(", ")));
            format!("{effect} {not}{}{resources}", actions.0.join(", "))
        };
        match self {
            Self::Version { from, to } => write!(f, "Version {from} -> {to}"),
            Self::Added(statement) => write!(f, "+ statement{}: {}", named(statement), about(statement)),
            Self::Removed(statement) => write!(f, "- statement{}: {}", named(statement), about(statement)),
            Self::Changed { statement, element, added, removed } => {
                write!(f, "statement {statement}: {element}")?;
                removed.iter().try_for_each(|value| write!(f, " - {value}"))?;
                added.iter().try_for_each(|value| write!(f, " + {value}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: &str, to: &str, expect: &[&str]) {
        let read = |statements: &str| {
            serde_json::from_str(&format!(r#"{{"Version": "2012-10-17", "Statement": {statements}}}"#)).unwrap()
        };
        let found: Vec<String> = differences(&read(from), &read(to)).iter().map(ToString::to_string).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn forms_are_no_difference() {
        check(
            r#"[{"Sid": "A", "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": ["s3:Get*", "S3:Put*"], "Resource": ["b", "a"],
                "Condition": {"stringequals": {"AWS:SourceArn": ["y", "x", "x"]}}}, {"Effect": "Deny", "Action": "*", "Resource": "*"}]"#,
            r#"[{"Effect": "Deny", "Action": ["*"], "Resource": "*"}, {"Sid": "B", "Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]},
                "Action": ["s3:put*", "s3:get*"], "Resource": ["a", "b"], "Condition": {"StringEquals": {"aws:sourcearn": ["x", "y"]}}}]"#,
            &[],
        );
    }

    #[test]
    fn what_came_and_went_is_told() {
        check(
            r#"[{"Sid": "A", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "x"}, {"Sid": "Old", "Effect": "Deny", "Action": "a:B", "Resource": "*"}]"#,
            r#"[{"Sid": "A", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "y", "Condition": {"Bool": {"aws:SecureTransport": true}}},
                {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}]"#,
            &[
                "statement A: Condition Bool aws:securetransport + true",
                "statement A: Resource - x + y",
                "+ statement: allow all but iam:* on *",
                "- statement Old: deny a:B on *",
            ],
        );
        check(
            r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "x"}"#,
            r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["x", "y"]}"#,
            &["statement 1: Resource + y"],
        );
    }
}
