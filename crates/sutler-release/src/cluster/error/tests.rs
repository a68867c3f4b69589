//! What is said when an API refuses or does not answer.

use serde_json::json;

use super::*;

fn target(verb: Verb) -> Target {
    Target {
        verb,
        resource: "deployments.apps".into(),
        kind: "Deployment".into(),
        namespace: Some("ray".into()),
        name: "head".into(),
    }
}

fn answered(verb: Verb, code: u16, body: &Value) -> ApiError {
    let body = serde_json::to_vec(body).unwrap();
    Failure::answered(code, &body, None, &target(verb)).into_error(&target(verb), "https://example.test")
}

#[test]
fn forbidden_names_verb_resource_and_namespace() {
    let error = answered(Verb::Apply, 403, &json!({"message": "no", "reason": "Forbidden"}));
    assert_eq!(error.to_string(), "forbidden: may not patch deployments.apps `head` in namespace `ray`");
    assert_eq!(error.source().unwrap().to_string(), "no");
}

#[test]
fn a_conflict_names_manager_and_field() {
    let error = answered(
        Verb::Apply,
        409,
        &json!({"reason": "Conflict", "message": "Apply failed with 1 conflict", "details": {"causes": [
            {"reason": "FieldManagerConflict", "field": ".spec.replicas",
             "message": "conflict with \"kubectl-edit\" using apps/v1"}
        ]}}),
    );
    assert_eq!(
        error.to_string(),
        "conflict: could not patch deployments.apps `head` in namespace `ray`: `.spec.replicas` belongs to \"kubectl-edit\" using apps/v1"
    );
}

#[test]
fn an_answer_that_is_no_status_shows_its_beginning() {
    let failure = Failure::answered(502, b"<html>bad gateway</html>\n", None, &target(Verb::Get));
    assert!(failure.is_passing() && failure.may_have_had_effect());
    let error = failure.into_error(&target(Verb::Get), "x");
    assert_eq!(error.answer().unwrap().message, "HTTP status 502: <html>bad gateway</html>");
}

#[test]
fn too_many_requests_had_no_effect_and_says_how_long_to_wait() {
    let body = br#"{"message":"slow down","details":{"retryAfterSeconds":3}}"#;
    let failure = Failure::answered(429, body, None, &target(Verb::Create));
    assert!(failure.is_passing() && !failure.may_have_had_effect());
    assert_eq!(failure.retry_after(), Some(SignedDuration::from_secs(3)));
}

#[test]
fn a_refused_connection_had_no_effect_and_names_the_address() {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let failure = Failure::sending(kube::Error::Service(Box::new(refused)));
    assert!(!failure.may_have_had_effect());
    let error = failure.into_error(&target(Verb::Get), "https://10.0.0.1:6443");
    assert_eq!(
        error.to_string(),
        "kubernetes cluster unreachable at https://10.0.0.1:6443: could not get deployments.apps `head` in namespace `ray`"
    );
}

#[test]
fn a_secrets_values_are_taken_out_of_the_servers_words() {
    let sent = json!({"kind": "Secret", "data": {"a": "aHVudGVyMg=="}, "stringData": {"b": "swordfish"}});
    let message = "data.a: aHVudGVyMg== is hunter2; b: swordfish or c3dvcmRmaXNo";
    let error = answered(Verb::Apply, 422, &json!({"message": message, "reason": "Invalid"})).without(&sent);
    assert_eq!(error.answer().unwrap().message, "data.a: (redacted) is (redacted); b: (redacted) or (redacted)");
}
