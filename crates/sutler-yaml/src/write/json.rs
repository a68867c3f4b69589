//! What happens to a value on Helm's way through JSON: `toYaml` marshals to JSON, reads that with go-yaml, and writes.

use std::borrow::Cow;

use super::WriteError;
use crate::read::is_allowed;
use crate::scalar::{Dialect, Scalar, resolve};

/// How many characters go-yaml allows between the beginning of a key and its `:`.
const KEY_LENGTH: usize = 1024;

/// What a float's JSON text reads as: whole numbers below 1e21 have neither point nor exponent and become integers, if 64
/// bits hold them.
pub(super) fn number(value: f64) -> Result<Scalar, WriteError> {
    if !value.is_finite() {
        let text = match () {
            () if value.is_nan() => "NaN",
            () if value > 0.0 => "+Inf",
            () => "-Inf",
        };
        return Err(WriteError::UnsupportedValue(text));
    }
    if value.abs() >= 1e21 {
        return Ok(Scalar::Float(value));
    }
    Ok(resolve(&format!("{value}"), Dialect::V2))
}

/// What a string reads as. JSON escapes most of what YAML would take amiss, but neither the control characters from U+007F
/// on, which YAML refuses, nor the line break U+0085, which YAML folds.
pub(super) fn string(value: &str) -> Result<Cow<'_, str>, WriteError> {
    if value.is_ascii() && !value.contains('\u{7f}') {
        return Ok(Cow::Borrowed(value));
    }
    if value.chars().any(|character| character >= '\u{7f}' && !is_allowed(character)) {
        return Err(WriteError::Unreadable("control characters are not allowed".to_owned()));
    }
    if !value.contains('\u{85}') {
        return Ok(Cow::Borrowed(value));
    }
    let lines: Vec<&str> = value.split('\u{85}').collect();
    let last = lines.len() - 1;
    // At the start of a line, `---` before a blank ends the document.
    let ends_document = |line: &str, index: usize| match line.strip_prefix("---").or(line.strip_prefix("...")) {
        Some(rest) => index > 0 && (rest.starts_with(' ') || (rest.is_empty() && index < last)),
        None => false,
    };
    if lines.iter().enumerate().any(|(index, line)| ends_document(line, index)) {
        return Err(WriteError::Unreadable("found unexpected document indicator".to_owned()));
    }
    let mut folded = String::new();
    let mut breaks = 0;
    for (index, line) in lines.into_iter().enumerate() {
        let line = if index > 0 { line.trim_start_matches(' ') } else { line };
        let line = if index < last { line.trim_end_matches(' ') } else { line };
        if index > 0 {
            breaks += 1;
        }
        // Lines of spaces only are line breaks in a row; at the end of the string nothing more can follow.
        if line.is_empty() && index > 0 && index < last {
            continue;
        }
        match breaks {
            0 => {}
            1 => folded.push(' '),
            _ => folded.extend(std::iter::repeat_n('\n', breaks - 1)),
        }
        breaks = 0;
        folded.push_str(line);
    }
    Ok(Cow::Owned(folded))
}

/// Refuses keys that go-yaml does not recognize in the JSON text: long ones, and those with a line break.
pub(super) fn check_key(key: &str) -> Result<(), WriteError> {
    if key.len() * 6 + 2 <= KEY_LENGTH && key.is_ascii() && !key.contains('\u{7f}') {
        return Ok(());
    }
    string(key)?;
    if key.contains('\u{85}') || escaped_length(key) > KEY_LENGTH {
        return Err(WriteError::Unreadable("did not find expected ',' or '}'".to_owned()));
    }
    Ok(())
}

/// The characters of a string as Go writes it in JSON, quotes included.
fn escaped_length(text: &str) -> usize {
    let escaped = text.chars().map(|character| match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\x08' | '\x0c' => 2,
        '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => 6,
        _ => 1,
    });
    escaped.sum::<usize>() + 2
}
