//! Elastic Kubernetes Service: a cluster's address and issuer, its add-ons, and its pod identity associations.

use serde::Deserialize;
use serde_json::Value;

use crate::call::{Call, CallError, Reason, encode, found};
use crate::client::Aws;
use crate::endpoint::Service;

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Kubernetes' minor version.
    pub version: String,
    /// `ACTIVE`, `CREATING`, `DELETING`, `FAILED`, `UPDATING`.
    pub status: String,
    /// The API server's URL; `None` while it is made.
    pub endpoint: Option<String>,
    /// The certificate authority: base64 of PEM.
    pub certificate_authority: Option<String>,
    /// The URL of the issuer of its service accounts' tokens.
    pub issuer: Option<String>,
    /// The VPC.
    pub vpc_id: Option<String>,
    /// Its subnets.
    pub subnet_ids: Vec<String>,
}

/// An association of a service account with a role, by EKS Pod Identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodIdentityAssociation {
    /// Its id.
    pub id: String,
    /// The account's namespace.
    pub namespace: String,
    /// The account's name.
    pub service_account: String,
    /// The role's ARN.
    pub role_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCluster {
    name: String,
    arn: String,
    version: String,
    status: String,
    endpoint: Option<String>,
    certificate_authority: Option<WireAuthority>,
    identity: Option<WireIdentity>,
    resources_vpc_config: Option<WireVpc>,
}

#[derive(Deserialize)]
struct WireAuthority {
    data: Option<String>,
}

#[derive(Deserialize)]
struct WireIdentity {
    oidc: Option<WireOidc>,
}

#[derive(Deserialize)]
struct WireOidc {
    issuer: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireVpc {
    vpc_id: Option<String>,
    #[serde(default)]
    subnet_ids: Vec<String>,
}

impl Aws {
    /// A cluster by its name (`eks:DescribeCluster`); `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn cluster(&self, name: &str) -> Result<Option<Cluster>, CallError> {
        let path = format!("/clusters/{}", encode(name));
        let answer = self.eks("DescribeCluster", format!("cluster {name}"), path).await;
        let Some(mut answer) = found(answer)? else { return Ok(None) };
        let wire: WireCluster = typed("DescribeCluster", format!("cluster {name}"), answer["cluster"].take())?;
        let vpc = wire.resources_vpc_config;
        Ok(Some(Cluster {
            name: wire.name,
            arn: wire.arn,
            version: wire.version,
            status: wire.status,
            endpoint: wire.endpoint,
            certificate_authority: wire.certificate_authority.and_then(|authority| authority.data),
            issuer: wire.identity.and_then(|identity| identity.oidc).and_then(|oidc| oidc.issuer),
            vpc_id: vpc.as_ref().and_then(|vpc| vpc.vpc_id.clone()),
            subnet_ids: vpc.map(|vpc| vpc.subnet_ids).unwrap_or_default(),
        }))
    }

    /// The names of a cluster's add-ons (`eks:ListAddons`).
    ///
    /// # Errors
    /// If the cluster does not exist, or it cannot be asked.
    pub async fn addons(&self, cluster: &str) -> Result<Vec<String>, CallError> {
        let path = format!("/clusters/{}/addons", encode(cluster));
        let names = self.eks_pages("ListAddons", cluster, &path, "addons").await?;
        Ok(names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// A cluster's pod identity associations (`eks:ListPodIdentityAssociations`, `eks:DescribePodIdentityAssociation`).
    ///
    /// # Errors
    /// If the cluster does not exist, or it cannot be asked.
    pub async fn pod_identity_associations(&self, cluster: &str) -> Result<Vec<PodIdentityAssociation>, CallError> {
        let path = format!("/clusters/{}/pod-identity-associations", encode(cluster));
        let listed = self.eks_pages("ListPodIdentityAssociations", cluster, &path, "associations").await?;
        let mut associations = Vec::new();
        for id in listed.iter().filter_map(|item| item["associationId"].as_str()) {
            let path = format!("{path}/{}", encode(id));
            let answer = self.eks("DescribePodIdentityAssociation", format!("association {id}"), path).await;
            let Some(answer) = found(answer)? else { continue };
            let text = |name: &str| answer["association"][name].as_str().map(str::to_owned);
            if let (Some(namespace), Some(service_account), Some(role_arn)) =
                (text("namespace"), text("serviceAccount"), text("roleArn"))
            {
                associations.push(PodIdentityAssociation { id: id.to_owned(), namespace, service_account, role_arn });
            }
        }
        Ok(associations)
    }

    async fn eks(&self, operation: &str, object: String, path: String) -> Result<Value, CallError> {
        self.json_answer(Call::get(Service::Eks, operation, object, path)).await
    }

    async fn eks_pages(&self, operation: &str, cluster: &str, path: &str, list: &str) -> Result<Vec<Value>, CallError> {
        let mut all = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let query = next.as_deref().map(|token| format!("?nextToken={}", encode(token))).unwrap_or_default();
            let mut answer = self.eks(operation, format!("cluster {cluster}"), format!("{path}{query}")).await?;
            if let Value::Array(items) = answer[list].take() {
                all.extend(items);
            }
            match answer["nextToken"].as_str() {
                Some(token) if !token.is_empty() => next = Some(token.to_owned()),
                _ => return Ok(all),
            }
        }
    }
}

fn typed<T: serde::de::DeserializeOwned>(operation: &str, object: String, value: Value) -> Result<T, CallError> {
    serde_json::from_value(value).map_err(|error| CallError {
        action: format!("eks:{operation}"),
        object,
        reason: Reason::Answer(error.to_string()),
    })
}
