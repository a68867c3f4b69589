//! One call: built, signed, sent, tried again where that may help, and its failure told apart.

use std::time::{Duration, SystemTime};

use http::{HeaderValue, Method};
use serde_json::Value;

use crate::client::{Aws, OpenError};
use crate::endpoint::Service;
use crate::sign::Signer;
use crate::xml;

/// How often a call is tried.
const TRIES: u32 = 4;

/// A call that did not give an answer.
#[derive(Debug, thiserror::Error)]
#[error("`{action}` on {object} failed")]
pub struct CallError {
    /// The action as policies name it: `iam:GetRole`.
    pub action: String,
    /// What it was tried on: `role data-team-prod_DaftRole`.
    pub object: String,
    /// What happened.
    #[source]
    pub reason: Reason,
}

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It does not exist.
    #[error("it does not exist")]
    NotFound,
    /// The caller may not ask.
    #[error("the caller may not do that: {message}")]
    Denied {
        /// AWS's words, which often name the statement that is missing.
        message: String,
    },
    /// The credentials are over, or not valid at all.
    #[error("the credentials are not valid: {message}")]
    Credentials {
        /// AWS's words.
        message: String,
    },
    /// Asked too often, also after some waiting.
    #[error("AWS asks to slow down")]
    Throttled,
    /// AWS refused for a reason of its own.
    #[error("{code}: {message}")]
    Refused {
        /// The error code.
        code: String,
        /// AWS's words.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// AWS was not reached.
    #[error("{url} was not reached")]
    Unreachable {
        /// The service's URL.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No credentials to sign with.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An answer that does not read as AWS's.
    #[error("the answer is not what AWS answers: {0}")]
    Answer(String),
}

impl CallError {
    /// Whether it says that the thing does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self.reason, Reason::NotFound)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.reason {
            Reason::Denied { .. } => Some(format!("the caller needs `{}`", self.action)),
            Reason::Credentials { .. } => {
                Some("log in again (`aws sso login`), or take away AWS_ACCESS_KEY_ID and its like".into())
            }
            Reason::Open(error) => error.hint().map(str::to_owned),
            _ => None,
        }
    }
}

/// `None` where the thing does not exist.
pub(crate) fn found<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is asked.
pub(crate) struct Call<'a> {
    pub(crate) service: Service,
    /// The operation's name: `GetRole`.
    pub(crate) operation: &'a str,
    /// For messages: `role x`.
    pub(crate) object: String,
    pub(crate) method: Method,
    /// Path and query, beginning with `/`.
    pub(crate) path: String,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) target: Option<String>,
    pub(crate) body: Vec<u8>,
    /// False for the two calls of STS whose token is the credential.
    pub(crate) signed: bool,
}

impl<'a> Call<'a> {
    /// A call of a query service (EC2, IAM, STS): the parameters go in a form.
    pub(crate) fn query(
        service: Service,
        version: &str,
        operation: &'a str,
        object: String,
        parameters: &[(&str, &str)],
    ) -> Call<'a> {
        let mut body = format!("Action={operation}&Version={version}");
        for (name, value) in parameters {
            body.push('&');
            body.push_str(&encode(name));
            body.push('=');
            body.push_str(&encode(value));
        }
        Call {
            service,
            operation,
            object,
            method: Method::POST,
            path: "/".into(),
            content_type: Some("application/x-www-form-urlencoded; charset=utf-8"),
            target: None,
            body: body.into_bytes(),
            signed: true,
        }
    }

    /// A call of a service that speaks JSON under one URL (KMS, Service Quotas).
    pub(crate) fn json(service: Service, prefix: &str, operation: &'a str, object: String, input: &Value) -> Call<'a> {
        Call {
            service,
            operation,
            object,
            method: Method::POST,
            path: "/".into(),
            content_type: Some("application/x-amz-json-1.1"),
            target: Some(format!("{prefix}.{operation}")),
            body: input.to_string().into_bytes(),
            signed: true,
        }
    }

    /// A call that reads a path (EKS, S3).
    pub(crate) fn get(service: Service, operation: &'a str, object: String, path: String) -> Call<'a> {
        Call {
            service,
            operation,
            object,
            method: Method::GET,
            path,
            content_type: None,
            target: None,
            body: Vec::new(),
            signed: true,
        }
    }

    fn failed(&self, reason: Reason) -> CallError {
        CallError { action: format!("{}:{}", self.service.name(), self.operation), object: self.object.clone(), reason }
    }
}

/// Percent-encodes all but what RFC 3986 leaves unreserved.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte as char),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

impl Aws {
    /// Makes a call whose answer is XML.
    pub(crate) async fn xml(&self, call: Call<'_>) -> Result<String, CallError> {
        let body = self.send(&call).await?;
        String::from_utf8(body).map_err(|_| call.failed(Reason::Answer("it is not text".into())))
    }

    /// Makes a call whose answer is JSON.
    pub(crate) async fn json_answer(&self, call: Call<'_>) -> Result<Value, CallError> {
        let body = self.send(&call).await?;
        serde_json::from_slice(&body).map_err(|error| call.failed(Reason::Answer(error.to_string())))
    }

    /// Makes a call whose answer is XML, and reads it.
    pub(crate) async fn read<T>(
        &self,
        call: Call<'_>,
        read: impl FnOnce(xml::Node<'_, '_>) -> Option<T>,
    ) -> Result<T, CallError> {
        let (service, operation, object) = (call.service, call.operation.to_owned(), call.object.clone());
        let text = self.xml(call).await?;
        let failed = |what: String| CallError {
            action: format!("{}:{operation}", service.name()),
            object: object.clone(),
            reason: Reason::Answer(what),
        };
        let document = xml::parse(&text).map_err(|error| failed(error.to_string()))?;
        read(document.root_element()).ok_or_else(|| failed("a field is missing".into()))
    }

    async fn send(&self, call: &Call<'_>) -> Result<Vec<u8>, CallError> {
        let (url, region) = self.endpoints.of(call.service, &self.region);
        let credentials =
            if call.signed { Some(self.credentials().await.map_err(|error| call.failed(error.into()))?) } else { None };
        let mut tried = 0;
        loop {
            tried += 1;
            let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| {
                call.failed(Reason::Unreachable { url: url.clone(), source })
            };
            let mut request = http::Request::builder().method(call.method.clone()).uri(format!("{url}{}", call.path));
            if let Some(kind) = call.content_type {
                request = request.header("content-type", kind);
            }
            if let Some(target) = &call.target {
                request =
                    request.header("x-amz-target", HeaderValue::from_str(target).map_err(|e| unreachable(e.into()))?);
            }
            let mut request = request.body(call.body.clone()).map_err(|error| unreachable(error.into()))?;
            if let Some(credentials) = &credentials {
                let now = SystemTime::now();
                let signer = Signer { credentials, service: call.service.name(), region: &region, now };
                signer.headers(&mut request).map_err(unreachable)?;
            }
            let request = reqwest::Request::try_from(request).map_err(|error| unreachable(error.into()))?;
            let outcome = match self.http.execute(request).await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    let kind = answer.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
                    let kind = kind.map(str::to_owned);
                    match answer.bytes().await {
                        Ok(body) if (200..300).contains(&status) => return Ok(body.to_vec()),
                        Ok(body) => refusal(status, kind.as_deref(), &body),
                        Err(error) => Reason::Unreachable { url: url.clone(), source: error.without_url().into() },
                    }
                }
                Err(error) => Reason::Unreachable { url: url.clone(), source: error.without_url().into() },
            };
            if tried >= TRIES || !may_help(&outcome) {
                return Err(call.failed(outcome));
            }
            tokio::time::sleep(pause(tried)).await;
        }
    }
}

/// Whether the same call may succeed a moment later.
fn may_help(reason: &Reason) -> bool {
    match reason {
        Reason::Throttled => true,
        Reason::Unreachable { source, .. } => {
            // A name that is not found and a refused connection are not gone a second later.
            source.downcast_ref::<reqwest::Error>().is_some_and(|error| !error.is_connect() && !error.is_builder())
        }
        Reason::Refused { status, .. } => *status >= 500,
        _ => false,
    }
}

/// How long to wait after the try of this number: a quarter of a second, doubled each time.
fn pause(tried: u32) -> Duration {
    Duration::from_millis(250 << tried.saturating_sub(1).min(5))
}

/// Reads an answer that is not a success: AWS's services put code and message in JSON or in XML.
fn refusal(status: u16, kind: Option<&str>, body: &[u8]) -> Reason {
    let text = String::from_utf8_lossy(body);
    let (code, message) = match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
            let code = text("__type").or_else(|| text("code")).or_else(|| text("Code"));
            (code, text("message").or_else(|| text("Message")))
        }
        Err(_) => xml::parse(&text).map_or((None, None), |document| {
            let text = |name: &str| xml::find(document.root_element(), name).map(str::to_owned);
            (text("Code"), text("Message"))
        }),
    };
    let code = kind.map(str::to_owned).or(code).unwrap_or_else(|| format!("HTTP {status}"));
    // `com.amazonaws.kms#NotFoundException:http://…` is `NotFoundException`.
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let message = message.unwrap_or_default();
    match code.as_str() {
        "NoSuchEntity"
        | "ResourceNotFoundException"
        | "NotFoundException"
        | "NoSuchBucket"
        | "NoSuchBucketPolicy"
        | "NoSuchResourceException"
        | "ServerSideEncryptionConfigurationNotFoundError" => Reason::NotFound,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "NotAuthorized" => {
            Reason::Denied { message }
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "AuthFailure"
        | "InvalidSignatureException" => Reason::Credentials { message },
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" | "SlowDown" => {
            Reason::Throttled
        }
        _ if status == 429 => Reason::Throttled,
        _ => Reason::Refused { code, message, status },
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;

    fn read(status: u16, kind: Option<&str>, body: &str) -> String {
        refusal(status, kind, body.as_bytes()).to_string()
    }

    #[test]
    fn refusals_are_told_apart_in_all_forms_in_which_services_write_them() {
        let iam = r#"<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>
            <Code>NoSuchEntity</Code><Message>no role x</Message></Error><RequestId>1</RequestId></ErrorResponse>"#;
        let ec2 = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
        let s3 = "<Error><Code>SlowDown</Code><Message>later</Message></Error>";
        let table = [
            read(404, None, iam),
            read(403, None, ec2),
            read(503, None, s3),
            read(404, Some("ResourceNotFoundException"), r#"{"message":"no cluster"}"#),
            read(400, None, r#"{"__type":"com.amazonaws.kms#NotFoundException","message":"no key"}"#),
            read(400, None, r#"{"__type":"ExpiredTokenException","message":"over"}"#),
            read(418, None, "short and stout"),
        ];
        assert_eq!(
            table.join("\n"),
            "it does not exist\nthe caller may not do that: no\nAWS asks to slow down\nit does not exist\nit does not exist\n\
             the credentials are not valid: over\nHTTP 418: "
        );
    }
}
