//! What hangs below an object's path: status, scale, and the actions on pods, service accounts and namespaces.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use sutler_objects::selector::LabelSelector;

use super::{Call, body, change, read, scale};
use crate::key::{ObjectKey, resource};
use crate::machine::Machine;
use crate::request::Response;
use crate::status::{Cause, Refusal};
use crate::token;
use crate::write::{DeleteOptions, Ownership, Validation, Writer, time_text};

pub(super) fn answer(machine: &mut Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let subresource = call.target.subresource;
    if call.served.resource.subresource(subresource).is_none() {
        return Err(Refusal::no_such_resource());
    }
    let method = &call.request.method;
    match (call.served.stored_as.as_str(), subresource) {
        (_, "scale") => scale::answer(machine, call),
        (resource::PODS, "log") if method == Method::GET => log(machine, call),
        (resource::PODS, "binding") if method == Method::POST => {
            let binding = body::json(call.request)?;
            bind(machine, call, call.target.namespace, &binding)
        }
        (resource::PODS, "eviction") if method == Method::POST => evict(machine, call),
        (resource::SERVICE_ACCOUNTS, "token") if method == Method::POST => issue_token(machine, call),
        (_, "exec" | "attach" | "portforward" | "proxy") => Err(nothing_runs(call)),
        _ if method == Method::GET => read::get(machine, call),
        _ if method == Method::PUT => change::update(machine, call, subresource),
        _ if method == Method::PATCH => change::patch(machine, call, subresource),
        _ => Err(Refusal::method_not_allowed()),
    }
}

/// What needs a running container is refused, and says why.
fn nothing_runs(call: &Call<'_>) -> Refusal {
    let message = format!(
        "{} of {} \"{}\" is not possible: this cluster is simulated, no container runs in it",
        call.target.subresource, call.target.plural, call.target.name
    );
    Refusal::new(501, "NotImplemented", message)
}

/// The log of a container: one line that says that there is none.
fn log(machine: &Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let pod = read::stored(machine, call)?;
    let name = call.target.name;
    let lists = [&pod["spec"]["containers"], &pod["spec"]["initContainers"]];
    let names: Vec<&str> =
        lists.iter().filter_map(|list| list.as_array()).flatten().filter_map(|of| of["name"].as_str()).collect();
    let regular = pod["spec"]["containers"].as_array().map_or(0, Vec::len);
    let container = match call.request.query("container").filter(|container| !container.is_empty()) {
        Some(container) if names.contains(&container) => container,
        Some(container) => {
            return Err(Refusal::bad_request(format!("container {container} is not valid for pod {name}")));
        }
        None if regular == 1 => names[0],
        None => {
            return Err(Refusal::bad_request(format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                names.join(" ")
            )));
        }
    };
    if pod["spec"]["nodeName"].as_str().unwrap_or("").is_empty() {
        return Err(Refusal::bad_request(format!("pod {name} does not have a host assigned")));
    }
    let lists = [&pod["status"]["containerStatuses"], &pod["status"]["initContainerStatuses"]];
    let status = lists.iter().filter_map(|list| list.as_array()).flatten().find(|status| status["name"] == container);
    let state = status.map_or(&Value::Null, |status| &status["state"]);
    if state["running"].is_null() && state["terminated"].is_null() {
        let reason = state["waiting"]["reason"].as_str().unwrap_or("ContainerCreating");
        return Err(Refusal::bad_request(format!(
            "container \"{container}\" in pod \"{name}\" is waiting to start: {reason}"
        )));
    }
    Ok(Response::text(format!(
        "simulated: no container runs in this cluster, so container \"{container}\" of pod \"{name}\" writes no log\n"
    )))
}

/// Binds a pod to a node, as the scheduler does.
pub(super) fn bind(
    machine: &mut Machine,
    call: &Call<'_>,
    namespace: &str,
    binding: &Value,
) -> Result<Response, Refusal> {
    let writer = body::writer(call, "")?;
    let name =
        if call.target.name.is_empty() { binding["metadata"]["name"].as_str().unwrap_or("") } else { call.target.name };
    let node = binding["target"]["name"].as_str().unwrap_or("");
    if node.is_empty() {
        let cause =
            Cause { reason: "FieldValueRequired", message: "Required value".into(), field: "target.name".into() };
        return Err(Refusal::invalid("", "Binding", name, &[cause]));
    }
    let key = ObjectKey::new(resource::PODS, namespace, name);
    let served = machine.served_at(&key)?;
    let Some(pod) = machine.kept.objects.at(&key).cloned() else { return Err(Refusal::not_found("pods", name)) };
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        return Err(Refusal::conflict(
            "pods/binding",
            name,
            &format!("pod {name} is being deleted, cannot be assigned to a host"),
        ));
    }
    let bound = pod["spec"]["nodeName"].as_str().unwrap_or("");
    if !bound.is_empty() {
        let because = format!("pod {name} is already assigned to node \"{bound}\"");
        return Err(Refusal::conflict("pods/binding", name, &because));
    }
    let mut changed = Value::clone(&pod);
    changed["spec"]["nodeName"] = json!(node);
    let writer = Writer { trusted: true, ..writer };
    machine.update(&served, &key, changed, writer, Ownership::Track, &mut Vec::new())?;
    Ok(Response::object(
        201,
        Arc::new(json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
        })),
    ))
}

/// Deletes a pod if the disruption budgets allow it.
fn evict(machine: &mut Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let eviction = body::json(call.request)?;
    let options = &eviction["deleteOptions"];
    let pod = read::stored(machine, call)?.clone();
    let key = call.served.key(call.target.namespace, call.target.name);
    let delete = DeleteOptions {
        grace_seconds: options["gracePeriodSeconds"].as_i64().map(|seconds| u64::try_from(seconds).unwrap_or(1)),
        dry_run: options["dryRun"].as_array().is_some_and(|values| values.iter().any(|value| value == "All"))
            || call.request.query("dryRun") == Some("All"),
        ..DeleteOptions::default()
    };
    let guarded = !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed" | "Pending"))
        && pod["metadata"]["deletionTimestamp"].is_null();
    if guarded {
        spend_budget(machine, call.target.namespace, &pod, delete.dry_run)?;
    }
    machine.delete(&call.served, &key, &delete)?;
    Ok(Response::object(
        201,
        Arc::new(json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
        })),
    ))
}

/// Takes one disruption off the budget that covers a pod, or refuses.
fn spend_budget(machine: &mut Machine, namespace: &str, pod: &Value, dry_run: bool) -> Result<(), Refusal> {
    let covers = |budget: &Value| matches!(LabelSelector::from_object(&budget["spec"]["selector"]), Ok(Some(selector)) if selector.selects(pod));
    let budgets: Vec<Arc<Value>> = machine
        .kept
        .objects
        .list_in(resource::POD_DISRUPTION_BUDGETS, namespace)
        .map(|(_, budget)| budget.clone())
        .filter(|budget| covers(budget))
        .collect();
    let budget = match budgets.as_slice() {
        [] => return Ok(()),
        [budget] => budget,
        _ => {
            return Err(Refusal::internal(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
    };
    let allowed = budget["status"]["disruptionsAllowed"].as_i64().unwrap_or(0);
    if allowed <= 0 {
        let name = budget["metadata"]["name"].as_str().unwrap_or("");
        let mut refusal =
            Refusal::too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.");
        let number = |field: &str| budget["status"][field].as_i64().unwrap_or(0);
        let message = format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            number("desiredHealthy"),
            number("currentHealthy")
        );
        refusal.details.insert("causes".into(), json!([{"reason": "DisruptionBudget", "message": message}]));
        return Err(refusal);
    }
    let mut changed = Value::clone(budget);
    changed["status"]["disruptionsAllowed"] = json!(allowed - 1);
    let key = ObjectKey::of(resource::POD_DISRUPTION_BUDGETS, budget);
    let served = machine.served_at(&key)?;
    let writer = Writer {
        manager: "kube-apiserver",
        subresource: "status",
        dry_run,
        trusted: true,
        validation: Validation::Ignore,
    };
    machine.update(&served, &key, changed, writer, Ownership::Track, &mut Vec::new())?;
    Ok(())
}

/// A token for a service account, as `kubectl create token` asks for it.
fn issue_token(machine: &mut Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let account = read::stored(machine, call)?.clone();
    let mut request = body::json(call.request)?;
    if !request.is_object() {
        return Err(Refusal::bad_request("the body of the request is not a JSON object"));
    }
    let (namespace, name) = (call.target.namespace, call.target.name);
    let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or(3_600);
    if !(600..=1 << 32).contains(&seconds) {
        let cause = Cause {
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {seconds}: may not specify a duration less than 10 minutes"),
            field: "spec.expirationSeconds".into(),
        };
        return Err(Refusal::invalid("authentication.k8s.io", "TokenRequest", "", &[cause]));
    }
    let audiences = match &request["spec"]["audiences"] {
        Value::Array(audiences) if !audiences.is_empty() => json!(audiences),
        _ => json!([token::ISSUER]),
    };
    let now = machine.clock();
    let expires = now.as_second() + seconds;
    let claims = json!({
        "aud": audiences, "exp": expires, "iat": now.as_second(), "nbf": now.as_second(), "iss": token::ISSUER,
        "jti": machine.kept.random.uid(),
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": account["metadata"]["uid"]}},
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
    });
    let text = jiff::Timestamp::from_second(expires).map(time_text).unwrap_or_default();
    let spec = json!({
        "audiences": audiences, "expirationSeconds": seconds,
        "boundObjectRef": request["spec"].get("boundObjectRef").cloned().unwrap_or(Value::Null),
    });
    request["apiVersion"] = json!("authentication.k8s.io/v1");
    request["kind"] = json!("TokenRequest");
    request["metadata"] = json!({"name": name, "namespace": namespace, "creationTimestamp": time_text(now)});
    request["spec"] = spec;
    request["status"] = json!({"token": token::write(&claims, machine.kept.seed), "expirationTimestamp": text});
    Ok(Response::object(201, Arc::new(request)))
}
