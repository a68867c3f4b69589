//! Container images made of files here, as an OCI layout in a tar archive: no registry, no build tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::process;

/// An image of one layer.
pub(crate) struct Image<'a> {
    /// Its name and tag.
    pub(crate) name: &'a str,
    /// The folder that becomes its file system.
    pub(crate) root: &'a Path,
    /// What runs in it.
    pub(crate) entrypoint: &'a [&'a str],
}

impl Image<'_> {
    /// Writes the archive into a folder; its path.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let layout = folder.join("layout");
        let _ = fs::remove_dir_all(&layout);
        fs::create_dir_all(layout.join("blobs/sha256")).context("could not make the image's folder")?;
        let layer = folder.join("layer.tar");
        let mut tar = Command::new("tar");
        // The same files are the same layer: names in order, no times, nobody's.
        tar.args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-C"]);
        process::output(tar.arg(self.root).arg("-cf").arg(&layer).arg("."))?;
        let layer = blob(&layout, &fs::read(&layer)?, "application/vnd.oci.image.layer.v1.tar")?;
        let config = json!({
            "architecture": if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" }, "os": "linux",
            "config": {"Entrypoint": self.entrypoint, "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        });
        let config = blob(&layout, config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json")?;
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]});
        let mut manifest = blob(&layout, manifest.to_string().as_bytes(), kind)?;
        manifest["annotations"] = json!({"io.containerd.image.name": self.name});
        let index = json!({"schemaVersion": 2, "manifests": [manifest]});
        fs::write(layout.join("index.json"), index.to_string())?;
        fs::write(layout.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
        let archive = folder.join("image.tar");
        process::output(Command::new("tar").arg("-C").arg(&layout).arg("-cf").arg(&archive).arg("."))?;
        Ok(archive)
    }
}

/// Writes a blob; what the one who names it says of it.
fn blob(layout: &Path, bytes: &[u8], kind: &str) -> Result<Value> {
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(layout.join("blobs/sha256").join(&digest), bytes).context("could not write a blob of the image")?;
    Ok(json!({"mediaType": kind, "digest": format!("sha256:{digest}"), "size": bytes.len()}))
}
