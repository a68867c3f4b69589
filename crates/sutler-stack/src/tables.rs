//! The objects of a cluster as tables by kind: read once, then looked at by plain functions.
//!
//! What somebody may not list is a table too: unknown, and why. Whoever has the rights of one namespace alone gets the tables of
//! that namespace. The manifests of a plan make tables as well ([`Tables::of_objects`]), so that a plan and a cluster are judged alike.

use std::collections::BTreeMap;

use serde_json::Value;
use sutler_nodes::scheduler::Around;
use sutler_objects::object::{kind, name, namespace};
use sutler_release::{ApiError, Cluster, ObjectRef, Select};

/// Where a kind is served, and whether it lives in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `Pod`.
    pub name: &'static str,
    /// `v1`, `apps/v1`.
    pub api_version: &'static str,
    /// Whether it lives in namespaces.
    pub namespaced: bool,
}

const fn of_namespaces(name: &'static str, api_version: &'static str) -> Kind {
    Kind { name, api_version, namespaced: true }
}

const fn of_cluster(name: &'static str, api_version: &'static str) -> Kind {
    Kind { name, api_version, namespaced: false }
}

/// What decides about credentials and the way to AWS.
pub const ACCESS: &[Kind] = &[
    of_namespaces("Pod", "v1"),
    of_namespaces("ServiceAccount", "v1"),
    of_namespaces("NetworkPolicy", "networking.k8s.io/v1"),
    of_namespaces("EndpointSlice", "discovery.k8s.io/v1"),
    of_cluster("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1"),
    of_cluster("Namespace", "v1"),
];

/// What decides where pods run.
pub const SCHEDULING: &[Kind] = &[
    of_namespaces("Pod", "v1"),
    of_namespaces("Event", "v1"),
    of_namespaces("PersistentVolumeClaim", "v1"),
    of_namespaces("ResourceQuota", "v1"),
    of_namespaces("Service", "v1"),
    of_namespaces("Deployment", "apps/v1"),
    of_namespaces("ReplicaSet", "apps/v1"),
    of_namespaces("StatefulSet", "apps/v1"),
    of_namespaces("DaemonSet", "apps/v1"),
    of_namespaces("Job", "batch/v1"),
    of_cluster("Node", "v1"),
    of_cluster("Namespace", "v1"),
    of_cluster("PersistentVolume", "v1"),
    of_cluster("StorageClass", "storage.k8s.io/v1"),
    of_cluster("NodePool", "karpenter.sh/v1"),
];

/// Pods, and what makes them anew.
pub const PODS: &[Kind] = &[
    of_namespaces("Pod", "v1"),
    of_namespaces("Deployment", "apps/v1"),
    of_namespaces("ReplicaSet", "apps/v1"),
    of_namespaces("StatefulSet", "apps/v1"),
    of_namespaces("DaemonSet", "apps/v1"),
];

/// Nodes.
pub const NODES: &[Kind] = &[of_cluster("Node", "v1")];

/// Karpenter's pools.
pub const KARPENTER: &[Kind] = &[of_cluster("NodePool", "karpenter.sh/v1")];

/// What decides who reaches what.
pub const NETWORK: &[Kind] = &[
    of_namespaces("Pod", "v1"),
    of_namespaces("Service", "v1"),
    of_namespaces("ServiceAccount", "v1"),
    of_namespaces("NetworkPolicy", "networking.k8s.io/v1"),
    of_namespaces("Ingress", "networking.k8s.io/v1"),
    of_cluster("Namespace", "v1"),
];

/// The objects of one kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Table {
    /// All that there are.
    Known(Vec<Value>),
    /// Those of one namespace; others may not be listed.
    OfNamespace(Vec<Value>),
    /// They may not be listed, and why.
    Unknown(String),
}

/// Objects by kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    tables: BTreeMap<String, Table>,
}

impl Tables {
    /// Reads these kinds. Where the whole cluster may not be listed, `namespace` is.
    ///
    /// # Errors
    /// If the API cannot be reached or does not know the caller. What it refuses to list is no error, but an unknown table.
    pub async fn read(cluster: &Cluster, kinds: &[Kind], namespace: Option<&str>) -> Result<Tables, ApiError> {
        // The first request: an API that cannot be reached is said by its address before anything else.
        cluster.version().await?;
        let mut tables = Tables::default();
        let mut wanted: Vec<Kind> = Vec::new();
        wanted.extend(kinds);
        wanted.sort_by_key(|kind| kind.name);
        wanted.dedup();
        let read = wanted.iter().map(|kind| async move { (kind.name, table(cluster, *kind, namespace).await) });
        for (kind, table) in futures_util::future::join_all(read).await {
            tables.tables.insert(kind.to_owned(), table?);
        }
        Ok(tables)
    }

    /// Tables of objects at hand, by their kinds.
    pub fn of_objects(objects: impl IntoIterator<Item = Value>) -> Tables {
        let mut tables = Tables::default();
        for object in objects {
            tables.add(object);
        }
        tables
    }

    /// Puts one more object into its table.
    pub fn add(&mut self, object: Value) {
        let table = self.tables.entry(kind(&object).to_owned()).or_insert_with(|| Table::Known(Vec::new()));
        match table {
            Table::Known(list) | Table::OfNamespace(list) => list.push(object),
            Table::Unknown(_) => *table = Table::OfNamespace(vec![object]),
        }
    }

    /// The objects of a kind, as far as they are known.
    pub fn list(&self, kind: &str) -> &[Value] {
        match self.tables.get(kind) {
            Some(Table::Known(list) | Table::OfNamespace(list)) => list,
            Some(Table::Unknown(_)) | None => &[],
        }
    }

    /// The objects of a kind in one namespace.
    pub fn list_in<'a>(&'a self, kind: &str, within: &str) -> impl Iterator<Item = &'a Value> {
        self.list(kind).iter().filter(move |object| namespace(object) == within)
    }

    /// Why objects of a kind are not known, if they are not.
    pub fn unknown(&self, kind: &str) -> Option<&str> {
        match self.tables.get(kind) {
            Some(Table::Unknown(why)) => Some(why),
            Some(Table::Known(_) | Table::OfNamespace(_)) | None => None,
        }
    }

    /// Whether all objects of a kind are known.
    pub fn is_whole(&self, kind: &str) -> bool {
        matches!(self.tables.get(kind), Some(Table::Known(_)) | None)
    }

    /// One object; the namespace is empty for kinds that have none.
    pub fn get(&self, kind: &str, within: &str, called: &str) -> Option<&Value> {
        self.list(kind).iter().find(|object| namespace(object) == within && name(object) == called)
    }
}

impl<'a> Around<'a> for &'a Tables {
    fn get(&self, kind: &str, within: &str, called: &str) -> Option<&'a Value> {
        Tables::get(self, kind, within, called)
    }

    fn services(&self, within: &str) -> Vec<&'a Value> {
        self.list_in("Service", within).collect()
    }
}

async fn table(cluster: &Cluster, kind: Kind, namespace: Option<&str>) -> Result<Table, ApiError> {
    let mapping = match cluster.mapping(kind.api_version, kind.name).await {
        Ok(mapping) => mapping,
        Err(ApiError::NoSuchKind { .. }) => return Ok(Table::Known(Vec::new())),
        Err(error) => return Err(error),
    };
    match cluster.list(&mapping, None, Select::All).await {
        Ok(listed) => return Ok(Table::Known(listed)),
        Err(ApiError::NotFound { .. }) => return Ok(Table::Known(Vec::new())),
        Err(ApiError::Forbidden { .. }) => {}
        Err(error) => return Err(error),
    }
    let why = format!("no right to list them ({})", mapping.group_resource());
    match namespace.filter(|_| kind.namespaced) {
        None => Ok(Table::Unknown(why)),
        Some(namespace) => match cluster.list(&mapping, Some(namespace), Select::All).await {
            Ok(listed) => Ok(Table::OfNamespace(listed)),
            Err(ApiError::Forbidden { .. }) => Ok(Table::Unknown(format!("{why} in {namespace}"))),
            Err(error) => Err(error),
        },
    }
}

/// One object that may be missing or out of reach.
pub(crate) async fn object(cluster: &Cluster, reference: &ObjectRef) -> Result<Option<Value>, ApiError> {
    match cluster.get(reference).await {
        Err(ApiError::Forbidden { .. } | ApiError::NotFound { .. }) => Ok(None),
        answer => answer,
    }
}
