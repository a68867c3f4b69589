//! AWS as Sutler asks it: who the caller is, and what stands in an account.
//!
//! ```text
//! environment, profiles ─▶ Aws::open (credential chain, region) ─▶ call ─▶ typed answer
//!                                     endpoint + sign + send + retry │
//!                                                                    └▶ CallError: not found, denied, expired, throttled …
//! ```
//! About twenty calls are spoken here by hand, each with the few fields that Sutler reads; an SDK crate a service would be
//! most of the program. Credentials come from AWS's own chain (environment, profiles, single sign-on, processes, web
//! identity, containers, instances) and signatures from AWS's own library. Nothing here changes anything in an account.

mod call;
mod client;
pub mod ec2;
pub mod eks;
mod endpoint;
mod http_client;
pub mod iam;
pub mod kms;
pub mod quotas;
pub mod s3;
mod sign;
pub mod sts;
pub mod token;
mod xml;

pub use call::{CallError, Reason};
pub use client::{Aws, OpenError, Settings};
pub use endpoint::{Endpoints, Service, partition};
