//! Requests to a registry, with the login or token that it asks for (Helm's `auth.Client`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use sutler_functions::url::Url;

use super::challenge::{Challenge, merge_scopes};
use super::credentials::{Credential, CredentialError, CredentialStore};
use super::error::{AnswerError, LoginError, RegistryError};
use super::{Access, RegistryOptions};
use crate::transport::{DEFAULT_TIMEOUT, Method, Request, Response, Transport, basic_auth};

/// What this client calls itself towards servers of tokens, as Helm's library does.
const CLIENT_ID: &str = "oras-go";
/// The largest answer with a token, in bytes.
const LARGEST_TOKEN: u64 = 128 * 1024;
/// The largest manifest or list, in bytes: 4 MiB, as in Helm's library.
pub(super) const LARGEST_METADATA: u64 = 4 * 1024 * 1024;

/// What is known of the hosts that were spoken to.
pub(super) struct Session<'t> {
    transport: &'t Transport,
    options: RegistryOptions,
    access: Access,
    known: Mutex<BTreeMap<String, Known>>,
}

/// How a host wants to be spoken to, as it said.
enum Known {
    Basic(String),
    /// Tokens by their scopes.
    Bearer(BTreeMap<String, String>),
}

/// One request to a registry.
#[derive(Clone)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(&'a str, &'a str)>,
    pub(super) body: &'a [u8],
    /// What a token for it must allow.
    pub(super) scope: String,
    pub(super) largest_body: u64,
    /// How long it may take, its body included.
    pub(super) timeout: Duration,
    /// Whether the registry, not a person, named the host: a login for every host is not meant for it.
    pub(super) is_elsewhere: bool,
}

/// How long an archive may be on its way. As long as a person may wait, but a server that says nothing is given up in the end.
pub(super) const LONGEST_TRANSFER: Duration = Duration::from_secs(3600);

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, url: String, scope: String) -> Call<'a> {
        Call {
            method,
            url,
            headers: Vec::new(),
            body: &[],
            scope,
            largest_body: LARGEST_METADATA,
            timeout: DEFAULT_TIMEOUT,
            is_elsewhere: false,
        }
    }

    /// Notes that the address came from a registry, whose own host is `host`.
    pub(super) fn sent_by(mut self, host: &str) -> Call<'a> {
        self.is_elsewhere = host_of(&self.url) != host;
        self
    }
}

/// How a user and password are turned into a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PasswordGrant {
    /// By basic auth, as the distribution specification has it.
    Distribution,
    /// By OAuth 2, which `login` tries first.
    OAuth2,
}

impl<'t> Session<'t> {
    pub(super) fn new(transport: &'t Transport, options: RegistryOptions, access: Access) -> Session<'t> {
        Session { transport, options, access, known: Mutex::default() }
    }

    pub(super) fn options(&self) -> &RegistryOptions {
        &self.options
    }

    /// Sends a request; where the registry asks for a login, once more with it.
    pub(super) fn send(
        &self,
        call: &Call<'_>,
        store: &CredentialStore,
        grant: PasswordGrant,
    ) -> Result<Response, RegistryError> {
        let host = host_of(&call.url);
        let attempted = self.known_authorization(&host, &call.scope);
        let response = self.exchange(call, attempted.as_deref())?;
        if response.status != 401 {
            return Ok(response);
        }
        let log_in = |source| RegistryError::LogIn {
            method: call.method.as_str(),
            url: response.url.clone(),
            source: Box::new(source),
        };
        let asker = Asker { host: &host, is_elsewhere: call.is_elsewhere };
        match Challenge::parse(response.header("www-authenticate").unwrap_or_default()) {
            Challenge::Unknown => Ok(response),
            Challenge::Basic => {
                let authorization = self.basic(&asker, store).map_err(log_in)?;
                self.remember(&host, Known::Basic(authorization.clone()));
                self.exchange(call, Some(&authorization))
            }
            Challenge::Bearer(parameters) => {
                let parameter = |name| parameters.get(name).map_or("", String::as_str);
                let scopes = merge_scopes(std::iter::once(call.scope.as_str()).chain(parameter("scope").split(' ')));
                let key = scopes.join(" ");
                // The challenge may ask for more than was thought, and a token for that may be there.
                if key != call.scope
                    && let Some(authorization) = self.known_authorization(&host, &key)
                {
                    let response = self.exchange(call, Some(&authorization))?;
                    if response.status != 401 {
                        return Ok(response);
                    }
                }
                let asked = Asked { realm: parameter("realm"), service: parameter("service"), scopes: &scopes };
                let token = self.token(&asker, &asked, store, grant).map_err(log_in)?;
                let authorization = format!("Bearer {token}");
                self.remember(&host, Known::Bearer([(key, authorization.clone())].into()));
                self.exchange(call, Some(&authorization))
            }
        }
    }

    /// As [`Session::send`], but only these statuses will do.
    pub(super) fn expect(
        &self,
        call: &Call<'_>,
        store: &CredentialStore,
        statuses: &[u16],
    ) -> Result<Response, RegistryError> {
        let response = self.send(call, store, PasswordGrant::Distribution)?;
        if statuses.contains(&response.status) {
            return Ok(response);
        }
        Err(AnswerError::new(call.method.as_str(), &response).into())
    }

    fn exchange(&self, call: &Call<'_>, authorization: Option<&str>) -> Result<Response, RegistryError> {
        let mut request = Request::new(call.method, &call.url, &self.options.tls);
        request.body = call.body;
        request.largest_body = call.largest_body;
        request.timeout = Some(call.timeout);
        for (name, value) in &call.headers {
            request = request.header(name, *value);
        }
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        Ok(self.transport.send(&request)?)
    }

    fn known_authorization(&self, host: &str, scope: &str) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(host)? {
            Known::Basic(authorization) => Some(authorization.clone()),
            Known::Bearer(tokens) => tokens.get(scope).cloned(),
        }
    }

    fn remember(&self, host: &str, what: Known) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match (known.get_mut(host), what) {
            (Some(Known::Bearer(tokens)), Known::Bearer(new)) => tokens.extend(new),
            (_, what) => {
                known.insert(host.to_owned(), what);
            }
        }
    }

    /// The login for a host: the one that the command line named, or the stored one.
    fn credential(&self, asker: &Asker<'_>, store: &CredentialStore) -> Result<Credential, CredentialError> {
        let host = asker.host;
        match &self.access {
            Access::Stored => store.get(host),
            Access::Everywhere(_) if asker.is_elsewhere => Ok(Credential::default()),
            Access::Everywhere(credential) => Ok(credential.clone()),
            Access::Host(registry, credential) if registry == host => Ok(credential.clone()),
            Access::Host(..) => Ok(Credential::default()),
        }
    }

    fn basic(&self, asker: &Asker<'_>, store: &CredentialStore) -> Result<String, LoginError> {
        let credential = self.credential(asker, store).map_err(LoginError::Resolve)?;
        if credential.is_empty() {
            return Err(LoginError::NoCredential);
        }
        if credential.username.is_empty() || credential.password.is_empty() {
            return Err(LoginError::Incomplete("basic"));
        }
        Ok(basic_auth(&credential.username, &credential.password))
    }

    fn token(
        &self,
        asker: &Asker<'_>,
        asked: &Asked<'_>,
        store: &CredentialStore,
        grant: PasswordGrant,
    ) -> Result<String, LoginError> {
        let credential = self.credential(asker, store).map_err(LoginError::Credential)?;
        if !credential.access_token.is_empty() {
            return Ok(credential.access_token);
        }
        let distribution = credential.refresh_token.is_empty() && grant == PasswordGrant::Distribution;
        if credential.is_empty() || distribution {
            return self.distribution_token(asked, &credential);
        }
        self.oauth2_token(asked, &credential)
    }

    fn distribution_token(&self, asked: &Asked<'_>, credential: &Credential) -> Result<String, LoginError> {
        let mut query: Vec<(&str, &str)> = asked.scopes.iter().map(|scope| ("scope", scope.as_str())).collect();
        if !asked.service.is_empty() {
            query.push(("service", asked.service));
        }
        let separator = if asked.realm.contains('?') { '&' } else { '?' };
        let query = form(&query);
        let url = if query.is_empty() { asked.realm.to_owned() } else { format!("{}{separator}{query}", asked.realm) };
        let mut request = Request::new(Method::Get, &url, &self.options.tls);
        if !credential.username.is_empty() || !credential.password.is_empty() {
            request = request.header("Authorization", basic_auth(&credential.username, &credential.password));
        }
        self.token_from(request)
    }

    fn oauth2_token(&self, asked: &Asked<'_>, credential: &Credential) -> Result<String, LoginError> {
        let scope = asked.scopes.join(" ");
        let mut fields = vec![("client_id", CLIENT_ID), ("service", asked.service)];
        if !credential.refresh_token.is_empty() {
            fields.extend([("grant_type", "refresh_token"), ("refresh_token", credential.refresh_token.as_str())]);
        } else if !credential.username.is_empty() && !credential.password.is_empty() {
            fields.extend([
                ("grant_type", "password"),
                ("username", credential.username.as_str()),
                ("password", credential.password.as_str()),
            ]);
        } else {
            return Err(LoginError::Incomplete("bearer"));
        }
        if !scope.is_empty() {
            fields.push(("scope", &scope));
        }
        let body = form(&fields);
        let mut request = Request::new(Method::Post, asked.realm, &self.options.tls)
            .header("Content-Type", "application/x-www-form-urlencoded");
        request.body = body.as_bytes();
        self.token_from(request)
    }

    fn token_from(&self, mut request: Request<'_>) -> Result<String, LoginError> {
        request.largest_body = LARGEST_TOKEN;
        let method = request.method.as_str();
        let response = self.transport.send(&request)?;
        if response.status != 200 {
            return Err(AnswerError::new(method, &response).into());
        }
        let no_token = |message| LoginError::NoToken { method, url: response.url.clone(), message };
        let grant: Grant = serde_json::from_slice(&response.body).map_err(|_| no_token("failed to decode response"))?;
        [grant.access_token, grant.token]
            .into_iter()
            .flatten()
            .find(|token| !token.is_empty())
            .ok_or_else(|| no_token("empty token returned"))
    }
}

/// Who asks for a login.
struct Asker<'a> {
    host: &'a str,
    is_elsewhere: bool,
}

/// What a registry's challenge asks for.
struct Asked<'a> {
    realm: &'a str,
    service: &'a str,
    scopes: &'a [String],
}

#[derive(Deserialize)]
struct Grant {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
}

/// Host and port of a URL.
fn host_of(url: &str) -> String {
    Url::parse(url.as_bytes()).map(|url| String::from_utf8_lossy(&url.host).into_owned()).unwrap_or_default()
}

/// Fields as a form or query has them.
fn form(fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    fields.join("&")
}

/// As Go's `url.QueryEscape`.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
