//! `helm plugin package`: a plugin's folder as an archive, and what its signature says of it.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sutler_chart::{error_chain, io_message};
use sutler_yaml::{Data, Node};

use super::archive::Listing;
use super::tar::{Header, Kind, Tar};
use super::{Metadata, PLUGIN_FILE, PlatformCommand, PluginKind, Runtime};

/// The archive of a plugin's folder, in which all is below a folder of the plugin's name, as Helm's `CreatePluginTarball`.
///
/// Links are archived without what they point to, as Helm does; no Helm installs such an archive. `not_this`, the archive's own
/// path, is left out, where Helm archives its beginning.
///
/// # Errors
/// What cannot be read, in Go's words.
pub(crate) fn archive(folder: &Path, name: &str, not_this: &Path) -> Result<Vec<u8>, String> {
    let owners = Owners::of_this_machine();
    let mut tar = Tar::default();
    add(&mut tar, folder, name, &owners, &fs::canonicalize(not_this).unwrap_or_default())?;
    let mut zipped = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::default());
    zipped.write_all(&tar.finish()).expect("writing to memory cannot fail");
    Ok(zipped.finish().expect("writing to memory cannot fail"))
}

/// Adds what is at a path and below it, by name. A path's length bounds how deep folders can be.
fn add(tar: &mut Tar, path: &Path, name: &str, owners: &Owners, not_this: &Path) -> Result<(), String> {
    let failed = |action: &str, error: &std::io::Error| format!("{action} {}: {}", path.display(), io_message(error));
    // The folder itself may be a link; within it, links are entries.
    let is_top = !name.contains('/');
    let found = if is_top { fs::metadata(path) } else { fs::symlink_metadata(path) };
    let found = found.map_err(|error| failed("lstat", &error))?;
    let kind = kind_of(&found)?;
    if kind == Kind::File && fs::canonicalize(path).is_ok_and(|path| path == not_this) {
        return Ok(());
    }
    let data = if kind == Kind::File { fs::read(path).map_err(|error| failed("open", &error))? } else { Vec::new() };
    tar.add(&owners.header(name, kind, &found), &data);
    if kind != Kind::Folder {
        return Ok(());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| failed("open", &error))? {
        let entry = entry.map_err(|error| failed("readdirent", &error))?;
        names.push(entry.file_name());
    }
    names.sort();
    for inner in names {
        add(tar, &path.join(&inner), &format!("{name}/{}", inner.to_string_lossy()), owners, not_this)?;
    }
    Ok(())
}

fn kind_of(found: &fs::Metadata) -> Result<Kind, String> {
    let kind = found.file_type();
    if kind.is_dir() {
        return Ok(Kind::Folder);
    }
    if kind.is_symlink() {
        return Ok(Kind::Link);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return Ok(Kind::Pipe);
        }
        if kind.is_socket() {
            return Err("archive/tar: sockets not supported".to_owned());
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Err("archive/tar: devices not supported".to_owned());
        }
    }
    Ok(Kind::File)
}

/// Names of users and groups, by number.
struct Owners {
    users: Vec<(u64, String)>,
    groups: Vec<(u64, String)>,
}

impl Owners {
    fn of_this_machine() -> Owners {
        let read = |file: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let entry = |line: &str| {
                let mut fields = line.split(':');
                let name = fields.next()?.to_owned();
                Some((fields.nth(1)?.parse().ok()?, name))
            };
            text.lines().filter_map(entry).collect()
        };
        Owners { users: read("/etc/passwd"), groups: read("/etc/group") }
    }

    fn header(&self, name: &str, kind: Kind, found: &fs::Metadata) -> Header {
        let named = |names: &[(u64, String)], number: u64| {
            names.iter().find(|(known, _)| *known == number).map(|(_, name)| name.clone()).unwrap_or_default()
        };
        let name = name.to_owned();
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            // To the nearest second, as Go rounds times whose headers have no room for more.
            let modified = found.mtime() + i64::from(found.mtime_nsec() >= 500_000_000);
            let owner = [u64::from(found.uid()), u64::from(found.gid())];
            let owner_name = [named(&self.users, owner[0]), named(&self.groups, owner[1])];
            Header { name, kind, mode: found.mode() & 0o7777, owner, owner_name, modified }
        }
        #[cfg(not(unix))]
        {
            let since = found.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let modified = since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default();
            let owner_name = [named(&self.users, u64::MAX), named(&self.groups, u64::MAX)];
            Header { name, kind, mode: 0o777, owner: [0, 0], owner_name, modified }
        }
    }
}

/// What the signature of an archive says of the plugin in it: its metadata as YAML, as Helm's `SignPlugin` writes them.
///
/// # Errors
/// Helm's words for an archive whose plugin.yaml is not there or wrong.
pub(crate) fn description(archive: &[u8]) -> Result<String, String> {
    let wrong = |reason: String| format!("failed to extract plugin metadata: {reason}");
    let listing = Listing::of(archive);
    let entry = listing.find(PLUGIN_FILE).map_err(|error| wrong(error.to_string()))?;
    let bytes = &entry.ok_or_else(|| wrong("plugin.yaml not found in tarball".to_owned()))?.data;
    let metadata = Metadata::read(bytes).map_err(|error| wrong(error_chain(&error)))?;
    let text = sutler_yaml::decode(bytes).map_err(|error| wrong(error.to_string()))?;
    let node = sutler_yaml::read(&text).map_err(|error| wrong(error.to_string()))?;
    sutler_yaml::write(&described(&metadata, &node))
        .map_err(|error| format!("failed to marshal plugin metadata: {error}"))
}

/// Metadata as Go shows them: by the names of its fields, `null` where the file has no such list.
fn described(metadata: &Metadata, node: &Node) -> Value {
    let (runtime_name, runtime) = match &metadata.runtime {
        Runtime::Extism => ("extism/v1", described_extism(node.get("runtimeConfig"))),
        Runtime::Subprocess { commands, hooks, protocols, .. } => {
            let is_legacy = metadata.api_version == "legacy";
            let config = if is_legacy { Some(node) } else { node.get("runtimeConfig") };
            let part = |name: &str| config?.get(name);
            let hooks_node = part("platformHooks");
            let hooks_value: Value = hooks
                .iter()
                .map(|(name, commands)| {
                    (name.clone(), described_commands(commands, hooks_node.and_then(|node| node.get(name))))
                })
                .collect();
            let protocol_nodes =
                if is_legacy { None } else { part("protocolCommands") }.map(Node::items).unwrap_or_default();
            let protocols_value: Vec<Value> = protocols
                .iter()
                .enumerate()
                .map(|(at, command)| {
                    let node = protocol_nodes.get(at);
                    json!({
                        "Protocols": list(&command.protocols, node.and_then(|node| node.get("protocols"))),
                        "PlatformCommand":
                            described_commands(&command.commands, node.and_then(|node| node.get("platformCommand"))),
                    })
                })
                .collect();
            let value = json!({
                "PlatformCommand": described_commands(commands, part("platformCommand")),
                "PlatformHooks": if hooks.is_empty() && !is_given(hooks_node) { Value::Null } else { hooks_value },
                "ProtocolCommands": if protocols.is_empty() && (is_legacy || !is_given(part("protocolCommands"))) {
                    Value::Null
                } else {
                    Value::from(protocols_value)
                },
            });
            ("subprocess", value)
        }
    };
    let config = match &metadata.kind {
        PluginKind::Cli { usage, short_help, long_help, ignore_flags } => json!({
            "Usage": usage, "ShortHelp": short_help, "LongHelp": long_help, "IgnoreFlags": ignore_flags,
        }),
        PluginKind::Getter { protocols } => json!({ "Protocols": protocols }),
        PluginKind::PostRenderer | PluginKind::Test => json!({}),
    };
    json!({
        "APIVersion": metadata.api_version,
        "Name": metadata.name,
        "Type": metadata.kind_name(),
        "Runtime": runtime_name,
        "Version": metadata.version,
        "SourceURL": metadata.source_url,
        "Config": config,
        "RuntimeConfig": runtime,
    })
}

/// Whether the file has a list or map, be it empty.
fn is_given(node: Option<&Node>) -> bool {
    node.is_some_and(|node| matches!(node.data, Data::Sequence(_) | Data::Mapping(_)))
}

/// Texts; `null` where there is no such list in the file.
fn list(texts: &[String], node: Option<&Node>) -> Value {
    if texts.is_empty() && !is_given(node) { Value::Null } else { json!(texts) }
}

fn described_commands(commands: &[PlatformCommand], node: Option<&Node>) -> Value {
    if commands.is_empty() && !is_given(node) {
        return Value::Null;
    }
    let nodes = node.map(Node::items).unwrap_or_default();
    commands
        .iter()
        .enumerate()
        .map(|(at, command)| {
            json!({
                "OperatingSystem": command.os,
                "Architecture": command.arch,
                "Command": command.command,
                "Args": list(&command.args, nodes.get(at).and_then(|node| node.get("args"))),
            })
        })
        .collect()
}

/// The settings of the WebAssembly runtime.
fn described_extism(config: Option<&Node>) -> Value {
    let at = |path: &[&str]| path.iter().try_fold(config?, |node, name| node.get(name));
    let value = |path: &[&str], default: Value| {
        at(path).filter(|node| !node.is_null()).and_then(|node| sutler_yaml::to_json(node).ok()).unwrap_or(default)
    };
    let texts = |name: &str| match at(&[name]) {
        Some(node) if is_given(Some(node)) => {
            json!(node.items().iter().map(|item| item.key_text().unwrap_or_default()).collect::<Vec<_>>())
        }
        _ => Value::Null,
    };
    let settings = match at(&["config"]) {
        Some(node) if is_given(Some(node)) => node
            .entries()
            .iter()
            .map(|(key, value)| {
                let text = |node: &Node| node.key_text().unwrap_or_default().into_owned();
                (text(key), Value::from(text(value)))
            })
            .collect(),
        _ => Value::Null,
    };
    json!({
        "Memory": {
            "MaxPages": value(&["memory", "maxPages"], json!(0)),
            "MaxHTTPResponseBytes": value(&["memory", "maxHttpResponseBytes"], json!(0)),
            "MaxVarBytes": value(&["memory", "maxVarBytes"], json!(0)),
        },
        "Config": settings,
        "AllowedHosts": texts("allowedHosts"),
        "FileSystem": { "CreateTempDir": value(&["fileSystem", "createTempDir"], json!(false)) },
        "Timeout": value(&["timeout"], json!(0)),
        "HostFunctions": texts("hostFunctions"),
        "EntryFuncName": value(&["entryFuncName"], json!("")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description_of(plugin: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(PLUGIN_FILE), plugin).unwrap();
        description(&archive(folder.path(), "x", Path::new("")).unwrap()).unwrap_or_else(|error| error)
    }

    #[test]
    fn a_description_is_what_helm_signs() {
        assert_eq!(
            description_of("name: hooks\nversion: 0.1.0\ncommand: echo\nhooks:\n  install: x\n"),
            "APIVersion: legacy\nConfig:\n  IgnoreFlags: false\n  LongHelp: \"\"\n  ShortHelp: \"\"\n  Usage: \"\"\nName: hooks\nRuntime: \
             subprocess\nRuntimeConfig:\n  PlatformCommand:\n  - Architecture: \"\"\n    Args: null\n    Command: echo\n    \
             OperatingSystem: \"\"\n  PlatformHooks:\n    install:\n    - Architecture: \"\"\n      Args:\n      - -c\n      - x\n      \
             Command: sh\n      OperatingSystem: \"\"\n  ProtocolCommands: null\nSourceURL: \"\"\nType: cli/v1\nVersion: 0.1.0\n"
        );
    }

    #[test]
    fn empty_lists_and_missing_ones_are_told_apart() {
        let text = description_of(
            "apiVersion: v1\nname: x\nversion: 0.1.0\ntype: postrenderer/v1\nruntime: subprocess\nruntimeConfig:\n  platformCommand:\n  - \
             command: x\n    args: []\n  platformHooks: {}\n  protocolCommands: []\n",
        );
        assert!(
            text.contains("    Args: []\n") && text.contains("PlatformHooks: {}\n  ProtocolCommands: []"),
            "{text}"
        );
    }

    #[test]
    fn an_archive_without_a_plugin_is_not_described() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = archive(folder.path(), "x", Path::new("")).unwrap();
        assert_eq!(
            description(&bytes).unwrap_err(),
            "failed to extract plugin metadata: plugin.yaml not found in tarball"
        );
    }
}
