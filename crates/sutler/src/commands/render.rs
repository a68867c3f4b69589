//! `sutler render`: the releases' manifests as files, without secrets.

use anyhow::Context;
use sutler_stack::load::load;
use sutler_stack::render::{INDEX, render};
use sutler_stack::session::Session;

use crate::Outcome;
use crate::arguments::Render;
use crate::failure::Failure;
use crate::{choose, printer, repositories};

pub(crate) async fn run(arguments: &Render) -> Result<Outcome, Failure> {
    let chosen = choose::stack(&arguments.stack);
    let loaded = load(&chosen.file, chosen.environment.as_deref(), &repositories::of_this_user())?;
    let session = Session::in_memory(&loaded.stack.cluster.name)?;
    let files = render(&session, &loaded).await?;
    let out = &arguments.folder;
    let before = match std::fs::read_to_string(out.join(INDEX)) {
        Ok(index) => index.lines().map(str::to_owned).collect(),
        Err(_) => Vec::new(),
    };
    let is_empty = std::fs::read_dir(out).map_or(true, |mut entries| entries.next().is_none());
    if before.is_empty() && !is_empty {
        return Err(Failure::new(format!("`{}` is not empty, and was not written by `sutler render`", out.display()))
            .hint("name a new folder"));
    }
    for (name, text) in &files {
        let path = out.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("cannot make the folder `{}`", parent.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    // What an earlier rendering wrote and this one does not is gone from the stack.
    for name in before.iter().filter(|name| !files.contains_key(*name) && is_inside(name)) {
        let path = out.join(name);
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(anyhow::Error::from(error).context(format!("cannot remove `{}`", path.display())).into());
        }
    }
    for name in files.keys().filter(|name| *name != INDEX) {
        printer::line(out.join(name).display().to_string());
    }
    Ok(Outcome::Done)
}

/// Whether an index's line names a file of the folder: the index may have been edited.
fn is_inside(name: &str) -> bool {
    let path = std::path::Path::new(name);
    path.components().all(|part| matches!(part, std::path::Component::Normal(_)))
}
