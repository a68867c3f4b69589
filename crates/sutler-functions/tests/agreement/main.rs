//! Every function against the real ones: a recorded table of cases, which needs nothing, and cases made up on the spot,
//! which a Go program with Helm's library judges (see `tests/judge`).

#![allow(clippy::print_stdout, reason = "tests say what they skip and compare")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod certificates;
mod counts;
mod deep;
mod digests;
mod engine;
mod generate;
mod judge;
mod page;
mod texts;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sutler_functions::time::Zone;
use sutler_functions::{Host, HostBox, json};
use sutler_template::{Map, Value};

/// What the templates see as their dot.
const DATA: &str = include_str!("../cases/data.json");

/// A host whose clock stands still and whose randomness repeats itself.
struct Fixed(Cell<u64>);

impl Default for Fixed {
    fn default() -> Self {
        Fixed(Cell::new(0x9E37_79B9_7F4A_7C15))
    }
}

impl Host for Fixed {
    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Map, String> {
        Ok(Map::new())
    }

    fn random(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let mut state = self.0.get();
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            self.0.set(state);
            *byte = (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8;
        }
    }

    fn now(&self) -> (i64, u32) {
        (1_700_000_000, 0)
    }

    fn local_zone(&self) -> Zone {
        Zone::Utc
    }
}

/// What became of a template: its output or its error, quoted as Go quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Output(String),
    Error(String),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Output(text) => write!(f, "= {text}"),
            Outcome::Error(text) => write!(f, "! {text}"),
        }
    }
}

fn quoted(text: &[u8]) -> String {
    let mut out = Vec::new();
    sutler_template::printf(&mut out, b"%q", &[Value::String(text.into())]);
    String::from_utf8(out).unwrap()
}

/// The output of a template over data given as JSON, or the text of its error.
fn execute_with(data: &str, template: &str) -> Result<String, String> {
    outcome(data, template)
        .map(|output| String::from_utf8_lossy(&output).into_owned())
        .map_err(|error| String::from_utf8_lossy(&error).into_owned())
}

fn outcome(data: &str, template: &str) -> Result<Vec<u8>, Vec<u8>> {
    let (data, _) = json::read(data.as_bytes()).unwrap();
    let mut set = sutler_template::TemplateSet::new("t")
        .with_functions(sutler_functions::all())
        .with_missing_key(sutler_template::MissingKey::Zero);
    set.parse("t", template).map_err(|error| error.to_string().into_bytes())?;
    let host = HostBox(Box::new(Fixed::default()));
    let options = sutler_template::ExecuteOptions { host: Some(&host), ..Default::default() };
    set.execute("t", &data, options)
        .map(|output| output.as_bytes().to_vec())
        .map_err(|error| error.to_string().into_bytes())
}

fn execute(template: &str) -> Outcome {
    match outcome(DATA, template) {
        Ok(output) => Outcome::Output(quoted(&output)),
        Err(error) => Outcome::Error(quoted(&error)),
    }
}

fn case_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files
}

/// Cases of a file: lines that start with `{{`, each followed by its outcome.
fn cases(text: &str) -> Vec<(&str, Option<&str>)> {
    let mut cases = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("{{") {
            cases.push((line, lines.next_if(|next| next.starts_with(['=', '!']))));
        }
    }
    cases
}

#[test]
fn recorded_cases_come_out_as_helm_renders_them() {
    let mut wrong = String::new();
    let mut count = 0;
    for file in case_files() {
        for (template, expected) in cases(&std::fs::read_to_string(&file).unwrap()) {
            let expected = expected.unwrap_or_else(|| panic!("no outcome is recorded for {template}"));
            let outcome = execute(template).to_string();
            count += 1;
            if outcome != expected {
                writeln!(wrong, "{template}\n  helm  {expected}\n  here  {outcome}").unwrap();
            }
        }
    }
    assert!(count > 500, "only {count} cases are recorded");
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{wrong}", wrong.lines().count() / 3);
}

#[test]
#[ignore = "makes up new cases for `cases/generated.txt`, to be followed by `record_cases`"]
fn choose_cases() {
    let mut text = String::from("# Made up by `choose_cases` from the signatures of the functions.\n\n");
    for template in generate::templates(&mut generate::Random::new(2026), 1600)
        .iter()
        .filter(|template| !template.contains("\\xff"))
    {
        writeln!(text, "{template}").unwrap();
    }
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/generated.txt"), text).unwrap();
}

#[test]
#[ignore = "writes the outcomes of Helm into the recorded cases; needs Go"]
fn record_cases() {
    let judge = judge::Judge::build().unwrap();
    for file in case_files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let templates: Vec<String> = cases(&text).into_iter().map(|(template, _)| template.to_string()).collect();
        let mut outcomes = judge.outcomes(DATA, &templates).unwrap().into_iter();
        let mut recorded = String::new();
        for line in text.lines().filter(|line| !line.starts_with(['=', '!'])) {
            writeln!(recorded, "{line}").unwrap();
            if line.starts_with("{{") {
                writeln!(recorded, "{}", outcomes.next().unwrap()).unwrap();
            }
        }
        std::fs::write(&file, recorded).unwrap();
    }
}

/// Ours as the judge would say it: messages are text here; Go's may quote bytes that are none.
fn as_text(expected: Outcome) -> Outcome {
    match expected {
        Outcome::Error(text) => Outcome::Error(text.replace("\\xff\\xfeA`", "��A`").replace(": \\xff\\xfeA", ": ��A")),
        output => output,
    }
}

/// Whether `slice` went past a list's end, where Helm may find what Go's memory for the list holds (`docs/helm-differences.md`).
fn is_beyond_the_end(ours: &Outcome) -> bool {
    matches!(ours, Outcome::Error(text) if text.contains("error calling slice: reflect.Value.Slice: slice index out of bounds"))
}

/// Compares made-up templates with Helm: some thousands, or as many as `SUTLER_SECONDS` allow. `make` gets a generator and how
/// many are wanted.
fn check_generated(suite: &str, make: impl Fn(&mut generate::Random, usize) -> Vec<String>) {
    let judge = match judge::Judge::build() {
        Ok(judge) => judge,
        Err(reason) => {
            println!("skipped, the judge is missing: {reason}");
            return;
        }
    };
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default);
    let seed = number("SUTLER_SEED", std::process::id().into());
    let until = Instant::now() + Duration::from_secs(number("SUTLER_SECONDS", 0));
    let batch = usize::try_from(number("SUTLER_CASES", 2000)).unwrap();
    let mut random = generate::Random::new(seed);
    let (mut count, mut counts, mut wrong) = (0, BTreeMap::new(), Vec::new());
    while count == 0 || Instant::now() < until {
        let templates = make(&mut random, batch);
        count += templates.len();
        templates.iter().for_each(|template| counts::add(&mut counts, template));
        let asked = {
            let templates = templates.clone();
            let judge = judge.clone();
            std::thread::spawn(move || judge.outcomes(DATA, &templates).unwrap())
        };
        let ours: Vec<Outcome> = templates.iter().map(|template| execute(template)).collect();
        let expected = asked.join().unwrap();
        for ((template, ours), expected) in templates.iter().zip(ours).zip(expected) {
            let expected = as_text(expected);
            if ours != expected && !is_beyond_the_end(&ours) {
                wrong.push(format!("{template}\n  helm  {expected}\n  here  {ours}"));
            }
        }
    }
    counts::write(suite, &counts);
    println!("compared {count} generated {suite} with Helm's functions, seed {seed}: {} differ", wrong.len());
    assert!(
        wrong.is_empty(),
        "seed {seed}: {} of {count} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
}

#[test]
fn generated_calls_come_out_as_helm_renders_them() {
    check_generated("calls", generate::templates);
}

#[test]
fn generated_texts_come_out_as_helm_renders_them() {
    check_generated("texts", |random, count| (0..count).map(|_| texts::template(random)).collect());
}

#[test]
fn generated_calls_within_calls_come_out_as_helm_renders_them() {
    check_generated("nested-calls", deep_templates);
}

fn deep_templates(random: &mut generate::Random, count: usize) -> Vec<String> {
    let functions = generate::functions();
    (0..count).map(|_| deep::template(random, &functions)).collect()
}

/// The seed and number of the cases whose answers are recorded as digests.
const RECORDED: (u64, usize) = (4, 4000);

fn recorded_templates() -> Vec<String> {
    let mut random = generate::Random::new(RECORDED.0);
    let deep = deep_templates(&mut random, RECORDED.1 / 2);
    deep.into_iter().chain((0..RECORDED.1 / 2).map(|_| texts::template(&mut random))).collect()
}

#[test]
fn generated_cases_come_out_as_recorded() {
    let templates = recorded_templates();
    let answers = templates.iter().map(|template| (template.as_str(), execute(template).to_string()));
    let (count, wrong) = digests::differences("generated.txt", answers);
    assert!(count > 1000, "only {count} cases are recorded");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
#[ignore = "writes the digests of Helm's answers; needs Go"]
fn record_generated_cases() {
    let templates = recorded_templates();
    let outcomes = judge::Judge::build().unwrap().outcomes(DATA, &templates).unwrap();
    let answers = outcomes.into_iter().map(|outcome| as_text(outcome).to_string());
    digests::record("generated.txt", RECORDED.0, templates.iter().map(String::as_str).zip(answers));
}

#[test]
fn names_are_unique_and_signatures_are_gos() {
    let mut names: Vec<&str> = sutler_functions::all().map(|function| function.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    let recorded = include_str!("../cases/signatures.tsv");
    let mut wrong = String::new();
    for line in recorded.lines() {
        let (name, signature) = line.split_once('\t').unwrap();
        match sutler_functions::all().find(|function| function.name == name) {
            None => writeln!(wrong, "{name} is missing").unwrap(),
            Some(function) => {
                let here = signature_text(&function.signature);
                // An error besides the result is always possible here.
                let expected = match signature.strip_suffix(", error)").and_then(|text| text.rsplit_once('(')) {
                    Some((params, result)) => format!("{params}{result}"),
                    None => signature.to_string(),
                };
                if here != expected {
                    writeln!(wrong, "{name}: {here}, not {expected}").unwrap();
                }
            }
        }
    }
    assert_eq!(recorded.lines().count(), 221);
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(count, 221);
}

fn signature_text(signature: &sutler_template::Signature) -> String {
    let mut params: Vec<String> = signature.params.iter().map(|param| param.name.to_string()).collect();
    params.extend(signature.variadic.map(|param| format!("...{}", param.name)));
    format!("func({}) {}", params.join(", "), signature.result.name)
}
