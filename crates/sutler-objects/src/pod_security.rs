//! Pod Security Admission: which pods a namespace takes, by its label `pod-security.kubernetes.io/enforce`.
//!
//! The standards are those of Kubernetes 1.34 (`k8s.io/pod-security-admission`), with the versions that came before: a namespace may
//! pin one, and an older API server knows no newer. Verdicts and texts are compared with that library's over generated pods.
//!
//! ```text
//! labels of a namespace ─▶ Enforced ─┐
//! pod (or a template) ───────────────┴─▶ violations ─▶ text of the refusal
//! ```
//! The API server's own configuration may have other defaults and exempt users, namespaces and runtime classes; none of that can be
//! seen through the API, and nothing here knows of it.

mod checks;

use std::fmt;

use serde_json::{Map, Value};

/// The label that says which pods a namespace takes.
pub const ENFORCE_LABEL: &str = "pod-security.kubernetes.io/enforce";

/// The label that pins the version of the standard.
pub const ENFORCE_VERSION_LABEL: &str = "pod-security.kubernetes.io/enforce-version";

/// The minor version of Kubernetes 1.x whose standards are the newest that are known here.
pub const NEWEST: u32 = 34;

/// A Pod Security Standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Anything goes.
    Privileged,
    /// No known way to more privileges.
    Baseline,
    /// What hardening asks for.
    Restricted,
}

impl Level {
    /// As labels have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Privileged => "privileged",
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        }
    }
}

/// The version of a standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The newest that the API server knows.
    Latest,
    /// That of Kubernetes 1.x.
    Minor(u32),
}

/// What a namespace enforces. Written as the API server writes it: `restricted:latest`, `baseline:v1.30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforced {
    /// The standard.
    pub level: Level,
    /// Its version.
    pub version: Version,
}

impl fmt::Display for Enforced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Version::Latest => write!(f, "{}:latest", self.level.as_str()),
            Version::Minor(minor) => write!(f, "{}:v1.{minor}", self.level.as_str()),
        }
    }
}

impl Enforced {
    /// What labels of a namespace say: nothing is enforced without the label; a level or version that is none counts as `restricted` and
    /// `latest` (as the library's `PolicyToEvaluate`).
    ///
    /// ```
    /// use sutler_objects::pod_security::{Enforced, Level};
    ///
    /// let labels = serde_json::json!({"pod-security.kubernetes.io/enforce": "baseline"});
    /// assert_eq!(Enforced::of_labels(labels.as_object()).level, Level::Baseline);
    /// assert_eq!(Enforced::of_labels(None).level, Level::Privileged);
    /// ```
    pub fn of_labels(labels: Option<&Map<String, Value>>) -> Enforced {
        let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        let level = match label(ENFORCE_LABEL) {
            None | Some("privileged") => Level::Privileged,
            Some("baseline") => Level::Baseline,
            Some(_) => Level::Restricted,
        };
        let minor = label(ENFORCE_VERSION_LABEL).and_then(|text| text.strip_prefix("v1.")).filter(|digits| {
            let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
            is_plain && (*digits == "0" || !digits.starts_with('0'))
        });
        let version = minor.and_then(|digits| digits.parse().ok()).map_or(Version::Latest, Version::Minor);
        Enforced { level, version }
    }

    /// Why a pod is refused, a violation for each rule that it breaks, in the library's order; empty where it is taken. `pod` has `metadata` and
    /// `spec`, as a pod or a template has; `kubernetes` is the minor version of the API server, which knows no newer standard.
    pub fn violations(&self, pod: &Value, kubernetes: u32) -> Vec<Violation> {
        let known = kubernetes.min(NEWEST);
        let version = match self.version {
            Version::Latest => known,
            Version::Minor(minor) => minor.min(known),
        };
        checks::violations(self.level, version, pod)
    }

    /// What the API server says of a pod that it refuses: ``violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)``.
    /// `None` where there are no violations.
    pub fn refusal(&self, violations: &[Violation]) -> Option<String> {
        let reasons: Vec<String> = violations.iter().map(ToString::to_string).collect();
        (!reasons.is_empty()).then(|| format!("violates PodSecurity \"{self}\": {}", reasons.join(", ")))
    }
}

/// A rule that a pod breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The rule: `runAsNonRoot != true`.
    pub reason: String,
    /// Who breaks it, and what must be: `pod or container "a" must set securityContext.runAsNonRoot=true`.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail.as_str() {
            "" => f.write_str(&self.reason),
            detail => write!(f, "{} ({detail})", self.reason),
        }
    }
}

/// The strictest standard whose newest version takes a pod; `kubernetes` as in [`Enforced::violations`].
pub fn strictest(pod: &Value, kubernetes: u32) -> Level {
    let takes =
        |level: &Level| Enforced { level: *level, version: Version::Latest }.violations(pod, kubernetes).is_empty();
    [Level::Restricted, Level::Baseline].into_iter().find(takes).unwrap_or(Level::Privileged)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(labels: &Value, expected: &str) {
        assert_eq!(Enforced::of_labels(labels.as_object()).to_string(), expected, "{labels}");
    }

    #[test]
    fn labels_that_are_none_count_as_the_strictest() {
        check(&json!({}), "privileged:latest");
        check(&json!({ENFORCE_LABEL: "baseline"}), "baseline:latest");
        check(&json!({ENFORCE_LABEL: "baseline", ENFORCE_VERSION_LABEL: "v1.30"}), "baseline:v1.30");
        check(&json!({ENFORCE_LABEL: "Baseline", ENFORCE_VERSION_LABEL: "1.30"}), "restricted:latest");
        check(&json!({ENFORCE_LABEL: "restricted", ENFORCE_VERSION_LABEL: "v1.030"}), "restricted:latest");
        check(&json!({ENFORCE_LABEL: "restricted", ENFORCE_VERSION_LABEL: "v1."}), "restricted:latest");
        check(&json!({ENFORCE_VERSION_LABEL: "v1.25"}), "privileged:v1.25");
    }

    #[test]
    fn an_older_server_and_an_older_pin_know_fewer_rules() {
        let pod = json!({"spec": {"containers": [
            {"name": "a", "livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}}]}});
        let says = |version, kubernetes| {
            let enforced = Enforced { level: Level::Baseline, version };
            enforced.refusal(&enforced.violations(&pod, kubernetes))
        };
        let refusal = "violates PodSecurity \"baseline:latest\": probe or lifecycle host (container \"a\" uses probe or lifecycle host \
                       \"169.254.169.254\")";
        assert_eq!(says(Version::Latest, 34).as_deref(), Some(refusal));
        assert_eq!(says(Version::Latest, 99).as_deref(), Some(refusal));
        assert_eq!(says(Version::Latest, 33), None);
        assert_eq!(says(Version::Minor(33), 34), None);
    }

    #[test]
    fn the_strictest_standard_of_a_pod_is_found() {
        let mut pod = json!({"spec": {"securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}, "containers": [
            {"name": "a", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]}});
        assert_eq!(strictest(&pod, 34), Level::Restricted);
        pod["spec"]["securityContext"]["runAsUser"] = json!(0);
        assert_eq!(strictest(&pod, 34), Level::Baseline);
        pod["spec"]["hostNetwork"] = json!(true);
        assert_eq!(strictest(&pod, 34), Level::Privileged);
    }
}
