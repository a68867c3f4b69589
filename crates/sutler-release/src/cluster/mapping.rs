//! From kinds to paths: what the API serves, read from its discovery documents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::percent_encode;
use crate::object::ObjectRef;

/// One kind of the API and where its objects live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Group and version: `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// The path's segment: `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Mapping {
    /// The resource as access rules name it: `deployments.apps`, `pods`.
    pub fn group_resource(&self) -> String {
        match self.api_version.split_once('/') {
            Some((group, _)) => format!("{}.{group}", self.plural),
            None => self.plural.clone(),
        }
    }

    /// The path of its objects in a namespace, or in all.
    pub fn collection_path(&self, namespace: Option<&str>) -> String {
        let root = if self.api_version.contains('/') { "/apis" } else { "/api" };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => {
                format!("{root}/{}/namespaces/{}/{}", self.api_version, percent_encode(namespace), self.plural)
            }
            None => format!("{root}/{}/{}", self.api_version, self.plural),
        }
    }

    /// The path of one object.
    pub fn object_path(&self, object: &ObjectRef) -> String {
        format!("{}/{}", self.collection_path(object.namespace.as_deref()), percent_encode(&object.name))
    }

    /// Puts kind and version into an item of a list, which carries none.
    pub(crate) fn with_type(&self, mut item: Value) -> Value {
        if let Value::Object(fields) = &mut item {
            fields.entry("apiVersion").or_insert_with(|| self.api_version.clone().into());
            fields.entry("kind").or_insert_with(|| self.kind.clone().into());
        }
        item
    }
}

/// All kinds that an API serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapper {
    mappings: BTreeMap<(String, String), Mapping>,
    group_versions: BTreeSet<String>,
}

impl Mapper {
    /// The mapping of a kind.
    pub fn mapping(&self, api_version: &str, kind: &str) -> Option<&Mapping> {
        self.mappings.get(&(api_version.to_owned(), kind.to_owned()))
    }

    /// What `.Capabilities.APIVersions` holds with this API, as Helm's `GetVersionSet`: each `apps/v1` and each
    /// `apps/v1/Deployment`, sorted.
    pub fn api_versions(&self) -> Vec<String> {
        let kinds = self.mappings.keys().map(|(api_version, kind)| format!("{api_version}/{kind}"));
        let all: BTreeSet<String> = self.group_versions.iter().cloned().chain(kinds).collect();
        all.into_iter().collect()
    }

    /// Adds an `APIGroupDiscoveryList`; whether it was one.
    pub(super) fn add_aggregated(&mut self, answer: &Value) -> bool {
        if text(answer, "kind") != "APIGroupDiscoveryList" {
            return false;
        }
        for group in items(answer, "items") {
            let name = group.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            for version in items(group, "versions") {
                let version_name = text(version, "version");
                let api_version =
                    if name.is_empty() { version_name.to_owned() } else { format!("{name}/{version_name}") };
                for resource in items(version, "resources") {
                    let kind = resource.pointer("/responseKind/kind").and_then(Value::as_str).unwrap_or_default();
                    let namespaced = text(resource, "scope") == "Namespaced";
                    self.add(&api_version, kind, text(resource, "resource"), namespaced);
                }
                self.group_versions.insert(api_version);
            }
        }
        true
    }

    /// Adds an `APIResourceList`, the older form: one for each group and version.
    pub(super) fn add_list(&mut self, list: &Value) {
        let api_version = text(list, "groupVersion");
        for resource in items(list, "resources") {
            let namespaced = resource.get("namespaced").and_then(Value::as_bool).unwrap_or_default();
            self.add(api_version, text(resource, "kind"), text(resource, "name"), namespaced);
        }
        self.group_versions.insert(api_version.to_owned());
    }

    /// Adds a resource; subresources (with a slash) are none, and the first resource of a kind is the kind's.
    fn add(&mut self, api_version: &str, kind: &str, plural: &str, namespaced: bool) {
        if kind.is_empty() || plural.is_empty() || plural.contains('/') {
            return;
        }
        let mapping = Mapping {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced,
        };
        self.mappings.entry((api_version.to_owned(), kind.to_owned())).or_insert(mapping);
    }
}

/// The paths of the separate resource lists that an older discovery document (`APIVersions`, `APIGroupList`) points to.
pub(super) fn group_versions(answer: &Value) -> Vec<String> {
    match text(answer, "kind") {
        "APIVersions" => {
            let versions = items(answer, "versions").iter().filter_map(Value::as_str);
            versions.map(|version| format!("/api/{version}")).collect()
        }
        _ => {
            let groups = items(answer, "groups").iter().flat_map(|group| items(group, "versions"));
            groups.map(|version| format!("/apis/{}", text(version, "groupVersion"))).collect()
        }
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_of_discovery_give_the_same_kinds() {
        let mut aggregated = Mapper::default();
        assert!(aggregated.add_aggregated(&json!({"kind": "APIGroupDiscoveryList", "items": [
            {"metadata": {}, "versions": [{"version": "v1", "resources": [
                {"resource": "pods", "responseKind": {"kind": "Pod"}, "scope": "Namespaced"},
                {"resource": "nodes", "responseKind": {"kind": "Node"}, "scope": "Cluster"}]}]},
            {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
                {"resource": "deployments", "responseKind": {"kind": "Deployment"}, "scope": "Namespaced"}]}]}
        ]})));
        let mut separate = Mapper::default();
        separate.add_list(&json!({"groupVersion": "v1", "resources": [
            {"name": "pods", "kind": "Pod", "namespaced": true}, {"name": "nodes", "kind": "Node", "namespaced": false},
            {"name": "pods/eviction", "kind": "Eviction", "namespaced": true}]}));
        separate.add_list(&json!({"groupVersion": "apps/v1", "resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": true}]}));
        assert_eq!(aggregated, separate);
        assert_eq!(aggregated.api_versions(), ["apps/v1", "apps/v1/Deployment", "v1", "v1/Node", "v1/Pod"]);
        let mapping = aggregated.mapping("apps/v1", "Deployment").unwrap();
        assert_eq!(mapping.group_resource(), "deployments.apps");
        assert_eq!(mapping.collection_path(Some("ray")), "/apis/apps/v1/namespaces/ray/deployments");
        assert_eq!(aggregated.mapping("v1", "Node").unwrap().collection_path(Some("ray")), "/api/v1/nodes");
    }

    #[test]
    fn older_discovery_documents_point_to_resource_lists() {
        assert_eq!(group_versions(&json!({"kind": "APIVersions", "versions": ["v1"]})), ["/api/v1"]);
        let groups = json!({"kind": "APIGroupList", "groups": [
            {"name": "apps", "versions": [{"groupVersion": "apps/v1"}, {"groupVersion": "apps/v1beta1"}]}]});
        assert_eq!(group_versions(&groups), ["/apis/apps/v1", "/apis/apps/v1beta1"]);
    }
}
