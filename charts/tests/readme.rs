//! The table of values in each chart's README.md: made from the comments of values.yaml, its defaults and the schema.
//!
//! Every value must have a comment above it, or be a map whose entries have. Write the tables anew with
//! `RECORD=1 cargo test -p sutler-charts --test readme`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

const BEGIN: &str = "<!-- values: written by `RECORD=1 cargo test -p sutler-charts --test readme` -->\n";
const END: &str = "<!-- end of values -->\n";

fn file(chart: &str, path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(chart).join(path)
}

fn read(chart: &str, path: &str) -> String {
    std::fs::read_to_string(file(chart, path)).expect("each chart has it")
}

/// The comments of values.yaml by the path of the key below them, in the file's order. Keys are those of block mappings,
/// indented by two; what is below a commented key and has no comment itself is a part of that key's default.
fn comments(text: &str) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in text.lines() {
        let content = line.trim_start();
        if let Some(text) = content.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some((key, _)) = content.split_once(':').filter(|_| !content.starts_with('-')) {
            path.truncate((line.len() - content.len()) / 2);
            path.push(key.to_owned());
            found.push((path.clone(), comment.join(" ")));
            comment.clear();
        } else {
            comment.clear();
        }
    }
    found
}

/// The schema of the value at `path`, references followed.
fn schema_at<'a>(root: &'a Value, path: &[String]) -> &'a Value {
    let mut at = root;
    for key in path {
        let next = at.get("properties").and_then(|properties| properties.get(key));
        at = next.or_else(|| at.get("additionalProperties")).unwrap_or(&Value::Null);
        if let Some(target) = at.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#')) {
            at = root.pointer(target).unwrap_or(&Value::Null);
        }
    }
    at
}

/// What a value is, in a word or two.
fn kind(schema: &Value) -> String {
    if let Some(named) = schema.get("x-sutler").and_then(Value::as_str) {
        return format!("{named} name");
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let choices: Vec<String> =
            choices.iter().filter_map(Value::as_str).map(|choice| format!("`{choice}`")).collect();
        return choices.join(", ");
    }
    let words = BTreeMap::from([("object", "map"), ("array", "list")]);
    let types = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let types = types.into_iter().filter(|name| *name != "null").map(|name| *words.get(name).unwrap_or(&name));
    types.collect::<Vec<_>>().join(" or ")
}

fn table(chart: &str) -> String {
    let schema: Value = serde_json::from_str(&read(chart, "values.schema.json")).expect("a schema is JSON");
    let values = sutler_chart::values::to_json(&sutler_charts::load(chart).expect("it can be loaded").values());
    let documented = comments(&read(chart, "values.yaml"));
    let mut rows = String::from("| value | what it is | default | |\n| --- | --- | --- | --- |\n");
    for (index, (path, comment)) in documented.iter().enumerate() {
        if comment.is_empty() {
            continue;
        }
        // A heading of the file is a comment that an empty line ends; it never gets here.
        let has_rows = documented[index + 1..]
            .iter()
            .take_while(|(other, _)| other.len() > path.len())
            .any(|(_, comment)| !comment.is_empty());
        let default = values.pointer(&format!("/{}", path.join("/"))).unwrap_or(&Value::Null);
        let default = match default {
            _ if has_rows => String::new(),
            Value::Null => String::new(),
            Value::String(text) if text.is_empty() => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        let kind = kind(schema_at(&schema, path)).replace('|', "\\|");
        let comment = comment.replace('|', "\\|");
        rows.push_str(&format!("| `{}` | {kind} | {default} | {comment} |\n", path.join(".")));
    }
    rows
}

#[test]
fn each_readme_has_the_table_of_its_values() {
    for chart in sutler_charts::names() {
        let text = read(chart, "README.md");
        let (before, rest) = text.split_once(BEGIN).unwrap_or_else(|| panic!("{chart}/README.md has no mark: {BEGIN}"));
        let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("{chart}/README.md has no mark: {END}"));
        let wanted = format!("{before}{BEGIN}\n{}\n{END}{after}", table(chart));
        if std::env::var_os("RECORD").is_some() {
            std::fs::write(file(chart, "README.md"), &wanted).expect("a README can be written");
        } else {
            assert!(text == wanted, "{chart}/README.md is stale: RECORD=1 cargo test -p sutler-charts --test readme");
        }
    }
}

#[test]
fn every_value_is_explained_and_in_the_schema() {
    for chart in sutler_charts::names() {
        let schema: Value = serde_json::from_str(&read(chart, "values.schema.json")).expect("a schema is JSON");
        let documented = comments(&read(chart, "values.yaml"));
        for (path, comment) in &documented {
            let covered = (1..path.len())
                .any(|length| documented.iter().any(|(other, text)| other == &path[..length] && !text.is_empty()));
            let children = documented.iter().any(|(other, _)| other.len() > path.len() && other.starts_with(path));
            let name = path.join(".");
            assert!(!comment.is_empty() || covered || children, "{chart}: nothing is said about {name}");
            assert!(comment.is_empty() || !kind(schema_at(&schema, path)).is_empty(), "{chart}: no schema for {name}");
        }
    }
}
