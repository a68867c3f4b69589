//! Objects as releases hold and write them.

use serde_json::json;

use super::*;

fn names(manifest: &str) -> Vec<String> {
    parse_manifest(manifest).unwrap().iter().map(|object| ObjectRef::of(object).to_string()).collect()
}

#[test]
fn a_manifest_is_read_document_by_document() {
    let manifest = "---\n# Source: x\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ns}\n\
        ---\n# nothing\n--- # c\napiVersion: v1\nkind: Node\nmetadata: {name: b}\ndata: |\n  --- x\n";
    assert_eq!(names(manifest), ["ConfigMap ns/a", "Node b"]);
}

#[test]
fn items_of_lists_are_objects_and_empty_documents_are_none() {
    let manifest = "kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n\
        - {apiVersion: v1, kind: Pod, metadata: {generateName: b-}}\n---\n{}\n---\nnull\n";
    assert_eq!(names(manifest), ["Pod a", "Pod "]);
}

#[test]
fn a_document_that_is_no_object_is_named_by_its_number() {
    let fault = |manifest| parse_manifest(manifest).unwrap_err().to_string();
    assert_eq!(fault("a: 1"), "document 1 of the manifest has no apiVersion");
    assert_eq!(fault("---\n- x"), "document 1 of the manifest has no fields");
    assert_eq!(fault("kind: A\napiVersion: v1"), "document 1 of the manifest has no metadata.name");
    assert_eq!(fault("a: ["), "document 1 of the manifest is not YAML");
    assert_eq!(
        fault("{kind: A, apiVersion: v1, metadata: {name: x, generateName: z}}"),
        "A `x`: metadata.name and metadata.generateName cannot both be set"
    );
}

#[test]
fn a_marked_object_belongs_to_its_release_and_no_other() {
    let mut object = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "kustomize"}}});
    assert_eq!(
        foreign_owner(&object, "web", "ns").unwrap(),
        "invalid ownership metadata; label validation error: key \"app.kubernetes.io/managed-by\" must equal \
         \"Helm\": current value is \"kustomize\"; annotation validation error: missing key \
         \"meta.helm.sh/release-name\": must be set to \"web\"; annotation validation error: missing key \
         \"meta.helm.sh/release-namespace\": must be set to \"ns\""
    );
    mark(&mut object, "web", "ns");
    assert_eq!(foreign_owner(&object, "web", "ns"), None);
    assert!(foreign_owner(&object, "web", "other").is_some());
}

#[test]
fn a_place_is_the_objects_own_namespace_or_the_releases() {
    let placed = |namespaced, object: Value| {
        let mut object = object;
        place(&mut object, namespaced, "release");
        ObjectRef::of(&object).namespace
    };
    assert_eq!(placed(true, json!({"metadata": {}})), Some("release".into()));
    assert_eq!(placed(true, json!({"metadata": {"namespace": "own"}})), Some("own".into()));
    assert_eq!(placed(false, json!({"metadata": {"namespace": "own"}})), None);
}

#[test]
fn only_the_policy_keep_keeps() {
    let kept = |policy: &str| is_kept(&json!({"metadata": {"annotations": {"helm.sh/resource-policy": policy}}}));
    assert!(kept("keep") && kept(" Keep "));
    assert!(!kept("delete") && !is_kept(&json!({})));
}
