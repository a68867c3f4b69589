//! stack.yaml: parse, check, plan, up, status, down.
//!
//! ```text
//! text ──file──▶ ReadFile ──stack──▶ Stack
//! ```

pub mod file;
pub mod names;
pub mod stack;
