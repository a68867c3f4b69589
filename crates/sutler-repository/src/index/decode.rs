//! Entries of an index by the full YAML reader, with Helm's strictness: keys given twice and unknown fields are errors.

use std::borrow::Cow;

use sutler_chart::decode::{DecodeError, Fields};
use sutler_chart::{Metadata, MetadataDraft, MetadataError};
use sutler_functions::semver::Version;
use sutler_functions::time::{self, Zone};
use sutler_yaml::{Data, Node};
use thiserror::Error;

use super::{IndexEntry, Raw, RawEntry};

/// Why a text cannot be decoded as an index. The texts are Go's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IndexDecodeError {
    /// The text is no YAML, or has values of other types than an index.
    #[error(transparent)]
    Document(#[from] DecodeError),
    /// A field that no index has.
    #[error("error unmarshaling JSON: while decoding JSON: json: unknown field {}", sutler_chart::go_quoted(.0))]
    UnknownField(String),
    /// A time that is none.
    #[error("error unmarshaling JSON: while decoding JSON: {0}")]
    Time(String),
}

/// One version of a chart with all that an index says of it (Helm's `repo.ChartVersion`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChartVersion {
    /// What Chart.yaml says.
    pub metadata: Metadata,
    /// Where it is to be had.
    pub urls: Vec<String>,
    /// When it was added, as RFC 3339.
    pub created: String,
    /// Whether it was taken away.
    pub removed: bool,
    /// SHA-256 of the archive in hexadecimal.
    pub digest: String,
    /// Fields that Helm no longer uses but keeps: `checksum`, `engine`, `tillerVersion`, `url`.
    pub deprecated: [String; 4],
}

/// Go's zero time.
pub(crate) const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

const TOP: &[&str] = &["serverInfo", "apiVersion", "generated", "entries", "publicKeys", "annotations"];

const METADATA: &[&str] = &[
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
];
const VERSION: &[&str] = &["urls", "created", "removed", "digest", "checksum", "engine", "tillerVersion", "url"];
pub(super) const MAINTAINER: &[&str] = &["name", "email", "url"];
pub(super) const DEPENDENCY: &[&str] =
    &["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];

/// Whether unknown fields are refused: in YAML they are, in JSON they are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    Strict,
    Lenient,
}

/// A document and its parts, as far as all readers of it need them.
pub(super) struct Document {
    pub(super) node: Node,
}

impl Document {
    pub(super) fn read(bytes: &[u8]) -> Result<Document, IndexDecodeError> {
        let text = sutler_yaml::decode(bytes).map_err(DecodeError::Read)?;
        let node = sutler_yaml::read_strict(&text).map_err(DecodeError::Read)?;
        sutler_yaml::convert(&node, &mut Check).map_err(DecodeError::Convert)?;
        Ok(Document { node })
    }
}

/// Finds out whether a document can be JSON; keeps nothing.
struct Check;

impl sutler_yaml::Build for Check {
    type Value = ();

    fn null(&mut self) {}
    fn bool(&mut self, _: bool) {}
    fn int(&mut self, _: i64) {}
    fn uint(&mut self, _: u64) {}
    fn float(&mut self, _: f64) {}
    fn string(&mut self, _: &str) {}
    fn sequence(&mut self, _: Vec<()>) {}
    fn mapping(&mut self, _: std::collections::BTreeMap<String, ()>) {}
}

/// Refuses fields beyond the known ones; names match without regard to case, as in Go.
pub(super) fn check_fields(node: &Node, known: &[&[&str]]) -> Result<(), IndexDecodeError> {
    let mut unknown: Vec<Cow<'_, str>> = node
        .entries()
        .iter()
        .filter_map(|(key, _)| key.key_text())
        .filter(|key| !known.iter().copied().flatten().any(|name| name.eq_ignore_ascii_case(key)))
        .collect();
    unknown.sort();
    match unknown.into_iter().next() {
        Some(name) => Err(IndexDecodeError::UnknownField(name.into_owned())),
        None => Ok(()),
    }
}

/// An entry with what Helm's validation says of it.
pub(super) fn entry(
    node: &Node,
    strictness: Strictness,
) -> Result<(ChartVersion, Result<(), MetadataError>), IndexDecodeError> {
    if strictness == Strictness::Strict {
        check_fields(node, &[METADATA, VERSION])?;
        for (field, known) in [("maintainers", MAINTAINER), ("dependencies", DEPENDENCY)] {
            for item in field_of(node, field).map(Node::items).unwrap_or_default() {
                check_fields(item, &[known])?;
            }
        }
    }
    let fields = Fields::of_document(node, "ChartVersion", "repo.ChartVersion")?;
    let mut draft = MetadataDraft::default();
    draft.take(&fields)?;
    draft.default_to_v1();
    let mut version = ChartVersion { created: ZERO_TIME.to_owned(), ..ChartVersion::default() };
    let mut bad_time = None;
    fields.for_each(|name, field| {
        match name {
            "urls" => version.urls = field.texts("urls")?,
            "created" => match time_text(field.node) {
                Ok(time) => version.created = time,
                Err(problem) => bad_time = Some(problem),
            },
            "removed" => version.removed = field.boolean("removed")?,
            "digest" => version.digest = field.text("digest")?,
            "checksum" => version.deprecated[0] = field.text("checksum")?,
            "engine" => version.deprecated[1] = field.text("engine")?,
            "tillerversion" => version.deprecated[2] = field.text("tillerVersion")?,
            "url" => version.deprecated[3] = field.text("url")?,
            _ => {}
        }
        Ok(())
    })?;
    if let Some(problem) = bad_time {
        return Err(IndexDecodeError::Time(problem));
    }
    let unchecked = draft.unchecked().clone();
    Ok(match draft.validate_in_index() {
        Ok(metadata) => (ChartVersion { metadata, ..version }, Ok(())),
        Err(problem) => (ChartVersion { metadata: unchecked, ..version }, Err(problem)),
    })
}

fn field_of<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    node.entries()
        .iter()
        .find(|(key, _)| key.key_text().is_some_and(|key| key.eq_ignore_ascii_case(name)))
        .map(|e| &e.1)
}

/// A time as Go decodes it from JSON, or Go's complaint.
pub(crate) fn time_text(node: &Node) -> Result<String, String> {
    let Data::String(text) = &node.data else {
        return Err("Time.UnmarshalJSON: input is not a JSON string".to_owned());
    };
    if is_rfc3339(text.as_bytes()) {
        return Ok(text.clone());
    }
    match time::parse(b"2006-01-02T15:04:05Z07:00", text.as_bytes(), &Zone::Utc) {
        Err(error) => Err(error.to_string()),
        // Go's parser of layouts takes more than the strict form allows.
        Ok(_) => Err(format!(
            "parsing time {} as \"2006-01-02T15:04:05Z07:00\": cannot parse as strict RFC 3339",
            sutler_chart::go_quoted(text)
        )),
    }
}

/// Whether a text is a time as Go's `Time.UnmarshalJSON` takes it.
pub(super) fn is_rfc3339(text: &[u8]) -> bool {
    fn number(text: &[u8], from: usize, to: usize) -> Option<u32> {
        let digits = text.get(from..to)?;
        digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
    }
    let read = || {
        let (year, month, day) = (number(text, 0, 4)?, number(text, 5, 7)?, number(text, 8, 10)?);
        let (hour, minute, second) = (number(text, 11, 13)?, number(text, 14, 16)?, number(text, 17, 19)?);
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => 0,
        };
        let right = marks.iter().all(|(at, mark)| text[*at] == *mark)
            && (1..=days).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let mut rest = &text[19..];
        if let Some(fraction) = rest.strip_prefix(b".") {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            rest = &fraction[digits..];
        }
        let zone = match rest {
            b"Z" => true,
            [b'+' | b'-', _, _, b':', _, _] => number(rest, 1, 3)? < 24 && number(rest, 4, 6)? < 60,
            _ => false,
        };
        Some(right && zone)
    };
    read().unwrap_or(false)
}

/// What a whole document holds besides its entries.
pub(super) struct Head {
    pub(super) api_version: String,
    pub(super) generated: String,
    pub(super) server_info: Option<serde_json::Value>,
    pub(super) public_keys: Vec<String>,
    pub(super) annotations: std::collections::BTreeMap<String, String>,
}

pub(super) type Visit<'v> = dyn FnMut(&str, Option<&Node>) -> Result<(), IndexDecodeError> + 'v;

/// Goes through a document: each chart's name with each of its entries, null ones too, in the document's order; a chart
/// without entries is visited by `chart` alone.
pub(super) fn walk(
    node: &Node,
    strictness: Strictness,
    mut chart: impl FnMut(&str),
    visit: &mut Visit<'_>,
) -> Result<Head, IndexDecodeError> {
    let fields = Fields::of_document(node, "IndexFile", "repo.IndexFile")?;
    if strictness == Strictness::Strict {
        check_fields(node, &[TOP])?;
    }
    let mut head = Head {
        api_version: String::new(),
        generated: ZERO_TIME.to_owned(),
        server_info: None,
        public_keys: Vec::new(),
        annotations: Default::default(),
    };
    let mut failure = None;
    let result = fields.for_each(|name, field| {
        match name {
            "apiversion" => head.api_version = field.text("apiVersion")?,
            "generated" => match time_text(field.node) {
                Ok(time) => head.generated = time,
                Err(problem) => failure = Some(IndexDecodeError::Time(problem)),
            },
            "serverinfo" => {
                let Data::Mapping(_) = field.node.data else {
                    return Err(field.mismatch(field.node, "serverInfo", "map[string]interface {}"));
                };
                head.server_info = sutler_yaml::to_json(field.node).ok();
            }
            "publickeys" => head.public_keys = field.texts("publicKeys")?,
            "annotations" => head.annotations = field.text_map("annotations")?,
            "entries" => {
                let Data::Mapping(charts) = &field.node.data else {
                    return Err(field.mismatch(field.node, "entries", "map[string]repo.ChartVersions"));
                };
                for (key, versions) in charts {
                    let Some(key) = key.key_text() else { continue };
                    let items = match &versions.data {
                        Data::Null => &[][..],
                        Data::Sequence(items) => items,
                        _ => return Err(field.mismatch(versions, "entries", "repo.ChartVersions")),
                    };
                    chart(&key);
                    for item in items {
                        if let Err(error) = visit(&key, Some(item).filter(|item| !item.is_null())) {
                            failure.get_or_insert(error);
                            return Ok(());
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    });
    match failure {
        Some(failure) => Err(failure),
        None => result.map(|()| head).map_err(IndexDecodeError::from),
    }
}

impl RawEntry {
    pub(super) fn of(version: ChartVersion, validity: Result<(), MetadataError>) -> RawEntry {
        let Metadata { name, version: number, app_version, description, keywords, .. } = version.metadata;
        match validity.and_then(|()| Version::parse(&number).map_err(|_| MetadataError::InvalidVersion(number.clone())))
        {
            Err(problem) => RawEntry::Invalid { version: number, problem },
            Ok(parsed) => RawEntry::Valid {
                entry: IndexEntry {
                    name,
                    version: number,
                    app_version,
                    description,
                    keywords,
                    urls: version.urls,
                    digest: version.digest,
                },
                parsed,
            },
        }
    }
}

/// Reads an index by the YAML reader.
pub(super) fn read_light(bytes: &[u8]) -> Result<Raw, IndexDecodeError> {
    light(&Document::read(bytes)?.node, Strictness::Strict)
}

pub(super) fn light(node: &Node, strictness: Strictness) -> Result<Raw, IndexDecodeError> {
    let charts = std::cell::RefCell::new(Vec::<(String, Vec<RawEntry>)>::new());
    let head =
        walk(node, strictness, |name| charts.borrow_mut().push((name.to_owned(), Vec::new())), &mut |_, item| {
            let raw = match item {
                None => RawEntry::Null,
                Some(item) => {
                    let (version, validity) = entry(item, strictness)?;
                    RawEntry::of(version, validity)
                }
            };
            charts.borrow_mut().last_mut().expect("a chart is announced before its entries").1.push(raw);
            Ok(())
        })?;
    Ok(Raw { api_version: head.api_version, charts: charts.into_inner() })
}
