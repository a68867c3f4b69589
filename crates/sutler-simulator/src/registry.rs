//! Which resources are served: the built-in ones, and those of the CustomResourceDefinitions that are there.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sutler_objects::kinds::{self, Resource};
use sutler_objects::schema::Type;

use crate::key::{ObjectKey, resource};

/// A served resource.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) resource: Arc<Resource>,
    /// GroupResource text under which its objects are stored. Events of both groups are stored once.
    pub(crate) stored_as: String,
    /// The definition, for custom resources.
    pub(crate) custom: Option<Arc<Custom>>,
}

/// What a CustomResourceDefinition says of one of its versions.
#[derive(Debug)]
pub(crate) struct Custom {
    /// Structure of the objects.
    pub(crate) schema: Type,
    /// `openAPIV3Schema` as written; null when there is none.
    pub(crate) open_api: Value,
    /// `additionalPrinterColumns`.
    pub(crate) columns: Vec<Value>,
    /// JSON paths of `selectableFields`, without the leading dot.
    pub(crate) selectable: Vec<String>,
    /// `apiVersion` that its objects are stored as.
    pub(crate) stored_version: String,
    /// `subresources.scale`, or null.
    pub(crate) scale: Value,
}

impl Served {
    pub(crate) fn key(&self, namespace: &str, name: &str) -> ObjectKey {
        ObjectKey::new(&self.stored_as, namespace, name)
    }

    /// `apiVersion` that its objects are stored as.
    pub(crate) fn stored_version(&self) -> String {
        match (&self.custom, self.stored_as.as_str()) {
            (Some(custom), _) => custom.stored_version.clone(),
            (None, resource::EVENTS) => "v1".into(),
            (None, "horizontalpodautoscalers.autoscaling") => "autoscaling/v2".into(),
            (None, _) => self.resource.api_version(),
        }
    }

    /// How messages of the API server name the resource: `deployments.apps`.
    pub(crate) fn group_resource(&self) -> String {
        self.resource.group_resource()
    }

    pub(crate) fn selectable(&self) -> Vec<&str> {
        self.custom.iter().flat_map(|custom| custom.selectable.iter().map(String::as_str)).collect()
    }
}

/// The served resources, in the order in which discovery lists them.
#[derive(Debug)]
pub(crate) struct Registry {
    builtin: Vec<Served>,
    /// By name of the definition.
    custom: BTreeMap<String, Vec<Served>>,
    /// Changes whenever the set of resources does.
    pub(crate) generation: u64,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let builtin = kinds::builtin()
            .iter()
            .map(|resource| Served {
                resource: Arc::new(resource.clone()),
                stored_as: stored_as(resource),
                custom: None,
            })
            .collect();
        Self { builtin, custom: BTreeMap::new(), generation: 0 }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Served> {
        self.builtin.iter().chain(self.custom.values().flatten())
    }

    /// The resource of a path.
    pub(crate) fn by_plural(&self, group: &str, version: &str, plural: &str) -> Option<&Served> {
        self.all().find(|served| {
            let resource = &served.resource;
            resource.plural == plural && resource.group == group && resource.version == version
        })
    }

    /// The resource of an object, by its `apiVersion` and `kind`.
    pub(crate) fn of_object(&self, object: &Value) -> Option<&Served> {
        let gvk = kinds::GroupVersionKind::of(object);
        self.all().find(|served| {
            let resource = &served.resource;
            resource.kind == gvk.kind && resource.group == gvk.group && resource.version == gvk.version
        })
    }

    /// The first resource stored under a GroupResource text.
    pub(crate) fn stored_as(&self, text: &str) -> Option<&Served> {
        self.all().find(|served| served.stored_as == text)
    }

    /// Whether a definition other than `name` serves `plural` in `group`.
    pub(crate) fn serves(&self, group: &str, plural: &str) -> bool {
        self.all().any(|served| served.resource.group == group && served.resource.plural == plural)
    }

    /// Takes note of a definition that was written or, with `None`, removed.
    pub(crate) fn define(&mut self, name: &str, definition: Option<&Value>) {
        self.generation += 1;
        let Some(definition) = definition.filter(|definition| is_established(definition)) else {
            self.custom.remove(name);
            return;
        };
        let versions = definition["spec"]["versions"].as_array().map_or(&[][..], Vec::as_slice);
        let storage =
            versions.iter().find(|version| version["storage"] == true).and_then(|version| version["name"].as_str());
        let group = definition["spec"]["group"].as_str().unwrap_or("");
        let served = Resource::of_crd(definition)
            .into_iter()
            .map(|resource| {
                let version = versions.iter().find(|version| version["name"] == resource.version.as_str());
                let version = version.unwrap_or(&Value::Null);
                let open_api = version["schema"]["openAPIV3Schema"].clone();
                let text = |value: &Value| value.as_str().unwrap_or("").trim_start_matches('.').to_string();
                let custom = Custom {
                    schema: Type::of_custom_resource(&open_api),
                    columns: version["additionalPrinterColumns"].as_array().cloned().unwrap_or_default(),
                    selectable: version["selectableFields"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|field| text(&field["jsonPath"]))
                        .collect(),
                    stored_version: kinds::api_version(group, storage.unwrap_or(&resource.version)),
                    scale: version["subresources"]["scale"].clone(),
                    open_api,
                };
                Served {
                    stored_as: resource.group_resource(),
                    resource: Arc::new(resource),
                    custom: Some(Arc::new(custom)),
                }
            })
            .collect();
        self.custom.insert(name.to_string(), served);
    }
}

fn is_established(definition: &Value) -> bool {
    definition["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}

fn stored_as(resource: &Resource) -> String {
    if resource.plural == "events" { resource::EVENTS.to_string() } else { resource.group_resource() }
}
