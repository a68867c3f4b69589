//! `metadata.managedFields`: reading, writing, and keeping it small.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::FieldSet;
use crate::object;

/// As in the API server: beyond so many entries of updates the oldest are merged into one.
const MAX_UPDATES: usize = 10;

/// How a manager came to own its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

/// What tells one entry from another. An applier is the same in every version of the API; an updater is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    operation: Operation,
    manager: String,
    version: String,
    subresource: String,
}

impl Identity {
    pub(super) fn new(manager: &str, operation: Operation, version: &str, subresource: &str) -> Self {
        let manager = if manager.is_empty() { "unknown" } else { manager };
        let version = if operation == Operation::Apply { "" } else { version };
        Self {
            operation,
            manager: manager.to_owned(),
            version: version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }

    /// As conflicts name it: `"helm"`, `"kubectl-edit" using apps/v1 at 2026-01-31T12:00:00Z`.
    pub(super) fn describe(&self, owned: &Owned) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text += &format!(" with subresource {:?}", self.subresource);
        }
        if self.operation == Operation::Update {
            text += &format!(" using {}", owned.version);
        }
        text
    }
}

/// What a manager owns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Owned {
    pub(super) set: FieldSet,
    pub(super) version: String,
    /// RFC 3339.
    pub(super) time: Option<String>,
}

/// All managers of an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Managed {
    pub(super) owners: BTreeMap<Identity, Owned>,
}

impl Managed {
    /// `None` if an entry is not of the form the API server writes; it treats such an object as one without owners.
    pub(super) fn decode(of: &Value) -> Option<Self> {
        let mut managed = Self::default();
        for entry in object::list(of, &["metadata", "managedFields"]) {
            let operation = match object::text(entry, &["operation"]) {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return None,
            };
            let version = object::text(entry, &["apiVersion"]);
            if version.is_empty() || object::text(entry, &["fieldsType"]) != "FieldsV1" {
                return None;
            }
            let set = entry.get("fieldsV1").map_or(Some(FieldSet::default()), FieldSet::decode)?;
            let identity = Identity::new(
                object::text(entry, &["manager"]),
                operation,
                version,
                object::text(entry, &["subresource"]),
            );
            let time = entry.get("time").and_then(Value::as_str).map(str::to_owned);
            managed.owners.insert(identity, Owned { set, version: version.to_owned(), time });
        }
        Some(managed)
    }

    /// Writes the entries into `value`, sorted as the API server sorts them: applies first, then by time and name.
    pub(super) fn encode_into(self, mut value: Value) -> Value {
        let mut entries: Vec<(Identity, Owned)> = self.owners.into_iter().collect();
        entries.sort_by(|(a, of_a), (b, of_b)| {
            (a.operation, &of_a.time, &a.manager, &of_a.version, &a.subresource).cmp(&(
                b.operation,
                &of_b.time,
                &b.manager,
                &of_b.version,
                &b.subresource,
            ))
        });
        let entry = |(identity, owned): (Identity, Owned)| {
            let mut entry = Map::new();
            entry.insert("manager".to_owned(), identity.manager.into());
            entry.insert(
                "operation".to_owned(),
                if identity.operation == Operation::Apply { "Apply" } else { "Update" }.into(),
            );
            entry.insert("apiVersion".to_owned(), owned.version.into());
            if let Some(time) = owned.time {
                entry.insert("time".to_owned(), time.into());
            }
            entry.insert("fieldsType".to_owned(), "FieldsV1".into());
            entry.insert("fieldsV1".to_owned(), owned.set.encode());
            if !identity.subresource.is_empty() {
                entry.insert("subresource".to_owned(), identity.subresource.into());
            }
            Value::Object(entry)
        };
        let entries: Vec<Value> = entries.into_iter().map(entry).collect();
        let metadata = object::map_mut(&mut value, &["metadata"]);
        if entries.is_empty() {
            metadata.remove("managedFields");
        } else {
            metadata.insert("managedFields".to_owned(), json!(entries));
        }
        value
    }

    pub(super) fn drop_empty(&mut self) {
        self.owners.retain(|_, owned| !owned.set.is_empty());
    }

    /// Merges the oldest updates into `ancient-changes` until there are few enough.
    pub(super) fn cap_updates(&mut self) {
        let mut updates: Vec<(Option<String>, Identity)> = self
            .owners
            .iter()
            .filter(|(identity, _)| identity.operation == Operation::Update)
            .map(|(identity, owned)| (owned.time.clone(), identity.clone()))
            .collect();
        updates.sort();
        let mut count = updates.len();
        let mut firsts: BTreeMap<String, Identity> = BTreeMap::new();
        for (_, identity) in updates {
            if count <= MAX_UPDATES {
                break;
            }
            let version = identity.version.clone();
            let Some(first) = firsts.get(&version) else {
                firsts.insert(version, identity);
                continue;
            };
            let bucket = Identity::new("ancient-changes", Operation::Update, &version, "");
            let moved = (!self.owners.contains_key(&bucket)).then(|| self.owners.remove(first)).flatten();
            if let Some(moved) = moved {
                self.owners.insert(bucket.clone(), moved);
            }
            if let (Some(newer), Some(into)) = (self.owners.remove(&identity), self.owners.get(&bucket)) {
                let set = newer.set.union(&into.set);
                self.owners.insert(bucket, Owned { set, ..newer });
                count -= 1;
            }
        }
    }
}
