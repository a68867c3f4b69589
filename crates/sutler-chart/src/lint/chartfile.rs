//! Rules for Chart.yaml (Helm's `rules.Chartfile`).

use sutler_functions::semver::{Constraints, Version};
use sutler_yaml::{Data, Node};

use super::Severity::{Error, Info, Warning};
use super::{Findings, addresses};
use crate::compat::Compatibility;
use crate::decode::{DecodeError, read_document};
use crate::load::{Entry, Survey};
use crate::metadata::{Draft, Metadata};
use crate::text::{base_name, error_chain, go_quoted};

/// The document's name in every finding.
const FILE: &str = "Chart.yaml";

pub(super) fn check(survey: &Survey, compatibility: Compatibility, findings: &mut Findings) {
    let is_helm4 = compatibility == Compatibility::V4;
    if matches!(survey.chart_yaml, Entry::Folder) {
        findings.add(Error, FILE, "should be a file, not a directory");
    }
    let mut draft = Draft::default();
    let text = match survey.chart_yaml.read(&format!("{}/{FILE}", survey.path)) {
        Ok(bytes) => sutler_yaml::decode(bytes).map_err(DecodeError::Read).map_err(|error| error_chain(&error)),
        Err(error) => Err(error.to_string()),
    };
    let text = match text.and_then(|text| draft.read(&text).map(|()| text).map_err(|error| error_chain(&error))) {
        Ok(text) => text,
        Err(problem) => return findings.add(Error, FILE, format!("unable to parse YAML\n\t{problem}")),
    };
    if is_helm4 && let Some(problem) = unknown_or_repeated(&text) {
        findings.add(Warning, FILE, format!("failed to strictly parse chart metadata file\n\t{problem}"));
    }
    let node = read_document(&text).ok();
    let type_of = |key: &str| other_type(node.as_ref()?, key);
    let metadata = draft.metadata();
    let rules = [
        (Error, name(metadata)),
        (Error, api_version(metadata)),
        (Error, type_of("version")),
        (Error, version(&metadata.version)),
        (Error, type_of("appVersion")),
        (Error, maintainers(&draft)),
        (Error, sources(metadata)),
        (Info, metadata.icon.is_empty().then(|| "icon is recommended".to_owned())),
        (Error, icon(&metadata.icon)),
        (Error, only_in_v2(!metadata.kind.is_empty(), metadata, Subject::Type)),
        (Error, only_in_v2(draft.dependency_count() > 0, metadata, Subject::Dependencies)),
        (Warning, strict_version(&metadata.version).filter(|_| is_helm4)),
    ];
    for (severity, problem) in rules {
        if let Some(problem) = problem {
            findings.add(severity, FILE, problem);
        }
    }
}

/// The first thing that `yaml.UnmarshalStrict` minds: keys given twice, else a field that is none.
fn unknown_or_repeated(text: &str) -> Option<String> {
    if let Err(error) = sutler_yaml::read_strict(text) {
        return Some(format!("error converting YAML to JSON: {error}"));
    }
    let field = unknown_field(&sutler_yaml::read(text).ok()?, &METADATA)?;
    let field = go_quoted(&field);
    Some(format!("error unmarshaling JSON: while decoding JSON: json: unknown field {field}"))
}

/// The fields of a struct, and of the structs in its lists.
struct Fields {
    names: &'static [&'static str],
    nested: &'static [(&'static str, &'static Fields)],
}

static MAINTAINER: Fields = Fields { names: &["name", "email", "url"], nested: &[] };
static DEPENDENCY: Fields = Fields {
    names: &["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"],
    nested: &[],
};
static METADATA: Fields = Fields {
    names: &[
        "name",
        "home",
        "sources",
        "version",
        "description",
        "keywords",
        "maintainers",
        "icon",
        "apiVersion",
        "condition",
        "tags",
        "appVersion",
        "deprecated",
        "annotations",
        "kubeVersion",
        "dependencies",
        "type",
    ],
    nested: &[("maintainers", &MAINTAINER), ("dependencies", &DEPENDENCY)],
};

/// The first key that is no field, in the order of the JSON between: by name, bytewise.
fn unknown_field(node: &Node, fields: &Fields) -> Option<String> {
    let mut entries: Vec<(String, &Node)> =
        node.entries().iter().filter_map(|(key, value)| Some((key.key_text()?.into_owned(), value))).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.into_iter().find_map(|(key, value)| {
        if !fields.names.iter().any(|name| name.eq_ignore_ascii_case(&key)) {
            return Some(key);
        }
        let (_, inner) = fields.nested.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key))?;
        let Data::Sequence(items) = &value.data else { return None };
        items.iter().find_map(|item| unknown_field(item, inner))
    })
}

/// A field that should be text and is something else, spelled exactly so.
fn other_type(document: &Node, key: &str) -> Option<String> {
    let (_, value) = document.entries().iter().rev().find(|(name, _)| name.key_text().as_deref() == Some(key))?;
    let found = match value.data {
        Data::String(_) => return None,
        Data::Null => "<nil>",
        Data::Bool(_) => "bool",
        Data::Int(_) | Data::Uint(_) | Data::Float(_) => "float64",
        Data::Sequence(_) => "[]interface {}",
        Data::Mapping(_) => "map[string]interface {}",
    };
    Some(format!("{key} should be of type string but it's of type {found}"))
}

fn name(metadata: &Metadata) -> Option<String> {
    match metadata.name.as_str() {
        "" => Some("name is required".to_owned()),
        name if base_name(name) != name => Some(format!("chart name {} is invalid", go_quoted(name))),
        _ => None,
    }
}

fn api_version(metadata: &Metadata) -> Option<String> {
    match metadata.api_version.as_str() {
        "" => Some("apiVersion is required. The value must be either \"v1\" or \"v2\"".to_owned()),
        "v1" | "v2" => None,
        other => Some(format!("apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\"")),
    }
}

fn version(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("version is required".to_owned());
    }
    let Ok(version) = Version::parse(text) else { return Some(format!("version '{text}' is not a valid SemVer")) };
    let above_the_lowest = Constraints::parse(">0.0.0-0").is_ok_and(|constraint| constraint.allow(&version));
    (!above_the_lowest).then(|| format!("version {version} is less than or equal to 0.0.0-0"))
}

/// A version as semver.org has it: three numbers without leading zeros, no `v`.
fn strict_version(text: &str) -> Option<String> {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_number =
        |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()) && (*part == "0" || !part.starts_with('0'));
    let is_strict = Version::parse(text).is_ok() && parts.len() == 3 && parts.iter().all(is_number);
    (!is_strict).then(|| format!("version '{text}' is not a valid SemVerV2"))
}

fn maintainers(draft: &Draft) -> Option<String> {
    draft.maintainers().iter().find_map(|maintainer| {
        let Some(maintainer) = maintainer else { return Some("a maintainer entry is empty".to_owned()) };
        let (name, mail, url) = (&maintainer.name, &maintainer.email, &maintainer.url);
        if name.is_empty() {
            return Some("each maintainer requires a name".to_owned());
        }
        if !mail.is_empty() && !addresses::is_mail(mail) {
            return Some(format!("invalid email '{mail}' for maintainer '{name}'"));
        }
        (!url.is_empty() && !addresses::is_url(url)).then(|| format!("invalid url '{url}' for maintainer '{name}'"))
    })
}

fn sources(metadata: &Metadata) -> Option<String> {
    let wrong = metadata.sources.iter().find(|source| !addresses::is_request_url(source))?;
    Some(format!("invalid source URL '{wrong}'"))
}

fn icon(url: &str) -> Option<String> {
    (!url.is_empty() && !addresses::is_request_url(url)).then(|| format!("invalid icon URL '{url}'"))
}

/// What only charts of `apiVersion: v2` may have.
enum Subject {
    Type,
    Dependencies,
}

fn only_in_v2(is_there: bool, metadata: &Metadata, subject: Subject) -> Option<String> {
    let found = &metadata.api_version;
    (is_there && found != "v2").then(|| match subject {
        Subject::Type => format!("chart type is not valid in apiVersion '{found}'. It is valid in apiVersion 'v2'"),
        Subject::Dependencies => format!(
            "dependencies are not valid in the Chart file with apiVersion '{found}'. They are valid in apiVersion 'v2'"
        ),
    })
}
