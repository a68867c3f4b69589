//! Facts from the cluster: the pod, its service account, the webhook, the agent, and what NetworkPolicies keep it from.

use serde_json::Value;
use sutler_access::doctor::{Agent, Fact, Facts, Pod, ServiceAccount, Webhook};
use sutler_release::{ApiError, Cluster, ObjectRef, Select};

use super::{AccessError, Question, network};
use crate::session::Session;

/// The name under which EKS and the webhook's own manifests register it.
const WEBHOOK: &str = "pod-identity-webhook";

/// Fills in what the cluster knows.
pub(super) async fn of_cluster(session: &Session, question: &Question, facts: &mut Facts) -> Result<(), AccessError> {
    let cluster = session.cluster();
    let (namespace, name) = (question.subject.namespace.as_str(), question.subject.name.as_str());
    let pod = match cluster.get(&ObjectRef::new("v1", "Pod", Some(namespace), name)).await? {
        Some(pod) => Some(pod),
        None => a_pod_of(&cluster, namespace, name).await?,
    };
    let account = pod.as_ref().and_then(|pod| pod["spec"]["serviceAccountName"].as_str()).unwrap_or(name).to_owned();
    let account = cluster.get(&ObjectRef::new("v1", "ServiceAccount", Some(namespace), &account)).await?;
    if pod.is_none() && account.is_none() {
        return Err(nobody(&cluster, question).await?);
    }
    facts.pod = pod.as_ref().and_then(|pod| Pod::from_object(pod, None)).map_or(Fact::Absent, Fact::Known);
    facts.service_account = account.as_ref().and_then(ServiceAccount::from_object).map_or(Fact::Absent, Fact::Known);
    facts.webhook = webhook(session, &cluster).await;
    facts.agent = agent(&cluster, pod.as_ref()).await;
    if let Some(issuer) = issuer(session).await {
        facts.issuer = issuer;
    }
    if let Some(pod) = &pod {
        network_of(&cluster, pod, facts).await;
    }
    Ok(())
}

/// A pod of this service account: one that runs, else any.
async fn a_pod_of(cluster: &Cluster, namespace: &str, account: &str) -> Result<Option<Value>, ApiError> {
    let pods = cluster.mapping("v1", "Pod").await?;
    let mut found = cluster.list(&pods, Some(namespace), Select::All).await?;
    found.retain(|pod| pod["spec"]["serviceAccountName"].as_str().unwrap_or("default") == account);
    let running = found.iter().position(|pod| pod["status"]["phase"] == "Running").unwrap_or(0);
    Ok((!found.is_empty()).then(|| found.swap_remove(running)))
}

async fn nobody(cluster: &Cluster, question: &Question) -> Result<AccessError, ApiError> {
    let accounts = cluster.mapping("v1", "ServiceAccount").await?;
    let all = cluster.list(&accounts, None, Select::All).await?;
    let text = |object: &Value, field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    let wanted = &question.subject;
    let mut known: Vec<String> = all
        .iter()
        .filter(|account| {
            let (namespace, name) = (text(account, "namespace"), text(account, "name"));
            name != "default" && (namespace == wanted.namespace || name == wanted.name)
        })
        .map(|account| format!("{}/{}", text(account, "namespace"), text(account, "name")))
        .collect();
    known.truncate(6);
    Ok(AccessError::Nobody { subject: wanted.to_string(), known })
}

/// The webhook's registration, and whether somebody answers behind it as far as the cluster shows.
async fn webhook(session: &Session, cluster: &Cluster) -> Fact<Webhook> {
    if session.simulated {
        // The simulator changes pods as EKS does, and registers nothing for it, as EKS's own control plane.
        return Fact::Known(Webhook { name: WEBHOOK.to_owned(), fault: None });
    }
    let listed = async {
        let kinds = cluster.mapping("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration").await?;
        cluster.list(&kinds, None, Select::All).await
    };
    let listed = match listed.await {
        Ok(listed) => listed,
        Err(error) => return Fact::Unknown(super::reason(&error)),
    };
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let Some(found) = listed.iter().find(|object| name(object).contains(WEBHOOK)) else { return Fact::Absent };
    let service = &found["webhooks"][0]["clientConfig"]["service"];
    let fault = match (service["namespace"].as_str(), service["name"].as_str()) {
        (Some(namespace), Some(service)) => no_endpoint(cluster, namespace, service).await,
        // A URL: EKS runs it beside the API server.
        _ => None,
    };
    Fact::Known(Webhook { name: name(found), fault })
}

/// Why nobody answers at a service, if that is so.
async fn no_endpoint(cluster: &Cluster, namespace: &str, service: &str) -> Option<String> {
    let slices = cluster.mapping("discovery.k8s.io/v1", "EndpointSlice").await.ok()?;
    let label = format!("kubernetes.io/service-name={service}");
    let listed = cluster.list(&slices, Some(namespace), Select::Labels(&label)).await.ok()?;
    let is_ready = |endpoint: &Value| endpoint["conditions"]["ready"] != false;
    let ready = listed.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten().any(is_ready);
    (!ready).then(|| format!("service {namespace}/{service} has no ready endpoint"))
}

/// The Pod Identity agent on the pod's node; on any node where there is no pod yet.
async fn agent(cluster: &Cluster, pod: Option<&Value>) -> Fact<Agent> {
    let listed = async {
        let pods = cluster.mapping("v1", "Pod").await?;
        cluster.list(&pods, Some("kube-system"), Select::Labels("app.kubernetes.io/name=eks-pod-identity-agent")).await
    };
    let mut found = match listed.await {
        Ok(found) => found,
        Err(error) => return Fact::Unknown(super::reason(&error)),
    };
    if let Some(node) = pod.and_then(|pod| pod["spec"]["nodeName"].as_str()) {
        found.retain(|agent| agent["spec"]["nodeName"] == node);
    }
    let is_ready = |agent: &Value| {
        let conditions = agent["status"]["conditions"].as_array().into_iter().flatten();
        conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    match found.as_slice() {
        [] => Fact::Absent,
        found => Fact::Known(Agent { ready: found.iter().any(is_ready) }),
    }
}

/// The issuer, as the API server says it to everybody who may ask; `None` leaves it to other sources.
async fn issuer(session: &Session) -> Option<Fact<String>> {
    if session.simulated {
        return None;
    }
    let request = http::Request::get("/.well-known/openid-configuration").body(Vec::new()).ok()?;
    match session.client.request::<Value>(request).await {
        Ok(answer) => answer["issuer"].as_str().map(|issuer| Fact::Known(issuer.to_owned())),
        Err(error) => Some(Fact::Unknown(super::reason(&error))),
    }
}

async fn network_of(cluster: &Cluster, pod: &Value, facts: &mut Facts) {
    let listed = async {
        let policies = cluster.mapping("networking.k8s.io/v1", "NetworkPolicy").await?;
        cluster.list(&policies, pod["metadata"]["namespace"].as_str(), Select::All).await
    };
    // A cluster that does not say its policies says nothing of the network: the link is unknown.
    if let Ok(policies) = listed.await {
        let mut known = facts.network.known().cloned().unwrap_or_default();
        known.has_internet |= facts.network.known().is_none();
        known.blocked = network::blocked(&policies, &pod["metadata"]["labels"]);
        facts.network = Fact::Known(known);
    }
}
