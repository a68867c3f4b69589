//! The stack's manifests as files, for GitOps and for leaving Sutler: no cluster is asked, no secret is written.
//!
//! Random values that a chart makes (and keeps in a Secret) would be new at each rendering; Secrets are therefore left
//! out and named in a comment.

use std::collections::BTreeMap;

use serde_json::Value;
use sutler_release::parse_manifest;

use crate::contracts::{Live, check};
use crate::file::diagnostic::Severity;
use crate::load::Loaded;
use crate::operate::{PlanError, check_references};
use crate::plan::make::{account_object, namespaces};
use crate::prepare::{PrepareError, Prepared, Surroundings, facts, prepare};
use crate::session::Session;

/// The folder's index, and the mark by which a folder is known to have been written here.
pub const INDEX: &str = "sutler-rendered.txt";

/// The stack's manifests: file names relative to the output folder, and their texts.
///
/// Rendering is done against an empty cluster of the stack's Kubernetes version, with a fixed seed and time: the same
/// stack renders the same.
///
/// # Errors
/// If the stack contradicts itself or does not render.
pub async fn render(session: &Session, loaded: &Loaded) -> Result<BTreeMap<String, String>, PlanError> {
    let stack = &loaded.stack;
    let wrong = |found| PlanError::Contracts(Box::new(stack.file.report(found)));
    check_references(loaded)?;
    let releases = session.releases();
    let surroundings = Surroundings {
        releases: &releases,
        kubernetes: stack.cluster.version.clone(),
        seed: [0; 32],
        now: jiff::Timestamp::UNIX_EPOCH,
        revisions: BTreeMap::new(),
        secrets: None,
    };
    let prepared = prepare(stack, &loaded.inputs, &surroundings).await?;
    let checked: Vec<_> = prepared.releases.iter().map(facts).collect();
    let errors: Vec<_> = check(stack, &checked, &[], &Live::default())
        .into_iter()
        .filter(|found| found.severity == Severity::Error)
        .collect();
    // What an environment leaves out may use what seems unused here; only a full environment can tell.
    if !errors.is_empty() && stack.skipped.is_empty() {
        return Err(wrong(errors));
    }
    files(loaded, &prepared).map_err(PlanError::Prepare)
}

fn files(loaded: &Loaded, prepared: &Prepared) -> Result<BTreeMap<String, String>, PrepareError> {
    let stack = &loaded.stack;
    let mut files = BTreeMap::new();
    let mut basics = String::new();
    for name in namespaces(stack) {
        let namespace = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        basics.push_str(&document(&namespace));
    }
    for role in stack.roles.values() {
        for account in &role.service_accounts {
            let mut object = account_object(stack, account, stack.annotated_arn(role));
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("labels");
            }
            basics.push_str(&document(&object));
        }
    }
    files.insert("00-namespaces-and-accounts.yaml".to_owned(), basics);
    for release in &prepared.releases {
        let id = &release.release.id;
        let mut text = String::new();
        let mut left_out = Vec::new();
        for document in sutler_chart::split_documents(&release.content.manifest) {
            let objects = parse_manifest(document)
                .map_err(|source| PrepareError::Manifest { release: id.clone(), source: Box::new(source) })?;
            match objects.iter().find(|object| object["kind"] == "Secret") {
                Some(secret) => left_out.push(name(secret)),
                None if objects.is_empty() => {}
                None => {
                    text.push_str("---\n");
                    text.push_str(document.trim_matches('\n'));
                    text.push('\n');
                }
            }
        }
        for secret in release.secret.iter() {
            left_out.push(format!("Secret {} (values {})", secret.secret_name, secret.paths.join(", ")));
        }
        let mut head = format!(
            "# release {} in namespace {}: chart {}-{}\n",
            release.release.name,
            release.release.namespace,
            release.chart.name(),
            release.chart.metadata().version
        );
        for name in left_out {
            head.push_str(&format!("# left out, since it holds secrets: {name}\n"));
        }
        files.insert(format!("{id}/manifests.yaml"), head + &text);
        for (index, crd) in release.content.crds.iter().enumerate() {
            files.insert(format!("{id}/crds/{index:02}.yaml"), crd.clone());
        }
    }
    let list: String = files.keys().map(|name| format!("{name}\n")).collect();
    files.insert(INDEX.to_owned(), list);
    Ok(files)
}

fn document(object: &Value) -> String {
    format!("---\n{}", sutler_yaml::write(object).unwrap_or_default())
}

fn name(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", text("/kind"), text("/metadata/name"))
}
