//! The autoscaler's decisions, text in and text out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::daemons::eks_daemon_sets;
use crate::instances::lookup;
use crate::node::template_node;
use crate::pool::Pool;
use crate::scheduler::{PodFacts, Snapshot};

const COMMAND: &str = "./cluster-autoscaler --v=4 --cloud-provider=aws --skip-nodes-with-local-storage=false \
    --expander=least-waste --node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/dev";

fn flags(more: &str) -> Flags {
    Flags::of_command(format!("{COMMAND} {more}").split_whitespace()).unwrap()
}

fn pool(name: &str, instance_type: &str, min: u32, max: u32, dedicated: Option<&str>) -> Pool {
    Pool {
        name: name.into(),
        instance_types: vec![instance_type.into()],
        min,
        max,
        dedicated: dedicated.map(Into::into),
        ..Pool::default()
    }
}

fn pools() -> Vec<Pool> {
    vec![
        pool("core", "m6i.xlarge", 2, 3, None),
        pool("ray", "m6i.4xlarge", 0, 8, Some("ray")),
        pool("big", "m6i.16xlarge", 0, 2, Some("ray")),
    ]
}

fn pod(name: &str, cpu: &str, memory: &str, dedicated: bool) -> Value {
    let mut pod = json!({
        "metadata": {"name": name, "namespace": "ray", "labels": {"app": "worker"}},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]},
    });
    if dedicated {
        pod["spec"]["nodeSelector"] = json!({"dedicated": "ray"});
        pod["spec"]["tolerations"] = json!([{"key": "dedicated", "operator": "Equal", "value": "ray"}]);
    }
    pod
}

/// Runs a round with the given sizes of the three pools (upcoming in brackets: `0+2`) and says what it decides.
fn round(sizes: [(u32, u32); 3], pods: &[Value], nodes: &[Value], flags: &Flags) -> String {
    let pools = pools();
    let snapshot = Snapshot::new(nodes, [], []);
    let pending: Vec<Arc<PodFacts<'_>>> = pods.iter().map(|pod| Arc::new(PodFacts::of(pod))).collect();
    let groups: Vec<Group<'_>> = pools
        .iter()
        .zip(sizes)
        .filter_map(|(pool, (size, upcoming))| {
            let limits = flags.limits(pool, "dev")?;
            Some(Group { pool, size, upcoming, max: u32::try_from(limits.max).unwrap() })
        })
        .collect();
    let daemon_sets = eks_daemon_sets();
    let daemon_sets: Vec<&Value> = daemon_sets.iter().collect();
    let plan = scale_up(&ScaleUp {
        pending: &pending,
        snapshot: &snapshot,
        groups: &groups,
        daemon_sets: &daemon_sets,
        flags,
        zone: "us-west-2a",
        tie: 0,
    });
    let mut lines: Vec<String> = plan.growth.iter().map(ToString::to_string).collect();
    let names = |keys: &[(String, String)]| keys.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" ");
    if !plan.triggered.is_empty() {
        lines.push(format!("triggered by {}", names(&plan.triggered)));
    }
    if !plan.awaiting.is_empty() {
        lines.push(format!("awaiting {}", names(&plan.awaiting)));
    }
    lines.extend(plan.refused.iter().map(|refusal| format!("{}: {refusal}", refusal.pod.1)));
    lines.join("\n")
}

#[test]
fn a_pool_grows_by_one_node_for_each_worker_that_fills_one() {
    let workers: Vec<Value> = (0..4).map(|n| pod(&format!("w{n}"), "15", "57Gi", true)).collect();
    assert_eq!(
        round([(2, 0), (0, 0), (0, 0)], &workers, &[], &flags("")),
        "{eks-ray 0->4 (max: 8)}\ntriggered by w0 w1 w2 w3"
    );
}

#[test]
fn small_pods_share_a_new_node() {
    let pods: Vec<Value> = (0..6).map(|n| pod(&format!("p{n}"), "5", "8Gi", true)).collect();
    assert_eq!(
        round([(2, 0), (0, 0), (2, 0)], &pods, &[], &flags("")),
        "{eks-ray 0->2 (max: 8)}\ntriggered by p0 p1 p2 p3 p4 p5"
    );
}

#[test]
fn one_pod_a_node_by_anti_affinity_is_counted_so() {
    let mut pods: Vec<Value> = (0..3).map(|n| pod(&format!("p{n}"), "1", "1Gi", true)).collect();
    for pod in &mut pods {
        pod["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
            json!([{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "worker"}}}]);
    }
    assert_eq!(
        round([(2, 0), (0, 0), (2, 0)], &pods, &[], &flags("")),
        "{eks-ray 0->3 (max: 8)}\ntriggered by p0 p1 p2"
    );
}

#[test]
fn nodes_that_are_starting_are_not_asked_for_again() {
    let workers: Vec<Value> = (0..3).map(|n| pod(&format!("w{n}"), "15", "57Gi", true)).collect();
    assert_eq!(
        round([(2, 0), (2, 2), (2, 0)], &workers, &[], &flags("")),
        "{eks-ray 2->3 (max: 8)}\ntriggered by w2\nawaiting w0 w1"
    );
    assert_eq!(round([(2, 0), (3, 3), (2, 0)], &workers, &[], &flags("")), "awaiting w0 w1 w2");
}

#[test]
fn what_fits_nowhere_is_told_why() {
    assert_eq!(
        round([(2, 0), (8, 0), (0, 0)], &[pod("w", "100", "1Gi", true)], &[], &flags("")),
        "w: pod didn't trigger scale-up: 1 Insufficient cpu, 1 max node group size reached, \
         1 node(s) didn't match Pod's node affinity/selector"
    );
}

#[test]
fn a_pool_at_its_maximum_does_not_grow() {
    assert_eq!(
        round([(3, 0), (8, 0), (2, 0)], &[pod("w", "1", "1Gi", true)], &[], &flags("")),
        "w: pod didn't trigger scale-up: 3 max node group size reached"
    );
}

#[test]
fn expanders_choose_among_pools() {
    let pods = [pod("p", "10", "10Gi", true)];
    let sizes = [(2, 0), (0, 0), (0, 0)];
    assert!(round(sizes, &pods, &[], &flags("--expander=least-waste")).starts_with("{eks-ray 0->1"));
    let many: Vec<Value> = (0..6).map(|n| pod(&format!("p{n}"), "10", "10Gi", true)).collect();
    assert!(round(sizes, &many, &[], &flags("--expander=least-nodes")).starts_with("{eks-big 0->1"));
}

#[test]
fn limits_of_the_whole_cluster_hold() {
    let node = template_node(&pools()[0], lookup("m6i.xlarge").unwrap(), "us-west-2a", 0);
    let workers: Vec<Value> = (0..4).map(|n| pod(&format!("w{n}"), "15", "57Gi", true)).collect();
    let sizes = [(1, 0), (0, 0), (2, 0)];
    let one = std::slice::from_ref(&node);
    assert!(round(sizes, &workers, one, &flags("--max-nodes-total=3")).starts_with("{eks-ray 0->2 (max: 8)}"));
    assert!(round(sizes, &workers, one, &flags("--cores-total=0:40")).starts_with("{eks-ray 0->2 (max: 8)}"));
    assert_eq!(
        round(sizes, &workers[..1], one, &flags("--max-nodes-total=1")),
        "w0: pod didn't trigger scale-up: max total nodes in cluster reached"
    );
}

#[test]
fn flags_are_read_as_go_reads_them() {
    let flags = flags(
        "--scale-down-unneeded-time=1m30s --scan-interval 5s -max-nodes-total=7 --balance-similar-node-groups \
         --scale_down_utilization_threshold=0.7 --nodes=1:5:eks-ray",
    );
    assert_eq!(flags.scale_down_unneeded_time, Duration::from_secs(90));
    assert_eq!(flags.scan_interval, Duration::from_secs(5));
    assert_eq!((flags.max_nodes_total, flags.skip_nodes_with_local_storage), (7, false));
    assert!((flags.scale_down_utilization_threshold - 0.7).abs() < f64::EPSILON);
    assert_eq!(flags.ignored, ["v", "balance-similar-node-groups"]);
    assert!(flags.malformed.is_empty(), "{:?}", flags.malformed);
    assert_eq!(flags.limits(&pools()[1], "dev"), Some(Range { min: 1, max: 5 }));
}

#[test]
fn what_go_would_refuse_is_listed() {
    let flags = flags("--scan-interval=soon --max-nodes-total=many stray --expander=cheapest --cores-total=5:1");
    assert_eq!(
        flags.malformed,
        ["--scan-interval=soon", "--max-nodes-total=many", "stray", "--expander=cheapest", "--cores-total=5:1"]
    );
    assert_eq!(Flags::of_command(["/usr/bin/nginx", "--cloud-provider=aws"]), None);
}

#[test]
fn only_groups_with_all_tags_are_managed() {
    let pool = &pools()[0];
    assert!(flags("").limits(pool, "dev").is_some());
    assert!(flags("").limits(pool, "prod").is_none());
    assert_eq!(
        flags("").why_nothing_is_managed("prod").unwrap(),
        "it looks for groups with the tag `k8s.io/cluster-autoscaler/dev`, those of this cluster have \
         `k8s.io/cluster-autoscaler/prod`"
    );
    assert_eq!(flags("").why_nothing_is_managed("dev"), None);
    let bare = Flags::of_command(["./cluster-autoscaler", "--cloud-provider=aws"]).unwrap();
    assert_eq!(bare.why_nothing_is_managed("dev").unwrap(), "it has neither --node-group-auto-discovery nor --nodes");
}

/// Each line a pod: `NODE NAME cpu=… [owner=Kind] [ns=…] [local] [evict=true|false] [app=…]`.
fn unneeded(nodes: &[(&str, &str)], pods: &str, budgets: &[Value], more: &str) -> String {
    let pools = pools();
    let objects: Vec<Value> = nodes
        .iter()
        .map(|(name, pool)| {
            let pool = pools.iter().find(|p| p.name == *pool).unwrap();
            let mut node = template_node(pool, lookup(&pool.instance_types[0]).unwrap(), "us-west-2a", 0);
            node["metadata"]["name"] = json!(name);
            node
        })
        .collect();
    let running: Vec<Value> = pods.lines().map(str::trim).filter(|line| !line.is_empty()).map(running_pod).collect();
    let snapshot = Snapshot::new(&objects, &running, []);
    let candidates: Vec<Candidate<'_>> = nodes.iter().map(|(node, pool)| Candidate { node, pool }).collect();
    let mut spare: BTreeMap<&str, u32> = BTreeMap::new();
    for pool in &pools {
        let count = nodes.iter().filter(|(_, name)| *name == pool.name).count();
        spare.insert(&pool.name, u32::try_from(count).unwrap().saturating_sub(pool.min));
    }
    let flags = flags(more);
    let budgets: Vec<&Value> = budgets.iter().collect();
    let verdicts = scale_down(&ScaleDown {
        snapshot: &snapshot,
        candidates: &candidates,
        spare: &spare,
        budgets: &budgets,
        flags: &flags,
        pod_age: &|_| 60,
    });
    let text = |((node, _), verdict): (&(&str, &str), &Judgement)| match verdict {
        Ok(moved) => {
            let moved: Vec<&str> = moved.iter().map(|(_, name)| name.as_str()).collect();
            format!("{node}: unneeded [{}]", moved.join(" "))
        }
        Err(needed) => format!("{node}: {needed}"),
    };
    nodes.iter().zip(&verdicts).map(text).collect::<Vec<_>>().join("\n")
}

fn running_pod(line: &str) -> Value {
    let mut words = line.split_whitespace();
    let (node, name) = (words.next().unwrap(), words.next().unwrap());
    let mut pod = pod(name, "0", "0", true);
    pod["spec"]["nodeName"] = json!(node);
    let owner = |kind: &str| json!([{"controller": true, "kind": kind, "name": "owner", "uid": kind}]);
    pod["metadata"]["ownerReferences"] = owner("ReplicaSet");
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("cpu", cpu) => pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!(cpu),
            ("owner", "none") => pod["metadata"]["ownerReferences"] = json!([]),
            ("owner", kind) => pod["metadata"]["ownerReferences"] = owner(kind),
            ("ns", namespace) => pod["metadata"]["namespace"] = json!(namespace),
            ("local", _) => pod["spec"]["volumes"] = json!([{"name": "scratch", "emptyDir": {}}]),
            ("memory-volume", _) => pod["spec"]["volumes"] = json!([{"name": "shm", "emptyDir": {"medium": "Memory"}}]),
            ("evict", value) => {
                pod["metadata"]["annotations"] = json!({"cluster-autoscaler.kubernetes.io/safe-to-evict": value});
            }
            (other, _) => panic!("unknown word {other}"),
        }
    }
    pod
}

#[test]
fn an_empty_node_is_not_needed_until_the_pool_is_at_its_minimum() {
    assert_eq!(
        unneeded(&[("a", "ray"), ("b", "core"), ("c", "core"), ("d", "core")], "a ds cpu=1 owner=DaemonSet", &[], ""),
        "a: unneeded []\nb: unneeded []\nc: its pool is at the minimum\nd: its pool is at the minimum"
    );
}

#[test]
fn a_busy_node_is_needed() {
    assert_eq!(unneeded(&[("a", "ray")], "a w cpu=12", &[], ""), "a: 76 % of its cpu is asked for");
    assert_eq!(
        unneeded(&[("a", "ray")], "a w cpu=12", &[], "--scale-down-utilization-threshold=0.8"),
        "a: pod ray/w stays: no other node takes it"
    );
}

#[test]
fn pods_move_to_other_nodes_once() {
    assert_eq!(
        unneeded(&[("a", "ray"), ("b", "ray"), ("c", "ray")], "a w1 cpu=6\nb w2 cpu=6\nc w3 cpu=6", &[], ""),
        "a: unneeded [w1]\nb: 76 % of its cpu is asked for\nc: pod ray/w3 stays: no other node takes it"
    );
}

#[test]
fn rules_keep_a_pod_where_it_is() {
    let nodes = [("a", "ray"), ("b", "ray")];
    let cases = [
        ("owner=none", "nobody would make it again"),
        ("owner=RayCluster", "nobody would make it again"),
        ("evict=false", "its annotation says that it is not safe to evict"),
        ("ns=kube-system", "it is of kube-system and no PodDisruptionBudget says that it may move"),
    ];
    for (words, reason) in cases {
        let busy = format!("a w cpu=1 {words}\nb x cpu=1 evict=false");
        let namespace = if words.starts_with("ns") { "kube-system" } else { "ray" };
        let first = unneeded(&nodes, &busy, &[], "").lines().next().unwrap().to_owned();
        assert_eq!(first, format!("a: pod {namespace}/w stays: {reason}"));
    }
    let local = "a w cpu=1 local\nb x cpu=1 evict=false";
    let with = unneeded(&nodes, local, &[], "--skip-nodes-with-local-storage=true");
    assert!(with.starts_with("a: pod ray/w stays: it keeps data on the node"), "{with}");
    assert!(unneeded(&nodes, local, &[], "").starts_with("a: unneeded [w]"));
    let memory = "a w cpu=1 memory-volume\nb x cpu=1 evict=false";
    assert!(unneeded(&nodes, memory, &[], "--skip-nodes-with-local-storage=true").starts_with("a: unneeded [w]"));
    assert!(
        unneeded(&nodes, "a w cpu=1 owner=none evict=true\nb x cpu=1 evict=false", &[], "").starts_with("a: unneeded")
    );
}

#[test]
fn a_budget_without_room_keeps_its_pods() {
    let budget = |allowed: i64| {
        json!({
            "metadata": {"namespace": "ray", "name": "b"},
            "spec": {"selector": {"matchLabels": {"app": "worker"}}},
            "status": {"disruptionsAllowed": allowed},
        })
    };
    let nodes = [("a", "ray"), ("b", "ray")];
    let pods = "a w cpu=1\nb x cpu=1 evict=false";
    let none = unneeded(&nodes, pods, &[budget(0)], "");
    assert!(none.starts_with("a: pod ray/w stays: a PodDisruptionBudget allows no disruption"), "{none}");
    assert!(unneeded(&nodes, pods, &[budget(1)], "").starts_with("a: unneeded [w]"));
}
