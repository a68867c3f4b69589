//! The commands that need a cluster: their flags, and nothing else. Whoever runs them is handed in as
//! [`ClusterCommands`](crate::ClusterCommands).

use crate::command::{Action, Arguments, Command, Completion, Completions, Invocation};
use crate::complete;
use crate::flag::{Flag, Helms, Kind};
use crate::io::Io;

use super::flag_groups::*;

/// `get`.
pub(super) const GET: Command = Command {
    use_line: "get",
    short: "show what a release holds",
    long: "Shows what a release holds: its values, manifests, hooks, notes and metadata.",
    arguments: Arguments::None,
    subcommands: &[&GET_ALL, &GET_VALUES, &GET_MANIFEST, &GET_HOOKS, &GET_NOTES, &GET_METADATA],
    ..Command::EMPTY
};

/// What all of `get` and others share: one release.
const ONE_RELEASE: Command = Command {
    arguments: Arguments::Exactly(1),
    action: Action::Cluster,
    complete: Completion::FilesUpTo(1),
    ..Command::EMPTY
};

const GET_ALL: Command = Command {
    use_line: "all RELEASE_NAME",
    short: "everything that a release holds",
    flags: &[&[REVISION, Flag::text("template", "a Go template for the output: {{.Release.Name}}")]],
    ..ONE_RELEASE
};

const GET_HOOKS: Command =
    Command { use_line: "hooks RELEASE_NAME", short: "a release's hooks", flags: &[&[REVISION]], ..ONE_RELEASE };

const GET_MANIFEST: Command =
    Command { use_line: "manifest RELEASE_NAME", short: "a release's manifests", flags: &[&[REVISION]], ..ONE_RELEASE };

const GET_METADATA: Command = Command {
    use_line: "metadata RELEASE_NAME",
    short: "a release's metadata",
    flags: &[&[REVISION, Flag::format()]],
    ..ONE_RELEASE
};

const GET_NOTES: Command =
    Command { use_line: "notes RELEASE_NAME", short: "a release's notes", flags: &[&[REVISION]], ..ONE_RELEASE };

const GET_VALUES: Command = Command {
    use_line: "values RELEASE_NAME",
    short: "a release's values",
    flags: &[&[REVISION, Flag::switch("all", "the charts' own values too").short('a'), Flag::format()]],
    ..ONE_RELEASE
};

/// `history`.
pub(super) const HISTORY: Command = Command {
    use_line: "history RELEASE_NAME",
    aliases: &["hist"],
    short: "a release's revisions",
    flags: &[&[Flag::integer("max", "256", "how many revisions are shown at most"), Flag::format()]],
    ..ONE_RELEASE
};

/// `status`.
pub(super) const STATUS: Command = Command {
    use_line: "status RELEASE_NAME",
    short: "how a release is doing",
    flags: &[&[
        REVISION,
        Flag::format(),
        Flag::switch("show-desc", "show the words about the release").only(Helms::Three),
        Flag::switch("show-resources", "show the release's objects").only(Helms::Three),
    ]],
    ..ONE_RELEASE
};

/// `install`.
pub(super) const INSTALL_COMMAND: Command = Command {
    use_line: "install [NAME] [CHART]",
    short: "install a chart",
    flags: &[
        RELEASE,
        INSTALL,
        VALUES,
        CHART,
        TRANSPORT,
        VERIFY,
        DEVEL,
        WAIT,
        TIMEOUT,
        POST_RENDERER,
        &[DRY_RUN, DRY_RUN_3, HIDE_SECRET, Flag::format()],
    ],
    exclusive: FORCE_ONE,
    arguments: Arguments::AtLeast(1),
    action: Action::Cluster,
    complete: Completion::Custom(complete::complete_install),
    ..Command::EMPTY
};

/// `upgrade`.
pub(super) const UPGRADE: Command = Command {
    use_line: "upgrade [RELEASE] [CHART]",
    short: "upgrade a release",
    flags: &[
        RELEASE,
        VALUES,
        CHART,
        TRANSPORT,
        VERIFY,
        DEVEL,
        WAIT,
        TIMEOUT,
        POST_RENDERER,
        &[
            DRY_RUN,
            DRY_RUN_3,
            HIDE_SECRET,
            Flag::format(),
            Flag::switch("install", "install it if it is not there").short('i'),
            Flag::switch("reset-values", "begin with the chart's values"),
            Flag::switch("reuse-values", "begin with the last release's values; nothing if --reset-values is given"),
            Flag::switch("reset-then-reuse-values", "begin with the chart's values, then the last release's"),
            HISTORY_MAX,
            CLEANUP,
            SERVER_SIDE,
        ],
    ],
    exclusive: FORCE_ONE,
    arguments: Arguments::Exactly(2),
    action: Action::Cluster,
    complete: Completion::Custom(complete_upgrade),
    ..Command::EMPTY
};

const HISTORY_MAX: Flag = Flag::integer("history-max", "10", "how many revisions are kept; 0 for all")
    .or_else(|vars| vars.get("HELM_MAX_HISTORY").filter(|text| text.parse::<i64>().is_ok()).unwrap_or("10").to_owned());
const CLEANUP: Flag = Flag::switch("cleanup-on-fail", "delete what was newly made if something fails");
const SERVER_SIDE: Flag =
    Flag::text("server-side", "let the cluster apply the objects: true, false, or auto (as the last release)")
        .or("auto")
        .only(Helms::Four);

/// `rollback`.
pub(super) const ROLLBACK: Command = Command {
    use_line: "rollback <RELEASE> [REVISION]",
    short: "go back to an earlier revision",
    flags: &[
        WAIT,
        TIMEOUT,
        FORCE,
        &[
            DRY_RUN,
            Flag::switch("dry-run", "only try").only(Helms::Three),
            Flag::switch("recreate-pods", "make the pods anew").only(Helms::Three),
            Flag::switch("no-hooks", "leave out hooks"),
            Flag::switch("wait-for-jobs", "with --wait: wait for Jobs too"),
            HISTORY_MAX,
            CLEANUP,
            SERVER_SIDE,
        ],
    ],
    exclusive: FORCE_ONE,
    arguments: Arguments::AtLeast(1),
    action: Action::Cluster,
    complete: Completion::FilesUpTo(2),
    ..Command::EMPTY
};

/// `uninstall`.
pub(super) const UNINSTALL: Command = Command {
    use_line: "uninstall RELEASE_NAME [...]",
    aliases: &["del", "delete", "un"],
    suggest_for: &["remove", "rm"],
    short: "uninstall a release",
    flags: &[
        WAIT,
        TIMEOUT,
        &[
            Flag::switch("dry-run", "only try"),
            Flag::switch("no-hooks", "leave out hooks"),
            Flag::switch("ignore-not-found", "a release that is not there is no failure"),
            Flag::switch("keep-history", "keep the release's record, marked as uninstalled"),
            Flag::text("cascade", "what happens to dependents: background, orphan or foreground").or("background"),
            Flag::text("description", "words about this"),
        ],
    ],
    arguments: Arguments::AtLeast(1),
    action: Action::Cluster,
    ..Command::EMPTY
};

/// `test`.
pub(super) const TEST: Command = Command {
    use_line: "test [RELEASE]",
    short: "run a release's tests",
    flags: &[
        TIMEOUT,
        &[
            Flag::switch("logs", "show the test pods' logs, after all tests and before what is cleaned up"),
            Flag::list("filter", "tests by attribute (only name): name=this, or !name=that"),
            Flag::switch("hide-notes", "do not print the notes").only(Helms::Three),
        ],
    ],
    ..ONE_RELEASE
};

/// `list`.
pub(super) const LIST: Command = Command {
    use_line: "list",
    aliases: &["ls"],
    short: "list releases",
    flags: &[&[
        Flag::switch("short", "names only").short('q'),
        Flag::switch("no-headers", "no line of titles in the table"),
        Flag::switch("all", "releases of every state").short('a').only(Helms::Three),
        Flag::text("time-format", "how times are written, as a Go layout: 2006-01-02 15:04:05Z0700"),
        Flag::switch("date", "by date of release").short('d'),
        Flag::switch("reverse", "the other way round").short('r'),
        Flag::switch("uninstalled", "releases that were uninstalled and kept"),
        Flag::switch("superseded", "revisions that newer ones replaced"),
        Flag::switch("uninstalling", "releases that are being uninstalled"),
        Flag::switch("deployed", "releases that are deployed; these and failed ones if nothing else is asked for"),
        Flag::switch("failed", "releases that failed"),
        Flag::switch("pending", "releases in the middle of an operation"),
        Flag::switch("all-namespaces", "all namespaces").short('A'),
        Flag::integer("max", "256", "how many are shown at most").short('m'),
        Flag::integer("offset", "0", "how many are passed over first"),
        Flag::text("filter", "a regular expression (Perl's) for the names").short('f'),
        Flag::text("selector", "labels of the records: key1=value1,key2=value2 (also == and !=)").short('l'),
        Flag::of(Kind::Format, "output", "the form of the output: table, json or yaml").or("table").short('o'),
    ]],
    arguments: Arguments::None,
    action: Action::Cluster,
    complete: Completion::NothingAfter(0),
    ..Command::EMPTY
};

/// The chart is the second argument; the release, which only the cluster knows, is the first.
fn complete_upgrade(call: &Invocation, typed: &str, io: &mut Io<'_>) -> Completions {
    match call.arguments.len() {
        0 => Completions { words: Vec::new(), directive: Completions::DEFAULT },
        1 => complete::complete_second_chart(call, typed, io),
        _ => complete::no_more(),
    }
}
