//! The resources of the API: which kinds exist, how they are named in paths and on the command line, what can be done with them.
//!
//! [`builtin`] is the table of Kubernetes 1.34 (see `data/generate`); [`Resource::of_crd`] makes the same from a
//! CustomResourceDefinition, so that callers treat both alike.

use std::fmt;
use std::sync::LazyLock;

use serde_json::Value;

use crate::object;

const TABLE: &str = include_str!("../data/kinds.txt");

/// The version of Kubernetes the tables of this crate describe.
pub const KUBERNETES_VERSION: &str = "1.34.4";

/// The eight verbs of an ordinary resource, in the order in which discovery lists them.
pub const ALL_VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Group, version and kind. The core group is the empty string.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupVersionKind {
    /// `apps`; empty for the core group.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `Deployment`.
    pub kind: String,
}

impl GroupVersionKind {
    /// From its three parts.
    pub fn new(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// Of an object, by its `apiVersion` and `kind` (empty strings where they are absent).
    pub fn of(object: &Value) -> Self {
        let (group, version) = object::group_version(object::api_version(object));
        Self::new(group, version, object::kind(object))
    }

    /// `apps/v1`, or `v1` in the core group.
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }
}

/// As the API server prints it: `apps/v1, Kind=Deployment`, and `/v1, Kind=Pod` in the core group.
impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Kind={}", self.group, self.version, self.kind)
    }
}

/// A resource as discovery describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `apps`; empty for the core group.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `Deployment`.
    pub kind: String,
    /// `DeploymentList`.
    pub list_kind: String,
    /// `deployments`: the name in paths.
    pub plural: String,
    /// `deployment`.
    pub singular: String,
    /// `deploy`.
    pub short_names: Vec<String>,
    /// `all`, `api-extensions`.
    pub categories: Vec<String>,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// Of the resource itself, sorted.
    pub verbs: Vec<String>,
    /// `status`, `scale`, `eviction`, …, sorted by name.
    pub subresources: Vec<Subresource>,
}

/// What hangs below an object's path: `…/pods/x/eviction`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subresource {
    /// `status`.
    pub name: String,
    /// What a request to it carries: the resource's own kind for `status`, `autoscaling/v1 Scale` for `scale`.
    pub kind: GroupVersionKind,
    /// Sorted.
    pub verbs: Vec<String>,
}

impl Resource {
    /// `apps/v1`, or `v1` in the core group.
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::new(&self.group, &self.version, &self.kind)
    }

    /// `deployments.apps`, or `pods` in the core group: how messages of the API server name a resource.
    pub fn group_resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Deployment.apps`, or `Pod` in the core group: how "is invalid" messages name a kind.
    pub fn group_kind(&self) -> String {
        group_kind(&self.group, &self.kind)
    }

    /// The path of the collection: `/apis/apps/v1/namespaces/x/deployments`. Without a namespace: of all namespaces.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root =
            if self.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/{}", self.group, self.version) };
        match namespace {
            Some(namespace) if self.namespaced => format!("{root}/namespaces/{namespace}/{}", self.plural),
            _ => format!("{root}/{}", self.plural),
        }
    }

    /// One of its subresources.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }

    /// Whether it answers to `verb`.
    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }

    /// The resources that a CustomResourceDefinition makes served: one for each served version, in the definition's order.
    /// Names that the definition leaves out are filled in as the API server does (singular and list kind from the kind).
    pub fn of_crd(crd: &Value) -> Vec<Resource> {
        let names = |key: &str| object::text(crd, &["spec", "names", key]);
        let many = |key: &str| -> Vec<String> {
            object::list(crd, &["spec", "names", key]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let group = object::text(crd, &["spec", "group"]);
        let kind = names("kind");
        let or = |given: &str, otherwise: String| if given.is_empty() { otherwise } else { given.to_owned() };
        let served = |version: &&Value| version.get("served").and_then(Value::as_bool).unwrap_or(false);
        let resource = |version: &Value| {
            let version_name = object::text(version, &["name"]);
            let gvk = GroupVersionKind::new(group, version_name, kind);
            let mut subresources = Vec::new();
            let read_write = || ["get", "patch", "update"].map(str::to_owned).to_vec();
            if object::at(version, &["subresources", "scale"]).is_some() {
                let kind = GroupVersionKind::new("autoscaling", "v1", "Scale");
                subresources.push(Subresource { name: "scale".into(), kind, verbs: read_write() });
            }
            if object::at(version, &["subresources", "status"]).is_some() {
                subresources.push(Subresource { name: "status".into(), kind: gvk, verbs: read_write() });
            }
            Resource {
                group: group.to_owned(),
                version: version_name.to_owned(),
                kind: kind.to_owned(),
                list_kind: or(names("listKind"), format!("{kind}List")),
                plural: names("plural").to_owned(),
                singular: or(names("singular"), kind.to_lowercase()),
                short_names: many("shortNames"),
                categories: many("categories"),
                namespaced: object::text(crd, &["spec", "scope"]) == "Namespaced",
                verbs: ALL_VERBS.map(str::to_owned).to_vec(),
                subresources,
            }
        };
        object::list(crd, &["spec", "versions"]).iter().filter(served).map(resource).collect()
    }

    /// Whether `word`, as typed after `kubectl get`, names this resource: plural, singular, short name or kind (in any
    /// case), alone or followed by `.group` or `.version.group`.
    pub fn answers_to(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let (name, rest) = word.split_once('.').unwrap_or((&word, ""));
        let named = name == self.plural
            || name == self.singular
            || name == self.kind.to_lowercase()
            || self.short_names.iter().any(|short| short == name);
        let versioned = || rest.split_once('.').unwrap_or((rest, "")) == (self.version.as_str(), self.group.as_str());
        // `kubectl` takes a prefix of the group as well: `deployments.app`.
        named && (rest.is_empty() || (!self.group.is_empty() && self.group.starts_with(rest)) || versioned())
    }
}

/// `apps/v1`, or `v1` in the core group.
pub fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// `Deployment.apps`, or `Pod` in the core group.
pub fn group_kind(group: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") }
}

/// Every built-in resource of Kubernetes 1.34 that is on by default, groups in the server's order of preference.
pub fn builtin() -> &'static [Resource] {
    static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| TABLE.lines().filter_map(parse_line).collect());
    &RESOURCES
}

/// The built-in resource of a kind. Among several resources of one kind (there are none in 1.34) the first.
pub fn by_kind(group: &str, version: &str, kind: &str) -> Option<&'static Resource> {
    builtin().iter().find(|r| r.kind == kind && r.group == group && r.version == version)
}

/// The built-in resource of an object's `apiVersion` and `kind`.
pub fn of_object(object: &Value) -> Option<&'static Resource> {
    let (group, version) = object::group_version(object::api_version(object));
    by_kind(group, version, object::kind(object))
}

/// The built-in resource of a path: `by_plural("apps", "v1", "deployments")`.
pub fn by_plural(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    builtin().iter().find(|r| r.plural == plural && r.group == group && r.version == version)
}

/// The built-in resource that a word on the command line names (see [`Resource::answers_to`]); the preferred one of several.
pub fn find(word: &str) -> Option<&'static Resource> {
    builtin().iter().find(|r| r.answers_to(word))
}

fn parse_line(line: &str) -> Option<Resource> {
    let mut words = line.split(' ');
    let group = words.next().filter(|word| !word.starts_with('#'))?;
    let undash = |word: &str| if word == "-" { String::new() } else { word.to_owned() };
    let many = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
    let verbs = |list: &str| if list == "*" { ALL_VERBS.map(str::to_owned).to_vec() } else { many(list) };
    let mut next = || words.next().unwrap_or("");
    let (version, kind, plural, singular, scope) = (next(), next(), next(), next(), next());
    let mut resource = Resource {
        group: undash(group),
        version: version.to_owned(),
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        plural: plural.to_owned(),
        singular: undash(singular),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced: scope == "namespaced",
        verbs: Vec::new(),
        subresources: Vec::new(),
    };
    for word in words {
        match word.split_once('=')? {
            ("short", list) => resource.short_names = many(list),
            ("cat", list) => resource.categories = many(list),
            ("verbs", list) => resource.verbs = verbs(list),
            ("sub", parts) => {
                let mut parts = parts.split(':');
                let name = parts.next()?.to_owned();
                let mut gvk = parts.next()?.split('/');
                let kind = GroupVersionKind {
                    group: undash(gvk.next()?),
                    version: gvk.next()?.to_owned(),
                    kind: gvk.next()?.to_owned(),
                };
                resource.subresources.push(Subresource { name, kind, verbs: verbs(parts.next()?) });
            }
            _ => return None,
        }
    }
    Some(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_resource() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(builtin().len(), lines);
        assert!(lines > 60, "{lines}");
        assert!(builtin().iter().all(|r| !r.verbs.is_empty() && !r.plural.is_empty()));
    }

    #[test]
    fn a_word_finds_the_resource_kubectl_would_take() {
        let check = |word: &str, expect: &str| {
            assert_eq!(find(word).map(Resource::group_resource).as_deref(), Some(expect), "{word}")
        };
        check("po", "pods");
        check("Pod", "pods");
        check("deploy", "deployments.apps");
        check("deployments.apps", "deployments.apps");
        check("deployments.v1.apps", "deployments.apps");
        check("events", "events");
        check("events.events.k8s.io", "events.events.k8s.io");
        check("hpa", "horizontalpodautoscalers.autoscaling");
        check("crd", "customresourcedefinitions.apiextensions.k8s.io");
        check("pdb", "poddisruptionbudgets.policy");
        check("sc", "storageclasses.storage.k8s.io");
        assert_eq!(find("deployments.batch"), None);
        assert_eq!(find("nothing"), None);
    }

    #[test]
    fn paths_are_the_servers() {
        let deployments = by_kind("apps", "v1", "Deployment").unwrap();
        assert_eq!(deployments.path(Some("ray")), "/apis/apps/v1/namespaces/ray/deployments");
        assert_eq!(by_plural("", "v1", "nodes").unwrap().path(Some("ray")), "/api/v1/nodes");
        assert_eq!(deployments.subresource("scale").unwrap().kind.to_string(), "autoscaling/v1, Kind=Scale");
        assert_eq!(
            by_plural("", "v1", "pods").unwrap().subresource("eviction").unwrap().kind.to_string(),
            "policy/v1, Kind=Eviction"
        );
    }

    #[test]
    fn a_custom_resource_definition_gives_one_resource_a_served_version() {
        let crd = serde_json::json!({"spec": {
            "group": "ray.io", "scope": "Namespaced",
            "names": {"kind": "RayCluster", "plural": "rayclusters", "shortNames": ["rc"]},
            "versions": [
                {"name": "v1", "served": true, "subresources": {"status": {}}},
                {"name": "v1alpha1", "served": false},
            ],
        }});
        let resources = Resource::of_crd(&crd);
        assert_eq!(resources.len(), 1);
        assert_eq!(resources[0].singular, "raycluster");
        assert_eq!(resources[0].list_kind, "RayClusterList");
        assert_eq!(resources[0].subresources.len(), 1);
        assert!(resources[0].answers_to("rc.ray.io"));
    }
}
