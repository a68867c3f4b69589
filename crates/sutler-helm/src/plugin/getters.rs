//! Getter plugins, as the crate that fetches charts asks for them.

use sutler_chart::Compatibility;
use sutler_repository::fetch::Getters;
use sutler_repository::transport::GetOptions;

use super::{GetterRequest, Plugin, Plugins};
use crate::io::Variables;
use crate::settings::Settings;

/// The getter plugins that are installed.
pub(crate) struct PluginGetters {
    plugins: Vec<Plugin>,
    variables: Variables,
    helm: Vec<(&'static str, String)>,
}

impl PluginGetters {
    /// Those in the settings' folders. Plugins that cannot be loaded were told of at the start.
    pub(crate) fn of(settings: &Settings, variables: &Variables) -> PluginGetters {
        let compatibility = settings.compatibility;
        let plugins = Plugins::load(&settings.plugin_folders(), compatibility).unwrap_or_default();
        // In Helm 3 a plugin is a command and a getter at once.
        let kind = if compatibility == Compatibility::V4 { "getter/v1" } else { "" };
        let plugins: Vec<Plugin> = plugins.of_kind(kind).cloned().collect();
        let helm = if plugins.is_empty() { Vec::new() } else { settings.variables(variables) };
        PluginGetters { plugins, variables: variables.clone(), helm }
    }

    fn find(&self, scheme: &str) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| plugin.serves(scheme))
    }
}

impl Getters for PluginGetters {
    fn provides(&self, scheme: &str) -> bool {
        self.find(scheme).is_some()
    }

    fn get(&self, scheme: &str, url: &str, options: &GetOptions) -> Result<Vec<u8>, String> {
        let quoted = sutler_chart::go_quoted(scheme);
        let plugin = self.find(scheme).ok_or_else(|| format!("scheme {quoted} not supported"))?;
        let request = GetterRequest {
            url: url.to_owned(),
            cert_file: options.tls.cert_file.clone(),
            key_file: options.tls.key_file.clone(),
            ca_file: options.tls.ca_file.clone(),
            username: options.username.clone(),
            password: options.password.clone(),
            pass_credentials: options.pass_credentials_all,
        };
        plugin.fetch(&request, &self.variables, &self.helm).map_err(|error| error.to_string())
    }
}
