//! [`Document`]: one object of a rendering, whether of the release or a hook.

use super::Rendered;
use crate::manifest::{Hook, Manifest};

/// One object that a chart renders to, as [`Rendered::documents`] hands it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document<'r> {
    /// The template it comes from, from the root chart's name on: `web/charts/db/templates/service.yaml`.
    pub source: &'r str,
    /// `apiVersion`; empty where the document has none.
    pub api_version: &'r str,
    /// `kind`; empty where the document has none.
    pub kind: &'r str,
    /// `metadata.name`; empty where the document has none.
    pub name: &'r str,
    /// `metadata.namespace` as the template says it; empty where it says nothing, which means the release's namespace (or none, for
    /// what belongs to the cluster).
    pub namespace: &'r str,
    /// The document's text, without the space around it.
    pub text: &'r str,
    /// Events, weight and delete policies, if it is a hook.
    pub hook: Option<&'r Hook>,
}

impl<'r> Document<'r> {
    fn of_manifest(manifest: &'r Manifest) -> Document<'r> {
        let Manifest { source, api_version, kind, name, namespace, text } = manifest;
        Document { source, api_version, kind, name, namespace, text, hook: None }
    }

    fn of_hook(hook: &'r Hook) -> Document<'r> {
        let Hook { path, api_version, kind, name, namespace, manifest, .. } = hook;
        Document { source: path, api_version, kind, name, namespace, text: manifest, hook: Some(hook) }
    }

    /// The chart that the template belongs to, by its path from the root chart's name on: `web/charts/db`.
    pub fn chart(&self) -> &'r str {
        self.split().0
    }

    /// The template's path inside its own chart: `templates/service.yaml`.
    pub fn template(&self) -> &'r str {
        self.split().1
    }

    /// Charts' names come in pairs with `charts`: `web`, `charts`, `db`, `charts`, `inner`.
    fn split(&self) -> (&'r str, &'r str) {
        let source = self.source;
        let mut end = source.find('/').unwrap_or(source.len());
        while let Some(rest) = source[end..].strip_prefix("/charts/") {
            end += "/charts/".len() + rest.find('/').unwrap_or(rest.len());
        }
        (&source[..end], source[end..].strip_prefix('/').unwrap_or(""))
    }
}

impl Rendered {
    /// Everything that was rendered, in the order in which `helm template` prints it: the release's objects as they are installed,
    /// then the hooks.
    pub fn documents(&self) -> impl Iterator<Item = Document<'_>> {
        self.manifests.iter().map(Document::of_manifest).chain(self.hooks.iter().map(Document::of_hook))
    }

    /// All documents as one stream, exactly as `helm template` prints them.
    ///
    /// ```
    /// use sutler_chart::{Chart, ChartSource, RenderOptions, Values, render};
    ///
    /// let chart = Chart::load(ChartSource::files([
    ///     ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
    ///     ("templates/pod.yaml", "kind: Pod\nmetadata: {name: {{ .Release.Name }}}\n"),
    /// ]))?;
    /// let rendered = render(&chart, &Values::new(), &RenderOptions::install("demo", "default"))?;
    /// assert_eq!(rendered.to_yaml(), "---\n# Source: web/templates/pod.yaml\nkind: Pod\nmetadata: {name: demo}\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_yaml(&self) -> String {
        let mut text = self.manifest_text();
        text.truncate(text.trim_end_matches(crate::text::is_space).len());
        text.push('\n');
        for Hook { path, manifest, .. } in &self.hooks {
            text.push_str(&format!("---\n# Source: {path}\n{manifest}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_names_the_chart_and_its_template() {
        for (source, chart, template) in [
            ("web/templates/a.yaml", "web", "templates/a.yaml"),
            ("web/charts/db/templates/x/b.yaml", "web/charts/db", "templates/x/b.yaml"),
            ("web/charts/db/charts/inner/templates/c.yaml", "web/charts/db/charts/inner", "templates/c.yaml"),
            ("web/templates/charts/d.yaml", "web", "templates/charts/d.yaml"),
            ("web", "web", ""),
        ] {
            let hook = Hook { path: source.to_owned(), ..Hook::default() };
            let document = Document::of_hook(&hook);
            assert_eq!((document.chart(), document.template()), (chart, template), "{source}");
        }
    }
}
