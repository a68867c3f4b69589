//! Helm 3.18 beside Helm 4: [`Compatibility`], and everything in which a rendering by the one differs from the other.
//!
//! The rest of the crate mirrors Helm 4.1.4 and asks this module wherever 3.18.0 does something else:
//!
//! | what | Helm 4.1.4 | Helm 3.18.0 |
//! | --- | --- | --- |
//! | numbers of a chart's values.yaml | `float64` | `json.Number`, of kind `string` ([`Compatibility::numbers`]) |
//! | several documents in a values file | merged | the first counts ([`Compatibility::merges_documents`]) |
//! | `--set-json` with a whole object | merged | refused ([`Compatibility::sets_json_objects`]) |
//! | `--set a[0` | sets nothing | refused ([`Compatibility::ends_in_index`]) |
//! | a null over a chart's default | removed where the default is not null | removed wherever the chart has the key; a null that the chart lacks does not reach its subcharts' tables ([`Compatibility::marks_nulls`]) |
//! | a chart used twice under aliases | each has its own dependencies | the second finds none of its aliased ones ([`Compatibility::shares_aliased`]) |
//! | `.Chart` | a map | a struct: a field that is not there is an error ([`chart`]) |
//! | `.Values`, `.Capabilities` by type | `common.…` | `chartutil.…` ([`Types`]) |
//! | `.Capabilities` by default | v1.35.0, Helm v4.1.4 | v1.33.0, Helm v3.18.0, other API versions |
//! | `--kube-version` | Kubernetes' reader, keeps suffixes | a semantic version ([`Compatibility::kube_version`]) |
//! | functions | | no `mustToYaml`; Masterminds' semver 3.3.0: each condition looks at pre-releases by itself |
//! | errors of executing a template | over several lines | Go's one line |
//! | errors of comparing | name the two types | do not (built with Go 1.24) |
//! | schemas | santhosh-tekuri's validator, drafts to 2020-12 | gojsonschema, drafts 4, 6 and 7 (`schema/helm3.rs`) |
//! | order of kinds | webhook configurations after `APIService` | webhook configurations with unknown kinds, by name |
//! | remarks | `level=WARN msg=…` | `coalesce.go:298: warning: …` ([`line`]) |
//! | a folder without Chart.yaml, `apiVersion: v3` | refused before loading | `Chart.yaml file is missing`; loaded |
//! | a values file that is none | `cannot unmarshal yaml document: …` | without those words |

mod metadata;
mod numbers;
mod remark;

use std::str::FromStr;

use sutler_functions::semver::{Constraints, Prereleases, Version};
use sutler_template::types::{self, Type};
use sutler_template::{Function, FunctionTable, Value};
use thiserror::Error;

use crate::capabilities::{Capabilities, HelmVersion, KubeVersion, KubeVersionError};
use crate::order::INSTALL_ORDER;
use crate::render::objects;

pub(crate) use metadata::chart;
pub(crate) use numbers::from_yaml;
pub(crate) use remark::line;

/// Whose behaviour is mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Compatibility {
    /// Helm 4.1.4.
    #[default]
    V4,
    /// Helm 3.18.0.
    V3,
}

/// A text that names no Helm.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no compatibility `{0}`: it is `v3` or `v4`")]
pub struct NoSuchCompatibility(pub String);

impl FromStr for Compatibility {
    type Err = NoSuchCompatibility;

    /// Reads `v3` or `v4`; the `v` may be missing.
    fn from_str(text: &str) -> Result<Compatibility, NoSuchCompatibility> {
        match text {
            "v3" | "3" => Ok(Compatibility::V3),
            "v4" | "4" => Ok(Compatibility::V4),
            other => Err(NoSuchCompatibility(other.to_owned())),
        }
    }
}

impl std::fmt::Display for Compatibility {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Compatibility::V4 => "v4",
            Compatibility::V3 => "v3",
        })
    }
}

/// What the numbers of a YAML text become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// `float64`, as Go's JSON reads into `interface {}`.
    Float64,
    /// `json.Number`.
    Text,
}

/// The Go types that `typeOf` names.
pub(crate) struct Types {
    pub(crate) values: &'static Type,
    pub(crate) capabilities: &'static Type,
    pub(crate) version_set: &'static Type,
    pub(crate) kube_version: &'static Type,
    pub(crate) helm_version: &'static Type,
}

static TYPES: Types = Types {
    values: &objects::VALUES,
    capabilities: &objects::CAPABILITIES,
    version_set: &objects::VERSION_SET,
    kube_version: &objects::KUBE_VERSION,
    helm_version: &objects::HELM_VERSION,
};

static CAPABILITIES: Type = Type::pointer("*chartutil.Capabilities");
static VERSION_SET: Type =
    Type::named("chartutil.VersionSet", &types::STRINGS).with_methods(objects::VERSION_SET.methods);
static KUBE_VERSION: Type = Type::structure("chartutil.KubeVersion").with_methods(objects::KUBE_VERSION.methods);

static TYPES_OF_HELM3: Types = Types {
    values: &objects::VALUES_OF_HELM3,
    capabilities: &CAPABILITIES,
    version_set: &VERSION_SET,
    kube_version: &KUBE_VERSION,
    helm_version: &objects::HELM_VERSION,
};

/// Where Helm 3's list of API versions differs from Helm 4's: what stands there, and what stands there instead.
const API_VERSIONS_CHANGED: [(&str, &[&str]); 3] = [
    ("networking.k8s.io/v1beta1", &["networking.k8s.io/v1alpha1", "networking.k8s.io/v1beta1"]),
    ("resource.k8s.io/v1", &[]),
    ("storagemigration.k8s.io/v1beta1", &["storagemigration.k8s.io/v1alpha1"]),
];

impl Compatibility {
    /// The capabilities that this Helm assumes without a cluster.
    pub fn capabilities(self) -> Capabilities {
        let helm4 = Capabilities::default();
        match self {
            Compatibility::V4 => helm4,
            Compatibility::V3 => Capabilities {
                kube_version: KubeVersion::parse("v1.33.0").expect("it is a version"),
                api_versions: api_versions_of_helm3(&helm4.api_versions).into(),
                helm_version: self.helm_version(),
            },
        }
    }

    /// The build that `.Capabilities.HelmVersion` and `helm version` show.
    pub fn helm_version(self) -> HelmVersion {
        match self {
            Compatibility::V4 => HelmVersion::default(),
            Compatibility::V3 => HelmVersion {
                version: "v3.18.0".to_owned(),
                git_commit: "cc58e3f5a3aa615c6a86275e6f4444b5fdd3cc4e".to_owned(),
                git_tree_state: "clean".to_owned(),
                go_version: "go1.24.3".to_owned(),
                kube_client_version: String::new(),
            },
        }
    }

    /// Reads a Kubernetes version as this Helm's `--kube-version` does.
    ///
    /// # Errors
    /// Texts that are no version to it.
    pub fn kube_version(self, text: &str) -> Result<KubeVersion, KubeVersionError> {
        match self {
            Compatibility::V4 => KubeVersion::parse(text),
            Compatibility::V3 => {
                let version = Version::parse(text).map_err(|error| KubeVersionError::NoSemver(error.text_3_3()))?;
                let text = format!("v{version}");
                Ok(KubeVersion::of(&text, &version.major.to_string(), &version.minor.to_string()))
            }
        }
    }

    /// Whether a version is within a constraint; false when either cannot be read (Helm's `IsCompatibleRange`).
    pub(crate) fn satisfies(self, constraint: &str, version: &str) -> bool {
        let rule = match self {
            Compatibility::V4 => Prereleases::ByAlternative,
            Compatibility::V3 => Prereleases::ByCondition,
        };
        match (Constraints::parse(constraint), Version::parse(version)) {
            (Ok(constraints), Ok(version)) => constraints.allow_under(&version, rule),
            _ => false,
        }
    }

    /// The functions of templates.
    pub fn functions(self) -> Vec<&'static Function> {
        match self {
            Compatibility::V4 => sutler_functions::all().collect(),
            Compatibility::V3 => sutler_functions::all_of_helm3().collect(),
        }
    }

    /// The same as a table.
    pub(crate) fn function_table(self) -> &'static FunctionTable {
        match self {
            Compatibility::V4 => sutler_functions::table(),
            Compatibility::V3 => sutler_functions::table_of_helm3(),
        }
    }

    /// The kinds in the order in which this Helm installs them.
    pub fn install_order(self) -> &'static [&'static str] {
        match self {
            Compatibility::V4 => &INSTALL_ORDER,
            // The two kinds of webhooks at its end came with Helm 4.
            Compatibility::V3 => &INSTALL_ORDER[..INSTALL_ORDER.len() - 2],
        }
    }

    pub(crate) fn types(self) -> &'static Types {
        match self {
            Compatibility::V4 => &TYPES,
            Compatibility::V3 => &TYPES_OF_HELM3,
        }
    }

    /// What the numbers of a chart's own values.yaml become; those of `-f` are `float64` in both.
    pub(crate) fn numbers(self) -> Numbers {
        match self {
            Compatibility::V4 => Numbers::Float64,
            Compatibility::V3 => Numbers::Text,
        }
    }

    /// Whether all documents of a values file count, or the first alone.
    pub(crate) fn merges_documents(self) -> bool {
        self == Compatibility::V4
    }

    /// Whether a chart that is used twice under aliases has one list of dependencies for both, which the first use changes.
    pub(crate) fn shares_aliased(self) -> bool {
        self == Compatibility::V3
    }

    /// Whether a `--set` text that ends within an index (`a[0`) is at its end, or wrong.
    pub(crate) fn ends_in_index(self) -> bool {
        self == Compatibility::V4
    }

    /// Whether `--set-json` takes an object without a key.
    pub(crate) fn sets_json_objects(self) -> bool {
        self == Compatibility::V4
    }

    /// Whether a null is written into the table below before tables are merged, so that it is told from a null that was there.
    pub(crate) fn marks_nulls(self) -> bool {
        self == Compatibility::V4
    }

    /// Whether Chart.yaml's `apiVersion` is looked at before anything else of a chart.
    pub(crate) fn detects_versions(self) -> bool {
        self == Compatibility::V4
    }

    /// The Go type of a document's head, in messages about what is no object.
    pub(crate) fn head_type(self) -> &'static str {
        match self {
            Compatibility::V4 => "util.SimpleHead",
            Compatibility::V3 => "releaseutil.SimpleHead",
        }
    }

    /// `.Chart`.
    pub(crate) fn chart_object(self, metadata: &crate::Metadata, is_root: bool) -> Value {
        match self {
            Compatibility::V4 => objects::chart(metadata, is_root),
            Compatibility::V3 => chart(metadata, is_root),
        }
    }

    /// A template's error, from Go's text, apart from its being shown over several lines.
    pub(crate) fn execution_text(self, text: &str) -> std::borrow::Cow<'_, str> {
        const COMPARING: &str = ": incompatible types for comparison";
        match (self, text.rfind(COMPARING)) {
            // Go 1.24 does not name the types.
            (Compatibility::V3, Some(at)) => (&text[..at + COMPARING.len()]).into(),
            _ => text.into(),
        }
    }
}

/// Helm 3's list out of Helm 4's.
fn api_versions_of_helm3(helm4: &[String]) -> Vec<String> {
    let instead = |version: &String| match API_VERSIONS_CHANGED.iter().find(|(changed, _)| changed == version) {
        None => vec![version.clone()],
        Some((_, instead)) => instead.iter().map(ToString::to_string).collect(),
    };
    helm4.iter().flat_map(instead).collect()
}

#[cfg(test)]
mod tests;
