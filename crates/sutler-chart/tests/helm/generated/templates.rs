//! Made-up template files of charts: pipelines over all that Helm shows to a template, every action of the language, helpers
//! that are defined, overridden and included, `tpl`, and now and then a text that is damaged.

use crate::random::Random;

/// Names of values, few, so that charts, flags and templates meet.
pub(crate) const NAMES: [&str; 10] = ["a", "b", "c", "list", "map", "text", "port", "enabled", "global", "image"];

const OBJECTS: [&str; 29] = [
    ".Release.Name",
    ".Release.Namespace",
    ".Release.IsInstall",
    ".Release.IsUpgrade",
    ".Release.Revision",
    ".Release.Service",
    ".Release.Nope",
    ".Chart.Name",
    ".Chart.Version",
    ".Chart.AppVersion",
    ".Chart.Type",
    ".Chart.IsRoot",
    ".Chart.Annotations",
    ".Chart.Keywords",
    ".Chart.Dependencies",
    ".Chart.name",
    ".Chart.Nope",
    ".Template.Name",
    ".Template.BasePath",
    ".Capabilities.KubeVersion",
    ".Capabilities.KubeVersion.Minor",
    ".Capabilities.KubeVersion.Version",
    ".Capabilities.APIVersions.Has \"apps/v1\"",
    ".Capabilities.APIVersions.Has \"x/v1\"",
    ".Capabilities.HelmVersion.Version",
    ".Subcharts.one.Chart.Name",
    ".Subcharts.two.Values",
    ".Values",
    ".Files",
];
const FILES: [&str; 14] = [
    ".Files.Get \"conf/a.txt\"",
    ".Files.Get \"nope\"",
    ".Files.Get \"conf/../conf/a.txt\"",
    ".Files.GetBytes \"conf/b.json\"",
    ".Files.Lines \"conf/a.txt\"",
    ".Files.Lines \"nope\"",
    "(.Files.Glob \"conf/*\").AsConfig",
    "(.Files.Glob \"**.txt\").AsSecrets",
    "(.Files.Glob \"[\").AsConfig",
    ".Files.Glob \"conf/*.{txt,json}\" | len",
    ".Files.AsConfig",
    "(.Files.Glob \"nope*\").AsSecrets",
    ".Files.Nope",
    "(.Files.Glob \"conf/*\").Get \"conf/b.json\"",
];
const UNARY: [&str; 44] = [
    "quote",
    "squote",
    "toYaml",
    "toJson",
    "toPrettyJson",
    "toToml",
    "toString",
    "toStrings",
    "len",
    "kindOf",
    "typeOf",
    "upper",
    "lower",
    "title",
    "trim",
    "nindent 2",
    "indent 4",
    "b64enc",
    "b64dec",
    "sha256sum",
    "first",
    "last",
    "rest",
    "keys | sortAlpha",
    "values | toJson",
    "empty",
    "not",
    "int",
    "int64",
    "float64",
    "default \"d\"",
    "default nil",
    "trunc 5",
    "replace \"a\" \"b\"",
    "trimSuffix \"-\"",
    "join \",\"",
    "splitList \".\"",
    "uniq",
    "compact",
    "reverse",
    "fromYaml",
    "fromJson",
    "html",
    "printf \"%v\"",
];
const BINARY: [&str; 26] = [
    "eq",
    "ne",
    "lt",
    "gt",
    "and",
    "or",
    "default",
    "ternary 1",
    "index",
    "hasKey",
    "get",
    "pick",
    "omit",
    "merge (dict)",
    "mergeOverwrite (dict)",
    "concat",
    "append",
    "has",
    "contains",
    "hasPrefix",
    "semverCompare",
    "add",
    "sub",
    "coalesce",
    "list",
    "cat",
];

/// What takes anything and fails at nothing.
const SAFE: [&str; 18] = [
    "quote",
    "squote",
    "toJson",
    "toYaml",
    "toString",
    "kindOf",
    "typeOf",
    "empty",
    "not",
    "int64",
    "default \"d\"",
    "default nil",
    "html",
    "printf \"%v\"",
    "toString | upper",
    "toString | trunc 4",
    "toString | sha256sum",
    "toPrettyJson",
];
const SAFE_TWO: [&str; 7] = ["and", "or", "default", "coalesce", "list", "cat", "printf \"%v-%v\""];

/// Where a template stands: what it may call.
pub(crate) struct Templates<'r> {
    pub(crate) random: &'r mut Random,
    /// Names that it may include.
    pub(crate) helpers: Vec<String>,
    depth: usize,
    variables: usize,
    in_range: bool,
    /// Whether to write only what most likely renders.
    careful: bool,
}

impl<'r> Templates<'r> {
    pub(crate) fn new(random: &'r mut Random, careful: bool) -> Templates<'r> {
        Templates { random, helpers: Vec::new(), depth: 0, variables: 0, in_range: false, careful }
    }

    fn value_path(&mut self) -> String {
        if self.careful {
            return format!("$.Values.{}", self.random.pick(&NAMES));
        }
        let mut path = String::from(self.random.pick(&[".Values", ".Values", ".Values", "$.Values", ".Values.global"]));
        for _ in 0..1 + self.random.below(3) {
            path.push('.');
            path.push_str(self.random.pick(&NAMES));
        }
        path
    }

    fn careful_operand(&mut self) -> String {
        self.depth += 1;
        let operand = match self.random.below(if self.depth > 4 { 8 } else { 11 }) {
            0..=3 => self.value_path(),
            4 => match self.random.pick(&OBJECTS) {
                unknown if unknown.contains("Nope") || unknown.contains("Subcharts.") => {
                    "($.Subcharts | keys | sortAlpha)".to_owned()
                }
                object => format!("(${object})"),
            },
            5 => self.random.pick(&["1", "\"x\"", "true", "1.5", "`raw`", "\"a.b\""]).to_owned(),
            6 | 7 if self.variables > 0 => format!("$v{}", self.random.below(self.variables)),
            6 | 7 => format!(
                "(${})",
                self.random.pick(&[".Files.Get \"conf/a.txt\"", ".Files.Lines \"conf/a.txt\"", ".Values", ".Files"])
            ),
            8 => format!("(list {} {})", self.careful_operand(), self.careful_operand()),
            _ => format!("({})", self.pipeline()),
        };
        self.depth -= 1;
        operand
    }

    fn careful_command(&mut self) -> String {
        match self.random.below(16) {
            0..=4 => self.operand(),
            5..=7 => format!(
                "{} {}",
                self.random.pick(&["quote", "toJson", "toYaml", "print", "kindOf", "list"]),
                self.careful_operand()
            ),
            8 | 9 => format!("{} {} {}", self.random.pick(&SAFE_TWO), self.careful_operand(), self.careful_operand()),
            10 | 11 if !self.helpers.is_empty() => {
                let name = &self.helpers[self.random.below(self.helpers.len())];
                format!("include \"{name}\" $")
            }
            12 => format!("tpl \"<{{{{ {} }}}}>\" $", self.value_path()),
            13 => format!("tpl (toString {}) $", self.value_path()),
            14 => format!(
                "set $.Values \"{}\" (toJson {} | trunc 30) | len",
                self.random.pick(&NAMES),
                self.careful_operand()
            ),
            _ => format!("lookup \"v1\" \"Pod\" \"\" \"{}\"", self.random.pick(&["", "x"])),
        }
    }

    fn operand(&mut self) -> String {
        if self.careful {
            return self.careful_operand();
        }
        self.depth += 1;
        let operand = match self.random.below(if self.depth > 4 { 8 } else { 13 }) {
            0..=3 => self.value_path(),
            4 => format!("({})", self.random.pick(&OBJECTS)),
            5 => self
                .random
                .pick(&["1", "0", "\"x\"", "\"\"", "true", "nil", "1.5", "`raw`", "\"a.b\"", "-3"])
                .to_owned(),
            6 if self.variables > 0 => {
                let variable = self.random.below(self.variables);
                format!("$v{variable}{}", self.random.pick(&["", "", ".a", ".b.c"]))
            }
            6 | 7 => self.random.pick(&[".", "$", "$.Values", ".Values"]).to_owned(),
            8 => format!("({})", self.random.pick(&FILES)),
            9 => format!("(dict \"a\" {} \"b\" {})", self.operand(), self.operand()),
            10 => format!("(list {} {})", self.operand(), self.operand()),
            _ => format!("({})", self.pipeline()),
        };
        self.depth -= 1;
        operand
    }

    fn include(&mut self) -> String {
        let name = match self.random.below(12) {
            0 => "nope".to_owned(),
            _ if self.helpers.is_empty() => "main.name".to_owned(),
            _ => self.helpers[self.random.below(self.helpers.len())].clone(),
        };
        let dot = match self.random.below(4) {
            0 => self.operand(),
            _ => self.random.pick(&[".", "$", ".Values"]).to_owned(),
        };
        format!("include \"{name}\" {dot}")
    }

    fn tpl(&mut self) -> String {
        let text = match self.random.below(4) {
            0 => self.value_path(),
            1 => "\"{{ .Values.text }}-{{ .Template.Name }}\"".to_owned(),
            2 => format!("\"{{{{ {} }}}}\"", self.value_path()),
            _ => {
                let inner = self.pipeline().replace('`', "\"");
                format!("`<{{{{ {inner} }}}}>`")
            }
        };
        format!("tpl {text} {}", self.random.pick(&[".", "$", "$", "(dict \"Values\" .Values)"]))
    }

    fn command(&mut self) -> String {
        if self.careful {
            return self.careful_command();
        }
        match self.random.below(24) {
            0..=4 => self.operand(),
            5..=8 => format!("{} {}", self.random.pick(&UNARY).replace(" | ", " "), self.operand()),
            9..=11 => format!("{} {} {}", self.random.pick(&BINARY), self.operand(), self.operand()),
            12 | 13 => self.include(),
            14 => self.tpl(),
            15 => format!("required \"{} is needed\" {}", self.random.pick(&NAMES), self.value_path()),
            16 => format!(
                "dig \"{}\" \"{}\" \"none\" {}",
                self.random.pick(&NAMES),
                self.random.pick(&NAMES),
                self.operand()
            ),
            // What is set holds nothing of the values: Go prints a map within itself until its stack is used up.
            17 => format!(
                "set {} \"{}\" {}",
                self.random.pick(&[".Values", "$.Values", "(dict)", ".Values.map", ".Values.global"]),
                self.random.pick(&NAMES),
                self.random.pick(&[
                    "1",
                    "\"s\"",
                    "nil",
                    "(list 1 nil)",
                    "(dict \"a\" 1 \"b\" nil)",
                    "(toJson . | trunc 30)",
                    ".Release.Name"
                ])
            ),
            18 => format!(
                "printf \"{}\" {} {}",
                self.random.pick(&["%s-%s", "%d", "%v %T", "%q", "%5.2f|%x", "%s"]),
                self.operand(),
                self.operand()
            ),
            19 => format!(
                "lookup \"v1\" \"{}\" \"\" \"{}\"",
                self.random.pick(&["Pod", "Secret"]),
                self.random.pick(&["", "x"])
            ),
            20 => self.random.pick(&FILES).to_owned(),
            21 => self.random.pick(&OBJECTS).to_owned(),
            22 => format!(
                "{} {}",
                self.random.pick(&[
                    "fail \"stop\"",
                    "semver",
                    "toDate \"2006\"",
                    "until 3",
                    "mustToJson",
                    "mustFromJson",
                    "fromYamlArray",
                    "fromJsonArray",
                    "getHostByName",
                    "toYamlPretty",
                    "fromToml",
                    "mustRegexMatch \"(\"",
                    "div 1",
                    "atoi"
                ]),
                self.operand()
            ),
            _ => format!(
                "{} {}",
                self.random.pick(&[
                    "index",
                    "slice",
                    "call",
                    "len",
                    "ternary \"y\" \"n\"",
                    "kindIs \"map\"",
                    "deepCopy"
                ]),
                self.operand()
            ),
        }
    }

    fn pipeline(&mut self) -> String {
        self.depth += 1;
        let mut pipeline = self.command();
        while self.random.below(3) == 0 {
            let next = if self.careful { self.random.pick(&SAFE) } else { self.random.pick(&UNARY) };
            pipeline = format!("{pipeline} | {next}");
        }
        self.depth -= 1;
        pipeline
    }

    /// A value in a line of YAML: mostly something that stays YAML whatever it is.
    fn shown(&mut self) -> String {
        let pipeline = self.pipeline();
        match self.random.below(8) {
            0 if !self.careful => format!("{{{{ {pipeline} }}}}"),
            1 if !self.careful => format!("{{{{- {pipeline} | quote -}}}}"),
            2 => format!("{{{{ {pipeline} | toString | quote }}}}"),
            3 if !self.careful => format!("\n{{{{ {pipeline} | toYaml | indent 4 }}}}"),
            4 => format!("{{{{- {pipeline} | toYaml | nindent 4 }}}}"),
            5 if !self.careful => format!("|\n    {{{{ {pipeline} | toString | nindent 4 | trim }}}}"),
            _ => format!("{{{{ {pipeline} | toJson }}}}"),
        }
    }

    fn line(&mut self) -> String {
        let key = self.random.below(20);
        let shown = self.shown();
        format!("  k{key}: {shown}\n")
    }

    fn body(&mut self) -> String {
        let variables = self.variables;
        self.depth += 2;
        let body = (0..1 + self.random.below(3)).map(|_| self.item()).collect();
        self.depth -= 2;
        self.variables = variables;
        body
    }

    fn declared(&mut self, most: usize) -> String {
        let names: Vec<String> =
            (0..self.random.below(most + 1)).map(|index| format!("$v{}", self.variables + index)).collect();
        self.variables += names.len();
        if names.is_empty() { String::new() } else { format!("{} := ", names.join(", ")) }
    }

    fn item(&mut self) -> String {
        match self.random.below(if self.depth > 6 { 5 } else { 12 }) {
            0..=3 => self.line(),
            4 => {
                let pipeline = self.pipeline();
                if self.variables > 0 && self.random.below(3) == 0 {
                    let variable = self.random.below(self.variables);
                    return format!("{{{{- $v{variable} = {pipeline} }}}}\n");
                }
                self.variables += 1;
                format!("{{{{- $v{} := {pipeline} }}}}\n", self.variables - 1)
            }
            5 | 6 => {
                let keyword = self.random.pick(&["if", "if", "with"]);
                let outer = self.variables;
                let pipeline = self.pipeline();
                let head = format!("{}{pipeline}", self.declared(1));
                let mut text = format!("{{{{- {keyword} {head} }}}}\n{}", self.body());
                if self.random.below(3) == 0 {
                    let pipeline = self.pipeline();
                    text.push_str(&format!("{{{{- else {keyword} {pipeline} }}}}\n{}", self.body()));
                }
                if self.random.below(2) == 0 {
                    text.push_str(&format!("{{{{- else }}}}\n{}", self.body()));
                }
                self.variables = outer;
                format!("{text}{{{{- end }}}}\n")
            }
            7 | 8 => {
                let outer = self.variables;
                let over = match self.random.below(4) {
                    choice if self.careful => match choice {
                        0 => self
                            .random
                            .pick(&["3", "(until 3)", "(list \"a\" nil)", "$.Files", "(dict \"a\" 1 \"b\" nil)"])
                            .to_owned(),
                        _ => format!("(list {} {})", self.careful_operand(), self.careful_operand()),
                    },
                    0 => self
                        .random
                        .pick(&["3", "until 3", "tuple 1 2", "(list \"a\" nil)", ".Values.port", "(int 2)"])
                        .to_owned(),
                    1 => self.operand(),
                    _ => self.value_path(),
                };
                let head = format!("{}{over}", self.declared(2));
                let outside = std::mem::replace(&mut self.in_range, true);
                let mut text = format!("{{{{- range {head} }}}}\n{}", self.body());
                self.in_range = outside;
                if self.random.below(3) == 0 {
                    text.push_str(&format!("{{{{- else }}}}\n{}", self.body()));
                }
                self.variables = outer;
                format!("{text}{{{{- end }}}}\n")
            }
            9 if self.in_range => {
                format!("{{{{- {} }}}}\n", self.random.pick(&["break", "continue", "if .a }}{{ break }}{{ end"]))
            }
            9 => self
                .random
                .pick(&["{{- /* a comment */}}\n", "{{/* two\nlines */ -}}\n", "  # text\n", "\n", "{{- \"\" }}\n"])
                .to_owned(),
            10 if self.careful => "{{- /* a comment */}}\n".to_owned(),
            10 => {
                let include = self.include().replacen("include", "template", 1);
                format!("{{{{- {include} }}}}\n")
            }
            _ => {
                let name = format!("block{}", self.random.below(if self.careful { 1 << 30 } else { 40 }));
                let dot = if self.careful { "$".to_owned() } else { self.operand() };
                // A block is a definition: variables outside are not seen within.
                let outside = (std::mem::take(&mut self.variables), std::mem::take(&mut self.in_range));
                let body = self.body();
                (self.variables, self.in_range) = outside;
                format!("{{{{- block \"{name}\" {dot} }}}}\n{body}{{{{- end }}}}\n")
            }
        }
    }

    /// A file of one or several objects.
    pub(crate) fn manifest(&mut self) -> String {
        const KINDS: [&str; 12] = [
            "ConfigMap",
            "Secret",
            "Service",
            "Deployment",
            "Namespace",
            "Role",
            "CronJob",
            "CustomResourceDefinition",
            "Odd",
            "List",
            "APIService",
            "ServiceAccount",
        ];
        const HOOKS: [&str; 9] = [
            "pre-install",
            "post-install,post-upgrade",
            "test",
            "pre-delete",
            "test-success",
            "nope",
            "post-renderer",
            "",
            "pre-install, nope",
        ];
        let mut text = String::new();
        for document in 0..1 + self.random.below(3) {
            self.variables = 0;
            if document > 0 {
                text.push_str(self.random.pick(&["---\n", "---\n", "\n---\n", "--- # next\n", "---\n---\n"]));
            }
            text.push_str(&format!(
                "apiVersion: v1\nkind: {}\nmetadata:\n  name: n{document}\n",
                self.random.pick(&KINDS)
            ));
            if self.random.below(5) == 0 {
                text.push_str(&format!("  annotations:\n    \"helm.sh/hook\": \"{}\"\n", self.random.pick(&HOOKS)));
                if self.random.below(2) == 0 {
                    text.push_str(&format!("    helm.sh/hook-weight: \"{}\"\n", self.random.pick(&["1", "-5", "3"])));
                    text.push_str("    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded\n");
                }
            }
            text.push_str("data:\n");
            text.push_str(&self.body());
        }
        self.damaged(text)
    }

    /// A file of helpers with these names.
    pub(crate) fn partials(&mut self, names: &[String]) -> String {
        let mut text = String::new();
        for name in names {
            self.variables = 0;
            let body = match self.random.below(3) {
                choice if choice == 0 || self.careful => self
                    .random
                    .pick(&[
                        "{{ .Values.text }}",
                        "{{ .Chart.Name }}-{{ .Release.Name }}",
                        "plain",
                        "",
                        "{{ . | toJson }}",
                        "{{ $.Values.a }}",
                    ])
                    .to_owned(),
                1 => format!("{{{{- {} -}}}}", self.pipeline()),
                _ => self.body(),
            };
            text.push_str(&format!("{{{{- define \"{name}\" -}}}}\n{body}\n{{{{- end }}}}\n"));
        }
        self.damaged(text)
    }

    /// One in twelve of the careless ones is no template any more, or another one.
    fn damaged(&mut self, text: String) -> String {
        const PIECES: [&str; 24] = [
            "{{",
            "}}",
            "|",
            "(",
            ")",
            "\"",
            "`",
            ".",
            "$",
            ":=",
            "end",
            "else",
            "{{ end }}",
            "{{ else }}",
            " -}}",
            "{{- ",
            "/*",
            "nope",
            "\n",
            "é",
            "\\",
            "{{ break }}",
            "{{ define \"a\" }}",
            "\t",
        ];
        if self.careful || self.random.below(12) > 0 {
            return text;
        }
        let mut characters: Vec<char> = text.chars().collect();
        let at = self.random.below(characters.len() + 1);
        let end = (at + self.random.below(4)).min(characters.len());
        let piece = self.random.pick(&PIECES);
        characters.splice(at..end, piece.chars());
        characters.into_iter().collect()
    }
}
