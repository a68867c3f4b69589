//! What is generated allows exactly what was asked, by the evaluator: random grants, random requests, and a plain model of what a grant
//! means. `SUTLER_SEED` and `SUTLER_CASES` choose others; the seed is printed.

use sutler_access::s3::{self, Access};
use sutler_access::{Caller, Document, Partition, Policies, Policy, PolicyKind, Request, boundary, glue, kms};

/// SplitMix64: a few lines, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[(self.next() % from.len() as u64) as usize]
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn caller() -> Caller {
    Caller::Session { role: "arn:aws:iam::444455556666:role/r".to_owned(), session: "pod".to_owned() }
}

fn evaluator(documents: &[Document]) -> sutler_access::Evaluator {
    let identity = documents.iter().map(|one| Policy::new(PolicyKind::Identity, "p", one.clone())).collect();
    Policies { identity, ..Policies::default() }.compile().expect("the policies compile")
}

const BUCKETS: &[&str] = &["team-data", "team-data-2", "team.scratch"];
const PREFIXES: &[&str] = &["", "daft/", "daft", "daft/a b/", "da"];
const KEYS: &[&str] = &["x", "daft", "daft/", "daft/x", "daft/a b/c", "da", "other/daft/x", "daft2/x"];
const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:PutObjectAcl",
    "s3:GetObjectVersion",
    "s3:DeleteObjectVersion",
];

#[test]
fn s3_grants_allow_what_they_say_and_nothing_else() {
    let seed = number("SUTLER_SEED", 1);
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut allowed = 0;
    for _ in 0..number("SUTLER_CASES", 3000) {
        let count = 1 + random.next() % 3;
        let grants: Vec<s3::Grant> = (0..count)
            .map(|_| s3::Grant {
                bucket: (*random.pick(BUCKETS)).to_owned(),
                prefix: (*random.pick(PREFIXES)).to_owned(),
                access: *random.pick(&[Access::List, Access::Read, Access::Write]),
            })
            .collect();
        let document = s3::policy(&grants, Partition::Standard).unwrap();
        let role = evaluator(std::slice::from_ref(&document));
        // A role that may do everything, with what was generated as its boundary, may do the same.
        let all = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
        let all = Policy::new(PolicyKind::Identity, "all", serde_json::from_str(all).unwrap());
        let limit = Policy::new(PolicyKind::Boundary, "b", boundary::of(&[document.clone(), document]).unwrap());
        let bounded = Policies { identity: vec![all], boundary: Some(limit), ..Policies::default() }
            .compile()
            .expect("the policies compile");
        let mut check = |request: Request, expect: bool| {
            assert_eq!(role.decide(&request).is_allowed(), expect, "seed {seed}: {grants:?} {request:?}");
            assert_eq!(bounded.decide(&request).is_allowed(), expect, "seed {seed}, bounded: {grants:?} {request:?}");
            allowed += u64::from(expect);
        };
        for bucket in BUCKETS {
            let of_bucket: Vec<&s3::Grant> = grants.iter().filter(|grant| grant.bucket == *bucket).collect();
            let (key, action) = (*random.pick(KEYS), *random.pick(ACTIONS));
            let may = of_bucket
                .iter()
                .any(|grant| key.starts_with(&grant.prefix) && s3::object_actions(grant.access).contains(&action));
            check(Request::new(caller(), action, format!("arn:aws:s3:::{bucket}/{key}")), may);
            let prefix = *random.pick(PREFIXES);
            let list = Request::new(caller(), "s3:ListBucket", format!("arn:aws:s3:::{bucket}"));
            let may = of_bucket.iter().any(|grant| prefix.starts_with(&grant.prefix));
            check(list.clone().with("s3:prefix", prefix), may);
            check(list, of_bucket.iter().any(|grant| grant.prefix.is_empty()));
            let locate = Request::new(caller(), "s3:GetBucketLocation", format!("arn:aws:s3:::{bucket}"));
            check(locate, !of_bucket.is_empty());
            check(Request::new(caller(), "s3:DeleteBucket", format!("arn:aws:s3:::{bucket}")), false);
        }
    }
    assert!(allowed > 0, "nothing was ever allowed: the test tests nothing");
}

#[test]
fn keys_are_used_through_s3_alone() {
    let key = "arn:aws:kms:us-west-2:444455556666:key/1a-2b";
    for (access, decrypt, generate) in
        [(Access::List, false, false), (Access::Read, true, false), (Access::Write, true, true)]
    {
        let document = kms::policy(&[kms::Grant { key: key.to_owned(), access }]).unwrap();
        // The key's own policy leaves it to the account, as KMS makes it.
        let statement = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "kms:*", "Resource": "*"}}"#;
        let of_key = Policy::new(PolicyKind::Resource, "key", serde_json::from_str(statement).unwrap());
        let identity = vec![Policy::new(PolicyKind::Identity, "p", document)];
        let policies = Policies { identity, resource: Some(of_key), ..Policies::default() }
            .compile()
            .expect("the policies compile");
        let ask = |action: &str, via: &str, key: &str| {
            let request = Request::new(caller(), action, key);
            policies.decide(&if via.is_empty() { request } else { request.with("kms:ViaService", via) }).is_allowed()
        };
        let s3 = "s3.us-west-2.amazonaws.com";
        assert_eq!(ask("kms:Decrypt", s3, key), decrypt);
        assert_eq!(ask("kms:GenerateDataKey", s3, key), generate);
        assert!(!ask("kms:Encrypt", s3, key) && !ask("kms:ScheduleKeyDeletion", s3, key));
        assert!(!ask("kms:Decrypt", "", key) && !ask("kms:Decrypt", "s3.eu-west-1.amazonaws.com", key));
        assert!(!ask("kms:Decrypt", s3, "arn:aws:kms:us-west-2:444455556666:key/1a-2b-3c"));
    }
    let error = kms::policy(&[kms::Grant { key: "alias/team".to_owned(), access: Access::Read }]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`alias/team` is not the ARN of a KMS key: arn:aws:kms:REGION:ACCOUNT:key/ID is wanted"
    );
    assert_eq!(kms::via_s3("cn-north-1"), "s3.cn-north-1.amazonaws.com.cn");
}

#[test]
fn tables_are_read_and_never_changed() {
    let grants = [
        glue::Grant { database: "events".to_owned(), tables: Vec::new() },
        glue::Grant { database: "other".to_owned(), tables: vec!["one".to_owned()] },
    ];
    let account = "444455556666".parse().unwrap();
    let role = evaluator(&[glue::policy(&grants, Partition::Standard, "us-west-2", &account).unwrap()]);
    let ask = |action: &str, resource: &str| {
        let arn = format!("arn:aws:glue:us-west-2:444455556666:{resource}");
        role.decide(&Request::new(caller(), action, arn)).is_allowed()
    };
    for action in glue::READ_ACTIONS {
        for resource in ["catalog", "database/events", "table/events/clicks", "database/other", "table/other/one"] {
            assert!(ask(action, resource), "{action} {resource}");
        }
        for resource in ["database/events2", "table/events2/a", "table/other/two", "userDefinedFunction/events/f"] {
            assert!(!ask(action, resource), "{action} {resource}");
        }
    }
    assert!(!ask("glue:CreateTable", "table/events/clicks") && !ask("glue:DeleteTable", "table/events/clicks"));
    let bad = [glue::Grant { database: "a*".to_owned(), tables: Vec::new() }];
    assert!(glue::policy(&bad, Partition::Standard, "us-west-2", &account).is_err());
}
