//! A plan as text.

use sutler_stack::plan::{Action, Plan, Subject};

use super::{column, count, dollars, header};
use crate::arguments::StackArguments;

/// The plan, whole.
pub(crate) fn text(plan: &Plan, up: &str) -> String {
    let mut text = format!("{}\n{}", header(plan), changes(plan));
    for skipped in &plan.skipped {
        let needed = match skipped.needed_by.is_empty() {
            true => String::new(),
            false => format!(" (counts as ready for {})", skipped.needed_by.join(", ")),
        };
        text.push_str(&format!(
            "  {}  {}not in environment {}{needed}\n",
            column("skipped", 11),
            column(&skipped.release, 24),
            plan.environment
        ));
    }
    text.push('\n');
    if let Some(cost) = &plan.cost {
        text.push_str(&format!(
            "  at most {} an hour, idle floor {} (estimate, prices as of {})\n",
            dollars(cost.at_most),
            dollars(cost.idle),
            cost.prices_as_of
        ));
    }
    for warning in &plan.warnings {
        text.push_str(&format!("  warning: {warning}\n"));
    }
    for reason in &plan.blocked {
        text.push_str(&format!("  cannot be applied now: {reason}\n"));
    }
    text.push('\n');
    if plan.has_changes() {
        let infra = plan.infra.as_ref().map_or(0, |infra| infra.changes.len());
        let changes = infra + plan.steps.len() - plan.count(Action::Unchanged);
        text.push_str(&format!("{}.   Apply: {up}\n", count(changes, "change")));
    } else {
        text.push_str("Nothing to do: the cluster is as the file says.\n");
    }
    text
}

/// What changes: pins, what Terraform does, steps.
pub(crate) fn changes(plan: &Plan) -> String {
    let infra = plan.infra.as_ref().map(infra).unwrap_or_default();
    format!("{}{infra}{}{}", super::pins::changes(&plan.pins), moves(plan), steps(plan))
}

/// Roles whose pods move, each with what is done in which order.
fn moves(plan: &Plan) -> String {
    let mut text = String::new();
    for one in &plan.moves {
        let name = column(&one.name, 24);
        text.push_str(&format!(
            "  {}~ {name}{} -> {}: no pod loses it meanwhile\n",
            column("move", 11),
            one.from,
            one.to
        ));
        for (index, step) in one.steps().iter().enumerate() {
            text.push_str(&format!("  {}    {}. {step}\n", column("", 11), index + 1));
        }
    }
    text
}

/// What Terraform does: how much, and a line a resource; those of one kind that are made or go together share one.
pub(crate) fn infra(infra: &sutler_infra::plan::Plan) -> String {
    let (add, change, remove) = infra.counts();
    let mut text = match infra.changes.is_empty() {
        true => format!("  {}= network, cluster, pools and roles\n", column("infra", 11)),
        false => {
            format!("  {}+ {add} to add   ~ {change} to change   - {remove} to remove\n", column("infra", 11))
        }
    };
    for line in super::infra::brief(infra).lines() {
        text.push_str(&format!("  {}{line}\n", column("", 11)));
    }
    text
}

/// Its steps, those without change summed up in the end.
pub(crate) fn steps(plan: &Plan) -> String {
    let mut text = String::new();
    for step in plan.steps.iter().filter(|step| step.action != Action::Unchanged) {
        let name = match &step.subject {
            Subject::Release { name, namespace, chart, revision, .. } => {
                let revision = match (revision, step.action) {
                    (Some(revision), Action::Change | Action::Finish) => {
                        format!("   revision {revision} -> {}", revision + 1)
                    }
                    _ => String::new(),
                };
                format!("{}{namespace}   {chart}{revision}", column(name, 24))
            }
            Subject::LoadBalancer { .. }
            | Subject::ServiceAccount { .. }
            | Subject::Volume { .. }
            | Subject::Cluster { .. }
            | Subject::Pool { .. }
            | Subject::Role { .. } => column(&step.subject.name(), 24),
            _ => step.subject.name(),
        };
        let line = format!("  {}{} {name}", column(step.subject.word(), 11), step.action.sign());
        let one_line = matches!(step.details.as_slice(), [_]) && !matches!(step.subject, Subject::Release { .. });
        match one_line {
            true => text.push_str(&format!("{line}  {}\n", step.details[0])),
            false => {
                text.push_str(&format!("{}\n", line.trim_end()));
                for detail in &step.details {
                    text.push_str(&format!("  {}    {detail}\n", column("", 11)));
                }
            }
        }
    }
    let unchanged: Vec<String> = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Unchanged && matches!(step.subject, Subject::Release { .. }))
        .map(|step| step.subject.name())
        .collect();
    if !unchanged.is_empty() {
        text.push_str(&format!("  {}= {}\n", column("release", 11), unchanged.join(", ")));
    }
    text
}

/// The `up` that would apply a plan made with these arguments.
pub(crate) fn up_command(arguments: &StackArguments) -> String {
    format!("sutler up{}", rest_of_command(arguments))
}

/// The arguments that name the same stack again, with a space in front.
pub(crate) fn rest_of_command(arguments: &StackArguments) -> String {
    let mut rest = String::new();
    if let Some(path) = &arguments.path {
        rest.push_str(&format!(" {}", path.display()));
    }
    if let Some(file) = &arguments.file {
        rest.push_str(&format!(" -f {}", file.display()));
    }
    if let Some(environment) = &arguments.environment {
        rest.push_str(&format!(" -e {environment}"));
    }
    rest
}
