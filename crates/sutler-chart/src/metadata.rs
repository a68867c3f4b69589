//! Chart.yaml: what a chart says of itself (Helm's `pkg/chart/v2`).
//!
//! Serialized with the names, the order and the omissions of Helm's release records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::decode::{DecodeError, Fields, Shape, read_document_as};
use crate::text::{base_name, go_quoted, is_printable, is_space};
use crate::version::is_version;

/// The contents of Chart.yaml.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    /// The chart's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The project's page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub home: String,
    /// Where the source code is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The chart's version, a semantic version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// One sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Who maintains it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    /// Address of a picture.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub icon: String,
    /// `v1` (also when missing) or `v2`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// A condition, kept but not used by Helm.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags, kept but not used by Helm.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
    /// The version of what the chart installs; any text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// Whether it should no longer be used.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// Names and values that Helm does not interpret; none is different from empty in `.Chart.Annotations`.
    #[serde(skip_serializing_if = "no_annotations")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// A constraint on the cluster's version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// Charts that it needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// `application` (also when empty) or `library`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

/// Go's `omitempty` leaves out an empty map too.
fn no_annotations(annotations: &Option<BTreeMap<String, String>>) -> bool {
    annotations.as_ref().is_none_or(BTreeMap::is_empty)
}

/// One who maintains a chart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Maintainer {
    /// Name of a person or organization.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Mail address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A chart that another one needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dependency {
    /// The chart's name; once processed for a release, its alias where it has one.
    pub name: String,
    /// A constraint on its version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where it is to be had.
    pub repository: String,
    /// Paths of values, separated by commas: the first that is a boolean switches the chart on or off.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Names in the `tags` table of the values that switch groups of charts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether it takes part; decided anew for each release.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enabled: bool,
    /// Values taken over into the parent: a name below `exports`, or `{child, parent}`.
    #[serde(rename = "import-values", skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<serde_json::Value>,
    /// Another name for this use of the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
}

/// Chart.lock: the versions that were chosen for the dependencies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lock {
    /// When it was made, as RFC 3339.
    pub generated: String,
    /// Digest of the dependencies in Chart.yaml.
    pub digest: String,
    /// The dependencies with their versions.
    pub dependencies: Vec<Dependency>,
}

/// Why Chart.yaml is not valid. The texts are Helm's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// A required field is empty: `apiVersion`, `name` or `version`.
    #[error("validation: chart.metadata.{0} is required")]
    Missing(&'static str),
    /// The name is `.` or `..`.
    #[error("validation: chart.metadata.name {} is not allowed", go_quoted(.0))]
    NameNotAllowed(String),
    /// The name contains a `/`.
    #[error("validation: chart.metadata.name {} is invalid", go_quoted(.0))]
    InvalidName(String),
    /// The version is no semantic version.
    #[error("validation: chart.metadata.version {} is invalid", go_quoted(.0))]
    InvalidVersion(String),
    /// The type is neither `application` nor `library`.
    #[error("validation: chart.metadata.type must be application or library")]
    InvalidType,
    /// An item of `maintainers` is null.
    #[error("validation: maintainers must not contain empty or null nodes")]
    NullMaintainer,
    /// An item of `dependencies` is null.
    #[error("validation: dependencies must not contain empty or null nodes")]
    NullDependency,
    /// An alias has other characters than letters, digits, `-` and `_`.
    #[error("validation: dependency {} has disallowed characters in the alias", go_quoted(.0))]
    InvalidAlias(String),
    /// Two dependencies would have the same name.
    #[error("validation: more than one dependency with name or alias {}", go_quoted(.0))]
    DuplicateDependency(String),
}

static DEPENDENCY: Shape = Shape::Struct(&[
    ("name", Shape::Text),
    ("version", Shape::Text),
    ("repository", Shape::Text),
    ("condition", Shape::Text),
    ("tags", Shape::List(&Shape::Text)),
    ("alias", Shape::Text),
]);
static METADATA: Shape = Shape::Struct(&[
    ("name", Shape::Text),
    ("home", Shape::Text),
    ("sources", Shape::List(&Shape::Text)),
    ("version", Shape::Text),
    ("description", Shape::Text),
    ("keywords", Shape::List(&Shape::Text)),
    (
        "maintainers",
        Shape::List(&Shape::Struct(&[("name", Shape::Text), ("email", Shape::Text), ("url", Shape::Text)])),
    ),
    ("icon", Shape::Text),
    ("apiVersion", Shape::Text),
    ("condition", Shape::Text),
    ("tags", Shape::Text),
    ("appVersion", Shape::Text),
    ("annotations", Shape::Map(&Shape::Text)),
    ("kubeVersion", Shape::Text),
    ("dependencies", Shape::List(&DEPENDENCY)),
    ("type", Shape::Text),
]);
static LOCK: Shape = Shape::Struct(&[("digest", Shape::Text), ("dependencies", Shape::List(&DEPENDENCY))]);

/// Chart.yaml as read: null items are still there, so that they can be refused where Helm refuses them.
#[derive(Debug, Default)]
pub struct Draft {
    metadata: Metadata,
    maintainers: Vec<Option<Maintainer>>,
    dependencies: Option<Vec<Option<Dependency>>>,
}

/// Whether dependencies must have different names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    Unique,
    Repeated,
}

impl Draft {
    /// Reads a Chart.yaml, or a requirements.yaml on top of it: fields that the text has replace those of before.
    pub(crate) fn read(&mut self, text: &str) -> Result<(), DecodeError> {
        let document = read_document_as(text, &METADATA)?;
        self.take(&Fields::of_document(&document, "Metadata", "v2.Metadata")?)
    }

    /// Takes the fields of a chart's metadata out of a mapping, which may have others too.
    ///
    /// # Errors
    /// The first value of a wrong type.
    pub fn take(&mut self, fields: &Fields<'_>) -> Result<(), DecodeError> {
        fields.for_each(|name, field| {
            let metadata = &mut self.metadata;
            match name {
                "name" => metadata.name = field.text("name")?,
                "home" => metadata.home = field.text("home")?,
                "sources" => metadata.sources = field.texts("sources")?,
                "version" => metadata.version = field.text("version")?,
                "description" => metadata.description = field.text("description")?,
                "keywords" => metadata.keywords = field.texts("keywords")?,
                "icon" => metadata.icon = field.text("icon")?,
                "apiversion" => metadata.api_version = field.text("apiVersion")?,
                "condition" => metadata.condition = field.text("condition")?,
                "tags" => metadata.tags = field.text("tags")?,
                "appversion" => metadata.app_version = field.text("appVersion")?,
                "deprecated" => metadata.deprecated = field.boolean("deprecated")?,
                "annotations" => {
                    // Go fills a map that is already there.
                    metadata.annotations.get_or_insert_default().extend(field.text_map("annotations")?);
                }
                "kubeversion" => metadata.kube_version = field.text("kubeVersion")?,
                "type" => metadata.kind = field.text("type")?,
                "maintainers" => {
                    let mut maintainers = Vec::new();
                    for item in field.list("maintainers", "[]*v2.Maintainer")? {
                        if item.is_null() {
                            maintainers.push(None);
                            continue;
                        }
                        let mut maintainer = Maintainer::default();
                        field.nested(item, "maintainers", "Maintainer", "v2.Maintainer")?.for_each(|name, field| {
                            match name {
                                "name" => maintainer.name = field.text("name")?,
                                "email" => maintainer.email = field.text("email")?,
                                "url" => maintainer.url = field.text("url")?,
                                _ => {}
                            }
                            Ok(())
                        })?;
                        maintainers.push(Some(maintainer));
                    }
                    self.maintainers = maintainers;
                }
                "dependencies" => {
                    let items = field
                        .list("dependencies", "[]*v2.Dependency")?
                        .iter()
                        .map(|item| {
                            if item.is_null() {
                                return Ok(None);
                            }
                            let fields = field.nested(item, "dependencies", "Dependency", "v2.Dependency")?;
                            dependency(&fields).map(Some)
                        })
                        .collect::<Result<_, DecodeError>>()?;
                    self.dependencies = Some(items);
                }
                _ => {}
            }
            Ok(())
        })
    }

    /// What was read, but for the lists that may hold nulls: not checked, not normalized.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The maintainers, nulls included.
    pub(crate) fn maintainers(&self) -> &[Option<Maintainer>] {
        &self.maintainers
    }

    /// How many dependencies are listed, nulls included.
    pub(crate) fn dependency_count(&self) -> usize {
        self.dependencies.as_ref().map_or(0, Vec::len)
    }

    /// The fields as they were read, not yet checked; maintainers and dependencies are not among them.
    pub fn unchecked(&self) -> &Metadata {
        &self.metadata
    }

    /// Whether there is a list of dependencies, be it empty.
    pub(crate) fn lists_dependencies(&self) -> bool {
        self.dependencies.is_some()
    }

    /// Whether it says `apiVersion: v1`.
    pub(crate) fn is_v1(&self) -> bool {
        self.metadata.api_version == "v1"
    }

    /// Makes it a chart of `v1` where nothing is said, as Helm does after Chart.yaml.
    pub fn default_to_v1(&mut self) {
        if self.metadata.api_version.is_empty() {
            self.metadata.api_version = "v1".to_owned();
        }
    }

    /// Checks the whole as Helm does, and normalizes its texts: every kind of space becomes a space, what is not printable goes.
    ///
    /// # Errors
    /// The first thing that Helm refuses.
    pub fn validate(self) -> Result<Metadata, MetadataError> {
        self.check(Listing::Unique)
    }

    /// The same for an entry of a repository's index, where several dependencies may have one name: some servers leave out
    /// their aliases.
    ///
    /// # Errors
    /// As [`Draft::validate`], but for [`MetadataError::DuplicateDependency`].
    pub fn validate_in_index(self) -> Result<Metadata, MetadataError> {
        self.check(Listing::Repeated)
    }

    fn check(self, listing: Listing) -> Result<Metadata, MetadataError> {
        let Draft { mut metadata, maintainers, dependencies } = self;
        let texts = [
            &mut metadata.name,
            &mut metadata.description,
            &mut metadata.home,
            &mut metadata.icon,
            &mut metadata.condition,
            &mut metadata.tags,
            &mut metadata.app_version,
            &mut metadata.kube_version,
        ];
        texts.into_iter().chain(&mut metadata.sources).chain(&mut metadata.keywords).for_each(sanitize);

        if metadata.api_version.is_empty() {
            return Err(MetadataError::Missing("apiVersion"));
        }
        let name = &metadata.name;
        match name.as_str() {
            "" => return Err(MetadataError::Missing("name")),
            "." | ".." => return Err(MetadataError::NameNotAllowed(name.clone())),
            text if base_name(text) != text => return Err(MetadataError::InvalidName(name.clone())),
            _ => {}
        }
        if metadata.version.is_empty() {
            return Err(MetadataError::Missing("version"));
        }
        if !is_version(&metadata.version) {
            return Err(MetadataError::InvalidVersion(metadata.version));
        }
        if !matches!(metadata.kind.as_str(), "" | "application" | "library") {
            return Err(MetadataError::InvalidType);
        }
        for maintainer in maintainers {
            let mut maintainer = maintainer.ok_or(MetadataError::NullMaintainer)?;
            [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url].into_iter().for_each(sanitize);
            metadata.maintainers.push(maintainer);
        }
        for dependency in dependencies.unwrap_or_default() {
            let mut dependency = dependency.ok_or(MetadataError::NullDependency)?;
            let Dependency { name, version, repository, condition, tags, alias, .. } = &mut dependency;
            [name, version, repository, condition].into_iter().chain(tags).for_each(sanitize);
            if alias.chars().any(|c| !c.is_ascii_alphanumeric() && c != '_' && c != '-') {
                return Err(MetadataError::InvalidAlias(dependency.name));
            }
            let key = dependency.used_name().to_owned();
            if listing == Listing::Unique && metadata.dependencies.iter().any(|other| other.used_name() == key) {
                return Err(MetadataError::DuplicateDependency(key));
            }
            metadata.dependencies.push(dependency);
        }
        Ok(metadata)
    }
}

impl Metadata {
    /// The value of an annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// Whether the chart only holds named templates for others.
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }
}

impl Dependency {
    /// The name under which the parent knows it: the alias, or else the name.
    pub fn used_name(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }
}

/// Reads a Chart.lock or requirements.lock.
pub(crate) fn read_lock(text: &str) -> Result<Option<Lock>, DecodeError> {
    let document = read_document_as(text, &LOCK)?;
    if document.is_null() {
        return Ok(None);
    }
    let mut lock = Lock { generated: "0001-01-01T00:00:00Z".to_owned(), ..Lock::default() };
    Fields::of_document(&document, "Lock", "v2.Lock")?.for_each(|name, field| {
        match name {
            "generated" => lock.generated = field.time()?,
            "digest" => lock.digest = field.text("digest")?,
            "dependencies" => {
                for item in field.list("dependencies", "[]*v2.Dependency")?.iter().filter(|item| !item.is_null()) {
                    let fields = field.nested(item, "dependencies", "Dependency", "v2.Dependency")?;
                    lock.dependencies.push(dependency(&fields)?);
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(Some(lock))
}

fn dependency(fields: &Fields<'_>) -> Result<Dependency, DecodeError> {
    let mut dependency = Dependency::default();
    fields.for_each(|name, field| {
        match name {
            "name" => dependency.name = field.text("name")?,
            "version" => dependency.version = field.text("version")?,
            "repository" => dependency.repository = field.text("repository")?,
            "condition" => dependency.condition = field.text("condition")?,
            "tags" => dependency.tags = field.texts("tags")?,
            "enabled" => dependency.enabled = field.boolean("enabled")?,
            "import-values" => {
                dependency.import_values = field
                    .list("import-values", "[]interface {}")?
                    .iter()
                    .map(|item| sutler_yaml::to_json(item).map_err(DecodeError::Convert))
                    .collect::<Result<_, _>>()?;
            }
            "alias" => dependency.alias = field.text("alias")?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(dependency)
}

/// Makes every kind of space a space and leaves out what is not printable, as Helm's `sanitizeString`.
pub fn sanitize(text: &mut String) {
    if text.chars().any(|c| c != ' ' && (is_space(c) || !is_printable(c))) {
        *text =
            text.chars().filter_map(|c| if is_space(c) { Some(' ') } else { is_printable(c).then_some(c) }).collect();
    }
}
