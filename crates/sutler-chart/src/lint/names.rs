//! Names of objects as Kubernetes allows them, kind by kind, in its words.

use crate::text::go_quoted;

/// What an API server would say of a name; none where it is allowed.
pub(super) fn problem(kind: &str, name: &str) -> Option<String> {
    let problems = match kind.to_lowercase().as_str() {
        "certificatesigningrequest" => Vec::new(),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => path_segment(name),
        "service" => service_name(name),
        "namespace" => label(name),
        _ => subdomain(name),
    };
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("metadata.name: Invalid value: {}: {problem}", go_quoted(name)))
        .collect();
    let all = match lines.as_slice() {
        [] => return None,
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    Some(format!("object name does not conform to Kubernetes naming requirements: {}: {all}", go_quoted(name)))
}

fn path_segment(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    ["/", "%"].iter().filter(|part| name.contains(**part)).map(|part| format!("may not contain '{part}'")).collect()
}

fn too_long(name: &str, most: usize) -> Option<String> {
    (name.len() > most).then(|| format!("must be no more than {most} characters"))
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn subdomain(name: &str) -> Vec<String> {
    let shape = (!is_subdomain(name)).then(|| {
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end \
         with an alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            .to_owned()
    });
    too_long(name, 253).into_iter().chain(shape).collect()
}

fn label(name: &str) -> Vec<String> {
    let shape = (!is_label(name)).then(|| {
        if is_subdomain(name) {
            return "must not contain dots".to_owned();
        }
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an \
         alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            .to_owned()
    });
    too_long(name, 63).into_iter().chain(shape).collect()
}

fn service_name(name: &str) -> Vec<String> {
    let fits = is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase());
    let shape = (!fits).then(|| {
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end \
         with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
            .to_owned()
    });
    too_long(name, 63).into_iter().chain(shape).collect()
}
