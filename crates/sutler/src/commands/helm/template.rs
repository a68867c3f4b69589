//! `sutler helm template`: reads what is named, lets the library decide, writes files and output.

use std::io::Read as _;

use anyhow::Context;
use sutler_chart::Chart;
use sutler_chart::ValuesOptions;
use sutler_chart::helm_template::{HelmTemplate as Template, TemplateInputs, WriteMode};

use crate::Outcome;
use crate::arguments::HelmTemplate;
use crate::failure::Failure;
use crate::printer;

pub(super) fn run(arguments: HelmTemplate) -> Result<Outcome, Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Failure::new(format!("the system gives no random bytes: {error}")))?;
    let template = Template {
        args: arguments.name_and_chart,
        namespace: arguments.namespace.unwrap_or_else(|| super::DEFAULT_NAMESPACE.to_owned()),
        values_files: arguments.values.files,
        values: ValuesOptions {
            files: Vec::new(),
            set_json: arguments.values.set_json,
            set: arguments.values.set,
            set_string: arguments.values.set_string,
            set_file: arguments.values.set_file,
            set_literal: arguments.values.set_literal,
        },
        name_template: arguments.name_template.unwrap_or_default(),
        generate_name: arguments.generate_name,
        show_only: arguments.show_only,
        include_crds: arguments.include_crds,
        skip_tests: arguments.skip_tests,
        no_hooks: arguments.no_hooks,
        api_versions: arguments.api_versions,
        kube_version: arguments.kube_version.unwrap_or_default(),
        is_upgrade: arguments.is_upgrade,
        skip_schema_validation: arguments.skip_schema_validation,
        render_subchart_notes: false,
        output_dir: arguments.output_dir.map(|path| path.display().to_string()).unwrap_or_default(),
        use_release_name: arguments.release_name,
    };
    let mut inputs = TemplateInputs { find: &mut Chart::find, read: &mut read, now: jiff::Timestamp::now(), seed };
    let output = template.run(&mut inputs);
    for file in &output.files {
        let path = std::path::Path::new(&file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("cannot make the folder `{}`", parent.display()))?;
        }
        write(path, &file.text, file.mode).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    printer::data(&output.stdout);
    if !output.stderr.is_empty() {
        printer::note(output.stderr.trim_end_matches('\n'));
    }
    if output.exit_code == 0 { Ok(Outcome::Done) } else { Ok(Outcome::Failed) }
}

fn write(path: &std::path::Path, text: &str, mode: WriteMode) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true);
    match mode {
        WriteMode::Replace => options.truncate(true),
        WriteMode::Append => options.append(true),
    };
    options.open(path)?.write_all(text.as_bytes())
}

/// Reads a file, or standard input for `-`; the message is Go's.
fn read(path: &str) -> Result<Vec<u8>, String> {
    if path.trim() == "-" {
        let mut bytes = Vec::new();
        return std::io::stdin()
            .read_to_end(&mut bytes)
            .map(|_| bytes)
            .map_err(|error| format!("read /dev/stdin: {error}"));
    }
    std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("open {path}: no such file or directory"),
        std::io::ErrorKind::PermissionDenied => format!("open {path}: permission denied"),
        std::io::ErrorKind::IsADirectory => format!("read {path}: is a directory"),
        _ => format!("open {path}: {error}"),
    })
}
