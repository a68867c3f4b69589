//! A Kubernetes of real parts, for as long as a value lives: its control plane on loopback with nodes that kwok plays, or all of it in a
//! [`Machine`] with one real node.
//!
//! All files are in one temporary folder, all ports are free ones. Clients come with static tokens; the API server's
//! certificate is signed by a CA made for this cluster. Every process is killed when the value is dropped, and by the kernel
//! when this program dies (`setpriv --pdeathsig`, where it is to be had).

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use serde_json::{Value, json};
use sutler_nodes::capacity::DEFAULT_ROOT_VOLUME_GIB;
use sutler_nodes::instances;
use sutler_nodes::node::{NodeSpec, node_object};
use sutler_nodes::pool::NodeIdentity;
use sutler_nodes::{Capacity, Pool};

use super::machine::{ADDRESS, Machine};
use super::node;
use crate::{peers, process};

/// The kubeconfig's context, which `examples/data-team` names in its environment `real`.
pub(crate) const CONTEXT: &str = "sutler-real";

/// How long the API, and then the nodes, may take to be ready.
const BOOT: Duration = Duration::from_secs(120);

/// Who may come with which token: name, user, groups.
const USERS: [(&str, &str, &str); 6] = [
    ("admin", "admin", "system:masters"),
    ("controller-manager", "system:kube-controller-manager", ""),
    ("scheduler", "system:kube-scheduler", ""),
    ("kwok", "kwok", "system:masters"),
    ("kubelet", "system:node:node", "system:nodes"),
    ("kube-proxy", "system:kube-proxy", ""),
];

/// What nodes a cluster has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nodes {
    /// Those of the example's pools, played by kwok: pods run at once, and nothing in them.
    Played,
    /// One, by a kubelet and containerd.
    Real,
}

/// The running cluster.
pub(crate) struct Cluster {
    /// Where it runs, if not here. It goes before the folder, which its processes use.
    machine: Option<Machine>,
    /// Holds certificates, data and logs.
    folder: Option<tempfile::TempDir>,
    /// Newest last; killed in reverse order.
    processes: Vec<Child>,
    /// Of the administrator.
    pub(crate) kubeconfig: PathBuf,
    /// Where helm and kubectl are.
    pub(crate) bin: PathBuf,
    /// The images of a real node.
    images: Option<PathBuf>,
    /// How many nodes there are.
    pub(crate) nodes: usize,
}

impl Cluster {
    /// Starts everything and waits until all nodes are ready.
    pub(crate) fn boot(root: &Path, nodes: Nodes) -> Result<Cluster> {
        let folder = tempfile::Builder::new().prefix("sutler-real-").tempdir().context("could not make a folder")?;
        let path = folder.path().to_path_buf();
        let mut cluster = Cluster {
            folder: Some(folder),
            processes: Vec::new(),
            kubeconfig: path.join("admin.kubeconfig"),
            bin: peers::bin(root),
            images: if nodes == Nodes::Real { Some(peers::images::layout(root)?) } else { None },
            nodes: 0,
            machine: if nodes == Nodes::Real { Some(Machine::make()?) } else { None },
        };
        let booted = cluster.start(&path);
        if booted.is_err() {
            println!("real: logs are kept in {}", cluster.keep_logs().display());
        }
        booted.map(|()| cluster)
    }

    fn start(&mut self, folder: &Path) -> Result<()> {
        let [client, peer, api] = free_ports()?;
        write_certificates(folder)?;
        let address = if self.machine.is_some() { ADDRESS } else { "127.0.0.1" };
        let server = format!("https://{address}:{api}");
        let tokens: String =
            USERS.iter().map(|(name, user, groups)| format!("token-{name},{user},{name},\"{groups}\"\n")).collect();
        write(&folder.join("tokens.csv"), &tokens)?;
        for (name, ..) in USERS {
            write(&folder.join(format!("{name}.kubeconfig")), &kubeconfig(&server, &folder.join("ca.crt"), name))?;
        }
        let file = |name: &str| folder.join(name).display().to_string();

        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        self.spawn(
            "etcd",
            folder,
            &[
                format!("--data-dir={}", file("etcd")),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
                "--unsafe-no-fsync".to_string(),
            ],
        )?;
        let mut flags = vec![
            format!("--etcd-servers={client}"),
            format!("--bind-address={address}"),
            format!("--advertise-address={address}"),
            format!("--secure-port={api}"),
            format!("--tls-cert-file={}", file("server.crt")),
            format!("--tls-private-key-file={}", file("server.key")),
            format!("--token-auth-file={}", file("tokens.csv")),
            "--authorization-mode=Node,RBAC".to_string(),
            "--allow-privileged".to_string(),
            "--service-cluster-ip-range=10.96.0.0/16".to_string(),
            "--service-account-issuer=https://kubernetes.default.svc".to_string(),
            format!("--service-account-signing-key-file={}", file("accounts.key")),
            format!("--service-account-key-file={}", file("accounts.pub")),
        ];
        if self.machine.is_some() {
            flags.push(format!("--kubelet-client-certificate={}", file("api.crt")));
            flags.push(format!("--kubelet-client-key={}", file("api.key")));
            flags.push("--kubelet-preferred-address-types=InternalIP".to_string());
        } else {
            // The apiserver refuses a loopback address in the endpoints of the service `kubernetes`.
            flags.push("--endpoint-reconciler-type=none".to_string());
        }
        self.spawn("kube-apiserver", folder, &flags)?;
        self.wait("the API server to be ready", BOOT, |cluster| {
            cluster.kubectl(&["get", "--raw", "/readyz"]).map(|text| text.trim() == "ok")
        })?;
        self.spawn(
            "kube-controller-manager",
            folder,
            &[
                format!("--kubeconfig={}", file("controller-manager.kubeconfig")),
                "--use-service-account-credentials".to_string(),
                "--leader-elect=false".to_string(),
                "--secure-port=0".to_string(),
                format!("--root-ca-file={}", file("ca.crt")),
                format!("--service-account-private-key-file={}", file("accounts.key")),
                "--allocate-node-cidrs".to_string(),
                format!("--cluster-cidr={}", node::POD_ADDRESSES),
            ],
        )?;
        self.spawn(
            "kube-scheduler",
            folder,
            &[
                format!("--kubeconfig={}", file("scheduler.kubeconfig")),
                "--leader-elect=false".to_string(),
                "--secure-port=0".to_string(),
            ],
        )?;
        if let Some(machine) = &self.machine {
            let place = node::Place { machine, folder, bin: &self.bin };
            let programs = place.prepare()?;
            for node::Program { name, arguments } in programs {
                self.spawn(name, folder, &arguments)?;
                if name == "containerd" {
                    self.wait("containerd to answer", BOOT, |cluster| Ok(cluster.ctr(folder, &["version"]).is_ok()))?;
                    if let Some(images) = &self.images {
                        self.load_images(folder, images)?;
                    }
                }
            }
            self.nodes = 1;
            return self.wait("the node to be ready and untainted", BOOT, |cluster| {
                let nodes = cluster.objects(&["get", "nodes"])?;
                Ok(nodes.len() == 1 && nodes.iter().all(is_ready))
            });
        }
        // Its own stages: nodes become ready and keep their leases, pods run as soon as they are scheduled and end when deleted.
        self.spawn(
            "kwok",
            folder,
            &[
                format!("--kubeconfig={}", file("kwok.kubeconfig")),
                "--manage-all-nodes=true".to_string(),
                "--node-lease-duration-seconds=40".to_string(),
            ],
        )?;
        self.add_nodes(folder)
    }

    /// Nodes labelled, tainted and sized as those of the example's pools.
    fn add_nodes(&mut self, folder: &Path) -> Result<()> {
        let mut items = Vec::new();
        for (pool, count) in pools() {
            for number in 0..count {
                items.push(node(&pool, items.len(), number)?);
            }
        }
        self.nodes = items.len();
        let list = folder.join("nodes.json");
        write(&list, &json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())?;
        self.kubectl(&["create", "-f", &list.display().to_string()])?;
        self.wait("all nodes to be ready and untainted", BOOT, |cluster| {
            let nodes = cluster.objects(&["get", "nodes"])?;
            Ok(nodes.len() == cluster.nodes && nodes.iter().all(is_ready))
        })
    }

    fn spawn(&mut self, program: &str, folder: &Path, arguments: &[String]) -> Result<()> {
        let log = File::create(folder.join(format!("{program}.log"))).context("could not make a log")?;
        let path = self.bin.join(program);
        let mut command = match &self.machine {
            Some(machine) => machine.inside(path),
            None if process::is_there("setpriv", "--version") => {
                let mut command = Command::new("setpriv");
                command.args(["--pdeathsig", "KILL", "--"]).arg(path);
                command
            }
            None => Command::new(path),
        };
        // A node's programs start others by their names.
        command.env("PATH", node::search_path(&self.bin));
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        command.stdout(log.try_clone().context("could not share the log")?).stderr(log);
        self.processes.push(command.spawn().with_context(|| format!("could not start {program}"))?);
        Ok(())
    }

    /// Asks again and again until it holds; an error when a process has ended or the time is over.
    pub(crate) fn wait(&mut self, what: &str, limit: Duration, holds: impl Fn(&Cluster) -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let found = holds(self);
            if matches!(found, Ok(true)) {
                return Ok(());
            }
            for child in &mut self.processes {
                if let Some(status) = child.try_wait().context("could not look at a process")? {
                    bail!("a process of the control plane ended with {status} while waiting for {what}");
                }
            }
            if Instant::now() > deadline {
                return found
                    .map(|_| ())
                    .and_then(|()| bail!("not in {limit:?}"))
                    .context(format!("waited for {what}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The real kubectl's answer.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        process::output(self.client("kubectl").arg("--request-timeout=30s").args(arguments))
    }

    /// The items of kubectl's answer.
    pub(crate) fn objects(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let text = self.kubectl(&[arguments, &["-o", "json"]].concat())?;
        let list: Value = serde_json::from_str(&text).context("kubectl printed no JSON")?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// A command of `helm` or `kubectl` that talks to this cluster.
    pub(crate) fn client(&self, program: &str) -> Command {
        self.beside(&self.bin.join(program))
    }

    /// Any program that talks to this cluster.
    pub(crate) fn beside(&self, program: &Path) -> Command {
        let mut command = match &self.machine {
            Some(machine) => machine.beside(program),
            None => Command::new(program),
        };
        self.dress(&mut command);
        command
    }

    /// The answer of containerd's own client.
    fn ctr(&self, folder: &Path, arguments: &[&str]) -> Result<String> {
        let machine = self.machine.as_ref().context("containerd runs on real nodes only")?;
        let mut ctr = machine.inside(self.bin.join("ctr"));
        process::output(
            ctr.arg("--address").arg(folder.join(node::SOCKET)).args(["--namespace=k8s.io"]).args(arguments),
        )
    }

    /// Gives containerd the images of an OCI layout.
    pub(crate) fn load_images(&self, folder: &Path, layout: &Path) -> Result<()> {
        let mut tar =
            Command::new("tar").arg("-C").arg(layout).args(["-cf", "-", "."]).stdout(Stdio::piped()).spawn()?;
        let machine = self.machine.as_ref().context("containerd runs on real nodes only")?;
        let mut ctr = machine.inside(self.bin.join("ctr"));
        ctr.arg("--address").arg(folder.join(node::SOCKET)).args(["--namespace=k8s.io", "images", "import", "-"]);
        let archive = tar.stdout.take().context("`tar` has no output")?;
        let imported = ctr.stdin(archive).output().context("could not start `ctr`")?;
        let ended = tar.wait()?;
        if !ended.success() || !imported.status.success() {
            let said = String::from_utf8_lossy(&imported.stderr);
            bail!("the images could not be imported: {}", process::last_lines(&said, 15));
        }
        Ok(())
    }

    /// Lets a command talk to this cluster, and to none by accident.
    pub(crate) fn dress(&self, command: &mut Command) {
        command.env("KUBECONFIG", &self.kubeconfig);
        for variable in ["HELM_NAMESPACE", "HELM_KUBECONTEXT", "HELM_DRIVER", "HELM_KUBEAPISERVER", "HELM_KUBETOKEN"] {
            command.env_remove(variable);
        }
    }

    /// Lets the folder with the logs outlive the cluster.
    pub(crate) fn keep_logs(&mut self) -> PathBuf {
        match self.folder.take() {
            Some(folder) => folder.keep(),
            None => self.kubeconfig.parent().map(Path::to_path_buf).unwrap_or_default(),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().rev() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Ready, and without the taints of a node that is not.
fn is_ready(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let taints = node["spec"]["taints"].as_array().map(Vec::as_slice).unwrap_or_default();
    conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        && !taints.iter().any(|taint| taint["key"].as_str().is_some_and(|key| key.starts_with("node.kubernetes.io/")))
}

/// The pools of `examples/data-team`, and how many nodes of each there are here.
fn pools() -> [(Pool, usize); 4] {
    let pool = |name: &str, instance: &str| Pool {
        name: name.to_string(),
        instance_types: vec![instance.to_string()],
        max: 8,
        ..Pool::default()
    };
    [
        (pool("core", "m6i.xlarge"), 2),
        (Pool { dedicated: Some("clusterAutoscaler".to_string()), ..pool("autoscaler", "m6i.large") }, 1),
        (Pool { dedicated: Some("ray".to_string()), capacity: Capacity::Spot, ..pool("ray", "m6i.4xlarge") }, 4),
        (
            Pool {
                labels: [("hub.jupyter.org/node-purpose".to_string(), "user".to_string())].into(),
                taints: sutler_nodes::Taint::parse("hub.jupyter.org/dedicated", "user:NoSchedule")
                    .into_iter()
                    .collect(),
                ..pool("notebooks", "m6i.2xlarge")
            },
            1,
        ),
    ]
}

fn node(pool: &Pool, index: usize, number: usize) -> Result<Value> {
    let name = format!("ip-10-0-{}-{}.us-west-2.compute.internal", number % 3, 10 + index);
    let instance = instances::lookup(&pool.instance_types[0])?;
    let zone = ["us-west-2a", "us-west-2b", "us-west-2c"][number % 3];
    let identity = NodeIdentity { name: &name, instance, region: "us-west-2", zone };
    Ok(node_object(pool, NodeSpec { identity, root_volume_gib: DEFAULT_ROOT_VOLUME_GIB, kubernetes_version: "1.34" }))
}

/// Ports that are free now, all held until the last is found so that they differ.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0").context("could not find a free port")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// A CA, the API server's certificate, and the key pair of service account tokens.
fn write_certificates(folder: &Path) -> Result<()> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "sutler-real");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    write(&folder.join("ca.crt"), &ca.self_signed(&ca_key)?.pem())?;

    let key = KeyPair::generate()?;
    let names =
        ["127.0.0.1", ADDRESS, "10.96.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    let mut server = CertificateParams::new(names.map(String::from))?;
    server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let issuer = Issuer::new(ca, ca_key);
    write(&folder.join("server.crt"), &server.signed_by(&key, &issuer)?.pem())?;
    write(&folder.join("server.key"), &key.serialize_pem())?;

    // By this one the API server comes to a kubelet.
    let key = KeyPair::generate()?;
    let mut api = CertificateParams::default();
    api.distinguished_name.push(DnType::CommonName, "kube-apiserver-kubelet-client");
    api.distinguished_name.push(DnType::OrganizationName, "system:masters");
    api.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    write(&folder.join("api.crt"), &api.signed_by(&key, &issuer)?.pem())?;
    write(&folder.join("api.key"), &key.serialize_pem())?;

    let accounts = KeyPair::generate()?;
    write(&folder.join("accounts.key"), &accounts.serialize_pem())?;
    write(&folder.join("accounts.pub"), &accounts.public_key_pem())
}

fn kubeconfig(server: &str, ca: &Path, user: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": {"server": server, "certificate-authority": ca}}],
        "users": [{"name": user, "user": {"token": format!("token-{user}")}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
        "current-context": CONTEXT,
    })
    .to_string()
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}
