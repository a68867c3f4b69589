//! Generated cases, judged by the real kube-scheduler.
//!
//! The judge is a Go program, `tests/judge`, around `k8s.io/kubernetes/pkg/scheduler` v1.34.4. It takes minutes to build and is
//! therefore looked for, not built: `SUTLER_SCHEDULER_JUDGE`, or `target/peers/bin/scheduler-judge`. What it said of some cases is
//! recorded in `tests/judge/recorded.txt` and checked everywhere; `SUTLER_RECORD=1` records anew.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;

/// A small generator, so that a seed says everything.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }

    fn maybe(&mut self, one_in: u64, word: impl FnOnce(&mut Self) -> String) -> String {
        if self.roll(one_in) == 0 { format!(" {}", word(self)) } else { String::new() }
    }
}

/// A case in the words of [`super::check`].
fn case(dice: &mut Dice) -> String {
    let mut lines = Vec::new();
    let nodes = 1 + dice.roll(6);
    for number in 0..nodes {
        let mut line = format!("node n{number} cpu={} memory={}Gi", 1 + dice.roll(8), 1 + dice.roll(16));
        line += &dice.maybe(1, |dice| format!("zone={}", dice.pick(&["a", "b", "c"])));
        line += &dice.maybe(4, |dice| format!("label=dedicated={}", dice.pick(&["ray", "hub"])));
        line += &dice.maybe(4, |dice| format!("taint=dedicated={}:NoSchedule", dice.pick(&["ray", "hub"])));
        line += &dice.maybe(5, |_| "taint=slow=yes:PreferNoSchedule".to_owned());
        line += &dice.maybe(8, |_| "cordoned".to_owned());
        line += &dice.maybe(6, |dice| format!("nvidia.com/gpu={}", 1 + dice.roll(2)));
        line += &dice.maybe(8, |dice| format!("pods={}", 1 + dice.roll(3)));
        lines.push(line);
    }
    for number in 0..dice.roll(9) {
        lines.push(format!("pod x{number} on=n{}{}", dice.roll(nodes), words(dice)));
    }
    let mut line = format!("pod p{}", words(dice));
    line += &dice.maybe(3, |dice| format!("select=dedicated={}", dice.pick(&["ray", "hub"])));
    line += &dice.maybe(9, |dice| format!("named=n{}", dice.roll(nodes)));
    line += &dice.maybe(9, |_| "never-preempts".to_owned());
    line += &dice.maybe(6, |dice| format!("wants=dedicated={}", dice.pick(&["ray", "hub"])));
    lines.push(line);
    lines.join("\n")
}

/// What pods that run and the one that waits may both have.
fn words(dice: &mut Dice) -> String {
    const HOST: &str = "kubernetes.io/hostname";
    const ZONE: &str = "topology.kubernetes.io/zone";
    let label = |dice: &mut Dice| dice.pick(&["a", "b"]).to_owned();
    let term = |dice: &mut Dice, word: &str| format!("{word}=app={}@{}", label(dice), dice.pick(&[HOST, ZONE]));
    let mut line = String::new();
    line += &dice.maybe(2, |dice| format!("cpu={}m", 250 * (1 + dice.roll(16))));
    line += &dice.maybe(2, |dice| format!("memory={}Mi", 512 * (1 + dice.roll(16))));
    line += &dice.maybe(9, |_| "nvidia.com/gpu=1".to_owned());
    line += &dice.maybe(1, |dice| format!("label=app={}", label(dice)));
    line += &dice.maybe(3, |dice| format!("tolerates=dedicated={}", dice.pick(&["ray", "hub"])));
    line += &dice.maybe(7, |dice| term(dice, "without"));
    line += &dice.maybe(8, |dice| term(dice, "with"));
    line += &dice.maybe(8, |dice| term(dice, "rather-without"));
    line += &dice.maybe(7, |dice| term(dice, "spread"));
    line += &dice.maybe(9, |dice| format!("port={}", 80 + dice.roll(2)));
    line += &dice.maybe(9, |dice| format!("ns={}", dice.pick(&["default", "other"])));
    line
}

/// A case as the judge reads it: objects that the API server would have completed.
fn scene(case: &str) -> Value {
    let mut objects: Vec<(String, Value)> = case.lines().map(object).collect();
    for (number, (kind, object)) in objects.iter_mut().enumerate() {
        object["metadata"]["uid"] = json!(format!("uid-{number}"));
        if kind == "pod" {
            object["spec"]["schedulerName"] = json!("default-scheduler");
        }
    }
    let of = |wanted: &str| -> Vec<Value> {
        objects.iter().filter(|(kind, _)| kind == wanted).map(|(_, object)| object.clone()).collect()
    };
    let mut pods = of("pod");
    let pod = pods.pop().unwrap();
    let namespaces = [json!({"metadata": {"name": "default"}}), json!({"metadata": {"name": "other"}})];
    json!({"nodes": of("node"), "pods": pods, "namespaces": namespaces, "pod": pod})
}

/// What we say: the event's text, or all nodes among which chance decides.
fn verdict(scene: &Value) -> Result<Vec<String>, String> {
    let list = |field: &str| scene[field].as_array().unwrap();
    let snapshot = Snapshot::new(list("nodes"), list("pods"), list("namespaces"));
    let pod = PodFacts::of(&scene["pod"]);
    let nodes = filter::feasible_nodes(&pod, &snapshot).map_err(|why| why.to_string())?;
    let totals = score::totals(&pod, &snapshot, &nodes);
    let most = totals.iter().max().copied().unwrap();
    let best = nodes.iter().zip(&totals).filter(|(_, total)| **total == most);
    Ok(best.map(|(node, _)| node.name().to_owned()).collect())
}

const RECORDED: &str = include_str!("../../../tests/judge/recorded.txt");
const RECORDED_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judge/recorded.txt");

fn agrees(ours: &Result<Vec<String>, String>, real: &str) -> bool {
    match ours {
        Ok(nodes) => nodes.iter().any(|node| node == real),
        Err(text) => text == real,
    }
}

#[test]
fn recorded_verdicts_hold() {
    let mut count = 0;
    for record in RECORDED.split("\n\n") {
        let (case, real) = record.trim().split_once("\n=> ").unwrap();
        let ours = verdict(&scene(case));
        assert!(agrees(&ours, real), "{case}\n  real: {real}\n  ours: {ours:?}");
        count += 1;
    }
    assert!(count >= 50, "{count} records");
}

fn judge() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("SUTLER_SCHEDULER_JUDGE") {
        return Some(path.into());
    }
    let built = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/peers/bin/scheduler-judge"));
    built.exists().then_some(built)
}

#[test]
fn verdicts_are_those_of_kube_scheduler() {
    let Some(judge) = judge() else {
        println!("skipped: no scheduler-judge (build tests/judge with Go, see its main.go)");
        return;
    };
    let seed = std::env::var("SUTLER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let count = std::env::var("SUTLER_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(200);
    println!("seed {seed}, {count} cases");
    let mut dice = Dice(seed);
    let cases: Vec<String> = (0..count).map(|_| case(&mut dice)).collect();
    let scenes: Vec<Value> = cases.iter().map(|case| scene(case)).collect();
    let mut child =
        Command::new(&judge).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input: String = scenes.iter().map(|scene| format!("{scene}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), cases.len(), "the judge stopped early");
    if std::env::var_os("SUTLER_RECORD").is_some() {
        let texts = cases.iter().zip(&answers).take(60).map(|(case, answer)| format!("{case}\n=> {answer}\n"));
        std::fs::write(RECORDED_PATH, texts.collect::<Vec<_>>().join("\n")).unwrap();
    }
    let mut wrong = Vec::new();
    let (mut placed, mut refused) = (0, 0);
    for ((case, scene), answer) in cases.iter().zip(&scenes).zip(&answers) {
        let ours = verdict(scene);
        let same = agrees(&ours, answer);
        if ours.is_ok() {
            placed += 1;
        } else {
            refused += 1;
        }
        if !same {
            wrong.push(format!("{case}\n  real: {answer}\n  ours: {ours:?}"));
        }
    }
    println!("{placed} placed, {refused} refused");
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n\n{}",
        wrong.len(),
        cases.len(),
        wrong[..wrong.len().min(5)].join("\n\n")
    );
}
