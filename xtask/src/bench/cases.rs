//! What is measured: the cases that both sides are given.

use std::path::PathBuf;

use serde_json::{Value, json};

/// One case.
pub(super) struct Case {
    pub(super) group: &'static str,
    pub(super) name: String,
    /// A kind that both sides know.
    pub(super) kind: &'static str,
    pub(super) chart: PathBuf,
    pub(super) text: String,
    pub(super) values: Value,
    /// How many of what is measured one run of the case does.
    pub(super) units: u64,
    /// How many runs are asked for at once, so that threads have something to share.
    pub(super) at_once: u64,
    pub(super) threads: usize,
    /// Whether it makes something else each time.
    pub(super) is_random: bool,
    /// Whether it makes keys.
    pub(super) is_key: bool,
}

impl Case {
    fn new(group: &'static str, name: impl Into<String>, kind: &'static str) -> Case {
        Case {
            group,
            name: name.into(),
            kind,
            chart: PathBuf::new(),
            text: String::new(),
            values: json!({}),
            units: 1,
            at_once: 1,
            threads: 1,
            is_random: false,
            is_key: false,
        }
    }
}

/// How often a function is called by one rendering of its case.
const CALLS: u64 = 1000;

/// How many renderings with other values are asked for at once; ten rounds and more make 1,000 of them.
const RENDERINGS: u64 = 100;

/// Functions by name: what stands before the loop, and what is called in it.
const FUNCTIONS: [(&str, &str, &str); 13] = [
    (
        "include",
        "{{ define \"labels\" }}app: {{ .name }}\nrelease: {{ .name | quote }}\n{{ end }}",
        "include \"labels\" $.Chart",
    ),
    ("tpl of plain text", "", "tpl \"just text\" $"),
    ("tpl with an action", "", "tpl \"{{ .Release.Name }}-x\" $"),
    ("tpl of another text each time", "", "tpl (printf \"{{ .Release.Name }}-%d\" .) $"),
    ("toYaml of a list", "", "toYaml $.Values.container.ports"),
    ("toYaml of an object", "", "toYaml $.Values"),
    ("toYaml and nindent", "", "$.Values | toYaml | nindent 8"),
    ("fromYaml of an object", "{{ $text := toYaml .Values }}", "fromYaml $text"),
    ("toJson of an object", "", "toJson $.Values"),
    ("mergeOverwrite", "", "mergeOverwrite (dict) $.Values.container $.Values.resources"),
    ("deepCopy", "", "deepCopy $.Values"),
    ("semverCompare", "", "semverCompare \">=1.20-0\" $.Capabilities.KubeVersion.Version"),
    ("regexReplaceAll", "", "regexReplaceAll \"[^a-z0-9]+\" \"Hello World 12\" \"-\""),
];

/// Whether a chart makes something else each time.
pub(super) fn is_random(chart: &str) -> bool {
    chart.contains("jupyterhub")
}

/// All cases, the library's basic work first.
pub(super) fn all(charts: &[(String, PathBuf)]) -> Vec<Case> {
    let mut cases = Vec::new();
    let of_chart = |group, kind, (name, chart): &(String, PathBuf)| {
        // Its values and files are the same each time.
        let is_random = is_random(name) && kind != "load" && kind != "merge";
        Case { chart: chart.clone(), is_random, ..Case::new(group, format!("{kind} {name}"), kind) }
    };
    cases.extend(charts.iter().map(|chart| of_chart("library: parse", "parse", chart)));
    cases.push(Case {
        text:
            "{{ range $i, $x := .items }}{{ if eq $x.name \"b\" }}B{{ else }}{{ $x.name | upper | quote }}{{ end }}: \
               {{ printf \"%s-%v\" $x.name $x.port }} {{ $x.spec.deep.value | default \"none\" }}\n{{ end }}"
                .to_owned(),
        values: json!({"items": (0..200).map(|i| json!({
            "name": format!("n{i}"), "port": i, "spec": {"deep": {"value": format!("v{i}")}},
        })).collect::<Vec<_>>()}),
        units: 200,
        ..Case::new("library: execute", "an iteration with if, pipelines, printf", "execute")
    });
    cases.extend(FUNCTIONS.iter().map(|(name, before, call)| Case {
        // What the last call makes is written, so that both sides can be compared.
        text: format!(
            "{before}{{{{- range until {CALLS} }}}}{{{{ $x := {call} }}}}{{{{ end }}}}{{{{ with {CALLS} }}}}{{{{ {call} }}}}{{{{ end }}}}"
        ),
        values: object(),
        units: CALLS,
        ..Case::new("library: functions, a call", *name, "text")
    }));
    for (group, kind) in [
        ("library: values merged", "merge"),
        ("library: charts loaded", "load"),
        ("library: loaded charts rendered", "render"),
        ("library: charts loaded and rendered", "whole"),
    ] {
        cases.extend(charts.iter().map(|chart| of_chart(group, kind, chart)));
    }
    // The schema of the others names every value that there may be.
    for chart in charts.iter().filter(|(name, _)| name.contains("starter") || name.contains("generated")) {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        for threads in [1, processors] {
            let mut case = of_chart("library: 1,000 renderings with other values, each", "renderings", chart);
            case.name = format!("{}, {threads} thread{}", case.name, if threads == 1 { "" } else { "s" });
            cases.push(Case { threads, at_once: RENDERINGS, ..case });
        }
    }
    for (name, call) in [
        ("RSA, 4096 bits", "genPrivateKey \"rsa\""),
        ("a CA with RSA, 2048 bits", "genCA \"bench\" 365"),
        ("ECDSA P-256", "genPrivateKey \"ecdsa\""),
        ("Ed25519", "genPrivateKey \"ed25519\""),
    ] {
        cases.push(Case {
            text: format!("{{{{ $x := {call} }}}}"),
            is_key: true,
            is_random: true,
            ..Case::new("library: keys", name, "text")
        });
    }
    cases
}

/// Values of the kind that charts pass to `toYaml`.
fn object() -> Value {
    json!({
        "container": {
            "name": "web",
            "image": "registry.example.com/team/web:1.2.3",
            "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090, "protocol": "TCP"}],
            "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "ENABLED", "value": "yes"}],
            "command": ["sh", "-c", "echo hello world && sleep 10"],
            "empty": {},
        },
        "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "replicas": 3,
        "annotations": {"example.com/checksum": "0123456789abcdef", "example.com/scrape": "true"},
    })
}
