//! Rules for the templates and what they render (Helm's `rules.Templates`), and for `crds/` (`rules.Crds`).

use sutler_template::{Map, Str, Value};

use super::Severity::{Error, Warning};
use super::stream::{Head, Objects};
use super::{Findings, LintOptions, deprecations, names};
use crate::capabilities::{Capabilities, KubeVersion};
use crate::chart::Chart;
use crate::compat::Compatibility;
use crate::decode::{DecodeError, Fields, Shape, read_document, read_document_as};
use crate::dependencies;
use crate::load::{Entry, Survey};
use crate::log::{Level, Remark};
use crate::render::{Operation, ReleaseInfo, RenderError, RenderOptions, SchemaCheck, render_to_lint};
use crate::schema;
use crate::text::{clean_path, error_chain, extension, go_quoted, is_space};
use crate::values::Coalesce;

/// The folder's name in findings.
const FOLDER: &str = "templates/";

/// The longest first line that Go's scanner reads, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

pub(super) fn check(survey: &Survey, values: &Map, options: &LintOptions, findings: &mut Findings) {
    match &survey.templates {
        // Helm 3 does without it.
        Entry::Absent | Entry::Unknown(_) if options.compatibility == Compatibility::V3 => {}
        Entry::Absent => return findings.add(Warning, FOLDER, "directory does not exist"),
        Entry::Unknown(error) => return findings.add(Error, FOLDER, error.to_string()),
        Entry::File(_) => {
            let severity = if options.compatibility == Compatibility::V4 { Error } else { Warning };
            return findings.add(severity, FOLDER, "not a directory");
        }
        Entry::Folder => {}
    }
    let Some(chart) = loaded(survey, FOLDER, findings) else { return };
    let capabilities = capabilities(options);
    let outputs = match render(chart, values, options, &capabilities, &mut findings.remarks) {
        Ok(outputs) => outputs,
        // As Helm, which gives up without a word where subcharts' values are no tables.
        Err(RenderError::Values(_) | RenderError::Dependencies(_)) => return,
        Err(error) => return findings.add(Error, FOLDER, error_chain(&error)),
    };
    for template in chart.templates() {
        let file = template.name();
        if let Some(problem) = wrong_extension(file) {
            findings.add(Error, file, problem);
        }
        let is_yaml = match options.compatibility {
            Compatibility::V4 => [".yaml", ".yml"].iter().any(|known| extension(file).to_lowercase() == *known),
            Compatibility::V3 => {
                left_from_helm2(file, template.data(), findings);
                extension(file) == ".yaml"
            }
        };
        if !is_yaml {
            continue;
        }
        let output = outputs.get(&clean_path(&format!("{}/{file}", chart.name())));
        let Some(output) = output.filter(|output| !is_blank(output)) else { continue };
        if check_output(file, output, &capabilities.kube_version, options.compatibility, findings).is_none() {
            return;
        }
    }
}

/// The chart, or a finding that it does not load.
fn loaded<'s>(survey: &'s Survey, path: &str, findings: &mut Findings) -> Option<&'s Chart> {
    findings.remarks.extend(survey.remarks.iter().cloned());
    survey.chart.as_ref().map_err(|error| findings.add(Error, path, error_chain(error))).ok()
}

fn capabilities(options: &LintOptions) -> Capabilities {
    let mut capabilities = options.compatibility.capabilities();
    if let Some(version) = &options.kube_version {
        capabilities.kube_version = version.clone();
    }
    capabilities
}

fn render(
    chart: &Chart,
    values: &Map,
    options: &LintOptions,
    capabilities: &Capabilities,
    remarks: &mut Vec<Remark>,
) -> Result<std::collections::BTreeMap<String, Str>, RenderError> {
    let compatibility = options.compatibility;
    let chart = dependencies::process(chart, values, compatibility, remarks)?;
    let values = Coalesce { keep_nulls: false, compatibility, remarks }.values(&chart, values)?;
    // Helm coalesces a second time before it checks; what the first time removed, the chart's own values bring back.
    let values = Coalesce { keep_nulls: false, compatibility, remarks }.values(&chart, &values)?;
    if options.schema == SchemaCheck::Validate {
        check_of(options, remarks).chart(&chart, &values).map_err(RenderError::Schema)?;
    }
    let release = ReleaseInfo {
        name: "test-release".to_owned(),
        namespace: options.namespace.clone(),
        revision: 0,
        operation: Operation::Lint,
    };
    let options = RenderOptions {
        release,
        capabilities: capabilities.clone(),
        seed: options.seed,
        now: options.now,
        limits: options.limits,
        compatibility,
        ..RenderOptions::install("", "")
    };
    render_to_lint(&chart, &values, &options, remarks)
}

/// How values are checked against schemas.
fn check_of<'c>(options: &'c LintOptions, remarks: &'c mut Vec<Remark>) -> schema::Check<'c> {
    let tells_steps = options.lowest_level <= Level::Debug;
    let loader = options.schema_loader.as_ref();
    schema::Check { compatibility: options.compatibility, loader, tells_steps, remarks }
}

/// What Helm 3 minds of charts for Helm 2.
fn left_from_helm2(file: &str, template: &[u8], findings: &mut Findings) {
    let text = String::from_utf8_lossy(template);
    if has_crd_hook(&text) {
        findings.add(Warning, file, "manifest is a crd-install hook. This hook is no longer supported in v3 and all CRDs should also exist the crds/ directory at the top level of the chart");
    }
    if text.contains(".Release.Time") {
        findings.add(
            Error,
            file,
            ".Release.Time has been removed in v3, please replace with the `now` function in your templates",
        );
    }
}

/// `helm.sh/hook: crd-install`, the key in quotes or not.
fn has_crd_hook(text: &str) -> bool {
    const KEY: &str = "helm.sh/hook";
    text.match_indices(KEY).any(|(at, _)| {
        let rest = &text[at + KEY.len()..];
        let Some(value) = rest.strip_prefix('"').unwrap_or(rest).strip_prefix(':') else { return false };
        let trimmed = value.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
        trimmed.len() < value.len() && trimmed.starts_with("crd-install")
    })
}

fn wrong_extension(file: &str) -> Option<String> {
    let found = extension(file);
    (![".yaml", ".yml", ".tpl", ".txt"].contains(&found))
        .then(|| format!("file extension '{found}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt"))
}

fn is_blank(output: &Str) -> bool {
    output.to_str_lossy().chars().all(is_space)
}

/// Checks what one template rendered; none when it is no YAML, after which Helm looks at no other template.
fn check_output(
    file: &str,
    output: &Str,
    cluster: &KubeVersion,
    compatibility: Compatibility,
    findings: &mut Findings,
) -> Option<()> {
    if let Some(problem) = indented_start(output) {
        findings.add(Warning, file, problem);
    }
    for object in Objects::new(output.as_bytes()) {
        match object {
            Err(problem) => {
                findings.add(Error, file, format!("unable to parse YAML: {problem}"));
                return None;
            }
            Ok(Some(head)) => check_object(file, &head, output, cluster, compatibility, findings),
            Ok(None) => {}
        }
    }
    Some(())
}

/// A first line that begins with white space, which YAML may take amiss.
fn indented_start(output: &Str) -> Option<String> {
    for line in output.as_bytes().split(|byte| *byte == b'\n') {
        if line.len() >= LONGEST_LINE {
            return Some("bufio.Scanner: token too long".to_owned());
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if is_blank(&Str::from(line)) {
            continue;
        }
        let quoted = sutler_functions::quoted(&Str::from(line));
        return line
            .starts_with(b" ")
            .then_some(())
            .or(line.starts_with(b"\t").then_some(()))
            .map(|()| format!("document starts with an illegal indent: {quoted}, which may cause parsing problems"));
    }
    None
}

fn check_object(
    file: &str,
    head: &Head,
    output: &Str,
    cluster: &KubeVersion,
    compatibility: Compatibility,
    findings: &mut Findings,
) {
    if let Some(problem) = names::problem(&head.kind, &head.name) {
        findings.add(Warning, file, problem);
    }
    if let Some(warning) = deprecations::warning(&head.api_version, &head.kind, cluster) {
        findings.add(Warning, file, warning);
    }
    if let Some(problem) = no_selector(head, output) {
        findings.add(Error, file, problem);
    }
    if head.kind == "List"
        && let Some(problem) = annotated_items(output, compatibility)
    {
        findings.add(Error, file, problem);
    }
}

/// A workload without a selector; Helm looks for the word anywhere in the file.
fn no_selector(head: &Head, output: &Str) -> Option<String> {
    let is_workload = matches!(head.kind.as_str(), "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet");
    let output = output.to_str_lossy();
    let has_selector = output.contains("matchLabels") || output.contains("matchExpressions");
    (is_workload && !has_selector).then(|| {
        let (kind, name) = (&head.kind, go_quoted(&head.name));
        format!("a {kind} must contain matchLabels or matchExpressions, and {name} does not")
    })
}

/// An item of a list with an annotation that Helm would not see there.
fn annotated_items(output: &Str, compatibility: Compatibility) -> Option<String> {
    match has_policy(output) {
        Ok(false) => None,
        Ok(true) => {
            let annotation = if compatibility == Compatibility::V4 { "annotation" } else { "Annotation" };
            Some(format!("{annotation} 'helm.sh/resource-policy' within List objects are ignored"))
        }
        Err(error) => Some(format!("unable to parse YAML: {}", error_chain(&error))),
    }
}

/// Go's names of the types that a list is read into.
const METADATA_TYPE: &str = "struct { Annotations map[string]string }";
const ITEM_TYPE: &str = "struct { Metadata struct { Annotations map[string]string } }";
const ITEMS_TYPE: &str = "[]struct { Metadata struct { Annotations map[string]string } }";
const LIST_TYPE: &str = "struct { Items []struct { Metadata struct { Annotations map[string]string } } }";

static LIST: Shape = Shape::Struct(&[(
    "items",
    Shape::List(&Shape::Struct(&[("metadata", Shape::Struct(&[("annotations", Shape::Map(&Shape::Text))]))])),
)]);

fn has_policy(output: &Str) -> Result<bool, DecodeError> {
    let text = sutler_yaml::decode(output.as_bytes()).map_err(DecodeError::Read)?;
    let node = read_document_as(&text, &LIST)?;
    let mut found = false;
    Fields::of_document(&node, "", LIST_TYPE)?.for_each(|name, field| {
        if name != "items" {
            return Ok(());
        }
        for item in field.list("Items", ITEMS_TYPE)?.iter().filter(|item| !item.is_null()) {
            field.nested(item, "Items", "", ITEM_TYPE)?.for_each(|name, field| {
                if name != "metadata" {
                    return Ok(());
                }
                field.nested(field.node, "Metadata", "", METADATA_TYPE)?.for_each(|name, field| {
                    if name == "annotations" {
                        found |= field.text_map("Annotations")?.contains_key("helm.sh/resource-policy");
                    }
                    Ok(())
                })
            })?;
        }
        Ok(())
    })?;
    Ok(found)
}

/// Rules for the files below `crds/`, which must hold nothing else.
pub(super) fn check_crds(survey: &Survey, findings: &mut Findings) {
    match &survey.crds {
        Entry::Absent => return,
        Entry::Unknown(error) => return findings.add(Error, "crds/", error.to_string()),
        Entry::File(_) => return findings.add(Error, "crds/", "not a directory"),
        Entry::Folder => {}
    }
    let Some(chart) = loaded(survey, "crds/", findings) else { return };
    for crd in chart.crds() {
        let file = crd.file.name();
        for object in Objects::new(crd.file.data()) {
            match object {
                Err(problem) => return findings.add(Error, file, format!("unable to parse YAML: {problem}")),
                Ok(None) => {}
                Ok(Some(head)) => {
                    if !head.api_version.starts_with("apiextensions.k8s.io") {
                        findings.add(Error, file, "apiVersion is not in 'apiextensions.k8s.io'");
                    }
                    if head.kind != "CustomResourceDefinition" {
                        findings.add(Error, file, "object kind is not 'CustomResourceDefinition'");
                    }
                }
            }
        }
    }
}

/// Rules for Chart.yaml and `charts/` together (Helm's `rules.Dependencies`).
pub(super) fn check_dependencies(survey: &Survey, findings: &mut Findings) {
    findings.remarks.extend(survey.remarks.iter().cloned());
    let chart = match &survey.chart {
        Ok(chart) => chart,
        Err(error) => return findings.add(Error, "", format!("unable to load chart\n\t{}", error_chain(error))),
    };
    let listed = &chart.metadata().dependencies;
    let is_listed = |name: &str| listed.iter().any(|dependency| dependency.name == name);
    let unlisted: Vec<&str> = chart.dependencies().iter().map(Chart::name).filter(|name| !is_listed(name)).collect();
    let missing = dependencies::missing(chart);
    // Two dependencies under one name, Helm's third rule, never get here: such a chart does not load.
    for (severity, what, names) in [(Error, "metadata", unlisted), (Warning, "directory", missing)] {
        if !names.is_empty() {
            let names = names.join(",");
            findings.add(severity, &survey.path, format!("chart {what} is missing these dependencies: {names}"));
        }
    }
}

/// Rules for values.yaml (Helm's `rules.ValuesWithOverrides`). As Helm's, it merges the chart's own values into tables of those
/// given, which whoever comes next sees.
pub(super) fn check_values(survey: &Survey, values: &Map, options: &LintOptions, findings: &mut Findings) {
    const FILE: &str = "values.yaml";
    if matches!(survey.values_yaml, Entry::Absent | Entry::Unknown(_)) {
        return findings.add(super::Severity::Info, FILE, "file does not exist");
    }
    let own = match survey.values_yaml.read(&format!("{}/{FILE}", survey.path)) {
        Err(error) => Err(error.to_string()),
        Ok(bytes) => own_values(bytes, options.compatibility).map_err(|error| error_chain(&error)),
    };
    let own = match own {
        Ok(own) => own,
        Err(problem) => return findings.add(Error, FILE, format!("unable to parse YAML: {problem}")),
    };
    let merged = Map::new();
    crate::values::coalesce_tables(&merged, values, false, options.compatibility, &mut findings.remarks);
    crate::values::coalesce_tables(&merged, &own, false, options.compatibility, &mut findings.remarks);
    let Ok(bytes) = survey.schema.read("") else { return };
    // Helm 3 does not pass over it here.
    let checks = options.schema == SchemaCheck::Validate || options.compatibility == Compatibility::V3;
    if checks
        && !bytes.is_empty()
        && let Err(problem) =
            check_of(options, &mut findings.remarks).single(bytes, &crate::values::to_json(&Value::Map(merged)))
    {
        findings.add(Error, FILE, problem);
    }
}

/// The first document of values.yaml, unlike loading, which reads all of them.
fn own_values(bytes: &[u8], compatibility: Compatibility) -> Result<Map, DecodeError> {
    let text = sutler_yaml::decode(bytes).map_err(DecodeError::Read)?;
    let node = read_document(&text)?;
    match crate::values::from_yaml(&node).map_err(DecodeError::Convert)? {
        Value::Map(own) => Ok(own),
        Value::Nil => Ok(Map::new()),
        _ => Err(DecodeError::Type {
            found: crate::decode::json_kind(&node),
            target: format!("value of type {}", compatibility.types().values.name),
        }),
    }
}
