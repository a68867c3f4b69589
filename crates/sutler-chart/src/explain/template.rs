//! Hints for a template that cannot be parsed or executed.

use sutler_template::{Event, Map, Place, builtin_names};

use super::nearest::nearest;
use super::{Circumstances, Hint, HintKind, value};
use crate::chart::Chart;
use crate::render::{TemplateError, TemplateErrorKind};

/// How many places of a chain are listed; of a longer one the middle is left out.
const MOST_PLACES: usize = 12;

pub(super) fn hints(error: &TemplateError, about: &Circumstances<'_>) -> Vec<Hint> {
    let places = about.options.trace.as_deref().map(|trace| trace.places()).unwrap_or_default();
    let values = about.options.trace.as_deref().and_then(|trace| trace.values()).unwrap_or_default();
    let mut hints = match error.kind() {
        TemplateErrorKind::Parse => unknown_function(error.message(), about),
        TemplateErrorKind::Refused => refused(&places, &values, about),
        _ => match places.first() {
            Some(place) => failed(place, error.message(), &values, about),
            None => Vec::new(),
        },
    };
    hints.extend(chain(&places));
    hints
}

fn unknown_function(message: &str, about: &Circumstances<'_>) -> Vec<Hint> {
    let Some(name) = message.strip_prefix("function \"").and_then(|rest| rest.strip_suffix("\" not defined")) else {
        return Vec::new();
    };
    let functions = about.options.compatibility.functions();
    let names = functions.iter().map(|function| function.name).chain(builtin_names());
    let meant = nearest(name, names).map(|near| Hint::new(HintKind::Nearest, format!("there is a function `{near}`")));
    meant.into_iter().collect()
}

/// `required` and `fail`: who called, about which value.
fn refused(places: &[Place], values: &Map, about: &Circumstances<'_>) -> Vec<Hint> {
    let Some(place) = places.first() else { return Vec::new() };
    let Place { file, line, node, .. } = place;
    let missing: Vec<Hint> = place.values.iter().flat_map(|path| value::missing(path, values, about)).collect();
    let function = if node.starts_with("fail") { "fail" } else { "required" };
    let mut hints = vec![Hint::new(HintKind::Refusal, format!("the chart refuses by `{function}` at {file}:{line}"))];
    hints.extend(missing);
    hints
}

fn failed(place: &Place, message: &str, values: &Map, about: &Circumstances<'_>) -> Vec<Hint> {
    let missing = || place.values.iter().flat_map(|path| value::missing(path, values, about)).collect::<Vec<_>>();
    let is_nil = message.contains("nil pointer evaluating")
        || message.contains("interface conversion: interface {} is nil")
        || message.contains("; got interface {}")
        || message.starts_with("cannot assign nil")
        || message.contains("of untyped nil")
        || message.contains("of nil pointer");
    if is_nil {
        return missing();
    }
    if let Some(name) = quoted_after(message, "no template ").or_else(|| not_defined(message)) {
        return unknown_template(name, about.chart);
    }
    if message.contains("nested reference name") || message.contains("maximum template depth") {
        return vec![Hint::new(HintKind::Chain, "the template includes itself, and nothing ends it")];
    }
    let mut hints = missing();
    for path in &place.values {
        let Some((named, text)) = value::present(path, values, about) else { continue };
        if named.found < named.names.len() && !message.starts_with("can't evaluate field") {
            continue;
        }
        // What is there and has no such field is no missing value.
        hints.clear();
        let advice = advice(place, message, &named.key(values, named.found));
        let advice = advice.map(|advice| format!("; {advice}")).unwrap_or_default();
        hints.push(Hint::new(HintKind::WrongValue, format!("{text}{advice}")));
    }
    hints
}

/// What to do about a value that does not fit.
fn advice(place: &Place, message: &str, key: &str) -> Option<String> {
    let node = &place.node;
    if message.starts_with("can't evaluate field ") {
        let field = message.split(' ').nth(3)?;
        return Some(format!("it is no table with a field `{field}`"));
    }
    if message.contains("expected string; got") {
        return Some(format!("where a text is wanted: `toString`, or give it as text with --set-string {key}=…"));
    }
    if message.contains("expected int; got") {
        return Some(
            "where an integer is wanted: numbers of values files are float64, `int` makes one of it".to_owned(),
        );
    }
    if message.contains("expected map") || message.contains("expected []interface") {
        return Some(format!("which is not what `{node}` takes"));
    }
    if message.contains("incompatible types for comparison") {
        return Some("and is compared with another type: put `int`, `float64` or `toString` before both".to_owned());
    }
    if message.contains("range can't iterate over") {
        return Some("and `range` goes over lists and tables".to_owned());
    }
    None
}

/// The text in quotes that follows `start` somewhere in a message.
fn quoted_after<'m>(message: &'m str, start: &str) -> Option<&'m str> {
    let rest = &message[message.find(start)? + start.len()..];
    rest.strip_prefix('"')?.split('"').next()
}

/// `template "x" not defined`.
fn not_defined(message: &str) -> Option<&str> {
    message.strip_prefix("template \"")?.strip_suffix("\" not defined")
}

/// A template that is not there: the nearest of those that the charts define.
fn unknown_template(name: &str, chart: &Chart) -> Vec<Hint> {
    let mut defined = Vec::new();
    collect(chart, chart.name(), &mut defined);
    let near = nearest(name, defined.iter().map(|(name, _)| name.as_str()));
    match near.and_then(|near| defined.iter().find(|(name, _)| name == near)) {
        Some((near, place)) => {
            vec![Hint::new(HintKind::Nearest, format!("there is a template {near:?}, defined at {place}"))]
        }
        None => vec![Hint::new(
            HintKind::Nearest,
            format!(
                "no file of the chart or its subcharts has {{{{ define {name:?} }}}}; a library chart that has it would be in charts/"
            ),
        )],
    }
}

/// The names of `define` and `block` in a chart's files, each with its place.
fn collect(chart: &Chart, path: &str, defined: &mut Vec<(String, String)>) {
    for file in chart.templates() {
        let text = String::from_utf8_lossy(file.data());
        for (line, content) in text.lines().enumerate() {
            for word in ["define \"", "block \""] {
                let starts = content.match_indices(word).map(|(at, _)| &content[at + word.len()..]);
                let names = starts.filter_map(|rest| rest.split_once('"'));
                defined
                    .extend(names.map(|(name, _)| (name.to_owned(), format!("{path}/{}:{}", file.name(), line + 1))));
            }
        }
    }
    for subchart in chart.dependencies() {
        collect(subchart, &format!("{path}/charts/{}", subchart.name()), defined);
    }
}

/// The templates that led to the error, the outermost first, where there is more than one.
fn chain(places: &[Place]) -> Option<Hint> {
    if places.len() < 2 {
        return None;
    }
    let width = places.iter().map(|place| location(place).len()).max().unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    let mut times = 1;
    for place in places.iter().rev() {
        let node = if place.event == Event::Called { place.node.trim_matches(['{', '}']) } else { &place.node };
        let line = format!("{:width$}  {node}", location(place));
        if lines.last() == Some(&line) {
            times += 1;
            continue;
        }
        repeated(&mut lines, times);
        times = 1;
        lines.push(line);
    }
    repeated(&mut lines, times);
    if lines.len() > MOST_PLACES {
        let left_out = lines.len() - MOST_PLACES;
        let at = MOST_PLACES / 2;
        lines.splice(at..at + left_out, [format!("… {left_out} more …")]);
    }
    Some(Hint::new(HintKind::Chain, "the way there:").with_lines(lines))
}

/// Says of the last line how often it stood there.
fn repeated(lines: &mut Vec<String>, times: usize) {
    if times > 1 {
        lines.push(format!("… and again, {times} times or more"));
    }
}

fn location(place: &Place) -> String {
    format!("{}:{}:{}", place.file, place.line, place.column)
}
