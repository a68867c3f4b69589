//! The task `publish-check`: packages the crates that are published and builds each package against the others, as crates.io would get
//! them, without sending anything. Not a part of `test`: it builds all of them and what they use once more.

use std::path::Path;

use anyhow::{Context, Result};

use crate::process;
use crate::semver::PUBLISHED;

pub(crate) fn task(root: &Path) -> Result<()> {
    println!("the packages of {}", PUBLISHED.join(", "));
    process::run(process::cargo().current_dir(root).args(arguments()))
        .context("a crate cannot be published as it stands")
}

/// What is not committed is looked at too: the check is for before a commit.
fn arguments() -> Vec<&'static str> {
    let packages = PUBLISHED.iter().flat_map(|name| ["--package", name]);
    ["publish", "--dry-run", "--locked", "--allow-dirty"].into_iter().chain(packages).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_and_every_published_crate_is_packaged() {
        let line = arguments().join(" ");
        assert!(line.starts_with("publish --dry-run "), "{line}");
        assert!(PUBLISHED.iter().all(|name| line.contains(&format!("--package {name}"))), "{line}");
    }
}
