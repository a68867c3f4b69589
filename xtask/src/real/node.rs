//! A real node: containerd, kubelet and kube-proxy with their files.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::machine::{ADDRESS, Machine};
use crate::peers::images::PAUSE;
use crate::process;

/// The node's name.
const NAME: &str = "node";

/// The addresses of pods.
pub(crate) const POD_ADDRESSES: &str = "10.244.0.0/16";

/// Containerd's socket, in the cluster's folder.
pub(crate) const SOCKET: &str = "containerd.sock";

/// What a node is made in.
pub(crate) struct Place<'a> {
    /// The machine.
    pub(crate) machine: &'a Machine,
    /// The cluster's folder, with certificates and kubeconfigs.
    pub(crate) folder: &'a Path,
    /// Where the programs are.
    pub(crate) bin: &'a Path,
}

/// A program to start.
pub(crate) struct Program {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
}

impl Place<'_> {
    /// Writes the programs' files; what to start, in order.
    pub(crate) fn prepare(&self) -> Result<Vec<Program>> {
        let file = |name: &str| self.folder.join(name).display().to_string();
        // The plugins lie beside the program that was found through links.
        let containerd = fs::canonicalize(self.bin.join("containerd")).context("containerd is not there")?;
        let plugins = containerd.parent().context("containerd lies in a folder")?.join("../root/usr/lib/cni");
        let plugins = fs::canonicalize(plugins).context("the network plugins are not there")?;
        fs::create_dir_all(self.folder.join("net.d"))?;
        let network = json!({
            "cniVersion": "1.0.0", "name": "pods",
            "plugins": [
                {
                    "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
                    "ipam": {
                        "type": "host-local", "dataDir": file("addresses"),
                        "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": true}},
            ],
        });
        self.write("net.d/10-pods.conflist", &network.to_string())?;
        self.write("containerd.toml", &containerd_toml(self.folder, &plugins, &self.bin.join("runc")))?;
        self.write("resolv.conf", "")?;
        let kubelet = json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "authentication": {"x509": {"clientCAFile": file("ca.crt")}, "webhook": {"enabled": true}, "anonymous": {"enabled": false}},
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs", "cgroupRoot": format!("/{}", self.machine.cgroup), "failCgroupV1": false, "failSwapOn": false,
            "clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local", "resolvConf": file("resolv.conf"),
            "containerRuntimeEndpoint": format!("unix://{}", file(SOCKET)),
            // Nothing is thrown out because the machine's own disk is full.
            "evictionHard": {}, "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
            "enforceNodeAllocatable": [],
            "volumePluginDir": file("volume-plugins"), "podLogsDir": file("pod-logs"),
            "nodeStatusUpdateFrequency": "4s", "syncFrequency": "10s",
        });
        self.write("kubelet.yaml", &kubelet.to_string())?;
        let proxy = json!({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
            "mode": "iptables", "clusterCIDR": POD_ADDRESSES, "hostnameOverride": NAME,
            "clientConnection": {"kubeconfig": file("kube-proxy.kubeconfig")},
            // The table of connections is the whole machine's.
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        });
        self.write("kube-proxy.yaml", &proxy.to_string())?;
        Ok(vec![
            Program { name: "containerd", arguments: vec!["--config".into(), file("containerd.toml")] },
            Program {
                name: "kubelet",
                arguments: vec![
                    format!("--config={}", file("kubelet.yaml")),
                    format!("--kubeconfig={}", file("kubelet.kubeconfig")),
                    format!("--root-dir={}", file("kubelet")),
                    format!("--cert-dir={}", file("kubelet-certificates")),
                    format!("--node-ip={ADDRESS}"),
                    format!("--hostname-override={NAME}"),
                ],
            },
            Program { name: "kube-proxy", arguments: vec![format!("--config={}", file("kube-proxy.yaml"))] },
        ])
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
    }
}

/// Containerd's configuration: all that it has lies in one folder.
fn containerd_toml(folder: &Path, plugins: &Path, runc: &Path) -> String {
    let file = |name: &str| folder.join(name).display().to_string();
    format!(
        "version = 2\nroot = {root:?}\nstate = {state:?}\n[grpc]\naddress = {socket:?}\n[ttrpc]\naddress = {ttrpc:?}\n\
         [plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = {PAUSE:?}\n\
         # Without the capability SYS_RESOURCE no process may be given a lower score than its parent has.\n\
         restrict_oom_score_adj = true\n\
         [plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = {plugins:?}\nconf_dir = {networks:?}\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd]\nsnapshotter = {snapshotter:?}\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\nBinaryName = {runc:?}\n",
        root = file("containerd"),
        state = file("containerd-state"),
        socket = file(SOCKET),
        ttrpc = file("containerd-ttrpc.sock"),
        networks = file("net.d"),
        snapshotter = snapshotter(folder),
    )
}

/// How containerd lays images over one another: an overlay, unless the folder is in one itself, as in a container; then by copies.
fn snapshotter(folder: &Path) -> &'static str {
    let kind = process::output(Command::new("stat").args(["--file-system", "--format=%T"]).arg(folder));
    if kind.is_ok_and(|kind| kind.trim() == "overlayfs") { "native" } else { "overlayfs" }
}

/// `PATH` for programs that start others of the same folder.
pub(crate) fn search_path(bin: &Path) -> OsString {
    let own = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin.to_path_buf()).chain(std::env::split_paths(&own));
    std::env::join_paths(folders).unwrap_or(own)
}
