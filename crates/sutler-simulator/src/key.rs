//! Names of things: an object's key, and the resources that the machine itself knows by name.

use std::fmt;

use serde_json::Value;

/// Which object: its resource, namespace and name.
///
/// `resource` is Kubernetes' GroupResource text: the plural alone for the core group (`pods`), with the group after a dot
/// otherwise (`deployments.apps`). `namespace` is empty for cluster-scoped objects. Keys order by resource, namespace, name,
/// bytewise; every walk over objects is in this order.
///
/// A controller may also use keys that name no object (see [`ObjectKey::named`]): for work that concerns the whole cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// GroupResource text, such as `pods` or `deployments.apps`.
    pub resource: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
}

impl ObjectKey {
    /// Key of an object.
    pub fn new(resource: impl Into<String>, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { resource: resource.into(), namespace: namespace.into(), name: name.into() }
    }

    /// A key that names work instead of an object, such as one pass of the scheduler.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new("", "", name)
    }

    /// Key of `object`, which belongs to `resource`.
    pub fn of(resource: &str, object: &Value) -> Self {
        let meta = &object["metadata"];
        Self::new(resource, meta["namespace"].as_str().unwrap_or(""), meta["name"].as_str().unwrap_or(""))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.resource, self.name)
        } else {
            write!(f, "{} {}/{}", self.resource, self.namespace, self.name)
        }
    }
}

/// GroupResource texts of the resources that the machine and its controllers handle by name.
pub mod resource {
    /// Pods.
    pub const PODS: &str = "pods";
    /// Nodes.
    pub const NODES: &str = "nodes";
    /// Namespaces.
    pub const NAMESPACES: &str = "namespaces";
    /// Services.
    pub const SERVICES: &str = "services";
    /// Service accounts.
    pub const SERVICE_ACCOUNTS: &str = "serviceaccounts";
    /// Config maps.
    pub const CONFIG_MAPS: &str = "configmaps";
    /// Secrets.
    pub const SECRETS: &str = "secrets";
    /// Endpoints.
    pub const ENDPOINTS: &str = "endpoints";
    /// Endpoint slices.
    pub const ENDPOINT_SLICES: &str = "endpointslices.discovery.k8s.io";
    /// Events, stored once for both of their groups.
    pub const EVENTS: &str = "events";
    /// Persistent volumes.
    pub const PERSISTENT_VOLUMES: &str = "persistentvolumes";
    /// Persistent volume claims.
    pub const PERSISTENT_VOLUME_CLAIMS: &str = "persistentvolumeclaims";
    /// Storage classes.
    pub const STORAGE_CLASSES: &str = "storageclasses.storage.k8s.io";
    /// Limit ranges.
    pub const LIMIT_RANGES: &str = "limitranges";
    /// Deployments.
    pub const DEPLOYMENTS: &str = "deployments.apps";
    /// Replica sets.
    pub const REPLICA_SETS: &str = "replicasets.apps";
    /// Stateful sets.
    pub const STATEFUL_SETS: &str = "statefulsets.apps";
    /// Daemon sets.
    pub const DAEMON_SETS: &str = "daemonsets.apps";
    /// Controller revisions.
    pub const CONTROLLER_REVISIONS: &str = "controllerrevisions.apps";
    /// Jobs.
    pub const JOBS: &str = "jobs.batch";
    /// Cron jobs.
    pub const CRON_JOBS: &str = "cronjobs.batch";
    /// Pod disruption budgets.
    pub const POD_DISRUPTION_BUDGETS: &str = "poddisruptionbudgets.policy";
    /// Priority classes.
    pub const PRIORITY_CLASSES: &str = "priorityclasses.scheduling.k8s.io";
    /// Leases.
    pub const LEASES: &str = "leases.coordination.k8s.io";
    /// Custom resource definitions.
    pub const CUSTOM_RESOURCE_DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";
    /// API services.
    pub const API_SERVICES: &str = "apiservices.apiregistration.k8s.io";
}
