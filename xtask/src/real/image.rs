//! Container images made of files here, as an OCI layout: no registry, no build tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::process;

/// A folder that becomes an OCI layout: images that share layers.
pub(crate) struct Layout {
    folder: PathBuf,
    manifests: Vec<Value>,
}

/// A layer of a layout.
pub(crate) struct Layer(Value);

/// What runs in an image.
#[derive(Default)]
pub(crate) struct Run<'a> {
    /// The program and its first arguments.
    pub(crate) entrypoint: &'a [&'a str],
    /// Its environment, as `NAME=value`.
    pub(crate) environment: &'a [&'a str],
    /// Where it starts.
    pub(crate) folder: &'a str,
}

impl Layout {
    /// An empty one in a folder.
    pub(crate) fn new(folder: &Path) -> Result<Layout> {
        fs::create_dir_all(folder.join("blobs/sha256")).context("could not make the images' folder")?;
        Ok(Layout { folder: folder.to_path_buf(), manifests: Vec::new() })
    }

    /// A layer of what is in a folder, under names that `sed` makes of theirs (`./etc/passwd`): tar's `--transform`.
    pub(crate) fn layer(&self, folder: &Path, names: &str) -> Result<Layer> {
        let archive = self.folder.join("layer.tar");
        let mut tar = Command::new("tar");
        // The same files are the same layer: names in order, no times, nobody's.
        tar.args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--hard-dereference"]);
        if !names.is_empty() {
            // Links go where they went.
            tar.arg(format!("--transform=flags=rh;{names}"));
        }
        process::output(tar.arg("-C").arg(folder).arg("-cf").arg(&archive).arg("."))?;
        self.blob(&archive, "application/vnd.oci.image.layer.v1.tar").map(Layer)
    }

    /// An image of layers, the lowest first.
    pub(crate) fn image(&mut self, name: &str, layers: &[&Layer], run: &Run<'_>) -> Result<()> {
        let layers: Vec<&Value> = layers.iter().map(|Layer(layer)| layer).collect();
        let digests: Vec<&Value> = layers.iter().map(|layer| &layer["digest"]).collect();
        let config = json!({
            "architecture": if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" }, "os": "linux",
            "config": {"Entrypoint": run.entrypoint, "Env": run.environment, "WorkingDir": run.folder},
            "rootfs": {"type": "layers", "diff_ids": digests},
        });
        let config = self.text(&config, "application/vnd.oci.image.config.v1+json")?;
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers});
        let mut manifest = self.text(&manifest, kind)?;
        manifest["annotations"] = json!({"io.containerd.image.name": name});
        self.manifests.push(manifest);
        Ok(())
    }

    /// Writes what makes it whole.
    pub(crate) fn finish(self) -> Result<()> {
        let index = json!({"schemaVersion": 2, "manifests": self.manifests});
        fs::write(self.folder.join("index.json"), index.to_string())?;
        let version = json!({"imageLayoutVersion": "1.0.0"});
        fs::write(self.folder.join("oci-layout"), version.to_string()).context("could not finish the images")
    }

    fn text(&self, content: &Value, kind: &str) -> Result<Value> {
        let path = self.folder.join("text");
        fs::write(&path, content.to_string()).context("could not write a blob")?;
        self.blob(&path, kind)
    }

    /// Takes a file as a blob; what the one who names it says of it.
    fn blob(&self, path: &Path, kind: &str) -> Result<Value> {
        // Of hundreds of megabytes: by the program, which is not built without optimization.
        let summed = process::output(Command::new("sha256sum").arg(path))?;
        let digest = summed.split_whitespace().next().context("`sha256sum` printed nothing")?.trim_start_matches('\\');
        let size = fs::metadata(path)?.len();
        fs::rename(path, self.folder.join("blobs/sha256").join(digest)).context("could not keep a blob")?;
        Ok(json!({"mediaType": kind, "digest": format!("sha256:{digest}"), "size": size}))
    }
}
