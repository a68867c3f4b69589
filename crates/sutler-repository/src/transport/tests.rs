//! The transport against servers on loopback that answer as told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};

use sutler_chart::error_chain;

use super::*;

/// A clock that stands at the start of 1970 and adds up what it was asked to sleep, in milliseconds.
#[derive(Default)]
struct Watched(AtomicU64);

impl Clock for Watched {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn sleep(&self, duration: Duration) {
        self.0.fetch_add(u64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// A server that answers the n-th request by a function of its number and head, and hangs up after each.
fn serve(answer: impl Fn(usize, &str, &mut dyn Write) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let head = read_head(&mut stream);
            answer(number, &head, &mut stream);
        }
    });
    address
}

fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn ok(out: &mut dyn Write, body: &str) {
    write!(out, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
}

struct Client {
    transport: Transport,
    clock: Arc<Watched>,
}

fn client() -> Client {
    let clock = Arc::new(Watched::default());
    Client { transport: Transport::new(Proxies::default(), clock.clone()), clock }
}

impl Client {
    /// The body, or the text of the error with the port left out.
    fn get(&self, address: SocketAddr, path: &str, options: &GetOptions) -> String {
        match self.transport.get(&format!("http://{address}{path}"), options) {
            Ok(body) => String::from_utf8(body).unwrap(),
            Err(error) => error_chain(&error).replace(&address.to_string(), "HOST"),
        }
    }

    fn slept(&self) -> u64 {
        self.clock.0.load(Ordering::SeqCst)
    }
}

#[test]
fn a_body_comes_as_it_was_sent() {
    let address = serve(|_, head, out| {
        assert!(head.starts_with("GET /a%20b?c=1 HTTP/1.1\r\n"), "{head}");
        assert!(head.to_lowercase().contains("user-agent: helm/4.1.4\r\n"), "{head}");
        assert!(!head.to_lowercase().contains("accept-encoding"), "{head}");
        out.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            .unwrap();
    });
    assert_eq!(client().get(address, "/a b?c=1", &GetOptions::default()), "abcde");
}

#[test]
fn errors_have_the_texts_of_go() {
    for (answer, expected) in [
        (
            "HTTP/1.1 404 File not found\r\nContent-Length: 0\r\n\r\n",
            "failed to fetch http://HOST/x : 404 File not found",
        ),
        ("HTTP/1.0 401 Unauthorized\r\n\r\nno", "failed to fetch http://HOST/x : 401 Unauthorized"),
        ("", "Get \"http://HOST/x\": EOF"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "unexpected EOF"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "unexpected EOF"),
        (
            "hello\r\n\r\n",
            "Get \"http://HOST/x\": net/http: HTTP/1.x transport connection broken: malformed HTTP response \"hello\"",
        ),
    ] {
        let address = serve(move |_, _, out| out.write_all(answer.as_bytes()).unwrap());
        assert_eq!(client().get(address, "/x", &GetOptions::default()), expected, "{answer}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(
        client().get(nobody, "/x", &GetOptions::default()),
        "Get \"http://HOST/x\": dial tcp HOST: connect: connection refused"
    );
}

#[test]
fn a_server_that_keeps_silent_ends_at_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = GetOptions { timeout: Some(Duration::from_millis(50)), ..GetOptions::default() };
    assert_eq!(
        client().get(listener.local_addr().unwrap(), "/x", &options),
        "Get \"http://HOST/x\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    );
    let address = serve(|_, _, out| {
        out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").unwrap();
        // Held open until the client hangs up.
        std::mem::forget(TcpListener::bind("127.0.0.1:0").unwrap());
        loop {
            std::thread::park();
        }
    });
    assert_eq!(
        client().get(address, "/x", &options),
        "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
    );
}

#[test]
fn busy_servers_are_asked_again_after_the_wait_they_ask_for() {
    let address = serve(|number, _, out| match number {
        0 => out.write_all(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n").unwrap(),
        1 => out.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").unwrap(),
        _ => ok(out, "there"),
    });
    let client = client();
    assert_eq!(client.get(address, "/", &GetOptions::default()), "there");
    assert_eq!(client.slept(), 3000 + 500);

    let address = serve(|number, _, out| {
        if number == 1 {
            ok(out, "again");
        }
    });
    assert_eq!(client.get(address, "/", &GetOptions::default()), "again");
    assert_eq!(client.slept(), 3500 + 250);
}

#[test]
fn a_server_that_stays_broken_is_given_up() {
    let address = serve(|number, _, out| {
        assert!(number < 3);
        let date = "Thu, 01 Jan 1970 00:05:00 GMT";
        write!(out, "HTTP/1.1 500 Oops\r\nRetry-After: {date}\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let client = client();
    assert_eq!(client.get(address, "/x", &GetOptions::default()), "failed to fetch http://HOST/x : 500 Oops");
    assert_eq!(client.slept(), 20_000, "the wait is bounded whatever the server asks for");
}

#[test]
fn redirects_are_followed_ten_times() {
    let address = serve(|_, head, out| {
        let path = head.split(' ').nth(1).unwrap();
        match path {
            "/a/start" => {
                out.write_all(b"HTTP/1.1 302 Found\r\nLocation: ../b?x=1\r\nContent-Length: 0\r\n\r\n").unwrap()
            }
            "/b?x=1" => ok(out, "arrived"),
            "/none" => out.write_all(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").unwrap(),
            _ => out.write_all(b"HTTP/1.1 301 Moved\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n").unwrap(),
        }
    });
    let client = client();
    let get = |path| client.get(address, path, &GetOptions::default());
    assert_eq!(get("/a/start"), "arrived");
    assert_eq!(get("/loop"), "Get \"/loop\": stopped after 10 redirects");
    assert_eq!(get("/none"), "failed to fetch http://HOST/none : 302 Found");
}

#[test]
fn credentials_go_to_their_host_only() {
    let secret = |head: &str| head.to_lowercase().contains("authorization");
    let elsewhere = serve(move |_, head, out| ok(out, if secret(head) { "secret" } else { "nothing" }));
    let address = serve(move |_, head, out| {
        if head.starts_with("GET /away") {
            let port = elsewhere.port();
            // Another name for the same machine is another host.
            write!(out, "HTTP/1.1 302 Found\r\nLocation: http://localhost:{port}/\r\nContent-Length: 0\r\n\r\n")
                .unwrap();
        } else {
            ok(out, if secret(head) { "secret" } else { "nothing" });
        }
    });
    let options = |repository: String, all| GetOptions {
        repository_url: repository,
        username: "u".into(),
        password: "p".into(),
        pass_credentials_all: all,
        ..GetOptions::default()
    };
    let get = |path, options: &GetOptions| client().get(address, path, options);
    assert_eq!(get("/here", &options(format!("http://{address}/charts"), false)), "secret");
    assert_eq!(get("/here", &options("http://127.0.0.1:1/charts".into(), false)), "nothing");
    assert_eq!(get("/here", &options("http://127.0.0.1:1/charts".into(), true)), "secret");
    assert_eq!(get("/away", &options(format!("http://{address}/charts"), false)), "nothing");
}

#[test]
fn a_larger_body_than_asked_for_is_refused() {
    let address = serve(|_, _, out| ok(out, "0123456789"));
    let url = format!("http://{address}/");
    let tls = TlsOptions::default();
    let mut request = Request::new(Method::Get, &url, &tls);
    request.largest_body = 5;
    let error = client().transport.send(&request).unwrap_err();
    assert_eq!(error_chain(&error), "response is larger than 5 bytes");
}

#[test]
fn a_body_is_sent_and_headers_come_back() {
    let address = serve(|_, head, out| {
        assert!(head.starts_with("PUT /upload HTTP/1.1\r\n"), "{head}");
        assert!(head.to_lowercase().contains("content-length: 5\r\n"), "{head}");
        out.write_all(b"HTTP/1.1 201 Created\r\nDocker-Content-Digest: sha256:1\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let url = format!("http://{address}/upload");
    let tls = TlsOptions::default();
    let mut request = Request::new(Method::Put, &url, &tls);
    request.body = b"bytes";
    let response = client().transport.send(&request).unwrap();
    assert_eq!((response.status, response.status_text.as_str()), (201, "201 Created"));
    assert_eq!(response.header("docker-content-digest"), Some("sha256:1"));
}

#[test]
fn a_proxy_is_told_the_whole_url_and_who_asks() {
    let proxy = serve(|_, head, out| {
        assert!(head.starts_with("GET http://charts.example.com/index.yaml HTTP/1.1\r\n"), "{head}");
        assert!(head.to_lowercase().contains("proxy-authorization: basic dtpw\r\n"), "{head}");
        ok(out, "through");
    });
    let proxies = Proxies { http: format!("http://u:p@{proxy}"), ..Proxies::default() };
    let transport = Transport::new(proxies, Arc::new(Watched::default()));
    let body = transport.get("http://charts.example.com/index.yaml", &GetOptions::default()).unwrap();
    assert_eq!(body, b"through");
}

#[test]
fn a_proxy_that_refuses_to_connect_is_quoted() {
    let proxy = serve(|_, head, out| {
        assert!(head.starts_with("CONNECT charts.example.com:443 HTTP/1.1\r\n"), "{head}");
        out.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap();
    });
    let proxies = Proxies { https: proxy.to_string(), ..Proxies::default() };
    let transport = Transport::new(proxies, Arc::new(Watched::default()));
    let tls =
        GetOptions { tls: TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() }, ..Default::default() };
    let error = transport.get("https://charts.example.com/index.yaml", &tls).unwrap_err();
    assert_eq!(error_chain(&error), "Get \"https://charts.example.com/index.yaml\": Forbidden");
}

mod secure {
    //! TLS, with certificates made for the test.

    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::server::WebPkiClientVerifier;

    struct Certified {
        certificate: String,
        key: String,
    }

    struct Authority {
        certificate: String,
        issuer: Issuer<'static, KeyPair>,
    }

    fn authority() -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    impl Authority {
        fn certify(&self, names: &[SanType]) -> Certified {
            let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
            params.subject_alt_names = names.to_vec();
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
            Certified { certificate, key: key.serialize_pem() }
        }
    }

    fn address_name() -> SanType {
        SanType::IpAddress("127.0.0.1".parse().unwrap())
    }

    /// A server with a certificate that, where an authority is given, wants one of the client too.
    fn serve_tls(server: &Certified, clients: Option<&Authority>) -> SocketAddr {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let chain = vec![CertificateDer::from_pem_slice(server.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
        let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = rustls::StreamOwned::new(session, socket.unwrap());
                if read_head(&mut stream).starts_with("GET ") {
                    ok(&mut stream, "secure");
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                } else {
                    // An alert was sent; the client must have time to read it.
                    let _ = stream.sock.read(&mut [0]);
                }
            }
        });
        address
    }

    fn get(address: SocketAddr, host: &str, options: TlsOptions) -> String {
        let options = GetOptions { tls: options, timeout: Some(Duration::from_secs(5)), ..GetOptions::default() };
        let host = format!("{host}:{}", address.port());
        match client().transport.get(&format!("https://{host}/x"), &options) {
            Ok(body) => String::from_utf8(body).unwrap(),
            Err(error) => error_chain(&error).replace(&host, "HOST"),
        }
    }

    fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_server_is_trusted_by_its_authority_its_name_or_on_demand() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (authority(), authority());
        let address = serve_tls(&ours.certify(&[address_name()]), None);
        let ca = |authority: &Authority| TlsOptions {
            ca_file: file(&folder, "ca.pem", &authority.certificate),
            ..TlsOptions::default()
        };
        assert_eq!(get(address, "127.0.0.1", ca(&ours)), "secure");
        assert_eq!(
            get(address, "127.0.0.1", ca(&other)),
            "Get \"https://HOST/x\": tls: failed to verify certificate: x509: certificate signed by unknown authority"
        );
        assert_eq!(
            get(address, "localhost", ca(&ours)),
            "Get \"https://HOST/x\": tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match localhost"
        );
        assert_eq!(
            get(address, "localhost", TlsOptions { insecure_skip_verify: true, ..Default::default() }),
            "secure"
        );
    }

    #[test]
    fn a_self_signed_certificate_is_its_own_authority() {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let server = Certified { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
        let address = serve_tls(&server, None);
        let options = TlsOptions { ca_file: file(&folder, "ca.pem", &server.certificate), ..TlsOptions::default() };
        assert_eq!(get(address, "localhost", options.clone()), "secure");
        assert_eq!(
            get(address, "127.0.0.1", options),
            "Get \"https://HOST/x\": tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"
        );
    }

    #[test]
    fn a_client_shows_its_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let ours = authority();
        let address = serve_tls(&ours.certify(&[address_name()]), Some(&ours));
        let client = ours.certify(&[]);
        let without = TlsOptions { ca_file: file(&folder, "ca.pem", &ours.certificate), ..TlsOptions::default() };
        let with = TlsOptions {
            cert_file: file(&folder, "cert.pem", &client.certificate),
            key_file: file(&folder, "key.pem", &client.key),
            ..without.clone()
        };
        assert_eq!(get(address, "127.0.0.1", with), "secure");
        assert_eq!(
            get(address, "127.0.0.1", without),
            "Get \"https://HOST/x\": remote error: tls: certificate required"
        );
    }

    #[test]
    fn files_that_are_no_certificates_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let address = serve_tls(&authority().certify(&[address_name()]), None);
        let empty = file(&folder, "empty.pem", "nothing");
        let prefix = "can't create TLS config for client: ";
        let message = |options| get(address, "127.0.0.1", options).strip_prefix(prefix).unwrap().to_owned();
        assert_eq!(
            message(TlsOptions { ca_file: "/nowhere".into(), ..Default::default() }),
            "can't read CA file: \"/nowhere\": open /nowhere: no such file or directory"
        );
        assert_eq!(
            message(TlsOptions { ca_file: empty.clone(), ..Default::default() }),
            "failed to append certificates from pem block"
        );
        assert_eq!(
            message(TlsOptions { cert_file: empty.clone(), key_file: empty, ..Default::default() }),
            "unable to load cert from key pair: tls: failed to find any PEM data in certificate input"
        );
        assert_eq!(
            message(TlsOptions { cert_file: "/a".into(), key_file: "/b".into(), ..Default::default() }),
            "unable to read cert file: \"/a\": open /a: no such file or directory"
        );
    }

    #[test]
    fn a_server_without_tls_is_told_from_one_with_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream: TcpStream = stream.unwrap();
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            }
        });
        let options = TlsOptions { insecure_skip_verify: true, ..Default::default() };
        assert_eq!(
            get(address, "127.0.0.1", options),
            "Get \"https://HOST/x\": http: server gave HTTP response to HTTPS client"
        );
    }
}
