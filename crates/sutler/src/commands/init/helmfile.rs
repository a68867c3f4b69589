//! `sutler init --from`: a stack.yaml with the releases of a Helmfile.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sutler_stack::helmfile::{FILES, Outside, Request, convert};

use super::{rest, tell, write};
use crate::failure::Failure;
use crate::{Outcome, printer};

pub(super) fn run(folder: &Path, name: &str, file: &Path, environment: &str) -> Result<Outcome, Failure> {
    let file = match file.is_dir() {
        true => FILES
            .iter()
            .map(|name| file.join(name))
            .find(|path| path.is_file())
            .ok_or_else(|| Failure::new(format!("`{}` has neither {}", file.display(), FILES.join(" nor "))))?,
        false => file.to_path_buf(),
    };
    let outside: Arc<dyn Outside> = Arc::new(Here);
    let adopted = convert(&Request { file: &file, environment, stack: folder, name }, &outside)?;
    write(folder, &adopted.files)?;
    tell(&adopted);
    let rest = rest(folder);
    printer::note(format!("next: sutler plan{rest}: in the simulator, where nothing is paid; with -e, in the cluster"));
    Ok(Outcome::Done)
}

/// This machine.
struct Here;

impl Outside for Here {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn list(&self, path: &Path) -> std::io::Result<Vec<String>> {
        let files = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
        let files: Vec<PathBuf> = files.into_iter().map(|entry| entry.path()).filter(|path| !path.is_dir()).collect();
        let mut names: Vec<String> =
            files.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
        names.sort();
        Ok(names)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn now(&self) -> i64 {
        let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
    }
}
