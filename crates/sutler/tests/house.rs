//! The house's own rules, as far as a program can check them: what ARCHITECTURE.md says of the crates is so, and the generated papers
//! are up to date. `UPDATE=1` writes the generated ones anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sutler_stack::load::load_upgrading;
use sutler_stack::pins::Upgrade;
use sutler_stack::remote::RemoteRepositories;

/// Crates that decide: no waiting, no network.
const PURE: [&str; 8] = [
    "sutler-yaml",
    "sutler-template",
    "sutler-functions",
    "sutler-chart",
    "sutler-charts",
    "sutler-objects",
    "sutler-access",
    "sutler-nodes",
];

/// A file above this many lines is two files, or says in its module doc why it is one.
const LONGEST: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Folders of the workspace's crates by the crates' names.
fn crates() -> BTreeMap<String, PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root().join("crates")).expect("crates").map(|entry| entry.expect("a crate").path()).collect();
    folders.extend([root().join("charts"), root().join("xtask")]);
    folders
        .into_iter()
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .map(|folder| {
            let manifest = read(&folder.join("Cargo.toml"));
            let name =
                manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).expect("a name");
            (name.to_owned(), folder)
        })
        .collect()
}

/// What a crate's program depends on: tests and build scripts do not count.
fn dependencies(folder: &Path) -> BTreeSet<String> {
    let mut section = "";
    let manifest = read(&folder.join("Cargo.toml"));
    let mut found = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
            if let Some(name) = line.strip_prefix("[dependencies.").and_then(|rest| rest.strip_suffix(']')) {
                found.insert(name.to_owned());
            }
        } else if section.ends_with("dependencies]") && !section.contains("dev-") && !section.contains("build-") {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if !name.is_empty() && !name.starts_with('#') {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// Files below a folder with this ending, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                found.extend(files(&path, ending));
            }
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The workspace's sources, tests apart.
fn sources() -> Vec<PathBuf> {
    crates().values().flat_map(|folder| files(&folder.join("src"), "rs")).collect()
}

/// Tests within `src` have their own files, `tests.rs` or below `tests/`.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
}

/// Whether a line has something asynchronous in it.
fn waits(line: &str) -> bool {
    let awaited =
        line.split(".await").skip(1).any(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'));
    awaited || line.contains("async fn") || line.contains("async move") || line.contains("async {")
}

#[track_caller]
fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn arrows_between_crates_are_those_of_the_architecture() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let mut written = BTreeMap::new();
    for section in text.split("\n### ").skip(1) {
        let Some((title, rest)) = section.split_once('\n') else { continue };
        let Some(uses) = rest.lines().next().and_then(|line| line.strip_prefix("Uses: ")) else { continue };
        assert!(rest.contains("**Invariant:**"), "{title} has no invariant");
        let uses: BTreeSet<String> =
            uses.split(", ").map(|name| name.trim_matches('`').to_owned()).filter(|name| name != "nothing").collect();
        written.insert(title.trim_matches('`').to_owned(), uses);
    }
    let crates = crates();
    let real: BTreeMap<String, BTreeSet<String>> = crates
        .iter()
        .map(|(name, folder)| {
            let ours = dependencies(folder).into_iter().filter(|found| crates.contains_key(found)).collect();
            (name.clone(), ours)
        })
        .collect();
    assert_eq!(real, written, "Cargo.toml's (left) and ARCHITECTURE.md (right) differ");
    // Down only: each is named after those that use it.
    let order: Vec<usize> = written.keys().filter_map(|name| text.find(&format!("\n### `{name}`\n"))).collect();
    assert_eq!(order.len(), written.len());
    for (name, uses) in &written {
        for used in uses {
            let at = |name: &str| text.find(&format!("\n### `{name}`\n"));
            assert!(at(name) < at(used), "the arrow from {name} to {used} points up");
        }
    }
}

#[test]
fn pure_crates_do_not_wait() {
    let crates = crates();
    let mut found = Vec::new();
    for name in PURE {
        let folder = &crates[name];
        let heavy = ["tokio", "kube", "hyper", "axum", "reqwest", "futures-util"];
        found.extend(
            dependencies(folder)
                .iter()
                .filter(|used| heavy.contains(&used.as_str()))
                .map(|used| format!("{name} uses {used}")),
        );
        for path in files(&folder.join("src"), "rs") {
            let text = read(&path);
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
            found.extend(
                lines.filter(|(_, line)| waits(line)).map(|(number, _)| format!("{}:{}", shown(&path), number + 1)),
            );
        }
    }
    none("pure crates that wait", found);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let silent =
        sources().into_iter().filter(|path| !read(path).starts_with("//! ")).map(|path| shown(&path)).collect();
    none("files without a module doc", silent);
}

#[test]
fn only_the_printer_prints() {
    let words: Vec<String> =
        ["print", "println", "eprint", "eprintln"].iter().map(|word| format!("{word}!(")).collect();
    let mut found = Vec::new();
    for path in sources().iter().filter(|path| !is_test(path) && !path.ends_with("sutler/src/printer.rs")) {
        if path.starts_with(root().join("xtask")) {
            continue; // No part of the product.
        }
        let text = read(path);
        let program = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in program.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let said = words.iter().any(|word| {
                line.match_indices(word.as_str())
                    .any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
            });
            if said {
                found.push(format!("{}:{}", shown(path), number + 1));
            }
        }
    }
    none("prints outside the printer", found);
}

#[test]
fn no_file_is_too_long_without_a_reason() {
    let long = sources()
        .into_iter()
        .filter(|path| !is_test(path))
        .filter_map(|path| {
            let text = read(&path);
            let lines = text.lines().count();
            let doc: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
            (lines > LONGEST && !doc.contains("One file")).then(|| format!("{}: {lines} lines", shown(&path)))
        })
        .collect();
    none("files that are two", long);
}

#[test]
fn papers_name_no_path_of_one_machine() {
    let mut papers = files(&root().join("docs"), "md");
    papers.extend(["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| root().join(name)));
    let found = papers
        .iter()
        .flat_map(|path| {
            let text = read(path);
            let lines: Vec<String> = text
                .lines()
                .enumerate()
                .filter(|(_, line)| ["/tmp/", "/work/", "/root/", "/home/"].iter().any(|place| line.contains(place)))
                .map(|(number, _)| format!("{}:{}", shown(path), number + 1))
                .collect();
            lines
        })
        .collect();
    none("paths of one machine", found);
}

#[test]
fn links_of_the_papers_lead_somewhere() {
    let mut papers = files(&root().join("docs"), "md");
    papers.extend(["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| root().join(name)));
    let mut dead = Vec::new();
    for path in &papers {
        let text = read(path);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !path.parent().expect("a folder").join(file).exists() {
                dead.push(format!("{}: {target}", shown(path)));
            }
        }
    }
    none("links to nothing", dead);
}

#[test]
fn the_checked_in_schema_is_that_of_the_types() {
    up_to_date("docs/stack.schema.json", &sutler_stack::file::schema());
}

#[test]
fn the_files_reference_is_that_of_the_schema() {
    let schema: Value = serde_json::from_str(&sutler_stack::file::schema()).expect("JSON");
    up_to_date("docs/stack-yaml.md", &reference(&schema));
}

/// A built-in chart that changes changes what its users pin.
#[test]
fn the_examples_pin_the_charts_that_are_carried() {
    for example in ["data-team", "jupyterhub-umbrella"] {
        let copy = tempfile::tempdir().expect("a temporary folder");
        copy_tree(&root().join("examples").join(example), copy.path());
        // The public chart's place is taken: folders are not pinned, and what is in them does not count here.
        let public = copy.path().join("chart/charts/jupyterhub");
        std::fs::create_dir_all(&public).expect("a folder");
        std::fs::write(public.join("Chart.yaml"), "apiVersion: v2\nname: jupyterhub\nversion: 4.4.0\n")
            .expect("a file");
        let nowhere = RemoteRepositories::default();
        let loaded = load_upgrading(copy.path(), None, &nowhere, &Upgrade::All).expect("an example");
        up_to_date(&format!("examples/{example}/stack.lock"), &loaded.pins.after.text());
    }
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy_tree(&path, &target),
            false => drop(std::fs::copy(&path, target).expect("a copy")),
        }
    }
}

#[track_caller]
fn up_to_date(name: &str, expected: &str) {
    let path = root().join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, expected).unwrap_or_else(|error| panic!("{name}: {error}"));
        return;
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == expected,
        "{name} is stale: UPDATE=1 cargo test -p sutler --test house"
    );
}

/// The reference of stack.yaml: a table for each object of the schema.
fn reference(schema: &Value) -> String {
    let mut text = String::from(
        "# stack.yaml\n\n\
         Written by `UPDATE=1 cargo test -p sutler --test house` from the types; the same as a JSON Schema is \
         [stack.schema.json](stack.schema.json), which `sutler init` also writes for the editor.\n\n\
         References `${…}` count in `cluster`, `roles`, `secrets` and in a release's `set`; `$${` is a plain `${`. \
         Their roots are `stack`, `env`, `vars`, `cluster`, `pools`, `roles`, `secrets` and `releases`. \
         A release's `values` and values files are never changed.\n",
    );
    table(&mut text, "The file", schema);
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        table(&mut text, name, definition);
    }
    text
}

fn table(text: &mut String, title: &str, definition: &Value) {
    text.push_str(&format!("\n## {title}\n\n{}\n", described(definition)));
    if let Some(fields) = definition["properties"].as_object() {
        let required: BTreeSet<&str> =
            definition["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        text.push_str("\n| key | type | |\n| --- | --- | --- |\n");
        for (key, field) in fields {
            let must = if required.contains(key.as_str()) { " **Required.**" } else { "" };
            text.push_str(&format!("| `{key}` | {} | {}{must} |\n", kind(field), described(field)));
        }
    }
    let choices: Vec<&Value> =
        ["oneOf", "anyOf"].iter().filter_map(|word| definition[word].as_array()).flatten().collect();
    if !choices.is_empty() {
        text.push('\n');
        for choice in choices {
            text.push_str(&format!("- {}: {}\n", kind(choice), described(choice)));
        }
    }
}

fn described(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

/// A type in a few words.
fn kind(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(only) = schema.get("const") {
        return format!("`{}`", only.as_str().map_or_else(|| only.to_string(), str::to_owned));
    }
    if let Some(values) = schema["enum"].as_array() {
        return values
            .iter()
            .map(|value| format!("`{}`", value.as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let known: BTreeSet<String> =
            choices.iter().filter(|choice| choice["type"] != "null" && choice["pattern"].is_null()).map(kind).collect();
        return known.into_iter().collect::<Vec<_>>().join(" or ");
    }
    if let Some(kinds) = schema["type"].as_array() {
        return kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .map(|name| named(name, schema))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    named(schema["type"].as_str().unwrap_or("any"), schema)
}

fn named(kind_name: &str, schema: &Value) -> String {
    match kind_name {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("map to {}", kind(&schema["additionalProperties"]))
        }
        "object" => "map".to_owned(),
        other => other.to_owned(),
    }
}
