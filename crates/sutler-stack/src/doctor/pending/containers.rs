//! Pods that have a node and do not run there: image, configuration, container, volume, network, node.

use serde_json::Value;
use sutler_access::doctor::State;
use sutler_objects::object::{integer, labels, list, name, namespace, text};

use super::{START_TAKES, Tree, Ward, event_time, message};
use crate::doctor::{Branch, Fix};

/// Why a pod on a node does not run; `None` if it does, or has only just come.
pub(super) fn judge(ward: &Ward<'_>, pod: &Value) -> Option<Tree> {
    let pending = text(pod, &["status", "phase"]) != "Running";
    let node = text(pod, &["spec", "nodeName"]);
    if pending && ward.seen.tables.unknown("Node").is_none() {
        match ward.snapshot.node(node).map(|node| node.object) {
            None => {
                let branch = Branch::new("node", format!("it was given to node {node}, which is not there any more"));
                return Some(Tree::failed(branch).fix(delete(pod)));
            }
            Some(found) if !is_ready(found) => {
                let branch = Branch::new("node", format!("node {node} is not ready"));
                return Some(Tree::failed(branch).fix(Fix::new(format!("kubectl describe node {node}"))));
            }
            Some(_) => {}
        }
    }
    let statuses =
        list(pod, &["status", "initContainerStatuses"]).iter().chain(list(pod, &["status", "containerStatuses"]));
    for status in statuses {
        let container = text(status, &["name"]);
        let reason = text(status, &["state", "waiting", "reason"]);
        let said = text(status, &["state", "waiting", "message"]);
        match reason {
            "" | "PodInitializing" | "ContainerCreating" => {}
            "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "RegistryUnavailable" => {
                return Some(image(ward, pod, status, reason, said));
            }
            "CrashLoopBackOff" => return Some(crash(ward, pod, status)),
            "CreateContainerConfigError" => {
                let branch = Branch::new("config", format!("container {container}: {said}"));
                let fix =
                    Fix::new(format!("make what is missing in {}, or let the pod name what is there", namespace(pod)));
                return Some(Tree::failed(branch).fix(fix));
            }
            _ => {
                let words = [reason, said].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(": ");
                let branch = Branch::new("container", format!("{container}: {words}"));
                return Some(Tree::failed(branch).fix(describe(pod)));
            }
        }
    }
    pending.then(|| starting(ward, pod)).flatten()
}

fn is_ready(node: &Value) -> bool {
    list(node, &["status", "conditions"]).iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

fn delete(pod: &Value) -> Fix {
    Fix::new(format!("kubectl delete pod {} -n {}     (its controller makes it anew)", name(pod), namespace(pod)))
}

fn describe(pod: &Value) -> Fix {
    Fix::new(format!("kubectl describe pod {} -n {}", name(pod), namespace(pod)))
}

/// An image that does not come. The registry's own words stand in the event of the first try.
fn image(ward: &Ward<'_>, pod: &Value, status: &Value, reason: &str, said: &str) -> Tree {
    let container = text(status, &["name"]);
    let containers = list(pod, &["spec", "initContainers"]).iter().chain(list(pod, &["spec", "containers"]));
    let image = containers.filter(|one| text(one, &["name"]) == container).map(|one| text(one, &["image"])).next();
    let image = image.unwrap_or(text(status, &["image"]));
    let quoted = format!("\"{image}\"");
    let first = ward.events(pod).into_iter().find(|event| {
        text(event, &["reason"]) == "Failed"
            && message(event).contains("Failed to pull")
            && message(event).contains(&quoted)
    });
    let said = first.map_or(said, message);
    let place = |keys: &[&str]| ward.release_place(pod, keys);
    let low = said.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| low.contains(word));
    let credentials = [
        "unauthorized",
        "authentication required",
        "access denied",
        "no basic auth",
        "403 forbidden",
        "authorization failed",
    ];
    let (what, fix) = if reason == "InvalidImageName" {
        ("is no name of an image", Fix::new("write it as REGISTRY/NAME:TAG").at(place(&["image", "tag"])))
    } else if reason == "ErrImageNeverPull" {
        (
            "is not on the node, and the pod forbids to pull it",
            Fix::new("set imagePullPolicy to IfNotPresent").at(place(&["pullPolicy", "imagePullPolicy"])),
        )
    } else if says(&["toomanyrequests", "rate limit"]) {
        (
            "is refused: the registry limits how much is pulled without a login",
            Fix::new("pull by imagePullSecrets, or from a registry of your own").at(place(&[
                "imagePullSecrets",
                "pullSecrets",
                "image",
            ])),
        )
    } else if says(&["no match for platform", "no matching manifest", "exec format"]) {
        (
            "is not made for the node's architecture",
            Fix::new("name an image for it, or let the pod select kubernetes.io/arch")
                .at(place(&["image", "nodeSelector"])),
        )
    } else if says(&credentials) {
        (
            "may not be pulled: the registry wants other credentials, or has no such repository",
            Fix::new("name imagePullSecrets that are there, or let the node's role pull (ECR)").at(place(&[
                "imagePullSecrets",
                "pullSecrets",
                "image",
            ])),
        )
    } else if says(&["not found", "manifest unknown", "does not exist"]) {
        ("is not in its registry", Fix::new("name a tag that is there").at(place(&["tag", "image"])))
    } else if says(&[
        "no such host",
        "i/o timeout",
        "connection refused",
        "deadline exceeded",
        "network is unreachable",
    ]) {
        (
            "cannot be pulled: the node does not reach the registry",
            Fix::new("give the subnet a way to the registry: a NAT gateway, or endpoints for ECR and S3"),
        )
    } else {
        ("cannot be pulled", describe(pod))
    };
    let mut branch = Branch::new("image", format!("{image} of container {container} {what}"));
    if !said.is_empty() {
        branch = branch.because(said);
    }
    let missing =
        ward.events(pod).into_iter().find(|event| text(event, &["reason"]) == "FailedToRetrieveImagePullSecret");
    if let Some(missing) = missing {
        branch = branch.because(message(missing));
    }
    Tree::failed(branch).fix(fix)
}

/// A container that ends again and again.
fn crash(ward: &Ward<'_>, pod: &Value, status: &Value) -> Tree {
    let container = text(status, &["name"]);
    let times = integer(status, &["restartCount"]).unwrap_or(0);
    let ended = &status["lastState"]["terminated"];
    let code = integer(ended, &["exitCode"]);
    let logs = Fix::new(format!("kubectl logs {} -n {} -c {container} --previous", name(pod), namespace(pod)));
    if text(ended, &["reason"]) == "OOMKilled" {
        let limit = list(pod, &["spec", "containers"]).iter().find(|one| text(one, &["name"]) == container);
        let limit = limit.map(|one| text(one, &["resources", "limits", "memory"])).filter(|limit| !limit.is_empty());
        let of = limit.map_or("the node's memory".to_owned(), |limit| format!("its limit of {limit}"));
        let branch =
            Branch::new("container", format!("{container} took more than {of} and was killed, {times} times so far"));
        return Tree::failed(branch).fix(
            Fix::new("give it more memory, or let it do with less")
                .at(ward.release_place(pod, &["memory", "mem_limit", "resources"])),
        );
    }
    let code = code.map_or(String::new(), |code| format!(" with code {code}"));
    let branch = Branch::new("container", format!("{container} ends{code} soon after it starts, {times} times so far"));
    let branch = match text(ended, &["message"]).lines().last() {
        Some(last) if !last.is_empty() => branch.because(last),
        _ => branch,
    };
    Tree::failed(branch).fix(logs)
}

/// A pod that has a node and no container yet: what the kubelet and the volume controllers say of it.
fn starting(ward: &Ward<'_>, pod: &Value) -> Option<Tree> {
    let events = ward.events(pod);
    let is_about = |event: &&&Value| {
        matches!(
            text(event, &["reason"]),
            "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox" | "FailedMapVolume" | "NetworkNotReady"
        )
    };
    let Some(event) = events.iter().find(is_about) else { return slow(ward, pod) };
    let said = message(event);
    let low = said.to_lowercase();
    Some(match text(event, &["reason"]) {
        "FailedCreatePodSandBox" | "NetworkNotReady" => {
            let branch = Branch::new("network", "the pod gets no address").because(said);
            Tree::failed(branch).fix(match low.contains("failed to assign an ip address") || low.contains("insufficientfreeaddresses") {
                true => Fix::new("give the cluster larger subnets (or prefix delegation): the node's subnet has no free address"),
                false => Fix::new("kubectl get pods -n kube-system -l k8s-app=aws-node     (does the network plugin run on the node?)"),
            })
        }
        _ if low.contains("multi-attach") => {
            let branch = Branch::new("volume", "its volume is still attached to another node").because(said);
            Tree::failed(branch).fix(Fix::new("end the pod that has it there; a volume of one node is not for two"))
        }
        _ if low.contains("configmap") && low.contains("not found")
            || low.contains("secret") && low.contains("not found") =>
        {
            let branch = Branch::new("config", "a volume of it is made of an object that is not there").because(said);
            Tree::failed(branch)
                .fix(Fix::new(format!("make it in {}, or let the pod name what is there", namespace(pod))))
        }
        _ => {
            let branch = Branch::new("volume", "a volume of it cannot be mounted").because(said);
            Tree::failed(branch).fix(describe(pod))
        }
    })
}

/// A pod that nothing is said against and that is long in coming.
fn slow(ward: &Ward<'_>, pod: &Value) -> Option<Tree> {
    let init =
        list(pod, &["status", "initContainerStatuses"]).iter().find(|status| status["state"].get("running").is_some());
    let scheduled = list(pod, &["status", "conditions"]).iter().find(|one| one["type"] == "PodScheduled");
    let since = scheduled.map_or("", |one| text(one, &["lastTransitionTime"]));
    let pulling = ward.events(pod).into_iter().find(|event| matches!(text(event, &["reason"]), "Pulling" | "Pulled"));
    if let Some(init) = init {
        let container = text(init, &["name"]);
        let branch = Branch::new("container", format!("init container {container} has not ended"));
        let fix = Fix::new(format!("kubectl logs {} -n {} -c {container}", name(pod), namespace(pod)));
        return Some(Tree { state: State::Warning, branches: vec![branch], fixes: vec![fix] });
    }
    if let Some(pulling) = pulling.filter(|event| text(event, &["reason"]) == "Pulling") {
        let branch = Branch::new("image", "is being pulled")
            .because(message(pulling))
            .because(format!("for {}", crate::doctor::span(ward.since(event_time(pulling)))));
        return Some(Tree {
            state: State::Warning,
            branches: vec![branch],
            fixes: vec![Fix::new("wait: large images take minutes")],
        });
    }
    if ward.since(since) < START_TAKES {
        return None;
    }
    let on = labels(pod).map_or("", |_| text(pod, &["spec", "nodeName"]));
    let branch = Branch::new("node", format!("the kubelet of {on} has said nothing of it"));
    Some(Tree { state: State::Warning, branches: vec![branch], fixes: vec![describe(pod)] })
}
