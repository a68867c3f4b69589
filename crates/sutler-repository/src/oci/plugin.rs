//! Helm's plugins in registries (its `Client.PullPlugin`): a manifest of their own type, whose layers are found by their titles.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::RegistryClient;
use super::error::RegistryError;
use super::manifest::{Descriptor, MANIFEST_MEDIA_TYPE};
use super::reference::{Reference, SCHEME};

/// What a plugin's manifest says that it is, in its `artifactType` or, in older ones, by its config's media type.
pub const PLUGIN_ARTIFACT_TYPE: &str = "application/vnd.helm.plugin.v1+json";

/// Media types of layers that Helm fetches.
const LAYERS: [&str; 2] = ["application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip"];

/// The annotation that holds a layer's file name.
const TITLE: &str = "org.opencontainers.image.title";

/// A plugin from a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledPlugin {
    /// The archive.
    pub archive: Vec<u8>,
    /// The provenance file, where there is one.
    pub provenance: Option<Vec<u8>>,
}

/// The name of the plugin that a reference means: the last part of the repository's path, as Helm's `GetPluginName`.
///
/// # Errors
/// The reference is none.
pub fn plugin_name(url: &str) -> Result<String, RegistryError> {
    let reference = Reference::parse(url)?;
    let name = reference.repository.rsplit('/').next().unwrap_or_default();
    Ok(name.to_owned())
}

/// A manifest, as far as plugins need it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PluginManifest {
    artifact_type: String,
    config: Descriptor,
    layers: Vec<Layer>,
}

/// A layer with what is said of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Layer {
    #[serde(flatten)]
    descriptor: Descriptor,
    annotations: BTreeMap<String, String>,
}

impl RegistryClient<'_> {
    /// Pulls a plugin, `oci://registry.example.com/plugins/hello:0.1.0` (or with `@` and a digest), and its provenance where the
    /// manifest has one. All digests are checked.
    ///
    /// # Errors
    /// When the registry cannot be reached or refuses, when other bytes come than were announced, when it is no plugin.
    pub fn pull_plugin(&self, url: &str) -> Result<PulledPlugin, RegistryError> {
        let reference = Reference::parse(url)?;
        if reference.tag.is_empty() && !reference.digest.is_empty() {
            reference.tag_or_digest()?;
        }
        let (root, bytes) = self.manifest(&reference)?;
        if root.media_type != MANIFEST_MEDIA_TYPE {
            let Descriptor { media_type, digest, .. } = &root;
            return Err(RegistryError::NoPlugin(format!(
                "unable to retrieve manifest: {digest}: {media_type}: not found"
            )));
        }
        let manifest: PluginManifest = serde_json::from_slice(&bytes)
            .map_err(|error| RegistryError::Json(format!("unable to parse manifest: {error}")))?;
        check_type(&manifest)?;
        let name = name_in_titles(url);
        let titled = |ending: &str| {
            manifest.layers.iter().find(|layer| {
                let title = layer.annotations.get(TITLE).map_or("", String::as_str);
                title.strip_prefix(&name).is_some_and(|rest| rest.starts_with('-')) && title.ends_with(ending)
            })
        };
        let archive = titled(".tgz").ok_or_else(|| {
            RegistryError::NoPlugin(format!("required layer matching pattern {name}-VERSION.tgz not found in manifest"))
        })?;
        let fetch = |layer: &Layer, what: &str| {
            let Descriptor { media_type, digest, .. } = &layer.descriptor;
            if !LAYERS.contains(&media_type.as_str()) {
                return Err(RegistryError::NoPlugin(format!(
                    "unable to retrieve {what} data with digest {digest}: {digest}: {media_type}: not found"
                )));
            }
            self.blob(&reference, &layer.descriptor)
        };
        Ok(PulledPlugin {
            archive: fetch(archive, "plugin")?,
            provenance: titled(".tgz.prov").map(|layer| fetch(layer, "provenance")).transpose()?,
        })
    }
}

/// Whether a manifest is a plugin's.
fn check_type(manifest: &PluginManifest) -> Result<(), RegistryError> {
    let (found, config) = (&manifest.artifact_type, &manifest.config.media_type);
    if !found.is_empty() && found != PLUGIN_ARTIFACT_TYPE {
        return Err(RegistryError::NoPlugin(format!("expected artifact type {PLUGIN_ARTIFACT_TYPE}, got {found}")));
    }
    if found.is_empty() && config != PLUGIN_ARTIFACT_TYPE {
        return Err(RegistryError::NoPlugin(format!(
            "expected config media type {PLUGIN_ARTIFACT_TYPE} for legacy compatibility, got {config}"
        )));
    }
    Ok(())
}

/// The name that layers' titles begin with: what stands behind the last `/`, without a tag, or else without a digest. Beside a
/// digest a tag stays, as in Helm, and nothing is found.
fn name_in_titles(url: &str) -> String {
    let text = url.strip_prefix(SCHEME).unwrap_or(url);
    let last = text.rsplit('/').next().unwrap_or_default();
    let before = |mark: char| last.rfind(mark).filter(|at| *at > 0).map(|at| &last[..at]);
    before('@').or_else(|| before(':')).unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_name_is_the_end_of_its_repository() {
        for (url, name, titles) in [
            ("oci://h:5000/a/hello:0.1.0", "hello", "hello"),
            ("oci://h/hello", "hello", "hello"),
            (
                "oci://h/hello:1.0@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "hello",
                "hello:1.0",
            ),
        ] {
            assert_eq!(plugin_name(url).unwrap(), name);
            assert_eq!(name_in_titles(url), titles);
        }
        assert_eq!(
            plugin_name("oci://h").unwrap_err().to_string(),
            "invalid reference: missing registry or repository"
        );
    }

    #[test]
    fn a_charts_manifest_is_no_plugins() {
        let error = check_type(&PluginManifest::default()).unwrap_err().to_string();
        assert_eq!(
            error,
            "expected config media type application/vnd.helm.plugin.v1+json for legacy compatibility, got "
        );
    }
}
