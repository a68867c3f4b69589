//! A stack.yaml out of a Helmfile: its releases for one environment, with their charts, values and order.
//!
//! ```text
//! helmfile.yaml[.gotmpl] ──state──▶ State (parts rendered and merged) ──release──▶ releases ──▶ files + what is left out
//! ```
//! Rendering is Helmfile's: Go templates with sprig and its own functions ([`template`]). Functions that run programs or ask
//! stores of secrets are refused by name. What is read and which variables are seen goes through [`Outside`].

mod dialect;
mod release;
mod state;
mod template;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use template::Outside;

use crate::adopt::Adopted;
use crate::file::diagnostic::Report;
use crate::init::NewFile;
use crate::load::STACK_FILE;

/// Names under which a Helmfile is looked for in a folder, the first that is there.
pub const FILES: [&str; 2] = ["helmfile.yaml.gotmpl", "helmfile.yaml"];

/// What is read, and how.
pub struct Request<'a> {
    /// The Helmfile.
    pub file: &'a Path,
    /// Helmfile's environment; `default` if nothing else is said.
    pub environment: &'a str,
    /// The stack's folder: paths are written relative to it.
    pub stack: &'a Path,
    /// The stack's name.
    pub name: &'a str,
}

/// Why a Helmfile cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HelmfileError {
    /// A file.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A template.
    #[error("cannot render `{}`: {message}", path.display())]
    Template {
        /// The file.
        path: PathBuf,
        /// Go's message.
        message: String,
    },
    /// YAML.
    #[error("cannot read `{}` as YAML, {}from line {line}", path.display(), if *rendered { "as it was rendered, " } else { "" })]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Whether it was a template.
        rendered: bool,
        /// Where the part begins that cannot be read.
        line: u32,
        /// Why.
        #[source]
        source: sutler_yaml::ReadError,
    },
    /// What it says makes no stack.
    #[error("the Helmfile makes no stack: {0}")]
    Stack(Box<Report>),
    /// Something is not what Helmfile takes.
    #[error("{place}: {message}")]
    Shape {
        /// File and line.
        place: String,
        /// What is wrong.
        message: String,
    },
}

/// The files of a stack with the releases of a Helmfile.
///
/// # Errors
/// If the Helmfile cannot be read. What it says beyond a stack is no error, but told in [`Adopted::left`].
pub fn convert(request: &Request<'_>, outside: &Arc<dyn Outside>) -> Result<Adopted, HelmfileError> {
    let state = state::load(request.file, request.environment, outside)?;
    let mut adopted = Adopted { left: state.left.clone(), ..Adopted::default() };
    let releases = release::releases(&state, request, outside, &mut adopted)?;
    let text = text::stack_yaml(request, &state, &releases, &adopted.left);
    crate::file::read(STACK_FILE, &text, None)
        .and_then(crate::stack::Stack::from_file)
        .map_err(|report| HelmfileError::Stack(Box::new(report)))?;
    adopted.releases = releases.into_iter().map(|release| release.id).collect();
    adopted.files.insert(0, NewFile::plain(STACK_FILE, text));
    Ok(adopted)
}

#[cfg(test)]
mod tests;
