//! The commands, one file each. How one is added stands in the crate's documentation.

pub mod flag_groups;

mod cluster;
mod compare;
mod completion;
mod create;
mod dependency;
mod docs;
mod env;
mod help;
mod lint;
mod package;
pub(crate) mod plugin;
mod pull;
mod push;
mod registry;
mod repo;
mod search;
mod show;
mod template;
mod values;
mod verify;
mod version;

use crate::command::{Command, Invocation, StartedAs};
use crate::failure::Failure;
use crate::io::Io;

/// `helm`, and in it all commands, in the order in which Helm adds them.
pub const HELM: Command = Command {
    use_line: "helm",
    short: "Helm's commands.",
    long: "Installs, renders and looks after charts: the packages of Kubernetes.

Where things are kept:

| Variable                           | What it says                                                                  |
|------------------------------------|-------------------------------------------------------------------------------|
| $HELM_CACHE_HOME                   | the folder of caches                                                          |
| $HELM_CONFIG_HOME                  | the folder of configuration                                                   |
| $HELM_DATA_HOME                    | the folder of data, such as plugins                                           |
| $HELM_PLUGINS                      | the folders of plugins                                                        |
| $HELM_NO_PLUGINS                   | 1 to leave plugins out                                                        |
| $HELM_REGISTRY_CONFIG              | the file of registries' credentials                                           |
| $HELM_REPOSITORY_CONFIG            | the file that names the repositories                                          |
| $HELM_REPOSITORY_CACHE             | the folder of cached repository indexes                                       |
| $HELM_CONTENT_CACHE                | the folder of cached content, such as charts                                  |
| $HELM_DRIVER                       | where releases are kept: secret, configmap, memory, sql                       |
| $HELM_DRIVER_SQL_CONNECTION_STRING | the connection of the driver sql                                              |
| $HELM_MAX_HISTORY                  | how many revisions of a release are kept                                      |
| $HELM_NAMESPACE                    | the namespace to work in                                                      |
| $KUBECONFIG                        | the kubeconfig files (default \"~/.kube/config\")                               |
| $HELM_KUBECONTEXT                  | the kubeconfig's context                                                      |
| $HELM_KUBEAPISERVER                | the cluster's API                                                             |
| $HELM_KUBECAFILE                   | the file with the authority that signed the API's certificate                 |
| $HELM_KUBETOKEN                    | the bearer token                                                              |
| $HELM_KUBEASUSER                   | the user to act as                                                            |
| $HELM_KUBEASGROUPS                 | the groups to act as, by commas                                               |
| $HELM_KUBEINSECURE_SKIP_TLS_VERIFY | true to not check the API's certificate                                       |
| $HELM_KUBETLS_SERVER_NAME          | the name that the API's certificate is checked against                        |
| $HELM_BURST_LIMIT                  | how many requests may go to the cluster at once (default 100, -1 for any)     |
| $HELM_QPS                          | how many requests may go to the cluster in a second                           |
| $HELM_DEBUG                        | true to say more                                                              |
| $HELM_COLOR                        | never, auto or always                                                         |
| $NO_COLOR                          | anything to have no color, whatever $HELM_COLOR says                          |

Without $HELM_…_HOME the folders are `helm` below $XDG_CACHE_HOME, $XDG_CONFIG_HOME and $XDG_DATA_HOME; without these, below

| System  | Caches           | Configuration         | Data           |
|---------|------------------|-----------------------|----------------|
| Linux   | ~/.cache         | ~/.config             | ~/.local/share |
| macOS   | ~/Library/Caches | ~/Library/Preferences | ~/Library      |
| Windows | %TEMP%           | %APPDATA%             | %APPDATA%      |",
    subcommands: &[
        &create::COMMAND,
        &dependency::COMMAND,
        &pull::COMMAND,
        &show::COMMAND,
        &lint::COMMAND,
        &lint::OF_HELM3,
        &package::COMMAND,
        &repo::COMMAND,
        &search::COMMAND,
        &verify::COMMAND,
        &cluster::GET,
        &cluster::HISTORY,
        &cluster::INSTALL_COMMAND,
        &cluster::LIST,
        &cluster::TEST,
        &cluster::ROLLBACK,
        &cluster::STATUS,
        &template::COMMAND,
        &cluster::UNINSTALL,
        &cluster::UPGRADE,
        &completion::COMMAND,
        &env::COMMAND,
        &plugin::COMMAND,
        &version::COMMAND,
        &docs::COMMAND,
        &registry::COMMAND,
        &push::COMMAND,
        &help::COMMAND,
    ],
    ..Command::EMPTY
};

/// The command that holds all others.
pub(crate) fn root(started_as: StartedAs) -> &'static Command {
    match started_as {
        StartedAs::Helm => &HELM,
        StartedAs::Sutler => &SUTLER_HELM,
    }
}

/// `sutler helm`: Helm's commands and our own.
pub const SUTLER_HELM: Command = Command { subcommands: &WITH_OWN, ..HELM };

/// Helm's commands, and those that it has not.
const WITH_OWN: [&Command; HELM.subcommands.len() + 1] = {
    let mut all = [&compare::COMMAND; HELM.subcommands.len() + 1];
    let mut at = 0;
    while at < HELM.subcommands.len() {
        all[at] = HELM.subcommands[at];
        at += 1;
    }
    all
};

/// What a command answers that the table has and this build has not.
fn not_available(call: &Invocation, _: &mut Io<'_>) -> Result<(), Failure> {
    Err(Failure::not_available(&call.command_path()))
}
