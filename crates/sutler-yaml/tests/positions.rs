//! Every node knows where it stands.

use sutler_yaml::{Data, decode, read, read_documents, read_strict};

/// The path's node as `start-end kind`.
#[track_caller]
fn check(text: &str, path: &str, expected: &str) {
    let node = read(text).expect("the text is YAML");
    let found = node.find(path.split('.').filter(|step| !step.is_empty())).expect("the path exists");
    assert_eq!(format!("{}-{} {}", found.start, found.end, found.kind()), expected, "{path} of {text:?}");
}

const STACK: &str =
    "# a stack\nname: data\npools:\n  ray: {min: 0, max: \"é\"}\nroles:\n- name: a\n- &b\n  name: b\nlast: *b\n";

#[test]
fn values_start_and_end_where_they_are_written() {
    check(STACK, "", "2:1-9:9 mapping");
    check(STACK, "name", "2:7-2:11 string");
    check(STACK, "pools", "4:3-4:26 mapping");
    check(STACK, "pools.ray", "4:8-4:26 mapping");
    check(STACK, "pools.ray.max", "4:22-4:25 string");
    check(STACK, "roles", "6:1-8:10 sequence");
    check(STACK, "roles.1.name", "8:9-8:10 string");
}

#[test]
fn an_alias_stands_where_it_is_used_and_its_content_where_it_was_anchored() {
    check(STACK, "last", "9:7-9:9 mapping");
    check(STACK, "last.name", "8:9-8:10 string");
}

#[test]
fn missing_values_stand_behind_their_key() {
    check("a:\nb: 1\n", "a", "1:3-1:3 null");
}

#[test]
fn columns_count_characters_behind_a_byte_order_mark() {
    check("\u{feff}é: ü\r\nb: c\r\n", "b", "2:4-2:5 string");
    check("\u{feff}é: ü\r\nb: c\r\n", "é", "1:4-1:5 string");
}

#[test]
fn keys_are_found_with_their_position() {
    let node = read(STACK).expect("the text is YAML");
    let (key, _) = node.entry("roles").expect("it is there");
    assert_eq!(key.start.to_string(), "5:1");
    let (closest, steps) = node.closest(["pools", "ray", "min", "x"]);
    assert_eq!((closest.start.to_string(), steps), ("4:14".to_owned(), 3));
}

#[test]
fn duplicate_keys_are_visible_and_the_last_one_counts() {
    let node = read("a: 1\nb: 2\na: 3\n").expect("only the strict reader refuses them");
    assert_eq!(node.get("a").and_then(|value| value.as_i64()), Some(3));
    let places: Vec<String> =
        node.duplicate_keys().iter().map(|(first, again)| format!("{} {}", first.start, again.start)).collect();
    assert_eq!(places, ["1:1 3:1"]);
    let error = read_strict("a: 1\nb: 2\na: 3\n").expect_err("`a` is given twice");
    assert_eq!(error.to_string(), "yaml: unmarshal errors:\n  line 3: key \"a\" already set in map");
    assert_eq!(error.position().to_string(), "3:1");
}

#[test]
fn errors_know_their_place_exactly() {
    for (text, place) in [
        ("a: b: c\n", "1:5"),
        ("x: 1\ny: [a\nz: 2\n", "3:2"),
        ("a:\n  - b\n c: d\n", "3:2"),
        ("a: *x\n", "1:4"),
        ("a: \u{1}\n", "1:4"),
        ("a: !!int x\n", "1:4"),
    ] {
        assert_eq!(read(text).expect_err("it is broken").position().to_string(), place, "{text:?}");
    }
}

#[test]
fn documents_of_a_stream_are_read_one_by_one() {
    let nodes = read_documents("a: 1\n---\n---\n- 2\n...\n").expect("the text is YAML");
    let kinds: Vec<&str> = nodes.iter().map(|node| node.kind()).collect();
    assert_eq!(kinds, ["mapping", "null", "sequence"]);
    assert_eq!(nodes[2].items()[0].start.to_string(), "4:3");
    assert!(read_documents("# nothing\n").expect("comments are YAML").is_empty());
    assert_eq!(read("").expect("an empty text is null").data, Data::Null);
    assert!(read("a: 1\n---\n]\n").is_ok(), "what follows the first document is not looked at");
}

#[test]
fn bytes_are_decoded_by_their_byte_order_mark() {
    assert_eq!(decode(b"a: \xc3\xa9").as_deref(), Ok("a: \u{e9}"));
    assert_eq!(decode(b"\xff\xfea\0:\0 \0\x3d\xd8\x00\xde").as_deref(), Ok("a: \u{1F600}"));
    for (bytes, problem) in [
        (&b"a: \xff"[..], "yaml: invalid leading UTF-8 octet"),
        (b"a: \xc3", "yaml: incomplete UTF-8 octet sequence"),
        (b"a: \xc3a", "yaml: invalid trailing UTF-8 octet"),
        (b"a: \xc0\x80", "yaml: invalid length of a UTF-8 sequence"),
        (b"a: \xed\xa0\x80", "yaml: invalid Unicode character"),
        (b"\xfe\xff\0a\0", "yaml: incomplete UTF-16 character"),
    ] {
        assert_eq!(decode(bytes).map_err(|error| error.to_string()), Err(problem.to_owned()));
    }
}
