//! A plan that Terraform 1.11.4 showed, and forms of it.

use serde_json::json;

use super::*;

const RECORDED: &[u8] = include_bytes!("../../tests/recorded/plan.json");

#[test]
fn a_recorded_plan_is_read() {
    let plan = read(RECORDED).unwrap();
    let changes: Vec<String> =
        plan.changes.iter().map(|change| format!("{} {}", change.action, change.address)).collect();
    assert_eq!(
        changes,
        [
            "delete terraform_data.gone[0]",
            "update terraform_data.kept",
            "create terraform_data.new[0]",
            "replace terraform_data.replaced",
        ]
    );
    assert_eq!(plan.terraform_version, "1.11.4");
    assert_eq!(plan.counts(), (2, 1, 2));
    assert_eq!(plan.outputs, ["size"]);
    assert!(plan.has_changes() && plan.drift.is_empty());
    let replaced = &plan.changes[3];
    assert_eq!(replaced.replace_because, ["triggers_replace"]);
    assert_eq!(replaced.arguments()[0], ("id", &replaced.before["id"], &json!(UNKNOWN)));
}

#[test]
fn no_secret_is_kept() {
    assert!(String::from_utf8_lossy(RECORDED).contains("hunter2-secret"), "the recording has lost its secret");
    let plan = read(RECORDED).unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains("hunter2") && text.contains(SENSITIVE), "{text}");
    let kept = &plan.changes[1];
    assert_eq!(kept.before["input"]["password"], SENSITIVE);
    assert_eq!((&kept.before["input"]["size"], &kept.after["input"]["size"]), (&json!(1), &json!("2")));
    // Terraform copies the password into `output`, and does not mark it there.
    assert_eq!(kept.before["output"]["password"], SENSITIVE);
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

/// A plan of one change.
fn one(change: Value) -> Result<Plan, PlanError> {
    let plan = json!({
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "resource_changes": [{"address": "a.b", "type": "a", "change": change}],
    });
    read(plan.to_string().as_bytes())
}

#[test]
fn marks_are_followed_into_lists_and_maps() {
    let plan = one(json!({
        "actions": ["update"],
        "before": {"list": [{"a": 1, "b": "s3cret"}], "all": {"x": "s3cret"}},
        "after": {"list": [{"a": 1}], "all": {"x": "s3cret"}},
        "after_unknown": {"list": [{"b": true}], "id": true, "nothing": {"deep": false}},
        "before_sensitive": {"list": [{"b": true}], "all": true},
        "after_sensitive": {"list": [{"b": true}], "all": true},
    }))
    .unwrap();
    let change = &plan.changes[0];
    assert_eq!(change.before, json!({"list": [{"a": 1, "b": SENSITIVE}], "all": SENSITIVE}));
    assert_eq!(change.after, json!({"list": [{"a": 1, "b": SENSITIVE}], "all": SENSITIVE, "id": UNKNOWN}));
    assert_eq!(change.arguments().iter().map(|(name, ..)| *name).collect::<Vec<_>>(), ["id"]);
}

#[test]
fn reads_and_what_stays_are_no_changes() {
    for action in ["no-op", "read"] {
        assert!(!one(json!({"actions": [action]})).unwrap().has_changes(), "{action}");
    }
    let imported = one(json!({"actions": ["no-op"], "importing": {"id": "x"}})).unwrap();
    assert_eq!(imported.changes[0].action, Action::Import);
}

#[test]
fn what_is_not_known_is_refused() {
    let error = one(json!({"actions": ["explode"]})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Terraform's plan has the actions [\"explode\"] for `a.b`, which mean nothing that is known"
    );
    assert!(matches!(read(br#"{"format_version": "2.0"}"#), Err(PlanError::Version(_))));
    assert!(matches!(read(br#"{"format_version": "1.2", "errored": true}"#), Err(PlanError::Errored)));
    assert!(matches!(read(b"{"), Err(PlanError::Form(_))));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(read(deep.as_bytes()), Err(PlanError::Form(_))));
}
