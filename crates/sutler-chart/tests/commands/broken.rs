//! Charts with mistakes, from a seed.

/// A small generator of pseudo-random numbers (SplitMix64): the same seed gives the same charts everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = (mixed ^ (mixed >> 31)) >> 32;
        usize::try_from(high).expect("32 bits fit") % count
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

const SCALARS: &[&str] = &[
    "a",
    "A b",
    "1",
    "1.5",
    "true",
    "null",
    "\"\"",
    "[]",
    "{}",
    "[1]",
    "{a: 1}",
    "yes",
    "2001-01-01",
    "0x10",
    ".inf",
    "\"x: y\"",
    "é",
    "*a",
    "&a 1",
    "!!binary aGk=",
    "- 1",
    "\"\\x01\"",
    "@x",
    "%",
    "1:30",
    "http://a.b/c",
    "0.0.0-0",
    "v1.2.3",
    "1.2.3-rc.1+b",
    "a@b.cd",
    "<<: {b: 1}",
];
const FIELDS: &[&str] = &[
    "appVersion",
    "description",
    "type",
    "icon",
    "home",
    "sources",
    "keywords",
    "annotations",
    "kubeVersion",
    "deprecated",
    "condition",
    "tags",
    "Name",
    "foo",
    "apiversion",
];
const DEPENDENCIES: &[&str] = &[
    "[{name: a, version: 1.0.0, repository: \"http://x\"}]",
    "[{name: a},{name: a}]",
    "[{name: a, alias: \"x y\"}]",
    "[null]",
    "[{nam: a}]",
    "1",
];
const MAINTAINERS: &[&str] = &[
    "[{name: a, email: a@b.cd, url: \"http://a.b\"}]",
    "[{name: a, email: nope}]",
    "[{email: a@b.cd}]",
    "[null]",
    "[{name: a, url: \"not a url\"}]",
    "[{name: a, foo: 1}]",
    "[a]",
];
const TYPES: &[(&str, &str)] = &[
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("extensions/v1beta1", "Ingress"),
    ("policy/v1beta1", "PodDisruptionBudget"),
    ("v1", "List"),
    ("v1", "Namespace"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("v1", "Endpoints"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler"),
    ("x.y/z", "Thing"),
    ("apps/v1beta2", "StatefulSet"),
    ("1", "2"),
];
const NAMES: &[&str] = &[
    "a",
    "a-b",
    "{{ .Release.Name }}",
    "A",
    "a.b",
    "a_b",
    "-a",
    "\"a/b\"",
    "\".\"",
    "1a",
    "\"\"",
    "null",
    "5",
    "[x]",
    "\"%\"",
    "é",
];
const ITEMS: &[&str] = &[
    "items: []\n",
    "items:\n- metadata:\n    annotations:\n      helm.sh/resource-policy: keep\n",
    "items: x\n",
    "items: [1]\n",
    "items: [{metadata: {annotations: {a: []}}}]\n",
    "items: [null, {metadata: null}]\n",
];
const TEMPLATES: &[&str] = &[
    "",
    "  \n",
    "---\n---\n",
    "{}\n",
    "[]\n",
    "{\"kind\":\"A\"}{\"kind\":\"B\"}\n",
    "{\"kind\":\"Service\",\"metadata\":{\"name\":\"a\"}}\n---\nkind: B\n",
    "{kind: A}\n",
    "\t- a\n",
    "  kind: A\n",
    "{{ fail \"x\" }}",
    "{{ required \"x\" .Values.nope }}",
    "{{ .Values.a.b.c }}",
    "{{ include \"no\" . }}",
    "{{ if }}",
    "text",
    "kind: A\n--- x\nkind: B",
    "a: b: c\n",
    "kind: A\r\n---\r\nkind: B\r\n",
    "{\"a\":\n",
    "{\"a\":1}{\"b\":2}{\"c\"\n",
];
const VALUES: &[&str] =
    &["a: 1\nb: {c: x}\n", "", "null\n", "[1]\n", "a: b\n---\nc: d\n", "x: &x {a: 1}\ny: *x\n", "\"s\"\n"];
const SCHEMAS: &[&str] =
    &["{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"required\":[\"zz\"]}", "{}", "[]", "true", "{"];
const CRDS: &[&str] =
    &["apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n", "kind: A\n", "{{ x }}\n", "", "---\n"];
const DAMAGE: &[&str] =
    &[":", "[", "]", "{", "}", "-", "\"", "'", "\t", " ", "\n", "#", "&", "*", "!", "|", "---\n", "{{", "}}", "é"];

/// A text with a few characters taken out or put in.
fn damaged(random: &mut Random, text: String, percent: usize) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    while !chars.is_empty() && random.chance(percent) {
        let at = random.below(chars.len());
        if random.chance(40) {
            chars.remove(at);
        } else {
            let added = random.one_of(DAMAGE).chars();
            chars.splice(at..at, added);
        }
    }
    chars.into_iter().collect()
}

fn metadata(random: &mut Random) -> String {
    let mut lines = vec![
        format!("apiVersion: {}", random.one_of(&["v2", "v2", "v2", "v1", "v3", "\"\"", "2"])),
        format!("name: {}", random.one_of(&["c", "c", "c", "a/b", "\".\"", "\"\"", "1"])),
        format!(
            "version: {}",
            random.one_of(&["1.0.0", "1.0.0", "1", "\"1\"", "1.2", "x", "0.0.0-0", "v1.0.0", "1.0.0-a"])
        ),
    ];
    for field in FIELDS {
        if random.chance(12) {
            lines.push(format!("{field}: {}", random.one_of(SCALARS)));
        }
    }
    if random.chance(15) {
        lines.push(format!("dependencies: {}", random.one_of(DEPENDENCIES)));
    }
    if random.chance(20) {
        lines.push(format!("maintainers: {}", random.one_of(MAINTAINERS)));
    }
    damaged(random, lines.join("\n") + "\n", 8)
}

fn template(random: &mut Random) -> String {
    if random.chance(20) {
        return random.one_of(TEMPLATES).to_owned();
    }
    let mut text = random.one_of(&["", "---\n", "\n\n", "  "]).to_owned();
    for _ in 0..=random.below(2) {
        let (version, kind) = TYPES[random.below(TYPES.len())];
        text.push_str(&format!("apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {}\n", random.one_of(NAMES)));
        if kind == "List" {
            text.push_str(random.one_of(ITEMS));
        }
        if random.chance(30) {
            text.push_str("spec:\n  selector:\n    matchLabels: {a: b}\n");
        }
        text.push_str("---\n");
    }
    damaged(random, text, 12)
}

/// The files of a chart, by their names.
pub(crate) fn chart(random: &mut Random) -> Vec<(String, String)> {
    let mut files = vec![("Chart.yaml".to_owned(), metadata(random))];
    if random.chance(80) {
        let text = random.one_of(VALUES).to_owned();
        files.push(("values.yaml".to_owned(), damaged(random, text, 10)));
    }
    if random.chance(20) {
        files.push(("values.schema.json".to_owned(), random.one_of(SCHEMAS).to_owned()));
    }
    for number in 0..random.below(4) {
        let name = random.one_of(&["a", "b", "d/c", "_h", "NOTES"]);
        let end = random.one_of(&[".yaml", ".yaml", ".yaml", ".yml", ".YAML", ".tpl", ".txt", ".md"]);
        files.push((format!("templates/{name}{number}{end}"), template(random)));
    }
    if random.chance(15) {
        files.push(("crds/a.yaml".to_owned(), random.one_of(CRDS).to_owned()));
    }
    if random.chance(15) {
        files.push(("charts/sub/Chart.yaml".to_owned(), "name: sub\nversion: 1.0.0\n".to_owned()));
    }
    if random.chance(8) {
        let rule = random.one_of(&["*.yaml\n", "templates/\n", "values.yaml\n", "**\n", "[\n", "!a\n", "Chart.yaml\n"]);
        files.push((".helmignore".to_owned(), rule.to_owned()));
    }
    files
}
