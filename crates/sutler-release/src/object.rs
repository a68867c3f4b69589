//! Objects of a release: read from manifests, named, and marked as the release's own.

use std::fmt;

use serde_json::{Map, Value};
use sutler_objects::object;

/// The label that says which tool manages an object; on a release's objects it is `Helm`.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The annotation that names an object's release.
pub const RELEASE_NAME: &str = "meta.helm.sh/release-name";
/// The annotation that names its release's namespace.
pub const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";
/// The annotation that keeps an object when its release no longer has it.
const RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// Which object: kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Group and version: `apps/v1`.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// Its namespace; `None` for objects of the whole cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// Names an object.
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// Reads an object's own name.
    pub fn of(value: &Value) -> Self {
        let namespace = Some(object::namespace(value)).filter(|namespace| !namespace.is_empty());
        Self::new(object::api_version(value), object::kind(value), namespace, object::name(value))
    }

    /// The group without its version; empty for the core group.
    pub fn group(&self) -> &str {
        object::group_version(&self.api_version).0
    }

    /// Whether two names mean the same object, whatever version of its API it was read by.
    pub fn is_same_object(&self, other: &Self) -> bool {
        self.group() == other.group()
            && self.kind == other.kind
            && self.namespace == other.namespace
            && self.name == other.name
    }
}

/// `Deployment ray/default-head`, `ClusterRole reader`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A manifest could not be read as objects.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not YAML.
    #[error("document {number} of the manifest is not YAML")]
    Yaml {
        /// The document's number, from 1.
        number: usize,
        /// Where and why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is YAML, but no object of Kubernetes.
    #[error("document {number} of the manifest has no {missing}")]
    NotAnObject {
        /// The document's number, from 1.
        number: usize,
        /// The field it lacks.
        missing: &'static str,
    },
    /// It names itself twice.
    #[error("{kind} `{name}`: metadata.name and metadata.generateName cannot both be set")]
    TwoNames {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
}

/// Reads the objects of a manifest in their order. Documents without content are none; the items of a `List` are objects
/// of their own.
///
/// # Errors
/// If a document is no object.
pub fn parse_manifest(text: &str) -> Result<Vec<Value>, ManifestError> {
    let mut objects = Vec::new();
    for (index, document) in documents(text).into_iter().enumerate() {
        let number = index + 1;
        let yaml = |source| ManifestError::Yaml { number, source };
        let node = sutler_yaml::read(document).map_err(|error| yaml(Box::new(error)))?;
        let value = sutler_yaml::to_json(&node).map_err(|error| yaml(Box::new(error)))?;
        flatten(value, number, &mut objects)?;
    }
    Ok(objects)
}

/// The documents of a YAML stream: cut at lines that begin with `---`, as Kubernetes' own reader cuts them.
fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        let trimmed = line.trim_end();
        if trimmed == "---" || trimmed.starts_with("--- ") {
            documents.push(&text[start..at]);
            // What stands behind the marker belongs to the document.
            start = if trimmed == "---" { end } else { at + 4 };
        }
        at = end;
    }
    documents.push(&text[start..]);
    let is_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    documents.retain(|document| document.lines().any(is_content));
    documents
}

fn flatten(value: Value, number: usize, objects: &mut Vec<Value>) -> Result<(), ManifestError> {
    let Value::Object(mut fields) = value else {
        return match value {
            Value::Null => Ok(()),
            _ => Err(ManifestError::NotAnObject { number, missing: "fields" }),
        };
    };
    let is_list = fields.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if is_list && let Some(Value::Array(items)) = fields.remove("items") {
        // Lists of lists are legal; a document's depth is bounded by the YAML reader.
        return items.into_iter().try_for_each(|item| flatten(item, number, objects));
    }
    if fields.is_empty() {
        return Ok(());
    }
    let value = Value::Object(fields);
    for (field, text) in [("apiVersion", object::api_version(&value)), ("kind", object::kind(&value))] {
        if text.is_empty() {
            return Err(ManifestError::NotAnObject { number, missing: field });
        }
    }
    let (name, generated) = (object::name(&value), object::text(&value, &["metadata", "generateName"]));
    match (name.is_empty(), generated.is_empty()) {
        (true, true) => Err(ManifestError::NotAnObject { number, missing: "metadata.name" }),
        (false, false) => Err(ManifestError::TwoNames { kind: object::kind(&value).to_owned(), name: name.to_owned() }),
        _ => {
            objects.push(value);
            Ok(())
        }
    }
}

/// Puts an object into the namespace it is written to: its own or the release's; none if its kind has no namespaces.
pub(crate) fn place(object: &mut Value, namespaced: bool, release_namespace: &str) {
    let metadata = object::map_mut(object, &["metadata"]);
    if !namespaced {
        metadata.remove("namespace");
    } else if metadata.get("namespace").and_then(Value::as_str).is_none_or(str::is_empty) {
        metadata.insert("namespace".to_owned(), release_namespace.into());
    }
}

/// Marks an object as the release's own (Helm's `setMetadataVisitor`).
pub(crate) fn mark(object: &mut Value, release: &str, release_namespace: &str) {
    object::map_mut(object, &["metadata", "labels"]).insert(MANAGED_BY.to_owned(), "Helm".into());
    let annotations = object::map_mut(object, &["metadata", "annotations"]);
    annotations.insert(RELEASE_NAME.to_owned(), release.into());
    annotations.insert(RELEASE_NAMESPACE.to_owned(), release_namespace.into());
}

/// Whether an object says that it stays when its release no longer has it.
pub(crate) fn is_kept(object: &Value) -> bool {
    object::annotation(object, RESOURCE_POLICY).is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep"))
}

/// Why a live object does not belong to the release, in Helm's words; `None` if it does.
pub fn foreign_owner(live: &Value, release: &str, release_namespace: &str) -> Option<String> {
    let annotations = object::at(live, &["metadata", "annotations"]).and_then(Value::as_object);
    let wanted = [
        ("label", object::labels(live), MANAGED_BY, "Helm"),
        ("annotation", annotations, RELEASE_NAME, release),
        ("annotation", annotations, RELEASE_NAMESPACE, release_namespace),
    ];
    let faults: Vec<String> = wanted
        .into_iter()
        .filter_map(|(what, fields, key, value)| {
            let fault = requirement(fields, key, value)?;
            Some(format!("{what} validation error: {fault}"))
        })
        .collect();
    (!faults.is_empty()).then(|| format!("invalid ownership metadata; {}", faults.join("; ")))
}

fn requirement(fields: Option<&Map<String, Value>>, key: &str, wanted: &str) -> Option<String> {
    match fields.and_then(|fields| fields.get(key)).and_then(Value::as_str) {
        None => Some(format!("missing key {key:?}: must be set to {wanted:?}")),
        Some(actual) if actual != wanted => {
            Some(format!("key {key:?} must equal {wanted:?}: current value is {actual:?}"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
