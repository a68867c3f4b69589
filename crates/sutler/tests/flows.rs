//! What people do with a stack, from `init` to `down`, through the program itself.

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use support::served::Served;
use support::{Place, peer};

/// A stack that is up in a moment: a chart with a ConfigMap, and one that needs it.
const SMALL: &str = "\
apiVersion: sutler.dev/v1alpha1
kind: Stack
name: team
environments: {try: {target: simulator}, safe: {target: simulator, protect: true}}
defaults: {environment: try}
cluster: {pools: {core: {instanceTypes: [m6i.xlarge], min: 1, max: 2}}}
secrets: {word: {env: WORD}}
releases:
  first: {namespace: one, chart: ./chart, set: {word: \"${secrets.word}\"}}
  second: {namespace: two, chart: ./chart, needs: [first]}
";

fn small() -> Place {
    let place = Place::new();
    place.write("stack.yaml", SMALL);
    place.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
    place.write(
        "chart/templates/a.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Release.Name }}}\nstringData: {word: {{ .Values.word | quote }}}\n",
    );
    // The environment of each run has no WORD; a file gives it.
    place.write("word", "open-sesame\n");
    place.write("stack.yaml", &SMALL.replace("{env: WORD}", "{file: word}"));
    place
}

fn example() -> Place {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data-team");
    for name in
        ["stack.yaml", "stack.lock", "values/jupyterhub.yaml", "values/jupyterhub-auth0.yaml", "values/ray-small.yaml"]
    {
        place.write(name, &std::fs::read_to_string(folder.join(name)).expect("the example's file"));
    }
    place
}

#[test]
fn the_umbrella_example_says_what_is_missing_and_goes_up_once_it_is_there() {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/jupyterhub-umbrella");
    for name in ["stack.yaml", "stack.lock", "chart/Chart.yaml", "chart/values.yaml", "chart/templates/NOTES.txt"] {
        place.write(name, &std::fs::read_to_string(folder.join(name)).expect("the example's file"));
    }
    let refused = place.run(&["up"]).ended(1);
    assert!(refused.stderr.contains("lacks dependencies that its Chart.yaml lists: jupyterhub"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: `sutler helm dependency build ./chart`"), "{}", refused.stderr);
    // A chart in the public one's place, which takes the values that the example's own chart reads.
    place.write("chart/charts/jupyterhub/Chart.yaml", "apiVersion: v2\nname: jupyterhub\nversion: 4.4.0\n");
    place.write(
        "chart/charts/jupyterhub/templates/hub.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hub}\ndata: {account: {{ .Values.singleuser.serviceAccountName }}}\n\
         ---\napiVersion: v1\nkind: Pod\nmetadata: {name: placeholder}\nspec:\n  nodeSelector: {{ toJson .Values.singleuser.nodeSelector }}\n  \
         tolerations: {{ toJson .Values.singleuser.extraTolerations }}\n  containers: [{name: pause, image: pause}]\n",
    );
    place.run(&["lock", "--check"]).ended(0);
    place.run(&["up"]).ended(0);
    place.run(&["plan"]).ended(0);
}

#[test]
fn up_pins_the_charts_and_keeps_to_them() {
    let place = example();
    std::fs::remove_file(place.path("stack.lock")).expect("the example's lock file");
    place.run(&["lock", "--check"]).ended(1);
    let plan = place.run(&["plan"]).ended(2);
    assert!(plan.stdout.contains("chart      + builtin:jupyterhub"), "{}", plan.stdout);
    assert!(!place.path("stack.lock").exists(), "a plan changes nothing");
    let up = place.run(&["up"]).ended(0);
    assert!(up.stderr.contains("wrote stack.lock (3 charts pinned)"), "{}", up.stderr);
    place.run(&["lock", "--check"]).ended(0);
    let pinned = std::fs::read_to_string(place.path("stack.lock")).expect("stack.lock");
    let line = pinned.lines().find(|line| line.contains("digest: sha256:")).expect("a digest");
    place.write("stack.lock", &pinned.replace(line, &format!("  digest: sha256:{}", "0".repeat(64))));
    let refused = place.run(&["plan"]).ended(1);
    assert!(refused.stderr.contains("stack.lock pins 0.1.0 (sha256:000000000000)"), "{}", refused.stderr);
    place.run(&["status"]).ended(0);
    place.run(&["lock", "--upgrade"]).ended(0);
    assert_eq!(std::fs::read_to_string(place.path("stack.lock")).expect("stack.lock"), pinned);
    place.run(&["plan"]).ended(0);
}

#[test]
fn init_makes_a_stack_that_can_be_planned_and_is_not_overwritten() {
    let place = Place::new();
    place.run(&["init", "--name", "team"]).ended(0);
    let written = std::fs::read_to_string(place.path("stack.yaml")).expect("a stack.yaml");
    let again = place.run(&["init"]).ended(1);
    assert!(again.stderr.contains("stack.yaml"), "{}", again.stderr);
    assert_eq!(std::fs::read_to_string(place.path("stack.yaml")).expect("a stack.yaml"), written);
    place.run(&["plan"]).ended(2);
}

#[test]
fn plan_says_by_its_exit_code_whether_up_would_change_something() {
    let place = small();
    place.run(&["plan"]).ended(2);
    assert!(!place.store("team-try").exists(), "a plan wrote the simulator's store");
    place.run(&["up"]).ended(0);
    place.run(&["plan"]).ended(0);
    let second = place.run(&["up"]).ended(0);
    assert!(second.stdout.contains("Nothing changed"), "{}", second.stdout);
    place.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.1\n");
    place.run(&["plan"]).ended(2);
    place.write("stack.yaml", "kind: Stack\n");
    place.run(&["plan"]).ended(1);
}

#[test]
fn a_plan_as_json_has_a_version() {
    let plan = small().run(&["plan", "-o", "json"]).ended(2).stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap_or_else(|error| panic!("{error}: {plan}"));
    let keys: Vec<&String> = plan.as_object().expect("an object").keys().collect();
    assert!(keys.iter().any(|key| key.to_lowercase().contains("version")), "{keys:?}");
}

#[test]
fn a_release_that_left_the_file_is_shown_and_removed() {
    let place = small();
    place.run(&["up"]).ended(0);
    let text = std::fs::read_to_string(place.path("stack.yaml")).expect("the stack");
    let shorter: String =
        text.lines().filter(|line| !line.contains("second:")).map(|line| format!("{line}\n")).collect();
    place.write("stack.yaml", &shorter);
    let plan = place.run(&["plan"]).ended(2).stdout;
    let removed: Vec<&str> = plan.lines().filter(|line| line.contains("- second")).collect();
    assert_eq!(removed.len(), 1, "{plan}");
    place.run(&["up"]).ended(0);
    let status = place.run(&["status"]).ended(0).stdout;
    assert!(status.contains("first") && !status.contains("second"), "{status}");
    place.run(&["plan"]).ended(0);
}

#[test]
fn down_takes_all_away_and_asks_first() {
    let place = small();
    place.run(&["up"]).ended(0);
    let refused = place.run(&["down"]).ended(1);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    place.run(&["plan"]).ended(0);
    place.run(&["down", "--yes"]).ended(0);
    assert!(!place.store("team-try").exists());
    let protected = place.run(&["down", "--yes", "-e", "safe"]).ended(1);
    assert!(protected.stderr.contains("protected"), "{}", protected.stderr);
}

#[test]
fn rendering_twice_gives_the_same_without_secrets() {
    let place = small();
    place.run(&["render", "a"]).ended(0);
    place.run(&["render", "b"]).ended(0);
    let (a, b) = (tree(&place.path("a")), tree(&place.path("b")));
    assert!(a.len() > 2, "{a:?}");
    assert_eq!(a, b);
    for (name, text) in &a {
        // In base64 too: `b3Blbi1zZXNhbWU=`.
        assert!(!text.contains("open-sesame") && !text.contains("b3Blbi1zZXNhbWU"), "{name}: {text}");
    }
}

#[test]
fn a_secret_is_in_no_output() {
    let place = small();
    for command in [&["up"][..], &["plan"], &["plan", "-o", "json"], &["status", "-o", "json"]] {
        let ran = place.run(command);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains("open-sesame") && !all.contains("b3Blbi1zZXNhbWU"), "{command:?}: {all}");
    }
}

/// Files of a folder and what is in them.
fn tree(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").display().to_string();
                found.push((name, std::fs::read_to_string(&path).expect("text")));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_store_that_is_not_whole_is_refused_and_left_as_it_is() {
    for broken in [&b"SQLite format 3\0and then nothing"[..], b"", b"not a store"] {
        let place = small();
        let store = place.store("team-try");
        std::fs::write(&store, broken).expect("a store");
        let refused = place.run(&["up"]).ended(1);
        assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
        assert_eq!(std::fs::read(&store).expect("the store"), broken, "the store was changed");
    }
}

#[test]
fn a_store_that_was_cut_short_is_refused_and_left_as_it_is() {
    let place = small();
    place.run(&["up"]).ended(0);
    let store = place.store("team-try");
    let whole = std::fs::read(&store).expect("the store");
    let cut = &whole[..whole.len() / 2];
    std::fs::write(&store, cut).expect("a store");
    place.run(&["up"]).ended(1);
    assert_eq!(std::fs::read(&store).expect("the store"), cut, "the store was changed");
}

#[test]
fn a_store_of_another_version_is_refused_and_left_as_it_is() {
    let place = small();
    place.run(&["up"]).ended(0);
    let store = place.store("team-try");
    let mut other = std::fs::read(&store).expect("the store");
    // SQLite's header: `user_version` is the four bytes from 60 on.
    other[60..64].copy_from_slice(&999u32.to_be_bytes());
    std::fs::write(&store, &other).expect("a store");
    let refused = place.run(&["up"]).ended(1);
    assert!(refused.stderr.contains("format 999") && refused.stderr.contains("hint:"), "{}", refused.stderr);
    assert_eq!(std::fs::read(&store).expect("the store"), other, "the store was changed");
}

#[test]
fn without_an_autoscaler_workers_wait_and_status_says_why() {
    let place = example();
    let text = std::fs::read_to_string(place.path("stack.yaml")).expect("the example");
    let release = "  cluster-autoscaler:\n    namespace: kube-system\n    chart: builtin:cluster-autoscaler\n    when: [try, real, prod]\n";
    assert!(text.contains(release) && text.contains("    needs: [cluster-autoscaler]\n"));
    let without = text
        .replace(release, "")
        .replace("    needs: [cluster-autoscaler]\n", "")
        .replace("timeout: 15m", "timeout: 2m");
    place.write("stack.yaml", &without);
    place.run(&["up"]).ended(1);
    let status = place.run(&["status"]);
    let all = format!("{}{}", status.stdout, status.stderr);
    assert!(all.contains("no autoscaler runs"), "{all}");
}

#[test]
fn what_is_forbidden_is_named_by_verb_and_resource() {
    let place = small();
    let served = Served::start(&place, "fast");
    served.faults(
        r#"{"rules": [{"resource": "secrets", "namespace": "two",
            "fault": {"status": {"code": 403, "reason": "Forbidden", "message": "secrets is forbidden: User \"ada\" cannot create resource \"secrets\" in the namespace \"two\""}}}]}"#,
    );
    let refused = place.run(&["up"]).ended(1);
    assert!(refused.stderr.contains("forbidden") && refused.stderr.contains("secrets"), "{}", refused.stderr);
    assert!(["create", "list", "get"].iter().any(|verb| refused.stderr.contains(verb)), "{}", refused.stderr);
    served.faults(r#"{"rules": []}"#);
    place.run(&["up"]).ended(0);
    served.stop();
}

#[test]
fn two_at_once_are_one_too_many_and_one_that_was_killed_is_finished_by_the_next() {
    let place = example();
    let served = Served::start(&place, "wall");
    let mut first = place.command(&["up"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("up starts");
    // In wall time a node takes a minute: until then the first works.
    let mut said = String::new();
    let mut lines = BufReader::new(first.stderr.take().expect("its progress"));
    while !said.contains("0 of 1 ready") {
        let before = said.len();
        lines.read_line(&mut said).expect("progress");
        assert!(said.len() > before, "it ended: {said}");
    }
    let second = place.run(&["up"]).ended(1);
    assert!(second.stderr.contains("is being changed by"), "{}", second.stderr);
    assert!(second.stderr.contains(&first.id().to_string()), "it does not say who: {}", second.stderr);
    first.kill().expect("it can be killed");
    first.wait().expect("its end");
    served.stop();
    place.run(&["up"]).ended(0);
    place.run(&["plan"]).ended(0);
}

#[test]
#[allow(clippy::print_stdout, reason = "a skip is said")]
fn a_pod_made_through_kubectl_under_the_roles_account_has_the_role() {
    let Some(kubectl) = peer("SUTLER_KUBECTL", "kubectl") else {
        println!(
            "skipped: a_pod_made_through_kubectl_under_the_roles_account_has_the_role: no kubectl (`cargo xtask peers`)"
        );
        return;
    };
    let place = example();
    place.run(&["up"]).ended(0);
    let served = Served::start(&place, "fast");
    let run = |arguments: &[&str]| {
        let ran = Command::new(&kubectl)
            .args(arguments)
            .env("KUBECONFIG", &served.kubeconfig)
            .output()
            .expect("kubectl runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(ran.status.success(), "{}{}", text(&ran.stdout), text(&ran.stderr));
        text(&ran.stdout)
    };
    let nodes = run(&["get", "nodes", "-l", "dedicated=ray", "-o", "name"]);
    assert_eq!(nodes.lines().count(), 4, "{nodes}");
    let overrides = r#"{"spec": {"serviceAccountName": "daft"}}"#;
    run(&["run", "mine", "-n", "jupyterhub", "--image", "python:3.12", "--overrides", overrides]);
    let pod = run(&["get", "pod", "mine", "-n", "jupyterhub", "-o", "jsonpath={.spec.containers[0].env}"]);
    assert!(pod.contains("AWS_ROLE_ARN") && pod.contains(":role/data-team-try_DaftRole"), "{pod}");
    let workers =
        run(&["get", "pods", "-n", "ray", "-o", "jsonpath={range .items[*]}{.spec.containers[0].env}{\"\\n\"}{end}"]);
    let with: Vec<&str> = workers.lines().filter(|line| line.contains("data-team-try_DaftRole")).collect();
    assert_eq!(with.len(), 5, "{workers}");
    served.stop();
}
