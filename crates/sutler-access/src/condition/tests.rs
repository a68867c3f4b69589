//! Each operator, as a table: operator, the policy's values, the request's values, whether it holds.

use super::*;

/// `None` is a key that is not there; values are separated by `|`.
fn check(operator: &str, wanted: &str, found: Option<&str>) -> bool {
    let operator: Operator = operator.parse().unwrap();
    let values: Values = wanted.split('|').collect();
    let mut context = Context::from_pairs([("aws:username", "ada")]);
    if let Some(found) = found {
        context.set("k:k", found.split('|').filter(|_| found != "<none>"));
    }
    Condition::new(operator, "K:k", &values, true).holds(&context)
}

#[test]
fn operators_compare_as_documented() {
    for (operator, wanted, found, expect) in [
        ("StringEquals", "a|b", "b", true),
        ("StringEquals", "a*", "ab", false),
        ("StringEquals", "${aws:username}", "ada", true),
        ("StringEquals", "${aws:nothing}", "", false),
        ("StringNotEquals", "${aws:nothing}", "", true),
        ("stringequals", "A", "a", false),
        ("StringEqualsIgnoreCase", "A", "a", true),
        ("StringNotEqualsIgnoreCase", "A", "a", false),
        ("StringLike", "a*", "ab", true),
        ("StringLike", "a${*}", "ab", false),
        ("StringNotLike", "a*|b*", "bc", false),
        ("StringNotLike", "a*|b*", "c", true),
        ("NumericEquals", "10", "10.0", true),
        ("NumericNotEquals", "10", "x", true),
        ("NumericLessThan", "10", "9", true),
        ("NumericLessThanEquals", "10", "10", true),
        ("NumericGreaterThan", "10", "9", false),
        ("NumericGreaterThanEquals", "-1.5", "-1.5", true),
        ("NumericLessThan", "x", "1", false),
        ("DateLessThan", "2026-11-23T10:00:00Z", "2026-11-23T10:59:59+01:00", true),
        ("DateGreaterThan", "2020", "1577836801", true),
        ("DateEquals", "2020-01-01", "1577836800", true),
        ("DateEquals", "2020-01", "2020-01-01T00:00Z", true),
        ("DateNotEquals", "2020-02-30", "2020-03-01", true),
        ("DateGreaterThanEquals", "2020-01-01T00:00:00.5Z", "2020-01-01T00:00:00.25Z", false),
        ("Bool", "true", "TRUE", true),
        ("Bool", "false", "true", false),
        ("BinaryEquals", "QQ==", "QQ==", true),
        ("IpAddress", "203.0.113.0/24|2001:DB8::/32", "203.0.113.7", true),
        ("IpAddress", "203.0.113.0/24|2001:DB8::/32", "2001:db8::1", true),
        ("IpAddress", "203.0.113.1", "203.0.113.2", false),
        ("IpAddress", "0.0.0.0/0", "::1", false),
        ("NotIpAddress", "203.0.113.0/24", "10.0.0.1", true),
        ("ArnEquals", "arn:aws:iam::*:role/a*", "arn:aws:iam::111122223333:role/a/b", true),
        ("ArnLike", "arn:aws:iam::111122223333:role/${aws:username}", "arn:aws:iam::111122223333:role/ada", true),
        ("ArnLike", "arn:aws:*:role/a", "arn:aws:iam::111122223333:role/a", false),
        ("ArnNotEquals", "arn:aws:iam::1*:role/a", "arn:aws:iam::111122223333:role/a", false),
        ("ForAnyValue:StringEquals", "a|b", "x|b", true),
        ("ForAnyValue:StringEquals", "a|b", "x|y", false),
        ("ForAllValues:StringEquals", "a|b", "a|b|a", true),
        ("ForAllValues:StringEquals", "a|b", "a|x", false),
        ("ForAllValues:StringNotEquals", "a|b", "x|y", true),
        ("ForAllValues:StringNotEquals", "a|b", "x|a", false),
        ("ForAnyValue:StringNotEquals", "a|b", "x|a", true),
        ("ForAnyValue:StringNotEquals", "a|b", "a|b", false),
        ("ForAllValues:StringEquals", "a", "<none>", true),
        ("ForAnyValue:StringEquals", "a", "<none>", false),
        ("Null", "false", "x", true),
        ("Null", "true", "x", false),
    ] {
        assert_eq!(check(operator, wanted, Some(found)), expect, "{operator} {wanted} {found}");
    }
}

#[test]
fn a_missing_key_satisfies_what_is_negated_optional_or_for_all() {
    for (operator, expect) in [
        ("StringEquals", false),
        ("StringNotEquals", true),
        ("StringEqualsIfExists", true),
        ("StringNotEqualsIfExists", true),
        ("NotIpAddress", true),
        ("ArnNotLike", true),
        ("NumericLessThan", false),
        ("ForAllValues:StringEquals", true),
        ("ForAllValues:StringNotEquals", true),
        ("ForAnyValue:StringEquals", false),
        ("ForAnyValue:StringNotEquals", false),
        ("ForAnyValue:StringEqualsIfExists", true),
    ] {
        assert_eq!(check(operator, "1", None), expect, "{operator}");
    }
    assert!(check("Null", "true", None) && !check("Null", "false", None));
}

#[test]
fn operators_are_written_as_aws_writes_them() {
    for text in ["StringEquals", "ForAllValues:StringNotLikeIfExists", "ForAnyValue:IpAddress", "Null", "ArnNotEquals"]
    {
        assert_eq!(text.parse::<Operator>().unwrap().to_string(), text);
    }
    for text in ["Strings", "NullIfExists", "ForAnyValue:Null", "", "IfExists", "ForAllValues:", "日本語日本語日本語"]
    {
        assert_eq!(text.parse::<Operator>(), Err(OperatorError(text.to_owned())));
    }
}

#[test]
fn dates_are_days_of_the_calendar() {
    for (text, seconds) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2000-02-29T00:00Z", Some(951_782_400)),
        ("1900-02-29", None),
        ("2026-13-01", None),
        ("2026-11-23T25:00Z", None),
        ("2026-11-23T10:00", None),
        ("2026-11T10:00Z", None),
        ("", None),
        ("T", None),
        ("0", Some(0)),
    ] {
        let expect = seconds.map(|seconds: i64| Moment::parse(&format!("{seconds:05}")).unwrap());
        assert_eq!(Moment::parse(text), expect, "{text}");
    }
}
