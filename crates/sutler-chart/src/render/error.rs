//! [`TemplateError`]: what is wrong with a template, as Helm tells it and as data.

use std::fmt;

use sutler_functions::{MESSAGE_END, MESSAGE_START};
use sutler_template::{Failure, Location, ParseError, Str};

/// What kind of error a template has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TemplateErrorKind {
    /// It is no template.
    Parse,
    /// Executing it failed.
    Execute,
    /// The chart itself refuses: `fail`, or `required` without a value. The message is the chart author's.
    Refused,
    /// Its output is not UTF-8.
    Encoding,
}

/// A template cannot be parsed or executed. The display is Helm's text, over several lines where Helm's is; the rest is for
/// programs.
///
/// ```
/// use sutler_chart::{Chart, ChartSource, RenderError, RenderOptions, TemplateErrorKind, Values, render};
///
/// let chart = Chart::load(ChartSource::files([
///     ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
///     ("templates/_helpers.tpl", "{{ define \"image\" }}{{ .Values.image.tag }}{{ end }}"),
///     ("templates/pod.yaml", "kind: Pod\nimage: {{ include \"image\" . }}\n"),
/// ]))?;
/// let error = render(&chart, &Values::new(), &RenderOptions::install("demo", "default")).unwrap_err();
/// let RenderError::Template(error) = error else { panic!("{error}") };
/// assert_eq!(error.kind(), TemplateErrorKind::Execute);
/// assert_eq!(error.message(), "nil pointer evaluating interface {}.tag");
/// assert_eq!((error.file(), error.line(), error.column()), ("web/templates/_helpers.tpl", 1, Some(30)));
/// let chain: Vec<_> = error.chain().iter().map(|at| at.node.as_str()).collect();
/// assert_eq!(chain, ["include \"image\" .", ".Values.image.tag"]);
/// # Ok::<(), sutler_chart::LoadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    text: String,
    kind: TemplateErrorKind,
    file: String,
    line: usize,
    message: String,
    chain: Vec<Location>,
}

impl TemplateError {
    pub(super) fn parse(error: &ParseError, text: String) -> TemplateError {
        TemplateError(Box::new(Parts {
            text,
            kind: TemplateErrorKind::Parse,
            file: error.name().to_string(),
            line: error.line(),
            message: error.message().to_owned(),
            chain: Vec::new(),
        }))
    }

    pub(super) fn execute(path: &str, failure: &Failure, text: String) -> TemplateError {
        let (kind, message) = match refusal(failure.message()) {
            Some(message) => (TemplateErrorKind::Refused, message),
            None => (TemplateErrorKind::Execute, failure.message()),
        };
        let at = failure.location();
        TemplateError(Box::new(Parts {
            text,
            kind,
            file: at.map_or_else(|| path.to_owned(), |at| at.file.to_string()),
            line: at.map_or(0, |at| at.line),
            message: message.to_owned(),
            chain: failure.chain().to_vec(),
        }))
    }

    pub(super) fn encoding(path: &str, output: &Str) -> TemplateError {
        let valid = output.as_bytes().utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
        let message = "the output is not UTF-8".to_owned();
        TemplateError(Box::new(Parts {
            text: format!("{path}: {message}"),
            kind: TemplateErrorKind::Encoding,
            file: path.to_owned(),
            line: 1 + output.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count(),
            message,
            chain: Vec::new(),
        }))
    }

    /// What kind of error it is.
    pub fn kind(&self) -> TemplateErrorKind {
        self.0.kind
    }

    /// The file that the error is in, from the root chart's name on: `web/charts/db/templates/_helpers.tpl`. A text given to
    /// `tpl` has the engine's name, `gotpl`.
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// The line, from 1; of the output where that is not UTF-8; 0 where the error has no place.
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// The column in bytes, from 0 as Go counts, where it is known.
    pub fn column(&self) -> Option<usize> {
        self.0.chain.last().map(|at| at.column)
    }

    /// What is wrong, without places.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The way to the error: first the rendered template, then each one that `include`, `tpl` or `template` led to, last the place of
    /// the error itself. Empty where nothing was executed.
    pub fn chain(&self) -> &[Location] {
        &self.0.chain
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::error::Error for TemplateError {}

/// What a chart's author says between the marks that Helm puts around it.
fn refusal(message: &str) -> Option<&str> {
    let start = message.find(MESSAGE_START)? + MESSAGE_START.len();
    message.get(start..message.rfind(MESSAGE_END)?)
}
