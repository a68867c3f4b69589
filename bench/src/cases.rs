//! The cases: from a request to a piece of work that can be repeated.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sutler_chart::{Chart, ChartSource, RenderOptions, SourceFile, render};
use sutler_template::{ExecuteOptions, Map, MissingKey, Str, TemplateSet, Value};

use crate::Failure;

/// Does a case once and returns what it made.
pub(crate) type Work = Box<dyn Fn(Run) -> Result<String, Failure> + Send + Sync>;

/// What a case is done for.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// To be measured; the number tells apart runs whose values differ each time. Where writing a result as text is no part of the
    /// case, only something short is returned.
    Timed(usize),
    /// To be compared: all that was made is returned as text.
    Shown,
}

/// What a request says of a case.
#[derive(Deserialize)]
pub(crate) struct Case {
    kind: Kind,
    /// The folder of a chart.
    #[serde(default)]
    chart: PathBuf,
    /// A template.
    #[serde(default)]
    text: String,
    /// The user's values.
    #[serde(default)]
    values: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Parses the templates of a chart, its subcharts' included.
    Parse,
    /// Executes a text that was parsed before.
    Execute,
    /// Renders a chart whose one template is the text.
    Text,
    /// Loads a chart from its folder.
    Load,
    /// Lays values over those of a chart and its subcharts.
    Merge,
    /// Renders a loaded chart.
    Render,
    /// Renders a loaded chart, each time with another `fullnameOverride`.
    Renderings,
    /// Loads and renders.
    Whole,
}

/// Makes a case ready: what is not measured happens here.
pub(crate) fn prepare(case: Case) -> Result<Work, Failure> {
    let Case { kind, chart: folder, text, values } = case;
    let values = sutler_chart::values::from_json(&serde_json::Value::Object(values));
    let load =
        |folder: &Path| Chart::load(ChartSource::Folder(folder)).map_err(|error| sutler_chart::error_chain(&error));
    Ok(match kind {
        Kind::Parse => {
            let mut texts = Vec::new();
            let chart = load(&folder)?;
            collect(&chart, chart.name(), &mut texts);
            Box::new(move |_| {
                let mut set = template_set();
                for (name, text) in &texts {
                    set.parse(name.clone(), text.clone())?;
                }
                Ok(texts.len().to_string())
            })
        }
        Kind::Execute => {
            let mut set = template_set();
            set.parse("gotpl", text)?;
            Box::new(move |_| Ok(set.execute("gotpl", &values, ExecuteOptions::default())?.to_string()))
        }
        Kind::Text => {
            let files = vec![
                SourceFile::new("Chart.yaml", "apiVersion: v2\nname: bench\nversion: 1.0.0\n"),
                SourceFile::new("templates/NOTES.txt", text),
            ];
            let chart = Chart::load(ChartSource::Files { files })?;
            let options = RenderOptions::install("bench", "default");
            Box::new(move |_| Ok(render(&chart, &values, &options)?.notes))
        }
        Kind::Load => Box::new(move |run| {
            let chart = load(&folder)?;
            match run {
                Run::Timed(_) => Ok(chart.name().to_owned()),
                Run::Shown => listed(&chart),
            }
        }),
        Kind::Merge => {
            let chart = load(&folder)?;
            Box::new(move |run| {
                let merged = sutler_chart::values::coalesce(&chart, &values)?;
                match run {
                    Run::Timed(_) => Ok(merged.as_map().map_or(0, Map::len).to_string()),
                    Run::Shown => as_json(&merged),
                }
            })
        }
        Kind::Render => {
            let chart = load(&folder)?;
            Box::new(move |_| rendered(&chart, &values))
        }
        Kind::Renderings => {
            let chart = load(&folder)?;
            Box::new(move |run| {
                let number = if let Run::Timed(number) = run { number } else { 0 };
                let values = values.as_map().map(Map::shallow_copy).unwrap_or_default();
                values.insert("fullnameOverride", format!("other-{number}").into())?;
                rendered(&chart, &Value::Map(values))
            })
        }
        Kind::Whole => Box::new(move |_| rendered(&load(&folder)?, &values)),
    })
}

fn template_set() -> TemplateSet {
    TemplateSet::new("gotpl").with_function_table(sutler_functions::table()).with_missing_key(MissingKey::Zero)
}

fn collect(chart: &Chart, path: &str, texts: &mut Vec<(String, Str)>) {
    for file in chart.templates() {
        texts.push((format!("{path}/{}", file.name()), file.data().into()));
    }
    for below in chart.dependencies() {
        collect(below, &format!("{path}/charts/{}", below.name()), texts);
    }
}

fn as_json(value: &Value) -> Result<String, Failure> {
    Ok(serde_json::to_string(&sutler_chart::values::to_json(value))?)
}

/// What a chart holds: its files with their sizes, its values, and the same of its subcharts by name.
fn listed(chart: &Chart) -> Result<String, Failure> {
    let mut files: Vec<_> = chart
        .templates()
        .iter()
        .chain(chart.files())
        .map(|file| format!("{} {}\n", file.name(), file.data().len()))
        .collect();
    files.sort();
    let mut below: Vec<_> = chart.dependencies().iter().collect();
    below.sort_by_key(|chart| chart.name());
    let below: String = below.into_iter().map(|chart| listed(chart)).collect::<Result<_, _>>()?;
    Ok(format!("{}\n{}{}\n{below}", chart.name(), files.concat(), as_json(&chart.values())?))
}

/// What `helm template` does between loading and printing.
fn rendered(chart: &Chart, values: &Value) -> Result<String, Failure> {
    let rendered = render(chart, values, &RenderOptions::install("bench", "default"))
        .map_err(|error| sutler_chart::error_chain(&error))?;
    Ok(format!("{}{} hooks\n", rendered.manifest_text(), rendered.hooks.len()))
}
