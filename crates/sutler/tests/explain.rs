//! `sutler explain access` on a plan: the roles as the stack would make them, before anything exists.

mod support;

use serde_json::Value;
use support::Place;

const STACK: &str = "\
apiVersion: sutler.dev/v1alpha1
kind: Stack
name: data
environments:
  try: {target: simulator, account: \"444455556666\"}
cluster: {version: \"1.34\"}
roles:
  DaftRole:
    serviceAccounts: [ray/daft]
    s3: [{bucket: team-data, access: read}, {bucket: team-scratch, prefix: daft/, access: write}]
";

fn explain(arguments: &[&str]) -> (Option<i32>, String, String) {
    let place = Place::new();
    place.write("stack.yaml", STACK);
    let words: Vec<&str> = ["explain", "access"].into_iter().chain(arguments.iter().copied()).collect();
    let output = place.command(&words).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_the_stack_grants_is_allowed_and_the_statement_is_named() {
    let (code, stdout, stderr) = explain(&["ray/daft", "s3:GetObject", "s3://team-data/events/x.parquet"]);
    assert_eq!(
        stdout,
        "  OK       service account ray/daft is there
  OK       annotation names arn:aws:iam::444455556666:role/data-try_DaftRole
  OK       webhook pod-identity-webhook is there
  OK       account 444455556666 has an identity provider for the cluster's issuer
  OK       the trust policy lets ray/daft in
  OK       the pod reaches STS and S3
  OK       s3:GetObject on arn:aws:s3:::team-data/events/x.parquet is allowed by statement ReadTeamData of identity policy data-try_DaftRole
"
    );
    assert_eq!(
        (code, stderr.as_str()),
        (
            Some(0),
            "roles and policies are those that the stack would make: AWS was not asked\n\
             ray/daft may s3:GetObject on arn:aws:s3:::team-data/events/x.parquet\n"
        )
    );
}

#[test]
fn what_it_does_not_grant_is_refused_with_what_comes_nearest() {
    let (code, stdout, _) = explain(&["ray/daft", "s3:PutObject", "s3://team-data/x"]);
    assert_eq!(code, Some(2));
    assert!(
        stdout.contains("FAILED   s3:PutObject on arn:aws:s3:::team-data/x: no identity policy allows it"),
        "{stdout}"
    );
    assert!(stdout.contains("fix: allow s3:PutObject on arn:aws:s3:::team-data/x to data-try_DaftRole"), "{stdout}");
    let (code, stdout, stderr) = explain(&["ray/daft", "s3:PutObject", "s3://team-scratch/daft/x", "-o", "json"]);
    let answer: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!((code, &answer["allowed"], stderr.as_str()), (Some(0), &Value::Bool(true), ""));
}

#[test]
fn who_is_not_there_is_told_with_the_names_that_are() {
    let (code, stdout, stderr) = explain(&["ray/dat", "s3:GetObject", "s3://team-data/x"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert_eq!(
        stderr,
        "error: there is no pod and no service account `ray/dat` in the cluster\nhint: there are: ray/daft\n"
    );
    let (code, _, stderr) = explain(&["ray/daft", "read", "s3://team-data/x"]);
    assert_eq!(
        (code, stderr.as_str()),
        (Some(1), "error: `read` is no action: `service:Action` is wanted, as in s3:GetObject\n")
    );
}
