//! Terraform's changes in a plan: one plan of both, where what Terraform makes is known only once it is there.

use sutler_infra::plan::{Action, Plan as InfraPlan};

use super::{Plan, Subject};
use crate::stack::Stack;

/// The plan with Terraform's in it. A service account whose role is made by it shows no ARN: Terraform's outputs will have it.
pub fn with_infra(mut plan: Plan, stack: &Stack, infra: InfraPlan) -> Plan {
    let created: Vec<&str> = infra
        .changes
        .iter()
        .filter(|change| change.action == Action::Create && change.resource_type == "aws_iam_role")
        .filter_map(|change| change.after["name"].as_str())
        .collect();
    for step in &mut plan.steps {
        let Subject::ServiceAccount { role, .. } = &step.subject else { continue };
        let Some(role) = stack.roles.get(role).filter(|role| created.contains(&role.name.as_str())) else { continue };
        let by = if stack.annotated_arn(role).is_some() { "" } else { " by EKS Pod Identity" };
        step.details = vec![format!("takes {} (ARN known after apply){by}", role.name)];
    }
    plan.infra = Some(infra);
    plan
}

/// Whether two plans do the same to the same things, whatever details they show.
pub fn do_the_same(one: &Plan, other: &Plan) -> bool {
    let gist = |plan: &Plan| -> Vec<(&'static str, String, super::Action)> {
        let changed = plan.steps.iter().filter(|step| step.action != super::Action::Unchanged);
        changed.map(|step| (step.subject.word(), step.subject.name(), step.action)).collect()
    };
    gist(one) == gist(other)
}
