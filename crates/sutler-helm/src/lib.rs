//! Helm's command line: what is typed after `helm` comes in, and what Helm would print and answer comes out.
//!
//! ```text
//! words ──resolve──▶ Command (data) ──flags──▶ Invocation ──▶ its function(&Invocation, &mut Io) ──▶ exit code
//!                                    Settings ◀── variables         or ClusterCommands
//! ```
//!
//! Begin with [`run`], then [`Command`] and any file of `commands/`. The parser behaves as cobra and pflag do, and errors have
//! Helm's texts; help texts are our own words, made from the commands' data in Helm's layout.
//!
//! # How to add a command
//!
//! 1. Write `commands/<name>.rs` with a constant [`Command`] and a function of type [`Run`], and list it in `commands/mod.rs` at
//!    the place where Helm adds it (suggestions come in that order):
//!
//!    ```ignore
//!    pub(super) const COMMAND: Command = Command {
//!        use_line: "pull [chart URL | repo/chartname] [...]",
//!        aliases: &["fetch"],
//!        short: "fetch a chart, and unpack it if wanted",
//!        flags: &[CHART, TRANSPORT, &[Flag::switch("untar", "unpack the chart"), Flag::text("destination", "…").or(".").short('d')]],
//!        arguments: Arguments::AtLeast(1),
//!        action: Action::Run(run),
//!        ..Command::EMPTY
//!    };
//!
//!    fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
//!        let untar = call.flags.is_on("untar");
//!        for chart in &call.arguments {
//!            io.line(format!("…"));                                // data
//!            io.warn("all log lines look like Go's slog", &[]);    // level=WARN msg="…"
//!        }
//!        Err(Failure::new("Helm's text, without `Error: `").hint("what only Sutler knows"))
//!    }
//!    ```
//! 2. Number of arguments, unknown flags, wrong values, help and completion need no code. Flags that several commands share are in
//!    `commands/flag_groups.rs`.
//! 3. `?` on any error gives a [`Failure`] whose text is the error with its causes joined by `: `, as Go joins them.
//! 4. Never print but through [`Io`]; take the time, random bytes and variables from there. Paths of Helm's files are in
//!    [`Settings`] (`call.settings`).
//! 5. Add lines to `crates/sutler/tests/helm/`, which run this program under the name `helm` beside the real Helm.
//!
//! **Invariant:** nothing here needs a cluster or an async runtime, and no parser of another kind is built on the way.

mod command;
pub mod commands;
pub mod compare;
mod complete;
mod csv;
mod debug;
mod failure;
mod flag;
mod flags;
mod go_text;
mod help;
mod io;
mod kubeconfig;
mod output;
pub mod plugin;
mod post_render;
mod prompt;
mod remote;
mod resolve;
mod run;
mod settings;
mod signing;
mod table;
mod value;

pub use command::{
    Action, Arguments, Command, CompleteArguments, Completion, Completions, Guise, Invocation, Run, StartedAs,
};
pub use failure::Failure;
pub use flag::{Default, Flag, Helms, Kind, Visibility};
pub use flags::{FlagValues, Format};
pub use io::{Io, Variables};
pub use remote::{credential_places, proxies, schema_loader};
pub use run::{ClusterCommands, run};
pub use settings::{GLOBAL_FLAGS, SUTLER_FLAGS, Settings, default_keyring, default_places};
pub use value::FlagValue;
