//! Writes: create, update, delete, as the API server's generic registry does them for every resource.
//!
//! Everything that changes an object comes through here, from a client or a controller. Rules that differ from kind to kind
//! are in [`crate::strategy`].

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use sutler_objects::apply::{self, Manager};
use sutler_objects::schema::{self, Type};

use crate::controllers::{Operation, Propagation, Review};
use crate::key::{ObjectKey, resource};
use crate::machine::Machine;
use crate::registry::Served;
use crate::status::{Cause, Refusal};
use crate::strategy;

/// Who writes, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    /// Field manager.
    pub(crate) manager: &'a str,
    /// `status`, `scale`, …; empty for the object itself.
    pub(crate) subresource: &'a str,
    /// Whether nothing is to be kept.
    pub(crate) dry_run: bool,
    /// Whether this is a controller of ours, whose objects need no checking.
    pub(crate) trusted: bool,
    /// What becomes of fields that the kind does not have.
    pub(crate) validation: Validation,
}

/// `fieldValidation` of the API: what becomes of fields that a kind does not have. They are never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validation {
    /// Nothing is said.
    Ignore,
    /// The client is warned.
    Warn,
    /// The request is refused.
    Strict,
}

/// Where managed fields of an update come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// What changed moves to the writer.
    Track,
    /// The object carries them already: it is the result of a server-side apply.
    Applied,
}

/// What a deletion is to look like.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_seconds: Option<u64>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) dry_run: bool,
}

/// What a deletion came to.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// The object is gone; as it was.
    Gone(Arc<Value>),
    /// It is being deleted: a pod that ends, finalizers that are waited for.
    Going(Arc<Value>),
}

/// A timestamp as objects carry it: whole seconds.
pub(crate) fn time_text(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).map_or_else(|_| time.to_string(), |time| time.to_string())
}

/// The structure of a resource's objects.
pub(crate) fn type_of(served: &Served) -> &Type {
    match &served.custom {
        Some(custom) => &custom.schema,
        None => {
            let resource = &served.resource;
            schema::of(&resource.api_version(), &resource.kind).unwrap_or_else(|| unknown_type())
        }
    }
}

fn unknown_type() -> &'static Type {
    static UNKNOWN: std::sync::LazyLock<Type> = std::sync::LazyLock::new(Type::of_unknown_resource);
    &UNKNOWN
}

impl Machine {
    /// Creates an object in `namespace` (empty for cluster-scoped resources).
    pub(crate) fn create(
        &mut self,
        served: &Served,
        namespace: &str,
        object: Value,
        writer: Writer<'_>,
        ownership: Ownership,
        warnings: &mut Vec<String>,
    ) -> Result<Arc<Value>, Refusal> {
        let group_resource = served.group_resource();
        let mut object = crate::convert::to_version(&object, &served.stored_version()).into_owned();
        ensure_object(&mut object, served)?;
        settle_namespace(&mut object, namespace)?;
        if !text(&object, "resourceVersion").is_empty() {
            return Err(Refusal::internal("resourceVersion should not be set on objects to be created"));
        }
        self.name(&mut object, served)?;
        let key = ObjectKey::of(&served.stored_as, &object);
        self.check_namespace(&key, &group_resource)?;
        self.begin(&mut object, served, writer);
        strategy::prepare_create(served, &mut object, writer.trusted);
        strategy::fill_defaults(served, &mut object);
        self.admit(served, Operation::Create, writer, None, &mut object, warnings)?;
        strategy::after_admission(served, &mut object);
        if !writer.trusted {
            strategy::check_create(self, served, &object)?;
        }
        // Events are many, and nobody applies them: whose their fields are is not recorded.
        if ownership == Ownership::Track && served.stored_as != resource::EVENTS {
            object = self.owned(served, None, &object, writer);
        }
        if self.kept.objects.at(&key).is_some() {
            return Err(Refusal::already_exists(&group_resource, &key.name));
        }
        if writer.dry_run {
            return Ok(Arc::new(object));
        }
        Ok(self.put(&key, object))
    }

    /// Changes the object of `key` to `object`.
    pub(crate) fn update(
        &mut self,
        served: &Served,
        key: &ObjectKey,
        object: Value,
        writer: Writer<'_>,
        ownership: Ownership,
        warnings: &mut Vec<String>,
    ) -> Result<Arc<Value>, Refusal> {
        let group_resource = served.group_resource();
        let Some(old) = self.kept.objects.at(key).cloned() else {
            return Err(Refusal::not_found(&group_resource, &key.name));
        };
        let mut object = crate::convert::to_version(&object, &served.stored_version()).into_owned();
        ensure_object(&mut object, served)?;
        settle_namespace(&mut object, &key.namespace)?;
        if text(&object, "name").is_empty() {
            object["metadata"]["name"] = json!(key.name);
        }
        check_identity(&group_resource, key, &old, &object)?;
        keep_system_metadata(&old, &mut object);
        strategy::prepare_update(served, writer.subresource, &old, &mut object);
        if writer.trusted && writer.subresource == "status" {
            return Ok(self.update_status(served, key, &old, object));
        }
        strategy::fill_defaults(served, &mut object);
        if ownership == Ownership::Track && same_but_owners(&old, &object) {
            return Ok(old);
        }
        self.admit(served, Operation::Update, writer, Some(&old), &mut object, warnings)?;
        strategy::after_admission(served, &mut object);
        if strategy::tracks_generation(served) && strategy::spec_differs(served, &old, &object) {
            object["metadata"]["generation"] = json!(old["metadata"]["generation"].as_i64().unwrap_or(0) + 1);
        }
        if !writer.trusted {
            strategy::check_update(served, writer.subresource, &old, &object)?;
        }
        if ownership == Ownership::Track {
            object = self.owned(served, Some(&old), &object, writer);
        }
        if object == *old {
            return Ok(old);
        }
        if writer.dry_run {
            return Ok(Arc::new(object));
        }
        if let Some(gone) = self.finish_deletion(served, key, &object) {
            return Ok(gone);
        }
        Ok(self.put(key, object))
    }

    /// The short way for what there is most of, the status that a controller writes: it is complete as it is, and whose its
    /// fields are is not recorded (no client applies a status of ours).
    fn update_status(&mut self, served: &Served, key: &ObjectKey, old: &Arc<Value>, mut object: Value) -> Arc<Value> {
        if let Some(fields) = old["metadata"].get("managedFields") {
            object["metadata"]["managedFields"] = fields.clone();
        }
        if object == **old {
            return old.clone();
        }
        match self.finish_deletion(served, key, &object) {
            Some(gone) => gone,
            None => self.put(key, object),
        }
    }

    /// Deletes the object of `key`, or begins to.
    pub(crate) fn delete(
        &mut self,
        served: &Served,
        key: &ObjectKey,
        options: &DeleteOptions,
    ) -> Result<Deleted, Refusal> {
        let group_resource = served.group_resource();
        let Some(old) = self.kept.objects.at(key).cloned() else {
            return Err(Refusal::not_found(&group_resource, &key.name));
        };
        check_preconditions(&group_resource, key, &old, options)?;
        strategy::check_delete(served, key)?;
        let grace = strategy::grace_seconds(served, &old, options.grace_seconds);
        let mut object = Value::clone(&old);
        let finalizer = match options.propagation.unwrap_or_else(|| strategy::default_propagation(served)) {
            Propagation::Foreground => Some("foregroundDeletion"),
            Propagation::Orphan => Some("orphan"),
            Propagation::Background => None,
        };
        if let Some(finalizer) = finalizer {
            add_finalizer(&mut object, finalizer);
        }
        let deleting = !old["metadata"]["deletionTimestamp"].is_null();
        if !deleting || old["metadata"]["deletionGracePeriodSeconds"].as_u64().is_some_and(|left| grace < left) {
            self.mark_deleted(&mut object, grace, deleting);
            strategy::on_deletion(served, &mut object);
        }
        let waits = grace > 0 || strategy::has_finalizers(served, &object);
        if options.dry_run {
            let object = Arc::new(object);
            return Ok(if waits { Deleted::Going(object) } else { Deleted::Gone(object) });
        }
        if !waits {
            let old = self.erase(key).expect("the object was read above");
            return Ok(Deleted::Gone(old));
        }
        if object == *old {
            return Ok(Deleted::Going(old));
        }
        Ok(Deleted::Going(self.put(key, object)))
    }

    /// Marks an object as being deleted, `grace` seconds from now (or from when that began).
    fn mark_deleted(&self, object: &mut Value, grace: u64, deleting: bool) {
        let began = if deleting {
            let ends = object["metadata"]["deletionTimestamp"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
            let length = object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
            ends.map(|ends| ends.as_second() - length)
        } else {
            None
        };
        let began = began.unwrap_or(self.kept.clock.as_second());
        let ends = Timestamp::from_second(began.saturating_add_unsigned(grace)).unwrap_or(Timestamp::MAX);
        let meta = &mut object["metadata"];
        meta["deletionTimestamp"] = json!(time_text(ends));
        meta["deletionGracePeriodSeconds"] = json!(grace);
        if let Some(generation) = meta["generation"].as_i64().filter(|_| !deleting) {
            meta["generation"] = json!(generation + 1);
        }
    }

    /// Removes an object whose deletion waited for nothing but the change that is being made.
    pub(crate) fn finish_deletion(&mut self, served: &Served, key: &ObjectKey, object: &Value) -> Option<Arc<Value>> {
        let meta = &object["metadata"];
        let due = !meta["deletionTimestamp"].is_null() && meta["deletionGracePeriodSeconds"].as_u64().unwrap_or(0) == 0;
        if !due || strategy::has_finalizers(served, object) {
            return None;
        }
        self.erase(key)?;
        Some(Arc::new(object.clone()))
    }

    /// Gives the object its name, drawn when only `generateName` is there.
    fn name(&mut self, object: &mut Value, served: &Served) -> Result<(), Refusal> {
        if !text(object, "name").is_empty() {
            return Ok(());
        }
        let prefix = text(object, "generateName").to_string();
        if prefix.is_empty() {
            let cause = Cause {
                reason: "FieldValueRequired",
                message: "Required value: name or generateName is required".into(),
                field: "metadata.name".into(),
            };
            return Err(Refusal::invalid(&served.resource.group, &served.resource.kind, "", &[cause]));
        }
        // As the API server: 63 characters at most, five of them drawn.
        let prefix: String = prefix.chars().take(58).collect();
        loop {
            let name = format!("{prefix}{}", self.kept.random.name_suffix());
            if self.kept.objects.get(&served.stored_as, text(object, "namespace"), &name).is_none() {
                object["metadata"]["name"] = json!(name);
                return Ok(());
            }
        }
    }

    /// Refuses new objects in a namespace that is not there or is going away.
    fn check_namespace(&self, key: &ObjectKey, group_resource: &str) -> Result<(), Refusal> {
        if key.namespace.is_empty() {
            return Ok(());
        }
        let Some(namespace) = self.kept.objects.get(resource::NAMESPACES, "", &key.namespace) else {
            return Err(Refusal::not_found(resource::NAMESPACES, &key.namespace));
        };
        if namespace["metadata"]["deletionTimestamp"].is_null() {
            return Ok(());
        }
        let namespace = &key.namespace;
        let because = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut refusal = Refusal::forbidden(group_resource, &key.name, &because);
        refusal.details.insert(
            "causes".into(),
            json!([{
                "reason": "NamespaceTerminating", "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }]),
        );
        Err(refusal)
    }

    /// Fills in what the API server alone decides of a new object's metadata.
    fn begin(&mut self, object: &mut Value, served: &Served, writer: Writer<'_>) {
        let uid = if writer.dry_run {
            crate::random::Random { state: self.kept.random.state }.uid()
        } else {
            self.kept.random.uid()
        };
        let created = time_text(self.kept.clock);
        let Some(meta) = object["metadata"].as_object_mut() else { return };
        for name in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation", "resourceVersion"] {
            meta.remove(name);
        }
        meta.insert("uid".into(), json!(uid));
        meta.insert("creationTimestamp".into(), json!(created));
        if strategy::tracks_generation(served) {
            meta.insert("generation".into(), json!(1));
        }
    }

    fn admit(
        &self,
        served: &Served,
        operation: Operation,
        writer: Writer<'_>,
        old: Option<&Value>,
        object: &mut Value,
        warnings: &mut Vec<String>,
    ) -> Result<(), Refusal> {
        let view = self.view();
        for step in &self.admission {
            let mut review = Review {
                operation,
                resource: &served.stored_as,
                subresource: writer.subresource,
                old,
                object: &mut *object,
                warnings: &mut *warnings,
            };
            step.admit(&mut review, &view)?;
        }
        Ok(())
    }

    /// The object with its managed fields brought up to date.
    fn owned(&self, served: &Served, old: Option<&Value>, object: &Value, writer: Writer<'_>) -> Value {
        let time = time_text(self.kept.clock);
        let manager = Manager { name: writer.manager, subresource: writer.subresource, time: &time };
        apply::track_update(old, object, type_of(served), &manager)
    }
}

pub(crate) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object["metadata"][name].as_str().unwrap_or("")
}

/// Refuses what is no object of the resource, and sees to it that there is a `metadata`.
fn ensure_object(object: &mut Value, served: &Served) -> Result<(), Refusal> {
    if !object.is_object() {
        return Err(Refusal::bad_request("the body of the request is not a JSON object"));
    }
    let resource = &served.resource;
    object["apiVersion"] = json!(served.stored_version());
    object["kind"] = json!(resource.kind);
    if object["metadata"].is_null() {
        object["metadata"] = json!({});
    }
    if !object["metadata"].is_object() {
        return Err(Refusal::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: json: cannot unmarshal metadata",
            resource.kind, resource.version, resource.kind
        )));
    }
    Ok(())
}

/// Makes the namespace of the object that of the request.
fn settle_namespace(object: &mut Value, namespace: &str) -> Result<(), Refusal> {
    let own = text(object, "namespace");
    if !own.is_empty() && !namespace.is_empty() && own != namespace {
        return Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if namespace.is_empty() {
        if let Some(meta) = object["metadata"].as_object_mut() {
            meta.remove("namespace");
        }
    } else {
        object["metadata"]["namespace"] = json!(namespace);
    }
    Ok(())
}

const MODIFIED: &str = "the object has been modified; please apply your changes to the latest version and try again";

fn check_identity(group_resource: &str, key: &ObjectKey, old: &Value, object: &Value) -> Result<(), Refusal> {
    let name = text(object, "name");
    if name != key.name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            key.name
        )));
    }
    let (uid, sent) = (text(old, "uid"), text(object, "uid"));
    if !sent.is_empty() && sent != uid {
        let because = format!("Precondition failed: UID in precondition: {sent}, UID in object meta: {uid}");
        return Err(Refusal::conflict(group_resource, &key.name, &because));
    }
    let sent = text(object, "resourceVersion");
    if !sent.is_empty() && sent != text(old, "resourceVersion") {
        return Err(Refusal::conflict(group_resource, &key.name, MODIFIED));
    }
    Ok(())
}

fn check_preconditions(
    group_resource: &str,
    key: &ObjectKey,
    old: &Value,
    options: &DeleteOptions,
) -> Result<(), Refusal> {
    let check = |wanted: &Option<String>, found: &str, what: &str| match wanted {
        Some(wanted) if wanted != found => {
            let because =
                format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}");
            Err(Refusal::conflict(group_resource, &key.name, &because))
        }
        _ => Ok(()),
    };
    check(&options.uid, text(old, "uid"), "UID")?;
    check(&options.resource_version, text(old, "resourceVersion"), "ResourceVersion")
}

/// Whether two states of an object differ at most in their managed fields.
fn same_but_owners(old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return old == new };
    let same_metadata = |old: &Value, new: &Value| {
        let sent = new.get("managedFields").unwrap_or(&Value::Null);
        let owners_same = sent.is_null() || Some(sent) == old.get("managedFields");
        owners_same && without_owners(old).eq(without_owners(new))
    };
    old.len() == new.len()
        && old.iter().zip(new).all(|((name, old), (other, new))| {
            name == other && if name == "metadata" { same_metadata(old, new) } else { old == new }
        })
}

fn without_owners(metadata: &Value) -> impl Iterator<Item = (&String, &Value)> {
    metadata.as_object().into_iter().flatten().filter(|(name, _)| *name != "managedFields")
}

/// What a client cannot change of the metadata stays as it is.
fn keep_system_metadata(old: &Value, object: &mut Value) {
    let Some(meta) = object["metadata"].as_object_mut() else { return };
    for name in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
        "selfLink",
        "generateName",
    ] {
        match old["metadata"].get(name) {
            Some(value) => meta.insert(name.into(), value.clone()),
            None => meta.remove(name),
        };
    }
}

pub(crate) fn add_finalizer(object: &mut Value, finalizer: &str) {
    let finalizers = &mut object["metadata"]["finalizers"];
    if finalizers.is_null() {
        *finalizers = json!([]);
    }
    if let Some(list) = finalizers.as_array_mut()
        && !list.iter().any(|known| known == finalizer)
    {
        list.push(json!(finalizer));
    }
}
