//! `helm version`.

use std::sync::Arc;

use sutler_chart::{Compatibility, HelmVersion, go_quoted};
use sutler_template::types::Type;
use sutler_template::{ExecuteOptions, Object, TemplateSet, Value};

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::failure::Failure;
use crate::flag::{Flag, Helms};
use crate::io::Io;

/// `version`.
pub(super) const COMMAND: Command = Command {
    use_line: "version",
    short: "print the version",
    long: "Prints the version of Helm that this program behaves as.",
    flags: &[&[
        // Helm 2's, which Helm 3 still takes.
        Flag::switch("client", "").short('c').or("true").hidden().only(Helms::Three),
        Flag::switch("short", "the version and the beginning of the commit only"),
        Flag::text("template", "a Go template for the output: {{.Version}}"),
    ]],
    arguments: Arguments::None,
    action: Action::Run(run),
    complete: Completion::NothingAfter(0),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let template = call.flags.text("template");
    let compatibility = call.settings.compatibility;
    let version = compatibility.helm_version();
    if !template.is_empty() {
        // No functions but the language's own, and no line feed behind it.
        let mut set = TemplateSet::new("_");
        set.parse("_", template)?;
        let text = set.execute("_", &Value::Object(Arc::new(BuildInfo(version))), ExecuteOptions::default())?;
        io.data(text.to_str_lossy());
        return Ok(());
    }
    if call.flags.is_on("short") {
        io.line(format!("{}+g{}", version.version, &version.git_commit[..7]));
        return Ok(());
    }
    if compatibility == Compatibility::V3 {
        io.line(format!(
            "version.BuildInfo{{Version:{}, GitCommit:{}, GitTreeState:{}, GoVersion:{}}}",
            go_quoted(&version.version),
            go_quoted(&version.git_commit),
            go_quoted(&version.git_tree_state),
            go_quoted(&version.go_version),
        ));
        return Ok(());
    }
    io.line(format!(
        "version.BuildInfo{{Version:{}, GitCommit:{}, GitTreeState:{}, GoVersion:{}, KubeClientVersion:{}}}",
        go_quoted(&version.version),
        go_quoted(&version.git_commit),
        go_quoted(&version.git_tree_state),
        go_quoted(&version.go_version),
        go_quoted(&version.kube_client_version),
    ));
    Ok(())
}

/// What the template sees.
struct BuildInfo(HelmVersion);

static BUILD_INFO: Type = Type::structure("version.BuildInfo");

impl Object for BuildInfo {
    fn go_type(&self) -> &'static Type {
        &BUILD_INFO
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let HelmVersion { version, git_commit, git_tree_state, go_version, kube_client_version } = &self.0;
        let mut fields = vec![
            ("Version", Value::from(version)),
            ("GitCommit", Value::from(git_commit)),
            ("GitTreeState", Value::from(git_tree_state)),
            ("GoVersion", Value::from(go_version)),
        ];
        // Helm 3 has no such field.
        if !kube_client_version.is_empty() {
            fields.push(("KubeClientVersion", Value::from(kube_client_version)));
        }
        fields
    }
}
