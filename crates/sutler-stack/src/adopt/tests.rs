//! What a cluster held, and the file that says the same.

use serde_json::json;
use sutler_release::record::RecordedChart;

use super::*;

fn release(namespace: &str, name: &str, manifest: &str) -> Release {
    let mut release = Release {
        namespace: namespace.into(),
        name: name.into(),
        version: 2,
        manifest: manifest.into(),
        chart: RecordedChart {
            metadata: json!({"name": "web", "version": "1.0.0", "apiVersion": "v2"}),
            ..RecordedChart::default()
        },
        ..Release::default()
    };
    release.info.status = Status::Deployed;
    release
}

fn seen(releases: Vec<Release>, objects: Vec<Value>, place: Place) -> Seen {
    let with_chart = |release: Release| {
        let files = charts::recorded_files(&release.chart).unwrap();
        SeenRelease { release, chart: FoundChart::Recorded(files), drift: Vec::new() }
    };
    Seen {
        place,
        kubernetes: Some("1.34".into()),
        releases: releases.into_iter().map(with_chart).collect(),
        tables: Tables::of_objects(objects),
        unknown: Vec::new(),
    }
}

/// The stack.yaml that was written, which must be one, and the sentences.
fn adopted(seen: &Seen) -> (String, Vec<String>) {
    let adopted = adopt("team", seen);
    let text = String::from_utf8(adopted.files[0].content.clone()).unwrap();
    let file = crate::file::read("stack.yaml", &text, None).unwrap_or_else(|report| panic!("{report}\n{text}"));
    crate::stack::Stack::from_file(file).unwrap_or_else(|report| panic!("{report}\n{text}"));
    (text, adopted.left)
}

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {serviceAccountName: daft, containers: [{name: c, image: i}]}
";

fn account(namespace: &str, name: &str, annotations: Value) -> Value {
    json!({"kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name, "annotations": annotations}})
}

#[test]
fn a_cluster_of_eks_with_pools_roles_and_releases() {
    let arn = "arn:aws:iam::444455556666:role/data_DaftRole";
    let objects = vec![
        account("ray", "daft", json!({"eks.amazonaws.com/role-arn": arn})),
        account("ray", "other", json!({"eks.amazonaws.com/role-arn": arn})),
        account("ray", "hand", json!({})),
        json!({"kind": "Node", "metadata": {"name": "n", "labels": {"eks.amazonaws.com/nodegroup": "core", "node.kubernetes.io/instance-type": "m6i.large"}}}),
    ];
    let place = Place::Eks {
        cluster: "data".into(),
        region: "eu-west-1".into(),
        account: Some("444455556666".into()),
        profile: Some("work".into()),
        context: "data".into(),
    };
    let mut with_values = release("ray", "web", POD);
    with_values.config.insert("a".into(), json!(1));
    let (text, left) =
        adopted(&seen(vec![with_values, release("b", "api", ""), release("c", "api", "")], objects, place));
    assert_eq!(
        text,
        "\
# yaml-language-server: $schema=./.sutler/stack.schema.json
# What the cluster of context data held when `sutler init --from-context` read it.
# `sutler plan` compares the two; `sutler up` makes a new revision only of what is changed here.
apiVersion: sutler.dev/v1alpha1
kind: Stack
name: team

# Sutler made none of this: `protect` refuses `sutler down`.
environments:
  live:
    target: eks
    # The kubeconfig asks AWS with AWS_PROFILE=work: Sutler needs it set.
    account: \"444455556666\"
    region: eu-west-1
    protect: true
    pools:                             # existing nodes stand for the pools below
      core: {nodeSelector: {eks.amazonaws.com/nodegroup: core}}
defaults: {environment: live}

cluster:
  name: data
  manage: none                         # nothing of AWS is Sutler's
  version: \"1.34\"
  pools:                               # as many nodes as there are now; nothing else tells their limits
    core: {instanceTypes: [m6i.large], min: 1, max: 1}

# Roles that exist, and the service accounts that take them.
roles:
  DaftRole:
    arn: arn:aws:iam::444455556666:role/data_DaftRole
    serviceAccounts: [ray/daft]

releases:
  b-api:
    name: api
    namespace: b
    chart: ./charts/web
  c-api:
    name: api
    namespace: c
    chart: ./charts/web
  web:
    namespace: ray
    chart: ./charts/web
    valuesFiles: [values/web.yaml]

# Not in this file, and left as it is:
# - Service account ray/other takes arn:aws:iam::444455556666:role/data_DaftRole, but no release of this file runs pods under it.
# - In namespace ray, the service account hand was made by no Helm release.
"
    );
    assert_eq!(left.len(), 2);
}

#[test]
fn what_is_not_settled_or_somebody_elses_is_said() {
    let mut failed = release("a", "failed", "");
    failed.info.status = Status::Failed;
    let mut pending = release("a", "pending", "");
    pending.info.status = Status::PendingUpgrade;
    let mut gone = release("a", "gone", "");
    gone.info.status = Status::Uninstalled;
    let mut of_stack = release("a", "theirs", "");
    of_stack.labels.insert(STACK_LABEL.into(), "other".into());
    let objects = vec![
        json!({"kind": "HelmRelease", "metadata": {"name": "app", "namespace": "flux-system"}, "spec": {"targetNamespace": "a", "releaseName": "fluxed"}}),
        json!({"kind": "Deployment", "metadata": {"name": "argo", "namespace": "a", "annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:a/argo"}}}),
        json!({"kind": "Deployment", "metadata": {"name": "hand", "namespace": "a"}}),
        json!({"kind": "Pod", "metadata": {"name": "hand-1", "namespace": "a", "ownerReferences": [{"kind": "ReplicaSet"}]}}),
    ];
    let releases = vec![failed, pending, gone, of_stack, release("a", "fluxed", "")];
    let (text, left) = adopted(&seen(releases, objects, Place::Context("kind: dev".into())));
    assert!(text.contains("target: {context: \"kind: dev\"}") && !text.contains("releases:"), "{text}");
    assert_eq!(
        left,
        [
            "Release a/failed is failed in revision 2: upgrade it or roll it back first, since `sutler up` would.",
            "Release a/pending is in the middle of an operation (pending-upgrade, revision 2): when that has ended, `sutler init` can take it over.",
            "Release a/theirs belongs to the stack `other`, whose stack.yaml has it.",
            "Release a/fluxed is kept by Flux (HelmRelease flux-system/app): two that keep one release would undo each other's changes.",
            "In namespace a, Deployment hand belongs to no Helm release: Sutler leaves it alone.",
            "In namespace a, Deployment argo belongs to Argo CD's application shop, which keeps it.",
        ]
    );
}

#[test]
fn who_uses_a_kind_needs_the_release_that_defines_it() {
    let definition = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec: {group: example.org}
";
    let thing = "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: t}\n";
    let (text, _) = adopted(&seen(
        vec![release("a", "app", thing), release("a", "operator", definition)],
        Vec::new(),
        Place::Context("c".into()),
    ));
    assert!(text.contains("  app:\n    namespace: a\n    chart: ./charts/web\n    needs: [operator]\n"), "{text}");
    assert_eq!(text.matches("needs:").count(), 1);
}
