//! What `--output json` and `yaml` print.

use serde_json::Value;

use crate::failure::Failure;
use crate::flags::Format;
use crate::io::Io;

/// An object; its fields come as they stand in a map.
pub(crate) fn object(fields: Vec<(&'static str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Prints a list of objects: JSON on one line with the fields in their order, as Go writes a struct, or YAML, where they are
/// sorted.
///
/// # Errors
/// Text that YAML cannot hold.
pub(crate) fn objects(io: &mut Io<'_>, format: Format, rows: Vec<Vec<(&'static str, Value)>>) -> Result<(), Failure> {
    if format == Format::Yaml {
        let list = Value::Array(rows.into_iter().map(object).collect());
        io.data(sutler_yaml::write(&list)?);
        return Ok(());
    }
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            let fields: Vec<String> =
                row.iter().map(|(name, value)| format!("{}:{}", Value::from(*name), json(value))).collect();
            format!("{{{}}}", fields.join(","))
        })
        .collect();
    io.line(format!("[{}]", rows.join(",")));
    Ok(())
}

/// A value as Go's `encoding/json` writes it.
fn json(value: &Value) -> String {
    let text = match value {
        // The only object in an object is a repository, whose URL comes first.
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().rev().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
            format!("{{{}}}", fields.join(","))
        }
        value => value.to_string(),
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}
