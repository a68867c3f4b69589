//! Kubernetes objects as data: kinds, quantities, selectors, patches, server-side apply, readiness.
//!
//! An object is a [`serde_json::Value`]; nothing here reads a clock, a file or the network. The simulator uses this crate
//! as the server side of the API, `sutler-release` as the client side, so that both mean the same by a patch.
//!
//! ```text
//!   kinds ──► schema ──► patch      JSON, merge, strategic merge (two- and three-way)
//!                   ├──► apply      server-side apply and the ownership of fields
//!                   ├──► defaults   what the API server fills in
//!                   └──► validate   what the API server refuses
//!   pod_security            which pods a namespace takes
//!   quantity, duration, name, selector, readiness: values and rules on their own
//! ```

pub mod duration;
pub mod kinds;
pub mod name;
pub mod object;
pub mod quantity;
pub mod schema;
pub mod selector;

pub mod apply;
pub mod defaults;
pub mod patch;
pub mod pod_security;
pub mod readiness;
pub mod validate;
