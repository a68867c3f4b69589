//! Hints for texts that are no YAML: a rendered document, a values file. The lines around the place are shown.

use super::{Circumstances, Hint, HintKind};
use crate::decode::DecodeError;
use crate::manifest::ManifestError;
use crate::render::locate_line;
use crate::values::ValuesError;

/// How many lines are shown before and after.
const AROUND: usize = 3;

pub(super) fn hints(error: &ManifestError, about: &Circumstances<'_>) -> Vec<Hint> {
    let line = line_of(&error.source);
    let at = line.unwrap_or(0).min(error.document.lines().count().saturating_sub(1));
    let place = locate_line(about.chart, about.user_values, about.options, &error.path, &error.document, at);
    let made = place.map(|place| format!(", made by {}:{}", place.file, place.line)).unwrap_or_default();
    let text = match line {
        Some(line) => format!("line {} of a document of {} is no YAML{made}:", line + 1, error.path),
        None => format!("this document of {} is no object{made}:", error.path),
    };
    vec![Hint::new(HintKind::Rendered, text).with_lines(around(&error.document, at, line.is_some()))]
}

/// The lines around the place in a values file.
pub(super) fn of_file(name: &str, text: &str, error: &ValuesError) -> Option<Hint> {
    let error = match error {
        ValuesError::Document(error) | ValuesError::OnlyDocument(error) => error,
        _ => return None,
    };
    if let DecodeError::Type { found, .. } = error {
        let found = if *found == "array" { "list" } else { found };
        let text = format!("{name} holds a {found}, and values are a table: `name: value`");
        return Some(Hint::new(HintKind::WrongValue, text));
    }
    let line = line_of(error)?;
    Some(Hint::new(HintKind::Source, format!("{name}:{} is no YAML:", line + 1)).with_lines(around(text, line, true)))
}

/// The line, from 0, that a reader of YAML stumbled over.
fn line_of(error: &DecodeError) -> Option<usize> {
    let position = match error {
        DecodeError::Read(error) => error.position(),
        DecodeError::Convert(error) => error.position(),
        DecodeError::Type { .. } | DecodeError::Time(_) => return None,
    };
    usize::try_from(position.line).ok()?.checked_sub(1)
}

/// Lines with their numbers; the one meant has a mark.
fn around(text: &str, at: usize, marked: bool) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let (from, to) = (at.saturating_sub(AROUND), (at + AROUND + 1).min(lines.len()));
    let width = to.to_string().len();
    let shown = lines.iter().enumerate().take(to).skip(from);
    shown
        .map(|(index, line)| {
            let mark = if marked && index == at { '>' } else { ' ' };
            format!("{mark} {:width$} | {line}", index + 1).trim_end().to_owned()
        })
        .collect()
}
