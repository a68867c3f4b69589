//! Texts in the small languages that some functions read, put together from pieces: patterns, versions, layouts, URLs
//! and data formats, right and wrong.

use crate::generate::Random;

const PATTERN: &[&str] = &[
    "a",
    "b",
    "é",
    ".",
    "^",
    "$",
    "*",
    "+",
    "?",
    "*?",
    "+?",
    "|",
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?s:",
    "(?P<n>",
    "(?m",
    "(?-s)",
    "[",
    "]",
    "[^",
    "a-z",
    "-",
    "[:alpha:]",
    "[:^digit:]",
    "\\d",
    "\\W",
    "\\s",
    "\\b",
    "\\B",
    "\\A",
    "\\z",
    "\\pL",
    "\\p{Greek}",
    "\\P{Lu}",
    "\\x41",
    "\\x{e9}",
    "\\123",
    "\\n",
    "\\.",
    "\\Q",
    "\\E",
    "{2}",
    "{1,3}",
    "{,2}",
    "{2,}",
    "{",
    "}",
    "&&",
    "\\",
    " ",
    "x",
    "1",
];
const SUBJECT: &[&str] = &["a", "b", "é", "ab", "\\n", " ", "1", "A", "Ω", "x-y", "_", "aa", "É", "ſ"];
const CONSTRAINT: &[&str] = &[
    "1", "2", "0", "1.2", "1.2.3", "0.0.3", "v1.4.0", "x", "*", ".", "-beta", "-0", "+m", ">=", "<", "<=", ">", "=",
    "!=", "~", "^", "~>", "=>", " ", ", ", " || ", "||", " - ", ".x", ".*", "01",
];
const VERSION: &[&str] =
    &["1", "2", "0", "1.2", "1.2.3", ".", "3", "-beta.1", "-rc.10", "+m", "v", "0.0.3", "1.4.0", "-0", "x"];
const LAYOUT: &[&str] = &[
    "2006", "06", "Jan", "January", "1", "01", "Mon", "Monday", "2", "_2", "02", "002", "__2", "15", "3", "03", "4",
    "04", "5", "05", "PM", "pm", "MST", "Z07:00", "-0700", "-07:00", "Z0700", "-07", ".000", ".999", ",99", "-", "/",
    ":", " ", "T", "x",
];
const DATE: &[&str] = &[
    "2024", "1999", "24", "Feb", "March", "2", "02", "29", "31", "Tue", "Sunday", "060", "12", "23", "7", "07", "59",
    "60", "PM", "am", "UTC", "CET", "GMT+3", "Z", "+02:00", "-0530", "+07", ".5", ".123456", "-", "/", ":", " ", "T",
    "x",
];
const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"a\"",
    "\"\\u00e9\\n\"",
    ":",
    ",",
    "1",
    "-2.5e3",
    "0",
    "true",
    "null",
    "fals",
    " ",
    "\"",
    "1e999",
    "01",
    "\"b\"",
    "'",
    "\\",
];
const TOML: &[&str] = &[
    "a",
    "b.c",
    "\"q\"",
    " = ",
    "=",
    "1",
    "1.5",
    "'s'",
    "true",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    ",",
    "\n",
    "# c\n",
    "2024-01-02",
    "07:32:00",
    "x = 1\n",
    "[t]\n",
    "[[l]]\n",
    "k = [1, 2]\n",
    "m = {n = 1}\n",
    "0x1f",
    "1_0",
    "\"\"\"l\nm\"\"\"",
];
const URL: &[&str] = &[
    "http",
    "https",
    "ftp",
    ":",
    "//",
    "/",
    "host",
    "example.com",
    "[::1]",
    ":80",
    ":x",
    "@",
    "user",
    "p%40w",
    "?",
    "a=b&c",
    "#",
    "frag",
    "%20",
    "%zz",
    " ",
    "é",
    ".",
    "..",
    "*",
];

fn text(random: &mut Random, pieces: &[&str], most: usize) -> String {
    let count = random.below(most) + 1;
    (0..count).map(|_| random.choose(pieces)).collect()
}

/// A text as a literal of the template language.
fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// One template of these.
pub(crate) fn template(random: &mut Random) -> String {
    let pattern = literal(&text(random, PATTERN, 6));
    let subject = text(random, SUBJECT, 5).replace("\\n", "\n");
    let subject = literal(&subject);
    let call = match random.below(12) {
        0 => format!("mustRegexFindAll {pattern} {subject} -1"),
        1 => format!("mustRegexReplaceAll {pattern} {subject} \"<$1$0${{n}}>\""),
        2 => format!("mustRegexSplit {pattern} {subject} {}", random.choose(&["-1", "2", "1"])),
        3 | 4 => {
            format!("semverCompare {} {}", literal(&text(random, CONSTRAINT, 6)), literal(&text(random, VERSION, 4)))
        }
        5 => format!("semver {}", literal(&text(random, VERSION, 4))),
        6 => format!("mustToDate {} {}", literal(&text(random, LAYOUT, 4)), literal(&text(random, DATE, 4))),
        7 => {
            let zone = random.choose(&["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"]);
            let seconds = random.below(4_000_000_000) as i64 - 2_000_000_000;
            format!("dateInZone {} {seconds} \"{zone}\"", literal(&text(random, LAYOUT, 8)))
        }
        8 => format!("mustFromJson {}", literal(&text(random, JSON, 8))),
        9 => format!("fromToml {}", literal(&text(random, TOML, 8))),
        10 => format!("urlParse {}", literal(&text(random, URL, 7))),
        _ => format!("float64 {}", literal(&text(random, &["1", "0x", "_", ".", "e", "p", "-", "5", "f", "0"], 6))),
    };
    format!("{{{{ $r := {call} }}}}{{{{ printf \"%T %v\" $r $r }}}} {{{{ toJson $r }}}}")
}
