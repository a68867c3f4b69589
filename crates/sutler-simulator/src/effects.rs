//! What controllers want done, done: the same writes as clients', by a trusted writer.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sutler_objects::patch::merge_patch;

use crate::controllers::{Deletion, Effect, Effects, Note, Severity};
use crate::key::{ObjectKey, resource};
use crate::machine::Machine;
use crate::registry::Served;
use crate::status::Refusal;
use crate::write::{DeleteOptions, Ownership, Validation, Writer, time_text};

/// How long an event is kept after it was last seen.
const EVENTS_KEPT: SignedDuration = SignedDuration::from_hours(1);
const SWEEP_EVERY: SignedDuration = SignedDuration::from_mins(5);

impl Machine {
    /// Applies one effect of the controller with this index, which was looking at `key`.
    pub(crate) fn apply(&mut self, controller: usize, key: &ObjectKey, effect: Effect) {
        let manager = self.controllers[controller].manager();
        let name = self.controllers[controller].name();
        match effect {
            Effect::Wake { key, at } => self.wake_at(controller, key, at),
            Effect::ForgetWake { key } => {
                if self.kept.timers.forget(name, &key) {
                    self.step.timers.insert((name.to_string(), key), None);
                }
            }
            Effect::Record(note) => self.record(&note),
            effect => {
                if let Err(refusal) = self.write_effect(manager, effect.clone()) {
                    self.tell_refused(controller, key, &effect, &refusal);
                }
            }
        }
    }

    fn wake_at(&mut self, controller: usize, key: ObjectKey, at: Timestamp) {
        let name = self.controllers[controller].name();
        if at <= self.kept.clock {
            self.queues[controller].push(key);
        } else if self.kept.timers.set(name, &key, at) {
            self.step.timers.insert((name.to_string(), key), Some(at));
        }
    }

    /// Tells a controller that its effect was refused; what it then wants is done, but not told about again.
    fn tell_refused(&mut self, controller: usize, key: &ObjectKey, effect: &Effect, refusal: &Refusal) {
        tracing::debug!(controller = self.controllers[controller].name(), %key, %refusal, "an effect was refused");
        let mut answer = Effects::default();
        self.controllers[controller].on_refused(key, effect, refusal, &self.view(), &mut answer);
        let manager = self.controllers[controller].manager();
        for effect in answer.list {
            match effect {
                Effect::Record(note) => self.record(&note),
                Effect::Wake { key, at } => self.wake_at(controller, key, at),
                effect => {
                    if let Err(refusal) = self.write_effect(manager, effect) {
                        tracing::debug!(%key, %refusal, "an answer to a refusal was refused as well");
                    }
                }
            }
        }
    }

    fn write_effect(&mut self, manager: &str, effect: Effect) -> Result<(), Refusal> {
        let writer = Writer { manager, subresource: "", dry_run: false, trusted: true, validation: Validation::Ignore };
        let status = Writer { subresource: "status", ..writer };
        let mut warnings = Vec::new();
        match effect {
            Effect::Create(object) => {
                let served = self.served_of(&object)?;
                let namespace = object["metadata"]["namespace"].as_str().unwrap_or("").to_string();
                self.create(&served, &namespace, object, writer, Ownership::Track, &mut warnings)?;
            }
            Effect::Replace(object) => {
                let served = self.served_of(&object)?;
                let key = ObjectKey::of(&served.stored_as, &object);
                self.update(&served, &key, object, writer, Ownership::Track, &mut warnings)?;
            }
            Effect::ReplaceStatus(object) => {
                let served = self.served_of(&object)?;
                let key = ObjectKey::of(&served.stored_as, &object);
                // Most looks of a controller find nothing new: that must cost nothing.
                if self.kept.objects.at(&key).is_none_or(|old| old["status"] != object["status"]) {
                    self.update(&served, &key, object, status, Ownership::Track, &mut warnings)?;
                }
            }
            Effect::Patch { key, patch } => self.patch_effect(&key, &patch, writer)?,
            Effect::PatchStatus { key, patch } => self.patch_effect(&key, &json!({"status": patch}), status)?,
            Effect::Finalize { key } => {
                let finalize = Writer { subresource: "finalize", ..writer };
                self.patch_effect(&key, &json!({"spec": {"finalizers": null}}), finalize)?;
            }
            Effect::Delete(Deletion { key, uid, grace_seconds, propagation }) => {
                let served = self.served_at(&key)?;
                let options =
                    DeleteOptions { grace_seconds, propagation: Some(propagation), uid, ..DeleteOptions::default() };
                self.delete(&served, &key, &options)?;
            }
            Effect::Record(_) | Effect::Wake { .. } | Effect::ForgetWake { .. } => {}
        }
        Ok(())
    }

    fn patch_effect(&mut self, key: &ObjectKey, patch: &Value, writer: Writer<'_>) -> Result<(), Refusal> {
        let served = self.served_at(key)?;
        let Some(old) = self.kept.objects.at(key) else {
            return Err(Refusal::not_found(&served.group_resource(), &key.name));
        };
        let object = merge_patch(old, patch).map_err(|error| Refusal::bad_request(error.to_string()))?;
        if object == **old {
            return Ok(());
        }
        self.update(&served, key, object, writer, Ownership::Track, &mut Vec::new())?;
        Ok(())
    }

    fn served_of(&self, object: &Value) -> Result<Served, Refusal> {
        self.registry.of_object(object).cloned().ok_or_else(Refusal::no_such_resource)
    }

    pub(crate) fn served_at(&self, key: &ObjectKey) -> Result<Served, Refusal> {
        self.registry.stored_as(&key.resource).cloned().ok_or_else(Refusal::no_such_resource)
    }

    /// Forgets the events that were last seen an hour ago or longer, as an API server's `--event-ttl` has it. That is done when
    /// new ones come, at most every five minutes: a timer of its own would draw the clock along for nothing.
    fn sweep_events(&mut self) {
        let now = self.kept.clock;
        if now.duration_since(self.events_swept) < SWEEP_EVERY {
            return;
        }
        self.events_swept = now;
        let seen = |event: &Value| {
            let times = [&event["lastTimestamp"], &event["eventTime"], &event["metadata"]["creationTimestamp"]];
            times.into_iter().find_map(|time| time.as_str()?.parse::<Timestamp>().ok())
        };
        let old = |event: &Value| seen(event).is_some_and(|seen| now.duration_since(seen) >= EVENTS_KEPT);
        let events = self.kept.objects.list(resource::EVENTS);
        let forgotten: Vec<ObjectKey> = events
            .filter(|(_, event)| old(event))
            .map(|((namespace, name), _)| ObjectKey::new(resource::EVENTS, namespace, name))
            .collect();
        for key in forgotten {
            self.erase(&key);
        }
    }

    /// Records an Event, or counts one up that is there.
    fn record(&mut self, note: &Note) {
        let Some(served) = self.registry.stored_as(resource::EVENTS).cloned() else { return };
        self.sweep_events();
        let now = time_text(self.kept.clock);
        let regarding = &note.regarding;
        let meta = &regarding["metadata"];
        // Events about what is in no namespace are kept in `default`, as client-go's recorder does.
        let namespace = meta["namespace"].as_str().filter(|namespace| !namespace.is_empty()).unwrap_or("default");
        let severity = match note.severity {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        };
        let about = meta["name"].as_str().unwrap_or("");
        let mut digest = Sha256::new();
        for part in
            [meta["uid"].as_str().unwrap_or(""), severity, &note.reason, &note.message, &note.component, &note.host]
        {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        let digest = digest.finalize();
        let number = u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 digest has 32 bytes"));
        let key = ObjectKey::new(resource::EVENTS, namespace, format!("{about}.{number:016x}"));
        let writer = Writer {
            manager: &note.component,
            subresource: "",
            dry_run: false,
            trusted: true,
            validation: Validation::Ignore,
        };
        let mut warnings = Vec::new();
        let kept = match self.kept.objects.at(&key).cloned() {
            Some(old) => {
                let mut event = Value::clone(&old);
                event["count"] = json!(event["count"].as_i64().unwrap_or(1) + 1);
                event["lastTimestamp"] = json!(now);
                self.update(&served, &key, event, writer, Ownership::Track, &mut warnings)
            }
            None => {
                let mut source = json!({"component": note.component});
                if !note.host.is_empty() {
                    source["host"] = json!(note.host);
                }
                let event = json!({
                    "apiVersion": "v1", "kind": "Event", "metadata": {"name": key.name, "namespace": namespace},
                    "involvedObject": {
                        "apiVersion": regarding["apiVersion"], "kind": regarding["kind"], "name": about,
                        "namespace": meta["namespace"], "uid": meta["uid"], "resourceVersion": meta["resourceVersion"],
                    },
                    "type": severity, "reason": note.reason, "message": note.message, "source": source,
                    "reportingComponent": note.component, "reportingInstance": note.host, "count": 1,
                    "firstTimestamp": now, "lastTimestamp": now, "eventTime": null,
                });
                self.create(&served, namespace, without_nulls(event), writer, Ownership::Track, &mut warnings)
            }
        };
        if let Err(refusal) = kept {
            tracing::debug!(reason = note.reason, %refusal, "an event was not recorded");
        }
    }
}

/// References of cluster-scoped objects have no namespace, rather than none that is `null`.
fn without_nulls(mut event: Value) -> Value {
    if let Some(reference) = event["involvedObject"].as_object_mut() {
        reference.retain(|_, value| !value.is_null());
    }
    event
}
