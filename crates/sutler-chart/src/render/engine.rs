//! The templates of a chart and its subcharts, executed (Helm's `pkg/engine`).

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use sutler_functions::{HostBox, without_no_value};
use sutler_template::{ExecuteError, ExecuteOptions, Map, MissingKey, Str, TemplateSet, Usage, Value};

use super::host::{Refusals, RenderHost};
use super::{CancelToken, RenderError, RenderOptions, TemplateError, message, objects};
use crate::chart::{Chart, ChartFile};
use crate::compat::Compatibility;
use crate::text::{base_name, clean_path};
use crate::values::table;

/// A template with the data that it is executed with.
struct Template {
    file: ChartFile,
    /// What the dot is: shared by all templates of one chart.
    data: Map,
    base_path: String,
}

/// The output of every template but partials (`_…`), by path.
pub(super) fn render_files(
    chart: &Chart,
    values: &Map,
    options: &RenderOptions,
    refusals: Option<Refusals>,
) -> Result<(BTreeMap<String, Str>, Usage), RenderError> {
    let mut templates = BTreeMap::new();
    let shared = Shared {
        release: objects::release(&options.release),
        capabilities: objects::capabilities(&options.capabilities, options.compatibility),
        compatibility: options.compatibility,
    };
    let values_type = options.compatibility.types().values;
    let root_values = Value::Map(values.as_type(values_type));
    shared.collect(chart, chart.name(), true, root_values, &mut templates);

    // The deepest first, then in reverse order of their names: the last definition of a name counts.
    let mut order: Vec<&String> = templates.keys().collect();
    order.sort_by_key(|path| Reverse((path.matches('/').count(), path.as_str())));

    let mut set = TemplateSet::new("gotpl")
        .with_function_table(options.compatibility.function_table())
        .with_missing_key(MissingKey::Zero);
    for path in &order {
        let parsed = templates[*path]
            .file
            .parsed(&set, path)
            .map_err(|error| TemplateError::parse(&error, message::parse_error(path, &error.to_string())))?;
        set.add(&parsed);
    }
    let host = HostBox(Box::new(RenderHost::new(options, refusals)));
    let usage = Cell::new(Usage::default());
    let execution = ExecuteOptions {
        host: Some(&host),
        limits: options.limits,
        cancel: options.cancel.as_ref().map(CancelToken::flag),
        deadline: options.deadline.as_deref().map(|has_passed| has_passed as &dyn Fn() -> bool),
        usage: Some(&usage),
        ..ExecuteOptions::default()
    };
    let trace = options.trace.as_deref();
    if let Some(trace) = trace {
        trace.begin(values);
    }
    let mut files = BTreeMap::new();
    for path in order.into_iter().filter(|path| !base_name(path).starts_with('_')) {
        let Template { data, base_path, .. } = &templates[path];
        let about = [("Name", Value::from(path)), ("BasePath", Value::from(base_path))];
        let about = Value::Map(about.into_iter().collect::<Map>().as_type(values_type));
        data.insert("Template", about).expect("the dot is never the nil map");
        let execution = ExecuteOptions { trace: trace.map(|trace| trace.of(path)), ..execution };
        let output = set.execute(path.as_str(), &Value::Map(data.as_type(values_type)), execution).map_err(
            |error| match error {
                ExecuteError::Failed(failure) => {
                    let text = message::execution_error(path, &failure.to_string(), options.compatibility);
                    TemplateError::execute(path, &failure, text).into()
                }
                ExecuteError::Stopped(stop) => RenderError::Stopped(stop),
            },
        )?;
        files.insert(path.clone(), without_no_value(output));
    }
    Ok((files, usage.get()))
}

/// What all charts of a rendering see alike.
struct Shared {
    release: Value,
    capabilities: Value,
    compatibility: Compatibility,
}

impl Shared {
    /// The templates of a chart and of those below it; returns what `.Subcharts` shows of it.
    fn collect(
        &self,
        chart: &Chart,
        path: &str,
        is_root: bool,
        values: Value,
        templates: &mut BTreeMap<String, Template>,
    ) -> Value {
        let subcharts = Map::new();
        let entries = [
            ("Chart", self.compatibility.chart_object(chart.metadata(), is_root)),
            ("Files", objects::files(chart)),
            ("Release", self.release.clone()),
            ("Capabilities", self.capabilities.clone()),
            ("Values", values),
            ("Subcharts", Value::Map(subcharts.clone())),
        ];
        let data: Map = entries.into_iter().collect();
        for subchart in chart.dependencies() {
            // Found by path as in Helm, where a name with a dot finds nothing.
            let values = table(&data, &format!("Values.{}", subchart.name())).unwrap_or_default();
            let values = Value::Map(values.as_type(self.compatibility.types().values));
            let inner_path = format!("{path}/charts/{}", subchart.name());
            let inner = self.collect(subchart, &inner_path, false, values, templates);
            subcharts.insert(subchart.name(), inner).expect("a new map is not the nil map");
        }
        for file in chart.templates() {
            if chart.metadata().is_library() && !base_name(file.name()).starts_with('_') {
                continue;
            }
            templates.insert(
                clean_path(&format!("{path}/{}", file.name())),
                Template {
                    file: file.clone(),
                    // In Go the conversion happens here: the dot has the type of values, what `.Subcharts` shows has not.
                    data: data.as_type(self.compatibility.types().values),
                    base_path: clean_path(&format!("{path}/templates")),
                },
            );
        }
        Value::Map(data)
    }
}
