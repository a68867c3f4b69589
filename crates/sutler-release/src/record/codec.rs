//! Between a release and the Secret that holds it, as Helm's `storage/driver` for Secrets writes it.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

use super::Release;

/// The Secret's type, and the prefix of its name.
const SECRET_TYPE: &str = "helm.sh/release.v1";
/// Labels that Helm writes itself; a user's own may not have these names.
pub(crate) const CUSTOM_LABELS_RESERVED: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];
/// The largest record that is unpacked. A Secret holds 1 MiB; text packs at most about a thousandfold, and nobody's
/// release is that large: what is larger was made to fill memory.
const LARGEST_RECORD: u64 = 256 << 20;

/// A Secret could not be read as a release's record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It has no `release` key with text in it.
    #[error("secret `{secret}` has no data.release")]
    Missing {
        /// The Secret's name.
        secret: String,
    },
    /// It is not base64.
    #[error("secret `{secret}` does not hold a release: not base64")]
    Base64 {
        /// The Secret's name.
        secret: String,
        /// What is wrong with it.
        #[source]
        source: base64::DecodeError,
    },
    /// It cannot be decompressed, or is larger than any record.
    #[error("secret `{secret}` does not hold a release: cannot be decompressed")]
    Compression {
        /// The Secret's name.
        secret: String,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// It is not the JSON of a release. The cause is left out on purpose: it could quote the release's values.
    #[error("secret `{secret}` does not hold a release: unexpected JSON at line {line} column {column}")]
    Json {
        /// The Secret's name.
        secret: String,
        /// The line of the JSON.
        line: usize,
        /// The column of the JSON.
        column: usize,
    },
}

/// The name of the Secret that holds a revision: `sh.helm.release.v1.NAME.vN`.
pub fn secret_name(release: &str, revision: u32) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

/// Whether an object is a Secret that Helm would read as a record.
pub fn is_record(secret: &Value) -> bool {
    secret.pointer("/metadata/labels/owner").and_then(Value::as_str) == Some("helm")
        && secret.get("type").and_then(Value::as_str).is_none_or(|of| of == SECRET_TYPE)
}

/// What stamp the Secret's labels get, as Helm's driver sets one on creation and the other on every update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    Created,
    Modified,
}

/// The Secret that holds `release`, as it would be stored now for the first time.
pub fn to_secret(release: &Release, now: Timestamp) -> Value {
    encode(release, Stamp::Created, now)
}

/// The Secret that holds `release`, with the resource version it was read at, if it was.
pub(crate) fn encode(release: &Release, stamp: Stamp, now: Timestamp) -> Value {
    let mut labels = release.labels.clone();
    let stamped = if stamp == Stamp::Created { "createdAt" } else { "modifiedAt" };
    for (key, value) in [
        (stamped, now.as_second().to_string()),
        ("name", release.name.clone()),
        ("owner", "helm".to_owned()),
        ("status", release.info.status.to_string()),
        ("version", release.version.to_string()),
    ] {
        labels.insert(key.to_owned(), value);
    }
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), release.secret_name().into());
    metadata.insert("namespace".to_owned(), release.namespace.clone().into());
    metadata.insert("labels".to_owned(), json!(labels));
    if !release.annotations.is_empty() {
        metadata.insert("annotations".to_owned(), json!(release.annotations));
    }
    if let Some(version) = &release.resource_version {
        metadata.insert("resourceVersion".to_owned(), version.clone().into());
    }
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": SECRET_TYPE,
        "data": {"release": STANDARD.encode(pack(release))},
    })
}

/// base64(gzip(JSON)): what the Secret's bytes are, before the API's own base64.
fn pack(release: &Release) -> String {
    let mut json = serde_json::to_value(release).expect("a release has only string keys and finite numbers");
    for place in ["/config", "/chart/values"] {
        if let Some(values) = json.pointer_mut(place) {
            write_numbers_as_go_does(values);
        }
    }
    let json = serde_json::to_vec(&json).expect("a JSON value can be written");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&json)
        .and_then(|()| gzip.finish())
        .map(|packed| STANDARD.encode(packed))
        .expect("memory takes writes")
}

/// Writes whole floating-point numbers without a fraction, as Go's encoder does for those below 1e21.
fn write_numbers_as_go_does(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(write_numbers_as_go_does),
        Value::Object(fields) => fields.values_mut().for_each(write_numbers_as_go_does),
        Value::Number(number) if number.is_f64() => {
            // Up to 2^53 the conversion is exact; above it the shortest form of the float reads back the same.
            if let Some(float) = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15) {
                *number = Number::from(float as i64);
            }
        }
        _ => {}
    }
}

/// Reads a Secret as a release. Records that were stored before Helm compressed them read as well.
///
/// # Errors
/// If the Secret holds no release. The error never quotes its content.
pub(crate) fn from_secret(secret: &Value) -> Result<Release, RecordError> {
    let text = |pointer| secret.pointer(pointer).and_then(Value::as_str);
    let name = || text("/metadata/name").unwrap_or_default().to_owned();
    let data = text("/data/release").ok_or_else(|| RecordError::Missing { secret: name() })?;
    let base64 = |source| RecordError::Base64 { secret: name(), source };
    let once = STANDARD.decode(data).map_err(base64)?;
    let mut bytes = STANDARD.decode(once).map_err(base64)?;
    if bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        let mut unpacked = Vec::new();
        let mut gzip = GzDecoder::new(bytes.as_slice()).take(LARGEST_RECORD + 1);
        gzip.read_to_end(&mut unpacked).map_err(|source| RecordError::Compression { secret: name(), source })?;
        if unpacked.len() as u64 > LARGEST_RECORD {
            let source = std::io::Error::other("more than 256 MiB");
            return Err(RecordError::Compression { secret: name(), source });
        }
        bytes = unpacked;
    }
    let mut release: Release = serde_json::from_slice(&bytes).map_err(|error| RecordError::Json {
        secret: name(),
        line: error.line(),
        column: error.column(),
    })?;
    release.labels = texts(secret.pointer("/metadata/labels"));
    release.labels.retain(|label, _| !CUSTOM_LABELS_RESERVED.contains(&label.as_str()));
    release.annotations = texts(secret.pointer("/metadata/annotations"));
    release.resource_version = text("/metadata/resourceVersion").map(str::to_owned);
    if release.namespace.is_empty() {
        release.namespace = text("/metadata/namespace").unwrap_or_default().to_owned();
    }
    Ok(release)
}

/// A map of strings out of an object's metadata.
fn texts(map: Option<&Value>) -> BTreeMap<String, String> {
    let fields = map.and_then(Value::as_object).into_iter().flatten();
    fields.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
