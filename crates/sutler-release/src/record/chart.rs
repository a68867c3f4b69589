//! The chart as a record carries it: metadata, templates, default values, schema and files; subcharts are not in it
//! (Helm does not store them either).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::null_as_default;

/// Go's zero time, which Helm 4 writes where it has no schema's date.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// A chart inside a record, as Helm's `chart.Chart` marshals.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedChart {
    /// Chart.yaml, as JSON.
    #[serde(default)]
    pub metadata: Value,
    /// Chart.lock, as JSON, or null.
    #[serde(default)]
    pub lock: Value,
    /// Its templates.
    #[serde(default, deserialize_with = "null_as_default")]
    pub templates: Vec<RecordedFile>,
    /// Its default values.
    #[serde(default, deserialize_with = "null_as_default")]
    pub values: Map<String, Value>,
    /// Its values.schema.json, if it has one.
    #[serde(default, deserialize_with = "optional_bytes", serialize_with = "write_optional_bytes")]
    pub schema: Option<Vec<u8>>,
    /// The date of the schema's file; Go's zero time when unknown.
    #[serde(default = "zero_time")]
    pub schemamodtime: String,
    /// Everything else.
    #[serde(default, deserialize_with = "null_as_default")]
    pub files: Vec<RecordedFile>,
    /// Fields that no version known here has, kept as they were.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One file of a recorded chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedFile {
    /// Its path below the chart, with `/`.
    pub name: String,
    /// Its content.
    #[serde(deserialize_with = "bytes", serialize_with = "write_bytes")]
    pub data: Vec<u8>,
    /// Its date and whatever else was written with it, kept as it was.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for RecordedChart {
    fn default() -> Self {
        Self {
            metadata: Value::Null,
            lock: Value::Null,
            templates: Vec::new(),
            values: Map::new(),
            schema: None,
            schemamodtime: zero_time(),
            files: Vec::new(),
            other: Map::new(),
        }
    }
}

impl RecordedChart {
    /// The chart's name; empty if the record has none.
    pub fn name(&self) -> &str {
        self.metadata_text("name")
    }

    /// The chart's version; empty if the record has none.
    pub fn version(&self) -> &str {
        self.metadata_text("version")
    }

    /// The version of what the chart installs; empty if it names none.
    pub fn app_version(&self) -> &str {
        self.metadata_text("appVersion")
    }

    /// Name and version as `helm list` prints them: `jupyterhub-4.4.0`.
    pub fn label(&self) -> String {
        format!("{}-{}", self.name(), self.version())
    }

    fn metadata_text(&self, field: &str) -> &str {
        self.metadata.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

impl fmt::Debug for RecordedChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordedChart({})", self.label())
    }
}

fn zero_time() -> String {
    ZERO_TIME.to_owned()
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    Ok(optional_bytes(deserializer)?.unwrap_or_default())
}

fn optional_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom)).transpose()
}

fn write_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn write_optional_bytes<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    match bytes {
        Some(bytes) => write_bytes(bytes, serializer),
        None => serializer.serialize_none(),
    }
}
