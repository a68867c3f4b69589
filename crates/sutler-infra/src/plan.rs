//! What Terraform would do: `terraform show -json PLAN`, as typed changes.
//!
//! A plan file holds secrets in the clear beside marks that say which they are. What is marked is replaced as it is read, and so is what
//! is not known yet: a [`Plan`] can be printed and kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

/// Stands for a value that must not be shown.
pub const SENSITIVE: &str = "(sensitive value)";

/// Stands for a value that is known when it is there.
pub const UNKNOWN: &str = "(known after apply)";

/// Values below this depth are left out; resources of providers are flatter.
const DEPTH_LIMIT: usize = 64;

/// What Terraform would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of the form that was read, `1.2`.
    pub format_version: String,
    /// The version of Terraform or OpenTofu that made it.
    pub terraform_version: String,
    /// What would change, in Terraform's order; what stays as it is and what is only read is left out.
    pub changes: Vec<Change>,
    /// What changed behind Terraform's back since it looked last.
    pub drift: Vec<Change>,
    /// Names of outputs that would change.
    pub outputs: Vec<String>,
}

/// A change of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The resource, `module.cluster.aws_eks_cluster.this[0]`.
    pub address: String,
    /// Its type, `aws_eks_cluster`.
    pub resource_type: String,
    /// What is done.
    pub action: Action,
    /// As it is; null for what is not there.
    pub before: Value,
    /// As it would be; null for what goes.
    pub after: Value,
    /// Paths of arguments that cannot change while the resource lives, `instance_types`, `access_config[0].mode`.
    pub replace_because: Vec<String>,
}

/// What is done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing.
    #[serde(alias = "noop")]
    NoOp,
    /// It is made.
    Create,
    /// It is looked up.
    Read,
    /// It is changed as it stands.
    Update,
    /// It goes, and another takes its place.
    Replace,
    /// It goes.
    #[serde(alias = "remove")]
    Delete,
    /// It stays, and Terraform forgets it.
    Forget,
    /// It is there already, and Terraform learns of it.
    Import,
    /// Its name in Terraform changes.
    Move,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoOp => "unchanged",
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Forget => "forget",
            Self::Import => "import",
            Self::Move => "move",
        })
    }
}

/// Why there is no plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// Not what `terraform show -json` prints.
    #[error("cannot read Terraform's plan")]
    Form(#[source] serde_json::Error),
    /// Of a later generation of the form.
    #[error("Terraform's plan has the form {0}, and 1 is the one that is known")]
    Version(String),
    /// Actions that do not go together.
    #[error("Terraform's plan has the actions {actions:?} for `{address}`, which mean nothing that is known")]
    Actions {
        /// The resource.
        address: String,
        /// The actions.
        actions: Vec<String>,
    },
    /// Terraform could not finish the plan.
    #[error("Terraform could not finish the plan")]
    Errored,
}

#[derive(Deserialize)]
struct Shown {
    format_version: String,
    #[serde(default)]
    terraform_version: String,
    #[serde(default)]
    resource_changes: Vec<ShownChange>,
    #[serde(default)]
    resource_drift: Vec<ShownChange>,
    #[serde(default)]
    output_changes: BTreeMap<String, ShownValues>,
    #[serde(default)]
    errored: bool,
}

#[derive(Deserialize)]
struct ShownChange {
    address: String,
    #[serde(default, rename = "type")]
    resource_type: String,
    change: ShownValues,
}

#[derive(Deserialize)]
struct ShownValues {
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    #[serde(default)]
    after_unknown: Value,
    #[serde(default)]
    before_sensitive: Value,
    #[serde(default)]
    after_sensitive: Value,
    #[serde(default)]
    replace_paths: Vec<Vec<Value>>,
    #[serde(default)]
    importing: Option<Value>,
}

impl Plan {
    /// Whether anything would be done.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty() || !self.outputs.is_empty()
    }

    /// How many resources would be made, changed and removed; a replacement is made and removed, as Terraform counts.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |actions: &[Action]| self.changes.iter().filter(|change| actions.contains(&change.action)).count();
        (count(&[Action::Create, Action::Replace]), count(&[Action::Update]), count(&[Action::Delete, Action::Replace]))
    }
}

impl Change {
    /// The arguments that differ, by name, each with its value before and after. For what is made or removed: all of them.
    #[must_use]
    pub fn arguments(&self) -> Vec<(&str, &Value, &Value)> {
        let sides = [&self.before, &self.after].into_iter().filter_map(Value::as_object);
        let names: BTreeSet<&str> = sides.flat_map(Map::keys).map(String::as_str).collect();
        let values = names.into_iter().map(|name| (name, &self.before[name], &self.after[name]));
        values.filter(|(_, before, after)| before != after).collect()
    }
}

/// Reads what `terraform show -json` printed of a plan.
///
/// # Errors
/// It is no such thing, is of another form, or Terraform could not finish it.
pub fn read(json: &[u8]) -> Result<Plan, PlanError> {
    let shown: Shown = serde_json::from_slice(json).map_err(PlanError::Form)?;
    if shown.format_version != "1" && !shown.format_version.starts_with("1.") {
        return Err(PlanError::Version(shown.format_version));
    }
    if shown.errored {
        return Err(PlanError::Errored);
    }
    let mut secrets = BTreeSet::new();
    for ShownValues { before, after, before_sensitive, after_sensitive, .. } in
        shown.resource_changes.iter().chain(&shown.resource_drift).map(|shown| &shown.change)
    {
        collect_secrets(before, before_sensitive, &mut secrets);
        collect_secrets(after, after_sensitive, &mut secrets);
    }
    let change = |shown: ShownChange| {
        let mut change = change(shown)?;
        conceal(&mut change.before, &secrets);
        conceal(&mut change.after, &secrets);
        Ok(change)
    };
    let counts = |change: &Change| !matches!(change.action, Action::NoOp | Action::Read);
    let all = |shown: Vec<ShownChange>| shown.into_iter().map(&change).collect::<Result<Vec<Change>, PlanError>>();
    let mut changes = all(shown.resource_changes)?;
    changes.retain(counts);
    let mut drift = all(shown.resource_drift)?;
    drift.retain(counts);
    let outputs = shown
        .output_changes
        .into_iter()
        .filter(|(_, values)| values.actions.iter().any(|action| action != "no-op"))
        .map(|(name, _)| name)
        .collect();
    Ok(Plan {
        format_version: shown.format_version,
        terraform_version: shown.terraform_version,
        changes,
        drift,
        outputs,
    })
}

fn change(shown: ShownChange) -> Result<Change, PlanError> {
    let ShownChange { address, resource_type, change: values } = shown;
    let actions: Vec<&str> = values.actions.iter().map(String::as_str).collect();
    let action = match actions[..] {
        ["no-op"] if values.importing.is_some() => Action::Import,
        ["no-op"] => Action::NoOp,
        ["create"] => Action::Create,
        ["read"] => Action::Read,
        ["update"] => Action::Update,
        ["delete", "create"] | ["create", "delete"] | ["create", "forget"] => Action::Replace,
        ["delete"] => Action::Delete,
        ["forget"] => Action::Forget,
        _ => return Err(PlanError::Actions { address, actions: values.actions }),
    };
    let after = with_unknown(values.after, &values.after_unknown, 0);
    Ok(Change {
        address,
        resource_type,
        action,
        before: redacted(values.before, &values.before_sensitive, 0),
        after: redacted(after, &values.after_sensitive, 0),
        replace_because: values.replace_paths.iter().map(|path| shown_path(path)).collect(),
    })
}

/// The value with [`SENSITIVE`] where `marks` says true: the marks have the value's shape, as far as there is something to mark.
fn redacted(value: Value, marks: &Value, depth: usize) -> Value {
    marked(value, marks, SENSITIVE, depth)
}

/// The value with [`UNKNOWN`] where it is known later. Unknown parts are missing from the value.
fn with_unknown(value: Value, marks: &Value, depth: usize) -> Value {
    marked(value, marks, UNKNOWN, depth)
}

fn marked(value: Value, marks: &Value, word: &str, depth: usize) -> Value {
    if depth > DEPTH_LIMIT {
        // Too deep to tell: shown is nothing of it.
        return Value::from(word);
    }
    match marks {
        Value::Bool(true) => Value::from(word),
        Value::Object(marks) => {
            let mut map = match value {
                Value::Object(map) => map,
                Value::Null if marks.values().any(has_mark) => Map::new(),
                other => return other,
            };
            for (key, mark) in marks {
                if has_mark(mark) {
                    let inner = map.remove(key).unwrap_or(Value::Null);
                    map.insert(key.clone(), marked(inner, mark, word, depth + 1));
                }
            }
            Value::Object(map)
        }
        Value::Array(marks) => match value {
            Value::Array(mut list) => {
                for (index, mark) in marks.iter().enumerate().filter(|(_, mark)| has_mark(mark)) {
                    if let Some(place) = list.get_mut(index) {
                        *place = marked(place.take(), mark, word, depth + 1);
                    } else {
                        list.push(marked(Value::Null, mark, word, depth + 1));
                    }
                }
                Value::Array(list)
            }
            other => other,
        },
        _ => value,
    }
}

/// Whether there is a `true` in the marks. Their depth is bounded by the reader of JSON (128).
fn has_mark(marks: &Value) -> bool {
    match marks {
        Value::Bool(mark) => *mark,
        Value::Array(list) => list.iter().any(has_mark),
        Value::Object(map) => map.values().any(has_mark),
        _ => false,
    }
}

/// The texts that are marked. Providers copy arguments into computed values without their marks; those must be found too.
fn collect_secrets(value: &Value, marks: &Value, secrets: &mut BTreeSet<String>) {
    match (value, marks) {
        (value, Value::Bool(true)) => all_texts(value, secrets),
        (Value::Object(map), Value::Object(marks)) => {
            for (key, mark) in marks {
                map.get(key).into_iter().for_each(|value| collect_secrets(value, mark, secrets));
            }
        }
        (Value::Array(list), Value::Array(marks)) => {
            list.iter().zip(marks).for_each(|(value, mark)| collect_secrets(value, mark, secrets));
        }
        _ => {}
    }
}

fn all_texts(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        // A shorter one would hide half of the plan, and hides nothing that could not be guessed.
        Value::String(text) if text.len() >= 4 => drop(texts.insert(text.clone())),
        Value::Array(list) => list.iter().for_each(|value| all_texts(value, texts)),
        Value::Object(map) => map.values().for_each(|value| all_texts(value, texts)),
        _ => {}
    }
}

fn conceal(value: &mut Value, secrets: &BTreeSet<String>) {
    match value {
        Value::String(text) if secrets.iter().any(|secret| text.contains(secret)) => *value = Value::from(SENSITIVE),
        Value::Array(list) => list.iter_mut().for_each(|value| conceal(value, secrets)),
        Value::Object(map) => map.values_mut().for_each(|value| conceal(value, secrets)),
        _ => {}
    }
}

fn shown_path(path: &[Value]) -> String {
    let mut text = String::new();
    for part in path {
        match part {
            Value::String(name) if text.is_empty() => text.push_str(name),
            Value::String(name) => text.push_str(&format!(".{name}")),
            index => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

#[cfg(test)]
mod tests;
