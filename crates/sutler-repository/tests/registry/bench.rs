//! What every test stands on: programs, a registry of its own, a folder of its own, a client whose waits take no time.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sutler_chart::error_chain;
use sutler_repository::oci::{CredentialPlaces, CredentialStore, Part, RegistryClient, RegistryOptions, ResolvedChart};
use sutler_repository::transport::{Clock, Proxies, Transport};

/// User and password of registries that want them, and the line that tells docker-registry (bcrypt).
pub(crate) const USER: &str = "me";
pub(crate) const PASSWORD: &str = "secret word";
const HTPASSWD: &str = "me:$2a$10$ZuVTfB0e2NKBfK4ZwmoASOSjLPM7/52M/hthvDSiEmk9ibrkUplgO\n";

fn peer(variable: &str, name: &str) -> Option<PathBuf> {
    let brought = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin").join(name);
    std::env::var_os(variable).map(PathBuf::from).or_else(|| brought.exists().then_some(brought))
}

pub(crate) fn helm(test: &str) -> Option<PathBuf> {
    let found = peer("SUTLER_HELM", "helm");
    if found.is_none() {
        println!("skipped {test}: no helm at SUTLER_HELM or target/peers/bin/helm");
    }
    found
}

/// A running docker-registry, stopped when dropped.
pub(crate) struct DockerRegistry {
    child: Child,
    pub(crate) host: String,
    _data: tempfile::TempDir,
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a registry lets anybody in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    Password,
}

pub(crate) fn docker_registry(test: &str, door: Door) -> Option<DockerRegistry> {
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
    let data = tempfile::tempdir().unwrap();
    // Another process may take the port before the registry does: then another one is tried.
    for _ in 0..10 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let auth = match door {
            Door::Open => String::new(),
            Door::Password => {
                std::fs::write(data.path().join("htpasswd"), HTPASSWD).unwrap();
                format!("auth: {{htpasswd: {{realm: test, path: {}/htpasswd}}}}\n", data.path().display())
            }
        };
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}/data}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\n{auth}",
            data.path().display()
        );
        std::fs::write(data.path().join("config.yml"), config).unwrap();
        let mut child = Command::new(&program)
            .arg("serve")
            .arg(data.path().join("config.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(DockerRegistry { child, host: format!("127.0.0.1:{port}"), _data: data });
            }
            std::thread::yield_now();
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    panic!("docker-registry does not start on any port");
}

/// Time that passes only in the books.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) waits: Mutex<Vec<Duration>>,
}

impl Clock for Books {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) {
        self.waits.lock().unwrap().push(duration);
    }
}

/// A folder with Helm's files in it, used by both sides.
pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) books: Arc<Books>,
    transport: Transport,
}

impl Home {
    pub(crate) fn new() -> Home {
        let books = Arc::new(Books::default());
        let transport = Transport::new(Proxies::default(), Arc::clone(&books) as Arc<dyn Clock>);
        Home { folder: tempfile::tempdir().unwrap(), books, transport }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn places(&self) -> CredentialPlaces {
        CredentialPlaces {
            registry_config: self.path("config/registry/config.json"),
            docker_config: Some(self.path(".docker/config.json")),
            search_path: self.path("bin").into(),
        }
    }

    pub(crate) fn store(&self) -> CredentialStore {
        CredentialStore::open(&self.places()).unwrap()
    }

    pub(crate) fn client(&self, options: RegistryOptions) -> RegistryClient<'_> {
        RegistryClient::new(&self.transport, options, self.store())
    }

    /// The client of `--plain-http`.
    pub(crate) fn plain(&self) -> RegistryClient<'_> {
        self.client(plain())
    }

    /// `helm pull`, as far as the archive: what stderr would hold, and the bytes.
    pub(crate) fn pull(&self, name: &str, version: &str) -> (String, Vec<u8>) {
        let client = self.plain();
        let mut remarks = String::new();
        let result = client
            .resolve(name, version)
            .and_then(|ResolvedChart { url, .. }| client.fetch(&url, Part::Chart, None, &mut remarks));
        match result {
            Ok(bytes) => (remarks, bytes),
            Err(error) => (format!("{remarks}Error: {}\n", error_chain(&error)), Vec::new()),
        }
    }

    /// `helm push`: what stderr would hold.
    pub(crate) fn push(&self, archive: &Path, remote: &str) -> String {
        let mut remarks = String::new();
        match self.plain().push_file(archive, remote, &TimeZone::UTC, &mut remarks) {
            Ok(_) => remarks,
            Err(error) => format!("{remarks}Error: {}\n", error_chain(&error)),
        }
    }

    /// `helm registry login`: what stderr would hold.
    pub(crate) fn login(&self, host: &str, username: &str, password: &str) -> String {
        let mut remarks = String::new();
        let options = RegistryOptions { username: username.to_owned(), password: password.to_owned(), ..plain() };
        match RegistryClient::login(&self.transport, options, &mut self.store(), host, &mut remarks) {
            Ok(()) => remarks,
            Err(error) => format!("{remarks}Error: {}\n", error_chain(&error)),
        }
    }

    /// The real Helm in this folder.
    pub(crate) fn helm(&self, helm: &Path, arguments: &[&str]) -> Output {
        Command::new(helm)
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", self.path("bin"))
            .env("TZ", "UTC")
            .env("HELM_CONFIG_HOME", self.path("config"))
            .env("HELM_CACHE_HOME", self.path("cache"))
            .env("HELM_DATA_HOME", self.path("data"))
            .output()
            .unwrap()
    }

    /// The real Helm's stderr.
    pub(crate) fn helm_says(&self, helm: &Path, arguments: &[&str]) -> String {
        String::from_utf8(self.helm(helm, arguments).stderr).unwrap()
    }

    /// A chart, packed as Helm would.
    pub(crate) fn chart(&self, chart_yaml: &str) -> PathBuf {
        let field = |name: &str| {
            let line = chart_yaml.lines().find(|line| line.starts_with(name)).unwrap();
            line[name.len()..].trim().to_owned()
        };
        let (name, version) = (field("name:"), field("version:"));
        let path = self.path(&format!("{name}-{version}.tgz"));
        std::fs::write(&path, archive(&name, chart_yaml)).unwrap();
        path
    }
}

pub(crate) fn plain() -> RegistryOptions {
    RegistryOptions { plain_http: true, ..RegistryOptions::default() }
}

/// The bytes of a chart's archive with one file, as ustar in gzip.
pub(crate) fn archive(name: &str, chart_yaml: &str) -> Vec<u8> {
    let mut header = [0u8; 512];
    let path = format!("{name}/Chart.yaml");
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    header[124..135].copy_from_slice(format!("{:011o}", chart_yaml.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut tar = header.to_vec();
    tar.extend_from_slice(chart_yaml.as_bytes());
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, &tar).unwrap();
    gzip.finish().unwrap()
}

/// A GET without anything in between.
pub(crate) fn get(home: &Home, url: &str, accept: &str) -> Vec<u8> {
    let tls = sutler_repository::transport::TlsOptions::default();
    let request = sutler_repository::transport::Request::new(sutler_repository::transport::Method::Get, url, &tls)
        .header("Accept", accept);
    let response = home.transport.send(&request).unwrap();
    assert_eq!(response.status, 200, "{url}");
    response.body
}
