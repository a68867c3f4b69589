//! Real clients against a served simulator.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail by panicking, its helpers too, and says so when it is skipped"
)]

mod cluster;
mod helm;
mod kubectl;
