//! Certificates and keys: made here, judged by Go's `crypto/x509`, and compared with those that Helm makes.

use crate::judge::Judge;
use crate::{Outcome, execute, execute_with};

/// Runs a template here and hands its output, JSON, to another that the judge runs.
fn judged(here: &str, there: &str) -> Option<Outcome> {
    let judge = match Judge::build() {
        Ok(judge) => judge,
        Err(reason) => {
            println!("skipped, the judge is missing: {reason}");
            return None;
        }
    };
    let data = execute_with(crate::DATA, here).unwrap();
    Some(judge.outcomes(&data, &[there.to_string()]).unwrap().remove(0))
}

const JUDGE: &str = "{{ judgeChain .cert .key .authority .host }}";

/// The same certificates made here and there have the same contents.
fn check_same(make: &str) {
    let here =
        format!("{make}{{{{ dict \"cert\" $c.Cert \"key\" $c.Key \"authority\" $ca.Cert \"host\" \"\" | toJson }}}}");
    let there = format!("{make}{{{{ judgeChain $c.Cert $c.Key $ca.Cert \"\" }}}}");
    let (Some(ours), Some(theirs)) = (judged(&here, JUDGE), judged("{}", &there)) else { return };
    assert!(matches!(ours, Outcome::Output(_)), "{ours}");
    assert_eq!(ours, theirs);
}

#[test]
fn an_authority_signs_certificates_for_names_and_addresses() {
    check_same(
        r#"{{ $ca := genCA "my ca" 365 }}{{ $c := genSignedCert "svc.ns" (list "10.0.0.1" "::1") (list "svc" "*.svc.ns") 30 $ca }}"#,
    );
}

#[test]
fn a_certificate_signs_itself() {
    check_same(r#"{{ $c := genSelfSignedCert "foo.com" nil (list "bar.com") 10 }}{{ $ca := $c }}"#);
    check_same(r#"{{ $c := genSelfSignedCert "" (list "127.0.0.1") nil 10000 }}{{ $ca := $c }}"#);
    check_same(r#"{{ $c := genSelfSignedCert "ünï*" nil nil 1 }}{{ $ca := $c }}"#);
}

#[test]
fn certificates_are_made_for_given_keys_of_every_kind() {
    for kind in ["ecdsa", "ed25519"] {
        check_same(&format!(
            r#"{{{{ $k := genPrivateKey "{kind}" }}}}{{{{ $ca := genCAWithKey "ca" 5 $k }}}}{{{{ $c := genSignedCertWithKey "x" nil (list "x") 5 $ca (genPrivateKey "{kind}") }}}}"#
        ));
        check_same(&format!(
            r#"{{{{ $k := genPrivateKey "{kind}" }}}}{{{{ $c := genSelfSignedCertWithKey "x" nil (list "x") 5 $k }}}}{{{{ $ca := $c }}}}"#
        ));
    }
}

#[test]
fn certificates_of_others_are_taken_as_they_are() {
    let make = r#"{{ $ca := genCA "ca" 36500 }}{{ dict "cert" (b64enc $ca.Cert) "key" (b64enc $ca.Key) | toJson }}"#;
    let use_it = r#"{{ $ca := buildCustomCert .cert .key }}{{ $c := genSignedCert "x" nil nil 36500 $ca }}{{ judgeChain $c.Cert $c.Key $ca.Cert "" | len }}"#;
    // Made here, used by Helm.
    if let Some(outcome) = judged(make, use_it) {
        assert!(matches!(outcome, Outcome::Output(_)), "{outcome}");
    }
    // Made by Helm, used here, judged by Go. JSON reads this quoted text as Go does.
    let Some(Outcome::Output(made)) = judged("{}", make) else { return };
    let data: String = serde_json::from_str(&made).unwrap();
    let here = r#"{{ $ca := buildCustomCert .cert .key }}{{ $c := genSignedCert "x" nil nil 36500 $ca }}{{ dict "cert" $c.Cert "key" $c.Key "authority" $ca.Cert "host" "" | toJson }}"#;
    let answer = execute_with(&data, here).unwrap();
    let judge = Judge::build().unwrap();
    let outcome = judge.outcomes(&answer, &[JUDGE.to_string()]).unwrap().remove(0);
    assert!(matches!(outcome, Outcome::Output(_)), "{outcome}");
}

#[test]
fn keys_of_every_kind_are_read_by_go() {
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let here = format!(r#"{{{{ dict "key" (genPrivateKey "{kind}") | toJson }}}}"#);
        if let Some(outcome) = judged(&here, r#"{{ (genSelfSignedCertWithKey "x" nil nil 1 .key).Key | eq .key }}"#) {
            assert_eq!(outcome, Outcome::Output("\"true\"".to_string()), "{kind}");
        }
    }
}

#[test]
fn a_dsa_key_cannot_sign() {
    let template = r#"{{ $k := genPrivateKey "dsa" }}{{ genCAWithKey "x" 1 $k }}"#;
    let Outcome::Error(here) = execute(template) else { panic!("DSA keys cannot sign") };
    if let Some(Outcome::Error(there)) = judged("{}", template) {
        assert_eq!(here, there);
    }
}

#[test]
fn hashes_and_encrypted_texts_have_the_shape_of_helms() {
    let here = r#"{{ dict "htpasswd" (htpasswd "user" "pass") "bcrypt" (bcrypt "x") "aes" (encryptAES "secret" "some text to hide") | toJson }}"#;
    let there = r#"{{ .htpasswd | trunc 12 }} {{ len .htpasswd }} {{ len .bcrypt }} {{ decryptAES "secret" .aes }}"#;
    if let Some(outcome) = judged(here, there) {
        assert_eq!(outcome, Outcome::Output("\"user:$2a$10$ 65 60 some text to hide\"".to_string()));
    }
}
