//! Instance facts, node capacity, prices, and the decisions of scheduler and autoscaler as plain functions.
//!
//! Nothing here talks to anything: facts are tables with a date, decisions are functions of what is handed in. Start with
//! [`Pool`], the group of equal nodes that stack.yaml describes; [`fit`](fit::fit) says what one pod alone on such a node can
//! ask for, [`scheduler::schedule`] where a pod goes.

pub mod autoscaler;
pub mod capacity;
pub mod daemons;
pub mod fit;
pub mod instances;
pub mod node;
pub mod pool;
pub mod prices;
pub mod resources;
pub mod scheduler;

pub use fit::{Fit, fit};
pub use pool::{Capacity, Pool, Taint};
pub use prices::{Bill, Price};
pub use resources::Resources;
