//! Versions, failures and the folder; processes are tried by the tests with the real Terraform.

use super::*;

#[test]
fn versions_are_read_of_both() {
    let read = |text: &str| read_version(text.as_bytes());
    assert_eq!(read(r#"{"terraform_version": "1.11.4", "platform": "linux_amd64"}"#), Some(Version(1, 11, 4)));
    assert_eq!(read("Warning: x\n{\"terraform_version\": \"1.13.0-beta1\"}"), Some(Version(1, 13, 0)));
    assert_eq!(read("Terraform v0.11.0"), None);
    assert!(Version(1, 5, 7) < OLDEST && Version(1, 10, 0) > OLDEST);
}

#[test]
fn failures_mean_what_they_say() {
    let diagnostics = |log: &str| {
        let events = log.lines().filter_map(|line| read_line(line).unwrap());
        let told = events.filter_map(|event| if let Event::Told(told) = event { Some(told) } else { None });
        told.collect::<Vec<_>>()
    };
    let locked = failure("plan", diagnostics(include_str!("../../tests/recorded/locked.jsonl")));
    assert_eq!(
        locked.to_string(),
        "the state is locked by root@vm since 2026-11-23 11:18:11.050572382 +0000 UTC (OperationTypeApply)"
    );
    assert!(locked.hint().unwrap().contains("force-unlock ea0c2dc8-7bbb-00b2-bc49-7cf4392015ef"));
    let newer = failure("plan", diagnostics(include_str!("../../tests/recorded/newer.jsonl")));
    assert_eq!(newer.to_string(), "the state was written by version 9.1.0, which this one cannot read");
    let failed = failure("apply", diagnostics(include_str!("../../tests/recorded/failed.jsonl")));
    assert!(failed.to_string().starts_with("`terraform apply` failed\n  local-exec provisioner error"), "{failed}");
}

#[test]
fn stale_files_go_and_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = |path: &str| File { path: path.into(), text: path.into() };
    assert!(may_write(folder.path()));
    write(folder.path(), &[file("a.tf"), file("policies/A.json")]).unwrap();
    fs::write(folder.path().join("terraform.tfstate"), "{}").unwrap();
    assert!(may_write(folder.path()));
    write(folder.path(), &[file("a.tf")]).unwrap();
    assert!(!folder.path().join("policies/A.json").exists());
    assert!(folder.path().join("terraform.tfstate").exists() && folder.path().join("a.tf").exists());
    fs::remove_file(folder.path().join(INDEX)).unwrap();
    assert!(!may_write(folder.path()));
}

#[test]
fn a_program_that_is_none_is_told() {
    let missing = Terraform::open("no/such/program".into(), Settings::default()).unwrap_err();
    assert_eq!(missing.to_string(), "cannot start `no/such/program`");
}

#[test]
fn a_growing_log_is_read_by_whole_lines_and_to_its_end() {
    use std::io::Write as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut writer = OpenFile::create(&path).unwrap();
    let mut log = GrowingLog { file: OpenFile::open(&path).unwrap(), rest: Vec::new() };
    let mut after = |text: &str, all: bool| {
        writer.write_all(text.as_bytes()).unwrap();
        log.new_lines(all).unwrap()
    };
    assert_eq!(after("one\ntw", false), ["one"]);
    assert_eq!(after("", false), [] as [&str; 0]);
    assert_eq!(after("o\nthree\nfo", false), ["two", "three"]);
    assert_eq!(after("ur", true), ["four"]);
    assert_eq!(after("", true), [] as [&str; 0]);
}
