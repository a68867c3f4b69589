//! The one thing that commands without a cluster read of a kubeconfig: the namespace of the context in use.
//!
//! As client-go: the file of `--kubeconfig`, else those of `KUBECONFIG` (the first to name a thing counts), else `~/.kube/config`;
//! where none says a context, a pod's own namespace; else `default`. A file that cannot be read leaves `default`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::io::Variables;

const DEFAULT: &str = "default";

/// The namespace in use.
pub(crate) fn namespace(file: &str, context: &str, variables: &Variables) -> String {
    let configs: Option<Vec<Value>> = if file.is_empty() {
        files(variables).iter().filter(|path| path.exists()).map(|path| read(path)).collect()
    } else {
        read(Path::new(file)).map(|config| vec![config])
    };
    let Some(configs) = configs else { return DEFAULT.to_owned() };
    let context = if context.is_empty() {
        configs
            .iter()
            .filter_map(|config| config["current-context"].as_str())
            .find(|name| !name.is_empty())
            .unwrap_or_default()
    } else {
        context
    };
    let found = configs
        .iter()
        .flat_map(|config| config["contexts"].as_array().into_iter().flatten())
        .find(|entry| entry["name"] == context)
        .and_then(|entry| entry["context"]["namespace"].as_str())
        .filter(|namespace| !namespace.is_empty() && *namespace != DEFAULT);
    match found {
        Some(namespace) => namespace.to_owned(),
        None if configs.is_empty() => pod_namespace(variables).unwrap_or_else(|| DEFAULT.to_owned()),
        None => DEFAULT.to_owned(),
    }
}

/// The contexts, each with its cluster behind a tab, by name.
pub(crate) fn contexts(file: &str, variables: &Variables) -> Vec<String> {
    let paths = if file.is_empty() { files(variables) } else { vec![PathBuf::from(file)] };
    let mut found = std::collections::BTreeMap::new();
    for config in paths.iter().filter_map(|path| read(path)) {
        for entry in config["contexts"].as_array().into_iter().flatten() {
            let (name, cluster) = (entry["name"].as_str(), entry["context"]["cluster"].as_str());
            found.entry(name.unwrap_or_default().to_owned()).or_insert(cluster.unwrap_or_default().to_owned());
        }
    }
    found.into_iter().map(|(name, cluster)| format!("{name}\t{cluster}")).collect()
}

fn files(variables: &Variables) -> Vec<PathBuf> {
    match variables.filled("KUBECONFIG") {
        Some(list) => std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => {
            let home = variables.get(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).unwrap_or_default();
            vec![Path::new(home).join(".kube/config")]
        }
    }
}

/// A kubeconfig, or nothing where it is not readable or no YAML. An empty file is an empty config.
fn read(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    let node = sutler_yaml::read(&text).ok()?;
    sutler_yaml::to_json(&node).ok()
}

/// The namespace of the pod that the program runs in, if it runs in one.
fn pod_namespace(variables: &Variables) -> Option<String> {
    const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    variables.filled("KUBERNETES_SERVICE_HOST")?;
    variables.filled("KUBERNETES_SERVICE_PORT")?;
    if !Path::new(ACCOUNT).join("token").is_file() {
        return None;
    }
    if let Some(namespace) = variables.filled("POD_NAMESPACE") {
        return Some(namespace.to_owned());
    }
    let text = std::fs::read_to_string(Path::new(ACCOUNT).join("namespace")).ok()?;
    Some(text.trim().to_owned()).filter(|namespace| !namespace.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(configs: &[&str], context: &str, expect: &str) {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = configs
            .iter()
            .enumerate()
            .map(|(at, text)| {
                let path = folder.path().join(at.to_string());
                std::fs::write(&path, text).unwrap();
                path
            })
            .collect();
        let list = std::env::join_paths(paths).unwrap().into_string().unwrap();
        assert_eq!(namespace("", context, &[("KUBECONFIG", list)].into_iter().collect()), expect);
    }

    const ONE: &str = "current-context: a\ncontexts:\n- {name: a, context: {namespace: one}}\n- {name: b, context: {namespace: two}}\n";

    #[test]
    fn the_context_in_use_gives_the_namespace() {
        check(&[ONE], "", "one");
        check(&[ONE], "b", "two");
        check(&[ONE], "c", "default");
        check(&["{}", ONE], "", "one");
        check(&["current-context: b", ONE], "", "two");
        check(&["a: ["], "", "default");
        check(&[], "", "default");
    }
}
