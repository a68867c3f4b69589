//! The Terraform module of the folder `terraform/`, carried within the binary.

include!(concat!(env!("OUT_DIR"), "/module.rs"));

/// The module's files: name and text, by name. Its tests are left out.
#[must_use]
pub fn files() -> &'static [(&'static str, &'static str)] {
    FILES
}

/// The declarations of the module's inputs, as `variables.tf` has them.
#[must_use]
pub(crate) fn variables() -> &'static str {
    FILES.iter().find(|(name, _)| *name == "variables.tf").map_or("", |(_, text)| text)
}

/// The names of the module's inputs, in the order of `variables.tf`.
pub fn inputs() -> impl Iterator<Item = &'static str> {
    names(variables(), "variable")
}

/// The names of the module's outputs, in the order of `outputs.tf`.
pub fn outputs() -> impl Iterator<Item = &'static str> {
    let text = FILES.iter().find(|(name, _)| *name == "outputs.tf").map_or("", |(_, text)| text);
    names(text, "output")
}

/// What the blocks of this kind that begin a line are called. The files are ours, and formatted.
fn names(text: &'static str, kind: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter_map(move |line| line.strip_prefix(kind)?.strip_prefix(" \"")?.split_once('"').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_whole() {
        let names: Vec<_> = files().iter().map(|(name, _)| *name).collect();
        for wanted in ["README.md", "cluster.tf", "main.tf", "network.tf", "outputs.tf", "variables.tf", "versions.tf"]
        {
            assert!(names.contains(&wanted), "{wanted} is missing");
        }
        assert!(names.is_sorted());
        assert_eq!(inputs().next(), Some("cluster_name"));
        assert!(inputs().count() > 10 && inputs().any(|name| name == "pools"));
        assert_eq!(
            outputs().collect::<Vec<_>>(),
            ["cluster", "network", "node_groups", "autoscaler_role_arn", "role_arns"]
        );
    }
}
