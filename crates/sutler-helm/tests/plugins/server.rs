//! What plugins are fetched from, on loopback: archives by HTTP, a registry that only gives, and repositories as files.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use sutler_repository::cache::Digest;
use sutler_repository::provenance::{Keyring, SigningKey};

/// plugin.yaml of the plugin that most archives hold.
pub(crate) const PLUGIN: &str =
    "name: hello\nversion: 0.1.0\nusage: say hello\ncommand: \"$HELM_PLUGIN_DIR/hello.sh\"\n";
/// Its program, whose exit code is the number of its words: what it printed would go past the test.
pub(crate) const PROGRAM: &str = "#!/bin/sh\nexit $#\n";

/// A running server.
pub(crate) struct Server {
    /// Host and port.
    pub(crate) address: String,
    /// The digest of the manifest of `/p/hello`.
    pub(crate) digest: String,
}

/// What a path has.
struct Page {
    status: &'static str,
    media_type: &'static str,
    body: Vec<u8>,
    /// How many bytes of the body come before the connection is cut.
    sent: usize,
}

impl Page {
    fn new(media_type: &'static str, body: impl Into<Vec<u8>>) -> Page {
        let body = body.into();
        Page { status: "200 OK", media_type, sent: body.len(), body }
    }
}

/// A gzipped tar: names with a type (`0` for files) and a mode, and their content.
pub(crate) fn archive(entries: &[(&str, u8, u32, &str)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, kind, mode, data) in entries {
        let mut header = [0; 512];
        let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, name);
        put(100, &format!("{mode:07o}"));
        put(108, "0000000");
        put(116, "0000000");
        put(124, &format!("{:011o}", data.len()));
        put(136, "14535370000");
        put(148, "        ");
        put(257, "ustar\x0000");
        header[156] = *kind;
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(data.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(&tar).unwrap();
    zipped.finish().unwrap()
}

/// The archive as `plugin package` makes it: all in a folder of the plugin's name.
pub(crate) fn packaged() -> Vec<u8> {
    archive(&[
        ("hello", b'5', 0o700, ""),
        ("hello/plugin.yaml", b'0', 0o644, PLUGIN),
        ("hello/hello.sh", b'0', 0o755, PROGRAM),
        ("hello/secret", b'0', 0o400, "read only"),
        ("hello/open", b'0', 0o4777, "for all"),
    ])
}

/// Archives that are installed, and such that are not, by place.
pub(crate) fn archives() -> Vec<(&'static str, Vec<u8>)> {
    let yaml = ("plugin.yaml", b'0', 0o644, PLUGIN);
    let with = |more: (&'static str, u8, u32, &'static str)| archive(&[yaml, more]);
    let whole = packaged();
    let cut = whole[..whole.len() / 2].to_vec();
    let start = whole[..40].to_vec();
    vec![
        ("folder", whole),
        ("top", archive(&[yaml, ("hello.sh", b'0', 0o755, PROGRAM)])),
        ("listed", archive(&[yaml, ("sub", b'5', 0o755, ""), ("sub/x", b'0', 0o644, "x")])),
        ("unlisted", with(("sub/x", b'0', 0o644, "x"))),
        ("dot", archive(&[("./", b'5', 0o755, ""), ("./plugin.yaml", b'0', 0o644, PLUGIN), ("./a", b'0', 0o644, "a")])),
        ("two", archive(&[("b/plugin.yaml", b'0', 0o644, PLUGIN), ("a/plugin.yaml", b'0', 0o644, PLUGIN)])),
        ("cut", cut),
        ("start", start),
        ("text", b"this is no archive at all".to_vec()),
        ("nothing", Vec::new()),
        ("short", vec![0x1f, 0x8b]),
        ("above", with(("../evil", b'0', 0o644, "x"))),
        ("absolute", with(("/evil", b'0', 0o644, "x"))),
        ("colon", with(("a:b", b'0', 0o644, "x"))),
        ("backslash", with(("..\\evil", b'0', 0o644, "x"))),
        ("link", with(("link", b'2', 0o777, ""))),
        ("hardlink", with(("link", b'1', 0o644, ""))),
        ("under-file", archive(&[yaml, ("a", b'0', 0o644, ""), ("a/b", b'0', 0o644, "")])),
        ("empty", archive(&[])),
        ("no-plugin", archive(&[("a", b'0', 0o644, "a")])),
        ("deep", archive(&[("a/b/plugin.yaml", b'0', 0o644, PLUGIN)])),
        ("bad-yaml", archive(&[("plugin.yaml", b'0', 0o644, "name: [\n")])),
        ("bad-name", archive(&[("plugin.yaml", b'0', 0o644, "name: a b\nversion: 1.0.0\n")])),
    ]
}

/// A provenance of [`packaged`], signed by Edda.
fn provenance() -> String {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sutler-repository/tests/provenance/open.secret.gpg");
    let keyring = Keyring::read(&keys).unwrap();
    let key = SigningKey::unlock(&keyring, "edda", &mut |_| unreachable!("the key is not locked")).unwrap();
    key.sign("Name: hello\n", "hello-0.1.0.tgz", &packaged(), jiff::Timestamp::now()).unwrap()
}

impl Server {
    /// Starts one; what `repositories` holds is below `/git/`.
    pub(crate) fn start(repositories: &Path) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut pages = BTreeMap::new();
        for (place, bytes) in archives() {
            pages.insert(format!("/{place}/hello-0.1.0.tgz"), Page::new("application/gzip", bytes));
        }
        let signature = provenance();
        for (place, bytes) in [("signed", packaged()), ("forged", archive(&[("plugin.yaml", b'0', 0o644, PLUGIN)]))] {
            pages.insert(format!("/{place}/hello-0.1.0.tgz"), Page::new("application/gzip", bytes));
            pages.insert(format!("/{place}/hello-0.1.0.tgz.prov"), Page::new("text/plain", signature.clone()));
        }
        pages.insert("/typed/hello".to_owned(), Page::new("application/x-gzip", packaged()));
        pages.insert("/untyped/hello-0.1.0.tar.gz".to_owned(), Page::new("text/plain", packaged()));
        let page = format!(
            "<html><head><meta name=\"go-import\" content=\"{address}/import git http://{address}/git/hello.git\"></head></html>"
        );
        pages.insert("/import".to_owned(), Page::new("text/html", page));
        let whole = Page::new("application/gzip", packaged());
        pages.insert("/broken/hello-0.1.0.tgz".to_owned(), Page { sent: whole.body.len() / 2, ..whole });
        for (place, status) in [("e401", "401 Unauthorized"), ("e404", "404 Not Found"), ("e500", "500 Oh Dear")] {
            let page = Page { status, ..Page::new("application/gzip", "") };
            pages.insert(format!("/{place}/hello-0.1.0.tgz"), page);
        }
        let digest = registry(&mut pages, signature.into_bytes());
        let (pages, root) = (Arc::new(pages), repositories.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, pages, root) = (stream.unwrap(), Arc::clone(&pages), root.clone());
                std::thread::spawn(move || answer(&mut stream, &pages, &root));
            }
        });
        Server { address, digest }
    }
}

/// Adds plugins as a registry has them; gives the digest of the first one's manifest.
fn registry(pages: &mut BTreeMap<String, Page>, signature: Vec<u8>) -> String {
    const PLUGIN_TYPE: &str = "application/vnd.helm.plugin.v1+json";
    const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
    const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    let named = |place: &str| archives().into_iter().find(|(name, _)| *name == place).unwrap().1;
    let mut put = |name: &str, title: &str, types: [&str; 3], bytes: Vec<u8>, blob: Option<Vec<u8>>| {
        let digest = |bytes: &[u8]| format!("sha256:{}", Digest::of(bytes));
        let [artifact, config, layer] = types;
        let layer_of = |title: &str, bytes: &[u8]| {
            serde_json::json!({
                "mediaType": layer, "digest": digest(bytes), "size": bytes.len(),
                "annotations": {"org.opencontainers.image.title": title},
            })
        };
        let mut layers = vec![layer_of(title, &bytes)];
        if name.starts_with("signed/") {
            layers.push(layer_of(&format!("{title}.prov"), &signature));
            let page = Page::new("application/octet-stream", signature.clone());
            pages.insert(format!("/v2/{name}/blobs/{}", digest(&signature)), page);
        }
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": artifact,
            "config": {"mediaType": config, "digest": digest(b"{}"), "size": 2},
            "layers": layers,
        });
        let manifest = manifest.to_string().into_bytes();
        let of_manifest = digest(&manifest);
        let at = digest(&bytes);
        for tag in ["0.1.0", "0.1.0_b", &of_manifest] {
            let page = Page::new("application/vnd.oci.image.manifest.v1+json", manifest.clone());
            pages.insert(format!("/v2/{name}/manifests/{tag}"), page);
        }
        let content = Page::new("application/octet-stream", blob.unwrap_or(bytes));
        pages.insert(format!("/v2/{name}/blobs/{at}"), content);
        of_manifest
    };
    let title = "hello-0.1.0.tgz";
    let usual = [PLUGIN_TYPE, EMPTY_TYPE, LAYER_TYPE];
    let first = put("p/hello", title, usual, packaged(), None);
    put("old/hello", title, ["", PLUGIN_TYPE, LAYER_TYPE], packaged(), None);
    put("signed/hello", title, usual, packaged(), None);
    put("top/hello", title, usual, named("top"), None);
    put("two/hello", title, usual, named("two"), None);
    put("other-type/hello", title, ["application/x", EMPTY_TYPE, LAYER_TYPE], packaged(), None);
    put("no-type/hello", title, ["", EMPTY_TYPE, LAYER_TYPE], packaged(), None);
    put("other-title/hello", "x-0.1.0.tgz", usual, packaged(), None);
    put("other-layer/hello", title, [PLUGIN_TYPE, EMPTY_TYPE, "application/x"], packaged(), None);
    put("text/hello", title, usual, named("text"), None);
    put("above/hello", title, usual, named("above"), None);
    put("deep/hello", title, usual, named("deep"), None);
    put("no-plugin/hello", title, usual, named("no-plugin"), None);
    let mut lying = packaged();
    *lying.last_mut().unwrap() ^= 1;
    put("lying/hello", title, usual, packaged(), Some(lying));
    first
}

/// Answers one request.
fn answer(stream: &mut (impl Read + Write), pages: &BTreeMap<String, Page>, repositories: &Path) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !stream.read(&mut byte).is_ok_and(|read| read == 1) {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default().to_owned();
    let missing = Page { status: "404 Not Found", ..Page::new("text/plain", "") };
    let of_repository = path.strip_prefix("/git/").map(|inner| {
        let file: PathBuf = repositories.join(inner);
        std::fs::read(file).map_or(Page { status: "404 Not Found", ..Page::new("text/plain", "") }, |bytes| {
            Page::new("text/plain", bytes)
        })
    });
    let login = Page { status: "401 Unauthorized", ..Page::new("text/plain", "") };
    let wants_login = path.starts_with("/v2/closed/");
    let page = match &of_repository {
        Some(page) => page,
        None if wants_login => &login,
        None => pages.get(&path).unwrap_or(&missing),
    };
    let digest = if path.contains("/manifests/") {
        format!("Docker-Content-Digest: sha256:{}\r\n", Digest::of(&page.body))
    } else {
        String::new()
    };
    let challenge = if wants_login { "WWW-Authenticate: Basic realm=\"x\"\r\n" } else { "" };
    // The client may have gone away.
    let _ = write!(
        stream,
        "HTTP/1.1 {}\r\nConnection: close\r\nContent-Type: {}\r\n{digest}{challenge}Content-Length: {}\r\n\r\n",
        page.status,
        page.media_type,
        page.body.len()
    );
    if !head.starts_with("HEAD") {
        let _ = stream.write_all(&page.body[..page.sent]);
    }
    let _ = stream.flush();
}
