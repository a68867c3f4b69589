//! Reviews: who am I, may I. In the model whoever gets in may do everything; what roles allow is not modelled.

use serde_json::{Value, json};

use super::{Call, body, change};
use crate::machine::Machine;
use crate::request::Response;
use crate::status::Refusal;
use crate::token;

const USER: &str = "kubernetes-admin";
const GROUPS: [&str; 2] = ["system:masters", "system:authenticated"];

/// Whether a call is for a kind that is answered and never stored.
pub(super) fn is_review(call: &Call<'_>) -> bool {
    let resource = &call.served.resource;
    matches!(resource.group.as_str(), "authentication.k8s.io" | "authorization.k8s.io")
        || (resource.group.is_empty() && resource.kind == "Binding")
}

pub(super) fn answer(machine: &mut Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    if call.request.method != http::Method::POST || !call.target.name.is_empty() {
        return Err(Refusal::method_not_allowed());
    }
    let writer = body::writer(call, "")?;
    let mut review = body::json(call.request)?;
    let mut warnings = Vec::new();
    body::check(&call.served, &mut review, writer.validation, &mut warnings)?;
    let kind = call.served.resource.kind.as_str();
    if kind == "Binding" {
        return super::subresources::bind(machine, call, call.target.namespace, &review);
    }
    review["status"] = match kind {
        "SelfSubjectReview" => json!({"userInfo": {"username": USER, "groups": GROUPS}}),
        "TokenReview" => token_review(machine, &review),
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}], "incomplete": false,
        }),
        _ => {
            json!({"allowed": true, "reason": "the simulator does not model RBAC: every request that gets in is allowed"})
        }
    };
    if review["metadata"].is_null() {
        review["metadata"] = json!({"creationTimestamp": null});
    }
    let response = Response::object(201, std::sync::Arc::new(review));
    Ok(change::with_warnings(response, warnings))
}

fn token_review(machine: &Machine, review: &Value) -> Value {
    let token = review["spec"]["token"].as_str().unwrap_or("");
    match token::read(token, machine.kept.seed, machine.clock()) {
        Ok(claims) => json!({
            "authenticated": true,
            "user": {
                "username": claims["sub"], "uid": claims["kubernetes.io"]["serviceaccount"]["uid"],
                "groups": ["system:serviceaccounts", "system:authenticated"],
            },
            "audiences": claims["aud"],
        }),
        Err(problem) => json!({"user": {}, "error": problem}),
    }
}
