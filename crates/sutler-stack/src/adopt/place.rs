//! Which cluster a kubeconfig's context means: one of EKS, told by its ARN, its token program or its server, or another.

use kube::config::{ExecConfig, Kubeconfig};

/// Which cluster is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Any cluster, by its context.
    Context(String),
    /// A cluster of EKS.
    Eks {
        /// Its name in EKS.
        cluster: String,
        /// Its region.
        region: String,
        /// Its account, where the kubeconfig tells.
        account: Option<String>,
        /// The AWS profile that the kubeconfig asks with, if it names one.
        profile: Option<String>,
        /// The context.
        context: String,
    },
}

impl Place {
    /// The kubeconfig's context.
    pub fn context(&self) -> &str {
        match self {
            Place::Context(context) | Place::Eks { context, .. } => context,
        }
    }
}

/// Account, region and name of an EKS cluster, as far as something tells.
#[derive(Default)]
struct Told {
    cluster: Option<String>,
    region: Option<String>,
    account: Option<String>,
}

/// The cluster of a context; `None` if the kubeconfig does not have the context.
pub fn place(config: &Kubeconfig, context: &str) -> Option<Place> {
    let named = config.contexts.iter().find(|known| known.name == context)?;
    let entry = named.context.as_ref();
    let cluster_entry = entry.map(|entry| entry.cluster.as_str()).unwrap_or_default();
    let user_entry = entry.and_then(|entry| entry.user.as_deref()).unwrap_or_default();
    let server = config.clusters.iter().find(|known| known.name == cluster_entry);
    let server = server.and_then(|known| known.cluster.as_ref()?.server.as_deref()).unwrap_or_default();
    let user = config.auth_infos.iter().find(|known| known.name == user_entry);
    let exec = user.and_then(|known| known.auth_info.as_ref()?.exec.as_ref());
    let mut told = Told::default();
    for name in [cluster_entry, user_entry, context] {
        told.take(of_arn(name));
    }
    told.take(exec.map(of_program).unwrap_or_default());
    told.take(Told { region: region_of_server(server), ..Told::default() });
    let profile = exec.and_then(profile_of);
    match (told.cluster, told.region) {
        (Some(cluster), Some(region)) => {
            Some(Place::Eks { cluster, region, account: told.account, profile, context: context.to_owned() })
        }
        _ => Some(Place::Context(context.to_owned())),
    }
}

impl Told {
    /// Takes what is not known yet.
    fn take(&mut self, other: Told) {
        self.cluster = self.cluster.take().or(other.cluster);
        self.region = self.region.take().or(other.region);
        self.account = self.account.take().or(other.account);
    }
}

/// `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`, as `aws eks update-kubeconfig` names its entries.
fn of_arn(text: &str) -> Told {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "eks", region, account, resource] => Told {
            cluster: resource.strip_prefix("cluster/").map(str::to_owned),
            region: Some((*region).to_owned()),
            account: Some((*account).to_owned()),
        },
        _ => Told::default(),
    }
}

/// `aws eks get-token`, `sutler cluster-token` or `aws-iam-authenticator token`, with their arguments.
fn of_program(exec: &ExecConfig) -> Told {
    let command = exec.command.as_deref().unwrap_or_default();
    let program = command.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe");
    let words: Vec<&str> = exec.args.iter().flatten().map(String::as_str).collect();
    let after = |names: &[&str]| {
        words.iter().enumerate().find_map(|(index, word)| match word.split_once('=') {
            Some((name, value)) if names.contains(&name) => Some(value.to_owned()),
            _ if names.contains(word) => words.get(index + 1).map(|value| (*value).to_owned()),
            _ => None,
        })
    };
    let region = after(&["--region", "-r"]).or_else(|| variable(exec, "AWS_REGION"));
    let cluster = match program {
        "aws" if words.contains(&"get-token") => after(&["--cluster-name", "--cluster-id"]),
        "sutler" if words.first() == Some(&"cluster-token") => words.get(1).map(|name| (*name).to_owned()),
        "aws-iam-authenticator" | "heptio-authenticator-aws" => after(&["-i", "--cluster-id"]),
        _ => return Told::default(),
    };
    Told { cluster, region, account: None }
}

fn profile_of(exec: &ExecConfig) -> Option<String> {
    let words: Vec<&str> = exec.args.iter().flatten().map(String::as_str).collect();
    let given = words.iter().position(|word| *word == "--profile").and_then(|index| words.get(index + 1));
    variable(exec, "AWS_PROFILE").or_else(|| given.map(|name| (*name).to_owned()))
}

fn variable(exec: &ExecConfig, name: &str) -> Option<String> {
    let found = exec.env.iter().flatten().find(|entry| entry.get("name").is_some_and(|known| known == name));
    found.and_then(|entry| entry.get("value").cloned()).filter(|value| !value.is_empty())
}

/// `https://ID.gr7.us-west-2.eks.amazonaws.com`.
fn region_of_server(server: &str) -> Option<String> {
    let uri: http::Uri = server.parse().ok()?;
    let host = uri.host()?;
    let rest = host.strip_suffix(".eks.amazonaws.com").or_else(|| host.strip_suffix(".eks.amazonaws.com.cn"))?;
    rest.rsplit('.').next().filter(|region| region.contains('-')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str, expected: &str) {
        let config = Kubeconfig::from_yaml(yaml).unwrap();
        let context = config.current_context.clone().unwrap();
        assert_eq!(
            match place(&config, &context) {
                None => "none".to_owned(),
                Some(Place::Context(context)) => format!("context {context}"),
                Some(Place::Eks { cluster, region, account, profile, .. }) => format!(
                    "eks {cluster} {region} {} {}",
                    account.unwrap_or_else(|| "-".into()),
                    profile.unwrap_or_else(|| "-".into())
                ),
            },
            expected
        );
    }

    fn config(context: &str, cluster: &str, server: &str, user: &str) -> String {
        format!(
            "current-context: {context}\ncontexts: [{{name: {context}, context: {{cluster: '{cluster}', user: u}}}}]\n\
             clusters: [{{name: '{cluster}', cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {user}}}]\n"
        )
    }

    #[test]
    fn an_arn_tells_all() {
        let arn = "arn:aws:eks:eu-west-1:444455556666:cluster/data";
        check(&config("alias", arn, "https://x", "{}"), "eks data eu-west-1 444455556666 -");
    }

    #[test]
    fn a_token_program_tells_cluster_and_region() {
        let aws = "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws, args: [--region, us-east-1, eks, get-token, --cluster-name, data], \
                   env: [{name: AWS_PROFILE, value: work}]}}";
        check(&config("c", "x", "https://x", aws), "eks data us-east-1 - work");
        let server = "https://ABC.gr7.us-west-2.eks.amazonaws.com";
        let authenticator = "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: /usr/bin/aws-iam-authenticator, args: [token, -i, data]}}";
        check(&config("c", "x", server, authenticator), "eks data us-west-2 - -");
        let ours = "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: sutler, args: [cluster-token, data, --region, us-west-2]}}";
        check(&config("c", "x", "https://x", ours), "eks data us-west-2 - -");
    }

    #[test]
    fn what_tells_no_name_is_a_context() {
        check(&config("kind-dev", "kind-dev", "https://127.0.0.1:6443", "{}"), "context kind-dev");
        check(&config("c", "c", "https://ABC.gr7.us-west-2.eks.amazonaws.com", "{token: x}"), "context c");
        check("current-context: gone\n", "none");
    }
}
