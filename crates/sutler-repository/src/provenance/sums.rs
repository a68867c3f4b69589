//! What a provenance says: Chart.yaml, then the digests of files, parted by `...`, the end of a YAML document.
//!
//! Not by `---`, its beginning: a line of dashes may not stand in a signed message.

use std::collections::BTreeMap;

use sutler_chart::Metadata;
use thiserror::Error;

use crate::cache::Digest;

const SEPARATOR: &str = "\n...\n";

/// Why signed text is no provenance.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SumsError {
    /// The separator is missing.
    #[error("message block must have at least two parts")]
    OnePart,
    /// The second part is not YAML.
    #[error("error converting YAML to JSON")]
    Yaml(#[from] sutler_yaml::ReadError),
    /// The second part has another shape than `files: {name: digest}`.
    #[error("the signed digests are not `files: {{name: digest}}`")]
    Shape,
}

/// A digest as provenance writes it: `sha256:` and hexadecimal.
pub fn digest(data: &[u8]) -> String {
    format!("sha256:{}", Digest::of(data))
}

/// The text that is to be signed.
pub(super) fn write(metadata: &Metadata, file_name: &str, archive: &[u8]) -> Result<String, WriteError> {
    let metadata = serde_json::to_value(metadata).map_err(WriteError::Metadata)?;
    write_described(&sutler_yaml::write(&metadata)?, file_name, archive)
}

/// The text that is to be signed, with what is said of the archive as YAML.
pub(super) fn write_described(description: &str, file_name: &str, archive: &[u8]) -> Result<String, WriteError> {
    let sums = serde_json::json!({ "files": { file_name: digest(archive) } });
    Ok(description.to_owned() + SEPARATOR + &sutler_yaml::write(&sums)?)
}

/// Why Chart.yaml cannot be written into a provenance.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Not as a document.
    #[error("failed to marshal chart metadata")]
    Metadata(#[source] serde_json::Error),
    /// Not as YAML.
    #[error("failed to marshal chart metadata")]
    Yaml(#[from] sutler_yaml::WriteError),
}

/// The digests of files, by name, out of signed text.
pub(super) fn read(text: &[u8]) -> Result<BTreeMap<String, String>, SumsError> {
    let text = String::from_utf8_lossy(text);
    let part = text.split(SEPARATOR).nth(1).ok_or(SumsError::OnePart)?;
    let document = sutler_yaml::read(part)?;
    let Some(files) = document.get("files").filter(|files| !files.is_null()) else {
        return Ok(BTreeMap::new());
    };
    if !matches!(files.data, sutler_yaml::Data::Mapping(_)) {
        return Err(SumsError::Shape);
    }
    files
        .entries()
        .iter()
        .map(|(name, digest)| {
            let name = name.key_text().ok_or(SumsError::Shape)?.into_owned();
            Ok((name, digest.as_str().ok_or(SumsError::Shape)?.to_owned()))
        })
        .collect()
}
