//! Signatures (Signature Version 4), by AWS's own library: in headers for calls, in the query for URLs that are handed on.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;

/// What a request is signed with.
pub(crate) struct Signer<'a> {
    pub(crate) credentials: &'a Credentials,
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) now: SystemTime,
}

/// Why a request could not be signed: its URL or a header cannot be sent.
pub(crate) type SignError = Box<dyn std::error::Error + Send + Sync>;

impl Signer<'_> {
    /// Signs a request by its headers.
    pub(crate) fn headers(&self, request: &mut http::Request<Vec<u8>>) -> Result<(), SignError> {
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            // S3 wants the body's digest as a header, and its paths encoded once.
            settings.payload_checksum_kind = aws_sigv4::http_request::PayloadChecksumKind::XAmzSha256;
            settings.percent_encoding_mode = aws_sigv4::http_request::PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = aws_sigv4::http_request::UriPathNormalizationMode::Disabled;
        }
        self.sign(request, settings)
    }

    /// Signs a request by its URL, which then holds for `expires`.
    pub(crate) fn url(&self, request: &mut http::Request<Vec<u8>>, expires: Duration) -> Result<(), SignError> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(expires);
        self.sign(request, settings)
    }

    fn sign(&self, request: &mut http::Request<Vec<u8>>, settings: SigningSettings) -> Result<(), SignError> {
        let identity: Identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.now)
            .settings(settings)
            .build()?;
        let uri = request.uri().to_string();
        let mut headers = Vec::new();
        for (name, value) in request.headers() {
            headers.push((name.as_str(), value.to_str()?));
        }
        let signable = SignableRequest::new(
            request.method().as_str(),
            uri,
            headers.into_iter(),
            SignableBody::Bytes(request.body()),
        )?;
        let (instructions, _) = sign(signable, &params.into())?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}
