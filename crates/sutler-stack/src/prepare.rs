//! From a stack to rendered releases: sizes, values, manifests.
//!
//! ```text
//! Stack + inputs ──fits──▶ global.sutler ──values──▶ render ──▶ Prepared ──contracts──▶ diagnostics
//!                    ▲                                  │
//!                    └───────DaemonSets of the stack────┘   (once more, if it has any)
//! ```
//!
//! Rendering goes through [`Releases::render`], which answers the charts' lookups from the cluster; everything else here
//! is plain.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use sutler_chart::values::ValuesFile;
use sutler_chart::{Operation, ReleaseInfo};
use sutler_nodes::fit::fit;
use sutler_release::{Content, FromChart, Releases, Source};
use sutler_template::Value;

use crate::contracts::{ReleaseFacts, placed, references};
use crate::globals::{PoolFit, SecretValues, globals};
use crate::hubs::{Hub, hubs};
use crate::inputs::{Given, InputError, ReleaseInputs, asks_for_globals, secret_paths, user_values};
use crate::observed::Key;
use crate::pods::{PodTemplate, pod_templates};
use crate::secrets::{Secret, keyed_digest};
use crate::stack::{Release, Stack};
use crate::tables::Tables;

/// What rendering may see of the world.
pub struct Surroundings<'a> {
    /// The cluster's releases: the API behind them answers lookups.
    pub releases: &'a Releases,
    /// The cluster's Kubernetes version, as `1.34`.
    pub kubernetes: String,
    /// What random functions start from.
    pub seed: [u8; 32],
    /// What `now` answers.
    pub now: Timestamp,
    /// The latest revision of each release that is installed.
    pub revisions: BTreeMap<Key, u32>,
    /// The secrets, where they were read; `plan` does without.
    pub secrets: Option<&'a Secrets>,
}

/// Secrets that were read, and the key of their digests.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// By name.
    pub by_name: BTreeMap<String, Secret>,
    /// The key, kept in the cluster.
    pub key: Vec<u8>,
}

/// A release, ready to be compared with what is installed.
#[derive(Clone, Debug)]
pub struct PreparedRelease {
    /// The release of the file.
    pub release: Release,
    /// Its chart.
    pub chart: sutler_chart::Chart,
    /// Its values files, and what stack.yaml says: for places in messages.
    pub files: Vec<ValuesFile>,
    /// The user's values, as its record will hold them.
    pub values: Value,
    /// What they rendered to, as its record will hold it.
    pub content: Content,
    /// The objects of its manifests.
    pub objects: Vec<Json>,
    /// A digest of everything it was made from, but for secrets.
    pub inputs_digest: String,
    /// A keyed digest of its secrets, if it has any and they were read.
    pub secrets_digest: Option<String>,
    /// The Secret it reads its secret values from, if it has any.
    pub secret: Option<SecretValues>,
    /// What that Secret must hold, by value path; only when secrets were read.
    pub secret_content: BTreeMap<String, Secret>,
}

/// All releases of a stack.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// In the stack's order.
    pub releases: Vec<PreparedRelease>,
    /// Each pool's fit.
    pub fits: BTreeMap<String, PoolFit>,
    /// `global.sutler` as the releases got it.
    pub globals: Json,
}

impl Prepared {
    /// The release with this id.
    pub fn release(&self, id: &str) -> Option<&PreparedRelease> {
        self.releases.iter().find(|release| release.release.id == id)
    }
}

/// Why a stack's releases cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A release's values.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A release's chart does not render.
    #[error("cannot render release `{release}`")]
    Render {
        /// The release's id.
        release: String,
        /// Why; Helm's text.
        #[source]
        source: Box<sutler_release::Error>,
    },
    /// What a chart rendered is no object.
    #[error("cannot read what release `{release}` rendered")]
    Manifest {
        /// The release's id.
        release: String,
        /// Why.
        #[source]
        source: Box<sutler_release::ManifestError>,
    },
}

/// Renders all releases of the stack.
///
/// # Errors
/// The first release that cannot be rendered.
pub async fn prepare(
    stack: &Stack,
    inputs: &BTreeMap<String, ReleaseInputs>,
    surroundings: &Surroundings<'_>,
) -> Result<Prepared, PrepareError> {
    let first = prepare_with(stack, inputs, surroundings, &[]).await?;
    let daemon_sets: Vec<Json> =
        first.releases.iter().flat_map(|release| of_kind(&release.objects, "DaemonSet")).collect();
    match daemon_sets.is_empty() {
        true => Ok(first),
        // The stack's own DaemonSets take their part of each node, which the charts must know.
        false => prepare_with(stack, inputs, surroundings, &daemon_sets).await,
    }
}

async fn prepare_with(
    stack: &Stack,
    inputs: &BTreeMap<String, ReleaseInputs>,
    surroundings: &Surroundings<'_>,
    daemon_sets: &[Json],
) -> Result<Prepared, PrepareError> {
    let fits = pool_fits(stack, daemon_sets);
    let globals = globals(stack, &fits);
    let mut releases = Vec::new();
    for release in &stack.releases {
        if let Some(inputs) = inputs.get(&release.id) {
            releases.push(prepare_release(release, inputs, &globals, surroundings).await?);
        }
    }
    Ok(Prepared { releases, fits, globals })
}

/// Each pool's fit: as the environment says, else computed from the instance types.
pub fn pool_fits(stack: &Stack, daemon_sets: &[Json]) -> BTreeMap<String, PoolFit> {
    let fits = stack.pools.iter().filter_map(|(name, pool)| {
        let computed = fit(&pool.pool, daemon_sets).ok();
        let given = pool.fit.as_ref().map(|(cpu, memory)| PoolFit { cpu: cpu.clone(), memory: memory.clone(), gpu: 0 });
        let computed =
            computed.map(|fit| PoolFit { cpu: fit.cpu_quantity(), memory: fit.memory_quantity(), gpu: fit.gpus });
        Some((name.clone(), given.or(computed)?))
    });
    fits.collect()
}

async fn prepare_release(
    release: &Release,
    inputs: &ReleaseInputs,
    globals: &Json,
    surroundings: &Surroundings<'_>,
) -> Result<PreparedRelease, PrepareError> {
    let paths = secret_paths(release);
    let from_secret = asks_for_globals(&inputs.chart);
    let read: Option<BTreeMap<String, Secret>> = surroundings.secrets.map(|secrets| {
        let found =
            paths.iter().filter_map(|(path, name)| Some(((*path).to_owned(), secrets.by_name.get(*name)?.clone())));
        found.collect()
    });
    let secrets_digest = match (&read, surroundings.secrets) {
        (Some(read), Some(secrets)) if !paths.is_empty() => Some(keyed_digest(&secrets.key, read)),
        _ => None,
    };
    let secret = (from_secret && !paths.is_empty()).then(|| SecretValues {
        secret_name: format!("sutler-{}", release.name),
        paths: paths.iter().map(|(path, _)| (*path).to_owned()).collect(),
        checksum: secrets_digest.clone(),
    });
    // What `plan` shows and digests cover: secrets stand as the references that the file has.
    let references = paths.iter().map(|(path, name)| (*path, Secret::new(format!("${{secrets.{name}}}"))));
    let without_secrets = Given {
        globals: from_secret.then(|| globals.clone()),
        secret_values: secret.clone().map(|secret| SecretValues { checksum: None, ..secret }),
        secrets: if from_secret { Vec::new() } else { references.collect() },
    };
    let public_values = user_values(release, inputs, without_secrets)?;
    let inputs_digest = inputs_digest(&inputs.chart, &public_values, &surroundings.kubernetes);
    let values = match &read {
        Some(read) if !paths.is_empty() => {
            let secrets = paths.iter().filter_map(|(path, _)| Some((*path, read.get(*path)?.clone())));
            let given = Given {
                globals: from_secret.then(|| globals.clone()),
                secret_values: secret.clone(),
                secrets: if from_secret { Vec::new() } else { secrets.collect() },
            };
            user_values(release, inputs, given)?
        }
        _ => public_values,
    };
    let installed = surroundings.revisions.get(&(release.namespace.clone(), release.name.clone()));
    let info = ReleaseInfo {
        name: release.name.clone(),
        namespace: release.namespace.clone(),
        revision: i64::from(installed.copied().unwrap_or(0)) + 1,
        operation: if installed.is_some() { Operation::Upgrade } else { Operation::Install },
    };
    let mut from = FromChart::new(inputs.chart.clone(), values.clone(), surroundings.seed);
    from.now = Some(surroundings.now);
    let content = surroundings
        .releases
        .render(&Source::Chart(Box::new(from)), info)
        .await
        .map_err(|source| PrepareError::Render { release: release.id.clone(), source: Box::new(source) })?;
    let objects = sutler_release::parse_manifest(&content.manifest)
        .map_err(|source| PrepareError::Manifest { release: release.id.clone(), source: Box::new(source) })?;
    Ok(PreparedRelease {
        release: release.clone(),
        chart: inputs.chart.clone(),
        files: inputs.files.clone(),
        values,
        content,
        objects,
        inputs_digest,
        secrets_digest,
        secret_content: if secret.is_some() { read.unwrap_or_default() } else { BTreeMap::new() },
        secret,
    })
}

/// A digest of what a release is made from: chart, values, the cluster's Kubernetes version. Rendered text is not in it,
/// since some charts render random values anew.
fn inputs_digest(chart: &sutler_chart::Chart, values: &Value, kubernetes: &str) -> String {
    let inputs = serde_json::json!({
        "chart": chart.digest(),
        "values": sutler_chart::values::to_json(values),
        "kubernetes": kubernetes,
    });
    Sha256::digest(inputs.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_kind(objects: &[Json], kind: &str) -> Vec<Json> {
    objects.iter().filter(|object| object.get("kind").and_then(Json::as_str) == Some(kind)).cloned().collect()
}

/// What contracts look at, of a release that was rendered.
pub fn facts(prepared: &PreparedRelease) -> ReleaseFacts {
    let Release { name, namespace, .. } = &prepared.release;
    let mut objects = placed(&prepared.objects, name, namespace);
    let mut pods = pod_templates(&prepared.objects, namespace);
    let hubs = hubs(&Tables::of_objects(objects.iter().cloned()));
    pods.extend(hubs.iter().flat_map(Hub::notebooks).map(PodTemplate::of_notebook));
    // Hooks make accounts for others, and their own pods come and go.
    let hooks = prepared.content.hooks.iter().filter_map(|hook| sutler_release::parse_manifest(&hook.manifest).ok());
    let accounts = hooks.flatten().filter(|object| object["kind"] == "ServiceAccount").collect::<Vec<_>>();
    objects.extend(placed(&accounts, name, namespace));
    ReleaseFacts {
        pods,
        daemon_sets: of_kind(&prepared.objects, "DaemonSet"),
        objects,
        files: prepared.files.clone(),
        ..facts_of_values(&prepared.release, &prepared.chart, &prepared.values)
    }
}

/// What contracts look at, of a release that this environment leaves out: only what its values name.
pub fn facts_of_skipped(release: &Release, inputs: &ReleaseInputs) -> Result<ReleaseFacts, InputError> {
    let values = user_values(release, inputs, Given::default())?;
    Ok(facts_of_values(release, &inputs.chart, &values))
}

/// What contracts look at before anything is rendered: what a release's own values name.
pub fn facts_of_values(release: &Release, chart: &sutler_chart::Chart, values: &Value) -> ReleaseFacts {
    let schema = chart.schema().and_then(|schema| serde_json::from_slice::<Json>(schema).ok()).unwrap_or_default();
    let defaults = sutler_chart::values::to_json(&chart.values());
    let values = over(defaults, sutler_chart::values::to_json(values));
    ReleaseFacts {
        id: release.id.clone(),
        name: release.name.clone(),
        namespace: release.namespace.clone(),
        references: references(&schema, &values),
        accounts: account_names(&values),
        pods: Vec::new(),
        objects: Vec::new(),
        files: Vec::new(),
        daemon_sets: Vec::new(),
    }
}

/// The service accounts that values name where charts let them be named: `serviceAccountName: x`, `serviceAccount: {name: x}`.
fn account_names(values: &Json) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = vec![values];
    while let Some(value) = open.pop() {
        match value {
            Json::Object(map) => {
                let named =
                    [map.get("serviceAccountName"), map.get("serviceAccount").and_then(|account| account.get("name"))];
                names.extend(named.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned));
                open.extend(map.values());
            }
            Json::Array(items) => open.extend(items),
            _ => {}
        }
    }
    names
}

/// One tree of values over another: maps are merged, everything else is replaced.
fn over(below: Json, above: Json) -> Json {
    match (below, above) {
        (Json::Object(mut below), Json::Object(above)) => {
            for (key, value) in above {
                let merged = over(below.remove(&key).unwrap_or_default(), value);
                below.insert(key, merged);
            }
            Json::Object(below)
        }
        (_, above) => above,
    }
}
