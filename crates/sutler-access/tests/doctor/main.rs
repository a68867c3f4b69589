//! Each check of the doctor with a case that provokes it, as data, and what it then says. `docs/doctor.md` is made from this:
//! `UPDATE=1 cargo test -p sutler-access --test doctor` writes it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod healthy;

use std::path::Path;

use sutler_access::doctor::{Check, Facts, Link, State, explain, to_text, verdict};

/// A fault and how it is made out of what is healthy.
struct Case {
    /// What is wrong, as the documentation's table says it.
    title: &'static str,
    /// What was healthy.
    base: fn() -> Facts,
    /// The fault.
    change: fn(&mut Facts),
    /// The link that tells of it.
    check: Check,
    state: State,
}

/// Where the part of the page begins that the tests of `sutler-stack` make.
const END: &str = "<!-- From here on made by the tests of sutler-stack. -->\n";

const HEAD: &str = "\
# The doctor

`sutler doctor [permissions|pending|network|preflight|all]` says what is wrong with a cluster and what to change: in the simulator, on the cluster of a
stack, and with `--context NAME` on any cluster without a stack.yaml. The summary comes first, then only what is not well. `-n NAMESPACE` keeps to
one namespace, and to the rights of somebody who has no others. `-o json` prints the same with a version. Exit code: 0 if nothing is broken, 1 if
something is `FAILED` (or could not be asked at all). What is `UNKNOWN` says why, and fails nothing.

# Why AWS says 403

The chain from a pod to what it wants: service account, annotation or association, webhook and token, identity provider, trust policy, network,
session, policies, key. Each link is `OK`, `FAILED`, `WARNING`, `UNKNOWN` (with the reason), or `–` where it would hold and is not reached. The
first `FAILED` is the one to mend first.

The chain is a plain function of facts, `sutler_access::doctor::explain`: it asks nobody, and says the same of a plan, of the simulator and of a
cluster. This page is made by its tests: every line below is what it says in the case named beside it. None of it was yet tried on AWS itself.
";

fn sentence(link: &Link) -> String {
    let mut text = format!("`{}` {}", link.state, link.text);
    link.evidence.iter().for_each(|line| text.push_str(&format!("<br>{line}")));
    text.replace('|', "\\|")
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## Cases\n\n| What is wrong | What is said | The fix |\n| --- | --- | --- |\n");
    for case in cases::CASES {
        let mut facts = (case.base)();
        (case.change)(&mut facts);
        let links = explain(&facts);
        let found = links.iter().find(|link| link.check == case.check && link.state == case.state);
        let link = found.unwrap_or_else(|| panic!("{}: nothing is said:\n{}", case.title, to_text(&links)));
        let fix = link.fix.as_deref().unwrap_or("").replace('|', "\\|");
        page.push_str(&format!("| {} | {} | {fix} |\n", case.title, sentence(link)));
    }
    page.push_str("\n## Whole chains\n");
    for (title, base, change) in cases::CHAINS {
        let mut facts = base();
        change(&mut facts);
        page.push_str(&format!("\n{title}:\n\n```text\n{}```\n", to_text(&explain(&facts))));
    }
    page.push('\n');
    page
}

#[test]
fn the_page_says_what_the_doctor_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/doctor.md");
    let page = page();
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let (mut written, rest) = written.split_once(END).unwrap_or((&written, ""));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{page}{END}{rest}")).unwrap();
        written = &page;
    }
    let different = page.lines().zip(written.lines()).find(|(one, other)| one != other);
    assert!(page == written, "docs/doctor.md is not what is said; UPDATE=1 writes it anew. First: {different:#?}");
}

#[test]
fn what_is_healthy_is_found_healthy() {
    for base in [healthy::web_identity, healthy::pod_identity] {
        let links = explain(&base());
        assert!(links.iter().all(|link| link.state == State::Ok && link.fix.is_none()), "{}", to_text(&links));
        assert_eq!(verdict(&links), Some(true));
    }
}

#[test]
fn every_fault_is_told_and_not_taken_for_another() {
    for case in cases::CASES {
        let mut facts = (case.base)();
        (case.change)(&mut facts);
        let links = explain(&facts);
        let first = links.iter().find(|link| matches!(link.state, State::Failed | State::Warning | State::Unknown));
        // The node's role answers because of something else, which is told before.
        let first = first.filter(|_| case.check != Check::Caller || case.state == State::Failed);
        let first = first.or_else(|| links.iter().find(|link| link.check == case.check));
        let first = first.unwrap_or_else(|| panic!("{}: nothing is wrong", case.title));
        assert_eq!((first.check, first.state), (case.check, case.state), "{}:\n{}", case.title, to_text(&links));
        assert!(first.fix.is_some() || case.state == State::Unknown, "{}: no fix", case.title);
    }
}

#[test]
fn nothing_known_is_nothing_claimed() {
    let links = explain(&Facts::default());
    assert!(!links.is_empty() && links.iter().all(|link| link.state == State::Unknown), "{}", to_text(&links));
    assert_eq!(verdict(&links), None);
}
