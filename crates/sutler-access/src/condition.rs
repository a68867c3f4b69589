//! Conditions: every operator of IAM, with `...IfExists`, `ForAnyValue:` and `ForAllValues:`.
//!
//! ```text
//! "ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a*", "b"]}
//!  └ quantifier  └ test    └ if exists  └ key        └ values: one of them is enough
//! ```
//! Missing keys, as AWS documents them: a positive test fails, a negated one (`StringNotEquals`) holds, `...IfExists` holds,
//! `ForAllValues:` holds, `ForAnyValue:` fails, `Null` asks for just that.

pub(crate) mod value;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use self::value::{Cidr, Moment, Number};
use crate::pattern::{Pattern, Piece, Where, pieces, resolved_text};
use crate::policy::Values;
use crate::request::Context;

/// How the values of a key with several are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// No prefix: meant for keys with one value.
    None,
    /// `ForAnyValue:`.
    Any,
    /// `ForAllValues:`.
    All,
}

/// How two ordered values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The request's value is the policy's.
    Equals,
    /// It is less.
    LessThan,
    /// It is less or the same.
    LessThanEquals,
    /// It is greater.
    GreaterThan,
    /// It is greater or the same.
    GreaterThanEquals,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Test {
    /// `StringEquals`.
    StringEquals,
    /// `StringEqualsIgnoreCase`.
    StringEqualsIgnoreCase,
    /// `StringLike`.
    StringLike,
    /// `Numeric…`.
    Numeric(Comparison),
    /// `Date…`.
    Date(Comparison),
    /// `Bool`.
    Bool,
    /// `BinaryEquals`.
    BinaryEquals,
    /// `IpAddress`.
    IpAddress,
    /// `ArnEquals` and `ArnLike`, which are the same.
    Arn,
    /// `Null`.
    Null,
}

/// An operator of a condition, parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// Its prefix.
    pub quantifier: Quantifier,
    /// What is compared.
    pub test: Test,
    /// Whether it is the negation: `StringNotEquals`, `NotIpAddress` …
    pub negated: bool,
    /// Whether a missing key satisfies it.
    pub if_exists: bool,
}

/// A text that is no operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a condition operator")]
pub struct OperatorError(pub String);

/// The operators without prefix and suffix, as AWS writes them.
pub(crate) const OPERATORS: &[(&str, Test, bool)] = &[
    ("StringEquals", Test::StringEquals, false),
    ("StringNotEquals", Test::StringEquals, true),
    ("StringEqualsIgnoreCase", Test::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Test::StringEqualsIgnoreCase, true),
    ("StringLike", Test::StringLike, false),
    ("StringNotLike", Test::StringLike, true),
    ("NumericEquals", Test::Numeric(Comparison::Equals), false),
    ("NumericNotEquals", Test::Numeric(Comparison::Equals), true),
    ("NumericLessThan", Test::Numeric(Comparison::LessThan), false),
    ("NumericLessThanEquals", Test::Numeric(Comparison::LessThanEquals), false),
    ("NumericGreaterThan", Test::Numeric(Comparison::GreaterThan), false),
    ("NumericGreaterThanEquals", Test::Numeric(Comparison::GreaterThanEquals), false),
    ("DateEquals", Test::Date(Comparison::Equals), false),
    ("DateNotEquals", Test::Date(Comparison::Equals), true),
    ("DateLessThan", Test::Date(Comparison::LessThan), false),
    ("DateLessThanEquals", Test::Date(Comparison::LessThanEquals), false),
    ("DateGreaterThan", Test::Date(Comparison::GreaterThan), false),
    ("DateGreaterThanEquals", Test::Date(Comparison::GreaterThanEquals), false),
    ("Bool", Test::Bool, false),
    ("BinaryEquals", Test::BinaryEquals, false),
    ("IpAddress", Test::IpAddress, false),
    ("NotIpAddress", Test::IpAddress, true),
    ("ArnEquals", Test::Arn, false),
    ("ArnNotEquals", Test::Arn, true),
    ("ArnLike", Test::Arn, false),
    ("ArnNotLike", Test::Arn, true),
    ("Null", Test::Null, false),
];

impl FromStr for Operator {
    type Err = OperatorError;

    /// Case does not count, as IAM has it.
    fn from_str(text: &str) -> Result<Self, OperatorError> {
        let error = || OperatorError(text.to_owned());
        let strip = |text: &str, prefix: &str| {
            let head = text.get(..prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then(|| text[prefix.len()..].to_owned())
        };
        let (quantifier, rest) = match (strip(text, "ForAnyValue:"), strip(text, "ForAllValues:")) {
            (Some(rest), _) => (Quantifier::Any, rest),
            (_, Some(rest)) => (Quantifier::All, rest),
            _ => (Quantifier::None, text.to_owned()),
        };
        let suffix = rest
            .len()
            .checked_sub("IfExists".len())
            .filter(|at| rest.get(*at..).is_some_and(|suffix| suffix.eq_ignore_ascii_case("IfExists")));
        let name = suffix.map_or(rest.as_str(), |at| &rest[..at]);
        let found = OPERATORS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        let (_, test, negated) = *found.ok_or_else(error)?;
        if test == Test::Null && (suffix.is_some() || quantifier != Quantifier::None) {
            return Err(error());
        }
        Ok(Self { quantifier, test, negated, if_exists: suffix.is_some() })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.quantifier {
            Quantifier::None => "",
            Quantifier::Any => "ForAnyValue:",
            Quantifier::All => "ForAllValues:",
        })?;
        let found = OPERATORS.iter().find(|(_, test, negated)| *test == self.test && *negated == self.negated);
        f.write_str(found.map_or("", |(name, ..)| name))?;
        f.write_str(if self.if_exists { "IfExists" } else { "" })
    }
}

/// Why a value cannot be meant by its operator: it never matches.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Not a number.
    #[error("`{0}` is not a number")]
    Number(String),
    /// Not a date.
    #[error("`{0}` is not a date: 2026-11-23T10:00:00Z or seconds since 1970 are wanted")]
    Date(String),
    /// Not `true` or `false`.
    #[error("`{0}` is neither `true` nor `false`")]
    Bool(String),
    /// Not an address or a range of addresses.
    #[error("`{0}` is not an IP address or range: 10.0.0.0/16 or 2001:db8::/32 are wanted")]
    Address(String),
    /// Not an ARN.
    #[error("`{0}` is not an ARN: it has less than six parts")]
    Arn(String),
}

/// A value of the policy, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Pattern(Pattern),
    /// Compared without case, or as `true` and `false`.
    Folded(Vec<Piece>),
    Number(Number),
    Moment(Moment),
    Cidr(Cidr),
    Arn(Box<[Pattern; 6]>),
    Missing(bool),
    /// Nothing that a request could have.
    Never,
}

/// A condition of one key, compiled.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    /// In lower case.
    pub(crate) key: Box<str>,
    wanted: Box<[Wanted]>,
}

impl Condition {
    pub(crate) fn new(operator: Operator, key: &str, values: &Values, has_variables: bool) -> Self {
        let wanted = values.iter().map(|value| compile(operator.test, value, has_variables)).collect();
        Self { operator, key: key.to_ascii_lowercase().into(), wanted }
    }

    /// Whether the condition holds of this request.
    pub(crate) fn holds(&self, context: &Context) -> bool {
        let Operator { quantifier, test, negated, if_exists } = self.operator;
        let found = context.get(&self.key);
        if test == Test::Null {
            let is_missing = found.is_none_or(|values| values.is_empty());
            return self.wanted.contains(&Wanted::Missing(is_missing));
        }
        // For the two quantifiers "a null data set, such as an empty string" is no value at all.
        let is_empty = |values: &[String]| {
            values.is_empty() || (quantifier != Quantifier::None && values.iter().all(String::is_empty))
        };
        let Some(found) = found.filter(|values| !is_empty(values)) else {
            return match quantifier {
                _ if if_exists => true,
                Quantifier::None => negated,
                Quantifier::Any => false,
                Quantifier::All => true,
            };
        };
        let matches = |value: &String| self.wanted.iter().any(|wanted| wanted.matches(test, value, context));
        match quantifier {
            Quantifier::None => found.iter().any(matches) != negated,
            Quantifier::Any => found.iter().any(|value| matches(value) != negated),
            Quantifier::All => found.iter().all(|value| matches(value) != negated),
        }
    }
}

/// What is wrong with a value for an operator, if anything. Variables are not looked into.
pub(crate) fn check_value(test: Test, value: &str) -> Result<(), ValueError> {
    let has_variable = value.contains("${");
    let wrong = match test {
        Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike | Test::BinaryEquals => None,
        Test::Numeric(_) => Number::parse(value).is_none().then_some(ValueError::Number as fn(String) -> ValueError),
        Test::Date(_) => Moment::parse(value).is_none().then_some(ValueError::Date as _),
        Test::IpAddress => Cidr::parse(value).is_none().then_some(ValueError::Address as _),
        Test::Bool | Test::Null if has_variable => None,
        Test::Bool | Test::Null => parse_bool(value).is_none().then_some(ValueError::Bool as _),
        Test::Arn => (value != "*" && !has_variable && value.split(':').count() < 6).then_some(ValueError::Arn as _),
    };
    wrong.map_or(Ok(()), |error| Err(error(value.to_owned())))
}

fn compile(test: Test, value: &str, has_variables: bool) -> Wanted {
    let text_pieces = || match pieces(value) {
        Ok(found) if has_variables => found,
        _ => vec![Piece::Text(value.to_owned())],
    };
    let or_never = |wanted: Option<Wanted>| wanted.unwrap_or(Wanted::Never);
    match test {
        Test::StringEquals | Test::BinaryEquals => Wanted::Pattern(Pattern::new(value, Where::Exact, has_variables)),
        Test::StringLike => Wanted::Pattern(Pattern::new(value, Where::Text, has_variables)),
        Test::StringEqualsIgnoreCase | Test::Bool => Wanted::Folded(text_pieces()),
        Test::Numeric(_) => or_never(Number::parse(value).map(Wanted::Number)),
        Test::Date(_) => or_never(Moment::parse(value).map(Wanted::Moment)),
        Test::IpAddress => or_never(Cidr::parse(value).map(Wanted::Cidr)),
        Test::Null => or_never(parse_bool(value).map(Wanted::Missing)),
        // All ARNs, or one that the request holds as a whole.
        Test::Arn if value == "*" || value.starts_with("${") => {
            Wanted::Pattern(Pattern::new(value, Where::Arn, has_variables))
        }
        Test::Arn => {
            // The colons within `${aws:username}` part no segments; variables may stand only after the fifth.
            let segments: Vec<&str> = value.splitn(6, ':').collect();
            let compiled = <[&str; 6]>::try_from(segments).ok();
            or_never(compiled.map(|segments| {
                Wanted::Arn(Box::new(segments.map(|segment| Pattern::new(segment, Where::Text, has_variables))))
            }))
        }
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

impl Wanted {
    fn matches(&self, test: Test, found: &str, context: &Context) -> bool {
        match (self, test) {
            (Self::Pattern(pattern), _) => pattern.matches(found, context),
            (Self::Folded(pieces), Test::Bool) => resolved_text(pieces, context)
                .and_then(|text| parse_bool(&text))
                .is_some_and(|wanted| parse_bool(found) == Some(wanted)),
            (Self::Folded(pieces), _) => {
                resolved_text(pieces, context).is_some_and(|text| text.to_lowercase() == found.to_lowercase())
            }
            (Self::Number(wanted), Test::Numeric(comparison)) => {
                Number::parse(found).is_some_and(|found| comparison.holds(found.compare(wanted)))
            }
            (Self::Moment(wanted), Test::Date(comparison)) => {
                Moment::parse(found).is_some_and(|found| comparison.holds(found.cmp(wanted)))
            }
            (Self::Cidr(range), _) => found.parse().is_ok_and(|address| range.contains(address)),
            (Self::Arn(segments), _) => {
                let found: Vec<&str> = found.splitn(6, ':').collect();
                found.len() == 6
                    && found[0] == "arn"
                    && segments.iter().zip(found).all(|(segment, part)| segment.matches(part, context))
            }
            (Self::Number(_) | Self::Moment(_) | Self::Missing(_) | Self::Never, _) => false,
        }
    }
}

impl Comparison {
    fn holds(self, found_to_wanted: std::cmp::Ordering) -> bool {
        match self {
            Self::Equals => found_to_wanted.is_eq(),
            Self::LessThan => found_to_wanted.is_lt(),
            Self::LessThanEquals => found_to_wanted.is_le(),
            Self::GreaterThan => found_to_wanted.is_gt(),
            Self::GreaterThanEquals => found_to_wanted.is_ge(),
        }
    }
}

#[cfg(test)]
mod tests;
