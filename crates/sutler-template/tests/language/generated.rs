//! Templates from a grammar, and damaged ones, which Go and this crate must execute alike, to the message.
//!
//! `SUTLER_SEED`, `SUTLER_CASES` and `SUTLER_SECONDS` in the environment choose others and more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::digests;
use crate::judge;
use crate::recorded::difference;
use crate::world::{Case, Outcome, execute};

/// A small generator of random numbers (splitmix64), so that a seed says everything.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

fn data() -> Json {
    json!({
        "n": null, "s": "str", "t": "<a & \"é\">\n", "e": "", "f": 3, "h": 2.5, "big": 1e21, "b": true, "no": false,
        "i": {"$int": 42}, "i64": {"$int64": -7}, "u8": {"$uint8": 200}, "f32": {"$float32": 0.1},
        "l": [1, "a", null, [2, 3], {"x": 1}], "el": [], "strs": {"$strings": ["x", "y"]}, "ints": {"$ints": [1, 2]},
        "by": {"$bytes": "hé"}, "names": {"$names": ["v1"]}, "m": {"x": {"y": "deep"}, "a": 1, "n": null}, "em": {},
        "sm": {"$stringmap": {"a": "b", "x": "z"}}, "vals": {"$values": {"a": 1, "x": {"y": 2}}},
        "p": {"$point": [1, 2, {"x": 1}]}, "nm": {"$nilmap": 1},
        "nl": {"$nillist": 1},
    })
}

const FIELDS: &[&str] = &[
    "n", "s", "t", "e", "f", "h", "big", "b", "no", "i", "i64", "u8", "f32", "l", "el", "strs", "ints", "by", "names",
    "m", "em", "sm", "vals", "p", "nm", "nl", "missing", "x", "y", "a", "X", "Any",
];
/// What there is, from the root.
const PATHS: &[&str] = &[
    "$.n",
    "$.s",
    "$.t",
    "$.e",
    "$.f",
    "$.h",
    "$.big",
    "$.b",
    "$.no",
    "$.i",
    "$.i64",
    "$.u8",
    "$.f32",
    "$.l",
    "$.el",
    "$.strs",
    "$.ints",
    "$.by",
    "$.names",
    "$.m",
    "$.m.x",
    "$.m.x.y",
    "$.m.n",
    "$.em",
    "$.sm",
    "$.sm.a",
    "$.vals",
    "$.vals.x.y",
    "$.p",
    "$.p.X",
    "$.p.Any",
    "$.p.Any.x",
    "$.nm",
    "$.nl",
    "$.missing",
    "($.n).x",
    "(index $.l 3)",
    "(index $.m \"x\" \"y\")",
    "($.names.Has \"v1\")",
    "($.vals.Upper \"a\")",
];
/// What takes anything.
const SAFE: &[&str] = &[
    "print",
    "println",
    "html",
    "js",
    "urlquery",
    "not",
    "any1",
    "typeOf",
    "list",
    "and",
    "or",
    "printf \"%v|%T\"",
    "eq nil",
];
const CONSTANTS: &[&str] = &[
    "1",
    "0",
    "-1",
    "2",
    "1.5",
    "1e3",
    "0x1F",
    "'a'",
    "\"a\"",
    "\"\"",
    "`raw`",
    "\"é\\n\"",
    "true",
    "false",
    "nil",
    "1i",
    "\"%v %s %d %q\"",
    "\"x\"",
    "9223372036854775807",
    "1e100",
];
const FUNCTIONS: &[&str] = &[
    "print", "println", "html", "js", "urlquery", "len", "not", "any1", "typeOf", "str1", "int1", "float1", "bool1",
    "maps", "lists", "list", "strs", "ints", "dict", "keys", "nilany", "nilmap", "nillist", "fail", "int64f", "uint8f",
    "join", "two",
];
const TWO: &[&str] = &[
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "and",
    "or",
    "index",
    "printf",
    "join \",\"",
    "slice",
    "call",
    "two",
    "divide",
];
const FORMATS: &[&str] = &[
    "%v",
    "%+v",
    "%#v",
    "%s",
    "%q",
    "%d",
    "%5d",
    "%-8v|",
    "%08.3f",
    "%x",
    "%X",
    "%T",
    "%t",
    "%e",
    "%g",
    "%.2s",
    "%c",
    "%U",
    "%6.2v",
    "% x",
    "%+d",
    "%z",
    "%[1]v %[1]T",
    "%*d",
    "%",
    "%%",
    "%.3g",
];

struct Generator {
    random: Random,
    /// Variables in scope.
    variables: Vec<String>,
    /// Templates that may be called: those defined later, so that none calls itself.
    callable: Vec<String>,
    depth: usize,
    in_range: bool,
    /// Whether to write only what most likely executes.
    careful: bool,
}

impl Generator {
    fn new(seed: u64) -> Generator {
        let random = Random(seed);
        Generator { random, variables: Vec::new(), callable: Vec::new(), depth: 0, in_range: false, careful: false }
    }

    fn path(&mut self) -> String {
        let mut path = format!(".{}", self.random.pick(FIELDS));
        while self.random.one_in(4) {
            path.push('.');
            path.push_str(self.random.pick(FIELDS));
        }
        path
    }

    fn operand(&mut self) -> String {
        if self.careful {
            return self.careful_operand();
        }
        self.depth += 1;
        let operand = match self.random.below(if self.depth > 5 { 6 } else { 10 }) {
            0 | 1 => self.path(),
            2 | 3 => self.random.pick(CONSTANTS).to_owned(),
            4 => ".".to_owned(),
            5 if !self.variables.is_empty() => {
                let variable = self.variables[self.random.below(self.variables.len())].clone();
                if self.random.one_in(3) { format!("{variable}{}", self.path()) } else { variable }
            }
            5 => format!("${}", self.path()),
            6 => self.random.pick(&["list", "dict", "nilany", "nilmap.x", "nillist"]).to_owned(),
            _ => {
                let pipe = self.pipeline();
                if self.random.one_in(4) { format!("({pipe}){}", self.path()) } else { format!("({pipe})") }
            }
        };
        self.depth -= 1;
        operand
    }

    fn careful_operand(&mut self) -> String {
        self.depth += 1;
        let operand = match self.random.below(if self.depth > 6 { 8 } else { 10 }) {
            0..=3 => self.random.pick(PATHS).to_owned(),
            4 => self
                .random
                .pick(&["1", "-1", "1.5", "1e9", "'a'", "\"a\"", "`b`", "true", "false", "0x10", "1i"])
                .to_owned(),
            5 => ".".to_owned(),
            6 | 7 if !self.variables.is_empty() => self.variables[self.random.below(self.variables.len())].clone(),
            6 | 7 => "$.l".to_owned(),
            _ => format!("({})", self.pipeline()),
        };
        self.depth -= 1;
        operand
    }

    fn careful_command(&mut self) -> String {
        match self.random.below(6) {
            0 | 1 => self.operand(),
            2 | 3 => format!("{} {}", self.random.pick(SAFE), self.operand()),
            4 => {
                let format = self.random.pick(FORMATS);
                format!("printf \"{format}\" {} {}", self.operand(), self.operand())
            }
            _ if !self.callable.is_empty() && self.random.one_in(2) => {
                let name = self.callable[self.random.below(self.callable.len())].clone();
                format!("include \"{name}\" $")
            }
            _ => format!("tpl \"<{{{{ {} }}}}>\" $", self.random.pick(PATHS).replace('"', "`")),
        }
    }

    fn command(&mut self) -> String {
        if self.careful {
            return self.careful_command();
        }
        match self.random.below(9) {
            0 | 1 => self.operand(),
            2 | 3 => format!("{} {}", self.random.pick(FUNCTIONS), self.operand()),
            4 | 5 => format!("{} {} {}", self.random.pick(TWO), self.operand(), self.operand()),
            6 => {
                let format = self.random.pick(FORMATS);
                let mut command = format!("printf \"{format}\" {}", self.operand());
                if self.random.one_in(3) {
                    command = format!("{command} {}", self.operand());
                }
                command
            }
            7 if !self.callable.is_empty() => {
                let name = self.callable[self.random.below(self.callable.len())].clone();
                format!("include \"{name}\" {}", self.operand())
            }
            7 => format!("tpl \"<{{{{ {} }}}}>\" {}", self.path(), self.operand()),
            _ => {
                let mut command =
                    self.random.pick(&["list", "dict", "print", "index", "and", "or", "eq", "slice"]).to_owned();
                for _ in 0..self.random.below(4) {
                    command.push(' ');
                    command.push_str(&self.operand());
                }
                command
            }
        }
    }

    fn pipeline(&mut self) -> String {
        let mut pipe = self.command();
        while self.random.one_in(4) {
            let next = match self.random.below(3) {
                _ if self.careful => self.random.pick(SAFE).to_owned(),
                0 => self.random.pick(FUNCTIONS).to_owned(),
                1 => self.random.pick(TWO).to_owned(),
                _ => self.command(),
            };
            pipe = format!("{pipe} | {next}");
        }
        pipe
    }

    fn open(&mut self) -> &'static str {
        if self.random.one_in(5) { "{{- " } else { "{{ " }
    }

    fn close(&mut self) -> &'static str {
        if self.random.one_in(5) { " -}}" } else { " }}" }
    }

    fn action(&mut self, content: &str) -> String {
        format!("{}{content}{}", self.open(), self.close())
    }

    fn body(&mut self) -> String {
        let variables = self.variables.len();
        self.depth += 2;
        let body = self.items();
        self.depth -= 2;
        self.variables.truncate(variables);
        body
    }

    fn items(&mut self) -> String {
        let count = 1 + self.random.below(4);
        (0..count).map(|_| self.item()).collect()
    }

    fn item(&mut self) -> String {
        let control = if self.depth > 5 { 6 } else { 12 };
        match self.random.below(control) {
            0 => self.random.pick(&["text", " ", "\n", "  a\n\tb ", "é", "}}", "{"]).to_owned(),
            1..=4 => {
                let pipe = self.pipeline();
                self.action(&pipe)
            }
            5 => {
                let pipe = self.pipeline();
                let reuse = !self.variables.is_empty() && self.random.one_in(3);
                if reuse {
                    let name = self.variables[self.random.below(self.variables.len())].clone();
                    return self.action(&format!("{name} = {pipe}"));
                }
                let name = format!("$v{}", self.variables.len());
                self.variables.push(name.clone());
                self.action(&format!("{name} := {pipe}"))
            }
            6 | 7 => {
                let keyword = self.random.pick(&["if", "with"]);
                let mut pipe = self.pipeline();
                let variables = self.variables.len();
                if self.random.one_in(4) {
                    let name = format!("$v{variables}");
                    pipe = format!("{name} := {pipe}");
                    self.variables.push(name);
                }
                let mut text = self.action(&format!("{keyword} {pipe}"));
                text.push_str(&self.body());
                if self.random.one_in(4) {
                    let pipe = self.pipeline();
                    text.push_str(&self.action(&format!("else {keyword} {pipe}")));
                    text.push_str(&self.body());
                }
                if self.random.one_in(2) {
                    text.push_str(&self.action("else"));
                    text.push_str(&self.body());
                }
                self.variables.truncate(variables);
                text + &self.action("end")
            }
            8 | 9 => {
                let variables = self.variables.len();
                let over = match self.random.below(3) {
                    choice if choice == 0 || self.careful => self
                        .random
                        .pick(&[
                            "$.el", "$.l", "$.m", "$.strs", "$.ints", "$.vals", "$.sm", "$.nm", "$.by", "3", "0", "2.0",
                        ])
                        .to_owned(),
                    _ => self.operand(),
                };
                let names: Vec<String> =
                    (0..self.random.below(3)).map(|index| format!("$v{}", variables + index)).collect();
                self.variables.extend(names.iter().cloned());
                let head = if names.is_empty() { over } else { format!("{} := {over}", names.join(", ")) };
                let mut text = self.action(&format!("range {head}"));
                let outer = std::mem::replace(&mut self.in_range, true);
                text.push_str(&self.body());
                self.in_range = outer;
                if self.random.one_in(3) {
                    text.push_str(&self.action("else"));
                    text.push_str(&self.body());
                }
                self.variables.truncate(variables);
                text + &self.action("end")
            }
            10 if self.in_range => {
                let keyword = self.random.pick(&["break", "continue"]);
                self.action(keyword)
            }
            10 if self.random.one_in(2) => {
                let name = format!("block{}", self.random.below(1000));
                let dot = self.operand();
                // A block is a definition of its own: variables and loops outside are not seen within.
                let outside = (std::mem::take(&mut self.variables), std::mem::replace(&mut self.in_range, false));
                let body = self.body();
                (self.variables, self.in_range) = outside;
                let head = self.action(&format!("block \"{name}\" {dot}"));
                format!("{head}{body}{}", self.action("end"))
            }
            10 => self
                .random
                .pick(&["{{/* comment */}}", " {{- /* two\nlines */ -}} ", "{{- /**/}}", "{{/* a */ -}}\n"])
                .to_owned(),
            _ => match self.callable.len() {
                0 => String::new(),
                count => {
                    let name = self.callable[self.random.below(count)].clone();
                    let operand = if self.careful { "$".to_owned() } else { self.operand() };
                    self.action(&format!("template \"{name}\" {operand}"))
                }
            },
        }
    }

    /// Changes a template so that most likely it is none.
    fn damage(&mut self, text: &str) -> String {
        const PIECES: &[&str] = &[
            "{{",
            "}}",
            " ",
            "|",
            "(",
            ")",
            "\"",
            "`",
            "'",
            ".",
            "$",
            ":=",
            "=",
            ",",
            "end",
            "else",
            "if",
            "{{ end }}",
            "{{ else }}",
            "-",
            " -}}",
            "{{- ",
            "/*",
            "*/",
            "nope",
            "define",
            "template",
            "\n",
            "1.",
            "0x",
            "é",
            "\\",
            "+",
            "@",
            "$x",
            "nil",
            ".x",
            "range",
            "{{ break }}",
            "{{ define \"a\" }}",
        ];
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..1 + self.random.below(3) {
            let at = self.random.below(chars.len() + 1);
            let end = (at + self.random.below(4)).min(chars.len());
            let piece = if self.random.one_in(3) { "" } else { self.random.pick(PIECES) };
            chars.splice(at..end, piece.chars());
        }
        chars.into_iter().collect()
    }

    fn case(&mut self) -> Case {
        self.careful = !self.random.one_in(3);
        let names = ["a", "b", "dir/c.tpl"];
        let mut files = Vec::new();
        for (index, name) in names.iter().enumerate().rev() {
            self.callable = names[index + 1..].iter().map(|name| (*name).to_owned()).collect();
            self.variables.clear();
            let items = self.items();
            files.push(((*name).to_owned(), items.into_bytes()));
        }
        self.callable = names.iter().map(|name| (*name).to_owned()).collect();
        self.variables.clear();
        let mut text = String::new();
        if self.random.one_in(5) {
            // A definition in the file that runs, which may take the place of another file's.
            let name = self.random.pick(&["own", "a", "dir/c.tpl"]);
            let callable = std::mem::take(&mut self.callable);
            let body = self.items();
            self.variables.clear();
            self.callable = callable;
            text = format!("{}{body}{}", self.action(&format!("define \"{name}\"")), self.action("end"));
            self.callable.push("own".to_owned());
        }
        text.push_str(&self.items());
        if !self.careful && self.random.one_in(4) {
            text = self.damage(&text);
        }
        let mut text = text.into_bytes();
        if !self.careful && self.random.one_in(6) {
            // Any byte, so that it may be no UTF-8.
            let at = self.random.below(text.len() + 1);
            text.insert(at, self.random.next() as u8);
        }
        files.push(("t".to_owned(), text));
        let missing_key = match self.random.below(8) {
            0 => "error",
            1..4 => "zero",
            _ => "default",
        };
        let missing_key = missing_key.to_owned();
        Case { files, run: "t".to_owned(), data: data(), missing_key, ..Case::default() }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn generated_templates_give_what_go_gives() {
    let seed = number("SUTLER_SEED", 20_260_101);
    let batch = number("SUTLER_CASES", 1500);
    let until = Instant::now() + Duration::from_secs(number("SUTLER_SECONDS", 0));
    println!("SUTLER_SEED={seed}");
    let mut generator = Generator::new(seed);
    let (mut count, mut failed, mut differences) = (0, 0, Vec::new());
    while count == 0 || Instant::now() < until {
        let cases: Arc<Vec<Case>> = Arc::new((0..batch).map(|_| generator.case()).collect());
        let asked = std::thread::spawn({
            let cases = Arc::clone(&cases);
            move || judge::ask(&cases)
        });
        let ours: Vec<Outcome> = cases.iter().map(execute).collect();
        let outcomes = match asked.join().unwrap() {
            Ok(outcomes) => outcomes,
            Err(reason) => return println!("skipped: generated_templates_give_what_go_gives: {reason}"),
        };
        count += cases.len();
        failed += outcomes.iter().filter(|outcome| outcome.error.is_some()).count();
        let compared = cases.iter().zip(&outcomes).zip(&ours);
        differences.extend(compared.filter_map(|((case, outcome), ours)| difference(case, outcome, ours)));
    }
    println!(
        "compared {count} generated templates with Go's text/template, of which {failed} fail, seed {seed}: {} differ",
        differences.len()
    );
    assert!(
        differences.is_empty(),
        "{} differ; the first:\n{}",
        differences.len(),
        differences[..differences.len().min(8)].join("\n\n")
    );
}

/// The seed and number of the cases whose answers are recorded as digests.
const RECORDED: (u64, usize) = (4, 3000);

/// The cases as texts, and what they are.
fn recorded_cases() -> (Vec<String>, Vec<Case>) {
    let mut generator = Generator::new(RECORDED.0);
    let cases: Vec<Case> = (0..RECORDED.1).map(|_| generator.case()).collect();
    let shown = |case: &Case| {
        let files = case.files.iter().map(|(name, text)| format!("--- {name}\n{}\n", String::from_utf8_lossy(text)));
        format!("missingkey={}\n{}", case.missing_key, files.collect::<String>())
    };
    (cases.iter().map(shown).collect(), cases)
}

fn shown(outcome: &Outcome) -> String {
    format!("{}\n{:?}", String::from_utf8_lossy(&outcome.out), outcome.error)
}

#[test]
fn generated_templates_give_what_is_recorded() {
    let (texts, cases) = recorded_cases();
    let answers = texts.iter().map(String::as_str).zip(cases.iter().map(|case| shown(&execute(case))));
    let (count, wrong) = digests::differences("generated.txt", answers);
    assert!(count > 1000, "only {count} cases are recorded");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
#[ignore = "writes the digests of Go's answers; needs Go"]
fn record_generated_templates() {
    let (texts, cases) = recorded_cases();
    let outcomes = judge::ask(&cases).unwrap();
    digests::record("generated.txt", RECORDED.0, texts.iter().map(String::as_str).zip(outcomes.iter().map(shown)));
}
