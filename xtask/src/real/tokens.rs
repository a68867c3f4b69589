//! A token of the real API server, as a pod gets it: judged by the issuer's documents and exchanged at an STS of moto's for a role that reads
//! from S3, by the same judge as the simulator's (`crates/sutler/tests/token_exchange.py`).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::cluster::Cluster;
use crate::{peers, process};

/// The service account whose pods read from S3 in the example.
const ACCOUNT: &str = "ray/daft";

/// Whatever becomes of the judge, it does not outlive this.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asks for a token, and lets the judge do with it what a pod does.
pub(super) fn exchanged(cluster: &Cluster, root: &Path) -> Result<()> {
    let mut proxy = cluster
        .client("kubectl")
        .args(["proxy", "--port=0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map(Proxy)
        .context("could not start `kubectl proxy`")?;
    let mut line = String::new();
    BufReader::new(proxy.0.stdout.take().context("`kubectl proxy` has no output")?).read_line(&mut line)?;
    let address = line.trim().strip_prefix("Starting to serve on ").context("`kubectl proxy` says no address")?;

    let mut judge = Command::new(peers::bin(root).join("moto-python"))
        .arg(root.join("crates/sutler/tests/token_exchange.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("could not start the judge of tokens")?;
    let request = json!({"url": format!("http://{address}"), "account": ACCOUNT});
    writeln!(judge.stdin.take().context("the judge has no input")?, "{request}")?;
    let judged = judge.wait_with_output()?;
    let errors = String::from_utf8_lossy(&judged.stderr);
    let errors = process::last_lines(&errors, 15);
    ensure!(judged.status.success(), "the judge of tokens ended with {}:\n{errors}", judged.status);
    let said: Value = serde_json::from_slice(&judged.stdout).context("the judge of tokens said no JSON")?;
    let expected = json!({
        "keys": "application/jwk-set+json", "issuer": true, "subject": format!("system:serviceaccount:{}", ACCOUNT.replace('/', ":")),
        "audiences": ["sts.amazonaws.com"], "changed": "refused", "text": "read by role",
    });
    ensure!(said == expected, "the judge of tokens says {said}, and not {expected}");
    println!("real: a token of {ACCOUNT} is good by its issuer's keys, gets a role at STS, and reads from S3");
    Ok(())
}
