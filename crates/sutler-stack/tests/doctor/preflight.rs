//! What preflight says of answers: each a change of answers that are well.

use std::collections::{BTreeMap, BTreeSet};

use sutler_access::doctor::{Fact, State};
use sutler_aws::ec2::Subnet;
use sutler_aws::quotas::{STANDARD_ON_DEMAND, STANDARD_SPOT};
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
    }
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
    ("The credentials are the root user's", State::Warning, |answers| {
        answers.caller = "arn:aws:iam::444455556666:root".into();
    }),
];

/// The rows of the documentation's table.
pub(crate) fn rows() -> String {
    let stack = stack();
    let mut rows = String::new();
    for (title, state, change) in CASES {
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
    assert_eq!(section.summary, "as arn:aws:sts::444455556666:assumed-role/platform/anna: 3 pools, at most 9 nodes");
    // One version up is what EKS does.
    assert_eq!(judge(&stack(), &Answers { version: Fact::Known("1.33".into()), ..well() }).findings, []);
}

#[test]
fn nothing_that_could_be_asked_is_nothing_claimed() {
    let section = judge(&stack(), &Answers::default());
    assert_eq!(section.state, State::Unknown, "{section:#?}");
}
