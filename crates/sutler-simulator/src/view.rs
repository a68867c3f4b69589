//! What controllers see: the present state of every object, the clock, the cluster model, and seeded randomness.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cluster::ClusterModel;
use crate::key::ObjectKey;
use crate::objects::Objects;

/// A read-only look at the present state. Cheap to make; every read is by an index or a range of one.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub(crate) objects: &'a Objects,
    pub(crate) cluster: &'a ClusterModel,
    pub(crate) now: Timestamp,
    pub(crate) seed: u64,
}

impl<'a> View<'a> {
    /// The simulated time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Pools, roles and names of the cluster.
    pub fn cluster(&self) -> &'a ClusterModel {
        self.cluster
    }

    /// A number that depends on the seed of the store and on `salt` alone (an object's uid and a purpose, say): the same
    /// question gets the same answer at any time, in any order.
    pub fn random(&self, salt: &str) -> u64 {
        let digest = Sha256::new().chain_update(self.seed.to_le_bytes()).chain_update(salt.as_bytes()).finalize();
        u64::from_le_bytes(digest[..8].try_into().expect("a SHA-256 digest has 32 bytes"))
    }

    /// One object; `resource` is GroupResource text (`pods`, `deployments.apps`), see [`crate::key::resource`].
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<&'a Value> {
        self.objects.get(resource, namespace, name).map(Arc::as_ref)
    }

    /// The object of `key`.
    pub fn object(&self, key: &ObjectKey) -> Option<&'a Value> {
        self.get(&key.resource, &key.namespace, &key.name)
    }

    /// The object with this uid, and its key.
    pub fn by_uid(&self, uid: &str) -> Option<(&'a ObjectKey, &'a Value)> {
        let key = self.objects.key_by_uid(uid)?;
        Some((key, self.object(key)?))
    }

    /// All objects of a resource, by namespace and name.
    pub fn list(&self, resource: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.objects.list(resource).map(|(_, object)| object.as_ref())
    }

    /// The objects of a resource in one namespace, by name.
    pub fn list_in(&self, resource: &str, namespace: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.objects.list_in(resource, namespace).map(|(_, object)| object.as_ref())
    }

    /// How many objects of a resource there are.
    pub fn count(&self, resource: &str) -> usize {
        self.objects.count(resource)
    }

    /// The objects of `resource` that have an owner reference to `uid`, by namespace and name.
    pub fn owned_by(&self, uid: &str, resource: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        let objects = self.objects;
        let resource = resource.to_string();
        objects
            .owned_by(uid)
            .filter(move |key| key.resource == resource)
            .filter_map(move |key| objects.get(&key.resource, &key.namespace, &key.name).map(Arc::as_ref))
    }

    /// The pods bound to a node, by namespace and name.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        let objects = self.objects;
        objects.pods_on(node).filter_map(move |(namespace, name)| {
            objects.get(crate::key::resource::PODS, namespace, name).map(Arc::as_ref)
        })
    }

    /// The pods bound to no node yet (finished ones too), by namespace and name.
    pub fn pods_unbound(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.pods_on("")
    }
}
