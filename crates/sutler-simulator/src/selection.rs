//! What a list or a watch asks for: one resource, perhaps one namespace, name, labels, fields.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_objects::kinds::Resource;
use sutler_objects::selector::{FieldSelector, LabelSelector};

use crate::controllers::Change;
use crate::key::ObjectKey;
use crate::request::Request;
use crate::status::Refusal;

/// The objects that a request is about.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    /// GroupResource text under which they are stored.
    pub(crate) resource: String,
    /// Kind and version to show them as.
    pub(crate) kind: String,
    pub(crate) api_version: String,
    /// Empty for all namespaces, and for cluster-scoped objects.
    pub(crate) namespace: String,
    /// Empty for all names.
    pub(crate) name: String,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    /// Reads the selectors of a request for `resource`.
    pub(crate) fn of(
        request: &Request,
        resource: &Resource,
        stored_as: &str,
        namespace: &str,
        name: &str,
        selectable: &[&str],
    ) -> Result<Self, Refusal> {
        let labels = LabelSelector::parse(request.query("labelSelector").unwrap_or(""))
            .map_err(|error| Refusal::bad_request(error.to_string()))?;
        let fields = FieldSelector::parse(request.query("fieldSelector").unwrap_or(""))
            .map_err(|error| Refusal::bad_request(error.to_string()))?;
        if let Some(problem) = fields.unsupported(&resource.api_version(), &resource.kind, selectable) {
            return Err(Refusal::bad_request(problem));
        }
        Ok(Self {
            resource: stored_as.to_string(),
            kind: resource.kind.clone(),
            api_version: resource.api_version(),
            namespace: namespace.to_string(),
            name: name.to_string(),
            labels,
            fields,
        })
    }

    /// Whether an object is among them.
    pub(crate) fn selects(&self, key: &ObjectKey, object: &Value) -> bool {
        key.resource == self.resource
            && (self.namespace.is_empty() || key.namespace == self.namespace)
            && (self.name.is_empty() || key.name == self.name)
            && self.picks(object)
    }

    /// Whether the selectors pick an object that is known to be of the right resource, namespace and name.
    pub(crate) fn picks(&self, object: &Value) -> bool {
        self.labels.selects(object) && self.fields.selects(object)
    }

    /// What a change is to somebody who sees only the selection: an object that comes to be selected was added, one that no
    /// longer is was deleted.
    pub(crate) fn event(&self, change: &Change, revision: u64) -> Option<(&'static str, Arc<Value>)> {
        if change.key.resource != self.resource {
            return None;
        }
        let before = change.old.as_deref().is_some_and(|old| self.selects(&change.key, old));
        let after = change.new.as_deref().is_some_and(|new| self.selects(&change.key, new));
        match (before, after, &change.old, &change.new) {
            (false, true, _, Some(new)) => Some(("ADDED", new.clone())),
            (true, true, _, Some(new)) => Some(("MODIFIED", new.clone())),
            (true, false, Some(old), _) => {
                let mut last = Value::clone(old);
                last["metadata"]["resourceVersion"] = json!(revision.to_string());
                Some(("DELETED", Arc::new(last)))
            }
            _ => None,
        }
    }
}
