//! YAML as Helm reads it (with positions) and as Go's yaml package writes it.
//!
//! Helm reads every file with `sigs.k8s.io/yaml`, which is go-yaml v2 followed by a conversion to JSON. One dialect for
//! values, charts, manifests and the stack file means that a number is the same number everywhere.
//!
//! ```text
//! text ──read──▶ Node (what go-yaml resolves, with positions)
//!                  │
//!                  ├──convert──▶ any value type (as sigs.k8s.io/yaml converts to JSON)
//!                  └──to_json──▶ serde_json::Value
//!
//! any value type (Emit) ──write──▶ text as toYaml       (go-yaml v2, through JSON)
//!                       ──write_pretty──▶ text as toYamlPretty (go-yaml v3, two spaces)
//! ```
//!
//! Start with [`read`] and [`Node`], or with [`write()`] and [`Emit`]. Nothing here does I/O, and nothing recurses deeper than
//! [`MAX_DEPTH`].
//!
//! # Numbers
//!
//! The reader keeps what go-yaml resolves: [`Data::Int`], [`Data::Uint`] (only above `i64::MAX`) and [`Data::Float`]. What
//! Helm makes of them depends on where it decodes the JSON text that follows: into untyped Go values every number becomes a
//! `float64` (values files, `fromYaml`, `fromYamlArray`: `1` is `float64(1)`, and integers above 2^53 lose precision); into
//! Kubernetes' unstructured objects integers stay `int64`; into a string field of a struct (`version: 1.10` in Chart.yaml)
//! the number becomes text, see [`Node::field_text`].
//!
//! # Where it differs from Go
//!
//! - Nesting ends at [`MAX_DEPTH`], in go-yaml at 10,000.
//! - After a second byte order mark at the start of a text, go-yaml loses the first character of every line; this reader
//!   skips the mark.
//! - Keys are ordered by Rust's idea of a letter and by ASCII digits, in Go by Unicode's. Where go-yaml's order goes in
//!   circles (`010`, `0x`, `10`), Go's result is left to chance; here it is always the same.
//! - Of several reasons why a value cannot be written, [`WriteError`] names the first, Go the one its first stage meets.

mod convert;
mod go_syntax;
mod node;
mod number;
mod read;
mod scalar;
mod write;

pub use convert::{Build, ConvertError, JsonBuilder, check, convert, to_json};
pub use node::{Data, Node, Position};
pub use read::{ReadError, decode, read, read_documents, read_strict};
pub use write::{Emit, Emitter, WriteError, write, write_pretty};

/// How deep collections may nest, in the reader (aliases expanded) and in the writer.
///
/// go-yaml allows 10,000 levels of each kind; a value that deep cannot be walked recursively on a thread's usual stack, and
/// no manifest comes near. Deeper input is an error, never a crash.
pub const MAX_DEPTH: usize = 300;

/// The examples of the README are run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
