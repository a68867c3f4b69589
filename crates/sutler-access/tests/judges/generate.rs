//! Makes up policy sets from few words, so that they often meet: each part is drawn from what a request might have and from near misses.

use serde_json::{Map, Value, json};

use crate::case::Case;

/// SplitMix64.
pub(crate) struct Generator(u64);

const ACCOUNT: &str = "111122223333";
const OTHER_ACCOUNT: &str = "444455556666";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Daft/pod";
const USER: &str = "arn:aws:iam::111122223333:user/ada";

/// Actions with a resource of theirs, with its account or `-` where the ARN has none.
const REQUESTS: &[(&str, &str)] = &[
    ("s3:GetObject", "arn:aws:s3:::team-data/ada/x.parquet"),
    ("s3:GetObject", "arn:aws:s3:::team-data/events/a:b"),
    ("s3:PutObject", "arn:aws:s3:::team-data/events/y"),
    ("s3:DeleteObject", "arn:aws:s3:::other/ada/y"),
    ("s3:ListBucket", "arn:aws:s3:::team-data"),
    ("dynamodb:GetItem", "arn:aws:dynamodb:us-west-2:@:table/Books"),
    ("sqs:SendMessage", "arn:aws:sqs:us-west-2:@:jobs"),
    ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-west-2:@:secret:db-a1b2c3"),
];

const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "s3:getobject",
    "s3:Get*",
    "s3:*",
    "*",
    "S3:?etObject",
    "s3:PutObject",
    "s3:*Object",
    "s3:List*",
    "s3:ListBucket",
    "dynamodb:GetItem",
    "dynamodb:*Item",
    "sqs:SendMessage",
    "sqs:*",
    "secretsmanager:Get*",
    "s3:DeleteObject",
];

const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::team-data",
    "arn:aws:s3:::team-data/*",
    "arn:aws:s3:::team-data*",
    "arn:aws:s3:::*/ada/*",
    "arn:aws:s3:::team-????/*",
    "arn:aws:s3:::team-data/events/?:b",
    "arn:aws:s3:::other/*",
    "arn:aws:dynamodb:*:*:table/B*",
    "arn:aws:dynamodb:us-west-2:111122223333:table/Books",
    "arn:aws:dynamodb:us-*-2:*:*",
    "arn:aws:sqs:us-west-2:111122223333:jobs",
    "arn:aws:sqs:*:*:j?bs",
    "arn:aws:secretsmanager:*:*:secret:db-*",
];

const VARIABLE_RESOURCES: &[&str] = &[
    "arn:aws:s3:::team-data/${aws:username}/*",
    "arn:aws:s3:::team-data/${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::team-data/${aws:PrincipalTag/none, 'events'}/*",
];

/// Operators, keys and values that a request may have, each with values that match it or nearly do.
///
/// `ForAnyValue:…IfExists` is not among them: without the key iam-simulate takes it for false, AWS documents `…IfExists` as true then
/// ("if the key is not present, evaluate the condition element as true"), and so it is here.
const CONDITIONS: &[(&str, &str, &[&str])] = &[
    ("StringEquals", "aws:PrincipalTag/team", &["daft", "ray", "Daft", "da*"]),
    ("StringNotEquals", "aws:PrincipalTag/team", &["daft", "ray"]),
    ("StringEqualsIgnoreCase", "aws:PrincipalTag/team", &["DAFT", "ray"]),
    ("StringNotEqualsIgnoreCase", "aws:PrincipalTag/team", &["DAFT", "x"]),
    ("StringLike", "aws:PrincipalTag/team", &["d*", "?ay", "*", "x*"]),
    ("StringNotLike", "aws:PrincipalTag/team", &["d*", "r?y"]),
    ("StringEqualsIfExists", "aws:PrincipalTag/team", &["daft", "x"]),
    ("StringNotLikeIfExists", "aws:PrincipalTag/team", &["d*"]),
    ("StringEquals", "aws:PrincipalAccount", &["111122223333", "444455556666"]),
    ("StringEquals", "aws:ResourceAccount", &["111122223333", "${aws:PrincipalAccount}"]),
    (
        "ArnLike",
        "aws:PrincipalArn",
        &["arn:aws:iam::111122223333:role/*", "arn:aws:iam::*:user/ada", "arn:aws:iam::111122223333:role/Ray"],
    ),
    ("ArnEquals", "aws:PrincipalArn", &["arn:aws:iam::111122223333:role/Daft", "arn:aws:iam::111122223333:role/D?ft"]),
    ("ArnNotEquals", "aws:PrincipalArn", &["arn:aws:iam::111122223333:role/Daft"]),
    ("ArnNotLike", "aws:PrincipalArn", &["arn:aws:iam::*:role/*"]),
    ("IpAddress", "aws:SourceIp", &["10.0.0.0/8", "203.0.113.7", "203.0.113.0/24", "2001:db8::/32"]),
    ("NotIpAddress", "aws:SourceIp", &["10.0.0.0/8", "203.0.113.0/24"]),
    ("Bool", "aws:SecureTransport", &["true", "false"]),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", &["true", "false"]),
    ("NumericLessThan", "aws:MultiFactorAuthAge", &["300", "60", "299.5"]),
    ("NumericGreaterThanEquals", "aws:MultiFactorAuthAge", &["300", "60"]),
    ("NumericEquals", "aws:MultiFactorAuthAge", &["300", "299"]),
    ("NumericNotEquals", "aws:MultiFactorAuthAge", &["300"]),
    ("NumericLessThanEqualsIfExists", "aws:MultiFactorAuthAge", &["100"]),
    ("DateGreaterThan", "aws:CurrentTime", &["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]),
    ("DateLessThanEquals", "aws:CurrentTime", &["2026-06-01T12:00:00Z", "2026-01-01T00:00:00Z"]),
    ("DateNotEquals", "aws:CurrentTime", &["2026-06-01T12:00:00Z"]),
    ("Null", "aws:PrincipalTag/team", &["true", "false"]),
    ("Null", "aws:MultiFactorAuthAge", &["true", "false"]),
    ("ForAnyValue:StringEquals", "aws:PrincipalOrgPaths", &["o-1/r-1/ou-1/", "o-1/r-1/ou-2/"]),
    ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", &["o-1/r-1/*", "o-1/r-1/ou-1/"]),
    ("ForAnyValue:StringNotEquals", "aws:PrincipalOrgPaths", &["o-1/r-1/ou-1/"]),
    ("ForAllValues:StringEqualsIfExists", "aws:PrincipalOrgPaths", &["o-1/r-1/ou-1/"]),
    ("ForAllValues:StringNotLike", "aws:PrincipalOrgPaths", &["o-1/r-1/ou-1/*", "o-2/*"]),
];

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[(self.next() % from.len() as u64) as usize]
    }

    /// True in so many of a hundred.
    fn percent(&mut self, chance: u64) -> bool {
        self.next() % 100 < chance
    }

    /// One value, or a list of up to three.
    fn values(&mut self, from: &[&str]) -> Value {
        if self.percent(50) {
            return json!(self.pick(from));
        }
        let count = 1 + self.next() % 3;
        let mut values: Vec<&str> = (0..count).map(|_| self.pick(from)).collect();
        values.dedup();
        json!(values)
    }

    fn base(&mut self) -> Case {
        let (action, resource) = self.pick(REQUESTS);
        let resource_account = if self.percent(75) { ACCOUNT } else { OTHER_ACCOUNT };
        let caller = if self.percent(70) { SESSION } else { USER };
        let mut case = Case {
            caller: caller.to_owned(),
            action: action.to_owned(),
            resource: resource.replace('@', resource_account),
            resource_account: resource_account.to_owned(),
            ..Case::default()
        };
        let mut set = |key: &str, values: &[&str]| {
            case.context.insert(key.to_owned(), values.iter().map(|&value| value.to_owned()).collect());
        };
        if self.percent(70) {
            set("aws:PrincipalTag/team", &[self.pick(&["daft", "ray", "events"])]);
        }
        if self.percent(80) {
            set("aws:SourceIp", &[self.pick(&["10.1.2.3", "203.0.113.7", "2001:db8::1"])]);
        }
        set("aws:SecureTransport", &[self.pick(&["true", "false"])]);
        if self.percent(60) {
            set("aws:MultiFactorAuthAge", &[self.pick(&["300", "60", "299"])]);
            set("aws:MultiFactorAuthPresent", &["true"]);
        }
        set("aws:CurrentTime", &["2026-06-01T12:00:00Z"]);
        match self.next() % 4 {
            0 => {}
            1 => set("aws:PrincipalOrgPaths", &["o-1/r-1/ou-1/"]),
            2 => set("aws:PrincipalOrgPaths", &["o-1/r-1/ou-1/", "o-1/r-1/ou-2/"]),
            _ => set("aws:PrincipalOrgPaths", &["o-1/r-1/ou-2/", "o-2/r-1/ou-1/"]),
        }
        case
    }

    fn conditions(&mut self) -> Option<Value> {
        if self.percent(55) {
            return None;
        }
        let mut operators: Map<String, Value> = Map::new();
        for _ in 0..1 + self.next() % 2 {
            let (operator, key, values) = self.pick(CONDITIONS);
            let values = if operator == "Null" { json!(self.pick(values)) } else { self.values(values) };
            let keys = operators.entry(operator).or_insert_with(|| json!({}));
            keys[key] = values;
        }
        Some(Value::Object(operators))
    }

    fn statement(&mut self, deny: u64) -> Map<String, Value> {
        let mut statement = Map::new();
        statement.insert("Effect".to_owned(), json!(if self.percent(deny) { "Deny" } else { "Allow" }));
        let (element, actions) = if self.percent(88) {
            ("Action", self.values(ACTIONS))
        } else {
            // Everything but `*` is nothing.
            ("NotAction", self.values(&ACTIONS[5..]))
        };
        statement.insert(element.to_owned(), actions);
        // With a variable that has no value, iam-simulate applies `NotResource` or not by the order of its values; AWS says of such a
        // statement only that it may be invalid, and here it is.
        let element = if self.percent(90) { "Resource" } else { "NotResource" };
        let has_variables = element == "Resource" && self.percent(15);
        let resources = self.values(if has_variables { VARIABLE_RESOURCES } else { RESOURCES });
        statement.insert(element.to_owned(), resources);
        if let Some(conditions) = self.conditions() {
            statement.insert("Condition".to_owned(), conditions);
        }
        statement
    }

    fn document(statements: Vec<Map<String, Value>>) -> Value {
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    fn policy(&mut self, deny: u64) -> Value {
        let count = 1 + self.next() % 3;
        Self::document((0..count).map(|_| self.statement(deny)).collect())
    }

    /// Everybody and the session itself are named only where there is no session policy: iam-simulate lets that limit what they are
    /// given. AWS documents that a session policy does not limit what is given to the session's ARN, nor to all principals ("no other
    /// permissions are required"), and so it is here.
    fn resource_policy(&mut self, has_session: bool) -> Value {
        let count = 1 + self.next() % 2;
        let mut statements = Vec::new();
        for _ in 0..count {
            let mut statement = self.statement(15);
            let principal = match if has_session { self.pick(&[2, 3, 4, 6, 7]) } else { self.next() % 8 } {
                0 => json!("*"),
                1 => json!({"AWS": "*"}),
                2 => json!({"AWS": ACCOUNT}),
                3 => json!({"AWS": "arn:aws:iam::111122223333:root"}),
                4 => json!({"AWS": ["arn:aws:iam::111122223333:role/Daft", "arn:aws:iam::444455556666:role/Ray"]}),
                5 => json!({"AWS": SESSION}),
                6 => json!({"AWS": [USER, "arn:aws:iam::111122223333:role/Ray"]}),
                _ => json!({"Service": "ec2.amazonaws.com"}),
            };
            statement.insert("Principal".to_owned(), principal);
            statements.push(statement);
        }
        Self::document(statements)
    }

    /// All policy types.
    pub(crate) fn full(&mut self) -> Case {
        let mut case = self.base();
        let everything = || {
            Self::document(vec![match json!({"Effect": "Allow", "Action": "*", "Resource": "*"}) {
                Value::Object(statement) => statement,
                _ => Map::new(),
            }])
        };
        let count = self.next() % 3;
        case.identity = (0..count).map(|_| self.policy(15)).collect();
        if self.percent(30) {
            case.identity.push(everything());
        }
        if self.percent(25) {
            case.boundary = Some(if self.percent(40) { everything() } else { self.policy(10) });
        }
        if self.percent(25) && case.caller == SESSION {
            case.session = Some(if self.percent(40) { everything() } else { self.policy(10) });
        }
        if self.percent(55) {
            case.resource_policy = Some(self.resource_policy(case.session.is_some()));
        }
        if self.percent(30) {
            case.service_control = vec![everything(), if self.percent(50) { everything() } else { self.policy(30) }];
        }
        if self.percent(20) {
            let mut statement = self.statement(100);
            statement.insert("Principal".to_owned(), json!("*"));
            // Neither all actions nor `NotAction` may stand in one.
            statement.remove("NotAction");
            statement.insert(
                "Action".to_owned(),
                self.values(&["s3:*", "s3:Get*", "S3:putobject", "sqs:*", "secretsmanager:Get*"]),
            );
            case.resource_control = vec![Self::document(vec![statement])];
        }
        case.complete()
    }

    /// Identity policies of actions and resources: what moto knows. It compares actions with regard to case, and takes `?` and `.` for
    /// what they are in regular expressions (IAM does neither), so that none is made up here.
    pub(crate) fn identity_alone(&mut self) -> Case {
        let mut case = self.base();
        case.resource_account = ACCOUNT.to_owned();
        case.resource = case.resource.replace(OTHER_ACCOUNT, ACCOUNT);
        case.context.clear();
        let plain = |list: &[&'static str]| {
            let is_plain = |text: &&str| !text.contains(['?']) && !text.contains("getobject");
            list.iter().copied().filter(is_plain).collect::<Vec<_>>()
        };
        let (actions, resources) = (plain(ACTIONS), plain(RESOURCES));
        for _ in 0..1 + self.next() % 2 {
            let mut statements = Vec::new();
            for _ in 0..1 + self.next() % 3 {
                let mut statement = Map::new();
                statement.insert("Effect".to_owned(), json!(if self.percent(25) { "Deny" } else { "Allow" }));
                let element = if self.percent(85) { "Action" } else { "NotAction" };
                statement.insert(element.to_owned(), self.values(&actions));
                statement.insert("Resource".to_owned(), self.values(&resources));
                statements.push(statement);
            }
            case.identity.push(Self::document(statements));
        }
        case.complete()
    }
}
