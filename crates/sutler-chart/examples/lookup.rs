//! A chart that asks the cluster: `lookup` answered by the program. `cargo run --example lookup`

#![allow(clippy::print_stdout, reason = "an example talks to the terminal")]

use std::error::Error;

use serde_json::{Value, json};
use sutler_chart::{Capabilities, Chart, ChartSource, KubeVersion, Lookup, RenderOptions, Values, render};

/// A cluster with one Secret; a real program asks its client here.
struct Cluster;

impl Lookup for Cluster {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, String> {
        match (api_version, kind, namespace, name) {
            ("v1", "Secret", "default", "demo") => Ok(json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "demo"},
                "data": {"password": "c2VjcmV0"},
            })),
            ("v1", "Secret", _, _) => Ok(json!({})),
            _ => Err(format!("{kind} is forbidden")),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let chart = Chart::load(ChartSource::files([
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\nkubeVersion: '>= 1.30.0-0'\n"),
        (
            "templates/secret.yaml",
            "{{- $old := lookup \"v1\" \"Secret\" .Release.Namespace .Release.Name }}\n\
             apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Release.Name }}}\n\
             data: {password: {{ dig \"data\" \"password\" (randAlphaNum 16 | b64enc) $old }}}\n\
             # on {{ .Capabilities.KubeVersion }}, cert-manager: {{ .Capabilities.APIVersions.Has \"cert-manager.io/v1\" }}\n",
        ),
    ]))?;
    let capabilities =
        Capabilities { kube_version: KubeVersion::parse("v1.33.4-eks-1234")?, ..Capabilities::default() }
            .with_api_versions(&["cert-manager.io/v1".to_owned()]);
    for release in ["demo", "other"] {
        let options =
            RenderOptions::install(release, "default").with_lookup(Cluster).with_capabilities(capabilities.clone());
        println!("{}", render(&chart, &Values::new(), &options)?.to_yaml());
    }
    Ok(())
}
