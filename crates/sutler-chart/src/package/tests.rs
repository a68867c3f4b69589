//! Packages taken apart again.

use super::*;
use crate::{ChartSource, SourceFile, error_chain};

fn chart(files: &[(&str, &str)]) -> Chart {
    let files = files
        .iter()
        .map(|(name, text)| SourceFile {
            modified: Some(Timestamp::from_second(1_700_000_000).unwrap()),
            ..SourceFile::new(*name, *text)
        })
        .collect();
    Chart::load(ChartSource::Files { files }).unwrap()
}

fn options() -> PackageOptions {
    PackageOptions {
        version: None,
        app_version: None,
        now: Timestamp::UNIX_EPOCH,
        compatibility: crate::Compatibility::V4,
    }
}

#[test]
fn a_package_is_the_chart_again() {
    let long = format!("templates/{}/{}.yaml", "d".repeat(80), "f".repeat(60));
    let longer = format!("docs/{}.txt", "é".repeat(90));
    let original = chart(&[
        (
            "Chart.yaml",
            "# not kept\nversion: 1.0.0\nname: c\napiVersion: v2\ndependencies: [{name: sub, version: 1.0.0}]",
        ),
        (
            "Chart.lock",
            "generated: \"2024-01-02T03:04:05.120Z\"\ndigest: sha256:x\ndependencies: [{version: 1.0.0, name: sub}]",
        ),
        ("values.yaml", "# kept\na: 1\n"),
        ("values.schema.json", "{}"),
        (&long, "x"),
        (&longer, "y"),
        ("charts/sub/Chart.yaml", "name: sub\nversion: 1.0.0\ndependencies: []"),
        ("charts/sub/templates/a.yaml", "z"),
    ]);
    let packed = package(&original, &options()).unwrap();
    assert_eq!(packed.file_name, "c-1.0.0.tgz");
    assert_eq!(package(&original, &options()).unwrap(), packed, "the same chart gives the same bytes");
    let again = Chart::load(ChartSource::Archive(&packed.bytes)).unwrap();
    let names: Vec<&str> = again.raw_files().iter().map(|file| file.name()).collect();
    let expected = [
        "Chart.yaml",
        "Chart.lock",
        "values.yaml",
        "values.schema.json",
        &long,
        &longer,
        "charts/sub/Chart.yaml",
        "charts/sub/templates/a.yaml",
    ];
    assert_eq!(names, expected);
    let text = |name: &str| {
        let file = again.raw_files().iter().find(|file| file.name() == name).unwrap();
        String::from_utf8_lossy(file.data()).into_owned()
    };
    assert_eq!(
        text("Chart.yaml"),
        "apiVersion: v2\ndependencies:\n- name: sub\n  repository: \"\"\n  version: 1.0.0\nname: c\nversion: 1.0.0\n"
    );
    assert_eq!(
        text("Chart.lock"),
        "dependencies:\n- name: sub\n  repository: \"\"\n  version: 1.0.0\ndigest: sha256:x\ngenerated: \"2024-01-02T03:04:05.12Z\"\n"
    );
    assert_eq!(text("values.yaml"), "# kept\na: 1\n");
    assert_eq!(again.modified(), original.modified());
    assert_eq!(again.metadata(), original.metadata());
}

#[test]
fn versions_can_be_replaced() {
    let original = chart(&[("Chart.yaml", "name: c\nversion: 1.0.0\nappVersion: 1")]);
    let options = PackageOptions { version: Some("2.0.0+b".into()), app_version: Some("x\ty".into()), ..options() };
    let packed = package(&original, &options).unwrap();
    assert_eq!(packed.file_name, "c-2.0.0+b.tgz");
    let again = Chart::load(ChartSource::Archive(&packed.bytes)).unwrap();
    assert_eq!((again.metadata().version.as_str(), again.metadata().app_version.as_str()), ("2.0.0+b", "x y"));
}

#[test]
fn what_cannot_be_packaged_is_refused_in_helms_words() {
    let refused = |files: &[(&str, &str)], version: &str| {
        let options = PackageOptions { version: Some(version.to_owned()), ..options() };
        error_chain(&package(&chart(files), &options).unwrap_err())
    };
    let plain = ("Chart.yaml", "name: c\nversion: 1.0.0");
    assert_eq!(refused(&[plain], "x"), "invalid semantic version");
    assert_eq!(
        refused(&[("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: a}, {name: b}]")], ""),
        "found in Chart.yaml, but missing in charts/ directory: a, b"
    );
    assert_eq!(
        refused(&[plain, ("values.schema.json", "{")], ""),
        "failed to save: invalid JSON in values.schema.json"
    );
}
