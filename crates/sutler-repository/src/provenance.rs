//! Provenance: who packaged a chart, and that it is still what was packaged (Helm's `pkg/provenance`).
//!
//! ```text
//! archive ──sign──▶ mychart-1.2.3.tgz.prov ──verify (archive, keyring)──▶ Verification
//!                   Chart.yaml, digest and
//!                   OpenPGP signature, as text
//! ```
//!
//! The cryptography is rPGP's; how a message is framed, which keys count and when is decided here as Go's library, and so Helm,
//! decides it. Start with [`verify_chart`] and [`sign()`].
//!
//! # Where Helm and this module differ
//!
//! - Armoured keyrings are read too.
//! - A signature carries no random remark: the same key, chart and second give the same text wherever the algorithm allows it.
//! - Names of a key are told in the key's order; Helm tells them in random order.
//! - Why a key of a keyring was left out is told in less detail.

mod cleartext;
mod keyring;
mod packets;
mod sign;
mod sums;
mod verify;

pub use keyring::{KeyStateError, Keyring, KeyringError};
pub use packets::PacketError;
pub use sign::{PassphraseError, SignError, Signing, SigningKey, passphrase, sign};
pub use sums::{SumsError, WriteError, digest};
pub use verify::{SignatureError, Verification, VerifyError, verify, verify_chart};
