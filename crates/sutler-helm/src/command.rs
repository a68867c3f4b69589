//! Commands as data: how a command is called, which flags and arguments it takes, and what it does.

use sutler_chart::{Compatibility, Level, Remark, go_quoted};

use crate::debug;
use crate::failure::Failure;
use crate::flag::{Flag, Helms};
use crate::flags::FlagValues;
use crate::io::Io;
use crate::settings::{GLOBAL_FLAGS, SUTLER_FLAGS, Settings};

/// A command, or a group of commands.
#[derive(Debug)]
pub struct Command {
    /// Name and arguments: `pull [chart URL | repo/chartname] [...]`.
    pub use_line: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Names that it does not have, and for which it is suggested.
    pub suggest_for: &'static [&'static str],
    /// One line about it.
    pub short: &'static str,
    /// The help's first part; empty for `short`.
    pub long: &'static str,
    /// Whether help and completion pass it over.
    pub hidden: bool,
    /// Which Helms have it. Where both have it in other forms, the table has it twice.
    pub helms: Helms,
    /// Its own flags, in groups that commands share.
    pub flags: &'static [&'static [Flag]],
    /// Flags of which only one may be used, group by group.
    pub exclusive: &'static [&'static [&'static str]],
    /// How many arguments it takes.
    pub arguments: Arguments,
    /// What it does.
    pub action: Action,
    /// What completes its arguments.
    pub complete: Completion,
    /// The commands in it, in Helm's order: suggestions come in this order, help sorts by name.
    pub subcommands: &'static [&'static Command],
}

/// How many arguments a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arguments {
    /// Any number.
    Any,
    /// None.
    None,
    /// So many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
    /// So many or fewer.
    AtMost(usize),
}

/// What a command's function looks like.
pub type Run = fn(&Invocation, &mut Io<'_>) -> Result<(), Failure>;

/// What a command does.
#[derive(Debug, Clone, Copy)]
pub enum Action {
    /// It shows its help: a group of commands.
    Group,
    /// It calls this.
    Run(Run),
    /// It is handed to [`ClusterCommands`](crate::ClusterCommands).
    Cluster,
}

/// What the shell offers for a command's arguments.
#[derive(Debug, Clone, Copy)]
pub enum Completion {
    /// Files.
    Files,
    /// Nothing.
    Nothing,
    /// Files for so many arguments; then as [`Completion::NothingAfter`].
    FilesUpTo(usize),
    /// Nothing, and a word to the person that no more arguments are taken once this many are there (cobra's active help).
    NothingAfter(usize),
    /// What this function answers.
    Custom(CompleteArguments),
}

/// A function that completes an argument: the arguments before it and what is typed of it.
pub type CompleteArguments = fn(&Invocation, &str, &mut Io<'_>) -> Completions;

/// Answers to a completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completions {
    /// Words, each with a description behind a tab where there is one.
    pub words: Vec<String>,
    /// cobra's directive to the shell: a sum of [`Completions`]' constants.
    pub directive: u8,
}

impl Completions {
    /// The shell does as it does by default: it offers files.
    pub const DEFAULT: u8 = 0;
    /// No space follows the word.
    pub const NO_SPACE: u8 = 2;
    /// No files are offered.
    pub const NO_FILES: u8 = 4;

    /// These words, and no files.
    pub fn only(words: impl IntoIterator<Item = impl Into<String>>) -> Completions {
        Completions { words: words.into_iter().map(Into::into).collect(), directive: Completions::NO_FILES }
    }
}

impl Command {
    /// Nothing: the rest of a command's description, by `..Command::EMPTY`.
    pub const EMPTY: Command = Command {
        use_line: "",
        aliases: &[],
        suggest_for: &[],
        short: "",
        long: "",
        hidden: false,
        helms: Helms::Both,
        flags: &[],
        exclusive: &[],
        arguments: Arguments::Any,
        action: Action::Group,
        complete: Completion::Files,
        subcommands: &[],
    };

    /// Its name: the first word of its use line.
    pub fn name(&self) -> &'static str {
        self.use_line.split(' ').next().unwrap_or_default()
    }

    /// Whether it is called so.
    pub fn is_called(&self, name: &str) -> bool {
        self.name() == name || self.aliases.contains(&name)
    }

    /// Its own flags, those of one Helm.
    pub fn own_flags(&self, compatibility: Compatibility) -> impl Iterator<Item = &'static Flag> + use<> {
        let flags = self.flags.iter().flat_map(|group| group.iter());
        flags.filter(move |flag| flag.helms.have(compatibility))
    }

    /// The commands in it, those of one Helm.
    pub fn children(&self, compatibility: Compatibility) -> impl Iterator<Item = &'static Command> + use<> {
        self.subcommands.iter().copied().filter(move |command| command.helms.have(compatibility))
    }

    /// Whether it does something itself.
    pub fn is_runnable(&self) -> bool {
        !matches!(self.action, Action::Group)
    }
}

/// One call of a command: what was typed, read.
#[derive(Debug)]
pub struct Invocation {
    /// The command below those that lead to it; `helm` itself comes first.
    pub path: Vec<&'static Command>,
    /// The arguments, without flags.
    pub arguments: Vec<String>,
    /// What the flags hold.
    pub flags: FlagValues,
    /// What variables and global flags say.
    pub settings: Settings,
    /// Under which name the program runs.
    pub started_as: StartedAs,
}

/// Under which name the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartedAs {
    /// `helm`: the output is Helm's to the byte.
    Helm,
    /// `sutler helm`: hints may follow.
    Sutler,
}

/// As whom the program answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guise {
    /// Under which name.
    pub started_as: StartedAs,
    /// As which Helm.
    pub compatibility: Compatibility,
}

impl Guise {
    /// The flags that every command takes.
    pub(crate) fn global_flags(self) -> impl Iterator<Item = &'static Flag> {
        let own = match self.started_as {
            StartedAs::Helm => &[],
            StartedAs::Sutler => SUTLER_FLAGS,
        };
        GLOBAL_FLAGS.iter().chain(own).filter(move |flag| flag.helms.have(self.compatibility))
    }
}

impl Invocation {
    /// As whom the program answers it.
    pub fn guise(&self) -> Guise {
        Guise { started_as: self.started_as, compatibility: self.settings.compatibility }
    }

    /// The command.
    pub fn command(&self) -> &'static Command {
        self.path.last().expect("a path begins with `helm`")
    }

    /// `helm repo add`.
    pub fn command_path(&self) -> String {
        command_path(&self.path)
    }

    /// The commands' names below `helm`: `repo add`.
    pub fn name(&self) -> String {
        self.path.iter().skip(1).map(|command| command.name()).collect::<Vec<_>>().join(" ")
    }

    /// Says what happens, where `--debug` asks for it.
    pub fn debug(&self, io: &mut Io<'_>, message: &str, details: &[(&'static str, String)]) {
        if !self.settings.debug {
            return;
        }
        let remark = Remark { level: Level::Debug, message: message.to_owned(), details: details.to_vec() };
        match io.compatibility {
            Compatibility::V4 => io.remark(&remark),
            Compatibility::V3 => {
                if let Some(line) = debug::line(&remark, &self.name(), io.now) {
                    io.note(line);
                }
            }
        }
    }

    /// Whether the number of arguments is one that the command takes.
    ///
    /// # Errors
    /// Helm's text.
    pub(crate) fn check_arguments(&self) -> Result<(), Failure> {
        let count = self.arguments.len();
        let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
        let wanted = match self.command().arguments {
            Arguments::None if count > 0 => "accepts no arguments".to_owned(),
            Arguments::Exactly(n) if count != n => format!("requires {n} {}", plural(n)),
            Arguments::AtLeast(n) if count < n => format!("requires at least {n} {}", plural(n)),
            Arguments::AtMost(n) if count > n => format!("accepts at most {n} {}", plural(n)),
            _ => return Ok(()),
        };
        let (path, usage) = (self.command_path(), use_line(&self.path));
        Err(Failure::new(format!("{} {wanted}\n\nUsage:  {usage}", go_quoted(&path))))
    }

    /// Whether no two flags were used that exclude each other.
    ///
    /// # Errors
    /// cobra's text about the first group, by name, of which more than one was used.
    pub(crate) fn check_exclusive(&self) -> Result<(), Failure> {
        // Helm 3 has no such groups.
        if self.settings.compatibility == Compatibility::V3 {
            return Ok(());
        }
        let mut groups: Vec<(String, Vec<&str>)> = self
            .command()
            .exclusive
            .iter()
            .map(|group| {
                let mut used: Vec<&str> = group.iter().copied().filter(|name| self.flags.changed(name)).collect();
                used.sort_unstable();
                (group.join(" "), used)
            })
            .collect();
        groups.sort();
        match groups.iter().find(|(_, used)| used.len() > 1) {
            None => Ok(()),
            Some((group, used)) => Err(Failure::new(format!(
                "if any flags in the group [{group}] are set none of the others can be; [{}] were all set",
                used.join(" ")
            ))),
        }
    }
}

/// `helm repo add`.
pub(crate) fn command_path(path: &[&'static Command]) -> String {
    path.iter().map(|command| command.name()).collect::<Vec<_>>().join(" ")
}

/// How a command is used: `helm repo add [NAME] [URL] [flags]`.
pub(crate) fn use_line(path: &[&'static Command]) -> String {
    let Some((last, above)) = path.split_last() else { return String::new() };
    let mut line = command_path(above);
    if !line.is_empty() {
        line.push(' ');
    }
    line.push_str(last.use_line);
    if !last.use_line.contains("[flags]") {
        line.push_str(" [flags]");
    }
    line
}
