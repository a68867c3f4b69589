//! Registries: Debian's docker-registry on loopback with the real Helm on the other side, and a server of faults.
//!
//! Programs are taken from `SUTLER_DOCKER_REGISTRY`, `SUTLER_HELM`, `target/peers/bin` or (the registry) `PATH`; a test that
//! lacks one is skipped, saying so.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test panics, and says what it skips")]

mod bench;
mod faults;
mod helm;
mod logins;
mod server;
