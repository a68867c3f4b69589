//! plugin.yaml: the older form without `apiVersion`, and `v1`.

use std::collections::BTreeMap;

use sutler_chart::go_quoted;
use sutler_functions::semver::Version;
use sutler_yaml::{Data, Node};
use thiserror::Error;

/// What a plugin.yaml says, whichever form it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// The plugin's name.
    pub name: String,
    /// Its version; empty where it says none.
    pub version: String,
    /// `legacy` or `v1`.
    pub api_version: &'static str,
    /// Where it comes from; empty where it does not say.
    pub source_url: String,
    /// What it is.
    pub kind: PluginKind,
    /// How it is run.
    pub runtime: Runtime,
}

/// What a plugin is.
#[derive(Debug, Clone, PartialEq)]
pub enum PluginKind {
    /// A command, `cli/v1`.
    Cli {
        /// Its use line; empty for its name.
        usage: String,
        /// One line about it.
        short_help: String,
        /// More about it.
        long_help: String,
        /// Whether it is called without arguments.
        ignore_flags: bool,
    },
    /// A getter of charts, `getter/v1`: the protocols that it serves.
    Getter {
        /// Schemes of URLs.
        protocols: Vec<String>,
    },
    /// A post-renderer, `postrenderer/v1`.
    PostRenderer,
    /// A plugin of Helm's own tests, `test/v1`.
    Test,
}

/// How a plugin is run.
#[derive(Debug, Clone, PartialEq)]
pub enum Runtime {
    /// As a program.
    Subprocess {
        /// What is called, by platform.
        commands: Vec<PlatformCommand>,
        /// What is called at `install`, `update` and `delete`, by platform.
        hooks: BTreeMap<String, Vec<PlatformCommand>>,
        /// Whether variables in the hooks' arguments are replaced.
        expand_hooks: bool,
        /// What is called for a URL's protocol.
        protocols: Vec<ProtocolCommand>,
    },
    /// In a WebAssembly machine, which there is not here.
    Extism,
}

/// A command for a platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlatformCommand {
    /// Go's name of an operating system; empty for all.
    pub os: String,
    /// Go's name of an architecture; empty for all.
    pub arch: String,
    /// The program, and words behind it.
    pub command: String,
    /// More words.
    pub args: Vec<String>,
}

/// A command for protocols.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProtocolCommand {
    /// Schemes of URLs.
    pub protocols: Vec<String>,
    /// The command, by platform.
    pub commands: Vec<PlatformCommand>,
}

/// Why a plugin.yaml is wrong. The texts are Helm's, and go-yaml's for what has another type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// It is no YAML.
    #[error("failed to peek plugin.yaml API version: {0}")]
    Yaml(String),
    /// It has another version.
    #[error("invalid plugin apiVersion: {}", go_quoted(.0))]
    ApiVersion(String),
    /// Fields have another type, or there are none of that name.
    #[error("yaml: unmarshal errors:{}", .0.iter().map(|line| format!("\n  {line}")).collect::<String>())]
    Fields(Vec<String>),
    /// Something is not as it must be.
    #[error("{0}")]
    Invalid(String),
    /// What belongs to the type or runtime is wrong.
    #[error("failed to convert MetadataV1 to Metadata")]
    Convert(#[source] Box<MetadataError>),
    /// The runtime's part is wrong.
    #[error("failed to unmarshal runtimeConfig for subprocess runtime")]
    RuntimeConfig(#[source] Box<MetadataError>),
}

impl Metadata {
    /// Reads a plugin.yaml.
    ///
    /// # Errors
    /// What is wrong with it, in Helm's words.
    pub fn read(bytes: &[u8]) -> Result<Metadata, MetadataError> {
        let text = sutler_yaml::decode(bytes).map_err(|error| MetadataError::Yaml(error.to_string()))?;
        let node = sutler_yaml::read(&text).map_err(|error| MetadataError::Yaml(error.to_string()))?;
        if node.is_null() {
            return Err(MetadataError::Yaml("EOF".to_owned()));
        }
        let mut fields = Fields::of(&node, "plugin.apiVersion");
        let version = fields.text("apiVersion");
        fields.finish().map_err(|error| MetadataError::Yaml(error.to_string()))?;
        match version.as_str() {
            "" => legacy(&node, Strictness::OfHelm4),
            "v1" => v1(&node),
            other => Err(MetadataError::ApiVersion(other.to_owned())),
        }
    }

    /// `cli/v1`, `getter/v1` …
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            PluginKind::Cli { .. } => "cli/v1",
            PluginKind::Getter { .. } => "getter/v1",
            PluginKind::PostRenderer => "postrenderer/v1",
            PluginKind::Test => "test/v1",
        }
    }
}

/// Reads fields of a mapping, and collects what has another type.
struct Fields<'n> {
    node: &'n Node,
    /// The Go type that go-yaml names in its messages.
    target: &'static str,
    errors: Vec<String>,
}

impl<'n> Fields<'n> {
    fn of(node: &'n Node, target: &'static str) -> Fields<'n> {
        let mut errors = Vec::new();
        if !matches!(node.data, Data::Mapping(_) | Data::Null) {
            errors.push(cannot(node, target));
        }
        Fields { node, target, errors }
    }

    /// Refuses keys that are none of these.
    fn known(&mut self, names: &[&str]) {
        for (key, _) in self.node.entries() {
            let name = key.key_text().unwrap_or_default();
            if !names.contains(&name.as_ref()) {
                self.errors.push(format!("line {}: field {name} not found in type {}", key.start.line, self.target));
            }
        }
    }

    fn text(&mut self, name: &str) -> String {
        let Some(node) = self.node.get(name) else { return String::new() };
        self.text_of(node)
    }

    fn text_of(&mut self, node: &Node) -> String {
        match &node.data {
            Data::Null => String::new(),
            Data::Sequence(_) | Data::Mapping(_) => {
                self.errors.push(cannot(node, "string"));
                String::new()
            }
            _ => node.key_text().unwrap_or_default().into_owned(),
        }
    }

    fn switch(&mut self, name: &str) -> bool {
        let Some(node) = self.node.get(name) else { return false };
        match &node.data {
            Data::Bool(on) => *on,
            Data::Null => false,
            _ => {
                self.errors.push(cannot(node, "bool"));
                false
            }
        }
    }

    fn list(&mut self, name: &str, target: &str) -> &'n [Node] {
        let Some(node) = self.node.get(name) else { return &[] };
        if !matches!(node.data, Data::Sequence(_) | Data::Null) {
            self.errors.push(cannot(node, target));
        }
        node.items()
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let items = self.list(name, "[]string");
        items.iter().map(|item| self.text_of(item)).collect()
    }

    fn commands(&mut self, name: &str) -> Vec<PlatformCommand> {
        let items = self.list(name, "[]plugin.PlatformCommand");
        self.commands_of(items)
    }

    fn commands_of(&mut self, items: &[Node]) -> Vec<PlatformCommand> {
        let read = |item: &Node| {
            let mut fields = Fields::of(item, "plugin.PlatformCommand");
            let command = PlatformCommand {
                os: fields.text("os"),
                arch: fields.text("arch"),
                command: fields.text("command"),
                args: fields.texts("args"),
            };
            self.errors.append(&mut fields.errors);
            command
        };
        items.iter().map(read).collect()
    }

    /// Hooks by name, each a list of commands.
    fn hooks(&mut self, name: &str) -> BTreeMap<String, Vec<PlatformCommand>> {
        let entries = self.node.get(name).map(Node::entries).unwrap_or_default();
        entries
            .iter()
            .map(|(key, node)| (key.key_text().unwrap_or_default().into_owned(), self.commands_of(node.items())))
            .collect()
    }

    fn finish(self) -> Result<(), MetadataError> {
        if self.errors.is_empty() { Ok(()) } else { Err(MetadataError::Fields(self.errors)) }
    }
}

/// go-yaml's words for a value of another type.
fn cannot(node: &Node, target: &str) -> String {
    let shown = match &node.data {
        Data::Sequence(_) => "!!seq".to_owned(),
        Data::Mapping(_) => "!!map".to_owned(),
        data => {
            let tag = match data {
                Data::Bool(_) => "!!bool",
                Data::Int(_) | Data::Uint(_) => "!!int",
                Data::Float(_) => "!!float",
                Data::Null => "!!null",
                _ => "!!str",
            };
            let text = node.key_text().unwrap_or_default();
            let short: String = if text.chars().count() > 10 {
                text.chars().take(7).chain("...".chars()).collect()
            } else {
                text.into_owned()
            };
            format!("{tag} `{short}`")
        }
    };
    format!("line {}: cannot unmarshal {shown} into {target}", node.start.line)
}

/// How closely the older form is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Helm 3 takes any version, and downloaders without anything.
    OfHelm3,
    /// Helm 4 looks at each.
    OfHelm4,
}

/// The older form.
pub(super) fn legacy(node: &Node, strictness: Strictness) -> Result<Metadata, MetadataError> {
    let mut fields = Fields::of(node, "plugin.MetadataLegacy");
    let name = fields.text("name");
    let version = fields.text("version");
    let usage = fields.text("usage");
    let description = fields.text("description");
    let mut commands = fields.commands("platformCommand");
    let command = fields.text("command");
    let ignore_flags = fields.switch("ignoreFlags");
    let mut hooks = fields.hooks("platformHooks");
    let shell_hooks: Vec<(String, String)> = node
        .get("hooks")
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .map(|(key, value)| (key.key_text().unwrap_or_default().into_owned(), fields.text_of(value)))
        .collect();
    let mut downloaders = Vec::new();
    for item in fields.list("downloaders", "[]plugin.Downloaders") {
        let mut own = Fields::of(item, "plugin.Downloaders");
        downloaders.push((own.texts("protocols"), own.text("command")));
        fields.errors.append(&mut own.errors);
    }
    fields.finish()?;

    let invalid = |text: String| Err(MetadataError::Invalid(text));
    if !is_name(&name) {
        return invalid(wrong_name(&name));
    }
    if strictness == Strictness::OfHelm4 && !version.is_empty() && !is_strict_version(&version) {
        return invalid(wrong_version(&version));
    }
    if !commands.is_empty() && !command.is_empty() {
        return invalid("both platformCommand and command are set".to_owned());
    }
    if !hooks.is_empty() && !shell_hooks.is_empty() {
        return invalid("both platformHooks and hooks are set".to_owned());
    }
    let checked = if strictness == Strictness::OfHelm4 { downloaders.as_slice() } else { &[] };
    for (at, (protocols, command)) in checked.iter().enumerate() {
        if command.is_empty() {
            return invalid(format!("downloader {at} has empty command"));
        }
        if protocols.is_empty() {
            return invalid(format!("downloader {at} has no protocols"));
        }
        if let Some(empty) = protocols.iter().position(String::is_empty) {
            return invalid(format!("downloader {at} has empty protocol at index {empty}"));
        }
    }

    let plain = |command: String| PlatformCommand { command, ..PlatformCommand::default() };
    if commands.is_empty() && !command.is_empty() {
        commands.push(plain(command));
    }
    let from_shell = hooks.is_empty() && !shell_hooks.is_empty();
    if from_shell {
        hooks = shell_hooks
            .into_iter()
            .map(|(name, script)| {
                let args = vec!["-c".to_owned(), script];
                (name, vec![PlatformCommand { command: "sh".to_owned(), args, ..PlatformCommand::default() }])
            })
            .collect();
    }
    let kind = if downloaders.is_empty() {
        PluginKind::Cli { usage: String::new(), short_help: one_line(&usage), long_help: description, ignore_flags }
    } else {
        PluginKind::Getter { protocols: downloaders.iter().flat_map(|(protocols, _)| protocols.clone()).collect() }
    };
    let protocols = downloaders
        .into_iter()
        .map(|(protocols, command)| ProtocolCommand { protocols, commands: vec![plain(command)] })
        .collect();
    Ok(Metadata {
        name,
        version,
        api_version: "legacy",
        source_url: String::new(),
        kind,
        // Variables are replaced unless the hooks are scripts, whose shell does that.
        runtime: Runtime::Subprocess { commands, hooks, expand_hooks: !from_shell, protocols },
    })
}

fn v1(node: &Node) -> Result<Metadata, MetadataError> {
    let mut fields = Fields::of(node, "plugin.MetadataV1");
    fields.known(&["apiVersion", "name", "type", "runtime", "version", "sourceURL", "config", "runtimeConfig"]);
    let name = fields.text("name");
    let kind_name = fields.text("type");
    let runtime_name = fields.text("runtime");
    let version = fields.text("version");
    let source_url = fields.text("sourceURL");
    static EMPTY: Node = Node {
        data: Data::Mapping(Vec::new()),
        start: sutler_yaml::Position { line: 0, column: 0 },
        end: sutler_yaml::Position { line: 0, column: 0 },
    };
    let mut part = |name: &str| match node.get(name) {
        None => &EMPTY,
        Some(node) if node.is_null() => &EMPTY,
        Some(node) => {
            if !matches!(node.data, Data::Mapping(_)) {
                fields.errors.push(cannot(node, "map[string]interface {}"));
            }
            node
        }
    };
    let (config, runtime_config) = (part("config"), part("runtimeConfig"));
    fields.finish()?;

    let invalid = |text: String| Err(MetadataError::Invalid(text));
    if !is_name(&name) {
        return invalid("invalid plugin `name`".to_owned());
    }
    if version.is_empty() {
        return invalid("plugin `version` is required".to_owned());
    }
    if !is_strict_version(&version) {
        return invalid(format!("invalid plugin `version` {}: must be valid semver", go_quoted(&version)));
    }
    if kind_name.is_empty() {
        return invalid("`type` missing".to_owned());
    }
    if runtime_name.is_empty() {
        return invalid("`runtime` missing".to_owned());
    }
    let convert = |error| MetadataError::Convert(Box::new(error));
    let kind = kind_v1(&kind_name, config).map_err(convert)?;
    let runtime = match runtime_name.as_str() {
        "subprocess" => {
            subprocess(runtime_config).map_err(|error| convert(MetadataError::RuntimeConfig(Box::new(error))))?
        }
        "extism/v1" => Runtime::Extism,
        other => {
            let text = format!("unsupported plugin runtime type: {}", go_quoted(other));
            return Err(convert(MetadataError::Invalid(text)));
        }
    };
    if let PluginKind::Getter { protocols } = &kind {
        if protocols.is_empty() {
            return invalid("config validation failed: getter has no protocols".to_owned());
        }
        if let Some(at) = protocols.iter().position(String::is_empty) {
            return invalid(format!("config validation failed: getter has empty protocol at index {at}"));
        }
    }
    Ok(Metadata { name, version, api_version: "v1", source_url, kind, runtime })
}

fn kind_v1(name: &str, config: &Node) -> Result<PluginKind, MetadataError> {
    // Helm writes the part anew before it reads it: lines count from there, with sorted keys.
    let text = sutler_yaml::to_json(config)
        .ok()
        .and_then(|json| sutler_yaml::write(&json).ok())
        .ok_or_else(|| MetadataError::Invalid("the config cannot be written as YAML".to_owned()))?;
    let node = sutler_yaml::read(&text).map_err(|error| MetadataError::Invalid(error.to_string()))?;
    let (target, known): (_, &[&str]) = match name {
        "cli/v1" => ("schema.ConfigCLIV1", &["usage", "shortHelp", "longHelp", "ignoreFlags"]),
        "getter/v1" => ("schema.ConfigGetterV1", &["protocols"]),
        "postrenderer/v1" => ("schema.ConfigPostRendererV1", &[]),
        "test/v1" => ("schema.ConfigTestV1", &[]),
        other => return Err(MetadataError::Invalid(format!("unknown plugin type {}", go_quoted(other)))),
    };
    let mut fields = Fields::of(&node, target);
    fields.known(known);
    let kind = match name {
        "cli/v1" => PluginKind::Cli {
            usage: fields.text("usage"),
            short_help: fields.text("shortHelp"),
            long_help: fields.text("longHelp"),
            ignore_flags: fields.switch("ignoreFlags"),
        },
        "getter/v1" => PluginKind::Getter { protocols: fields.texts("protocols") },
        "postrenderer/v1" => PluginKind::PostRenderer,
        _ => PluginKind::Test,
    };
    fields.finish()?;
    Ok(kind)
}

fn subprocess(config: &Node) -> Result<Runtime, MetadataError> {
    let mut fields = Fields::of(config, "plugin.RuntimeConfigSubprocess");
    let commands = fields.commands("platformCommand");
    let hooks = fields.hooks("platformHooks");
    let mut protocols = Vec::new();
    for item in fields.list("protocolCommands", "[]plugin.SubprocessProtocolCommand") {
        let mut own = Fields::of(item, "plugin.SubprocessProtocolCommand");
        protocols
            .push(ProtocolCommand { protocols: own.texts("protocols"), commands: own.commands("platformCommand") });
        fields.errors.append(&mut own.errors);
    }
    fields.finish()?;
    // Helm 4 leaves this off where the newer form says nothing of it.
    Ok(Runtime::Subprocess { commands, hooks, expand_hooks: false, protocols })
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn wrong_name(name: &str) -> String {
    format!("invalid plugin name {}: must contain only a-z, A-Z, 0-9, _ and -", go_quoted(name))
}

fn wrong_version(version: &str) -> String {
    format!("invalid plugin version {}: must be valid semver", go_quoted(version))
}

/// Whether a text is a version with three numbers and without `v`, as `semver.StrictNewVersion` takes it.
fn is_strict_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |text: &&str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text.len() == 1 || !text.starts_with('0'))
    };
    numbers.len() == 3 && numbers.iter().all(is_number) && Version::parse(text).is_ok()
}

/// A text for one line: white space is a space, what cannot be printed is left out.
fn one_line(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            c if c.is_whitespace() => Some(' '),
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect()
}
