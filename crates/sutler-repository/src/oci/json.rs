//! JSON as Go lays it out and prints it. How Go writes it is in [`crate::go_json`].

/// JSON text laid out as `json.Indent` does with tabs; texts and numbers stay as they are written.
pub(crate) fn indent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut just_opened = false;
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n('\t', depth));
    };
    for c in text.chars() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        if matches!(c, '}' | ']') {
            depth = depth.saturating_sub(1);
            if !just_opened {
                new_line(&mut out, depth);
            }
            just_opened = false;
            out.push(c);
            continue;
        }
        if just_opened {
            new_line(&mut out, depth);
            just_opened = false;
        }
        out.push(c);
        match c {
            '{' | '[' => {
                depth += 1;
                just_opened = true;
            }
            ',' => new_line(&mut out, depth),
            ':' => out.push(' '),
            '"' => in_string = true,
            _ => {}
        }
    }
    out
}

/// A value out of JSON as Go's `%v` prints it, once it is decoded into `any`.
pub(crate) fn show(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => show_number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}:{}", show(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// `%v` of a `float64`: exponents only beyond 21 digits or below 0.0001, at least two digits in them.
fn show_number(number: f64) -> String {
    let exponent = if number == 0.0 { 0 } else { number.abs().log10().floor() as i32 };
    if (-4..21).contains(&exponent) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let exponent: i32 = exponent.parse().unwrap_or_default();
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_gos() {
        assert_eq!(
            indent(r#"{"a":{},"b":[],"c":{"d e":"x: {\"y\"}, \\"},"f":[1,{"g":null}]}"#),
            "{\n\t\"a\": {},\n\t\"b\": [],\n\t\"c\": {\n\t\t\"d e\": \"x: {\\\"y\\\"}, \\\\\"\n\t},\n\t\"f\": [\n\t\t1,\n\t\t{\n\t\t\t\"g\": null\n\t\t}\n\t]\n}"
        );
    }

    #[test]
    fn values_are_shown_as_go_shows_them() {
        let value: serde_json::Value =
            serde_json::from_str(r#"[{"Type":"repository","Class":"","N":1,"F":1.5,"B":1e21,"S":0.00001},null,true]"#)
                .unwrap();
        assert_eq!(show(&value), "[map[B:1e+21 Class: F:1.5 N:1 S:1e-05 Type:repository] <nil> true]");
    }
}
