//! Calls within calls: arguments that are themselves calls, pipelines, `printf` with every verb and flag, times and their
//! methods, maps that are merged and changed through two names, and functions of chance judged by the shape of what they give.

use sutler_template::Function;

use crate::generate::Random;

/// Functions whose answers would be of any size if their numbers came from other functions.
const GROW: &[&str] = &[
    "abbrev",
    "abbrevboth",
    "chunk",
    "indent",
    "nindent",
    "repeat",
    "seq",
    "set",
    "substr",
    "trunc",
    "until",
    "untilStep",
    "wrap",
    "wrapWith",
];

const VERBS: &[&str] = &[
    "v", "d", "s", "q", "x", "X", "T", "t", "e", "E", "f", "F", "g", "G", "b", "c", "o", "O", "U", "w", "z", "!", "é",
];
const FLAGS: &[&str] = &["", "", "", "+", "-", "#", " ", "0", "+#", "-0", "# ", "+ ", "#0"];
const WIDTHS: &[&str] = &["", "", "", "1", "5", "12", "*", "[1]*", "1000001"];
const PRECISIONS: &[&str] = &["", "", "", ".", ".0", ".2", ".7", ".*", ".[2]*", ".30"];
const INDEXES: &[&str] = &["", "", "", "", "", "[1]", "[2]", "[3]", "[0]", "[x]", "["];

const LAYOUTS: &[&str] = &[
    "2006-01-02",
    "15:04:05.000",
    "Mon Jan _2 2006",
    "02/01/06 03:04PM MST",
    "Z07:00 -0700 002",
    "January Monday 2 1 3 4 5",
    "2006-01-02T15:04:05Z07:00",
    "",
    "x",
    ".999999999",
    "__2 2006 06 pm Z070000 -07:00:00",
];
const MOMENTS: &[&str] = &[
    r#"(toDate "2006-01-02" "2024-02-29")"#,
    r#"(toDate "2006-01-02T15:04:05.999Z07:00" "1999-12-31T23:59:59.5+02:00")"#,
    r#"(toDate "2006-01-02 15:04:05 MST" "1970-01-01 00:00:00 UTC")"#,
    r#"(toDate "2006" "9976")"#,
    r#"(toDate "x" "y")"#,
];
const METHODS: &[&str] = &[
    "Year",
    "Month",
    "Day",
    "Hour",
    "Minute",
    "Second",
    "Nanosecond",
    "YearDay",
    "Weekday",
    "Unix",
    "UnixNano",
    "UnixMilli",
    "UnixMicro",
    "String",
    "IsZero",
    "UTC",
    "Nope",
    "Local.IsZero",
    "Month.String",
    "Weekday.String",
    "UTC.Hour",
];
const ZONES: &[&str] =
    &["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Nowhere", ""];
const DURATIONS: &[&str] = &["1h", "-36h", "1.5s", "90m10s", "1us", "720h", "x", "-1ns", "+2h", "100000h"];

/// A call of a function, with arguments that may be calls of others.
fn call(random: &mut Random, functions: &[&Function], depth: usize) -> String {
    let function = functions[random.below(functions.len())];
    let mut arguments = random.arguments(function);
    if !GROW.contains(&function.name) {
        for argument in &mut arguments {
            if depth > 0 && random.below(3) == 0 {
                *argument = format!("({})", call(random, functions, depth - 1));
            }
        }
    }
    let ordered = matches!(function.name, "keys" | "values");
    let text = match arguments.pop() {
        Some(last) if random.below(3) == 0 => format!("{last} | {} {}", function.name, arguments.join(" ")),
        Some(last) => format!("{} {} {last}", function.name, arguments.join(" ")),
        None => function.name.to_owned(),
    };
    // Go's order is random in these.
    if ordered { format!("sortAlpha ({text})") } else { text }
}

fn printf(random: &mut Random) -> String {
    let mut format = String::new();
    for _ in 0..1 + random.below(3) {
        let parts = [FLAGS, INDEXES, WIDTHS, PRECISIONS, INDEXES, VERBS].map(|pieces| random.choose(pieces));
        format.push_str(random.choose(&["", "", "<", "% ", "%%", "é"]));
        format.push('%');
        parts.iter().for_each(|part| format.push_str(part));
    }
    if random.below(20) == 0 {
        format.push('%');
    }
    let arguments: Vec<&str> = (0..random.below(4)).map(|_| random.anything()).collect();
    format!("printf \"{format}\" {}", arguments.join(" "))
}

fn moment(random: &mut Random) -> String {
    let moment = random.choose(MOMENTS);
    let layout = random.choose(LAYOUTS);
    let zone = random.choose(ZONES);
    let duration = random.choose(DURATIONS);
    match random.below(14) {
        0 => format!("date \"{layout}\" {moment}"),
        1 => format!("dateInZone \"{layout}\" {moment} \"{zone}\""),
        2 => {
            format!("date_in_zone \"{layout}\" {} \"{zone}\"", random.choose(&["0", "1700000000", "-1", "(int64 99)"]))
        }
        3 => format!("htmlDate {moment}"),
        4 => format!("htmlDateInZone {moment} \"{zone}\""),
        5 => format!(
            "{} \"{duration}\" {moment}",
            random.choose(&["dateModify", "date_modify", "mustDateModify", "must_date_modify"])
        ),
        6 => format!(
            "durationRound {}",
            random.choose(&[
                "\"2h10m5s\"",
                "100",
                "\"2400h10m5s\"",
                "\"x\"",
                "(int64 90000000000)",
                "\"-9000h\"",
                "nil"
            ])
        ),
        7 => format!("duration {}", random.choose(&["95", "\"95\"", "-1", "\"x\"", "86400", "(int64 5)", "1.5"])),
        8 => format!("({moment}.Add {}).String", random.below(2_000_000_000)),
        9 => format!(
            "({moment}.AddDate {} {} -{}).Format \"{layout}\"",
            random.below(5),
            random.below(20),
            random.below(400)
        ),
        10 => format!(
            "{moment}.{} {}",
            random.choose(&["Before", "After", "Equal", "Compare", "Sub"]),
            random.choose(MOMENTS)
        ),
        11 => format!("unixEpoch {moment}"),
        12 => format!(
            "({moment}.{}).{}",
            random.choose(&["Truncate 3600000000000", "Round 60000000000", "UTC"]),
            random.choose(METHODS)
        ),
        _ => format!("{moment}.{}", random.choose(METHODS)),
    }
}

/// Maps with names of their own, changed through one and shown through the other.
fn aliases(random: &mut Random) -> String {
    let mut text = String::from(
        r#"{{ $a := dict "x" 1 "in" (dict "p" "q" "z" 0) "l" (list 1 2) }}{{ $b := dict "x" 2 "y" "" "in" (dict "p" "" "n" nil) }}{{ $c := dict "in" $a.in "l" nil "y" (dict "deep" $b.in) }}{{ $d := deepCopy $a }}"#,
    );
    for _ in 0..1 + random.below(4) {
        let name = |random: &mut Random| random.choose(&["$a", "$b", "$c", "$d"]);
        let (one, other) = (name(random), name(random));
        let key = random.choose(&["x", "y", "in", "l", "new"]);
        let step = match random.below(9) {
            0 => format!(
                "{} {one} {other}",
                random.choose(&["merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"])
            ),
            1 => format!("merge {one}.in {other}.in"),
            2 => format!("mergeOverwrite {one} (dict \"in\" (dict \"p\" \"{key}\")) {other}"),
            3 => format!(
                "set {one} \"{key}\" {}",
                random.choose(&["1", "\"s\"", "nil", "(list 1)", "(dict \"k\" 1)", "false"])
            ),
            4 => format!("unset {one} \"{key}\""),
            5 => format!("set {one}.in \"{key}\" {}", random.choose(&["1", "\"\"", "nil"])),
            6 => format!("omit {one} \"{key}\" | merge {other}"),
            7 => format!("pick {one} \"in\" \"{key}\" | mergeOverwrite {other}"),
            _ => format!("mustMergeOverwrite (dict) {one} {other}"),
        };
        text.push_str(&format!("{{{{ $_ := {step} }}}}{{{{ toJson $_ }}}};"));
    }
    text.push_str("{{ toJson $a }} {{ toJson $b }} {{ toJson $c }} {{ $d }} {{ dig \"in\" \"p\" \"none\" $a }} {{ get $b \"y\" }}");
    text
}

/// Functions of chance, by what must be true of any answer.
fn chance(random: &mut Random) -> String {
    let size = random.choose(&["0", "1", "7", "40", "-1", "\"3\"", "1.5", "nil"]);
    let text = random.choose(&["\"\"", "\"abc\"", "\"ünï\"", "\"a b\"", "nil", "7"]);
    // Keys take a thousand times as long as anything else: most draws are of the others.
    let kinds = if random.below(12) == 0 { 16 } else { 12 };
    match random.below(kinds) {
        0 => format!("{} {size} | len", random.choose(&["randAlpha", "randAlphaNum", "randNumeric", "randAscii"])),
        1 => format!("randAlpha {size} | regexMatch \"^[a-zA-Z]*$\""),
        2 => format!("randNumeric {size} | regexMatch \"^[0-9]*$\""),
        3 => format!("randBytes {size} | b64dec | len"),
        4 => format!("randInt {}", random.choose(&["5 6", "-3 -2", "0 1", "3 3", "5 2", "0 x", "1"])),
        5 => "uuidv4 | len".to_owned(),
        6 => format!("shuffle {text} | splitList \"\" | sortAlpha"),
        7 => "now | typeOf".to_owned(),
        8 => format!("ago {} | typeOf", random.choose(&["now", "5", "nil", "\"x\""])),
        9 => format!("encryptAES \"{}\" {text} | decryptAES \"k\"", random.choose(&["k", "k"])),
        10 => format!(
            "decryptAES \"k\" {}",
            random.choose(&["\"\"", "\"YWJj\"", "\"30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6V9zVUPeDQ=\"", "\"!\""])
        ),
        12 => format!(
            "(genSelfSignedCertWithKey {text} {} nil {} (genPrivateKey \"ecdsa\")).Cert | trunc 27",
            random.choose(&["nil", "(list \"1.2.3.4\")", "(list \"x\")", "(list 5)"]),
            random.choose(&["1", "365", "-1"])
        ),
        13 => format!(
            "(genCAWithKey {text} {} {}).Key | trunc 20",
            random.choose(&["1", "0"]),
            random.choose(&["(genPrivateKey \"ed25519\")", "\"\"", "\"no key\"", "nil"])
        ),
        14 => format!(
            "(genSignedCertWithKey {text} nil {} 1 (genCAWithKey \"ca\" 1 (genPrivateKey \"ecdsa\")) {}).Cert | trunc 27",
            random.choose(&["nil", "(list \"a.b\")", "(list 1)"]),
            random.choose(&["(genPrivateKey \"ecdsa\")", "\"x\""])
        ),
        11 => format!(
            "buildCustomCert {} {}",
            random.choose(&["\"\"", "\"YWJj\"", "\"!\""]),
            random.choose(&["\"\"", "\"YWJj\"", "\"!\""])
        ),
        _ => format!("genPrivateKey {} | trunc 27", random.choose(&["\"ecdsa\"", "\"ed25519\"", "\"nope\"", "\"\""])),
    }
}

/// Those that take long, seldom.
fn slow(random: &mut Random) -> String {
    match random.below(5) {
        0 => format!(
            "derivePassword {} \"{}\" \"pw\" \"user\" \"site\"",
            random.below(4),
            random.choose(&["long", "maximum", "medium", "short", "basic", "pin", "nope"])
        ),
        1 => "bcrypt \"x\" | trunc 7".to_owned(),
        2 => format!("htpasswd \"{}\" \"p\" | trunc 6", random.choose(&["u", "a:b", ""])),
        3 => format!(
            "({}).Cert | trunc 27",
            random.choose(&[
                "genCA \"x\" 1",
                "genSelfSignedCert \"x\" nil nil 1",
                "genSelfSignedCert \"x\" (list \"x\") nil 1"
            ])
        ),
        _ => "(genSignedCert \"x\" nil nil 1 (genCA \"ca\" 1)).Key | trunc 31".to_owned(),
    }
}

/// One template of these.
pub(crate) fn template(random: &mut Random, functions: &[&Function]) -> String {
    let call = match random.below(1200) {
        0 => slow(random),
        1..=120 => chance(random),
        121..=320 => printf(random),
        321..=460 => moment(random),
        461..=600 => return aliases(random),
        _ => call(random, functions, 2),
    };
    format!("{{{{ $r := {call} }}}}{{{{ printf \"%T %v\" $r $r }}}} {{{{ toJson $r }}}} {{{{ toYaml $r }}}}")
}
