//! What NetworkPolicies of the stack cut off, and logins that let anybody in behind a public load balancer.

use serde_json::Value;
use sutler_objects::object::{annotation, namespace};

use super::ReleaseFacts;
use super::manifests::tables;
use crate::doctor::network::{cuts, role_in_words, role_of};
use crate::doctor::pending::find_key;
use crate::exposure::exposures;
use crate::file::diagnostic::{Diagnostic, Place};
use crate::stack::Stack;

/// Checks the releases of this environment.
pub(super) fn check(stack: &Stack, releases: &[ReleaseFacts]) -> Vec<Diagnostic> {
    let tables = tables(releases);
    let mut found = Vec::new();
    for cut in cuts(&tables, Some(stack)) {
        let policy = cut.policy.split_once('/').and_then(|(within, name)| tables.get("NetworkPolicy", within, name));
        let (place, note) = match policy.and_then(|policy| release_of(releases, policy)) {
            Some(release) => said(stack, release, "networkPolicy"),
            None => (None, None),
        };
        let message = format!("NetworkPolicy `{}` cuts {} off from {}: {}", cut.policy, cut.subject, cut.from, cut.so);
        let problem = match cut.whole {
            true => Diagnostic::error(place, message),
            false => Diagnostic::warning(place, message),
        };
        found.push(with_note(problem, note).hint(format!("allow {}", cut.allow)));
    }
    for exposure in exposures(&tables) {
        let login = &exposure.login;
        let release = login.pods.first().and_then(|pod| release_of(releases, pod));
        let (place, note) = release.map_or((None, None), |release| said(stack, release, login.key));
        let (within, account) = &login.account;
        let message = match role_of(stack, within, account) {
            Some(role) => {
                format!("anybody on the internet gets the role `{}`: {} lets everybody in", role.key, login.what)
            }
            None => format!("anybody on the internet gets into {}", login.what),
        };
        let problem = Diagnostic::error(place, message)
            .note(format!("door: {}: {}", exposure.door.name, exposure.door.how))
            .note(format!("login: {}", login.why));
        let problem = match role_in_words(&tables, Some(stack), &login.account) {
            Some(role) => problem.note(format!("role: {role}")),
            None => problem,
        };
        found
            .push(with_note(problem, note).hint(format!("{}; or close the door: {}", login.hint, exposure.door.close)));
    }
    found
}

fn with_note(problem: Diagnostic, note: Option<String>) -> Diagnostic {
    match note {
        Some(note) => problem.note(note),
        None => problem,
    }
}

fn release_of<'r>(releases: &'r [ReleaseFacts], object: &Value) -> Option<&'r ReleaseFacts> {
    let named = annotation(object, "meta.helm.sh/release-name")?;
    let of_namespace = |release: &&ReleaseFacts| release.namespace == namespace(object);
    let mut named = releases.iter().filter(|release| release.name == named);
    let first = named.clone().next();
    named.find(of_namespace).or(first)
}

/// Where a release says a key of its values: the line of stack.yaml, and the place elsewhere if it is said there.
pub(super) fn said(stack: &Stack, release: &ReleaseFacts, key: &str) -> (Option<Place>, Option<String>) {
    let root = &stack.file.root;
    let inline = root.find(["releases", release.id.as_str(), "values"]).and_then(|values| find_key(values, key));
    let set = root.find(["releases", release.id.as_str(), "set"]).into_iter().flat_map(|set| set.entries());
    let ends = |node: &sutler_yaml::Node| node.key_text().is_some_and(|path| path.rsplit('.').next() == Some(key));
    let set = set.filter(|(path, _)| ends(path)).map(|(path, _)| Place::from(path.start)).next();
    if let Some(place) = inline.or(set) {
        return (Some(place), None);
    }
    let in_file = release.files.iter().rev().find_map(|file| {
        let place = find_key(&sutler_yaml::read(&file.text).ok()?, key)?;
        Some(format!("said in {}:{}", file.name, place.line))
    });
    let note = in_file.unwrap_or_else(|| "said by the chart's own defaults".to_owned());
    (stack.file.key_place(&["releases", &release.id]), Some(note))
}
