//! The cluster outside Kubernetes: network, EKS, node pools, roles, through Terraform.
//!
//! ```text
//! Infra ──checks──▶ problems
//!       └─render──▶ files ──run──▶ Terraform ──▶ progress, plan, outputs
//! ```
//! [`Infra`] is what is wanted, as plain data. [`check`] finds what AWS would refuse, before anything is called; [`render`] writes a root
//! module that holds the module of `terraform/` and its variables. [`run`] starts Terraform or OpenTofu on it; [`progress`], [`plan`] and
//! [`outputs`] read what it says. Only [`run`] touches files and processes.

pub mod checks;
pub mod cidr;
pub mod model;
pub mod module;
pub mod outputs;
pub mod plan;
pub mod progress;
pub mod render;
pub mod rights;
pub mod run;

pub use checks::{Problem, check};
pub use model::Infra;
pub use render::{File, render};
