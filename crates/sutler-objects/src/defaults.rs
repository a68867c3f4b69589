//! What the API server fills in before it stores: defaults of 1.34's built-in types (its `SetDefaults_…` functions), defaults
//! of custom resources' schemas, canonical quantities, and structures that are always there.
//!
//! Defaults that are plain values stand in one table by type ([`CONSTANTS`]) or in the schema; those that depend on other fields are
//! functions, one a type, found by the type's name wherever it occurs (a pod template's in a Deployment or a CronJob alike).
//! What needs the cluster (a Service's addresses, a pod's service account) is not done here.

mod rules;

use serde_json::{Map, Value, json};

use crate::object;
use crate::quantity::Quantity;
use crate::schema::{self, Scalar, Type};

type Fields = Map<String, Value>;

/// Fills in the defaults of a whole object of this type.
pub fn set_defaults(value: &mut Value, ty: &Type) {
    if !object::is_shallow(value) {
        return;
    }
    schema::fill_structures(value, ty);
    fill(value, ty);
    // What a default brought along has structures of its own.
    schema::fill_structures(value, ty);
}

/// Defaults that do not depend on other fields: type, field, value.
const CONSTANTS: &[(&str, &[(&str, Constant)])] = &[
    (
        "admissionregistration.v1.MatchResources",
        &[("matchPolicy", Text("Equivalent")), ("namespaceSelector", Empty), ("objectSelector", Empty)],
    ),
    (
        "admissionregistration.v1.MutatingWebhook",
        &[
            ("failurePolicy", Text("Fail")),
            ("matchPolicy", Text("Equivalent")),
            ("namespaceSelector", Empty),
            ("objectSelector", Empty),
            ("timeoutSeconds", Number(10)),
            ("reinvocationPolicy", Text("Never")),
        ],
    ),
    ("admissionregistration.v1.NamedRuleWithOperations", &[("scope", Text("*"))]),
    ("admissionregistration.v1.RuleWithOperations", &[("scope", Text("*"))]),
    ("admissionregistration.v1.ServiceReference", &[("port", Number(443))]),
    ("admissionregistration.v1.ValidatingAdmissionPolicySpec", &[("failurePolicy", Text("Fail"))]),
    (
        "admissionregistration.v1.ValidatingWebhook",
        &[
            ("failurePolicy", Text("Fail")),
            ("matchPolicy", Text("Equivalent")),
            ("namespaceSelector", Empty),
            ("objectSelector", Empty),
            ("timeoutSeconds", Number(10)),
        ],
    ),
    ("apiextensions.v1.CustomResourceConversion", &[("strategy", Text("None"))]),
    ("apiextensions.v1.CustomResourceDefinitionSpec", &[("conversion", Empty)]),
    ("apiextensions.v1.ServiceReference", &[("port", Number(443))]),
    ("apiregistration.v1.ServiceReference", &[("port", Number(443))]),
    ("apps.v1.DaemonSetSpec", &[("revisionHistoryLimit", Number(10))]),
    (
        "apps.v1.DeploymentSpec",
        &[("replicas", Number(1)), ("revisionHistoryLimit", Number(10)), ("progressDeadlineSeconds", Number(600))],
    ),
    ("apps.v1.ReplicaSetSpec", &[("replicas", Number(1))]),
    (
        "apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy",
        &[("whenDeleted", Text("Retain")), ("whenScaled", Text("Retain"))],
    ),
    (
        "apps.v1.StatefulSetSpec",
        &[
            ("replicas", Number(1)),
            ("revisionHistoryLimit", Number(10)),
            ("podManagementPolicy", Text("OrderedReady")),
            ("persistentVolumeClaimRetentionPolicy", Empty),
        ],
    ),
    ("autoscaling.v1.HorizontalPodAutoscalerSpec", &[("minReplicas", Number(1))]),
    ("autoscaling.v2.HorizontalPodAutoscalerSpec", &[("minReplicas", Number(1))]),
    (
        "batch.v1.CronJobSpec",
        &[
            ("concurrencyPolicy", Text("Allow")),
            ("suspend", Flag(false)),
            ("successfulJobsHistoryLimit", Number(3)),
            ("failedJobsHistoryLimit", Number(1)),
        ],
    ),
    ("batch.v1.PodFailurePolicyOnPodConditionsPattern", &[("status", Text("True"))]),
    ("core.v1.ConfigMapVolumeSource", &[("defaultMode", Number(0o644))]),
    (
        "core.v1.Container",
        &[("terminationMessagePath", Text("/dev/termination-log")), ("terminationMessagePolicy", Text("File"))],
    ),
    ("core.v1.DownwardAPIVolumeSource", &[("defaultMode", Number(0o644))]),
    ("core.v1.EndpointPort", &[("protocol", Text("TCP"))]),
    (
        "core.v1.EphemeralContainer",
        &[("terminationMessagePath", Text("/dev/termination-log")), ("terminationMessagePolicy", Text("File"))],
    ),
    ("core.v1.HTTPGetAction", &[("path", Text("/")), ("scheme", Text("HTTP"))]),
    ("core.v1.NamespaceStatus", &[("phase", Text("Active"))]),
    ("core.v1.ObjectFieldSelector", &[("apiVersion", Text("v1"))]),
    ("core.v1.PersistentVolumeClaimSpec", &[("volumeMode", Text("Filesystem"))]),
    (
        "core.v1.PersistentVolumeSpec",
        &[("persistentVolumeReclaimPolicy", Text("Retain")), ("volumeMode", Text("Filesystem"))],
    ),
    ("core.v1.PersistentVolumeStatus", &[("phase", Text("Pending"))]),
    (
        "core.v1.PodSpec",
        &[
            ("dnsPolicy", Text("ClusterFirst")),
            ("restartPolicy", Text("Always")),
            ("schedulerName", Text("default-scheduler")),
            ("securityContext", Empty),
            ("terminationGracePeriodSeconds", Number(30)),
        ],
    ),
    (
        "core.v1.Probe",
        &[
            ("timeoutSeconds", Number(1)),
            ("periodSeconds", Number(10)),
            ("successThreshold", Number(1)),
            ("failureThreshold", Number(3)),
        ],
    ),
    ("core.v1.ProjectedVolumeSource", &[("defaultMode", Number(0o644))]),
    ("core.v1.ReplicationControllerSpec", &[("replicas", Number(1))]),
    ("core.v1.Secret", &[("type", Text("Opaque"))]),
    ("core.v1.SecretVolumeSource", &[("defaultMode", Number(0o644))]),
    ("core.v1.ServiceAccountTokenProjection", &[("expirationSeconds", Number(3600))]),
    ("core.v1.ServicePort", &[("protocol", Text("TCP"))]),
    ("discovery.v1.EndpointPort", &[("protocol", Text("TCP"))]),
    ("networking.v1.IngressClassParametersReference", &[("scope", Text("Cluster"))]),
    ("networking.v1.NetworkPolicyPort", &[("protocol", Text("TCP"))]),
    ("rbac.v1.RoleRef", &[("apiGroup", Text("rbac.authorization.k8s.io"))]),
    ("scheduling.v1.PriorityClass", &[("preemptionPolicy", Text("PreemptLowerPriority"))]),
    (
        "storage.v1.CSIDriverSpec",
        &[
            ("attachRequired", Flag(true)),
            ("podInfoOnMount", Flag(false)),
            ("storageCapacity", Flag(false)),
            ("fsGroupPolicy", Text("ReadWriteOnceWithFSType")),
            ("requiresRepublish", Flag(false)),
            ("seLinuxMount", Flag(false)),
        ],
    ),
    ("storage.v1.StorageClass", &[("reclaimPolicy", Text("Delete")), ("volumeBindingMode", Text("Immediate"))]),
];

/// A plain default.
#[derive(Debug, Clone, Copy)]
enum Constant {
    Text(&'static str),
    Number(i64),
    Flag(bool),
    /// `{}`.
    Empty,
}

use Constant::{Empty, Flag, Number, Text};

impl Constant {
    fn value(self) -> Value {
        match self {
            Text(text) => text.into(),
            Number(number) => number.into(),
            Flag(flag) => flag.into(),
            Empty => json!({}),
        }
    }
}

fn fill(value: &mut Value, ty: &Type) {
    match (value, ty) {
        (Value::Object(fields), Type::Struct(of)) => {
            let of = of.get();
            rules::apply(&of.name, fields);
            if let Ok(at) = CONSTANTS.binary_search_by(|(name, _)| (*name).cmp(&of.name)) {
                for (field, constant) in CONSTANTS[at].1 {
                    default(fields, field, || constant.value(), of.name == "core.v1.Probe");
                }
            }
            for field in &of.fields {
                // Of required fields the default is Go's zero value, which is no default but a sign of absence.
                if let Some(given) =
                    field.default.as_ref().filter(|given| !field.required && (of.name.is_empty() || !given.is_object()))
                {
                    default(fields, &field.name, || given.clone(), false);
                }
            }
            for (name, value) in fields.iter_mut() {
                if let Some(of) = of.field(name).map(|field| &field.ty).or(of.others.as_ref()) {
                    fill(value, of);
                }
            }
        }
        (Value::Object(fields), Type::Map { of, .. }) => fields.values_mut().for_each(|value| fill(value, of)),
        (Value::Array(items), Type::List { of, .. }) => items.iter_mut().for_each(|item| fill(item, of)),
        (value, Type::Scalar(Scalar::Quantity)) => {
            // What is no quantity is left for validation to refuse.
            if let Ok(quantity) = Quantity::from_value(value) {
                *value = quantity.rounded_to_millis().to_string().into();
            }
        }
        _ => {}
    }
}

/// Sets a field that is absent (or null, or an empty text where the default is a text; of probes also zero).
fn default(fields: &mut Fields, name: &str, value: impl FnOnce() -> Value, zero_is_absent: bool) {
    let absent = match fields.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Number(number)) => zero_is_absent && number.as_i64() == Some(0),
        Some(_) => false,
    };
    if absent {
        fields.insert(name.to_owned(), value());
    }
}

#[cfg(test)]
mod tests;
