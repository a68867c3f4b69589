//! `Chart.lock` and its digest.

use std::collections::BTreeMap;
use std::path::Path;

use sutler_chart::{Dependency, Lock};

use super::DependencyError;
use crate::cache::{Digest, Mode, write_whole};
use crate::files::file_error;
use crate::go_json;

/// The digest of a lock: over the dependencies of Chart.yaml and the locked ones, as Helm's `HashReq`.
pub fn lock_digest(wanted: &[Dependency], locked: &[Dependency]) -> String {
    digest(go_json::write_struct(&[wanted, locked]))
}

/// The digest that Helm 2 wrote into `requirements.lock`, as Helm's `HashV2Req`.
pub fn helm2_digest(wanted: &[Dependency]) -> String {
    digest(go_json::write_struct(&BTreeMap::from([("dependencies", wanted)])))
}

fn digest(json: String) -> String {
    format!("sha256:{}", Digest::of(json.as_bytes()))
}

/// Writes the lock of a chart; refuses to follow a link.
pub(super) fn write(chart: &Path, lock: &Lock, is_v1: bool) -> Result<(), DependencyError> {
    let text = sutler_yaml::write(&serde_json::to_value(lock).unwrap_or_default())?;
    let file = if is_v1 { "requirements.lock" } else { "Chart.lock" };
    let path = chart.join(file);
    if let Ok(target) = std::fs::read_link(&path) {
        return Err(DependencyError::LockIsLink { file, target: target.display().to_string() });
    }
    if path.is_dir() {
        return Err(file_error("open", &path, std::io::ErrorKind::IsADirectory.into()).into());
    }
    Ok(write_whole(&path, text.as_bytes(), Mode::Shared)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str, version: &str, repository: &str) -> Dependency {
        Dependency {
            name: name.into(),
            version: version.into(),
            repository: repository.into(),
            ..Dependency::default()
        }
    }

    #[test]
    fn digests_are_those_of_helm() {
        // As recorded in Helm's own tests of `HashReq`.
        let expected = "sha256:fb239e836325c5fa14b29d1540a13b7d3ba13151b67fe719f820e0ef6d66aaaf";
        let wanted = [dependency("alpine", "0.1.0", "http://localhost:8879/charts")];
        assert_eq!(lock_digest(&wanted, &wanted), expected);
        let other = [dependency("alpine", "~0.1", "http://localhost:8879/charts")];
        assert_ne!(lock_digest(&other, &wanted), expected);
    }
}
