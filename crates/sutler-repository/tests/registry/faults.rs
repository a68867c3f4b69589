//! Registries that refuse, lie, cut connections, page and hand out tokens.

use std::sync::Mutex;
use std::time::Duration;

use super::bench::{Home, PASSWORD, USER, archive, helm, plain};
use super::server::{Answer, Asked, Server};
use sutler_chart::error_chain;
use sutler_repository::cache::{ContentCache, Digest};
use sutler_repository::oci::{
    CHART_MEDIA_TYPE, CONFIG_MEDIA_TYPE, Descriptor, INDEX_MEDIA_TYPE, LEGACY_CHART_MEDIA_TYPE, MANIFEST_MEDIA_TYPE,
    Part, RegistryOptions,
};

const CHART: &str = "apiVersion: v2\nname: hub\nversion: 1.0.0\n";

/// A chart as a registry holds it.
#[derive(Clone)]
struct Held {
    manifest: Vec<u8>,
    config: Vec<u8>,
    chart: Vec<u8>,
}

impl Held {
    fn new() -> Held {
        Held::with_types(CONFIG_MEDIA_TYPE, CHART_MEDIA_TYPE)
    }

    fn with_types(config_type: &str, chart_type: &str) -> Held {
        let config = br#"{"name":"hub","version":"1.0.0","apiVersion":"v2"}"#.to_vec();
        let chart = archive("hub", CHART);
        let (of_config, of_chart) = (Descriptor::of(config_type, &config), Descriptor::of(chart_type, &chart));
        let manifest = serde_json::json!({"schemaVersion": 2, "config": of_config, "layers": [of_chart]});
        Held { manifest: manifest.to_string().into_bytes(), config, chart }
    }

    fn digest(bytes: &[u8]) -> String {
        format!("sha256:{}", Digest::of(bytes))
    }

    /// An honest answer.
    fn answer(&self, asked: &Asked) -> Answer {
        let digest = Held::digest(&self.manifest);
        let manifest = || {
            Answer::new(200)
                .header("Content-Type", MANIFEST_MEDIA_TYPE)
                .header("Docker-Content-Digest", &digest)
                .body(self.manifest.clone())
        };
        let blob = |bytes: &[u8]| Answer::new(200).header("Content-Type", "application/octet-stream").body(bytes);
        let path = asked.target.strip_prefix("/v2/team/hub/").unwrap_or_default();
        match path.split_once('/') {
            Some(("manifests", name)) if name == "1.0.0" || name == digest => manifest(),
            Some(("blobs", name)) if name == Held::digest(&self.config) => blob(&self.config),
            Some(("blobs", name)) if name == Held::digest(&self.chart) => blob(&self.chart),
            Some(("tags", "list")) => Answer::new(200).body(r#"{"name":"team/hub","tags":["1.0.0"]}"#),
            _ => Answer::error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
        }
    }
}

/// The first text after `Error: `, with the server's name taken out.
fn said(server: &Server, text: &str) -> String {
    text.replace(&server.host, "<host>")
}

fn pull(home: &Home, server: &Server) -> (String, Vec<u8>) {
    let (text, bytes) = home.pull(&format!("oci://{}/team/hub", server.host), "1.0.0");
    (said(server, &text), bytes)
}

/// What pulling from a server says, which the real Helm must say as well.
fn check(test: &str, answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static, expected: &str) {
    let home = Home::new();
    let server = Server::start(answer);
    let (text, bytes) = pull(&home, &server);
    assert_eq!(text, expected, "{test}");
    assert!(bytes.is_empty(), "{test}: bytes came all the same");
    if let Some(helm) = helm(test) {
        let reference = format!("oci://{}/team/hub", server.host);
        let theirs = home.helm_says(&helm, &["pull", &reference, "--version", "1.0.0", "--plain-http"]);
        assert_eq!(said(&server, &theirs), expected, "{test}: the real Helm");
    }
}

/// An honest registry with one answer changed.
fn but(
    method: &'static str,
    path: &'static str,
    change: impl Fn(Answer) -> Answer + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Answer + Send + Sync {
    let held = Held::new();
    move |asked| {
        let honest = held.answer(asked);
        let chart = format!("/v2/team/hub/blobs/{}", Held::digest(&held.chart));
        let path = if path == "chart" { chart.as_str() } else { path };
        if asked.is(method, path) { change(honest) } else { honest }
    }
}

const MANIFEST: &str = "/v2/team/hub/manifests/1.0.0";

#[test]
fn refusals_have_helms_words() {
    const TEST: &str = "refusals_have_helms_words";
    for (status, code, message, expected) in [
        (
            401,
            "UNAUTHORIZED",
            "authentication required",
            "response status code 401: unauthorized: authentication required",
        ),
        (403, "DENIED", "not for you", "response status code 403: denied: not for you"),
        (400, "NAME_INVALID", "no", "response status code 400: name invalid: no"),
    ] {
        check(
            TEST,
            but("GET", MANIFEST, move |_| Answer::error(status, code, message)),
            &format!(
                "Error: failed to perform \"FetchReference\" on source: GET \"http://<host>{MANIFEST}\": {expected}\n"
            ),
        );
    }
    check(
        TEST,
        but("GET", MANIFEST, |_| Answer::error(404, "X", "y")),
        "Error: failed to perform \"FetchReference\" on source: <host>/team/hub:1.0.0: not found\n",
    );
    check(
        TEST,
        but("GET", MANIFEST, |_| Answer::new(401).header("WWW-Authenticate", "Basic realm=\"x\"")),
        &format!(
            "Error: failed to perform \"FetchReference\" on source: GET \"http://<host>{MANIFEST}\": basic credential not found\n"
        ),
    );
}

#[test]
fn what_is_no_chart_is_told_in_helms_words() {
    const TEST: &str = "what_is_no_chart_is_told_in_helms_words";
    let held = Held::with_types("application/vnd.oci.image.config.v1+json", CHART_MEDIA_TYPE);
    check(
        TEST,
        move |asked| held.answer(asked),
        "Error: could not load config with mediatype application/vnd.cncf.helm.config.v1+json\n",
    );
    let held = Held::with_types(CONFIG_MEDIA_TYPE, "application/vnd.oci.image.layer.v1.tar+gzip");
    check(
        TEST,
        move |asked| held.answer(asked),
        "Error: manifest does not contain a layer with mediatype application/vnd.cncf.helm.chart.content.v1.tar+gzip\n",
    );
    let held =
        Held::with_types("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip");
    check(
        TEST,
        move |asked| held.answer(asked),
        "Error: manifest does not contain minimum number of descriptors (2), descriptors found: 1\n",
    );
}

#[test]
fn lies_about_digests_are_found_out() {
    const TEST: &str = "lies_about_digests_are_found_out";
    let zeros = "sha256:".to_owned() + &"0".repeat(64);
    let lying = zeros.clone();
    check(
        TEST,
        but("GET", MANIFEST, move |mut answer| {
            answer.headers.retain(|(name, _)| name != "Docker-Content-Digest");
            answer.header("Docker-Content-Digest", &lying)
        }),
        "Error: failed to perform \"Successors\" on source: mismatched digest\n",
    );
    check(
        TEST,
        but("GET", "chart", |answer| Answer { body: vec![b'x'; answer.body.len()], ..answer }),
        "Error: failed to perform \"Push\" on destination: mismatched digest\n",
    );
    let digest = Held::digest(&Held::new().chart);
    let url = format!("http://<host>/v2/team/hub/blobs/{digest}");
    check(
        TEST,
        but("GET", "chart", |answer| Answer { body: [answer.body.as_slice(), b"x"].concat(), ..answer }),
        &format!("Error: failed to perform \"Fetch\" on source: GET \"{url}\": mismatch Content-Length\n"),
    );
    let lying = zeros.clone();
    check(
        TEST,
        but("GET", "chart", move |answer| answer.header("Docker-Content-Digest", &lying)),
        &format!(
            "Error: failed to perform \"Fetch\" on source: GET \"{url}\": invalid response; digest mismatch in Docker-Content-Digest: received \"{zeros}\" when expecting \"{digest}\"\n"
        ),
    );
    check(
        TEST,
        but("GET", "chart", |_| Answer::new(404)),
        &format!("Error: failed to perform \"Fetch\" on source: {digest}: not found\n"),
    );
}

#[test]
fn a_digest_in_a_manifest_leads_nowhere_else() {
    let home = Home::new();
    let config = Descriptor::of(CONFIG_MEDIA_TYPE, b"{}");
    let chart = Descriptor { digest: "../../../admin".to_owned(), ..Descriptor::of(CHART_MEDIA_TYPE, b"x") };
    let manifest =
        serde_json::json!({"schemaVersion": 2, "config": config, "layers": [chart]}).to_string().into_bytes();
    let server = Server::start(move |asked| match asked.target.as_str() {
        MANIFEST => Answer::new(200).header("Content-Type", MANIFEST_MEDIA_TYPE).body(manifest.clone()),
        _ => Answer::new(200).body("{}"),
    });
    let (text, _) = pull(&home, &server);
    assert!(text.contains("failed to validate ../../../admin: invalid checksum digest format"), "{text}");
    assert!(server.log().iter().all(|line| !line.contains("admin")), "{:?}", server.log());
}

#[test]
fn busy_registries_and_cut_connections_are_tried_again() {
    let held = Held::new();
    type Fault = fn(Answer) -> Answer;
    let faults: [(Fault, &[u64]); 5] = [
        (|_| Answer::new(429).header("Retry-After", "3"), &[3000]),
        (|_| Answer::new(500), &[250]),
        (|_| Answer::new(503), &[250]),
        (|answer| Answer { hang_up: true, ..answer }, &[250]),
        (|answer| Answer { cut_after: Some(7), ..answer }, &[250]),
    ];
    for (fault, waits) in faults {
        let home = Home::new();
        let first = Mutex::new(true);
        let (held, chart) = (held.clone(), held.chart.clone());
        let wanted = format!("/v2/team/hub/blobs/{}", Held::digest(&chart));
        let server = Server::start(move |asked| {
            let honest = held.answer(asked);
            let is_first = asked.target == wanted && std::mem::take(&mut *first.lock().unwrap());
            if is_first { fault(honest) } else { honest }
        });
        let (text, bytes) = pull(&home, &server);
        assert!(text.starts_with("Pulled: "), "{text}");
        assert_eq!(bytes, chart);
        let waited = home.books.waits.lock().unwrap();
        let expected: Vec<Duration> = waits.iter().map(|wait| Duration::from_millis(*wait)).collect();
        assert_eq!(*waited, expected);
    }
}

#[test]
fn registries_that_stay_broken_are_given_up() {
    for (fault, expected) in [
        (Answer::new(500), "response status code 500: Internal Server Error"),
        (Answer::error(429, "TOOMANYREQUESTS", "slow down"), "response status code 429: toomanyrequests: slow down"),
        (Answer { hang_up: true, ..Answer::default() }, "EOF"),
    ] {
        let home = Home::new();
        let server = Server::start(move |_| fault.clone());
        let (text, bytes) = pull(&home, &server);
        assert!(text.trim_end().ends_with(expected), "{text}");
        assert!(bytes.is_empty());
        assert_eq!(server.log().len(), 3);
    }
}

#[test]
fn tags_are_read_page_by_page() {
    let home = Home::new();
    let server = Server::start(|asked| {
        let page = |tags: &str| Answer::new(200).body(format!(r#"{{"name":"team/hub","tags":{tags}}}"#));
        match asked.target.as_str() {
            "/v2/team/hub/tags/list" => {
                page(r#"["1.0.0","latest","1.2.3_b"]"#).header("Link", "</v2/team/hub/tags/list?last=x>; rel=\"next\"")
            }
            "/v2/team/hub/tags/list?last=x" => {
                page(r#"["v9.0.0","10.0.0"]"#).header("Link", "<list?last=y>; rel=\"next\"")
            }
            "/v2/team/hub/tags/list?last=y" => page(r#"["2.0.0"]"#),
            _ => Answer::new(404),
        }
    });
    let reference = format!("oci://{}/team/hub", server.host);
    let client = home.plain();
    assert_eq!(client.tags(&reference).unwrap(), ["10.0.0", "2.0.0", "1.2.3+b", "1.0.0"]);
    assert_eq!(client.resolve(&reference, "~1.2").unwrap().url, format!("{reference}:1.2.3+b"));
    if let Some(helm) = helm("tags_are_read_page_by_page") {
        let theirs = home.helm_says(&helm, &["pull", &reference, "--version", "<2", "--plain-http"]);
        assert!(theirs.contains("team/hub:1.2.3_b: not found"), "{theirs}");
    }
}

#[test]
fn an_index_leads_to_its_chart() {
    let home = Home::new();
    let held = Held::with_types(CONFIG_MEDIA_TYPE, LEGACY_CHART_MEDIA_TYPE);
    let other = Descriptor::of("application/vnd.docker.distribution.manifest.v2+json", b"x");
    let of_manifest = Descriptor::of(MANIFEST_MEDIA_TYPE, &held.manifest);
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [other, of_manifest]}).to_string().into_bytes();
    let server = Server::start({
        let held = held.clone();
        move |asked| match asked.target.as_str() {
            MANIFEST => Answer::new(200).header("Content-Type", INDEX_MEDIA_TYPE).body(index.clone()),
            _ => held.answer(asked),
        }
    });
    let (text, bytes) = pull(&home, &server);
    assert!(text.starts_with("Warning: chart media type application/tar+gzip is deprecated\nPulled: "), "{text}");
    assert_eq!(bytes, held.chart);
}

#[test]
fn what_the_cache_has_is_not_sent_for() {
    let home = Home::new();
    let held = Held::new();
    let server = Server::start({
        let held = held.clone();
        move |asked| held.answer(asked)
    });
    let cache = ContentCache::new(home.path("cache"));
    let name = format!("oci://{}/team/hub:1.0.0", server.host);
    let fetch = || home.plain().fetch(&name, Part::Chart, Some(&cache), &mut String::new()).unwrap();
    let blob = format!("GET /v2/team/hub/blobs/{}", Held::digest(&held.chart));
    assert_eq!(fetch(), held.chart);
    let path = cache.put_chart("x", None, &held.chart).unwrap();
    assert_eq!(fetch(), held.chart);
    assert_eq!(server.log().iter().filter(|line| **line == blob).count(), 1);
    std::fs::write(path, "damaged").unwrap();
    assert_eq!(fetch(), held.chart);
    assert_eq!(server.log().iter().filter(|line| **line == blob).count(), 2);
}

#[test]
fn what_the_registry_has_is_not_sent_again() {
    let home = Home::new();
    let path = home.chart(CHART);
    let server = Server::start(|asked| match (asked.method.as_str(), asked.target.as_str()) {
        ("HEAD", target) if target.contains("/blobs/") => Answer::new(200),
        ("HEAD", _) => Answer::new(404),
        ("PUT", _) => Answer::new(201),
        _ => Answer::new(500),
    });
    let text = home.push(&path, &format!("oci://{}/team", server.host));
    assert!(text.starts_with("Pushed: "), "{text}");
    let log = server.log();
    assert_eq!(log.len(), 4, "{log:?}");
    assert_eq!(log[3], "PUT /v2/team/hub/manifests/1.0.0");
}

#[test]
fn uploads_go_where_the_registry_says() {
    let home = Home::new();
    let path = home.chart(CHART);
    let server = Server::start(|asked| match (asked.method.as_str(), asked.target.as_str()) {
        ("HEAD", _) => Answer::new(404),
        ("POST", "/v2/team/hub/blobs/uploads/") => Answer::new(202).header("Location", "/upload/1?state=a%20b"),
        ("PUT", target) if target.starts_with("/upload/1?state=a%20b&digest=sha256%3A") => Answer::new(201),
        ("PUT", "/v2/team/hub/manifests/1.0.0") => Answer::new(201),
        _ => Answer::new(400),
    });
    let text = home.push(&path, &format!("oci://{}/team", server.host));
    assert!(text.starts_with("Pushed: "), "{text}");
    let sent: Vec<_> = server.asked().into_iter().filter(|asked| asked.target.starts_with("/upload/")).collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].body, std::fs::read(&path).unwrap());
}

/// A registry that wants tokens, and hands them out: to everybody for reading, to `me` for writing.
fn token_registry(oauth2: bool) -> Server {
    let realm = std::sync::Arc::new(Mutex::new(String::new()));
    let held = Held::new();
    let pushed = Mutex::new(None);
    let server = Server::start({
        let realm = std::sync::Arc::clone(&realm);
        move |asked| {
            let path = asked.target.split('?').next().unwrap();
            if path == "/token" {
                let basic = "Basic bWU6c2VjcmV0IHdvcmQ=";
                let body = String::from_utf8_lossy(&asked.body).into_owned();
                return match (asked.method.as_str(), asked.header("authorization")) {
                    ("GET", None) if asked.target.ends_with("pull&service=r") => {
                        Answer::new(200).body(r#"{"token":"read"}"#)
                    }
                    ("GET", Some(given)) if given == basic => Answer::new(200).body(r#"{"access_token":"write"}"#),
                    ("POST", None)
                        if oauth2 && body.contains("password=secret+word") && body.contains("username=me") =>
                    {
                        Answer::new(200).body(r#"{"access_token":"write"}"#)
                    }
                    ("POST", None)
                        if body.contains("grant_type=refresh_token") && body.contains("refresh_token=refresh") =>
                    {
                        Answer::new(200).body(r#"{"access_token":"write"}"#)
                    }
                    _ => Answer::error(401, "UNAUTHORIZED", "who are you"),
                };
            }
            let token = asked.header("authorization").unwrap_or_default();
            let reads = matches!(asked.method.as_str(), "GET" | "HEAD") && path != "/v2/";
            if token == "Bearer write" || (token == "Bearer read" && reads) {
                return match asked.method.as_str() {
                    "PUT" if path.contains("/manifests/") => {
                        *pushed.lock().unwrap() = Some(asked.body.clone());
                        Answer::new(201)
                    }
                    "PUT" => Answer::new(201),
                    "GET" if path.contains("/manifests/sha256:") => Answer::new(200)
                        .header("Content-Type", MANIFEST_MEDIA_TYPE)
                        .body(pushed.lock().unwrap().clone().unwrap()),
                    "POST" => Answer::new(202).header("Location", "/v2/upload"),
                    "HEAD" => Answer::new(404),
                    _ if path == "/v2/" => Answer::new(200),
                    _ => held.answer(asked),
                };
            }
            let scope = if path == "/v2/" {
                String::new()
            } else if reads {
                ",scope=\"repository:team/hub:pull\"".to_owned()
            } else {
                ",scope=\"repository:team/hub:pull,push\"".to_owned()
            };
            let challenge = format!("Bearer realm=\"{}\",service=\"r\"{scope}", realm.lock().unwrap());
            Answer::error(401, "UNAUTHORIZED", "authentication required").header("WWW-Authenticate", &challenge)
        }
    });
    *realm.lock().unwrap() = format!("http://{}/token", server.host);
    server
}

#[test]
fn tokens_are_fetched_as_the_registry_asks_and_used_again() {
    let home = Home::new();
    let server = token_registry(false);
    let (text, bytes) = pull(&home, &server);
    assert!(text.starts_with("Pulled: "), "{text}");
    assert!(!bytes.is_empty());
    let log = server.log();
    assert_eq!(log[1], "GET /token?scope=repository%3Ateam%2Fhub%3Apull&service=r");
    assert_eq!(log.iter().filter(|line| line.contains("/token")).count(), 1, "{log:?}");
    if let Some(helm) = helm("tokens_are_fetched_as_the_registry_asks_and_used_again") {
        let reference = format!("oci://{}/team/hub", server.host);
        let theirs = home.helm_says(&helm, &["pull", &reference, "--version", "1.0.0", "--plain-http"]);
        assert_eq!(said(&server, &theirs), text);
    }
}

#[test]
fn a_login_gives_the_token_to_write() {
    for oauth2 in [false, true] {
        let home = Home::new();
        let server = token_registry(oauth2);
        let path = home.chart(CHART);
        let remote = format!("oci://{}/team", server.host);
        let refused = said(&server, &home.push(&path, &remote));
        assert!(refused.ends_with("response status code 401: unauthorized: who are you\n"), "{refused}");

        let refused = said(&server, &home.login(&server.host, USER, "hidden"));
        assert!(
            refused.starts_with(
                "Error: authenticating to \"<host>\": GET \"http://<host>/v2/\": GET \"http://<host>/token?service=r\""
            ),
            "{refused}"
        );
        assert!(!refused.contains("hidden"));
        assert_eq!(home.login(&server.host, USER, PASSWORD), "Login Succeeded\n");
        let pushed = home.push(&path, &remote);
        assert!(pushed.starts_with("Pushed: "), "{pushed}");

        // The same by flags, without a stored login.
        let other = Home::new();
        let options = RegistryOptions { username: USER.to_owned(), password: PASSWORD.to_owned(), ..plain() };
        let mut remarks = String::new();
        other.client(options).push_file(&path, &remote, &jiff::tz::TimeZone::UTC, &mut remarks).unwrap();
        assert_eq!(remarks, pushed);

        // And by an identity token.
        std::fs::create_dir_all(other.path("config/registry")).unwrap();
        let auths = format!(r#"{{"auths":{{"{}":{{"identitytoken":"refresh"}}}}}}"#, server.host);
        std::fs::write(other.path("config/registry/config.json"), auths).unwrap();
        assert_eq!(other.push(&path, &remote), pushed);
        if let Some(helm) = helm("a_login_gives_the_token_to_write") {
            let theirs = other.helm_says(&helm, &["push", path.to_str().unwrap(), &remote, "--plain-http"]);
            assert_eq!(theirs, pushed);
        }
    }
}

#[test]
fn secrets_do_not_follow_a_redirect_to_another_host() {
    let home = Home::new();
    let held = Held::new();
    let elsewhere = Server::start({
        let chart = held.chart.clone();
        move |_| Answer::new(200).body(chart.clone())
    });
    let target = format!("http://localhost:{}/chart", elsewhere.host.rsplit(':').next().unwrap());
    let server = Server::start({
        let held = held.clone();
        let wanted = format!("/v2/team/hub/blobs/{}", Held::digest(&held.chart));
        move |asked| {
            if asked.header("authorization").is_none() {
                return Answer::new(401).header("WWW-Authenticate", "Basic realm=\"x\"");
            }
            if asked.target == wanted { Answer::new(307).header("Location", &target) } else { held.answer(asked) }
        }
    });
    let options = RegistryOptions { username: USER.to_owned(), password: PASSWORD.to_owned(), ..plain() };
    let name = format!("oci://{}/team/hub:1.0.0", server.host);
    let bytes = home.client(options).fetch(&name, Part::Chart, None, &mut String::new()).unwrap();
    assert_eq!(bytes, held.chart);
    assert_eq!(elsewhere.asked()[0].header("authorization"), None);
}

#[test]
fn a_login_of_the_command_line_is_not_for_hosts_that_a_registry_names() {
    let home = Home::new();
    let path = home.chart(CHART);
    let elsewhere = Server::start(|_| Answer::new(401).header("WWW-Authenticate", "Basic realm=\"x\""));
    let target = format!("http://{}/upload", elsewhere.host);
    let server = Server::start(move |asked| match (asked.header("authorization"), asked.method.as_str()) {
        (None, _) => Answer::new(401).header("WWW-Authenticate", "Basic realm=\"x\""),
        (_, "POST") => Answer::new(202).header("Location", &target),
        _ => Answer::new(404),
    });
    let options = RegistryOptions { username: USER.to_owned(), password: PASSWORD.to_owned(), ..plain() };
    let remote = format!("oci://{}/team", server.host);
    let result = home.client(options).push_file(&path, &remote, &jiff::tz::TimeZone::UTC, &mut String::new());
    let error = error_chain(&result.unwrap_err());
    assert!(error.ends_with("basic credential not found"), "{error}");
    assert!(elsewhere.asked().iter().all(|asked| asked.header("authorization").is_none()));
}

#[test]
fn hints_say_what_may_be_done() {
    let home = Home::new();
    let hint = |answer: Answer| {
        let server = Server::start(move |_| answer.clone());
        let error = home.plain().tags(&format!("oci://{}/team/hub", server.host)).unwrap_err();
        said(&server, &error.hint().unwrap_or_default())
    };
    assert_eq!(hint(Answer::new(401).header("WWW-Authenticate", "Basic")), "log in first: helm registry login <host>");
    assert_eq!(hint(Answer::new(403)), "the login for <host> may not do this");
    assert_eq!(hint(Answer::new(404)), "");
    let server = Server::start(|_| Answer::new(200));
    let client = home.client(RegistryOptions::default());
    let error = client.tags(&format!("oci://{}/team/hub", server.host)).unwrap_err();
    assert!(
        error_chain(&error).ends_with("http: server gave HTTP response to HTTPS client"),
        "{}",
        error_chain(&error)
    );
    assert_eq!(error.hint().unwrap(), "the registry does not use TLS; add --plain-http");
}
