//! Init containers that wait for a Service.
//!
//! Nothing runs here, so what an init container waits for cannot be seen; what it *names* can. The rule: an init container whose
//! command, arguments or environment name a Service waits until that Service has an endpoint that serves. A Service is named by
//!
//! - its own name in the pod's namespace, as a word (`until nc -z ray-head 6379`), or
//! - `NAME.NAMESPACE`, `NAME.NAMESPACE.svc` and longer forms; with `.svc` also when there is no such Service yet.
//!
//! A Service that selects the pod itself is not waited for: it could never come.

use std::collections::BTreeSet;

use serde_json::Value;
use sutler_objects::selector::LabelSelector;

use crate::controllers::Change;
use crate::key::resource;
use crate::view::View;

/// The first Service that `container` waits for and that does not serve, as `namespace/name`.
pub(super) fn awaited(view: &View<'_>, pod: &Value, container: &Value) -> Option<String> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or("");
    let labels = pod["metadata"]["labels"].as_object();
    for word in words(container) {
        let mut parts = word.split('.');
        let name = parts.next().unwrap_or("");
        let of = parts.next();
        let is_full = parts.next() == Some("svc");
        let service = view.get(resource::SERVICES, of.unwrap_or(namespace), name);
        let Some(service) = service else {
            match of {
                Some(of) if is_full && !name.is_empty() => return Some(format!("{of}/{name}")),
                _ => continue,
            }
        };
        let selector = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty());
        let is_own = of.is_none_or(|of| of == namespace)
            && selector.is_some_and(|selector| LabelSelector::from_labels(selector).matches(labels));
        // Without a selector somebody else says what is behind it: it is taken to serve.
        if !is_own && selector.is_some() && !serves(view, service) {
            return Some(format!("{}/{name}", of.unwrap_or(namespace)));
        }
    }
    None
}

/// All words of a container's command, arguments and environment that could be names.
fn words(container: &Value) -> BTreeSet<&str> {
    let texts = ["command", "args"].iter().flat_map(|field| container[*field].as_array().into_iter().flatten());
    let values = container["env"].as_array().into_iter().flatten().map(|variable| &variable["value"]);
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let mut words = BTreeSet::new();
    for text in texts.chain(values).filter_map(Value::as_str) {
        words.extend(
            text.split(|c: char| !is_name(c)).map(|word| word.trim_matches('.')).filter(|word| !word.is_empty()),
        );
    }
    words
}

fn serves(view: &View<'_>, service: &Value) -> bool {
    let namespace = service["metadata"]["namespace"].as_str().unwrap_or("");
    let uid = service["metadata"]["uid"].as_str().unwrap_or("");
    let mut slices = view.owned_by(uid, resource::ENDPOINT_SLICES);
    slices.any(|slice| slice["metadata"]["namespace"] == namespace && is_serving(slice))
}

fn is_serving(slice: &Value) -> bool {
    slice["endpoints"].as_array().into_iter().flatten().any(|endpoint| endpoint["conditions"]["serving"] == true)
}

/// Whether a change of an EndpointSlice is its first endpoint that serves.
pub(super) fn begins_to_serve(change: &Change) -> bool {
    !change.old.as_deref().is_some_and(is_serving) && change.new.as_deref().is_some_and(is_serving)
}
