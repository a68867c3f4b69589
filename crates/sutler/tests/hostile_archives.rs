//! Chart archives that somebody made to do harm: the program, with two gigabytes of address space, reads them or refuses them with
//! Helm's words, beside the real Helm where there is one.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use support::Place;

/// In KiB, of address space.
const MEMORY: u64 = 2 << 20;

/// An entry of a tar archive.
fn entry(name: &str, kind: u8, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = header(name, kind, link, content.len() as u64);
    header.extend_from_slice(content);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

fn header(name: &str, kind: u8, link: &str, size: u64) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[136..148].copy_from_slice(b"14400000000\0");
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name, b'0', "", content)
}

/// A chart with these entries more, compressed.
fn archive(more: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for part in [
        file("c/Chart.yaml", b"apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        file("c/values.yaml", b"a: 1\n"),
        file("c/templates/a.yaml", b"a: {{ .Values.a }}\nfiles: {{ len .Files }}\n"),
    ]
    .iter()
    .chain(more)
    {
        encoder.write_all(part).expect("memory takes it");
    }
    encoder.write_all(&[0; 1024]).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Exit code, stdout and stderr of `helm template` of an archive.
fn template(program: &Path, place: &Place, archive: &Path) -> (Option<i32>, String, String) {
    let limit = if program.ends_with("helm") { String::new() } else { format!("ulimit -v {MEMORY} && ") };
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limit}exec \"$0\" \"$@\"")]).arg(program);
    if !program.ends_with("helm") {
        command.arg("helm");
    }
    let output = command
        .args(["template", "r"])
        .arg(archive)
        .env("HOME", place.path("home"))
        .env("KUBECONFIG", "/dev/null")
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The real Helm: named by `SUTLER_HELM`, or where `cargo xtask peers` puts it.
fn helm() -> Option<PathBuf> {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/helm");
    std::env::var_os("SUTLER_HELM").map(PathBuf::from).or_else(|| peer.exists().then_some(peer))
}

fn check(cases: &[(&str, Vec<u8>, &str)]) {
    let place = Place::new();
    let helm = helm();
    if helm.is_none() {
        println!("skipped beside the real Helm: there is none (`cargo xtask peers`)");
    }
    for (name, bytes, expected) in cases {
        let path = place.path(&format!("{}.tgz", name.replace(' ', "-")));
        std::fs::write(&path, bytes).expect("an archive can be written");
        let ours = template(Path::new(env!("CARGO_BIN_EXE_sutler")), &place, &path);
        let text = format!("{}{}", ours.1, ours.2);
        assert!(text.contains(expected), "{name}: {text}");
        if let Some(helm) = &helm {
            let theirs = template(helm, &place, &path);
            // Below Helm's text stand hints of ours.
            let stderr = ours.2.split("hint: ").next().unwrap_or_default();
            assert_eq!((ours.0, ours.1.as_str(), stderr), (theirs.0, theirs.1.as_str(), theirs.2.as_str()), "{name}");
        }
    }
}

#[test]
fn nothing_in_an_archive_leads_out_of_the_chart() {
    let refused = "Error: unable to load chart archive";
    check(&[
        ("a folder above", archive(&[file("c/../../evil", b"x")]), refused),
        ("a folder above in place of the chart's", archive(&[file("../evil", b"x")]), "files: 1"),
        ("a folder above in the manner of Windows", archive(&[file("c\\..\\..\\evil", b"x")]), refused),
        ("a drive", archive(&[file("c/d:/evil", b"x")]), refused),
        ("an absolute path below the chart", archive(&[file("c//etc/evil", b"x")]), refused),
        ("a file beside the chart", archive(&[file("evil", b"x")]), refused),
        ("a link out", archive(&[entry("c/templates/l.yaml", b'2', "../../../../etc/passwd", b"")]), "files: 0"),
        ("an absolute link", archive(&[entry("c/l", b'2', "/etc/passwd", b"")]), "files: 1"),
        ("a hard link out", archive(&[entry("c/l", b'1', "/etc/passwd", b"")]), "files: 1"),
        ("a pipe", archive(&[entry("c/l", b'6', "", b"")]), "files: 1"),
        ("a device", archive(&[entry("c/l", b'3', "", b"")]), "files: 1"),
    ]);
}

#[test]
fn files_that_come_twice_are_taken_as_helm_takes_them() {
    check(&[
        ("values", archive(&[file("c/values.yaml", b"a: 2\n")]), "a: 2"),
        ("a template", archive(&[file("c/templates/a.yaml", b"b: {{ .Values.a }}\n")]), "b: 1"),
        ("Chart yaml", archive(&[file("c/Chart.yaml", b"apiVersion: v2\nname: d\nversion: 0.1.0\n")]), "# Source: d/"),
        ("the folder", archive(&[file("d/values.yaml", b"a: 3\n")]), "a: 3"),
    ]);
}

#[test]
fn archives_of_many_or_of_endless_files_are_bounded() {
    let many: Vec<Vec<u8>> = (0..100_000).map(|number| file(&format!("c/files/{number}"), b"")).collect();
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(&header("c/big", b'0', "", 3 << 30)).expect("memory takes it");
    let zeros = vec![0; 1 << 20];
    for _ in 0..110 {
        bomb.write_all(&zeros).expect("memory takes it");
    }
    let mut nested = archive(&[]);
    for _ in 0..20 {
        nested = archive(&[file("c/charts/c.tgz", &nested)]);
    }
    check(&[
        ("a hundred thousand files", archive(&many), "files: 100000"),
        ("a gzip bomb", bomb.finish().expect("memory takes it"), "Error: unable to load chart archive"),
        ("a file above the bound", archive(&[file("c/big", &vec![0; 6 << 20])]), "Error: unable to load chart archive"),
        ("archives in archives", nested, "# Source: c/"),
    ]);
}

#[test]
fn archives_that_end_too_early_are_refused() {
    let whole = archive(&[]);
    let cases: Vec<(String, Vec<u8>)> = [10, whole.len() / 3, whole.len() / 2]
        .into_iter()
        .map(|end| (format!("cut at {end}"), whole[..end].to_vec()))
        .collect();
    let cases: Vec<(&str, Vec<u8>, &str)> = cases
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.clone(), "Error: unable to load chart archive"))
        .collect();
    check(&cases);
}
