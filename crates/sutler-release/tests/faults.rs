//! What happens when calls fail, are cut before or after they took effect, or when an operation dies half-way.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use support::*;
use sutler_release::Error;
use sutler_simulator::FaultPlan;
use sutler_simulator::faults::{Fault, FaultRule};

fn rule(fault: Fault, nth: u64, times: Option<u64>) -> FaultPlan {
    let rule = FaultRule { verb: None, resource: None, namespace: None, name: None, nth, times, chance: None, fault };
    FaultPlan { seed: 0, rules: vec![rule] }
}

fn first() -> String {
    config_map("a", "{x: '1'}") + &config_map("b", "{w: '1'}")
}

fn second() -> String {
    config_map("a", "{x: '2'}") + &config_map("c", "{z: '2'}")
}

/// What the cluster holds of the release: the last status, and the three objects.
async fn state(lab: &Lab) -> String {
    let last = lab.releases.history("ns", "web").await.unwrap();
    let last = last.last().map_or("none".to_owned(), |release| release.info.status.to_string());
    format!("{last}: {} {} {}", lab.data("a").await, lab.data("b").await, lab.data("c").await)
}

const FIRST: &str = r#"deployed: {"x":"1"} {"w":"1"} not there"#;
const SECOND: &str = r#"deployed: {"x":"2"} not there {"z":"2"}"#;
const NOTHING: &str = "none: not there not there not there";

async fn installed() -> Lab {
    let lab = Lab::new();
    lab.install(&installation(content(&first()))).await.0.unwrap();
    lab
}

#[tokio::test]
async fn one_cut_anywhere_in_an_install_is_got_over() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        // The first call of all may fail for good: an API that never answered is not waited for.
        for nth in 2.. {
            let lab = Lab::new();
            lab.releases.cluster().version().await.unwrap();
            lab.simulator.set_faults(rule(fault.clone(), nth, Some(1)));
            let (result, told) = lab.install(&installation(content(&first()))).await;
            result.unwrap_or_else(|error| panic!("{fault:?} at call {nth}: {error:?}\n{told:?}"));
            lab.simulator.set_faults(FaultPlan::default());
            assert_eq!(state(&lab).await, FIRST, "{fault:?} at call {nth}");
            assert_eq!(lab.statuses("web").await, "1 deployed", "{fault:?} at call {nth}");
            if nth > 60 {
                break;
            }
        }
    }
}

/// Lets every call from the nth on fail until an operation no longer meets the fault; after each, the next one finishes.
async fn dies_at_every_call(
    fault: &Fault,
    begin: impl AsyncFn() -> Lab,
    operation: impl AsyncFn(&Lab) -> Result<(), Error>,
    finish: impl AsyncFn(&Lab) -> Result<(), Error>,
    end: &str,
) -> u64 {
    for nth in 1.. {
        let lab = begin().await;
        // Cut once after the effect, and from then on before it: the caller is gone for good.
        let mut plan = rule(fault.clone(), nth, Some(1));
        plan.rules.extend(rule(Fault::CutBefore, nth, None).rules);
        lab.simulator.set_faults(plan);
        let result = operation(&lab).await;
        lab.simulator.set_faults(FaultPlan::default());
        if result.is_ok() {
            assert_eq!(state(&lab).await, end, "without a fault");
            return nth - 1;
        }
        // Somebody else comes: the lease of the one who died has to lapse, or is refused.
        let other = lab.other("bob@elsewhere");
        let mut finished = finish(&other).await;
        if let Err(Error::Busy { lease, .. }) = &finished {
            assert_eq!(lease.holder.who, "ada@lab");
            let lapses = lease.lapses();
            while other.simulator.now() < lapses {
                other.simulator.wait(lapses, None).await;
            }
            finished = finish(&other).await;
        }
        finished.unwrap_or_else(|error| panic!("{fault:?} from call {nth}: {error:?}"));
        assert_eq!(state(&other).await, end, "{fault:?} from call {nth}");
    }
    unreachable!("the operation ends at some call")
}

async fn to_second(lab: &Lab) -> Result<(), Error> {
    lab.upgrade(&upgrade(content(&second()))).await.0.map(drop)
}

#[tokio::test]
async fn an_install_that_died_at_any_call_is_finished_by_the_next_operation() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let install = async |lab: &Lab| lab.install(&installation(content(&second()))).await.0.map(drop);
        let calls = dies_at_every_call(&fault, async || Lab::new(), install, to_second, SECOND).await;
        assert!(calls > 8, "only {calls} calls were cut");
    }
}

#[tokio::test]
async fn an_upgrade_that_died_at_any_call_is_finished_by_the_next_operation() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let calls = dies_at_every_call(&fault, installed, to_second, to_second, SECOND).await;
        assert!(calls > 8, "only {calls} calls were cut");
    }
}

#[tokio::test]
async fn an_upgrade_that_died_at_any_call_can_be_taken_back_by_another() {
    let back = async |lab: &Lab| lab.upgrade(&upgrade(content(&first()))).await.0.map(drop);
    for nth in 1..40 {
        let lab = installed().await;
        lab.simulator.set_faults(rule(Fault::CutBefore, nth, None));
        let result = to_second(&lab).await;
        lab.simulator.set_faults(FaultPlan::default());
        if result.is_ok() {
            break;
        }
        // The same one comes again: it knows that its own operation is over.
        back(&lab).await.unwrap_or_else(|error| panic!("from call {nth}: {error:?}"));
        assert_eq!(state(&lab).await, FIRST, "from call {nth}");
    }
}

#[tokio::test]
async fn an_uninstallation_that_died_at_any_call_is_finished_by_the_next_one() {
    let uninstall = async |lab: &Lab| match lab.uninstall("web").await.0 {
        Err(Error::NotFound { .. }) => Ok(()),
        other => other,
    };
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let calls = dies_at_every_call(&fault, installed, uninstall, uninstall, NOTHING).await;
        assert!(calls > 8, "only {calls} calls were cut");
    }
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let lab = installed().await;
    let busy =
        Fault::Status { code: 429, reason: "TooManyRequests".into(), message: None, retry_after_seconds: Some(2) };
    lab.simulator.set_faults(rule(busy, 3, Some(3)));
    to_second(&lab).await.unwrap();
    lab.simulator.set_faults(FaultPlan::default());
    assert_eq!(state(&lab).await, SECOND);
}

#[tokio::test]
async fn what_is_forbidden_names_verb_resource_and_namespace() {
    let lab = Lab::new();
    let mut plan = rule(
        Fault::Status { code: 403, reason: "Forbidden".into(), message: Some("no".into()), retry_after_seconds: None },
        1,
        None,
    );
    plan.rules[0].verb = Some("patch".into());
    plan.rules[0].resource = Some("configmaps".into());
    lab.simulator.set_faults(plan);
    let text = in_full(lab.install(&installation(content(&config_map("a", "{}")))).await.0);
    assert_eq!(text, "forbidden: may not patch configmaps `a` in namespace `ns`: no");
}

#[tokio::test]
async fn an_api_that_does_not_answer_is_named_by_its_address() {
    let lab = Lab::new();
    lab.simulator.set_faults(rule(Fault::CutBefore, 1, None));
    let text = in_full(lab.install(&installation(content(&first()))).await.0);
    assert!(
        text.starts_with("kubernetes cluster unreachable at the simulator: could not list secrets in namespace `ns`: "),
        "{text}"
    );
}

#[tokio::test]
async fn an_operation_at_work_bars_another_and_a_foreign_one_is_taken_over_only_if_asked() {
    let lab = installed().await;
    // A pending record as Helm leaves it: without a lease.
    let mut release = lab.releases.get("ns", "web", None).await.unwrap();
    release.version = 2;
    release.set_status(sutler_release::Status::PendingUpgrade, "Preparing upgrade");
    release.annotations.clear();
    release.resource_version = None;
    let secret = sutler_release::record::to_secret(&release, lab.simulator.now());
    let request = http::Request::post("/api/v1/namespaces/ns/secrets")
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&secret).unwrap())
        .unwrap();
    lab.simulator.client().request::<serde_json::Value>(request).await.unwrap();
    let mut request = upgrade(content(&second()));
    assert_eq!(
        in_full(lab.upgrade(&request).await.0),
        "another operation (install/upgrade/rollback) is in progress: release `web` revision 2 is pending-upgrade"
    );
    request.options.recover = true;
    let (result, told) = lab.upgrade(&request).await;
    result.unwrap();
    assert_eq!(told[0], "recovering 2 from pending-upgrade");
    assert_eq!(lab.statuses("web").await, "1 superseded, 2 failed, 3 deployed");
    assert_eq!(state(&lab).await, SECOND);
}
