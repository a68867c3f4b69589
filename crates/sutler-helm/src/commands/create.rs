//! `helm create`.

use std::fs;
use std::path::Path;

use sutler_chart::create::{NewFile, from_starter, scaffold_as};
use sutler_chart::{Chart, Compatibility, base_name, clean_path, go_quoted};

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::failure::Failure;
use crate::flag::Flag;
use crate::io::Io;

use super::values::file_error;

/// `create`.
pub(super) const COMMAND: Command = Command {
    use_line: "create NAME",
    short: "make a new chart with the given name",
    long: "Makes a folder with a new chart in it: Chart.yaml, values.yaml, .helmignore, templates/ and charts/.

The name may have folders before it. Files that are there already are replaced, others are left alone.",
    flags: &[&[Flag::text("starter", "the starter to begin with: its name, or its path").short('p')]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(run),
    complete: Completion::FilesUpTo(1),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let typed = &call.arguments[0];
    io.line(format!("Creating {typed}"));
    let name = base_name(typed);
    let (above, compatibility) = (folder_of(typed), call.settings.compatibility);
    match call.flags.text("starter") {
        "" => by_scaffold(name, &above, compatibility, io),
        starter if starter.starts_with('/') => by_starter(starter, name, &above, compatibility, io),
        starter => {
            let path = clean_path(&format!("{}/starters/{starter}", call.settings.data_home));
            by_starter(&path, name, &above, compatibility, io)
        }
    }
}

/// What stands before the last `/`, as Go's `filepath.Dir`.
fn folder_of(path: &str) -> String {
    clean_path(path.rsplit_once('/').map_or("", |(folder, _)| if folder.is_empty() { "/" } else { folder }))
}

fn by_scaffold(name: &str, above: &str, compatibility: Compatibility, io: &mut Io<'_>) -> Result<(), Failure> {
    let files = scaffold_as(name, compatibility)?;
    let above =
        clean_path(&if above.starts_with('/') { above.to_owned() } else { format!("{}/{above}", io.folder.display()) });
    let found = fs::metadata(&above).map_err(|error| file_error("stat", &above, error))?;
    if !found.is_dir() {
        return Err(Failure::new(format!("no such directory {above}")));
    }
    let folder = clean_path(&format!("{above}/{name}"));
    refuse_file(&folder)?;
    for NewFile { name, data } in files {
        let path = format!("{folder}/{name}");
        if fs::metadata(&path).is_ok() {
            io.line(format!("WARNING: File {} already exists. Overwriting.", go_quoted(&path)));
        }
        write(&path, &data)?;
    }
    make_folder(&format!("{folder}/charts"))
}

fn by_starter(
    starter: &str,
    name: &str,
    above: &str,
    compatibility: Compatibility,
    io: &mut Io<'_>,
) -> Result<(), Failure> {
    let context = format!("could not load {starter}");
    fs::metadata(starter).map_err(|error| Failure::from(file_error("stat", starter, error)).context(&context))?;
    let mut remarks = Vec::new();
    let chart = match compatibility {
        Compatibility::V4 => Chart::find_of_any_version(starter, &mut remarks),
        Compatibility::V3 => Chart::find_as(starter, compatibility, &mut remarks),
    };
    remarks.iter().for_each(|remark| io.remark(remark));
    let files =
        from_starter(&chart.map_err(|error| Failure::from(error).context(&context))?, name, io.now, compatibility)?;
    let folder = clean_path(&format!("{above}/{name}"));
    refuse_file(&folder)?;
    make_folder(&folder)?;
    files.iter().try_for_each(|file| write(&clean_path(&format!("{folder}/{}", file.name)), &file.data))
}

fn refuse_file(folder: &str) -> Result<(), Failure> {
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => {
            Err(Failure::new(format!("file {folder} already exists and is not a directory")))
        }
        _ => Ok(()),
    }
}

fn make_folder(path: &str) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| file_error("mkdir", path, error).into())
}

fn write(path: &str, data: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = Path::new(path).parent() {
        make_folder(&folder.display().to_string())?;
    }
    fs::write(path, data)
        .map_err(|error| sutler_chart::FileError { action: "open", path: path.to_owned(), error }.into())
}
