//! The file of logins that docker, Helm and others share (`config.json`). What it holds beyond logins stays as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Credential, CredentialError};
use crate::cache::{Mode, write_whole};
use crate::files::{file_error, read_file};
use crate::go_json;
use crate::oci::json;

/// Larger files hold no logins.
const LARGEST_FILE: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct ConfigFile {
    path: PathBuf,
    content: BTreeMap<String, Box<RawValue>>,
    auths: BTreeMap<String, Box<RawValue>>,
    helper: String,
    helpers: BTreeMap<String, String>,
}

/// One entry of `auths`.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(skip_serializing_if = "String::is_empty")]
    auth: String,
    #[serde(rename = "identitytoken", skip_serializing_if = "String::is_empty")]
    identity_token: String,
    #[serde(rename = "registrytoken", skip_serializing_if = "String::is_empty")]
    registry_token: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    password: String,
}

impl ConfigFile {
    pub(super) fn read(path: &Path) -> Result<ConfigFile, CredentialError> {
        let mut file = ConfigFile {
            path: path.to_owned(),
            content: BTreeMap::new(),
            auths: BTreeMap::new(),
            helper: String::new(),
            helpers: BTreeMap::new(),
        };
        let bytes = match read_file(path, LARGEST_FILE) {
            Ok(bytes) => bytes,
            Err(error) if error.error.kind() == std::io::ErrorKind::NotFound => return Ok(file),
            Err(source) => return Err(CredentialError::Open { path: path.display().to_string(), source }),
        };
        let decode = |message: String| CredentialError::Decode { path: path.display().to_string(), message };
        // Only the position is told: the rest of a message might quote a secret.
        let mut documents = serde_json::Deserializer::from_slice(&bytes).into_iter();
        file.content = match documents.next() {
            None => return Err(decode("EOF".to_owned())),
            Some(Ok(content)) => content,
            Some(Err(error)) => {
                return Err(decode(format!(
                    "not an object of JSON at line {}, column {}",
                    error.line(),
                    error.column()
                )));
            }
        };
        let field = |name: &'static str| move |_| CredentialError::Field { field: name };
        if let Some(raw) = file.content.get("credsStore") {
            file.helper = optional(raw).map_err(field("creds store"))?;
        }
        if let Some(raw) = file.content.get("credHelpers") {
            file.helpers = optional(raw).map_err(field("cred helpers"))?;
        }
        if let Some(raw) = file.content.get("auths") {
            file.auths = optional(raw).map_err(field("auths"))?;
        }
        Ok(file)
    }

    /// Whether the file says where logins are.
    pub(super) fn is_configured(&self) -> bool {
        !self.helper.is_empty() || !self.helpers.is_empty() || !self.auths.is_empty()
    }

    /// The helper that keeps a registry's login.
    pub(super) fn helper(&self, key: &str) -> Option<&str> {
        let own = self.helpers.get(key).map(String::as_str).filter(|name| !name.is_empty());
        own.or(Some(self.helper.as_str()).filter(|name| !name.is_empty()))
    }

    pub(super) fn credential(&self, key: &str) -> Result<Credential, CredentialError> {
        // Docker used to write addresses: `https://registry.example.com/v1/`.
        let found = self
            .auths
            .get(key)
            .or_else(|| self.auths.iter().find(|(address, _)| host_of(address) == key).map(|(_, raw)| raw));
        let Some(raw) = found else { return Ok(Credential::default()) };
        let entry: Entry = optional(raw).map_err(|_| CredentialError::Field { field: "auth" })?;
        let mut credential = Credential {
            username: entry.username,
            password: entry.password,
            refresh_token: entry.identity_token,
            access_token: entry.registry_token,
        };
        if !entry.auth.is_empty() {
            let decoded = STANDARD.decode(&entry.auth).map_err(|_| CredentialError::Auth("illegal base64 data"))?;
            let text = String::from_utf8_lossy(&decoded).into_owned();
            let (username, password) = text
                .split_once(':')
                .ok_or(CredentialError::Auth("auth does not conform the base64(username:password) format"))?;
            credential.username = username.to_owned();
            credential.password = password.to_owned();
        }
        Ok(credential)
    }

    pub(super) fn put(&mut self, key: &str, credential: &Credential) -> Result<(), CredentialError> {
        let Credential { username, password, refresh_token, access_token } = credential;
        let auth = match (username.as_str(), password.as_str()) {
            ("", "") => String::new(),
            _ => STANDARD.encode(format!("{username}:{password}")),
        };
        let entry = Entry {
            auth,
            identity_token: refresh_token.clone(),
            registry_token: access_token.clone(),
            ..Entry::default()
        };
        self.auths.insert(key.to_owned(), raw(&entry));
        self.save()
    }

    pub(super) fn erase(&mut self, key: &str) -> Result<(), CredentialError> {
        match self.auths.remove(key) {
            Some(_) => self.save(),
            None => Ok(()),
        }
    }

    pub(super) fn set_helper(&mut self, name: String) -> Result<(), CredentialError> {
        self.helper = name;
        self.save()
    }

    /// Writes the file, readable for its owner only.
    fn save(&mut self) -> Result<(), CredentialError> {
        if self.helper.is_empty() {
            self.content.remove("credsStore");
        } else {
            self.content.insert("credsStore".to_owned(), raw(&self.helper));
        }
        self.content.insert("auths".to_owned(), raw(&self.auths));
        let text = json::indent(&go_json::write_struct(&self.content));
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder).map_err(|error| CredentialError::Folder {
                path: folder.display().to_string(),
                message: file_error("mkdir", folder, error).to_string(),
            })?;
        }
        write_whole(&self.path, text.as_bytes(), Mode::Private).map_err(CredentialError::Save)
    }
}

/// A value, or its default where there is null, as Go decodes it.
fn optional<T: for<'de> Deserialize<'de> + Default>(raw: &RawValue) -> serde_json::Result<T> {
    serde_json::from_str::<Option<T>>(raw.get()).map(Option::unwrap_or_default)
}

fn raw<T: Serialize>(value: &T) -> Box<RawValue> {
    RawValue::from_string(go_json::write_struct(value)).expect("it was just written as JSON")
}

/// Makes a folder that is its owner's alone.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The host of an address.
fn host_of(address: &str) -> &str {
    let address = address.strip_prefix("http://").unwrap_or(address);
    let address = address.strip_prefix("https://").unwrap_or(address);
    address.split('/').next().unwrap_or(address)
}
