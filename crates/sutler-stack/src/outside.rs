//! What the cluster's controllers made in AWS, and Terraform does not know of: load balancers and volumes.
//!
//! They outlive a cluster that is just destroyed: a load balancer keeps its network in use, so that the network cannot go, and a volume is
//! paid for by nobody knows whom. So they go first, by deleting the objects that they were made for and waiting for the controllers; and a
//! volume that is to be kept, being data, is parted from the cluster first and told of.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use sutler_release::{ApiError, ApplyOptions, Cluster, ObjectRef, Propagation, Select};

use crate::apply::ApplyError;
use crate::event::{Event, Sink};
use crate::observe::ObserveError;
use crate::plan::{Action, Step, Subject};
use crate::session::Session;

/// How long a controller may take to let go of what it made.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// The annotation of a volume that a provisioner made.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

/// What of a cluster goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Going {
    /// All of it.
    Cluster,
    /// What is in these namespaces; the cluster stays.
    Namespaces(BTreeSet<String>),
}

impl Going {
    fn has(&self, namespace: &str) -> bool {
        match self {
            Going::Cluster => true,
            Going::Namespaces(names) => names.contains(namespace),
        }
    }
}

/// The objects that stand for something in AWS.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Services and Ingresses.
    pub exposed: Vec<Value>,
    /// PersistentVolumes.
    pub volumes: Vec<Value>,
}

/// Looks at them.
///
/// # Errors
/// If they may not be read.
pub async fn look(session: &Session) -> Result<Outside, ObserveError> {
    let cluster = session.cluster();
    let mut found = Outside::default();
    for (api_version, kind) in [("v1", "Service"), ("networking.k8s.io/v1", "Ingress"), ("v1", "PersistentVolume")] {
        let mapping = cluster.mapping(api_version, kind).await?;
        let objects = cluster.list(&mapping, None, Select::All).await?;
        if kind == "PersistentVolume" {
            found.volumes = objects;
        } else {
            found.exposed.extend(objects);
        }
    }
    Ok(found)
}

/// What is done about them: before the releases go, after they went, and what is left, with the reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps {
    /// Before.
    pub before: Vec<Step>,
    /// After.
    pub after: Vec<Step>,
    /// What stays in the account.
    pub left: Vec<String>,
}

/// Decides it. Volumes are data: they are kept unless `delete_data`.
pub fn steps(outside: &Outside, going: &Going, delete_data: bool) -> Steps {
    let mut steps = Steps::default();
    if *going == Going::Cluster {
        for object in outside.exposed.iter().filter(|object| is_balanced(object)) {
            let subject = Subject::LoadBalancer {
                resource: text(object, "/kind").to_owned(),
                namespace: text(object, "/metadata/namespace").to_owned(),
                name: text(object, "/metadata/name").to_owned(),
            };
            steps.after.push(Step { subject, action: Action::Remove, details: addresses(object) });
        }
    }
    for volume in &outside.volumes {
        let (namespace, claim) = (text(volume, "/spec/claimRef/namespace"), text(volume, "/spec/claimRef/name"));
        if !(going.has(namespace) || claim.is_empty() && *going == Going::Cluster) {
            continue;
        }
        let name = text(volume, "/metadata/name");
        let about = about(volume);
        let is_provisioned =
            volume.pointer("/metadata/annotations").is_some_and(|map| map.get(PROVISIONED_BY).is_some());
        let subject =
            Subject::Volume { name: name.to_owned(), namespace: namespace.to_owned(), claim: claim.to_owned() };
        match (delete_data, is_provisioned) {
            (true, true) => steps.after.push(Step { subject, action: Action::Remove, details: vec![about] }),
            (true, false) => steps.left.push(format!("{about}: no controller of the cluster made it")),
            (false, _) => {
                if text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
                    let details = vec![format!("{about}: kept (reclaim policy Delete -> Retain)")];
                    steps.before.push(Step { subject, action: Action::Change, details });
                }
                steps.left.push(format!("{about}: data is kept; `--delete-data` removes it"));
            }
        }
    }
    steps
}

/// Whether a controller makes a load balancer for it: a Service of that type, an Ingress that one marked as its own.
fn is_balanced(object: &Value) -> bool {
    match text(object, "/kind") {
        "Service" => text(object, "/spec/type") == "LoadBalancer",
        _ => {
            let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
            finalizers.is_some_and(|list| !list.is_empty())
        }
    }
}

fn addresses(object: &Value) -> Vec<String> {
    let list = object.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    let one = |entry: &Value| entry["hostname"].as_str().or(entry["ip"].as_str()).map(str::to_owned);
    list.into_iter().flatten().filter_map(one).collect()
}

/// A volume in a few words: `vol-0abc (10Gi, claim jupyterhub/hub-db-dir)`.
fn about(volume: &Value) -> String {
    let handle = ["/spec/csi/volumeHandle", "/spec/awsElasticBlockStore/volumeID", "/metadata/name"]
        .into_iter()
        .map(|pointer| text(volume, pointer))
        .find(|handle| !handle.is_empty())
        .unwrap_or_default();
    let size = text(volume, "/spec/capacity/storage");
    match text(volume, "/spec/claimRef/name") {
        "" => format!("volume {handle} ({size})"),
        claim => format!("volume {handle} ({size}, claim {}/{claim})", text(volume, "/spec/claimRef/namespace")),
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Carries out a step about a load balancer or a volume; does nothing about others.
///
/// # Errors
/// If it is refused, or a controller does not let go in time.
pub(crate) async fn carry_out(cluster: &Cluster, step: &Step, sink: &Sink) -> Result<(), ApplyError> {
    let begun = cluster.world().now();
    let subject = &step.subject;
    let work = async {
        match (subject, step.action) {
            (Subject::LoadBalancer { resource, namespace, name }, Action::Remove) => {
                let api_version = if resource == "Ingress" { "networking.k8s.io/v1" } else { "v1" };
                let object = ObjectRef::new(api_version, resource, Some(namespace), name);
                delete(cluster, &object, step).await?;
                wait_until_gone(cluster, &object, step, sink).await.map(|()| "removed")
            }
            (Subject::Volume { name, .. }, Action::Change) => {
                reclaim(cluster, name, "Retain", step).await.map(|()| "kept")
            }
            (Subject::Volume { name, namespace, claim }, Action::Remove) => {
                remove_volume(cluster, step, sink, name, (namespace, claim)).await.map(|()| "removed")
            }
            _ => Ok("left as it is"),
        }
    };
    match work.await {
        Ok(outcome) => {
            let took = cluster.world().now().duration_since(begun);
            let (subject, action) = (subject.clone(), step.action);
            sink(Event::Finished { subject, action, outcome: outcome.into(), took });
            Ok(())
        }
        Err(error) => {
            sink(Event::Failed { subject: subject.clone() });
            Err(error)
        }
    }
}

async fn remove_volume(
    cluster: &Cluster,
    step: &Step,
    sink: &Sink,
    name: &str,
    (namespace, claim): (&str, &str),
) -> Result<(), ApplyError> {
    let volume = ObjectRef::new("v1", "PersistentVolume", None, name);
    if cluster.get(&volume).await.map_err(|source| refused(step, source))?.is_none() {
        return Ok(());
    }
    reclaim(cluster, name, "Delete", step).await?;
    if claim.is_empty() {
        delete(cluster, &volume, step).await?;
    } else {
        // What still uses the claim (a notebook that its hub left behind) would keep it for ever.
        let pods = cluster.mapping("v1", "Pod").await.map_err(|source| refused(step, source))?;
        for pod in cluster.list(&pods, Some(namespace), Select::All).await.map_err(|source| refused(step, source))? {
            let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
            if volumes.clone().any(|volume| text(volume, "/persistentVolumeClaim/claimName") == claim) {
                delete(cluster, &ObjectRef::of(&pod), step).await?;
            }
        }
        delete(cluster, &ObjectRef::new("v1", "PersistentVolumeClaim", Some(namespace), claim), step).await?;
    }
    wait_until_gone(cluster, &volume, step, sink).await
}

async fn reclaim(cluster: &Cluster, volume: &str, policy: &str, step: &Step) -> Result<(), ApplyError> {
    let object = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume},
        "spec": {"persistentVolumeReclaimPolicy": policy},
    });
    let force = ApplyOptions { force: true, ..ApplyOptions::default() };
    cluster.apply(&object, force).await.map(drop).map_err(|source| refused(step, source))
}

async fn delete(cluster: &Cluster, object: &ObjectRef, step: &Step) -> Result<(), ApplyError> {
    cluster.delete(object, Propagation::Background).await.map(drop).map_err(|source| refused(step, source))
}

async fn wait_until_gone(cluster: &Cluster, object: &ObjectRef, step: &Step, sink: &Sink) -> Result<(), ApplyError> {
    let world = Arc::clone(cluster.world());
    let deadline = world.now().checked_add(PATIENCE).unwrap_or(jiff::Timestamp::MAX);
    let mut told = false;
    loop {
        let Some(found) = cluster.get(object).await.map_err(|source| refused(step, source))? else { return Ok(()) };
        let finalizers = found.pointer("/metadata/finalizers").and_then(Value::as_array).into_iter().flatten();
        let waits_for: Vec<&str> = finalizers.filter_map(Value::as_str).collect();
        if world.now() >= deadline {
            return Err(ApplyError::StillThere {
                what: format!("{} of {} {}", step.subject.word(), object.kind, step.subject.name()),
                minutes: PATIENCE.as_mins(),
                finalizers: waits_for.join(", "),
            });
        }
        if !told {
            let reason = format!("{} {} goes: its controller lets go of what it made", object.kind, object.name);
            sink(Event::Waiting { subject: step.subject.clone(), ready: (0, 0), reason });
            told = true;
        }
        let watched = [cluster.watched(object, Some(&found)).await.map_err(|source| refused(step, source))?];
        world.until_change_or(&watched, deadline).await?;
    }
}

fn refused(step: &Step, source: ApiError) -> ApplyError {
    let verb = if step.action == Action::Remove { "remove" } else { "change" };
    ApplyError::Object { verb, what: format!("{} `{}`", step.subject.word(), step.subject.name()), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate;
    use crate::plan::down::Extent;
    use crate::plan::make::cluster_model;
    use crate::stack::Stack;

    fn outside() -> Outside {
        let balanced = |kind: &str, name: &str, more: Value| {
            let mut object = json!({"kind": kind, "metadata": {"namespace": "web", "name": name}});
            object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            object
        };
        let volume = |name: &str, policy: &str, namespace: &str, annotations: Value| {
            json!({
                "metadata": {"name": name, "annotations": annotations},
                "spec": {
                    "csi": {"volumeHandle": format!("vol-{name}")},
                    "capacity": {"storage": "10Gi"},
                    "claimRef": {"namespace": namespace, "name": "data"},
                    "persistentVolumeReclaimPolicy": policy,
                },
            })
        };
        let made = json!({PROVISIONED_BY: "ebs.csi.aws.com"});
        Outside {
            exposed: vec![
                balanced(
                    "Service",
                    "proxy",
                    json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"hostname": "x.elb"}]}}}),
                ),
                balanced("Service", "inner", json!({"spec": {"type": "ClusterIP"}})),
                balanced("Ingress", "bare", json!({})),
            ],
            volumes: vec![
                volume("a", "Delete", "jupyterhub", made.clone()),
                volume("b", "Retain", "ray", made),
                volume("c", "Retain", "ray", json!({})),
            ],
        }
    }

    fn lines(steps: &[Step]) -> Vec<String> {
        let line = |step: &Step| {
            format!(
                "{} {} {}: {}",
                step.action.sign(),
                step.subject.word(),
                step.subject.name(),
                step.details.join(", ")
            )
        };
        steps.iter().map(line).collect()
    }

    /// A cluster with a load balancer, and a volume that a pod uses.
    async fn cluster() -> (Session, Stack) {
        let text = "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: data\nenvironments: {prod: {target: eks}}\n\
                    defaults: {environment: prod}\ncluster: {pools: {core: {instanceTypes: [m6i.xlarge], min: 1, max: 1}}}\n";
        let file = crate::file::read("stack.yaml", text, None).unwrap_or_else(|report| panic!("{report}"));
        let stack = Stack::from_file(file).unwrap_or_else(|report| panic!("{report}"));
        let session = Session::in_memory("data").unwrap();
        session.set_cluster_model(&cluster_model(&stack)).await.unwrap();
        let cluster = session.cluster();
        let create = async |object: Value| cluster.create(&object, |_| false).await.unwrap();
        create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}})).await;
        create(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "proxy", "namespace": "web"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        }))
        .await;
        create(json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "web"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }))
        .await;
        create(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "notebook", "namespace": "web"},
            "spec": {
                "containers": [{"name": "main", "image": "main"}],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            },
        }))
        .await;
        let later = session.world.now().checked_add(SignedDuration::from_mins(10)).unwrap();
        while session.world.now() < later {
            session.world.until_change_or(&[], later).await.unwrap();
        }
        (session, stack)
    }

    /// Takes it down; what was shown, and how many services of web, claims and volumes are left.
    fn taken_down(delete_data: bool) -> (Vec<String>, [usize; 3]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (session, stack) = cluster().await;
            let extent = Extent { ends_cluster: true, delete_data };
            let plan = operate::plan_down(&session, &stack, extent).await.unwrap();
            let sink: Sink = Arc::new(|_| {});
            operate::down(&session, &plan, &sink).await.unwrap_or_else(|error| panic!("{error}"));
            let cluster = session.cluster();
            let count = async |kind: &str, namespace: Option<&str>| {
                let mapping = cluster.mapping("v1", kind).await.unwrap();
                cluster.list(&mapping, namespace, Select::All).await.unwrap().len()
            };
            let left = [
                count("Service", Some("web")).await,
                count("PersistentVolumeClaim", Some("web")).await,
                count("PersistentVolume", None).await,
            ];
            (plan.steps.iter().map(|step| format!("{} {}", step.action.sign(), step.subject.name())).collect(), left)
        })
    }

    #[test]
    fn a_cluster_that_goes_leaves_no_load_balancer_and_keeps_its_data() {
        assert_eq!(taken_down(false), (vec!["~ web/data".to_owned(), "- web/proxy".to_owned()], [0, 1, 1]));
    }

    #[test]
    fn data_that_a_pod_still_uses_goes_where_that_is_told() {
        assert_eq!(taken_down(true), (vec!["- web/proxy".to_owned(), "- web/data".to_owned()], [0, 0, 0]));
    }

    #[test]
    fn volumes_are_parted_from_a_cluster_that_goes_and_told_of() {
        let found = steps(&outside(), &Going::Cluster, false);
        assert_eq!(
            lines(&found.before),
            [
                "~ volume jupyterhub/data: volume vol-a (10Gi, claim jupyterhub/data): kept (reclaim policy Delete -> Retain)"
            ]
        );
        assert_eq!(lines(&found.after), ["- balancer web/proxy: x.elb"]);
        assert_eq!(found.left.len(), 3);
        assert_eq!(
            found.left[0],
            "volume vol-a (10Gi, claim jupyterhub/data): data is kept; `--delete-data` removes it"
        );
    }

    #[test]
    fn data_goes_only_when_told_and_only_what_a_controller_made() {
        let found = steps(&outside(), &Going::Cluster, true);
        assert_eq!(found.before, []);
        assert_eq!(
            lines(&found.after)[1..],
            [
                "- volume jupyterhub/data: volume vol-a (10Gi, claim jupyterhub/data)",
                "- volume ray/data: volume vol-b (10Gi, claim ray/data)"
            ]
        );
        assert_eq!(found.left, ["volume vol-c (10Gi, claim ray/data): no controller of the cluster made it"]);
    }

    #[test]
    fn in_a_cluster_that_stays_only_the_stacks_namespaces_count() {
        let going = Going::Namespaces(["jupyterhub".to_owned()].into());
        let found = steps(&outside(), &going, true);
        assert_eq!(lines(&found.after), ["- volume jupyterhub/data: volume vol-a (10Gi, claim jupyterhub/data)"]);
        assert_eq!(found.left, [] as [&str; 0]);
    }
}
