//! Plugins as Helm 3 loads them: the older form of plugin.yaml alone, every plugin a command, and the first that is wrong ends it all.

use sutler_chart::go_quoted;
use sutler_yaml::Node;

use super::metadata::{PluginKind, Runtime, legacy};
use super::{PLUGIN_FILE, Plugin, PluginError};

/// The fields of a struct, and those of the structs in its lists.
struct Fields {
    names: &'static [&'static str],
    nested: &'static [(&'static str, &'static Fields)],
}

static PLATFORM_COMMAND: Fields = Fields { names: &["os", "arch", "command", "args"], nested: &[] };
static DOWNLOADER: Fields = Fields { names: &["protocols", "command"], nested: &[] };
static METADATA: Fields = Fields {
    names: &[
        "name",
        "version",
        "usage",
        "description",
        "platformCommand",
        "command",
        "ignoreFlags",
        "platformHooks",
        "hooks",
        "downloaders",
        "useTunnel",
    ],
    nested: &[("platformCommand", &PLATFORM_COMMAND), ("downloaders", &DOWNLOADER)],
};

impl Fields {
    /// The first key that is no field, in the order of the JSON between: by name, bytewise.
    fn unknown(&self, node: &Node) -> Option<String> {
        let mut entries: Vec<(String, &Node)> =
            node.entries().iter().filter_map(|(key, value)| Some((key.key_text()?.into_owned(), value))).collect();
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        entries.into_iter().find_map(|(key, value)| {
            if !self.names.iter().any(|name| name.eq_ignore_ascii_case(&key)) {
                return Some(key);
            }
            let (_, inner) = self.nested.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key))?;
            value.items().iter().find_map(|item| inner.unknown(item))
        })
    }
}

/// The plugin in a folder (`plugin.LoadDir`).
///
/// # Errors
/// When its plugin.yaml is not there or wrong.
pub(super) fn load(folder: &std::path::Path) -> Result<Plugin, PluginError> {
    let file = folder.join(PLUGIN_FILE).display().to_string();
    let bytes = std::fs::read(&file)
        .map_err(|error| PluginError::Read { file: file.clone(), reason: sutler_chart::io_message(&error) })?;
    let quoted = go_quoted(&file);
    let wrong = |reason: &str| PluginError::OfHelm3(format!("failed to load plugin at {quoted}: {reason}"));
    let of_yaml = |reason: String| wrong(&format!("error converting YAML to JSON: {reason}"));
    let text = sutler_yaml::decode(&bytes).map_err(|error| of_yaml(error.to_string()))?;
    let node = sutler_yaml::read_strict(&text).map_err(|error| of_yaml(error.to_string()))?;
    if let Some(field) = METADATA.unknown(&node) {
        let field = go_quoted(&field);
        return Err(wrong(&format!("error unmarshaling JSON: while decoding JSON: json: unknown field {field}")));
    }
    let invalid = |reason: &str| PluginError::OfHelm3(format!("{reason} {quoted}"));
    let text_of = |name: &str| node.get(name).and_then(Node::key_text).unwrap_or_default().into_owned();
    if !super::metadata::is_name(&text_of("name")) {
        return Err(invalid("invalid plugin name at"));
    }
    let is_filled =
        |name: &str| node.get(name).is_some_and(|node| !node.items().is_empty() || !node.entries().is_empty());
    if is_filled("platformCommand") && !text_of("command").is_empty() {
        return Err(invalid("both platformCommand and command are set in"));
    }
    if is_filled("platformHooks") && is_filled("hooks") {
        return Err(invalid("both platformHooks and hooks are set in"));
    }
    let mut metadata =
        legacy(&node, super::metadata::Strictness::OfHelm3).map_err(|error| wrong(&error.to_string()))?;
    // Whatever else it is, it is a command.
    metadata.kind = PluginKind::Cli {
        usage: String::new(),
        short_help: text_of("usage"),
        long_help: text_of("description"),
        ignore_flags: node.get("ignoreFlags").is_some_and(|node| matches!(node.data, sutler_yaml::Data::Bool(true))),
    };
    Ok(Plugin { folder: folder.to_owned(), metadata })
}

impl Plugin {
    /// Whether it fetches what URLs of this scheme name. A plugin of Helm 3 does so beside being a command.
    pub(crate) fn serves(&self, scheme: &str) -> bool {
        let names = |protocols: &[String]| protocols.iter().any(|protocol| protocol == scheme);
        match (&self.metadata.kind, &self.metadata.runtime) {
            (PluginKind::Getter { protocols }, _) => names(protocols),
            (PluginKind::Cli { .. }, Runtime::Subprocess { protocols, .. }) => {
                protocols.iter().any(|command| names(&command.protocols))
            }
            _ => false,
        }
    }
}
