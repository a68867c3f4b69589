//! A flag's value, read from text as pflag reads it, with Go's messages about what cannot be read.

use std::collections::BTreeMap;

use sutler_chart::go_quoted;
use sutler_functions::time::duration;

use crate::csv;
use crate::flag::Kind;

/// What a flag holds.
#[derive(Debug, Clone, PartialEq)]
pub enum FlagValue {
    /// Of a switch.
    Switch(bool),
    /// Of an integer.
    Integer(i64),
    /// Of a count.
    Unsigned(u64),
    /// Of a floating point number.
    Float(f32),
    /// Of a text, a form, a strategy.
    Text(String),
    /// Of a list.
    Texts(Vec<String>),
    /// Of pairs.
    Pairs(BTreeMap<String, String>),
    /// Nanoseconds.
    Duration(i64),
}

impl FlagValue {
    /// The value that a default's text stands for. An empty text is the kind's zero value.
    pub(crate) fn of_default(kind: Kind, text: &str) -> FlagValue {
        match kind {
            Kind::Texts | Kind::List | Kind::PostRendererArguments => {
                let parts = text.split(',').map(str::to_owned);
                FlagValue::Texts(if text.is_empty() { Vec::new() } else { parts.collect() })
            }
            Kind::Pairs => FlagValue::Pairs(BTreeMap::new()),
            kind => {
                let mut value = FlagValue::zero(kind);
                if !text.is_empty() {
                    // A default that is not of its kind (a variable with nonsense) leaves the zero value, as Helm does.
                    drop(value.set(kind, text, false));
                }
                value
            }
        }
    }

    fn zero(kind: Kind) -> FlagValue {
        match kind {
            Kind::Switch | Kind::GoSwitch => FlagValue::Switch(false),
            Kind::Integer | Kind::Level => FlagValue::Integer(0),
            Kind::Unsigned | Kind::GoUnsigned => FlagValue::Unsigned(0),
            Kind::Float => FlagValue::Float(0.0),
            Kind::Duration => FlagValue::Duration(0),
            _ => FlagValue::Text(String::new()),
        }
    }

    /// Takes a text in; `again` says that the flag was used before, so that lists grow.
    ///
    /// # Errors
    /// Go's words for what is wrong with the text. A list may have grown nevertheless.
    pub(crate) fn set(&mut self, kind: Kind, text: &str, again: bool) -> Result<(), String> {
        match (self, kind) {
            (FlagValue::Switch(value), Kind::GoSwitch) => {
                *value = parse_bool(text).map_err(|_| "parse error".to_owned())?;
            }
            (FlagValue::Switch(value), _) => *value = parse_bool(text)?,
            (FlagValue::Integer(value), Kind::Level) => {
                let read = parse_integer(text, 10, "ParseInt")?;
                *value = i32::try_from(read).map(i64::from).map_err(|_| out_of_range("ParseInt", text))?;
            }
            (FlagValue::Integer(value), _) => {
                *value =
                    i64::try_from(parse_integer(text, 0, "ParseInt")?).map_err(|_| out_of_range("ParseInt", text))?;
            }
            (FlagValue::Unsigned(value), Kind::GoUnsigned) => {
                *value = parse_magnitude(text, 0).map_err(|error| match error {
                    Digits::Syntax => "parse error".to_owned(),
                    Digits::Range => "value out of range".to_owned(),
                })?;
            }
            (FlagValue::Unsigned(value), _) => *value = parse_unsigned(text)?,
            (FlagValue::Float(value), _) => *value = parse_float(text)?,
            (FlagValue::Duration(value), _) => {
                *value = duration::parse(text.as_bytes()).map_err(|error| error.to_string())?;
            }
            (FlagValue::Texts(values), Kind::List) => {
                let fields = if text.is_empty() { Vec::new() } else { csv::record(text)? };
                if !again {
                    values.clear();
                }
                values.extend(fields);
            }
            (FlagValue::Texts(values), _) => {
                if !again {
                    values.clear();
                }
                values.push(text.to_owned());
            }
            (FlagValue::Pairs(pairs), _) => {
                let read = parse_pairs(text)?;
                if !again {
                    pairs.clear();
                }
                pairs.extend(read);
            }
            (FlagValue::Text(value), Kind::Format) => {
                if !matches!(text, "table" | "json" | "yaml") {
                    return Err("invalid format type".to_owned());
                }
                *value = text.to_owned();
            }
            (FlagValue::Text(value), Kind::Wait) => {
                *value = match text {
                    "watcher" | "legacy" | "hookOnly" => text,
                    "true" => "watcher",
                    "false" => "hookOnly",
                    _ => {
                        let quoted = go_quoted(text);
                        return Err(format!(
                            "invalid wait input {quoted}. Valid inputs are watcher, hookOnly, and legacy"
                        ));
                    }
                }
                .to_owned();
            }
            (FlagValue::Text(value), Kind::PostRenderer) => {
                if !value.is_empty() && !text.is_empty() {
                    return Err("cannot specify --post-renderer flag more than once".to_owned());
                }
                if !text.is_empty() {
                    *value = text.to_owned();
                }
            }
            (FlagValue::Text(value), Kind::PostRendererProgram) => {
                if !text.is_empty() {
                    *value = text.to_owned();
                }
            }
            (FlagValue::Text(value), Kind::Severity) => {
                if !matches!(text.to_uppercase().as_str(), "INFO" | "WARNING" | "ERROR" | "FATAL") {
                    parse_integer(text, 10, "ParseInt")?;
                }
                *value = text.to_owned();
            }
            (FlagValue::Text(value), Kind::ModuleLevels) => {
                check_module_levels(text)?;
                *value = text.to_owned();
            }
            (FlagValue::Text(value), Kind::TraceLocation) => {
                check_trace_location(text)?;
                *value = text.to_owned();
            }
            (FlagValue::Text(value), _) => *value = text.to_owned(),
        }
        Ok(())
    }
}

fn syntax(function: &str, text: &str) -> String {
    format!("strconv.{function}: parsing {}: invalid syntax", go_quoted(text))
}

fn out_of_range(function: &str, text: &str) -> String {
    format!("strconv.{function}: parsing {}: value out of range", go_quoted(text))
}

/// Go's `strconv.ParseBool`.
pub(crate) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(syntax("ParseBool", text)),
    }
}

/// Go's `strconv.ParseInt` for 64 bits: base 10, or 0 for what the prefix says.
fn parse_integer(text: &str, base: u32, function: &str) -> Result<i128, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = parse_magnitude(digits, base).map_err(|error| match error {
        Digits::Syntax => syntax(function, text),
        Digits::Range => out_of_range(function, text),
    })?;
    let value = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
    if i64::try_from(value).is_err() {
        return Err(out_of_range(function, text));
    }
    Ok(value)
}

/// Go's `strconv.ParseUint` for 64 bits with the base that the prefix says.
fn parse_unsigned(text: &str) -> Result<u64, String> {
    parse_magnitude(text, 0).map_err(|error| match error {
        Digits::Syntax => syntax("ParseUint", text),
        Digits::Range => out_of_range("ParseUint", text),
    })
}

enum Digits {
    Syntax,
    Range,
}

fn parse_magnitude(text: &str, base: u32) -> Result<u64, Digits> {
    let lower = text.to_ascii_lowercase();
    let (base, digits, prefixed) = match (base, lower.as_bytes()) {
        (0, [b'0', b'x', ..]) => (16, &lower[2..], true),
        (0, [b'0', b'b', ..]) => (2, &lower[2..], true),
        (0, [b'0', b'o', ..]) => (8, &lower[2..], true),
        (0, [b'0', _, ..]) => (8, &lower[1..], true),
        (0, _) => (10, &lower[..], false),
        (base, _) => (base, &lower[..], false),
    };
    let plain = if text.contains('_') {
        // An underscore may stand between digits, or between a prefix and a digit, and only where the base is read off the text.
        let bytes = digits.as_bytes();
        let proper = bytes.iter().enumerate().all(|(at, byte)| {
            *byte != b'_'
                || ((at > 0 && bytes[at - 1] != b'_' || at == 0 && prefixed)
                    && bytes.get(at + 1).is_some_and(|next| *next != b'_'))
        });
        if !prefixed && base != 10 || !proper {
            return Err(Digits::Syntax);
        }
        digits.replace('_', "")
    } else {
        digits.to_owned()
    };
    if plain.is_empty() || !plain.chars().all(|c| c.is_digit(base)) {
        return Err(Digits::Syntax);
    }
    u64::from_str_radix(&plain, base).map_err(|_| Digits::Range)
}

/// Go's `strconv.ParseFloat` for 32 bits.
pub(crate) fn parse_float(text: &str) -> Result<f32, String> {
    let lower = text.to_ascii_lowercase();
    let word = lower.strip_prefix(['+', '-']).unwrap_or(&lower);
    if !matches!(word, "inf" | "infinity" | "nan") && !word.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(syntax("ParseFloat", text));
    }
    let value: f32 = lower.parse().map_err(|_| syntax("ParseFloat", text))?;
    if value.is_infinite() && !word.starts_with("inf") {
        return Err(out_of_range("ParseFloat", text));
    }
    Ok(value)
}

/// pflag's `stringToString`.
fn parse_pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let unformed = |text: &str| format!("{text} must be formatted as key=value");
    let fields = match text.matches('=').count() {
        0 => return Err(unformed(text)),
        1 => vec![text.trim_matches('"').to_owned()],
        _ => csv::record(text)?,
    };
    fields
        .iter()
        .map(|field| {
            let (key, value) = field.split_once('=').ok_or_else(|| unformed(field))?;
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

/// klog's `pattern=level,…`.
fn check_module_levels(text: &str) -> Result<(), String> {
    const RULE: &str = "syntax error: expect comma-separated list of filename=N";
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (pattern, level) = part.split_once('=').ok_or(RULE)?;
        if pattern.is_empty() || level.is_empty() || level.contains('=') {
            return Err(RULE.to_owned());
        }
        if parse_integer(level, 10, "ParseInt").map_or(true, |level| level < 0) {
            return Err("syntax error: expect comma-separated list of filename=N".to_owned());
        }
    }
    Ok(())
}

/// klog's `file.go:line`.
fn check_trace_location(text: &str) -> Result<(), String> {
    const RULE: &str = "syntax error: expect file.go:234";
    if text.is_empty() {
        return Ok(());
    }
    let (file, line) = text.split_once(':').ok_or(RULE)?;
    if line.contains(':') || !file.contains('.') {
        return Err(RULE.to_owned());
    }
    match parse_integer(line, 10, "Atoi") {
        Ok(line) if line > 0 => Ok(()),
        Ok(_) => Err("negative or zero value for level".to_owned()),
        Err(_) => Err(RULE.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, text: &str, expect: Result<FlagValue, &str>) {
        let mut value = FlagValue::of_default(kind, "");
        let result = value.set(kind, text, false).map(|()| value);
        assert_eq!(result, expect.map_err(str::to_owned), "{kind:?} {text:?}");
    }

    #[test]
    fn integers_are_read_in_gos_notations() {
        for (text, number) in
            [("7", 7), ("-7", -7), ("+7", 7), ("0x10", 16), ("010", 8), ("0b11", 3), ("1_000", 1000), ("0x_f", 15)]
        {
            check(Kind::Integer, text, Ok(FlagValue::Integer(number)));
        }
        for text in ["", "x", "1__0", "_1", "1_", "09", "0x", "1.0", "--1"] {
            let message = format!("strconv.ParseInt: parsing \"{text}\": invalid syntax");
            check(Kind::Integer, text, Err(&message));
        }
        check(
            Kind::Integer,
            "9223372036854775808",
            Err("strconv.ParseInt: parsing \"9223372036854775808\": value out of range"),
        );
    }

    #[test]
    fn lists_are_lines_of_csv() {
        let list = |texts: &[&str]| Ok(FlagValue::Texts(texts.iter().map(|text| (*text).to_owned()).collect()));
        check(Kind::List, "a,b", list(&["a", "b"]));
        check(Kind::List, "", list(&[]));
        check(Kind::List, "\"a,b\",c", list(&["a,b", "c"]));
        check(Kind::List, "a\"b", Err("parse error on line 1, column 2: bare \" in non-quoted-field"));
        check(Kind::Texts, "a,b", list(&["a,b"]));
    }

    #[test]
    fn pairs_need_an_equals_sign() {
        check(Kind::Pairs, "a", Err("a must be formatted as key=value"));
        check(
            Kind::Pairs,
            "a=1,b=2",
            Ok(FlagValue::Pairs([("a".into(), "1".into()), ("b".into(), "2".into())].into())),
        );
        check(Kind::Pairs, "a=1,b", Ok(FlagValue::Pairs([("a".into(), "1,b".into())].into())));
    }
}
