//! Patterns as IAM has them: `*` and `?`, the segments of ARNs, and policy variables.
//!
//! A pattern is compiled once and matched many times. [`string_like`] is for a single comparison.

use crate::request::Context;

/// IAM's `StringLike`: `*` stands for any text, `?` for one character; case counts.
///
/// Takes time in proportion to both lengths multiplied at worst, whatever the pattern.
#[must_use]
pub fn string_like(pattern: &str, text: &str) -> bool {
    Glob::new(tokens(pattern, Where::Text)).matches(text)
}

/// What a pattern is for, which decides what its wildcards cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// No wildcards at all, as `StringEquals`.
    Exact,
    /// Wildcards that cover everything.
    Text,
    /// An ARN: before the fifth colon a wildcard stays within its segment, unless a `*` ends the segment, which "can expand to
    /// match beyond the colon boundaries" (IAM user guide, `Resource`). What follows the fifth colon is one segment.
    Arn,
}

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(Box<str>),
    /// `*`, and whether it covers colons.
    Any {
        crosses: bool,
    },
    /// `?`, and whether it may be a colon.
    One {
        crosses: bool,
    },
}

/// A compiled pattern without variables.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Glob {
    Everything,
    Exact(Box<str>),
    Prefix(Box<str>),
    /// All wildcards cover colons: only the last `*` ever has to be stretched.
    Wild(Box<[Token]>),
    /// Some do not: an earlier `*` may have to be stretched again.
    Segmented(Box<[Token]>),
}

impl Glob {
    fn new(mut tokens: Vec<Token>) -> Self {
        match tokens.as_mut_slice() {
            [] => Self::Exact("".into()),
            [Token::Literal(text)] => Self::Exact(std::mem::take(text)),
            [Token::Any { crosses: true }] => Self::Everything,
            [Token::Literal(text), Token::Any { crosses: true }] => Self::Prefix(std::mem::take(text)),
            all => {
                let crosses =
                    |token: &Token| !matches!(token, Token::Any { crosses: false } | Token::One { crosses: false });
                if all.iter().all(crosses) { Self::Wild(tokens.into()) } else { Self::Segmented(tokens.into()) }
            }
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Exact(wanted) => **wanted == *text,
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Wild(tokens) => matches_wild(tokens, text),
            Self::Segmented(tokens) => matches_segmented(tokens, text),
        }
    }
}

/// The end of one character of `text` at `at`, if there is one.
fn after_one(text: &str, at: usize) -> Option<usize> {
    text[at..].chars().next().map(|c| at + c.len_utf8())
}

fn matches_wild(tokens: &[Token], text: &str) -> bool {
    let (mut token, mut at) = (0, 0);
    // The token after the last `*`, and where that `*` ends so far.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let next = match tokens.get(token) {
            Some(Token::Any { .. }) => {
                // A `*` at the end takes the rest.
                if token + 1 == tokens.len() {
                    return true;
                }
                star = Some((token + 1, at));
                Some(at)
            }
            Some(Token::Literal(literal)) => text[at..].starts_with(&**literal).then(|| at + literal.len()),
            Some(Token::One { .. }) => after_one(text, at),
            None if at == text.len() => return true,
            None => None,
        };
        match (next, &mut star) {
            (Some(next), _) => (token, at) = (token + 1, next),
            (None, Some((after, end))) => match after_one(text, *end) {
                Some(longer) => {
                    *end = longer;
                    (token, at) = (*after, longer);
                }
                None => return false,
            },
            (None, None) => return false,
        }
    }
}

/// All places that can be reached after each token, in one pass a token: no pattern is slow.
fn matches_segmented(tokens: &[Token], text: &str) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        match token {
            Token::Literal(literal) => {
                for at in (0..=text.len()).filter(|at| reached[*at]) {
                    if text.as_bytes()[at..].starts_with(literal.as_bytes()) {
                        next[at + literal.len()] = true;
                    }
                }
            }
            Token::One { crosses } => {
                for at in (0..text.len()).filter(|at| reached[*at]) {
                    if let Some(end) = after_one(text, at)
                        && (*crosses || text.as_bytes()[at] != b':')
                    {
                        next[end] = true;
                    }
                }
            }
            Token::Any { crosses } => {
                let mut on = false;
                for at in 0..=text.len() {
                    on |= reached[at];
                    next[at] = on && text.is_char_boundary(at);
                    on &= *crosses || text.as_bytes().get(at) != Some(&b':');
                }
            }
        }
        reached = next;
    }
    reached[text.len()]
}

/// Splits into literals and wildcards, each of which knows by its place whether it covers colons.
fn tokens(pattern: &str, place: Where) -> Vec<Token> {
    let mut builder = Builder::new(place);
    builder.pattern(pattern, false);
    builder.finish()
}

/// Collects tokens, joins literals that touch, and counts colons.
struct Builder {
    place: Where,
    colons: usize,
    tokens: Vec<Token>,
    literal: String,
}

impl Builder {
    fn new(place: Where) -> Self {
        Self { place, colons: 0, tokens: Vec::new(), literal: String::new() }
    }

    fn literal(&mut self, text: &str) {
        self.literal.push_str(text);
        self.colons += text.bytes().filter(|byte| *byte == b':').count();
    }

    /// A part of the pattern with wildcards; `goes_on` says that something follows it that is no colon.
    fn pattern(&mut self, text: &str, goes_on: bool) {
        let mut rest = text;
        while let Some(at) = rest.find(['*', '?']).filter(|_| self.place != Where::Exact) {
            self.literal(&rest[..at]);
            let is_any = rest.as_bytes()[at] == b'*';
            rest = &rest[at + 1..];
            let in_segment = self.place == Where::Arn && self.colons < 5;
            // Further `*` right after this one change nothing.
            let ends_segment = match rest.trim_start_matches('*').chars().next() {
                Some(next) => next == ':',
                None => !goes_on,
            };
            self.flush();
            if is_any {
                let crosses = !in_segment || ends_segment;
                if self.tokens.last() != Some(&Token::Any { crosses }) {
                    self.tokens.push(Token::Any { crosses });
                }
            } else {
                self.tokens.push(Token::One { crosses: !in_segment });
            }
        }
        self.literal(rest);
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.tokens.push(Token::Literal(std::mem::take(&mut self.literal).into()));
        }
    }

    fn finish(mut self) -> Vec<Token> {
        self.flush();
        self.tokens
    }
}

/// A piece of a text with policy variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Ordinary text, with wildcards where they count.
    Text(String),
    /// `${*}`, `${?}`, `${$}`: the character itself.
    Character(char),
    /// `${key}` or `${key, 'default'}`; the key in lower case.
    Variable {
        /// The context key.
        key: String,
        /// What stands where the request has no such key.
        default: Option<String>,
    },
}

/// Why a text with `${` has no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VariableError {
    /// No `}`.
    #[error("`${{` without `}}`")]
    Open,
    /// Nothing, or what is no key, between the braces.
    #[error("a variable is `${{key}}` or `${{key, 'default'}}`")]
    Form,
}

/// The pieces of a text of a document whose version knows variables.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece>, VariableError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if at > 0 {
            pieces.push(Piece::Text(rest[..at].to_owned()));
        }
        rest = &rest[at + 2..];
        let (inner, after) = split_variable(rest).ok_or(VariableError::Open)?;
        rest = after;
        pieces.push(match inner {
            "*" => Piece::Character('*'),
            "?" => Piece::Character('?'),
            "$" => Piece::Character('$'),
            _ => {
                let (key, default) = match inner.split_once(',') {
                    None => (inner.trim(), None),
                    Some((key, default)) => {
                        let quoted = default.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                        (key.trim(), Some(quoted.ok_or(VariableError::Form)?.to_owned()))
                    }
                };
                if key.is_empty() || !key.contains(':') || key.contains(['$', '{', '*', '?', '\'']) {
                    return Err(VariableError::Form);
                }
                Piece::Variable { key: key.to_ascii_lowercase(), default }
            }
        });
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// Splits at the brace that closes a variable; one within a quoted default does not.
fn split_variable(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '}' if !quoted => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

/// A compiled pattern, which may hold variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Fixed(FixedPattern),
    Variable(Vec<Piece>, Where),
}

/// A pattern without variables; what it is made of is this module's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FixedPattern(Glob);

impl FixedPattern {
    pub(crate) fn new(text: &str, place: Where) -> Self {
        Self(Glob::new(tokens(text, place)))
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}

impl Pattern {
    /// Compiles a text. What looks like a variable and is none counts as text, as in documents that know no variables.
    pub(crate) fn new(text: &str, place: Where, has_variables: bool) -> Self {
        let fixed = || Self::Fixed(FixedPattern::new(text, place));
        if !has_variables || !text.contains("${") {
            return fixed();
        }
        match pieces(text) {
            Err(_) => fixed(),
            Ok(pieces) if pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. })) => {
                Self::Variable(pieces, place)
            }
            Ok(pieces) => match resolved(&pieces, place, &Context::default()) {
                Some(tokens) => Self::Fixed(FixedPattern(Glob::new(tokens))),
                None => fixed(),
            },
        }
    }

    /// Whether the request has all values that the pattern's variables want.
    pub(crate) fn is_resolved(&self, context: &Context) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Variable(pieces, _) => resolved_text(pieces, context).is_some(),
        }
    }

    /// Whether a text matches. A pattern with a variable that the request has no value for matches nothing.
    pub(crate) fn matches(&self, text: &str, context: &Context) -> bool {
        match self {
            Self::Fixed(pattern) => pattern.matches(text),
            Self::Variable(pieces, place) => {
                resolved(pieces, *place, context).is_some_and(|tokens| Glob::new(tokens).matches(text))
            }
        }
    }
}

/// The tokens with the request's values in place of variables. A value is taken as it is: its `*` and `?` are characters.
fn resolved(pieces: &[Piece], place: Where, context: &Context) -> Option<Vec<Token>> {
    let mut builder = Builder::new(place);
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => builder.pattern(text, index + 1 < pieces.len()),
            Piece::Character(c) => builder.literal(c.encode_utf8(&mut [0; 4])),
            Piece::Variable { key, default } => {
                // A key with several values cannot stand for one text.
                match (context.get(key), default) {
                    (Some([value]), _) => builder.literal(value),
                    (None, Some(default)) => builder.literal(default),
                    _ => return None,
                }
            }
        }
    }
    Some(builder.finish())
}

/// The text with the request's values in place of variables, for operators that compare whole texts.
pub(crate) fn resolved_text(pieces: &[Piece], context: &Context) -> Option<String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Character(c) => text.push(*c),
            Piece::Variable { key, default } => match (context.get(key), default) {
                (Some([value]), _) => text.push_str(value),
                (None, Some(default)) => text.push_str(default),
                _ => return None,
            },
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_iam_has_it() {
        for (pattern, text, expect) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "abc", true),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("", "a", false),
            ("abc", "ABC", false),
            ("a**", "a", true),
            ("*?", "", false),
            ("*?", "é", true),
            ("?*b", "ab", true),
        ] {
            assert_eq!(string_like(pattern, text), expect, "{pattern} {text}");
        }
        // Slow for a matcher that tries every split.
        assert!(!string_like(&"*a".repeat(2_000), &format!("{}b", "a".repeat(4_000))));
    }

    #[test]
    fn a_wildcard_stays_in_its_segment_unless_it_ends_it() {
        let arn = |pattern: &str, text: &str| FixedPattern::new(pattern, Where::Arn).matches(text);
        for (pattern, text, expect) in [
            ("*", "arn:aws:s3:::a/b", true),
            ("arn:aws:s3:::a/*", "arn:aws:s3:::a/b:c/d", true),
            ("arn:aws:s3:::a/*.csv", "arn:aws:s3:::a/b:c.csv", true),
            ("arn:aws:sqs:us-*-1:1:q", "arn:aws:sqs:us-east-1:1:q", true),
            ("arn:aws:sqs:u*t-1:1:q", "arn:aws:sqs:us-east-1:1:q", true),
            ("arn:aws:sqs:u*1:q", "arn:aws:sqs:us-east-1:1:q", false),
            ("arn:aws:sqs:u*:q", "arn:aws:sqs:us-east-1:1:q", true),
            ("arn:aws:sqs:*", "arn:aws:sqs:us-east-1:1:q", true),
            ("arn:aws:sqs:us-east?1:1:q", "arn:aws:sqs:us-east:1:1:q", false),
            ("arn:aws:a*b:u*:q", "arn:aws:axb:u:x:q", true),
            ("arn:aws:a*b:u*:q", "arn:aws:a:b:u:q", false),
        ] {
            assert_eq!(arn(pattern, text), expect, "{pattern} {text}");
        }
    }

    #[test]
    fn variables_are_values_and_never_wildcards() {
        let context = Context::from_pairs([("aws:username", "a*"), ("aws:PrincipalTag/Team", "data")]);
        let matches = |pattern: &str, text: &str| Pattern::new(pattern, Where::Text, true).matches(text, &context);
        for (pattern, text, expect) in [
            ("home/${aws:username}/*", "home/a*/x", true),
            ("home/${aws:username}/*", "home/ab/x", false),
            ("${AWS:principaltag/team}", "data", true),
            ("${aws:PrincipalTag/none}", "", false),
            ("${aws:PrincipalTag/none, 'all}'}-*", "all}-x", true),
            ("${aws:PrincipalTag/Team, 'all'}", "data", true),
            ("a${*}b${?}${$}", "a*b?$", true),
            ("a${*}b", "axb", false),
            ("${", "${", true),
        ] {
            assert_eq!(matches(pattern, text), expect, "{pattern} {text}");
        }
        assert!(Pattern::new("${aws:username}", Where::Exact, false).matches("${aws:username}", &context));
        assert_eq!(pieces("${aws:username"), Err(VariableError::Open));
        assert_eq!(pieces("${}"), Err(VariableError::Form));
        assert_eq!(pieces("${aws:username, x}"), Err(VariableError::Form));
    }
}
