//! Pod Security Admission, compared with Kubernetes' own library.
//!
//! `pod_security/` is a Go program around `k8s.io/pod-security-admission`. Its verdicts on generated pods in namespaces of generated labels are
//! recorded in `pod_security/recorded.jsonl` and compared in every run. With `SUTLER_JUDGE=live` the program is built (Go and its
//! module proxy are needed) and asked anew, with the seed and number of cases in `SUTLER_JUDGE_SEED` and `SUTLER_JUDGE_CASES`;
//! with `SUTLER_JUDGE=record` the record is written anew as well.

// A test fails where something it needs is not there, and prints its seed and counts.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sutler_objects::pod_security::{ENFORCE_LABEL, ENFORCE_VERSION_LABEL, Enforced, NEWEST};

const RECORDED_CASES: usize = 300;
const RECORDED_SEED: u64 = 20_261_123;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pod_security")
}

/// A small random number generator (splitmix64), so that a seed means the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick(&mut self, from: &[Value]) -> Value {
        from[self.below(from.len())].clone()
    }
}

/// Sets a field to one of these, once in `n` times.
fn maybe(random: &mut Random, n: usize, object: &mut Value, field: &str, from: &[Value]) {
    if random.one_in(n) {
        object[field] = random.pick(from);
    }
}

/// What pods and containers both have in their security contexts. Half of them are as hardening asks, so that single faults show.
fn security_context(random: &mut Random, rare: usize) -> Value {
    let mut context = json!({});
    maybe(random, 2, &mut context, "runAsNonRoot", &[json!(true)]);
    maybe(random, rare, &mut context, "runAsNonRoot", &[json!(false)]);
    maybe(random, rare, &mut context, "runAsUser", &[json!(0), json!(1000)]);
    maybe(
        random,
        2,
        &mut context,
        "seccompProfile",
        &[json!({"type": "RuntimeDefault"}), json!({"type": "Localhost", "localhostProfile": "a"})],
    );
    maybe(random, rare, &mut context, "seccompProfile", &[json!({"type": "Unconfined"}), json!({"type": "Other"})]);
    let app_armor = [json!({"type": "RuntimeDefault"}), json!({"type": "Unconfined"}), json!({"type": "Odd"})];
    maybe(random, rare, &mut context, "appArmorProfile", &app_armor);
    let se_linux = [
        json!({}),
        json!({"type": "container_t"}),
        json!({"type": "container_engine_t"}),
        json!({"type": "spc_t", "user": "u"}),
        json!({"type": "other_t", "role": "r", "level": "s0"}),
    ];
    maybe(random, rare, &mut context, "seLinuxOptions", &se_linux);
    maybe(random, rare, &mut context, "windowsOptions", &[json!({"hostProcess": true}), json!({"hostProcess": false})]);
    context
}

fn container(random: &mut Random, name: &str) -> Value {
    let mut container = json!({"name": name, "image": "x"});
    let mut context = security_context(random, 12);
    maybe(random, 8, &mut context, "privileged", &[json!(true), json!(false)]);
    maybe(random, 8, &mut context, "procMount", &[json!("Default"), json!("Unmasked")]);
    maybe(random, 2, &mut context, "allowPrivilegeEscalation", &[json!(false)]);
    maybe(random, 12, &mut context, "allowPrivilegeEscalation", &[json!(true)]);
    if random.one_in(2) {
        let mut capabilities = json!({"drop": ["ALL"]});
        maybe(random, 6, &mut capabilities, "drop", &[json!([]), json!(["CHOWN"]), json!(["CHOWN", "ALL"])]);
        let added = [
            json!(["NET_BIND_SERVICE"]),
            json!(["SYS_ADMIN", "NET_ADMIN"]),
            json!(["CHOWN"]),
            json!(["ALL"]),
            json!([]),
        ];
        maybe(random, 4, &mut capabilities, "add", &added);
        context["capabilities"] = capabilities;
    }
    if !random.one_in(6) {
        container["securityContext"] = context;
    }
    let ports = [
        json!([{"containerPort": 80}]),
        json!([{"containerPort": 80, "hostPort": 8080}, {"containerPort": 9, "hostPort": 9}]),
    ];
    maybe(random, 8, &mut container, "ports", &ports);
    let handlers = [
        json!({"httpGet": {"port": 80}}),
        json!({"httpGet": {"port": 80, "host": "localhost"}}),
        json!({"tcpSocket": {"port": 80, "host": "10.0.0.1"}}),
        json!({"exec": {"command": ["true"]}}),
    ];
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        maybe(random, 10, &mut container, probe, &handlers);
    }
    if random.one_in(10) {
        let mut lifecycle = json!({});
        maybe(random, 2, &mut lifecycle, "postStart", &handlers);
        maybe(random, 2, &mut lifecycle, "preStop", &handlers);
        container["lifecycle"] = lifecycle;
    }
    container
}

fn pod(random: &mut Random) -> Value {
    let mut spec = json!({});
    if !random.one_in(4) {
        let mut context = security_context(random, 12);
        let sysctls = [
            json!([{"name": "kernel.shm_rmid_forced", "value": "1"}]),
            json!([{"name": "net.ipv4.tcp_rmem", "value": "1"}, {"name": "net.ipv4.tcp_keepalive_time", "value": "1"}]),
            json!([{"name": "net.ipv4.ip_local_reserved_ports", "value": "1"}, {"name": "kernel.msgmax", "value": "1"}]),
        ];
        maybe(random, 8, &mut context, "sysctls", &sysctls);
        spec["securityContext"] = context;
    }
    let many = 1 + random.below(3);
    spec["containers"] = (0..many).map(|index| container(random, &format!("c{}", 9 - index))).collect();
    if random.one_in(3) {
        spec["initContainers"] = json!([container(random, "init")]);
    }
    if random.one_in(12) {
        spec["ephemeralContainers"] = json!([container(random, "debug")]);
    }
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        maybe(random, 16, &mut spec, field, &[json!(true), json!(false)]);
    }
    maybe(random, 16, &mut spec, "hostUsers", &[json!(false), json!(true)]);
    maybe(random, 12, &mut spec, "os", &[json!({"name": "windows"}), json!({"name": "linux"})]);
    let volumes = [
        json!({"name": "data", "emptyDir": {}}),
        json!({"name": "config", "configMap": {"name": "a"}}),
        json!({"name": "host", "hostPath": {"path": "/"}}),
        json!({"name": "files", "nfs": {"server": "a", "path": "/"}}),
        json!({"name": "disk", "awsElasticBlockStore": {"volumeID": "a"}}),
        json!({"name": "claim", "persistentVolumeClaim": {"claimName": "a"}}),
        json!({"name": "nothing"}),
        json!({"name": "image", "image": {"reference": "a"}}),
    ];
    if random.one_in(3) {
        spec["volumes"] = (0..1 + random.below(3)).map(|_| random.pick(&volumes)).collect();
    }
    let mut annotations = json!({});
    let values =
        [json!("runtime/default"), json!("unconfined"), json!("localhost/a"), json!("docker/default"), json!("")];
    for key in [
        "seccomp.security.alpha.kubernetes.io/pod",
        "container.seccomp.security.alpha.kubernetes.io/c9",
        "container.seccomp.security.alpha.kubernetes.io/nobody",
        "container.apparmor.security.beta.kubernetes.io/c9",
        "container.apparmor.security.beta.kubernetes.io/nobody",
    ] {
        maybe(random, 10, &mut annotations, key, &values);
    }
    json!({"metadata": {"annotations": annotations}, "spec": spec})
}

fn case(random: &mut Random) -> Value {
    let mut labels = json!({});
    let levels = [
        json!("restricted"),
        json!("restricted"),
        json!("baseline"),
        json!("baseline"),
        json!("privileged"),
        json!("none"),
    ];
    maybe(random, 1, &mut labels, ENFORCE_LABEL, &levels);
    let versions: Vec<Value> = [
        "latest", "v1.0", "v1.8", "v1.18", "v1.19", "v1.22", "v1.24", "v1.25", "v1.27", "v1.30", "v1.33", "v1.34",
        "v1.99", "1.30", "v1.x",
    ]
    .map(Value::from)
    .to_vec();
    maybe(random, 2, &mut labels, ENFORCE_VERSION_LABEL, &versions);
    json!({"labels": labels, "pod": pod(random)})
}

fn answer(case: &Value) -> String {
    let enforced = Enforced::of_labels(case["labels"].as_object());
    enforced.refusal(&enforced.violations(&case["pod"], NEWEST)).unwrap_or_default()
}

fn compare(cases: &[(Value, String)]) {
    let mut broken: BTreeMap<&str, usize> = BTreeMap::new();
    for (case, judged) in cases {
        assert_eq!(answer(case), *judged, "{case}");
        *broken.entry(if judged.is_empty() { "taken" } else { "refused" }).or_default() += 1;
    }
    println!("{} cases as the library: {broken:?}", cases.len());
    assert_eq!(broken.len(), 2, "some are taken, some refused: {broken:?}");
}

fn ask_judge(cases: &[Value]) -> Vec<String> {
    let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pod-security-judge");
    let built =
        Command::new("go").args(["build", "-o"]).arg(&binary).arg(".").current_dir(folder()).status().expect("go runs");
    assert!(built.success(), "the judge does not build");
    let mut child =
        Command::new(&binary).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the judge starts");
    let mut input = child.stdin.take().unwrap();
    let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the judge fails");
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn recorded_verdicts_of_the_real_library_are_ours() {
    let text = std::fs::read_to_string(folder().join("recorded.jsonl")).expect("the record is there");
    let cases: Vec<(Value, String)> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() >= RECORDED_CASES, "{} recorded cases", cases.len());
    compare(&cases);
}

#[test]
fn verdicts_of_the_real_library_asked_now_are_ours() {
    let mode = std::env::var("SUTLER_JUDGE").unwrap_or_default();
    if mode != "live" && mode != "record" {
        println!("skipped: verdicts_of_the_real_library_asked_now_are_ours: SUTLER_JUDGE is not `live`");
        return;
    }
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let seed = if mode == "record" { RECORDED_SEED } else { number("SUTLER_JUDGE_SEED", RECORDED_SEED) };
    let count = if mode == "record" { RECORDED_CASES } else { number("SUTLER_JUDGE_CASES", 2000) as usize };
    println!("seed {seed}, {count} cases");
    let mut random = Random(seed);
    let cases: Vec<Value> = (0..count).map(|_| case(&mut random)).collect();
    let answers = ask_judge(&cases);
    assert_eq!(answers.len(), cases.len());
    let pairs: Vec<(Value, String)> = cases.into_iter().zip(answers).collect();
    if mode == "record" {
        let lines: String = pairs.iter().map(|pair| format!("{}\n", json!(pair))).collect();
        std::fs::write(folder().join("recorded.jsonl"), lines).unwrap();
    }
    compare(&pairs);
}
