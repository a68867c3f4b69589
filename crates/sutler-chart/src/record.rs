//! A chart inside a release record: Helm's JSON of it, written and read back.
//!
//! Subcharts are not recorded, as in Helm: their templates are already rendered into the manifest.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sutler_template::Value;
use thiserror::Error;

use crate::chart::{Chart, ChartData, ChartFile, Defaults};
use crate::metadata::{Lock, Metadata};
use crate::values::{from_json, to_json};

/// Go's zero time, which stands for "not known".
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// Why a recorded chart cannot be read back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is not Helm's JSON.
    #[error("cannot read the recorded chart")]
    Json(#[from] serde_json::Error),
    /// A file's content is not base64.
    #[error("cannot decode the recorded file {name}")]
    Base64 {
        /// The file.
        name: String,
        /// What is wrong.
        #[source]
        source: base64::DecodeError,
    },
}

/// Field by field as Helm's `chart.Chart`.
#[derive(Serialize, Deserialize)]
struct Record {
    metadata: Metadata,
    #[serde(default)]
    lock: Option<Lock>,
    #[serde(default)]
    templates: Option<Vec<RecordedFile>>,
    #[serde(default)]
    values: Option<serde_json::Value>,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    schemamodtime: Option<String>,
    #[serde(default)]
    files: Option<Vec<RecordedFile>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modtime: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct RecordedFile {
    name: String,
    /// Base64; Go writes null for an empty one.
    data: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modtime: Option<String>,
}

impl Chart {
    /// The chart as Helm's release record holds it.
    pub fn to_record(&self) -> serde_json::Value {
        let data = &self.0;
        let files =
            |files: &[ChartFile]| Some(files.iter().map(recorded).collect()).filter(|files: &Vec<_>| !files.is_empty());
        let record = Record {
            metadata: data.metadata.clone(),
            lock: data.lock.clone(),
            templates: files(&data.templates),
            values: data.values.is_some().then(|| to_json(&Value::Map(self.own_values()))),
            schema: data.schema.as_ref().map(|schema| STANDARD.encode(schema.data())),
            schemamodtime: Some(
                time(data.schema.as_ref().and_then(ChartFile::modified)).unwrap_or_else(|| ZERO_TIME.to_owned()),
            ),
            files: files(&data.files),
            modtime: time(data.modified),
        };
        serde_json::to_value(record).expect("texts, lists and maps with text keys are JSON")
    }

    /// The chart that a release record holds: whatever else stands there is passed over.
    ///
    /// # Errors
    /// When it is not what Helm writes.
    pub fn from_record(record: &serde_json::Value) -> Result<Chart, RecordError> {
        let record = Record::deserialize(record)?;
        let restore = |files: Option<Vec<RecordedFile>>| -> Result<Vec<ChartFile>, RecordError> {
            files.unwrap_or_default().into_iter().map(restored).collect()
        };
        let templates = restore(record.templates)?;
        let files = restore(record.files)?;
        let schema = match record.schema.filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => {
                let file = RecordedFile {
                    name: "values.schema.json".to_owned(),
                    data: Some(text),
                    modtime: record.schemamodtime,
                };
                Some(restored(file)?)
            }
        };
        let values = match record.values.as_ref().map(from_json) {
            Some(Value::Map(values)) => Some(Defaults::new(&values)),
            _ => None,
        };
        let lists_dependencies = !record.metadata.dependencies.is_empty();
        Ok(Chart(Arc::new(ChartData {
            metadata: record.metadata,
            lock: record.lock,
            templates,
            values,
            schema,
            files,
            lists_dependencies,
            modified: record.modtime.as_deref().and_then(read_time),
            ..ChartData::default()
        })))
    }
}

fn recorded(file: &ChartFile) -> RecordedFile {
    RecordedFile {
        name: file.name().to_owned(),
        data: Some(STANDARD.encode(file.data())),
        modtime: time(file.modified()),
    }
}

fn restored(file: RecordedFile) -> Result<ChartFile, RecordError> {
    let RecordedFile { name, data, modtime } = file;
    match STANDARD.decode(data.unwrap_or_default()) {
        Ok(data) => Ok(ChartFile::new(&name, &data, modtime.as_deref().and_then(read_time))),
        Err(source) => Err(RecordError::Base64 { name, source }),
    }
}

fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

fn read_time(text: &str) -> Option<Timestamp> {
    if text == ZERO_TIME { None } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChartSource, SourceFile};

    #[test]
    fn a_recorded_chart_reads_back_as_it_was() {
        let files = [
            ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\nannotations: {b: x, a: y}\n"),
            ("values.yaml", "replicas: 3\nratio: 0.5\nbig: 1000000\nlist: [a, {b: null}]\n"),
            ("values.schema.json", "{}"),
            ("templates/a.yaml", "kind: A"),
            ("README.md", "text"),
            ("empty", ""),
        ];
        let files = files.map(|(name, text)| SourceFile {
            modified: Some(Timestamp::from_second(1_700_000_000).unwrap()),
            ..SourceFile::new(name, text)
        });
        let chart = Chart::load(ChartSource::Files { files: files.to_vec() }).unwrap();
        let record = chart.to_record();
        assert_eq!(record["values"].to_string(), r#"{"big":1000000,"list":["a",{"b":null}],"ratio":0.5,"replicas":3}"#);
        assert_eq!(record["templates"][0]["data"], "a2luZDogQQ==");
        assert_eq!(record["modtime"], "2023-11-14T22:13:20Z");
        let again = Chart::from_record(&record).unwrap();
        assert_eq!(again.to_record(), record);
        assert_eq!(again.values(), chart.values());
        assert_eq!(again.metadata(), chart.metadata());
    }
}
