//! The faults.

use serde_json::{Value, json};
use sutler_access::doctor::{
    Agent, Association, Check, Fact, Facts, Key, Network, Pod, Role, ServiceAccount, State, Webhook,
};
use sutler_access::policy::Values;
use sutler_access::{Policy, PolicyKind};

use crate::Case;
use crate::healthy::{
    ACCOUNT, ISSUER, OLD_ISSUER, ROLE, accounts, pod_identity, policy, provider, role, trust_of, web_identity,
};

const ANNOTATION: &str = "eks.amazonaws.com/role-arn";

const fn failed(title: &'static str, base: fn() -> Facts, check: Check, change: fn(&mut Facts)) -> Case {
    Case { title, base, change, check, state: State::Failed }
}

const fn warned(title: &'static str, base: fn() -> Facts, check: Check, change: fn(&mut Facts)) -> Case {
    Case { title, base, change, check, state: State::Warning }
}

const fn unknown(title: &'static str, base: fn() -> Facts, check: Check, change: fn(&mut Facts)) -> Case {
    Case { title, base, change, check, state: State::Unknown }
}

fn pod(facts: &mut Facts) -> &mut Pod {
    match &mut facts.pod {
        Fact::Known(pod) => pod,
        _ => panic!("the base has a pod"),
    }
}

fn account(facts: &mut Facts) -> &mut ServiceAccount {
    match &mut facts.service_account {
        Fact::Known(account) => account,
        _ => panic!("the base has a service account"),
    }
}

fn of_role(facts: &mut Facts) -> &mut Role {
    match &mut facts.role {
        Fact::Known(role) => role,
        _ => panic!("the base has a role"),
    }
}

fn network(facts: &mut Facts) -> &mut Network {
    match &mut facts.network {
        Fact::Known(network) => network,
        _ => panic!("the base has a network"),
    }
}

fn annotate(facts: &mut Facts, value: &str) {
    account(facts).annotations.insert(ANNOTATION.to_owned(), value.to_owned());
}

/// The pod as the webhook leaves it where it does nothing.
fn uninjected(facts: &mut Facts) {
    let pod = pod(facts);
    pod.environment.clear();
    pod.token = None;
}

fn set(facts: &mut Facts, variable: &str, value: &str) {
    pod(facts).environment.insert(variable.to_owned(), Some(value.to_owned()));
}

/// Sets a condition of the trust policy's first statement on `sub` or `aud` of the cluster's issuer.
fn trust_condition(facts: &mut Facts, operator: &str, claim: &str, values: &[&str]) {
    let key = format!("{}:{claim}", ISSUER.trim_start_matches("https://"));
    let condition = &mut of_role(facts).trust.document.statement[0].condition;
    condition.values_mut().for_each(|keys| {
        keys.remove(&key);
    });
    let values: Values = values.iter().copied().collect();
    condition.entry(operator.to_owned()).or_default().insert(key, values);
}

fn trust(facts: &mut Facts, statements: Value) {
    of_role(facts).trust = policy(PolicyKind::Trust, "data-team-prod_DaftRole", statements);
}

fn bucket_policy(statements: Value) -> Fact<Policy> {
    Fact::Known(policy(PolicyKind::Resource, "of team-data", statements))
}

fn key(facts: &mut Facts, statements: Value) {
    let arn = "arn:aws:kms:us-west-2:444455556666:key/1a2b".to_owned();
    facts.key = Fact::Known(Key { arn, policy: Fact::Known(policy(PolicyKind::Resource, "of key 1a2b", statements)) });
}

/// A role that the pod's role takes.
fn chained(facts: &mut Facts, trusted: &str, asked: Option<u32>) {
    let trust = policy(
        PolicyKind::Trust,
        "reader",
        json!({"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}),
    );
    let mut second = role("arn:aws:iam::444455556666:role/reader", trust);
    second.asked_session = asked;
    second.max_session = 43_200;
    facts.chained_role = Some(Fact::Known(second));
}

pub(crate) const CASES: &[Case] = &[
    failed("The pod names no service account", web_identity, Check::ServiceAccount, |facts| {
        pod(facts).service_account = "default".to_owned();
        *account(facts) =
            ServiceAccount { namespace: "ray".into(), name: "default".into(), ..ServiceAccount::default() };
        uninjected(facts);
    }),
    failed("The service account is not there", web_identity, Check::ServiceAccount, |facts| {
        facts.service_account = Fact::Absent;
    }),
    failed("The annotation is missing", web_identity, Check::Mechanism, |facts| {
        account(facts).annotations.clear();
        uninjected(facts);
    }),
    failed("The annotation is missing, and a stack wants it", web_identity, Check::Mechanism, |facts| {
        account(facts).annotations.clear();
        uninjected(facts);
        facts.expected_role = Some(ROLE.to_owned());
    }),
    failed("The annotation is misspelt", web_identity, Check::Mechanism, |facts| {
        account(facts).annotations.clear();
        account(facts).annotations.insert("eks.amazonaws.com/rolearn".to_owned(), ROLE.to_owned());
        uninjected(facts);
    }),
    failed("The annotation is one of another system", web_identity, Check::Mechanism, |facts| {
        account(facts).annotations.clear();
        account(facts).annotations.insert("iam.amazonaws.com/role".to_owned(), ROLE.to_owned());
        uninjected(facts);
    }),
    failed("Another tool removed the annotation", web_identity, Check::Mechanism, |facts| {
        account(facts).annotations.clear();
        account(facts).last_change = Some(("argocd-controller".to_owned(), 1_795_420_000));
    }),
    warned("Both mechanisms at once", web_identity, Check::Mechanism, |facts| {
        let association = Association { service_account: accounts()[0].clone(), role: ROLE.replace("Daft", "Other") };
        facts.associations = Fact::Known(vec![association]);
    }),
    failed("The ARN has an account too short", web_identity, Check::RoleArn, |facts| {
        annotate(facts, "arn:aws:iam::44445555666:role/data-team-prod_DaftRole");
    }),
    failed("The ARN is quoted twice", web_identity, Check::RoleArn, |facts| annotate(facts, &format!("\"{ROLE}\""))),
    failed("The ARN is of a policy", web_identity, Check::RoleArn, |facts| {
        annotate(facts, "arn:aws:iam::444455556666:policy/DaftRole");
    }),
    failed("The ARN is a name", web_identity, Check::RoleArn, |facts| annotate(facts, "data-team-prod_DaftRole")),
    failed("The ARN is of another partition", web_identity, Check::RoleArn, |facts| {
        annotate(facts, &ROLE.replace("arn:aws:", "arn:aws-cn:"));
    }),
    failed("The ARN is of another account, which has no such role", web_identity, Check::RoleArn, |facts| {
        annotate(facts, &ROLE.replace(ACCOUNT, "111122223333"));
        facts.role = Fact::Absent;
    }),
    warned("The role is one of another account", web_identity, Check::RoleArn, |facts| {
        facts.account = Fact::Known("111122223333".to_owned());
    }),
    failed("The role is not there", web_identity, Check::RoleArn, |facts| facts.role = Fact::Absent),
    failed("The annotation is not the stack's", web_identity, Check::RoleArn, |facts| {
        facts.expected_role = Some(ROLE.replace("prod", "live"));
    }),
    failed("Keys in the environment win", web_identity, Check::StaticKeys, |facts| {
        set(facts, "AWS_ACCESS_KEY_ID", "AKIAEXAMPLE");
        set(facts, "AWS_SECRET_ACCESS_KEY", "redacted");
    }),
    warned("A profile may win", web_identity, Check::StaticKeys, |facts| set(facts, "AWS_PROFILE", "team")),
    warned("The node's role answers in place of a broken chain", web_identity, Check::Caller, |facts| {
        of_role(facts).trust = trust_of(OLD_ISSUER);
        uninjected(facts);
    }),
    failed("The webhook is missing", web_identity, Check::Webhook, |facts| {
        uninjected(facts);
        facts.webhook = Fact::Absent;
    }),
    failed("The webhook is broken", web_identity, Check::Webhook, |facts| {
        uninjected(facts);
        let fault = Some("x509: certificate has expired".to_owned());
        facts.webhook = Fact::Known(Webhook { name: "pod-identity-webhook".to_owned(), fault });
    }),
    failed("The pod is older than the annotation", web_identity, Check::Webhook, |facts| {
        uninjected(facts);
        account(facts).annotated = Some(pod(facts).created + 5_400);
    }),
    failed("The pod was left out, and it is not known why", web_identity, Check::Webhook, uninjected),
    failed("The annotation was changed since", web_identity, Check::Webhook, |facts| {
        set(facts, "AWS_ROLE_ARN", &ROLE.replace("Daft", "Old"));
    }),
    failed("The pod sets AWS_ROLE_ARN itself", web_identity, Check::Webhook, |facts| {
        pod(facts).environment.remove("AWS_WEB_IDENTITY_TOKEN_FILE");
    }),
    failed("The token is for another audience", web_identity, Check::Token, |facts| {
        if let Some(token) = &mut pod(facts).token {
            token.audience = "kubernetes.default.svc".to_owned();
        }
    }),
    failed("A user who is not root cannot read the token", web_identity, Check::Token, |facts| {
        let pod = pod(facts);
        (pod.user, pod.shared_user) = (Some(1000), None);
        if let Some(token) = &mut pod.token {
            token.mode = Some(0o400);
        }
    }),
    failed("The node's role answers instead", web_identity, Check::Caller, |facts| {
        let caller = "arn:aws:sts::444455556666:assumed-role/data-team-prod-node/i-0123456789abcdef0";
        facts.observed_caller = Fact::Known(caller.to_owned());
    }),
    failed("The identity provider is missing", web_identity, Check::Provider, |facts| facts.providers = Fact::Absent),
    failed("The identity provider is of a cluster that was rebuilt", web_identity, Check::Provider, |facts| {
        facts.providers = Fact::Known(vec![provider(OLD_ISSUER)]);
    }),
    failed("The identity provider is of another region", web_identity, Check::Provider, |facts| {
        facts.providers = Fact::Known(vec![provider(&ISSUER.replace("us-west-2", "eu-west-1"))]);
    }),
    failed("The identity provider takes another audience", web_identity, Check::Provider, |facts| {
        let mut provider = provider(ISSUER);
        provider.client_ids = vec!["sts".to_owned()];
        facts.providers = Fact::Known(vec![provider]);
    }),
    failed("The cluster has no issuer", web_identity, Check::Provider, |facts| facts.issuer = Fact::Absent),
    failed("The role was made for a cluster that no longer exists", web_identity, Check::Trust, |facts| {
        of_role(facts).trust = trust_of(OLD_ISSUER);
    }),
    failed(
        "The role was made for a cluster that no longer exists, and a stack has it",
        web_identity,
        Check::Trust,
        |facts| {
            of_role(facts).trust = trust_of(OLD_ISSUER);
            facts.expected_role = Some(ROLE.to_owned());
        },
    ),
    failed("The issuer's host differs", web_identity, Check::Trust, |facts| {
        of_role(facts).trust = trust_of("https://s3.amazonaws.com/our-oidc");
    }),
    failed("The condition is on another issuer", web_identity, Check::Trust, |facts| {
        let statement = of_role(facts).trust.document.statement[0].clone();
        let mut old = trust_of(OLD_ISSUER);
        old.document.statement[0].principal = statement.principal;
        of_role(facts).trust = old;
    }),
    failed("`sub` is another", web_identity, Check::Trust, |facts| {
        trust_condition(facts, "StringEquals", "sub", &["system:serviceaccount:default:daft"]);
    }),
    failed("`sub` has a wildcard under StringEquals", web_identity, Check::Trust, |facts| {
        trust_condition(facts, "StringEquals", "sub", &["system:serviceaccount:ray:*"]);
    }),
    failed("`sub` has the audience's value", web_identity, Check::Trust, |facts| {
        trust_condition(facts, "StringEquals", "sub", &["sts.amazonaws.com"]);
    }),
    failed("`aud` is another", web_identity, Check::Trust, |facts| {
        trust_condition(facts, "StringEquals", "aud", &["https://kubernetes.default.svc"]);
    }),
    failed("`aud` has the subject's value", web_identity, Check::Trust, |facts| {
        trust_condition(facts, "StringEquals", "aud", &["system:serviceaccount:ray:daft"]);
    }),
    warned("`sub` is not asked for: the role is too open", web_identity, Check::Trust, |facts| {
        let condition = &mut of_role(facts).trust.document.statement[0].condition;
        condition.values_mut().for_each(|keys| keys.retain(|key, _| key.ends_with(":aud")));
    }),
    warned("`sub` is a pattern of everybody", web_identity, Check::Trust, |facts| {
        trust_condition(facts, "StringLike", "sub", &["system:serviceaccount:*:*"]);
    }),
    failed("The trust policy denies the pod", web_identity, Check::Trust, |facts| {
        let mut deny = of_role(facts).trust.document.statement[0].clone();
        deny.effect = sutler_access::policy::Effect::Deny;
        of_role(facts).trust.document.statement.push(deny);
    }),
    failed("The trust policy allows another action", web_identity, Check::Trust, |facts| {
        of_role(facts).trust.document.statement[0].action = "sts:AssumeRole".into();
    }),
    failed("The trust policy is for Pod Identity", web_identity, Check::Trust, |facts| {
        trust(
            facts,
            json!({"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}),
        );
    }),
    failed("The trust policy trusts the account alone", web_identity, Check::Trust, |facts| {
        trust(facts, json!({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}));
    }),
    unknown("Nobody may read the role", web_identity, Check::Trust, |facts| {
        facts.role = Fact::Unknown("no right to call iam:GetRole".to_owned());
    }),
    failed("The Pod Identity agent is not installed", pod_identity, Check::Agent, |facts| facts.agent = Fact::Absent),
    failed("The Pod Identity agent is not ready", pod_identity, Check::Agent, |facts| {
        facts.agent = Fact::Known(Agent { ready: false });
    }),
    failed("The pod is older than the association", pod_identity, Check::Agent, |facts| pod(facts).environment.clear()),
    failed("The pod still has a token of IRSA", pod_identity, Check::Agent, |facts| {
        set(facts, "AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/eks.amazonaws.com/serviceaccount/token");
    }),
    failed("The trust policy is for IRSA", pod_identity, Check::Trust, |facts| of_role(facts).trust = trust_of(ISSUER)),
    failed("The trust policy lacks sts:TagSession", pod_identity, Check::Trust, |facts| {
        of_role(facts).trust.document.statement[0].action = "sts:AssumeRole".into();
    }),
    failed("A NetworkPolicy blocks STS", web_identity, Check::Network, |facts| {
        network(facts).blocked = vec![("sts".to_owned(), "ray/deny-egress".to_owned())];
    }),
    failed("A NetworkPolicy blocks S3", web_identity, Check::Network, |facts| {
        network(facts).blocked = vec![("s3".to_owned(), "ray/deny-egress".to_owned())];
    }),
    failed("A NetworkPolicy blocks the Pod Identity agent", pod_identity, Check::Network, |facts| {
        network(facts).blocked = vec![("pod-identity-agent".to_owned(), "jupyterhub/singleuser".to_owned())];
    }),
    failed("A private network has no way to STS", web_identity, Check::Network, |facts| {
        *network(facts) = Network { endpoints: vec!["s3".to_owned()], ..Network::default() };
    }),
    failed("A private network has no way to S3", web_identity, Check::Network, |facts| {
        *network(facts) = Network { endpoints: vec!["sts".to_owned()], ..Network::default() };
    }),
    failed("SDKs ask the global STS in a private network", web_identity, Check::Network, |facts| {
        *network(facts) = Network { endpoints: vec!["sts".to_owned(), "s3".to_owned()], ..Network::default() };
        set(facts, "AWS_STS_REGIONAL_ENDPOINTS", "legacy");
    }),
    failed("The container has no region in a private network", web_identity, Check::Network, |facts| {
        *network(facts) = Network { endpoints: vec!["sts".to_owned(), "s3".to_owned()], ..Network::default() };
        pod(facts).environment.retain(|name, _| !name.ends_with("REGION"));
    }),
    failed("The session is longer than the role allows", web_identity, Check::Session, |facts| {
        of_role(facts).asked_session = Some(43_200);
    }),
    failed("The session of a chained role is longer than an hour", web_identity, Check::Session, |facts| {
        chained(facts, ROLE, Some(7_200));
    }),
    failed("The chained role does not trust the first", web_identity, Check::Chain, |facts| {
        chained(facts, "arn:aws:iam::444455556666:role/other", None);
    }),
    failed("The first role may not take the chained one", web_identity, Check::Chain, |facts| {
        chained(facts, ACCOUNT, None)
    }),
    failed("No policy allows it", web_identity, Check::Policy, |facts| {
        facts.action = "s3:PutObject".to_owned();
    }),
    failed("The policy is about another bucket", web_identity, Check::Policy, |facts| {
        facts.resource = "arn:aws:s3:::team-raw/x".to_owned();
    }),
    failed("The bucket policy denies it", web_identity, Check::Policy, |facts| {
        facts.resource_policy = bucket_policy(json!({
            "Sid": "OnlyFromVpc", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
        }));
    }),
    failed("The bucket of another account does not allow it", web_identity, Check::Policy, |facts| {
        facts.resource_account = Fact::Known("111122223333".to_owned());
        facts.resource_policy = bucket_policy(json!({
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:role/other"}, "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::team-data/*",
        }));
    }),
    failed("The permissions boundary does not allow it", web_identity, Check::Policy, |facts| {
        let statements = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::team-raw/*"});
        of_role(facts).boundary = Fact::Known(policy(PolicyKind::Boundary, "TeamBoundary", statements));
    }),
    failed("The organisation does not allow it", web_identity, Check::Policy, |facts| {
        let level = policy(
            PolicyKind::ServiceControl,
            "OnlyEc2",
            json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}),
        );
        facts.service_control = Fact::Known(vec![vec![level]]);
    }),
    unknown("Nobody may read the bucket policy", web_identity, Check::Policy, |facts| {
        facts.resource_policy = Fact::Unknown("no right to call s3:GetBucketPolicy".to_owned());
    }),
    failed("The role may not use the key", web_identity, Check::Key, |facts| {
        key(facts, json!({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}));
    }),
    failed("The key's policy does not name the role", web_identity, Check::Key, |facts| {
        key(
            facts,
            json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:role/admin"}, "Action": "kms:*", "Resource": "*"}),
        );
    }),
];

type Chain = (&'static str, fn() -> Facts, fn(&mut Facts));

pub(crate) const CHAINS: &[Chain] = &[
    ("All is well, by IRSA", web_identity, |_| {}),
    ("All is well, by EKS Pod Identity", pod_identity, |_| {}),
    ("The cluster was rebuilt, the role was not", web_identity, |facts| {
        of_role(facts).trust = trust_of(OLD_ISSUER);
        facts.expected_role = Some(ROLE.to_owned());
    }),
    ("The pod is older than the annotation", web_identity, |facts| {
        uninjected(facts);
        account(facts).annotated = Some(pod(facts).created + 5_400);
    }),
    ("Somebody without rights in AWS asks", web_identity, |facts| {
        let why = || "no credentials for AWS".to_owned();
        facts.role = Fact::Unknown(why());
        facts.providers = Fact::Unknown(why());
        facts.resource_policy = Fact::Unknown(why());
        facts.key = Fact::Unknown(why());
        facts.network = Fact::Unknown(why());
    }),
];
