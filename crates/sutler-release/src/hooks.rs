//! Running a release's hooks, as Helm's `execHook`: one after the other by weight and name, each to its end.

use serde_json::Value;

use crate::apply::build;
use crate::cluster::{ApplyOptions, Propagation};
use crate::error::Error;
use crate::event::Event;
use crate::object::ObjectRef;
use crate::operation::Operation;
use crate::record::{DeletePolicy, Hook, HookEvent, HookExecution, HookPhase};
use crate::waiting::{Goal, wait};

/// Runs the hooks of a moment.
///
/// # Errors
/// [`Error::Hook`] for the first one that does not end well; those after it are not run.
pub(crate) async fn run(
    operation: &mut Operation<'_>,
    event: HookEvent,
    timeout: jiff::SignedDuration,
) -> Result<(), Error> {
    let order = in_order(&operation.record.hooks, &event);
    for (position, &index) in order.iter().enumerate() {
        let hook = operation.record.hooks[index].clone();
        delete(operation, &hook, &DeletePolicy::BeforeHookCreation, timeout).await?;
        let objects = build(operation.cluster, &hook.manifest, "hook", &operation.record.namespace).await?;
        let Some(object) = objects.first().map(ObjectRef::of) else { continue };
        set_run(operation, index, HookPhase::Running);
        operation.save().await?;
        operation.tell(Event::HookStarted { event: event.clone(), object: object.clone() });
        let outcome = run_one(operation, &objects, timeout).await;
        if let Err(lost @ Error::LeaseLost { .. }) = outcome {
            return Err(lost);
        }
        let succeeded = outcome.is_ok();
        set_run(operation, index, if succeeded { HookPhase::Succeeded } else { HookPhase::Failed });
        operation.tell(Event::HookFinished { event: event.clone(), object: object.clone(), succeeded });
        if let Err(source) = outcome {
            delete(operation, &hook, &DeletePolicy::HookFailed, timeout).await?;
            for &index in &order[..position] {
                let hook = operation.record.hooks[index].clone();
                delete(operation, &hook, &DeletePolicy::HookSucceeded, timeout).await?;
            }
            return Err(Error::Hook { event, object: Box::new(object), source: Box::new(source) });
        }
    }
    for &index in order.iter().rev() {
        let hook = operation.record.hooks[index].clone();
        delete(operation, &hook, &DeletePolicy::HookSucceeded, timeout).await?;
    }
    Ok(())
}

/// Which hooks run at a moment, in their order: by weight, then by name, then as they were rendered.
fn in_order(hooks: &[Hook], event: &HookEvent) -> Vec<usize> {
    let mut order: Vec<usize> = (0..hooks.len()).filter(|&index| hooks[index].events.contains(event)).collect();
    order.sort_by(|&a, &b| (hooks[a].weight, &hooks[a].name).cmp(&(hooks[b].weight, &hooks[b].name)));
    order
}

fn set_run(operation: &mut Operation<'_>, index: usize, phase: HookPhase) {
    let now = operation.cluster.world().now();
    let last_run = &mut operation.record.hooks[index].last_run;
    *last_run = match phase {
        HookPhase::Running => HookExecution { started_at: Some(now), completed_at: None, phase },
        _ => HookExecution { started_at: last_run.started_at, completed_at: Some(now), phase },
    };
}

async fn run_one(operation: &mut Operation<'_>, objects: &[Value], timeout: jiff::SignedDuration) -> Result<(), Error> {
    let mut live = Vec::new();
    for object in objects {
        let options = ApplyOptions::default();
        let written = if ObjectRef::of(object).name.is_empty() {
            operation.cluster.create(object, |_| false).await?
        } else {
            operation.cluster.apply(object, options).await?
        };
        live.push(written);
    }
    wait(operation, live, Goal::HookDone, timeout).await
}

/// Deletes a hook's objects if its policies say so at this moment, and waits until they are gone.
async fn delete(
    operation: &mut Operation<'_>,
    hook: &Hook,
    policy: &DeletePolicy,
    timeout: jiff::SignedDuration,
) -> Result<(), Error> {
    if !hook.is_deleted(policy) {
        return Ok(());
    }
    let objects = build(operation.cluster, &hook.manifest, "hook", &operation.record.namespace).await?;
    let mut going = Vec::new();
    for object in objects {
        let reference = ObjectRef::of(&object);
        if reference.name.is_empty() || !operation.cluster.delete(&reference, Propagation::Background).await? {
            continue;
        }
        if let Some(live) = operation.cluster.get(&reference).await? {
            going.push(live);
        }
    }
    wait(operation, going, Goal::Gone, timeout).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_run_by_weight_then_by_name() {
        let hook =
            |name: &str, weight, event| Hook { name: name.into(), weight, events: vec![event], ..Hook::default() };
        let hooks = [
            hook("c", 0, HookEvent::PreInstall),
            hook("b", 5, HookEvent::PreInstall),
            hook("a", 0, HookEvent::PreInstall),
            hook("d", -1, HookEvent::PreInstall),
            hook("e", -9, HookEvent::PostInstall),
        ];
        assert_eq!(in_order(&hooks, &HookEvent::PreInstall), [3, 2, 0, 1]);
    }
}
