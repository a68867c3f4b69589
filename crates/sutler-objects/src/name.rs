//! Names, labels and annotations: what the API server accepts, and the texts with which it refuses the rest.
//!
//! Each `…_problems` function returns one text for each rule broken (none: the value is valid), as
//! `k8s.io/apimachinery/pkg/util/validation` does; a caller puts the field and the value in front.

const QUALIFIED_NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
    (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character \
    (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an \
    alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an \
    alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' \
    (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// The greatest sum of the lengths of all annotations of an object, names and values, in bytes.
pub const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// Of a DNS label (RFC 1123): names of namespaces, containers, volumes. At most 63 bytes.
pub fn label_problems(value: &str) -> Vec<String> {
    let mut problems = too_long(value, 63);
    if !is_label(value) {
        problems.push(if value.contains('.') && value.split('.').all(is_label) {
            "must not contain dots".to_owned()
        } else {
            LABEL.to_owned()
        });
    }
    problems
}

/// Of a DNS subdomain (RFC 1123): names of most objects. At most 253 bytes.
pub fn subdomain_problems(value: &str) -> Vec<String> {
    let mut problems = too_long(value, 253);
    if !value.split('.').all(is_label) {
        problems.push(SUBDOMAIN.to_owned());
    }
    problems
}

/// Of a DNS label by RFC 1035: names of Services. It begins with a letter; at most 63 bytes.
pub fn label_1035_problems(value: &str) -> Vec<String> {
    let mut problems = too_long(value, 63);
    if !is_label(value) || !value.starts_with(|c: char| c.is_ascii_lowercase()) {
        problems.push(LABEL_1035.to_owned());
    }
    problems
}

/// Of a name that is one segment of a path: roles and role bindings, which may hold colons.
pub fn path_segment_problems(value: &str) -> Vec<String> {
    if value == "." || value == ".." {
        return vec![format!("may not be '{value}'")];
    }
    let held = ["/", "%"].into_iter().filter(|c| value.contains(c));
    held.map(|c| format!("may not contain '{c}'")).collect()
}

/// Of the name of a label, finalizer or annotation: `name` or `prefix.example.com/name`.
pub fn label_key_problems(value: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let parts: Vec<&str> = value.split('/').collect();
    let name = match parts.as_slice() {
        [name] => *name,
        ["", name] => {
            problems.push("prefix part must be non-empty".to_owned());
            *name
        }
        [prefix, name] => {
            problems.extend(subdomain_problems(prefix).iter().map(|problem| format!("prefix part {problem}")));
            *name
        }
        _ => {
            return vec![format!(
                "a qualified name {QUALIFIED_NAME} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    }
    problems.extend(too_long(name, 63).iter().map(|problem| format!("name part {problem}")));
    if !is_qualified(name) {
        problems.push(format!("name part {QUALIFIED_NAME}"));
    }
    problems
}

/// Of a label's value: empty, or at most 63 bytes of letters, digits, `-`, `_` and `.`.
pub fn label_value_problems(value: &str) -> Vec<String> {
    let mut problems = too_long(value, 63);
    if !value.is_empty() && !is_qualified(value) {
        problems.push(LABEL_VALUE.to_owned());
    }
    problems
}

/// Of an annotation's name: as a label's, in any case.
pub fn annotation_key_problems(value: &str) -> Vec<String> {
    label_key_problems(&value.to_lowercase())
}

/// Of a key of a ConfigMap or Secret. At most 253 bytes.
pub fn config_key_problems(value: &str) -> Vec<String> {
    let mut problems = too_long(value, 253);
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        problems.push(CONFIG_KEY.to_owned());
    }
    if value == "." {
        problems.push("must not be '.'".to_owned());
    } else if value == ".." {
        problems.push("must not be '..'".to_owned());
    } else if value.starts_with("..") {
        problems.push("must not start with '..'".to_owned());
    }
    problems
}

/// Of the name of an environment variable: any printable ASCII but `=`.
pub fn environment_problems(value: &str) -> Vec<String> {
    if value.is_empty() {
        return vec!["environment variable name must be non-empty".to_owned()];
    }
    if value.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'=') {
        return Vec::new();
    }
    vec!["a valid environment variable name must consist only of printable ASCII characters other than '='".to_owned()]
}

/// Of the name of a port (IANA service name): at most 15 bytes of letters, digits and single hyphens, with a letter in it.
pub fn port_name_problems(value: &str) -> Vec<String> {
    let mut problems = too_long(value, 15);
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !value.bytes().any(|b| b.is_ascii_lowercase()) {
        problems.push("must contain at least one letter (a-z)".to_owned());
    }
    if value.contains("--") {
        problems.push("must not contain consecutive hyphens".to_owned());
    }
    if value.starts_with('-') || value.ends_with('-') {
        problems.push("must not begin or end with a hyphen".to_owned());
    }
    problems
}

/// Of the number of a port: 1 to 65535.
pub fn port_number_problems(value: i64) -> Vec<String> {
    if (1..=65535).contains(&value) { Vec::new() } else { vec!["must be between 1 and 65535, inclusive".to_owned()] }
}

fn too_long(value: &str, limit: usize) -> Vec<String> {
    if value.len() > limit { vec![format!("must be no more than {limit} characters")] } else { Vec::new() }
}

fn is_label(value: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = value.as_bytes();
    bytes.first().is_some_and(|b| inner(*b))
        && bytes.last().is_some_and(|b| inner(*b))
        && bytes.iter().all(|b| inner(*b) || *b == b'-')
}

fn is_qualified(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_the_server_judges_them() {
        let check = |problems: Vec<String>, expect: usize| assert_eq!(problems.len(), expect, "{problems:?}");
        check(label_problems("a-1"), 0);
        check(label_problems("A"), 1);
        check(label_problems(&"a".repeat(64)), 1);
        check(subdomain_problems("a.b-c.d"), 0);
        check(subdomain_problems("a..b"), 1);
        check(label_1035_problems("1a"), 1);
        check(label_key_problems("app.kubernetes.io/name"), 0);
        check(label_key_problems("a/b/c"), 1);
        check(label_key_problems("/b"), 1);
        check(label_key_problems(""), 2);
        check(label_value_problems(""), 0);
        check(label_value_problems("a b"), 1);
        check(annotation_key_problems("X.Y/Z"), 0);
        check(config_key_problems("..a"), 1);
        check(port_name_problems("http"), 0);
        check(port_name_problems("80"), 1);
        check(port_number_problems(0), 1);
        check(path_segment_problems("system:a"), 0);
        check(environment_problems("a=b"), 1);
    }

    #[test]
    fn the_texts_are_the_servers() {
        assert_eq!(label_problems("a.b"), ["must not contain dots"]);
        assert_eq!(
            label_problems("Foo"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character \
              (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
    }
}
