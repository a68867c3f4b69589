//! Roles out of service accounts that are annotated with one.

use std::collections::{BTreeMap, BTreeSet};

use sutler_access::names::{RoleArn, RoleName};
use sutler_objects::object::{annotation, name, namespace};

use super::{Place, Seen, Taken};
use crate::plan::make::ROLE_ANNOTATION;
use crate::stack::ServiceAccount;

/// A role as stack.yaml has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WrittenRole {
    /// Its key.
    pub(super) key: String,
    /// Its ARN.
    pub(super) arn: String,
    /// Who takes it.
    pub(super) accounts: BTreeSet<ServiceAccount>,
}

/// The roles that pods of the releases take, and a sentence for each account that is not among them. An account that a release
/// makes has its role by that release's values.
pub(super) fn roles(seen: &Seen, taken: &[Taken<'_>]) -> (Vec<WrittenRole>, Vec<String>) {
    let mut by_arn: BTreeMap<String, BTreeSet<ServiceAccount>> = BTreeMap::new();
    let mut left = Vec::new();
    for object in seen.tables.list("ServiceAccount") {
        let Some(arn) = annotation(object, ROLE_ANNOTATION) else { continue };
        if annotation(object, sutler_release::RELEASE_NAME).is_some() {
            continue;
        }
        let account = ServiceAccount { namespace: namespace(object).to_owned(), name: name(object).to_owned() };
        let used = taken
            .iter()
            .flat_map(|taken| &taken.pods)
            .any(|pod| pod.namespace == account.namespace && pod.service_account() == account.name);
        match arn.parse::<RoleArn>() {
            Err(error) => {
                left.push(format!("Service account {account} is annotated with a role that is none: {error}."))
            }
            Ok(_) if !used => left.push(format!(
                "Service account {account} takes {arn}, but no release of this file runs pods under it."
            )),
            Ok(_) => drop(by_arn.entry(arn.to_owned()).or_default().insert(account)),
        }
    }
    let mut keys = BTreeSet::new();
    let roles =
        by_arn.into_iter().map(|(arn, accounts)| WrittenRole { key: key(&arn, seen, &mut keys), arn, accounts });
    (roles.collect(), left)
}

/// A key for a role: its own name, less the cluster's, if the two together are one that AWS would take.
fn key(arn: &str, seen: &Seen, taken: &mut BTreeSet<String>) -> String {
    let own = arn.rsplit('/').next().unwrap_or_default();
    let cluster = match &seen.place {
        Place::Eks { cluster, .. } => cluster.as_str(),
        // As long as the name that a cluster without one gets at most.
        Place::Context(_) => "0123456789012345678901234567890123456789-live",
    };
    let short = own.strip_prefix(cluster).map_or(own, |rest| rest.trim_start_matches(['_', '-']));
    let fits = |key: &str| !key.is_empty() && RoleName::of(cluster, key).is_ok();
    let numbered = (1_u32..1000).map(|count| format!("role{count}"));
    let key = [short.to_owned()].into_iter().chain(numbered).find(|key| fits(key) && !taken.contains(key));
    // A cluster's name that leaves no room for a key of six letters is refused with its place when the file is read.
    let key = key.unwrap_or_else(|| "role".to_owned());
    taken.insert(key.clone());
    key
}
