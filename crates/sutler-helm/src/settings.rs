//! Settings: what variables (`HELM_*`, `XDG_*`) and global flags say, as Helm's `cli.EnvSettings`.
//!
//! ```text
//! variables ──▶ defaults of the global flags ──▶ flags as typed ──▶ Settings
//! ```

use std::path::Path;

use sutler_chart::Compatibility;
use sutler_repository::Places;

use crate::command::StartedAs;
use crate::failure::Failure;
use crate::flag::{Flag, Helms, Kind};
use crate::flags::{FlagValues, Unknown};
use crate::io::{Io, Variables};
use crate::kubeconfig;
use crate::value;

/// What variables and global flags say.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The program's own path.
    pub program: String,
    /// `HELM_CACHE_HOME`, or the system's place: where caches are.
    pub cache_home: String,
    /// `HELM_CONFIG_HOME`: where configuration is.
    pub config_home: String,
    /// `HELM_DATA_HOME`: where data is.
    pub data_home: String,
    /// `HELM_PLUGINS`: folders of plugins, separated as in `PATH`.
    pub plugins: String,
    /// `--repository-config`: the file of repositories.
    pub repository_config: String,
    /// `--repository-cache`: the folder of cached index files.
    pub repository_cache: String,
    /// `--content-cache`: the folder of cached charts.
    pub content_cache: String,
    /// `--registry-config`: the file of registries' credentials.
    pub registry_config: String,
    /// `--debug`.
    pub debug: bool,
    /// `--namespace`, as typed or from `HELM_NAMESPACE`; empty where neither says one. See [`Settings::namespace`].
    pub given_namespace: String,
    /// `--kubeconfig`; empty where it is not typed.
    pub kubeconfig: String,
    /// `--kube-context`.
    pub kube_context: String,
    /// `--kube-token`.
    pub kube_token: String,
    /// `--kube-as-user`.
    pub kube_as_user: String,
    /// `--kube-as-group`.
    pub kube_as_groups: Vec<String>,
    /// `--kube-apiserver`.
    pub kube_api_server: String,
    /// `--kube-ca-file`.
    pub kube_ca_file: String,
    /// `--kube-tls-server-name`.
    pub kube_tls_server_name: String,
    /// `--kube-insecure-skip-tls-verify`.
    pub kube_insecure_skip_tls_verify: bool,
    /// `HELM_MAX_HISTORY`.
    pub max_history: i64,
    /// `--burst-limit`.
    pub burst_limit: i64,
    /// `--qps`.
    pub qps: f32,
    /// `--color`: never, auto or always.
    pub color: String,
    /// `HELM_DRIVER`: where releases are kept.
    pub driver: String,
    /// `--compat`, or `HELM_COMPAT`: the Helm that is mirrored.
    pub compatibility: Compatibility,
}

/// The flags that every command takes.
pub const GLOBAL_FLAGS: &[Flag] = &[
    Flag::text("namespace", "the namespace to work in").short('n').or_else(|vars| plain(vars, "HELM_NAMESPACE")),
    Flag::text("kubeconfig", "the kubeconfig file"),
    Flag::text("kube-context", "the kubeconfig's context to use").or_else(|vars| plain(vars, "HELM_KUBECONTEXT")),
    Flag::text("kube-token", "the bearer token for the cluster").or_else(|vars| plain(vars, "HELM_KUBETOKEN")),
    Flag::text("kube-as-user", "the user to act as").or_else(|vars| plain(vars, "HELM_KUBEASUSER")),
    Flag::texts("kube-as-group", "a group to act as; may be given several times")
        .or_else(|vars| plain(vars, "HELM_KUBEASGROUPS").trim_matches([',', ' ']).to_owned()),
    Flag::text("kube-apiserver", "address and port of the cluster's API")
        .or_else(|vars| plain(vars, "HELM_KUBEAPISERVER")),
    Flag::text("kube-ca-file", "the file with the authority that signed the API's certificate")
        .or_else(|vars| plain(vars, "HELM_KUBECAFILE")),
    Flag::text("kube-tls-server-name", "the name that the API's certificate is checked against, if not its host name")
        .or_else(|vars| plain(vars, "HELM_KUBETLS_SERVER_NAME")),
    Flag::switch(
        "kube-insecure-skip-tls-verify",
        "do not check the API's certificate: the connection is not safe then",
    )
    .or_else(|vars| switch(vars, "HELM_KUBEINSECURE_SKIP_TLS_VERIFY")),
    Flag::switch("debug", "say more").or_else(|vars| switch(vars, "HELM_DEBUG")),
    Flag::text("registry-config", "the file of registries' credentials").or_else(registry_config),
    Flag::text("repository-config", "the file that names the repositories").or_else(repository_config),
    Flag::text("repository-cache", "the folder of cached repository indexes").or_else(repository_cache),
    Flag::text("content-cache", "the folder of cached content, such as charts")
        .or_else(content_cache)
        .only(Helms::Four),
    Flag::integer("burst-limit", "100", "how many requests may go to the cluster at once")
        .or_else(|vars| integer(vars, "HELM_BURST_LIMIT", "100")),
    Flag::of(Kind::Float, "qps", "how many requests may go to the cluster in a second, bursts apart")
        .or_else(|vars| vars.get("HELM_QPS").filter(|text| value::parse_float(text).is_ok()).unwrap_or("0").to_owned()),
    Flag::text("color", "colored output: never, auto or always").or_else(color).only(Helms::Four),
    Flag::text("colour", "the same as --color").or_else(color).only(Helms::Four),
    // klog's flags: Helm takes them, and shows them to nobody.
    Flag::of(Kind::GoSwitch, "add-dir-header", "").bare("true").or("false").hidden(),
    Flag::of(Kind::GoSwitch, "alsologtostderr", "").bare("true").or("false").hidden(),
    Flag::of(Kind::TraceLocation, "log-backtrace-at", "").or(":0").hidden(),
    Flag::text("log-dir", "").hidden(),
    Flag::text("log-file", "").hidden(),
    Flag::of(Kind::GoUnsigned, "log-file-max-size", "").or("1800").hidden(),
    Flag::of(Kind::GoSwitch, "logtostderr", "").bare("true").or("true").hidden(),
    Flag::of(Kind::GoSwitch, "one-output", "").bare("true").or("false").hidden(),
    Flag::of(Kind::GoSwitch, "skip-headers", "").bare("true").or("false").hidden(),
    Flag::of(Kind::GoSwitch, "skip-log-headers", "").bare("true").or("false").hidden(),
    Flag::of(Kind::Severity, "stderrthreshold", "").or("2").hidden(),
    Flag::of(Kind::Level, "v", "").short('v').hidden(),
    Flag::of(Kind::ModuleLevels, "vmodule", "").hidden(),
];

/// The flags that every command takes besides, where the program was not started as `helm`.
pub const SUTLER_FLAGS: &[Flag] =
    &[Flag::text("compat", "whose behaviour is wanted: v4 (Helm 4.1) or v3 (Helm 3.18)").or_else(compatibility)];

/// Which Helm is mirrored: it must be known before any other flag is read.
///
/// # Errors
/// A compatibility that there is not.
pub(crate) fn mirrored(
    words: &[String],
    started_as: StartedAs,
    variables: &Variables,
) -> Result<Compatibility, Failure> {
    let text = match started_as {
        StartedAs::Helm => compatibility(variables),
        StartedAs::Sutler => {
            let mut flags = FlagValues::of(SUTLER_FLAGS, variables);
            // What is wrong with the words is told when all flags are read.
            drop(flags.parse(words, Unknown::Pass, &mut |_, _| Ok(())).1);
            flags.text("compat").to_owned()
        }
    };
    Ok(text.parse()?)
}

/// `HELM_COMPAT` is no variable of Helm's: it is for programs that start this one under the name `helm`.
fn compatibility(variables: &Variables) -> String {
    variables.filled("HELM_COMPAT").unwrap_or("v4").to_owned()
}

fn plain(variables: &Variables, name: &str) -> String {
    variables.get(name).unwrap_or_default().to_owned()
}

/// A switch that a variable turns on or off; nonsense is passed over.
fn switch(variables: &Variables, name: &str) -> String {
    let on = variables.get(name).and_then(|text| value::parse_bool(text).ok()).unwrap_or_default();
    on.to_string()
}

/// An integer, decimal as for Go's `Atoi`; nonsense is passed over.
fn integer(variables: &Variables, name: &str, default: &str) -> String {
    let digits = |text: &&str| text.parse::<i64>().is_ok();
    variables.get(name).filter(digits).map_or(default.to_owned(), |text| text.trim_start_matches('+').to_owned())
}

fn color(variables: &Variables) -> String {
    if variables.filled("NO_COLOR").is_some() {
        return "never".to_owned();
    }
    let wanted = variables.get("HELM_COLOR").unwrap_or_default().to_lowercase();
    if matches!(wanted.as_str(), "never" | "auto" | "always") { wanted } else { "auto".to_owned() }
}

fn home(variables: &Variables) -> String {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    plain(variables, name)
}

/// A path below one of Helm's homes: its own variable names the home itself, the system's one what is above it.
fn below(variables: &Variables, kind: Home, path: &str) -> String {
    let (own, system, default) = match kind {
        Home::Cache => ("HELM_CACHE_HOME", "XDG_CACHE_HOME", [".cache", "Library/Caches", "TEMP"]),
        Home::Config => ("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", [".config", "Library/Preferences", "APPDATA"]),
        Home::Data => ("HELM_DATA_HOME", "XDG_DATA_HOME", [".local/share", "Library", "APPDATA"]),
    };
    if let Some(base) = variables.filled(own) {
        return join(&[base, path]);
    }
    if let Some(base) = variables.filled(system) {
        return join(&[base, "helm", path]);
    }
    let [unix, mac, windows] = default;
    if cfg!(windows) {
        join(&[&plain(variables, windows), "helm", path])
    } else {
        join(&[&home(variables), if cfg!(target_os = "macos") { mac } else { unix }, "helm", path])
    }
}

#[derive(Clone, Copy)]
enum Home {
    Cache,
    Config,
    Data,
}

/// Paths joined and cleaned, as Go's `filepath.Join`.
pub(crate) fn join(parts: &[&str]) -> String {
    let joined: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    if joined.is_empty() { String::new() } else { sutler_chart::clean_path(&joined.join("/")) }
}

fn set_or(variables: &Variables, name: &str, default: impl FnOnce() -> String) -> String {
    variables.get(name).map_or_else(default, str::to_owned)
}

fn registry_config(variables: &Variables) -> String {
    set_or(variables, "HELM_REGISTRY_CONFIG", || below(variables, Home::Config, "registry/config.json"))
}

fn repository_config(variables: &Variables) -> String {
    set_or(variables, "HELM_REPOSITORY_CONFIG", || below(variables, Home::Config, "repositories.yaml"))
}

fn repository_cache(variables: &Variables) -> String {
    set_or(variables, "HELM_REPOSITORY_CACHE", || below(variables, Home::Cache, "repository"))
}

fn content_cache(variables: &Variables) -> String {
    set_or(variables, "HELM_CONTENT_CACHE", || below(variables, Home::Cache, "content"))
}

/// Helm's files, as variables alone name them: for what fetches charts beside Helm's commands.
pub fn default_places(variables: &Variables) -> Places {
    Places {
        repository_config: repository_config(variables).into(),
        repository_cache: repository_cache(variables).into(),
        registry_config: registry_config(variables).into(),
        content_cache: content_cache(variables).into(),
    }
}

/// Where GnuPG has the public keys: the default of `--keyring`.
pub fn default_keyring(variables: &Variables) -> String {
    match variables.filled("GNUPGHOME") {
        Some(folder) => join(&[folder, "pubring.gpg"]),
        None => join(&[&home(variables), ".gnupg", "pubring.gpg"]),
    }
}

impl Settings {
    /// What the variables and these global flags say.
    ///
    /// # Errors
    /// A compatibility that there is not.
    pub(crate) fn of(flags: &FlagValues, started_as: StartedAs, io: &Io<'_>) -> Result<Settings, Failure> {
        let variables = &io.variables;
        let text = |name: &str| flags.text(name).to_owned();
        let compatibility = match started_as {
            StartedAs::Helm => compatibility(variables),
            StartedAs::Sutler => text("compat"),
        };
        Ok(Settings {
            program: io.program.clone(),
            cache_home: below(variables, Home::Cache, ""),
            config_home: below(variables, Home::Config, ""),
            data_home: below(variables, Home::Data, ""),
            plugins: set_or(variables, "HELM_PLUGINS", || below(variables, Home::Data, "plugins")),
            repository_config: text("repository-config"),
            repository_cache: text("repository-cache"),
            content_cache: if flags.has("content-cache") { text("content-cache") } else { content_cache(variables) },
            registry_config: text("registry-config"),
            debug: flags.is_on("debug"),
            given_namespace: text("namespace"),
            kubeconfig: text("kubeconfig"),
            kube_context: text("kube-context"),
            kube_token: text("kube-token"),
            kube_as_user: text("kube-as-user"),
            kube_as_groups: flags.texts("kube-as-group").to_vec(),
            kube_api_server: text("kube-apiserver"),
            kube_ca_file: text("kube-ca-file"),
            kube_tls_server_name: text("kube-tls-server-name"),
            kube_insecure_skip_tls_verify: flags.is_on("kube-insecure-skip-tls-verify"),
            max_history: integer(variables, "HELM_MAX_HISTORY", "10").parse().unwrap_or(10),
            burst_limit: flags.integer("burst-limit"),
            qps: flags.float("qps"),
            color: if flags.has("color") { text("color") } else { color(variables) },
            driver: plain(variables, "HELM_DRIVER"),
            compatibility: compatibility.parse()?,
        })
    }

    /// The namespace to work in: `--namespace`, `HELM_NAMESPACE`, the kubeconfig's, that of the pod, or `default`.
    pub fn namespace(&self, variables: &Variables) -> String {
        if !self.given_namespace.is_empty() {
            return self.given_namespace.clone();
        }
        kubeconfig::namespace(&self.kubeconfig, &self.kube_context, variables)
    }

    /// The variables that Helm hands to plugins, and `helm env` prints, by name.
    pub fn variables(&self, variables: &Variables) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("HELM_BIN", self.program.clone()),
            ("HELM_BURST_LIMIT", self.burst_limit.to_string()),
            ("HELM_CACHE_HOME", self.cache_home.clone()),
            ("HELM_CONFIG_HOME", self.config_home.clone()),
            ("HELM_DATA_HOME", self.data_home.clone()),
            ("HELM_DEBUG", self.debug.to_string()),
            ("HELM_KUBEAPISERVER", self.kube_api_server.clone()),
            ("HELM_KUBEASGROUPS", self.kube_as_groups.join(",")),
            ("HELM_KUBEASUSER", self.kube_as_user.clone()),
            ("HELM_KUBECAFILE", self.kube_ca_file.clone()),
            ("HELM_KUBECONTEXT", self.kube_context.clone()),
            ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", self.kube_insecure_skip_tls_verify.to_string()),
            ("HELM_KUBETLS_SERVER_NAME", self.kube_tls_server_name.clone()),
            ("HELM_KUBETOKEN", self.kube_token.clone()),
            ("HELM_MAX_HISTORY", self.max_history.to_string()),
            ("HELM_NAMESPACE", self.namespace(variables)),
            ("HELM_PLUGINS", self.plugins.clone()),
            ("HELM_QPS", format!("{:.2}", self.qps)),
            ("HELM_REGISTRY_CONFIG", self.registry_config.clone()),
            ("HELM_REPOSITORY_CACHE", self.repository_cache.clone()),
            ("HELM_REPOSITORY_CONFIG", self.repository_config.clone()),
        ];
        if self.compatibility == Compatibility::V4 {
            all.push(("HELM_CONTENT_CACHE", self.content_cache.clone()));
            all.sort_unstable();
        }
        if !self.kubeconfig.is_empty() {
            all.push(("KUBECONFIG", self.kubeconfig.clone()));
        }
        all
    }

    /// The folders that plugins are in.
    pub fn plugin_folders(&self) -> Vec<&Path> {
        let separator = if cfg!(windows) { ';' } else { ':' };
        self.plugins.split(separator).filter(|folder| !folder.is_empty()).map(Path::new).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_come_from_helms_variables_then_the_systems_then_the_home_folder() {
        let path = |variables: &[(&str, &str)]| {
            let variables = variables.iter().copied().collect();
            below(&variables, Home::Config, "repositories.yaml")
        };
        assert_eq!(path(&[("HELM_CONFIG_HOME", "/h/"), ("XDG_CONFIG_HOME", "/x")]), "/h/repositories.yaml");
        assert_eq!(path(&[("HELM_CONFIG_HOME", ""), ("XDG_CONFIG_HOME", "/x")]), "/x/helm/repositories.yaml");
        #[cfg(target_os = "linux")]
        assert_eq!(path(&[("HOME", "/me")]), "/me/.config/helm/repositories.yaml");
    }

    #[test]
    fn color_is_off_where_no_color_says_so() {
        let of = |variables: &[(&str, &str)]| color(&variables.iter().copied().collect());
        assert_eq!(of(&[("NO_COLOR", "1"), ("HELM_COLOR", "always")]), "never");
        assert_eq!(of(&[("NO_COLOR", ""), ("HELM_COLOR", "ALWAYS")]), "always");
        assert_eq!(of(&[("HELM_COLOR", "pink")]), "auto");
    }
}
