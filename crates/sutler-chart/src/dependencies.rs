//! Which subcharts take part in a release, under which names, and what values their parents import from them (Helm's
//! `ProcessDependencies`).

use std::sync::Arc;

use sutler_template::{Map, Value};

use crate::chart::{Chart, Defaults};
use crate::compat::Compatibility;
use crate::log::{Level, Remark};
use crate::metadata::Dependency;
use crate::text::is_space;
use crate::values::{Coalesce, NoTable, TypeMismatch, coalesce_tables, deep_copy_map, go_text, path_value, table};

/// The chart as a release with these user values uses it.
///
/// # Errors
/// When the values of a subchart are no table.
pub(crate) fn process(
    chart: &Chart,
    values: &Map,
    compatibility: Compatibility,
    remarks: &mut Vec<Remark>,
) -> Result<Chart, TypeMismatch> {
    let mut processing = Processing { compatibility, remarks };
    let enabled = processing.enabled(chart, values, "")?;
    processing.imported(&enabled)
}

impl Chart {
    /// Names of dependencies that Chart.yaml lists and `charts/` does not hold, as Helm checks before it installs.
    pub fn missing_dependencies(&self) -> Vec<&str> {
        missing(self)
    }
}

/// Names of dependencies that Chart.yaml lists and `charts/` does not hold.
pub(crate) fn missing(chart: &Chart) -> Vec<&str> {
    let listed = chart.metadata().dependencies.iter().map(|dependency| dependency.name.as_str());
    listed.filter(|name| chart.dependencies().iter().all(|subchart| subchart.name() != *name)).collect()
}

struct Processing<'r> {
    compatibility: Compatibility,
    remarks: &'r mut Vec<Remark>,
}

impl Processing<'_> {
    /// The chart without the subcharts that conditions and tags switch off. `path` leads from the root's values to the chart's,
    /// with a dot at its end; `values` are the root's.
    ///
    /// As in Helm, a chart that lists no dependencies keeps all its subcharts, whatever those list themselves.
    fn enabled(&mut self, chart: &Chart, values: &Map, path: &str) -> Result<Chart, TypeMismatch> {
        if !chart.lists_dependencies() {
            return Ok(chart.clone());
        }
        let mut listed = chart.metadata().dependencies.clone();
        let mut subcharts: Vec<Chart> = chart
            .dependencies()
            .iter()
            .filter(|subchart| !listed.iter().any(|dependency| self.fits(dependency, subchart)))
            .cloned()
            .collect();
        for dependency in &mut listed {
            if let Some(subchart) = chart.dependencies().iter().find(|subchart| self.fits(dependency, subchart)) {
                subcharts.push(subchart.renamed(dependency.used_name()));
            }
            dependency.name = dependency.used_name().to_owned();
            dependency.enabled = true;
        }
        let mut data = (*chart.0).clone();
        data.dependencies = subcharts;
        data.metadata.dependencies.clone_from(&listed);
        let unfiltered = Chart(data.into());

        let all_values = self.coalesce(false).values(&unfiltered, values)?;
        for dependency in &mut listed {
            self.switch_by_tags(dependency, &all_values);
        }
        for dependency in &mut listed {
            self.switch_by_condition(dependency, &all_values, path);
        }
        let is_off = |name: &str| listed.iter().any(|dependency| !dependency.enabled && dependency.name == name);
        let mut kept = Vec::new();
        let mut done: Vec<&Chart> = Vec::new();
        for subchart in unfiltered.dependencies().iter().filter(|subchart| !is_off(subchart.name())) {
            let is_again = done.iter().any(|before| Arc::ptr_eq(&before.0.raw, &subchart.0.raw));
            done.push(subchart);
            let again = (is_again && self.compatibility.shares_aliased()).then(|| named_by_alias(subchart));
            let subchart = again.as_ref().unwrap_or(subchart);
            kept.push(self.enabled(subchart, &all_values, &format!("{path}{}.", subchart.name()))?);
        }
        let mut data = (*unfiltered.0).clone();
        data.metadata.dependencies = listed.iter().filter(|dependency| !is_off(&dependency.name)).cloned().collect();
        data.lists_dependencies = !data.metadata.dependencies.is_empty();
        data.dependencies = kept;
        Ok(Chart(data.into()))
    }

    fn switch_by_tags(&mut self, dependency: &mut Dependency, values: &Map) {
        let Some(Value::Map(tags)) = values.get("tags") else { return };
        let (mut on, mut off) = (false, false);
        for tag in &dependency.tags {
            match tags.get(tag) {
                Some(Value::Bool(true)) => on = true,
                Some(Value::Bool(false)) => off = true,
                Some(_) => {
                    self.warn("returned non-bool value", vec![("tag", tag.clone()), ("chart", dependency.name.clone())])
                }
                None => {}
            }
        }
        dependency.enabled = on || !off;
    }

    /// The first path of the condition that leads to a boolean decides.
    fn switch_by_condition(&mut self, dependency: &mut Dependency, values: &Map, path: &str) {
        for condition in dependency.condition.trim_matches(is_space).split(',').filter(|path| !path.is_empty()) {
            match path_value(values, &format!("{path}{condition}")) {
                Some(Value::Bool(enabled)) => {
                    dependency.enabled = enabled;
                    return;
                }
                Some(_) => self.warn(
                    "returned non-bool value",
                    vec![("path", condition.to_owned()), ("chart", dependency.name.clone())],
                ),
                None => {}
            }
        }
    }

    /// The chart with what it imports from its subcharts, those first, in its own values.
    fn imported(&mut self, chart: &Chart) -> Result<Chart, TypeMismatch> {
        let mut data = (*chart.0).clone();
        for subchart in &mut data.dependencies {
            *subchart = self.imported(subchart)?;
        }
        if data.metadata.dependencies.is_empty() {
            return Ok(Chart(data.into()));
        }
        let values = self.coalesce(true).values(&Chart(data.clone().into()), &Map::new())?;
        let imports = Map::new();
        for dependency in &mut data.metadata.dependencies {
            let mut normalized = Vec::new();
            for import in &dependency.import_values {
                let (child, parent) = match import {
                    serde_json::Value::String(name) => (format!("exports.{name}"), ".".to_owned()),
                    serde_json::Value::Object(entry) => {
                        let text = |key: &str| {
                            entry.get(key).map_or("<nil>".to_owned(), |value| go_text(&crate::values::from_json(value)))
                        };
                        (text("child"), text("parent"))
                    }
                    _ => continue,
                };
                match table(&values, &format!("{}.{child}", dependency.name)) {
                    Ok(found) => {
                        let below = parent
                            .split('.')
                            .rev()
                            .fold(found.clone(), |inner, name| [(name, Value::Map(inner))].into_iter().collect());
                        let below = if parent == "." { found } else { below };
                        coalesce_tables(&imports, &below, true, self.compatibility, self.remarks);
                    }
                    Err(NoTable(name)) => {
                        let error = ("error", NoTable(name).to_string());
                        if import.is_string() {
                            self.warn("ImportValues missing table", vec![error]);
                        } else {
                            self.warn(
                                "ImportValues missing table from chart",
                                vec![("chart", dependency.name.clone()), error],
                            );
                        }
                    }
                }
                normalized.push(serde_json::json!({"child": child, "parent": parent}));
            }
            dependency.import_values = normalized;
        }
        // The parent's own values win; tables of the subcharts must not be changed through them.
        let values = deep_copy_map(&values);
        coalesce_tables(&values, &imports, true, self.compatibility, self.remarks);
        data.values = Some(Defaults::new(&values));
        Ok(Chart(data.into()))
    }

    fn warn(&mut self, message: &str, details: Vec<(&'static str, String)>) {
        self.remarks.push(Remark::new(Level::Warn, message, details));
    }

    fn coalesce(&mut self, keep_nulls: bool) -> Coalesce<'_> {
        Coalesce { keep_nulls, compatibility: self.compatibility, remarks: self.remarks }
    }

    /// Whether a subchart is the one that a dependency means: by its own name, and a version within the constraint.
    fn fits(&self, dependency: &Dependency, subchart: &Chart) -> bool {
        dependency.name == subchart.name()
            && self.compatibility.satisfies(&dependency.version, &subchart.metadata().version)
    }
}

/// A chart whose list of dependencies has their aliases for names, as the first use of it leaves the list to the second in Helm 3: there
/// the charts that are meant are not found by it.
fn named_by_alias(chart: &Chart) -> Chart {
    let mut data = (*chart.0).clone();
    for dependency in &mut data.metadata.dependencies {
        dependency.name = dependency.used_name().to_owned();
    }
    for subchart in &mut data.dependencies {
        *subchart = named_by_alias(subchart);
    }
    Chart(data.into())
}
