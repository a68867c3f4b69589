//! Logs that Terraform 1.11.4 wrote.

use super::*;

fn events(log: &str) -> Vec<Event> {
    log.lines().filter_map(|line| read_line(line).unwrap()).collect()
}

/// Events in a few words, in the log's order.
fn words(log: &str) -> Vec<String> {
    let word = |event| match event {
        Event::Version { terraform } => format!("version {terraform}"),
        Event::Drifted { address, action } => format!("drifted {action} {address}"),
        Event::Planned { address, action } => format!("planned {action} {address}"),
        Event::Started { address, action } => format!("started {action} {address}"),
        Event::Working { address, action, .. } => format!("working {action} {address}"),
        Event::Done { address, action, id, .. } => format!("done {action} {address} {}", id.is_some()),
        Event::Failed { address, action, .. } => format!("failed {action} {address}"),
        Event::Told(Diagnostic { severity, summary, .. }) => format!("{severity:?} {summary}"),
        Event::Summary { operation, add, change, remove } => format!("{operation} {add} {change} {remove}"),
    };
    events(log).into_iter().map(word).collect()
}

#[test]
fn a_plan_is_told() {
    assert_eq!(
        words(include_str!("../../tests/recorded/plan.jsonl")),
        [
            "version 1.11.4",
            "planned replace terraform_data.replaced",
            "planned create terraform_data.new[0]",
            "planned delete terraform_data.gone[0]",
            "planned update terraform_data.kept",
            "plan 2 1 2",
        ]
    );
}

#[test]
fn an_apply_is_told_from_start_to_end() {
    let mut told = words(include_str!("../../tests/recorded/change.jsonl"));
    assert_eq!(told.first().map(String::as_str), Some("version 1.11.4"));
    assert_eq!(told.last().map(String::as_str), Some("apply 2 1 2"));
    told.sort();
    for wanted in [
        "done create terraform_data.new[0] true",
        "done delete terraform_data.gone[0] false",
        "done update terraform_data.kept true",
        "started create terraform_data.replaced",
        "started delete terraform_data.replaced",
    ] {
        assert!(told.iter().any(|line| line == wanted), "{wanted} is not in {told:#?}");
    }
}

#[test]
fn a_failure_says_which_and_why() {
    let told = words(include_str!("../../tests/recorded/failed.jsonl"));
    assert!(told.contains(&"failed create terraform_data.fails[0]".to_owned()), "{told:#?}");
    assert!(told.contains(&"Error local-exec provisioner error".to_owned()), "{told:#?}");
}

fn only_diagnostic(log: &str) -> Diagnostic {
    let mut found = events(log).into_iter().filter_map(|event| match event {
        Event::Told(diagnostic) => Some(diagnostic),
        _ => None,
    });
    let first = found.next().unwrap();
    assert_eq!(found.next(), None);
    first
}

#[test]
fn a_held_lock_says_by_whom() {
    let diagnostic = only_diagnostic(include_str!("../../tests/recorded/locked.jsonl"));
    assert_eq!(
        diagnostic.lock_holder(),
        Some(LockHolder {
            id: "ea0c2dc8-7bbb-00b2-bc49-7cf4392015ef".into(),
            path: "terraform.tfstate".into(),
            operation: "OperationTypeApply".into(),
            who: "root@vm".into(),
            created: "2026-11-23 11:18:11.050572382 +0000 UTC".into(),
        })
    );
    assert_eq!(diagnostic.newer_state(), None);
}

#[test]
fn a_newer_state_says_of_which_version() {
    let diagnostic = only_diagnostic(include_str!("../../tests/recorded/newer.jsonl"));
    assert_eq!(diagnostic.newer_state().as_deref(), Some("9.1.0"));
    assert_eq!(diagnostic.lock_holder(), None);
}

#[test]
fn what_is_not_known_says_nothing() {
    for line in ["", "Warning: plain text", r#"{"type":"new_in_2030","hook":1}"#, r#"{"@message":"x"}"#] {
        assert_eq!(read_line(line).unwrap(), None, "{line}");
    }
    for line in ["{", r#"{"type":"apply_start"}"#, r#"{"type":"planned_change","change":{"resource":{},"action":"x"}}"#]
    {
        assert!(read_line(line).is_err(), "{line}");
    }
}
