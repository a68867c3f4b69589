//! Searching the cached indexes, as `helm search repo` (Helm's `pkg/cmd/search`).

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use sutler_functions::re2::{Pattern, PatternError};
use sutler_functions::semver::{Constraints, SemverError, Version};
use thiserror::Error;

use crate::index::{Index, IndexEntry};

/// Scores of this and above are no matches.
const WORST_SCORE: usize = 25;

/// Between the fields of a searched line.
const SEPARATOR: char = '\u{b}';

/// Why a search failed. The texts are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The regular expression is none.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The range of versions is none.
    #[error("an invalid version/constraint format")]
    Constraint(#[source] SemverError),
}

/// What to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The words; empty finds everything.
    pub words: Option<String>,
    /// Whether the words are a regular expression.
    pub is_pattern: bool,
    /// A range of versions; where empty, stable ones only, or with `devel` all.
    pub version: String,
    /// Whether versions under development count too.
    pub devel: bool,
    /// Whether every version is told, not only the newest of each chart.
    pub all_versions: bool,
}

/// A chart that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match<'i> {
    /// The repository's name.
    pub repository: &'i str,
    /// The chart's name in the index; with the repository's it makes `stable/hub`.
    pub name: &'i str,
    /// The version.
    pub entry: &'i IndexEntry,
    score: usize,
}

impl Match<'_> {
    /// `stable/hub`.
    pub fn full_name(&self) -> String {
        sutler_chart::clean_path(&format!("{}/{}", self.repository, self.name))
    }
}

/// Searches indexes, each with its repository's name. The best matches come first, of equal ones those of lower name and
/// newer version.
///
/// # Errors
/// A pattern or a range that is none.
///
/// ```
/// use sutler_repository::index::Index;
/// use sutler_repository::search::{Query, search};
///
/// let text = b"apiVersion: v1\nentries: {hub: [{apiVersion: v2, name: hub, version: 4.0.0, description: notebooks}]}";
/// let indexes = [("team".to_owned(), Index::read(text, "index.yaml", &mut Vec::new())?)];
/// let query = Query { words: Some("notebooks".to_owned()), ..Query::default() };
/// let found = search(&indexes, &query)?;
/// assert_eq!(found[0].full_name(), "team/hub");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn search<'i>(indexes: &'i [(String, Index)], query: &Query) -> Result<Vec<Match<'i>>, SearchError> {
    let matcher = Matcher::of(query)?;
    let mut matches = Vec::new();
    for (repository, index) in indexes {
        for (name, entries) in index.charts() {
            // Of entries with one version, Helm keeps the last.
            let last: HashMap<&str, usize> =
                entries.iter().enumerate().map(|(place, entry)| (entry.version.as_str(), place)).collect();
            for (place, entry) in entries.iter().enumerate() {
                if last.get(entry.version.as_str()) != Some(&place) {
                    continue;
                }
                if let Some(score) = matcher.score(repository, entry) {
                    matches.push(Match { repository, name, entry, score });
                }
            }
        }
    }
    let wanted = match (query.version.as_str(), query.devel) {
        ("", true) => ">0.0.0-0",
        ("", false) => ">0.0.0",
        (version, _) => version,
    };
    let constraint = Constraints::parse(wanted);
    let mut keyed: Vec<(usize, String, Option<Version>, Match<'i>)> = matches
        .into_iter()
        .map(|found| (found.score, found.full_name(), Version::parse(&found.entry.version).ok(), found))
        .collect();
    keyed.sort_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)).then_with(|| match (&a.2, &b.2) {
            (Some(a), Some(b)) => b.precedence(a),
            _ => Ordering::Equal,
        })
    });
    let constraint = constraint.map_err(SearchError::Constraint)?;
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for (_, name, version, found) in keyed {
        if !query.all_versions && seen.contains(&name) {
            continue;
        }
        if version.is_some_and(|version| constraint.allow(&version)) {
            kept.push(found);
            seen.insert(name);
        }
    }
    Ok(kept)
}

enum Matcher {
    Everything,
    Words(String),
    Pattern(Pattern),
}

impl Matcher {
    fn of(query: &Query) -> Result<Matcher, SearchError> {
        Ok(match &query.words {
            None => Matcher::Everything,
            Some(words) if query.is_pattern => Matcher::Pattern(Pattern::new(words.as_bytes())?),
            Some(words) => Matcher::Words(words.to_lowercase()),
        })
    }

    /// How far back in the line the match stands, by fields; nothing where there is none.
    fn score(&self, repository: &str, entry: &IndexEntry) -> Option<usize> {
        if let Matcher::Everything = self {
            return Some(0);
        }
        let name = &entry.name;
        let mut line = format!("{name}{SEPARATOR}{repository}/{name}{SEPARATOR}{}{SEPARATOR}", entry.description);
        line.push_str(&entry.keywords.join(" "));
        let at = match self {
            Matcher::Everything => 0,
            Matcher::Words(words) => {
                line = line.to_lowercase();
                line.find(words.as_str())?
            }
            Matcher::Pattern(pattern) => pattern.find_start(line.as_bytes())?,
        };
        let score =
            line.bytes().enumerate().filter(|(_, byte)| *byte == SEPARATOR as u8).take_while(|(p, _)| *p < at).count();
        (score < WORST_SCORE).then_some(score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: Query) -> Vec<String> {
        let text = "apiVersion: v1\nentries:\n  hub:\n  - {name: hub, version: 1.0.0, description: Many NOTEBOOKS, keywords: [python]}\n  - {name: hub, version: 1.1.0, description: Many notebooks}\n  - {name: hub, version: 2.0.0-rc.1, description: x}\n  notebooks:\n  - {name: notebooks, version: 0.1.0, description: hub}\n";
        let index = Index::read(text.as_bytes(), "here", &mut Vec::new()).unwrap();
        let indexes = [("stable".to_owned(), index)];
        match search(&indexes, &query) {
            Ok(matches) => {
                matches.iter().map(|found| format!("{} {}", found.full_name(), found.entry.version)).collect()
            }
            Err(error) => vec![sutler_chart::error_chain(&error)],
        }
    }

    fn words(words: &str) -> Query {
        Query { words: Some(words.to_owned()), ..Query::default() }
    }

    #[test]
    fn the_field_that_matches_decides_the_order() {
        assert_eq!(found(words("notebooks")), ["stable/notebooks 0.1.0", "stable/hub 1.1.0"]);
        assert_eq!(found(words("STABLE/hub")), ["stable/hub 1.1.0"]);
        assert_eq!(found(words("python")), ["stable/hub 1.0.0"]);
        assert_eq!(found(words("nothing")), [""; 0]);
        assert_eq!(found(Query::default()), ["stable/hub 1.1.0", "stable/notebooks 0.1.0"]);
    }

    #[test]
    fn versions_and_patterns_narrow_it_down() {
        assert_eq!(
            found(Query { all_versions: true, devel: true, ..words("hub") }),
            ["stable/hub 2.0.0-rc.1", "stable/hub 1.1.0", "stable/hub 1.0.0", "stable/notebooks 0.1.0"]
        );
        assert_eq!(found(Query { version: "~1.0".into(), ..words("hub") }), ["stable/hub 1.0.0"]);
        assert_eq!(found(Query { is_pattern: true, ..words("^hub") }), ["stable/hub 1.1.0"]);
        assert_eq!(found(Query { is_pattern: true, ..words("(") }), ["error parsing regexp: missing closing ): `(`"]);
        assert_eq!(
            found(Query { version: "a b".into(), ..words("hub") }),
            ["an invalid version/constraint format: improper constraint: a b"]
        );
    }
}
