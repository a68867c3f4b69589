//! Real clients against a served simulator.

mod cluster;
mod helm;
mod kubectl;
