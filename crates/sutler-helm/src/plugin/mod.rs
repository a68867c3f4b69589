//! Helm's plugins: programs beside Helm that add a command, a protocol or a post-renderer.
//!
//! ```text
//! HELM_PLUGINS/*/plugin.yaml ──metadata──▶ Plugin ──process──▶ a program: `helm NAME …`, a download, a post-rendering, a hook
//!            ▲
//!            └── install: a folder (linked), an archive or a repository (copied; see [`install`])
//! ```
//!
//! Only the subprocess runtime is there; plugins of the WebAssembly runtime (`extism/v1`) are listed and refused when they are called.

mod archive;
pub(crate) mod commands;
pub(crate) mod complete;
mod copy;
pub(crate) mod folders;
pub(crate) mod getters;
mod helm3;
pub(crate) mod install;
mod metadata;
pub(crate) mod package;
mod process;
mod tar;
pub(crate) mod vcs;

use std::path::{Path, PathBuf};

use sutler_chart::{Compatibility, go_quoted};
use thiserror::Error;

pub use archive::ArchiveError;
pub use copy::CopyError;
pub use install::{InstallError, SourceError};
pub use metadata::{Metadata, MetadataError, PlatformCommand, PluginKind, ProtocolCommand, Runtime};
pub use process::{GetterRequest, ProcessError};
pub use vcs::{VcsError, VersionControl};

/// The file that makes a folder a plugin.
pub const PLUGIN_FILE: &str = "plugin.yaml";

/// What whoever debugs is told of a step: Helm's message with its details.
pub(crate) type Tell<'t> = dyn FnMut(&'static str, &[(&'static str, String)]) + 't;

/// A plugin that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugin {
    /// Its folder.
    pub folder: PathBuf,
    /// What its plugin.yaml says.
    pub metadata: Metadata,
}

/// Why plugins cannot be found or loaded. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The plugin.yaml cannot be read.
    #[error("failed to read plugin at {}: open {file}: {reason}", go_quoted(.file))]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        reason: String,
    },
    /// The plugin.yaml is wrong.
    #[error("failed to load plugin {}", go_quoted(.folder))]
    Load {
        /// The plugin's folder.
        folder: String,
        /// What is wrong.
        #[source]
        source: MetadataError,
    },
    /// A plugin of the WebAssembly runtime lacks its program.
    #[error("wasm binary missing for extism/v1 plugin: {}", go_quoted(.file))]
    NoWasm {
        /// The file that should be there.
        file: String,
    },
    /// Two plugins have one name.
    #[error("two plugins claim the name {} at {} and {}", go_quoted(.name), go_quoted(.first), go_quoted(.second))]
    Twice {
        /// The name.
        name: String,
        /// The first one's folder.
        first: String,
        /// The second one's folder.
        second: String,
    },
    /// A plugin.yaml is wrong, in the words of Helm 3.
    #[error("{0}")]
    OfHelm3(String),
    /// There is none of that name and kind.
    #[error("plugin: {{Name:{name} Type:{kind}}} not found")]
    NotFound {
        /// The name looked for.
        name: String,
        /// The kind looked for.
        kind: String,
    },
}

/// Plugins of one folder or several, with those that could not be loaded.
#[derive(Debug, Default)]
pub struct Plugins {
    /// Those that were loaded, in the order of the folders and of their names in them.
    pub found: Vec<Plugin>,
    /// The plugin.yaml of each that was not, and why.
    pub broken: Vec<(String, PluginError)>,
}

impl Plugin {
    /// The plugin in a folder.
    ///
    /// # Errors
    /// When its plugin.yaml is not there or wrong.
    pub fn load(folder: &Path, compatibility: Compatibility) -> Result<Plugin, PluginError> {
        if compatibility == Compatibility::V3 {
            return helm3::load(folder);
        }
        let file = folder.join(PLUGIN_FILE);
        let bytes = std::fs::read(&file).map_err(|error| PluginError::Read {
            file: file.display().to_string(),
            reason: sutler_chart::io_message(&error),
        })?;
        let metadata = Metadata::read(&bytes)
            .map_err(|source| PluginError::Load { folder: folder.display().to_string(), source })?;
        let program = folder.join("plugin.wasm");
        if metadata.runtime == Runtime::Extism && !program.exists() {
            return Err(PluginError::NoWasm { file: program.display().to_string() });
        }
        Ok(Plugin { folder: folder.to_owned(), metadata })
    }
}

impl Plugins {
    /// The plugins in the folders (`HELM_PLUGINS`): each folder in them with a plugin.yaml.
    ///
    /// # Errors
    /// When two of one folder have one name; for Helm 3, when any is wrong.
    pub fn load(folders: &[&Path], compatibility: Compatibility) -> Result<Plugins, PluginError> {
        let mut plugins = Plugins::default();
        for folder in folders {
            let first = plugins.found.len();
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            names.sort();
            for path in names.iter().filter(|path| path.join(PLUGIN_FILE).exists()) {
                match Plugin::load(path, compatibility) {
                    Ok(plugin) => plugins.found.push(plugin),
                    Err(error) if compatibility == Compatibility::V3 => return Err(error),
                    Err(error) => plugins.broken.push((path.join(PLUGIN_FILE).display().to_string(), error)),
                }
            }
            let own = &plugins.found[first..];
            for (at, plugin) in own.iter().enumerate() {
                if let Some(earlier) = own[..at].iter().find(|other| other.metadata.name == plugin.metadata.name) {
                    return Err(PluginError::Twice {
                        name: plugin.metadata.name.clone(),
                        first: earlier.folder.display().to_string(),
                        second: plugin.folder.display().to_string(),
                    });
                }
            }
        }
        Ok(plugins)
    }

    /// Those of a kind (`cli/v1`); all, for an empty one.
    pub fn of_kind<'p>(&'p self, kind: &'p str) -> impl Iterator<Item = &'p Plugin> {
        self.found.iter().filter(move |plugin| kind.is_empty() || plugin.metadata.kind_name() == kind)
    }

    /// The one of a name and a kind.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(&self, name: &str, kind: &str) -> Result<&Plugin, PluginError> {
        let is_it = |plugin: &&Plugin| {
            (name.is_empty() || plugin.metadata.name == name)
                && (kind.is_empty() || plugin.metadata.kind_name() == kind)
        };
        self.found
            .iter()
            .find(is_it)
            .ok_or_else(|| PluginError::NotFound { name: name.to_owned(), kind: kind.to_owned() })
    }
}
