//! What is wrong with a stack, and where: a message, a place in a file, and what to do about it.
//!
//! A [`Diagnostic`] prints like a compiler's message, with the line it speaks of. Several are collected where a
//! person can mend several at once.

use std::fmt;

/// A place in a file: line and column count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl From<sutler_yaml::Position> for Place {
    fn from(position: sutler_yaml::Position) -> Self {
        Place { line: position.line, column: position.column }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is applied while it stands.
    Error,
    /// Worth a look.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in lower case and without a final period.
    pub message: String,
    /// Where, if it can be said.
    pub place: Option<Place>,
    /// More lines under the place: the figures behind the message.
    pub notes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at `place`.
    pub fn error(place: Option<Place>, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Error, message: message.into(), place, notes: Vec::new(), hint: None }
    }

    /// A warning at `place`.
    pub fn warning(place: Option<Place>, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(place, message) }
    }

    /// The same, with advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, with one more line under it.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Diagnostics of one file, with its text, ready to be printed.
#[derive(Clone, Debug)]
pub struct Report {
    /// The file's path as the user would type it.
    pub path: String,
    /// The file's text.
    pub text: String,
    /// What is wrong, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// Whether an error is among them.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The report with only what has this severity.
    pub fn only(&self, severity: Severity) -> Report {
        Report {
            path: self.path.clone(),
            text: self.text.clone(),
            diagnostics: self.diagnostics.iter().filter(|found| found.severity == severity).cloned().collect(),
        }
    }

    /// Where a diagnostic points, as `stack.yaml:19`.
    pub fn location(&self, diagnostic: &Diagnostic) -> String {
        match diagnostic.place {
            Some(place) => format!("{}:{}", self.path, place.line),
            None => self.path.clone(),
        }
    }
}

/// The report as text; the `error: ` in front of the first message is the printer's.
impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics.iter().enumerate() {
            if index > 0 {
                write!(
                    formatter,
                    "\n\n{}: ",
                    match diagnostic.severity {
                        Severity::Error => "error",
                        Severity::Warning => "warning",
                    }
                )?;
            }
            write!(formatter, "{}", diagnostic.message)?;
            self.excerpt(formatter, diagnostic)?;
            if let Some(hint) = &diagnostic.hint {
                write!(formatter, "\nhint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl Report {
    fn excerpt(&self, formatter: &mut fmt::Formatter<'_>, diagnostic: &Diagnostic) -> fmt::Result {
        let Some(place) = diagnostic.place else {
            write!(formatter, "\n  --> {}", self.path)?;
            return self.notes(formatter, diagnostic, "");
        };
        let number = place.line.to_string();
        let gutter = " ".repeat(number.len());
        write!(formatter, "\n{gutter} --> {}:{}:{}", self.path, place.line, place.column)?;
        if let Some(line) = self.text.lines().nth(place.line.saturating_sub(1) as usize) {
            let before = place.column.saturating_sub(1) as usize;
            let (line, before) = window(line, before);
            let width = marked_width(&line, before);
            write!(
                formatter,
                "\n{gutter} |\n{number} | {line}\n{gutter} | {}{}",
                " ".repeat(before),
                "^".repeat(width)
            )?;
        }
        self.notes(formatter, diagnostic, &gutter)
    }

    fn notes(&self, formatter: &mut fmt::Formatter<'_>, diagnostic: &Diagnostic, gutter: &str) -> fmt::Result {
        diagnostic.notes.iter().try_for_each(|note| write!(formatter, "\n{gutter}   {note}"))
    }
}

/// The widest line that is shown whole; a longer one is shown around the marked place.
const WINDOW: usize = 110;

/// The part of `line` to show, and where the mark stands in it.
fn window(line: &str, before: usize) -> (String, usize) {
    let characters: Vec<char> = line.chars().map(|found| if found == '\t' { ' ' } else { found }).collect();
    let before = before.min(characters.len());
    if characters.len() <= WINDOW {
        return (characters.into_iter().collect(), before);
    }
    let start = before.saturating_sub(WINDOW / 2).min(characters.len() - WINDOW.min(characters.len()));
    let end = (start + WINDOW).min(characters.len());
    let mut shown: String = characters[start..end].iter().collect();
    let mut mark = before - start;
    if start > 0 {
        shown.insert(0, '…');
        mark += 1;
    }
    if end < characters.len() {
        shown.push('…');
    }
    (shown, mark)
}

/// How many characters to underline: a word or a quoted text from the mark on.
fn marked_width(line: &str, before: usize) -> usize {
    let rest: Vec<char> = line.chars().skip(before).collect();
    let word = match rest.first() {
        Some(quote @ ('"' | '\'')) => rest.iter().skip(1).position(|found| found == quote).map_or(1, |end| end + 2),
        _ => rest.iter().take_while(|found| !matches!(found, ',' | '}' | ']' | '{' | '[' | ':' | ' ' | '#')).count(),
    };
    word.max(1)
}

/// The candidate that `word` was probably meant to be: the nearest by edit distance, if it is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(3) / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edit distance with transpositions (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().take(64).collect(), right.chars().take(64).collect());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (index, row) in rows.iter_mut().enumerate() {
        row[0] = index;
    }
    for (index, cell) in rows[0].iter_mut().enumerate() {
        *cell = index;
    }
    for row in 1..=left.len() {
        for column in 1..=right.len() {
            let cost = usize::from(left[row - 1] != right[column - 1]);
            let mut best =
                (rows[row - 1][column] + 1).min(rows[row][column - 1] + 1).min(rows[row - 1][column - 1] + cost);
            if row > 1 && column > 1 && left[row - 1] == right[column - 2] && left[row - 2] == right[column - 1] {
                best = best.min(rows[row - 2][column - 2] + 1);
            }
            rows[row][column] = best;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_found_and_a_far_one_is_not() {
        assert_eq!(nearest("instancetype", ["instanceTypes", "min"]), Some("instanceTypes"));
        assert_eq!(nearest("needes", ["needs", "name"]), Some("needs"));
        assert_eq!(nearest("whne", ["when", "name"]), Some("when"));
        assert_eq!(nearest("zebra", ["when", "name"]), None);
    }

    #[test]
    fn the_marked_word_is_underlined_even_in_a_long_line() {
        let long = format!("{}pool: rya{}", "a".repeat(200), "b".repeat(200));
        let report = Report {
            path: "stack.yaml".into(),
            text: long,
            diagnostics: vec![
                Diagnostic::error(Some(Place { line: 1, column: 207 }), "no pool `rya`").hint("did you mean `ray`?"),
            ],
        };
        let text = report.to_string();
        assert!(text.contains("--> stack.yaml:1:207"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 130), "{text}");
        assert!(text.ends_with("hint: did you mean `ray`?"), "{text}");
    }
}
