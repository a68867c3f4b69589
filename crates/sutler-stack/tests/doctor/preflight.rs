//! What preflight says of answers: each a change of answers that are well.

use std::collections::{BTreeMap, BTreeSet};

use sutler_access::doctor::{Fact, State};
use sutler_aws::ec2::Subnet;
use sutler_aws::quotas::{P_SPOT, P5_SPOT, STANDARD_ON_DEMAND, STANDARD_SPOT};
use sutler_infra::rights::Need;
use sutler_stack::preflight::rights::{Rights, Verdict, needs};
use sutler_stack::preflight::{Answers, judge};

use crate::{row, stack};

const ZONES: [&str; 3] = ["us-west-2a", "us-west-2b", "us-west-2c"];

fn subnet(zone: &str, free_addresses: u32) -> Subnet {
    let id = format!("subnet-{}", zone.trim_start_matches("us-west-"));
    Subnet {
        id,
        vpc_id: "vpc-1".into(),
        zone: zone.into(),
        cidr: "10.0.0.0/18".into(),
        free_addresses,
        tags: BTreeMap::new(),
    }
}

fn well() -> Answers {
    let everywhere: BTreeSet<String> = ZONES.iter().map(|zone| (*zone).to_owned()).collect();
    Answers {
        caller: "arn:aws:sts::444455556666:assumed-role/platform/anna".into(),
        quotas: [(STANDARD_ON_DEMAND, Fact::Known(512.0)), (STANDARD_SPOT, Fact::Known(512.0))].into(),
        offered: Fact::Known(["m6i.xlarge", "m6i.4xlarge"].map(|kind| (kind.to_owned(), everywhere.clone())).into()),
        subnets: Fact::Known(ZONES.map(|zone| subnet(zone, 4000)).into()),
        version: Fact::Absent,
        rights: Fact::Known(Rights {
            principal: "arn:aws:iam::444455556666:role/platform".into(),
            boundary: Some("arn:aws:iam::444455556666:policy/platform-limits".into()),
            judged: needs(&stack(), None, "444455556666").into_iter().map(|need| (need, Verdict::Allowed)).collect(),
        }),
    }
}

/// Says this of the calls of these actions.
fn say(answers: &mut Answers, actions: &[&str], verdict: Verdict) {
    let Fact::Known(rights) = &mut answers.rights else { panic!("the base has rights") };
    let mut said = 0;
    for (need, known) in rights.judged.iter_mut().filter(|(need, _)| actions.contains(&need.action)) {
        known.clone_from(&verdict);
        said += usize::from(!need.action.is_empty());
    }
    assert!(said >= actions.len(), "{actions:?} are not asked for");
}

fn offered(answers: &mut Answers) -> &mut BTreeMap<String, BTreeSet<String>> {
    match &mut answers.offered {
        Fact::Known(offered) => offered,
        _ => panic!("the base has offers"),
    }
}

type Case = (&'static str, State, fn(&mut Answers));

const CASES: &[Case] = &[
    ("The pools' least is above the quota", State::Failed, |answers| {
        answers.quotas.insert(STANDARD_ON_DEMAND, Fact::Known(5.0));
    }),
    ("The pools' most is above the quota", State::Warning, |answers| {
        answers.quotas.insert(STANDARD_SPOT, Fact::Known(16.0));
    }),
    ("Nobody may ask for the quota", State::Unknown, |answers| {
        answers.quotas.insert(STANDARD_SPOT, Fact::Unknown("no right to call servicequotas:GetServiceQuota".into()));
    }),
    ("The region does not have the instance type", State::Failed, |answers| {
        offered(answers).remove("m6i.xlarge");
    }),
    ("None of the subnets' zones has the instance type", State::Failed, |answers| {
        offered(answers).insert("m6i.xlarge".into(), ["us-west-2d".to_owned()].into());
    }),
    ("One of the zones lacks the instance type", State::Warning, |answers| {
        offered(answers).insert("m6i.4xlarge".into(), ZONES[..2].iter().map(|zone| (*zone).to_owned()).collect());
    }),
    ("All subnets are in one zone", State::Failed, |answers| {
        answers.subnets = Fact::Known(vec![subnet(ZONES[0], 4000)])
    }),
    ("No subnet carries the tags of the file", State::Failed, |answers| answers.subnets = Fact::Known(Vec::new())),
    ("A subnet is full", State::Failed, |answers| {
        answers.subnets = Fact::Known(vec![subnet(ZONES[0], 4000), subnet(ZONES[1], 3)]);
    }),
    ("The subnets have too few addresses for the pools' most", State::Warning, |answers| {
        answers.subnets = Fact::Known(ZONES.map(|zone| subnet(zone, 20)).into());
    }),
    ("The cluster is two versions behind the file", State::Failed, |answers| {
        answers.version = Fact::Known("1.32".into())
    }),
    ("The cluster is ahead of the file", State::Failed, |answers| answers.version = Fact::Known("1.35".into())),
    ("The caller may not make roles", State::Failed, |answers| {
        say(answers, &["iam:CreateRole", "iam:PutRolePolicy"], Verdict::Missing);
    }),
    ("The caller may not pass the node's role", State::Failed, |answers| {
        let Fact::Known(rights) = &mut answers.rights else { panic!("the base has rights") };
        let of_node = |need: &Need| need.action == "iam:PassRole" && need.resource.ends_with("_Node");
        let passes = rights.judged.iter_mut().filter(|(need, _)| of_node(need));
        passes.for_each(|(_, verdict)| *verdict = Verdict::Missing);
    }),
    ("The permissions boundary leaves a service out", State::Failed, |answers| {
        say(answers, &["kms:CreateKey", "kms:TagResource"], Verdict::Boundary);
    }),
    ("The organisation forbids it", State::Failed, |answers| {
        say(answers, &["ec2:CreateVpc"], Verdict::Organization);
    }),
    ("A statement denies it", State::Failed, |answers| {
        say(answers, &["ec2:RunInstances"], Verdict::Denied("policy no-instances".into()));
    }),
    ("Conditions look at what is not known beforehand", State::Unknown, |answers| {
        let why = "policies look at aws:RequestTag/team, which is not known beforehand";
        say(answers, &["eks:CreateCluster"], Verdict::Unknown(why.into()));
    }),
    ("It is the first cluster of the account, and AWS's own role for it may not be made", State::Warning, |answers| {
        say(answers, &["iam:CreateServiceLinkedRole"], Verdict::Missing);
    }),
    ("Neither simulation nor policies may be asked", State::Unknown, |answers| {
        let why = "no right to call iam:SimulatePrincipalPolicy; no right to call iam:ListRolePolicies";
        answers.rights = Fact::Unknown(why.into());
    }),
    ("The credentials are the root user's", State::Warning, |answers| {
        answers.caller = "arn:aws:iam::444455556666:root".into();
    }),
];

/// The stack in a VPC that exists, whose subnets are found by tags.
fn stack_in_a_vpc() -> sutler_stack::stack::Stack {
    let text = std::fs::read_to_string(crate::folder().join("stack.yaml")).unwrap();
    let network = "cluster:\n  network: {vpcId: vpc-01234567, subnetTags: {tier: private}}\n";
    assert!(text.contains("\ncluster:\n"));
    let text = text.replacen("cluster:\n", network, 1);
    let read = sutler_stack::file::read("stack.yaml", &text, None).unwrap_or_else(|report| panic!("{report}"));
    sutler_stack::stack::Stack::from_file(read).unwrap_or_else(|report| panic!("{report}"))
}

/// The rows of the documentation's table.
pub(crate) fn rows() -> String {
    let mut rows = String::new();
    for (title, state, change) in CASES {
        let stack = if title.contains("subnet") { stack_in_a_vpc() } else { stack() };
        let mut answers = well();
        change(&mut answers);
        let section = judge(&stack, &answers);
        assert_eq!((section.state, section.findings.is_empty()), (*state, false), "{title}: {section:#?}");
        rows.push_str(&row(title, &section));
    }
    rows
}

#[test]
fn an_account_that_can_hold_the_stack_is_told_so() {
    let section = judge(&stack(), &well());
    assert_eq!(section.findings, []);
    let (said, rights) = section.summary.split_once("; ").unwrap();
    assert_eq!(said, "as arn:aws:sts::444455556666:assumed-role/platform/anna: 3 pools, at most 9 nodes");
    let numbers: Vec<&str> = rights.split(' ').filter(|word| word.parse::<usize>().is_ok()).collect();
    assert!(numbers[0] == numbers[1] && numbers[0].len() > 2, "{rights}");
    // One version up is what EKS does.
    assert_eq!(judge(&stack(), &Answers { version: Fact::Known("1.33".into()), ..well() }).findings, []);
}

#[test]
fn where_the_later_spot_quota_is_gone_the_earlier_one_counts_all_generations() {
    let text = std::fs::read_to_string(crate::folder().join("stack.yaml")).unwrap();
    let text = text.replace("[m6i.4xlarge]", "[p5.48xlarge]");
    let read = sutler_stack::file::read("stack.yaml", &text, None).unwrap_or_else(|report| panic!("{report}"));
    let stack = sutler_stack::stack::Stack::from_file(read).unwrap_or_else(|report| panic!("{report}"));
    let subjects = |quotas: &[(&'static str, Fact<f64>)]| {
        let answers = Answers { quotas: quotas.iter().cloned().collect(), ..well() };
        let findings = judge(&stack, &answers).findings.into_iter().map(|finding| finding.subject);
        findings.filter(|subject| subject.starts_with("quota")).collect::<Vec<_>>().join(" ")
    };
    let (early, late) = ((P_SPOT, Fact::Known(8.0)), (P5_SPOT, Fact::Known(16.0)));
    assert_eq!(subjects(&[early.clone(), late]), "quota L-C4BD4855");
    assert_eq!(subjects(&[early, (P5_SPOT, Fact::Absent)]), "quota L-7212CCBC");
}

#[test]
fn nothing_that_could_be_asked_is_nothing_claimed() {
    let section = judge(&stack(), &Answers::default());
    assert_eq!(section.state, State::Unknown, "{section:#?}");
}
