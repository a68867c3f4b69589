//! A pod that reads team-data, by IRSA and by EKS Pod Identity.

use std::collections::BTreeMap;

use serde_json::json;
use sutler_access::doctor::{Agent, Association, Fact, Facts, Network, Pod, Role, ServiceAccount, Webhook};
use sutler_access::s3::{self, Access, Grant};
use sutler_access::token::Provider;
use sutler_access::trust::{self, Issuer};
use sutler_access::{Partition, Policy, PolicyKind, ServiceAccountName, webhook};

pub(crate) const ISSUER: &str = "https://oidc.eks.us-west-2.amazonaws.com/id/D24A5B1C7E9F4A3B8C6D0E1F2A3B4C5D";
pub(crate) const OLD_ISSUER: &str = "https://oidc.eks.us-west-2.amazonaws.com/id/9C1F0A2B4D6E8F1A3C5B7D9E0F2A4B6C";
pub(crate) const ACCOUNT: &str = "444455556666";
pub(crate) const ROLE: &str = "arn:aws:iam::444455556666:role/data-team-prod_DaftRole";

pub(crate) fn accounts() -> Vec<ServiceAccountName> {
    vec!["ray/daft".parse().unwrap(), "jupyterhub/daft".parse().unwrap()]
}

pub(crate) fn provider(issuer: &str) -> Provider {
    let arn = Issuer::new(issuer).provider_arn(Partition::Standard, &ACCOUNT.parse().unwrap());
    Provider { arn, client_ids: vec!["sts.amazonaws.com".to_owned()] }
}

pub(crate) fn trust_of(issuer: &str) -> Policy {
    let document =
        trust::web_identity(&Issuer::new(issuer), Partition::Standard, &ACCOUNT.parse().unwrap(), &accounts()).unwrap();
    Policy::new(PolicyKind::Trust, "data-team-prod_DaftRole", document)
}

pub(crate) fn role(arn: &str, trust: Policy) -> Role {
    let grant = Grant { bucket: "team-data".to_owned(), prefix: String::new(), access: Access::Read };
    let document = s3::policy(&[grant], Partition::Standard).unwrap();
    Role {
        arn: arn.to_owned(),
        trust,
        policies: Fact::Known(vec![Policy::new(PolicyKind::Identity, "DaftRole-s3", document)]),
        boundary: Fact::Absent,
        max_session: 3600,
        asked_session: None,
    }
}

pub(crate) fn policy(kind: PolicyKind, name: &str, statements: serde_json::Value) -> Policy {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    Policy::new(kind, name, serde_json::from_value(document).unwrap())
}

fn account_object(annotations: serde_json::Value) -> serde_json::Value {
    json!({
        "metadata": {
            "namespace": "ray", "name": "daft", "annotations": annotations,
            "managedFields": [{
                "manager": "sutler", "time": "2026-11-02T08:00:00Z",
                "fieldsV1": {"f:metadata": {"f:annotations": {"f:eks.amazonaws.com/role-arn": {}}}},
            }],
        },
    })
}

fn pod_object() -> serde_json::Value {
    json!({
        "metadata": {"namespace": "ray", "name": "default-ray-worker-7c4", "creationTimestamp": "2026-11-23T08:00:00Z"},
        "spec": {
            "serviceAccountName": "daft",
            "securityContext": {"runAsUser": 1000},
            "containers": [{"name": "ray"}],
        },
    })
}

/// What is the same for both mechanisms.
fn facts(pod: &serde_json::Value, account: &serde_json::Value, role: Role) -> Facts {
    Facts {
        action: "s3:GetObject".to_owned(),
        resource: "arn:aws:s3:::team-data/events/x.parquet".to_owned(),
        resource_account: Fact::Known(ACCOUNT.to_owned()),
        account: Fact::Known(ACCOUNT.to_owned()),
        region: Fact::Known("us-west-2".to_owned()),
        cluster_arn: Fact::Known("arn:aws:eks:us-west-2:444455556666:cluster/data-team-prod".to_owned()),
        pod: Fact::Known(Pod::from_object(pod, None).unwrap()),
        service_account: Fact::Known(ServiceAccount::from_object(account).unwrap()),
        issuer: Fact::Known(ISSUER.to_owned()),
        providers: Fact::Known(vec![provider(ISSUER)]),
        webhook: Fact::Known(Webhook { name: "pod-identity-webhook".to_owned(), fault: None }),
        associations: Fact::Absent,
        agent: Fact::Absent,
        role: Fact::Known(role),
        node_role: Fact::Known(self::role("arn:aws:iam::444455556666:role/data-team-prod-node", trust_of(ISSUER))),
        observed_caller: Fact::Absent,
        resource_policy: Fact::Absent,
        key: Fact::Absent,
        service_control: Fact::Absent,
        network: Fact::Known(Network { has_internet: true, reaches_metadata: true, ..Network::default() }),
        ..Facts::default()
    }
}

pub(crate) fn web_identity() -> Facts {
    let account = account_object(json!({"eks.amazonaws.com/role-arn": ROLE}));
    let pod = webhook::mutate(&pod_object(), &account, "us-west-2").unwrap();
    facts(&pod, &account, role(ROLE, trust_of(ISSUER)))
}

pub(crate) fn pod_identity() -> Facts {
    let trust = Policy::new(PolicyKind::Trust, "data-team-prod_DaftRole", trust::pod_identity());
    let mut facts = facts(&pod_object(), &account_object(json!({})), role(ROLE, trust));
    let association = Association { service_account: accounts()[0].clone(), role: ROLE.to_owned() };
    facts.associations = Fact::Known(vec![association]);
    facts.agent = Fact::Known(Agent { ready: true });
    if let Fact::Known(pod) = &mut facts.pod {
        let uri = "http://169.254.170.23/v1/credentials".to_owned();
        pod.environment = BTreeMap::from([("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), Some(uri))]);
    }
    facts
}
