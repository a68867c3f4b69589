//! The text of the stack.yaml that stands for a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::charts::ChartText;
use super::pools::WrittenPool;
use super::roles::WrittenRole;
use super::{ENVIRONMENT, Place, Seen, Taken};
use crate::init::{one_line, scalar};

/// What the parts of the file have become.
#[derive(Default)]
pub(super) struct Written<'s> {
    pub(super) taken: &'s [Taken<'s>],
    /// By release's id.
    pub(super) charts: BTreeMap<String, ChartText>,
    /// Values files by release's id.
    pub(super) values: BTreeMap<String, String>,
    /// By release's id.
    pub(super) needs: BTreeMap<String, BTreeSet<String>>,
    pub(super) roles: Vec<WrittenRole>,
    pub(super) pools: Vec<WrittenPool>,
}

/// The file.
pub(super) fn stack_yaml(name: &str, seen: &Seen, written: &Written<'_>, left: &[String]) -> String {
    let mut text = String::from("# yaml-language-server: $schema=./.sutler/stack.schema.json\n");
    let context = one_line(seen.place.context());
    let _ = writeln!(text, "# What the cluster of context {context} held when `sutler init --from-context` read it.");
    text.push_str("# `sutler plan` compares the two; `sutler up` makes a new revision only of what is changed here.\n");
    let _ = writeln!(text, "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: {}\n", scalar(name));
    environment(&mut text, &seen.place, &written.pools);
    let _ = writeln!(text, "defaults: {{environment: {ENVIRONMENT}}}\n");
    cluster(&mut text, seen, &written.pools);
    roles(&mut text, &written.roles);
    releases(&mut text, written);
    if !left.is_empty() {
        text.push_str("\n# Not in this file, and left as it is:\n");
        for sentence in left {
            let _ = writeln!(text, "# - {}", one_line(sentence));
        }
    }
    text
}

fn environment(text: &mut String, place: &Place, pools: &[WrittenPool]) {
    text.push_str("# Sutler made none of this: `protect` refuses `sutler down`.\nenvironments:\n");
    let _ = writeln!(text, "  {ENVIRONMENT}:");
    match place {
        Place::Context(context) => {
            let _ = writeln!(text, "    target: {{context: {}}}", scalar(context));
        }
        Place::Eks { region, account, profile, .. } => {
            text.push_str("    target: eks\n");
            if let Some(profile) = profile {
                let _ = writeln!(
                    text,
                    "    # The kubeconfig asks AWS with AWS_PROFILE={}: Sutler needs it set.",
                    one_line(profile)
                );
            }
            match account {
                Some(account) => {
                    let _ = writeln!(text, "    account: \"{account}\"");
                }
                None => text.push_str("    # account: \"…\"  is not told by the kubeconfig; with it, other accounts' credentials are refused\n"),
            }
            let _ = writeln!(text, "    region: {}", scalar(region));
        }
    }
    text.push_str("    protect: true\n");
    if !pools.is_empty() {
        text.push_str("    pools:                             # existing nodes stand for the pools below\n");
    }
    for pool in pools {
        let (label, value) = &pool.selector;
        let _ =
            writeln!(text, "      {}: {{nodeSelector: {{{}: {}}}}}", scalar(&pool.name), scalar(label), scalar(value));
    }
}

fn cluster(text: &mut String, seen: &Seen, pools: &[WrittenPool]) {
    text.push_str("cluster:\n");
    if let Place::Eks { cluster, .. } = &seen.place {
        let _ = writeln!(text, "  name: {}", scalar(cluster));
    }
    text.push_str("  manage: none                         # nothing of AWS is Sutler's\n");
    if let Some(version) = &seen.kubernetes {
        let _ = writeln!(text, "  version: \"{version}\"");
    }
    if !pools.is_empty() {
        text.push_str("  pools:                               # as many nodes as there are now; nothing else tells their limits\n");
    }
    for pool in pools {
        let types: Vec<String> = pool.instance_types.iter().map(|name| scalar(name)).collect();
        let mut fields = vec![
            format!("instanceTypes: [{}]", types.join(", ")),
            format!("min: {}", pool.nodes),
            format!("max: {}", pool.nodes),
        ];
        fields.extend(pool.spot.then(|| "capacity: spot".to_owned()));
        let (mut labels, mut taints) = (pool.labels.clone(), pool.taints.clone());
        if let Some(dedicated) = labels.get("dedicated").cloned()
            && taints.get("dedicated") == Some(&format!("{dedicated}:NoSchedule"))
        {
            labels.remove("dedicated");
            taints.remove("dedicated");
            fields.push(format!("dedicated: {}", scalar(&dedicated)));
        }
        fields.extend((!labels.is_empty()).then(|| format!("labels: {}", map(&labels))));
        fields.extend((!taints.is_empty()).then(|| format!("taints: {}", map(&taints))));
        let _ = writeln!(text, "    {}: {{{}}}", scalar(&pool.name), fields.join(", "));
    }
}

fn map(entries: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> =
        entries.iter().map(|(key, value)| format!("{}: {}", scalar(key), scalar(value))).collect();
    format!("{{{}}}", entries.join(", "))
}

fn roles(text: &mut String, roles: &[WrittenRole]) {
    if roles.is_empty() {
        return;
    }
    text.push_str("\n# Roles that exist, and the service accounts that take them.\nroles:\n");
    for role in roles {
        let accounts: Vec<String> = role.accounts.iter().map(|account| scalar(&account.to_string())).collect();
        let _ = writeln!(
            text,
            "  {}:\n    arn: {}\n    serviceAccounts: [{}]",
            scalar(&role.key),
            scalar(&role.arn),
            accounts.join(", ")
        );
    }
}

fn releases(text: &mut String, written: &Written<'_>) {
    if written.taken.is_empty() {
        return;
    }
    text.push_str("\nreleases:\n");
    for taken in written.taken {
        let release = taken.release();
        let _ = writeln!(text, "  {}:", scalar(&taken.id));
        if taken.id != release.name {
            let _ = writeln!(text, "    name: {}", scalar(&release.name));
        }
        let _ = writeln!(text, "    namespace: {}", scalar(&release.namespace));
        match written.charts.get(&taken.id) {
            Some(ChartText::Plain(chart)) => {
                let _ = writeln!(text, "    chart: {}", scalar(chart));
            }
            Some(ChartText::Repository { repo, name, version }) => {
                let _ = writeln!(
                    text,
                    "    chart: {{repo: {}, name: {}, version: {}}}",
                    scalar(repo),
                    scalar(name),
                    scalar(version)
                );
            }
            None => {}
        }
        if let Some(needs) = written.needs.get(&taken.id) {
            let needs: Vec<String> = needs.iter().map(|id| scalar(id)).collect();
            let _ = writeln!(text, "    needs: [{}]", needs.join(", "));
        }
        if let Some(path) = written.values.get(&taken.id) {
            let _ = writeln!(text, "    valuesFiles: [{}]", scalar(path));
        }
    }
}
