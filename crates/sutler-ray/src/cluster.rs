//! Bringing a Ray cluster up and taking it down.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sutler_chart::values::from_json;
use sutler_release::{
    ApplyChoice, DEFAULT_HISTORY_MAX, Events, FromChart, InstallRequest, ObjectRef, Options, Release, Releases, Source,
    UninstallRequest, UpgradeRequest, ValuesFrom,
};

use crate::profile::{PROFILE_NAME, Profile, ProfileError};

/// The label on a release's record that says whose it is.
pub const OWNER_LABEL: &str = "sutler.dev/owner";

/// The label on a release's record that says which stack it belongs to.
pub(crate) const STACK_LABEL: &str = "sutler.dev/stack";

/// The longest name of a Ray cluster: the names of its objects are made from it and must fit a DNS label.
const LONGEST_NAME: usize = 40;

/// A Ray cluster that is asked for.
#[derive(Clone, Debug)]
pub struct RayCluster {
    /// Its name, which is its release's.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// How many workers; the profile's number if not given.
    pub workers: Option<u32>,
    /// Whose it is; free text, written into a label as far as a label can hold it.
    pub owner: String,
    /// What random functions of the chart start from.
    pub seed: [u8; 32],
}

/// Why a Ray cluster is not up, or not down.
#[derive(Debug, thiserror::Error)]
pub enum RayError {
    /// The name.
    #[error(
        "`{name}` is no name for a Ray cluster: lower-case letters, digits and `-`, at most {LONGEST_NAME}, a letter first"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// The profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The profile could not be asked for.
    #[error("cannot read the Ray profile of namespace `{namespace}`")]
    ReadProfile {
        /// The namespace.
        namespace: String,
        /// Why.
        #[source]
        source: sutler_release::ApiError,
    },
    /// The chart in the profile is not one that this binary carries.
    #[error("the Ray profile names the chart `{chart}`, which this Sutler does not carry")]
    Chart {
        /// The chart.
        chart: String,
        /// Why.
        #[source]
        source: Box<sutler_chart::LoadError>,
    },
    /// There is no such cluster.
    #[error("there is no Ray cluster `{name}` in namespace `{namespace}`")]
    Missing {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
        /// Ray clusters that there are.
        known: Vec<String>,
    },
    /// The release belongs to a stack.
    #[error("Ray cluster `{name}` in namespace `{namespace}` belongs to stack `{stack}`")]
    OfStack {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
        /// The stack.
        stack: String,
    },
    /// The name is taken by something else.
    #[error("release `{name}` in namespace `{namespace}` is no Ray cluster but `{chart}`")]
    NotRay {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
        /// Its chart.
        chart: String,
    },
    /// What there is cannot be read.
    #[error("cannot list the Ray clusters of {}", namespace.as_ref().map_or("all namespaces".to_owned(), |name| format!("namespace `{name}`")))]
    List {
        /// The namespace; all when there is none.
        namespace: Option<String>,
        /// Why.
        #[source]
        source: Box<sutler_release::Error>,
    },
    /// The release.
    #[error("Ray cluster `{name}` is not {done}")]
    Release {
        /// Its name.
        name: String,
        /// `up` or `down`.
        done: &'static str,
        /// Why.
        #[source]
        source: Box<sutler_release::Error>,
    },
}

impl RayError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            RayError::Profile(error) => error.hint(),
            RayError::Missing { known, .. } if known.is_empty() => Some("there is none in this namespace".into()),
            RayError::Missing { known, .. } => Some(format!("there are: {}", known.join(", "))),
            RayError::OfStack { .. } => Some("change it in that stack's stack.yaml and run `sutler up`".into()),
            RayError::NotRay { .. } => Some("take another name".into()),
            RayError::Release { source, .. } | RayError::List { source, .. } => source.hint(),
            RayError::Name { .. } | RayError::ReadProfile { .. } | RayError::Chart { .. } => None,
        }
    }
}

/// What a Ray cluster that is up looks like to its user.
#[derive(Clone, Debug)]
pub struct RayUp {
    /// Its release's new revision.
    pub release: Release,
    /// The profile it was made from.
    pub profile: Profile,
    /// How many workers it has.
    pub workers: u32,
    /// The head's Service.
    pub service: String,
}

/// The chart's values for a cluster: the profile's, the number of workers, and `global.sutler` without a stack.
pub fn values(profile: &Profile, workers: Option<u32>) -> Value {
    let mut values = profile.values.clone();
    if let (Some(workers), Some(map)) = (workers, values.as_object_mut()) {
        // Groups of workers are the stack's own; a cluster of one's own has one group, of the short form.
        map.remove("workerGroups");
        let group = map.entry("workers").or_insert_with(|| json!({}));
        if let Some(group) = group.as_object_mut() {
            group.insert("replicas".into(), json!(workers));
        }
    }
    let mut globals = profile.globals.clone();
    if let Some(map) = globals.as_object_mut() {
        map.remove("stack");
        map.remove("secretValues");
    }
    values["global"] = json!({"sutler": globals});
    values
}

/// How many workers a cluster with these values has.
fn worker_count(chart: &sutler_chart::Chart, values: &Value) -> u32 {
    let count = |value: &Value| u32::try_from(value.as_f64().unwrap_or_default() as i64).unwrap_or_default();
    let groups = values["workerGroups"].as_array().filter(|groups| !groups.is_empty());
    match (groups, &values["workers"]["replicas"]) {
        (Some(groups), _) => groups.iter().map(|group| count(&group["replicas"])).sum(),
        (None, Value::Null) => count(&sutler_chart::values::to_json(&chart.values())["workers"]["replicas"]),
        (None, replicas) => count(replicas),
    }
}

/// A text as far as a label's value can hold it: `ada@lab.example` becomes `ada-lab.example`.
pub fn label_value(text: &str) -> String {
    let allowed = |found: char| found.is_ascii_alphanumeric() || matches!(found, '-' | '_' | '.');
    let replaced: String = text.chars().map(|found| if allowed(found) { found } else { '-' }).take(63).collect();
    replaced.trim_matches(|found: char| !found.is_ascii_alphanumeric()).to_owned()
}

/// Brings a Ray cluster up, or changes the one of this name, and waits until it is ready.
///
/// # Errors
/// If the namespace has no profile, the name is taken, or the cluster does not become ready.
pub async fn up(releases: &Releases, wanted: &RayCluster, events: Events<'_>) -> Result<RayUp, RayError> {
    let RayCluster { name, namespace, workers, owner, seed } = wanted;
    check_name(name)?;
    let reference = ObjectRef::new("v1", "ConfigMap", Some(namespace), PROFILE_NAME);
    let map = releases.cluster().get(&reference).await;
    let map = map.map_err(|source| RayError::ReadProfile { namespace: namespace.clone(), source })?;
    let profile = Profile::from_config_map(map.as_ref(), namespace)?;
    let chart = sutler_charts::load(&profile.chart)
        .map_err(|source| RayError::Chart { chart: profile.chart.clone(), source: Box::new(source) })?;
    let failed = |source| RayError::Release { name: name.clone(), done: "up", source: Box::new(source) };
    let existing = releases.history(namespace, name).await.map_err(failed)?.pop();
    if let Some(existing) = &existing {
        check_ours(existing, &profile.chart)?;
    }
    let values = values(&profile, *workers);
    let workers = worker_count(&chart, &values);
    let source = Source::Chart(Box::new(FromChart::new(chart, from_json(&values), *seed)));
    let options =
        Options { labels: BTreeMap::from([(OWNER_LABEL.to_owned(), label_value(owner))]), ..Options::default() };
    let request = UpgradeRequest {
        name: name.clone(),
        namespace: namespace.clone(),
        source,
        values_from: ValuesFrom::Given,
        apply: ApplyChoice::Auto,
        history_max: DEFAULT_HISTORY_MAX,
        cleanup_on_fail: false,
        install_if_missing: None,
        options,
    };
    let release = match existing {
        Some(_) => releases.upgrade(&request, events).await,
        None => {
            let UpgradeRequest { name, namespace, source, options, .. } = request;
            let request = InstallRequest {
                name,
                namespace,
                create_namespace: false,
                source,
                skip_crds: false,
                replace: true,
                options,
            };
            releases.install(&request, events).await
        }
    };
    Ok(RayUp {
        release: release.map_err(failed)?,
        profile,
        workers,
        service: format!("{name}-ray-head-svc.{namespace}"),
    })
}

/// Takes a Ray cluster down and waits until it is gone.
///
/// # Errors
/// If there is none of this name, or it belongs to a stack.
pub async fn down(
    releases: &Releases,
    namespace: &str,
    name: &str,
    chart: &str,
    events: Events<'_>,
) -> Result<(), RayError> {
    let failed = |source| RayError::Release { name: name.to_owned(), done: "down", source: Box::new(source) };
    let there = releases.list(Some(namespace)).await.map_err(failed)?;
    let Some(found) = there.iter().find(|release| release.name == name) else {
        let is_ray = |release: &&Release| release.chart.name() == chart && !release.labels.contains_key(STACK_LABEL);
        let known = there.iter().filter(is_ray).map(|release| release.name.clone()).collect();
        return Err(RayError::Missing { name: name.to_owned(), namespace: namespace.to_owned(), known });
    };
    check_ours(found, chart)?;
    releases.uninstall(&UninstallRequest::new(namespace, name), events).await.map(drop).map_err(failed)
}

/// Refuses what belongs to a stack, and what is no Ray cluster.
fn check_ours(release: &Release, chart: &str) -> Result<(), RayError> {
    let (name, namespace) = (release.name.clone(), release.namespace.clone());
    if let Some(stack) = release.labels.get(STACK_LABEL) {
        return Err(RayError::OfStack { name, namespace, stack: stack.clone() });
    }
    if release.chart.name() != chart {
        return Err(RayError::NotRay { name, namespace, chart: release.chart.label() });
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), RayError> {
    let fits = name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(|found| found.is_ascii_lowercase() || found.is_ascii_digit() || found == '-');
    if fits { Ok(()) } else { Err(RayError::Name { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        Profile {
            version: crate::PROFILE_VERSION.into(),
            stack: "data-team".into(),
            chart: "ray-static-cluster".into(),
            globals: json!({"version": "v1", "stack": "data-team", "pools": {"ray": {}}}),
            values: json!({"role": "DaftRole", "workers": {"replicas": 4, "pool": "ray"}, "workerGroups": [{"replicas": 9}]}),
        }
    }

    #[test]
    fn a_number_of_workers_replaces_the_profiles_and_the_stack_is_left_out() {
        let values = values(&profile(), Some(2));
        assert_eq!(
            values,
            json!({
                "role": "DaftRole",
                "workers": {"replicas": 2, "pool": "ray"},
                "global": {"sutler": {"version": "v1", "pools": {"ray": {}}}},
            })
        );
    }

    #[test]
    fn names_that_would_not_fit_are_refused() {
        for name in ["", "Mine", "1st", "a-", "with.dot", &"a".repeat(41)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("mine-2").is_ok());
    }

    #[test]
    fn an_owner_fits_a_label() {
        assert_eq!(label_value("ada@lab.example"), "ada-lab.example");
        assert_eq!(label_value("@@"), "");
        assert!(label_value(&"x".repeat(100)).len() <= 63);
    }
}
