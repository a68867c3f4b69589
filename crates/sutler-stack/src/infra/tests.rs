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
fn a_network_is_laid_out_as_the_file_says_or_found_by_what_eks_knows_it_by() {
    let network = |text: &str| read(&format!("  network: {text}\n"), "").map(|infra| infra.network);
    let zones = || Some(vec!["us-west-2a".to_owned(), "us-west-2b".to_owned()]);
    assert_eq!(
        network("{create: {cidr: 10.1.0.0/16, zones: [us-west-2a, us-west-2b], nat: per-zone}}"),
        Ok(Network::Create { cidr: "10.1.0.0/16".into(), zones: zones(), nat: Nat::PerZone })
    );
    let private = [("kubernetes.io/role/internal-elb".to_owned(), "1".to_owned())];
    assert_eq!(
        network("{vpcId: vpc-01234567}"),
        Ok(Network::Existing { vpc_id: "vpc-01234567".into(), subnets: Subnets::Tags(private.into()) })
    );
    let ids = vec!["subnet-01234567".to_owned(), "subnet-89abcdef".to_owned()];
    assert_eq!(
        network("{vpcId: vpc-01234567, subnetIds: [subnet-01234567, subnet-89abcdef]}"),
        Ok(Network::Existing { vpc_id: "vpc-01234567".into(), subnets: Subnets::Ids(ids) })
    );
    for (text, said) in [
        ("{create: {cidr: 10.1.0.0/16, zones: [us-west-2a]}}", "EKS needs two zones"),
        ("{create: {cidr: 10.1.0.0/16, zones: [us-west-2a, eu-west-1b]}}", "eu-west-1b"),
        (
            "{create: {cidr: 10.1.0.0/16}, subnetIds: [subnet-01234567]}",
            "subnets are named of a VPC that exists, by `vpcId`",
        ),
        (
            "{vpcId: vpc-01234567, subnetIds: [subnet-01234567], subnetTags: {a: b}}",
            "`subnetIds` and `subnetTags` exclude each other",
        ),
        ("{vpcId: vpc-01234567, subnetIds: [subnet-01234567, x]}", "`x` is not a subnet's id"),
    ] {
        let error = network(text).unwrap_err();
        assert!(error.contains(said) && error.contains(" --> stack.yaml:9:"), "{text}: {error}");
    }
}

#[test]
fn administrators_are_named_by_their_arns() {
    let platform = "arn:aws:iam::444455556666:role/Platform";
    let infra = read(&format!("  administrators: [{platform}]\n"), "").unwrap();
    assert_eq!(infra.administrators, [platform]);
    let error = read("  administrators: [Platform]\n", "").unwrap_err();
    assert!(error.contains("Platform") && error.contains(" --> stack.yaml:9:20"), "{error}");
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
