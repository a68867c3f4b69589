//! `sutler init`: a stack.yaml, and its schema for the editor.

mod cluster;
mod helmfile;

use std::path::Path;

use anyhow::Context;
use sutler_stack::adopt::Adopted;
use sutler_stack::file::schema;
use sutler_stack::init::{
    NewFile, SCHEMA_FILE, STATE_FOLDER, WriteError, name_of_folder, one_line, stack_yaml, write_new,
};
use sutler_stack::load::STACK_FILE;

use crate::arguments::Init;
use crate::failure::Failure;
use crate::{Outcome, printer};

pub(crate) fn run(arguments: &Init) -> Result<Outcome, Failure> {
    let folder = &arguments.folder;
    let there = folder.join(STACK_FILE);
    if there.symlink_metadata().is_ok() {
        return Err(WriteError::Exists(there).into());
    }
    let name = name(arguments)?;
    if let Some(context) = &arguments.from_context {
        let context = Some(context.as_str()).filter(|context| !context.is_empty());
        return crate::block_on(cluster::run(folder, &name, context, &arguments.charts));
    }
    if let Some(file) = &arguments.from {
        return helmfile::run(folder, &name, file, &arguments.environment);
    }
    write(folder, &[NewFile::plain(STACK_FILE, stack_yaml(&name))])?;
    let rest = rest(folder);
    printer::note(format!("next: sutler plan{rest}, then sutler up{rest}: in the simulator, where nothing is paid"));
    Ok(Outcome::Done)
}

/// The stack's name: the one given, or the folder's, whether the folder is there yet or not.
fn name(arguments: &Init) -> Result<String, Failure> {
    let folder = &arguments.folder;
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => {
            let full = std::path::absolute(folder).with_context(|| format!("cannot use `{}`", folder.display()))?;
            let full = std::fs::canonicalize(&full).unwrap_or(full);
            name_of_folder(&full.file_name().unwrap_or_default().to_string_lossy())
        }
    };
    sutler_stack::file::read(STACK_FILE, &stack_yaml(&name), None)
        .and_then(sutler_stack::stack::Stack::from_file)
        .map_err(|_| {
            Failure::new(format!("`{name}` is no name for a stack"))
                .hint("lower-case letters, digits and `-`, at most 40")
        })?;
    Ok(name)
}

/// Writes files where there are none, and the schema beside them.
fn write(folder: &Path, files: &[NewFile]) -> Result<(), Failure> {
    write_new(folder, files)?;
    let state = folder.join(STATE_FOLDER);
    std::fs::create_dir_all(&state).with_context(|| format!("cannot make the folder `{}`", state.display()))?;
    let schema_path = state.join(SCHEMA_FILE);
    std::fs::write(&schema_path, schema()).with_context(|| format!("cannot write `{}`", schema_path.display()))?;
    for line in summary(folder, files) {
        printer::line(line);
    }
    printer::line(format!("wrote {} (your editor completes and checks by it)", schema_path.display()));
    Ok(())
}

/// Says what was taken over, what was not, and what is worth a look.
fn tell(adopted: &Adopted) {
    match adopted.releases.as_slice() {
        [] => printer::note("no release was taken over"),
        releases => printer::note(format!("releases: {}", releases.join(", "))),
    }
    for warning in &adopted.warnings {
        printer::note(format!("warning: {}", one_line(warning)));
    }
    if !adopted.left.is_empty() {
        printer::note(format!("not in {STACK_FILE}:"));
    }
    for sentence in &adopted.left {
        printer::note(format!("  - {}", one_line(sentence)));
    }
}

/// A line for each file, and one for each chart.
fn summary(folder: &Path, files: &[NewFile]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for file in files {
        let mut parts = file.path.split('/');
        let line = match (parts.next(), parts.next()) {
            (Some("charts"), Some(chart)) => {
                format!("wrote {}", folder.join("charts").join(one_line(chart)).display())
            }
            _ => format!("wrote {}", folder.join(&file.path).display()),
        };
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines
}

/// The folder as it stands in the next command, with a space before it.
fn rest(folder: &Path) -> String {
    if folder.as_os_str() == "." { String::new() } else { format!(" {}", folder.display()) }
}
