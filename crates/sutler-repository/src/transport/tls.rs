//! Certificates and keys of TLS, and what goes wrong with them in the words of Go's `crypto/tls` and Helm's `tlsutil`.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as RustlsError, InvalidMessage, RootCertStore,
    SignatureScheme,
};
use thiserror::Error;

use super::dial::DialError;

/// Files of certificates and keys, as Helm's `--ca-file`, `--cert-file`, `--key-file` and `--insecure-skip-tls-verify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    /// PEM file of the authorities to trust instead of the system's; empty is none.
    pub ca_file: String,
    /// PEM file of the client's certificate; empty is none.
    pub cert_file: String,
    /// PEM file of the client's key; empty is none.
    pub key_file: String,
    /// Whether any certificate of the server will do.
    pub insecure_skip_verify: bool,
}

/// Why [`TlsOptions`] cannot be used. The texts are Helm's.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsOptionsError {
    /// Files cannot be read: one line each.
    #[error("{0}")]
    Files(String),
    /// Certificate and key do not make a pair.
    #[error("unable to load cert from key pair: {0}")]
    KeyPair(String),
    /// The authorities' file holds no certificate.
    #[error("failed to append certificates from pem block")]
    NoAuthorities,
    /// The system's authorities cannot be read.
    #[error("{0}")]
    System(String),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl TlsOptions {
    /// Whether these options can be used: their files are there and hold what they should.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), TlsOptionsError> {
        self.client_config().map(drop)
    }

    /// The configuration that these options mean, their files read.
    pub(super) fn client_config(&self) -> Result<ClientConfig, TlsOptionsError> {
        // As Helm: a certificate without a key, or the reverse, counts only beside another option.
        let counts = (!self.cert_file.is_empty() && !self.key_file.is_empty())
            || !self.ca_file.is_empty()
            || self.insecure_skip_verify;
        let Files { authorities, certificate, key } = if counts { self.read_files()? } else { Files::default() };
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring has the suites of both versions of TLS")
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(authorities.as_deref(), &provider)?);
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let (chain, key) = key_pair(&certificate, &key)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| TlsOptionsError::KeyPair(key_pair_problem(&error)))
            }
            _ => Ok(builder.with_no_client_auth()),
        }
    }

    fn read_files(&self) -> Result<Files, TlsOptionsError> {
        let mut problems = Vec::new();
        let mut read = |what: &str, path: &str| {
            std::fs::read(Path::new(path))
                .map_err(|error| {
                    let message = sutler_chart::io_message(&error);
                    problems.push(format!("{what}: {}: open {path}: {message}", sutler_chart::go_quoted(path)));
                })
                .ok()
        };
        let mut files = Files::default();
        if !self.cert_file.is_empty() || !self.key_file.is_empty() {
            files.certificate = read("unable to read cert file", &self.cert_file);
            // As Helm: the key is not looked at where the certificate is missing.
            if files.certificate.is_some() {
                files.key = read("unable to read key file", &self.key_file);
            }
        }
        if !self.ca_file.is_empty() {
            files.authorities = read("can't read CA file", &self.ca_file);
        }
        if problems.is_empty() { Ok(files) } else { Err(TlsOptionsError::Files(problems.join("\n"))) }
    }

    fn verifier(
        &self,
        authorities: Option<&[u8]>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TlsOptionsError> {
        if self.insecure_skip_verify {
            return Ok(Arc::new(AnyCertificate(Arc::clone(provider))));
        }
        match authorities.filter(|text| !text.is_empty()) {
            Some(text) => {
                let certificates: Vec<CertificateDer<'static>> =
                    CertificateDer::pem_slice_iter(text).filter_map(Result::ok).collect();
                let mut roots = RootCertStore::empty();
                if roots.add_parsable_certificates(certificates.iter().cloned()).0 == 0 {
                    return Err(TlsOptionsError::NoAuthorities);
                }
                let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                    .build()
                    .map_err(|error| TlsOptionsError::System(error.to_string()))?;
                Ok(Arc::new(GivenAuthorities { usual, certificates }))
            }
            None => rustls_platform_verifier::Verifier::new(Arc::clone(provider))
                .map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
                .map_err(|error| TlsOptionsError::System(error.to_string())),
        }
    }
}

#[derive(Default)]
struct Files {
    authorities: Option<Vec<u8>>,
    certificate: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
}

type KeyPair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A certificate chain and its key, as `tls.X509KeyPair` reads them.
fn key_pair(certificate: &[u8], key: &[u8]) -> Result<KeyPair, TlsOptionsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate).filter_map(Result::ok).collect();
    if chain.is_empty() {
        let problem = "tls: failed to find any PEM data in certificate input";
        return Err(TlsOptionsError::KeyPair(problem.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| TlsOptionsError::KeyPair("tls: failed to find any PEM data in key input".to_owned()))?;
    Ok((chain, key))
}

fn key_pair_problem(error: &RustlsError) -> String {
    match error {
        RustlsError::InconsistentKeys(_) => "tls: private key does not match public key".to_owned(),
        error => format!("tls: failed to parse private key: {error}"),
    }
}

/// Takes whatever the server shows, but still sees to it that the server holds the key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Trusts the given authorities, and a server that shows one of those certificates itself: the self-signed certificate
/// that `openssl req -x509` makes is marked as an authority's, and Go takes it.
#[derive(Debug)]
struct GivenAuthorities {
    usual: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for GivenAuthorities {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        match self.usual.verify_server_cert(shown, intermediates, name, ocsp, now) {
            Err(RustlsError::InvalidCertificate(CertificateError::Other(_) | CertificateError::UnknownIssuer))
                if self.certificates.iter().any(|known| known == shown) =>
            {
                let parsed = rustls::server::ParsedCertificate::try_from(shown)?;
                rustls::client::verify_server_name(&parsed, name)?;
                check_validity(shown, now)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Looks whether a certificate is valid now. Its dates are the only part read here: the first two times of the
/// `Validity` sequence, which in DER are the first UTCTime or GeneralizedTime values of a certificate.
fn check_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), RustlsError> {
    let malformed = RustlsError::InvalidCertificate(CertificateError::BadEncoding);
    let (not_before, not_after) = validity(certificate).ok_or(malformed)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < not_before {
        return Err(RustlsError::InvalidCertificate(CertificateError::NotValidYet));
    }
    if now > not_after {
        return Err(RustlsError::InvalidCertificate(CertificateError::Expired));
    }
    Ok(())
}

/// The times of a certificate's `Validity`, in seconds since 1970.
fn validity(der: &[u8]) -> Option<(i64, i64)> {
    // Certificate ▸ TBSCertificate ▸ [0] version, serial, signature, issuer, validity.
    let (_, certificate, _) = element(der)?;
    let (_, mut rest, _) = element(certificate)?;
    if rest.first() == Some(&0xa0) {
        rest = element(rest)?.2;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, times, _) = element(rest)?;
    let (kind, first, after) = element(times)?;
    let (second_kind, second, _) = element(after)?;
    Some((time(kind, first)?, time(second_kind, second)?))
}

/// Tag, content and what follows of a DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count > 4 {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

/// A UTCTime (`0x17`) or GeneralizedTime in seconds since 1970.
fn time(kind: u8, content: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let whole = if kind == 0x17 {
        let century = if text.get(..2)?.parse::<u8>().ok()? >= 50 { "19" } else { "20" };
        format!("{century}{text}")
    } else {
        text.to_owned()
    };
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", whole).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// What an error while the connection was being secured means.
pub(super) fn handshake_error(error: &std::io::Error, host: &str) -> DialError {
    match of_read(error, host) {
        Some(error) => error,
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => DialError::Broken("EOF".to_owned()),
        None => DialError::Broken(sutler_chart::io_message(error)),
    }
}

/// The TLS error within an I/O error, if there is one.
pub(super) fn of_read(error: &std::io::Error, host: &str) -> Option<DialError> {
    let cause = error.get_ref()?.downcast_ref::<RustlsError>()?;
    Some(match cause {
        RustlsError::InvalidMessage(InvalidMessage::InvalidContentType) => DialError::PlainAnswer,
        cause => DialError::Tls(go_text(cause, host)),
    })
}

/// A TLS error as Go would tell it.
pub(super) fn go_text(error: &RustlsError, host: &str) -> String {
    match error {
        RustlsError::InvalidCertificate(error) => {
            format!("tls: failed to verify certificate: x509: {}", certificate_problem(error, host))
        }
        RustlsError::AlertReceived(alert) => format!("remote error: tls: {}", alert_text(*alert)),
        error => format!("tls: {error}"),
    }
}

fn certificate_problem(error: &CertificateError, host: &str) -> String {
    match error {
        CertificateError::UnknownIssuer => "certificate signed by unknown authority".to_owned(),
        CertificateError::ExpiredContext { time, not_after, .. } => format!(
            "certificate has expired or is not yet valid: current time {} is after {}",
            rfc3339(*time),
            rfc3339(*not_after)
        ),
        CertificateError::NotValidYetContext { time, not_before, .. } => format!(
            "certificate has expired or is not yet valid: current time {} is before {}",
            rfc3339(*time),
            rfc3339(*not_before)
        ),
        CertificateError::Expired | CertificateError::NotValidYet => {
            "certificate has expired or is not yet valid: ".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let is_address = host.parse::<std::net::IpAddr>().is_ok();
            let named = |kind: &str| -> Vec<&str> {
                presented.iter().filter_map(|name| name.strip_prefix(kind)?.strip_suffix(')')).collect()
            };
            let (names, addresses) = (named("DnsName("), named("IpAddress("));
            if is_address && addresses.is_empty() {
                return format!("cannot validate certificate for {host} because it doesn't contain any IP SANs");
            }
            let valid: Vec<&str> =
                (if is_address { addresses } else { names }).iter().map(|name| name.trim_matches('"')).collect();
            if valid.is_empty() {
                format!("certificate is not valid for any names, but wanted to match {host}")
            } else {
                format!("certificate is valid for {}, not {host}", valid.join(", "))
            }
        }
        CertificateError::BadSignature => "certificate signed by unknown authority".to_owned(),
        error => format!("{error}"),
    }
}

fn rfc3339(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(String::new, |time| time.to_string())
}

/// The name of an alert in Go's list.
fn alert_text(alert: rustls::AlertDescription) -> String {
    use rustls::AlertDescription as Alert;
    match alert {
        Alert::HandshakeFailure => "handshake failure",
        Alert::BadCertificate => "bad certificate",
        Alert::UnsupportedCertificate => "unsupported certificate",
        Alert::CertificateRevoked => "revoked certificate",
        Alert::CertificateExpired => "expired certificate",
        Alert::CertificateUnknown => "unknown certificate",
        Alert::IllegalParameter => "illegal parameter",
        Alert::UnknownCA => "unknown certificate authority",
        Alert::AccessDenied => "access denied",
        Alert::DecodeError => "error decoding message",
        Alert::DecryptError => "error decrypting message",
        Alert::ProtocolVersion => "protocol version not supported",
        Alert::InsufficientSecurity => "insufficient security level",
        Alert::InternalError => "internal error",
        Alert::UnrecognisedName => "unrecognized name",
        Alert::CertificateRequired => "certificate required",
        Alert::NoApplicationProtocol => "no application protocol",
        other => return format!("{other:?}"),
    }
    .to_owned()
}
