//! `.Chart` as Helm 3 has it: a Go struct that embeds the metadata, with pointers to maintainers and dependencies.

use sutler_template::types::{self, Type};
use sutler_template::{List, Map, Object, Value};

use crate::metadata::{Dependency, Maintainer, Metadata};
use crate::values::from_json;

static CHART: Type = Type::structure("struct { chart.Metadata; IsRoot bool }");
static METADATA: Type = Type::structure("chart.Metadata");
static MAINTAINER: Type = Type::pointer("*chart.Maintainer");
static MAINTAINERS: Type = Type::slice("[]*chart.Maintainer", &MAINTAINER);
static DEPENDENCY: Type = Type::pointer("*chart.Dependency");
static DEPENDENCIES: Type = Type::slice("[]*chart.Dependency", &DEPENDENCY);

/// `.Chart` of a chart with this metadata.
pub(crate) fn chart(metadata: &Metadata, is_root: bool) -> Value {
    Value::object(Struct {
        go_type: &CHART,
        fields: vec![
            Field { name: "Metadata", json: Json::Inline, value: Value::object(of_metadata(metadata)) },
            Field { name: "IsRoot", json: Json::Named("IsRoot"), value: Value::Bool(is_root) },
        ],
    })
}

/// A Go struct as data: its fields in order of declaration.
struct Struct {
    go_type: &'static Type,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    json: Json,
    value: Value,
}

/// What Go's JSON makes of a field.
#[derive(Clone, Copy)]
enum Json {
    /// Its name there.
    Named(&'static str),
    /// The same, and left out where it is empty.
    UnlessEmpty(&'static str),
    /// The fields of the embedded struct stand among those of the struct around it.
    Inline,
}

impl Object for Struct {
    fn go_type(&self) -> &'static Type {
        self.go_type
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.fields.iter().map(|field| (field.name, field.value.clone())).collect()
    }

    fn field(&self, name: &str) -> Option<Value> {
        let promoted = |field: &Field| match field.json {
            Json::Inline => field.value.downcast::<Struct>()?.field(name),
            _ => None,
        };
        let own = self.fields.iter().find(|field| field.name == name).map(|field| field.value.clone());
        own.or_else(|| self.fields.iter().find_map(promoted))
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let mut fields = Vec::new();
        for field in &self.fields {
            match field.json {
                Json::Named(name) => fields.push((name, field.value.clone())),
                Json::UnlessEmpty(name) if field.value.truth() => fields.push((name, field.value.clone())),
                Json::UnlessEmpty(_) => {}
                Json::Inline => {
                    let embedded = field.value.downcast::<Struct>().and_then(Object::json_fields);
                    fields.extend(embedded.unwrap_or_default());
                }
            }
        }
        Some(fields)
    }
}

fn text(name: &'static str, json: &'static str, value: &str) -> Field {
    Field { name, json: Json::UnlessEmpty(json), value: Value::from(value) }
}

fn of_metadata(metadata: &Metadata) -> Struct {
    let Metadata {
        name,
        home,
        sources,
        version,
        description,
        keywords,
        maintainers,
        icon,
        api_version,
        condition,
        tags,
        app_version,
        deprecated,
        annotations,
        kube_version,
        dependencies,
        kind,
    } = metadata;
    let annotations = match annotations {
        None => Map::nil(&types::STRING_MAP),
        Some(annotations) => annotations
            .iter()
            .map(|(key, value)| (key, Value::from(value)))
            .collect::<Map>()
            .as_type(&types::STRING_MAP),
    };
    let field = |name, json, value| Field { name, json: Json::UnlessEmpty(json), value };
    Struct {
        go_type: &METADATA,
        fields: vec![
            text("Name", "name", name),
            text("Home", "home", home),
            field("Sources", "sources", texts(sources)),
            text("Version", "version", version),
            text("Description", "description", description),
            field("Keywords", "keywords", texts(keywords)),
            field("Maintainers", "maintainers", pointers(&MAINTAINERS, maintainers.iter().map(of_maintainer))),
            text("Icon", "icon", icon),
            text("APIVersion", "apiVersion", api_version),
            text("Condition", "condition", condition),
            text("Tags", "tags", tags),
            text("AppVersion", "appVersion", app_version),
            field("Deprecated", "deprecated", Value::Bool(*deprecated)),
            field("Annotations", "annotations", Value::Map(annotations)),
            text("KubeVersion", "kubeVersion", kube_version),
            field("Dependencies", "dependencies", pointers(&DEPENDENCIES, dependencies.iter().map(of_dependency))),
            text("Type", "type", kind),
        ],
    }
}

fn of_maintainer(maintainer: &Maintainer) -> Struct {
    Struct {
        go_type: &MAINTAINER,
        fields: vec![
            text("Name", "name", &maintainer.name),
            text("Email", "email", &maintainer.email),
            text("URL", "url", &maintainer.url),
        ],
    }
}

fn of_dependency(dependency: &Dependency) -> Struct {
    let imports = dependency.import_values.iter().map(|import| match from_json(import) {
        // What a release made of them is a map of texts.
        Value::Map(import) => Value::Map(import.as_type(&types::STRING_MAP)),
        other => other,
    });
    let imports = match dependency.import_values.is_empty() {
        true => Value::List(List::nil(&types::LIST)),
        false => Value::List(List::new(imports.collect())),
    };
    let field = |name, json, value| Field { name, json: Json::UnlessEmpty(json), value };
    Struct {
        go_type: &DEPENDENCY,
        fields: vec![
            Field { name: "Name", json: Json::Named("name"), value: Value::from(&dependency.name) },
            text("Version", "version", &dependency.version),
            Field { name: "Repository", json: Json::Named("repository"), value: Value::from(&dependency.repository) },
            text("Condition", "condition", &dependency.condition),
            field("Tags", "tags", texts(&dependency.tags)),
            field("Enabled", "enabled", Value::Bool(dependency.enabled)),
            field("ImportValues", "import-values", imports),
            text("Alias", "alias", &dependency.alias),
        ],
    }
}

/// A slice of texts, nil where there are none, as Go leaves a field that no text was read into.
fn texts(texts: &[String]) -> Value {
    Value::List(match texts {
        [] => List::nil(&types::STRINGS),
        texts => List::strings(texts.iter().map(String::as_str)),
    })
}

fn pointers(go_type: &'static Type, items: impl Iterator<Item = Struct>) -> Value {
    let items: Vec<Value> = items.map(Value::object).collect();
    Value::List(if items.is_empty() { List::nil(go_type) } else { List::with_type(items, go_type) })
}
