//! Which stack or cluster a command means.
//!
//! A path that is given counts; else the stack.yaml of the current folder. Where there is none, the simulated cluster
//! that was brought up last is meant (and said): never a real one, which must always be named.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sutler_stack::load::{STACK_FILE, stack_file};

use crate::arguments::StackArguments;
use crate::printer;

/// A stack's file and the environment, as far as it was said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Chosen {
    /// The file.
    pub(crate) file: PathBuf,
    /// The environment.
    pub(crate) environment: Option<String>,
}

/// The stack that a command means.
pub(crate) fn stack(arguments: &StackArguments) -> Chosen {
    let environment = arguments.environment.clone();
    if let Some(path) = arguments.file.as_ref().or(arguments.path.as_ref()) {
        return Chosen { file: stack_file(path), environment };
    }
    here().or_else(|| last_simulated(environment.as_deref())).map_or(
        Chosen { file: STACK_FILE.into(), environment: environment.clone() },
        |chosen| Chosen { environment: environment.or(chosen.environment), ..chosen },
    )
}

/// The stack of the current folder.
pub(crate) fn here() -> Option<Chosen> {
    let file = PathBuf::from(STACK_FILE);
    file.is_file().then_some(Chosen { file, environment: None })
}

/// The simulated stack that was brought up last, if it is there still and no other environment is asked for. Says so.
pub(crate) fn last_simulated(environment: Option<&str>) -> Option<Chosen> {
    let chosen: Chosen = serde_json::from_slice(&std::fs::read(memory()?).ok()?).ok()?;
    if !chosen.file.is_file() || environment.is_some_and(|asked| chosen.environment.as_deref() != Some(asked)) {
        return None;
    }
    printer::note(format!(
        "using the simulated cluster of {} (brought up last; no {STACK_FILE} here)",
        chosen.file.display()
    ));
    Some(chosen)
}

/// Remembers a simulated stack as the last one that was brought up.
pub(crate) fn remember_simulated(file: &Path, environment: &str) {
    let Some(memory) = memory() else { return };
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    let text = serde_json::json!(Chosen { file, environment: Some(environment.to_owned()) }).to_string();
    let written = memory.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&memory, text));
    if let Err(error) = written {
        // Only a convenience is lost.
        tracing::debug!(%error, path = %memory.display(), "the last stack could not be remembered");
    }
}

/// Forgets it, since it was taken down.
pub(crate) fn forget_simulated() {
    if let Some(Err(error)) = memory().map(std::fs::remove_file) {
        tracing::debug!(%error, "there was no last stack to forget");
    }
}

/// `last-simulated.json` in the user's state folder.
fn memory() -> Option<PathBuf> {
    let folder = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("sutler/last-simulated.json"))
}
