//! What commands do with a stack: plan it, bring it up, take it down. Each is a few steps that others decide or carry out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sutler_release::{ApiError, ApplyOptions, ObjectRef, Release, Select};

use crate::apply::{ApplyError, Applying, remove};
use crate::contracts::{Live, ReleaseFacts, check, cluster_autoscaler, unknown_references, unmade};
use crate::event::Sink;
use crate::file::diagnostic::{Report, Severity};
use crate::inputs::{Given, InputError, used_secrets, user_values};
use crate::load::Loaded;
use crate::names::{STACK_LABEL, SUTLER_NAMESPACE};
use crate::observe::{Drift, ObserveError, observe};
use crate::observed::Observed;
use crate::outside::{self, Going, carry_out};
use crate::plan::down::Extent;
use crate::plan::make::{Choices, make};
use crate::plan::{Plan, Subject};
use crate::prepare::{
    PrepareError, Prepared, Secrets, Surroundings, facts, facts_of_skipped, facts_of_values, prepare,
};
use crate::secrets::{self, SecretError};
use crate::session::Session;
use crate::stack::{Stack, Target};
use crate::tables::{KARPENTER, NODES, Tables, object};

/// The Secret with the key of the secrets' digests.
const DIGEST_KEY: &str = "sutler-digest-key";

/// A plan and what it was made from.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The rendered releases.
    pub prepared: Prepared,
    /// What was seen of the cluster.
    pub observed: Observed,
    /// What is worth a look, with places in the file.
    pub warnings: Report,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Parts of the stack contradict each other.
    #[error("{0}")]
    Contracts(Box<Report>),
    /// The cluster.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// A release.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// Values.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The key of the secrets' digests.
    #[error("cannot use the key of the secrets' digests")]
    DigestKey(#[source] ApiError),
    /// No randomness.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
}

/// Makes the plan of a stack. With `secrets`, changes of secrets are seen too; `plan` does without.
///
/// # Errors
/// If the stack contradicts itself, does not render, or the cluster cannot be looked at.
pub async fn plan(
    session: &Session,
    loaded: &Loaded,
    secrets: Option<&Secrets>,
    recover: bool,
) -> Result<Planned, PlanError> {
    let stack = &loaded.stack;
    check_references(loaded)?;
    let observed = observe(session, stack, Drift::Compare).await?;
    let releases = session.releases();
    let surroundings = Surroundings {
        releases: &releases,
        kubernetes: stack.cluster.version.clone(),
        seed: seed()?,
        now: session.world.now(),
        revisions: observed.revisions(),
        secrets,
    };
    let prepared = prepare(stack, &loaded.inputs, &surroundings).await?;
    let checked: Vec<_> = prepared.releases.iter().map(facts).collect();
    let mut skipped = Vec::new();
    for release in &stack.skipped {
        if let Some(inputs) = loaded.skipped.get(&release.id) {
            skipped.push(facts_of_skipped(release, inputs)?);
        }
    }
    let live = live(session, stack, &checked).await.map_err(ObserveError::Api)?;
    let found = stack.file.report(check(stack, &checked, &skipped, &live));
    if found.has_errors() {
        return Err(PlanError::Contracts(Box::new(found.only(Severity::Error))));
    }
    let has_ended = |holder: &sutler_release::Holder| session.world.has_ended(holder);
    let mut plan = make(stack, &prepared, &observed, Choices { recover, has_ended: &has_ended });
    plan.pins = loaded.pins.changes();
    let warnings = found.only(Severity::Warning);
    plan.warnings.extend(
        warnings.diagnostics.iter().map(|warning| format!("{} ({})", warning.message, warnings.location(warning))),
    );
    Ok(Planned { plan, prepared, observed, warnings })
}

/// What the cluster has of what contracts ask for and the stack does not make.
async fn live(session: &Session, stack: &Stack, releases: &[ReleaseFacts]) -> Result<Live, ApiError> {
    let cluster = session.cluster();
    let mut live = Live { looked: true, ..Live::default() };
    for (account, ..) in unmade(stack, releases) {
        let reference = ObjectRef::new("v1", "ServiceAccount", Some(&account.namespace), &account.name);
        if object(&cluster, &reference).await?.is_some() {
            live.accounts.insert(account);
        }
    }
    if !session.simulated && cluster_autoscaler(releases).is_some() {
        live.node_pools = Tables::read(&cluster, KARPENTER, None).await?.list("NodePool").to_vec();
    }
    if matches!(stack.target, Target::Context(_)) {
        let nodes = Tables::read(&cluster, NODES, None).await?;
        let zone =
            |node: &Value| node.pointer("/metadata/labels/topology.kubernetes.io~1zone")?.as_str().map(str::to_owned);
        live.zones = nodes.list("Node").iter().filter_map(zone).collect();
    }
    Ok(live)
}

/// Refuses values that name pools or roles which the stack does not have: before anything is rendered, since a chart could
/// only say the same without the place.
pub(crate) fn check_references(loaded: &Loaded) -> Result<(), PlanError> {
    let stack = &loaded.stack;
    let mut named = Vec::new();
    for release in &stack.releases {
        if let Some(inputs) = loaded.inputs.get(&release.id) {
            named.push(facts_of_values(release, &inputs.chart, &user_values(release, inputs, Given::default())?));
        }
    }
    match unknown_references(stack, &named) {
        unknown if unknown.is_empty() => Ok(()),
        unknown => Err(PlanError::Contracts(Box::new(stack.file.report(unknown)))),
    }
}

fn seed() -> Result<[u8; 32], PlanError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(PlanError::Random)?;
    Ok(seed)
}

/// Reads the secrets that the stack's releases use here, and the key of their digests, which is made where it is missing.
///
/// # Errors
/// If a secret's source is missing.
pub async fn read_secrets(session: &Session, loaded: &Loaded) -> Result<Secrets, PlanError> {
    with_digest_key(session, read_sources(loaded)?).await
}

/// Reads the secrets alone, before there is a cluster that keeps the key of their digests.
///
/// # Errors
/// If a secret's source is missing.
pub fn read_sources(loaded: &Loaded) -> Result<Secrets, PlanError> {
    let mut by_name = BTreeMap::new();
    for name in used_secrets(&loaded.stack) {
        if let Some(source) = loaded.stack.secrets.get(name) {
            by_name.insert(name.to_owned(), secrets::read(name, source, &loaded.folder)?);
        }
    }
    Ok(Secrets { by_name, key: Vec::new() })
}

/// The secrets with the cluster's key of their digests, which is made where it is missing.
///
/// # Errors
/// If the key cannot be read or made.
pub async fn with_digest_key(session: &Session, secrets: Secrets) -> Result<Secrets, PlanError> {
    let key = if secrets.by_name.is_empty() { Vec::new() } else { digest_key(session).await? };
    Ok(Secrets { key, ..secrets })
}

async fn digest_key(session: &Session) -> Result<Vec<u8>, PlanError> {
    let cluster = session.cluster();
    let reference = ObjectRef::new("v1", "Secret", Some(SUTLER_NAMESPACE), DIGEST_KEY);
    let text = |found: &Value| found.pointer("/data/key").and_then(Value::as_str).map(|text| text.as_bytes().to_vec());
    if let Some(key) = cluster.get(&reference).await.map_err(PlanError::DigestKey)?.as_ref().and_then(text) {
        return Ok(key);
    }
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SUTLER_NAMESPACE}});
    let force = ApplyOptions { force: true, ..ApplyOptions::default() };
    cluster.apply(&namespace, force).await.map_err(PlanError::DigestKey)?;
    let random: String = seed()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let object = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": DIGEST_KEY, "namespace": SUTLER_NAMESPACE},
        "stringData": {"key": random},
    });
    let written = cluster.create(&object, |_| false).await;
    match written {
        Ok(written) => Ok(text(&written).unwrap_or_default()),
        // Another `up` was faster: its key counts.
        Err(ApiError::AlreadyExists { .. }) => {
            let found = cluster.get(&reference).await.map_err(PlanError::DigestKey)?;
            Ok(found.as_ref().and_then(text).unwrap_or_default())
        }
        Err(error) => Err(PlanError::DigestKey(error)),
    }
}

/// Carries out a plan.
///
/// # Errors
/// The first step that failed.
pub async fn up(
    session: &Session,
    loaded: &Loaded,
    planned: &Planned,
    recover: bool,
    sink: Sink,
) -> Result<Vec<Release>, ApplyError> {
    let applying = Applying { session, stack: &loaded.stack, prepared: &planned.prepared, recover, sink };
    applying.apply(&planned.plan).await
}

/// The plan that takes a stack down: its releases in reverse order, then what it made beside them. Where the cluster goes too,
/// what its controllers made outside goes first; data is kept unless the extent says otherwise.
///
/// # Errors
/// If the cluster cannot be looked at.
pub async fn plan_down(session: &Session, stack: &Stack, extent: Extent) -> Result<Plan, ObserveError> {
    let Extent { ends_cluster, delete_data } = extent;
    let observed = observe(session, stack, Drift::Ignore).await?;
    let going = match (ends_cluster, delete_data) {
        (true, _) => Going::Cluster,
        (false, true) => Going::Namespaces(own_namespaces(session, stack).await?),
        (false, false) => Going::Namespaces(BTreeSet::new()),
    };
    let outside = match ends_cluster || delete_data {
        true => outside::steps(&outside::look(session).await?, &going, delete_data),
        false => outside::Steps::default(),
    };
    Ok(crate::plan::down::make(stack, &observed, &going, outside))
}

/// The namespaces that carry the stack's label: it made them.
async fn own_namespaces(session: &Session, stack: &Stack) -> Result<BTreeSet<String>, ObserveError> {
    let cluster = session.cluster();
    let mapping = cluster.mapping("v1", "Namespace").await?;
    let ours = format!("{STACK_LABEL}={}", stack.name);
    let found = cluster.list(&mapping, None, Select::Labels(&ours)).await?;
    let name = |object: &Value| object.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    Ok(found.iter().filter_map(name).collect())
}

/// Carries out the plan of [`plan_down`].
///
/// # Errors
/// The first step that failed; what was removed stays removed, and another `down` goes on.
pub async fn down(session: &Session, plan: &Plan, sink: &Sink) -> Result<(), ApplyError> {
    let cluster = session.cluster();
    for step in &plan.steps {
        match &step.subject {
            Subject::LoadBalancer { .. } | Subject::Volume { .. } => carry_out(&cluster, step, sink).await?,
            _ => remove(session, &cluster, step, sink).await?,
        }
    }
    Ok(())
}
