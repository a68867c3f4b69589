//! Remarks as Helm 3 prints them: by Go's `log`, with the file and line of Helm's source that says so.

use crate::log::{Level, Remark};
use crate::text::go_quoted;

/// How messages of Helm 4 that Helm 3 has word by word begin, and where Helm 3 says them.
const SAME_WORDS: [(&str, &str); 11] = [
    ("unknown driver ", "helm.go:83"),
    ("Unable to read memory driver data", "helm.go:122"),
    ("warning: skipping globals because destination", "coalesce.go:138"),
    ("warning: skipping globals because source", "coalesce.go:145"),
    ("Conflict: cannot merge map", "coalesce.go:161"),
    ("key ", "coalesce.go:175"),
    ("warning: skipped value for", "coalesce.go:237"),
    ("warning: cannot overwrite table", "coalesce.go:298"),
    ("warning: destination for", "coalesce.go:301"),
    ("Warning: Dependencies are handled in Chart.yaml", "load.go:124"),
    ("Warning: Dependency locking is handled in Chart.lock", "load.go:142"),
];

/// The line that Helm 3.18.0 prints for a remark; none where it says nothing.
pub(crate) fn line(remark: &Remark) -> Option<String> {
    let detail = |name: &str| {
        let found = remark.details.iter().find(|(known, _)| *known == name);
        found.map_or(String::new(), |(_, value)| value.clone())
    };
    let has = |name: &str| remark.details.iter().any(|(known, _)| *known == name);
    Some(match remark.message.as_str() {
        // What Helm 4 says in addition to its error, and the steps that it alone tells.
        _ if matches!(remark.level, Level::Error | Level::Debug) => return None,
        "this chart is deprecated" => "WARNING: This chart is deprecated".to_owned(),
        "returned non-bool value" if has("tag") => {
            format!(
                "dependencies.go:94: Warning: Tag '{}' for chart {} returned non-bool value",
                detail("tag"),
                detail("chart")
            )
        }
        "returned non-bool value" => format!(
            "dependencies.go:63: Warning: Condition path '{}' for chart {} returned non-bool value",
            detail("path"),
            detail("chart")
        ),
        "ImportValues missing table from chart" => format!(
            "dependencies.go:269: Warning: ImportValues missing table from chart {}: {}",
            detail("chart"),
            detail("error")
        ),
        "ImportValues missing table" => {
            format!("dependencies.go:286: Warning: ImportValues missing table: {}", detail("error"))
        }
        "skipping unknown hooks" => {
            format!("manifest_sorter.go:199: info: skipping unknown hook: {}", go_quoted(&detail("hookTypes")))
        }
        "found symbolic link in path. Contents of linked file included and used" => format!(
            "walk.go:75: found symbolic link in path: {} resolves to {}. Contents of linked file included and used",
            detail("path"),
            detail("resolved")
        ),
        "missing required value" => format!("engine.go:206: [INFO] Missing required value: {}", detail("message")),
        "funcMap fail" => format!("engine.go:227: [INFO] Fail: {}", detail("message")),
        "using --password via the CLI is insecure. Use --password-stdin" => {
            "WARNING: Using --password via the CLI is insecure. Use --password-stdin.".to_owned()
        }
        message => match SAME_WORDS.iter().find(|(start, _)| message.starts_with(start)) {
            Some((_, place)) => format!("{place}: {message}"),
            None => message.to_owned(),
        },
    })
}
