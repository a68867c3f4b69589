//! EKS as the target of a stack: the account checked, the cluster found or not, Terraform's root module at hand.
//!
//! ```text
//! credentials ─▶ account checked ─▶ cluster described ─▶ its API, or an empty cluster in its stead
//!                                └▶ root module written ─▶ Terraform ─▶ outputs ─▶ the stack's ARNs
//! ```
//! A cluster that is not made yet is planned against an empty Kubernetes of the same version: everything of it is new.

use std::path::Path;
use std::sync::Arc;

use sutler_aws::CallError;
use sutler_aws::iam::Role;
use sutler_infra::plan::{Action, Plan};

use crate::cloud::{Cloud, CloudError};
use crate::file::model::Manage;
use crate::infra::{ENVIRONMENT_TAG, STACK_TAG, infra};
use crate::root_module::{RootModule, RootModuleError};
use crate::session::{Session, SessionError};
use crate::stack::Stack;

/// A stack's place in AWS, opened for one command.
pub struct Eks {
    /// The account.
    pub cloud: Cloud,
    /// The cluster's API; where there is no cluster, an empty one in its stead.
    pub session: Session,
    /// Whether there is a cluster that can be talked to.
    pub exists: bool,
    /// What Terraform works on; `None` where all of AWS is left to others.
    pub root: Option<Arc<RootModule>>,
}

/// What a command is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Bring the stack up, or look what that would do.
    Up,
    /// Take it down, whatever half of it there is.
    Down,
}

/// Why a stack's place in AWS cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EksError {
    /// The account or the cluster.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// A question to AWS.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Terraform.
    #[error(transparent)]
    RootModule(#[from] RootModuleError),
    /// The cluster in the stead of one that is not made yet.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Others should have made the cluster.
    #[error(
        "there is no EKS cluster `{cluster}` in account {account}, {region}, and `cluster.manage: {manage}` makes none"
    )]
    Missing {
        /// Its name.
        cluster: String,
        /// The account.
        account: String,
        /// The region.
        region: String,
        /// What the file says of who makes what.
        manage: &'static str,
    },
    /// What would be made is there, and is not this stack's.
    #[error("{what} is there already, and {owner}")]
    Taken {
        /// The thing: ``IAM role `data_DaftRole` ``.
        what: String,
        /// Whose it is, in a few words.
        owner: String,
    },
}

impl EksError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            EksError::Cloud(error) => error.hint(),
            EksError::Call(error) => error.hint(),
            EksError::RootModule(error) => error.hint(),
            EksError::Session(error) => error.hint(),
            EksError::Missing { .. } => Some("name the cluster that exists in `cluster.name`, or let `cluster.manage: all` make one".into()),
            EksError::Taken { .. } => Some(
                "another `cluster.name` makes other names; if this stack made it from another machine, its state is there \
                 (`cluster.state: s3://…` shares it); what a Terraform that was killed had just made, `terraform import` brings \
                 into the state"
                    .into(),
            ),
        }
    }
}

impl Eks {
    /// Opens AWS for a stack: refuses what AWS would refuse and credentials of another account before anything else is asked.
    /// From then on the stack knows its account, and by it its roles' ARNs.
    ///
    /// # Errors
    /// If AWS must not or cannot be asked, Terraform is missing, or the cluster is between two states.
    pub async fn open(stack: &mut Stack, folder: &Path, purpose: Purpose) -> Result<Eks, EksError> {
        let manage = stack.cluster.manage;
        if manage != Manage::None {
            infra(stack).map_err(RootModuleError::from)?;
        }
        let cloud = Cloud::of_stack(stack).await?;
        stack.settle_in(&cloud.caller.account);
        let root = match manage {
            Manage::None => None,
            Manage::All | Manage::Roles => Some(Arc::new(RootModule::write(stack, folder)?)),
        };
        let name = &stack.cluster.name;
        let cluster = cloud.aws.cluster(name).await?;
        let (session, exists) = match cluster {
            Some(cluster) if matches!(cluster.status.as_str(), "ACTIVE" | "UPDATING") => {
                (cloud.session_of(&cluster).await?, true)
            }
            // One that failed is made anew by Terraform, and what is going must not hinder that it goes.
            Some(cluster) if cluster.status != "FAILED" && purpose == Purpose::Up => {
                return Err(CloudError::NotActive { cluster: name.clone(), status: cluster.status }.into());
            }
            None if manage != Manage::All && purpose == Purpose::Up => {
                return Err(EksError::Missing {
                    cluster: name.clone(),
                    account: cloud.caller.account.clone(),
                    region: stack.region.clone(),
                    manage: if manage == Manage::None { "none" } else { "roles" },
                });
            }
            _ => (Session::in_memory(name)?, false),
        };
        Ok(Eks { cloud, session, exists, root })
    }

    /// Finds the cluster that Terraform has made.
    ///
    /// # Errors
    /// If there is none, or it cannot be talked to.
    pub async fn find_cluster(&mut self, stack: &Stack) -> Result<(), EksError> {
        let name = &stack.cluster.name;
        let Some(session) = self.cloud.session(name).await? else {
            return Err(SessionError::NoCluster {
                cluster: name.clone(),
                account: self.cloud.caller.account.clone(),
                region: stack.region.clone(),
                environment: stack.environment.clone(),
            }
            .into());
        };
        self.session = session;
        self.exists = true;
        Ok(())
    }

    /// Refuses a plan that would make a cluster or a role whose name is taken: Terraform would find out half-way.
    ///
    /// # Errors
    /// [`EksError::Taken`], naming whose it is.
    pub async fn check_names(&self, stack: &Stack, plan: &Plan) -> Result<(), EksError> {
        let created = plan.changes.iter().filter(|change| change.action == Action::Create);
        for change in created {
            let Some(name) = change.after["name"].as_str() else { continue };
            match change.resource_type.as_str() {
                "aws_eks_cluster" if self.exists => {
                    return Err(EksError::Taken {
                        what: format!("EKS cluster `{name}`"),
                        owner: "Terraform's state of this stack does not know it".into(),
                    });
                }
                "aws_iam_role" => {
                    if let Some(role) = self.cloud.aws.role(name).await? {
                        return Err(EksError::Taken { what: format!("IAM role `{name}`"), owner: owner(stack, &role) });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whose a role is, by the tags that [`infra`] gives to everything.
fn owner(stack: &Stack, role: &Role) -> String {
    let tag = |key: &str| role.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    match (tag(STACK_TAG), tag(ENVIRONMENT_TAG)) {
        (Some(name), Some(environment)) if (name, environment) == (stack.name.as_str(), stack.environment.as_str()) => {
            "Terraform's state of this stack does not know it".into()
        }
        (Some(name), Some(environment)) => format!("belongs to stack `{name}`, environment `{environment}`"),
        (Some(name), None) => format!("belongs to stack `{name}`"),
        (None, _) => "was made by somebody else".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_tells_whose_it_is() {
        let text = "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: data\nenvironments: {prod: {target: eks}}\n\
                    defaults: {environment: prod}\ncluster: {}\n";
        let file = crate::file::read("stack.yaml", text, None).unwrap_or_else(|report| panic!("{report}"));
        let stack = Stack::from_file(file).unwrap_or_else(|report| panic!("{report}"));
        let of = |tags: &[(&str, &str)]| {
            let role = Role {
                name: "data-prod_DaftRole".into(),
                arn: String::new(),
                trust: String::new(),
                boundary: None,
                max_session: 3600,
                tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            };
            owner(&stack, &role)
        };
        assert_eq!(of(&[("team", "x")]), "was made by somebody else");
        assert_eq!(of(&[(STACK_TAG, "ml"), (ENVIRONMENT_TAG, "prod")]), "belongs to stack `ml`, environment `prod`");
        let ours = of(&[(STACK_TAG, "data"), (ENVIRONMENT_TAG, "prod")]);
        assert_eq!(ours, "Terraform's state of this stack does not know it");
    }
}
