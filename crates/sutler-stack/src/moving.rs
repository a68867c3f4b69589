//! Roles whose pods change how they come to them: from the cluster's issuer (IRSA) to EKS Pod Identity, or back.
//!
//! ```text
//! Terraform (both trusted, associations made) ─▶ annotations ─▶ releases ─▶ pods restarted ─▶ Terraform (the new one alone)
//! ```
//! A pod keeps the way that it was made with, so that the role must trust both until the last such pod is gone. Where it stands is read from
//! the role's own trust policy: a move that was stopped goes on from there. Nothing is moved by force that nobody makes anew: a notebook is
//! waited for, and the next `up` finishes.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use sutler_access::mechanism::{Mechanism, trusted};
use sutler_access::policy::Document;
use sutler_access::webhook::VOLUME_NAME;
use sutler_infra::plan::{Action as InfraAction, Change, Plan as InfraPlan};
use sutler_objects::object::{kind, name, namespace};
use sutler_release::{ApiError, ApplyOptions, Cluster, ObjectRef};

use crate::apply::ApplyError;
use crate::eks::Eks;
use crate::event::{Event, Sink};
use crate::file::model::Identity;
use crate::plan::{Action, Subject};
use crate::session::Session;
use crate::stack::Stack;
use crate::tables::{PODS, Tables, object};

/// The annotation on a pod template that makes its controller restart its pods; its value is where they move to.
const MOVED_ANNOTATION: &str = "sutler.dev/moved-to";

/// How long restarted pods are waited for.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// A role whose pods move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// Its key in the file.
    pub role: String,
    /// Its name in AWS.
    pub name: String,
    /// Where its pods come from: `irsa` or `pod-identity`.
    pub from: &'static str,
    /// Where they go.
    pub to: &'static str,
    /// Its service accounts.
    pub accounts: Vec<String>,
    /// What makes its pods, and restarts them: `Deployment ray/default-ray-worker`.
    pub restarts: Vec<String>,
    /// Pods that nobody makes anew, such as notebooks: the role trusts both until they are gone.
    pub waits_for: Vec<String>,
}

fn word(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::WebIdentity => "irsa",
        Mechanism::PodIdentity => "pod-identity",
    }
}

impl Move {
    /// What is done, in order, a line each.
    pub fn steps(&self) -> Vec<String> {
        let accounts = self.accounts.join(", ");
        let to_pods = self.to == word(Mechanism::PodIdentity);
        let mut steps = vec![match to_pods {
            true => format!("{} trusts both, {accounts} associated with it (Terraform)", self.name),
            false => format!("{} trusts both (Terraform)", self.name),
        }];
        steps.push(format!("{accounts}: annotation {}", if to_pods { "removed" } else { "set" }));
        if !self.restarts.is_empty() {
            steps.push(format!("pods restarted: {}", self.restarts.join(", ")));
        }
        if !self.waits_for.is_empty() {
            steps.push(format!("waits until these are gone, for a later `up`: {}", self.waits_for.join(", ")));
        }
        steps.push(match to_pods {
            true => format!("{} trusts EKS Pod Identity alone (Terraform again)", self.name),
            false => format!("associations removed, {} trusts the cluster's issuer alone (Terraform again)", self.name),
        });
        steps
    }

    fn is_by_token(&self) -> bool {
        self.from == word(Mechanism::WebIdentity)
    }
}

/// The roles that Terraform's plan takes from one way to the other: their trust still has the old one.
pub fn moves(stack: &Stack, infra: &InfraPlan) -> Vec<Move> {
    let changes = infra.changes.iter();
    changes.filter_map(|change| of_change(stack, change)).collect()
}

fn of_change(stack: &Stack, change: &Change) -> Option<Move> {
    if change.resource_type != "aws_iam_role" || change.action != InfraAction::Update {
        return None;
    }
    let role = stack.roles.values().find(|role| change.before["name"].as_str() == Some(role.name.as_str()))?;
    let trust: Document = serde_json::from_str(change.before["assume_role_policy"].as_str()?).ok()?;
    let (from, to) = match stack.file.file.roles.get(&role.key)?.identity {
        Identity::PodIdentity => (Mechanism::WebIdentity, Mechanism::PodIdentity),
        Identity::Irsa => (Mechanism::PodIdentity, Mechanism::WebIdentity),
    };
    if !trusted(&trust).contains(&from) {
        return None;
    }
    Some(Move {
        role: role.key.clone(),
        name: role.name.clone(),
        from: word(from),
        to: word(to),
        accounts: role.service_accounts.iter().map(ToString::to_string).collect(),
        restarts: Vec::new(),
        waits_for: Vec::new(),
    })
}

/// The keys of the roles that move.
pub fn keys(moves: &[Move]) -> BTreeSet<String> {
    moves.iter().map(|one| one.role.clone()).collect()
}

/// Whether Terraform would do nothing but end these moves: roles trust one way alone, and their associations go.
pub fn ends_only(moves: &[Move], infra: &InfraPlan) -> bool {
    infra.changes.iter().all(|change| match (change.resource_type.as_str(), change.action) {
        ("aws_iam_role", InfraAction::Update) => moves.iter().any(|one| change.before["name"] == one.name.as_str()),
        ("aws_eks_pod_identity_association", InfraAction::Delete) => {
            let role = change.before["role_arn"].as_str().unwrap_or_default();
            moves.iter().any(|one| role.ends_with(&format!("/{}", one.name)))
        }
        _ => false,
    })
}

/// The pods that still come to their role by the old way.
fn old<'t>(one: &'t Move, tables: &'t Tables) -> impl Iterator<Item = &'t Value> {
    tables.list("Pod").iter().filter(move |pod| {
        let account = pod.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default");
        let account = format!("{}/{account}", namespace(pod));
        let has_ended = matches!(pod.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"));
        one.accounts.contains(&account) && !has_ended && has_token(pod) == one.is_by_token()
    })
}

/// Whether the pod ends already.
fn is_going(pod: &Value) -> bool {
    pod.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}

/// Whether EKS gave the pod a token for STS when it was made.
fn has_token(pod: &Value) -> bool {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
    volumes.into_iter().any(|volume| volume["name"] == VOLUME_NAME)
}

/// What restarts a pod when its template changes: a Deployment, StatefulSet or DaemonSet that replaces its pods by itself.
fn restarter<'t>(pod: &Value, tables: &'t Tables) -> Option<&'t Value> {
    let owner = |object: &Value, of: &str| {
        let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
        let controller = owners.into_iter().find(|owner| owner["controller"] == true)?;
        (controller["kind"] == of).then(|| controller["name"].as_str().unwrap_or_default().to_owned())
    };
    let within = namespace(pod);
    if let Some(set) = owner(pod, "ReplicaSet") {
        let set = tables.get("ReplicaSet", within, &set)?;
        return tables.get("Deployment", within, &owner(set, "Deployment")?);
    }
    let found =
        ["StatefulSet", "DaemonSet"].into_iter().find_map(|kind| tables.get(kind, within, &owner(pod, kind)?))?;
    let strategy = found.pointer("/spec/updateStrategy/type").and_then(Value::as_str);
    (strategy != Some("OnDelete")).then_some(found)
}

fn spoken(object: &Value) -> String {
    format!("{} {}/{}", kind(object), namespace(object), name(object))
}

/// The moves with what has to be restarted, and what is waited for.
pub fn with_pods(moves: Vec<Move>, tables: &Tables) -> Vec<Move> {
    let with = |mut one: Move| {
        let (mut restarts, mut waits_for) = (BTreeSet::new(), BTreeSet::new());
        for pod in old(&one, tables).filter(|pod| !is_going(pod)) {
            match restarter(pod, tables) {
                Some(found) => drop(restarts.insert(spoken(found))),
                None => drop(waits_for.insert(format!("{}/{}", namespace(pod), name(pod)))),
            }
        }
        (one.restarts, one.waits_for) = (restarts.into_iter().collect(), waits_for.into_iter().collect());
        one
    };
    moves.into_iter().map(with).collect()
}

/// Looks which pods move.
///
/// # Errors
/// If the cluster cannot be asked.
pub async fn look(session: &Session, moves: Vec<Move>) -> Result<Vec<Move>, ApiError> {
    if moves.is_empty() {
        return Ok(moves);
    }
    let tables = Tables::read(&session.cluster(), PODS, None).await?;
    Ok(with_pods(moves, &tables))
}

/// What hands out credentials on each node, as an add-on of EKS and as a DaemonSet.
const AGENT: &str = "eks-pod-identity-agent";

/// Why pods must not move yet: to EKS Pod Identity, in a cluster without its agent, they would have no role at all.
///
/// # Errors
/// If the cluster cannot be asked.
pub async fn hindrance(
    eks: &Eks,
    stack: &Stack,
    moves: &[Move],
    infra: &InfraPlan,
) -> Result<Option<String>, ApiError> {
    let Some(one) = moves.iter().find(|one| one.is_by_token()) else { return Ok(None) };
    let is_made = infra
        .changes
        .iter()
        .any(|change| change.resource_type == "aws_eks_addon" && change.after["addon_name"] == AGENT);
    if is_made {
        return Ok(None);
    }
    // Whoever may not ask for add-ons may still see what runs.
    let addons = eks.cloud.aws.addons(&stack.cluster.name).await.unwrap_or_default();
    let set = ObjectRef::new("apps/v1", "DaemonSet", Some("kube-system"), AGENT);
    if addons.iter().any(|addon| addon == AGENT) || object(&eks.session.cluster(), &set).await?.is_some() {
        return Ok(None);
    }
    let (role, cluster) = (&one.role, &stack.cluster.name);
    Ok(Some(format!(
        "role {role} moves to EKS Pod Identity, and cluster {cluster} has no {AGENT} (an add-on of EKS), without which its pods had no role"
    )))
}

/// Restarts the pods that move and can be restarted, waits until none of them has the old way any more, and returns the moves with what
/// is left: pods that nobody makes anew.
///
/// # Errors
/// If the cluster cannot be changed, or pods are not replaced in time; the roles trust both until then, and another `up` goes on.
pub async fn restart(session: &Session, moves: &[Move], sink: &Sink) -> Result<Vec<Move>, ApplyError> {
    let cluster = session.cluster();
    let world = Arc::clone(cluster.world());
    let deadline = world.now().checked_add(PATIENCE).unwrap_or(Timestamp::MAX);
    let begun = world.now();
    let failed = |one: &Move, source: ApiError| {
        let subject = Subject::Role { name: one.name.clone() };
        sink(Event::Failed { subject });
        ApplyError::Object { verb: "restart the pods of", what: format!("role `{}`", one.name), source }
    };
    let Some(first) = moves.first() else { return Ok(Vec::new()) };
    let mut told = BTreeSet::new();
    loop {
        let tables = Tables::read(&cluster, PODS, None).await.map_err(|source| failed(first, source))?;
        let found = with_pods(moves.to_vec(), &tables);
        let (mut watched, mut late) = (Vec::new(), BTreeSet::new());
        for one in &found {
            let restarted = one.restarts.len();
            if restarted > 0 && told.insert(one.role.clone()) {
                let subject = Subject::Role { name: one.name.clone() };
                let reason = format!("pods move to {}: {}", one.to, one.restarts.join(", "));
                sink(Event::Waiting { subject, ready: (0, restarted), reason });
            }
            let mut asked = BTreeSet::new();
            for pod in old(one, &tables) {
                let controller = restarter(pod, &tables);
                if controller.is_none() && !is_going(pod) {
                    continue;
                }
                if let Some(controller) = controller
                    && !is_going(pod)
                    && asked.insert(spoken(controller))
                {
                    change_template(&cluster, controller, one).await.map_err(|source| failed(one, source))?;
                }
                let seen =
                    cluster.watched(&ObjectRef::new("v1", "Pod", Some(namespace(pod)), name(pod)), Some(pod)).await;
                watched.push(seen.map_err(|source| failed(one, source))?);
                late.insert(format!("{}/{}", namespace(pod), name(pod)));
            }
        }
        if watched.is_empty() {
            for one in moves.iter().filter(|one| told.contains(&one.role)) {
                let (subject, took) = (Subject::Role { name: one.name.clone() }, world.now().duration_since(begun));
                let outcome = format!("its pods have it by {}", one.to);
                sink(Event::Finished { subject, action: Action::Change, outcome, took });
            }
            return Ok(found);
        }
        if world.now() >= deadline {
            let pods = late.into_iter().collect::<Vec<_>>().join(", ");
            return Err(ApplyError::NotReplaced { pods, minutes: PATIENCE.as_mins() });
        }
        world.until_change_or(&watched, deadline).await?;
    }
}

/// Has a controller make its pods anew. The same value a second time changes nothing.
async fn change_template(cluster: &Cluster, controller: &Value, one: &Move) -> Result<(), ApiError> {
    let object = json!({
        "apiVersion": controller["apiVersion"].as_str().unwrap_or("apps/v1"),
        "kind": kind(controller),
        "metadata": {"name": name(controller), "namespace": namespace(controller)},
        "spec": {"template": {"metadata": {"annotations": {MOVED_ANNOTATION: one.to}}}},
    });
    let force = ApplyOptions { force: true, ..ApplyOptions::default() };
    cluster.apply(&object, force).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(identity: &str) -> Stack {
        let text = format!(
            "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: ml\nenvironments: {{prod: {{target: eks, account: \"444455556666\", region: us-west-2}}}}\n\
             defaults: {{environment: prod}}\ncluster: {{name: shared, manage: roles}}\n\
             roles: {{Reader: {{identity: {identity}, serviceAccounts: [ml/reader]}}}}\n"
        );
        let file = crate::file::read("stack.yaml", &text, None).unwrap_or_else(|report| panic!("{report}"));
        Stack::from_file(file).unwrap_or_else(|report| panic!("{report}"))
    }

    fn trust(ways: &[&str]) -> String {
        let statement = |way: &&str| match *way {
            "issuer" => {
                json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                    "Principal": {"Federated": "arn:aws:iam::444455556666:oidc-provider/x"}})
            }
            _ => {
                json!({"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": "pods.eks.amazonaws.com"}})
            }
        };
        json!({"Version": "2012-10-17", "Statement": ways.iter().map(statement).collect::<Vec<_>>()}).to_string()
    }

    fn plan(changes: Vec<Change>) -> InfraPlan {
        let (format_version, terraform_version) = ("1.2".into(), "1.11.0".into());
        InfraPlan { format_version, terraform_version, changes, drift: Vec::new(), outputs: Vec::new() }
    }

    fn change(kind: &str, action: InfraAction, before: Value, after: Value) -> Change {
        Change {
            address: format!("module.cluster.{kind}.pod"),
            resource_type: kind.into(),
            action,
            before,
            after,
            replace_because: Vec::new(),
        }
    }

    fn role(before: &[&str], after: &[&str]) -> Change {
        let side = |ways| json!({"name": "shared_Reader", "assume_role_policy": trust(ways)});
        change("aws_iam_role", InfraAction::Update, side(before), side(after))
    }

    #[test]
    fn a_move_is_known_by_the_trust_that_is_to_go() {
        let of = |identity: &str, before: &[&str]| {
            let found = moves(&stack(identity), &plan(vec![role(before, &["any"])]));
            found.iter().map(|one| format!("{} -> {}", one.from, one.to)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of("pod-identity", &["issuer"]), "irsa -> pod-identity");
        // One that was stopped half-way goes on.
        assert_eq!(of("pod-identity", &["issuer", "eks"]), "irsa -> pod-identity");
        assert_eq!(of("irsa", &["issuer", "eks"]), "pod-identity -> irsa");
        // Another change of the same trust moves nobody.
        assert_eq!(of("irsa", &["issuer"]), "");
        let made = change("aws_iam_role", InfraAction::Create, Value::Null, json!({"name": "shared_Reader"}));
        assert_eq!(moves(&stack("irsa"), &plan(vec![made])), []);
    }

    #[test]
    fn a_move_is_ended_by_nothing_else_with_it() {
        let found = moves(&stack("irsa"), &plan(vec![role(&["issuer", "eks"], &["issuer"])]));
        let association = |role: &str| {
            let before = json!({"role_arn": format!("arn:aws:iam::444455556666:role/{role}")});
            change("aws_eks_pod_identity_association", InfraAction::Delete, before, Value::Null)
        };
        let narrowed = role(&["issuer", "eks"], &["issuer"]);
        assert!(ends_only(&found, &plan(vec![narrowed.clone(), association("shared_Reader")])));
        assert!(!ends_only(&found, &plan(vec![narrowed.clone(), association("shared_Writer")])));
        let pool = change("aws_eks_node_group", InfraAction::Update, json!({}), json!({}));
        assert!(!ends_only(&found, &plan(vec![narrowed, pool])));
    }

    #[test]
    fn what_makes_pods_anew_restarts_them_and_others_are_waited_for() {
        let pod = |name: &str, account: &str, token: bool, owner: Value| {
            let volumes = if token { json!([{"name": VOLUME_NAME}]) } else { json!([]) };
            json!({"kind": "Pod", "metadata": {"namespace": "ml", "name": name, "ownerReferences": owner},
                "spec": {"serviceAccountName": account, "volumes": volumes}, "status": {"phase": "Running"}})
        };
        let by = |kind: &str, name: &str| json!([{"kind": kind, "name": name, "controller": true}]);
        let object = |kind: &str, name: &str, owner: Value, spec: Value| json!({"kind": kind, "metadata": {"namespace": "ml", "name": name, "ownerReferences": owner}, "spec": spec});
        let mut ended = pod("ended", "reader", true, json!([]));
        ended["status"]["phase"] = json!("Succeeded");
        let mut going = pod("going", "reader", true, json!([]));
        going["metadata"]["deletionTimestamp"] = json!("2026-11-23T12:00:00Z");
        let tables = Tables::of_objects([
            object("Deployment", "app", json!([]), json!({})),
            object("ReplicaSet", "app-1", by("Deployment", "app"), json!({})),
            object("StatefulSet", "store", json!([]), json!({})),
            object("DaemonSet", "agent", json!([]), json!({"updateStrategy": {"type": "OnDelete"}})),
            pod("app-1-a", "reader", true, by("ReplicaSet", "app-1")),
            pod("app-1-b", "reader", false, by("ReplicaSet", "app-1")),
            pod("store-0", "reader", true, by("StatefulSet", "store")),
            pod("agent-x", "reader", true, by("DaemonSet", "agent")),
            pod("notebook", "reader", true, json!([])),
            pod("ray", "reader", true, by("RayCluster", "mine")),
            pod("other", "default", true, json!([])),
            ended,
            going,
        ]);
        let said = |identity: &str, before: &[&str]| {
            let found = with_pods(moves(&stack(identity), &plan(vec![role(before, &["any"])])), &tables);
            format!("{} / {}", found[0].restarts.join(", "), found[0].waits_for.join(", "))
        };
        assert_eq!(
            said("pod-identity", &["issuer"]),
            "Deployment ml/app, StatefulSet ml/store / ml/agent-x, ml/notebook, ml/ray"
        );
        // Back, those without a token move.
        assert_eq!(said("irsa", &["issuer", "eks"]), "Deployment ml/app / ");
    }
}
