//! Bad input, each a file of `bad_input/`: a change of `bad_input/stack.yaml`, a command, and what the program says of it.
//!
//! ```text
//! A statement about the program.
//! @@ change
//! -a text of stack.yaml
//! +what stands there instead
//! @@ file chart/templates/a.yaml
//! content
//! @@ run plan
//! @@ expect
//! exit code, stdout and stderr
//! ```
//! `UPDATE=1` writes what was said into the files, and the table of `docs/lint.md`; read the difference before it is committed.

mod support;

use std::path::Path;

use support::Place;

const CHART: &str = "apiVersion: v2\nname: chart\nversion: 0.1.0\n";
const TEMPLATE: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine}\ndata: {password: {{ .Values.password | quote }}}\n";

#[test]
fn bad_input_is_refused_with_its_place_and_advice() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_input");
    let base = std::fs::read_to_string(folder.join("stack.yaml")).expect("the stack");
    let mut cases: Vec<_> = std::fs::read_dir(&folder)
        .expect("the cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    cases.sort();
    assert!(cases.len() > 20, "only {} cases were found", cases.len());
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for path in &cases {
        let case = std::fs::read_to_string(path).expect("a case");
        let (input, expected) = case.split_once("@@ expect\n").unwrap_or((&case, ""));
        let said = said(&base, input);
        if said == expected {
            continue;
        }
        if update {
            std::fs::write(path, format!("{input}@@ expect\n{said}")).expect("a case that can be written");
        } else {
            wrong.push(format!("{}\nexpected:\n{expected}\nsaid:\n{said}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

const HEAD: &str = "\
# What the parts of a stack must agree on

`sutler lint [DIR] [-e ENV] [-o json]` says what is wrong with a stack as far as its files tell, in every environment or one: its form, these
contracts, and what AWS would refuse. It asks no cluster and no account. `plan` and `up` refuse the same, and know more: accounts, nodes and
Karpenter's pools that are in the cluster already. Exit code: 0 without errors (warnings are none), 1 with. `-o json` gives severity, message,
file, line and column of each.

The table is made from the tests: every line is what is said in the case beside it. Each names the line of stack.yaml; what a values file says
is named by its own file and line, what the chart's defaults say stands at the release.

| What is wrong | What is said | What to do |
| --- | --- | --- |
";

/// Cases that are contracts between the parts of a stack.
fn is_contract(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("contract-")
        || matches!(
            name,
            "pod-fits-no-pool" | "pool-nobody-tolerates" | "unused-role" | "unknown-pool" | "unknown-role"
        )
}

#[test]
fn the_page_says_what_lint_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cases: Vec<_> = std::fs::read_dir(folder.join("tests/bad_input"))
        .expect("the cases")
        .map(|entry| entry.expect("a case").path())
        .collect();
    cases.retain(|path| is_contract(path));
    cases.sort();
    let mut page = HEAD.to_owned();
    for path in cases {
        let case = std::fs::read_to_string(&path).expect("a case");
        let (input, said) = case.split_once("@@ expect\n").expect("a case with what is said");
        // Of several runs the first.
        let said = said.split("\nexit ").next().unwrap_or(said);
        let lines = |start: &str| {
            let found: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix(start)).collect();
            found.join("<br>").replace('|', "\\|")
        };
        let title = input.lines().next().unwrap_or_default().trim_end_matches('.');
        page.push_str(&format!("| {title} | {} | {} |\n", lines("error: "), lines("hint: ")));
    }
    let path = folder.join("../../docs/lint.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).expect("a page that can be written");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "docs/lint.md: UPDATE=1 writes it anew");
}

/// What the program says to a case's input.
fn said(base: &str, input: &str) -> String {
    let place = Place::new();
    let mut stack = base.to_owned();
    place.write("chart/Chart.yaml", CHART);
    place.write("chart/templates/a.yaml", TEMPLATE);
    let mut said = String::new();
    for block in input.split("@@ ").skip(1) {
        let (head, body) = block.split_once('\n').unwrap_or((block, ""));
        match head.split_once(' ').unwrap_or((head, "")) {
            ("change", "") => stack = changed(&stack, body),
            ("file", name) => place.write(name, body),
            ("remove", name) => std::fs::remove_file(place.path(name)).expect("a file to remove"),
            ("run", arguments) => {
                place.write("stack.yaml", &stack);
                let ran = place.run(&arguments.split_whitespace().collect::<Vec<_>>());
                let code = ran.exit.map_or("a signal".to_owned(), |code| code.to_string());
                said.push_str(&format!("exit {code}\n{}{}", ran.stdout, ran.stderr));
            }
            _ => panic!("`@@ {head}` is no part of a case"),
        }
    }
    said
}

/// The text with the `-` lines, which it has once, replaced by the `+` lines.
fn changed(text: &str, change: &str) -> String {
    let lines = |mark: char| change.lines().filter_map(|line| line.strip_prefix(mark)).collect::<Vec<_>>().join("\n");
    let (old, new) = (lines('-'), lines('+'));
    assert_eq!(text.matches(&old).count(), 1, "`{old}` stands in the stack not once");
    text.replacen(&old, &new, 1)
}
