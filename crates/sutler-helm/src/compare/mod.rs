//! What `sutler helm compare` finds out: two renderings, line by line, as data; and how that is shown.
//!
//! ```text
//! Output (ours) ─┐
//! Output (Helm) ─┼─▶ judge ─▶ Verdict ─▶ Case ─▶ Comparison ─▶ text, table, JSON
//! Output (again)─┘
//! ```
//!
//! Nothing here runs a program or reads a file.

mod report;

use std::time::Duration;

pub use report::{json, text};

/// What one rendering printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code.
    pub exit_code: i32,
}

/// Which part of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The exit code.
    ExitCode,
}

/// The first difference of two outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub stream: Stream,
    /// The line of it, from 1.
    pub line: usize,
    /// The template that the document names, in standard output: `chart/templates/a.yaml`.
    pub source: Option<String>,
    /// Our line; none where ours has ended.
    pub ours: Option<String>,
    /// Helm's line; none where Helm's has ended.
    pub helm: Option<String>,
    /// How many more lines differ, as the lines stand.
    pub more: usize,
    /// File and line of the template that made our line, where that is known.
    pub template: Option<(String, usize)>,
}

/// How two outputs compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They are the same.
    Equal,
    /// They are the same but for lines, so many, in which two runs of Helm itself differ.
    EqualButRandom(usize),
    /// Both refuse, with the same words.
    Refused,
    /// They differ. Lines in which two runs of Helm itself differ, so many, are not looked at.
    Different(Box<Difference>, usize),
}

/// One rendering of a chart by both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The values file of the chart's own tests (`ci/…`); none for the chart as it is.
    pub values: Option<String>,
    /// How they compare.
    pub verdict: Verdict,
    /// What ours took: reading the chart and rendering.
    pub ours: Duration,
    /// What Helm took, as a process.
    pub helm: Duration,
}

/// A chart's renderings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The chart's path as it was typed, or below the folder that was.
    pub chart: String,
    /// With its own values, and with each file of `ci/`.
    pub cases: Vec<Case>,
}

impl Comparison {
    /// Whether any rendering differs.
    pub fn differs(&self) -> bool {
        self.cases.iter().any(|case| matches!(case.verdict, Verdict::Different(..)))
    }
}

/// Compares ours with Helm's. `again` is asked for what Helm prints a second time, and only where the two differ.
///
/// Lines that Helm prints in the random order of a Go map (remarks, failures of a schema) are compared as a set.
pub fn judge(ours: &Output, helm: &Output, again: impl FnOnce() -> Output) -> Verdict {
    if same(ours, helm) {
        return if helm.exit_code == 0 { Verdict::Equal } else { Verdict::Refused };
    }
    let again = again();
    let random: Vec<bool> = helm.stdout.lines().zip(again.stdout.lines()).map(|(once, again)| once != again).collect();
    let masked = random.iter().filter(|is_random| **is_random).count();
    match first_difference(ours, helm, &random) {
        Some(difference) => Verdict::Different(Box::new(difference), masked),
        None => Verdict::EqualButRandom(masked),
    }
}

fn same(ours: &Output, helm: &Output) -> bool {
    ours.exit_code == helm.exit_code
        && ours.stdout == helm.stdout
        && (ours.stderr == helm.stderr || settled(&ours.stderr) == settled(&helm.stderr))
}

fn first_difference(ours: &Output, helm: &Output, random: &[bool]) -> Option<Difference> {
    let is_random = |line: usize| random.get(line) == Some(&true);
    let (our_lines, helm_lines): (Vec<&str>, Vec<&str>) =
        (ours.stdout.lines().collect(), helm.stdout.lines().collect());
    if let Some(found) = differing(&our_lines, &helm_lines, Stream::Stdout, is_random) {
        let end = found.line.min(our_lines.len());
        let mut above = our_lines[..end].iter().rev();
        let source = above.find_map(|line| line.strip_prefix("# Source: ")).map(str::to_owned);
        return Some(Difference { source, ..found });
    }
    let (our_lines, helm_lines) = (settled(&ours.stderr), settled(&helm.stderr));
    if let Some(found) = differing(&our_lines, &helm_lines, Stream::Stderr, |_| false) {
        return Some(found);
    }
    let code = |output: &Output| Some(output.exit_code.to_string());
    (ours.exit_code != helm.exit_code).then(|| Difference {
        stream: Stream::ExitCode,
        line: 1,
        source: None,
        ours: code(ours),
        helm: code(helm),
        more: 0,
        template: None,
    })
}

fn differing(ours: &[&str], helm: &[&str], stream: Stream, passed_over: impl Fn(usize) -> bool) -> Option<Difference> {
    let length = ours.len().max(helm.len());
    let differs = |line: &usize| ours.get(*line) != helm.get(*line) && !passed_over(*line);
    let mut differing = (0..length).filter(differs);
    let first = differing.next()?;
    let text = |lines: &[&str]| lines.get(first).map(ToString::to_string);
    Some(Difference {
        stream,
        line: first + 1,
        source: None,
        ours: text(ours),
        helm: text(helm),
        more: differing.count(),
        template: None,
    })
}

/// The lines, with those in the order of Go maps sorted where they stand together.
fn settled(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    let is_of_helm3 = |line: &str| line.split_once(": ").is_some_and(|(place, _)| place.contains(".go:"));
    let is_loose = |line: &str| line.starts_with("- ") || line.starts_with("level=") || is_of_helm3(line);
    let mut start = 0;
    while start < lines.len() {
        let length = lines[start..].iter().take_while(|line| is_loose(line)).count();
        lines[start..start + length].sort_unstable();
        start += length.max(1);
    }
    lines
}

#[cfg(test)]
mod tests;
