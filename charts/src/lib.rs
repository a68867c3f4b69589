//! The charts that Sutler carries, as data: `builtin:NAME` in stack.yaml.
//!
//! The folders beside this crate's `src` are ordinary Helm charts; they work with plain Helm too. This crate only puts
//! their files into the binary.

use sutler_chart::{Chart, ChartSource, LoadError, SourceFile};

include!(concat!(env!("OUT_DIR"), "/charts.rs"));

/// A chart's files as they lie in its folder.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinChart {
    /// The chart's name, which is its folder's.
    pub name: &'static str,
    /// Path inside the chart, with `/`, and content; sorted by path.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// The chart of this name.
pub fn builtin(name: &str) -> Option<&'static BuiltinChart> {
    CHARTS.iter().find(|chart| chart.name == name)
}

/// The names of all charts, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHARTS.iter().map(|chart| chart.name)
}

/// Loads the chart of this name.
///
/// # Errors
/// If there is none, or it is not a chart.
pub fn load(name: &str) -> Result<Chart, LoadError> {
    let files = builtin(name).map(|chart| chart.files).unwrap_or_default();
    let files = files.iter().map(|(path, data)| SourceFile::new(*path, *data)).collect();
    Chart::load(ChartSource::Files { files })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_chart_carries_its_metadata_and_its_schema() {
        for name in super::names() {
            let files = super::builtin(name).unwrap().files;
            for wanted in ["Chart.yaml", "values.yaml", "values.schema.json", "templates/NOTES.txt"] {
                assert!(files.iter().any(|(path, _)| *path == wanted), "{name} lacks {wanted}");
            }
        }
    }
}
