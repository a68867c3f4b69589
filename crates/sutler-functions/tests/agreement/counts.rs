//! How often each function was called in compared cases: written for `cargo xtask test`, which gathers the counts of all
//! suites in `tests/cases/compared.tsv`.

use std::collections::BTreeMap;
use std::path::Path;

/// The words of a template's actions that stand outside of quoted texts.
fn words(template: &str) -> impl Iterator<Item = &str> {
    let mut quote = None;
    let mut escaped = false;
    template.split(move |c: char| {
        match quote {
            None if c == '"' || c == '`' => quote = Some(c),
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            _ => {}
        }
        quote.is_some() || !(c.is_alphanumeric() || c == '_' || c == '.' || c == '$')
    })
}

/// Adds the functions that a template names, each once a case.
pub(crate) fn add(counts: &mut BTreeMap<&'static str, u64>, template: &str) {
    let mut named: Vec<&str> = words(template).collect();
    named.sort_unstable();
    named.dedup();
    for function in sutler_functions::all() {
        if named.binary_search(&function.name).is_ok() {
            *counts.entry(function.name).or_default() += 1;
        }
    }
}

/// Writes the counts of a suite, if the environment says where.
pub(crate) fn write(suite: &str, counts: &BTreeMap<&'static str, u64>) {
    if let Some(folder) = std::env::var_os("SUTLER_COMPARED") {
        let text: String = counts.iter().map(|(name, count)| format!("{name}\t{count}\n")).collect();
        std::fs::write(Path::new(&folder).join(format!("{suite}.tsv")), text).unwrap();
    }
}

#[test]
fn only_words_outside_of_texts_are_counted() {
    let mut counts = BTreeMap::new();
    add(&mut counts, r#"{{ upper "lower \" trim" | quote }}{{ upper `title` }}{{ .join.x }}"#);
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("quote", 1), ("upper", 1)]);
}
