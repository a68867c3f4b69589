//! `sutler helm get values` and `sutler helm get manifest`.

use serde_json::Value;
use sutler_chart::Chart;
use sutler_chart::values::{coalesce, from_json, to_json};
use sutler_helm::{Format, Invocation, Io};
use sutler_release::Release;

use crate::failure::Failure;

pub(super) async fn values(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let (all, form) = (call.flags.is_on("all"), call.flags.format("output"));
    let release = release(call, io).await?;
    let values = if all { computed(&release)? } else { Value::Object(release.config) };
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

/// The user's values over the chart's, as `helm get values --all` computes them: by the rules that rendering follows.
fn computed(release: &Release) -> Result<Value, Failure> {
    let record = serde_json::to_value(&release.chart).map_err(Failure::new)?;
    let chart = Chart::from_record(&record).map_err(Failure::new)?;
    let given = from_json(&Value::Object(release.config.clone()));
    Ok(to_json(&coalesce(&chart, &given).map_err(Failure::new)?))
}

/// A value in one of Helm's forms; a table's cell is YAML.
pub(super) fn encoded(value: &Value, form: Format) -> Result<String, Failure> {
    match form {
        Format::Json => Ok(format!("{value}\n")),
        Format::Table | Format::Yaml => sutler_yaml::write(value).map_err(Failure::new),
    }
}
