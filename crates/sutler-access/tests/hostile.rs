//! Texts that were damaged at random: nothing panics, and what is read without an error compiles, is written back with the same meaning, and
//! decides. `SUTLER_SEED` and `SUTLER_CASES` choose others; the seed is printed.

#![allow(clippy::print_stdout, reason = "a test says its seed")]

use sutler_access::compare::differences;
use sutler_access::doctor::{Pod, ServiceAccount};
use sutler_access::pattern::string_like;
use sutler_access::read::read;
use sutler_access::{Caller, Policies, Policy, PolicyKind, Request};

const KINDS: &[PolicyKind] = &[
    PolicyKind::Identity,
    PolicyKind::Resource,
    PolicyKind::Trust,
    PolicyKind::Boundary,
    PolicyKind::Session,
    PolicyKind::ServiceControl,
    PolicyKind::ResourceControl,
];

const POLICY: &str = r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":["111122223333","*"]},
"Action":["s3:Get*","sts:AssumeRole"],"NotResource":"arn:aws:s3:::team-${aws:username, 'né'}/*","Condition":{"ForAllValues:StringLikeIfExists":
{"aws:TagKeys":["a*","${*}"]},"NumericLessThan":{"s3:max-keys":10.5},"Bool":{"aws:SecureTransport":true},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},
"DateLessThan":{"aws:CurrentTime":"2026-11-23T10:00:00Z"}}},{"Effect":"Deny","Principal":"*","NotAction":"iam:*","Resource":["arn:aws:*:u*t-1:\u00e9:a?b","*"]}]}"#;

/// Pieces that damage finds more often than chance does.
const PIECES: &[&str] =
    &["\"", "{", "}", "[", "]", ":", ",", "*", "?", "${", "}", "'", "\\", "\\u", "é", "\n", "null", "1e999", "-", "/"];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn damaged(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(3) {
        let at = random.below(chars.len());
        match random.below(4) {
            0 => drop(chars.drain(at..(at + 1 + random.below(8)).min(chars.len()))),
            1 => drop(chars.splice(at..at, PIECES[random.below(PIECES.len())].chars())),
            2 => {
                let other = random.below(chars.len());
                chars.swap(at, other);
            }
            _ => {
                let end = (at + random.below(40)).min(chars.len());
                let copy: Vec<char> = chars[at..end].to_vec();
                drop(chars.splice(at..at, copy));
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn a_damaged_policy_is_refused_or_means_what_it_says() {
    let seed = number("SUTLER_SEED", 1);
    println!("seed {seed}");
    let mut random = Random(seed);
    let caller = Caller::User { arn: "arn:aws:iam::111122223333:user/ada".to_owned() };
    let mut whole = 0;
    for _ in 0..number("SUTLER_CASES", 20_000) {
        let kind = KINDS[random.below(KINDS.len())];
        let base = match kind.names_principals() {
            true => POLICY.to_owned(),
            false => {
                POLICY.replace(r#""Principal":{"AWS":["111122223333","*"]},"#, "").replace(r#""Principal":"*","#, "")
            }
        };
        let text = damaged(&base, &mut random);
        let Some(policy) = read(&text, kind, "p").policy else { continue };
        whole += 1;
        let again: sutler_access::Document = serde_json::from_str(&policy.document.to_json())
            .unwrap_or_else(|error| panic!("seed {seed}: {error}: {text}"));
        assert_eq!(differences(&policy.document, &again), [], "seed {seed}: {text}");
        let mut policies = Policies::default();
        match kind {
            PolicyKind::Resource | PolicyKind::Trust => policies.resource = Some(policy),
            PolicyKind::Boundary => policies.boundary = Some(policy),
            _ => policies.identity = vec![policy],
        }
        let evaluator = policies.compile().unwrap_or_else(|error| panic!("seed {seed}: {error:?}: {text}"));
        let request = Request::new(caller.clone(), "s3:GetObject", damaged("arn:aws:s3:::team-ada/é:x", &mut random));
        let _ = evaluator.decide(&request.with_all("aws:TagKeys", ["a", "é"]));
    }
    println!("{whole} of them read");
    assert!(whole > 0, "every text was refused: the test tests nothing");
}

#[test]
fn objects_that_make_no_sense_are_no_facts() {
    let text = r#"{"metadata":{"name":"a","annotations":{"k":"v"},"managedFields":[{"manager":"m","time":"2026-11-23T10:00:00Z"}]},"spec":{"containers":
[{"name":"c","env":[{"name":"A","value":"b"}],"volumeMounts":[{"name":"t","mountPath":"/x"}]}],"volumes":[{"name":"t","projected":{"sources":
[{"serviceAccountToken":{"audience":"s","path":"token"}}]}}]}}"#;
    let mut random = Random(number("SUTLER_SEED", 1));
    for _ in 0..number("SUTLER_CASES", 20_000) {
        if let Ok(object) = serde_json::from_str(&damaged(text, &mut random)) {
            let _ = (Pod::from_object(&object, None), ServiceAccount::from_object(&object));
        }
    }
}

#[test]
fn no_pattern_is_slow() {
    // Each would take longer than the universe in a matcher that tries every split.
    let text = format!("arn:aws:s3:::{}", "a".repeat(4_000));
    assert!(!string_like(&format!("{}b", "*a".repeat(2_000)), &text));
    let statement = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"arn:a*s:s3:::{}b"}}}}"#,
        "*a".repeat(2_000)
    );
    let document = serde_json::from_str(&statement).unwrap_or_else(|error| panic!("{error}"));
    let identity = vec![Policy::new(PolicyKind::Identity, "p", document)];
    let evaluator = Policies { identity, ..Policies::default() }.compile().unwrap_or_else(|error| panic!("{error}"));
    let caller = Caller::User { arn: "arn:aws:iam::111122223333:user/ada".to_owned() };
    assert!(!evaluator.decide(&Request::new(caller, "s3:GetObject", text)).is_allowed());
}
