//! `stack.lock`: which charts exactly a stack is made from, so that the same file means the same charts tomorrow, on another
//! machine, and with another version of Sutler.
//!
//! ```text
//! stack.yaml asks       stack.lock answers
//! chart: ~4.3     ──▶   version 4.3.1, sha256:…, from https://…
//! ```
//! The file is written by `sutler up` and `sutler lock` and belongs into version control. Charts of folders are not in it: they
//! lie beside it. What is decided here is decided without I/O; [`crate::charts`] fetches.

use serde::{Deserialize, Serialize};

use crate::file::deserialize::from_node;
use crate::file::diagnostic::{Diagnostic, Place, Report};
use crate::stack::ChartReference;

/// The first line of the file, for whoever opens it.
const HEAD: &str = "# Written by sutler; commit it. `sutler lock --upgrade` takes newer charts.\n";
const API_VERSION: &str = "sutler.dev/v1alpha1";
const KIND: &str = "StackLock";

/// What stack.lock holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// The charts, in the order of their references.
    pub charts: Vec<Pin>,
}

/// One chart, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The chart as stack.yaml names it: `builtin:NAME`, `oci://HOST/PATH/NAME` or `URL-OF-THE-REPOSITORY/NAME`.
    pub chart: String,
    /// The version or range that stack.yaml asks for, if it asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// The chart's version.
    pub version: String,
    /// Where its archive was fetched; none for charts that Sutler carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `sha256:` and the digest in hexadecimal: of the archive, or of a carried chart's files.
    pub digest: String,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PinsFile {
    api_version: String,
    kind: String,
    #[serde(default)]
    charts: Vec<Pin>,
}

/// Which pins are made anew although they still answer what stack.yaml asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Upgrade {
    /// None.
    #[default]
    Nothing,
    /// All.
    All,
    /// Those of these releases.
    Releases(Vec<String>),
}

impl Upgrade {
    /// Whether the chart of this release is to be made anew.
    pub fn includes(&self, release: &str) -> bool {
        match self {
            Upgrade::Nothing => false,
            Upgrade::All => true,
            Upgrade::Releases(ids) => ids.iter().any(|id| id == release),
        }
    }
}

/// A pin that differs between two states of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PinChange {
    /// The chart as stack.yaml names it.
    pub chart: String,
    /// What was pinned; none for a new pin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Pin>,
    /// What is pinned now; none for a pin that goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Pin>,
}

impl Pins {
    /// Reads the file's text. `path` is for messages.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(path: &str, text: &str) -> Result<Pins, Box<Report>> {
        let fail = |place: Option<Place>, message: String| {
            let problem = Diagnostic::error(place, message)
                .hint("sutler writes this file: restore it, or remove it and run `sutler lock`");
            Box::new(Report { path: path.to_owned(), text: text.to_owned(), diagnostics: vec![problem] })
        };
        let root = sutler_yaml::read(text).map_err(|error| fail(Some(error.position().into()), error.to_string()))?;
        let file: PinsFile = from_node(&root).map_err(|error| fail(error.place, error.message))?;
        let of = |key: &str| root.find([key]).map(|node| node.start.into());
        if file.kind != KIND {
            return Err(fail(of("kind"), format!("expected kind {KIND}, found `{}`", file.kind)));
        }
        if file.api_version != API_VERSION {
            let message = format!("this sutler reads {API_VERSION}, found `{}`", file.api_version);
            return Err(fail(of("apiVersion"), message));
        }
        let mut pins = Pins { charts: file.charts };
        for (index, pin) in pins.charts.iter().enumerate() {
            let is_digest = pin.digest.strip_prefix("sha256:").is_some_and(|hex| {
                hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            });
            if !is_digest {
                let index = index.to_string();
                let place = root.find(["charts", &index, "digest"]).map(|node| node.start.into());
                return Err(fail(place, format!("`{}` is no digest: sha256: and 64 hexadecimal digits", pin.digest)));
            }
        }
        pins.sort();
        Ok(pins)
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let file = PinsFile { api_version: API_VERSION.to_owned(), kind: KIND.to_owned(), charts: self.charts.clone() };
        let value = serde_json::to_value(file).unwrap_or_default();
        format!("{HEAD}{}", sutler_yaml::write(&value).unwrap_or_default())
    }

    /// The pin that answers a reference, if there is one: the same chart, asked for with the same version or range.
    pub fn find(&self, reference: &ChartReference) -> Option<&Pin> {
        let (chart, wanted) = (reference.to_string(), reference.wanted());
        self.charts.iter().find(|pin| pin.chart == chart && pin.wanted.as_deref() == wanted)
    }

    /// Puts in a pin, in the place of one for the same reference.
    pub fn put(&mut self, pin: Pin) {
        self.charts.retain(|other| (&other.chart, &other.wanted) != (&pin.chart, &pin.wanted));
        self.charts.push(pin);
        self.sort();
    }

    fn sort(&mut self) {
        self.charts.sort_by(|a, b| (&a.chart, &a.wanted).cmp(&(&b.chart, &b.wanted)));
    }

    /// What differs from `before`, in the order of the charts. A chart asked for with another range is a change of one pin,
    /// not one that goes and one that comes.
    pub fn changes_since(&self, before: &Pins) -> Vec<PinChange> {
        let mut gone: Vec<&Pin> = before.charts.iter().filter(|pin| !self.charts.contains(pin)).collect();
        let mut changes = Vec::new();
        for pin in self.charts.iter().filter(|pin| !before.charts.contains(pin)) {
            let same = gone.iter().position(|old| old.chart == pin.chart && old.wanted == pin.wanted);
            let from = same.or_else(|| gone.iter().position(|old| old.chart == pin.chart)).map(|at| gone.remove(at));
            changes.push(PinChange { chart: pin.chart.clone(), from: from.cloned(), to: Some(pin.clone()) });
        }
        changes.extend(gone.into_iter().map(|pin| PinChange {
            chart: pin.chart.clone(),
            from: Some(pin.clone()),
            to: None,
        }));
        changes.sort_by(|a, b| a.chart.cmp(&b.chart));
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(chart: &str, wanted: Option<&str>, version: &str) -> Pin {
        Pin {
            chart: chart.to_owned(),
            wanted: wanted.map(str::to_owned),
            version: version.to_owned(),
            url: None,
            digest: format!("sha256:{}", "0a".repeat(32)),
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let mut pins = Pins::default();
        pins.put(pin("https://example.com/charts/b", Some("~1"), "1.2.3"));
        pins.put(pin("builtin:a", None, "0.1.0"));
        let text = pins.text();
        assert_eq!(
            text,
            format!(
                "{HEAD}apiVersion: sutler.dev/v1alpha1\ncharts:\n- chart: builtin:a\n  digest: sha256:{0}\n  version: 0.1.0\n\
                 - chart: https://example.com/charts/b\n  digest: sha256:{0}\n  version: 1.2.3\n  wanted: ~1\nkind: StackLock\n",
                "0a".repeat(32)
            )
        );
        assert_eq!(Pins::parse("stack.lock", &text).unwrap(), pins);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let said = |text: &str| Pins::parse("stack.lock", text).unwrap_err().to_string();
        let head = "apiVersion: sutler.dev/v1alpha1\nkind: StackLock\n";
        for (text, wanted) in [
            ("kind: Stack\napiVersion: sutler.dev/v1alpha1\n".to_owned(), "stack.lock:1:7"),
            ("apiVersion: sutler.dev/v9\nkind: StackLock\n".to_owned(), "stack.lock:1:13"),
            (format!("{head}charts:\n- {{chart: a, version: '1', digest: md5:1}}\n"), "stack.lock:4:"),
            (format!("{head}charts:\n- {{chart: a, version: '1', digests: x}}\n"), "stack.lock:4:"),
            (format!("{head}charts: {{\n"), "stack.lock:"),
        ] {
            assert!(said(&text).contains(wanted), "{text}: {}", said(&text));
        }
    }

    #[test]
    fn another_range_of_a_chart_changes_its_pin() {
        let before =
            Pins { charts: vec![pin("a", Some("~1"), "1.0.0"), pin("b", None, "1.0.0"), pin("c", None, "1.0.0")] };
        let after =
            Pins { charts: vec![pin("a", Some("~2"), "2.0.0"), pin("c", None, "1.0.0"), pin("d", None, "1.0.0")] };
        let said: Vec<String> = after
            .changes_since(&before)
            .iter()
            .map(|change| {
                let version = |pin: &Option<Pin>| pin.as_ref().map_or("-".to_owned(), |pin| pin.version.clone());
                format!("{} {} {}", change.chart, version(&change.from), version(&change.to))
            })
            .collect();
        assert_eq!(said, ["a 1.0.0 2.0.0", "b 1.0.0 -", "d - 1.0.0"]);
    }
}
