//! Terraform's plans and progress as text.

use serde_json::Value;
use sutler_infra::plan::{Action, Change, Plan};
use sutler_infra::progress::{Event, Severity};

/// A plan: a line a resource, and below what is changed or replaced the arguments that differ.
pub(crate) fn plan(plan: &Plan) -> String {
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
    let (add, changed, remove) = plan.counts();
    text.push_str(&match (plan.changes.is_empty(), plan.outputs.is_empty()) {
        (true, true) => "nothing to do\n".to_owned(),
        (true, false) => format!("outputs change: {}\n", plan.outputs.join(", ")),
        _ => format!("{add} to make, {changed} to change, {remove} to remove\n"),
    });
    text
}

fn arguments(change: &Change) -> String {
    let line =
        |(name, before, after): (&str, &Value, &Value)| format!("    {name}: {} → {}\n", cut(before), cut(after));
    change.arguments().into_iter().map(line).collect()
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
fn short(address: &str) -> &str {
    address.strip_prefix("module.cluster.").unwrap_or(address)
}

/// What is told while Terraform works.
pub(crate) fn progress(event: &Event) -> Option<String> {
    match event {
        Event::Started { address, action } => Some(format!("  {}   {action} …", short(address))),
        Event::Working { address, action, seconds } if seconds % 60 == 0 => {
            Some(format!("  {}   {action} for {} min", short(address), seconds / 60))
        }
        Event::Done { address, action, seconds, .. } => {
            Some(format!("  {}   {action} done{}", short(address), after(*seconds)))
        }
        Event::Failed { address, action, seconds } => {
            Some(format!("  {}   {action} failed{}", short(address), after(*seconds)))
        }
        Event::Summary { add, change, remove, .. } => Some(format!("{add} made, {change} changed, {remove} removed")),
        other => warning(other),
    }
}

/// A warning; errors come with the failure.
pub(crate) fn warning(event: &Event) -> Option<String> {
    match event {
        Event::Told(told) if told.severity == Severity::Warning => Some(format!("warning: {}", told.summary)),
        _ => None,
    }
}

fn after(seconds: u64) -> String {
    if seconds == 0 { String::new() } else { format!(" after {seconds} s") }
}
