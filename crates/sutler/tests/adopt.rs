//! What people do with a cluster that exists: `sutler init --from-context` after the real Helm has worked there.

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::served::Served;
use support::{Place, peer};

/// A node, and one release that makes it come.
const NODES: &str = "\
apiVersion: sutler.dev/v1alpha1
kind: Stack
name: there
environments: {try: {target: simulator}}
defaults: {environment: try}
cluster: {version: \"1.34\", pools: {core: {instanceTypes: [m6i.xlarge], min: 1, max: 2}}}
releases: {first: {namespace: first, chart: ./first}}
";

const FIRST: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: first}
spec: {containers: [{name: c, image: i}]}
";

/// A cluster with nodes, reached by a kubeconfig, and Helm to work in it.
struct Cluster {
    place: Place,
    served: Served,
    helm: PathBuf,
}

impl Cluster {
    fn start(helm: PathBuf) -> Cluster {
        let place = Place::new();
        place.write("stack.yaml", NODES);
        place.write("first/Chart.yaml", "apiVersion: v2\nname: first\nversion: 1.0.0\n");
        place.write("first/templates/pod.yaml", FIRST);
        place.run(&["up"]).ended(0);
        let served = Served::start(&place, "fast");
        Cluster { place, served, helm }
    }

    fn helm(&self, arguments: &[&str]) -> String {
        let ran = self.try_helm(arguments);
        assert!(ran.0, "helm {arguments:?}\n{}", ran.1);
        ran.1
    }

    fn try_helm(&self, arguments: &[&str]) -> (bool, String) {
        let home = self.place.path("home");
        let ran = Command::new(&self.helm)
            .args(arguments)
            .current_dir(self.place.path("."))
            .env("KUBECONFIG", &self.served.kubeconfig)
            .envs(
                [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data")]
                    .map(|(name, folder)| (name, home.join(folder))),
            )
            .output()
            .expect("helm runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ran.status.success(), format!("{}{}", text(&ran.stdout), text(&ran.stderr)))
    }

    /// Runs the program as somebody who has the kubeconfig.
    fn sutler(&self, arguments: &[&str]) -> support::Ran {
        let home = self.place.path("home");
        self.place.run_with(
            arguments,
            &[
                ("KUBECONFIG", self.served.kubeconfig.as_path()),
                ("HELM_CACHE_HOME", &home.join("cache")),
                ("HELM_CONFIG_HOME", &home.join("config")),
            ],
        )
    }

    /// What somebody sees who runs the program: both outputs, in order.
    fn terminal(&self, arguments: &[&str]) -> String {
        let path = self.place.path("../terminal");
        let output = std::fs::File::create(&path).expect("a file");
        let mut command = self.place.command(arguments);
        command.env("KUBECONFIG", &self.served.kubeconfig).stderr(output.try_clone().expect("a file")).stdout(output);
        assert!(command.status().expect("the program runs").success());
        std::fs::read_to_string(path).expect("text")
    }

    /// Revisions of all releases, as Helm tells them: `NAMESPACE/NAME REVISION TIME`.
    fn revisions(&self) -> Vec<String> {
        let list: serde_json::Value = serde_json::from_str(&self.helm(&["list", "-A", "-o", "json"])).expect("JSON");
        let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let line = |one| {
            format!(
                "{}/{} {} {}",
                text(one, "namespace"),
                text(one, "name"),
                text(one, "revision"),
                text(one, "updated")
            )
        };
        let mut lines: Vec<String> = list.as_array().expect("a list").iter().map(line).collect();
        lines.sort();
        lines
    }
}

/// Runs what docs/adopt.md shows, and compares; `UPDATE=1` writes it there.
#[test]
fn the_documented_transcript_is_what_happens() {
    let Some(helm) = peer("SUTLER_HELM", "helm") else { return skipped("the_documented_transcript_is_what_happens") };
    let cluster = Cluster::start(helm);
    let place = &cluster.place;
    write_chart(place, "web", &[]);
    write_chart(place, "worker", &[]);
    cluster.helm(&["install", "shop", "src/web", "-n", "shop", "--create-namespace", "--set", "replicas=2"]);
    cluster.helm(&["install", "mail", "src/worker", "-n", "mail", "--create-namespace", "--set", "smtp.password=x"]);
    let mut shown = String::new();
    for words in [&["init", "--from-context", "there-try", "team"][..], &["plan", "team"]] {
        shown.push_str(&format!("$ sutler {}\n{}\n", words.join(" "), cluster.terminal(words)));
    }
    let stack = std::fs::read_to_string(place.path("team/stack.yaml")).expect("the stack");
    shown.push_str(&format!("$ cat team/stack.yaml\n{stack}"));
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/adopt.md");
    let text = std::fs::read_to_string(&path).expect("docs/adopt.md");
    let (head, rest) = text.split_once("```console\n").expect("a transcript in docs/adopt.md");
    let (there, tail) = rest.split_once("```\n").expect("the transcript's end");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{head}```console\n{shown}```\n{tail}")).expect("docs/adopt.md");
    } else {
        assert_eq!(there, shown, "UPDATE=1 writes it anew");
    }
}

/// A chart of its own name, whose objects show its values.
fn write_chart(place: &Place, name: &str, more: &[(&str, &str)]) {
    place.write(
        &format!("src/{name}/Chart.yaml"),
        &format!("# a comment\napiVersion: v2\nname: {name}\nversion: 1.2.3\nappVersion: \"7\"\nkeywords: [a]\n"),
    );
    place.write(
        &format!("src/{name}/values.yaml"),
        "# defaults\nreplicas: 1\nimage: {name: nginx, tag: \"1.10\"}\nnothing: null\nlist: [1, 2.5, true]\nbig: 10000000\ntext: \"yes\"\n",
    );
    place.write(
        &format!("src/{name}/templates/all.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata:\n  values: {{ .Values | toJson | quote }}\n  \
         file: {{ .Files.Get \"files/a.txt\" | quote }}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\nspec:\n  \
         replicas: {{ .Values.replicas }}\n  selector: {matchLabels: {app: {{ .Release.Name }}}}\n  template:\n    metadata: {labels: {app: {{ .Release.Name }}}}\n    \
         spec:\n      containers:\n      - {name: c, image: '{{ .Values.image.name }}:{{ .Values.image.tag }}'}\n",
    );
    place.write(&format!("src/{name}/files/a.txt"), "one\r\ntwo\n\n");
    place.write(&format!("src/{name}/.helmignore"), "*.bak\n");
    place.write(&format!("src/{name}/left.bak"), "x");
    place.write(&format!("src/{name}/README.md"), "# read\n");
    for (path, text) in more {
        place.write(&format!("src/{name}/{path}"), text);
    }
}

fn helm(test: &str) -> Vec<PathBuf> {
    let found: Vec<PathBuf> = [("SUTLER_HELM", "helm"), ("SUTLER_HELM3", "helm3")]
        .iter()
        .filter_map(|(variable, name)| peer(variable, name))
        .collect();
    if found.is_empty() {
        skipped(test);
    }
    found
}

#[allow(clippy::print_stdout, reason = "a skip is said")]
fn skipped(test: &str) {
    println!("skipped: {test}: no helm (`cargo xtask peers`, or SUTLER_HELM)");
}

#[test]
fn what_helm_installed_is_taken_over_and_stays_as_it_is() {
    for helm in helm("what_helm_installed_is_taken_over_and_stays_as_it_is") {
        let cluster = Cluster::start(helm);
        let place = &cluster.place;
        write_chart(
            place,
            "web",
            &[
                (
                    "templates/hook.yaml",
                    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-hook\n  annotations: {helm.sh/hook: post-upgrade}\ndata: {a: b}\n",
                ),
                (
                    "templates/random.yaml",
                    "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Release.Name }}}\nstringData: {p: {{ randAlphaNum 8 | quote }}}\n",
                ),
                ("values.schema.json", "{\"type\": \"object\"}"),
                (
                    "crds/c.yaml",
                    "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\nspec:\n  group: example.org\n  scope: Namespaced\n  names: {plural: things, singular: thing, kind: Thing}\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]\n",
                ),
            ],
        );
        write_chart(
            place,
            "api",
            &[(
                "templates/thing.yaml",
                "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: {{ .Release.Name }}}\n",
            )],
        );
        // A chart with a subchart, whose content no record holds.
        write_chart(
            place,
            "umbrella",
            &[
                (
                    "Chart.yaml",
                    "apiVersion: v2\nname: umbrella\nversion: 0.1.0\ndependencies:\n- {name: part, version: 1.2.3, alias: piece, condition: piece.enabled}\n- {name: off, version: 1.0.0, condition: off.enabled}\n",
                ),
                (
                    "values.yaml",
                    "piece: {replicas: 2, enabled: true}\noff: {enabled: false}\nreplicas: 0\nimage: {name: a, tag: b}\n",
                ),
                ("charts/part/Chart.yaml", "apiVersion: v2\nname: part\nversion: 1.2.3\n"),
                ("charts/part/values.yaml", "inner: {a: 1}\n"),
                (
                    "charts/part/templates/p.yaml",
                    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-part}\ndata: {v: {{ .Values | toJson | quote }}}\n",
                ),
                ("charts/off/Chart.yaml", "apiVersion: v2\nname: off\nversion: 1.0.0\n"),
            ],
        );
        cluster.helm(&[
            "install",
            "web",
            "src/web",
            "-n",
            "one",
            "--create-namespace",
            "--set",
            "replicas=2,a.b={1,2},gone=null",
        ]);
        cluster.helm(&[
            "upgrade",
            "web",
            "src/web",
            "-n",
            "one",
            "--set",
            "replicas=3,auth.password=hunter2",
            "--set-string",
            "image.tag=1e3",
        ]);
        cluster.helm(&["install", "api", "src/api", "-n", "two", "--create-namespace"]);
        cluster.helm(&["install", "api", "src/api", "-n", "one", "--set-json", "x={\"y\":[null,1.5,10000000,1e21]}"]);
        cluster.helm(&["upgrade", "--install", "whole", "src/umbrella", "-n", "one", "--set", "piece.inner.a=2"]);
        // A release that failed, in a second revision.
        write_chart(place, "bad", &[]);
        cluster.helm(&["install", "bad", "src/bad", "-n", "two"]);
        place.write("src/bad/templates/all.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n");
        assert!(!cluster.try_helm(&["upgrade", "bad", "src/bad", "-n", "two"]).0);
        let before = cluster.revisions();

        let said = cluster.sutler(&["init", "--from-context", "--charts", "src/umbrella", "adopted"]).ended(0).stderr;
        let stack = std::fs::read_to_string(place.path("adopted/stack.yaml")).expect("the stack");
        assert!(said.contains("it finds nothing to do"), "{said}\n{stack}");
        assert!(said.contains("releases: one-api, two-api, web, whole"), "{said}");
        assert!(said.contains("warning: release web: auth.password looks like a secret"), "{said}");
        assert!(said.contains("Release first/first belongs to the stack `there`"), "{said}");
        assert!(said.contains("Release two/bad is failed in revision 2"), "{said}");
        assert!(stack.contains("chart: ../src/umbrella\n"), "{stack}");
        assert!(stack.contains("    needs: [web]\n"), "{stack}");
        assert!(stack.contains("core: {instanceTypes: [m6i.xlarge], min: 1, max: 1}"), "{stack}");
        assert!(!stack.contains("hunter2"), "{stack}");
        assert_eq!(std::fs::read_to_string(place.path("adopted/private/.gitignore")).expect("a file"), "*\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let file = std::fs::metadata(place.path("adopted/private/web.yaml")).expect("a file");
            assert_eq!(file.permissions().mode() & 0o777, 0o600);
        }

        let plan = cluster.sutler(&["plan", "adopted"]).ended(0).stdout;
        assert!(plan.contains("Nothing to do"), "{plan}");
        let up = cluster.sutler(&["up", "adopted", "--yes"]).ended(0).stdout;
        assert!(up.contains("Nothing changed"), "{up}");
        assert_eq!(cluster.revisions(), before, "`up` made a revision");
        let status = cluster.sutler(&["status", "adopted"]).ended(0).stdout;
        assert!(status.contains("whole"), "{status}");

        // A change of one value makes one revision.
        let values = std::fs::read_to_string(place.path("adopted/private/web.yaml")).expect("its values");
        std::fs::write(place.path("adopted/private/web.yaml"), values.replace("replicas: 3", "replicas: 4"))
            .expect("a file");
        let plan = cluster.sutler(&["plan", "adopted"]).ended(2).stdout;
        assert!(plan.contains("1 change"), "{plan}");
        cluster.sutler(&["up", "adopted", "--yes"]).ended(0);
        cluster.sutler(&["plan", "adopted"]).ended(0);
        let after = cluster.revisions();
        let changed: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
        assert!(matches!(changed.as_slice(), [one] if one.starts_with("one/web 3 ")), "{changed:?}");

        let again = cluster.sutler(&["init", "--from-context", "--charts", "src/umbrella", "adopted"]).ended(1).stderr;
        assert!(again.contains("exists and is not overwritten"), "{again}");
        let unknown = cluster.sutler(&["init", "--from-context", "nowhere", "other"]).ended(1).stderr;
        assert!(
            unknown.contains("the kubeconfig has no context `nowhere`") && unknown.contains("hint: there are: "),
            "{unknown}"
        );
        assert!(!place.path("other").exists());
    }
}
