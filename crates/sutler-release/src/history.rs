//! Looking at releases: all of them, one, its revisions.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::operation::check_name;
use crate::record::Release;
use crate::{Releases, store};

impl Releases {
    /// The last revision of each release in a namespace, or in all, by name and namespace. Which statuses to show is the
    /// caller's choice.
    ///
    /// # Errors
    /// If the records cannot be read.
    pub async fn list(&self, namespace: Option<&str>) -> Result<Vec<Release>, Error> {
        Ok(last_revisions(store::list(&self.cluster, namespace, "owner=helm").await?))
    }

    /// One revision of a release; the last one if none is named.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NoRevision`].
    pub async fn get(&self, namespace: &str, name: &str, revision: Option<u32>) -> Result<Release, Error> {
        check_name(name)?;
        match revision {
            Some(revision) => store::get(&self.cluster, namespace, name, revision).await,
            None => {
                let mut history = self.history(namespace, name).await?;
                history.pop().ok_or_else(|| Error::NotFound { namespace: namespace.to_owned(), name: name.to_owned() })
            }
        }
    }

    /// All revisions of a release that are kept, the oldest first; none if there is no such release.
    ///
    /// # Errors
    /// If the records cannot be read.
    pub async fn history(&self, namespace: &str, name: &str) -> Result<Vec<Release>, Error> {
        check_name(name)?;
        store::history(&self.cluster, namespace, name).await
    }
}

/// The last revision of each release, by name, then by namespace.
fn last_revisions(releases: Vec<Release>) -> Vec<Release> {
    let mut last: BTreeMap<(String, String), Release> = BTreeMap::new();
    for release in releases {
        let key = (release.name.clone(), release.namespace.clone());
        if last.get(&key).is_none_or(|known| known.version < release.version) {
            last.insert(key, release);
        }
    }
    last.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_release_the_last_revision_is_listed() {
        let release = |name: &str, namespace: &str, version| Release {
            name: name.into(),
            namespace: namespace.into(),
            version,
            ..Release::default()
        };
        let releases = vec![release("b", "x", 2), release("a", "y", 1), release("b", "x", 10), release("a", "x", 3)];
        let listed: Vec<String> = last_revisions(releases)
            .iter()
            .map(|release| format!("{}/{} {}", release.namespace, release.name, release.version))
            .collect();
        assert_eq!(listed, ["x/a 3", "y/a 1", "x/b 10"]);
    }
}
