//! What a registry asks for when it answers 401 (`WWW-Authenticate`), and the scopes of tokens.

use std::collections::{BTreeMap, BTreeSet};

/// A request to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token, from the server that the parameters name: `realm`, `service`, `scope`.
    Bearer(BTreeMap<String, String>),
    /// Something else.
    Unknown,
}

impl Challenge {
    /// Reads the header, as far as it can be read.
    pub(super) fn parse(header: &str) -> Challenge {
        let (scheme, mut rest) = token(header);
        if scheme.eq_ignore_ascii_case("basic") {
            return Challenge::Basic;
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Challenge::Unknown;
        }
        let mut parameters = BTreeMap::new();
        loop {
            let (key, after) = token(skip_space(rest));
            let Some(value_and_rest) = skip_space(after).strip_prefix('=').filter(|_| !key.is_empty()) else { break };
            let Some((value, after)) = value(skip_space(value_and_rest)) else { break };
            parameters.insert(key.to_owned(), value);
            match skip_space(after).strip_prefix(',') {
                Some(after) => rest = after,
                None => break,
            }
        }
        Challenge::Bearer(parameters)
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn token(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c| !is_token(c)).unwrap_or(text.len()))
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// A value: a word, or quoted with `\` before quotes.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = token(text);
        return (!word.is_empty()).then(|| (word.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, c)) = characters.next() {
        match c {
            '"' => return Some((value, &quoted[index + 1..])),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// What a token may do with a repository, e.g. `repository:team/hub:pull,push`.
pub(super) fn repository_scope(repository: &str, actions: &str) -> String {
    format!("repository:{repository}:{actions}")
}

/// Scopes put together, each thing once with all that is asked for it, in order.
pub(super) fn merge_scopes<'s>(scopes: impl IntoIterator<Item = &'s str>) -> Vec<String> {
    let mut things: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut merged = BTreeSet::new();
    for scope in scopes.into_iter().filter(|scope| !scope.is_empty()) {
        match scope.rsplit_once(':') {
            Some((thing, actions)) if thing.contains(':') => {
                things.entry(thing).or_default().extend(actions.split(',').filter(|action| !action.is_empty()));
            }
            _ => {
                merged.insert(scope.to_owned());
            }
        }
    }
    for (thing, actions) in things.into_iter().filter(|(_, actions)| !actions.is_empty()) {
        let actions = if actions.contains("*") { vec!["*"] } else { actions.into_iter().collect() };
        merged.insert(format!("{thing}:{}", actions.join(",")));
    }
    merged.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: &str) {
        let shown = match Challenge::parse(header) {
            Challenge::Bearer(parameters) => {
                parameters.iter().map(|(name, value)| format!("{name}={value};")).collect()
            }
            other => format!("{other:?}"),
        };
        assert_eq!(shown, expected, "{header}");
    }

    #[test]
    fn a_challenge_is_read_as_far_as_it_goes() {
        check(r#"Basic realm="x""#, "Basic");
        check("basic", "Basic");
        check("Negotiate", "Unknown");
        check("", "Unknown");
        check(
            r#"Bearer realm="https://auth.example.com/token",service="r",scope="repository:a/b:pull,push""#,
            "realm=https://auth.example.com/token;scope=repository:a/b:pull,push;service=r;",
        );
        check(r#"bearer realm = "a\"b" , service=word"#, "realm=a\"b;service=word;");
        check(r#"Bearer realm="a",service="b"#, "realm=a;");
        check("Bearer realm", "");
    }

    #[test]
    fn scopes_are_put_together() {
        let merged =
            merge_scopes(["repository:b:push", "repository:b:pull,push", "x", "repository:a:*,pull", "repository:c:"]);
        assert_eq!(merged, ["repository:a:*", "repository:b:pull,push", "x"]);
    }
}
