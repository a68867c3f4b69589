//! A status as text.

use jiff::SignedDuration;
use sutler_stack::status::{PoolStatus, Status};

use super::{column, dollars, span};

/// How many pending pods are shown one by one.
const MOST_PENDING: usize = 8;

/// The status, whole.
pub(crate) fn text(status: &Status) -> String {
    let simulated = if status.simulated { " (simulated: no container runs)" } else { "" };
    let mut text =
        format!("{} · environment {} · {}{simulated}\n\n", status.stack, status.environment, status.target.cluster);
    for release in &status.releases {
        let about = match release.revision {
            None => release.state.clone(),
            Some(revision) => format!(
                "{}revision {revision}, {}, {} of {} ready",
                column(&release.namespace, 14),
                release.state,
                release.ready,
                release.objects
            ),
        };
        text.push_str(&format!("  {}{}{about}\n", column("release", 11), column(&release.name, 24)));
        for (object, reason) in &release.waiting {
            text.push_str(&format!("  {}  {object}: {reason}\n", column("", 11)));
        }
    }
    for other in &status.others {
        let owner = other.owner.as_deref().map(|owner| format!("   owner {owner}")).unwrap_or_default();
        text.push_str(&format!(
            "  {}{}{}{}{owner}\n",
            column("other", 11),
            column(&other.name, 24),
            column(&other.namespace, 14),
            other.chart
        ));
    }
    text.push_str(&format!("\n  {}{}\n", column("nodes", 11), nodes(&status.pools, status.simulated)));
    if let Some(cost) = status.dollars_an_hour {
        text.push_str(&format!(
            "  {}{} an hour (estimate, prices as of {})\n",
            column("", 11),
            dollars(cost),
            status.prices_as_of
        ));
    }
    for role in &status.roles {
        let name = role.arn.rsplit('/').next().unwrap_or(&role.arn);
        let pods = format!("{} of {} pods have it", role.with_identity, role.pods);
        text.push_str(&format!(
            "  {}{}{pods} (service accounts {})\n",
            column("role", 11),
            column(name, 24),
            role.accounts.join(", ")
        ));
    }
    if !status.pending.is_empty() {
        text.push('\n');
    }
    for pod in status.pending.iter().take(MOST_PENDING) {
        text.push_str(&format!(
            "  {}{}   for {}\n",
            column("pending", 11),
            pod.pod,
            span(SignedDuration::from_secs(pod.seconds))
        ));
        for reason in &pod.reasons {
            text.push_str(&format!("  {}  {reason}\n", column("", 11)));
        }
    }
    if status.pending.len() > MOST_PENDING {
        text.push_str(&format!("  {}and {} more pending pods\n", column("", 11), status.pending.len() - MOST_PENDING));
    }
    text
}

/// `core 2 · autoscaler 1 · ray 4 · notebooks 0`, with what each costs an hour.
pub(crate) fn nodes(pools: &[PoolStatus], simulated: bool) -> String {
    let one = |pool: &PoolStatus| {
        let name = if pool.pool.is_empty() { "others" } else { &pool.pool };
        let starting = match pool.nodes - pool.ready {
            0 => String::new(),
            starting => format!(" ({starting} not ready)"),
        };
        let price = match pool.dollars_an_hour {
            Some(cost) if pool.nodes > 0 => format!(" {}/h", dollars(cost)),
            _ => String::new(),
        };
        format!("{name} {}{starting}{price}", pool.nodes)
    };
    let list = pools.iter().map(one).collect::<Vec<_>>().join(" · ");
    match (simulated, list.is_empty()) {
        (_, true) => "none".to_owned(),
        (true, false) => format!("simulated: {list}"),
        (false, false) => list,
    }
}
