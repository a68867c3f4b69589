//! Text in, problems out.

use super::*;

#[track_caller]
fn check(kind: PolicyKind, text: &str, expect: &[&str]) {
    let read = read(text, kind, "p");
    let found: Vec<String> = read
        .problems
        .iter()
        .map(|problem| {
            let hint = problem.hint().map(|hint| format!(" [{hint}]")).unwrap_or_default();
            let mark = if problem.severity == Severity::Warning { "warning " } else { "" };
            format!("{mark}{problem}{hint}")
        })
        .collect();
    assert_eq!(found, expect);
    let has_error = read.problems.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(read.policy.is_none(), has_error);
}

/// One statement of an identity policy.
#[track_caller]
fn statement(text: &str, expect: &[&str]) {
    check(PolicyKind::Identity, &format!("{{\"Version\":\"2012-10-17\",\"Statement\":\n{text}}}"), expect);
}

#[test]
fn what_is_no_json_is_told_by_line_and_column() {
    for (text, expect) in [
        ("", "1:1: the policy is no JSON: found the end where a value was expected"),
        (
            "{\n  \"Version\": \"2012-10-17\"\n  \"Statement\": []\n}",
            "3:3: the policy is no JSON: found `\"` where `,` or `}` was expected",
        ),
        ("{\"Statement\": [],}", "1:18: the policy is no JSON: found `}` where a key in double quotes was expected"),
        ("{\"é\": \"a", "1:7: the policy is no JSON: the text that begins here has no closing quote"),
        ("{'a': 1}", "1:2: the policy is no JSON: found `'` where a key in double quotes was expected"),
        ("[1] x", "1:5: the policy is no JSON: found `x` where the end was expected"),
        ("[01]", "1:2: the policy is no JSON: `01` is no number of JSON"),
        ("[\"\\x\"]", "1:3: the policy is no JSON: `\\x` is no escape of JSON"),
        ("[\"\\ud800\"]", "1:3: the policy is no JSON: `\\ud800` is no escape of JSON"),
        ("[\"\t\"]", "1:3: the policy is no JSON: a control character (U+0009) stands in a text"),
        ("[nul]", "1:2: the policy is no JSON: found `n` where a value was expected"),
    ] {
        check(PolicyKind::Identity, text, &[expect]);
    }
    let deep = "[".repeat(100_000);
    check(
        PolicyKind::Identity,
        &deep,
        &["1:66: the policy is no JSON: lists and objects are nested more than 64 deep"],
    );
}

#[test]
fn elements_are_those_of_the_language() {
    check(PolicyKind::Identity, "[]", &["1:1: `the policy` is a list, an object is wanted"]);
    check(
        PolicyKind::Identity,
        "{\"version\": \"2012-10-17\"}",
        &[
            "warning 1:1: the policy has no `Version` and counts as one of 2008-10-17, which knows no variables [begin with \"Version\": \"2012-10-17\"]",
            "1:1: the policy has no `Statement`",
            "1:2: `version` is no element of a policy [write `Version`]",
        ],
    );
    statement("[]", &["2:1: `Statement` is empty"]);
    statement(
        r#"{"Effect": "Allow", "Actions": "s3:*", "Resource": "*", "Resource": "*"}"#,
        &[
            "2:1: the statement has no `Action`",
            "2:21: `Actions` is no element of a policy [write `Action`]",
            "2:57: `Resource` stands twice, first at 2:40",
        ],
    );
    statement(
        r#"{"Effect": "ALLOW", "Action": [], "NotAction": "s3:*", "Resource": 3}"#,
        &[
            "2:12: `ALLOW` is no effect: `Allow` or `Deny` is wanted",
            "2:31: `Action` is empty",
            "2:35: `Action` and `NotAction` stand in one statement",
            "2:68: `Resource` is a number, a text is wanted",
        ],
    );
    statement(
        r#"[{"Sid": "a b", "Effect": "Deny", "Action": "*", "Resource": "*"},
{"Sid": "a", "Effect": "Deny", "Action": "s3", "Resource": "bucket"}, {"Sid": "a", "Effect": "Deny", "Action": "s3:Get*", "Resource": "arn:aws:s3:*"}]"#,
        &[
            "2:10: `a b` is no name of a statement: letters and digits are wanted",
            "3:42: `s3` is no action: `service:Action` or `*` is wanted",
            "3:60: `bucket` is no resource: an ARN or `*` is wanted",
            "3:71: `a` is the name of two statements, first at 3:1",
        ],
    );
    check(
        PolicyKind::Identity,
        r#"{"Version": "2015-01-01", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}"#,
        &["1:13: `2015-01-01` is no version of the policy language: 2012-10-17 is"],
    );
}

#[test]
fn principals_stand_where_a_resource_is_protected() {
    statement(
        r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}"#,
        &["2:21: no identity policy can have `Principal`"],
    );
    let trust = |principal: &str, action: &str, expect: &[&str]| {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": "{action}"}}}}"#
        );
        check(PolicyKind::Trust, &text, expect);
    };
    trust(r#"{"Service": "pods.eks.amazonaws.com"}"#, "sts:AssumeRole", &[]);
    trust(r#"{"AWS": ["111122223333", "arn:aws:iam::111122223333:role/a/b", "*"]}"#, "sts:TagSession", &[]);
    trust(
        r#"{"AWS": ["arn:aws:iam::111122223333:role/*", "AROAEXAMPLE", "me", "arn:aws:iam::1:role/a"]}"#,
        "s3:GetObject",
        &[
            "1:82: `arn:aws:iam::111122223333:role/*` has a wildcard, which principals cannot have within an ARN [name \"*\" and limit it by a condition on aws:PrincipalArn]",
            "warning 1:118: `AROAEXAMPLE` is the id of a user or role that no longer exists [name the ARN again]",
            "1:133: `me` is no principal of kind AWS",
            "1:139: `arn:aws:iam::1:role/a` is no principal of kind AWS",
            "1:176: `s3:GetObject` stands in a trust policy, which can only be about sts:AssumeRole… and tags of sessions",
        ],
    );
    trust("\"me\"", "sts:AssumeRole", &["1:73: `me` is no principal: \"*\" or {\"AWS\": \"me\"} is wanted"]);
    check(
        PolicyKind::Resource,
        r#"{"Version": "2012-10-17", "Statement": {"Sid": "a b", "Effect": "Allow", "NotPrincipal": {"aws": "*"}, "Action": "s3:*", "Resource": "*"}}"#,
        &[
            "1:74: `NotPrincipal` stands beside `Allow`: everybody else would be allowed, also without credentials",
            "1:91: `aws` is no element of a policy [write `AWS`]",
        ],
    );
    check(
        PolicyKind::ResourceControl,
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}}"#,
        &["1:41: every resource control policy can only deny"],
    );
    check(
        PolicyKind::ResourceControl,
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}"#,
        &["1:87: `*` stands as an action in a resource control policy, where AWS wants the service: `s3:*`"],
    );
}

#[test]
fn conditions_are_checked_by_their_operators() {
    let condition = |text: &str, expect: &[&str]| {
        statement(
            &format!("{{\"Effect\": \"Deny\", \"Action\": \"*\", \"Resource\": \"*\", \"Condition\":\n{text}}}"),
            expect,
        );
    };
    condition(r#"{"Bool": {"aws:SecureTransport": false}, "NumericLessThan": {"s3:max-keys": [10, "20"]}}"#, &[]);
    condition(
        r#"{"StringEqual": {"a:b": "x"}, "Bool": {"a:b": "yes"}, "IpAddress": {"a:b": "10.0.0.0/33"}, "StringEquals": {"b": "a*"}}"#,
        &[
            "3:2: `StringEqual` is no operator of conditions [write `StringEquals`]",
            "warning 3:47: `Bool` never matches: `yes` is neither `true` nor `false`",
            "warning 3:76: `IpAddress` never matches: `10.0.0.0/33` is not an IP address or range: 10.0.0.0/16 or 2001:db8::/32 are wanted",
            "3:109: `b` is no condition key: `service:key` is wanted",
            "warning 3:114: `StringEquals` compares the wildcard in `a*` as a character [write `StringLike`]",
        ],
    );
    condition(
        r#"{"StringLike": {"a:b": "${aws:username"}, "ForAllValues:StringLike": {"aws:TagKeys": "a*"}, "Null": {"a:b": {}}}"#,
        &[
            "3:24: `${aws:username` holds no variable: `${` without `}`",
            "warning 3:71: `ForAllValues:` also holds where the request has no `aws:TagKeys` [add \"Null\": {\"aws:TagKeys\": \"false\"} to the condition]",
            "3:109: `a:b` is an object, a text, a number or a truth value is wanted",
        ],
    );
}

#[test]
fn a_policy_is_as_long_as_aws_takes() {
    let resources: Vec<String> = (0..400).map(|n| format!("\"arn:aws:s3:::bucket-{n:04}\"")).collect();
    statement(
        &format!("{{\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": [{}]}}", resources.join(", ")),
        &["1:1: the identity policy has 10884 characters, AWS takes 6144"],
    );
}

#[test]
fn a_read_policy_knows_where_its_statements_stand() {
    let text = "{\"Version\": \"2012-10-17\",\n \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"}}";
    let policy = read(text, PolicyKind::Identity, "p").policy.unwrap();
    assert_eq!(policy.positions, [Position { line: 2, column: 15 }]);
    assert_eq!(
        policy.document.to_json(),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#
    );
}
