//! The language against Go's own implementation: recorded cases, and generated ones where Go is at hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cases;
#[path = "../../../sutler-functions/tests/agreement/digests.rs"]
mod digests;
mod generated;
mod judge;
mod recorded;
mod world;
