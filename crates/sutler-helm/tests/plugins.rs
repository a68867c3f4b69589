//! `plugin install`, `update`, `uninstall`, `list` and `package` beside the real Helm 4.1.4 and 3.18.0: the same exit codes, words and
//! files, from archives, registries and repositories; what one of them installed, the other lists, updates and removes.
//!
//! Helm is taken from `SUTLER_HELM` (`SUTLER_HELM3`) or `target/peers/bin`; a test that lacks it, or git, is skipped, saying so.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test panics, and says what it skips")]

#[path = "plugins/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use server::Server;
use sutler_helm::{ClusterCommands, Failure, Invocation, Io, StartedAs};

/// Which Helm is mirrored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Helm {
    Four,
    Three,
}

fn helm(kind: Helm, test: &str) -> Option<PathBuf> {
    let (variable, name) = match kind {
        Helm::Four => ("SUTLER_HELM", "helm"),
        Helm::Three => ("SUTLER_HELM3", "helm3"),
    };
    let brought = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin").join(name);
    let found = std::env::var_os(variable).map(PathBuf::from).or_else(|| brought.exists().then_some(brought));
    if found.is_none() {
        println!("skipped {test}: no {name} at {variable} or target/peers/bin/{name}");
    }
    found
}

fn has_git(test: &str) -> bool {
    let there = Command::new("git").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    if !there {
        println!("skipped {test}: no git on PATH");
    }
    there
}

/// A folder with Helm's homes, where one side works.
struct Place {
    folder: tempfile::TempDir,
    kind: Helm,
    /// What stands for the server's address in command lines.
    address: String,
    digest: String,
}

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

/// Keys, of which `edda` and `lotte` sign.
const KEYS: [&str; 3] = ["public.gpg", "open.secret.gpg", "locked.secret.gpg"];

impl Place {
    fn new(kind: Helm, server: &Server) -> Place {
        let folder = tempfile::Builder::new().prefix("helm-").rand_bytes(8).tempdir().unwrap();
        let place = Place { folder, kind, address: server.address.clone(), digest: server.digest.clone() };
        for name in ["home", "temporary", "plain"] {
            std::fs::create_dir(place.at(name)).unwrap();
        }
        for name in KEYS {
            let fixture =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../sutler-repository/tests/provenance").join(name);
            std::fs::copy(fixture, place.at(name)).unwrap();
        }
        std::fs::write(place.at("passphrase"), "open sesame\n\n").unwrap();
        for (name, text) in [("plugin.yaml", server::PLUGIN), ("hello.sh", server::PROGRAM)] {
            std::fs::write(place.at("plain").join(name), text).unwrap();
        }
        for (name, bytes) in server::archives() {
            std::fs::create_dir_all(place.at("archives").join(name)).unwrap();
            std::fs::write(place.at("archives").join(name).join("hello-0.1.0.tgz"), bytes).unwrap();
        }
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn variables(&self) -> Vec<(String, String)> {
        let at = |name: &str| self.at(name).display().to_string();
        let mut variables = vec![
            ("PATH", std::env::var("PATH").unwrap()),
            ("HOME", at("home")),
            ("TMPDIR", at("temporary")),
            ("TZ", "UTC".to_owned()),
            ("HELM_CACHE_HOME", at("cache")),
            ("HELM_CONFIG_HOME", at("config")),
            ("HELM_DATA_HOME", at("data")),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
        ];
        if self.kind == Helm::Three {
            variables.push(("HELM_COMPAT", "v3".to_owned()));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn words(&self, line: &str) -> Vec<String> {
        let place = self.folder.path().display().to_string();
        let filled = |word: &str| {
            word.replace("<place>", &place).replace("<server>", &self.address).replace("<digest>", &self.digest)
        };
        line.split(' ').map(filled).collect()
    }

    /// Without what no two runs have in common.
    fn shown(&self, bytes: &[u8]) -> String {
        let place = self.folder.path().display().to_string();
        let text = String::from_utf8_lossy(bytes)
            .replace(&place, "<place>")
            .replace(&place.replace('/', "-"), "<place->")
            .replace(&self.address.replace(':', "-"), "<server->");
        let mut out = String::new();
        let mut rest = text.as_str();
        // Numbers of ports, and of temporary folders.
        while let Some((before, after)) = rest.split_once("helm-plugin-extract-") {
            out.push_str(before);
            out.push_str("helm-plugin-extract-N");
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        out.push_str(rest);
        out.lines().map(|line| without_port(line) + "\n").collect()
    }

    fn ours(&self, line: &str) -> Answer {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut io = Io {
            stdin: &mut std::io::empty(),
            stdout: &mut stdout,
            stderr: &mut stderr,
            folder: self.folder.path().to_owned(),
            program: "helm".to_owned(),
            variables: self.variables().into_iter().collect(),
            now: jiff::Timestamp::now(),
            seed: [7; 32],
            compatibility: Default::default(),
        };
        let exit = sutler_helm::run(&self.words(line), StartedAs::Helm, &mut io, &mut NoCluster);
        Answer { exit: i32::from(exit), stdout: self.shown(&stdout), stderr: self.shown(&stderr) }
    }

    fn theirs(&self, helm: &Path, line: &str) -> Answer {
        let output = Command::new(helm)
            .args(self.words(line))
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let exit = output.status.code().unwrap_or(-1);
        Answer { exit, stdout: self.shown(&output.stdout), stderr: self.shown(&output.stderr) }
    }

    /// What lies in the homes: paths, modes and content. Of repositories, that they are there.
    fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for home in ["cache", "config", "data"] {
            self.collect(&self.at(home), &mut files);
        }
        files
    }

    fn collect(&self, folder: &Path, files: &mut BTreeMap<String, String>) {
        use std::os::unix::fs::PermissionsExt as _;
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            let found = path.symlink_metadata().unwrap();
            let mode = found.permissions().mode() & 0o7777;
            let name = self.shown(path.display().to_string().as_bytes()).trim_end().to_owned();
            // Helm's machine for WebAssembly, which it makes at every start.
            if name.ends_with("/wazero-build") {
                continue;
            }
            let what = if found.is_symlink() {
                let target = std::fs::read_link(&path).unwrap();
                format!("-> {}", self.shown(target.display().to_string().as_bytes()))
            } else if found.is_dir() {
                if !name.ends_with("/.git") {
                    self.collect(&path, files);
                }
                format!("folder {mode:o}")
            } else {
                format!("{mode:o} {}", sutler_repository::cache::Digest::of(&std::fs::read(&path).unwrap()))
            };
            files.insert(name, what);
        }
    }
}

/// `dial tcp` and `read tcp` tell the port on this side.
fn without_port(line: &str) -> String {
    match line.split_once("->") {
        Some((before, after)) if before.contains(" tcp 127.0.0.1:") => {
            let end = before.rfind(':').unwrap();
            format!("{}:PORT->{after}", &before[..end])
        }
        _ => line.to_owned(),
    }
}

/// Runs a script three times: by Helm, by this program, and by both in turn, in one place; answers and files must be the same.
fn check(kind: Helm, helm: &Path, server: &Server, script: &str) {
    let [alone, ours, mixed] = [0; 3].map(|_| Place::new(kind, server));
    for (at, line) in script.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        let expected = alone.theirs(helm, line);
        assert_eq!(ours.ours(line), expected, "{line}");
        let answer = if at % 2 == 0 { mixed.ours(line) } else { mixed.theirs(helm, line) };
        assert_eq!(answer, expected, "in turn: {line}");
        assert_eq!(ours.files(), alone.files(), "after {line}");
        assert_eq!(mixed.files(), alone.files(), "in turn, after {line}");
    }
}

/// Runs lines that fail, each by Helm and by this program, in places of their own; nothing is left by ours.
fn check_failures(kind: Helm, helm: &Path, server: &Server, lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [alone, ours] = [0; 2].map(|_| Place::new(kind, server));
        let expected = alone.theirs(helm, line);
        assert_ne!(expected.exit, 0, "{line} does not fail");
        assert_eq!(ours.ours(line), expected, "{line}");
        let left = ours.files();
        let are_homes = |path: &String| path.ends_with("/cache/plugins") || path.ends_with("/data/plugins");
        assert!(left.keys().all(are_homes), "{line} leaves {left:?}");
        assert_eq!(std::fs::read_dir(ours.at("temporary")).unwrap().count(), 0, "{line} leaves temporary files");
    }
}

/// An empty folder where a test has no repositories.
fn server() -> Server {
    Server::start(Path::new("/nonexistent"))
}

#[test]
fn archives_of_web_servers_are_installed_as_helm_installs_them() {
    let Some(helm) = helm(Helm::Four, "archives_of_web_servers_are_installed_as_helm_installs_them") else { return };
    check(
        Helm::Four,
        &helm,
        &server(),
        "plugin install --verify=false http://<server>/folder/hello-0.1.0.tgz
         plugin list
         hello a b
         plugin install --verify=false http://<server>/folder/hello-0.1.0.tgz
         plugin update hello
         plugin uninstall hello
         plugin install --verify=false http://<server>/folder/hello-0.1.0.tgz --debug
         plugin uninstall hello
         plugin install --verify=false http://<server>/top/hello-0.1.0.tgz
         plugin uninstall hello
         plugin install --verify=false http://<server>/dot/hello-0.1.0.tgz
         plugin list
         plugin uninstall hello
         plugin install --verify=false http://<server>/two/hello-0.1.0.tgz
         plugin uninstall hello
         plugin install --verify=false http://<server>/unlisted/hello-0.1.0.tgz
         plugin uninstall hello
         plugin install --verify=false http://<server>/untyped/hello-0.1.0.tar.gz
         plugin list
         plugin uninstall hello
         plugin install http://<server>/signed/hello-0.1.0.tgz --keyring <place>/public.gpg --debug
         plugin list",
    );
}

#[test]
fn archives_that_cannot_be_had_or_are_none_leave_nothing_behind() {
    let Some(helm) = helm(Helm::Four, "archives_that_cannot_be_had_or_are_none_leave_nothing_behind") else { return };
    let mut lines = "plugin install http://<server>/folder/hello-0.1.0.tgz
         plugin install http://<server>/e404/hello-0.1.0.tgz
         plugin install http://<server>/forged/hello-0.1.0.tgz --keyring <place>/public.gpg
         plugin install http://<server>/signed/hello-0.1.0.tgz --keyring <place>/locked.secret.gpg
         plugin install http://<server>/signed/hello-0.1.0.tgz --keyring <place>/nope
         plugin install --verify=false http://<server>/e404/hello-0.1.0.tgz
         plugin install --verify=false http://<server>/e401/hello-0.1.0.tgz
         plugin install --verify=false http://<server>/typed/hello
         plugin install --verify=false http://<server>/nothing-there
         plugin install --verify=false http://127.0.0.1:1/hello-0.1.0.tgz
         plugin install http://127.0.0.1:1/hello-0.1.0.tgz
         plugin install --verify=false mine://x/hello-0.1.0.tgz
         plugin install nope\n"
        .to_owned();
    for (place, _) in server::archives().iter().skip_while(|(place, _)| *place != "cut") {
        lines.push_str(&format!("plugin install --verify=false http://<server>/{place}/hello-0.1.0.tgz\n"));
        lines.push_str(&format!("plugin install --verify=false <place>/archives/{place}/hello-0.1.0.tgz\n"));
    }
    for place in ["dot", "top", "two"] {
        lines.push_str(&format!("plugin install --verify=false <place>/archives/{place}/hello-0.1.0.tgz\n"));
    }
    check_failures(Helm::Four, &helm, &server(), &lines);
}

#[test]
fn what_a_server_cuts_off_or_breaks_is_not_installed() {
    let server = server();
    let place = Place::new(Helm::Four, &server);
    for page in ["broken", "e500"] {
        let answer = place.ours(&format!("plugin install --verify=false http://<server>/{page}/hello-0.1.0.tgz"));
        assert_eq!(answer.exit, 1, "{answer:?}");
        assert!(answer.stderr.contains("EOF") || answer.stderr.contains("500 Oh Dear"), "{answer:?}");
        let left = place.files();
        assert!(left.keys().all(|path| path.ends_with("/data/plugins")), "{left:?}");
    }
}

#[test]
fn plugins_of_registries_are_installed_as_helm_installs_them() {
    let Some(helm) = helm(Helm::Four, "plugins_of_registries_are_installed_as_helm_installs_them") else { return };
    check(
        Helm::Four,
        &helm,
        &server(),
        "plugin install --plain-http --verify=false oci://<server>/p/hello:0.1.0 --debug
         plugin list
         plugin install --plain-http --verify=false oci://<server>/p/hello:0.1.0
         plugin uninstall hello
         plugin install --plain-http --verify=false oci://<server>/p/hello@<digest>
         plugin uninstall hello
         plugin install --plain-http --insecure-skip-tls-verify --verify=false oci://<server>/top/hello:0.1.0
         plugin uninstall hello
         plugin install --plain-http --verify=false oci://<server>/two/hello:0.1.0
         plugin uninstall hello
         plugin install --plain-http --verify=false oci://<server>/old/hello:0.1.0+b
         plugin uninstall hello
         plugin install --plain-http oci://<server>/signed/hello:0.1.0 --keyring <place>/public.gpg --debug
         plugin list
         plugin uninstall hello",
    );
}

#[test]
fn what_is_no_plugin_of_a_registry_leaves_nothing_behind() {
    let Some(helm) = helm(Helm::Four, "what_is_no_plugin_of_a_registry_leaves_nothing_behind") else { return };
    let mut lines = "plugin install --plain-http oci://<server>/p/hello:0.1.0
         plugin install --plain-http --verify=false oci://<server>/p/hello:9
         plugin install --plain-http --verify=false oci://<server>/p/hello
         plugin install --plain-http --verify=false oci://<server>/p/hello --version 0.1.0
         plugin install --plain-http --verify=false oci://<server>/p/hello:0.1.0@<digest>
         plugin install --plain-http --verify=false oci://<server>/p/hello@sha256:12
         plugin install --plain-http --verify=false oci://<server>/closed/hello:1 --username a --password b
         plugin install --plain-http --verify=false oci://127.0.0.1:1/hello:1
         plugin install --ca-file nope --verify=false oci://<server>/p/hello:0.1.0
         plugin install --plain-http oci://<server>/text/hello:0.1.0
         plugin install oci://x
         plugin install oci://X/Y:1\n"
        .to_owned();
    for place in [
        "other-type",
        "no-type",
        "other-title",
        "other-layer",
        "text",
        "above",
        "deep",
        "no-plugin",
        "lying",
        "not-there",
    ] {
        lines.push_str(&format!("plugin install --plain-http --verify=false oci://<server>/{place}/hello:0.1.0\n"));
    }
    check_failures(Helm::Four, &helm, &server(), &lines);
}

/// A repository with tags and branches below a folder, as a web server has it: `hello.git`.
fn repositories(folder: &Path) {
    let script = r#"
        set -e
        git init -q -b main work && cd work
        commit() {
            printf 'name: hello\nversion: %s\nusage: say hello\ncommand: "$HELM_PLUGIN_DIR/hello.sh"\n' $1 > plugin.yaml
            printf '#!/bin/sh\nexit $#\n' > hello.sh
            chmod 755 hello.sh
            ln -sf hello.sh link
            git add -A && git commit -q -m $1
        }
        commit 0.1.0 && git tag v0.1.0
        commit 0.2.0 && git tag -a v0.2.0 -m x && git branch dev
        commit 1.0.0 && git tag 1.0.0
        commit 1.1.0-rc.1 && git tag v1.1.0-rc.1
        commit 1.2.0
        git rm -q plugin.yaml && git commit -q -m none && git tag without && git reset -q --hard HEAD~1
        cd .. && git clone -q --bare work hello.git && git -C hello.git update-server-info
    "#;
    let at = "2024-01-01T00:00:00Z";
    let status = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .env("HOME", folder)
        .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@b"), ("GIT_COMMITTER_NAME", "a")])
        .envs([("GIT_COMMITTER_EMAIL", "a@b"), ("GIT_AUTHOR_DATE", at), ("GIT_COMMITTER_DATE", at)])
        .status()
        .unwrap();
    assert!(status.success());
}

/// What is installed from repositories; `--verify=false` is for Helm 4 alone.
const OF_REPOSITORIES: &str = "plugin install [] http://<server>/git/hello.git
     plugin list
     hello a
     plugin update hello
     plugin update hello nope
     plugin install [] http://<server>/git/hello.git
     plugin uninstall hello
     plugin install [] http://<server>/git/hello.git --version >=0.1
     plugin list
     plugin update hello
     plugin uninstall hello
     plugin install [] http://<server>/git/hello.git --version v0.2.0
     plugin list
     plugin uninstall hello
     plugin install [] http://<server>/git/hello.git --version dev
     plugin uninstall hello
     plugin install [] http://<server>/git/hello.git --version ~0.1
     plugin list
     plugin uninstall hello
     plugin install [] http://<server>/git/hello.git --version ^7
     plugin install [] http://<server>/git/hello.git --version <<1
     plugin install [] http://<server>/git/hello.git --version without
     plugin install [] http://<server>/import
     plugin list
     plugin install [] http://<server>/git/nope.git
     plugin install [] ssh://git@127.0.0.1:1/x
     plugin install [] https://example.invalid/x.svn
     plugin install [] file:///nonexistent/x";

#[test]
fn plugins_of_repositories_are_installed_and_updated_as_helm_does() {
    const NAME: &str = "plugins_of_repositories_are_installed_and_updated_as_helm_does";
    if !has_git(NAME) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    repositories(folder.path());
    let server = Server::start(folder.path());
    for (kind, flag) in [(Helm::Four, "--verify=false"), (Helm::Three, "--namespace=x")] {
        if let Some(helm) = helm(kind, NAME) {
            check(kind, &helm, &server, &OF_REPOSITORIES.replace("[]", flag));
        }
    }
}

#[test]
fn a_working_copy_that_was_changed_is_not_updated() {
    const NAME: &str = "a_working_copy_that_was_changed_is_not_updated";
    if !has_git(NAME) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    repositories(folder.path());
    let server = Server::start(folder.path());
    let place = Place::new(Helm::Four, &server);
    let installed = place.ours("plugin install --verify=false http://<server>/git/hello.git");
    assert_eq!(installed.exit, 0, "{installed:?}");
    std::fs::write(place.at("data/plugins/hello.git/hello.sh"), "#!/bin/sh\n").unwrap();
    let mut answers = vec![place.ours("plugin update hello")];
    answers.extend(helm(Helm::Four, NAME).map(|helm| place.theirs(&helm, "plugin update hello")));
    for answer in answers {
        assert_eq!(answer.exit, 1);
        assert_eq!(answer.stderr, "Error: failed to update plugin hello, got error (plugin repo was modified)\n");
    }
}

#[test]
fn helm_3s_archives_are_installed_as_helm_3_installs_them() {
    let Some(helm) = helm(Helm::Three, "helm_3s_archives_are_installed_as_helm_3_installs_them") else { return };
    check(
        Helm::Three,
        &helm,
        &server(),
        "plugin install http://<server>/top/hello-0.1.0.tgz
         plugin list
         hello a
         plugin install http://<server>/top/hello-0.1.0.tgz
         plugin update hello
         plugin uninstall hello
         plugin install http://<server>/top/hello-0.1.0.tgz
         plugin uninstall hello
         plugin install http://<server>/listed/hello-0.1.0.tgz
         plugin uninstall hello
         plugin install http://<server>/listed/hello-0.1.0.tgz
         plugin install <place>/plain
         plugin list",
    );
    let mut lines = "plugin install http://<server>/untyped/hello-0.1.0.tar.gz
         plugin install http://<server>/typed/hello
         plugin install http://<server>/e404/hello-0.1.0.tgz
         plugin install http://<server>/e401/hello-0.1.0.tgz
         plugin install http://127.0.0.1:1/hello-0.1.0.tgz
         plugin install oci://<server>/p/hello:0.1.0
         plugin install <place>/archives/top/hello-0.1.0.tgz
         plugin install nope\n"
        .to_owned();
    for place in ["folder", "dot", "unlisted", "cut", "text", "nothing", "above", "absolute", "colon", "link", "deep"] {
        lines.push_str(&format!("plugin install http://<server>/{place}/hello-0.1.0.tgz\n"));
    }
    check_failures(Helm::Three, &helm, &server(), &lines);
}

#[test]
fn either_side_takes_what_the_other_packed_and_signed() {
    let Some(helm) = helm(Helm::Four, "either_side_takes_what_the_other_packed_and_signed") else { return };
    let server = server();
    let place = Place::new(Helm::Four, &server);
    let by = |is_ours: bool, line: &str| if is_ours { place.ours(line) } else { place.theirs(&helm, line) };
    for (maker, folder) in [(true, "ours"), (false, "theirs")] {
        for (ring, key) in [("open.secret.gpg", "edda"), ("locked.secret.gpg", "lotte")] {
            let out = format!("<place>/{folder}-{key}");
            let pack = format!(
                "plugin package <place>/plain -d {out} --keyring <place>/{ring} --key {key} --passphrase-file <place>/passphrase"
            );
            let packed = by(maker, &pack);
            assert_eq!(packed.exit, 0, "{packed:?}");
            assert_eq!(
                packed.stdout,
                format!(
                    "Successfully signed. Signature written to: {out}/hello-0.1.0.tgz.prov\n\
                     Successfully packaged plugin and saved it to: {out}/hello-0.1.0.tgz\n"
                )
            );
            let archive = format!("{out}/hello-0.1.0.tgz");
            for line in [
                format!("plugin verify {archive} --keyring <place>/{ring}"),
                format!("plugin install {archive} --keyring <place>/{ring}"),
                "plugin list".to_owned(),
                "plugin uninstall hello".to_owned(),
                format!("plugin verify {archive} --keyring <place>/public.gpg"),
            ] {
                let verified = by(!maker, &line);
                assert_eq!(by(!maker, "version --short").exit, 0);
                if line.contains("public.gpg") && key == "lotte" {
                    // Whose key it is, nobody there knows, or all do: both say the same.
                    assert_eq!(by(maker, &line), verified, "{line}");
                } else {
                    assert_eq!(verified.exit, 0, "{line}: {verified:?}");
                }
            }
        }
    }
    // Of the same folder both make the same tar, and say the same of it.
    let read = |folder: &str, name: &str| std::fs::read(place.at(folder).join(name)).unwrap();
    let tar = |folder: &str| {
        let mut tar = Vec::new();
        let bytes = read(folder, "hello-0.1.0.tgz");
        std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut tar).unwrap();
        tar
    };
    assert!(tar("ours-edda") == tar("theirs-edda"), "the archives differ");
    let said = |folder: &str| {
        let text = String::from_utf8(read(folder, "hello-0.1.0.tgz.prov")).unwrap();
        text.split("\nfiles:").next().unwrap().to_owned()
    };
    assert_eq!(said("ours-edda"), said("theirs-edda"));
    let spoilt = place.at("ours-edda/hello-0.1.0.tgz");
    std::fs::write(&spoilt, server::packaged()).unwrap();
    let line = "plugin install <place>/ours-edda/hello-0.1.0.tgz --keyring <place>/open.secret.gpg";
    let answer = place.ours(line);
    assert_eq!(answer.exit, 1);
    assert_eq!(answer, place.theirs(&helm, line));
}
