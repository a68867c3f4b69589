//! An embedded Kubernetes: API server, controllers, scheduler and autoscaler as one state machine.
#![allow(dead_code, reason = "the machine that uses these parts is being built on them")]

pub mod cluster;
pub mod controllers;
pub mod faults;
pub mod key;
pub mod request;
pub mod status;
pub mod view;

mod lock;
mod objects;
mod path;
mod random;
mod store;
mod timers;

pub use lock::{Holder, Served};
pub use store::StoreError;
