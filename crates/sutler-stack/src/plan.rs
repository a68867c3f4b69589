//! The plan: what would change and in which order, as data.
//!
//! [`make`](make::make) decides it from the stack, what its charts rendered to, and what was observed of the cluster;
//! it does no I/O. Applying a plan decides nothing more. The form that `-o json` prints carries a version.

pub mod diff;
pub mod down;
pub mod infra;
pub mod make;

use serde::Serialize;

use crate::moving::Move;
use crate::pins::PinChange;
use crate::stack::{Stack, Target};

/// The version of the plan's JSON form.
pub const PLAN_VERSION: &str = "sutler.dev/plan/v1";

/// What would change, in order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Always [`PLAN_VERSION`].
    pub version: &'static str,
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub environment: String,
    /// The Kubernetes that is meant.
    pub target: TargetIdentity,
    /// Charts whose pins in stack.lock change when the plan is applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<PinChange>,
    /// What Terraform does before the steps; when a stack goes down, after them. Only on EKS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infra: Option<sutler_infra::plan::Plan>,
    /// Roles whose pods move between IRSA and EKS Pod Identity: around the steps, and after them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Move>,
    /// Steps in the order in which they are applied, those without change included.
    pub steps: Vec<Step>,
    /// Why it cannot be applied now, if it cannot.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<String>,
    /// Releases of the file that this environment leaves out.
    pub skipped: Vec<Skipped>,
    /// Things worth a look.
    pub warnings: Vec<String>,
    /// What the stack's nodes cost, where prices are known.
    pub cost: Option<Cost>,
}

/// Which Kubernetes a plan is for. A plan made for one is never applied to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetIdentity {
    /// `simulator`, `context` or `eks`.
    pub kind: &'static str,
    /// The cluster's name in the stack.
    pub cluster: String,
    /// The kubeconfig context, if that is how it is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The AWS account, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The AWS region.
    pub region: String,
}

impl TargetIdentity {
    /// The kind's name in plans.
    pub fn kind(target: &Target) -> &'static str {
        match target {
            Target::Simulator => "simulator",
            Target::Context(_) => "context",
            Target::Eks => "eks",
        }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What it is about.
    pub subject: Subject,
    /// What would be done.
    pub action: Action,
    /// What differs, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// What a step is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Subject {
    /// The cluster outside Kubernetes: its pools and roles.
    Cluster {
        /// Its name.
        name: String,
    },
    /// A node pool.
    Pool {
        /// Its name.
        name: String,
    },
    /// An IAM role.
    Role {
        /// Its name in AWS.
        name: String,
    },
    /// A namespace.
    Namespace {
        /// Its name.
        name: String,
    },
    /// A service account that takes a role.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The role's key.
        role: String,
    },
    /// A Secret that holds values which must not be in a release's record.
    Secret {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The id of the release that reads it.
        release: String,
    },
    /// A release.
    Release {
        /// Its id in the file; its name, if it is not in the file any more.
        id: String,
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
        /// Chart and version, as `ray-static-cluster-0.1.0`.
        chart: String,
        /// The revision it has now, if it is installed: the one the plan was made for.
        revision: Option<u32>,
    },
    /// What `sutler ray up` needs to know in a namespace.
    RayProfile {
        /// The namespace.
        namespace: String,
    },
    /// A load balancer that a controller made for an object.
    LoadBalancer {
        /// The object's kind: `Service` or `Ingress`.
        resource: String,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A volume: data.
    Volume {
        /// The PersistentVolume's name.
        name: String,
        /// The namespace of its claim; empty if it has none.
        namespace: String,
        /// Its claim.
        claim: String,
    },
}

/// What would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Made.
    Create,
    /// Changed.
    Change,
    /// An operation that stopped half-way would be finished.
    Finish,
    /// Removed.
    Remove,
    /// Nothing.
    Unchanged,
}

impl Action {
    /// The sign in front of a line: `+`, `~`, `-` or `=`.
    pub fn sign(self) -> char {
        match self {
            Action::Create => '+',
            Action::Change | Action::Finish => '~',
            Action::Remove => '-',
            Action::Unchanged => '=',
        }
    }
}

/// A release of the file that the environment leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// Its id.
    pub release: String,
    /// Ids of releases that need it: for them it counts as satisfied.
    pub needed_by: Vec<String>,
}

/// Dollars an hour, an estimate from a dated table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// With every pool at its least.
    pub idle: f64,
    /// With every pool at its largest.
    pub at_most: f64,
    /// The date of the prices.
    pub prices_as_of: String,
}

/// Releases in the order in which they can be removed: each before those it needed, by what its record says.
pub fn removal_order(mut left: Vec<&sutler_release::Release>) -> Vec<&sutler_release::Release> {
    let needs = |release: &sutler_release::Release| -> Vec<String> {
        let list = release.annotations.get(crate::names::NEEDS_ANNOTATION).map(String::as_str).unwrap_or_default();
        list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    left.sort_by(|a, b| (&b.name, &b.namespace).cmp(&(&a.name, &a.namespace)));
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let needed: Vec<String> = left.iter().flat_map(|release| needs(release)).collect();
        // Records that need each other can only come from a hand that edited them: any order is as good.
        let next = left.iter().position(|release| !needed.contains(&release.name)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

impl Plan {
    /// A plan without steps, for a stack of which nothing is there.
    pub fn empty(stack: &Stack) -> Plan {
        Plan {
            version: PLAN_VERSION,
            stack: stack.name.clone(),
            environment: stack.environment.clone(),
            target: make::identity(stack),
            pins: Vec::new(),
            infra: None,
            moves: Vec::new(),
            steps: Vec::new(),
            blocked: Vec::new(),
            skipped: Vec::new(),
            warnings: Vec::new(),
            cost: None,
        }
    }

    /// Whether anything would be done.
    pub fn has_changes(&self) -> bool {
        self.infra.as_ref().is_some_and(|infra| infra.has_changes())
            || !self.moves.is_empty()
            || self.steps.iter().any(|step| step.action != Action::Unchanged)
    }

    /// How many steps have this action.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }
}

impl Subject {
    /// The word in front of its line.
    pub fn word(&self) -> &'static str {
        match self {
            Subject::Cluster { .. } => "cluster",
            Subject::Pool { .. } => "pool",
            Subject::Role { .. } => "role",
            Subject::Namespace { .. } => "namespace",
            Subject::ServiceAccount { .. } => "account",
            Subject::Secret { .. } => "secret",
            Subject::Release { .. } => "release",
            Subject::RayProfile { .. } => "profile",
            Subject::LoadBalancer { .. } => "balancer",
            Subject::Volume { .. } => "volume",
        }
    }

    /// Its name in lists.
    pub fn name(&self) -> String {
        match self {
            Subject::Cluster { name }
            | Subject::Pool { name }
            | Subject::Role { name }
            | Subject::Namespace { name } => name.clone(),
            Subject::ServiceAccount { namespace, name, .. }
            | Subject::Secret { namespace, name, .. }
            | Subject::LoadBalancer { namespace, name, .. } => format!("{namespace}/{name}"),
            Subject::Volume { name, claim, .. } if claim.is_empty() => name.clone(),
            Subject::Volume { namespace, claim, .. } => format!("{namespace}/{claim}"),
            Subject::Release { name, .. } => name.clone(),
            Subject::RayProfile { namespace } => format!("{namespace}/{}", sutler_ray::PROFILE_NAME),
        }
    }
}
