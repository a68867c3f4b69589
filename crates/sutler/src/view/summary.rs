//! What `up` says in the end.

use std::time::Duration;

use jiff::SignedDuration;
use sutler_stack::load::Loaded;
use sutler_stack::plan::make::RAY_CHART;
use sutler_stack::stack::{ChartReference, Target};
use sutler_stack::status::Status;

use super::status::nodes;
use super::{column, dollars, span};

/// How long `up` took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    /// Of the user's time.
    pub(crate) here: Duration,
    /// Of the simulated cluster's time.
    pub(crate) cluster: Option<SignedDuration>,
}

/// The summary. `arguments` is what names the same stack again.
pub(crate) fn text(loaded: &Loaded, status: &Status, changed: bool, took: Took, arguments: &str) -> String {
    let mark = if status.simulated { "simulated  " } else { "" };
    let mut text = String::from("\n");
    let mut line = |word: &str, rest: String| text.push_str(&format!("  {mark}{}{rest}\n", column(word, 11)));
    for release in &status.releases {
        let revision = release.revision.map(|revision| format!("revision {revision}, ")).unwrap_or_default();
        let ready = format!("{revision}{}, {} of {} objects ready", release.state, release.ready, release.objects);
        line("release", format!("{}{}{ready}", column(&release.name, 24), column(&release.namespace, 14)));
    }
    line("nodes", nodes(&status.pools, false));
    if let Some(cost) = status.dollars_an_hour {
        let real = if status.simulated { " if it were real" } else { "" };
        line("cost", format!("{} an hour{real} (estimate, prices as of {})", dollars(cost), status.prices_as_of));
    }
    for role in loaded.stack.roles.values() {
        let carried = status.roles.iter().find(|found| Some(&found.arn) == role.arn.as_ref());
        let pods =
            carried.map(|role| format!("   {} of {} pods have it", role.with_identity, role.pods)).unwrap_or_default();
        let accounts: Vec<String> = role.service_accounts.iter().map(ToString::to_string).collect();
        let grants = role.grants();
        let grants = if grants.is_empty() { String::new() } else { format!("{grants}   ") };
        line("role", format!("{}  {grants}for {}{pods}", role.name, accounts.join(", ")));
    }
    for release in &loaded.stack.releases {
        if release.chart == ChartReference::Builtin(RAY_CHART.to_owned()) {
            line("Ray", format!("inside the cluster ray://{}-ray-head-svc.{}:10001", release.name, release.namespace));
        }
    }
    text.push('\n');
    let took_text = match took.cluster {
        Some(cluster) if cluster.as_secs() > 0 => {
            format!("up took {:.1} s here, {} of cluster time", took.here.as_secs_f64(), span(cluster))
        }
        _ => format!("up took {:.1} s", took.here.as_secs_f64()),
    };
    let result =
        if changed { took_text } else { format!("Nothing changed: the cluster is as the file says. {took_text}") };
    text.push_str(&format!("{result}.   Next: {}\n", next(loaded, arguments)));
    text
}

fn next(loaded: &Loaded, arguments: &str) -> String {
    let mut commands = vec![format!("sutler status{arguments}")];
    if loaded.stack.releases.iter().any(|release| release.chart == ChartReference::Builtin(RAY_CHART.to_owned())) {
        commands.push("sutler ray up mine".to_owned());
    }
    if loaded.stack.target == Target::Simulator {
        commands.push(format!("sutler simulator serve{arguments}"));
    }
    commands.join(" · ")
}
