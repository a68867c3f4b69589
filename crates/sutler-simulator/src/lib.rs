//! An embedded Kubernetes: API server, controllers, scheduler and autoscaler as one state machine.
//!
//! Start with [`Simulator`]: [`Simulator::open`] a store, ask it for a [`Simulator::client`], let time pass by
//! [`Simulator::wait`], or [`Simulator::serve`] it to kubectl and Helm. No container runs in it.
//!
//! ```text
//! Simulator (clone, async, HTTP)  ->  Machine (synchronous, one owner)  ->  Store (one transaction a step)
//!                                         |- api          requests to reads and writes
//!                                         |- lifecycle    namespaces, garbage, definitions
//!                                         '- controllers  workloads, nodes, scheduler, autoscaler
//! ```

pub mod cluster;
pub mod controllers;
pub mod faults;
pub mod key;
pub mod machine;
pub mod request;
pub mod status;
pub mod view;
pub mod watch;

mod api;
mod client;
mod convert;
mod effects;
mod lifecycle;
mod lock;
mod objects;
mod output;
mod own;
mod path;
mod protobuf;
mod random;
mod registry;
mod selection;
mod serve;
mod simulator;
mod store;
mod strategy;
mod table;
mod timers;
mod token;
mod write;

pub use cluster::ClusterModel;
pub use faults::FaultPlan;
pub use lock::{Holder, Served};
pub use machine::Start;
pub use own::{Reason, WaitRequest, WaitResponse};
pub use serve::{ServeError, TimeMode, kubeconfig};
pub use simulator::{Cut, OpenError, Simulator};
pub use store::StoreError;
