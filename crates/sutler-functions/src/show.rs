//! Values as text, by the engine's own printing.

use sutler_template::{Str, Value};

/// A value as `fmt.Sprint` and `%v` print it.
pub(crate) fn default(value: &Value) -> Str {
    if let Value::String(text) = value {
        return text.clone();
    }
    let mut out = Vec::new();
    sutler_template::print(&mut out, std::slice::from_ref(value));
    out.into()
}

/// A text as `strconv.Quote` and `%q` quote it.
pub fn quoted(text: &Str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    sutler_template::printf(&mut out, b"%q", &[Value::String(text.clone())]);
    // What `%q` prints is UTF-8: other bytes are escaped.
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
