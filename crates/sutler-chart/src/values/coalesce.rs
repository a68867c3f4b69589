//! A chart's own values under the user's, down through all subcharts (Helm's `pkg/chart/common/util`, `coalesce.go`).
//!
//! Tables are merged, everything else is replaced, globals go down to every subchart. The result is aliased where Helm's is: a
//! subchart's values are the very table that its parent sees under the subchart's name.

use std::collections::BTreeSet;

use sutler_template::{List, Map, Str, Value};
use thiserror::Error;

use crate::chart::Chart;
use crate::compat::Compatibility;
use crate::log::{Level, Remark};
use crate::text::go_quoted;

/// A subchart's values are no table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("type mismatch on {chart}: {found}")]
#[non_exhaustive]
pub struct TypeMismatch {
    /// The subchart.
    pub chart: String,
    /// What stands there, as Go's `%t` prints it: `%!t(string=off)`.
    pub found: String,
}

/// The values that a chart's templates would see as `.Values`: the user's over the chart's own and its subcharts' (Helm's
/// `CoalesceValues`). What is given is not changed. Conditions, tags and imports of dependencies are not looked at: that is
/// a part of rendering.
///
/// # Errors
/// When the values of a subchart are no table.
pub fn coalesce(chart: &Chart, user_values: &Value) -> Result<Value, TypeMismatch> {
    let none = Map::new();
    let user_values = user_values.as_map().unwrap_or(&none);
    let compatibility = Compatibility::V4;
    Coalesce { keep_nulls: false, compatibility, remarks: &mut Vec::new() }.values(chart, user_values).map(Value::Map)
}

/// One pass over a chart and its subcharts.
pub(crate) struct Coalesce<'r> {
    /// Whether nulls stay, as in Helm's `MergeValues`; otherwise a null of the user's removes the chart's value.
    pub(crate) keep_nulls: bool,
    /// Which Helm is mirrored.
    pub(crate) compatibility: Compatibility,
    /// Where values that do not fit together are reported.
    pub(crate) remarks: &'r mut Vec<Remark>,
}

impl Coalesce<'_> {
    /// The chart's values with `values` over them. What is given is not changed.
    pub(crate) fn values(&mut self, chart: &Chart, values: &Map) -> Result<Map, TypeMismatch> {
        let values = deep_copy_map(values);
        self.chart(chart, &values, "")?;
        Ok(values)
    }

    fn chart(&mut self, chart: &Chart, values: &Map, prefix: &str) -> Result<(), TypeMismatch> {
        self.defaults(chart, values, prefix);
        for subchart in chart.dependencies() {
            let name = subchart.name();
            let inner = match values.get(name) {
                None => {
                    let inner = Map::new();
                    put(values, name, Value::Map(inner.clone()));
                    inner
                }
                Some(Value::Map(inner)) => inner,
                Some(other) => {
                    let mut found = Vec::new();
                    sutler_template::printf(&mut found, b"%t", &[other]);
                    let found = String::from_utf8_lossy(&found).into_owned();
                    return Err(TypeMismatch { chart: name.to_owned(), found });
                }
            };
            let prefix = joined(prefix, chart.name());
            self.globals(&inner, values, &prefix);
            self.chart(subchart, &inner, &prefix)?;
        }
        Ok(())
    }

    /// The chart's own values, under those given.
    fn defaults(&mut self, chart: &Chart, values: &Map, prefix: &str) {
        let prefix = joined(prefix, chart.name());
        for (key, default) in chart.own_values().entries() {
            match values.get(&key) {
                None => put(values, key, default),
                Some(Value::Nil) if !self.keep_nulls => {
                    values.remove(&key);
                }
                Some(Value::Map(given)) => match default {
                    Value::Map(default) => {
                        let keep_nulls =
                            self.keep_nulls || chart.dependencies().iter().any(|subchart| key == *subchart.name());
                        self.tables_at(&given, &default, &joined(&prefix, &key.to_str_lossy()), keep_nulls);
                    }
                    Value::Nil => {}
                    _ => self.remark(format!("warning: skipped value for {prefix}.{key}: Not a table.")),
                },
                Some(_) => {}
            }
        }
    }

    /// The globals of `above` into those of `below`; below they lose against those of above.
    fn globals(&mut self, below: &Map, above: &Map, prefix: &str) {
        let mut table = |values: &Map, what: &str| match values.get("global") {
            None => Some(Map::new()),
            Some(Value::Map(globals)) => Some(globals),
            Some(_) => {
                self.remark(format!("warning: skipping globals because {what} global is not a table."));
                None
            }
        };
        let Some(lower) = table(below, "destination") else { return };
        let Some(upper) = table(above, "source") else { return };
        for (key, value) in upper.entries() {
            match (&value, lower.get(&key)) {
                (Value::Map(table), there) => {
                    // One level is copied; tables within stay shared with the chart above.
                    let copy = table.shallow_copy();
                    match there {
                        None => put(&lower, key, Value::Map(copy)),
                        Some(Value::Map(there)) => {
                            self.tables_at(&copy, &there, &joined(prefix, &key.to_str_lossy()), true);
                            put(&lower, key, Value::Map(copy));
                        }
                        Some(_) => self.remark(format!(
                            "Conflict: cannot merge map onto non-map for {}. Skipping.",
                            go_quoted(&key.to_str_lossy())
                        )),
                    }
                }
                (_, Some(Value::Map(_))) => self.remark(format!("key {key} is table. Skipping")),
                _ => put(&lower, key, value),
            }
        }
        put(below, "global", Value::Map(lower));
    }

    /// `under` merged into `over`. Both are changed.
    fn tables_at(&mut self, over: &Map, under: &Map, prefix: &str, keep_nulls: bool) {
        // Nulls of `over` must be told from nulls that `under` had before they are written into it.
        let defaults: BTreeSet<Str> =
            under.entries().into_iter().filter(|(_, value)| !value.is_nil()).map(|(key, _)| key).collect();
        let marks_nulls = self.compatibility.marks_nulls();
        for (key, _) in over.entries().into_iter().filter(|(_, value)| marks_nulls && value.is_nil()) {
            put(under, key, Value::Nil);
        }
        for (key, value) in under.entries() {
            let full = || joined(prefix, &key.to_str_lossy());
            match (over.get(&key), &value) {
                (Some(Value::Nil), _) if !keep_nulls && (!marks_nulls || defaults.contains(&key)) => {
                    over.remove(&key);
                }
                (None, _) => put(over, key, value),
                (Some(Value::Map(given)), Value::Map(default)) => self.tables_at(&given, default, &full(), keep_nulls),
                (Some(_), Value::Map(_)) => self.remark(format!(
                    "warning: cannot overwrite table with non table for {} ({})",
                    full(),
                    go_text(&value)
                )),
                (Some(Value::Map(_)), other) if !other.is_nil() => self.remark(format!(
                    "warning: destination for {} is a table. Ignoring non-table value ({})",
                    full(),
                    go_text(&value)
                )),
                _ => {}
            }
        }
    }

    fn remark(&mut self, message: String) {
        self.remarks.push(Remark::new(Level::Info, message, Vec::new()));
    }
}

/// Merges `under` into `over` (Helm's `CoalesceTables` and `MergeTables`). Both are changed.
pub(crate) fn coalesce_tables(
    over: &Map,
    under: &Map,
    keep_nulls: bool,
    compatibility: Compatibility,
    remarks: &mut Vec<Remark>,
) {
    Coalesce { keep_nulls, compatibility, remarks }.tables_at(over, under, "", keep_nulls);
}

/// A copy that shares no table with the original.
fn deep_copy(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(deep_copy_map(map)),
        Value::List(list) if list.as_bytes().is_none() => {
            Value::List(List::with_type(list.iter().map(|item| deep_copy(&item)).collect(), list.go_type()))
        }
        plain => plain.clone(),
    }
}

pub(crate) fn deep_copy_map(map: &Map) -> Map {
    map.entries().iter().map(|(key, value)| (key.clone(), deep_copy(value))).collect()
}

fn put(map: &Map, key: impl Into<Str>, value: Value) {
    map.insert(key, value).expect("values are never the nil map");
}

fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// A value as Go's `%v` prints it.
pub(crate) fn go_text(value: &Value) -> String {
    let mut text = Vec::new();
    sutler_template::print(&mut text, std::slice::from_ref(value));
    String::from_utf8_lossy(&text).into_owned()
}
