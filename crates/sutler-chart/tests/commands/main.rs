//! The linter and the scaffold beside the real Helm: charts that are broken at random, and what a new chart renders.
//!
//! Needs a Helm (`SUTLER_HELM`, or where `cargo xtask peers` puts it); without one the tests are skipped by name.

#![allow(clippy::print_stdout, reason = "tests say what they skip, how much they tried and from which seed")]

mod broken;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use sutler_chart::create::scaffold;
use sutler_chart::lint::{LintOptions, Survey, lint};
use sutler_chart::{Chart, ChartSource, RenderOptions, SourceFile, ValuesOptions, render};

fn helm() -> Option<PathBuf> {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/helm");
    std::env::var_os("SUTLER_HELM").map(PathBuf::from).or_else(|| peer.exists().then_some(peer))
}

/// What Helm prints of a chart between its first line and its summary.
fn linted_by_helm(helm: &Path, chart: &Path) -> String {
    let output = Command::new(helm)
        .arg("lint")
        .arg(chart)
        .env("KUBECONFIG", "/dev/null")
        .env("HOME", chart)
        .output()
        .expect("helm can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, findings) = text.split_once('\n').expect("helm names the chart first");
    findings.split("\n1 chart(s) linted").next().unwrap_or_default().trim_end().to_owned()
}

fn linted_by_us(chart: &Path) -> String {
    let values = ValuesOptions::default().merge().expect("nothing is given");
    let lines: Vec<String> = match Survey::of_folder(chart) {
        Err(error) => vec![format!("Error {}", sutler_chart::error_chain(&error))],
        Ok(survey) => {
            lint(&survey, &values, &LintOptions::default()).findings.iter().map(ToString::to_string).collect()
        }
    };
    lines.join("\n").trim_end().to_owned()
}

#[test]
fn charts_broken_at_random_are_linted_as_helm_lints_them() {
    let Some(helm) = helm() else {
        println!(
            "skipped charts_broken_at_random_are_linted_as_helm_lints_them: no Helm (cargo xtask peers, or SUTLER_HELM)"
        );
        return;
    };
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().map_or(default, |text| text.parse().expect("it is a number"))
    };
    let (count, seed) = (number("SUTLER_CASES", 60), number("SUTLER_SEED", 1));
    println!("SUTLER_SEED={seed}, {count} charts");
    let mut random = broken::Random(seed);
    let mut differences = Vec::new();
    for case in 0..count {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let files = broken::chart(&mut random);
        for (name, text) in &files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder can be made");
            std::fs::write(path, text).expect("a file can be written");
        }
        let (expected, found) = (linted_by_helm(&helm, folder.path()), linted_by_us(folder.path()));
        if expected != found {
            differences.push(format!("case {case}: {files:?}\n== Helm\n{expected}\n== ours\n{found}"));
        }
    }
    assert!(differences.is_empty(), "{} of {count} differ:\n{}", differences.len(), differences.join("\n\n"));
}

/// Every object that a chart renders with these values, and nothing of its order.
fn objects(chart: &Chart, sets: &[&str]) -> BTreeSet<String> {
    let set = sets.iter().map(|text| (*text).to_owned()).collect();
    let values = ValuesOptions { set, ..ValuesOptions::default() }.merge().expect("the values can be read");
    let rendered = render(chart, &values, &RenderOptions::install("trial", "there")).expect("a new chart renders");
    let texts = rendered.manifests.iter().map(|manifest| manifest.text.clone());
    let texts = texts.chain(rendered.hooks.iter().map(|hook| hook.manifest.clone()));
    texts
        .map(|text| {
            let node = sutler_yaml::read(&text).expect("an object is YAML");
            sutler_yaml::to_json(&node).expect("an object is JSON").to_string()
        })
        .collect()
}

#[test]
fn a_new_chart_renders_the_objects_of_helms() {
    let Some(helm) = helm() else {
        println!("skipped a_new_chart_renders_the_objects_of_helms: no Helm (cargo xtask peers, or SUTLER_HELM)");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let made =
        Command::new(helm).args(["create", "shop"]).current_dir(folder.path()).env("HOME", folder.path()).status();
    assert!(made.expect("helm can be run").success());
    let theirs = Chart::load(ChartSource::Folder(&folder.path().join("shop"))).expect("helm's chart loads");
    let files = scaffold("shop").expect("the name is one");
    let files = files.into_iter().map(|file| SourceFile::new(file.name, file.data)).collect();
    let ours = Chart::load(ChartSource::Files { files }).expect("our chart loads");
    assert_eq!(format!("{:?}", ours.values()), format!("{:?}", theirs.values()), "both have the same values");
    for sets in [
        &[][..],
        &["ingress.enabled=true", "ingress.className=nginx", "ingress.annotations.a=b"],
        &["ingress.enabled=true", "ingress.tls[0].secretName=s", "ingress.tls[0].hosts={a,b}"],
        &["httpRoute.enabled=true", "httpRoute.annotations.a=b"],
        // Without matches Helm's template writes the filters outside of the rule, and ours does not.
        &[
            "httpRoute.enabled=true",
            "httpRoute.rules[0].filters[0].type=X",
            "httpRoute.rules[0].matches[0].path.value=/x",
            "httpRoute.hostnames=null",
        ],
        &["autoscaling.enabled=true", "autoscaling.targetMemoryUtilizationPercentage=70"],
        &["autoscaling.enabled=true", "autoscaling.targetCPUUtilizationPercentage=null"],
        &["serviceAccount.create=false"],
        &["serviceAccount.create=false", "serviceAccount.name=sa"],
        &["serviceAccount.name=sa", "serviceAccount.annotations.a=b", "serviceAccount.automount=false"],
        &["nameOverride=other", "image.tag=2", "image.repository=r", "replicaCount=3", "service.type=NodePort"],
        &["nameOverride=tri", "service.port=8080"],
        &[
            "fullnameOverride=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-yyyyy",
            "service.type=LoadBalancer",
        ],
        &["podAnnotations.a=b", "podLabels.c=d", "imagePullSecrets[0].name=s", "podSecurityContext.fsGroup=1"],
        &["securityContext.runAsUser=1", "resources.limits.cpu=1", "livenessProbe=null", "readinessProbe=null"],
        &["volumes[0].name=v", "volumeMounts[0].name=v", "nodeSelector.a=b", "tolerations[0].key=k", "affinity.a=b"],
    ] {
        assert_eq!(objects(&ours, sets), objects(&theirs, sets), "{sets:?}");
    }
}
