//! A case as JSON, which judges read, and what this crate decides of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use sutler_access::{Answer, Caller, Document, Policies, Policy, PolicyKind, Request};

use crate::judge::Verdict;

/// A request and all policies that apply to it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Case {
    pub(crate) caller: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) resource_account: String,
    /// Also the keys that are derived from caller and resource.
    pub(crate) context: BTreeMap<String, Vec<String>>,
    pub(crate) identity: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boundary: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_policy: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) service_control: Vec<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) resource_control: Vec<Value>,
}

impl Case {
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a case is JSON")
    }

    pub(crate) fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The request, whose derived keys are put into the case.
    pub(crate) fn complete(mut self) -> Self {
        let request = self.request();
        self.context = request.context().iter().map(|(key, values)| (key.to_owned(), values.to_vec())).collect();
        self
    }

    fn request(&self) -> Request {
        let caller = Caller::parse(&self.caller).unwrap_or(Caller::Anonymous);
        let request = Request::new(caller, self.action.as_str(), self.resource.as_str())
            .resource_account(self.resource_account.as_str());
        self.context.iter().fold(request, |request, (key, values)| request.with_all(key, values.clone()))
    }

    pub(crate) fn decide(&self) -> Verdict {
        let policy = |kind| {
            move |document: &Value| {
                let document: Document = serde_json::from_value(document.clone()).expect("a document");
                Policy::new(kind, "made up", document)
            }
        };
        let levels = |levels: &[Value], kind| levels.iter().map(|level| vec![policy(kind)(level)]).collect();
        let evaluator = Policies {
            identity: self.identity.iter().map(policy(PolicyKind::Identity)).collect(),
            boundary: self.boundary.as_ref().map(policy(PolicyKind::Boundary)),
            session: self.session.iter().map(policy(PolicyKind::Session)).collect(),
            resource: self.resource_policy.as_ref().map(policy(PolicyKind::Resource)),
            service_control: levels(&self.service_control, PolicyKind::ServiceControl),
            resource_control: levels(&self.resource_control, PolicyKind::ResourceControl),
        }
        .compile()
        .unwrap();
        match evaluator.decide(&self.request()) {
            Answer::Allowed { .. } => Verdict::Allowed,
            Answer::Denied { .. } => Verdict::Denied,
            Answer::NotAllowed { .. } => Verdict::NotAllowed,
        }
    }
}
