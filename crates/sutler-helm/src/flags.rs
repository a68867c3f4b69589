//! What the flags of one command line hold, and the parser that fills them: pflag's rules, quirk for quirk.
//!
//! - Flags and arguments may be mixed; `--` ends the flags.
//! - `--name value`, `--name=value`; a flag that can stand alone takes no next word.
//! - `-n value`, `-nvalue`, `-n=value`, and several switches in one word, the last of which may take a value.
//! - Words that begin with `-test.` are passed over, as Go's own test flags.

use std::collections::BTreeMap;

use sutler_chart::go_quoted;

use crate::flag::{Flag, Kind, Visibility};
use crate::io::Variables;
use crate::value::FlagValue;

/// The form of an output (`--output`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// What the flags hold: each flag of the command has a value, its default or what was typed.
///
/// The readers take a flag's name and **panic where the command has no such flag of that kind**: that is an error of the command's
/// table, never of what was typed.
#[derive(Debug, Clone, Default)]
pub struct FlagValues {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    flag: &'static Flag,
    value: FlagValue,
    changed: bool,
}

/// A check of a value at the moment it is typed, for flags whose values name something outside (`--post-renderer`).
pub(crate) type Check<'c> = dyn FnMut(&Flag, &str) -> Result<(), String> + 'c;

/// What came of parsing.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The words that are no flags.
    pub(crate) arguments: Vec<String>,
    /// Whether help was asked for by a flag that the set does not have.
    pub(crate) help: bool,
    /// What is said to whoever used a deprecated flag, if all went well.
    pub(crate) notes: Vec<String>,
    /// What is said in any case.
    pub(crate) warnings: Vec<String>,
}

/// What happens to flags that the set does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// An error.
    Refuse,
    /// They are passed over, with their values.
    Pass,
}

impl FlagValues {
    /// The flags of a command with their defaults.
    pub(crate) fn of(flags: impl IntoIterator<Item = &'static Flag>, variables: &Variables) -> FlagValues {
        let entries = flags.into_iter().map(|flag| {
            let value = FlagValue::of_default(flag.kind, &flag.default_text(variables));
            Entry { flag, value, changed: false }
        });
        FlagValues { entries: entries.collect() }
    }

    /// These flags, and those of another set whose names are new.
    pub(crate) fn and(mut self, more: FlagValues) -> FlagValues {
        for entry in more.entries {
            if self.find(entry.flag.name).is_none() {
                self.entries.push(entry);
            }
        }
        self
    }

    /// The flags.
    pub fn flags(&self) -> impl Iterator<Item = &'static Flag> {
        self.entries.iter().map(|entry| entry.flag)
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.flag.name == name)
    }

    fn find_short(&self, letter: u8) -> Option<usize> {
        self.entries.iter().position(|entry| entry.flag.short == Some(char::from(letter)))
    }

    fn value(&self, name: &str) -> &FlagValue {
        let at = self.find(name).unwrap_or_else(|| panic!("the command's table has no flag --{name}"));
        &self.entries[at].value
    }

    /// Whether the command has this flag.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Whether the flag was typed.
    pub fn changed(&self, name: &str) -> bool {
        self.find(name).is_some_and(|at| self.entries[at].changed)
    }

    /// A switch.
    pub fn is_on(&self, name: &str) -> bool {
        match self.value(name) {
            FlagValue::Switch(on) => *on,
            _ => panic!("--{name} is no switch"),
        }
    }

    /// A text, also of a strategy or of a post-renderer.
    pub fn text(&self, name: &str) -> &str {
        match self.value(name) {
            FlagValue::Text(text) => text,
            _ => panic!("--{name} is no text"),
        }
    }

    /// A list.
    pub fn texts(&self, name: &str) -> &[String] {
        match self.value(name) {
            FlagValue::Texts(texts) => texts,
            _ => panic!("--{name} is no list"),
        }
    }

    /// Pairs, by key.
    pub fn pairs(&self, name: &str) -> &BTreeMap<String, String> {
        match self.value(name) {
            FlagValue::Pairs(pairs) => pairs,
            _ => panic!("--{name} holds no pairs"),
        }
    }

    /// A number.
    pub fn integer(&self, name: &str) -> i64 {
        match self.value(name) {
            FlagValue::Integer(number) => *number,
            _ => panic!("--{name} is no integer"),
        }
    }

    /// A count.
    pub fn unsigned(&self, name: &str) -> u64 {
        match self.value(name) {
            FlagValue::Unsigned(number) => *number,
            _ => panic!("--{name} is no count"),
        }
    }

    /// A floating point number.
    pub fn float(&self, name: &str) -> f32 {
        match self.value(name) {
            FlagValue::Float(number) => *number,
            _ => panic!("--{name} is no floating point number"),
        }
    }

    /// A duration; negative ones are possible.
    pub fn duration(&self, name: &str) -> jiff::SignedDuration {
        match self.value(name) {
            FlagValue::Duration(nanoseconds) => jiff::SignedDuration::from_nanos(*nanoseconds),
            _ => panic!("--{name} is no duration"),
        }
    }

    /// `--output`.
    pub fn format(&self, name: &str) -> Format {
        match self.text(name) {
            "json" => Format::Json,
            "yaml" => Format::Yaml,
            _ => Format::Table,
        }
    }

    /// Whether a word of this form takes the next word as its value, as cobra guesses before it has parsed (`stripFlags`).
    pub(crate) fn takes_next(&self, word: &str) -> bool {
        let stands_alone = |at: Option<usize>| at.is_some_and(|at| !self.entries[at].flag.bare.is_empty());
        if word.contains('=') {
            return false;
        }
        match word.strip_prefix("--") {
            Some(name) => !stands_alone(self.find(name)),
            None => {
                let bytes = word.as_bytes();
                bytes.len() == 2 && bytes[0] == b'-' && !stands_alone(self.find_short(bytes[1]))
            }
        }
    }

    /// Parses a command line's words.
    ///
    /// # Errors
    /// pflag's text about the first flag that is wrong. What was read before it stays.
    pub(crate) fn parse(
        &mut self,
        words: &[String],
        unknown: Unknown,
        check: &mut Check<'_>,
    ) -> (Parsed, Result<(), String>) {
        let mut parsed = Parsed::default();
        let result = self.parse_into(words, unknown, check, &mut parsed);
        (parsed, result)
    }

    fn parse_into(
        &mut self,
        words: &[String],
        unknown: Unknown,
        check: &mut Check<'_>,
        parsed: &mut Parsed,
    ) -> Result<(), String> {
        let mut rest = words;
        while let [word, after @ ..] = rest {
            rest = after;
            if !word.starts_with('-') || word.len() == 1 {
                parsed.arguments.push(word.clone());
            } else if word == "--" {
                parsed.arguments.extend_from_slice(rest);
                break;
            } else if word.starts_with("--") {
                rest = self.long(word, rest, unknown, check, parsed)?;
            } else {
                rest = self.shorts(word, rest, unknown, check, parsed)?;
            }
            if parsed.help {
                break;
            }
        }
        Ok(())
    }

    fn long<'w>(
        &mut self,
        word: &str,
        rest: &'w [String],
        unknown: Unknown,
        check: &mut Check<'_>,
        parsed: &mut Parsed,
    ) -> Result<&'w [String], String> {
        let name = &word[2..];
        if name.starts_with(['-', '=']) {
            return Err(format!("bad flag syntax: {word}"));
        }
        let (name, given) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (name, None),
        };
        let Some(at) = self.find(name) else {
            if name == "help" {
                parsed.help = true;
                return Ok(rest);
            }
            return match (unknown, given) {
                (Unknown::Refuse, _) => Err(format!("unknown flag: --{name}")),
                (Unknown::Pass, Some(_)) => Ok(rest),
                (Unknown::Pass, None) => Ok(without_value(rest)),
            };
        };
        let flag = self.entries[at].flag;
        let (value, rest) = match (given, rest) {
            (Some(value), rest) => (value, rest),
            (None, rest) if !flag.bare.is_empty() => (flag.bare, rest),
            (None, [value, rest @ ..]) => (value.as_str(), rest),
            (None, []) => return Err(format!("flag needs an argument: --{name}")),
        };
        self.set(at, value, check, parsed)?;
        Ok(rest)
    }

    fn shorts<'w>(
        &mut self,
        word: &str,
        mut rest: &'w [String],
        unknown: Unknown,
        check: &mut Check<'_>,
        parsed: &mut Parsed,
    ) -> Result<&'w [String], String> {
        // pflag goes by bytes, and shows them as if each were a character.
        let mut letters = &word.as_bytes()[1..];
        while let [letter, after @ ..] = letters {
            if letters.starts_with(b"test.") {
                break;
            }
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let quoted = || crate::go_text::quoted_char(char::from(*letter));
            let Some(at) = self.find_short(*letter) else {
                if *letter == b'h' {
                    parsed.help = true;
                    return Ok(rest);
                }
                if unknown == Unknown::Refuse {
                    return Err(format!("unknown shorthand flag: {} in -{}", quoted(), text(letters)));
                }
                if after.len() > 1 && after[0] == b'=' {
                    break;
                }
                rest = without_value(rest);
                letters = after;
                continue;
            };
            let flag = self.entries[at].flag;
            let value;
            if after.len() > 1 && after[0] == b'=' {
                value = text(&after[1..]);
                letters = &[];
            } else if !flag.bare.is_empty() {
                value = flag.bare.to_owned();
                letters = after;
            } else if !after.is_empty() {
                value = text(after);
                letters = &[];
            } else if let [next, others @ ..] = rest {
                value = next.clone();
                rest = others;
                letters = &[];
            } else {
                return Err(format!("flag needs an argument: {} in -{}", quoted(), text(letters)));
            }
            self.set(at, &value, check, parsed)?;
        }
        Ok(rest)
    }

    fn set(&mut self, at: usize, text: &str, check: &mut Check<'_>, parsed: &mut Parsed) -> Result<(), String> {
        let entry = &mut self.entries[at];
        let flag = entry.flag;
        let refused = |cause: String| {
            let shown = match flag.short {
                Some(letter) => format!("-{letter}, --{}", flag.name),
                None => format!("--{}", flag.name),
            };
            format!("invalid argument {} for {} flag: {cause}", go_quoted(text), go_quoted(&shown))
        };
        entry.value.set(flag.kind, text, entry.changed).map_err(refused)?;
        check(flag, text).map_err(refused)?;
        if flag.kind == Kind::Wait && matches!(text, "true" | "false") {
            let instead = if text == "true" { "watcher" } else { "hookOnly" };
            parsed
                .warnings
                .push(format!("--wait={text} is deprecated (boolean value) and can be replaced with --wait={instead}"));
        }
        entry.changed = true;
        if let Some(twin) = TWINS.iter().find_map(|(one, other)| (flag.name == *one).then_some(*other)) {
            let value = entry.value.clone();
            if let Some(at) = self.find(twin) {
                self.entries[at].value = value;
            }
        }
        if let Visibility::Deprecated(advice) = flag.visibility {
            parsed.notes.push(format!("Flag --{} has been deprecated, {advice}", flag.name));
        }
        Ok(())
    }
}

/// Flags that fill the same setting: the last one typed counts.
const TWINS: [(&str, &str); 2] = [("color", "colour"), ("colour", "color")];

/// What is left when an unknown flag is passed over: its value goes with it, unless that looks like a flag.
fn without_value(rest: &[String]) -> &[String] {
    match rest {
        [first, after @ ..] if !first.starts_with('-') => after,
        rest => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[Flag] = &[
        Flag::switch("all", "").short('a'),
        Flag::switch("debug", ""),
        Flag::text("name", "").short('n'),
        Flag::text("dry-run", "").or("none").bare("unset"),
        Flag::texts("set", ""),
        Flag::list("values", "").short('f'),
        Flag::switch("force", "").deprecated("use --all instead"),
    ];

    fn parse(line: &str) -> String {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let mut values = FlagValues::of(FLAGS, &Variables::default());
        let (parsed, result) = values.parse(&words, Unknown::Refuse, &mut |_, _| Ok(()));
        if let Err(error) = result {
            return error;
        }
        let mut said: Vec<String> = parsed.arguments;
        said.extend(values.entries.iter().filter(|entry| entry.changed).map(|entry| {
            let value = match &entry.value {
                FlagValue::Switch(on) => on.to_string(),
                FlagValue::Text(text) => text.clone(),
                other => format!("{other:?}"),
            };
            format!("{}={value}", entry.flag.name)
        }));
        said.join(" ")
    }

    #[test]
    fn words_are_read_as_pflag_reads_them() {
        for (line, expect) in [
            ("x -a y --name=z w", "x y w all=true name=z"),
            ("-an z", "all=true name=z"),
            ("-anz", "all=true name=z"),
            ("-n=z", "name=z"),
            ("-n=", "name=="),
            ("--name= x", "x name="),
            ("--all=false", "all=false"),
            ("--dry-run server", "server dry-run=unset"),
            ("--dry-run=server", "dry-run=server"),
            ("-- -a --name", "-a --name"),
            ("- x", "- x"),
            ("--set a,b --set c -f a,b -f c", "set=Texts([\"a,b\", \"c\"]) values=Texts([\"a\", \"b\", \"c\"])"),
            ("-test.v x", "x"),
            ("-n", "flag needs an argument: 'n' in -n"),
            ("-an", "flag needs an argument: 'n' in -n"),
            ("--name", "flag needs an argument: --name"),
            ("--nope", "unknown flag: --nope"),
            ("-ax", "unknown shorthand flag: 'x' in -x"),
            ("-xa", "unknown shorthand flag: 'x' in -xa"),
            ("---", "bad flag syntax: ---"),
            ("-a=x", "invalid argument \"x\" for \"-a, --all\" flag: strconv.ParseBool: parsing \"x\": invalid syntax"),
        ] {
            assert_eq!(parse(line), expect, "{line}");
        }
    }

    #[test]
    fn unknown_flags_can_be_passed_over_with_their_values() {
        let words: Vec<String> =
            ["--x", "y", "--debug", "-z", "w", "--q=1", "v"].iter().map(|word| (*word).to_owned()).collect();
        let mut values = FlagValues::of(&FLAGS[1..2], &Variables::default());
        let (parsed, result) = values.parse(&words, Unknown::Pass, &mut |_, _| Ok(()));
        assert_eq!(result, Ok(()));
        assert_eq!(parsed.arguments, ["v"]);
        assert!(values.is_on("debug"));
    }
}
