//! The images of what runs on a real node, as one OCI layout in the per-user cache, made of parts that are there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{cache, folder_of, hexadecimal};
use crate::process;
use crate::real::image::{Layout, Run};

/// What holds a pod's network.
pub(crate) const PAUSE: &str = "sutler.test/pause:1";

/// Busybox: what small test pods are made of.
pub(crate) const BUSYBOX: &str = "sutler.test/busybox:1";

/// The cluster's names.
pub(crate) const COREDNS: &str = "sutler.test/coredns:1";

/// Ray with Daft, as head and workers run it; the tag is what the chart makes of its default versions.
pub(crate) const RAY: &str = "sutler.test/ray:2.60.0-py311";

/// JupyterHub with KubeSpawner and the authenticators.
pub(crate) const HUB: &str = "sutler.test/hub:6.1.1";

/// A user's server: JupyterLab, with Ray and Daft.
pub(crate) const NOTEBOOK: &str = "sutler.test/notebook:6.1.1";

/// The proxy in front of the hub and the users' servers.
pub(crate) const PROXY: &str = "sutler.test/proxy:5.3.0";

/// Changed when the code below makes other images of the same parts.
const FORM: &str = "1";

/// Who may be in them: Ray's and JupyterHub's images run as user 1000.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nray:x:1000:100:ray:/home/ray:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n";
const GROUP: &str = "root:x:0:\nusers:x:100:\nnogroup:x:65534:\n";

/// Where Debian's Python looks: what `pip --target` put side by side goes where it belongs.
const PLACES: &str = "s,^\\./bin,usr/local/bin,;s,^\\./share,usr/share,;s,^\\./etc,usr/local/etc,;\
    s,^\\./,usr/local/lib/python3.11/dist-packages/,";

/// The layout's folder, made if it is not there.
pub(crate) fn layout(root: &Path) -> Result<PathBuf> {
    let part = |name: &str| folder_of(root, name);
    let [containers, coredns, system, python, proxy] =
        [part("containers")?, part("coredns")?, part("image-root")?, part("ray")?, part("proxy")?];
    let mut digest = Sha256::new();
    for folder in [&containers, &coredns, &system, &python, &proxy] {
        digest.update(folder.file_name().unwrap_or_default().as_encoded_bytes());
    }
    for text in [FORM, PASSWD, GROUP, PLACES, PAUSE, BUSYBOX, COREDNS, RAY, HUB, NOTEBOOK, PROXY] {
        digest.update(text);
    }
    let folder = cache()?.join(format!("images-{}", &hexadecimal(&digest.finalize())[..12]));
    if folder.is_dir() {
        return Ok(folder);
    }
    let lock = fs::File::create(folder.with_extension("lock")).context("could not make the images' lock file")?;
    lock.lock().context("could not wait for another run that makes the images")?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let started = std::time::Instant::now();
    let unfinished = folder.with_extension("part");
    let _ = fs::remove_dir_all(&unfinished);
    let mut layout = Layout::new(&unfinished)?;
    let scratch = tempfile::tempdir_in(&unfinished).context("could not make a folder")?;

    let busybox = layout.layer(&small(&scratch.path().join("busybox"), &containers)?, "")?;
    let path = ["PATH=/bin"];
    let sleeping = Run { entrypoint: &["/bin/sleep", "2147483647"], environment: &path, folder: "/" };
    layout.image(PAUSE, &[&busybox], &sleeping)?;
    layout.image(BUSYBOX, &[&busybox], &Run { entrypoint: &["/bin/sh"], environment: &path, folder: "/" })?;

    let names = layout.layer(&coredns.join("bin"), "")?;
    layout.image(COREDNS, &[&names], &Run { entrypoint: &["/coredns"], environment: &[], folder: "/" })?;

    let debian = layout.layer(&system.join("root"), "")?;
    let people = layout.layer(&people(&scratch.path().join("people"))?, "")?;
    let python = layout.layer(&python.join("packages"), PLACES)?;
    let environment =
        ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "PYTHONUNBUFFERED=1", "RAY_USAGE_STATS_ENABLED=0"];
    let run = |folder| Run { entrypoint: &[], environment: &environment, folder };
    layout.image(RAY, &[&debian, &people, &python], &run("/home/ray"))?;
    layout.image(HUB, &[&debian, &people, &python], &run("/srv/jupyterhub"))?;
    layout.image(NOTEBOOK, &[&debian, &people, &python], &run("/home/jovyan"))?;

    let node = layout.layer(&node(&scratch.path().join("node"))?, "")?;
    let proxy = layout.layer(&proxy.join("node_modules"), "s,^\\.,srv/node_modules,")?;
    layout.image(PROXY, &[&debian, &people, &node, &proxy], &run("/"))?;

    drop(scratch);
    layout.finish()?;
    fs::rename(&unfinished, &folder).with_context(|| format!("could not finish {}", folder.display()))?;
    println!("peers: images made in {:.0} s", started.elapsed().as_secs_f64());
    Ok(folder)
}

/// Busybox and the names that test pods call it by.
fn small(folder: &Path, containers: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder.join("bin"))?;
    fs::create_dir_all(folder.join("tmp"))?;
    fs::copy(containers.join("root/bin/busybox"), folder.join("bin/busybox")).context("could not copy busybox")?;
    for name in
        ["sh", "cat", "sleep", "httpd", "wget", "nslookup", "ls", "id", "echo", "test", "mkdir", "true", "false"]
    {
        symlink("busybox", folder.join("bin").join(name))?;
    }
    Ok(folder.to_path_buf())
}

/// Users, and folders that any of them may write to.
fn people(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder.join("etc"))?;
    fs::write(folder.join("etc/passwd"), PASSWD)?;
    fs::write(folder.join("etc/group"), GROUP)?;
    for name in ["home/ray", "home/jovyan", "srv/jupyterhub", "tmp"] {
        let path = folder.join(name);
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o1777))?;
    }
    Ok(folder.to_path_buf())
}

/// The Node that is on this machine, and the proxy's command.
fn node(folder: &Path) -> Result<PathBuf> {
    let found = process::output(Command::new("node").args(["--print", "process.execPath"]))?;
    let programs = folder.join("usr/local/bin");
    fs::create_dir_all(&programs)?;
    fs::copy(found.trim(), programs.join("node")).with_context(|| format!("could not copy {}", found.trim()))?;
    symlink(
        "/srv/node_modules/configurable-http-proxy/bin/configurable-http-proxy",
        programs.join("configurable-http-proxy"),
    )?;
    Ok(folder.to_path_buf())
}
