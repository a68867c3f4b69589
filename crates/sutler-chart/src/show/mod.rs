//! `helm show`: a chart's Chart.yaml, values, README and CRDs as Helm prints them.

mod jsonpath;

use sutler_template::Value;
use thiserror::Error;

use crate::chart::{Chart, ChartFile};
use crate::compat::Compatibility;
pub use jsonpath::PathError;

/// What is shown of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Everything, one part after the other.
    All,
    /// Chart.yaml, written anew: fields by name, without comments.
    Chart,
    /// values.yaml as it is.
    Values,
    /// `README.md`, `README.txt` or `README`, in whatever case.
    Readme,
    /// The files below `crds/`, subcharts' too.
    Crds,
}

/// Why nothing can be shown. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ShowError {
    /// The JSONPath template cannot be read.
    #[error("error parsing jsonpath {template}")]
    Template {
        /// The template.
        template: String,
        /// What is wrong with it.
        #[source]
        source: PathError,
    },
    /// Chart.yaml cannot be written.
    #[error(transparent)]
    Yaml(#[from] sutler_yaml::WriteError),
}

/// What Helm prints of a chart: bytes, since files need not be text. `template` (`--jsonpath`, empty for none) stands in for the text of
/// the values.
///
/// # Errors
/// [`ShowError`].
pub fn show(chart: &Chart, part: Part, template: &str) -> Result<Vec<u8>, ShowError> {
    show_as(chart, part, template, Compatibility::V4)
}

/// As [`show`], as the Helm that is mirrored prints it.
///
/// # Errors
/// [`ShowError`].
pub fn show_as(chart: &Chart, part: Part, template: &str, compatibility: Compatibility) -> Result<Vec<u8>, ShowError> {
    let mut out = Vec::new();
    let mut line = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        out.push(b'\n');
    };
    if matches!(part, Part::Chart | Part::All) {
        let metadata = serde_json::to_value(chart.metadata()).expect("metadata are texts, flags, lists and maps");
        line(sutler_yaml::write(&metadata)?.as_bytes());
    }
    if matches!(part, Part::Values | Part::All) && chart.0.values.is_some() {
        if part == Part::All {
            line(b"---");
        }
        if template.is_empty() {
            chart.raw_files().iter().filter(|file| file.name() == "values.yaml").for_each(|file| line(file.data()));
        } else {
            let path = jsonpath::Template::parse(template)
                .map_err(|source| ShowError::Template { template: template.to_owned(), source })?;
            out.extend_from_slice(path.execute(&Value::Map(chart.own_values())).as_bytes());
            return Ok(out);
        }
    }
    if matches!(part, Part::Readme | Part::All)
        && let Some(readme) = chart.files().iter().find(|file| is_readme(file))
    {
        if part == Part::All {
            line(b"---");
        }
        line(readme.data());
    }
    if matches!(part, Part::Crds | Part::All) {
        for (at, crd) in chart.crds().into_iter().enumerate() {
            // Helm 3 only parts them from what stands above.
            let parts = compatibility == Compatibility::V4 || part == Part::All && at == 0;
            if parts && !crd.file.data().starts_with(b"---") {
                line(b"---");
            }
            line(crd.file.data());
        }
    }
    Ok(out)
}

fn is_readme(file: &ChartFile) -> bool {
    ["readme.md", "readme.txt", "readme"].iter().any(|name| file.name().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChartSource, SourceFile};

    #[test]
    fn everything_comes_in_helms_order() {
        let files = vec![
            SourceFile::new("Chart.yaml", "version: 1.0.0 # none\nname: c\nannotations: {b: x, a: z}\n"),
            SourceFile::new("values.yaml", "# kept\na: 1\n"),
            SourceFile::new("ReadMe.md", "read"),
            SourceFile::new("crds/a.yaml", "---\nkind: A"),
            SourceFile::new("crds/b.yaml", "kind: B"),
        ];
        let chart = Chart::load(ChartSource::Files { files }).unwrap();
        let shown = |part, template| String::from_utf8(show(&chart, part, template).unwrap()).unwrap();
        assert_eq!(
            shown(Part::All, ""),
            "annotations:\n  a: z\n  b: x\napiVersion: v1\nname: c\nversion: 1.0.0\n\n---\n# kept\na: 1\n\n---\nread\n---\nkind: A\n---\nkind: B\n"
        );
        assert_eq!(shown(Part::Values, "{.a}"), "1");
        assert_eq!(shown(Part::Readme, ""), "read\n");
    }
}
