//! Signing and verifying, with keys that GnuPG made and against the real Helm in both directions.
//!
//! `tests/provenance` holds an archive, `helm.prov` by the real Helm 4.1.4, the other `.prov` files by GnuPG over the same text, and
//! keyrings: `open.secret.gpg` (Rita, RSA; Edda, Ed25519; Nina, P-256), `locked.secret.gpg` (Lotte; passphrase `open sesame`) and
//! `public.gpg` with these, Sub (whose subkey signs), Rex (revoked) and Xenia (expired). They guard nothing.
//!
//! Helm is taken from `SUTLER_HELM` or `target/peers/bin/helm`; without it the tests against it are skipped, saying so.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test panics, and says what it skips")]

use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use sutler_chart::error_chain;
use sutler_repository::provenance::{Keyring, PassphraseError, Signing, passphrase, sign, verify, verify_chart};

const NAME: &str = "hello-0.1.0.tgz";
const HASH: &str = "sha256:9d75a5f2ce26077073dd854c03d6ed5ec3aa7fd2c3270a5c4ce2f6ce36710b77";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/provenance").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

fn keyring(name: &str) -> Keyring {
    Keyring::read(&fixture(name)).unwrap()
}

/// Long after all keys were made, and after Xenia's has expired.
fn now() -> Timestamp {
    "2025-06-01T00:00:00Z".parse().unwrap()
}

/// Verifies a provenance file of the fixture archive: what Helm would print.
fn verified(provenance: &[u8], ring: &str, now: Timestamp) -> String {
    match verify(&bytes(NAME), provenance, NAME, &keyring(ring), now) {
        Ok(verification) => verification.to_string(),
        Err(error) => format!("Error: {}\n", error_chain(&error)),
    }
}

fn check(provenance: &str, ring: &str, expected: &str) {
    let now = if provenance == "helm.prov" { "2027-01-01T00:00:00Z".parse().unwrap() } else { now() };
    assert_eq!(verified(&bytes(provenance), ring, now), expected, "{provenance} with {ring}");
}

fn signed_by(name: &str, fingerprint: &str) -> String {
    format!("Signed by: {name}\nUsing Key With Fingerprint: {fingerprint}\nChart Hash Verified: {HASH}\n")
}

#[test]
fn signatures_of_helm_and_gnupg_are_verified() {
    let rita = signed_by("Rita RSA <rita@example.org>", "34926DDD7267B106F978F88626A278B9E58C0DBE");
    check("helm.prov", "public.gpg", &rita);
    check("helm.prov", "rita.gpg", &rita);
    check("helm.prov", "open.secret.gpg", &rita);
    check("helm.prov", "armoured.asc", &rita);
    let edda = signed_by("Edda Curve <edda@example.org>", "6B88E5FE867FF27A42087944B296976896062D76");
    check("edda.prov", "public.gpg", &edda);
    let sub = signed_by("Sub Key <sub@example.org>", "11BCBC663D2EA6F1D47F55A92CEA187AE2093991");
    check("sub.prov", "public.gpg", &sub);
}

#[test]
fn keys_that_do_not_count_are_refused_in_helms_words() {
    check("helm.prov", "locked.secret.gpg", "Error: openpgp: signature made by unknown entity\n");
    check("rex.prov", "public.gpg", "Error: openpgp: signature made by revoked key\n");
    check("xenia.prov", "public.gpg", "Error: openpgp: key expired\n");
    let before: Timestamp = "2025-01-02T00:00:00Z".parse().unwrap();
    assert!(verified(&bytes("xenia.prov"), "public.gpg", before).starts_with("Signed by: Xenia"));
    // A key from the future.
    let long_before: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(verified(&bytes("edda.prov"), "public.gpg", long_before), "Error: openpgp: key expired\n");
}

#[test]
fn changed_texts_and_archives_are_refused() {
    let text = String::from_utf8(bytes("edda.prov")).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        verified(text.replacen(from, to, 1).as_bytes(), "public.gpg", now())
    };
    assert_eq!(changed("Greets", "Grüßt"), "Error: openpgp: invalid signature: EdDSA verification failure\n");
    assert_eq!(changed("9d75a5", "9d75a6"), "Error: openpgp: invalid signature: EdDSA verification failure\n");
    assert_eq!(changed("-----END PGP SIGNATURE", "-----END"), "Error: signature block not found\n");
    assert_eq!(changed("Hash: ", "Comment: "), "Error: signature block not found\n");
    // Line ends and spaces at the end of lines are not signed.
    assert!(changed("name: hello\n", "name: hello \t\r\n").starts_with("Signed by: Edda"));

    let other = verify(b"other", text.as_bytes(), NAME, &keyring("public.gpg"), now()).unwrap_err();
    assert_eq!(
        other.to_string(),
        format!(
            "sha256 sum does not match for {NAME}: \"{HASH}\" != \"sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa\""
        )
    );
    let renamed = verify(&bytes(NAME), text.as_bytes(), "x.tgz", &keyring("public.gpg"), now()).unwrap_err();
    assert_eq!(renamed.to_string(), "provenance does not contain a SHA for a file named \"x.tgz\"");
}

#[test]
fn files_that_are_missing_or_something_else_are_told_in_helms_words() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::copy(fixture(NAME), at(NAME)).unwrap();
    std::fs::write(at("a.txt"), "x").unwrap();
    std::fs::write(at("text.gpg"), "no packets").unwrap();
    std::fs::write(at("short.gpg"), [0xc6, 0xff]).unwrap();
    std::fs::write(at("empty.gpg"), "").unwrap();
    let said = |archive: &str, provenance: &str, keyring: &str| {
        let result = verify_chart(&at(archive), &at(provenance), &at(keyring), now());
        error_chain(&result.unwrap_err()).replace(&folder.path().display().to_string(), "<dir>")
    };
    assert_eq!(said("no.tgz", "", ""), "stat <dir>/no.tgz: no such file or directory");
    assert_eq!(said("", "", ""), "unpacked charts cannot be verified");
    assert_eq!(said("a.txt", "", ""), "chart must be a tgz file");
    assert_eq!(
        said(NAME, "no.prov", ""),
        "could not load provenance file <dir>/no.prov: stat <dir>/no.prov: no such file or directory"
    );
    assert_eq!(said(NAME, "a.txt", "no.gpg"), "failed to load keyring: open <dir>/no.gpg: no such file or directory");
    assert_eq!(
        said(NAME, "a.txt", "text.gpg"),
        "failed to load keyring: openpgp: invalid data: tag byte does not have MSB set"
    );
    assert_eq!(said(NAME, "a.txt", "short.gpg"), "failed to load keyring: unexpected EOF");
    assert_eq!(said(NAME, "a.txt", "empty.gpg"), "signature block not found");
    std::fs::copy(fixture("helm.prov"), at("helm.prov")).unwrap();
    assert_eq!(said(NAME, "helm.prov", "empty.gpg"), "openpgp: signature made by unknown entity");
}

/// Signs the fixture archive.
fn signed(ring: &str, key: &str, password: &str) -> Result<String, String> {
    let archive = bytes(NAME);
    let keyring = keyring(ring);
    let signing = Signing { archive: &archive, file_name: NAME, keyring: &keyring, key, now: now() };
    sign(&signing, &mut |_| Ok(password.as_bytes().to_vec())).map_err(|error| error_chain(&error))
}

#[test]
fn the_text_is_helms_and_verifies() {
    for (ring, key, name) in [
        ("open.secret.gpg", "Rita", "Rita RSA"),
        ("open.secret.gpg", "Edda Curve <edda@example.org>", "Edda Curve"),
        ("open.secret.gpg", "Nina", "Nina NIST"),
        ("locked.secret.gpg", "Lotte", "Lotte Locked"),
    ] {
        let text = signed(ring, key, "open sesame").unwrap();
        let theirs = String::from_utf8(bytes("helm.prov")).unwrap();
        let before_signature = |text: &str| text.split("-----BEGIN PGP SIGNATURE").next().unwrap().to_owned();
        assert_eq!(before_signature(&text), before_signature(&theirs), "{key}");
        assert!(verified(text.as_bytes(), "public.gpg", now()).starts_with(&format!("Signed by: {name}")), "{key}");
        assert_eq!(signed(ring, key, "open sesame").unwrap().len(), text.len(), "{key}");
    }
}

#[test]
fn keys_that_cannot_sign_are_told_in_helms_words() {
    let said = |ring: &str, key: &str| signed(ring, key, "wrong").unwrap_err();
    assert_eq!(said("open.secret.gpg", "nobody"), "private key not found");
    assert_eq!(said("open.secret.gpg", "example.org"), "more than one key contain the id \"example.org\"");
    assert_eq!(
        said("public.gpg", "Rita"),
        "provided key is not a private key. Try providing a keyring with secret keys"
    );
    assert_eq!(said("locked.secret.gpg", "Lotte"), "openpgp: invalid data: private key checksum failure");
    assert!(!signed("locked.secret.gpg", "Lotte", "hidden word").unwrap_err().contains("hidden word"));
}

#[test]
fn the_passphrase_is_asked_for_once_and_only_for_a_locked_key() {
    let archive = bytes(NAME);
    for (ring, key, expected) in
        [("open.secret.gpg", "Rita", vec![]), ("locked.secret.gpg", "Lotte", vec!["Lotte Locked <lotte@example.org>"])]
    {
        let keyring = keyring(ring);
        let mut asked = Vec::new();
        let signing = Signing { archive: &archive, file_name: NAME, keyring: &keyring, key, now: now() };
        sign(&signing, &mut |name| {
            asked.push(name.to_owned());
            Ok(b"open sesame".to_vec())
        })
        .unwrap();
        assert_eq!(asked, expected);
    }
    assert_eq!(passphrase(b"one\r\ntwo\n").unwrap(), b"one");
    assert_eq!(passphrase(b"\n").unwrap(), b"");
    assert!(matches!(passphrase(b""), Err(PassphraseError::Input(text)) if text == "EOF"));
}

#[test]
fn damaged_keyrings_and_messages_end_in_an_answer() {
    let seed = std::env::var("SUTLER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x9e37_79b9_7f4a_7c15);
    let count = std::env::var("SUTLER_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(200);
    println!("seed {seed}, {count} cases");
    let mut state: u64 = seed;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 16).unwrap() % below
    };
    let archive = bytes(NAME);
    let rings = [bytes("rita.gpg"), bytes("open.secret.gpg"), bytes("locked.secret.gpg"), bytes("armoured.asc")];
    let messages = [bytes("helm.prov"), bytes("edda.prov")];
    for _ in 0..count {
        let (mut ring, mut message) = (rings[draw(rings.len())].clone(), messages[draw(messages.len())].clone());
        let data = if draw(2) == 0 { &mut ring } else { &mut message };
        for _ in 0..=draw(3) {
            let at = draw(data.len());
            match draw(4) {
                0 => data.truncate(at.max(1)),
                1 => data.insert(at, u8::try_from(draw(256)).unwrap()),
                2 => drop(data.remove(at)),
                _ => data[at] = u8::try_from(draw(256)).unwrap(),
            }
        }
        if let Ok(keyring) = Keyring::from_bytes(&ring) {
            let _ = verify(&archive, &message, NAME, &keyring, now());
            let signing = Signing { archive: &archive, file_name: NAME, keyring: &keyring, key: "Lotte", now: now() };
            let _ = sign(&signing, &mut |_| Ok(b"x".to_vec()));
        }
    }
}

/// The real Helm, or none, said aloud.
fn helm(test: &str) -> Option<PathBuf> {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/helm");
    let helm = std::env::var_os("SUTLER_HELM").map(PathBuf::from).or_else(|| peer.exists().then_some(peer));
    if helm.is_none() {
        println!("skipped {test}: no helm at SUTLER_HELM or target/peers/bin/helm");
    }
    helm
}

#[test]
fn the_real_helm_accepts_what_is_signed_here() {
    let Some(helm) = helm("the_real_helm_accepts_what_is_signed_here") else { return };
    for (ring, key) in [
        ("open.secret.gpg", "Rita"),
        ("open.secret.gpg", "Edda"),
        ("open.secret.gpg", "Nina"),
        ("locked.secret.gpg", "L"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join(NAME);
        std::fs::copy(fixture(NAME), &archive).unwrap();
        let text = signed(ring, key, "open sesame").unwrap();
        std::fs::write(folder.path().join(format!("{NAME}.prov")), &text).unwrap();
        let output = Command::new(&helm)
            .args(["verify", "--keyring"])
            .args([fixture("public.gpg"), archive])
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let theirs = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{key}");
        assert_eq!(verified(text.as_bytes(), "public.gpg", now()), theirs, "{key}");
    }
}

#[test]
fn what_the_real_helm_signs_is_accepted_here() {
    let Some(helm) = helm("what_the_real_helm_signs_is_accepted_here") else { return };
    for (ring, key) in [
        ("open.secret.gpg", "Rita"),
        ("open.secret.gpg", "Edda"),
        ("open.secret.gpg", "Nina"),
        ("locked.secret.gpg", "L"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path().join("mine");
        std::fs::create_dir(&chart).unwrap();
        std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: mine\nversion: 1.2.3+b.1\n").unwrap();
        std::fs::write(folder.path().join("passphrase"), "open sesame\n").unwrap();
        let output = Command::new(&helm)
            .args(["package", "mine", "--sign", "--key", key, "--passphrase-file", "passphrase", "--keyring"])
            .arg(fixture(ring))
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let archive = folder.path().join("mine-1.2.3+b.1.tgz");
        let provenance = folder.path().join("mine-1.2.3+b.1.tgz.prov");
        let later = "2100-01-01T00:00:00Z".parse().unwrap();
        let found = verify_chart(&archive, &provenance, &fixture("public.gpg"), later).unwrap();
        assert_eq!(found.file_name, "mine-1.2.3+b.1.tgz");

        // And both write the same text around their signatures.
        let data = std::fs::read(&archive).unwrap();
        let keyring = keyring(ring);
        let signing = Signing { archive: &data, file_name: &found.file_name, keyring: &keyring, key, now: now() };
        let ours = sign(&signing, &mut |_| Ok(b"open sesame".to_vec())).unwrap();
        let theirs = std::fs::read_to_string(&provenance).unwrap();
        let before = |text: &str| text.split("-----BEGIN PGP SIGNATURE").next().unwrap().to_owned();
        assert_eq!(before(&ours), before(&theirs));
    }
}
