//! What a rendered file holds: documents, each an object of a release or a hook (Helm's `pkg/release/v1/util`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::compat::Compatibility;
use crate::decode::{DecodeError, Fields, Shape, read_document_as};
use crate::log::{Level, Remark};
use crate::order::compare_kinds;
use crate::text::{base_name, is_space};

/// Annotation that makes an object a hook; its value lists the events.
pub const HOOK_ANNOTATION: &str = "helm.sh/hook";
/// Annotation with a hook's weight.
pub const HOOK_WEIGHT_ANNOTATION: &str = "helm.sh/hook-weight";
/// Annotation that says when a hook's object is deleted.
pub const HOOK_DELETE_ANNOTATION: &str = "helm.sh/hook-delete-policy";
/// Annotation that says when a hook's logs are shown.
pub const HOOK_OUTPUT_LOG_ANNOTATION: &str = "helm.sh/hook-output-log-policy";

/// One object that a release installs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// The template it comes from: `chart/templates/service.yaml`.
    pub source: String,
    /// `apiVersion`; empty where the document has none.
    pub api_version: String,
    /// `kind`; empty where the document has none.
    pub kind: String,
    /// `metadata.name`; empty where the document has none.
    pub name: String,
    /// `metadata.namespace` as the document says it; empty where it says nothing.
    pub namespace: String,
    /// The document's text, without the space around it.
    pub text: String,
}

/// An object that is not part of a release but is made around an operation. Serialized as in Helm's release records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hook {
    /// `metadata.name`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `kind`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The template it comes from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The document's text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// When it is made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<HookEvent>,
    /// Hooks of one event are made in the order of their weights.
    #[serde(skip_serializing_if = "is_zero")]
    pub weight: i64,
    /// When its object is deleted: `before-hook-creation`, `hook-succeeded`, `hook-failed`; other texts are kept, as Helm keeps them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delete_policies: Vec<String>,
    /// When its logs are shown: `hook-succeeded`, `hook-failed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output_log_policies: Vec<String>,
    /// `apiVersion`; not part of a record.
    #[serde(skip)]
    pub api_version: String,
    /// `metadata.namespace`; not part of a record.
    #[serde(skip)]
    pub namespace: String,
}

impl Hook {
    /// Whether it runs with `helm test`.
    pub fn is_test(&self) -> bool {
        self.events.contains(&HookEvent::Test)
    }
}

fn is_zero(weight: &i64) -> bool {
    *weight == 0
}

/// When a hook is made.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl HookEvent {
    /// The event of a word in the annotation, in lower case. `test-success` is Helm 2's word for `test`.
    pub fn of_annotation(word: &str) -> Option<HookEvent> {
        Some(match word {
            "pre-install" => HookEvent::PreInstall,
            "post-install" => HookEvent::PostInstall,
            "pre-delete" => HookEvent::PreDelete,
            "post-delete" => HookEvent::PostDelete,
            "pre-upgrade" => HookEvent::PreUpgrade,
            "post-upgrade" => HookEvent::PostUpgrade,
            "pre-rollback" => HookEvent::PreRollback,
            "post-rollback" => HookEvent::PostRollback,
            "test" | "test-success" => HookEvent::Test,
            _ => return None,
        })
    }
}

/// A document that is no object.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("YAML parse error on {path}")]
#[non_exhaustive]
pub struct ManifestError {
    /// The template it comes from.
    pub path: String,
    /// Its text, without the space around it.
    pub document: String,
    /// What is wrong with it.
    #[source]
    pub source: DecodeError,
}

/// Splits a stream of documents as Helm does (`SplitManifests`): at `---` on a new line, whatever follows it there; without the
/// space around each document, and without empty ones.
pub fn split_documents(text: &str) -> Vec<&str> {
    // Helm's expression is `(?:^|\s*\n)---\s*`, where Go's `\s` is these five characters.
    let is_blank = |c: char| matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ');
    let text = text.trim_matches(is_space);
    let mut documents = Vec::new();
    // Where the document begins, and from where the next separator is looked for: it may not use what the last one took.
    let (mut start, mut from) = (0, 0);
    while let Some(at) = text[from..].find("---").map(|at| from + at) {
        let at_line_start = at == 0 || (at > start && text[..at].ends_with('\n'));
        if !at_line_start {
            from = at + 1;
            continue;
        }
        documents.push(text[start..at].trim_end_matches(is_blank));
        let after = &text[at + 3..];
        start = text.len() - after.trim_start_matches(is_blank).len();
        from = start;
    }
    documents.push(&text[start..]);
    documents.retain(|document| !document.is_empty());
    documents.into_iter().map(|document| document.trim_matches(is_space)).collect()
}

/// What Helm looks at in a document.
#[derive(Default)]
struct Head {
    api_version: String,
    kind: String,
    name: String,
    namespace: String,
    annotations: BTreeMap<String, String>,
}

static HEAD: Shape = Shape::Struct(&[
    ("apiVersion", Shape::Text),
    ("kind", Shape::Text),
    ("metadata", Shape::Struct(&[("name", Shape::Text), ("annotations", Shape::Map(&Shape::Text))])),
]);

impl Head {
    fn read(document: &str, compatibility: Compatibility) -> Result<Head, DecodeError> {
        let node = read_document_as(document, &HEAD)?;
        let mut head = Head::default();
        Fields::of_document(&node, "SimpleHead", compatibility.head_type())?.for_each(|name, field| {
            match name {
                "apiversion" => head.api_version = field.text("apiVersion")?,
                "kind" => head.kind = field.text("kind")?,
                "metadata" => {
                    const GO_TYPE: &str = r#"struct { Name string "json:\"name\""; Annotations map[string]string "json:\"annotations\"" }"#;
                    field.nested(field.node, "metadata", "", GO_TYPE)?.for_each(|name, field| {
                        match name {
                            "name" => head.name = field.text("name")?,
                            // Helm does not look at it, and so nothing is wrong with it here.
                            "namespace" => head.namespace = field.text("namespace").unwrap_or_default(),
                            "annotations" => head.annotations = field.text_map("annotations")?,
                            _ => {}
                        }
                        Ok(())
                    })?;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(head)
    }

    fn words(&self, annotation: &str) -> Vec<String> {
        let words = |text: &String| text.split(',').map(|word| word.trim_matches(is_space).to_lowercase()).collect();
        self.annotations.get(annotation).map_or_else(Vec::new, words)
    }

    /// The weight, zero unless it is a number (Go's `strconv.Atoi`).
    fn weight(&self) -> i64 {
        self.annotations.get(HOOK_WEIGHT_ANNOTATION).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// Objects and hooks of rendered files, each in the order in which they are installed (Helm's `SortManifests`).
///
/// # Errors
/// The first document, by path and place, that is no object.
pub fn sort_manifests(
    files: &BTreeMap<String, String>,
    compatibility: Compatibility,
    remarks: &mut Vec<Remark>,
) -> Result<(Vec<Hook>, Vec<Manifest>), ManifestError> {
    let mut hooks = Vec::new();
    let mut manifests = Vec::new();
    for (path, content) in files {
        if base_name(path).starts_with('_') {
            continue;
        }
        for document in split_documents(content) {
            let head = Head::read(document, compatibility).map_err(|source| ManifestError {
                path: path.clone(),
                document: document.to_owned(),
                source,
            })?;
            let Some(events) = head.annotations.get(HOOK_ANNOTATION) else {
                manifests.push(Manifest {
                    source: path.clone(),
                    api_version: head.api_version,
                    kind: head.kind,
                    name: head.name,
                    namespace: head.namespace,
                    text: document.to_owned(),
                });
                continue;
            };
            let known: Option<Vec<HookEvent>> =
                head.words(HOOK_ANNOTATION).iter().map(|word| HookEvent::of_annotation(word)).collect();
            let Some(known) = known else {
                let details = vec![("hookTypes", events.clone())];
                remarks.push(Remark::new(Level::Info, "skipping unknown hooks", details));
                continue;
            };
            hooks.push(Hook {
                weight: head.weight(),
                delete_policies: head.words(HOOK_DELETE_ANNOTATION),
                output_log_policies: head.words(HOOK_OUTPUT_LOG_ANNOTATION),
                name: head.name,
                kind: head.kind,
                path: path.clone(),
                manifest: document.to_owned(),
                events: known,
                api_version: head.api_version,
                namespace: head.namespace,
            });
        }
    }
    let kinds = compatibility.install_order();
    hooks.sort_by(|a, b| compare_kinds(kinds, &a.kind, &b.kind));
    manifests.sort_by(|a, b| compare_kinds(kinds, &a.kind, &b.kind));
    Ok((hooks, manifests))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_split_as_helm_splits_them() {
        for (text, expected) in [
            ("", vec![]),
            ("a: 1", vec!["a: 1"]),
            ("---\na: 1\n---\nb: 2\n", vec!["a: 1", "b: 2"]),
            // The first separator takes the line feed that the second one needs.
            ("---\n---\na: 1", vec!["---\na: 1"]),
            ("a: 1\n--- # note\nb: 2", vec!["a: 1", "# note\nb: 2"]),
            ("a: 1\n---x: 2", vec!["a: 1", "x: 2"]),
            ("a: |\n  text\n  ---\n  more", vec!["a: |\n  text\n  ---\n  more"]),
            ("  \n---\n\n", vec![]),
        ] {
            assert_eq!(split_documents(text), expected, "{text:?}");
        }
    }

    fn sorted(files: &[(&str, &str)]) -> Result<String, ManifestError> {
        let files = files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect();
        let mut remarks = Vec::new();
        let (hooks, manifests) = sort_manifests(&files, Compatibility::V4, &mut remarks)?;
        let mut lines: Vec<String> = manifests
            .iter()
            .map(|manifest| format!("{} {} {}", manifest.source, manifest.kind, manifest.name))
            .collect();
        lines.extend(hooks.iter().map(|hook| serde_json::to_string(hook).unwrap()));
        lines.extend(remarks.iter().map(ToString::to_string));
        Ok(lines.join("\n"))
    }

    #[test]
    fn objects_come_in_the_order_of_kinds_and_paths() {
        let files = [
            ("c/templates/b.yaml", "kind: Service\nmetadata: {name: b}\n---\nkind: Namespace\nmetadata: {name: ns}"),
            ("c/templates/a.yaml", "kind: Service\nmetadata: {name: 1}"),
            ("c/templates/_c.yaml", "not: rendered"),
        ];
        let expected = "c/templates/b.yaml Namespace ns\nc/templates/a.yaml Service 1\nc/templates/b.yaml Service b";
        assert_eq!(sorted(&files).unwrap(), expected);
    }

    #[test]
    fn hooks_are_told_from_objects() {
        let hook = "kind: Job\nmetadata:\n  name: j\n  annotations:\n    helm.sh/hook: \"Pre-Install, test-success\"\n    helm.sh/hook-weight: \"-5\"\n    helm.sh/hook-delete-policy: hook-succeeded,Other";
        let unknown = "kind: Job\nmetadata: {annotations: {helm.sh/hook: crd-install}}";
        let manifest = serde_json::to_string(hook).unwrap();
        let expected = format!(
            "{{\"name\":\"j\",\"kind\":\"Job\",\"path\":\"a\",\"manifest\":{manifest},\"events\":[\"pre-install\",\"test\"],\"weight\":-5,\"delete_policies\":[\"hook-succeeded\",\"other\"]}}\nlevel=INFO msg=\"skipping unknown hooks\" hookTypes=crd-install"
        );
        assert_eq!(sorted(&[("a", hook), ("b", unknown)]).unwrap(), expected);
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for (text, expected) in [
            ("[1]", "json: cannot unmarshal array into Go value of type util.SimpleHead"),
            ("kind: []", "json: cannot unmarshal array into Go struct field SimpleHead.kind of type string"),
            ("metadata: {name: []}", "json: cannot unmarshal array into Go struct field .metadata.name of type string"),
            (
                "metadata: x",
                r#"json: cannot unmarshal string into Go struct field SimpleHead.metadata of type struct { Name string "json:\"name\""; Annotations map[string]string "json:\"annotations\"" }"#,
            ),
        ] {
            let error = sorted(&[("c/a.yaml", text)]).unwrap_err();
            let expected =
                format!("YAML parse error on c/a.yaml: error unmarshaling JSON: while decoding JSON: {expected}");
            assert_eq!(crate::error_chain(&error), expected);
        }
    }
}
