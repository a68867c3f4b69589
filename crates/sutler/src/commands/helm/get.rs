//! `sutler helm get values` and `sutler helm get manifest`.

use serde_json::Value;
use sutler_release::Release;

use sutler_helm::{Format, Invocation, Io};

use crate::failure::Failure;

pub(super) async fn values(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let (all, form) = (call.flags.is_on("all"), call.flags.format("output"));
    let release = release(call, io).await?;
    let values = if all { computed(&release) } else { Value::Object(release.config) };
    let text = encoded(&values, form)?;
    if form == Format::Table {
        io.line(if all { "COMPUTED VALUES:" } else { "USER-SUPPLIED VALUES:" });
    }
    io.data(text);
    Ok(())
}

pub(super) async fn manifest(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let release = release(call, io).await?;
    io.line(&release.manifest);
    Ok(())
}

/// The release that the command names, at the revision that it asks for.
async fn release(call: &Invocation, io: &Io<'_>) -> Result<Release, Failure> {
    let (session, namespace) = super::open(&call.settings, io).await?;
    let revision = u32::try_from(call.flags.integer("revision")).ok().filter(|revision| *revision > 0);
    Ok(session.releases().get(&namespace, &call.arguments[0], revision).await?)
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
pub(super) fn encoded(value: &Value, form: Format) -> Result<String, Failure> {
    match form {
        Format::Json => Ok(format!("{value}\n")),
        Format::Table | Format::Yaml => sutler_yaml::write(value).map_err(Failure::new),
    }
}
