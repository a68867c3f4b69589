//! The task `semver`: the public interfaces of the crates that are published, against those of a git revision, by
//! `cargo-semver-checks`. A revision is the baseline because nothing is on crates.io yet. Not a part of `test`: it documents every
//! crate twice, and takes minutes.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::process;

/// The crates with a published interface, each after those it uses.
pub(crate) const PUBLISHED: [&str; 6] =
    ["sutler-yaml", "sutler-template", "sutler-functions", "sutler-chart", "sutler-repository", "sutler-access"];

/// Compares with `revision`; without one, with the last tag, and where there is none, with the commit before this one.
pub(crate) fn task(root: &Path, revision: Option<&str>) -> Result<()> {
    let mut probe = process::cargo();
    probe.args(["semver-checks", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        bail!("cargo-semver-checks is not installed: `cargo install cargo-semver-checks --locked`");
    }
    let revision = match revision {
        Some(revision) => revision.to_owned(),
        None => baseline(root)?,
    };
    println!("the public interfaces now, against those of {revision}");
    process::run(process::cargo().current_dir(root).args(arguments(&revision)))
}

fn baseline(root: &Path) -> Result<String> {
    let git = |words: &[&str]| process::output(Command::new("git").current_dir(root).args(words));
    let tag = git(&["describe", "--tags", "--abbrev=0", "HEAD^"]);
    tag.or_else(|_| git(&["rev-parse", "HEAD^"])).map(|revision| revision.trim().to_owned())
}

fn arguments(revision: &str) -> Vec<&str> {
    let mut arguments = vec!["semver-checks", "check-release", "--all-features", "--baseline-rev", revision];
    for name in PUBLISHED {
        arguments.extend(["--package", name]);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_crate_is_compared_with_the_revision() {
        assert!(arguments("v0.1.0").join(" ").starts_with(
            "semver-checks check-release --all-features --baseline-rev v0.1.0 --package sutler-yaml --package sutler-template"
        ));
    }

    #[test]
    fn the_published_crates_are_those_with_a_readme() {
        let crates = crate::workspace_root().join("crates");
        let mut found: Vec<String> = std::fs::read_dir(crates)
            .expect("the crates")
            .map(|entry| entry.expect("an entry").path())
            .filter(|folder| folder.join("README.md").is_file())
            .map(|folder| folder.file_name().unwrap_or_default().to_string_lossy().into_owned())
            .collect();
        found.sort();
        let mut published = PUBLISHED.to_vec();
        published.sort_unstable();
        assert_eq!(found, published);
    }
}
