//! The text of the stack.yaml that stands for a Helmfile.

use std::fmt::Write as _;

use serde_json::Value;

use super::Request;
use super::release::WrittenRelease;
use super::state::State;
use crate::init::{one_line, scalar};

/// The file.
pub(super) fn stack_yaml(request: &Request<'_>, state: &State, releases: &[WrittenRelease], left: &[String]) -> String {
    let mut text = String::from("# yaml-language-server: $schema=./.sutler/stack.schema.json\n");
    let file = one_line(&request.file.display().to_string());
    let _ = writeln!(text, "# The releases of {file} in its environment {}.", one_line(&state.environment));
    let _ = writeln!(text, "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: {}\n", scalar(request.name));
    text.push_str("environments:\n  try: {target: simulator}\n");
    let context = state.text("kubeContext").or_else(|| state.helm_default("kubeContext")?.as_str());
    match context.filter(|context| !context.is_empty()) {
        Some(context) => {
            let _ = writeln!(text, "  live: {{target: {{context: {}}}}}", scalar(context));
        }
        None => text.push_str("  # live: {target: {context: NAME}}    # the cluster, by its kubeconfig context\n"),
    }
    text.push_str("defaults: {environment: try}\n\ncluster: {}\n");
    if !releases.is_empty() {
        text.push_str("\nreleases:\n");
    }
    for release in releases {
        one(&mut text, release);
    }
    if !left.is_empty() {
        text.push_str("\n# Of the Helmfile, not in this file:\n");
        for sentence in left {
            let _ = writeln!(text, "# - {}", one_line(sentence));
        }
    }
    text
}

fn one(text: &mut String, release: &WrittenRelease) {
    let _ = writeln!(text, "  {}:", scalar(&release.id));
    if release.id != release.name {
        let _ = writeln!(text, "    name: {}", scalar(&release.name));
    }
    let _ = writeln!(text, "    namespace: {}", scalar(&release.namespace));
    let chart = &release.chart;
    match &chart.repo {
        None => {
            let _ = writeln!(text, "    chart: {}", scalar(&chart.name));
        }
        Some(repo) => {
            let version = chart.version.as_deref().map(|version| format!(", version: {}", scalar(version)));
            let version = version.unwrap_or_default();
            let _ = writeln!(text, "    chart: {{repo: {}, name: {}{version}}}", scalar(repo), scalar(&chart.name));
        }
    }
    let list = |items: &mut dyn Iterator<Item = &String>| items.map(|item| scalar(item)).collect::<Vec<_>>().join(", ");
    if !release.needs.is_empty() {
        let _ = writeln!(text, "    needs: [{}]", list(&mut release.needs.iter()));
    }
    if !release.values_files.is_empty() {
        let _ = writeln!(text, "    valuesFiles: [{}]", list(&mut release.values_files.iter()));
    }
    if !release.set.is_empty() {
        text.push_str("    set:\n");
    }
    for (path, value) in &release.set {
        let value = match value {
            // A text here may hold references.
            Value::String(text) => scalar(&text.replace("${", "$${")),
            other => other.to_string(),
        };
        let _ = writeln!(text, "      {}: {value}", scalar(path));
    }
    if let Some(timeout) = &release.timeout {
        let _ = writeln!(text, "    timeout: {timeout}");
    }
}
