//! Hints: what a person would want to know below Helm's text of an error. [`explain`] is a plain function of the error, what the
//! rendering left behind in a [`RenderTrace`](crate::RenderTrace), and what the person gave.
//!
//! ```text
//! RenderError ─┐
//! RenderTrace ─┼─▶ explain ─▶ Vec<Hint>      which value it was and who sets it · the nearest name · the chain of templates
//! chart, -f, ──┘                             what was rendered around a line that is no YAML · the command to run
//! --set
//! ```

mod nearest;
mod origin;
mod rendered;
mod schema;
mod template;
mod value;

use std::fmt;

use crate::chart::Chart;
use crate::render::{RenderError, RenderOptions};
use crate::values::{ValuesError, ValuesOptions};

/// What a hint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HintKind {
    /// A value that is null or not there.
    MissingValue,
    /// A value that is there and does not fit.
    WrongValue,
    /// A name that is nearly the one that was written.
    Nearest,
    /// The templates that led to the error.
    Chain,
    /// Who refused: `required`, `fail`.
    Refusal,
    /// What was rendered where it is no YAML.
    Rendered,
    /// Lines of a file that is no YAML.
    Source,
    /// Something to run or to add to the command line.
    Command,
}

/// One hint: a sentence, and where it helps some lines below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// What it is about.
    pub kind: HintKind,
    /// The sentence, in lower case and without a period at its end.
    pub text: String,
    /// Lines that belong below it.
    pub lines: Vec<String>,
}

impl Hint {
    fn new(kind: HintKind, text: impl Into<String>) -> Hint {
        Hint { kind, text: text.into(), lines: Vec::new() }
    }

    fn with_lines(self, lines: Vec<String>) -> Hint {
        Hint { lines, ..self }
    }
}

/// The sentence, and the lines below it with two spaces before each.
impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// What was being done when the error came.
#[derive(Clone, Copy)]
pub struct Circumstances<'c> {
    /// The chart as it was loaded.
    pub chart: &'c Chart,
    /// What the person gave, with the values files read.
    pub values: &'c ValuesOptions,
    /// The same, merged.
    pub user_values: &'c sutler_template::Value,
    /// What it was rendered with; its trace says where it failed.
    pub options: &'c RenderOptions,
}

/// What can be said of an error beyond Helm's text; nothing where nothing helps.
pub fn explain(error: &RenderError, about: &Circumstances<'_>) -> Vec<Hint> {
    match error {
        RenderError::Template(error) => template::hints(error, about),
        RenderError::Manifest(error) => rendered::hints(error, about),
        RenderError::Schema(text) => schema::hints(text, about),
        RenderError::Values(mismatch) | RenderError::Dependencies(mismatch) => {
            value::no_table(&mismatch.chart, about).into_iter().collect()
        }
        RenderError::KubeVersion { constraint, version } => vec![Hint::new(
            HintKind::Command,
            format!(
                "the chart is for Kubernetes {constraint}; without a cluster {version} is assumed: say another with --kube-version"
            ),
        )],
        _ => Vec::new(),
    }
}

/// What can be said of values that cannot be read: the lines around the place in the file, or the text of the flag.
pub fn explain_values(error: &ValuesError, values: &ValuesOptions) -> Vec<Hint> {
    match error {
        ValuesError::File { name, source } => {
            let file = values.files.iter().find(|file| file.name == *name);
            file.and_then(|file| rendered::of_file(name, &file.text, source)).into_iter().collect()
        }
        ValuesError::Set { flag, .. } => {
            let texts = match *flag {
                "set" => &values.set,
                "set-string" => &values.set_string,
                "set-file" => &values.set_file,
                _ => &values.set_literal,
            };
            let is_wrong = |text: &&String| {
                let one = ValuesOptions { set: vec![(*text).clone()], ..ValuesOptions::default() };
                *flag == "set" && one.merge().is_err()
            };
            let wrong = texts.iter().find(is_wrong).or_else(|| texts.last());
            let hint = |text: &String| {
                Hint::new(
                    HintKind::Source,
                    format!(
                        "it is in --{flag} {text}; commas, and dots of names, are escaped by \\, and a value that begins with {{ is a list (--set-literal takes any text as it is)"
                    ),
                )
            };
            wrong.map(hint).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// What to run where charts that Chart.yaml names are not in `charts/`; `reference` is the chart as it was typed.
pub fn explain_missing_dependencies(chart: &Chart, reference: &str) -> Hint {
    let command = if chart.lock().is_some() { "build" } else { "update" };
    Hint::new(HintKind::Command, format!("fetch them with `sutler helm dependency {command} {reference}`"))
}
