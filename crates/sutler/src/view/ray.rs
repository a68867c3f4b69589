//! What `ray up` says in the end.

use jiff::SignedDuration;
use serde_json::Value;
use sutler_ray::RayUp;

use super::{count, span};

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
