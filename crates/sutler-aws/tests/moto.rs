//! Every call against moto, which answers as AWS does in form; and those that moto does not know (add-ons, pod identity
//! associations) against answers as AWS documents them.

#![allow(clippy::print_stdout, reason = "a test that lacks its judge says so")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use aws_credential_types::Credentials;
use serde_json::Value;
use sutler_aws::iam::Decision;
use sutler_aws::{Aws, Settings};

/// An account in moto, for the time of a test.
struct Account {
    process: Child,
    facts: Value,
}

impl Account {
    /// Starts one; `None`, told by name, where Python has no moto.
    fn start(test: &str) -> Option<Account> {
        let peer = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/peers/bin/moto-python");
        let here = std::path::Path::new(peer).is_file().then(|| peer.to_owned());
        let python = std::env::var("SUTLER_MOTO_PYTHON").ok().or(here).unwrap_or_else(|| "python3".into());
        let has_moto = Command::new(&python).args(["-c", "import moto.server"]).stderr(Stdio::null()).status();
        if !has_moto.is_ok_and(|status| status.success()) {
            println!("skipped {test}: no moto (`cargo xtask peers`, or SUTLER_MOTO_PYTHON)");
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/account.py");
        let mut process = Command::new(&python)
            .args([script, "--many"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python started a moment ago");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the account tells its address");
        Some(Account { process, facts: serde_json::from_str(&line).expect("a line of JSON") })
    }

    fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().expect("the account tells it")
    }

    /// A client of it: its address is the one thing that a user would set too.
    async fn open(&self) -> Aws {
        let settings = Settings { region: Some("us-west-2".into()), profile: None };
        let aws = Aws::open(&settings).await.expect("a region is set");
        aws.with_endpoint(self.fact("url")).with_credentials(Credentials::new("testing", "testing", None, None, "test"))
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // The script ends with its standard input.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_an_account_is_read_as_it_was_written() {
    let Some(account) = Account::start("what_stands_in_an_account_is_read_as_it_was_written") else { return };
    let aws = account.open().await;

    let caller = aws.caller().await.unwrap();
    assert_eq!((caller.account.as_str(), caller.arn.as_str()), ("123456789012", "arn:aws:sts::123456789012:user/moto"));

    let role = aws.role("data_DaftRole").await.unwrap().unwrap();
    assert_eq!(role.arn, "arn:aws:iam::123456789012:role/data_DaftRole");
    assert_eq!(role.max_session, 7200);
    assert_eq!(role.boundary, None);
    assert_eq!(role.tags, [("stack".to_owned(), "a+b %".to_owned())]);
    let trust: Value = serde_json::from_str(&role.trust).unwrap();
    assert_eq!(trust["Statement"][0]["Action"], "sts:AssumeRoleWithWebIdentity");
    assert_eq!(aws.role("nobody").await.unwrap(), None);

    let policies = aws.role_policies("data_DaftRole").await.unwrap();
    assert_eq!(policies.len(), 121);
    assert!(policies.iter().all(|policy| policy.document.contains("s3:GetObject")));
    assert_eq!(policies.last().unwrap().name, "arn:aws:iam::123456789012:policy/read");

    let providers = aws.oidc_providers().await.unwrap();
    assert_eq!(providers.len(), 1);
    assert_eq!(providers[0].url, "oidc.eks.us-west-2.amazonaws.com/id/AAAA");
    assert_eq!(providers[0].client_ids, ["sts.amazonaws.com"]);

    let cluster = aws.cluster("data").await.unwrap().unwrap();
    assert_eq!((cluster.status.as_str(), cluster.version.as_str()), ("ACTIVE", "1.34"));
    assert!(cluster.issuer.unwrap().starts_with("https://oidc.eks.us-west-2.amazonaws.com/id/"));
    assert_eq!(cluster.subnet_ids.len(), 2);
    assert_eq!(aws.cluster("other").await.unwrap(), None);

    let policy = aws.bucket_policy("team-data").await.unwrap().unwrap();
    assert!(policy.contains("2012-10-17"));
    assert_eq!(aws.bucket_policy("open").await.unwrap(), None);
    let encryption = aws.bucket_encryption("team-data").await.unwrap().unwrap();
    assert_eq!((encryption.algorithm.as_str(), encryption.key.as_deref()), ("aws:kms", Some(account.fact("key"))));
    assert_eq!(aws.bucket_region("team-data").await.unwrap().as_deref(), Some("us-west-2"));
    assert_eq!(aws.bucket_region("open").await.unwrap().as_deref(), Some("us-east-1"));
    assert_eq!(aws.bucket_region("none-such").await.unwrap(), None);

    let key = aws.key(account.fact("key")).await.unwrap().unwrap();
    assert_eq!((key.manager.as_str(), key.state.as_str()), ("CUSTOMER", "Enabled"));
    assert!(aws.key_policy(account.fact("key")).await.unwrap().unwrap().contains("kms:*"));
    assert_eq!(aws.key("12345678-1234-1234-1234-123456789012").await.unwrap(), None);

    let subnets = aws.subnets(account.fact("vpc")).await.unwrap();
    assert!(subnets.len() >= 3 && subnets.iter().all(|subnet| subnet.free_addresses > 4000));
    let holders = aws.network_holders(account.fact("vpc")).await.unwrap();
    let holders: Vec<_> = holders.iter().map(|one| (one.about.as_str(), one.status.as_deref())).collect();
    assert_eq!(holders, [("aws-K8S-i-0abc", Some("available")), ("k8s-elb-web", None)]);
    let zones = aws.instance_type_zones(&["m6i.large", "z9.huge"]).await.unwrap();
    assert_eq!(zones.keys().collect::<Vec<_>>(), ["m6i.large"]);
    assert!(zones["m6i.large"].contains("us-west-2a"));
    assert_eq!(aws.quota("vpc", "L-F678F1CE").await.unwrap(), Some(5.0));
    assert_eq!(aws.quota("vpc", "L-0").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_exchanged_for_a_roles_credentials() {
    let Some(account) = Account::start("a_token_is_exchanged_for_a_roles_credentials") else { return };
    let aws = account.open().await;
    let arn = "arn:aws:iam::123456789012:role/data_DaftRole";
    let session = aws.assume_role_with_web_identity(arn, "sutler", "a.b.c").await.unwrap();
    assert_eq!(session.arn, "arn:aws:sts::123456789012:assumed-role/data_DaftRole/sutler");
    assert!(session.credentials.session_token().is_some() && session.credentials.expiry().is_some());
    assert!(!format!("{session:?}").contains(session.credentials.secret_access_key()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_named_with_its_url() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let settings = Settings { region: Some("us-west-2".into()), profile: None };
    let aws = Aws::open(&settings).await.unwrap().with_endpoint(&format!("http://{address}"));
    let aws = aws.with_credentials(Credentials::new("testing", "testing", None, None, "test"));
    let error = aws.caller().await.unwrap_err();
    assert_eq!(error.to_string(), "`sts:GetCallerIdentity` on the caller failed");
    assert_eq!(error.reason.to_string(), format!("http://{address} was not reached"));
}

/// As the IAM API reference writes an answer of `SimulatePrincipalPolicy`; moto does not know the call.
const SIMULATED: [&str; 2] = [
    r#"<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>
      <IsTruncated>true</IsTruncated><Marker>m+1</Marker><EvaluationResults>
        <member><EvalActionName>iam:CreateRole</EvalActionName><EvalResourceName>arn:aws:iam::1:role/r</EvalResourceName>
          <EvalDecision>explicitDeny</EvalDecision>
          <MatchedStatements><member><SourcePolicyId>user_anna_limits</SourcePolicyId><SourcePolicyType>user</SourcePolicyType>
            <StartPosition><Line>4</Line><Column>9</Column></StartPosition></member></MatchedStatements>
          <MissingContextValues/>
          <ResourceSpecificResults><member><EvalResourceName>arn:aws:iam::1:role/r</EvalResourceName>
            <EvalResourceDecision>explicitDeny</EvalResourceDecision>
            <MatchedStatements><member><SourcePolicyId>user_anna_limits</SourcePolicyId></member></MatchedStatements>
            <MissingContextValues><member>aws:MultiFactorAuthPresent</member></MissingContextValues></member></ResourceSpecificResults>
        </member></EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"#,
    r#"<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>
      <IsTruncated>false</IsTruncated><EvaluationResults>
        <member><EvalActionName>iam:PassRole</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>implicitDeny</EvalDecision>
          <PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>false</AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail>
          <OrganizationsDecisionDetail><AllowedByOrganizations>true</AllowedByOrganizations></OrganizationsDecisionDetail>
          <MatchedStatements/><MissingContextValues/></member></EvaluationResults>
      </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"#,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_is_read_with_those_who_deny() {
    let (url, asked) = answering(&SIMULATED);
    let settings = Settings { region: Some("us-west-2".into()), profile: None };
    let aws = Aws::open(&settings).await.unwrap().with_endpoint(&url);
    let aws = aws.with_credentials(Credentials::new("testing", "testing", None, None, "test"));
    let context = [("iam:PassedToService", "eks.amazonaws.com")];
    let actions = ["iam:CreateRole", "iam:PassRole"];
    let said = aws.simulate("arn:aws:iam::1:user/anna", &actions, "arn:aws:iam::1:role/r", &context).await.unwrap();
    let [create, pass] = said.as_slice() else { panic!("{said:#?}") };
    assert_eq!((create.action.as_str(), create.decision), ("iam:CreateRole", Decision::ExplicitDeny));
    assert_eq!(
        (create.policies.join(" "), create.missing_keys.join(" ")),
        ("user_anna_limits".into(), "aws:MultiFactorAuthPresent".into())
    );
    assert_eq!((create.boundary_allows, create.organization_allows), (None, None));
    assert_eq!(
        (pass.decision, pass.boundary_allows, pass.organization_allows),
        (Decision::ImplicitDeny, Some(false), Some(true))
    );
    assert_eq!(asked.join().unwrap(), ["POST / HTTP/1.1", "POST / HTTP/1.1"]);
}

/// Answers one request after the other with these bodies, and returns what was asked: the first line of each.
fn answering(bodies: &'static [&'static str]) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let asked = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for body in bodies {
            let (stream, _) = listener.accept().expect("a request comes");
            let mut reader = BufReader::new(&stream);
            let mut line = || {
                let mut line = String::new();
                reader.read_line(&mut line).expect("it is text");
                line.trim_end().to_owned()
            };
            asked.push(line());
            let headers: Vec<String> = std::iter::repeat_with(&mut line).take_while(|line| !line.is_empty()).collect();
            let length =
                headers.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body_of_request = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body_of_request).expect("its body comes");
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            (&stream).write_all(format!("{head}{body}").as_bytes()).expect("the client reads");
        }
        asked
    });
    (url, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_come_in_pages_are_read_to_their_end() {
    let (url, asked) = answering(&[
        r#"{"addons": ["vpc-cni"], "nextToken": "a+b="}"#,
        r#"{"addons": ["eks-pod-identity-agent"]}"#,
        r#"{"associations": [{"associationId": "a-1"}]}"#,
        r#"{"association": {"associationId": "a-1", "namespace": "ray", "serviceAccount": "daft", "roleArn": "arn:aws:iam::1:role/r"}}"#,
    ]);
    let settings = Settings { region: Some("us-west-2".into()), profile: None };
    let aws = Aws::open(&settings).await.unwrap().with_endpoint(&url);
    let aws = aws.with_credentials(Credentials::new("testing", "testing", None, None, "test"));
    assert_eq!(aws.addons("data").await.unwrap(), ["vpc-cni", "eks-pod-identity-agent"]);
    let associations = aws.pod_identity_associations("data").await.unwrap();
    assert_eq!(associations.len(), 1);
    assert_eq!((associations[0].namespace.as_str(), associations[0].service_account.as_str()), ("ray", "daft"));
    assert_eq!(
        asked.join().unwrap().join("\n"),
        "GET /clusters/data/addons HTTP/1.1\nGET /clusters/data/addons?nextToken=a%2Bb%3D HTTP/1.1\n\
         GET /clusters/data/pod-identity-associations HTTP/1.1\nGET /clusters/data/pod-identity-associations/a-1 HTTP/1.1"
    );
}
