//! Installs and upgrades releases, each as soon as those it needs are ready.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sutler_release::plan::INPUTS;
use sutler_release::{
    ApplyChoice, Base, DEFAULT_HISTORY_MAX, InstallRequest, ObjectRef, Options, Release, Releases, Source,
    UpgradeRequest, ValuesFrom,
};

use super::{ApplyError, Applying};
use crate::event::{Event, Sink};
use crate::names::{NEEDS_ANNOTATION, SECRETS_ANNOTATION, STACK_LABEL};
use crate::plan::{Action, Plan, Step, Subject};
use crate::prepare::PreparedRelease;

/// Applies the steps of releases that are installed or changed, and returns the revisions that were made.
pub(super) async fn apply(applying: &Applying<'_>, plan: &Plan) -> Result<Vec<Release>, ApplyError> {
    let releases = applying.session.releases();
    let mut waiting: BTreeMap<&str, (&PreparedRelease, &Step)> = BTreeMap::new();
    let mut ready: BTreeSet<String> = BTreeSet::new();
    for prepared in &applying.prepared.releases {
        let id = prepared.release.id.as_str();
        let step =
            plan.steps.iter().find(|step| matches!(&step.subject, Subject::Release { id: known, .. } if known == id));
        match step {
            Some(step) if !matches!(step.action, Action::Unchanged | Action::Remove) => {
                waiting.insert(id, (prepared, step));
            }
            _ => drop(ready.insert(id.to_owned())),
        }
    }
    let mut running = FuturesUnordered::new();
    let (mut done, mut failure) = (Vec::new(), None);
    loop {
        if failure.is_none() {
            let startable: Vec<&str> = waiting
                .iter()
                .filter(|(_, (prepared, _))| prepared.release.needs.iter().all(|needed| ready.contains(needed)))
                .map(|(id, _)| *id)
                .collect();
            for id in startable {
                if let Some((prepared, step)) = waiting.remove(id) {
                    running.push(one(applying, &releases, prepared, step));
                }
            }
        }
        match running.next().await {
            None => break,
            Some(Ok(release)) => {
                let (id, release): (String, Release) = release;
                ready.insert(id);
                done.push(release);
            }
            Some(Err(error)) => drop(failure.get_or_insert(error)),
        }
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(done),
    }
}

async fn one(
    applying: &Applying<'_>,
    releases: &Releases,
    prepared: &PreparedRelease,
    step: &Step,
) -> Result<(String, Release), ApplyError> {
    let world = &applying.session.world;
    let begun = world.now();
    let release = &prepared.release;
    (applying.sink)(Event::Started { subject: step.subject.clone(), action: step.action });
    let mut annotations = BTreeMap::from([
        (INPUTS.to_owned(), prepared.inputs_digest.clone()),
        (NEEDS_ANNOTATION.to_owned(), needs(applying, prepared)),
    ]);
    annotations.extend(prepared.secrets_digest.clone().map(|digest| (SECRETS_ANNOTATION.to_owned(), digest)));
    // The plan holds only for the revision that it was made from: if somebody was faster, nothing is written.
    let base = match &step.subject {
        Subject::Release { revision: Some(revision), .. } if step.action != Action::Create => Base::Revision(*revision),
        _ => Base::Missing,
    };
    let options = Options {
        base,
        timeout: release.timeout,
        recover: applying.recover,
        labels: BTreeMap::from([(STACK_LABEL.to_owned(), applying.stack.name.clone())]),
        annotations,
        ..Options::default()
    };
    let source = Source::Rendered(Box::new(prepared.content.clone()));
    let mut progress = Progress::new(step.subject.clone(), Arc::clone(&applying.sink));
    let is_new = step.action == Action::Create;
    let outcome = if is_new {
        let request = InstallRequest {
            name: release.name.clone(),
            namespace: release.namespace.clone(),
            create_namespace: true,
            source,
            skip_crds: false,
            replace: true,
            options,
        };
        releases.install(&request, &mut |event| progress.tell(event)).await
    } else {
        let request = UpgradeRequest {
            name: release.name.clone(),
            namespace: release.namespace.clone(),
            source,
            values_from: ValuesFrom::Given,
            apply: ApplyChoice::Auto,
            history_max: DEFAULT_HISTORY_MAX,
            cleanup_on_fail: false,
            install_if_missing: Some(Default::default()),
            options,
        };
        releases.upgrade(&request, &mut |event| progress.tell(event)).await
    };
    match outcome {
        Ok(made) => {
            let ready = progress.ready.len();
            let outcome = format!("revision {}, {ready} of {ready} ready", made.version);
            let took = world.now().duration_since(begun);
            (applying.sink)(Event::Finished { subject: step.subject.clone(), action: step.action, outcome, took });
            Ok((release.id.clone(), made))
        }
        Err(source) => {
            (applying.sink)(Event::Failed { subject: step.subject.clone() });
            let done = if is_new { "installed" } else { "upgraded" };
            Err(ApplyError::Release { release: release.id.clone(), done, source: Box::new(source) })
        }
    }
}

/// The names of the releases that one needs, for its record: `down` goes by them.
fn needs(applying: &Applying<'_>, prepared: &PreparedRelease) -> String {
    let name = |id: &String| applying.stack.release(id).map(|release| release.name.clone());
    prepared.release.needs.iter().filter_map(name).collect::<Vec<_>>().join(",")
}

/// Turns a release's events into the stack's: what is waited for, and how much of it is there.
pub(super) struct Progress {
    subject: Subject,
    sink: Sink,
    waited_for: BTreeMap<String, String>,
    pub(super) ready: BTreeSet<String>,
}

impl Progress {
    pub(super) fn new(subject: Subject, sink: Sink) -> Self {
        Progress { subject, sink, waited_for: BTreeMap::new(), ready: BTreeSet::new() }
    }

    pub(super) fn tell(&mut self, event: sutler_release::Event) {
        use sutler_release::Event as Told;
        let name = |object: &ObjectRef| format!("{} {}", object.kind, object.name);
        match event {
            Told::Waiting { object, reason } => {
                self.waited_for.insert(name(&object), reason.clone());
                self.waiting(format!("{}: {reason}", name(&object)));
            }
            Told::Ready { object } => {
                self.waited_for.remove(&name(&object));
                self.ready.insert(name(&object));
                if let Some((object, reason)) = self.waited_for.first_key_value() {
                    self.waiting(format!("{object}: {reason}"));
                }
            }
            Told::Recovering { revision, holder, .. } => {
                let who = holder.map(|holder| format!(" by {holder}")).unwrap_or_default();
                self.waiting(format!("finishing revision {revision}, begun{who}"));
            }
            Told::HookStarted { object, .. } => self.waiting(format!("hook {}", name(&object))),
            _ => {}
        }
    }

    fn waiting(&self, reason: String) {
        let ready = self.ready.len();
        let event =
            Event::Waiting { subject: self.subject.clone(), ready: (ready, ready + self.waited_for.len()), reason };
        (self.sink)(event);
    }
}
