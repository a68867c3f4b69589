//! Ray clusters of one's own, through the program itself: up, listed, down.

mod support;

use serde_json::Value;
use support::{Place, Ran};

const STACK: &str = "\
apiVersion: sutler.dev/v1alpha1
kind: Stack
name: team
environments: {try: {target: simulator, region: us-west-2}}
defaults: {environment: try}
cluster:
  pools:
    core: {instanceTypes: [m6i.xlarge], min: 2, max: 2}
    ray: {instanceTypes: [m6i.4xlarge], min: 3, max: 3, dedicated: ray}
roles:
  DaftRole: {serviceAccounts: [ray/daft], s3: [{bucket: team-data, access: read}]}
releases:
  default:
    namespace: ray
    chart: builtin:ray-static-cluster
    values: {role: DaftRole, workers: {replicas: 1, pool: ray}, head: {pool: core}}
";

/// Runs it as somebody.
fn run(place: &Place, who: &str, arguments: &[&str]) -> Ran {
    let output = place.command(arguments).env("SUTLER_OWNER", who).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A line's words.
fn words(text: &str, cluster: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.contains(cluster)).unwrap_or_else(|| panic!("no {cluster} in {text}"));
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn everybody_sees_the_stacks_cluster_and_their_own_and_all_on_demand() {
    let place = Place::new();
    place.write("stack.yaml", STACK);
    place.run(&["up"]).ended(0);
    let none = run(&place, "ada", &["ray", "list", "-n", "elsewhere"]).ended(0);
    assert_eq!(none.stdout, "");
    assert!(
        none.stderr.contains("no Ray cluster of yours in namespace elsewhere: `sutler ray up NAME`"),
        "{}",
        none.stderr
    );

    run(&place, "ada@lab", &["ray", "up", "mine", "--workers", "1"]).ended(0);
    let ada = run(&place, "ada@lab", &["ray", "list"]).ended(0);
    assert_eq!(ada.stdout.lines().count(), 2, "{}", ada.stdout);
    let mine = words(&ada.stdout, "ray/mine");
    assert_eq!(mine[..8], ["simulated", "ray/mine", "ada-lab", "head", "ready", "1", "of", "1"], "{mine:?}");
    assert_eq!(mine.last().map(String::as_str), Some("ray://mine-ray-head-svc.ray:10001"));
    assert_eq!(words(&ada.stdout, "ray/default")[2..4], ["stack", "team"]);

    // What others have is said by its number alone, unless asked for.
    let ben = run(&place, "ben", &["ray", "list"]).ended(0);
    assert!(!ben.stdout.contains("mine") && ben.stderr.contains("1 Ray cluster of others not shown: --all"), "{ben:?}");
    let all = run(&place, "ben", &["ray", "ls", "--all", "-A", "-o", "json"]).ended(0);
    let all: Value = serde_json::from_str(&all.stdout).expect("JSON");
    let names: Vec<&str> = all.as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["default", "mine"]);
    let dollars = all[1]["dollarsAnHour"].as_f64().expect("a price");
    // A worker that has its node to itself, and a part of one for the head: m6i.4xlarge is $0.768 an hour.
    assert!(dollars > 0.6 && dollars < 1.0, "{dollars}");

    // Four workers do not fit on three nodes, of which the stack has one.
    run(&place, "ada@lab", &["ray", "up", "mine", "--workers", "4"]);
    let waiting = run(&place, "ada@lab", &["ray", "list"]).ended(0);
    assert_eq!(words(&waiting.stdout, "ray/mine")[3..7], ["failed", "2", "of", "4"], "{}", waiting.stdout);
    assert!(waiting.stdout.contains("nodes are available"), "{}", waiting.stdout);

    run(&place, "ada@lab", &["ray", "down", "mine"]).ended(0);
    let left = run(&place, "ben", &["ray", "list", "--all"]).ended(0);
    assert_eq!(left.stdout.lines().count(), 1, "{}", left.stdout);
}
