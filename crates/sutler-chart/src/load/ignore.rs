//! `.helmignore`: which files of a folder do not belong to the chart (Helm's `pkg/ignore`).

use thiserror::Error;

use crate::pattern::{BadPattern, PathPattern};

/// Why a `.helmignore` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IgnoreError {
    /// `**` has no meaning in `.helmignore`.
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    /// A rule is no pattern.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// A line is longer than Helm reads (64 KiB).
    #[error("bufio.Scanner: token too long")]
    LineTooLong,
}

/// Go's `bufio.MaxScanTokenSize`, beyond which Helm refuses the file.
const LONGEST_LINE: usize = 64 * 1024;

/// The rules of one `.helmignore`, in order, and Helm's own last one.
#[derive(Debug)]
pub(crate) struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: PathPattern,
    negated: bool,
    only_folders: bool,
    whole_path: bool,
}

impl IgnoreRules {
    /// Reads the text of a `.helmignore` (empty for a folder without one) and adds Helm's default rule, `templates/.?*`.
    pub(crate) fn parse(text: &str) -> Result<IgnoreRules, IgnoreError> {
        let mut rules = Vec::new();
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).split('\n').chain(["templates/.?*"]) {
            if line.len() >= LONGEST_LINE {
                return Err(IgnoreError::LineTooLong);
            }
            rules.extend(Rule::parse(line)?);
        }
        Ok(IgnoreRules { rules })
    }

    /// Whether `path` (relative to the chart's folder, with `/`) is left out.
    pub(crate) fn ignores(&self, path: &str, is_folder: bool) -> bool {
        for rule in &self.rules {
            if rule.negated {
                // A negated rule leaves out whatever it does not match: Helm has no "include again".
                if (rule.only_folders && !is_folder) || !rule.matches(path) {
                    return true;
                }
            } else if (is_folder || !rule.only_folders) && rule.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Option<Rule>, IgnoreError> {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        if text.contains("**") {
            return Err(IgnoreError::DoubleStar);
        }
        PathPattern::parse(text)?;
        let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let (only_folders, text) = text.strip_suffix('/').map_or((false, text), |rest| (true, rest));
        let (whole_path, text) = text.strip_prefix('/').map_or((text.contains('/'), text), |rest| (true, rest));
        Ok(Some(Rule { pattern: PathPattern::parse(text)?, negated, only_folders, whole_path }))
    }

    fn matches(&self, path: &str) -> bool {
        let subject = if self.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
        self.pattern.matches(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(rules: &str, path: &str) -> bool {
        let is_folder = path.ends_with('/');
        IgnoreRules::parse(rules).unwrap().ignores(path.trim_end_matches('/'), is_folder)
    }

    #[test]
    fn rules_leave_out_what_helm_leaves_out() {
        for (rules, path, expected) in [
            ("notes.txt", "notes.txt", true),
            ("notes.txt", "deep/notes.txt", true),
            ("/notes.txt", "deep/notes.txt", false),
            ("/notes.txt", "notes.txt", true),
            ("deep/*.txt", "deep/notes.txt", true),
            ("deep/*.txt", "deeper/notes.txt", false),
            ("deep/", "deep/", true),
            ("deep/", "deep", false),
            ("# deep", "# deep", false),
            ("  *.bak  ", "a.bak", true),
            ("!*.yaml", "a.txt", true),
            ("!*.yaml", "a.yaml", false),
            ("!deep/", "file", true),
            (".*", ".git", true),
            ("", "templates/.hidden", true),
            ("", "templates/..data", true),
            ("\u{feff}*.md", "README.md", true),
            ("*.md\r\n*.txt", "a.md", true),
        ] {
            assert_eq!(ignored(rules, path), expected, "{rules:?} {path}");
        }
    }

    #[test]
    fn unusable_rules_are_errors() {
        assert_eq!(IgnoreRules::parse("a/**/b").unwrap_err(), IgnoreError::DoubleStar);
        assert_eq!(IgnoreRules::parse("[z-").unwrap_err(), IgnoreError::Pattern(BadPattern));
    }
}
