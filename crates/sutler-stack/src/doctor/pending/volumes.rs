//! Claims that keep a pod from every node.

use serde_json::Value;
use sutler_objects::object::{annotation, list, name, namespace, text};

use super::{Tree, Ward, message};
use crate::doctor::{Branch, Fix};

/// A pod whose claims are missing or unbound; `why` is the scheduler's reason.
pub(super) fn unbound(ward: &Ward<'_>, pod: &Value, why: &str) -> Tree {
    let tables = ward.seen.tables;
    let within = namespace(pod);
    let claims =
        list(pod, &["spec", "volumes"]).iter().map(|volume| text(volume, &["persistentVolumeClaim", "claimName"]));
    for claim in claims.filter(|claim| !claim.is_empty()) {
        let Some(found) = tables.get("PersistentVolumeClaim", within, claim) else {
            if let Some(why) = tables.unknown("PersistentVolumeClaim") {
                let branch = Branch::new("volume", format!("claim {claim}: {why}"));
                return Tree {
                    state: sutler_access::doctor::State::Unknown,
                    branches: vec![branch],
                    fixes: Vec::new(),
                };
            }
            let branch = Branch::new("volume", format!("claim {claim} is not there"));
            return Tree::failed(branch).fix(Fix::new(format!(
                "make PersistentVolumeClaim {claim} in {within}, or let the pod name one that is there"
            )));
        };
        if !text(found, &["spec", "volumeName"]).is_empty() {
            continue;
        }
        if text(found, &["status", "phase"]) == "Lost" {
            let branch = Branch::new("volume", format!("claim {claim} has lost its volume"));
            return Tree::failed(branch).fix(Fix::new("restore the volume from a backup, and make the claim anew"));
        }
        return waits(ward, found);
    }
    Tree::failed(Branch::new("volume", why)).fix(Fix::new(format!("kubectl get persistentvolumeclaims -n {within}")))
}

/// A claim for which no volume was made.
fn waits(ward: &Ward<'_>, claim: &Value) -> Tree {
    let tables = ward.seen.tables;
    let classes = tables.list("StorageClass");
    let wanted = text(claim, &["spec", "storageClassName"]);
    let called = name(claim);
    let known = || classes.iter().map(name).collect::<Vec<_>>().join(", ");
    let is_default = |class: &&Value| annotation(class, "storageclass.kubernetes.io/is-default-class") == Some("true");
    if wanted.is_empty() {
        let branch =
            Branch::new("volume", format!("claim {called} names no storage class, and no volume without one is free"));
        let branch = match classes.iter().find(is_default) {
            None => branch.because("no class of the cluster is the default one"),
            Some(class) => {
                branch.because(format!("{} is the default class, since after the claim was made", name(class)))
            }
        };
        return Tree::failed(branch).fix(Fix::new(match classes {
            [] => "install a provisioner of volumes with its StorageClass (on EKS the add-on aws-ebs-csi-driver)"
                .to_owned(),
            _ => format!("make the claim anew with a class: {}", known()),
        }));
    }
    let Some(class) = tables.get("StorageClass", "", wanted) else {
        let branch =
            Branch::new("volume", format!("claim {called} wants the storage class {wanted}, which is not there"));
        return Tree::failed(branch).fix(Fix::new(match classes {
            [] => "install a provisioner of volumes with its StorageClass (on EKS the add-on aws-ebs-csi-driver)"
                .to_owned(),
            _ => format!("make the claim anew with a class that is there: {}", known()),
        }));
    };
    let failed = ward.events(claim).into_iter().find(|event| text(event, &["reason"]) == "ProvisioningFailed");
    let branch = Branch::new("volume", format!("claim {called} has no volume yet"));
    match failed {
        Some(event) => Tree::failed(branch.because(message(event)))
            .fix(Fix::new(format!("kubectl describe persistentvolumeclaim {called} -n {}", namespace(claim)))),
        None => Tree::failed(
            branch.because(format!("nothing was heard of its provisioner, {}", text(class, &["provisioner"]))),
        )
        .fix(Fix::new(format!("run the provisioner {}", text(class, &["provisioner"])))),
    }
}
