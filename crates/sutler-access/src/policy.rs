//! IAM's policy documents, written exactly as AWS writes them: one value as a text, several as a list, empty parts left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the policy language; there is no newer one.
pub const VERSION: &str = "2012-10-17";

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Document {
    /// [`VERSION`].
    pub version: String,
    /// A name; IAM hardly uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it says.
    pub statement: Vec<Statement>,
}

/// One statement. In AWS's order of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// A name: letters and digits, unique in the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Who, in a trust policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// What, `service:Action`, with `*` and `?`.
    pub action: Values,
    /// On what: ARNs with `*` and `?`. None in a trust policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Values>,
    /// When: operator, key, values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, BTreeMap<String, Values>>,
}

/// Allow or deny.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Allows, unless something denies.
    #[default]
    Allow,
    /// Denies, whatever allows.
    Deny,
}

/// Who may take a role. Keys in AWS's order of kinds; `"*"` is everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Principal {
    /// `"*"`.
    Anybody(String),
    /// `Federated`, `Service`, `AWS` with their values.
    Of(BTreeMap<String, Values>),
}

/// One or several texts: AWS writes one without a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct Values(pub Vec<String>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Values {
    fn from(values: OneOrMany) -> Self {
        match values {
            OneOrMany::One(value) => Self(vec![value]),
            OneOrMany::Many(values) => Self(values),
        }
    }
}

impl From<Values> for OneOrMany {
    fn from(Values(mut values): Values) -> Self {
        match values.pop() {
            Some(only) if values.is_empty() => Self::One(only),
            Some(last) => {
                values.push(last);
                Self::Many(values)
            }
            None => Self::Many(values),
        }
    }
}

impl<T: Into<String>> FromIterator<T> for Values {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().map(Into::into).collect())
    }
}

impl From<&str> for Values {
    fn from(value: &str) -> Self {
        Self(vec![value.to_owned()])
    }
}

impl From<String> for Values {
    fn from(value: String) -> Self {
        Self(vec![value])
    }
}

impl Document {
    /// A document of these statements.
    #[must_use]
    pub fn new(statement: Vec<Statement>) -> Self {
        Self { version: VERSION.to_owned(), id: None, statement }
    }

    /// The document as one line, as AWS counts its length (white space does not count).
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a document holds only texts, which are always written")
    }

    /// The document as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a document holds only texts, which are always written")
    }
}

/// IAM's `StringLike`: `*` stands for any text, `?` for one character; case counts.
///
/// Takes time in proportion to both lengths multiplied at worst, whatever the pattern.
#[must_use]
pub fn string_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` was, and how far it has been stretched.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                None => return false,
                Some((at, stretched)) => {
                    *stretched += 1;
                    (p, t) = (*at + 1, *stretched);
                }
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_a_text_and_several_are_a_list() {
        let statement = Statement {
            sid: Some("ReadTeamData".into()),
            action: ["s3:GetObject"].into_iter().collect(),
            resource: Some(["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"].into_iter().collect()),
            ..Statement::default()
        };
        let text = r#"{"Version":"2012-10-17","Statement":[{"Sid":"ReadTeamData","Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::a/*","arn:aws:s3:::b/*"]}]}"#;
        let document = Document::new(vec![statement]);
        assert_eq!(document.to_json(), text);
        assert_eq!(serde_json::from_str::<Document>(text).unwrap(), document);
    }

    #[test]
    fn wildcards_match_as_iam_has_it() {
        for (pattern, text, expect) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("", "a", false),
            ("abc", "ABC", false),
        ] {
            assert_eq!(string_like(pattern, text), expect, "{pattern} {text}");
        }
        // Slow for a matcher that tries every split.
        assert!(!string_like(&"*a".repeat(2_000), &format!("{}b", "a".repeat(4_000))));
    }
}
