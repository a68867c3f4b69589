//! JSON as Go's `encoding/json` writes it: `<`, `>`, `&`, U+2028 and U+2029 are escaped.

use serde::Serialize;

/// A value that serializes, each level indented by some text, as `json.MarshalIndent`.
pub(crate) fn write_indented<T: Serialize + ?Sized>(value: &T, indent: &str) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    value
        .serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter))
        .expect("plain data can be written to memory");
    escaped(&String::from_utf8(out).expect("JSON is UTF-8"))
}

/// A value that serializes, on one line.
pub(crate) fn write_struct<T: Serialize + ?Sized>(value: &T) -> String {
    escaped(&serde_json::to_string(value).expect("plain data serializes"))
}

/// These characters stand only within strings, so that the whole text can be looked through.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_go_escapes_them() {
        assert_eq!(
            write_struct("<a href=\"x\">&é\u{2028}\u{8}\u{c}\n\u{1}\u{7f}/\\"),
            "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026é\\u2028\\b\\f\\n\\u0001\u{7f}/\\\\\""
        );
    }
}
