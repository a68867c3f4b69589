//! Renders a Helm chart in the browser.
//!
//! The page (`page.html`) hands over a chart's archive and a request, and shows the answer:
//!
//! ```text
//! page.html ──chart.tgz──▶ load ──▶ Chart ─┐
//!     │                                    ├─▶ render ──JSON──▶ page.html
//!     └──values, name, time, seed (JSON)───┘
//! ```
//!
//! `cargo xtask browser` makes one file of it, `target/browser/index.html`, which opens without a server.

mod exports;

use serde::{Deserialize, Serialize};
use sutler_chart::{
    Chart, ChartSource, Limits, RenderError, RenderOptions, Rendered, Timestamp, Values, error_chain, render,
};

/// The chart that the page begins with.
const SAMPLE: [(&str, &str); 6] = [
    ("Chart.yaml", include_str!("../chart/Chart.yaml")),
    ("values.yaml", include_str!("../chart/values.yaml")),
    ("templates/_helpers.tpl", include_str!("../chart/templates/_helpers.tpl")),
    ("templates/deployment.yaml", include_str!("../chart/templates/deployment.yaml")),
    ("templates/test.yaml", include_str!("../chart/templates/test.yaml")),
    ("templates/NOTES.txt", include_str!("../chart/templates/NOTES.txt")),
];

/// What the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The text of a values file.
    pub values: String,
    /// Milliseconds since 1970, which `now` answers.
    pub now: i64,
    /// 32 random bytes.
    pub seed: Vec<u8>,
}

/// What the page shows.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Answer {
    /// What was rendered, as `helm template` prints it.
    pub manifest: String,
    /// The documents, in that order.
    pub documents: Vec<Shown>,
    /// NOTES.txt.
    pub notes: String,
    /// What went wrong, if anything did.
    pub error: Option<Trouble>,
}

/// One document.
#[derive(Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the fields are those of sutler_chart::Document")]
pub struct Shown {
    pub source: String,
    pub kind: String,
    pub name: String,
    pub is_hook: bool,
}

/// An error, with its place where it has one.
#[derive(Debug, PartialEq, Serialize)]
pub struct Trouble {
    /// Helm's text.
    pub text: String,
    /// `file:line:column` of every template on the way to the error, the error's own last.
    pub chain: Vec<String>,
}

impl Trouble {
    fn new(error: &dyn std::error::Error) -> Trouble {
        Trouble { text: error_chain(error), chain: Vec::new() }
    }

    fn of_rendering(error: &RenderError) -> Trouble {
        let chain = match error {
            RenderError::Template(template) => {
                let place = |at: &sutler_chart::Location| format!("{}:{}:{} {}", at.file, at.line, at.column, at.node);
                template.chain().iter().map(place).collect()
            }
            _ => Vec::new(),
        };
        Trouble { chain, ..Trouble::new(error) }
    }
}

/// The chart that comes with the page.
///
/// # Errors
/// Never for the files as they are; the error is Helm's text.
pub fn sample() -> Result<Chart, String> {
    Chart::load(ChartSource::files(SAMPLE)).map_err(|error| error_chain(&error))
}

/// The chart of an archive.
///
/// # Errors
/// Helm's text, where it is none.
pub fn load(archive: &[u8]) -> Result<Chart, String> {
    Chart::load(ChartSource::Archive(archive)).map_err(|error| error_chain(&error))
}

/// Renders a chart as the page asks.
pub fn answer(chart: &Chart, request: &Request) -> Answer {
    match rendered(chart, request) {
        Ok(rendered) => Answer {
            manifest: rendered.to_yaml(),
            documents: rendered
                .documents()
                .map(|document| Shown {
                    source: document.source.to_owned(),
                    kind: document.kind.to_owned(),
                    name: document.name.to_owned(),
                    is_hook: document.hook.is_some(),
                })
                .collect(),
            notes: rendered.notes,
            error: None,
        },
        Err(error) => Answer { error: Some(error), ..Answer::default() },
    }
}

fn rendered(chart: &Chart, request: &Request) -> Result<Rendered, Trouble> {
    let values = Values::from_yaml(&request.values).map_err(|error| Trouble::new(&error))?;
    let mut options = RenderOptions::install(&request.name, &request.namespace).with_limits(Limits::UNTRUSTED);
    if let Ok(seed) = <[u8; 32]>::try_from(request.seed.as_slice()) {
        options = options.with_seed(seed);
    }
    if let Ok(now) = Timestamp::from_millisecond(request.now) {
        options = options.with_now(now);
    }
    render(chart, &values, &options).map_err(|error| Trouble::of_rendering(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(values: &str) -> Answer {
        let request = Request {
            name: "demo".into(),
            namespace: "default".into(),
            values: values.into(),
            now: 1_700_000_000_000,
            ..Request::default()
        };
        answer(&sample().expect("the sample is a chart"), &request)
    }

    #[test]
    fn the_sample_renders() {
        let answer = ask("replicas: 3\n");
        assert_eq!(answer.error, None);
        assert!(answer.manifest.contains("replicas: 3\n"), "{}", answer.manifest);
        let kinds: Vec<_> =
            answer.documents.iter().map(|document| (document.kind.as_str(), document.is_hook)).collect();
        assert_eq!(kinds, [("Deployment", false), ("Pod", true)]);
        assert!(answer.notes.contains("2023-11-14"), "{}", answer.notes);
    }

    #[test]
    fn an_error_shows_the_way_to_it() {
        let error = ask("image: null\n").error.expect("the image is needed");
        assert_eq!(
            error.chain,
            [
                "web/templates/deployment.yaml:17:18 include \"web.image\" .",
                "web/templates/_helpers.tpl:9:10 .Values.image.repository",
            ]
        );
        assert!(ask("a: [").error.is_some_and(|error| error.chain.is_empty()));
    }
}
