//! The real Helm on one side, this crate on the other, docker-registry between them.

use super::bench::{Door, Home, docker_registry, get, helm};
use sutler_repository::oci::{MANIFEST_MEDIA_TYPE, Part};

/// Charts whose Chart.yaml says much, in ways that JSON or a registry must hold.
const CHARTS: &[&str] = &[
    "apiVersion: v2\nname: plain\nversion: 1.0.0\n",
    "apiVersion: v2\nname: plus\nversion: 1.2.3-rc.1+build.7\nappVersion: \"1.10\"\n",
    "apiVersion: v1\nname: old\nversion: 0.0.1\ndescription: \"<a> & b \\u2028 \\\" \\\\ é \\U0001F600\"\nhome: https://example.org/?a=1&b=2\n",
    "apiVersion: v2
name: much
version: 2.0.0
type: application
deprecated: true
icon: https://example.org/i.png
kubeVersion: '>=1.20'
keywords: [a, b]
sources: [https://example.org/src, https://example.org/other]
maintainers:
- {name: One, email: one@example.org, url: https://example.org/1}
- {email: two@example.org}
- {name: Three}
annotations:
  org.opencontainers.image.title: not this
  org.opencontainers.image.version: nor this
  org.opencontainers.image.url: but this
  empty: ''
  z: \"<&>\"
dependencies:
- {name: sub, version: 1.x, repository: 'https://example.org/charts', condition: sub.enabled, tags: [t], alias: other, import-values: [data, {child: a, parent: b}]}
",
];

#[test]
fn manifests_are_helms_byte_for_byte() {
    const TEST: &str = "manifests_are_helms_byte_for_byte";
    let (Some(helm), Some(registry)) = (helm(TEST), docker_registry(TEST, Door::Open)) else { return };
    let home = Home::new();
    for chart_yaml in CHARTS {
        let path = home.chart(chart_yaml);
        for with_provenance in [false, true] {
            if with_provenance {
                std::fs::write(format!("{}.prov", path.display()), "provenance\n").unwrap();
            }
            let [theirs, ours] = ["theirs", "ours"].map(|side| format!("oci://{}/{side}", registry.host));
            let said = home.helm_says(&helm, &["push", path.to_str().unwrap(), &theirs, "--plain-http"]);
            assert_eq!(home.push(&path, &ours), said.replace("/theirs/", "/ours/"));

            let reference = said.lines().next().unwrap().strip_prefix("Pushed: ").unwrap();
            let (repository, tag) = reference.rsplit_once(':').unwrap();
            let repository = repository.rsplit_once('/').unwrap().1;
            let [theirs, ours] = ["theirs", "ours"].map(|side| {
                let url = format!("http://{}/v2/{side}/{repository}/manifests/{tag}", registry.host);
                String::from_utf8(get(&home, &url, MANIFEST_MEDIA_TYPE)).unwrap()
            });
            assert_eq!(ours, theirs);
            assert!(theirs.contains("provenance.v1.prov") == with_provenance, "{theirs}");
        }
    }
}

#[test]
fn charts_go_both_ways() {
    const TEST: &str = "charts_go_both_ways";
    let (Some(helm), Some(registry)) = (helm(TEST), docker_registry(TEST, Door::Open)) else { return };
    let home = Home::new();
    for chart_yaml in CHARTS {
        let path = home.chart(chart_yaml);
        std::fs::write(format!("{}.prov", path.display()), "provenance\n").unwrap();
        let file = path.file_name().unwrap().to_str().unwrap();
        let version = chart_yaml.lines().find_map(|line| line.strip_prefix("version: ")).unwrap();
        let name = chart_yaml.lines().find_map(|line| line.strip_prefix("name: ")).unwrap();
        let remote = |side: &str| format!("oci://{}/{side}", registry.host);

        home.helm_says(&helm, &["push", file, &remote("theirs"), "--plain-http"]);
        let reference = format!("{}/{name}", remote("theirs"));
        let (said, bytes) = home.pull(&reference, version);
        std::fs::create_dir_all(home.path("out")).unwrap();
        let pull = ["pull", &reference, "--version", version, "--plain-http", "-d", "out"];
        assert_eq!(said, home.helm_says(&helm, &pull));
        assert_eq!(bytes, std::fs::read(&path).unwrap());
        let client = home.plain();
        let resolved = client.resolve(&reference, version).unwrap();
        assert_eq!(sutler_repository::oci::file_name(&resolved.url), file);
        let provenance = client.fetch(&resolved.url, Part::Provenance, None, &mut String::new()).unwrap();
        assert_eq!(provenance, b"provenance\n");

        home.push(&path, &remote("ours"));
        let reference = format!("{}/{name}", remote("ours"));
        let output =
            home.helm(&helm, &["pull", &reference, "--version", version, "--plain-http", "--prov", "-d", "out"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read(home.path("out").join(file)).unwrap(), bytes);
        assert_eq!(std::fs::read(home.path("out").join(format!("{file}.prov"))).unwrap(), b"provenance\n");
    }
}

#[test]
fn refusals_are_told_in_helms_words() {
    const TEST: &str = "refusals_are_told_in_helms_words";
    let (Some(helm), Some(registry)) = (helm(TEST), docker_registry(TEST, Door::Open)) else { return };
    let home = Home::new();
    let host = &registry.host;
    for version in ["0.9.0", "1.0.0", "1.10.0", "2.0.0-rc.1"] {
        let path = home.chart(&format!("apiVersion: v2\nname: hub\nversion: {version}\n"));
        home.push(&path, &format!("oci://{host}/team"));
    }
    let digest = "sha256:".to_owned() + &"0".repeat(64);
    for (name, version) in [
        ("team/hub", ""),
        ("team/hub", ">0.9"),
        ("team/hub", ">1.0"),
        ("team/hub", ">0.0.0-0"),
        ("team/hub", "~0.9"),
        ("team/hub", ">9"),
        ("team/hub", "not a version"),
        ("team/hub", "1.0"),
        ("team/hub", "v1.0.0"),
        ("team/hub", "9.9.9"),
        ("team/hub:1.0.0", ""),
        ("team/hub:1.0.0", "1.0.0"),
        ("team/hub:1.0.0", "2.0.0"),
        ("team/hub:latest", ""),
        ("team/none", ""),
        ("team/none", "1.0.0"),
        ("Team/hub", ""),
        ("team/hub:a b", ""),
        ("team//hub", ""),
        ("", ""),
        ("team/hub@sha256:abc", ""),
        (&format!("team/hub@{digest}"), ""),
        (&format!("team/hub@{digest}"), "1.0.0"),
        (&format!("team/hub@{digest}"), "9.9.9"),
    ] {
        let reference = format!("oci://{host}/{name}");
        let mut arguments = vec!["pull", &reference, "--plain-http"];
        if !version.is_empty() {
            arguments.extend(["--version", version]);
        }
        assert_eq!(home.pull(&reference, version).0, home.helm_says(&helm, &arguments), "{name} {version}");
    }
    let nobody = "oci://127.0.0.1:1/team/hub";
    assert_eq!(
        home.pull(nobody, "1.0.0").0,
        home.helm_says(&helm, &["pull", nobody, "--version", "1.0.0", "--plain-http"])
    );
    let file = home.chart("apiVersion: v2\nname: hub\nversion: 1.0.0\n");
    std::fs::write(home.path("text.tgz"), "text").unwrap();
    std::fs::write(home.path("a.yaml"), "text").unwrap();
    std::fs::create_dir(home.path("folder")).unwrap();
    let text = |name: &str| home.path(name).display().to_string();
    for (archive, remote) in [
        (file.display().to_string(), format!("oci://{host}/Team")),
        (file.display().to_string(), format!("oci://{host}")),
        (file.display().to_string(), format!("oci://{host}/team/")),
        (file.display().to_string(), format!("oci://{host}/team/../x")),
        (file.display().to_string(), "oci://127.0.0.1:1/team".to_owned()),
        (file.display().to_string(), "team".to_owned()),
        (file.display().to_string(), "https://example.org".to_owned()),
        (file.display().to_string(), "oci://%zz".to_owned()),
        (text("none.tgz"), format!("oci://{host}/team")),
        (text("folder"), format!("oci://{host}/team")),
        (text("text.tgz"), format!("oci://{host}/team")),
        (text("a.yaml"), format!("oci://{host}/team")),
    ] {
        let theirs = home.helm_says(&helm, &["push", &archive, &remote, "--plain-http"]);
        assert_eq!(home.push(archive.as_ref(), &remote), theirs, "{archive} {remote}");
    }
}
