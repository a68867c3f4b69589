//! Columns: how one is made, and which ones each built-in kind has, as the API server prints them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, custom, pods, services, storage, workloads};
use crate::key::resource;

/// One column: how it is announced, and what is in it.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// `string`, `integer`, `boolean`, `date`, `number`.
    pub(crate) kind: String,
    /// `name` for the column that names the object.
    pub(crate) format: String,
    pub(crate) description: String,
    /// 0 is always shown, others only with `-o wide`.
    pub(crate) priority: i64,
    pub(crate) value: Cell,
}

/// What is in a column.
#[derive(Clone)]
pub(crate) enum Cell {
    /// Computed from an object at a time.
    Of(fn(&Value, Timestamp) -> Value),
    /// The value at a JSON path of a custom resource's definition.
    Path(custom::JsonPath),
    /// The same, a time, shown as the span since.
    Since(custom::JsonPath),
}

impl Column {
    pub(crate) fn cell(&self, object: &Value, now: Timestamp) -> Value {
        match &self.value {
            Cell::Of(value) => value(object, now),
            Cell::Path(path) => path.cell(object, &self.kind),
            Cell::Since(path) => path.first(object).map_or(Value::Null, |then| json!(age::since(then, now))),
        }
    }

    pub(crate) fn definition(&self) -> Value {
        json!({
            "name": self.name, "type": self.kind, "format": self.format, "description": self.description,
            "priority": self.priority,
        })
    }

    /// The same column, shown only with `-o wide`.
    pub(super) fn wide(self) -> Self {
        Self { priority: 1, ..self }
    }
}

/// A column of text.
pub(super) fn text(name: &str, value: fn(&Value, Timestamp) -> Value) -> Column {
    Column {
        name: name.into(),
        kind: "string".into(),
        format: String::new(),
        description: String::new(),
        priority: 0,
        value: Cell::Of(value),
    }
}

/// A column of whole numbers.
pub(super) fn integer(name: &str, value: fn(&Value, Timestamp) -> Value) -> Column {
    Column { kind: "integer".into(), ..text(name, value) }
}

/// A column of truth values.
pub(super) fn boolean(name: &str, value: fn(&Value, Timestamp) -> Value) -> Column {
    Column { kind: "boolean".into(), ..text(name, value) }
}

/// The column that names the object.
pub(super) fn name() -> Column {
    Column { format: "name".into(), ..text("Name", |object, _| object["metadata"]["name"].clone()) }
}

/// The column that says how old the object is.
pub(super) fn age() -> Column {
    text("Age", |object, now| json!(age::since(&object["metadata"]["creationTimestamp"], now)))
}

/// The text at a JSON pointer; empty when there is none.
pub(super) fn at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// The text at a JSON pointer, or another when it is empty.
pub(super) fn at_or<'a>(object: &'a Value, pointer: &str, otherwise: &'a str) -> &'a str {
    match at(object, pointer) {
        "" => otherwise,
        found => found,
    }
}

/// The whole number at a JSON pointer; 0 when there is none.
pub(super) fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// The elements of the list at a JSON pointer.
pub(super) fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// How many entries the map or list at a JSON pointer has.
pub(super) fn size(object: &Value, pointer: &str) -> i64 {
    match object.pointer(pointer) {
        Some(Value::Object(fields)) => fields.len() as i64,
        Some(Value::Array(items)) => items.len() as i64,
        _ => 0,
    }
}

/// Labels as `a=b,c=d`; `<none>` when there are none.
pub(super) fn labels(object: &Value, pointer: &str) -> String {
    let fields = object.pointer(pointer).and_then(Value::as_object);
    let pairs: Vec<String> =
        fields.into_iter().flatten().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
    if pairs.is_empty() { "<none>".into() } else { pairs.join(",") }
}

/// A label selector as text; `<none>` when it selects by nothing.
pub(super) fn selector(object: &Value, pointer: &str) -> String {
    let selector = object.pointer(pointer).unwrap_or(&Value::Null);
    let has_parts = selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
    let text = if has_parts { crate::api::selector_text(selector) } else { String::new() };
    if text.is_empty() { "<none>".into() } else { text }
}

/// The first three of some texts, and how many more there are, as the API server shortens lists.
pub(super) fn first_three(texts: &[String]) -> String {
    match texts.len() {
        0 => "<none>".into(),
        1..=3 => texts.join(","),
        many => format!("{} + {} more...", texts[..3].join(","), many - 3),
    }
}

/// The columns of a resource, by the GroupResource text it is stored under.
pub(crate) fn of(stored_as: &str) -> Vec<Column> {
    let (named, aged) = (name, age);
    match stored_as {
        resource::PODS => pods::columns(),
        resource::NODES => pods::node_columns(),
        resource::DEPLOYMENTS => workloads::deployments(),
        resource::REPLICA_SETS | "replicationcontrollers" => workloads::replica_sets(),
        resource::STATEFUL_SETS => workloads::stateful_sets(),
        resource::DAEMON_SETS => workloads::daemon_sets(),
        resource::JOBS => workloads::jobs(),
        resource::CRON_JOBS => workloads::cron_jobs(),
        resource::POD_DISRUPTION_BUDGETS => workloads::disruption_budgets(),
        "horizontalpodautoscalers.autoscaling" => workloads::autoscalers(),
        resource::CONTROLLER_REVISIONS => workloads::revisions(),
        resource::SERVICES => services::services(),
        resource::ENDPOINTS => services::endpoints(),
        resource::ENDPOINT_SLICES => services::endpoint_slices(),
        "ingresses.networking.k8s.io" => services::ingresses(),
        "ingressclasses.networking.k8s.io" => services::ingress_classes(),
        "networkpolicies.networking.k8s.io" => services::network_policies(),
        resource::PERSISTENT_VOLUMES => storage::volumes(),
        resource::PERSISTENT_VOLUME_CLAIMS => storage::claims(),
        resource::STORAGE_CLASSES => storage::classes(),
        resource::NAMESPACES => vec![named(), text("Status", |o, _| json!(at(o, "/status/phase"))), aged()],
        resource::CONFIG_MAPS => {
            vec![named(), text("Data", |o, _| json!(size(o, "/data") + size(o, "/binaryData"))), aged()]
        }
        resource::SECRETS => vec![
            named(),
            text("Type", |o, _| json!(at(o, "/type"))),
            text("Data", |o, _| json!(size(o, "/data"))),
            aged(),
        ],
        resource::SERVICE_ACCOUNTS => vec![named(), text("Secrets", |o, _| json!(size(o, "/secrets"))), aged()],
        resource::EVENTS => events(),
        resource::LEASES => vec![named(), text("Holder", |o, _| json!(at(o, "/spec/holderIdentity"))), aged()],
        resource::PRIORITY_CLASSES => vec![
            named(),
            integer("Value", |o, _| json!(number(o, "/value"))),
            boolean("Global-Default", |o, _| json!(o["globalDefault"] == true)),
            aged(),
            text("PreemptionPolicy", |o, _| json!(at(o, "/preemptionPolicy"))),
        ],
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => role_bindings(),
        "resourcequotas" => vec![
            named(),
            text("Request", |o, _| json!(quota(o, false))),
            text("Limit", |o, _| json!(quota(o, true))),
            aged(),
        ],
        "mutatingwebhookconfigurations.admissionregistration.k8s.io"
        | "validatingwebhookconfigurations.admissionregistration.k8s.io" => {
            vec![named(), integer("Webhooks", |o, _| json!(size(o, "/webhooks"))), aged()]
        }
        resource::API_SERVICES => vec![
            named(),
            text("Service", |o, _| json!(api_service(o))),
            text("Available", |o, _| json!(available(o))),
            aged(),
        ],
        "csinodes.storage.k8s.io" => vec![named(), integer("Drivers", |o, _| json!(size(o, "/spec/drivers"))), aged()],
        "runtimeclasses.node.k8s.io" => vec![named(), text("Handler", |o, _| json!(at(o, "/handler"))), aged()],
        _ => vec![
            named(),
            Column {
                kind: "date".into(),
                ..text("Created At", |object, _| object["metadata"]["creationTimestamp"].clone())
            },
        ],
    }
}

fn events() -> Vec<Column> {
    fn seen(event: &Value, first: bool, now: Timestamp) -> String {
        let own = if first { &event["firstTimestamp"] } else { &event["lastTimestamp"] };
        let series = &event["series"]["lastObservedTime"];
        let times = if first { [own, &event["eventTime"], own] } else { [series, own, &event["eventTime"]] };
        age::since(times.into_iter().find(|time| time.is_string()).unwrap_or(&Value::Null), now)
    }
    vec![
        text("Last Seen", |o, now| json!(seen(o, false, now))),
        text("Type", |o, _| json!(at(o, "/type"))),
        text("Reason", |o, _| json!(at(o, "/reason"))),
        text("Object", |o, _| {
            let kind = at(o, "/involvedObject/kind").to_lowercase();
            let name = at(o, "/involvedObject/name");
            json!(if name.is_empty() { kind } else { format!("{kind}/{name}") })
        }),
        text("Subobject", |o, _| json!(at(o, "/involvedObject/fieldPath"))).wide(),
        text("Source", |o, _| {
            let component = at_or(o, "/source/component", at(o, "/reportingComponent"));
            let host = at_or(o, "/source/host", at(o, "/reportingInstance"));
            json!(if host.is_empty() { component.to_string() } else { format!("{component}, {host}") })
        })
        .wide(),
        text("Message", |o, _| json!(at(o, "/message").trim())),
        text("First Seen", |o, now| json!(seen(o, true, now))).wide(),
        text("Count", |o, _| json!(number(o, "/count").max(number(o, "/series/count")).max(1))).wide(),
        name().wide(),
    ]
}

fn role_bindings() -> Vec<Column> {
    fn subjects(binding: &Value, kind: &str) -> String {
        let of_kind = items(binding, "/subjects").iter().filter(|subject| subject["kind"] == kind);
        let name = |subject: &Value| match subject["namespace"].as_str() {
            Some(namespace) if kind == "ServiceAccount" => format!("{namespace}/{}", at(subject, "/name")),
            _ => at(subject, "/name").to_string(),
        };
        of_kind.map(name).collect::<Vec<_>>().join(", ")
    }
    vec![
        name(),
        text("Role", |o, _| json!(format!("{}/{}", at(o, "/roleRef/kind"), at(o, "/roleRef/name")))),
        age(),
        text("Users", |o, _| json!(subjects(o, "User"))).wide(),
        text("Groups", |o, _| json!(subjects(o, "Group"))).wide(),
        text("ServiceAccounts", |o, _| json!(subjects(o, "ServiceAccount"))).wide(),
    ]
}

/// What a quota allows and what is used of it: of limits, or of everything else.
fn quota(quota: &Value, limits: bool) -> String {
    let hard = quota.pointer("/status/hard").and_then(Value::as_object);
    let parts =
        hard.into_iter().flatten().filter(|(name, _)| name.starts_with("limits.") == limits).map(|(name, hard)| {
            let used = quota.pointer("/status/used").and_then(|used| used[name].as_str()).unwrap_or("0");
            format!("{name}: {used}/{}", hard.as_str().unwrap_or("0"))
        });
    parts.collect::<Vec<_>>().join(", ")
}

fn api_service(object: &Value) -> String {
    match object["spec"]["service"].as_object() {
        Some(_) => format!("{}/{}", at(object, "/spec/service/namespace"), at(object, "/spec/service/name")),
        None => "Local".into(),
    }
}

fn available(object: &Value) -> String {
    let condition = items(object, "/status/conditions").iter().find(|condition| condition["type"] == "Available");
    match condition {
        None => "Unknown".into(),
        Some(condition) if condition["status"] == "True" => "True".into(),
        Some(condition) => format!("{} ({})", at(condition, "/status"), at(condition, "/reason")),
    }
}
