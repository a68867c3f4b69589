//! Passwords, encryption, keys and certificates. Whatever is random in them comes from the host.

mod certificate;
mod cipher;
mod der;
mod keys;
mod montgomery;
mod password;
mod pem;
mod rsa;

use sutler_template::types::{INT, LIST, STRING, Type, UINT32};
use sutler_template::{Arguments, CallError, Context, Function, List, Object, Value};

use crate::encoding::decode_base64;
use crate::host::{self, Host};
use crate::show;
use certificate::{CertificateError, Purpose, Request};
use keys::PrivateKey;

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("bcrypt", &[&STRING], &STRING, bcrypt),
    Function::new("buildCustomCert", &[&STRING, &STRING], &CERTIFICATE, build_custom_cert),
    Function::new("decryptAES", &[&STRING, &STRING], &STRING, decrypt_aes),
    Function::new("derivePassword", &[&UINT32, &STRING, &STRING, &STRING, &STRING], &STRING, derive_password),
    Function::new("encryptAES", &[&STRING, &STRING], &STRING, encrypt_aes),
    Function::new("genCA", &[&STRING, &INT], &CERTIFICATE, gen_ca),
    Function::new("genCAWithKey", &[&STRING, &INT, &STRING], &CERTIFICATE, gen_ca_with_key),
    Function::new("genPrivateKey", &[&STRING], &STRING, gen_private_key),
    Function::new("genSelfSignedCert", &[&STRING, &LIST, &LIST, &INT], &CERTIFICATE, gen_self_signed_cert),
    Function::new(
        "genSelfSignedCertWithKey",
        &[&STRING, &LIST, &LIST, &INT, &STRING],
        &CERTIFICATE,
        gen_self_signed_cert_with_key,
    ),
    Function::new("genSignedCert", &[&STRING, &LIST, &LIST, &INT, &CERTIFICATE], &CERTIFICATE, gen_signed_cert),
    Function::new(
        "genSignedCertWithKey",
        &[&STRING, &LIST, &LIST, &INT, &CERTIFICATE, &STRING],
        &CERTIFICATE,
        gen_signed_cert_with_key,
    ),
    Function::new("htpasswd", &[&STRING, &STRING], &STRING, htpasswd),
];

/// `sprig.certificate`: PEM texts of a certificate and its key.
static CERTIFICATE: Type = Type::structure("sprig.certificate");

#[derive(Debug, Clone, Default)]
struct Certificate {
    cert: String,
    key: String,
}

impl Object for Certificate {
    fn go_type(&self) -> &'static Type {
        &CERTIFICATE
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Cert", self.cert.as_str().into()), ("Key", self.key.as_str().into())]
    }
}

fn failed(error: impl std::fmt::Display) -> CallError {
    CallError::new(error.to_string())
}

/// Random bytes of the host's.
fn random<const N: usize>(host: &dyn Host) -> [u8; N] {
    let mut bytes = [0; N];
    host.random(&mut bytes);
    bytes
}

fn bcrypt(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let host = host::of(ctx)?;
    Ok(password::bcrypt(args.str(0)?.as_bytes(), || random(host)).into())
}

fn htpasswd(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let user = args.str(0)?;
    if user.as_bytes().contains(&b':') {
        return Ok(format!("invalid username: {user}").into());
    }
    let host = host::of(ctx)?;
    let hash = password::bcrypt(args.str(1)?.as_bytes(), || random(host));
    Ok(crate::strings::text_value([user.as_bytes(), b":", hash.as_bytes()].concat()))
}

fn derive_password(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let counter = args.any(0)?.as_unsigned().and_then(|counter| u32::try_from(counter).ok()).unwrap_or(0);
    let bytes = |index: usize| args.str(index).map(|text| text.as_bytes());
    let kind = args.str(1)?.to_str_lossy();
    Ok(match password::derive(counter, &kind, bytes(2)?, bytes(3)?, bytes(4)?) {
        Some(password) => password.into(),
        None => format!("cannot find password template {kind}").into(),
    })
}

fn encrypt_aes(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (password, text) = (args.str(0)?, args.str(1)?);
    if text.is_empty() {
        return Ok(Value::EMPTY);
    }
    let vector = random(host::of(ctx)?);
    Ok(cipher::encrypt(password.as_bytes(), text.as_bytes(), vector).into())
}

fn decrypt_aes(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (password, text) = (args.str(0)?, args.str(1)?);
    cipher::decrypt(password.as_bytes(), text.as_bytes()).map(crate::strings::text_value).map_err(failed)
}

fn gen_private_key(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let kind = args.str(0)?;
    let host = host::of(ctx)?;
    Ok(match kind.as_bytes() {
        b"" | b"rsa" => PrivateKey::generate_rsa(host, 4096).to_pem().into(),
        b"ecdsa" => PrivateKey::generate_ecdsa(host).to_pem().into(),
        b"ed25519" => PrivateKey::generate_ed25519(host).to_pem().into(),
        b"dsa" => PrivateKey::generate_dsa(host).to_pem().into(),
        _ => format!("Unknown type {kind}").into(),
    })
}

/// Checks a certificate and a key given in base 64, and hands them on as they are.
fn build_custom_cert(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let decoded = |index: usize, what: &str| -> Result<Vec<u8>, CallError> {
        decode_base64(args.str(index)?.as_bytes())
            .map_err(|_| CallError::new(format!("unable to decode base64 {what}")))
    };
    let cert = decoded(0, "certificate")?;
    let key = decoded(1, "private key")?;
    certificate::Parent::parse(&cert).map_err(failed)?;
    PrivateKey::parse(&key).map_err(|error| CallError::new(format!("error parsing private key: {error}")))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Value::object(Certificate { cert: text(&cert), key: text(&key) }))
}

/// What the arguments ask for.
fn request(ctx: &Context<'_>, args: Arguments<'_>, purpose: Purpose) -> Result<Request, CallError> {
    let host = host::of(ctx)?;
    let (addresses, names, days) = match purpose {
        Purpose::Authority => (Vec::new(), Vec::new(), args.int(1)?),
        Purpose::Peer => (addresses(args.list(1)?)?, alternate_names(args.list(2)?)?, args.int(3)?),
    };
    let (seconds, _) = host.now();
    Ok(Request {
        common_name: args.str(0)?.as_bytes().to_vec(),
        addresses,
        names,
        not_before: seconds,
        // Go multiplies days in 64 bits of nanoseconds.
        not_after: seconds.saturating_add(days.wrapping_mul(86_400_000_000_000) / 1_000_000_000),
        serial: random(host),
        purpose,
    })
}

fn addresses(list: &List) -> Result<Vec<std::net::IpAddr>, CallError> {
    list.iter()
        .map(|value| {
            let Some(text) = value.as_string() else {
                return Err(CallError::new(format!("error parsing ip: {} is not a string", show::default(&value))));
            };
            let parsed = text.as_str().and_then(|text| text.parse().ok());
            parsed.ok_or_else(|| CallError::new(format!("error parsing ip: {text}")))
        })
        .collect()
}

fn alternate_names(list: &List) -> Result<Vec<Vec<u8>>, CallError> {
    list.iter()
        .map(|value| match value.as_string() {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => Err(CallError::new(format!(
                "error processing alternate dns name: {} is not a string",
                show::default(&value)
            ))),
        })
        .collect()
}

/// The key of a new certificate: one given as PEM, or a new one.
fn own_key(ctx: &Context<'_>, args: Arguments<'_>, given: Option<usize>) -> Result<PrivateKey, CallError> {
    match given {
        None => Ok(PrivateKey::generate_rsa(host::of(ctx)?, 2048)),
        Some(index) => PrivateKey::parse(args.str(index)?.as_bytes())
            .map_err(|error| CallError::new(format!("parsing private key: {error}"))),
    }
}

fn certified(made: Result<String, CertificateError>, key: &PrivateKey) -> Answer {
    let cert = made.map_err(|error| CallError::new(format!("error creating certificate: {error}")))?;
    Ok(Value::object(Certificate { cert, key: key.to_pem() }))
}

fn self_signed(ctx: &Context<'_>, args: Arguments<'_>, purpose: Purpose, given: Option<usize>) -> Answer {
    let key = own_key(ctx, args, given)?;
    let request = request(ctx, args, purpose)?;
    certified(certificate::self_sign(&request, &key), &key)
}

fn gen_ca(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    self_signed(ctx, args, Purpose::Authority, None)
}

fn gen_ca_with_key(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    self_signed(ctx, args, Purpose::Authority, Some(2))
}

fn gen_self_signed_cert(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    self_signed(ctx, args, Purpose::Peer, None)
}

fn gen_self_signed_cert_with_key(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    self_signed(ctx, args, Purpose::Peer, Some(4))
}

fn signed(ctx: &Context<'_>, args: Arguments<'_>, given: Option<usize>) -> Answer {
    let key = own_key(ctx, args, given)?;
    let no_authority = Certificate::default();
    let authority = args.any(4)?.downcast::<Certificate>().unwrap_or(&no_authority);
    let parent = certificate::Parent::parse(authority.cert.as_bytes()).map_err(|error| match error {
        CertificateError::NoPem => failed(error),
        error => CallError::new(error.to_string().replace("decodedCert.", "decodedSignerCert.")),
    })?;
    let signer = PrivateKey::parse(authority.key.as_bytes())
        .map_err(|error| CallError::new(format!("error parsing private key: {error}")))?;
    let request = request(ctx, args, Purpose::Peer)?;
    certified(certificate::sign(&request, &key, &parent, &signer), &key)
}

fn gen_signed_cert(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    signed(ctx, args, None)
}

fn gen_signed_cert_with_key(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    signed(ctx, args, Some(5))
}
