//! A release's values as a file: with those that look like secrets in a folder that only its owner reads and git leaves alone.

use serde_json::{Map, Value};

use super::PRIVATE_FOLDER;
use crate::init::NewFile;

/// Where the values of a release were put.
pub(super) struct Placed {
    /// The file's path; `None` if the release has no values of its own.
    pub(super) path: Option<String>,
    /// What to say about it.
    pub(super) warning: Option<String>,
}

/// The values of a release as the text of a values file.
///
/// # Errors
/// Values that YAML cannot hold.
pub(super) fn text(config: &Map<String, Value>) -> Result<String, sutler_yaml::WriteError> {
    match config.is_empty() {
        true => Ok(String::new()),
        false => sutler_yaml::write(&Value::Object(config.clone())),
    }
}

/// Puts the values of the release `id` into `files`.
pub(super) fn place(id: &str, config: &Map<String, Value>, files: &mut Vec<NewFile>) -> Placed {
    // Whether they can be written was asked when the release was read.
    let Some(text) = text(config).ok().filter(|text| !text.is_empty()) else {
        return Placed { path: None, warning: None };
    };
    let secrets = secret_paths(config);
    if secrets.is_empty() {
        let path = format!("values/{id}.yaml");
        files.push(NewFile::plain(&path, text));
        return Placed { path: Some(path), warning: None };
    }
    let path = format!("{PRIVATE_FOLDER}/{id}.yaml");
    let ignored = format!("{PRIVATE_FOLDER}/.gitignore");
    if files.iter().all(|file| file.path != ignored) {
        files.push(NewFile::plain(&ignored, "*\n"));
    }
    files.push(NewFile { private: true, ..NewFile::plain(&path, text) });
    let warning = format!(
        "release {id}: {} look{} like a secret: the values are in {path}, which only you can read and git ignores",
        secrets.join(", "),
        if secrets.len() == 1 { "s" } else { "" },
    );
    Placed { path: Some(path), warning: Some(warning) }
}

/// Words in a key that make its text look like a secret.
const WORDS: [&str; 10] =
    ["password", "passwd", "passphrase", "token", "secret", "credential", "apikey", "accesskey", "privatekey", "key"];

/// Ends of keys whose text only says where a secret is.
const ELSEWHERE: [&str; 12] =
    ["name", "names", "ref", "path", "file", "class", "type", "enabled", "issuer", "url", "policy", "annotations"];

/// The paths of values that look like secrets: text under a telling key, private keys, and addresses with a password.
pub(super) fn secret_paths(config: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    // Records and values files are bounded in depth by their readers; the walk keeps its own stack all the same.
    let mut open: Vec<(String, bool, &Value)> =
        config.iter().map(|(key, value)| (key.clone(), tells(key), value)).collect();
    while let Some((path, told, value)) = open.pop() {
        match value {
            Value::Object(fields) => open.extend(
                fields
                    .iter()
                    .map(|(key, value)| (format!("{path}.{key}"), tells(key) || (told && !is_elsewhere(key)), value)),
            ),
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), told, item)));
            }
            Value::String(text) if !text.is_empty() && (told || looks(text)) => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

fn plain(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).map(|found| found.to_ascii_lowercase()).collect()
}

fn tells(key: &str) -> bool {
    let plain = plain(key);
    let word = |word: &&str| match *word {
        // `key` alone is in too many other words.
        "key" => plain == "key" || key.ends_with("Key") || key.ends_with("_KEY") || key.ends_with("_key"),
        word => plain.contains(word),
    };
    WORDS.iter().any(word) && !is_elsewhere(key)
}

fn is_elsewhere(key: &str) -> bool {
    let plain = plain(key);
    plain.starts_with("existing") || ELSEWHERE.iter().any(|end| plain.ends_with(end))
}

fn looks(text: &str) -> bool {
    let has_password = || {
        let (_, rest) = text.split_once("://")?;
        let (login, _) = rest.split(['/', '?', ' ']).next()?.rsplit_once('@')?;
        login.split_once(':').filter(|(_, password)| !password.is_empty())
    };
    text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") || has_password().is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(values: Value) -> Vec<String> {
        secret_paths(values.as_object().unwrap())
    }

    #[test]
    fn telling_keys_private_keys_and_addresses_look_like_secrets() {
        let found = paths(json!({
            "auth": {"password": "x", "adminPassword": "y", "existingSecret": "s", "passwordFile": "/p", "token": ""},
            "secretEnv": {"A": "1", "name": "n"},
            "tls": {"pem": "-----BEGIN RSA PRIVATE KEY-----\n"},
            "list": [{"apiKey": "z"}],
            "db": {"dsn": "postgres://u:p@db/x", "host": "http://db/x"},
            "keyboard": "qwerty", "secretName": "x", "passwords": {"count": 3},
        }));
        assert_eq!(
            found,
            ["auth.adminPassword", "auth.password", "db.dsn", "list[0].apiKey", "secretEnv.A", "tls.pem"]
        );
    }

    #[test]
    fn values_that_hold_a_secret_are_kept_apart() {
        let mut files = Vec::new();
        let placed = place("db", json!({"password": "x"}).as_object().unwrap(), &mut files);
        assert_eq!(placed.path.unwrap(), "private/db.yaml");
        assert!(placed.warning.unwrap().contains("password looks like a secret"));
        let told: Vec<(&str, bool)> = files.iter().map(|file| (file.path.as_str(), file.private)).collect();
        assert_eq!(told, [("private/.gitignore", false), ("private/db.yaml", true)]);
    }
}
