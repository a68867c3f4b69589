//! An EKS cluster in a kubeconfig: one context, whose tokens a program makes when they are needed.
//!
//! The file is the user's: what others wrote into it stays, and only the entries of this name are replaced. No secret is
//! written; the user's entry names the program that makes tokens.

use serde_json::{Map, Value, json};

/// A cluster, as a kubeconfig describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of context, cluster and user.
    pub name: String,
    /// The cluster's name in EKS.
    pub cluster: String,
    /// Its region.
    pub region: String,
    /// The API server's URL.
    pub server: String,
    /// The certificate authority, base64 of PEM; `None` leaves it to the system's.
    pub certificate_authority: Option<String>,
    /// Who makes tokens.
    pub tokens: Tokens,
    /// The AWS profile that is asked with, if not what the environment says.
    pub profile: Option<String>,
}

/// The program that makes a cluster's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// `aws eks get-token`.
    AwsCli,
    /// `sutler cluster-token`, at this path.
    Sutler(String),
}

/// A kubeconfig that cannot be added to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KubeconfigError {
    /// It is no YAML.
    #[error("the kubeconfig cannot be read")]
    Read(#[source] sutler_yaml::ReadError),
    /// It is no map, or `clusters`, `contexts` or `users` is no list.
    #[error("the kubeconfig is not one: {0}")]
    Shape(&'static str),
    /// It cannot be written back.
    #[error("the kubeconfig cannot be written")]
    Write(#[source] sutler_yaml::WriteError),
}

impl Entry {
    /// The user's entry: how `kubectl` gets a token.
    fn user(&self) -> Value {
        let (command, args) = match &self.tokens {
            Tokens::AwsCli => (
                "aws",
                json!([
                    "--region",
                    self.region,
                    "eks",
                    "get-token",
                    "--cluster-name",
                    self.cluster,
                    "--output",
                    "json"
                ]),
            ),
            Tokens::Sutler(program) => {
                (program.as_str(), json!(["cluster-token", self.cluster, "--region", self.region]))
            }
        };
        let mut exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": command,
            "args": args,
            "interactiveMode": "IfAvailable",
            "provideClusterInfo": false,
        });
        if let Some(profile) = &self.profile {
            exec["env"] = json!([{"name": "AWS_PROFILE", "value": profile}]);
        }
        json!({ "exec": exec })
    }

    fn cluster(&self) -> Value {
        let mut cluster = json!({"server": self.server});
        if let Some(authority) = &self.certificate_authority {
            cluster["certificate-authority-data"] = json!(authority);
        }
        cluster
    }

    /// A kubeconfig with nothing but this cluster.
    pub fn alone(&self) -> Value {
        let mut config = Value::Object(Map::new());
        // An empty map takes every entry.
        let _ = self.put_into(&mut config);
        config
    }

    /// Puts the cluster into a kubeconfig and makes its context the current one.
    fn put_into(&self, config: &mut Value) -> Result<(), KubeconfigError> {
        let Value::Object(config) = config else { return Err(KubeconfigError::Shape("it is no map")) };
        config.entry("apiVersion").or_insert_with(|| json!("v1"));
        config.entry("kind").or_insert_with(|| json!("Config"));
        let context = json!({"cluster": self.name, "user": self.name});
        for (list, field, value) in
            [("clusters", "cluster", self.cluster()), ("contexts", "context", context), ("users", "user", self.user())]
        {
            let entries = config.entry(list).or_insert_with(|| json!([]));
            if entries.is_null() {
                *entries = json!([]);
            }
            let Value::Array(entries) = entries else {
                return Err(KubeconfigError::Shape("`clusters`, `contexts` and `users` must be lists"));
            };
            let fresh = json!({"name": self.name, field: value});
            match entries.iter_mut().find(|entry| entry["name"] == self.name.as_str()) {
                Some(old) => *old = fresh,
                None => entries.push(fresh),
            }
        }
        config.insert("current-context".into(), json!(self.name));
        Ok(())
    }

    /// The text of a kubeconfig with this cluster in it; `there` is what the file holds now, maybe nothing.
    ///
    /// # Errors
    /// If what is there is no kubeconfig: it is not overwritten.
    pub fn added_to(&self, there: &str) -> Result<String, KubeconfigError> {
        let mut config = match there.trim() {
            "" => Value::Object(Map::new()),
            _ => {
                let node = sutler_yaml::read(there).map_err(KubeconfigError::Read)?;
                match sutler_yaml::to_json(&node) {
                    Ok(Value::Null) => Value::Object(Map::new()),
                    Ok(config) => config,
                    Err(_) => return Err(KubeconfigError::Shape("a key is no text")),
                }
            }
        };
        self.put_into(&mut config)?;
        sutler_yaml::write(&config).map_err(KubeconfigError::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Tokens};

    fn entry() -> Entry {
        Entry {
            name: "data-team-prod".into(),
            cluster: "data-team-prod".into(),
            region: "us-west-2".into(),
            server: "https://ABC.gr7.us-west-2.eks.amazonaws.com".into(),
            certificate_authority: Some("LS0t".into()),
            tokens: Tokens::Sutler("/usr/local/bin/sutler".into()),
            profile: None,
        }
    }

    const ALONE: &str = "\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0t
    server: https://ABC.gr7.us-west-2.eks.amazonaws.com
  name: data-team-prod
contexts:
- context:
    cluster: data-team-prod
    user: data-team-prod
  name: data-team-prod
current-context: data-team-prod
kind: Config
users:
- name: data-team-prod
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - cluster-token
      - data-team-prod
      - --region
      - us-west-2
      command: /usr/local/bin/sutler
      interactiveMode: IfAvailable
      provideClusterInfo: false
";

    #[test]
    fn a_cluster_is_written_into_an_empty_kubeconfig() {
        assert_eq!(entry().added_to("").unwrap(), ALONE);
        assert_eq!(entry().added_to(ALONE).unwrap(), ALONE);
    }

    #[test]
    fn what_others_wrote_stays() {
        let there = "\
clusters:
- {name: kind-dev, cluster: {server: 'https://127.0.0.1:6443', tls-server-name: x}}
- {name: data-team-prod, cluster: {server: 'https://old'}}
contexts:
- {name: kind-dev, context: {cluster: kind-dev, user: kind-dev, namespace: ray}}
current-context: kind-dev
preferences: {colors: true}
users: null
";
        let text = entry().added_to(there).unwrap();
        assert!(
            text.contains("tls-server-name: x") && text.contains("namespace: ray") && text.contains("colors: true")
        );
        assert!(text.contains("current-context: data-team-prod") && !text.contains("https://old"));
        assert_eq!(text.matches("name: data-team-prod\n").count(), 3);
    }

    #[test]
    fn the_aws_command_line_can_make_the_tokens() {
        let entry = Entry { tokens: Tokens::AwsCli, profile: Some("work".into()), ..entry() };
        let exec = &entry.alone()["users"][0]["user"]["exec"];
        assert_eq!(exec["command"], "aws");
        assert_eq!(exec["args"][2], "eks");
        assert_eq!(exec["env"][0]["value"], "work");
    }

    #[test]
    fn what_is_no_kubeconfig_is_not_overwritten() {
        for (there, message) in [
            ("- a\n", "the kubeconfig is not one: it is no map"),
            ("clusters: 5\n", "the kubeconfig is not one: `clusters`, `contexts` and `users` must be lists"),
            ("a: [\n", "the kubeconfig cannot be read"),
        ] {
            assert_eq!(entry().added_to(there).unwrap_err().to_string(), message);
        }
    }
}
