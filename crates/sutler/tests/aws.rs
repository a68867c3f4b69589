//! Commands that ask AWS, against moto.

#![allow(clippy::print_stdout, reason = "a test that lacks its judge says so")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::Place;

/// An account in moto, with an EKS cluster `data` in us-west-2, for the time of a test.
struct Account {
    process: Child,
    url: String,
}

impl Account {
    /// Starts one; `None`, told by name, where there is no moto.
    fn start(test: &str) -> Option<Account> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let peer = root.join("target/peers/bin/moto-python");
        let python = std::env::var_os("SUTLER_MOTO_PYTHON").map(Into::into).or_else(|| peer.is_file().then_some(peer));
        let Some(python) = python else {
            println!("skipped {test}: no moto (`cargo xtask peers`, or SUTLER_MOTO_PYTHON)");
            return None;
        };
        let mut process = Command::new(python)
            .arg(root.join("crates/sutler-aws/tests/account.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout is piped"))
            .read_line(&mut line)
            .expect("it tells its address");
        let facts: Value = serde_json::from_str(&line).expect("a line of JSON");
        Some(Account { process, url: facts["url"].as_str().expect("a URL").to_owned() })
    }

    /// Runs Sutler with this account's credentials; exit code, stdout and stderr.
    fn run(&self, place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = place
            .command(arguments)
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "s3cr3t-of-the-test")
            .output()
            .expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // The script ends with its standard input.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

const STACK: &str = "\
apiVersion: sutler.dev/v1alpha1
kind: Stack
name: data
environments:
  try: {target: simulator}
  prod: {target: eks, account: \"123456789012\", region: us-west-2}
  other: {target: eks, account: \"444455556666\", region: us-west-2}
cluster: {name: data, version: \"1.34\"}
";

#[test]
fn a_cluster_is_put_into_the_kubeconfig_and_its_tokens_are_made_when_asked_for() {
    let name = "a_cluster_is_put_into_the_kubeconfig_and_its_tokens_are_made_when_asked_for";
    let Some(account) = Account::start(name) else { return };
    let place = Place::new();
    place.write("stack.yaml", STACK);

    let (code, stdout, stderr) = account.run(&place, &["kubeconfig", "-e", "prod", "--kubeconfig", "config"]);
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (Some(0), "context data is in config, and the current one\n", "")
    );
    let written = std::fs::read_to_string(place.path("config")).expect("it was written");
    assert!(written.contains("current-context: data") && written.contains("cluster-token"), "{written}");
    assert!(!written.contains("s3cr3t"), "{written}");

    let (code, stdout, stderr) = account.run(&place, &["cluster-token", "data", "--region", "us-west-2"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let credential: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(credential["kind"], "ExecCredential");
    assert!(credential["status"]["token"].as_str().is_some_and(|token| token.starts_with("k8s-aws-v1.")));
}

#[test]
fn what_has_no_cluster_in_eks_or_another_account_is_refused() {
    let Some(account) = Account::start("what_has_no_cluster_in_eks_or_another_account_is_refused") else { return };
    let place = Place::new();
    place.write("stack.yaml", STACK);
    let other = "error: environment `other` is in account 444455556666, the credentials are of account 123456789012 \
                 (arn:aws:sts::123456789012:user/moto)\nhint: take credentials of 444455556666 (AWS_PROFILE, `aws sso login`), \
                 or another environment; nothing was asked or changed\n";
    for (arguments, expected) in [
        (&["kubeconfig", "-e", "other"][..], other),
        (&["plan", "-e", "other"], other),
        (&["up", "-e", "other", "--yes"], other),
        (&["down", "-e", "other", "--yes"], other),
        (&["status", "-e", "other"], other),
        (
            &["kubeconfig", "-e", "try"],
            "error: environment `try` is simulated\nhint: `sutler simulator serve` writes a kubeconfig for it\n",
        ),
        (
            &["kubeconfig", "--cluster", "nope", "--region", "us-west-2"],
            "error: there is no EKS cluster `nope` in account 123456789012, us-west-2\nhint: `sutler up` makes the cluster of a stack\n",
        ),
    ] {
        let (code, stdout, stderr) = account.run(&place, arguments);
        assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(1), "", expected));
    }
}
