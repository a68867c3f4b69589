//! Terraform's plans and progress as text.

use std::collections::BTreeSet;

use serde_json::Value;
use sutler_infra::plan::{Action, Change, Plan};
use sutler_infra::progress::{Event, Severity};

/// How many keys of a kind are told by name.
const MOST_KEYS: usize = 6;

/// A plan: its changes, and how many they are.
pub(crate) fn plan(plan: &Plan) -> String {
    let mut text = changes(plan);
    let (add, changed, remove) = plan.counts();
    text.push_str(&match (plan.changes.is_empty(), plan.outputs.is_empty()) {
        (true, true) => "nothing to do\n".to_owned(),
        (true, false) => format!("outputs change: {}\n", plan.outputs.join(", ")),
        _ => format!("{add} to make, {changed} to change, {remove} to remove\n"),
    });
    text
}

/// As [`changes`], with one line for all of a kind that are made, or go: by their keys.
pub(crate) fn brief(plan: &Plan) -> String {
    let mut kinds: Vec<(Action, &str, Vec<&str>)> = Vec::new();
    let mut others = plan.clone();
    others.changes.retain(|change| !matches!(change.action, Action::Create | Action::Delete));
    for change in plan.changes.iter().filter(|change| matches!(change.action, Action::Create | Action::Delete)) {
        let address = short(&change.address);
        // A key may have brackets of its own; a resource's name has none.
        let (kind, key) = address.split_once('[').unwrap_or((address, ""));
        let key = key.trim_end_matches(']').trim_matches('"');
        match kinds.iter_mut().find(|(action, known, _)| (*action, *known) == (change.action, kind)) {
            Some((_, _, keys)) => keys.push(key),
            None => kinds.push((change.action, kind, vec![key])),
        }
    }
    let mut text = changes(&others);
    for (action, kind, keys) in kinds {
        let keys = match keys.as_slice() {
            ["" | "0"] => String::new(),
            [key] => format!("   {key}"),
            keys if keys.len() > MOST_KEYS => format!("   {}", keys.len()),
            keys => format!("   {}", keys.join(", ")),
        };
        text.push_str(&format!("{} {kind}{keys}\n", sign(action)));
    }
    text
}

/// A line a resource, and below what is changed or replaced the arguments that differ.
pub(crate) fn changes(plan: &Plan) -> String {
    let mut text = String::new();
    // Terraform finds something after every apply, such as an empty map where there was none: what counts is what the plan undoes.
    let is_undone = |drift: &&Change| plan.changes.iter().any(|change| change.address == drift.address);
    for drift in plan.drift.iter().filter(is_undone) {
        text.push_str(&format!("! {}   is not as it was left\n", short(&drift.address)));
    }
    for change in &plan.changes {
        let reason = match change.replace_because.is_empty() {
            true => String::new(),
            false => format!(" because of {}", change.replace_because.join(", ")),
        };
        text.push_str(&format!("{} {}   {}{reason}\n", sign(change.action), short(&change.address), change.action));
        if matches!(change.action, Action::Update | Action::Replace) {
            text.push_str(&arguments(change));
        }
    }
    text
}

fn arguments(change: &Change) -> String {
    let mut text = String::new();
    for (name, before, after) in change.arguments() {
        differences(name, before, after, 0, &mut text);
    }
    text
}

/// The innermost values that differ: `scaling_config[0].max_size: 8 → 20`. A document within a text (a policy) is looked into.
fn differences(path: &str, before: &Value, after: &Value, depth: usize, text: &mut String) {
    // Deeper than any provider's arguments: shown whole.
    let is_deep = depth > 16;
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(one), Value::Object(other)) if !is_deep => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                differences(&format!("{path}.{name}"), &before[name], &after[name], depth + 1, text);
            }
        }
        (Value::Array(one), Value::Array(other)) if !is_deep && one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differences(&format!("{path}[{index}]"), one, other, depth + 1, text);
            }
        }
        (Value::String(one), Value::String(other)) if !is_deep && is_document(one) && is_document(other) => {
            let read = |text: &str| serde_json::from_str::<Value>(text).ok();
            match (read(one), read(other)) {
                (Some(one), Some(other)) => differences(path, &one, &other, depth + 1, text),
                _ => text.push_str(&format!("    {path}: {} → {}\n", cut(before), cut(after))),
            }
        }
        _ => text.push_str(&format!("    {path}: {} → {}\n", cut(before), cut(after))),
    }
}

fn is_document(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// A value on a line; long ones end in dots.
fn cut(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn sign(action: Action) -> &'static str {
    match action {
        Action::Create | Action::Import => "+",
        Action::Update | Action::Move => "~",
        Action::Replace => "±",
        Action::Delete | Action::Forget => "-",
        Action::Read | Action::NoOp => " ",
    }
}

/// An address without the module that holds all of them.
pub(crate) fn short(address: &str) -> &str {
    address.strip_prefix("module.cluster.").unwrap_or(address)
}

/// A warning; errors come with the failure.
pub(crate) fn warning(event: &Event) -> Option<String> {
    match event {
        Event::Told(told) if told.severity == Severity::Warning => Some(format!("warning: {}", told.summary)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_by_its_innermost_values() {
        let mut text = String::new();
        let scaling = |most: u32| serde_json::json!([{"min_size": 0, "max_size": most}]);
        differences("scaling_config", &scaling(8), &scaling(20), 0, &mut text);
        let policy =
            |actions: &[&str]| Value::from(serde_json::json!({"Statement": [{"Action": actions}]}).to_string());
        differences("policy", &policy(&["s3:GetObject"]), &policy(&["s3:GetObject", "s3:PutObject"]), 0, &mut text);
        differences("name", &Value::from("{a"), &Value::from("{b"), 0, &mut text);
        assert_eq!(
            text,
            "    scaling_config[0].max_size: 8 → 20\n    policy.Statement[0].Action: [\"s3:GetObject\"] → \
             [\"s3:GetObject\",\"s3:PutObject\"]\n    name: \"{a\" → \"{b\"\n"
        );
    }

    #[test]
    fn what_is_made_together_shares_a_line() {
        let change = |address: &str, action| Change {
            address: format!("module.cluster.{address}"),
            resource_type: String::new(),
            action,
            before: Value::Null,
            after: Value::Null,
            replace_because: Vec::new(),
        };
        let tags = (0..7).map(|number| change(&format!("aws_tag.this[\"{number} a[b]\"]"), Action::Create));
        let mut changes = vec![
            change("aws_vpc.this[0]", Action::Create),
            change("aws_subnet.private[\"us-west-2a\"]", Action::Create),
            change("aws_subnet.private[\"us-west-2b\"]", Action::Create),
            change("aws_eks_node_group.this[\"ray\"]", Action::Update),
            change("aws_role.pod[\"Old\"]", Action::Delete),
        ];
        changes.extend(tags);
        let plan = Plan {
            format_version: "1.2".into(),
            terraform_version: "1.11.4".into(),
            changes,
            drift: Vec::new(),
            outputs: Vec::new(),
        };
        assert_eq!(
            brief(&plan),
            "~ aws_eks_node_group.this[\"ray\"]   update\n+ aws_vpc.this\n+ aws_subnet.private   us-west-2a, us-west-2b\n\
             - aws_role.pod   Old\n+ aws_tag.this   7\n"
        );
    }
}
