//! Inputs for the judge: YAML texts, mostly broken, and values with nasty strings.

use serde_json::{Map, Value, json};

use crate::notation::hex;

/// A small generator with a seed (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }
}

/// Parts of YAML texts, put together without sense.
const SOUP: &[&str] = &[
    "a",
    "b",
    "key",
    "'",
    "\"",
    ":",
    ": ",
    ":\n",
    "\n",
    "\n",
    "\n  ",
    "\n  ",
    "\n    ",
    "\n\t",
    "\t",
    " ",
    "  ",
    "- ",
    "- ",
    "-\n",
    "? ",
    "?",
    "[",
    "]",
    "{",
    "}",
    ",",
    ", ",
    "#",
    " # c\n",
    "&a ",
    "&b ",
    "*a",
    "*b",
    "!",
    "!!str ",
    "!!int ",
    "!!float ",
    "!!bool ",
    "!!null ",
    "!!binary ",
    "!!map ",
    "!x ",
    "!<tag:yaml.org,2002:str> ",
    "!e!x ",
    "<<: ",
    "<<",
    "|",
    "|-\n",
    ">\n",
    ">+\n",
    "|2\n",
    "|\n  ",
    ">\n   ",
    "---",
    "---\n",
    "--- ",
    "\n---\n",
    "...",
    "\n...\n",
    "%YAML 1.1\n",
    "%YAML 1.2\n",
    "%TAG !e! tag:e,2000:\n",
    "%",
    "@",
    "`",
    "\\",
    "\\n",
    "\\x41",
    "\\u263a",
    "\\q",
    "\\\n",
    "1",
    "0x1F",
    "010",
    "1e3",
    ".5",
    "-1",
    "~",
    "null",
    "true",
    "yes",
    "y",
    "2001-01-01",
    "\r\n",
    "\r",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "é",
    "\u{1F600}",
    "aGVsbG8=",
    "x: 1\n",
    "y: 2\n",
    "  x: 1\n",
    "  - z\n",
    "- z\n",
];

/// Values as they stand in documents.
const SCALARS: &[&str] = &[
    "a",
    "b c",
    "1",
    "-1",
    "+1",
    "0",
    "00",
    "08",
    "010",
    "-010",
    "0x1F",
    "0xfg",
    "0b11",
    "-0b11",
    "0b-1",
    "0o17",
    "0O17",
    "1_000",
    "_1",
    "1_",
    "0_8",
    "0x_1",
    "1.5",
    "1.",
    ".5",
    "._5",
    ".5_5",
    ".5_",
    "1e3",
    "1E+3",
    "1e",
    "e1",
    ".e1",
    "1.e1",
    "1e400",
    "-1e400",
    "1e-400",
    ".1e400",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "+18446744073709551615",
    "99999999999999999999999",
    "0xFFFFFFFFFFFFFFFF",
    "0xFFFFFFFFFFFFFFFFFF",
    "1:30",
    "1:30.5",
    "190:20:30",
    "12e03",
    "y",
    "Y",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "n",
    "no",
    "No",
    "on",
    "ON",
    "off",
    "Off",
    "true",
    "True",
    "TRUE",
    "tRUE",
    "false",
    "FALSE",
    "~",
    "null",
    "Null",
    "NULL",
    "nULL",
    ".inf",
    "-.inf",
    "+.INF",
    ".nan",
    ".NaN",
    ".Infinity",
    "inf",
    "NaN",
    "2001-01-01",
    "2001-1-1",
    "2001-13-1",
    "2001-02-30",
    "2001-01-01T00:00:00Z",
    "2001-01-01t1:2:3.5+07:00",
    "2001-01-01 00:00:00",
    "2001-01-01  1:2:3",
    "2001-01-01T24:00:00Z",
    "2001-01-01 1:2:3,55",
    "<<",
    "=",
    "-",
    "--",
    "---",
    "...",
    "- a",
    "a: b",
    "a:b",
    ":a",
    "a:",
    "a #b",
    "a#b",
    "#a",
    "'a'",
    "'it''s'",
    "\"a\\tb\"",
    "\"\\x41\\u263a\\U0001F600\"",
    "\"a\n  b\n\n  c\"",
    "'a\n\n b'",
    "\"a \\\n   b\"",
    "[]",
    "{}",
    "[a, b]",
    "{a: b}",
    "{a, b: }",
    "[a: b, c]",
    "[? a : b]",
    "{? a : b, ? c}",
    "[[a], {b: [c]}]",
    "[a,]",
    "[,]",
    "{a:b}",
    "{\"a\":b}",
    "{a: b,}",
    "&a x",
    "&a [1]",
    "&a {x: 1, y: 2}",
    "&b {x: 3}",
    "*a",
    "*b",
    "!!str 1",
    "!!int \"1\"",
    "!!int x",
    "!!float 1",
    "!!float x",
    "!!bool yes",
    "!!bool x",
    "!!null ''",
    "!!null x",
    "!!binary aGk=",
    "!!binary aGk",
    "!!timestamp 2001-01-01",
    "!!timestamp x",
    "!x 1",
    "! 1",
    "!",
    "!!str",
    "!!map {a: b}",
    "!!seq [a]",
    "!!set {a, b}",
    "a\n  b",
    "a\n\n  b",
    "@a",
    "`a",
    "%a",
    "|",
    ">",
    "?a",
    "? a",
    "{{ .Values.x }}",
    "{{ x }}y",
    "${HOME}",
    "a\tb",
    "a \t b",
    "é",
    "\u{1F600}",
    "a\u{85}b",
    "a\u{2028}b",
    "\"\\/\"",
    "\"\\q\"",
    "\"\\ud800\"",
    "\"\\xg\"",
    "\"\\N\\_\\L\\P\\e\\a\\0\"",
    "a, b",
    "a]",
    "[a",
    "{a",
    "\"a",
    "'a",
];

const KEYS: &[&str] = &[
    "a",
    "b",
    "c",
    "a b",
    "<<",
    "\"<<\"",
    "1",
    "0x1",
    "1.5",
    "1e20",
    "y",
    "true",
    "~",
    "'q'",
    "\"d\"",
    "? a",
    "[a]",
    "{a: b}",
    "*a",
    "&k k",
    "!!str 2",
    "!!binary aGk=",
    ".inf",
    "18446744073709551615",
    "",
    "a-b",
    "2001-01-01",
];

/// A text: sensible, sensible and then mutated, or soup.
pub(crate) fn yaml_text(random: &mut Random) -> String {
    if random.one_in(3) {
        let parts = 1 + random.below(14);
        let soup: String = (0..parts).map(|_| random.pick(SOUP)).collect();
        // Of several byte order marks go-yaml takes the second for one at the start of every line.
        return soup.replace("\u{feff}\u{feff}", "\u{feff}");
    }
    let mut text = String::new();
    if random.one_in(12) {
        text.push_str(random.pick(&["---\n", "--- ", "%YAML 1.1\n---\n", "# c\n", "\u{feff}", "\n\n"]));
    }
    block(random, &mut text, 0, 3);
    if random.one_in(12) {
        text.push_str(random.pick(&["---\n", "...\n", "---\nb: 2\n", "...\n---\n]", "# end"]));
    }
    if random.one_in(20) {
        text = text.replace('\n', "\r\n");
    }
    if random.one_in(3) {
        for _ in 0..1 + random.below(3) {
            mutate(random, &mut text);
        }
    }
    text
}

fn block(random: &mut Random, text: &mut String, indent: usize, depth: usize) {
    let pad = " ".repeat(indent);
    let sequence = random.one_in(3);
    for _ in 0..1 + random.below(4) {
        text.push_str(&pad);
        if sequence {
            text.push('-');
        } else {
            text.push_str(random.pick(KEYS));
            text.push(':');
        }
        if random.one_in(8) {
            text.push_str(random.pick(&[" &a", " &b", " !!map", " !x", " # c"]));
        }
        match random.below(6) {
            0 | 1 if depth > 0 => {
                text.push('\n');
                let less = if sequence { 1 } else { 0 };
                let deeper = indent + less + random.below(3);
                block(random, text, deeper, depth - 1);
            }
            2 => literal(random, text, indent),
            3 if random.one_in(3) => text.push('\n'),
            _ => {
                text.push(' ');
                text.push_str(random.pick(SCALARS));
                text.push_str(random.pick(&["\n", "\n", "\n", " # c\n", "  \n"]));
            }
        }
    }
}

fn literal(random: &mut Random, text: &mut String, indent: usize) {
    text.push(' ');
    text.push_str(random.pick(&["|", ">", "|-", ">-", "|+", ">+", "|2", ">2-", "|-1", "|0", "|x", "| # c", ">1+"]));
    text.push('\n');
    for _ in 0..random.below(5) {
        let pad = " ".repeat(indent + random.below(4));
        text.push_str(&pad);
        text.push_str(random.pick(&["a b", "", "", "# no comment", "x: y", "\tt", "- z", "  more", "end "]));
        text.push('\n');
    }
}

/// Removes, doubles or inserts something somewhere.
fn mutate(random: &mut Random, text: &mut String) {
    let mut characters: Vec<char> = text.chars().collect();
    let place = random.below(characters.len() + 1);
    match random.below(4) {
        0 if place < characters.len() => {
            characters.remove(place);
        }
        1 if place < characters.len() => characters.insert(place, characters[place]),
        2 if place + 1 < characters.len() => characters.swap(place, place + 1),
        _ => {
            let part: Vec<char> = random.pick(SOUP).chars().collect();
            characters.splice(place..place, part);
        }
    }
    *text = characters.into_iter().collect();
}

/// Parts of strings that the writer must take care of.
const NASTY: &[&str] = &[
    "a",
    "b",
    "word",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "\r",
    ":",
    ": ",
    "#",
    " #",
    "-",
    "- ",
    "'",
    "\"",
    "\\",
    "%",
    "@",
    "`",
    "&",
    "*",
    "!",
    "|",
    ">",
    "?",
    "[",
    "]",
    "{",
    "}",
    ",",
    "~",
    "=",
    "<<",
    "é",
    "\u{1F600}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{7f}",
    "\u{80}",
    "\0",
    "\u{1}",
    "\u{1b}",
    "0",
    "1",
    "9",
    "10",
    "02",
    "_",
    ".",
    "e",
    "+",
    "x",
    "A",
    "Z",
    "...",
    "---",
    "a long run of words to fold ",
];

fn string(random: &mut Random) -> String {
    match random.below(4) {
        0 => random.pick(SCALARS).to_owned(),
        1 => random
            .pick(&[
                "a", "name", "a1", "a2", "a10", "a01", "B", "_", "1", "10", "9", "a-b", "a.b", "aé", "0a", "00", "a0b",
                "a00b",
            ])
            .to_owned(),
        2 => (0..random.below(6)).map(|_| random.pick(NASTY)).collect(),
        // Long enough to be folded.
        _ if random.one_in(4) => (0..random.below(60)).map(|_| random.pick(NASTY)).collect(),
        _ if random.one_in(3) => {
            let words = ["word", "words", "a", "it's", "quite", "  ", "long:", "\n", "1", "\t"];
            (0..random.below(50)).map(|_| random.pick(&words)).collect::<Vec<_>>().join(" ")
        }
        _ => "k".repeat(random.below(140)),
    }
}

fn number(random: &mut Random) -> Value {
    let bits = match random.below(6) {
        0 => (random.below(2_000_000) as f64).to_bits(),
        1 => (random.below(1000) as f64 / 8.0).to_bits(),
        2 => 10f64.powi(random.below(50) as i32 - 25).to_bits(),
        3 => (-(random.below(100_000) as f64)).to_bits(),
        4 if random.one_in(8) => random.pick(&[&f64::NAN, &f64::INFINITY, &f64::NEG_INFINITY, &-0.0]).to_bits(),
        _ => random.next(),
    };
    json!({ "f": format!("{bits:016x}") })
}

/// A value in the judge's notation.
pub(crate) fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth > 0 { 10 } else { 6 }) {
        0 => random.pick(&[&Value::Null, &json!({"b": true}), &json!({"b": false})]).clone(),
        1 => match random.below(3) {
            0 => json!({ "i": (random.next() as i64).to_string() }),
            1 => json!({ "u": random.next().to_string() }),
            _ => json!({ "i": random.below(1000).to_string() }),
        },
        2 => number(random),
        3 if random.one_in(12) => {
            let bytes: Vec<u8> = (0..random.below(80)).map(|_| random.next() as u8).collect();
            json!({ "s": hex(&bytes) })
        }
        3..=5 => json!({ "s": hex(string(random).as_bytes()) }),
        6 | 7 => json!({ "l": (0..random.below(4)).map(|_| value(random, depth - 1)).collect::<Vec<_>>() }),
        _ => {
            let keys: Vec<String> = (0..random.below(6)).map(|_| string(random)).collect();
            let ordered = keys.iter().filter(|key| keys.len() == 1 || is_ordered(key));
            let fields: Map<String, Value> =
                ordered.map(|key| (hex(key.as_bytes()), value(random, depth - 1))).collect();
            json!({ "m": fields })
        }
    }
}

/// Whether a key has a place among others. go-yaml's order goes in circles for numbers with leading zeros, with letters
/// behind them and with more digits than fit 64 bits (010 < 0x < 10 < 010); what Go prints is then left to chance.
fn is_ordered(key: &str) -> bool {
    let mut rest = key;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        rest = &rest[start..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letter_follows = rest[digits..].starts_with(char::is_alphabetic);
        if (digits > 1 && rest.starts_with('0')) || digits > 17 || letter_follows {
            return false;
        }
        rest = &rest[digits..];
    }
    true
}
