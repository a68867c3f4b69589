//! `sutler helm compare` with a program in Helm's place that prints what a test wants, and with the real Helm where it is there.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use std::path::{Path, PathBuf};

use sutler_helm::{ClusterCommands, Failure, Invocation, Io, StartedAs};

struct NoCluster;

impl ClusterCommands for NoCluster {
    fn run(&mut self, call: &Invocation, _: &mut Io<'_>) -> Result<(), Failure> {
        Err(Failure::not_available(&call.command_path()))
    }
}

/// Exit code, standard output and standard error of `sutler helm WORDS`.
fn run_as(started_as: StartedAs, words: &[&str]) -> (u8, String, String) {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = {
        let mut io = Io {
            stdin: &mut std::io::empty(),
            stdout: &mut stdout,
            stderr: &mut stderr,
            folder: std::env::current_dir().expect("there is a folder"),
            program: "sutler".to_owned(),
            variables: [("HOME", "/nowhere"), ("KUBECONFIG", "/dev/null")].into_iter().collect(),
            now: jiff::Timestamp::UNIX_EPOCH,
            seed: [1; 32],
            compatibility: Default::default(),
        };
        sutler_helm::run(&words, started_as, &mut io, &mut NoCluster)
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
    (code, text(stdout), text(stderr))
}

fn run(words: &[&str]) -> (u8, String, String) {
    run_as(StartedAs::Sutler, words)
}

/// A chart, and a program that says it is Helm and prints `output` for it.
fn fixture(folder: &Path, output: &str) -> (PathBuf, PathBuf) {
    let chart = folder.join("web");
    std::fs::create_dir_all(chart.join("templates")).expect("a folder can be made");
    let write = |path: &str, text: &str| std::fs::write(chart.join(path), text).expect("a file can be written");
    write("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n");
    write("values.yaml", "port: 80\n");
    write("templates/a.yaml", "kind: A\n{{- if true }}\nport: {{ .Values.port }}\n{{- end }}\n");
    let helm = folder.join("helm-to-compare-with");
    let script =
        format!("#!/bin/sh\nif [ \"$1\" = version ]; then echo v4.1.4+g05fa379; exit; fi\ncat <<'END'\n{output}END\n");
    std::fs::write(&helm, script).expect("a file can be written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&helm, std::fs::Permissions::from_mode(0o755)).expect("modes can be set");
    }
    (chart, helm)
}

const EQUAL: &str = "---\n# Source: web/templates/a.yaml\nkind: A\nport: 80\n";

#[cfg(unix)]
#[test]
fn equal_renderings_end_with_0() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (chart, helm) = fixture(folder.path(), EQUAL);
    let (code, stdout, stderr) = run(&["compare", &chart.display().to_string(), "--helm", &helm.display().to_string()]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert!(
        stdout.contains(": equal (") && stdout.ends_with("none of 1 renderings differ from Helm v4.1.4+g05fa379\n")
    );
}

#[cfg(unix)]
#[test]
fn a_difference_names_the_templates_line_and_ends_with_1() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (chart, helm) = fixture(folder.path(), &EQUAL.replace("80", "8080"));
    let (chart, helm) = (chart.display().to_string(), helm.display().to_string());
    let (code, stdout, _) = run(&["compare", &chart, "--helm", &helm]);
    assert_eq!(code, 1, "{stdout}");
    let expected = "  line 4 of the output, from web/templates/a.yaml, made by web/templates/a.yaml:3\n  - port: 8080\n  + port: 80\n";
    assert!(stdout.contains(expected), "{stdout}");

    let (code, stdout, _) = run(&["compare", &chart, "--helm", &helm, "-o", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&stdout).expect("it is JSON");
    let case = &answer["charts"][0]["cases"][0];
    assert_eq!((code, case["verdict"].as_str()), (1, Some("different")));
    assert_eq!(case["difference"]["template"], serde_json::json!({"file": "web/templates/a.yaml", "line": 3}));

    // What is given to one side is given to both.
    let (code, stdout, _) = run(&["compare", &chart, "--helm", &helm, "--set", "port=8080"]);
    assert_eq!(code, 0, "{stdout}");
}

#[cfg(unix)]
#[test]
fn a_folder_of_charts_makes_a_table_with_their_test_values() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (chart, helm) = fixture(folder.path(), EQUAL);
    std::fs::create_dir(chart.join("ci")).expect("a folder can be made");
    std::fs::write(chart.join("ci/other-values.yaml"), "port: 81\n").expect("a file can be written");
    let copy = folder.path().join("charts/two");
    std::fs::create_dir_all(copy.join("templates")).expect("a folder can be made");
    for file in ["Chart.yaml", "values.yaml", "templates/a.yaml"] {
        std::fs::copy(chart.join(file), copy.join(file)).expect("a file can be copied");
    }
    let (code, stdout, _) =
        run(&["compare", &folder.path().display().to_string(), "--helm", &helm.display().to_string()]);
    assert_eq!(code, 1, "{stdout}");
    let rows: Vec<Vec<&str>> = stdout.lines().take(3).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..5], ["CHART", "CASES", "EQUAL", "DIFFERENT", "REFUSED"]);
    assert_eq!((rows[1][1..5].join(" "), rows[2][1..5].join(" ")), ("1 1 0 0".to_owned(), "2 1 1 0".to_owned()));
    assert!(stdout.contains("web with ci/other-values.yaml: different"), "{stdout}");
}

#[test]
fn what_cannot_be_compared_ends_with_2() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (code, _, stderr) = run(&["compare", &folder.path().display().to_string(), "--helm", "/nowhere/helm"]);
    assert_eq!((code, stderr.as_str()), (2, "Error: cannot run /nowhere/helm: no such file or directory\n"));
    let (code, _, stderr) = run(&["compare", "x"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("hint: name one with --helm PATH or in $SUTLER_HELM"), "{stderr}");
}

#[test]
fn helm_has_no_such_command() {
    let (code, _, stderr) = run_as(StartedAs::Helm, &["compare", "x"]);
    assert_eq!(code, 1);
    assert!(stderr.starts_with("Error: unknown command \"compare\" for \"helm\""), "{stderr}");
    let (_, _, stderr) = run_as(StartedAs::Helm, &["version", "--compat", "v3"]);
    assert!(stderr.starts_with("Error: unknown flag: --compat"), "{stderr}");
}

#[test]
fn the_charts_of_the_library_render_as_both_helms_render_them() {
    let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts");
    for (variable, name) in [("SUTLER_HELM", "helm"), ("SUTLER_HELM3", "helm3")] {
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin").join(name);
        let Some(helm) = std::env::var_os(variable).map(PathBuf::from).or_else(|| peer.exists().then_some(peer)) else {
            println!(
                "skipped the_charts_of_the_library_render_as_both_helms_render_them: no {name} (cargo xtask peers, or {variable})"
            );
            continue;
        };
        let (code, stdout, stderr) =
            run(&["compare", &charts.display().to_string(), "--helm", &helm.display().to_string()]);
        assert_eq!(code, 0, "{stdout}{stderr}");
    }
}
