//! `helm template`, ours against the real Helm's.
//!
//! `cases/*.txt` hold command lines, one a line; `golden/*.txt` what Helm 4.1.4 printed for them, `golden/v3/*.txt` what Helm 3.18.0
//! did. Ours is always compared with the golden files; where that Helm is found, the golden files are compared with it too, so that
//! they cannot rot. Record them anew with `RECORD=1 cargo test -p sutler-chart --test helm`.

#![allow(clippy::print_stdout, reason = "tests say what they skip, how much they tried and from which seed")]

mod flags;
mod generated;
mod random;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sutler_chart::Compatibility;
use sutler_chart::helm_template::WriteMode;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The real Helm: named by `SUTLER_HELM` (`SUTLER_HELM3`), or where `cargo xtask peers` puts it.
fn helm_of(compatibility: Compatibility) -> Option<PathBuf> {
    let (variable, name) = match compatibility {
        Compatibility::V4 => ("SUTLER_HELM", "helm"),
        Compatibility::V3 => ("SUTLER_HELM3", "helm3"),
    };
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin").join(name);
    std::env::var_os(variable).map(PathBuf::from).or_else(|| peer.exists().then_some(peer))
}

/// Both Helms, as far as they are there; says of which one the test is skipped.
fn helms(test: &str) -> Vec<(Compatibility, PathBuf)> {
    let mut helms = Vec::new();
    for compatibility in [Compatibility::V4, Compatibility::V3] {
        match helm_of(compatibility) {
            Some(helm) => helms.push((compatibility, helm)),
            None => println!(
                "skipped {test} for Helm {compatibility}: it is not there (cargo xtask peers, or SUTLER_HELM and SUTLER_HELM3)"
            ),
        }
    }
    helms
}

/// What one command did, as the golden files hold it.
fn transcript(line: &str, exit: i32, stdout: &str, stderr: &str) -> String {
    let mut text = String::new();
    writeln!(text, "$ helm template {line}\nexit {exit}").expect("writing to a string cannot fail");
    for (name, stream) in [("stdout", stdout), ("stderr", stderr)] {
        let tests = here().display().to_string();
        let stream = stream.replace(&format!("{tests}/charts/../"), "<tests>/").replace(&tests, "<tests>");
        writeln!(text, "--- {name}\n{stream}").expect("writing to a string cannot fail");
    }
    text
}

fn ours(compatibility: Compatibility, line: &str) -> String {
    let output = flags::run(compatibility, &flags::words(line), &here().join("charts"));
    let mut stdout = output.stdout;
    for file in output.files {
        write!(stdout, "{:?} {}:\n{}", file.mode, file.path, file.text).expect("writing to a string cannot fail");
    }
    transcript(line, output.exit_code, &stdout, &output.stderr)
}

fn theirs(helm: &Path, line: &str) -> String {
    let output = Command::new(helm)
        .arg("template")
        .args(flags::words(line))
        .current_dir(here().join("charts"))
        .env("KUBECONFIG", "/dev/null")
        .output()
        .expect("helm can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    transcript(line, output.status.code().unwrap_or(-1), &text(&output.stdout), &text(&output.stderr))
}

/// Names of the case files, and their lines.
fn cases() -> Vec<(String, Vec<String>)> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(here().join("cases")).expect("the folder of cases is there") {
        let path = entry.expect("the folder can be read").path();
        let text = std::fs::read_to_string(&path).expect("a case file is text");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
        cases.push((path.file_name().expect("it has a name").to_string_lossy().into_owned(), lines));
    }
    cases.sort();
    cases
}

fn golden_file(compatibility: Compatibility, name: &str) -> PathBuf {
    match compatibility {
        Compatibility::V4 => here().join("golden").join(name),
        Compatibility::V3 => here().join("golden/v3").join(name),
    }
}

fn golden(compatibility: Compatibility, name: &str) -> String {
    std::fs::read_to_string(golden_file(compatibility, name)).unwrap_or_default()
}

/// Lines that Helm prints in the order of a Go map, which is random, sorted; everything else as it is.
fn settled(transcript: &str) -> String {
    let mut lines: Vec<&str> = transcript.lines().collect();
    // Helm 3 prints a schema's failures in the order of maps, and remarks with the place in its source that says them.
    let is_remark = |line: &str| line.split_once(": ").is_some_and(|(place, _)| place.contains(".go:"));
    let loose = |line: &str| line.starts_with("- ") || line.starts_with("level=") || is_remark(line);
    let mut start = 0;
    while start < lines.len() {
        let length = lines[start..].iter().take_while(|line| loose(line)).count();
        lines[start..start + length].sort_unstable();
        start += length.max(1);
    }
    lines.join("\n")
}

/// A transcript without the lines in which a second run of the same command differs: passwords, certificates.
fn without_random(once: &str, again: &str) -> String {
    without_random_of(once, again, once)
}

/// `text` without the lines at whose numbers two runs differ.
fn without_random_of(once: &str, again: &str, text: &str) -> String {
    let is_random: Vec<bool> = once.lines().zip(again.lines()).map(|(once, again)| once != again).collect();
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| if is_random.get(at) == Some(&true) { "<random>" } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

fn compare(what: &str, expected: &str, found: &str) -> Option<String> {
    if settled(expected) == settled(found) {
        return None;
    }
    let difference = settled(expected)
        .lines()
        .zip(settled(found).lines().chain(std::iter::repeat("<end>")))
        .find(|(expected, found)| expected != found)
        .map(|(expected, found)| format!("  helm: {expected}\n  ours: {found}"))
        .unwrap_or_else(|| "  one is longer than the other".to_owned());
    let errors = |text: &str| text.lines().filter(|line| line.starts_with("Error: ")).collect::<Vec<_>>().join(" ");
    Some(format!("{what}\n{difference}\n  helm: {}\n  ours: {}", errors(expected), errors(found)))
}

/// Compares every case with what that Helm printed.
fn every_case(compatibility: Compatibility) {
    let mut differences = Vec::new();
    let mut count = 0;
    for (name, lines) in cases() {
        let golden = golden(compatibility, &name);
        let recorded: Vec<&str> = golden.split("$ helm template ").skip(1).collect();
        assert_eq!(recorded.len(), lines.len(), "{name}: record the golden file anew");
        for (line, expected) in lines.iter().zip(recorded) {
            count += 1;
            differences.extend(compare(line, &format!("$ helm template {expected}"), &ours(compatibility, line)));
        }
    }
    assert!(count > 0, "there are no cases");
    assert!(differences.is_empty(), "{} of {count} differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn every_case_prints_what_helm_printed() {
    every_case(Compatibility::V4);
}

#[test]
fn every_case_prints_what_helm_3_printed() {
    every_case(Compatibility::V3);
}

#[test]
fn golden_files_are_what_helm_prints_today() {
    for (compatibility, helm) in helms("golden_files_are_what_helm_prints_today") {
        for (name, lines) in cases() {
            let found: String = lines.iter().map(|line| theirs(&helm, line)).collect();
            if std::env::var_os("RECORD").is_some() {
                std::fs::write(golden_file(compatibility, &name), found).expect("the golden file can be written");
                continue;
            }
            assert_eq!(settled(&golden(compatibility, &name)), settled(&found), "{name} of Helm {compatibility}");
        }
    }
}

/// How many random command lines are tried, and from which seed: `SUTLER_CASES`, `SUTLER_SEED`.
fn random_cases() -> (u64, random::Random) {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().map_or(default, |text| text.parse().expect("it is a number"))
    };
    let seed = number("SUTLER_SEED", 1);
    println!("SUTLER_SEED={seed}");
    (number("SUTLER_CASES", 40), random::Random(seed))
}

#[test]
fn random_set_texts_merge_as_helm_merges_them() {
    for (compatibility, helm) in helms("random_set_texts_merge_as_helm_merges_them") {
        let (count, mut random) = random_cases();
        let mut differences = Vec::new();
        for case in 0..count {
            let flags = ["set", "set", "set-string", "set-literal", "set-json"];
            let flag = flags[usize::try_from(case % 5).expect("it is small")];
            let line = format!("r values --{flag} '{}'", random::set_text(&mut random));
            differences.extend(compare(&line, &theirs(&helm, &line), &ours(compatibility, &line)));
        }
        assert!(differences.is_empty(), "{} of {count} differ:\n{}", differences.len(), differences.join("\n"));
    }
}

#[test]
fn random_values_coalesce_as_helm_coalesces_them() {
    for (compatibility, helm) in helms("random_values_coalesce_as_helm_coalesces_them") {
        let (count, mut random) = random_cases();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let file = folder.path().join("values.yaml");
        let mut differences = Vec::new();
        for _ in 0..count {
            let values = random::values(&mut random, 0);
            std::fs::write(&file, &values).expect("the file can be written");
            let line = format!("r family -f {}", file.display());
            differences.extend(compare(&values, &theirs(&helm, &line), &ours(compatibility, &line)));
        }
        assert!(differences.is_empty(), "{} of {count} differ:\n{}", differences.len(), differences.join("\n"));
    }
}

#[test]
fn output_folders_hold_what_helm_writes() {
    let all_flags =
        ["", " --include-crds", " --release-name", " --no-hooks", " --skip-tests", " --include-crds --release-name"];
    let helms = helms("output_folders_hold_what_helm_writes");
    for ((compatibility, helm), flags) in helms.iter().flat_map(|helm| all_flags.map(|flags| (helm, flags))) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let line = format!("r hooks --output-dir {}/out{flags}", folder.path().display());
        let expected = theirs(helm, &line);
        let output = flags::run(*compatibility, &flags::words(&line), &here().join("charts"));
        assert_eq!(transcript(&line, output.exit_code, &output.stdout, &output.stderr), expected);
        let mut written = std::collections::BTreeMap::new();
        for file in output.files {
            let text: &mut String = written.entry(file.path).or_default();
            if file.mode == WriteMode::Replace {
                text.clear();
            }
            text.push_str(&file.text);
        }
        for (path, text) in &written {
            assert_eq!(&std::fs::read_to_string(path).expect("helm wrote the file"), text, "{path}");
        }
        assert_eq!(files_below(folder.path()), written.into_keys().collect::<Vec<_>>(), "{line}");
    }
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(files_below(&path)),
            path => files.push(path.display().to_string()),
        }
    }
    files.sort();
    files
}

/// The charts that the project brings.
#[test]
fn built_in_charts_render_as_helm_renders_them() {
    let charts = charts_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts"));
    for (compatibility, helm) in helms("built_in_charts_render_as_helm_renders_them") {
        compare_charts(compatibility, &helm, &charts);
    }
}

/// Any charts at all: `SUTLER_CHARTS=/charts/a:/charts/b SUTLER_HELM=helm cargo test -p sutler-chart --test helm`.
#[test]
fn charts_named_by_the_environment_render_as_helm_renders_them() {
    let Some(charts) = std::env::var_os("SUTLER_CHARTS") else {
        println!("skipped charts_named_by_the_environment_render_as_helm_renders_them: no SUTLER_CHARTS");
        return;
    };
    let charts: Vec<PathBuf> = std::env::split_paths(&charts).collect();
    for (compatibility, helm) in helms("charts_named_by_the_environment_render_as_helm_renders_them") {
        compare_charts(compatibility, &helm, &charts);
    }
}

/// The folders with a Chart.yaml, but for subcharts.
fn charts_below(folder: &Path) -> Vec<PathBuf> {
    if folder.join("Chart.yaml").exists() {
        return vec![folder.to_owned()];
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.is_dir()).flat_map(|path| charts_below(&path)).collect()
}

/// Renders each chart with its own values, and with each of those that it brings for its tests (`ci/*.yaml`).
fn compare_charts(compatibility: Compatibility, helm: &Path, charts: &[PathBuf]) {
    let mut lines = Vec::new();
    for chart in charts {
        lines.push(format!("r {}", chart.display()));
        let ci = std::fs::read_dir(chart.join("ci")).into_iter().flatten().flatten().map(|entry| entry.path());
        let ci = ci.filter(|path| path.extension().is_some_and(|end| end == "yaml"));
        lines.extend(ci.map(|values| format!("r {} --include-crds -f {}", chart.display(), values.display())));
    }
    let mut differences = Vec::new();
    let mut rendered = 0;
    for line in &lines {
        let (once, again) = (theirs(helm, line), theirs(helm, line));
        rendered += usize::from(once.contains("\nexit 0\n"));
        let found = without_random_of(&once, &again, &ours(compatibility, line));
        differences.extend(compare(line, &without_random(&once, &again), &found));
    }
    println!("{} renderings of {} charts, {rendered} of them with success", lines.len(), charts.len());
    assert!(differences.is_empty(), "{} of {} differ:\n{}", differences.len(), lines.len(), differences.join("\n"));
}

#[test]
fn every_chart_and_golden_file_is_used() {
    let cases = cases();
    let all: String = cases.iter().flat_map(|(_, lines)| lines).map(|line| format!("{line} ")).collect();
    for entry in std::fs::read_dir(here().join("charts")).expect("the folder of charts is there") {
        let name = entry.expect("the folder can be read").file_name().to_string_lossy().into_owned();
        assert!(all.contains(&name), "no case uses the chart {name}");
    }
    for folder in ["golden", "golden/v3"] {
        for entry in std::fs::read_dir(here().join(folder)).expect("the folder of golden files is there") {
            let entry = entry.expect("the folder can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_used = entry.path().is_dir() || cases.iter().any(|(case, _)| *case == name);
            assert!(is_used, "no cases for the golden file {folder}/{name}");
        }
    }
}
