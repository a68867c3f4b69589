//! Logins: kept in files and by programs, used by this crate and by the real Helm.

use std::path::Path;

use super::bench::{Door, Home, PASSWORD, USER, docker_registry, helm};
use sutler_chart::error_chain;
use sutler_repository::oci::{Credential, CredentialPlaces, CredentialStore, RegistryClient, docker_config_file};

const CHART: &str = "apiVersion: v2\nname: hub\nversion: 1.0.0\n";

#[test]
fn logins_of_either_side_serve_the_other() {
    const TEST: &str = "logins_of_either_side_serve_the_other";
    let (Some(helm), Some(registry)) = (helm(TEST), docker_registry(TEST, Door::Password)) else { return };
    let host = registry.host.as_str();
    let (ours, theirs) = (Home::new(), Home::new());
    let login = |password| ["registry", "login", host, "--plain-http", "-u", USER, "-p", password];
    let warning = "level=WARN msg=\"using --password via the CLI is insecure. Use --password-stdin\"\n";
    let file = |home: &Home| std::fs::read_to_string(home.path("config/registry/config.json")).unwrap();

    // Without a login, and with a wrong one.
    let path = ours.chart(CHART);
    let remote = format!("oci://{host}/team");
    let push = ["push", path.to_str().unwrap(), &remote, "--plain-http"];
    assert_eq!(ours.push(&path, &remote), theirs.helm_says(&helm, &push));
    let refused = theirs.helm_says(&helm, &login("wrong"));
    assert_eq!(format!("{warning}{}", ours.login(host, USER, "wrong")), refused);
    assert!(refused.contains("authenticating to"), "{refused}");

    // With a good one, each side by its own file, then by the other's.
    assert_eq!(format!("{warning}{}", ours.login(host, USER, PASSWORD)), theirs.helm_says(&helm, &login(PASSWORD)));
    assert_eq!(file(&ours), file(&theirs));
    let said = ours.push(&path, &remote);
    assert!(said.starts_with("Pushed: "), "{said}");
    assert_eq!(ours.helm_says(&helm, &push), said);
    let reference = format!("{remote}/hub");
    assert_eq!(theirs.pull(&reference, "").1, std::fs::read(&path).unwrap());

    // And without again.
    let mut remarks = String::new();
    RegistryClient::logout(&mut ours.store(), host, &mut remarks).unwrap();
    assert_eq!(remarks, theirs.helm_says(&helm, &["registry", "logout", host]));
    assert_eq!(file(&ours), file(&theirs));
    let refused = ours.pull(&reference, "").0;
    assert_eq!(refused, theirs.helm_says(&helm, &["pull", &reference, "--plain-http"]));
    assert!(refused.contains("basic credential not found"), "{refused}");
}

#[test]
fn dockers_file_stands_behind_helms() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("config/registry")).unwrap();
    std::fs::create_dir_all(home.path(".docker")).unwrap();
    // aGVsbTpvbmU= is helm:one, ZG9ja2VyOnR3bw== is docker:two.
    std::fs::write(home.path("config/registry/config.json"), r#"{"auths":{"a.example":{"auth":"aGVsbTpvbmU="}}}"#)
        .unwrap();
    std::fs::write(
        home.path(".docker/config.json"),
        r#"{"auths":{"a.example":{"auth":"ZG9ja2VyOnR3bw=="},"https://b.example/v1/":{"auth":"ZG9ja2VyOnR3bw=="},
            "c.example":{"identitytoken":"refresh"},"d.example":{"username":"x","password":"y"},"e.example":{"registrytoken":"access"},
            "https://index.docker.io/v1/":{"auth":"ZG9ja2VyOnR3bw=="},"f.example":{"auth":"bm8tY29sb24="},"g.example":{"auth":"???"}}}"#,
    )
    .unwrap();
    let store = home.store();
    assert_eq!(store.get("a.example").unwrap(), Credential::new("helm", "one"));
    assert_eq!(store.get("b.example").unwrap(), Credential::new("docker", "two"));
    assert_eq!(store.get("c.example").unwrap().refresh_token, "refresh");
    assert_eq!(store.get("d.example").unwrap(), Credential::new("x", "y"));
    assert_eq!(store.get("e.example").unwrap().access_token, "access");
    assert_eq!(store.get("registry-1.docker.io").unwrap(), Credential::new("docker", "two"));
    assert!(store.get("none.example").unwrap().is_empty());
    for host in ["f.example", "g.example"] {
        let error = error_chain(&store.get(host).unwrap_err());
        assert!(error.starts_with("failed to decode auth field: invalid config format: "), "{error}");
        assert!(!error.contains("no-colon") && !error.contains("bm8t") && !error.contains("???"), "{error}");
    }
}

#[test]
fn what_else_a_file_holds_stays_as_it_is() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("config/registry")).unwrap();
    let path = home.path("config/registry/config.json");
    std::fs::write(
        &path,
        r#"{"zebra":{"b":1.50,"a":[ ]},"auths":{"x":{"auth":"YTpi","email":"e"}},"HttpHeaders":{"A":"<b>"}}"#,
    )
    .unwrap();
    let mut store = home.store();
    store.put("docker.io", &Credential::new("u", "p")).unwrap();
    let expected = "{\n\t\"HttpHeaders\": {\n\t\t\"A\": \"\\u003cb\\u003e\"\n\t},\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t},\n\t\t\"x\": {\n\t\t\t\"auth\": \"YTpi\",\n\t\t\t\"email\": \"e\"\n\t\t}\n\t},\n\t\"zebra\": {\n\t\t\"b\": 1.50,\n\t\t\"a\": []\n\t}\n}";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    store.erase("docker.io").unwrap();
    let ours = std::fs::read_to_string(&path).unwrap();
    assert!(!ours.contains("docker.io"));
    if let Some(helm) = helm("what_else_a_file_holds_stays_as_it_is") {
        std::fs::write(&path, expected).unwrap();
        home.helm_says(&helm, &["registry", "logout", "docker.io"]);
        assert_eq!(ours, std::fs::read_to_string(&path).unwrap());
    }
    assert_eq!(
        error_chain(&store.put("x", &Credential::new("a:b", "c")).unwrap_err()),
        "bad credential format: colons(:) are not allowed in username"
    );
}

#[test]
fn damaged_files_are_refused_without_showing_them() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("config/registry")).unwrap();
    let path = home.path("config/registry/config.json");
    for (text, expected) in [
        ("", "failed to decode config file at <path>: invalid config format: EOF"),
        (
            "{\"auths\": secret}",
            "failed to decode config file at <path>: invalid config format: not an object of JSON at line 1, column 11",
        ),
        (
            "[]",
            "failed to decode config file at <path>: invalid config format: not an object of JSON at line 1, column 0",
        ),
        ("{\"auths\": [\"secret\"]}", "failed to unmarshal auths field: invalid config format"),
        ("{\"credsStore\": {}}", "failed to unmarshal creds store field: invalid config format"),
        ("{\"credHelpers\": \"x\"}", "failed to unmarshal cred helpers field: invalid config format"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = error_chain(&CredentialStore::open(&home.places()).unwrap_err());
        assert_eq!(error.replace(&path.display().to_string(), "<path>"), expected);
    }
}

/// A helper that writes down how it was called, and answers with a login.
#[cfg(unix)]
fn helper(home: &Home, name: &str, answer: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(home.path("bin")).unwrap();
    let path = home.path("bin").join(format!("docker-credential-{name}"));
    let log = home.path("log").display().to_string();
    let script = format!("#!/bin/sh\nread -r line\necho \"{name} $* < $line\" >> {log}\n{answer}\n");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn programs_keep_logins_and_get_them_by_standard_input() {
    let home = Home::new();
    helper(&home, "one", r#"echo '{"ServerURL":"x","Username":"me","Secret":"from one"}'"#);
    helper(&home, "two", r#"echo '{"Username":"<token>","Secret":"refresh"}'"#);
    helper(&home, "none", "echo 'credentials not found in native keychain'; exit 1");
    helper(&home, "bad", "echo 'the keychain is locked'; exit 1");
    helper(&home, "odd", "echo 'no login'");
    let config = r#"{"credsStore":"one","credHelpers":{"two.example":"two","none.example":"none","bad.example":"bad","odd.example":"odd","missing.example":"missing","evil.example":"../../bin/sh"}}"#;
    std::fs::create_dir_all(home.path("config/registry")).unwrap();
    std::fs::write(home.path("config/registry/config.json"), config).unwrap();
    let mut store = home.store();
    assert_eq!(store.get("any.example").unwrap(), Credential::new("me", "from one"));
    assert_eq!(store.get("two.example").unwrap().refresh_token, "refresh");
    assert!(store.get("none.example").unwrap().is_empty());
    let said = |host: &str| error_chain(&store.get(host).unwrap_err());
    assert_eq!(said("bad.example"), "the keychain is locked");
    assert_eq!(said("odd.example"), "docker-credential-odd printed no login");
    assert_eq!(said("missing.example"), "exec: \"docker-credential-missing\": executable file not found in $PATH");
    assert!(said("evil.example").contains("executable file not found"));

    store.put("any.example", &Credential::new("me", "hidden \"word\"")).unwrap();
    store.erase("any.example").unwrap();
    let log = std::fs::read_to_string(home.path("log")).unwrap();
    let last: Vec<&str> = log.lines().rev().take(2).collect();
    assert_eq!(
        last,
        [
            "one erase < any.example",
            "one store < {\"ServerURL\":\"any.example\",\"Username\":\"me\",\"Secret\":\"hidden \\\"word\\\"\"}"
        ]
    );
    assert_eq!(std::fs::read_to_string(home.path("config/registry/config.json")).unwrap(), config);
}

#[cfg(target_os = "linux")]
#[test]
fn the_systems_program_is_used_where_no_file_says_otherwise() {
    let home = Home::new();
    helper(&home, "pass", "cat > /dev/null");
    helper(&home, "secretservice", "cat > /dev/null");
    home.store().put("a.example", &Credential::new("u", "p")).unwrap();
    assert!(std::fs::read_to_string(home.path("log")).unwrap().starts_with("secretservice store < "));
    let path = home.path("config/registry/config.json");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\n\t\"auths\": {},\n\t\"credsStore\": \"secretservice\"\n}");
}

#[test]
fn dockers_file_is_found_as_docker_finds_it() {
    let found =
        |config: Option<&str>, home: Option<&str>| docker_config_file(config.map(Path::new), home.map(Path::new));
    assert_eq!(found(None, Some("/home/me")).unwrap(), Path::new("/home/me/.docker/config.json"));
    assert_eq!(found(Some(""), Some("/home/me")).unwrap(), Path::new("/home/me/.docker/config.json"));
    assert_eq!(found(Some("/d"), None).unwrap(), Path::new("/d/config.json"));
    assert_eq!(found(None, None), None);
}

#[test]
fn secrets_are_not_shown() {
    let home = Home::new();
    let options = sutler_repository::oci::RegistryOptions {
        username: "me".to_owned(),
        password: "hidden word".to_owned(),
        ..Default::default()
    };
    let shown = format!("{options:?} {:?} {:?}", home.client(options.clone()), Credential::new("me", "hidden word"));
    assert!(!shown.contains("hidden word"), "{shown}");
    let _ = CredentialPlaces::default();
}
