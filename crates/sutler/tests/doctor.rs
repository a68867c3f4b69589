//! `sutler doctor` in the simulator: what it says of a stack that is well, and of the same one with something broken.

mod support;

use serde_json::Value;
use support::{Place, Ran};

/// One Ray cluster whose pool has as many nodes as its workers need.
const STACK: &str = "\
apiVersion: sutler.dev/v1alpha1
kind: Stack
name: team
environments:
  try: {target: simulator}
cluster:
  pools:
    core: {instanceTypes: [m6i.xlarge], min: 1, max: 2}
    autoscaler: {instanceTypes: [m6i.large], min: 1, max: 1, dedicated: clusterAutoscaler}
    ray: {instanceTypes: [m6i.4xlarge], min: 0, max: 2, dedicated: ray}
roles:
  DaftRole:
    serviceAccounts: [ray/daft]
    s3: [{bucket: team-data, access: read}]
releases:
  cluster-autoscaler: {namespace: kube-system, chart: builtin:cluster-autoscaler}
  default:
    namespace: ray
    chart: builtin:ray-static-cluster
    needs: [cluster-autoscaler]
    values: {role: DaftRole, head: {pool: core}, workers: {replicas: 2, pool: ray}}
    timeout: 15m
";

fn up(text: &str) -> (Place, Ran) {
    let place = Place::new();
    place.write("stack.yaml", text);
    let ran = place.run(&["up"]);
    (place, ran)
}

#[test]
fn a_stack_that_is_well_has_nothing_to_tell() {
    let (place, ran) = up(STACK);
    ran.ended(0);
    let ran = place.run(&["doctor"]).ended(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "team · environment try · the simulator (simulated: no container runs)", "{}", ran.stdout);
    assert_eq!(lines[2], "  OK       permissions  1 service account with a role, 6 questions: none is refused");
    assert_eq!(lines[4], "  OK       network      no NetworkPolicy, nothing is cut off, nothing is public");
    assert_eq!(lines.len(), 5, "{}", ran.stdout);
    let ran = place.run(&["doctor", "permissions", "-o", "json"]).ended(0);
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(told["version"], "sutler.dev/doctor/v1");
    assert_eq!((&told["state"], &told["sections"][0]["topic"]), (&Value::from("ok"), &Value::from("permissions")));
}

#[test]
fn a_pool_that_is_full_is_told_with_the_line_to_change() {
    let (place, ran) = up(&STACK.replace("replicas: 2", "replicas: 3").replace("15m", "5m"));
    ran.ended(1);
    let ran = place.run(&["doctor", "pending"]).ended(1);
    assert!(ran.stdout.contains("  FAILED   pending      1 pod does not run"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("pool ray: a new node would take it, and it has as many as it may (2 of 2)"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("    fix: cluster.pools.ray.max above 2  (stack.yaml:10)\n"), "{}", ran.stdout);
    let ran = place.run(&["doctor", "pending", "-n", "kube-system"]).ended(0);
    assert!(ran.stdout.contains("none waits"), "{}", ran.stdout);
    let ran = place.run(&["doctor", "pending", "-o", "json"]).ended(1);
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let finding = &told["sections"][0]["findings"][0];
    assert_eq!(
        (&finding["state"], &finding["fixes"][0]["at"]),
        (&Value::from("failed"), &Value::from("stack.yaml:10"))
    );
    assert_eq!(finding["branches"][1]["part"], "autoscaler");
}

#[test]
fn a_grant_that_nobody_has_made_yet_is_judged_by_the_plan() {
    let place = Place::new();
    place.write("stack.yaml", STACK);
    let ran = place.run(&["doctor"]).ended(0);
    assert!(
        ran.stdout.contains("permissions  1 service account with a role, 2 questions: none is refused"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("pending      nothing is installed yet"), "{}", ran.stdout);
}

#[test]
fn a_context_that_is_not_there_is_an_error() {
    let ran = Place::new().run(&["doctor", "--context", "nowhere"]).ended(1);
    assert!(ran.stderr.starts_with("error: cannot use context `nowhere`"), "{}", ran.stderr);
}
