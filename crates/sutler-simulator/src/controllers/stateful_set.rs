//! StatefulSet: pods with a number, a name and volumes of their own, as Kubernetes' stateful set controller.
//!
//! In order one after the other (`OrderedReady`) or all at once (`Parallel`); claims are made from templates and stay, unless the
//! set's retention policy says otherwise. Updates go from the highest number down to `partition`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::controllers::replica_set::queue_owner;
use crate::controllers::{Change, Controller, Deletion, Effects, Note, Queue, Severity, pods, revisions};
use crate::key::{ObjectKey, resource};
use crate::view::View;

const REVISION: &str = "controller-revision-hash";

/// Keeps the pods of StatefulSets.
pub(crate) struct StatefulSets;

impl Controller for StatefulSets {
    fn name(&self) -> &'static str {
        "statefulset-controller"
    }

    fn on_change(&self, change: &Change, _view: &View<'_>, queue: &mut Queue) {
        queue_owner(change, resource::STATEFUL_SETS, "StatefulSet", queue);
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(set) = view.object(key) else { return };
        let hash = revisions::record(view, set, resource::STATEFUL_SETS, effects);
        let update = format!("{}-{hash}", key.name);
        let members = Members::of(view, set, update);
        if !pods::is_terminating(set) {
            members.settle(view, effects);
        }
        let (status, wake) = members.status(view.now());
        effects.replace_status(json!({
            "apiVersion": set["apiVersion"], "kind": set["kind"], "metadata": set["metadata"], "status": status,
        }));
        match wake {
            Some(at) => effects.wake_at(key.clone(), at),
            None => effects.forget_wake(key.clone()),
        }
    }
}

/// A set with its pods by number.
struct Members<'a> {
    set: &'a Value,
    /// The revision of the present template.
    update: String,
    /// The revision that pods are made of as long as an update is not through.
    current: String,
    /// The lowest number.
    start: i64,
    wanted: i64,
    /// Pods with their numbers, lowest first.
    pods: Vec<(i64, &'a Value)>,
}

impl<'a> Members<'a> {
    fn of(view: &View<'a>, set: &'a Value, update: String) -> Self {
        let prefix = format!("{}-", set["metadata"]["name"].as_str().unwrap_or(""));
        let number = |pod: &Value| pod["metadata"]["name"].as_str()?.strip_prefix(&prefix)?.parse::<i64>().ok();
        let mut members: Vec<(i64, &Value)> =
            pods::owned(view, set).into_iter().filter_map(|pod| Some((number(pod)?, pod))).collect();
        members.sort_by_key(|(number, _)| *number);
        let current = set["status"]["currentRevision"].as_str().unwrap_or(&update).to_owned();
        Self {
            set,
            current,
            update,
            start: set["spec"]["ordinals"]["start"].as_i64().unwrap_or(0).max(0),
            wanted: set["spec"]["replicas"].as_i64().unwrap_or(1).max(0),
            pods: members,
        }
    }

    fn pod(&self, number: i64) -> Option<&'a Value> {
        self.pods.iter().find(|(of, _)| *of == number).map(|(_, pod)| *pod)
    }

    fn numbers(&self) -> std::ops::Range<i64> {
        self.start..self.start + self.wanted
    }

    fn settle(&self, view: &View<'_>, effects: &mut Effects) {
        let is_ordered = self.set["spec"]["podManagementPolicy"] != "Parallel";
        for number in self.numbers() {
            match self.pod(number) {
                None => {
                    self.make(view, number, effects);
                    if is_ordered {
                        return;
                    }
                }
                Some(pod) if pods::has_ended(pod) && !pods::is_terminating(pod) => {
                    self.remove(pod, effects);
                    if is_ordered {
                        return;
                    }
                }
                Some(pod) if is_ordered && (pods::is_terminating(pod) || !pods::is_ready(pod)) => return,
                Some(_) => {}
            }
        }
        // Too many: the highest goes first, one at a time when ordered.
        let surplus = self.pods.iter().rev().filter(|(number, _)| !self.numbers().contains(number));
        for (_, pod) in surplus {
            if !pods::is_terminating(pod) {
                self.remove(pod, effects);
            }
            if is_ordered {
                return;
            }
        }
        if self.set["spec"]["updateStrategy"]["type"] != "OnDelete" {
            self.roll(effects);
        }
    }

    /// Replaces the highest pod of an old revision, when all above it are ready.
    fn roll(&self, effects: &mut Effects) {
        let partition = self.set["spec"]["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or(0);
        for (number, pod) in self.pods.iter().rev() {
            if *number < self.start + partition {
                return;
            }
            if pods::is_terminating(pod) {
                return;
            }
            if pod["metadata"]["labels"][REVISION] != self.update.as_str() {
                self.remove(pod, effects);
                return;
            }
            if !pods::is_ready(pod) {
                return;
            }
        }
    }

    fn make(&self, view: &View<'_>, number: i64, effects: &mut Effects) {
        let set = self.set;
        let name = format!("{}-{number}", set["metadata"]["name"].as_str().unwrap_or(""));
        let namespace = set["metadata"]["namespace"].as_str().unwrap_or("");
        let mut pod = pods::of_template(set, &set["spec"]["template"]);
        pod["metadata"]["name"] = json!(name);
        pod["metadata"]["generateName"] = json!(format!("{}-", set["metadata"]["name"].as_str().unwrap_or("")));
        let labels = &mut pod["metadata"]["labels"];
        labels["statefulset.kubernetes.io/pod-name"] = json!(name);
        labels["apps.kubernetes.io/pod-index"] = json!(number.to_string());
        labels[REVISION] = json!(self.update);
        pod["spec"]["hostname"] = json!(name);
        pod["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
        let mut volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
        for template in set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
            let volume = template["metadata"]["name"].as_str().unwrap_or("");
            let claim = format!("{volume}-{name}");
            volumes.retain(|known| known["name"] != volume);
            volumes.push(json!({"name": volume, "persistentVolumeClaim": {"claimName": claim}}));
            if view.get(resource::PERSISTENT_VOLUME_CLAIMS, namespace, &claim).is_none() {
                effects.create(self.claim(template, &claim));
                let message = format!("create Claim {claim} Pod {name} in StatefulSet {} success", set_name(set));
                effects.record(note(set, message));
            }
        }
        if !volumes.is_empty() {
            pod["spec"]["volumes"] = json!(volumes);
        }
        effects.create(pod);
        effects.record(note(set, format!("create Pod {name} in StatefulSet {} successful", set_name(set))));
    }

    fn claim(&self, template: &Value, name: &str) -> Value {
        let metadata = &self.set["metadata"];
        let mut labels = template["metadata"]["labels"].clone();
        for (key, value) in self.set["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten() {
            labels[key] = value.clone();
        }
        let mut claim = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": metadata["namespace"], "labels": labels},
            "spec": template["spec"],
        });
        if !template["metadata"]["annotations"].is_null() {
            claim["metadata"]["annotations"] = template["metadata"]["annotations"].clone();
        }
        // Claims that go with the set are owned by it.
        if self.set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete" {
            claim["metadata"]["ownerReferences"] = json!([pods::owner_reference(self.set)]);
        }
        claim
    }

    fn remove(&self, pod: &Value, effects: &mut Effects) {
        effects.delete(Deletion::of(pods::key(pod)));
        let name = pod["metadata"]["name"].as_str().unwrap_or("");
        let mut note = note(self.set, format!("delete Pod {name} in StatefulSet {} successful", set_name(self.set)));
        note.reason = "SuccessfulDelete".to_owned();
        effects.record(note);
    }

    fn status(&self, now: Timestamp) -> (Value, Option<Timestamp>) {
        let min_ready = self.set["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
        let alive: Vec<&Value> = self.pods.iter().map(|(_, pod)| *pod).filter(|pod| !pods::has_ended(pod)).collect();
        let of = |revision: &str| {
            let marked = |pod: &&&Value| !pods::is_terminating(pod) && pod["metadata"]["labels"][REVISION] == revision;
            alive.iter().filter(marked).count()
        };
        let times: Vec<Timestamp> = alive.iter().filter_map(|pod| pods::available_at(pod, min_ready)).collect();
        let updated = of(&self.update);
        let ready = alive.iter().filter(|pod| pods::is_ready(pod)).count();
        // When all are of the new revision and ready, it is the current one.
        let all = usize::try_from(self.wanted)
            .is_ok_and(|wanted| updated == wanted && ready == wanted && alive.len() == wanted);
        let current = if all { &self.update } else { &self.current };
        let mut status = json!({
            "replicas": alive.len(),
            "availableReplicas": times.iter().filter(|at| **at <= now).count(),
            "collisionCount": 0,
            "currentRevision": current,
            "updateRevision": self.update,
            "observedGeneration": self.set["metadata"]["generation"],
        });
        for (field, count) in [("readyReplicas", ready), ("updatedReplicas", updated), ("currentReplicas", of(current))]
        {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        (status, times.into_iter().filter(|at| *at > now).min())
    }
}

fn set_name(set: &Value) -> &str {
    set["metadata"]["name"].as_str().unwrap_or("")
}

fn note(set: &Value, message: String) -> Note {
    Note {
        regarding: set.clone(),
        severity: Severity::Normal,
        reason: "SuccessfulCreate".to_owned(),
        message,
        component: "statefulset-controller".to_owned(),
        host: String::new(),
    }
}
