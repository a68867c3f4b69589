//! Chart repositories as Helm uses them: HTTP index files, OCI registries, `Chart.lock`, provenance, and the files and caches
//! shared with Helm. All I/O of charts beyond reading a folder or an archive is here.
//!
//! Everything is synchronous. Paths ([`Places`]), proxies and the clock ([`transport::Transport`]) are handed in; nothing reads
//! the environment.

pub mod cache;
pub mod dependencies;
pub mod expand;
pub mod fetch;
mod files;
mod go_json;
mod go_sort;
mod go_time;
pub mod index;
pub mod notes;
pub mod oci;
mod places;
pub mod provenance;
pub mod repositories;
pub mod search;
pub mod transport;
mod url_path;

pub use fetch::{ChartReferenceOptions, Fetcher, Resolved};
pub use go_time::rfc3339 as go_rfc3339;
pub use notes::{Collected, Notes};
pub use places::Places;
pub use url_path::{ResolveError, is_same as is_same_url, resolve_reference};
