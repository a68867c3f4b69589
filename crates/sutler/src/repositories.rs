//! The chart repositories of the user who started this program: Helm's files, as `sutler helm` uses them.

use sutler_helm::{Variables, credential_places, default_places, proxies};
use sutler_stack::remote::RemoteRepositories;

/// What this user's variables name.
pub(crate) fn of_this_user() -> RemoteRepositories {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let variables: Variables = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    let places = default_places(&variables);
    let logins = credential_places(&places.registry_config, &variables);
    RemoteRepositories { places, logins, proxies: proxies(&variables) }
}
