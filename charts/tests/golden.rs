//! What the charts render to, ours and the real Helm's.
//!
//! `cases/CHART/NAME.values.yaml` is one case: its first line says the release and its namespace, and whether
//! `global-sutler.yaml` comes first. `golden/CHART/NAME.txt` is what `helm template` of Helm 4.1.4 printed. Ours is always
//! compared with it; where a Helm is found (`SUTLER_HELM`, or where `cargo xtask peers` puts it), Helm is compared too.
//! Record the files anew with `RECORD=1 cargo test -p sutler-charts --test golden` and a Helm.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use sutler_chart::helm_template::{HelmTemplate, TemplateInputs};

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn helm() -> Option<PathBuf> {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers/bin/helm");
    std::env::var_os("SUTLER_HELM").map(PathBuf::from).or_else(|| peer.exists().then_some(peer))
}

/// One case.
struct Case {
    chart: String,
    name: String,
    release: String,
    namespace: String,
    /// Paths below `tests/cases`.
    values: Vec<String>,
}

impl Case {
    fn read(chart: &str, name: &str) -> Case {
        let path = format!("{chart}/{name}.values.yaml");
        let text = std::fs::read_to_string(tests().join("cases").join(&path)).expect("a case is text");
        let words: Vec<&str> = text.lines().next().unwrap_or_default().split_whitespace().collect();
        let (release, namespace, first) = match words.as_slice() {
            ["#", "helm", "template", release, "-n", namespace] => (release, namespace, None),
            ["#", "helm", "template", release, "-n", namespace, "-f", file] => (release, namespace, Some(*file)),
            _ => panic!("{path} does not start with `# helm template NAME -n NAMESPACE [-f FILE]`"),
        };
        let values = first.map(str::to_owned).into_iter().chain([path]).collect();
        Case {
            chart: chart.to_owned(),
            name: name.to_owned(),
            release: (*release).to_owned(),
            namespace: (*namespace).to_owned(),
            values,
        }
    }

    fn golden(&self) -> PathBuf {
        tests().join("golden").join(&self.chart).join(format!("{}.txt", self.name))
    }

    fn ours(&self) -> String {
        let command = HelmTemplate {
            args: vec![self.release.clone(), self.chart.clone()],
            namespace: self.namespace.clone(),
            values_files: self.values.clone(),
            ..HelmTemplate::default()
        };
        let output = command.run(&mut TemplateInputs {
            find: &mut |name, _| Ok(sutler_charts::load(name).expect("a carried chart can be loaded")),
            read: &mut |path| std::fs::read(tests().join("cases").join(path)).map_err(|error| error.to_string()),
            now: jiff::Timestamp::UNIX_EPOCH,
            seed: [7; 32],
        });
        transcript(output.exit_code, &output.stdout, &output.stderr)
    }

    fn theirs(&self, helm: &Path) -> String {
        let mut command = Command::new(helm);
        command.args(["template", &self.release]).arg(tests().join("..").join(&self.chart));
        command.args(["-n", &self.namespace]).current_dir(tests().join("cases")).env("KUBECONFIG", "/dev/null");
        for file in &self.values {
            command.args(["-f", file]);
        }
        let output = command.output().expect("helm can be run");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        transcript(output.status.code().unwrap_or(-1), &text(&output.stdout), &text(&output.stderr))
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for chart in sutler_charts::names() {
        let folder = tests().join("cases").join(chart);
        for entry in std::fs::read_dir(&folder).expect("each chart has cases") {
            let file = entry.expect("the folder can be read").file_name().to_string_lossy().into_owned();
            let name = file.strip_suffix(".values.yaml").unwrap_or_else(|| panic!("{file} is no case"));
            cases.push(Case::read(chart, name));
        }
    }
    cases.sort_by(|a, b| (&a.chart, &a.name).cmp(&(&b.chart, &b.name)));
    cases
}

/// What a command printed, with made secrets left out: they differ each time.
fn transcript(exit: i32, stdout: &str, stderr: &str) -> String {
    let mut text = format!("exit {exit}\n");
    for line in stdout.lines().chain(stderr.lines()) {
        match line.split_once(": ") {
            Some((key, _)) if key.starts_with("  hub.config.") => text.push_str(&format!("{key}: (made)\n")),
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

#[test]
fn the_charts_render_as_recorded_from_helm() {
    let helm = helm();
    if std::env::var_os("RECORD").is_some() {
        let helm = helm.as_deref().expect("recording takes a Helm: name one in SUTLER_HELM");
        for case in cases() {
            std::fs::create_dir_all(case.golden().parent().expect("it is in a folder")).expect("it can be made");
            std::fs::write(case.golden(), case.theirs(helm)).expect("a golden file can be written");
        }
    }
    let mut wrong = Vec::new();
    for case in cases() {
        let golden = std::fs::read_to_string(case.golden()).unwrap_or_default();
        let sides = [("Sutler", Some(case.ours())), ("Helm", helm.as_deref().map(|helm| case.theirs(helm)))];
        for (side, text) in sides {
            if let Some(text) = text.filter(|text| *text != golden) {
                let line = text.lines().zip(golden.lines()).position(|(a, b)| a != b);
                let at = line.unwrap_or_else(|| text.lines().count().min(golden.lines().count()));
                wrong.push(format!(
                    "{side}, {}/{}, line {}\n  recorded  {:?}\n  printed   {:?}",
                    case.chart,
                    case.name,
                    at + 1,
                    golden.lines().nth(at),
                    text.lines().nth(at)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if helm.is_none() {
        println!("skipped: comparing with the real Helm, since there is none; `cargo xtask peers` gets it");
    }
}

#[test]
fn a_case_is_refused_where_its_name_says_so() {
    for case in cases() {
        let refused = case.ours().starts_with("exit 1");
        assert_eq!(refused, case.name.starts_with("refused-"), "{}/{}", case.chart, case.name);
    }
}

#[test]
fn every_golden_file_has_its_case() {
    let wanted: BTreeSet<PathBuf> = cases().iter().map(Case::golden).collect();
    for chart in sutler_charts::names() {
        for entry in std::fs::read_dir(tests().join("golden").join(chart)).expect("each chart has golden files") {
            let path = entry.expect("the folder can be read").path();
            assert!(wanted.contains(&path), "no case for {}", path.display());
        }
    }
}

#[test]
fn the_charts_share_one_text_about_pools_and_roles() {
    let text = |name: &str| {
        let files = sutler_charts::builtin(name).expect("it is carried").files;
        let found = files.iter().find(|(path, _)| *path == "templates/_sutler.tpl");
        found.expect("each chart has it").1
    };
    let mut names = sutler_charts::names();
    let first = names.next().expect("there are charts");
    for name in names {
        assert!(text(name) == text(first), "templates/_sutler.tpl of {name} differs from {first}'s");
    }
}
