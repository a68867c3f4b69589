//! [`Chart`]: a loaded chart, cheap to clone and shared by threads.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sutler_template::{Frozen, Map, ParseError, Parsed, Str, TemplateSet, Value};

use crate::load::SourceFile;
use crate::metadata::{Lock, Metadata};
use crate::text::extension;

/// A chart: metadata, templates, default values, schema, other files, and the charts below it.
///
/// Cloning shares everything. A chart never changes; what a release makes of it (conditions, aliases, imported values) is a new one.
#[derive(Debug, Clone)]
pub struct Chart(pub(crate) Arc<ChartData>);

#[derive(Debug, Clone, Default)]
pub(crate) struct ChartData {
    pub(crate) metadata: Metadata,
    pub(crate) lock: Option<Lock>,
    pub(crate) templates: Vec<ChartFile>,
    /// None without a values.yaml.
    pub(crate) values: Option<Defaults>,
    pub(crate) schema: Option<ChartFile>,
    pub(crate) files: Vec<ChartFile>,
    pub(crate) raw: Arc<[ChartFile]>,
    pub(crate) dependencies: Vec<Chart>,
    /// Whether Chart.yaml has a list of dependencies, be it empty: without one Helm does not look at the subcharts' own lists.
    pub(crate) lists_dependencies: bool,
    pub(crate) modified: Option<Timestamp>,
}

/// A chart's values, frozen: each rendering gets tables of its own over them.
#[derive(Clone)]
pub(crate) struct Defaults(Frozen);

impl Defaults {
    pub(crate) fn new(values: &Map) -> Defaults {
        // Values come from YAML, whose depth the reader bounds far below what can be frozen, or from merging such values.
        Defaults(Frozen::new(&Value::Map(values.clone())).expect("values are trees of bounded depth"))
    }
}

impl std::fmt::Debug for Defaults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.thaw().fmt(f)
    }
}

/// A file of a chart. Cloning shares the bytes, and what was once made of them.
#[derive(Debug, Clone)]
pub struct ChartFile {
    name: Arc<str>,
    data: Str,
    modified: Option<Timestamp>,
    derived: Arc<Derived>,
}

/// What a file's bytes were parsed to, kept for the next rendering of the same chart.
#[derive(Default)]
struct Derived {
    template: OnceLock<Parsed>,
    schema: OnceLock<Result<serde_json::Value, String>>,
    checked: OnceLock<Result<(), String>>,
}

impl std::fmt::Debug for Derived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// What was made of a file follows from its bytes.
impl PartialEq for ChartFile {
    fn eq(&self, other: &ChartFile) -> bool {
        (&self.name, &self.data, self.modified) == (&other.name, &other.data, other.modified)
    }
}

impl Eq for ChartFile {}

impl ChartFile {
    /// A file of that name and content.
    pub fn new(name: &str, data: &[u8], modified: Option<Timestamp>) -> ChartFile {
        ChartFile { name: name.into(), data: data.into(), modified, derived: Arc::default() }
    }

    /// The file as a template of that name for `set`, parsed only if it was not before.
    ///
    /// One chart may stand under several names (aliases), and sets may differ: what was parsed first is kept, anything
    /// else is parsed each time.
    pub(crate) fn parsed(&self, set: &TemplateSet, name: &str) -> Result<Parsed, ParseError> {
        match self.derived.template.get() {
            Some(parsed) if *parsed.name() == name && set.fits(parsed) => Ok(parsed.clone()),
            Some(_) => set.parse_apart(name, self.data.clone()),
            None => {
                let parsed = set.parse_apart(name, self.data.clone())?;
                Ok(self.derived.template.get_or_init(|| parsed.clone()).clone()).map(|kept| {
                    // Another thread may have been first, with another name.
                    if kept.name() == parsed.name() && set.fits(&kept) { kept } else { parsed }
                })
            }
        }
    }

    /// The file as a schema, read only if it was not before; the error is the reader's text.
    pub(crate) fn schema(&self) -> Result<&serde_json::Value, &str> {
        self.derived.schema.get_or_init(|| crate::schema::read(self.data())).as_ref().map_err(String::as_str)
    }

    /// Whether the file is a schema that can be used, found out only if it was not before; the error is the checker's text.
    pub(crate) fn checked_schema(&self) -> Result<(), &str> {
        let check = || self.schema().map_err(str::to_owned).and_then(crate::schema::check);
        self.derived.checked.get_or_init(check).as_ref().copied().map_err(String::as_str)
    }

    /// The path inside the chart, with `/`: `templates/service.yaml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bytes.
    pub fn data(&self) -> &[u8] {
        self.data.as_bytes()
    }

    /// The bytes as a template's string, without copying them.
    pub(crate) fn content(&self) -> &Str {
        &self.data
    }

    /// When it was last changed, where that is known.
    pub fn modified(&self) -> Option<Timestamp> {
        self.modified
    }
}

impl From<SourceFile> for ChartFile {
    fn from(file: SourceFile) -> ChartFile {
        ChartFile { name: file.name.into(), data: file.data.into(), modified: file.modified, derived: Arc::default() }
    }
}

/// A file below `crds/`, of a chart or one of its subcharts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crd {
    /// The path from the root chart's name on: `ray/charts/operator/crds/cluster.yaml`.
    pub path: String,
    /// The file, whose text is not rendered and may hold several documents.
    pub file: ChartFile,
}

impl Chart {
    /// The chart's name.
    pub fn name(&self) -> &str {
        &self.0.metadata.name
    }

    /// The contents of Chart.yaml (and of a v1 chart's requirements.yaml).
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// The value of an annotation in Chart.yaml.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.0.metadata.annotation(name)
    }

    /// Chart.lock, or a v1 chart's requirements.lock.
    pub fn lock(&self) -> Option<&Lock> {
        self.0.lock.as_ref()
    }

    /// The values of values.yaml: always a map, the caller's own to change.
    pub fn values(&self) -> Value {
        Value::Map(self.own_values())
    }

    pub(crate) fn own_values(&self) -> Map {
        match self.0.values.as_ref().map(|defaults| defaults.0.thaw()) {
            Some(Value::Map(values)) => values,
            _ => Map::new(),
        }
    }

    /// The text of values.schema.json.
    pub fn schema(&self) -> Option<&[u8]> {
        self.0.schema.as_ref().map(ChartFile::data)
    }

    pub(crate) fn schema_file(&self) -> Option<&ChartFile> {
        self.0.schema.as_ref()
    }

    /// Whether Chart.yaml (or requirements.yaml) has a list of dependencies, be it empty.
    pub fn lists_dependencies(&self) -> bool {
        self.0.lists_dependencies
    }

    /// The same chart under another name.
    pub(crate) fn renamed(&self, name: &str) -> Chart {
        if name == self.name() {
            return self.clone();
        }
        let mut data = (*self.0).clone();
        data.metadata.name = name.to_owned();
        Chart(Arc::new(data))
    }

    /// The files below `templates/`.
    pub fn templates(&self) -> &[ChartFile] {
        &self.0.templates
    }

    /// The other files: what `.Files` shows, `crds/` included.
    pub fn files(&self) -> &[ChartFile] {
        &self.0.files
    }

    /// Every file as it was found, subcharts' files included (archives below `charts/` as one file).
    pub fn raw_files(&self) -> &[ChartFile] {
        &self.0.raw
    }

    /// The charts below this one, as loaded from `charts/`.
    pub fn dependencies(&self) -> &[Chart] {
        &self.0.dependencies
    }

    /// When Chart.yaml was last changed, where that is known.
    pub fn modified(&self) -> Option<Timestamp> {
        self.0.modified
    }

    /// The files below `crds/` of this chart and then of its subcharts, in the order in which Helm prints them.
    pub fn crds(&self) -> Vec<Crd> {
        let mut crds = Vec::new();
        self.collect_crds(self.name(), &mut crds);
        crds
    }

    fn collect_crds(&self, path: &str, crds: &mut Vec<Crd>) {
        for file in self.files().iter().filter(|file| file.name().starts_with("crds/")) {
            if [".yaml", ".yml", ".json"].iter().any(|known| extension(file.name()).eq_ignore_ascii_case(known)) {
                crds.push(Crd { path: format!("{path}/{}", file.name()), file: file.clone() });
            }
        }
        for subchart in self.dependencies() {
            subchart.collect_crds(&format!("{path}/charts/{}", subchart.name()), crds);
        }
    }

    /// SHA-256, in hexadecimal, over the names and contents of all files, whatever their order and times.
    pub fn digest(&self) -> String {
        let mut files: Vec<&ChartFile> = self.raw_files().iter().collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut hash = Sha256::new();
        for file in files {
            for part in [file.name.as_bytes(), file.data()] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        hash.finalize().iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Chart;
    use crate::{ChartSource, RenderOptions, SourceFile, render};

    #[test]
    fn threads_render_one_chart_without_seeing_each_other() {
        let files = vec![
            SourceFile::new("Chart.yaml", "name: c\nversion: 1.0.0\n"),
            SourceFile::new("values.yaml", "deep: {map: {own: 0}}\n"),
            SourceFile::new(
                "templates/a.yaml",
                "{{ $_ := set .Values.deep.map .Release.Name 1 }}kind: A\nv: {{ toJson .Values }}\n",
            ),
        ];
        let chart = Chart::load(ChartSource::Files { files }).unwrap();
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let chart = chart.clone();
                scope.spawn(move || {
                    let rendered =
                        render(&chart, &sutler_template::Value::empty_map(), &RenderOptions::install(name, "n"))
                            .unwrap();
                    let expected = format!("kind: A\nv: {{\"deep\":{{\"map\":{{\"{name}\":1,\"own\":0}}}}}}");
                    assert_eq!(rendered.manifests[0].text, expected);
                    assert_eq!(
                        rendered.values.get("deep").and_then(|deep| deep.get("map")).unwrap().as_map().unwrap().len(),
                        1
                    );
                });
            }
        });
    }
}
