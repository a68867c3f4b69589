//! Discovery: which groups, versions and resources there are, in the aggregated form and in the older one.

use serde_json::{Value, json};
use sutler_objects::kinds::Resource;

use crate::registry::Registry;
use crate::request::{Request, Response};
use crate::status::Refusal;
use crate::token;

/// Content types of the aggregated form.
const AGGREGATED_V2: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const AGGREGATED_V2_BETA: &str = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

/// The aggregated form that a request accepts, if any: version and content type.
fn aggregated(request: &Request) -> Option<(&'static str, &'static str)> {
    request.accept.split(',').find_map(|range| {
        let parameter = |wanted: &str| range.split(';').any(|part| part.trim() == wanted);
        if !parameter("as=APIGroupDiscoveryList") {
            return None;
        }
        if parameter("v=v2") {
            Some(("v2", AGGREGATED_V2))
        } else if parameter("v=v2beta1") {
            Some(("v2beta1", AGGREGATED_V2_BETA))
        } else {
            None
        }
    })
}

/// A group with its versions, in the server's order of preference.
struct Group<'a> {
    name: &'a str,
    versions: Vec<&'a str>,
}

fn all_groups(registry: &Registry) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for served in registry.all() {
        let (name, version) = (served.resource.group.as_str(), served.resource.version.as_str());
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) if group.versions.contains(&version) => {}
            Some(group) => group.versions.push(version),
            None => groups.push(Group { name, versions: vec![version] }),
        }
    }
    groups
}

fn resources_of<'a>(registry: &'a Registry, group: &str, version: &str) -> Vec<&'a Resource> {
    let of = |resource: &Resource| resource.group == group && resource.version == version;
    registry.all().map(|served| &*served.resource).filter(|resource| of(resource)).collect()
}

/// `/`: what can be asked for.
pub(super) fn paths(registry: &Registry) -> Value {
    let mut paths = vec!["/api".to_string(), "/api/v1".into(), "/apis".into()];
    for group in all_groups(registry).iter().filter(|group| !group.name.is_empty()) {
        paths.push(format!("/apis/{}", group.name));
        paths.extend(group.versions.iter().map(|version| format!("/apis/{}/{version}", group.name)));
    }
    const MORE: [&str; 9] = [
        "/.well-known/openid-configuration",
        "/healthz",
        "/livez",
        "/openapi/v2",
        "/openapi/v3",
        token::KEYS,
        "/readyz",
        "/sutler.dev/v1",
        "/version",
    ];
    paths.extend(MORE.map(String::from));
    json!({"paths": paths})
}

/// `/api`.
pub(super) fn core_versions(registry: &Registry, request: &Request) -> Response {
    if let Some(form) = aggregated(request) {
        return aggregate(registry, form, |group| group.is_empty());
    }
    Response::ok(json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": ""}],
    }))
}

/// `/apis`.
pub(super) fn groups(registry: &Registry, request: &Request) -> Response {
    if let Some(form) = aggregated(request) {
        return aggregate(registry, form, |group| !group.is_empty());
    }
    let groups: Vec<Value> =
        all_groups(registry).iter().filter(|group| !group.name.is_empty()).map(describe_group).collect();
    Response::ok(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

/// `/apis/GROUP`.
pub(super) fn group(registry: &Registry, name: &str) -> Result<Response, Refusal> {
    let groups = all_groups(registry);
    let group =
        groups.iter().find(|group| group.name == name && !name.is_empty()).ok_or_else(Refusal::no_such_resource)?;
    let mut described = describe_group(group);
    described["kind"] = json!("APIGroup");
    described["apiVersion"] = json!("v1");
    Ok(Response::ok(described))
}

fn describe_group(group: &Group<'_>) -> Value {
    let version = |version: &&str| json!({"groupVersion": format!("{}/{version}", group.name), "version": version});
    json!({
        "name": group.name,
        "versions": group.versions.iter().map(version).collect::<Vec<_>>(),
        "preferredVersion": group.versions.first().map(version),
    })
}

/// `/api/v1` and `/apis/GROUP/VERSION`.
pub(super) fn resources(registry: &Registry, group: &str, version: &str) -> Result<Response, Refusal> {
    let found = resources_of(registry, group, version);
    let Some(first) = found.first() else { return Err(Refusal::no_such_resource()) };
    let mut resources = Vec::new();
    for resource in &found {
        let mut described = json!({
            "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
            "kind": resource.kind, "verbs": resource.verbs,
        });
        if !resource.short_names.is_empty() {
            described["shortNames"] = json!(resource.short_names);
        }
        if !resource.categories.is_empty() {
            described["categories"] = json!(resource.categories);
        }
        resources.push(described);
        for subresource in &resource.subresources {
            let mut described = json!({
                "name": format!("{}/{}", resource.plural, subresource.name), "singularName": "",
                "namespaced": resource.namespaced, "kind": subresource.kind.kind, "verbs": subresource.verbs,
            });
            if subresource.kind.group != resource.group || subresource.kind.version != resource.version {
                described["group"] = json!(subresource.kind.group);
                described["version"] = json!(subresource.kind.version);
            }
            resources.push(described);
        }
    }
    Ok(Response::ok(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": first.api_version(), "resources": resources,
    })))
}

fn aggregate(registry: &Registry, form: (&str, &'static str), wanted: impl Fn(&str) -> bool) -> Response {
    let (version, content_type) = form;
    let items: Vec<Value> = all_groups(registry)
        .iter()
        .filter(|group| wanted(group.name))
        .map(|group| {
            let metadata = if group.name.is_empty() { json!({}) } else { json!({"name": group.name}) };
            let versions: Vec<Value> =
                group.versions.iter().map(|version| aggregate_version(registry, group.name, version)).collect();
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    let mut response = Response::ok(json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {},
        "items": items,
    }));
    response.content_type = content_type;
    response
}

fn aggregate_version(registry: &Registry, group: &str, version: &str) -> Value {
    let kind = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let resources: Vec<Value> = resources_of(registry, group, version)
        .iter()
        .map(|resource| {
            let mut described = json!({
                "resource": resource.plural,
                "responseKind": kind(&resource.group, &resource.version, &resource.kind),
                "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
                "singularResource": resource.singular,
                "verbs": resource.verbs,
            });
            if !resource.short_names.is_empty() {
                described["shortNames"] = json!(resource.short_names);
            }
            if !resource.categories.is_empty() {
                described["categories"] = json!(resource.categories);
            }
            if !resource.subresources.is_empty() {
                described["subresources"] = resource
                    .subresources
                    .iter()
                    .map(|subresource| {
                        let of = &subresource.kind;
                        json!({
                            "subresource": subresource.name, "responseKind": kind(&of.group, &of.version, &of.kind),
                            "verbs": subresource.verbs,
                        })
                    })
                    .collect();
            }
            described
        })
        .collect();
    json!({"version": version, "freshness": "Current", "resources": resources})
}
