//! A repository with its working copy, through the version control's own program.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sutler_functions::semver::{Constraints, Version};

use sutler_chart::{Compatibility, io_message};

use super::super::Tell;
use super::{Found, VcsError, VersionControl, in_folder};
use crate::io::Variables;

/// A repository and where its working copy is, or will be.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    control: VersionControl,
    /// Its URL.
    pub(crate) remote: String,
    /// The folder of the working copy.
    pub(crate) local: PathBuf,
    /// The folder that the program was started in.
    folder: PathBuf,
    variables: Variables,
}

/// What a program wrote, to either stream, and how it ended.
struct Output {
    text: String,
    /// Go's words for a program that failed.
    failure: Option<String>,
}

const UPDATE_SUBMODULES: &str = "Unexpected error while defensively updating submodules";
const CLEAN: &str = "Unexpected error while defensively cleaning up after possible derelict submodule directories";
const CLEAN_NESTED: &str =
    "Unexpected error while defensively cleaning up after possible derelict nested submodule directories";
const NO_UPDATE: &str = "Unable to update repository";
const NO_SWITCH: &str = "Unable to update checked out version";
const NO_REMOTE: &str = "Unable to retrieve local repo information";

impl Repository {
    /// The repository of a working copy, or the one that is to have it (`NewRepo`).
    ///
    /// Where `found` is none, the working copy tells what it is of.
    ///
    /// # Errors
    /// No such program, or a working copy of something else.
    pub(crate) fn open(
        found: Option<Found>,
        local: &Path,
        folder: &Path,
        variables: &Variables,
    ) -> Result<Repository, VcsError> {
        let there = in_folder(local);
        let (control, remote) = match found {
            Some(Found { control, remote }) => (control, remote),
            None => (there.ok_or(VcsError::Unknown)?, String::new()),
        };
        if crate::post_render::program(control.program(), folder, variables).is_err() {
            return Err(VcsError::NotInstalled(control));
        }
        let mut repository = Repository {
            control,
            remote,
            local: local.to_owned(),
            folder: folder.to_owned(),
            variables: variables.clone(),
        };
        match there {
            None => return Ok(repository),
            Some(there) if there != control => return Err(VcsError::OtherControl),
            Some(_) => {}
        }
        let is_known = !repository.remote.is_empty();
        let configured = if control == VersionControl::Bzr && is_known { None } else { repository.configured()? };
        match configured {
            Some(configured) if is_known && configured != repository.remote => Err(VcsError::OtherRemote),
            Some(configured) => {
                repository.remote = configured;
                Ok(repository)
            }
            None => Ok(repository),
        }
    }

    /// The URL that the working copy came from.
    fn configured(&self) -> Result<Option<String>, VcsError> {
        let words: &[&str] = match self.control {
            VersionControl::Git => &["config", "--get", "remote.origin.url"],
            VersionControl::Svn => &["info", "--", "."],
            VersionControl::Hg => &["paths"],
            VersionControl::Bzr => &["info"],
        };
        let text = self.succeed(NO_REMOTE, words)?;
        let after = |start: &str| text.lines().find_map(|line| line.trim_start().strip_prefix(start));
        let found = match self.control {
            VersionControl::Git => Some(text.trim()),
            VersionControl::Svn => after("URL: "),
            VersionControl::Hg => after("default = "),
            VersionControl::Bzr => after("parent branch: "),
        };
        Ok(found.filter(|url| !url.is_empty()).map(str::to_owned))
    }

    /// Whether there is a working copy, or anything else in its place.
    pub(crate) fn is_there(&self) -> bool {
        self.local.exists()
    }

    /// Makes the working copy.
    ///
    /// # Errors
    /// What the program says.
    pub(crate) fn clone_whole(&self) -> Result<(), VcsError> {
        const NO_CLONE: &str = "Unable to get repository";
        let local = self.local.display().to_string();
        let remote = match self.control {
            VersionControl::Svn if self.remote.starts_with('/') => format!("file://{}", self.remote),
            _ => self.remote.clone(),
        };
        let command: &[&str] = match self.control {
            VersionControl::Git => &["clone", "--recursive"],
            VersionControl::Svn => &["checkout"],
            VersionControl::Hg => &["clone"],
            VersionControl::Bzr => &["branch"],
        };
        if let Some(parent) = self.local.parent().filter(|_| self.control != VersionControl::Git) {
            std::fs::create_dir_all(parent)
                .map_err(|error| VcsError::File(format!("mkdir {}: {}", parent.display(), io_message(&error))))?;
        }
        let words = [command, &["--", &remote, &local]].concat();
        let output = self.run(&self.folder, &words);
        match output.failure {
            None => Ok(()),
            Some(ended) => Err(VcsError::Command { action: NO_CLONE, ended: format!("{}: {ended}", output.text) }),
        }
    }

    /// Fetches what is new and, on a branch, goes to its end.
    ///
    /// # Errors
    /// What the program says.
    pub(crate) fn update(&self) -> Result<(), VcsError> {
        match self.control {
            VersionControl::Git => {
                self.succeed(NO_UPDATE, &["fetch", "--tags", "--", "origin"])?;
                let head = self.local.join(".git/HEAD");
                let text = std::fs::read(&head).map_err(|error| VcsError::Command {
                    action: NO_UPDATE,
                    ended: format!("open {}: {}", head.display(), io_message(&error)),
                })?;
                // A single commit is checked out: nothing to pull.
                if !text.trim_ascii().starts_with(b"ref: ") {
                    return Ok(());
                }
                self.succeed(NO_UPDATE, &["pull"])?;
                self.tidy()
            }
            VersionControl::Svn => self.succeed(NO_UPDATE, &["update"]).map(drop),
            VersionControl::Hg => {
                self.succeed(NO_SWITCH, &["pull"])?;
                self.succeed(NO_SWITCH, &["update"]).map(drop)
            }
            VersionControl::Bzr => {
                self.succeed(NO_UPDATE, &["pull"])?;
                self.succeed(NO_UPDATE, &["update"]).map(drop)
            }
        }
    }

    /// Goes to a branch, tag or revision.
    ///
    /// # Errors
    /// What the program says.
    pub(crate) fn switch(&self, reference: &str) -> Result<(), VcsError> {
        match self.control {
            VersionControl::Git => {
                self.succeed(NO_SWITCH, &["checkout", reference])?;
                self.tidy()
            }
            VersionControl::Hg => {
                self.succeed(NO_SWITCH, &["pull"])?;
                self.succeed(NO_SWITCH, &["update", "--", reference]).map(drop)
            }
            VersionControl::Svn | VersionControl::Bzr => {
                self.succeed(NO_SWITCH, &["update", "-r", reference]).map(drop)
            }
        }
    }

    /// Brings submodules to where they belong, and removes what is left of others.
    fn tidy(&self) -> Result<(), VcsError> {
        self.succeed(UPDATE_SUBMODULES, &["submodule", "update", "--init", "--recursive"])?;
        self.succeed(CLEAN, &["clean", "-x", "-d", "-f", "-f"])?;
        self.succeed(CLEAN_NESTED, &["submodule", "foreach", "--recursive", "git clean -x -d -f -f"])?;
        Ok(())
    }

    /// Whether files of the working copy were changed.
    pub(crate) fn is_dirty(&self) -> bool {
        let output = self.run(&self.local, &["diff"]);
        output.failure.is_some() || !output.text.is_empty()
    }

    /// Whether a text names a branch, tag or revision.
    fn is_reference(&self, text: &str) -> bool {
        let succeeds = |words: &[&str]| self.run(&self.local, words).failure.is_none();
        match self.control {
            VersionControl::Git => succeeds(&["rev-parse", "--verify", text]) || succeeds(&["show-ref", text]),
            VersionControl::Hg => succeeds(&["log", "-r", text]),
            VersionControl::Bzr => succeeds(&["revno", "-r", text]),
            VersionControl::Svn => {
                // It succeeds for what is not there too, and then says little.
                let output = self.run(&self.local, &["log", "-r", text]);
                output.failure.is_none() && output.text.split('\n').count() > 2
            }
        }
    }

    /// The tags.
    fn tags(&self) -> Result<Vec<String>, VcsError> {
        const NO_TAGS: &str = "Unable to retrieve tags";
        let words: &[&str] = match self.control {
            VersionControl::Svn => return Ok(Vec::new()),
            VersionControl::Git => &["show-ref"],
            VersionControl::Hg | VersionControl::Bzr => &["tags"],
        };
        let text = self.succeed(NO_TAGS, words)?;
        Ok(match self.control {
            VersionControl::Git => git_tags(&text),
            _ => text.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect(),
        })
    }

    /// The branch, tag or revision that a version means: itself, or the highest tag within a range (`solveVersion`).
    ///
    /// `tell` is told the tags that were found, and the one that was chosen.
    ///
    /// # Errors
    /// No such version.
    pub(crate) fn resolve(
        &self,
        version: &str,
        compatibility: Compatibility,
        tell: &mut Tell<'_>,
    ) -> Result<String, VcsError> {
        if self.is_reference(version) {
            return Ok(version.to_owned());
        }
        let constraint = Constraints::parse(version).map_err(|error| {
            VcsError::Constraint(match compatibility {
                Compatibility::V4 => error.to_string(),
                Compatibility::V3 => error.text_3_3(),
            })
        })?;
        let tags = self.tags()?;
        tell("found refs", &[("refs", format!("[{}]", tags.join(" ")))]);
        let highest = highest_within(&tags, &constraint)
            .ok_or_else(|| VcsError::NoVersion { version: version.to_owned(), remote: self.remote.clone() })?;
        tell("setting to version", &[("version", highest.to_owned())]);
        Ok(highest.to_owned())
    }

    fn succeed(&self, action: &'static str, words: &[&str]) -> Result<String, VcsError> {
        let Output { text, failure } = self.run(&self.local, words);
        failure.map_or(Ok(text), |ended| Err(VcsError::Command { action, ended }))
    }

    /// Runs the program in a folder; both of its streams are read as one, as a terminal shows them.
    fn run(&self, folder: &Path, words: &[&str]) -> Output {
        let program = self.control.program();
        let failed = |error: &std::io::Error| Output {
            text: String::new(),
            failure: Some(format!("fork/exec {program}: {}", io_message(error))),
        };
        let (mut reader, writer) = match std::io::pipe() {
            Ok(ends) => ends,
            Err(error) => return failed(&error),
        };
        let mut command = Command::new(program);
        command.args(words).current_dir(folder).env_clear().envs(self.variables.iter());
        if folder == self.local {
            command.env("PWD", folder);
        }
        let started =
            writer.try_clone().and_then(|second| command.stdin(Stdio::null()).stdout(writer).stderr(second).spawn());
        // The writing ends must be closed here, or the reading one would never come to its end.
        drop(command);
        let mut child = match started {
            Ok(child) => child,
            Err(error) => return failed(&error),
        };
        let mut bytes = Vec::new();
        let read = reader.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let failure = match read.and_then(|_| child.wait()) {
            Ok(status) if status.success() => None,
            Ok(status) => Some(match status.code() {
                Some(code) => format!("exit status {code}"),
                None => "signal: killed".to_owned(),
            }),
            Err(error) => Some(io_message(&error)),
        };
        Output { text, failure }
    }
}

/// The tags among references, `DIGEST refs/tags/NAME` each.
fn git_tags(references: &str) -> Vec<String> {
    let name = |line: &str| {
        let (_, name) = line.split_once("tags/")?;
        (!name.is_empty() && !name.contains(char::is_whitespace)).then(|| name.to_owned())
    };
    references.lines().filter_map(name).collect()
}

/// The highest of the tags that are versions within a range.
fn highest_within<'t>(tags: &'t [String], constraint: &Constraints) -> Option<&'t str> {
    let mut versions: Vec<(Version, &str)> =
        tags.iter().filter_map(|tag| Some((Version::parse(tag).ok()?, tag.as_str()))).collect();
    versions.sort_by(|(one, _), (other, _)| other.precedence(one));
    versions.into_iter().find(|(version, _)| constraint.allow(version)).map(|(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_tag_within_the_range_counts() {
        let references = "1 refs/heads/main\n2 refs/remotes/origin/main\n3 refs/tags/v0.1.0\n4 refs/tags/1.0.0\n5 refs/tags/v1.1.0-rc.1\n6 refs/tags/x\n";
        let tags = git_tags(references);
        assert_eq!(tags, ["v0.1.0", "1.0.0", "v1.1.0-rc.1", "x"]);
        for (range, expect) in
            [(">=0.1", Some("1.0.0")), ("<1", Some("v0.1.0")), (">1.0.0-0", Some("v1.1.0-rc.1")), ("^2", None)]
        {
            assert_eq!(highest_within(&tags, &Constraints::parse(range).unwrap()), expect, "{range}");
        }
    }

    #[test]
    fn without_a_repository_nothing_tells_the_version_control() {
        let folder = tempfile::tempdir().unwrap();
        let found = Repository::open(None, folder.path(), folder.path(), &Variables::default());
        assert_eq!(found.unwrap_err(), VcsError::Unknown);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let found = Found { control: VersionControl::Hg, remote: "https://example.com/x".to_owned() };
        let error = Repository::open(Some(found), folder.path(), folder.path(), &Variables::default()).unwrap_err();
        assert_eq!(error.to_string(), "hg is not installed");
    }
}
