//! Values as Go prints them, for the messages that quote values.

use std::cmp::Ordering;

use crate::node::Data;
use crate::number::go_float_text;

/// A value as Go's `%#v` prints it, for messages that quote values.
pub(crate) fn go_syntax(data: &Data) -> String {
    let mut text = String::new();
    push_go_syntax(data, Nested::No, &mut text);
    text
}

/// Whether a value stands inside another: Go prints a bare nil as `<nil>`, one inside an interface with its type.
#[derive(Clone, Copy)]
enum Nested {
    No,
    Yes,
}

fn push_go_syntax(data: &Data, nested: Nested, text: &mut String) {
    match data {
        Data::Null => text.push_str(match nested {
            Nested::No => "<nil>",
            Nested::Yes => "interface {}(nil)",
        }),
        Data::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Data::Int(value) => text.push_str(&value.to_string()),
        Data::Uint(value) => text.push_str(&format!("{value:#x}")),
        Data::Float(value) => text.push_str(&go_float_text(*value, 64)),
        Data::String(value) => push_go_quoted(value, text),
        Data::Sequence(items) => {
            text.push_str("[]interface {}{");
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                push_go_syntax(&item.data, Nested::Yes, text);
            }
            text.push('}');
        }
        Data::Mapping(entries) => {
            let mut printed: Vec<(&Data, &Data)> = Vec::new();
            for (key, value) in entries {
                printed.retain(|(known, _)| **known != key.data);
                printed.push((&key.data, &value.data));
            }
            printed.sort_by(|a, b| compare_keys(a.0, b.0));
            text.push_str("map[interface {}]interface {}{");
            for (index, (key, value)) in printed.into_iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                push_go_syntax(key, Nested::Yes, text);
                text.push(':');
                push_go_syntax(value, Nested::Yes, text);
            }
            text.push('}');
        }
    }
}

/// The order in which Go's `fmt` prints the keys of a map. Keys of different types are ordered by where the linker puts the
/// types, which is as below in Helm 4.1.4.
fn compare_keys(a: &Data, b: &Data) -> Ordering {
    let kind = |data: &Data| match data {
        Data::Null | Data::Sequence(_) | Data::Mapping(_) => 0,
        Data::String(_) => 1,
        Data::Uint(_) => 2,
        Data::Int(_) => 3,
        Data::Float(_) => 4,
        Data::Bool(_) => 5,
    };
    match (a, b) {
        (Data::String(a), Data::String(b)) => a.cmp(b),
        (Data::Bool(a), Data::Bool(b)) => a.cmp(b),
        (Data::Int(a), Data::Int(b)) => a.cmp(b),
        (Data::Uint(a), Data::Uint(b)) => a.cmp(b),
        (Data::Float(a), Data::Float(b)) => a.total_cmp(b),
        _ => kind(a).cmp(&kind(b)),
    }
}

/// As `strconv.Quote`.
fn push_go_quoted(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\x07' => text.push_str("\\a"),
            '\x08' => text.push_str("\\b"),
            '\x0c' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\x0b' => text.push_str("\\v"),
            ' '..='~' => text.push(character),
            '\0'..='\x1f' | '\x7f' => text.push_str(&format!("\\x{:02x}", character as u32)),
            _ if is_go_printable(character) => text.push(character),
            _ if (character as u32) < 0x10000 => text.push_str(&format!("\\u{:04x}", character as u32)),
            _ => text.push_str(&format!("\\U{:08x}", character as u32)),
        }
    }
    text.push('"');
}

/// Close to Go's `unicode.IsPrint` beyond ASCII: no controls, separators, format characters, surrogates or private use.
fn is_go_printable(character: char) -> bool {
    !(character.is_control()
        || character.is_whitespace()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{f0000}'..))
}
