//! `sutler init --from`: what its stack renders to is what Helmfile's own template command prints.
//!
//! The judge is Helmfile itself, named by `SUTLER_HELMFILE`, with the real Helm; without them the tests are skipped by name.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Place, peer};

/// A chart that shows all its values.
const SHOW: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}
data: {values: {{ .Values | toJson | quote }}}
";

fn judges(test: &str) -> Option<(PathBuf, PathBuf)> {
    let found = peer("SUTLER_HELMFILE", "helmfile").zip(peer("SUTLER_HELM", "helm"));
    if found.is_none() {
        skipped(test);
    }
    found
}

#[allow(clippy::print_stdout, reason = "a skip is said")]
fn skipped(test: &str) {
    println!("skipped {test}: no helmfile (SUTLER_HELMFILE) beside a helm (SUTLER_HELM)");
}

/// The `values` of each ConfigMap in a text, with namespace and name.
fn shown(text: &str) -> BTreeSet<String> {
    let documents = sutler_yaml::read_documents(text).expect("YAML");
    let objects = documents.iter().map(|node| sutler_yaml::to_json(node).expect("an object"));
    let line = |object: serde_json::Value| {
        let at =
            |pointer: &str| object.pointer(pointer).and_then(|found| found.as_str()).unwrap_or_default().to_owned();
        let values: serde_json::Value = serde_json::from_str(&at("/data/values")).expect("JSON");
        format!("{}/{} {values}", at("/metadata/namespace"), at("/metadata/name"))
    };
    objects.filter(|object| object["kind"] == "ConfigMap").map(line).collect()
}

/// All manifests below a folder.
fn manifests(folder: &Path) -> String {
    let (mut text, mut open) = (String::new(), vec![folder.to_path_buf()]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|end| end == "yaml") {
            let _ = writeln!(text, "---\n{}", std::fs::read_to_string(path).expect("text"));
        }
    }
    text
}

/// Renders a Helmfile by both ways and compares; false where Helm refuses the values, which is nothing to compare.
fn check(place: &Place, environment: &str, (helmfile, helm): &(PathBuf, PathBuf), about: &str) -> bool {
    let ran = Command::new(helmfile)
        .args([
            "--helm-binary",
            &helm.display().to_string(),
            "-e",
            environment,
            "-f",
            "hf/helmfile.yaml.gotmpl",
            "template",
            "--skip-deps",
        ])
        .current_dir(place.path("."))
        .env("TEAM", "data")
        .env("HOME", place.path("home"))
        .output()
        .expect("helmfile runs");
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(
            said.contains("Error: failed parsing --set") || said.contains("interface conversion"),
            "{about}
{said}"
        );
        return false;
    }
    let expected = shown(&String::from_utf8_lossy(&ran.stdout));
    let stack = format!("stack-{environment}");
    let run = |words: &[&str]| {
        let ran = place.command(words).env("TEAM", "data").output().expect("the program runs");
        assert!(ran.status.success(), "{about}\n{}", String::from_utf8_lossy(&ran.stderr));
    };
    run(&["init", "--from", "hf", "-e", environment, &stack]);
    let out = format!("out-{environment}");
    run(&["render", &out, &stack]);
    let found = shown(&manifests(&place.path(&out)));
    let written = std::fs::read_to_string(place.path(&stack).join("stack.yaml")).expect("the stack");
    assert_eq!(found, expected, "{about}\n{written}");
    true
}

/// Numbers that follow from a seed (xorshift).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).expect("small")]
    }
}

const SCALARS: [&str; 14] = [
    "1",
    "\"1\"",
    "true",
    "\"true\"",
    "1.5",
    "null",
    "text",
    "\"a,b\"",
    "[1, x]",
    "{}",
    "[]",
    "{k: v}",
    "\"\"",
    "'{{ `x` }}'",
];
const SET: [&str; 9] = ["1", "\"true\"", "text", "\"a,b=c\"", "\"null\"", "0123", "\"1.5\"", "\"\"", "\"x y\""];
const PATHS: [&str; 7] = ["a", "a.b", "base.n", "base.list", "base.map.k", "new.deep.er", "w"];

/// A Helmfile with whatever a draw gives.
fn generated(draw: &mut Draw) -> String {
    let mut text = String::from(
        "environments:\n  default:\n    values: [env.yaml, {n: 1, web: {enabled: true}}]\n  prod:\n    values: [env.yaml, more.yaml.gotmpl]\n---\n\
         templates:\n  common: {namespace: common, values: [common.yaml]}\n  second: {set: [{name: from, value: second}]}\n",
    );
    if draw.below(3) == 0 {
        text.push_str("missingFileHandler: Warn\n");
    }
    text.push_str("releases:\n");
    let warns = text.contains("Warn");
    for index in 0..2 + draw.below(4) {
        let _ = writeln!(text, "- name: r{index}-{{{{ .Environment.Name }}}}\n  chart: ./show");
        if draw.below(3) > 0 {
            let _ = writeln!(text, "  namespace: {}", draw.one(&["one", "two", "{{ env \"TEAM\" }}"]));
        }
        match draw.below(4) {
            0 => text.push_str("  inherit: [{template: common}]\n"),
            1 => text.push_str("  inherit: [{template: common, except: [values]}, {template: second}]\n"),
            _ => {}
        }
        match draw.below(5) {
            0 => text.push_str("  installed: {{ eq .Environment.Name \"prod\" }}\n"),
            1 => text.push_str("  condition: web.enabled\n"),
            2 => text.push_str("  condition: off.enabled\n"),
            _ => {}
        }
        text.push_str("  values:\n");
        for _ in 0..draw.below(5) {
            match draw.below(6) {
                0 => text.push_str("  - plain.yaml\n"),
                1 => text.push_str("  - made.yaml.gotmpl\n"),
                2 => text.push_str("  - '{{ .Values.file }}'\n"),
                3 if warns => text.push_str("  - not-there.yaml\n"),
                4 => {
                    let _ = writeln!(
                        text,
                        "  - {{n: {{{{ .Values.n }}}}, q: {{{{ .Values | get \"no.such\" \"d\" | quote }}}}}}"
                    );
                }
                _ => {
                    let _ = writeln!(
                        text,
                        "  - {{{}: {}, base: {{n: {}}}}}",
                        draw.one(&["a", "w", "z"]),
                        draw.one(&SCALARS),
                        draw.one(&SCALARS)
                    );
                }
            }
        }
        if draw.below(2) == 0 {
            text.push_str("  set:\n");
            for _ in 0..=draw.below(3) {
                let _ = writeln!(text, "  - {{name: {}, value: {}}}", draw.one(&PATHS), draw.one(&SET));
            }
            if draw.below(3) == 0 {
                text.push_str("  - {name: 'base.list[1]', value: 9}\n");
            }
        }
        if draw.below(3) == 0 {
            let _ =
                writeln!(text, "  setString: [{{name: {}, value: {}}}]", draw.one(&["s", "base.s"]), draw.one(&SET));
        }
        if draw.below(3) == 0 {
            text.push_str("  labels: {tier: web}\n  timeout: 30\n");
        }
    }
    text
}

fn place_with(text: &str) -> Place {
    let place = Place::new();
    place.write("hf/helmfile.yaml.gotmpl", text);
    place.write("hf/env.yaml", "file: plain.yaml\nn: 0\noff: {enabled: false}\nweb: {enabled: false}\n");
    place.write("hf/more.yaml.gotmpl", "n: {{ add 1 2 }}\nweb: {enabled: true}\nteam: {{ requiredEnv \"TEAM\" }}\n");
    place.write("hf/common.yaml", "common: true\na: 1\n");
    place.write("hf/plain.yaml", "base: {map: {k: 1, l: null}}\nbig: 12345678\n");
    place.write("hf/made.yaml.gotmpl", "made: {{ .Release.Name }}-{{ .Release.Namespace }}\nn: {{ .Values.n }}\ntext: {{ readFile \"common.yaml\" | quote }}\n");
    place.write("hf/show/Chart.yaml", "apiVersion: v2\nname: show\nversion: 1.0.0\n");
    place.write("hf/show/values.yaml", "base: {n: 0, list: [1, 2, 3], map: {k: v}, s: x}\nw: {deep: {er: 1}}\n");
    place.write("hf/show/templates/all.yaml", SHOW);
    place
}

#[test]
fn generated_helmfiles_render_as_helmfile_does() {
    let Some(judges) = judges("generated_helmfiles_render_as_helmfile_does") else { return };
    let variable = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (seed, count) = (variable("SUTLER_SEED").unwrap_or(20_261), variable("SUTLER_COUNT").unwrap_or(6));
    let mut compared = 0;
    for seed in seed..seed + count {
        let text = generated(&mut Draw(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1));
        let place = place_with(&text);
        for environment in ["default", "prod"] {
            let about = format!("seed {seed}, environment {environment}\n{text}");
            compared += u64::from(check(&place, environment, &judges, &about));
        }
    }
    assert!(compared >= count, "only {compared} renderings were compared");
}

#[test]
fn a_helmfile_is_taken_over_and_what_is_beyond_a_stack_is_said() {
    let place = place_with(
        "repositories: [{name: stable, url: 'https://charts.example.org'}]\nhelmDefaults: {kubeContext: prod}\nreleases:\n\
         - name: web\n  chart: ./show\n  needs: [elsewhere]\n  jsonPatches: [{target: {kind: Service}}]\n  set: [{name: auth.password, value: x}]\n",
    );
    let said = place.run(&["init", "--from", "hf", "taken"]).ended(0).stderr;
    for line in [
        "releases: web",
        "warning: release web: auth.password looks like a secret",
        "hf/helmfile.yaml.gotmpl:6 (as rendered): release web needs elsewhere, which is not in this file.",
        "hf/helmfile.yaml.gotmpl:7 (as rendered): `jsonPatches` of release web has no counterpart in stack.yaml.",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let stack = std::fs::read_to_string(place.path("taken/stack.yaml")).expect("the stack");
    assert!(
        stack.contains("  live: {target: {context: prod}}\n") && stack.contains("    chart: ../hf/show\n"),
        "{stack}"
    );
    place.run(&["up", "taken"]).ended(0);
    place.run(&["plan", "taken"]).ended(0);
    let again = place.run(&["init", "--from", "hf", "taken"]).ended(1).stderr;
    assert!(again.contains("exists and is not overwritten"), "{again}");
}
