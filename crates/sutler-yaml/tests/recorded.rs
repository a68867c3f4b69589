//! Recorded cases: what Go made of an input, checked where there is no Go.
//!
//! A line of `tests/recorded/*.jsonl` is a request to the judge (`tests/judge/main.go`) and its answer; `tests/go.rs` asks it
//! again and compares.

mod notation;

use notation::{read_answer, write_answer};
use serde_json::Value;

/// Answers every request of a file and compares with what Go answered.
#[track_caller]
fn check(name: &str, file: &str, answer: impl Fn(&Value) -> Value) {
    let mut count = 0;
    for line in file.lines() {
        let case: Value = serde_json::from_str(line).expect("recorded cases are JSON");
        assert_eq!(answer(&case["request"]), case["answer"], "{name}: {}", case["request"]);
        count += 1;
    }
    assert!(count > 100, "{name} has only {count} cases");
}

#[test]
fn recorded_texts_read_as_in_go() {
    check("read", include_str!("recorded/read.jsonl"), read_answer);
}

#[test]
fn recorded_values_are_written_as_in_go() {
    check("write", include_str!("recorded/write.jsonl"), write_answer);
}
