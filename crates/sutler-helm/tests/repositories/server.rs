//! A repository on loopback: static files, and places that misbehave.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sutler_chart::package::archive;
use sutler_chart::{Chart, ChartSource};
use sutler_repository::index::IndexFile;

/// A running server; its folder goes with it.
pub(crate) struct Server {
    /// `http://127.0.0.1:…`.
    pub(crate) url: String,
    folder: tempfile::TempDir,
}

const CHARTS: &[(&str, &str, &str)] = &[
    (
        "hub",
        "1.0.0",
        "description: Many notebooks for people who want them in great number\nappVersion: \"5\"\nkeywords: [python]\n",
    ),
    ("hub", "1.1.0", "description: Many notebooks\nappVersion: 5.1.0\n"),
    ("hub", "2.0.0-rc.1", "description: x\n"),
    ("web", "0.1.0", "description: A hub of webs\n"),
    ("lib", "3.2.1", "type: library\ndescription: <a> & b\n"),
];

/// `u:p` as basic auth has it, in lower case.
const LOGIN: &str = "authorization: basic dtpw";

impl Server {
    pub(crate) fn start() -> Server {
        let folder = content();
        let (listener, url) = listen("http");
        let root = folder.path().to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, root) = (stream.unwrap(), root.clone());
                std::thread::spawn(move || answer(&mut stream, &root));
            }
        });
        Server { url, folder }
    }

    /// With TLS: the server wants a certificate of the client. What the client needs is written into a folder.
    pub(crate) fn start_with_tls(into: &Path) -> Server {
        use rustls::pki_types::pem::PemObject as _;
        use rustls::pki_types::{CertificateDer, PrivateKeyDer};
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "test authority");
        let authority = parameters.self_signed(&authority_key).unwrap().pem();
        let issuer = rcgen::Issuer::new(parameters, authority_key);
        let certified = |names: Vec<String>| {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut parameters = rcgen::CertificateParams::new(names).unwrap();
            parameters.extended_key_usages =
                vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
            (parameters.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
        };
        let (client, client_key) = certified(vec!["client".to_owned()]);
        let (server, server_key) = certified(vec!["127.0.0.1".to_owned()]);
        for (name, text) in [("ca.pem", &authority), ("client.pem", &client), ("client-key.pem", &client_key)] {
            std::fs::write(into.join(name), text).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(server.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(server_key.as_bytes()).unwrap(),
            )
            .unwrap();
        let config = Arc::new(config);
        let folder = content();
        let (listener, url) = listen("https");
        let root = folder.path().to_owned();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let (mut stream, root) = (rustls::StreamOwned::new(session, socket.unwrap()), root.clone());
                std::thread::spawn(move || {
                    answer(&mut stream, &root);
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                    // What was refused by an alert is not cut off before the alert is read.
                    let _ = stream.sock.read(&mut [0]);
                });
            }
        });
        Server { url, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn listen(scheme: &str) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// The files: charts and their index, and indexes that are wrong in some way.
fn content() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path: PathBuf = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let now = "2024-01-02T03:04:05Z".parse().unwrap();
    for (name, version, more) in CHARTS {
        let chart = Chart::load(ChartSource::files([
            ("Chart.yaml", format!("apiVersion: v2\nname: {name}\nversion: {version}\n{more}")),
            ("templates/a.yaml", "kind: A\n".to_owned()),
            ("values.yaml", "a: 1\n".to_owned()),
        ]))
        .unwrap();
        let package = archive(&chart, now).unwrap();
        write(&format!("charts/{}", package.file_name), &package.bytes);
        write(&format!("lying/{}", package.file_name), &package.bytes);
    }
    let mut index = IndexFile::of_folder(&folder.path().join("charts"), "", "2024-01-02T03:04:05.6Z").unwrap();
    index.sort();
    let text = index.to_yaml().unwrap();
    write("charts/index.yaml", text.as_bytes());
    let lying: Vec<String> = text
        .lines()
        .map(|line| match line.split_once("digest: ") {
            Some((before, digest)) => format!("{before}digest: \"00000000{}\"", &digest.trim_matches('"')[8..]),
            None => line.to_owned(),
        })
        .collect();
    write("lying/index.yaml", lying.join("\n").as_bytes());
    write("cut/index.yaml", &text.as_bytes()[..text.rfind("urls").unwrap() + 2]);
    write("empty/index.yaml", b"");
    write("html/index.yaml", b"<html>hi</html>");
    write("unknown/index.yaml", b"apiVersion: v1\nfoo: bar\nentries: {}\n");
    write("bad/index.yaml", text.replace("version: 1.1.0", "version: nonsense").as_bytes());
    folder
}

/// Answers one request.
fn answer(stream: &mut (impl Read + Write), root: &Path) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !stream.read(&mut byte).is_ok_and(|read| read == 1) {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (place, rest) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let mut reply = |status: &str, headers: &str, body: &[u8]| {
        // The client may have gone away.
        let _ =
            write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(body);
        let _ = stream.flush();
    };
    let place = match place {
        "auth" if !head.to_lowercase().contains(LOGIN) => return reply("401 Unauthorized", "", b""),
        "auth" => "charts",
        "loop" => return reply("302 Found", &format!("Location: {path}\r\n"), b""),
        "e500" => return reply("500 Oh Dear", "", b""),
        "e429" => return reply("429 Too Many Requests", "", b""),
        "eof" => return,
        "slow" => {
            // Until the client hangs up.
            let _ = stream.read(&mut byte);
            return;
        }
        "short" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\napiVersion: v1\n");
            return;
        }
        place => place,
    };
    match std::fs::read(root.join(place).join(rest)) {
        Ok(body) => reply("200 OK", "", &body),
        Err(_) => reply("404 File not found", "", b""),
    }
}
