//! Objects in another version of their API: events of both groups, autoscalers of both versions, versions of custom resources.

use std::borrow::Cow;

use serde_json::{Value, json};

/// `object` as `api_version`; as it is when it has that version already.
pub(crate) fn to_version<'a>(object: &'a Value, api_version: &str) -> Cow<'a, Value> {
    let from = object["apiVersion"].as_str().unwrap_or("");
    if from == api_version || from.is_empty() {
        return Cow::Borrowed(object);
    }
    let mut converted = match (object["kind"].as_str().unwrap_or(""), from, api_version) {
        ("Event", "v1", "events.k8s.io/v1") => renamed(object, CORE_TO_EVENTS),
        ("Event", "events.k8s.io/v1", "v1") => renamed(object, EVENTS_TO_CORE),
        ("HorizontalPodAutoscaler", "autoscaling/v1", "autoscaling/v2") => autoscaler_to_v2(object),
        ("HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1") => autoscaler_to_v1(object),
        // As a CustomResourceDefinition without a webhook: nothing but the version changes.
        _ => object.clone(),
    };
    converted["apiVersion"] = json!(api_version);
    Cow::Owned(converted)
}

/// Field of `v1` and of `events.k8s.io/v1`, where they differ.
const CORE_TO_EVENTS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];
const EVENTS_TO_CORE: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
    ("reportingController", "reportingComponent"),
];

fn renamed(object: &Value, names: &[(&str, &str)]) -> Value {
    let fields = object.as_object().into_iter().flatten().map(|(name, value)| {
        let name = names.iter().find(|(from, _)| from == name).map_or(name.as_str(), |(_, to)| *to);
        (name.to_string(), value.clone())
    });
    Value::Object(fields.collect())
}

/// The one CPU target of `autoscaling/v1` becomes a metric; what v1 kept of the newer fields in annotations stays there.
fn autoscaler_to_v2(object: &Value) -> Value {
    let mut converted = object.clone();
    if let Some(target) = take(&mut converted, "spec", "targetCPUUtilizationPercentage") {
        converted["spec"]["metrics"] = json!([{"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": target},
        }}]);
    }
    if let Some(current) = take(&mut converted, "status", "currentCPUUtilizationPercentage") {
        converted["status"]["currentMetrics"] = json!([{"type": "Resource", "resource": {
            "name": "cpu", "current": {"averageUtilization": current},
        }}]);
    }
    converted
}

fn autoscaler_to_v1(object: &Value) -> Value {
    let mut converted = object.clone();
    let cpu = |metrics: Option<Value>, side: &str| {
        metrics.as_ref().and_then(Value::as_array).into_iter().flatten().find_map(|metric| {
            let resource = &metric["resource"];
            (resource["name"] == "cpu")
                .then(|| resource[side]["averageUtilization"].clone())
                .filter(|value| !value.is_null())
        })
    };
    if let Some(target) = cpu(take(&mut converted, "spec", "metrics"), "target") {
        converted["spec"]["targetCPUUtilizationPercentage"] = target;
    }
    take(&mut converted, "spec", "behavior");
    if let Some(current) = cpu(take(&mut converted, "status", "currentMetrics"), "current") {
        converted["status"]["currentCPUUtilizationPercentage"] = current;
    }
    take(&mut converted, "status", "conditions");
    converted
}

fn take(object: &mut Value, part: &str, field: &str) -> Option<Value> {
    object.get_mut(part)?.as_object_mut()?.remove(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(object: Value, version: &str, expected: Value) {
        let there = to_version(&object, version).into_owned();
        assert_eq!(there, expected);
        assert_eq!(to_version(&there, object["apiVersion"].as_str().unwrap()).into_owned(), object);
    }

    #[test]
    fn an_event_has_other_names_in_its_own_group() {
        check(
            json!({"apiVersion": "v1", "kind": "Event", "involvedObject": {"name": "x"}, "message": "m", "count": 2}),
            "events.k8s.io/v1",
            json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "regarding": {"name": "x"}, "note": "m", "deprecatedCount": 2}),
        );
    }

    #[test]
    fn the_cpu_target_of_an_autoscaler_is_a_metric_in_v2() {
        check(
            json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 80}}),
            "autoscaling/v2",
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {"maxReplicas": 3, "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]}}),
        );
    }
}
