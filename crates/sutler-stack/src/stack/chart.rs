//! Where a release's chart comes from.

use std::fmt;

use super::checks::{Checks, meant, place_or};
use crate::file::model::ChartEntry;

/// Where a chart comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartReference {
    /// One that Sutler carries.
    Builtin(String),
    /// A folder or an archive, relative to stack.yaml.
    Path(String),
    /// One of a repository.
    Remote(RemoteChart),
}

/// A chart of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteChart {
    /// The repository's URL, without a slash at its end: `https://…` or `oci://…`.
    pub repository: String,
    /// The chart's name.
    pub name: String,
    /// The version or range that is asked for.
    pub wanted: Option<String>,
}

impl RemoteChart {
    /// Whether it lies in an OCI registry.
    pub fn is_oci(&self) -> bool {
        self.repository.starts_with("oci://")
    }
}

impl ChartReference {
    /// The version or range that is asked for, where one can be.
    pub fn wanted(&self) -> Option<&str> {
        match self {
            ChartReference::Remote(remote) => remote.wanted.as_deref(),
            ChartReference::Builtin(_) | ChartReference::Path(_) => None,
        }
    }
}

/// As it stands in stack.lock and in messages: `builtin:NAME`, the path, or the repository's URL and the chart's name.
impl fmt::Display for ChartReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChartReference::Builtin(name) => write!(formatter, "builtin:{name}"),
            ChartReference::Path(path) => formatter.write_str(path),
            ChartReference::Remote(remote) => write!(formatter, "{}/{}", remote.repository, remote.name),
        }
    }
}

impl Checks<'_> {
    /// The chart of the release at `at`.
    pub(super) fn chart(&mut self, at: &[&str], entry: &ChartEntry) -> ChartReference {
        let place = place_or(at, "chart");
        match entry {
            ChartEntry::Reference(text) => match text.strip_prefix("builtin:") {
                Some(name) => {
                    if sutler_charts::builtin(name).is_none() {
                        let names: Vec<&str> = sutler_charts::names().collect();
                        self.error(&place, format!("Sutler carries no chart `{name}`")).hint = meant(name, &names);
                    }
                    ChartReference::Builtin(name.to_owned())
                }
                None => match oci(text) {
                    Some(remote) => ChartReference::Remote(remote),
                    None => {
                        if text.contains("://") {
                            let hint = match text.rsplit_once('/') {
                                Some((repo, _)) if text.ends_with(".tgz") => {
                                    format!("name the repository and the chart: {{repo: {repo}, name: …, version: …}}")
                                }
                                _ => "a chart of a repository is {repo: URL, name: NAME, version: VERSION}, or oci://HOST/PATH/NAME".to_owned(),
                            };
                            self.error(&place, format!("`{text}` is no chart")).hint = Some(hint);
                        }
                        ChartReference::Path(text.clone())
                    }
                },
            },
            ChartEntry::Repository(chart) => {
                let repository = chart.repo.trim_end_matches('/').to_owned();
                let known = ["https://", "http://", "oci://"].iter().any(|scheme| {
                    repository.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
                });
                if !known {
                    let hint = match repository.contains("://") {
                        true => "a repository's URL begins with https://, http:// or oci://",
                        false => {
                            "name the repository's URL; short names of `sutler helm repo add` mean something on one machine only"
                        }
                    };
                    self.error(&place_or(&place, "repo"), format!("`{}` is no repository", chart.repo)).hint =
                        Some(hint.to_owned());
                }
                if chart.name.is_empty() || chart.name.contains('/') {
                    self.error(&place_or(&place, "name"), format!("`{}` is no chart's name", chart.name));
                }
                ChartReference::Remote(RemoteChart {
                    repository,
                    name: chart.name.clone(),
                    wanted: chart.version.clone(),
                })
            }
        }
    }
}

/// `oci://HOST/PATH/NAME[:VERSION]`.
fn oci(text: &str) -> Option<RemoteChart> {
    let rest = text.strip_prefix("oci://")?;
    let (path, last) = rest.rsplit_once('/')?;
    let (name, version) = match last.split_once(':') {
        Some((name, version)) => (name, Some(version)),
        None => (last, None),
    };
    let is_chart = !path.is_empty() && !name.is_empty() && !last.contains('@') && version != Some("");
    is_chart.then(|| RemoteChart {
        repository: format!("oci://{path}"),
        name: name.to_owned(),
        // A `+` cannot stand in a registry's tag; Helm writes `_`.
        wanted: version.map(|version| version.replace('_', "+")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrys_reference_is_repository_name_and_version() {
        let said = |text: &str| {
            oci(text).map(|chart| format!("{} {} {}", chart.repository, chart.name, chart.wanted.unwrap_or_default()))
        };
        assert_eq!(said("oci://ghcr.io/team/charts/hub").unwrap(), "oci://ghcr.io/team/charts hub ");
        assert_eq!(said("oci://localhost:5000/hub:1.2.3_b").unwrap(), "oci://localhost:5000 hub 1.2.3+b");
        for text in ["oci://host", "oci://host/", "oci://host/a:", "oci://host/a@sha256:00", "./a", "https://host/a"] {
            assert_eq!(said(text), None, "{text}");
        }
    }
}
