//! One HTTP client for everything that goes to AWS: our calls, and those of the credential chain (single sign-on, roles,
//! instance metadata). TLS by rustls with the system's certificates; proxies as the environment says.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a call may take as a whole.
const CALL: Duration = Duration::from_secs(30);

/// Makes the client.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Another part of the process may have chosen the provider already: it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .timeout(CALL)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("sutler/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The client as AWS's credential chain wants one.
#[derive(Clone, Debug)]
pub(crate) struct ForCredentials(pub(crate) Arc<reqwest::Client>);

impl HttpClient for ForCredentials {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector { client: self.0.clone(), limit: settings.read_timeout() })
    }
}

#[derive(Debug)]
struct Connector {
    client: Arc<reqwest::Client>,
    /// The credential chain's own limit: instance metadata that is not there must not hold a laptop up.
    limit: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, limit) = (self.client.clone(), self.limit);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            // Requests of the credential chain are small and in memory.
            let body = body.bytes().map(<[u8]>::to_vec).unwrap_or_default();
            let request = http::Request::from_parts(parts, body);
            let mut request =
                reqwest::Request::try_from(request).map_err(|error| ConnectorError::user(error.into()))?;
            if let Some(limit) = limit {
                *request.timeout_mut() = Some(limit);
            }
            let answer = client.execute(request).await.map_err(failed)?;
            let mut response = http::Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            let body = answer.bytes().await.map_err(failed)?;
            let response = response
                .body(SdkBody::from(body.to_vec()))
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
}
