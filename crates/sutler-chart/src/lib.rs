//! Helm charts: load, merge values, render, exactly as Helm does.
//!
//! ```text
//! ChartSource ─▶ Chart ───────────┐
//! ValuesOptions ─▶ user values ───┼─▶ render ─▶ Rendered (manifests, hooks, notes, CRDs)
//! RenderOptions ──────────────────┘
//! ```
//!
//! Start with [`Chart::load`], [`ValuesOptions::merge`] and [`render`]. The behaviour mirrored is that of Helm 4.1.4, texts of errors
//! included: an error's text is its own and its causes', joined by [`error_chain`].
//!
//! ```
//! use sutler_chart::{Chart, ChartSource, RenderOptions, SourceFile, ValuesOptions, render};
//!
//! let files = vec![
//!     SourceFile::new("Chart.yaml", "apiVersion: v2\nname: hello\nversion: 0.1.0\n"),
//!     SourceFile::new("values.yaml", "who: nobody\n"),
//!     SourceFile::new("templates/a.yaml", "kind: Greeting\nmetadata: {name: {{ .Release.Name }}}\nto: {{ .Values.who }}\n"),
//! ];
//! let chart = Chart::load(ChartSource::Files { files })?;
//! let values = ValuesOptions { set: vec!["who=you".to_owned()], ..Default::default() }.merge()?;
//! let rendered = render(&chart, &values, &RenderOptions::install("greeting", "default"))?;
//! assert_eq!(
//!     rendered.manifest_text(),
//!     "---\n# Source: hello/templates/a.yaml\nkind: Greeting\nmetadata: {name: greeting}\nto: you\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where Helm and this crate differ
//!
//! - Helm walks Go maps, in random order, where subcharts that Chart.yaml does not list, remarks and a schema's failures are
//!   concerned; here they come by name.
//! - A reference from one schema to another document is followed where the caller brings a [`SchemaLoader`]; a reference cycle is told in
//!   other words; formats beyond addresses, host names, dates, times, `uri`, `uuid` and `regex` are not asserted.
//! - Links that lead in a circle, charts in charts and archives in archives end at a bound with an error of its own.
//! - Output that is no UTF-8 is refused as in Helm where it is a manifest; in notes each wrong byte becomes U+FFFD.
//! - Where the data of an archive is corrupt, Helm tells the byte, this crate does not. A package holds subcharts by name, Helm's
//!   in random order, as are the members that JSONPath's `*` and `..` find in a map. A new chart's HTTPRoute keeps a rule's filters
//!   in the rule when it has no matches.
//! - Charts of `apiVersion: v3`, which Helm 4.1 reads but does not install, are refused with its words when they are
//!   loaded, but for linting and showing.
//!
//! **Invariant:** a rendering is a function of its arguments. Only loading a folder reads files; nothing reads a clock, a random
//! source or a network.

mod capabilities;
mod chart;
mod compat;
pub mod create;
pub mod decode;
mod dependencies;
mod explain;
pub mod helm_template;
pub mod lint;
mod load;
mod log;
mod manifest;
mod metadata;
mod order;
pub mod package;
mod pattern;
mod record;
mod release_name;
mod render;
mod schema;
pub mod show;
mod text;
pub mod values;
mod version;

pub use capabilities::{Capabilities, HelmVersion, KubeVersion, KubeVersionError};
pub use chart::{Chart, ChartFile, Crd};
pub use compat::{Compatibility, NoSuchCompatibility};
pub use decode::DecodeError;
pub use explain::{Circumstances, Hint, HintKind, explain, explain_missing_dependencies, explain_values};
/// A time, as [`RenderOptions::now`] takes it.
pub use jiff::Timestamp;
pub use load::{
    ArchiveError, ChartSource, DEEPEST_SUBCHART, FileError, FindError, IgnoreError, LARGEST_CHART, LARGEST_FILE,
    LoadError, SourceFile,
};
pub use log::{Level, Remark};
pub use manifest::{
    HOOK_ANNOTATION, HOOK_DELETE_ANNOTATION, HOOK_OUTPUT_LOG_ANNOTATION, HOOK_WEIGHT_ANNOTATION, Hook, HookEvent,
    Manifest, ManifestError, sort_manifests, split_documents,
};
pub use metadata::{Dependency, Draft as MetadataDraft, Lock, Maintainer, Metadata, MetadataError, sanitize};
pub use order::{INSTALL_ORDER, UNINSTALL_ORDER, compare_kinds};
pub use pattern::BadPattern;
pub use record::RecordError;
pub use release_name::{LONGEST_RELEASE_NAME, RELEASE_NAME_RULE, is_release_name};
pub use render::{
    CancelToken, Deadline, Document, Lookup, NoCluster, NotesOf, Operation, PostRender, ReleaseInfo, RenderError,
    RenderOptions, RenderTrace, Rendered, SchemaCheck, TemplateError, TemplateErrorKind, locate_line, render,
    render_with_remarks,
};
pub use schema::SchemaLoader;
pub use sutler_template::{Limits, Location, SerializeError, Stop, Usage, Value, to_value};
pub use text::{base_name, clean_path, error_chain, go_quoted, io_message};
pub use values::{SetError, TypeMismatch, Values, ValuesError, ValuesFile, ValuesOptions};

/// The examples of the README are run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
