//! Ray clusters on Kubernetes: size, bring up, list, take down.
//!
//! Whoever brings a cluster up has a kubeconfig and a namespace, not a stack.yaml: the [`Profile`] that the platform's
//! `sutler up` left in the namespace says the rest. A cluster is a Helm release of its own, labelled with its owner,
//! and belongs to no stack.

mod cluster;
pub mod list;
mod profile;

pub use cluster::{OWNER_LABEL, RayCluster, RayError, RayUp, down, label_value, up, values};
pub use profile::{PROFILE_NAME, PROFILE_VERSION, Profile, ProfileError};
