//! Schemas and values, and the lines that Helm 4.1.4 prints for them.

use super::{Check, SchemaLoader};
use crate::compat::Compatibility;

fn answer(
    compatibility: Compatibility,
    schema: &str,
    values: &serde_json::Value,
    loader: Option<&SchemaLoader>,
) -> String {
    let mut check = Check { compatibility, loader, tells_steps: false, remarks: &mut Vec::new() };
    check.single(schema.as_bytes(), values).err().unwrap_or_default()
}

fn check(schema: &str, values: &str, expected: &str) {
    let values = sutler_yaml::to_json(&sutler_yaml::read(values).unwrap()).unwrap();
    let found = answer(Compatibility::V4, schema, &values, None);
    assert_eq!(found.trim_end(), expected, "{schema} on {values}");
}

#[test]
fn simple_keywords_fail_in_helms_words() {
    let schema = r#"{"type":"object","required":["name"],"additionalProperties":false,"properties":{
        "name":{"type":"string","minLength":2,"pattern":"^[a-z]+$"},"count":{"type":["integer","null"],"minimum":1,"maximum":65535},
        "size":{"enum":["small","large"]},"mode":{"const":"fast"},"list":{"type":"array","items":{"type":"string"},"uniqueItems":true}}}"#;
    for (values, expected) in [
        ("{name: ab, count: 3, size: small, mode: fast, list: [a, b]}", ""),
        ("{}", "- at '': missing property 'name'"),
        ("{name: 1}", "- at '/name': got number, want string"),
        ("{name: A}", "- at '/name': minLength: got 1, want 2\n- at '/name': 'A' does not match pattern '^[a-z]+$'"),
        ("{name: ab, count: 0.5}", "- at '/count': got number, want null or integer"),
        ("{name: ab, count: 70000}", "- at '/count': maximum: got 70,000, want 65,535"),
        ("{name: ab, size: huge}", "- at '/size': value must be one of 'small', 'large'"),
        ("{name: ab, mode: slow}", "- at '/mode': value must be 'fast'"),
        ("{name: ab, list: [a, 1]}", "- at '/list/1': got number, want string"),
        ("{name: ab, list: [a, b, a]}", "- at '/list': items at 0 and 2 are equal"),
        ("{name: ab, other: 1, more: 2}", "- at '': additional properties 'more', 'other' not allowed"),
    ] {
        check(schema, values, expected);
    }
}

#[test]
fn combinations_show_their_branches() {
    check(
        r#"{"properties":{"a":{"oneOf":[{"type":"string"},{"type":"object","required":["b"]}]}}}"#,
        "{a: 1}",
        "- at '/a': 'oneOf' failed, none matched\n  - at '/a': got number, want string\n  - at '/a': got number, want object",
    );
    check(r#"{"properties":{"a":{"not":{"type":"string"}}}}"#, "{a: x}", "- at '/a': 'not' failed");
    check(r#"{"properties":{"a":{"oneOf":[{},{}]}}}"#, "{a: x}", "- at '/a': 'oneOf' failed, subschemas 0, 1 matched");
    check(
        r#"{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}"#,
        "{a: 1}",
        "- at '': missing property 'b'",
    );
}

#[test]
fn references_are_followed_and_not_shown() {
    let schema = r##"{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"port":{"type":"integer"}},
        "properties":{"a":{"$ref":"#/definitions/port","type":"string"}}}"##;
    check(schema, "{a: x}", "- at '/a': got string, want integer");
    let beside = r##"{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"any":{}},"$ref":"#/definitions/any",
        "const":1,"enum":[2]}"##;
    check(beside, "{}", "- at '': value must be 1");
    check(schema, "{a: 1}", "");
    let recursive = r##"{"$defs":{"tree":{"properties":{"next":{"$ref":"#/$defs/tree"},"v":{"type":"number"}}}},"$ref":"#/$defs/tree"}"##;
    check(recursive, "{next: {next: {v: x}}}", "- at '/next/next/v': got string, want number");
    check(
        r##"{"$ref":"#"}"##,
        "{}",
        "- at '': both /$ref and  resolve to \"file:///values.schema.json#\" causing reference cycle",
    );
}

#[test]
fn what_nobody_looked_at_is_found() {
    let schema = r#"{"allOf":[{"properties":{"a":{}}}],"properties":{"b":{}},"unevaluatedProperties":false}"#;
    check(schema, "{a: 1, b: 2}", "");
    check(schema, "{a: 1, c: 2}", "- at '/c': false schema");
}

#[test]
fn formats_are_asserted_in_older_drafts_only() {
    let schema = |draft: &str| format!(r#"{{"$schema":"{draft}","properties":{{"a":{{"format":"ipv4"}}}}}}"#);
    let seven = schema("http://json-schema.org/draft-07/schema#");
    check(&seven, "{a: 10.0.0.1}", "");
    check(&seven, "{a: 10.0.0.256}", "- at '/a': '10.0.0.256' is not valid ipv4: decimal must be between 0 and 255");
    check(&schema("https://json-schema.org/draft/2020-12/schema"), "{a: x}", "");
}

#[test]
fn what_is_no_schema_is_refused_before_any_value_is_looked_at() {
    let of = |draft: &str, rest: &str| format!(r#"{{"$schema":"{draft}#",{rest}}}"#);
    let (four, seven) = ("http://json-schema.org/draft-04/schema", "http://json-schema.org/draft-07/schema");
    let latest = "https://json-schema.org/draft/2020-12/schema";
    let invalid = |draft: &str, rest: &str| {
        format!(
            "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with '{draft}#'\n{rest}"
        )
    };
    for (draft, rest, expected) in [
        (four, r#""properties":{"a":{"required":true}}"#, "- at '/properties/a/required': got boolean, want array"),
        (seven, r#""required":"a""#, "- at '/required': got string, want array"),
        (
            latest,
            r#""type":"int""#,
            "- at '': 'allOf' failed\n  - at '/type': 'anyOf' failed\n    - at '/type': value must be one of 'array', \
             'boolean', 'integer', 'null', 'number', 'object', 'string'\n    - at '/type': got string, want array",
        ),
        (latest, r#""minLength":-1"#, "- at '': 'allOf' failed\n  - at '/minLength': minimum: got -1, want 0"),
        (
            seven,
            r#""minLength":"x""#,
            "- at '/minLength': 'allOf' failed\n  - at '/minLength': got string, want integer",
        ),
        (four, r#""exclusiveMinimum":true"#, "- at '': properties 'minimum' required, if 'exclusiveMinimum' exists"),
        (
            seven,
            r#""properties":{"a":{"pattern":"("}}"#,
            "- at '/properties/a/pattern': '(' is not valid regex: error parsing regexp: missing closing ): `(`",
        ),
    ] {
        check(&of(draft, rest), "{}", &invalid(draft, expected));
    }
    check(r##"{"$ref":"#/nope"}"##, "{}", "json-pointer in \"file:///values.schema.json#/nope\" not found");
    check(
        r##"{"properties":{"a":{"$ref":"#t"}}}"##,
        "{}",
        "anchor in \"file:///values.schema.json#t\" not found in schema \"file:///values.schema.json\"",
    );
    check(
        r##"{"$defs":{"a":{"$anchor":"t"},"b":{"$anchor":"t"}}}"##,
        "{}",
        "duplicate anchor \"t\" in \"file:///values.schema.json\" at \"/$defs/a\" and \"/$defs/b\"",
    );
    check(
        r##"{"properties":{"a":{"$ref":"other.json#/b"}}}"##,
        "{}",
        "failing loading \"file:///other.json\": open /other.json: no such file or directory",
    );
    check(r#"{"$schema":"nope"}"#, "{}", "failing loading \"nope\": no URLLoader registered for \"nope\"");
}

#[test]
fn the_drafts_own_schemas_can_be_referred_to() {
    let schema = r#"{"properties":{"a":{"$ref":"http://json-schema.org/draft-07/schema#"}}}"#;
    check(schema, "{a: {type: string}}", "");
    check(schema, "{a: {minimum: x}}", "- at '/a/minimum': got string, want number");
}

#[test]
fn a_part_with_an_identifier_follows_its_own_draft() {
    let schema = |inner: &str| {
        format!(
            r#"{{"properties":{{"a":{{"$id":"http://x/a","$schema":"http://json-schema.org/draft-07/schema#",{inner}}}}}}}"#
        )
    };
    check(&schema(r#""format":"ipv4""#), "{a: x}", "- at '/a': 'x' is not valid ipv4: expected four decimals");
    check(
        &schema(r#""minLength":-1"#),
        "{}",
        "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with \
         'https://json-schema.org/draft/2020-12/schema#'\n- at '': 'allOf' failed\n  - at '/properties/a/minLength': 'allOf' failed\n    \
         - at '/properties/a/minLength': minimum: got -1, want 0",
    );
}

#[test]
fn documents_of_elsewhere_are_fetched_where_something_leads_to_them() {
    let loader = SchemaLoader::new(|address| match address {
        "http://a/types.json" => Ok(br##"{"definitions":{"port":{"$ref":"more.json#/definitions/port"}}}"##.to_vec()),
        "http://a/more.json" => Ok(br#"{"definitions":{"port":{"type":"integer"}}}"#.to_vec()),
        "http://a/broken.json" => Ok(b"nojson".to_vec()),
        other => Err(format!("nothing at {other}")),
    });
    let answer = |compatibility, schema: &str, values: &serde_json::Value| {
        answer(compatibility, schema, values, Some(&loader)).trim_end().to_owned()
    };
    let port = r##"{"properties":{"p":{"$ref":"http://a/types.json#/definitions/port"}},
        "$defs":{"unused":{"$ref":"http://b/never.json"}}}"##;
    let (good, bad) = (serde_json::json!({"p": 1}), serde_json::json!({"p": "x"}));
    assert_eq!(answer(Compatibility::V4, port, &good), "");
    assert_eq!(answer(Compatibility::V4, port, &bad), "- at '/p': got string, want integer");
    assert_eq!(answer(Compatibility::V3, port, &bad), "- p: Invalid type. Expected: integer, given: string");
    for (reference, v4, v3) in [
        ("http://a/none", "failing loading \"http://a/none\": nothing at http://a/none", "nothing at http://a/none"),
        (
            "http://a/broken.json",
            "failing loading \"http://a/broken.json\": invalid character 'o' in literal null (expecting 'u')",
            "invalid character 'o' in literal null (expecting 'u')",
        ),
        (
            "http://a/more.json#/definitions/no",
            "json-pointer in \"http://a/more.json#/definitions/no\" not found",
            "Object has no key 'no'",
        ),
        (
            "more.json",
            "failing loading \"file:///more.json\": nothing at file:///more.json",
            "Reference /more.json must be canonical",
        ),
        ("urn:x", "", "Reference urn:x must be canonical"),
        (
            "ftp://a/x",
            "failing loading \"ftp://a/x\": no URLLoader registered for \"ftp://a/x\"",
            "nothing at ftp://a/x",
        ),
    ] {
        let schema = format!(r#"{{"properties":{{"p":{{"$ref":"{reference}"}}}}}}"#);
        assert_eq!(answer(Compatibility::V4, &schema, &good), v4);
        assert_eq!(answer(Compatibility::V3, &schema, &good), v3);
    }
}

#[test]
fn a_document_is_checked_as_the_schema_itself_is() {
    let loader = SchemaLoader::new(|_| Ok(br#"{"type":7}"#.to_vec()));
    let found = answer(Compatibility::V4, r#"{"$ref":"http://a/wrong.json"}"#, &serde_json::json!({}), Some(&loader));
    assert!(found.starts_with("\"http://a/wrong.json#\" is not valid against metaschema"), "{found}");
}

#[test]
fn documents_that_never_end_are_refused() {
    let loader = SchemaLoader::new(|address| {
        let number: usize = address.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or_default();
        Ok(format!(r#"{{"$ref":"http://a/{}"}}"#, number + 1).into_bytes())
    });
    let schema = r#"{"$ref":"http://a/0"}"#;
    for compatibility in [Compatibility::V4, Compatibility::V3] {
        let found = answer(compatibility, schema, &serde_json::json!({}), Some(&loader));
        assert!(found.contains("the schema refers to more than 256 other documents"), "{found}");
    }
}
