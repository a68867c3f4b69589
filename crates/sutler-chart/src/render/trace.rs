//! What a rendering leaves behind for those who explain it: [`RenderTrace`]; and [`locate_line`], from a line that was rendered back
//! to the template's line that made it.

use std::sync::{Mutex, PoisonError};

use sutler_template::{Map, Place, Trace, Value};

use super::{RenderOptions, engine};
use crate::chart::Chart;
use crate::dependencies;
use crate::values::Coalesce;

/// Collects where a rendering fails. Given with [`RenderOptions::trace`](super::RenderOptions::trace), it costs nothing until then.
#[derive(Debug)]
pub struct RenderTrace {
    failure: Trace,
    /// The values as the templates saw them: places lead into these very tables.
    values: Mutex<Value>,
    /// A template whose output is watched, and how.
    watched: Option<(String, Trace)>,
}

impl Default for RenderTrace {
    fn default() -> RenderTrace {
        RenderTrace { failure: Trace::new(), values: Mutex::new(Value::Nil), watched: None }
    }
}

impl RenderTrace {
    /// A trace of nothing yet.
    pub fn new() -> RenderTrace {
        RenderTrace::default()
    }

    /// The places that led to the error, the innermost first.
    pub fn places(&self) -> Vec<Place> {
        self.failure.places()
    }

    /// The root chart's values as the templates saw them; none before templates were executed.
    pub(crate) fn values(&self) -> Option<Map> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).as_map().cloned()
    }

    pub(super) fn begin(&self, values: &Map) {
        *self.values.lock().unwrap_or_else(PoisonError::into_inner) = Value::Map(values.clone());
    }

    /// What the engine is given for one template.
    pub(super) fn of(&self, path: &str) -> &Trace {
        match &self.watched {
            Some((watched, trace)) if watched == path => trace,
            _ => &self.failure,
        }
    }
}

/// The place in a chart's templates that wrote a line of a rendered document: `source` is the template's path
/// ([`Manifest::source`](crate::Manifest::source)), `document` its text as it was rendered, `line` counts from 0.
///
/// The chart is rendered twice more for it. None where the document is not what the template makes with these options.
pub fn locate_line(
    chart: &Chart,
    user_values: &Value,
    options: &RenderOptions,
    source: &str,
    document: &str,
    line: usize,
) -> Option<Place> {
    let none = Map::new();
    let user_values = user_values.as_map().unwrap_or(&none);
    let compatibility = options.compatibility;
    let mut remarks = Vec::new();
    let chart = dependencies::process(chart, user_values, compatibility, &mut remarks).ok()?;
    let mut values =
        || Coalesce { keep_nulls: false, compatibility, remarks: &mut remarks }.values(&chart, user_values);
    let options = RenderOptions { trace: None, ..options.clone() };
    let (files, _) = engine::render_files(&chart, &values().ok()?, &options, None).ok()?;
    let output = files.get(source)?.to_str_lossy().into_owned();
    let start = output.find(document)?;
    let before: usize = document.split_inclusive('\n').take(line).map(str::len).sum();
    let indent = document.get(before..)?.len() - document.get(before..)?.trim_start_matches(' ').len();
    let watched = (source.to_owned(), Trace::stopping_after(start + before + indent));
    let trace = std::sync::Arc::new(RenderTrace { watched: Some(watched), ..RenderTrace::default() });
    let options = RenderOptions { trace: Some(trace.clone()), ..options };
    // It ends with an error where it was asked to stop.
    drop(engine::render_files(&chart, &values().ok()?, &options, None));
    trace.of(source).places().into_iter().next()
}
