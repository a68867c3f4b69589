//! `repo`, `search`, `pull` and `dependency` beside the real Helm, against a server on loopback: the same command lines, the
//! same exit code, stdout, stderr and files.
//!
//! The real Helm is taken from `SUTLER_HELM` or `target/peers/bin/helm`; a test that lacks it is skipped, saying so.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test panics, and says what it skips")]

#[path = "repositories/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use server::Server;
use sutler_helm::{ClusterCommands, Failure, Invocation, Io, StartedAs};

fn helm(test: &str) -> Option<PathBuf> {
    let brought = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/helm");
    let found = std::env::var_os("SUTLER_HELM").map(PathBuf::from).or_else(|| brought.exists().then_some(brought));
    if found.is_none() {
        println!("skipped {test}: no helm at SUTLER_HELM or target/peers/bin/helm");
    }
    found
}

/// A folder with a home, where one side works.
struct Place(tempfile::TempDir);

/// What a command line did.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    exit: i32,
    stdout: String,
    stderr: String,
}

struct NoCluster;

impl ClusterCommands for NoCluster {
    fn run(&mut self, call: &Invocation, _: &mut Io<'_>) -> Result<(), Failure> {
        Err(Failure::not_available(&call.command_path()))
    }
}

/// Takes out of a text what no two runs have in common: times, and numbers of processes and temporary files.
fn without_chance(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let key = line.trim_start().trim_start_matches("- ").trim_start_matches('"');
        if key.starts_with("generated") || key.starts_with("created") {
            out.push_str(&line[..line.find(':').unwrap_or_default()]);
            out.push('\n');
            continue;
        }
        out.push_str(line);
    }
    out
}

impl Place {
    fn new() -> Place {
        Place(tempfile::Builder::new().prefix("helm-").rand_bytes(8).tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn variables(&self) -> Vec<(String, String)> {
        let at = |name: &str| self.at(name).display().to_string();
        [
            ("HOME", at("home")),
            ("TZ", "UTC".to_owned()),
            ("HELM_CACHE_HOME", at("cache")),
            ("HELM_CONFIG_HOME", at("config")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    fn words(&self, line: &str) -> Vec<String> {
        let place = self.0.path().display().to_string();
        line.split(' ').map(|word| word.replace("<place>", &place)).collect()
    }

    fn shown(&self, bytes: &[u8]) -> String {
        without_chance(&String::from_utf8_lossy(bytes).replace(&self.0.path().display().to_string(), "<place>"))
    }

    fn ours(&self, line: &str, input: &str) -> Answer {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut io = Io {
            stdin: &mut input.as_bytes(),
            stdout: &mut stdout,
            stderr: &mut stderr,
            folder: self.0.path().to_owned(),
            program: "helm".to_owned(),
            variables: self.variables().into_iter().collect(),
            now: jiff::Timestamp::now(),
            seed: [7; 32],
            compatibility: Default::default(),
        };
        let exit = sutler_helm::run(&self.words(line), StartedAs::Helm, &mut io, &mut NoCluster);
        Answer { exit: i32::from(exit), stdout: self.shown(&stdout), stderr: self.shown(&stderr) }
    }

    fn theirs(&self, helm: &Path, line: &str, input: &str) -> Answer {
        let mut child = Command::new(helm)
            .args(self.words(line))
            .current_dir(self.0.path())
            .env_clear()
            .envs(self.variables())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may be gone by now.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Answer {
            exit: output.status.code().unwrap(),
            stdout: self.shown(&output.stdout),
            stderr: self.shown(&output.stderr),
        }
    }

    /// Every file with its rights and contents, by its path.
    fn files(&self) -> BTreeMap<String, (u32, String)> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                use std::os::unix::fs::PermissionsExt as _;
                let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                let name = path.strip_prefix(self.0.path()).unwrap().display().to_string();
                let mut text = self.shown(&std::fs::read(&path).unwrap());
                // Helm lists charts in random order there, and compresses with another library.
                if name.ends_with("-charts.txt") || name.contains("/lib-") {
                    text = String::new();
                }
                files.insert(name, (mode, text));
            }
        }
        files
    }
}

/// Lines that both sides run, each in a place of its own. `<url>` is the server, `<place>` the folder; a line with ` < ` has
/// standard input; `= FILE TEXT` writes a file (`\n` is a line feed), `- FILE` removes one.
fn check(test: &str, script: &str) {
    let Some(helm) = helm(test) else { return };
    let server = Server::start();
    let (ours, theirs) = (Place::new(), Place::new());
    let mut count = 0;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let line = line.replace("<url>", &server.url);
        if let Some(rest) = line.strip_prefix("= ") {
            let (name, text) = rest.split_once(' ').unwrap();
            for place in [&ours, &theirs] {
                place.write(name, &text.replace("\\n", "\n"));
            }
            continue;
        }
        if let Some(name) = line.strip_prefix("- ") {
            for place in [&ours, &theirs] {
                std::fs::remove_file(place.at(name)).unwrap();
            }
            continue;
        }
        let (line, input) = line.split_once(" < ").unwrap_or((&line, ""));
        let input = input.replace("\\n", "\n").replace("\\r", "\r");
        assert_eq!(ours.ours(line, &input), theirs.theirs(&helm, line, &input), "helm {line}");
        count += 1;
    }
    assert_eq!(ours.files(), theirs.files(), "files after {test}");
    println!("{test}: {count} command lines, and their files");
}

#[test]
fn repositories_are_added_searched_and_removed_as_by_helm() {
    check(
        "repositories_are_added_searched_and_removed_as_by_helm",
        "repo list
        repo list -o json
        repo update
        repo remove x
        search repo
        repo add stable <url>/charts
        repo add stable <url>/charts
        repo add stable <url>/charts --force-update
        repo add stable <url>/other
        repo add a/b <url>/charts
        repo add x ftp://h/a
        repo add x %zz
        repo add x h
        repo add x http://127.0.0.1:1/x
        repo add x https://kubernetes-charts.storage.googleapis.com
        repo list
        repo list --no-headers
        repo list -o yaml
        search repo
        search repo hub -l
        search repo hub --devel -l
        search repo hub --version ^1.0
        search repo -r ^hub
        search repo -r (
        search repo nothing
        search repo nothing --fail-on-no-result
        search repo hub -o json
        search repo -l -o yaml
        search repo --max-col-width 20
        search repo --version x.y.z-
        repo add two <url>/charts/
        repo update two
        repo update nope
        repo remove two
        repo rm stable two
        repo list",
    );
}

#[test]
fn servers_that_misbehave_are_told_of_as_by_helm() {
    for place in ["cut", "empty", "html", "unknown", "e500", "e429", "eof", "short", "loop", "missing"] {
        check(
            &format!("servers_that_misbehave_are_told_of_as_by_helm/{place}"),
            &format!("repo add x <url>/{place}\nrepo list\npull hub --repo <url>/{place} -d <place>"),
        );
    }
    check("invalid_entries", "repo add x <url>/bad\nsearch repo -l\nrepo update\npull x/hub -d <place>");
    check("slow", "repo add x <url>/slow --timeout 100ms");
}

#[test]
fn credentials_are_asked_for_kept_and_sent_as_by_helm() {
    check(
        "credentials_are_asked_for_kept_and_sent_as_by_helm",
        "repo add x <url>/auth
        repo add x <url>/auth --username u --password wrong
        repo add x <url>/auth --username u --password p
        repo add y <url>/auth --username u
        repo add z <url>/auth --username u --password-stdin < p\\r\\n
        pull x/hub -d <place>
        pull hub --repo <url>/auth --username u --password p -d <place>
        pull hub --repo <url>/auth -d <place>
        pull <url>/auth/hub-1.0.0.tgz -d <place>",
    );
}

#[test]
fn charts_are_pulled_as_by_helm() {
    check(
        "charts_are_pulled_as_by_helm",
        "pull x/hub
        pull hub
        pull nothing://x/y
        repo add x <url>/charts
        pull x/hub -d <place>
        pull x/hub --version ~1.0 -d <place>
        pull x/hub --devel -d <place>
        pull x/hub --version 9.9 -d <place>
        pull x/nope -d <place>
        pull x/web --untar -d <place> --untardir u
        pull x/web --untar -d <place> --untardir u
        pull <url>/charts/hub-1.0.0.tgz -d <place>
        pull <url>/charts/none.tgz -d <place>
        pull hub --repo <url>/charts --version 1.0.0 -d <place>
        pull hub --repo <url>/charts --version 7 -d <place>
        pull nope --repo <url>/charts -d <place>
        pull x/hub --prov -d <place>
        template r x/hub --version 1.0.0
        template r hub --repo <url>/charts
        template r x/nope
        show chart <url>/charts/hub-1.0.0.tgz",
    );
}

#[test]
fn dependencies_are_locked_and_fetched_as_by_helm() {
    check(
        "dependencies_are_locked_and_fetched_as_by_helm",
        r#"= lib/Chart.yaml apiVersion: v2\nname: lib\nversion: 3.2.1\n
        = app/Chart.yaml apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- name: hub\n  version: ^1.0.0\n  repository: <url>/charts\n- name: web\n  version: 0.1.x\n  alias: w\n  repository: <url>/charts/\n- name: lib\n  version: ">=3"\n  repository: file://../lib\n
        dependency list <place>/app
        dependency build <place>/app
        dependency list <place>/app
        dependency build <place>/app
        repo add s <url>/charts
        dependency build <place>/app
        dependency update <place>/app --skip-refresh
        - app/charts/hub-1.1.0.tgz
        dependency list <place>/app
        dependency build <place>/app --skip-refresh
        = app/Chart.yaml apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- name: hub\n  version: ~1.0\n  repository: "@s"\n- name: web\n  version: "*"\n  repository: alias:s\n
        dependency build <place>/app
        dependency update <place>/app
        dependency list <place>/app --max-col-width 10
        = app/Chart.yaml apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- name: hub\n  version: "9"\n  repository: "@s"\n
        dependency update <place>/app
        = app/Chart.yaml apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- name: hub\n  version: "1"\n  repository: stable\n- name: x\n  version: "1"\n  repository: "@no"\n
        dependency update <place>/app
        = app/Chart.yaml apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- name: inside\n  version: ">3"\n
        dependency update <place>/app
        = app/charts/inside/Chart.yaml apiVersion: v2\nname: inside\nversion: 2.0.0\n
        dependency update <place>/app
        dependency list <place>/app
        dependency list <place>/nowhere
        dependency update <place>/nowhere"#,
    );
}

#[test]
fn indexes_are_written_as_by_helm() {
    let Some(helm) = helm("indexes_are_written_as_by_helm") else { return };
    let server = Server::start();
    let (ours, theirs) = (Place::new(), Place::new());
    for place in [&ours, &theirs] {
        for entry in std::fs::read_dir(server.folder().join("charts")).unwrap() {
            let path = entry.unwrap().path();
            let folder = if path.display().to_string().contains("web") { "i/sub" } else { "i" };
            std::fs::create_dir_all(place.at(folder)).unwrap();
            if path.extension().is_some_and(|extension| extension == "tgz") {
                std::fs::copy(&path, place.at(folder).join(path.file_name().unwrap())).unwrap();
            }
        }
        place.write("i/none.tgz", "x");
        let index = std::fs::read_to_string(server.folder().join("charts/index.yaml")).unwrap();
        place.write("m.yaml", &(index + "publicKeys: [a]\nannotations: {x: \"y\"}\n"));
    }
    for line in [
        "repo index <place>/i",
        "repo index <place>/i --url http://example.com/charts",
        "repo index <place>/i --json",
        "repo index <place>/i --merge <place>/m.yaml",
        "repo index <place>/i --merge <place>/new.yaml",
        "repo index <place>/i --merge <place>/i/none.tgz",
    ] {
        assert_eq!(ours.ours(line, ""), theirs.theirs(&helm, line, ""), "helm {line}");
        assert_eq!(ours.files(), theirs.files(), "files after helm {line}");
    }
}

#[test]
fn an_archive_that_is_not_the_announced_one_is_refused_and_kept_nowhere() {
    let server = Server::start();
    let place = Place::new();
    assert_eq!(place.ours(&format!("repo add x {}/lying", server.url), "").exit, 0);
    for line in ["pull x/hub -d <place>", "template r x/hub"] {
        let answer = place.ours(line, "");
        assert_eq!(answer.exit, 1, "{line}");
        assert!(answer.stderr.contains("but the index announces sha256:00000000"), "{}", answer.stderr);
    }
    let kept: Vec<String> =
        place.files().into_keys().filter(|name| name.contains("content") || name.ends_with(".tgz")).collect();
    assert_eq!(kept, [""; 0]);
}

#[test]
fn several_at_once_fill_the_cache_with_whole_charts() {
    let server = Server::start();
    let place = Place::new();
    assert_eq!(place.ours(&format!("repo add x {}/charts", server.url), "").exit, 0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(place.ours("template r x/hub", "").exit, 0));
        }
    });
    let files = place.files();
    let cached: Vec<&String> = files.keys().filter(|name| name.starts_with("cache/content/")).collect();
    assert_eq!(cached.len(), 1, "{cached:?}");
}

#[test]
fn a_client_shows_its_certificate_to_a_repository_as_by_helm() {
    let Some(helm) = helm("a_client_shows_its_certificate_to_a_repository_as_by_helm") else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with_tls(folder.path());
    let (ours, theirs) = (Place::new(), Place::new());
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (ca, cert, key) = (at("ca.pem"), at("client.pem"), at("client-key.pem"));
    for line in [
        format!("repo add x {}/charts", server.url),
        format!("repo add x {}/charts --ca-file {ca}", server.url),
        format!("repo add x {}/charts --ca-file /nowhere", server.url),
        format!("repo add x {}/charts --insecure-skip-tls-verify", server.url),
        format!("repo add x {}/charts --ca-file {ca} --cert-file {cert} --key-file {key}", server.url),
        "pull x/hub -d <place>".to_owned(),
        format!("pull hub --repo {}/charts --ca-file {ca} --cert-file {cert} --key-file {key} -d <place>", server.url),
    ] {
        assert_eq!(ours.ours(&line, ""), theirs.theirs(&helm, &line, ""), "helm {line}");
    }
    assert_eq!(ours.files(), theirs.files());
}
