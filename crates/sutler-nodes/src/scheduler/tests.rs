//! The scheduler, text in and text out.
//!
//! A case is lines: `node NAME key=value…`, `pod NAME key=value…` (on a node with `on=`), and last the pod to schedule.

use serde_json::{Value, json};

use super::*;
use crate::pool::Taint;

mod judged;

fn check(input: &str, expect: &str) {
    let objects: Vec<(String, Value)> =
        input.lines().map(str::trim).filter(|line| !line.is_empty()).map(object).collect();
    let of = |kind: &'static str| objects.iter().filter(move |(k, _)| k == kind).map(|(_, object)| object);
    let (kind, last) = objects.last().unwrap();
    assert_eq!(kind, "pod", "the last line is the pod to schedule");
    let pods = of("pod").filter(|pod| *pod != last);
    let snapshot = Snapshot::new(of("node"), pods, of("namespace"));
    let mut facts = PodFacts::of(last);
    if let Some(reason) = last["test"]["blocked"].as_str() {
        facts.blocked_by = Some(reason.to_owned());
    }
    let verdict = match schedule(&facts, &snapshot, 0) {
        Verdict::Node(name) => name,
        Verdict::Unschedulable(why) => why.to_string(),
    };
    assert_eq!(verdict, expect.trim(), "\n{input}");
}

/// One line of a case.
fn object(line: &str) -> (String, Value) {
    let mut words = line.split_whitespace();
    let kind = words.next().unwrap().to_owned();
    let name = words.next().unwrap();
    let mut object = match kind.as_str() {
        "node" => json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "spec": {"taints": []},
            "status": {"allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"}},
        }),
        "namespace" => json!({"metadata": {"name": name, "labels": {}}}),
        _ => json!({
            "metadata": {"name": name, "namespace": "default", "labels": {}},
            "spec": {"containers": [{"name": "c", "resources": {"requests": {}}}]},
        }),
    };
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        set(&mut object, &kind, key, value);
    }
    (kind, object)
}

fn push(list: &mut Value, item: Value) {
    match list {
        Value::Array(items) => items.push(item),
        other => *other = json!([item]),
    }
}

fn set(object: &mut Value, kind: &str, key: &str, value: &str) {
    let pair = |text: &str| text.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).unwrap();
    let hard = "requiredDuringSchedulingIgnoredDuringExecution";
    let soft = "preferredDuringSchedulingIgnoredDuringExecution";
    // `app=x@zone`: pods with this label, by this topology.
    let term = |text: &str| {
        let (label, topology) = text.split_once('@').unwrap();
        let (k, v) = pair(label);
        json!({"topologyKey": topology, "labelSelector": {"matchLabels": {k: v}}})
    };
    match (kind, key) {
        ("node", "cpu" | "memory" | "pods" | "nvidia.com/gpu") => object["status"]["allocatable"][key] = json!(value),
        ("node", "taint") => {
            let (taint, effect) = value.rsplit_once(':').unwrap();
            let (k, v) = pair(taint);
            push(&mut object["spec"]["taints"], Taint::parse(&k, &format!("{v}:{effect}")).unwrap().to_value());
        }
        ("node", "cordoned") => object["spec"]["unschedulable"] = json!(true),
        ("node", "zone") => object["metadata"]["labels"]["topology.kubernetes.io/zone"] = json!(value),
        (_, "label") => {
            let (k, v) = pair(value);
            object["metadata"]["labels"][k] = json!(v);
        }
        ("pod", "ns") => object["metadata"]["namespace"] = json!(value),
        ("pod", "on") => object["spec"]["nodeName"] = json!(value),
        ("pod", "cpu" | "memory" | "nvidia.com/gpu") => {
            object["spec"]["containers"][0]["resources"]["requests"][key] = json!(value);
        }
        ("pod", "select") => {
            let (k, v) = pair(value);
            object["spec"]["nodeSelector"][k] = json!(v);
        }
        ("pod", "named") => {
            let expression = json!({"key": "metadata.name", "operator": "In", "values": [value]});
            object["spec"]["affinity"]["nodeAffinity"][hard] =
                json!({"nodeSelectorTerms": [{"matchFields": [expression]}]});
        }
        ("pod", "wants") => {
            let (k, v) = pair(value);
            let expression = json!({"key": k, "operator": "In", "values": [v]});
            let preference = json!({"weight": 10, "preference": {"matchExpressions": [expression]}});
            push(&mut object["spec"]["affinity"]["nodeAffinity"][soft], preference);
        }
        ("pod", "tolerates") => {
            let (k, v) = pair(value);
            push(&mut object["spec"]["tolerations"], json!({"key": k, "operator": "Equal", "value": v}));
        }
        ("pod", "tolerates-all") => push(&mut object["spec"]["tolerations"], json!({"operator": "Exists"})),
        ("pod", "with") => push(&mut object["spec"]["affinity"]["podAffinity"][hard], term(value)),
        ("pod", "without") => push(&mut object["spec"]["affinity"]["podAntiAffinity"][hard], term(value)),
        ("pod", "rather-without") => {
            let weighted = json!({"weight": 100, "podAffinityTerm": term(value)});
            push(&mut object["spec"]["affinity"]["podAntiAffinity"][soft], weighted);
        }
        ("pod", "spread") => {
            let mut constraint = term(value);
            constraint["maxSkew"] = json!(1);
            constraint["whenUnsatisfiable"] = json!("DoNotSchedule");
            push(&mut object["spec"]["topologySpreadConstraints"], constraint);
        }
        ("pod", "port") => {
            let port: i64 = value.parse().unwrap();
            push(&mut object["spec"]["containers"][0]["ports"], json!({"containerPort": port, "hostPort": port}));
        }
        ("pod", "priority") => object["spec"]["priority"] = json!(value.parse::<i64>().unwrap()),
        ("pod", "never-preempts") => object["spec"]["preemptionPolicy"] = json!("Never"),
        ("pod", "blocked") => object["test"]["blocked"] = json!(value.replace('_', " ")),
        _ => panic!("unknown word {key} of {kind}"),
    }
}

#[test]
fn a_pod_goes_where_most_is_free() {
    check("node a\nnode b\npod x on=a cpu=2\npod p cpu=1", "b");
}

#[test]
fn no_nodes_is_said_so() {
    check("pod p cpu=1", "no nodes available to schedule pods");
}

#[test]
fn each_short_resource_is_named() {
    check(
        "node a\nnode b cpu=64\npod p cpu=8 memory=32Gi",
        "0/2 nodes are available: 1 Insufficient cpu, 2 Insufficient memory. \
         no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    );
}

#[test]
fn what_pods_use_counts_and_preemption_finds_no_victims() {
    check(
        "node a\nnode b taint=dedicated=ray:NoSchedule\npod x on=a cpu=3\npod p cpu=2",
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). \
         no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, \
         1 Preemption is not helpful for scheduling.",
    );
}

#[test]
fn the_first_filter_that_refuses_is_counted() {
    check(
        "node a cordoned\nnode b taint=dedicated=ray:NoSchedule\nnode c\npod p select=dedicated=ray cpu=100",
        "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, \
         1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. \
         no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    );
}

#[test]
fn a_tolerated_and_selected_pool_is_found() {
    check(
        "node a\nnode b taint=dedicated=ray:NoSchedule label=dedicated=ray\n\
         pod p select=dedicated=ray tolerates=dedicated=ray cpu=1",
        "b",
    );
}

#[test]
fn one_worker_a_node_by_anti_affinity() {
    let nodes = "node a\nnode b\npod w1 on=a label=app=worker without=app=worker@kubernetes.io/hostname\n";
    check(&format!("{nodes}pod w2 label=app=worker without=app=worker@kubernetes.io/hostname"), "b");
    check(
        &format!(
            "{nodes}pod w2 on=b label=app=worker\n\
             pod w3 label=app=worker without=app=worker@kubernetes.io/hostname"
        ),
        "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. \
         no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
    );
    // Those that run have a say as well.
    check(
        &format!(
            "{nodes}pod w2 on=b label=app=worker without=app=worker@kubernetes.io/hostname\npod w3 label=app=worker"
        ),
        "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules. \
         no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
    );
    // Another namespace is another world.
    check(
        "node a\nnode b cordoned\npod w1 on=a label=app=worker without=app=worker@kubernetes.io/hostname\n\
         pod w2 ns=other label=app=worker without=app=worker@kubernetes.io/hostname",
        "a",
    );
}

#[test]
fn affinity_follows_its_pods_by_topology() {
    let nodes = "node a zone=1\nnode b zone=1\nnode c zone=2\npod head on=c label=app=head cpu=1\n";
    check(&format!("{nodes}pod p with=app=head@topology.kubernetes.io/zone"), "c");
    check(
        &format!("{nodes}pod p with=app=tail@topology.kubernetes.io/zone"),
        "0/3 nodes are available: 3 node(s) didn't match pod affinity rules. \
         no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    );
    // The first of a group that wants itself as company.
    check("node a zone=1\npod p label=app=x with=app=x@topology.kubernetes.io/zone", "a");
}

#[test]
fn spread_keeps_zones_even() {
    let nodes = "node a zone=1\nnode b zone=2\npod x on=a label=app=w\n";
    check(&format!("{nodes}pod p label=app=w spread=app=w@topology.kubernetes.io/zone"), "b");
    check(
        &format!("{nodes}pod y on=b cpu=4\npod p label=app=w spread=app=w@topology.kubernetes.io/zone cpu=1"),
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match pod topology spread constraints. \
         no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
    );
    check(
        "node a\npod p label=app=w spread=app=w@topology.kubernetes.io/zone",
        "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label). \
         no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    );
}

#[test]
fn a_host_port_is_taken_once_a_node() {
    check(
        "node a\npod x on=a port=80\npod p port=80",
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. \
         no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    );
    check("node a\npod x on=a port=80\npod p port=81", "a");
}

#[test]
fn a_pod_bound_to_a_node_by_name_goes_nowhere_else() {
    check("node a\nnode b\npod p named=b", "b");
    check(
        "node a cpu=1\nnode b\npod p named=a cpu=2",
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]. \
         no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    );
}

#[test]
fn a_node_takes_so_many_pods() {
    check(
        "node a pods=1\npod x on=a\npod p",
        "0/1 nodes are available: 1 Too many pods. \
         no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    );
}

#[test]
fn gpus_are_a_resource() {
    check("node a\nnode b nvidia.com/gpu=1\npod p nvidia.com/gpu=1", "b");
    check(
        "node a\nnode b nvidia.com/gpu=1\npod x on=b nvidia.com/gpu=1\npod p nvidia.com/gpu=1",
        "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/2 nodes are available: \
         1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.",
    );
}

#[test]
fn a_pod_that_never_preempts_says_so() {
    check(
        "node a\npod p cpu=8 never-preempts",
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.",
    );
}

#[test]
fn claims_block_before_any_node_is_looked_at() {
    check(
        "node a\npod p blocked=pod_has_unbound_immediate_PersistentVolumeClaims",
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. \
         no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    );
}

#[test]
fn preferences_decide_among_nodes_that_do() {
    check("node a\nnode b label=disk=ssd\npod p wants=disk=ssd", "b");
    check("node a taint=slow=yes:PreferNoSchedule\nnode b\npod x on=b cpu=1\npod p cpu=1", "b");
    check(
        "node a\nnode b\npod x on=a label=app=w\npod y on=b cpu=1\npod p label=app=w rather-without=app=w@kubernetes.io/hostname",
        "b",
    );
}

#[test]
fn a_reason_keeps_what_its_text_leaves_out() {
    let (_, node) = object("node a taint=dedicated=ray:NoSchedule");
    let (_, pod) = object("pod p");
    let snapshot = Snapshot::new([&node], [], []);
    let rejection = fits(&PodFacts::of(&pod), &snapshot, "a").unwrap_err();
    let Reason::UntoleratedTaint(taint) = &rejection.reasons[0] else { panic!("{rejection:?}") };
    assert_eq!(taint.to_string(), "dedicated=ray:NoSchedule");
}

#[test]
fn requests_count_init_containers_sidecars_and_overhead() {
    let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
    let sidecar = |cpu: &str| json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}}});
    let cases = [
        (json!({"containers": [container("1"), container("500m")]}), 1500),
        (json!({"containers": [container("1")], "initContainers": [container("3")]}), 3000),
        (json!({"containers": [container("1")], "initContainers": [sidecar("1"), container("3")]}), 4000),
        (json!({"containers": [container("1")], "initContainers": [container("3"), sidecar("1")]}), 3000),
        (json!({"containers": [container("1")], "overhead": {"cpu": "250m"}}), 1250),
        (json!({"containers": [container("1")], "resources": {"requests": {"cpu": "2"}}}), 2000),
    ];
    for (spec, cpu) in cases {
        assert_eq!(crate::resources::pod_requests(&spec).cpu, cpu, "{spec}");
    }
}

#[test]
fn the_queue_takes_priority_first_then_age() {
    let (_, low) = object("pod low");
    let (_, high) = object("pod high priority=10");
    assert!(PodFacts::of(&high).queue_order(&PodFacts::of(&low)).is_lt());
}
