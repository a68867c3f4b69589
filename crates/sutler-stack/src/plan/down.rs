//! The plan that takes a stack down.

use serde_json::Value;

use super::make::removal;
use super::{Action, Plan, Step, Subject, removal_order};
use crate::names::STACK_LABEL;
use crate::observed::Observed;
use crate::outside::{Going, Steps};
use crate::stack::Stack;

/// How much goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The cluster goes with the stack.
    pub ends_cluster: bool,
    /// Volumes go too.
    pub delete_data: bool,
}

/// What `down` would do: every release with the stack's label, each before those it needs; then profiles, Secrets and
/// service accounts of the stack. Namespaces stay, since others may use them and volumes live in them. What controllers made outside is
/// parted from the cluster before, or goes after. A cluster in which others live does not go.
pub fn make(stack: &Stack, observed: &Observed, going: &Going, outside: Steps) -> Plan {
    let mut plan = Plan::empty(stack);
    plan.steps.extend(outside.before);
    let releases = observed.releases_of(&stack.name).map(|(_, release)| release).collect();
    plan.steps.extend(removal_order(releases).into_iter().map(removal));
    let ours = |object: &Value| {
        let label = object.pointer("/metadata/labels").and_then(|labels| labels.get(STACK_LABEL));
        label.and_then(Value::as_str) == Some(stack.name.as_str())
    };
    let mut remove = |subject| plan.steps.push(Step { subject, action: Action::Remove, details: Vec::new() });
    for (namespace, _) in observed.profiles.iter().filter(|(_, map)| ours(map)) {
        remove(Subject::RayProfile { namespace: namespace.clone() });
    }
    for ((namespace, name), _) in observed.secrets.iter().filter(|(_, secret)| ours(secret)) {
        remove(Subject::Secret { namespace: namespace.clone(), name: name.clone(), release: String::new() });
    }
    for (account, _) in observed.accounts.iter().filter(|(_, object)| ours(object)) {
        let (namespace, name) = (account.namespace.clone(), account.name.clone());
        remove(Subject::ServiceAccount { namespace, name, role: String::new() });
    }
    let others = observed.histories.iter().filter(|(_, history)| {
        history.last().is_some_and(|last| last.labels.get(STACK_LABEL).is_none_or(|label| *label != stack.name))
    });
    for ((namespace, name), _) in others {
        match going {
            Going::Cluster => plan
                .blocked
                .push(format!("release {namespace}/{name} is not this stack's, and would go with the cluster")),
            Going::Namespaces(_) => {
                plan.warnings.push(format!("release {namespace}/{name} is not this stack's and stays"))
            }
        }
    }
    plan.steps.extend(outside.after);
    plan.warnings.extend(outside.left);
    plan
}
