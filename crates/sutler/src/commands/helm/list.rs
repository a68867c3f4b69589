//! `sutler helm list`.

use jiff::Timestamp;
use serde_json::{Value, json};
use sutler_release::Release;

use sutler_helm::{Format, Invocation, Io};

use crate::failure::Failure;

pub(super) async fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let (session, namespace) = super::open(&call.settings, io).await?;
    let namespace = (!call.flags.is_on("all-namespaces")).then_some(namespace.as_str());
    let releases = session.releases().list(namespace).await?;
    let rows: Vec<[String; 7]> = releases.iter().map(row).collect();
    io.data(match (call.flags.format("output"), call.flags.is_on("short")) {
        (Format::Table, true) => rows.iter().map(|row| format!("{}\n", row[0])).collect(),
        (Format::Table, false) => table(&rows),
        (Format::Json, false) => {
            // Helm's fields stand in the order of its columns, which a sorted map would lose.
            let rows: Vec<String> = rows.iter().map(object_text).collect();
            format!("[{}]\n", rows.join(","))
        }
        (form, short) => {
            let list: Vec<Value> = rows.iter().map(|row| if short { json!(row[0]) } else { object(row) }).collect();
            super::get::encoded(&Value::Array(list), form)?
        }
    });
    Ok(())
}

/// The columns, in order, and their names in JSON.
const COLUMNS: [(&str, &str); 7] = [
    ("NAME", "name"),
    ("NAMESPACE", "namespace"),
    ("REVISION", "revision"),
    ("UPDATED", "updated"),
    ("STATUS", "status"),
    ("CHART", "chart"),
    ("APP VERSION", "app_version"),
];

fn row(release: &Release) -> [String; 7] {
    [
        release.name.clone(),
        release.namespace.clone(),
        release.version.to_string(),
        release.info.last_deployed.map(go_time).unwrap_or_else(|| "-".to_owned()),
        release.info.status.as_str().to_owned(),
        release.chart.label(),
        release.chart.app_version().to_owned(),
    ]
}

fn object(row: &[String; 7]) -> Value {
    COLUMNS
        .iter()
        .zip(row)
        .map(|((_, name), value)| ((*name).to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn object_text(row: &[String; 7]) -> String {
    let fields: Vec<String> =
        COLUMNS.iter().zip(row).map(|((_, name), value)| format!("{}:{}", json!(name), json!(value))).collect();
    format!("{{{}}}", fields.join(","))
}

/// A time as Go's `time.Time` prints it: `2026-11-23 04:05:06.123456789 +0000 UTC`, trailing zeros left out.
fn go_time(time: Timestamp) -> String {
    let text = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let nanoseconds = format!("{:09}", time.subsec_nanosecond());
    match nanoseconds.trim_end_matches('0') {
        "" => format!("{text} +0000 UTC"),
        fraction => format!("{text}.{fraction} +0000 UTC"),
    }
}

/// The table as Helm prints it: columns padded to their widest cell and a tab between them.
fn table(rows: &[[String; 7]]) -> String {
    let header = COLUMNS.map(|(title, _)| title.to_owned());
    let all: Vec<&[String; 7]> = std::iter::once(&header).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("\t"))
    };
    all.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_go_prints_it() {
        let of = |text: &str| go_time(text.parse().unwrap());
        assert_eq!(of("2026-11-23T04:05:06Z"), "2026-11-23 04:05:06 +0000 UTC");
        assert_eq!(of("2026-11-23T04:05:06.120Z"), "2026-11-23 04:05:06.12 +0000 UTC");
    }
}
