//! Server-side apply: who owns which field, what an apply changes, and where it conflicts.
//!
//! ```text
//!   apply(live, applied)         merged by the schema; fields no longer applied and owned by nobody else go;
//!                                fields of other managers that change are conflicts (or taken, by force)
//!   track_update(live, updated)  any other write: what it changed moves to its manager
//! ```
//!
//! Behaves as structured-merge-diff does under the API server of 1.34. Left out: the two special rules for kubectl's
//! last-applied annotation, and conversion between versions of a kind (a manager's fields are taken as they are).

mod fields;
mod managed;
mod typed;

pub use fields::{FieldSet, PathElement, path_text};
pub use managed::Operation;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::object;
use crate::schema::{self, Type};
use managed::{Identity, Managed, Owned};

/// Who writes, when, and through which part of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager<'a> {
    /// The `fieldManager` of the request (or what is before the first `/` of its user agent); empty counts as `unknown`.
    pub name: &'a str,
    /// `status`, `scale`, …; empty for the object itself.
    pub subresource: &'a str,
    /// Now, as RFC 3339 with seconds: `2026-01-31T12:00:00Z`.
    pub time: &'a str,
}

/// Whether an apply takes fields from other managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// Conflicts are an error.
    No,
    /// Conflicting fields move to the applier.
    Yes,
}

/// A field that an apply would change although another manager owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// As messages name a manager: `"kubectl-client-side-apply" using apps/v1`.
    pub manager: String,
    /// `.spec.replicas`.
    pub field: String,
}

/// Why an apply is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Status 409, reason `Conflict`, one cause of type `FieldManagerConflict` for each.
    #[error("{}", conflict_message(.0))]
    Conflict(Vec<Conflict>),
    /// Status 400: the applied object names managed fields, another kind, or no kind at all.
    #[error("{0}")]
    BadRequest(String),
    /// The applied object does not fit its type. The API server answers 500 with this text.
    #[error("failed to create typed patch object ({object}): {}", problem_message(.problems))]
    Schema {
        /// `ray/default; apps/v1, Kind=Deployment`.
        object: String,
        /// `.spec.foo: field not declared in schema`.
        problems: Vec<String>,
    },
    /// Deeper than [`crate::object::MAX_DEPTH`].
    #[error("nested deeper than {} levels", object::MAX_DEPTH)]
    TooDeep,
}

impl ApplyError {
    /// The HTTP status of the API server's answer.
    pub fn status(&self) -> u16 {
        match self {
            ApplyError::Conflict(_) => 409,
            ApplyError::BadRequest(_) | ApplyError::TooDeep => 400,
            ApplyError::Schema { .. } => 500,
        }
    }
}

fn problem_message(problems: &[String]) -> String {
    match problems {
        [one] => one.clone(),
        many => many.iter().fold("errors:".to_owned(), |text, problem| format!("{text}\n  {problem}")),
    }
}

fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [Conflict { manager, field }] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {manager}: {field}");
    }
    let mut by_manager: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for conflict in conflicts {
        by_manager.entry(&conflict.manager).or_default().push(&conflict.field);
    }
    let mut lines = Vec::new();
    for (manager, fields) in by_manager {
        lines.push(format!("conflicts with {manager}:"));
        lines.extend(fields.iter().map(|field| format!("- {field}")));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

/// Applies `applied` to the live object (`None`: it does not exist yet) and returns the object to store, its
/// `metadata.managedFields` brought up to date. Defaults are not filled in: the caller does that to the result, as the API
/// server does after it merges. If nothing changes, the result equals the live object, times of managers included.
///
/// # Errors
/// See [`ApplyError`].
pub fn apply(
    live: Option<&Value>,
    applied: &Value,
    ty: &Type,
    manager: &Manager<'_>,
    force: Force,
) -> Result<Value, ApplyError> {
    if !object::is_shallow(applied) || !live.is_none_or(object::is_shallow) {
        return Err(ApplyError::TooDeep);
    }
    check_request(live, applied)?;
    let problems = typed::problems(applied, ty);
    if !problems.is_empty() {
        let name = format!(
            "{}/{}; {}",
            object::namespace(applied),
            object::name(applied),
            crate::kinds::GroupVersionKind::of(applied)
        );
        return Err(ApplyError::Schema { object: name, problems });
    }

    let version = object::api_version(applied);
    let empty = schema::empty_object(ty, version, object::kind(applied));
    let stored = as_stored(live.unwrap_or(&empty), ty);
    let mut managed = Managed::decode(live.unwrap_or(&empty)).unwrap_or_default();
    if managed.owners.is_empty() && live.is_some() {
        // An object nobody's fields were recorded of: they belong to what was there before the first apply.
        let before = Identity::new("before-first-apply", Operation::Update, version, "");
        let mut set = typed::compare(&empty, &stored, ty);
        set.added = set.added.union(&set.modified).difference(&never_owned());
        managed
            .owners
            .insert(before, Owned { set: set.added, version: version.to_owned(), time: Some(manager.time.to_owned()) });
    }

    let identity = Identity::new(manager.name, Operation::Apply, version, manager.subresource);
    let ignored = ignored_fields(ty, manager.subresource);
    let merged = typed::merge(Some(&stored), Some(applied), ty).unwrap_or(Value::Null);
    let last = managed.owners.get(&identity).map(|owned| owned.set.clone());
    let previous_time = managed.owners.get(&identity).and_then(|owned| owned.time.clone());
    let set = typed::field_set(applied, ty).difference_with_below(&ignored);
    managed.owners.insert(identity.clone(), Owned { set, version: version.to_owned(), time: previous_time });
    let result = match last {
        Some(last) if !last.is_empty() => prune(merged, &managed, &last, ty),
        _ => merged,
    };

    let comparison = typed::compare(&stored, &result, ty).without(&ignored);
    take_over(&mut managed, &identity, &comparison, force)?;
    if let Some(owned) = managed.owners.get_mut(&identity) {
        owned.set = owned.set.difference(&never_owned());
        if !typed::same(&stored, &result) || live.is_none() {
            owned.time = Some(manager.time.to_owned());
        }
    }
    managed.drop_empty();
    // Only now: what is compared above is the merged object as it is, as in the API server.
    Ok(managed.encode_into(as_stored(&result, ty)))
}

fn check_request(live: Option<&Value>, applied: &Value) -> Result<(), ApplyError> {
    let gvk = crate::kinds::GroupVersionKind::of(applied);
    if gvk.kind.is_empty() || gvk.version.is_empty() {
        return Err(ApplyError::BadRequest(format!("invalid object type: {gvk}")));
    }
    if let Some(live) =
        live.filter(|live| object::kind(live) != gvk.kind || object::api_version(live) != gvk.api_version())
    {
        let text = format!(
            "Incorrect version specified in apply patch. Specified patch version: {}, expected: {}",
            gvk.api_version(),
            object::api_version(live)
        );
        return Err(ApplyError::BadRequest(text));
    }
    if object::at(applied, &["metadata", "managedFields"]).is_some() {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    Ok(())
}

/// The object to store after any write but an apply: `updated` (defaults filled in) with its `metadata.managedFields`
/// computed. What it changed of `live` (`None`: a create) belongs to `manager` now, and to nobody else.
///
/// As in the API server, an object whose managed fields were never recorded stays so, `managedFields: [{}]` in the update
/// resets them, and other managed fields that a client sends replace those of the live object.
pub fn track_update(live: Option<&Value>, updated: &Value, ty: &Type, manager: &Manager<'_>) -> Value {
    if !object::is_shallow(updated) || !live.is_none_or(object::is_shallow) {
        return updated.clone();
    }
    let version = object::api_version(updated);
    let empty = schema::empty_object(ty, version, object::kind(updated));
    let stored = as_stored(live.unwrap_or(&empty), ty);
    let result = as_stored(updated, ty);
    let mut managed = managed_of(live, updated, manager);
    if managed.owners.is_empty() && live.is_some() {
        return result;
    }
    // The operation works under a name of its own first, so that the manager's earlier fields count as another's.
    let own = Identity::new("current-operation", Operation::Update, version, manager.subresource);
    let ignored = ignored_fields(ty, manager.subresource);
    let comparison = typed::compare(&stored, &result, ty).without(&ignored);
    // Forced: there are no conflicts.
    let _ = take_over(&mut managed, &own, &comparison, Force::Yes);
    let set = comparison.modified.union(&comparison.added).difference_with_below(&ignored).difference(&never_owned());
    if !set.is_empty() {
        let identity = Identity::new(manager.name, Operation::Update, version, manager.subresource);
        let earlier = managed.owners.remove(&identity).map(|owned| owned.set).unwrap_or_default();
        let owned =
            Owned { set: set.union(&earlier), version: version.to_owned(), time: Some(manager.time.to_owned()) };
        managed.owners.insert(identity, owned);
    }
    managed.drop_empty();
    managed.cap_updates();
    managed.encode_into(result)
}

/// The ownership an update starts from: what the client sent, if it sent any, else the live object's.
fn managed_of(live: Option<&Value>, updated: &Value, manager: &Manager<'_>) -> Managed {
    let of_live = || live.and_then(Managed::decode).unwrap_or_default();
    if !manager.subresource.is_empty() {
        return of_live();
    }
    match updated.pointer("/metadata/managedFields").and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => Managed::default(),
        Some([Value::Object(only)]) if only.is_empty() => Managed::default(),
        _ => Managed::decode(updated).filter(|sent| !sent.owners.is_empty()).unwrap_or_else(of_live),
    }
}

/// Takes what changed from the other managers, as `merge.Updater.update` does.
fn take_over(
    managed: &mut Managed,
    own: &Identity,
    comparison: &typed::Comparison,
    force: Force,
) -> Result<(), ApplyError> {
    let changed = comparison.modified.union(&comparison.added);
    if force == Force::No {
        let others = managed.owners.iter().filter(|(identity, _)| *identity != own);
        let conflicts: Vec<Conflict> = others
            .flat_map(|(identity, owned)| {
                let paths = owned.set.intersection(&changed).paths();
                paths.into_iter().map(|path| Conflict { manager: identity.describe(owned), field: path_text(&path) })
            })
            .collect();
        if !conflicts.is_empty() {
            return Err(ApplyError::Conflict(conflicts));
        }
    }
    for (_, owned) in managed.owners.iter_mut().filter(|(identity, _)| *identity != own) {
        owned.set = owned.set.difference(&owned.set.intersection(&changed)).difference(&comparison.removed);
    }
    Ok(())
}

/// Removes what this applier applied last time and not now, unless somebody else owns it.
fn prune(merged: Value, managed: &Managed, last: &FieldSet, ty: &Type) -> Value {
    let with_parents = |set: &FieldSet| set.with_named_parents(Some(ty));
    let last = with_parents(last);
    let all = with_parents(&typed::field_set(&merged, ty));
    let pruned = typed::remove(&merged, &last, ty);
    // Back comes what anybody owns,
    let owned = managed.owners.values().fold(FieldSet::default(), |set, owned| set.union(&owned.set));
    let left = with_parents(&typed::field_set(&pruned, ty));
    let pruned = typed::remove(&merged, &all.difference(&left.union(&with_parents(&owned))), ty);
    // and what was never this applier's (elements below something it removed).
    let left = with_parents(&typed::field_set(&pruned, ty));
    typed::remove(&merged, &all.difference(&left).intersection(&last), ty)
}

/// Without managed fields, and with the structures that every stored object has: what is compared.
fn as_stored(value: &Value, ty: &Type) -> Value {
    let mut value = value.clone();
    schema::fill_structures(&mut value, ty);
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    value
}

/// Fields that no manager owns.
fn never_owned() -> FieldSet {
    let names = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    let metadata: serde_json::Map<String, Value> =
        names.iter().map(|name| (format!("f:{name}"), json!({}))).chain([(".".to_owned(), json!({}))]).collect();
    FieldSet::decode(&json!({"f:apiVersion": {}, "f:kind": {}, "f:metadata": metadata})).unwrap_or_default()
}

/// Fields that a write through this part of the API cannot change: `status` through the object itself, all but it through
/// the status subresource.
fn ignored_fields(ty: &Type, subresource: &str) -> FieldSet {
    let has_status = ty.structure().is_some_and(|of| of.field("status").is_some());
    let fields = match subresource {
        "" if has_status => json!({"f:status": {}}),
        "status" => json!({"f:spec": {}}),
        _ => json!({}),
    };
    FieldSet::decode(&fields).unwrap_or_default()
}

#[cfg(test)]
mod tests;
