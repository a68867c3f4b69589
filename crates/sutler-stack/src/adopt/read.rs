//! Asks a cluster for what a stack.yaml is made of, and looks for the charts that its releases were made from.

use std::path::{Component, Path, PathBuf};

use kube::config::Kubeconfig;
use serde_json::Value;
use sutler_chart::values::{ValuesFile, ValuesOptions};
use sutler_chart::{Chart, ChartSource, Operation, ReleaseInfo, SourceFile};
use sutler_release::foreign::is_made_of;
use sutler_release::{ApiError, FromChart, Release, Releases, Source, Status};

use super::charts::recorded_files;
use super::left::WORKLOADS;
use super::place::place;
use super::{FoundChart, Place, Seen, SeenRelease, values};
use crate::charts::Repositories;
use crate::inputs::asks_for_globals;
use crate::plan::make::drift_text;
use crate::session::{Session, SessionError};
use crate::tables::{Kind, Tables};

/// How deep below a folder of charts a chart is looked for.
const DEPTH: u32 = 3;

/// Where charts are looked for, besides a release's own record.
pub struct Sources<'a> {
    /// The repositories that the user has added.
    pub repositories: &'a dyn Repositories,
    /// Folders with charts.
    pub folders: &'a [PathBuf],
    /// The stack's folder: paths are relative to it.
    pub stack: &'a Path,
}

/// Why a cluster cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The kubeconfig.
    #[error("cannot read the kubeconfig")]
    Kubeconfig(#[source] Box<kube::config::KubeconfigError>),
    /// It names no current context.
    #[error("the kubeconfig has no current context")]
    NoCurrent(Vec<String>),
    /// It does not have the context.
    #[error("the kubeconfig has no context `{context}`")]
    NoContext {
        /// The context.
        context: String,
        /// Which there are.
        known: Vec<String>,
    },
    /// The API.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A request.
    #[error("cannot read the cluster")]
    Api(#[from] ApiError),
    /// The releases.
    #[error("cannot read the cluster's releases")]
    Releases(#[from] sutler_release::Error),
    /// A folder of charts.
    #[error("cannot read the charts in `{}`", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl ReadError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ReadError::NoCurrent(known) | ReadError::NoContext { known, .. } if !known.is_empty() => {
                Some(format!("there are: {}", known.join(", ")))
            }
            ReadError::Kubeconfig(_) | ReadError::NoCurrent(_) | ReadError::NoContext { .. } => {
                Some("there is no kubeconfig with contexts; KUBECONFIG names one".into())
            }
            ReadError::Session(error) => error.hint(),
            _ => None,
        }
    }
}

/// The cluster that a context of the user's kubeconfig means; the current context if none is named.
///
/// # Errors
/// If there is no kubeconfig, or no such context in it.
pub fn find(context: Option<&str>) -> Result<Place, ReadError> {
    let config = Kubeconfig::read().map_err(|error| ReadError::Kubeconfig(Box::new(error)))?;
    let known = || config.contexts.iter().map(|context| context.name.clone()).collect();
    let context = match context {
        Some(context) => context,
        None => config
            .current_context
            .as_deref()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| ReadError::NoCurrent(known()))?,
    };
    place(&config, context).ok_or_else(|| ReadError::NoContext { context: context.to_owned(), known: known() })
}

/// Reads a cluster.
///
/// # Errors
/// If it cannot be reached, or its releases may not be read. What else may not be listed is said in [`Seen::unknown`].
pub async fn read(session: &Session, place: Place, sources: &Sources<'_>) -> Result<Seen, ReadError> {
    let cluster = session.cluster();
    let version = cluster.version().await?;
    let mut kinds = vec![of("Node", "v1", false), of("ServiceAccount", "v1", true)];
    kinds.extend(WORKLOADS.map(|name| match name {
        "Pod" => of(name, "v1", true),
        "Job" | "CronJob" => of(name, "batch/v1", true),
        name => of(name, "apps/v1", true),
    }));
    for version in ["helm.toolkit.fluxcd.io/v2", "helm.toolkit.fluxcd.io/v2beta2", "helm.toolkit.fluxcd.io/v2beta1"] {
        if cluster.mapping(version, "HelmRelease").await.is_ok() {
            kinds.push(of("HelmRelease", version, true));
            break;
        }
    }
    let tables = Tables::read(&cluster, &kinds, None).await?;
    let unknown = kinds.iter().filter_map(|kind| Some((kind.name, tables.unknown(kind.name)?)));
    let unknown = unknown.map(|(kind, why)| format!("Of kind {kind} nothing is known: {why}.")).collect();
    let known = charts_of(sources)?;
    let api = session.releases();
    let mut releases = Vec::new();
    for release in api.list(None).await? {
        let (mut chart, mut drift) = (FoundChart::Nowhere(String::new()), Vec::new());
        if release.info.status == Status::Deployed {
            chart = find_chart(&api, &release, sources, &known).await;
            if !matches!(chart, FoundChart::Nowhere(_)) {
                drift = api.drift(&release).await?.iter().map(drift_text).collect();
            }
        }
        releases.push(SeenRelease { release, chart, drift });
    }
    Ok(Seen { place, kubernetes: minor(&version), releases, tables, unknown })
}

const fn of(name: &'static str, api_version: &'static str, namespaced: bool) -> Kind {
    Kind { name, api_version, namespaced }
}

/// `1.34`, of what an API says of its version.
fn minor(version: &Value) -> Option<String> {
    let number = |key: &str| {
        let text = version.get(key)?.as_str()?;
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then_some(digits)
    };
    Some(format!("{}.{}", number("major")?, number("minor")?))
}

/// The first chart that makes a release as it is.
async fn find_chart(api: &Releases, release: &Release, sources: &Sources<'_>, known: &[(String, Chart)]) -> FoundChart {
    let text = match values::text(&release.config) {
        Ok(text) => text,
        Err(error) => return FoundChart::Nowhere(format!("has values that no file can hold: {error}")),
    };
    let (name, version) = (release.chart.name().to_owned(), release.chart.version().to_owned());
    let same = |chart: &Chart| chart.name() == name && chart.metadata().version == version;
    let mut others: Vec<String> = Vec::new();
    let trial = Trial { api, release, values: text };
    if let Ok(chart) = sutler_charts::load(&name)
        && same(&chart)
    {
        match trial.makes(&chart).await {
            Ok(()) => return FoundChart::Builtin(name),
            Err(reason) => others.push(format!("builtin:{name} {reason}")),
        }
    }
    for (path, chart) in known.iter().filter(|(_, chart)| same(chart)) {
        match trial.makes(chart).await {
            Ok(()) => return FoundChart::Path(path.clone()),
            Err(reason) => others.push(format!("{path} {reason}")),
        }
    }
    for remote in sources.repositories.offering(&name, &version) {
        let fetched = sources.repositories.newest(&remote).map_err(|error| error.to_string());
        let chart = fetched
            .and_then(|fetched| Chart::load(ChartSource::Archive(&fetched.archive)).map_err(|error| error.to_string()));
        let made = match &chart {
            Ok(chart) => trial.makes(chart).await,
            Err(error) => Err(format!("cannot be had: {error}")),
        };
        match made {
            Ok(()) => return FoundChart::Remote(remote),
            Err(reason) => others.push(format!("{} {reason}", remote.repository)),
        }
    }
    let recorded = match recorded_files(&release.chart) {
        Ok(files) => {
            let sources = files.iter().map(|(name, data)| SourceFile::new(name.clone(), data.clone())).collect();
            match Chart::load(ChartSource::Files { files: sources }) {
                Ok(chart) => {
                    trial.makes(&chart).await.map(|()| files).map_err(|reason| format!("has a chart that {reason}"))
                }
                Err(error) => Err(format!("has a chart that cannot be loaded: {error}")),
            }
        }
        Err(reason) => Err(reason),
    };
    match recorded {
        Ok(files) => FoundChart::Recorded(files),
        Err(reason) if others.is_empty() => FoundChart::Nowhere(reason),
        Err(reason) => FoundChart::Nowhere(format!("{reason} ({})", others.join("; "))),
    }
}

/// One release, which a chart is to make again.
struct Trial<'a> {
    api: &'a Releases,
    release: &'a Release,
    /// Its values, as they will stand in their file.
    values: String,
}

impl Trial<'_> {
    /// Whether a plan would find the release made of this chart; else why not, as the end of a sentence about the chart.
    async fn makes(&self, chart: &Chart) -> Result<(), String> {
        if asks_for_globals(chart) {
            return Err("reads `global.sutler`, which Sutler would give it anew".to_owned());
        }
        let file = ValuesFile { name: "values".to_owned(), text: self.values.clone() };
        let options = ValuesOptions { files: vec![file], ..ValuesOptions::default() };
        let values = options.merge().map_err(|error| format!("cannot be given the release's values: {error}"))?;
        let info = ReleaseInfo {
            name: self.release.name.clone(),
            namespace: self.release.namespace.clone(),
            revision: i64::from(self.release.version) + 1,
            operation: Operation::Upgrade,
        };
        // Nothing random counts in the comparison.
        let source = Source::Chart(Box::new(FromChart::new(chart.clone(), values, [0; 32])));
        let content = self.api.render(&source, info).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("does not render any more: {error}{cause}")
        })?;
        match is_made_of(self.release, &content) {
            true => Ok(()),
            false => Err("makes something else than what is installed".to_owned()),
        }
    }
}

/// The charts of the folders, with their paths as stack.yaml names them.
fn charts_of(sources: &Sources<'_>) -> Result<Vec<(String, Chart)>, ReadError> {
    let mut found = Vec::new();
    for folder in sources.folders {
        let failed = |source| ReadError::Folder { folder: folder.clone(), source };
        let mut open = vec![(folder.clone(), 0)];
        while let Some((path, depth)) = open.pop() {
            let is_chart = path.join("Chart.yaml").is_file() || path.extension().is_some_and(|end| end == "tgz");
            if is_chart {
                match Chart::load(ChartSource::path(&path)) {
                    Ok(chart) => found.push((relative(&path, sources.stack).map_err(failed)?, chart)),
                    Err(error) => tracing::debug!(%error, path = %path.display(), "a chart was passed over"),
                }
            } else if path.is_dir() && depth < DEPTH {
                let mut inside = Vec::new();
                for entry in std::fs::read_dir(&path).map_err(failed)? {
                    inside.push((entry.map_err(failed)?.path(), depth + 1));
                }
                inside.sort();
                open.extend(inside.into_iter().rev());
            } else if depth == 0 && !path.is_dir() {
                std::fs::metadata(&path).map_err(failed)?;
            }
        }
    }
    Ok(found)
}

/// A path as it is seen from a folder, with `/`: `./charts/web`, `../charts/web`.
fn relative(path: &Path, folder: &Path) -> std::io::Result<String> {
    let (path, folder) = (std::fs::canonicalize(path)?, real(folder)?);
    let shared = path.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| "..".to_owned());
    let down = path.components().skip(shared).filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    let parts: Vec<String> = up.chain(down).collect();
    let joined = parts.join("/");
    Ok(if joined.starts_with("..") { joined } else { format!("./{joined}") })
}

/// The real path of a folder that may not be there yet.
fn real(folder: &Path) -> std::io::Result<PathBuf> {
    let full = std::path::absolute(folder)?;
    for existing in full.ancestors() {
        if let (Ok(found), Ok(rest)) = (std::fs::canonicalize(existing), full.strip_prefix(existing)) {
            return Ok(found.join(rest));
        }
    }
    Ok(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_named_as_it_is_seen_from_the_stack() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["stack/charts/web", "charts/web"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let from = |path: &str| relative(&root.path().join(path), &root.path().join("stack")).unwrap();
        assert_eq!(from("stack/charts/web"), "./charts/web");
        assert_eq!(from("charts/web"), "../charts/web");
        let to_come = relative(&root.path().join("charts/web"), &root.path().join("new/stack")).unwrap();
        assert_eq!(to_come, "../../charts/web");
    }

    #[test]
    fn a_clusters_version_is_its_minor_one() {
        assert_eq!(minor(&serde_json::json!({"major": "1", "minor": "34+"})).unwrap(), "1.34");
        assert_eq!(minor(&serde_json::json!({"major": "", "minor": "34"})), None);
    }
}
