//! The profile: what `sutler up` leaves in a namespace so that `sutler ray up` needs no stack.yaml there.
//!
//! It is a ConfigMap that holds no secret: pools with their labels, taints and sizes, the role's service accounts, and
//! the values of the stack's own Ray release (image, sizes, role).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The ConfigMap's name.
pub const PROFILE_NAME: &str = "sutler-ray";

/// The version of the profile's form.
pub const PROFILE_VERSION: &str = "sutler.dev/ray-profile/v1";

/// The key in the ConfigMap.
const KEY: &str = "profile.json";

/// What a Ray cluster in this namespace is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Always [`PROFILE_VERSION`].
    pub version: String,
    /// The stack that left it.
    pub stack: String,
    /// The chart that the clusters are made with; one that the binary carries.
    pub chart: String,
    /// `global.sutler`: cluster, pools, roles.
    pub globals: Value,
    /// Values of the chart for every cluster: image, role, pools, sizes, number of workers.
    pub values: Value,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// There is none.
    #[error("namespace `{namespace}` has no Ray profile")]
    Missing {
        /// The namespace.
        namespace: String,
    },
    /// It was written by another version of Sutler, or by hand.
    #[error("the Ray profile of namespace `{namespace}` has the form `{found}`, this Sutler reads `{PROFILE_VERSION}`")]
    Version {
        /// The namespace.
        namespace: String,
        /// Its version.
        found: String,
    },
    /// It cannot be read.
    #[error("the Ray profile of namespace `{namespace}` cannot be read")]
    Unreadable {
        /// The namespace.
        namespace: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl ProfileError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ProfileError::Missing { .. } => Some(
                "`sutler up` leaves one in every namespace where the stack has a release of builtin:ray-static-cluster; \
                 give another namespace with --namespace"
                    .into(),
            ),
            ProfileError::Version { .. } | ProfileError::Unreadable { .. } => {
                Some("`sutler up` of the stack writes it anew".into())
            }
        }
    }
}

impl Profile {
    /// The ConfigMap that holds the profile in `namespace`.
    pub fn to_config_map(&self, namespace: &str, labels: &Value) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": PROFILE_NAME, "namespace": namespace, "labels": labels},
            "data": {KEY: json!(self).to_string()},
        })
    }

    /// Reads the profile of `namespace` from its ConfigMap.
    ///
    /// # Errors
    /// If there is none, or it is not one of this version.
    pub fn from_config_map(config_map: Option<&Value>, namespace: &str) -> Result<Profile, ProfileError> {
        let missing = || ProfileError::Missing { namespace: namespace.to_owned() };
        let text = config_map.and_then(|map| map["data"][KEY].as_str()).ok_or_else(missing)?;
        let unreadable = |source| ProfileError::Unreadable { namespace: namespace.to_owned(), source };
        let value: Value = serde_json::from_str(text).map_err(unreadable)?;
        match value["version"].as_str() {
            Some(PROFILE_VERSION) => serde_json::from_value(value).map_err(unreadable),
            found => Err(ProfileError::Version {
                namespace: namespace.to_owned(),
                found: found.unwrap_or("none").to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_survives_its_config_map_and_others_are_refused() {
        let profile = Profile {
            version: PROFILE_VERSION.into(),
            stack: "data-team".into(),
            chart: "ray-static-cluster".into(),
            globals: json!({"version": "v1"}),
            values: json!({"role": "DaftRole"}),
        };
        let map = profile.to_config_map("ray", &json!({}));
        assert_eq!(Profile::from_config_map(Some(&map), "ray").unwrap(), profile);
        let missing = Profile::from_config_map(None, "ray").unwrap_err();
        assert_eq!(missing.to_string(), "namespace `ray` has no Ray profile");
        let other = json!({"data": {"profile.json": "{\"version\": \"sutler.dev/ray-profile/v9\"}"}});
        assert!(Profile::from_config_map(Some(&other), "ray").unwrap_err().to_string().contains("/v9"));
        let broken = json!({"data": {"profile.json": "{"}});
        assert!(Profile::from_config_map(Some(&broken), "ray").unwrap_err().hint().is_some());
    }
}
