//! Patches, server-side apply, quantities and selectors, compared with the real Kubernetes libraries.
//!
//! `judge/` is a Go program around apimachinery and structured-merge-diff. Its answers to generated cases are recorded in
//! `judge/recorded.jsonl` and compared in every run. With `SUTLER_JUDGE=live` the program is built (Go and its module proxy
//! are needed; minutes the first time) and asked anew, with the seed and number of cases in `SUTLER_JUDGE_SEED` and
//! `SUTLER_JUDGE_CASES`; with `SUTLER_JUDGE=record` the record is written anew as well.

// A test fails where something it needs is not there, and prints its seed and counts.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "judge/generate.rs"]
mod generate;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use sutler_objects::apply::{Force, Manager, apply, track_update};
use sutler_objects::quantity::Quantity;
use sutler_objects::selector::LabelSelector;
use sutler_objects::{patch, schema};

const RECORDED_CASES: usize = 240;
const RECORDED_SEED: u64 = 20_260_131;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge")
}

/// Our own answer to a case, in the judge's form.
fn answer(case: &Value) -> Value {
    let text = |key: &str| case[key].as_str().unwrap_or("");
    let ty = schema::of(text("apiVersion"), text("kind"));
    let result = |result: Result<Value, patch::PatchError>| match result {
        Ok(value) => json!({"ok": value}),
        Err(error) => json!({"error": error.to_string()}),
    };
    match text("op") {
        "strategic" => result(patch::strategic_merge_patch(&case["original"], &case["patch"], ty.unwrap())),
        "two-way" => result(patch::two_way(&case["original"], &case["modified"], ty.unwrap())),
        "three-way" => result(patch::three_way(&case["original"], &case["modified"], &case["current"], ty.unwrap())),
        "three-way-merge" => result(patch::three_way_merge(&case["original"], &case["modified"], &case["current"])),
        "quantity" => match text("text").parse::<Quantity>() {
            Ok(quantity) => {
                json!({"ok": [quantity.to_string(), quantity.units().to_string(), quantity.millis().to_string()]})
            }
            Err(error) => json!({"error": error.to_string()}),
        },
        "selector" => match LabelSelector::parse(text("text")) {
            Ok(selector) => json!({"ok": selector.matches(case["labels"].as_object())}),
            Err(_) => json!({"error": "refused"}),
        },
        "apply" => json!({"ok": apply_steps(case, ty.unwrap())}),
        other => panic!("no such case: {other}"),
    }
}

fn apply_steps(case: &Value, ty: &schema::Type) -> Value {
    let mut live: Option<Value> = None;
    let mut answers = Vec::new();
    for step in case["steps"].as_array().unwrap() {
        let manager =
            Manager { name: step["manager"].as_str().unwrap(), subresource: "", time: "2026-01-31T12:00:00Z" };
        let force = if step["force"] == true { Force::Yes } else { Force::No };
        let next = match step["verb"].as_str().unwrap() {
            "apply" => apply(live.as_ref(), &step["object"], ty, &manager, force),
            _ => Ok(track_update(live.as_ref(), &step["object"], ty, &manager)),
        };
        match next {
            Err(error) => answers.push(json!({"error": error.to_string()})),
            Ok(next) => {
                let mut shown = next.clone();
                let owners = shown["metadata"]
                    .as_object_mut()
                    .and_then(|metadata| metadata.remove("managedFields"))
                    .unwrap_or(json!([]));
                answers.push(json!({"object": shown, "owners": by_owner(&owners)}));
                live = Some(next);
            }
        }
    }
    Value::Array(answers)
}

fn by_owner(entries: &Value) -> Value {
    let name = |entry: &Value| {
        let part = |key: &str| entry[key].as_str().unwrap_or("").to_owned();
        [part("manager"), part("operation"), part("apiVersion"), part("subresource")].join(" ")
    };
    let pair = |entry: &Value| (name(entry), entry["fieldsV1"].clone());
    Value::Object(entries.as_array().into_iter().flatten().map(pair).collect::<Map<_, _>>())
}

/// Conflicts come in the order of a Go map; sorted, they can be compared.
fn comparable(answer: &Value) -> Value {
    match answer {
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), comparable(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(comparable).collect(),
        Value::String(text) if text.starts_with("Apply failed with") => {
            let mut lines: Vec<&str> = text.split('\n').collect();
            lines.sort_unstable();
            lines.join("\n").into()
        }
        other => other.clone(),
    }
}

/// Where two answers differ first, with both values.
fn difference(ours: &Value, judged: &Value, path: &str) -> String {
    match (ours, judged) {
        (Value::Object(a), Value::Object(b)) if a.contains_key("error") == b.contains_key("error") => {
            let names = a.keys().chain(b.keys()).find(|name| a.get(*name) != b.get(*name));
            let name = names.expect("the maps differ");
            difference(
                a.get(name).unwrap_or(&Value::Null),
                b.get(name).unwrap_or(&Value::Null),
                &format!("{path}.{name}"),
            )
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let at = (0..a.len()).find(|at| a[*at] != b[*at]).expect("the lists differ");
            difference(&a[at], &b[at], &format!("{path}[{at}]"))
        }
        _ => format!("{path}\nours   {ours}\njudge  {judged}"),
    }
}

fn compare(cases: &[(Value, Value)]) {
    let mut differing = Vec::new();
    let mut counts: std::collections::BTreeMap<&str, (usize, usize)> = std::collections::BTreeMap::new();
    for (case, judged) in cases {
        let ours = answer(case);
        let count = counts.entry(case["op"].as_str().unwrap_or("")).or_default();
        count.1 += 1;
        if comparable(&ours) == comparable(judged) {
            count.0 += 1;
        } else {
            let place = difference(&comparable(&ours), &comparable(judged), "");
            differing.push(format!("{}: {place}\ncase   {case}", case["op"]));
        }
    }
    for (op, (same, all)) in &counts {
        println!("{op}: {same} of {all} as the judge");
    }
    assert!(
        differing.is_empty(),
        "{} cases differ, the first of them:\n{}",
        differing.len(),
        differing[..differing.len().min(10)].join("\n\n")
    );
}

fn ask_judge(cases: &[Value]) -> Vec<Value> {
    let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("objects-judge");
    let built =
        Command::new("go").args(["build", "-o"]).arg(&binary).arg(".").current_dir(folder()).status().expect("go runs");
    assert!(built.success(), "the judge does not build");
    let mut child =
        Command::new(&binary).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the judge starts");
    let mut input = child.stdin.take().unwrap();
    let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the judge fails");
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn recorded_answers_of_the_real_libraries_are_ours() {
    let text = fs::read_to_string(folder().join("recorded.jsonl")).expect("the record is there");
    let cases: Vec<(Value, Value)> = text
        .lines()
        .map(|line| {
            let pair: Value = serde_json::from_str(line).unwrap();
            (pair["case"].clone(), pair["answer"].clone())
        })
        .collect();
    assert!(cases.len() >= RECORDED_CASES, "{} recorded cases", cases.len());
    compare(&cases);
}

#[test]
fn answers_of_the_real_libraries_asked_now_are_ours() {
    let mode = std::env::var("SUTLER_JUDGE").unwrap_or_default();
    if mode != "live" && mode != "record" {
        println!("skipped: answers_of_the_real_libraries_asked_now_are_ours: SUTLER_JUDGE is not `live`");
        return;
    }
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let seed = if mode == "record" { RECORDED_SEED } else { number("SUTLER_JUDGE_SEED", RECORDED_SEED) };
    let count = if mode == "record" { RECORDED_CASES } else { number("SUTLER_JUDGE_CASES", 2000) as usize };
    println!("seed {seed}, {count} cases");
    let cases = generate::cases(seed, count);
    let answers = ask_judge(&cases);
    assert_eq!(answers.len(), cases.len());
    let pairs: Vec<(Value, Value)> = cases.into_iter().zip(answers).collect();
    if mode == "record" {
        let lines: String =
            pairs.iter().map(|(case, answer)| format!("{}\n", json!({"case": case, "answer": answer}))).collect();
        fs::write(folder().join("recorded.jsonl"), lines).unwrap();
    }
    compare(&pairs);
}
