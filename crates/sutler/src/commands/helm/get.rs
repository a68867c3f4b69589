//! `sutler helm get values` and `sutler helm get manifest`.

use serde_json::Value;
use sutler_release::Release;

use crate::Outcome;
use crate::arguments::{HelmGetManifest, HelmGetValues, HelmOutput};
use crate::failure::Failure;
use crate::printer;

pub(super) async fn values(arguments: &HelmGetValues) -> Result<Outcome, Failure> {
    let (session, namespace) = super::open(&arguments.cluster, arguments.namespace.as_deref()).await?;
    let release = session.releases().get(&namespace, &arguments.name, arguments.revision).await?;
    let values = if arguments.all { computed(&release) } else { Value::Object(release.config) };
    let text = encoded(&values, arguments.output)?;
    if arguments.output == HelmOutput::Table {
        printer::line(if arguments.all { "COMPUTED VALUES:" } else { "USER-SUPPLIED VALUES:" });
    }
    printer::data(&text);
    Ok(Outcome::Done)
}

pub(super) async fn manifest(arguments: &HelmGetManifest) -> Result<Outcome, Failure> {
    let (session, namespace) = super::open(&arguments.cluster, arguments.namespace.as_deref()).await?;
    let release = session.releases().get(&namespace, &arguments.name, arguments.revision).await?;
    printer::line(&release.manifest);
    Ok(Outcome::Done)
}

/// The user's values over the chart's.
fn computed(release: &Release) -> Value {
    over(Value::Object(release.chart.values.clone()), Value::Object(release.config.clone()))
}

/// One tree of values over another, as Helm's `CoalesceValues` for one chart: maps are merged, null takes a key away.
fn over(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::Object(mut below), Value::Object(above)) => {
            for (key, value) in above {
                match value {
                    Value::Null => drop(below.remove(&key)),
                    value => {
                        let merged = over(below.remove(&key).unwrap_or_default(), value);
                        below.insert(key, merged);
                    }
                }
            }
            Value::Object(below)
        }
        (_, above) => above,
    }
}

/// A value in one of Helm's forms; a table's cell is YAML.
pub(super) fn encoded(value: &Value, form: HelmOutput) -> Result<String, Failure> {
    match form {
        HelmOutput::Json => Ok(format!("{value}\n")),
        HelmOutput::Table | HelmOutput::Yaml => sutler_yaml::write(value).map_err(Failure::new),
    }
}
