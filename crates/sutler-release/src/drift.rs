//! Drift: where the objects in the cluster are no longer what the release says.
//!
//! What an apply of the manifest would change is what differs: the server is asked for the result without carrying it
//! out, so that defaults, quantities and fields of other managers count as the server counts them.

use futures_util::TryStreamExt;
use serde_json::Value;
use sutler_objects::object;

use crate::Releases;
use crate::apply;
use crate::cluster::{ApplyOptions, at_once};
use crate::error::Error;
use crate::object::ObjectRef;
use crate::record::Release;

/// One object of a release and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Which.
    pub object: ObjectRef,
    /// As it is in the cluster; `None` if it is not there.
    pub live: Option<Value>,
    /// As an apply of the manifest would make it; `None` if it is not there.
    pub applied: Option<Value>,
}

/// One object that is not as its release says.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// Which.
    pub object: ObjectRef,
    /// How.
    pub difference: Difference,
}

/// How an object differs.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// It is not there.
    Missing,
    /// Fields of it have other values.
    Fields(Vec<FieldDrift>),
}

/// A field that differs. Of a Secret's data, the values are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDrift {
    /// The field: `.spec.template.spec.containers[0].image`.
    pub path: String,
    /// What it is; `None` if it is not there, or not to be shown.
    pub live: Option<Value>,
    /// What the release says; `None` if it is not to be there, or not to be shown.
    pub wanted: Option<Value>,
}

/// Fields of metadata that change with every write and say nothing about the object.
const BOOKKEEPING: [&str; 6] = [
    ".metadata.managedFields",
    ".metadata.resourceVersion",
    ".metadata.generation",
    ".metadata.uid",
    ".metadata.creationTimestamp",
    ".status",
];

/// Says where objects differ from their release, in the release's order.
pub fn drift(objects: &[Compared]) -> Vec<Drift> {
    let differs = |compared: &Compared| {
        let difference = match (&compared.live, &compared.applied) {
            (None, _) => Difference::Missing,
            (Some(live), Some(applied)) => {
                let mut fields = Vec::new();
                compare("", Some(live), Some(applied), &mut fields);
                if object::kind(live) == "Secret" {
                    fields.iter_mut().for_each(hide_secret);
                }
                if fields.is_empty() {
                    return None;
                }
                Difference::Fields(fields)
            }
            (Some(_), None) => return None,
        };
        Some(Drift { object: compared.object.clone(), difference })
    };
    objects.iter().filter_map(differs).collect()
}

fn hide_secret(field: &mut FieldDrift) {
    if field.path.starts_with(".data") || field.path.starts_with(".stringData") {
        field.live = None;
        field.wanted = None;
    }
}

/// Collects the fields in which two objects differ. The API server bounds how deep objects nest.
fn compare(path: &str, live: Option<&Value>, wanted: Option<&Value>, fields: &mut Vec<FieldDrift>) {
    if live == wanted || BOOKKEEPING.contains(&path) {
        return;
    }
    match (live, wanted) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let is_plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let path = if is_plain { format!("{path}.{key}") } else { format!("{path}[{key:?}]") };
                compare(&path, a.get(key), b.get(key), fields);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                compare(&format!("{path}[{index}]"), a.get(index), b.get(index), fields);
            }
        }
        _ => fields.push(FieldDrift { path: path.to_owned(), live: live.cloned(), wanted: wanted.cloned() }),
    }
}

impl Releases {
    /// Where the objects in the cluster differ from what the release says.
    ///
    /// # Errors
    /// If an object may not be read or its apply not be tried.
    pub async fn drift(&self, release: &Release) -> Result<Vec<Drift>, Error> {
        let cluster = &self.cluster;
        let mut objects = apply::build_originals(cluster, std::slice::from_ref(release)).await?;
        apply::mark_all(&mut objects, &release.name, &release.namespace);
        objects.retain(|object| !object::name(object).is_empty());
        let requests = objects.iter().map(|target| async move {
            let object = ObjectRef::of(target);
            let live = cluster.get(&object).await?;
            let applied = match live {
                Some(_) => Some(cluster.apply(target, ApplyOptions { force: true, dry_run: true }).await?),
                None => None,
            };
            Ok::<Compared, Error>(Compared { object, live, applied })
        });
        let compared: Vec<Compared> = at_once(requests.collect()).try_collect().await?;
        Ok(drift(&compared))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(live: Value, applied: Value) -> Vec<String> {
        let object = ObjectRef::of(&live);
        let drift = drift(&[Compared { object, live: Some(live), applied: Some(applied) }]);
        drift
            .into_iter()
            .flat_map(|drift| match drift.difference {
                Difference::Missing => vec![],
                Difference::Fields(fields) => fields,
            })
            .map(|field| {
                let text = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
                format!("{} {} -> {}", field.path, text(field.live), text(field.wanted))
            })
            .collect()
    }

    #[test]
    fn what_an_apply_would_change_has_drifted() {
        let live = json!({"kind": "Deployment", "metadata": {"resourceVersion": "7", "labels": {"a.b/c": "x"}},
            "spec": {"replicas": 3, "containers": [{"image": "a"}]}, "status": {"ready": 1}});
        let applied = json!({"kind": "Deployment", "metadata": {"resourceVersion": "8", "labels": {}},
            "spec": {"replicas": 1, "containers": [{"image": "a"}, {"image": "b"}]}});
        assert_eq!(
            fields(live.clone(), applied),
            [
                ".metadata.labels[\"a.b/c\"] \"x\" -> -",
                ".spec.containers[1] - -> {\"image\":\"b\"}",
                ".spec.replicas 3 -> 1"
            ]
        );
        assert_eq!(fields(live.clone(), live), [""; 0]);
    }

    #[test]
    fn a_secrets_values_are_not_shown() {
        let secret = |value: &str| json!({"kind": "Secret", "data": {"password": value}});
        assert_eq!(fields(secret("aHVudGVyMg=="), secret("eA==")), [".data.password - -> -"]);
    }

    #[test]
    fn an_object_that_is_gone_is_missing() {
        let object = ObjectRef::new("v1", "Secret", Some("a"), "b");
        let drift = drift(&[Compared { object: object.clone(), live: None, applied: None }]);
        assert_eq!(drift, [Drift { object, difference: Difference::Missing }]);
    }
}
