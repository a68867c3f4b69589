//! FUNCTIONS.md: every function with its Go signature, what it does, and in how many compared cases it was called.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::{case_files, cases, signature_text};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The words of a template outside of its texts in quotes, without fields and variables.
fn words(template: &str) -> BTreeSet<&str> {
    let mut quote = None;
    let mut escaped = false;
    let parts = template.split(move |c: char| {
        match quote {
            None if matches!(c, '"' | '`') => quote = Some(c),
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            _ => {}
        }
        quote.is_some() || !(c.is_alphanumeric() || matches!(c, '_' | '.' | '$'))
    });
    parts.filter(|word| !word.is_empty()).collect()
}

/// In how many recorded cases each word occurs.
fn recorded() -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for file in case_files() {
        for (template, _) in cases(&std::fs::read_to_string(file).unwrap()) {
            for word in words(template) {
                *counts.entry(word.to_owned()).or_default() += 1;
            }
        }
    }
    counts
}

/// How often each function was called in cases made up for the long run, which writes the file; none without it.
fn compared() -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(folder().join("tests/cases/compared.tsv")).unwrap_or_default();
    let line = |line: &str| {
        let (name, count) = line.split_once('\t').unwrap();
        (name.to_owned(), count.parse().unwrap())
    };
    text.lines().map(line).collect()
}

fn page() -> String {
    let mut functions: Vec<_> = sutler_functions::all().collect();
    functions.sort_by_key(|function| function.name);
    let summaries: BTreeMap<&str, &str> =
        include_str!("../cases/summaries.tsv").lines().map(|line| line.split_once('\t').unwrap()).collect();
    assert_eq!(summaries.len(), functions.len(), "tests/cases/summaries.tsv has a line for every function");
    let (recorded, compared) = (recorded(), compared());
    let count = |counts: &BTreeMap<String, u64>, name: &str| counts.get(name).copied().unwrap_or(0);
    let total = |counts: &BTreeMap<String, u64>| functions.iter().map(|f| count(counts, f.name)).sum::<u64>();
    let mut page = format!(
        "# Functions of templates\n\n\
         Helm's {} functions, sprig's and its own, with their Go signatures; an error besides the result is always possible.\n\
         *Recorded* are the cases in `tests/cases` that call the function, whose outcomes are Helm's and which every run of the\n\
         tests repeats; *made up* are calls in cases drawn at random, which the last long run (`cargo xtask test --real`) gave to\n\
         Helm's library and to this crate, with the same outcome. {} calls are recorded and {} were made up. `fail`, `include`,\n\
         `lookup`, `required` and `tpl` are compared in whole charts besides.\n\n\
         Generated: `SUTLER_BLESS=1 cargo test -p sutler-functions`.\n\n\
         | function | signature | what it gives | recorded | made up |\n| --- | --- | --- | ---: | ---: |\n",
        functions.len(),
        total(&recorded),
        total(&compared),
    );
    for function in &functions {
        let name = function.name;
        let summary = summaries.get(name).unwrap_or_else(|| panic!("tests/cases/summaries.tsv has no {name}"));
        let (signature, recorded, compared) =
            (signature_text(&function.signature), count(&recorded, name), count(&compared, name));
        writeln!(page, "| `{name}` | `{signature}` | {summary} | {recorded} | {compared} |").unwrap();
    }
    page
}

fn path() -> PathBuf {
    folder().join("FUNCTIONS.md")
}

#[test]
fn the_page_of_functions_is_up_to_date() {
    let page = page();
    if std::env::var_os("SUTLER_BLESS").is_some() {
        std::fs::write(path(), &page).unwrap();
    }
    assert!(std::fs::read_to_string(path()).unwrap_or_default() == page, "run with SUTLER_BLESS=1");
}

#[test]
fn every_function_is_called_in_a_recorded_case() {
    let recorded = recorded();
    let missing: Vec<&str> =
        sutler_functions::all().map(|function| function.name).filter(|name| !recorded.contains_key(*name)).collect();
    assert!(missing.is_empty(), "no recorded case calls {}", missing.join(", "));
}

#[test]
fn words_within_texts_and_fields_are_not_calls() {
    let found = words(r#"{{ upper "lower \" trim" | quote }}{{ upper `title` }}{{ .join.x }}{{ $now }}"#);
    assert_eq!(found, BTreeSet::from([".join.x", "$now", "quote", "upper"]));
}
