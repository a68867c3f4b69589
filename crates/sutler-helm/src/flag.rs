//! Flags as data: what pflag is told of each flag of Helm, in one line.
//!
//! ```text
//! const FLAGS: &[Flag] = &[
//!     Flag::text("version", "a version or a range of versions"),
//!     Flag::switch("devel", "versions under development too"),
//!     Flag::format("output", "the form of the output").short('o'),
//! ];
//! ```

use sutler_chart::Compatibility;

use crate::io::Variables;

/// What a flag holds, and so how its text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `bool`: `--flag`, `--flag=false`.
    Switch,
    /// `int`, in Go's notations (`0x10`, `1_000`).
    Integer,
    /// `uint`.
    Unsigned,
    /// `float32`.
    Float,
    /// `string`; given twice, the last counts.
    Text,
    /// `stringArray`: each use adds one text as it stands.
    Texts,
    /// `stringSlice`: each use adds the fields of one line of CSV.
    List,
    /// `stringToString`: `key=value`, several as a line of CSV.
    Pairs,
    /// `duration`: Go's `1h2m3s`.
    Duration,
    /// `--output`: table, json or yaml.
    Format,
    /// `--wait`: watcher, hookOnly or legacy.
    Wait,
    /// `--post-renderer`: the name of a plugin, once.
    PostRenderer,
    /// `--post-renderer` of Helm 3: the path of a program, or its name on the PATH.
    PostRendererProgram,
    /// `--post-renderer-args`: each use adds one.
    PostRendererArguments,
    /// A `bool` of Go's own package `flag`, which has other words for what is wrong (klog's).
    GoSwitch,
    /// A `uint64` of Go's own package `flag`.
    GoUnsigned,
    /// klog's `-v`.
    Level,
    /// klog's `--stderrthreshold`.
    Severity,
    /// klog's `--vmodule`.
    ModuleLevels,
    /// klog's `--log-backtrace-at`.
    TraceLocation,
}

impl Kind {
    /// The name that stands behind the flag in a help text.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Switch | Kind::GoSwitch => "",
            Kind::GoUnsigned => "uint",
            Kind::Integer => "int",
            Kind::Unsigned => "uint",
            Kind::Float => "float32",
            Kind::Text => "string",
            Kind::Texts => "stringArray",
            Kind::List => "strings",
            Kind::Pairs => "stringToString",
            Kind::Duration => "duration",
            Kind::Format => "format",
            Kind::Wait => "WaitStrategy",
            Kind::PostRenderer | Kind::PostRendererProgram => "postRendererString",
            Kind::PostRendererArguments => "postRendererArgsSlice",
            Kind::Level => "Level",
            Kind::Severity => "severity",
            Kind::ModuleLevels => "moduleSpec",
            Kind::TraceLocation => "traceLocation",
        }
    }
}

/// What a flag holds when it is not used.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// The same text for everybody.
    Fixed(&'static str),
    /// What the environment says.
    Computed(fn(&Variables) -> String),
}

/// Who is shown a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody.
    Shown,
    /// Nobody, but it works.
    Hidden,
    /// Nobody, and whoever uses it is told this instead: `Flag --x has been deprecated, …`.
    Deprecated(&'static str),
}

/// Which Helms have a command or a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Helms {
    /// Helm 3 and Helm 4.
    Both,
    /// Helm 3 alone.
    Three,
    /// Helm 4 alone.
    Four,
}

impl Helms {
    /// Whether the Helm that is mirrored is one of them.
    pub fn have(self, compatibility: Compatibility) -> bool {
        match self {
            Helms::Both => true,
            Helms::Three => compatibility == Compatibility::V3,
            Helms::Four => compatibility == Compatibility::V4,
        }
    }
}

/// A flag.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Without its dashes.
    pub name: &'static str,
    /// Its one letter.
    pub short: Option<char>,
    /// What it holds.
    pub kind: Kind,
    /// What it holds when it is not used.
    pub default: Default,
    /// What it holds when it is used without `=` (pflag's `NoOptDefVal`); empty where it takes the next word.
    pub bare: &'static str,
    /// What the help says.
    pub usage: &'static str,
    /// Who is shown it.
    pub visibility: Visibility,
    /// Which Helms have it. Where both have it in other forms, the table has it twice.
    pub helms: Helms,
}

impl Flag {
    const fn new(kind: Kind, name: &'static str, default: &'static str, usage: &'static str) -> Flag {
        let default = Default::Fixed(default);
        Flag { name, short: None, kind, default, bare: "", usage, visibility: Visibility::Shown, helms: Helms::Both }
    }

    /// A `bool`, off.
    pub const fn switch(name: &'static str, usage: &'static str) -> Flag {
        Flag { bare: "true", ..Flag::new(Kind::Switch, name, "false", usage) }
    }

    /// An `int`.
    pub const fn integer(name: &'static str, default: &'static str, usage: &'static str) -> Flag {
        Flag::new(Kind::Integer, name, default, usage)
    }

    /// A `uint`.
    pub const fn unsigned(name: &'static str, default: &'static str, usage: &'static str) -> Flag {
        Flag::new(Kind::Unsigned, name, default, usage)
    }

    /// A `string`, empty.
    pub const fn text(name: &'static str, usage: &'static str) -> Flag {
        Flag::new(Kind::Text, name, "", usage)
    }

    /// A `stringArray`.
    pub const fn texts(name: &'static str, usage: &'static str) -> Flag {
        Flag::new(Kind::Texts, name, "", usage)
    }

    /// A `stringSlice`.
    pub const fn list(name: &'static str, usage: &'static str) -> Flag {
        Flag::new(Kind::List, name, "", usage)
    }

    /// A `duration`.
    pub const fn duration(name: &'static str, default: &'static str, usage: &'static str) -> Flag {
        Flag::new(Kind::Duration, name, default, usage)
    }

    /// `--output`, `-o`.
    pub const fn format() -> Flag {
        let usage = "the form of the output: table, json or yaml";
        Flag::new(Kind::Format, "output", "table", usage).short('o')
    }

    /// A flag of another kind.
    pub const fn of(kind: Kind, name: &'static str, usage: &'static str) -> Flag {
        Flag::new(kind, name, "", usage)
    }

    /// The same, with one letter.
    #[must_use]
    pub const fn short(self, letter: char) -> Flag {
        Flag { short: Some(letter), ..self }
    }

    /// The same, holding something when it is not used.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Flag {
        Flag { default: Default::Fixed(default), ..self }
    }

    /// The same, holding what the environment says when it is not used.
    #[must_use]
    pub const fn or_else(self, default: fn(&Variables) -> String) -> Flag {
        Flag { default: Default::Computed(default), ..self }
    }

    /// The same, usable without a value, which then is this.
    #[must_use]
    pub const fn bare(self, value: &'static str) -> Flag {
        Flag { bare: value, ..self }
    }

    /// The same, not shown.
    #[must_use]
    pub const fn hidden(self) -> Flag {
        Flag { visibility: Visibility::Hidden, ..self }
    }

    /// The same, not shown, and with this advice to whoever uses it.
    #[must_use]
    pub const fn deprecated(self, advice: &'static str) -> Flag {
        Flag { visibility: Visibility::Deprecated(advice), ..self }
    }

    /// The same, for one of the Helms.
    #[must_use]
    pub const fn only(self, helms: Helms) -> Flag {
        Flag { helms, ..self }
    }

    /// The default's text.
    pub fn default_text(&self, variables: &Variables) -> String {
        match self.default {
            Default::Fixed(text) => text.to_owned(),
            Default::Computed(of) => of(variables),
        }
    }
}
