//! Helmfiles in, stacks and sentences out.

use std::collections::BTreeMap;

use super::*;

struct Files(BTreeMap<PathBuf, String>);

impl Outside for Files {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    fn is_file(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.0.keys().any(|file| file.starts_with(path) && file != path)
    }

    fn list(&self, path: &Path) -> std::io::Result<Vec<String>> {
        let inside = self.0.keys().filter(|file| file.parent() == Some(path));
        Ok(inside.filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "TEAM").then(|| "data".to_owned())
    }

    fn now(&self) -> i64 {
        0
    }
}

fn converted(environment: &str, files: &[(&str, &str)]) -> Result<Adopted, HelmfileError> {
    let file = Path::new("/team").join(files[0].0);
    let all = files.iter().map(|(name, text)| (Path::new("/team").join(name), (*text).to_owned())).collect();
    let outside: Arc<dyn Outside> = Arc::new(Files(all));
    convert(&Request { file: &file, environment, stack: Path::new("/team/stack"), name: "team" }, &outside)
}

fn text(adopted: &Adopted, path: &str) -> String {
    let file = adopted.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}: {adopted:?}"));
    String::from_utf8(file.content.clone()).unwrap()
}

const TEMPLATE: &str = "\
bases: [base.yaml]
environments:
  default: {values: [defaults.yaml]}
  prod: {values: [defaults.yaml, {web: {replicas: 5}}]}
---
helmDefaults: {timeout: 90}
releases:
- name: web
  namespace: {{ env \"TEAM\" }}
  chart: ./web
  condition: web.enabled
  needs: [{{ env \"TEAM\" }}/db]
  values:
  - plain.yaml
  - made.yaml.gotmpl
  - {replicas: {{ .Values.web.replicas }}}
  set: [{name: a.b, value: \"true\"}, {name: l, values: [x, \"1\"]}, {name: 'c[0]', value: 7}]
  hooks: [{events: [presync], command: echo}]
- name: db
  namespace: {{ env \"TEAM\" }}
  chart: stable/db
  version: ~1.2
  inherit: [{template: common}]
- name: off
  chart: stable/off
  installed: false
- name: far
  chart: git::https://example.org/x
";

fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("helmfile.yaml.gotmpl", TEMPLATE),
        (
            "base.yaml",
            "repositories: [{name: stable, url: https://charts.example.org/}]\ntemplates: {common: {setString: [{name: password, value: \"1\"}]}}\n",
        ),
        ("defaults.yaml", "web: {replicas: 2, enabled: true}\n"),
        ("plain.yaml", "x: 1\n"),
        ("made.yaml.gotmpl", "name: {{ .Release.Name }}-{{ .Environment.Name }}\n"),
        ("web/Chart.yaml", "name: web\n"),
    ]
}

#[test]
fn a_helmfile_with_parts_bases_templates_and_environments() {
    let adopted = converted("default", &files()).unwrap();
    assert_eq!(
        text(&adopted, "stack.yaml"),
        "\
# yaml-language-server: $schema=./.sutler/stack.schema.json
# The releases of /team/helmfile.yaml.gotmpl in its environment default.
apiVersion: sutler.dev/v1alpha1
kind: Stack
name: team

environments:
  try: {target: simulator}
  # live: {target: {context: NAME}}    # the cluster, by its kubeconfig context
defaults: {environment: try}

cluster: {}

releases:
  db:
    namespace: data
    chart: {repo: https://charts.example.org, name: db, version: \"~1.2\"}
    valuesFiles: [private/db.yaml]
    timeout: 90s
  web:
    namespace: data
    chart: ../web
    needs: [db]
    valuesFiles: [../plain.yaml, values/web.yaml, values/web-2.yaml, values/web-3.yaml]
    set:
      \"c[0]\": 7
    timeout: 90s

# Of the Helmfile, not in this file:
# - /team/helmfile.yaml.gotmpl:24 (as rendered): release off is not installed in environment default.
# - /team/helmfile.yaml.gotmpl:28 (as rendered): release far is left out: `git::https://example.org/x` is fetched by go-getter; put the chart beside stack.yaml, or name a repository.
# - /team/helmfile.yaml.gotmpl:18 (as rendered): `hooks` of release web has no counterpart in stack.yaml.
"
    );
    assert_eq!(text(&adopted, "values/web.yaml"), "name: web-default\n");
    assert_eq!(text(&adopted, "values/web-2.yaml"), "replicas: 2\n");
    assert_eq!(text(&adopted, "values/web-3.yaml"), "a:\n  b: true\nl:\n- x\n- 1\n");
    assert_eq!(text(&adopted, "private/db.yaml"), "password: \"1\"\n");
    assert_eq!(text(&converted("prod", &files()).unwrap(), "values/web-2.yaml"), "replicas: 5\n");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let said = |environment: &str, text: &str| match converted(environment, &[("helmfile.yaml.gotmpl", text)]) {
        Ok(adopted) => panic!("{adopted:?}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(said("prod", "releases: []\n"), "/team/helmfile.yaml.gotmpl: no environment `prod`");
    let exec = said("default", "releases: [{name: {{ exec \"id\" (list) }}}]\n");
    assert!(exec.contains("`exec` runs a program, which `sutler init` does not"), "{exec}");
    let unset = said("default", "a: {{ requiredEnv \"NOT_THERE\" }}\n");
    assert!(unset.contains("required env var `NOT_THERE` is not set"), "{unset}");
    let missing = said("default", "environments:\n  default:\n    values: [none.yaml]\n");
    assert_eq!(missing, "cannot read `/team/none.yaml`");
    let condition = said("default", "releases:\n- name: a\n  chart: ./a\n  condition: x.enabled\n");
    assert_eq!(condition, "/team/helmfile.yaml.gotmpl:4 (as rendered): the environment's values have no `x`");
    let name = said("default", "releases:\n- {name: ../a, chart: 'oci://h/a'}\n");
    assert!(name.contains("`../a` is no release name"), "{name}");
}
