//! The flags of `helm template` from words, as far as the cases use them, and what they do with the charts of a folder.

use std::path::Path;

use sutler_chart::helm_template::{HelmTemplate, TemplateInputs, TemplateOutput};
use sutler_chart::{Chart, Compatibility};

/// Splits a line at spaces; single quotes keep them.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_with(String::new);
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_with(String::new).push(c),
        }
    }
    words.extend(word);
    words
}

/// Reads flags. Panics on those it does not know.
pub(crate) fn flags(words: &[String]) -> HelmTemplate {
    let mut flags = HelmTemplate { namespace: "default".to_owned(), ..HelmTemplate::default() };
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().expect("the flag has a value").clone();
        match word.as_str() {
            "-f" | "--values" => flags.values_files.push(value()),
            "--set" => flags.values.set.push(value()),
            "--set-string" => flags.values.set_string.push(value()),
            "--set-json" => flags.values.set_json.push(value()),
            "--set-file" => flags.values.set_file.push(value()),
            "--set-literal" => flags.values.set_literal.push(value()),
            "-n" | "--namespace" => flags.namespace = value(),
            "--name-template" => flags.name_template = value(),
            "--kube-version" => flags.kube_version = value(),
            "--output-dir" => flags.output_dir = value(),
            "-s" | "--show-only" => flags.show_only.push(value()),
            "-a" | "--api-versions" => flags.api_versions.extend(value().split(',').map(str::to_owned)),
            "--generate-name" => flags.generate_name = true,
            "--include-crds" => flags.include_crds = true,
            "--skip-tests" => flags.skip_tests = true,
            "--no-hooks" => flags.no_hooks = true,
            "--is-upgrade" => flags.is_upgrade = true,
            "--skip-schema-validation" => flags.skip_schema_validation = true,
            "--render-subchart-notes" => flags.render_subchart_notes = true,
            "--release-name" => flags.use_release_name = true,
            flag if flag.starts_with('-') => panic!("the flag {flag} is not known here"),
            word => flags.args.push(word.to_owned()),
        }
    }
    flags
}

/// Runs the flags with charts and files looked for in `folder`.
pub(crate) fn run(compatibility: Compatibility, words: &[String], folder: &Path) -> TemplateOutput {
    let inside = |path: &str| match path.starts_with('/') {
        true => path.to_owned(),
        false => folder.join(path).display().to_string(),
    };
    let mut find = |reference: &str, remarks: &mut Vec<_>| {
        // A reference that leads nowhere is reported as it was typed.
        let found = folder.join(reference).exists();
        Chart::find_as(if found { inside(reference) } else { reference.to_owned() }.as_str(), compatibility, remarks)
    };
    let mut read =
        |path: &str| std::fs::read(inside(path)).map_err(|_| format!("open {path}: no such file or directory"));
    let now = jiff::Timestamp::from_second(1_700_000_000).expect("the time is valid");
    let flags = HelmTemplate { compatibility, ..flags(words) };
    flags.run(&mut TemplateInputs { find: &mut find, read: &mut read, now, seed: [7; 32] })
}
