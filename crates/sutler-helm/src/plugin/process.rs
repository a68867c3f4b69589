//! Running a plugin's program: as a command, as a getter, as a post-renderer, for a hook.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sutler_chart::go_quoted;
use thiserror::Error;

use super::{Metadata, PlatformCommand, Plugin, Runtime};
use crate::io::Variables;

/// Why a plugin's program did not do its work. The texts are Helm's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// No command of the plugin is for this platform.
    #[error("failed to prepare plugin command: no plugin command is applicable")]
    NoCommand,
    /// No command of a hook is for this platform.
    #[error("no plugin command is applicable")]
    NoHookCommand,
    /// No command of the plugin is for that protocol.
    #[error("no downloader found for protocol {}", go_quoted(.0))]
    NoDownloader(String),
    /// The program ended with a failure.
    #[error("plugin {} exited with error", go_quoted(.name))]
    Exit {
        /// The plugin.
        name: String,
        /// The program's exit code; 255 where a signal ended it.
        code: u8,
    },
    /// A hook's program ended with a failure. Helm has the names the wrong way round.
    #[error("plugin {event} hook for {} exited with error", go_quoted(.name))]
    Hook {
        /// The plugin.
        name: String,
        /// The hook.
        event: String,
    },
    /// The program could not be started.
    #[error("{0}")]
    Start(String),
    /// The plugin needs a runtime that there is not.
    #[error("plugin {} needs a WebAssembly runtime, which is not available", go_quoted(.0))]
    NoRuntime(String),
}

/// What a getter plugin is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GetterRequest {
    /// The whole URL.
    pub url: String,
    /// `--cert-file`.
    pub cert_file: String,
    /// `--key-file`.
    pub key_file: String,
    /// `--ca-file`.
    pub ca_file: String,
    /// `--username`.
    pub username: String,
    /// `--password`.
    pub password: String,
    /// `--pass-credentials`.
    pub pass_credentials: bool,
}

/// A program with its words.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    program: String,
    words: Vec<String>,
}

impl Plugin {
    /// The variables that the plugin's programs see: those of this program, more of Helm's, the plugin's own.
    fn variables(&self, outside: &Variables, more: &[(&'static str, String)]) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> =
            outside.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        all.insert("HELM_PLUGIN_NAME".to_owned(), self.metadata.name.clone());
        all.insert("HELM_PLUGIN_DIR".to_owned(), self.folder.display().to_string());
        all
    }

    fn commands(&self) -> Result<&[PlatformCommand], ProcessError> {
        match &self.metadata.runtime {
            Runtime::Subprocess { commands, .. } => Ok(commands),
            Runtime::Extism => Err(ProcessError::NoRuntime(self.metadata.name.clone())),
        }
    }

    /// Runs the plugin as a command, with this program's own streams.
    ///
    /// # Errors
    /// When the program cannot be started, or ends with a failure.
    pub fn run_command(
        &self,
        arguments: &[String],
        outside: &Variables,
        helm: &[(&'static str, String)],
    ) -> Result<(), ProcessError> {
        let variables = self.variables(outside, helm);
        let call = prepare(self.commands()?, true, arguments, &variables).ok_or(ProcessError::NoCommand)?;
        let mut command = call.command(&variables);
        let status = command.status().map_err(|error| call.cannot_start(&error))?;
        self.ended(status)
    }

    /// What [`Plugin::run_command`] runs, as Go prints a command.
    ///
    /// # Errors
    /// When there is no command for this platform.
    pub fn command_line(
        &self,
        arguments: &[String],
        outside: &Variables,
        helm: &[(&'static str, String)],
    ) -> Result<String, ProcessError> {
        let variables = self.variables(outside, helm);
        let call = prepare(self.commands()?, true, arguments, &variables).ok_or(ProcessError::NoCommand)?;
        let program = if call.program.contains('/') { call.program.clone() } else { on_path(&call.program, outside) };
        Ok([&[program], &call.words[..]].concat().join(" "))
    }

    /// Runs the plugin as a post-renderer: manifests in, manifests out.
    ///
    /// # Errors
    /// When the program cannot be started, or ends with a failure.
    pub fn post_render(
        &self,
        manifests: &str,
        arguments: &[String],
        outside: &Variables,
    ) -> Result<Vec<u8>, ProcessError> {
        let variables = self.variables(outside, &[]);
        let call = prepare(self.commands()?, true, arguments, &variables).ok_or(ProcessError::NoCommand)?;
        let mut command = call.command(&variables);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| call.cannot_start(&error))?;
        let mut stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // The program may answer before it has read everything, and both pipes are short.
            scope.spawn(move || {
                if let Some(stdin) = &mut stdin {
                    drop(stdin.write_all(manifests.as_bytes()));
                }
                drop(stdin);
            });
            child.wait_with_output()
        });
        let output = output.map_err(|error| ProcessError::Start(sutler_chart::io_message(&error)))?;
        self.ended(output.status)?;
        Ok(output.stdout)
    }

    /// Fetches a URL through the plugin, whose program writes the content to its standard output.
    ///
    /// # Errors
    /// When the plugin does not serve the protocol, when the program cannot be started, or ends with a failure.
    pub fn fetch(
        &self,
        request: &GetterRequest,
        outside: &Variables,
        helm: &[(&'static str, String)],
    ) -> Result<Vec<u8>, ProcessError> {
        let Runtime::Subprocess { protocols, .. } = &self.metadata.runtime else {
            return Err(ProcessError::NoRuntime(self.metadata.name.clone()));
        };
        let protocol = request.url.split(':').next().unwrap_or_default();
        let commands = protocols
            .iter()
            .find(|entry| entry.protocols.iter().any(|name| name == protocol))
            .map(|entry| &entry.commands)
            .ok_or_else(|| ProcessError::NoDownloader(protocol.to_owned()))?;
        let mut variables = self.variables(outside, helm);
        variables.insert("HELM_PLUGIN_USERNAME".to_owned(), request.username.clone());
        variables.insert("HELM_PLUGIN_PASSWORD".to_owned(), request.password.clone());
        variables.insert("HELM_PLUGIN_PASS_CREDENTIALS_ALL".to_owned(), request.pass_credentials.to_string());
        let mut call = prepare(commands, false, &[], &variables).ok_or(ProcessError::NoCommand)?;
        call.words.extend([&request.cert_file, &request.key_file, &request.ca_file, &request.url].map(String::clone));
        // A getter's program is always one of the plugin's folder.
        call.program = crate::settings::join(&[&self.folder.display().to_string(), &call.program]);
        let mut command = call.command(&variables);
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| call.cannot_start(&error))?;
        self.ended(output.status)?;
        Ok(output.stdout)
    }

    /// Runs the program of a hook (`install`, `update`, `delete`), if the plugin has one.
    ///
    /// # Errors
    /// When the program cannot be started, or ends with a failure.
    pub fn run_hook(&self, event: &str, outside: &Variables) -> Result<(), ProcessError> {
        let Runtime::Subprocess { hooks, expand_hooks, .. } = &self.metadata.runtime else { return Ok(()) };
        let Some(commands) = hooks.get(event).filter(|commands| !commands.is_empty()) else { return Ok(()) };
        let variables = self.variables(outside, &[]);
        let call = prepare(commands, *expand_hooks, &[], &variables).ok_or(ProcessError::NoHookCommand)?;
        let status = call.command(&variables).stdin(Stdio::null()).status();
        let status = status.map_err(|error| call.cannot_start(&error))?;
        if status.success() {
            return Ok(());
        }
        Err(ProcessError::Hook { name: self.metadata.name.clone(), event: event.to_owned() })
    }

    fn ended(&self, status: std::process::ExitStatus) -> Result<(), ProcessError> {
        if status.success() {
            return Ok(());
        }
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX);
        Err(ProcessError::Exit { name: self.metadata.name.clone(), code })
    }
}

impl Metadata {
    /// The protocols that the plugin fetches.
    pub fn protocols(&self) -> &[String] {
        match &self.kind {
            super::PluginKind::Getter { protocols } => protocols,
            _ => &[],
        }
    }
}

impl Call {
    fn command(&self, variables: &BTreeMap<String, String>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.words).env_clear().envs(variables);
        command
    }

    /// Why the program cannot be started, as Go's `os/exec` tells it.
    fn cannot_start(&self, error: &std::io::Error) -> ProcessError {
        let is_path = Path::new(&self.program).components().count() > 1 || self.program.contains('/');
        ProcessError::Start(if is_path {
            format!("fork/exec {}: {}", self.program, sutler_chart::io_message(error))
        } else {
            format!("exec: {}: executable file not found in $PATH", go_quoted(&self.program))
        })
    }
}

/// The program of that name in a folder of `PATH`, or the name.
fn on_path(name: &str, variables: &Variables) -> String {
    let folders = std::env::split_paths(variables.get("PATH").unwrap_or_default());
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.map_or_else(|| name.to_owned(), |path| path.display().to_string())
}

/// The command for this platform, with variables replaced (in the arguments only if wanted) and more words behind it.
fn prepare(
    commands: &[PlatformCommand],
    expand_words: bool,
    more: &[String],
    variables: &BTreeMap<String, String>,
) -> Option<Call> {
    let chosen = for_platform(commands, go_os(), go_arch())?;
    let mut parts = chosen.command.split(' ');
    let program = parts.next().filter(|program| !program.is_empty())?;
    let words = parts.map(str::to_owned).chain(chosen.args.iter().cloned());
    let words = words.map(|word| if expand_words { expand(&word, variables) } else { word });
    Some(Call { program: expand(program, variables), words: words.chain(more.iter().cloned()).collect() })
}

/// The first command that names both system and architecture; else the first that names the system alone; else the first that
/// names neither.
fn for_platform<'c>(commands: &'c [PlatformCommand], os: &str, arch: &str) -> Option<&'c PlatformCommand> {
    let is = |name: &str, wanted: &str| name.eq_ignore_ascii_case(wanted);
    let exact = commands.iter().find(|command| is(&command.os, os) && is(&command.arch, arch));
    let by_system = || commands.iter().find(|command| is(&command.os, os) && command.arch.is_empty());
    let any = || commands.iter().find(|command| command.os.is_empty() && command.arch.is_empty());
    exact.or_else(by_system).or_else(any)
}

fn go_os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        other => other,
    }
}

/// Replaces `$name` and `${name}`, as Go's `os.Expand`: what is not set is nothing, what is malformed is left out.
fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if after.is_empty() {
            out.push('$');
            return out;
        }
        let (name, length) = variable_name(after);
        if !name.is_empty() {
            out.push_str(variables.get(name).map_or("", String::as_str));
        } else if length == 0 {
            out.push('$');
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

/// The name at the beginning of what follows a `$`, and how much of it that took.
fn variable_name(text: &str) -> (&str, usize) {
    let is_special = |byte: u8| matches!(byte, b'*' | b'#' | b'$' | b'@' | b'!' | b'?' | b'-' | b'0'..=b'9');
    let bytes = text.as_bytes();
    if bytes[0] == b'{' {
        if bytes.len() > 2 && is_special(bytes[1]) && bytes[2] == b'}' {
            return (&text[1..2], 3);
        }
        return match text.find('}') {
            Some(1) => ("", 2),
            Some(end) => (&text[1..end], end + 1),
            None => ("", 1),
        };
    }
    if is_special(bytes[0]) {
        return (&text[..1], 1);
    }
    let length = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    (&text[..length], length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_as_go_replaces_them() {
        let variables = [("a".to_owned(), "1".to_owned()), ("HELM_BIN".to_owned(), "/h".to_owned())].into();
        for (text, expect) in [
            ("$a/${a}$b", "1/1"),
            ("$", "$"),
            ("$$a", "a"),
            ("a$ b", "a$ b"),
            ("${}x", "x"),
            ("${a", "a"),
            ("$1x", "x"),
        ] {
            assert_eq!(expand(text, &variables), expect, "{text}");
        }
    }

    #[test]
    fn the_nearest_platform_counts() {
        let command = |os: &str, arch: &str| PlatformCommand {
            os: os.to_owned(),
            arch: arch.to_owned(),
            command: format!("{os}-{arch}"),
            args: Vec::new(),
        };
        let chosen = |commands: &[PlatformCommand]| {
            for_platform(commands, "linux", "amd64").map(|command| command.command.clone())
        };
        assert_eq!(
            chosen(&[command("", ""), command("linux", ""), command("Linux", "AMD64")]).as_deref(),
            Some("Linux-AMD64")
        );
        assert_eq!(chosen(&[command("", ""), command("linux", "")]).as_deref(), Some("linux-"));
        assert_eq!(chosen(&[command("linux", "arm64"), command("", "")]).as_deref(), Some("-"));
        assert_eq!(chosen(&[command("", "amd64"), command("darwin", "")]), None);
    }
}
