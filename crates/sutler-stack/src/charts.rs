//! Where releases' charts come from: the binary, a folder, a repository; and what stack.lock pins of them.
//!
//! A chart that is pinned is taken as it was pinned, or not at all. One that is not pinned yet, or that stack.yaml asks for in
//! another version, is resolved; the pins then differ, the plan shows that, and `up` writes them.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sutler_chart::{Chart, ChartSource, LoadError};

use crate::pins::{Pin, Pins, Upgrade};
use crate::stack::{ChartReference, Release, RemoteChart};

/// Chart repositories, as a stack needs them. [`crate::remote`] asks the real ones.
pub trait Repositories {
    /// The newest chart that answers what is asked for.
    ///
    /// # Errors
    /// If there is none, or the repository cannot be reached.
    fn newest(&self, chart: &RemoteChart) -> Result<Fetched, RepositoryFailure>;

    /// The archive of a pinned chart. Its digest is checked by the caller.
    ///
    /// # Errors
    /// If it cannot be had.
    fn pinned(&self, chart: &RemoteChart, pin: &Pin) -> Result<Vec<u8>, RepositoryFailure>;

    /// The charts of this name in exactly this version that the repositories the user has added offer, by what their indexes
    /// said when they were last read.
    fn offering(&self, name: &str, version: &str) -> Vec<RemoteChart> {
        let _ = (name, version);
        Vec::new()
    }
}

/// Why a repository gave no chart.
pub type RepositoryFailure = Box<dyn std::error::Error + Send + Sync>;

/// A chart that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its version.
    pub version: String,
    /// Where it was fetched.
    pub url: String,
    /// The archive.
    pub archive: Vec<u8>,
}

/// Why a release has no chart.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// It cannot be loaded.
    #[error("cannot load chart `{chart}` of release `{release}`")]
    Load {
        /// The release's id.
        release: String,
        /// The chart as the file names it.
        chart: String,
        /// Why.
        #[source]
        source: Box<LoadError>,
    },
    /// Its repository did not give it.
    #[error("cannot fetch chart `{chart}` of release `{release}`")]
    Fetch {
        /// The release's id.
        release: String,
        /// The chart as the file names it.
        chart: String,
        /// Why.
        #[source]
        source: RepositoryFailure,
    },
    /// It lists charts that are not in it.
    #[error("chart `{chart}` of release `{release}` lacks dependencies that its Chart.yaml lists: {}", missing.join(", "))]
    Dependencies {
        /// The release's id.
        release: String,
        /// The chart as the file names it.
        chart: String,
        /// The chart's folder, if it is one.
        folder: Option<PathBuf>,
        /// The dependencies' names.
        missing: Vec<String>,
    },
    /// This Sutler carries another chart than the one that is pinned.
    #[error("chart `{chart}` is {carried} in this sutler, and stack.lock pins {pinned}")]
    Carried {
        /// The release's id.
        release: String,
        /// The chart as the file names it.
        chart: String,
        /// Version and digest of what is carried.
        carried: String,
        /// Version and digest of what is pinned.
        pinned: String,
    },
    /// What was fetched is not what is pinned.
    #[error("chart `{chart}` {version} from {url} has digest {found}, and stack.lock pins {wanted}",
        chart = pin.chart, version = pin.version, url = pin.url.as_deref().unwrap_or_default(), wanted = pin.digest)]
    Digest {
        /// The release's id.
        release: String,
        /// What is pinned.
        pin: Box<Pin>,
        /// The digest of what was fetched.
        found: String,
    },
}

impl ChartError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ChartError::Carried { release, .. } => Some(format!(
                "`sutler lock --upgrade {release}` takes this sutler's chart; `sutler plan` then shows what that changes"
            )),
            ChartError::Digest { release, .. } => Some(format!(
                "somebody published other content under the same version: find out who, then `sutler lock --upgrade {release}` accepts it"
            )),
            ChartError::Dependencies { folder: Some(folder), .. } => Some(format!(
                "`sutler helm dependency build {0}` fetches what Chart.lock names, `sutler helm dependency update {0}` what Chart.yaml asks for",
                folder.display()
            )),
            ChartError::Dependencies { folder: None, .. } => {
                Some("its publisher left them out of the archive".to_owned())
            }
            ChartError::Load { .. } | ChartError::Fetch { .. } => None,
        }
    }
}

/// Loads a release's chart, whole, as it is pinned, and pins it in `kept` as it was loaded.
///
/// # Errors
/// If there is no such chart, or it is not the one that is pinned.
pub fn load(
    release: &Release,
    folder: &Path,
    pins: &Pins,
    upgrade: &Upgrade,
    repositories: &dyn Repositories,
    kept: &mut Pins,
) -> Result<Chart, ChartError> {
    let loaded = load_as_it_is(release, folder, pins, upgrade, repositories, kept)?;
    let missing: Vec<String> = loaded.missing_dependencies().into_iter().map(str::to_owned).collect();
    if missing.is_empty() {
        return Ok(loaded);
    }
    let chart = release.chart.to_string();
    let folder = match &release.chart {
        ChartReference::Path(path) => Some(folder.join(path.trim_start_matches("./"))).filter(|path| path.is_dir()),
        ChartReference::Builtin(_) | ChartReference::Remote(_) => None,
    };
    Err(ChartError::Dependencies { release: release.id.clone(), chart, folder, missing })
}

fn load_as_it_is(
    release: &Release,
    folder: &Path,
    pins: &Pins,
    upgrade: &Upgrade,
    repositories: &dyn Repositories,
    kept: &mut Pins,
) -> Result<Chart, ChartError> {
    let chart = release.chart.to_string();
    let broken =
        |source| ChartError::Load { release: release.id.clone(), chart: chart.clone(), source: Box::new(source) };
    let pinned = pins.find(&release.chart).filter(|_| !upgrade.includes(&release.id));
    match &release.chart {
        ChartReference::Path(path) => {
            let path = folder.join(path);
            let archive;
            let source = match path.is_file() {
                false => ChartSource::Folder(&path),
                true => {
                    archive = std::fs::read(&path).map_err(|source| ChartError::Fetch {
                        release: release.id.clone(),
                        chart: chart.clone(),
                        source: Box::new(source),
                    })?;
                    ChartSource::Archive(&archive)
                }
            };
            Chart::load(source).map_err(broken)
        }
        ChartReference::Builtin(name) => {
            let loaded = sutler_charts::load(name).map_err(broken)?;
            let pin = Pin {
                chart: chart.clone(),
                wanted: None,
                version: loaded.metadata().version.clone(),
                url: None,
                digest: digest_of_carried(name),
            };
            if let Some(pinned) = pinned.filter(|pinned| pinned.digest != pin.digest) {
                return Err(ChartError::Carried {
                    release: release.id.clone(),
                    chart,
                    carried: short(&pin),
                    pinned: short(pinned),
                });
            }
            kept.put(pin);
            Ok(loaded)
        }
        ChartReference::Remote(remote) => {
            let fetch = |source| ChartError::Fetch { release: release.id.clone(), chart: chart.clone(), source };
            // Two releases may be made from one chart.
            let pinned = pinned.or_else(|| kept.find(&release.chart)).cloned();
            let (archive, pin) = match pinned {
                Some(pin) => (repositories.pinned(remote, &pin).map_err(fetch)?, pin),
                None => {
                    let Fetched { version, url, archive } = repositories.newest(remote).map_err(fetch)?;
                    let digest = digest(&archive);
                    let pin =
                        Pin { chart: chart.clone(), wanted: remote.wanted.clone(), version, url: Some(url), digest };
                    (archive, pin)
                }
            };
            let found = digest(&archive);
            if found != pin.digest {
                return Err(ChartError::Digest { release: release.id.clone(), pin: Box::new(pin), found });
            }
            kept.put(pin);
            Chart::load(ChartSource::Archive(&archive)).map_err(broken)
        }
    }
}

/// `sha256:` and the digest of an archive.
pub fn digest(archive: &[u8]) -> String {
    hexadecimal(Sha256::digest(archive).as_slice())
}

/// The digest of a carried chart: of its files' paths, lengths and contents, in the order of the paths.
fn digest_of_carried(name: &str) -> String {
    let mut hash = Sha256::new();
    for (path, data) in sutler_charts::builtin(name).map(|chart| chart.files).unwrap_or_default() {
        hash.update(format!("{path}\0{}\0", data.len()));
        hash.update(data);
    }
    hexadecimal(hash.finalize().as_slice())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// A pin in a message: the version, and as much of the digest as tells two of them apart.
fn short(pin: &Pin) -> String {
    format!("{} ({})", pin.version, pin.digest.get(.."sha256:".len() + 12).unwrap_or(&pin.digest))
}

#[cfg(test)]
mod tests;
