//! The table against the module, and what plans take by it.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::model::Nat;
use crate::module;

fn infra() -> Infra {
    Infra {
        cluster: "data".into(),
        manage: Manage::All,
        region: "us-west-2".into(),
        account: None,
        kubernetes_version: "1.34".into(),
        network: Network::Create { cidr: "10.0.0.0/16".into(), zones: None, nat: Nat::One },
        administrators: Vec::new(),
        addons: None,
        pools: BTreeMap::new(),
        autoscaler: None,
        roles: BTreeMap::new(),
        tags: BTreeMap::new(),
        state: State::S3 { bucket: "states".into(), key: "data.tfstate".into(), region: "us-west-2".into() },
    }
}

fn change(kind: &str, action: Action, before: Value, after: Value) -> Change {
    let address = format!("module.cluster.{kind}.this");
    Change { address, resource_type: kind.into(), action, before, after, replace_because: Vec::new() }
}

fn asked(changes: Vec<Change>) -> String {
    let (format_version, terraform_version) = ("1.2".into(), "1.11.0".into());
    let plan = Plan { format_version, terraform_version, changes, drift: Vec::new(), outputs: Vec::new() };
    let needs = of_plan(&plan, &infra(), "444455556666");
    let of_infra = needs.iter().filter(|need| !need.action.starts_with("s3:"));
    of_infra.map(|need| format!("{} {} {:?}\n", need.action, need.resource, need.weight)).collect()
}

#[test]
fn a_change_takes_what_its_arguments_take_and_no_more() {
    let role = |trust: &str, tags: Value| json!({"name": "data_DaftRole", "assume_role_policy": trust, "tags": tags});
    let update = change("aws_iam_role", Action::Update, role("a", json!({"x": "1"})), role("b", json!({"x": "1"})));
    let arn = "arn:aws:iam::444455556666:role/data_DaftRole";
    let read = ["iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"];
    let read: String = read.map(|action| format!("{action} {arn} Certain\n")).concat();
    assert_eq!(asked(vec![update]), format!("{read}iam:UpdateAssumeRolePolicy {arn} Certain\n"));
    let update = change("aws_iam_role", Action::Update, role("a", json!({"x": "1"})), role("a", json!({"y": "1"})));
    assert_eq!(asked(vec![update]), format!("{read}iam:TagRole {arn} Certain\niam:UntagRole {arn} Certain\n"));
    // What a provider newer than the table brings takes rights that nobody knows.
    assert_eq!(asked(vec![change("aws_new_thing", Action::Create, Value::Null, json!({}))]), "");
}

#[test]
fn roles_are_passed_to_the_service_that_takes_them() {
    let group =
        change("aws_eks_node_group", Action::Create, Value::Null, json!({"node_role_arn": "(known after apply)"}));
    let text = asked(vec![group]);
    assert!(text.contains("iam:PassRole arn:aws:iam::444455556666:role/data_Node Certain\n"), "{text}");
    assert!(text.contains("ec2:RunInstances arn:aws:ec2:us-west-2:444455556666:instance/* Certain\n"), "{text}");
    let linked = "role/aws-service-role/eks-nodegroup.amazonaws.com/AWSServiceRoleForAmazonEKSNodegroup Perhaps\n";
    // Without spot there is no role of spot's.
    assert!(text.contains(linked) && !text.contains("spot.amazonaws.com"), "{text}");
    let scaled = |max| json!({"scaling_config": [{"max_size": max}]});
    let text = asked(vec![change("aws_eks_node_group", Action::Update, scaled(3), scaled(5))]);
    assert_eq!(
        text,
        "eks:DescribeNodegroup arn:aws:eks:us-west-2:444455556666:nodegroup/data/*/* Certain\n\
         eks:DescribeUpdate arn:aws:eks:us-west-2:444455556666:cluster/data Certain\n\
         eks:UpdateNodegroupConfig arn:aws:eks:us-west-2:444455556666:nodegroup/data/*/* Certain\n"
    );
}

#[test]
fn statements_are_as_few_as_resources_and_conditions_allow() {
    let needs = of_all(&infra(), "444455556666");
    let of = |actions: &[&str]| {
        let document = policy(needs.iter().filter(|need| actions.contains(&need.action)));
        serde_json::to_string(&document.statement).unwrap()
    };
    assert_eq!(
        of(&["ec2:CreateVpc", "ec2:DescribeVpcs"]),
        r#"[{"Effect":"Allow","Action":["ec2:CreateVpc","ec2:DescribeVpcs"],"Resource":"*"}]"#
    );
    assert_eq!(
        of(&["iam:PassRole", "kms:CreateKey"]),
        r#"[{"Effect":"Allow","Action":"kms:CreateKey","Resource":"*"},{"Effect":"Allow","Action":"iam:PassRole","#
            .to_owned()
            + r#""Resource":["arn:aws:iam::444455556666:role/data_Cluster","arn:aws:iam::444455556666:role/data_EbsCsi","#
            + r#""arn:aws:iam::444455556666:role/data_VpcCni"],"Condition":{"StringEquals":{"iam:PassedToService":"eks.amazonaws.com"}}}]"#
    );
    assert!(of(&["s3:DeleteObject"]).contains("arn:aws:s3:::states/data.tfstate.tflock"));
}

#[test]
fn every_resource_and_question_of_the_module_is_in_the_table() {
    let mut named = BTreeSet::new();
    for (_, text) in module::files() {
        for line in text.lines() {
            let mut words = line.split('"');
            match (words.next(), words.next()) {
                (Some("resource "), Some(kind)) => drop(named.insert(kind.to_owned())),
                (Some("data "), Some(kind)) => drop(named.insert(format!("data.{kind}"))),
                _ => {}
            }
        }
    }
    // These ask nothing, or what everybody may ask.
    let free = ["data.aws_partition", "data.aws_region", "data.aws_caller_identity", "data.aws_iam_policy_document"];
    named.retain(|kind| !free.contains(&kind.as_str()));
    let table: BTreeSet<String> = table::KINDS.iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(table, named);
}
