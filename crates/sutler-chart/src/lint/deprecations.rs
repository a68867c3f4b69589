//! Which API types Kubernetes deprecates, as of the release that Helm was built with.

use crate::capabilities::KubeVersion;

/// The rows; what they mean stands at the head of the file.
const TABLE: &str = include_str!("deprecations.txt");

/// One row of the table.
struct Row<'t> {
    api_version: &'t str,
    kind: &'t str,
    has_list: bool,
    deprecated: (i64, i64),
    removed: Option<&'t str>,
    /// API version, and the kind where it is another one.
    replacement: Option<(&'t str, Option<&'t str>)>,
}

fn rows() -> impl Iterator<Item = Row<'static>> {
    TABLE.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (api_version, kind) = (fields.next()?, fields.next()?);
        let (major, minor) = fields.next()?.split_once('.')?;
        let removed = fields.next().filter(|release| *release != "-");
        let replacement = fields.next().filter(|version| *version != "-").map(|version| (version, fields.next()));
        let (kind, has_list) = kind.strip_suffix("[List]").map_or((kind, false), |kind| (kind, true));
        let deprecated = (major.parse().ok()?, minor.parse().ok()?);
        Some(Row { api_version, kind, has_list, deprecated, removed, replacement })
    })
}

/// What Helm warns of an object of that type on that release of Kubernetes; none where the type is not deprecated there.
pub(super) fn warning(api_version: &str, kind: &str, cluster: &KubeVersion) -> Option<String> {
    let row = rows().find(|row| {
        row.api_version == api_version
            && (row.kind == kind || (row.has_list && kind.strip_suffix("List") == Some(row.kind)))
    })?;
    let number = |text: &str| text.parse::<i64>().unwrap_or(i64::MAX);
    let release = (number(cluster.major()), number(cluster.minor()));
    // Release 0.0 stands for "not known", where everything deprecated counts.
    if release != (0, 0) && row.deprecated > release {
        return None;
    }
    let (major, minor) = row.deprecated;
    let mut text = format!("{api_version} {kind} is deprecated in v{major}.{minor}+");
    if let Some(removed) = row.removed {
        text.push_str(&format!(", unavailable in v{removed}+"));
    }
    if let Some((version, other)) = row.replacement {
        text.push_str(&format!("; use {version} {}", other.unwrap_or(kind)));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_read() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows().count(), lines);
        // One type a row, two where its list is meant too: what Helm's scheme holds.
        assert_eq!(rows().map(|row| 1 + usize::from(row.has_list)).sum::<usize>(), 159);
    }

    #[test]
    fn warnings_are_those_of_kubernetes() {
        let warn = |api_version: &str, kind: &str, release: &str| {
            warning(api_version, kind, &KubeVersion::parse(release).unwrap()).unwrap_or_default()
        };
        for (api_version, kind, release, expected) in [
            ("apps/v1", "Deployment", "1.35", ""),
            (
                "extensions/v1beta1",
                "IngressList",
                "1.14",
                "extensions/v1beta1 IngressList is deprecated in v1.14+, unavailable in v1.22+; use networking.k8s.io/v1 IngressList",
            ),
            ("extensions/v1beta1", "Ingress", "1.13", ""),
            ("v1", "ComponentStatus", "1.35", "v1 ComponentStatus is deprecated in v1.19+"),
            (
                "storage.k8s.io/v1beta1",
                "CSINodeList",
                "0.0",
                "storage.k8s.io/v1beta1 CSINodeList is deprecated in v1.17+, unavailable in v1.22+; use storage.k8s.io/v1 CSINode",
            ),
        ] {
            assert_eq!(warn(api_version, kind, release), expected);
        }
    }
}
