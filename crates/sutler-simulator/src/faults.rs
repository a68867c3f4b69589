//! Faults: API calls that fail, are cut or take long, by a plan. It stands in front of the machine, is plain data, and repeats
//! exactly: a rule matches calls by what they are and counts them; a seeded rule draws from its own random state.

use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::request::Request;

/// Which calls go wrong, and how. The first rule that matches a call and is due decides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultPlan {
    /// Seed of the rules that have a `chance`.
    #[serde(default)]
    pub seed: u64,
    /// Rules, in order.
    #[serde(default)]
    pub rules: Vec<FaultRule>,
}

impl FaultPlan {
    /// What is wrong with the plan, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        self.rules.iter().enumerate().find_map(|(index, rule)| match rule.fault {
            Fault::Status { code, .. } if !(400..600).contains(&code) => {
                Some(format!("rules[{index}].fault.status.code: {code} is no code of a refusal (400 to 599)"))
            }
            Fault::Delay { seconds } if !(0.0..=1e6).contains(&seconds) => {
                Some(format!("rules[{index}].fault.delay.seconds: {seconds} is not between 0 and a million"))
            }
            _ => None,
        })
    }
}

/// One rule of a [`FaultPlan`]. What is left out matches everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for paths that are no resource the
    /// method in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<String>,
    /// Plural, with the group after a dot (`deployments.apps`); with a subresource after a slash (`pods/eviction`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Namespace of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name in the path (or, for a create, in the body's metadata).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only the nth matching call (from 1) and those after it; 1 when left out.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many calls, from the nth on; all of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Chance between 0 and 1 that a due call is hit; 1 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// What happens.
    pub fault: Fault,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fault {
    /// It is answered with a Status and has no effect.
    Status {
        /// HTTP code, 400 to 599.
        code: u16,
        /// `reason` of the Status, such as `ServiceUnavailable`.
        #[serde(default)]
        reason: String,
        /// Text; one that says it is a planned fault when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// `Retry-After` in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u32>,
    },
    /// The connection is cut before the call has an effect.
    CutBefore,
    /// The call takes effect; the connection is cut before the answer.
    CutAfter,
    /// The call takes effect and is answered after so many seconds (of simulated time, when that stands still otherwise).
    Delay {
        /// Seconds.
        seconds: f64,
    },
}

fn one() -> u64 {
    1
}

/// A plan at work: the plan, how often each rule matched, its random state.
#[derive(Debug)]
pub(crate) struct Faults {
    plan: FaultPlan,
    matched: Vec<u64>,
    random: Random,
}

impl Faults {
    pub(crate) fn new(plan: FaultPlan) -> Self {
        Self { matched: vec![0; plan.rules.len()], random: Random { state: plan.seed }, plan }
    }

    pub(crate) fn plan(&self) -> &FaultPlan {
        &self.plan
    }

    /// What is to happen to this call. Counts it.
    pub(crate) fn decide(&mut self, request: &Request) -> Option<Fault> {
        if self.plan.rules.is_empty() || request.path.starts_with("/sutler.dev/") {
            return None;
        }
        let call = Call::of(request);
        let mut decided = None;
        for (rule, matched) in self.plan.rules.iter().zip(&mut self.matched) {
            if !rule.matches(&call) {
                continue;
            }
            *matched += 1;
            let due = *matched >= rule.nth && rule.times.is_none_or(|times| *matched - rule.nth < times);
            let hit = due
                && rule.chance.is_none_or(|chance| {
                    // 53 bits make a fraction in [0, 1) exactly.
                    ((self.random.next() >> 11) as f64) / ((1u64 << 53) as f64) < chance
                });
            if hit && decided.is_none() {
                decided = Some(rule.fault.clone());
            }
        }
        decided
    }
}

impl FaultRule {
    fn matches(&self, call: &Call) -> bool {
        let fits = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        fits(&self.verb, call.verb)
            && fits(&self.resource, &call.resource)
            && fits(&self.namespace, &call.namespace)
            && fits(&self.name, &call.name)
    }
}

/// A request in the words of a rule.
struct Call {
    verb: &'static str,
    resource: String,
    namespace: String,
    name: String,
}

impl Call {
    fn of(request: &Request) -> Self {
        let path = crate::path::Path::parse(&request.path);
        let Some(target) = path.target() else {
            let verb = match request.method.as_str() {
                "GET" => "get",
                "POST" => "post",
                "PUT" => "put",
                "PATCH" => "patch",
                _ => "delete",
            };
            return Self { verb, resource: String::new(), namespace: String::new(), name: String::new() };
        };
        let mut resource = if target.group.is_empty() {
            target.plural.to_string()
        } else {
            format!("{}.{}", target.plural, target.group)
        };
        if !target.subresource.is_empty() {
            resource = format!("{resource}/{}", target.subresource);
        }
        let verb = match (request.method.as_str(), target.name.is_empty()) {
            ("GET", _) if request.query_flag("watch") => "watch",
            ("GET", true) => "list",
            ("GET", false) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "deletecollection",
            _ => "delete",
        };
        let mut name = target.name.to_string();
        if name.is_empty() && verb == "create" {
            name = serde_json::from_slice::<serde_json::Value>(&request.body)
                .ok()
                .and_then(|body| body["metadata"]["name"].as_str().map(str::to_string))
                .unwrap_or_default();
        }
        Self { verb, resource, namespace: target.namespace.to_string(), name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    fn plan(text: &str) -> Faults {
        Faults::new(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_rule_hits_its_nth_matching_call_only() {
        let mut faults = plan(
            r#"{"rules": [{"verb": "create", "resource": "secrets", "namespace": "a", "nth": 2, "times": 1, "fault": "cutAfter"}]}"#,
        );
        let create = Request::new(Method::POST, "/api/v1/namespaces/a/secrets", "{}");
        let other = Request::new(Method::POST, "/api/v1/namespaces/b/secrets", "{}");
        let decided: Vec<_> = [&create, &other, &create, &create].map(|call| faults.decide(call)).into();
        assert_eq!(decided, [None, None, Some(Fault::CutAfter), None]);
    }

    #[test]
    fn a_created_object_is_matched_by_the_name_in_its_body() {
        let mut faults = plan(
            r#"{"rules": [{"name": "x", "resource": "deployments.apps", "fault": {"status": {"code": 503, "reason": "ServiceUnavailable"}}}]}"#,
        );
        let body = r#"{"metadata": {"name": "x"}}"#;
        let create = Request::new(Method::POST, "/apis/apps/v1/namespaces/a/deployments", body);
        assert!(matches!(faults.decide(&create), Some(Fault::Status { code: 503, .. })));
    }

    #[test]
    fn a_seeded_rule_repeats() {
        let draw = || {
            let mut faults = plan(r#"{"seed": 4, "rules": [{"chance": 0.5, "fault": "cutBefore"}]}"#);
            (0..64).map(|_| faults.decide(&Request::new(Method::GET, "/api", "")).is_some()).collect::<Vec<_>>()
        };
        let hits = draw().iter().filter(|hit| **hit).count();
        assert_eq!(draw(), draw());
        assert!((16..48).contains(&hits), "{hits} of 64");
    }
}
