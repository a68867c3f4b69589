//! JSONPath templates as kubectl has them (`k8s.io/client-go/util/jsonpath`): `{.a.b}`, `{.list[*].name}`, `{range .list[*]}…{end}`,
//! `{.list[?(@.name=="x")]}`, `{..name}`, with text around the braces.
//!
//! ```text
//! text ──parse──▶ Template (blocks of steps) ──execute──▶ text, or nothing: Helm keeps what goes wrong to itself
//! ```

use std::sync::LazyLock;

use regex::Regex;
use sutler_functions::json::{self, Style};
use sutler_template::Value;
use thiserror::Error;

/// How deep filters may stand in filters. kubectl has no bound; nobody writes two.
const DEEPEST: usize = 32;

/// Why a text is no template. The texts are kubectl's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PathError(String);

/// A template that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template {
    blocks: Vec<Block>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
enum Block {
    /// What stands outside of braces.
    Text(String),
    /// What stands within.
    Steps(Vec<Step>),
}

/// One step from values to values.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Text(String),
    Bool(bool),
    Int(i64),
    Float(f64),
    Field(String),
    Wildcard,
    Recursive,
    /// `range`, `end`, or a word that is neither.
    Word(String),
    Slice(Slice),
    Union(Vec<Vec<Step>>),
    Filter {
        left: Vec<Step>,
        right: Vec<Step>,
        operator: String,
    },
}

/// `[start:end:step]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slice {
    start: Option<i64>,
    end: Option<i64>,
    /// Whether the end is the start's successor, since only one index was given.
    is_index: bool,
    step: Option<i64>,
}

fn fail<T>(text: impl Into<String>) -> Result<T, PathError> {
    Err(PathError(text.into()))
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// kubectl's text.
    pub(super) fn parse(text: &str) -> Result<Template, PathError> {
        parse_at(text, 0)
    }

    /// The template's output over a value; empty when it cannot be executed.
    pub(super) fn execute(&self, value: &Value) -> String {
        let mut execution = Execution { blocks: &self.blocks, begun: 0, inside: 0, ended: 0, last_end: None };
        let Ok(results) = execution.run(0, Some(value)) else { return String::new() };
        let mut text = String::new();
        for result in results {
            let printed: Option<Vec<String>> = result.iter().map(printed).collect();
            match printed {
                Some(printed) => text.push_str(&printed.join(" ")),
                None => break,
            }
        }
        text
    }
}

fn parse_at(text: &str, depth: usize) -> Result<Template, PathError> {
    if depth > DEEPEST {
        return fail("filters nest too deeply");
    }
    let mut parser = Parser { text, at: 0, start: 0, depth };
    let mut blocks = Vec::new();
    loop {
        let end = parser.text[parser.at..].find('{').map_or(text.len(), |offset| parser.at + offset);
        parser.at = end;
        if parser.at > parser.start {
            blocks.push(Block::Text(parser.take().to_owned()));
        }
        if parser.at == text.len() {
            return Ok(Template { blocks });
        }
        parser.at += 1;
        parser.take();
        blocks.push(Block::Steps(parser.action()?));
    }
}

/// The steps of one action, for the parts of filters and unions.
fn parse_action(text: &str, depth: usize) -> Result<Vec<Step>, PathError> {
    let template = parse_at(&format!("{{{text}}}"), depth)?;
    match template.blocks.into_iter().next() {
        Some(Block::Steps(steps)) => Ok(steps),
        _ => Ok(Vec::new()),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    start: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// What was read since the last time.
    fn take(&mut self) -> &'t str {
        let text = &self.text[self.start..self.at];
        self.start = self.at;
        text
    }

    /// Steps up to the closing brace.
    fn action(&mut self) -> Result<Vec<Step>, PathError> {
        let mut steps = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            if rest.starts_with('}') {
                self.at += 1;
                self.take();
                return Ok(steps);
            }
            if rest.starts_with("[?(") {
                steps.push(self.filter()?);
                continue;
            }
            if rest.starts_with("..") {
                if steps.last() == Some(&Step::Recursive) {
                    return fail("invalid multiple recursive descent");
                }
                self.at += 2;
                self.take();
                steps.push(Step::Recursive);
                if self.peek().is_some_and(is_word) {
                    steps.push(self.field());
                }
                continue;
            }
            match self.next() {
                None | Some('\r' | '\n') => return fail("unclosed action"),
                Some(' ' | '@' | '$') => {
                    self.take();
                }
                Some('[') => self.array(&mut steps)?,
                Some(quote @ ('"' | '\'')) => steps.push(self.quoted(quote)?),
                Some('.') => steps.push(self.field()),
                Some(first) if matches!(first, '+' | '-') || first.is_numeric() => steps.push(self.number()?),
                Some(first) if is_word(first) => steps.push(self.word()),
                Some(other) => {
                    let code = u32::from(other);
                    let shown = if crate::text::is_printable(other) { format!(" '{other}'") } else { String::new() };
                    return fail(format!("unrecognized character in action: U+{code:04X}{shown}"));
                }
            }
        }
    }

    fn word(&mut self) -> Step {
        while self.peek().is_some_and(|c| !is_end(c)) {
            self.next();
        }
        match self.take() {
            "true" => Step::Bool(true),
            "false" => Step::Bool(false),
            word => Step::Word(word.to_owned()),
        }
    }

    fn field(&mut self) -> Step {
        self.take();
        while let Some(next) = self.peek() {
            if next == '\\' {
                self.next();
                self.next();
            } else if is_end(next) {
                break;
            } else {
                self.next();
            }
        }
        match self.take() {
            "*" => Step::Wildcard,
            name => Step::Field(name.replace('\\', "")),
        }
    }

    /// A number whose first character was read.
    fn number(&mut self) -> Result<Step, PathError> {
        while self.peek().is_some_and(|c| c == '.' || c.is_numeric()) {
            self.next();
        }
        let text = self.take();
        if let Ok(number) = text.parse() {
            return Ok(Step::Int(number));
        }
        let is_float = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'));
        match text.parse::<f64>() {
            Ok(number) if is_float && number.is_finite() => Ok(Step::Float(number)),
            _ => fail(format!("cannot parse number {text}")),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Step, PathError> {
        loop {
            match self.next() {
                None | Some('\n') => return fail("unterminated quoted string"),
                Some(c) if c == quote && self.text.as_bytes()[self.at - 2] != b'\\' => break,
                Some(_) => {}
            }
        }
        let text = self.take();
        match unquoted(text, quote) {
            Some(text) => Ok(Step::Text(text)),
            None => fail(format!("unquote string {text} error invalid syntax")),
        }
    }

    fn array(&mut self, steps: &mut Vec<Step>) -> Result<(), PathError> {
        loop {
            match self.next() {
                None | Some('\n') => return fail("unterminated array"),
                Some(']') => break,
                Some(_) => {}
            }
        }
        let text = self.take();
        let text = match &text[1..text.len() - 1] {
            "*" => ":",
            text => text,
        };
        if text.contains(',') {
            let parts =
                text.split(',').map(|part| parse_action(&format!("[{}]", part.trim_matches(' ')), self.depth + 1));
            steps.push(Step::Union(parts.collect::<Result<_, _>>()?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        if let Some(key) = key.filter(|key| !key.contains('\'')) {
            steps.extend(parse_action(&format!(".{key}"), self.depth + 1)?);
            return Ok(());
        }
        steps.push(Step::Slice(slice(text)?));
        Ok(())
    }

    fn filter(&mut self) -> Result<Step, PathError> {
        static COMPARISON: LazyLock<Regex> =
            LazyLock::new(|| Regex::new("^([^!<>=]+)([!<>=]+)(.+?)$").expect("the pattern is valid"));
        self.at += "[?(".len();
        self.take();
        let (mut quote, mut is_closed) = (None, false);
        loop {
            match self.next() {
                None | Some('\n') => return fail("unterminated filter"),
                Some(found @ ('"' | '\'')) => match quote {
                    None => quote = Some(found),
                    Some(quote) => {
                        is_closed |= found == quote && self.text.as_bytes()[self.at - 2] != b'\\';
                    }
                },
                Some(')') if quote.is_some() == is_closed => break,
                Some(_) => {}
            }
        }
        if self.next() != Some(']') {
            return fail("unclosed array expect ]");
        }
        let text = self.take();
        let text = &text[..text.len() - 2];
        let (left, operator, right) = match COMPARISON.captures(text) {
            Some(found) => (found[1].to_owned(), found[2].to_owned(), parse_action(&found[3], self.depth + 1)),
            None => (text.to_owned(), "exists".to_owned(), Ok(Vec::new())),
        };
        Ok(Step::Filter { left: parse_action(&left, self.depth + 1)?, right: right?, operator })
    }
}

/// Whether a word, a field or a number ends before this character.
fn is_end(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// `start:end:step`, each of which may be missing.
fn slice(text: &str) -> Result<Slice, PathError> {
    let parts: Vec<&str> = text.split(':').collect();
    let is_number = |part: &&str| part.strip_prefix('-').unwrap_or(part).bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(is_number) {
        return fail(format!("invalid array index {text}"));
    }
    let number = |part: Option<&&str>| match part {
        None | Some(&"") => Ok(None),
        Some(part) => match part.parse::<i64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => fail(format!("array index {part} is not a number")),
        },
    };
    let start = number(parts.first())?;
    let (end, step) = (number(parts.get(1))?, number(parts.get(2))?);
    let is_index = parts.len() == 1;
    let end = if is_index { Some(start.unwrap_or(0).wrapping_add(1)) } else { end };
    Ok(Slice { start, end, is_index, step })
}

/// A quoted text without its quotes and escapes (Go's `strconv.UnquoteChar`).
fn unquoted(text: &str, quote: char) -> Option<String> {
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut bytes = Vec::new();
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            return None;
        }
        if c != '\\' {
            bytes.extend(c.to_string().bytes());
            continue;
        }
        let plain = match chars.next()? {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' => b'\\',
            found @ ('\'' | '"') if found == quote => u8::try_from(found).ok()?,
            kind @ ('x' | 'u' | 'U') => {
                let length = [('x', 2), ('u', 4), ('U', 8)].iter().find(|(name, _)| *name == kind)?.1;
                let digits: String = chars.by_ref().take(length).collect();
                let fits = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| fits)?;
                match kind {
                    'x' => u8::try_from(code).ok()?,
                    _ => {
                        bytes.extend(char::from_u32(code)?.to_string().bytes());
                        continue;
                    }
                }
            }
            first @ '0'..='7' => {
                let digits: String = std::iter::once(first).chain(chars.by_ref().take(2)).collect();
                let fits = digits.len() == 3 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
                u8::try_from(u32::from_str_radix(&digits, 8).ok().filter(|_| fits)?).ok()?
            }
            _ => return None,
        };
        bytes.push(plain);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A template cannot be executed over a value. Nobody is told why.
struct Failed;

/// The execution of a template: as kubectl's, one walk over the blocks, which loops by calling itself.
struct Execution<'t> {
    blocks: &'t [Block],
    /// `range`s that were met and not begun.
    begun: usize,
    /// How many loops run.
    inside: usize,
    /// `end`s that were met and not acted upon.
    ended: usize,
    /// The block of the last `end`.
    last_end: Option<usize>,
}

impl Execution<'_> {
    /// The results of the blocks from one on, one list a block. Without a value nothing is there to be found, not even nil.
    fn run(&mut self, start: usize, value: Option<&Value>) -> Result<Vec<Vec<Value>>, Failed> {
        if self.inside > DEEPEST {
            return Err(Failed);
        }
        let mut all = Vec::new();
        let mut at = start;
        while at < self.blocks.len() {
            let results = match &self.blocks[at] {
                Block::Text(text) => vec![Value::from(text)],
                Block::Steps(steps) => {
                    let Some(value) = value else {
                        self.skip(steps)?;
                        at += 1;
                        if self.end_here(at - 1) {
                            return Ok(all);
                        }
                        continue;
                    };
                    self.steps(vec![value.clone()], steps)?
                }
            };
            if self.end_here(at) {
                break;
            }
            if self.begun > 0 {
                self.begun -= 1;
                self.inside += 1;
                if results.is_empty() {
                    // The loop's blocks are walked all the same, to find its end.
                    self.run(at + 1, None)?;
                }
                for result in &results {
                    all.extend(self.run(at + 1, Some(result))?);
                }
                self.inside -= 1;
                at = self.last_end.filter(|end| *end > at).unwrap_or(at) + 1;
                continue;
            }
            all.push(results);
            at += 1;
        }
        Ok(all)
    }

    fn end_here(&mut self, at: usize) -> bool {
        let ends = self.ended > 0 && self.ended <= self.inside;
        if ends {
            self.ended -= 1;
            self.last_end = Some(at);
        }
        ends
    }

    /// Without a value, an action succeeds only where it needs none.
    fn skip(&mut self, steps: &[Step]) -> Result<(), Failed> {
        for step in steps {
            match step {
                Step::Word(word) if word == "end" && self.inside > 0 => self.ended += 1,
                Step::Text(_) | Step::Bool(_) | Step::Int(_) | Step::Float(_) => {}
                _ => return Err(Failed),
            }
        }
        Ok(())
    }

    fn steps(&mut self, mut values: Vec<Value>, steps: &[Step]) -> Result<Vec<Value>, Failed> {
        for step in steps {
            values = self.step(values, step)?;
        }
        Ok(values)
    }

    fn step(&mut self, values: Vec<Value>, step: &Step) -> Result<Vec<Value>, Failed> {
        Ok(match step {
            Step::Text(text) => vec![Value::from(text)],
            Step::Bool(value) => vec![Value::Bool(*value); values.len()],
            Step::Int(value) => vec![Value::Int(*value); values.len()],
            Step::Float(value) => vec![Value::Float64(*value); values.len()],
            Step::Field(_) if values.is_empty() => values,
            Step::Field(name) => {
                let found: Vec<Value> =
                    values.iter().filter_map(|value| value.as_map().and_then(|map| map.get(name.as_str()))).collect();
                if found.is_empty() {
                    return Err(Failed);
                }
                found
            }
            Step::Wildcard => values.iter().flat_map(inner_values).collect(),
            Step::Recursive => {
                let mut found = Vec::new();
                values.iter().for_each(|value| with_all_below(value, &mut found));
                found
            }
            Step::Word(word) => match word.as_str() {
                "range" => {
                    self.begun += 1;
                    values
                }
                "end" if self.inside > 0 => {
                    self.ended += 1;
                    Vec::new()
                }
                _ => return Err(Failed),
            },
            Step::Slice(slice) => {
                let mut found = Vec::new();
                for value in values.iter().filter(|value| !value.is_nil()) {
                    let Value::List(list) = value else { return Err(Failed) };
                    match sliced(&list.to_vec(), *slice)? {
                        Some(part) => found.extend(part),
                        // As in kubectl, an empty slice of one list ends the step.
                        None => return Ok(found),
                    }
                }
                found
            }
            Step::Union(parts) => {
                let mut found = Vec::new();
                for part in parts {
                    found.extend(self.steps(values.clone(), part)?);
                }
                found
            }
            Step::Filter { left, right, operator } => {
                let mut found = Vec::new();
                for value in &values {
                    let Value::List(list) = value else { return Err(Failed) };
                    for item in list.to_vec() {
                        if self.passes(&item, left, right, operator)? {
                            found.push(item);
                        }
                    }
                }
                found
            }
        })
    }

    fn passes(&mut self, item: &Value, left: &[Step], right: &[Step], operator: &str) -> Result<bool, Failed> {
        let lefts = self.steps(vec![item.clone()], left);
        if operator == "exists" {
            return Ok(lefts.is_ok_and(|lefts| !lefts.is_empty()));
        }
        let lefts = lefts?;
        let one = |values: Vec<Value>| match values.len() {
            0 => Ok(None),
            1 => Ok(values.into_iter().next()),
            _ => Err(Failed),
        };
        let Some(left) = one(lefts)? else { return Ok(false) };
        let Some(right) = one(self.steps(vec![item.clone()], right)?)? else { return Ok(false) };
        compare(&left, &right, operator)
    }
}

/// What a map, a list or a text consists of; a text of its bytes.
fn inner_values(value: &Value) -> Vec<Value> {
    match value {
        Value::Map(map) => map.entries().into_iter().map(|(_, value)| value).collect(),
        Value::List(list) => list.to_vec(),
        Value::String(text) => text.as_bytes().iter().map(|byte| Value::Uint8(*byte)).collect(),
        _ => Vec::new(),
    }
}

/// A value and everything in it that consists of something. The recursion is bounded by the depth of the values.
fn with_all_below(value: &Value, found: &mut Vec<Value>) {
    let inner = inner_values(value);
    if !inner.is_empty() {
        found.push(value.clone());
        inner.iter().for_each(|value| with_all_below(value, found));
    }
}

/// A part of a list; none where it is empty by its bounds.
fn sliced(list: &[Value], slice: Slice) -> Result<Option<Vec<Value>>, Failed> {
    let length = i64::try_from(list.len()).map_err(|_| Failed)?;
    let mut start = slice.start.unwrap_or(0);
    if start < 0 {
        start += length;
    }
    let mut end = slice.end.unwrap_or(length);
    if end < 0 || (end == 0 && slice.is_index) {
        end += length;
    }
    if start == end {
        return Ok(None);
    }
    if !(0..length).contains(&start) || !(0..=length).contains(&end) || start > end {
        return Err(Failed);
    }
    let step = match slice.step {
        None => 1,
        Some(step) if step > 0 => usize::try_from(step).map_err(|_| Failed)?,
        Some(_) => return Err(Failed),
    };
    let index = |number: i64| usize::try_from(number).map_err(|_| Failed);
    Ok(Some(list[index(start)?..index(end)?].iter().step_by(step).cloned().collect()))
}

/// Compares two values of one kind, as the functions `eq`, `lt` … of templates that kubectl borrows.
fn compare(left: &Value, right: &Value, operator: &str) -> Result<bool, Failed> {
    use std::cmp::Ordering::{Equal, Less};
    let order = match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => match operator {
            "==" => return Ok(left == right),
            "!=" => return Ok(left != right),
            _ => return Err(Failed),
        },
        (Value::String(left), Value::String(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (left, right) => match (whole(left), whole(right), left.as_float(), right.as_float()) {
            (Some(left), Some(right), ..) => Some(left.cmp(&right)),
            (None, None, Some(left), Some(right)) => left.partial_cmp(&right),
            _ => return Err(Failed),
        },
    };
    let passes = match operator {
        "==" => order == Some(Equal),
        "!=" => order != Some(Equal),
        "<" => order == Some(Less),
        "<=" => matches!(order, Some(Less | Equal)),
        ">" => !matches!(order, Some(Less | Equal)),
        ">=" => order != Some(Less),
        _ => return Err(Failed),
    };
    Ok(passes)
}

/// An integer of any size.
fn whole(value: &Value) -> Option<i128> {
    value.as_signed().map(i128::from).or_else(|| value.as_unsigned().map(i128::from))
}

/// A result as it is printed: maps and lists as JSON; none where Go cannot.
fn printed(value: &Value) -> Option<String> {
    match value {
        Value::Nil => Some("null".to_owned()),
        Value::Map(_) | Value::List(_) => json::write(value, Style::Html).ok(),
        plain => Some(crate::values::go_text(plain)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(template: &str) -> String {
        let yaml = "a: {b: 1000000, c: x, d: [1, two, null, {e: f<}]}\nlist:\n- {name: one, num: 1.5}\n- {name: two, num: 2.5}\n- {num: 0.5}\nempty: []\nnothing: null\nflag: true\n\"a.b\": dotted\n";
        let values = crate::values::from_yaml(&sutler_yaml::read(yaml).unwrap()).unwrap();
        match Template::parse(template) {
            Ok(template) => template.execute(&values),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn templates_print_what_kubectl_prints() {
        // Recorded from k8s.io/client-go v0.35.1.
        for (template, expected) in [
            ("{.a.b}", "1e+06"),
            ("{.a.c} and {$.flag}", "x and true"),
            ("{.a}", r#"{"b":1000000,"c":"x","d":[1,"two",null,{"e":"f\u003c"}]}"#),
            ("{.a.d[*]}", r#"1 two null {"e":"f\u003c"}"#),
            ("{.a.d[-1].e}", "f<"),
            ("{.a.d[0:2]}", "1 two"),
            ("{.a.d[::2]}", "1 null"),
            ("{.a.d[1,3]}", r#"two {"e":"f\u003c"}"#),
            ("{.a['b','c']}", "1e+06 x"),
            ("{.list[*].name}", "one two"),
            ("{range .list[*]}[{.num}]{end}!", "[1.5][2.5][0.5]!"),
            ("{range .list[*]}{.name}{end}", ""),
            ("{.list[0:2][?(@.name==\"two\")].num}", ""),
            ("{.list[?(@.name==\"two\")].num}", ""),
            ("{.list[?(@.num==2.5)].name}", "two"),
            ("{.list[?(@.num>1.0)].name}", "one two"),
            ("{.list[?(@.name)].num}", "1.5 2.5"),
            ("{.list[?(@.num>1)].name}", ""),
            ("{..name}", "one two"),
            ("{.a\\.b}", "dotted"),
            ("{.nothing}", "null"),
            ("{.missing}", ""),
            ("{\"q\\n\"}{5}{1.5}{true}", "q\n51.5true"),
            ("{.a.d[9]}", ""),
            ("plain", "plain"),
            ("{.a", "error: unclosed action"),
            ("{|}", "error: unrecognized character in action: U+007C '|'"),
            ("{.a[x]}", "error: invalid array index x"),
            ("{.a[0}", "error: unterminated array"),
            ("{'x}", "error: unterminated quoted string"),
            ("{....a}", "error: invalid multiple recursive descent"),
            ("{end}", ""),
        ] {
            assert_eq!(run(template), expected, "{template}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[{}\[\]().,:*?@$"'\\a-c0-2 =<>!-]{0,24}"#) {
            run(&text);
        }
    }
}
