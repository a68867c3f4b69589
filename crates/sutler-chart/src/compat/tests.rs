//! Which Helm a name means, and in what the two differ.

use super::*;
use crate::log::{Level, Remark};

#[test]
fn api_versions_are_those_of_helm_3() {
    let helm3 = Compatibility::V3.capabilities();
    let has = |version: &str| helm3.api_versions.iter().any(|known| known == version);
    assert_eq!(helm3.api_versions.len(), 57);
    assert!(has("networking.k8s.io/v1alpha1") && has("networking.k8s.io/v1beta1") && !has("resource.k8s.io/v1"));
}

#[test]
fn a_kube_version_is_a_semantic_version_to_helm_3() {
    let shown = |text: &str| match Compatibility::V3.kube_version(text) {
        Ok(version) => format!("{} {} {}", version.version(), version.major(), version.minor()),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown("1.31"), "v1.31.0 1 31");
    assert_eq!(shown("v1.33.4-gke.100"), "v1.33.4-gke.100 1 33");
    assert_eq!(shown("x"), "Invalid Semantic Version");
}

#[test]
fn remarks_have_helm_3s_place_and_words() {
    let shown = |level, message: &str, details| line(&Remark::new(level, message, details));
    assert_eq!(
        shown(Level::Warn, "returned non-bool value", vec![("path", "a.on".into()), ("chart", "a".into())]).unwrap(),
        "dependencies.go:63: Warning: Condition path 'a.on' for chart a returned non-bool value"
    );
    assert_eq!(
        shown(Level::Info, "key nested is table. Skipping", vec![]).unwrap(),
        "coalesce.go:175: key nested is table. Skipping"
    );
    assert_eq!(shown(Level::Error, "release name check failed", vec![]), None);
}

#[test]
fn the_words_for_a_compatibility_are_read_and_printed() {
    for (text, expected) in [("v3", Ok(Compatibility::V3)), ("4", Ok(Compatibility::V4)), ("v5", Err(()))] {
        assert_eq!(text.parse::<Compatibility>().map_err(|_| ()), expected, "{text}");
    }
    assert_eq!(Compatibility::V3.to_string(), "v3");
}
