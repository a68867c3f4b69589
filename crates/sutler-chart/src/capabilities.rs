//! What a chart may ask of the cluster and of Helm: `.Capabilities`.

use std::sync::Arc;

use thiserror::Error;

use crate::text::go_quoted;

/// The API versions that Helm 4.1.4 assumes without a cluster, in its order: those of its client library.
const HELM_API_VERSIONS: [&str; 57] = [
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// The cluster and the Helm that a chart sees. The default is what Helm 4.1.4 assumes without a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The cluster's version.
    pub kube_version: KubeVersion,
    /// What the cluster serves: `v1`, `apps/v1`, and, from a cluster, also `apps/v1/Deployment`.
    pub api_versions: Arc<[String]>,
    /// The Helm that a chart believes to run.
    pub helm_version: HelmVersion,
}

impl Default for Capabilities {
    fn default() -> Capabilities {
        Capabilities {
            kube_version: KubeVersion::of("v1.35.0", "1", "35"),
            api_versions: HELM_API_VERSIONS.iter().map(ToString::to_string).collect(),
            helm_version: HelmVersion::default(),
        }
    }
}

impl Capabilities {
    /// The same capabilities with more API versions after the known ones, as `--api-versions` adds them.
    #[must_use]
    pub fn with_api_versions(mut self, more: &[String]) -> Capabilities {
        self.api_versions = self.api_versions.iter().chain(more).cloned().collect();
        self
    }
}

/// A Kubernetes version as `.Capabilities.KubeVersion` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    version: String,
    normalized: String,
    major: String,
    minor: String,
}

/// Why a text is no Kubernetes version. The texts are those of Kubernetes' own parser.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KubeVersionError {
    /// It does not begin with a number.
    #[error("could not parse {} as version", go_quoted(.0))]
    NoVersion(String),
    /// It is no semantic version, as Helm 3 wants one. The text is its library's.
    #[error("{0}")]
    NoSemver(String),
    /// It has a major version only.
    #[error("illegal version string {}", go_quoted(.0))]
    TooShort(String),
    /// The major version begins with a zero.
    #[error("illegal zero-prefixed version component {} in {}", go_quoted(.component), go_quoted(.version))]
    ZeroPrefixed {
        /// The number concerned.
        component: String,
        /// The whole version.
        version: String,
    },
    /// A number does not fit 64 bits.
    #[error("illegal non-numeric version component {0} in {1}: strconv.ParseUint: parsing {0}: value out of range", go_quoted(.component), go_quoted(.version))]
    OutOfRange {
        /// The number concerned.
        component: String,
        /// The whole version.
        version: String,
    },
}

impl KubeVersion {
    pub(crate) fn of(version: &str, major: &str, minor: &str) -> KubeVersion {
        KubeVersion {
            version: version.to_owned(),
            normalized: version.to_owned(),
            major: major.to_owned(),
            minor: minor.to_owned(),
        }
    }

    /// Reads a version as Helm's `--kube-version` does: `1.33`, `v1.33.4`, `v1.33.4-gke.1245000`.
    ///
    /// # Errors
    /// When the text does not begin with two numbers and a dot between them.
    pub fn parse(version: &str) -> Result<KubeVersion, KubeVersionError> {
        let no_version = || KubeVersionError::NoVersion(version.to_owned());
        let trimmed = version.trim_start_matches(['\t', '\n', '\x0c', '\r', ' ']);
        let text = trimmed.strip_prefix('v').unwrap_or(trimmed);
        if !text.starts_with(|c: char| c.is_ascii_digit()) || text.contains('\n') {
            return Err(no_version());
        }
        let mut components = Vec::new();
        let mut rest = text;
        loop {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            components.push(&rest[..end]);
            match rest[end..].strip_prefix('.') {
                Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => rest = next,
                _ => break,
            }
        }
        if components.len() < 2 {
            return Err(KubeVersionError::TooShort(version.to_owned()));
        }
        let mut numbers = Vec::new();
        for (at, component) in components.iter().enumerate() {
            let error = || (component.to_string(), version.to_owned());
            if at == 0 && component.starts_with('0') && *component != "0" {
                let (component, version) = error();
                return Err(KubeVersionError::ZeroPrefixed { component, version });
            }
            numbers.push(component.parse::<u64>().map_err(|_| {
                let (component, version) = error();
                KubeVersionError::OutOfRange { component, version }
            })?);
        }
        let normalized = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        Ok(KubeVersion {
            version: if version.starts_with('v') { version.to_owned() } else { format!("v{version}") },
            normalized: format!("v{normalized}"),
            major: numbers[0].to_string(),
            minor: numbers[1].to_string(),
        })
    }

    /// The whole version with its `v`, e.g. `v1.33.4-eks-1234`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The version that constraints are checked against: numbers only, e.g. `v1.33.4`.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }

    /// The major version, e.g. `1`.
    pub fn major(&self) -> &str {
        &self.major
    }

    /// The minor version, e.g. `33`.
    pub fn minor(&self) -> &str {
        &self.minor
    }
}

/// The Helm that a chart believes to run (`.Capabilities.HelmVersion`). The default is Helm 4.1.4's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmVersion {
    /// e.g. `v4.1.4`.
    pub version: String,
    /// The commit it was built from.
    pub git_commit: String,
    /// `clean` or `dirty`.
    pub git_tree_state: String,
    /// e.g. `go1.25.9`.
    pub go_version: String,
    /// The Kubernetes version of its client library, e.g. `v1.35`.
    pub kube_client_version: String,
}

impl Default for HelmVersion {
    fn default() -> HelmVersion {
        HelmVersion {
            version: "v4.1.4".to_owned(),
            git_commit: "05fa37973dc9e42b76e1d2883494c87174b6074f".to_owned(),
            git_tree_state: "clean".to_owned(),
            go_version: "go1.25.9".to_owned(),
            kube_client_version: "v1.35".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_helm_reads_them() {
        let shown = |text: &str| {
            KubeVersion::parse(text)
                .map(|version| {
                    format!("{} {} {} {}", version.version, version.normalized, version.major, version.minor)
                })
                .unwrap_or_else(|error| error.to_string())
        };
        for (text, expected) in [
            ("1.30", "v1.30 v1.30 1 30"),
            ("v1.33.4-gke.1245000", "v1.33.4-gke.1245000 v1.33.4 1 33"),
            ("1.33.4+k3s1", "v1.33.4+k3s1 v1.33.4 1 33"),
            ("1.27abc", "v1.27abc v1.27 1 27"),
            ("1.27.x", "v1.27.x v1.27 1 27"),
            ("1", "illegal version string \"1\""),
            ("x", "could not parse \"x\" as version"),
            ("01.2", "illegal zero-prefixed version component \"01\" in \"01.2\""),
            ("1.02", "v1.02 v1.2 1 2"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn default_capabilities_are_those_of_helm() {
        let capabilities = Capabilities::default();
        assert_eq!(capabilities.api_versions.len(), 57);
        let more = capabilities.with_api_versions(&["ray.io/v1".to_owned()]);
        assert_eq!(more.api_versions.last().map(String::as_str), Some("ray.io/v1"));
    }
}
