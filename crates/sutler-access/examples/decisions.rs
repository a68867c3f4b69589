//! How many decisions a second one core makes: `cargo run --release -p sutler-access --example decisions`.
//!
//! A role as Sutler makes it for four buckets, a boundary, a bucket policy and two levels of an organisation, asked in turn for what is
//! allowed, what a statement denies, and what nothing allows, half of it with a condition.

#![allow(clippy::print_stdout, reason = "an example shows what it measures")]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use sutler_access::s3::{self, Access, Grant};
use sutler_access::{Caller, Partition, Policies, Policy, PolicyKind, Request, boundary, read::read};

fn policy(kind: PolicyKind, text: &str) -> Result<Policy, Box<dyn Error>> {
    let read = read(text, kind, "example");
    read.policy.ok_or_else(|| read.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ").into())
}

fn main() -> Result<(), Box<dyn Error>> {
    let grants: Vec<Grant> = ["team-data", "team-raw", "team-events", "team-scratch"]
        .into_iter()
        .zip([Access::Read, Access::Read, Access::List, Access::Write])
        .map(|(bucket, access)| Grant { bucket: bucket.to_owned(), prefix: "daft/".to_owned(), access })
        .collect();
    let document = s3::policy(&grants, Partition::Standard)?;
    let everything = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let deny = r#"{"Version": "2012-10-17", "Statement": {"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": ["arn:aws:s3:::team-data", "arn:aws:s3:::team-data/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}}"#;
    let policies = Policies {
        boundary: Some(Policy::new(PolicyKind::Boundary, "boundary", boundary::of(std::slice::from_ref(&document))?)),
        identity: vec![Policy::new(PolicyKind::Identity, "s3", document)],
        resource: Some(policy(PolicyKind::Resource, deny)?),
        service_control: vec![vec![policy(PolicyKind::ServiceControl, everything)?]; 2],
        ..Policies::default()
    };
    let of_role = policies.identity.iter().chain(&policies.boundary).map(|one| one.document.statement.len());
    // And one each of the bucket's policy and the two levels.
    let statements = of_role.sum::<usize>() + 3;
    let evaluator = policies.compile()?;
    let caller =
        Caller::Session { role: "arn:aws:iam::444455556666:role/DaftRole".to_owned(), session: "pod".to_owned() };
    let ask = |action: &str, resource: &str, tls: &str| {
        Request::new(caller.clone(), action, resource)
            .with("aws:SecureTransport", tls)
            .with("s3:prefix", "daft/events/")
    };
    let requests = [
        ask("s3:GetObject", "arn:aws:s3:::team-data/daft/x.parquet", "true"),
        ask("s3:PutObject", "arn:aws:s3:::team-scratch/daft/x.parquet", "true"),
        ask("s3:ListBucket", "arn:aws:s3:::team-events", "true"),
        ask("s3:GetObject", "arn:aws:s3:::team-data/daft/x.parquet", "false"),
        ask("s3:DeleteObject", "arn:aws:s3:::team-raw/daft/x.parquet", "true"),
        ask("s3:GetObject", "arn:aws:s3:::somebody-elses/x.parquet", "true"),
    ];
    for request in &requests {
        println!("{:<16} {:<44} {}", request.action(), request.resource(), evaluator.decide(request));
    }
    let (mut decisions, mut allowed) = (0u64, 0u64);
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(2) {
        for _ in 0..1_000 {
            for request in &requests {
                allowed += u64::from(black_box(&evaluator).decide(black_box(request)).is_allowed());
            }
            decisions += requests.len() as u64;
        }
    }
    let rate = decisions as f64 / started.elapsed().as_secs_f64();
    println!("{statements} statements, {allowed} of {decisions} allowed: {:.2} million decisions a second", rate / 1e6);
    Ok(())
}
