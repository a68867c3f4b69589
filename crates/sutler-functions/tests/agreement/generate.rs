//! Templates made up from functions' signatures: mostly arguments of the right type, some of any.

use sutler_template::Function;
use sutler_template::types::{Kind, Type};

/// Functions whose answer depends on the moment, on chance or on more than their arguments, or takes very long.
const LEFT_OUT: &[&str] = &[
    "ago",
    "bcrypt",
    "buildCustomCert",
    "date",
    "dateInZone",
    "date_in_zone",
    "derivePassword",
    "durationRound",
    "encryptAES",
    "fail",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "getHostByName",
    "htmlDate",
    "htmlDateInZone",
    "htpasswd",
    "include",
    "lookup",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "required",
    "shuffle",
    "tpl",
    "uuidv4",
];

const STRINGS: &[&str] = &[
    r#""""#,
    r#""abc""#,
    r#""Hello World""#,
    r#""  x  y ""#,
    r#""a,b,,c""#,
    r#"",""#,
    r#"" ""#,
    r#""a""#,
    r#""b""#,
    r#""ünïcødé ß Straße""#,
    r#""HTTPServer2xx Y""#,
    r#""foo_bar-baz qux""#,
    r#""1.2.3""#,
    r#""v1.2""#,
    r#""0x1F""#,
    r#""08""#,
    r#""010""#,
    r#""1e3""#,
    r#""12.00""#,
    r#""-7""#,
    r#""1_000""#,
    r#""true""#,
    r#""日本語 テキスト""#,
    r#""a\nb\n\n c""#,
    r#""\xff\xfeA""#,
    r#""a.b.c/d//e/../f.tar.gz""#,
    r#""/usr//local/./bin/..""#,
    r#""https://u:p@example.com:80/a%20b?q=1#f""#,
    r#""^a.*b$""#,
    r#""[a-z]+""#,
    r#""(\\w)(\\d)?""#,
    r#""$1-${2}_$x$$""#,
    r#""YWJj""#,
    r#""YWJj=""#,
    r#""MFRGG===""#,
    r#""2024-02-29""#,
    r#""2006-01-02""#,
    r#""1h30m""#,
    r#""-1.5s""#,
    r#"">=1.2 <2 || ^3.1.x""#,
    r#""~1.2.0-0""#,
    r#""<b>&\"'</b>\u2028""#,
    r#""a: 1\nb: [x, {y: z}]\n""#,
    r#""- 1\n- a\n""#,
    r#""{\"a\": [1, 2.5, null], \"b\": \"c\"}""#,
    r#""[1, \"x\"]""#,
    r#""string""#,
    r#""map[string]interface {}""#,
    r#""slice""#,
    r#""_Under__score ""#,
    r#""ABCdefGHI123jkl4Mno""#,
    r#""key: value: x""#,
    r#""a = 1\n[t]\nb = \"x\"\n""#,
    ".s",
    ".nested.text",
];
const INTEGERS: &[&str] = &["0", "1", "2", "3", "4", "5", "7", "8", "10", "-1", "-3", "20", "100", "-100", "'a'"];
const FLOATS: &[&str] = &["1.5", "-0.5", "0.1", "1e6", "3.0", "1e21", "1e-7", ".f", ".i", "123456789.125"];
const LISTS: &[&str] = &[
    "(list)",
    "(list 1 2 3)",
    r#"(list "b" "a" "c")"#,
    r#"(list 1 "a" nil true 1.5)"#,
    r#"(list "" 0 nil "x" "x")"#,
    ".list",
    "(until 3)",
    r#"(splitList "," "b,a,b")"#,
    r#"(list (dict "a" 1) (dict "a" 1) (list 1))"#,
    ".emptyList",
];
const MAPS: &[&str] = &[
    "(dict)",
    r#"(dict "a" 1)"#,
    r#"(dict "a" 1 "b" "x" "c" nil)"#,
    ".map",
    ".nested",
    r#"(dict "a" (dict "b" (dict "c" 2)))"#,
    r#"(dict "scheme" "https" "host" "h:1" "path" "/p q" "query" "a=b")"#,
    ".emptyMap",
    r#"(dict "a" "" "b" false "c" (list 1) "nested" (dict "text" "" "x" 0))"#,
];
const OTHERS: &[&str] = &[
    "nil",
    ".nil",
    ".missing",
    "true",
    "false",
    ".yes",
    r#"(split "," "a,b")"#,
    "(int64 5)",
    r#"(float64 "2.5")"#,
    r#"(semver "1.2.3-beta.1+meta")"#,
    r#"(int64 "9223372036854775807")"#,
    "(float64 -0.0)",
    "(list 1 2 | first)",
];
const TIMES: &[&str] = &[
    r#"(toDate "2006-01-02" "2024-02-29")"#,
    r#"(toDate "2006-01-02T15:04:05.999Z07:00" "1999-12-31T23:59:59.5+02:00")"#,
    r#"(toDate "x" "y")"#,
];
const VERSIONS: &[&str] = &[r#"(semver "1.2.3")"#];

/// A small generator of numbers (xorshift64*): its seed is all there is to repeat a run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(mixed).unwrap() % bound
    }

    pub(crate) fn choose<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.below(among.len())]
    }

    pub(crate) fn anything(&mut self) -> &'static str {
        let pools: [&[&str]; 8] = [STRINGS, STRINGS, INTEGERS, FLOATS, LISTS, LISTS, MAPS, OTHERS];
        let pool = pools[self.below(pools.len())];
        self.choose(pool)
    }

    fn argument(&mut self, wanted: &Type) -> &'static str {
        // One in twenty is of any type, to see what is said of it.
        if self.below(20) == 0 {
            return self.anything();
        }
        match wanted.kind {
            Kind::String => self.choose(STRINGS),
            Kind::Int | Kind::Int64 | Kind::Uint32 => self.choose(INTEGERS),
            Kind::Float64 => self.choose(FLOATS),
            Kind::Bool => self.choose(&["true", "false"]),
            Kind::Map => self.choose(MAPS),
            Kind::Slice => self.choose(LISTS),
            Kind::Struct => self.choose(TIMES),
            Kind::Pointer => self.choose(VERSIONS),
            _ => self.anything(),
        }
    }

    /// Arguments for a call, mostly as its signature wants them.
    pub(crate) fn arguments(&mut self, function: &Function) -> Vec<String> {
        let signature = &function.signature;
        let mut wanted: Vec<&Type> = signature.params.to_vec();
        if let Some(variadic) = signature.variadic {
            wanted.extend(std::iter::repeat_n(variadic, self.below(4)));
        }
        // One in forty has an argument too few.
        if self.below(40) == 0 {
            wanted.pop();
        }
        let mut used: Vec<String> = Vec::new();
        for wanted in wanted {
            let mut argument = self.argument(wanted);
            // A map put into itself is printed by Go until its stack is used up.
            while function.name == "set" && argument.starts_with('.') && used.iter().any(|used| used == argument) {
                argument = self.argument(wanted);
            }
            used.push(argument.to_owned());
        }
        // One in sixty has an argument too many.
        if self.below(60) == 0 {
            used.push(self.anything().to_owned());
        }
        used
    }

    fn call(&mut self, function: &Function) -> String {
        format!("{} {}", function.name, self.arguments(function).join(" ")).trim_end().to_owned()
    }
}

/// The functions whose answers follow from their arguments; `SUTLER_FUNCTION` names some of them, separated by commas.
pub(crate) fn functions() -> Vec<&'static Function> {
    let only = std::env::var("SUTLER_FUNCTION").ok();
    sutler_functions::all()
        .filter(|function| !LEFT_OUT.contains(&function.name))
        .filter(|function| only.as_deref().is_none_or(|only| only.split(',').any(|only| only == function.name)))
        .collect()
}

/// That many templates, each of which calls one function and shows type, text and JSON of what it answers.
pub(crate) fn templates(random: &mut Random, count: usize) -> Vec<String> {
    let functions = functions();
    (0..count)
        .map(|index| {
            let function = functions[index % functions.len()];
            let mut call = random.call(function);
            // Go's order is random in these.
            if matches!(function.name, "keys" | "values") {
                call = format!("sortAlpha ({call})");
            }
            format!("{{{{ $r := {call} }}}}{{{{ printf \"%T %v\" $r $r }}}} {{{{ toJson $r }}}}")
        })
        .collect()
}
