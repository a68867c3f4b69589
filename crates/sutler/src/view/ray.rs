//! What `ray up` says in the end, and `ray list`.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sutler_ray::RayUp;
use sutler_ray::list::Listed;

use super::{column, count, dollars, span};

/// Where the cluster is, and the line to paste.
pub(crate) fn up(up: &RayUp, simulated: bool, took: SignedDuration) -> String {
    let values = &up.profile.values;
    let size = up
        .profile
        .globals
        .pointer("/pools")
        .and_then(|pools| pools.get(values.pointer("/workers/pool")?.as_str()?))
        .and_then(|pool| pool.get("fit"))
        .map(|fit| {
            let text = |key: &str| fit.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            format!(" of {} CPU, {}", text("cpu"), text("memory"))
        })
        .unwrap_or_default();
    let mark = if simulated { "simulated  " } else { "" };
    let mut text = format!(
        "\n  {mark}Ray cluster {}: head and {}{size}, up after {}\n",
        up.release.name,
        count(up.workers as usize, "worker"),
        span(took)
    );
    text.push_str(&format!(
        "  {mark}in the cluster   ray://{}:10001   dashboard http://{}:8265\n",
        up.service, up.service
    ));
    let service = up.service.split('.').next().unwrap_or_default();
    text.push_str(&format!(
        "\nfrom a laptop     kubectl -n {} port-forward svc/{service} 10001 8265\n",
        up.release.namespace
    ));
    text.push_str("daft              daft.set_runner_ray(\"ray://127.0.0.1:10001\")\n");
    text.push_str(&format!(
        "stop              sutler ray down {} --namespace {}\n",
        up.release.name, up.release.namespace
    ));
    text
}

/// A line a cluster, and below it a line for each pod that waits.
pub(crate) fn list(found: &[Listed], simulated: bool, now: Timestamp) -> String {
    let mark = if simulated { "simulated  " } else { "" };
    let mut text = String::new();
    for one in found {
        let whose = match (&one.stack, &one.owner) {
            (Some(stack), _) => format!("stack {stack}"),
            (None, Some(owner)) => owner.clone(),
            (None, None) => "nobody said".to_owned(),
        };
        let health = match (one.state, one.head_ready) {
            ("deployed", true) => "head ready".to_owned(),
            ("deployed", false) => "head not ready".to_owned(),
            (state, _) => state.to_owned(),
        };
        let cost = one.dollars_an_hour.map_or("-".to_owned(), |cost| format!("{}/h", dollars(cost)));
        let age = one.since.map_or("-".to_owned(), |since| span(now.duration_since(since)));
        text.push_str(&format!(
            "{mark}{}{}{}{}{}{}{}\n",
            column(&format!("{}/{}", one.namespace, one.name), 26),
            column(&whose, 20),
            column(&health, 16),
            column(&format!("{} of {}", one.workers_ready, count(one.workers as usize, "worker")), 17),
            column(&cost, 11),
            column(&age, 8),
            one.address,
        ));
        for waiting in &one.waiting {
            text.push_str(&format!("{mark}  {}  {}\n", waiting.pod, waiting.reason));
        }
    }
    text
}
