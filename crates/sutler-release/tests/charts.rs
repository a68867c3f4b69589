//! Charts rendered against the cluster at hand: what they look up, what the cluster can do, whose values count.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use support::*;
use sutler_chart::{Chart, ChartSource, SourceFile, ValuesOptions};
use sutler_release::{FromChart, Source, ValuesFrom};

/// A chart of one template, with values set as by `--set`.
fn chart(values: &str, template: &str, set: &[&str]) -> Source {
    let files = vec![
        SourceFile::new("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        SourceFile::new("values.yaml", values),
        SourceFile::new("templates/a.yaml", template),
    ];
    let chart = Chart::load(ChartSource::Files { files }).unwrap();
    let options = ValuesOptions { set: set.iter().map(ToString::to_string).collect(), ..ValuesOptions::default() };
    Source::Chart(Box::new(FromChart::new(chart, options.merge().unwrap(), [1; 32])))
}

fn map(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n{data}")
}

#[tokio::test]
async fn a_chart_finds_what_it_looks_up_even_by_what_it_found() {
    let lab = Lab::new();
    let template = map(
        "  password: {{ dig \"data\" \"password\" (randAlphaNum 12) (lookup \"v1\" \"ConfigMap\" .Release.Namespace \"a\") }}\n  \
         {{- $pointer := lookup \"v1\" \"ConfigMap\" \"ns\" \"pointer\" }}\n  \
         {{- if $pointer }}\n  found: {{ (lookup \"v1\" \"ConfigMap\" \"ns\" $pointer.data.to).data.word }}\n  {{- end }}\n  \
         maps: {{ len (lookup \"v1\" \"ConfigMap\" \"ns\" \"\").items | quote }}\n",
    );
    lab.install(&installation(chart("", &template, &[]))).await.0.unwrap();
    let first: serde_json::Value = serde_json::from_str(&lab.data("a").await).unwrap();
    assert_eq!(first["password"].as_str().unwrap().len(), 12);
    assert_eq!(first["maps"], "0");
    let mut other =
        installation(content(&(config_map("pointer", "{to: target}") + &config_map("target", "{word: hi}"))));
    other.name = "other".into();
    lab.install(&other).await.0.unwrap();
    lab.upgrade(&upgrade(chart("", &template, &[]))).await.0.unwrap();
    let second: serde_json::Value = serde_json::from_str(&lab.data("a").await).unwrap();
    assert_eq!(second["password"], first["password"], "what was generated once is kept");
    assert_eq!(second["found"], "hi");
    // Kubernetes puts a ConfigMap of its own into each namespace; the three of ours are there in any case.
    assert!(second["maps"].as_str().unwrap().parse::<u32>().unwrap() >= 3, "{second}");
}

#[tokio::test]
async fn a_chart_sees_the_clusters_version_and_kinds() {
    let lab = Lab::new();
    let template = map("  minor: {{ .Capabilities.KubeVersion.Minor | quote }}\n  \
         apps: {{ .Capabilities.APIVersions.Has \"apps/v1/Deployment\" | quote }}\n  \
         toys: {{ .Capabilities.APIVersions.Has \"example.test/v1\" | quote }}\n  \
         install: {{ .Release.IsInstall | quote }}\n");
    lab.install(&installation(chart("", &template, &[]))).await.0.unwrap();
    assert_eq!(lab.data("a").await, r#"{"apps":"true","install":"true","minor":"34","toys":"false"}"#);
    lab.upgrade(&upgrade(chart("", &template, &[]))).await.0.unwrap();
    assert_eq!(lab.data("a").await, r#"{"apps":"true","install":"false","minor":"34","toys":"false"}"#);
}

#[tokio::test]
async fn an_upgrade_starts_from_the_values_that_are_asked_for() {
    let template = map("  all: {{ list .Values.a .Values.b .Values.c | join \"-\" | quote }}\n");
    for (values_from, set, expect) in [
        (ValuesFrom::GivenOrLast, &[][..], r#"{"all":"user-old-new"}"#),
        (ValuesFrom::GivenOrLast, &["b=given"], r#"{"all":"new-given-new"}"#),
        (ValuesFrom::Given, &[], r#"{"all":"new-new-new"}"#),
        (ValuesFrom::LastChart, &["b=given"], r#"{"all":"user-given"}"#),
        (ValuesFrom::NewChart, &["b=given"], r#"{"all":"user-given-new"}"#),
    ] {
        let lab = Lab::new();
        let old = chart("a: old\nb: old\n", &template, &["a=user", "b=old"]);
        lab.install(&installation(old)).await.0.unwrap();
        let mut request = upgrade(chart("a: new\nb: new\nc: new\n", &template, set));
        request.values_from = values_from;
        lab.upgrade(&request).await.0.unwrap();
        assert_eq!(lab.data("a").await, expect, "{values_from:?} {set:?}");
    }
}

#[tokio::test]
async fn a_chart_that_does_not_render_leaves_nothing() {
    let lab = Lab::new();
    let request = installation(chart("", &map("  x: {{ required \"say x\" .Values.x }}\n"), &[]));
    let text = in_full(lab.install(&request).await.0);
    assert!(text.contains("web/templates/a.yaml") && text.contains("say x"), "{text}");
    assert_eq!(lab.statuses("web").await, "");
    assert!(lab.live("v1", "ConfigMap", "a").await.is_none());
}

#[tokio::test]
async fn no_debug_form_of_a_request_shows_values() {
    let source = chart("password: hunter2\n", &map("  x: {{ .Values.password }}\n"), &["password=swordfish"]);
    let lab = Lab::new();
    let text = format!("{:?} {:?}", installation(source.clone()), upgrade(source.clone()));
    let release = lab.install(&installation(source)).await.0.unwrap();
    let text = format!("{text} {release:?} {:?}", lab.releases);
    assert!(!text.contains("hunter2") && !text.contains("swordfish"), "{text}");
}
