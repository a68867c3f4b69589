//! Flags that several commands share.

use crate::flag::{Flag, Helms, Kind};
use crate::settings::default_keyring;

/// `-f` and `--set` with its kin.
pub const VALUES: &[Flag] = &[
    Flag::list("values", "a file of values, or its URL, or - for standard input; may be given several times")
        .short('f'),
    Flag::texts("set", "values: key1=val1,key2=val2; may be given several times"),
    Flag::texts("set-string", "values that are always text: key1=val1,key2=val2; may be given several times"),
    Flag::texts("set-file", "values that are the content of files: key1=path1,key2=path2; may be given several times"),
    Flag::texts("set-json", "values as JSON: key1=json1, or one whole object; may be given several times"),
    Flag::texts("set-literal", "a value that is a text, taken as it stands"),
];

/// How a server is talked to.
pub const TRANSPORT: &[Flag] = &[
    Flag::text("username", "the user's name at the repository"),
    Flag::text("password", "the user's password at the repository"),
    Flag::text("cert-file", "the file with this client's certificate"),
    Flag::text("key-file", "the file with this client's key"),
    Flag::switch("insecure-skip-tls-verify", "do not check the server's certificate"),
    Flag::switch("plain-http", "talk HTTP without TLS"),
    Flag::text("ca-file", "the file with the authorities that may sign the server's certificate"),
];

/// Whether what was fetched has to be signed, and the keys for that.
pub const VERIFY: &[Flag] = &[Flag::switch("verify", "check the signature before the chart is used"), KEYRING];

/// The file of public keys.
pub const KEYRING: Flag =
    Flag::text("keyring", "the file of public keys that signatures are checked by").or_else(default_keyring);

/// Which chart is meant, besides its name; [`TRANSPORT`] and [`VERIFY`] belong to it.
pub const CHART: &[Flag] = &[
    Flag::text("version", "the chart's version, or a range of versions (1.1.1, ^2.0.0); the latest if it is not given"),
    Flag::text("repo", "the URL of the repository that the chart is in"),
    Flag::switch("pass-credentials", "send the credentials to other hosts too"),
];

/// Versions under development.
pub const DEVEL: &[Flag] =
    &[Flag::switch("devel", "versions under development too, as --version '>0.0.0-0'; nothing if --version is given")];

/// How long to wait, and for what.
pub const WAIT: &[Flag] = &[
    Flag::of(
        Kind::Wait,
        "wait",
        "wait until everything is ready, by one of the strategies watcher, hookOnly and legacy",
    )
    .or("hookOnly")
    .bare("watcher")
    .only(Helms::Four),
    Flag::switch("wait", "wait until everything is ready").only(Helms::Three),
];

/// How long one operation may take.
pub const TIMEOUT: &[Flag] = &[Flag::duration("timeout", "5m0s", "how long any single operation may take")];

/// What `install`, `upgrade` and `template` share.
pub const RELEASE: &[Flag] = &[
    Flag::switch("create-namespace", "make the namespace if it is not there"),
    FORCE[0],
    FORCE[1],
    FORCE[2],
    FORCE[3],
    Flag::switch("no-hooks", "leave out hooks"),
    Flag::switch("wait-for-jobs", "with --wait: wait for Jobs too"),
    Flag::text("description", "words about this release"),
    Flag::switch("dependency-update", "fetch missing dependencies first"),
    Flag::switch("disable-openapi-validation", "do not check the objects against the cluster's schema"),
    Flag::switch("rollback-on-failure", "undo everything if something fails; --wait is meant with it")
        .only(Helms::Four),
    Flag::switch("atomic", "").deprecated("use --rollback-on-failure instead").only(Helms::Four),
    Flag::switch("atomic", "undo everything if something fails; --wait is meant with it").only(Helms::Three),
    Flag::switch("skip-crds", "leave out CustomResourceDefinitions"),
    Flag::switch("render-subchart-notes", "render the notes of subcharts too"),
    Flag::switch("skip-schema-validation", "do not check the values against the charts' schemas"),
    Flag::of(Kind::Pairs, "labels", "labels for the release's record: key1=val1,key2=val2").short('l'),
    Flag::switch("enable-dns", "let templates look up host names"),
    Flag::switch("hide-notes", "do not print the notes"),
    Flag::switch("take-ownership", "take objects over that are not Helm's"),
];

/// `--force`, and what it is called today.
pub const FORCE: &[Flag] = &[
    Flag::switch("force", "").deprecated("use --force-replace instead").only(Helms::Four),
    Flag::switch("force", "replace what is there").only(Helms::Three),
    Flag::switch("force-replace", "replace what is there").only(Helms::Four),
    Flag::switch("force-conflicts", "take fields from other owners in server-side apply").only(Helms::Four),
];

/// Flags of install, upgrade, rollback and template that exclude each other.
pub const FORCE_ONE: &[&[&str]] = &[&["force-replace", "force-conflicts"], &["force", "force-conflicts"]];

/// What `install` and `template` share.
pub const INSTALL: &[Flag] = &[
    Flag::switch("replace", "use a name that was used and is free again; not safe in production"),
    Flag::switch("generate-name", "make up the release's name").short('g'),
    Flag::text("name-template", "a template for the release's name"),
    Flag::switch("server-side", "let the cluster apply the objects").or("true").only(Helms::Four),
];

/// The post-renderer.
pub const POST_RENDERER: &[Flag] = &[
    Flag::of(Kind::PostRenderer, "post-renderer", "the post-renderer plugin that what was rendered goes through")
        .only(Helms::Four),
    Flag::of(Kind::PostRendererProgram, "post-renderer", "the program that what was rendered goes through")
        .only(Helms::Three),
    Flag::of(
        Kind::PostRendererArguments,
        "post-renderer-args",
        "an argument for the post-renderer; may be given several times",
    ),
];

/// `--dry-run`.
pub const DRY_RUN: Flag = Flag::text("dry-run", "only try: none, client, or server (which asks the cluster)")
    .or("none")
    .bare("unset")
    .only(Helms::Four);

/// `--dry-run` of Helm 3.
pub const DRY_RUN_3: Flag =
    Flag::text("dry-run", "only try: client, or server (which asks the cluster)").bare("client").only(Helms::Three);

/// `--hide-secret`.
pub const HIDE_SECRET: Flag = Flag::switch("hide-secret", "with --dry-run: do not show Secrets");

/// `--revision`.
pub const REVISION: Flag = Flag::integer("revision", "0", "the revision; the latest if it is not given");

/// `--max-col-width`.
pub const fn column_width(default: &'static str) -> Flag {
    Flag::unsigned("max-col-width", default, "the width of a table's columns")
}
