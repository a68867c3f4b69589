//! The real Go packages judge: the same generated inputs, the same values, texts and errors.
//!
//! Skipped, with the reason, where there is no `go` or its modules cannot be had. `SUTLER_YAML_SEED` and
//! `SUTLER_YAML_CASES` choose other and more inputs.

mod generate;
mod notation;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use generate::{Random, value, yaml_text};
use notation::{hex, read_answer, unhex, write_answer};
use serde_json::{Value, json};

/// Builds the judge; `Err` says why it cannot be had.
fn build_judge() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("yaml-judge");
    let output = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(source)
        .output()
        .map_err(|error| format!("`go` cannot be started: {error}"))?;
    if output.status.success() { Ok(program) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Asks the judge about every request, in order.
fn ask(judge: &Path, requests: &[Value]) -> Vec<Value> {
    let mut child =
        Command::new(judge).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the judge was built just now");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("the judge ends when its input does");
    writer.join().expect("the writer does not panic").expect("the judge reads everything");
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .expect("answers are JSON")
        .lines()
        .map(|line| serde_json::from_str(line).expect("answers are JSON"))
        .collect();
    assert_eq!(answers.len(), requests.len());
    answers
}

/// Compares our answers with Go's on `count` generated requests.
fn compare(name: &str, count: usize, mut request: impl FnMut(&mut Random) -> Value, ours: impl Fn(&Value) -> Value) {
    let judge = match build_judge() {
        Ok(judge) => judge,
        Err(reason) => return report(&format!("skipped: {name}: {reason}")),
    };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("SUTLER_YAML_SEED").unwrap_or(20_261);
    let count = number("SUTLER_YAML_CASES").map_or(count, |count| count as usize);
    let mut random = Random::new(seed);
    let requests: Vec<Value> = (0..count).map(|_| request(&mut random)).collect();
    let answers = ask(&judge, &requests);
    let mut differences = Vec::new();
    let mut errors = 0;
    for (request, theirs) in requests.iter().zip(&answers) {
        let ours = ours(request);
        errors += usize::from(theirs.get("error").is_some());
        if ours["ambiguous"].is_null() && settled(request, &ours) != settled(request, theirs) {
            differences.push(format!("{}\n  ours   {}\n  theirs {}", show(request), show(&ours), show(theirs)));
        }
    }
    report(&format!("{name}: {count} cases, {errors} of them errors, {} differ, seed {seed}", differences.len()));
    differences.sort_by_key(String::len);
    let shown: Vec<&str> = differences.iter().take(15).map(String::as_str).collect();
    assert!(differences.is_empty(), "{}", shown.join("\n"));
}

/// An answer without what Go leaves to chance (which of several bad keys is named: its maps are unordered), and of errors
/// of writing only that there is one: where there are several, we name the first, Go the one that its first stage meets.
fn settled(request: &Value, answer: &Value) -> Value {
    let Some(error) = answer["error"].as_str() else { return answer.clone() };
    match error {
        _ if request["op"] == "write" => json!("an error"),
        _ if error.starts_with("unsupported map key of type") => json!("unsupported map key"),
        _ => json!(error),
    }
}

#[allow(clippy::print_stderr)]
fn report(line: &str) {
    eprintln!("{line}");
}

/// A request or answer with its text readable.
fn show(value: &Value) -> String {
    match value["text"].as_str() {
        Some(text) => format!("{:?}", String::from_utf8_lossy(&unhex(text))),
        None => value.to_string(),
    }
}

#[test]
fn generated_texts_read_as_in_go() {
    let request = |random: &mut Random| json!({"op": "read", "text": hex(yaml_text(random).as_bytes())});
    compare("read", 4000, request, read_answer);
}

#[test]
fn generated_texts_read_strictly_as_in_go() {
    let request = |random: &mut Random| json!({"op": "strict", "text": hex(yaml_text(random).as_bytes())});
    compare("read strictly", 1000, request, read_answer);
}

#[test]
fn generated_values_are_written_as_in_go() {
    let request = |random: &mut Random| json!({"op": "write", "value": value(random, 4)});
    compare("write", 4000, request, write_answer);
}

#[test]
fn generated_values_are_written_prettily_as_in_go() {
    let request = |random: &mut Random| json!({"op": "pretty", "value": value(random, 4)});
    compare("write prettily", 2000, request, write_answer);
}

#[test]
fn go_still_answers_as_recorded() {
    let judge = match build_judge() {
        Ok(judge) => judge,
        Err(reason) => return report(&format!("skipped: recorded answers: {reason}")),
    };
    let files = [include_str!("recorded/read.jsonl"), include_str!("recorded/write.jsonl")];
    let cases: Vec<Value> = files
        .iter()
        .flat_map(|file| file.lines())
        .map(|line| serde_json::from_str(line).expect("recorded cases are JSON"))
        .collect();
    let requests: Vec<Value> = cases.iter().map(|case| case["request"].clone()).collect();
    for (case, answer) in cases.iter().zip(ask(&judge, &requests)) {
        assert_eq!(case["answer"], answer, "{}", case["request"]);
    }
}
