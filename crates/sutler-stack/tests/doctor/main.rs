//! What the doctor says of pods that do not run and of the network: each a file of `pending/` or `network/`.
//!
//! ```text
//! A statement about what is wrong, as the documentation's table has it.
//! @@ nodes
//! POOL COUNT [ZONE]                a pool's nodes, ready and empty
//! @@ pod NAMESPACE/NAME [COUNT]    a worker of the release `default`, these fields merged over it
//! spec: {nodeName: ray-0}
//! @@ objects                       more objects, as YAML documents; one of the same name replaces what was there
//! @@ remove KIND NAMESPACE/NAME
//! @@ without stack
//! @@ expect
//! what is said
//! ```
//! `UPDATE=1` writes what is said into the files, and the tables of `docs/doctor.md`; read the difference before it is committed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod preflight;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sutler_nodes::instances::lookup;
use sutler_nodes::node::{NodeSpec, node_object};
use sutler_nodes::pool::NodeIdentity;
use sutler_objects::patch::merge_patch;
use sutler_stack::doctor::network::network;
use sutler_stack::doctor::pending::pending;
use sutler_stack::doctor::{Section, Seen};
use sutler_stack::stack::Stack;
use sutler_stack::tables::Tables;

/// Where the part of the page begins that is made here.
const BEGIN: &str = "<!-- From here on made by the tests of sutler-stack. -->\n";

const HEAD_PENDING: &str = "\
# Why a pod does not run

One tree a pod; pods of one controller that wait for the same are told once. The verdicts of scheduler and autoscaler are those that the simulator
acts by (`docs/simulator.md` says what is modelled), taken over the objects of the cluster. A fix that is a line of stack.yaml names it.
";

const HEAD_NETWORK: &str = "\
# What is cut off, and what is open

NetworkPolicies that keep pods with a role from STS (or the Pod Identity agent), S3 and DNS, notebooks from Ray, Ray's workers from their head, also
for notebooks that a hub has yet to make; and public load balancers with a login behind them that lets anybody in.
";

const HEAD_PREFLIGHT: &str = "\
# Before money is spent

`sutler doctor preflight -e ENV`, for an environment on EKS: as whom AWS is asked, the quotas on vCPUs against the pools' least and most, instance
types in the zones of the subnets, addresses in subnets that exist, and whether EKS can go from the cluster's version to the file's.

And whether the caller may make each of the plan's calls: which IAM actions each kind of resource takes stands in `sutler_infra::rights::table`, and
AWS is asked by `iam:SimulatePrincipalPolicy` (policies, boundary, organisation), or where that may not be called the caller's policies are read and
evaluated. Without Terraform it is asked about making and removing everything. Policies that a session was given when it was made nobody can see.
";

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doctor")
}

pub(crate) fn stack() -> Stack {
    let text = std::fs::read_to_string(folder().join("stack.yaml")).expect("the stack");
    let read = sutler_stack::file::read("stack.yaml", &text, None).unwrap_or_else(|report| panic!("{report}"));
    Stack::from_file(read).unwrap_or_else(|report| panic!("{report}"))
}

/// What every case begins with: an autoscaler that runs, a storage class.
fn base() -> Vec<Value> {
    let discovery =
        "--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/team-prod";
    vec![
        json!({"kind": "Deployment", "metadata": {"namespace": "kube-system", "name": "cluster-autoscaler"},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [
                {"name": "a", "image": "x/cluster-autoscaler:v1", "command": ["./cluster-autoscaler", "--cloud-provider=aws", discovery]}]}}},
            "status": {"readyReplicas": 1}}),
        json!({"kind": "StorageClass", "metadata": {"name": "gp3"}, "provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer"}),
        json!({"kind": "Namespace", "metadata": {"name": "ray", "labels": {"kubernetes.io/metadata.name": "ray"}}}),
    ]
}

fn worker(namespace: &str, name: &str) -> Value {
    json!({
        "kind": "Pod",
        "metadata": {
            "namespace": namespace, "name": name, "uid": name, "creationTimestamp": "2026-11-23T12:04:00Z",
            "labels": {"app.kubernetes.io/instance": "default", "app.kubernetes.io/name": "ray-static-cluster",
                "app.kubernetes.io/component": "worker"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "default-ray-worker", "uid": "rs", "controller": true}],
        },
        "spec": {
            "serviceAccountName": "daft",
            "nodeSelector": {"dedicated": "ray"},
            "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "ray", "effect": "NoSchedule"}],
            "containers": [{"name": "worker", "image": "rayproject/ray:2.60.0", "resources": {"requests": {"cpu": "15", "memory": "50Gi"}}}],
        },
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]},
    })
}

fn documents(text: &str) -> Vec<Value> {
    let read = |part: &str| {
        sutler_yaml::to_json(&sutler_yaml::read(part).unwrap_or_else(|error| panic!("{error}: {part}"))).unwrap()
    };
    text.split("\n---\n").filter(|part| !part.trim().is_empty()).map(read).collect()
}

fn nodes(stack: &Stack, line: &str) -> Vec<Value> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let zone = words.get(2).copied().unwrap_or("us-west-2a");
    let pool = &stack.pools[words[0]].pool;
    let instance = lookup(&pool.instance_types[0]).unwrap();
    (0..words[1].parse().unwrap())
        .map(|number: u32| {
            let name =
                format!("{}-{number}{}", pool.name, if zone.ends_with('a') { "" } else { &zone[zone.len() - 1..] });
            let identity = NodeIdentity { name: &name, instance, region: "us-west-2", zone };
            let mut node = node_object(pool, NodeSpec { identity, root_volume_gib: 100, kubernetes_version: "1.34" });
            node["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
            node
        })
        .collect()
}

fn put(objects: &mut Vec<Value>, object: Value) {
    let key = |object: &Value| {
        [&object["kind"], &object["metadata"]["namespace"], &object["metadata"]["name"]]
            .map(|part| part.as_str().unwrap_or("").to_owned())
    };
    objects.retain(|other| key(other) != key(&object));
    objects.push(object);
}

/// What is said of a case's input.
fn judge(input: &str, topic: fn(Seen<'_>) -> Section) -> Section {
    let stack = stack();
    let mut objects = base();
    let mut with_stack = true;
    for block in input.split("@@ ").skip(1) {
        let (head, body) = block.split_once('\n').unwrap_or((block, ""));
        let words: Vec<&str> = head.split_whitespace().collect();
        match words[..] {
            ["nodes"] => body.lines().flat_map(|line| nodes(&stack, line)).for_each(|node| put(&mut objects, node)),
            ["pod", name, ref count @ ..] => {
                let (namespace, name) = name.split_once('/').unwrap();
                let count: usize = count.first().map_or(1, |count| count.parse().unwrap());
                for number in 0..count {
                    let called = if count == 1 { name.to_owned() } else { format!("{name}-{number}") };
                    let mut pod = worker(namespace, &called);
                    documents(body).iter().for_each(|change| pod = merge_patch(&pod, change).unwrap());
                    put(&mut objects, pod);
                }
            }
            ["objects"] => documents(body).into_iter().for_each(|object| put(&mut objects, object)),
            ["remove", kind, name] => objects.retain(|object| {
                let of =
                    object["metadata"]["namespace"].as_str().map_or(String::new(), |namespace| format!("{namespace}/"));
                object["kind"] != kind || format!("{of}{}", object["metadata"]["name"].as_str().unwrap()) != name
            }),
            ["without", "stack"] => with_stack = false,
            _ => panic!("`@@ {head}` is no part of a case"),
        }
    }
    let tables = Tables::of_objects(objects);
    let now = "2026-11-23T12:10:00Z".parse().unwrap();
    topic(Seen { tables: &tables, stack: with_stack.then_some(&stack), model: None, now })
}

/// A row of the documentation's table: the first finding.
pub(crate) fn row(title: &str, section: &Section) -> String {
    let Some(finding) = section.findings.first() else { return String::new() };
    // A pod's name says nothing; that of a subnet or a quota does.
    let subject = if finding.branches.is_empty() { format!("{}: ", finding.subject) } else { String::new() };
    let mut said = format!("`{}` {subject}{}", finding.state, finding.text);
    for branch in &finding.branches {
        said.push_str(&format!("<br>*{}* {}", branch.part, branch.text));
        branch.evidence.iter().for_each(|line| said.push_str(&format!("<br>{line}")));
    }
    let fixes: Vec<String> =
        finding.fixes.iter().map(|fix| fix.to_string().trim_start_matches("fix: ").to_owned()).collect();
    format!(
        "| {} | {} | {} |\n",
        title.trim_end_matches('.'),
        said.replace('|', "\\|"),
        fixes.join("<br>or: ").replace('|', "\\|")
    )
}

/// All cases of a folder: what differs, and their rows.
fn cases(name: &str, topic: fn(Seen<'_>) -> Section) -> (Vec<String>, String) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (mut wrong, mut rows) = (Vec::new(), String::new());
    for path in &paths {
        let case = std::fs::read_to_string(path).unwrap();
        let (input, expected) = case.split_once("@@ expect\n").unwrap_or((&case, ""));
        let section = judge(input, topic);
        let findings: String = section.findings.iter().map(ToString::to_string).collect();
        let said = format!("{}\n{findings}", section.summary);
        rows.push_str(&row(input.lines().next().unwrap_or_default(), &section));
        if said != expected {
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(path, format!("{input}@@ expect\n{said}")).unwrap();
            } else {
                wrong.push(format!("{}\nexpected:\n{expected}\nsaid:\n{said}", path.display()));
            }
        }
    }
    (wrong, rows)
}

#[test]
fn every_case_is_told_and_the_page_says_the_same() {
    let (mut wrong, pending) = cases("pending", |seen| pending(seen, None));
    let (others, network) = cases("network", |seen| network(seen, None));
    wrong.extend(others);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let table = "\n| What is wrong | What is said | The fix |\n| --- | --- | --- |\n";
    let preflight = preflight::rows();
    let page =
        format!("\n{HEAD_PENDING}{table}{pending}\n{HEAD_NETWORK}{table}{network}\n{HEAD_PREFLIGHT}{table}{preflight}");
    let path = folder().join("../../../../docs/doctor.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let (before, mut after) = written.split_once(BEGIN).unwrap_or((&written, ""));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{page}")).unwrap();
        after = &page;
    }
    let different = page.lines().zip(after.lines()).find(|(one, other)| one != other);
    assert!(page == after, "docs/doctor.md is not what is said; UPDATE=1 writes it anew. First: {different:#?}");
}
