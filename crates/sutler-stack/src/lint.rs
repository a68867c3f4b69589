//! What is wrong with a stack as far as its files tell: its form, the contracts between its parts, and what AWS would refuse. No cluster and no
//! account is asked.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use sutler_yaml::Node;

use crate::charts::Repositories;
use crate::contracts::{Live, check};
use crate::file::diagnostic::{Diagnostic, Report, Severity};
use crate::infra::{InfraError, infra};
use crate::load::{LoadError, Loaded, load, stack_file};
use crate::operate::{PlanError, check_references};
use crate::prepare::{Surroundings, facts, facts_of_skipped, prepare};
use crate::session::{Session, SessionError};
use crate::stack::Target;

/// The version of the JSON form.
pub const LINT_VERSION: &str = "sutler.dev/lint/v1";

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// Always [`LINT_VERSION`].
    pub version: &'static str,
    /// The environments that were looked at.
    pub environments: Vec<String>,
    /// In the order of the file.
    pub problems: Vec<Problem>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// What is wrong.
    pub message: String,
    /// The file, as it was named.
    pub file: String,
    /// Its line, from 1, if it can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Its column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The figures behind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The environments in which it is so.
    pub environments: Vec<String>,
    /// As it is printed.
    #[serde(skip)]
    pub text: String,
}

/// Why a stack cannot be judged at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LintError {
    /// Files.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Rendering.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The empty cluster that charts are rendered against.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl LintError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            LintError::Load(error) => error.hint(),
            LintError::Plan(_) => None,
            LintError::Session(error) => error.hint(),
        }
    }
}

/// Looks at a stack file in one environment, or in all that it has.
///
/// # Errors
/// If charts or values cannot be read or rendered. What is wrong in the stack file itself is the answer.
pub async fn lint(path: &Path, environment: Option<&str>, repositories: &dyn Repositories) -> Result<Lint, LintError> {
    let environments = match environment {
        Some(environment) => vec![Some(environment.to_owned())],
        None => environments(path),
    };
    let mut found: BTreeMap<(Option<(u32, u32)>, String), Problem> = BTreeMap::new();
    for environment in &environments {
        let reports = match load(path, environment.as_deref(), repositories) {
            Ok(loaded) => of_environment(&loaded).await?,
            Err(LoadError::File(report)) => vec![*report],
            Err(error) => return Err(error.into()),
        };
        for report in reports {
            for diagnostic in &report.diagnostics {
                let place = diagnostic.place.map(|place| (place.line, place.column));
                let problem =
                    found.entry((place, diagnostic.message.clone())).or_insert_with(|| problem(&report, diagnostic));
                problem.environments.extend(environment.clone());
            }
        }
    }
    Ok(Lint {
        version: LINT_VERSION,
        environments: environments.into_iter().flatten().collect(),
        problems: found.into_values().collect(),
    })
}

/// The names of a file's environments; one that nobody named where the file does not tell.
fn environments(path: &Path) -> Vec<Option<String>> {
    let text = std::fs::read_to_string(stack_file(path)).ok();
    let root = text.and_then(|text| sutler_yaml::read(&text).ok());
    let entries = root.as_ref().and_then(|root| root.find(["environments"])).map(Node::entries).unwrap_or_default();
    let names: Vec<Option<String>> =
        entries.iter().filter_map(|(name, _)| name.key_text()).map(|name| Some(name.into_owned())).collect();
    if names.is_empty() { vec![None] } else { names }
}

async fn of_environment(loaded: &Loaded) -> Result<Vec<Report>, LintError> {
    let stack = &loaded.stack;
    if let Err(error) = check_references(loaded) {
        return of_plan(error);
    }
    let session = Session::in_memory(&stack.cluster.name)?;
    let releases = session.releases();
    let surroundings = Surroundings {
        releases: &releases,
        kubernetes: stack.cluster.version.clone(),
        seed: [0; 32],
        now: jiff::Timestamp::UNIX_EPOCH,
        revisions: BTreeMap::new(),
        secrets: None,
    };
    let prepared = match prepare(stack, &loaded.inputs, &surroundings).await {
        Ok(prepared) => prepared,
        Err(error) => return of_plan(error.into()),
    };
    let checked: Vec<_> = prepared.releases.iter().map(facts).collect();
    let mut skipped = Vec::new();
    for release in &stack.skipped {
        if let Some(inputs) = loaded.skipped.get(&release.id) {
            skipped.push(facts_of_skipped(release, inputs).map_err(PlanError::from)?);
        }
    }
    let mut reports = vec![stack.file.report(check(stack, &checked, &skipped, &Live::default()))];
    if stack.target == Target::Eks
        && let Err(InfraError::Refused(report)) = infra(stack)
    {
        reports.push(*report);
    }
    Ok(reports)
}

/// Contradictions are the answer; everything else is an error.
fn of_plan(error: PlanError) -> Result<Vec<Report>, LintError> {
    match error {
        PlanError::Contracts(report) => Ok(vec![*report]),
        error => Err(error.into()),
    }
}

fn problem(report: &Report, diagnostic: &Diagnostic) -> Problem {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let alone = Report { diagnostics: vec![diagnostic.clone()], ..report.clone() };
    Problem {
        severity,
        message: diagnostic.message.clone(),
        file: report.path.clone(),
        line: diagnostic.place.map(|place| place.line),
        column: diagnostic.place.map(|place| place.column),
        notes: diagnostic.notes.clone(),
        hint: diagnostic.hint.clone(),
        environments: Vec::new(),
        text: format!("{severity}: {alone}"),
    }
}
