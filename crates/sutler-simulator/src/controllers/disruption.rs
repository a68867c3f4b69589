//! PodDisruptionBudget: how many pods may go, as Kubernetes' disruption controller counts them.

use serde_json::{Value, json};
use sutler_objects::selector::LabelSelector;

use crate::controllers::conditions::{self, Condition};
use crate::controllers::{Change, Controller, Effects, Queue, pods};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// Keeps the status of PodDisruptionBudgets.
pub(crate) struct Budgets;

impl Controller for Budgets {
    fn name(&self) -> &'static str {
        "disruption-controller"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        if change.is(resource::POD_DISRUPTION_BUDGETS) && change.new.is_some() {
            queue.push(change.key.clone());
        }
        if change.is(resource::PODS) {
            for budget in view.list_in(resource::POD_DISRUPTION_BUDGETS, &change.key.namespace) {
                let selected = |pod: &Value| selector(budget).is_some_and(|selector| selector.selects(pod));
                if change.old.as_deref().is_some_and(selected) || change.new.as_deref().is_some_and(selected) {
                    queue.push(ObjectKey::of(resource::POD_DISRUPTION_BUDGETS, budget));
                }
            }
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(budget) = view.object(key) else { return };
        let all: Vec<&Value> = match selector(budget) {
            None => Vec::new(),
            Some(selector) => view
                .list_in(resource::PODS, &key.namespace)
                .filter(|pod| selector.selects(pod) && pods::is_active(pod))
                .collect(),
        };
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let healthy = count(all.iter().filter(|pod| pods::is_ready(pod)).count());
        let spec = &budget["spec"];
        let (expected, desired) = if spec["maxUnavailable"].is_null() {
            let minimum = &spec["minAvailable"];
            // A number is meant as it is; of a share it must be known of what.
            let expected = if minimum.is_string() { expected(view, &all) } else { count(all.len()) };
            (expected, pods::share(minimum, expected, true, "1"))
        } else {
            let expected = expected(view, &all);
            (expected, (expected - pods::share(&spec["maxUnavailable"], expected, true, "0")).max(0))
        };
        let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
        let mut status = json!({
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "disruptionsAllowed": allowed,
            "observedGeneration": budget["metadata"]["generation"],
        });
        let mut list = budget["status"]["conditions"].clone();
        let reason = if allowed > 0 { "SufficientPods" } else { "InsufficientPods" };
        let condition = Condition { kind: "DisruptionAllowed", status: allowed > 0, reason, message: "" };
        conditions::set(&mut list, &condition, view.now());
        if let Some(condition) = list.as_array_mut().and_then(|list| list.first_mut()) {
            condition["message"] = json!("");
            condition["observedGeneration"] = budget["metadata"]["generation"].clone();
        }
        status["conditions"] = list;
        effects.replace_status(json!({
            "apiVersion": budget["apiVersion"],
            "kind": budget["kind"],
            "metadata": budget["metadata"],
            "status": status,
        }));
    }
}

fn selector(budget: &Value) -> Option<LabelSelector> {
    LabelSelector::from_object(&budget["spec"]["selector"]).ok().flatten()
}

/// How many pods their controllers want in all.
fn expected(view: &View<'_>, all: &[&Value]) -> i64 {
    let mut controllers: Vec<(&str, i64)> = Vec::new();
    for pod in all {
        let Some((_, _, uid)) = pods::controller(pod) else { continue };
        if controllers.iter().any(|(known, _)| *known == uid) {
            continue;
        }
        let Some((_, owner)) = view.by_uid(uid) else { continue };
        controllers.push((uid, owner["spec"]["replicas"].as_i64().unwrap_or(1)));
    }
    controllers.into_iter().map(|(_, replicas)| replicas).sum()
}
