//! IAM documents and the identity of pods: roles, trust, web identity.
//!
//! ```text
//! stack.yaml's roles ─> names (role name, ARN) ─> trust (who may take the role) + s3 (what it may do) ─> policy (AWS's JSON)
//!                                       ServiceAccount + Pod ─> webhook (the pod as EKS changes it)
//! ```
//! Nothing here talks to AWS. Start with [`RoleName`] and [`policy::Document`].

pub mod names;
pub mod policy;
pub mod s3;
pub mod trust;
pub mod webhook;

pub use names::{AccountId, RoleArn, RoleName, ServiceAccountName};
pub use policy::Document;
