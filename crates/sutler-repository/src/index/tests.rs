//! The scanner against the full reader, and what Helm leaves out.

use super::*;

const COMMON: &str = r#"apiVersion: v1
entries:
  alpine:
  - annotations:
      artifacthub.io/changes: |
        - kind: added
          description: x
      category: Base
    apiVersion: v2
    appVersion: "3.19"
    created: "2024-01-02T03:04:05.678901234Z"
    dependencies:
    - alias: other
      condition: a.enabled
      name: common
      repository: https://charts.example.com/stable
      tags:
      - x
      version: ^1.0
    description: A long description of the chart which is folded by the program that
      writes it, and goes on here
    digest: 705ebc5d83b1d34e6a8f4b1b4b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b
    home: https://example.com
    keywords:
    - base
    - "1.0"
    - true
    maintainers:
    - email: a@example.com
      name: A
    - name: B C
    name: alpine
    sources:
    - https://example.com/src
    urls:
    - alpine-1.10.0.tgz
    version: 1.10.0
  - created: "2024-01-02T03:04:05Z"
    digest: 0e1234
    name: alpine
    urls:
    - https://example.com/alpine-1.9.0.tgz
    version: 1.9.0
  - name: alpine
    version: 1.11.0-beta
    urls: ["a", 'b']
    description: 'it''s'
    appVersion: 1.0
  mariadb: []
generated: "2024-01-02T03:04:05.678901234+02:00"
"#;

fn both(text: &str) -> (Result<Index, String>, Vec<String>) {
    let read = |slowly: bool| {
        let mut remarks = Vec::new();
        let index = if slowly {
            Index::read_slowly(text.as_bytes(), "here", &mut remarks)
        } else {
            Index::read(text.as_bytes(), "here", &mut remarks)
        };
        let remarks = remarks.iter().map(ToString::to_string).collect::<Vec<_>>();
        (index.map_err(|error| sutler_chart::error_chain(&error)), remarks)
    };
    let (fast, slow) = (read(false), read(true));
    assert_eq!(fast, slow, "{text}");
    fast
}

#[test]
fn the_common_form_is_scanned_as_the_full_reader_reads_it() {
    assert!(Index::is_scanned(COMMON));
    let (index, remarks) = both(COMMON);
    assert_eq!(remarks, [""; 0]);
    let index = index.unwrap();
    let entries = index.versions("alpine").unwrap();
    let versions: Vec<&str> = entries.iter().map(|entry| entry.version.as_str()).collect();
    assert_eq!(versions, ["1.11.0-beta", "1.10.0", "1.9.0"]);
    assert_eq!(entries[1].keywords, ["base", "1.0", "true"]);
    assert_eq!(entries[1].app_version, "3.19");
    assert_eq!(
        entries[1].description,
        "A long description of the chart which is folded by the program that writes it, and goes on here"
    );
    assert_eq!((entries[0].app_version.as_str(), entries[0].description.as_str()), ("1", "it's"));
    assert_eq!(index.versions("mariadb").unwrap().len(), 0);
}

#[test]
fn an_index_that_is_cut_off_anywhere_is_read_as_far_as_it_is_one_or_refused() {
    for end in 1..COMMON.len() {
        let (index, _) = both(&COMMON[..end]);
        // What was read of it holds nothing that the whole has not.
        let whole = Index::read(COMMON.as_bytes(), "here", &mut Vec::new()).unwrap();
        for (name, _) in index.iter().flat_map(Index::charts) {
            assert!(whole.charts().any(|(known, _)| known.starts_with(name)), "cut at {end}: {name}");
        }
    }
}

/// One entry with a field put into it.
fn with(field: &str) -> String {
    let field = field.replace('\n', "\n    ");
    format!(
        "apiVersion: v1\nentries:\n  a:\n  - {field}\n    name: a\n    version: 1.0.0\n    urls:\n    - u\n  b:\n  - name: b\n    version: 2.0.0\n"
    )
}

#[test]
fn odd_values_are_read_alike() {
    for field in [
        "description: yes",
        "description: ~",
        "description: null",
        "description:",
        "description: 12",
        "description: 1e5",
        "description: .inf",
        "description: 0x1f",
        "description: 1_000",
        "description: 2001-01-01",
        "description: <<",
        "description: a: b",
        "description: a #b",
        "description: a#b",
        "description: \"a\\tb\"",
        "description: \"a",
        "description: 'a",
        "description: \"a\"b",
        "description: |\n  a\n\n  b",
        "description: >-\n  a\n  b\n\n  c",
        "description: |2\n    a",
        "description: a\n  b\n\n  c",
        "description: a\n  - b",
        "description: a\n  b: c",
        "description: \"a\n  b\\\n  c\"",
        "description: {a: b}",
        "description: [a]",
        "description:\n  a: b",
        "description:\n  text",
        "description: *x",
        "description: &x y",
        "description: !!str 1",
        "description: \u{e9}\u{a0}\u{200b}x",
        "description: a\u{85}b",
        "description: a\tb",
        "description: x\ndescription: y",
        "nonsense: x",
        "Description: x",
        "created: 2020-01-01T00:00:00Z",
        "created: \"2020-13-01T00:00:00Z\"",
        "created: yesterday",
        "created:",
        "created: 12",
        "removed: true",
        "removed: yes",
        "removed: maybe",
        "deprecated: \"true\"",
        "keywords: [a, 1, yes]",
        "keywords: x",
        "keywords:\n- a\n- 1\n- ~\n- yes\n- \"q\"",
        "keywords:\n  - a\n  - b",
        "keywords:\n- a: b",
        "keywords:\n- - b",
        "keywords:\n-",
        "keywords:\n- a\n  b",
        "keywords:\n- a\n b",
        "keywords: ~",
        "maintainers:\n- name: x\n  age: 3",
        "maintainers:\n- name: x\n  name: y",
        "maintainers:\n- ~",
        "maintainers:\n- x",
        "maintainers:\n  - name: x\n    email: \"y\"",
        "maintainers: ~",
        "maintainers: []",
        "maintainers: [{name: x}]",
        "dependencies:\n- name: x\n  alias: a b",
        "dependencies:\n- name: x\n- name: x",
        "dependencies:\n- name: x\n  enabled: true\n  import-values:\n  - a\n  - child: b\n    parent: c\n  version: '>=1'",
        "dependencies:\n- name: x\n  import-values: y",
        "dependencies:\n- name: x\n  tags: [a]\n  enabled: 1",
        "annotations:\n  a: b\n  a: c",
        "annotations:\n  a: 1\n  b: ~\n  c: |\n    x: y\n  d: \"q\"",
        "annotations:\n  a:\n    b: c",
        "annotations:\n  yes: c",
        "annotations: {}",
        "annotations: {a: b}",
        "annotations: x",
        "type: library",
        "type: other",
        "tags: x",
        "kubeVersion: '>=1.20-0'",
        "engine: gotpl",
        "url: x",
        "# comment",
        "",
    ] {
        let _ = both(&with(field));
    }
}

#[test]
fn odd_documents_are_read_alike() {
    for text in [
        "apiVersion: v1\n",
        "entries: {}\n",
        "entries:\n",
        "\n",
        "a: b\n",
        "[]",
        "apiVersion: v1\nentries:\n  a:\n  - ~\n",
        "apiVersion: v1\nentries:\n  a:\n",
        "apiVersion: v1\nentries:\n  a: {}\n",
        "apiVersion: v1\nentries:\n  a:\n    - name: a\n      version: 1.0.0\n    - name: a\n      version: 2.0.0\n",
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n  a:\n  - name: a\n    version: 1.0.0\n",
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n apiVersion: v2\n",
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n\n  b:\n  - name: b\n    version: 1.0.0\n",
        "apiVersion: v1\nentries:\n  y:\n  - name: a\n    version: 1.0.0\n",
        "apiVersion: v1\nentries:\n  a:\n  - name: ../a\n    version: 1.0.0\n  - name: ''\n    version: 1.0.0\n  - name: a\n    version: x\n  - name: a\n",
        "---\napiVersion: v1\nentries: {}\n---\nmore\n",
        "apiVersion: v1\ngenerated: now\n",
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    description: \"x\n b\"\n",
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    versi",
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\npublicKeys: []\nserverInfo: {a: 1}\nannotations: {a: b}\n",
    ] {
        let _ = both(text);
    }
}

#[test]
fn invalid_entries_are_left_out_with_a_remark_each() {
    let text = "apiVersion: v1\nentries:\n  a:\n  - ~\n  - name: a\n    version: x\n  - name: a\n    version: 1.0.0\n";
    let (index, remarks) = both(text);
    assert_eq!(index.unwrap().versions("a").unwrap().len(), 1);
    assert_eq!(
        remarks,
        [
            r#"level=WARN msg="skipping loading invalid entry for chart \"a\" \"x\" from here: validation: chart.metadata.version \"x\" is invalid""#,
            r#"level=WARN msg="skipping loading invalid entry for chart \"a\" from here: empty entry""#,
        ]
    );
}

#[test]
fn what_is_no_index_is_told_in_helms_words() {
    for (text, expected) in [
        ("", "empty index.yaml file"),
        ("entries: {}", "no API version specified"),
        (
            "<html>",
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type repo.IndexFile",
        ),
        ("a: b", "error unmarshaling JSON: while decoding JSON: json: unknown field \"a\""),
        ("a: b\nc", "error converting YAML to JSON: yaml: line 3: could not find expected ':'"),
    ] {
        let error = Index::read(text.as_bytes(), "here", &mut Vec::new()).unwrap_err();
        assert_eq!(sutler_chart::error_chain(&error), expected);
    }
}

#[test]
fn the_version_that_a_constraint_means_is_found() {
    let index = both(COMMON).0.unwrap();
    let get = |version: &str| {
        let mut remarks = Vec::new();
        let found = index.get("alpine", version, &mut remarks);
        (found.map(|entry| entry.version.clone()).map_err(|error| error.to_string()), remarks.len())
    };
    assert_eq!(get(""), (Ok("1.10.0".into()), 0));
    assert_eq!(get("1.9.0"), (Ok("1.9.0".into()), 0));
    assert_eq!(get("~1.9"), (Ok("1.9.0".into()), 1));
    assert_eq!(get(">0.0.0-0"), (Ok("1.11.0-beta".into()), 1));
    assert_eq!(get("9"), (Err("no chart version found for alpine-9".into()), 0));
    assert_eq!(get("a b"), (Err("improper constraint: a b".into()), 0));
    assert_eq!(index.get("nothing", "", &mut Vec::new()), Err(LookupError::NoName));
    assert_eq!(index.get("mariadb", "", &mut Vec::new()), Err(LookupError::NoVersion));
}

#[test]
fn json_is_read_without_strictness() {
    let text = r#"{"apiVersion":"v1","more":1,"entries":{"a":[null,{"name":"a","version":"1.0.0","x":{},"urls":["u"],"maintainers":[{"name":"m"}]}]}}"#;
    let mut remarks = Vec::new();
    let index = Index::read(text.as_bytes(), "here", &mut remarks).unwrap();
    assert_eq!(index.versions("a").unwrap()[0].urls, ["u"]);
    assert_eq!(remarks.len(), 1);
}
