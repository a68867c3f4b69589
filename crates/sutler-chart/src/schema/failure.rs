//! What does not fit, as a tree: a failed `anyOf` holds the failures of its branches.

use crate::text::go_quoted;

/// One failure and what it consists of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    /// The path to the value concerned.
    pub(super) at: Vec<String>,
    pub(super) kind: Kind,
    pub(super) causes: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Several failures of one schema.
    Group,
    /// A failure behind a reference; not shown by itself when it has one cause.
    Reference,
    /// Anything else, in Helm's words.
    Text(String),
}

impl Failure {
    pub(super) fn new(at: &[String], text: impl Into<String>) -> Failure {
        Failure { at: at.to_vec(), kind: Kind::Text(text.into()), causes: Vec::new() }
    }

    /// The lines of a whole validation: its failure, or, of a group, each member.
    pub(super) fn lines(self) -> String {
        let mut text = String::new();
        if self.kind == Kind::Group {
            self.causes.iter().for_each(|cause| cause.write(1, &mut text));
        } else {
            self.write(1, &mut text);
        }
        text.trim_start_matches('\n').to_owned()
    }

    fn write(&self, mut indent: usize, text: &mut String) {
        if self.kind != Kind::Reference || self.causes.len() != 1 {
            let pointer: String =
                self.at.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect();
            let what = match &self.kind {
                Kind::Group | Kind::Reference => "validation failed",
                Kind::Text(what) => what,
            };
            text.push_str(&format!("\n{}- at {}: {what}", "  ".repeat(indent - 1), quoted(&pointer)));
            indent += 1;
        }
        self.causes.iter().for_each(|cause| cause.write(indent, text));
    }
}

/// A text in single quotes, as the validator of Helm prints it.
pub(super) fn quoted(text: &str) -> String {
    let double = go_quoted(text);
    let inner = &double[1..double.len() - 1];
    format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
}

/// Several texts in single quotes with commas.
pub(super) fn all_quoted<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}
