//! What is particular to the chart `jupyterhub`: secrets that are made once, and the hub's configuration program.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use sutler_chart::{Lookup, NoCluster, Operation, ReleaseInfo, RenderOptions, Rendered, render};

/// A cluster that holds one object.
struct Holding(Value);

impl Lookup for Holding {
    fn lookup(&self, _: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, String> {
        let metadata = &self.0["metadata"];
        let found = self.0["kind"] == kind && metadata["namespace"] == namespace && metadata["name"] == name;
        Ok(if found { self.0.clone() } else { json!({}) })
    }
}

fn rendered(values: &Value, seed: u8, lookup: Arc<dyn Lookup>) -> Rendered {
    let chart = sutler_charts::load("jupyterhub").expect("it can be loaded");
    let release =
        ReleaseInfo { name: "hub".into(), namespace: "notebooks".into(), revision: 1, operation: Operation::Install };
    let mut options = RenderOptions::new(release).with_seed([seed; 32]);
    options.lookup = lookup;
    render(&chart, &sutler_chart::values::from_json(values), &options).expect("it renders")
}

/// The object of that kind and name.
fn object(rendered: &Rendered, kind: &str, name: &str) -> Value {
    let objects = rendered.manifests.iter().map(|manifest| {
        let node = sutler_yaml::read(&manifest.text).expect("a manifest is YAML");
        sutler_yaml::to_json(&node).expect("and has a JSON form")
    });
    let mut found = objects.filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.next().unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

#[test]
fn secrets_are_made_once() {
    let values = json!({});
    let first = object(&rendered(&values, 1, Arc::new(NoCluster)), "Secret", "hub-hub-keys");
    let other = object(&rendered(&values, 2, Arc::new(NoCluster)), "Secret", "hub-hub-keys");
    let upgraded = object(&rendered(&values, 2, Arc::new(Holding(first.clone()))), "Secret", "hub-hub-keys");
    assert_ne!(first["data"], other["data"]);
    assert_eq!(first["data"], upgraded["data"]);
    assert_eq!(first["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    let keys: Vec<&String> = first["data"].as_object().expect("it has data").keys().collect();
    assert_eq!(
        keys,
        [
            "hub.config.ConfigurableHTTPProxy.auth_token",
            "hub.config.CryptKeeper.keys",
            "hub.config.DummyAuthenticator.password",
            "hub.config.JupyterHub.cookie_secret"
        ]
    );
}

#[test]
fn a_password_that_was_given_is_not_made() {
    let values = json!({"hub": {"config": {"DummyAuthenticator": {"password": "given"}}}});
    let rendered = rendered(&values, 1, Arc::new(NoCluster));
    let keys = object(&rendered, "Secret", "hub-hub-keys");
    assert_eq!(keys["data"].get("hub.config.DummyAuthenticator.password"), None);
    assert!(!rendered.notes.contains("password"), "{}", rendered.notes);
}

/// Stands for traitlets: `get_config()` makes its sections as they are named.
const TRAITLETS: &str = "
class Section(dict):
    def __missing__(self, name):
        self[name] = Section()
        return self[name]
    def __setattr__(self, name, value):
        self[name] = value
    def __getattr__(self, name):
        return self[name]
CONFIG = Section()
def get_config():
    return CONFIG
";

#[test]
fn the_program_sets_values_then_secrets_then_more() {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    if Command::new(&python).arg("--version").output().is_err() {
        println!("skipped: running the hub's configuration, since there is no {python}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder can be made");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
        std::fs::write(path, text).expect("it can be written");
    };
    write("modules/traitlets/__init__.py", "");
    write("modules/traitlets/config.py", TRAITLETS);
    let values = json!({
        "config": {
            "JupyterHub": {"authenticator_class": "dummy", "port": 1},
            "DummyAuthenticator": {"password": "from values"},
            "GenericOAuthenticator": {"client_secret": "from values"},
        },
        "extraConfig": {"20": "c.JupyterHub.port += 1", "10": "c.JupyterHub.port *= 10"},
    });
    write("base/values/values.json", &values.to_string());
    write("base/keys/hub.config.JupyterHub.cookie_secret", "00ff");
    write("base/keys/hub.config.CryptKeeper.keys", "aa; bb\n");
    write("base/keys/hub.config.DummyAuthenticator.password", "made\n");
    write("base/existing/hub.config.GenericOAuthenticator.client_secret", "from an existing secret");
    write("base/sutler/hub.config.GenericOAuthenticator.client_secret", "from stack.yaml");
    write("base/sutler/something.else", "not read");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("jupyterhub/files/jupyterhub_config.py");
    let script = "import json, runpy, sys; runpy.run_path(sys.argv[1]); \
                  from traitlets.config import CONFIG; print(json.dumps(CONFIG, default=lambda b: b.hex()))";
    let output = Command::new(&python)
        .args(["-B", "-c", script])
        .arg(program)
        .env("PYTHONPATH", folder.path().join("modules"))
        .env("JUPYTERHUB_CHART_CONFIG", folder.path().join("base"))
        .output()
        .expect("python can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let set: BTreeMap<String, Value> = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    let wanted = json!({
        "JupyterHub": {"authenticator_class": "dummy", "port": 11, "cookie_secret": "00ff"},
        "CryptKeeper": {"keys": ["aa", "bb"]},
        "DummyAuthenticator": {"password": "made"},
        "GenericOAuthenticator": {"client_secret": "from stack.yaml"},
    });
    assert_eq!(json!(set), wanted);
}
