//! Semantic versions and constraints as Masterminds' `semver` v3.4.0 reads them.
//!
//! Looser than the specification on purpose: a leading `v`, missing parts and leading zeros are accepted, constraints
//! know `~`, `^`, `x` and hyphen ranges, a space or comma means *and*, `||` means *or*, and a constraint without a
//! pre-release never matches a version that has one.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Why a version or a constraint could not be read; the texts are Masterminds'.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SemverError {
    /// The text is no version at all.
    #[error("invalid semantic version")]
    Invalid,
    /// A number of the pre-release has a leading zero.
    #[error("version segment starts with 0")]
    SegmentStartsWithZero,
    /// A part of the pre-release is empty or has other characters than letters, digits and hyphens.
    #[error("invalid prerelease string")]
    InvalidPrerelease,
    /// The same of the metadata.
    #[error("invalid metadata string")]
    InvalidMetadata,
    /// A number does not fit 64 bits.
    #[error("error parsing version segment: strconv.ParseUint: parsing \"{0}\": value out of range")]
    SegmentOutOfRange(String),
    /// One part of a constraint cannot be read.
    #[error("improper constraint: {0}")]
    ImproperConstraint(String),
    /// A constraint's version cannot be read although its shape is right.
    #[error("constraint parser error")]
    ConstraintParser,
}

impl SemverError {
    /// The text as Masterminds' 3.3.0 has it, in Helm 3.18: its constant ones begin with a capital.
    pub fn text_3_3(&self) -> String {
        match self {
            SemverError::Invalid => "Invalid Semantic Version".to_owned(),
            SemverError::SegmentStartsWithZero => "Version segment starts with 0".to_owned(),
            SemverError::InvalidPrerelease => "Invalid Prerelease string".to_owned(),
            SemverError::InvalidMetadata => "Invalid Metadata string".to_owned(),
            SemverError::ConstraintParser => "constraint Parser Error".to_owned(),
            SemverError::SegmentOutOfRange(_) | SemverError::ImproperConstraint(_) => {
                let text = self.to_string();
                text.strip_prefix("error parsing").map_or(text.clone(), |rest| format!("Error parsing{rest}"))
            }
        }
    }
}

/// A version, with the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// First number.
    pub major: u64,
    /// Second number, 0 when the text has none.
    pub minor: u64,
    /// Third number, 0 when the text has none.
    pub patch: u64,
    /// What follows `-`, without it; empty when there is none.
    pub prerelease: String,
    /// What follows `+`, without it; empty when there is none.
    pub metadata: String,
    /// The text the version was read from.
    pub original: String,
}

const CONSTRAINT_VERSION: &str = r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";
const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
/// Go's `\s`: ASCII, and without the vertical tab.
const SPACE: &str = r"[\t\n\x0c\r ]";

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant of this module, tried by its tests")
}

static ONE_CONSTRAINT: LazyLock<Regex> =
    LazyLock::new(|| compile(&format!("^{SPACE}*({OPERATORS}){SPACE}*({CONSTRAINT_VERSION}){SPACE}*$")));
static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!("{SPACE}*({CONSTRAINT_VERSION}){SPACE}+-{SPACE}+({CONSTRAINT_VERSION}){SPACE}*"))
});
static FIND: LazyLock<Regex> = LazyLock::new(|| compile(&format!("({OPERATORS}){SPACE}*({CONSTRAINT_VERSION})")));
static VALID: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        "^({SPACE}*({OPERATORS}){SPACE}*({CONSTRAINT_VERSION}){SPACE}*)((?:{SPACE}+|,{SPACE}*)({OPERATORS}){SPACE}*({CONSTRAINT_VERSION}){SPACE}*)*$"
    ))
});

fn group<'t>(captures: &Captures<'t>, index: usize) -> &'t str {
    captures.get(index).map_or("", |found| found.as_str())
}

/// The parts of a version, or of a version in a constraint: `v?A(.B)?(.C)?(-PRERELEASE)?(+METADATA)?`.
struct Shape<'t> {
    major: &'t str,
    /// With its dot, as `patch`; empty where there is none.
    minor: &'t str,
    patch: &'t str,
    /// Without the sign before it, as `metadata`.
    prerelease: &'t str,
    metadata: &'t str,
}

impl<'t> Shape<'t> {
    /// The longest shape at the start of a text, and what follows it; `in_number` says what a number is made of.
    fn take(text: &'t str, in_number: impl Fn(u8) -> bool) -> Option<(Shape<'t>, &'t str)> {
        let run = |text: &str| text.bytes().position(|byte| !in_number(byte)).unwrap_or(text.len());
        let text = text.strip_prefix('v').unwrap_or(text);
        let (major, mut rest) = text.split_at(run(text));
        if major.is_empty() {
            return None;
        }
        let mut number = || match rest.strip_prefix('.').map(run) {
            None | Some(0) => "",
            Some(length) => {
                let (number, after) = rest.split_at(length + 1);
                rest = after;
                number
            }
        };
        let (minor, patch) = (number(), number());
        let (prerelease, rest) = identifiers(rest, '-');
        let (metadata, rest) = identifiers(rest, '+');
        Some((Shape { major, minor, patch, prerelease, metadata }, rest))
    }
}

/// The identifiers with dots between them that follow a sign here, and the rest; none where the sign or the first is missing.
fn identifiers(text: &str, sign: char) -> (&str, &str) {
    let Some(after) = text.strip_prefix(sign) else { return ("", text) };
    let run = |text: &str| {
        text.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'-')).unwrap_or(text.len())
    };
    let mut length = run(after);
    if length == 0 {
        return ("", text);
    }
    while let Some(more) = after[length..].strip_prefix('.').map(run).filter(|more| *more > 0) {
        length += more + 1;
    }
    after.split_at(length)
}

fn segment(text: &str) -> Result<u64, SemverError> {
    let digits = text.strip_prefix('.').unwrap_or(text);
    if digits.is_empty() {
        return Ok(0);
    }
    digits.parse().map_err(|_| SemverError::SegmentOutOfRange(digits.to_string()))
}

impl Version {
    /// Reads a version as `semver.NewVersion` does.
    ///
    /// # Errors
    /// Text of another shape, numbers beyond 64 bits, and numeric pre-release parts with a leading zero.
    pub fn parse(text: &str) -> Result<Version, SemverError> {
        // By hand: an index of charts has tens of thousands of versions.
        let (shape, rest) = Shape::take(text, |byte| byte.is_ascii_digit()).ok_or(SemverError::Invalid)?;
        if !rest.is_empty() {
            return Err(SemverError::Invalid);
        }
        let version = Version {
            major: segment(shape.major)?,
            minor: segment(shape.minor)?,
            patch: segment(shape.patch)?,
            prerelease: shape.prerelease.to_string(),
            metadata: shape.metadata.to_string(),
            original: text.to_string(),
        };
        if !version.prerelease.is_empty() {
            check_prerelease(&version.prerelease)?;
        }
        Ok(version)
    }

    /// This version with another pre-release, as `SetPrerelease`; an empty one takes it away.
    ///
    /// # Errors
    /// Text that cannot be a pre-release.
    pub fn with_prerelease(&self, prerelease: &str) -> Result<Version, SemverError> {
        if !prerelease.is_empty() {
            check_prerelease(prerelease)?;
        }
        Ok(Version { prerelease: prerelease.to_string(), ..self.clone() }.with_text())
    }

    /// This version with other metadata, as `SetMetadata`; empty ones take them away.
    ///
    /// # Errors
    /// Text that cannot be metadata.
    pub fn with_metadata(&self, metadata: &str) -> Result<Version, SemverError> {
        if !metadata.is_empty() && !metadata.split('.').all(is_identifier) {
            return Err(SemverError::InvalidMetadata);
        }
        Ok(Version { metadata: metadata.to_string(), ..self.clone() }.with_text())
    }

    /// The version with the text that follows from its parts; a `v` in front stays.
    fn with_text(self) -> Version {
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        Version { original: format!("{prefix}{self}"), ..self }
    }

    /// Orders two versions by precedence; metadata does not count.
    pub fn precedence(&self, other: &Version) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
            }
        })
    }

    /// The next patch release, as `IncPatch`: a pre-release is merely dropped.
    pub fn next_patch(&self) -> Version {
        let patch = if self.prerelease.is_empty() { self.patch.wrapping_add(1) } else { self.patch };
        self.release(self.major, self.minor, patch)
    }

    /// The next minor release, as `IncMinor`.
    pub fn next_minor(&self) -> Version {
        self.release(self.major, self.minor.wrapping_add(1), 0)
    }

    /// The next major release, as `IncMajor`.
    pub fn next_major(&self) -> Version {
        self.release(self.major.wrapping_add(1), 0, 0)
    }

    fn release(&self, major: u64, minor: u64, patch: u64) -> Version {
        let original = self.original.clone();
        Version { major, minor, patch, prerelease: String::new(), metadata: String::new(), original }.with_text()
    }
}

fn is_identifier(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn check_prerelease(text: &str) -> Result<(), SemverError> {
    for part in text.split('.') {
        if !is_identifier(part) {
            return Err(SemverError::InvalidPrerelease);
        }
        if part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SemverError::SegmentStartsWithZero);
        }
    }
    Ok(())
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

fn compare_prereleases(left: &str, right: &str) -> Ordering {
    let mut left_parts = left.split('.');
    let mut right_parts = right.split('.');
    loop {
        let (left_part, right_part) = match (left_parts.next(), right_parts.next()) {
            (None, None) => return Ordering::Equal,
            (left_part, right_part) => (left_part.unwrap_or(""), right_part.unwrap_or("")),
        };
        let order = compare_prerelease_parts(left_part, right_part);
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Numbers order before words; a missing part orders before any.
fn compare_prerelease_parts(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    if left.is_empty() {
        return Ordering::Less;
    }
    if right.is_empty() {
        return Ordering::Greater;
    }
    // `parse` would accept a leading `+`, but that sign cannot be part of a pre-release.
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Err(_), Err(_)) => left.cmp(right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        // Two spellings of one number are unequal, and Masterminds then answers "less".
        (Ok(left), Ok(right)) => {
            if left > right {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

impl Operator {
    fn of(text: &str) -> Operator {
        match text {
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterOrEqual,
            "<=" | "=<" => Operator::LessOrEqual,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => Operator::Equal,
        }
    }
}

/// How much of a constraint's version was left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    Everything,
}

#[derive(Debug, Clone)]
struct Constraint {
    operator: Operator,
    version: Version,
    open: Open,
}

/// One or more alternatives, each a list of conditions that must all hold.
#[derive(Debug, Clone)]
pub struct Constraints {
    alternatives: Vec<Vec<Constraint>>,
}

impl Constraints {
    /// Reads a constraint as `semver.NewConstraint` does.
    ///
    /// # Errors
    /// [`SemverError::ImproperConstraint`] with the alternative that is not one.
    pub fn parse(text: &str) -> Result<Constraints, SemverError> {
        let text = rewrite_ranges(text);
        let mut alternatives = Vec::new();
        for alternative in text.split("||") {
            if let Some(simple) = simple_conditions(alternative) {
                alternatives.push(simple?);
                continue;
            }
            if !VALID.is_match(alternative) {
                return Err(SemverError::ImproperConstraint(alternative.to_string()));
            }
            alternatives.push(
                FIND.find_iter(alternative)
                    .map(|found| Constraint::parse(found.as_str()))
                    .collect::<Result<Vec<_>, _>>()?,
            );
        }
        Ok(Constraints { alternatives })
    }

    /// Whether a version satisfies one of the alternatives.
    pub fn allow(&self, version: &Version) -> bool {
        self.allow_under(version, Prereleases::ByAlternative)
    }

    /// As [`Constraints::allow`], with the rule for pre-releases given.
    pub fn allow_under(&self, version: &Version, rule: Prereleases) -> bool {
        self.alternatives.iter().any(|conditions| {
            let with_prereleases = conditions.iter().any(|condition| !condition.version.prerelease.is_empty());
            conditions.iter().all(|condition| {
                let heeded = match rule {
                    Prereleases::ByAlternative => with_prereleases,
                    Prereleases::ByCondition => condition.takes_prereleases(),
                };
                (version.prerelease.is_empty() || heeded) && condition.allows(version)
            })
        })
    }
}

/// When a version that is a pre-release may satisfy a condition at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prereleases {
    /// When any condition beside it names one: Masterminds' 3.4.0, in Helm 4.
    #[default]
    ByAlternative,
    /// When the condition itself names one, or is a `!=` of a whole version: Masterminds' 3.3.0, in Helm 3.18.
    ByCondition,
}

/// The conditions of an alternative of the usual form, read without the regular expressions, which take longer to compile
/// than a chart to render. `None` where those have to decide.
fn simple_conditions(text: &str) -> Option<Result<Vec<Constraint>, SemverError>> {
    // In a number, `|` would be a digit to Masterminds.
    if text.contains('|') {
        return None;
    }
    let mut conditions = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    loop {
        let operator = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^"]
            .into_iter()
            .find(|operator| rest.starts_with(operator));
        let operator = operator.unwrap_or_default();
        let after = rest[operator.len()..].trim_start_matches(is_space);
        let (shape, after) = Shape::take(after, |byte| byte.is_ascii_digit() || b"xX*".contains(&byte))?;
        conditions.push(Constraint::of(operator, &shape));
        let next = after.trim_start_matches(is_space);
        if next.is_empty() {
            return Some(conditions.into_iter().collect());
        }
        rest = match next.strip_prefix(',') {
            Some(next) => next.trim_start_matches(is_space),
            None if next.len() < after.len() => next,
            None => return None,
        };
    }
}

/// Go's `\s`, as [`SPACE`].
fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ')
}

/// Writes `1.2 - 1.4` as two comparisons, at its first occurrence each, as Masterminds' `rewriteRange`.
fn rewrite_ranges(text: &str) -> String {
    let mut rewritten = text.to_string();
    // A hyphen between spaces is in every range.
    let is_space = |byte: &u8| is_space(char::from(*byte));
    if !text.as_bytes().windows(3).any(|three| is_space(&three[0]) && three[1] == b'-' && is_space(&three[2])) {
        return rewritten;
    }
    for captures in RANGE.captures_iter(text) {
        let comparisons = format!(">= {}, <= {} ", group(&captures, 1), group(&captures, 11));
        rewritten = rewritten.replacen(group(&captures, 0), &comparisons, 1);
    }
    rewritten
}

fn is_wildcard(text: &str) -> bool {
    matches!(text.strip_prefix('.').unwrap_or(text), "" | "x" | "X" | "*")
}

impl Constraint {
    fn parse(text: &str) -> Result<Constraint, SemverError> {
        let captures =
            ONE_CONSTRAINT.captures(text).ok_or_else(|| SemverError::ImproperConstraint(text.to_string()))?;
        let shape = Shape {
            major: group(&captures, 3),
            minor: group(&captures, 4),
            patch: group(&captures, 5),
            prerelease: group(&captures, 7),
            metadata: group(&captures, 10),
        };
        Constraint::of(group(&captures, 1), &shape)
    }

    fn of(operator: &str, shape: &Shape<'_>) -> Result<Constraint, SemverError> {
        let Shape { major, minor, patch, prerelease, metadata } = shape;
        let signed = |sign: &str, text: &str| if text.is_empty() { String::new() } else { format!("{sign}{text}") };
        let prerelease = signed("-", prerelease);
        let (version, open) = if is_wildcard(major) {
            (format!("0.0.0{prerelease}"), Open::Everything)
        } else if is_wildcard(minor) {
            (format!("{major}.0.0{prerelease}"), Open::Minor)
        } else if is_wildcard(patch) {
            (format!("{major}{minor}.0{prerelease}"), Open::Patch)
        } else {
            (format!("{major}{minor}{patch}{prerelease}{}", signed("+", metadata)), Open::Nothing)
        };
        let version = Version::parse(&version).map_err(|_| SemverError::ConstraintParser)?;
        Ok(Constraint { operator: Operator::of(operator), version, open })
    }

    /// Whether it looks at pre-releases by itself.
    fn takes_prereleases(&self) -> bool {
        !self.version.prerelease.is_empty() || (self.operator == Operator::NotEqual && self.open == Open::Nothing)
    }

    fn allows(&self, version: &Version) -> bool {
        let limit = &self.version;
        let order = version.precedence(limit);
        match self.operator {
            Operator::Equal if self.open == Open::Nothing => order == Ordering::Equal,
            Operator::Equal | Operator::Tilde => self.allows_by_tilde(version),
            Operator::NotEqual => self.differs(version),
            Operator::Greater => match self.open {
                Open::Nothing => order == Ordering::Greater,
                _ if version.major != limit.major => version.major > limit.major,
                Open::Minor => false,
                Open::Patch => version.minor > limit.minor,
                Open::Everything => order == Ordering::Greater,
            },
            Operator::Less => order == Ordering::Less,
            Operator::GreaterOrEqual => order != Ordering::Less,
            Operator::LessOrEqual => {
                if self.open == Open::Nothing {
                    return order != Ordering::Greater;
                }
                version.major < limit.major
                    || (version.major == limit.major && (version.minor <= limit.minor || self.open == Open::Minor))
            }
            Operator::Caret => self.allows_by_caret(version),
        }
    }

    fn differs(&self, version: &Version) -> bool {
        let limit = &self.version;
        if self.open != Open::Nothing {
            if limit.major != version.major {
                return true;
            }
            if self.open == Open::Minor {
                return false;
            }
            if limit.minor != version.minor {
                return true;
            }
            if self.open == Open::Patch {
                let either = !version.prerelease.is_empty() || !limit.prerelease.is_empty();
                return either && compare_prereleases(&version.prerelease, &limit.prerelease) != Ordering::Equal;
            }
            if limit.patch != version.patch {
                return true;
            }
        }
        version.precedence(limit) != Ordering::Equal
    }

    fn allows_by_tilde(&self, version: &Version) -> bool {
        let limit = &self.version;
        if version.precedence(limit) == Ordering::Less {
            return false;
        }
        let anything = limit.major == 0 && limit.minor == 0 && limit.patch == 0;
        if anything && matches!(self.open, Open::Nothing | Open::Everything) {
            return true;
        }
        version.major == limit.major && (version.minor == limit.minor || self.open == Open::Minor)
    }

    fn allows_by_caret(&self, version: &Version) -> bool {
        let limit = &self.version;
        if version.precedence(limit) == Ordering::Less {
            return false;
        }
        if limit.major > 0 || self.open == Open::Minor {
            return version.major == limit.major;
        }
        if version.major > 0 {
            return false;
        }
        if limit.minor > 0 || self.open == Open::Patch {
            return version.minor == limit.minor;
        }
        version.minor == 0 && version.patch == limit.patch
    }
}

/// Whether a version satisfies a constraint, as sprig's `semverCompare`.
///
/// # Errors
/// A constraint or a version that cannot be read; the constraint is read first.
pub fn compare(constraint: &str, version: &str) -> Result<bool, SemverError> {
    let constraints = Constraints::parse(constraint)?;
    Ok(constraints.allow(&Version::parse(version)?))
}
