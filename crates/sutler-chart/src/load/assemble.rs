//! From files to a chart: which file is what, and the subcharts below `charts/` (Helm's `LoadFiles`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{DEEPEST_SUBCHART, LARGEST_CHART, LoadError, SourceFile, archive};
use crate::chart::{Chart, ChartData, ChartFile, Defaults};
use crate::compat::Compatibility;
use crate::decode::DecodeError;
use crate::log::{Level, Remark};
use crate::metadata::{Draft, read_lock};
use crate::text::extension;
use crate::values;

/// How much all archives of one chart, one inside the other, may unpack to, in bytes. Helm bounds each by itself only, and so a
/// small archive of archives can fill any memory.
const LARGEST_NESTING: u64 = 4 * LARGEST_CHART;

/// What is kept while a chart and its subcharts are put together.
pub(super) struct Loading<'r> {
    pub(super) remarks: &'r mut Vec<Remark>,
    /// Which Helm is mirrored.
    pub(super) compatibility: Compatibility,
    /// Bytes that came out of archives below `charts/` so far.
    pub(super) unpacked: u64,
}

/// A chart of the given files. `depth` counts the charts above it.
pub(super) fn chart(files: Vec<SourceFile>, depth: usize, loading: &mut Loading<'_>) -> Result<Chart, LoadError> {
    if depth > DEEPEST_SUBCHART {
        return Err(LoadError::TooDeep);
    }
    let raw: Vec<ChartFile> = files.into_iter().map(ChartFile::from).collect();
    let mut draft = Draft::default();
    let mut data = ChartData::default();
    let mut has_metadata = false;

    // Chart.yaml first: what other files mean depends on its version, wherever it stands among them.
    for file in raw.iter().filter(|file| file.name() == "Chart.yaml") {
        has_metadata = true;
        document("Chart.yaml", file, |text| draft.read(text))?;
        draft.default_to_v1();
        data.modified = file.modified();
    }
    let mut parts = Vec::new();
    let mut subcharts: BTreeMap<String, Vec<SourceFile>> = BTreeMap::new();
    for file in &raw {
        match file.name() {
            "Chart.yaml" => {}
            "Chart.lock" => data.lock = document("Chart.lock", file, read_lock)?,
            "values.yaml" => {
                let compatibility = loading.compatibility;
                let values = values::read_file(file.data(), compatibility, compatibility.numbers());
                data.values = Some(Defaults::new(&values.map_err(LoadError::Values)?));
            }
            "values.schema.json" => data.schema = Some(file.clone()),
            "requirements.yaml" => {
                warn_unless_v1(
                    &draft,
                    "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml.",
                    loading.remarks,
                );
                has_metadata = true;
                document("requirements.yaml", file, |text| draft.read(text))?;
                if draft.is_v1() {
                    parts.push(file.clone());
                }
            }
            "requirements.lock" => {
                data.lock = document("requirements.lock", file, read_lock)?;
                warn_unless_v1(
                    &draft,
                    "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". We recommend migrating to Chart.lock.",
                    loading.remarks,
                );
                if draft.is_v1() {
                    parts.push(file.clone());
                }
            }
            name if name.starts_with("templates/") => data.templates.push(file.clone()),
            name => match name.strip_prefix("charts/") {
                Some(inner) if extension(name) != ".prov" => {
                    let key = inner.split('/').next().unwrap_or(inner).to_owned();
                    let inner =
                        SourceFile { name: inner.to_owned(), data: file.data().to_vec(), modified: file.modified() };
                    subcharts.entry(key).or_default().push(inner);
                }
                _ => parts.push(file.clone()),
            },
        }
    }
    if !has_metadata {
        return Err(LoadError::NoMetadata);
    }
    data.lists_dependencies = draft.lists_dependencies();
    data.metadata = draft.validate()?;
    data.files = parts;
    data.raw = raw.into();
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let parent = data.metadata.name.clone();
        let loaded = subchart(&name, files, depth, &parent, loading);
        data.dependencies.push(match loaded {
            Err(error @ LoadError::SubchartArchive { .. }) => return Err(error),
            loaded => loaded.map_err(|source| LoadError::Subchart { name, chart: parent, source: Box::new(source) })?,
        });
    }
    Ok(Chart(Arc::new(data)))
}

/// A chart below `charts/`: an archive, or the files of a folder.
fn subchart(
    name: &str,
    files: Vec<SourceFile>,
    depth: usize,
    parent: &str,
    loading: &mut Loading<'_>,
) -> Result<Chart, LoadError> {
    if extension(name) != ".tgz" {
        // A file directly in charts/ is no chart: a folder without files is refused for its missing Chart.yaml.
        let inner = files.into_iter().filter_map(|file| {
            let (_, rest) = file.name.split_once('/')?;
            Some(SourceFile { name: rest.to_owned(), ..file })
        });
        return chart(inner.collect(), depth + 1, loading);
    }
    match files.into_iter().next() {
        Some(file) if file.name == name => {
            let files = archive::unpack(&file.data)?;
            loading.unpacked += files.iter().map(|file| file.data.len() as u64).sum::<u64>();
            if loading.unpacked > LARGEST_NESTING {
                return Err(LoadError::NestedTooLarge);
            }
            chart(files, depth + 1, loading)
        }
        other => Err(LoadError::SubchartArchive {
            chart: parent.to_owned(),
            expected: name.to_owned(),
            found: other.map(|file| file.name).unwrap_or_default(),
        }),
    }
}

fn warn_unless_v1(draft: &Draft, message: &str, remarks: &mut Vec<Remark>) {
    if !draft.is_v1() {
        remarks.push(Remark::new(Level::Info, message, Vec::new()));
    }
}

/// Decodes one YAML file of the chart; errors name it.
fn document<T>(
    name: &'static str,
    file: &ChartFile,
    decode: impl FnOnce(&str) -> Result<T, DecodeError>,
) -> Result<T, LoadError> {
    sutler_yaml::decode(file.data())
        .map_err(DecodeError::Read)
        .and_then(|text| decode(&text))
        .map_err(|source| LoadError::Document { name, source })
}
