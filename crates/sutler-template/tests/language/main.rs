//! The language against Go's own implementation: recorded cases, and generated ones where Go is at hand.

mod cases;
mod generated;
mod judge;
mod recorded;
mod world;
