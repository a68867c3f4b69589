//! `sutler kubeconfig`: puts an EKS cluster into the kubeconfig, so that kubectl and other clients find it. And
//! `sutler cluster-token`, which they call when they need a token.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;
use sutler_stack::cloud::{self, Cloud};
use sutler_stack::kubeconfig::Tokens;
use sutler_stack::load::load_stack;
use sutler_stack::stack::Target;

use crate::Outcome;
use crate::arguments::{ClusterToken, Kubeconfig, TokenMaker};
use crate::failure::Failure;
use crate::{choose, printer};

pub(crate) async fn run(arguments: &Kubeconfig) -> Result<Outcome, Failure> {
    let (cloud, name) = match &arguments.cluster {
        Some(name) => {
            let settings = sutler_aws::Settings { region: arguments.region.clone(), profile: None };
            (Cloud::open(&settings).await?, name.clone())
        }
        None => {
            let chosen = choose::stack(&arguments.stack);
            let (stack, _) = load_stack(&chosen.file, chosen.environment.as_deref())?;
            match stack.target {
                Target::Eks => {}
                Target::Simulator => {
                    return Err(Failure::new(format!("environment `{}` is simulated", stack.environment))
                        .hint("`sutler simulator serve` writes a kubeconfig for it"));
                }
                Target::Context(context) => {
                    return Err(Failure::new(format!(
                        "environment `{}` is context `{context}` of your kubeconfig already",
                        stack.environment
                    )));
                }
            }
            (Cloud::of_stack(&stack).await?, stack.cluster.name)
        }
    };
    let Some(cluster) = cloud.aws.cluster(&name).await? else {
        let (account, region) = (&cloud.caller.account, cloud.aws.region());
        return Err(Failure::new(format!("there is no EKS cluster `{name}` in account {account}, {region}"))
            .hint("`sutler up` makes the cluster of a stack"));
    };
    let tokens = match arguments.tokens {
        TokenMaker::Sutler => cloud::this_program(),
        TokenMaker::Aws => Tokens::AwsCli,
    };
    let entry = cloud::entry(&cluster, cloud.aws.region(), tokens)?;
    let path = match &arguments.kubeconfig {
        Some(path) => path.clone(),
        None => default_path()?,
    };
    let there = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(anyhow::Error::from(error).context(format!("cannot read `{}`", path.display())).into());
        }
    };
    let text = entry.added_to(&there).with_context(|| format!("cannot change `{}`", path.display()))?;
    write_whole(&path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
    printer::line(format!("context {} is in {}, and the current one", entry.name, path.display()));
    Ok(Outcome::Done)
}

/// Prints a token as kubectl's credential plugins do.
pub(crate) async fn token(arguments: &ClusterToken) -> Result<Outcome, Failure> {
    let settings = sutler_aws::Settings { region: arguments.region.clone(), profile: None };
    let aws = sutler_aws::Aws::open(&settings).await.map_err(cloud::CloudError::from)?;
    let token = aws.cluster_token(&arguments.cluster).await.context("cannot make a token")?;
    // The caller says which version it speaks; both have the same fields.
    let asked = std::env::var("KUBERNETES_EXEC_INFO").unwrap_or_default();
    let version = match asked.contains("client.authentication.k8s.io/v1\"") {
        true => "client.authentication.k8s.io/v1",
        false => "client.authentication.k8s.io/v1beta1",
    };
    let credential = json!({
        "apiVersion": version,
        "kind": "ExecCredential",
        "spec": {},
        "status": {"expirationTimestamp": token.expires.to_string(), "token": token.text},
    });
    printer::line(credential.to_string());
    Ok(Outcome::Done)
}

/// The first file of `KUBECONFIG`, else `~/.kube/config`.
fn default_path() -> Result<PathBuf, Failure> {
    if let Some(first) = std::env::var_os("KUBECONFIG").and_then(|list| std::env::split_paths(&list).next())
        && !first.as_os_str().is_empty()
    {
        return Ok(first);
    }
    std::env::home_dir()
        .map(|home| home.join(".kube/config"))
        .ok_or_else(|| Failure::new("there is no home folder").hint("say --kubeconfig FILE"))
}

/// Writes a file that only its user can read, whole or not at all. A link is followed, not replaced.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.persist(&path).map(drop).map_err(|error| error.error)
}
