//! Service accounts that pods run under and nobody makes.

use std::collections::BTreeSet;

use sutler_objects::object::{name, namespace};

use super::{Live, ReleaseFacts};
use crate::file::diagnostic::{Diagnostic, Severity, nearest};
use crate::stack::{ServiceAccount, Stack, Target};

/// The accounts that pods of the releases run under, and that neither the stack nor a release makes: each with its release and the object that
/// makes the pods.
pub fn unmade<'r>(stack: &Stack, releases: &'r [ReleaseFacts]) -> Vec<(ServiceAccount, &'r ReleaseFacts, String)> {
    let made = made(releases);
    let mut found: Vec<(ServiceAccount, &ReleaseFacts, String)> = Vec::new();
    for release in releases {
        for template in &release.pods {
            let account =
                ServiceAccount { namespace: template.namespace.clone(), name: template.service_account().to_owned() };
            let of_role = stack.roles.values().any(|role| role.service_accounts.contains(&account));
            let is_known = account.name == "default" || of_role || made.contains(&account);
            if !is_known && !found.iter().any(|(other, ..)| *other == account) {
                found.push((account, release, template.spoken()));
            }
        }
    }
    found
}

fn made(releases: &[ReleaseFacts]) -> BTreeSet<ServiceAccount> {
    let objects = releases.iter().flat_map(|release| &release.objects);
    let accounts = objects.filter(|object| object["kind"] == "ServiceAccount");
    accounts
        .map(|object| ServiceAccount { namespace: namespace(object).to_owned(), name: name(object).to_owned() })
        .collect()
}

/// Checks the releases; what only the cluster can know is a warning where nobody looked.
pub(super) fn check(
    stack: &Stack,
    releases: &[ReleaseFacts],
    skipped: &[ReleaseFacts],
    live: &Live,
) -> Vec<Diagnostic> {
    let sure = skipped.is_empty() && (live.looked || stack.target == Target::Simulator);
    let made = made(releases);
    let of_roles = stack.roles.values().flat_map(|role| &role.service_accounts);
    let known: Vec<&ServiceAccount> = made.iter().chain(of_roles).collect();
    let missing = unmade(stack, releases).into_iter().filter(|(account, ..)| !live.accounts.contains(account));
    missing
        .map(|(account, release, object)| {
            let (place, note) = super::network::said(stack, release, "serviceAccountName");
            let message = format!(
                "nobody makes service account `{account}`, under which pods of release `{}` run ({object})",
                release.id
            );
            let severity = if sure { Severity::Error } else { Severity::Warning };
            let mut problem = Diagnostic { severity, ..Diagnostic::error(place, message) };
            problem.notes.extend(note.filter(|note| !note.contains("defaults")));
            let near: Vec<&str> = known
                .iter()
                .filter(|other| other.namespace == account.namespace)
                .map(|other| other.name.as_str())
                .collect();
            problem.hint(match nearest(&account.name, near) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "let a role have it among its serviceAccounts, or the chart make it".to_owned(),
            })
        })
        .collect()
}
