//! Chart repositories as Helm uses them: HTTP index files, OCI registries, `Chart.lock`, provenance, and the files and caches
//! shared with Helm. All I/O of charts beyond reading a folder or an archive is here.
//!
//! Everything is synchronous. Paths ([`Places`]), proxies and the clock ([`transport::Transport`]) are handed in; nothing reads
//! the environment.

pub mod cache;
mod files;
pub mod oci;
mod places;
pub mod provenance;
pub mod transport;

pub use places::Places;
