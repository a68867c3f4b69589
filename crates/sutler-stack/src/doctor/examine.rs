//! Reads what the topics need, and puts their sections together.

use serde_json::Value;
use sutler_access::doctor::State;
use sutler_objects::object::{at, labels, list, namespace, text};
use sutler_release::{ApiError, ObjectRef};

use super::network::network;
use super::pending::pending;
use super::permissions::permissions;
use super::{DOCTOR_VERSION, Diagnosis, Section, Seen, Topic, badness};
use crate::access::kubernetes::issuer;
use crate::access::{AccessError, Sources};
use crate::session::Session;
use crate::tables::{ACCESS, Kind, NETWORK, SCHEDULING, Tables, object};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The topics, in the order in which they are shown.
    pub topics: &'a [Topic],
    /// Only this namespace.
    pub namespace: Option<&'a str>,
}

/// Examines a cluster; where there is none yet, the plan of the stack.
///
/// # Errors
/// If the cluster cannot be asked.
pub async fn examine(asked: Asked<'_>, sources: &Sources<'_>) -> Result<Diagnosis, AccessError> {
    let (tables, model, now) = match sources.session {
        Some(session) => {
            let tables = read(session, asked).await?;
            let model = session.cluster_model().await.map_err(AccessError::Simulator)?;
            (tables, model, session.world.now())
        }
        None => (Tables::default(), None, jiff::Timestamp::UNIX_EPOCH),
    };
    let seen = Seen { tables: &tables, stack: sources.stack, model: model.as_ref(), now };
    let mut sections = Vec::new();
    for topic in asked.topics {
        sections.push(match (topic, sources.session) {
            (Topic::Permissions, session) => {
                let issuer = match session {
                    Some(session) => issuer(session).await,
                    None => None,
                };
                permissions(seen, sources, issuer, asked.namespace).await?
            }
            // Its question is the account's, not the cluster's: see `crate::preflight`.
            (Topic::Preflight, _) => continue,
            (Topic::Pending | Topic::Network, None) => {
                Section::new(*topic, "nothing is installed yet".to_owned(), Vec::new())
            }
            (Topic::Pending, Some(_)) => pending(seen, asked.namespace),
            (Topic::Network, Some(_)) => network(seen, asked.namespace),
        });
    }
    let worst = sections.iter().map(|section| section.state).max_by_key(|state| badness(*state));
    Ok(Diagnosis {
        version: DOCTOR_VERSION,
        stack: sources.stack.map(|stack| stack.name.clone()),
        environment: sources.stack.map(|stack| stack.environment.clone()),
        cluster: match (sources.session, sources.stack) {
            (Some(session), _) => without_credentials(&session.address),
            (None, Some(stack)) => stack.cluster.name.clone(),
            (None, None) => String::new(),
        },
        simulated: sources.session.is_some_and(|session| session.simulated),
        state: worst.unwrap_or(State::Ok),
        sections,
    })
}

/// An address as it may be shown: kubeconfigs may hold a name and a password in it.
fn without_credentials(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => address.to_owned(),
    }
}

async fn read(session: &Session, asked: Asked<'_>) -> Result<Tables, ApiError> {
    let kinds: Vec<Kind> = asked
        .topics
        .iter()
        .flat_map(|topic| match topic {
            Topic::Permissions => ACCESS,
            Topic::Pending => SCHEDULING,
            Topic::Network => NETWORK,
            Topic::Preflight => &[],
        })
        .copied()
        .collect();
    let cluster = session.cluster();
    let mut tables = Tables::read(&cluster, &kinds, asked.namespace).await?;
    if asked.topics.contains(&Topic::Pending) {
        let status = ObjectRef::new("v1", "ConfigMap", Some("kube-system"), "cluster-autoscaler-status");
        if let Some(status) = object(&cluster, &status).await? {
            tables.add(status);
        }
    }
    if asked.topics.contains(&Topic::Network) {
        for (kind, within, name) in settings_of_hubs(&tables) {
            if let Some(found) = object(&cluster, &ObjectRef::new("v1", kind, Some(&within), &name)).await? {
                tables.add(found);
            }
        }
    }
    Ok(tables)
}

/// The Secrets and ConfigMaps from which hubs read their settings: kind, namespace, name.
fn settings_of_hubs(tables: &Tables) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    let is_hub = |pod: &&Value| {
        let label = |key: &str| labels(pod).and_then(|labels| labels.get(key)).and_then(Value::as_str);
        [label("component"), label("app.kubernetes.io/component")].contains(&Some("hub"))
    };
    for pod in tables.list("Pod").iter().filter(is_hub) {
        let volumes = list(pod, &["spec", "volumes"]);
        let sources = volumes.iter().chain(volumes.iter().flat_map(|volume| list(volume, &["projected", "sources"])));
        for source in sources {
            let secret = [text(source, &["secret", "secretName"]), text(source, &["secret", "name"])].concat();
            found.push(("Secret", namespace(pod).to_owned(), secret));
            found.push(("ConfigMap", namespace(pod).to_owned(), text(source, &["configMap", "name"]).to_owned()));
        }
        let variables = list(pod, &["spec", "containers"]).iter().flat_map(|container| list(container, &["env"]));
        for variable in variables {
            let secret = at(variable, &["valueFrom", "secretKeyRef"]).map_or("", |key| text(key, &["name"]));
            found.push(("Secret", namespace(pod).to_owned(), secret.to_owned()));
        }
    }
    found.retain(|(_, _, name)| !name.is_empty());
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(without_credentials("https://team:secret@10.0.0.1:6443/"), "https://10.0.0.1:6443/");
        assert_eq!(without_credentials("https://10.0.0.1:6443/"), "https://10.0.0.1:6443/");
        assert_eq!(without_credentials("the simulator"), "the simulator");
    }
}
