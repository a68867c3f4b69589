//! Service account tokens of the simulator, judged by a library for JSON Web Tokens and exchanged at an STS of moto's.

#![allow(clippy::print_stdout, reason = "a test that lacks its judge says so")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::Place;

#[test]
fn a_token_of_the_simulator_is_good_by_its_keys_and_gets_a_role_that_reads_from_s3() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let peer = root.join("target/peers/bin/moto-python");
    let python = std::env::var_os("SUTLER_MOTO_PYTHON").map(PathBuf::from).or_else(|| peer.is_file().then_some(peer));
    let Some(python) = python else {
        println!(
            "skipped a_token_of_the_simulator_is_good_by_its_keys_and_gets_a_role_that_reads_from_s3: no moto (`cargo xtask peers`, \
             or SUTLER_MOTO_PYTHON)"
        );
        return;
    };
    let place = Place::new();
    place.write(
        "stack.yaml",
        "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: tokens\nenvironments: {try: {target: simulator}}\n\
         defaults: {environment: try}\ncluster: {}\n",
    );
    // Its time is the judge's own.
    let mut server = place
        .command(&["simulator", "serve", "--time", "wall", "--kubeconfig", "served.kubeconfig"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let config = std::fs::read_to_string(place.path("served.kubeconfig")).expect("the kubeconfig");
    let (_, address) = config.split_once("http://").expect("an address");
    let (login, address) = address.split('"').next().and_then(|server| server.split_once('@')).expect("a login");
    let token = login.split_once(':').expect("a token").1;

    let mut judge = Command::new(python)
        .arg(root.join("crates/sutler/tests/token_exchange.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    writeln!(
        judge.stdin.take().expect("its input"),
        "{}",
        json!({"url": format!("http://{address}"), "token": token, "account": "default/default"})
    )
    .expect("the judge reads");
    let judged = judge.wait_with_output().expect("the judge ends");
    server.kill().expect("the server is there");
    server.wait().expect("the server ends");
    let said: Value = serde_json::from_slice(&judged.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&judged.stderr)));
    let expected = json!({
        "keys": "application/jwk-set+json", "issuer": true, "subject": "system:serviceaccount:default:default",
        "audiences": ["sts.amazonaws.com"], "changed": "refused", "text": "read by role",
    });
    assert_eq!(said, expected);
}
