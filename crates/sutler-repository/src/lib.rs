//! Chart repositories as Helm uses them: HTTP index files, OCI registries, `Chart.lock`, provenance, and the files and caches
//! shared with Helm. All I/O of charts beyond reading a folder or an archive is here.
//!
//! Everything is synchronous. Paths ([`Places`]), proxies and the clock ([`transport::Transport`]) are handed in; nothing reads
//! the environment.
//!
//! ```
//! # mod server {
//! #     use std::io::{BufRead as _, Write as _};
//! #     use sutler_chart::{Chart, ChartSource, package};
//! #     /// A repository on this machine: its URL, and a folder for a client.
//! #     pub fn start() -> (String, std::path::PathBuf) {
//! #         let versions = ["2.0.0", "1.4.0", "1.3.0"].map(|version| {
//! #             let text = format!("apiVersion: v2\nname: web\nversion: {version}\n");
//! #             let chart = Chart::load(ChartSource::files([("Chart.yaml", text.as_str())])).unwrap();
//! #             (version, package::archive(&chart, jiff::Timestamp::UNIX_EPOCH).unwrap().bytes)
//! #         });
//! #         let mut index = "apiVersion: v1\nentries:\n  web:\n".to_owned();
//! #         for (version, bytes) in &versions {
//! #             let digest = sutler_repository::cache::Digest::of(bytes);
//! #             index += &format!("  - {{apiVersion: v2, name: web, version: {version}, digest: \"{digest}\", urls: [web-{version}.tgz]}}\n");
//! #         }
//! #         let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
//! #         let url = format!("http://{}", listener.local_addr().unwrap());
//! #         std::thread::spawn(move || {
//! #             for stream in listener.incoming() {
//! #                 let mut stream = stream.unwrap();
//! #                 let mut lines = std::io::BufReader::new(stream.try_clone().unwrap()).lines();
//! #                 let asked = lines.next().unwrap().unwrap();
//! #                 while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
//! #                 let file = versions.iter().find(|(version, _)| asked.contains(&format!("web-{version}.tgz")));
//! #                 let body = file.map_or(index.as_bytes(), |(_, bytes)| bytes.as_slice());
//! #                 let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
//! #                 stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).unwrap();
//! #             }
//! #         });
//! #         (url, std::env::temp_dir().join(format!("sutler-repository-{}", std::process::id())))
//! #     }
//! # }
//! use std::sync::Arc;
//!
//! use sutler_chart::{Chart, ChartSource};
//! use sutler_repository::fetch::NoGetters;
//! use sutler_repository::oci::{CredentialPlaces, CredentialStore, RegistryClient, RegistryOptions};
//! use sutler_repository::transport::{Proxies, SystemClock, Transport};
//! use sutler_repository::{ChartReferenceOptions, Collected, Fetcher, Places};
//!
//! # let (repository, folder) = server::start();
//! // What the environment would say is handed in.
//! let places = Places {
//!     repository_config: folder.join("repositories.yaml"),
//!     repository_cache: folder.join("repository"),
//!     registry_config: folder.join("registry.json"),
//!     content_cache: folder.join("content"),
//! };
//! let transport = Transport::new(Proxies::default(), Arc::new(SystemClock));
//! let logins = CredentialStore::open(&CredentialPlaces {
//!     registry_config: places.registry_config.clone(),
//!     ..CredentialPlaces::default()
//! })?;
//! let registry = RegistryClient::new(&transport, RegistryOptions::default(), logins);
//! let fetcher = Fetcher { places: &places, transport: &transport, registry: &registry, getters: &NoGetters };
//!
//! // As `helm pull web --repo URL --version '>=1.0 <2'`, into memory.
//! let options =
//!     ChartReferenceOptions { repository_url: repository, version: ">=1.0 <2".to_owned(), ..Default::default() };
//! let mut notes = Collected::default();
//! let resolved = fetcher.resolve("web", &options, &mut notes)?;
//! assert_eq!(resolved.version, "1.4.0");
//! let archive = fetcher.fetch_resolved(&resolved, &options.get, &mut notes)?;
//! let chart = Chart::load(ChartSource::Archive(&archive))?;
//! assert_eq!(chart.metadata().version, "1.4.0");
//! # std::fs::remove_dir_all(folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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

/// The examples of the README are run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
