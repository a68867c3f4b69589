//! A chart repository with an index of 20 MB, as Helm writes one: its files, and a server on loopback that gives them.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// How large the index is at least, in bytes.
const SIZE: usize = 20 << 20;

/// Versions of each chart.
const VERSIONS: usize = 120;

/// A chart of the repository.
pub(super) const CHART: &str = "chart-0100";

/// The same with the repository's name.
pub(super) const REFERENCE: &str = "bench/chart-0100";

/// Writes Helm's configuration with the repository `bench` and its cached index below `home`, and serves its charts from
/// `package`, whatever version is asked for, until the program ends.
///
/// The folders are those that `HELM_CONFIG_HOME` and `HELM_CACHE_HOME` name: `config` and `cache`.
pub(super) fn write(home: &Path, package: &Path) -> Result<()> {
    let package = fs::read(package).with_context(|| format!("cannot read `{}`", package.display()))?;
    let digest: String = Sha256::digest(&package).iter().map(|byte| format!("{byte:02x}")).collect();
    let address = serve(package)?;
    let put = |file: &str, text: &str| {
        let path = home.join(file);
        let parent = path.parent().unwrap_or(home);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write `{}`", path.display()))
    };
    put(
        "config/repositories.yaml",
        &format!(
            "apiVersion: \"\"\ngenerated: \"0001-01-01T00:00:00Z\"\nrepositories:\n- name: bench\n  url: {address}\n"
        ),
    )?;
    put("cache/repository/bench-index.yaml", &text(&address, &digest)?)
}

fn text(address: &str, digest: &str) -> Result<String> {
    let mut text = String::from("apiVersion: v1\nentries:\n");
    let mut chart = 0;
    while text.len() < SIZE {
        chart += 1;
        writeln!(text, "  chart-{chart:04}:").context("cannot make the index")?;
        for version in (0..VERSIONS).rev() {
            let (major, minor, patch) = (version / 40, version / 4 % 10, version % 4);
            entry(&mut text, address, digest, &format!("chart-{chart:04}"), &format!("{major}.{minor}.{patch}"))
                .context("cannot make the index")?;
        }
    }
    text.push_str("generated: \"2026-01-02T03:04:05.678901234Z\"\n");
    Ok(text)
}

fn entry(text: &mut String, address: &str, digest: &str, name: &str, version: &str) -> std::fmt::Result {
    write!(
        text,
        "  - annotations:\n      category: Infrastructure\n      images: |\n        - name: {name}\n          image: registry.example.com/{name}:{version}-debian-12-r3\n        \
         - name: os-shell\n          image: registry.example.com/os-shell:12-debian-12-r46\n      licenses: Apache-2.0\n    \
         apiVersion: v2\n    appVersion: {version}\n    created: \"2026-01-02T03:04:05.678901234Z\"\n    dependencies:\n    - name: common\n      \
         repository: https://charts.example.com/common\n      tags:\n      - common\n      version: 2.x.x\n    \
         description: What {name} is for, in a sentence as long as most of them are.\n      It goes on in a second line.\n    digest: {digest}\n    \
         home: https://charts.example.com\n    icon: https://charts.example.com/{name}/icon.svg\n    keywords:\n    - {name}\n    - database\n    \
         - infrastructure\n    maintainers:\n    - name: The charts' maintainers\n      url: https://git.example.com/charts\n    name: {name}\n    \
         sources:\n    - https://git.example.com/charts/tree/main/{name}\n    urls:\n    - {address}/{name}-{version}.tgz\n    version: {version}\n",
    )
}

/// Answers every request with the package; the address to ask.
fn serve(package: Vec<u8>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("could not listen on loopback")?;
    let address = format!("http://{}", listener.local_addr().context("could not listen on loopback")?);
    let package = Arc::new(package);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let package = Arc::clone(&package);
            // A client that goes away in the middle fails by itself.
            std::thread::spawn(move || answer(&stream, &package));
        }
    });
    Ok(address)
}

fn answer(mut stream: &TcpStream, package: &[u8]) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", package.len())?;
    stream.write_all(package)
}
