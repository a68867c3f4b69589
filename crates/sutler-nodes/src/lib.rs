//! Instance facts, node capacity, prices, and the decisions of scheduler and autoscaler as plain functions.
//!
//! Nothing here talks to anything: facts are tables with a date, decisions are functions of what is handed in. Start with
//! [`Pool`], the group of equal nodes that stack.yaml describes.

pub mod capacity;
pub mod instances;
pub mod pool;
pub mod prices;
pub mod resources;

pub use pool::{Capacity, Pool, Taint};
pub use prices::{Bill, Price};
pub use resources::Resources;
