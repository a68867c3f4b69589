//! Repositories of version controls, as plugins come from them: found by URL, cloned and updated by their own programs.
//!
//! ```text
//! URL ──detect──▶ git, hg, svn, bzr ──▶ Repository ──clone, update, switch──▶ a working copy
//! ```
//!
//! What a URL means, which commands are run and what is said of their failures is as in `Masterminds/vcs`, which Helm uses.

mod detect;
mod import;
mod repository;

use sutler_functions::url::UrlError;
use thiserror::Error;

pub(crate) use detect::{Detection, Found, address, detect, in_folder};
pub(crate) use import::find_import;
pub(crate) use repository::Repository;

/// A version control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionControl {
    /// `git`.
    Git,
    /// Subversion.
    Svn,
    /// Mercurial.
    Hg,
    /// Bazaar.
    Bzr,
}

impl VersionControl {
    /// All of them, in the order in which a folder is looked at.
    pub(crate) const ALL: [VersionControl; 4] =
        [VersionControl::Git, VersionControl::Svn, VersionControl::Hg, VersionControl::Bzr];

    /// Its program.
    pub(crate) fn program(self) -> &'static str {
        match self {
            VersionControl::Git => "git",
            VersionControl::Svn => "svn",
            VersionControl::Hg => "hg",
            VersionControl::Bzr => "bzr",
        }
    }

    /// The one of that name.
    pub(crate) fn named(name: &str) -> Option<VersionControl> {
        VersionControl::ALL.into_iter().find(|control| control.program() == name)
    }
}

/// Why a repository cannot be used. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VcsError {
    /// The URL is none.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Nothing tells which version control it is.
    #[error("Cannot detect VCS")]
    Unknown,
    /// Its program is not there.
    #[error("{} is not installed", .0.program())]
    NotInstalled(VersionControl),
    /// The working copy is one of another version control.
    #[error("Wrong VCS detected")]
    OtherControl,
    /// The working copy is one of another repository.
    #[error("The Remote does not match the VCS endpoint")]
    OtherRemote,
    /// A program failed.
    #[error("{action}: {ended}")]
    Command {
        /// What was to be done.
        action: &'static str,
        /// How the program ended, after what it wrote where Helm shows that.
        ended: String,
    },
    /// The working copy cannot be looked at.
    #[error("{0}")]
    File(String),
    /// The version is neither a reference nor a range.
    #[error("{0}")]
    Constraint(String),
    /// No tag is within the range.
    #[error("requested version {} does not exist for plugin {}", sutler_chart::go_quoted(.version), sutler_chart::go_quoted(.remote))]
    NoVersion {
        /// The range.
        version: String,
        /// The repository.
        remote: String,
    },
}
