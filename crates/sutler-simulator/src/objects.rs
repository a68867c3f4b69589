//! The objects in memory, with the indexes that reads and controllers need. The store on disk is their durable copy.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::key::{ObjectKey, resource};

type Place = (String, String);

/// Every object, by resource, namespace and name; indexed by uid, owner and (pods) node.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    by_resource: BTreeMap<String, BTreeMap<Place, Arc<Value>>>,
    by_uid: HashMap<String, ObjectKey>,
    by_owner: HashMap<String, BTreeSet<ObjectKey>>,
    pods_by_node: HashMap<String, BTreeSet<Place>>,
    /// How many objects each namespace has.
    in_namespace: HashMap<String, usize>,
}

impl Objects {
    pub(crate) fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.by_resource.get(resource)?.get(&(namespace.to_string(), name.to_string()))
    }

    pub(crate) fn at(&self, key: &ObjectKey) -> Option<&Arc<Value>> {
        self.get(&key.resource, &key.namespace, &key.name)
    }

    pub(crate) fn key_by_uid(&self, uid: &str) -> Option<&ObjectKey> {
        self.by_uid.get(uid)
    }

    pub(crate) fn list<'a>(
        &'a self,
        resource: &str,
    ) -> impl DoubleEndedIterator<Item = (&'a Place, &'a Arc<Value>)> + use<'a> {
        self.by_resource.get(resource).into_iter().flat_map(|places| places.iter())
    }

    pub(crate) fn list_in<'a>(
        &'a self,
        resource: &str,
        namespace: &str,
    ) -> impl Iterator<Item = (&'a Place, &'a Arc<Value>)> + use<'a> {
        let namespace = namespace.to_string();
        let first = (namespace.clone(), String::new());
        self.by_resource
            .get(resource)
            .into_iter()
            .flat_map(move |places| places.range(first.clone()..))
            .take_while(move |((of, _), _)| *of == namespace)
    }

    /// The objects of a resource that follow `after` (a continue token's place), in order.
    pub(crate) fn list_after<'a>(
        &'a self,
        resource: &str,
        after: Place,
    ) -> impl Iterator<Item = (&'a Place, &'a Arc<Value>)> + use<'a> {
        use std::ops::Bound;
        self.by_resource
            .get(resource)
            .into_iter()
            .flat_map(move |places| places.range((Bound::Excluded(after.clone()), Bound::Unbounded)))
    }

    pub(crate) fn count(&self, resource: &str) -> usize {
        self.by_resource.get(resource).map_or(0, BTreeMap::len)
    }

    /// How many objects of all resources are in a namespace.
    pub(crate) fn count_in(&self, namespace: &str) -> usize {
        self.in_namespace.get(namespace).copied().unwrap_or(0)
    }

    /// GroupResource texts of everything that has objects.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &str> {
        self.by_resource.iter().filter(|(_, places)| !places.is_empty()).map(|(resource, _)| resource.as_str())
    }

    /// Everything there is, in order.
    pub(crate) fn everything(&self) -> impl Iterator<Item = (ObjectKey, &Arc<Value>)> {
        self.by_resource.iter().flat_map(|(resource, places)| {
            places.iter().map(move |((namespace, name), object)| (ObjectKey::new(resource, namespace, name), object))
        })
    }

    pub(crate) fn owned_by<'a>(&'a self, uid: &str) -> impl Iterator<Item = &'a ObjectKey> + use<'a> {
        self.by_owner.get(uid).into_iter().flatten()
    }

    pub(crate) fn pods_on<'a>(&'a self, node: &str) -> impl Iterator<Item = &'a Place> + use<'a> {
        self.pods_by_node.get(node).into_iter().flatten()
    }

    /// Stores an object; answers what was there before.
    pub(crate) fn put(&mut self, key: &ObjectKey, object: Arc<Value>) -> Option<Arc<Value>> {
        let old = self.remove(key);
        *self.in_namespace.entry(key.namespace.clone()).or_default() += 1;
        if let Some(uid) = object["metadata"]["uid"].as_str() {
            self.by_uid.insert(uid.to_string(), key.clone());
        }
        for owner in owner_uids(&object) {
            self.by_owner.entry(owner.to_string()).or_default().insert(key.clone());
        }
        if key.resource == resource::PODS {
            self.pods_by_node
                .entry(node_of(&object).to_string())
                .or_default()
                .insert((key.namespace.clone(), key.name.clone()));
        }
        self.by_resource
            .entry(key.resource.clone())
            .or_default()
            .insert((key.namespace.clone(), key.name.clone()), object);
        old
    }

    /// Removes an object; answers what was there.
    pub(crate) fn remove(&mut self, key: &ObjectKey) -> Option<Arc<Value>> {
        let place = (key.namespace.clone(), key.name.clone());
        let old = self.by_resource.get_mut(&key.resource)?.remove(&place)?;
        if let Some(count) = self.in_namespace.get_mut(&key.namespace) {
            *count -= 1;
            if *count == 0 {
                self.in_namespace.remove(&key.namespace);
            }
        }
        if let Some(uid) = old["metadata"]["uid"].as_str() {
            self.by_uid.remove(uid);
        }
        for owner in owner_uids(&old) {
            remove_from(&mut self.by_owner, owner, key);
        }
        if key.resource == resource::PODS {
            remove_from(&mut self.pods_by_node, node_of(&old), &place);
        }
        Some(old)
    }
}

fn remove_from<T: Ord>(index: &mut HashMap<String, BTreeSet<T>>, at: &str, entry: &T) {
    if let Some(entries) = index.get_mut(at) {
        entries.remove(entry);
        if entries.is_empty() {
            index.remove(at);
        }
    }
}

fn owner_uids(object: &Value) -> impl Iterator<Item = &str> {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten().filter_map(|owner| owner["uid"].as_str())
}

fn node_of(pod: &Value) -> &str {
    pod["spec"]["nodeName"].as_str().unwrap_or("")
}
