//! What AWS would refuse: one change of a good description, and what is said of it.

use std::collections::BTreeMap;

use sutler_nodes::{Capacity, Pool};

use super::*;

/// A description that nothing is wrong with.
pub(crate) fn good() -> Infra {
    let pool = |types: &[&str], max| NodePool {
        pool: Pool {
            name: "ray".into(),
            instance_types: types.iter().map(ToString::to_string).collect(),
            max,
            capacity: Capacity::Spot,
            dedicated: Some("ray".into()),
            ..Pool::default()
        },
        image: None,
        disk_gib: 20,
        group_per_zone: false,
    };
    let role = Role {
        identity: Identity::Irsa,
        service_accounts: vec!["ray/daft".parse().unwrap()],
        policy: None,
        managed_policies: Vec::new(),
        trust: None,
        boundary: None,
        moves_from: None,
    };
    Infra {
        cluster: "data-team-prod".into(),
        manage: Manage::All,
        region: "us-west-2".into(),
        account: Some("444455556666".parse().unwrap()),
        kubernetes_version: "1.34".into(),
        network: Network::Create { cidr: "10.0.0.0/16".into(), zones: None, nat: crate::model::Nat::One },
        administrators: Vec::new(),
        addons: None,
        pools: BTreeMap::from([("ray".to_owned(), pool(&["m6i.4xlarge", "m6a.4xlarge"], 20))]),
        autoscaler: Some("kube-system/cluster-autoscaler".parse().unwrap()),
        roles: BTreeMap::from([("DaftRole".to_owned(), role)]),
        tags: BTreeMap::new(),
        state: State::Local,
    }
}

/// Each problem as `place: message`, with its hint behind an arrow.
fn found(change: impl FnOnce(&mut Infra)) -> Vec<String> {
    let mut infra = good();
    change(&mut infra);
    check(&infra)
        .into_iter()
        .map(|Problem { at, message, hint }| {
            let hint = hint.map(|hint| format!(" -> {hint}")).unwrap_or_default();
            format!("{}: {message}{hint}", at.join("."))
        })
        .collect()
}

#[track_caller]
fn one(change: impl FnOnce(&mut Infra), expect: &str) {
    assert_eq!(found(change), [expect]);
}

fn ray(infra: &mut Infra) -> &mut NodePool {
    infra.pools.get_mut("ray").unwrap()
}

fn daft(infra: &mut Infra) -> &mut Role {
    infra.roles.get_mut("DaftRole").unwrap()
}

#[test]
fn nothing_is_wrong_with_a_good_one() {
    assert_eq!(found(|_| {}), Vec::<String>::new());
}

#[test]
fn names_are_those_that_aws_takes() {
    one(
        |infra| infra.cluster = "-data".into(),
        "cluster: EKS takes no cluster name `-data`: letters, digits, - and _, at most 100, a letter or digit first",
    );
    let long = "a".repeat(54);
    one(
        |infra| infra.cluster = long.clone(),
        &format!(
            "cluster: the cluster's own roles would have names that IAM refuses: role name `{long}_Autoscaler` has 65 characters, IAM takes at most 64 -> a cluster's name may have 53 characters"
        ),
    );
    assert_eq!(found(|infra| infra.cluster = "a".repeat(53)), Vec::<String>::new());
    one(|infra| infra.region = "us-west".into(), "region: `us-west` is not an AWS region: us-west-2 is one");
    for region in ["us-gov-west-1", "eu-central-1", "cn-north-1", "ap-southeast-4"] {
        assert!(is_region(region), "{region}");
    }
    for region in ["", "-", "us-west-22", "us--1", "west-2", "Us-west-2"] {
        assert!(!is_region(region), "{region}");
    }
    one(
        |infra| infra.kubernetes_version = "34".into(),
        "kubernetes_version: `34` is not a minor version of Kubernetes: 1.34 is one",
    );
}

#[test]
fn networks_have_room_and_nothing_of_others() {
    let cidr = |text: &str| {
        let text = text.to_owned();
        move |infra: &mut Infra| {
            infra.network = Network::Create { cidr: text, zones: None, nat: crate::model::Nat::One };
        }
    };
    one(
        cidr("10.0.0.1/16"),
        "network.cidr: `10.0.0.1/16` is an address within a network: the network is `10.0.0.0/16`",
    );
    one(cidr("10.0.0.0/8"), "network.cidr: `10.0.0.0/8` is larger than a VPC may be: /16 is the largest");
    one(
        cidr("10.0.0.0/26"),
        "network.cidr: `10.0.0.0/26` is too small: a zone's subnet would have 11 addresses for nodes and pods -> /16 to /22; /16 costs no more",
    );
    one(
        cidr("172.17.0.0/20"),
        "network.cidr: `172.17.0.0/20` overlaps with 172.17.0.0/16, which is for Docker's bridge",
    );
    one(
        |infra| {
            cidr("10.0.0.0/22")(infra);
            ray(infra).pool.max = 500;
        },
        "network.cidr: `10.0.0.0/22` leaves 753 addresses in 3 zones; the pools' 500 nodes take two each at least",
    );
    let zones = |zones: &'static [&str]| {
        move |infra: &mut Infra| {
            let zones = Some(zones.iter().map(ToString::to_string).collect());
            infra.network = Network::Create { cidr: "10.0.0.0/16".into(), zones, nat: crate::model::Nat::One };
        }
    };
    one(
        zones(&["us-west-2a", "us-east-1b"]),
        "network.zones.1: `us-east-1b` is not an availability zone of us-west-2: us-west-2a is one",
    );
    one(
        zones(&["us-west-2a", "us-west-2a"]),
        "network.zones: EKS needs two zones; the network is laid out for two or three, each once",
    );
    one(
        |infra| {
            let subnets = Subnets::Ids(vec!["subnet-0123456789abcdef0".into()]);
            infra.network = Network::Existing { vpc_id: "vpc-01234567".into(), subnets };
        },
        "network.subnet_ids: EKS needs subnets in two zones",
    );
    assert_eq!(
        found(|infra| {
            infra.network = Network::Existing { vpc_id: "my-vpc".into(), subnets: Subnets::Tags(BTreeMap::new()) };
        }),
        [
            "network.vpc_id: `my-vpc` is not a VPC's id: vpc- and 8 or 17 digits of base 16",
            "network.subnet_tags: without a tag every subnet of the VPC would be meant, public ones too",
        ]
    );
}

#[test]
fn pools_are_those_that_eks_takes() {
    one(|infra| ray(infra).pool.min = 21, "pools.ray.max: pool `ray` has max 20 below min 21");
    one(|infra| ray(infra).pool.max = 0, "pools.ray.max: pool `ray` has max 0: EKS wants 1 at least");
    one(
        |infra| ray(infra).pool.instance_types = vec!["m6i.4xlarg".into()],
        "pools.ray.instance_types.0: instance type `m6i.4xlarg` is not known (facts of 2026-07-20) -> did you mean `m6i.4xlarge`?",
    );
    one(
        |infra| ray(infra).pool.instance_types = vec!["m6i.large".into(), "m7g.large".into()],
        "pools.ray.instance_types: pool `ray` mixes processors: m6i.large is amd64, m7g.large is arm64 -> one image cannot be both: make two pools",
    );
    one(
        |infra| ray(infra).pool.instance_types = vec!["m6i.large".into(), "g5.xlarge".into()],
        "pools.ray.instance_types: pool `ray` mixes instances with GPUs and without: m6i.large and g5.xlarge -> make two pools",
    );
    one(
        |infra| {
            ray(infra).pool.instance_types = vec!["g5.xlarge".into()];
            ray(infra).image = Some("AL2023_x86_64_STANDARD".into());
        },
        "pools.ray.image: pool `ray` has GPUs (g5.xlarge), and its image AL2023_x86_64_STANDARD no driver for them -> AL2023_x86_64_NVIDIA has",
    );
    one(
        |infra| ray(infra).image = Some("AL2023_ARM_64_STANDARD".into()),
        "pools.ray.image: the image AL2023_ARM_64_STANDARD does not run on m6i.4xlarge -> AL2023_x86_64_STANDARD does",
    );
    one(
        |infra| drop(ray(infra).pool.labels.insert("kubernetes.io/role".into(), "x".into())),
        "pools.ray.labels.kubernetes.io/role: pool `ray` has the label `kubernetes.io/role`, which no node may give itself -> take a domain of your own",
    );
    assert_eq!(
        found(|infra| drop(ray(infra).pool.labels.insert("node.kubernetes.io/x".into(), "y".into()))),
        Vec::<String>::new()
    );
    one(
        |infra| drop(ray(infra).pool.labels.insert("a b".into(), "x".into())),
        "pools.ray.labels.a b: pool `ray` has the label `a b=x`, which Kubernetes does not take",
    );
    one(
        |infra| ray(infra).disk_gib = 8,
        "pools.ray.disk_gib: pool `ray` has a disk of 8 GiB: the image wants 20, gp3 has 16384 at most",
    );
    one(
        |infra| {
            let pool = infra.pools.remove("ray").unwrap();
            infra.pools.insert("r".repeat(55), pool);
        },
        &format!(
            "pools.{0}: pool `{0}` has 55 characters; 54 leave room for the rest of its group's name",
            "r".repeat(55)
        ),
    );
}

#[test]
fn roles_can_be_made_and_taken() {
    one(
        |infra| daft(infra).service_accounts.clear(),
        "roles.DaftRole.service_accounts: role `DaftRole` has no service account: nobody could take it",
    );
    one(
        |infra| {
            daft(infra).identity = Identity::PodIdentity;
            daft(infra).service_accounts = vec!["ray/*".parse().unwrap()];
        },
        "roles.DaftRole.service_accounts: role `DaftRole` is given by Pod Identity to `ray/*`: it associates one exact account, no pattern -> name the accounts, or use identity irsa",
    );
    one(
        |infra| {
            let role = infra.roles.remove("DaftRole").unwrap();
            infra.roles.insert("Node".into(), role);
        },
        "roles.Node: `Node` is a role of the cluster's own -> Autoscaler, Cluster, EbsCsi, Node, VpcCni are taken",
    );
    one(
        |infra| daft(infra).boundary = Some("Boundary".into()),
        "roles.DaftRole.boundary: `Boundary` is not the ARN of a policy: arn:aws:iam::ACCOUNT:policy/NAME is wanted",
    );
    let many = found(|infra| {
        daft(infra).service_accounts = (0..60).map(|n| format!("namespace-{n}/account-{n}").parse().unwrap()).collect();
    });
    assert!(many.len() == 1 && many[0].ends_with("IAM takes 2048"), "{many:?}");
    one(
        |infra| infra.administrators = vec!["arn:aws:sts::444455556666:assumed-role/Platform/ann".into()],
        "administrators.0: `arn:aws:sts::444455556666:assumed-role/Platform/ann` is a session: EKS wants the role itself -> arn:aws:iam::444455556666:role/Platform",
    );
    one(
        |infra| infra.administrators = vec!["Platform".into()],
        "administrators.0: `Platform` is not the ARN of a role or a user",
    );
}

#[test]
fn only_what_is_made_is_checked() {
    let roles_alone = |infra: &mut Infra| {
        infra.manage = Manage::Roles;
        infra.network = Network::Create { cidr: "nonsense".into(), zones: None, nat: crate::model::Nat::One };
        ray(infra).pool.max = 0;
        infra.cluster = "a".repeat(55);
    };
    assert_eq!(found(roles_alone), Vec::<String>::new());
}

#[test]
fn tags_and_state_are_checked() {
    one(
        |infra| drop(infra.tags.insert("aws:team".into(), "data".into())),
        "tags.aws:team: AWS takes no tag `aws:team=data`: letters, digits, blanks and _.:/=+-@, not beginning with aws:",
    );
    let state =
        |bucket: &str, key: &str| State::S3 { bucket: bucket.into(), key: key.into(), region: "us-west-2".into() };
    one(
        |infra| infra.state = state("Team", "a"),
        "state: `Team` is not a bucket's name: 3 to 63 lower-case letters, digits, dots and dashes are wanted",
    );
    one(
        |infra| infra.state = state("team", "/a"),
        "state: `/a` is not the key of a state: it begins and ends without a slash, and has at most 1000 characters",
    );
}
