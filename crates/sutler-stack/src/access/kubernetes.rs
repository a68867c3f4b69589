//! Facts from the cluster: the pod, its service account, the webhook, the agent, and what NetworkPolicies keep it from.

use serde_json::Value;
use sutler_access::doctor::{Agent, Fact, Facts, Pod, ServiceAccount, Webhook};
use sutler_objects::object::{at, labels, list, name, namespace, text};

use super::{AccessError, Question};
use crate::reach;
use crate::session::Session;
use crate::tables::{ACCESS, Tables};

/// The name under which EKS and the webhook's own manifests register it.
const WEBHOOK: &str = "pod-identity-webhook";

/// Fills in what the cluster knows.
pub(super) async fn of_cluster(session: &Session, question: &Question, facts: &mut Facts) -> Result<(), AccessError> {
    let tables = Tables::read(&session.cluster(), ACCESS, Some(&question.subject.namespace)).await?;
    of_tables(&tables, session.simulated, question, facts)?;
    if let Some(issuer) = issuer(session).await {
        facts.issuer = issuer;
    }
    Ok(())
}

/// Fills in what the tables of a cluster say of the pod or service account that is asked about.
fn of_tables(tables: &Tables, simulated: bool, question: &Question, facts: &mut Facts) -> Result<(), AccessError> {
    let (within, called) = (question.subject.namespace.as_str(), question.subject.name.as_str());
    let pod = tables.get("Pod", within, called).or_else(|| a_pod_of(tables, within, called));
    let account = pod.map_or(called, account_of);
    let is_there = pod.is_some() || tables.get("ServiceAccount", within, account).is_some();
    if !is_there && tables.unknown("Pod").is_none() && tables.unknown("ServiceAccount").is_none() {
        return Err(nobody(tables, question));
    }
    of_pod(tables, simulated, pod, (within, account), facts);
    Ok(())
}

/// Fills in what the tables say of one pod and its service account (namespace and name), or of the account alone.
pub(crate) fn of_pod(
    tables: &Tables,
    simulated: bool,
    pod: Option<&Value>,
    (within, account): (&str, &str),
    facts: &mut Facts,
) {
    facts.pod = match (pod.and_then(|pod| Pod::from_object(pod, None)), tables.unknown("Pod")) {
        (Some(pod), _) => Fact::Known(pod),
        (None, Some(why)) => Fact::Unknown(why.to_owned()),
        // Its service account is asked about.
        (None, None) => Fact::Unknown("no pod uses it yet".to_owned()),
    };
    let found = tables.get("ServiceAccount", within, account);
    facts.service_account = match (found.and_then(ServiceAccount::from_object), tables.unknown("ServiceAccount")) {
        (Some(account), _) => Fact::Known(account),
        (None, Some(why)) => Fact::Unknown(why.to_owned()),
        (None, None) => Fact::Absent,
    };
    facts.webhook = webhook(tables, simulated);
    facts.agent = agent(tables, pod);
    if pod.is_none() && facts.network.known().is_none() {
        // There is nobody yet whom a policy could keep from something.
        facts.network = Fact::Absent;
    }
    // A cluster that does not say its policies says nothing of the network: the link is unknown.
    if let (Some(pod), None) = (pod, tables.unknown("NetworkPolicy")) {
        let mut known = facts.network.known().cloned().unwrap_or_default();
        known.has_internet |= facts.network.known().is_none();
        known.blocked = reach::blocked(tables, pod);
        facts.network = Fact::Known(known);
    }
}

/// The name of a pod's service account.
pub(crate) fn account_of(pod: &Value) -> &str {
    match text(pod, &["spec", "serviceAccountName"]) {
        "" => "default",
        name => name,
    }
}

/// A pod of this service account: one that runs, else any.
fn a_pod_of<'t>(tables: &'t Tables, within: &str, account: &str) -> Option<&'t Value> {
    let mut found = tables.list_in("Pod", within).filter(|pod| account_of(pod) == account);
    let first = found.next()?;
    let runs = |pod: &&Value| text(pod, &["status", "phase"]) == "Running";
    Some(if runs(&first) { first } else { found.find(runs).unwrap_or(first) })
}

fn nobody(tables: &Tables, question: &Question) -> AccessError {
    let wanted = &question.subject;
    let mut known: Vec<String> = tables
        .list("ServiceAccount")
        .iter()
        .filter(|account| {
            name(account) != "default" && (namespace(account) == wanted.namespace || name(account) == wanted.name)
        })
        .map(reach::qualified)
        .collect();
    known.truncate(6);
    AccessError::Nobody { subject: wanted.to_string(), known }
}

/// The webhook's registration, and whether somebody answers behind it as far as the cluster shows.
fn webhook(tables: &Tables, simulated: bool) -> Fact<Webhook> {
    if simulated {
        // The simulator changes pods as EKS does, and registers nothing for it, as EKS's own control plane.
        return Fact::Known(Webhook { name: WEBHOOK.to_owned(), fault: None });
    }
    if let Some(why) = tables.unknown("MutatingWebhookConfiguration") {
        return Fact::Unknown(why.to_owned());
    }
    let registered = tables.list("MutatingWebhookConfiguration");
    let Some(found) = registered.iter().find(|object| name(object).contains(WEBHOOK)) else {
        // One that is not registered here has been at work where a pod has what it gives.
        let at_work = tables.list("Pod").iter().any(has_token);
        return if at_work { Fact::Known(Webhook { name: WEBHOOK.to_owned(), fault: None }) } else { Fact::Absent };
    };
    let service = &found["webhooks"][0]["clientConfig"]["service"];
    let fault = match (service["namespace"].as_str(), service["name"].as_str()) {
        (Some(namespace), Some(service)) => no_endpoint(tables, namespace, service),
        // A URL: EKS runs it beside the API server.
        _ => None,
    };
    Fact::Known(Webhook { name: name(found).to_owned(), fault })
}

/// Whether a pod was given a token for STS.
fn has_token(pod: &Value) -> bool {
    let volumes = list(pod, &["spec", "volumes"]).iter().flat_map(|volume| list(volume, &["projected", "sources"]));
    volumes.into_iter().any(|source| text(source, &["serviceAccountToken", "audience"]) == "sts.amazonaws.com")
}

/// Why nobody answers at a service, if that is so.
fn no_endpoint(tables: &Tables, within: &str, service: &str) -> Option<String> {
    if !tables.is_whole("EndpointSlice") {
        return None;
    }
    let of_service = |slice: &&Value| {
        labels(slice).and_then(|labels| labels.get("kubernetes.io/service-name")).is_some_and(|name| name == service)
    };
    let is_ready = |endpoint: &Value| endpoint["conditions"]["ready"] != false;
    let slices = tables.list_in("EndpointSlice", within).filter(of_service);
    let ready = slices.flat_map(|slice| list(slice, &["endpoints"])).any(is_ready);
    (!ready).then(|| format!("service {within}/{service} has no ready endpoint"))
}

/// The Pod Identity agent on the pod's node; on any node where there is no pod yet.
fn agent(tables: &Tables, pod: Option<&Value>) -> Fact<Agent> {
    if !tables.is_whole("Pod") {
        return Fact::Unknown("no right to list the pods of kube-system".to_owned());
    }
    let is_agent = |pod: &&Value| {
        let label = labels(pod).and_then(|labels| labels.get("app.kubernetes.io/name"));
        label.is_some_and(|label| label == "eks-pod-identity-agent")
    };
    let node = pod.map(|pod| text(pod, &["spec", "nodeName"])).filter(|node| !node.is_empty());
    let on_node = |agent: &&Value| node.is_none_or(|node| text(agent, &["spec", "nodeName"]) == node);
    let found: Vec<&Value> = tables.list_in("Pod", "kube-system").filter(is_agent).filter(on_node).collect();
    let is_ready = |agent: &&Value| {
        list(agent, &["status", "conditions"]).iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
    };
    match found.as_slice() {
        [] => Fact::Absent,
        found => Fact::Known(Agent { ready: found.iter().any(is_ready) }),
    }
}

/// The issuer, as the API server says it to everybody who may ask; `None` leaves it to other sources.
pub(crate) async fn issuer(session: &Session) -> Option<Fact<String>> {
    if session.simulated {
        return None;
    }
    let request = http::Request::get("/.well-known/openid-configuration").body(Vec::new()).ok()?;
    match session.client.request::<Value>(request).await {
        Ok(answer) => at(&answer, &["issuer"]).and_then(Value::as_str).map(|issuer| Fact::Known(issuer.to_owned())),
        // Only its message: the whole answer is no sentence.
        Err(kube::Error::Api(answer)) => {
            Some(Fact::Unknown(format!("the API server does not say it: {}", answer.message)))
        }
        Err(error) => Some(Fact::Unknown(super::reason(&error))),
    }
}
