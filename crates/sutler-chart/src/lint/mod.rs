//! `helm lint`: what is wrong with a chart, or merely odd, in Helm's words (`pkg/chart/v2/lint`).
//!
//! ```text
//! folder or archive ─▶ Survey ──lint──▶ LintReport { findings, remarks }
//! ```
//!
//! ```
//! use sutler_chart::SourceFile;
//! use sutler_chart::lint::{LintOptions, Survey, lint};
//!
//! let files = vec![SourceFile::new("Chart.yaml", "apiVersion: v2\nname: hello\nversion: 0.1.0\n")];
//! let survey = Survey::of_files(files, "/charts/hello".to_owned());
//! let report = lint(&survey, &sutler_chart::ValuesOptions::default().merge()?, &LintOptions::default());
//! let lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
//! assert_eq!(
//!     lines,
//!     ["[INFO] Chart.yaml: icon is recommended", "[INFO] values.yaml: file does not exist", "[WARNING] templates/: directory does not exist"]
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod addresses;
mod chartfile;
mod deprecations;
mod names;
mod stream;
mod templates;

use std::fmt;

use jiff::Timestamp;
use sutler_template::{Limits, Map, Value};

use crate::capabilities::KubeVersion;
use crate::compat::Compatibility;
pub use crate::load::{ExpandError, Survey, SurveyError};
use crate::log::{Level, Remark};
use crate::render::SchemaCheck;
use crate::schema::SchemaLoader;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Against convention; it will probably work.
    Warning,
    /// It will not work.
    Error,
}

/// One thing that the linter found. Its [`Display`](fmt::Display) is the line that Helm prints:
/// `[INFO] Chart.yaml: icon is recommended`. The text may go on over several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Where: a file or folder of the chart, the chart's own path, or nothing.
    pub path: String,
    /// What.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(f, "[{severity}] {}: {}", self.path, self.text)
    }
}

/// What a linter is told beside the chart and its values.
#[derive(Debug, Clone)]
pub struct LintOptions {
    /// `.Release.Namespace` of the trial rendering.
    pub namespace: String,
    /// The release of Kubernetes to render and to look for deprecated APIs with; none is Helm's own default.
    pub kube_version: Option<KubeVersion>,
    /// Whether values are checked against values.schema.json.
    pub schema: SchemaCheck,
    /// See [`crate::RenderOptions::schema_loader`].
    pub schema_loader: Option<SchemaLoader>,
    /// See [`crate::RenderOptions::lowest_level`].
    pub lowest_level: Level,
    /// See [`crate::RenderOptions::seed`].
    pub seed: [u8; 32],
    /// What `now` answers.
    pub now: Timestamp,
    /// What the templates may use up.
    pub limits: Limits,
    /// The Helm that is mirrored.
    pub compatibility: Compatibility,
}

impl Default for LintOptions {
    /// The namespace `default`, Helm's Kubernetes, at the epoch and from a seed of zeros.
    fn default() -> LintOptions {
        LintOptions {
            namespace: "default".to_owned(),
            kube_version: None,
            schema: SchemaCheck::default(),
            schema_loader: None,
            lowest_level: Level::Info,
            seed: [0; 32],
            now: Timestamp::UNIX_EPOCH,
            limits: Limits::default(),
            compatibility: Compatibility::V4,
        }
    }
}

/// What linting one chart found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LintReport {
    /// In Helm's order: Chart.yaml, values, templates, dependencies, CRDs.
    pub findings: Vec<Finding>,
    /// What Helm says on the side; the messages of `fail` and `required` among it, which the linter does not stop at.
    pub remarks: Vec<Remark>,
}

impl LintReport {
    /// Whether something at least that severe was found.
    pub fn has(&self, severity: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= severity)
    }
}

/// Lints a chart with the user's values (see [`crate::ValuesOptions::merge`]).
///
/// As in Helm, whose linter does so by accident, the chart's own values are merged into tables of the values given, and a linting
/// of another chart with the same values sees them there. Whoever does not want that merges the values anew for each chart.
pub fn lint(survey: &Survey, values: &Value, options: &LintOptions) -> LintReport {
    let none = Map::new();
    let values = values.as_map().unwrap_or(&none);
    let mut findings = Findings::default();
    chartfile::check(survey, options.compatibility, &mut findings);
    templates::check_values(survey, values, options, &mut findings);
    templates::check(survey, values, options, &mut findings);
    templates::check_dependencies(survey, &mut findings);
    // A rule of Helm 4.
    if options.compatibility == Compatibility::V4 {
        templates::check_crds(survey, &mut findings);
    }
    let Findings { found, remarks } = findings;
    LintReport { findings: found, remarks }
}

/// Findings while they come in.
#[derive(Default)]
struct Findings {
    found: Vec<Finding>,
    remarks: Vec<Remark>,
}

impl Findings {
    fn add(&mut self, severity: Severity, path: &str, text: impl Into<String>) {
        self.found.push(Finding { severity, path: path.to_owned(), text: text.into() });
    }
}

#[cfg(test)]
mod tests;
