//! What templates see beside `.Values`: `.Files`, `.Capabilities`, `.Chart`, `.Release`, with the Go types that `typeOf` names.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sutler_template::types::{self, Type};
use sutler_template::{Arguments, CallError, Context, List, Map, Method, Object, Signature, Str, Value};

use super::{Operation, ReleaseInfo, values_methods};
use crate::capabilities::{Capabilities, HelmVersion, KubeVersion};
use crate::chart::Chart;
use crate::compat::Compatibility;
use crate::metadata::{Dependency, Metadata};
use crate::pattern::FileGlob;
use crate::text::base_name;
use crate::values::from_json;

/// `.Values`, `.Template`, and the dot that a file begins with.
pub(crate) static VALUES: Type = Type::named("common.Values", &types::MAP).with_methods(&values_methods::METHODS);

/// The same in Helm 3.
pub(crate) static VALUES_OF_HELM3: Type =
    Type::named("chartutil.Values", &types::MAP).with_methods(&values_methods::METHODS_OF_HELM3);

static BYTES_MAP: Type = Type::map("map[string][]uint8", &types::BYTES);
static FILES: Type = Type::named("engine.files", &BYTES_MAP).with_methods(&[
    method("Get", &[&types::STRING], &types::STRING, files_get),
    method("GetBytes", &[&types::STRING], &types::BYTES, files_get_bytes),
    method("Glob", &[&types::STRING], &FILES, files_glob),
    method("Lines", &[&types::STRING], &types::STRINGS, files_lines),
    method("AsConfig", &[], &types::STRING, files_as_config),
    method("AsSecrets", &[], &types::STRING, files_as_secrets),
]);

pub(crate) static CAPABILITIES: Type = Type::pointer("*common.Capabilities");
pub(crate) static VERSION_SET: Type = Type::named("common.VersionSet", &types::STRINGS).with_methods(&[method(
    "Has",
    &[&types::STRING],
    &types::BOOL,
    has,
)]);
pub(crate) static KUBE_VERSION: Type = Type::structure("common.KubeVersion").with_methods(&[
    method("String", &[], &types::STRING, kube_version_string),
    method("GitVersion", &[], &types::STRING, kube_version_git),
]);
pub(crate) static HELM_VERSION: Type = Type::structure("version.BuildInfo");

pub(super) const fn method(
    name: &'static str,
    params: &'static [&'static Type],
    result: &'static Type,
    call: sutler_template::MethodCall,
) -> Method {
    Method { name, signature: Signature { params, variadic: None, result }, call }
}

/// `.Files` of a chart: its files by path, without copying their contents.
pub(super) fn files(chart: &Chart) -> Value {
    let contents = chart.files().iter().map(|file| (file.name(), Value::List(List::bytes(file.content().clone()))));
    Value::Map(contents.collect::<Map>().as_type(&FILES))
}

/// The content of a file in a `.Files` map.
fn content(files: &Value, name: &Str) -> Option<Str> {
    match files.get(name) {
        Some(Value::List(bytes)) => bytes.as_bytes().cloned(),
        _ => None,
    }
}

fn files_get(_: &mut Context<'_>, files: &Value, args: Arguments<'_>) -> Result<Value, CallError> {
    Ok(Value::String(content(files, args.str(0)?).unwrap_or_default()))
}

fn files_get_bytes(_: &mut Context<'_>, files: &Value, args: Arguments<'_>) -> Result<Value, CallError> {
    Ok(Value::List(List::bytes(content(files, args.str(0)?).unwrap_or_default())))
}

fn files_glob(_: &mut Context<'_>, files: &Value, args: Arguments<'_>) -> Result<Value, CallError> {
    let glob = FileGlob::new(&args.str(0)?.to_str_lossy());
    let entries = files.as_map().map(Map::entries).unwrap_or_default();
    let matching = entries.into_iter().filter(|(name, _)| glob.matches(&name.to_str_lossy()));
    Ok(Value::Map(matching.collect::<Map>().as_type(&FILES)))
}

fn files_lines(_: &mut Context<'_>, files: &Value, args: Arguments<'_>) -> Result<Value, CallError> {
    let Some(content) = content(files, args.str(0)?) else {
        return Ok(Value::List(List::strings(Vec::<Str>::new())));
    };
    let bytes = content.as_bytes();
    if bytes.is_empty() {
        // Helm looks at the last byte without asking whether there is one.
        return Err(CallError::new("runtime error: index out of range [-1]"));
    }
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    Ok(Value::List(List::strings(bytes.split(|byte| *byte == b'\n').map(Str::from_bytes))))
}

fn files_as_config(_: &mut Context<'_>, files: &Value, _: Arguments<'_>) -> Result<Value, CallError> {
    Ok(by_base_name(files, |bytes| String::from_utf8_lossy(bytes).into_owned()))
}

fn files_as_secrets(_: &mut Context<'_>, files: &Value, _: Arguments<'_>) -> Result<Value, CallError> {
    Ok(by_base_name(files, |bytes| STANDARD.encode(bytes)))
}

/// The files as YAML, by the last part of their paths; empty when they cannot be written, as in Helm.
fn by_base_name(files: &Value, text: impl Fn(&[u8]) -> String) -> Value {
    let mut named = BTreeMap::new();
    for (path, file) in files.as_map().map(Map::entries).unwrap_or_default() {
        let bytes = file.as_list().and_then(List::as_bytes).cloned().unwrap_or_default();
        named.insert(base_name(&path.to_str_lossy()).to_owned(), text(bytes.as_bytes()));
    }
    let yaml = sutler_yaml::write(&named).unwrap_or_default();
    Value::from(yaml.strip_suffix('\n').unwrap_or(&yaml))
}

/// `.Release`.
pub(super) fn release(info: &ReleaseInfo) -> Value {
    let entries = [
        ("Name", Value::from(&info.name)),
        ("Namespace", Value::from(&info.namespace)),
        ("Revision", Value::Int(info.revision)),
        ("IsInstall", Value::Bool(info.operation == Operation::Install)),
        ("IsUpgrade", Value::Bool(info.operation == Operation::Upgrade)),
        ("Service", Value::from("Helm")),
    ];
    Value::Map(entries.into_iter().collect())
}

/// `.Chart`: the metadata by the names of Helm's Go fields.
pub(crate) fn chart(metadata: &Metadata, is_root: bool) -> Value {
    let text = |text: &String| Value::from(text);
    let texts = |texts: &[String]| list(texts.iter().map(Value::from));
    let annotations = match &metadata.annotations {
        None => Map::nil(&types::STRING_MAP),
        Some(annotations) => {
            annotations.iter().map(|(key, value)| (key, text(value))).collect::<Map>().as_type(&types::STRING_MAP)
        }
    };
    let maintainers = metadata.maintainers.iter().map(|maintainer| {
        let entries = [("Name", &maintainer.name), ("Email", &maintainer.email), ("URL", &maintainer.url)]
            .map(|(key, value)| (key, text(value)));
        Value::Map(entries.into_iter().collect())
    });
    let entries = [
        ("Name", text(&metadata.name)),
        ("Home", text(&metadata.home)),
        ("Sources", texts(&metadata.sources)),
        ("Version", text(&metadata.version)),
        ("Description", text(&metadata.description)),
        ("Keywords", texts(&metadata.keywords)),
        ("Maintainers", list(maintainers)),
        ("Icon", text(&metadata.icon)),
        ("APIVersion", text(&metadata.api_version)),
        ("Condition", text(&metadata.condition)),
        ("Tags", text(&metadata.tags)),
        ("AppVersion", text(&metadata.app_version)),
        ("Deprecated", Value::Bool(metadata.deprecated)),
        ("Annotations", Value::Map(annotations)),
        ("KubeVersion", text(&metadata.kube_version)),
        ("Dependencies", list(metadata.dependencies.iter().map(dependency))),
        ("Type", text(&metadata.kind)),
        ("IsRoot", Value::Bool(is_root)),
    ];
    Value::Map(entries.into_iter().collect())
}

fn dependency(dependency: &Dependency) -> Value {
    let imports = dependency.import_values.iter().map(|import| match from_json(import) {
        // What a release made of them is a map of texts.
        Value::Map(import) => Value::Map(import.as_type(&types::STRING_MAP)),
        other => other,
    });
    let entries = [
        ("Name", Value::from(&dependency.name)),
        ("Version", Value::from(&dependency.version)),
        ("Repository", Value::from(&dependency.repository)),
        ("Condition", Value::from(&dependency.condition)),
        ("Tags", list(dependency.tags.iter().map(Value::from))),
        ("Enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", list(imports)),
        ("Alias", Value::from(&dependency.alias)),
    ];
    Value::Map(entries.into_iter().collect())
}

fn list(items: impl Iterator<Item = Value>) -> Value {
    Value::List(List::new(items.collect()))
}

/// `.Capabilities`.
pub(super) fn capabilities(capabilities: &Capabilities, compatibility: Compatibility) -> Value {
    let versions = capabilities.api_versions.iter().map(Value::from).collect();
    let types = compatibility.types();
    let (kube, helm) = (capabilities.kube_version.clone(), capabilities.helm_version.clone());
    Value::object(CapabilitiesObject {
        go_type: types.capabilities,
        kube_version: Value::object(KubeVersionObject { version: kube, go_type: types.kube_version, compatibility }),
        api_versions: Value::List(List::with_type(versions, types.version_set)),
        helm_version: Value::object(HelmVersionObject { build: helm, go_type: types.helm_version, compatibility }),
    })
}

struct CapabilitiesObject {
    go_type: &'static Type,
    kube_version: Value,
    api_versions: Value,
    helm_version: Value,
}

impl Object for CapabilitiesObject {
    fn go_type(&self) -> &'static Type {
        self.go_type
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("KubeVersion", self.kube_version.clone()),
            ("APIVersions", self.api_versions.clone()),
            ("HelmVersion", self.helm_version.clone()),
        ]
    }
}

fn has(_: &mut Context<'_>, versions: &Value, args: Arguments<'_>) -> Result<Value, CallError> {
    let wanted = args.str(0)?;
    let found =
        versions.as_list().is_some_and(|versions| versions.iter().any(|version| version.as_string() == Some(wanted)));
    Ok(Value::Bool(found))
}

struct KubeVersionObject {
    version: KubeVersion,
    go_type: &'static Type,
    compatibility: Compatibility,
}

impl Object for KubeVersionObject {
    fn go_type(&self) -> &'static Type {
        self.go_type
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = self.json_fields().unwrap_or_default();
        if self.compatibility == Compatibility::V4 {
            fields.insert(1, ("normalizedVersion", self.version.normalized().into()));
        }
        fields
    }

    fn addressed_string(&self) -> Option<Str> {
        Some(self.version.normalized().into())
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let version = &self.version;
        let fields = [("Version", version.version()), ("Major", version.major()), ("Minor", version.minor())];
        Some(fields.map(|(name, text)| (name, Value::from(text))).into())
    }
}

fn kube_version_string(_: &mut Context<'_>, version: &Value, _: Arguments<'_>) -> Result<Value, CallError> {
    Ok(version.downcast::<KubeVersionObject>().map_or(Value::EMPTY, |version| version.version.normalized().into()))
}

fn kube_version_git(_: &mut Context<'_>, version: &Value, _: Arguments<'_>) -> Result<Value, CallError> {
    Ok(version.downcast::<KubeVersionObject>().map_or(Value::EMPTY, |version| version.version.version().into()))
}

struct HelmVersionObject {
    build: HelmVersion,
    go_type: &'static Type,
    compatibility: Compatibility,
}

impl Object for HelmVersionObject {
    fn go_type(&self) -> &'static Type {
        self.go_type
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![
            ("Version", Value::from(&self.build.version)),
            ("GitCommit", Value::from(&self.build.git_commit)),
            ("GitTreeState", Value::from(&self.build.git_tree_state)),
            ("GoVersion", Value::from(&self.build.go_version)),
        ];
        if self.compatibility == Compatibility::V4 {
            fields.push(("KubeClientVersion", Value::from(&self.build.kube_client_version)));
        }
        fields
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let names = ["version", "git_commit", "git_tree_state", "go_version", "kube_client_version"];
        let named = names.into_iter().zip(self.fields()).map(|(name, (_, value))| (name, value));
        // Each is left out where it is empty, but for the version.
        Some(named.filter(|(name, value)| *name == "version" || value.truth()).collect())
    }
}
