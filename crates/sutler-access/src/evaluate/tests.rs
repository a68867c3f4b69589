//! Evaluation by cases: the tables that AWS publishes, and what their footnotes say.

use super::*;
use crate::policy::{Document, PolicyKind};
use crate::read::read;

const ROLE: &str = "arn:aws:iam::111122223333:role/team/examplerole";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/examplerole/pod";
const USER: &str = "arn:aws:iam::111122223333:user/exampleuser";

fn session() -> Caller {
    Caller::Session { role: ROLE.to_owned(), session: "pod".to_owned() }
}

fn user() -> Caller {
    Caller::User { arn: USER.to_owned() }
}

fn federated() -> Caller {
    Caller::FederatedUser { user: USER.to_owned(), name: "ada".to_owned() }
}

fn policy(kind: PolicyKind, statements: &str) -> Policy {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": {statements}}}"#);
    let read = read(&text, kind, "p");
    read.policy.unwrap_or_else(|| panic!("{text}: {:?}", read.problems))
}

fn identity(statements: &str) -> Policies {
    Policies { identity: vec![policy(PolicyKind::Identity, statements)], ..Policies::default() }
}

const ALLOW: &str = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;
const OTHER: &str = r#"{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}"#;

fn bucket_policy(principal: &str) -> Policy {
    let statement = format!(r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "s3:*", "Resource": "*"}}"#);
    policy(PolicyKind::Resource, &statement)
}

fn get(caller: Caller) -> Request {
    Request::new(caller, "s3:GetObject", "arn:aws:s3:::team-data/events/x")
}

#[track_caller]
fn check(policies: &Policies, request: &Request, expect: &str) {
    let evaluator = policies.compile().unwrap();
    let answer = evaluator.decide(request);
    let near = match answer {
        Answer::NotAllowed { lacking } => evaluator.nearest(request, lacking),
        _ => None,
    };
    let text = near.map_or_else(|| answer.to_string(), |near| format!("{answer}; {near}"));
    assert_eq!(text, expect);
}

/// AWS's table of resource policies and implicit denies within one account: who is named, and whether an implicit deny of identity
/// policy, boundary or session policy still counts.
#[test]
fn within_an_account_it_counts_whom_the_resource_policy_names() {
    let role = format!(r#"{{"AWS": "{ROLE}"}}"#);
    let this_session = format!(r#"{{"AWS": "{SESSION}"}}"#);
    let this_user = format!(r#"{{"AWS": "{USER}"}}"#);
    let this_federated = r#"{"AWS": "arn:aws:sts::111122223333:federated-user/ada"}"#;
    let account = r#"{"AWS": "111122223333"}"#;
    let root = r#"{"AWS": "arn:aws:iam::111122223333:root"}"#;
    // Caller, principal, and whether it is allowed though nothing else allows, although the boundary, although the session policy lacks it.
    for (caller, principal, alone, boundary, session_policy) in [
        (session(), role.as_str(), true, false, false),
        (session(), &this_session, true, true, true),
        (session(), account, false, false, false),
        (session(), "\"*\"", true, true, true),
        (session(), &this_user, false, false, false),
        (user(), &this_user, true, true, true),
        (user(), root, false, false, false),
        (federated(), this_federated, true, true, true),
        (federated(), &this_user, true, false, false),
    ] {
        let resource = Some(bucket_policy(principal));
        let decide = |policies: Policies| policies.compile().unwrap().decide(&get(caller.clone())).is_allowed();
        let base = Policies { resource, ..Policies::default() };
        assert_eq!(decide(base.clone()), alone, "{caller} named by {principal}");
        let lacks = |kind| Some(policy(kind, OTHER));
        let bounded = Policies { boundary: lacks(PolicyKind::Boundary), ..base.clone() };
        assert_eq!(decide(bounded), boundary, "{caller} named by {principal}, boundary");
        let limited = Policies { session: lacks(PolicyKind::Session).into_iter().collect(), ..base.clone() };
        assert_eq!(decide(limited), session_policy, "{caller} named by {principal}, session policy");
        // An explicit deny always counts.
        let deny = r#"{"Effect": "Deny", "Action": "s3:Get*", "Resource": "arn:aws:s3:::team-data/*"}"#;
        assert!(!decide(Policies { identity: vec![policy(PolicyKind::Identity, deny)], ..base }));
    }
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let role = format!(r#"{{"AWS": "{ROLE}"}}"#);
    let this_session = format!(r#"{{"AWS": "{SESSION}"}}"#);
    let request = get(session()).resource_account("444455556666");
    for principal in [role.as_str(), &this_session, r#"{"AWS": "111122223333"}"#, "\"*\""] {
        let resource = Some(bucket_policy(principal));
        let both = Policies { resource: resource.clone(), ..identity(ALLOW) };
        assert!(both.compile().unwrap().decide(&request).is_allowed(), "{principal}");
        check(&Policies { resource, ..Policies::default() }, &request, "no identity policy allows it");
    }
    check(&identity(ALLOW), &request, "the resource's own policy does not allow it");
    let other = Policies { resource: Some(bucket_policy(r#"{"AWS": "999999999999"}"#)), ..identity(ALLOW) };
    check(
        &other,
        &request,
        "the resource's own policy does not allow it; nearest is statement 1 of resource policy p (1:40): it names 999999999999",
    );
}

#[test]
fn each_limit_must_allow_as_well() {
    let lacking = |change: fn(&mut Policies)| {
        let mut policies = identity(ALLOW);
        change(&mut policies);
        policies
    };
    check(&identity(ALLOW), &get(session()), "allowed by statement 1 of identity policy p (1:40)");
    check(
        &lacking(|policies| policies.boundary = Some(policy(PolicyKind::Boundary, OTHER))),
        &get(session()),
        "the permissions boundary does not allow it; nearest is statement 1 of permissions boundary p (1:40): it is about ec2:*",
    );
    check(
        &lacking(|policies| policies.session = vec![policy(PolicyKind::Session, OTHER)]),
        &get(session()),
        "no session policy allows it; nearest is statement 1 of session policy p (1:40): it is about ec2:*",
    );
    let organised = lacking(|policies| {
        let level = |statement| vec![policy(PolicyKind::ServiceControl, statement)];
        policies.service_control = vec![level(ALLOW), level(OTHER)];
    });
    check(
        &organised,
        &get(session()),
        "no service control policy of level 1 allows it; nearest is statement 1 of service control policy p (1:40): it is about ec2:*",
    );
    // Organisations do not limit service-linked roles.
    let role =
        "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS".to_owned();
    let linked = Caller::Session { role, session: "eks".to_owned() };
    assert!(organised.compile().unwrap().decide(&get(linked)).is_allowed());
    let denied = lacking(|policies| {
        let deny = r#"{"Sid": "Perimeter", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}, "Null": {"aws:PrincipalOrgID": "false"}}}"#;
        policies.resource_control = vec![vec![policy(PolicyKind::ResourceControl, deny)]];
    });
    check(&denied, &get(session()), "allowed by statement 1 of identity policy p (1:40)");
    check(
        &denied,
        &get(session()).with("aws:PrincipalOrgID", "o-2"),
        "denied by statement Perimeter of resource control policy p (1:40)",
    );
}

#[test]
fn roles_and_keys_must_allow_by_their_own_policy() {
    let role = "arn:aws:iam::111122223333:role/target";
    let assume = || Request::new(session(), "sts:AssumeRole", role);
    let may_assume = identity(r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}"#);
    let trust = |principal: &str| {
        let statement = format!(r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole"}}"#);
        Some(policy(PolicyKind::Trust, &statement))
    };
    check(&may_assume, &assume(), "the resource's own policy does not allow it");
    let by_account = Policies { resource: trust(r#"{"AWS": "111122223333"}"#), ..may_assume };
    check(
        &by_account,
        &assume(),
        "allowed by statement 1 of identity policy p (1:40) and statement 1 of trust policy p (1:40)",
    );
    check(&Policies { identity: Vec::new(), ..by_account }, &assume(), "no identity policy allows it");
    let by_role = Policies { resource: trust(&format!(r#"{{"AWS": "{ROLE}"}}"#)), ..Policies::default() };
    check(&by_role, &assume(), "allowed by statement 1 of trust policy p (1:40)");

    let decrypt = Request::new(session(), "kms:Decrypt", "arn:aws:kms:us-west-2:111122223333:key/1");
    let may_decrypt = identity(r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}"#);
    check(&may_decrypt, &decrypt, "the resource's own policy does not allow it");
    let key = r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}"#;
    let delegated = Policies { resource: Some(policy(PolicyKind::Resource, key)), ..may_decrypt };
    assert!(delegated.compile().unwrap().decide(&decrypt).is_allowed());
    let none = Policies { identity: Vec::new(), ..delegated };
    check(&none, &decrypt, "no identity policy allows it");
}

#[test]
fn who_has_no_account_is_allowed_by_the_resource_alone() {
    let public = Policies { resource: Some(bucket_policy("\"*\"")), ..Policies::default() };
    check(&public, &get(Caller::Anonymous), "allowed by statement 1 of resource policy p (1:40)");
    let named =
        Policies { resource: Some(bucket_policy(r#"{"Service": "logging.s3.amazonaws.com"}"#)), ..identity(ALLOW) };
    let service = |name: &str| get(Caller::Service { name: name.to_owned() });
    check(&named, &service("logging.s3.amazonaws.com"), "allowed by statement 1 of resource policy p (1:40)");
    assert!(!named.compile().unwrap().decide(&service("ec2.amazonaws.com")).is_allowed());
    check(&identity(ALLOW), &get(Caller::Anonymous), "the resource's own policy does not allow it");
    let root = Caller::parse("arn:aws:iam::111122223333:root").unwrap();
    check(&Policies::default(), &get(root), "allowed to the account's root user");
}

#[test]
fn not_elements_are_everything_else() {
    let policies = identity(
        r#"{"Effect": "Allow", "NotAction": ["iam:*", "s3:Delete*"], "NotResource": "arn:aws:s3:::secret/*"}"#,
    );
    let decide = |action: &str, resource: &str| {
        policies.compile().unwrap().decide(&Request::new(session(), action, resource)).is_allowed()
    };
    assert!(decide("S3:getobject", "arn:aws:s3:::team-data/x"));
    assert!(!decide("s3:DELETEobject", "arn:aws:s3:::team-data/x"));
    assert!(!decide("s3:GetObject", "arn:aws:s3:::secret/x"));

    let spared = |principals: &str, boundary: Option<Policy>| {
        let deny = format!(
            r#"{{"Effect": "Deny", "NotPrincipal": {{"AWS": [{principals}]}}, "Action": "s3:*", "Resource": "*"}}"#
        );
        let resource = Some(policy(PolicyKind::Resource, &deny));
        Policies { resource, boundary, ..identity(ALLOW) }.compile().unwrap().decide(&get(session())).is_allowed()
    };
    let all = format!(r#""111122223333", "{ROLE}", "{SESSION}""#);
    assert!(spared(&all, None));
    assert!(!spared(&format!(r#""{ROLE}", "{SESSION}""#), None));
    // "Will always deny any principal that has a permissions boundary."
    assert!(!spared(&all, Some(policy(PolicyKind::Boundary, ALLOW))));
}

#[test]
fn variables_count_in_the_newer_version_only() {
    let statement = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::team-data/${aws:PrincipalTag/team, 'none'}/*"}"#;
    let request = |key: &str| Request::new(session(), "s3:GetObject", format!("arn:aws:s3:::team-data/{key}"));
    let policies = identity(statement);
    let evaluator = policies.compile().unwrap();
    assert!(evaluator.decide(&request("none/x")).is_allowed());
    assert!(evaluator.decide(&request("daft/x").with("aws:PrincipalTag/Team", "daft")).is_allowed());
    assert!(!evaluator.decide(&request("other/x").with("aws:PrincipalTag/Team", "*")).is_allowed());
    // Without a value for its variable, a statement about everything else is about nothing.
    let statement = r#"{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::${aws:username}/*"}"#;
    let not = identity(statement);
    assert!(!not.compile().unwrap().decide(&request("x")).is_allowed());
    assert!(not.compile().unwrap().decide(&request("x").with("aws:username", "ada")).is_allowed());
    let statement = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::team-data/${aws:PrincipalTag/team, 'none'}/*"}"#;
    let old: Document = serde_json::from_str(&format!(r#"{{"Statement": {statement}}}"#)).unwrap();
    let old = Policies { identity: vec![Policy::new(PolicyKind::Identity, "old", old)], ..Policies::default() };
    let evaluator = old.compile().unwrap();
    assert!(!evaluator.decide(&request("none/x")).is_allowed());
    assert!(evaluator.decide(&request("${aws:PrincipalTag/team, 'none'}/x")).is_allowed());
}

#[test]
fn the_nearest_statement_is_told_with_what_it_lacks() {
    let policies = identity(
        r#"[{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::no/*"},
{"Sid": "Other", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
{"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::team-data", "Condition": {"StringLike": {"s3:prefix": "daft/*"}}},
{"Sid": "Many", "Effect": "Allow", "Action": ["a:A", "b:B", "c:C", "d:D"], "Resource": "*"}]"#,
    );
    let list = Request::new(session(), "s3:ListBucket", "arn:aws:s3:::team-data");
    check(
        &policies,
        &list.clone().with("s3:prefix", "events/"),
        "no identity policy allows it; nearest is statement List of identity policy p (3:1): it wants s3:prefix StringLike daft/*, the request has events/",
    );
    check(
        &policies,
        &list,
        "no identity policy allows it; nearest is statement List of identity policy p (3:1): it wants s3:prefix StringLike daft/*, the request has none",
    );
    check(
        &policies,
        &get(session()).with("aws:SecureTransport", "true"),
        "no identity policy allows it; nearest is statement Other of identity policy p (2:1): it is about arn:aws:s3:::other/*",
    );
    check(
        &policies,
        &Request::new(session(), "s3:PutObject", "arn:aws:s3:::team-data/x"),
        "no identity policy allows it; nearest is statement Many of identity policy p (4:1): it is about a:A, b:B, c:C and 1 more",
    );
}

#[test]
fn documents_that_iam_would_refuse_do_not_compile() {
    let text =
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Like": {"a:b": "c"}}}}"#;
    let document: Document = serde_json::from_str(text).unwrap();
    let policies = Policies { identity: vec![Policy::new(PolicyKind::Identity, "x", document)], ..Policies::default() };
    let error = policies.compile().unwrap_err();
    assert_eq!(error.to_string(), "statement 1 of identity policy `x` cannot be evaluated");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "`Like` is not a condition operator");
}
