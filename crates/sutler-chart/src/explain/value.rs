//! Values by name: where the names of a template lead in `.Values`, what is there, and who sets it.

use sutler_template::{Map, Value, ValuePath};

use super::nearest::nearest;
use super::origin::{self, Origin};
use super::{Circumstances, Hint, HintKind};
use crate::chart::Chart;
use crate::dependencies;
use crate::values::Coalesce;

/// Names below `.Values` of the root chart, and how a template of some chart writes them.
pub(super) struct Named {
    /// The names from the root chart's values on.
    pub(super) names: Vec<String>,
    /// How many of them lead to something.
    pub(super) found: usize,
}

impl Named {
    /// `global` of a subchart is the root chart's, where nobody gives the subchart one of its own.
    fn of_all_charts(self, root: &Map, about: &Circumstances<'_>) -> Named {
        let depth = subcharts(about.chart, &self.names).len();
        if depth == 0 || self.names.get(depth).is_none_or(|name| name != "global") {
            return self;
        }
        let own = origin::origin(about, &self.names[..self.found.max(depth + 1)]);
        if own.is_some_and(|own| own.depth > depth) {
            return self;
        }
        let names = self.names[depth..].to_vec();
        let is_there = |count: &usize| !matches!(value_at(root, &names[..*count]), Value::Nil);
        let found = (1..=self.found.saturating_sub(depth)).take_while(is_there).count();
        Named { names, found }
    }

    /// The path as `--set` takes it, up to `count` names.
    pub(super) fn key(&self, root: &Map, count: usize) -> String {
        path(root, &self.names[..count.min(self.names.len())], |name| name.replace('.', "\\.").replace(',', "\\,"))
    }

    /// The value as a person writes it, up to `count` names.
    pub(super) fn shown(&self, root: &Map, count: usize) -> String {
        format!("`.Values.{}`", path(root, &self.names[..count.min(self.names.len())], str::to_owned))
    }
}

/// Names with dots between them, places of lists in brackets.
fn path(root: &Map, names: &[String], spelled: impl Fn(&str) -> String) -> String {
    let mut path = String::new();
    for (index, name) in names.iter().enumerate() {
        if matches!(value_at(root, &names[..index]), Value::List(_)) {
            path.push_str(&format!("[{name}]"));
        } else {
            path.push_str(if index == 0 { "" } else { "." });
            path.push_str(&spelled(name));
        }
    }
    path
}

/// Where the names of a template lead, if that is below `.Values`: by the identity of the tables, so that the dot of a `with` or a
/// variable is found too.
pub(super) fn named(path: &ValuePath, root: &Map) -> Option<Named> {
    let (start, names) = match (&path.start, path.names.split_first()) {
        (Value::Map(start), Some((first, rest))) if first == "Values" => match start.get("Values") {
            Some(Value::Map(values)) => (values, rest),
            _ => (start.clone(), &path.names[..]),
        },
        (Value::Map(start), _) => (start.clone(), &path.names[..]),
        _ => return None,
    };
    let skipped = path.names.len() - names.len();
    let mut above = Vec::new();
    if !find(root, &start, &mut above, 0) {
        return None;
    }
    let found = above.len() + path.found.saturating_sub(skipped);
    above.extend(names.iter().cloned());
    Some(Named { names: above, found })
}

/// How deep tables are looked through for the one that is meant.
const DEEPEST: usize = 64;

fn find(table: &Map, wanted: &Map, names: &mut Vec<String>, depth: usize) -> bool {
    table.ptr_eq(wanted)
        || (depth < DEEPEST
            && table.entries().into_iter().any(|(key, value)| {
                names.push(key.to_string());
                let is_there = match &value {
                    Value::Map(inner) => find(inner, wanted, names, depth + 1),
                    Value::List(list) => list.iter().enumerate().any(|(index, item)| {
                        let Value::Map(inner) = item else { return false };
                        names.push(index.to_string());
                        let is_there = find(&inner, wanted, names, depth + 1);
                        if !is_there {
                            names.pop();
                        }
                        is_there
                    }),
                    _ => false,
                };
                if !is_there {
                    names.pop();
                }
                is_there
            }))
}

/// Of a value that is null or not there: who says so, or that nobody does; and the name that may have been meant.
pub(super) fn missing(wanted: &ValuePath, root: &Map, about: &Circumstances<'_>) -> Vec<Hint> {
    let Some(named) = named(wanted, root) else { return missing_elsewhere(wanted) };
    let named = named.of_all_charts(root, about);
    if named.found >= named.names.len() {
        return Vec::new();
    }
    // The first name that leads nowhere, and what was wanted of it.
    let count = named.found + 1;
    let wanted = &named.names[count..];
    let asked = match wanted.first() {
        Some(field) => format!(", and `{field}` of it is asked for"),
        None => String::new(),
    };
    let shown = named.shown(root, count);
    let set = named.key(root, named.names.len());
    let text = match origin::origin(about, &named.names[..count]) {
        Some(Origin { who, depth, is_null: true }) if depth == count => {
            format!("{shown} is null{asked}: {who} says so")
        }
        Some(Origin { who, depth, .. }) if depth < count => {
            format!("{shown} is not there{asked}: {who} has {} without it", named.shown(root, depth))
        }
        Some(Origin { who, .. }) => format!("{shown} is gone{asked}: {who} sets it, and something else removed it"),
        None => format!("nothing sets {shown}{asked}: no values.yaml, no values file and no --set"),
    };
    let mut hints =
        vec![Hint::new(HintKind::MissingValue, format!("{text}; give it with --set {set}=… or in a file with -f"))];
    hints.extend(given_elsewhere(&named.names, about));
    if let Value::Map(holder) = value_at(root, &named.names[..named.found]) {
        let names: Vec<String> = holder.entries().iter().map(|(key, _)| key.to_string()).collect();
        if let Some(near) = nearest(&named.names[named.found], names.iter().map(String::as_str)) {
            let mut meant = named.names[..named.found].to_vec();
            meant.push(near.to_owned());
            let who =
                origin::origin(about, &meant).map(|origin| format!(", set by {}", origin.who)).unwrap_or_default();
            let meant = path(root, &meant, str::to_owned);
            hints.push(Hint::new(HintKind::Nearest, format!("there is `.Values.{meant}`{who}")));
        }
    }
    hints
}

/// The subcharts that the names lead into, one after another: each with the name that Chart.yaml has for it.
fn subcharts(chart: &Chart, names: &[String]) -> Vec<String> {
    let (mut charts, mut chart) = (Vec::new(), chart);
    for used in names {
        let dependency = chart.metadata().dependencies.iter().find(|dependency| dependency.used_name() == used);
        let name = dependency.map_or(used.as_str(), |dependency| dependency.name.as_str());
        let Some(subchart) = chart.dependencies().iter().find(|subchart| subchart.name() == name) else { break };
        charts.push(name.to_owned());
        chart = subchart;
    }
    charts
}

/// A value of a subchart that somebody gives, but not where the subchart finds it: below its name instead of its alias, or beside it.
fn given_elsewhere(names: &[String], about: &Circumstances<'_>) -> Option<Hint> {
    let charts = subcharts(about.chart, names);
    let (own, below) = names.split_at(charts.len());
    if charts.is_empty() || below.is_empty() {
        return None;
    }
    let given = |names: &[String]| {
        let origin = origin::given(about, names)?;
        (origin.depth == names.len() && !origin.is_null).then_some(origin.who)
    };
    let by_name: Vec<String> = charts.iter().chain(below).cloned().collect();
    let text = if own != charts.as_slice()
        && let Some(who) = given(&by_name)
    {
        format!("{who} sets `{}`, but that chart is called `{}` here", by_name.join("."), own.join("."))
    } else {
        let who = given(below)?;
        format!("{who} sets `{}` of the chart itself; the subchart's is `{}`", below.join("."), names.join("."))
    };
    Some(Hint::new(HintKind::Nearest, text))
}

/// Of names that do not lead below `.Values`: `.Chart.Nmae`, `.Relase.Name`.
fn missing_elsewhere(path: &ValuePath) -> Vec<Hint> {
    let Some(name) = path.names.get(path.found) else { return Vec::new() };
    let before = path.names[..path.found].iter().map(|name| format!(".{name}")).collect::<String>();
    let names: Vec<String> = match path.value_at(path.found) {
        Value::Map(holder) => holder.entries().iter().map(|(key, _)| key.to_string()).collect(),
        Value::Object(object) => {
            let mut names = Vec::new();
            for (name, value) in object.fields() {
                names.push(name.to_owned());
                // The fields of an embedded struct are its own too.
                if let Value::Object(inner) = value {
                    let inner = inner.fields().into_iter().map(|(name, _)| name);
                    names.extend(inner.filter(|name| object.field(name).is_some()).map(str::to_owned));
                }
            }
            names
        }
        _ => Vec::new(),
    };
    let variable = path.variable.clone().unwrap_or_default();
    let shown = |name: &str| format!("`{variable}{before}.{name}`");
    let mut hints = vec![Hint::new(HintKind::MissingValue, format!("there is no {}", shown(name)))];
    if let Some(near) = nearest(name, names.iter().map(String::as_str)) {
        hints.push(Hint::new(HintKind::Nearest, format!("there is {}", shown(near))));
    }
    hints
}

pub(super) fn value_at(root: &Map, names: &[String]) -> Value {
    names.iter().fold(Value::Map(root.clone()), |value, name| match &value {
        Value::Map(map) => map.get(name).unwrap_or(Value::Nil),
        Value::List(list) => name.parse().ok().and_then(|index: usize| list.get(index)).unwrap_or(Value::Nil),
        _ => Value::Nil,
    })
}

/// What a value is, for people: `the number 8080`, `the text "abc"`.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Nil => "null".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::String(text) => {
            let text = text.to_str_lossy();
            let short: String = text.chars().take(40).collect();
            let more = if short.len() < text.len() { "…" } else { "" };
            format!("the text {}", crate::text::go_quoted(&format!("{short}{more}")))
        }
        Value::List(list) => format!("a list of {}", list.len()),
        Value::Map(map) => format!("a table of {}", map.len()),
        number => format!("the number {} ({})", crate::values::go_text(number), number.type_name()),
    }
}

/// Of a value that is there: what it is, and who sets it.
pub(super) fn present(there: &ValuePath, root: &Map, about: &Circumstances<'_>) -> Option<(Named, String)> {
    let named = named(there, root)?.of_all_charts(root, about);
    let names = &named.names[..named.found];
    if names.is_empty() || there.names.is_empty() {
        return None;
    }
    let value = value_at(root, names);
    let who = match origin::origin(about, names) {
        Some(Origin { who, .. }) => format!(", set by {who}"),
        None => String::new(),
    };
    let text = format!("{} is {}{who}", named.shown(root, named.found), described(&value));
    Some((named, text))
}

/// Of a subchart's values that are no table.
pub(super) fn no_table(chart: &str, about: &Circumstances<'_>) -> Option<Hint> {
    let names = vec![chart.to_owned()];
    let who = origin::origin(about, &names)?.who;
    let text = format!(
        "`{chart}` is the name of a subchart, and its values are a table; {who} makes it something else (to switch it off see its condition in Chart.yaml)"
    );
    Some(Hint::new(HintKind::WrongValue, text))
}

/// The values as the schemas saw them; empty where they cannot be put together.
pub(super) fn coalesced(about: &Circumstances<'_>) -> Map {
    let none = Map::new();
    let user_values = about.user_values.as_map().unwrap_or(&none);
    let compatibility = about.options.compatibility;
    let mut remarks = Vec::new();
    let Ok(chart) = dependencies::process(about.chart, user_values, compatibility, &mut remarks) else { return none };
    Coalesce { keep_nulls: false, compatibility, remarks: &mut remarks }.values(&chart, user_values).unwrap_or_default()
}
