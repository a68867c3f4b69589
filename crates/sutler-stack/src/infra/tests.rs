//! Stack files in, descriptions and complaints out.

use sutler_infra::model::{Identity, Nat, Network, State, Subnets};

use super::*;

fn read(cluster: &str, rest: &str) -> Result<Infra, String> {
    let text = format!(
        "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: data-team\nenvironments:\n  prod: {{target: eks, account: \"444455556666\"}}\n  \
         try: {{target: simulator}}\ndefaults: {{environment: prod}}\ncluster:\n{cluster}{rest}"
    );
    let file = crate::file::read("stack.yaml", &text, None).map_err(|report| report.to_string())?;
    let stack = Stack::from_file(file).map_err(|report| report.to_string())?;
    infra(&stack).map_err(|error| error.to_string())
}

const POOLS: &str = "  pools:\n    ray: {instanceTypes: [m6i.4xlarge], max: 8, dedicated: ray, groupPerZone: true}\n";

#[test]
fn a_stack_becomes_a_description() {
    let cluster = format!("  network: {{create: {{cidr: 10.1.0.0/16}}}}\n  state: s3://team-state/sutler\n{POOLS}");
    let rest = "roles:\n  DaftRole: {identity: pod-identity, serviceAccounts: [ray/daft], s3: [{bucket: team-data, access: read}]}\n\
                releases:\n  ca: {namespace: kube-system, chart: \"builtin:cluster-autoscaler\"}\n";
    let infra = read(&cluster, rest).unwrap();
    assert_eq!(
        (infra.cluster.as_str(), infra.manage, infra.region.as_str()),
        ("data-team-prod", Manage::All, "us-west-2")
    );
    assert_eq!(infra.network, Network::Create { cidr: "10.1.0.0/16".into(), zones: None, nat: Nat::One });
    assert!(infra.pools["ray"].group_per_zone);
    assert_eq!(infra.autoscaler.unwrap().to_string(), "kube-system/ca-cluster-autoscaler");
    let role = &infra.roles["DaftRole"];
    assert_eq!(role.identity, Identity::PodIdentity);
    assert!(role.policy.as_ref().unwrap().to_json().contains("arn:aws:s3:::team-data/*"));
    let State::S3 { bucket, key, .. } = &infra.state else { panic!("{:?}", infra.state) };
    assert_eq!((bucket.as_str(), key.as_str()), ("team-state", "sutler/data-team/prod.tfstate"));
    assert_eq!(infra.tags["sutler.dev/stack"], "data-team");
}

#[test]
fn an_existing_network_is_found_by_its_tags() {
    let infra = read("  network: {vpcId: vpc-01234567, subnetTags: {tier: private}}\n", "").unwrap();
    let tags = [("tier".to_owned(), "private".to_owned())].into();
    assert_eq!(infra.network, Network::Existing { vpc_id: "vpc-01234567".into(), subnets: Subnets::Tags(tags) });
    assert_eq!(infra.autoscaler, None);
}

#[test]
fn what_aws_refuses_is_told_at_its_place() {
    let complaint = read("  network: {create: {cidr: 10.0.0.0/26}}\n  state: ./here\n", "").unwrap_err();
    assert!(complaint.contains("`10.0.0.0/26` is too small") && complaint.contains("stack.yaml:9:"), "{complaint}");
    assert!(
        complaint.contains("`./here` is no place for a state") && complaint.contains("stack.yaml:10:"),
        "{complaint}"
    );
}

#[test]
fn an_environment_that_is_no_eks_has_nothing_to_make() {
    assert_eq!(read("  manage: none\n", "").unwrap_err(), InfraError::NothingManaged.to_string());
    let text = "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: a\nenvironments: {try: {target: simulator}}\ncluster: {}\n";
    let stack = Stack::from_file(crate::file::read("stack.yaml", text, None).unwrap()).unwrap();
    assert!(matches!(infra(&stack), Err(InfraError::NotEks(name)) if name == "try"));
}
