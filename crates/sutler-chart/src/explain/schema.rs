//! Hints for values that do not fit a schema: who set each of them.

use super::origin::{self, Origin};
use super::value::{described, value_at};
use super::{Circumstances, Hint, HintKind};
use crate::chart::Chart;

/// How many of the failures are explained.
const MOST: usize = 8;

/// `text` is Helm's: for each chart its name and a colon, and below it a line for each failure.
pub(super) fn hints(text: &str, about: &Circumstances<'_>) -> Vec<Hint> {
    let values = super::value::coalesced(about);
    let mut above: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(chart) = line.strip_suffix(':').filter(|name| !name.starts_with(['-', ' '])) {
            above = path_to(about.chart, chart).unwrap_or_default();
            continue;
        }
        let Some((names, problem)) = failure(line) else { continue };
        let names: Vec<String> = above.iter().cloned().chain(names).collect();
        let missing = missing_names(problem);
        if names.is_empty() && missing.is_empty() {
            continue;
        }
        let told = if missing.is_empty() {
            told(&names, &values, about)
        } else {
            let full: Vec<String> =
                missing.iter().map(|name| names.iter().chain([name]).cloned().collect::<Vec<_>>().join(".")).collect();
            format!("`{}` is not set; give it with --set {}=…", full.join("`, `"), full[0])
        };
        if !lines.contains(&told) && lines.len() < MOST {
            lines.push(told);
        }
    }
    lines.into_iter().map(|text| Hint::new(HintKind::WrongValue, text)).collect()
}

fn told(names: &[String], values: &sutler_template::Map, about: &Circumstances<'_>) -> String {
    let value = described(&value_at(values, names));
    match origin::origin(about, names) {
        Some(Origin { who, .. }) => format!("`{}` is {value}, set by {who}", names.join(".")),
        None => format!("`{}` is {value}", names.join(".")),
    }
}

/// The names and the problem of a line: `- at '/a/0': …` of Helm 4, `- a.0: …` of Helm 3.
fn failure(line: &str) -> Option<(Vec<String>, &str)> {
    let line = line.trim_start().strip_prefix("- ")?;
    if let Some(rest) = line.strip_prefix("at '") {
        let (pointer, problem) = rest.split_once("': ")?;
        let unescape = |name: &str| name.replace("~1", "/").replace("~0", "~");
        return Some((pointer.split('/').skip(1).map(unescape).collect(), problem));
    }
    let (path, problem) = line.split_once(": ")?;
    let names = if path == "(root)" { Vec::new() } else { path.split('.').map(str::to_owned).collect() };
    Some((names, problem))
}

/// The names of properties that are missing.
fn missing_names(problem: &str) -> Vec<String> {
    if let Some(name) = problem.strip_suffix(" is required") {
        return vec![name.to_owned()];
    }
    let listed = problem.strip_prefix("missing property ").or_else(|| problem.strip_prefix("missing properties "));
    listed.into_iter().flat_map(|names| names.split(", ")).map(|name| name.trim_matches('\'').to_owned()).collect()
}

/// The names that lead from the root's values to those of a subchart.
fn path_to(chart: &Chart, name: &str) -> Option<Vec<String>> {
    if chart.name() == name {
        return Some(Vec::new());
    }
    if chart.metadata().dependencies.iter().any(|dependency| dependency.used_name() == name) {
        return Some(vec![name.to_owned()]);
    }
    chart.dependencies().iter().find_map(|subchart| {
        let below = path_to(subchart, name)?;
        Some([vec![subchart.name().to_owned()], below].concat())
    })
}
