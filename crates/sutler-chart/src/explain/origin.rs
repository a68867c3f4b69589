//! Who sets a value: a flag, a values file, or a chart's own values.yaml, by the strength that Helm gives them.

use sutler_template::Value;
use sutler_yaml::{Data, Node};

use super::Circumstances;
use crate::chart::Chart;
use crate::values::ValuesOptions;

/// Somebody who says something of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// `--set a.b=1`, `my.yaml:3`, `values.yaml of chart web (line 3)`.
    pub(super) who: String,
    /// How many of the value's names it has: all of them, or those of a table above it.
    pub(super) depth: usize,
    /// Whether it says null there.
    pub(super) is_null: bool,
}

/// The strongest who sets the value of these names, or puts null or something that is no table above it.
pub(super) fn origin(about: &Circumstances<'_>, names: &[String]) -> Option<Origin> {
    given(about, names).or_else(|| in_chart(about.chart, about.chart.name(), names))
}

/// The same among what the person gave.
pub(super) fn given(about: &Circumstances<'_>, names: &[String]) -> Option<Origin> {
    let flags = flags(about.values).into_iter().rev().filter_map(|(who, values)| in_values(who, &values, names));
    let files = about
        .values
        .files
        .iter()
        .rev()
        .filter_map(|file| in_file(names, &file.text, |line| format!("{}:{line}", file.name)));
    flags.chain(files).next()
}

/// Each text of a flag with the values that it alone makes, the weakest first.
fn flags(options: &ValuesOptions) -> Vec<(String, Value)> {
    let mut flags = Vec::new();
    let mut add = |name: &str, texts: &[String], alone: &dyn Fn(&String) -> ValuesOptions| {
        for text in texts {
            if let Ok(values) = alone(text).merge() {
                flags.push((format!("--{name} {text}"), values));
            }
        }
    };
    let none = ValuesOptions::default;
    add("set-json", &options.set_json, &|text| ValuesOptions { set_json: vec![text.clone()], ..none() });
    add("set", &options.set, &|text| ValuesOptions { set: vec![text.clone()], ..none() });
    add("set-string", &options.set_string, &|text| ValuesOptions { set_string: vec![text.clone()], ..none() });
    // Only the names count here, not the file's content.
    add("set-file", &options.set_file, &|text| ValuesOptions { set_string: vec![text.clone()], ..none() });
    add("set-literal", &options.set_literal, &|text| ValuesOptions { set_literal: vec![text.clone()], ..none() });
    flags
}

fn in_values(who: String, values: &Value, names: &[String]) -> Option<Origin> {
    let mut value = values.clone();
    for (depth, name) in names.iter().enumerate() {
        let next = match &value {
            Value::Map(map) => map.get(name),
            Value::List(list) => name.parse().ok().and_then(|index: usize| list.get(index)),
            Value::Nil => return (depth > 0).then_some(Origin { who, depth, is_null: true }),
            _ => return (depth > 0).then_some(Origin { who, depth, is_null: false }),
        };
        value = next?;
    }
    Some(Origin { who, depth: names.len(), is_null: value.is_nil() })
}

fn in_file(names: &[String], text: &str, who: impl Fn(u32) -> String) -> Option<Origin> {
    let mut node = &sutler_yaml::read(text).ok()?;
    let mut line = node.start.line;
    for (depth, name) in names.iter().enumerate() {
        let set = |is_null| (depth > 0).then(|| Origin { who: who(line), depth, is_null });
        match &node.data {
            Data::Mapping(entries) => {
                let (key, value) = entries.iter().rev().find(|(key, _)| is_named(key, name))?;
                (node, line) = (value, key.start.line);
            }
            Data::Sequence(items) => {
                node = items.get(name.parse::<usize>().ok()?)?;
                line = node.start.line;
            }
            Data::Null => return set(true),
            _ => return set(false),
        }
    }
    Some(Origin { who: who(line), depth: names.len(), is_null: matches!(node.data, Data::Null) })
}

fn is_named(key: &Node, name: &str) -> bool {
    match &key.data {
        Data::String(text) => text == name,
        Data::Int(number) => number.to_string() == name,
        Data::Bool(value) => value.to_string() == name,
        _ => false,
    }
}

/// The chart's own values, or where the names lead into a subchart, those of that one.
fn in_chart(chart: &Chart, path: &str, names: &[String]) -> Option<Origin> {
    let file = chart.raw_files().iter().find(|file| file.name() == "values.yaml");
    let text = file.map(|file| String::from_utf8_lossy(file.data()));
    let own = text.and_then(|text| in_file(names, &text, |line| format!("{path}/values.yaml:{line}")));
    own.filter(|own| own.depth == names.len()).or_else(|| {
        let (first, rest) = names.split_first()?;
        let alias = chart.metadata().dependencies.iter().find(|dependency| dependency.used_name() == first);
        let name = alias.map_or(first.as_str(), |dependency| dependency.name.as_str());
        let subchart = chart.dependencies().iter().find(|subchart| subchart.name() == name)?;
        let inner = in_chart(subchart, &format!("{path}/charts/{}", subchart.name()), rest)?;
        Some(Origin { depth: inner.depth + 1, ..inner })
    })
}
