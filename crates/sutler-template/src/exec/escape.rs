//! `html`, `js` and `urlquery`.

use crate::print;
use crate::types::Kind;
use crate::unicode;
use crate::value::Value;

/// The arguments as one text: Go's `evalArgs`.
pub(super) fn joined(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    match values {
        [Value::String(text)] => out.extend_from_slice(text.as_bytes()),
        [value] if !value.is_nil() => print::print_action(&mut out, value),
        values => {
            // Nil is printed as an action prints it.
            let shown: Vec<Value> = values
                .iter()
                .map(|value| if value.is_nil() { Value::from("<no value>") } else { value.clone() })
                .collect();
            if shown.iter().any(|value| value.kind() == Some(Kind::Pointer)) {
                join_each(&mut out, &shown);
            } else {
                print::print(&mut out, &shown);
            }
        }
    }
    out
}

/// As [`print::print`], with pointers printed without `&`.
fn join_each(out: &mut Vec<u8>, values: &[Value]) {
    let mut after_string = true;
    for value in values {
        let is_string = value.kind() == Some(Kind::String);
        if !is_string && !after_string {
            out.push(b' ');
        }
        print::print_action(out, value);
        after_string = is_string;
    }
}

pub(super) fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            other => out.push(*other),
        }
    }
    out
}

pub(super) fn js(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (c, len) = unicode::decode(rest);
        match c {
            '\\' => out.extend_from_slice(b"\\\\"),
            '\'' => out.extend_from_slice(b"\\'"),
            '"' => out.extend_from_slice(b"\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes());
            }
            _ if c.is_ascii() || unicode::is_print(c) => out.extend_from_slice(&rest[..len]),
            _ => out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
        }
        rest = &rest[len..];
    }
    out
}

pub(super) fn urlquery(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            b' ' => out.push(b'+'),
            other => out.extend_from_slice(format!("%{other:02X}").as_bytes()),
        }
    }
    out
}
