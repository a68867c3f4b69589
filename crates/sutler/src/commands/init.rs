//! `sutler init`: a commented stack.yaml, and its schema for the editor.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use anyhow::Context;
use sutler_stack::file::schema;
use sutler_stack::init::{SCHEMA_FILE, STATE_FOLDER, name_of_folder, stack_yaml};
use sutler_stack::load::STACK_FILE;

use crate::Outcome;
use crate::arguments::Init;
use crate::failure::Failure;
use crate::printer;

pub(crate) fn run(arguments: &Init) -> Result<Outcome, Failure> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => {
            let full = std::fs::canonicalize(folder).with_context(|| format!("cannot use `{}`", folder.display()))?;
            name_of_folder(&full.file_name().unwrap_or_default().to_string_lossy())
        }
    };
    let text = stack_yaml(&name);
    sutler_stack::file::read(STACK_FILE, &text, None).and_then(sutler_stack::stack::Stack::from_file).map_err(
        |_| {
            Failure::new(format!("`{name}` is no name for a stack"))
                .hint("lower-case letters, digits and `-`, at most 40")
        },
    )?;
    let path = folder.join(STACK_FILE);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new(format!("`{}` exists and is not overwritten", path.display())).hint("name another folder")
        }
        _ => anyhow::Error::from(error).context(format!("cannot write `{}`", path.display())).into(),
    })?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))?;
    let state = folder.join(STATE_FOLDER);
    std::fs::create_dir_all(&state).with_context(|| format!("cannot make the folder `{}`", state.display()))?;
    let schema_path = state.join(SCHEMA_FILE);
    std::fs::write(&schema_path, schema()).with_context(|| format!("cannot write `{}`", schema_path.display()))?;
    printer::line(format!("wrote {}", path.display()));
    printer::line(format!("wrote {} (your editor completes and checks by it)", schema_path.display()));
    let rest = if folder.as_os_str() == "." { String::new() } else { format!(" {}", folder.display()) };
    printer::note(format!("next: sutler plan{rest}, then sutler up{rest}: in the simulator, where nothing is paid"));
    Ok(Outcome::Done)
}
