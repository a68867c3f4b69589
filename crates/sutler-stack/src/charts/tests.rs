//! What is pinned, taken, and refused, with repositories in memory.

use std::cell::RefCell;

use jiff::{SignedDuration, Timestamp};
use sutler_chart::SourceFile;
use sutler_chart::package::{PackageOptions, package};

use super::*;

/// A repository with one chart; what it was asked is kept.
struct Memory {
    newest: &'static str,
    content: &'static str,
    asked: RefCell<Vec<String>>,
}

impl Memory {
    fn with(newest: &'static str) -> Memory {
        Memory { newest, content: "a", asked: RefCell::default() }
    }

    fn archive(&self, version: &str) -> Vec<u8> {
        let files = vec![
            SourceFile::new("Chart.yaml", format!("apiVersion: v2\nname: hub\nversion: {version}\n")),
            SourceFile::new("templates/a.yaml", format!("kind: {}\n", self.content)),
        ];
        let chart = Chart::load(ChartSource::Files { files }).unwrap();
        let options = PackageOptions {
            version: None,
            app_version: None,
            now: Timestamp::UNIX_EPOCH,
            compatibility: sutler_chart::Compatibility::V4,
        };
        package(&chart, &options).unwrap().bytes
    }
}

impl Repositories for Memory {
    fn newest(&self, chart: &RemoteChart) -> Result<Fetched, RepositoryFailure> {
        let wanted = chart.wanted.as_deref().unwrap_or("any");
        self.asked.borrow_mut().push(format!("newest {wanted}"));
        let (version, url) = (self.newest.to_owned(), format!("{}/hub-{}.tgz", chart.repository, self.newest));
        Ok(Fetched { archive: self.archive(&version), version, url })
    }

    fn pinned(&self, _: &RemoteChart, pin: &Pin) -> Result<Vec<u8>, RepositoryFailure> {
        self.asked.borrow_mut().push(format!("pinned {}", pin.version));
        Ok(self.archive(&pin.version))
    }
}

fn release(wanted: Option<&str>) -> Release {
    Release {
        id: "hub".to_owned(),
        name: "hub".to_owned(),
        namespace: "hub".to_owned(),
        chart: ChartReference::Remote(RemoteChart {
            repository: "https://example.com/charts".to_owned(),
            name: "hub".to_owned(),
            wanted: wanted.map(str::to_owned),
        }),
        needs: Vec::new(),
        needs_skipped: Vec::new(),
        values_files: Vec::new(),
        set: Default::default(),
        timeout: SignedDuration::from_mins(5),
    }
}

/// Loads and returns the version that was loaded, the pins after it, and what the repository was asked.
fn loaded(release: &Release, pins: &Pins, upgrade: &Upgrade, memory: &Memory) -> (String, Pins, String) {
    let mut kept = Pins::default();
    let chart = load(release, Path::new("."), pins, upgrade, memory, &mut kept).unwrap();
    (chart.metadata().version.clone(), kept, memory.asked.take().join(", "))
}

#[test]
fn a_pinned_chart_is_taken_although_there_is_a_newer_one() {
    let hub = release(Some("~4"));
    let (_, pins, asked) = loaded(&hub, &Pins::default(), &Upgrade::Nothing, &Memory::with("4.3.1"));
    assert_eq!((pins.charts[0].version.as_str(), asked.as_str()), ("4.3.1", "newest ~4"));
    assert_eq!(pins.charts[0].url.as_deref(), Some("https://example.com/charts/hub-4.3.1.tgz"));
    let newer = Memory::with("4.4.0");
    assert_eq!(
        loaded(&hub, &pins, &Upgrade::Nothing, &newer),
        ("4.3.1".to_owned(), pins.clone(), "pinned 4.3.1".to_owned())
    );
    let (version, upgraded, _) = loaded(&hub, &pins, &Upgrade::Releases(vec!["hub".to_owned()]), &newer);
    assert_eq!((version.as_str(), upgraded.charts[0].version.as_str()), ("4.4.0", "4.4.0"));
    let (version, _, _) = loaded(&hub, &pins, &Upgrade::Releases(vec!["other".to_owned()]), &newer);
    assert_eq!(version, "4.3.1");
}

#[test]
fn a_chart_asked_for_in_another_range_is_resolved_anew() {
    let (_, pins, _) = loaded(&release(Some("~4")), &Pins::default(), &Upgrade::Nothing, &Memory::with("4.3.1"));
    let (version, after, asked) = loaded(&release(Some("~5")), &pins, &Upgrade::Nothing, &Memory::with("5.0.0"));
    assert_eq!((version.as_str(), asked.as_str()), ("5.0.0", "newest ~5"));
    assert_eq!(after.charts.len(), 1);
}

#[test]
fn two_releases_of_one_chart_are_made_from_the_same_archive() {
    let memory = Memory::with("4.3.1");
    let mut kept = Pins::default();
    for _ in 0..2 {
        load(&release(None), Path::new("."), &Pins::default(), &Upgrade::All, &memory, &mut kept).unwrap();
    }
    assert_eq!(memory.asked.take(), ["newest any", "pinned 4.3.1"]);
    assert_eq!(kept.charts.len(), 1);
}

#[test]
fn other_content_under_a_pinned_version_is_refused() {
    let hub = release(None);
    let (_, pins, _) = loaded(&hub, &Pins::default(), &Upgrade::Nothing, &Memory::with("4.3.1"));
    let changed = Memory { content: "b", ..Memory::with("4.3.1") };
    let mut kept = Pins::default();
    let error = load(&hub, Path::new("."), &pins, &Upgrade::Nothing, &changed, &mut kept).unwrap_err();
    assert!(matches!(error, ChartError::Digest { .. }), "{error}");
    assert!(error.hint().unwrap().contains("sutler lock --upgrade hub"));
    assert_eq!(kept, Pins::default());
}

#[test]
fn carried_charts_are_pinned_by_their_content() {
    let name = sutler_charts::names().next().unwrap();
    let ray = Release { chart: ChartReference::Builtin(name.to_owned()), ..release(None) };
    let (_, pins, asked) = loaded(&ray, &Pins::default(), &Upgrade::Nothing, &Memory::with("1"));
    assert_eq!(asked, "");
    assert_eq!(loaded(&ray, &pins, &Upgrade::Nothing, &Memory::with("1")).1, pins);
    let mut other = pins.clone();
    other.charts[0].digest = format!("sha256:{}", "0".repeat(64));
    let mut kept = Pins::default();
    let refused = load(&ray, Path::new("."), &other, &Upgrade::Nothing, &Memory::with("1"), &mut kept).unwrap_err();
    assert!(matches!(refused, ChartError::Carried { .. }), "{refused}");
    assert_eq!(loaded(&ray, &other, &Upgrade::All, &Memory::with("1")).1, pins);
}
