//! Hints below Helm's text: `cases.txt` holds charts, what a person gave, and the hints expected. Write them anew with
//! `RECORD=1 cargo test -p sutler-chart --test hints`.
//!
//! A case begins with `=== ` and a statement; parts begin with `--- `: a file of the chart, `-f NAME`, `--set …`, or `hints`.

use std::path::Path;
use std::sync::Arc;

use sutler_chart::{
    Chart, ChartSource, Circumstances, Compatibility, RenderOptions, RenderTrace, SourceFile, ValuesFile,
    ValuesOptions, explain, explain_values, render,
};

/// One case: the text before its hints, and the hints.
struct Case<'t> {
    input: &'t str,
    hints: &'t str,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let cases = text.split("\n=== ").skip(1);
    cases
        .map(|case| {
            let (input, hints) = case.split_once("--- hints\n").unwrap_or((case, ""));
            Case { input, hints }
        })
        .collect()
}

/// What is explained of a case; the error's own text is no part of it.
fn explained(input: &str) -> String {
    let mut parts = input.split("\n--- ");
    let statement = parts.next().unwrap_or_default();
    let compatibility = if statement.ends_with("(Helm 3)") { Compatibility::V3 } else { Compatibility::V4 };
    let mut files = vec![SourceFile::new("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n")];
    let mut values = ValuesOptions::default();
    for part in parts {
        let (head, body) = part.split_once('\n').unwrap_or((part, ""));
        match head.split_once(' ') {
            Some(("-f", name)) => values.files.push(ValuesFile { name: name.to_owned(), text: body.to_owned() }),
            Some(("--set", text)) => values.set.push(text.to_owned()),
            Some(("--set-string", text)) => values.set_string.push(text.to_owned()),
            Some(("--set-json", text)) => values.set_json.push(text.to_owned()),
            _ => {
                files.retain(|file| file.name != head);
                files.push(SourceFile::new(head, body));
            }
        }
    }
    let chart = Chart::load_as(ChartSource::Files { files }, compatibility, &mut Vec::new()).expect("the chart loads");
    let user_values = match values.merge() {
        Ok(values) => values,
        Err(error) => return shown(&explain_values(&error, &values)),
    };
    let mut options = RenderOptions::install("r", "default").with_compatibility(compatibility);
    options.trace = Some(Arc::new(RenderTrace::new()));
    match render(&chart, &user_values, &options) {
        Ok(_) => "no error\n".to_owned(),
        Err(error) => {
            let about = Circumstances { chart: &chart, values: &values, user_values: &user_values, options: &options };
            shown(&explain(&error, &about))
        }
    }
}

fn shown(hints: &[sutler_chart::Hint]) -> String {
    hints.iter().map(|hint| format!("{:?}: {hint}\n", hint.kind)).collect()
}

#[test]
fn every_case_is_explained_as_recorded() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hints/cases.txt");
    let text = std::fs::read_to_string(&path).expect("the cases are there");
    let cases = cases(&text);
    assert!(cases.len() >= 40, "there are {} cases", cases.len());
    if std::env::var_os("RECORD").is_some() {
        let mut recorded = text.split("\n=== ").next().unwrap_or_default().to_owned();
        for case in &cases {
            recorded.push_str(&format!("\n=== {}--- hints\n{}", case.input, explained(case.input)));
        }
        std::fs::write(&path, recorded).expect("the cases can be written");
        return;
    }
    for case in &cases {
        let statement = case.input.lines().next().unwrap_or_default();
        assert_eq!(explained(case.input).trim_end(), case.hints.trim_end(), "{statement}");
    }
}
