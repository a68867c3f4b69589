//! Paths of the API: `/api/v1/namespaces/x/pods/y/log` and what it asks for.

use crate::request::decode;

/// A path, cut at its slashes and percent-decoded.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
}

/// What a path below a group's version names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// Empty for the core group.
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    /// Empty when the path names none.
    pub(crate) namespace: &'a str,
    pub(crate) plural: &'a str,
    /// Empty for the collection.
    pub(crate) name: &'a str,
    /// Empty for the object itself.
    pub(crate) subresource: &'a str,
    /// What follows a subresource (`proxy/…`), cut at slashes.
    pub(crate) rest: &'a [String],
    /// Whether the path has the old `/watch/` prefix.
    pub(crate) watch: bool,
}

impl Path {
    pub(crate) fn parse(path: &str) -> Self {
        Self { segments: path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect() }
    }

    /// The resource it names; `None` for discovery and everything that is no resource.
    pub(crate) fn target(&self) -> Option<Target<'_>> {
        let all: Vec<&str> = self.segments.iter().map(String::as_str).collect();
        let (group, version, mut at) = match all.as_slice() {
            ["api", version, _, ..] => ("", *version, 2),
            ["apis", group, version, _, ..] => (*group, *version, 3),
            _ => return None,
        };
        let watch = all[at] == "watch" && all.len() > at + 1;
        if watch {
            at += 1;
        }
        // `/namespaces/x` and `/namespaces/x/status` are the namespace itself; `/namespaces/x/pods` are objects in it.
        let itself = match &all[at..] {
            [_] | [_, _] => true,
            [_, _, below] => group.is_empty() && matches!(*below, "status" | "finalize"),
            _ => false,
        };
        let mut namespace = "";
        if all[at] == "namespaces" && !itself {
            namespace = all[at + 1];
            at += 2;
        }
        let part = |offset: usize| all.get(at + offset).copied().unwrap_or("");
        let rest = self.segments.get(at + 3..).unwrap_or(&[]);
        Some(Target { group, version, namespace, plural: part(0), name: part(1), subresource: part(2), rest, watch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let path = Path::parse(path);
        let said = path.target().map_or("-".to_string(), |t| {
            format!("{}|{}|{}|{}|{}|{}|{}", t.group, t.version, t.namespace, t.plural, t.name, t.subresource, t.watch)
        });
        assert_eq!(said, expected);
    }

    #[test]
    fn a_path_names_group_namespace_resource_and_subresource() {
        check("/api", "-");
        check("/api/v1", "-");
        check("/apis/apps/v1", "-");
        check("/api/v1/pods", "|v1||pods|||false");
        check("/api/v1/namespaces", "|v1||namespaces|||false");
        check("/api/v1/namespaces/x", "|v1||namespaces|x||false");
        check("/api/v1/namespaces/x/status", "|v1||namespaces|x|status|false");
        check("/api/v1/namespaces/x/pods", "|v1|x|pods|||false");
        check("/api/v1/namespaces/x/pods/y", "|v1|x|pods|y||false");
        check("/api/v1/namespaces/x/pods/y/log", "|v1|x|pods|y|log|false");
        check("/api/v1/watch/namespaces/x/pods", "|v1|x|pods|||true");
        check("/apis/apps/v1/namespaces/x/deployments/y/scale", "apps|v1|x|deployments|y|scale|false");
        check(
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:a%2Fb",
            "rbac.authorization.k8s.io|v1||clusterroles|system:a/b||false",
        );
    }
}
