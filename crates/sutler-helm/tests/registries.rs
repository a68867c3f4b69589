//! `push`, `registry`, `verify` and signing beside the real Helm, with Debian's docker-registry behind them: the same words, the
//! same exit code, stdout and stderr, and files that the other side can use.
//!
//! Programs are taken from `SUTLER_HELM`, `SUTLER_DOCKER_REGISTRY`, `target/peers/bin` or (the registry) `PATH`; a test that lacks
//! one is skipped, saying so. Charts and keys are those of `crates/sutler-repository/tests/provenance`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test panics, and says what it skips")]

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sutler_helm::{ClusterCommands, Failure, Invocation, Io, StartedAs};

/// User and password of the registries that want them, and the line that tells docker-registry (bcrypt).
const HTPASSWD: &str = "me:$2a$10$ZuVTfB0e2NKBfK4ZwmoASOSjLPM7/52M/hthvDSiEmk9ibrkUplgO\n";
const ARCHIVE: &str = "hello-0.1.0.tgz";

fn peer(variable: &str, name: &str) -> Option<PathBuf> {
    let brought = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin").join(name);
    std::env::var_os(variable).map(PathBuf::from).or_else(|| brought.exists().then_some(brought))
}

fn helm(test: &str) -> Option<PathBuf> {
    let found = peer("SUTLER_HELM", "helm");
    if found.is_none() {
        println!("skipped {test}: no helm at SUTLER_HELM or target/peers/bin/helm");
    }
    found
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sutler-repository/tests/provenance").join(name)
}

/// A running docker-registry that wants a password, stopped when dropped.
struct DockerRegistry {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts one; with TLS its authority's certificate is `ca.pem` in its folder.
fn docker_registry(test: &str, tls: bool) -> Option<DockerRegistry> {
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("docker-registry")).find(|program| program.exists())
    };
    let Some(program) = peer("SUTLER_DOCKER_REGISTRY", "docker-registry").or_else(on_path) else {
        println!(
            "skipped {test}: no docker-registry at SUTLER_DOCKER_REGISTRY, target/peers/bin/docker-registry or PATH"
        );
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("htpasswd"), HTPASSWD).unwrap();
    if tls {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "test authority");
        std::fs::write(at("ca.pem"), parameters.self_signed(&authority_key).unwrap().pem()).unwrap();
        let issuer = rcgen::Issuer::new(parameters, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        std::fs::write(at("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(at("key.pem"), key.serialize_pem()).unwrap();
    }
    let shown = folder.path().display();
    // Another process may take the port before the registry does: then another one is tried.
    for _ in 0..10 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let tls =
            if tls { format!(", tls: {{certificate: {shown}/cert.pem, key: {shown}/key.pem}}") } else { String::new() };
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {shown}/data}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"{tls}}}\nauth: {{htpasswd: {{realm: test, path: {shown}/htpasswd}}}}\n"
        );
        std::fs::write(at("config.yml"), config).unwrap();
        let mut child = Command::new(&program)
            .arg("serve")
            .arg(at("config.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(DockerRegistry { child, port, folder });
            }
            std::thread::yield_now();
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    panic!("docker-registry does not start on any port");
}

/// A folder with a home and an archive, where one side works.
struct Place {
    folder: tempfile::TempDir,
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

impl Place {
    fn new() -> Place {
        let folder = tempfile::Builder::new().prefix("helm-").rand_bytes(8).tempdir().unwrap();
        let place = Place { folder };
        let archive = std::fs::read(fixture(ARCHIVE)).unwrap();
        let file = std::fs::File::create(place.at(ARCHIVE)).unwrap();
        (&file).write_all(&archive).unwrap();
        let changed = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        file.set_modified(changed).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn variables(&self) -> Vec<(String, String)> {
        let at = |name: &str| self.at(name).display().to_string();
        [
            ("HOME", at("home")),
            ("PATH", at("bin")),
            ("TZ", "Europe/Berlin".to_owned()),
            ("HELM_CONFIG_HOME", at("config")),
            ("HELM_CACHE_HOME", at("cache")),
            ("HELM_DATA_HOME", at("data")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// The words of a line, `<place>` standing for this folder.
    fn words(&self, line: &[&str]) -> Vec<String> {
        line.iter().map(|word| word.replace("<place>", &self.folder.path().display().to_string())).collect()
    }

    fn shown(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).replace(&self.folder.path().display().to_string(), "<place>")
    }

    fn ours(&self, line: &[&str], input: &str) -> Answer {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut io = Io {
            stdin: &mut input.as_bytes(),
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

    fn theirs(&self, helm: &Path, line: &[&str], input: &str) -> Answer {
        let mut child = Command::new(helm)
            .args(self.words(line))
            .current_dir(self.folder.path())
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
}

/// Runs lines on both sides, each in a place of its own, and compares.
fn check(helm: &Path, ours: &Place, theirs: &Place, lines: &[(&[&str], &str)]) {
    for (line, input) in lines {
        assert_eq!(ours.ours(line, input), theirs.theirs(helm, line, input), "{line:?} < {input:?}");
    }
}

#[test]
fn registries_are_logged_in_to_and_pushed_to_as_by_helm() {
    const TEST: &str = "registries_are_logged_in_to_and_pushed_to_as_by_helm";
    let (Some(helm), Some(registry)) = (helm(TEST), docker_registry(TEST, false)) else { return };
    let (ours, theirs) = (Place::new(), Place::new());
    let host = &format!("127.0.0.1:{}", registry.port);
    let path = &format!("{host}/team");
    let remote = &format!("oci://{host}/team");
    let archive = &format!("<place>/{ARCHIVE}");
    check(
        &helm,
        &ours,
        &theirs,
        &[
            (&["push", archive, remote], ""),
            (&["push", archive, remote, "--plain-http"], ""),
            (&["push", archive, remote, "--plain-http", "--username", "me"], ""),
            (&["push", archive, remote, "--plain-http", "--username", "me", "--password", "wrong"], ""),
            (&["push", archive, remote, "--plain-http", "--insecure-skip-tls-verify"], ""),
            (&["push", archive, remote, "--plain-http", "--ca-file", "<place>/none.pem"], ""),
            (&["push", archive], ""),
            (&["push"], ""),
            (&["push", archive, "team"], ""),
            (&["push", "<place>/none.tgz", remote], ""),
            (&["registry", "login", host, "-u", "me", "-p", "secret word"], ""),
            (&["registry", "login", host, "-u", "me", "-p", "wrong", "--plain-http"], ""),
            (&["registry", "login", host, "-u", "me", "--password-stdin", "--plain-http"], "wrong\n"),
            (&["registry", "login", host, "--password-stdin", "--plain-http"], "token"),
            (&["registry", "login", host, "-u", "a:b", "-p", "x", "--plain-http"], ""),
            (&["registry", "login", path, "-u", "me", "-p", "secret word", "--plain-http"], ""),
            (&["registry", "login", "a b", "-u", "me", "-p", "x"], ""),
            (&["registry", "login", host, "-u", "me", "--plain-http"], "secret word\n"),
            (&["registry", "login", host, "--plain-http"], "\n"),
            (&["registry", "login", host, "--plain-http"], ""),
            (&["registry", "login"], ""),
            (&["registry", "logout", host], ""),
            (&["registry", "logout"], ""),
            (&["registry", "login", host, "-u", "me", "--password-stdin", "--plain-http"], "secret word\r\n"),
            (&["push", archive, remote, "--plain-http"], ""),
            (&["push", archive, remote, "--plain-http"], ""),
            (&["registry", "logout", host], ""),
            (&["registry", "logout", host], ""),
            (&["push", archive, remote, "--plain-http", "--username", "me", "--password", "secret word"], ""),
            (&["--registry-config", "<place>/other.json", "registry", "logout", host], ""),
        ],
    );
    let file = |place: &Place| std::fs::read_to_string(place.at("config/registry/config.json")).unwrap();
    assert_eq!(file(&ours), file(&theirs));
}

#[test]
fn registries_with_tls_are_trusted_as_by_helm() {
    const TEST: &str = "registries_with_tls_are_trusted_as_by_helm";
    let (Some(helm), Some(registry)) = (helm(TEST), docker_registry(TEST, true)) else { return };
    let (ours, theirs) = (Place::new(), Place::new());
    let host = &format!("localhost:{}", registry.port);
    let remote = &format!("oci://{host}/team");
    let archive = &format!("<place>/{ARCHIVE}");
    let authority = &registry.folder.path().join("ca.pem").display().to_string();
    let key = &registry.folder.path().join("key.pem").display().to_string();
    let login = ["registry", "login", host, "-u", "me", "--password-stdin"];
    let with = |more: &[&'static str]| -> Vec<&str> { login.iter().chain(more).copied().collect() };
    let trusting: Vec<&str> = login.iter().copied().chain(["--ca-file", authority]).collect();
    check(
        &helm,
        &ours,
        &theirs,
        &[
            (&login, "secret word"),
            (&with(&["--plain-http"]), "secret word"),
            (&trusting, "wrong"),
            (&trusting, "secret word"),
            (&["push", archive, remote], ""),
            (&["push", archive, remote, "--plain-http"], ""),
            (&["push", archive, remote, "--ca-file", authority], ""),
            (&["push", archive, remote, "--ca-file", key], ""),
            (&["push", archive, remote, "--ca-file", authority, "--cert-file", authority, "--key-file", key], ""),
            (&["push", archive, remote, "--insecure-skip-tls-verify"], ""),
            (&["push", archive, remote, "--insecure-skip-tls-verify", "--plain-http"], ""),
            (&["registry", "logout", host], ""),
            (&with(&["--insecure"]), "secret word"),
        ],
    );
}

#[test]
fn archives_are_verified_as_by_helm() {
    const TEST: &str = "archives_are_verified_as_by_helm";
    let Some(helm) = helm(TEST) else { return };
    let (ours, theirs) = (Place::new(), Place::new());
    let public = &fixture("public.gpg").display().to_string();
    let archive = &format!("<place>/{ARCHIVE}");
    let keyring = |name: &str| fixture(name).display().to_string();
    let (rita, locked) = (&keyring("rita.gpg"), &keyring("locked.secret.gpg"));
    for provenance in ["helm", "edda", "sub", "rex", "xenia"] {
        for place in [&ours, &theirs] {
            let name = place.at(&format!("{ARCHIVE}.prov"));
            std::fs::copy(fixture(&format!("{provenance}.prov")), name).unwrap();
        }
        for ring in [public, rita, locked] {
            check(&helm, &ours, &theirs, &[(&["verify", archive, "--keyring", ring], "")]);
        }
    }
    for place in [&ours, &theirs] {
        std::fs::write(place.at("text"), "text").unwrap();
        std::fs::create_dir(place.at("folder")).unwrap();
        std::fs::write(place.at("alone.tgz"), "text").unwrap();
        std::fs::write(place.at("odd.tgz"), "text").unwrap();
        std::fs::write(place.at("odd.tgz.prov"), "text").unwrap();
    }
    check(
        &helm,
        &ours,
        &theirs,
        &[
            (&["verify", archive], ""),
            (&["verify", archive, "--keyring", "<place>/none"], ""),
            (&["verify", archive, "--keyring", "<place>/text"], ""),
            (&["verify", "<place>/none.tgz"], ""),
            (&["verify", "<place>/text"], ""),
            (&["verify", "<place>/folder"], ""),
            (&["verify", "<place>/alone.tgz"], ""),
            (&["verify", "<place>/odd.tgz", "--keyring", public], ""),
            (&["verify"], ""),
            (&["verify", "a", "b"], ""),
        ],
    );
}

#[test]
fn archives_are_signed_as_by_helm() {
    const TEST: &str = "archives_are_signed_as_by_helm";
    let Some(helm) = helm(TEST) else { return };
    let (ours, theirs) = (Place::new(), Place::new());
    let keyring = |name: &str| fixture(name).display().to_string();
    let (open, locked, public) = (&keyring("open.secret.gpg"), &keyring("locked.secret.gpg"), &keyring("public.gpg"));
    for place in [&ours, &theirs] {
        std::fs::create_dir(place.at("mine")).unwrap();
        std::fs::write(place.at("mine/Chart.yaml"), "apiVersion: v2\nname: mine\nversion: 1.0.0\n").unwrap();
        std::fs::write(place.at("right"), "open sesame\nmore\n").unwrap();
        std::fs::write(place.at("wrong"), "sesame").unwrap();
        std::fs::write(place.at("empty"), "").unwrap();
    }
    let signing = |more: &[&'static str]| -> Vec<&str> {
        ["package", "<place>/mine", "--destination", "<place>", "--sign"].iter().chain(more).copied().collect()
    };
    let with = |keyring, more: &[&'static str]| -> Vec<&str> {
        let mut line = signing(more);
        line.extend(["--keyring", keyring]);
        line
    };
    check(
        &helm,
        &ours,
        &theirs,
        &[
            (&signing(&[]), ""),
            (&signing(&["--key", "Rita", "--keyring", ""]), ""),
            (&signing(&["--key", "Rita", "--keyring", "<place>/none"]), ""),
            (&signing(&["--key", "Rita"]), ""),
            (&with(open, &["--key", "nobody"]), ""),
            (&with(open, &["--key", "example.org"]), ""),
            (&with(open, &["--key", "example.org", "--passphrase-file", "<place>/none"]), ""),
            (&with(open, &["--key", "nobody", "--passphrase-file", "<place>/none"]), ""),
            (&with(public, &["--key", "Rita"]), ""),
            (&with(open, &["--key", "Rita", "--passphrase-file", "<place>/empty"]), ""),
            (&with(locked, &["--key", "Lotte", "--passphrase-file", "<place>/none"]), ""),
            (&with(locked, &["--key", "Lotte", "--passphrase-file", "<place>/wrong"]), ""),
            (&with(locked, &["--key", "Lotte"]), ""),
            (&with(locked, &["--key", "Lotte", "--passphrase-file", "<place>/right"]), ""),
        ],
    );
    // What either signs, the other verifies.
    let verify: &[&str] = &["verify", "<place>/mine-1.0.0.tgz", "--keyring", public];
    for (line, name) in [
        (with(locked, &["--key", "Lotte", "--passphrase-file", "<place>/right"]), "Lotte"),
        (with(open, &["--key", "Edda"]), "Edda"),
    ] {
        check(&helm, &ours, &theirs, &[(&line, "")]);
        for place in [&ours, &theirs] {
            let answer = place.ours(verify, "");
            assert!(answer.stdout.starts_with(&format!("Signed by: {name}")), "{answer:?}");
            assert_eq!(answer, place.theirs(&helm, verify, ""));
        }
    }
}

#[test]
fn charts_are_pulled_shown_and_rendered_from_registries_as_by_helm() {
    const TEST: &str = "charts_are_pulled_shown_and_rendered_from_registries_as_by_helm";
    let (Some(helm), Some(registry)) = (helm(TEST), docker_registry(TEST, false)) else { return };
    let (ours, theirs) = (Place::new(), Place::new());
    let host = &format!("127.0.0.1:{}", registry.port);
    let remote = &format!("oci://{host}/team");
    for version in ["0.9.0", "1.0.0", "1.1.0+build.1", "2.0.0-rc.1"] {
        for (name, text) in [
            ("Chart.yaml", format!("apiVersion: v2\nname: hub\nversion: {version}\n")),
            ("values.yaml", "who: you\n".to_owned()),
            ("README.md", "# Hub\n".to_owned()),
            (
                "templates/a.yaml",
                "kind: A\nmetadata: {name: '{{ .Release.Name }}'}\nto: {{ .Values.who }}\n".to_owned(),
            ),
        ] {
            let path = theirs.at("hub").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let package = theirs.theirs(&helm, &["package", "<place>/hub", "-d", "<place>"], "");
        assert_eq!(package.exit, 0, "{package:?}");
        let archive = format!("<place>/hub-{version}.tgz");
        let login = ["--plain-http", "--username", "me", "--password", "secret word"];
        let push: Vec<&str> = ["push", &archive, remote].into_iter().chain(login).collect();
        let pushed = theirs.theirs(&helm, &push, "");
        assert_eq!(pushed.exit, 0, "{pushed:?}");
    }
    for place in [&ours, &theirs] {
        std::fs::copy(fixture("helm.prov"), place.at(&format!("{ARCHIVE}.prov"))).unwrap();
        std::fs::create_dir(place.at("out")).unwrap();
    }
    let (hub, hello) = (&format!("{remote}/hub"), &format!("{remote}/hello"));
    let archive = &format!("<place>/{ARCHIVE}");
    let (public, rita) = (&fixture("public.gpg").display().to_string(), &fixture("armoured.asc").display().to_string());
    let none = &format!("{hub}@sha256:{}", "0".repeat(64));
    let to = ["--plain-http", "-d", "<place>/out"];
    let pull = |line: &[&'static str]| -> Vec<String> {
        ["pull"]
            .iter()
            .chain(line)
            .chain(&to)
            .map(|word| word.replace("<hub>", hub).replace("<hello>", hello))
            .collect()
    };
    let pulls: Vec<Vec<String>> = [
        &["<hub>"] as &[&'static str],
        &["<hub>", "--version", ">0.9"],
        &["<hub>", "--version", "1.1.0+build.1"],
        &["<hub>", "--version", "~0.9"],
        &["<hub>", "--version", ">9"],
        &["<hub>", "--devel"],
        &["<hub>:1.0.0"],
        &["<hub>:1.0.0", "--version", "0.9.0"],
        &["<hub>:7.0.0"],
        &["<hub>", "--prov", "--version", "1.0.0"],
        &["<hub>", "--verify", "--version", "1.0.0"],
        &["<hub>", "--untar", "--untardir", "unpacked"],
        &["<hub>", "--untar", "--untardir", "unpacked"],
        &["<hub>", "<hello>"],
        &["<hello>", "--prov"],
        &["<hello>", "--verify", "--keyring", "<place>/none"],
    ]
    .map(pull)
    .to_vec();
    check(&helm, &ours, &theirs, &[(&["pull", hub, "--plain-http", "-d", "<place>/out"], "")]);
    let login: &[&str] = &["registry", "login", host, "-u", "me", "--password-stdin", "--plain-http"];
    check(&helm, &ours, &theirs, &[(login, "secret word")]);
    // The manifest tells the archive's time, which is one in both places: either push leaves the same.
    check(&helm, &ours, &theirs, &[(&["push", archive, remote, "--plain-http"], "")]);
    for line in &pulls {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        check(&helm, &ours, &theirs, &[(&line, "")]);
    }
    check(
        &helm,
        &ours,
        &theirs,
        &[
            (&["pull", hello, "--plain-http", "-d", "<place>/out", "--verify", "--keyring", public], ""),
            (&["pull", none, "--plain-http", "-d", "<place>/out"], ""),
            (&["show", "chart", hub, "--plain-http"], ""),
            (&["show", "values", hub, "--plain-http", "--version", "0.9.0"], ""),
            (&["show", "readme", hub, "--plain-http", "--version", ">2"], ""),
            (&["show", "all", hello, "--plain-http", "--verify", "--keyring", public], ""),
            (&["template", "mine", hub, "--plain-http", "--set", "who=me"], ""),
            (&["template", "mine", hub, "--plain-http", "--version", ">0.0.0-0"], ""),
            (&["template", "mine", hub, "--plain-http", "--verify"], ""),
            (&["template", "mine", hello, "--plain-http", "--verify", "--keyring", public], ""),
            (&["template", "mine", hub], ""),
            (&["template", "mine", &format!("{hub}:1.0.0"), "--plain-http"], ""),
        ],
    );
    // Armoured keyrings are read here, and not by Helm.
    let armoured = ours.ours(&["pull", hello, "--plain-http", "-d", "<place>/out", "--verify", "--keyring", rita], "");
    assert!(armoured.stdout.starts_with("Signed by: Rita"), "{armoured:?}");
    let files = |place: &Place| -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(place.at("out"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().is_file())
            .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    };
    assert_eq!(files(&ours), files(&theirs));
}
