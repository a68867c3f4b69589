//! Folders, archives and files in memory, and the charts they become.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::error_chain;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn metadata(name: &str) -> String {
    format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n")
}

fn load(folder: &Path) -> Result<Chart, String> {
    Chart::load(ChartSource::Folder(folder))
        .map_err(|error| error_chain(&error).replace(&folder.display().to_string(), "<chart>"))
}

fn in_memory(files: &[(&str, &str)]) -> Result<Chart, String> {
    let files = files.iter().map(|(name, text)| SourceFile::new(*name, *text)).collect();
    Chart::load(ChartSource::Files { files }).map_err(|error| error_chain(&error))
}

fn names(files: &[crate::ChartFile]) -> Vec<&str> {
    files.iter().map(crate::ChartFile::name).collect()
}

#[test]
fn files_go_where_helm_puts_them() {
    let chart = in_memory(&[
        ("templates/a.yaml", ""),
        ("Chart.yaml", &metadata("c")),
        ("crds/x.yaml", "kind: X"),
        ("values.yaml", "a: 1"),
        ("values.schema.json", "{}"),
        ("README.md", ""),
        ("charts/inner/Chart.yaml", &metadata("inner")),
        ("charts/inner/crds/y.yml", "kind: Y"),
        ("charts/.hidden/Chart.yaml", "not: read"),
        ("charts/signed.tgz.prov", "signature"),
    ])
    .unwrap();
    assert_eq!(names(chart.templates()), ["templates/a.yaml"]);
    assert_eq!(names(chart.files()), ["crds/x.yaml", "README.md", "charts/signed.tgz.prov"]);
    assert_eq!(chart.dependencies().iter().map(Chart::name).collect::<Vec<_>>(), ["inner"]);
    let crds: Vec<String> = chart.crds().into_iter().map(|crd| crd.path).collect();
    assert_eq!(crds, ["c/crds/x.yaml", "c/charts/inner/crds/y.yml"]);
    assert_eq!(chart.schema(), Some(b"{}".as_slice()));
}

#[test]
fn a_digest_depends_on_names_and_contents_only() {
    let files = [("Chart.yaml", metadata("c")), ("a", "1".to_owned()), ("b", "2".to_owned())];
    let digest = |files: &[(&str, String)]| {
        in_memory(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>()).unwrap().digest()
    };
    let reversed: Vec<_> = files.iter().rev().cloned().collect();
    assert_eq!(digest(&files), digest(&reversed));
    let swapped = [files[0].clone(), ("a", "12".to_owned()), ("b", String::new())];
    assert_ne!(digest(&files), digest(&swapped));
    assert_eq!(digest(&files).len(), 64);
}

#[test]
fn charts_without_what_they_need_are_refused() {
    for (files, expected) in [
        (vec![("values.yaml", "a: 1")], "Chart.yaml file is missing"),
        (vec![("Chart.yaml", "apiVersion: v2\nversion: 1.0.0")], "validation: chart.metadata.name is required"),
        (vec![("Chart.yaml", "name: c")], "validation: chart.metadata.version is required"),
        (
            vec![("Chart.yaml", "name: c\nversion: 1.0.0\ntype: nope")],
            "validation: chart.metadata.type must be application or library",
        ),
        (
            vec![("Chart.yaml", "name: c\nversion: 1.0.0\ndependencies: [{name: a}, {name: b, alias: a}]")],
            "validation: more than one dependency with name or alias \"a\"",
        ),
        (
            vec![("Chart.yaml", "name: c\nversion: 1.0.0"), ("values.yaml", "[1]")],
            "cannot load values.yaml: cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            vec![("Chart.yaml", "name: c\nversion: 1.0.0"), ("charts/a/x", "")],
            "error unpacking subchart a in c: Chart.yaml file is missing",
        ),
        (
            vec![("Chart.yaml", "name: c\nversion: 1.0.0"), ("charts/a.tgz", "this is no archive")],
            "error unpacking subchart a.tgz in c: gzip: invalid header",
        ),
        (
            vec![("Chart.yaml", "name: c\nversion: 1.0.0"), ("charts/a.tgz/x", "")],
            "error unpacking subchart tar in c: expected a.tgz, got a.tgz/x",
        ),
        (
            vec![("Chart.yaml", "name: [c]")],
            "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field Metadata.name of type string",
        ),
        (
            vec![("Chart.yaml", "maintainers: [{name: [c]}]")],
            "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field Maintainer.maintainers.name of type string",
        ),
    ] {
        assert_eq!(in_memory(&files).map(|_| ()), Err(expected.to_owned()), "{files:?}");
    }
}

#[test]
fn scalars_of_metadata_become_text_as_in_helm() {
    let text = "name: 5\nversion: 1.10\nappVersion: true\nDescription: \" a\\tb\\u0007 \"\nkeywords: [1, yes]\nannotations: {a: 1, b: null}\nunknown: {x: 1}\n";
    let chart = in_memory(&[("Chart.yaml", text)]).unwrap();
    let json = serde_json::to_string(chart.metadata()).unwrap();
    assert_eq!(
        json,
        r#"{"name":"5","version":"1.1","description":" a b ","keywords":["1","true"],"apiVersion":"v1","appVersion":"true","annotations":{"a":"1","b":""}}"#
    );
}

#[test]
fn charts_in_charts_end_somewhere() {
    let mut files = vec![("Chart.yaml".to_owned(), metadata("c"))];
    for depth in 1..=DEEPEST_SUBCHART + 1 {
        files.push((format!("{}Chart.yaml", "charts/c/".repeat(depth)), metadata("c")));
    }
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert!(in_memory(&files).unwrap_err().ends_with("charts nest deeper than 32 levels"));
}

#[test]
fn folders_are_read_without_what_is_ignored() {
    let folder = folder(&[
        ("Chart.yaml", &format!("\u{feff}{}", metadata("c"))),
        (".helmignore", "*.bak\nprivate/\n"),
        ("templates/a.yaml", ""),
        ("templates/.swp", ""),
        ("notes.bak", ""),
        ("private/key", ""),
        ("public/key", ""),
    ]);
    let chart = load(folder.path()).unwrap();
    assert_eq!(names(chart.raw_files()), [".helmignore", "Chart.yaml", "public/key", "templates/a.yaml"]);
    assert!(chart.modified().is_some());
}

#[test]
fn folders_that_cannot_be_read_say_so() {
    let empty = folder(&[]);
    assert_eq!(
        load(empty.path()).unwrap_err(),
        "unable to detect chart at <chart>/Chart.yaml: open <chart>/Chart.yaml: no such file or directory"
    );
    let version = folder(&[("Chart.yaml", "apiVersion: v9\nname: c\nversion: 1.0.0")]);
    assert_eq!(load(version.path()).unwrap_err(), "unsupported chart version");
    let large = folder(&[("Chart.yaml", &metadata("c"))]);
    fs::write(large.path().join("large"), vec![b'x'; 5 * 1024 * 1024 + 1]).unwrap();
    assert_eq!(load(large.path()).unwrap_err(), "chart file \"large\" is larger than the maximum file size 5242880");
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_remarked_upon() {
    let other = folder(&[("shared.yaml", "kind: Shared")]);
    let chart = folder(&[("Chart.yaml", &metadata("c")), ("templates/a.yaml", "")]);
    std::os::unix::fs::symlink(other.path(), chart.path().join("templates/linked")).unwrap();
    let mut remarks = Vec::new();
    let loaded = Chart::load_with_remarks(ChartSource::Folder(chart.path()), &mut remarks).unwrap();
    assert_eq!(names(loaded.templates()), ["templates/a.yaml", "templates/linked/shared.yaml"]);
    assert!(remarks[0].to_string().starts_with("level=INFO msg=\"found symbolic link in path."), "{remarks:?}");

    std::os::unix::fs::symlink(chart.path(), chart.path().join("circle")).unwrap();
    assert!(load(chart.path()).is_err());
    fs::remove_file(chart.path().join("circle")).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", chart.path().join("dead")).unwrap();
    assert_eq!(
        load(chart.path()).unwrap_err(),
        "error evaluating symlink <chart>/dead: lstat /nowhere: no such file or directory"
    );
    fs::remove_file(chart.path().join("dead")).unwrap();
    std::os::unix::fs::symlink("../../templates/none/at/all", chart.path().join("templates/linked/up")).unwrap();
    std::os::unix::fs::symlink("templates/linked/../none/at", chart.path().join("dead")).unwrap();
    let error = load(chart.path()).unwrap_err();
    let parent = other.path().parent().unwrap().canonicalize().unwrap();
    let place = parent.join("none").display().to_string();
    assert_eq!(error, format!("error evaluating symlink <chart>/dead: lstat {place}: no such file or directory"));
}
