//! IAM: policy documents, what they decide, and the identity of pods.
//!
//! ```text
//! JSON ─> read (positions, problems) ─> policy ─> evaluate (with a request) ─> the answer and the statement that decided
//! stack.yaml's roles ─> names ─> trust (who may take the role) + s3 (what it may do) ─> policy (AWS's JSON)
//! ServiceAccount + Pod ─> webhook (the pod as EKS changes it)
//! what is known of a pod, its cluster and its account ─> doctor (why AWS says 403, link by link)
//! ```
//! Nothing here talks to AWS, reads a clock or waits. Start with [`Policies`] and [`Request`], or with [`policy::Document`].

pub mod boundary;
pub mod compare;
pub mod condition;
pub mod doctor;
pub mod evaluate;
pub mod glue;
pub mod kms;
pub mod mechanism;
pub mod names;
pub mod pattern;
pub mod policy;
pub mod read;
pub mod request;
pub mod s3;
mod spelling;
pub mod token;
pub mod trust;
pub mod webhook;

pub use evaluate::{Answer, Evaluator, Policies};
pub use names::{AccountId, Partition, RoleArn, RoleName, ServiceAccountName};
pub use policy::{Document, Policy, PolicyKind};
pub use request::{Caller, Request};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
